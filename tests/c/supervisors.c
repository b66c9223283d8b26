/* Supervisors: whom they restart, how often, what they answer, and which specs they take. */
#include "tree.h"
#include <stddef.h>

/* ---- strategies (the logs were recorded on OTP 25) ---- */

static void each_strategy_stops_and_starts_in_otps_order(void)
{
    static const struct {
        uint32_t strategy;
        int crash;
        const char *log;
    } cases[] = {
        { REGROW_ONE_FOR_ONE, 1, "T1 S1" },
        { REGROW_ONE_FOR_ONE, 2, "T2 S2" },
        { REGROW_ONE_FOR_ONE, 3, "T3 S3" },
        { REGROW_ONE_FOR_ALL, 1, "T1 T3 T2 S1 S2 S3" },
        { REGROW_ONE_FOR_ALL, 2, "T2 T3 T1 S1 S2 S3" },
        { REGROW_ONE_FOR_ALL, 3, "T3 T2 T1 S1 S2 S3" },
        { REGROW_REST_FOR_ONE, 1, "T1 T3 T2 S1 S2 S3" },
        { REGROW_REST_FOR_ONE, 2, "T2 T3 S2 S3" },
        { REGROW_REST_FOR_ONE, 3, "T3 S3" },
    };
    for (size_t at = 0; at < sizeof cases / sizeof *cases; at++) {
        tree tree;
        plant(&tree, 3, cases[at].strategy);
        start_tree(&tree);
        CHECK_LOG("S1 S2 S3");
        CHECK_CHILDREN(tree.pid, "3 2 1");
        end_child(tree.pid, cases[at].crash, "boom");
        CHECK_LOG(cases[at].log);
        CHECK_CHILDREN(tree.pid, "3 2 1");
        stop_tree(&tree);
        CHECK_LOG("T3 T2 T1");
    }
}

static void a_temporary_sibling_is_stopped_and_not_started_again(void)
{
    tree tree;
    plant(&tree, 3, REGROW_ONE_FOR_ALL);
    tree.children[1].restart = REGROW_TEMPORARY;
    tree.children[2].restart = REGROW_TRANSIENT;
    start_tree(&tree);
    CHECK_LOG("S1 S2 S3");
    end_child(tree.pid, 1, "boom");
    CHECK_LOG("T1 T3 T2 S1 S3");
    CHECK_CHILDREN(tree.pid, "3 1");
    end_child(tree.pid, 3, "normal");
    CHECK_LOG("T3");
    CHECK_CHILDREN(tree.pid, "undefined:3 1");
    stop_tree(&tree);
}

static void a_child_added_later_takes_part(void)
{
    static const struct {
        uint32_t strategy;
        const char *log;
    } cases[] = { { REGROW_ONE_FOR_ALL, "T2 T4 T3 T1 S1 S2 S3 S4" }, { REGROW_REST_FOR_ONE, "T2 T4 T3 S2 S3 S4" } };
    for (size_t at = 0; at < 2; at++) {
        tree tree;
        plant(&tree, 4, cases[at].strategy);
        tree.spec.child_count = 3;
        start_tree(&tree);
        CHECK_OK(regrow_supervisor_start_child(tree.pid, &tree.children[3], NULL));
        CHECK_LOG("S1 S2 S3 S4");
        CHECK_CHILDREN(tree.pid, "4 3 2 1");
        end_child(tree.pid, 2, "boom");
        CHECK_LOG(cases[at].log);
        end_child(tree.pid, 4, "boom");
        CHECK_LOG(at == 0 ? "T4 T3 T2 T1 S1 S2 S3 S4" : "T4 S4");
        stop_tree(&tree);
        CHECK_LOG("T4 T3 T2 T1");
    }
}

/* ---- which ends are followed by a restart ---- */

static void end_with(regrow_pid pid, int reason)
{
    switch (reason) {
    case 0: CHECK_OK(regrow_cast(pid, TUPLE(ATOM("stop"), ATOM("normal")))); break;
    case 1: CHECK_OK(regrow_cast(pid, TUPLE(ATOM("stop"), ATOM("shutdown")))); break;
    case 2: CHECK_OK(regrow_cast(pid, TUPLE(ATOM("stop"), TUPLE(ATOM("shutdown"), ATOM("x"))))); break;
    case 3: CHECK_OK(regrow_cast(pid, TUPLE(ATOM("stop"), ATOM("boom")))); break;
    default: CHECK_OK(regrow_exit(pid, ATOM("kill")));
    }
    settle();
}

static void permanent_transient_and_temporary_are_restarted_as_in_otp(void)
{
    /* For normal, shutdown, {shutdown, x}, boom, killed: restarted, kept, forgotten. */
    static const char *expected[] = { "RRRRR", "KKKRR", "FFFFF" };
    for (uint32_t restart = REGROW_PERMANENT; restart <= REGROW_TEMPORARY; restart++) {
        for (int reason = 0; reason < 5; reason++) {
            tree tree;
            plant(&tree, 1, REGROW_ONE_FOR_ONE);
            tree.children[0].restart = restart;
            start_tree(&tree);
            regrow_pid before = child_pid(tree.pid, 1);
            end_with(before, reason);
            char found = *show_children(tree.pid) == 0 ? 'F' : 'K';
            if (found == 'K' && child_pid(tree.pid, 1).id) {
                found = 'R';
                CHECK(child_pid(tree.pid, 1).id != before.id);
            }
            CHECK(found == expected[restart - REGROW_PERMANENT][reason]);
            CHECK(tree.actors[1].starts == (found == 'R' ? 2 : 1));
            stop_tree(&tree);
        }
    }
}

/* ---- intensity ---- */

static void the_fourth_crash_in_the_window_stops_the_rest_in_reverse_and_ends_with_shutdown(void)
{
    tree tree;
    plant(&tree, 3, REGROW_ONE_FOR_ONE);
    tree.spec.max_restarts = 3;
    tree.spec.period_ms = 5000;
    start_tree(&tree);
    for (int crash = 0; crash < 4; crash++)
        end_child(tree.pid, 2, "boom");
    CHECK_LOG("S1 S2 S3 T2 S2 T2 S2 T2 S2 T2 T3 T1");
    CHECK_DOWN(tree.monitor, "shutdown");
}

static void three_in_five_seconds_is_the_default_and_none_can_be_said(void)
{
    tree tree;
    plant(&tree, 1, REGROW_ONE_FOR_ONE);
    start_tree(&tree);
    for (int crash = 0; crash < 3; crash++)
        end_child(tree.pid, 1, "boom");
    CHECK_OK(regrow_advance(root, 5001));
    for (int crash = 0; crash < 3; crash++)
        end_child(tree.pid, 1, "boom");
    CHECK(regrow_is_alive(tree.pid));
    CHECK_OK(regrow_advance(root, 5000));
    end_child(tree.pid, 1, "boom");
    CHECK_DOWN(tree.monitor, "shutdown");
    CHECK(tree.actors[1].starts == 7);

    plant(&tree, 1, REGROW_ONE_FOR_ONE);
    tree.spec.max_restarts = REGROW_NONE;
    start_tree(&tree);
    end_child(tree.pid, 1, "boom");
    CHECK_DOWN(tree.monitor, "shutdown");
    CHECK(tree.actors[1].starts == 1);
}

static void the_window_slides(void)
{
    tree tree;
    plant(&tree, 1, REGROW_ONE_FOR_ONE);
    tree.spec.max_restarts = 2;
    tree.spec.period_ms = 1000;
    start_tree(&tree);
    /* Each 1.1 s one: for ever. */
    for (int crash = 0; crash < 6; crash++) {
        end_child(tree.pid, 1, "boom");
        CHECK_OK(regrow_advance(root, 1100));
    }
    /* Two, then one just outside of the window, again and again. */
    for (int crash = 0; crash < 3; crash++) {
        end_child(tree.pid, 1, "boom");
        end_child(tree.pid, 1, "boom");
        CHECK_OK(regrow_advance(root, 1001));
    }
    CHECK(regrow_is_alive(tree.pid));
    /* Three with the first just inside of it. */
    end_child(tree.pid, 1, "boom");
    CHECK_OK(regrow_advance(root, 500));
    end_child(tree.pid, 1, "boom");
    CHECK_OK(regrow_advance(root, 500));
    CHECK(regrow_is_alive(tree.pid));
    end_child(tree.pid, 1, "boom");
    CHECK_DOWN(tree.monitor, "shutdown");
}

static regrow_next only_once(regrow_context *context, actor *actor)
{
    return actor->starts == 1 ? REGROW_READY : regrow_stop_self(context, ATOM("nope"));
}

static void failed_restarts_count(void)
{
    tree tree;
    plant(&tree, 2, REGROW_ONE_FOR_ONE);
    tree.actors[2].on_init = only_once;
    tree.spec.max_restarts = 3;
    start_tree(&tree);
    end_child(tree.pid, 2, "boom");
    CHECK_LOG("S1 S2 T2 S2 S2 S2 T1");
    CHECK_DOWN(tree.monitor, "shutdown");
}

static void a_supervisor_that_gave_up_is_one_restart_for_its_parent_unless_it_is_transient(void)
{
    for (int transient = 0; transient < 2; transient++) {
        tree lower, upper;
        plant(&lower, 2, REGROW_ONE_FOR_ONE);
        lower.spec.max_restarts = REGROW_NONE;
        plant(&upper, 2, REGROW_ONE_FOR_ONE);
        upper.actors[1].number = 8;
        upper.spec.max_restarts = 1;
        upper.children[1] = supervisor_child(2, &lower.spec);
        upper.children[1].restart = transient ? REGROW_TRANSIENT : REGROW_PERMANENT;
        start_tree(&upper);
        CHECK_LOG("S8 S1 S2");
        regrow_pid before = child_pid(upper.pid, 2);
        end_child(before, 1, "boom");
        regrow_pid after = child_pid(upper.pid, 2);
        if (transient) {
            /* It ended with `shutdown`, which is an end in order. */
            CHECK(after.id == 0);
            CHECK_LOG("T1 T2");
            stop_tree(&upper);
            CHECK_LOG("T8");
            continue;
        }
        CHECK(after.id && after.id != before.id);
        CHECK_LOG("T1 T2 S1 S2");
        end_child(after, 1, "boom");
        CHECK_LOG("T1 T2 T8");
        CHECK_DOWN(upper.monitor, "shutdown");
    }
}

/* ---- starting ---- */

static regrow_next refuse(regrow_context *context, actor *actor)
{
    return regrow_stop_self(context, ATOM("nope"));
}

static regrow_next ignore(regrow_context *context, actor *actor)
{
    return REGROW_IGNORE;
}

static void a_child_that_fails_has_those_before_it_stopped_again(void)
{
    tree tree;
    plant(&tree, 4, REGROW_ONE_FOR_ONE);
    tree.actors[3].on_init = refuse;
    CHECK_ERROR(REGROW_ERR_START, try_start_tree(&tree));
    CHECK_REASON("{shutdown,{failed_to_start_child,3,nope}}");
    CHECK_LOG("S1 S2 S3 T2 T1");
    plant(&tree, 2, REGROW_ONE_FOR_ONE);
    tree.actors[2].on_init = refuse;
    CHECK_ERROR(REGROW_ERR_START, try_start_tree(&tree));
    CHECK_REASON("{shutdown,{failed_to_start_child,2,nope}}");
    CHECK_LOG("S1 S2 T1");
}

static void each_init_is_over_before_the_next_begins(void)
{
    tree tree;
    plant(&tree, 3, REGROW_ONE_FOR_ONE);
    for (int number = 1; number <= 3; number++)
        tree.actors[number].on_init = only_once;
    tree.actors[2].on_init = ignore;
    start_tree(&tree);
    CHECK_LOG("S1 S2 S3");
    CHECK_CHILDREN(tree.pid, "3 undefined:2 1");
    stop_tree(&tree);
}

static regrow_next yield_then_note(regrow_context *context, actor *actor)
{
    for (int turn = 0; turn < 10; turn++)
        CHECK_OK(regrow_sleep(0));
    note("U%d", actor->number);
    return REGROW_READY;
}

static void a_supervisor_is_up_when_its_children_are(void)
{
    tree tree;
    plant(&tree, 3, REGROW_ONE_FOR_ONE);
    for (int number = 1; number <= 3; number++)
        tree.actors[number].on_init = yield_then_note;
    start_tree(&tree);
    CHECK(strcmp(log_text, "S1 U1 S2 U2 S3 U3") == 0);
    stop_tree(&tree);
}

static void a_temporary_child_that_ignores_is_forgotten(void)
{
    tree tree;
    plant(&tree, 3, REGROW_ONE_FOR_ONE);
    tree.actors[1].on_init = tree.actors[3].on_init = ignore;
    tree.children[0].restart = tree.children[2].restart = REGROW_TEMPORARY;
    tree.spec.child_count = 2;
    start_tree(&tree);
    CHECK_CHILDREN(tree.pid, "2");
    regrow_pid pid = { 7 };
    CHECK_OK(regrow_supervisor_start_child(tree.pid, &tree.children[2], &pid));
    CHECK(pid.id == 0);
    CHECK_CHILDREN(tree.pid, "2");
    stop_tree(&tree);
}

static regrow_next hook(regrow_context *context, void *user, const regrow_term *arg,
                        regrow_children *children)
{
    const char *what = user;
    note("hook");
    if (strcmp(what, "ignore") == 0)
        return REGROW_IGNORE;
    if (strcmp(what, "stop") == 0)
        return regrow_stop_self(context, ATOM("nope"));
    return strcmp(what, "forget") == 0 ? 0 : REGROW_READY;
}

static void the_init_of_a_supervisor_runs_before_its_children_and_decides(void)
{
    tree tree;
    plant(&tree, 1, REGROW_ONE_FOR_ONE);
    tree.spec.init = hook;
    tree.spec.user = "ready";
    start_tree(&tree);
    stop_tree(&tree);
    tree.spec.user = "ignore";
    CHECK_ERROR(REGROW_ERR_IGNORED, try_start_tree(&tree));
    tree.spec.user = "stop";
    CHECK_ERROR(REGROW_ERR_START, try_start_tree(&tree));
    CHECK_REASON("nope");
    tree.spec.user = "forget";
    CHECK_ERROR(REGROW_ERR_START, try_start_tree(&tree));
    CHECK_REASON("bad_return_value");
    CHECK_LOG("hook S1 T1 hook hook hook");
}

/* ---- requests ---- */

static void requests_are_answered_as_in_otp(void)
{
    tree tree;
    plant(&tree, 4, REGROW_ONE_FOR_ONE);
    tree.spec.child_count = 3;
    start_tree(&tree);
    regrow_pid sup = tree.pid, first = child_pid(sup, 1), pid = { 7 };

    CHECK_ERROR(REGROW_ERR_EXISTS, regrow_supervisor_start_child(sup, &tree.children[0], &pid));
    CHECK_REASON("{already_started,%s}", show_pid(first));
    CHECK_ERROR(REGROW_ERR_RUNNING, regrow_supervisor_restart_child(sup, number_id(1), &pid));
    CHECK_REASON("running");
    CHECK_ERROR(REGROW_ERR_RUNNING, regrow_supervisor_delete_child(sup, number_id(1)));
    CHECK_REASON("running");
    CHECK(child_pid(sup, 1).id == first.id && pid.id == 7);

    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_supervisor_restart_child(sup, number_id(9), NULL));
    CHECK_REASON("not_found");
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_supervisor_delete_child(sup, number_id(9)));
    CHECK_REASON("not_found");
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_supervisor_terminate_child(sup, number_id(9)));
    CHECK_REASON("not_found");
    regrow_term map;
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_supervisor_get_childspec(sup, number_id(9), &map));
    CHECK_REASON("not_found");

    /* Terminated: kept, and once more is fine; then restarted. */
    CHECK_LOG("S1 S2 S3");
    CHECK_OK(regrow_supervisor_terminate_child(sup, number_id(1)));
    CHECK(!regrow_is_alive(first));
    CHECK_LOG("T1");
    CHECK_OK(regrow_supervisor_terminate_child(sup, number_id(1)));
    CHECK_CHILDREN(sup, "3 2 undefined:1");
    CHECK_ERROR(REGROW_ERR_EXISTS, regrow_supervisor_start_child(sup, &tree.children[0], NULL));
    CHECK_REASON("already_present");
    CHECK_OK(regrow_supervisor_restart_child(sup, number_id(1), &pid));
    CHECK(pid.id == child_pid(sup, 1).id && pid.id != first.id);

    /* Deleted: forgotten, and may be started as a new one, which is the newest. */
    CHECK_OK(regrow_supervisor_terminate_child(sup, number_id(1)));
    CHECK_OK(regrow_supervisor_delete_child(sup, number_id(1)));
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_supervisor_delete_child(sup, number_id(1)));
    CHECK_OK(regrow_supervisor_start_child(sup, &tree.children[0], &pid));
    CHECK_CHILDREN(sup, "1 3 2");

    /* A temporary one is forgotten when it is terminated. */
    tree.children[3].restart = REGROW_TEMPORARY;
    CHECK_OK(regrow_supervisor_start_child(sup, &tree.children[3], NULL));
    CHECK_CHILDREN(sup, "4 1 3 2");
    CHECK_OK(regrow_supervisor_terminate_child(sup, number_id(4)));
    CHECK_CHILDREN(sup, "1 3 2");
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_supervisor_terminate_child(sup, number_id(4)));
    stop_tree(&tree);
}

static void a_start_that_fails_or_is_ignored_is_kept_or_not_as_in_otp(void)
{
    tree tree;
    plant(&tree, 3, REGROW_ONE_FOR_ONE);
    tree.spec.child_count = 1;
    start_tree(&tree);
    regrow_pid pid = { 7 };
    tree.actors[2].on_init = refuse;
    CHECK_ERROR(REGROW_ERR_START, regrow_supervisor_start_child(tree.pid, &tree.children[1], &pid));
    CHECK_REASON("nope");
    CHECK(pid.id == 7);
    CHECK_CHILDREN(tree.pid, "1");
    tree.actors[3].on_init = ignore;
    CHECK_OK(regrow_supervisor_start_child(tree.pid, &tree.children[2], &pid));
    CHECK(pid.id == 0);
    CHECK_CHILDREN(tree.pid, "undefined:3 1");

    /* A restart by request that fails is not tried again, and does not count. */
    tree.actors[1].on_init = refuse;
    CHECK_OK(regrow_supervisor_terminate_child(tree.pid, number_id(1)));
    for (int attempt = 0; attempt < 6; attempt++) {
        CHECK_ERROR(REGROW_ERR_START, regrow_supervisor_restart_child(tree.pid, number_id(1), &pid));
        CHECK_REASON("nope");
    }
    CHECK_CHILDREN(tree.pid, "undefined:3 undefined:1");
    CHECK(tree.actors[1].starts == 7);
    CHECK(regrow_is_alive(tree.pid));
    tree.actors[1].on_init = ignore;
    CHECK_OK(regrow_supervisor_restart_child(tree.pid, number_id(1), &pid));
    CHECK(pid.id == 0);
    CHECK_CHILDREN(tree.pid, "undefined:3 undefined:1");
    stop_tree(&tree);
}

static void children_are_counted_and_described(void)
{
    tree tree;
    regrow_supervisor_spec empty = { .size = sizeof empty };
    plant(&tree, 4, REGROW_ONE_FOR_ONE);
    tree.children[1] = supervisor_child(2, &empty);
    tree.children[2].restart = REGROW_TRANSIENT;
    tree.children[2].shutdown_ms = REGROW_BRUTAL_KILL;
    tree.children[3].restart = REGROW_TEMPORARY;
    tree.children[3].shutdown_ms = 70;
    start_tree(&tree);
    CHECK_OK(regrow_supervisor_terminate_child(tree.pid, number_id(1)));
    regrow_child_count count = { .size = sizeof count };
    CHECK_OK(regrow_supervisor_count_children(tree.pid, &count));
    CHECK(count.specs == 4 && count.active == 3 && count.supervisors == 1 && count.workers == 3);
    CHECK_OK(regrow_supervisor_terminate_child(tree.pid, number_id(2)));
    CHECK_OK(regrow_supervisor_count_children(tree.pid, &count));
    CHECK(count.specs == 4 && count.active == 2 && count.supervisors == 1 && count.workers == 3);
    /* A smaller struct gets as much as it has room for. */
    struct {
        size_t size;
        uint64_t specs, untouched;
    } small = { .size = 16, .untouched = 99 };
    CHECK_OK(regrow_supervisor_count_children(tree.pid, (regrow_child_count *)&small));
    CHECK(small.specs == 4 && small.untouched == 99 && small.size == 16);

    static const char *specs[] = {
        "#{id => 1,kind => server,restart => permanent,shutdown => 5000,significant => false,type => worker}",
        "#{id => 2,kind => supervisor,restart => permanent,shutdown => infinity,significant => false,type => supervisor}",
        "#{id => 3,kind => server,restart => transient,shutdown => brutal_kill,significant => false,type => worker}",
        "#{id => 4,kind => server,restart => temporary,shutdown => 70,significant => false,type => worker}",
    };
    for (int number = 1; number <= 4; number++) {
        regrow_term map;
        CHECK_OK(regrow_supervisor_get_childspec(tree.pid, number_id(number), &map));
        check_given(__FILE__, __LINE__, map, "%s", specs[number - 1]);
    }
    regrow_term children;
    CHECK_OK(regrow_supervisor_which_children(tree.pid, &children));
    check_given(__FILE__, __LINE__, children,
                "[{4,%s,worker,server},{3,%s,worker,server},{2,undefined,supervisor,supervisor},"
                "{1,undefined,worker,server}]",
                show_pid(child_pid(tree.pid, 4)), show_pid(child_pid(tree.pid, 3)));
    stop_tree(&tree);
}

static void what_is_no_supervisor_or_is_dead_is_refused(void)
{
    actor actor = { .number = 1, .silent = true };
    regrow_server_spec server = actor_spec(&actor);
    regrow_child_spec child = server_child(1, &server);
    regrow_pid pid;
    regrow_term term;
    regrow_child_count count = { .size = sizeof count };
    CHECK_OK(regrow_start(root, &child, &pid));
    for (int dead = 0; dead < 2; dead++) {
        regrow_error expected = dead ? REGROW_ERR_NO_PROCESS : REGROW_ERR_WRONG_KIND;
        CHECK_ERROR(expected, regrow_supervisor_start_child(pid, &child, NULL));
        CHECK_ERROR(expected, regrow_supervisor_terminate_child(pid, number_id(1)));
        CHECK_ERROR(expected, regrow_supervisor_restart_child(pid, number_id(1), NULL));
        CHECK_ERROR(expected, regrow_supervisor_delete_child(pid, number_id(1)));
        CHECK_ERROR(expected, regrow_supervisor_which_children(pid, &term));
        CHECK_ERROR(expected, regrow_supervisor_count_children(pid, &count));
        CHECK_ERROR(expected, regrow_supervisor_get_childspec(pid, number_id(1), &term));
        kill_and_wait(pid);
    }
    CHECK_REASON("noproc");
}

/* ---- restarts that fail ---- */

static bool is_go(void *user, const regrow_term *message)
{
    return regrow_is_atom(message, "go");
}

/* The first start is fine; the second waits for `go` and fails; from the third on it is fine again. */
static regrow_next fail_second_when_told(regrow_context *context, actor *actor)
{
    regrow_term go;
    if (actor->starts != 2)
        return REGROW_READY;
    CHECK_OK(regrow_receive_match(is_go, NULL, LIMIT_MS, &go));
    return regrow_stop_self(context, ATOM("nope"));
}

static void requests_are_answered_between_the_attempts_of_a_restart(void)
{
    tree tree;
    plant(&tree, 2, REGROW_ONE_FOR_ONE);
    tree.actors[2].on_init = fail_second_when_told;
    tree.children[1].name = "stubborn";
    start_tree(&tree);
    end_child(tree.pid, 2, "boom");
    /* It is in its second init; what comes now is answered before the next attempt. */
    regrow_pid starting;
    regrow_request *which;
    regrow_term children;
    CHECK_OK(regrow_whereis(root, "stubborn", &starting));
    CHECK_OK(regrow_supervisor_which_children_async(tree.pid, &which));
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_request_wait(which, 0, NULL));
    CHECK_OK(regrow_send(starting, ATOM("go")));
    CHECK_OK(regrow_request_wait(which, LIMIT_MS, &children));
    regrow_request_free(which);
    const regrow_term *newest = regrow_list_head(&children);
    CHECK(regrow_is_atom(regrow_tuple_get(newest, 1), "restarting"));
    regrow_term_free(&children);
    CHECK_LOG("S1 S2 T2 S2 S2");
    CHECK_CHILDREN(tree.pid, "2 1");
    stop_tree(&tree);
}

static void note_result(void *user, regrow_error error, const regrow_term *result)
{
    note("%s:%s", (char *)user, error ? regrow_error_name(error) : "ok");
}

static regrow_next terminate_second(regrow_context *context, void *user)
{
    CHECK_OK(regrow_supervisor_terminate_child(*(regrow_pid *)user, number_id(2)));
    return REGROW_DONE;
}

static regrow_next restart_second(regrow_context *context, void *user)
{
    CHECK_ERROR(REGROW_ERR_RESTARTING, regrow_supervisor_restart_child(*(regrow_pid *)user, number_id(2), NULL));
    CHECK_REASON("restarting");
    return REGROW_DONE;
}

static regrow_next delete_second(regrow_context *context, void *user)
{
    CHECK_ERROR(REGROW_ERR_RESTARTING, regrow_supervisor_delete_child(*(regrow_pid *)user, number_id(2)));
    CHECK_REASON("restarting");
    return REGROW_DONE;
}

static void a_child_that_is_being_restarted_can_be_given_up_but_not_restarted(void)
{
    static const regrow_body_callback bodies[] = { restart_second, delete_second, terminate_second };
    for (size_t at = 0; at < 3; at++) {
        bool give_up = bodies[at] == terminate_second;
        tree tree;
        regrow_process_spec asking = { .size = sizeof asking, .body = bodies[at], .user = &tree.pid };
        regrow_ref done;
        regrow_pid starting;
        plant(&tree, 2, REGROW_ONE_FOR_ONE);
        tree.actors[2].on_init = fail_second_when_told;
        tree.children[1].name = "stubborn";
        start_tree(&tree);
        end_child(tree.pid, 2, "boom");
        CHECK_OK(regrow_whereis(root, "stubborn", &starting));
        CHECK_OK(regrow_spawn_monitor(&asking, NULL, &done));
        settle();
        CHECK_OK(regrow_send(starting, ATOM("go")));
        CHECK_DOWN(done, "normal");
        CHECK_LOG(give_up ? "S1 S2 T2 S2" : "S1 S2 T2 S2 S2");
        CHECK_CHILDREN(tree.pid, give_up ? "undefined:2 1" : "2 1");
        stop_tree(&tree);
        CHECK_LOG(give_up ? "T1" : "T2 T1");
    }
}

/* ---- strays ---- */

static void strangers_cannot_disturb_a_supervisor(void)
{
    tree tree;
    actor stranger = { .number = 9, .silent = true };
    regrow_server_spec server = actor_spec(&stranger);
    regrow_child_spec child = server_child(9, &server);
    regrow_pid pid;
    plant(&tree, 2, REGROW_ONE_FOR_ALL);
    start_tree(&tree);
    CHECK_LOG("S1 S2");
    CHECK_OK(regrow_send(tree.pid, ATOM("hello")));
    CHECK_OK(regrow_cast(tree.pid, ATOM("hello")));
    CHECK_OK(regrow_send(tree.pid, TUPLE(ATOM("EXIT"), regrow_from_pid(child_pid(tree.pid, 1)), ATOM("boom"))));
    CHECK_ERROR(REGROW_ERR_WRONG_KIND, regrow_call(tree.pid, ATOM("hello"), LIMIT_MS, NULL));
    CHECK_OK(regrow_exit(tree.pid, ATOM("foo")));
    CHECK_OK(regrow_exit(tree.pid, ATOM("shutdown")));
    CHECK_OK(regrow_exit(tree.pid, ATOM("normal")));
    /* A process that is linked with it, and is none of its children. */
    CHECK_OK(regrow_trap_exit(true, NULL));
    CHECK_OK(regrow_link(tree.pid));
    CHECK_OK(regrow_exit(tree.pid, ATOM("from_a_link")));
    CHECK_OK(regrow_unlink(tree.pid));
    CHECK_OK(regrow_trap_exit(false, NULL));
    CHECK_OK(regrow_start(root, &child, &pid));
    kill_and_wait(pid);
    CHECK_LOG("");
    CHECK_CHILDREN(tree.pid, "2 1");
    stop_tree(&tree);
}

static regrow_next start_and_wait(regrow_context *context, void *user)
{
    tree *tree = user;
    regrow_child_spec start = supervisor_child(0, &tree->spec);
    regrow_term message;
    CHECK_OK(regrow_start_link(&start, &tree->pid));
    note("linked");
    return regrow_receive(REGROW_INFINITY, &message) ? REGROW_DONE : regrow_stop_self(context, message);
}

static void a_supervisor_dies_with_its_parent_and_takes_its_children_along(void)
{
    static const char *reasons[] = { "boom", "normal", "kill" };
    for (size_t at = 0; at < 3; at++) {
        tree tree;
        plant(&tree, 2, REGROW_ONE_FOR_ONE);
        regrow_process_spec process = { .size = sizeof process, .body = start_and_wait, .user = &tree };
        regrow_pid parent;
        CHECK_OK(regrow_spawn(root, &process, &parent));
        CHECK_LOG("S1 S2 linked");
        regrow_ref ref = monitor(tree.pid);
        if (at == 2)
            CHECK_OK(regrow_exit(parent, ATOM("kill")));
        else
            CHECK_OK(regrow_send(parent, ATOM(reasons[at])));
        CHECK_DOWN(ref, at == 2 ? "killed" : reasons[at]);
        CHECK_LOG("T2 T1");
    }
}

/* ---- trees in trees ---- */

enum { DEPTH = 50 };

static void a_tree_may_be_fifty_deep(void)
{
    static actor leaf, neighbour;
    leaf = (actor){ .number = 1, .traps = true };
    neighbour = (actor){ .number = 2, .traps = true };
    regrow_server_spec leaf_server = actor_spec(&leaf), neighbour_server = actor_spec(&neighbour);
    regrow_supervisor_spec levels[DEPTH];
    regrow_child_spec children[DEPTH + 1];
    children[DEPTH] = server_child(1, &leaf_server);
    for (int level = DEPTH; level--;) {
        levels[level] = (regrow_supervisor_spec){ .size = sizeof *levels, .children = &children[level + 1],
                                                  .child_count = 1 };
        children[level] = supervisor_child(1, &levels[level]);
    }
    regrow_child_spec both[] = { children[0], server_child(2, &neighbour_server) };
    regrow_supervisor_spec top = { .size = sizeof top, .children = both, .child_count = 2 };
    regrow_child_spec start = supervisor_child(0, &top);
    regrow_pid pid, level[DEPTH];
    CHECK_OK(regrow_start(root, &start, &pid));
    CHECK_LOG("S1 S2");
    level[0] = child_pid(pid, 1);
    for (int at = 1; at < DEPTH; at++)
        level[at] = child_pid(level[at - 1], 1);

    /* A leaf that crashes is its supervisor's affair alone. */
    end_child(level[DEPTH - 1], 1, "boom");
    CHECK_LOG("T1 S1");
    for (int at = 1; at < DEPTH; at++)
        CHECK(child_pid(level[at - 1], 1).id == level[at].id);

    /* A supervisor in the middle is one restart for the one above it, and brings up all below. */
    leaf.silent = true; /* The old leaf may end after the new one has started: nobody waits for it. */
    CHECK_OK(regrow_exit(level[25], ATOM("kill")));
    settle();
    leaf.silent = false;
    CHECK(child_pid(level[23], 1).id == level[24].id);
    CHECK(child_pid(level[24], 1).id != level[25].id);
    CHECK(!regrow_is_alive(level[26]) && !regrow_is_alive(level[DEPTH - 1]));
    CHECK(neighbour.starts == 1 && leaf.starts == 3);
    CHECK_OK(regrow_stop(pid, ATOM("normal"), LIMIT_MS));
    CHECK_LOG("T2 T1");
}

static void a_failure_is_named_as_deep_as_it_lies(void)
{
    tree lower, upper;
    plant(&lower, 1, REGROW_ONE_FOR_ONE);
    lower.actors[1].on_init = refuse;
    plant(&upper, 2, REGROW_ONE_FOR_ONE);
    upper.children[1] = supervisor_child(2, &lower.spec);
    CHECK_ERROR(REGROW_ERR_START, try_start_tree(&upper));
    CHECK_REASON("{shutdown,{failed_to_start_child,2,{shutdown,{failed_to_start_child,1,nope}}}}");
}

/* ---- specs ---- */

static atomic_int given_back;

static void give_back(void *user)
{
    atomic_fetch_add(&given_back, 1);
}

static void a_duplicate_id_is_refused_and_named(void)
{
    tree tree;
    regrow_term one = regrow_float(1.0);
    plant(&tree, 3, REGROW_ONE_FOR_ONE);
    tree.children[2].id_term = number_id(2);
    CHECK_ERROR(REGROW_ERR_START, try_start_tree(&tree));
    CHECK_REASON("{start_spec,{duplicate_child_name,2}}");
    CHECK_LOG("");
    /* Exactly: 1 and 1.0 are two. */
    tree.children[2].id_term = &one;
    start_tree(&tree);
    CHECK_LOG("S1 S2 S3");
    stop_tree(&tree);
}

static void check_refused(regrow_error expected, const regrow_child_spec *child)
{
    regrow_pid pid = { 7 };
    CHECK_ERROR(expected, regrow_supervisor_start_child(root, child, &pid));
    /* In an array too. */
    regrow_supervisor_spec supervisor = { .size = sizeof supervisor, .children = child, .child_count = 1 };
    regrow_child_spec start = supervisor_child(0, &supervisor);
    CHECK_ERROR(expected, regrow_start(root, &start, &pid));
    CHECK(pid.id == 7);
}

static void a_spec_with_something_missing_or_unknown_is_refused_and_what_belongs_to_it_given_back(void)
{
    actor actor = { .number = 1, .silent = true };
    regrow_server_spec server = actor_spec(&actor);
    server.drop_user = give_back;
    regrow_child_spec good = server_child(1, &server), child;
    atomic_store(&given_back, 0);
    child = good; child.id_term = NULL;       check_refused(REGROW_ERR_ARGUMENT, &child);
    child = good; child.id = "both";          check_refused(REGROW_ERR_ARGUMENT, &child);
    child = good; child.id_term = NULL; child.id = "\xff"; check_refused(REGROW_ERR_ARGUMENT, &child);
    child = good; child.restart = 4;          check_refused(REGROW_ERR_ARGUMENT, &child);
    child = good; child.reserved = 1;         check_refused(REGROW_ERR_ARGUMENT, &child);
    child = good; child.name = "";            check_refused(REGROW_ERR_ARGUMENT, &child);
    CHECK(given_back == 12);
    child = good; child.spec = NULL;          check_refused(REGROW_ERR_ARGUMENT, &child);
    child = good; child.kind = 99;            check_refused(REGROW_ERR_ARGUMENT, &child);
    child = good; child.size = 0;             check_refused(REGROW_ERR_ARGUMENT, &child);
    CHECK(given_back == 12);
    server.home = 2;                          check_refused(REGROW_ERR_ARGUMENT, &good);
    server.home = 0; server.flags = 0x80;     check_refused(REGROW_ERR_ARGUMENT, &good);
    server.flags = 0; server.mailbox_reserved = 1; check_refused(REGROW_ERR_ARGUMENT, &good);
    server.mailbox_reserved = 0;
    CHECK(given_back == 18);
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_supervisor_start_child(root, NULL, NULL));
    CHECK(actor.starts == 0);

    regrow_supervisor_spec supervisor = { .size = sizeof supervisor, .strategy = 9 };
    regrow_child_spec start = supervisor_child(0, &supervisor);
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_start(root, &start, NULL));
    supervisor = (regrow_supervisor_spec){ .size = sizeof supervisor, .reserved = 1 };
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_start(root, &start, NULL));
    supervisor = (regrow_supervisor_spec){ .size = sizeof supervisor, .child_count = 1 };
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_start(root, &start, NULL));
}

static void an_array_of_older_smaller_structs_is_walked_by_their_size(void)
{
    /* As the last release might have had it: without `name` and `via`. */
    enum { OLD = offsetof(regrow_child_spec, name) };
    tree tree;
    union {
        unsigned char bytes[3 * OLD];
        regrow_child_spec first;
    } old;
    plant(&tree, 3, REGROW_ONE_FOR_ONE);
    for (int at = 0; at < 3; at++) {
        tree.children[at].size = OLD;
        memcpy(old.bytes + at * OLD, &tree.children[at], OLD);
    }
    tree.spec.children = &old.first;
    start_tree(&tree);
    CHECK_LOG("S1 S2 S3");
    CHECK_CHILDREN(tree.pid, "3 2 1");
    stop_tree(&tree);

    /* As the next one might: larger. What it adds is zero, or this library is too old for it. */
    struct {
        regrow_child_spec known;
        uint64_t added;
    } new[2];
    memset(new, 0, sizeof new);
    for (int at = 0; at < 2; at++) {
        new[at].known = tree.children[at];
        new[at].known.size = sizeof *new;
    }
    tree.spec.children = &new->known;
    tree.spec.child_count = 2;
    start_tree(&tree);
    CHECK_CHILDREN(tree.pid, "2 1");
    stop_tree(&tree);
    new[1].added = 1;
    CHECK_ERROR(REGROW_ERR_VERSION, try_start_tree(&tree));
    new[1].added = 0;
    new[1].known.size = sizeof(regrow_child_spec);
    CHECK_ERROR(REGROW_ERR_ARGUMENT, try_start_tree(&tree));
}

static void a_spec_is_copied_and_its_user_given_back_once(void)
{
    actor actor = { .number = 1, .silent = true };
    atomic_store(&given_back, 0);
    regrow_pid sup;
    {
        char id[] = "brief", name[] = "briefly";
        regrow_server_spec server = actor_spec(&actor);
        server.drop_user = give_back;
        regrow_child_spec child = { .size = sizeof child, .id = id,
                                    .kind = REGROW_SERVER, .spec = &server, .name = name };
        regrow_supervisor_spec supervisor = { .size = sizeof supervisor, .children = &child, .child_count = 1,
                                              .drop_user = give_back };
        regrow_child_spec start = supervisor_child(0, &supervisor);
        CHECK_OK(regrow_start(root, &start, &sup));
        memset(id, 'x', sizeof id - 1);
        memset(name, 'x', sizeof name - 1);
        memset(&server, 0xff, sizeof server);
        memset(&child, 0xff, sizeof child);
        memset(&supervisor, 0xff, sizeof supervisor);
    }
    regrow_pid pid;
    CHECK_OK(regrow_whereis(root, "briefly", &pid));
    kill_and_wait(pid);
    settle();
    CHECK_OK(regrow_whereis(root, "briefly", &pid));
    CHECK(actor.starts == 2 && given_back <= 1);
    CHECK_OK(regrow_stop(sup, ATOM("normal"), LIMIT_MS));
    settle();
    CHECK(given_back == 2);
}

static void the_asynchronous_forms_give_the_same(void)
{
    tree tree;
    regrow_request *pending;
    regrow_term result;
    plant(&tree, 2, REGROW_ONE_FOR_ONE);
    tree.spec.child_count = 1;
    start_tree(&tree);
    CHECK_OK(regrow_supervisor_start_child_async(tree.pid, &tree.children[1], &pending));
    CHECK_OK(regrow_request_wait(pending, LIMIT_MS, &result));
    regrow_request_free(pending);
    check_given(__FILE__, __LINE__, result, "%s", show_pid(child_pid(tree.pid, 2)));
    CHECK_OK(regrow_supervisor_start_child_async(tree.pid, &tree.children[1], &pending));
    CHECK_ERROR(REGROW_ERR_EXISTS, regrow_request_wait(pending, LIMIT_MS, &result));
    CHECK_REASON("{already_started,%s}", show_pid(child_pid(tree.pid, 2)));
    regrow_request_free(pending);
    CHECK_LOG("S1 S2");
    CHECK_OK(regrow_supervisor_which_children_async(tree.pid, &pending));
    CHECK_OK(regrow_on_reply(pending, note_result, "which", NULL));
    CHECK_LOG("which:ok");
    stop_tree(&tree);
}

int main(void)
{
    TEST(each_strategy_stops_and_starts_in_otps_order);
    TEST(a_temporary_sibling_is_stopped_and_not_started_again);
    TEST(a_child_added_later_takes_part);
    TEST(permanent_transient_and_temporary_are_restarted_as_in_otp);
    TEST_MANUAL(the_fourth_crash_in_the_window_stops_the_rest_in_reverse_and_ends_with_shutdown);
    TEST_MANUAL(three_in_five_seconds_is_the_default_and_none_can_be_said);
    TEST_MANUAL(the_window_slides);
    TEST_MANUAL(failed_restarts_count);
    TEST_MANUAL(a_supervisor_that_gave_up_is_one_restart_for_its_parent_unless_it_is_transient);
    TEST(a_child_that_fails_has_those_before_it_stopped_again);
    TEST(each_init_is_over_before_the_next_begins);
    TEST(a_supervisor_is_up_when_its_children_are);
    TEST(a_temporary_child_that_ignores_is_forgotten);
    TEST(the_init_of_a_supervisor_runs_before_its_children_and_decides);
    TEST(requests_are_answered_as_in_otp);
    TEST(a_start_that_fails_or_is_ignored_is_kept_or_not_as_in_otp);
    TEST(children_are_counted_and_described);
    TEST(what_is_no_supervisor_or_is_dead_is_refused);
    TEST(requests_are_answered_between_the_attempts_of_a_restart);
    TEST(a_child_that_is_being_restarted_can_be_given_up_but_not_restarted);
    TEST(strangers_cannot_disturb_a_supervisor);
    TEST(a_supervisor_dies_with_its_parent_and_takes_its_children_along);
    TEST(a_tree_may_be_fifty_deep);
    TEST(a_failure_is_named_as_deep_as_it_lies);
    TEST(a_duplicate_id_is_refused_and_named);
    TEST(a_spec_with_something_missing_or_unknown_is_refused_and_what_belongs_to_it_given_back);
    TEST(an_array_of_older_smaller_structs_is_walked_by_their_size);
    TEST(a_spec_is_copied_and_its_user_given_back_once);
    TEST(the_asynchronous_forms_give_the_same);
    return 0;
}
