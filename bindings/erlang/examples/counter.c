/* A plug-in with a server that counts, under two names: "counter" is asked by messages, as any server may be;
 * "quick_counter" says that it never waits and is soon done, so that it answers where it is asked, while it is idle: on
 * the BEAM's scheduler, in half the time that one of its own processes takes.
 *
 *   regrow:load_plugin("counter.so"),
 *   {ok, Pid} = regrow:start(Runtime, #{kind => behaviour, behaviour => <<"counter">>, arg => 10}),
 *   {ok, 12} = regrow:call(Pid, {add, 2}),
 *   regrow:cast(Pid, reset).
 *
 *   gcc -shared -fPIC -I../../../include -o counter.so counter.c ../priv/libregrow.so.0.1 -Wl,-z,nodelete
 *
 * It needs libregrow by its SONAME, and gets the one that the NIF has loaded. */
#include <stdlib.h>

#include "regrow.h"

typedef struct counter {
  int64_t first, now;
} counter;

static regrow_next init(regrow_context *context, void *user, const regrow_term *arg, void **state) {
  (void)user;
  int64_t first = 0;
  if (!regrow_is_nil(arg) && !regrow_as_int(arg, &first)) return regrow_stop_self(context, regrow_atom("not_a_number"));
  counter *self = malloc(sizeof *self);
  if (self == NULL) return regrow_stop_self(context, regrow_atom("no_memory"));
  self->first = self->now = first;
  *state = self;
  return REGROW_READY;
}

/* get, or {add, Number}; what it does not know ends it, as a function clause that is missing would. */
static regrow_next handle_call(regrow_context *context, void *state, const regrow_term *request) {
  counter *self = state;
  int64_t number;
  if (regrow_is_atom(request, "get")) return regrow_reply(context, regrow_int(self->now));
  if (regrow_is_atom(regrow_tuple_get(request, 0), "add") && regrow_as_int(regrow_tuple_get(request, 1), &number)) {
    self->now += number;
    return regrow_reply(context, regrow_int(self->now));
  }
  regrow_term reason[2] = {regrow_atom("unknown_request"), regrow_term_clone(request)};
  return regrow_stop_self(context, regrow_tuple(reason, 2));
}

static regrow_next handle_cast(regrow_context *context, void *state, const regrow_term *message) {
  (void)context;
  counter *self = state;
  if (regrow_is_atom(message, "reset")) self->now = self->first;
  return REGROW_NOREPLY;
}

regrow_error regrow_plugin(void);

regrow_error regrow_plugin(void) {
  regrow_server_spec spec = {
      .size = sizeof spec, .init = init, .handle_call = handle_call, .handle_cast = handle_cast, .drop = free};
  regrow_error error = regrow_behaviour_register("counter", &spec);
  if (error != REGROW_OK) return error;
  spec.flags = REGROW_INLINE | REGROW_NO_PARK;
  return regrow_behaviour_register("quick_counter", &spec);
}
