/* What OTP's sys does, for the kinds without callbacks: suspend and resume, the state and the status, a trace. */
#include "tree.h"
#include <sched.h>

static regrow_pid start_kind(uint32_t kind, const void *spec)
{
    regrow_child_spec child = { .size = sizeof child, .kind = kind, .spec = spec };
    regrow_pid pid;
    CHECK_OK(regrow_start(root, &child, &pid));
    return pid;
}

static regrow_pid start_agent(uint32_t flags, int64_t number)
{
    regrow_term initial = INT(number);
    regrow_agent_spec spec = { .size = sizeof spec, .initial = &initial, .flags = flags };
    return start_kind(REGROW_AGENT, &spec);
}

static regrow_next add_one(regrow_context *context, void *user, const regrow_term *state, regrow_term *next,
                           regrow_term *reply)
{
    int64_t number;
    CHECK(regrow_as_int(state, &number));
    *next = INT(number + 1);
    *reply = INT(number);
    return REGROW_DONE;
}

static void *update_agent(void *agent)
{
    CHECK_OK(regrow_agent_update(*(regrow_pid *)agent, add_one, NULL, LIMIT_MS));
    return NULL;
}

static const char *state_of(regrow_pid pid)
{
    static char text[600];
    regrow_term state;
    CHECK_OK(regrow_get_state(pid, LIMIT_MS, &state));
    snprintf(text, sizeof text, "%s", show(&state));
    regrow_term_free(&state);
    return text;
}

/* What the status says under a name. */
static const char *status_of(regrow_pid pid, const char *name)
{
    static char text[600];
    regrow_term status, key = ATOM(name);
    CHECK_OK(regrow_get_status(pid, LIMIT_MS, &status));
    snprintf(text, sizeof text, "%s", show(regrow_map_get(&status, &key)));
    regrow_term_free(&status);
    return text;
}

/* Until so many messages wait, put aside or not. */
static void until_queued(regrow_pid pid, int64_t count)
{
    regrow_term info, key = ATOM("message_queue_len");
    int64_t length;
    do {
        CHECK_OK(regrow_info(pid, &info));
        CHECK(regrow_as_int(regrow_map_get(&info, &key), &length));
        regrow_term_free(&info);
        sched_yield();
    } while (length != count);
}

#define CHECK_IS(found, expected)                                                            \
    do {                                                                                     \
        const char *check_found = (found);                                                   \
        if (strcmp(check_found, expected)) {                                                 \
            fprintf(stderr, "%s:%d: %s, not %s\n", __FILE__, __LINE__, check_found, expected); \
            _Exit(1);                                                                        \
        }                                                                                    \
    } while (0)

/* ---- agents ---- */

static void a_suspended_agent_queues_what_it_is_asked_and_resumes_in_order(void)
{
    for (uint32_t flags = 0; flags <= REGROW_INLINE; flags += REGROW_INLINE) {
        regrow_pid agent = start_agent(flags, 1);
        regrow_request *first, *second;
        regrow_term value;
        CHECK_OK(regrow_suspend(agent, LIMIT_MS));
        CHECK_OK(regrow_suspend(agent, LIMIT_MS));
        CHECK_IS(status_of(agent, "sys_state"), "suspended");
        CHECK_OK(regrow_agent_update_async(agent, add_one, NULL, NULL, LIMIT_MS, &first));
        CHECK_OK(regrow_agent_cast(agent, add_one, NULL, NULL));
        /* One that waits, of which nothing can run on the waiting thread. */
        pthread_t waiter = start_thread(update_agent, &agent);
        CHECK_OK(regrow_agent_update_async(agent, add_one, NULL, NULL, LIMIT_MS, &second));
        until_queued(agent, 4);
        CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_agent_get(agent, NULL, NULL, 0, &value));
        CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_request_wait(first, 0, NULL));
        CHECK_IS(state_of(agent), "1");
        CHECK_OK(regrow_replace_state(agent, INT(10), LIMIT_MS));
        CHECK_OK(regrow_resume(agent, LIMIT_MS));
        CHECK_OK(regrow_agent_get(agent, NULL, NULL, LIMIT_MS, &value));
        CHECK_SHOWN(&value, "14");
        CHECK_OK(regrow_request_wait(first, LIMIT_MS, NULL));
        CHECK_OK(regrow_request_wait(second, LIMIT_MS, NULL));
        join_thread(waiter);
        regrow_request_free(first);
        regrow_request_free(second);
        CHECK_IS(status_of(agent, "sys_state"), "running");
        CHECK_OK(regrow_resume(agent, LIMIT_MS));
        kill_and_wait(agent);
    }
}

static void what_a_suspended_agent_keeps_is_answered_by_its_end(void)
{
    regrow_pid agent = start_agent(0, 1);
    regrow_request *pending;
    CHECK_OK(regrow_suspend(agent, LIMIT_MS));
    CHECK_OK(regrow_agent_update_async(agent, add_one, NULL, NULL, LIMIT_MS, &pending));
    CHECK_OK(regrow_stop(agent, ATOM("enough"), LIMIT_MS));
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_request_wait(pending, LIMIT_MS, NULL));
    CHECK_REASON("enough");
    regrow_request_free(pending);
}

/* ---- supervisors ---- */

static regrow_request *ask_children(regrow_pid supervisor)
{
    regrow_request *pending;
    CHECK_OK(regrow_supervisor_which_children_async(supervisor, &pending));
    return pending;
}

/* OTP: the child's end waits for the end of the suspension, and so does who asks. */
/* Of those who were listed, the last started first: whether each has the pid that it had then. */
static void check_listed(regrow_request *asked, const regrow_pid *pids, size_t count, size_t started_anew)
{
    regrow_term children;
    CHECK_OK(regrow_request_wait(asked, LIMIT_MS, &children));
    regrow_request_free(asked);
    const regrow_term *left = &children;
    for (size_t at = count; at-- > 0; left = regrow_list_tail(left)) {
        regrow_pid pid;
        CHECK(regrow_as_pid(regrow_tuple_get(regrow_list_head(left), 1), &pid));
        CHECK((pid.id == pids[at].id) == (at >= started_anew));
    }
    CHECK(regrow_is_nil(left));
    regrow_term_free(&children);
}

/* Each start is waited for, and what waits meanwhile has its turn afterwards: as if it came then. */
static void what_came_while_it_was_suspended_is_handled_in_its_order(void)
{
    enum { CHILDREN = 3 };
    tree tree;
    regrow_pid pids[CHILDREN];
    regrow_request *asked[CHILDREN];
    plant(&tree, CHILDREN, REGROW_ONE_FOR_ONE);
    start_tree(&tree);
    for (int at = 0; at < CHILDREN; at++)
        pids[at] = child_pid(tree.pid, at + 1);
    CHECK_OK(regrow_suspend(tree.pid, LIMIT_MS));
    for (int at = 0; at < CHILDREN; at++) {
        CHECK_OK(regrow_exit(pids[at], ATOM("kill")));
        settle();
        asked[at] = ask_children(tree.pid);
    }
    CHECK_OK(regrow_resume(tree.pid, LIMIT_MS));
    for (int at = 0; at < CHILDREN; at++)
        check_listed(asked[at], pids, CHILDREN, (size_t)at + 1);
    CHECK_LOG("S1 S2 S3 S1 S2 S3");
    stop_tree(&tree);
    CHECK_LOG("T3 T2 T1");
}

static void a_suspended_supervisor_restarts_nobody_until_it_is_resumed(void)
{
    tree tree;
    plant(&tree, 2, REGROW_ONE_FOR_ALL);
    start_tree(&tree);
    regrow_pid child = child_pid(tree.pid, 2);
    CHECK_OK(regrow_suspend(tree.pid, LIMIT_MS));
    CHECK_OK(regrow_cast(child, TUPLE(ATOM("stop"), ATOM("boom"))));
    regrow_request *pending = ask_children(tree.pid);
    settle();
    CHECK_LOG("S1 S2 T2");
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_request_wait(pending, 0, NULL));
    CHECK_IS(status_of(tree.pid, "sys_state"), "suspended");
    CHECK_OK(regrow_resume(tree.pid, LIMIT_MS));
    CHECK_OK(regrow_request_wait(pending, LIMIT_MS, NULL));
    regrow_request_free(pending);
    CHECK_LOG("T1 S1 S2");
    stop_tree(&tree);
    CHECK_LOG("T2 T1");
}

/* Asked of OTP 25: the parent's exit ends a suspended supervisor, which stops its children, and whoever waits hears of
 * it at once. */
static void the_exit_of_its_parent_ends_a_suspended_supervisor(void)
{
    for (int dynamic = 0; dynamic <= 1; dynamic++) {
        tree tree;
        regrow_pid pid, one, two;
        regrow_dynamic_supervisor_spec spec = { .size = sizeof spec };
        regrow_child_spec child = { .size = sizeof child, .kind = REGROW_DYNAMIC_SUPERVISOR, .spec = &spec };
        plant(&tree, 2, REGROW_ONE_FOR_ONE);
        if (!dynamic)
            child = supervisor_child(0, &tree.spec);
        CHECK_OK(regrow_trap_exit(true, NULL));
        CHECK_OK(regrow_start_link(&child, &pid));
        for (int at = 0; dynamic && at < 2; at++)
            CHECK_OK(regrow_supervisor_start_child(pid, &tree.children[at], NULL));
        one = child_pid(pid, 1);
        two = child_pid(pid, 2);
        CHECK_OK(regrow_suspend(pid, LIMIT_MS));
        regrow_request *pending = ask_children(pid);
        /* Its end is not seen any more. */
        CHECK_OK(regrow_cast(two, TUPLE(ATOM("stop"), ATOM("boom"))));
        settle();
        CHECK_OK(regrow_exit(pid, ATOM("shutdown")));
        CHECK_EXIT(pid, "shutdown");
        CHECK(!regrow_is_alive(one));
        CHECK_ERROR(REGROW_ERR_EXITED, regrow_request_wait(pending, LIMIT_MS, NULL));
        CHECK_REASON("shutdown");
        regrow_request_free(pending);
        CHECK_LOG("S1 S2 T2 T1");
        CHECK_OK(regrow_trap_exit(false, NULL));
    }
}

/* {terminated, Pid, Reason} of the next event. */
static void check_ended(regrow_pid pid, const char *reason)
{
    regrow_term message = receive(), event = ATOM("event"), whose = ATOM("pid"), why = ATOM("reason");
    const regrow_term *map = regrow_tuple_get(&message, 3);
    regrow_pid found;
    CHECK_SHOWN(regrow_map_get(map, &event), "terminated");
    CHECK(regrow_as_pid(regrow_map_get(map, &whose), &found) && found.id == pid.id);
    CHECK_SHOWN(regrow_map_get(map, &why), "%s", reason);
    regrow_term_free(&message);
}

/* OTP: its EXIT, which waits in the mailbox, has the reason that is reported, and not the monitor of the dead. */
static void who_ended_under_a_suspended_supervisor_has_its_own_reason_when_that_is_ended(void)
{
    for (int dynamic = 0; dynamic <= 1; dynamic++) {
        tree tree;
        regrow_pid pid, one, two;
        regrow_dynamic_supervisor_spec spec = { .size = sizeof spec };
        regrow_ref subscription;
        plant(&tree, 2, REGROW_ONE_FOR_ONE);
        pid = dynamic ? start_kind(REGROW_DYNAMIC_SUPERVISOR, &spec) : start_kind(REGROW_SUPERVISOR, &tree.spec);
        for (int at = 0; dynamic && at < 2; at++)
            CHECK_OK(regrow_supervisor_start_child(pid, &tree.children[at], NULL));
        one = child_pid(pid, 1);
        two = child_pid(pid, 2);
        CHECK_OK(regrow_supervisor_subscribe(pid, &subscription));
        CHECK_OK(regrow_suspend(pid, LIMIT_MS));
        CHECK_OK(regrow_cast(two, TUPLE(ATOM("stop"), ATOM("boom"))));
        settle();
        CHECK_OK(regrow_stop(pid, ATOM("shutdown"), LIMIT_MS));
        /* The stops of a dynamic one are under way at once, and whoever is dead has ended first. */
        check_ended(two, "boom");
        check_ended(one, "shutdown");
        CHECK_NO_MESSAGE();
        CHECK_LOG("S1 S2 T2 T1");
    }
}

static void a_suspended_dynamic_supervisor_starts_nobody_until_it_is_resumed(void)
{
    tree tree;
    regrow_dynamic_supervisor_spec spec = { .size = sizeof spec };
    regrow_pid pid = start_kind(REGROW_DYNAMIC_SUPERVISOR, &spec);
    regrow_request *pending;
    plant(&tree, 2, REGROW_ONE_FOR_ONE);
    CHECK_OK(regrow_supervisor_start_child(pid, &tree.children[0], NULL));
    CHECK_OK(regrow_suspend(pid, LIMIT_MS));
    CHECK_OK(regrow_supervisor_start_child_async(pid, &tree.children[1], &pending));
    settle();
    CHECK_LOG("S1");
    CHECK_OK(regrow_resume(pid, LIMIT_MS));
    CHECK_OK(regrow_request_wait(pending, LIMIT_MS, NULL));
    regrow_request_free(pending);
    CHECK_LOG("S2");
    CHECK_OK(regrow_stop(pid, ATOM("normal"), LIMIT_MS));
}

/* The children of a partition supervisor are found without it. */
static void the_partitions_of_a_suspended_supervisor_are_found(void)
{
    actor actor = { .number = 1, .silent = true };
    regrow_server_spec server = actor_spec(&actor);
    regrow_child_spec worker = server_child(1, &server);
    regrow_partition_supervisor_spec spec = { .size = sizeof spec, .child = &worker, .partitions = 2 };
    regrow_pid pid = start_kind(REGROW_PARTITION_SUPERVISOR, &spec), one, again;
    regrow_term key = INT(1);
    CHECK_OK(regrow_partition_whereis(pid, &key, &one));
    CHECK_OK(regrow_suspend(pid, LIMIT_MS));
    CHECK_OK(regrow_partition_whereis(pid, &key, &again));
    CHECK(one.id == again.id);
    kill_and_wait(one);
    settle();
    CHECK_ERROR(REGROW_ERR_NO_PROCESS, regrow_partition_whereis(pid, &key, &again));
    CHECK_OK(regrow_resume(pid, LIMIT_MS));
    settle();
    CHECK_OK(regrow_partition_whereis(pid, &key, &again));
    CHECK_OK(regrow_stop(pid, ATOM("normal"), LIMIT_MS));
}

/* ---- registries and pubsubs ---- */

static int lock_runs;

static void count_run(void *user)
{
    lock_runs++;
}

static void *take_lock(void *registry)
{
    regrow_term key = ATOM("door");
    CHECK_OK(regrow_registry_lock(*(regrow_pid *)registry, &key, count_run, NULL, LIMIT_MS));
    return NULL;
}

static void a_suspended_registry_is_read_and_written_and_its_locks_wait(void)
{
    const char *listener = "ear";
    regrow_registry_spec spec = { .size = sizeof spec, .keys = REGROW_UNIQUE, .listeners = &listener,
                                  .listener_count = 1 };
    regrow_pid registry = start_kind(REGROW_REGISTRY, &spec), found;
    regrow_term key = ATOM("key");
    size_t count;
    CHECK_IS(state_of(registry), "#{entries => 0,keys => unique}");
    CHECK_OK(regrow_register(self, "ear"));
    CHECK_OK(regrow_suspend(registry, LIMIT_MS));
    CHECK_OK(regrow_registry_register(registry, ATOM("key"), self, INT(1)));
    CHECK_OK(regrow_registry_whereis(registry, &key, &found));
    CHECK(found.id == self.id);
    CHECK_OK(regrow_registry_unregister(registry, &key, self));
    CHECK_OK(regrow_registry_count(registry, &count));
    CHECK(count == 0);
    lock_runs = 0;
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_registry_lock(registry, &key, count_run, NULL, 0));
    pthread_t waiter = start_thread(take_lock, &registry);
    until_queued(registry, 3);
    CHECK(lock_runs == 0);
    CHECK_NO_MESSAGE();
    CHECK_OK(regrow_resume(registry, LIMIT_MS));
    join_thread(waiter);
    CHECK(lock_runs == 1);
    CHECK_RECEIVED("{register,%s,key,%s,1}", show_pid(registry), show_pid(self));
    CHECK_RECEIVED("{unregister,%s,key,%s}", show_pid(registry), show_pid(self));
    CHECK_OK(regrow_unregister(root, "ear"));
    CHECK_ERROR(REGROW_ERR_WRONG_KIND, regrow_replace_state(registry, INT(1), LIMIT_MS));
    kill_and_wait(registry);
}

static void a_suspended_pubsub_sends_and_tells_of_groups_when_it_is_resumed(void)
{
    regrow_pubsub_spec spec = { .size = sizeof spec };
    regrow_pid pubsub = start_kind(REGROW_PUBSUB, &spec);
    regrow_term group = ATOM("g");
    regrow_ref ref;
    CHECK_OK(regrow_group_monitor(pubsub, &group, &ref, NULL));
    CHECK_OK(regrow_suspend(pubsub, LIMIT_MS));
    CHECK_OK(regrow_group_join(pubsub, &group, self));
    CHECK_OK(regrow_group_send(pubsub, &group, ATOM("direct"), NULL));
    settle();
    CHECK_RECEIVED("direct");
    CHECK_NO_MESSAGE();
    CHECK_IS(state_of(pubsub), "#{groups => 1}");
    CHECK_OK(regrow_resume(pubsub, LIMIT_MS));
    settle();
    regrow_term told = receive();
    CHECK(regrow_is_atom(regrow_tuple_get(&told, 1), "join"));
    regrow_term_free(&told);
    CHECK_OK(regrow_group_demonitor(pubsub, ref));
    kill_and_wait(pubsub);
}

/* ---- task supervisors ---- */

static regrow_next wait_for_word(regrow_context *context, void *user, const regrow_term *argument, regrow_term *value)
{
    regrow_term word;
    if (regrow_receive(REGROW_INFINITY, &word))
        return regrow_stop_self(context, ATOM("killed"));
    *value = word;
    return REGROW_DONE;
}

static void a_suspended_task_supervisor_queues_and_can_be_ended(void)
{
    regrow_task_supervisor_spec spec = { .size = sizeof spec, .max_children = 1, .at_limit = REGROW_QUEUE };
    regrow_pid supervisor = start_kind(REGROW_TASK_SUPERVISOR, &spec), first, second;
    regrow_task_spec task = { .size = sizeof task, .run = wait_for_word };
    regrow_request *pending;
    CHECK_OK(regrow_task_supervisor_start_child(supervisor, &task, &first));
    CHECK_OK(regrow_task_supervisor_start_child(supervisor, &task, &second));
    CHECK_IS(state_of(supervisor), "#{children => 1,max_children => 1,max_restarts => 3,period_ms => 5000,shutdown => 5000,waiting => 1}");
    CHECK_OK(regrow_suspend(supervisor, LIMIT_MS));
    CHECK_OK(regrow_task_supervisor_run_async(supervisor, &task, LIMIT_MS, &pending));
    /* One that has ended makes room only when that is seen. */
    CHECK_OK(regrow_send(first, ATOM("go")));
    settle();
    CHECK_IS(state_of(supervisor), "#{children => 1,max_children => 1,max_restarts => 3,period_ms => 5000,shutdown => 5000,waiting => 1}");
    CHECK_OK(regrow_resume(supervisor, LIMIT_MS));
    settle();
    CHECK_IS(state_of(supervisor), "#{children => 1,max_children => 1,max_restarts => 3,period_ms => 5000,shutdown => 5000,waiting => 1}");
    /* Also with an end that it has not seen. */
    CHECK_OK(regrow_suspend(supervisor, LIMIT_MS));
    CHECK_OK(regrow_send(second, ATOM("go")));
    settle();
    CHECK_OK(regrow_stop(supervisor, ATOM("shutdown"), LIMIT_MS));
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_request_wait(pending, LIMIT_MS, NULL));
    CHECK_REASON("shutdown");
    regrow_request_free(pending);
}

static regrow_next wait_whatever_it_is_told(regrow_context *context, void *user, const regrow_term *argument,
                                             regrow_term *value)
{
    CHECK_OK(regrow_trap_exit(true, NULL));
    CHECK_OK(regrow_send(self, ATOM("begun")));
    for (;;) {
        if (regrow_receive(REGROW_INFINITY, value))
            return regrow_stop_self(context, ATOM("killed"));
        regrow_term_free(value);
    }
}

static void *terminate_task(void *pids)
{
    CHECK_OK(regrow_task_supervisor_terminate_child(((regrow_pid *)pids)[0], ((regrow_pid *)pids)[1]));
    return NULL;
}

/* The stop of a task goes on, but makes room only when the supervisor does. */
static void a_suspended_task_supervisor_lets_nobody_begin(void)
{
    regrow_task_supervisor_spec spec = { .size = sizeof spec, .max_children = 1, .at_limit = REGROW_QUEUE };
    regrow_task_spec task = { .size = sizeof task, .run = wait_whatever_it_is_told };
    regrow_pid pids[2], second;
    pids[0] = start_kind(REGROW_TASK_SUPERVISOR, &spec);
    CHECK_OK(regrow_task_supervisor_start_child(pids[0], &task, &pids[1]));
    CHECK_RECEIVED("begun");
    CHECK_OK(regrow_task_supervisor_start_child(pids[0], &task, &second));
    pthread_t waiter = start_thread(terminate_task, pids);
    regrow_settled settled = { .size = sizeof settled };
    do
        CHECK_OK(regrow_settle(root, LIMIT_MS, &settled));
    while (settled.state != REGROW_WAITING);
    CHECK_OK(regrow_suspend(pids[0], LIMIT_MS));
    CHECK_OK(regrow_advance(root, 5000));
    join_thread(waiter);
    CHECK(!regrow_is_alive(pids[1]) && regrow_is_alive(second));
    settle();
    CHECK_NO_MESSAGE();
    CHECK_IS(state_of(pids[0]), "#{children => 0,max_children => 1,max_restarts => 3,period_ms => 5000,shutdown => 5000,waiting => 1}");
    CHECK_OK(regrow_resume(pids[0], LIMIT_MS));
    CHECK_RECEIVED("begun");
    kill_and_wait(pids[0]);
}

static void the_exit_of_its_parent_ends_a_suspended_process_of_each_kind(void)
{
    regrow_agent_spec agent = { .size = sizeof agent };
    regrow_registry_spec registry = { .size = sizeof registry, .keys = REGROW_UNIQUE };
    regrow_pubsub_spec pubsub = { .size = sizeof pubsub };
    regrow_task_supervisor_spec tasks = { .size = sizeof tasks };
    struct { uint32_t kind; const void *spec; } kinds[] = { { REGROW_AGENT, &agent }, { REGROW_REGISTRY, &registry },
                                                            { REGROW_PUBSUB, &pubsub },
                                                            { REGROW_TASK_SUPERVISOR, &tasks } };
    CHECK_OK(regrow_trap_exit(true, NULL));
    for (size_t at = 0; at < sizeof kinds / sizeof *kinds; at++) {
        regrow_child_spec child = { .size = sizeof child, .kind = kinds[at].kind, .spec = kinds[at].spec };
        regrow_pid pid;
        CHECK_OK(regrow_start_link(&child, &pid));
        CHECK_OK(regrow_suspend(pid, LIMIT_MS));
        CHECK_OK(regrow_exit(pid, ATOM("shutdown")));
        CHECK_EXIT(pid, "shutdown");
    }
    CHECK_OK(regrow_trap_exit(false, NULL));
}

/* ---- those that cannot ---- */

static regrow_next body_that_waits(regrow_context *context, void *user)
{
    regrow_term word;
    if (regrow_receive(REGROW_INFINITY, &word) == REGROW_OK)
        regrow_term_free(&word);
    return REGROW_DONE;
}

static void take_message(void *user, regrow_pid me, const regrow_term *message, regrow_caller caller)
{
}

static void check_refused(regrow_pid pid)
{
    regrow_term state;
    CHECK_ERROR(REGROW_ERR_WRONG_KIND, regrow_suspend(pid, LIMIT_MS));
    CHECK_ERROR(REGROW_ERR_WRONG_KIND, regrow_resume(pid, LIMIT_MS));
    CHECK_ERROR(REGROW_ERR_WRONG_KIND, regrow_trace(pid, true, LIMIT_MS));
    CHECK_ERROR(REGROW_ERR_WRONG_KIND, regrow_get_state(pid, LIMIT_MS, &state));
    CHECK_ERROR(REGROW_ERR_WRONG_KIND, regrow_replace_state(pid, ATOM("new"), LIMIT_MS));
}

static void a_process_whose_code_is_not_ours_refuses_at_once(void)
{
    regrow_process_spec plain = { .size = sizeof plain, .body = body_that_waits };
    regrow_task_spec spec = { .size = sizeof spec, .run = wait_for_word };
    regrow_host_spec host = { .size = sizeof host, .deliver = take_message };
    regrow_task task;
    regrow_pid pid;
    regrow_term status;
    CHECK_OK(regrow_spawn(root, &plain, &pid));
    check_refused(pid);
    CHECK_ERROR(REGROW_ERR_WRONG_KIND, regrow_get_status(pid, LIMIT_MS, &status));
    kill_and_wait(pid);
    plain.home = REGROW_THREAD;
    CHECK_OK(regrow_spawn(root, &plain, &pid));
    check_refused(pid);
    kill_and_wait(pid);
    CHECK_OK(regrow_task_async(&spec, &task));
    check_refused(task.pid);
    CHECK_ERROR(REGROW_ERR_WRONG_KIND, regrow_get_status(task.pid, LIMIT_MS, &status));
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_task_shutdown(task, REGROW_BRUTAL_KILL, NULL));
    pid = start_kind(REGROW_HOST, &host);
    check_refused(pid);
    CHECK_IS(status_of(pid, "sys_state"), "running");
    CHECK_OK(regrow_host_exit(pid, ATOM("normal")));
}

int main(void)
{
    TEST_MANUAL(a_suspended_agent_queues_what_it_is_asked_and_resumes_in_order);
    TEST_MANUAL(what_a_suspended_agent_keeps_is_answered_by_its_end);
    TEST_MANUAL(what_came_while_it_was_suspended_is_handled_in_its_order);
    TEST_MANUAL(a_suspended_supervisor_restarts_nobody_until_it_is_resumed);
    TEST_MANUAL(the_exit_of_its_parent_ends_a_suspended_supervisor);
    TEST_MANUAL(who_ended_under_a_suspended_supervisor_has_its_own_reason_when_that_is_ended);
    TEST_MANUAL(a_suspended_dynamic_supervisor_starts_nobody_until_it_is_resumed);
    TEST_MANUAL(the_partitions_of_a_suspended_supervisor_are_found);
    TEST_MANUAL(a_suspended_registry_is_read_and_written_and_its_locks_wait);
    TEST_MANUAL(a_suspended_pubsub_sends_and_tells_of_groups_when_it_is_resumed);
    TEST_MANUAL(a_suspended_task_supervisor_queues_and_can_be_ended);
    TEST_MANUAL(a_suspended_task_supervisor_lets_nobody_begin);
    TEST_MANUAL(the_exit_of_its_parent_ends_a_suspended_process_of_each_kind);
    TEST_MANUAL(a_process_whose_code_is_not_ours_refuses_at_once);
    return 0;
}
