/* Mailboxes with a limit: exactly so many messages, then the policy; signals, timers and what a system asks pass. */
#include "support.h"

enum { LIMIT = 5, WAIT_MS = 20000 };

static atomic_int dropped;

/* Who was killed at a gate is through it: the gate may go. */
static void ghosts_are_gone(void)
{
    EVENTUALLY(stats().ghosts == 0);
}

/* A message that is counted when it is freed: {n, resource}. */
static regrow_term counted(int64_t number)
{
    regrow_term parts[] = { regrow_int(number), regrow_resource(&dropped, count_up) };
    return regrow_tuple(parts, 2);
}

static regrow_process_spec bounded(regrow_body_callback body, void *user, uint32_t limit, uint32_t policy)
{
    regrow_process_spec spec = process(body, user);
    spec.mailbox_limit = limit;
    spec.mailbox_policy = policy;
    spec.mailbox_wait_ms = policy == REGROW_BLOCK ? WAIT_MS : 0;
    return spec;
}

static regrow_pid start(const regrow_process_spec *spec, regrow_ref *monitor)
{
    regrow_pid pid;
    CHECK_OK(regrow_spawn_monitor(spec, &pid, monitor));
    return pid;
}

/* One that stands at its gate, which `user` begins with. */
static regrow_pid start_at_gate(regrow_body_callback body, void *user, uint32_t limit, uint32_t policy,
                                regrow_ref *monitor)
{
    regrow_process_spec spec = bounded(body, user, limit, policy);
    gate_make(user);
    regrow_pid pid = start(&spec, monitor);
    gate_reached(user);
    return pid;
}

/* Stands at the gate, then tells what is in its mailbox: the first parts of all messages, as one list. */
typedef struct teller {
    gate gate;
    regrow_pid to;
} teller;

static regrow_next tell_all(regrow_context *context, void *user)
{
    teller *teller = user;
    regrow_term message, all = regrow_nil();
    CHECK_OK(regrow_trap_exit(true, NULL));
    gate_pass(&teller->gate);
    while (regrow_receive(0, &message) == REGROW_OK) {
        const regrow_term *first = regrow_tuple_get(&message, 0);
        all = regrow_cons(regrow_term_clone(first ? first : &message), all);
        regrow_term_free(&message);
    }
    CHECK_OK(regrow_send(teller->to, all));
    return REGROW_DONE;
}

static regrow_pid start_of(uint32_t kind, const void *spec)
{
    regrow_child_spec how = child(kind, spec);
    regrow_pid pid;
    CHECK_OK(regrow_start(root, &how, &pid));
    return pid;
}

static void with_policy(uint32_t policy, regrow_error after, const char *expected, int drops_before)
{
    teller teller = { .to = self };
    regrow_ref monitor;
    atomic_store(&dropped, 0);
    regrow_pid pid = start_at_gate(tell_all, &teller, LIMIT, policy, &monitor);
    for (int n = 1; n <= LIMIT; n++)
        CHECK_OK(regrow_send(pid, counted(n)));
    CHECK(atomic_load(&dropped) == 0);
    /* A signal that became a message, and a timer, do not count. */
    CHECK_OK(regrow_exit(pid, regrow_atom("boo")));
    CHECK_ERROR(after, regrow_send(pid, counted(6)));
    CHECK_OK(regrow_exit(pid, regrow_atom("boo")));
    CHECK_ERROR(after, regrow_send(pid, counted(7)));
    CHECK(atomic_load(&dropped) == drops_before);
    gate_open(&teller.gate);
    CHECK_MESSAGE(expected);
    CHECK_DOWN("normal", monitor);
    CHECK(atomic_load(&dropped) == LIMIT + 2);
}

static void the_limit_is_exact_and_the_sender_is_told(void)
{
    with_policy(REGROW_REJECT, REGROW_ERR_LIMIT, "['EXIT','EXIT',5,4,3,2,1]", 2);
    CHECK_LAST_REASON("mailbox_full");
}

static void the_oldest_goes_and_order_stays(void)
{
    with_policy(REGROW_DROP_OLDEST, REGROW_OK, "[7,'EXIT',6,'EXIT',5,4,3]", 2);
}

static void the_newest_goes(void)
{
    with_policy(REGROW_DROP_NEWEST, REGROW_OK, "['EXIT','EXIT',5,4,3,2,1]", 2);
}

static void timers_and_downs_pass(void)
{
    teller teller = { .to = self };
    regrow_ref monitor;
    regrow_pid pid = start_at_gate(tell_all, &teller, 1, REGROW_REJECT, &monitor);
    CHECK_OK(regrow_send(pid, regrow_atom("one")));
    CHECK_OK(regrow_send_after(pid, 0, regrow_atom("late"), NULL));
    CHECK_OK(regrow_send_after(pid, 0, regrow_atom("later"), NULL));
    EVENTUALLY(messages_of(pid) == 3); /* a timer that has fired may still be on its way */
    CHECK_ERROR(REGROW_ERR_LIMIT, regrow_send(pid, regrow_atom("two")));
    CHECK_ERROR(REGROW_ERR_LIMIT, regrow_cast(pid, regrow_atom("two")));
    CHECK_OK(regrow_broadcast(&(regrow_term){ 0 }, &pid, 1));
    gate_open(&teller.gate);
    CHECK_MESSAGE("[later,late,one]");
    CHECK_DOWN("normal", monitor);
}

/* It never makes a publisher wait, and tells itself what is missing: so the other limit does not hold it up. */
static void what_a_subscription_with_a_limit_keeps_passes(void)
{
    const uint32_t policies[] = { REGROW_REJECT, REGROW_DROP_OLDEST, REGROW_DROP_NEWEST, REGROW_BLOCK };
    regrow_pubsub_spec topics = { .size = sizeof topics };
    regrow_subscription how = { .size = sizeof how, .max_messages = 3 };
    regrow_pid pubsub = start_of(REGROW_PUBSUB, &topics);
    for (size_t i = 0; i < sizeof policies / sizeof *policies; i++) {
        teller teller = { .to = self };
        regrow_ref monitor;
        regrow_pid pid = start_at_gate(tell_all, &teller, 2, policies[i], &monitor);
        CHECK_OK(regrow_pubsub_subscribe(pubsub, "t", pid, &how));
        CHECK_OK(regrow_send(pid, regrow_int(1)));
        CHECK_OK(regrow_send(pid, regrow_int(2)));
        uint64_t sent = stats().sent;
        for (int n = 10; n < 15; n++)
            CHECK_OK(regrow_pubsub_broadcast(pubsub, "t", regrow_int(n)));
        CHECK(stats().sent == sent);
        gate_open(&teller.gate);
        CHECK_MESSAGE("[lag,12,11,10,2,1]");
        CHECK_DOWN("normal", monitor);
    }
}

static bool is_number(void *user, const regrow_term *message)
{
    int64_t number;
    return regrow_as_int(message, &number) && number == *(const int *)user;
}

static regrow_next take_the_last_first(regrow_context *context, void *user)
{
    teller *teller = user;
    int order[] = { 12, 1, 10, 11 };
    regrow_term message;
    gate_pass(&teller->gate);
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        CHECK_OK(regrow_receive_match(is_number, &order[i], 0, &message));
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_receive(0, &message));
    CHECK_OK(regrow_send(teller->to, regrow_atom("all")));
    return REGROW_DONE;
}

static void what_is_passed_over_is_there_later(void)
{
    regrow_pubsub_spec topics = { .size = sizeof topics };
    regrow_subscription how = { .size = sizeof how, .max_messages = 3 };
    regrow_pid pubsub = start_of(REGROW_PUBSUB, &topics);
    teller teller = { .to = self };
    regrow_ref monitor;
    regrow_pid pid = start_at_gate(take_the_last_first, &teller, 1, REGROW_REJECT, &monitor);
    CHECK_OK(regrow_pubsub_subscribe(pubsub, "t", pid, &how));
    CHECK_OK(regrow_pubsub_broadcast(pubsub, "t", regrow_int(10)));
    CHECK_OK(regrow_send(pid, regrow_int(1)));
    for (int n = 11; n < 13; n++)
        CHECK_OK(regrow_pubsub_broadcast(pubsub, "t", regrow_int(n)));
    gate_open(&teller.gate);
    CHECK_MESSAGE("all");
    CHECK_DOWN("normal", monitor);
}

/* ---- blocking ---- */

static regrow_next take_one_at_a_time(regrow_context *context, void *user)
{
    gate *gate = user;
    regrow_term message;
    int64_t number = 0, got;
    do {
        gate_pass(gate);
        if (regrow_receive(LONG_MS, &message) == REGROW_ERR_KILLED)
            break;
        CHECK(regrow_as_int(&message, &got) && got == ++number);
        regrow_term_free(&message);
    } while (number < 4);
    return REGROW_DONE;
}

typedef struct sender {
    regrow_pid to;
    int64_t number;
    regrow_error expected;
} sender;

static regrow_next send_one(regrow_context *context, void *user)
{
    sender *sender = user;
    CHECK_ERROR(sender->expected, regrow_send(sender->to, regrow_int(sender->number)));
    return REGROW_DONE;
}

static bool is_parked(regrow_pid pid)
{
    regrow_term map, key = regrow_atom("status");
    CHECK_OK(regrow_info(pid, &map));
    bool parked = regrow_is_atom(regrow_map_get(&map, &key), "parked");
    regrow_term_free(&map);
    return parked;
}

typedef struct watcher {
    teller teller;
    regrow_pid supervisor;
} watcher;

static regrow_next watch_and_tell(regrow_context *context, void *user)
{
    watcher *watcher = user;
    regrow_ref subscription;
    CHECK_OK(regrow_supervisor_subscribe(watcher->supervisor, &subscription));
    return tell_all(context, &watcher->teller);
}

/* Whoever asked to be told of children, or of entries, misses nothing of it. */
static void what_others_are_told_of_by_the_runtime_passes(void)
{
    const char *listeners[] = { "listener" };
    regrow_registry_spec entries = { .size = sizeof entries, .listeners = listeners, .listener_count = 1 };
    regrow_dynamic_supervisor_spec empty = { .size = sizeof empty };
    regrow_pid registry = start_of(REGROW_REGISTRY, &entries);
    watcher watcher = { .teller.to = self, .supervisor = start_of(REGROW_DYNAMIC_SUPERVISOR, &empty) };
    regrow_process_spec spec = bounded(watch_and_tell, &watcher, 1, REGROW_REJECT);
    regrow_process_spec ends = process(end_at_once, NULL);
    regrow_child_spec kid = child(REGROW_PROCESS, &ends);
    regrow_ref monitor;
    regrow_term status;
    gate_make(&watcher.teller.gate);
    regrow_pid pid = start(&spec, &monitor);
    gate_reached(&watcher.teller.gate);
    CHECK_OK(regrow_register(pid, listeners[0]));
    CHECK_OK(regrow_send(pid, regrow_int(1)));
    CHECK_ERROR(REGROW_ERR_LIMIT, regrow_send(pid, regrow_int(2)));
    CHECK_OK(regrow_registry_register(registry, regrow_atom("key"), self, regrow_nil()));
    CHECK_OK(regrow_get_status(registry, LONG_MS, &status)); /* it has told */
    regrow_term_free(&status);
    kid.id = "kid";
    kid.restart = REGROW_TEMPORARY;
    regrow_pid kid_pid;
    CHECK_OK(regrow_supervisor_start_child(watcher.supervisor, &kid, &kid_pid));
    regrow_ref kid_end = monitored(kid_pid);
    regrow_term down;
    CHECK_OK(regrow_receive_match(is_down_of, &kid_end, LONG_MS, &down));
    regrow_term_free(&down);
    CHECK_OK(regrow_stop(watcher.supervisor, regrow_atom("normal"), LONG_MS));
    gate_open(&watcher.teller.gate);
    CHECK_MESSAGE("[child,child,register,1]");
    CHECK_DOWN("normal", monitor);
    CHECK_OK(regrow_stop(registry, regrow_atom("normal"), LONG_MS));
}

static void who_waits_for_room_is_let_in_in_order(void)
{
    gate gate;
    regrow_ref monitor, senders[2];
    regrow_pid pid = start_at_gate(take_one_at_a_time, &gate, 1, REGROW_BLOCK, &monitor);
    CHECK_OK(regrow_send(pid, regrow_int(1)));
    sender second = { pid, 2, REGROW_OK }, third = { pid, 3, REGROW_OK };
    regrow_pid waits = spawn_monitor(send_one, &second, &senders[0]);
    EVENTUALLY(is_parked(waits));
    waits = spawn_monitor(send_one, &third, &senders[1]);
    EVENTUALLY(is_parked(waits));
    gate_open(&gate);
    CHECK_DOWN("normal", senders[0]);
    gate_reached(&gate);
    gate_open(&gate);
    CHECK_DOWN("normal", senders[1]);
    gate_reached(&gate);
    gate_open(&gate);
    /* This thread waits too, or finds room. */
    CHECK_OK(regrow_send(pid, regrow_int(4)));
    gate_reached(&gate);
    gate_open(&gate);
    CHECK_DOWN("normal", monitor);
}

static void who_waits_for_one_that_ends_goes_on(void)
{
    gate gate;
    regrow_ref monitor, sending;
    gate_make(&gate);
    regrow_process_spec spec = bounded(take_one_at_a_time, &gate, 1, REGROW_BLOCK);
    regrow_pid pid = start(&spec, &monitor);
    gate_reached(&gate);
    CHECK_OK(regrow_send(pid, regrow_int(1)));
    sender second = { pid, 2, REGROW_OK };
    regrow_pid waits = spawn_monitor(send_one, &second, &sending);
    EVENTUALLY(is_parked(waits));
    CHECK_OK(regrow_exit(pid, regrow_atom("kill")));
    CHECK_DOWN("killed", monitor);
    CHECK_DOWN("normal", sending);
    gate_open(&gate);
    ghosts_are_gone();
    /* And one that is killed while it waits leaves the line to the next. */
    pid = start(&spec, &monitor);
    gate_reached(&gate);
    CHECK_OK(regrow_send(pid, regrow_int(1)));
    second.to = pid;
    waits = spawn_monitor(send_one, &(sender){ pid, 9, REGROW_ERR_KILLED }, &sending);
    EVENTUALLY(is_parked(waits));
    regrow_ref after;
    regrow_pid next = spawn_monitor(send_one, &second, &after);
    EVENTUALLY(is_parked(next));
    CHECK_OK(regrow_exit(waits, regrow_atom("kill")));
    CHECK_DOWN("killed", sending);
    gate_open(&gate);
    CHECK_DOWN("normal", after);
    gate_reached(&gate);
    kill_and_wait(pid);
    gate_open(&gate);
    CHECK_DOWN("killed", monitor);
    ghosts_are_gone();
}

static void no_longer_than_its_time(void)
{
    gate gate;
    regrow_ref monitor;
    gate_make(&gate);
    regrow_process_spec spec = bounded(take_one_at_a_time, &gate, 1, REGROW_BLOCK);
    spec.mailbox_wait_ms = 30;
    regrow_pid pid = start(&spec, &monitor);
    gate_reached(&gate);
    CHECK_OK(regrow_send(pid, regrow_int(1)));
    uint64_t begin = real_ms();
    CHECK_ERROR(REGROW_ERR_LIMIT, regrow_send(pid, regrow_int(2)));
    CHECK_LAST_REASON("mailbox_full");
    CHECK(real_ms() - begin >= 29);
    kill_and_wait(pid);
    gate_open(&gate);
    CHECK_DOWN("killed", monitor);
    ghosts_are_gone();
}

static regrow_next send_to_itself(regrow_context *context, void *user)
{
    regrow_pid me;
    CHECK_OK(regrow_self(&me));
    CHECK_OK(regrow_send(me, regrow_int(1)));
    CHECK_ERROR(REGROW_ERR_WOULD_DEADLOCK, regrow_send(me, regrow_int(2)));
    return REGROW_DONE;
}

static void nobody_waits_for_itself_nor_where_it_may_not(void)
{
    gate gate;
    regrow_ref monitor, other;
    gate_make(&gate);
    regrow_process_spec spec = bounded(send_to_itself, NULL, 1, REGROW_BLOCK);
    start(&spec, &monitor);
    CHECK_DOWN("normal", monitor);
    spec = bounded(take_one_at_a_time, &gate, 1, REGROW_BLOCK);
    regrow_pid pid = start(&spec, &monitor), no_park;
    gate_reached(&gate);
    CHECK_OK(regrow_send(pid, regrow_int(1)));
    sender sender = { pid, 2, REGROW_ERR_WOULD_BLOCK };
    regrow_process_spec hasty = process(send_one, &sender);
    hasty.flags = REGROW_NO_PARK;
    CHECK_OK(regrow_spawn_monitor(&hasty, &no_park, &other));
    CHECK_DOWN("normal", other);
    kill_and_wait(pid);
    gate_open(&gate);
    CHECK_DOWN("killed", monitor);
    ghosts_are_gone();
}

/* ---- servers ---- */

static regrow_next stand(regrow_context *context, void *state, const regrow_term *message)
{
    return gate_pass(state), REGROW_NOREPLY;
}

static regrow_next answer(regrow_context *context, void *state, const regrow_term *message)
{
    return regrow_reply(context, regrow_term_clone(message));
}

static regrow_server_spec slow_server(gate *gate, uint32_t policy)
{
    return (regrow_server_spec){ .size = sizeof(regrow_server_spec), .init = take_user, .handle_cast = stand,
                                 .handle_call = answer, .user = gate, .mailbox_limit = 1, .mailbox_policy = policy };
}

static void a_call_that_is_dropped_fails_at_once(void)
{
    static const uint32_t policies[] = { REGROW_REJECT, REGROW_DROP_NEWEST };
    for (size_t at = 0; at < 2; at++) {
        gate gate;
        gate_make(&gate);
        regrow_server_spec spec = slow_server(&gate, policies[at]);
        regrow_pid pid = start_server(&spec);
        CHECK_OK(regrow_cast(pid, regrow_nil()));
        gate_reached(&gate);
        CHECK_OK(regrow_send(pid, regrow_nil()));
        CHECK_ERROR(REGROW_ERR_LIMIT, regrow_call(pid, regrow_nil(), REGROW_INFINITY, NULL));
        CHECK_LAST_REASON("mailbox_full");
        /* What a system asks is not refused: it is asked to stop while its mailbox is full. */
        regrow_request *stop;
        CHECK_OK(regrow_stop_async(pid, regrow_atom("normal"), REGROW_INFINITY, &stop));
        gate_open(&gate);
        CHECK_OK(regrow_request_wait(stop, LONG_MS, NULL));
        regrow_request_free(stop);
    }
    /* One that waits in the mailbox, and is dropped for a newer one. */
    gate gate;
    gate_make(&gate);
    regrow_server_spec spec = slow_server(&gate, REGROW_DROP_OLDEST);
    regrow_pid pid = start_server(&spec);
    regrow_request *call;
    CHECK_OK(regrow_cast(pid, regrow_nil()));
    gate_reached(&gate);
    CHECK_OK(regrow_call_async(pid, regrow_nil(), REGROW_INFINITY, &call));
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_request_wait(call, 0, NULL));
    CHECK_OK(regrow_send(pid, regrow_nil()));
    CHECK_ERROR(REGROW_ERR_LIMIT, regrow_request_wait(call, 0, NULL));
    regrow_request_free(call);
    gate_open(&gate);
    kill_and_wait(pid);
    ghosts_are_gone();
}

static void a_call_waits_within_its_own_limit(void)
{
    gate gate;
    gate_make(&gate);
    regrow_server_spec spec = slow_server(&gate, REGROW_BLOCK);
    spec.mailbox_wait_ms = WAIT_MS;
    regrow_pid pid = start_server(&spec);
    regrow_request *call;
    CHECK_OK(regrow_cast(pid, regrow_nil()));
    gate_reached(&gate);
    CHECK_OK(regrow_send(pid, regrow_nil()));
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_call(pid, regrow_int(7), 20, NULL));
    /* What is collected later does not wait. */
    CHECK_ERROR(REGROW_ERR_LIMIT, regrow_call_async(pid, regrow_int(7), WAIT_MS, &call));
    gate_open(&gate);
    regrow_term reply;
    CHECK_OK(regrow_call(pid, regrow_int(7), WAIT_MS, &reply));
    CHECK_TERM("7", &reply);
    regrow_term_free(&reply);
    kill_and_wait(pid);
    ghosts_are_gone();
}

static void what_a_suspended_server_puts_aside_counts(void)
{
    gate gate;
    gate_make(&gate);
    regrow_server_spec spec = slow_server(&gate, REGROW_DROP_OLDEST);
    spec.mailbox_limit = 2;
    regrow_pid pid = start_server(&spec);
    atomic_store(&dropped, 0);
    CHECK_OK(regrow_suspend(pid, LONG_MS));
    for (int n = 1; n <= 2; n++)
        CHECK_OK(regrow_send(pid, counted(n)));
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    CHECK(atomic_load(&dropped) == 0);
    CHECK_OK(regrow_send(pid, counted(3)));
    CHECK(atomic_load(&dropped) == 1);
    CHECK_OK(regrow_resume(pid, LONG_MS));
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    CHECK(atomic_load(&dropped) == 3);
    kill_and_wait(pid);
    ghosts_are_gone();
}

static void what_it_is_just_putting_aside_counts_too(void)
{
    gate gate;
    gate_make(&gate);
    regrow_server_spec spec = slow_server(&gate, REGROW_REJECT);
    spec.mailbox_limit = 1;
    regrow_pid pid = start_server(&spec);
    atomic_store(&dropped, 0);
    for (int n = 0; n < 2000; n++) {
        CHECK_OK(regrow_suspend(pid, LONG_MS));
        CHECK_OK(regrow_send(pid, counted(n)));
        CHECK_ERROR(REGROW_ERR_LIMIT, regrow_send(pid, counted(n)));
        CHECK_OK(regrow_resume(pid, LONG_MS));
        CHECK_OK(regrow_settle(root, LONG_MS, NULL));
        CHECK(atomic_load(&dropped) == 2 * (n + 1));
    }
    kill_and_wait(pid);
    ghosts_are_gone();
}

static regrow_next add_nothing(regrow_context *context, void *user, const regrow_term *state, regrow_term *next,
                               regrow_term *reply)
{
    if (user)
        gate_pass(user);
    return REGROW_DONE;
}

static void an_agents_functions_count(void)
{
    gate gate;
    gate_make(&gate);
    regrow_agent_spec spec = { .size = sizeof spec, .mailbox_limit = 1 };
    regrow_child_spec how = child(REGROW_AGENT, &spec);
    regrow_pid pid;
    CHECK_OK(regrow_start(root, &how, &pid));
    CHECK_OK(regrow_agent_cast(pid, add_nothing, &gate, NULL));
    gate_reached(&gate);
    atomic_store(&dropped, 0);
    CHECK_OK(regrow_agent_cast(pid, add_nothing, NULL, NULL));
    CHECK_ERROR(REGROW_ERR_LIMIT, regrow_agent_update(pid, add_nothing, NULL, REGROW_INFINITY));
    CHECK_ERROR(REGROW_ERR_LIMIT, regrow_agent_get(pid, NULL, NULL, REGROW_INFINITY, NULL));
    gate_open(&gate);
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    CHECK_OK(regrow_agent_update(pid, add_nothing, NULL, REGROW_INFINITY));
    kill_and_wait(pid);
    ghosts_are_gone();
}

/* ---- selective receive ---- */

static bool is_two(void *user, const regrow_term *message)
{
    int64_t number;
    return regrow_as_int(message, &number) && number == 2;
}

static regrow_next take_the_second(regrow_context *context, void *user)
{
    regrow_term message;
    teller *teller = user;
    gate_pass(&teller->gate);
    CHECK_OK(regrow_receive_match(is_two, NULL, LONG_MS, &message));
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_receive_match(is_two, NULL, 0, &message));
    gate_pass(&teller->gate);
    return tell_all(context, user);
}

static void what_a_receive_passes_over_counts(void)
{
    teller teller = { .to = self };
    regrow_ref monitor;
    regrow_pid pid = start_at_gate(take_the_second, &teller, 3, REGROW_REJECT, &monitor);
    for (int n = 1; n <= 3; n++)
        CHECK_OK(regrow_send(pid, regrow_int(n)));
    gate_open(&teller.gate);
    gate_reached(&teller.gate);
    CHECK_OK(regrow_send(pid, regrow_int(4)));
    CHECK_ERROR(REGROW_ERR_LIMIT, regrow_send(pid, regrow_int(5)));
    gate_open(&teller.gate);
    gate_reached(&teller.gate);
    gate_open(&teller.gate);
    CHECK_MESSAGE("[4,3,1]");
    CHECK_DOWN("normal", monitor);
}

/* ---- many ---- */

static size_t resident(void)
{
    size_t pages = 0, ignored;
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file && fscanf(file, "%zu %zu", &ignored, &pages) == 2);
    fclose(file);
    return pages * 4096;
}

static void a_flood_takes_no_memory_and_signals_pass(void)
{
    enum { FLOOD_LIMIT = 1000 };
    static const uint32_t policies[] = { REGROW_REJECT, REGROW_DROP_OLDEST, REGROW_DROP_NEWEST };
    size_t count = rounds(1000000);
    for (size_t at = 0; at < 3; at++) {
        gate gate;
        regrow_ref monitor;
        regrow_pid pid = start_at_gate(take_one_at_a_time, &gate, FLOOD_LIMIT, policies[at], &monitor);
        size_t before = 0;
        for (size_t n = 0; n < count; n++) {
            regrow_error error = regrow_send(pid, regrow_text("a message of more than a few bytes"));
            CHECK(error == (n >= FLOOD_LIMIT && policies[at] == REGROW_REJECT ? REGROW_ERR_LIMIT : REGROW_OK));
            if (n == 10 * FLOOD_LIMIT)
                before = resident();
        }
        CHECK(KEEPS_FREED_MEMORY || resident() < before + (2 << 20));
        CHECK_OK(regrow_exit(pid, regrow_atom("kill")));
        CHECK_DOWN("killed", monitor);
        gate_open(&gate);
        ghosts_are_gone();
    }
}

static atomic_long arrived;

static regrow_next take_all(regrow_context *context, void *user)
{
    regrow_term message;
    while (regrow_receive(REGROW_INFINITY, &message) == REGROW_OK) {
        bool last = regrow_is_nil(&message);
        regrow_term_free(&message);
        if (last)
            return REGROW_DONE;
        atomic_fetch_add(&arrived, 1);
    }
    return REGROW_DONE;
}

static regrow_next send_many(regrow_context *context, void *user)
{
    for (size_t n = rounds(20000); n; n--)
        CHECK_OK(regrow_send(*(regrow_pid *)user, regrow_int(1)));
    return REGROW_DONE;
}

static void many_that_wait_all_come_through(void)
{
    enum { SENDERS = 4 };
    regrow_ref monitor, sending[SENDERS];
    atomic_store(&arrived, 0);
    regrow_process_spec spec = bounded(take_all, NULL, 3, REGROW_BLOCK);
    regrow_pid pid = start(&spec, &monitor);
    for (int at = 0; at < SENDERS; at++)
        spawn_monitor(send_many, &pid, &sending[at]);
    for (int at = 0; at < SENDERS; at++)
        CHECK_DOWN("normal", sending[at]);
    CHECK_OK(regrow_send(pid, regrow_nil()));
    CHECK_DOWN("normal", monitor);
    CHECK((size_t)atomic_load(&arrived) == SENDERS * rounds(20000));
}

static bool is_second(void *user, const regrow_term *message)
{
    return regrow_is_atom(message, "second");
}

static regrow_next wait_for_second(regrow_context *context, void *user)
{
    regrow_term message;
    CHECK_OK(regrow_receive_match(is_second, NULL, REGROW_INFINITY, &message));
    regrow_term_free(&message);
    CHECK_OK(regrow_receive(0, &message));
    CHECK(regrow_is_atom(&message, "first"));
    regrow_term_free(&message);
    return REGROW_DONE;
}

/* It would keep its worker, and the runtime from being quiet. */
static void who_waits_past_what_it_does_not_want_sleeps(void)
{
    regrow_ref monitor;
    regrow_process_spec spec = bounded(wait_for_second, NULL, LIMIT, REGROW_REJECT);
    regrow_pid pid = start(&spec, &monitor);
    CHECK_OK(regrow_send(pid, regrow_atom("first")));
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    CHECK_OK(regrow_send(pid, regrow_atom("second")));
    CHECK_DOWN("normal", monitor);
}

static regrow_next wait_for_its_end(regrow_context *context, void *user)
{
    regrow_term message;
    CHECK_ERROR(REGROW_ERR_KILLED, regrow_receive(REGROW_INFINITY, &message));
    return REGROW_DONE;
}

/* Of a call that made room: by now its server's place may be another's, in another runtime. */
static void end_the_server_and_fill_its_place(void *user, regrow_error error, const regrow_term *result)
{
    regrow_pid *pids = user;
    regrow_process_spec spec = process(wait_for_its_end, NULL);
    CHECK(error == REGROW_ERR_LIMIT);
    CHECK_OK(regrow_exit(pids[0], regrow_atom("kill")));
    for (int at = 0; at < 3000; at++) {
        regrow_pid pid;
        CHECK_OK(regrow_spawn(pids[1], &spec, &pid));
        if (at < 1000)
            CHECK_OK(regrow_exit(pid, regrow_atom("kill")));
    }
}

static regrow_next never_called(regrow_context *context, void *state, const regrow_term *request)
{
    abort();
}

static void who_hears_that_a_call_made_room_may_end_its_server(void)
{
    regrow_options options = { .size = sizeof options, .workers = 1, .log_level = REGROW_LOG_SILENT };
    regrow_stats other = { .size = sizeof other };
    for (int round = 0; round < 20; round++) {
        regrow_server_spec server = { .size = sizeof server, .handle_call = never_called, .mailbox_limit = 1,
                                      .mailbox_policy = REGROW_DROP_OLDEST };
        regrow_child_spec child = { .size = sizeof child, .kind = REGROW_SERVER, .spec = &server };
        regrow_pid pids[2];
        regrow_request *first, *second;
        uint64_t before = stats().returned;
        CHECK_OK(regrow_init(&options, &pids[1]));
        CHECK_OK(regrow_start(root, &child, &pids[0]));
        CHECK_OK(regrow_suspend(pids[0], LONG_MS));
        CHECK_OK(regrow_call_async(pids[0], regrow_atom("first"), REGROW_INFINITY, &first));
        CHECK_OK(regrow_on_reply(first, end_the_server_and_fill_its_place, pids, NULL));
        CHECK_OK(regrow_call_async(pids[0], regrow_atom("second"), REGROW_INFINITY, &second));
        CHECK_ERROR(REGROW_ERR_EXITED, regrow_request_wait(second, LONG_MS, NULL));
        regrow_request_free(second);
        /* It hears before it is counted. */
        CHECK_OK(regrow_settle(root, LONG_MS, NULL));
        CHECK_OK(regrow_stats_read(pids[1], &other));
        CHECK(stats().returned == before + 2 && other.returned == 0);
        CHECK_OK(regrow_shutdown(pids[1], LONG_MS, NULL));
    }
}

int main(void)
{
    open_runtime((regrow_options){ .workers = 2 });
    RUN(the_limit_is_exact_and_the_sender_is_told);
    RUN(the_oldest_goes_and_order_stays);
    RUN(the_newest_goes);
    RUN(timers_and_downs_pass);
    RUN(what_a_subscription_with_a_limit_keeps_passes);
    RUN(what_is_passed_over_is_there_later);
    RUN(what_others_are_told_of_by_the_runtime_passes);
    RUN(who_waits_for_room_is_let_in_in_order);
    RUN(who_waits_for_one_that_ends_goes_on);
    RUN(no_longer_than_its_time);
    RUN(nobody_waits_for_itself_nor_where_it_may_not);
    RUN(a_call_that_is_dropped_fails_at_once);
    RUN(a_call_waits_within_its_own_limit);
    RUN(what_a_suspended_server_puts_aside_counts);
    RUN(what_it_is_just_putting_aside_counts_too);
    RUN(an_agents_functions_count);
    RUN(what_a_receive_passes_over_counts);
    RUN(a_flood_takes_no_memory_and_signals_pass);
    RUN(many_that_wait_all_come_through);
    RUN(who_waits_past_what_it_does_not_want_sleeps);
    RUN(who_hears_that_a_call_made_room_may_end_its_server);
    close_runtime();
    return 0;
}
