/* An exception that leaves a callback, as a C++ throw does: the program aborts, and says why, wherever the callback ran.
 * Each case is a child process of its own. The exception is raised through the unwinder, which is what `throw` is made
 * of, so that this needs no C++ compiler. */
#include "support.h"
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <unwind.h>

static void throw_one(void)
{
    static struct _Unwind_Exception exception;
    memcpy(&exception.exception_class, "GNUCC++", 8);
    _Unwind_RaiseException(&exception);
    fprintf(stderr, "nobody caught it\n");
    _Exit(3);
}

/* ---- callbacks that throw ---- */

static regrow_next init(regrow_context *context, void *user, const regrow_term *arg, void **state)
{
    if (user)
        throw_one();
    return REGROW_READY;
}

static regrow_next handle(regrow_context *context, void *state, const regrow_term *message)
{
    throw_one();
    return REGROW_NOREPLY;
}

static regrow_next park_and_throw(regrow_context *context, void *state, const regrow_term *message)
{
    regrow_sleep(1);
    throw_one();
    return REGROW_NOREPLY;
}

static void terminate(regrow_context *context, void *state, const regrow_term *reason)
{
    throw_one();
}

static void drop(void *state)
{
    throw_one();
}

static regrow_next body(regrow_context *context, void *user)
{
    throw_one();
    return REGROW_DONE;
}

static regrow_next run(regrow_context *context, void *user, const regrow_term *argument, regrow_term *value)
{
    throw_one();
    return REGROW_DONE;
}

static regrow_next update(regrow_context *context, void *user, const regrow_term *state, regrow_term *next,
                          regrow_term *reply)
{
    throw_one();
    return REGROW_DONE;
}

static regrow_next supervisor_init(regrow_context *context, void *user, const regrow_term *arg,
                                   regrow_children *children)
{
    throw_one();
    return REGROW_READY;
}

static bool matches(void *user, const regrow_term *message)
{
    throw_one();
    return true;
}

static void deliver(void *user, regrow_pid pid, const regrow_term *message, regrow_caller caller)
{
    throw_one();
}

static void told(void *user, regrow_error error, const regrow_term *result)
{
    throw_one();
}

static void write_log(void *user, uint32_t level, const char *text, const regrow_term *report)
{
    throw_one();
}

/* ---- cases ---- */

static regrow_pid start(uint32_t kind, const void *spec)
{
    regrow_child_spec how = child(kind, spec);
    regrow_pid pid = { 0 };
    (void)regrow_start(root, &how, &pid);
    return pid;
}

static void call_server(regrow_server_spec spec)
{
    spec.size = sizeof spec;
    regrow_pid pid = start(REGROW_SERVER, &spec);
    regrow_call(pid, regrow_nil(), LONG_MS, NULL);
    regrow_stop(pid, regrow_atom("normal"), LONG_MS);
}

static void in_an_init(void) { call_server((regrow_server_spec){ .init = init, .user = "throw" }); }
static void in_a_call(void) { call_server((regrow_server_spec){ .handle_call = handle }); }
static void in_a_call_that_was_parked(void) { call_server((regrow_server_spec){ .handle_call = park_and_throw }); }
static void in_an_inline_call(void) { call_server((regrow_server_spec){ .handle_call = handle, .flags = REGROW_INLINE }); }
static void in_a_call_on_a_thread(void) { call_server((regrow_server_spec){ .handle_call = handle, .home = REGROW_THREAD }); }
static void in_a_call_that_never_waits(void) { call_server((regrow_server_spec){ .handle_call = handle, .flags = REGROW_NO_PARK }); }
static void in_terminate(void) { call_server((regrow_server_spec){ .terminate = terminate }); }
static void in_a_drop(void) { call_server((regrow_server_spec){ .init = init, .drop = drop }); }

static void in_a_body(void)
{
    regrow_ref monitor;
    regrow_term down;
    spawn_monitor(body, NULL, &monitor);
    regrow_receive(LONG_MS, &down);
}

static void in_a_task(void)
{
    regrow_task_spec spec = { .size = sizeof spec, .run = run };
    regrow_task task;
    regrow_task_async(&spec, &task);
    regrow_task_await(task, LONG_MS, NULL);
}

static void in_an_agents_function(void)
{
    regrow_agent_spec spec = { .size = sizeof spec };
    regrow_agent_update(start(REGROW_AGENT, &spec), update, NULL, LONG_MS);
}

static void in_a_supervisors_init(void)
{
    regrow_supervisor_spec spec = { .size = sizeof spec, .init = supervisor_init };
    start(REGROW_SUPERVISOR, &spec);
}

static void in_a_match_function(void)
{
    regrow_term message;
    regrow_send(self, regrow_nil());
    regrow_receive_match(matches, NULL, LONG_MS, &message);
}

static void in_a_host(void)
{
    regrow_host_spec spec = { .size = sizeof spec, .deliver = deliver };
    regrow_call(start(REGROW_HOST, &spec), regrow_nil(), LONG_MS, NULL);
}

static void in_a_function_told_an_outcome(void)
{
    regrow_server_spec spec = { .size = sizeof spec };
    regrow_request *pending;
    regrow_call_async(start(REGROW_SERVER, &spec), regrow_nil(), LONG_MS, &pending);
    regrow_on_reply(pending, told, NULL, NULL);
    regrow_settle(root, LONG_MS, NULL);
}

static void in_the_drop_of_a_resource(void)
{
    regrow_term resource = regrow_resource(&root, drop);
    regrow_term_free(&resource);
}

static void in_the_log(void)
{
    spawn(end_at_once, "boom");
    regrow_settle(root, LONG_MS, NULL);
}

typedef struct test_case {
    const char *name;
    void (*code)(void);
} test_case;

#define CASE(code) { #code, code }

static const test_case cases[] = {
    CASE(in_an_init), CASE(in_a_call), CASE(in_a_call_that_was_parked), CASE(in_an_inline_call),
    CASE(in_a_call_on_a_thread), CASE(in_a_call_that_never_waits), CASE(in_terminate), CASE(in_a_drop),
    CASE(in_a_body), CASE(in_a_task), CASE(in_an_agents_function), CASE(in_a_supervisors_init),
    CASE(in_a_match_function), CASE(in_a_host), CASE(in_a_function_told_an_outcome),
    CASE(in_the_drop_of_a_resource), CASE(in_the_log),
};

/* The child: only an abort ends it as it should. */
static void be_the_child(const test_case *which)
{
    regrow_options options = { .workers = 2, .log_level = REGROW_LOG_SILENT };
    if (which->code == in_the_log)
        options = (regrow_options){ .workers = 2, .log = write_log, .log_level = REGROW_LOG_ERROR };
    setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
    alarm(60);
    open_runtime(options);
    which->code();
    fprintf(stderr, "it went on\n");
    _Exit(4);
}

static void check_case(const test_case *which)
{
    int ends[2], status;
    char text[2000];
    size_t length = 0;
    ssize_t got;
    fflush(NULL);
    CHECK(!pipe(ends));
    pid_t child = fork();
    CHECK(child >= 0);
    if (!child) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        be_the_child(which);
    }
    close(ends[1]);
    while (length < sizeof text - 1 && (got = read(ends[0], text + length, sizeof text - 1 - length)) > 0)
        length += (size_t)got;
    text[length] = 0;
    close(ends[0]);
    CHECK(waitpid(child, &status, 0) == child);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT || !strstr(text, "foreign exception")) {
        fprintf(stderr, "%s: status %x, and it said: %s\n", which->name, (unsigned)status, text);
        _Exit(1);
    }
    printf("an exception %s aborts: %s", which->name, text);
}

int main(void)
{
    for (size_t at = 0; at < sizeof cases / sizeof *cases; at++)
        check_case(&cases[at]);
    return 0;
}
