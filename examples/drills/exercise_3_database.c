/* Exercise 3: a pool of database connections, each in the hands of a worker that may crash.
 *
 *     DatabaseSystem       supervisor, one_for_one
 *     |- Registry          where worker N is: {db_worker, N}
 *     `- DatabasePool      partition supervisor: a query leads to the worker phash2(Query, 3)
 *        `- 1, 2, 3        servers
 *
 * A query asks for whoever is there now, and waits while that is nobody: a restart is none of its business. */
#include "drill.h"

enum { POOL_SIZE = 3, QUERY_MS = 50 };

/* ---- DatabaseWorker ---- */

struct database_worker {
    int64_t number;
    int connection;
    int64_t query_count;
};

/* How many connections each worker has had, over all its lives. */
static int connections[POOL_SIZE + 1];

/* The argument is a list of the partition's number, which begins at 0. */
static regrow_next worker_init(regrow_context *context, void *user, const regrow_term *arg, void **state)
{
    struct database_worker *worker = calloc(1, sizeof *worker);
    regrow_pid self;
    if (!worker || !regrow_as_int(regrow_list_head(arg), &worker->number)) {
        free(worker);
        return regrow_stop_self(context, regrow_atom("no_memory"));
    }
    worker->number++;
    worker->connection = ++connections[worker->number];
    *state = worker;
    MUST(regrow_self(&self));
    MUST(regrow_registry_register(whereis("Registry"), numbered("db_worker", worker->number), self, regrow_nil()));
    printf("   db worker %" PRId64 " is connecting\n", worker->number);
    return REGROW_READY;
}

/* A query. The answer is {Result, Worker, Connection, QueryCount}. One that fails is the end of the worker. */
static regrow_next worker_call(regrow_context *context, void *state, const regrow_term *request)
{
    struct database_worker *worker = state;
    const char *sql = "";
    char result[128];
    regrow_as_text(request, &sql);
    if (regrow_sleep(QUERY_MS))
        return regrow_stop_self(context, regrow_atom("killed")); /* it is dead already: nobody will hear this */
    if (strncmp(sql, "SELECT ", 7) != 0)
        return regrow_stop_self(context, regrow_atom("syntax_error"));
    snprintf(result, sizeof result, "Result for: %s", sql);
    return regrow_reply(context, TUPLE(regrow_text(result), regrow_int(worker->number), regrow_int(worker->connection),
                                       regrow_int(++worker->query_count)));
}

/* ---- DatabasePool ---- */

static regrow_task send_query(const char *sql)
{
    return call_later("DatabasePool", regrow_text(sql), regrow_text(sql));
}

/* Lets time go on until there is an outcome. */
static regrow_term finish_query(regrow_task query)
{
    regrow_term outcome;
    while (!is_answered(query, &outcome))
        advance(QUERY_MS);
    return outcome;
}

static void print_outcome(const char *sql, regrow_task query)
{
    regrow_term outcome = finish_query(query);
    const regrow_term *result = regrow_tuple_get(&outcome, 1);
    if (is_tagged(&outcome, "ok")) {
        printf("   %s (worker %" PRId64 ", its connection %" PRId64 ", query %" PRId64 ")\n", text_at(result, 0),
               int_at(result, 1), int_at(result, 2), int_at(result, 3));
    } else {
        printf("   %s: the worker ended, ", sql);
        print_term(result);
        printf("\n");
    }
    regrow_term_free(&outcome);
}

static void query(const char *sql)
{
    print_outcome(sql, send_query(sql));
}

static regrow_pid worker_pid(int64_t number)
{
    regrow_pid pid = { 0 };
    regrow_term key = numbered("db_worker", number);
    regrow_registry_whereis(whereis("Registry"), &key, &pid);
    regrow_term_free(&key);
    return pid;
}

int main(void)
{
    regrow_registry_spec registry = { .size = sizeof registry, .keys = REGROW_UNIQUE };
    regrow_server_spec server = { .size = sizeof server, .init = worker_init, .handle_call = worker_call,
                                  .drop = free };
    regrow_child_spec worker = { .size = sizeof worker, .kind = REGROW_SERVER, .spec = &server };
    regrow_partition_supervisor_spec pool = { .size = sizeof pool, .child = &worker, .partitions = POOL_SIZE,
                                              .flags = REGROW_WITH_NUMBER };
    regrow_child_spec children[] = {
        { .size = sizeof *children, .id = "Registry", .kind = REGROW_REGISTRY, .spec = &registry, .name = "Registry" },
        { .size = sizeof *children, .id = "DatabasePool", .kind = REGROW_PARTITION_SUPERVISOR, .spec = &pool,
          .name = "DatabasePool" },
    };
    regrow_supervisor_spec system = { .size = sizeof system, .strategy = REGROW_ONE_FOR_ONE, .children = children,
                                      .child_count = LENGTH(children) };
    int answered = 0, errors = 0;
    begin();
    printf("1. Three workers, each with its connection.\n");
    start_tree("DatabaseSystem", REGROW_SUPERVISOR, &system);
    query("SELECT * FROM users");
    query("SELECT * FROM posts");

    printf("2. {db_worker, 2} is killed. Queries go on, also the next one to it, over a fresh connection.\n");
    kill_and_wait(worker_pid(2));
    query("SELECT * FROM users");
    query("SELECT * FROM posts");

    printf("3. A query that fails is its worker's end, and nobody else's.\n");
    query("DROP EVERYTHING");
    query("SELECT * FROM users");
    query("SELECT * FROM posts");

    printf("4. What a worker was at when it was killed is lost; it may have had its effect. What waited is not.\n");
    advance(10000); /* the restarts until now do not count any more */
    regrow_task first = send_query("SELECT * FROM users"), second = send_query("SELECT * FROM users");
    advance(QUERY_MS / 2);
    kill_and_wait(worker_pid(2));
    settle();
    print_outcome("SELECT * FROM users", first);
    print_outcome("SELECT * FROM users", second);

    printf("5. Four kills within five seconds are the pool's end too, and the system starts another.\n");
    advance(10000);
    regrow_pid before = whereis("DatabasePool");
    for (int time = 0; time < 4; time++) {
        kill_and_wait(worker_pid(2));
        regrow_term outcome = finish_query(send_query("SELECT * FROM users"));
        ++*(is_tagged(&outcome, "ok") ? &answered : &errors);
        regrow_term_free(&outcome);
    }
    printf("   a new pool: %s; queries: %d answered, %d errors\n", yes_or_no(!same(before, whereis("DatabasePool"))),
           answered, errors);
    return finish();
}
