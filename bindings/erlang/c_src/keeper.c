/* Keepers: a module of the BEAM as a child of a native supervisor. The keeper is the child that the supervisor sees;
 * it has the supervisor's shadow (regrow_shadow.erl) start, stop and kill the process of the BEAM, and ends when that
 * does.
 *
 * What the keeper asks of the shadow, by calls and, where it may not wait, messages:
 *   {'$regrow_keeper', start, Keeper, Key, Start}  answered started | ignore | {error, Reason}
 *   {'$regrow_keeper', stop, Keeper, Key}          answered when the process has ended
 *   {'$regrow_keeper', kill, Keeper, Key}          a message: the keeper was killed
 * And the shadow calls it: {exited, Reason} ends it; anything else is answered with ok, once it is up. */
#include <stdlib.h>

#include "nif.h"

#define KEEPER_ATOM "$regrow_keeper"

typedef struct keeper {
  regrow_pid shadow, self;
  regrow_term key;
  /* The process of the BEAM has ended, or its end is seen to. */
  bool ended;
} keeper;

static regrow_term message_of(const keeper *self, const char *what, regrow_term *more, size_t count) {
  regrow_term parts[5] = {regrow_atom(KEEPER_ATOM), regrow_atom(what), regrow_from_pid(self->self),
                          regrow_term_clone(&self->key)};
  if (count != 0) parts[4] = *more;
  return regrow_tuple(parts, 4 + count);
}

static void drop(void *state) {
  keeper *self = state;
  runtime *rt = self->ended ? NULL : runtime_of(self->shadow);
  if (rt != NULL) {
    proxy_tell(rt, self->shadow, message_of(self, "kill", NULL, 0));
    runtime_release(rt);
  }
  regrow_term_free(&self->key);
  free(self);
}

/* What the shadow's answer to `start` means. */
static regrow_next begun(regrow_context *context, regrow_term *answer, void **state, keeper *self) {
  regrow_next next = REGROW_IGNORE;
  if (regrow_is_atom(answer, "started")) {
    self->ended = false;
    *state = self;
    next = REGROW_READY;
  } else if (!regrow_is_atom(answer, "ignore")) {
    const regrow_term *reason = regrow_tuple_get(answer, 1);
    next = regrow_stop_self(context, reason != NULL ? regrow_term_clone(reason) : regrow_atom("undecodable"));
  }
  regrow_term_free(answer);
  if (next != REGROW_READY) drop(self);
  return next;
}

/* `arg` is {Shadow, Key, Start}. */
static regrow_next init(regrow_context *context, void *user, const regrow_term *arg, void **state) {
  (void)user;
  regrow_term answer, start;
  keeper *self = calloc(1, sizeof *self);
  if (self == NULL) return regrow_stop_self(context, regrow_atom("system_limit"));
  self->ended = true;
  if (!regrow_as_pid(regrow_tuple_get(arg, 0), &self->shadow)) {
    drop(self);
    return regrow_stop_self(context, regrow_atom("noproc"));
  }
  (void)regrow_self(&self->self);
  /* So that an order to end comes to terminate. */
  (void)regrow_trap_exit(true, NULL);
  /* By which the shadow knows one whose process has ended from a native child. */
  const regrow_term label = regrow_atom(KEEPER_ATOM);
  (void)regrow_set_label(&label);
  self->key = regrow_term_clone(regrow_tuple_get(arg, 1));
  start = regrow_term_clone(regrow_tuple_get(arg, 2));
  regrow_error error =
      regrow_call(self->shadow, message_of(self, "start", &start, 1), REGROW_INFINITY, &answer);
  if (error == REGROW_OK) return begun(context, &answer, state, self);
  /* The shadow is dead, and so is what it started; or this keeper is, and the shadow finds that nobody takes its
   * answer. */
  regrow_term reason = error_reason(error);
  drop(self);
  return regrow_stop_self(context, reason);
}

static regrow_next handle_call(regrow_context *context, void *state, const regrow_term *message) {
  keeper *self = state;
  const regrow_term *reason = regrow_tuple_get(message, 1);
  if (!regrow_is_atom(regrow_tuple_get(message, 0), "exited") || reason == NULL)
    return regrow_reply(context, regrow_atom("ok"));
  self->ended = true;
  return regrow_stop_self(context, regrow_term_clone(reason));
}

static void terminate(regrow_context *context, void *state, const regrow_term *reason) {
  (void)context, (void)reason;
  keeper *self = state;
  if (self->ended) return;
  /* For as long as the supervisor gives it; then drop() has the process killed. */
  regrow_error error = regrow_call(self->shadow, message_of(self, "stop", NULL, 0), REGROW_INFINITY, NULL);
  self->ended = error == REGROW_OK;
}

bool keeper_load(void) {
  const regrow_server_spec spec = {.size = sizeof spec,
                                   .init = init,
                                   .handle_call = handle_call,
                                   .terminate = terminate,
                                   .drop = drop};
  regrow_error error = regrow_behaviour_register(KEEPER_ATOM, &spec);
  /* The library is loaded once, the module any number of times. */
  return error == REGROW_OK || error == REGROW_ERR_EXISTS;
}
