/* tasks.c - tasks that a process starts, and what it does with them at once. */
#include "marks.h"
#include "operation.h"
#include "recorder.h"
#include "worker.h"
#include "words.h"

#include <stdlib.h>
#include <string.h>

#define MARK "task" /* what the trace calls the monitor of each task */

enum { HANGING_MS = 20, LIMIT_MS = 1000 };

/* What the task is to do; words of the step, which outlive it. */
struct work {
  const char *id, *behaviour;
  regrow_pid owner; /* who hears that it hangs; zero: nobody */
};

/* ---- the task ---- */

static void hang(void)
{
  regrow_term message;
  while (regrow_receive(REGROW_INFINITY, &message) == REGROW_OK)
    regrow_term_free(&message);
}

static const char *after(const char *behaviour, const char *name)
{
  size_t length = strlen(name);
  return !strncmp(behaviour, name, length) ? behaviour + length : NULL;
}

static regrow_next run(regrow_context *context, void *user, const regrow_term *argument, regrow_term *value)
{
  (void)argument;
  struct work work = *(struct work *)user;
  regrow_pid self = {0};
  const char *word;
  bool before;
  if (regrow_self(&self))
    return REGROW_DONE;
  struct attempt *attempt = attempt_begin(work.id, NULL, NULL, self);
  recorder_watch(self);
  attempt_came_up(attempt);
  if ((word = after(work.behaviour, "ret:"))) {
    *value = term_of_word(word);
    return REGROW_DONE;
  }
  if ((word = after(work.behaviour, "exit:")))
    return regrow_stop_self(context, reason_of_word(word));
  if (!strcmp(work.behaviour, "traphang"))
    regrow_trap_exit(true, &before);
  if (work.owner.id)
    regrow_send(work.owner, pair(regrow_atom(TAG_HANGS), regrow_from_pid(self)));
  hang();
  return REGROW_DONE;
}

/* ---- its owner ---- */

static bool hangs(const struct work *work)
{
  return !strcmp(work->behaviour, "hang") || !strcmp(work->behaviour, "traphang");
}

static bool is_sign_of(void *user, const regrow_term *message)
{
  const regrow_task *task = user;
  regrow_pid pid;
  regrow_ref ref;
  if (regrow_is_atom(element(message, 0), TAG_HANGS))
    return regrow_as_pid(element(message, 1), &pid) && pid.id == task->pid.id;
  return regrow_is_atom(element(message, 0), "DOWN") && regrow_as_ref(element(message, 1), &ref) &&
         ref.id == task->monitor.id;
}

/* Until the task has ended, or hangs. */
static void wait_until_it_rests(regrow_task task)
{
  struct regrow_task sign = {.pid = task.pid};
  regrow_term message;
  bool removed;
  if (regrow_monitor(task.pid, &sign.monitor))
    return;
  if (!regrow_receive_match(is_sign_of, &sign, REGROW_INFINITY, &message))
    regrow_term_free(&message);
  regrow_demonitor(sign.monitor, REGROW_FLUSH, &removed);
}

static void add_end(struct text *result, regrow_error error, bool is_await, regrow_term *value)
{
  regrow_term reason;
  switch (error) {
  case REGROW_OK:
    text_add(result, "ok ");
    text_add_term(result, value);
    regrow_term_free(value);
    break;
  case REGROW_ERR_EXITED:
    text_add(result, "exit ");
    regrow_last_reason(&reason);
    text_add_term(result, &reason);
    regrow_term_free(&reason);
    break;
  case REGROW_ERR_TIMEOUT:
    text_add(result, is_await ? "exit timeout" : "nil");
    break;
  case REGROW_ERR_NOT_FOUND:
    text_add(result, "nil");
    break;
  default:
    add_failure(result, error);
  }
}

/* A copy for the task, freed with it. */
static regrow_task_spec task_spec(const struct arguments *arguments, bool says_that_it_hangs)
{
  struct work *work = new_memory(sizeof *work);
  work->id = argument(arguments, 0);
  work->behaviour = argument(arguments, 1);
  if (says_that_it_hangs)
    regrow_self(&work->owner);
  return (regrow_task_spec){.size = sizeof(regrow_task_spec), .run = run, .user = work, .drop_user = free};
}

static uint32_t limit_of(const regrow_task_spec *spec)
{
  return hangs(spec->user) ? HANGING_MS : LIMIT_MS;
}

/* False: there is no task, and the result says why. */
static bool start(const struct arguments *arguments, bool says_that_it_hangs, regrow_task *task, uint32_t *limit_ms,
                  struct text *result)
{
  regrow_task_spec spec = task_spec(arguments, says_that_it_hangs);
  *limit_ms = limit_of(&spec);
  regrow_error error = regrow_task_async(&spec, task);
  if (error)
    add_failure(result, error);
  else
    mark_set(MARK, task->monitor);
  return !error;
}

void op_task_await(const struct arguments *arguments, struct text *result)
{
  regrow_task task;
  regrow_term value;
  uint32_t limit_ms;
  if (!start(arguments, false, &task, &limit_ms, result))
    return;
  add_end(result, regrow_task_await(task, limit_ms, &value), true, &value);
}

void op_task_yield(const struct arguments *arguments, struct text *result)
{
  regrow_task task;
  regrow_term value;
  uint32_t limit_ms;
  if (!start(arguments, false, &task, &limit_ms, result))
    return;
  add_end(result, regrow_task_yield(task, limit_ms, &value), false, &value);
}

static void end(const struct arguments *arguments, bool brutally, struct text *result)
{
  regrow_task task;
  regrow_term value;
  uint32_t limit_ms;
  if (!start(arguments, true, &task, &limit_ms, result))
    return;
  wait_until_it_rests(task);
  add_end(result, regrow_task_shutdown(task, brutally ? REGROW_BRUTAL_KILL : limit_ms, &value), false, &value);
}

void op_task_shutdown(const struct arguments *arguments, struct text *result)
{
  end(arguments, false, result);
}

void op_task_kill(const struct arguments *arguments, struct text *result)
{
  end(arguments, true, result);
}

/* A task supervisor of its own, killed when it has served. */
void op_task_nolink(const struct arguments *arguments, struct text *result)
{
  regrow_task_supervisor_spec supervisor = {.size = sizeof supervisor};
  regrow_child_spec child = {.size = sizeof child, .kind = REGROW_TASK_SUPERVISOR, .spec = &supervisor};
  regrow_task_spec spec = task_spec(arguments, false);
  uint32_t limit_ms = limit_of(&spec);
  regrow_pid pid = {0};
  regrow_task task;
  regrow_term value;
  regrow_error error = regrow_start(arguments->runtime, &child, &pid);
  if (error)
    give_up("a task supervisor does not start");
  error = regrow_task_supervisor_async_nolink(pid, &spec, &task);
  if (error) {
    add_failure(result, error);
  } else {
    mark_set(MARK, task.monitor);
    add_end(result, regrow_task_yield(task, limit_ms, &value), false, &value);
    }
  regrow_exit(pid, regrow_atom("kill"));
}
