/* Native processes whose parent is a process of the BEAM. That cannot be a parent natively, so another native process is,
 * in its place: it has started the process, and ends when either does. */
#include "nif.h"

/* Waits for the DOWN of the one or the EXIT of the other: nobody else knows this process. A child that traps exits
 * ends with its parent then; another ends by its link, if it has one, as in OTP. */
static regrow_error watch_both(regrow_term *result) { return regrow_receive(REGROW_INFINITY, result); }

/* Items: Spec, the parent. `linked`: as soon as it is up. */
static regrow_error start_for(const arguments *given, bool linked, regrow_term *result) {
  regrow_child_spec spec;
  spec_memory *memory;
  regrow_pid parent, child = {0};
  regrow_ref monitor;
  if (!regrow_as_pid(&given->items[1], &parent)) return REGROW_ERR_NO_PROCESS;
  regrow_error error = regrow_trap_exit(true, NULL);
  if (error != REGROW_OK) return error;
  error = spec_read(&given->items[0], &spec, &memory);
  if (error == REGROW_OK) error = regrow_start_link(&spec, &child);
  spec_free(memory);
  if (error != REGROW_OK) return error;
  if (linked) error = operation_link(parent, child);
  if (error == REGROW_OK) error = regrow_monitor(parent, &monitor);
  if (error != REGROW_OK) {
    (void)regrow_exit(child, regrow_atom("kill"));
    return error;
  }
  regrow_term pid = regrow_from_pid(child);
  waiter_tell(given->who, REGROW_OK, &pid);
  regrow_term_free(&pid);
  return watch_both(result);
}

regrow_error parent_start(const arguments *given, regrow_term *result) { return start_for(given, false, result); }

regrow_error parent_start_link(const arguments *given, regrow_term *result) { return start_for(given, true, result); }
