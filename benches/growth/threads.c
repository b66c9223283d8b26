/* n threads that the runtime does not know call servers, and look things up. */
#include "growth.h"
#include <pthread.h>

enum { SERVERS = 64, ROWS = 100000 };

static regrow_pid servers[SERVERS];
static regrow_table table;
static pthread_barrier_t start;
static uint64_t each;

static regrow_next answer(regrow_context *context, void *state, const regrow_term *request)
{
  return regrow_reply(context, regrow_term_clone(request));
}

static void *call_each(void *data)
{
  pthread_barrier_wait(&start);
  for (uint64_t i = 0; i < each; i++) {
    regrow_term reply;
    must(regrow_call(*(regrow_pid *)data, regrow_int((int64_t)i), REGROW_INFINITY, &reply));
    regrow_term_free(&reply);
  }
  return NULL;
}

static void *look_up_each(void *data)
{
  uint64_t at = (uint64_t)((regrow_pid *)data - servers) * 31337;
  pthread_barrier_wait(&start);
  for (uint64_t i = 0; i < each; i++) {
    regrow_term key = regrow_int((int64_t)scattered(at + i, ROWS)), object;
    must(regrow_table_get(table, &key, &object));
    regrow_term_free(&object);
  }
  return NULL;
}

static void run(uint64_t n, uint64_t operations, void *(*body)(void *data))
{
  pthread_t threads[SERVERS];
  expect(n <= SERVERS && pthread_barrier_init(&start, NULL, (unsigned)n + 1) == 0);
  each = operations / n;
  for (uint64_t i = 0; i < n; i++)
    expect(pthread_create(&threads[i], NULL, body, &servers[i]) == 0);
  begin();
  pthread_barrier_wait(&start);
  for (uint64_t i = 0; i < n; i++)
    pthread_join(threads[i], NULL);
  end(each * n);
  pthread_barrier_destroy(&start);
}

static void call_servers(uint64_t n, uint32_t flags, uint64_t operations)
{
  regrow_server_spec spec = { .size = sizeof spec, .handle_call = answer, .flags = flags };
  for (uint64_t i = 0; i < n; i++)
    servers[i] = start_server(&spec);
  run(n, operations, call_each);
}

void thread_calls(uint64_t n)
{
  call_servers(n, 0, times(n) / 2);
}

void thread_calls_inline(uint64_t n)
{
  call_servers(n, REGROW_INLINE, times(n) * 10);
}

void thread_lookups(uint64_t n)
{
  regrow_table_spec spec = { .size = sizeof spec, .access = REGROW_PUBLIC };
  must(regrow_table_new(&spec, &table));
  for (int64_t i = 0; i < ROWS; i++)
    must(regrow_table_insert(table, regrow_tuple((regrow_term[]){ regrow_int(i), regrow_int(i) }, 2)));
  run(n, times(n) * 10, look_up_each);
}
