/* A task that waits for n others: of its own supervisor, which has queued them; as a stream; and when one has failed. */
#include "growth.h"

/* ---- what the tasks do ---- */

static regrow_next nothing(regrow_context *context, void *user, const regrow_term *argument, regrow_term *value)
{
  return REGROW_DONE;
}

static regrow_pid supervisor;

/* Runs `run` with n as a task of a supervisor under which one runs at once. */
static void as_its_task(regrow_task_callback run, uint64_t n)
{
  regrow_task_supervisor_spec spec = { .size = sizeof spec, .max_children = 1, .at_limit = REGROW_QUEUE };
  for (uint64_t round = rounds(n); round > 0; round--) {
    supervisor = start_kind(REGROW_TASK_SUPERVISOR, &spec);
    regrow_task_spec task = { .size = sizeof task, .run = run, .user = &n };
    regrow_task started;
    must(regrow_task_supervisor_async(supervisor, &task, &started));
    must(regrow_task_await(started, REGROW_INFINITY, NULL));
    must(regrow_stop(supervisor, regrow_atom("shutdown"), REGROW_INFINITY));
  }
}

/* ---- the cases ---- */

static regrow_next await_all(regrow_context *context, void *user, const regrow_term *argument, regrow_term *value)
{
  uint64_t n = *(uint64_t *)user;
  regrow_task_spec spec = { .size = sizeof spec, .run = nothing };
  regrow_task *tasks = room(n, sizeof *tasks);
  for (uint64_t i = 0; i < n; i++)
    must(regrow_task_supervisor_async(supervisor, &spec, &tasks[i]));
  begin();
  must(regrow_task_await_many(tasks, n, REGROW_INFINITY, NULL));
  end(n);
  free(tasks);
  return REGROW_DONE;
}

void await_queued(uint64_t n)
{
  as_its_task(await_all, n);
}

struct items { uint64_t left, results, wanted; };

static bool next_item(void *user, regrow_term *item)
{
  struct items *items = user;
  return items->left && items->left--;
}

static bool take_result(void *user, const regrow_term *result)
{
  struct items *items = user;
  return ++items->results < items->wanted;
}

/* With the first result, as many others are awaited one by one; by then all results are there. */
static bool await_others(void *user, const regrow_term *result)
{
  struct items *items = user;
  regrow_task_spec spec = { .size = sizeof spec, .run = nothing };
  if (items->results == 0) {
    must(regrow_settle(root, REGROW_INFINITY, NULL));
    for (uint64_t i = 0; i < items->wanted; i++) {
      regrow_task other;
      must(regrow_task_async(&spec, &other));
      must(regrow_task_await(other, REGROW_INFINITY, NULL));
    }
  }
  return take_result(user, result);
}

/* All n at once; `wanted` results are taken. */
static void stream(uint64_t n, regrow_pid of, uint64_t wanted, regrow_result_callback result)
{
  struct items items = { .left = n, .wanted = wanted };
  regrow_task_spec task = { .size = sizeof task, .run = nothing };
  regrow_stream_spec spec = { .size = sizeof spec, .task = &task, .source = next_item, .result = result,
                              .user = &items, .supervisor = of, .max_concurrency = (uint32_t)n,
                              .timeout_ms = REGROW_INFINITY };
  begin();
  must(regrow_task_stream(&spec, NULL));
  end(n);
  expect(items.results == wanted);
}

static regrow_next stream_here(regrow_context *context, void *user, const regrow_term *argument, regrow_term *value)
{
  uint64_t n = *(uint64_t *)user;
  stream(n, supervisor, n, take_result);
  return REGROW_DONE;
}

void stream_queued(uint64_t n)
{
  as_its_task(stream_here, n);
}

/* Of a caller that traps exits, so that what a task leaves may be an EXIT too; it wants no more after the first. */
void stream_left(uint64_t n)
{
  must(regrow_trap_exit(true, NULL));
  for (uint64_t round = rounds(n); round > 0; round--)
    stream(n, (regrow_pid){ 0 }, 1, take_result);
  must(regrow_trap_exit(false, NULL));
}

void stream_awaits(uint64_t n)
{
  for (uint64_t round = rounds(n); round > 0; round--)
    stream(n, (regrow_pid){ 0 }, n, await_others);
}

static regrow_next fail(regrow_context *context, void *user, const regrow_term *argument, regrow_term *value)
{
  return regrow_stop_self(context, regrow_atom("shutdown"));
}

/* n tasks have ended when they are waited for, and the first has no value. */
void await_failed(uint64_t n)
{
  regrow_task *tasks = room(n + 1, sizeof *tasks);
  regrow_task_supervisor_spec spec = { .size = sizeof spec };
  for (uint64_t round = rounds(n); round > 0; round--) {
    regrow_pid tasks_supervisor = start_kind(REGROW_TASK_SUPERVISOR, &spec);
    regrow_task_spec failing = { .size = sizeof failing, .run = fail }, task = { .size = sizeof task, .run = nothing };
    must(regrow_task_supervisor_async_nolink(tasks_supervisor, &failing, &tasks[0]));
    for (uint64_t i = 1; i <= n; i++)
      must(regrow_task_supervisor_async_nolink(tasks_supervisor, &task, &tasks[i]));
    must(regrow_settle(root, REGROW_INFINITY, NULL));
    begin();
    expect(regrow_task_await_many(tasks, n + 1, REGROW_INFINITY, NULL) == REGROW_ERR_EXITED);
    end(n);
    must(regrow_stop(tasks_supervisor, regrow_atom("shutdown"), REGROW_INFINITY));
  }
  free(tasks);
}
