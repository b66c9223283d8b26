/* What a runtime is not quiet for although nothing of it runs: work that goes on outside, and who was woken on a thread
 * where a dead process is still on its way out. */
#include "support.h"

static void check_busy(uint64_t count)
{
    CHECK(stats().busy == count);
    if (count)
        CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_settle(root, 20, NULL));
    else
        CHECK_OK(regrow_settle(root, LONG_MS, NULL));
}

static void a_runtime_is_quiet_once_every_token_is_given_back(void)
{
    regrow_ref first, second;
    regrow_request *pending;
    check_busy(0);
    CHECK_OK(regrow_busy(root, &first));
    CHECK_OK(regrow_busy(self, &second));
    CHECK(first.id != second.id);
    check_busy(2);
    CHECK_OK(regrow_settle_async(root, &pending));
    CHECK_OK(regrow_done(root, first));
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_done(root, first));
    CHECK_LAST_REASON("not_found");
    check_busy(1);
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_request_wait(pending, 0, NULL));
    CHECK_OK(regrow_done(self, second));
    check_busy(0);
    CHECK_OK(regrow_request_wait(pending, LONG_MS, NULL));
    regrow_request_free(pending);

    /* Tokens are those of one runtime. */
    regrow_options options = { .size = sizeof options, .log_level = REGROW_LOG_SILENT, .workers = 1 };
    regrow_pid other;
    CHECK_OK(regrow_init(&options, &other));
    CHECK_OK(regrow_busy(other, &first));
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_done(root, first));
    check_busy(0);
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_settle(other, 20, NULL));
    CHECK_OK(regrow_shutdown(other, LONG_MS, NULL));
    CHECK_ERROR(REGROW_ERR_NOT_ALIVE, regrow_done(other, first));
    CHECK_ERROR(REGROW_ERR_NOT_ALIVE, regrow_busy(other, &first));
}

/* ---- deferred calls ---- */

typedef struct outside {
    gate gate;
    regrow_caller caller;
    regrow_ref token;
    pthread_t thread;
} outside;

static void *work_outside(void *user)
{
    outside *work = user;
    gate_pass(&work->gate);
    CHECK_OK(regrow_answer(work->caller, regrow_atom("late")));
    CHECK_OK(regrow_done(root, work->token));
    return NULL;
}

static regrow_next hand_out(regrow_context *context, void *state, const regrow_term *request)
{
    outside *work = state;
    CHECK_OK(regrow_defer(context, &work->caller));
    CHECK_OK(regrow_busy(root, &work->token));
    CHECK(pthread_create(&work->thread, NULL, work_outside, work) == 0);
    return REGROW_NOREPLY;
}

static void a_call_that_a_thread_answers_is_waited_for_by_its_token(void)
{
    outside work;
    regrow_server_spec spec = { .size = sizeof spec, .init = take_user, .handle_call = hand_out, .user = &work };
    regrow_pid pid = start_server(&spec);
    regrow_request *pending;
    regrow_term answer;
    gate_make(&work.gate);
    CHECK_OK(regrow_call_async(pid, regrow_nil(), REGROW_INFINITY, &pending));
    gate_reached(&work.gate);
    check_busy(1);
    gate_open(&work.gate);
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    CHECK_OK(regrow_request_wait(pending, 0, &answer));
    CHECK_TERM("late", &answer);
    regrow_term_free(&answer);
    regrow_request_free(pending);
    CHECK(pthread_join(work.thread, NULL) == 0);
    kill_and_wait(pid);
}

static regrow_next put_off(regrow_context *context, void *state, const regrow_term *request)
{
    regrow_pid me;
    regrow_ref timer;
    CHECK_OK(regrow_defer(context, state));
    if (regrow_is_atom(request, "late")) {
        CHECK_OK(regrow_self(&me));
        CHECK_OK(regrow_send_after(me, 50, regrow_nil(), &timer));
    }
    return REGROW_NOREPLY;
}

static regrow_next answer_now(regrow_context *context, void *state, const regrow_term *message)
{
    CHECK_OK(regrow_answer(*(regrow_caller *)state, regrow_atom("late")));
    return REGROW_NOREPLY;
}

static void a_call_that_is_put_off_inside_does_not_count(void)
{
    regrow_caller caller;
    regrow_server_spec spec = { .size = sizeof spec, .init = take_user, .handle_call = put_off,
                                .handle_info = answer_now, .user = &caller };
    regrow_pid pid = start_server(&spec);
    regrow_settled settled = { .size = sizeof settled };
    regrow_request *never, *late;
    regrow_term answer;
    CHECK_OK(regrow_call_async(pid, regrow_atom("never"), REGROW_INFINITY, &never));
    CHECK_OK(regrow_settle(root, LONG_MS, &settled));
    CHECK(settled.state == REGROW_QUIET);
    CHECK_OK(regrow_call_async(pid, regrow_atom("late"), REGROW_INFINITY, &late));
    CHECK_OK(regrow_settle(root, LONG_MS, &settled));
    CHECK(settled.state == REGROW_WAITING && settled.kind == REGROW_TIMER_USER);
    CHECK_OK(regrow_advance(root, 50));
    CHECK_OK(regrow_request_wait(late, 0, &answer));
    CHECK_TERM("late", &answer);
    regrow_term_free(&answer);
    regrow_request_free(late);
    regrow_request_free(never);
    kill_and_wait(pid);
}

/* ---- host processes ---- */

static atomic_int delivered;

static void deliver(void *user, regrow_pid pid, const regrow_term *message, regrow_caller caller)
{
    *(regrow_caller *)user = caller;
    atomic_fetch_add(&delivered, 1);
}

/* A call counts from just before it is delivered. */
static void until_delivered(int count)
{
    EVENTUALLY(delivered == count);
    CHECK(stats().busy == (uint64_t)count);
    delivered = 0;
}

static regrow_pid start_host(regrow_caller *caller, uint32_t flags)
{
    regrow_host_spec spec = { .size = sizeof spec, .deliver = deliver, .user = caller, .flags = flags };
    regrow_child_spec how = child(REGROW_HOST, &spec);
    regrow_pid pid;
    CHECK_OK(regrow_start(root, &how, &pid));
    return pid;
}

static regrow_next call_for_a_while(regrow_context *context, void *host)
{
    regrow_error error = regrow_call(*(regrow_pid *)host, regrow_nil(), 100, NULL);
    CHECK(error == REGROW_ERR_TIMEOUT || error == REGROW_ERR_KILLED);
    return REGROW_DONE;
}

static void a_call_to_a_host_counts_until_nobody_waits_for_it(void)
{
    regrow_caller caller;
    regrow_pid host = start_host(&caller, 0), waits;
    regrow_request *pending, *second;
    regrow_settled settled = { .size = sizeof settled };
    regrow_ref monitor;

    /* Until it is answered. */
    CHECK_OK(regrow_call_async(host, regrow_nil(), REGROW_INFINITY, &pending));
    until_delivered(1);
    check_busy(1);
    CHECK_OK(regrow_answer(caller, regrow_nil()));
    check_busy(0);
    CHECK_OK(regrow_request_wait(pending, 0, NULL));
    regrow_request_free(pending);

    /* Until its caller gives up, or dies. */
    CHECK_OK(regrow_call_async(host, regrow_nil(), REGROW_INFINITY, &pending));
    until_delivered(1);
    regrow_request_free(pending);
    check_busy(0);
    waits = spawn_monitor(call_for_a_while, &host, &monitor);
    until_delivered(1);
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_settle(root, 20, NULL));
    CHECK_OK(regrow_exit(waits, regrow_atom("kill")));
    CHECK_DOWN("killed", monitor);
    /* Its callback has still to come back from the call. */
    EVENTUALLY(stats().busy == 0);

    /* Until the host ends. */
    CHECK_OK(regrow_call_async(host, regrow_nil(), REGROW_INFINITY, &pending));
    CHECK_OK(regrow_call_async(host, regrow_nil(), REGROW_INFINITY, &second));
    until_delivered(2);
    CHECK_OK(regrow_host_exit(host, regrow_atom("normal")));
    /* A worker may still be on its way out of the last delivery. */
    EVENTUALLY(stats().busy == 0);
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_request_wait(pending, LONG_MS, NULL));
    regrow_request_free(pending);
    regrow_request_free(second);

    /* Not at all; then time may pass. Other messages never count. */
    host = start_host(&caller, REGROW_NOT_BUSY);
    spawn_monitor(call_for_a_while, &host, &monitor);
    CHECK_OK(regrow_settle(root, LONG_MS, &settled));
    CHECK(settled.state == REGROW_WAITING && settled.kind == REGROW_TIMER_SLEEP);
    CHECK_OK(regrow_advance(root, 100));
    CHECK_DOWN("normal", monitor);
    CHECK_OK(regrow_host_exit(host, regrow_atom("normal")));
    host = start_host(&caller, 0);
    CHECK_OK(regrow_send(host, regrow_nil()));
    CHECK_OK(regrow_cast(host, regrow_nil()));
    check_busy(0);
    CHECK_OK(regrow_host_exit(host, regrow_atom("normal")));

    regrow_host_spec unknown = { .size = sizeof unknown, .deliver = deliver, .flags = REGROW_NO_PARK };
    regrow_child_spec how = child(REGROW_HOST, &unknown);
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_start(root, &how, &host));
}

/* ---- time ---- */

static void *advance_a_little(void *user)
{
    CHECK_OK(regrow_advance(root, 10));
    return NULL;
}

static void time_stands_still_while_a_token_is_held(void)
{
    regrow_ref token, timer;
    pthread_t thread;
    uint64_t before, after;
    CHECK_OK(regrow_now(root, &before));
    CHECK_OK(regrow_send_after(self, 10, regrow_atom("time"), &timer));
    CHECK_OK(regrow_busy(root, &token));
    CHECK(pthread_create(&thread, NULL, advance_a_little, NULL) == 0);
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_settle(root, 50, NULL));
    CHECK_OK(regrow_now(root, &after));
    CHECK(before == after);
    CHECK_NO_MESSAGE();
    CHECK_OK(regrow_done(root, token));
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK_HERE("time");
}

static regrow_next refuse_to_end(regrow_context *context, void *user)
{
    regrow_term message;
    CHECK_OK(regrow_trap_exit(true, NULL));
    while (regrow_receive(REGROW_INFINITY, &message) == REGROW_OK)
        regrow_term_free(&message);
    return REGROW_DONE;
}

static void a_shutdown_does_not_wait_for_tokens(void)
{
    regrow_process_spec stubborn = process(refuse_to_end, NULL);
    regrow_child_spec how = child(REGROW_PROCESS, &stubborn);
    regrow_options options = { .size = sizeof options, .clock = REGROW_MANUAL, .log_level = REGROW_LOG_SILENT };
    regrow_pid other, host, pid;
    regrow_caller caller;
    regrow_ref token;
    regrow_request *pending;
    how.id = "stubborn";
    how.shutdown_ms = 60000;
    CHECK_OK(regrow_init(&options, &other));
    CHECK_OK(regrow_supervisor_start_child(other, &how, &pid));
    regrow_host_spec spec = { .size = sizeof spec, .deliver = deliver, .user = &caller };
    regrow_child_spec a_host = child(REGROW_HOST, &spec);
    CHECK_OK(regrow_start(other, &a_host, &host));
    CHECK_OK(regrow_busy(other, &token));
    CHECK_OK(regrow_call_async(host, regrow_nil(), REGROW_INFINITY, &pending));
    CHECK_OK(regrow_shutdown(other, LONG_MS, NULL));
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_request_wait(pending, LONG_MS, NULL));
    regrow_request_free(pending);
}

/* ---- many ---- */

static atomic_int handed, finished;
static regrow_ref tokens[64];
static regrow_pid messenger;
static sem_t work_there;

static regrow_next hand_over(regrow_context *context, void *state, const regrow_term *message)
{
    int at = atomic_load(&handed);
    CHECK_OK(regrow_busy(root, &tokens[at % 64]));
    atomic_store(&handed, at + 1);
    sem_post(&work_there);
    return REGROW_NOREPLY;
}

static regrow_next finish(regrow_context *context, void *state, const regrow_term *message)
{
    atomic_fetch_add(&finished, 1);
    return REGROW_NOREPLY;
}

/* What it hands back is a message, so that settle must not look away between that and the token. */
static void *work_through(void *count)
{
    for (int at = 0; at < *(int *)count; at++) {
        while (sem_wait(&work_there)) {
        }
        CHECK_OK(regrow_cast(messenger, regrow_nil()));
        CHECK_OK(regrow_done(root, tokens[at % 64]));
    }
    return NULL;
}

static void nothing_slips_through_between_inside_and_outside(void)
{
    int count = (int)rounds(5000);
    regrow_server_spec in = { .size = sizeof in, .handle_cast = hand_over };
    regrow_server_spec out = { .size = sizeof out, .handle_cast = finish };
    regrow_pid first = start_server(&in);
    pthread_t thread;
    messenger = start_server(&out);
    sem_init(&work_there, 0, 0);
    CHECK(pthread_create(&thread, NULL, work_through, &count) == 0);
    for (int at = 1; at <= count; at++) {
        CHECK_OK(regrow_cast(first, regrow_nil()));
        CHECK_OK(regrow_settle(root, LONG_MS, NULL));
        CHECK(atomic_load(&finished) == at);
    }
    CHECK(pthread_join(thread, NULL) == 0);
    kill_and_wait(first);
    kill_and_wait(messenger);
}

/* ---- behind the dead ---- */

static regrow_next wait_for_a_message(regrow_context *context, void *user)
{
    regrow_term message;
    if (regrow_receive(REGROW_INFINITY, &message) == REGROW_OK)
        regrow_term_free(&message);
    return REGROW_DONE;
}

/* The killed and those that are told to end have waited on the same threads, and all are woken at once. That the dead do
 * not count must not hide the others. */
static void who_was_woken_behind_the_killed_counts(void)
{
    enum { PAIRS = 100 };
    regrow_process_spec spec = { .size = sizeof spec, .body = wait_for_a_message };
    regrow_pid killed[PAIRS], told[PAIRS];
    for (size_t round = rounds(300); round--;) {
        for (int at = 0; at < PAIRS; at++) {
            CHECK_OK(regrow_spawn(root, &spec, &killed[at]));
            CHECK_OK(regrow_spawn(root, &spec, &told[at]));
        }
        CHECK_OK(regrow_settle(root, LONG_MS, NULL));
        for (int at = 0; at < PAIRS; at++) {
            CHECK_OK(regrow_exit(killed[at], regrow_atom("kill")));
            CHECK_OK(regrow_send(told[at], regrow_atom("end")));
        }
        CHECK_OK(regrow_settle(root, LONG_MS, NULL));
        for (int at = 0; at < PAIRS; at++)
            CHECK(!regrow_is_alive(told[at]));
    }
}

/* ---- ends that others have to carry out ---- */

static void drop_behind_gate(void *state)
{
    gate_pass(state);
}

/* A server that waits in its drop until the gate is opened. */
static regrow_pid start_slow_to_drop(gate *drop)
{
    gate_make(drop);
    regrow_server_spec spec = { .size = sizeof spec, .init = take_user, .drop = drop_behind_gate, .user = drop };
    return start_server(&spec);
}

static regrow_next link_and_wait(regrow_context *context, void *user)
{
    CHECK_OK(regrow_link(*(regrow_pid *)user));
    CHECK_OK(regrow_send(self, regrow_atom("linked")));
    regrow_receive(REGROW_INFINITY, &(regrow_term){ 0 });
    return REGROW_DONE;
}

/* A process that ends with that one, by whoever carries out that end: it waits by now. (On its way there it would end by
 * itself, and for nobody's drop.) */
static regrow_pid start_linked(regrow_pid *with)
{
    regrow_process_spec spec = { .size = sizeof spec, .body = link_and_wait, .user = with };
    regrow_pid pid;
    CHECK_OK(regrow_spawn(root, &spec, &pid));
    CHECK_MESSAGE("linked");
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    return pid;
}

/* Somebody is in the drop, and this one ends after that: nothing is quiet until it has. */
static void check_waits_for(gate *drop, regrow_pid next)
{
    gate_reached(drop);
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_settle(root, 20, NULL));
    CHECK(regrow_is_alive(next));
    gate_open(drop);
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    CHECK(!regrow_is_alive(next));
}

typedef struct linked {
    gate at_work;
    regrow_pid with;
} linked;

static regrow_next link_and_work(regrow_context *context, void *user)
{
    linked *linked = user;
    CHECK_OK(regrow_link(linked->with));
    gate_pass(&linked->at_work);
    CHECK_ERROR(REGROW_ERR_KILLED, regrow_receive(REGROW_INFINITY, &(regrow_term){ 0 }));
    return REGROW_DONE;
}

/* It was told to end while it was at work, and ends where it would wait: its own thread, which runs a dead process from
 * then on, carries out its end and those of the ones it is linked with. */
static void the_ends_that_a_dead_process_carries_out_count(void)
{
    gate drop;
    linked linked = { .with = start_slow_to_drop(&drop) };
    regrow_pid next = start_linked(&linked.with);
    gate_make(&linked.at_work);
    regrow_process_spec spec = { .size = sizeof spec, .body = link_and_work, .user = &linked };
    regrow_pid pid;
    regrow_ref monitor;
    regrow_term down;
    CHECK_OK(regrow_spawn(root, &spec, &pid));
    gate_reached(&linked.at_work);
    CHECK_OK(regrow_monitor(pid, &monitor));
    CHECK_OK(regrow_exit(pid, regrow_atom("crash")));
    gate_open(&linked.at_work);
    CHECK_OK(regrow_receive(LONG_MS, &down));
    regrow_term_free(&down);
    check_waits_for(&drop, next);
}

static void *kill_it(void *pid)
{
    CHECK_OK(regrow_exit(*(regrow_pid *)pid, regrow_atom("kill")));
    return NULL;
}

static void the_ends_that_another_thread_carries_out_count(void)
{
    gate drop;
    regrow_pid pid = start_slow_to_drop(&drop), next = start_linked(&pid);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, kill_it, &pid) == 0);
    check_waits_for(&drop, next);
    CHECK(pthread_join(thread, NULL) == 0);
}

static regrow_next link_at_once(regrow_context *context, void *user, const regrow_term *arg, void **state)
{
    CHECK_OK(regrow_link(*(regrow_pid *)user));
    return REGROW_READY;
}

static regrow_next crash(regrow_context *context, void *state, const regrow_term *request)
{
    return regrow_stop_self(context, regrow_atom("crash"));
}

static void *call_it(void *pid)
{
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_call(*(regrow_pid *)pid, regrow_nil(), LONG_MS, NULL));
    return NULL;
}

/* A server that its caller runs, and that ends there. */
static void the_ends_that_an_inline_call_from_a_thread_brings_about_count(void)
{
    gate drop;
    regrow_pid with = start_slow_to_drop(&drop), next = start_linked(&with);
    regrow_server_spec spec = { .size = sizeof spec, .flags = REGROW_INLINE, .init = link_at_once, .handle_call = crash,
                                .user = &with };
    regrow_pid pid = start_server(&spec);
    pthread_t thread;
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    CHECK(pthread_create(&thread, NULL, call_it, &pid) == 0);
    check_waits_for(&drop, next);
    CHECK(pthread_join(thread, NULL) == 0);
}

typedef struct parting {
    gate at_work;
    regrow_pid with;
} parting;

static regrow_next pass_the_gate(regrow_context *context, void *state, const regrow_term *message)
{
    gate_pass(&((parting *)state)->at_work);
    return REGROW_NOREPLY;
}

static void end_another(void *state)
{
    CHECK_OK(regrow_exit(((parting *)state)->with, regrow_atom("kill")));
}

/* Killed at work, it drops its state when its code returns, and that ends others. */
static void the_ends_that_the_drop_of_a_dead_process_brings_about_count(void)
{
    gate drop;
    parting parting = { .with = start_slow_to_drop(&drop) };
    regrow_pid next = start_linked(&parting.with);
    regrow_server_spec spec = { .size = sizeof spec, .init = take_user, .handle_info = pass_the_gate, .drop = end_another,
                                .user = &parting };
    gate_make(&parting.at_work);
    regrow_pid pid = start_server(&spec);
    CHECK_OK(regrow_send(pid, regrow_nil()));
    gate_reached(&parting.at_work);
    CHECK_OK(regrow_exit(pid, regrow_atom("kill")));
    gate_open(&parting.at_work);
    check_waits_for(&drop, next);
}

int main(void)
{
    open_runtime((regrow_options){ .workers = 2, .clock = REGROW_MANUAL });
    RUN(a_runtime_is_quiet_once_every_token_is_given_back);
    RUN(a_call_that_a_thread_answers_is_waited_for_by_its_token);
    RUN(a_call_that_is_put_off_inside_does_not_count);
    RUN(a_call_to_a_host_counts_until_nobody_waits_for_it);
    RUN(time_stands_still_while_a_token_is_held);
    RUN(a_shutdown_does_not_wait_for_tokens);
    RUN(nothing_slips_through_between_inside_and_outside);
    RUN(who_was_woken_behind_the_killed_counts);
    RUN(the_ends_that_a_dead_process_carries_out_count);
    RUN(the_ends_that_another_thread_carries_out_count);
    RUN(the_ends_that_an_inline_call_from_a_thread_brings_about_count);
    RUN(the_ends_that_the_drop_of_a_dead_process_brings_about_count);
    close_runtime();
    return 0;
}
