/* How supervisors stop their children, and what cannot hold them up: children that hang, hide or come up slowly,
 * requests from below, and deaths that leave children behind. */
#include "tree.h"
#include <unistd.h>

/* ---- order and time ---- */

static void sleep_a_little(actor *actor, const regrow_term *reason)
{
    CHECK_OK(regrow_sleep(100));
    note("(T%d)", actor->number);
}

static regrow_request *stop_later(regrow_pid pid)
{
    regrow_request *pending;
    CHECK_OK(regrow_stop_async(pid, ATOM("normal"), REGROW_INFINITY, &pending));
    settle();
    return pending;
}

static void check_stopped(regrow_request *pending)
{
    CHECK_OK(regrow_request_wait(pending, LIMIT_MS, NULL));
    regrow_request_free(pending);
}

static void children_are_stopped_one_at_a_time_the_newest_first(void)
{
    tree tree;
    plant(&tree, 5, REGROW_ONE_FOR_ONE);
    for (int number = 1; number <= 5; number++)
        tree.actors[number].on_terminate = sleep_a_little;
    start_tree(&tree);
    CHECK_LOG("S1 S2 S3 S4 S5");
    regrow_request *stop = stop_later(tree.pid);
    CHECK_LOG("T5");
    CHECK_OK(regrow_advance(root, 100));
    CHECK_LOG("(T5) T4");
    CHECK_OK(regrow_advance(root, 99));
    CHECK_LOG("");
    CHECK_OK(regrow_advance(root, 1));
    CHECK_LOG("(T4) T3");
    CHECK_OK(regrow_advance(root, 200));
    CHECK_LOG("(T3) T2 (T2) T1");
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_request_wait(stop, 0, NULL));
    CHECK_OK(regrow_advance(root, 100));
    check_stopped(stop);
    CHECK_LOG("(T1)");
}

static void sleep_long(actor *actor, const regrow_term *reason)
{
    if (regrow_sleep(actor->number == 2 ? 50 : 60000) == REGROW_OK)
        note("(T%d)", actor->number);
}

static void a_child_that_outlives_its_shutdown_time_is_killed(void)
{
    tree tree;
    plant(&tree, 2, REGROW_ONE_FOR_ONE);
    tree.actors[1].on_terminate = tree.actors[2].on_terminate = sleep_long;
    tree.children[0].shutdown_ms = 100;
    tree.children[1].shutdown_ms = 1000;
    start_tree(&tree);
    regrow_ref slow = monitor(child_pid(tree.pid, 1)), quick = monitor(child_pid(tree.pid, 2));
    regrow_request *stop = stop_later(tree.pid);
    CHECK_OK(regrow_advance(root, 149));
    CHECK_DOWN(quick, "shutdown");
    CHECK_LOG("S1 S2 T2 (T2) T1");
    CHECK(regrow_is_alive(tree.pid));
    CHECK_OK(regrow_advance(root, 1));
    check_stopped(stop);
    CHECK_DOWN(slow, "killed");
}

static void infinity_waits_and_a_brutal_kill_does_not(void)
{
    tree tree;
    plant(&tree, 3, REGROW_ONE_FOR_ONE);
    tree.actors[1].on_terminate = sleep_long;
    tree.children[0].shutdown_ms = REGROW_INFINITY;
    tree.children[2].shutdown_ms = REGROW_BRUTAL_KILL;
    start_tree(&tree);
    regrow_ref patient = monitor(child_pid(tree.pid, 1)), brutal = monitor(child_pid(tree.pid, 3));
    regrow_request *stop = stop_later(tree.pid);
    CHECK_DOWN(brutal, "killed");
    CHECK_LOG("S1 S2 S3 T2 T1");
    CHECK_OK(regrow_advance(root, 59999));
    CHECK_LOG("");
    CHECK_OK(regrow_advance(root, 1));
    check_stopped(stop);
    CHECK_DOWN(patient, "shutdown");
    CHECK_LOG("(T1)");
}

static void five_seconds_is_a_workers_default_and_a_supervisor_has_all_the_time(void)
{
    tree lower, upper;
    plant(&lower, 2, REGROW_ONE_FOR_ONE);
    lower.actors[1].on_terminate = lower.actors[2].on_terminate = sleep_long;
    lower.actors[2].number = 3;
    plant(&upper, 1, REGROW_ONE_FOR_ONE);
    upper.children[0] = supervisor_child(1, &lower.spec);
    start_tree(&upper);
    regrow_request *stop = stop_later(upper.pid);
    CHECK_OK(regrow_advance(root, 9999));
    CHECK(regrow_is_alive(upper.pid));
    CHECK_OK(regrow_advance(root, 1));
    check_stopped(stop);
    CHECK_LOG("S1 S3 T3 T1");
}

/* ---- children that hide ---- */

static regrow_pid own_parent(void)
{
    regrow_pid me, parent = { 0 };
    regrow_term map, key = ATOM("parent");
    CHECK_OK(regrow_self(&me));
    CHECK_OK(regrow_info(me, &map));
    CHECK(regrow_as_pid(regrow_map_get(&map, &key), &parent));
    regrow_term_free(&map);
    return parent;
}

/* Cuts its link, and takes no notice of anything but `go`. */
static regrow_next naughty(regrow_context *context, void *user)
{
    regrow_term message;
    CHECK_OK(regrow_trap_exit(true, NULL));
    CHECK_OK(regrow_unlink(own_parent()));
    note("hidden");
    while (regrow_receive(REGROW_INFINITY, &message) == REGROW_OK) {
        bool go = regrow_is_atom(&message, "go");
        regrow_term_free(&message);
        if (go)
            return regrow_stop_self(context, ATOM("gone"));
    }
    return REGROW_DONE;
}

static void a_child_that_unlinks_itself_cannot_hang_its_supervisor(void)
{
    static const uint32_t shutdowns[] = { 100, REGROW_BRUTAL_KILL };
    for (size_t at = 0; at < 2; at++) {
        tree tree;
        regrow_process_spec process = { .size = sizeof process, .body = naughty };
        plant(&tree, 2, REGROW_ONE_FOR_ONE);
        tree.children[1].kind = REGROW_PROCESS;
        tree.children[1].spec = &process;
        tree.children[1].shutdown_ms = shutdowns[at];
        start_tree(&tree);
        CHECK_LOG("S1 hidden");
        regrow_ref ref = monitor(child_pid(tree.pid, 2));
        regrow_request *stop = stop_later(tree.pid);
        if (at == 0) {
            CHECK_OK(regrow_advance(root, 99));
            CHECK_LOG("");
            CHECK_OK(regrow_advance(root, 1));
        }
        check_stopped(stop);
        CHECK_DOWN(ref, "killed");
        CHECK_LOG("T1");
    }
}

static void a_child_that_unlinked_itself_and_died_can_be_terminated(void)
{
    tree tree;
    regrow_process_spec process = { .size = sizeof process, .body = naughty };
    plant(&tree, 1, REGROW_ONE_FOR_ONE);
    tree.children[0].kind = REGROW_PROCESS;
    tree.children[0].spec = &process;
    start_tree(&tree);
    CHECK_LOG("hidden");
    CHECK_OK(regrow_send(child_pid(tree.pid, 1), ATOM("go")));
    settle();
    CHECK_OK(regrow_supervisor_terminate_child(tree.pid, number_id(1)));
    CHECK_CHILDREN(tree.pid, "undefined:1");
    stop_tree(&tree);
}

/* ---- inits that hang ---- */

static regrow_next wait_for_ever(regrow_context *context, actor *actor)
{
    regrow_term message;
    CHECK_ERROR(REGROW_ERR_KILLED, regrow_receive(REGROW_INFINITY, &message));
    return REGROW_READY;
}

static atomic_int stuck;
static int gate[2];

/* Sits in the kernel, where nothing can reach it, until the gate is closed. */
static regrow_next block_for_ever(regrow_context *context, actor *actor)
{
    char byte;
    atomic_fetch_add(&stuck, 1);
    CHECK(read(gate[0], &byte, 1) == 0);
    return REGROW_READY;
}

static void close_gate(void)
{
    CHECK(close(gate[1]) == 0);
    wait_for_ghosts();
    CHECK(close(gate[0]) == 0);
}

static regrow_next start_tree_and_wait(regrow_context *context, void *user)
{
    tree *tree = user;
    regrow_child_spec start = supervisor_child(0, &tree->spec);
    start.name = "hanging";
    regrow_term message;
    regrow_start_link(&start, &tree->pid);
    return regrow_receive(REGROW_INFINITY, &message) ? REGROW_DONE : regrow_stop_self(context, message);
}

static void a_supervisor_whose_childs_init_hangs_can_be_killed(void)
{
    for (int blocks = 0; blocks < 2; blocks++) {
        tree tree;
        regrow_pid parent, sup, child;
        CHECK(pipe(gate) == 0);
        atomic_store(&stuck, 0);
        plant(&tree, 2, REGROW_ONE_FOR_ONE);
        tree.actors[2].traps = false;
        tree.actors[2].on_init = blocks ? block_for_ever : wait_for_ever;
        tree.children[1].name = "slow";
        regrow_process_spec process = { .size = sizeof process, .body = start_tree_and_wait, .user = &tree };
        CHECK_OK(regrow_spawn(root, &process, &parent));
        regrow_address address = { .size = sizeof address, .runtime = root, .name = "slow",
                                   .wait_ms = REGROW_INFINITY };
        CHECK_OK(regrow_whereis_at(&address, &child));
        if (!blocks)
            settle();
        while (blocks && !stuck)
            sched_yield();
        CHECK_OK(regrow_whereis(root, "hanging", &sup));
        regrow_ref sup_down = monitor(sup), child_down = monitor(child), parent_down = monitor(parent);
        CHECK_OK(regrow_exit(sup, ATOM("kill")));
        CHECK_DOWN(sup_down, "killed");
        CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_whereis(root, "slow", &child));
        CHECK_DOWN(parent_down, "killed");
        if (!blocks)
            CHECK_DOWN(child_down, "killed");
        close_gate();
        if (blocks)
            CHECK_DOWN(child_down, "killed");
        CHECK_LOG("S1 S2 T1");
    }
}

static void the_parents_end_leaves_a_hanging_init_no_more_than_its_shutdown_time(void)
{
    for (int asked = 0; asked < 2; asked++) {
        tree tree;
        regrow_pid parent, sup;
        regrow_request *stop = NULL;
        plant(&tree, 2, REGROW_ONE_FOR_ONE);
        tree.actors[2].traps = false;
        tree.actors[2].on_init = wait_for_ever;
        tree.children[1].shutdown_ms = 70;
        regrow_process_spec process = { .size = sizeof process, .body = start_tree_and_wait, .user = &tree };
        CHECK_OK(regrow_spawn(root, &process, &parent));
        CHECK_LOG("S1 S2");
        CHECK_OK(regrow_whereis(root, "hanging", &sup));
        regrow_ref ref = monitor(sup);
        CHECK_OK(regrow_advance(root, 100000));
        CHECK(regrow_is_alive(sup));
        if (asked)
            stop = stop_later(sup);
        else
            CHECK_OK(regrow_exit(parent, ATOM("boom")));
        settle();
        CHECK_OK(regrow_advance(root, 69));
        CHECK(regrow_is_alive(sup));
        CHECK_OK(regrow_advance(root, 1));
        regrow_term reason = down_reason(ref);
        regrow_term_free(&reason);
        CHECK(!regrow_is_alive(sup));
        regrow_request_free(stop);
        CHECK_LOG("T1");
    }
}

static void an_init_with_a_limit_is_given_up_by_its_supervisor(void)
{
    tree tree;
    regrow_request *start;
    plant(&tree, 2, REGROW_ONE_FOR_ONE);
    tree.spec.child_count = 1;
    tree.actors[2].traps = false;
    tree.actors[2].on_init = wait_for_ever;
    tree.servers[1].init_timeout_ms = 30;
    start_tree(&tree);
    CHECK_OK(regrow_supervisor_start_child_async(tree.pid, &tree.children[1], &start));
    CHECK_LOG("S1 S2");
    CHECK_OK(regrow_advance(root, 30));
    CHECK_ERROR(REGROW_ERR_START, regrow_request_wait(start, LIMIT_MS, NULL));
    CHECK_REASON("timeout");
    regrow_request_free(start);
    CHECK_CHILDREN(tree.pid, "1");
    stop_tree(&tree);
}

static void a_stuck_callback_does_not_hold_up_the_stop_of_a_tree(void)
{
    tree tree;
    regrow_pid child;
    CHECK(pipe(gate) == 0);
    atomic_store(&stuck, 0);
    plant(&tree, 2, REGROW_ONE_FOR_ONE);
    tree.actors[2].traps = false;
    tree.children[1].shutdown_ms = 30;
    tree.children[1].name = "stuck";
    tree.actors[2].on_init = block_for_ever;
    tree.spec.child_count = 1;
    start_tree(&tree);
    regrow_request *start;
    CHECK_OK(regrow_supervisor_start_child_async(tree.pid, &tree.children[1], &start));
    while (!stuck)
        sched_yield();
    CHECK_OK(regrow_whereis(root, "stuck", &child));
    CHECK_OK(regrow_stop(tree.pid, ATOM("normal"), LIMIT_MS));
    CHECK(!regrow_is_alive(child));
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_whereis(root, "stuck", &child));
    regrow_request_free(start);
    close_gate();
    CHECK_LOG("S1 S2 T1");
}

/* ---- requests from below ---- */

static regrow_pid top_supervisor;
static regrow_pid other_supervisor;
static actor extra = { .number = 7 };

static regrow_child_spec extra_child(void)
{
    static regrow_server_spec server;
    server = actor_spec(&extra);
    return server_child(7, &server);
}

static regrow_next ask_those_who_wait(regrow_context *context, actor *actor)
{
    regrow_pid parent = own_parent(), pid;
    regrow_child_spec child = extra_child();
    regrow_child_count count = { .size = sizeof count };
    regrow_term term;
    regrow_request *later;
    CHECK_ERROR(REGROW_ERR_WOULD_DEADLOCK, regrow_supervisor_start_child(parent, &child, &pid));
    CHECK_ERROR(REGROW_ERR_WOULD_DEADLOCK, regrow_supervisor_which_children(parent, &term));
    CHECK_ERROR(REGROW_ERR_WOULD_DEADLOCK, regrow_supervisor_count_children(parent, &count));
    CHECK_ERROR(REGROW_ERR_WOULD_DEADLOCK, regrow_supervisor_terminate_child(parent, number_id(1)));
    CHECK_ERROR(REGROW_ERR_WOULD_DEADLOCK, regrow_supervisor_restart_child(parent, number_id(1), &pid));
    CHECK_ERROR(REGROW_ERR_WOULD_DEADLOCK, regrow_supervisor_delete_child(parent, number_id(1)));
    CHECK_ERROR(REGROW_ERR_WOULD_DEADLOCK, regrow_supervisor_get_childspec(parent, number_id(1), &term));
    if (top_supervisor.id)
        CHECK_ERROR(REGROW_ERR_WOULD_DEADLOCK, regrow_supervisor_start_child(top_supervisor, &child, &pid));
    /* Another supervisor does not wait for this start; and what is collected later does not wait at all. */
    CHECK_OK(regrow_supervisor_start_child(other_supervisor, &child, &pid));
    CHECK_OK(regrow_supervisor_terminate_child(other_supervisor, number_id(7)));
    CHECK_OK(regrow_supervisor_delete_child(other_supervisor, number_id(7)));
    CHECK_OK(regrow_supervisor_start_child_async(parent, &child, &later));
    regrow_request_free(later);
    return REGROW_READY;
}

static void asking_who_waits_for_this_start_would_deadlock_and_says_so(void)
{
    tree lower, other;
    plant(&other, 0, REGROW_ONE_FOR_ONE);
    start_tree(&other);
    other_supervisor = other.pid;
    top_supervisor = (regrow_pid){ 0 };
    plant(&lower, 1, REGROW_ONE_FOR_ONE);
    lower.actors[1].on_init = ask_those_who_wait;
    start_tree(&lower);
    CHECK_LOG("S1 S7 S7");
    CHECK_CHILDREN(lower.pid, "7 1");
    stop_tree(&lower);

    /* And those above, while they wait for the one below. */
    tree upper;
    plant(&upper, 0, REGROW_ONE_FOR_ONE);
    start_tree(&upper);
    top_supervisor = upper.pid;
    regrow_child_spec child = supervisor_child(1, &lower.spec);
    CHECK_OK(regrow_supervisor_start_child(upper.pid, &child, NULL));
    CHECK_LOG("T1 S1 S7 S7");
    stop_tree(&upper);
    stop_tree(&other);
    top_supervisor = (regrow_pid){ 0 };
}

static regrow_next kill_the_parent(regrow_context *context, actor *actor)
{
    regrow_term message;
    CHECK_OK(regrow_exit(own_parent(), ATOM("kill")));
    CHECK_ERROR(REGROW_ERR_KILLED, regrow_receive(REGROW_INFINITY, &message));
    return REGROW_READY;
}

static void killing_who_waits_for_this_start_works(void)
{
    tree tree;
    plant(&tree, 2, REGROW_ONE_FOR_ONE);
    tree.actors[2].traps = false;
    tree.actors[2].on_init = kill_the_parent;
    CHECK_ERROR(REGROW_ERR_START, try_start_tree(&tree));
    CHECK_REASON("killed");
    CHECK_LOG("S1 S2 T1");
}

static regrow_next continue_in_init(regrow_context *context, actor *actor)
{
    return regrow_continue(context, REGROW_READY, ATOM("grow"));
}

static regrow_next grow_a_sibling(regrow_context *context, void *state, const regrow_term *argument)
{
    regrow_child_spec child = extra_child();
    CHECK_OK(regrow_supervisor_start_child(own_parent(), &child, NULL));
    return REGROW_NOREPLY;
}

static void once_it_is_up_a_child_may_have_siblings_started(void)
{
    tree tree;
    plant(&tree, 1, REGROW_ONE_FOR_ONE);
    tree.actors[1].on_init = continue_in_init;
    tree.servers[0].handle_continue = grow_a_sibling;
    start_tree(&tree);
    CHECK_LOG("S1 S7");
    CHECK_CHILDREN(tree.pid, "7 1");
    stop_tree(&tree);
}

/* ---- a supervisor that is killed leaves nothing in the way of the next ---- */

static void yield_often(actor *actor, const regrow_term *reason)
{
    for (int turn = 0; turn < 20; turn++)
        regrow_sleep(0);
}

static void a_tree_whose_supervisor_was_killed_can_be_started_again_at_once(void)
{
    static tree lower, upper;
    regrow_registry_spec registry_spec = { .size = sizeof registry_spec };
    regrow_child_spec registry = { .size = sizeof registry, .kind = REGROW_REGISTRY, .spec = &registry_spec };
    regrow_term key = ATOM("leaf");
    regrow_address via = { .size = sizeof via, .key = &key };
    CHECK_OK(regrow_start(root, &registry, &via.registry));
    plant(&lower, 2, REGROW_ONE_FOR_ONE);
    plant(&upper, 3, REGROW_ONE_FOR_ONE);
    lower.children[0].name = "lower_1";
    lower.children[1].name = "lower_2";
    upper.children[0].name = "upper_1";
    upper.children[1].via = &via;
    upper.children[2] = supervisor_child(3, &lower.spec);
    upper.children[2].name = "lower";
    for (int number = 1; number <= 2; number++) {
        lower.actors[number].silent = upper.actors[number].silent = true;
        lower.actors[number].on_terminate = upper.actors[number].on_terminate = yield_often;
    }
    size_t kills = rounds(1000), failures = 0;
    for (size_t left = kills; left; left--) {
        if (try_start_tree(&upper) != REGROW_OK) {
            failures++;
            continue;
        }
        CHECK_OK(regrow_exit(upper.pid, ATOM("kill")));
        CHECK_DOWN(upper.monitor, "killed");
        regrow_pid pid;
        CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_whereis(root, "upper_1", &pid));
        CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_whereis(root, "lower_2", &pid));
        CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_whereis_at(&via, &pid));
    }
    CHECK(failures == 0);
    settle();
}

static atomic_size_t rebuilt;

static regrow_next count_start(regrow_context *context, void *user, const regrow_term *arg,
                               regrow_children *children)
{
    atomic_fetch_add(&rebuilt, 1);
    return REGROW_READY;
}

static void a_supervisor_that_is_killed_is_rebuilt_at_the_first_attempt(void)
{
    static tree lower, upper;
    plant(&lower, 3, REGROW_ONE_FOR_ONE);
    lower.spec.init = count_start;
    atomic_store(&rebuilt, 0);
    static const char *names[] = { "a", "b", "c" };
    for (int at = 0; at < 3; at++) {
        lower.children[at].name = names[at];
        lower.actors[at + 1].silent = true;
        lower.actors[at + 1].on_terminate = yield_often;
    }
    plant(&upper, 1, REGROW_ONE_FOR_ONE);
    upper.children[0] = supervisor_child(1, &lower.spec);
    upper.children[0].name = "lower";
    upper.spec.max_restarts = 2000000000;
    start_tree(&upper);
    size_t kills = rounds(1000);
    for (size_t left = kills; left; left--) {
        regrow_address address = { .size = sizeof address, .name = "lower", .wait_ms = LIMIT_MS };
        regrow_address last = { .size = sizeof last, .name = "c", .wait_ms = LIMIT_MS };
        regrow_pid sup;
        CHECK_OK(regrow_whereis_at(&address, &sup));
        CHECK_OK(regrow_call_at(&last, ATOM("are_you_up"), LIMIT_MS, NULL));
        kill_and_wait(sup);
    }
    settle();
    CHECK(rebuilt == kills + 1);
    CHECK(lower.actors[3].starts == (int)kills + 1);
    stop_tree(&upper);
}

int main(void)
{
    TEST_MANUAL(children_are_stopped_one_at_a_time_the_newest_first);
    TEST_MANUAL(a_child_that_outlives_its_shutdown_time_is_killed);
    TEST_MANUAL(infinity_waits_and_a_brutal_kill_does_not);
    TEST_MANUAL(five_seconds_is_a_workers_default_and_a_supervisor_has_all_the_time);
    TEST_MANUAL(a_child_that_unlinks_itself_cannot_hang_its_supervisor);
    TEST(a_child_that_unlinked_itself_and_died_can_be_terminated);
    TEST(a_supervisor_whose_childs_init_hangs_can_be_killed);
    TEST_MANUAL(the_parents_end_leaves_a_hanging_init_no_more_than_its_shutdown_time);
    TEST_MANUAL(an_init_with_a_limit_is_given_up_by_its_supervisor);
    TEST(a_stuck_callback_does_not_hold_up_the_stop_of_a_tree);
    TEST(asking_who_waits_for_this_start_would_deadlock_and_says_so);
    TEST(killing_who_waits_for_this_start_works);
    TEST(once_it_is_up_a_child_may_have_siblings_started);
    TEST(a_tree_whose_supervisor_was_killed_can_be_started_again_at_once);
    TEST(a_supervisor_that_is_killed_is_rebuilt_at_the_first_attempt);
    return 0;
}
