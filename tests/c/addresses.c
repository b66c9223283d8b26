/* Addresses: the same by name and by key, nobody there, and waiting for somebody through a restart. */
#include "tree.h"

static regrow_pid registry;
static regrow_term key;

static regrow_address by_name(const char *name)
{
    return (regrow_address){ .size = sizeof(regrow_address), .runtime = root, .name = name };
}

static regrow_address by_key(void)
{
    return (regrow_address){ .size = sizeof(regrow_address), .registry = registry, .key = &key };
}

static void start_registry(void)
{
    regrow_registry_spec spec = { .size = sizeof spec };
    regrow_child_spec child = { .size = sizeof child, .kind = REGROW_REGISTRY, .spec = &spec, .name = "registry" };
    CHECK_OK(regrow_start(root, &child, &registry));
    key = ATOM("key");
}

static regrow_pid start_actor(actor *actor, const char *name)
{
    regrow_server_spec server = actor_spec(actor);
    regrow_address via = by_key();
    regrow_child_spec child = server_child(1, &server);
    regrow_pid pid;
    if (name)
        child.name = name;
    else
        child.via = &via;
    CHECK_OK(regrow_start(root, &child, &pid));
    return pid;
}

static void every_twin_reaches_whom_the_name_or_the_key_leads_to(void)
{
    start_registry();
    for (int at = 0; at < 2; at++) {
        actor actor = { .number = 3, .silent = true };
        regrow_pid pid = start_actor(&actor, at ? NULL : "name"), found;
        regrow_address address = at ? by_key() : by_name("name");
        regrow_request *pending;
        regrow_term reply;
        regrow_ref ref;
        CHECK_OK(regrow_whereis_at(&address, &found));
        CHECK(found.id == pid.id);
        CHECK_OK(regrow_call_at(&address, ATOM("hello"), LIMIT_MS, &reply));
        check_given(__FILE__, __LINE__, reply, "{3,hello}");
        CHECK_OK(regrow_call_async_at(&address, ATOM("hello"), LIMIT_MS, &pending));
        CHECK_OK(regrow_request_wait(pending, LIMIT_MS, &reply));
        regrow_request_free(pending);
        check_given(__FILE__, __LINE__, reply, "{3,hello}");
        CHECK_OK(regrow_monitor_at(&address, &ref));
        CHECK_OK(regrow_stop_at(&address, ATOM("enough"), LIMIT_MS));
        CHECK(!regrow_is_alive(pid));
        /* The DOWN names the name or the key. */
        regrow_term down = receive(), name = regrow_text("name");
        CHECK(regrow_is_atom(regrow_tuple_get(&down, 0), "DOWN"));
        CHECK(names_ref(&ref, &down));
        CHECK(regrow_is_atom(regrow_tuple_get(&down, 2), "process"));
        CHECK(regrow_term_equal(regrow_tuple_get(&down, 3), at ? &key : &name));
        CHECK(regrow_is_atom(regrow_tuple_get(&down, 4), "enough"));
        regrow_term_free(&down);

        pid = start_actor(&actor, at ? NULL : "name");
        ref = monitor(pid);
        CHECK_OK(regrow_cast_at(&address, TUPLE(ATOM("stop"), ATOM("cast"))));
        CHECK_DOWN(ref, "cast");
        pid = start_actor(&actor, at ? NULL : "name");
        ref = monitor(pid);
        CHECK_OK(regrow_send_at(&address, TUPLE(ATOM("stop"), ATOM("sent"))));
        CHECK_DOWN(ref, "sent");
    }
}

static void nobody_there_is_told_at_once(void)
{
    start_registry();
    for (int at = 0; at < 2; at++) {
        regrow_address address = at ? by_key() : by_name("nobody");
        regrow_request *pending;
        regrow_term reply;
        regrow_pid pid;
        regrow_ref ref;
        CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_whereis_at(&address, &pid));
        CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_call_at(&address, ATOM("hello"), LIMIT_MS, &reply));
        CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_call_async_at(&address, ATOM("hello"), LIMIT_MS, &pending));
        CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_cast_at(&address, ATOM("hello")));
        CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_send_at(&address, ATOM("hello")));
        CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_stop_at(&address, ATOM("normal"), LIMIT_MS));
        CHECK_OK(regrow_monitor_at(&address, &ref));
        CHECK_DOWN(ref, "noproc");
    }
}

static void an_address_must_say_one_thing(void)
{
    start_registry();
    regrow_pid pid;
    regrow_address address = by_name("name");
    address.registry = registry;
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_whereis_at(&address, &pid));
    address = by_key();
    address.key = NULL;
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_whereis_at(&address, &pid));
    address = by_key();
    address.registry_name = "registry";
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_whereis_at(&address, &pid));
    address = by_name("name");
    address.reserved = 1;
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_whereis_at(&address, &pid));
    address = by_name(NULL);
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_whereis_at(&address, &pid));
    address = by_name("name");
    address.size = 0;
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_whereis_at(&address, &pid));
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_whereis_at(NULL, &pid));
    /* Of another kind, and by the registry's name. */
    actor actor = { .number = 1, .silent = true };
    address = by_key();
    address.registry = start_actor(&actor, "name");
    CHECK_ERROR(REGROW_ERR_WRONG_KIND, regrow_whereis_at(&address, &pid));
    start_actor(&actor, NULL);
    address = by_key();
    address.registry = (regrow_pid){ 0 };
    address.registry_name = "registry";
    CHECK_OK(regrow_whereis_at(&address, &pid));
}

static void *look_without_identity(void *argument)
{
    regrow_address address = by_name("name");
    regrow_pid pid;
    CHECK_OK(regrow_whereis_at(&address, &pid));
    address.runtime = (regrow_pid){ 0 };
    CHECK_ERROR(REGROW_ERR_CONTEXT, regrow_whereis_at(&address, &pid));
    return NULL;
}

static void without_a_runtime_it_is_the_callers_own(void)
{
    actor actor = { .number = 1, .silent = true };
    regrow_pid pid = start_actor(&actor, "name"), found;
    regrow_address address = by_name("name");
    address.runtime = (regrow_pid){ 0 };
    CHECK_OK(regrow_whereis_at(&address, &found));
    CHECK(found.id == pid.id);
    join_thread(start_thread(look_without_identity, NULL));
}

/* ---- waiting ---- */

typedef struct waiter {
    regrow_address address;
    regrow_error error;
    char reply[64];
} waiter;

static regrow_next wait_and_call(regrow_context *context, void *user)
{
    waiter *waiter = user;
    regrow_term reply;
    waiter->error = regrow_call_at(&waiter->address, ATOM("hello"), LIMIT_MS, &reply);
    if (waiter->error == REGROW_OK) {
        regrow_term_print(&reply, waiter->reply, sizeof waiter->reply);
        regrow_term_free(&reply);
    }
    return REGROW_DONE;
}

static regrow_pid start_waiter(waiter *waiter, regrow_ref *done)
{
    regrow_process_spec process = { .size = sizeof process, .body = wait_and_call, .user = waiter };
    regrow_pid pid;
    CHECK_OK(regrow_spawn_monitor(&process, &pid, done));
    settle();
    return pid;
}

static void a_wait_ends_as_soon_as_somebody_is_there(void)
{
    start_registry();
    for (int at = 0; at < 2; at++) {
        actor actor = { .number = 4, .silent = true };
        waiter waiters[3];
        regrow_ref done[3];
        regrow_settled settled = { .size = sizeof settled };
        for (int number = 0; number < 3; number++) {
            waiters[number] = (waiter){ .address = at ? by_key() : by_name("name") };
            waiters[number].address.wait_ms = number ? 1000 : REGROW_INFINITY;
            start_waiter(&waiters[number], &done[number]);
        }
        CHECK_OK(regrow_settle(root, LIMIT_MS, &settled));
        CHECK(settled.state == REGROW_WAITING && settled.kind == REGROW_TIMER_SLEEP);
        CHECK_OK(regrow_advance(root, 999));
        start_actor(&actor, at ? NULL : "name");
        for (int number = 0; number < 3; number++) {
            CHECK_DOWN(done[number], "normal");
            CHECK(waiters[number].error == REGROW_OK && strcmp(waiters[number].reply, "{4,hello}") == 0);
        }
        CHECK_OK(regrow_settle(root, LIMIT_MS, &settled));
        CHECK(settled.state == REGROW_QUIET);
    }
}

/* ---- the order ---- */

enum { WAITERS = 60 };

static int answered[WAITERS + 1], answers;

/* A call says who asks. */
static regrow_next note_who_asks(regrow_context *context, void *state, const regrow_term *request)
{
    int64_t number;
    CHECK(answers < WAITERS && regrow_as_int(request, &number));
    answered[answers++] = (int)number;
    return regrow_reply(context, ATOM("ok"));
}

static regrow_next note_who_tells(regrow_context *context, void *state, const regrow_term *message)
{
    int64_t number;
    CHECK(answers < WAITERS && regrow_as_int(message, &number));
    answered[answers++] = (int)number;
    return REGROW_NOREPLY;
}

typedef struct asker {
    regrow_address address;
    int number;
} asker;

static void ask_or_tell(asker *asker)
{
    regrow_request *pending;
    regrow_term number = regrow_int(asker->number);
    switch (asker->number % 4) {
    case 0:
        CHECK_OK(regrow_call_at(&asker->address, number, LIMIT_MS, NULL));
        break;
    case 1:
        CHECK_OK(regrow_cast_at(&asker->address, number));
        break;
    case 2:
        CHECK_OK(regrow_send_at(&asker->address, number));
        break;
    default:
        CHECK_OK(regrow_call_async_at(&asker->address, number, LIMIT_MS, &pending));
        CHECK_OK(regrow_request_wait(pending, LIMIT_MS, NULL));
        regrow_request_free(pending);
    }
}

static regrow_next ask_in_a_process(regrow_context *context, void *user)
{
    ask_or_tell(user);
    return REGROW_DONE;
}

static void whoever_waited_longest_is_heard_first(void)
{
    static asker askers[WAITERS];
    start_registry();
    for (int round = 0; round < 10 * 3; round++) {
        regrow_address key_by_name = by_key();
        key_by_name.registry = (regrow_pid){ 0 };
        key_by_name.runtime = root;
        key_by_name.registry_name = "registry";
        regrow_address address = round % 3 == 0 ? by_name("name") : round % 3 == 1 ? by_key() : key_by_name;
        regrow_ref done[WAITERS];
        answers = 0;
        address.wait_ms = LIMIT_MS;
        for (int number = 0; number < WAITERS; number++) {
            askers[number] = (asker){ .address = address, .number = number };
            regrow_process_spec process = { .size = sizeof process, .body = ask_in_a_process, .user = &askers[number] };
            CHECK_OK(regrow_spawn_monitor(&process, NULL, &done[number]));
            settle();
        }
        regrow_server_spec server = { .size = sizeof server, .handle_call = note_who_asks, .handle_cast = note_who_tells,
                                      .handle_info = note_who_tells, .flags = round % 2 ? REGROW_INLINE : 0 };
        regrow_child_spec child = server_child(1, &server);
        regrow_pid pid;
        if (round % 3 == 0)
            child.name = "name";
        else
            child.via = &address;
        CHECK_OK(regrow_start(root, &child, &pid));
        for (int number = 0; number < WAITERS; number++)
            CHECK_DOWN(done[number], "normal");
        CHECK_OK(regrow_stop(pid, ATOM("normal"), LIMIT_MS));
        CHECK(answers == WAITERS);
        for (int number = 0; number < WAITERS; number++)
            CHECK(answered[number] == number);
    }
}

static void a_key_is_waited_for_in_a_registry_that_is_not_there_yet(void)
{
    actor actor = { .number = 4, .silent = true };
    regrow_term any = ATOM("key");
    waiter waiter = { .address = { .size = sizeof(regrow_address), .runtime = root, .registry_name = "registry",
                                   .key = &any, .wait_ms = REGROW_INFINITY } };
    regrow_ref done;
    start_waiter(&waiter, &done);
    start_registry();
    settle();
    CHECK_NO_MESSAGE();
    /* And in another, after that one. */
    CHECK_OK(regrow_stop(registry, ATOM("normal"), LIMIT_MS));
    regrow_term_free(&key);
    start_registry();
    start_actor(&actor, NULL);
    CHECK_DOWN(done, "normal");
    CHECK(waiter.error == REGROW_OK && strcmp(waiter.reply, "{4,hello}") == 0);
}

static bool is_go(void *user, const regrow_term *message)
{
    return regrow_is_atom(message, "go");
}

static bool is_asked(void *user, const regrow_term *message)
{
    return regrow_is_atom(message, "asked");
}

static regrow_next answer_when_told(regrow_context *context, void *state, const regrow_term *request)
{
    regrow_term go;
    CHECK_OK(regrow_send(self, ATOM("asked")));
    CHECK_OK(regrow_receive_match(is_go, NULL, LIMIT_MS, &go));
    return regrow_reply(context, TUPLE(regrow_int(1), ATOM("hello")));
}

static void who_waits_is_not_held_up_by_one_that_asks_for_long(void)
{
    waiter first = { .address = by_name("name") }, second = { .address = by_name("name") };
    regrow_ref first_done, second_done;
    regrow_pid pid;
    regrow_server_spec server = { .size = sizeof server, .handle_call = answer_when_told, .flags = REGROW_INLINE };
    regrow_term info, length = ATOM("message_queue_len");
    int64_t waiting = 0;
    regrow_child_spec child = server_child(1, &server);
    first.address.wait_ms = second.address.wait_ms = REGROW_INFINITY;
    start_waiter(&first, &first_done);
    start_waiter(&second, &second_done);
    child.name = "name";
    CHECK_OK(regrow_start(root, &child, &pid));
    /* Both calls are there, though none is answered. */
    CHECK_RECEIVED("asked");
    settle();
    CHECK_OK(regrow_info(pid, &info));
    CHECK(regrow_as_int(regrow_map_get(&info, &length), &waiting) && waiting == 1);
    regrow_term_free(&info);
    CHECK_OK(regrow_send(pid, ATOM("go")));
    CHECK_OK(regrow_receive_match(is_asked, NULL, LIMIT_MS, &info));
    CHECK_OK(regrow_send(pid, ATOM("go")));
    CHECK_DOWN(first_done, "normal");
    CHECK_DOWN(second_done, "normal");
    CHECK(first.error == REGROW_OK && second.error == REGROW_OK);
}

static void a_wait_runs_out_and_a_waiter_may_die(void)
{
    waiter late = { .address = by_name("nobody") }, killed = { .address = by_name("nobody"), .error = -1 };
    regrow_ref late_done, killed_done;
    late.address.wait_ms = 50;
    killed.address.wait_ms = REGROW_INFINITY;
    start_waiter(&late, &late_done);
    regrow_pid victim = start_waiter(&killed, &killed_done);
    CHECK_OK(regrow_exit(victim, ATOM("kill")));
    CHECK_DOWN(killed_done, "killed");
    wait_for_ghosts();
    CHECK(killed.error == REGROW_ERR_KILLED);
    CHECK_OK(regrow_advance(root, 49));
    CHECK_NO_MESSAGE();
    CHECK_OK(regrow_advance(root, 1));
    CHECK_DOWN(late_done, "normal");
    CHECK(late.error == REGROW_ERR_NOT_FOUND);
}

static void every_twin_waits(void)
{
    actor actor = { .number = 1, .silent = true };
    regrow_address address = by_name("name");
    regrow_pid pid;
    /* Nobody comes, and time stands still on this clock: 0 does not wait. */
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_cast_at(&address, ATOM("hello")));
    start_actor(&actor, "name");
    address.wait_ms = REGROW_INFINITY;
    CHECK_OK(regrow_whereis_at(&address, &pid));
    CHECK_OK(regrow_cast_at(&address, ATOM("hello")));
    CHECK_OK(regrow_send_at(&address, ATOM("hello")));
    CHECK_OK(regrow_call_at(&address, ATOM("hello"), LIMIT_MS, NULL));
    CHECK_OK(regrow_stop_at(&address, ATOM("normal"), LIMIT_MS));
}

/* From the second start on: fails once, and then comes up when told. */
static regrow_next come_up_slowly(regrow_context *context, actor *actor)
{
    regrow_term go;
    if (actor->starts == 2)
        return regrow_stop_self(context, ATOM("nope"));
    if (actor->starts > 2)
        CHECK_OK(regrow_receive_match(is_go, NULL, REGROW_INFINITY, &go));
    return REGROW_READY;
}

static void a_call_outlasts_a_restart(void)
{
    tree tree;
    waiter waiter = { .address = by_name("name") };
    regrow_ref done;
    regrow_pid pid;
    plant(&tree, 1, REGROW_ONE_FOR_ONE);
    tree.actors[1].on_init = come_up_slowly;
    tree.actors[1].silent = true;
    tree.children[0].name = "name";
    start_tree(&tree);
    regrow_pid before = child_pid(tree.pid, 1);
    /* The call is queued while the server is suspended, which is killed before it takes it up. */
    CHECK_OK(regrow_suspend(before, LIMIT_MS));
    CHECK_OK(regrow_exit(before, ATOM("kill")));
    waiter.address.wait_ms = REGROW_INFINITY;
    start_waiter(&waiter, &done);
    CHECK_OK(regrow_whereis(root, "name", &pid));
    CHECK(pid.id != before.id);
    CHECK_OK(regrow_send(pid, ATOM("go")));
    CHECK_DOWN(done, "normal");
    CHECK(waiter.error == REGROW_OK && strcmp(waiter.reply, "{1,hello}") == 0);
    stop_tree(&tree);
}

static void calls_through_kills_and_restarts_all_arrive(void)
{
    static tree tree;
    size_t lost = 0;
    plant(&tree, 1, REGROW_ONE_FOR_ONE);
    tree.actors[1].silent = true;
    tree.actors[1].traps = false;
    tree.children[0].name = "name";
    tree.spec.max_restarts = 2000000000;
    start_tree(&tree);
    for (size_t left = rounds(5000); left; left--) {
        regrow_address address = by_name("name");
        regrow_pid pid;
        address.wait_ms = LIMIT_MS;
        CHECK_OK(regrow_whereis_at(&address, &pid));
        kill_and_wait(pid);
        lost += regrow_call_at(&address, ATOM("hello"), LIMIT_MS, NULL) != REGROW_OK;
    }
    CHECK(lost == 0);
    stop_tree(&tree);
}

static regrow_next wait_where_it_may_not(regrow_context *context, void *state, const regrow_term *request)
{
    regrow_address address = by_name("nobody"), own = by_name("name");
    regrow_pid pid;
    address.wait_ms = 10;
    CHECK_ERROR(REGROW_ERR_WOULD_BLOCK, regrow_whereis_at(&address, &pid));
    CHECK_ERROR(REGROW_ERR_SELF_CALL, regrow_call_at(&own, ATOM("hello"), LIMIT_MS, NULL));
    return regrow_reply(context, ATOM("ok"));
}

static void who_may_not_wait_is_told_so(void)
{
    regrow_server_spec server = { .size = sizeof server, .handle_call = wait_where_it_may_not,
                                  .flags = REGROW_NO_PARK };
    regrow_child_spec child = server_child(1, &server);
    regrow_pid pid;
    child.name = "name";
    CHECK_OK(regrow_start(root, &child, &pid));
    CHECK_OK(regrow_call(pid, ATOM("go"), LIMIT_MS, NULL));
}

static void a_timer_to_a_name_finds_who_has_it_then(void)
{
    regrow_address address = by_name("name"), nobody = by_name("nobody");
    regrow_pid me;
    regrow_ref first, second;
    uint64_t left;
    actor actor = { .number = 1, .silent = true };
    CHECK_OK(regrow_self(&me));
    regrow_pid before = start_actor(&actor, "name");
    CHECK_OK(regrow_send_after_at(&address, 100, ATOM("found"), &first));
    CHECK_OK(regrow_send_after_at(&address, 100, ATOM("cancelled"), &second));
    CHECK_OK(regrow_send_after_at(&nobody, 100, regrow_text("a text that nobody will ever get to see"), NULL));
    /* It ends with nobody. */
    CHECK_OK(regrow_stop(before, ATOM("normal"), LIMIT_MS));
    CHECK_OK(regrow_register(me, "name"));
    CHECK_OK(regrow_cancel_timer(root, second, 0, &left));
    CHECK(left == 100);
    CHECK_OK(regrow_advance(root, 99));
    CHECK_NO_MESSAGE();
    CHECK_OK(regrow_advance(root, 1));
    CHECK_RECEIVED("found");
    CHECK_NO_MESSAGE();
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_read_timer(root, first, &left));
    CHECK_OK(regrow_unregister(root, "name"));
}

/* ---- requests that follow ---- */

static regrow_request *ask_at(regrow_address address, uint32_t wait_ms)
{
    regrow_request *pending;
    address.wait_ms = wait_ms;
    CHECK_OK(regrow_call_async_at(&address, ATOM("hello"), LIMIT_MS, &pending));
    return pending;
}

#define CHECK_ANSWER(pending, expected)                                                      \
    do {                                                                                     \
        regrow_term check_reply;                                                             \
        CHECK_OK(regrow_request_wait(pending, LIMIT_MS, &check_reply));                      \
        check_given(__FILE__, __LINE__, check_reply, expected);                              \
        regrow_request_free(pending);                                                        \
    } while (0)

static void check_is_quiet(void)
{
    regrow_settled settled = { .size = sizeof settled };
    CHECK_OK(regrow_settle(root, LIMIT_MS, &settled));
    CHECK(settled.state == REGROW_QUIET);
}

static void a_request_waits_for_somebody_and_holds_nobody_up(void)
{
    start_registry();
    for (int at = 0; at < 2; at++) {
        actor actor = { .number = 4, .silent = true };
        regrow_settled settled = { .size = sizeof settled };
        regrow_address address = at ? by_key() : by_name("name");
        regrow_request *first = ask_at(address, 1000), *second = ask_at(address, REGROW_INFINITY);
        CHECK_OK(regrow_settle(root, LIMIT_MS, &settled));
        CHECK(settled.state == REGROW_WAITING && settled.kind == REGROW_TIMER_SLEEP);
        CHECK_OK(regrow_advance(root, 999));
        CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_request_wait(first, 0, NULL));
        start_actor(&actor, at ? NULL : "name");
        CHECK_ANSWER(first, "{4,hello}");
        CHECK_ANSWER(second, "{4,hello}");
        check_is_quiet();
    }
}

static void a_requests_wait_runs_out(void)
{
    regrow_address address = by_name("name");
    regrow_request *pending = ask_at(address, 50);
    CHECK_OK(regrow_advance(root, 49));
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_request_wait(pending, 0, NULL));
    CHECK_OK(regrow_advance(root, 1));
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_request_wait(pending, LIMIT_MS, NULL));
    regrow_request_free(pending);
    check_is_quiet();
}

static void note_outcome(void *user, regrow_error error, const regrow_term *result)
{
    note("%s:%s", regrow_error_name(error), show(result));
}

static regrow_next stop_at_once(regrow_context *context, actor *actor)
{
    return regrow_stop_self(context, ATOM("nope"));
}

/* From one that was killed to one whose init fails to one that answers; never to one that took it up. */
static void a_request_follows_a_restart_until_somebody_takes_it_up(void)
{
    start_registry();
    for (int at = 0; at < 2; at++) {
        actor first = { .number = 1, .silent = true }, broken = { .number = 2, .silent = true, .on_init = stop_at_once };
        actor last = { .number = 3, .silent = true };
        regrow_address address = at ? by_key() : by_name("name");
        regrow_pid pid = start_actor(&first, at ? NULL : "name"), found;
        CHECK_OK(regrow_suspend(pid, LIMIT_MS));
        regrow_request *pending = ask_at(address, 1000), *told = ask_at(address, REGROW_INFINITY);
        CHECK_OK(regrow_on_reply(told, note_outcome, NULL, NULL));
        kill_and_wait(pid);
        settle();
        CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_request_wait(pending, 0, NULL));
        CHECK_LOG("");
        regrow_server_spec server = actor_spec(&broken);
        regrow_address via = by_key();
        regrow_child_spec child = server_child(2, &server);
        child.name = at ? NULL : "name";
        child.via = at ? &via : NULL;
        CHECK_ERROR(REGROW_ERR_START, regrow_start(root, &child, &found));
        CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_request_wait(pending, 0, NULL));
        pid = start_actor(&last, at ? NULL : "name");
        CHECK_ANSWER(pending, "{3,hello}");
        CHECK_LOG("REGROW_OK:{3,hello}");
        /* Taken up, it ends with whoever did that. */
        address.wait_ms = REGROW_INFINITY;
        CHECK_OK(regrow_call_async_at(&address, TUPLE(ATOM("stop"), ATOM("bored")), LIMIT_MS, &pending));
        CHECK_ERROR(REGROW_ERR_EXITED, regrow_request_wait(pending, LIMIT_MS, NULL));
        CHECK_REASON("bored");
        regrow_request_free(pending);
        check_is_quiet();
    }
}

static void a_request_tells_why_the_last_one_ended_when_nobody_comes(void)
{
    actor actor = { .number = 1, .silent = true };
    regrow_pid pid = start_actor(&actor, "name");
    CHECK_OK(regrow_suspend(pid, LIMIT_MS));
    regrow_request *none = ask_at(by_name("name"), 0), *some = ask_at(by_name("name"), 20);
    kill_and_wait(pid);
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_request_wait(none, LIMIT_MS, NULL));
    CHECK_REASON("killed");
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_request_wait(some, 0, NULL));
    CHECK_OK(regrow_advance(root, 20));
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_request_wait(some, LIMIT_MS, NULL));
    CHECK_REASON("killed");
    regrow_request_free(none);
    regrow_request_free(some);
}

/* The limit of a call begins when somebody has it. */
static void a_request_has_its_limit_from_when_it_is_queued(void)
{
    actor actor = { .number = 1, .silent = true };
    regrow_address address = by_name("name");
    regrow_request *pending;
    address.wait_ms = 1000;
    regrow_pid before = start_actor(&actor, "name");
    CHECK_OK(regrow_suspend(before, LIMIT_MS));
    CHECK_OK(regrow_call_async_at(&address, ATOM("hello"), 20, &pending));
    CHECK_OK(regrow_advance(root, 19));
    kill_and_wait(before);
    settle();
    CHECK_OK(regrow_advance(root, 500));
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_request_wait(pending, 0, NULL));
    CHECK_REASON("timeout");
    start_actor(&actor, "name");
    CHECK_ANSWER(pending, "{1,hello}");
    regrow_pid pid;
    CHECK_OK(regrow_whereis(root, "name", &pid));
    CHECK_OK(regrow_suspend(pid, LIMIT_MS));
    CHECK_OK(regrow_call_async_at(&address, ATOM("hello"), 20, &pending));
    CHECK_OK(regrow_advance(root, 20));
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_request_wait(pending, LIMIT_MS, NULL));
    regrow_request_free(pending);
}

static regrow_next note_call(regrow_context *context, void *state, const regrow_term *request)
{
    note("%s", show(request));
    return regrow_reply(context, regrow_nil());
}

static void a_request_that_is_freed_leaves_nothing(void)
{
    regrow_server_spec server = { .size = sizeof server, .handle_call = note_call };
    regrow_child_spec child = server_child(1, &server);
    regrow_pid pid;
    child.name = "name";
    regrow_request_free(ask_at(by_name("name"), 1000));
    check_is_quiet();
    CHECK_OK(regrow_start(root, &child, &pid));
    CHECK_OK(regrow_suspend(pid, LIMIT_MS));
    regrow_request_free(ask_at(by_name("name"), 1000));
    check_is_quiet();
    kill_and_wait(pid);
    CHECK_OK(regrow_start(root, &child, &pid));
    settle();
    CHECK_LOG("");
}

enum { LONG_LINE = 50000 };

static int next_in_line;

static regrow_next expect_the_next(regrow_context *context, void *state, const regrow_term *request)
{
    int64_t number;
    CHECK(regrow_as_int(request, &number) && number == next_in_line++);
    return regrow_reply(context, regrow_nil());
}

/* One that has asked lets the next one ask: not within its own turn, or the stack would not do. */
static void a_long_line_of_requests_is_served_in_order(void)
{
    static regrow_request *pending[LONG_LINE];
    regrow_address address = by_name("name");
    regrow_server_spec server = { .size = sizeof server, .handle_call = expect_the_next };
    regrow_child_spec child = server_child(1, &server);
    regrow_pid pid;
    child.name = "name";
    address.wait_ms = 1000;
    for (int at = 0; at < LONG_LINE; at++)
        CHECK_OK(regrow_call_async_at(&address, regrow_int(at), LIMIT_MS, &pending[at]));
    /* Those who gave up are passed over. */
    for (int at = LONG_LINE / 2; at < LONG_LINE; at++)
        regrow_request_free(pending[at]);
    CHECK_OK(regrow_start(root, &child, &pid));
    for (int at = 0; at < LONG_LINE / 2; at++) {
        CHECK_OK(regrow_request_wait(pending[at], LIMIT_MS, NULL));
        regrow_request_free(pending[at]);
    }
    CHECK(next_in_line == LONG_LINE / 2);
    kill_and_wait(pid);
    check_is_quiet();
}

static void a_request_ends_with_its_runtime(void)
{
    regrow_options options = { .size = sizeof options, .workers = 1, .log_level = REGROW_LOG_SILENT };
    regrow_pid other;
    regrow_address address = by_name("name");
    CHECK_OK(regrow_init(&options, &other));
    address.runtime = other;
    CHECK_OK(regrow_on_reply(ask_at(address, REGROW_INFINITY), note_outcome, NULL, NULL));
    CHECK_OK(regrow_shutdown(other, LIMIT_MS, NULL));
    CHECK_LOG("REGROW_ERR_NOT_ALIVE:not_alive");
}

static regrow_next hold_the_name(regrow_context *context, void *user)
{
    regrow_term word;
    if (regrow_receive(REGROW_INFINITY, &word) == REGROW_OK)
        regrow_term_free(&word);
    return REGROW_DONE;
}

static void what_is_wrong_with_a_request_is_told_at_once(void)
{
    regrow_process_spec plain = { .size = sizeof plain, .body = hold_the_name };
    regrow_address address = by_name("name");
    regrow_request *pending;
    regrow_pid pid;
    address.wait_ms = 1000;
    CHECK_OK(regrow_spawn(root, &plain, &pid));
    CHECK_OK(regrow_register(pid, "name"));
    CHECK_ERROR(REGROW_ERR_WRONG_KIND, regrow_call_async_at(&address, ATOM("hello"), LIMIT_MS, &pending));
    kill_and_wait(pid);
    pending = ask_at(address, 1000);
    CHECK_OK(regrow_spawn(root, &plain, &pid));
    CHECK_OK(regrow_register(pid, "name"));
    CHECK_ERROR(REGROW_ERR_WRONG_KIND, regrow_request_wait(pending, LIMIT_MS, NULL));
    regrow_request_free(pending);
    kill_and_wait(pid);
}

enum { AT_ONCE = 32 };

static void requests_through_kills_and_restarts_all_arrive(void)
{
    tree tree;
    regrow_address address = by_name("name");
    plant(&tree, 1, REGROW_ONE_FOR_ONE);
    tree.spec.max_restarts = 1000000;
    tree.actors[1].silent = true;
    tree.actors[1].traps = false;
    tree.children[0].name = "name";
    start_tree(&tree);
    for (size_t round = rounds(300); round; round--) {
        regrow_request *pending[AT_ONCE];
        regrow_pid pid;
        unsigned lost = 0;
        for (int at = 0; at < AT_ONCE; at++) {
            pending[at] = ask_at(address, REGROW_INFINITY);
            if (at == AT_ONCE / 2 && regrow_whereis(root, "name", &pid) == REGROW_OK)
                CHECK_OK(regrow_exit(pid, ATOM("kill")));
        }
        for (int at = 0; at < AT_ONCE; at++) {
            /* One at most had been taken up when it was killed. */
            lost += regrow_request_wait(pending[at], LIMIT_MS, NULL) != REGROW_OK;
            regrow_request_free(pending[at]);
        }
        CHECK(lost <= 1);
    }
    stop_tree(&tree);
}

int main(void)
{
    TEST_MANUAL(a_request_waits_for_somebody_and_holds_nobody_up);
    TEST_MANUAL(a_requests_wait_runs_out);
    TEST_MANUAL(a_request_follows_a_restart_until_somebody_takes_it_up);
    TEST_MANUAL(a_request_tells_why_the_last_one_ended_when_nobody_comes);
    TEST_MANUAL(a_request_has_its_limit_from_when_it_is_queued);
    TEST_MANUAL(a_request_that_is_freed_leaves_nothing);
    TEST_MANUAL(a_long_line_of_requests_is_served_in_order);
    TEST_MANUAL(a_request_ends_with_its_runtime);
    TEST_MANUAL(what_is_wrong_with_a_request_is_told_at_once);
    TEST(requests_through_kills_and_restarts_all_arrive);
    TEST(every_twin_reaches_whom_the_name_or_the_key_leads_to);
    TEST(nobody_there_is_told_at_once);
    TEST(an_address_must_say_one_thing);
    TEST(without_a_runtime_it_is_the_callers_own);
    TEST_MANUAL(a_wait_ends_as_soon_as_somebody_is_there);
    TEST(whoever_waited_longest_is_heard_first);
    TEST(a_key_is_waited_for_in_a_registry_that_is_not_there_yet);
    TEST(who_waits_is_not_held_up_by_one_that_asks_for_long);
    TEST_MANUAL(a_wait_runs_out_and_a_waiter_may_die);
    TEST_MANUAL(every_twin_waits);
    TEST_MANUAL(a_timer_to_a_name_finds_who_has_it_then);
    TEST(a_call_outlasts_a_restart);
    TEST(calls_through_kills_and_restarts_all_arrive);
    TEST(who_may_not_wait_is_told_so);
    return 0;
}
