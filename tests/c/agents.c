/* Agents: a term, and functions over it that run one after the other; and what is lent to them. */
#include "tree.h"

static regrow_pid start_agent(regrow_term initial)
{
    regrow_agent_spec spec = { .size = sizeof spec, .initial = &initial };
    regrow_child_spec child = { .size = sizeof child, .kind = REGROW_AGENT, .spec = &spec };
    regrow_pid pid;
    CHECK_OK(regrow_start(root, &child, &pid));
    regrow_term_free(&initial);
    return pid;
}

static int64_t number_of(const regrow_term *state)
{
    int64_t number;
    CHECK(regrow_as_int(state, &number));
    return number;
}

static regrow_next add(regrow_context *context, void *user, const regrow_term *state, regrow_term *next,
                       regrow_term *reply)
{
    *next = INT(number_of(state) + *(int *)user);
    return REGROW_DONE;
}

static regrow_next double_it(regrow_context *context, void *user, const regrow_term *state, regrow_term *next,
                             regrow_term *reply)
{
    *reply = regrow_term_clone(state);
    *next = INT(number_of(state) * 2);
    return REGROW_DONE;
}

static regrow_next negate(regrow_context *context, void *user, const regrow_term *state, regrow_term *next,
                          regrow_term *reply)
{
    *reply = INT(-number_of(state));
    return REGROW_DONE;
}

static regrow_next forget(regrow_context *context, void *user, const regrow_term *state, regrow_term *next,
                          regrow_term *reply)
{
    *next = regrow_nil();
    return REGROW_DONE;
}

static regrow_term state_of(regrow_pid agent)
{
    regrow_term value;
    CHECK_OK(regrow_agent_get(agent, NULL, NULL, LIMIT_MS, &value));
    return value;
}

#define CHECK_STATE(agent, ...) check_given(__FILE__, __LINE__, state_of(agent), __VA_ARGS__)

static atomic_int drops;

static void count_drop(void *pointer)
{
    atomic_fetch_add(&drops, 1);
}

static void an_agent_keeps_a_value_that_functions_read_and_replace(void)
{
    static int ten = 10, minus_four = -4;
    regrow_pid agent = start_agent(INT(42));
    regrow_term value;
    CHECK_STATE(agent, "42");
    CHECK_OK(regrow_agent_update(agent, add, &ten, LIMIT_MS));
    CHECK_OK(regrow_agent_get(agent, negate, NULL, LIMIT_MS, &value));
    check_given(__FILE__, __LINE__, value, "-52");
    CHECK_OK(regrow_agent_get_and_update(agent, double_it, NULL, LIMIT_MS, &value));
    check_given(__FILE__, __LINE__, value, "52");
    CHECK_STATE(agent, "104");
    CHECK_OK(regrow_agent_cast(agent, add, &minus_four, NULL));
    CHECK_STATE(agent, "100");
    regrow_request *pending;
    CHECK_OK(regrow_agent_update_async(agent, add, &ten, NULL, LIMIT_MS, &pending));
    CHECK_OK(regrow_request_wait(pending, LIMIT_MS, &value));
    check_given(__FILE__, __LINE__, value, "ok");
    regrow_request_free(pending);
    CHECK_STATE(agent, "110");
    CHECK_OK(regrow_stop(agent, ATOM("normal"), LIMIT_MS));
    CHECK(!regrow_is_alive(agent));
}

static void the_state_changes_only_by_an_update_that_writes_another(void)
{
    static int thing;
    regrow_pid agent = start_agent(INT(7));
    regrow_term value;
    /* double_it writes `next`; of a get that is dropped. */
    CHECK_OK(regrow_agent_get(agent, double_it, NULL, LIMIT_MS, &value));
    check_given(__FILE__, __LINE__, value, "7");
    CHECK_STATE(agent, "7");
    CHECK_OK(regrow_agent_get(agent, double_it, NULL, LIMIT_MS, NULL));
    CHECK_OK(regrow_agent_update(agent, negate, NULL, LIMIT_MS));
    CHECK_STATE(agent, "7");
    CHECK_OK(regrow_agent_update(agent, forget, NULL, LIMIT_MS));
    CHECK_STATE(agent, "[]");
    kill_and_wait(agent);
    /* A state of one's own is a resource: given back once, when it is replaced or the agent ends. */
    atomic_store(&drops, 0);
    agent = start_agent(regrow_resource(&thing, count_drop));
    settle();
    CHECK(drops == 0);
    value = state_of(agent);
    kill_and_wait(agent);
    settle();
    CHECK(drops == 0);
    regrow_term_free(&value);
    CHECK(drops == 1);
    agent = start_agent(regrow_resource(&thing, count_drop));
    CHECK_OK(regrow_agent_get(agent, NULL, NULL, LIMIT_MS, NULL));
    kill_and_wait(agent);
    settle();
    CHECK(drops == 2);
    atomic_store(&drops, 1);
    agent = start_agent(regrow_resource(&thing, count_drop));
    CHECK_OK(regrow_agent_update(agent, forget, NULL, LIMIT_MS));
    settle();
    CHECK(drops == 2);
}

/* ---- crashes ---- */

static regrow_next crash(regrow_context *context, void *user, const regrow_term *state, regrow_term *next,
                         regrow_term *reply)
{
    *next = INT(0);
    return user ? 0 : regrow_stop_self(context, ATOM("boom"));
}

static void a_function_that_fails_ends_the_agent_and_errors_the_caller(void)
{
    for (int badly = 0; badly < 2; badly++) {
        regrow_pid agent = start_agent(INT(1));
        regrow_ref ref = monitor(agent);
        CHECK_ERROR(REGROW_ERR_EXITED, regrow_agent_update(agent, crash, badly ? "badly" : NULL, LIMIT_MS));
        CHECK_REASON(badly ? "bad_return_value" : "boom");
        CHECK_DOWN(ref, badly ? "bad_return_value" : "boom");
        agent = start_agent(INT(1));
        CHECK_ERROR(REGROW_ERR_EXITED, regrow_agent_get(agent, crash, badly ? "badly" : NULL, LIMIT_MS, NULL));
        agent = start_agent(INT(1));
        ref = monitor(agent);
        CHECK_OK(regrow_agent_cast(agent, crash, badly ? "badly" : NULL, NULL));
        CHECK_DOWN(ref, badly ? "bad_return_value" : "boom");
    }
}

static void a_dead_agent_and_what_is_none_are_refused(void)
{
    static int one = 1;
    regrow_pid agent = start_agent(INT(1));
    regrow_term value;
    CHECK_ERROR(REGROW_ERR_WRONG_KIND, regrow_call(agent, ATOM("hello"), LIMIT_MS, NULL));
    CHECK_OK(regrow_cast(agent, ATOM("hello")));
    CHECK_OK(regrow_send(agent, ATOM("hello")));
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_agent_update(agent, NULL, NULL, LIMIT_MS));
    CHECK_STATE(agent, "1");
    kill_and_wait(agent);
    CHECK_ERROR(REGROW_ERR_NO_PROCESS, regrow_agent_get(agent, NULL, NULL, LIMIT_MS, &value));
    CHECK_REASON("noproc");
    CHECK_ERROR(REGROW_ERR_NO_PROCESS, regrow_agent_update(agent, add, &one, LIMIT_MS));
    CHECK_ERROR(REGROW_ERR_NO_PROCESS, regrow_stop(agent, ATOM("normal"), LIMIT_MS));
    CHECK_OK(regrow_agent_cast(agent, add, &one, NULL));

    actor actor = { .number = 1, .silent = true };
    regrow_server_spec server = actor_spec(&actor);
    regrow_child_spec child = server_child(1, &server);
    regrow_pid pid;
    CHECK_OK(regrow_start(root, &child, &pid));
    CHECK_ERROR(REGROW_ERR_WRONG_KIND, regrow_agent_get(pid, NULL, NULL, LIMIT_MS, &value));
    CHECK_ERROR(REGROW_ERR_WRONG_KIND, regrow_agent_update(pid, add, &one, LIMIT_MS));
    CHECK(regrow_is_alive(pid));
}

static regrow_next make(regrow_context *context, void *user, const regrow_term *state, regrow_term *next,
                        regrow_term *reply)
{
    if (user)
        return regrow_stop_self(context, ATOM("nope"));
    *next = INT(number_of(state) + 1);
    return REGROW_DONE;
}

static void an_init_makes_the_state_or_refuses_the_start(void)
{
    regrow_term initial = INT(1);
    regrow_agent_spec spec = { .size = sizeof spec, .initial = &initial, .init = make, .drop_user = count_drop };
    regrow_child_spec child = { .size = sizeof child, .kind = REGROW_AGENT, .spec = &spec, .name = "agent" };
    regrow_pid agent;
    atomic_store(&drops, 0);
    CHECK_OK(regrow_start(root, &child, &agent));
    CHECK_STATE(agent, "2");
    kill_and_wait(agent);
    spec.user = "refuse";
    CHECK_ERROR(REGROW_ERR_START, regrow_start(root, &child, &agent));
    CHECK_REASON("nope");
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_whereis(root, "agent", &agent));
    spec.mailbox_reserved = 1;
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_start(root, &child, &agent));
    settle();
    CHECK(drops == 3);
}

static void a_supervised_agent_begins_anew_after_a_crash(void)
{
    static int ten = 10;
    tree tree;
    regrow_term initial = INT(1);
    regrow_agent_spec spec = { .size = sizeof spec, .initial = &initial };
    plant(&tree, 1, REGROW_ONE_FOR_ONE);
    tree.children[0].kind = REGROW_AGENT;
    tree.children[0].spec = &spec;
    start_tree(&tree);
    regrow_pid before = child_pid(tree.pid, 1);
    CHECK_OK(regrow_agent_update(before, add, &ten, LIMIT_MS));
    CHECK_STATE(before, "11");
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_agent_update(before, crash, NULL, LIMIT_MS));
    settle();
    CHECK_STATE(child_pid(tree.pid, 1), "1");
    stop_tree(&tree);
}

static regrow_next ask_oneself(regrow_context *context, void *user, const regrow_term *state, regrow_term *next,
                               regrow_term *reply)
{
    regrow_pid me;
    CHECK_OK(regrow_self(&me));
    CHECK_ERROR(REGROW_ERR_SELF_CALL, regrow_agent_get(me, NULL, NULL, LIMIT_MS, reply));
    CHECK_REASON("calling_self");
    *next = INT(number_of(state) + 1);
    return REGROW_DONE;
}

static void an_agent_cannot_ask_itself(void)
{
    regrow_pid agent = start_agent(INT(1));
    CHECK_OK(regrow_agent_update(agent, ask_oneself, NULL, LIMIT_MS));
    CHECK_STATE(agent, "2");
}

/* ---- one after the other ---- */

enum { THREADS = 8 };
static regrow_pid counter;

static void *increment_often(void *argument)
{
    static int one = 1;
    for (size_t left = rounds(10000); left; left--)
        CHECK_OK(regrow_agent_update(counter, add, &one, LIMIT_MS));
    return NULL;
}

static void the_increments_of_many_threads_all_count(void)
{
    pthread_t threads[THREADS];
    counter = start_agent(INT(0));
    for (int at = 0; at < THREADS; at++)
        threads[at] = start_thread(increment_often, NULL);
    for (int at = 0; at < THREADS; at++)
        join_thread(threads[at]);
    CHECK_STATE(counter, "%zu", THREADS * rounds(10000));
}

/* ---- what is lent ---- */

/* The agent sits in a function until `go` comes. */
static regrow_next wait_for_go(regrow_context *context, void *user, const regrow_term *state, regrow_term *next,
                               regrow_term *reply)
{
    regrow_term go;
    *next = regrow_term_clone(state);
    if (regrow_receive(REGROW_INFINITY, &go) == REGROW_OK)
        regrow_term_free(&go);
    note("gone");
    return REGROW_DONE;
}

/* What a borrower touches, and the lender poisons when its call has returned. */
typedef struct loan {
    regrow_pid agent;
    uint32_t timeout_ms;
    regrow_agent_callback function;
    atomic_int touched;
    regrow_error error;
} loan;

typedef struct lent {
    atomic_int *alive;
    loan *loan;
} lent;

static regrow_next touch(regrow_context *context, void *user, const regrow_term *state, regrow_term *next,
                         regrow_term *reply)
{
    lent *lent = user;
    CHECK(atomic_load(lent->alive) == 1);
    atomic_fetch_add(&lent->loan->touched, 1);
    *next = regrow_term_clone(state);
    return REGROW_DONE;
}

/* As touch(), but stays with it until `go` comes. */
static regrow_next touch_for_long(regrow_context *context, void *user, const regrow_term *state, regrow_term *next,
                                  regrow_term *reply)
{
    lent *lent = user;
    CHECK(atomic_load(lent->alive) == 1);
    wait_for_go(context, NULL, state, next, reply);
    CHECK(atomic_load(lent->alive) == 1);
    atomic_fetch_add(&lent->loan->touched, 1);
    return REGROW_DONE;
}

/* Outlives the call that lends, so that a borrower that comes too late is seen and does not crash. */
static atomic_int lender_is_there;

static regrow_next lend(regrow_context *context, void *user)
{
    loan *loan = user;
    lent lent = { &lender_is_there, loan };
    atomic_store(&lender_is_there, 1);
    loan->error = regrow_agent_update(loan->agent, loan->function, &lent, loan->timeout_ms);
    atomic_store(&lender_is_there, 0);
    return REGROW_DONE;
}

static regrow_pid start_lender(loan *loan, regrow_ref *done)
{
    regrow_process_spec process = { .size = sizeof process, .body = lend, .user = loan };
    regrow_pid pid;
    CHECK_OK(regrow_spawn_monitor(&process, &pid, done));
    settle();
    return pid;
}

static void what_is_lent_is_not_touched_after_the_caller_was_killed_or_gave_up(void)
{
    /* Queued behind another function: it never runs. */
    for (int killed = 0; killed < 2; killed++) {
        regrow_ref done;
        regrow_pid agent = start_agent(INT(1));
        CHECK_OK(regrow_agent_cast(agent, wait_for_go, NULL, NULL));
        loan loan = { .agent = agent, .timeout_ms = killed ? REGROW_INFINITY : 50, .function = touch };
        regrow_pid lender = start_lender(&loan, &done);
        if (killed)
            CHECK_OK(regrow_exit(lender, ATOM("kill")));
        else
            CHECK_OK(regrow_advance(root, 50));
        CHECK_DOWN(done, killed ? "killed" : "normal");
        wait_for_ghosts();
        CHECK(loan.error == (killed ? REGROW_ERR_KILLED : REGROW_ERR_TIMEOUT));
        CHECK_OK(regrow_send(agent, ATOM("go")));
        CHECK_STATE(agent, "1");
        CHECK(loan.touched == 0);
        CHECK_LOG("gone");
    }
}

static void a_function_that_runs_is_waited_for_by_a_caller_that_was_killed_or_ran_out_of_time(void)
{
    for (int killed = 0; killed < 2; killed++) {
        regrow_ref done;
        regrow_stats stats = { .size = sizeof stats };
        regrow_pid agent = start_agent(INT(1));
        loan loan = { .agent = agent, .timeout_ms = killed ? REGROW_INFINITY : 50, .function = touch_for_long,
                      .error = -1 };
        regrow_pid lender = start_lender(&loan, &done);
        if (killed) {
            CHECK_OK(regrow_exit(lender, ATOM("kill")));
            CHECK_DOWN(done, "killed");
            /* Dead to all others, and still in its call. */
            CHECK_OK(regrow_stats_read(root, &stats));
            CHECK(stats.ghosts == 1);
        } else {
            CHECK_OK(regrow_advance(root, 1000));
        }
        CHECK(lender_is_there == 1 && (int)loan.error == -1);
        CHECK_OK(regrow_send(agent, ATOM("go")));
        if (!killed)
            CHECK_DOWN(done, "normal");
        wait_for_ghosts();
        settle();
        CHECK(loan.touched == 1);
        /* It had begun in time; whether a dead caller hears of it is nobody's affair. */
        CHECK(loan.error == REGROW_OK || (killed && loan.error == REGROW_ERR_KILLED));
        CHECK(regrow_is_alive(agent));
        CHECK_LOG("gone");
    }
}

static void a_killed_agent_gives_back_what_was_lent_before_the_call_returns(void)
{
    regrow_ref done;
    regrow_pid agent = start_agent(INT(1));
    loan loan = { .agent = agent, .timeout_ms = REGROW_INFINITY, .function = touch_for_long };
    start_lender(&loan, &done);
    kill_and_wait(agent);
    CHECK_DOWN(done, "normal");
    CHECK(loan.error == REGROW_ERR_EXITED);
    CHECK(loan.touched == 1);
    wait_for_ghosts();
    CHECK_LOG("gone");
}

static void what_is_given_away_is_dropped_once(void)
{
    regrow_request *pending;
    regrow_pid agent = start_agent(INT(1));
    atomic_store(&drops, 0);
    /* Run. */
    CHECK_OK(regrow_agent_cast(agent, double_it, NULL, count_drop));
    CHECK_OK(regrow_agent_update_async(agent, double_it, NULL, count_drop, LIMIT_MS, &pending));
    CHECK_OK(regrow_request_wait(pending, LIMIT_MS, NULL));
    regrow_request_free(pending);
    settle();
    CHECK(drops == 2);
    CHECK_STATE(agent, "4");
    /* Given up by who asked: it runs all the same. */
    CHECK_OK(regrow_agent_cast(agent, wait_for_go, NULL, count_drop));
    CHECK_OK(regrow_agent_update_async(agent, double_it, NULL, count_drop, LIMIT_MS, &pending));
    regrow_request_free(pending);
    CHECK_OK(regrow_send(agent, ATOM("go")));
    CHECK_STATE(agent, "8");
    settle();
    CHECK(drops == 4);
    /* Queued when the agent is killed. */
    CHECK_OK(regrow_agent_cast(agent, wait_for_go, NULL, count_drop));
    CHECK_OK(regrow_agent_cast(agent, double_it, NULL, count_drop));
    CHECK_OK(regrow_agent_update_async(agent, double_it, NULL, count_drop, LIMIT_MS, &pending));
    settle();
    kill_and_wait(agent);
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_request_wait(pending, LIMIT_MS, NULL));
    CHECK_REASON("killed");
    regrow_request_free(pending);
    wait_for_ghosts();
    settle();
    CHECK(drops == 7);
    /* To the dead, and refused. */
    CHECK_OK(regrow_agent_cast(agent, double_it, NULL, count_drop));
    pending = NULL;
    regrow_error error = regrow_agent_update_async(agent, double_it, NULL, count_drop, LIMIT_MS, &pending);
    CHECK(error == REGROW_ERR_NO_PROCESS
          || regrow_request_wait(pending, LIMIT_MS, NULL) == REGROW_ERR_NO_PROCESS);
    regrow_request_free(pending);
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_agent_cast(agent, NULL, NULL, count_drop));
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_agent_update_async(agent, double_it, NULL, count_drop, LIMIT_MS, NULL));
    settle();
    CHECK(drops == 11);
}

static void a_caller_that_runs_out_of_time_leaves_the_agent_alive(void)
{
    regrow_ref done;
    regrow_pid agent = start_agent(INT(1));
    CHECK_OK(regrow_agent_cast(agent, wait_for_go, NULL, NULL));
    loan loan = { .agent = agent, .timeout_ms = 10, .function = touch };
    start_lender(&loan, &done);
    CHECK_OK(regrow_advance(root, 10));
    CHECK_DOWN(done, "normal");
    CHECK(loan.error == REGROW_ERR_TIMEOUT);
    CHECK_OK(regrow_send(agent, ATOM("go")));
    CHECK_STATE(agent, "1");
}

int main(void)
{
    TEST(an_agent_keeps_a_value_that_functions_read_and_replace);
    TEST(the_state_changes_only_by_an_update_that_writes_another);
    TEST(a_function_that_fails_ends_the_agent_and_errors_the_caller);
    TEST(a_dead_agent_and_what_is_none_are_refused);
    TEST(an_init_makes_the_state_or_refuses_the_start);
    TEST(a_supervised_agent_begins_anew_after_a_crash);
    TEST(an_agent_cannot_ask_itself);
    TEST(the_increments_of_many_threads_all_count);
    TEST_MANUAL(what_is_lent_is_not_touched_after_the_caller_was_killed_or_gave_up);
    TEST_MANUAL(a_function_that_runs_is_waited_for_by_a_caller_that_was_killed_or_ran_out_of_time);
    TEST(a_killed_agent_gives_back_what_was_lent_before_the_call_returns);
    TEST(what_is_given_away_is_dropped_once);
    TEST_MANUAL(a_caller_that_runs_out_of_time_leaves_the_agent_alive);
    return 0;
}
