/* Where callbacks run: parked on workers, on threads of their own, without waiting; and that all get their turn. */
#include "support.h"
#include <errno.h>
#include <fenv.h>
#include <sys/syscall.h>
#include <unistd.h>

static pid_t thread_id(void)
{
    return (pid_t)syscall(SYS_gettid);
}

/* ---- a thread of its own ---- */

typedef struct homely {
    pid_t thread;
    gate gate;
} homely;

static regrow_next homely_init(regrow_context *context, void *user, const regrow_term *arg, void **state)
{
    homely *mine = user;
    mine->thread = thread_id();
    *state = mine;
    return REGROW_READY;
}

static regrow_next homely_call(regrow_context *context, void *state, const regrow_term *request)
{
    homely *mine = state;
    CHECK(mine->thread == thread_id()); /* always the same */
    if (regrow_is_atom(request, "block"))
        gate_pass(&mine->gate);
    if (regrow_is_atom(request, "sleep"))
        CHECK_OK(regrow_sleep(1));
    return regrow_reply(context, regrow_int(mine->thread));
}

static void a_thread_home_runs_every_callback_on_one_thread_and_may_block(void)
{
    homely mine = { 0 };
    gate_make(&mine.gate);
    regrow_server_spec spec = { .size = sizeof spec, .init = homely_init, .handle_call = homely_call, .user = &mine,
                                .home = REGROW_THREAD };
    regrow_pid server = start_server(&spec);
    regrow_request *pending;
    regrow_term reply;
    int64_t thread;
    const char *requests[] = { "hello", "sleep", "hello" };
    for (int at = 0; at < 3; at++) {
        CHECK_OK(regrow_call(server, regrow_atom(requests[at]), LONG_MS, &reply));
        CHECK(regrow_as_int(&reply, &thread) && thread != thread_id());
    }
    CHECK_OK(regrow_call_async(server, regrow_atom("block"), LONG_MS, &pending));
    gate_reached(&mine.gate);
    struct timespec ticks = { .tv_nsec = 50000000 };
    nanosleep(&ticks, NULL);
    EVENTUALLY(stats().stuck == 0); /* no worker is in its way; one may have waited for a processor */
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_settle(root, 5, NULL)); /* it is at work */
    gate_open(&mine.gate);
    CHECK_OK(regrow_request_wait(pending, LONG_MS, NULL));
    regrow_request_free(pending);
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    CHECK_OK(regrow_stop(server, regrow_atom("normal"), LONG_MS));
}

static regrow_next talk_on_a_thread(regrow_context *context, void *user)
{
    regrow_term message;
    pid_t thread = thread_id();
    for (int at = 0; at < 3; at++) {
        CHECK_OK(regrow_receive(REGROW_INFINITY, &message));
        CHECK_OK(regrow_send(self, message));
        CHECK(thread == thread_id());
    }
    return regrow_stop_self(context, regrow_atom("talked"));
}

static void a_body_on_a_thread_receives_and_ends_as_any_other(void)
{
    regrow_process_spec spec = process(talk_on_a_thread, NULL);
    regrow_pid pid;
    regrow_ref monitor;
    spec.home = REGROW_THREAD;
    CHECK_OK(regrow_spawn_monitor(&spec, &pid, &monitor));
    const char *words[] = { "one", "two", "three" };
    for (int at = 0; at < 3; at++) {
        CHECK_OK(regrow_send(pid, regrow_atom(words[at])));
        CHECK_MESSAGE(words[at]);
    }
    CHECK_DOWN("talked", monitor);
}

static void a_hundred_threads_end_when_they_are_killed(void)
{
    enum { COUNT = 100 };
    regrow_pid pids[COUNT];
    regrow_ref monitors[COUNT];
    regrow_process_spec spec = process(wait_for_the_end, NULL);
    spec.home = REGROW_THREAD;
    for (int at = 0; at < COUNT; at++)
        CHECK_OK(regrow_spawn_monitor(&spec, &pids[at], &monitors[at]));
    for (int at = 0; at < COUNT; at++)
        CHECK_OK(regrow_exit(pids[at], regrow_atom("kill")));
    for (int at = 0; at < COUNT; at++)
        CHECK_DOWN("killed", monitors[at]);
    EVENTUALLY(stats().ghosts == 0);
}

/* ---- without waiting ---- */

static regrow_next never_wait(regrow_context *context, void *state, const regrow_term *message)
{
    regrow_pid other = *(regrow_pid *)state, me, pid;
    regrow_term received;
    regrow_request *pending;
    regrow_ref monitor;
    regrow_address nobody = { .size = sizeof nobody, .runtime = root, .name = "nobody", .wait_ms = 10 };
    regrow_server_spec server = { .size = sizeof server, .init = homely_init, .user = &(homely){ 0 } };
    regrow_child_spec how = child(REGROW_SERVER, &server);
    CHECK_OK(regrow_self(&me));
    CHECK_ERROR(REGROW_ERR_WOULD_BLOCK, regrow_call(other, regrow_nil(), LONG_MS, NULL));
    CHECK_ERROR(REGROW_ERR_WOULD_BLOCK, regrow_receive(10, &received));
    CHECK_ERROR(REGROW_ERR_WOULD_BLOCK, regrow_sleep(1));
    CHECK_ERROR(REGROW_ERR_WOULD_BLOCK, regrow_stop(other, regrow_atom("normal"), LONG_MS));
    CHECK_ERROR(REGROW_ERR_WOULD_BLOCK, regrow_whereis_at(&nobody, &pid));
    CHECK_ERROR(REGROW_ERR_WOULD_BLOCK, regrow_start(root, &how, NULL));
    /* What does not wait is allowed. */
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_receive(0, &received));
    CHECK_OK(regrow_monitor(other, &monitor));
    CHECK_OK(regrow_demonitor(monitor, REGROW_FLUSH, NULL));
    CHECK_OK(regrow_call_async(other, regrow_nil(), LONG_MS, &pending));
    regrow_error looked = regrow_request_wait(pending, 0, NULL);
    CHECK(looked == REGROW_ERR_TIMEOUT || looked == REGROW_ERR_EXITED);
    if (looked == REGROW_ERR_TIMEOUT) {
        looked = regrow_request_wait(pending, 10, NULL);
        CHECK(looked == REGROW_ERR_WOULD_BLOCK || looked == REGROW_ERR_EXITED);
    }
    regrow_request_free(pending);
    CHECK_OK(regrow_send(self, regrow_atom("never_waited")));
    return REGROW_NOREPLY;
}

static regrow_next never_wait_init(regrow_context *context, void *user, const regrow_term *arg, void **state)
{
    CHECK_ERROR(REGROW_ERR_WOULD_BLOCK, regrow_sleep(1));
    *state = user;
    return REGROW_READY;
}

static void a_process_that_may_not_park_is_told_so(void)
{
    regrow_server_spec quiet = { .size = sizeof quiet };
    regrow_pid other = start_server(&quiet);
    regrow_server_spec spec = { .size = sizeof spec, .init = never_wait_init, .handle_info = never_wait,
                                .user = &other, .flags = REGROW_NO_PARK };
    regrow_pid server = start_server(&spec);
    CHECK_OK(regrow_send(server, regrow_nil()));
    CHECK_MESSAGE("never_waited");
    kill_and_wait(server);
    kill_and_wait(other);
}

static void drop_tries_to_wait(void *state)
{
    regrow_term message;
    regrow_pid me;
    CHECK_ERROR(REGROW_ERR_WOULD_BLOCK, regrow_sleep(1));
    CHECK_ERROR(REGROW_ERR_CONTEXT, regrow_receive(10, &message)); /* it is nobody's callback */
    CHECK_ERROR(REGROW_ERR_CONTEXT, regrow_self(&me));
    CHECK_ERROR(REGROW_ERR_WOULD_BLOCK, regrow_call(root, regrow_nil(), 10, NULL));
    atomic_fetch_add((atomic_int *)state, 1);
}

static void a_drop_may_not_wait(void)
{
    atomic_int dropped = 0;
    regrow_server_spec spec = { .size = sizeof spec, .init = take_user, .drop = drop_tries_to_wait,
                                .user = &dropped };
    for (int way = 0; way < 3; way++) {
        regrow_pid server = start_server(&spec);
        if (way == 0)
            CHECK_OK(regrow_stop(server, regrow_atom("normal"), LONG_MS));
        else
            CHECK_OK(regrow_exit(server, regrow_atom(way == 1 ? "kill" : "boom")));
        EVENTUALLY(dropped == way + 1);
    }
}

static regrow_next stop_when_told(regrow_context *context, void *state, const regrow_term *message)
{
    return regrow_stop_self(context, regrow_atom("normal"));
}

static void stand_in_drop(void *state)
{
    gate_pass(state);
}

/* Its pid leads nowhere any more, and it is no worker that is at work: but it runs code of the program's. */
static void a_runtime_is_not_at_rest_while_a_thread_drops_the_state_of_its_process(void)
{
    gate gate;
    regrow_server_spec spec = { .size = sizeof spec, .home = REGROW_THREAD, .init = take_user, .user = &gate,
                                .handle_info = stop_when_told, .drop = stand_in_drop };
    gate_make(&gate);
    regrow_pid server = start_server(&spec);
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    CHECK_OK(regrow_send(server, regrow_nil()));
    gate_reached(&gate);
    CHECK(!regrow_is_alive(server));
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_settle(root, 0, NULL));
    gate_open(&gate);
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
}

/* ---- parked ---- */

static atomic_int unwound;

static regrow_next park_in_receive(regrow_context *context, void *user)
{
    regrow_term message;
    CHECK_ERROR(REGROW_ERR_KILLED, regrow_receive(REGROW_INFINITY, &message));
    atomic_fetch_add(&unwound, 1);
    return REGROW_DONE;
}

static regrow_next park_in_call(regrow_context *context, void *user)
{
    CHECK_ERROR(REGROW_ERR_KILLED, regrow_call(*(regrow_pid *)user, regrow_nil(), REGROW_INFINITY, NULL));
    atomic_fetch_add(&unwound, 1);
    return REGROW_DONE;
}

static regrow_next put_all_off(regrow_context *context, void *state, const regrow_term *request)
{
    regrow_caller caller;
    CHECK_OK(regrow_defer(context, &caller));
    return REGROW_NOREPLY;
}

static void park_and_kill(regrow_body_callback body, void *user, size_t count)
{
    regrow_pid *pids = calloc(count, sizeof *pids);
    regrow_ref *monitors = calloc(count, sizeof *monitors);
    uint64_t before = stats().processes;
    unwound = 0;
    for (size_t at = 0; at < count; at++)
        pids[at] = spawn_monitor(body, user, &monitors[at]);
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    CHECK(stats().processes == before + count);
    CHECK(stats().stacks >= count);
    for (size_t at = 0; at < count; at++)
        CHECK_OK(regrow_exit(pids[at], regrow_atom(at % 2 ? "kill" : "boom")));
    for (size_t at = 0; at < count; at++)
        CHECK_DOWN(at % 2 ? "killed" : "boom", monitors[at]);
    EVENTUALLY(unwound == (int)count && stats().ghosts == 0);
    CHECK(stats().processes == before);
    free(pids);
    free(monitors);
}

static void ten_thousand_parked_in_receive_die_at_once(void)
{
    park_and_kill(park_in_receive, NULL, 10000);
}

static void ten_thousand_parked_in_a_call_die_at_once(void)
{
    regrow_server_spec spec = { .size = sizeof spec, .handle_call = put_all_off };
    regrow_pid server = start_server(&spec);
    park_and_kill(park_in_call, &server, 10000);
    kill_and_wait(server);
}

static regrow_next call_and_note(regrow_context *context, void *user)
{
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_call(*(regrow_pid *)user, regrow_nil(), REGROW_INFINITY, NULL));
    CHECK_LAST_REASON("gone");
    atomic_fetch_add(&unwound, 1);
    return REGROW_DONE;
}

static void ten_thousand_calls_end_with_their_server(void)
{
    enum { COUNT = 10000 };
    regrow_server_spec spec = { .size = sizeof spec, .handle_call = put_all_off };
    regrow_pid server = start_server(&spec);
    unwound = 0;
    for (int at = 0; at < COUNT; at++)
        spawn(call_and_note, &server);
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    CHECK_OK(regrow_exit(server, regrow_atom("gone")));
    EVENTUALLY(unwound == COUNT);
}

static regrow_next count_and_recall(regrow_context *context, void *user)
{
    int64_t number = (int64_t)(size_t)user;
    char text[64];
    regrow_term message;
    regrow_pid found;
    for (int round = 0; round < 20; round++) {
        int local[32];
        for (int at = 0; at < 32; at++)
            local[at] = (int)number * 31 + at + round;
        errno = (int)number + 1;
        CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_whereis(root, number % 2 ? "nobody" : "no_one", &found));
        errno = (int)number + 1;
        fesetround(number % 2 ? FE_UPWARD : FE_TONEAREST);
        if (round % 2)
            CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_receive(1 + (uint32_t)number % 3, &message));
        else
            CHECK_OK(regrow_sleep(0));
        /* All of it is as it was left, whoever ran on that thread meanwhile. */
        CHECK(errno == (int)number + 1);
        CHECK(fegetround() == (number % 2 ? FE_UPWARD : FE_TONEAREST));
        CHECK(regrow_last_error(text, sizeof text) == (round % 2 ? REGROW_ERR_TIMEOUT : REGROW_ERR_NOT_FOUND));
        for (int at = 0; at < 32; at++)
            CHECK(local[at] == (int)number * 31 + at + round);
    }
    fesetround(FE_TONEAREST);
    return REGROW_DONE;
}

static void errno_rounding_last_error_and_locals_survive_a_park(void)
{
    enum { COUNT = 64 };
    regrow_ref monitors[COUNT];
    for (size_t at = 0; at < COUNT; at++)
        spawn_monitor(count_and_recall, (void *)at, &monitors[at]);
    for (size_t at = 0; at < COUNT; at++)
        CHECK_DOWN("normal", monitors[at]);
}

static regrow_next note_the_thread(regrow_context *context, void *user)
{
    pid_t thread = thread_id();
    for (int round = 0; round < 50; round++) {
        CHECK_OK(regrow_sleep(round % 3 ? 0 : 1));
        CHECK(thread == thread_id());
    }
    return REGROW_DONE;
}

static void a_callback_goes_on_on_the_thread_it_was_parked_on(void)
{
    enum { COUNT = 32 };
    regrow_ref monitors[COUNT];
    for (size_t at = 0; at < COUNT; at++)
        spawn_monitor(note_the_thread, NULL, &monitors[at]);
    for (size_t at = 0; at < COUNT; at++)
        CHECK_DOWN("normal", monitors[at]);
}

/* ---- what C++ keeps of exceptions: here words of our own in its place ---- */

static _Thread_local struct exception_words {
    void *caught;
    unsigned uncaught;
} exceptions;

static void *exception_globals(void)
{
    return &exceptions;
}

/* As in a handler: what is at the head must be ours before and after each wait. */
static regrow_next wait_in_a_handler(regrow_context *context, void *user)
{
    for (int round = 0; round < 20; round++) {
        CHECK(!exceptions.caught);
        exceptions.caught = &round;
        CHECK_OK(regrow_sleep(round % 2));
        CHECK(exceptions.caught == &round);
        exceptions.caught = NULL;
    }
    return REGROW_DONE;
}

static regrow_next wait_in_a_handler_within_a_call(regrow_context *context, void *state, const regrow_term *request)
{
    wait_in_a_handler(context, NULL);
    return regrow_reply(context, regrow_nil());
}

static regrow_next call_in_a_handler(regrow_context *context, void *user)
{
    regrow_pid *server = user;
    exceptions.caught = &server;
    CHECK_OK(regrow_call(*server, regrow_nil(), LONG_MS, NULL));
    CHECK(exceptions.caught == &server);
    exceptions.caught = NULL;
    return REGROW_DONE;
}

static void what_is_caught_stays_with_its_callback(void)
{
    enum { COUNT = 64 };
    regrow_ref monitors[COUNT];
    regrow_server_spec spec = {
        .size = sizeof spec, .handle_call = wait_in_a_handler_within_a_call, .flags = REGROW_INLINE };
    regrow_pid server = start_server(&spec);
    for (size_t at = 0; at < COUNT; at++)
        spawn_monitor(at % 2 ? wait_in_a_handler : call_in_a_handler, &server, &monitors[at]);
    for (size_t at = 0; at < COUNT; at++)
        CHECK_DOWN("normal", monitors[at]);
    CHECK_OK(regrow_stop(server, regrow_atom("normal"), LONG_MS));
}

static regrow_next wait_in_flight(regrow_context *context, void *user)
{
    char text[100];
    exceptions.uncaught = 1;
    regrow_error slept = regrow_sleep(1), called = regrow_call(*(regrow_pid *)user, regrow_nil(), LONG_MS, NULL);
    exceptions.uncaught = 0;
    CHECK(slept == REGROW_ERR_WOULD_BLOCK && called == REGROW_ERR_WOULD_BLOCK);
    CHECK(regrow_last_error(text, sizeof text) == REGROW_ERR_WOULD_BLOCK && strstr(text, "in flight"));
    CHECK_OK(regrow_sleep(1));
    return REGROW_DONE;
}

static void nobody_waits_while_an_exception_is_in_flight(void)
{
    regrow_server_spec spec = { .size = sizeof spec, .handle_call = put_all_off };
    regrow_pid server = start_server(&spec);
    regrow_ref monitor;
    spawn_monitor(wait_in_flight, &server, &monitor);
    CHECK_DOWN("normal", monitor);
    CHECK_OK(regrow_stop(server, regrow_atom("normal"), LONG_MS));
}

static void *other_globals(void)
{
    return NULL;
}

static void one_runtime_of_cxx_is_known(void)
{
    CHECK_OK(regrow_exception_globals(exception_globals));
    CHECK_OK(regrow_exception_globals(exception_globals));
    CHECK_ERROR(REGROW_ERR_EXISTS, regrow_exception_globals(other_globals));
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_exception_globals(NULL));
}

/* ---- turns ---- */

static atomic_bool flooding;

static regrow_next flood_oneself(regrow_context *context, void *state, const regrow_term *message)
{
    regrow_pid me;
    CHECK_OK(regrow_self(&me));
    if (flooding) {
        CHECK_OK(regrow_send(me, regrow_atom("more")));
        if (regrow_is_atom(message, "twice"))
            CHECK_OK(regrow_send(me, regrow_atom("more")));
    }
    return REGROW_NOREPLY;
}

static regrow_next flood_in_receive(regrow_context *context, void *user)
{
    regrow_pid me;
    regrow_term message;
    CHECK_OK(regrow_self(&me));
    do {
        CHECK_OK(regrow_send(me, regrow_atom("more")));
        CHECK_OK(regrow_receive(REGROW_INFINITY, &message));
        regrow_term_free(&message);
    } while (flooding);
    return REGROW_DONE;
}

static regrow_next ping_pong(regrow_context *context, void *user)
{
    regrow_term message;
    regrow_pid other;
    while (flooding && regrow_receive(REGROW_INFINITY, &message) == REGROW_OK) {
        regrow_pid me;
        CHECK_OK(regrow_self(&me));
        CHECK(regrow_as_pid(&message, &other));
        regrow_error error = regrow_send(other, regrow_from_pid(me));
        CHECK(error == REGROW_OK || (error == REGROW_ERR_KILLED && !flooding)); /* it is killed at the end */
    }
    return REGROW_DONE;
}

static regrow_next say_pong(regrow_context *context, void *state, const regrow_term *request)
{
    return regrow_reply(context, regrow_atom("pong"));
}

/* On one worker. True: on that one alone, without the relief that comes when a worker is stuck. */
static bool flood_one_worker(void)
{
    regrow_server_spec polite = { .size = sizeof polite, .handle_call = say_pong };
    regrow_server_spec flooder = { .size = sizeof flooder, .handle_info = flood_oneself };
    regrow_pid server = start_server(&polite), floods = start_server(&flooder);
    flooding = true;
    CHECK_OK(regrow_send(floods, regrow_atom("twice")));
    regrow_pid receives = spawn(flood_in_receive, NULL);
    regrow_pid one = spawn(ping_pong, NULL), two = spawn(ping_pong, NULL);
    CHECK_OK(regrow_send(one, regrow_from_pid(two)));
    for (int round = 0; round < 5; round++) {
        CHECK_OK(regrow_call(server, regrow_nil(), LONG_MS, NULL));
        regrow_ref monitor;
        spawn_monitor(end_at_once, NULL, &monitor);
        CHECK_DOWN("normal", monitor);
    }
    CHECK_OK(regrow_send_after(self, 10, regrow_atom("in_time"), NULL));
    CHECK_MESSAGE("in_time");
    flooding = false;
    CHECK_OK(regrow_stop(floods, regrow_atom("normal"), LONG_MS));
    EVENTUALLY(!regrow_is_alive(receives));
    kill_and_wait(one);
    kill_and_wait(two);
    kill_and_wait(server);
    return stats().relief_workers == 0;
}

static void who_floods_itself_starves_nobody(void)
{
    /* A machine at its limits makes any worker look stuck now and then, but not each time. */
    bool alone = flood_one_worker();
    for (int again = 0; !alone && again < 50; again++) {
        close_runtime();
        open_runtime((regrow_options){ .workers = 1 });
        alone = flood_one_worker();
    }
    CHECK(alone);
}

static atomic_bool both_are_there;

static regrow_next give_way_and_count(regrow_context *context, void *user)
{
    while (!both_are_there)
        CHECK_OK(regrow_sleep(0));
    for (int at = 0; at < 1000; at++) {
        ++*(int *)user;
        CHECK_OK(regrow_sleep(0));
    }
    return REGROW_DONE;
}

/* On one worker. True: on that one alone, as above. */
static bool take_turns(void)
{
    int first = 0, second = 0;
    regrow_ref one, two;
    both_are_there = false;
    spawn_monitor(give_way_and_count, &first, &one);
    spawn_monitor(give_way_and_count, &second, &two);
    both_are_there = true;
    CHECK_DOWN("normal", one);
    bool never_far_behind = second > 900, alone = stats().relief_workers == 0;
    CHECK_DOWN("normal", two);
    CHECK(first == 1000 && second == 1000);
    CHECK(never_far_behind || !alone);
    return alone;
}

static void sleep_0_gives_the_others_their_turn(void)
{
    for (int again = 0; !take_turns(); again++) {
        CHECK(again < 50);
        EVENTUALLY(stats().relief_workers == 0);
    }
}

int main(void)
{
    open_runtime((regrow_options){ .workers = 2 });
    RUN(a_thread_home_runs_every_callback_on_one_thread_and_may_block);
    RUN(a_body_on_a_thread_receives_and_ends_as_any_other);
    RUN(a_hundred_threads_end_when_they_are_killed);
    RUN(a_process_that_may_not_park_is_told_so);
    RUN(a_drop_may_not_wait);
    RUN(a_runtime_is_not_at_rest_while_a_thread_drops_the_state_of_its_process);
    RUN(ten_thousand_parked_in_receive_die_at_once);
    RUN(ten_thousand_parked_in_a_call_die_at_once);
    RUN(ten_thousand_calls_end_with_their_server);
    RUN(errno_rounding_last_error_and_locals_survive_a_park);
    RUN(one_runtime_of_cxx_is_known);
    RUN(what_is_caught_stays_with_its_callback);
    RUN(nobody_waits_while_an_exception_is_in_flight);
    RUN(a_callback_goes_on_on_the_thread_it_was_parked_on);
    close_runtime();

    open_runtime((regrow_options){ .workers = 1 });
    RUN(who_floods_itself_starves_nobody);
    RUN(sleep_0_gives_the_others_their_turn);
    close_runtime();
    return 0;
}
