/* The end of a process that has n of something; and things of which n are given up one by one. */
#include "growth.h"

/* ---- a process that takes up n of something, says so, and is ended ---- */

struct holder { void (*take)(uint64_t n); uint64_t n; };

static void hold(void *data)
{
  struct holder *holder = data;
  regrow_term message;
  holder->take(holder->n);
  tell_main(0);
  while (regrow_receive(REGROW_INFINITY, &message) == REGROW_OK)
    regrow_term_free(&message);
}

static regrow_pid start_holder(struct holder *holder)
{
  regrow_pid pid = start_process(hold, holder);
  await_main();
  return pid;
}

/* From the word on until it is heard to be gone, and nothing is left to be done for it. */
static void end_holder(regrow_pid pid, uint64_t n)
{
  regrow_ref monitor;
  regrow_term down;
  must(regrow_monitor(pid, &monitor));
  begin();
  must(regrow_exit(pid, regrow_atom("crash")));
  must(regrow_receive(REGROW_INFINITY, &down));
  settle();
  end(n);
  regrow_term_free(&down);
}

static void holds(uint64_t n, void (*take)(uint64_t n))
{
  struct holder holder = { take, n };
  for (uint64_t round = rounds(n); round > 0; round--)
    end_holder(start_holder(&holder), n);
}

static regrow_pid registry, pubsub, *others;

static regrow_pid me(void)
{
  regrow_pid self;
  must(regrow_self(&self));
  return self;
}

/* ---- names of a registry ---- */

static void take_names(uint64_t n)
{
  for (uint64_t i = 0; i < n; i++)
    must(regrow_registry_register(registry, regrow_int((int64_t)i), me(), regrow_nil()));
}

void exit_names(uint64_t n)
{
  regrow_registry_spec spec = { .size = sizeof spec };
  registry = start_kind(REGROW_REGISTRY, &spec);
  holds(n, take_names);
}

static void take_same_name(uint64_t n)
{
  for (uint64_t i = 0; i < n; i++)
    must(regrow_registry_register(registry, regrow_nil(), me(), regrow_nil()));
}

/* As often under one and the same key, with a listener. */
void exit_same_name(uint64_t n)
{
  const char *listener = "nobody";
  regrow_registry_spec spec = {
    .size = sizeof spec, .keys = REGROW_DUPLICATE, .listeners = &listener, .listener_count = 1 };
  registry = start_kind(REGROW_REGISTRY, &spec);
  holds(n, take_same_name);
}

/* ---- links: those end with it ---- */

static void take_links(uint64_t n)
{
  for (uint64_t i = 0; i < n; i++)
    must(regrow_link(others[i]));
}

void exit_links(uint64_t n)
{
  struct holder holder = { take_links, n };
  for (uint64_t round = rounds(n); round > 0; round--) {
    others = start_idle(n);
    end_holder(start_holder(&holder), n);
    expect(!regrow_is_alive(others[n - 1]));
    free(others);
  }
}

/* ---- monitors ---- */

static void take_monitors(uint64_t n)
{
  for (uint64_t i = 0; i < n; i++)
    must(regrow_monitor(others[i], &(regrow_ref){ 0 }));
}

void exit_monitors(uint64_t n)
{
  others = start_idle(n);
  holds(n, take_monitors);
  free(others);
}

static void take_nothing(uint64_t n)
{
}

/* n monitors of others on it: each is told. */
void exit_monitored(uint64_t n)
{
  struct holder holder = { take_nothing, n };
  for (uint64_t round = rounds(n); round > 0; round--) {
    regrow_pid pid = start_holder(&holder);
    for (uint64_t i = 0; i < n; i++)
      must(regrow_monitor(pid, &(regrow_ref){ 0 }));
    begin();
    must(regrow_exit(pid, regrow_atom("crash")));
    for (uint64_t i = 0; i < n; i++) {
      regrow_term down;
      must(regrow_receive(REGROW_INFINITY, &down));
      regrow_term_free(&down);
    }
    end(n);
  }
}

/* ---- timers ---- */

static void take_timers(uint64_t n)
{
  for (uint64_t i = 0; i < n; i++)
    must(regrow_send_after(me(), 3600000, regrow_nil(), &(regrow_ref){ 0 }));
}

void exit_timers(uint64_t n)
{
  holds(n, take_timers);
}

/* ---- groups, and queue groups of topics ---- */

static void join(regrow_pid pid, uint64_t n)
{
  for (uint64_t i = 0; i < n; i++) {
    regrow_term group = regrow_int((int64_t)i);
    must(regrow_group_join(pubsub, &group, pid));
  }
}

static void take_groups(uint64_t n)
{
  join(me(), n);
}

static void start_pubsub(void)
{
  regrow_pubsub_spec spec = { .size = sizeof spec };
  pubsub = start_kind(REGROW_PUBSUB, &spec);
}

void exit_groups(uint64_t n)
{
  start_pubsub();
  holds(n, take_groups);
}

void leave_groups(uint64_t n)
{
  start_pubsub();
  for (uint64_t round = rounds(n); round > 0; round--) {
    join(main_pid, n);
    begin();
    for (uint64_t i = 0; i < n; i++) {
      regrow_term group = regrow_int((int64_t)scattered(i, n));
      must(regrow_group_leave(pubsub, &group, main_pid));
    }
    end(n);
  }
}

void demonitor_groups(uint64_t n)
{
  regrow_ref *monitors = room(n, sizeof *monitors);
  start_pubsub();
  for (uint64_t round = rounds(n); round > 0; round--) {
    for (uint64_t i = 0; i < n; i++) {
      regrow_term group = regrow_int((int64_t)i), pids;
      must(regrow_group_monitor(pubsub, &group, &monitors[i], &pids));
      regrow_term_free(&pids);
    }
    begin();
    for (uint64_t i = 0; i < n; i++)
      must(regrow_group_demonitor(pubsub, monitors[scattered(i, n)]));
    end(n);
  }
  free(monitors);
}

/* n members of one queue group end. */
void leave_queue(uint64_t n)
{
  regrow_subscription how = { .size = sizeof how, .queue = "queue" };
  start_pubsub();
  for (uint64_t round = rounds(n); round > 0; round--) {
    others = start_idle(n);
    for (uint64_t i = 0; i < n; i++)
      must(regrow_pubsub_subscribe(pubsub, "topic", others[i], &how));
    begin();
    for (uint64_t i = 0; i < n; i++)
      must(regrow_exit(others[i], regrow_atom("kill")));
    settle();
    end(n);
    free(others);
  }
}

/* ---- tables ---- */

static void take_tables(uint64_t n)
{
  regrow_table_spec spec = { .size = sizeof spec };
  for (uint64_t i = 0; i < n; i++)
    must(regrow_table_new(&spec, &(regrow_table){ 0 }));
}

void exit_tables(uint64_t n)
{
  holds(n, take_tables);
}

/* ---- messages that it never took ---- */

static regrow_next sleep_on(regrow_context *context, void *state, const regrow_term *message)
{
  regrow_sleep(REGROW_INFINITY);
  return REGROW_NOREPLY;
}

void exit_messages(uint64_t n)
{
  regrow_server_spec spec = { .size = sizeof spec, .handle_info = sleep_on };
  for (uint64_t round = rounds(n); round > 0; round--) {
    regrow_pid pid = start_server(&spec);
    for (uint64_t i = 0; i < n; i++)
      must(regrow_send(pid, regrow_int((int64_t)i)));
    end_holder(pid, n);
  }
}
