/* regrow-scaling [workers=K] [copies=C] [keys=N] WORKLOAD[:N]...
 * The same work C times at once in one runtime, by C processes that have nothing to do with each other: each has servers,
 * agents and children of its own, and keys of its own where there is one table, registry or clock for all. What they lose to
 * each other is what the design shares. One line of JSON for each workload; `per_sec` is that of all together.
 * What is not like that has `one_` in its name: `one_server`, to which all send; and, of the machine, `one_line`: all count on
 * one cache line; `one_barrier`: one calls membarrier(2), as `sync::fences` does, while the others run. docs/scaling.md has
 * what it is for. */
#include "../c/harness.h"
#include <linux/membarrier.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MOST = 16 };

static int64_t keys = 100000; /* in the tables and the registry */

/* What a copy works with. */
struct copy {
  size_t index;
  regrow_pid pid;       /* its process */
  atomic_ulong handled; /* by short-lived processes of its own */
  uint64_t n;
  regrow_pid server;
};

static struct copy copies[MOST];
static regrow_pid names, one;
static regrow_table set, ordered;
static atomic_ulong line;

static regrow_next echo_message(regrow_context *context, void *state, const regrow_term *message)
{
  regrow_pid from;
  expect(regrow_as_pid(message, &from));
  must(regrow_send(from, regrow_nil()));
  return REGROW_NOREPLY;
}

static regrow_next echo_call(regrow_context *context, void *state, const regrow_term *request)
{
  return regrow_reply(context, regrow_term_clone(request));
}

static regrow_next keep(regrow_context *context, void *user, const regrow_term *state, regrow_term *next, regrow_term *reply)
{
  *reply = regrow_term_clone(state);
  return REGROW_DONE;
}

static void start_own(struct copy *copy, uint32_t flags)
{
  regrow_server_spec spec = { .size = sizeof spec, .handle_info = echo_message, .handle_call = echo_call, .flags = flags };
  copy->server = start_spec(&spec);
}

static void messages(struct copy *copy)
{
  regrow_term back;
  start_own(copy, 0);
  for (uint64_t i = 0; i < copy->n; i++) {
    must(regrow_send(copy->server, regrow_from_pid(copy->pid)));
    must(regrow_receive(REGROW_INFINITY, &back));
  }
  end_all(&copy->server, 1);
}

static void repeat_calls(struct copy *copy, uint32_t flags, uint32_t timeout_ms)
{
  regrow_term reply;
  start_own(copy, flags);
  for (uint64_t i = 0; i < copy->n; i++)
    must(regrow_call(copy->server, regrow_int(1), timeout_ms, &reply));
  end_all(&copy->server, 1);
}

static void calls(struct copy *copy)
{
  repeat_calls(copy, 0, REGROW_INFINITY);
}

static void calls_5s(struct copy *copy)
{
  repeat_calls(copy, 0, 5000);
}

static void calls_inline(struct copy *copy)
{
  repeat_calls(copy, REGROW_INLINE, REGROW_INFINITY);
}

static void agent_get(struct copy *copy)
{
  regrow_term zero = regrow_int(0), value;
  regrow_agent_spec spec = { .size = sizeof spec, .initial = &zero };
  regrow_child_spec child = { .size = sizeof child, .kind = REGROW_AGENT, .spec = &spec };
  must(regrow_start(root, &child, &copy->server));
  for (uint64_t i = 0; i < copy->n; i++)
    must(regrow_agent_get(copy->server, keep, NULL, REGROW_INFINITY, &value));
  end_all(&copy->server, 1);
}

static regrow_next handle_once(regrow_context *context, void *state, const regrow_term *message)
{
  struct copy *copy = state;
  if (atomic_fetch_add(&copy->handled, 1) + 1 == copy->n)
    must(regrow_send(copy->pid, regrow_nil()));
  return regrow_stop_self(context, regrow_atom("normal"));
}

static void spawns(struct copy *copy)
{
  regrow_server_spec once = { .size = sizeof once, .init = take_user, .handle_info = handle_once, .user = copy };
  regrow_term all;
  atomic_store(&copy->handled, 0);
  for (uint64_t i = 0; i < copy->n; i++) {
    if (i % 64 == 0)
      must(regrow_sleep(0));
    must(regrow_send(start_spec(&once), regrow_nil()));
  }
  must(regrow_receive(REGROW_INFINITY, &all));
}

static void children(struct copy *copy)
{
  regrow_server_spec worker = { .size = sizeof worker, .handle_call = echo_call };
  regrow_child_spec child = {
    .size = sizeof child, .id = "w", .kind = REGROW_SERVER, .restart = REGROW_TEMPORARY, .spec = &worker };
  regrow_dynamic_supervisor_spec spec = { .size = sizeof spec };
  regrow_child_spec top = { .size = sizeof top, .kind = REGROW_DYNAMIC_SUPERVISOR, .spec = &spec };
  must(regrow_start(root, &top, &copy->server));
  for (uint64_t i = 0; i < copy->n; i++) {
    regrow_pid pid;
    must(regrow_supervisor_start_child(copy->server, &child, &pid));
    regrow_term id = regrow_from_pid(pid);
    must(regrow_supervisor_terminate_child(copy->server, &id));
  }
  must(regrow_stop(copy->server, regrow_atom("shutdown"), REGROW_INFINITY));
}

static regrow_next give_one(regrow_context *context, void *user, const regrow_term *argument, regrow_term *value)
{
  *value = regrow_int(1);
  return REGROW_DONE;
}

static void tasks(struct copy *copy)
{
  regrow_task_spec spec = { .size = sizeof spec, .run = give_one };
  for (uint64_t i = 0; i < copy->n; i++) {
    regrow_task own;
    regrow_term value;
    must(regrow_task_async(&spec, &own));
    must(regrow_task_await(own, REGROW_INFINITY, &value));
  }
}

static void own_timers(struct copy *copy)
{
  for (uint64_t i = 0; i < copy->n; i++) {
    regrow_ref ref;
    must(regrow_send_after(copy->pid, 60000, regrow_nil(), &ref));
    must(regrow_cancel_timer(root, ref, 0, NULL));
  }
}

/* Keys of its own, so that only what the shards share is shared. */
static int64_t key_of(const struct copy *copy, uint64_t i)
{
  int64_t own = keys / MOST;
  return (int64_t)(i * 7919) % own + (int64_t)copy->index * own;
}

static void lookups(struct copy *copy)
{
  for (uint64_t i = 0; i < copy->n; i++) {
    regrow_term key = regrow_int(key_of(copy, i));
    regrow_pid found;
    must(regrow_registry_whereis(names, &key, &found));
  }
}

static void registers(struct copy *copy)
{
  for (uint64_t i = 0; i < copy->n; i++) {
    regrow_term key = regrow_int(keys + key_of(copy, i));
    must(regrow_registry_register(names, regrow_int(keys + key_of(copy, i)), copy->pid, regrow_nil()));
    must(regrow_registry_unregister(names, &key, copy->pid));
  }
}

static regrow_term row(int64_t key)
{
  return regrow_tuple((regrow_term[]){ regrow_int(key), regrow_int(0) }, 2);
}

static void get_from(struct copy *copy, regrow_table table)
{
  for (uint64_t i = 0; i < copy->n; i++) {
    regrow_term key = regrow_int(key_of(copy, i)), object;
    must(regrow_table_get(table, &key, &object));
    regrow_term_free(&object);
  }
}

static void insert_into(struct copy *copy, regrow_table table)
{
  for (uint64_t i = 0; i < copy->n; i++)
    must(regrow_table_insert(table, row(key_of(copy, i))));
}

static void set_get(struct copy *copy) { get_from(copy, set); }
static void set_insert(struct copy *copy) { insert_into(copy, set); }
static void ordered_get(struct copy *copy) { get_from(copy, ordered); }
static void ordered_insert(struct copy *copy) { insert_into(copy, ordered); }

/* ---- what all have together ---- */

static atomic_ulong taken;

static regrow_next count_message(regrow_context *context, void *state, const regrow_term *message)
{
  atomic_fetch_add_explicit(&taken, 1, memory_order_relaxed);
  return REGROW_NOREPLY;
}

static void one_server(struct copy *copy)
{
  regrow_term total;
  for (uint64_t i = 0; i < copy->n; i++)
    must(regrow_send(one, regrow_nil()));
  must(regrow_call(one, regrow_nil(), REGROW_INFINITY, &total));
}

static void one_line(struct copy *copy)
{
  for (uint64_t i = 0; i < copy->n; i++)
    atomic_fetch_add(&line, 1);
}

static atomic_bool enough;

static void one_barrier(struct copy *copy)
{
  if (copy->index > 0) {
    /* Now and then it gives way: the one that is waited for may have its stack on this very worker. */
    for (uint32_t round = 1; !atomic_load_explicit(&enough, memory_order_relaxed); round++)
      if (round % (1 << 20) == 0)
        must(regrow_sleep(0));
    return;
  }
  atomic_store(&enough, false);
  /* The library has registered the program for it. */
  for (uint64_t i = 0; i < copy->n; i++)
    expect(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0);
  atomic_store(&enough, true);
}

static const struct workload_of_copies { const char *name; void (*run)(struct copy *copy); uint64_t n; } workloads[] = {
  { "messages", messages, 100000 }, { "calls", calls, 100000 }, { "calls_5s", calls_5s, 100000 },
  { "calls_inline", calls_inline, 300000 }, { "agent_get", agent_get, 100000 }, { "spawns", spawns, 60000 },
  { "children", children, 15000 }, { "tasks", tasks, 60000 }, { "timers", own_timers, 150000 },
  { "lookups", lookups, 500000 }, { "registers", registers, 60000 }, { "set_get", set_get, 500000 },
  { "set_insert", set_insert, 300000 }, { "ordered_get", ordered_get, 400000 }, { "ordered_insert", ordered_insert, 300000 },
  { "one_server", one_server, 300000 }, { "one_line", one_line, 3000000 },
  { "one_barrier", one_barrier, 100000 },
};

static const struct workload_of_copies *chosen;

static size_t together, workers;
static atomic_size_t begun;
static uint64_t start;

/* Each on a worker of its own, if there are so many: it does not wait before all have begun, since it stays on the worker
 * that it waits on. */
static void run_copy(void *data)
{
  struct copy *copy = data;
  must(regrow_self(&copy->pid));
  uint64_t now = now_ns();
  if (atomic_fetch_add(&begun, 1) + 1 == together)
    start = now;
  while (atomic_load(&begun) < together && together <= workers)
    ;
  chosen->run(copy);
  tell_main(0);
}

static uint64_t run_copies(size_t count, uint64_t n)
{
  together = count;
  atomic_store(&begun, 0);
  for (size_t at = 0; at < count; at++) {
    copies[at].index = at;
    copies[at].n = n;
    start_process(run_copy, &copies[at]);
  }
  for (size_t at = 0; at < count; at++)
    await_result();
  return now_ns() - start;
}

static void set_up(void)
{
  regrow_registry_spec spec = { .size = sizeof spec, .keys = REGROW_UNIQUE };
  regrow_child_spec child = { .size = sizeof child, .kind = REGROW_REGISTRY, .spec = &spec };
  regrow_table_spec table = { .size = sizeof table, .kind = REGROW_SET, .access = REGROW_PUBLIC };
  regrow_server_spec sink = { .size = sizeof sink, .handle_info = count_message, .handle_call = echo_call };
  must(regrow_start(root, &child, &names));
  must(regrow_table_new(&table, &set));
  table.kind = REGROW_ORDERED_SET;
  must(regrow_table_new(&table, &ordered));
  for (int64_t i = 0; i < keys; i++) {
    must(regrow_registry_register(names, regrow_int(i), main_pid, regrow_nil()));
    must(regrow_table_insert(set, row(i)));
    must(regrow_table_insert(ordered, row(i)));
  }
  one = start_spec(&sink);
}

static void run(const char *word, size_t count)
{
  char name[32];
  const char *size = strchr(word, ':');
  snprintf(name, sizeof name, "%.*s", size ? (int)(size - word) : (int)strlen(word), word);
  for (size_t i = 0; i < sizeof workloads / sizeof *workloads; i++)
    if (strcmp(name, workloads[i].name) == 0) {
      chosen = &workloads[i];
      uint64_t n = size ? strtoull(size + 1, NULL, 10) : chosen->n;
      uint64_t ns = run_copies(count, n);
      emit(name, n, ns, n * count, (struct extra[]){ { "copies", (double)count }, { 0 } });
      return;
    }
  fprintf(stderr, "regrow-scaling: no such workload: %s\n", name);
  exit(2);
}

int main(int count, char **words)
{
  regrow_options options = { .size = sizeof options, .log_level = REGROW_LOG_SILENT };
  size_t at_once = 1;
  int first = 1;
  for (; first < count && strchr(words[first], '='); first++) {
    unsigned long number = strtoul(strchr(words[first], '=') + 1, NULL, 10);
    if (strncmp(words[first], "workers=", 8) == 0)
      options.workers = (uint32_t)(workers = number);
    else if (strncmp(words[first], "copies=", 7) == 0 && number > 0 && number <= MOST)
      at_once = number;
    else if (strncmp(words[first], "keys=", 5) == 0 && number >= MOST)
      keys = (int64_t)number;
    else
      return fprintf(stderr, "regrow-scaling: no such option: %s\n", words[first]), 2;
  }
  must(regrow_init(&options, &root));
  must(regrow_enter(root, &main_pid));
  set_up();
  for (int i = first; i < count; i++)
    run(words[i], at_once);
  for (size_t i = 0; first == count && i < sizeof workloads / sizeof *workloads; i++)
    run(workloads[i].name, at_once);
  must(regrow_leave());
  must(regrow_shutdown(root, 30000, NULL));
  return 0;
}
