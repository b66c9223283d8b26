/* Links, monitors and exit signals (FEATURES L1 to L5, D2, D3). Where OTP is quoted, OTP 25 was asked. */
#include "support.h"

static void trap(bool yes)
{
    CHECK_OK(regrow_trap_exit(yes, NULL));
}

/* ---- L1: monitors ---- */

static void each_monitor_gives_one_down(void)
{
    regrow_pid pid = spawn(wait_for_the_end, NULL);
    regrow_ref one = monitored(pid), two = monitored(pid);
    CHECK(one.id != two.id);
    CHECK_OK(regrow_exit(pid, regrow_atom("boom")));
    CHECK_DOWN("boom", one);
    CHECK_DOWN("boom", two);
    CHECK_NO_MESSAGE();
}

static void a_down_has_otps_shape(void)
{
    regrow_pid named, pid = spawn(wait_for_the_end, NULL);
    regrow_ref found, monitor = monitored(pid);
    regrow_term down;
    CHECK_OK(regrow_exit(pid, pair("why", regrow_int(1))));
    CHECK_OK(regrow_receive(LONG_MS, &down));
    size_t size;
    CHECK(regrow_tuple_size(&down, &size) && size == 5);
    CHECK_TERM("'DOWN'", regrow_tuple_get(&down, 0));
    CHECK(regrow_as_ref(regrow_tuple_get(&down, 1), &found) && found.id == monitor.id);
    CHECK_TERM("process", regrow_tuple_get(&down, 2));
    CHECK(regrow_as_pid(regrow_tuple_get(&down, 3), &named) && named.id == pid.id);
    CHECK_TERM("{why,1}", regrow_tuple_get(&down, 4));
    regrow_term_free(&down);
}

static void a_monitor_of_the_dead_is_noproc_at_once(void)
{
    regrow_term down;
    regrow_pid dead[] = { somebody_dead(), { 0 } };
    for (int at = 0; at < 2; at++) {
        regrow_ref monitor = monitored(dead[at]);
        CHECK_OK(regrow_receive_match(is_down_of, &monitor, 0, &down));
        CHECK_TERM("noproc", regrow_tuple_get(&down, 4));
        regrow_term_free(&down);
    }
}

static void a_monitor_of_oneself_is_a_ref_and_nothing_more(void)
{
    regrow_ref monitor = monitored(self);
    bool removed = true;
    CHECK_OK(regrow_demonitor(monitor, 0, &removed));
}

static void a_monitor_by_name_names_it_in_its_down(void)
{
    regrow_pid pid = spawn(wait_for_the_end, NULL);
    regrow_address address = { .size = sizeof address, .runtime = root, .name = "watched" };
    regrow_ref monitor;
    regrow_term down;
    CHECK_OK(regrow_register(pid, "watched"));
    for (int life = 0; life < 2; life++) { /* the second time nobody is there */
        CHECK_OK(regrow_monitor_at(&address, &monitor));
        CHECK_OK(regrow_exit(pid, regrow_atom("boom")));
        CHECK_OK(regrow_receive_match(is_down_of, &monitor, LONG_MS, &down));
        const regrow_term *named = regrow_tuple_get(&down, 3);
        char text[60];
        regrow_term_print(named, text, sizeof text);
        CHECK(strstr(text, "<<119,97,116,99,104,101,100>>")); /* "watched" */
        CHECK_TERM(life ? "noproc" : "boom", regrow_tuple_get(&down, 4));
        regrow_term_free(&down);
    }
}

static void demonitor_says_whether_there_was_one(void)
{
    bool removed = false;
    regrow_pid pid = spawn(wait_for_the_end, NULL);
    regrow_ref monitor = monitored(pid), other = monitored(pid);
    CHECK_OK(regrow_demonitor(monitor, 0, &removed));
    CHECK(removed);
    CHECK_OK(regrow_demonitor(monitor, 0, &removed));
    CHECK(!removed);
    CHECK_OK(regrow_exit(pid, regrow_atom("boom")));
    CHECK_DOWN("boom", other);
    CHECK_OK(regrow_demonitor(other, 0, &removed));
    CHECK(!removed);
    CHECK_OK(regrow_demonitor((regrow_ref){ 0 }, 0, &removed));
    CHECK(!removed);
}

static void demonitor_without_flush_leaves_a_down_that_came(void)
{
    regrow_pid pid = spawn(wait_for_the_end, NULL);
    regrow_ref monitor = monitored(pid);
    bool removed = true;
    kill_and_wait(pid);
    CHECK_OK(regrow_demonitor(monitor, 0, &removed));
    CHECK(!removed);
    CHECK_DOWN("killed", monitor);
}

/* Waits for a word, then ends, so that its end and what the other does meet. */
static regrow_next end_at_a_word(regrow_context *context, void *user)
{
    regrow_term message;
    CHECK_OK(regrow_receive(REGROW_INFINITY, &message));
    regrow_term_free(&message);
    return regrow_stop_self(context, regrow_atom("boom"));
}

static atomic_bool noisy;

/* Has the scheduler of the operating system interrupt whoever is in the middle of something. */
static void *make_noise(void *nothing)
{
    while (atomic_load(&noisy))
        sched_yield();
    return NULL;
}

static void after_demonitor_with_flush_no_down_ever_comes(void)
{
    pthread_t noise;
    atomic_store(&noisy, true);
    CHECK(!pthread_create(&noise, NULL, make_noise, NULL));
    for (size_t round = rounds(20000); round; round--) {
        regrow_pid pid = spawn(end_at_a_word, NULL);
        regrow_ref monitor = monitored(pid);
        CHECK_OK(regrow_send(pid, regrow_nil()));
        for (volatile size_t pause = round * 7 % 400; pause; pause--) {
        }
        CHECK_OK(regrow_demonitor(monitor, REGROW_FLUSH, NULL));
    }
    atomic_store(&noisy, false);
    CHECK(!pthread_join(noise, NULL));
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    CHECK_NO_MESSAGE();
}

/* ---- L2: links ---- */

static void a_link_works_both_ways_and_counts_once(void)
{
    trap(true);
    regrow_pid pid = spawn(wait_for_the_end, NULL);
    CHECK_OK(regrow_link(pid));
    CHECK_OK(regrow_link(pid));
    CHECK_OK(regrow_exit(pid, regrow_atom("boom")));
    CHECK_EXIT("boom", pid);
    CHECK_NO_MESSAGE();
    trap(false);
}

static void one_unlink_is_enough(void)
{
    trap(true);
    regrow_pid pid = spawn(wait_for_the_end, NULL);
    CHECK_OK(regrow_link(pid));
    CHECK_OK(regrow_link(pid));
    CHECK_OK(regrow_unlink(pid));
    CHECK_OK(regrow_unlink(pid));
    kill_and_wait(pid);
    CHECK_NO_MESSAGE();
    trap(false);
}

static regrow_next link_with(regrow_context *context, void *user)
{
    regrow_pid other = *(regrow_pid *)user;
    CHECK_OK(regrow_link(other));
    CHECK_OK(regrow_send(self, regrow_atom("linked")));
    return wait_for_the_end(context, NULL);
}

static void a_link_that_the_other_made_works_both_ways(void)
{
    regrow_pid one = spawn(wait_for_the_end, NULL), two = spawn(link_with, &one);
    regrow_ref monitor = monitored(two);
    CHECK_MESSAGE("linked");
    CHECK_OK(regrow_exit(one, regrow_atom("boom")));
    CHECK_DOWN("boom", monitor);

    one = spawn(wait_for_the_end, NULL), two = spawn(link_with, &one);
    monitor = monitored(one);
    CHECK_MESSAGE("linked");
    CHECK_OK(regrow_exit(two, regrow_atom("boom")));
    CHECK_DOWN("boom", monitor);
}

static regrow_next link_unlink(regrow_context *context, void *user)
{
    regrow_pid other = *(regrow_pid *)user;
    CHECK_OK(regrow_link(other));
    CHECK_OK(regrow_unlink(other));
    CHECK_OK(regrow_send(self, regrow_atom("unlinked")));
    return wait_for_the_end(context, NULL);
}

static void after_unlink_neither_hears_of_the_other(void)
{
    regrow_pid one = spawn(wait_for_the_end, NULL), two = spawn(link_unlink, &one);
    CHECK_MESSAGE("unlinked");
    kill_and_wait(one);
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    CHECK(regrow_is_alive(two));
    kill_and_wait(two);
}

static void after_unlink_and_a_look_no_exit_ever_comes(void)
{
    trap(true);
    for (size_t round = rounds(20000); round; round--) {
        regrow_pid pid = spawn_link(end_at_a_word, NULL);
        CHECK_OK(regrow_send(pid, regrow_nil()));
        for (volatile size_t pause = round * 7 % 400; pause; pause--) {
        }
        CHECK_OK(regrow_unlink(pid));
        /* As in OTP one may have come before. */
        regrow_term message;
        if (regrow_receive_match(is_exit_of, &pid, 0, &message) == REGROW_OK)
            regrow_term_free(&message);
    }
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    CHECK_NO_MESSAGE();
    trap(false);
}

static void a_link_with_oneself_is_nothing(void)
{
    CHECK_OK(regrow_link(self));
    CHECK_OK(regrow_unlink(self));
}

static void a_link_with_the_dead_is_noproc(void)
{
    regrow_pid dead = somebody_dead();
    CHECK_ERROR(REGROW_ERR_NO_PROCESS, regrow_link(dead));
    CHECK_LAST_REASON("noproc");
    CHECK_NO_MESSAGE();
    trap(true);
    CHECK_OK(regrow_link(dead));
    CHECK_EXIT("noproc", dead);
    CHECK_OK(regrow_unlink(dead));
    trap(false);
}

/* ---- L3, D3: who dies of what (E.4) ---- */

static regrow_next trap_and_report(regrow_context *context, void *user)
{
    regrow_term message;
    CHECK_OK(regrow_trap_exit(true, NULL));
    CHECK_OK(regrow_send(self, regrow_atom("ready")));
    if (regrow_receive(REGROW_INFINITY, &message) == REGROW_OK)
        CHECK_OK(regrow_send(self, message));
    return REGROW_DONE;
}

static void a_kill_ends_anybody_as_killed(void)
{
    regrow_ref monitor;
    regrow_pid plain = spawn_monitor(wait_for_the_end, NULL, &monitor);
    CHECK_OK(regrow_exit(plain, regrow_atom("kill")));
    CHECK_DOWN("killed", monitor);
    regrow_pid trapping = spawn_monitor(trap_and_report, NULL, &monitor);
    CHECK_MESSAGE("ready");
    CHECK_OK(regrow_exit(trapping, regrow_atom("kill")));
    CHECK_DOWN("killed", monitor);
}

static void an_end_of_its_own_with_kill_stays_kill(void)
{
    regrow_ref monitor;
    spawn_monitor(end_at_once, "kill", &monitor);
    CHECK_DOWN("kill", monitor);
}

static void a_kill_through_a_link_can_be_trapped_and_stays_kill(void)
{
    trap(true);
    CHECK_EXIT("kill", spawn_link(end_at_once, "kill"));
    trap(false);
}

static regrow_next link_to_one_that_ends(regrow_context *context, void *reason)
{
    spawn_link(end_at_once, reason);
    return wait_for_the_end(context, NULL);
}

static void a_kill_through_a_link_ends_who_does_not_trap_as_kill(void)
{
    regrow_ref monitor;
    spawn_monitor(link_to_one_that_ends, "kill", &monitor);
    CHECK_DOWN("kill", monitor);
    spawn_monitor(link_to_one_that_ends, "boom", &monitor);
    CHECK_DOWN("boom", monitor);
}

static void a_normal_end_does_nothing_to_the_linked(void)
{
    regrow_pid pid = spawn(link_to_one_that_ends, NULL);
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    CHECK(regrow_is_alive(pid));
    kill_and_wait(pid);
}

static void killed_is_what_the_linked_of_a_killed_one_hear(void)
{
    trap(true);
    regrow_pid pid = spawn_link(wait_for_the_end, NULL);
    CHECK_OK(regrow_exit(pid, regrow_atom("kill")));
    CHECK_EXIT("killed", pid);
    trap(false);
}

static void an_exit_signal_normal_does_nothing_to_another(void)
{
    regrow_pid pid = spawn(wait_for_the_end, NULL);
    CHECK_OK(regrow_exit(pid, regrow_atom("normal")));
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    CHECK(regrow_is_alive(pid));
    kill_and_wait(pid);
}

static void an_exit_signal_normal_reaches_one_who_traps(void)
{
    regrow_ref monitor;
    regrow_term message;
    regrow_pid pid = spawn_monitor(trap_and_report, NULL, &monitor);
    CHECK_MESSAGE("ready");
    CHECK_OK(regrow_exit(pid, regrow_atom("normal")));
    CHECK_OK(regrow_receive(LONG_MS, &message));
    CHECK(is_exit_of(&self, &message));
    CHECK_TERM("normal", regrow_tuple_get(&message, 2));
    regrow_term_free(&message);
    CHECK_DOWN("normal", monitor);
}

static regrow_next exit_oneself(regrow_context *context, void *reason)
{
    regrow_pid me;
    CHECK_OK(regrow_self(&me));
    CHECK_OK(regrow_exit(me, regrow_atom(reason)));
    regrow_term message;
    CHECK_ERROR(REGROW_ERR_KILLED, regrow_receive(REGROW_INFINITY, &message));
    return regrow_stop_self(context, regrow_atom("too_late"));
}

static void an_exit_signal_to_oneself_ends_with_its_reason(void)
{
    regrow_ref monitor;
    spawn_monitor(exit_oneself, "normal", &monitor);
    CHECK_DOWN("normal", monitor);
    spawn_monitor(exit_oneself, "boom", &monitor);
    CHECK_DOWN("boom", monitor);
    spawn_monitor(exit_oneself, "kill", &monitor);
    CHECK_DOWN("killed", monitor);
}

static void an_exit_signal_to_oneself_while_trapping_is_a_message(void)
{
    trap(true);
    CHECK_OK(regrow_exit(self, regrow_atom("normal")));
    CHECK_EXIT("normal", self);
    CHECK_OK(regrow_exit(self, regrow_atom("boom")));
    CHECK_EXIT("boom", self);
    trap(false);
}

static void a_signal_to_the_dead_is_no_error(void)
{
    CHECK_OK(regrow_exit(somebody_dead(), regrow_atom("boom")));
    CHECK_OK(regrow_exit((regrow_pid){ 0 }, regrow_atom("kill")));
    CHECK_OK(regrow_unlink(somebody_dead()));
}

static void the_first_fatal_reason_wins(void)
{
    regrow_ref monitor;
    regrow_pid pid = spawn_monitor(wait_for_the_end, NULL, &monitor);
    CHECK_OK(regrow_exit(pid, regrow_atom("first")));
    CHECK_OK(regrow_exit(pid, regrow_atom("second")));
    CHECK_OK(regrow_exit(pid, regrow_atom("kill")));
    CHECK_DOWN("first", monitor);
}

static regrow_next link_to_the_next(regrow_context *context, void *user)
{
    size_t left = (size_t)user;
    if (left)
        spawn_link(link_to_the_next, (void *)(left - 1));
    else
        CHECK_OK(regrow_send(self, regrow_atom("complete")));
    return wait_for_the_end(context, NULL);
}

static void a_chain_of_links_ends_to_its_last(void)
{
    enum { LENGTH = 10000 };
    regrow_ref monitor;
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    uint64_t before = stats().processes;
    regrow_pid first = spawn_monitor(link_to_the_next, (void *)(size_t)LENGTH, &monitor);
    CHECK_MESSAGE("complete");
    CHECK(stats().processes == before + LENGTH + 1);
    CHECK_OK(regrow_exit(first, regrow_atom("boom")));
    CHECK_DOWN("boom", monitor);
    EVENTUALLY(stats().processes == before);
}

static void trap_exit_tells_how_it_was(void)
{
    bool before = true;
    CHECK_OK(regrow_trap_exit(true, &before));
    CHECK(!before);
    CHECK_OK(regrow_trap_exit(false, &before));
    CHECK(before);
}

/* ---- L4: released before anybody is told ---- */

static regrow_next take_a_name(regrow_context *context, void *name)
{
    regrow_pid me;
    regrow_term message;
    CHECK_OK(regrow_self(&me));
    CHECK_OK(regrow_register(me, name));
    CHECK_OK(regrow_send(self, regrow_atom("named")));
    if (regrow_receive(REGROW_INFINITY, &message) == REGROW_OK)
        regrow_term_free(&message);
    return REGROW_DONE;
}

static void who_hears_of_an_end_finds_its_name_free(void)
{
    regrow_pid found;
    trap(true);
    for (size_t round = rounds(3000); round; round--) {
        regrow_pid pid = spawn_link(take_a_name, "brief");
        CHECK_MESSAGE("named");
        regrow_ref monitor = monitored(pid);
        switch (round % 3) {
        case 0: /* by DOWN */
            CHECK_OK(regrow_send(pid, regrow_nil()));
            CHECK_DOWN("normal", monitor);
            CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_whereis(root, "brief", &found));
            CHECK(!regrow_is_alive(pid));
            CHECK_EXIT("normal", pid);
            break;
        case 1: /* by EXIT */
            CHECK_OK(regrow_exit(pid, regrow_atom("kill")));
            CHECK_EXIT("killed", pid);
            CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_whereis(root, "brief", &found));
            CHECK(!regrow_is_alive(pid));
            CHECK_DOWN("killed", monitor);
            break;
        default: /* by not being alive */
            CHECK_OK(regrow_send(pid, regrow_nil()));
            while (regrow_is_alive(pid)) {
            }
            CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_whereis(root, "brief", &found));
            CHECK_DOWN("normal", monitor);
            CHECK_EXIT("normal", pid);
        }
    }
    trap(false);
}

static regrow_next hang_up(regrow_context *context, void *state, const regrow_term *request)
{
    return regrow_stop_self(context, regrow_atom("hung_up"));
}

static regrow_next reply_and_stop(regrow_context *context, void *state, const regrow_term *request)
{
    return regrow_reply_stop(context, regrow_atom("bye"), regrow_atom("normal"));
}

static void who_is_answered_by_an_end_finds_its_name_free(void)
{
    regrow_server_spec hangs_up = { .size = sizeof hangs_up, .handle_call = hang_up };
    regrow_server_spec says_bye = { .size = sizeof says_bye, .handle_call = reply_and_stop };
    for (size_t round = rounds(5000); round; round--) {
        bool polite = round % 2;
        regrow_child_spec how = child(REGROW_SERVER, polite ? &says_bye : &hangs_up);
        how.name = "brief";
        regrow_pid pid;
        CHECK_OK(regrow_start(root, &how, &pid)); /* never already_started: the name is free again */
        regrow_error error = regrow_call(pid, regrow_nil(), LONG_MS, NULL);
        CHECK(error == (polite ? REGROW_OK : REGROW_ERR_EXITED));
        CHECK(!regrow_is_alive(pid));
    }
}

int main(void)
{
    open_runtime((regrow_options){ .workers = 3 });
    RUN(each_monitor_gives_one_down);
    RUN(a_down_has_otps_shape);
    RUN(a_monitor_of_the_dead_is_noproc_at_once);
    RUN(a_monitor_of_oneself_is_a_ref_and_nothing_more);
    RUN(a_monitor_by_name_names_it_in_its_down);
    RUN(demonitor_says_whether_there_was_one);
    RUN(demonitor_without_flush_leaves_a_down_that_came);
    RUN(after_demonitor_with_flush_no_down_ever_comes);
    RUN(a_link_works_both_ways_and_counts_once);
    RUN(one_unlink_is_enough);
    RUN(a_link_that_the_other_made_works_both_ways);
    RUN(after_unlink_neither_hears_of_the_other);
    RUN(after_unlink_and_a_look_no_exit_ever_comes);
    RUN(a_link_with_oneself_is_nothing);
    RUN(a_link_with_the_dead_is_noproc);
    RUN(a_kill_ends_anybody_as_killed);
    RUN(an_end_of_its_own_with_kill_stays_kill);
    RUN(a_kill_through_a_link_can_be_trapped_and_stays_kill);
    RUN(a_kill_through_a_link_ends_who_does_not_trap_as_kill);
    RUN(a_normal_end_does_nothing_to_the_linked);
    RUN(killed_is_what_the_linked_of_a_killed_one_hear);
    RUN(an_exit_signal_normal_does_nothing_to_another);
    RUN(an_exit_signal_normal_reaches_one_who_traps);
    RUN(an_exit_signal_to_oneself_ends_with_its_reason);
    RUN(an_exit_signal_to_oneself_while_trapping_is_a_message);
    RUN(a_signal_to_the_dead_is_no_error);
    RUN(the_first_fatal_reason_wins);
    RUN(a_chain_of_links_ends_to_its_last);
    RUN(trap_exit_tells_how_it_was);
    RUN(who_hears_of_an_end_finds_its_name_free);
    RUN(who_is_answered_by_an_end_finds_its_name_free);
    close_runtime();
    return 0;
}
