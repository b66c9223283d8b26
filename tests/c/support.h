/* A runtime around the tests of one program, and short words for what they all do.
 *
 * main() opens a runtime, which its thread enters, and runs the tests in it one after the other; each must leave
 * no message behind. */
#ifndef SUPPORT_H
#define SUPPORT_H

#include "test.h"
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

/* A limit that no test reaches unless something hangs. */
enum { LONG_MS = 30000 };

static regrow_pid root;
static regrow_pid self;

static inline void open_runtime(regrow_options options)
{
    options.size = sizeof options;
    options.log_level = options.log_level ? options.log_level : REGROW_LOG_SILENT;
    CHECK_OK(regrow_init(&options, &root));
    CHECK_OK(regrow_enter(root, &self));
}

static inline void close_runtime(void)
{
    CHECK_OK(regrow_shutdown(root, LONG_MS, NULL));
}

static inline void check_nothing_is_left(const char *test)
{
    regrow_term message;
    if (regrow_receive(0, &message) == REGROW_OK) {
        char text[200];
        regrow_term_print(&message, text, sizeof text);
        fprintf(stderr, "%s left a message: %s\n", test, text);
        _Exit(1);
    }
}

#define RUN(test)                                                                            \
    do {                                                                                     \
        test();                                                                              \
        check_nothing_is_left(#test);                                                        \
        printf("%s\n", #test);                                                               \
        fflush(stdout);                                                                      \
    } while (0)

/* ---- terms ---- */

static inline void check_term(const char *file, int line, const regrow_term *term, const char *expected)
{
    char text[400] = "nothing";
    if (term)
        regrow_term_print(term, text, sizeof text);
    if (strcmp(text, expected)) {
        fprintf(stderr, "%s:%d: %s, not %s\n", file, line, text, expected);
        _Exit(1);
    }
}

/* The term is borrowed, and printed as Erlang's ~w does. */
#define CHECK_TERM(expected, term) check_term(__FILE__, __LINE__, term, expected)

static inline void check_message(const char *file, int line, const char *expected, uint32_t timeout_ms)
{
    regrow_term message;
    if (regrow_receive(timeout_ms, &message)) {
        fprintf(stderr, "%s:%d: no message, not %s\n", file, line, expected);
        _Exit(1);
    }
    check_term(file, line, &message, expected);
    regrow_term_free(&message);
}

/* The next message is that one: it comes, or it is here already. */
#define CHECK_MESSAGE(expected) check_message(__FILE__, __LINE__, expected, LONG_MS)
#define CHECK_HERE(expected) check_message(__FILE__, __LINE__, expected, 0)

static inline void check_no_message(const char *file, int line)
{
    regrow_term message;
    if (regrow_receive(0, &message) == REGROW_OK)
        check_term(file, line, &message, "nothing");
}

#define CHECK_NO_MESSAGE() check_no_message(__FILE__, __LINE__)

static inline void check_last_reason(const char *file, int line, const char *expected)
{
    regrow_term reason;
    CHECK(regrow_last_reason(&reason) == REGROW_OK);
    check_term(file, line, &reason, expected);
    regrow_term_free(&reason);
}

#define CHECK_LAST_REASON(expected) check_last_reason(__FILE__, __LINE__, expected)

/* {Tag, Second}; the second is moved. */
static inline regrow_term pair(const char *tag, regrow_term second)
{
    regrow_term items[] = { regrow_atom(tag), second };
    return regrow_tuple(items, 2);
}

/* ---- DOWN and EXIT ---- */

static inline bool is_down_of(void *user, const regrow_term *message)
{
    regrow_ref ref;
    const regrow_term *second = regrow_tuple_get(message, 1);
    return second && regrow_is_atom(regrow_tuple_get(message, 0), "DOWN") && regrow_as_ref(second, &ref)
           && ref.id == ((regrow_ref *)user)->id;
}

static inline void check_down(const char *file, int line, regrow_ref monitor, const char *reason)
{
    regrow_term down;
    CHECK_OK(regrow_receive_match(is_down_of, &monitor, LONG_MS, &down));
    check_term(file, line, regrow_tuple_get(&down, 2), "process");
    check_term(file, line, regrow_tuple_get(&down, 4), reason);
    regrow_term_free(&down);
}

/* {'DOWN', monitor, process, _, reason} comes, whatever else waits. */
#define CHECK_DOWN(reason, monitor) check_down(__FILE__, __LINE__, monitor, reason)

static inline bool is_exit_of(void *user, const regrow_term *message)
{
    regrow_pid pid;
    const regrow_term *second = regrow_tuple_get(message, 1);
    return second && regrow_is_atom(regrow_tuple_get(message, 0), "EXIT") && regrow_as_pid(second, &pid)
           && pid.id == ((regrow_pid *)user)->id;
}

static inline void check_exit(const char *file, int line, regrow_pid pid, const char *reason)
{
    regrow_term message;
    CHECK_OK(regrow_receive_match(is_exit_of, &pid, LONG_MS, &message));
    check_term(file, line, regrow_tuple_get(&message, 2), reason);
    regrow_term_free(&message);
}

/* {'EXIT', pid, reason} comes, whatever else waits. */
#define CHECK_EXIT(reason, pid) check_exit(__FILE__, __LINE__, pid, reason)

static inline regrow_ref monitored(regrow_pid pid)
{
    regrow_ref monitor;
    CHECK_OK(regrow_monitor(pid, &monitor));
    return monitor;
}

/* Ends a process and waits until it has. */
static inline void kill_and_wait(regrow_pid pid)
{
    regrow_ref monitor = monitored(pid);
    regrow_term down;
    CHECK_OK(regrow_exit(pid, regrow_atom("kill")));
    CHECK_OK(regrow_receive_match(is_down_of, &monitor, LONG_MS, &down));
    regrow_term_free(&down);
}

/* ---- processes ---- */

/* An `init` whose state is what it was started with. */
static inline regrow_next take_user(regrow_context *context, void *user, const regrow_term *arg, void **state)
{
    *state = user;
    return REGROW_READY;
}

static inline regrow_process_spec process(regrow_body_callback body, void *user)
{
    return (regrow_process_spec){ .size = sizeof(regrow_process_spec), .body = body, .user = user };
}

static inline regrow_pid spawn(regrow_body_callback body, void *user)
{
    regrow_process_spec spec = process(body, user);
    regrow_pid pid;
    CHECK_OK(regrow_spawn(root, &spec, &pid));
    return pid;
}

static inline regrow_pid spawn_link(regrow_body_callback body, void *user)
{
    regrow_process_spec spec = process(body, user);
    regrow_pid pid;
    CHECK_OK(regrow_spawn_link(&spec, &pid));
    return pid;
}

static inline regrow_pid spawn_monitor(regrow_body_callback body, void *user, regrow_ref *monitor)
{
    regrow_process_spec spec = process(body, user);
    regrow_pid pid;
    CHECK_OK(regrow_spawn_monitor(&spec, &pid, monitor));
    return pid;
}

static inline regrow_child_spec child(uint32_t kind, const void *spec)
{
    return (regrow_child_spec){ .size = sizeof(regrow_child_spec), .kind = kind, .spec = spec };
}

static inline regrow_pid start_server(const regrow_server_spec *spec)
{
    regrow_child_spec how = child(REGROW_SERVER, spec);
    regrow_pid pid;
    CHECK_OK(regrow_start(root, &how, &pid));
    return pid;
}

/* Waits until it is told to end. */
static inline regrow_next wait_for_the_end(regrow_context *context, void *user)
{
    regrow_term message;
    while (regrow_receive(REGROW_INFINITY, &message) == REGROW_OK)
        regrow_term_free(&message);
    return REGROW_DONE;
}

/* Ends at once, with the atom that it is given; NULL: well. */
static inline regrow_next end_at_once(regrow_context *context, void *reason)
{
    return reason ? regrow_stop_self(context, regrow_atom(reason)) : REGROW_DONE;
}

/* A pid of nobody any more. */
static inline regrow_pid somebody_dead(void)
{
    regrow_ref monitor;
    regrow_pid pid = spawn_monitor(end_at_once, NULL, &monitor);
    CHECK_DOWN("normal", monitor);
    return pid;
}

/* ---- waiting for what sends no message ---- */

static inline uint64_t real_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Looks again and again, and gives up in the end. */
#define EVENTUALLY(condition)                                                                \
    do {                                                                                     \
        uint64_t eventually_end = real_ms() + LONG_MS;                                       \
        while (!(condition)) {                                                               \
            CHECK(real_ms() < eventually_end && "eventually: " #condition);                  \
            sched_yield();                                                                   \
        }                                                                                    \
    } while (0)

/* A door in the way of a callback, which it stands at without regrow's knowing. */
typedef struct gate {
    sem_t reached;
    sem_t open;
} gate;

static inline void gate_make(gate *gate)
{
    sem_init(&gate->reached, 0, 0);
    sem_init(&gate->open, 0, 0);
}

/* In the callback. */
static inline void gate_pass(gate *gate)
{
    sem_post(&gate->reached);
    while (sem_wait(&gate->open)) {
    }
}

/* Outside: somebody stands there. */
static inline void gate_reached(gate *gate)
{
    while (sem_wait(&gate->reached)) {
    }
}

static inline void gate_open(gate *gate)
{
    sem_post(&gate->open);
}

/* Shuts a runtime down in which this one is stuck: it is named at the deadline, and with it whoever did not come to its end
 * by then, where others have the processors; in the end it alone. */
static inline void check_only_stuck(regrow_pid root, uint32_t timeout_ms, regrow_pid stuck)
{
    uint64_t end = real_ms() + LONG_MS;
    for (bool alone = false; !alone;) {
        regrow_term list;
        regrow_pid found;
        bool named = false;
        CHECK(real_ms() < end);
        CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_shutdown(root, timeout_ms, &list));
        for (const regrow_term *rest = &list; regrow_list_head(rest); rest = regrow_list_tail(rest))
            named |= regrow_as_pid(regrow_list_head(rest), &found) && found.id == stuck.id;
        CHECK(named);
        alone = regrow_is_nil(regrow_list_tail(&list));
        regrow_term_free(&list);
        timeout_ms = 0;
    }
}

static inline regrow_stats stats(void)
{
    regrow_stats stats = { .size = sizeof stats };
    CHECK_OK(regrow_stats_read(root, &stats));
    return stats;
}

/* How many messages lie in a mailbox. */
static inline int64_t messages_of(regrow_pid pid)
{
    regrow_term info, key = regrow_atom("message_queue_len");
    int64_t count;
    CHECK_OK(regrow_info(pid, &info));
    CHECK(regrow_as_int(regrow_map_get(&info, &key), &count));
    regrow_term_free(&info);
    return count;
}

/* Counts how often it was called; the user is an atomic_int. */
static inline void count_up(void *user)
{
    atomic_fetch_add((atomic_int *)user, 1);
}

#endif
