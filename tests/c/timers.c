/* Timers, on a clock that is moved by hand and on the real one (FEATURES T1 to T4, D10). */
#include "support.h"

static uint64_t now(void)
{
    uint64_t ms;
    CHECK_OK(regrow_now(root, &ms));
    return ms;
}

static regrow_settled settled(void)
{
    regrow_settled settled = { .size = sizeof settled };
    CHECK_OK(regrow_settle(root, LONG_MS, &settled));
    return settled;
}

static void advance(uint64_t ms)
{
    CHECK_OK(regrow_advance(root, ms));
}

/* ---- by hand ---- */

static void a_message_comes_when_its_time_has_come(void)
{
    CHECK_OK(regrow_send_after(self, 100, regrow_atom("ding"), NULL));
    advance(99);
    CHECK_NO_MESSAGE();
    advance(1);
    CHECK_HERE("ding");
    CHECK_OK(regrow_send_after(self, 0, regrow_atom("at_once"), NULL));
    CHECK(settled().state == REGROW_QUIET);
    CHECK_HERE("at_once");
}

static void timers_fire_in_their_order_however_far_the_clock_jumps(void)
{
    for (int number = 9; number >= 0; number--)
        CHECK_OK(regrow_send_after(self, 10u + 1000u * (uint32_t)number, regrow_int(number), NULL));
    /* Of one time: in the order they were started. */
    CHECK_OK(regrow_send_after(self, 20000, regrow_atom("a"), NULL));
    CHECK_OK(regrow_send_after(self, 20000, regrow_atom("b"), NULL));
    CHECK_OK(regrow_send_after(self, 20000, regrow_atom("c"), NULL));
    advance(1000000);
    for (int64_t number = 0, found; number < 10; number++) {
        regrow_term message;
        CHECK_OK(regrow_receive(0, &message));
        CHECK(regrow_as_int(&message, &found) && found == number);
    }
    CHECK_HERE("a");
    CHECK_HERE("b");
    CHECK_HERE("c");
}

static regrow_next set_the_next(regrow_context *context, void *state, const regrow_term *message)
{
    int64_t left;
    regrow_pid me;
    uint64_t ms;
    CHECK_OK(regrow_self(&me));
    CHECK(regrow_as_int(message, &left));
    CHECK_OK(regrow_now(me, &ms));
    CHECK_OK(regrow_send(self, regrow_int((int64_t)ms)));
    if (left)
        CHECK_OK(regrow_send_after(me, 10, regrow_int(left - 1), NULL));
    return REGROW_NOREPLY;
}

static void a_timer_set_by_a_timer_fires_in_the_same_advance_at_its_own_time(void)
{
    regrow_server_spec spec = { .size = sizeof spec, .handle_info = set_the_next };
    regrow_pid server = start_server(&spec);
    int64_t begin = (int64_t)now(), found;
    CHECK_OK(regrow_send(server, regrow_int(5)));
    advance(1000);
    for (int64_t at = 0; at <= 5; at++) {
        regrow_term message;
        CHECK_OK(regrow_receive(0, &message));
        CHECK(regrow_as_int(&message, &found) && found == begin + 10 * at);
    }
    CHECK(now() == (uint64_t)begin + 1000);
    kill_and_wait(server);
}

static void settle_tells_the_next_deadline_and_what_it_is_for(void)
{
    regrow_settled quiet = settled();
    CHECK(quiet.state == REGROW_QUIET && quiet.now_ms == now());
    regrow_ref timer;
    CHECK_OK(regrow_send_after(self, 70, regrow_nil(), &timer));
    regrow_settled waiting = settled();
    CHECK(waiting.state == REGROW_WAITING && waiting.kind == REGROW_TIMER_USER);
    CHECK(waiting.deadline_ms == waiting.now_ms + 70);
    CHECK_OK(regrow_cancel_timer(root, timer, 0, NULL));
    CHECK(settled().state == REGROW_QUIET);
}

static regrow_next sleep_then_tell(regrow_context *context, void *user)
{
    CHECK_OK(regrow_sleep(50));
    CHECK_OK(regrow_send(self, regrow_atom("awake")));
    regrow_term message;
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_receive(50, &message));
    CHECK_OK(regrow_send(self, regrow_atom("nothing_came")));
    return REGROW_DONE;
}

static void sleeps_and_time_limits_of_callbacks_are_on_the_same_clock(void)
{
    spawn(sleep_then_tell, NULL);
    regrow_settled waiting = settled();
    CHECK(waiting.state == REGROW_WAITING && waiting.kind == REGROW_TIMER_SLEEP);
    CHECK(waiting.deadline_ms == waiting.now_ms + 50);
    CHECK_NO_MESSAGE();
    advance(50);
    CHECK_HERE("awake");
    advance(49);
    CHECK_NO_MESSAGE();
    advance(1);
    CHECK_HERE("nothing_came");
}

static void the_messages_of_start_timer_name_it(void)
{
    regrow_ref timer, named;
    regrow_term message;
    CHECK_OK(regrow_start_timer(self, 10, regrow_atom("tea"), &timer));
    advance(10);
    CHECK_OK(regrow_receive(0, &message));
    size_t size;
    CHECK(regrow_tuple_size(&message, &size) && size == 3);
    CHECK_TERM("timeout", regrow_tuple_get(&message, 0));
    CHECK(regrow_as_ref(regrow_tuple_get(&message, 1), &named) && named.id == timer.id);
    CHECK_TERM("tea", regrow_tuple_get(&message, 2));
    regrow_term_free(&message);
}

static void cancel_and_read_tell_what_is_left(void)
{
    uint64_t left = 77;
    regrow_ref timer;
    CHECK_OK(regrow_send_after(self, 100, regrow_nil(), &timer));
    advance(30);
    CHECK_OK(regrow_read_timer(root, timer, &left));
    CHECK(left == 70);
    CHECK_OK(regrow_cancel_timer(root, timer, 0, &left));
    CHECK(left == 70);
    left = 77;
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_cancel_timer(root, timer, 0, &left));
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_read_timer(root, timer, &left));
    CHECK(left == 77);
    advance(1000);
    CHECK_NO_MESSAGE();
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_cancel_timer(root, (regrow_ref){ 0 }, 0, NULL));
}

static void a_timer_that_has_fired_cannot_be_cancelled_though_its_message_waits(void)
{
    regrow_ref timer;
    CHECK_OK(regrow_start_timer(self, 10, regrow_atom("tea"), &timer));
    advance(10);
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_cancel_timer(root, timer, 0, NULL));
    size_t count;
    CHECK_OK(regrow_flush(&count));
    CHECK(count == 1);
    /* With flush the message goes too, and only this one. */
    CHECK_OK(regrow_start_timer(self, 10, regrow_atom("tea"), &timer));
    CHECK_OK(regrow_send_after(self, 10, regrow_atom("other"), NULL));
    advance(10);
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_cancel_timer(root, timer, REGROW_FLUSH, NULL));
    CHECK_HERE("other");
}

static void an_interval_is_at_k_times_its_period_without_drift(void)
{
    regrow_ref timer;
    uint64_t left;
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_send_interval(self, 0, regrow_nil(), NULL));
    CHECK_OK(regrow_send_interval(self, 7, regrow_atom("tick"), &timer));
    for (int step = 0; step < 1000; step++) {
        advance(6);
        CHECK_NO_MESSAGE();
        CHECK_OK(regrow_read_timer(root, timer, &left));
        CHECK(left == 1);
        advance(1);
        CHECK_HERE("tick");
        CHECK_NO_MESSAGE();
    }
    /* After a standstill it catches up. */
    advance(7 * 100 + 3);
    size_t count;
    CHECK_OK(regrow_flush(&count));
    CHECK(count == 100);
    CHECK_OK(regrow_cancel_timer(root, timer, 0, &left));
    CHECK(left == 4);
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_cancel_timer(root, timer, 0, NULL));
    advance(100);
    CHECK_NO_MESSAGE();
}

static void timers_end_with_the_process_they_are_for(void)
{
    atomic_int dropped = 0;
    regrow_ref once, timed, interval;
    uint64_t left;
    regrow_pid pid = spawn(wait_for_the_end, NULL);
    CHECK_OK(regrow_send_after(pid, 100, regrow_resource(&dropped, count_up), &once));
    CHECK_OK(regrow_start_timer(pid, 100, regrow_resource(&dropped, count_up), &timed));
    CHECK_OK(regrow_send_interval(pid, 100, regrow_resource(&dropped, count_up), &interval));
    kill_and_wait(pid);
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_read_timer(root, once, &left));
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_read_timer(root, timed, &left));
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_read_timer(root, interval, &left));
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_cancel_timer(root, interval, 0, NULL));
    CHECK(settled().state == REGROW_QUIET);
    EVENTUALLY(dropped == 3);
}

static void a_timer_for_the_dead_is_one_that_has_fired(void)
{
    atomic_int dropped = 0;
    regrow_ref timers[3];
    regrow_pid dead = somebody_dead();
    CHECK_OK(regrow_send_after(dead, 100, regrow_resource(&dropped, count_up), &timers[0]));
    CHECK_OK(regrow_start_timer(dead, 100, regrow_resource(&dropped, count_up), &timers[1]));
    regrow_error error = regrow_send_interval(dead, 100, regrow_resource(&dropped, count_up), &timers[2]);
    for (int at = 0; at < (error ? 2 : 3); at++)
        CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_cancel_timer(root, timers[at], 0, NULL));
    CHECK(dropped == 3);
    CHECK(settled().state == REGROW_QUIET);
}

static void the_clock_moves_only_by_hand(void)
{
    uint64_t before = now();
    regrow_term message;
    CHECK_OK(regrow_send_after(self, 1, regrow_atom("ding"), NULL));
    struct timespec pause = { .tv_nsec = 20000000 };
    nanosleep(&pause, NULL);
    CHECK(now() == before);
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_receive(0, &message));
    advance(1);
    CHECK_HERE("ding");
    advance(0);
    CHECK(now() == before + 1);
}

static regrow_next wait_forbidden_things(regrow_context *context, void *user)
{
    regrow_pid me;
    regrow_request *pending;
    CHECK_OK(regrow_self(&me));
    CHECK_ERROR(REGROW_ERR_WOULD_DEADLOCK, regrow_settle(me, 10, NULL));
    CHECK_ERROR(REGROW_ERR_WOULD_DEADLOCK, regrow_advance(me, 10));
    CHECK_ERROR(REGROW_ERR_WOULD_DEADLOCK, regrow_shutdown(root, 10, NULL));
    /* Asking for it to be told later is no wait. */
    CHECK_OK(regrow_settle_async(me, &pending));
    regrow_request_free(pending);
    CHECK_OK(regrow_send(self, regrow_atom("refused")));
    return REGROW_DONE;
}

static void settle_advance_and_shutdown_are_refused_in_a_callback(void)
{
    regrow_process_spec spec = process(wait_forbidden_things, NULL);
    spawn(wait_forbidden_things, NULL);
    CHECK_MESSAGE("refused");
    spec.home = REGROW_THREAD;
    CHECK_OK(regrow_spawn(root, &spec, NULL));
    CHECK_MESSAGE("refused");
}

static void settle_async_answers_quiet_or_what_is_waited_for(void)
{
    /* Waited for without a limit, which would be a timer of that clock itself. */
    regrow_request *pending;
    regrow_term answer;
    regrow_ref timer;
    CHECK_OK(regrow_settle_async(root, &pending));
    CHECK_OK(regrow_request_wait(pending, REGROW_INFINITY, &answer));
    CHECK_TERM("quiet", &answer);
    regrow_request_free(pending);

    char expected[80];
    snprintf(expected, sizeof expected, "{waiting,%llu,user}", (unsigned long long)now() + 500);
    CHECK_OK(regrow_send_after(self, 500, regrow_nil(), &timer));
    CHECK_OK(regrow_settle_async(root, &pending));
    CHECK_OK(regrow_request_wait(pending, REGROW_INFINITY, &answer));
    CHECK_TERM(expected, &answer);
    regrow_term_free(&answer);
    regrow_request_free(pending);
    CHECK_OK(regrow_cancel_timer(root, timer, 0, NULL));
}

/* D10: an idle timeout. */
static regrow_next idle_info(regrow_context *context, void *state, const regrow_term *message)
{
    CHECK_OK(regrow_send(self, regrow_term_clone(message)));
    if (regrow_is_atom(message, "timeout"))
        return REGROW_NOREPLY;
    return regrow_idle_timeout(context, REGROW_NOREPLY, 100);
}

static regrow_next idle_cast(regrow_context *context, void *state, const regrow_term *message)
{
    return regrow_idle_timeout(context, REGROW_NOREPLY, 100);
}

static regrow_next idle_call(regrow_context *context, void *state, const regrow_term *message)
{
    return regrow_idle_timeout(context, regrow_reply(context, regrow_nil()), 100);
}

static void any_message_puts_an_idle_timeout_off(void)
{
    regrow_server_spec spec = { .size = sizeof spec, .handle_info = idle_info, .handle_cast = idle_cast,
                                .handle_call = idle_call };
    regrow_pid server = start_server(&spec);
    CHECK_OK(regrow_send(server, regrow_atom("hello")));
    CHECK_MESSAGE("hello");
    advance(99);
    CHECK_OK(regrow_cast(server, regrow_nil()));
    advance(99);
    CHECK_OK(regrow_call(server, regrow_nil(), LONG_MS, NULL));
    advance(99);
    CHECK_NO_MESSAGE();
    advance(1);
    CHECK_HERE("timeout");
    advance(1000);
    CHECK_NO_MESSAGE();
    kill_and_wait(server);
}

/* ---- on the real clock ---- */

static uint64_t real_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void ten_thousand_timers_and_none_is_early(void)
{
    enum { COUNT = 10000 };
    static uint64_t due[COUNT];
    static bool seen[COUNT];
    uint64_t latest = 0;
    for (int64_t at = 0; at < COUNT; at++) {
        uint32_t ms = (uint32_t)(at * 7919 % 200);
        due[at] = real_ns() + ms * 1000000ull;
        CHECK_OK(regrow_send_after(self, ms, regrow_int(at), NULL));
    }
    for (int count = 0; count < COUNT; count++) {
        regrow_term message;
        int64_t at;
        CHECK_OK(regrow_receive(LONG_MS, &message));
        uint64_t came = real_ns();
        CHECK(regrow_as_int(&message, &at) && at >= 0 && at < COUNT && !seen[at]);
        seen[at] = true;
        CHECK(came >= due[at]);
        if (came - due[at] > latest)
            latest = came - due[at];
    }
    printf("  the latest was %.1f ms late\n", (double)latest / 1e6);
}

/* A hundred timers that are due at once or in a millisecond, each cancelled; who is not gets its message. */
static void cancel_a_hundred(size_t *cancelled, size_t *sent)
{
    regrow_ref timers[100];
    for (int at = 0; at < 100; at++)
        CHECK_OK(regrow_send_after(self, (uint32_t)(at % 2), regrow_int(at), &timers[at]));
    bool was_cancelled[100] = { false }, came[100] = { false };
    for (int at = 0; at < 100; at++) {
        regrow_error error = regrow_cancel_timer(root, timers[at], 0, NULL);
        CHECK(error == REGROW_OK || error == REGROW_ERR_NOT_FOUND);
        was_cancelled[at] = error == REGROW_OK;
        *cancelled += was_cancelled[at];
    }
    for (int at = 0; at < 100; at++) {
        regrow_term message;
        int64_t which;
        if (was_cancelled[at])
            continue;
        CHECK_OK(regrow_receive(LONG_MS, &message)); /* at most under way */
        CHECK(regrow_as_int(&message, &which) && which >= 0 && which < 100);
        CHECK(!was_cancelled[which] && !came[which]);
        came[which] = true;
        ++*sent;
    }
    CHECK_NO_MESSAGE();
}

static void either_the_cancel_or_the_message(void)
{
    size_t cancelled = 0, sent = 0;
    for (size_t left = rounds(1000); left; left--)
        cancel_a_hundred(&cancelled, &sent);
    /* Where others have the processors, all those rounds may see one of the two alone: on until both were seen. */
    uint64_t end = real_ms() + LONG_MS;
    while (!cancelled || !sent) {
        CHECK(real_ms() < end);
        cancel_a_hundred(&cancelled, &sent);
    }
}

static void after_cancel_with_flush_no_message_ever_comes(void)
{
    for (size_t round = rounds(3000); round; round--) {
        regrow_ref timer;
        CHECK_OK(regrow_start_timer(self, 0, regrow_nil(), &timer));
        for (volatile size_t pause = round * 7 % 4000; pause; pause--) {
        }
        regrow_cancel_timer(root, timer, REGROW_FLUSH, NULL);
    }
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    CHECK_NO_MESSAGE();
}

static void a_cancelled_interval_is_silent_from_then_on(void)
{
    for (size_t round = rounds(300); round; round--) {
        regrow_ref timer;
        CHECK_OK(regrow_send_interval(self, 1, regrow_nil(), &timer));
        uint64_t until = real_ns() + 900000 + round % 40 * 10000;
        while (real_ns() < until) {
        }
        CHECK_OK(regrow_cancel_timer(root, timer, 0, NULL));
        CHECK_OK(regrow_flush(NULL));
    }
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    CHECK_NO_MESSAGE();
}

static void only_a_manual_clock_is_moved_by_hand(void)
{
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_advance(root, 1));
}

int main(void)
{
    open_runtime((regrow_options){ .workers = 2, .clock = REGROW_MANUAL });
    RUN(a_message_comes_when_its_time_has_come);
    RUN(timers_fire_in_their_order_however_far_the_clock_jumps);
    RUN(a_timer_set_by_a_timer_fires_in_the_same_advance_at_its_own_time);
    RUN(settle_tells_the_next_deadline_and_what_it_is_for);
    RUN(sleeps_and_time_limits_of_callbacks_are_on_the_same_clock);
    RUN(the_messages_of_start_timer_name_it);
    RUN(cancel_and_read_tell_what_is_left);
    RUN(a_timer_that_has_fired_cannot_be_cancelled_though_its_message_waits);
    RUN(an_interval_is_at_k_times_its_period_without_drift);
    RUN(timers_end_with_the_process_they_are_for);
    RUN(a_timer_for_the_dead_is_one_that_has_fired);
    RUN(the_clock_moves_only_by_hand);
    RUN(settle_advance_and_shutdown_are_refused_in_a_callback);
    RUN(settle_async_answers_quiet_or_what_is_waited_for);
    RUN(any_message_puts_an_idle_timeout_off);
    close_runtime();

    open_runtime((regrow_options){ .workers = 2 });
    RUN(ten_thousand_timers_and_none_is_early);
    RUN(either_the_cancel_or_the_message);
    RUN(after_cancel_with_flush_no_message_ever_comes);
    RUN(a_cancelled_interval_is_silent_from_then_on);
    RUN(only_a_manual_clock_is_moved_by_hand);
    close_runtime();
    return 0;
}
