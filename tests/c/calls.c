/* Calls between processes on the workers, whose answers are made while the caller's stack stays where it is, or is left:
 * the limit, the ends of both sides, and what comes meanwhile are the same. Each test goes with a server that lets its
 * callers run it, and with one that does not. */
#include "support.h"
#include <errno.h>
#include <fenv.h>

typedef struct callee {
    regrow_pid pid;
    uint32_t flags;
    gate gate;
    sem_t passed; /* the gate; its callback is over soon, if not already */
    int seen;
    regrow_pid next; /* whom it asks itself */
} callee;

static regrow_next answer(regrow_context *context, void *state, const regrow_term *request)
{
    callee *mine = state;
    regrow_pid self;
    regrow_term message;
    CHECK_OK(regrow_self(&self));
    CHECK(self.id == mine->pid.id || !mine->pid.id);
    if (regrow_is_atom(request, "block")) {
        gate_pass(&mine->gate);
        sem_post(&mine->passed);
        return regrow_reply(context, regrow_int(0));
    }
    if (regrow_is_atom(request, "receive")) {
        CHECK_OK(regrow_receive(REGROW_INFINITY, &message));
        return regrow_reply(context, message);
    }
    if (regrow_is_atom(request, "change the thread")) {
        errno = 3;
        CHECK(!fesetround(FE_DOWNWARD));
    }
    if (regrow_is_atom(request, "kill"))
        CHECK_OK(regrow_exit(self, regrow_atom("kill")));
    if (regrow_is_atom(request, "remind")) {
        for (int at = 0; at < 3; at++)
            CHECK_OK(regrow_send(self, regrow_int(at)));
        CHECK_OK(regrow_receive(0, &message)); /* the first; the second is not for this callback */
        CHECK_TERM("0", &message);
    }
    if (regrow_is_atom(request, "stop"))
        return regrow_stop_self(context, regrow_atom("asked_to"));
    if (regrow_is_atom(request, "ask") && mine->next.id) {
        if (regrow_call(mine->next, regrow_term_clone(request), LONG_MS, &message))
            return regrow_stop_self(context, regrow_atom("unanswered"));
        return regrow_reply(context, message);
    }
    return regrow_reply(context, regrow_int(mine->seen));
}

static regrow_next see(regrow_context *context, void *state, const regrow_term *message)
{
    ((callee *)state)->seen++;
    return REGROW_NOREPLY;
}

static callee make(uint32_t flags)
{
    callee callee = { .flags = flags };
    gate_make(&callee.gate);
    sem_init(&callee.passed, 0, 0);
    return callee;
}

static void start(callee *callee)
{
    regrow_server_spec spec = { .size = sizeof spec, .init = take_user, .handle_call = answer, .handle_info = see,
                                .user = callee, .flags = callee->flags };
    callee->pid = start_server(&spec);
}

static void stop(callee *callee)
{
    CHECK_OK(regrow_stop(callee->pid, regrow_atom("normal"), LONG_MS));
}

/* Runs a test's body in a process, and waits for its end. */
static void in_process(regrow_body_callback body, callee *callee)
{
    regrow_ref monitor;
    spawn_monitor(body, callee, &monitor);
    CHECK_DOWN("normal", monitor);
}

static void check_nothing_came(void)
{
    regrow_term message;
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_receive(0, &message));
}

/* ---- the end of the caller ---- */

static regrow_next ask_who_blocks(regrow_context *context, void *user)
{
    regrow_term reply;
    callee *callee = user;
    regrow_error error = regrow_call(callee->pid, regrow_atom("block"), LONG_MS, &reply);
    CHECK(error == REGROW_ERR_KILLED || error == REGROW_OK);
    CHECK_ERROR(REGROW_ERR_KILLED, regrow_sleep(0));
    return REGROW_DONE;
}

static void who_waits_for_an_answer_ends_at_once_while_it_is_being_made(void)
{
    callee callee = make(0);
    start(&callee);
    for (size_t round = 0; round < rounds(50); round++) {
        regrow_ref monitor;
        regrow_term reply;
        regrow_pid caller = spawn_monitor(ask_who_blocks, &callee, &monitor);
        gate_reached(&callee.gate);
        CHECK_OK(regrow_exit(caller, regrow_atom("away")));
        CHECK_DOWN("away", monitor);
        gate_open(&callee.gate);
        CHECK_OK(regrow_call(callee.pid, regrow_atom("hello"), LONG_MS, &reply));
    }
    stop(&callee);
}

/* ---- the limit ---- */

static regrow_next ask_who_waits(regrow_context *context, void *user)
{
    regrow_term reply;
    callee *callee = user;
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_call(callee->pid, regrow_atom("receive"), 20, &reply));
    CHECK_OK(regrow_send(callee->pid, regrow_atom("late")));
    CHECK_OK(regrow_call(callee->pid, regrow_atom("hello"), LONG_MS, &reply));
    CHECK_TERM("0", &reply);
    check_nothing_came(); /* the late answer was dropped */
    return REGROW_DONE;
}

static void the_limit_holds_when_the_callee_waits_and_a_late_answer_is_dropped(void)
{
    for (uint32_t flags = 0; flags <= REGROW_INLINE; flags += REGROW_INLINE) {
        callee callee = make(flags);
        start(&callee);
        in_process(ask_who_waits, &callee);
        stop(&callee);
    }
}

/* ---- the end of the callee ---- */

static regrow_next ask_who_ends(regrow_context *context, void *user)
{
    regrow_term reply;
    regrow_pid found;
    static const char *requests[] = { "kill", "stop" }, *reasons[] = { "killed", "asked_to" };
    for (int at = 0; at < 2; at++) {
        callee callee = make(*(uint32_t *)user);
        start(&callee);
        CHECK_OK(regrow_register(callee.pid, "callee"));
        CHECK_ERROR(REGROW_ERR_EXITED, regrow_call(callee.pid, regrow_atom(requests[at]), LONG_MS, &reply));
        CHECK_LAST_REASON(reasons[at]);
        CHECK(regrow_whereis(root, "callee", &found) != REGROW_OK);
        CHECK_ERROR(REGROW_ERR_NO_PROCESS, regrow_call(callee.pid, regrow_atom("hello"), LONG_MS, &reply));
    }
    check_nothing_came();
    return REGROW_DONE;
}

static void who_hears_of_its_callees_end_finds_nothing_of_it(void)
{
    for (uint32_t flags = 0; flags <= REGROW_INLINE; flags += REGROW_INLINE) {
        regrow_ref monitor;
        spawn_monitor(ask_who_ends, &flags, &monitor);
        CHECK_DOWN("normal", monitor);
    }
}

static regrow_next ask_who_is_killed(regrow_context *context, void *user)
{
    regrow_term reply;
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_call(((callee *)user)->pid, regrow_atom("block"), LONG_MS, &reply));
    CHECK_LAST_REASON("killed");
    return REGROW_DONE;
}

static void who_is_killed_while_it_answers_answers_by_its_end(void)
{
    for (uint32_t flags = 0; flags <= REGROW_INLINE; flags += REGROW_INLINE)
        for (size_t round = 0; round < rounds(50); round++) {
            callee callee = make(flags);
            start(&callee);
            regrow_ref watched, caller;
            CHECK_OK(regrow_monitor(callee.pid, &watched));
            spawn_monitor(ask_who_is_killed, &callee, &caller);
            gate_reached(&callee.gate);
            CHECK_OK(regrow_exit(callee.pid, regrow_atom("kill")));
            CHECK_DOWN("killed", watched); /* before its callback has returned */
            gate_open(&callee.gate);
            CHECK_DOWN("normal", caller);
            while (sem_wait(&callee.passed)) { /* its ghost, perhaps on another thread */
            }
        }
}

/* ---- what comes meanwhile ---- */

static regrow_next ask_who_is_reminded(regrow_context *context, void *user)
{
    regrow_term reply;
    callee *callee = user;
    for (int round = 1; round <= 100; round++) {
        int64_t seen;
        CHECK_OK(regrow_call(callee->pid, regrow_atom("remind"), LONG_MS, &reply));
        CHECK_OK(regrow_call(callee->pid, regrow_atom("hello"), LONG_MS, &reply));
        CHECK(regrow_as_int(&reply, &seen) && seen == 2 * round);
    }
    return REGROW_DONE;
}

static void messages_that_came_during_a_call_are_handled_before_the_next_one(void)
{
    for (uint32_t flags = 0; flags <= REGROW_INLINE; flags += REGROW_INLINE) {
        callee callee = make(flags);
        start(&callee);
        in_process(ask_who_is_reminded, &callee);
        stop(&callee);
    }
}

/* ---- chains ---- */

enum { CHAIN = 40 };

static regrow_next ask_the_first(regrow_context *context, void *user)
{
    regrow_term reply;
    callee *chain = user;
    for (int round = 0; round < 100; round++) {
        CHECK_OK(regrow_call(chain->pid, regrow_atom("ask"), LONG_MS, &reply));
        CHECK_TERM("0", &reply);
    }
    return REGROW_DONE;
}

static void an_answer_comes_through_a_chain_of_any_length(void)
{
    for (uint32_t flags = 0; flags <= REGROW_INLINE; flags += REGROW_INLINE) {
        static callee chain[CHAIN];
        for (int at = CHAIN - 1; at >= 0; at--) {
            chain[at] = make(flags);
            chain[at].next = at + 1 < CHAIN ? chain[at + 1].pid : (regrow_pid){ 0 };
            start(&chain[at]);
        }
        in_process(ask_the_first, chain);
        for (int at = 0; at < CHAIN; at++)
            stop(&chain[at]);
    }
}

/* Each asks the next, and the last the first. */
static void a_ring_of_calls_ends_by_its_limit(void)
{
    callee one = make(0), other = make(0);
    start(&one);
    other.next = one.pid;
    start(&other);
    regrow_term reply;
    one.next = other.pid;
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_call(one.pid, regrow_atom("ask"), 20, &reply));
    CHECK_OK(regrow_exit(one.pid, regrow_atom("kill")));
    EVENTUALLY(!regrow_is_alive(one.pid));
    CHECK_OK(regrow_exit(other.pid, regrow_atom("kill")));
    EVENTUALLY(!regrow_is_alive(other.pid));
}

/* ---- the thread ---- */

static regrow_next ask_who_changes_the_thread(regrow_context *context, void *user)
{
    regrow_term reply;
    int before = fegetround();
    CHECK(!fesetround(FE_UPWARD));
    for (int round = 0; round < 100; round++) {
        errno = 7;
        CHECK_OK(regrow_call(((callee *)user)->pid, regrow_atom("change the thread"), LONG_MS, &reply));
        CHECK(errno == 7 && fegetround() == FE_UPWARD);
    }
    CHECK(!fesetround(before));
    return REGROW_DONE;
}

static void errno_and_rounding_are_the_callers_after_a_call(void)
{
    const uint32_t flags[] = { 0, REGROW_INLINE };
    for (int at = 0; at < 2; at++) {
        callee callee = make(flags[at]);
        start(&callee);
        in_process(ask_who_changes_the_thread, &callee);
        stop(&callee);
    }
}

int main(void)
{
    for (uint32_t workers = 1; workers <= 2; workers++) {
        open_runtime((regrow_options){ .workers = workers });
        RUN(who_waits_for_an_answer_ends_at_once_while_it_is_being_made);
        RUN(the_limit_holds_when_the_callee_waits_and_a_late_answer_is_dropped);
        RUN(who_hears_of_its_callees_end_finds_nothing_of_it);
        RUN(who_is_killed_while_it_answers_answers_by_its_end);
        RUN(messages_that_came_during_a_call_are_handled_before_the_next_one);
        RUN(an_answer_comes_through_a_chain_of_any_length);
        RUN(a_ring_of_calls_ends_by_its_limit);
        RUN(errno_and_rounding_are_the_callers_after_a_call);
        close_runtime();
    }
    return 0;
}
