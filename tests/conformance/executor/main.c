/* regrow-conformance - carries out a scenario through regrow.h and writes its trace (FORMAT.md).
 *
 *   regrow-conformance SCENARIO
 *   regrow-conformance --operations   the names of the operations that it supports, a line each
 *   REGROW_WORKERS=N       threads of the runtime; without it, what the runtime finds right
 *   REGROW_CLOCK=manual    no time but that of the scenario
 *
 * Exit status 0: done. 77: the scenario uses something that this executor does not support. Else: failed.
 *
 * How it hangs together:
 *   scenario, support    the file; what of it can be carried out
 *   places               declarations as child specs; who started whom
 *   worker, do           the servers of a scenario, and operations that they carry out themselves
 *   operation            all operations by name: processes, supervisors, registries, tables, agents,
 *                        groups, tasks
 *   attempts, recorder   every process: its label, its end
 *   trace                what happened, in the order of the format
 *   clock                when a step is over
 *   text, words, marks   text; terms as words; names of monitors and timers
 *
 * Main is a process too (regrow_enter): it issues the steps, traps exits, and is the parent of what `start` starts. */
#define _POSIX_C_SOURCE 200809L /* alarm, write */

#include "attempts.h"
#include "clock.h"
#include "marks.h"
#include "operation.h"
#include "places.h"
#include "recorder.h"
#include "support.h"
#include "trace.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FAILED = 1, UNSUPPORTED = 77 };

enum {
  LONGEST_RUN_S = 25, /* a little less than run.py waits, to say where it hangs */
  SHUTDOWN_MS = 10000
};

static const char *volatile step_under_way = "before the first step";

static void say_where_it_hangs(int signal_number)
{
  (void)signal_number;
  static const char says[] = "regrow-conformance: hangs in: ";
  const char *step = step_under_way;
  if (write(STDERR_FILENO, says, sizeof says - 1) < 0 || write(STDERR_FILENO, step, strlen(step)) < 0 ||
      write(STDERR_FILENO, "\n", 1) < 0)
    _exit(FAILED);
  _exit(FAILED);
}

static void must(regrow_error error, const char *what)
{
  if (error)
    give_up("%s: %s", what, regrow_error_name(error));
}

static regrow_pid start_runtime(void)
{
  const char *workers = getenv("REGROW_WORKERS");
  const char *clock = getenv("REGROW_CLOCK");
  bool is_manual = clock && !strcmp(clock, "manual");
  regrow_options options = {
      .size = sizeof options,
      .workers = workers ? (uint32_t)strtoul(workers, NULL, 10) : 0,
      .clock = is_manual ? REGROW_MANUAL : REGROW_MONOTONIC,
      .log_level = REGROW_LOG_SILENT,
  };
  regrow_pid runtime, main_pid;
  bool before;
  must(regrow_init(&options, &runtime), "regrow_init");
  must(regrow_enter(runtime, &main_pid), "regrow_enter");
  must(regrow_trap_exit(true, &before), "regrow_trap_exit");
  attempts_set_main(main_pid);
  clock_start(runtime, is_manual);
  recorder_start(runtime);
  return runtime;
}

/* Stops what is left of the scenario; what cannot be stopped is a failure. A shutdown moves a manual clock itself. */
static void stop_runtime(regrow_pid runtime)
{
  step_under_way = "the end";
  clock_stop();
  must(regrow_leave(), "regrow_leave");
  must(regrow_shutdown(runtime, SHUTDOWN_MS, NULL), "regrow_shutdown");
}

static void carry_out(const struct line *step, regrow_pid runtime)
{
  struct arguments arguments = {.line = step, .first = 1, .is_main = true, .runtime = runtime};
  struct text result = {0};
  size_t unread;
  step_under_way = step->text;
  trace_step(step->text);
  clock_lend();
  operation_named(line_word(step, 0), BY_MAIN)(&arguments, &result);
  clock_settle();
  clock_take_back();
  regrow_flush(&unread); /* what main received is not recorded */
  trace_result(text_get(&result));
  text_free(&result);
}

static void run(const struct scenario *scenario)
{
  regrow_pid runtime = start_runtime();
  places_use(scenario);
  trace_scenario(scenario->name);
  for (size_t i = 0; i < scenario->step_count; i++)
    carry_out(&scenario->steps[i], runtime);
  trace_final();
  stop_runtime(runtime);
  trace_free();
  places_free();
  attempts_free();
  registries_free();
  tables_free();
  marks_free();
}

int main(int argc, char **argv)
{
  struct scenario scenario;
  if (argc == 2 && !strcmp(argv[1], "--operations")) {
    operations_print();
    return fflush(stdout) ? FAILED : EXIT_SUCCESS;
  }
  if (argc != 2 || !scenario_read(&scenario, argv[1])) {
    fprintf(stderr, "usage: %s SCENARIO | --operations\n", argv[0]);
    return FAILED;
  }
  if (is_supported(&scenario)) {
    signal(SIGALRM, say_where_it_hangs);
    alarm(LONGEST_RUN_S);
    run(&scenario);
    scenario_free(&scenario);
    return fflush(stdout) ? FAILED : EXIT_SUCCESS;
  }
  scenario_free(&scenario);
  return UNSUPPORTED;
}
