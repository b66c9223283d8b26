/* Supervisors: n children that are started, restarted with each other or together, and stopped. Each child says in its
 * init that it is up, so that its start has to be waited for. */
#include "growth.h"
#include <stdatomic.h>

struct child {
  regrow_pid pid;
  char id[24];
  regrow_server_spec server;
};

static atomic_ulong up, wanted;
static struct child *children;
static regrow_child_spec *specs;

static regrow_next come_up(regrow_context *context, void *user, const regrow_term *arg, void **state)
{
  if (user)
    must(regrow_self(&((struct child *)user)->pid));
  if (atomic_fetch_add(&up, 1) + 1 == atomic_load(&wanted))
    tell_main(0);
  return REGROW_READY;
}

static regrow_next crash(regrow_context *context, void *state, const regrow_term *message)
{
  return regrow_stop_self(context, regrow_term_clone(message));
}

static void want(uint64_t more)
{
  atomic_store(&wanted, atomic_load(&up) + more);
}

static void wish(const regrow_pid pid, const char *reason)
{
  must(regrow_cast(pid, regrow_atom(reason)));
}

/* What is up has said so before its supervisor knows. */
static void await_children(regrow_pid supervisor, uint64_t n)
{
  regrow_child_count count = { .size = sizeof count };
  await_main();
  settle();
  must(regrow_supervisor_count_children(supervisor, &count));
  expect(count.active == n);
}

static regrow_supervisor_spec prepare(uint64_t n, uint32_t strategy)
{
  free(children);
  free(specs);
  children = room(n, sizeof *children);
  specs = room(n, sizeof *specs);
  for (uint64_t i = 0; i < n; i++) {
    struct child *child = &children[i];
    snprintf(child->id, sizeof child->id, "%lu", i);
    child->server =
      (regrow_server_spec){ .size = sizeof child->server, .init = come_up, .handle_cast = crash, .user = child };
    specs[i] = (regrow_child_spec){
      .size = sizeof specs[i], .id = child->id, .kind = REGROW_SERVER, .spec = &child->server };
  }
  return (regrow_supervisor_spec){ .size = sizeof(regrow_supervisor_spec), .strategy = strategy, .max_restarts = 1000000000,
                                   .period_ms = 1, .children = specs, .child_count = n };
}

static void stop(regrow_pid supervisor)
{
  must(regrow_stop(supervisor, regrow_atom("shutdown"), REGROW_INFINITY));
}

static regrow_pid start_all(uint64_t n, uint32_t strategy)
{
  regrow_supervisor_spec spec = prepare(n, strategy);
  want(n);
  regrow_pid supervisor = start_kind(REGROW_SUPERVISOR, &spec);
  await_main();
  return supervisor;
}

static void start_and_stop(uint64_t n, uint32_t flags, bool stops)
{
  for (uint64_t round = rounds(n * 4); round > 0; round--) {
    regrow_supervisor_spec spec = prepare(n, REGROW_ONE_FOR_ONE);
    spec.flags = flags;
    want(n);
    if (!stops)
      begin();
    regrow_pid supervisor = start_kind(REGROW_SUPERVISOR, &spec);
    await_main();
    if (!stops)
      end(n);
    else
      begin();
    stop(supervisor);
    if (stops)
      end(n);
  }
}

void start_children(uint64_t n)
{
  start_and_stop(n, 0, false);
}

void start_children_parallel(uint64_t n)
{
  start_and_stop(n, REGROW_PARALLEL_START, false);
}

void stop_children(uint64_t n)
{
  start_and_stop(n, 0, true);
}

/* ---- restarts ---- */

/* One after the other, of one among n. */
void restart_one(uint64_t n)
{
  uint64_t many = at_least ? at_least / 4 : n;
  regrow_pid supervisor = start_all(n, REGROW_ONE_FOR_ONE);
  begin();
  for (uint64_t i = 0; i < many; i++) {
    want(1);
    wish(children[scattered(i, n)].pid, "crash");
    await_main();
  }
  end(many);
  stop(supervisor);
}

/* One crashes, and n are started again. */
static void restart_group(uint64_t n, uint32_t strategy, uint64_t crashes)
{
  regrow_pid supervisor = start_all(n, strategy);
  begin();
  for (uint64_t round = rounds(n * 4); round > 0; round--) {
    want(n);
    wish(children[crashes].pid, "crash");
    await_children(supervisor, n);
    end(n);
    begin();
  }
  stop(supervisor);
}

void restart_rest(uint64_t n)
{
  restart_group(n, REGROW_REST_FOR_ONE, 0);
}

void restart_all(uint64_t n)
{
  restart_group(n, REGROW_ONE_FOR_ALL, n - 1);
}

/* All n end at once, by what they have in common. */
static void crash_group(uint64_t n, uint32_t strategy)
{
  regrow_pid supervisor = start_all(n, strategy), *pids = room(n, sizeof *pids);
  begin();
  for (uint64_t round = rounds(n * 4); round > 0; round--) {
    for (uint64_t i = 0; i < n; i++)
      pids[i] = children[i].pid;
    want(n);
    /* so that the supervisor finds all of them dead */
    must(regrow_suspend(supervisor, REGROW_INFINITY));
    for (uint64_t i = 0; i < n; i++)
      must(regrow_exit(pids[i], regrow_atom("kill")));
    must(regrow_resume(supervisor, REGROW_INFINITY));
    await_children(supervisor, n);
    end(n);
    begin();
  }
  stop(supervisor);
  free(pids);
}

void crash_together(uint64_t n)
{
  crash_group(n, REGROW_ONE_FOR_ONE);
}

void crash_together_for_all(uint64_t n)
{
  crash_group(n, REGROW_ONE_FOR_ALL);
}

/* The supervisor of n is killed, and its own supervisor starts another. */
void restart_supervisor(uint64_t n)
{
  regrow_supervisor_spec inner = prepare(n, REGROW_ONE_FOR_ONE);
  regrow_child_spec child = { .size = sizeof child, .id = "inner", .kind = REGROW_SUPERVISOR, .spec = &inner };
  regrow_supervisor_spec outer = {
    .size = sizeof outer, .max_restarts = 1000000000, .period_ms = 1, .children = &child, .child_count = 1 };
  regrow_term id = regrow_text("inner");
  want(n);
  regrow_pid supervisor = start_kind(REGROW_SUPERVISOR, &outer), pid;
  await_main();
  for (uint64_t round = rounds(n * 4); round > 0; round--) {
    must(regrow_supervisor_lookup(supervisor, &id, &pid));
    want(n);
    begin();
    must(regrow_exit(pid, regrow_atom("kill")));
    await_main();
    end(n);
    must(regrow_supervisor_lookup(supervisor, &id, &pid));
  }
  regrow_term_free(&id);
  stop(supervisor);
}

/* n significant children end one after the other; with the last the supervisor ends. */
void significant_ends(uint64_t n)
{
  for (uint64_t round = rounds(n * 4); round > 0; round--) {
    regrow_supervisor_spec spec = prepare(n, REGROW_ONE_FOR_ONE);
    regrow_ref monitor;
    regrow_term down;
    spec.auto_shutdown = REGROW_ALL_SIGNIFICANT;
    for (uint64_t i = 0; i < n; i++) {
      specs[i].restart = REGROW_TRANSIENT;
      specs[i].significant = 1;
    }
    want(n);
    regrow_pid supervisor = start_kind(REGROW_SUPERVISOR, &spec);
    await_main();
    must(regrow_monitor(supervisor, &monitor));
    begin();
    for (uint64_t i = 0; i < n; i++)
      wish(children[i].pid, "normal");
    must(regrow_receive(REGROW_INFINITY, &down));
    end(n);
    regrow_term_free(&down);
  }
}

/* ---- children that come and go ---- */

enum what { START, CRASH, TERMINATE, STOP };

static void dynamic(uint64_t n, enum what what)
{
  regrow_dynamic_supervisor_spec spec = { .size = sizeof spec, .max_restarts = 1000000000, .period_ms = 1 };
  for (uint64_t round = rounds(n * 4); round > 0; round--) {
    prepare(n, REGROW_ONE_FOR_ONE);
    regrow_pid supervisor = start_kind(REGROW_DYNAMIC_SUPERVISOR, &spec), pid;
    want(n);
    if (what == START)
      begin();
    for (uint64_t i = 0; i < n; i++)
      must(regrow_supervisor_start_child(supervisor, &specs[i], &pid));
    if (what == START)
      end(n);
    await_main();
    if (what == CRASH) {
      begin();
      want(n);
      for (uint64_t i = 0; i < n; i++)
        wish(children[i].pid, "crash");
      await_children(supervisor, n);
      end(n);
    }
    if (what == TERMINATE) {
      begin();
      for (uint64_t i = 0; i < n; i++) {
        regrow_term id = regrow_from_pid(children[scattered(i, n)].pid);
        must(regrow_supervisor_terminate_child(supervisor, &id));
      }
      end(n);
    }
    if (what == STOP)
      begin();
    stop(supervisor);
    if (what == STOP)
      end(n);
  }
}

void dynamic_start(uint64_t n)
{
  dynamic(n, START);
}

void dynamic_crash(uint64_t n)
{
  dynamic(n, CRASH);
}

void dynamic_terminate(uint64_t n)
{
  dynamic(n, TERMINATE);
}

void dynamic_stop(uint64_t n)
{
  dynamic(n, STOP);
}
