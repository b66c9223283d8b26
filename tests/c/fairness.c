/* Who has more to do than ever ends takes nobody's turn, and a call keeps its limit whatever its server does.
 *
 * Turns are counted, not timed: a prober writes to another process and waits for its answer while there is a flood, and
 * what the flood has done meanwhile is counted. On one worker nothing but the order of turns decides that number. With
 * two, or where the flood comes from outside, it depends on the machine; there the prober must come through at all,
 * without the relief that comes for workers that are stuck. */
#include "support.h"

enum {
    PROBES = 30,
    /* A process handles 256 messages in a turn. A probe takes two turns of others for each flooder, the prober's own and
     * that of the one who answers; four times as much is allowed. */
    TURN = 256,
    MOST_IN_A_PROBE = 4 * 2 * TURN
};

static atomic_bool flooding;
static atomic_ulong handled;
static uint32_t workers;

/* ---- the prober ---- */

static regrow_next say_pong(regrow_context *context, void *state, const regrow_term *message)
{
    regrow_pid from;
    CHECK(regrow_as_pid(message, &from));
    CHECK_OK(regrow_send(from, regrow_atom("pong")));
    return REGROW_NOREPLY;
}

static regrow_next say_pong_to_a_call(regrow_context *context, void *state, const regrow_term *request)
{
    return regrow_reply(context, regrow_atom("pong"));
}

static void await_pong(void)
{
    regrow_term message;
    CHECK_OK(regrow_receive(REGROW_INFINITY, &message));
    CHECK(regrow_is_atom(&message, "pong"));
}

typedef struct probe {
    regrow_pid server;
    unsigned long most;
} probe;

/* By message, by call, by a timer, by a process that begins and ends: each time everybody else has had a turn. */
static regrow_next ask_around(regrow_context *context, void *user)
{
    probe *probe = user;
    regrow_pid me;
    CHECK_OK(regrow_self(&me));
    for (int at = 0; at < PROBES; at++) {
        unsigned long before = handled, took;
        CHECK_OK(regrow_send(probe->server, regrow_from_pid(me)));
        await_pong();
        took = handled - before;
        before = handled;
        CHECK_OK(regrow_call(probe->server, regrow_nil(), LONG_MS, NULL));
        took = took > handled - before ? took : handled - before;
        before = handled;
        regrow_ref monitor;
        spawn_monitor(end_at_once, NULL, &monitor);
        CHECK_DOWN("normal", monitor);
        took = took > handled - before ? took : handled - before;
        probe->most = took > probe->most ? took : probe->most;
        /* Time is the watch thread's affair: it must come, and is not counted. */
        CHECK_OK(regrow_send_after(me, 0, regrow_atom("pong"), NULL));
        await_pong();
    }
    return REGROW_DONE;
}

/* The prober's way through a flood that `begin` starts, with so many flooders. */
typedef struct flood {
    const char *name;
    int flooders;
    void (*begin)(void);
    void (*end)(void);
    bool from_outside;
} flood;

static bool goes_through(const flood *flood)
{
    regrow_server_spec polite = { .size = sizeof polite, .handle_info = say_pong, .handle_call = say_pong_to_a_call };
    probe probe = { .server = start_server(&polite) };
    regrow_ref monitor;
    flooding = true;
    handled = 0;
    flood->begin();
    EVENTUALLY(handled > 1000);
    spawn_monitor(ask_around, &probe, &monitor);
    CHECK_DOWN("normal", monitor);
    unsigned long in_the_end = handled;
    EVENTUALLY(handled > in_the_end); /* it went on all the time */
    flooding = false;
    flood->end();
    kill_and_wait(probe.server);
    bool alone = stats().relief_workers == 0;
    if (alone)
        printf("  %s, %u workers: %lu messages in a probe at most\n", flood->name, workers, probe.most);
    fflush(stdout);
    if (alone && workers == 1 && !flood->from_outside)
        CHECK(probe.most <= (unsigned long)MOST_IN_A_PROBE * (unsigned long)flood->flooders);
    return alone;
}

/* A machine at its limits makes any worker look stuck now and then, but not each time. */
static void starves_nobody(const flood *flood)
{
    for (int again = 0; !goes_through(flood); again++) {
        CHECK(again < 200);
        close_runtime();
        open_runtime((regrow_options){ .workers = workers });
    }
}

/* ---- floods ---- */

enum { MOST_FLOODERS = 32 };

static regrow_pid flooders[MOST_FLOODERS];
static int flooder_count;

/* At the end they are killed. */
static void check_flooded(regrow_error error)
{
    CHECK(error == REGROW_OK || (error == REGROW_ERR_KILLED && !flooding));
}

static void kill_flooders(void)
{
    while (flooder_count > 0)
        kill_and_wait(flooders[--flooder_count]);
    EVENTUALLY(stats().ghosts == 0);
}

static regrow_next count_and_send_again(regrow_context *context, void *state, const regrow_term *message)
{
    regrow_pid me;
    atomic_fetch_add(&handled, 1);
    CHECK_OK(regrow_self(&me));
    if (flooding)
        check_flooded(regrow_send(me, regrow_nil()));
    return REGROW_NOREPLY;
}

static void begin_to_send_to_oneself(void)
{
    regrow_server_spec spec = { .size = sizeof spec, .handle_info = count_and_send_again };
    flooders[flooder_count++] = start_server(&spec);
    /* Always a second one while one is handled. */
    CHECK_OK(regrow_send(flooders[0], regrow_nil()));
    CHECK_OK(regrow_send(flooders[0], regrow_nil()));
}

static regrow_next receive_what_one_sends(regrow_context *context, void *user)
{
    regrow_pid me;
    regrow_term message = regrow_nil();
    CHECK_OK(regrow_self(&me));
    do {
        check_flooded(regrow_send(me, regrow_nil()));
        check_flooded(regrow_receive(REGROW_INFINITY, &message));
        atomic_fetch_add(&handled, 1);
    } while (flooding);
    return REGROW_DONE;
}

static void begin_to_receive_what_one_sends(void)
{
    flooders[flooder_count++] = spawn(receive_what_one_sends, NULL);
    flooders[flooder_count++] = spawn(receive_what_one_sends, NULL);
}

static regrow_next pass_on(regrow_context *context, void *state, const regrow_term *message)
{
    atomic_fetch_add(&handled, 1);
    if (flooding)
        check_flooded(regrow_send(*(regrow_pid *)state, regrow_nil()));
    return REGROW_NOREPLY;
}

/* Each wakes the other: the woken one is next on its worker, which must not go on for ever. */
static void begin_to_play(void)
{
    for (int at = 0; at < 2; at++) {
        regrow_server_spec spec = { .size = sizeof spec, .init = take_user, .handle_info = pass_on, .user = &flooders[!at] };
        flooders[flooder_count++] = start_server(&spec);
    }
    CHECK_OK(regrow_send(flooders[0], regrow_nil()));
}

static regrow_next count_only(regrow_context *context, void *state, const regrow_term *message)
{
    atomic_fetch_add(&handled, 1);
    return REGROW_NOREPLY;
}

static atomic_ulong sent;
static regrow_pid victim;

static void start_victim(void)
{
    regrow_server_spec spec = { .size = sizeof spec, .handle_info = count_only };
    sent = 0;
    victim = flooders[flooder_count++] = start_server(&spec);
}

/* So many are always waiting, and no more than memory has room for. */
static bool has_enough(void)
{
    return sent > handled + 100000;
}

static regrow_next send_and_give_way(regrow_context *context, void *user)
{
    while (flooding) {
        for (int at = 0; at < 100 && !has_enough(); at++) {
            check_flooded(regrow_send(victim, regrow_nil()));
            atomic_fetch_add(&sent, 1);
        }
        regrow_sleep(0);
    }
    return REGROW_DONE;
}

static void begin_to_send_from_many(void)
{
    start_victim();
    for (int at = 0; at < 20; at++)
        flooders[flooder_count++] = spawn(send_and_give_way, NULL);
}

static pthread_t threads[2];

static void *send_from_outside(void *user)
{
    while (flooding) {
        if (has_enough()) {
            sched_yield();
            continue;
        }
        CHECK_OK(regrow_send(victim, regrow_nil()));
        atomic_fetch_add(&sent, 1);
    }
    return NULL;
}

static void begin_to_send_from_outside(void)
{
    start_victim();
    for (int at = 0; at < 2; at++)
        CHECK(pthread_create(&threads[at], NULL, send_from_outside, NULL) == 0);
}

static void join_threads_and_kill(void)
{
    for (int at = 0; at < 2; at++)
        CHECK(pthread_join(threads[at], NULL) == 0);
    kill_flooders();
}

static regrow_next start_the_next_timer(regrow_context *context, void *state, const regrow_term *message)
{
    regrow_pid me;
    atomic_fetch_add(&handled, 1);
    CHECK_OK(regrow_self(&me));
    if (flooding)
        check_flooded(regrow_send_after(me, 0, regrow_nil(), NULL));
    return REGROW_NOREPLY;
}

/* A hundred timers that are always due, and intervals. */
static void begin_to_be_late(void)
{
    regrow_server_spec spec = { .size = sizeof spec, .handle_info = start_the_next_timer };
    flooders[flooder_count++] = start_server(&spec);
    start_victim();
    for (int at = 0; at < 100; at++) {
        CHECK_OK(regrow_send(flooders[0], regrow_nil()));
        CHECK_OK(regrow_send_interval(victim, 1, regrow_nil(), NULL));
    }
}

static regrow_next call_and_call(regrow_context *context, void *user)
{
    while (flooding) {
        regrow_error error = regrow_call(victim, regrow_nil(), LONG_MS, NULL);
        CHECK(error == REGROW_OK || !flooding);
        atomic_fetch_add(&handled, 1);
    }
    return REGROW_DONE;
}

static void begin_to_call(uint32_t flags)
{
    regrow_server_spec spec = { .size = sizeof spec, .handle_call = say_pong_to_a_call, .flags = flags };
    victim = flooders[flooder_count++] = start_server(&spec);
    flooders[flooder_count++] = spawn(call_and_call, NULL);
    flooders[flooder_count++] = spawn(call_and_call, NULL);
}

static void begin_to_call_queued(void)
{
    begin_to_call(0);
}

static void begin_to_call_inline(void)
{
    begin_to_call(REGROW_INLINE);
}

static const flood floods[] = {
    { "a server that sends to itself", 1, begin_to_send_to_oneself, kill_flooders, false },
    { "two that receive what they send", 2, begin_to_receive_what_one_sends, kill_flooders, false },
    { "two that wake each other", 2, begin_to_play, kill_flooders, false },
    { "one that 20 send to", 21, begin_to_send_from_many, kill_flooders, false },
    { "one that two threads send to", 1, begin_to_send_from_outside, join_threads_and_kill, true },
    { "one with timers that are due", 1, begin_to_be_late, kill_flooders, true },
    { "calls", 3, begin_to_call_queued, kill_flooders, false },
    { "inline calls", 3, begin_to_call_inline, kill_flooders, false },
};

static void nobody_starves(void)
{
    for (size_t at = 0; at < sizeof floods / sizeof *floods; at++)
        starves_nobody(&floods[at]);
}

/* All of them at once. */
static void begin_everything(void)
{
    begin_to_send_to_oneself();
    flooders[flooder_count++] = spawn(receive_what_one_sends, NULL);
    start_victim();
    for (int at = 0; at < 5; at++)
        flooders[flooder_count++] = spawn(send_and_give_way, NULL);
}

static void nobody_starves_whatever_comes_together(void)
{
    starves_nobody(&(flood){ "all of these", 8, begin_everything, kill_flooders, false });
}

/* Pairs of which each wakes the other, more of them than workers: the job woken last is next, and must not be for ever. */
typedef struct player {
    regrow_pid other;
    atomic_ulong passes;
} player;

static regrow_next pass_and_count(regrow_context *context, void *state, const regrow_term *message)
{
    player *player = state;
    atomic_fetch_add(&player->passes, 1);
    check_flooded(regrow_send(player->other, regrow_nil()));
    return REGROW_NOREPLY;
}

static void of_many_pairs_each_goes_on(void)
{
    enum { PLAYERS = 8 };
    player players[PLAYERS] = { 0 };
    regrow_pid pids[PLAYERS];
    unsigned long before[PLAYERS];
    for (int at = 0; at < PLAYERS; at++) {
        regrow_server_spec spec = { .size = sizeof spec, .init = take_user, .handle_info = pass_and_count, .user = &players[at] };
        pids[at] = start_server(&spec);
    }
    for (int at = 0; at < PLAYERS; at++)
        players[at].other = pids[at ^ 1];
    for (int at = 0; at < PLAYERS; at += 2)
        CHECK_OK(regrow_send(pids[at], regrow_nil()));
    for (int at = 0; at < PLAYERS; at++)
        EVENTUALLY(players[at].passes > 1000);
    for (int at = 0; at < PLAYERS; at++)
        before[at] = players[at].passes;
    for (int at = 0; at < PLAYERS; at++)
        EVENTUALLY(players[at].passes > before[at] + 1000);
    for (int at = 0; at < PLAYERS; at++)
        kill_and_wait(pids[at]);
    EVENTUALLY(stats().ghosts == 0); /* who was killed at play has still been looking at the players */
}

/* ---- who was resumed ---- */

/* Calls that run on their caller's thread, one after the other and no message between them: whoever was resumed there
 * waits for so many of each caller before it in line, and no more than one when they take their time. */
enum { CALLS_BEFORE_RESUMED = 8, RESUMES = 200, CALLERS = 4 };

typedef struct waker {
    regrow_pid who;
    bool slow;
    atomic_bool waits;
    atomic_ulong calls, called;
    unsigned long most;
} waker;

static regrow_next wait_to_be_resumed(regrow_context *context, void *user)
{
    waker *waker = user;
    regrow_term message;
    for (int at = 0; at < RESUMES; at++) {
        waker->waits = true;
        CHECK_OK(regrow_receive(REGROW_INFINITY, &message));
        unsigned long took = waker->calls - waker->called;
        waker->most = took > waker->most ? took : waker->most;
    }
    return REGROW_DONE;
}

static int64_t coarse_ns(void)
{
    struct timespec time;
    CHECK(clock_gettime(CLOCK_MONOTONIC_COARSE, &time) == 0);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static regrow_next wake_and_answer(regrow_context *context, void *state, const regrow_term *request)
{
    waker *waker = state;
    waker->calls++;
    if (waker->waits) {
        waker->waits = false;
        waker->called = waker->calls;
        CHECK_OK(regrow_send(waker->who, regrow_nil()));
    }
    for (int64_t before = coarse_ns(); waker->slow && coarse_ns() == before;)
        ;
    return regrow_reply(context, regrow_nil());
}

static unsigned long most_before_resumed(int callers, bool slow)
{
    waker waker = { .slow = slow };
    regrow_ref monitor;
    regrow_server_spec spec = { .size = sizeof spec, .init = take_user, .handle_call = wake_and_answer, .user = &waker };
    flooding = true;
    victim = flooders[flooder_count++] = start_server(&spec);
    waker.who = spawn_monitor(wait_to_be_resumed, &waker, &monitor);
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    for (int at = 0; at < callers; at++)
        flooders[flooder_count++] = spawn(call_and_call, NULL);
    CHECK_DOWN("normal", monitor);
    flooding = false;
    kill_flooders();
    return waker.most;
}

static void waits_for_few_calls(int callers, bool slow, unsigned long at_most)
{
    unsigned long most = most_before_resumed(callers, slow);
    for (int again = 0; stats().relief_workers > 0; again++) {
        CHECK(again < 200);
        close_runtime();
        open_runtime((regrow_options){ .workers = workers });
        most = most_before_resumed(callers, slow);
    }
    printf("  %d callers%s: %lu calls before who was resumed at most\n", callers, slow ? " of a slow one" : "", most);
    fflush(stdout);
    CHECK(most <= at_most);
}

static void who_was_resumed_waits_for_few_calls(void)
{
    waits_for_few_calls(1, false, CALLS_BEFORE_RESUMED);
    waits_for_few_calls(CALLERS, false, CALLERS * CALLS_BEFORE_RESUMED);
    waits_for_few_calls(1, true, 1);
}

/* ---- order ---- */

enum { SENDERS = 8, EACH = 5000 };

static int64_t last_of[SENDERS];
static atomic_int in_order;

static regrow_next check_number(regrow_context *context, void *state, const regrow_term *message)
{
    int64_t all;
    CHECK(regrow_as_int(message, &all));
    int64_t sender = all % SENDERS, number = all / SENDERS;
    CHECK(number == last_of[sender] + 1);
    last_of[sender] = number;
    atomic_fetch_add(&in_order, 1);
    return REGROW_NOREPLY;
}

static regrow_next check_request(regrow_context *context, void *state, const regrow_term *request)
{
    check_number(context, state, request);
    return regrow_reply(context, regrow_nil());
}

/* By every way that there is, in turns. */
static void send_numbers(int64_t sender)
{
    for (int64_t number = 1; number <= EACH; number++) {
        regrow_term term = regrow_int(number * SENDERS + sender);
        regrow_request *pending = NULL;
        switch (number % 5) {
        case 0:
            CHECK_OK(regrow_cast(victim, term));
            break;
        case 1:
            CHECK_OK(regrow_broadcast(&term, &victim, 1));
            break;
        case 2:
            CHECK_OK(regrow_call_async(victim, term, LONG_MS, &pending));
            regrow_request_free(pending);
            break;
        case 3:
            if (number % 50 == 3) {
                CHECK_OK(regrow_call(victim, term, LONG_MS, NULL));
                break;
            }
            /* fall through */
        default:
            CHECK_OK(regrow_send(victim, term));
        }
    }
}

static regrow_next send_numbers_as_a_process(regrow_context *context, void *user)
{
    send_numbers((int64_t)(size_t)user);
    return REGROW_DONE;
}

static void *send_numbers_as_a_thread(void *user)
{
    send_numbers((int64_t)(size_t)user);
    return NULL;
}

static void what_one_sends_comes_in_its_order_while_others_flood(void)
{
    for (uint32_t flags = 0; flags <= REGROW_INLINE; flags += REGROW_INLINE) {
        regrow_server_spec spec = { .size = sizeof spec, .handle_info = check_number, .handle_cast = check_number,
                                    .handle_call = check_request, .flags = flags };
        pthread_t outside[2];
        flooding = true;
        begin_to_send_to_oneself();
        flooders[flooder_count++] = spawn(receive_what_one_sends, NULL);
        memset(last_of, 0, sizeof last_of);
        in_order = 0;
        victim = start_server(&spec);
        for (size_t at = 0; at < SENDERS - 2; at++)
            spawn(send_numbers_as_a_process, (void *)at);
        for (size_t at = 0; at < 2; at++)
            CHECK(pthread_create(&outside[at], NULL, send_numbers_as_a_thread, (void *)(SENDERS - 2 + at)) == 0);
        for (size_t at = 0; at < 2; at++)
            CHECK(pthread_join(outside[at], NULL) == 0);
        EVENTUALLY(in_order == SENDERS * EACH);
        flooding = false;
        kill_flooders();
        kill_and_wait(victim);
    }
}

/* ---- limits ---- */

/* Answers when it is told to, which may be never; from within the callback, which is parked. */
static regrow_next answer_when_told(regrow_context *context, void *state, const regrow_term *request)
{
    regrow_term message;
    regrow_error error = regrow_receive(REGROW_INFINITY, &message);
    CHECK(error == REGROW_OK || error == REGROW_ERR_KILLED);
    regrow_term_free(&message);
    return regrow_reply(context, regrow_nil());
}

/* Asks another one inline, which hangs; its own limit is a long one. */
static regrow_next ask_the_next(regrow_context *context, void *state, const regrow_term *request)
{
    regrow_error error = regrow_call(*(regrow_pid *)state, regrow_nil(), 1000000, NULL);
    /* At the end all of them are killed, perhaps before this one has come back. */
    CHECK(error == REGROW_OK || error == REGROW_ERR_KILLED || error == REGROW_ERR_EXITED);
    return regrow_reply(context, regrow_nil());
}

static regrow_next hang_in_an_agent(regrow_context *context, void *user, const regrow_term *state, regrow_term *next,
                                    regrow_term *reply)
{
    regrow_term message;
    regrow_error error = regrow_receive(REGROW_INFINITY, &message);
    CHECK(error == REGROW_OK || error == REGROW_ERR_KILLED);
    *reply = regrow_nil();
    regrow_term_free(&message);
    return REGROW_DONE;
}

enum { LIMITED_MS = 100 };
static atomic_int given_up;

static regrow_next call_with_a_limit(regrow_context *context, void *user)
{
    uint64_t before, after;
    CHECK_OK(regrow_now(root, &before));
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_call(*(regrow_pid *)user, regrow_nil(), LIMITED_MS, NULL));
    CHECK_OK(regrow_now(root, &after));
    CHECK(after == before + LIMITED_MS);
    atomic_fetch_add(&given_up, 1);
    return REGROW_DONE;
}

static regrow_next ask_the_agent_with_a_limit(regrow_context *context, void *user)
{
    uint64_t before, after;
    regrow_term value;
    CHECK_OK(regrow_now(root, &before));
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_agent_get_and_update(*(regrow_pid *)user, hang_in_an_agent, NULL, LIMITED_MS, &value));
    CHECK_OK(regrow_now(root, &after));
    CHECK(after >= before + LIMITED_MS);
    atomic_fetch_add(&given_up, 1);
    return REGROW_DONE;
}

/* Two callers, the second of which is queued behind the first: each gives up when its time has come, not before. */
static void both_give_up_in_time(regrow_body_callback body, regrow_pid *server)
{
    given_up = 0;
    spawn(body, server);
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    CHECK_OK(regrow_advance(root, LIMITED_MS / 2));
    spawn(body, server);
    CHECK_OK(regrow_advance(root, LIMITED_MS / 2 - 1));
    CHECK(given_up == 0);
    CHECK_OK(regrow_advance(root, 1));
    CHECK(given_up == 1);
    CHECK_OK(regrow_advance(root, LIMITED_MS / 2 - 1));
    CHECK(given_up == 1);
    CHECK_OK(regrow_advance(root, 1));
    CHECK(given_up == 2);
}

static void a_call_keeps_its_limit_while_its_server_hangs(void)
{
    for (uint32_t flags = 0; flags <= REGROW_INLINE; flags += REGROW_INLINE) {
        regrow_server_spec hangs = { .size = sizeof hangs, .handle_call = answer_when_told, .flags = flags };
        regrow_pid server = start_server(&hangs);
        both_give_up_in_time(call_with_a_limit, &server);
        /* Nothing is lost: it answers both, though nobody waits, and is as before. */
        CHECK_OK(regrow_send(server, regrow_nil()));
        CHECK_OK(regrow_send(server, regrow_nil()));
        CHECK_OK(regrow_settle(root, LONG_MS, NULL));
        both_give_up_in_time(call_with_a_limit, &server);
        kill_and_wait(server);
    }
}

/* The innermost of three hangs; the caller of the first alone has a limit. */
static void a_limit_holds_through_calls_within_calls(void)
{
    for (uint32_t flags = 0; flags <= REGROW_INLINE; flags += REGROW_INLINE) {
        regrow_pid servers[3];
        for (int at = 0; at < 3; at++) {
            regrow_server_spec spec = { .size = sizeof spec, .init = take_user, .flags = flags,
                                        .handle_call = at ? ask_the_next : answer_when_told,
                                        .user = at ? &servers[at - 1] : NULL };
            servers[at] = start_server(&spec);
        }
        both_give_up_in_time(call_with_a_limit, &servers[2]);
        for (int at = 2; at >= 0; at--)
            kill_and_wait(servers[at]);
    }
}

static void a_limit_holds_while_the_server_is_suspended(void)
{
    regrow_server_spec hangs = { .size = sizeof hangs, .handle_call = answer_when_told, .flags = REGROW_INLINE };
    regrow_pid server = start_server(&hangs);
    regrow_suspend(server, LONG_MS);
    both_give_up_in_time(call_with_a_limit, &server);
    kill_and_wait(server);
}

static void an_agents_caller_keeps_its_limit_while_another_has_it_wait(void)
{
    regrow_agent_spec spec = { .size = sizeof spec };
    regrow_child_spec how = child(REGROW_AGENT, &spec);
    regrow_pid agent;
    CHECK_OK(regrow_start(root, &how, &agent));
    /* What is lent is waited for while it runs: so the first has no limit here, and the second one does. */
    regrow_request *pending;
    CHECK_OK(regrow_agent_update_async(agent, hang_in_an_agent, NULL, NULL, REGROW_INFINITY, &pending));
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    given_up = 0;
    spawn(ask_the_agent_with_a_limit, &agent);
    CHECK_OK(regrow_advance(root, LIMITED_MS - 1));
    CHECK(given_up == 0);
    CHECK_OK(regrow_advance(root, 1));
    CHECK(given_up == 1);
    regrow_request_free(pending);
    kill_and_wait(agent);
}

static regrow_next stand_at_the_gate(regrow_context *context, void *state, const regrow_term *request)
{
    gate_pass(state);
    return regrow_reply(context, regrow_nil());
}

/* It keeps its worker, and regrow knows nothing of it: in real time, and the gate opens only after the callers have given
 * up. */
static void a_limit_is_kept_while_the_server_keeps_its_worker(void)
{
    gate gate;
    gate_make(&gate);
    regrow_server_spec spec = { .size = sizeof spec, .init = take_user, .handle_call = stand_at_the_gate, .user = &gate };
    regrow_pid server = start_server(&spec);
    regrow_request *pending;
    CHECK_OK(regrow_call_async(server, regrow_nil(), REGROW_INFINITY, &pending));
    gate_reached(&gate);
    for (int at = 0; at < 10; at++) {
        uint64_t before = real_ms();
        CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_call(server, regrow_nil(), 20, NULL));
        CHECK(real_ms() >= before + 20);
    }
    /* Each of the ten is answered to nobody. */
    gate_open(&gate);
    CHECK_OK(regrow_request_wait(pending, LONG_MS, NULL));
    regrow_request_free(pending);
    for (int at = 0; at < 10; at++)
        gate_open(&gate);
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    kill_and_wait(server);
}

int main(void)
{
    for (workers = 1; workers <= 2; workers++) {
        open_runtime((regrow_options){ .workers = workers });
        RUN(nobody_starves);
        RUN(nobody_starves_whatever_comes_together);
        RUN(of_many_pairs_each_goes_on);
        if (workers == 1)
            RUN(who_was_resumed_waits_for_few_calls);
        RUN(what_one_sends_comes_in_its_order_while_others_flood);
        RUN(a_limit_is_kept_while_the_server_keeps_its_worker);
        close_runtime();

        open_runtime((regrow_options){ .workers = workers, .clock = REGROW_MANUAL });
        RUN(a_call_keeps_its_limit_while_its_server_hangs);
        RUN(a_limit_holds_through_calls_within_calls);
        RUN(a_limit_holds_while_the_server_is_suspended);
        RUN(an_agents_caller_keeps_its_limit_while_another_has_it_wait);
        close_runtime();
    }
    return 0;
}
