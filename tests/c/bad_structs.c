/* What can be wrong inside a struct: constants that nobody knows, reserved fields, a spec that is missing, of a wrong
 * size or too new, an address that says too little or too much, a name that is not UTF-8. Whatever it is, the call
 * that got the struct fails with ARGUMENT (or VERSION), starts nothing, and gives the user's pointer back once if it
 * could read the struct. */
#include "test.h"
#include <stdatomic.h>
#include <string.h>

enum { LIMIT_MS = 20000 };

static regrow_pid root, supervisor, registry;
static atomic_int drops;
static int cases;

static void count_drop(void *user)
{
    atomic_fetch_add((atomic_int *)user, 1);
}

static regrow_next run(regrow_context *context, void *user, const regrow_term *argument, regrow_term *value)
{
    return REGROW_DONE;
}

static regrow_next body(regrow_context *context, void *user)
{
    return REGROW_DONE;
}

static void deliver(void *user, regrow_pid pid, const regrow_term *message, regrow_caller caller)
{
}

/* What is made well, and then spoilt by a case. */
typedef struct specs {
    regrow_child_spec child;
    union {
        size_t size;
        regrow_server_spec server;
        regrow_supervisor_spec supervisor;
        regrow_registry_spec registry;
        regrow_agent_spec agent;
        regrow_process_spec process;
        regrow_host_spec host;
        regrow_task_supervisor_spec tasks;
        regrow_task_spec task;
        regrow_pubsub_spec pubsub;
        unsigned char bytes[512];
    } spec;
    regrow_child_spec grandchild[2];
    regrow_process_spec grandchild_spec[2];
    regrow_address via;
    regrow_term key;
} specs;

static void make_good(specs *specs, uint32_t kind)
{
    memset(specs, 0, sizeof *specs);
    specs->child = (regrow_child_spec){ .size = sizeof specs->child, .id = "child", .kind = kind,
                                        .restart = REGROW_TEMPORARY, .spec = &specs->spec };
    specs->key = regrow_atom("key");
    specs->via = (regrow_address){ .size = sizeof specs->via, .registry = registry, .key = &specs->key };
    for (size_t at = 0; at < 2; at++) {
        specs->grandchild_spec[at] = (regrow_process_spec){ .size = sizeof *specs->grandchild_spec, .body = body,
                                                            .user = &drops, .drop_user = count_drop };
        specs->grandchild[at] = (regrow_child_spec){ .size = sizeof *specs->grandchild, .id = at ? "b" : "a",
                                                     .kind = REGROW_PROCESS, .restart = REGROW_TEMPORARY,
                                                     .spec = &specs->grandchild_spec[at] };
    }
    switch (kind) {
    case REGROW_SERVER:
        specs->spec.server = (regrow_server_spec){ .size = sizeof specs->spec.server, .user = &drops,
                                                   .drop_user = count_drop };
        break;
    case REGROW_SUPERVISOR:
        specs->spec.supervisor = (regrow_supervisor_spec){ .size = sizeof specs->spec.supervisor,
                                                           .children = specs->grandchild, .child_count = 2,
                                                           .user = &drops, .drop_user = count_drop };
        break;
    case REGROW_REGISTRY:
        specs->spec.registry = (regrow_registry_spec){ .size = sizeof specs->spec.registry };
        break;
    case REGROW_AGENT:
        specs->spec.agent = (regrow_agent_spec){ .size = sizeof specs->spec.agent, .user = &drops,
                                                 .drop_user = count_drop };
        break;
    case REGROW_PROCESS:
        specs->spec.process = (regrow_process_spec){ .size = sizeof specs->spec.process, .body = body,
                                                     .user = &drops, .drop_user = count_drop };
        break;
    case REGROW_TASK:
        specs->spec.task = (regrow_task_spec){ .size = sizeof specs->spec.task, .run = run, .user = &drops,
                                               .drop_user = count_drop };
        break;
    case REGROW_TASK_SUPERVISOR:
        specs->spec.tasks = (regrow_task_supervisor_spec){ .size = sizeof specs->spec.tasks };
        break;
    case REGROW_PUBSUB:
        specs->spec.pubsub = (regrow_pubsub_spec){ .size = sizeof specs->spec.pubsub };
        break;
    default:
        specs->spec.host = (regrow_host_spec){ .size = sizeof specs->spec.host, .deliver = deliver, .user = &drops,
                                               .drop_user = count_drop };
    }
}

/* Every function that takes a child spec. `needs_id`: only as a child must it have one. */
static void refuse(specs *specs, regrow_error expected, int expected_drops, bool needs_id, const char *what)
{
    regrow_pid pid = { 1 };
    regrow_ref monitor = { 1 };
    regrow_request *pending = NULL;
    uint64_t processes;
    regrow_stats stats = { .size = sizeof stats };
    CHECK_OK(regrow_settle(root, LIMIT_MS, NULL));
    CHECK_OK(regrow_stats_read(root, &stats));
    processes = stats.processes;
    for (int way = needs_id ? 3 : 0; way < 5; way++) {
        atomic_store(&drops, 0);
        regrow_error error = way == 0   ? regrow_start(root, &specs->child, &pid)
                             : way == 1 ? regrow_start_link(&specs->child, &pid)
                             : way == 2 ? regrow_start_monitor(&specs->child, &pid, &monitor)
                             : way == 3 ? regrow_supervisor_start_child(supervisor, &specs->child, &pid)
                                        : regrow_supervisor_start_child_async(supervisor, &specs->child, &pending);
        char text[128] = "";
        regrow_term reason;
        CHECK_OK(regrow_last_reason(&reason));
        if (error != expected || atomic_load(&drops) != expected_drops || !regrow_is_atom(&reason, "badarg")
            || regrow_last_error(text, sizeof text) != expected || strlen(text) < 5) {
            fprintf(stderr, "%s, %d: %s, user given back %d times and not %d: %s\n", what, way,
                    regrow_error_name(error), atomic_load(&drops), expected_drops, text);
            _Exit(1);
        }
        regrow_term_free(&reason);
        CHECK(pid.id == 1 && monitor.id == 1 && !pending);
    }
    CHECK_OK(regrow_settle(root, LIMIT_MS, NULL));
    CHECK_OK(regrow_stats_read(root, &stats));
    CHECK(stats.processes == processes);
    cases++;
}

#define REFUSE_AS(error, kind, given_back, needs_id, spoil)        \
    do {                                                           \
        specs it;                                                  \
        make_good(&it, kind);                                      \
        spoil;                                                     \
        refuse(&it, error, given_back, needs_id, #kind ": " #spoil); \
    } while (0)
#define REFUSE(kind, given_back, spoil) REFUSE_AS(REGROW_ERR_ARGUMENT, kind, given_back, false, spoil)

static void unknown_constants(void)
{
    regrow_term not_a_map = regrow_int(1);
    REFUSE(REGROW_SERVER, 0, it.child.kind = 99);
    REFUSE(REGROW_SERVER, 0, it.child.kind = UINT32_MAX);
    REFUSE(REGROW_SERVER, 1, it.child.reserved = 1);
    REFUSE_AS(REGROW_ERR_ARGUMENT, REGROW_SERVER, 1, true, it.child.restart = 4);
    REFUSE(REGROW_SERVER, 1, it.spec.server.home = 2);
    REFUSE(REGROW_SERVER, 1, it.spec.server.flags = 0x80);
    REFUSE(REGROW_SUPERVISOR, 3, it.spec.supervisor.strategy = 9);
    REFUSE(REGROW_SUPERVISOR, 3, it.spec.supervisor.reserved = 1);
    REFUSE(REGROW_SERVER, 1, it.child.reserved_2 = 1);
    REFUSE_AS(REGROW_ERR_ARGUMENT, REGROW_SERVER, 1, true, it.child.significant = 2);
    REFUSE(REGROW_SUPERVISOR, 3, it.spec.supervisor.auto_shutdown = 3);
    REFUSE(REGROW_SUPERVISOR, 3, it.spec.supervisor.flags = 2);
    REFUSE(REGROW_SUPERVISOR, 3, it.grandchild[1].significant = 2);
    REFUSE(REGROW_REGISTRY, 0, it.spec.registry.keys = 2);
    REFUSE(REGROW_REGISTRY, 0, it.spec.registry.partitions = 4097);
    REFUSE(REGROW_REGISTRY, 0, it.spec.registry.listener_count = 1);
    REFUSE(REGROW_REGISTRY, 0, it.spec.registry.listeners = (const char *const[]){ "\xff" };
           it.spec.registry.listener_count = 1);
    REFUSE(REGROW_REGISTRY, 0, it.spec.registry.meta = &not_a_map);
    REFUSE(REGROW_SERVER, 1, it.spec.server.mailbox_reserved = 1);
    REFUSE(REGROW_SERVER, 1, it.spec.server.mailbox_policy = REGROW_DROP_OLDEST);
    REFUSE(REGROW_SERVER, 1, it.spec.server.mailbox_limit = 1; it.spec.server.mailbox_policy = 4);
    REFUSE(REGROW_SERVER, 1, it.spec.server.mailbox_limit = 1; it.spec.server.mailbox_policy = REGROW_BLOCK);
    REFUSE(REGROW_SERVER, 1, it.spec.server.mailbox_limit = 1; it.spec.server.mailbox_wait_ms = 1);
    REFUSE(REGROW_SERVER, 1, it.spec.server.mailbox_limit = 1; it.spec.server.mailbox_policy = REGROW_BLOCK;
           it.spec.server.mailbox_wait_ms = REGROW_INFINITY);
    REFUSE(REGROW_AGENT, 1, it.spec.agent.mailbox_policy = REGROW_BLOCK);
    REFUSE(REGROW_AGENT, 1, it.spec.agent.mailbox_reserved = 1);
    REFUSE(REGROW_PROCESS, 1, it.spec.process.mailbox_limit = 1; it.spec.process.mailbox_policy = UINT32_MAX);
    REFUSE(REGROW_AGENT, 1, it.spec.agent.flags = 0x80);
    REFUSE(REGROW_PROCESS, 1, it.spec.process.home = 2);
    REFUSE(REGROW_PROCESS, 1, it.spec.process.flags = 0x80);
    REFUSE(REGROW_TASK_SUPERVISOR, 0, it.spec.tasks.at_limit = 2);
    REFUSE(REGROW_TASK_SUPERVISOR, 0, it.spec.tasks.reserved = 1);
    REFUSE(REGROW_TASK, 1, it.spec.task.run = NULL);
    REFUSE(REGROW_TASK, 1, it.spec.task.restart = REGROW_TEMPORARY);
    REFUSE(REGROW_PUBSUB, 0, it.spec.pubsub.reserved = 1);
    /* In a child of a child. */
    REFUSE(REGROW_SUPERVISOR, 3, it.grandchild[1].reserved = 1);
    REFUSE(REGROW_SUPERVISOR, 3, it.grandchild[1].restart = 4);
    REFUSE(REGROW_SUPERVISOR, 2, it.grandchild[0].kind = 99);
    REFUSE(REGROW_SUPERVISOR, 3, it.grandchild_spec[1].home = 2);
}

static void missing_parts(void)
{
    /* What has no kind is no server: its fields might be anything. */
    REFUSE(REGROW_SERVER, 0, it.child.kind = 0);
    REFUSE(REGROW_SUPERVISOR, 0, it.child.kind = 0);
    REFUSE(REGROW_AGENT, 0, it.child.kind = 0);
    REFUSE(REGROW_SUPERVISOR, 2, it.grandchild[0].kind = 0);
    REFUSE(REGROW_SERVER, 0, it.child.spec = NULL);
    REFUSE(REGROW_PROCESS, 1, it.spec.process.body = NULL);
    REFUSE(REGROW_HOST, 1, it.spec.host.deliver = NULL);
    REFUSE(REGROW_SUPERVISOR, 1, it.spec.supervisor.children = NULL);
    REFUSE(REGROW_SUPERVISOR, 3, it.grandchild[0].id = NULL);
    REFUSE(REGROW_SUPERVISOR, 3, it.grandchild[1].id_term = &it.key);
    REFUSE_AS(REGROW_ERR_ARGUMENT, REGROW_SERVER, 1, true, it.child.id = NULL);
    REFUSE_AS(REGROW_ERR_ARGUMENT, REGROW_SERVER, 1, true, it.child.id_term = &it.key);
    REFUSE_AS(REGROW_ERR_ARGUMENT, REGROW_SERVER, 1, true, it.child.id = "\xC3(");
}

static void bad_strings_and_terms(void)
{
    static const regrow_term no_term = { 0xEE, 1 };
    const regrow_term invalid = regrow_atom(NULL);
    REFUSE(REGROW_SERVER, 1, it.child.name = "\xC3(");
    REFUSE(REGROW_SERVER, 1, it.child.name = "");
    REFUSE(REGROW_SERVER, 1, it.spec.server.arg = &no_term);
    REFUSE(REGROW_SERVER, 1, it.spec.server.arg = &invalid);
    REFUSE(REGROW_AGENT, 1, it.spec.agent.initial = &no_term);
    REFUSE(REGROW_SUPERVISOR, 3, it.spec.supervisor.arg = &no_term);
    REFUSE(REGROW_AGENT, 1, it.spec.agent.initial = &invalid);
    REFUSE_AS(REGROW_ERR_ARGUMENT, REGROW_SERVER, 1, true, it.child.id = NULL; it.child.id_term = &no_term);
    REFUSE_AS(REGROW_ERR_ARGUMENT, REGROW_SERVER, 1, true, it.child.id = NULL; it.child.id_term = &invalid);
}

static void bad_via(void)
{
    static const regrow_term no_term = { 0xEE, 1 };
    REFUSE(REGROW_SERVER, 1, it.child.via = &it.via; it.via.size = 0);
    REFUSE(REGROW_SERVER, 1, it.child.via = &it.via; it.via.reserved = 1);
    REFUSE(REGROW_SERVER, 1, it.child.via = &it.via; it.via.key = NULL);
    REFUSE(REGROW_SERVER, 1, it.child.via = &it.via; it.via.key = &no_term);
    REFUSE(REGROW_SERVER, 1, it.child.via = &it.via; it.via.value = &no_term);
    REFUSE(REGROW_SERVER, 1, it.child.via = &it.via; it.via.registry.id = 0);
    REFUSE(REGROW_SERVER, 1, it.child.via = &it.via; it.via.registry_name = "twice");
    REFUSE(REGROW_SERVER, 1, it.child.via = &it.via; it.via.registry.id = 0; it.via.registry_name = "\xC3(");
    REFUSE(REGROW_SERVER, 1, it.child.via = &it.via; it.via.registry.id = 0; it.via.name = "a name");
    REFUSE(REGROW_SERVER, 1, it.child.via = &it.via; it.via.name = "both");
}

/* The sizes of each kind's own struct. */
static void bad_sizes(void)
{
    static const uint32_t kinds[] = { REGROW_SERVER, REGROW_SUPERVISOR, REGROW_REGISTRY,
                                      REGROW_AGENT,  REGROW_PROCESS,    REGROW_HOST,
                                      REGROW_PUBSUB, REGROW_TASK_SUPERVISOR, REGROW_TASK };
    static const size_t sizes[] = { 0, 4, 7, 9, 12, 20, 33, (1 << 16) + 1, SIZE_MAX };
    for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
        specs it;
        for (size_t at = 0; at < sizeof sizes / sizeof *sizes; at++) {
            make_good(&it, kinds[kind]);
            it.spec.size = sizes[at];
            refuse(&it, REGROW_ERR_ARGUMENT, 0, false, "the size of a kind's struct");
        }
        /* Too new; the user of what cannot be read stays the caller's. */
        make_good(&it, kinds[kind]);
        it.spec.size += 32;
        it.spec.bytes[it.spec.size - 1] = 1;
        refuse(&it, REGROW_ERR_VERSION, 0, false, "a kind's struct that is too new");
    }
    REFUSE(REGROW_SUPERVISOR, 1, it.grandchild[0].size = 4);
    REFUSE(REGROW_SUPERVISOR, 1, it.grandchild[1].size = 40);
    REFUSE(REGROW_SUPERVISOR, 2, it.grandchild_spec[0].size = 0);
    REFUSE(REGROW_SUPERVISOR, 2, it.grandchild_spec[1].size = 4);
}

/* ---- what runs as a task, and how one subscribes ---- */

static bool no_item(void *user, regrow_term *item)
{
    return false;
}

static bool take_result(void *user, const regrow_term *result)
{
    return true;
}

static void bad_tasks(void)
{
    static const regrow_term no_term = { 0xEE, 1 };
    regrow_task_spec good = { .size = sizeof good, .run = run, .user = &drops, .drop_user = count_drop }, spec;
    regrow_task_supervisor_spec tasks_spec = { .size = sizeof tasks_spec };
    regrow_child_spec child = { .size = sizeof child, .id = "tasks", .kind = REGROW_TASK_SUPERVISOR,
                                .spec = &tasks_spec };
    regrow_pid tasks, pid;
    regrow_task task;
    regrow_request *pending;
    CHECK_OK(regrow_supervisor_start_child(supervisor, &child, &tasks));
#define REFUSE_TASK(error, given_back, spoil)                                                     \
    for (int way = 0; way < 5; way++) {                                                           \
        spec = good;                                                                              \
        spoil;                                                                                    \
        atomic_store(&drops, 0);                                                                  \
        CHECK_ERROR(error, way == 0   ? regrow_task_async(&spec, &task)                           \
                           : way == 1 ? regrow_task_supervisor_start_child(tasks, &spec, &pid)    \
                           : way == 2 ? regrow_task_supervisor_async(tasks, &spec, &task)         \
                           : way == 3 ? regrow_task_supervisor_async_nolink(tasks, &spec, &task)  \
                                      : regrow_task_supervisor_run_async(tasks, &spec, 1000, &pending)); \
        CHECK(atomic_load(&drops) == (given_back));                                               \
        cases++;                                                                                  \
    }
    REFUSE_TASK(REGROW_ERR_ARGUMENT, 1, spec.run = NULL);
    REFUSE_TASK(REGROW_ERR_ARGUMENT, 1, spec.reserved = 1);
    REFUSE_TASK(REGROW_ERR_ARGUMENT, 1, spec.home = 2);
    REFUSE_TASK(REGROW_ERR_ARGUMENT, 1, spec.restart = REGROW_TEMPORARY + 1);
    REFUSE_TASK(REGROW_ERR_ARGUMENT, 1, spec.flags = 0x80);
    REFUSE_TASK(REGROW_ERR_ARGUMENT, 1, spec.flags = REGROW_INLINE);
    REFUSE_TASK(REGROW_ERR_ARGUMENT, 1, spec.argument = &no_term);
    REFUSE_TASK(REGROW_ERR_ARGUMENT, 0, spec.size = 4);

    regrow_stream_spec stream;
    bool finished;
#define REFUSE_STREAM(error, given_back, spoil)                                                   \
    do {                                                                                          \
        spec = good;                                                                              \
        stream = (regrow_stream_spec){ .size = sizeof stream, .task = &spec, .source = no_item,   \
                                       .result = take_result };                                   \
        spoil;                                                                                    \
        atomic_store(&drops, 0);                                                                  \
        CHECK_ERROR(error, regrow_task_stream(&stream, &finished));                               \
        CHECK(atomic_load(&drops) == (given_back));                                               \
        cases++;                                                                                  \
    } while (0)
    REFUSE_STREAM(REGROW_ERR_ARGUMENT, 0, stream.task = NULL);
    REFUSE_STREAM(REGROW_ERR_ARGUMENT, 1, spec.run = NULL);
    REFUSE_STREAM(REGROW_ERR_ARGUMENT, 1, stream.source = NULL);
    REFUSE_STREAM(REGROW_ERR_ARGUMENT, 1, stream.result = NULL);
    REFUSE_STREAM(REGROW_ERR_ARGUMENT, 1, stream.place = 2);
    REFUSE_STREAM(REGROW_ERR_ARGUMENT, 1, stream.order = 2);
    REFUSE_STREAM(REGROW_ERR_ARGUMENT, 1, stream.on_timeout = 2);
    REFUSE_STREAM(REGROW_ERR_ARGUMENT, 1, stream.reserved = 1);
    REFUSE_STREAM(REGROW_ERR_ARGUMENT, 1, stream.place = REGROW_UNLINKED);
    REFUSE_STREAM(REGROW_OK, 1, stream.max_concurrency = UINT32_MAX);
}

static void bad_subscriptions(void)
{
    regrow_pubsub_spec pubsub_spec = { .size = sizeof pubsub_spec };
    regrow_child_spec child = { .size = sizeof child, .id = "pubsub", .kind = REGROW_PUBSUB, .spec = &pubsub_spec };
    regrow_subscription how;
    regrow_pid pubsub;
    size_t count;
    CHECK_OK(regrow_supervisor_start_child(supervisor, &child, &pubsub));
#define REFUSE_SUBSCRIPTION(error, spoil)                                                         \
    do {                                                                                          \
        how = (regrow_subscription){ .size = sizeof how };                                        \
        spoil;                                                                                    \
        CHECK_ERROR(error, regrow_pubsub_subscribe(pubsub, "t", supervisor, &how));               \
        CHECK_ERROR(error, regrow_pubsub_subscribe_once(pubsub, "t", supervisor, &how));          \
        cases++;                                                                                  \
    } while (0)
    REFUSE_SUBSCRIPTION(REGROW_ERR_ARGUMENT, how.overflow = 3);
    REFUSE_SUBSCRIPTION(REGROW_ERR_ARGUMENT, how.queue = "\xC3(");
    REFUSE_SUBSCRIPTION(REGROW_ERR_ARGUMENT, how.size = 4);
    CHECK_OK(regrow_pubsub_subscriber_count(pubsub, "t", &count));
    CHECK(count == 0);
}

static void bad_options(void)
{
    regrow_pid pid = { 1 };
    regrow_options good = { .size = sizeof good, .workers = 1, .log_level = REGROW_LOG_SILENT }, options;
#define REFUSE_OPTION(error, spoil)                          \
    do {                                                     \
        options = good;                                      \
        spoil;                                               \
        CHECK_ERROR(error, regrow_init(&options, &pid));     \
        CHECK(pid.id == 1);                                  \
        cases++;                                             \
    } while (0)
    REFUSE_OPTION(REGROW_ERR_ARGUMENT, options.clock = 2);
    REFUSE_OPTION(REGROW_ERR_ARGUMENT, options.log_level = 6);
    REFUSE_OPTION(REGROW_ERR_ARGUMENT, options.reserved = 1);
}

int main(void)
{
    regrow_pid self;
    regrow_options options = { .size = sizeof options, .workers = 2, .log_level = REGROW_LOG_SILENT };
    CHECK_OK(regrow_init(&options, &root));
    CHECK_OK(regrow_enter(root, &self));
    regrow_supervisor_spec supervisor_spec = { .size = sizeof supervisor_spec };
    regrow_registry_spec registry_spec = { .size = sizeof registry_spec };
    regrow_child_spec child = { .size = sizeof child, .id = "supervisor", .kind = REGROW_SUPERVISOR,
                                .spec = &supervisor_spec };
    CHECK_OK(regrow_supervisor_start_child(root, &child, &supervisor));
    child = (regrow_child_spec){ .size = sizeof child, .id = "registry", .kind = REGROW_REGISTRY,
                                 .spec = &registry_spec };
    CHECK_OK(regrow_supervisor_start_child(root, &child, &registry));
    unknown_constants();
    missing_parts();
    bad_strings_and_terms();
    bad_via();
    bad_sizes();
    bad_tasks();
    bad_subscriptions();
    bad_options();
    CHECK(regrow_is_alive(supervisor) && regrow_is_alive(registry));
    CHECK_OK(regrow_leave());
    CHECK_OK(regrow_shutdown(root, LIMIT_MS, NULL));
    printf("bad_structs: %d structs\n", cases);
    return 0;
}
