/* Drill 7: which errors are answered, and which are a reason to crash.
 *
 * The kernel keeps what must not be lost, so it does nothing risky itself: each request is worked at by a task, a
 * process of its own, which may crash. That stands in for try and catch, which C has not. The worker keeps nothing that
 * is dear, so it expects what is to be expected and crashes over the rest. */
#include "drill.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* ---- ErrorKernel ---- */

/* Critical data: how much is in stock. */
struct kernel {
    int64_t stock;
};

static regrow_next kernel_init(regrow_context *context, void *user, const regrow_term *arg, void **state)
{
    struct kernel *kernel = malloc(sizeof *kernel);
    if (!kernel)
        return regrow_stop_self(context, regrow_atom("no_memory"));
    kernel->stock = 100;
    *state = kernel;
    /* The crash of a task is a message to the kernel, and not its end. */
    MUST(regrow_trap_exit(true, NULL));
    return REGROW_READY;
}

/* Runs as a task: what is left after {take, N}; any other request is not expected, and a crash. */
static regrow_next process_request(regrow_context *context, void *user, const regrow_term *request, regrow_term *value)
{
    const struct kernel *kernel = user;
    if (!is_tagged(request, "take") || int_at(request, 1) > kernel->stock)
        return regrow_stop_self(context, regrow_atom("cannot_do_that"));
    *value = regrow_int(kernel->stock - int_at(request, 1));
    return REGROW_DONE;
}

/* {take, N} gives {ok, Left}, or {error, processing_failed}. */
static regrow_next kernel_call(regrow_context *context, void *state, const regrow_term *request)
{
    struct kernel *kernel = state;
    regrow_task_spec risky = { .size = sizeof risky, .run = process_request, .user = kernel, .argument = request };
    regrow_task task;
    regrow_term left;
    if (regrow_is_atom(request, "stock"))
        return regrow_reply(context, regrow_int(kernel->stock));
    if (regrow_task_async(&risky, &task) || regrow_task_await(task, 1000, &left))
        return regrow_reply(context, TUPLE(regrow_atom("error"), regrow_atom("processing_failed")));
    regrow_as_int(&left, &kernel->stock);
    regrow_term_free(&left);
    return regrow_reply(context, TUPLE(regrow_atom("ok"), regrow_int(kernel->stock)));
}

/* The EXIT of a task. The answer said already how that went. */
static regrow_next kernel_info(regrow_context *context, void *state, const regrow_term *message)
{
    return REGROW_NOREPLY;
}

static const regrow_server_spec error_kernel = { .size = sizeof error_kernel, .init = kernel_init,
                                                 .handle_call = kernel_call, .handle_info = kernel_info, .drop = free };

/* ---- NormalWorker ---- */

/* A division by zero would be the end of the whole program in C, so that much is looked at; it is not handled. */
static regrow_next divide(regrow_context *context, int64_t a, int64_t b)
{
    if (b == 0)
        return regrow_stop_self(context, regrow_atom("badarith"));
    return regrow_reply(context, regrow_int(a / b));
}

/* {ok, Contents}, or {error, not_found}; whatever else can be wrong with a file is a crash. */
static regrow_next read_file(regrow_context *context, const char *path)
{
    char contents[256];
    int file = open(path, O_RDONLY);
    ssize_t size = file < 0 ? -1 : read(file, contents, sizeof contents);
    int error = errno;
    if (file >= 0)
        close(file);
    if (size >= 0)
        return regrow_reply(context, TUPLE(regrow_atom("ok"), regrow_bytes(contents, (size_t)size)));
    if (error == ENOENT)
        return regrow_reply(context, TUPLE(regrow_atom("error"), regrow_atom("not_found")));
    const char *reason = error == EISDIR ? "eisdir" : "other";
    return regrow_stop_self(context, TUPLE(regrow_atom("read_file"), regrow_atom(reason)));
}

static regrow_next worker_call(regrow_context *context, void *state, const regrow_term *request)
{
    if (is_tagged(request, "divide"))
        return divide(context, int_at(request, 1), int_at(request, 2));
    if (is_tagged(request, "read_file"))
        return read_file(context, text_at(request, 1));
    return regrow_stop_self(context, regrow_atom("bad_request"));
}

static const regrow_server_spec normal_worker = { .size = sizeof normal_worker, .handle_call = worker_call };

/* ---- asking them ---- */

static void ask(const char *whom, const char *what, regrow_term request)
{
    regrow_pid before = whereis(whom);
    regrow_term reply = regrow_nil();
    regrow_error error = regrow_call(before, request, 5000, &reply);
    printf("   %-22s ", what);
    if (error) {
        printf("%s, ", regrow_error_name(error));
        print_last_reason();
    } else if (is_tagged(&reply, "ok") && regrow_is_bytes(regrow_tuple_get(&reply, 1))) {
        printf("{ok,\"%s\"}", text_at(&reply, 1));
    } else {
        print_term(&reply);
    }
    settle();
    printf("%s\n", same(before, whereis(whom)) ? "" : "; there is a new one");
    regrow_term_free(&reply);
}

static regrow_term take(int64_t number)
{
    return numbered("take", number);
}

static regrow_term division(int64_t a, int64_t b)
{
    return TUPLE(regrow_atom("divide"), regrow_int(a), regrow_int(b));
}

static regrow_term file_at(const char *path)
{
    return TUPLE(regrow_atom("read_file"), regrow_text(path));
}

int main(void)
{
    regrow_child_spec children[] = {
        { .size = sizeof *children, .id = "kernel", .name = "kernel", .kind = REGROW_SERVER, .spec = &error_kernel },
        { .size = sizeof *children, .id = "worker", .name = "worker", .kind = REGROW_SERVER, .spec = &normal_worker },
    };
    regrow_supervisor_spec system = { .size = sizeof system, .strategy = REGROW_ONE_FOR_ONE, .children = children,
                                      .child_count = LENGTH(children) };
    char path[] = "/tmp/drill_7_XXXXXX";
    int file = mkstemp(path);
    if (file < 0 || write(file, "hello", 5) != 5 || close(file) != 0)
        return perror(path), EXIT_FAILURE;
    begin();
    start_tree("system", REGROW_SUPERVISOR, &system);

    printf("The error kernel answers an error, and keeps its state.\n");
    ask("kernel", "take 30", take(30));
    ask("kernel", "take 1000", take(1000));
    ask("kernel", "what is that", regrow_atom("rubbish"));
    ask("kernel", "the stock", regrow_atom("stock"));
    ask("kernel", "take 70", take(70));

    printf("The worker crashes, and the supervisor starts another.\n");
    ask("worker", "7 by 2", division(7, 2));
    ask("worker", "7 by 0", division(7, 0));
    ask("worker", "8 by 2", division(8, 2));

    printf("That a file is not there is to be expected; that it is a folder is not.\n");
    ask("worker", "a file", file_at(path));
    unlink(path);
    ask("worker", "the same, deleted", file_at(path));
    ask("worker", "a folder", file_at("/"));
    ask("worker", "9 by 3", division(9, 3));
    return finish();
}
