/* The plug-in that brings Python along: runs counter.py, which registers the child in Python, and lets go of the
 * interpreter's lock, which each callback takes. PYTHON, LIBPYTHON and PROGRAM are the Makefile's. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <dlfcn.h>

#include "regrow.h"

static int run(const char *path) {
  FILE *file = fopen(path, "r");
  return file != NULL && PyRun_SimpleFileEx(file, path, 1) == 0;
}

static int begin(void) {
  PyConfig config;
  PyConfig_InitPythonConfig(&config);
  config.install_signal_handlers = 0; /* they are the BEAM's */
  config.parse_argv = 0;
  /* That of a virtual environment, by which it finds its packages. */
  PyStatus status = PyConfig_SetBytesString(&config, &config.program_name, PYTHON);
  if (!PyStatus_Exception(status)) status = Py_InitializeFromConfig(&config);
  PyConfig_Clear(&config);
  return !PyStatus_Exception(status);
}

regrow_error regrow_plugin(void);

regrow_error regrow_plugin(void) {
  /* Python's extension modules are not linked with libpython, and find it in the scope of the whole program. */
  if (dlopen(LIBPYTHON, RTLD_NOW | RTLD_GLOBAL) == NULL || !begin()) return REGROW_ERR_NOT_FOUND;
  int done = run(PROGRAM);
  PyEval_SaveThread();
  return done ? REGROW_OK : REGROW_ERR_NOT_FOUND;
}
