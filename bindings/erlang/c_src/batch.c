/* Many calls at once: the requests go out together, and their outcomes come back as one message. Sending a message to the
 * BEAM from a thread that is not its own costs more than the call itself. */
#include <stdlib.h>

#include "nif.h"

/* More requests are sent off on a dirty scheduler: each may be answered while it is. */
#define REQUESTS_AT_ONCE 100

typedef struct batch batch;

/* One request of a batch. */
typedef struct part {
  batch *whole;
  /* 0: there is none yet. */
  ERL_NIF_TERM outcome;
} part;

/* Outcomes come on any threads; the lock is over `env` and what is made in it. */
struct batch {
  pthread_mutex_t lock;
  ErlNifEnv *env;
  ErlNifPid to;
  ERL_NIF_TERM reference;
  runtime *rt;
  /* Requests under way, and one more for who sends them off. */
  atomic_size_t left;
  size_t count;
  part parts[];
};

static batch *batch_new(ErlNifEnv *env, ERL_NIF_TERM reference, runtime *rt, size_t count) {
  batch *self = malloc(sizeof *self + count * sizeof *self->parts);
  if (self == NULL) return NULL;
  pthread_mutex_init(&self->lock, NULL);
  self->env = enif_alloc_env();
  enif_self(env, &self->to);
  self->reference = enif_make_copy(self->env, reference);
  self->rt = runtime_keep(rt);
  atomic_init(&self->left, 1 + count);
  self->count = count;
  for (size_t at = 0; at < count; at++) self->parts[at] = (part){self, 0};
  return self;
}

static void part_tell(part *self, ERL_NIF_TERM tag, const regrow_term *value) {
  batch *whole = self->whole;
  pthread_mutex_lock(&whole->lock);
  self->outcome = enif_make_tuple2(whole->env, tag, term_out_whole(whole->env, value, whole->rt));
  pthread_mutex_unlock(&whole->lock);
}

/* The last one has the message sent. */
static void batch_leave(batch *self) {
  if (atomic_fetch_sub(&self->left, 1) != 1) return;
  ERL_NIF_TERM list = enif_make_list(self->env, 0);
  for (size_t at = self->count; at > 0; at--) list = enif_make_list_cell(self->env, self->parts[at - 1].outcome, list);
  message_send(&self->to, self->env, enif_make_tuple2(self->env, self->reference, list));
  runtime_release(self->rt);
  pthread_mutex_destroy(&self->lock);
  free(self);
}

static void on_reply(void *user, regrow_error error, const regrow_term *result) {
  if (error == REGROW_OK) {
    part_tell(user, atoms.ok, result);
    return;
  }
  regrow_term reason = error_told(error, result);
  part_tell(user, atoms.error, &reason);
  regrow_term_free(&reason);
}

static void part_drop(void *user) {
  part *self = user;
  if (self->outcome == 0) {
    const regrow_term reason = regrow_atom("not_alive");
    part_tell(self, atoms.error, &reason);
  }
  batch_leave(self->whole);
}

static void part_begin(part *self, regrow_pid pid, regrow_term request, uint32_t timeout_ms) {
  regrow_request *pending;
  regrow_error error = regrow_call_async(pid, request, timeout_ms, &pending);
  if (error == REGROW_OK) {
    (void)regrow_on_reply(pending, on_reply, self, part_drop);
    return;
  }
  regrow_term reason = error_reason(error);
  part_tell(self, atoms.error, &reason);
  regrow_term_free(&reason);
  part_drop(self);
}

/* call_all(Pid, Requests, TimeoutMs, Ref) -> ok, and {Ref, [{ok, Reply} | {error, Reason}]} comes, in the order of the
 * requests; or local | {error, Reason}. */
NIF(nif_call_all) {
  (void)argc;
  regrow_pid pid;
  runtime *rt;
  regrow_term requests;
  unsigned timeout_ms, count;
  ERL_NIF_TERM answer;
  if (!enif_get_list_length(env, argv[1], &count) || !enif_get_uint(env, argv[2], &timeout_ms))
    return enif_make_badarg(env);
  if (count > REQUESTS_AT_ONCE && nif_is_limited()) return nif_too_large();
  if (!message_read(env, argv, &pid, &rt, &requests, &answer)) return answer;
  batch *self = rt == NULL ? NULL : batch_new(env, argv[3], rt, count);
  if (self != NULL) {
    const regrow_term *rest = &requests;
    for (size_t at = 0; at < count; at++, rest = regrow_list_tail(rest))
      part_begin(&self->parts[at], pid, regrow_term_clone(regrow_list_head(rest)), timeout_ms);
    batch_leave(self);
  }
  regrow_term_free(&requests);
  answer = self != NULL ? atoms.ok
           : rt != NULL ? enif_make_tuple2(env, atoms.error, enif_make_atom(env, "system_limit"))
                        : enif_make_tuple2(env, atoms.error, enif_make_atom(env, "noproc"));
  if (rt != NULL) runtime_release(rt);
  return answer;
}
