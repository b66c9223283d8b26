/* The log: what it says of crashes and restarts, to whom, and from which level on. */
#include "tree.h"
#include <unistd.h>

/* ---- a runtime with a log of its own ---- */

static char lines[16384];
static regrow_term last_report;
static atomic_uint least_level;

static void take_line(void *user, uint32_t level, const char *text, const regrow_term *report)
{
    pthread_mutex_lock(&log_lock);
    CHECK(strcmp(user, "the user") == 0);
    CHECK(level >= REGROW_LOG_DEBUG && level <= REGROW_LOG_ERROR);
    if (level < least_level)
        least_level = level;
    size_t length = strlen(lines);
    snprintf(lines + length, sizeof lines - length, "%s\n", text);
    if (report) {
        regrow_term_free(&last_report);
        last_report = regrow_term_clone(report);
    }
    pthread_mutex_unlock(&log_lock);
}

static void start_runtime(uint32_t level, regrow_log_callback log)
{
    regrow_options options = { .size = sizeof options, .workers = 2, .clock = REGROW_MANUAL, .log_level = level,
                               .log = log, .log_user = "the user" };
    CHECK_OK(regrow_init(&options, &root));
    CHECK_OK(regrow_enter(root, &self));
    lines[0] = 0;
    log_text[0] = 0;
    least_level = 99;
}

static void stop_runtime(void)
{
    CHECK_OK(regrow_leave());
    CHECK_OK(regrow_shutdown(root, LIMIT_MS, NULL));
    regrow_term_free(&last_report);
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

static const char *reported(const char *name)
{
    regrow_term key = ATOM(name);
    const regrow_term *value = regrow_map_get(&last_report, &key);
    return value ? show(value) : "missing";
}

/* ---- crash reports ---- */

static void a_crash_report_names_pid_name_reason_last_message_and_supervisor(void)
{
    tree tree;
    start_runtime(REGROW_LOG_ERROR, take_line);
    plant(&tree, 1, REGROW_ONE_FOR_ONE);
    tree.children[0].name = "glass";
    tree.children[0].restart = REGROW_TEMPORARY;
    start_tree(&tree);
    regrow_pid pid = child_pid(tree.pid, 1);
    CHECK(strcmp(lines, "") == 0);
    end_child(tree.pid, 1, "broken");
    CHECK(said(show_pid(pid)) > 0 && said("glass") > 0 && said("reason broken") > 0);
    CHECK(said("last message {stop,broken}") == 1);
    CHECK(said(show_pid(tree.pid)) > 0);
    stop_tree(&tree);
    stop_runtime();

    /* Without a supervisor the report is the last one. */
    start_runtime(REGROW_LOG_ERROR, take_line);
    actor actor = { .number = 1, .silent = true };
    regrow_server_spec server = actor_spec(&actor);
    regrow_child_spec child = server_child(1, &server);
    child.name = "glass";
    CHECK_OK(regrow_start(root, &child, &pid));
    regrow_term name = regrow_text("glass");
    regrow_ref ref = monitor(pid);
    CHECK_OK(regrow_send(pid, TUPLE(ATOM("stop"), ATOM("broken"))));
    CHECK_DOWN(ref, "broken");
    settle();
    CHECK(strcmp(reported("pid"), show_pid(pid)) == 0);
    CHECK(strcmp(reported("name"), show(&name)) == 0);
    CHECK(strcmp(reported("kind"), "server") == 0);
    CHECK(strcmp(reported("reason"), "broken") == 0);
    CHECK(strcmp(reported("last_message"), "{stop,broken}") == 0);
    CHECK(strcmp(reported("supervisor"), "undefined") == 0);
    stop_runtime();
}

static regrow_next fail(regrow_context *context, void *user, const regrow_term *state, regrow_term *next,
                        regrow_term *reply)
{
    return regrow_stop_self(context, ATOM("broken"));
}

static regrow_next end_badly(regrow_context *context, void *user)
{
    return regrow_stop_self(context, ATOM("broken"));
}

static void agents_and_plain_processes_report_too(void)
{
    regrow_agent_spec agent_spec = { .size = sizeof agent_spec };
    regrow_child_spec agent = { .size = sizeof agent, .kind = REGROW_AGENT, .spec = &agent_spec };
    regrow_process_spec process = { .size = sizeof process, .body = end_badly };
    regrow_pid pid;
    regrow_ref ref;
    start_runtime(REGROW_LOG_ERROR, take_line);
    CHECK_OK(regrow_start(root, &agent, &pid));
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_agent_update(pid, fail, NULL, LIMIT_MS));
    CHECK(said("agent") == 1 && said("broken") == 1);
    CHECK_OK(regrow_spawn_monitor(&process, &pid, &ref));
    CHECK_DOWN(ref, "broken");
    CHECK(said("broken") == 2);
    CHECK(said(show_pid(pid)) == 1);
    stop_runtime();
}

static void an_end_in_order_is_no_crash(void)
{
    tree tree;
    start_runtime(REGROW_LOG_WARNING, take_line);
    plant(&tree, 3, REGROW_ONE_FOR_ONE);
    for (int at = 0; at < 3; at++)
        tree.children[at].restart = REGROW_TRANSIENT;
    start_tree(&tree);
    end_child(tree.pid, 1, "normal");
    end_child(tree.pid, 2, "shutdown");
    CHECK_OK(regrow_supervisor_terminate_child(tree.pid, number_id(3)));
    stop_tree(&tree);
    settle();
    CHECK(*lines == 0);
    stop_runtime();
}

/* ---- supervisor reports ---- */

static regrow_next only_once(regrow_context *context, actor *actor)
{
    return actor->starts == 1 ? REGROW_READY : regrow_stop_self(context, ATOM("nope"));
}

static void a_supervisor_reports_ends_failed_starts_and_giving_up(void)
{
    tree tree;
    start_runtime(REGROW_LOG_ERROR, take_line);
    plant(&tree, 1, REGROW_ONE_FOR_ONE);
    tree.actors[1].on_init = only_once;
    tree.children[0].name = "glass";
    tree.spec.max_restarts = 2;
    start_tree(&tree);
    regrow_pid pid = child_pid(tree.pid, 1);
    end_child(tree.pid, 1, "kill");
    CHECK_DOWN(tree.monitor, "shutdown");
    CHECK(said("child_terminated, reason killed") == 1);
    CHECK(said("start_error, reason nope") == 2);
    CHECK(said("reached_max_restart_intensity") == 1);
    CHECK(said("glass") >= 4 && said(show_pid(pid)) >= 1);
    CHECK(strcmp(reported("context"), "shutdown") == 0);
    CHECK(strcmp(reported("reason"), "reached_max_restart_intensity") == 0);
    CHECK(strcmp(reported("supervisor"), show_pid(tree.pid)) == 0);
    CHECK(strcmp(reported("id"), "1") == 0);
    CHECK(strcmp(reported("restart"), "permanent") == 0);
    CHECK(strcmp(reported("type"), "worker") == 0);
    stop_runtime();
}

static regrow_next never_end(regrow_context *context, void *user)
{
    regrow_term message;
    CHECK_OK(regrow_trap_exit(true, NULL));
    note("up");
    while (regrow_receive(REGROW_INFINITY, &message) == REGROW_OK)
        regrow_term_free(&message);
    return REGROW_DONE;
}

static regrow_next end_otherwise(regrow_context *context, void *user)
{
    regrow_term message;
    CHECK_OK(regrow_trap_exit(true, NULL));
    note("up");
    if (regrow_receive(REGROW_INFINITY, &message) == REGROW_OK)
        regrow_term_free(&message);
    return regrow_stop_self(context, ATOM("otherwise"));
}

static void a_child_that_does_not_end_as_told_is_reported(void)
{
    regrow_process_spec stubborn = { .size = sizeof stubborn, .body = never_end };
    regrow_process_spec contrary = { .size = sizeof contrary, .body = end_otherwise };
    tree tree;
    regrow_request *stop;
    start_runtime(REGROW_LOG_ERROR, take_line);
    plant(&tree, 2, REGROW_ONE_FOR_ONE);
    tree.children[0].kind = tree.children[1].kind = REGROW_PROCESS;
    tree.children[0].spec = &stubborn;
    tree.children[0].shutdown_ms = 10;
    tree.children[1].spec = &contrary;
    start_tree(&tree);
    CHECK_LOG("up up");
    CHECK_OK(regrow_stop_async(tree.pid, ATOM("normal"), REGROW_INFINITY, &stop));
    settle();
    CHECK_OK(regrow_advance(root, 10));
    CHECK_OK(regrow_request_wait(stop, LIMIT_MS, NULL));
    regrow_request_free(stop);
    CHECK(said("shutdown_error, reason otherwise") == 1);
    CHECK(said("shutdown_error, reason killed") == 1);
    stop_runtime();
}

static void a_stray_message_to_a_supervisor_is_reported_and_does_no_harm(void)
{
    tree tree;
    start_runtime(REGROW_LOG_ERROR, take_line);
    plant(&tree, 1, REGROW_ONE_FOR_ONE);
    start_tree(&tree);
    CHECK_OK(regrow_send(tree.pid, ATOM("stray")));
    CHECK(said("stray") == 1);
    CHECK_CHILDREN(tree.pid, "1");
    stop_tree(&tree);
    stop_runtime();
}

/* ---- tracing ---- */

static regrow_next answer_or_not(regrow_context *context, void *state, const regrow_term *message)
{
    return regrow_is_atom(message, "stop") ? regrow_reply_stop(context, ATOM("bye"), ATOM("normal"))
                                           : regrow_reply(context, regrow_text("pong"));
}

static regrow_next wait_a_little(regrow_context *context, void *state, const regrow_term *message)
{
    return regrow_idle_timeout(context, REGROW_NOREPLY, regrow_is_atom(message, "wait") ? 10 : REGROW_INFINITY);
}

static void a_traced_server_writes_what_comes_and_what_goes(void)
{
    regrow_server_spec spec = { .size = sizeof spec, .handle_call = answer_or_not, .handle_cast = wait_a_little,
                                .handle_info = wait_a_little };
    regrow_child_spec child = server_child(1, &spec);
    regrow_pid pid;
    regrow_term text;
    char expected[1000];
    child.name = "glass";
    /* Whatever the level: it was asked for. */
    start_runtime(REGROW_LOG_SILENT, take_line);
    CHECK_OK(regrow_start(root, &child, &pid));
    CHECK_OK(regrow_cast(pid, ATOM("unseen")));
    CHECK_OK(regrow_trace(pid, true, LIMIT_MS));
    CHECK_OK(regrow_get_status(pid, LIMIT_MS, &text));
    regrow_term key = ATOM("trace");
    CHECK(regrow_is_atom(regrow_map_get(&text, &key), "true"));
    regrow_term_free(&text);
    CHECK_OK(regrow_call(pid, regrow_text("ping"), LIMIT_MS, &text));
    regrow_term_free(&text);
    CHECK(strcmp(reported("event"), "{out,<<112,111,110,103>>}") == 0);
    CHECK(strcmp(reported("pid"), show_pid(pid)) == 0);
    CHECK_OK(regrow_cast(pid, ATOM("wait")));
    settle();
    CHECK(strcmp(reported("event"), "noreply") == 0);
    CHECK_OK(regrow_advance(root, 10));
    CHECK_OK(regrow_send(pid, TUPLE(INT(1), regrow_text("two"))));
    settle();
    CHECK_OK(regrow_trace(pid, false, LIMIT_MS));
    CHECK_OK(regrow_cast(pid, ATOM("unseen")));
    CHECK_OK(regrow_trace(pid, true, LIMIT_MS));
    CHECK_OK(regrow_call(pid, ATOM("stop"), LIMIT_MS, NULL));
    settle();
    snprintf(expected, sizeof expected,
             "*DBG* glass got call <<\"ping\">> from %s\n*DBG* glass sent <<\"pong\">>\n"
             "*DBG* glass got cast wait\n*DBG* glass noreply\n"
             "*DBG* glass got timeout\n*DBG* glass noreply\n"
             "*DBG* glass got {1,<<\"two\">>}\n*DBG* glass noreply\n"
             "*DBG* glass got call stop from %s\n*DBG* glass sent bye\n",
             show_pid(self), show_pid(self));
    if (strcmp(lines, expected)) {
        fprintf(stderr, "%s, not %s", lines, expected);
        _Exit(1);
    }
    CHECK(least_level == REGROW_LOG_DEBUG);
    stop_runtime();
}

static void check_lines(int line, const char *expected)
{
    settle();
    if (strcmp(lines, expected)) {
        fprintf(stderr, "%d: %s, not %s", line, lines, expected);
        _Exit(1);
    }
    lines[0] = 0;
}

/* The shape is that of OTP 25's supervisor under sys:trace/2. */
static void a_traced_supervisor_writes_what_it_is_asked_and_answers(void)
{
    for (int dynamic = 0; dynamic <= 1; dynamic++) {
        tree tree;
        regrow_dynamic_supervisor_spec spec = { .size = sizeof spec };
        regrow_child_spec child = { .size = sizeof child, .kind = REGROW_DYNAMIC_SUPERVISOR, .spec = &spec };
        regrow_pid pid, one, again;
        regrow_term text;
        regrow_child_count count = { .size = sizeof count };
        char expected[2000], me[40], old[40];
        start_runtime(REGROW_LOG_SILENT, take_line);
        snprintf(me, sizeof me, "%s", show_pid(self));
        plant(&tree, 1, REGROW_ONE_FOR_ONE);
        tree.spec.child_count = 0;
        if (!dynamic)
            child = supervisor_child(0, &tree.spec);
        child.name = "tree";
        CHECK_OK(regrow_start(root, &child, &pid));
        CHECK_OK(regrow_trace(pid, true, LIMIT_MS));
        CHECK_OK(regrow_supervisor_start_child(pid, tree.children, &one));
        snprintf(old, sizeof old, "%s", show_pid(one));
        snprintf(expected, sizeof expected,
                 "*DBG* tree got call {start_child,#{id => 1,kind => server,restart => permanent,shutdown => 5000,"
                 "significant => false,type => worker}} from %s\n*DBG* tree sent %s\n", me, old);
        check_lines(__LINE__, expected);
        CHECK(strcmp(reported("pid"), show_pid(pid)) == 0);
        CHECK_OK(regrow_supervisor_count_children(pid, &count));
        CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_supervisor_terminate_child(pid, number_id(7)));
        snprintf(expected, sizeof expected,
                 "*DBG* tree got call count_children from %s\n"
                 "*DBG* tree sent #{active => 1,specs => 1,supervisors => 0,workers => 1}\n"
                 "*DBG* tree got call {terminate_child,7} from %s\n*DBG* tree sent {error,not_found}\n", me, me);
        check_lines(__LINE__, expected);
        CHECK_OK(regrow_exit(one, ATOM("kill")));
        CHECK_OK(regrow_settle(root, LIMIT_MS, NULL));
        snprintf(expected, sizeof expected, "*DBG* tree got {'EXIT',%s,killed}\n*DBG* tree noreply\n", old);
        check_lines(__LINE__, expected);
        again = child_pid(pid, 1);
        CHECK(again.id != one.id);
        lines[0] = 0;
        /* A trace is none of the supervisor's business any more. */
        CHECK_OK(regrow_trace(pid, false, LIMIT_MS));
        CHECK_OK(regrow_supervisor_which_children(pid, &text));
        regrow_term_free(&text);
        CHECK_OK(regrow_stop(pid, ATOM("normal"), LIMIT_MS));
        check_lines(__LINE__, "");
        stop_runtime();
    }
}

static regrow_next leave_it(regrow_context *context, void *user, const regrow_term *state, regrow_term *next,
                            regrow_term *reply)
{
    *reply = ATOM("seen");
    return user ? regrow_stop_self(context, ATOM("normal")) : REGROW_DONE;
}

static void a_traced_agent_writes_what_it_is_asked_and_answers(void)
{
    for (uint32_t flags = 0; flags <= REGROW_INLINE; flags += REGROW_INLINE) {
        regrow_agent_spec spec = { .size = sizeof spec, .flags = flags };
        regrow_child_spec child = { .size = sizeof child, .kind = REGROW_AGENT, .spec = &spec, .name = "kept" };
        regrow_pid pid;
        regrow_request *pending;
        char expected[1000], me[40];
        start_runtime(REGROW_LOG_SILENT, take_line);
        snprintf(me, sizeof me, "%s", show_pid(self));
        CHECK_OK(regrow_start(root, &child, &pid));
        CHECK_OK(regrow_trace(pid, true, LIMIT_MS));
        CHECK_OK(regrow_agent_get(pid, leave_it, NULL, LIMIT_MS, NULL));
        CHECK_OK(regrow_agent_update(pid, leave_it, NULL, LIMIT_MS));
        CHECK_OK(regrow_agent_get_and_update(pid, leave_it, NULL, LIMIT_MS, NULL));
        CHECK_OK(regrow_agent_cast(pid, leave_it, NULL, NULL));
        CHECK_OK(regrow_send(pid, ATOM("hi")));
        CHECK_OK(regrow_agent_update_async(pid, leave_it, NULL, NULL, LIMIT_MS, &pending));
        CHECK_OK(regrow_request_wait(pending, LIMIT_MS, NULL));
        regrow_request_free(pending);
        /* Nothing goes out to one that has gone, and its function does not run. */
        CHECK_OK(regrow_suspend(pid, LIMIT_MS));
        CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_agent_update(pid, leave_it, NULL, 0));
        CHECK_OK(regrow_resume(pid, LIMIT_MS));
        CHECK_ERROR(REGROW_ERR_EXITED, regrow_agent_update(pid, leave_it, pid.id ? &pid : NULL, LIMIT_MS));
        snprintf(expected, sizeof expected,
                 "*DBG* kept got call get from %s\n*DBG* kept sent seen\n"
                 "*DBG* kept got call update from %s\n*DBG* kept sent seen\n"
                 "*DBG* kept got call get_and_update from %s\n*DBG* kept sent seen\n"
                 "*DBG* kept got cast cast\n*DBG* kept noreply\n*DBG* kept got hi\n*DBG* kept noreply\n"
                 "*DBG* kept got call update from undefined\n*DBG* kept sent ok\n"
                 "*DBG* kept got call update from %s\n*DBG* kept got call update from %s\n", me, me, me, me, me);
        check_lines(__LINE__, expected);
        stop_runtime();
    }
}

static regrow_next end_at_once(regrow_context *context, void *user, const regrow_term *argument, regrow_term *value)
{
    return REGROW_DONE;
}

static void run_nothing(void *user)
{
}

static void a_traced_registry_pubsub_or_task_supervisor_writes_what_it_is_asked(void)
{
    const char *listener = "ear";
    regrow_registry_spec registry = { .size = sizeof registry, .keys = REGROW_UNIQUE, .listeners = &listener,
                                      .listener_count = 1 };
    regrow_task_supervisor_spec tasks = { .size = sizeof tasks };
    regrow_pubsub_spec pubsub = { .size = sizeof pubsub };
    regrow_child_spec child = { .size = sizeof child, .kind = REGROW_REGISTRY, .spec = &registry, .name = "who" };
    regrow_pid pid, task;
    regrow_task_spec spec = { .size = sizeof spec, .run = end_at_once };
    regrow_term door = ATOM("door");
    regrow_ref ref;
    char expected[1000], me[40];
    start_runtime(REGROW_LOG_SILENT, take_line);
    snprintf(me, sizeof me, "%s", show_pid(self));
    CHECK_OK(regrow_start(root, &child, &pid));
    CHECK_OK(regrow_trace(pid, true, LIMIT_MS));
    CHECK_OK(regrow_registry_register(pid, ATOM("key"), self, INT(1)));
    settle();
    CHECK_OK(regrow_registry_lock(pid, &door, run_nothing, NULL, LIMIT_MS));
    snprintf(expected, sizeof expected,
             "*DBG* who got cast {register,<<\"who\">>,key,%s,1}\n*DBG* who noreply\n"
             "*DBG* who got call {lock,door} from %s\n*DBG* who sent 1\n"
             "*DBG* who got cast {unlock,door}\n*DBG* who noreply\n", me, me);
    check_lines(__LINE__, expected);

    child = (regrow_child_spec){ .size = sizeof child, .kind = REGROW_PUBSUB, .spec = &pubsub, .name = "all" };
    CHECK_OK(regrow_start(root, &child, &pid));
    CHECK_OK(regrow_trace(pid, true, LIMIT_MS));
    CHECK_OK(regrow_group_monitor(pid, &door, &ref, NULL));
    CHECK_OK(regrow_group_join(pid, &door, self));
    check_lines(__LINE__, "*DBG* all got cast tell\n*DBG* all noreply\n");
    CHECK_OK(regrow_group_demonitor(pid, ref));

    child = (regrow_child_spec){ .size = sizeof child, .kind = REGROW_TASK_SUPERVISOR, .spec = &tasks, .name = "work" };
    CHECK_OK(regrow_start(root, &child, &pid));
    CHECK_OK(regrow_trace(pid, true, LIMIT_MS));
    CHECK_OK(regrow_task_supervisor_start_child(pid, &spec, &task));
    settle();
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_task_supervisor_terminate_child(pid, task));
    char child_text[40];
    snprintf(child_text, sizeof child_text, "%s", show_pid(task));
    snprintf(expected, sizeof expected,
             "*DBG* work got call start_task from %s\n*DBG* work sent %s\n"
             "*DBG* work got {'EXIT',%s,normal}\n*DBG* work noreply\n"
             "*DBG* work got call {terminate_child,%s} from %s\n*DBG* work sent {error,not_found}\n",
             me, child_text, child_text, child_text, me);
    check_lines(__LINE__, expected);
    stop_runtime();
}

/* ---- levels ---- */

static void a_supervisor_reports_progress_at_level_info(void)
{
    for (uint32_t level = REGROW_LOG_INFO; level <= REGROW_LOG_WARNING; level++) {
        tree tree;
        start_runtime(level, take_line);
        plant(&tree, 1, REGROW_ONE_FOR_ONE);
        tree.children[0].name = "glass";
        start_tree(&tree);
        regrow_pid pid = child_pid(tree.pid, 1);
        char expected[100];
        snprintf(expected, sizeof expected, ": started child 1 %s (glass)", show_pid(pid));
        CHECK(said(expected) == (level == REGROW_LOG_INFO));
        if (level == REGROW_LOG_INFO) {
            CHECK(least_level == REGROW_LOG_INFO);
            CHECK(strcmp(reported("context"), "progress") == 0 && strcmp(reported("pid"), show_pid(pid)) == 0);
            CHECK(strcmp(reported("reason"), "missing") == 0);
        }
        stop_tree(&tree);
        stop_runtime();
    }
}

static void a_message_without_a_callback_is_a_warning(void)
{
    regrow_server_spec spec = { .size = sizeof spec };
    regrow_child_spec child = server_child(1, &spec);
    regrow_pid pid;
    child.name = "deaf";
    for (uint32_t level = REGROW_LOG_WARNING; level <= REGROW_LOG_ERROR; level++) {
        start_runtime(level, take_line);
        CHECK_OK(regrow_start(root, &child, &pid));
        CHECK_OK(regrow_send(pid, regrow_text("hello")));
        CHECK_OK(regrow_cast(pid, ATOM("told")));
        CHECK(said("(deaf) has no callback for the message <<\"hello\">>") == (level == REGROW_LOG_WARNING));
        CHECK(said("told") == (level == REGROW_LOG_WARNING));
        stop_runtime();
    }
}

static regrow_next refuse(regrow_context *context, void *user, const regrow_term *arg, void **state)
{
    return regrow_stop_self(context, ATOM(user));
}

static void an_init_that_fails_is_reported(void)
{
    regrow_server_spec spec = { .size = sizeof spec, .init = refuse };
    regrow_child_spec child = server_child(1, &spec);
    regrow_pid pid;
    start_runtime(REGROW_LOG_ERROR, take_line);
    spec.user = "shutdown";
    CHECK_ERROR(REGROW_ERR_START, regrow_start(root, &child, &pid));
    CHECK(said("terminating") == 0);
    spec.user = "broken";
    CHECK_ERROR(REGROW_ERR_START, regrow_start(root, &child, &pid));
    CHECK(said("terminating, reason broken") == 1);
    stop_runtime();
}

static void text_is_reported_as_text(void)
{
    tree tree;
    start_runtime(REGROW_LOG_ERROR, take_line);
    plant(&tree, 1, REGROW_ONE_FOR_ONE);
    start_tree(&tree);
    regrow_pid pid = child_pid(tree.pid, 1);
    regrow_ref ref = monitor(pid);
    regrow_term reason[] = { INT('n'), INT('o') };
    CHECK_OK(regrow_send(pid, TUPLE(ATOM("stop"), TUPLE(regrow_text("why \xc3\xa9"), regrow_list(reason, 2)))));
    CHECK_DOWN(ref, "{<<119,104,121,32,195,169>>,[110,111]}");
    CHECK(said("server") > 0 && said("reason {<<\"why \xc3\xa9\"/utf8>>,\"no\"}, last message") == 1);
    CHECK(said("child_terminated, reason {<<\"why \xc3\xa9\"/utf8>>,\"no\"}, child 1") == 1);
    stop_tree(&tree);
    stop_runtime();
}

static void the_ancestors_are_reported(void)
{
    regrow_server_spec spec = { .size = sizeof spec, .init = refuse, .user = "broken" };
    regrow_child_spec child = server_child(1, &spec);
    regrow_pid pid;
    char expected[100];
    start_runtime(REGROW_LOG_ERROR, take_line);
    CHECK_OK(regrow_trap_exit(true, NULL));
    CHECK_ERROR(REGROW_ERR_START, regrow_start_link(&child, &pid));
    settle();
    snprintf(expected, sizeof expected, "[%s]", show_pid(self));
    CHECK(strcmp(reported("ancestors"), expected) == 0);
    stop_runtime();
}

/* ---- relief ---- */

enum { MANY = 100 };
static atomic_int stand;

static regrow_next stand_there(regrow_context *context, void *state, const regrow_term *message)
{
    while (stand)
        usleep(1000);
    return REGROW_NOREPLY;
}

static void relief_that_is_exhausted_is_a_warning(void)
{
    regrow_server_spec spec = { .size = sizeof spec, .handle_info = stand_there };
    regrow_child_spec child = server_child(1, &spec);
    regrow_pid pids[MANY];
    start_runtime(REGROW_LOG_WARNING, take_line);
    stand = 1;
    for (int at = 0; at < MANY; at++) {
        CHECK_OK(regrow_start(root, &child, &pids[at]));
        CHECK_OK(regrow_send(pids[at], ATOM("stand")));
    }
    for (bool told = false; !told; usleep(1000)) {
        pthread_mutex_lock(&log_lock);
        told = strstr(lines, "no relief is left");
        pthread_mutex_unlock(&log_lock);
    }
    stand = 0;
    CHECK(said("no relief is left") == 1 && least_level == REGROW_LOG_WARNING);
    stop_runtime();
}


static void crash_something(void)
{
    tree tree;
    plant(&tree, 1, REGROW_ONE_FOR_ONE);
    start_tree(&tree);
    end_child(tree.pid, 1, "broken");
    stop_tree(&tree);
}

static void nothing_below_the_level_is_logged(void)
{
    for (uint32_t level = 0; level <= REGROW_LOG_SILENT; level++) {
        start_runtime(level, take_line);
        crash_something();
        stop_runtime();
        CHECK((*lines != 0) == (level != REGROW_LOG_SILENT));
        CHECK(least_level >= (level ? level : REGROW_LOG_WARNING));
    }
    regrow_options options = { .size = sizeof options, .log_level = REGROW_LOG_SILENT + 1 };
    regrow_pid none;
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_init(&options, &none));
}

static size_t stderr_of(uint32_t level, char *text, size_t size)
{
    int ends[2], before = dup(STDERR_FILENO);
    CHECK(before >= 0 && pipe(ends) == 0 && dup2(ends[1], STDERR_FILENO) >= 0);
    start_runtime(level, NULL);
    crash_something();
    stop_runtime();
    CHECK(dup2(before, STDERR_FILENO) >= 0);
    close(before);
    close(ends[1]);
    ssize_t length = read(ends[0], text, size - 1);
    close(ends[0]);
    CHECK(length >= 0);
    text[length] = 0;
    return (size_t)length;
}

static void without_a_callback_it_goes_to_stderr(void)
{
    char text[8192];
    CHECK(stderr_of(0, text, sizeof text) > 0);
    CHECK(strstr(text, "broken") && strstr(text, "{stop,broken}"));
    CHECK(stderr_of(REGROW_LOG_SILENT, text, sizeof text) == 0);
}

int main(void)
{
    a_crash_report_names_pid_name_reason_last_message_and_supervisor();
    agents_and_plain_processes_report_too();
    an_end_in_order_is_no_crash();
    a_supervisor_reports_ends_failed_starts_and_giving_up();
    a_child_that_does_not_end_as_told_is_reported();
    a_stray_message_to_a_supervisor_is_reported_and_does_no_harm();
    a_traced_server_writes_what_comes_and_what_goes();
    a_traced_supervisor_writes_what_it_is_asked_and_answers();
    a_traced_agent_writes_what_it_is_asked_and_answers();
    a_traced_registry_pubsub_or_task_supervisor_writes_what_it_is_asked();
    a_supervisor_reports_progress_at_level_info();
    a_message_without_a_callback_is_a_warning();
    an_init_that_fails_is_reported();
    text_is_reported_as_text();
    the_ancestors_are_reported();
    relief_that_is_exhausted_is_a_warning();
    nothing_below_the_level_is_logged();
    without_a_callback_it_goes_to_stderr();
    return 0;
}
