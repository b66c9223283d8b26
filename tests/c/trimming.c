/* Memory goes back to the system when nothing has run for a while, and a runtime at rest does nothing at all. */
#include "support.h"
#include <dirent.h>
#include <malloc.h>
#include <unistd.h>

static size_t resident(void)
{
    size_t pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file && fscanf(file, "%*u %zu", &pages) == 1);
    fclose(file);
    return pages * 4096;
}

/* Looks every so often whether it has come down to `limit`; real time, for the kernel has to be given a chance. */
static void comes_down_to(size_t limit)
{
    size_t now = resident();
    for (uint64_t end = real_ms() + 2 * LONG_MS; now > limit && !KEEPS_FREED_MEMORY; now = resident()) {
        if (real_ms() > end)
            fprintf(stderr, "%zu KiB are left, not %zu\n", now >> 10, limit >> 10);
        CHECK(real_ms() <= end);
        nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
    }
}

/* ---- a burst ---- */

static bool never(void *user, const regrow_term *message)
{
    return false;
}

static regrow_next park_with_messages(regrow_context *context, void *user)
{
    regrow_term message;
    regrow_receive_match(never, NULL, REGROW_INFINITY, &message);
    return REGROW_DONE;
}

/* So many processes, each parked in a callback, half of them with ten messages, are there and end; how much there was at the most. */
static size_t burst(size_t count)
{
    uint64_t before = stats().processes;
    regrow_pid *pids = calloc(count, sizeof *pids);
    for (size_t at = 0; at < count; at++) {
        pids[at] = spawn(at % 2 ? wait_for_the_end : park_with_messages, NULL);
        for (int message = 0; message < 10; message++)
            CHECK_OK(regrow_send(pids[at], regrow_int(message)));
        if (at % 2)
            CHECK_OK(regrow_send(pids[at], regrow_text("a text that is too long to lie in its term")));
    }
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    size_t most = resident();
    CHECK(stats().processes == before + count);
    for (size_t at = 0; at < count; at++)
        CHECK_OK(regrow_exit(pids[at], regrow_atom("kill")));
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    EVENTUALLY(stats().ghosts == 0);
    CHECK(stats().processes == before);
    free(pids);
    return most;
}

static void what_a_burst_took_goes_back_and_the_next_takes_no_more(void)
{
    enum { MANY = KEEPS_FREED_MEMORY ? 20000 : 200000, MORE = 16 << 20 };
    size_t first, second, rest, base;
    burst(1000);
    base = resident();
    first = burst(MANY);
    printf("  %zu MiB at first, %zu with %d parked, %zu just after\n", base >> 20, first >> 20, MANY, resident() >> 20);
    fflush(stdout);
    comes_down_to(base + base / 5 + MORE);
    rest = resident();
    second = burst(MANY);
    printf("  %zu MiB at rest, %zu with as many again\n", rest >> 20, second >> 20);
    fflush(stdout);
    CHECK(second <= first + first / 20 + MORE || KEEPS_FREED_MEMORY);
    comes_down_to(base + base / 5 + MORE);
}

/* ---- rest ---- */

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

static void a_runtime_at_rest_does_not_tick(void)
{
    /* A tick is 10 ms: a stretch of 200 ms without one comes soon, and then another follows it. */
    for (int still = 0, time = 0; still < 3; time++) {
        unsigned long before = sleeps();
        CHECK(time < 150);
        nanosleep(&(struct timespec){ .tv_nsec = 200000000 }, NULL);
        still = sleeps() == before ? still + 1 : 0;
    }
    /* And it wakes up again. */
    uint64_t before = real_ms();
    CHECK_OK(regrow_sleep(20));
    CHECK(real_ms() >= before + 20);
    regrow_ref monitor;
    spawn_monitor(end_at_once, NULL, &monitor);
    CHECK_DOWN("normal", monitor);
}

int main(void)
{
    /* glibc keeps as much at the top of each thread's arena as twice the largest piece that was ever freed, for this
     * test 6 MiB, and makes more arenas the busier the machine is. That is neither ours nor a leak. */
    mallopt(M_TRIM_THRESHOLD, 128 * 1024);
    open_runtime((regrow_options){ .workers = 2, .max_processes = 1000000 });
    RUN(what_a_burst_took_goes_back_and_the_next_takes_no_more);
    RUN(a_runtime_at_rest_does_not_tick);
    close_runtime();
    return 0;
}
