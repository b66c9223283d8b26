/* Tasks that wait for tasks of their own supervisor: these begin in their place, so that nobody waits for ever for what
 * it has queued itself, and no more run than may. */
#include "task.h"

static regrow_pid supervisor;
static atomic_int active, most;

static void enter_place(void)
{
    int now = atomic_fetch_add(&active, 1) + 1;
    for (int seen = atomic_load(&most); now > seen && !atomic_compare_exchange_weak(&most, &seen, now);)
        ;
}

static void leave_place(void)
{
    atomic_fetch_sub(&active, 1);
}

static void start_supervisor(uint32_t max_children)
{
    regrow_task_supervisor_spec spec = { .size = sizeof spec, .max_children = max_children, .at_limit = REGROW_QUEUE };
    regrow_child_spec how = child(REGROW_TASK_SUPERVISOR, &spec);
    CHECK_OK(regrow_start(root, &how, &supervisor));
    atomic_store(&active, 0);
    atomic_store(&most, 0);
}

static void stop_supervisor(void)
{
    regrow_child_count count = { .size = sizeof count };
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    CHECK_OK(regrow_supervisor_count_children(supervisor, &count));
    CHECK(count.specs == 0 && atomic_load(&active) == 0);
    CHECK_OK(regrow_stop(supervisor, regrow_atom("normal"), LONG_MS));
}

static regrow_task start_task(regrow_task_callback run, int64_t argument)
{
    regrow_term number = regrow_int(argument);
    regrow_task_spec spec = { .size = sizeof spec, .run = run, .argument = &number };
    regrow_task task;
    CHECK_OK(regrow_task_supervisor_async(supervisor, &spec, &task));
    return task;
}

/* How many levels there are below, by asking the next. */
static regrow_next count_levels(regrow_context *context, void *user, const regrow_term *argument, regrow_term *value)
{
    int64_t levels, below = 0;
    enter_place();
    CHECK(regrow_as_int(argument, &levels));
    if (levels > 1) {
        regrow_task next = start_task(count_levels, levels - 1);
        leave_place();
        below = value_of(next);
        enter_place();
    }
    *value = regrow_int(below + 1);
    leave_place();
    return REGROW_DONE;
}

static void who_waits_for_what_it_has_queued_lends_its_place(void)
{
    start_supervisor(1);
    CHECK(value_of(start_task(count_levels, 50)) == 50);
    CHECK(atomic_load(&most) == 1);
    stop_supervisor();
}

/* How many nodes a tree has in which each has three below it, and waits for all of them at once. */
static regrow_next count_nodes(regrow_context *context, void *user, const regrow_term *argument, regrow_term *value)
{
    enum { BELOW = 3 };
    int64_t levels, nodes = 1;
    enter_place();
    CHECK(regrow_as_int(argument, &levels));
    if (levels > 1) {
        regrow_task below[BELOW];
        regrow_term values;
        for (int at = 0; at < BELOW; at++)
            below[at] = start_task(count_nodes, levels - 1);
        leave_place();
        CHECK_OK(regrow_task_await_many(below, BELOW, LONG_MS, &values));
        enter_place();
        for (const regrow_term *at = &values; regrow_list_head(at); at = regrow_list_tail(at)) {
            int64_t number;
            CHECK(regrow_as_int(regrow_list_head(at), &number));
            nodes += number;
        }
        regrow_term_free(&values);
    }
    *value = regrow_int(nodes);
    leave_place();
    return REGROW_DONE;
}

static void a_tree_of_tasks_grows_in_few_places(void)
{
    for (uint32_t places = 1; places <= 3; places++) {
        start_supervisor(places);
        CHECK(value_of(start_task(count_nodes, 5)) == 121);
        CHECK(atomic_load(&most) <= (int)places);
        stop_supervisor();
    }
}

typedef struct numbers {
    int64_t next, sum;
} numbers;

static bool next_number(void *user, regrow_term *item)
{
    numbers *numbers = user;
    *item = regrow_int(numbers->next);
    return numbers->next++ < 20;
}

static bool add(void *user, const regrow_term *result)
{
    int64_t number;
    CHECK(regrow_as_int(regrow_tuple_get(result, 1), &number));
    ((numbers *)user)->sum += number;
    return true;
}

static regrow_next give_back(regrow_context *context, void *user, const regrow_term *argument, regrow_term *value)
{
    *value = regrow_term_clone(argument);
    return REGROW_DONE;
}

/* The sum of 0 to 19, each given back by a task. */
static regrow_term sum_of_a_stream(regrow_result_callback result, uint32_t max_concurrency)
{
    numbers numbers = { 0 };
    regrow_task_spec task = { .size = sizeof task, .run = give_back };
    regrow_stream_spec spec = { .size = sizeof spec, .task = &task, .source = next_number, .result = result,
                                .user = &numbers, .supervisor = supervisor, .max_concurrency = max_concurrency,
                                .timeout_ms = REGROW_INFINITY };
    CHECK_OK(regrow_task_stream(&spec, NULL));
    return regrow_int(numbers.sum);
}

static regrow_next stream(regrow_context *context, void *user, const regrow_term *argument, regrow_term *value)
{
    *value = sum_of_a_stream(add, 4);
    return REGROW_DONE;
}

static void a_stream_of_a_task_runs_in_its_place(void)
{
    start_supervisor(1);
    CHECK(value_of(start_task(stream, 0)) == 190);
    stop_supervisor();
}

/* Between two results it waits for another task, and streams over some more. */
static bool add_and_ask(void *user, const regrow_term *result)
{
    CHECK(value_of(start_task(give_back, 3)) == 3);
    CHECK(value_of(start_task(stream, 0)) == 190);
    return add(user, result);
}

static regrow_next stream_and_ask(regrow_context *context, void *user, const regrow_term *argument, regrow_term *value)
{
    *value = sum_of_a_stream(add_and_ask, 20);
    return REGROW_DONE;
}

static void a_stream_of_a_task_goes_on_after_a_wait_for_others(void)
{
    start_supervisor(1);
    CHECK(value_of(start_task(stream_and_ask, 0)) == 190);
    stop_supervisor();
}

static regrow_next wait_for_ever(regrow_context *context, void *user, const regrow_term *argument, regrow_term *value)
{
    regrow_term message;
    atomic_fetch_add((atomic_int *)user, 1);
    if (regrow_receive(REGROW_INFINITY, &message) == REGROW_OK)
        regrow_term_free(&message);
    return REGROW_DONE;
}

/* Lends its place to one that runs on after its end. */
static regrow_next lend_and_be_killed(regrow_context *context, void *user, const regrow_term *argument,
                                      regrow_term *value)
{
    regrow_task_spec spec = { .size = sizeof spec, .run = wait_for_ever, .user = user };
    regrow_task task;
    CHECK_OK(regrow_task_supervisor_async_nolink(supervisor, &spec, &task));
    CHECK_ERROR(REGROW_ERR_KILLED, regrow_task_await(task, REGROW_INFINITY, NULL));
    return REGROW_DONE;
}

static void a_place_that_was_lent_is_free_when_both_are_gone(void)
{
    atomic_int begun = 0;
    regrow_task_spec spec = { .size = sizeof spec, .run = lend_and_be_killed, .user = &begun };
    regrow_ref monitor;
    regrow_pid lender;
    start_supervisor(1);
    CHECK_OK(regrow_task_supervisor_start_child(supervisor, &spec, &lender));
    CHECK_OK(regrow_monitor(lender, &monitor));
    EVENTUALLY(atomic_load(&begun) == 1);
    CHECK_OK(regrow_exit(lender, regrow_atom("kill")));
    CHECK_DOWN("killed", monitor);
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    /* Its task has the place now: what comes begins after it. */
    regrow_task next = start_task(give_back, 7);
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_task_yield(next, 0, NULL));
    regrow_term pids;
    CHECK_OK(regrow_task_supervisor_children(supervisor, &pids));
    for (const regrow_term *at = &pids; regrow_list_head(at); at = regrow_list_tail(at)) {
        regrow_pid pid;
        CHECK(regrow_as_pid(regrow_list_head(at), &pid));
        if (pid.id != next.pid.id)
            CHECK_OK(regrow_send(pid, regrow_nil()));
    }
    regrow_term_free(&pids);
    CHECK(value_of(next) == 7);
    stop_supervisor();
}

int main(void)
{
    open_runtime((regrow_options){ .workers = 2 });
    RUN(who_waits_for_what_it_has_queued_lends_its_place);
    RUN(a_tree_of_tasks_grows_in_few_places);
    RUN(a_stream_of_a_task_runs_in_its_place);
    RUN(a_stream_of_a_task_goes_on_after_a_wait_for_others);
    RUN(a_place_that_was_lent_is_free_when_both_are_gone);
    close_runtime();
    return 0;
}
