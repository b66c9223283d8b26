/* A program that knows nothing of regrow or Python, and loads a plug-in for itself alone, as the BEAM does. */
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv)
{
  void *plugin = argc == 3 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
  int (*run)(const char *) = plugin ? (int (*)(const char *))dlsym(plugin, "run") : NULL;
  if (!run) {
    fprintf(stderr, "no plug-in: %s\n", argc == 3 ? dlerror() : "it is not named");
    return 1;
  }
  return run(argv[2]);
}
