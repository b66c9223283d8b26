/* Where processes begin that wait in the middle of what they do: they stay on the worker that they began on, so those
 * that are started one after the other are spread over all. Whoever does not stay is not spread. */
#include "support.h"

enum { WORKERS = 3, WAITERS = 60, BRIEF = 2000 };

/* One that waits until it is killed. */
typedef struct waiter {
    regrow_pid pid;
    pthread_t thread;
} waiter;

static waiter waiters[WAITERS];

static regrow_next wait_to_be_killed(regrow_context *context, void *user)
{
    regrow_term message;
    ((waiter *)user)->thread = pthread_self();
    CHECK_ERROR(REGROW_ERR_KILLED, regrow_receive(REGROW_INFINITY, &message));
    return REGROW_DONE;
}

static void start_waiter(waiter *waiter)
{
    regrow_process_spec spec = process(wait_to_be_killed, waiter);
    CHECK_OK(regrow_spawn(root, &spec, &waiter->pid));
}

static int how_many_on(pthread_t thread)
{
    int count = 0;
    for (int at = 0; at < WAITERS; at++)
        count += waiters[at].pid.id && pthread_equal(waiters[at].thread, thread);
    return count;
}

static void check_spread(void)
{
    for (int at = 0; at < WAITERS; at++)
        CHECK(how_many_on(waiters[at].thread) <= WAITERS / WORKERS + 4);
}

static void end_waiter(waiter *waiter)
{
    if (waiter->pid.id)
        kill_and_wait(waiter->pid);
    *waiter = (struct waiter){ 0 };
}

static void end_waiters(void)
{
    for (int at = 0; at < WAITERS; at++)
        end_waiter(&waiters[at]);
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
}

static void those_that_a_thread_starts_are_spread(void)
{
    for (int at = 0; at < WAITERS; at++) {
        start_waiter(&waiters[at]);
        CHECK_OK(regrow_settle(root, LONG_MS, NULL));
        CHECK(waiters[at].thread);
    }
    check_spread();
    end_waiters();
}

/* ---- started by a process ---- */

/* Starts the next for each message; any other than `next` is its last. */
static regrow_next start_one_after_the_other(regrow_context *context, void *user)
{
    for (int at = 0;; at++) {
        regrow_term message;
        CHECK_OK(regrow_receive(REGROW_INFINITY, &message));
        bool goes_on = regrow_is_atom(&message, "next");
        regrow_term_free(&message);
        if (!goes_on)
            return REGROW_DONE;
        start_waiter(&waiters[at]);
    }
}

static void those_that_a_process_starts_are_spread(void)
{
    regrow_ref monitor;
    regrow_pid starter = spawn_monitor(start_one_after_the_other, NULL, &monitor);
    for (int at = 0; at < WAITERS; at++) {
        CHECK_OK(regrow_send(starter, regrow_atom("next")));
        CHECK_OK(regrow_settle(root, LONG_MS, NULL));
        CHECK(waiters[at].thread);
    }
    check_spread();
    CHECK_OK(regrow_send(starter, regrow_atom("last")));
    CHECK_DOWN("normal", monitor);
    end_waiters();
}

/* ---- others than those ---- */

/* Leaves all those on one thread that wait on it, and ends all others. */
static void leave_those_on(pthread_t thread)
{
    for (int at = 0; at < WAITERS; at++)
        if (!pthread_equal(waiters[at].thread, thread))
            end_waiter(&waiters[at]);
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
}

static void crowd_one_thread(void)
{
    for (int at = 0; at < WAITERS; at++) {
        start_waiter(&waiters[at]);
        CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    }
    leave_those_on(waiters[0].thread);
    CHECK(how_many_on(waiters[0].thread) >= WAITERS / WORKERS - 4);
}

typedef struct brief {
    pthread_t home; /* of the one who starts them */
    int elsewhere;
} brief;

static regrow_next be_brief(regrow_context *context, void *user)
{
    brief *all = user;
    all->elsewhere += !pthread_equal(all->home, pthread_self());
    return REGROW_DONE;
}

/* It shares its worker with all that wait. */
static regrow_next start_brief_ones(regrow_context *context, void *user)
{
    brief *all = user;
    regrow_term message;
    all->home = pthread_self();
    CHECK_OK(regrow_receive(REGROW_INFINITY, &message));
    regrow_term_free(&message);
    for (int at = 0; at < BRIEF; at++) {
        regrow_ref monitor;
        spawn_monitor(be_brief, all, &monitor);
        CHECK_DOWN("normal", monitor);
    }
    return REGROW_DONE;
}

/* To another thread they would be a thread's waking each. One is tried after 1, 2, 4 ... 256 others; and where a worker is
 * held up others take what it has. Without that nearly all go elsewhere. */
static void those_that_do_not_stay_are_kept(void)
{
    brief all = { 0 };
    regrow_ref monitor;
    regrow_pid starter = spawn_monitor(start_brief_ones, &all, &monitor);
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    crowd_one_thread();
    /* The crowd is to be where the starter is. */
    if (!pthread_equal(waiters[0].thread, all.home)) {
        end_waiters();
        for (int at = 0; at < WAITERS; at++) {
            start_waiter(&waiters[at]);
            CHECK_OK(regrow_settle(root, LONG_MS, NULL));
        }
        leave_those_on(all.home);
    }
    CHECK(how_many_on(all.home) >= WAITERS / WORKERS - 4);
    CHECK_OK(regrow_send(starter, regrow_nil()));
    CHECK_DOWN("normal", monitor);
    CHECK(all.elsewhere <= BRIEF / 4);
    end_waiters();
}

static regrow_next keep_the_thread(regrow_context *context, void *user)
{
    gate_pass(user);
    return REGROW_DONE;
}

/* All are left to the two that nothing waits on, which can run one each. */
static void what_is_behind_one_that_is_stuck_is_taken_over(void)
{
    gate gates[8];
    regrow_ref monitors[8];
    crowd_one_thread();
    for (int at = 0; at < 8; at++)
        gate_make(&gates[at]);
    for (int at = 0; at < 8; at++)
        spawn_monitor(keep_the_thread, &gates[at], &monitors[at]);
    for (int at = 0; at < 8; at++)
        gate_reached(&gates[at]);
    for (int at = 0; at < 8; at++) {
        gate_open(&gates[at]);
        CHECK_DOWN("normal", monitors[at]);
    }
    end_waiters();
}

int main(void)
{
    open_runtime((regrow_options){ .workers = WORKERS });
    RUN(those_that_a_thread_starts_are_spread);
    RUN(those_that_a_process_starts_are_spread);
    RUN(those_that_do_not_stay_are_kept);
    RUN(what_is_behind_one_that_is_stuck_is_taken_over);
    close_runtime();
    return 0;
}
