/* regrow-latency [workers=K] [seconds=S] [SITUATION]...: how long calls and restarts take, while something else goes on.
 *
 * Each millisecond one of 64 probes, processes on the workers, is told to call a server, and every tenth millisecond a
 * supervised server is told to crash. Whoever tells does not wait for what became of it, so that a delay is seen by
 * everybody whom it holds up. A line of JSON for each measure:
 *
 *   told          from the moment at which the probe was to be told until it has its answer
 *   call          the call alone, from a process to a server that may not run on its caller's stack
 *   restart       from the crash until the next life has answered a call of a thread's
 *   wait          from the moment at which a plain process was to be sent a message until it has received it; of the
 *                 128 that wait in regrow_receive() half were started before the others got stuck, half after
 *   ..._parked    the same, of those whose thread ran a stuck callback meanwhile
 *
 * These are told apart by the thread: a stuck callback writes down which it keeps, and a process goes on on the thread
 * on which it waited. */
#include <regrow.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define must(call) check((call), __LINE__, #call)
#define expect(condition) ((condition) ? (void)0 : wrong(__LINE__, #condition))

static void wrong(int line, const char *what)
{
  fprintf(stderr, "latency.c:%d: %s\n", line, what);
  exit(1);
}

static void check(regrow_error error, int line, const char *call)
{
  if (error != REGROW_OK) {
    fprintf(stderr, "%s: ", regrow_error_name(error));
    wrong(line, call);
  }
}

static uint64_t now_ns(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void sleep_until(uint64_t ns)
{
  struct timespec until = { (time_t)(ns / 1000000000), (long)(ns % 1000000000) };
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

static regrow_pid root;
static uint32_t workers;
static uint64_t seconds = 10;
static atomic_bool over;

static regrow_pid start_server(const regrow_server_spec *spec)
{
  regrow_child_spec child = { .size = sizeof child, .kind = REGROW_SERVER, .spec = spec };
  regrow_pid pid;
  must(regrow_start(root, &child, &pid));
  return pid;
}

/* ---- what was measured ---- */

enum { MOST = 1 << 20 };
struct measure { const char *name; atomic_size_t count; uint64_t *ns; };
static struct measure told = { .name = "told" }, called = { .name = "call" }, restarted = { .name = "restart" },
                      told_parked = { .name = "told_parked" }, called_parked = { .name = "call_parked" },
                      waited = { .name = "wait" }, waited_parked = { .name = "wait_parked" };
static struct measure *const measures[] = { &told, &called, &waited, &restarted, &told_parked, &called_parked,
                                          &waited_parked };

static void add(struct measure *measure, uint64_t ns)
{
  size_t at = atomic_fetch_add(&measure->count, 1);
  expect(at < MOST);
  measure->ns[at] = ns;
}

static int by_value(const void *left, const void *right)
{
  uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
  return (a > b) - (a < b);
}

static void print(const char *situation, struct measure *measure)
{
  size_t count = atomic_exchange(&measure->count, 0);
  if (count == 0)
    return;
  qsort(measure->ns, count, sizeof *measure->ns, by_value);
  printf("{\"situation\":\"%s\",\"measure\":\"%s\",\"count\":%zu,\"p50_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f,\"max_us\":%.1f}\n",
         situation, measure->name, count, (double)measure->ns[count / 2] / 1e3, (double)measure->ns[count * 99 / 100] / 1e3,
         (double)measure->ns[count * 999 / 1000] / 1e3, (double)measure->ns[count - 1] / 1e3);
  fflush(stdout);
}

/* ---- what goes on beside it ---- */

enum { STUCK = 8, PENDING = 100000, THREADS = 4096 };

/* When a stuck callback last began and ended on a thread; by the thread's number, in a table that is large enough. */
static struct kept { atomic_int thread; atomic_ulong from, until; } kept[THREADS];

static struct kept *kept_by(int thread, bool add_it)
{
  for (unsigned at = (unsigned)thread % THREADS;; at = (at + 1) % THREADS) {
    int known = atomic_load(&kept[at].thread), none = 0;
    if (known == thread)
      return &kept[at];
    if (known != 0)
      continue;
    if (!add_it)
      return NULL;
    if (atomic_compare_exchange_strong(&kept[at].thread, &none, thread))
      return &kept[at];
    at--;
  }
}

/* Whether this thread ran a stuck callback at any time since then. */
static bool was_kept(uint64_t since)
{
  struct kept *here = kept_by(gettid(), false);
  return here && (atomic_load(&here->until) >= since || atomic_load(&here->from) >= since);
}

static bool goes_on(uint64_t end)
{
  return !atomic_load(&over) && now_ns() < end;
}

static uint64_t begin_stuck(const regrow_term *message)
{
  int64_t ms;
  expect(regrow_as_int(message, &ms));
  struct kept *here = kept_by(gettid(), true);
  uint64_t now = now_ns();
  atomic_store(&here->from, now);
  atomic_store(&here->until, UINT64_MAX);
  return ms < 0 ? UINT64_MAX : now + (uint64_t)ms * 1000000;
}

static regrow_next end_stuck(void)
{
  atomic_store(&kept_by(gettid(), true)->until, now_ns());
  return REGROW_NOREPLY;
}

static regrow_next stuck_in_sleep(regrow_context *context, void *state, const regrow_term *message)
{
  for (uint64_t end = begin_stuck(message); goes_on(end);)
    usleep(1000);
  return end_stuck();
}

static regrow_next stuck_in_loop(regrow_context *context, void *state, const regrow_term *message)
{
  for (uint64_t end = begin_stuck(message); goes_on(end);)
    for (volatile int i = 0; i < 1000; i++)
      ;
  return end_stuck();
}

/* Always something to do, 50 us at a time. */
static regrow_next busy(regrow_context *context, void *state, const regrow_term *message)
{
  uint64_t end = now_ns() + 50000;
  regrow_pid self;
  while (now_ns() < end)
    ;
  must(regrow_self(&self));
  if (!atomic_load(&over))
    must(regrow_send(self, regrow_nil()));
  return REGROW_NOREPLY;
}

static void nothing(void)
{
}

static void saturate(void)
{
  regrow_server_spec spec = { .size = sizeof spec, .handle_info = busy };
  for (int i = 0; i < 4; i++)
    must(regrow_send(start_server(&spec), regrow_nil()));
}

static void set_timers(void)
{
  regrow_server_spec spec = { .size = sizeof spec };
  regrow_pid pid = start_server(&spec);
  for (uint32_t i = 0; i < PENDING; i++)
    must(regrow_send_after(pid, 60000 + i, regrow_nil(), &(regrow_ref){ 0 }));
}

static void get_stuck(regrow_handle_callback body)
{
  regrow_server_spec spec = { .size = sizeof spec, .handle_info = body };
  regrow_pid pids[STUCK];
  for (int i = 0; i < STUCK; i++)
    pids[i] = start_server(&spec);
  for (int i = 0; i < STUCK; i++)
    must(regrow_send(pids[i], regrow_int(-1)));
}

static void stick_in_sleep(void)
{
  get_stuck(stuck_in_sleep);
}

static void stick_in_loop(void)
{
  get_stuck(stuck_in_loop);
}

/* Each for 800 ms, and then another in its place, which nobody knows to be slow: 8 at a time. */
static void *stick_anew(void *data)
{
  regrow_server_spec spec = { .size = sizeof spec, .handle_info = stuck_in_sleep };
  while (!atomic_load(&over)) {
    must(regrow_send(start_server(&spec), regrow_int(800)));
    usleep(100000);
  }
  return NULL;
}

static pthread_t anew;

static void stick_others(void)
{
  expect(pthread_create(&anew, NULL, stick_anew, NULL) == 0);
}

/* `begin` is called when a tenth of the time is over, so that what it takes to notice is measured, too. */
static const struct situation { const char *name; void (*begin)(void); } situations[] = {
  { "idle", nothing },          { "saturated", saturate },         { "timers", set_timers },
  { "stuck_sleep", stick_in_sleep }, { "stuck_loop", stick_in_loop }, { "stuck_anew", stick_others },
};

/* ---- the probes ---- */

enum { PROBES = 64 };
static regrow_pid probes[PROBES], waiters[2 * PROBES], server;
static atomic_ulong waiting; /* so many of them there are */

static regrow_next answer(regrow_context *context, void *state, const regrow_term *request)
{
  return regrow_reply(context, regrow_term_clone(request));
}

static regrow_next probe(regrow_context *context, void *state, const regrow_term *message)
{
  int64_t due;
  regrow_term reply;
  expect(regrow_as_int(message, &due));
  uint64_t before = now_ns();
  must(regrow_call(server, regrow_nil(), REGROW_INFINITY, &reply));
  uint64_t after = now_ns();
  regrow_term_free(&reply);
  bool parked = was_kept(before);
  add(parked ? &called_parked : &called, after - before);
  add(parked ? &told_parked : &told, after - (uint64_t)due);
  return REGROW_NOREPLY;
}

static regrow_next wait_each(regrow_context *context, void *user)
{
  regrow_term message;
  int64_t due;
  while (regrow_receive(REGROW_INFINITY, &message) == REGROW_OK) {
    expect(regrow_as_int(&message, &due));
    add(was_kept((uint64_t)due) ? &waited_parked : &waited, now_ns() - (uint64_t)due);
  }
  return REGROW_DONE;
}

static void start_waiters(void)
{
  regrow_process_spec spec = { .size = sizeof spec, .body = wait_each };
  for (int i = 0; i < PROBES; i++) {
    must(regrow_spawn(root, &spec, &waiters[atomic_load(&waiting)]));
    atomic_fetch_add(&waiting, 1);
  }
}

static void *tell_probes(void *data)
{
  uint64_t due = now_ns();
  for (uint64_t i = 0; !atomic_load(&over); i++) {
    due += 1000000;
    sleep_until(due);
    must(regrow_send(probes[i % PROBES], regrow_int((int64_t)due)));
    must(regrow_send(waiters[i % atomic_load(&waiting)], regrow_int((int64_t)due)));
  }
  return NULL;
}

/* ---- the one that crashes ---- */

static regrow_next come_up(regrow_context *context, void *user, const regrow_term *owner, void **state)
{
  regrow_pid to, self;
  expect(regrow_as_pid(owner, &to));
  must(regrow_self(&self));
  must(regrow_send(to, regrow_from_pid(self)));
  return REGROW_READY;
}

static regrow_next crash(regrow_context *context, void *state, const regrow_term *message)
{
  return regrow_stop_self(context, regrow_atom("crash"));
}

static regrow_pid next_life(void)
{
  regrow_term up;
  regrow_pid pid;
  must(regrow_receive(REGROW_INFINITY, &up));
  expect(regrow_as_pid(&up, &pid));
  regrow_term_free(&up);
  return pid;
}

static void *crash_it(void *data)
{
  regrow_pid self, supervisor;
  must(regrow_enter(root, &self));
  regrow_term owner = regrow_from_pid(self);
  regrow_server_spec spec = {
    .size = sizeof spec, .init = come_up, .handle_call = answer, .handle_cast = crash, .arg = &owner };
  regrow_child_spec child = { .size = sizeof child, .id = "it", .kind = REGROW_SERVER, .spec = &spec };
  regrow_supervisor_spec above = {
    .size = sizeof above, .max_restarts = 1000000, .period_ms = 1, .children = &child, .child_count = 1 };
  regrow_child_spec top = { .size = sizeof top, .kind = REGROW_SUPERVISOR, .spec = &above };
  must(regrow_start(root, &top, &supervisor));
  regrow_pid pid = next_life();
  uint64_t due = now_ns();
  while (!atomic_load(&over)) {
    due += 10000000;
    sleep_until(due);
    regrow_term reply;
    must(regrow_cast(pid, regrow_nil()));
    pid = next_life();
    must(regrow_call(pid, regrow_nil(), REGROW_INFINITY, &reply));
    regrow_term_free(&reply);
    uint64_t now = now_ns();
    /* A life that came late holds up all that were due meanwhile. */
    for (add(&restarted, now - due); due + 10000000 < now; add(&restarted, now - due))
      due += 10000000;
  }
  must(regrow_leave());
  return NULL;
}

/* ---- */

static void measure(const struct situation *situation)
{
  regrow_options options = { .size = sizeof options, .log_level = REGROW_LOG_SILENT, .workers = workers };
  regrow_server_spec server_spec = { .size = sizeof server_spec, .handle_call = answer };
  regrow_server_spec probe_spec = { .size = sizeof probe_spec, .handle_info = probe };
  regrow_stats stats = { .size = sizeof stats };
  pthread_t telling, crashing;
  atomic_store(&over, false);
  must(regrow_init(&options, &root));
  server = start_server(&server_spec);
  for (int i = 0; i < PROBES; i++)
    probes[i] = start_server(&probe_spec);
  atomic_store(&waiting, 0);
  start_waiters();
  expect(pthread_create(&telling, NULL, tell_probes, NULL) == 0);
  expect(pthread_create(&crashing, NULL, crash_it, NULL) == 0);
  usleep((useconds_t)(seconds * 100000));
  situation->begin();
  usleep((useconds_t)(seconds * 100000));
  start_waiters();
  usleep((useconds_t)(seconds * 800000));
  must(regrow_stats_read(root, &stats));
  atomic_store(&over, true);
  pthread_join(telling, NULL);
  pthread_join(crashing, NULL);
  if (situation->begin == stick_others)
    pthread_join(anew, NULL);
  must(regrow_settle(root, 60000, NULL));
  must(regrow_shutdown(root, 60000, NULL));
  for (size_t i = 0; i < sizeof measures / sizeof *measures; i++)
    print(situation->name, measures[i]);
}

int main(int count, char **words)
{
  enum { SITUATIONS = sizeof situations / sizeof *situations };
  int first = 1;
  for (; first < count && strchr(words[first], '='); first++) {
    unsigned long value = strtoul(strchr(words[first], '=') + 1, NULL, 10);
    if (strncmp(words[first], "workers=", 8) == 0)
      workers = (uint32_t)value;
    else if (strncmp(words[first], "seconds=", 8) == 0 && value > 0)
      seconds = value;
    else
      return fprintf(stderr, "no such option: %s\n", words[first]), 2;
  }
  for (size_t i = 0; i < sizeof measures / sizeof *measures; i++)
    expect((measures[i]->ns = calloc(MOST, sizeof(uint64_t))));
  for (int at = 0; at < SITUATIONS; at++) {
    bool wanted = first == count;
    for (int word = first; word < count; word++)
      wanted |= strcmp(words[word], situations[at].name) == 0;
    if (wanted)
      measure(&situations[at]);
  }
  return 0;
}
