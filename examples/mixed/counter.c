/* The child in C: a plug-in with a server that counts, "counter in C". */
#include <stdlib.h>

#include "regrow.h"

static regrow_next init(regrow_context *context, void *user, const regrow_term *arg, void **state) {
  (void)user, (void)arg;
  int64_t *count = calloc(1, sizeof *count);
  if (count == NULL) return regrow_stop_self(context, regrow_atom("no_memory"));
  *state = count;
  return REGROW_READY;
}

static regrow_next handle_call(regrow_context *context, void *state, const regrow_term *request) {
  int64_t *count = state;
  if (!regrow_is_atom(request, "next")) return regrow_stop_self(context, regrow_atom("what"));
  return regrow_reply(context, regrow_int(++*count));
}

regrow_error regrow_plugin(void);

regrow_error regrow_plugin(void) {
  regrow_server_spec spec = {.size = sizeof spec, .init = init, .handle_call = handle_call, .drop = free};
  return regrow_behaviour_register("counter in C", &spec);
}
