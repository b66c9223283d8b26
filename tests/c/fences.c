/* Stuck callbacks: dead from outside at once, ghosts inside (FEATURES P9). */
#include "support.h"

/* ---- a callback that stands at a gate, then tries everything ---- */

typedef struct stuck {
    gate gate;
    atomic_int inits;
    atomic_int dropped;
    atomic_int terminated;
    regrow_pid other; /* somebody alive */
    bool traps;
    bool tried;
    bool all_killed;
} stuck;

#define TRY(call)                                                                            \
    do {                                                                                     \
        regrow_error try_error = (call);                                                     \
        if (try_error != REGROW_ERR_KILLED) {                                                \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #call, regrow_error_name(try_error)); \
            killed = false;                                                                  \
        }                                                                                    \
    } while (0)

/* Every call that waits, or would do something to somebody, says KILLED; nothing hangs. */
static bool is_killed_everywhere(regrow_pid other)
{
    bool killed = true;
    atomic_int dropped = 0;
    regrow_term message;
    regrow_pid pid;
    regrow_ref ref = { 0 };
    regrow_request *pending;
    regrow_term label = regrow_atom("ghost");
    regrow_process_spec body = process(end_at_once, &dropped);
    body.drop_user = count_up;
    regrow_server_spec server = { .size = sizeof server, .user = &dropped, .drop_user = count_up };
    regrow_child_spec how = child(REGROW_SERVER, &server);
    how.id = "by_a_ghost";
    regrow_address address = { .size = sizeof address, .runtime = root, .name = "nobody", .wait_ms = LONG_MS };

    TRY(regrow_receive(REGROW_INFINITY, &message));
    TRY(regrow_receive(0, &message));
    TRY(regrow_receive_match(is_down_of, &ref, REGROW_INFINITY, &message));
    TRY(regrow_flush(NULL));
    TRY(regrow_sleep(LONG_MS));
    TRY(regrow_sleep(0));
    TRY(regrow_call(other, regrow_resource(&dropped, count_up), REGROW_INFINITY, &message));
    TRY(regrow_call_async(other, regrow_resource(&dropped, count_up), REGROW_INFINITY, &pending));
    TRY(regrow_call_at(&address, regrow_resource(&dropped, count_up), REGROW_INFINITY, &message));
    TRY(regrow_whereis_at(&address, &pid));
    TRY(regrow_send(other, regrow_resource(&dropped, count_up)));
    TRY(regrow_cast(other, regrow_resource(&dropped, count_up)));
    TRY(regrow_stop(other, regrow_resource(&dropped, count_up), REGROW_INFINITY));
    TRY(regrow_stop_async(other, regrow_resource(&dropped, count_up), REGROW_INFINITY, &pending));
    TRY(regrow_exit(other, regrow_resource(&dropped, count_up)));
    TRY(regrow_link(other));
    TRY(regrow_unlink(other));
    TRY(regrow_monitor(other, &ref));
    TRY(regrow_demonitor(ref, 0, NULL));
    TRY(regrow_trap_exit(true, NULL));
    TRY(regrow_register(other, "by_a_ghost"));
    TRY(regrow_unregister(root, "by_a_ghost"));
    TRY(regrow_spawn(root, &body, &pid));
    TRY(regrow_spawn_link(&body, &pid));
    TRY(regrow_spawn_monitor(&body, &pid, &ref));
    TRY(regrow_start(root, &how, &pid));
    TRY(regrow_start_link(&how, &pid));
    TRY(regrow_start_monitor(&how, &pid, &ref));
    TRY(regrow_supervisor_start_child(root, &how, &pid));
    TRY(regrow_supervisor_start_child_async(root, &how, &pending));
    TRY(regrow_supervisor_which_children(root, &message));
    TRY(regrow_supervisor_which_children_async(root, &pending));
    TRY(regrow_supervisor_terminate_child(root, &label));
    TRY(regrow_send_after(other, 0, regrow_resource(&dropped, count_up), NULL));
    TRY(regrow_start_timer(other, 0, regrow_resource(&dropped, count_up), NULL));
    TRY(regrow_send_interval(other, 1, regrow_resource(&dropped, count_up), NULL));
    TRY(regrow_cancel_timer(root, ref, REGROW_FLUSH, NULL));
    TRY(regrow_set_label(&label));
    TRY(regrow_answer((regrow_caller){ 0, 0 }, regrow_resource(&dropped, count_up)));
    TRY(regrow_get_state(other, REGROW_INFINITY, &message));
    TRY(regrow_suspend(other, REGROW_INFINITY));
    TRY(regrow_resume(other, REGROW_INFINITY));
    /* 12 terms and the user of 8 specs: given back once each, though nothing was done with them. */
    if (dropped != 20) {
        fprintf(stderr, "%d given back, not 20\n", dropped);
        killed = false;
    }
    return killed;
}

static regrow_next stuck_init(regrow_context *context, void *user, const regrow_term *arg, void **state)
{
    atomic_fetch_add(&((stuck *)user)->inits, 1);
    CHECK_OK(regrow_trap_exit(((stuck *)user)->traps, NULL));
    *state = user;
    return REGROW_READY;
}

static regrow_next get_stuck(regrow_context *context, void *state, const regrow_term *message)
{
    stuck *mine = state;
    gate_pass(&mine->gate);
    mine->all_killed = is_killed_everywhere(mine->other);
    mine->tried = true;
    return regrow_reply(context, regrow_atom("nobody_gets_this"));
}

static void stuck_terminate(regrow_context *context, void *state, const regrow_term *reason)
{
    atomic_fetch_add(&((stuck *)state)->terminated, 1);
}

static void stuck_drop(void *state)
{
    atomic_fetch_add(&((stuck *)state)->dropped, 1);
}

static regrow_server_spec stuck_spec(stuck *mine)
{
    gate_make(&mine->gate);
    return (regrow_server_spec){ .size = sizeof(regrow_server_spec), .init = stuck_init, .handle_call = get_stuck,
                                 .handle_info = get_stuck, .terminate = stuck_terminate, .drop = stuck_drop,
                                 .user = mine };
}

static void a_stuck_process_is_dead_from_outside_at_once(uint32_t home)
{
    stuck mine = { 0 };
    regrow_server_spec spec = stuck_spec(&mine), quiet = { .size = sizeof quiet };
    spec.home = home;
    regrow_child_spec how = child(REGROW_SERVER, &spec);
    regrow_pid server, found;
    regrow_request *call, *queued;
    how.name = "stuck";
    mine.other = start_server(&quiet);
    CHECK_OK(regrow_trap_exit(true, NULL));
    CHECK_OK(regrow_start_link(&how, &server));
    regrow_ref monitor = monitored(server);
    CHECK_OK(regrow_call_async(server, regrow_nil(), REGROW_INFINITY, &call));
    gate_reached(&mine.gate);
    CHECK_OK(regrow_call_async(server, regrow_nil(), REGROW_INFINITY, &queued));

    CHECK(stats().ghosts == 0);
    CHECK_OK(regrow_exit(server, regrow_atom("kill")));
    CHECK(!regrow_is_alive(server));
    CHECK_DOWN("killed", monitor);
    CHECK_EXIT("killed", server);
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_whereis(root, "stuck", &found));
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_request_wait(call, LONG_MS, NULL));
    CHECK_LAST_REASON("killed");
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_request_wait(queued, LONG_MS, NULL));
    CHECK_ERROR(REGROW_ERR_NO_PROCESS, regrow_call(server, regrow_nil(), REGROW_INFINITY, NULL));
    CHECK(stats().ghosts == 1);
    CHECK(mine.dropped == 0 && !mine.tried); /* what the callback uses is there as long as it runs */

    /* Its name may be taken, and settle does not wait for it. */
    regrow_server_spec heir = quiet;
    regrow_child_spec how_heir = child(REGROW_SERVER, &heir);
    regrow_pid next;
    how_heir.name = "stuck";
    CHECK_OK(regrow_start(root, &how_heir, &next));
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    CHECK_OK(regrow_call(next, regrow_nil(), LONG_MS, NULL) == REGROW_ERR_EXITED ? REGROW_OK : REGROW_ERR_INTERNAL);

    gate_open(&mine.gate);
    EVENTUALLY(stats().ghosts == 0);
    CHECK(mine.tried && mine.all_killed);
    CHECK(mine.dropped == 1 && mine.terminated == 0);
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_whereis(root, "by_a_ghost", &found));
    CHECK(regrow_is_alive(mine.other));
    regrow_request_free(call);
    regrow_request_free(queued);
    kill_and_wait(next);
    kill_and_wait(mine.other);
    CHECK_OK(regrow_trap_exit(false, NULL));
}

/* ---- a callback that returns just as it is killed ---- */

typedef struct brief {
    regrow_pid pid;
    sem_t runs;
    atomic_int dropped;
    bool alive_at_drop;
} brief;

static regrow_next run_until_the_end(regrow_context *context, void *state, const regrow_term *message)
{
    brief *mine = state;
    sem_post(&mine->runs);
    while (!regrow_trap_exit(false, NULL)) { /* the calls of the dead fail */
    }
    return REGROW_NOREPLY;
}

static void brief_drop(void *state)
{
    brief *mine = state;
    mine->alive_at_drop = regrow_is_alive(mine->pid);
    mine->dropped = 1;
}

/* Its killer has only begun to carry the end out by then. */
static void a_state_is_dropped_after_the_end_also_where_a_callback_returned_meanwhile(void)
{
    const uint32_t homes[] = { REGROW_SHARED, REGROW_THREAD };
    for (int at = 0; at < 60; at++) {
        brief mine = { .dropped = 0 };
        regrow_server_spec spec = { .size = sizeof spec, .init = take_user, .handle_info = run_until_the_end,
                                    .drop = brief_drop, .user = &mine };
        spec.home = homes[at % 2];
        regrow_child_spec how = child(REGROW_SERVER, &spec);
        sem_init(&mine.runs, 0, 0);
        CHECK_OK(regrow_start(root, &how, &mine.pid));
        CHECK_OK(regrow_send(mine.pid, regrow_nil()));
        while (sem_wait(&mine.runs)) {
        }
        CHECK_OK(regrow_exit(mine.pid, regrow_atom("kill")));
        EVENTUALLY(mine.dropped);
        CHECK(!mine.alive_at_drop);
    }
    EVENTUALLY(stats().ghosts == 0);
}

static void a_stuck_callback_on_a_worker_is_fenced(void)
{
    a_stuck_process_is_dead_from_outside_at_once(REGROW_SHARED);
}

static void a_stuck_callback_on_a_thread_of_its_own_is_fenced(void)
{
    a_stuck_process_is_dead_from_outside_at_once(REGROW_THREAD);
}

/* ---- parked ---- */

typedef struct parked {
    atomic_int saw_killed;
    regrow_pid other;
} parked;

static regrow_next park_then_try(regrow_context *context, void *user)
{
    parked *mine = user;
    regrow_term message;
    CHECK_OK(regrow_send(self, regrow_atom("parking")));
    CHECK_ERROR(REGROW_ERR_KILLED, regrow_receive(REGROW_INFINITY, &message));
    CHECK(is_killed_everywhere(mine->other));
    atomic_fetch_add(&mine->saw_killed, 1);
    return REGROW_DONE;
}

static void a_parked_process_dies_at_once_and_its_stack_unwinds(void)
{
    const char *reasons[] = { "kill", "boom", "shutdown" };
    for (int at = 0; at < 6; at++) {
        regrow_server_spec quiet = { .size = sizeof quiet };
        parked mine = { .other = start_server(&quiet) };
        regrow_process_spec spec = process(park_then_try, &mine);
        regrow_ref monitor;
        regrow_pid pid;
        spec.home = at / 3 ? REGROW_THREAD : REGROW_SHARED;
        CHECK_OK(regrow_spawn_monitor(&spec, &pid, &monitor));
        CHECK_MESSAGE("parking");
        CHECK_OK(regrow_settle(root, LONG_MS, NULL));
        CHECK_OK(regrow_exit(pid, regrow_atom(reasons[at % 3])));
        CHECK(!regrow_is_alive(pid));
        CHECK_DOWN(at % 3 ? reasons[at % 3] : "killed", monitor);
        EVENTUALLY(mine.saw_killed == 1);
        EVENTUALLY(stats().ghosts == 0);
        kill_and_wait(mine.other);
    }
}

/* ---- told to end while it runs ---- */

static regrow_next try_to_wait(regrow_context *context, void *state, const regrow_term *message)
{
    stuck *mine = state;
    bool killed = true;
    atomic_int dropped = 0;
    regrow_term received;
    regrow_pid pid;
    regrow_address address = { .size = sizeof address, .runtime = root, .name = "nobody", .wait_ms = LONG_MS };
    gate_pass(&mine->gate);
    TRY(regrow_receive(REGROW_INFINITY, &received));
    TRY(regrow_sleep(LONG_MS));
    TRY(regrow_call(mine->other, regrow_resource(&dropped, count_up), REGROW_INFINITY, &received));
    TRY(regrow_stop(mine->other, regrow_resource(&dropped, count_up), REGROW_INFINITY));
    TRY(regrow_whereis_at(&address, &pid));
    mine->all_killed = killed && dropped == 2;
    mine->tried = true;
    return regrow_stop_self(context, regrow_atom("too_late"));
}

static void a_signal_that_can_wait_waits_for_the_callback_and_refuses_its_waits(void)
{
    stuck mine = { 0 };
    regrow_server_spec spec = stuck_spec(&mine), quiet = { .size = sizeof quiet };
    spec.handle_info = try_to_wait;
    regrow_pid server = start_server(&spec);
    regrow_ref monitor = monitored(server);
    mine.other = start_server(&quiet);
    CHECK_OK(regrow_send(server, regrow_nil()));
    gate_reached(&mine.gate);
    CHECK_OK(regrow_exit(server, regrow_atom("boom")));
    CHECK(regrow_is_alive(server) && stats().ghosts == 0);
    gate_open(&mine.gate);
    CHECK_DOWN("boom", monitor);
    EVENTUALLY(mine.dropped == 1);
    CHECK(mine.tried && mine.all_killed && mine.terminated == 0);
    CHECK(regrow_is_alive(mine.other));
    kill_and_wait(mine.other);
}

/* ---- init ---- */

static regrow_next stuck_in_init(regrow_context *context, void *user, const regrow_term *arg, void **state)
{
    stuck *mine = user;
    gate_pass(&mine->gate);
    *state = user;
    return REGROW_READY;
}

static void an_init_that_takes_too_long_fails_the_start_and_its_state_is_dropped(void)
{
    stuck mine = { 0 };
    regrow_server_spec spec = stuck_spec(&mine);
    spec.init = stuck_in_init;
    regrow_child_spec how = child(REGROW_SERVER, &spec);
    regrow_pid found;
    how.name = "slow";
    spec.init_timeout_ms = 10;
    /* Longer and longer, until it has begun with it by then. */
    do {
        spec.init_timeout_ms *= 2;
        CHECK(spec.init_timeout_ms < LONG_MS);
        CHECK_ERROR(REGROW_ERR_START, regrow_start(root, &how, NULL));
        CHECK_LAST_REASON("timeout");
        CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_whereis(root, "slow", &found));
    } while (stats().ghosts == 0);
    gate_reached(&mine.gate);
    CHECK(stats().ghosts == 1 && mine.dropped == 0);
    gate_open(&mine.gate);
    EVENTUALLY(stats().ghosts == 0 && mine.dropped == 1);
    CHECK(mine.terminated == 0);
}

/* ---- supervised ---- */

static void a_supervisor_goes_on(bool traps)
{
    stuck mine = { .traps = traps };
    regrow_server_spec spec = stuck_spec(&mine), quiet = { .size = sizeof quiet };
    regrow_child_spec how = child(REGROW_SERVER, &spec);
    regrow_supervisor_spec tree = { .size = sizeof tree, .children = &how, .child_count = 1 };
    regrow_child_spec how_tree = child(REGROW_SUPERVISOR, &tree);
    regrow_pid supervisor, first, second;
    regrow_term id = regrow_text("stuck");
    how.id = "stuck";
    how.name = "stuck";
    how.shutdown_ms = 30;
    mine.other = start_server(&quiet);
    CHECK_OK(regrow_start(root, &how_tree, &supervisor));
    CHECK_OK(regrow_whereis(root, "stuck", &first));

    /* Killed: restarted under its name at once. */
    CHECK_OK(regrow_send(first, regrow_nil()));
    gate_reached(&mine.gate);
    CHECK_OK(regrow_exit(first, regrow_atom("kill")));
    regrow_address address = { .size = sizeof address, .runtime = root, .name = "stuck", .wait_ms = LONG_MS };
    CHECK_OK(regrow_whereis_at(&address, &second));
    EVENTUALLY(mine.inits == 2); /* the name comes before the init */
    CHECK(second.id != first.id && stats().ghosts == 1);

    /* Told to shut down, it outlives its time: killed, and the supervisor answers. */
    CHECK_OK(regrow_send(second, regrow_nil()));
    gate_reached(&mine.gate);
    regrow_ref monitor = monitored(second);
    uint64_t begin = real_ms();
    CHECK_OK(regrow_supervisor_terminate_child(supervisor, &id));
    CHECK(real_ms() - begin >= 30);
    /* Who does not trap exits died of the first signal, as in OTP; it only did not notice. */
    CHECK_DOWN(traps ? "killed" : "shutdown", monitor);
    CHECK(stats().ghosts == 2);
    CHECK_OK(regrow_supervisor_delete_child(supervisor, &id));
    regrow_term_free(&id);

    gate_open(&mine.gate);
    gate_open(&mine.gate);
    EVENTUALLY(stats().ghosts == 0 && mine.dropped == 2);
    CHECK(mine.terminated == 0);
    CHECK_OK(regrow_stop(supervisor, regrow_atom("shutdown"), LONG_MS));
    kill_and_wait(mine.other);
}

static void a_supervisor_goes_on_without_its_stuck_child(void)
{
    a_supervisor_goes_on(false);
    a_supervisor_goes_on(true);
}

static void others_run_while_all_workers_are_stuck(void)
{
    enum { STUCK = 4 }; /* more than there are workers */
    stuck mine[STUCK] = { 0 };
    regrow_pid servers[STUCK];
    regrow_server_spec quiet = { .size = sizeof quiet };
    regrow_pid other = start_server(&quiet);
    for (int at = 0; at < STUCK; at++) {
        regrow_server_spec spec = stuck_spec(&mine[at]);
        servers[at] = start_server(&spec);
        mine[at].other = other;
    }
    for (int at = 0; at < STUCK; at++) {
        CHECK_OK(regrow_send(servers[at], regrow_nil()));
        gate_reached(&mine[at].gate); /* each gets a thread to be stuck on */
    }
    regrow_ref monitor;
    spawn_monitor(end_at_once, NULL, &monitor);
    CHECK_DOWN("normal", monitor);
    EVENTUALLY(stats().stuck > 0);
    CHECK(stats().relief_workers > 0);
    for (int at = 0; at < STUCK; at++) {
        CHECK_OK(regrow_exit(servers[at], regrow_atom("kill")));
        gate_open(&mine[at].gate);
    }
    EVENTUALLY(stats().ghosts == 0 && stats().stuck == 0);
    for (int at = 0; at < STUCK; at++)
        CHECK(mine[at].tried && mine[at].all_killed && mine[at].dropped == 1);
    kill_and_wait(other);
}

/* ---- shutdown of the runtime ---- */

static void shutdown_reports_what_is_stuck_at_its_deadline(void)
{
    stuck mine = { 0 };
    regrow_server_spec spec = stuck_spec(&mine), quiet = { .size = sizeof quiet };
    regrow_pid server;
    regrow_term list;
    regrow_options options = { .size = sizeof options, .workers = 2, .log_level = REGROW_LOG_SILENT };
    regrow_pid other_root;
    CHECK_OK(regrow_init(&options, &other_root));
    regrow_child_spec how = child(REGROW_SERVER, &spec), how_quiet = child(REGROW_SERVER, &quiet);
    CHECK_OK(regrow_start(other_root, &how_quiet, &mine.other));
    CHECK_OK(regrow_start(other_root, &how, &server));
    CHECK_OK(regrow_send(server, regrow_nil()));
    gate_reached(&mine.gate);

    check_only_stuck(other_root, 50, server);
    CHECK(!regrow_is_alive(server) && !regrow_is_alive(mine.other) && mine.dropped == 0);

    gate_open(&mine.gate);
    CHECK_OK(regrow_shutdown(other_root, LONG_MS, &list));
    CHECK(regrow_is_nil(&list));
    CHECK(mine.tried && mine.all_killed && mine.dropped == 1);
    CHECK_ERROR(REGROW_ERR_NOT_ALIVE, regrow_shutdown(other_root, LONG_MS, NULL));
}

int main(void)
{
    open_runtime((regrow_options){ .workers = 2 });
    RUN(a_state_is_dropped_after_the_end_also_where_a_callback_returned_meanwhile);
    RUN(a_stuck_callback_on_a_worker_is_fenced);
    RUN(a_stuck_callback_on_a_thread_of_its_own_is_fenced);
    RUN(a_parked_process_dies_at_once_and_its_stack_unwinds);
    RUN(a_signal_that_can_wait_waits_for_the_callback_and_refuses_its_waits);
    RUN(an_init_that_takes_too_long_fails_the_start_and_its_state_is_dropped);
    RUN(a_supervisor_goes_on_without_its_stuck_child);
    RUN(others_run_while_all_workers_are_stuck);
    RUN(shutdown_reports_what_is_stuck_at_its_deadline);
    close_runtime();
    return 0;
}
