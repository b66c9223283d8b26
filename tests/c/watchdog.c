/* Callbacks that run on and on: ended by their process's watchdog, never early, and replaced (FEATURES B3). Who is stuck
 * here loops until a flag is set, so that no thread is left behind. */
#include "support.h"
#include <dirent.h>
#include <unistd.h>

/* The watchdogs are real, and so are those of the callbacks that are well: none of them may be kept from a processor for
 * so long. */
enum { WATCHDOG_MS = 100, LONGER_MS = 300, UNHURRIED_MS = 2000, GENEROUS_MS = 20000 };

static uint64_t real_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static regrow_pid nobody; /* dead: sends to it are dropped, or refused to a ghost */

static bool is_fenced(void)
{
    return regrow_send(nobody, regrow_nil()) == REGROW_ERR_KILLED;
}

/* ---- a loop that ends only when it is let go ---- */

typedef struct hung {
    const char *where;  /* which of its callbacks hangs; the others are well */
    uint32_t watchdog_ms;
    atomic_int stuck;   /* times that it went into the loop */
    atomic_bool let_go;
    atomic_bool fenced; /* each call in the loop's wake was refused */
    atomic_int inits, dropped, terminated;
} hung;

static void hang(hung *mine)
{
    regrow_term message;
    atomic_fetch_add(&mine->stuck, 1);
    while (!mine->let_go) {
    }
    mine->fenced = is_fenced() && regrow_receive(0, &message) == REGROW_ERR_KILLED
                   && regrow_sleep(1) == REGROW_ERR_KILLED && regrow_trap_exit(true, NULL) == REGROW_ERR_KILLED
                   && regrow_register(nobody, "by_a_ghost") == REGROW_ERR_KILLED;
}

static void hang_in(hung *mine, const char *where)
{
    if (mine->where && !strcmp(mine->where, where))
        hang(mine);
}

static regrow_next hung_init(regrow_context *context, void *user, const regrow_term *arg, void **state)
{
    hung *mine = user;
    *state = user;
    if (atomic_fetch_add(&mine->inits, 1) == 0)
        hang_in(mine, "init");
    return REGROW_READY;
}

static regrow_next hung_call(regrow_context *context, void *state, const regrow_term *request)
{
    hung *mine = state;
    if (regrow_is_atom(request, "hang"))
        hang_in(mine, "call");
    if (regrow_is_atom(request, "continue"))
        return regrow_continue(context, regrow_reply(context, regrow_atom("fine")), regrow_nil());
    return regrow_reply(context, regrow_atom("fine"));
}

static regrow_next hung_cast(regrow_context *context, void *state, const regrow_term *message)
{
    hang_in(state, "cast");
    return REGROW_NOREPLY;
}

static regrow_next hung_info(regrow_context *context, void *state, const regrow_term *message)
{
    hang_in(state, "info");
    return REGROW_NOREPLY;
}

static regrow_next hung_continue(regrow_context *context, void *state, const regrow_term *argument)
{
    hang_in(state, "continue");
    return REGROW_NOREPLY;
}

static void hung_terminate(regrow_context *context, void *state, const regrow_term *reason)
{
    atomic_fetch_add(&((hung *)state)->terminated, 1);
    hang_in(state, "terminate");
}

static void hung_drop(void *state)
{
    atomic_fetch_add(&((hung *)state)->dropped, 1);
}

static regrow_server_spec hung_spec(hung *mine)
{
    return (regrow_server_spec){ .size = sizeof(regrow_server_spec), .init = hung_init, .handle_call = hung_call,
                                 .handle_cast = hung_cast, .handle_info = hung_info,
                                 .handle_continue = hung_continue, .terminate = hung_terminate, .drop = hung_drop,
                                 .user = mine, .watchdog_ms = mine->watchdog_ms ? mine->watchdog_ms : WATCHDOG_MS };
}

static void let_go(hung *mine)
{
    mine->let_go = true;
    EVENTUALLY(stats().ghosts == 0);
}

/* Lets at least so much time of watchdogs go by: another server hangs until its own has ended it. */
static void pass(uint32_t ms)
{
    hung other = { .where = "info", .watchdog_ms = ms };
    regrow_server_spec spec = hung_spec(&other);
    regrow_pid pid = start_server(&spec);
    regrow_ref monitor = monitored(pid);
    char reason[40];
    snprintf(reason, sizeof reason, "{watchdog,%u}", ms);
    CHECK_OK(regrow_send(pid, regrow_nil()));
    CHECK_DOWN(reason, monitor);
    other.let_go = true;
    EVENTUALLY(other.dropped == 1);
}

static void answers(regrow_pid server)
{
    regrow_term reply;
    CHECK_OK(regrow_call(server, regrow_nil(), LONG_MS, &reply));
    CHECK(regrow_is_atom(&reply, "fine"));
    regrow_term_free(&reply);
}

static void call_by_name(const char *name)
{
    regrow_address address = { .size = sizeof address, .runtime = root, .name = name, .wait_ms = LONG_MS };
    regrow_term reply;
    regrow_error error;
    /* The old one may still have the name while its end is carried out. */
    while ((error = regrow_call_at(&address, regrow_nil(), LONG_MS, &reply)) == REGROW_ERR_EXITED) {
    }
    CHECK_OK(error);
    CHECK(regrow_is_atom(&reply, "fine"));
    regrow_term_free(&reply);
}

/* ---- servers under a supervisor ---- */

static void hangs_and_is_replaced(const char *where, uint32_t home)
{
    hung mine = { .where = where };
    regrow_server_spec spec = hung_spec(&mine);
    spec.home = home;
    regrow_child_spec how = child(REGROW_SERVER, &spec);
    regrow_supervisor_spec tree = { .size = sizeof tree, .children = &how, .child_count = 1 };
    regrow_child_spec how_tree = child(REGROW_SUPERVISOR, &tree);
    regrow_pid supervisor, first, second;
    regrow_request *call = NULL, *queued = NULL;
    uint64_t before = stats().watchdog;
    how.id = "hung";
    how.name = "hung";
    CHECK_OK(regrow_start(root, &how_tree, &supervisor));
    CHECK_OK(regrow_whereis(root, "hung", &first));
    regrow_ref monitor = monitored(first);

    if (!strcmp(where, "call"))
        CHECK_OK(regrow_call_async(first, regrow_atom("hang"), REGROW_INFINITY, &call));
    else if (!strcmp(where, "cast"))
        CHECK_OK(regrow_cast(first, regrow_nil()));
    else if (!strcmp(where, "continue"))
        CHECK_OK(regrow_call(first, regrow_atom("continue"), LONG_MS, NULL));
    else if (!strcmp(where, "terminate"))
        CHECK_OK(regrow_stop_async(first, regrow_atom("normal"), REGROW_INFINITY, &call));
    else
        CHECK_OK(regrow_send(first, regrow_nil()));
    CHECK_OK(regrow_call_async(first, regrow_nil(), REGROW_INFINITY, &queued));

    CHECK_DOWN("{watchdog,100}", monitor);
    CHECK(mine.stuck == 1 && !mine.let_go);
    CHECK(!regrow_is_alive(first));
    call_by_name("hung");
    CHECK_OK(regrow_whereis(root, "hung", &second));
    CHECK(second.id != first.id && mine.inits == 2);
    /* One thread is stuck; it is the dead one's, and what that had is there as long as it runs. */
    CHECK(stats().ghosts == 1 && stats().watchdog == before + 1);
    CHECK(mine.dropped == 0 && mine.stuck == 1);
    if (call) {
        CHECK_ERROR(REGROW_ERR_EXITED, regrow_request_wait(call, LONG_MS, NULL));
        CHECK_LAST_REASON("{watchdog,100}");
        regrow_request_free(call);
    }
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_request_wait(queued, LONG_MS, NULL));
    CHECK_LAST_REASON("{watchdog,100}");
    regrow_request_free(queued);

    let_go(&mine);
    EVENTUALLY(mine.dropped == 1);
    CHECK(mine.fenced);
    CHECK(mine.terminated == !strcmp(where, "terminate"));
    answers(second);
    mine.where = NULL;
    CHECK_OK(regrow_stop(supervisor, regrow_atom("shutdown"), LONG_MS));
    EVENTUALLY(mine.dropped == 2);
}

static void each_callback_that_hangs_is_ended_and_replaced(void)
{
    const char *callbacks[] = { "call", "cast", "info", "continue", "terminate" };
    for (int at = 0; at < 10; at++)
        hangs_and_is_replaced(callbacks[at % 5], at / 5 ? REGROW_THREAD : REGROW_SHARED);
}

static void an_init_that_hangs_fails_the_start(void)
{
    for (uint32_t home = REGROW_SHARED; home <= REGROW_THREAD; home++) {
        hung mine = { .where = "init" };
        regrow_server_spec spec = hung_spec(&mine);
        spec.home = home;
        regrow_child_spec how = child(REGROW_SERVER, &spec);
        regrow_pid found;
        how.name = "hung";
        CHECK_ERROR(REGROW_ERR_START, regrow_start(root, &how, NULL));
        CHECK_LAST_REASON("{watchdog,100}");
        CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_whereis(root, "hung", &found));
        CHECK(stats().ghosts == 1 && mine.dropped == 0);
        let_go(&mine);
        EVENTUALLY(mine.dropped == 1);
        CHECK(mine.fenced && mine.terminated == 0);
    }
}

static void each_restart_counts_and_a_supervisor_gives_up_in_the_end(void)
{
    hung mine = { .where = "info" };
    regrow_server_spec spec = hung_spec(&mine);
    regrow_child_spec how = child(REGROW_SERVER, &spec);
    regrow_supervisor_spec tree = { .size = sizeof tree, .children = &how, .child_count = 1, .max_restarts = 2,
                                    .period_ms = 3600000 };
    regrow_child_spec how_tree = child(REGROW_SUPERVISOR, &tree);
    regrow_pid supervisor, server;
    how.id = "hung";
    how.name = "hung";
    how.restart = REGROW_TRANSIENT; /* it is no end in order */
    CHECK_OK(regrow_start(root, &how_tree, &supervisor));
    regrow_ref end = monitored(supervisor);
    for (int at = 1; at <= 3; at++) {
        call_by_name("hung");
        CHECK_OK(regrow_whereis(root, "hung", &server));
        regrow_ref monitor = monitored(server);
        CHECK_OK(regrow_send(server, regrow_nil()));
        CHECK_DOWN("{watchdog,100}", monitor);
        CHECK(stats().ghosts == (uint64_t)at);
    }
    CHECK_DOWN("shutdown", end);
    let_go(&mine);
    EVENTUALLY(mine.dropped == 3);
    CHECK(mine.terminated == 0);
}

static void several_hang_at_once_and_others_run(void)
{
    enum { HUNG = 6 }; /* more than there are workers */
    hung mine[HUNG] = { 0 }, well = { .watchdog_ms = GENEROUS_MS };
    regrow_pid servers[HUNG];
    regrow_ref monitors[HUNG];
    regrow_server_spec quiet = hung_spec(&well);
    regrow_pid other = start_server(&quiet);
    uint64_t before = stats().watchdog;
    for (int at = 0; at < HUNG; at++) {
        mine[at].where = "info";
        regrow_server_spec spec = hung_spec(&mine[at]);
        spec.home = at % 3 == 2 ? REGROW_THREAD : REGROW_SHARED;
        servers[at] = start_server(&spec);
        monitors[at] = monitored(servers[at]);
    }
    for (int at = 0; at < HUNG; at++)
        CHECK_OK(regrow_send(servers[at], regrow_nil()));
    for (int at = 0; at < HUNG; at++)
        CHECK_DOWN("{watchdog,100}", monitors[at]);
    CHECK(stats().ghosts == HUNG && stats().watchdog == before + HUNG);
    answers(other);
    CHECK_OK(regrow_settle(root, LONG_MS, NULL)); /* which no ghost keeps waiting */
    for (int at = 0; at < HUNG; at++)
        mine[at].let_go = true;
    EVENTUALLY(stats().ghosts == 0);
    for (int at = 0; at < HUNG; at++)
        CHECK(mine[at].fenced && mine[at].dropped == 1);
    /* Their threads are given back: whoever came for them goes. */
    EVENTUALLY(stats().stuck == 0 && stats().relief_workers == 0);
    answers(other);
    kill_and_wait(other);
    EVENTUALLY(well.dropped == 1);
}

/* ---- never early ---- */

typedef struct measured {
    uint32_t watchdog_ms;
    uint32_t seed;
    regrow_pid me;
    atomic_int early, ended, ran;
} measured;

/* Runs on for a while, at most up to twice its watchdog; it has done so since `begin` at the earliest. False: it is dead. */
static bool run_on(measured *mine, uint64_t begin)
{
    mine->seed = mine->seed * 1103515245 + 12345;
    uint64_t end = real_ns() + (uint64_t)(mine->seed >> 8) % ((uint64_t)mine->watchdog_ms * 2000000);
    while (real_ns() < end) {
        if (is_fenced()) {
            if (real_ns() - begin < (uint64_t)mine->watchdog_ms * 1000000)
                atomic_fetch_add(&mine->early, 1);
            return false;
        }
    }
    return true;
}

/* Three stretches: from its begin, from a wait, from a message. */
static regrow_next run_on_and_on(regrow_context *context, void *state, const regrow_term *asked_at)
{
    measured *mine = state;
    regrow_term message;
    int64_t begin;
    CHECK(regrow_as_int(asked_at, &begin));
    bool alive = run_on(mine, (uint64_t)begin);
    uint64_t waits = real_ns();
    alive = alive && !regrow_sleep(1) && run_on(mine, waits + 1000000);
    alive = alive && !regrow_self(&mine->me) && !regrow_send(mine->me, regrow_nil());
    uint64_t receives = real_ns();
    if (alive && !regrow_receive(0, &message)) {
        regrow_term_free(&message);
        alive = run_on(mine, receives);
    }
    if (alive)
        atomic_fetch_add(&mine->ran, 1);
    return regrow_reply(context, regrow_nil());
}

static void a_callback_is_never_ended_early_however_many_came_before_it(void)
{
    measured mine = { .watchdog_ms = 6, .seed = 7 };
    regrow_server_spec spec = { .size = sizeof spec, .init = take_user, .handle_call = run_on_and_on,
                                .user = &mine, .watchdog_ms = 6 };
    regrow_server_spec quiet = { .size = sizeof quiet };
    size_t many = rounds(150);
    regrow_pid server = start_server(&spec), other = start_server(&quiet);
    regrow_ref interval;
    /* Each makes the watch thread look around. */
    CHECK_OK(regrow_send_interval(other, 1, regrow_nil(), &interval));
    regrow_ref monitor = monitored(server);
    uint64_t end = real_ms() + LONG_MS;
    /* On a busy machine nearly all of them are ended. */
    for (size_t at = 0; at < many || !mine.ran || !mine.ended; at++) {
        CHECK(at < many || real_ms() < end);
        regrow_error error = regrow_call(server, regrow_int((int64_t)real_ns()), LONG_MS, NULL);
        if (error == REGROW_OK)
            continue;
        /* It may have been ended after its last answer. */
        CHECK(error == REGROW_ERR_EXITED || error == REGROW_ERR_NO_PROCESS);
        CHECK_DOWN("{watchdog,6}", monitor);
        EVENTUALLY(stats().ghosts == 0);
        mine.ended++;
        server = start_server(&spec);
        monitor = monitored(server);
    }
    printf("  of %zu callbacks %d were ended, %d of them early\n", many, mine.ended, mine.early);
    CHECK(mine.early == 0 && mine.ran > 0 && mine.ended > 0);
    CHECK_OK(regrow_demonitor(monitor, REGROW_FLUSH, NULL));
    kill_and_wait(server);
    kill_and_wait(other);
}

/* ---- what is not stuck ---- */

static void a_slow_callback_that_ends_in_time_is_left_alone(void)
{
    hung mine = { .where = "call", .watchdog_ms = GENEROUS_MS };
    regrow_server_spec spec = hung_spec(&mine);
    regrow_pid server = start_server(&spec);
    regrow_request *call;
    regrow_term reply;
    uint64_t before = stats().watchdog;
    CHECK_OK(regrow_call_async(server, regrow_atom("hang"), REGROW_INFINITY, &call));
    pass(LONGER_MS);
    mine.let_go = true;
    CHECK_OK(regrow_request_wait(call, LONG_MS, &reply));
    CHECK(regrow_is_atom(&reply, "fine") && !mine.fenced);
    regrow_term_free(&reply);
    regrow_request_free(call);
    CHECK(stats().watchdog == before + 1); /* that of pass() */
    kill_and_wait(server);
    EVENTUALLY(mine.dropped == 1);
}

static regrow_next wait_in(regrow_context *context, void *state, const regrow_term *message)
{
    regrow_term word;
    CHECK_OK(regrow_send(self, regrow_atom("waits")));
    CHECK_OK(regrow_receive(REGROW_INFINITY, &word));
    regrow_term_free(&word);
    CHECK_OK(regrow_send(self, regrow_atom("goes_on")));
    return REGROW_NOREPLY;
}

static regrow_next call_the_other(regrow_context *context, void *state, const regrow_term *message)
{
    regrow_term reply;
    CHECK_OK(regrow_call(*(regrow_pid *)state, regrow_nil(), REGROW_INFINITY, &reply));
    CHECK_OK(regrow_send(self, reply));
    return REGROW_NOREPLY;
}

static void a_callback_that_waits_is_left_alone_for_as_long_as_it_does(void)
{
    for (uint32_t home = REGROW_SHARED; home <= REGROW_THREAD; home++) {
        regrow_server_spec spec = { .size = sizeof spec, .handle_cast = wait_in, .home = home,
                                    .watchdog_ms = WATCHDOG_MS };
        regrow_pid server = start_server(&spec);
        CHECK_OK(regrow_cast(server, regrow_nil()));
        CHECK_MESSAGE("waits");
        pass(LONGER_MS);
        CHECK(regrow_is_alive(server));
        CHECK_OK(regrow_send(server, regrow_nil()));
        CHECK_MESSAGE("goes_on");
        kill_and_wait(server);
    }
}

static regrow_next stand_at_the_gate(regrow_context *context, void *state, const regrow_term *request)
{
    gate_pass(state);
    return regrow_reply(context, regrow_atom("opened"));
}

static bool is_parked(regrow_pid pid)
{
    regrow_term info, key = regrow_atom("status");
    CHECK_OK(regrow_info(pid, &info));
    bool parked = regrow_is_atom(regrow_map_get(&info, &key), "parked");
    regrow_term_free(&info);
    return parked;
}

static void who_waits_for_an_inline_server_is_left_alone(void)
{
    gate gate;
    gate_make(&gate);
    regrow_server_spec inlined = { .size = sizeof inlined, .init = take_user, .handle_call = stand_at_the_gate,
                                   .user = &gate, .flags = REGROW_INLINE };
    regrow_pid callee = start_server(&inlined);
    regrow_server_spec spec = { .size = sizeof spec, .init = take_user, .handle_info = call_the_other,
                                .user = &callee, .watchdog_ms = WATCHDOG_MS };
    regrow_pid caller = start_server(&spec);
    CHECK_OK(regrow_send(caller, regrow_nil()));
    gate_reached(&gate);
    EVENTUALLY(is_parked(caller));
    pass(LONGER_MS);
    CHECK(regrow_is_alive(caller));
    gate_open(&gate);
    CHECK_MESSAGE("opened");
    kill_and_wait(caller);
    kill_and_wait(callee);
}

static regrow_next tell_thread(regrow_context *context, void *state, const regrow_term *request)
{
    *(pthread_t *)state = pthread_self();
    return regrow_reply(context, regrow_nil());
}

static void a_server_with_a_watchdog_runs_on_no_callers_thread(void)
{
    pthread_t thread = pthread_self();
    regrow_server_spec spec = { .size = sizeof spec, .init = take_user, .handle_call = tell_thread, .user = &thread,
                                .flags = REGROW_INLINE };
    regrow_pid without = start_server(&spec);
    spec.watchdog_ms = GENEROUS_MS;
    regrow_pid with = start_server(&spec);
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    CHECK_OK(regrow_call(with, regrow_nil(), LONG_MS, NULL));
    CHECK(!pthread_equal(thread, pthread_self()));
    CHECK_OK(regrow_call(without, regrow_nil(), LONG_MS, NULL));
    CHECK(pthread_equal(thread, pthread_self()));
    kill_and_wait(with);
    kill_and_wait(without);
}

/* Is busy for three times its watchdog in all, and receives a message every few milliseconds, which is there each time. */
static regrow_next receive_now_and_then(regrow_context *context, void *user)
{
    measured *mine = user;
    regrow_term message;
    regrow_pid me;
    uint64_t begin = real_ns();
    CHECK_OK(regrow_self(&me));
    while (real_ns() - begin < (uint64_t)mine->watchdog_ms * 3000000) {
        uint64_t pause = real_ns();
        while (real_ns() - pause < 5000000) {
        }
        if (regrow_send(me, regrow_nil()) || regrow_receive(0, &message)) {
            atomic_fetch_add(&mine->early, 1);
            return REGROW_DONE;
        }
        regrow_term_free(&message);
    }
    return REGROW_DONE;
}

/* Never gets what it looks for. */
static regrow_next receive_in_vain(regrow_context *context, void *user)
{
    regrow_term message;
    while (regrow_receive(0, &message) == REGROW_ERR_TIMEOUT) {
    }
    atomic_fetch_add((atomic_int *)user, 1);
    return REGROW_DONE;
}

static void a_body_that_receives_goes_on_and_one_that_looks_in_vain_does_not(void)
{
    for (uint32_t home = REGROW_SHARED; home <= REGROW_THREAD; home++) {
        /* So long that no thread is kept from a processor for it. */
        measured busy = { .watchdog_ms = 500 };
        atomic_int refused = 0;
        regrow_ref monitor;
        regrow_process_spec spec = process(receive_now_and_then, &busy);
        spec.home = home;
        spec.watchdog_ms = busy.watchdog_ms;
        CHECK_OK(regrow_spawn_monitor(&spec, NULL, &monitor));
        CHECK_DOWN("normal", monitor);
        CHECK(busy.early == 0);

        spec = process(receive_in_vain, &refused);
        spec.home = home;
        spec.watchdog_ms = WATCHDOG_MS;
        CHECK_OK(regrow_spawn_monitor(&spec, NULL, &monitor));
        CHECK_DOWN("{watchdog,100}", monitor);
        EVENTUALLY(refused == 1);
        EVENTUALLY(stats().ghosts == 0);
    }
}

/* ---- the other kinds ---- */

static regrow_next hang_over(regrow_context *context, void *user, const regrow_term *state, regrow_term *next,
                             regrow_term *reply)
{
    hang(user);
    return REGROW_DONE;
}

static void an_agents_function_and_its_init(void)
{
    hung mine = { 0 };
    regrow_agent_spec spec = { .size = sizeof spec, .watchdog_ms = WATCHDOG_MS, .flags = REGROW_INLINE };
    regrow_child_spec how = child(REGROW_AGENT, &spec);
    regrow_request *update;
    regrow_pid agent;
    CHECK_OK(regrow_start(root, &how, &agent));
    regrow_ref monitor = monitored(agent);
    CHECK_OK(regrow_agent_cast(agent, hang_over, &mine, NULL));
    CHECK_DOWN("{watchdog,100}", monitor);
    let_go(&mine);
    CHECK(mine.fenced);

    mine.let_go = false;
    CHECK_OK(regrow_start(root, &how, &agent));
    CHECK_OK(regrow_agent_update_async(agent, hang_over, &mine, NULL, REGROW_INFINITY, &update));
    monitor = monitored(agent);
    CHECK_DOWN("{watchdog,100}", monitor);
    let_go(&mine);
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_request_wait(update, LONG_MS, NULL));
    CHECK_LAST_REASON("{watchdog,100}");
    regrow_request_free(update);

    mine.let_go = false;
    spec.init = hang_over;
    spec.user = &mine;
    CHECK_ERROR(REGROW_ERR_START, regrow_start(root, &how, NULL));
    CHECK_LAST_REASON("{watchdog,100}");
    let_go(&mine);
    CHECK(mine.stuck == 3);
}

static regrow_next hang_as_a_body(regrow_context *context, void *user)
{
    hang(user);
    return REGROW_DONE;
}

static regrow_next hang_as_a_task(regrow_context *context, void *user, const regrow_term *argument, regrow_term *value)
{
    hang(user);
    return REGROW_DONE;
}

static void a_body_and_a_task(void)
{
    for (uint32_t home = REGROW_SHARED; home <= REGROW_THREAD; home++) {
        hung mine = { 0 };
        regrow_process_spec body = process(hang_as_a_body, &mine);
        regrow_ref monitor;
        body.home = home;
        body.watchdog_ms = WATCHDOG_MS;
        CHECK_OK(regrow_spawn_monitor(&body, NULL, &monitor));
        CHECK_DOWN("{watchdog,100}", monitor);
        let_go(&mine);
        CHECK(mine.fenced);

        regrow_task_spec spec = { .size = sizeof spec, .run = hang_as_a_task, .user = &mine, .home = home,
                                  .watchdog_ms = WATCHDOG_MS };
        regrow_task task;
        mine.let_go = false;
        CHECK_OK(regrow_trap_exit(true, NULL));
        CHECK_OK(regrow_task_async(&spec, &task));
        CHECK_ERROR(REGROW_ERR_EXITED, regrow_task_await(task, LONG_MS, NULL));
        CHECK_LAST_REASON("{watchdog,100}");
        CHECK_EXIT("{watchdog,100}", task.pid);
        CHECK_OK(regrow_trap_exit(false, NULL));
        let_go(&mine);
        CHECK(mine.stuck == 2);
    }
}

static void hang_as_a_host(void *user, regrow_pid pid, const regrow_term *message, regrow_caller caller)
{
    hang(user);
}

static void count_host_end(void *user, regrow_pid pid, const regrow_term *reason)
{
    CHECK_TERM("{watchdog,100}", reason);
    atomic_fetch_add(&((hung *)user)->dropped, 1);
}

static void a_host(void)
{
    hung mine = { 0 };
    regrow_host_spec spec = { .size = sizeof spec, .deliver = hang_as_a_host, .exit = count_host_end, .user = &mine,
                              .watchdog_ms = WATCHDOG_MS };
    regrow_child_spec how = child(REGROW_HOST, &spec);
    regrow_pid host;
    CHECK_OK(regrow_start(root, &how, &host));
    regrow_ref monitor = monitored(host);
    CHECK_OK(regrow_send(host, regrow_nil()));
    CHECK_DOWN("{watchdog,100}", monitor);
    CHECK(mine.dropped == 0);
    let_go(&mine);
    EVENTUALLY(mine.dropped == 1);
}

static void zero_and_infinity_are_no_watchdog(void)
{
    const uint32_t none[] = { 0, REGROW_INFINITY };
    for (int at = 0; at < 2; at++) {
        hung mine = { .where = "info" };
        regrow_server_spec spec = hung_spec(&mine);
        spec.watchdog_ms = none[at];
        regrow_pid server = start_server(&spec);
        regrow_term info;
        CHECK_OK(regrow_send(server, regrow_nil()));
        CHECK_OK(regrow_info(server, &info));
        regrow_term key = regrow_atom("watchdog_ms");
        CHECK(!regrow_map_get(&info, &key));
        regrow_term_free(&info);
        EVENTUALLY(mine.stuck == 1);
        pass(LONGER_MS);
        CHECK(regrow_is_alive(server));
        mine.let_go = true;
        kill_and_wait(server);
        EVENTUALLY(mine.dropped == 1);
    }
}

static void info_tells_of_it(void)
{
    regrow_server_spec spec = { .size = sizeof spec, .watchdog_ms = GENEROUS_MS };
    regrow_pid server = start_server(&spec);
    regrow_term info, key = regrow_atom("watchdog_ms");
    CHECK_OK(regrow_info(server, &info));
    CHECK_TERM("20000", regrow_map_get(&info, &key));
    regrow_term_free(&info);
    kill_and_wait(server);
}

static void who_was_told_to_end_does_so_for_that_reason(void)
{
    hung mine = { .where = "info" };
    regrow_server_spec spec = hung_spec(&mine);
    /* It is told before its time is over. */
    spec.watchdog_ms = UNHURRIED_MS;
    regrow_pid server = start_server(&spec);
    regrow_ref monitor = monitored(server);
    CHECK_OK(regrow_send(server, regrow_nil()));
    EVENTUALLY(mine.stuck == 1);
    CHECK_OK(regrow_exit(server, regrow_atom("boom")));
    CHECK(regrow_is_alive(server));
    CHECK_DOWN("boom", monitor);
    let_go(&mine);
    CHECK(mine.fenced);
}

/* ---- the log ---- */

static char logged[4000];
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

static void keep_the_log(void *user, uint32_t level, const char *text, const regrow_term *report)
{
    if (!strstr(text, "stuck in"))
        return;
    regrow_term key = regrow_atom("callback"), reason = regrow_atom("reason");
    pthread_mutex_lock(&log_lock);
    CHECK(level == REGROW_LOG_ERROR && report);
    snprintf(logged, sizeof logged, "%s; ", text);
    regrow_term_print(regrow_map_get(report, &key), logged + strlen(logged), 100);
    strcat(logged, " ");
    regrow_term_print(regrow_map_get(report, &reason), logged + strlen(logged), 100);
    pthread_mutex_unlock(&log_lock);
}

static void check_logged(const char *what)
{
    pthread_mutex_lock(&log_lock);
    if (!strstr(logged, what)) {
        fprintf(stderr, "not in the log: %s\n%s\n", what, logged);
        _Exit(1);
    }
    pthread_mutex_unlock(&log_lock);
}

static void a_report_tells_who_where_and_for_how_long(void)
{
    const char *callbacks[] = { "call", "terminate", "init", "info" };
    const char *texts[] = { "stuck in call: it ran for ", "stuck in terminate: it ran for ",
                            "stuck in init: it ran for ", "stuck in a callback: it ran for " };
    const char *terms[] = { "; call {watchdog,100}", "; terminate {watchdog,100}", "; init {watchdog,100}",
                            "; undefined {watchdog,100}" };
    for (int at = 0; at < 4; at++) {
        hung mine = { .where = callbacks[at] };
        regrow_server_spec spec = hung_spec(&mine);
        regrow_child_spec how = child(REGROW_SERVER, &spec);
        regrow_pid server;
        how.name = "hung";
        if (at == 2) {
            CHECK_ERROR(REGROW_ERR_START, regrow_start(root, &how, NULL));
        } else {
            CHECK_OK(regrow_start(root, &how, &server));
            regrow_ref monitor = monitored(server);
            if (at == 0)
                CHECK_ERROR(REGROW_ERR_EXITED, regrow_call(server, regrow_atom("hang"), LONG_MS, NULL));
            else if (at == 1)
                CHECK_ERROR(REGROW_ERR_EXITED, regrow_stop(server, regrow_atom("normal"), LONG_MS));
            else
                CHECK_OK(regrow_send(server, regrow_nil()));
            CHECK_DOWN("{watchdog,100}", monitor);
        }
        /* It is written before anybody hears of the end. */
        check_logged("server <");
        check_logged("(hung) terminating, reason {watchdog,100}");
        check_logged(texts[at]);
        check_logged(terms[at]);
        let_go(&mine);
    }
}

/* ---- other runtimes ---- */

static void real_time_counts_under_a_manual_clock(void)
{
    regrow_options options = { .size = sizeof options, .workers = 1, .clock = REGROW_MANUAL,
                               .log_level = REGROW_LOG_SILENT };
    hung mine = { .where = "call" };
    regrow_server_spec spec = hung_spec(&mine);
    regrow_child_spec how = child(REGROW_SERVER, &spec);
    regrow_request *call;
    regrow_pid manual, server;
    uint64_t now;
    CHECK_OK(regrow_init(&options, &manual));
    CHECK_OK(regrow_start(manual, &how, &server));
    /* However far its own clock is moved, nothing is stuck. */
    CHECK_OK(regrow_advance(manual, 10 * WATCHDOG_MS));
    CHECK(regrow_is_alive(server));
    CHECK_OK(regrow_call_async(server, regrow_atom("hang"), REGROW_INFINITY, &call));
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_request_wait(call, REGROW_INFINITY, NULL));
    CHECK_LAST_REASON("{watchdog,100}");
    CHECK_OK(regrow_now(manual, &now));
    CHECK(now == 10 * WATCHDOG_MS);
    regrow_request_free(call);
    mine.let_go = true;
    CHECK_OK(regrow_shutdown(manual, LONG_MS, NULL));
    CHECK(mine.fenced && mine.dropped == 1);
}

static void a_shutdown_that_waits_for_ever_goes_on_and_tells_what_is_stuck(void)
{
    regrow_options options = { .size = sizeof options, .workers = 1, .log_level = REGROW_LOG_SILENT };
    hung mine = { .where = "info", .watchdog_ms = LONGER_MS };
    regrow_server_spec spec = hung_spec(&mine);
    regrow_child_spec how = child(REGROW_SERVER, &spec);
    regrow_supervisor_spec tree = { .size = sizeof tree, .children = &how, .child_count = 1 };
    regrow_child_spec how_tree = child(REGROW_SUPERVISOR, &tree);
    regrow_pid other_root, supervisor, server;
    how.id = "hung";
    how.name = "hung";
    how.shutdown_ms = REGROW_INFINITY;
    CHECK_OK(regrow_init(&options, &other_root));
    how_tree.id = "tree";
    CHECK_OK(regrow_supervisor_start_child(other_root, &how_tree, &supervisor));
    CHECK_OK(regrow_whereis(other_root, "hung", &server));
    CHECK_OK(regrow_send(server, regrow_nil()));
    EVENTUALLY(mine.stuck == 1);
    /* Its supervisor would wait for it for ever; the watchdog ends that, and only the thread is left. */
    check_only_stuck(other_root, 1000, server);
    CHECK(!regrow_is_alive(supervisor));
    mine.let_go = true;
    CHECK_OK(regrow_shutdown(other_root, LONG_MS, NULL));
    CHECK(mine.fenced && mine.dropped == 1);
}

/* How often the threads of this program, but for its first, have gone to sleep. */
static unsigned long sleeps(void)
{
    unsigned long sum = 0, one;
    char path[300], line[200];
    DIR *threads = opendir("/proc/self/task");
    CHECK(threads);
    for (struct dirent *entry; (entry = readdir(threads));) {
        if (entry->d_name[0] == '.' || atoi(entry->d_name) == getpid())
            continue;
        snprintf(path, sizeof path, "/proc/self/task/%s/status", entry->d_name);
        FILE *file = fopen(path, "r");
        while (file && fgets(line, sizeof line, file))
            if (sscanf(line, "voluntary_ctxt_switches: %lu", &one) == 1)
                sum += one;
        if (file)
            fclose(file);
    }
    closedir(threads);
    return sum;
}

static void a_runtime_at_rest_wakes_up_for_a_thread_of_its_own(void)
{
    /* Long at rest: the watch thread sleeps, and no worker wakes it. */
    hung mine = { .where = "info" };
    regrow_server_spec spec = hung_spec(&mine);
    spec.home = REGROW_THREAD;
    regrow_pid server = start_server(&spec);
    regrow_ref monitor = monitored(server);
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    unsigned long before, now = 0;
    do {
        before = now;
        nanosleep(&(struct timespec){ .tv_nsec = 200000000 }, NULL);
        now = sleeps();
    } while (now != before);
    CHECK_OK(regrow_send(server, regrow_nil()));
    EVENTUALLY(!regrow_is_alive(server)); /* a wait with a limit would be a timer, which wakes it too */
    CHECK_DOWN("{watchdog,100}", monitor);
    let_go(&mine);
}

/* How soon the next one serves calls. */
static void the_replacement_serves_calls(void)
{
    enum { TIMES = 20, MOST = 200 };
    uint64_t worst = 0, sum = 0;
    int in_time = 0, times = 0;
    /* A machine that has much else to do is late as a rule, but not each time. */
    for (; times < TIMES || in_time <= TIMES / 2; times++) {
        CHECK(times < MOST);
        hung mine = { .where = "cast" };
        regrow_server_spec spec = hung_spec(&mine);
        regrow_child_spec how = child(REGROW_SERVER, &spec);
        regrow_supervisor_spec tree = { .size = sizeof tree, .children = &how, .child_count = 1 };
        regrow_child_spec how_tree = child(REGROW_SUPERVISOR, &tree);
        regrow_pid supervisor, server;
        how.id = "hung";
        how.name = "hung";
        CHECK_OK(regrow_start(root, &how_tree, &supervisor));
        CHECK_OK(regrow_whereis(root, "hung", &server));
        CHECK_OK(regrow_cast(server, regrow_nil()));
        EVENTUALLY(mine.stuck == 1);
        uint64_t begin = real_ns();
        call_by_name("hung");
        uint64_t took = (real_ns() - begin) / 1000;
        worst = took > worst ? took : worst;
        sum += took;
        in_time += took <= (WATCHDOG_MS + 50) * 1000;
        CHECK(mine.inits == 2);
        let_go(&mine);
        mine.where = NULL;
        CHECK_OK(regrow_stop(supervisor, regrow_atom("shutdown"), LONG_MS));
        EVENTUALLY(mine.dropped == 2);
    }
    printf("  replaced %.1f ms after it hung, at most %.1f; the watchdog is %d ms\n", (double)sum / times / 1000,
           (double)worst / 1000, WATCHDOG_MS);
}

int main(void)
{
    open_runtime((regrow_options){ .workers = 2, .log_level = REGROW_LOG_ERROR, .log = keep_the_log });
    nobody = somebody_dead();
    RUN(each_callback_that_hangs_is_ended_and_replaced);
    RUN(an_init_that_hangs_fails_the_start);
    RUN(each_restart_counts_and_a_supervisor_gives_up_in_the_end);
    RUN(several_hang_at_once_and_others_run);
    RUN(a_callback_is_never_ended_early_however_many_came_before_it);
    RUN(a_slow_callback_that_ends_in_time_is_left_alone);
    RUN(a_callback_that_waits_is_left_alone_for_as_long_as_it_does);
    RUN(who_waits_for_an_inline_server_is_left_alone);
    RUN(a_server_with_a_watchdog_runs_on_no_callers_thread);
    RUN(a_body_that_receives_goes_on_and_one_that_looks_in_vain_does_not);
    RUN(an_agents_function_and_its_init);
    RUN(a_body_and_a_task);
    RUN(a_host);
    RUN(zero_and_infinity_are_no_watchdog);
    RUN(info_tells_of_it);
    RUN(who_was_told_to_end_does_so_for_that_reason);
    RUN(a_report_tells_who_where_and_for_how_long);
    RUN(real_time_counts_under_a_manual_clock);
    RUN(a_shutdown_that_waits_for_ever_goes_on_and_tells_what_is_stuck);
    RUN(a_runtime_at_rest_wakes_up_for_a_thread_of_its_own);
    RUN(the_replacement_serves_calls);
    close_runtime();
    return 0;
}
