/* Local names (FEATURES N1, N4). */
#include "support.h"
#include <unistd.h>

static bool somebody_has(const char *name, regrow_pid *pid)
{
    regrow_error error = regrow_whereis(root, name, pid);
    CHECK(error == REGROW_OK || error == REGROW_ERR_NOT_FOUND);
    return error == REGROW_OK;
}

static void a_name_leads_to_one_process_until_it_is_taken_away(void)
{
    regrow_pid found, pid = spawn(wait_for_the_end, NULL);
    CHECK(!somebody_has("worker", &found));
    CHECK_OK(regrow_register(pid, "worker"));
    CHECK(somebody_has("worker", &found) && found.id == pid.id);
    CHECK_OK(regrow_unregister(root, "worker"));
    CHECK(!somebody_has("worker", &found));
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_unregister(root, "worker"));
    CHECK_OK(regrow_register(pid, "worker"));
    CHECK(somebody_has("worker", &found) && found.id == pid.id);
    kill_and_wait(pid);
    CHECK(!somebody_has("worker", &found));
}

static void a_name_is_unique_and_a_process_has_one(void)
{
    regrow_pid found, one = spawn(wait_for_the_end, NULL), two = spawn(wait_for_the_end, NULL);
    regrow_term reason;
    CHECK_OK(regrow_register(one, "worker"));
    CHECK_ERROR(REGROW_ERR_EXISTS, regrow_register(two, "worker"));
    CHECK_OK(regrow_last_reason(&reason));
    CHECK_TERM("already_started", regrow_tuple_get(&reason, 0));
    CHECK(regrow_as_pid(regrow_tuple_get(&reason, 1), &found) && found.id == one.id);
    regrow_term_free(&reason);
    CHECK_ERROR(REGROW_ERR_EXISTS, regrow_register(one, "worker"));
    CHECK_ERROR(REGROW_ERR_EXISTS, regrow_register(one, "another"));
    CHECK(!somebody_has("another", &found));
    CHECK_ERROR(REGROW_ERR_NO_PROCESS, regrow_register(somebody_dead(), "nobody"));
    CHECK(!somebody_has("nobody", &found));
    kill_and_wait(one);
    CHECK_OK(regrow_register(two, "worker"));
    kill_and_wait(two);
}

static void a_name_is_any_utf8_text(void)
{
    static char large[5000];
    memset(large, 'n', sizeof large - 1);
    const char *names[] = { "h\xc3\xa9las \xe2\x9c\x93", " ", "a/b:c", "undefined", large };
    regrow_pid found;
    for (size_t at = 0; at < sizeof names / sizeof *names; at++) {
        regrow_pid pid = spawn(wait_for_the_end, NULL);
        CHECK_OK(regrow_register(pid, names[at]));
        CHECK(somebody_has(names[at], &found) && found.id == pid.id);
        kill_and_wait(pid);
        CHECK(!somebody_has(names[at], &found));
    }
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_register(self, "\xff\xfe"));
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_register(self, NULL));
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_register(self, ""));
}

static void a_start_under_a_name_that_is_taken_leaves_the_first_alone(void)
{
    atomic_int dropped = 0;
    regrow_server_spec spec = { .size = sizeof spec, .user = &dropped, .drop_user = count_up };
    regrow_child_spec how = child(REGROW_SERVER, &spec);
    regrow_pid first, second = { 77 }, found;
    how.name = "only";
    CHECK_OK(regrow_start(root, &how, &first));
    CHECK_ERROR(REGROW_ERR_EXISTS, regrow_start(root, &how, &second));
    CHECK(second.id == 77 && somebody_has("only", &found) && found.id == first.id);
    regrow_term reason;
    CHECK_OK(regrow_last_reason(&reason));
    CHECK_TERM("already_started", regrow_tuple_get(&reason, 0));
    CHECK(regrow_as_pid(regrow_tuple_get(&reason, 1), &found) && found.id == first.id);
    regrow_term_free(&reason);
    CHECK(dropped == 1);
    kill_and_wait(first);
    EVENTUALLY(dropped == 2);
}

static regrow_next fail_with_a_name(regrow_context *context, void *user, const regrow_term *arg, void **state)
{
    regrow_pid me, found;
    CHECK_OK(regrow_self(&me));
    CHECK(somebody_has("failing", &found) && found.id == me.id);
    return regrow_stop_self(context, regrow_atom("nope"));
}

static void a_name_is_there_in_init_and_free_once_the_start_has_failed(void)
{
    regrow_server_spec spec = { .size = sizeof spec, .init = fail_with_a_name };
    regrow_child_spec how = child(REGROW_SERVER, &spec);
    regrow_pid found;
    how.name = "failing";
    for (int round = 0; round < 500; round++) {
        CHECK_ERROR(REGROW_ERR_START, regrow_start(root, &how, NULL));
        CHECK_LAST_REASON("nope");
        CHECK(!somebody_has("failing", &found));
    }
}

/* N4 */
static void *register_by_and_by(void *pid)
{
    struct timespec a_moment = { .tv_nsec = 3000000 }; /* so that, as a rule, the other waits by now */
    nanosleep(&a_moment, NULL);
    CHECK_OK(regrow_register(*(regrow_pid *)pid, "awaited"));
    return NULL;
}

static void whoever_waits_for_a_name_is_told_of_it(void)
{
    regrow_address address = { .size = sizeof address, .runtime = root, .name = "awaited" };
    regrow_pid found, pid = spawn(wait_for_the_end, NULL);
    pthread_t thread;
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_whereis_at(&address, &found));
    address.wait_ms = 5;
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_whereis_at(&address, &found));
    address.wait_ms = LONG_MS;
    CHECK(!pthread_create(&thread, NULL, register_by_and_by, &pid));
    CHECK_OK(regrow_whereis_at(&address, &found));
    CHECK(found.id == pid.id);
    CHECK(!pthread_join(thread, NULL));
    kill_and_wait(pid);
}

static size_t resident_kb(void)
{
    size_t pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file && fscanf(file, "%*s %zu", &pages) == 1);
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE) / 1024;
}

static void deliver_nothing(void *user, regrow_pid pid, const regrow_term *message, regrow_caller caller)
{
}

/* As many names at once as there are processes, then none; and again, all different. */
static void a_million_names_give_their_memory_back(void)
{
    enum { AT_ONCE = 50000 };
    regrow_host_spec spec = { .size = sizeof spec, .deliver = deliver_nothing };
    regrow_child_spec how = child(REGROW_HOST, &spec);
    regrow_pid *pids = calloc(AT_ONCE, sizeof *pids), found;
    size_t batches = rounds(20), first = 0, last = 0;
    for (size_t batch = 0; batch < batches; batch++) {
        for (size_t at = 0; at < AT_ONCE; at++) {
            char name[64];
            snprintf(name, sizeof name, "a name of forty characters or so, %zu-%zu", batch, at);
            how.name = name;
            CHECK_OK(regrow_start(root, &how, &pids[at]));
        }
        CHECK(somebody_has("a name of forty characters or so, 0-0", &found) == (batch == 0));
        for (size_t at = 0; at < AT_ONCE; at++)
            CHECK_OK(regrow_exit(pids[at], regrow_atom("kill")));
        CHECK_OK(regrow_settle(root, LONG_MS, NULL));
        last = resident_kb();
        if (batch == 2)
            first = last;
    }
    free(pids);
    printf("  %zu names: %zu KiB resident after the third batch, %zu after the last\n", batches * AT_ONCE, first, last);
    /* A leak of the names alone would be 50 MB and more. */
    if (batches > 3 && !KEEPS_FREED_MEMORY)
        CHECK(last < first + 16 * 1024);
}

int main(void)
{
    open_runtime((regrow_options){ .workers = 2 });
    RUN(a_name_leads_to_one_process_until_it_is_taken_away);
    RUN(a_name_is_unique_and_a_process_has_one);
    RUN(a_name_is_any_utf8_text);
    RUN(a_start_under_a_name_that_is_taken_leaves_the_first_alone);
    RUN(a_name_is_there_in_init_and_free_once_the_start_has_failed);
    RUN(whoever_waits_for_a_name_is_told_of_it);
    RUN(a_million_names_give_their_memory_back);
    close_runtime();
    return 0;
}
