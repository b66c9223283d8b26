/* processes.c - operations on processes: messages, signals, links, monitors, names, timers. */
#include "clock.h"
#include "marks.h"
#include "operation.h"
#include "places.h"
#include "worker.h"
#include "words.h"

#include <string.h>

enum { CALL_MS = 1000 };

static void add_bool(struct text *result, bool value)
{
  text_add(result, value ? "true" : "false");
}

static void add_true_or_badarg(struct text *result, regrow_error error)
{
  text_add(result, error ? "error badarg" : "true");
}

/* ---- start and end ---- */

void op_spawn(const struct arguments *arguments, struct text *result)
{
  const char *trap = line_option(arguments->line, "trap");
  struct place *place = place_of_spawned(argument(arguments, 0), trap && !strcmp(trap, "true"));
  regrow_pid pid;
  regrow_error error = regrow_start(arguments->runtime, &place->child, &pid);
  if (error)
    add_start_failure(result, error);
  else
    text_add(result, "ok %s", label_of(pid));
}

void op_stop(const struct arguments *arguments, struct text *result)
{
  struct target target;
  if (!find_target(arguments, 0, &target, result))
    return;
  add_ok(result, regrow_stop(target.pid, reason_of_word(argument(arguments, 1)), REGROW_INFINITY));
}

void op_exit(const struct arguments *arguments, struct text *result)
{
  struct target target;
  if (!find_target(arguments, 0, &target, result))
    return;
  regrow_exit(target.pid, reason_of_word(argument(arguments, 1)));
  text_add(result, "ok"); /* also to the dead */
}

void op_alive(const struct arguments *arguments, struct text *result)
{
  struct target target;
  if (find_target(arguments, 0, &target, result))
    add_bool(result, regrow_is_alive(target.pid));
}

void op_sleep(const struct arguments *arguments, struct text *result)
{
  clock_sleep(argument_ms(arguments, 0, 0));
  text_add(result, "ok");
}

/* ---- messages ---- */

static regrow_error call(const struct arguments *arguments, const struct target *target, const char *request,
                         uint32_t timeout_ms, regrow_term *reply)
{
  if (arguments->is_main)
    return clock_call(target->pid, &target->address, regrow_text(request), timeout_ms, reply);
  return target->pid.id ? regrow_call(target->pid, regrow_text(request), timeout_ms, reply)
                        : regrow_call_at(&target->address, regrow_text(request), timeout_ms, reply);
}

void op_call(const struct arguments *arguments, struct text *result)
{
  struct target target;
  regrow_term reply;
  if (!find_target(arguments, 0, &target, result))
    return;
  regrow_error error =
      call(arguments, &target, argument(arguments, 1), argument_ms(arguments, 2, CALL_MS), &reply);
  if (error == REGROW_ERR_NOT_FOUND) /* nobody has that name */
    error = REGROW_ERR_NO_PROCESS;
  add_reply(result, error, &reply);
}

void op_cast(const struct arguments *arguments, struct text *result)
{
  struct target target;
  if (!find_target(arguments, 0, &target, result))
    return;
  regrow_term request = regrow_text(argument(arguments, 1));
  if (target.pid.id)
    regrow_cast(target.pid, request);
  else
    regrow_cast_at(&target.address, request);
  text_add(result, "ok"); /* also to the dead, and to nobody */
}

void op_send(const struct arguments *arguments, struct text *result)
{
  struct target target;
  if (!find_target(arguments, 0, &target, result))
    return;
  regrow_term message = term_of_word(argument(arguments, 1));
  regrow_error error = target.pid.id ? regrow_send(target.pid, message) : regrow_send_at(&target.address, message);
  text_add(result, error ? "error badarg" : "ok");
}

/* ---- names ---- */

/* `register N P` by main, `register N` by the process itself */
void op_register(const struct arguments *arguments, struct text *result)
{
  struct target target = {0};
  if (!arguments->is_main)
    regrow_self(&target.pid);
  else if (!find_target(arguments, 1, &target, result))
    return;
  add_true_or_badarg(result, regrow_register(target.pid, argument(arguments, 0)));
}

void op_unregister(const struct arguments *arguments, struct text *result)
{
  add_true_or_badarg(result, regrow_unregister(arguments->runtime, argument(arguments, 0)));
}

void op_whereis(const struct arguments *arguments, struct text *result)
{
  regrow_pid pid;
  bool is_known = !regrow_whereis(arguments->runtime, argument(arguments, 0), &pid);
  text_add(result, "%s", is_known ? label_of(pid) : "undefined");
}

/* ---- links, monitors, traps ---- */

/* Unlike the others these two refuse who never was: OTP has no pid to link to. */
static bool find_partner(const struct arguments *arguments, struct target *target, struct text *result)
{
  if (find_target(arguments, 0, target, result))
    return true;
  text_clear(result);
  text_add(result, "error badarg");
  return false;
}

void op_link(const struct arguments *arguments, struct text *result)
{
  struct target target;
  if (!find_partner(arguments, &target, result))
    return;
  regrow_error error = regrow_link(target.pid);
  if (error)
    add_failure(result, error);
  else
    text_add(result, "true");
}

void op_unlink(const struct arguments *arguments, struct text *result)
{
  struct target target;
  if (!find_partner(arguments, &target, result))
    return;
  regrow_unlink(target.pid);
  text_add(result, "true");
}

void op_monitor(const struct arguments *arguments, struct text *result)
{
  struct target target;
  regrow_ref monitor;
  if (!find_target(arguments, 0, &target, result))
    return;
  regrow_error error =
      target.pid.id ? regrow_monitor(target.pid, &monitor) : regrow_monitor_at(&target.address, &monitor);
  if (error) {
    add_failure(result, error);
    return;
  }
  const char *mark = line_option(arguments->line, "as");
  mark_set(mark ? mark : "", monitor);
  text_add(result, "ok");
}

static bool has_word(const struct arguments *arguments, const char *word)
{
  for (size_t i = 1; *argument(arguments, i); i++)
    if (!strcmp(argument(arguments, i), word))
      return true;
  return false;
}

void op_demonitor(const struct arguments *arguments, struct text *result)
{
  regrow_ref monitor;
  bool was_there = false;
  if (!mark_find(argument(arguments, 0), &monitor)) {
    text_add(result, "error badarg");
    return;
  }
  if (regrow_demonitor(monitor, has_word(arguments, "flush") ? REGROW_FLUSH : 0, &was_there))
    was_there = false;
  add_bool(result, was_there || !has_word(arguments, "info"));
}

void op_trap(const struct arguments *arguments, struct text *result)
{
  bool before = false;
  regrow_trap_exit(!strcmp(argument(arguments, 0), "true"), &before);
  add_bool(result, before);
}

/* ---- timers ---- */

void op_timer(const struct arguments *arguments, struct text *result)
{
  regrow_pid self = {0};
  regrow_ref timer;
  regrow_self(&self);
  regrow_term message = pair(regrow_atom(TAG_TIMER), term_of_word(argument(arguments, 2)));
  regrow_error error = regrow_send_after(self, argument_ms(arguments, 1, 0), message, &timer);
  if (error) {
    add_failure(result, error);
    return;
  }
  mark_set(argument(arguments, 0), timer);
  text_add(result, "ok");
}

static void add_left(struct text *result, bool is_pending)
{
  text_add(result, is_pending ? "left" : "false");
}

void op_cancel(const struct arguments *arguments, struct text *result)
{
  regrow_ref timer;
  uint64_t left_ms;
  add_left(result, mark_find(argument(arguments, 0), &timer) &&
                       !regrow_cancel_timer(arguments->runtime, timer, 0, &left_ms));
}

void op_read_timer(const struct arguments *arguments, struct text *result)
{
  regrow_ref timer;
  uint64_t left_ms;
  add_left(result, mark_find(argument(arguments, 0), &timer) &&
                       !regrow_read_timer(arguments->runtime, timer, &left_ms));
}
