/* Synchronous calls to a counter, from a process and from a thread that the runtime does not know. */
#include "harness.h"
#include <pthread.h>

static regrow_next handle_call(regrow_context *context, void *state, const regrow_term *request)
{
  (void)request;
  return regrow_reply(context, regrow_int(++*(int64_t *)state));
}

struct calls { const char *name; uint64_t n; regrow_pid counter; int64_t made; };

static void call(struct calls *calls)
{
  regrow_term reply;
  int64_t count;
  must(regrow_call(calls->counter, regrow_nil(), call_timeout_ms, &reply));
  expect(regrow_as_int(&reply, &count) && count == ++calls->made);
}

static void run_calls(void *data)
{
  struct calls *calls = data;
  uint64_t n = calls->n, timed = n / 5;
  for (uint64_t i = 0; i < n / 10; i++)
    call(calls);
  uint64_t start = now_ns();
  for (uint64_t i = 0; i < n; i++)
    call(calls);
  uint64_t ns = now_ns() - start;
  uint64_t *waits = malloc((timed + 1) * sizeof *waits);
  expect(waits);
  for (uint64_t i = 0; i < timed; i++) {
    uint64_t before = now_ns();
    call(calls);
    waits[i] = now_ns() - before;
  }
  struct percentiles p = percentiles(waits, timed);
  free(waits);
  emit(calls->name, n, ns, n, (struct extra[]){ { "p50_ns", p.p50 }, { "p99_ns", p.p99 }, { 0 } });
}

static regrow_pid start_counter(int64_t *count)
{
  regrow_server_spec spec = {
    .size = sizeof spec, .init = take_user, .handle_call = handle_call, .user = count, .flags = server_flags };
  return start_spec(&spec);
}

void call_actor(const char *name, uint64_t n)
{
  int64_t count = 0;
  struct calls calls = { name, n, start_counter(&count), 0 };
  in_process(run_calls, &calls);
  end_all(&calls.counter, 1);
}

static void *run_calls_in_thread(void *data)
{
  run_calls(data);
  return NULL;
}

void call_thread(const char *name, uint64_t n)
{
  int64_t count = 0;
  struct calls calls = { name, n, start_counter(&count), 0 };
  pthread_t thread;
  expect(pthread_create(&thread, NULL, run_calls_in_thread, &calls) == 0);
  pthread_join(thread, NULL);
  end_all(&calls.counter, 1);
}
