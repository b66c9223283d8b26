/* Host processes: what lives outside, named, linked, monitored and answered for as any process. */
#include "support.h"

typedef struct host {
    sem_t delivered;
    atomic_int inside; /* never two at a time */
    atomic_int exits;
    atomic_int dropped;
    char message[80];
    char reason[80];
    regrow_caller caller;
    regrow_pid pid, starts; /* what it links itself with, told "link" */
} host;

static void deliver(void *user, regrow_pid pid, const regrow_term *message, regrow_caller caller)
{
    host *mine = user;
    regrow_pid me;
    CHECK(atomic_fetch_add(&mine->inside, 1) == 0);
    CHECK(mine->exits == 0); /* nothing comes after the end */
    CHECK_OK(regrow_self(&me));
    CHECK(me.id == pid.id);
    regrow_term_print(message, mine->message, sizeof mine->message);
    mine->caller = caller;
    mine->pid = pid;
    if (!strcmp(mine->message, "link"))
        CHECK_OK(regrow_link(mine->starts));
    atomic_fetch_sub(&mine->inside, 1);
    sem_post(&mine->delivered);
}

static void exited(void *user, regrow_pid pid, const regrow_term *reason)
{
    host *mine = user;
    CHECK(mine->dropped == 0 && !regrow_is_alive(pid));
    regrow_term_print(reason, mine->reason, sizeof mine->reason);
    atomic_fetch_add(&mine->exits, 1);
}

static void host_drop(void *user)
{
    atomic_fetch_add(&((host *)user)->dropped, 1);
}

static regrow_host_spec host_spec(host *mine)
{
    memset(mine, 0, sizeof *mine);
    sem_init(&mine->delivered, 0, 0);
    return (regrow_host_spec){ .size = sizeof(regrow_host_spec), .deliver = deliver, .exit = exited, .user = mine,
                               .drop_user = host_drop };
}

static regrow_pid start_host(host *mine)
{
    regrow_host_spec spec = host_spec(mine);
    regrow_child_spec how = child(REGROW_HOST, &spec);
    regrow_pid pid;
    CHECK_OK(regrow_start(root, &how, &pid));
    return pid;
}

static void wait_for_delivery(host *mine, const char *expected)
{
    while (sem_wait(&mine->delivered)) {
    }
    if (strcmp(mine->message, expected)) {
        fprintf(stderr, "%s, not %s\n", mine->message, expected);
        _Exit(1);
    }
}

static void check_over(host *mine, const char *reason)
{
    EVENTUALLY(mine->dropped == 1);
    CHECK(mine->exits == 1 && !strcmp(mine->reason, reason));
}

static void casts_are_told_from_messages_where_that_is_asked_for(void)
{
    host mine;
    regrow_host_spec spec = host_spec(&mine);
    spec.flags = REGROW_TAG_CASTS;
    regrow_child_spec how = child(REGROW_HOST, &spec);
    regrow_pid pid;
    CHECK_OK(regrow_start(root, &how, &pid));
    CHECK_OK(regrow_cast(pid, regrow_atom("told")));
    wait_for_delivery(&mine, "{'$gen_cast',told}");
    CHECK_OK(regrow_send(pid, regrow_atom("sent")));
    wait_for_delivery(&mine, "sent");
    CHECK_OK(regrow_host_exit(pid, regrow_atom("normal")));
    check_over(&mine, "normal");
}

static void messages_and_casts_go_to_the_function(void)
{
    host mine;
    regrow_pid pid = start_host(&mine);
    CHECK_OK(regrow_send(pid, regrow_atom("hello")));
    wait_for_delivery(&mine, "hello");
    CHECK(mine.caller.server == 0 && mine.caller.call == 0 && mine.pid.id == pid.id);
    CHECK_OK(regrow_cast(pid, regrow_atom("told")));
    wait_for_delivery(&mine, "told");
    CHECK(mine.caller.call == 0);
    for (int at = 0; at < 1000; at++)
        CHECK_OK(regrow_send(pid, regrow_int(at)));
    for (int at = 0; at < 1000; at++)
        while (sem_wait(&mine.delivered)) {
        }
    CHECK(!strcmp(mine.message, "999"));
    CHECK_OK(regrow_host_exit(pid, regrow_atom("normal")));
    check_over(&mine, "normal");
}

static void *answer_later(void *user)
{
    host *mine = user;
    CHECK_OK(regrow_answer(mine->caller, regrow_atom("from_outside")));
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_answer(mine->caller, regrow_atom("twice")));
    return NULL;
}

static void a_call_is_answered_from_another_thread(void)
{
    host mine;
    regrow_pid pid = start_host(&mine);
    regrow_request *pending;
    regrow_term reply;
    pthread_t thread;
    CHECK_OK(regrow_call_async(pid, regrow_atom("question"), REGROW_INFINITY, &pending));
    wait_for_delivery(&mine, "question");
    CHECK(mine.caller.call != 0 && mine.caller.server == pid.id);
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_request_wait(pending, 1, NULL));
    regrow_caller caller = mine.caller;
    CHECK_OK(regrow_send(pid, regrow_atom("meanwhile"))); /* it waits for nothing */
    wait_for_delivery(&mine, "meanwhile");
    mine.caller = caller;
    CHECK(!pthread_create(&thread, NULL, answer_later, &mine));
    CHECK_OK(regrow_request_wait(pending, LONG_MS, &reply));
    CHECK_TERM("from_outside", &reply);
    CHECK(!pthread_join(thread, NULL));
    regrow_request_free(pending);
    CHECK_OK(regrow_host_exit(pid, regrow_atom("normal")));
    check_over(&mine, "normal");
}

static void calls_that_were_not_answered_end_with_the_host(void)
{
    host mine;
    regrow_pid pid = start_host(&mine);
    regrow_request *pending;
    CHECK_OK(regrow_call_async(pid, regrow_atom("question"), REGROW_INFINITY, &pending));
    wait_for_delivery(&mine, "question");
    CHECK_OK(regrow_host_exit(pid, pair("gone", regrow_int(1))));
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_request_wait(pending, LONG_MS, NULL));
    CHECK_LAST_REASON("{gone,1}");
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_answer(mine.caller, regrow_atom("late")));
    regrow_request_free(pending);
    check_over(&mine, "{gone,1}");
}

static void an_end_from_outside_is_told_to_the_host_and_to_all(void)
{
    host mine;
    regrow_host_spec spec = host_spec(&mine);
    regrow_child_spec how = child(REGROW_HOST, &spec);
    regrow_pid pid, found;
    how.name = "outside";
    CHECK_OK(regrow_trap_exit(true, NULL));
    CHECK_OK(regrow_start_link(&how, &pid));
    regrow_ref monitor = monitored(pid);
    CHECK_OK(regrow_whereis(root, "outside", &found));
    CHECK(found.id == pid.id);
    CHECK_OK(regrow_exit(pid, regrow_atom("boom")));
    CHECK_DOWN("boom", monitor);
    CHECK_EXIT("boom", pid);
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_whereis(root, "outside", &found));
    check_over(&mine, "boom");

    regrow_ref second;
    spec = host_spec(&mine);
    CHECK_OK(regrow_start_monitor(&how, &pid, &second));
    CHECK_OK(regrow_exit(pid, regrow_atom("kill")));
    CHECK_DOWN("killed", second);
    check_over(&mine, "killed");
    CHECK_OK(regrow_trap_exit(false, NULL));
}

static void deliver_until_the_end(void *user, regrow_pid pid, const regrow_term *message, regrow_caller caller)
{
    host *mine = user;
    sem_post(&mine->delivered);
    while (!regrow_trap_exit(false, NULL)) { /* the calls of the dead fail */
    }
}

static void an_end_is_told_after_it_also_where_a_function_returned_meanwhile(void)
{
    host mine;
    for (int at = 0; at < 30; at++) {
        regrow_host_spec spec = host_spec(&mine);
        spec.deliver = deliver_until_the_end;
        regrow_child_spec how = child(REGROW_HOST, &spec);
        regrow_pid pid;
        CHECK_OK(regrow_start(root, &how, &pid));
        CHECK_OK(regrow_send(pid, regrow_int(1)));
        wait_for_delivery(&mine, "");
        CHECK_OK(regrow_exit(pid, regrow_atom("kill"))); /* exited() looks whether it is alive */
        check_over(&mine, "killed");
    }
}

static void its_own_end_is_told_as_it_is(void)
{
    host mine;
    CHECK_OK(regrow_trap_exit(true, NULL));
    const char *reasons[] = { "normal", "boom", "kill", "shutdown" };
    for (int at = 0; at < 4; at++) {
        regrow_host_spec spec = host_spec(&mine);
        regrow_child_spec how = child(REGROW_HOST, &spec);
        regrow_pid pid;
        CHECK_OK(regrow_start_link(&how, &pid));
        regrow_ref monitor = monitored(pid);
        CHECK_OK(regrow_host_exit(pid, regrow_atom(reasons[at])));
        CHECK_DOWN(reasons[at], monitor);
        CHECK_EXIT(reasons[at], pid);
        check_over(&mine, reasons[at]);
        CHECK_ERROR(REGROW_ERR_NO_PROCESS, regrow_host_exit(pid, regrow_atom("again")));
    }
    CHECK_OK(regrow_trap_exit(false, NULL));
}

static regrow_next link_and_end(regrow_context *context, void *user)
{
    CHECK_OK(regrow_link(*(regrow_pid *)user));
    return regrow_stop_self(context, regrow_atom("boom"));
}

static void a_host_dies_with_what_it_is_linked_to(void)
{
    host mine;
    regrow_pid pid = start_host(&mine);
    spawn(link_and_end, &pid);
    check_over(&mine, "boom");
}

static void a_host_can_be_stopped(void)
{
    host mine;
    regrow_pid pid = start_host(&mine);
    CHECK_OK(regrow_stop(pid, regrow_atom("normal"), LONG_MS));
    check_over(&mine, "normal");
}

static void a_host_is_a_child_as_any_other(void)
{
    host mine;
    regrow_host_spec spec = host_spec(&mine);
    regrow_child_spec how = child(REGROW_HOST, &spec);
    regrow_pid pid, next;
    how.id = "host";
    how.name = "host";
    CHECK_OK(regrow_supervisor_start_child(root, &how, &pid));
    CHECK_OK(regrow_host_exit(pid, regrow_atom("boom")));
    EVENTUALLY(regrow_whereis(root, "host", &next) == REGROW_OK && next.id != pid.id);
    EVENTUALLY(mine.exits == 1); /* it hears of its end after its supervisor */
    CHECK(mine.dropped == 0);    /* the spec lives on, and the user with it */
    mine.exits = 0;
    regrow_term id = regrow_text("host");
    CHECK_OK(regrow_supervisor_terminate_child(root, &id));
    EVENTUALLY(mine.exits == 1);
    CHECK(!strcmp(mine.reason, "shutdown"));
    CHECK_OK(regrow_supervisor_delete_child(root, &id));
    regrow_term_free(&id);
    EVENTUALLY(mine.dropped == 1);
}

static void only_a_host_has_a_host_exit(void)
{
    atomic_int dropped = 0;
    regrow_pid pid = spawn(wait_for_the_end, NULL);
    CHECK_ERROR(REGROW_ERR_WRONG_KIND, regrow_host_exit(pid, regrow_resource(&dropped, count_up)));
    CHECK(dropped == 1 && regrow_is_alive(pid));
    kill_and_wait(pid);
    regrow_host_spec spec = { .size = sizeof spec, .user = &dropped, .drop_user = count_up };
    regrow_child_spec how = child(REGROW_HOST, &spec);
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_start(root, &how, NULL));
    CHECK(dropped == 2);
}

static regrow_pid held_host(host *mine, uint32_t policy)
{
    regrow_host_spec spec = host_spec(mine);
    spec.mailbox_limit = 10;
    spec.mailbox_policy = policy;
    spec.mailbox_wait_ms = policy == REGROW_BLOCK ? LONG_MS : 0;
    regrow_child_spec how = child(REGROW_HOST, &spec);
    regrow_pid pid;
    CHECK_OK(regrow_start(root, &how, &pid));
    CHECK_OK(regrow_send(pid, regrow_atom("before")));
    wait_for_delivery(mine, "before");
    CHECK_OK(regrow_host_hold(pid, true));
    CHECK_OK(regrow_host_hold(pid, true));
    return pid;
}

static regrow_next send_one(regrow_context *context, void *user)
{
    CHECK_OK(regrow_send(*(regrow_pid *)user, regrow_atom("waited")));
    return REGROW_DONE;
}

static bool is_parked(regrow_pid pid)
{
    regrow_term map, key = regrow_atom("status");
    CHECK_OK(regrow_info(pid, &map));
    bool parked = regrow_is_atom(regrow_map_get(&map, &key), "parked");
    regrow_term_free(&map);
    regrow_term_free(&key);
    return parked;
}

static void a_host_that_is_held_is_sent_nothing(void)
{
    host mine;
    const uint32_t refusing[] = { REGROW_REJECT, REGROW_DROP_OLDEST };
    for (int at = 0; at < 2; at++) {
        regrow_pid pid = held_host(&mine, refusing[at]);
        CHECK_ERROR(REGROW_ERR_LIMIT, regrow_send(pid, regrow_atom("refused")));
        CHECK_LAST_REASON("mailbox_full");
        CHECK_ERROR(REGROW_ERR_LIMIT, regrow_cast(pid, regrow_atom("refused")));
        /* What does not count is delivered. */
        CHECK_OK(regrow_send_after(pid, 0, regrow_atom("timer"), NULL));
        wait_for_delivery(&mine, "timer");
        CHECK_OK(regrow_host_hold(pid, false));
        CHECK_OK(regrow_send(pid, regrow_atom("later")));
        wait_for_delivery(&mine, "later");
        CHECK_OK(regrow_host_exit(pid, regrow_atom("normal")));
        check_over(&mine, "normal");
    }
    regrow_pid pid = held_host(&mine, REGROW_BLOCK);
    regrow_pid senders[5];
    for (int at = 0; at < 5; at++)
        senders[at] = spawn(send_one, &pid);
    for (int at = 0; at < 5; at++)
        EVENTUALLY(is_parked(senders[at]));
    CHECK(!strcmp(mine.message, "before"));
    CHECK_OK(regrow_host_hold(pid, false));
    for (int at = 0; at < 5; at++)
        wait_for_delivery(&mine, "waited");
    /* Its end lets those go who wait. */
    CHECK_OK(regrow_host_hold(pid, true));
    regrow_pid last = spawn(send_one, &pid);
    EVENTUALLY(is_parked(last));
    CHECK_OK(regrow_host_exit(pid, regrow_atom("normal")));
    EVENTUALLY(!regrow_is_alive(last));
    check_over(&mine, "normal");
}

static void a_host_can_be_a_parent(void)
{
    host mine;
    const char *reasons[] = { "killed", "boom", "normal" };
    regrow_registry_spec registry = { .size = sizeof registry, .keys = REGROW_UNIQUE };
    regrow_child_spec how = child(REGROW_REGISTRY, &registry);
    for (int at = 0; at < 3; at++) {
        regrow_pid pid = start_host(&mine), started;
        CHECK_OK(regrow_start_for(pid, &how, &started));
        regrow_ref monitor = monitored(started);
        /* Nobody else's order: it traps exits. */
        CHECK_OK(regrow_exit(started, regrow_atom("shutdown")));
        mine.starts = started;
        CHECK_OK(regrow_send(pid, regrow_atom("link")));
        wait_for_delivery(&mine, "link");
        CHECK_OK(regrow_host_exit(pid, regrow_atom(reasons[at])));
        CHECK_DOWN(reasons[at], monitor);
        check_over(&mine, reasons[at]);
        CHECK_ERROR(REGROW_ERR_NO_PROCESS, regrow_start_for(pid, &how, &started));
    }
    CHECK_ERROR(REGROW_ERR_WRONG_KIND, regrow_start_for(root, &how, NULL));
}

static void what_cannot_be_held_is_refused(void)
{
    host mine, other;
    regrow_pid pid = start_host(&mine);
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_host_hold(pid, true));
    CHECK_ERROR(REGROW_ERR_WRONG_KIND, regrow_host_hold(root, true));
    regrow_host_spec spec = host_spec(&other);
    regrow_child_spec how = child(REGROW_HOST, &spec);
    spec.mailbox_wait_ms = 1;
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_start(root, &how, NULL));
    spec.mailbox_wait_ms = 0;
    spec.mailbox_reserved = 1;
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_start(root, &how, NULL));
    CHECK(other.dropped == 2);
    CHECK_OK(regrow_host_exit(pid, regrow_atom("normal")));
    check_over(&mine, "normal");
}

int main(void)
{
    open_runtime((regrow_options){ .workers = 2 });
    RUN(messages_and_casts_go_to_the_function);
    RUN(casts_are_told_from_messages_where_that_is_asked_for);
    RUN(a_call_is_answered_from_another_thread);
    RUN(calls_that_were_not_answered_end_with_the_host);
    RUN(an_end_from_outside_is_told_to_the_host_and_to_all);
    RUN(an_end_is_told_after_it_also_where_a_function_returned_meanwhile);
    RUN(its_own_end_is_told_as_it_is);
    RUN(a_host_dies_with_what_it_is_linked_to);
    RUN(a_host_can_be_stopped);
    RUN(a_host_is_a_child_as_any_other);
    RUN(only_a_host_has_a_host_exit);
    RUN(a_host_that_is_held_is_sent_nothing);
    RUN(what_cannot_be_held_is_refused);
    RUN(a_host_can_be_a_parent);
    close_runtime();
    return 0;
}
