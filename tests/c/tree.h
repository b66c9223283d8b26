/* What the C tests of processes and trees share: a runtime for each test, a log of what happened, terms as text,
 * and actors, which are servers that do what they are told. */
#ifndef TREE_H
#define TREE_H

#include "test.h"
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>

/* Far more than anything here takes: who waits that long hangs. */
enum { LIMIT_MS = 30000 };

/* ---- a runtime for each test; the main thread has entered it ---- */

static regrow_pid root;
static regrow_pid self;
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static char log_text[4096];

static inline void run_test(const char *sentence, void (*test)(void), uint32_t clock)
{
    regrow_options options = { .size = sizeof options, .workers = 2, .clock = clock,
                               .log_level = REGROW_LOG_SILENT };
    CHECK_OK(regrow_init(&options, &root));
    CHECK_OK(regrow_enter(root, &self));
    log_text[0] = 0;
    if (getenv("TEST_VERBOSE"))
        fprintf(stderr, "%s\n", sentence);
    test();
    CHECK_OK(regrow_leave());
    CHECK_OK(regrow_shutdown(root, LIMIT_MS, NULL));
}

/* A test's name is what it shows. */
#define TEST(test) run_test(#test, test, REGROW_MONOTONIC)
#define TEST_MANUAL(test) run_test(#test, test, REGROW_MANUAL)

static inline void settle(void)
{
    CHECK_OK(regrow_settle(root, LIMIT_MS, NULL));
}

/* For a manual clock that one thread moves while another waits: until a timer is pending. */
static inline void settle_until_waiting(void)
{
    regrow_settled settled = { .size = sizeof settled };
    do
        CHECK_OK(regrow_settle(root, LIMIT_MS, &settled));
    while (settled.state != REGROW_WAITING);
}

/* Until no callback of a dead process runs any more, which settle() does not wait for. */
static inline void wait_for_ghosts(void)
{
    regrow_stats stats = { .size = sizeof stats };
    do
        CHECK_OK(regrow_stats_read(root, &stats));
    while (stats.ghosts && sched_yield() == 0);
}

static inline pthread_t start_thread(void *(*run)(void *), void *argument)
{
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, run, argument) == 0);
    return thread;
}

static inline void join_thread(pthread_t thread)
{
    CHECK(pthread_join(thread, NULL) == 0);
}

/* ---- terms as text ---- */

#define TUPLE(...)                                                                           \
    regrow_tuple((regrow_term[]){ __VA_ARGS__ }, sizeof((regrow_term[]){ __VA_ARGS__ }) / sizeof(regrow_term))
#define ATOM(name) regrow_atom(name)
#define INT(number) regrow_int(number)

/* Good for the next seven calls. */
static inline const char *show(const regrow_term *term)
{
    static _Thread_local char texts[8][1024];
    static _Thread_local unsigned next;
    char *text = texts[next++ % 8];
    regrow_term_print(term, text, sizeof texts[0]);
    return text;
}

static inline const char *show_pid(regrow_pid pid)
{
    regrow_term term = regrow_from_pid(pid);
    return show(&term);
}

static inline void check_text(const char *file, int line, const char *found, const char *format, va_list rest)
{
    char expected[1024];
    vsnprintf(expected, sizeof expected, format, rest);
    if (strcmp(found, expected) != 0) {
        fprintf(stderr, "%s:%d: %s, not %s\n", file, line, found, expected);
        _Exit(1);
    }
}

static inline void check_shown(const char *file, int line, const regrow_term *term, const char *format, ...)
{
    va_list rest;
    va_start(rest, format);
    check_text(file, line, show(term), format, rest);
    va_end(rest);
}

/* As check_shown(), of a term that is freed. */
static inline void check_given(const char *file, int line, regrow_term term, const char *format, ...)
{
    va_list rest;
    va_start(rest, format);
    check_text(file, line, show(&term), format, rest);
    va_end(rest);
    regrow_term_free(&term);
}

static inline regrow_term last_reason(void)
{
    regrow_term reason;
    CHECK_OK(regrow_last_reason(&reason));
    return reason;
}

#define CHECK_SHOWN(term, ...) check_shown(__FILE__, __LINE__, term, __VA_ARGS__)
#define CHECK_REASON(...) check_given(__FILE__, __LINE__, last_reason(), __VA_ARGS__)

/* ---- what ends and what comes ---- */

static inline bool names_ref(void *user, const regrow_term *message)
{
    regrow_ref *wanted = user, found;
    const regrow_term *second = regrow_tuple_get(message, 1);
    return second && regrow_as_ref(second, &found) && found.id == wanted->id;
}

static inline bool is_exit_of(void *user, const regrow_term *message)
{
    regrow_pid *wanted = user, found;
    const regrow_term *second = regrow_tuple_get(message, 1);
    return second && regrow_is_atom(regrow_tuple_get(message, 0), "EXIT") && regrow_as_pid(second, &found)
        && found.id == wanted->id;
}

/* The reason of the DOWN that this monitor gives. */
static inline regrow_term down_reason(regrow_ref monitor)
{
    regrow_term down, reason;
    CHECK_OK(regrow_receive_match(names_ref, &monitor, LIMIT_MS, &down));
    CHECK(regrow_is_atom(regrow_tuple_get(&down, 0), "DOWN"));
    reason = regrow_term_clone(regrow_tuple_get(&down, 4));
    regrow_term_free(&down);
    return reason;
}

static inline regrow_term exit_reason(regrow_pid pid)
{
    regrow_term exit, reason;
    CHECK_OK(regrow_receive_match(is_exit_of, &pid, LIMIT_MS, &exit));
    reason = regrow_term_clone(regrow_tuple_get(&exit, 2));
    regrow_term_free(&exit);
    return reason;
}

#define CHECK_DOWN(monitor, ...) check_given(__FILE__, __LINE__, down_reason(monitor), __VA_ARGS__)
#define CHECK_EXIT(pid, ...) check_given(__FILE__, __LINE__, exit_reason(pid), __VA_ARGS__)

static inline regrow_term receive(void)
{
    regrow_term message;
    CHECK_OK(regrow_receive(LIMIT_MS, &message));
    return message;
}

#define CHECK_RECEIVED(...) check_given(__FILE__, __LINE__, receive(), __VA_ARGS__)
#define CHECK_NO_MESSAGE() CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_receive(0, &(regrow_term){ 0 }))

static inline regrow_ref monitor(regrow_pid pid)
{
    regrow_ref ref;
    CHECK_OK(regrow_monitor(pid, &ref));
    return ref;
}

static inline void kill_and_wait(regrow_pid pid)
{
    regrow_ref ref = monitor(pid);
    regrow_term reason;
    CHECK_OK(regrow_exit(pid, ATOM("kill")));
    reason = down_reason(ref);
    regrow_term_free(&reason);
}

/* ---- the log ---- */

static inline void note(const char *format, ...)
{
    char text[256];
    va_list rest;
    va_start(rest, format);
    vsnprintf(text, sizeof text, format, rest);
    va_end(rest);
    pthread_mutex_lock(&log_lock);
    size_t length = strlen(log_text);
    snprintf(log_text + length, sizeof log_text - length, "%s%s", length ? " " : "", text);
    pthread_mutex_unlock(&log_lock);
}

/* Once the runtime is at rest: what was noted since the last look. */
static inline void check_log(const char *file, int line, const char *expected)
{
    settle();
    pthread_mutex_lock(&log_lock);
    if (strcmp(log_text, expected) != 0) {
        fprintf(stderr, "%s:%d: the log is \"%s\", not \"%s\"\n", file, line, log_text, expected);
        _Exit(1);
    }
    log_text[0] = 0;
    pthread_mutex_unlock(&log_lock);
}

#define CHECK_LOG(expected) check_log(__FILE__, __LINE__, expected)

/* ---- actors ---- */

/* A server that notes "S<number>" in its init and "T<number>" in its terminate. Told {stop, Reason} by a call, a cast
 * or a message it stops; {reply_stop, Answer, Reason} it answers too; any other call it answers with {Number, Request}. */
typedef struct actor {
    int number;
    bool traps;
    bool silent;
    /* What its init does beyond that. */
    regrow_next (*on_init)(regrow_context *context, struct actor *actor);
    void (*on_terminate)(struct actor *actor, const regrow_term *reason);
    atomic_int starts;
} actor;

static inline regrow_next actor_init(regrow_context *context, void *user, const regrow_term *arg, void **state)
{
    actor *actor = user;
    *state = actor;
    atomic_fetch_add(&actor->starts, 1);
    if (!actor->silent)
        note("S%d", actor->number);
    if (actor->traps)
        CHECK_OK(regrow_trap_exit(true, NULL));
    return actor->on_init ? actor->on_init(context, actor) : REGROW_READY;
}

static inline bool actor_is_told(const regrow_term *message, const char *what)
{
    return regrow_is_tuple(message) && regrow_is_atom(regrow_tuple_get(message, 0), what);
}

static inline regrow_next actor_message(regrow_context *context, void *state, const regrow_term *message)
{
    if (actor_is_told(message, "stop"))
        return regrow_stop_self(context, regrow_term_clone(regrow_tuple_get(message, 1)));
    return REGROW_NOREPLY;
}

static inline regrow_next actor_call(regrow_context *context, void *state, const regrow_term *request)
{
    actor *actor = state;
    if (actor_is_told(request, "stop"))
        return actor_message(context, state, request);
    if (actor_is_told(request, "reply_stop"))
        return regrow_reply_stop(context, regrow_term_clone(regrow_tuple_get(request, 1)),
                                 regrow_term_clone(regrow_tuple_get(request, 2)));
    return regrow_reply(context, TUPLE(INT(actor->number), regrow_term_clone(request)));
}

static inline void actor_terminate(regrow_context *context, void *state, const regrow_term *reason)
{
    actor *actor = state;
    if (!actor->silent)
        note("T%d", actor->number);
    if (actor->on_terminate)
        actor->on_terminate(actor, reason);
}

static inline regrow_server_spec actor_spec(actor *actor)
{
    return (regrow_server_spec){ .size = sizeof(regrow_server_spec), .init = actor_init,
                                 .handle_call = actor_call, .handle_cast = actor_message,
                                 .handle_info = actor_message, .terminate = actor_terminate, .user = actor };
}

/* Its number as an id. */
static inline const regrow_term *number_id(int number)
{
    static regrow_term ids[128];
    CHECK(number >= 0 && number < 128);
    ids[number] = INT(number);
    return &ids[number];
}

static inline regrow_child_spec server_child(int number, const regrow_server_spec *server)
{
    return (regrow_child_spec){ .size = sizeof(regrow_child_spec), .id_term = number_id(number),
                                .kind = REGROW_SERVER, .spec = server };
}

static inline regrow_child_spec supervisor_child(int number, const regrow_supervisor_spec *supervisor)
{
    return (regrow_child_spec){ .size = sizeof(regrow_child_spec), .id_term = number_id(number),
                                .kind = REGROW_SUPERVISOR, .spec = supervisor };
}

/* A supervisor over actors 1 ... count, without a parent, watched by the main thread. */
enum { MOST_ACTORS = 8 };

typedef struct tree {
    regrow_supervisor_spec spec;
    actor actors[MOST_ACTORS + 1];
    regrow_server_spec servers[MOST_ACTORS];
    regrow_child_spec children[MOST_ACTORS];
    regrow_pid pid;
    regrow_ref monitor;
} tree;

/* All trap exits, so that each end is noted; what the test wants otherwise it changes before start_tree(). */
static inline void plant(tree *tree, int count, uint32_t strategy)
{
    CHECK(count <= MOST_ACTORS);
    memset(tree, 0, sizeof *tree);
    for (int at = 0; at < count; at++) {
        actor *actor = &tree->actors[at + 1];
        actor->number = at + 1;
        actor->traps = true;
        tree->servers[at] = actor_spec(actor);
        tree->children[at] = server_child(at + 1, &tree->servers[at]);
    }
    tree->spec = (regrow_supervisor_spec){ .size = sizeof tree->spec, .strategy = strategy,
                                           .children = tree->children, .child_count = (size_t)count };
}

static inline regrow_error try_start_tree(tree *tree)
{
    regrow_child_spec start = supervisor_child(0, &tree->spec);
    return regrow_start_monitor(&start, &tree->pid, &tree->monitor);
}

static inline void start_tree(tree *tree)
{
    CHECK_OK(try_start_tree(tree));
}

/* The pid of a child, or zero when it does not run. */
static inline regrow_pid child_pid(regrow_pid supervisor, int number)
{
    regrow_term children;
    regrow_pid pid = { 0 };
    bool found = false;
    CHECK_OK(regrow_supervisor_which_children(supervisor, &children));
    for (const regrow_term *rest = &children; regrow_list_head(rest); rest = regrow_list_tail(rest)) {
        const regrow_term *child = regrow_list_head(rest);
        if (regrow_term_equal(regrow_tuple_get(child, 0), number_id(number))) {
            found = true;
            regrow_as_pid(regrow_tuple_get(child, 1), &pid);
        }
    }
    CHECK(found);
    regrow_term_free(&children);
    return pid;
}

/* Has a child end by itself, with an atom as reason; `kill` is done to it. */
static inline void end_child(regrow_pid supervisor, int number, const char *reason)
{
    regrow_pid pid = child_pid(supervisor, number);
    CHECK(pid.id != 0);
    if (strcmp(reason, "kill") == 0)
        CHECK_OK(regrow_exit(pid, ATOM(reason)));
    else
        CHECK_OK(regrow_cast(pid, TUPLE(ATOM("stop"), ATOM(reason))));
    settle();
}

/* Ids and pids as which_children shows them, in its order: "3 2 undefined:1". */
static inline const char *show_children(regrow_pid supervisor)
{
    static char text[1024];
    regrow_term children;
    text[0] = 0;
    CHECK_OK(regrow_supervisor_which_children(supervisor, &children));
    for (const regrow_term *rest = &children; regrow_list_head(rest); rest = regrow_list_tail(rest)) {
        const regrow_term *child = regrow_list_head(rest), *pid = regrow_tuple_get(child, 1);
        size_t length = strlen(text);
        snprintf(text + length, sizeof text - length, "%s%s%s%s", length ? " " : "",
                 regrow_is_pid(pid) ? "" : show(pid), regrow_is_pid(pid) ? "" : ":",
                 show(regrow_tuple_get(child, 0)));
    }
    regrow_term_free(&children);
    return text;
}

#define CHECK_CHILDREN(supervisor, expected)                                                 \
    do {                                                                                     \
        const char *check_children = show_children(supervisor);                              \
        if (strcmp(check_children, expected) != 0) {                                         \
            fprintf(stderr, "%s:%d: the children are \"%s\", not \"%s\"\n", __FILE__, __LINE__, check_children, \
                    expected);                                                               \
            _Exit(1);                                                                        \
        }                                                                                    \
    } while (0)

static inline void stop_tree(tree *tree)
{
    CHECK_OK(regrow_stop(tree->pid, ATOM("normal"), LIMIT_MS));
    CHECK_DOWN(tree->monitor, "normal");
}

#endif
