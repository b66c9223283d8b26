/* Native processes whose parent is a process of the BEAM: its proxy is. So they end with it and with its reason, also those
 * that trap exits; and its exit signals are its parent's. */
#include "nif.h"

/* Items: Spec, the parent. Linked with it as soon as it is up: a start that fails is an error, and no exit signal. */
regrow_error parent_start_link(const arguments *given, regrow_term *result) {
  regrow_child_spec spec;
  spec_memory *memory;
  regrow_pid parent, child = {0};
  if (!regrow_as_pid(&given->items[1], &parent)) return REGROW_ERR_NO_PROCESS;
  regrow_error error = spec_read(&given->items[0], &spec, &memory);
  if (error == REGROW_OK) error = regrow_start_for(parent, &spec, &child);
  spec_free(memory);
  if (error != REGROW_OK) return error;
  error = operation_link(given->rt, parent, child);
  if (error != REGROW_OK) {
    (void)regrow_exit(child, regrow_atom("kill"));
    return error;
  }
  *result = regrow_from_pid(child);
  return REGROW_OK;
}
