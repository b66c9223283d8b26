/* Groups, as OTP's pg has them: who is a member, who hears of it, and that nobody finds a dead one. */
#include "support.h"

static regrow_pid pubsub;
static regrow_term group; /* the atom g */

static regrow_pid start_pubsub(void)
{
    regrow_pubsub_spec spec = { .size = sizeof spec };
    regrow_child_spec how = child(REGROW_PUBSUB, &spec);
    regrow_pid pid;
    CHECK_OK(regrow_start(root, &how, &pid));
    return pid;
}

static size_t count_of(regrow_pid member)
{
    regrow_term pids;
    size_t count = 0;
    CHECK_OK(regrow_group_members(pubsub, &group, &pids));
    for (const regrow_term *rest = &pids; !regrow_is_nil(rest); rest = regrow_list_tail(rest)) {
        regrow_pid pid;
        CHECK(regrow_as_pid(regrow_list_head(rest), &pid));
        count += !member.id || pid.id == member.id;
    }
    regrow_term_free(&pids);
    return count;
}

static const regrow_pid everybody = { 0 };

static void settle(void)
{
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
}

/* The next message is {Ref, what, g, [pid]}. */
static void check_event(regrow_ref monitor, const char *what, regrow_pid pid)
{
    regrow_term message;
    regrow_ref ref;
    regrow_pid found;
    size_t length;
    CHECK_OK(regrow_receive(LONG_MS, &message));
    CHECK(regrow_as_ref(regrow_tuple_get(&message, 0), &ref) && ref.id == monitor.id);
    CHECK_TERM(what, regrow_tuple_get(&message, 1));
    CHECK_TERM("g", regrow_tuple_get(&message, 2));
    const regrow_term *pids = regrow_tuple_get(&message, 3);
    CHECK(regrow_list_length(pids, &length) && length == 1);
    CHECK(regrow_as_pid(regrow_list_head(pids), &found) && found.id == pid.id);
    regrow_term_free(&message);
}

static void a_process_is_a_member_as_often_as_it_joined(void)
{
    regrow_pid member = spawn(wait_for_the_end, NULL);
    CHECK(count_of(everybody) == 0);
    CHECK_OK(regrow_group_join(pubsub, &group, member));
    CHECK_OK(regrow_group_join(pubsub, &group, member));
    CHECK_OK(regrow_group_join(pubsub, &group, self));
    CHECK(count_of(member) == 2 && count_of(self) == 1);
    CHECK_OK(regrow_group_leave(pubsub, &group, member));
    CHECK(count_of(member) == 1);
    CHECK_OK(regrow_group_leave(pubsub, &group, member));
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_group_leave(pubsub, &group, member));
    CHECK_LAST_REASON("not_joined");
    CHECK_OK(regrow_group_leave(pubsub, &group, self));
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_group_leave(pubsub, &group, self));
    kill_and_wait(member);
    CHECK_ERROR(REGROW_ERR_NO_PROCESS, regrow_group_join(pubsub, &group, member));
    CHECK(count_of(everybody) == 0);
}

static void groups_are_any_terms_compared_exactly(void)
{
    regrow_term one = regrow_int(1), one_point = regrow_float(1.0), groups;
    size_t length;
    CHECK_OK(regrow_group_join(pubsub, &one, self));
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_group_leave(pubsub, &one_point, self));
    CHECK_OK(regrow_group_which(pubsub, &groups));
    CHECK_TERM("[1]", &groups);
    regrow_term_free(&groups);
    CHECK_OK(regrow_group_leave(pubsub, &one, self));
    CHECK_OK(regrow_group_which(pubsub, &groups));
    CHECK(regrow_list_length(&groups, &length) && length == 0);
    regrow_term_free(&groups);
}

static void a_message_comes_once_for_each_join(void)
{
    size_t count = 9;
    CHECK_OK(regrow_group_send(pubsub, &group, regrow_int(1), &count));
    CHECK(count == 0);
    CHECK_OK(regrow_group_join(pubsub, &group, self));
    CHECK_OK(regrow_group_join(pubsub, &group, self));
    CHECK_OK(regrow_group_send(pubsub, &group, regrow_atom("hello"), &count));
    CHECK(count == 2);
    CHECK_HERE("hello");
    CHECK_HERE("hello");
    CHECK_OK(regrow_group_leave(pubsub, &group, self));
    CHECK_OK(regrow_group_leave(pubsub, &group, self));
}

static void a_monitor_tells_all_changes_in_order(void)
{
    regrow_pid member = spawn(wait_for_the_end, NULL), early = spawn(wait_for_the_end, NULL);
    regrow_ref monitor;
    regrow_term pids;
    size_t length;
    CHECK_OK(regrow_group_join(pubsub, &group, early));
    CHECK_OK(regrow_group_monitor(pubsub, &group, &monitor, &pids));
    CHECK(regrow_list_length(&pids, &length) && length == 1);
    regrow_term_free(&pids);
    CHECK_OK(regrow_group_join(pubsub, &group, member));
    CHECK_OK(regrow_group_join(pubsub, &group, member));
    CHECK_OK(regrow_group_leave(pubsub, &group, member));
    CHECK_OK(regrow_group_join(pubsub, &group, member));
    check_event(monitor, "join", member);
    check_event(monitor, "join", member);
    check_event(monitor, "leave", member);
    check_event(monitor, "join", member);
    kill_and_wait(member);
    /* OTP's pg tells each membership of one that has ended by itself. */
    check_event(monitor, "leave", member);
    check_event(monitor, "leave", member);
    /* Nothing comes once it is taken away, and nothing of it is left. */
    CHECK_OK(regrow_group_leave(pubsub, &group, early));
    CHECK_OK(regrow_group_demonitor(pubsub, monitor));
    CHECK_OK(regrow_group_join(pubsub, &group, early));
    settle();
    CHECK_NO_MESSAGE();
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_group_demonitor(pubsub, monitor));
    kill_and_wait(early);
}

static void a_monitor_tells_the_end_of_the_pubsub(void)
{
    regrow_pid before = pubsub;
    regrow_ref monitor;
    CHECK_OK(regrow_group_monitor(pubsub, &group, &monitor, NULL));
    CHECK_OK(regrow_group_join(pubsub, &group, self));
    check_event(monitor, "join", self);
    CHECK_OK(regrow_exit(pubsub, regrow_atom("kill")));
    CHECK_DOWN("killed", monitor);
    CHECK_ERROR(REGROW_ERR_NO_PROCESS, regrow_group_join(before, &group, self));
    CHECK_ERROR(REGROW_ERR_NO_PROCESS, regrow_group_demonitor(before, monitor));
    pubsub = start_pubsub();
    CHECK(count_of(everybody) == 0);
    CHECK_ERROR(REGROW_ERR_WRONG_KIND, regrow_group_join(root, &group, self));
}

static void who_watched_and_ended_costs_nothing(void)
{
    regrow_ref monitor;
    regrow_pid member = spawn(wait_for_the_end, NULL);
    CHECK_OK(regrow_leave());
    CHECK_OK(regrow_enter(root, &self));
    CHECK_OK(regrow_group_monitor(pubsub, &group, &monitor, NULL));
    CHECK_OK(regrow_leave());
    CHECK_OK(regrow_enter(root, &self));
    CHECK_OK(regrow_group_join(pubsub, &group, member));
    settle();
    kill_and_wait(member);
    settle();
}

/* ---- nobody finds a dead member ---- */

static atomic_bool stop;
static atomic_int stale;

/* Reads and sends all the time, from a thread without identity: the rounds meet a table that is in use. */
static void *look(void *unused)
{
    while (!atomic_load(&stop)) {
        count_of(everybody);
        CHECK_OK(regrow_group_send(pubsub, &group, regrow_int(1), NULL));
        sched_yield();
    }
    return NULL;
}

static void nobody_who_knows_of_the_end_finds_a_member(void)
{
    pthread_t looker;
    CHECK(!pthread_create(&looker, NULL, look, NULL));
    for (size_t round = 0; round < rounds(20000); round++) {
        regrow_ref monitor;
        regrow_pid member = spawn_monitor(wait_for_the_end, NULL, &monitor);
        regrow_term down;
        CHECK_OK(regrow_group_join(pubsub, &group, member));
        if (round % 2)
            CHECK_OK(regrow_group_join(pubsub, &group, member));
        CHECK_OK(regrow_exit(member, regrow_atom("kill")));
        CHECK_OK(regrow_receive(LONG_MS, &down));
        regrow_term_free(&down);
        atomic_fetch_add(&stale, (int)count_of(member));
    }
    atomic_store(&stop, true);
    CHECK(!pthread_join(looker, NULL));
    CHECK(atomic_load(&stale) == 0);
}

static pthread_barrier_t both;

static void *kill_the_pubsub(void *unused)
{
    for (size_t round = 0; round < rounds(200); round++) {
        pthread_barrier_wait(&both);
        CHECK_OK(regrow_exit(pubsub, regrow_atom("kill")));
        pthread_barrier_wait(&both);
    }
    return NULL;
}

/* The end of a pubsub takes a while, and who ends meanwhile must not be found in what is left of it. */
static void nobody_is_found_in_a_pubsub_that_ends(void)
{
    enum { GROUPS = 2000 };
    pthread_t killer;
    int found = 0;
    kill_and_wait(pubsub);
    CHECK(!pthread_barrier_init(&both, NULL, 2));
    CHECK(!pthread_create(&killer, NULL, kill_the_pubsub, NULL));
    for (size_t round = 0; round < rounds(200); round++) {
        pubsub = start_pubsub();
        regrow_ref monitor;
        regrow_pid member = spawn_monitor(wait_for_the_end, NULL, &monitor);
        for (int64_t at = 0; at < GROUPS; at++) {
            regrow_term other = regrow_int(at);
            CHECK_OK(regrow_group_join(pubsub, &other, at % 100 ? self : member));
        }
        pthread_barrier_wait(&both);
        for (size_t at = 0; at < round % 100 * 2000; at++)
            atomic_signal_fence(memory_order_seq_cst);
        CHECK_OK(regrow_exit(member, regrow_atom("kill")));
        CHECK_DOWN("killed", monitor);
        for (int64_t at = 0; at < GROUPS; at += 100) {
            regrow_term other = regrow_int(at), pids;
            if (regrow_group_members(pubsub, &other, &pids))
                continue;
            found += !regrow_is_nil(&pids);
            regrow_term_free(&pids);
        }
        pthread_barrier_wait(&both);
        EVENTUALLY(!regrow_is_alive(pubsub));
    }
    CHECK(!pthread_join(killer, NULL));
    CHECK(!pthread_barrier_destroy(&both));
    CHECK(found == 0);
    pubsub = start_pubsub();
}

static regrow_next join_and_end(regrow_context *context, void *user)
{
    regrow_pid me;
    CHECK_OK(regrow_self(&me));
    regrow_group_join(pubsub, &group, me);
    return REGROW_DONE;
}

/* Joins and ends from all sides, and a pubsub that ends among them. */
static void joins_and_ends_cross_each_other(void)
{
    for (size_t round = 0; round < rounds(200); round++) {
        regrow_pid members[8];
        for (int i = 0; i < 8; i++)
            members[i] = spawn(join_and_end, NULL);
        for (int i = 0; i < 8; i++) {
            regrow_error error = regrow_group_join(pubsub, &group, members[i]);
            CHECK(error == REGROW_OK || error == REGROW_ERR_NO_PROCESS);
            error = regrow_group_leave(pubsub, &group, members[i]);
            CHECK(error == REGROW_OK || error == REGROW_ERR_NOT_FOUND || error == REGROW_ERR_NO_PROCESS);
        }
        if (round % 50 == 49) {
            kill_and_wait(pubsub);
            pubsub = start_pubsub();
        }
        settle();
        CHECK(count_of(everybody) == 0);
    }
}

int main(void)
{
    open_runtime((regrow_options){ .workers = 2 });
    group = regrow_atom("g");
    pubsub = start_pubsub();
    RUN(a_process_is_a_member_as_often_as_it_joined);
    RUN(groups_are_any_terms_compared_exactly);
    RUN(a_message_comes_once_for_each_join);
    RUN(a_monitor_tells_all_changes_in_order);
    RUN(a_monitor_tells_the_end_of_the_pubsub);
    RUN(who_watched_and_ended_costs_nothing);
    RUN(nobody_who_knows_of_the_end_finds_a_member);
    RUN(nobody_is_found_in_a_pubsub_that_ends);
    RUN(joins_and_ends_cross_each_other);
    close_runtime();
    return 0;
}
