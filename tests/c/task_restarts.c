/* Tasks that are run again when they have ended: under a task supervisor, as Elixir 1.14's start_child does with
 * restart: transient and permanent, and as children of any other supervisor. All times on a manual clock. */
#include "support.h"

enum { REASONS = 6, MANY = 2000000000 };

/* One task: it runs until it is told how to end, and counts. Its user, which it gives back. */
typedef struct job {
    atomic_int runs, drops;
    /* Who the present run is, and what each gets. */
    atomic_uint_least64_t pid;
    const char *argument;
    bool crashes_at_once, tells_callers;
    regrow_pid caller;
} job;

static void settle(void)
{
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
}

static void advance(uint64_t ms)
{
    CHECK_OK(regrow_advance(root, ms));
}

static void give_back(void *user)
{
    job *job = user;
    CHECK(atomic_fetch_add(&job->drops, 1) == 0);
}

/* A run that was ended from outside returns when it gets to it; only then is its user nobody's any more. */
static void check_given_back(const job *job)
{
    EVENTUALLY(atomic_load(&job->drops) == 1);
}

static void check_callers(regrow_pid me, regrow_pid caller)
{
    regrow_term map, key = regrow_atom("callers");
    regrow_pid found;
    CHECK_OK(regrow_info(me, &map));
    const regrow_term *callers = regrow_map_get(&map, &key);
    CHECK(regrow_as_pid(regrow_list_head(callers), &found) && found.id == caller.id);
    regrow_term_free(&map);
}

/* The atom it is sent is what it ends with; `value`: in order, with a value that nobody gets. */
static regrow_next run(regrow_context *context, void *user, const regrow_term *argument, regrow_term *value)
{
    job *job = user;
    regrow_pid me;
    regrow_term reason;
    CHECK(atomic_load(&job->drops) == 0);
    CHECK_OK(regrow_self(&me));
    atomic_store(&job->pid, me.id);
    CHECK_TERM(job->argument ? job->argument : "[]", argument);
    if (job->tells_callers)
        check_callers(me, job->caller);
    atomic_fetch_add(&job->runs, 1);
    if (job->crashes_at_once)
        return regrow_stop_self(context, regrow_atom("boom"));
    if (regrow_receive(REGROW_INFINITY, &reason))
        return REGROW_DONE;
    *value = regrow_text("a value that nobody waits for, and that is too long to lie in a term");
    if (!regrow_is_atom(&reason, "value"))
        return regrow_stop_self(context, reason);
    regrow_term_free(&reason);
    return REGROW_DONE;
}

static regrow_task_spec task_of(job *job, uint32_t restart)
{
    return (regrow_task_spec){ .size = sizeof(regrow_task_spec), .run = run, .user = job, .drop_user = give_back,
                               .restart = restart };
}

static regrow_pid pid_of(const job *job)
{
    return (regrow_pid){ atomic_load(&job->pid) };
}

static regrow_pid start_supervisor(regrow_task_supervisor_spec spec)
{
    regrow_pid pid;
    spec.size = sizeof spec;
    regrow_child_spec how = child(REGROW_TASK_SUPERVISOR, &spec);
    CHECK_OK(regrow_start(root, &how, &pid));
    return pid;
}

static regrow_pid start_job(regrow_pid supervisor, job *job, uint32_t restart)
{
    regrow_task_spec spec = task_of(job, restart);
    regrow_pid pid;
    CHECK_OK(regrow_task_supervisor_start_child(supervisor, &spec, &pid));
    settle();
    return pid;
}

/* Has the present run end so. */
static void tell(const job *job, const char *reason)
{
    CHECK_OK(regrow_send(pid_of(job), regrow_atom(reason)));
    settle();
}

static void check_count(regrow_pid supervisor, uint64_t specs, uint64_t active)
{
    regrow_child_count count = { .size = sizeof count };
    regrow_term list;
    size_t length;
    CHECK_OK(regrow_supervisor_count_children(supervisor, &count));
    CHECK(count.specs == specs && count.active == active && count.supervisors == 0 && count.workers == specs);
    CHECK_OK(regrow_task_supervisor_children(supervisor, &list));
    CHECK(regrow_list_length(&list, &length) && length == active);
    regrow_term_free(&list);
}

static void stop_supervisor(regrow_pid supervisor)
{
    CHECK_OK(regrow_stop(supervisor, regrow_atom("normal"), LONG_MS));
    settle();
}

/* How the task ends in its first run. */
static void end_run(const job *job, int reason)
{
    static const char *const plain[] = { "value", "normal", "shutdown", NULL, "boom", NULL };
    if (plain[reason]) {
        tell(job, plain[reason]);
    } else {
        CHECK_OK(reason == 3 ? regrow_send(pid_of(job), pair("shutdown", regrow_int(1)))
                             : regrow_exit(pid_of(job), regrow_atom("kill")));
        settle();
    }
}

static void who_is_run_again_and_after_what_is_as_in_elixir(void)
{
    /* For a value, normal, shutdown, {shutdown, 1}, boom and a kill. */
    static const struct { uint32_t restart; const char *runs; } table[] = {
        { 0, "111111" }, { REGROW_TEMPORARY, "111111" }, { REGROW_TRANSIENT, "111122" }, { REGROW_PERMANENT, "222222" },
    };
    for (size_t row = 0; row < sizeof table / sizeof *table; row++) {
        for (int reason = 0; reason < REASONS; reason++) {
            regrow_term children, argument = regrow_int(7);
            job job = { .argument = "7", .tells_callers = true, .caller = self };
            regrow_pid supervisor = start_supervisor((regrow_task_supervisor_spec){ 0 }), first;
            regrow_task_spec spec = task_of(&job, table[row].restart);
            spec.argument = &argument;
            CHECK_OK(regrow_task_supervisor_start_child(supervisor, &spec, &first));
            regrow_term_free(&argument);
            settle();
            CHECK(first.id == pid_of(&job).id);
            end_run(&job, reason);
            int runs = table[row].runs[reason] - '0';
            CHECK(atomic_load(&job.runs) == runs);
            CHECK((pid_of(&job).id != first.id) == (runs == 2) && !regrow_is_alive(first));
            check_count(supervisor, runs == 2, runs == 2);
            if (runs == 1)
                check_given_back(&job);
            else
                CHECK(atomic_load(&job.drops) == 0);
            CHECK_OK(regrow_supervisor_which_children(supervisor, &children));
            if (runs == 2) {
                const regrow_term *shown = regrow_list_head(&children);
                regrow_pid pid;
                CHECK_TERM("undefined", regrow_tuple_get(shown, 0));
                CHECK(regrow_as_pid(regrow_tuple_get(shown, 1), &pid) && pid.id == pid_of(&job).id);
                CHECK_TERM("worker", regrow_tuple_get(shown, 2));
                CHECK_TERM("task", regrow_tuple_get(shown, 3));
            } else {
                CHECK(regrow_is_nil(&children));
            }
            regrow_term_free(&children);
            stop_supervisor(supervisor);
            check_given_back(&job);
        }
    }
}

static void one_restart_too_many_ends_the_supervisor_with_shutdown(void)
{
    static const struct { uint32_t restart, max, runs; } table[] = {
        { REGROW_PERMANENT, 0, 4 }, { REGROW_PERMANENT, 3, 4 }, { REGROW_PERMANENT, REGROW_NONE, 1 },
        { REGROW_TRANSIENT, 1, 2 },
    };
    for (size_t row = 0; row < sizeof table / sizeof *table; row++) {
        job sibling = { 0 }, queued = { 0 }, job = { 0 };
        regrow_pid supervisor = start_supervisor((regrow_task_supervisor_spec){
            .max_restarts = table[row].max, .max_children = 2, .at_limit = REGROW_QUEUE });
        regrow_ref down = monitored(start_job(supervisor, &sibling, 0)), end = monitored(supervisor);
        start_job(supervisor, &job, table[row].restart);
        regrow_ref last = monitored(start_job(supervisor, &queued, REGROW_PERMANENT));
        for (uint32_t run = 1; run <= table[row].runs; run++) {
            CHECK(regrow_is_alive(supervisor) && atomic_load(&job.runs) == (int)run);
            tell(&job, "boom");
        }
        CHECK_DOWN("shutdown", down);
        CHECK_DOWN("shutdown", last);
        CHECK_DOWN("shutdown", end);
        CHECK(atomic_load(&job.runs) == (int)table[row].runs);
        /* Nobody gets the place of one that was the end of all. */
        CHECK(atomic_load(&queued.runs) == 0);
        check_given_back(&job);
        check_given_back(&sibling);
        check_given_back(&queued);
    }
}

static void a_task_that_always_crashes_ends_its_supervisor_as_well(void)
{
    job job = { .crashes_at_once = true };
    regrow_pid supervisor = start_supervisor((regrow_task_supervisor_spec){ .max_restarts = 1000 });
    regrow_ref end = monitored(supervisor);
    start_job(supervisor, &job, REGROW_TRANSIENT);
    CHECK_DOWN("shutdown", end);
    CHECK(atomic_load(&job.runs) == 1001);
    check_given_back(&job);
}

static void the_window_of_restarts_slides(void)
{
    job job = { 0 };
    regrow_pid supervisor = start_supervisor((regrow_task_supervisor_spec){ .max_restarts = 1, .period_ms = 100 });
    regrow_ref end = monitored(supervisor);
    start_job(supervisor, &job, REGROW_PERMANENT);
    for (int crash = 0; crash < 5; crash++) {
        tell(&job, "boom");
        advance(101);
    }
    CHECK(atomic_load(&job.runs) == 6 && regrow_is_alive(supervisor));
    tell(&job, "boom");
    advance(100);
    tell(&job, "boom");
    CHECK_DOWN("shutdown", end);
    CHECK(atomic_load(&job.runs) == 7);
    check_given_back(&job);
}

static void what_belongs_to_a_task_is_given_back_once_after_its_last_run(void)
{
    for (int way = 0; way < 5; way++) {
        job job = { 0 };
        regrow_pid supervisor = start_supervisor((regrow_task_supervisor_spec){ .max_restarts = MANY });
        regrow_ref end = monitored(supervisor);
        start_job(supervisor, &job, way == 0 ? REGROW_TRANSIENT : REGROW_PERMANENT);
        for (int run = 1; run < 100; run++) {
            CHECK(atomic_load(&job.runs) == run && atomic_load(&job.drops) == 0);
            tell(&job, "boom");
        }
        if (way == 0)
            tell(&job, "value");
        else if (way == 1)
            CHECK_OK(regrow_task_supervisor_terminate_child(supervisor, pid_of(&job)));
        else if (way == 2)
            CHECK_OK(regrow_stop(supervisor, regrow_atom("normal"), LONG_MS));
        else if (way == 3)
            CHECK_OK(regrow_exit(supervisor, regrow_atom("kill")));
        else
            stop_supervisor(supervisor);
        settle();
        CHECK(atomic_load(&job.runs) == 100);
        check_given_back(&job);
        if (way < 2) {
            check_count(supervisor, 0, 0);
            stop_supervisor(supervisor);
        }
        CHECK_DOWN(way == 3 ? "killed" : "normal", end);
    }
}

static void a_task_that_was_told_to_end_is_not_run_again(void)
{
    for (int way = 0; way < 2; way++) {
        job job = { 0 };
        regrow_pid supervisor = start_supervisor((regrow_task_supervisor_spec){ 0 });
        regrow_pid first = start_job(supervisor, &job, REGROW_PERMANENT);
        tell(&job, "boom");
        regrow_term old = regrow_from_pid(first), id = regrow_from_pid(pid_of(&job));
        CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_task_supervisor_terminate_child(supervisor, first));
        CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_supervisor_terminate_child(supervisor, &old));
        CHECK_OK(way ? regrow_supervisor_terminate_child(supervisor, &id)
                     : regrow_task_supervisor_terminate_child(supervisor, pid_of(&job)));
        settle();
        CHECK(atomic_load(&job.runs) == 2 && !regrow_is_alive(pid_of(&job)));
        check_count(supervisor, 0, 0);
        stop_supervisor(supervisor);
        check_given_back(&job);
    }
}

static void a_task_that_is_run_again_keeps_its_place(void)
{
    job first = { 0 }, second = { 0 }, third = { 0 };
    regrow_pid supervisor = start_supervisor((regrow_task_supervisor_spec){
        .max_children = 1, .at_limit = REGROW_QUEUE, .max_restarts = MANY });
    start_job(supervisor, &first, REGROW_PERMANENT);
    regrow_pid waits = start_job(supervisor, &second, REGROW_PERMANENT);
    start_job(supervisor, &third, 0);
    /* One that had begun begins again at once. */
    for (int run = 2; run < 10; run++) {
        tell(&first, "boom");
        CHECK(atomic_load(&first.runs) == run && !atomic_load(&second.runs) && !atomic_load(&third.runs));
        check_count(supervisor, 3, 3);
    }
    /* One that waited waits where it stood, as another process. */
    CHECK_OK(regrow_exit(waits, regrow_atom("kill")));
    settle();
    CHECK(!regrow_is_alive(waits));
    check_count(supervisor, 3, 3);
    CHECK_OK(regrow_task_supervisor_terminate_child(supervisor, pid_of(&first)));
    settle();
    CHECK(atomic_load(&second.runs) == 1 && !atomic_load(&third.runs));
    CHECK_OK(regrow_task_supervisor_terminate_child(supervisor, pid_of(&second)));
    settle();
    CHECK(atomic_load(&third.runs) == 1);
    check_given_back(&first);
    check_given_back(&second);
    tell(&third, "boom");
    check_count(supervisor, 0, 0);
    stop_supervisor(supervisor);
    check_given_back(&third);

    /* At a limit that refuses, the place is not free either. */
    job only = { 0 }, more = { 0 };
    supervisor = start_supervisor((regrow_task_supervisor_spec){ .max_children = 1, .max_restarts = MANY });
    start_job(supervisor, &only, REGROW_TRANSIENT);
    tell(&only, "boom");
    regrow_task_spec spec = task_of(&more, 0);
    CHECK_ERROR(REGROW_ERR_LIMIT, regrow_task_supervisor_start_child(supervisor, &spec, NULL));
    CHECK_LAST_REASON("max_children");
    tell(&only, "value");
    atomic_store(&more.drops, 0);
    CHECK_OK(regrow_task_supervisor_start_child(supervisor, &spec, NULL));
    stop_supervisor(supervisor);
    check_given_back(&only);
    check_given_back(&more);
}

/* ---- a restart that fails ---- */

/* Has the task end, and another process take its room before its supervisor can act. False: the supervisor is gone. */
static bool lose_the_room(regrow_pid other, regrow_pid supervisor, const job *job, regrow_pid *filler)
{
    regrow_process_spec spec = process(wait_for_the_end, NULL);
    for (;;) {
        regrow_pid before = pid_of(job);
        CHECK_OK(regrow_exit(before, regrow_atom("kill")));
        if (regrow_spawn(other, &spec, filler) == REGROW_OK)
            return true;
        EVENTUALLY(pid_of(job).id != before.id || !regrow_is_alive(supervisor));
        if (!regrow_is_alive(supervisor))
            return false;
    }
}

static void a_restart_that_fails_is_tried_again(void)
{
    enum { GIVES_UP, COMES_BACK, IS_STOPPED };
    for (int way = GIVES_UP; way <= IS_STOPPED; way++) {
        regrow_options options = { .size = sizeof options, .workers = 1, .max_processes = 3,
                                   .log_level = REGROW_LOG_SILENT };
        regrow_task_supervisor_spec spec = { .size = sizeof spec, .max_restarts = way == GIVES_UP ? 0 : MANY };
        regrow_child_spec how = child(REGROW_TASK_SUPERVISOR, &spec);
        job job = { 0 };
        regrow_task_spec task = task_of(&job, REGROW_PERMANENT);
        regrow_pid other, supervisor, filler;
        regrow_term children;
        CHECK_OK(regrow_init(&options, &other));
        CHECK_OK(regrow_start(other, &how, &supervisor));
        CHECK_OK(regrow_task_supervisor_start_child(supervisor, &task, NULL));
        EVENTUALLY(atomic_load(&job.runs) == 1);
        bool is_lost = lose_the_room(other, supervisor, &job, &filler);
        if (way == GIVES_UP) {
            /* Each attempt counts. */
            EVENTUALLY(!regrow_is_alive(supervisor));
        } else {
            regrow_pid old = pid_of(&job);
            CHECK(is_lost);
            EVENTUALLY(!regrow_is_alive(old));
            CHECK_OK(regrow_supervisor_which_children(supervisor, &children));
            CHECK_TERM("[{undefined,restarting,worker,task}]", &children);
            regrow_term_free(&children);
            check_count(supervisor, 1, 0);
            CHECK(atomic_load(&job.drops) == 0);
            if (way == COMES_BACK) {
                CHECK_OK(regrow_exit(filler, regrow_atom("kill")));
                EVENTUALLY(pid_of(&job).id != old.id);
                check_count(supervisor, 1, 1);
            } else {
                CHECK_OK(regrow_task_supervisor_terminate_child(supervisor, old));
                check_count(supervisor, 0, 0);
                check_given_back(&job);
            }
        }
        CHECK_OK(regrow_shutdown(other, LONG_MS, NULL));
        check_given_back(&job);
    }
}

/* ---- whose restart it is ---- */

static bool no_item(void *user, regrow_term *item)
{
    return false;
}

static bool no_result(void *user, const regrow_term *result)
{
    return false;
}

static void a_task_that_is_waited_for_runs_once(void)
{
    regrow_pid supervisor = start_supervisor((regrow_task_supervisor_spec){ 0 });
    for (uint32_t restart = REGROW_PERMANENT; restart <= REGROW_TEMPORARY + 1; restart++) {
        regrow_error expected = restart == REGROW_TEMPORARY ? REGROW_OK : REGROW_ERR_ARGUMENT;
        for (int way = 0; way < 5; way++) {
            job job = { 0 };
            regrow_task_spec spec = task_of(&job, restart);
            regrow_stream_spec stream = { .size = sizeof stream, .task = &spec, .source = no_item, .result = no_result };
            regrow_task task;
            regrow_request *pending = NULL;
            CHECK_ERROR(expected, way == 0   ? regrow_task_async(&spec, &task)
                                  : way == 1 ? regrow_task_supervisor_async(supervisor, &spec, &task)
                                  : way == 2 ? regrow_task_supervisor_async_nolink(supervisor, &spec, &task)
                                  : way == 3 ? regrow_task_supervisor_run_async(supervisor, &spec, 0, &pending)
                                             : regrow_task_stream(&stream, NULL));
            if (expected == REGROW_OK && way < 3)
                (void)regrow_task_shutdown(task, REGROW_BRUTAL_KILL, NULL);
            if (pending) {
                regrow_request_free(pending);
                settle();
                CHECK_OK(regrow_task_supervisor_terminate_child(supervisor, pid_of(&job)));
            }
            settle();
            check_given_back(&job);
        }
    }
    stop_supervisor(supervisor);
}

static regrow_pid start_any_supervisor(int kind, regrow_child_spec *children, size_t count)
{
    regrow_supervisor_spec fixed = { .size = sizeof fixed, .children = children, .child_count = count,
                                     .strategy = kind == 2 ? REGROW_SIMPLE_ONE_FOR_ONE : REGROW_ONE_FOR_ONE };
    regrow_dynamic_supervisor_spec dynamic = { .size = sizeof dynamic };
    regrow_child_spec how =
        kind == 1 ? child(REGROW_DYNAMIC_SUPERVISOR, &dynamic) : child(REGROW_SUPERVISOR, &fixed);
    regrow_pid pid;
    CHECK_OK(regrow_start(root, &how, &pid));
    return pid;
}

static void a_task_is_a_child_of_any_supervisor_and_temporary_if_nothing_is_said(void)
{
    static const struct { uint32_t restart; const char *runs; } table[] = {
        { 0, "111111" }, { REGROW_TEMPORARY, "111111" }, { REGROW_TRANSIENT, "111122" }, { REGROW_PERMANENT, "222222" },
    };
    for (int kind = 0; kind < 3; kind++) {
        for (size_t row = 0; row < sizeof table / sizeof *table; row++) {
            for (int reason = 0; reason < REASONS; reason++) {
                job job = { .argument = "[1,2]", .tells_callers = true };
                bool is_template = kind == 2;
                regrow_term extra = regrow_int(2), map;
                regrow_term rest = is_template ? regrow_nil() : regrow_cons(regrow_int(2), regrow_nil());
                regrow_term argument = regrow_cons(regrow_int(1), rest);
                regrow_task_spec spec = task_of(&job, 0);
                spec.argument = &argument;
                regrow_child_spec task = child(REGROW_TASK, &spec);
                regrow_term id = regrow_text("task");
                task.id = "task";
                task.restart = table[row].restart;
                regrow_pid supervisor = start_any_supervisor(kind, &task, is_template), first;
                job.caller = supervisor;
                if (is_template)
                    CHECK_OK(regrow_supervisor_start_instance(supervisor, &extra, &first));
                else
                    CHECK_OK(regrow_supervisor_start_child(supervisor, &task, &first));
                settle();
                CHECK(first.id == pid_of(&job).id);
                if (!is_template && row == 0) {
                    CHECK_OK(regrow_supervisor_get_childspec(supervisor, &id, &map));
                    CHECK_TERM("#{id => <<116,97,115,107>>,kind => task,restart => temporary,shutdown => 5000,"
                               "significant => false,type => worker}", &map);
                    regrow_term_free(&map);
                }
                end_run(&job, reason);
                regrow_child_count count = { .size = sizeof count };
                CHECK_OK(regrow_supervisor_count_children(supervisor, &count));
                int runs = table[row].runs[reason] - '0';
                CHECK(atomic_load(&job.runs) == runs && count.active == (runs == 2));
                /* A static supervisor keeps the spec of a transient one that has ended, and what belongs to it. */
                bool is_kept = runs == 2 || (kind == 0 && table[row].restart == REGROW_TRANSIENT) || is_template;
                if (is_kept)
                    CHECK(atomic_load(&job.drops) == 0);
                else
                    check_given_back(&job);
                stop_supervisor(supervisor);
                check_given_back(&job);
                regrow_term_free(&argument);
                regrow_term_free(&id);
            }
        }
    }
}

static void a_tasks_restart_as_a_child_is_its_child_specs(void)
{
    regrow_pid supervisor = start_any_supervisor(0, NULL, 0);
    for (uint32_t restart = REGROW_PERMANENT; restart <= REGROW_TEMPORARY; restart++) {
        job job = { 0 };
        regrow_task_spec spec = task_of(&job, restart);
        regrow_child_spec task = child(REGROW_TASK, &spec);
        task.id = "task";
        CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_supervisor_start_child(supervisor, &task, NULL));
        CHECK(atomic_exchange(&job.drops, 0) == 1);
        CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_start(root, &task, NULL));
        check_given_back(&job);
    }
    stop_supervisor(supervisor);
}

int main(void)
{
    open_runtime((regrow_options){ .clock = REGROW_MANUAL, .workers = 2 });
    RUN(who_is_run_again_and_after_what_is_as_in_elixir);
    RUN(one_restart_too_many_ends_the_supervisor_with_shutdown);
    RUN(a_task_that_always_crashes_ends_its_supervisor_as_well);
    RUN(the_window_of_restarts_slides);
    RUN(what_belongs_to_a_task_is_given_back_once_after_its_last_run);
    RUN(a_task_that_was_told_to_end_is_not_run_again);
    RUN(a_task_that_is_run_again_keeps_its_place);
    RUN(a_restart_that_fails_is_tried_again);
    RUN(a_task_that_is_waited_for_runs_once);
    RUN(a_task_is_a_child_of_any_supervisor_and_temporary_if_nothing_is_said);
    RUN(a_tasks_restart_as_a_child_is_its_child_specs);
    close_runtime();
    return 0;
}
