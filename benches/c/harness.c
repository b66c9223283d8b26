/* See harness.h. */
#include "harness.h"
#include <pthread.h>
#include <time.h>
#include <unistd.h>

regrow_pid root, main_pid;
uint32_t server_flags, call_timeout_ms = REGROW_INFINITY;

uint64_t now_ns(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t resident_bytes(void)
{
  uint64_t total, resident = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  expect(file && fscanf(file, "%lu %lu", &total, &resident) == 2);
  fclose(file);
  return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

double per_second(uint64_t count, uint64_t ns)
{
  return (double)count / ((double)ns / 1e9);
}

void emit(const char *name, uint64_t n, uint64_t ns, uint64_t count, const struct extra *extra)
{
  printf("{\"peer\":\"regrow\",\"workload\":\"%s\",\"n\":%lu,\"seconds\":%.6f,\"per_sec\":%.1f,\"extra\":{",
         name, n, (double)ns / 1e9, per_second(count, ns));
  for (size_t i = 0; extra && extra[i].name; i++)
    printf("%s\"%s\":%.3f", i ? "," : "", extra[i].name, extra[i].value);
  printf("}}\n");
  fflush(stdout);
}

static int by_value(const void *left, const void *right)
{
  uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
  return (a > b) - (a < b);
}

struct percentiles percentiles(uint64_t *values, size_t count)
{
  if (count == 0)
    return (struct percentiles){ 0, 0 };
  qsort(values, count, sizeof *values, by_value);
  return (struct percentiles){ (double)values[count / 2], (double)values[count * 99 / 100] };
}

uint64_t draw(uint64_t *seed)
{
  *seed = (*seed * 1103515245 + 12345) & 0x7fffffff;
  return *seed >> 8;
}

regrow_next take_user(regrow_context *context, void *user, const regrow_term *arg, void **state)
{
  (void)context, (void)arg;
  *state = user;
  return REGROW_READY;
}

regrow_pid start_spec(const regrow_server_spec *spec)
{
  regrow_child_spec child = { .size = sizeof child, .kind = REGROW_SERVER, .spec = spec };
  regrow_pid pid;
  must(regrow_start(root, &child, &pid));
  return pid;
}

regrow_pid start_server(regrow_handle_callback handle_info, void *state)
{
  regrow_server_spec spec = { .size = sizeof spec, .init = take_user, .handle_info = handle_info, .user = state };
  return start_spec(&spec);
}

struct body { void (*run)(void *data); void *data; };

static regrow_next run_body(regrow_context *context, void *user)
{
  (void)context;
  struct body *body = user;
  body->run(body->data);
  return REGROW_DONE;
}

void start_process(void (*run)(void *data), void *data)
{
  struct body *body = malloc(sizeof *body);
  expect(body);
  *body = (struct body){ run, data };
  regrow_process_spec spec = { .size = sizeof spec, .body = run_body, .user = body, .drop_user = free };
  regrow_pid pid;
  must(regrow_spawn(root, &spec, &pid));
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
  await_result();
}

void tell_main(int64_t result)
{
  must(regrow_send(main_pid, regrow_int(result)));
}

int64_t await_result(void)
{
  regrow_term message;
  int64_t result;
  must(regrow_receive(REGROW_INFINITY, &message));
  expect(regrow_as_int(&message, &result));
  regrow_term_free(&message);
  return result;
}

void end_all(const regrow_pid *pids, size_t count)
{
  for (size_t i = 0; i < count; i++)
    must(regrow_exit(pids[i], regrow_atom("kill")));
  for (size_t i = 0; i < count; i++)
    while (regrow_is_alive(pids[i]))
      usleep(100);
}

struct parallel {
  void (*run)(void *data, size_t index);
  void *data;
  size_t index;
  regrow_pid pid;
  pthread_barrier_t *start;
  uint64_t ns;
};

/* Ready, go, finished: three messages, as the peers do it. */
static void run_process(void *data)
{
  struct parallel *job = data;
  regrow_term go;
  must(regrow_self(&job->pid));
  tell_main(0);
  must(regrow_receive(REGROW_INFINITY, &go));
  job->run(job->data, job->index);
  tell_main(0);
}

uint64_t parallel_processes(size_t count, void (*run)(void *data, size_t index), void *data)
{
  struct parallel jobs[16];
  expect(count <= 16);
  for (size_t i = 0; i < count; i++) {
    jobs[i] = (struct parallel){ .run = run, .data = data, .index = i };
    start_process(run_process, &jobs[i]);
  }
  for (size_t i = 0; i < count; i++)
    await_result();
  uint64_t start = now_ns();
  for (size_t i = 0; i < count; i++)
    must(regrow_send(jobs[i].pid, regrow_nil()));
  for (size_t i = 0; i < count; i++)
    await_result();
  return now_ns() - start;
}

static void *run_thread(void *data)
{
  struct parallel *job = data;
  pthread_barrier_wait(job->start);
  uint64_t start = now_ns();
  job->run(job->data, job->index);
  job->ns = now_ns() - start;
  return NULL;
}

uint64_t parallel_threads(size_t count, void (*run)(void *data, size_t index), void *data)
{
  struct parallel jobs[16];
  pthread_t threads[16];
  pthread_barrier_t start;
  uint64_t longest = 0;
  expect(count <= 16 && pthread_barrier_init(&start, NULL, (unsigned)count) == 0);
  for (size_t i = 0; i < count; i++) {
    jobs[i] = (struct parallel){ .run = run, .data = data, .index = i, .start = &start };
    expect(pthread_create(&threads[i], NULL, run_thread, &jobs[i]) == 0);
  }
  for (size_t i = 0; i < count; i++) {
    pthread_join(threads[i], NULL);
    longest = jobs[i].ns > longest ? jobs[i].ns : longest;
  }
  pthread_barrier_destroy(&start);
  return longest;
}
