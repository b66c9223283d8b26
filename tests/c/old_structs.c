/* Structs of an older header: each sized struct in a smaller, hand-made copy, followed by rubbish that must not be
 * read, or written over; child specs in arrays, with the older distance from one to the next. And of a newer header:
 * larger ones in arrays, with zeroes where this library knows nothing.
 *
 * From the first release on, the last release's header takes the place of the copies. */
#include "test.h"
#include <stdatomic.h>
#include <string.h>

enum { LIMIT_MS = 20000, CHILDREN = 3 };

/* A struct, and rubbish behind it. */
#define WITH_RUBBISH(type) struct { type it; unsigned char rubbish[64]; }
#define FILL(variable) memset((variable).rubbish, 0xFF, sizeof (variable).rubbish)
#define CHECK_RUBBISH(variable)                                              \
    do {                                                                     \
        for (size_t byte = 0; byte < sizeof (variable).rubbish; byte++)      \
            CHECK((variable).rubbish[byte] == 0xFF);                         \
    } while (0)

/* Before there was a log to be had. */
typedef struct old_options {
    size_t size;
    uint32_t workers, clock, stack_size, max_processes, max_restarts, period_ms, log_level, reserved;
} old_options;

/* Before timers had kinds: nothing but the state. */
typedef struct old_settled {
    size_t size;
    uint32_t state, kind;
} old_settled;

typedef struct old_stats {
    size_t size;
    uint64_t processes, workers;
} old_stats;

/* Before addresses could wait, or give a value. */
typedef struct old_address {
    size_t size;
    regrow_pid runtime;
    const char *name;
    regrow_pid registry;
    const char *registry_name;
    const regrow_term *key;
} old_address;

/* Before children could be registered. */
typedef struct old_child_spec {
    size_t size;
    const char *id;
    const regrow_term *id_term;
    uint32_t kind, restart, shutdown_ms, reserved;
    const void *spec;
} old_child_spec;

typedef struct old_process_spec {
    size_t size;
    regrow_body_callback body;
} old_process_spec;

typedef struct old_child_count {
    size_t size;
    uint64_t specs, active;
} old_child_count;

/* Before servers had a user, a home or flags. */
typedef struct old_server_spec {
    size_t size;
    regrow_init_callback init;
    regrow_handle_callback handle_call;
} old_server_spec;

typedef struct old_host_spec {
    size_t size;
    regrow_deliver_callback deliver;
} old_host_spec;

/* Before supervisors had an init. */
typedef struct old_supervisor_spec {
    size_t size;
    uint32_t strategy, max_restarts, period_ms, reserved;
    const void *children;
    size_t child_count;
} old_supervisor_spec;

typedef struct old_registry_spec {
    size_t size;
} old_registry_spec;

typedef struct old_agent_spec {
    size_t size;
    const regrow_term *initial;
} old_agent_spec;

/* Before dynamic supervisors had flags or an init. */
typedef struct old_dynamic_supervisor_spec {
    size_t size;
    uint32_t max_children, max_restarts;
} old_dynamic_supervisor_spec;

typedef struct old_partition_supervisor_spec {
    size_t size;
    const void *child;
    uint32_t partitions, strategy;
} old_partition_supervisor_spec;

/* Before children could wait longer each time. */
typedef struct old_backoff_spec {
    size_t size;
    uint32_t initial_ms, max_ms;
} old_backoff_spec;

typedef struct old_task_supervisor_spec {
    size_t size;
    uint32_t max_children, at_limit;
} old_task_supervisor_spec;

typedef struct old_pubsub_spec {
    size_t size;
} old_pubsub_spec;

/* Before subscriptions had a bound. */
typedef struct old_subscription {
    size_t size;
    const char *queue;
} old_subscription;

typedef struct old_task_spec {
    size_t size;
    regrow_task_callback run;
} old_task_spec;

/* Before tasks had a watchdog, and the numbers one for those. */
typedef struct unwatched_task_spec {
    size_t size;
    regrow_task_callback run;
    void *user;
    regrow_drop_callback drop_user;
    const regrow_term *argument;
    uint32_t home, flags;
} unwatched_task_spec;

typedef struct unwatched_stats {
    size_t size;
    uint64_t processes, workers, relief_workers, stuck, ghosts, stacks, busy, sent, handled, returned, undelivered;
} unwatched_stats;

/* Before streams had limits. */
typedef struct old_stream_spec {
    size_t size;
    const void *task;
    regrow_source_callback source;
    regrow_result_callback result;
    void *user;
} old_stream_spec;

typedef struct old_table_spec {
    size_t size;
    const char *name;
} old_table_spec;

/* A newer one: what this library knows, and more. */
typedef struct new_child_spec {
    regrow_child_spec known;
    uint64_t more[2];
} new_child_spec;

typedef struct new_server_spec {
    regrow_server_spec known;
    void *more;
} new_server_spec;

static atomic_int bodies, delivered, starts;

static regrow_next count_body(regrow_context *context, void *user)
{
    CHECK(user == NULL);
    atomic_fetch_add(&bodies, 1);
    return REGROW_DONE;
}

static void count_delivery(void *user, regrow_pid pid, const regrow_term *message, regrow_caller caller)
{
    CHECK(user == NULL);
    atomic_fetch_add(&delivered, 1);
}

static regrow_next old_init(regrow_context *context, void *user, const regrow_term *arg, void **state)
{
    CHECK(user == NULL && regrow_is_nil(arg));
    *state = NULL;
    atomic_fetch_add(&starts, 1);
    return REGROW_READY;
}

static regrow_next old_call(regrow_context *context, void *state, const regrow_term *request)
{
    return regrow_reply(context, regrow_term_clone(request));
}

static regrow_pid root;

static void ask(regrow_pid server)
{
    regrow_term reply;
    CHECK_OK(regrow_call(server, regrow_atom("hello"), LIMIT_MS, &reply));
    CHECK(regrow_is_atom(&reply, "hello"));
    regrow_term_free(&reply);
}

static regrow_pid start_old(uint32_t kind, const void *spec)
{
    WITH_RUBBISH(old_child_spec) child = { { .size = sizeof child.it, .kind = kind, .spec = spec }, { 0 } };
    regrow_pid pid;
    FILL(child);
    CHECK_OK(regrow_start(root, (const regrow_child_spec *)&child.it, &pid));
    return pid;
}

static void old_out_structs(void)
{
    WITH_RUBBISH(old_settled) settled = { { .size = sizeof settled.it }, { 0 } };
    WITH_RUBBISH(old_stats) stats = { { .size = sizeof stats.it }, { 0 } };
    WITH_RUBBISH(old_child_count) count = { { .size = sizeof count.it }, { 0 } };
    FILL(settled);
    FILL(stats);
    FILL(count);
    CHECK_OK(regrow_settle(root, LIMIT_MS, (regrow_settled *)&settled.it));
    CHECK(settled.it.state == REGROW_QUIET && settled.it.size == sizeof settled.it);
    CHECK_RUBBISH(settled);
    CHECK_OK(regrow_stats_read(root, (regrow_stats *)&stats.it));
    CHECK(stats.it.processes >= 1 && stats.it.workers >= 1 && stats.it.size == sizeof stats.it);
    CHECK_RUBBISH(stats);
    CHECK_OK(regrow_supervisor_count_children(root, (regrow_child_count *)&count.it));
    CHECK(count.it.specs == 0 && count.it.active == 0 && count.it.size == sizeof count.it);
    CHECK_RUBBISH(count);
}

static void old_kinds(void)
{
    regrow_term state = regrow_int(7), shown;
    WITH_RUBBISH(old_server_spec) server = { { .size = sizeof server.it, .init = old_init, .handle_call = old_call },
                                             { 0 } };
    WITH_RUBBISH(old_agent_spec) agent = { { .size = sizeof agent.it, .initial = &state }, { 0 } };
    WITH_RUBBISH(old_registry_spec) registry = { { .size = sizeof registry.it }, { 0 } };
    WITH_RUBBISH(old_host_spec) host = { { .size = sizeof host.it, .deliver = count_delivery }, { 0 } };
    WITH_RUBBISH(old_process_spec) process = { { .size = sizeof process.it, .body = count_body }, { 0 } };
    FILL(server);
    FILL(agent);
    FILL(registry);
    FILL(host);
    FILL(process);

    regrow_pid server_pid = start_old(REGROW_SERVER, &server.it);
    ask(server_pid);
    regrow_pid agent_pid = start_old(REGROW_AGENT, &agent.it);
    CHECK_OK(regrow_agent_get(agent_pid, NULL, NULL, LIMIT_MS, &shown));
    CHECK(regrow_term_equal(&shown, &state));
    regrow_term_free(&shown);
    regrow_pid host_pid = start_old(REGROW_HOST, &host.it);
    CHECK_OK(regrow_send(host_pid, regrow_nil()));
    start_old(REGROW_PROCESS, &process.it);
    CHECK_OK(regrow_spawn(root, (const regrow_process_spec *)&process.it, NULL));
    CHECK_OK(regrow_settle(root, LIMIT_MS, NULL));
    CHECK(atomic_load(&delivered) == 1 && atomic_load(&bodies) == 2);

    regrow_pid registry_pid = start_old(REGROW_REGISTRY, &registry.it), found;
    CHECK_OK(regrow_registry_register(registry_pid, regrow_term_clone(&state), server_pid, regrow_nil()));
    WITH_RUBBISH(old_address) address = {
        { .size = sizeof address.it, .registry = registry_pid, .key = &state }, { 0 } };
    FILL(address);
    CHECK_OK(regrow_whereis_at((const regrow_address *)&address.it, &found));
    CHECK(found.id == server_pid.id);
    regrow_term_free(&state);
}

static void old_supervisors(void)
{
    WITH_RUBBISH(old_server_spec) server = { { .size = sizeof server.it, .init = old_init, .handle_call = old_call },
                                             { 0 } };
    WITH_RUBBISH(old_child_spec) child = { { .size = sizeof child.it, .id = "child", .kind = REGROW_SERVER,
                                             .spec = &server.it }, { 0 } };
    WITH_RUBBISH(old_dynamic_supervisor_spec) dynamic = { { .size = sizeof dynamic.it, .max_children = 1 }, { 0 } };
    WITH_RUBBISH(old_partition_supervisor_spec) partition = {
        { .size = sizeof partition.it, .child = &child.it, .partitions = 3 }, { 0 } };
    WITH_RUBBISH(old_backoff_spec) backoff = { { .size = sizeof backoff.it, .initial_ms = 1 }, { 0 } };
    FILL(server);
    FILL(child);
    FILL(dynamic);
    FILL(partition);
    FILL(backoff);

    regrow_pid pid = start_old(REGROW_DYNAMIC_SUPERVISOR, &dynamic.it), server_pid;
    CHECK_OK(regrow_supervisor_start_child(pid, (const regrow_child_spec *)&child.it, &server_pid));
    ask(server_pid);
    CHECK_ERROR(REGROW_ERR_LIMIT,
                regrow_supervisor_start_child(pid, (const regrow_child_spec *)&child.it, &server_pid));
    CHECK_OK(regrow_stop(pid, regrow_atom("normal"), LIMIT_MS));

    uint32_t count;
    pid = start_old(REGROW_PARTITION_SUPERVISOR, &partition.it);
    CHECK_OK(regrow_partition_count(pid, &count));
    CHECK(count == 3);
    CHECK_OK(regrow_stop(pid, regrow_atom("normal"), LIMIT_MS));

    regrow_child_spec patient = {
        .size = sizeof patient, .id = "patient", .kind = REGROW_SERVER, .spec = &server.it,
        .backoff = (const void *)&backoff.it };
    regrow_term id = regrow_text("patient");
    CHECK_OK(regrow_supervisor_start_child(root, &patient, &server_pid));
    ask(server_pid);
    CHECK_OK(regrow_supervisor_terminate_child(root, &id));
    CHECK_OK(regrow_supervisor_delete_child(root, &id));
    regrow_term_free(&id);
}

static regrow_next give_argument(regrow_context *context, void *user, const regrow_term *argument, regrow_term *value)
{
    CHECK(user == NULL);
    *value = regrow_term_clone(argument);
    return REGROW_DONE;
}

static bool next_item(void *user, regrow_term *item)
{
    int *left = user;
    *item = regrow_int(*left);
    return (*left)-- > 0;
}

static bool count_result(void *user, const regrow_term *result)
{
    return regrow_is_tuple(result);
}

static void old_tasks_groups_and_tables(void)
{
    WITH_RUBBISH(old_task_supervisor_spec) tasks = { { .size = sizeof tasks.it, .max_children = 1 }, { 0 } };
    WITH_RUBBISH(old_task_spec) task = { { .size = sizeof task.it, .run = give_argument }, { 0 } };
    int left = 5;
    WITH_RUBBISH(old_stream_spec) stream = {
        { .size = sizeof stream.it, .task = &task.it, .source = next_item, .result = count_result, .user = &left },
        { 0 } };
    WITH_RUBBISH(old_pubsub_spec) pubsub = { { .size = sizeof pubsub.it }, { 0 } };
    WITH_RUBBISH(old_subscription) how = { { .size = sizeof how.it, .queue = "workers" }, { 0 } };
    WITH_RUBBISH(old_table_spec) spec = { { .size = sizeof spec.it, .name = "old" }, { 0 } };
    FILL(tasks);
    FILL(task);
    FILL(stream);
    FILL(pubsub);
    FILL(how);
    FILL(spec);

    regrow_pid self;
    regrow_task handle;
    regrow_term value;
    bool finished;
    CHECK_OK(regrow_enter(root, &self));
    regrow_pid pid = start_old(REGROW_TASK_SUPERVISOR, &tasks.it);
    CHECK_OK(regrow_task_supervisor_async(pid, (const regrow_task_spec *)&task.it, &handle));
    CHECK_OK(regrow_task_await(handle, LIMIT_MS, &value));
    CHECK(regrow_is_nil(&value));
    CHECK_OK(regrow_task_stream((const regrow_stream_spec *)&stream.it, &finished));
    CHECK(finished && left == -1);

    WITH_RUBBISH(unwatched_task_spec) unwatched = { { .size = sizeof unwatched.it, .run = give_argument }, { 0 } };
    WITH_RUBBISH(unwatched_stats) stats = { { .size = sizeof stats.it }, { 0 } };
    FILL(unwatched);
    FILL(stats);
    CHECK_OK(regrow_task_async((const regrow_task_spec *)&unwatched.it, &handle));
    CHECK_OK(regrow_task_await(handle, LIMIT_MS, NULL));
    CHECK_OK(regrow_stats_read(root, (regrow_stats *)&stats.it));
    CHECK(stats.it.handled > 0 && stats.it.size == sizeof stats.it);
    CHECK_RUBBISH(stats);
    start_old(REGROW_TASK, &task.it);
    CHECK_OK(regrow_task_supervisor_start_child(pid, (const regrow_task_spec *)&task.it, NULL));
    CHECK_OK(regrow_settle(root, LIMIT_MS, NULL));

    pid = start_old(REGROW_PUBSUB, &pubsub.it);
    CHECK_OK(regrow_pubsub_subscribe(pid, "topic", self, (const regrow_subscription *)&how.it));
    CHECK_OK(regrow_pubsub_broadcast(pid, "topic", regrow_int(1)));
    CHECK_OK(regrow_receive(LIMIT_MS, &value));
    CHECK(regrow_is_int(&value));

    regrow_table table, found;
    size_t size;
    CHECK_OK(regrow_table_new((const regrow_table_spec *)&spec.it, &table));
    CHECK_OK(regrow_table_whereis(root, "old", &found));
    CHECK_OK(regrow_table_size(found, &size));
    CHECK(found.id == table.id && size == 0);
    CHECK_OK(regrow_leave());
}

/* An array of older specs, each of another kind or restart; the supervisor's own spec is older too. */
static void old_children_in_an_array(void)
{
    old_server_spec server = { .size = sizeof server, .init = old_init, .handle_call = old_call };
    old_registry_spec registry = { .size = sizeof registry };
    regrow_term term_id = regrow_int(2);
    struct { old_child_spec children[CHILDREN]; unsigned char rubbish[128]; } array = {
        { { .size = sizeof *array.children, .id = "first", .kind = REGROW_SERVER, .spec = &server },
          { .size = sizeof *array.children, .id_term = &term_id, .restart = REGROW_TEMPORARY,
            .kind = REGROW_SERVER, .spec = &server },
          { .size = sizeof *array.children, .id = "third", .kind = REGROW_REGISTRY, .spec = &registry } },
        { 0 } };
    WITH_RUBBISH(old_supervisor_spec) supervisor = {
        { .size = sizeof supervisor.it, .strategy = REGROW_ONE_FOR_ALL, .children = array.children,
          .child_count = CHILDREN },
        { 0 } };
    regrow_term children, map;
    size_t length;
    FILL(array);
    FILL(supervisor);
    int before = atomic_load(&starts);
    regrow_pid pid = start_old(REGROW_SUPERVISOR, &supervisor.it);
    CHECK(atomic_load(&starts) == before + 2);
    CHECK_OK(regrow_supervisor_which_children(pid, &children));
    CHECK(regrow_list_length(&children, &length) && length == CHILDREN);
    const regrow_term *last = regrow_list_head(&children);
    CHECK(regrow_is_atom(regrow_tuple_get(last, 3), "registry"));
    regrow_term_free(&children);
    CHECK_OK(regrow_supervisor_get_childspec(pid, &term_id, &map));
    regrow_term key = regrow_atom("restart");
    CHECK(regrow_is_atom(regrow_map_get(&map, &key), "temporary"));
    regrow_term_free(&map);
    CHECK_OK(regrow_stop(pid, regrow_atom("normal"), LIMIT_MS));
    regrow_term_free(&term_id);

    /* One of another size among them: the distances would be wrong. */
    array.children[1].size = sizeof(regrow_child_spec);
    old_child_spec child = { .size = sizeof child, .id = "mixed", .kind = REGROW_SUPERVISOR, .spec = &supervisor.it };
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_supervisor_start_child(root, (const regrow_child_spec *)&child, NULL));
}

static void new_children_in_an_array(void)
{
    new_server_spec server = { .known = { .size = sizeof server, .init = old_init, .handle_call = old_call } };
    new_child_spec children[CHILDREN];
    regrow_child_count count = { .size = sizeof count };
    static const char *const ids[CHILDREN] = { "a", "b", "c" };
    memset(children, 0, sizeof children);
    for (size_t at = 0; at < CHILDREN; at++)
        children[at].known = (regrow_child_spec){ .size = sizeof *children, .id = ids[at],
                                                  .kind = REGROW_SERVER, .spec = &server };
    regrow_supervisor_spec supervisor = { .size = sizeof supervisor, .children = &children[0].known,
                                          .child_count = CHILDREN };
    regrow_pid pid = start_old(REGROW_SUPERVISOR, &supervisor);
    CHECK_OK(regrow_supervisor_count_children(pid, &count));
    CHECK(count.specs == CHILDREN && count.active == CHILDREN && count.workers == CHILDREN);
    CHECK_OK(regrow_stop(pid, regrow_atom("normal"), LIMIT_MS));

    /* What this library does not know must not be asked for: in the array, and one level down. */
    regrow_child_spec child = { .size = sizeof child, .id = "new", .kind = REGROW_SUPERVISOR, .spec = &supervisor };
    children[1].more[1] = 1;
    CHECK_ERROR(REGROW_ERR_VERSION, regrow_supervisor_start_child(root, &child, NULL));
    children[1].more[1] = 0;
    server.more = &server;
    CHECK_ERROR(REGROW_ERR_VERSION, regrow_supervisor_start_child(root, &child, NULL));
    CHECK_OK(regrow_supervisor_count_children(root, &count));
    CHECK(count.specs == 0);
}

int main(void)
{
    WITH_RUBBISH(old_options) options = {
        { .size = sizeof options.it, .workers = 2, .log_level = REGROW_LOG_SILENT }, { 0 } };
    FILL(options);
    CHECK_OK(regrow_init((const regrow_options *)&options.it, &root));
    old_out_structs();
    old_kinds();
    old_supervisors();
    old_tasks_groups_and_tables();
    old_children_in_an_array();
    new_children_in_an_array();
    CHECK_OK(regrow_shutdown(root, LIMIT_MS, NULL));
    printf("old_structs: %d starts\n", atomic_load(&starts));
    return 0;
}
