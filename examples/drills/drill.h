/* What the drills share: a runtime whose clock stands still, terms, and looking who is there.
 *
 * Each drill is a program of its own. The main thread is a process too, so that it may monitor. Time moves only by
 * regrow_advance(), so what takes seconds in the exercise takes none here, and each run prints the same. */
#ifndef DRILL_H
#define DRILL_H

#include <inttypes.h>
#include <regrow.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof *(array))

/* ---- what must not fail ---- */

/* Ends the program, in any thread and any callback. */
static inline void must_be(regrow_error error, const char *call, const char *file, int line)
{
    char text[256] = "";
    if (error == REGROW_OK)
        return;
    regrow_last_error(text, sizeof text);
    fprintf(stderr, "%s:%d: %s: %s (%s)\n", file, line, call, regrow_error_name(error), text);
    _Exit(EXIT_FAILURE);
}

#define MUST(call) must_be(call, #call, __FILE__, __LINE__)

/* ---- the runtime ---- */

static regrow_pid root;

/* REGROW_WORKERS says how many threads run the processes; the output is the same for any number. */
static inline void begin(void)
{
    const char *workers = getenv("REGROW_WORKERS");
    /* Crashes are what these programs are about: no reports of them. */
    regrow_options options = { .size = sizeof options, .clock = REGROW_MANUAL, .log_level = REGROW_LOG_SILENT,
                               .workers = workers ? (uint32_t)strtoul(workers, NULL, 10) : 0 };
    MUST(regrow_init(&options, &root));
    MUST(regrow_enter(root, NULL));
}

static inline int finish(void)
{
    MUST(regrow_leave());
    MUST(regrow_shutdown(root, 5000, NULL));
    return EXIT_SUCCESS;
}

/* Until nothing runs any more: what follows from what was done has happened. */
static inline void settle(void)
{
    MUST(regrow_settle(root, REGROW_INFINITY, NULL));
}

static inline void advance(uint32_t ms)
{
    MUST(regrow_advance(root, ms));
}

static inline uint64_t now_ms(void)
{
    uint64_t ms;
    MUST(regrow_now(root, &ms));
    return ms;
}

/* Starts a tree (or anything else) below the root, which does not start it again when it ends: that would be seen. */
static inline regrow_pid start_tree(const char *name, uint32_t kind, const void *spec)
{
    regrow_pid pid;
    regrow_child_spec child = { .size = sizeof child, .id = name, .kind = kind, .spec = spec, .name = name,
                                .restart = REGROW_TEMPORARY };
    MUST(regrow_supervisor_start_child(root, &child, &pid));
    return pid;
}

/* ---- who is there ---- */

static inline bool same(regrow_pid left, regrow_pid right)
{
    return left.id == right.id;
}

static inline const char *yes_or_no(bool yes)
{
    return yes ? "yes" : "no";
}

/* Zero when nobody has the name. */
static inline regrow_pid whereis(const char *name)
{
    regrow_pid pid = { 0 };
    regrow_whereis(root, name, &pid);
    return pid;
}

/* Whether the message is {'DOWN', Ref, ...} of that monitor. */
static inline bool is_down(void *monitor, const regrow_term *message)
{
    regrow_ref ref;
    const regrow_term *second = regrow_tuple_get(message, 1);
    return second && regrow_is_atom(regrow_tuple_get(message, 0), "DOWN") && regrow_as_ref(second, &ref)
        && ref.id == ((regrow_ref *)monitor)->id;
}

/* Sends a process what ends it, and returns when it is dead, and not yet when what follows from that has happened. */
static inline void end_by(regrow_error (*tell)(regrow_pid pid, regrow_term what), regrow_pid pid, const char *what)
{
    regrow_ref monitor;
    regrow_term down;
    MUST(regrow_monitor(pid, &monitor));
    MUST(tell(pid, regrow_atom(what)));
    MUST(regrow_receive_match(is_down, &monitor, REGROW_INFINITY, &down));
    regrow_term_free(&down);
}

static inline void kill_and_wait(regrow_pid pid)
{
    end_by(regrow_exit, pid, "kill");
}

static inline regrow_child_count count_children(regrow_pid supervisor)
{
    regrow_child_count count = { .size = sizeof count };
    MUST(regrow_supervisor_count_children(supervisor, &count));
    return count;
}

/* ---- terms ---- */

#define TUPLE(...) regrow_tuple((regrow_term[]){ __VA_ARGS__ }, LENGTH(((regrow_term[]){ __VA_ARGS__ })))

/* {Tag, Number} */
static inline regrow_term numbered(const char *tag, int64_t number)
{
    return TUPLE(regrow_atom(tag), regrow_int(number));
}

/* Whether it is a tuple that begins with that atom. */
static inline bool is_tagged(const regrow_term *term, const char *tag)
{
    const regrow_term *first = regrow_tuple_get(term, 0);
    return first && regrow_is_atom(first, tag);
}

static inline int64_t int_at(const regrow_term *tuple, size_t index)
{
    int64_t number = 0;
    regrow_as_int(regrow_tuple_get(tuple, index), &number);
    return number;
}

/* Good as long as the tuple. */
static inline const char *text_at(const regrow_term *tuple, size_t index)
{
    const char *text = "";
    regrow_as_text(regrow_tuple_get(tuple, index), &text);
    return text;
}

static inline void print_term(const regrow_term *term)
{
    char text[512];
    regrow_term_print(term, text, sizeof text);
    fputs(text, stdout);
}

static inline void print_last_reason(void)
{
    regrow_term reason;
    MUST(regrow_last_reason(&reason));
    print_term(&reason);
    regrow_term_free(&reason);
}

/* Whether the last error was {What, Pid}, as in {already_started, Pid}; then which pid. */
static inline bool last_reason_names(const char *what, regrow_pid *pid)
{
    regrow_term reason;
    MUST(regrow_last_reason(&reason));
    bool named = is_tagged(&reason, what) && regrow_as_pid(regrow_tuple_get(&reason, 1), pid);
    regrow_term_free(&reason);
    return named;
}

/* ---- calls that go on by themselves while the main thread moves the clock ---- */

/* A task, of {Registry, Key, Request}. Its value is {ok, Reply}, or {error, Reason}. */
static inline regrow_next call_in_task(regrow_context *context, void *user, const regrow_term *argument,
                                       regrow_term *value)
{
    regrow_term request = regrow_term_clone(regrow_tuple_get(argument, 2)), got = regrow_nil();
    regrow_address address = { .size = sizeof address, .runtime = root, .registry_name = text_at(argument, 0),
                               .key = regrow_tuple_get(argument, 1), .wait_ms = 1000 };
    regrow_error error = regrow_call_at(&address, request, REGROW_INFINITY, &got);
    if (error)
        MUST(regrow_last_reason(&got));
    *value = TUPLE(regrow_atom(error ? "error" : "ok"), got);
    return REGROW_DONE;
}

/* Calls whoever has the key now; waits for who is being restarted. Returns when the call is in its queue, so that calls
 * come in the order in which they are made. Key and request are moved. */
static inline regrow_task call_later(const char *registry, regrow_term key, regrow_term request)
{
    regrow_term argument = TUPLE(regrow_text(registry), key, request);
    regrow_task_spec spec = { .size = sizeof spec, .run = call_in_task, .argument = &argument };
    regrow_task task;
    MUST(regrow_task_async(&spec, &task));
    regrow_term_free(&argument);
    settle();
    return task;
}

/* False while the call is under way; else its outcome. */
static inline bool is_answered(regrow_task task, regrow_term *outcome)
{
    regrow_error error = regrow_task_yield(task, 0, outcome);
    if (error == REGROW_ERR_TIMEOUT)
        return false;
    MUST(error);
    return true;
}

#endif
