/* Messages: what goes to a native process, and the answers of servers. */
#include <time.h>

#include "nif.h"

/* Reads a native pid and a message for it. `*rt` is to be released. False: `*answer` says why not; `local` for a
 * process of the BEAM. */
static bool read_message(ErlNifEnv *env, const ERL_NIF_TERM argv[], regrow_pid *pid, runtime **rt,
                         regrow_term *message, ERL_NIF_TERM *answer) {
  ErlNifPid local;
  if (enif_get_local_pid(env, argv[0], &local)) {
    *answer = atoms.local;
    return false;
  }
  if (!pid_in(env, argv[0], pid)) {
    *answer = enif_make_badarg(env);
    return false;
  }
  *rt = runtime_of(*pid);
  conversion how = term_in(env, argv[1], *rt, nif_is_limited(), message);
  bool is_new = proxy_is_new(env, answer);
  if (how == CONVERTED && !is_new) return true;
  if (*rt != NULL) runtime_release(*rt);
  if (how == CONVERTED) {
    regrow_term_free(message);
    return false;
  }
  *answer = how == TOO_LARGE ? nif_too_large() : enif_make_badarg(env);
  return false;
}

/* ---- looking for an answer before it is waited for ----
 *
 * A worker that is awake answers in a microsecond; a message, for which the caller is put aside and taken up again,
 * costs some more. So a call looks for its answer a little, and where that does not pay it is tried ever more seldom. */

#define LOOK_NS 5000
#define LOOKS_BETWEEN_CLOCKS 8
#define LONGEST_REST 1024

/* Calls before the next look, and how many it were the last time. */
static _Thread_local unsigned rest, rested;

static uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/* REGROW_ERR_TIMEOUT: not yet, or its time has run out, as who is given the request hears. */
static regrow_error look(ErlNifEnv *env, regrow_request *pending, regrow_term *reply) {
  regrow_error error = regrow_request_wait(pending, 0, reply);
  if (error != REGROW_ERR_TIMEOUT) return error;
  if (rest > 0) {
    rest--;
    return error;
  }
  uint64_t end = now_ns() + LOOK_NS;
  /* Which is some microseconds, so that who calls again and again gives way to others. */
  (void)enif_consume_timeslice(env, 1);
  do {
    for (int at = 0; at < LOOKS_BETWEEN_CLOCKS; at++) {
      relax();
      error = regrow_request_wait(pending, 0, reply);
      if (error == REGROW_ERR_TIMEOUT) continue;
      rested = 0;
      return error;
    }
  } while (now_ns() < end);
  /* The next one is tried, for a worker that slept is awake now. */
  rest = rested;
  rested = rested == 0 ? 1 : rested < LONGEST_REST ? 2 * rested : LONGEST_REST;
  return error;
}

/* What has come of a request. */
static ERL_NIF_TERM outcome(ErlNifEnv *env, runtime *rt, regrow_error error, regrow_term reply) {
  if (error == REGROW_OK) return result_out(env, rt, reply);
  regrow_term reason = error_reason(error);
  ERL_NIF_TERM out = term_out_whole(env, &reason, rt);
  regrow_term_free(&reason);
  return enif_make_tuple2(env, atoms.error, out);
}

static ERL_NIF_TERM call_by(ErlNifEnv *env, const ERL_NIF_TERM argv[],
                            regrow_error (*answered)(ErlNifEnv *, regrow_request *, regrow_term *)) {
  regrow_pid pid;
  runtime *rt;
  regrow_term request, reply;
  regrow_request *pending;
  unsigned timeout_ms;
  ERL_NIF_TERM answer = atoms.ok;
  if (!enif_get_uint(env, argv[2], &timeout_ms)) return enif_make_badarg(env);
  if (!read_message(env, argv, &pid, &rt, &request, &answer)) return answer;
  regrow_error error = regrow_call_async(pid, request, timeout_ms, &pending);
  if (error != REGROW_OK) {
    answer = error_out(env, rt, error);
  } else if ((error = answered(env, pending, &reply)) != REGROW_ERR_TIMEOUT) {
    answer = outcome(env, rt, error, reply);
    regrow_request_free(pending);
  } else {
    waiter *who = waiter_new(env, argv[3], rt);
    if (who != NULL) {
      waiter_await(who, pending);
    } else {
      regrow_request_free(pending);
      answer = enif_make_tuple2(env, atoms.error, enif_make_atom(env, "system_limit"));
    }
  }
  if (rt != NULL) runtime_release(rt);
  return answer;
}

static regrow_error at_once(ErlNifEnv *env, regrow_request *pending, regrow_term *reply) {
  (void)env;
  return regrow_request_wait(pending, 0, reply);
}

/* call(Pid, Request, TimeoutMs, Ref) -> ok, and {Ref, {ok, Reply} | {error, Reason}} comes; or at once
 * {ok, Reply} | {error, Reason} | local. */
NIF(nif_call) {
  (void)argc;
  return call_by(env, argv, look);
}

/* call_many(Pid, Request, TimeoutMs, Ref): the same, of one request among many: nobody looks for its answer. */
NIF(nif_call_many) {
  (void)argc;
  return call_by(env, argv, at_once);
}

typedef struct sending {
  regrow_error (*send)(regrow_pid, regrow_term);
  regrow_pid pid;
  regrow_term message;
  regrow_error error;
} sending;

static void send_now(void *user) {
  sending *work = user;
  work->error = work->send(work->pid, work->message);
}

/* ok | {error, Reason}; wait: its mailbox has a limit, and who sends to it waits for room. */
static ERL_NIF_TERM send_by(ErlNifEnv *env, const ERL_NIF_TERM argv[], regrow_error (*send)(regrow_pid, regrow_term)) {
  sending work = {.send = send};
  runtime *rt;
  ERL_NIF_TERM answer;
  if (!read_message(env, argv, &work.pid, &rt, &work.message, &answer)) return answer;
  regrow_error error = regrow_without_waiting(send_now, &work);
  if (error == REGROW_OK) error = work.error;
  answer = error == REGROW_OK                ? atoms.ok
           : error == REGROW_ERR_WOULD_BLOCK ? atoms.wait
                                             : error_out(env, rt, error);
  if (rt != NULL) runtime_release(rt);
  return answer;
}

/* send(Pid, Message) -> ok | local | wait | {error, Reason}. */
NIF(nif_send) {
  (void)argc;
  return send_by(env, argv, regrow_send);
}

/* cast(Pid, Message) -> ok | local | wait | {error, Reason}. */
NIF(nif_cast) {
  (void)argc;
  return send_by(env, argv, regrow_cast);
}

/* is_alive(Pid) -> boolean() | local. */
NIF(nif_is_alive) {
  (void)argc;
  regrow_pid pid;
  ErlNifPid local;
  if (enif_get_local_pid(env, argv[0], &local)) return atoms.local;
  if (!pid_in(env, argv[0], &pid)) return enif_make_badarg(env);
  return regrow_is_alive(pid) ? atoms.true_ : atoms.false_;
}
