/* Processes of the BEAM as native processes: for each local pid and runtime one proxy, a host process of regrow, made
 * when it is first needed. What is sent to the proxy is sent on; the steward of the runtime (regrow_steward.erl)
 * does what a NIF cannot: it monitors the process, for the reason of its end, and sends exit signals to it.
 *
 * Release before notify: the proxy ends a moment after its process, since its end is a message to the steward. So what
 * is read by the BEAM is checked against the process itself: proxy_is_stale().
 *
 * Credit: a proxy sends its process so many messages, and no more before it is told how many of them are unread; the
 * steward looks that up, in time, so that only who does not keep up is without. Without credit the proxy is held: what
 * native code sends waits. What a process has asked for itself does not (proxy_tell()). */
#include <stdlib.h>

#include "nif.h"

/* So many messages lie unread with a process before who sends to it is held back, and so many wait at its proxy. */
#define CREDIT 10000
#define PATIENCE_MS 5000

/* Of one proxy; its host process has it. */
typedef struct proxy {
  runtime *rt;
  ErlNifPid beam;
  /* Another was made for the same process at the same time. */
  atomic_bool discarded;
  /* The steward has been told of it. Touched as the next. */
  bool announced;
  /* Its monitors by what they monitor, and its links: told of the end of the runtime, where native processes end in no
   * order. Touched in the callbacks of the host process alone, which run one at a time. */
  number_index monitors, links;
  /* Messages sent to the process since it was known how many it has to read, and those. Touched as above. */
  uint32_t spent;
  /* The steward was asked for that. */
  bool asked;
} proxy;

static uint64_t key_of(ErlNifEnv *env, const ErlNifPid *beam) { return (uint64_t)enif_make_pid(env, beam); }

static void tell_steward(runtime *rt, ErlNifEnv *env, ERL_NIF_TERM what) {
  message_send(&rt->steward, env, enif_make_tuple2(env, atoms.regrow, what));
}

/* Has the steward monitor the process; once for each proxy, so that the steward can count them. */
static void announce(proxy *self, regrow_pid pid, regrow_ref alias) {
  if (self->announced) return;
  self->announced = true;
  ErlNifEnv *env = enif_alloc_env();
  tell_steward(self->rt, env, enif_make_tuple2(env, atoms.monitor, enif_make_pid(env, &self->beam)));
  pthread_rwlock_wrlock(&self->rt->lock);
  (void)index_remove(&self->rt->fresh, pid.id);
  if (alias.id != 0) (void)index_put(&self->rt->aliases, pid.id, alias.id);
  pthread_rwlock_unlock(&self->rt->lock);
}

/* ---- from regrow to the BEAM ---- */

/* An exit signal that came as a message, for proxies trap exits. */
static bool is_exit(const regrow_term *message, regrow_pid *from) {
  size_t size;
  return regrow_tuple_size(message, &size) && size == 3 && regrow_is_atom(regrow_tuple_get(message, 0), "EXIT") &&
         regrow_as_pid(regrow_tuple_get(message, 1), from);
}

/* Whether a signal is that of a runtime which ends all that is in it: that means the proxy, not its process. So does the
 * end of a registry then, whose links are not the process's own. */
static bool is_end_of_runtime(proxy *self, regrow_pid from) {
  uint64_t unused;
  return atomic_load(&self->rt->closing) && !index_find(&self->links, from.id, &unused);
}

/* A table that has come to a process, which its heir is, or whom it was given. */
static void note_transfer(proxy *self, const regrow_term *message) {
  regrow_table table;
  size_t size;
  if (regrow_tuple_size(message, &size) && size == 4 &&
      regrow_is_atom(regrow_tuple_get(message, 0), "ETS-TRANSFER") &&
      regrow_as_table(regrow_tuple_get(message, 1), &table))
    table_is_owned(self->rt, table, &self->beam);
}

/* Takes note of what comes for a monitor or a link, which is over then. */
static void note_end(proxy *self, const regrow_term *message) {
  regrow_ref reference;
  size_t size;
  if (regrow_tuple_size(message, &size) && size == 5 && regrow_is_atom(regrow_tuple_get(message, 0), "DOWN") &&
      regrow_as_ref(regrow_tuple_get(message, 1), &reference))
    (void)index_remove(&self->monitors, reference.id);
}

/* Whose operation runs on this thread. */
static _Thread_local proxy *acting;

void proxy_monitors(regrow_ref reference, regrow_pid pid) {
  if (acting != NULL) (void)index_put(&acting->monitors, reference.id, pid.id);
}

void proxy_traps(void) {
  (void)regrow_trap_exit(true, NULL);
  regrow_pid self;
  regrow_ref alias = {0};
  if (acting == NULL || regrow_self(&self) != REGROW_OK) return;
  (void)regrow_alias(&alias);
  announce(acting, self, alias);
}

/* One message more; asks for credit when half of it is spent, and has nobody send any more when all of it is. */
static void spend(proxy *self, regrow_pid pid) {
  if (++self->spent < CREDIT / 2) return;
  if (!self->asked) {
    self->asked = true;
    ErlNifEnv *env = enif_alloc_env();
    tell_steward(self->rt, env, enif_make_tuple2(env, enif_make_atom(env, "credit"), enif_make_pid(env, &self->beam)));
  }
  if (self->spent == CREDIT) (void)regrow_host_hold(pid, true);
}

void proxy_credit(uint32_t unread) {
  regrow_pid self;
  if (acting == NULL || regrow_self(&self) != REGROW_OK) return;
  acting->spent = unread;
  acting->asked = false;
  (void)regrow_host_hold(self, false);
}

void proxy_tell(runtime *rt, regrow_pid proxy, regrow_term message) {
  regrow_ref alias = {0};
  pthread_rwlock_rdlock(&rt->lock);
  bool has_alias = index_find(&rt->aliases, proxy.id, &alias.id);
  pthread_rwlock_unlock(&rt->lock);
  (void)(has_alias ? regrow_send_alias(proxy, alias, message) : regrow_send(proxy, message));
}

void proxy_demonitors(regrow_ref reference) {
  if (acting != NULL) (void)index_remove(&acting->monitors, reference.id);
}

void proxy_links(regrow_pid pid, bool linked) {
  if (acting == NULL) return;
  if (linked) {
    (void)index_put(&acting->links, pid.id, 1);
  } else {
    (void)index_remove(&acting->links, pid.id);
  }
}

bool proxy_acting(ErlNifPid *beam) {
  if (acting != NULL) *beam = acting->beam;
  return acting != NULL;
}

static void deliver(void *user, regrow_pid pid, const regrow_term *message, regrow_caller caller) {
  proxy *self = user;
  acting = self;
  bool was_operation = caller.server == 0 && operation_delivered(message);
  acting = NULL;
  if (was_operation) return;
  note_transfer(self, message);
  note_end(self, message);
  regrow_pid from;
  bool is_signal = caller.server == 0 && is_exit(message, &from);
  if (is_signal && is_end_of_runtime(self, from)) return;
  if (is_signal) (void)index_remove(&self->links, from.id);
  ErlNifEnv *env = enif_alloc_env();
  if (is_signal) {
    tell_steward(self->rt, env,
                 enif_make_tuple5(env, atoms.signal, enif_make_pid(env, &self->beam),
                                  term_out_whole(env, regrow_tuple_get(message, 1), self->rt),
                                  term_out_whole(env, regrow_tuple_get(message, 2), self->rt),
                                  enif_make_uint64(env, attention_token(self->rt))));
    return;
  }
  ERL_NIF_TERM out = term_out_whole(env, message, self->rt);
  if (caller.server != 0) {
    ERL_NIF_TERM tag = enif_make_tuple3(env, atoms.regrow, enif_make_uint64(env, caller.server),
                                        enif_make_uint64(env, caller.call));
    ERL_NIF_TERM asker = enif_make_tuple2(env, enif_make_pid(env, &self->rt->steward), tag);
    out = enif_make_tuple3(env, atoms.gen_call, asker, out);
  }
  /* To a dead process: its proxy is about to end, and answers what it owes. A call keeps the runtime busy by itself. */
  if (message_send(&self->beam, env, out) && caller.server == 0) attention_delivered(self->rt, &self->beam);
  spend(self, pid);
}

/* Has the proxy forgotten, but for its name in terms. The lock is held. */
static void forget(runtime *rt, uint64_t key, uint64_t native) {
  index_remove(&rt->proxies, key);
  (void)index_remove(&rt->aliases, native);
  uint64_t oldest = rt->ended[rt->ended_next];
  if (oldest != 0) index_remove(&rt->beam_pids, oldest);
  rt->ended[rt->ended_next] = native;
  rt->ended_next = (rt->ended_next + 1) % ENDED_PROXIES_KEPT;
}

/* The runtime has ended: so has everything that the process monitors or is linked with there. */
static void tell_all(proxy *self) {
  uint64_t key, value;
  for (size_t place = 0; index_at(&self->monitors, &place, &key, &value);) {
    regrow_term parts[5] = {regrow_atom("DOWN"), regrow_from_ref((regrow_ref){key}), regrow_atom("process"),
                            regrow_from_pid((regrow_pid){value}), regrow_atom("shutdown")};
    regrow_term message = regrow_tuple(parts, 5);
    ErlNifEnv *env = enif_alloc_env();
    message_send(&self->beam, env, term_out_whole(env, &message, self->rt));
    regrow_term_free(&message);
  }
  for (size_t place = 0; index_at(&self->links, &place, &key, &value);) {
    regrow_term from = regrow_from_pid((regrow_pid){key});
    ErlNifEnv *env = enif_alloc_env();
    tell_steward(self->rt, env,
                 enif_make_tuple5(env, atoms.signal, enif_make_pid(env, &self->beam),
                                  term_out_whole(env, &from, self->rt), enif_make_atom(env, "shutdown"),
                                  enif_make_uint64(env, 0)));
    regrow_term_free(&from);
  }
}

/* The proxy has ended, and nothing is left of it. If the process has not, somebody else ended the proxy: so is the
 * process, unless it is the runtime that ends. */
static void ended(void *user, regrow_pid pid, const regrow_term *reason) {
  proxy *self = user;
  if (atomic_load(&self->discarded)) return;
  announce(self, pid, (regrow_ref){0});
  ErlNifEnv *env = enif_alloc_env();
  uint64_t key = key_of(env, &self->beam), native;
  pthread_rwlock_wrlock(&self->rt->lock);
  bool was_alive = index_find(&self->rt->proxies, key, &native) && native == pid.id;
  if (was_alive) forget(self->rt, key, native);
  pthread_rwlock_unlock(&self->rt->lock);
  bool is_end = was_alive && atomic_load(&self->rt->closing);
  if (is_end) tell_all(self);
  if (is_end || !was_alive || !enif_is_process_alive(NULL, &self->beam)) {
    enif_free_env(env);
    return;
  }
  tell_steward(self->rt, env,
               enif_make_tuple4(env, atoms.exit, enif_make_pid(env, &self->beam),
                                term_out_whole(env, reason, self->rt),
                                enif_make_uint64(env, attention_token(self->rt))));
}

static void drop(void *user) {
  proxy *self = user;
  index_free(&self->monitors);
  index_free(&self->links);
  runtime_release(self->rt);
  free(self);
}

/* ---- from the BEAM to regrow ---- */

static bool find_native(runtime *rt, uint64_t key, regrow_pid *native, bool *is_fresh) {
  uint64_t unused;
  pthread_rwlock_rdlock(&rt->lock);
  bool found = index_find(&rt->proxies, key, &native->id);
  *is_fresh = found && rt->fresh.used != 0 && index_find(&rt->fresh, native->id, &unused);
  pthread_rwlock_unlock(&rt->lock);
  return found;
}

/* Makes it the proxy of its process, unless there is one by now. */
static bool enlist(runtime *rt, uint64_t key, regrow_pid made, regrow_pid *native) {
  uint64_t other = 0;
  pthread_rwlock_wrlock(&rt->lock);
  bool is_first = !index_find(&rt->proxies, key, &other);
  bool good = !is_first || (index_put(&rt->beam_pids, made.id, key) && index_put(&rt->fresh, made.id, 1) &&
                            index_put(&rt->proxies, key, made.id));
  pthread_rwlock_unlock(&rt->lock);
  native->id = is_first ? made.id : other;
  return good;
}

/* A proxy that this thread has made or found fresh, for proxy_is_new(). */
static _Thread_local bool made_one;
static _Thread_local ErlNifPid made_steward;
static _Thread_local uint64_t made_before;

bool proxy_is_new(ErlNifEnv *env, ERL_NIF_TERM *again) {
  bool is_new = made_one;
  if (is_new)
    *again = enif_make_tuple3(env, atoms.again, enif_make_pid(env, &made_steward), enif_make_uint64(env, made_before));
  made_one = false;
  return is_new;
}

static void note_new(runtime *rt, uint64_t count) {
  made_one = true;
  made_steward = rt->steward;
  made_before = count;
}

bool proxy_of(ErlNifEnv *env, runtime *rt, const ErlNifPid *beam, regrow_pid *native) {
  ErlNifPid pid = *beam;
  uint64_t key = key_of(env, beam);
  bool is_fresh;
  if (find_native(rt, key, native, &is_fresh)) {
    if (is_fresh) note_new(rt, atomic_load(&rt->proxies_made));
    return true;
  }
  if (!enif_is_process_alive(env, &pid)) return false;
  proxy *self = calloc(1, sizeof *self);
  if (self == NULL) return false;
  self->rt = runtime_keep(rt);
  self->beam = pid;
  atomic_init(&self->discarded, false);
  regrow_host_spec host = {.size = sizeof host,
                           .deliver = deliver,
                           .exit = ended,
                           .user = self,
                           .drop_user = drop,
                           .flags = REGROW_TAG_CASTS,
                           .mailbox_limit = CREDIT,
                           .mailbox_policy = REGROW_BLOCK,
                           .mailbox_wait_ms = PATIENCE_MS};
  regrow_child_spec child = {.size = sizeof child, .kind = REGROW_HOST, .spec = &host};
  regrow_pid made;
  /* Starting a host process waits for nothing. */
  if (regrow_start(rt->root, &child, &made) != REGROW_OK) return false;
  if (!enlist(rt, key, made, native) || native->id != made.id) {
    /* Its spec, which is ours, is dropped only after its end. */
    atomic_store(&self->discarded, true);
    (void)regrow_host_exit(made, regrow_atom("normal"));
    return native->id != made.id;
  }
  note_new(rt, atomic_fetch_add(&rt->proxies_made, 1) + 1);
  (void)regrow_send(made, operation_trap_exit());
  return true;
}

bool proxy_beam(runtime *rt, regrow_pid native, ErlNifPid *beam) {
  uint64_t key;
  pthread_rwlock_rdlock(&rt->lock);
  bool found = index_find(&rt->beam_pids, native.id, &key);
  pthread_rwlock_unlock(&rt->lock);
  if (!found) return false;
  /* A local pid is one word, the same in every environment. */
  return enif_get_local_pid(NULL, (ERL_NIF_TERM)key, beam) != 0;
}

bool proxy_is_stale(runtime *rt, regrow_pid native) {
  ErlNifPid beam;
  return proxy_beam(rt, native, &beam) && !enif_is_process_alive(NULL, &beam);
}

/* ---- the tables of processes of the BEAM ---- */

/* Forgets the tables whose owners have ended, once there are twice as many as were left the last time. */
static void sweep_owners(runtime *rt) {
  if (rt->owners.used < 2 * rt->owners_swept + 64) return;
  number_index left = {0};
  uint64_t table, owner, native;
  for (size_t place = 0; index_at(&rt->owners, &place, &table, &owner);)
    if (index_find(&rt->proxies, owner, &native)) (void)index_put(&left, table, owner);
  index_free(&rt->owners);
  rt->owners = left;
  rt->owners_swept = left.used;
}

void table_is_owned(runtime *rt, regrow_table table, const ErlNifPid *owner) {
  pthread_rwlock_wrlock(&rt->lock);
  sweep_owners(rt);
  (void)index_put(&rt->owners, table.id, (uint64_t)owner->pid);
  pthread_rwlock_unlock(&rt->lock);
}

bool table_is_stale(runtime *rt, regrow_table table) {
  uint64_t owner, native;
  ErlNifPid beam;
  pthread_rwlock_rdlock(&rt->lock);
  bool owned = index_find(&rt->owners, table.id, &owner) && index_find(&rt->proxies, owner, &native);
  pthread_rwlock_unlock(&rt->lock);
  return owned && enif_get_local_pid(NULL, (ERL_NIF_TERM)owner, &beam) && !enif_is_process_alive(NULL, &beam);
}

/* ended(Root, Pid, Reason) -> ok: what the steward tells when a process with a proxy has ended. */
NIF(nif_ended) {
  (void)argc;
  regrow_pid root, native;
  ErlNifPid beam;
  regrow_term reason;
  if (!pid_in(env, argv[0], &root) || !enif_get_local_pid(env, argv[1], &beam)) return enif_make_badarg(env);
  runtime *rt = runtime_of(root);
  if (rt == NULL) return atoms.ok;
  conversion how = term_in(env, argv[2], rt, nif_is_limited(), &reason);
  if (how == TOO_LARGE) {
    runtime_release(rt);
    return nif_too_large();
  }
  if (how == NOT_CONVERTED) reason = regrow_atom("undecodable");
  /* Forgotten by ended(), when nothing is left of it: until then it is known to be stale. */
  bool is_fresh;
  pthread_rwlock_wrlock(&rt->lock);
  (void)index_remove(&rt->attended, key_of(env, &beam));
  pthread_rwlock_unlock(&rt->lock);
  if (find_native(rt, key_of(env, &beam), &native, &is_fresh)) {
    (void)regrow_host_exit(native, reason);
  } else {
    regrow_term_free(&reason);
  }
  runtime_release(rt);
  return atoms.ok;
}

/* answer(Server, Call, Reply) -> ok | {error, Reason}: a process of the BEAM answers a call of a native one. */
NIF(nif_answer) {
  (void)argc;
  regrow_caller caller;
  ErlNifUInt64 server, call;
  regrow_term answer;
  if (!enif_get_uint64(env, argv[0], &server) || !enif_get_uint64(env, argv[1], &call)) return enif_make_badarg(env);
  caller = (regrow_caller){server, call};
  runtime *rt = runtime_of((regrow_pid){server});
  conversion how = rt == NULL ? NOT_CONVERTED : term_in(env, argv[2], rt, nif_is_limited(), &answer);
  if (rt != NULL) runtime_release(rt);
  if (how == TOO_LARGE) return nif_too_large();
  if (how == NOT_CONVERTED) answer = regrow_atom("undecodable");
  regrow_error error = regrow_answer(caller, answer);
  return error == REGROW_OK ? atoms.ok : error_out(env, NULL, error);
}

/* credit(Root, Pid, Unread) -> ok: how many messages a process with a proxy has to read. */
NIF(nif_credit) {
  (void)argc;
  regrow_pid root, native;
  ErlNifPid beam;
  unsigned unread;
  bool is_fresh;
  if (!pid_in(env, argv[0], &root) || !enif_get_local_pid(env, argv[1], &beam) || !enif_get_uint(env, argv[2], &unread))
    return enif_make_badarg(env);
  runtime *rt = runtime_of(root);
  if (rt == NULL) return atoms.ok;
  if (find_native(rt, key_of(env, &beam), &native, &is_fresh)) proxy_tell(rt, native, operation_credit(unread));
  runtime_release(rt);
  return atoms.ok;
}
