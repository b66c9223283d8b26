/* A runtime in which nothing happens takes no processor time and wakes nobody, whatever there is in it. */
#include "support.h"
#include <dirent.h>
#include <unistd.h>

enum {
    MANY = KEEPS_FREED_MEMORY ? 5000 : 100000,
    LOOK_MS = 1000,
    LONGEST_MS = 120000,
    /* Half a percent of one core, and what a stranger may do to us: a debugger, a signal. */
    MOST_NS = LOOK_MS * 1000000 / 200,
    MOST_SWITCHES = 3
};

/* ---- what the threads do ---- */

static uint64_t processor_ns(void)
{
    struct timespec time;
    CHECK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* How often the threads of this program, but for its first, have gone to sleep. */
static unsigned long sleeps(void)
{
    unsigned long all = 0, one;
    DIR *threads = opendir("/proc/self/task");
    CHECK(threads);
    for (struct dirent *entry; (entry = readdir(threads));) {
        char path[300], line[200];
        if (entry->d_name[0] == '.' || atoi(entry->d_name) == getpid())
            continue;
        snprintf(path, sizeof path, "/proc/self/task/%s/status", entry->d_name);
        FILE *file = fopen(path, "r");
        while (file && fgets(line, sizeof line, file))
            if (sscanf(line, "voluntary_ctxt_switches: %lu", &one) == 1)
                all += one;
        if (file)
            fclose(file);
    }
    closedir(threads);
    return all;
}

static void let_time_pass(uint32_t ms)
{
    struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };
    while (nanosleep(&left, &left))
        ;
}

/* It may tidy up first, for some seconds, and for longer where others keep its threads from a processor: a stretch in
 * which nothing was seen may be one of waiting for that. Then nothing is to happen, for two stretches on end. */
static void nothing_happens(const char *when)
{
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    uint64_t end = real_ms() + LONGEST_MS;
    for (int still = 0; still < 2;) {
        unsigned long switches = sleeps();
        uint64_t begin = processor_ns();
        let_time_pass(LOOK_MS);
        uint64_t took = processor_ns() - begin;
        switches = sleeps() - switches;
        still = took < MOST_NS && switches <= MOST_SWITCHES ? still + 1 : 0;
        if (still == 2 || real_ms() > end)
            printf("  %s: %lu us of processor time in %d ms, %lu wakeups\n", when, (unsigned long)(took / 1000), LOOK_MS,
                   switches);
        fflush(stdout);
        CHECK(still || real_ms() <= end);
    }
}

/* ---- what there is ---- */

static regrow_next answer(regrow_context *context, void *state, const regrow_term *request)
{
    return regrow_reply(context, regrow_term_clone(request));
}

static regrow_next sleep_long(regrow_context *context, void *user)
{
    regrow_sleep(1000000000);
    return REGROW_DONE;
}

static void with_100000_idle_processes(void)
{
    regrow_server_spec spec = { .size = sizeof spec, .init = take_user, .handle_call = answer };
    regrow_child_spec how = child(REGROW_SERVER, &spec);
    for (int at = 0; at < MANY; at++)
        CHECK_OK(regrow_start(root, &how, NULL));
    for (int at = 0; at < MANY / 100; at++)
        spawn(wait_for_the_end, NULL);
    CHECK(stats().processes > MANY);
    nothing_happens("idle and parked processes");
}

static void with_100000_timers_far_away(void)
{
    for (int at = 0; at < MANY; at++)
        CHECK_OK(regrow_send_after(self, 10000000 + (uint32_t)at * 100, regrow_nil(), NULL));
    for (int at = 0; at < MANY / 100; at++)
        spawn(sleep_long, NULL);
    CHECK_OK(regrow_send_interval(self, 10000000, regrow_nil(), NULL));
    nothing_happens("timers");
}

static void with_a_tree_of_supervisors(void)
{
    enum { SUPERVISORS = 100, CHILDREN = 10 };
    regrow_server_spec server = { .size = sizeof server, .handle_call = answer };
    regrow_registry_spec registry = { .size = sizeof registry };
    regrow_pubsub_spec pubsub = { .size = sizeof pubsub };
    regrow_agent_spec agent = { .size = sizeof agent };
    regrow_child_spec children[CHILDREN] = { child(REGROW_REGISTRY, &registry), child(REGROW_PUBSUB, &pubsub),
                                             child(REGROW_AGENT, &agent) };
    regrow_supervisor_spec spec = { .size = sizeof spec, .children = children, .child_count = CHILDREN };
    char ids[CHILDREN][12];
    for (int at = 0; at < CHILDREN; at++) {
        snprintf(ids[at], sizeof ids[at], "%d", at);
        if (at > 2)
            children[at] = child(REGROW_SERVER, &server);
        children[at].id = ids[at];
    }
    for (int at = 0; at < SUPERVISORS; at++) {
        regrow_child_spec how = child(REGROW_SUPERVISOR, &spec);
        CHECK_OK(regrow_start(root, &how, NULL));
    }
    nothing_happens("supervisors");
}

static void with_watchdogs_set(void)
{
    regrow_server_spec server = { .size = sizeof server, .handle_call = answer, .watchdog_ms = 100 };
    regrow_pid pid;
    for (int at = 0; at < 100; at++) {
        regrow_process_spec parked = process(wait_for_the_end, NULL), apart = parked;
        parked.watchdog_ms = apart.watchdog_ms = 100;
        apart.home = REGROW_THREAD;
        CHECK_OK(regrow_spawn(root, &parked, NULL));
        if (at < 4)
            CHECK_OK(regrow_spawn(root, &apart, NULL));
        pid = start_server(&server);
        CHECK_OK(regrow_call(pid, regrow_nil(), LONG_MS, NULL));
    }
    nothing_happens("watchdogs");
    CHECK(stats().watchdog == 0);
}

static regrow_next work_a_little(regrow_context *context, void *user)
{
    regrow_term message;
    regrow_pid me;
    CHECK_OK(regrow_self(&me));
    for (int at = 0; at < 100; at++) {
        CHECK_OK(regrow_send(me, regrow_int(at)));
        CHECK_OK(regrow_receive(LONG_MS, &message));
        regrow_term_free(&message);
    }
    return REGROW_DONE;
}

static void after_a_burst_of_work(void)
{
    for (int at = 0; at < MANY / 2; at++)
        spawn(work_a_little, NULL);
    nothing_happens("after a burst");
}

static regrow_next keep_the_worker(regrow_context *context, void *user)
{
    gate_pass(user);
    return REGROW_DONE;
}

/* Spares that came for those that were stuck, and the threads of slow servers, are gone or asleep afterwards. */
static void after_workers_were_stuck(void)
{
    enum { STUCK = 8 };
    gate gates[STUCK];
    regrow_ref monitors[STUCK];
    for (int at = 0; at < STUCK; at++) {
        gate_make(&gates[at]);
        spawn_monitor(keep_the_worker, &gates[at], &monitors[at]);
    }
    for (int at = 0; at < STUCK; at++)
        gate_reached(&gates[at]);
    for (int at = 0; at < STUCK; at++)
        gate_open(&gates[at]);
    for (int at = 0; at < STUCK; at++)
        CHECK_DOWN("normal", monitors[at]);
    nothing_happens("after eight were stuck");
}

static void *wait_as_a_thread(void *user)
{
    regrow_pid me;
    regrow_term message;
    CHECK_OK(regrow_enter(root, &me));
    CHECK_OK(regrow_send(self, regrow_from_pid(me)));
    CHECK_OK(regrow_receive(REGROW_INFINITY, &message));
    regrow_term_free(&message);
    CHECK_OK(regrow_leave());
    return NULL;
}

static void while_threads_of_the_program_wait(void)
{
    enum { THREADS = 16 };
    pthread_t threads[THREADS];
    regrow_pid pids[THREADS];
    for (int at = 0; at < THREADS; at++) {
        regrow_term pid;
        CHECK(pthread_create(&threads[at], NULL, wait_as_a_thread, NULL) == 0);
        CHECK_OK(regrow_receive(LONG_MS, &pid));
        CHECK(regrow_as_pid(&pid, &pids[at]));
    }
    nothing_happens("threads that wait");
    for (int at = 0; at < THREADS; at++) {
        CHECK_OK(regrow_send(pids[at], regrow_nil()));
        CHECK(pthread_join(threads[at], NULL) == 0);
    }
}

static void with_a_second_runtime_on_a_manual_clock(void)
{
    regrow_options options = { .size = sizeof options, .clock = REGROW_MANUAL, .workers = 8 };
    regrow_pid other;
    CHECK_OK(regrow_init(&options, &other));
    CHECK_OK(regrow_send_after(self, 1000000000, regrow_nil(), NULL));
    nothing_happens("two runtimes");
    CHECK_OK(regrow_shutdown(other, LONG_MS, NULL));
}

int main(void)
{
    open_runtime((regrow_options){ .workers = 2 });
    RUN(with_100000_idle_processes);
    RUN(with_100000_timers_far_away);
    RUN(with_a_tree_of_supervisors);
    RUN(with_watchdogs_set);
    RUN(after_a_burst_of_work);
    RUN(after_workers_were_stuck);
    RUN(while_threads_of_the_program_wait);
    RUN(with_a_second_runtime_on_a_manual_clock);
    close_runtime();
    return 0;
}
