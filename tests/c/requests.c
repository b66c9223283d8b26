/* Calls: asked, answered, put off, given up, collected later (FEATURES G3, G4, D7). */
#include "support.h"
#include <poll.h>
#include <unistd.h>

/* ---- a server that does what it is told ---- */

static regrow_caller put_off; /* the last call that was deferred */
static gate door;

static regrow_next obey(regrow_context *context, void *state, const regrow_term *request)
{
    if (regrow_is_atom(request, "crash"))
        return regrow_stop_self(context, regrow_atom("boom"));
    if (regrow_is_atom(request, "stop"))
        return regrow_stop_self(context, regrow_atom("normal"));
    if (regrow_is_atom(request, "forget"))
        return 0;
    if (regrow_is_atom(request, "noreply"))
        return REGROW_NOREPLY;
    if (regrow_is_atom(request, "defer")) {
        CHECK_OK(regrow_defer(context, &put_off));
        CHECK_ERROR(REGROW_ERR_CONTEXT, regrow_defer(context, &put_off)); /* only once */
        return REGROW_NOREPLY;
    }
    if (regrow_is_atom(request, "defer_and_crash")) {
        CHECK_OK(regrow_defer(context, &put_off));
        return regrow_stop_self(context, regrow_atom("boom"));
    }
    if (regrow_is_atom(request, "defer_and_reply")) {
        CHECK_OK(regrow_defer(context, &put_off));
        return regrow_reply(context, regrow_atom("too_late"));
    }
    if (regrow_is_atom(request, "reply_stop"))
        return regrow_reply_stop(context, regrow_atom("bye"), regrow_atom("over"));
    if (regrow_is_atom(request, "gate"))
        gate_pass(&door);
    return regrow_reply(context, regrow_term_clone(request));
}

static regrow_next obey_cast(regrow_context *context, void *state, const regrow_term *message)
{
    regrow_caller nobody;
    CHECK_ERROR(REGROW_ERR_CONTEXT, regrow_defer(context, &nobody));
    return regrow_is_atom(message, "crash") ? regrow_stop_self(context, regrow_atom("boom")) : REGROW_NOREPLY;
}

static regrow_server_spec obedient(void)
{
    return (regrow_server_spec){ .size = sizeof(regrow_server_spec), .handle_call = obey, .handle_cast = obey_cast };
}

static regrow_pid a_server(void)
{
    regrow_server_spec spec = obedient();
    return start_server(&spec);
}

/* Closes the door behind the server: it stands in a callback until gate_open(&door). */
static void busy(regrow_pid server, regrow_request **pending)
{
    gate_make(&door);
    CHECK_OK(regrow_call_async(server, regrow_atom("gate"), REGROW_INFINITY, pending));
    gate_reached(&door);
}

static regrow_request *ask(regrow_pid server, regrow_term request, uint32_t timeout_ms)
{
    regrow_request *pending;
    CHECK_OK(regrow_call_async(server, request, timeout_ms, &pending));
    return pending;
}

static void check_answer(const char *file, int line, regrow_request *pending, const char *expected)
{
    regrow_term answer;
    CHECK_OK(regrow_request_wait(pending, LONG_MS, &answer));
    check_term(file, line, &answer, expected);
    regrow_term_free(&answer);
    regrow_request_free(pending);
}

static void check_failure(const char *file, int line, regrow_request *pending, regrow_error error, const char *reason)
{
    CHECK_ERROR(error, regrow_request_wait(pending, LONG_MS, NULL));
    check_last_reason(file, line, reason);
    regrow_request_free(pending);
}

#define CHECK_ANSWER(expected, pending) check_answer(__FILE__, __LINE__, pending, expected)
#define CHECK_FAILURE(error, reason, pending) check_failure(__FILE__, __LINE__, pending, error, reason)

/* ---- how calls end: each at once, and with the right reason ---- */

static void check_call(const char *file, int line, regrow_pid server, const char *request, regrow_error error,
                       const char *shown)
{
    regrow_term reply;
    uint64_t begin = real_ms();
    regrow_error found = regrow_call(server, regrow_atom(request), REGROW_INFINITY, &reply);
    CHECK(real_ms() - begin < LONG_MS / 2);
    CHECK_ERROR(error, found);
    if (error) {
        check_last_reason(file, line, shown);
    } else {
        check_term(file, line, &reply, shown);
        regrow_term_free(&reply);
    }
}

#define CHECK_CALL(error, shown, server, request) check_call(__FILE__, __LINE__, server, request, error, shown)

static void a_call_is_answered(void)
{
    regrow_pid server = a_server();
    CHECK_CALL(REGROW_OK, "hello", server, "hello");
    CHECK_OK(regrow_call(server, regrow_atom("hello"), LONG_MS, NULL));
    kill_and_wait(server);
}

static void a_call_of_one_that_ends_in_it_gets_its_reason(void)
{
    CHECK_CALL(REGROW_ERR_EXITED, "boom", a_server(), "crash");
    CHECK_CALL(REGROW_ERR_EXITED, "normal", a_server(), "stop");
    CHECK_CALL(REGROW_ERR_EXITED, "bad_return_value", a_server(), "forget");
    CHECK_CALL(REGROW_ERR_EXITED, "boom", a_server(), "defer_and_crash");
}

static void a_call_of_nobody_is_noproc_and_of_oneself_calling_self(void)
{
    atomic_int dropped = 0;
    CHECK_CALL(REGROW_ERR_NO_PROCESS, "noproc", somebody_dead(), "hello");
    CHECK_CALL(REGROW_ERR_SELF_CALL, "calling_self", self, "hello");
    CHECK_ERROR(REGROW_ERR_NO_PROCESS, regrow_call(somebody_dead(), regrow_resource(&dropped, count_up), 5, NULL));
    CHECK_ERROR(REGROW_ERR_SELF_CALL, regrow_call(self, regrow_resource(&dropped, count_up), 5, NULL));
    CHECK(dropped == 2);
}

static void a_call_that_is_neither_answered_nor_put_off_ends_and_the_server_lives(void)
{
    regrow_pid server = a_server();
    CHECK_CALL(REGROW_ERR_EXITED, "no_reply", server, "noreply");
    CHECK_CALL(REGROW_OK, "hello", server, "hello");
    kill_and_wait(server);
    regrow_server_spec deaf = { .size = sizeof deaf };
    server = start_server(&deaf);
    CHECK_CALL(REGROW_ERR_EXITED, "no_reply", server, "hello");
    kill_and_wait(server);
}

static void calls_in_the_queue_of_one_that_ends_get_its_reason(void)
{
    static const struct {
        const char *how;
        const char *reason;
    } ends[] = { { "kill", "killed" }, { "boom", "boom" } };
    for (int at = 0; at < 2; at++) {
        regrow_pid server = a_server();
        regrow_request *first, *second, *third;
        busy(server, &first);
        second = ask(server, regrow_int(2), REGROW_INFINITY);
        third = ask(server, regrow_int(3), REGROW_INFINITY);
        CHECK_OK(regrow_exit(server, regrow_atom(ends[at].how)));
        if (at)
            gate_open(&door); /* not so urgent a signal waits for the callback; what that gives back does not count */
        CHECK_FAILURE(REGROW_ERR_EXITED, ends[at].reason, first);
        CHECK_FAILURE(REGROW_ERR_EXITED, ends[at].reason, second);
        CHECK_FAILURE(REGROW_ERR_EXITED, ends[at].reason, third);
        if (!at)
            gate_open(&door);
        EVENTUALLY(stats().ghosts == 0);
    }
}

static void calls_behind_one_that_crashes_or_stops_the_server_get_its_reason(void)
{
    regrow_pid server = a_server();
    regrow_request *first, *second, *third;
    busy(server, &first);
    second = ask(server, regrow_atom("crash"), REGROW_INFINITY);
    third = ask(server, regrow_int(3), REGROW_INFINITY);
    gate_open(&door);
    CHECK_ANSWER("gate", first);
    CHECK_FAILURE(REGROW_ERR_EXITED, "boom", second);
    CHECK_FAILURE(REGROW_ERR_EXITED, "boom", third);

    server = a_server();
    busy(server, &first);
    second = ask(server, regrow_atom("reply_stop"), REGROW_INFINITY);
    third = ask(server, regrow_int(3), REGROW_INFINITY);
    gate_open(&door);
    CHECK_ANSWER("gate", first);
    CHECK_ANSWER("bye", second);
    CHECK_FAILURE(REGROW_ERR_EXITED, "over", third);
}

/* ---- put off ---- */

static void *answer_from_a_thread(void *caller)
{
    CHECK_OK(regrow_answer(*(regrow_caller *)caller, regrow_atom("from_a_thread")));
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_answer(*(regrow_caller *)caller, regrow_atom("twice")));
    return NULL;
}

static void an_answer_may_be_given_later_by_any_thread_once(void)
{
    regrow_pid server = a_server();
    regrow_request *pending = ask(server, regrow_atom("defer"), REGROW_INFINITY);
    pthread_t thread;
    CHECK_CALL(REGROW_OK, "hello", server, "hello"); /* meanwhile it goes on */
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_request_wait(pending, 0, NULL));
    CHECK(!pthread_create(&thread, NULL, answer_from_a_thread, &put_off));
    CHECK(!pthread_join(thread, NULL));
    CHECK_ANSWER("from_a_thread", pending);
    kill_and_wait(server);
}

static void a_call_that_was_put_off_ends_with_its_server(void)
{
    atomic_int dropped = 0;
    regrow_pid server = a_server();
    regrow_request *pending = ask(server, regrow_atom("defer"), REGROW_INFINITY);
    CHECK_OK(regrow_call(server, regrow_atom("hello"), LONG_MS, NULL));
    CHECK_OK(regrow_cast(server, regrow_atom("crash")));
    CHECK_FAILURE(REGROW_ERR_EXITED, "boom", pending);
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_answer(put_off, regrow_resource(&dropped, count_up)));
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_answer((regrow_caller){ 0, 0 }, regrow_resource(&dropped, count_up)));
    CHECK(dropped == 2);
}

static void a_reply_to_a_call_that_was_put_off_is_dropped(void)
{
    regrow_pid server = a_server();
    regrow_request *pending = ask(server, regrow_atom("defer_and_reply"), REGROW_INFINITY);
    CHECK_OK(regrow_call(server, regrow_atom("hello"), LONG_MS, NULL));
    CHECK_OK(regrow_answer(put_off, regrow_atom("in_time")));
    CHECK_ANSWER("in_time", pending);
    kill_and_wait(server);
}

/* ---- given up ---- */

static void a_late_answer_is_dropped_before_the_mailbox_and_the_server_goes_on(void)
{
    atomic_int dropped = 0;
    regrow_pid server = a_server();
    regrow_request *pending;
    busy(server, &pending);
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_call(server, regrow_resource(&dropped, count_up), 20, NULL));
    CHECK_LAST_REASON("timeout");
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_call(server, regrow_atom("hello"), 0, NULL));
    gate_open(&door);
    CHECK_ANSWER("gate", pending);
    CHECK_CALL(REGROW_OK, "hello", server, "hello"); /* so that the late ones were answered before */
    CHECK(dropped == 1);
    CHECK_NO_MESSAGE();
    kill_and_wait(server);
}

static void a_late_answer_to_a_call_that_was_put_off_is_dropped_too(void)
{
    atomic_int dropped = 0;
    regrow_pid server = a_server();
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_call(server, regrow_atom("defer"), 20, NULL));
    CHECK_OK(regrow_settle(root, LONG_MS, NULL)); /* it was put off, perhaps only after that time */
    regrow_error error = regrow_answer(put_off, regrow_resource(&dropped, count_up));
    CHECK(error == REGROW_OK || error == REGROW_ERR_NOT_FOUND);
    CHECK(dropped == 1);
    CHECK_NO_MESSAGE();
    kill_and_wait(server);
}

static void a_request_given_up_leaves_nothing(void)
{
    atomic_int dropped = 0;
    regrow_pid server = a_server();
    regrow_request *first;
    busy(server, &first);
    regrow_request_free(ask(server, regrow_resource(&dropped, count_up), 1000000));
    regrow_request_free(ask(server, regrow_resource(&dropped, count_up), REGROW_INFINITY));
    regrow_request_free(NULL);
    gate_open(&door);
    CHECK_ANSWER("gate", first);
    CHECK_CALL(REGROW_OK, "hello", server, "hello");
    CHECK(dropped == 2);
    regrow_settled settled = { .size = sizeof settled };
    CHECK_OK(regrow_settle(root, LONG_MS, &settled));
    CHECK(settled.state == REGROW_QUIET);
    kill_and_wait(server);
}

/* ---- collected later ---- */

static void requests_are_collected_in_any_order_each_with_its_own_limit(void)
{
    enum { COUNT = 100 };
    regrow_pid server = a_server();
    regrow_request *pending[COUNT], *first, *limited;
    busy(server, &first);
    limited = ask(server, regrow_atom("limited"), 1);
    for (int at = 0; at < COUNT; at++)
        pending[at] = ask(server, regrow_int(at), REGROW_INFINITY);
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_request_wait(pending[7], 1, NULL)); /* of this wait: still under way */
    CHECK_FAILURE(REGROW_ERR_TIMEOUT, "timeout", limited);                    /* of its own: over */
    gate_open(&door);
    for (int at = COUNT - 1; at >= 0; at--) {
        char expected[8];
        snprintf(expected, sizeof expected, "%d", at);
        CHECK_ANSWER(expected, pending[at]);
    }
    CHECK_ANSWER("gate", first);
    kill_and_wait(server);
}

static void a_request_of_nobody_fails(void)
{
    regrow_request *pending = (regrow_request *)&door;
    CHECK_ERROR(REGROW_ERR_NO_PROCESS, regrow_call_async(somebody_dead(), regrow_nil(), 5, &pending));
    CHECK(pending == (regrow_request *)&door);
    CHECK_ERROR(REGROW_ERR_NO_PROCESS, regrow_stop_async(somebody_dead(), regrow_nil(), 5, &pending));
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_request_wait(NULL, 0, NULL));
}

static void *collect(void *pending)
{
    CHECK_ANSWER("gate", pending);
    return NULL;
}

static void another_thread_may_collect(void)
{
    regrow_pid server = a_server();
    regrow_request *pending;
    pthread_t thread;
    busy(server, &pending);
    CHECK(!pthread_create(&thread, NULL, collect, pending));
    gate_open(&door);
    CHECK(!pthread_join(thread, NULL));
    kill_and_wait(server);
}

static regrow_next ask_and_collect(regrow_context *context, void *user)
{
    regrow_request *one = ask(*(regrow_pid *)user, regrow_int(1), LONG_MS);
    regrow_request *two = ask(*(regrow_pid *)user, regrow_int(2), LONG_MS);
    CHECK_ANSWER("2", two);
    CHECK_ANSWER("1", one);
    return REGROW_DONE;
}

static void a_process_may_collect(void)
{
    regrow_pid server = a_server();
    regrow_request *first;
    regrow_ref monitor;
    busy(server, &first);
    spawn_monitor(ask_and_collect, &server, &monitor);
    CHECK_OK(regrow_settle(root, 20, NULL) == REGROW_ERR_TIMEOUT ? REGROW_OK : REGROW_ERR_INTERNAL);
    gate_open(&door);
    CHECK_ANSWER("gate", first);
    CHECK_DOWN("normal", monitor);
    kill_and_wait(server);
}

/* ---- handed to a function ---- */

typedef struct outcome {
    atomic_int called;
    atomic_int dropped;
    regrow_error error;
    char shown[80];
    regrow_error waited; /* what a waiting call in the function gave */
} outcome;

static void note(void *user, regrow_error error, const regrow_term *result)
{
    outcome *mine = user;
    mine->error = error;
    regrow_term_print(result, mine->shown, sizeof mine->shown);
    mine->waited = regrow_sleep(1);
    CHECK(mine->dropped == 0);
    atomic_fetch_add(&mine->called, 1);
}

static void note_drop(void *user)
{
    atomic_fetch_add(&((outcome *)user)->dropped, 1);
}

static void a_function_gets_the_outcome_once(void)
{
    regrow_pid server = a_server();
    regrow_request *first;
    outcome later = { 0 }, at_once = { 0 }, failed = { 0 }, late = { 0 };
    busy(server, &first);
    CHECK_OK(regrow_on_reply(ask(server, regrow_atom("later"), 1000000), note, &later, note_drop));
    CHECK_OK(regrow_on_reply(ask(server, regrow_atom("crash"), LONG_MS), note, &failed, note_drop));
    CHECK_OK(regrow_on_reply(ask(server, regrow_atom("late"), 1), note, &late, note_drop));
    EVENTUALLY(late.dropped == 1); /* its own limit, though the server stands still */
    CHECK(late.called == 1 && late.error == REGROW_ERR_TIMEOUT && !strcmp(late.shown, "timeout"));
    CHECK(later.called == 0);
    gate_open(&door);
    EVENTUALLY(later.dropped == 1 && failed.dropped == 1);
    CHECK(later.called == 1 && later.error == REGROW_OK && !strcmp(later.shown, "later"));
    CHECK(later.waited == REGROW_ERR_WOULD_BLOCK);
    CHECK(failed.called == 1 && failed.error == REGROW_ERR_EXITED && !strcmp(failed.shown, "boom"));
    CHECK_OK(regrow_on_reply(first, note, &at_once, note_drop)); /* it is there already */
    EVENTUALLY(at_once.dropped == 1);
    CHECK(at_once.called == 1 && !strcmp(at_once.shown, "gate"));
    /* The limit of a request that was answered is no timer any more. */
    regrow_settled settled = { .size = sizeof settled };
    CHECK_OK(regrow_settle(root, LONG_MS, &settled));
    CHECK(settled.state == REGROW_QUIET);
}

static void a_request_whose_time_has_run_out_says_so_to_all_who_ask(void)
{
    regrow_pid server = a_server();
    outcome told = { 0 };
    regrow_request *pending = ask(server, regrow_atom("defer"), 1);
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_request_wait(pending, LONG_MS, NULL));
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_request_wait(pending, 0, NULL));
    CHECK_OK(regrow_on_reply(pending, note, &told, note_drop));
    CHECK(told.called == 1 && told.dropped == 1 && told.error == REGROW_ERR_TIMEOUT);
    kill_and_wait(server);
}

static void on_reply_gives_everything_back_when_it_fails(void)
{
    outcome mine = { 0 };
    regrow_pid server = a_server();
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_on_reply(NULL, note, &mine, note_drop));
    CHECK(mine.dropped == 1);
    mine.dropped = 0;
    CHECK_ERROR(REGROW_ERR_ARGUMENT,
                regrow_on_reply(ask(server, regrow_atom("hello"), LONG_MS), NULL, &mine, note_drop));
    CHECK(mine.dropped == 1 && mine.called == 0);
    kill_and_wait(server);
}

static void many_outcomes_and_each_once(void)
{
    size_t count = rounds(20000);
    outcome *outcomes = calloc(count, sizeof *outcomes);
    regrow_pid server = a_server();
    for (size_t at = 0; at < count; at++)
        CHECK_OK(regrow_on_reply(ask(server, regrow_int((int64_t)at), LONG_MS), note, &outcomes[at], note_drop));
    for (size_t at = 0; at < count; at++) {
        char expected[24];
        snprintf(expected, sizeof expected, "%zu", at);
        EVENTUALLY(outcomes[at].dropped == 1);
        CHECK(outcomes[at].called == 1 && !strcmp(outcomes[at].shown, expected));
    }
    free(outcomes);
    kill_and_wait(server);
}

/* ---- functions that ask again, one within the other ---- */

static pthread_t asked_on;

static regrow_next note_the_thread(regrow_context *context, void *state, const regrow_term *request)
{
    asked_on = pthread_self();
    if (regrow_is_atom(request, "wait"))
        CHECK_ERROR(REGROW_ERR_WOULD_BLOCK, regrow_sleep(1));
    return obey(context, state, request);
}

static regrow_pid noting_server(uint32_t flags)
{
    regrow_server_spec spec = { .size = sizeof spec, .handle_call = note_the_thread, .flags = flags };
    return start_server(&spec);
}

/* So many that no stack would hold them all, were each called within the one before. */
enum { CHAIN = 300000 };

typedef struct chain {
    regrow_pid server;
    atomic_int left, dropped;
    int within, deepest; /* of one thread at a time */
} chain;

static void link_dropped(void *user)
{
    atomic_fetch_add(&((chain *)user)->dropped, 1);
}

static void ask_again(void *user, regrow_error error, const regrow_term *result)
{
    chain *mine = user;
    int64_t left;
    CHECK_OK(error);
    CHECK(regrow_as_int(result, &left) && left == mine->left);
    mine->deepest = ++mine->within > mine->deepest ? mine->within : mine->deepest;
    if (left) {
        mine->left--;
        CHECK_OK(regrow_on_reply(ask(mine->server, regrow_int(left - 1), LONG_MS), ask_again, mine, link_dropped));
    }
    mine->within--;
}

static regrow_next ask_again_and_again(regrow_context *context, void *user)
{
    chain *mine = user;
    CHECK_OK(regrow_on_reply(ask(mine->server, regrow_int(CHAIN), LONG_MS), ask_again, mine, link_dropped));
    return context ? regrow_stop_self(context, regrow_atom("normal")) : REGROW_NOREPLY;
}

static void check_chain(chain *mine)
{
    EVENTUALLY(mine->dropped == CHAIN + 1);
    CHECK(mine->left == 0 && mine->within == 0);
    CHECK(mine->deepest > 1 && mine->deepest <= 8);
}

static void functions_that_ask_again_are_not_each_within_the_other(void)
{
    regrow_pid server = noting_server(REGROW_INLINE | REGROW_NO_PARK);
    chain of_thread = { .server = server, .left = CHAIN }, of_process = { .server = server, .left = CHAIN };
    regrow_ref monitor;
    ask_again_and_again(NULL, &of_thread);
    check_chain(&of_thread);
    spawn_monitor(ask_again_and_again, &of_process, &monitor);
    CHECK_DOWN("normal", monitor);
    check_chain(&of_process);
    kill_and_wait(server);
}

typedef struct branches {
    regrow_pid server;
    int within, told;
} branches;

enum { DEEPEST = 8, BRANCHES = 5 };

static void note_branch(void *user, regrow_error error, const regrow_term *result)
{
    branches *mine = user;
    int64_t number;
    CHECK_OK(error);
    CHECK(regrow_as_int(result, &number) && number == mine->told++);
    CHECK(mine->within == 0);
}

static void branch_off_at_the_end(void *user, regrow_error error, const regrow_term *result)
{
    branches *mine = user;
    if (++mine->within < DEEPEST)
        CHECK_OK(regrow_on_reply(ask(mine->server, regrow_nil(), LONG_MS), branch_off_at_the_end, mine, NULL));
    else
        for (int at = 0; at < BRANCHES; at++)
            CHECK_OK(regrow_on_reply(ask(mine->server, regrow_int(at), LONG_MS), note_branch, mine, NULL));
    mine->within--;
}

static void what_would_be_too_deep_is_told_in_its_order_when_the_others_have_returned(void)
{
    branches mine = { .server = noting_server(REGROW_INLINE | REGROW_NO_PARK) };
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    CHECK_OK(regrow_on_reply(ask(mine.server, regrow_nil(), LONG_MS), branch_off_at_the_end, &mine, NULL));
    CHECK(mine.told == BRANCHES); /* by this thread */
    kill_and_wait(mine.server);
}

/* Calls that were put off: the function of each answers the next. */
static regrow_caller *all_put_off;
static atomic_size_t put_off_many;

static regrow_next put_off_all(regrow_context *context, void *state, const regrow_term *request)
{
    CHECK_OK(regrow_defer(context, &all_put_off[put_off_many++]));
    return REGROW_NOREPLY;
}

static void answer_the_next(void *user, regrow_error error, const regrow_term *result)
{
    atomic_int *answered = user;
    CHECK_OK(error);
    if (++*answered < CHAIN)
        CHECK_OK(regrow_answer(all_put_off[*answered], regrow_int(*answered)));
}

static void functions_that_answer_others_are_not_each_within_the_other(void)
{
    regrow_server_spec spec = {
        .size = sizeof spec, .handle_call = put_off_all, .flags = REGROW_INLINE | REGROW_NO_PARK };
    regrow_pid server = start_server(&spec);
    atomic_int answered = 0;
    all_put_off = calloc(CHAIN, sizeof *all_put_off);
    for (int at = 0; at < CHAIN; at++)
        CHECK_OK(regrow_on_reply(ask(server, regrow_int(at), REGROW_INFINITY), answer_the_next, &answered, NULL));
    EVENTUALLY(put_off_many == CHAIN);
    CHECK_OK(regrow_answer(all_put_off[0], regrow_int(0)));
    EVENTUALLY(answered == CHAIN);
    free(all_put_off);
    kill_and_wait(server);
}

/* ---- the eventfd of a thread ---- */

static bool is_readable(int fd, int timeout_ms)
{
    struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
    return poll(&poll_fd, 1, timeout_ms) == 1;
}

static void drain(int fd)
{
    uint64_t count;
    while (read(fd, &count, sizeof count) == sizeof count) {
    }
}

static void the_fd_of_a_thread_tells_of_messages_and_answers(void)
{
    int32_t fd = -1, again = -1;
    CHECK_OK(regrow_thread_fd(&fd));
    CHECK_OK(regrow_thread_fd(&again));
    CHECK(fd >= 0 && again == fd);
    drain(fd);
    CHECK(!is_readable(fd, 0));

    regrow_pid server = a_server();
    spawn(end_at_once, NULL);
    CHECK(!is_readable(fd, 0));
    CHECK_OK(regrow_send_after(self, 1, regrow_atom("hello"), NULL));
    CHECK(is_readable(fd, LONG_MS));
    drain(fd);
    CHECK_HERE("hello");
    CHECK(!is_readable(fd, 0));

    regrow_request *pending = ask(server, regrow_atom("answer"), LONG_MS);
    CHECK(is_readable(fd, LONG_MS));
    drain(fd);
    CHECK_ERROR(REGROW_OK, regrow_request_wait(pending, 0, NULL));
    regrow_request_free(pending);

    regrow_ref monitor = monitored(server);
    CHECK_OK(regrow_stop_async(server, regrow_atom("normal"), LONG_MS, &pending));
    CHECK(is_readable(fd, LONG_MS));
    CHECK_DOWN("normal", monitor);
    CHECK_OK(regrow_request_wait(pending, LONG_MS, NULL));
    regrow_request_free(pending);
    drain(fd);

    CHECK_OK(regrow_settle_async(root, &pending));
    CHECK(is_readable(fd, LONG_MS));
    /* It may still be the stop above that is told of: its answer is there before the fd says so. */
    CHECK_OK(regrow_request_wait(pending, LONG_MS, NULL));
    regrow_request_free(pending);
    drain(fd);
}

static void *ask_for_an_fd(void *nothing)
{
    int32_t fd = 77;
    CHECK_ERROR(REGROW_ERR_CONTEXT, regrow_thread_fd(&fd));
    CHECK(fd == 77);
    regrow_pid me;
    CHECK_OK(regrow_enter(root, &me));
    CHECK_OK(regrow_send(me, regrow_atom("before"))); /* what came before it was asked for is not missed */
    CHECK_OK(regrow_thread_fd(&fd));
    CHECK(is_readable(fd, 0));
    CHECK_HERE("before");
    CHECK_OK(regrow_leave());
    return NULL;
}

static void only_a_thread_that_entered_has_an_fd(void)
{
    pthread_t thread;
    CHECK(!pthread_create(&thread, NULL, ask_for_an_fd, NULL));
    CHECK(!pthread_join(thread, NULL));
}

/* ---- collected later, and answered at once ---- */

static void only_who_never_waits_answers_a_request_where_it_is_made(void)
{
    static const uint32_t flags[] = { 0, REGROW_INLINE, REGROW_NO_PARK, REGROW_INLINE | REGROW_NO_PARK };
    for (size_t at = 0; at < 4; at++) {
        regrow_pid server = noting_server(flags[at]);
        bool at_once = flags[at] == (REGROW_INLINE | REGROW_NO_PARK);
        regrow_request *pending = ask(server, regrow_atom("hello"), LONG_MS);
        regrow_term answer;
        CHECK_OK(regrow_request_wait(pending, at_once ? 0 : LONG_MS, &answer));
        CHECK(regrow_is_atom(&answer, "hello"));
        regrow_term_free(&answer);
        CHECK(!!pthread_equal(asked_on, pthread_self()) == at_once);
        regrow_request_free(pending);
        kill_and_wait(server);
    }
}

static void *pass_the_door(void *server)
{
    CHECK_OK(regrow_call(*(regrow_pid *)server, regrow_atom("gate"), REGROW_INFINITY, NULL));
    return NULL;
}

static void who_answers_at_once_does_what_any_server_does(void)
{
    regrow_pid server = noting_server(REGROW_INLINE | REGROW_NO_PARK);
    regrow_request *pending = ask(server, regrow_atom("wait"), LONG_MS);
    CHECK_OK(regrow_request_wait(pending, 0, NULL));
    regrow_request_free(pending);

    pending = ask(server, regrow_atom("defer"), LONG_MS);
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_request_wait(pending, 0, NULL));
    CHECK_OK(regrow_answer(put_off, regrow_atom("later")));
    CHECK_OK(regrow_request_wait(pending, 0, NULL));
    regrow_request_free(pending);

    /* The limit of one that is put off is kept. */
    pending = ask(server, regrow_atom("defer"), 1);
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_request_wait(pending, LONG_MS, NULL));
    regrow_request_free(pending);

    pending = ask(server, regrow_atom("noreply"), LONG_MS);
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_request_wait(pending, 0, NULL));
    regrow_request_free(pending);

    /* While it stands in a callback on another thread, it is asked by a message. */
    pthread_t other;
    gate_make(&door);
    CHECK(!pthread_create(&other, NULL, pass_the_door, &server));
    gate_reached(&door);
    pending = ask(server, regrow_atom("behind"), LONG_MS);
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_request_wait(pending, 0, NULL));
    gate_open(&door);
    CHECK_ANSWER("behind", pending);
    CHECK(!pthread_join(other, NULL));

    /* The answer may be here before the server is at rest again. */
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    pending = ask(server, regrow_atom("crash"), LONG_MS);
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_request_wait(pending, 0, NULL));
    CHECK(!regrow_is_alive(server));
    regrow_request_free(pending);
}

/* ---- all at once: every call returns ---- */

static atomic_int running;
static _Atomic uint64_t target;

static void *call_whoever_is_there(void *nothing)
{
    for (size_t round = rounds(10000); round; round--) {
        regrow_pid server = { atomic_load(&target) };
        regrow_error error = regrow_call(server, regrow_int(1), REGROW_INFINITY, NULL);
        CHECK(error == REGROW_OK || error == REGROW_ERR_EXITED || error == REGROW_ERR_NO_PROCESS);
    }
    atomic_fetch_sub(&running, 1);
    return NULL;
}

static void every_call_returns_however_often_the_server_is_killed(void)
{
    enum { THREADS = 8 };
    pthread_t threads[THREADS];
    size_t kills = 0;
    atomic_store(&target, a_server().id);
    atomic_store(&running, THREADS);
    for (int at = 0; at < THREADS; at++)
        CHECK(!pthread_create(&threads[at], NULL, call_whoever_is_there, NULL));
    while (atomic_load(&running)) {
        regrow_pid old = { atomic_exchange(&target, a_server().id) };
        CHECK_OK(regrow_exit(old, regrow_atom(kills++ % 2 ? "kill" : "boom")));
    }
    for (int at = 0; at < THREADS; at++)
        CHECK(!pthread_join(threads[at], NULL));
    kill_and_wait((regrow_pid){ atomic_load(&target) });
    EVENTUALLY(stats().ghosts == 0);
    printf("  %zu kills\n", kills);
}

int main(void)
{
    open_runtime((regrow_options){ .workers = 3 });
    RUN(a_call_is_answered);
    RUN(a_call_of_one_that_ends_in_it_gets_its_reason);
    RUN(a_call_of_nobody_is_noproc_and_of_oneself_calling_self);
    RUN(a_call_that_is_neither_answered_nor_put_off_ends_and_the_server_lives);
    RUN(calls_in_the_queue_of_one_that_ends_get_its_reason);
    RUN(calls_behind_one_that_crashes_or_stops_the_server_get_its_reason);
    RUN(an_answer_may_be_given_later_by_any_thread_once);
    RUN(a_call_that_was_put_off_ends_with_its_server);
    RUN(a_reply_to_a_call_that_was_put_off_is_dropped);
    RUN(a_late_answer_is_dropped_before_the_mailbox_and_the_server_goes_on);
    RUN(a_late_answer_to_a_call_that_was_put_off_is_dropped_too);
    RUN(a_request_given_up_leaves_nothing);
    RUN(requests_are_collected_in_any_order_each_with_its_own_limit);
    RUN(a_request_of_nobody_fails);
    RUN(another_thread_may_collect);
    RUN(a_process_may_collect);
    RUN(a_function_gets_the_outcome_once);
    RUN(a_request_whose_time_has_run_out_says_so_to_all_who_ask);
    RUN(on_reply_gives_everything_back_when_it_fails);
    RUN(many_outcomes_and_each_once);
    RUN(functions_that_ask_again_are_not_each_within_the_other);
    RUN(what_would_be_too_deep_is_told_in_its_order_when_the_others_have_returned);
    RUN(functions_that_answer_others_are_not_each_within_the_other);
    RUN(the_fd_of_a_thread_tells_of_messages_and_answers);
    RUN(only_a_thread_that_entered_has_an_fd);
    RUN(only_who_never_waits_answers_a_request_where_it_is_made);
    RUN(who_answers_at_once_does_what_any_server_does);
    RUN(every_call_returns_however_often_the_server_is_killed);
    close_runtime();
    return 0;
}
