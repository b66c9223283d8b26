/* What programs ask registries most: who has a key. As the operations of the same names, without terms of regrow in
 * between; and a registry may also be named by its number, which is cheaper to keep and to read than its pid. */
#include "nif.h"
#include "stack.h"

STACK(values, ERL_NIF_TERM, 8)

/* Entries on their way to the BEAM. */
typedef struct search {
  ErlNifEnv *env;
  runtime *rt;
  allowance left;
  values found;
  conversion how;
} search;

/* Reads {Registry, Key}. `*rt` is to be released, the key freed. False: `*answer` says why not. */
static bool read_key(ErlNifEnv *env, const ERL_NIF_TERM argv[], regrow_pid *registry, runtime **rt, regrow_term *key,
                     ERL_NIF_TERM *answer) {
  ErlNifUInt64 id;
  if (enif_get_uint64(env, argv[0], &id)) {
    registry->id = id;
  } else if (!pid_in(env, argv[0], registry)) {
    *answer = enif_make_badarg(env);
    return false;
  }
  *rt = runtime_of(*registry);
  if (*rt == NULL) {
    *answer = enif_make_tuple2(env, atoms.error, enif_make_atom(env, "noproc"));
    return false;
  }
  conversion how = term_in(env, argv[1], *rt, nif_is_limited(), key);
  bool is_new = proxy_is_new(env, answer);
  if (how == CONVERTED && !is_new) return true;
  runtime_release(*rt);
  if (how == CONVERTED) {
    regrow_term_free(key);
    return false;
  }
  *answer = how == TOO_LARGE ? nif_too_large() : enif_make_badarg(env);
  return false;
}

/* The pid as it is to the BEAM. False: it stands for a process that is dead. */
static bool living_out(search *self, regrow_pid pid, ERL_NIF_TERM *to) {
  ErlNifPid beam;
  if (proxy_beam(self->rt, pid, &beam)) {
    *to = enif_make_pid(self->env, &beam);
    return enif_is_process_alive(self->env, &beam) != 0;
  }
  regrow_term term = regrow_from_pid(pid);
  *to = term_out_whole(self->env, &term, self->rt);
  return true;
}

static void take_entry(void *user, regrow_pid pid, const regrow_term *value) {
  search *self = user;
  ERL_NIF_TERM who, what;
  if (self->how != CONVERTED || !living_out(self, pid, &who)) return;
  self->how = term_out_within(self->env, value, self->rt, &self->left, &what);
  if (self->how == TOO_LARGE) return;
  if (self->how == NOT_CONVERTED) what = term_out_whole(self->env, value, self->rt);
  self->how = allowance_take(&self->left, 0) ? CONVERTED : TOO_LARGE;
  if (!values_push(&self->found, enif_make_tuple2(self->env, who, what))) self->how = NOT_CONVERTED;
}

/* registry_lookup(Registry | Number, Key) -> {ok, [{Pid, Value}]} | {error, Reason}. */
NIF(nif_registry_lookup) {
  (void)argc;
  search self = {.env = env, .left = allowance_of(nif_is_limited()), .how = CONVERTED};
  regrow_pid registry;
  regrow_term key;
  ERL_NIF_TERM answer;
  if (!read_key(env, argv, &registry, &self.rt, &key, &answer)) return answer;
  values_begin(&self.found);
  regrow_error error = regrow_registry_dispatch(registry, &key, take_entry, &self);
  if (error != REGROW_OK) {
    answer = error_out(env, self.rt, error);
  } else if (self.how == TOO_LARGE) {
    answer = nif_too_large();
  } else if (self.how == NOT_CONVERTED) {
    answer = enif_make_tuple2(env, atoms.error, enif_make_atom(env, "system_limit"));
  } else {
    answer = enif_make_tuple2(env, atoms.ok,
                              enif_make_list_from_array(env, self.found.at, (unsigned)self.found.count));
  }
  values_end(&self.found);
  regrow_term_free(&key);
  runtime_release(self.rt);
  return answer;
}

/* registry_whereis(Registry | Number, Key) -> {ok, Pid} | {error, not_found | Reason}. */
NIF(nif_registry_whereis) {
  (void)argc;
  search self = {.env = env};
  regrow_pid registry, pid;
  regrow_term key;
  ERL_NIF_TERM answer, who;
  if (!read_key(env, argv, &registry, &self.rt, &key, &answer)) return answer;
  regrow_error error = regrow_registry_whereis(registry, &key, &pid);
  answer = error != REGROW_OK                  ? error_out(env, self.rt, error)
           : living_out(&self, pid, &who) ? enif_make_tuple2(env, atoms.ok, who)
                                               : error_out(env, self.rt, ERROR_STALE);
  regrow_term_free(&key);
  runtime_release(self.rt);
  return answer;
}

/* number(Pid) -> the number that a native process goes by here. */
NIF(nif_number) {
  (void)argc;
  regrow_pid pid;
  return pid_in(env, argv[0], &pid) ? enif_make_uint64(env, pid.id) : enif_make_badarg(env);
}
