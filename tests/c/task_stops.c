/* Tasks under a supervisor: how each is stopped, what the log says of its end, and what is told and remembered of it.
 * As Elixir 1.14's Task.Supervisor, where that has it. All times on a manual clock. */
#include "support.h"

enum { LINES = 8000 };

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static char lines[LINES];

static void take_line(void *user, uint32_t level, const char *text, const regrow_term *report)
{
    pthread_mutex_lock(&log_lock);
    if (strlen(lines) + strlen(text) + 2 < LINES)
        strcat(strcat(lines, text), "\n");
    pthread_mutex_unlock(&log_lock);
}

static void settle(void)
{
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
}

static void forget_lines(void)
{
    pthread_mutex_lock(&log_lock);
    lines[0] = 0;
    pthread_mutex_unlock(&log_lock);
}

/* How often a text stands in the log. */
static int said(const char *text)
{
    int count = 0;
    settle();
    for (const char *at = lines; (at = strstr(at, text)); at++)
        count++;
    return count;
}

/* How often a task was told to end. */
static atomic_int told;

/* Ends as the atom says that it is sent, and never because it is told to. */
static regrow_next stay(regrow_context *context, void *user, const regrow_term *argument, regrow_term *value)
{
    regrow_term message;
    CHECK_OK(regrow_trap_exit(true, NULL));
    for (;;) {
        if (regrow_receive(REGROW_INFINITY, &message))
            return REGROW_DONE;
        if (!regrow_tuple_get(&message, 0))
            return regrow_is_atom(&message, "value") ? REGROW_DONE : regrow_stop_self(context, message);
        atomic_fetch_add(&told, 1);
        regrow_term_free(&message);
    }
}

static regrow_pid start_supervisor(regrow_task_supervisor_spec spec)
{
    regrow_pid pid;
    spec.size = sizeof spec;
    regrow_child_spec how = child(REGROW_TASK_SUPERVISOR, &spec);
    CHECK_OK(regrow_start(root, &how, &pid));
    return pid;
}

static regrow_pid start_task(regrow_pid supervisor, uint32_t restart, uint32_t shutdown_ms)
{
    regrow_task_spec spec = { .size = sizeof spec, .run = stay, .restart = restart, .shutdown_ms = shutdown_ms };
    regrow_pid pid;
    CHECK_OK(regrow_task_supervisor_start_child(supervisor, &spec, &pid));
    settle();
    return pid;
}

/* ---- how long each has ---- */

/* In milliseconds, and when they are dead: the third says nothing of its own. */
static const uint32_t own_times[] = { REGROW_BRUTAL_KILL, 50, 0, 300, REGROW_INFINITY };
static const uint32_t ends[] = { 0, 50, 100, 300, 0 };
enum { TASKS = sizeof own_times / sizeof *own_times };

static void start_all(regrow_pid *supervisor, regrow_pid *tasks, regrow_ref *monitors)
{
    *supervisor = start_supervisor((regrow_task_supervisor_spec){ .task_shutdown_ms = 100 });
    for (int at = 0; at < TASKS; at++) {
        tasks[at] = start_task(*supervisor, 0, own_times[at]);
        CHECK_OK(regrow_monitor(tasks[at], &monitors[at]));
    }
}

static void check_alive_at(uint64_t ms, const regrow_pid *tasks)
{
    for (int at = 0; at < TASKS; at++)
        CHECK(regrow_is_alive(tasks[at]) == (own_times[at] == REGROW_INFINITY || ms < ends[at]));
}

static void a_supervisor_that_stops_gives_each_task_its_own_time(void)
{
    regrow_pid supervisor, tasks[TASKS];
    regrow_ref monitors[TASKS];
    regrow_request *stop;
    start_all(&supervisor, tasks, monitors);
    forget_lines();
    CHECK_OK(regrow_stop_async(supervisor, regrow_atom("normal"), REGROW_INFINITY, &stop));
    settle();
    uint64_t now = 0;
    static const uint64_t times[] = { 0, 49, 50, 99, 100, 299, 300, 100000 };
    for (size_t at = 0; at < sizeof times / sizeof *times; at++) {
        CHECK_OK(regrow_advance(root, times[at] - now));
        now = times[at];
        check_alive_at(now, tasks);
        CHECK(regrow_is_alive(supervisor));
    }
    CHECK_OK(regrow_send(tasks[TASKS - 1], regrow_atom("value")));
    CHECK_OK(regrow_request_wait(stop, LONG_MS, NULL));
    regrow_request_free(stop);
    for (int at = 0; at < TASKS; at++)
        CHECK_DOWN(own_times[at] == REGROW_INFINITY ? "normal" : "killed", monitors[at]);
    /* One was to be killed, and one ended in order: the other three took too long. */
    CHECK(said("shutdown_error, reason killed") == 3);
}

static regrow_pid terminated_supervisor, terminated_task;

static void *terminate(void *user)
{
    CHECK_OK(regrow_task_supervisor_terminate_child(terminated_supervisor, terminated_task));
    return NULL;
}

static void a_task_that_is_terminated_has_its_own_time(void)
{
    regrow_pid supervisor, tasks[TASKS];
    regrow_ref monitors[TASKS];
    start_all(&supervisor, tasks, monitors);
    for (int at = 0; at < TASKS; at++) {
        pthread_t thread;
        terminated_supervisor = supervisor, terminated_task = tasks[at];
        atomic_store(&told, 0);
        CHECK(pthread_create(&thread, NULL, terminate, NULL) == 0);
        if (own_times[at] != REGROW_BRUTAL_KILL) {
            EVENTUALLY(atomic_load(&told) == 1);
            settle();
            bool is_limited = own_times[at] != REGROW_INFINITY;
            CHECK_OK(regrow_advance(root, is_limited ? ends[at] - 1 : 100000));
            CHECK(regrow_is_alive(tasks[at]));
            CHECK_OK(is_limited ? regrow_advance(root, 1) : regrow_send(tasks[at], regrow_atom("value")));
        }
        CHECK_DOWN(own_times[at] == REGROW_INFINITY ? "normal" : "killed", monitors[at]);
        CHECK(pthread_join(thread, NULL) == 0);
    }
    CHECK_OK(regrow_stop(supervisor, regrow_atom("normal"), LONG_MS));
}

static void as_a_child_its_time_is_its_child_specs(void)
{
    regrow_supervisor_spec plain = { .size = sizeof plain };
    regrow_child_spec how = child(REGROW_SUPERVISOR, &plain);
    regrow_task_spec spec = { .size = sizeof spec, .run = stay, .shutdown_ms = 50 };
    regrow_child_spec task = child(REGROW_TASK, &spec);
    regrow_pid supervisor;
    CHECK_OK(regrow_start(root, &how, &supervisor));
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_supervisor_start_child(supervisor, &task, NULL));
    CHECK_OK(regrow_stop(supervisor, regrow_atom("normal"), LONG_MS));
}

/* ---- what the log says ---- */

static void a_task_that_crashes_is_reported_whether_it_is_run_again_or_not(void)
{
    static const struct {
        uint32_t restart;
        const char *reason;
        int reports;
    } cases[] = {
        { REGROW_TEMPORARY, "boom", 1 },   { REGROW_TEMPORARY, "value", 0 }, { REGROW_TEMPORARY, "shutdown", 0 },
        { REGROW_TRANSIENT, "boom", 1 },   { REGROW_TRANSIENT, "value", 0 }, { REGROW_TRANSIENT, "shutdown", 0 },
        { REGROW_PERMANENT, "boom", 1 },   { REGROW_PERMANENT, "value", 1 }, { REGROW_PERMANENT, "shutdown", 1 },
    };
    for (size_t at = 0; at < sizeof cases / sizeof *cases; at++) {
        regrow_pid supervisor = start_supervisor((regrow_task_supervisor_spec){ .max_restarts = 100 });
        regrow_pid task = start_task(supervisor, cases[at].restart, 0);
        forget_lines();
        CHECK_OK(regrow_send(task, regrow_atom(cases[at].reason)));
        CHECK(said("child_terminated") == cases[at].reports);
        CHECK_OK(regrow_exit(supervisor, regrow_atom("kill")));
        settle();
    }
}

/* ---- what is told, and remembered ---- */

/* `{child, Ref, Supervisor, Event}` comes; the event, without what differs from run to run, prints so. */
static void check_event(regrow_ref subscription, regrow_pid supervisor, const char *event, regrow_pid *pid,
                        const char *expected)
{
    static const char *const names[] = { "id", "reason", "count" };
    regrow_term message, found = regrow_nil();
    regrow_ref ref;
    regrow_pid from;
    CHECK_OK(regrow_receive(LONG_MS, &message));
    CHECK(regrow_as_ref(regrow_tuple_get(&message, 1), &ref) && ref.id == subscription.id);
    CHECK(regrow_as_pid(regrow_tuple_get(&message, 2), &from) && from.id == supervisor.id);
    const regrow_term *map = regrow_tuple_get(&message, 3);
    regrow_term key = regrow_atom("event"), pid_key = regrow_atom("pid");
    CHECK(regrow_is_atom(regrow_map_get(map, &key), event));
    if (pid)
        CHECK(regrow_as_pid(regrow_map_get(map, &pid_key), pid));
    for (int at = 2; at >= 0; at--) {
        regrow_term name = regrow_atom(names[at]);
        const regrow_term *value = regrow_map_get(map, &name);
        if (value)
            found = regrow_cons(regrow_term_clone(value), found);
    }
    CHECK_TERM(expected, &found);
    regrow_term_free(&found);
    regrow_term_free(&message);
}

static void what_becomes_of_tasks_is_told_and_remembered(void)
{
    regrow_pid supervisor = start_supervisor((regrow_task_supervisor_spec){ .max_restarts = 1 });
    regrow_ref subscription, monitor;
    regrow_pid first, again, third;
    CHECK_OK(regrow_monitor(supervisor, &monitor));
    CHECK_OK(regrow_supervisor_subscribe(supervisor, &subscription));
    regrow_pid task = start_task(supervisor, REGROW_PERMANENT, 0);
    check_event(subscription, supervisor, "started", &first, "[undefined]");
    CHECK(first.id == task.id);
    CHECK_OK(regrow_advance(root, 70));
    CHECK_OK(regrow_send(task, regrow_atom("boom")));
    check_event(subscription, supervisor, "terminated", &first, "[undefined,boom]");
    check_event(subscription, supervisor, "restarted", &again, "[undefined,boom,1]");
    CHECK(first.id == task.id && again.id != task.id);
    regrow_pid other = start_task(supervisor, REGROW_TEMPORARY, 0);
    check_event(subscription, supervisor, "started", &third, "[undefined]");
    CHECK(third.id == other.id);
    CHECK_OK(regrow_send(other, regrow_atom("value")));
    check_event(subscription, supervisor, "terminated", &third, "[undefined,normal]");
    /* What is not run again has no history. */
    regrow_term failures, keys[] = { regrow_atom("uptime_ms"), regrow_atom("verdict"), regrow_atom("reason") };
    size_t length;
    CHECK_OK(regrow_supervisor_history(supervisor, &failures));
    CHECK(regrow_list_length(&failures, &length) && length == 1);
    CHECK_TERM("70", regrow_map_get(regrow_list_head(&failures), &keys[0]));
    CHECK_TERM("{restart,0}", regrow_map_get(regrow_list_head(&failures), &keys[1]));
    CHECK_TERM("boom", regrow_map_get(regrow_list_head(&failures), &keys[2]));
    regrow_term_free(&failures);
    CHECK_OK(regrow_send(again, regrow_atom("bang")));
    check_event(subscription, supervisor, "terminated", &first, "[undefined,bang]");
    check_event(subscription, supervisor, "limit", NULL, "[undefined,bang,2]");
    CHECK_DOWN("shutdown", monitor);
}

static void who_unsubscribes_or_ends_is_told_no_more(void)
{
    regrow_pid supervisor = start_supervisor((regrow_task_supervisor_spec){ .size = 0 });
    regrow_ref subscription;
    CHECK_OK(regrow_supervisor_subscribe(supervisor, &subscription));
    CHECK_OK(regrow_supervisor_unsubscribe(supervisor, subscription));
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_supervisor_unsubscribe(supervisor, subscription));
    start_task(supervisor, 0, REGROW_BRUTAL_KILL);
    CHECK_OK(regrow_stop(supervisor, regrow_atom("normal"), LONG_MS));
    CHECK_NO_MESSAGE();
}

int main(void)
{
    open_runtime((regrow_options){ .clock = REGROW_MANUAL, .workers = 2, .log_level = REGROW_LOG_ERROR,
                                   .log = take_line });
    RUN(a_supervisor_that_stops_gives_each_task_its_own_time);
    RUN(a_task_that_is_terminated_has_its_own_time);
    RUN(as_a_child_its_time_is_its_child_specs);
    RUN(a_task_that_crashes_is_reported_whether_it_is_run_again_or_not);
    RUN(what_becomes_of_tasks_is_told_and_remembered);
    RUN(who_unsubscribes_or_ends_is_told_no_more);
    close_runtime();
    return 0;
}
