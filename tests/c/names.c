/* Local names, texts and terms (FEATURES N1, N4). */
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

/* ---- names that are terms ---- */

static bool somebody_has_term(const regrow_term *name, regrow_pid *pid)
{
    regrow_error error = regrow_whereis_term(root, name, pid);
    CHECK(error == REGROW_OK || error == REGROW_ERR_NOT_FOUND);
    return error == REGROW_OK;
}

static void a_name_may_be_any_term_compared_exactly(void)
{
    regrow_term names[] = { regrow_int(1), regrow_float(1.0), regrow_atom("worker"), regrow_text("worker"), regrow_nil(),
                            pair("room", regrow_int(1)), pair("room", regrow_float(1.0)),
                            regrow_text("a text that is too long to lie in a term") };
    enum { COUNT = sizeof names / sizeof *names };
    regrow_pid pids[COUNT], found;
    for (size_t at = 0; at < COUNT; at++) {
        CHECK(!somebody_has_term(&names[at], &found));
        pids[at] = spawn(wait_for_the_end, NULL);
        CHECK_OK(regrow_register_term(pids[at], regrow_term_clone(&names[at])));
    }
    for (size_t at = 0; at < COUNT; at++) {
        regrow_term reason;
        CHECK(somebody_has_term(&names[at], &found) && found.id == pids[at].id);
        CHECK_ERROR(REGROW_ERR_EXISTS, regrow_register_term(self, regrow_term_clone(&names[at])));
        CHECK_OK(regrow_last_reason(&reason));
        CHECK_TERM("already_started", regrow_tuple_get(&reason, 0));
        CHECK(regrow_as_pid(regrow_tuple_get(&reason, 1), &found) && found.id == pids[at].id);
        regrow_term_free(&reason);
    }
    /* A text is the same name in both ways, whatever its length. */
    CHECK(somebody_has("worker", &found) && found.id == pids[3].id);
    CHECK(somebody_has("a text that is too long to lie in a term", &found) && found.id == pids[7].id);
    CHECK_ERROR(REGROW_ERR_EXISTS, regrow_register(self, "worker"));
    CHECK_OK(regrow_unregister(root, "worker"));
    CHECK(!somebody_has_term(&names[3], &found));
    CHECK_OK(regrow_register(pids[3], "worker"));
    CHECK_OK(regrow_unregister_term(root, &names[3]));
    CHECK(!somebody_has("worker", &found));
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_unregister_term(root, &names[3]));
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_register_term(self, regrow_text("")));
    CHECK_ERROR(REGROW_ERR_NO_PROCESS, regrow_register_term(somebody_dead(), regrow_int(7)));
    for (size_t at = 0; at < COUNT; at++) {
        kill_and_wait(pids[at]);
        CHECK(!somebody_has_term(&names[at], &found));
        regrow_term_free(&names[at]);
    }
}

static void count_drop(void *drops)
{
    regrow_pid pid;
    /* Not under a lock of the names. */
    regrow_whereis(root, "worker", &pid);
    atomic_fetch_add((atomic_int *)drops, 1);
}

static void a_name_that_is_let_go_of_is_freed_once(void)
{
    atomic_int drops = 0;
    regrow_pid found, one = spawn(wait_for_the_end, NULL);
    regrow_term name = pair("r", regrow_resource(&drops, count_drop));
    CHECK_OK(regrow_register_term(one, regrow_term_clone(&name)));
    CHECK_OK(regrow_unregister_term(root, &name));
    CHECK_OK(regrow_register_term(one, regrow_term_clone(&name)));
    CHECK_ERROR(REGROW_ERR_EXISTS, regrow_register_term(self, regrow_term_clone(&name)));
    CHECK(somebody_has_term(&name, &found) && drops == 0);
    regrow_term_free(&name);
    CHECK(drops == 0);
    kill_and_wait(one);
    EVENTUALLY(drops == 1);
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_register_term(self, regrow_atom("\xff")));
}

static regrow_next answer_name(regrow_context *context, void *state, const regrow_term *request)
{
    return regrow_reply(context, regrow_atom("here"));
}

static void a_child_and_an_address_may_have_a_term_for_a_name(void)
{
    regrow_term name = pair("room", regrow_int(7)), registry_name = pair("registry", regrow_int(1)), key = regrow_int(3);
    regrow_server_spec server = { .size = sizeof server, .handle_call = answer_name };
    regrow_registry_spec registry_spec = { .size = sizeof registry_spec };
    regrow_child_spec how = child(REGROW_SERVER, &server), registry = child(REGROW_REGISTRY, &registry_spec);
    regrow_address address = { .size = sizeof address, .runtime = root, .name_term = &name };
    regrow_address in_registry = { .size = sizeof in_registry, .runtime = root, .registry_name_term = &registry_name,
                                   .key = &key };
    regrow_pid pid, found, registry_pid;
    regrow_term reply, info, label = regrow_atom("name");
    regrow_ref ref;
    regrow_request *pending;
    how.name_term = &name;
    CHECK_OK(regrow_start(root, &how, &pid));
    CHECK_ERROR(REGROW_ERR_EXISTS, regrow_start(root, &how, NULL));
    how.name = "and a text";
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_start(root, &how, NULL));
    address.name = "and a text";
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_whereis_at(&address, &found));
    address.name = NULL;
    CHECK_OK(regrow_whereis_at(&address, &found));
    CHECK(found.id == pid.id);
    CHECK_OK(regrow_call_at(&address, regrow_nil(), LONG_MS, &reply));
    CHECK_TERM("here", &reply);
    CHECK_OK(regrow_call_async_at(&address, regrow_nil(), LONG_MS, &pending));
    CHECK_OK(regrow_request_wait(pending, LONG_MS, &reply));
    CHECK_TERM("here", &reply);
    regrow_request_free(pending);
    CHECK_OK(regrow_cast_at(&address, regrow_nil()));
    CHECK_OK(regrow_send_at(&address, regrow_nil()));
    CHECK_OK(regrow_info(pid, &info));
    CHECK_TERM("{room,7}", regrow_map_get(&info, &label));
    regrow_term_free(&info);
    CHECK_OK(regrow_monitor_at(&address, &ref));
    CHECK_OK(regrow_stop_at(&address, regrow_atom("normal"), LONG_MS));
    CHECK_OK(regrow_receive(LONG_MS, &reply));
    CHECK_TERM("{room,7}", regrow_tuple_get(&reply, 3));
    regrow_term_free(&reply);
    CHECK(!somebody_has_term(&name, &found));
    /* A timer to it, and waiting for it. */
    CHECK_OK(regrow_send_after_at(&address, 1, regrow_atom("in_time"), NULL));
    CHECK_OK(regrow_register_term(self, regrow_term_clone(&name)));
    CHECK_MESSAGE("in_time");
    address.wait_ms = LONG_MS;
    CHECK_OK(regrow_whereis_at(&address, &found));
    CHECK_OK(regrow_unregister_term(root, &name));
    /* A registry that goes by a term. */
    registry.name_term = &registry_name;
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_whereis_at(&in_registry, &found));
    CHECK_OK(regrow_start(root, &registry, &registry_pid));
    how.name = NULL;
    how.name_term = NULL;
    how.via = &in_registry;
    CHECK_OK(regrow_start(root, &how, &pid));
    CHECK_OK(regrow_whereis_at(&in_registry, &found));
    CHECK(found.id == pid.id);
    in_registry.registry_name = "and a text";
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_whereis_at(&in_registry, &found));
    CHECK_OK(regrow_stop(pid, regrow_atom("normal"), LONG_MS));
    CHECK_OK(regrow_stop(registry_pid, regrow_atom("normal"), LONG_MS));
    regrow_term_free(&name);
    regrow_term_free(&registry_name);
}

static void *register_term_by_and_by(void *pid)
{
    struct timespec a_moment = { .tv_nsec = 3000000 }; /* as below */
    nanosleep(&a_moment, NULL);
    CHECK_OK(regrow_register_term(*(regrow_pid *)pid, pair("awaited", regrow_int(1))));
    return NULL;
}

static void whoever_waits_for_a_term_is_told_of_it(void)
{
    regrow_term name = pair("awaited", regrow_int(1));
    regrow_address address = { .size = sizeof address, .runtime = root, .name_term = &name, .wait_ms = LONG_MS };
    regrow_pid found, pid = spawn(wait_for_the_end, NULL);
    pthread_t thread;
    CHECK(!pthread_create(&thread, NULL, register_term_by_and_by, &pid));
    CHECK_OK(regrow_whereis_at(&address, &found));
    CHECK(found.id == pid.id);
    CHECK(!pthread_join(thread, NULL));
    kill_and_wait(pid);
    regrow_term_free(&name);
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
static void give_names_and_take_them(bool terms)
{
    enum { AT_ONCE = 50000 };
    regrow_host_spec spec = { .size = sizeof spec, .deliver = deliver_nothing };
    regrow_child_spec how = child(REGROW_HOST, &spec);
    regrow_pid *pids = calloc(AT_ONCE, sizeof *pids), found;
    /* Where the resident size says nothing, what is not freed is found after few. */
    size_t batches = rounds(KEEPS_FREED_MEMORY ? 4 : 20), first = 0, last = 0;
    for (size_t batch = 0; batch < batches; batch++) {
        for (size_t at = 0; at < AT_ONCE; at++) {
            char name[64];
            snprintf(name, sizeof name, "a name of forty characters or so, %zu-%zu", batch, at);
            regrow_term term = pair("a_name", regrow_text(name));
            how.name = terms ? NULL : name;
            how.name_term = terms ? &term : NULL;
            CHECK_OK(regrow_start(root, &how, &pids[at]));
            regrow_term_free(&term);
        }
        regrow_term one = pair("a_name", regrow_text("a name of forty characters or so, 0-0"));
        CHECK(somebody_has_term(&one, &found) == (terms && batch == 0));
        regrow_term_free(&one);
        CHECK(somebody_has("a name of forty characters or so, 0-0", &found) == (!terms && batch == 0));
        for (size_t at = 0; at < AT_ONCE; at++)
            CHECK_OK(regrow_exit(pids[at], regrow_atom("kill")));
        CHECK_OK(regrow_settle(root, LONG_MS, NULL));
        last = resident_kb();
        if (batch == 2)
            first = last;
    }
    free(pids);
    printf("  %zu names: %zu KiB resident after the third batch, %zu after the last\n", batches * AT_ONCE, first, last);
    /* A leak of the names alone would be 50 MB and more. What the allocator still keeps for other threads, which it does
     * the more the busier the machine is, goes back when nothing has run for a while. */
    if (batches > 3 && !KEEPS_FREED_MEMORY)
        EVENTUALLY(resident_kb() < first + 16 * 1024);
}

static void a_million_names_give_their_memory_back(void)
{
    give_names_and_take_them(false);
}

static void a_million_terms_give_their_memory_back(void)
{
    give_names_and_take_them(true);
}

int main(void)
{
    open_runtime((regrow_options){ .workers = 2 });
    RUN(a_name_leads_to_one_process_until_it_is_taken_away);
    RUN(a_name_is_unique_and_a_process_has_one);
    RUN(a_name_is_any_utf8_text);
    RUN(a_start_under_a_name_that_is_taken_leaves_the_first_alone);
    RUN(a_name_is_there_in_init_and_free_once_the_start_has_failed);
    RUN(a_name_may_be_any_term_compared_exactly);
    RUN(a_name_that_is_let_go_of_is_freed_once);
    RUN(a_child_and_an_address_may_have_a_term_for_a_name);
    RUN(whoever_waits_for_a_term_is_told_of_it);
    RUN(whoever_waits_for_a_name_is_told_of_it);
    RUN(a_million_names_give_their_memory_back);
    RUN(a_million_terms_give_their_memory_back);
    close_runtime();
    return 0;
}
