/* Drill 4: which siblings are stopped (T) and started (S) again, and in which order, when a worker crashes. */
#include "drill.h"
#include <pthread.h>

enum { WORKERS = 3 };

static const char *const names[WORKERS + 1] = { NULL, "worker_1", "worker_2", "worker_3" };

/* ---- the log ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char log_text[256];

static void note(char what, int64_t number)
{
    pthread_mutex_lock(&lock);
    size_t length = strlen(log_text);
    snprintf(log_text + length, sizeof log_text - length, " %c%" PRId64, what, number);
    pthread_mutex_unlock(&lock);
}

static void print_log(const char *what)
{
    settle();
    printf("%-52s%s\n", what, log_text);
    log_text[0] = 0;
}

/* ---- DemoWorker ---- */

/* It traps exits, so that it is heard of when it is stopped too. */
static regrow_next demo_init(regrow_context *context, void *user, const regrow_term *number, void **state)
{
    int64_t *own = malloc(sizeof *own);
    if (!own || !regrow_as_int(number, own) || regrow_trap_exit(true, NULL)) {
        free(own);
        return regrow_stop_self(context, regrow_atom("no_memory"));
    }
    note('S', *own);
    *state = own;
    return REGROW_READY;
}

/* The request is the reason: crash, or normal. */
static regrow_next demo_call(regrow_context *context, void *state, const regrow_term *request)
{
    return regrow_stop_self(context, regrow_term_clone(request));
}

static void demo_terminate(regrow_context *context, void *state, const regrow_term *reason)
{
    note('T', *(int64_t *)state);
}

/* ---- RestartStrategyDemo ---- */

/* Starts it with the workers' restart types, and forgets what was noted of the start. */
static void start(uint32_t strategy, const uint32_t *restarts)
{
    regrow_term numbers[WORKERS];
    regrow_server_spec servers[WORKERS];
    regrow_child_spec children[WORKERS];
    for (int at = 0; at < WORKERS; at++) {
        numbers[at] = regrow_int(at + 1);
        servers[at] = (regrow_server_spec){ .size = sizeof *servers, .init = demo_init, .handle_call = demo_call,
                                            .terminate = demo_terminate, .drop = free, .arg = &numbers[at] };
        children[at] = (regrow_child_spec){ .size = sizeof *children, .id_term = &numbers[at], .name = names[at + 1],
                                            .kind = REGROW_SERVER, .spec = &servers[at],
                                            .restart = restarts ? restarts[at] : REGROW_PERMANENT };
    }
    regrow_supervisor_spec demo = { .size = sizeof demo, .strategy = strategy, .children = children,
                                    .child_count = WORKERS };
    start_tree("demo", REGROW_SUPERVISOR, &demo);
    log_text[0] = 0;
}

static void stop(void)
{
    MUST(regrow_stop(whereis("demo"), regrow_atom("shutdown"), REGROW_INFINITY));
    log_text[0] = 0;
}

/* The caller is told that its call has ended that way, and goes on. */
static regrow_error end_worker(int number, const char *reason)
{
    return regrow_call(whereis(names[number]), regrow_atom(reason), 5000, NULL);
}

/* A new tree for each crash: the log of one. */
static void crash(const char *what, uint32_t strategy, int number)
{
    start(strategy, NULL);
    end_worker(number, "crash");
    print_log(what);
    stop();
}

static void print_children(void)
{
    regrow_term children;
    MUST(regrow_supervisor_which_children(whereis("demo"), &children));
    printf("%-52s", "which_children, after any of these");
    for (const regrow_term *rest = &children; regrow_list_head(rest); rest = regrow_list_tail(rest))
        printf(" %" PRId64, int_at(regrow_list_head(rest), 0));
    printf("\n");
    regrow_term_free(&children);
}

int main(void)
{
    begin();
    crash("one_for_one, 2 crashes", REGROW_ONE_FOR_ONE, 2);
    crash("one_for_all, 1 crashes", REGROW_ONE_FOR_ALL, 1);
    crash("one_for_all, 2 crashes", REGROW_ONE_FOR_ALL, 2);
    crash("one_for_all, 3 crashes", REGROW_ONE_FOR_ALL, 3);
    crash("rest_for_one, 1 crashes", REGROW_REST_FOR_ONE, 1);
    crash("rest_for_one, 2 crashes", REGROW_REST_FOR_ONE, 2);
    crash("rest_for_one, 3 crashes", REGROW_REST_FOR_ONE, 3);

    start(REGROW_ONE_FOR_ALL, NULL);
    end_worker(2, "crash");
    settle();
    print_children();
    log_text[0] = 0;
    MUST(regrow_stop(whereis("demo"), regrow_atom("shutdown"), REGROW_INFINITY));
    print_log("the supervisor stops");

    const uint32_t mixed[] = { REGROW_PERMANENT, REGROW_TEMPORARY, REGROW_TRANSIENT };
    start(REGROW_ONE_FOR_ALL, mixed);
    end_worker(1, "crash");
    print_log("one_for_all, 2 temporary, 3 transient, 1 crashes");
    end_worker(3, "normal");
    print_log("one_for_all, 3 transient, 3 ends as it should");
    stop();

    start(REGROW_ONE_FOR_ONE, NULL);
    regrow_error error = end_worker(2, "crash");
    printf("the caller of the crash: %s, ", regrow_error_name(error));
    print_last_reason();
    printf("\n");
    return finish();
}
