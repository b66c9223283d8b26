/* Plug-ins: shared libraries that register behaviours (regrow_behaviour_register), which child specs name. */
#include <dlfcn.h>
#include <string.h>

#include "nif.h"

/* What a plug-in has: `regrow_error regrow_plugin(void)`. */
typedef regrow_error plugin_function(void);

static ERL_NIF_TERM failed(ErlNifEnv *env, const char *text) {
  ERL_NIF_TERM bytes;
  size_t size = strlen(text);
  memcpy(enif_make_new_binary(env, size, &bytes), text, size);
  return enif_make_tuple2(env, atoms.error, enif_make_tuple2(env, enif_make_atom(env, "load_failed"), bytes));
}

/* load_plugin(Path) -> ok | {error, Reason}. Dirty: it reads a file. A plug-in is never unloaded, since its functions
 * are behaviours from then on. */
NIF(nif_load_plugin) {
  (void)argc;
  ErlNifBinary path;
  char name[4096];
  if (!enif_inspect_binary(env, argv[0], &path) || path.size == 0 || path.size >= sizeof name ||
      memchr(path.data, 0, path.size) != NULL)
    return enif_make_badarg(env);
  memcpy(name, path.data, path.size);
  name[path.size] = 0;
  void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library == NULL) return failed(env, dlerror());
  void *symbol = dlsym(library, "regrow_plugin");
  if (symbol == NULL) return failed(env, "it has no function regrow_plugin");
  plugin_function *begin;
  memcpy(&begin, &symbol, sizeof begin);
  regrow_error error = begin();
  return error == REGROW_OK ? atoms.ok : error_out(env, NULL, error);
}
