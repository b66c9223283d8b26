/* Lives: many short ones, many idle ones, and one that crashes and is restarted; children that come and go. */
#include "harness.h"
#include <stdatomic.h>

/* ---- spawn ---- */
static atomic_ulong handled;

static regrow_next handle_once(regrow_context *context, void *state, const regrow_term *message)
{
  (void)state;
  int64_t last;
  expect(regrow_as_int(message, &last));
  if (atomic_fetch_add(&handled, 1) + 1 == (uint64_t)last)
    tell_main(0);
  return regrow_stop_self(context, regrow_atom("normal"));
}

static void spawn_each(void *data)
{
  regrow_server_spec once = { .size = sizeof once, .handle_info = handle_once };
  uint64_t n = *(uint64_t *)data;
  for (uint64_t i = 0; i < n; i++) {
    /* gives way, else all n are alive at once and page faults are measured */
    if (i % 64 == 0)
      must(regrow_sleep(0));
    must(regrow_send(start_spec(&once), regrow_int((int64_t)n)));
  }
}

void spawn(const char *name, uint64_t n)
{
  atomic_store(&handled, 0);
  uint64_t start = now_ns();
  start_process(spawn_each, &n);
  await_result();
  emit(name, n, now_ns() - start, n, NULL);
}

/* ---- idle ---- */
void idle(const char *name, uint64_t n)
{
  regrow_server_spec waiting = { .size = sizeof waiting, .handle_info = handle_once };
  uint64_t before = resident_bytes(), start = now_ns();
  regrow_pid *pids = malloc(n * sizeof *pids);
  expect(pids);
  for (uint64_t i = 0; i < n; i++)
    pids[i] = start_spec(&waiting);
  uint64_t ns = now_ns() - start;
  double bytes = (double)(resident_bytes() - before) / (double)n;
  emit(name, n, ns, n, (struct extra[]){ { "bytes_per_actor", bytes }, { 0 } });
  end_all(pids, n);
  free(pids);
}

/* ---- restart: `init` tells the owner its pid, so that it knows the replacement ---- */
static regrow_next init_worker(regrow_context *context, void *user, const regrow_term *owner, void **state)
{
  (void)context, (void)user;
  regrow_pid self, to;
  expect(regrow_as_pid(owner, &to));
  must(regrow_self(&self));
  must(regrow_send(to, regrow_from_pid(self)));
  *state = calloc(1, sizeof(int64_t));
  return *state ? REGROW_READY : regrow_stop_self(context, regrow_atom("no_memory"));
}

static regrow_next crash(regrow_context *context, void *state, const regrow_term *message)
{
  (void)state, (void)message;
  return regrow_stop_self(context, regrow_atom("boom"));
}

static regrow_next count_call(regrow_context *context, void *state, const regrow_term *request)
{
  (void)request;
  return regrow_reply(context, regrow_int(++*(int64_t *)state));
}

static regrow_pid next_worker(void)
{
  regrow_term up;
  regrow_pid pid;
  must(regrow_receive(REGROW_INFINITY, &up));
  expect(regrow_as_pid(&up, &pid));
  return pid;
}

struct restarts { const char *name; uint64_t n; };

static void crash_each(void *data)
{
  struct restarts *restarts = data;
  uint64_t n = restarts->n, *lives = malloc((n + 1) * sizeof *lives);
  regrow_pid self, supervisor;
  expect(lives);
  must(regrow_self(&self));
  regrow_term owner = regrow_from_pid(self);
  regrow_server_spec worker = {
    .size = sizeof worker, .init = init_worker, .handle_call = count_call, .handle_cast = crash, .drop = free, .arg = &owner };
  regrow_child_spec child = { .size = sizeof child, .id = "w", .kind = REGROW_SERVER, .spec = &worker };
  regrow_supervisor_spec spec = {
    .size = sizeof spec, .max_restarts = 1000000, .period_ms = 1000, .children = &child, .child_count = 1 };
  regrow_child_spec top = { .size = sizeof top, .kind = REGROW_SUPERVISOR, .spec = &spec };
  must(regrow_start(root, &top, &supervisor));
  regrow_pid pid = next_worker();
  uint64_t start = now_ns();
  for (uint64_t i = 0; i < n; i++) {
    regrow_term reply;
    int64_t count;
    uint64_t before = now_ns();
    must(regrow_cast(pid, regrow_nil()));
    pid = next_worker();
    must(regrow_call(pid, regrow_nil(), REGROW_INFINITY, &reply));
    expect(regrow_as_int(&reply, &count) && count == 1);
    lives[i] = now_ns() - before;
  }
  uint64_t ns = now_ns() - start;
  struct percentiles p = percentiles(lives, n);
  emit(restarts->name, n, ns, n, (struct extra[]){ { "p50_us", p.p50 / 1e3 }, { "p99_us", p.p99 / 1e3 }, { 0 } });
  must(regrow_stop(supervisor, regrow_atom("shutdown"), REGROW_INFINITY));
  free(lives);
}

/* ---- dynsup: as Elixir's: each started and stopped in its turn, and the caller waits for it ---- */
static regrow_next init_count(regrow_context *context, void *user, const regrow_term *arg, void **state)
{
  (void)user, (void)arg;
  *state = calloc(1, sizeof(int64_t));
  return *state ? REGROW_READY : regrow_stop_self(context, regrow_atom("no_memory"));
}

static void start_and_stop_each(void *data)
{
  struct restarts *lives = data;
  uint64_t n = lives->n;
  regrow_pid supervisor, *pids = malloc(n * sizeof *pids);
  expect(pids);
  regrow_server_spec worker = { .size = sizeof worker, .init = init_count, .handle_call = count_call, .drop = free };
  regrow_child_spec child = {
    .size = sizeof child, .id = "w", .kind = REGROW_SERVER, .restart = REGROW_TEMPORARY, .spec = &worker };
  regrow_dynamic_supervisor_spec spec = { .size = sizeof spec };
  regrow_child_spec top = { .size = sizeof top, .kind = REGROW_DYNAMIC_SUPERVISOR, .spec = &spec };
  must(regrow_start(root, &top, &supervisor));
  uint64_t start = now_ns();
  for (uint64_t i = 0; i < n; i++)
    must(regrow_supervisor_start_child(supervisor, &child, &pids[i]));
  uint64_t started = now_ns();
  for (uint64_t i = 0; i < n; i++) {
    regrow_term id = regrow_from_pid(pids[i]);
    must(regrow_supervisor_terminate_child(supervisor, &id));
  }
  uint64_t end = now_ns();
  emit(lives->name, n, end - start, n, (struct extra[]){
    { "start_per_sec", per_second(n, started - start) }, { "terminate_per_sec", per_second(n, end - started) }, { 0 } });
  must(regrow_stop(supervisor, regrow_atom("shutdown"), REGROW_INFINITY));
  free(pids);
}

void dynsup(const char *name, uint64_t n)
{
  struct restarts lives = { name, n };
  in_process(start_and_stop_each, &lives);
}

void restart(const char *name, uint64_t n)
{
  struct restarts restarts = { name, n };
  in_process(crash_each, &restarts);
}
