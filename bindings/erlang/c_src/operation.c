/* How an operation of operations.c is carried out: at once, or in a native process, as the caller's proxy or on a
 * thread; then its outcome is a message. */
#include <stdlib.h>

#include "nif.h"

/* An operation under way. */
typedef struct job {
  const operation *what;
  regrow_pid pid;
  regrow_term items[ITEMS_AT_MOST];
  runtime *rt;
  waiter *who;
  bool done;
} job;

static regrow_error run(const operation *what, regrow_pid pid, runtime *rt, const regrow_term *items,
                        regrow_term *result) {
  arguments given = {.pid = pid, .items = items, .rt = rt};
  *result = regrow_nil();
  return what->run(&given, result);
}

static void free_items(regrow_term *items, size_t count) {
  for (size_t at = 0; at < count; at++) regrow_term_free(&items[at]);
}

static void job_run(job *work) {
  regrow_term result;
  if (work->done) return;
  work->done = true;
  regrow_error error = run(work->what, work->pid, work->rt, work->items, &result);
  if (error != REGROW_OK) result = error_reason(error);
  waiter_tell(work->who, error, &result);
  regrow_term_free(&result);
}

static void job_free(void *given) {
  job *work = given;
  waiter_free(work->who);
  free_items(work->items, work->what->count);
  runtime_release(work->rt);
  free(work);
}

/* ---- in a process ---- */

static regrow_next body(regrow_context *context, void *user) {
  (void)context;
  job_run(user);
  return REGROW_DONE;
}

static void begin_process(job *work) {
  regrow_process_spec spec = {.size = sizeof spec, .body = body, .user = work, .drop_user = job_free};
  /* The job is freed in any case, and who waits for it told. */
  (void)regrow_spawn(work->rt->root, &spec, NULL);
}

/* ---- as the caller ---- */

#define JOB_ATOM "$regrow_job"

regrow_term operation_trap_exit(void) {
  return regrow_tuple((regrow_term[]){regrow_atom(JOB_ATOM), regrow_atom("trap_exit")}, 2);
}

regrow_term operation_credit(uint32_t unread) {
  regrow_term credit = regrow_tuple((regrow_term[]){regrow_atom("credit"), regrow_int(unread)}, 2);
  return regrow_tuple((regrow_term[]){regrow_atom(JOB_ATOM), credit}, 2);
}

regrow_error operation_link(runtime *rt, regrow_pid proxy, regrow_pid pid) {
  regrow_pid self;
  regrow_ref monitor;
  regrow_term answer;
  regrow_error error = regrow_self(&self);
  if (error == REGROW_OK) error = regrow_monitor(proxy, &monitor);
  if (error != REGROW_OK) return error;
  regrow_term asked[3] = {regrow_atom("link"), regrow_from_pid(pid), regrow_from_pid(self)};
  proxy_tell(rt, proxy, regrow_tuple((regrow_term[]){regrow_atom(JOB_ATOM), regrow_tuple(asked, 3)}, 2));
  /* The answer, or the proxy's DOWN, or that of the process itself: nobody else sends anything to this one. */
  error = regrow_receive(REGROW_INFINITY, &answer);
  (void)regrow_demonitor(monitor, REGROW_FLUSH, NULL);
  if (error != REGROW_OK) return error;
  bool linked = regrow_is_atom(&answer, "linked");
  regrow_term_free(&answer);
  return linked ? REGROW_OK : REGROW_ERR_NO_PROCESS;
}

/* {link, Pid, ReplyTo}: see operation_link(). */
static void link_asked(const regrow_term *asked) {
  regrow_pid pid, reply_to;
  if (!regrow_as_pid(regrow_tuple_get(asked, 1), &pid) || !regrow_as_pid(regrow_tuple_get(asked, 2), &reply_to)) return;
  bool linked = regrow_link(pid) == REGROW_OK;
  if (linked) proxy_links(pid, true);
  (void)regrow_send(reply_to, regrow_atom(linked ? "linked" : "noproc"));
}

bool operation_delivered(const regrow_term *message) {
  size_t size;
  void *work;
  int64_t unread;
  if (!regrow_tuple_size(message, &size) || size != 2 || !regrow_is_atom(regrow_tuple_get(message, 0), JOB_ATOM))
    return false;
  if (regrow_as_resource(regrow_tuple_get(message, 1), &work)) {
    job_run(work);
  } else if (regrow_is_atom(regrow_tuple_get(message, 1), "trap_exit")) {
    proxy_traps();
  } else if (regrow_as_int(regrow_tuple_get(regrow_tuple_get(message, 1), 1), &unread)) {
    proxy_credit((uint32_t)unread);
  } else {
    link_asked(regrow_tuple_get(message, 1));
  }
  return true;
}

static void begin_as(job *work, regrow_pid proxy) {
  regrow_term parts[2] = {regrow_atom(JOB_ATOM), regrow_resource(work, job_free)};
  proxy_tell(work->rt, proxy, regrow_tuple(parts, 2));
}

/* ---- on a thread ---- */

static void *thread_body(void *given) {
  job_run(given);
  job_free(given);
  return NULL;
}

static void begin_thread(job *work) {
  pthread_attr_t detached;
  pthread_t thread;
  pthread_attr_init(&detached);
  pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
  if (pthread_create(&thread, &detached, thread_body, work) != 0) job_free(work);
  pthread_attr_destroy(&detached);
}

/* ---- the two NIFs ---- */

static conversion items_in(ErlNifEnv *env, const ERL_NIF_TERM *parts, size_t count, runtime *rt, regrow_term *items) {
  allowance left = allowance_of(nif_is_limited());
  for (size_t at = 0; at < count; at++) {
    conversion how = term_in_within(env, parts[at], rt, &left, &items[at]);
    if (how == CONVERTED) continue;
    free_items(items, at);
    return how;
  }
  return CONVERTED;
}

/* Reads what both take: {Operation, Pid, Items}. False: badarg, or `*answer` says what. */
static bool read_call(ErlNifEnv *env, const ERL_NIF_TERM argv[], const operation **what, regrow_pid *pid,
                      runtime **rt, regrow_term *items, ERL_NIF_TERM *answer) {
  const ERL_NIF_TERM *parts;
  int count;
  *what = operation_named(argv[0]);
  if (*what == NULL || !pid_in(env, argv[1], pid) || !enif_get_tuple(env, argv[2], &count, &parts) ||
      (size_t)count != (*what)->count) {
    *answer = enif_make_badarg(env);
    return false;
  }
  *rt = runtime_of(*pid);
  if (*rt == NULL) {
    *answer = enif_make_tuple2(env, atoms.error, enif_make_atom(env, "noproc"));
    return false;
  }
  conversion how = items_in(env, parts, (*what)->count, *rt, items);
  bool is_new = proxy_is_new(env, answer);
  if (how == CONVERTED && !is_new) return true;
  runtime_release(*rt);
  if (how == CONVERTED) {
    free_items(items, (*what)->count);
    return false;
  }
  *answer = how == TOO_LARGE ? nif_too_large() : enif_make_badarg(env);
  return false;
}

/* now(Operation, Pid, Items) -> {ok, Value} | {error, Reason}. */
NIF(nif_now) {
  (void)argc;
  const operation *what;
  regrow_pid pid;
  runtime *rt;
  regrow_term items[ITEMS_AT_MOST], result;
  ERL_NIF_TERM answer;
  if (!read_call(env, argv, &what, &pid, &rt, items, &answer)) return answer;
  if (what->where == RUN_DIRTY && nif_is_limited()) {
    answer = nif_too_large();
  } else if (what->where != RUN_NOW && what->where != RUN_DIRTY) {
    answer = enif_make_badarg(env);
  } else {
    regrow_error error = run(what, pid, rt, items, &result);
    answer = error == REGROW_OK        ? result_out(env, rt, result)
             : error == ERROR_TOO_MUCH ? nif_too_large()
                                       : error_out(env, rt, error);
  }
  free_items(items, what->count);
  runtime_release(rt);
  return answer;
}

/* Both return {again, Steward} when they have made a proxy, and nothing else: see proxy_is_new().
 *
 * later(Operation, Pid, Items, Ref) -> ok, and {Ref, {ok, Value} | {error, Reason}} comes; or {error, Reason}. What is
 * done at once elsewhere is done as the caller here. */
NIF(nif_later) {
  (void)argc;
  const operation *what;
  regrow_pid pid, proxy = {0};
  ErlNifPid self;
  runtime *rt;
  ERL_NIF_TERM answer;
  job *work = malloc(sizeof *work);
  if (work == NULL) return enif_make_tuple2(env, atoms.error, enif_make_atom(env, "system_limit"));
  if (!read_call(env, argv, &what, &pid, &rt, work->items, &answer)) {
    free(work);
    return answer;
  }
  bool as_caller = what->where != RUN_PROCESS && what->where != RUN_THREAD;
  waiter *who = waiter_new(env, argv[3], rt);
  bool has_proxy = !as_caller || proxy_of(env, rt, enif_self(env, &self), &proxy);
  bool is_new = proxy_is_new(env, &answer);
  if (who == NULL || !has_proxy || is_new) {
    if (who != NULL) waiter_forget(who);
    free_items(work->items, what->count);
    free(work);
    runtime_release(rt);
    return is_new ? answer : enif_make_tuple2(env, atoms.error, enif_make_atom(env, "system_limit"));
  }
  work->what = what;
  work->pid = pid;
  work->rt = rt;
  work->who = who;
  work->done = false;
  if (as_caller) {
    begin_as(work, proxy);
  } else if (what->where == RUN_PROCESS) {
    begin_process(work);
  } else {
    begin_thread(work);
  }
  return atoms.ok;
}
