/* Processes: starting, sending, receiving, ending (FEATURES P1 to P5, P8, P11). */
#include "support.h"

/* ---- P1: starting ---- */

static regrow_next tell_who(regrow_context *context, void *user)
{
    regrow_pid me;
    CHECK_OK(regrow_self(&me));
    CHECK_OK(regrow_send(*(regrow_pid *)user, regrow_from_pid(me)));
    return REGROW_DONE;
}

static void a_body_runs_in_a_process_of_its_own(void)
{
    regrow_term message;
    regrow_pid said, pid = spawn(tell_who, &self);
    CHECK_OK(regrow_receive(LONG_MS, &message));
    CHECK(regrow_as_pid(&message, &said) && said.id == pid.id && pid.id != self.id);
    regrow_term_free(&message);
    EVENTUALLY(!regrow_is_alive(pid));
}

static void a_linked_body_that_ends_at_once_exits_with_its_real_reason(void)
{
    CHECK_OK(regrow_trap_exit(true, NULL));
    for (size_t round = rounds(2000); round; round--) {
        CHECK_EXIT("boom", spawn_link(end_at_once, "boom"));
        CHECK_EXIT("normal", spawn_link(end_at_once, NULL));
    }
    CHECK_OK(regrow_trap_exit(false, NULL));
}

/* D2 */
static void ten_thousand_that_end_at_once_are_down_with_their_real_reason(void)
{
    size_t count = 10000;
    regrow_ref *monitors = calloc(count, sizeof *monitors);
    for (size_t at = 0; at < count; at++)
        spawn_monitor(end_at_once, at % 2 ? "boom" : NULL, &monitors[at]);
    for (size_t at = 0; at < count; at++)
        CHECK_DOWN(at % 2 ? "boom" : "normal", monitors[at]);
    free(monitors);
}

static int by_id(const void *left, const void *right)
{
    uint64_t one = ((const regrow_pid *)left)->id, two = ((const regrow_pid *)right)->id;
    return (one > two) - (one < two);
}

static void a_pid_is_never_used_again(void)
{
    size_t count = 10000;
    regrow_pid *pids = calloc(count, sizeof *pids);
    for (size_t at = 0; at < count; at++)
        pids[at] = somebody_dead();
    for (size_t at = 0; at < count; at++)
        CHECK(!regrow_is_alive(pids[at]));
    qsort(pids, count, sizeof *pids, by_id);
    for (size_t at = 1; at < count; at++)
        CHECK(pids[at - 1].id != pids[at].id);
    free(pids);
}

static void short_processes_leave_nothing(void)
{
    atomic_int dropped = 0;
    regrow_settled settled = { .size = sizeof settled };
    regrow_process_spec spec = process(end_at_once, NULL);
    spec.user = NULL;
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    uint64_t before = stats().processes;
    for (int at = 0; at < 10000; at++) {
        spec.body = at % 2 ? end_at_once : wait_for_the_end;
        spec.user = at % 2 ? NULL : (void *)&dropped;
        spec.drop_user = at % 2 ? NULL : count_up;
        regrow_pid pid;
        CHECK_OK(regrow_spawn(root, &spec, &pid));
        CHECK_OK(regrow_exit(pid, regrow_atom("kill")));
    }
    CHECK_OK(regrow_settle(root, LONG_MS, &settled));
    CHECK(settled.state == REGROW_QUIET);
    CHECK(stats().processes == before);
    EVENTUALLY(atomic_load(&dropped) == 5000);
    EVENTUALLY(stats().ghosts == 0);
}

static void user_is_given_back_when_nothing_was_started(void)
{
    atomic_int dropped = 0;
    regrow_process_spec spec = process(end_at_once, &dropped);
    spec.drop_user = count_up;
    spec.home = 77;
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_spawn(root, &spec, NULL));
    CHECK(dropped == 1);
    spec.home = REGROW_SHARED;
    CHECK(regrow_spawn((regrow_pid){ 0 }, &spec, NULL) != REGROW_OK);
    CHECK(dropped == 2);
}

/* ---- P2: sending ---- */

static void a_message_to_the_dead_is_dropped_once_and_no_error(void)
{
    atomic_int dropped = 0;
    regrow_pid dead = somebody_dead();
    CHECK_OK(regrow_send(dead, regrow_resource(&dropped, count_up)));
    CHECK(dropped == 1);
    CHECK_OK(regrow_cast(dead, regrow_resource(&dropped, count_up)));
    CHECK(dropped == 2);
    CHECK_OK(regrow_send((regrow_pid){ 0 }, regrow_resource(&dropped, count_up)));
    CHECK(dropped == 3);
}

static void a_message_to_an_unknown_name_is_an_error_and_dropped_once(void)
{
    atomic_int dropped = 0;
    regrow_address nobody = { .size = sizeof nobody, .runtime = root, .name = "nobody" };
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_send_at(&nobody, regrow_resource(&dropped, count_up)));
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_cast_at(&nobody, regrow_resource(&dropped, count_up)));
    CHECK(dropped == 2);
}

static void *send_from_a_thread_without_identity(void *pid)
{
    regrow_pid nobody;
    CHECK_ERROR(REGROW_ERR_CONTEXT, regrow_self(&nobody));
    CHECK_OK(regrow_send(*(regrow_pid *)pid, regrow_text("from outside")));
    return NULL;
}

static void any_thread_may_send(void)
{
    pthread_t thread;
    CHECK(!pthread_create(&thread, NULL, send_from_a_thread_without_identity, &self));
    CHECK_MESSAGE("<<102,114,111,109,32,111,117,116,115,105,100,101>>");
    CHECK(!pthread_join(thread, NULL));
}

static void a_broadcast_reaches_everybody_alive(void)
{
    regrow_pid pids[] = { self, somebody_dead(), self, { 0 } };
    regrow_term message = regrow_atom("all");
    CHECK_OK(regrow_broadcast(&message, pids, 4));
    CHECK_HERE("all");
    CHECK_HERE("all");
    regrow_term_free(&message);
}

/* ---- P3: order ---- */

static regrow_next count_to_1000(regrow_context *context, void *user)
{
    for (int number = 0; number < 1000; number++)
        CHECK_OK(regrow_send(*(regrow_pid *)user, regrow_int(number)));
    return regrow_stop_self(context, regrow_atom("counted"));
}

static void what_was_sent_before_an_end_comes_before_its_down_and_exit(void)
{
    CHECK_OK(regrow_trap_exit(true, NULL));
    for (size_t round = rounds(200); round; round--) {
        regrow_pid counter = spawn_link(count_to_1000, &self);
        regrow_ref monitor = monitored(counter);
        bool down = false, ended = false;
        int64_t next = 0, number;
        while (!down || !ended || next < 1000) {
            regrow_term message;
            CHECK_OK(regrow_receive(LONG_MS, &message));
            if (regrow_as_int(&message, &number)) {
                /* A monitor that came too late says noproc at once; the link was there from the start. */
                CHECK(number == next++ && !ended);
            } else if (is_down_of(&monitor, &message)) {
                CHECK(next == 1000 || regrow_is_atom(regrow_tuple_get(&message, 4), "noproc"));
                down = true;
            } else {
                CHECK(is_exit_of(&counter, &message) && next == 1000);
                ended = true;
            }
            regrow_term_free(&message);
        }
    }
    CHECK_OK(regrow_trap_exit(false, NULL));
}

static regrow_next send_and_signal(regrow_context *context, void *user)
{
    regrow_pid to = *(regrow_pid *)user;
    CHECK_OK(regrow_send(to, regrow_int(1)));
    CHECK_OK(regrow_exit(to, regrow_atom("two")));
    CHECK_OK(regrow_send(to, regrow_int(3)));
    CHECK_OK(regrow_exit(to, regrow_atom("four")));
    return REGROW_DONE;
}

static void exit_signals_keep_their_place_among_messages(void)
{
    CHECK_OK(regrow_trap_exit(true, NULL));
    regrow_pid sender = spawn(send_and_signal, &self);
    CHECK_MESSAGE("1");
    regrow_term message;
    CHECK_OK(regrow_receive(LONG_MS, &message));
    CHECK(is_exit_of(&sender, &message));
    CHECK_TERM("two", regrow_tuple_get(&message, 2));
    regrow_term_free(&message);
    CHECK_MESSAGE("3");
    CHECK_EXIT("four", sender);
    CHECK_OK(regrow_trap_exit(false, NULL));
}

/* ---- P4: receiving ---- */

static bool is_even(void *user, const regrow_term *message)
{
    int64_t number;
    return regrow_as_int(message, &number) && number % 2 == 0;
}

static bool is_nothing(void *user, const regrow_term *message)
{
    ++*(int *)user;
    return false;
}

static void what_does_not_match_stays_in_its_order(void)
{
    for (int number = 1; number <= 6; number++)
        CHECK_OK(regrow_send(self, regrow_int(number)));
    regrow_term message;
    for (int expected = 2; expected <= 4; expected += 2) {
        int64_t number;
        CHECK_OK(regrow_receive_match(is_even, NULL, 0, &message));
        CHECK(regrow_as_int(&message, &number) && number == expected);
    }
    int looked = 0;
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_receive_match(is_nothing, &looked, 0, &message));
    CHECK(looked == 4);
    CHECK_HERE("1");
    CHECK_HERE("3");
    CHECK_HERE("5");
    CHECK_HERE("6");
}

static void time_limit_0_looks_once(void)
{
    regrow_term message = regrow_atom("untouched");
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_receive(0, &message));
    CHECK_TERM("untouched", &message);
    CHECK_LAST_REASON("timeout");
}

static void a_time_limit_is_never_early(void)
{
    regrow_term message;
    for (uint32_t limit = 1; limit <= 20; limit += 3) {
        struct timespec before, after;
        clock_gettime(CLOCK_MONOTONIC, &before);
        CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_receive(limit, &message));
        clock_gettime(CLOCK_MONOTONIC, &after);
        int64_t ns = (after.tv_sec - before.tv_sec) * 1000000000LL + after.tv_nsec - before.tv_nsec;
        CHECK(ns >= limit * 1000000LL);
    }
}

static regrow_next pester(regrow_context *context, void *user)
{
    /* It is killed in either. */
    while (regrow_sleep(1) == REGROW_OK && regrow_send(*(regrow_pid *)user, regrow_int(1)) == REGROW_OK) {
    }
    return REGROW_DONE;
}

static void messages_that_do_not_match_do_not_put_the_limit_off(void)
{
    regrow_term message;
    regrow_pid pesterer = spawn(pester, &self);
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_receive_match(is_even, NULL, 50, &message));
    kill_and_wait(pesterer);
    EVENTUALLY(stats().ghosts == 0);
    CHECK_OK(regrow_flush(NULL));
}

static void flush_drops_what_is_there_and_nothing_else(void)
{
    atomic_int dropped = 0;
    size_t count = 77;
    CHECK_OK(regrow_flush(&count));
    CHECK(count == 0);
    for (int at = 0; at < 5; at++)
        CHECK_OK(regrow_send(self, regrow_resource(&dropped, count_up)));
    regrow_term message;
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_receive_match(is_even, NULL, 0, &message));
    CHECK_OK(regrow_send(self, regrow_resource(&dropped, count_up)));
    CHECK_OK(regrow_flush(&count));
    CHECK(count == 6 && dropped == 6);
    CHECK_OK(regrow_send(self, regrow_atom("later")));
    CHECK_HERE("later");
}

/* ---- P5: reasons ---- */

static regrow_next end_with(regrow_context *context, void *reason)
{
    return regrow_stop_self(context, regrow_term_clone(reason));
}

static regrow_next return_a_number(regrow_context *context, void *number)
{
    return *(regrow_next *)number;
}

static regrow_next stop_for_an_invalid_reason(regrow_context *context, void *user)
{
    return regrow_stop_self(context, regrow_atom(NULL));
}

static void a_reason_arrives_as_it_was_given(void)
{
    static const struct {
        const char *text;
        const char *shown;
    } cases[] = { { "normal", "normal" }, { "shutdown", "shutdown" }, { "kill", "kill" }, { "killed", "killed" },
                  { "noproc", "noproc" }, { "boom", "boom" } };
    CHECK_OK(regrow_trap_exit(true, NULL));
    for (size_t at = 0; at < sizeof cases / sizeof *cases; at++) {
        regrow_term reason = regrow_atom(cases[at].text);
        regrow_ref monitor;
        spawn_monitor(end_with, &reason, &monitor);
        CHECK_DOWN(cases[at].shown, monitor);
        CHECK_EXIT(cases[at].shown, spawn_link(end_with, &reason));
        regrow_term_free(&reason);
    }
    regrow_term deep = pair("shutdown", pair("why", regrow_int(7)));
    regrow_ref monitor;
    spawn_monitor(end_with, &deep, &monitor);
    CHECK_DOWN("{shutdown,{why,7}}", monitor);
    CHECK_EXIT("{shutdown,{why,7}}", spawn_link(end_with, &deep));
    regrow_term_free(&deep);
    CHECK_OK(regrow_trap_exit(false, NULL));
}

static void a_forgotten_return_is_bad_return_value(void)
{
    regrow_next numbers[] = { 0, 1, REGROW_ERR_TIMEOUT, -1, REGROW_READY, REGROW_NOREPLY, REGROW_IGNORE };
    for (size_t at = 0; at < sizeof numbers / sizeof *numbers; at++) {
        regrow_ref monitor;
        spawn_monitor(return_a_number, &numbers[at], &monitor);
        CHECK_DOWN("bad_return_value", monitor);
    }
    regrow_ref monitor;
    spawn_monitor(stop_for_an_invalid_reason, NULL, &monitor);
    regrow_term down;
    CHECK_OK(regrow_receive_match(is_down_of, &monitor, LONG_MS, &down));
    CHECK(!regrow_is_atom(regrow_tuple_get(&down, 4), "normal"));
    regrow_term_free(&down);
}

/* ---- P8: stopping ---- */

typedef struct stoppable {
    gate gate;
    atomic_int terminated;
    atomic_int dropped;
    atomic_int handled;
} stoppable;

static regrow_next stoppable_call(regrow_context *context, void *state, const regrow_term *request)
{
    atomic_fetch_add(&((stoppable *)state)->handled, 1);
    return regrow_reply(context, regrow_term_clone(request));
}

static regrow_next stoppable_info(regrow_context *context, void *state, const regrow_term *message)
{
    stoppable *mine = state;
    gate_pass(&mine->gate);
    atomic_fetch_add(&mine->handled, 1);
    return REGROW_NOREPLY;
}

static void stoppable_terminate(regrow_context *context, void *state, const regrow_term *reason)
{
    CHECK_TERM("{bye,1}", reason);
    CHECK(((stoppable *)state)->dropped == 0);
    atomic_fetch_add(&((stoppable *)state)->terminated, 1);
}

static void stoppable_drop(void *state)
{
    CHECK(((stoppable *)state)->terminated == 1);
    atomic_fetch_add(&((stoppable *)state)->dropped, 1);
}

static void a_stop_waits_its_turn_runs_terminate_and_answers_what_is_left(void)
{
    static stoppable mine;
    gate_make(&mine.gate);
    regrow_server_spec spec = { .size = sizeof spec, .init = take_user, .handle_call = stoppable_call,
                                .handle_info = stoppable_info, .terminate = stoppable_terminate,
                                .drop = stoppable_drop, .user = &mine };
    regrow_pid server = start_server(&spec);
    regrow_ref monitor = monitored(server);
    regrow_request *before, *stop, *after;
    atomic_int undelivered = 0;
    regrow_term answer;

    CHECK_OK(regrow_send(server, regrow_atom("work")));
    gate_reached(&mine.gate);
    CHECK_OK(regrow_call_async(server, regrow_int(1), LONG_MS, &before));
    CHECK_OK(regrow_stop_async(server, pair("bye", regrow_int(1)), LONG_MS, &stop));
    CHECK_OK(regrow_call_async(server, regrow_resource(&undelivered, count_up), LONG_MS, &after));
    CHECK_OK(regrow_cast(server, regrow_resource(&undelivered, count_up)));
    CHECK_OK(regrow_send(server, regrow_resource(&undelivered, count_up)));
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_request_wait(stop, 0, NULL));
    CHECK(regrow_is_alive(server) && mine.terminated == 0 && undelivered == 0);
    gate_open(&mine.gate);

    CHECK_OK(regrow_request_wait(stop, LONG_MS, NULL));
    CHECK(!regrow_is_alive(server));
    CHECK_DOWN("{bye,1}", monitor);
    CHECK_OK(regrow_request_wait(before, LONG_MS, &answer));
    CHECK_TERM("1", &answer);
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_request_wait(after, LONG_MS, NULL));
    CHECK_LAST_REASON("{bye,1}");
    EVENTUALLY(mine.dropped == 1 && undelivered == 3);
    CHECK(mine.terminated == 1 && mine.handled == 2);
    CHECK_ERROR(REGROW_ERR_NO_PROCESS, regrow_stop(server, regrow_atom("normal"), LONG_MS));
    CHECK_LAST_REASON("noproc");
    regrow_request_free(before);
    regrow_request_free(stop);
    regrow_request_free(after);
    CHECK(mine.dropped == 1 && undelivered == 3);
}

static regrow_next stop_otherwise(regrow_context *context, void *state, const regrow_term *message)
{
    return regrow_stop_self(context, regrow_atom("otherwise"));
}

static void a_stop_tells_when_the_end_had_another_reason(void)
{
    static stoppable mine;
    gate_make(&mine.gate);
    regrow_server_spec spec = { .size = sizeof spec, .init = take_user, .handle_info = stoppable_info,
                                .handle_cast = stop_otherwise, .user = &mine };
    regrow_pid server = start_server(&spec);
    regrow_request *stop;
    CHECK_OK(regrow_send(server, regrow_atom("work")));
    CHECK_OK(regrow_cast(server, regrow_atom("end")));
    CHECK_OK(regrow_stop_async(server, regrow_atom("normal"), LONG_MS, &stop));
    gate_open(&mine.gate);
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_request_wait(stop, LONG_MS, NULL));
    CHECK_LAST_REASON("otherwise");
    regrow_request_free(stop);
}

static void a_stop_that_takes_too_long_goes_on(void)
{
    static stoppable mine;
    gate_make(&mine.gate);
    regrow_server_spec spec = { .size = sizeof spec, .init = take_user, .handle_info = stoppable_info,
                                .user = &mine };
    regrow_pid server = start_server(&spec);
    regrow_ref monitor = monitored(server);
    CHECK_OK(regrow_send(server, regrow_atom("work")));
    gate_reached(&mine.gate);
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_stop(server, regrow_atom("late"), 5));
    CHECK(regrow_is_alive(server));
    gate_open(&mine.gate);
    CHECK_DOWN("late", monitor);
}

/* ---- P7: aliases ---- */

typedef struct answering {
    regrow_pid to;
    regrow_ref alias;
} answering;

static regrow_next answer_to_alias(regrow_context *context, void *user)
{
    answering *answering = user;
    CHECK_OK(regrow_send_alias(answering->to, answering->alias, regrow_text("a message that lies in memory of its own")));
    return REGROW_DONE;
}

static void what_is_sent_to_an_alias_comes_until_it_is_taken_away(void)
{
    answering answering = { .to = self };
    regrow_ref monitor;
    bool removed;
    CHECK_OK(regrow_alias(&answering.alias));
    CHECK_OK(regrow_send_alias(self, answering.alias, regrow_atom("first")));
    CHECK_HERE("first");
    CHECK_OK(regrow_unalias(answering.alias, &removed));
    CHECK(removed);
    CHECK_OK(regrow_unalias(answering.alias, &removed));
    CHECK(!removed);
    CHECK_OK(regrow_send_alias(self, answering.alias, regrow_atom("late")));
    CHECK_NO_MESSAGE();
    /* Before or after, whoever is faster; nothing comes once it was taken away. */
    for (size_t round = 0; round < rounds(2000); round++) {
        size_t waiting;
        CHECK_OK(regrow_alias(&answering.alias));
        spawn_monitor(answer_to_alias, &answering, &monitor);
        CHECK_OK(regrow_unalias(answering.alias, NULL));
        CHECK_OK(regrow_flush(&waiting));
        regrow_term message;
        /* Its DOWN may have been flushed; nothing but that comes after it. */
        CHECK_OK(regrow_settle(root, LONG_MS, NULL));
        while (regrow_receive(0, &message) == REGROW_OK) {
            CHECK(regrow_is_tuple(&message));
            regrow_term_free(&message);
        }
    }
    /* Of nobody, of another one, and to the dead. */
    CHECK_OK(regrow_send_alias(self, (regrow_ref){ 7 }, regrow_atom("late")));
    CHECK_OK(regrow_alias(&answering.alias));
    CHECK_OK(regrow_send_alias(root, answering.alias, regrow_atom("late")));
    CHECK_OK(regrow_send_alias(somebody_dead(), answering.alias, regrow_atom("late")));
    CHECK_OK(regrow_unalias(answering.alias, NULL));
    CHECK_NO_MESSAGE();
}

static void a_monitor_is_an_alias_until_it_fires_or_goes(void)
{
    regrow_pid pid = spawn(wait_for_the_end, NULL);
    regrow_ref monitor = monitored(pid), other = monitored(pid);
    CHECK_OK(regrow_send_alias(self, monitor, regrow_atom("answer")));
    CHECK_HERE("answer");
    CHECK_OK(regrow_demonitor(monitor, REGROW_FLUSH, NULL));
    CHECK_OK(regrow_send_alias(self, monitor, regrow_atom("late")));
    CHECK_OK(regrow_exit(pid, regrow_atom("kill")));
    CHECK_DOWN("killed", other);
    CHECK_OK(regrow_send_alias(self, other, regrow_atom("late")));
    CHECK_NO_MESSAGE();
}

/* ---- P11: ancestors and labels ---- */

static const regrow_term *info_of(regrow_term *map, const char *key)
{
    regrow_term name = regrow_atom(key);
    return regrow_map_get(map, &name);
}

enum { GENERATIONS = 300 };

static regrow_next be_an_ancestor(regrow_context *context, void *user)
{
    intptr_t left = (intptr_t)user;
    regrow_pid me;
    CHECK_OK(regrow_self(&me));
    if (left == GENERATIONS)
        CHECK_OK(regrow_register(me, "ancestor"));
    if (left > 0) {
        regrow_pid child = spawn_link(be_an_ancestor, (void *)(left - 1));
        CHECK_OK(regrow_unlink(child));
        /* The name is that of the moment of the start. */
        if (left == GENERATIONS)
            CHECK_OK(regrow_unregister(root, "ancestor"));
        return REGROW_DONE;
    }
    CHECK_OK(regrow_send(self, regrow_from_pid(me)));
    return wait_for_the_end(context, NULL);
}

static void the_ancestors_are_those_of_the_start_dead_or_alive(void)
{
    regrow_server_spec server = { .size = sizeof server };
    regrow_child_spec how = child(REGROW_SERVER, &server);
    regrow_supervisor_spec supervisor = { .size = sizeof supervisor, .children = &how, .child_count = 1 };
    regrow_child_spec tree = child(REGROW_SUPERVISOR, &supervisor);
    regrow_pid top, leaf;
    regrow_term map, children;
    char expected[100], pid[40];
    how.id = "leaf";
    tree.name = "top";
    CHECK_OK(regrow_start_link(&tree, &top));
    CHECK_OK(regrow_supervisor_which_children(top, &children));
    CHECK(regrow_as_pid(regrow_tuple_get(regrow_list_head(&children), 1), &leaf));
    regrow_term_free(&children);
    CHECK_OK(regrow_info(leaf, &map));
    regrow_term me = regrow_from_pid(self);
    regrow_term_print(&me, pid, sizeof pid);
    snprintf(expected, sizeof expected, "[<<116,111,112>>,%s]", pid);
    CHECK_TERM(expected, info_of(&map, "ancestors"));
    regrow_term_free(&map);
    CHECK_OK(regrow_unlink(top));
    kill_and_wait(top);

    /* A family of which only the last lives; what is shown ends somewhere. */
    for (intptr_t count = 1; count <= GENERATIONS; count += GENERATIONS - 1) {
        regrow_pid first = spawn_link(be_an_ancestor, (void *)count);
        regrow_term last;
        CHECK_OK(regrow_unlink(first));
        CHECK_OK(regrow_receive(LONG_MS, &last));
        CHECK(regrow_as_pid(&last, &leaf));
        EVENTUALLY(!regrow_is_alive(first));
        CHECK_OK(regrow_info(leaf, &map));
        size_t length;
        CHECK(regrow_list_length(info_of(&map, "ancestors"), &length));
        CHECK(length == (count == 1 ? 2 : 64));
        regrow_term_free(&map);
        kill_and_wait(leaf);
    }
}

static regrow_next be_the_grandchild(regrow_context *context, void *user)
{
    regrow_term label = pair("worker", regrow_int(7)), map;
    regrow_pid me;
    CHECK_OK(regrow_self(&me));
    CHECK_OK(regrow_set_label(&label));
    regrow_term_free(&label);
    CHECK_OK(regrow_info(me, &map));
    CHECK_OK(regrow_send(self, map));
    return wait_for_the_end(context, NULL);
}

static regrow_next be_the_child(regrow_context *context, void *user)
{
    *(regrow_pid *)user = spawn_link(be_the_grandchild, NULL);
    return wait_for_the_end(context, NULL);
}

static void a_process_tells_its_ancestors_and_its_label(void)
{
    regrow_pid child_pid, grandchild, found;
    regrow_term map;
    child_pid = spawn_link(be_the_child, &grandchild);
    CHECK_OK(regrow_receive(LONG_MS, &map));
    CHECK_OK(regrow_settle(root, LONG_MS, NULL)); /* whoever started it has noted whom */
    const regrow_term *ancestors = info_of(&map, "ancestors");
    size_t length;
    CHECK(regrow_list_length(ancestors, &length) && length == 2);
    CHECK(regrow_as_pid(regrow_list_head(ancestors), &found) && found.id == child_pid.id);
    CHECK(regrow_as_pid(regrow_list_head(regrow_list_tail(ancestors)), &found) && found.id == self.id);
    CHECK(regrow_as_pid(info_of(&map, "parent"), &found) && found.id == child_pid.id);
    CHECK(regrow_as_pid(info_of(&map, "pid"), &found) && found.id == grandchild.id);
    CHECK_TERM("{worker,7}", info_of(&map, "label"));
    CHECK_TERM("running", info_of(&map, "status"));
    CHECK_TERM("false", info_of(&map, "trap_exit"));
    CHECK_TERM("undefined", info_of(&map, "name"));
    CHECK(regrow_list_length(info_of(&map, "links"), &length) && length == 1);
    regrow_term_free(&map);

    /* Whoever was only spawned has no ancestors: nobody is answerable for it. */
    regrow_pid lonely = spawn(wait_for_the_end, NULL);
    CHECK_OK(regrow_info(lonely, &map));
    CHECK_TERM("[]", info_of(&map, "ancestors"));
    CHECK_TERM("undefined", info_of(&map, "parent"));
    CHECK_TERM("undefined", info_of(&map, "label"));
    regrow_term_free(&map);
    kill_and_wait(lonely);
    CHECK_ERROR(REGROW_ERR_NO_PROCESS, regrow_info(lonely, &map));
    CHECK_OK(regrow_unlink(child_pid));
    kill_and_wait(child_pid);
    EVENTUALLY(!regrow_is_alive(grandchild));
}

int main(void)
{
    open_runtime((regrow_options){ .workers = 3 });
    RUN(a_body_runs_in_a_process_of_its_own);
    RUN(a_linked_body_that_ends_at_once_exits_with_its_real_reason);
    RUN(ten_thousand_that_end_at_once_are_down_with_their_real_reason);
    RUN(a_pid_is_never_used_again);
    RUN(short_processes_leave_nothing);
    RUN(user_is_given_back_when_nothing_was_started);
    RUN(a_message_to_the_dead_is_dropped_once_and_no_error);
    RUN(a_message_to_an_unknown_name_is_an_error_and_dropped_once);
    RUN(any_thread_may_send);
    RUN(a_broadcast_reaches_everybody_alive);
    RUN(what_was_sent_before_an_end_comes_before_its_down_and_exit);
    RUN(exit_signals_keep_their_place_among_messages);
    RUN(what_does_not_match_stays_in_its_order);
    RUN(time_limit_0_looks_once);
    RUN(a_time_limit_is_never_early);
    RUN(messages_that_do_not_match_do_not_put_the_limit_off);
    RUN(flush_drops_what_is_there_and_nothing_else);
    RUN(a_reason_arrives_as_it_was_given);
    RUN(a_forgotten_return_is_bad_return_value);
    RUN(a_stop_waits_its_turn_runs_terminate_and_answers_what_is_left);
    RUN(a_stop_tells_when_the_end_had_another_reason);
    RUN(a_stop_that_takes_too_long_goes_on);
    RUN(what_is_sent_to_an_alias_comes_until_it_is_taken_away);
    RUN(a_monitor_is_an_alias_until_it_fires_or_goes);
    RUN(a_process_tells_its_ancestors_and_its_label);
    RUN(the_ancestors_are_those_of_the_start_dead_or_alive);
    close_runtime();
    return 0;
}
