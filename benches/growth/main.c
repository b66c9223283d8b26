/* regrow-growth [workers=K] [least=N] [CASE[:N]]...: a line of JSON for each point, all cases and points without words.
 * regrow-growth cases: their names. regrow-growth counted: those whose instructions are counted, each with its n.
 * Each point is measured in a process of its own, so that none finds the memory of another; a single one in this. */
#include "growth.h"
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

regrow_pid root, main_pid;
uint64_t at_least = 100000;

/* From `first` to `last`, `step` times as many at each. `counted`: the n that scripts/growth.sh counts with, and four
 * times that; 0: it is not counted. */
static const struct point {
  const char *name;
  measured *run;
  uint64_t first, last, step, counted;
} points[] = {
  { "spawn", spawn, 10, 1000000, 10, 2000 },
  { "kill_all", kill_all, 10, 1000000, 10, 2000 },
  { "hops", hops, 10, 1000000, 10, 2000 },
  { "start_children", start_children, 1, 100000, 10, 1000 },
  { "start_children_parallel", start_children_parallel, 1, 100000, 10, 1000 },
  { "stop_children", stop_children, 1, 100000, 10, 1000 },
  { "restart_one", restart_one, 1, 100000, 10, 500 },
  { "restart_rest", restart_rest, 1, 100000, 10, 1000 },
  { "restart_all", restart_all, 1, 100000, 10, 1000 },
  { "crash_together", crash_together, 1, 100000, 10, 1000 },
  { "crash_together_for_all", crash_together_for_all, 1, 100000, 10, 1000 },
  { "restart_supervisor", restart_supervisor, 1, 100000, 10, 1000 },
  { "significant_ends", significant_ends, 1, 100000, 10, 1000 },
  { "dynamic_start", dynamic_start, 1, 100000, 10, 1000 },
  { "dynamic_crash", dynamic_crash, 1, 100000, 10, 1000 },
  { "dynamic_terminate", dynamic_terminate, 1, 100000, 10, 1000 },
  { "dynamic_stop", dynamic_stop, 1, 100000, 10, 1000 },
  { "registry_insert", registry_insert, 10, 10000000, 10, 4000 },
  { "registry_lookup", registry_lookup, 10, 10000000, 10, 4000 },
  { "registry_delete", registry_delete, 10, 10000000, 10, 4000 },
  { "table_insert", table_insert, 10, 10000000, 10, 10000 },
  { "table_lookup", table_lookup, 10, 10000000, 10, 10000 },
  { "table_delete", table_delete, 10, 10000000, 10, 10000 },
  { "ordered_insert", ordered_insert, 10, 10000000, 10, 10000 },
  { "ordered_insert_down", ordered_insert_down, 10, 10000000, 10, 10000 },
  { "ordered_lookup", ordered_lookup, 10, 10000000, 10, 10000 },
  { "ordered_delete", ordered_delete, 10, 10000000, 10, 10000 },
  { "table_parts", table_parts, 10, 1000000, 10, 4000 },
  { "ordered_parts", ordered_parts, 10, 1000000, 10, 4000 },
  { "bag_parts", bag_parts, 10, 1000000, 10, 4000 },
  { "thread_calls", thread_calls, 1, 64, 4, 0 },
  { "thread_calls_inline", thread_calls_inline, 1, 64, 4, 0 },
  { "thread_lookups", thread_lookups, 1, 64, 4, 0 },
  { "exit_names", exit_names, 10, 100000, 10, 4000 },
  { "exit_same_name", exit_same_name, 10, 100000, 10, 4000 },
  { "exit_links", exit_links, 10, 100000, 10, 2000 },
  { "exit_monitors", exit_monitors, 10, 100000, 10, 2000 },
  { "exit_monitored", exit_monitored, 10, 100000, 10, 4000 },
  { "exit_timers", exit_timers, 10, 100000, 10, 4000 },
  { "exit_groups", exit_groups, 10, 100000, 10, 4000 },
  { "exit_tables", exit_tables, 10, 100000, 10, 2000 },
  { "exit_messages", exit_messages, 10, 1000000, 10, 10000 },
  { "leave_groups", leave_groups, 10, 100000, 10, 4000 },
  { "leave_queue", leave_queue, 10, 100000, 10, 2000 },
  { "demonitor_groups", demonitor_groups, 10, 100000, 10, 4000 },
  { "await_queued", await_queued, 10, 100000, 10, 5000 },
  { "await_failed", await_failed, 10, 100000, 10, 2000 },
  { "stream_queued", stream_queued, 10, 100000, 10, 4000 },
  { "stream_left", stream_left, 10, 100000, 10, 2000 },
  { "stream_awaits", stream_awaits, 10, 100000, 10, 2000 },
  { "cancel_timers", cancel_timers, 10, 1000000, 10, 10000 },
  { "receive_all", receive_all, 10, 1000000, 10, 10000 },
  { "receive_matching", receive_matching, 10, 1000000, 10, 10000 },
  { "receive_late", receive_late, 10, 1000000, 10, 4000 },
  { "receive_behind", receive_behind, 10, 1000000, 10, 10000 },
  { "call_with_messages", call_with_messages, 10, 1000000, 10, 2000 },
};
enum { POINTS = sizeof points / sizeof *points };

/* ---- what is measured ---- */

static uint64_t wall_began, cpu_began, wall_ns, cpu_ns, operations;

static uint64_t now(clockid_t clock)
{
  struct timespec time;
  expect(clock_gettime(clock, &time) == 0);
  return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

void begin(void)
{
  cpu_began = now(CLOCK_PROCESS_CPUTIME_ID);
  wall_began = now(CLOCK_MONOTONIC);
}

void end(uint64_t done)
{
  wall_ns += now(CLOCK_MONOTONIC) - wall_began;
  cpu_ns += now(CLOCK_PROCESS_CPUTIME_ID) - cpu_began;
  operations += done;
}

static void measure(const struct point *point, uint64_t n, uint32_t workers)
{
  regrow_options options = { .size = sizeof options, .log_level = REGROW_LOG_SILENT, .workers = workers };
  must(regrow_init(&options, &root));
  must(regrow_enter(root, &main_pid));
  point->run(n);
  printf("{\"case\":\"%s\",\"n\":%lu,\"operations\":%lu,\"ns\":%.1f,\"processor_ns\":%.1f}\n", point->name, n, operations,
         (double)wall_ns / (double)operations, (double)cpu_ns / (double)operations);
  fflush(stdout);
  must(regrow_leave());
  must(regrow_shutdown(root, 60000, NULL));
}

static int apart(const struct point *point, uint64_t n, uint32_t workers)
{
  int status;
  pid_t child = fork();
  expect(child >= 0);
  if (child == 0) {
    measure(point, n, workers);
    exit(0);
  }
  expect(waitpid(child, &status, 0) == child);
  if (status != 0)
    fprintf(stderr, "%s:%lu failed\n", point->name, n);
  return status != 0;
}

int main(int count, char **words)
{
  uint32_t workers = 0;
  int first = 1, failed = 0;
  for (; first < count && strchr(words[first], '='); first++) {
    unsigned long value = strtoul(strchr(words[first], '=') + 1, NULL, 10);
    if (strncmp(words[first], "workers=", 8) == 0)
      workers = (uint32_t)value;
    else if (strncmp(words[first], "least=", 6) == 0)
      at_least = value;
    else
      return fprintf(stderr, "no such option: %s\n", words[first]), 2;
  }
  bool counted = first < count && strcmp(words[first], "counted") == 0;
  if (counted || (first < count && strcmp(words[first], "cases") == 0)) {
    for (int at = 0; at < POINTS; at++)
      if (counted && points[at].counted)
        printf("%s %lu\n", points[at].name, points[at].counted);
      else if (!counted)
        puts(points[at].name);
    return 0;
  }
  for (int at = 0; at < POINTS && first == count; at++)
    for (uint64_t n = points[at].first; n <= points[at].last; n *= points[at].step)
      failed |= apart(&points[at], n, workers);
  for (int word = first; word < count; word++) {
    char *size = strchr(words[word], ':');
    int at = 0;
    if (size)
      *size++ = '\0';
    while (at < POINTS && strcmp(points[at].name, words[word]))
      at++;
    if (at == POINTS)
      return fprintf(stderr, "no such case: %s\n", words[word]), 2;
    if (size && count == first + 1)
      measure(&points[at], strtoull(size, NULL, 10), workers);
    else if (size)
      failed |= apart(&points[at], strtoull(size, NULL, 10), workers);
    else
      for (uint64_t n = points[at].first; n <= points[at].last; n *= points[at].step)
        failed |= apart(&points[at], n, workers);
  }
  return failed;
}

/* ---- what the cases share ---- */

void *room(uint64_t n, size_t size)
{
  void *all = calloc(n, size);
  expect(all);
  return all;
}

regrow_pid start_kind(uint32_t kind, const void *spec)
{
  regrow_child_spec child = { .size = sizeof child, .kind = kind, .spec = spec };
  regrow_pid pid;
  must(regrow_start(root, &child, &pid));
  return pid;
}

regrow_pid start_server(const regrow_server_spec *spec)
{
  return start_kind(REGROW_SERVER, spec);
}

regrow_next take_user(regrow_context *context, void *user, const regrow_term *arg, void **state)
{
  *state = user;
  return REGROW_READY;
}

regrow_pid *start_idle(uint64_t n)
{
  regrow_server_spec idle = { .size = sizeof idle };
  regrow_pid *pids = room(n, sizeof *pids);
  for (uint64_t i = 0; i < n; i++)
    pids[i] = start_server(&idle);
  return pids;
}

struct body { void (*run)(void *data); void *data; };

static regrow_next run_body(regrow_context *context, void *user)
{
  struct body *body = user;
  body->run(body->data);
  return REGROW_DONE;
}

regrow_pid start_process(void (*run)(void *data), void *data)
{
  struct body *body = room(1, sizeof *body);
  *body = (struct body){ run, data };
  regrow_process_spec spec = { .size = sizeof spec, .body = run_body, .user = body, .drop_user = free };
  regrow_pid pid;
  must(regrow_spawn(root, &spec, &pid));
  return pid;
}

static void run_and_tell(void *data)
{
  struct body *body = data;
  body->run(body->data);
  tell_main(0);
}

void in_process(void (*run)(void *data), void *data)
{
  struct body body = { run, data };
  start_process(run_and_tell, &body);
  await_main();
}

void tell_main(int64_t number)
{
  must(regrow_send(main_pid, regrow_int(number)));
}

int64_t await_main(void)
{
  regrow_term message;
  int64_t number;
  must(regrow_receive(REGROW_INFINITY, &message));
  expect(regrow_as_int(&message, &number));
  regrow_term_free(&message);
  return number;
}

void settle(void)
{
  must(regrow_settle(root, REGROW_INFINITY, NULL));
}
