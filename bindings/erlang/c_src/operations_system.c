/* Operations that look into processes, as OTP's sys, and timers and aliases. */
#include "operations.h"

/* ---- as sys ---- */

OPERATION(sys_suspend) {
  uint32_t timeout_ms;
  if (number_of(ITEM(0), &timeout_ms) != REGROW_OK) return REGROW_ERR_ARGUMENT;
  return done(regrow_suspend(given->pid, timeout_ms), result);
}

OPERATION(sys_resume) {
  uint32_t timeout_ms;
  if (number_of(ITEM(0), &timeout_ms) != REGROW_OK) return REGROW_ERR_ARGUMENT;
  return done(regrow_resume(given->pid, timeout_ms), result);
}

OPERATION(sys_get_status) {
  uint32_t timeout_ms;
  if (number_of(ITEM(0), &timeout_ms) != REGROW_OK) return REGROW_ERR_ARGUMENT;
  return regrow_get_status(given->pid, timeout_ms, result);
}

OPERATION(sys_trace) {
  uint32_t timeout_ms;
  bool on;
  if (!regrow_as_bool(ITEM(0), &on) || number_of(ITEM(1), &timeout_ms) != REGROW_OK) return REGROW_ERR_ARGUMENT;
  return done(regrow_trace(given->pid, on, timeout_ms), result);
}

/* ---- timers ---- */

typedef regrow_error start_timer(regrow_pid, uint32_t, regrow_term, regrow_ref *);

/* Items: Pid, Ms, Message. */
static regrow_error timer(const arguments *given, regrow_term *result, start_timer *start) {
  regrow_pid pid;
  regrow_ref reference = {0};
  uint32_t ms;
  if (!pid_of(ITEM(0), &pid)) return REGROW_ERR_NO_PROCESS;
  if (number_of(ITEM(1), &ms) != REGROW_OK) return REGROW_ERR_ARGUMENT;
  regrow_error error = start(pid, ms, CLONE(2), &reference);
  return told(error, result, regrow_from_ref(reference));
}

OPERATION(timer_send_after) { return timer(given, result, regrow_send_after); }
OPERATION(timer_start) { return timer(given, result, regrow_start_timer); }
OPERATION(timer_send_interval) { return timer(given, result, regrow_send_interval); }

OPERATION(timer_cancel) {
  regrow_ref reference;
  uint64_t left_ms = 0;
  if (!regrow_as_ref(ITEM(0), &reference)) return REGROW_ERR_NOT_FOUND;
  regrow_error error = regrow_cancel_timer(given->pid, reference, 0, &left_ms);
  return told(error, result, regrow_int((int64_t)left_ms));
}

OPERATION(timer_read) {
  regrow_ref reference;
  uint64_t left_ms = 0;
  if (!regrow_as_ref(ITEM(0), &reference)) return REGROW_ERR_NOT_FOUND;
  regrow_error error = regrow_read_timer(given->pid, reference, &left_ms);
  return told(error, result, regrow_int((int64_t)left_ms));
}

/* ---- aliases ---- */

/* Items: whether it is one for priority messages. */
OPERATION(alias_new) {
  regrow_ref alias = {0};
  bool priority;
  if (!regrow_as_bool(ITEM(0), &priority)) return REGROW_ERR_ARGUMENT;
  regrow_error error = regrow_alias_opt(priority ? REGROW_PRIORITY : 0, &alias);
  return told(error, result, regrow_from_ref(alias));
}

OPERATION(alias_remove) {
  regrow_ref alias;
  bool removed = false;
  if (!regrow_as_ref(ITEM(0), &alias)) return REGROW_ERR_ARGUMENT;
  regrow_error error = regrow_unalias(alias, &removed);
  return told(error, result, regrow_bool(removed));
}

/* Items: Alias, Message, Priority. */
OPERATION(alias_send) {
  regrow_ref alias;
  bool priority;
  if (!regrow_as_ref(ITEM(0), &alias) || !regrow_as_bool(ITEM(2), &priority)) return REGROW_ERR_ARGUMENT;
  return done(regrow_send_alias_opt(given->pid, alias, CLONE(1), priority ? REGROW_PRIORITY : 0), result);
}

OPERATION(alias_exit) {
  regrow_ref alias;
  bool priority;
  if (!regrow_as_ref(ITEM(0), &alias) || !regrow_as_bool(ITEM(2), &priority)) return REGROW_ERR_ARGUMENT;
  return done(regrow_exit_alias(given->pid, alias, CLONE(1), priority ? REGROW_PRIORITY : 0), result);
}

/* ---- the list of them ---- */

const operation system_operations[] = {
    {"sys_suspend", sys_suspend, RUN_PROCESS, 1},
    {"sys_resume", sys_resume, RUN_PROCESS, 1},
    {"sys_get_status", sys_get_status, RUN_PROCESS, 1},
    {"sys_trace", sys_trace, RUN_PROCESS, 2},
    {"timer_send_after", timer_send_after, RUN_NOW, 3},
    {"timer_start", timer_start, RUN_NOW, 3},
    {"timer_send_interval", timer_send_interval, RUN_NOW, 3},
    {"timer_cancel", timer_cancel, RUN_NOW, 1},
    {"timer_read", timer_read, RUN_NOW, 1},
    {"alias_new", alias_new, RUN_CALLER, 1},
    {"alias_remove", alias_remove, RUN_CALLER, 1},
    {"alias_send", alias_send, RUN_NOW, 3},
    {"alias_exit", alias_exit, RUN_CALLER, 3},
    {NULL, NULL, RUN_NOW, 0},
};
