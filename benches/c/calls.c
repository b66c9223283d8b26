/* Synchronous calls to a counter, from a process and from a thread that the runtime does not know. */
#include "harness.h"
#include <pthread.h>

static regrow_next handle_call(regrow_context *context, void *state, const regrow_term *request)
{
  (void)request;
  return regrow_reply(context, regrow_int(++*(int64_t *)state));
}

struct calls { const char *name; uint64_t n; regrow_pid counter; int64_t made; double queued_p50_ns; };

static void call(struct calls *calls)
{
  regrow_term reply;
  int64_t count;
  must(regrow_call(calls->counter, regrow_nil(), call_timeout_ms, &reply));
  expect(regrow_as_int(&reply, &count) && count == ++calls->made);
}

static struct percentiles time_calls(struct calls *calls, uint64_t timed)
{
  uint64_t *waits = malloc((timed + 1) * sizeof *waits);
  expect(waits);
  for (uint64_t i = 0; i < timed; i++) {
    uint64_t before = now_ns();
    call(calls);
    waits[i] = now_ns() - before;
  }
  struct percentiles p = percentiles(waits, timed);
  free(waits);
  return p;
}

static void run_calls(void *data)
{
  struct calls *calls = data;
  uint64_t n = calls->n;
  for (uint64_t i = 0; i < n / 10; i++)
    call(calls);
  uint64_t start = now_ns();
  for (uint64_t i = 0; i < n; i++)
    call(calls);
  uint64_t ns = now_ns() - start;
  struct percentiles p = time_calls(calls, n / 5);
  struct extra queued = { calls->queued_p50_ns ? "queued_p50_ns" : NULL, calls->queued_p50_ns };
  emit(calls->name, n, ns, n, (struct extra[]){ { "p50_ns", p.p50 }, { "p99_ns", p.p99 }, queued, { 0 } });
}

static regrow_pid start_counter(int64_t *count, uint32_t flags)
{
  regrow_server_spec spec = {
    .size = sizeof spec, .init = take_user, .handle_call = handle_call, .user = count, .flags = flags };
  return start_spec(&spec);
}

void call_actor(const char *name, uint64_t n)
{
  int64_t count = 0;
  struct calls calls = { .name = name, .n = n, .counter = start_counter(&count, server_flags) };
  in_process(run_calls, &calls);
  end_all(&calls.counter, 1);
}

static void *run_calls_in_thread(void *data)
{
  run_calls(data);
  return NULL;
}

static void from_a_thread(struct calls *calls, void *(*run)(void *data))
{
  pthread_t thread;
  expect(pthread_create(&thread, NULL, run, calls) == 0);
  pthread_join(thread, NULL);
  end_all(&calls->counter, 1);
}

/* Of an ordinary server: two threads hand over to each other. */
void call_thread_queued(const char *name, uint64_t n)
{
  int64_t count = 0;
  struct calls calls = { .name = name, .n = n, .counter = start_counter(&count, 0) };
  from_a_thread(&calls, run_calls_in_thread);
}

/* The row is that of a server which lets the thread run it. `queued_p50_ns` is that of one which does not, in the same
 * thread. */
static void *run_queued_and_inline_calls(void *data)
{
  struct calls *calls = data;
  int64_t count = 0;
  struct calls queued = { .counter = start_counter(&count, 0) };
  time_calls(&queued, calls->n / 50);
  calls->queued_p50_ns = time_calls(&queued, calls->n / 10).p50;
  end_all(&queued.counter, 1);
  run_calls(data);
  return NULL;
}

void call_thread(const char *name, uint64_t n)
{
  int64_t count = 0;
  struct calls calls = { .name = name, .n = n, .counter = start_counter(&count, server_flags | REGROW_INLINE) };
  from_a_thread(&calls, run_queued_and_inline_calls);
}
