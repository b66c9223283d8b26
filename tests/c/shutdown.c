/* The end of a runtime: in order, by its deadline, and with a list of what is stuck. */
#include "tree.h"
#include <time.h>
#include <unistd.h>

static void start_runtime(uint32_t clock)
{
    regrow_options options = { .size = sizeof options, .workers = 2, .clock = clock,
                               .log_level = REGROW_LOG_SILENT };
    CHECK_OK(regrow_init(&options, &root));
    log_text[0] = 0;
}

static void check_log_now(const char *expected)
{
    if (strcmp(log_text, expected) != 0) {
        fprintf(stderr, "the log is \"%s\", not \"%s\"\n", log_text, expected);
        _Exit(1);
    }
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static atomic_int drops;

static void count_drop(void *pointer)
{
    atomic_fetch_add(&drops, 1);
}

static void children_end_last_to_first_and_nothing_is_left(void)
{
    tree tree;
    start_runtime(REGROW_MONOTONIC);
    atomic_store(&drops, 0);
    plant(&tree, 4, REGROW_ONE_FOR_ONE);
    for (int at = 0; at < 4; at++) {
        tree.servers[at].drop = count_drop;
        tree.servers[at].drop_user = count_drop;
    }
    tree.spec.child_count = 2;
    regrow_child_spec supervisor = supervisor_child(9, &tree.spec);
    CHECK_OK(regrow_supervisor_start_child(root, &tree.children[2], NULL));
    CHECK_OK(regrow_supervisor_start_child(root, &supervisor, NULL));
    CHECK_OK(regrow_supervisor_start_child(root, &tree.children[3], NULL));
    /* One that stands outside of the tree. */
    actor outside = { .number = 7, .silent = true };
    regrow_server_spec server = actor_spec(&outside);
    server.drop = server.drop_user = count_drop;
    regrow_child_spec child = server_child(7, &server);
    CHECK_OK(regrow_start(root, &child, NULL));
    regrow_term stuck = ATOM("untouched");
    CHECK_OK(regrow_shutdown(root, REGROW_INFINITY, &stuck));
    CHECK(regrow_is_nil(&stuck));
    check_log_now("S3 S1 S2 S4 T4 T2 T1 T3");
    CHECK(drops == 10);
    /* The root's pid is nobody's now. */
    regrow_pid pid;
    CHECK(!regrow_is_alive(root));
    CHECK_ERROR(REGROW_ERR_NOT_ALIVE, regrow_shutdown(root, 0, NULL));
    CHECK(regrow_start(root, &child, NULL) != REGROW_OK);
    CHECK(regrow_whereis(root, "name", &pid) != REGROW_OK);
    CHECK(regrow_settle(root, 0, NULL) != REGROW_OK);
    CHECK(drops == 11);
}

/* ---- what is stuck ---- */

static int gate[2];
static atomic_int inside;

static regrow_next block(regrow_context *context, void *state, const regrow_term *message)
{
    char byte;
    atomic_fetch_add(&inside, 1);
    CHECK(read(gate[0], &byte, 1) == 0);
    atomic_fetch_sub(&inside, 1);
    return REGROW_NOREPLY;
}

static bool names(const regrow_term *list, regrow_pid wanted)
{
    regrow_pid pid;
    for (; regrow_list_head(list); list = regrow_list_tail(list))
        if (regrow_as_pid(regrow_list_head(list), &pid) && pid.id == wanted.id)
            return true;
    return false;
}

static void the_deadline_is_kept_and_what_is_stuck_is_named(void)
{
    static const uint32_t homes[] = { REGROW_SHARED, REGROW_THREAD };
    for (size_t at = 0; at < 2; at++) {
        actor free_one = { .number = 1, .silent = true }, stuck_one = { .number = 2, .silent = true };
        regrow_server_spec free_server = actor_spec(&free_one), stuck_server = actor_spec(&stuck_one);
        regrow_pid pid, self_pid;
        regrow_term stuck;
        start_runtime(REGROW_MONOTONIC);
        CHECK(pipe(gate) == 0);
        atomic_store(&drops, 0);
        atomic_store(&inside, 0);
        free_server.drop = stuck_server.drop = count_drop;
        stuck_server.home = homes[at];
        stuck_server.handle_cast = block;
        regrow_child_spec first = server_child(1, &free_server), second = server_child(2, &stuck_server);
        CHECK_OK(regrow_supervisor_start_child(root, &first, NULL));
        CHECK_OK(regrow_supervisor_start_child(root, &second, &pid));
        CHECK_OK(regrow_cast(pid, ATOM("block")));
        while (!inside)
            sched_yield();
        double begun = seconds();
        CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_shutdown(root, 200, &stuck));
        double took = seconds() - begun;
        CHECK(took >= 0.199 && took < 10);
        CHECK(names(&stuck, pid));
        regrow_term_free(&stuck);
        CHECK(inside == 1 && !regrow_is_alive(pid));
        /* Nothing can be started in it any more. */
        CHECK(regrow_start(root, &first, NULL) != REGROW_OK);
        CHECK(regrow_enter(root, &self_pid) != REGROW_OK);
        /* Still, and in the end it alone: the ends of others may have waited for a processor. */
        begun = seconds();
        for (bool alone = false; !alone; regrow_term_free(&stuck)) {
            CHECK(seconds() - begun < LIMIT_MS / 1000);
            CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_shutdown(root, 0, &stuck));
            CHECK(names(&stuck, pid));
            alone = regrow_is_nil(regrow_list_tail(&stuck));
        }
        CHECK(close(gate[1]) == 0);
        CHECK_OK(regrow_shutdown(root, LIMIT_MS, NULL));
        CHECK(inside == 0 && drops == 2);
        CHECK(close(gate[0]) == 0);
    }
}

static void wait_for_ever(actor *actor, const regrow_term *reason)
{
    regrow_term message;
    regrow_error error;
    /* It may be told to shut down once more. */
    while ((error = regrow_receive(REGROW_INFINITY, &message)) == REGROW_OK)
        regrow_term_free(&message);
    CHECK(error == REGROW_ERR_KILLED);
    note("fenced");
}

static void the_deadline_cuts_shutdown_times_off(void)
{
    /* Longer and longer, until the second was told to shut down by then. */
    uint32_t deadline_ms = 50;
    do {
        tree tree;
        CHECK(deadline_ms < LIMIT_MS);
        start_runtime(REGROW_MONOTONIC);
        plant(&tree, 2, REGROW_ONE_FOR_ONE);
        tree.actors[2].on_terminate = wait_for_ever;
        tree.children[1].shutdown_ms = REGROW_INFINITY;
        regrow_child_spec supervisor = supervisor_child(9, &tree.spec);
        CHECK_OK(regrow_supervisor_start_child(root, &supervisor, NULL));
        regrow_error error = regrow_shutdown(root, deadline_ms, NULL);
        if (error)
            CHECK_OK(regrow_shutdown(root, LIMIT_MS, NULL));
        deadline_ms *= 2;
    } while (!strstr(log_text, "T2"));
    CHECK(strncmp(log_text, "S1 S2 T2", 8) == 0 && strstr(log_text, "fenced"));
}

static void nap(actor *actor, const regrow_term *reason)
{
    CHECK_OK(regrow_sleep(1000));
    note("(T%d)", actor->number);
}

static void a_manual_clock_does_not_hold_it_up(void)
{
    tree tree;
    start_runtime(REGROW_MANUAL);
    plant(&tree, 2, REGROW_ONE_FOR_ONE);
    tree.actors[1].on_terminate = tree.actors[2].on_terminate = nap;
    regrow_child_spec supervisor = supervisor_child(9, &tree.spec);
    CHECK_OK(regrow_supervisor_start_child(root, &supervisor, NULL));
    CHECK_OK(regrow_shutdown(root, LIMIT_MS, NULL));
    check_log_now("S1 S2 T2 (T2) T1 (T1)");
}

/* ---- who may, and who waits ---- */

static regrow_next shut_down_from_within(regrow_context *context, void *state, const regrow_term *request)
{
    CHECK_ERROR(REGROW_ERR_WOULD_DEADLOCK, regrow_shutdown(root, LIMIT_MS, NULL));
    CHECK_ERROR(REGROW_ERR_WOULD_DEADLOCK, regrow_settle(root, LIMIT_MS, NULL));
    return regrow_reply(context, ATOM("ok"));
}

static void a_callback_cannot_wait_for_its_own_end(void)
{
    regrow_server_spec server = { .size = sizeof server, .handle_call = shut_down_from_within };
    regrow_child_spec child = server_child(1, &server);
    regrow_pid pid;
    start_runtime(REGROW_MONOTONIC);
    CHECK_OK(regrow_supervisor_start_child(root, &child, &pid));
    CHECK_OK(regrow_call(pid, ATOM("hello"), LIMIT_MS, NULL));
    CHECK_ERROR(REGROW_ERR_NOT_ALIVE, regrow_shutdown(pid, 0, NULL));
    CHECK_ERROR(REGROW_ERR_NOT_ALIVE, regrow_shutdown((regrow_pid){ 0 }, 0, NULL));
    CHECK(regrow_is_alive(pid));
    CHECK_OK(regrow_shutdown(root, LIMIT_MS, NULL));
}

static regrow_next put_off(regrow_context *context, void *state, const regrow_term *request)
{
    regrow_caller caller;
    CHECK_OK(regrow_defer(context, &caller));
    atomic_fetch_add(&inside, 1);
    return REGROW_NOREPLY;
}

static void *call_for_ever(void *argument)
{
    regrow_error error = regrow_call(*(regrow_pid *)argument, ATOM("hello"), REGROW_INFINITY, NULL);
    CHECK(error == REGROW_ERR_EXITED || error == REGROW_ERR_NOT_ALIVE);
    return NULL;
}

static void *receive_for_ever(void *argument)
{
    regrow_pid me;
    regrow_term message;
    CHECK_OK(regrow_enter(root, &me));
    atomic_fetch_add(&inside, 1);
    regrow_error error = regrow_receive(REGROW_INFINITY, &message);
    CHECK(error == REGROW_ERR_KILLED || error == REGROW_ERR_NOT_ALIVE);
    CHECK(!regrow_is_alive(me));
    return NULL;
}

static void who_waits_is_woken(void)
{
    regrow_server_spec server = { .size = sizeof server, .handle_call = put_off };
    regrow_child_spec child = server_child(1, &server);
    regrow_pid pid;
    start_runtime(REGROW_MONOTONIC);
    atomic_store(&inside, 0);
    CHECK_OK(regrow_supervisor_start_child(root, &child, &pid));
    pthread_t calling = start_thread(call_for_ever, &pid), receiving = start_thread(receive_for_ever, NULL);
    while (inside < 2)
        sched_yield();
    CHECK_OK(regrow_shutdown(root, LIMIT_MS, NULL));
    join_thread(calling);
    join_thread(receiving);
}

static void the_thread_that_entered_has_left(void)
{
    regrow_pid me;
    start_runtime(REGROW_MONOTONIC);
    CHECK_OK(regrow_enter(root, &me));
    CHECK_OK(regrow_shutdown(root, LIMIT_MS, NULL));
    CHECK_ERROR(REGROW_ERR_CONTEXT, regrow_self(&me));
    CHECK_ERROR(REGROW_ERR_CONTEXT, regrow_leave());
}

static void two_runtimes_share_nothing(void)
{
    actor actor = { .number = 1, .silent = true };
    regrow_server_spec server = actor_spec(&actor);
    regrow_child_spec child = server_child(1, &server);
    regrow_pid first, here, there, found;
    child.name = "name";
    start_runtime(REGROW_MONOTONIC);
    first = root;
    CHECK_OK(regrow_supervisor_start_child(first, &child, &here));
    start_runtime(REGROW_MONOTONIC);
    CHECK_OK(regrow_supervisor_start_child(root, &child, &there));
    CHECK(here.id != there.id);
    CHECK_OK(regrow_shutdown(first, LIMIT_MS, NULL));
    CHECK(!regrow_is_alive(here) && regrow_is_alive(there));
    CHECK_OK(regrow_call(there, ATOM("hello"), LIMIT_MS, NULL));
    CHECK_OK(regrow_whereis(root, "name", &found));
    CHECK(found.id == there.id);
    CHECK_OK(regrow_shutdown(root, LIMIT_MS, NULL));
}

static void runtimes_come_and_go(void)
{
    for (size_t left = rounds(50); left; left--) {
        tree tree;
        start_runtime(REGROW_MONOTONIC);
        plant(&tree, 3, REGROW_ONE_FOR_ALL);
        regrow_child_spec supervisor = supervisor_child(9, &tree.spec);
        CHECK_OK(regrow_supervisor_start_child(root, &supervisor, NULL));
        CHECK_OK(regrow_shutdown(root, LIMIT_MS, NULL));
        check_log_now("S1 S2 S3 T3 T2 T1");
    }
}

static void a_root_that_gave_up_is_shut_down_all_the_same(void)
{
    regrow_options options = { .size = sizeof options, .workers = 2, .max_restarts = REGROW_NONE,
                               .log_level = REGROW_LOG_SILENT };
    tree tree;
    regrow_pid pid;
    plant(&tree, 2, REGROW_ONE_FOR_ONE);
    CHECK_OK(regrow_init(&options, &root));
    log_text[0] = 0;
    CHECK_OK(regrow_supervisor_start_child(root, &tree.children[0], NULL));
    CHECK_OK(regrow_supervisor_start_child(root, &tree.children[1], &pid));
    CHECK_OK(regrow_cast(pid, TUPLE(ATOM("stop"), ATOM("boom"))));
    while (regrow_is_alive(root))
        sched_yield();
    check_log_now("S1 S2 T2 T1");
    CHECK_OK(regrow_shutdown(root, LIMIT_MS, NULL));
}

/* ---- outside of the tree ---- */

static regrow_next init_trapping(regrow_context *context, void *user, const regrow_term *argument, void **state)
{
    CHECK_OK(regrow_trap_exit(true, NULL));
    return REGROW_READY;
}

static void note_reason(regrow_context *context, void *state, const regrow_term *reason)
{
    note(regrow_is_atom(reason, "shutdown") ? "shutdown" : "another reason");
}

static void deliver(void *user, regrow_pid pid, const regrow_term *message, regrow_caller caller)
{
}

static void what_is_outside_and_traps_exits_ends_at_once(void)
{
    /* Were one of them waited for, it would be 0.1 each time, as it is now and then where others have the processors. */
    for (int round = 0, in_time = 0; in_time < 10; round++) {
        CHECK(round < 300);
        start_runtime(REGROW_MONOTONIC);
        regrow_server_spec server = { .size = sizeof server, .init = init_trapping, .terminate = note_reason };
        regrow_registry_spec registry = { .size = sizeof registry, .keys = REGROW_UNIQUE };
        regrow_pubsub_spec pubsub = { .size = sizeof pubsub };
        regrow_agent_spec agent = { .size = sizeof agent };
        regrow_host_spec host = { .size = sizeof host, .deliver = deliver };
        regrow_task_supervisor_spec tasks = { .size = sizeof tasks };
        const regrow_child_spec outside[] = {
            { .size = sizeof *outside, .kind = REGROW_SERVER, .spec = &server },
            { .size = sizeof *outside, .kind = REGROW_REGISTRY, .spec = &registry },
            { .size = sizeof *outside, .kind = REGROW_PUBSUB, .spec = &pubsub },
            { .size = sizeof *outside, .kind = REGROW_AGENT, .spec = &agent },
            { .size = sizeof *outside, .kind = REGROW_HOST, .spec = &host },
            { .size = sizeof *outside, .kind = REGROW_TASK_SUPERVISOR, .spec = &tasks },
        };
        for (size_t at = 0; at < sizeof outside / sizeof *outside; at++)
            CHECK_OK(regrow_start(root, &outside[at], NULL));
        double begun = seconds();
        CHECK_OK(regrow_shutdown(root, REGROW_INFINITY, NULL));
        double took = seconds() - begun;
        if (took < 0.09) {
            check_log_now("shutdown");
            in_time++;
        }
    }
}

int main(void)
{
    children_end_last_to_first_and_nothing_is_left();
    the_deadline_is_kept_and_what_is_stuck_is_named();
    the_deadline_cuts_shutdown_times_off();
    a_manual_clock_does_not_hold_it_up();
    a_callback_cannot_wait_for_its_own_end();
    who_waits_is_woken();
    the_thread_that_entered_has_left();
    two_runtimes_share_nothing();
    runtimes_come_and_go();
    a_root_that_gave_up_is_shut_down_all_the_same();
    what_is_outside_and_traps_exits_ends_at_once();
    return 0;
}
