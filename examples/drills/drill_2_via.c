/* Drill 2: workers are reached by a registry and a key, whichever process that is at the moment. */
#include "drill.h"

/* ---- WorkerRegistry: where worker N is ---- */

/* Good as long as the key, {task_worker, N}. */
static regrow_address worker_address(const regrow_term *key)
{
    return (regrow_address){ .size = sizeof(regrow_address), .runtime = root, .registry_name = "WorkerRegistry",
                             .key = key, .wait_ms = 1000 };
}

/* ---- TaskWorker: the server ---- */

struct task_worker {
    int64_t id;
    int64_t tasks_completed;
    char current_task[64];
};

static regrow_next worker_init(regrow_context *context, void *user, const regrow_term *id, void **state)
{
    struct task_worker *worker = calloc(1, sizeof *worker);
    if (!worker)
        return regrow_stop_self(context, regrow_atom("no_memory"));
    regrow_as_int(id, &worker->id);
    *state = worker;
    return REGROW_READY;
}

static regrow_next worker_call(regrow_context *context, void *state, const regrow_term *request)
{
    const struct task_worker *worker = state;
    if (!regrow_is_atom(request, "status"))
        return regrow_stop_self(context, regrow_atom("bad_request"));
    return regrow_reply(context, TUPLE(regrow_int(worker->id), regrow_int(worker->tasks_completed),
                                       regrow_text(worker->current_task)));
}

static regrow_next worker_cast(regrow_context *context, void *state, const regrow_term *message)
{
    struct task_worker *worker = state;
    snprintf(worker->current_task, sizeof worker->current_task, "%s", text_at(message, 1));
    worker->tasks_completed++;
    printf("   worker %" PRId64 " is processing: %s\n", worker->id, worker->current_task);
    return REGROW_NOREPLY;
}

static const regrow_server_spec task_worker = { .size = sizeof task_worker, .init = worker_init,
                                                .handle_call = worker_call, .handle_cast = worker_cast, .drop = free };

/* ---- its functions, which take an id ---- */

static void process_task(int64_t id, const char *task)
{
    regrow_term key = numbered("task_worker", id);
    regrow_address address = worker_address(&key);
    MUST(regrow_cast_at(&address, TUPLE(regrow_atom("task"), regrow_text(task))));
    regrow_term_free(&key);
    settle(); /* so that the lines of several workers come in order */
}

static void print_status(int64_t id)
{
    regrow_term status, key = numbered("task_worker", id);
    regrow_address address = worker_address(&key);
    MUST(regrow_call_at(&address, regrow_atom("status"), 5000, &status));
    printf("   worker %" PRId64 ": %" PRId64 " tasks completed, at \"%s\"\n", int_at(&status, 0), int_at(&status, 1),
           text_at(&status, 2));
    regrow_term_free(&status);
    regrow_term_free(&key);
}

static regrow_pid worker_pid(int64_t id)
{
    regrow_pid pid;
    regrow_term key = numbered("task_worker", id);
    regrow_address address = worker_address(&key);
    MUST(regrow_whereis_at(&address, &pid));
    regrow_term_free(&key);
    return pid;
}

static regrow_error start_worker(regrow_pid supervisor, const char *child_id, int64_t id)
{
    regrow_term number = regrow_int(id), key = numbered("task_worker", id);
    regrow_address address = worker_address(&key);
    regrow_server_spec server = task_worker;
    server.arg = &number;
    regrow_child_spec child = { .size = sizeof child, .id = child_id, .kind = REGROW_SERVER, .spec = &server,
                                .via = &address };
    regrow_error error = regrow_supervisor_start_child(supervisor, &child, NULL);
    regrow_term_free(&key);
    return error;
}

int main(void)
{
    regrow_registry_spec registry = { .size = sizeof registry, .keys = REGROW_UNIQUE };
    regrow_child_spec children[] = {
        { .size = sizeof *children, .id = "WorkerRegistry", .kind = REGROW_REGISTRY, .spec = &registry,
          .name = "WorkerRegistry" },
    };
    regrow_supervisor_spec system = { .size = sizeof system, .strategy = REGROW_ONE_FOR_ONE, .children = children,
                                      .child_count = LENGTH(children) };
    regrow_pid other = { 0 };
    begin();
    regrow_pid supervisor = start_tree("system", REGROW_SUPERVISOR, &system);

    printf("1. The registry, and three workers.\n");
    MUST(start_worker(supervisor, "worker 1", 1));
    MUST(start_worker(supervisor, "worker 2", 2));
    MUST(start_worker(supervisor, "worker 3", 3));

    printf("2. Tasks go to ids.\n");
    process_task(1, "read");
    process_task(2, "write");
    process_task(2, "sum up");
    process_task(3, "tidy");

    printf("3. So do questions.\n");
    print_status(1);
    print_status(2);
    print_status(3);

    printf("4. Worker 2 is killed, and its supervisor starts another.\n");
    regrow_pid before = worker_pid(2);
    kill_and_wait(before);
    printf("   the same id, a new pid: %s\n", yes_or_no(!same(worker_pid(2), before)));
    print_status(2);
    process_task(2, "write again");
    print_status(2);

    printf("5. A second worker 1.\n");
    regrow_error error = start_worker(supervisor, "another worker 1", 1);
    bool named = last_reason_names("already_started", &other);
    printf("   %s, {already_started, Pid}: %s; Pid is the first: %s\n", regrow_error_name(error), yes_or_no(named),
           yes_or_no(same(other, worker_pid(1))));
    print_status(1);
    return finish();
}
