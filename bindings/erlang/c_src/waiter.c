/* Who waits for an answer: a process of the BEAM, which gets {Ref, {ok, Value}} or {Ref, {error, Reason}}, once. */
#include <stdlib.h>

#include "nif.h"

struct waiter {
  ErlNifPid to;
  ErlNifEnv *env;
  ERL_NIF_TERM reference;
  runtime *rt;
};

waiter *waiter_new(ErlNifEnv *env, ERL_NIF_TERM reference, runtime *rt) {
  waiter *who = malloc(sizeof *who);
  if (who == NULL) return NULL;
  who->env = enif_alloc_env();
  who->reference = enif_make_copy(who->env, reference);
  enif_self(env, &who->to);
  who->rt = rt == NULL ? NULL : runtime_keep(rt);
  return who;
}

static void tell(waiter *who, ERL_NIF_TERM tag, ERL_NIF_TERM value) {
  ErlNifEnv *env = who->env;
  who->env = NULL;
  bool sent = message_send(&who->to, env, enif_make_tuple2(env, who->reference, enif_make_tuple2(env, tag, value)));
  if (sent && who->rt != NULL) attention_answered(who->rt, &who->to);
}

void waiter_tell(waiter *who, regrow_error error, const regrow_term *value) {
  if (who->env == NULL) return;
  tell(who, error == REGROW_OK ? atoms.ok : atoms.error, term_out_whole(who->env, value, who->rt));
}

void waiter_free(void *given) {
  waiter *who = given;
  if (who->env != NULL) tell(who, atoms.error, enif_make_atom(who->env, "not_alive"));
  if (who->rt != NULL) runtime_release(who->rt);
  free(who);
}

void waiter_forget(waiter *who) {
  enif_free_env(who->env);
  who->env = NULL;
  waiter_free(who);
}

static void on_reply(void *user, regrow_error error, const regrow_term *result) {
  if (error == REGROW_OK) {
    waiter_tell(user, error, result);
    return;
  }
  regrow_term reason = error_told(error, result);
  waiter_tell(user, error, &reason);
  regrow_term_free(&reason);
}

void waiter_await(waiter *who, regrow_request *request) {
  /* However this ends, waiter_free() runs, and with it the waiter has heard something. */
  (void)regrow_on_reply(request, on_reply, who, waiter_free);
}
