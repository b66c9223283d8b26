/* How a NIF is entered and left, and how messages get to the BEAM from any thread. */
#include "nif.h"

/* The environment of the NIF that runs on this thread: callbacks of regrow may run inside it. */
static _Thread_local ErlNifEnv *calling;
static _Thread_local bool too_large;

ERL_NIF_TERM nif_run(ErlNifEnv *env, const char *name, nif_function *body, nif_function *whole, int argc,
                     const ERL_NIF_TERM argv[]) {
  ErlNifEnv *before = calling;
  ERL_NIF_TERM unused;
  calling = env;
  /* Of a NIF before this one, which did not ask. */
  (void)proxy_is_new(env, &unused);
  too_large = false;
  ERL_NIF_TERM result = body(env, argc, argv);
  calling = before;
  if (too_large) {
    too_large = false;
    return enif_schedule_nif(env, name, ERL_NIF_DIRTY_JOB_CPU_BOUND, whole, argc, argv);
  }
  return result;
}

ERL_NIF_TERM nif_too_large(void) {
  too_large = true;
  return atoms.ok;
}

bool nif_is_limited(void) { return enif_thread_type() == ERL_NIF_THR_NORMAL_SCHEDULER; }

bool message_send(ErlNifPid *to, ErlNifEnv *message_env, ERL_NIF_TERM message) {
  bool sent = enif_send(calling, to, message_env, message) != 0;
  enif_free_env(message_env);
  return sent;
}
