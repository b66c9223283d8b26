/* Tasks: started and awaited one after the other, and all items of a stream with so many at once. */
#include "harness.h"

enum { AT_ONCE = 8 };

struct items { uint64_t next, count, results; };

static regrow_next give_one(regrow_context *context, void *user, const regrow_term *argument, regrow_term *value)
{
  (void)context, (void)user, (void)argument;
  *value = regrow_int(1);
  return REGROW_DONE;
}

static void await(void *data, size_t index)
{
  (void)index;
  regrow_task_spec spec = { .size = sizeof spec, .run = give_one };
  for (uint64_t i = *(uint64_t *)data; i > 0; i--) {
    regrow_task task;
    regrow_term value;
    must(regrow_task_async(&spec, &task));
    must(regrow_task_await(task, call_timeout_ms, &value));
    expect(regrow_is_int(&value));
  }
}

static bool next_item(void *user, regrow_term *item)
{
  struct items *items = user;
  *item = regrow_int((int64_t)items->next);
  return items->next++ < items->count;
}

static bool take_result(void *user, const regrow_term *result)
{
  (void)result;
  ((struct items *)user)->results++;
  return true;
}

static void stream(void *data, size_t index)
{
  (void)index;
  struct items items = { .count = *(uint64_t *)data };
  regrow_task_spec task = { .size = sizeof task, .run = give_one };
  regrow_stream_spec spec = { .size = sizeof spec, .task = &task, .source = next_item, .result = take_result,
                              .user = &items, .max_concurrency = AT_ONCE };
  must(regrow_task_stream(&spec, NULL));
  expect(items.results == items.count);
}

void task(const char *name, uint64_t n)
{
  uint64_t one_ns = parallel_processes(1, await, &n), each = n / 4;
  uint64_t four_ns = parallel_processes(4, await, &each);
  uint64_t stream_ns = parallel_processes(1, stream, &n);
  emit(name, n, one_ns, n, (struct extra[]){
    { "owners1_per_sec", per_second(n, one_ns) }, { "owners4_per_sec", per_second(each * 4, four_ns) },
    { "stream_per_sec", per_second(n, stream_ns) }, { 0 } });
}
