/* Work that regrow has handed to processes of the BEAM: what regrow_settle() waits for there, by busy tokens. The other
 * half is regrow_attention.erl, which has the protocol.
 *
 * Of each process that has got something since the last look at it, `attended` says how far that is: LOOK, the BEAM has
 * been told to look at it, and has a token for that; or ANSWER, a look is under way, or the process was found waiting
 * for an answer of native code. So a process that gets a thousand messages at once costs one token and one look. */
#include "nif.h"

typedef enum { LOOK = 1, ANSWER } attending;

/* Has the BEAM look at a process, once. `only` may be 0: whatever was said of it. The message is on its way already: a
 * look that has just begun finds it. */
static void attend(runtime *rt, const ErlNifPid *beam, uint64_t only) {
  uint64_t key = (uint64_t)beam->pid, now = 0;
  regrow_ref token;
  pthread_rwlock_rdlock(&rt->lock);
  bool known = rt->attended.used != 0 && index_find(&rt->attended, key, &now);
  pthread_rwlock_unlock(&rt->lock);
  if (now == LOOK || (only != 0 && (!known || now != only))) return;
  /* Before somebody else can find that the BEAM has been told. */
  if (regrow_busy(rt->root, &token) != REGROW_OK) return;
  pthread_rwlock_wrlock(&rt->lock);
  bool is_first = !index_find(&rt->attended, key, &now) || now != LOOK;
  bool told = is_first && index_put(&rt->attended, key, LOOK);
  pthread_rwlock_unlock(&rt->lock);
  if (!told) {
    (void)regrow_done(rt->root, token);
    return;
  }
  ErlNifEnv *env = enif_alloc_env();
  ERL_NIF_TERM what = enif_make_tuple3(env, enif_make_atom(env, "busy"), enif_make_pid(env, beam),
                                       enif_make_uint64(env, token.id));
  ErlNifPid steward = rt->steward;
  if (!message_send(&steward, env, enif_make_tuple2(env, atoms.regrow, what))) (void)regrow_done(rt->root, token);
}

void attention_delivered(runtime *rt, const ErlNifPid *beam) { attend(rt, beam, 0); }

void attention_answered(runtime *rt, const ErlNifPid *beam) { attend(rt, beam, ANSWER); }

uint64_t attention_token(runtime *rt) {
  regrow_ref token;
  return regrow_busy(rt->root, &token) == REGROW_OK ? token.id : 0;
}

/* look(Root, Pid) -> ok: a look at a process begins; what it gets from now on is told anew. */
NIF(nif_look) {
  (void)argc;
  regrow_pid root;
  ErlNifPid beam;
  if (!pid_in(env, argv[0], &root) || !enif_get_local_pid(env, argv[1], &beam)) return enif_make_badarg(env);
  runtime *rt = runtime_of(root);
  if (rt == NULL) return atoms.ok;
  pthread_rwlock_wrlock(&rt->lock);
  (void)index_put(&rt->attended, (uint64_t)beam.pid, ANSWER);
  pthread_rwlock_unlock(&rt->lock);
  runtime_release(rt);
  return atoms.ok;
}

/* at_rest(Root, Pid) -> ok: the look is over, and nothing is known that the process has still to do. */
NIF(nif_at_rest) {
  (void)argc;
  regrow_pid root;
  ErlNifPid beam;
  uint64_t now;
  if (!pid_in(env, argv[0], &root) || !enif_get_local_pid(env, argv[1], &beam)) return enif_make_badarg(env);
  runtime *rt = runtime_of(root);
  if (rt == NULL) return atoms.ok;
  pthread_rwlock_wrlock(&rt->lock);
  if (index_find(&rt->attended, (uint64_t)beam.pid, &now) && now == ANSWER)
    (void)index_remove(&rt->attended, (uint64_t)beam.pid);
  pthread_rwlock_unlock(&rt->lock);
  runtime_release(rt);
  return atoms.ok;
}

/* done(Root, Token) -> ok: gives a busy token back. */
NIF(nif_done) {
  (void)argc;
  regrow_pid root;
  ErlNifUInt64 token;
  if (!pid_in(env, argv[0], &root) || !enif_get_uint64(env, argv[1], &token)) return enif_make_badarg(env);
  (void)regrow_done(root, (regrow_ref){token});
  return atoms.ok;
}
