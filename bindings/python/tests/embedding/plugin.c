/* A plug-in that brings Python along into a program which has regrow already: Python registers servers under names, and
 * they stand under a supervisor of C's, beside a child of C's. Ends the program at the first thing that is not so. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "../../../../tests/c/test.h"

#include <dlfcn.h>
#include <string.h>

static const char SERVERS[] =
  "import regrow, threading, time\n"
  "class Counter(regrow.Server):\n"
  "    def init(self, start):\n"
  "        self.count = start\n"
  "    def handle_call(self, request):\n"
  "        if request == 'asks':\n"
  "            return regrow.Address('native').call('x')\n"
  "        if request == 'raises':\n"
  "            raise ValueError('as it should be')\n"
  "        if request == 'waits':\n"
  "            time.sleep(100)\n"
  "        self.count += 1\n"
  "        return self.count\n"
  "regrow.register_behaviour('python counter', regrow.ServerSpec(Counter, 0))\n"
  "regrow.register_behaviour('shared counter', regrow.ServerSpec(Counter, 100, home='shared', inline=True))\n";

/* An interpreter that follows one which has ended. */
static const char AGAIN[] =
  "try:\n"
  "    import regrow\n"
  "except ImportError as error:\n"
  "    assert 'has ended in this program before' in str(error), error\n"
  "else:\n"
  "    raise AssertionError('imported')\n";

/* ---- Python in this program ---- */

/* Begins an interpreter, whose lock this thread has, and runs a program. */
static void begin_python(const char *program, const char *code)
{
  PyConfig config;
  PyConfig_InitPythonConfig(&config);
  config.install_signal_handlers = 0; /* they are the program's */
  config.parse_argv = 0;
  CHECK(!PyStatus_Exception(PyConfig_SetBytesString(&config, &config.program_name, program)));
  CHECK(!PyStatus_Exception(Py_InitializeFromConfig(&config)));
  PyConfig_Clear(&config);
  CHECK(PyRun_SimpleString(code) == 0);
}

/* How many files named libregrow this program has loaded. */
static size_t libraries(void)
{
  FILE *maps = fopen("/proc/self/maps", "r");
  char line[4096], path[4096], seen[8][4096];
  size_t count = 0;
  CHECK(maps);
  while (fgets(line, sizeof line, maps)) {
    if (sscanf(line, "%*s %*s %*s %*s %*s %4095s", path) != 1 || !strstr(path, "/libregrow"))
      continue;
    size_t at = 0;
    while (at < count && strcmp(seen[at], path))
      at++;
    CHECK(at < 8);
    if (at == count)
      strcpy(seen[count++], path);
  }
  fclose(maps);
  return count;
}

/* ---- the tree ---- */

static regrow_next answer(regrow_context *context, void *state, const regrow_term *request)
{
  return regrow_reply(context, regrow_text("native"));
}

static regrow_child_spec behaviour(regrow_behaviour_spec *spec, const char *name, const char *id)
{
  *spec = (regrow_behaviour_spec){ .size = sizeof *spec, .name = name };
  return (regrow_child_spec){ .size = sizeof(regrow_child_spec), .id = id, .name = id, .kind = REGROW_BEHAVIOUR,
                              .spec = spec };
}

static regrow_pid start_tree(regrow_pid root)
{
  regrow_server_spec native = { .size = sizeof native, .handle_call = answer };
  regrow_behaviour_spec counter, shared;
  regrow_child_spec children[] = {
    { .size = sizeof *children, .id = "native", .name = "native", .kind = REGROW_SERVER, .spec = &native },
    behaviour(&counter, "python counter", "counter"),
    behaviour(&shared, "shared counter", "shared"),
  };
  regrow_supervisor_spec spec = { .size = sizeof spec, .children = children, .child_count = 3, .max_restarts = 10 };
  regrow_child_spec child = { .size = sizeof child, .id = "top", .kind = REGROW_SUPERVISOR, .spec = &spec };
  regrow_pid top;
  CHECK_OK(regrow_supervisor_start_child(root, &child, &top));
  return top;
}

/* Asks whoever has a name, waiting through a restart. */
static regrow_error ask(regrow_pid root, const char *name, const char *request, uint32_t timeout_ms, regrow_term *reply)
{
  regrow_address address = { .size = sizeof address, .runtime = root, .name = name, .wait_ms = 20000 };
  return regrow_call_at(&address, regrow_text(request), timeout_ms, reply);
}

static int64_t count(regrow_pid root, const char *name)
{
  regrow_term reply;
  int64_t number = -1;
  CHECK_OK(ask(root, name, "next", 20000, &reply));
  CHECK(regrow_as_int(&reply, &number));
  regrow_term_free(&reply);
  return number;
}

/* Ends a process and waits until that is so. */
static void end(regrow_pid root, const char *name, const char *reason)
{
  regrow_pid pid;
  regrow_ref monitor;
  regrow_term down;
  CHECK_OK(regrow_whereis(root, name, &pid));
  CHECK_OK(regrow_monitor(pid, &monitor));
  CHECK_OK(regrow_exit(pid, regrow_atom(reason)));
  CHECK_OK(regrow_receive(20000, &down));
  regrow_term_free(&down);
}

static void regrows(regrow_pid root, const char *name, int64_t first)
{
  CHECK(count(root, name) == first && count(root, name) == first + 1);
  end(root, name, "kill");
  CHECK(count(root, name) == first && count(root, name) == first + 1);
}

int run(const char *program);

int run(const char *program)
{
  regrow_options options = { .size = sizeof options, .log_level = REGROW_LOG_SILENT };
  regrow_pid root, self;
  regrow_term reply;
  CHECK_OK(regrow_init(&options, &root));
  /* Extension modules are not linked with libpython: it is to be in everybody's scope. */
  CHECK(dlopen(LIBPYTHON, RTLD_NOW | RTLD_GLOBAL));
  begin_python(program, SERVERS);
  PyThreadState *python = PyEval_SaveThread(); /* from now on each callback takes the interpreter's lock */
  CHECK(libraries() == 1);
  start_tree(root);
  CHECK_OK(regrow_enter(root, &self));

  regrows(root, "counter", 1);
  regrows(root, "shared", 101);
  /* A callback of Python's waits for C, and its exception is a reason. */
  CHECK_OK(ask(root, "counter", "asks", 20000, &reply));
  const char *text;
  CHECK(regrow_as_text(&reply, &text) && !strcmp(text, "native"));
  regrow_term_free(&reply);
  CHECK_ERROR(REGROW_ERR_EXITED, ask(root, "counter", "raises", 20000, &reply));
  CHECK(count(root, "counter") == 1);
  /* What Python waits in leaves the interpreter to others, and can be killed. */
  CHECK_ERROR(REGROW_ERR_TIMEOUT, ask(root, "counter", "waits", 50, &reply));
  CHECK(count(root, "shared") == 103);
  end(root, "counter", "kill");
  CHECK(count(root, "counter") == 1);

  CHECK_OK(regrow_leave());
  /* The interpreter ends before the tree does: its servers end as they are told, and none is started any more, which is
   * more than their supervisors bear. */
  PyEval_RestoreThread(python);
  CHECK(Py_FinalizeEx() == 0);
  regrow_behaviour_spec spec;
  regrow_child_spec child = behaviour(&spec, "python counter", "late");
  CHECK_ERROR(REGROW_ERR_START, regrow_supervisor_start_child(root, &child, NULL));
  CHECK_ERROR(REGROW_ERR_EXITED, ask(root, "counter", "next", 20000, &reply));
  regrow_shutdown(root, 200, NULL); /* the sleeper stays */

  begin_python(program, AGAIN);
  CHECK(Py_FinalizeEx() == 0);
  puts("it regrew");
  return 0;
}
