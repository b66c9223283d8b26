/* TS1 and TS2: 64 threads of the operating system look for app servers at once. */
#include "trio.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS = 64, ENDS = 50 };

struct thread {
    const struct trio *trio;
    char app[20];
    pthread_t thread;
    regrow_pid pid;     /* what it was given */
    regrow_error error; /* the first that it met */
    int stale;          /* how often it was given a pid that it knew to be dead */
};

static pthread_barrier_t barrier; /* all threads begin at the same moment */

/* Starts 64 threads, for so many different apps, and waits until they are done. */
static void run(const struct trio *trio, struct thread *threads, int apps, void *(*body)(void *))
{
    if (pthread_barrier_init(&barrier, NULL, THREADS) != 0)
        must(REGROW_ERR_LIMIT, "barrier");
    for (int at = 0; at < THREADS; at++) {
        threads[at] = (struct thread){ .trio = trio };
        snprintf(threads[at].app, sizeof threads[at].app, "app-%d", at % apps);
        if (pthread_create(&threads[at].thread, NULL, body, &threads[at]) != 0)
            must(REGROW_ERR_LIMIT, "thread");
    }
    for (int at = 0; at < THREADS; at++)
        pthread_join(threads[at].thread, NULL);
    pthread_barrier_destroy(&barrier);
}

static bool no_error(const struct thread *threads)
{
    bool none = true;
    for (int at = 0; at < THREADS; at++) {
        if (threads[at].error)
            fprintf(stderr, "%s: %s\n", threads[at].app, regrow_error_name(threads[at].error));
        none = none && !threads[at].error;
    }
    return none;
}

/* ---- TS1 ---- */

static void *resolve_once(void *argument)
{
    struct thread *thread = argument;
    pthread_barrier_wait(&barrier);
    thread->error = tokens_resolve(&thread->trio->tokens, thread->app, &thread->pid);
    return NULL;
}

/* How many children were started since the caller has subscribed to their supervisor. */
static int count_starts(void)
{
    regrow_term message, event = regrow_atom("event");
    int count = 0;
    while (regrow_receive(0, &message) == REGROW_OK) {
        count += regrow_is_atom(regrow_map_get(regrow_tuple_get(&message, 3), &event), "started");
        regrow_term_free(&message);
    }
    regrow_term_free(&event);
    return count;
}

static bool same_app_same_pid(const struct thread *threads, int apps)
{
    for (int at = 0; at < THREADS; at++)
        if (!regrow_is_alive(threads[at].pid) || threads[at].pid.id != threads[at % apps].pid.id)
            return false;
    for (int at = 1; at < apps; at++)
        if (threads[at].pid.id == threads[at - 1].pid.id)
            return false;
    return true;
}

static void resolve_at_once(regrow_pid root, struct trio *trio, const char *prefix, int apps, const char *sentence)
{
    struct thread threads[THREADS];
    regrow_pid supervisor;
    regrow_ref subscription;
    trio_prepare(trio, root, prefix);
    trio_start(trio);
    must(regrow_whereis(root, trio->tokens.dynamic_supervisor, &supervisor), prefix);
    must(regrow_supervisor_subscribe(supervisor, &subscription), prefix);
    run(trio, threads, apps, resolve_once);
    settle(root);
    must(regrow_supervisor_unsubscribe(supervisor, subscription), prefix);
    claim("TS1", no_error(threads) && count_starts() == apps && same_app_same_pid(threads, apps), sentence);
}

/* ---- TS2 ---- */

/* Whoever has heard of an end finds nobody, or the next one. Each thread has an app of its own, so nobody else ends
 * what it was given. */
static regrow_error end_and_look(struct thread *thread)
{
    const struct tokens *tokens = &thread->trio->tokens;
    regrow_pid ended, found;
    regrow_ref monitor;
    regrow_term down;
    regrow_error error = tokens_resolve(tokens, thread->app, &ended);
    if (!error)
        error = regrow_monitor(ended, &monitor);
    if (!error)
        error = regrow_exit(ended, regrow_atom("kill"));
    if (!error)
        error = regrow_receive(REGROW_INFINITY, &down);
    if (error)
        return error;
    regrow_term_free(&down);
    error = tokens_whereis(tokens, thread->app, &found);
    if (error == REGROW_OK)
        thread->stale += found.id == ended.id || !regrow_is_alive(found);
    else if (error != REGROW_ERR_NOT_FOUND)
        return error;
    error = tokens_resolve(tokens, thread->app, &found);
    if (!error)
        thread->stale += found.id == ended.id || !regrow_is_alive(found);
    return error;
}

static void *end_and_look_often(void *argument)
{
    struct thread *thread = argument;
    regrow_pid self;
    pthread_barrier_wait(&barrier);
    thread->error = regrow_enter(thread->trio->tokens.root, &self); /* to monitor, one must be a process */
    for (int round = 0; round < ENDS && !thread->error; round++)
        thread->error = end_and_look(thread);
    regrow_leave();
    return NULL;
}

static void look_after_ends(regrow_pid root, struct trio *trio)
{
    struct thread threads[THREADS];
    regrow_pid found;
    int stale = 0;
    trio_prepare(trio, root, "ends");
    trio->tokens.max_restarts = 2 * THREADS * ENDS;
    trio_start(trio);
    bool is_nobody = tokens_whereis(&trio->tokens, "app-0", &found) == REGROW_ERR_NOT_FOUND;
    run(trio, threads, THREADS, end_and_look_often);
    for (int at = 0; at < THREADS; at++)
        stale += threads[at].stale;
    claim("TS2", is_nobody, "whereis finds nobody, and starts nobody");
    claim("TS2", no_error(threads) && !stale,
          "64 threads x 50 ends: nobody who had heard of an end was given the one that had ended");
}

void claims_of_threads(regrow_pid root)
{
    static struct trio one, eight, ends;
    resolve_at_once(root, &one, "one", 1, "64 threads resolve one app at once: one start, one pid, no error");
    resolve_at_once(root, &eight, "eight", 8, "64 threads resolve eight apps at once: eight starts, a pid for each");
    look_after_ends(root, &ends);
}
