#define _POSIX_C_SOURCE 200809L /* nanosleep */

#include "clock.h"

#include "text.h"

#include <pthread.h>
#include <time.h>

enum {
  LONGEST_TIMER_MS = 100, /* of those that a scenario waits for; longer ones never fire */
  REST_MS = 20000,        /* the longest time until nothing runs */
  GLANCE_MS = 50,         /* how long the helper looks on before it asks whether it is still needed */
  BREATH_US = 200         /* how long it then leaves the turn to main */
};

enum tick { TICK_MOVED, TICK_RESTS, TICK_RUNS };

static regrow_pid runtime;
static bool is_manual;

/* Who holds it asks what time is waited for and moves it there: two at once would go twice as far. */
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER; /* the flags, which `turn` guards */
static bool is_lent, is_stopped;
static pthread_t helper;

static void nap(uint64_t us)
{
  struct timespec time = {.tv_sec = (time_t)(us / 1000000), .tv_nsec = (long)(us % 1000000) * 1000};
  while (nanosleep(&time, &time)) {
  }
}

static uint64_t time_until(uint64_t now_ms, uint64_t deadline_ms)
{
  return deadline_ms > now_ms ? deadline_ms - now_ms : 1;
}

static void let_pass(uint64_t ms)
{
  if (!is_manual)
    nap(1000 * ms);
  else
    regrow_advance(runtime, ms);
}

static bool is_waited_for(const regrow_settled *settled)
{
  return settled->state == REGROW_WAITING &&
         (settled->kind != REGROW_TIMER_USER ||
          time_until(settled->now_ms, settled->deadline_ms) <= LONGEST_TIMER_MS);
}

/* Waits until nothing runs, and then for one deadline if there is one to wait for. To be called with the turn. */
static enum tick tick(uint32_t patience_ms)
{
  regrow_settled settled = {.size = sizeof settled};
  regrow_error error = regrow_settle(runtime, patience_ms, &settled);
  bool moves = !error && is_waited_for(&settled);
  if (moves)
    let_pass(time_until(settled.now_ms, settled.deadline_ms));
  if (error == REGROW_ERR_TIMEOUT)
    return TICK_RUNS;
  if (error)
    give_up("settle says %s", regrow_error_name(error));
  return moves ? TICK_MOVED : TICK_RESTS;
}

void clock_settle(void)
{
  enum tick last;
  do {
    pthread_mutex_lock(&turn);
    last = tick(REST_MS);
    pthread_mutex_unlock(&turn);
  } while (last == TICK_MOVED);
  if (last == TICK_RUNS)
    give_up("the system does not come to rest");
}

void clock_sleep(uint32_t ms)
{
  clock_take_back();
  let_pass(ms);
}

/* ---- the helper ---- */

static void *help(void *unused)
{
  (void)unused;
  pthread_mutex_lock(&turn);
  while (!is_stopped) {
    if (!is_lent) {
      pthread_cond_wait(&changed, &turn);
      continue;
    }
    tick(GLANCE_MS);
    pthread_mutex_unlock(&turn);
    nap(BREATH_US);
    pthread_mutex_lock(&turn);
  }
  pthread_mutex_unlock(&turn);
  return NULL;
}

static void tell_helper(bool lent, bool stopped)
{
  pthread_mutex_lock(&turn);
  is_lent = lent;
  is_stopped = stopped;
  pthread_cond_signal(&changed);
  pthread_mutex_unlock(&turn);
}

void clock_lend(void)
{
  if (is_manual)
    tell_helper(true, false);
}

void clock_take_back(void)
{
  if (is_manual)
    tell_helper(false, false);
}

void clock_start(regrow_pid the_runtime, bool manual)
{
  runtime = the_runtime;
  is_manual = manual;
  if (is_manual && pthread_create(&helper, NULL, help, NULL))
    give_up("no thread for the clock");
}

void clock_stop(void)
{
  if (!is_manual)
    return;
  tell_helper(false, true);
  pthread_join(helper, NULL);
}

/* ---- calls with a time limit ---- */

/* Moves the clock on to the next deadline, no further than to `limit_ms`. False: the limit is reached. */
static bool move_towards(uint64_t limit_ms, const regrow_settled *settled)
{
  if (settled->now_ms >= limit_ms)
    return false;
  bool has_deadline = settled->state == REGROW_WAITING && settled->deadline_ms < limit_ms;
  let_pass(time_until(settled->now_ms, has_deadline ? settled->deadline_ms : limit_ms));
  return true;
}

static regrow_error collect(regrow_request *pending, uint64_t limit_ms, regrow_term *reply)
{
  regrow_settled settled = {.size = sizeof settled};
  regrow_error error;
  do {
    if (regrow_settle(runtime, REST_MS, &settled))
      give_up("the system does not come to rest");
    error = regrow_request_wait(pending, 0, reply);
  } while (error == REGROW_ERR_TIMEOUT && move_towards(limit_ms, &settled));
  return error;
}

regrow_error clock_call(regrow_pid pid, const regrow_address *address, regrow_term request, uint32_t timeout_ms,
                        regrow_term *reply)
{
  if (!is_manual)
    return pid.id ? regrow_call(pid, request, timeout_ms, reply)
                  : regrow_call_at(address, request, timeout_ms, reply);
  clock_take_back();
  uint64_t now_ms = 0;
  regrow_request *pending = NULL;
  regrow_now(runtime, &now_ms);
  regrow_error error = pid.id ? regrow_call_async(pid, request, timeout_ms, &pending)
                              : regrow_call_async_at(address, request, timeout_ms, &pending);
  if (!error)
    error = collect(pending, now_ms + timeout_ms, reply);
  regrow_request_free(pending);
  return error;
}
