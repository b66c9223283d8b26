/* Callbacks that turn on what called them: that call it again, end it, stop the runtime, wait where nobody may. Each
 * gets a clear code, and everything goes on. */
#include "support.h"

static regrow_pid other; /* a server that answers */
static atomic_int count, drops;

static regrow_next answer_nil(regrow_context *context, void *state, const regrow_term *request)
{
    return regrow_reply(context, regrow_nil());
}

/* Where the runtime cannot be waited for, since it waits for this. */
static void check_runtime_is_refused(void)
{
    regrow_request *pending;
    CHECK_ERROR(REGROW_ERR_WOULD_DEADLOCK, regrow_shutdown(root, LONG_MS, NULL));
    CHECK_ERROR(REGROW_ERR_WOULD_DEADLOCK, regrow_settle(root, LONG_MS, NULL));
    CHECK_ERROR(REGROW_ERR_WOULD_DEADLOCK, regrow_advance(root, 1));
    CHECK_OK(regrow_settle_async(root, &pending));
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_request_wait(pending, 0, NULL));
    regrow_request_free(pending);
}

/* Where nothing can be waited for. */
static void check_no_wait(void)
{
    regrow_request *pending;
    regrow_term message;
    regrow_server_spec spec = { .size = sizeof spec, .handle_call = answer_nil };
    regrow_supervisor_spec supervisor = { .size = sizeof supervisor };
    regrow_child_spec how = child(REGROW_SUPERVISOR, &supervisor);
    check_runtime_is_refused();
    CHECK_ERROR(REGROW_ERR_WOULD_BLOCK, regrow_call(other, regrow_nil(), LONG_MS, NULL));
    CHECK_ERROR(REGROW_ERR_WOULD_BLOCK, regrow_stop(other, regrow_nil(), LONG_MS));
    CHECK_ERROR(REGROW_ERR_WOULD_BLOCK, regrow_sleep(1));
    CHECK_ERROR(REGROW_ERR_WOULD_BLOCK, regrow_get_status(other, LONG_MS, &message));
    CHECK_ERROR(REGROW_ERR_WOULD_BLOCK, regrow_trace(other, true, LONG_MS));
    CHECK_ERROR(REGROW_ERR_WOULD_BLOCK, regrow_start(root, &how, NULL));
    CHECK_ERROR(REGROW_ERR_CONTEXT, regrow_receive(0, &message));
    CHECK_ERROR(REGROW_ERR_EXISTS, regrow_enter(root, NULL));
    /* What does not wait, works. */
    CHECK_OK(regrow_call_async(other, regrow_nil(), REGROW_INFINITY, &pending));
    regrow_request_free(pending);
    CHECK_OK(regrow_send(other, regrow_nil()));
    how = child(REGROW_SERVER, &spec);
    regrow_pid pid;
    CHECK_OK(regrow_start(root, &how, &pid));
    CHECK_OK(regrow_exit(pid, regrow_atom("kill")));
}

static void drop_and_try(void *user)
{
    check_no_wait();
    atomic_fetch_add(&drops, 1);
}

static void check_dropped(int times)
{
    EVENTUALLY(atomic_load(&drops) >= times);
    CHECK(atomic_exchange(&drops, 0) == times);
}

/* ---- agents ---- */

static regrow_next turn_on_the_agent(regrow_context *context, void *user, const regrow_term *state, regrow_term *next,
                                     regrow_term *reply)
{
    regrow_pid me;
    regrow_term shown;
    CHECK_OK(regrow_self(&me));
    CHECK_ERROR(REGROW_ERR_SELF_CALL, regrow_agent_get(me, NULL, NULL, LONG_MS, &shown));
    CHECK_ERROR(REGROW_ERR_SELF_CALL, regrow_agent_update(me, turn_on_the_agent, NULL, LONG_MS));
    CHECK_ERROR(REGROW_ERR_SELF_CALL, regrow_get_state(me, LONG_MS, &shown));
    CHECK_ERROR(REGROW_ERR_SELF_CALL, regrow_get_status(me, LONG_MS, &shown));
    CHECK_ERROR(REGROW_ERR_SELF_CALL, regrow_stop(me, regrow_nil(), LONG_MS));
    check_runtime_is_refused();
    /* Waiting for others is fine. */
    CHECK_OK(regrow_call(other, regrow_nil(), LONG_MS, NULL));
    *next = regrow_int(1);
    return REGROW_DONE;
}

static regrow_next add_one(regrow_context *context, void *user, const regrow_term *state, regrow_term *next,
                           regrow_term *reply)
{
    int64_t number;
    CHECK(regrow_as_int(state, &number));
    *next = regrow_int(number + 1);
    return REGROW_DONE;
}

static regrow_next tell_itself(regrow_context *context, void *user, const regrow_term *state, regrow_term *next,
                               regrow_term *reply)
{
    regrow_pid me;
    CHECK_OK(regrow_self(&me));
    CHECK_OK(regrow_agent_cast(me, add_one, NULL, drop_and_try));
    *next = regrow_int(10);
    return REGROW_DONE;
}

static regrow_next end_itself(regrow_context *context, void *user, const regrow_term *state, regrow_term *next,
                              regrow_term *reply)
{
    regrow_pid me;
    CHECK_OK(regrow_self(&me));
    CHECK_OK(regrow_exit(me, regrow_atom("kill")));
    CHECK(!regrow_is_alive(me));
    CHECK_ERROR(REGROW_ERR_KILLED, regrow_call(other, regrow_nil(), LONG_MS, NULL));
    CHECK_ERROR(REGROW_ERR_KILLED, regrow_agent_update(me, end_itself, NULL, LONG_MS));
    *next = regrow_resource(&count, count_up);
    return REGROW_DONE;
}

typedef struct two {
    regrow_pid agents[2];
    int depth;
} two;

static regrow_next call_the_other(regrow_context *context, void *user, const regrow_term *state, regrow_term *next,
                                  regrow_term *reply)
{
    two *both = user;
    if (both->depth++ == 0)
        CHECK_OK(regrow_agent_update(both->agents[1], call_the_other, both, LONG_MS));
    else
        CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_agent_update(both->agents[0], call_the_other, both, 10));
    return REGROW_DONE;
}

static regrow_pid start_agent(void)
{
    regrow_agent_spec spec = { .size = sizeof spec };
    regrow_child_spec how = child(REGROW_AGENT, &spec);
    regrow_pid pid;
    CHECK_OK(regrow_start(root, &how, &pid));
    return pid;
}

static void a_function_turns_on_its_agent(void)
{
    regrow_pid agent = start_agent();
    regrow_term state;
    CHECK_OK(regrow_agent_update(agent, turn_on_the_agent, NULL, LONG_MS));
    CHECK_OK(regrow_agent_update(agent, tell_itself, NULL, LONG_MS));
    check_dropped(1);
    CHECK_OK(regrow_agent_get(agent, NULL, NULL, LONG_MS, &state));
    CHECK_TERM("11", &state);
    regrow_term_free(&state);
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_agent_update(agent, end_itself, NULL, LONG_MS));
    CHECK_LAST_REASON("killed");
    EVENTUALLY(stats().ghosts == 0); /* it still counts */

    /* Two that wait for each other: the time limit ends it, and both live. */
    two both = { .agents = { start_agent(), start_agent() } };
    CHECK_OK(regrow_agent_update(both.agents[0], call_the_other, &both, LONG_MS));
    CHECK(both.depth == 2);
    kill_and_wait(both.agents[0]);
    kill_and_wait(both.agents[1]);
}

/* ---- registries ---- */

typedef struct entries {
    regrow_pid registry;
    int depth;
    int calls;
} entries;

static regrow_pid start_registry(uint32_t keys)
{
    regrow_registry_spec spec = { .size = sizeof spec, .keys = keys };
    regrow_child_spec how = child(REGROW_REGISTRY, &spec);
    regrow_pid pid;
    CHECK_OK(regrow_start(root, &how, &pid));
    return pid;
}

static void dispatch_again(void *user, regrow_pid pid, const regrow_term *value)
{
    entries *entries = user;
    regrow_term key = regrow_atom("key");
    entries->calls++;
    if (entries->depth < 3) {
        entries->depth++;
        CHECK_OK(regrow_registry_dispatch(entries->registry, &key, dispatch_again, entries));
        entries->depth--;
    }
}

static void take_the_key_away(void *user, regrow_pid pid, const regrow_term *value)
{
    entries *entries = user;
    regrow_term key = regrow_atom("key");
    entries->calls++;
    CHECK_OK(regrow_registry_unregister(entries->registry, &key, self));
    CHECK_OK(regrow_registry_register(entries->registry, regrow_atom("key"), self, regrow_int(entries->calls)));
}

static void end_the_registry(void *user, regrow_pid pid, const regrow_term *value)
{
    entries *entries = user;
    regrow_term key = regrow_atom("key");
    entries->calls++;
    CHECK_OK(regrow_exit(entries->registry, regrow_atom("kill")));
    /* One that a worker runs at this moment ends at its next step. */
    EVENTUALLY(!regrow_is_alive(entries->registry));
    CHECK_ERROR(REGROW_ERR_NO_PROCESS, regrow_registry_dispatch(entries->registry, &key, end_the_registry, entries));
    regrow_term text = regrow_term_clone(value);
    CHECK(regrow_is_int(&text));
}

static void a_dispatch_turns_on_its_registry(void)
{
    entries entries = { .registry = start_registry(REGROW_DUPLICATE) };
    regrow_term key = regrow_atom("key");
    for (int at = 0; at < 2; at++)
        CHECK_OK(regrow_registry_register(entries.registry, regrow_atom("key"), self, regrow_int(at)));
    CHECK_OK(regrow_registry_dispatch(entries.registry, &key, dispatch_again, &entries));
    CHECK(entries.calls == 2 + 4 + 8 + 16);
    entries.calls = 0;
    CHECK_OK(regrow_registry_dispatch(entries.registry, &key, take_the_key_away, &entries));
    CHECK(entries.calls == 2);
    entries.calls = 0;
    CHECK_OK(regrow_registry_unregister(entries.registry, &key, self));
    for (int at = 0; at < 2; at++)
        CHECK_OK(regrow_registry_register(entries.registry, regrow_atom("key"), self, regrow_int(at)));
    /* Those in it go with it: so this thread hears of that, and lives since it traps exits. */
    CHECK_OK(regrow_trap_exit(true, NULL));
    CHECK_OK(regrow_registry_dispatch(entries.registry, &key, end_the_registry, &entries));
    CHECK(entries.calls == 2);
    CHECK_EXIT("killed", entries.registry);
    CHECK_OK(regrow_trap_exit(false, NULL));
}

static regrow_next lose_the_key(regrow_context *context, void *user, const regrow_term *value, regrow_term *next,
                                regrow_term *reply)
{
    entries *entries = user;
    regrow_term key = regrow_atom("key");
    if (entries->depth++ == 0)
        CHECK_OK(regrow_registry_update(entries->registry, &key, lose_the_key, entries, NULL));
    if (entries->calls)
        CHECK_OK(regrow_registry_unregister(entries->registry, &key, self));
    *next = regrow_resource(&count, count_up);
    return REGROW_DONE;
}

static void an_update_turns_on_its_entry(void)
{
    entries entries = { .registry = start_registry(REGROW_UNIQUE) };
    regrow_term key = regrow_atom("key");
    atomic_store(&count, 0);
    CHECK_OK(regrow_registry_register(entries.registry, regrow_atom("key"), self, regrow_int(0)));
    /* An update within an update: the outer one comes last. */
    CHECK_OK(regrow_registry_update(entries.registry, &key, lose_the_key, &entries, NULL));
    CHECK(entries.depth == 2);
    EVENTUALLY(count == 1);
    entries.calls = 1;
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_registry_update(entries.registry, &key, lose_the_key, &entries, NULL));
    EVENTUALLY(count == 3);
    kill_and_wait(entries.registry);
}

static void shut_down(void *user, regrow_pid pid, const regrow_term *value)
{
    regrow_pid *there = user;
    CHECK_OK(regrow_shutdown(*there, LONG_MS, NULL));
    CHECK_ERROR(REGROW_ERR_NOT_ALIVE, regrow_settle(*there, 0, NULL));
}

static void a_dispatch_of_a_thread_may_stop_the_runtime(void)
{
    regrow_options options = { .size = sizeof options, .log_level = REGROW_LOG_SILENT, .workers = 1 };
    regrow_registry_spec spec = { .size = sizeof spec };
    regrow_server_spec server = { .size = sizeof server };
    regrow_child_spec how = child(REGROW_REGISTRY, &spec), member = child(REGROW_SERVER, &server);
    regrow_term key = regrow_atom("key");
    regrow_pid there, registry;
    CHECK_OK(regrow_init(&options, &there));
    CHECK_OK(regrow_start(there, &how, &registry));
    regrow_address via = { .size = sizeof via, .registry = registry, .key = &key };
    member.via = &via;
    CHECK_OK(regrow_start(there, &member, NULL));
    CHECK_OK(regrow_registry_dispatch(registry, &key, shut_down, &there));
    CHECK_ERROR(REGROW_ERR_NO_PROCESS, regrow_registry_dispatch(registry, &key, shut_down, &there));
}

/* ---- servers ---- */

static regrow_error show_and_try(void *state, regrow_term *shown)
{
    regrow_pid me;
    CHECK_OK(regrow_self(&me));
    CHECK_ERROR(REGROW_ERR_SELF_CALL, regrow_get_state(me, LONG_MS, shown));
    CHECK_ERROR(REGROW_ERR_SELF_CALL, regrow_get_status(me, LONG_MS, shown));
    check_runtime_is_refused();
    CHECK_OK(regrow_call(other, regrow_nil(), LONG_MS, NULL));
    *shown = regrow_atom("shown");
    return REGROW_OK;
}

static regrow_next turn_on_the_server(regrow_context *context, void *state, const regrow_term *request)
{
    regrow_pid me;
    regrow_term shown;
    CHECK_OK(regrow_self(&me));
    CHECK_ERROR(REGROW_ERR_SELF_CALL, regrow_call(me, regrow_nil(), LONG_MS, NULL));
    CHECK_ERROR(REGROW_ERR_SELF_CALL, regrow_stop(me, regrow_nil(), LONG_MS));
    CHECK_ERROR(REGROW_ERR_SELF_CALL, regrow_suspend(me, LONG_MS));
    CHECK_ERROR(REGROW_ERR_SELF_CALL, regrow_resume(me, LONG_MS));
    CHECK_ERROR(REGROW_ERR_SELF_CALL, regrow_trace(me, true, LONG_MS));
    CHECK_ERROR(REGROW_ERR_SELF_CALL, regrow_get_state(me, LONG_MS, &shown));
    CHECK_ERROR(REGROW_ERR_SELF_CALL, regrow_get_status(me, LONG_MS, &shown));
    check_runtime_is_refused();
    if (!regrow_is_atom(request, "die"))
        return regrow_reply(context, regrow_atom("well"));
    regrow_caller caller;
    CHECK_OK(regrow_exit(me, regrow_atom("kill")));
    CHECK_ERROR(REGROW_ERR_KILLED, regrow_defer(context, &caller));
    CHECK_ERROR(REGROW_ERR_KILLED, regrow_call(me, regrow_nil(), LONG_MS, NULL));
    CHECK_ERROR(REGROW_ERR_KILLED, regrow_sleep(LONG_MS));
    return regrow_reply(context, regrow_atom("never"));
}

static void end_and_try(regrow_context *context, void *state, const regrow_term *reason)
{
    regrow_pid me;
    CHECK_OK(regrow_self(&me));
    CHECK_ERROR(REGROW_ERR_SELF_CALL, regrow_call(me, regrow_nil(), LONG_MS, NULL));
    CHECK_ERROR(REGROW_ERR_SELF_CALL, regrow_stop(me, regrow_nil(), LONG_MS));
    check_runtime_is_refused();
    CHECK(regrow_stop_self(context, regrow_atom("again")) != 0);
    CHECK_OK(regrow_exit(me, regrow_atom("kill")));
}

static void a_callback_turns_on_its_server(void)
{
    regrow_server_spec spec = { .size = sizeof spec, .handle_call = turn_on_the_server, .get_state = show_and_try,
                                .terminate = end_and_try, .drop_user = drop_and_try };
    regrow_pid pid = start_server(&spec);
    regrow_term answer;
    CHECK_OK(regrow_call(pid, regrow_nil(), LONG_MS, &answer));
    CHECK_TERM("well", &answer);
    CHECK_OK(regrow_get_state(pid, LONG_MS, &answer));
    CHECK_TERM("shown", &answer);
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_call(pid, regrow_atom("die"), LONG_MS, NULL));
    CHECK_LAST_REASON("killed");
    check_dropped(1);
    pid = start_server(&spec);
    /* A kill in terminate wins, as in OTP. */
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_stop(pid, regrow_atom("normal"), LONG_MS));
    CHECK_LAST_REASON("killed");
    check_dropped(1);
}

static regrow_next start_a_sibling(regrow_context *context, void *user, const regrow_term *arg, void **state)
{
    regrow_server_spec spec = { .size = sizeof spec };
    regrow_child_spec how = child(REGROW_SERVER, &spec);
    regrow_term children, text = regrow_text("first");
    regrow_pid supervisor = *(regrow_pid *)user, me;
    how.id = "sibling";
    CHECK_OK(regrow_self(&me));
    CHECK_ERROR(REGROW_ERR_WOULD_DEADLOCK, regrow_supervisor_start_child(supervisor, &how, NULL));
    CHECK_ERROR(REGROW_ERR_WOULD_DEADLOCK, regrow_supervisor_which_children(supervisor, &children));
    CHECK_ERROR(REGROW_ERR_WOULD_DEADLOCK, regrow_supervisor_terminate_child(supervisor, &text));
    check_runtime_is_refused();
    regrow_term_free(&text);
    return REGROW_READY;
}

static void an_init_turns_on_its_supervisor(void)
{
    regrow_pid supervisor;
    regrow_server_spec server = { .size = sizeof server, .init = start_a_sibling, .user = &supervisor };
    regrow_supervisor_spec spec = { .size = sizeof spec };
    regrow_child_spec how = child(REGROW_SUPERVISOR, &spec), first = child(REGROW_SERVER, &server);
    CHECK_OK(regrow_start(root, &how, &supervisor));
    first.id = "first";
    CHECK_OK(regrow_supervisor_start_child(supervisor, &first, NULL));
    kill_and_wait(supervisor);
}

/* ---- hosts ---- */

static void deliver_and_try(void *user, regrow_pid pid, const regrow_term *message, regrow_caller caller)
{
    CHECK_ERROR(REGROW_ERR_SELF_CALL, regrow_call(pid, regrow_nil(), LONG_MS, NULL));
    CHECK_ERROR(REGROW_ERR_SELF_CALL, regrow_stop(pid, regrow_nil(), LONG_MS));
    check_runtime_is_refused();
    if (regrow_is_atom(message, "answer")) {
        CHECK_OK(regrow_answer(caller, regrow_atom("at_once")));
        CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_answer(caller, regrow_atom("again")));
        return;
    }
    CHECK_OK(regrow_host_exit(pid, regrow_atom("gone")));
    CHECK_ERROR(REGROW_ERR_KILLED, regrow_host_exit(pid, regrow_atom("gone")));
    CHECK_ERROR(REGROW_ERR_KILLED, regrow_call(other, regrow_nil(), LONG_MS, NULL));
}

static void exit_and_try(void *user, regrow_pid pid, const regrow_term *reason)
{
    check_no_wait();
    CHECK_ERROR(REGROW_ERR_NO_PROCESS, regrow_host_exit(pid, regrow_nil()));
    atomic_fetch_add(&count, 1);
}

static void a_host_turns_on_itself(void)
{
    regrow_host_spec spec = { .size = sizeof spec, .deliver = deliver_and_try, .exit = exit_and_try,
                              .drop_user = drop_and_try };
    regrow_child_spec how = child(REGROW_HOST, &spec);
    regrow_pid pid;
    regrow_term answer;
    atomic_store(&count, 0);
    CHECK_OK(regrow_start(root, &how, &pid));
    CHECK_OK(regrow_call(pid, regrow_atom("answer"), LONG_MS, &answer));
    CHECK_TERM("at_once", &answer);
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_call(pid, regrow_atom("end"), LONG_MS, NULL));
    CHECK_LAST_REASON("gone");
    check_dropped(1);
    CHECK(count == 1);
}

/* ---- what is told, dropped, logged and looked at ---- */

static void told_and_try(void *user, regrow_error error, const regrow_term *result)
{
    regrow_request *pending;
    check_no_wait();
    if (atomic_fetch_add(&count, 1) < 3) {
        CHECK_OK(regrow_call_async(other, regrow_nil(), REGROW_INFINITY, &pending));
        CHECK_OK(regrow_on_reply(pending, told_and_try, NULL, drop_and_try));
    }
}

static void who_is_told_of_an_answer_asks_again(void)
{
    regrow_request *pending;
    atomic_store(&count, 0);
    CHECK_OK(regrow_call_async(other, regrow_nil(), REGROW_INFINITY, &pending));
    CHECK_OK(regrow_on_reply(pending, told_and_try, NULL, drop_and_try));
    check_dropped(4);
    /* At once, on this thread: the outcome is known. */
    CHECK_OK(regrow_call_async(other, regrow_nil(), REGROW_INFINITY, &pending));
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    CHECK_OK(regrow_on_reply(pending, told_and_try, NULL, drop_and_try));
    check_dropped(1);
    CHECK_OK(regrow_call(other, regrow_nil(), LONG_MS, NULL));
}

static regrow_next leave_a_message(regrow_context *context, void *user)
{
    regrow_pid me;
    CHECK_OK(regrow_self(&me));
    CHECK_OK(regrow_send(me, regrow_resource(user, drop_and_try)));
    return REGROW_DONE;
}

static void message_and_try(void *user)
{
    regrow_pid dying = *(regrow_pid *)user;
    CHECK(!regrow_is_alive(dying));
    CHECK_OK(regrow_send(dying, regrow_resource(NULL, NULL)));
    CHECK_ERROR(REGROW_ERR_NO_PROCESS, regrow_call(dying, regrow_nil(), LONG_MS, NULL));
    atomic_fetch_add(&drops, 1);
}

static regrow_next kill_it(regrow_context *context, void *server)
{
    CHECK_OK(regrow_exit(*(regrow_pid *)server, regrow_atom("kill")));
    return REGROW_DONE;
}

static regrow_next end_over_it(regrow_context *context, void *state, const regrow_term *message)
{
    return regrow_stop_self(context, regrow_atom("normal"));
}

static void what_is_dropped_with_a_process_may_do_all_but_wait(void)
{
    regrow_ref monitor;
    spawn_monitor(leave_a_message, NULL, &monitor);
    CHECK_DOWN("normal", monitor);
    check_dropped(1);
    /* Held by a suspended server, and dropped by whoever kills it: not as that one. */
    static regrow_pid server;
    regrow_server_spec spec = { .size = sizeof spec };
    server = start_server(&spec);
    CHECK_OK(regrow_suspend(server, LONG_MS));
    CHECK_OK(regrow_send(server, regrow_resource(&server, message_and_try)));
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    kill_and_wait(server);
    check_dropped(1);
    server = start_server(&spec);
    CHECK_OK(regrow_suspend(server, LONG_MS));
    CHECK_OK(regrow_send(server, regrow_resource(NULL, drop_and_try)));
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    regrow_pid killer = spawn_monitor(kill_it, &server, &monitor);
    CHECK_DOWN("normal", monitor);
    CHECK(!regrow_is_alive(killer));
    check_dropped(1);
    /* The last message of a server, which ends over it. */
    regrow_server_spec ends = { .size = sizeof ends, .handle_info = end_over_it };
    server = start_server(&ends);
    CHECK_OK(regrow_monitor(server, &monitor));
    CHECK_OK(regrow_send(server, regrow_resource(NULL, drop_and_try)));
    CHECK_DOWN("normal", monitor);
    check_dropped(1);
}

/* Frees what nobody who is inside the library looks at any more: many processes, and some tables. */
static void end_many(void *user, regrow_pid pid, const regrow_term *value)
{
    regrow_server_spec spec = { .size = sizeof spec };
    regrow_child_spec how = child(REGROW_SERVER, &spec);
    for (int i = 0; i < 3000; i++) {
        regrow_pid server;
        CHECK_OK(regrow_start(root, &how, &server));
        CHECK_OK(regrow_exit(server, regrow_atom("kill")));
    }
    for (int i = 0; i < 100; i++) {
        regrow_table_spec some = { .size = sizeof some };
        regrow_table table;
        CHECK_OK(regrow_table_new(&some, &table));
        CHECK_OK(regrow_table_delete(table));
    }
    atomic_fetch_add(&drops, 1);
}

static void drop_and_dispatch(void *user)
{
    regrow_term key = regrow_atom("key");
    CHECK_OK(regrow_registry_dispatch(*(regrow_pid *)user, &key, end_many, NULL));
}

/* Its rows go while the table is on its way; and they have functions of the user's called, which free what they can. */
static void what_is_dropped_with_a_table_may_free_all_else(void)
{
    static regrow_pid registry;
    registry = start_registry(REGROW_DUPLICATE);
    CHECK_OK(regrow_registry_register(registry, regrow_atom("key"), self, regrow_nil()));
    uint32_t kinds[] = { REGROW_SET, REGROW_ORDERED_SET };
    for (int i = 0; i < 2; i++) {
        regrow_table_spec spec = { .size = sizeof spec, .kind = kinds[i] };
        regrow_table table;
        CHECK_OK(regrow_table_new(&spec, &table));
        regrow_term parts[] = { regrow_int(1), regrow_resource(&registry, drop_and_dispatch) };
        CHECK_OK(regrow_table_insert(table, regrow_tuple(parts, 2)));
        CHECK_OK(regrow_table_delete(table));
        check_dropped(1);
        CHECK_ERROR(REGROW_ERR_NO_TABLE, regrow_table_delete(table));
    }
    CHECK_OK(regrow_stop(registry, regrow_atom("normal"), LONG_MS));
}

static bool match_and_try(void *user, const regrow_term *message)
{
    regrow_term found;
    check_runtime_is_refused();
    CHECK_ERROR(REGROW_ERR_WOULD_BLOCK, regrow_call(other, regrow_nil(), LONG_MS, NULL));
    CHECK_ERROR(REGROW_ERR_WOULD_BLOCK, regrow_sleep(1));
    CHECK_ERROR(REGROW_ERR_CONTEXT, regrow_receive(0, &found));
    CHECK_ERROR(REGROW_ERR_CONTEXT, regrow_receive_match(match_and_try, NULL, 0, &found));
    CHECK_ERROR(REGROW_ERR_CONTEXT, regrow_flush(NULL));
    return regrow_is_atom(message, "second");
}

static regrow_next look_and_try(regrow_context *context, void *user)
{
    regrow_term found;
    CHECK_OK(regrow_receive_match(match_and_try, NULL, LONG_MS, &found));
    CHECK_TERM("second", &found);
    CHECK_OK(regrow_receive(0, &found));
    CHECK_TERM("first", &found);
    return REGROW_DONE;
}

static bool match_and_end(void *user, const regrow_term *message)
{
    CHECK_OK(regrow_exit(*(regrow_pid *)user, regrow_atom("kill")));
    return true;
}

static regrow_next look_and_end(regrow_context *context, void *user)
{
    regrow_term found;
    regrow_pid me;
    CHECK_OK(regrow_self(&me));
    CHECK_ERROR(REGROW_ERR_KILLED, regrow_receive_match(match_and_end, &me, LONG_MS, &found));
    return REGROW_DONE;
}

static void who_looks_at_messages_does_nothing_else(void)
{
    regrow_ref monitor;
    regrow_pid pid = spawn_monitor(look_and_try, NULL, &monitor);
    CHECK_OK(regrow_send(pid, regrow_atom("first")));
    CHECK_OK(regrow_send(pid, regrow_atom("second")));
    CHECK_DOWN("normal", monitor);
    pid = spawn_monitor(look_and_end, NULL, &monitor);
    CHECK_OK(regrow_send(pid, regrow_resource(&count, count_up)));
    CHECK_DOWN("killed", monitor);
    /* On an entered thread too. */
    regrow_term found;
    CHECK_OK(regrow_send(self, regrow_atom("second")));
    CHECK_OK(regrow_receive_match(match_and_try, NULL, 0, &found));
    regrow_term_free(&found);
}

static void log_and_try(void *user, uint32_t level, const char *text, const regrow_term *report)
{
    regrow_pid there = *(regrow_pid *)user;
    if (atomic_fetch_add(&count, 1))
        return;
    CHECK_ERROR(REGROW_ERR_WOULD_DEADLOCK, regrow_shutdown(there, LONG_MS, NULL));
    check_no_wait();
}

static regrow_next crash(regrow_context *context, void *state, const regrow_term *message)
{
    return regrow_stop_self(context, regrow_atom("broken"));
}

static void the_log_may_not_wait_for_what_it_tells_of(void)
{
    static regrow_pid there;
    regrow_options options = { .size = sizeof options, .log = log_and_try, .log_user = &there };
    regrow_server_spec spec = { .size = sizeof spec, .handle_info = crash };
    regrow_child_spec how = child(REGROW_SERVER, &spec);
    regrow_pid pid;
    atomic_store(&count, 0);
    CHECK_OK(regrow_init(&options, &there));
    CHECK_OK(regrow_start(there, &how, &pid));
    CHECK_OK(regrow_send(pid, regrow_nil()));
    EVENTUALLY(!regrow_is_alive(pid));
    CHECK(count >= 1); /* its supervisor tells of the end, too, a moment later */
    CHECK_OK(regrow_shutdown(there, LONG_MS, NULL));
}

int main(void)
{
    open_runtime((regrow_options){ .workers = 2 });
    regrow_server_spec spec = { .size = sizeof spec, .handle_call = answer_nil };
    other = start_server(&spec);
    RUN(a_function_turns_on_its_agent);
    RUN(a_dispatch_turns_on_its_registry);
    RUN(an_update_turns_on_its_entry);
    RUN(a_dispatch_of_a_thread_may_stop_the_runtime);
    RUN(a_callback_turns_on_its_server);
    RUN(an_init_turns_on_its_supervisor);
    RUN(a_host_turns_on_itself);
    RUN(who_is_told_of_an_answer_asks_again);
    RUN(what_is_dropped_with_a_process_may_do_all_but_wait);
    RUN(what_is_dropped_with_a_table_may_free_all_else);
    RUN(who_looks_at_messages_does_nothing_else);
    RUN(the_log_may_not_wait_for_what_it_tells_of);
    close_runtime();
    return 0;
}
