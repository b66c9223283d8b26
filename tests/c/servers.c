/* Servers: how they start, answer, wait, are looked into and end. Each test runs with servers on the workers and with
 * servers on threads of their own: there is one semantics. */
#include "tree.h"
#include <semaphore.h>

static uint32_t home;

static regrow_child_spec child_of(const regrow_server_spec *server, const char *name)
{
    return (regrow_child_spec){ .size = sizeof(regrow_child_spec), .kind = REGROW_SERVER, .spec = server,
                                .name = name };
}

static regrow_server_spec actor_at_home(actor *actor)
{
    regrow_server_spec server = actor_spec(actor);
    server.home = home;
    return server;
}

static regrow_pid start_server(const regrow_server_spec *server, const char *name)
{
    regrow_child_spec child = child_of(server, name);
    regrow_pid pid;
    CHECK_OK(regrow_start(root, &child, &pid));
    return pid;
}

static regrow_pid start_actor(actor *actor)
{
    regrow_server_spec server = actor_at_home(actor);
    return start_server(&server, NULL);
}

static uint64_t process_count(void)
{
    regrow_stats stats = { .size = sizeof stats };
    CHECK_OK(regrow_stats_read(root, &stats));
    return stats.processes;
}

static void check_name_is_free(const char *name)
{
    regrow_pid pid;
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_whereis(root, name, &pid));
}

static atomic_int drops;

static void count_drop(void *pointer)
{
    atomic_fetch_add(&drops, 1);
}

/* ---- starting ---- */

static regrow_next slow_init(regrow_context *context, actor *actor)
{
    CHECK_OK(regrow_sleep(10));
    note("up");
    return REGROW_READY;
}

static void a_start_returns_only_after_init(void)
{
    actor actor = { .number = 1, .on_init = slow_init };
    start_actor(&actor);
    CHECK(strcmp(log_text, "S1 up") == 0);
}

static regrow_next init_says(regrow_context *context, actor *actor)
{
    switch (actor->number) {
    case 1: return REGROW_IGNORE;
    case 2: return regrow_stop_self(context, ATOM("nope"));
    case 3: return regrow_stop_self(context, ATOM("normal"));
    case 4: return 0;
    case 5: return REGROW_NOREPLY;
    case 6: return regrow_reply(context, ATOM("hello"));
    case 7: {
        regrow_pid me;
        CHECK_OK(regrow_self(&me));
        CHECK_OK(regrow_exit(me, ATOM("by_myself")));
        return REGROW_READY;
    }
    default: return regrow_stop_self(context, TUPLE(ATOM("shutdown"), ATOM("later")));
    }
}

static void a_start_that_fails_gives_the_reason_and_leaves_no_name_and_no_process(void)
{
    static const char *reasons[] = { NULL, "", "nope", "normal", "bad_return_value", "bad_return_value",
                                     "bad_return_value", "by_myself", "{shutdown,later}" };
    uint64_t before = process_count();
    atomic_store(&drops, 0);
    for (int number = 1; number <= 8; number++) {
        actor actor = { .number = number, .silent = true, .on_init = init_says };
        regrow_server_spec server = actor_at_home(&actor);
        server.drop = count_drop;
        regrow_child_spec child = child_of(&server, "candidate");
        regrow_pid pid = { 77 };
        regrow_error error = regrow_start(root, &child, &pid);
        CHECK(error == (number == 1 ? REGROW_ERR_IGNORED : REGROW_ERR_START));
        if (number > 1)
            CHECK_REASON("%s", reasons[number]);
        check_name_is_free("candidate");
        CHECK(process_count() == before);
        CHECK(pid.id == 77);
        CHECK(actor.starts == 1);
    }
    settle();
    /* Only number 7 had made its state when it ended. */
    CHECK(drops == 1);
}

static void a_server_without_init_is_up_at_once(void)
{
    regrow_server_spec server = { .size = sizeof server, .home = home };
    regrow_pid pid = start_server(&server, "bare");
    CHECK(regrow_is_alive(pid));
    /* No callbacks: calls have no answer, the rest is dropped. */
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_call(pid, ATOM("hello"), LIMIT_MS, NULL));
    CHECK_REASON("no_reply");
    CHECK_OK(regrow_cast(pid, ATOM("hello")));
    CHECK_OK(regrow_send(pid, ATOM("hello")));
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_call(pid, ATOM("hello"), LIMIT_MS, NULL));
    CHECK(regrow_is_alive(pid));
}

/* A start in a thread of its own. */
typedef struct start_job {
    regrow_child_spec child;
    regrow_error error;
    regrow_pid pid;
    char reason[256];
} start_job;

static void *start_elsewhere(void *argument)
{
    start_job *job = argument;
    job->error = regrow_start(root, &job->child, &job->pid);
    regrow_term reason;
    if (job->error && regrow_last_reason(&reason) == REGROW_OK) {
        regrow_term_print(&reason, job->reason, sizeof job->reason);
        regrow_term_free(&reason);
    }
    return NULL;
}

/* Waits for a message that never comes, and answers READY however the waiting ended. */
static regrow_next hanging_init(regrow_context *context, actor *actor)
{
    regrow_term message;
    CHECK_ERROR(REGROW_ERR_KILLED, regrow_receive(REGROW_INFINITY, &message));
    note("fenced");
    return REGROW_READY;
}

static void wait_for_name(const char *name, regrow_pid *pid)
{
    regrow_address address = { .size = sizeof address, .runtime = root, .name = name, .wait_ms = REGROW_INFINITY };
    CHECK_OK(regrow_whereis_at(&address, pid));
    settle();
}

static void an_init_that_takes_too_long_is_given_up_and_leaves_nothing(void)
{
    actor actor = { .number = 1, .on_init = hanging_init };
    regrow_server_spec server = actor_at_home(&actor);
    server.drop = count_drop;
    server.init_timeout_ms = 50;
    start_job job = { .child = child_of(&server, "slow") };
    regrow_settled settled = { .size = sizeof settled };
    regrow_pid pid;
    atomic_store(&drops, 0);
    pthread_t thread = start_thread(start_elsewhere, &job);
    wait_for_name("slow", &pid);
    CHECK_OK(regrow_settle(root, LIMIT_MS, &settled));
    CHECK(settled.state == REGROW_WAITING);
    CHECK_OK(regrow_advance(root, 49));
    CHECK(regrow_is_alive(pid));
    CHECK_OK(regrow_advance(root, 1));
    join_thread(thread);
    CHECK(job.error == REGROW_ERR_START || job.error == REGROW_ERR_TIMEOUT);
    CHECK(strcmp(job.reason, "timeout") == 0);
    CHECK(!regrow_is_alive(pid));
    check_name_is_free("slow");
    wait_for_ghosts();
    CHECK_LOG("S1 fenced");
    CHECK(drops == 1);
}

static void a_process_killed_in_its_init_ends_the_start_with_killed(void)
{
    actor actor = { .number = 1, .on_init = hanging_init };
    regrow_server_spec server = actor_at_home(&actor);
    start_job job = { .child = child_of(&server, "victim") };
    regrow_pid pid;
    pthread_t thread = start_thread(start_elsewhere, &job);
    wait_for_name("victim", &pid);
    CHECK_OK(regrow_exit(pid, ATOM("kill")));
    join_thread(thread);
    CHECK(job.error == REGROW_ERR_START);
    CHECK(strcmp(job.reason, "killed") == 0);
    check_name_is_free("victim");
}

static void a_linked_start_that_fails_is_an_exit_signal_to_the_starter_too(void)
{
    actor refusing = { .number = 2, .silent = true, .on_init = init_says };
    actor ignoring = { .number = 1, .silent = true, .on_init = init_says };
    regrow_server_spec refuses = actor_at_home(&refusing), ignores = actor_at_home(&ignoring);
    regrow_child_spec child = child_of(&refuses, NULL);
    CHECK_OK(regrow_trap_exit(true, NULL));
    CHECK_ERROR(REGROW_ERR_START, regrow_start_link(&child, NULL));
    regrow_term exit = receive();
    CHECK(regrow_is_atom(regrow_tuple_get(&exit, 0), "EXIT") && regrow_is_atom(regrow_tuple_get(&exit, 2), "nope"));
    regrow_term_free(&exit);
    child = child_of(&ignores, NULL);
    CHECK_ERROR(REGROW_ERR_IGNORED, regrow_start_link(&child, NULL));
    exit = receive();
    CHECK(regrow_is_atom(regrow_tuple_get(&exit, 2), "normal"));
    regrow_term_free(&exit);
    CHECK_OK(regrow_trap_exit(false, NULL));
}

/* ---- continue ---- */

static bool is_go(void *user, const regrow_term *message)
{
    return regrow_is_atom(message, "go");
}

static regrow_next init_when_told(regrow_context *context, void *user, const regrow_term *arg, void **state)
{
    regrow_term go;
    CHECK_OK(regrow_receive_match(is_go, NULL, REGROW_INFINITY, &go));
    note("init");
    return regrow_continue(context, REGROW_READY, ATOM("first"));
}

static regrow_next note_and_go(regrow_context *context, void *state, const regrow_term *message)
{
    note("%s", show(message));
    return REGROW_NOREPLY;
}

static regrow_next note_and_reply(regrow_context *context, void *state, const regrow_term *message)
{
    note("%s", show(message));
    if (regrow_is_atom(message, "with_continue"))
        return regrow_continue(context, regrow_reply(context, ATOM("ok")), ATOM("after_reply"));
    return regrow_reply(context, ATOM("ok"));
}

static regrow_next note_and_continue(regrow_context *context, void *state, const regrow_term *message)
{
    note("%s", show(message));
    return regrow_is_atom(message, "first") ? regrow_continue(context, REGROW_NOREPLY, ATOM("second"))
                                            : REGROW_NOREPLY;
}

static const regrow_server_spec noting = { .size = sizeof noting, .handle_call = note_and_reply,
                                           .handle_cast = note_and_go, .handle_info = note_and_go,
                                           .handle_continue = note_and_continue };

static void continue_runs_before_what_was_queued_meanwhile(void)
{
    regrow_server_spec server = noting;
    server.home = home;
    server.init = init_when_told;
    start_job job = { .child = child_of(&server, "busy") };
    pthread_t thread = start_thread(start_elsewhere, &job);
    regrow_request *early;
    regrow_pid pid;
    wait_for_name("busy", &pid);
    CHECK_OK(regrow_call_async(pid, ATOM("call"), LIMIT_MS, &early));
    CHECK_OK(regrow_cast(pid, ATOM("cast")));
    CHECK_OK(regrow_send(pid, ATOM("info")));
    CHECK_OK(regrow_send(pid, ATOM("go")));
    join_thread(thread);
    CHECK(job.error == REGROW_OK);
    CHECK_LOG("init first second call cast info");
    CHECK_OK(regrow_request_wait(early, LIMIT_MS, NULL));
    regrow_request_free(early);

    /* After a reply: the caller has its answer, and the next message waits for the continuation. */
    CHECK_OK(regrow_suspend(pid, LIMIT_MS));
    regrow_request *pending;
    CHECK_OK(regrow_call_async(pid, ATOM("with_continue"), LIMIT_MS, &pending));
    CHECK_OK(regrow_cast(pid, ATOM("next")));
    CHECK_OK(regrow_resume(pid, LIMIT_MS));
    CHECK_OK(regrow_request_wait(pending, LIMIT_MS, NULL));
    regrow_request_free(pending);
    CHECK_LOG("with_continue after_reply next");
}

/* The argument is how often it is still to go on. */
static regrow_next continue_so_often(regrow_context *context, void *state, const regrow_term *left)
{
    int64_t count;
    CHECK(regrow_as_int(left, &count));
    return count == 0 ? REGROW_NOREPLY : regrow_continue(context, REGROW_NOREPLY, regrow_int(count - 1));
}

static regrow_next begin_to_continue(regrow_context *context, void *state, const regrow_term *request)
{
    return regrow_continue(context, regrow_reply(context, ATOM("ok")), regrow_term_clone(request));
}

/* One after the other, and not one within the other. */
static void a_server_continues_any_number_of_times(void)
{
    regrow_server_spec server = { .size = sizeof server, .handle_call = begin_to_continue,
                                  .handle_continue = continue_so_often, .home = home };
    regrow_pid pid = start_server(&server, NULL);
    for (int round = 0; round < 2; round++)
        CHECK_OK(regrow_call(pid, regrow_int(100000), LIMIT_MS, NULL));
    CHECK_OK(regrow_stop(pid, ATOM("normal"), LIMIT_MS));
}

static regrow_next stop_in_continue(regrow_context *context, void *state, const regrow_term *message)
{
    return regrow_stop_self(context, ATOM("cannot_load"));
}

static regrow_next continue_at_once(regrow_context *context, void *user, const regrow_term *arg, void **state)
{
    return regrow_continue(context, REGROW_READY, ATOM("load"));
}

static void a_server_that_stops_in_its_continuation_had_started(void)
{
    regrow_server_spec server = { .size = sizeof server, .home = home, .init = continue_at_once,
                                  .handle_continue = stop_in_continue };
    regrow_child_spec child = child_of(&server, NULL);
    regrow_pid pid;
    regrow_ref monitor;
    CHECK_OK(regrow_start_monitor(&child, &pid, &monitor));
    CHECK_DOWN(monitor, "cannot_load");
}

/* ---- calls ---- */

static atomic_int deferred_count;
static regrow_caller deferred[64];

/* {later, N} puts the call off as number N; `twice` tries it twice; `nothing` neither answers nor puts it off;
 * {stop, R} and others as actors do. */
static regrow_next deferring_call(regrow_context *context, void *state, const regrow_term *request)
{
    int64_t number;
    if (regrow_is_atom(request, "nothing"))
        return REGROW_NOREPLY;
    if (regrow_is_atom(request, "self_call")) {
        regrow_pid me;
        CHECK_OK(regrow_self(&me));
        CHECK_ERROR(REGROW_ERR_SELF_CALL, regrow_call(me, ATOM("hello"), LIMIT_MS, NULL));
        CHECK_REASON("calling_self");
        return regrow_reply(context, ATOM("ok"));
    }
    if (!actor_is_told(request, "later"))
        return actor_call(context, state, request);
    CHECK(regrow_as_int(regrow_tuple_get(request, 1), &number));
    CHECK_OK(regrow_defer(context, &deferred[number]));
    CHECK_ERROR(REGROW_ERR_CONTEXT, regrow_defer(context, &(regrow_caller){ 0 }));
    atomic_fetch_add(&deferred_count, 1);
    return REGROW_NOREPLY;
}

static regrow_next cannot_defer(regrow_context *context, void *state, const regrow_term *message)
{
    CHECK_ERROR(REGROW_ERR_CONTEXT, regrow_defer(context, &(regrow_caller){ 0 }));
    return actor_message(context, state, message);
}

static regrow_pid start_deferring(actor *actor)
{
    regrow_server_spec server = actor_at_home(actor);
    server.handle_call = deferring_call;
    server.handle_cast = cannot_defer;
    atomic_store(&deferred_count, 0);
    return start_server(&server, NULL);
}

static regrow_request *ask_later(regrow_pid pid, int64_t number, uint32_t timeout_ms)
{
    regrow_request *pending;
    CHECK_OK(regrow_call_async(pid, TUPLE(ATOM("later"), INT(number)), timeout_ms, &pending));
    return pending;
}

static void *answer_elsewhere(void *argument)
{
    CHECK_OK(regrow_answer(deferred[0], ATOM("from_a_thread")));
    return NULL;
}

static void an_answer_may_come_later_and_from_another_thread_but_once(void)
{
    actor actor = { .number = 5, .silent = true };
    regrow_pid pid = start_deferring(&actor);
    regrow_term reply;
    regrow_request *pending = ask_later(pid, 0, LIMIT_MS);
    settle();
    /* It goes on meanwhile. */
    CHECK_OK(regrow_call(pid, ATOM("hello"), LIMIT_MS, &reply));
    check_given(__FILE__, __LINE__, reply, "{5,hello}");
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_request_wait(pending, 0, NULL));
    join_thread(start_thread(answer_elsewhere, NULL));
    CHECK_OK(regrow_request_wait(pending, LIMIT_MS, &reply));
    check_given(__FILE__, __LINE__, reply, "from_a_thread");
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_answer(deferred[0], ATOM("again")));
    regrow_request_free(pending);
    CHECK_OK(regrow_cast(pid, ATOM("hello")));
    settle();
}

static void a_call_that_cannot_be_answered_ends_with_the_servers_reason(void)
{
    actor actor = { .number = 5, .silent = true };
    regrow_pid pid = start_deferring(&actor);
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_call(pid, ATOM("nothing"), LIMIT_MS, NULL));
    CHECK_REASON("no_reply");
    CHECK(regrow_is_alive(pid));
    CHECK_OK(regrow_call(pid, ATOM("self_call"), LIMIT_MS, NULL));

    /* A crash in the call; an end in order is none that the caller may take for an answer. */
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_call(pid, TUPLE(ATOM("stop"), ATOM("boom")), LIMIT_MS, NULL));
    CHECK_REASON("boom");
    CHECK_ERROR(REGROW_ERR_NO_PROCESS, regrow_call(pid, ATOM("hello"), LIMIT_MS, NULL));
    CHECK_REASON("noproc");
    CHECK_ERROR(REGROW_ERR_NO_PROCESS, regrow_call((regrow_pid){ 0 }, ATOM("hello"), LIMIT_MS, NULL));
    pid = start_deferring(&actor);
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_call(pid, TUPLE(ATOM("stop"), ATOM("normal")), LIMIT_MS, NULL));
    CHECK_REASON("normal");

    /* Queued, and put off, when it is killed or ends. */
    for (int ending = 0; ending < 2; ending++) {
        pid = start_deferring(&actor);
        regrow_request *put_off = ask_later(pid, 1, LIMIT_MS), *queued;
        settle();
        CHECK_OK(regrow_suspend(pid, LIMIT_MS));
        CHECK_OK(regrow_call_async(pid, ATOM("hello"), LIMIT_MS, &queued));
        settle();
        CHECK_OK(regrow_exit(pid, ending ? ATOM("bored") : ATOM("kill")));
        CHECK_ERROR(REGROW_ERR_EXITED, regrow_request_wait(put_off, LIMIT_MS, NULL));
        CHECK_REASON(ending ? "bored" : "killed");
        CHECK_ERROR(REGROW_ERR_EXITED, regrow_request_wait(queued, LIMIT_MS, NULL));
        CHECK_REASON(ending ? "bored" : "killed");
        CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_answer(deferred[1], ATOM("too_late")));
        regrow_request_free(put_off);
        regrow_request_free(queued);
    }
}

static void *advance_elsewhere(void *argument)
{
    settle_until_waiting();
    CHECK_OK(regrow_advance(root, 20));
    return NULL;
}

static void a_call_that_runs_out_leaves_the_server_running_and_its_answer_is_dropped(void)
{
    actor actor = { .number = 5, .silent = true };
    regrow_pid pid = start_deferring(&actor);
    pthread_t thread = start_thread(advance_elsewhere, NULL);
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_call(pid, TUPLE(ATOM("later"), INT(2)), 20, NULL));
    CHECK_REASON("timeout");
    join_thread(thread);
    /* Whether it says that nobody waits is its own affair; what counts is that nothing comes. */
    regrow_answer(deferred[2], ATOM("late"));
    settle();
    CHECK_NO_MESSAGE();
    CHECK_OK(regrow_call(pid, ATOM("hello"), LIMIT_MS, NULL));
}

/* ---- requests ---- */

enum { MANY = 64 };

static void answers_find_their_requests_in_any_order(void)
{
    actor actor = { .number = 5, .silent = true };
    regrow_pid pid = start_deferring(&actor);
    regrow_request *pending[MANY];
    for (int at = 0; at < MANY; at++)
        pending[at] = ask_later(pid, at, LIMIT_MS);
    settle();
    CHECK(deferred_count == MANY);
    for (int at = MANY; at--;)
        CHECK_OK(regrow_answer(deferred[at], INT(1000 + at)));
    for (int at = 0; at < MANY; at++) {
        int place = at * 37 % MANY;
        regrow_term reply;
        CHECK_OK(regrow_request_wait(pending[place], LIMIT_MS, &reply));
        check_given(__FILE__, __LINE__, reply, "%d", 1000 + place);
        regrow_request_free(pending[place]);
    }
}

static void each_request_has_a_deadline_of_its_own(void)
{
    actor actor = { .number = 5, .silent = true };
    regrow_pid pid = start_deferring(&actor);
    regrow_request *brief = ask_later(pid, 0, 100), *longer = ask_later(pid, 1, 200);
    regrow_term reply;
    settle();
    CHECK_OK(regrow_advance(root, 100));
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_request_wait(brief, REGROW_INFINITY, NULL));
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_request_wait(longer, 0, NULL));
    CHECK_OK(regrow_answer(deferred[1], ATOM("in_time")));
    regrow_answer(deferred[0], ATOM("late"));
    CHECK_OK(regrow_request_wait(longer, LIMIT_MS, &reply));
    check_given(__FILE__, __LINE__, reply, "in_time");
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_request_wait(brief, 0, NULL));
    regrow_request_free(brief);
    regrow_request_free(longer);
}

static void a_request_that_was_given_up_leaves_nothing_behind(void)
{
    static int thing;
    actor actor = { .number = 5, .silent = true };
    regrow_pid pid = start_deferring(&actor);
    regrow_settled settled = { .size = sizeof settled };
    regrow_request *pending = ask_later(pid, 0, 1000);
    settle();
    atomic_store(&drops, 0);
    regrow_request_free(pending);
    regrow_answer(deferred[0], regrow_resource(&thing, count_drop));
    CHECK_OK(regrow_settle(root, LIMIT_MS, &settled));
    CHECK(settled.state == REGROW_QUIET);
    CHECK(drops == 1);
    CHECK_NO_MESSAGE();
    regrow_request_free(NULL);
}

static void an_answer_that_is_not_wanted_is_freed(void)
{
    static int thing;
    actor actor = { .number = 5, .silent = true };
    regrow_pid pid = start_deferring(&actor);
    regrow_request *pending = ask_later(pid, 0, LIMIT_MS);
    settle();
    atomic_store(&drops, 0);
    CHECK_OK(regrow_answer(deferred[0], regrow_resource(&thing, count_drop)));
    CHECK_OK(regrow_request_wait(pending, LIMIT_MS, NULL));
    regrow_request_free(pending);
    settle();
    CHECK(drops == 1);
    /* The request comes back in the answer. */
    CHECK_OK(regrow_call(pid, TUPLE(ATOM("take"), regrow_resource(&thing, count_drop)), LIMIT_MS, NULL));
    settle();
    CHECK(drops == 2);
}

static void note_outcome(void *user, regrow_error error, const regrow_term *result)
{
    note("%s:%s", (char *)user, error ? regrow_error_name(error) + strlen("REGROW_ERR_") : show(result));
}

static void note_drop(void *user)
{
    note("%s:drop", (char *)user);
}

static void on_reply_is_told_once_whatever_comes(void)
{
    actor actor = { .number = 5, .silent = true };
    regrow_pid pid = start_deferring(&actor);
    regrow_request *known = ask_later(pid, 0, LIMIT_MS);
    settle();
    CHECK_OK(regrow_answer(deferred[0], ATOM("yes")));
    CHECK_OK(regrow_on_reply(known, note_outcome, "known", note_drop));
    CHECK_LOG("known:yes known:drop");
    CHECK_OK(regrow_on_reply(ask_later(pid, 1, LIMIT_MS), note_outcome, "later", note_drop));
    CHECK_OK(regrow_on_reply(ask_later(pid, 2, 50), note_outcome, "late", note_drop));
    CHECK_OK(regrow_on_reply(ask_later(pid, 3, LIMIT_MS), note_outcome, "never", note_drop));
    CHECK_LOG("");
    CHECK_OK(regrow_answer(deferred[1], ATOM("yes")));
    CHECK_LOG("later:yes later:drop");
    CHECK_OK(regrow_advance(root, 50));
    CHECK_LOG("late:TIMEOUT late:drop");
    kill_and_wait(pid);
    CHECK_LOG("never:EXITED never:drop");
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_on_reply(NULL, note_outcome, "null", note_drop));
    CHECK_LOG("null:drop");
}

/* ---- idle timeouts ---- */

static regrow_next idle_init(regrow_context *context, void *user, const regrow_term *arg, void **state)
{
    return regrow_idle_timeout(context, REGROW_READY, 100);
}

static regrow_next idle_again(regrow_context *context, void *state, const regrow_term *message)
{
    note("%s", show(message));
    return regrow_is_atom(message, "timeout") || regrow_is_atom(message, "enough")
        ? REGROW_NOREPLY : regrow_idle_timeout(context, REGROW_NOREPLY, 100);
}

static regrow_next idle_reply(regrow_context *context, void *state, const regrow_term *request)
{
    return regrow_idle_timeout(context, regrow_reply(context, ATOM("ok")), regrow_is_atom(request, "now") ? 0 : 100);
}

static regrow_error show_nothing(void *state, regrow_term *shown)
{
    *shown = ATOM("nothing");
    return REGROW_OK;
}

static void the_idle_timeout_comes_when_nothing_came_and_any_message_ends_the_wait(void)
{
    regrow_server_spec server = { .size = sizeof server, .home = home, .init = idle_init, .handle_call = idle_reply,
                                  .handle_cast = idle_again, .handle_info = idle_again, .get_state = show_nothing };
    regrow_settled settled = { .size = sizeof settled };
    regrow_pid pid = start_server(&server, NULL);
    /* Set in init. */
    CHECK_OK(regrow_settle(root, LIMIT_MS, &settled));
    CHECK(settled.state == REGROW_WAITING && settled.kind == REGROW_TIMER_USER && settled.deadline_ms == 100);
    CHECK_OK(regrow_advance(root, 99));
    CHECK_LOG("");
    /* A cast, a message and a call each begin it anew. */
    CHECK_OK(regrow_cast(pid, ATOM("cast")));
    CHECK_LOG("cast");
    CHECK_OK(regrow_advance(root, 99));
    CHECK_OK(regrow_send(pid, ATOM("info")));
    CHECK_LOG("info");
    CHECK_OK(regrow_advance(root, 99));
    CHECK_OK(regrow_call(pid, ATOM("call"), LIMIT_MS, NULL));
    CHECK_OK(regrow_advance(root, 99));
    CHECK_LOG("");
    CHECK_OK(regrow_advance(root, 1));
    CHECK_LOG("timeout");
    /* It comes once. */
    CHECK_OK(regrow_settle(root, LIMIT_MS, &settled));
    CHECK(settled.state == REGROW_QUIET);
    /* A message that asks for none ends it. */
    CHECK_OK(regrow_cast(pid, ATOM("cast")));
    CHECK_OK(regrow_cast(pid, ATOM("enough")));
    CHECK_OK(regrow_advance(root, 1000));
    CHECK_LOG("cast enough");
    /* None at all. */
    CHECK_OK(regrow_call(pid, ATOM("now"), LIMIT_MS, NULL));
    CHECK_LOG("timeout");
    /* A look at its state begins it anew too, as in OTP. */
    CHECK_OK(regrow_cast(pid, ATOM("cast")));
    CHECK_OK(regrow_advance(root, 60));
    regrow_term shown;
    CHECK_OK(regrow_get_state(pid, LIMIT_MS, &shown));
    regrow_term_free(&shown);
    CHECK_OK(regrow_advance(root, 99));
    CHECK_LOG("cast");
    CHECK_OK(regrow_advance(root, 1));
    CHECK_LOG("timeout");
    /* So does a suspension, which it is not part of. */
    CHECK_OK(regrow_cast(pid, ATOM("cast")));
    CHECK_OK(regrow_suspend(pid, LIMIT_MS));
    CHECK_OK(regrow_advance(root, 1000));
    CHECK_LOG("cast");
    CHECK_OK(regrow_resume(pid, LIMIT_MS));
    CHECK_OK(regrow_advance(root, 99));
    CHECK_LOG("");
    CHECK_OK(regrow_advance(root, 1));
    CHECK_LOG("timeout");
}

/* ---- ends ---- */

static void note_reason(actor *actor, const regrow_term *reason)
{
    note("(%s)", show(reason));
}

static void stop_runs_terminate_and_waits_for_the_end(void)
{
    actor actor = { .number = 1, .on_terminate = note_reason };
    regrow_server_spec server = actor_at_home(&actor);
    server.drop = count_drop;
    atomic_store(&drops, 0);
    regrow_pid pid = start_server(&server, "brief");
    regrow_ref ref = monitor(pid);
    CHECK_OK(regrow_stop(pid, ATOM("enough"), LIMIT_MS));
    CHECK(!regrow_is_alive(pid));
    check_name_is_free("brief");
    CHECK_DOWN(ref, "enough");
    CHECK_LOG("S1 T1 (enough)");
    CHECK(drops == 1);
    CHECK_ERROR(REGROW_ERR_NO_PROCESS, regrow_stop(pid, ATOM("enough"), LIMIT_MS));
    CHECK_REASON("noproc");
}

static void end_differently(actor *actor, const regrow_term *reason)
{
    regrow_pid me;
    CHECK_OK(regrow_self(&me));
    CHECK_OK(regrow_exit(me, ATOM("kill")));
}

static regrow_pid gate;

static void wait_at_the_gate(actor *actor, const regrow_term *reason)
{
    regrow_term message;
    CHECK_OK(regrow_receive(REGROW_INFINITY, &message));
    regrow_term_free(&message);
}

static void *advance_fifty(void *argument)
{
    settle_until_waiting();
    CHECK_OK(regrow_advance(root, 50));
    return NULL;
}

static void stop_tells_of_another_reason_and_of_time_that_ran_out(void)
{
    actor other = { .number = 1, .silent = true, .on_terminate = end_differently };
    regrow_pid pid = start_actor(&other);
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_stop(pid, ATOM("enough"), LIMIT_MS));
    CHECK_REASON("killed");

    actor slow = { .number = 2, .silent = true, .on_terminate = wait_at_the_gate };
    gate = start_actor(&slow);
    regrow_ref ref = monitor(gate);
    pthread_t thread = start_thread(advance_fifty, NULL);
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_stop(gate, ATOM("enough"), 50));
    join_thread(thread);
    CHECK(regrow_is_alive(gate));
    CHECK_OK(regrow_send(gate, ATOM("open")));
    CHECK_DOWN(ref, "enough");
}

static regrow_next forget_to_return(regrow_context *context, void *state, const regrow_term *message)
{
    return 0;
}

static void terminate_runs_by_otps_rules_and_drop_always_once(void)
{
    static const struct {
        const char *what, *reason, *log;
        bool traps;
    } cases[] = {
        { "stop", "boom", "S1 T1 (boom)", false },
        { "stop", "normal", "S1 T1 (normal)", false },
        { "call", "boom", "S1 T1 (boom)", false },
        { "bad", "bad_return_value", "S1 T1 (bad_return_value)", false },
        { "exit", "shutdown", "S1", false },
        { "exit", "boom", "S1", false },
        { "exit", "kill", "S1", false },
        { "exit", "kill", "S1", true },
        { "parent", "shutdown", "S1 T1 (shutdown)", true },
        { "parent", "boom", "S1 T1 (boom)", true },
        { "parent", "shutdown", "S1", false },
    };
    CHECK_OK(regrow_trap_exit(true, NULL));
    for (size_t at = 0; at < sizeof cases / sizeof *cases; at++) {
        actor actor = { .number = 1, .traps = cases[at].traps, .on_terminate = note_reason };
        regrow_server_spec server = actor_at_home(&actor);
        server.drop = count_drop;
        atomic_store(&drops, 0);
        regrow_child_spec child = child_of(&server, NULL);
        regrow_pid pid;
        bool parent = strcmp(cases[at].what, "parent") == 0;
        if (strcmp(cases[at].what, "bad") == 0)
            server.handle_cast = forget_to_return;
        CHECK_OK(parent ? regrow_start_link(&child, &pid) : regrow_start(root, &child, &pid));
        regrow_ref ref = monitor(pid);
        if (strcmp(cases[at].what, "stop") == 0)
            CHECK_OK(regrow_cast(pid, TUPLE(ATOM("stop"), ATOM(cases[at].reason))));
        else if (strcmp(cases[at].what, "call") == 0)
            CHECK_ERROR(REGROW_ERR_EXITED, regrow_call(pid, TUPLE(ATOM("stop"), ATOM("boom")), LIMIT_MS, NULL));
        else if (strcmp(cases[at].what, "bad") == 0)
            CHECK_OK(regrow_cast(pid, ATOM("hello")));
        else
            CHECK_OK(regrow_exit(pid, ATOM(cases[at].reason)));
        CHECK_DOWN(ref, "%s", strcmp(cases[at].reason, "kill") ? cases[at].reason : "killed");
        CHECK_LOG(cases[at].log);
        CHECK(drops == 1);
        CHECK_OK(regrow_flush(NULL));
    }
    CHECK_OK(regrow_trap_exit(false, NULL));
}

static void a_strangers_exit_is_a_message_to_a_server_that_traps(void)
{
    regrow_server_spec server = noting;
    actor actor = { .number = 1, .silent = true, .traps = true };
    server.home = home;
    server.init = actor_init;
    server.user = &actor;
    regrow_pid pid = start_server(&server, NULL);
    char expected[64];
    CHECK_OK(regrow_exit(pid, ATOM("shutdown")));
    snprintf(expected, sizeof expected, "{'EXIT',%s,shutdown}", show_pid(self));
    CHECK_LOG(expected);
    CHECK(regrow_is_alive(pid));
}

/* ---- looking into a server ---- */

static regrow_error get_number(void *state, regrow_term *shown)
{
    *shown = INT(((actor *)state)->number);
    return REGROW_OK;
}

static regrow_error set_number(void *state, const regrow_term *given)
{
    int64_t number;
    if (!regrow_as_int(given, &number))
        return REGROW_ERR_WRONG_KIND;
    ((actor *)state)->number = (int)number;
    return REGROW_OK;
}

static void a_state_can_be_seen_and_replaced(void)
{
    actor actor = { .number = 1, .silent = true };
    regrow_server_spec server = actor_at_home(&actor);
    regrow_pid closed = start_server(&server, NULL);
    regrow_term state;
    CHECK_ERROR(REGROW_ERR_WRONG_KIND, regrow_get_state(closed, LIMIT_MS, &state));
    CHECK_ERROR(REGROW_ERR_WRONG_KIND, regrow_replace_state(closed, INT(3), LIMIT_MS));
    CHECK(regrow_is_alive(closed));
    server.get_state = get_number;
    server.replace_state = set_number;
    regrow_pid pid = start_server(&server, NULL);
    CHECK_OK(regrow_get_state(pid, LIMIT_MS, &state));
    check_given(__FILE__, __LINE__, state, "1");
    CHECK_OK(regrow_replace_state(pid, INT(2), LIMIT_MS));
    CHECK_ERROR(REGROW_ERR_WRONG_KIND, regrow_replace_state(pid, ATOM("no_number"), LIMIT_MS));
    /* Also while it is suspended. */
    CHECK_OK(regrow_suspend(pid, LIMIT_MS));
    CHECK_OK(regrow_get_state(pid, LIMIT_MS, &state));
    check_given(__FILE__, __LINE__, state, "2");
    kill_and_wait(pid);
    CHECK_ERROR(REGROW_ERR_NO_PROCESS, regrow_get_state(pid, LIMIT_MS, &state));
}

static regrow_term status_of(regrow_pid pid)
{
    regrow_term status;
    CHECK_OK(regrow_get_status(pid, LIMIT_MS, &status));
    return status;
}

#define CHECK_STATUS(pid, ...) check_given(__FILE__, __LINE__, status_of(pid), __VA_ARGS__)

static void every_kind_that_answers_tells_its_status(void)
{
    actor actor = { .number = 1, .silent = true };
    regrow_server_spec server = actor_at_home(&actor);
    regrow_pid me, pid, one;
    regrow_term status;
    CHECK_OK(regrow_self(&me));
    pid = start_server(&server, NULL);
    CHECK_STATUS(pid, "#{kind => server,label => undefined,name => undefined,parent => undefined,pid => %s,"
                      "sys_state => running,trace => false}", show_pid(pid));
    server.get_state = get_number;
    regrow_child_spec child = child_of(&server, "shown");
    CHECK_OK(regrow_start_link(&child, &one));
    CHECK_OK(regrow_suspend(one, LIMIT_MS));
    CHECK_STATUS(one, "#{kind => server,label => undefined,name => <<115,104,111,119,110>>,parent => %s,pid => %s,"
                      "state => 1,sys_state => suspended,trace => false}", show_pid(me), show_pid(one));
    CHECK_OK(regrow_resume(one, LIMIT_MS));
    CHECK_OK(regrow_unlink(one));
    kill_and_wait(one);
    CHECK_ERROR(REGROW_ERR_NO_PROCESS, regrow_get_status(one, LIMIT_MS, &status));

    regrow_term kept = INT(7);
    regrow_agent_spec agent = { .size = sizeof agent, .initial = &kept };
    child = (regrow_child_spec){ .size = sizeof child, .kind = REGROW_AGENT, .spec = &agent };
    CHECK_OK(regrow_start(root, &child, &one));
    CHECK_STATUS(one, "#{kind => agent,label => undefined,name => undefined,parent => undefined,pid => %s,state => 7,"
                      "sys_state => running,trace => false}", show_pid(one));
    CHECK_OK(regrow_get_state(one, LIMIT_MS, &status));
    check_given(__FILE__, __LINE__, status, "7");
    CHECK_OK(regrow_replace_state(one, INT(8), LIMIT_MS));
    CHECK_OK(regrow_agent_get(one, NULL, NULL, LIMIT_MS, &status));
    check_given(__FILE__, __LINE__, status, "8");
    kill_and_wait(one);

    regrow_registry_spec registry = { .size = sizeof registry, .keys = REGROW_DUPLICATE };
    child = (regrow_child_spec){ .size = sizeof child, .kind = REGROW_REGISTRY, .spec = &registry };
    CHECK_OK(regrow_start(root, &child, &one));
    CHECK_STATUS(one, "#{kind => registry,label => undefined,name => undefined,parent => undefined,pid => %s,"
                      "state => #{entries => 0,keys => duplicate},sys_state => running,trace => false}",
                 show_pid(one));
    kill_and_wait(one);

    regrow_child_spec worker = server_child(1, &server);
    regrow_supervisor_spec supervisor = { .size = sizeof supervisor, .strategy = REGROW_REST_FOR_ONE,
                                          .children = &worker, .child_count = 1 };
    child = supervisor_child(0, &supervisor);
    CHECK_OK(regrow_start(root, &child, &one));
    regrow_pid leaf = child_pid(one, 1);
    CHECK_OK(regrow_suspend(one, LIMIT_MS));
    CHECK_STATUS(one, "#{kind => supervisor,label => undefined,name => undefined,parent => undefined,pid => %s,"
                      "state => #{children => [{1,%s,worker,server}],max_restarts => 3,period_ms => 5000,"
                      "strategy => rest_for_one},sys_state => suspended,trace => false}",
                 show_pid(one), show_pid(leaf));
    CHECK_ERROR(REGROW_ERR_WRONG_KIND, regrow_replace_state(one, INT(1), LIMIT_MS));
    kill_and_wait(one);
    kill_and_wait(pid);
}

static void what_comes_during_a_suspension_is_handled_in_order_after_it(void)
{
    regrow_server_spec server = noting;
    server.home = home;
    regrow_pid pid = start_server(&server, NULL);
    regrow_request *pending;
    CHECK_OK(regrow_suspend(pid, LIMIT_MS));
    CHECK_OK(regrow_suspend(pid, LIMIT_MS));
    CHECK_OK(regrow_cast(pid, ATOM("a")));
    CHECK_OK(regrow_call_async(pid, ATOM("b"), LIMIT_MS, &pending));
    CHECK_OK(regrow_send(pid, ATOM("c")));
    CHECK_OK(regrow_cast(pid, ATOM("d")));
    CHECK_LOG("");
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_request_wait(pending, 0, NULL));
    CHECK_OK(regrow_resume(pid, LIMIT_MS));
    CHECK_OK(regrow_cast(pid, ATOM("e")));
    CHECK_LOG("a b c d e");
    CHECK_OK(regrow_request_wait(pending, LIMIT_MS, NULL));
    regrow_request_free(pending);
    CHECK_OK(regrow_resume(pid, LIMIT_MS));
}

static void a_suspended_server_can_still_be_ended(void)
{
    actor actor = { .number = 1, .traps = true };
    regrow_server_spec server = actor_at_home(&actor);
    regrow_child_spec child = child_of(&server, NULL);
    regrow_pid pid;
    CHECK_OK(regrow_trap_exit(true, NULL));
    CHECK_OK(regrow_start_link(&child, &pid));
    CHECK_OK(regrow_suspend(pid, LIMIT_MS));
    CHECK_OK(regrow_exit(pid, ATOM("shutdown")));
    CHECK_EXIT(pid, "shutdown");
    CHECK_LOG("S1 T1");
    CHECK_OK(regrow_start_link(&child, &pid));
    CHECK_OK(regrow_suspend(pid, LIMIT_MS));
    CHECK_OK(regrow_stop(pid, ATOM("enough"), LIMIT_MS));
    CHECK_EXIT(pid, "enough");
    CHECK_OK(regrow_trap_exit(false, NULL));
}

static sem_t state_reached, state_open;

static regrow_error stand_in_get_state(void *state, regrow_term *shown)
{
    sem_post(&state_reached);
    while (sem_wait(&state_open)) {
    }
    return REGROW_ERR_NOT_FOUND;
}

static void *ask_for_the_state(void *pid)
{
    regrow_term state;
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_get_state(*(regrow_pid *)pid, LIMIT_MS, &state));
    return NULL;
}

static void calls_held_by_a_suspended_server_are_answered_when_it_is_killed_in_get_state(void)
{
    regrow_server_spec server = { .size = sizeof server, .home = home,
                                  .get_state = stand_in_get_state };
    regrow_pid pid = start_server(&server, NULL);
    regrow_request *held, *system;
    pthread_t thread;
    sem_init(&state_reached, 0, 0);
    sem_init(&state_open, 0, 0);
    CHECK_OK(regrow_suspend(pid, LIMIT_MS));
    CHECK_OK(regrow_call_async(pid, INT(1), REGROW_INFINITY, &held));
    /* It has put the call aside before it shows its state. */
    CHECK(pthread_create(&thread, NULL, ask_for_the_state, &pid) == 0);
    while (sem_wait(&state_reached)) {
    }
    CHECK_OK(regrow_stop_async(pid, ATOM("enough"), REGROW_INFINITY, &system));
    CHECK_OK(regrow_exit(pid, ATOM("kill")));
    /* While it still stands there. */
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_request_wait(held, LIMIT_MS, NULL));
    CHECK_REASON("killed");
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_request_wait(system, LIMIT_MS, NULL));
    pthread_join(thread, NULL);
    sem_post(&state_open);
    regrow_request_free(held);
    regrow_request_free(system);
}

/* ---- names ---- */

static void a_second_start_of_a_name_tells_of_the_first_and_leaves_it_alone(void)
{
    actor first = { .number = 1 }, second = { .number = 2 };
    regrow_server_spec first_server = actor_at_home(&first), second_server = actor_at_home(&second);
    regrow_pid pid = start_server(&first_server, "one"), other = { 0 };
    regrow_child_spec child = child_of(&second_server, "one");
    second_server.drop_user = count_drop;
    atomic_store(&drops, 0);
    CHECK_ERROR(REGROW_ERR_EXISTS, regrow_start(root, &child, &other));
    CHECK_REASON("{already_started,%s}", show_pid(pid));
    CHECK(other.id == 0 && drops == 1);
    CHECK_OK(regrow_whereis(root, "one", &other));
    CHECK(other.id == pid.id && regrow_is_alive(pid));
    CHECK_LOG("S1");
}

static void whoever_got_the_last_answer_can_start_the_name_anew(void)
{
    actor actor = { .number = 1, .silent = true };
    regrow_server_spec server = actor_at_home(&actor);
    size_t failures = 0;
    for (size_t left = rounds(5000); left; left--) {
        regrow_child_spec child = child_of(&server, "phoenix");
        regrow_pid pid;
        regrow_term reply;
        if (regrow_start(root, &child, &pid) != REGROW_OK) {
            failures++;
            continue;
        }
        CHECK_OK(regrow_call(pid, TUPLE(ATOM("reply_stop"), ATOM("bye"), ATOM("normal")), LIMIT_MS, &reply));
        check_given(__FILE__, __LINE__, reply, "bye");
    }
    CHECK(failures == 0);
}

/* Between the first instruction of init and the last of terminate. */
static atomic_int lives;

static regrow_next come_to_life(regrow_context *context, actor *actor)
{
    CHECK(atomic_fetch_add(&lives, 1) == 0);
    return REGROW_READY;
}

static void die_slowly(actor *actor, const regrow_term *reason)
{
    regrow_sleep(0);
    atomic_fetch_sub(&lives, 1);
}

static void whoever_is_told_of_an_end_can_start_the_name_anew(void)
{
    actor actor = { .number = 1, .silent = true, .on_init = come_to_life, .on_terminate = die_slowly };
    regrow_server_spec server = actor_at_home(&actor);
    size_t failures = 0;
    atomic_store(&lives, 0);
    for (size_t left = rounds(5000); left; left--) {
        regrow_child_spec child = child_of(&server, "phoenix");
        regrow_pid pid;
        if (regrow_start(root, &child, &pid) != REGROW_OK) {
            failures++;
            continue;
        }
        regrow_ref ref = monitor(pid);
        if (left % 2) {
            CHECK_OK(regrow_exit(pid, ATOM("kill")));
            CHECK_DOWN(ref, "killed");
            atomic_store(&lives, 0);
        } else {
            CHECK_OK(regrow_cast(pid, TUPLE(ATOM("stop"), ATOM("normal"))));
            CHECK_DOWN(ref, "normal");
        }
    }
    CHECK(failures == 0);
}

static void the_next_life_begins_when_the_one_before_is_over(void)
{
    actor actor = { .number = 1, .silent = true, .on_init = come_to_life, .on_terminate = die_slowly };
    regrow_server_spec server = actor_at_home(&actor);
    regrow_child_spec child = server_child(1, &server);
    child.name = "phoenix";
    regrow_supervisor_spec supervisor = { .size = sizeof supervisor, .max_restarts = 2000000000, .period_ms = 1,
                                          .children = &child, .child_count = 1 };
    regrow_child_spec start = supervisor_child(0, &supervisor);
    regrow_address address = { .size = sizeof address, .runtime = root, .name = "phoenix", .wait_ms = LIMIT_MS };
    regrow_pid tree, pid;
    size_t ends = rounds(2000);
    atomic_store(&lives, 0);
    CHECK_OK(regrow_start(root, &start, &tree));
    for (size_t left = ends; left; left--) {
        CHECK_OK(regrow_whereis_at(&address, &pid));
        regrow_ref ref = monitor(pid);
        CHECK_OK(regrow_cast(pid, TUPLE(ATOM("stop"), ATOM("boom"))));
        CHECK_DOWN(ref, "boom");
    }
    CHECK_OK(regrow_call_at(&address, ATOM("are_you_up"), LIMIT_MS, NULL));
    CHECK((size_t)atomic_load(&actor.starts) == ends + 1);
    CHECK_OK(regrow_stop(tree, ATOM("normal"), LIMIT_MS));
}

/* ---- calls never hang ---- */

enum { CALLERS = 8 };
static atomic_bool over;
static atomic_size_t answered;

static void *call_and_call(void *argument)
{
    regrow_address address = { .size = sizeof address, .runtime = root, .name = "prey" };
    for (size_t left = rounds(10000); left; left--) {
        regrow_error error = regrow_call_at(&address, ATOM("hello"), LIMIT_MS, NULL);
        CHECK(error == REGROW_OK || error == REGROW_ERR_EXITED || error == REGROW_ERR_NO_PROCESS
              || error == REGROW_ERR_NOT_FOUND);
        if (!error)
            atomic_fetch_add(&answered, 1);
    }
    return NULL;
}

enum { LEAST_KILLS = 100 };

static void *kill_and_kill(void *argument)
{
    for (size_t kills = 0; kills < LEAST_KILLS || !atomic_load(&over); kills++) {
        regrow_address address = { .size = sizeof address, .runtime = root, .name = "prey", .wait_ms = LIMIT_MS };
        regrow_pid pid;
        CHECK_OK(regrow_whereis_at(&address, &pid));
        CHECK_OK(regrow_exit(pid, ATOM("kill")));
    }
    return NULL;
}

static void every_call_returns_while_the_server_is_killed_again_and_again(void)
{
    /* Outlives this function: the last kill's restart may come after it. */
    static actor actor;
    actor.number = 1;
    actor.silent = true;
    atomic_store(&actor.starts, 0);
    regrow_server_spec server = actor_at_home(&actor);
    regrow_child_spec child = server_child(1, &server);
    child.name = "prey";
    regrow_supervisor_spec supervisor = { .size = sizeof supervisor, .max_restarts = 2000000000, .period_ms = 1,
                                          .children = &child, .child_count = 1 };
    regrow_child_spec start = supervisor_child(0, &supervisor);
    pthread_t callers[CALLERS], killer;
    regrow_pid pid;
    CHECK_OK(regrow_start(root, &start, &pid));
    atomic_store(&over, false);
    atomic_store(&answered, 0);
    for (size_t at = 0; at < CALLERS; at++)
        callers[at] = start_thread(call_and_call, NULL);
    killer = start_thread(kill_and_kill, NULL);
    for (size_t at = 0; at < CALLERS; at++)
        join_thread(callers[at]);
    atomic_store(&over, true);
    join_thread(killer);
    CHECK_OK(regrow_stop(pid, ATOM("normal"), LIMIT_MS));
}

/* ---- alike ---- */

static regrow_next add_up(regrow_context *context, void *user, const regrow_term *argument, void **state)
{
    int64_t number;
    CHECK(regrow_as_int(argument, &number));
    *state = (void *)(intptr_t)(number + *(int *)user);
    return REGROW_READY;
}

static regrow_next tell_sum(regrow_context *context, void *state, const regrow_term *request)
{
    return regrow_reply(context, regrow_int((intptr_t)state));
}

static void servers_that_are_started_alike_have_arguments_and_users_of_their_own(void)
{
    enum { USERS = 2, EACH = 3 };
    int users[USERS] = { 10, 20 };
    regrow_pid pids[USERS][EACH];
    for (int user = 0; user < USERS; user++) {
        for (int each = 0; each < EACH; each++) {
            regrow_term argument = regrow_int(each);
            regrow_server_spec server = { .size = sizeof server, .init = add_up, .handle_call = tell_sum,
                                          .arg = &argument, .user = &users[user], .home = home };
            pids[user][each] = start_server(&server, NULL);
        }
    }
    for (int user = 0; user < USERS; user++) {
        for (int each = 0; each < EACH; each++) {
            regrow_term sum;
            int64_t number;
            CHECK_OK(regrow_call(pids[user][each], regrow_nil(), LIMIT_MS, &sum));
            CHECK(regrow_as_int(&sum, &number) && number == users[user] + each);
            CHECK_OK(regrow_stop(pids[user][each], ATOM("normal"), LIMIT_MS));
        }
    }
}

int main(void)
{
    for (home = REGROW_SHARED; home <= REGROW_THREAD; home++) {
        TEST(a_start_returns_only_after_init);
        TEST(a_start_that_fails_gives_the_reason_and_leaves_no_name_and_no_process);
        TEST(a_server_without_init_is_up_at_once);
        TEST(servers_that_are_started_alike_have_arguments_and_users_of_their_own);
        TEST_MANUAL(an_init_that_takes_too_long_is_given_up_and_leaves_nothing);
        TEST(a_process_killed_in_its_init_ends_the_start_with_killed);
        TEST(a_linked_start_that_fails_is_an_exit_signal_to_the_starter_too);
        TEST(continue_runs_before_what_was_queued_meanwhile);
        TEST(a_server_continues_any_number_of_times);
        TEST(a_server_that_stops_in_its_continuation_had_started);
        TEST(an_answer_may_come_later_and_from_another_thread_but_once);
        TEST(a_call_that_cannot_be_answered_ends_with_the_servers_reason);
        TEST_MANUAL(a_call_that_runs_out_leaves_the_server_running_and_its_answer_is_dropped);
        TEST(answers_find_their_requests_in_any_order);
        TEST_MANUAL(each_request_has_a_deadline_of_its_own);
        TEST_MANUAL(a_request_that_was_given_up_leaves_nothing_behind);
        TEST(an_answer_that_is_not_wanted_is_freed);
        TEST_MANUAL(on_reply_is_told_once_whatever_comes);
        TEST_MANUAL(the_idle_timeout_comes_when_nothing_came_and_any_message_ends_the_wait);
        TEST(stop_runs_terminate_and_waits_for_the_end);
        TEST_MANUAL(stop_tells_of_another_reason_and_of_time_that_ran_out);
        TEST(terminate_runs_by_otps_rules_and_drop_always_once);
        TEST(a_strangers_exit_is_a_message_to_a_server_that_traps);
        TEST(a_state_can_be_seen_and_replaced);
        TEST(what_comes_during_a_suspension_is_handled_in_order_after_it);
        TEST(a_suspended_server_can_still_be_ended);
        TEST(every_kind_that_answers_tells_its_status);
        TEST(calls_held_by_a_suspended_server_are_answered_when_it_is_killed_in_get_state);
        TEST(a_second_start_of_a_name_tells_of_the_first_and_leaves_it_alone);
        TEST(whoever_got_the_last_answer_can_start_the_name_anew);
        TEST(whoever_is_told_of_an_end_can_start_the_name_anew);
        TEST(the_next_life_begins_when_the_one_before_is_over);
        TEST(every_call_returns_while_the_server_is_killed_again_and_again);
    }
    return 0;
}
