/* The runtimes of this BEAM: their handles, which end with their owner or when nobody has them any more, and the way
 * from a native process to its runtime. */
#include <stdlib.h>
#include <string.h>

#include "nif.h"

static resource_types handles;

/* What the BEAM has of a runtime. */
typedef struct handle {
  runtime *rt;
  ErlNifMonitor owner, steward;
} handle;

static pthread_rwlock_t all_lock = PTHREAD_RWLOCK_INITIALIZER;
static runtime *all;

runtime *runtime_keep(runtime *rt) {
  atomic_fetch_add(&rt->references, 1);
  return rt;
}

void runtime_release(runtime *rt) {
  if (atomic_fetch_sub(&rt->references, 1) != 1) return;
  index_free(&rt->proxies);
  index_free(&rt->fresh);
  index_free(&rt->aliases);
  index_free(&rt->beam_pids);
  index_free(&rt->owners);
  index_free(&rt->attended);
  free(rt->ended);
  pthread_rwlock_destroy(&rt->lock);
  free(rt);
}

static runtime *with_root(regrow_pid root) {
  runtime *found;
  pthread_rwlock_rdlock(&all_lock);
  for (found = all; found != NULL && found->root.id != root.id; found = found->next);
  if (found != NULL) runtime_keep(found);
  pthread_rwlock_unlock(&all_lock);
  return found;
}

runtime *runtime_of(regrow_pid pid) {
  regrow_pid root;
  /* Of one that has ended only its root is known, by the handles that are left. */
  return with_root(regrow_root(pid, &root) == REGROW_OK ? root : pid);
}

static void unlist(runtime *rt) {
  bool was_listed = false;
  pthread_rwlock_wrlock(&all_lock);
  for (runtime **at = &all; *at != NULL; at = &(*at)->next) {
    if (*at == rt) {
      *at = rt->next;
      was_listed = true;
      break;
    }
  }
  pthread_rwlock_unlock(&all_lock);
  if (!was_listed) return;
  ErlNifEnv *env = enif_alloc_env();
  message_send(&rt->steward, env, enif_make_tuple2(env, atoms.regrow, atoms.closed));
  runtime_release(rt);
}

/* ---- the end of a runtime: on a thread of its own, for that waits ---- */

/* How long the children of an owner that died have to end, whatever their shutdown times. */
#define ORPHANS_MS 30000

typedef struct ending {
  runtime *rt;
  waiter *who;
  uint32_t timeout_ms;
} ending;

static void *end_runtime(void *given) {
  ending work = *(ending *)given;
  free(given);
  regrow_term stuck;
  regrow_error error = regrow_shutdown(work.rt->root, work.timeout_ms, &stuck);
  if (work.who != NULL) {
    regrow_term value = error == REGROW_ERR_TIMEOUT ? regrow_tuple((regrow_term[]){regrow_atom("stuck"), stuck}, 2)
                        : error == REGROW_OK        ? regrow_atom("ok")
                                                    : error_reason(error);
    if (error == REGROW_OK) {
      regrow_term_free(&stuck);
      unlist(work.rt);
    }
    waiter_tell(work.who, error, &value);
    waiter_free(work.who);
    regrow_term_free(&value);
  } else if (error == REGROW_OK || error == REGROW_ERR_TIMEOUT) {
    regrow_term_free(&stuck);
  }
  /* What is stuck ends when its callback returns. */
  if (error == REGROW_ERR_TIMEOUT) error = regrow_shutdown(work.rt->root, REGROW_INFINITY, NULL);
  unlist(work.rt);
  runtime_release(work.rt);
  return NULL;
}

/* Takes the waiter. False: there is no thread, and it was told. */
static bool begin_end(runtime *rt, uint32_t timeout_ms, waiter *who) {
  ending *work = malloc(sizeof *work);
  pthread_attr_t detached;
  pthread_t thread;
  pthread_attr_init(&detached);
  pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
  bool begun = false;
  if (work != NULL) {
    *work = (ending){runtime_keep(rt), who, timeout_ms};
    begun = pthread_create(&thread, &detached, end_runtime, work) == 0;
    if (!begun) runtime_release(rt);
  }
  pthread_attr_destroy(&detached);
  if (!begun) {
    free(work);
    if (who != NULL) waiter_free(who);
  }
  return begun;
}

static void close_runtime(runtime *rt) {
  if (!atomic_exchange(&rt->closing, true) && !begin_end(rt, ORPHANS_MS, NULL)) atomic_store(&rt->closing, false);
}

/* ---- handles ---- */

static void handle_drop(ErlNifEnv *env, void *object) {
  (void)env;
  handle *self = object;
  if (self->rt == NULL) return;
  close_runtime(self->rt);
  runtime_release(self->rt);
}

static void handle_down(ErlNifEnv *env, void *object, ErlNifPid *pid, ErlNifMonitor *monitor) {
  (void)env, (void)pid, (void)monitor;
  handle *self = object;
  if (self->rt != NULL) close_runtime(self->rt);
}

bool runtime_load(ErlNifEnv *env, ErlNifResourceFlags flags) {
  const ErlNifResourceTypeInit callbacks = {.dtor = handle_drop, .down = handle_down};
  ErlNifResourceType *type = enif_open_resource_type_x(env, "regrow_runtime", &callbacks, flags, NULL);
  return types_add(&handles, type);
}

bool pid_in(ErlNifEnv *env, ERL_NIF_TERM term, regrow_pid *pid) {
  void *object;
  if (types_get(env, term, &handles, &object)) {
    *pid = ((handle *)object)->rt->root;
    return true;
  }
  regrow_term native;
  ErlNifPid local;
  if (!enif_is_pid(env, term) || enif_get_local_pid(env, term, &local)) return false;
  if (term_in(env, term, NULL, false, &native) != CONVERTED) return false;
  bool good = regrow_as_pid(&native, pid);
  regrow_term_free(&native);
  return good;
}

/* ---- the log goes to the BEAM's logger ---- */

static void log_line(void *user, uint32_t level, const char *text, const regrow_term *report) {
  (void)report;
  runtime *rt = user;
  ErlNifEnv *env = enif_alloc_env();
  ERL_NIF_TERM line;
  size_t size = strlen(text);
  memcpy(enif_make_new_binary(env, size, &line), text, size);
  ERL_NIF_TERM message = enif_make_tuple3(env, enif_make_atom(env, "log"), enif_make_uint(env, level), line);
  message_send(&rt->steward, env, enif_make_tuple2(env, atoms.regrow, message));
}

static runtime *new_runtime(void) {
  runtime *rt = calloc(1, sizeof *rt);
  if (rt == NULL) return NULL;
  rt->ended = calloc(ENDED_PROXIES_KEPT, sizeof *rt->ended);
  if (rt->ended == NULL) {
    free(rt);
    return NULL;
  }
  atomic_init(&rt->references, 1);
  pthread_rwlock_init(&rt->lock, NULL);
  return rt;
}

static ERL_NIF_TERM handle_of(ErlNifEnv *env, runtime *rt, ErlNifPid *owner) {
  handle *self = enif_alloc_resource(handles.at[0], sizeof *self);
  self->rt = runtime_keep(rt);
  ERL_NIF_TERM term = enif_make_resource(env, self);
  /* Dead already: as if it died now. */
  if (enif_monitor_process(env, self, owner, &self->owner) != 0 ||
      enif_monitor_process(env, self, &rt->steward, &self->steward) != 0)
    close_runtime(rt);
  enif_release_resource(self);
  return term;
}

/* init({Workers, Clock, StackSize, MaxProcesses, MaxRestarts, PeriodMs, LogLevel}, Owner, Steward) ->
 * {ok, Handle} | {error, Reason}. Dirty: it starts threads. */
NIF(nif_start) {
  (void)argc;
  int count;
  unsigned numbers[7];
  const ERL_NIF_TERM *items;
  ErlNifPid owner, steward;
  if (!enif_get_tuple(env, argv[0], &count, &items) || count != 7 || !enif_get_local_pid(env, argv[1], &owner) ||
      !enif_get_local_pid(env, argv[2], &steward))
    return enif_make_badarg(env);
  for (int at = 0; at < 7; at++)
    if (!enif_get_uint(env, items[at], &numbers[at])) return enif_make_badarg(env);
  runtime *rt = new_runtime();
  if (rt == NULL) return enif_make_tuple2(env, atoms.error, enif_make_atom(env, "system_limit"));
  rt->steward = steward;
  regrow_options options = {.size = sizeof options,
                            .workers = numbers[0],
                            .clock = numbers[1],
                            .stack_size = numbers[2],
                            .max_processes = numbers[3],
                            .max_restarts = numbers[4],
                            .period_ms = numbers[5],
                            .log_level = numbers[6],
                            .log = log_line,
                            .log_user = rt};
  regrow_error error = regrow_init(&options, &rt->root);
  if (error != REGROW_OK) {
    runtime_release(rt);
    return error_out(env, NULL, error);
  }
  pthread_rwlock_wrlock(&all_lock);
  rt->next = all;
  all = rt;
  pthread_rwlock_unlock(&all_lock);
  /* The list has the first reference; the handle one of its own. */
  return enif_make_tuple2(env, atoms.ok, handle_of(env, rt, &owner));
}

/* shutdown(Runtime, TimeoutMs, Ref) -> ok; then {Ref, {ok, ok} | {error, {stuck, Pids} | not_alive}}. */
NIF(nif_shutdown) {
  (void)argc;
  regrow_pid pid;
  unsigned timeout_ms;
  if (!pid_in(env, argv[0], &pid) || !enif_get_uint(env, argv[1], &timeout_ms)) return enif_make_badarg(env);
  runtime *rt = with_root(pid);
  waiter *who = waiter_new(env, argv[2], rt);
  if (rt == NULL) {
    /* It has ended, or is none of ours: the waiter is told so. */
    if (who != NULL) waiter_free(who);
    return atoms.ok;
  }
  atomic_store(&rt->closing, true);
  begin_end(rt, timeout_ms, who);
  runtime_release(rt);
  return atoms.ok;
}

/* root(Runtime) -> Pid. */
NIF(nif_root) {
  (void)argc;
  regrow_pid pid;
  if (!pid_in(env, argv[0], &pid)) return enif_make_badarg(env);
  regrow_term term = regrow_from_pid(pid);
  ERL_NIF_TERM out = term_out_whole(env, &term, NULL);
  regrow_term_free(&term);
  return out;
}

/* steward(Pid) -> the process of the BEAM that looks after the runtime of a native process, or undefined. */
NIF(nif_steward) {
  (void)argc;
  regrow_pid pid;
  if (!pid_in(env, argv[0], &pid)) return enif_make_badarg(env);
  runtime *rt = runtime_of(pid);
  if (rt == NULL) return atoms.undefined;
  ERL_NIF_TERM out = enif_make_pid(env, &rt->steward);
  runtime_release(rt);
  return out;
}

/* is_native(Term) -> boolean(): whether it is the handle of a runtime, or the pid of a native process. */
NIF(nif_is_native) {
  (void)argc;
  regrow_pid pid;
  return pid_in(env, argv[0], &pid) ? atoms.true_ : atoms.false_;
}
