/* No message ends unseen: what was sent is what was handled, returned to its sender, or shown to the hook. */
#include "support.h"

/* ---- the hook: counts, and tells of the last ---- */

static atomic_long shown, dropped;
static pthread_mutex_t last_lock = PTHREAD_MUTEX_INITIALIZER;
static char last[200];
static regrow_pid last_pid;

static void hook(void *user, regrow_pid pid, const regrow_term *message, const regrow_term *reason)
{
    regrow_pid me;
    regrow_term received;
    char message_text[80], reason_text[80];
    CHECK(user == &shown);
    CHECK_ERROR(REGROW_ERR_CONTEXT, regrow_self(&me));
    CHECK(regrow_receive(1000, &received) != REGROW_OK);
    CHECK_ERROR(REGROW_ERR_WOULD_BLOCK, regrow_sleep(1));
    regrow_term_print(message, message_text, sizeof message_text);
    regrow_term_print(reason, reason_text, sizeof reason_text);
    pthread_mutex_lock(&last_lock);
    snprintf(last, sizeof last, "%s: %s", message_text, reason_text);
    last_pid = pid;
    pthread_mutex_unlock(&last_lock);
    atomic_fetch_add(&shown, 1);
}

static void check_shown(int line, long count, regrow_pid pid, const char *text)
{
    if (atomic_load(&shown) != count || last_pid.id != pid.id || strcmp(last, text)) {
        fprintf(stderr, "%s:%d: %ld shown, the last: %s\n", __FILE__, line, atomic_load(&shown), last);
        _Exit(1);
    }
    atomic_store(&shown, 0);
}

#define CHECK_SHOWN(count, pid, text) check_shown(__LINE__, count, pid, text)

/* What the numbers have grown by since they were looked at last. */
static regrow_stats before;

static void look(void)
{
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    before = stats();
}

static void check_grown(int line, uint64_t sent, uint64_t handled, uint64_t returned, uint64_t undelivered)
{
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    regrow_stats now = stats();
    if (now.sent - before.sent != sent || now.handled - before.handled != handled
        || now.returned - before.returned != returned || now.undelivered - before.undelivered != undelivered) {
        fprintf(stderr, "%s:%d: %ld sent, %ld handled, %ld returned, %ld undelivered\n", __FILE__, line,
                (long)(now.sent - before.sent), (long)(now.handled - before.handled),
                (long)(now.returned - before.returned), (long)(now.undelivered - before.undelivered));
        _Exit(1);
    }
    before = now;
}

#define CHECK_GROWN(...) check_grown(__LINE__, __VA_ARGS__)

static regrow_next pass_gate(regrow_context *context, void *user)
{
    gate_pass(user);
    return REGROW_DONE;
}

static void what_lies_in_the_mailbox_of_one_that_ends_is_shown(void)
{
    gate gate;
    regrow_ref monitor;
    gate_make(&gate);
    regrow_pid pid = spawn_monitor(pass_gate, &gate, &monitor);
    gate_reached(&gate);
    before = stats();
    CHECK_OK(regrow_send(pid, regrow_int(1)));
    CHECK_OK(regrow_cast(pid, regrow_int(2)));
    gate_open(&gate);
    CHECK_DOWN("normal", monitor);
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    CHECK_SHOWN(2, pid, "2: normal");
    CHECK_GROWN(2, 0, 0, 2);
}

static void what_is_sent_to_the_dead_is_shown_and_a_call_is_told(void)
{
    regrow_pid dead = somebody_dead();
    look();
    CHECK_OK(regrow_send(dead, regrow_int(1)));
    CHECK_SHOWN(1, dead, "1: noproc");
    CHECK_OK(regrow_cast(dead, regrow_int(2)));
    CHECK_SHOWN(1, dead, "2: noproc");
    CHECK_ERROR(REGROW_ERR_NO_PROCESS, regrow_call(dead, regrow_int(3), LONG_MS, NULL));
    regrow_address nobody = { .size = sizeof nobody, .runtime = root, .name = "nobody" };
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_send_at(&nobody, regrow_int(4)));
    CHECK_GROWN(2, 0, 0, 2);
    CHECK(atomic_load(&shown) == 0);
}

static void what_a_limit_drops_is_shown_and_what_it_refuses_is_not(void)
{
    static const uint32_t policies[] = { REGROW_REJECT, REGROW_DROP_OLDEST, REGROW_DROP_NEWEST };
    static const char *const texts[] = { "", "1: mailbox_full", "2: mailbox_full" };
    for (size_t at = 0; at < 3; at++) {
        gate gate;
        regrow_ref monitor;
        regrow_pid pid;
        gate_make(&gate);
        regrow_process_spec spec = process(pass_gate, &gate);
        spec.mailbox_limit = 1;
        spec.mailbox_policy = policies[at];
        CHECK_OK(regrow_spawn_monitor(&spec, &pid, &monitor));
        gate_reached(&gate);
        before = stats();
        CHECK_OK(regrow_send(pid, regrow_int(1)));
        CHECK_ERROR(at ? REGROW_OK : REGROW_ERR_LIMIT, regrow_send(pid, regrow_int(2)));
        if (at)
            CHECK_SHOWN(1, pid, texts[at]);
        CHECK_OK(regrow_broadcast(&(regrow_term){ 0 }, &pid, 1));
        CHECK(atomic_exchange(&shown, 0) == 1);
        gate_open(&gate);
        CHECK_DOWN("normal", monitor);
        CHECK_OK(regrow_settle(root, LONG_MS, NULL));
        CHECK(atomic_exchange(&shown, 0) == 1);
        CHECK_GROWN(3, 0, at ? 0 : 1, at ? 3 : 2);
    }
}

static regrow_next take_two(regrow_context *context, void *user)
{
    regrow_term message;
    regrow_ref monitor;
    regrow_pid me;
    size_t count;
    CHECK_OK(regrow_self(&me));
    /* A signal's message is looked at, and stays: it does not count. */
    CHECK_OK(regrow_monitor(somebody_dead(), &monitor));
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_receive_match(is_exit_of, &me, 0, &message));
    CHECK_OK(regrow_receive(LONG_MS, &message));
    regrow_term_free(&message);
    CHECK_OK(regrow_send(me, regrow_int(2)));
    CHECK_OK(regrow_send(me, regrow_int(3)));
    CHECK_OK(regrow_flush(&count));
    CHECK(count == 2);
    CHECK_OK(regrow_monitor(somebody_dead(), &monitor));
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_receive_match(is_exit_of, &me, 0, &message));
    return REGROW_DONE;
}

static void signals_do_not_count(void)
{
    regrow_ref monitor;
    look();
    spawn_monitor(take_two, NULL, &monitor);
    CHECK_DOWN("normal", monitor);
    CHECK_GROWN(2, 2, 0, 0);
    CHECK(atomic_load(&shown) == 0);
}

static void a_timers_message_counts_once_it_is_sent(void)
{
    gate gate;
    regrow_ref monitor;
    gate_make(&gate);
    regrow_pid pid = spawn_monitor(pass_gate, &gate, &monitor);
    gate_reached(&gate);
    before = stats();
    CHECK_OK(regrow_send_after(pid, LONG_MS, regrow_int(1), NULL));
    CHECK_OK(regrow_send_after(pid, 0, regrow_int(2), NULL));
    EVENTUALLY(messages_of(pid) == 1); /* once it has fired it may still be on its way */
    gate_open(&gate);
    CHECK_DOWN("normal", monitor);
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    CHECK_SHOWN(1, pid, "2: normal");
    CHECK_GROWN(1, 0, 0, 1);
}

/* ---- servers ---- */

static regrow_next handle(regrow_context *context, void *state, const regrow_term *message)
{
    return REGROW_NOREPLY;
}

static regrow_next reply_with_it(regrow_context *context, void *state, const regrow_term *message)
{
    return regrow_reply(context, regrow_term_clone(message));
}

static const regrow_server_spec server = { .size = sizeof server, .handle_call = reply_with_it, .handle_cast = handle,
                                           .handle_info = handle };

static void what_a_suspended_server_keeps_is_not_handled_until_it_is(void)
{
    regrow_pid pid = start_server(&server);
    look();
    CHECK_OK(regrow_suspend(pid, LONG_MS));
    CHECK_OK(regrow_send(pid, regrow_int(1)));
    CHECK_OK(regrow_cast(pid, regrow_int(2)));
    CHECK_GROWN(2, 0, 0, 0);
    CHECK_OK(regrow_resume(pid, LONG_MS));
    CHECK_GROWN(0, 2, 0, 0);
    CHECK_OK(regrow_suspend(pid, LONG_MS));
    regrow_request *heard, *unheard;
    CHECK_OK(regrow_call_async(pid, regrow_int(3), LONG_MS, &heard));
    CHECK_OK(regrow_call_async(pid, regrow_int(4), LONG_MS, &unheard));
    regrow_request_free(unheard);
    CHECK_OK(regrow_send(pid, regrow_int(5)));
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    kill_and_wait(pid);
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_request_wait(heard, LONG_MS, NULL));
    regrow_request_free(heard);
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    CHECK_SHOWN(2, pid, "5: killed");
    CHECK_GROWN(3, 0, 1, 2);
}

static void calls_count_wherever_they_run(void)
{
    static const uint32_t flags[] = { 0, REGROW_INLINE };
    for (size_t at = 0; at < 2; at++) {
        regrow_server_spec spec = server;
        spec.flags = flags[at];
        regrow_pid pid = start_server(&spec);
        look();
        for (int n = 0; n < 10; n++)
            CHECK_OK(regrow_call(pid, regrow_int(n), LONG_MS, NULL));
        CHECK_OK(regrow_stop(pid, regrow_atom("normal"), LONG_MS));
        CHECK_GROWN(10, 10, 0, 0);
    }
}

/* ---- many, while their receivers die ---- */

enum { SENDERS = 4, RECEIVERS = 4 };

static void count_drop(void *user)
{
    atomic_fetch_add(&dropped, 1);
}

/* The latest priority alias of each receiver: after a restart, and before the next, one that is gone. */
static _Atomic uint64_t aliases[RECEIVERS];

static regrow_next give_alias(regrow_context *context, void *user, const regrow_term *arg, void **state)
{
    regrow_ref alias;
    /* Unless it has been killed already. */
    if (regrow_alias_opt(REGROW_PRIORITY, &alias) == REGROW_OK)
        atomic_store((_Atomic uint64_t *)user, alias.id);
    return REGROW_READY;
}

static regrow_pid supervisor;
static const char *const names[RECEIVERS] = { "a", "b", "c", "d" };
static atomic_long made;
static atomic_bool over;

static void *send_for_long(void *count)
{
    unsigned seed = (unsigned)(uintptr_t)&seed;
    for (size_t n = 0; n < *(size_t *)count; n++) {
        regrow_pid to;
        int at = rand_r(&seed) % RECEIVERS;
        if (regrow_whereis(root, names[at], &to) != REGROW_OK)
            to = supervisor;
        regrow_ref alias = { atomic_load(&aliases[at]) };
        regrow_term message = regrow_resource(NULL, count_drop);
        atomic_fetch_add(&made, 1);
        switch (to.id == supervisor.id ? 0 : rand_r(&seed) % 8) {
        case 0:
            regrow_call(to, message, LONG_MS, NULL);
            break;
        case 1:
            regrow_cast(to, message);
            break;
        case 2: {
            regrow_request *call;
            if (regrow_call_async(to, message, LONG_MS, &call) == REGROW_OK)
                regrow_request_free(call);
            break;
        }
        case 3:
            CHECK_OK(regrow_send_alias_opt(to, alias, message, REGROW_PRIORITY));
            break;
        default:
            regrow_send(to, message);
        }
    }
    return NULL;
}

static void *kill_for_long(void *ignored)
{
    unsigned seed = 1;
    regrow_pid pid;
    while (!atomic_load(&over)) {
        if (regrow_whereis(root, names[rand_r(&seed) % RECEIVERS], &pid) == REGROW_OK)
            CHECK_OK(regrow_exit(pid, regrow_atom(rand_r(&seed) % 2 ? "kill" : "boo")));
        sched_yield();
    }
    return NULL;
}

static void the_sum_holds_while_receivers_die(void)
{
    size_t count = rounds(1000000) / SENDERS;
    pthread_t senders[SENDERS], killer;
    regrow_server_spec specs[RECEIVERS];
    regrow_child_spec children[RECEIVERS];
    for (int at = 0; at < RECEIVERS; at++) {
        specs[at] = server;
        specs[at].init = give_alias;
        specs[at].user = &aliases[at];
        /* Without, with inline calls, and with each sort of a limit that does not wait. */
        specs[at].flags = at == 1 ? REGROW_INLINE : 0;
        specs[at].mailbox_limit = at >= 2 ? 10 : 0;
        specs[at].mailbox_policy = at == 2 ? REGROW_DROP_OLDEST : REGROW_REJECT;
        children[at] = child(REGROW_SERVER, &specs[at]);
        children[at].id = children[at].name = names[at];
    }
    regrow_supervisor_spec spec = { .size = sizeof spec, .children = children, .child_count = RECEIVERS,
                                    .max_restarts = UINT32_MAX - 2, .period_ms = 1 };
    regrow_child_spec how = child(REGROW_SUPERVISOR, &spec);
    CHECK_OK(regrow_start(root, &how, &supervisor));
    look();
    atomic_store(&shown, 0);
    CHECK(pthread_create(&killer, NULL, kill_for_long, NULL) == 0);
    for (int at = 0; at < SENDERS; at++)
        CHECK(pthread_create(&senders[at], NULL, send_for_long, &count) == 0);
    for (int at = 0; at < SENDERS; at++)
        CHECK(pthread_join(senders[at], NULL) == 0);
    atomic_store(&over, true);
    CHECK(pthread_join(killer, NULL) == 0);
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    CHECK_OK(regrow_stop(supervisor, regrow_atom("normal"), LONG_MS));
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    EVENTUALLY(stats().ghosts == 0); /* each holds a message */
    regrow_stats now = stats();
    uint64_t sent = now.sent - before.sent, handled = now.handled - before.handled,
             returned = now.returned - before.returned, undelivered = now.undelivered - before.undelivered;
    printf("%ld made, %ld sent = %ld handled + %ld returned + %ld undelivered; %ld shown\n", atomic_load(&made),
           (long)sent, (long)handled, (long)returned, (long)undelivered, atomic_load(&shown));
    CHECK(sent == handled + returned + undelivered);
    CHECK((uint64_t)atomic_load(&shown) == undelivered);
    CHECK(handled && returned && undelivered);
    CHECK(atomic_load(&dropped) == atomic_load(&made));
    atomic_store(&shown, 0);
}

int main(void)
{
    open_runtime((regrow_options){ .workers = 2, .undelivered = hook, .undelivered_user = &shown });
    RUN(what_lies_in_the_mailbox_of_one_that_ends_is_shown);
    RUN(what_is_sent_to_the_dead_is_shown_and_a_call_is_told);
    RUN(what_a_limit_drops_is_shown_and_what_it_refuses_is_not);
    RUN(signals_do_not_count);
    RUN(a_timers_message_counts_once_it_is_sent);
    RUN(what_a_suspended_server_keeps_is_not_handled_until_it_is);
    RUN(calls_count_wherever_they_run);
    RUN(the_sum_holds_while_receivers_die);
    close_runtime();
    return 0;
}
