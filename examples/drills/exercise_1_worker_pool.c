/* Exercise 1: a pool of workers, and three ways to choose one.
 *
 *     WorkerPool           supervisor, one_for_one
 *     |- Registry          where worker N is: {worker, N}
 *     `- PoolSupervisor    partition supervisor
 *        `- 1, ... 5       servers
 *
 * The exercise chooses by phash2(Task, 5) and calls that round robin, which it is not. A partition supervisor leads
 * from a key to a worker in just that way. The other two ways go by the registry. */
#include "drill.h"

enum { WORKERS = 5, TASKS = 20, TASK_MS = 100, STEP_MS = 50 };

/* ---- PoolWorker ---- */

struct worker {
    int64_t number;
    int64_t tasks_processed;
};

/* The argument is a list of the partition's number, which begins at 0. */
static regrow_next worker_init(regrow_context *context, void *user, const regrow_term *arg, void **state)
{
    struct worker *worker = calloc(1, sizeof *worker);
    regrow_pid self;
    if (!worker || !regrow_as_int(regrow_list_head(arg), &worker->number)) {
        free(worker);
        return regrow_stop_self(context, regrow_atom("no_memory"));
    }
    worker->number++;
    *state = worker;
    MUST(regrow_self(&self));
    MUST(regrow_registry_register(whereis("Registry"), numbered("worker", worker->number), self, regrow_nil()));
    printf("   worker %" PRId64 " started\n", worker->number);
    return REGROW_READY;
}

/* {process, Ms} is answered with the worker's number, `count` with how many tasks it has processed. */
static regrow_next worker_call(regrow_context *context, void *state, const regrow_term *request)
{
    struct worker *worker = state;
    if (regrow_is_atom(request, "count"))
        return regrow_reply(context, regrow_int(worker->tasks_processed));
    if (regrow_sleep((uint32_t)int_at(request, 1)))
        return regrow_stop_self(context, regrow_atom("killed")); /* it is dead already: nobody will hear this */
    worker->tasks_processed++;
    return regrow_reply(context, regrow_int(worker->number));
}

/* ---- choosing a worker ---- */

enum way { HASH, ROUND_ROBIN, LEAST_LOADED };

static const char *const ways[] = { "hash", "round robin", "least loaded" };

/* Of the present run: tasks that each worker has not answered, by number. */
static int load[WORKERS + 1];

static int least_loaded(void)
{
    int least = 1;
    for (int number = 2; number <= WORKERS; number++)
        if (load[number] < load[least])
            least = number;
    return least;
}

/* ---- a run: twenty tasks ---- */

struct run {
    regrow_task calls[TASKS + 1]; /* of task 1, 2, ...; zero once it has its outcome */
    int sent_to[TASKS + 1];       /* 0: wherever the hash led */
    int worker[TASKS + 1];        /* who answered; 0: nobody */
};

static void submit(struct run *run, enum way way, int task)
{
    char name[16];
    snprintf(name, sizeof name, "task_%d", task);
    run->sent_to[task] = way == HASH ? 0 : way == ROUND_ROBIN ? (task - 1) % WORKERS + 1 : least_loaded();
    load[run->sent_to[task]]++;
    if (way == HASH)
        run->calls[task] = call_later("PoolSupervisor", regrow_text(name), numbered("process", TASK_MS));
    else
        run->calls[task] = call_later("Registry", numbered("worker", run->sent_to[task]), numbered("process", TASK_MS));
}

static void take_outcome(struct run *run, int task, const regrow_term *outcome)
{
    run->worker[task] = (int)int_at(outcome, 1);
    load[run->sent_to[task]]--;
    run->calls[task] = (regrow_task){ 0 };
    if (is_tagged(outcome, "error")) {
        printf("   task %d is lost: ", task);
        print_term(regrow_tuple_get(outcome, 1));
        printf("\n");
    }
}

/* Takes the outcomes that are there; how many tasks have none yet. */
static int collect(struct run *run)
{
    int left = 0;
    for (int task = 1; task <= TASKS; task++) {
        regrow_term outcome;
        if (!run->calls[task].pid.id)
            continue;
        if (!is_answered(run->calls[task], &outcome)) {
            left++;
            continue;
        }
        take_outcome(run, task, &outcome);
        regrow_term_free(&outcome);
    }
    return left;
}

static void print_run(const struct run *run, const char *what, uint64_t began)
{
    int by_worker[WORKERS + 1] = { 0 };
    for (int task = 1; task <= TASKS; task++)
        by_worker[run->worker[task]]++;
    printf("   %s: %" PRIu64 " ms; tasks answered by worker:", what, now_ms() - began);
    for (int number = 1; number <= WORKERS; number++)
        printf(" %d", by_worker[number]);
    printf("\n");
}

static void kill_worker(int64_t number)
{
    regrow_pid pid;
    regrow_term key = numbered("worker", number);
    MUST(regrow_registry_whereis(whereis("Registry"), &key, &pid));
    kill_and_wait(pid);
    regrow_term_free(&key);
    settle();
}

/* All tasks at once. At `kill_ms` worker 3 is killed; 0: nobody. */
static void run_at_once(struct run *run, enum way way, uint64_t kill_ms)
{
    uint64_t began = now_ms();
    memset(run, 0, sizeof *run);
    for (int task = 1; task <= TASKS; task++)
        submit(run, way, task);
    while (collect(run)) {
        advance(STEP_MS);
        if (kill_ms && now_ms() - began == kill_ms)
            kill_worker(3);
    }
    print_run(run, ways[way], began);
}

/* A task every 50 ms, while worker 1 is at one that takes a second. */
static void run_beside_a_long_one(struct run *run, enum way way)
{
    uint64_t began = now_ms();
    regrow_task slow = call_later("Registry", numbered("worker", 1), numbered("process", 1000));
    regrow_term outcome;
    memset(run, 0, sizeof *run);
    load[1]++;
    for (int task = 1; task <= TASKS; task++) {
        submit(run, way, task);
        advance(STEP_MS);
        collect(run);
    }
    while (collect(run))
        advance(STEP_MS);
    print_run(run, ways[way], began);
    load[1]--;
    MUST(regrow_task_await(slow, REGROW_INFINITY, &outcome));
    regrow_term_free(&outcome);
}

static void print_counters(void)
{
    printf("   tasks processed, as the workers count:");
    for (int number = 1; number <= WORKERS; number++) {
        regrow_term count, key = numbered("worker", number);
        regrow_address address = { .size = sizeof address, .runtime = root, .registry_name = "Registry", .key = &key };
        int64_t tasks = 0;
        MUST(regrow_call_at(&address, regrow_atom("count"), 1000, &count));
        regrow_as_int(&count, &tasks);
        printf(" %" PRId64, tasks);
        regrow_term_free(&count);
        regrow_term_free(&key);
    }
    printf("\n");
}

int main(void)
{
    regrow_registry_spec registry = { .size = sizeof registry, .keys = REGROW_UNIQUE };
    regrow_server_spec server = { .size = sizeof server, .init = worker_init, .handle_call = worker_call,
                                  .drop = free };
    regrow_child_spec worker = { .size = sizeof worker, .kind = REGROW_SERVER, .spec = &server };
    regrow_partition_supervisor_spec pool = { .size = sizeof pool, .child = &worker, .partitions = WORKERS,
                                              .flags = REGROW_WITH_NUMBER };
    regrow_child_spec children[] = {
        { .size = sizeof *children, .id = "Registry", .kind = REGROW_REGISTRY, .spec = &registry, .name = "Registry" },
        { .size = sizeof *children, .id = "PoolSupervisor", .kind = REGROW_PARTITION_SUPERVISOR, .spec = &pool,
          .name = "PoolSupervisor" },
    };
    regrow_supervisor_spec system = { .size = sizeof system, .strategy = REGROW_ONE_FOR_ONE, .children = children,
                                      .child_count = LENGTH(children) };
    struct run run;
    begin();
    printf("Five workers.\n");
    start_tree("WorkerPool", REGROW_SUPERVISOR, &system);

    printf("20 tasks of 100 ms at once, by the hash of the task, which is even only in the long run:\n");
    run_at_once(&run, HASH, 0);
    printf("   by task:");
    for (int task = 1; task <= TASKS; task++)
        printf(" %d", run.worker[task]);
    printf("\n");

    printf("In turn, and to whoever has least to do, which is the same here:\n");
    run_at_once(&run, ROUND_ROBIN, 0);
    run_at_once(&run, LEAST_LOADED, 0);

    printf("A task every 50 ms, while worker 1 is at one of 1000 ms:\n");
    run_beside_a_long_one(&run, ROUND_ROBIN);
    run_beside_a_long_one(&run, LEAST_LOADED);
    print_counters();

    printf("Worker 3 is killed after 150 ms. What it was at is lost; what waited for it goes to the next one:\n");
    run_at_once(&run, ROUND_ROBIN, 150);
    print_counters();
    return finish();
}
