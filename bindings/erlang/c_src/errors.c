/* Errors of regrow as terms: the reason that OTP has, or else what the error is called. */
#include "nif.h"

/* What an error is called where regrow's reason says less; NULL: the reason says it. */
static const char *name_of(regrow_error error) {
  switch ((int)error) {
    case (int)ERROR_STALE: return "not_found";
    case (int)ERROR_NOT_JOINED: return "not_joined";
    case (int)ERROR_OWNER_GONE: return "owner_gone";
    case REGROW_ERR_NO_PROCESS: return "noproc";
    case REGROW_ERR_ARGUMENT: return "badarg";
    case REGROW_ERR_VERSION: return "version";
    case REGROW_ERR_INTERNAL: return "internal";
    case REGROW_ERR_CONTEXT: return "no_identity";
    case REGROW_ERR_OTHER_RUNTIME: return "other_runtime";
    case REGROW_ERR_RUNNING: return "running";
    case REGROW_ERR_RESTARTING: return "restarting";
    case REGROW_ERR_NO_TABLE: return "no_table";
    case REGROW_ERR_ACCESS: return "access";
    case REGROW_ERR_FORKED: return "forked";
    case REGROW_ERR_NOT_ALIVE: return "not_alive";
    default: return NULL;
  }
}

/* The same where OTP raises badarg, which is for what no argument could be. */
static const char *name_of_badarg(regrow_error error) {
  switch (error) {
    case REGROW_ERR_WRONG_KIND: return "wrong_kind";
    case REGROW_ERR_EXISTS: return "exists";
    case REGROW_ERR_NOT_FOUND: return "not_found";
    default: return "badarg";
  }
}

regrow_term error_told(regrow_error error, const regrow_term *reason) {
  const char *name = name_of(error);
  if (name != NULL) return regrow_atom(name);
  return regrow_is_atom(reason, "badarg") ? regrow_atom(name_of_badarg(error)) : regrow_term_clone(reason);
}

regrow_term error_reason(regrow_error error) {
  const char *name = name_of(error);
  regrow_term reason;
  if (name != NULL) return regrow_atom(name);
  if (regrow_last_reason(&reason) != REGROW_OK) return regrow_atom(regrow_error_name((int32_t)error));
  regrow_term told = error_told(error, &reason);
  regrow_term_free(&reason);
  return told;
}

ERL_NIF_TERM error_out(ErlNifEnv *env, runtime *rt, regrow_error error) {
  if (error == REGROW_ERR_ARGUMENT) return enif_make_badarg(env);
  regrow_term reason = error_reason(error);
  ERL_NIF_TERM out = term_out_whole(env, &reason, rt);
  regrow_term_free(&reason);
  return enif_make_tuple2(env, atoms.error, out);
}
