/* What a peak took goes back to the system, whatever it was a peak of, and a second one takes no more than the first.
 * Nearly all of it is done by a thread of this program, which wakes no worker: see src/sync/stir.rs. */
#include "support.h"
#include <malloc.h>
#include <unistd.h>

enum { MILLION = 1000000, FEW = 10000, MORE = 16 << 20 };

/* A million of each in a long run. */
static size_t many(void)
{
    size_t count = KEEPS_FREED_MEMORY ? 20000 : rounds(MILLION / 5);
    return count < MILLION ? count : MILLION;
}

static size_t resident(void)
{
    size_t pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file && fscanf(file, "%*u %zu", &pages) == 1);
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* Looks every so often whether it has come down to `limit`; real time, since the kernel has to be given a chance. */
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

/* Takes so much of something, tells how much memory there was at the most, and gives it up. */
typedef size_t peak(size_t count);

static size_t all_of(peak *const *peaks, size_t count)
{
    size_t most = 0;
    for (; *peaks; peaks++) {
        size_t one = (*peaks)(count);
        most = one > most ? one : most;
    }
    return most;
}

/* One peak after the other, then rest. All that they leave must be little, not only what each does; and all of this
 * program together, for the limit is that of its beginning. */
static void comes_back(peak *const *peaks, size_t count)
{
    static size_t base;
    size_t first, rest, second, limit;
    all_of(peaks, count / 100);
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    base = base ? base : resident();
    limit = base + base / 5 + MORE;
    first = all_of(peaks, count);
    comes_down_to(limit);
    rest = resident();
    second = all_of(peaks, count);
    comes_down_to(limit);
    printf("  %zu MiB, %zu with %zu, %zu after; %zu and %zu the second time\n", base >> 20, first >> 20, count,
           rest >> 20, second >> 20, resident() >> 20);
    fflush(stdout);
    /* Where others have the processors, what one gave up may not be back yet when the next begins, but not each time. */
    for (int again = 0; second > first + first / 20 + MORE && !KEEPS_FREED_MEMORY; again++) {
        CHECK(again < 3);
        second = all_of(peaks, count);
        comes_down_to(limit);
    }
}

#define COMES_BACK(count, ...) comes_back((peak *const[]){ __VA_ARGS__, NULL }, count)

/* What there is while everything is still there. */
static size_t at_work(void)
{
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    return resident();
}

/* ---- processes ---- */

static void start_many(regrow_pid *pids, size_t count)
{
    regrow_server_spec idle = { .size = sizeof idle };
    regrow_child_spec how = child(REGROW_SERVER, &idle);
    for (size_t at = 0; at < count; at++)
        CHECK_OK(regrow_start(root, &how, &pids[at]));
}

static void end_many(const regrow_pid *pids, size_t count)
{
    for (size_t at = 0; at < count; at++)
        CHECK_OK(regrow_exit(pids[at], regrow_atom("kill")));
}

/* Some of those that are gone, whose places in the table of pids have been given back since. */
static regrow_pid gone[100];

/* They are still gone, though others live in their places; and what they are sent is counted where they lived. */
static void the_gone_are_gone(const regrow_pid *pids, size_t count)
{
    for (size_t at = 0; at < sizeof gone / sizeof *gone; at++)
        if (gone[at].id) {
            uint64_t before = stats().undelivered;
            CHECK(!regrow_is_alive(gone[at]));
            CHECK_OK(regrow_send(gone[at], regrow_nil()));
            CHECK(stats().undelivered == before + 1);
        }
    for (size_t at = 0; at < count; at++)
        CHECK(regrow_is_alive(pids[at]));
    for (size_t at = 0; count && at < sizeof gone / sizeof *gone; at++)
        gone[at] = pids[at * (count - 1) / 100];
}

static size_t many_processes(size_t count)
{
    regrow_pid *pids = calloc(count, sizeof *pids);
    the_gone_are_gone(pids, 0);
    start_many(pids, count);
    size_t most = at_work();
    the_gone_are_gone(pids, count);
    end_many(pids, count);
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    free(pids);
    return most;
}

static size_t many_parked(size_t count)
{
    regrow_pid *pids = calloc(count, sizeof *pids);
    for (size_t at = 0; at < count; at++)
        pids[at] = spawn(wait_for_the_end, NULL);
    size_t most = at_work();
    end_many(pids, count);
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    free(pids);
    return most;
}

/* ---- what one process has ---- */

static size_t many_messages(size_t count)
{
    for (size_t at = 0; at < count; at++)
        CHECK_OK(regrow_send(self, at % 2 ? regrow_int(1) : regrow_text("a text that is too long to lie in its term")));
    size_t most = resident(), flushed;
    CHECK_OK(regrow_flush(&flushed));
    CHECK(flushed == count);
    return most;
}

static size_t many_messages_put_aside(size_t count)
{
    regrow_term message;
    for (size_t at = 0; at < count; at++)
        CHECK_OK(regrow_send(self, regrow_int((int64_t)at)));
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_receive_match(is_down_of, &(regrow_ref){ 1 }, 0, &message));
    size_t most = resident(), flushed;
    CHECK_OK(regrow_flush(&flushed));
    CHECK(flushed == count);
    return most;
}

static size_t many_timers(size_t count)
{
    regrow_ref *timers = calloc(count, sizeof *timers);
    for (size_t at = 0; at < count; at++)
        CHECK_OK(regrow_send_after(self, 1000000 + (uint32_t)(at % 1000), regrow_int(1), &timers[at]));
    size_t most = resident();
    for (size_t at = 0; at < count; at++)
        CHECK_OK(regrow_cancel_timer(root, timers[at], 0, NULL));
    free(timers);
    return most;
}

static size_t many_timers_that_fire(size_t count)
{
    for (size_t at = 0; at < count; at++)
        CHECK_OK(regrow_send_after(self, 1, regrow_int(1), NULL));
    size_t most = 0;
    for (size_t at = 0; at < count; at++) {
        regrow_term message;
        CHECK_OK(regrow_receive(LONG_MS, &message));
        most = at ? most : resident();
    }
    return most;
}

static size_t many_monitors(size_t count)
{
    regrow_ref *monitors = calloc(count, sizeof *monitors);
    for (size_t at = 0; at < count; at++)
        CHECK_OK(regrow_monitor(root, &monitors[at]));
    size_t most = resident();
    for (size_t at = 0; at < count; at++)
        CHECK_OK(regrow_demonitor(monitors[at], 0, NULL));
    free(monitors);
    return most;
}

static size_t many_links(size_t count)
{
    regrow_pid *pids = calloc(count, sizeof *pids);
    start_many(pids, count);
    for (size_t at = 0; at < count; at++)
        CHECK_OK(regrow_link(pids[at]));
    size_t most = at_work();
    for (size_t at = 0; at < count; at++)
        CHECK_OK(regrow_unlink(pids[at]));
    end_many(pids, count);
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    free(pids);
    return most;
}

static size_t many_aliases(size_t count)
{
    regrow_ref *aliases = calloc(count, sizeof *aliases);
    for (size_t at = 0; at < count; at++)
        CHECK_OK(regrow_alias(&aliases[at]));
    size_t most = resident();
    for (size_t at = 0; at < count; at++)
        CHECK_OK(regrow_unalias(aliases[at], NULL));
    free(aliases);
    return most;
}

/* ---- names, keys, rows ---- */

/* A process has one at most. */
static size_t many_names(size_t count)
{
    regrow_pid *pids = calloc(count, sizeof *pids);
    start_many(pids, count);
    for (size_t at = 0; at < count; at++)
        CHECK_OK(regrow_register_term(pids[at], regrow_int((int64_t)at)));
    size_t most = at_work();
    end_many(pids, count);
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    free(pids);
    return most;
}

static regrow_pid registry;

static size_t many_keys(size_t count)
{
    for (size_t at = 0; at < count; at++)
        CHECK_OK(regrow_registry_register(registry, regrow_int((int64_t)at), self, regrow_nil()));
    size_t most = resident();
    for (size_t at = 0; at < count; at++) {
        regrow_term key = regrow_int((int64_t)at);
        CHECK_OK(regrow_registry_unregister(registry, &key, self));
    }
    return most;
}

/* Those of a process that ends. */
static size_t many_keys_of_the_dead(size_t count)
{
    regrow_ref monitor;
    regrow_pid owner = spawn_monitor(wait_for_the_end, NULL, &monitor);
    for (size_t at = 0; at < count; at++)
        CHECK_OK(regrow_registry_register(registry, regrow_int((int64_t)at), owner, regrow_nil()));
    size_t most = resident(), left;
    CHECK_OK(regrow_exit(owner, regrow_atom("kill")));
    CHECK_DOWN("killed", monitor);
    CHECK_OK(regrow_registry_count(registry, &left));
    CHECK(left == 0);
    return most;
}

static regrow_table table, ordered;

static size_t fill_and_empty(regrow_table table, size_t count, bool at_once)
{
    for (size_t at = 0; at < count; at++) {
        regrow_term row[] = { regrow_int((int64_t)at), regrow_text("twenty bytes of text"), regrow_int(1) };
        CHECK_OK(regrow_table_insert(table, regrow_tuple(row, 3)));
    }
    size_t most = resident(), left;
    for (size_t at = 0; at < count && !at_once; at++) {
        regrow_term key = regrow_int((int64_t)at);
        CHECK_OK(regrow_table_delete_key(table, &key));
    }
    if (at_once)
        CHECK_OK(regrow_table_delete_all_objects(table));
    CHECK_OK(regrow_table_size(table, &left));
    CHECK(left == 0);
    return most;
}

static size_t many_rows(size_t count)
{
    return fill_and_empty(table, count, false);
}

static size_t many_rows_at_once(size_t count)
{
    return fill_and_empty(table, count, true);
}

static size_t many_ordered_rows(size_t count)
{
    return fill_and_empty(ordered, count, false);
}

static size_t many_tables(size_t count)
{
    regrow_table *tables = calloc(count, sizeof *tables);
    regrow_table_spec spec = { .size = sizeof spec };
    for (size_t at = 0; at < count; at++) {
        CHECK_OK(regrow_table_new(&spec, &tables[at]));
        CHECK_OK(regrow_table_insert(tables[at], pair("key", regrow_int(1))));
    }
    size_t most = resident();
    for (size_t at = 0; at < count; at++)
        CHECK_OK(regrow_table_delete(tables[at]));
    free(tables);
    return most;
}

static regrow_pid groups;

static size_t many_groups(size_t count)
{
    for (size_t at = 0; at < count; at++) {
        regrow_term group = regrow_int((int64_t)at);
        CHECK_OK(regrow_group_join(groups, &group, self));
    }
    size_t most = resident();
    for (size_t at = 0; at < count; at++) {
        regrow_term group = regrow_int((int64_t)at);
        CHECK_OK(regrow_group_leave(groups, &group, self));
    }
    return most;
}

/* ---- children ---- */

static regrow_pid supervisor;

static size_t many_children(size_t count)
{
    regrow_server_spec idle = { .size = sizeof idle };
    regrow_child_spec how = child(REGROW_SERVER, &idle);
    regrow_pid *pids = calloc(count, sizeof *pids);
    how.id = "one of many";
    how.restart = REGROW_TEMPORARY;
    for (size_t at = 0; at < count; at++)
        CHECK_OK(regrow_supervisor_start_child(supervisor, &how, &pids[at]));
    size_t most = at_work();
    end_many(pids, count);
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    free(pids);
    return most;
}

/* ---- */

static void a_million_processes_that_are_gone_leave_nothing(void)
{
    COMES_BACK(KEEPS_FREED_MEMORY ? 20000 : MILLION, many_processes);
}

static void stacks_that_were_parked_on_are_given_back(void)
{
    COMES_BACK(KEEPS_FREED_MEMORY ? FEW / 10 : FEW, many_parked);
}

static void messages_and_timers_leave_nothing(void)
{
    COMES_BACK(many(), many_messages, many_messages_put_aside, many_timers);
    COMES_BACK(many() / 10, many_timers_that_fire);
}

static void what_others_know_of_a_process_leaves_nothing(void)
{
    COMES_BACK(many() / 4, many_links, many_monitors, many_aliases, many_names, many_groups, many_children);
    COMES_BACK(many(), many_keys, many_keys_of_the_dead);
}

static void rows_and_tables_leave_nothing(void)
{
    COMES_BACK(many(), many_rows, many_rows_at_once, many_ordered_rows);
    COMES_BACK(FEW / 2, many_tables);
}

/* In a registry, a pubsub, a supervisor and tables that are there all the time. */
static void start_what_stays(void)
{
    regrow_registry_spec registry_spec = { .size = sizeof registry_spec };
    regrow_pubsub_spec pubsub_spec = { .size = sizeof pubsub_spec };
    regrow_dynamic_supervisor_spec supervisor_spec = { .size = sizeof supervisor_spec };
    regrow_child_spec how = child(REGROW_REGISTRY, &registry_spec);
    CHECK_OK(regrow_start(root, &how, &registry));
    how = child(REGROW_PUBSUB, &pubsub_spec);
    CHECK_OK(regrow_start(root, &how, &groups));
    how = child(REGROW_DYNAMIC_SUPERVISOR, &supervisor_spec);
    CHECK_OK(regrow_start(root, &how, &supervisor));
    regrow_table_spec table_spec = { .size = sizeof table_spec };
    CHECK_OK(regrow_table_new(&table_spec, &table));
    table_spec.kind = REGROW_ORDERED_SET;
    CHECK_OK(regrow_table_new(&table_spec, &ordered));
}

int main(void)
{
    /* See trimming.c. */
    mallopt(M_TRIM_THRESHOLD, 128 * 1024);
    open_runtime((regrow_options){ .workers = 2 });
    start_what_stays();
    RUN(a_million_processes_that_are_gone_leave_nothing);
    RUN(stacks_that_were_parked_on_are_given_back);
    RUN(messages_and_timers_leave_nothing);
    RUN(what_others_know_of_a_process_leaves_nothing);
    RUN(rows_and_tables_leave_nothing);
    close_runtime();
    return 0;
}
