/* Everything at once, for ThreadSanitizer and for endurance: foreign threads and processes call, send, kill,
 * look up, register and update while supervisors restart what was killed.
 *
 * What must hold: every call returns; an agent's increments all count, once each; who has been told that a
 * process is dead never finds it again. */
#include "test.h"
#include <pthread.h>
#include <stdatomic.h>

enum { SERVERS = 8, THREADS = 4, LIMIT_MS = 60000 };

static regrow_pid root;
static regrow_pid registry;
static regrow_pid agent;
static atomic_size_t increments;
static atomic_size_t kills;

static regrow_address server_address(const regrow_term *key)
{
    return (regrow_address){ .size = sizeof(regrow_address), .runtime = root, .registry = registry, .key = key };
}

static uint32_t next_random(uint32_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 17;
    return *random ^= *random << 5;
}

/* A call to a server that others may be killing. */
static regrow_error ask(size_t number, regrow_term request, uint32_t wait_ms)
{
    regrow_term key = regrow_int((int64_t)number), reply;
    regrow_address address = server_address(&key);
    address.wait_ms = wait_ms;
    regrow_error error = regrow_call_at(&address, request, LIMIT_MS, &reply);
    if (!error)
        regrow_term_free(&reply);
    CHECK(error == REGROW_OK || error == REGROW_ERR_EXITED || error == REGROW_ERR_NO_PROCESS
          || error == REGROW_ERR_NOT_FOUND || error == REGROW_ERR_KILLED);
    return error;
}

static regrow_next server_init(regrow_context *context, void *user, const regrow_term *arg, void **state)
{
    int64_t *number = malloc(sizeof *number);
    CHECK(number && regrow_as_int(arg, number));
    *state = number;
    return REGROW_READY;
}

/* ping: answers. {relay, N}: asks server N, and is parked meanwhile. Only ever a lower N, so that no two wait
 * for each other. */
static regrow_next server_call(regrow_context *context, void *state, const regrow_term *request)
{
    int64_t number = *(int64_t *)state;
    if (regrow_is_tuple(request) && number > 0)
        ask((size_t)number - 1, regrow_term_clone(request), 0);
    return regrow_reply(context, regrow_atom("pong"));
}

static regrow_next server_info(regrow_context *context, void *state, const regrow_term *message)
{
    return regrow_is_atom(message, "crash") ? regrow_stop_self(context, regrow_atom("crash")) : REGROW_NOREPLY;
}

static regrow_next increment(regrow_context *context, void *user, const regrow_term *state, regrow_term *next,
                             regrow_term *reply)
{
    int64_t count;
    CHECK(regrow_as_int(state, &count));
    *next = regrow_int(count + 1);
    return REGROW_DONE;
}

static bool find(size_t number, regrow_pid *pid)
{
    regrow_term key = regrow_int((int64_t)number);
    regrow_error error = regrow_registry_whereis(registry, &key, pid);
    regrow_term_free(&key);
    CHECK(error == REGROW_OK || error == REGROW_ERR_NOT_FOUND);
    return error == REGROW_OK;
}

static bool is_down(void *user, const regrow_term *message)
{
    const regrow_ref *monitor = user;
    regrow_ref ref;
    const regrow_term *second = regrow_tuple_get(message, 1);
    return second && regrow_as_ref(second, &ref) && ref.id == monitor->id;
}

/* Kills a server, waits until told that it is dead, and must not find it any more. */
static void kill_and_look(size_t number)
{
    regrow_pid victim, found;
    regrow_ref monitor;
    regrow_term down;
    if (!find(number, &victim))
        return;
    CHECK_OK(regrow_monitor(victim, &monitor));
    CHECK_OK(regrow_exit(victim, regrow_atom("kill")));
    CHECK_OK(regrow_receive_match(is_down, &monitor, LIMIT_MS, &down));
    regrow_term_free(&down);
    CHECK(!regrow_is_alive(victim));
    CHECK(!find(number, &found) || found.id != victim.id);
    atomic_fetch_add(&kills, 1);
}

static void one_step(regrow_pid self, uint32_t *random)
{
    size_t number = next_random(random) % SERVERS;
    regrow_pid pid;
    switch (next_random(random) % 8) {
    case 0:
        kill_and_look(number);
        break;
    case 1:
        if (find(number, &pid))
            CHECK_OK(regrow_send(pid, regrow_atom("crash")));
        break;
    case 2: {
        regrow_term relay[] = { regrow_atom("relay"), regrow_bytes("some bytes that do not fit inside a term", 40) };
        ask(number, regrow_tuple(relay, 2), LIMIT_MS);
        break;
    }
    case 3:
        CHECK_OK(regrow_agent_update(agent, increment, NULL, LIMIT_MS));
        atomic_fetch_add(&increments, 1);
        break;
    case 4: {
        int64_t key_value = 1000 + (int64_t)(next_random(random) % 4);
        regrow_term key = regrow_int(key_value);
        regrow_error error = regrow_registry_register(registry, regrow_int(key_value), self, regrow_nil());
        CHECK(error == REGROW_OK || error == REGROW_ERR_EXISTS);
        CHECK_OK(regrow_registry_unregister(registry, &key, self));
        regrow_term_free(&key);
        break;
    }
    case 5:
        if (find(number, &pid))
            CHECK_OK(regrow_send_after(pid, next_random(random) % 3, regrow_atom("hello"), NULL));
        break;
    default:
        ask(number, regrow_atom("ping"), LIMIT_MS);
    }
}

static void *thread_main(void *argument)
{
    uint32_t random = *(uint32_t *)argument;
    regrow_pid self;
    CHECK_OK(regrow_enter(root, &self));
    for (size_t step = rounds(2000); step; step--)
        one_step(self, &random);
    CHECK_OK(regrow_leave());
    return NULL;
}

/* The same from inside: a process whose waiting calls park. */
static regrow_next body(regrow_context *context, void *user)
{
    uint32_t random = *(uint32_t *)user;
    regrow_pid self;
    CHECK_OK(regrow_self(&self));
    for (size_t step = rounds(2000); step; step--)
        one_step(self, &random);
    return REGROW_DONE;
}

static void start_tree(void)
{
    regrow_options options = { .size = sizeof options, .workers = 3, .log_level = REGROW_LOG_SILENT };
    CHECK_OK(regrow_init(&options, &root));

    regrow_registry_spec registry_spec = { .size = sizeof registry_spec, .keys = REGROW_UNIQUE };
    regrow_term zero = regrow_int(0);
    regrow_agent_spec agent_spec = { .size = sizeof agent_spec, .initial = &zero };
    regrow_child_spec registry_child = { .size = sizeof registry_child, .id = "registry", .kind = REGROW_REGISTRY,
                                         .spec = &registry_spec };
    regrow_child_spec agent_child = { .size = sizeof agent_child, .id = "agent", .kind = REGROW_AGENT,
                                      .spec = &agent_spec };
    CHECK_OK(regrow_supervisor_start_child(root, &registry_child, &registry));
    CHECK_OK(regrow_supervisor_start_child(root, &agent_child, &agent));

    regrow_term keys[SERVERS];
    regrow_address addresses[SERVERS];
    regrow_server_spec servers[SERVERS];
    regrow_child_spec children[SERVERS];
    for (size_t number = 0; number < SERVERS; number++) {
        keys[number] = regrow_int((int64_t)number);
        addresses[number] = server_address(&keys[number]);
        servers[number] = (regrow_server_spec){
            .size = sizeof *servers, .init = server_init, .handle_call = server_call, .handle_info = server_info,
            .drop = free, .arg = &keys[number] };
        children[number] = (regrow_child_spec){
            .size = sizeof *children, .id_term = &keys[number], .kind = REGROW_SERVER, .spec = &servers[number],
            .via = &addresses[number] };
    }
    regrow_supervisor_spec supervisor = {
        .size = sizeof supervisor, .children = children, .child_count = SERVERS,
        .max_restarts = 1000000000, .period_ms = 1000 };
    regrow_child_spec child = { .size = sizeof child, .id = "servers", .kind = REGROW_SUPERVISOR, .spec = &supervisor };
    CHECK_OK(regrow_supervisor_start_child(root, &child, NULL));
}

/* The most memory that this program has had. */
static size_t peak_kb(void)
{
    char line[256];
    size_t kb = 0;
    FILE *file = fopen("/proc/self/status", "r");
    CHECK(file != NULL);
    while (fgets(line, sizeof line, file) && sscanf(line, "VmHWM: %zu", &kb) != 1)
        ;
    fclose(file);
    return kb;
}

int main(void)
{
    pthread_t threads[THREADS];
    uint32_t seeds[2 * THREADS];
    regrow_ref bodies[THREADS];
    regrow_pid self;
    start_tree();
    CHECK_OK(regrow_enter(root, &self));
    for (size_t at = 0; at < THREADS; at++) {
        seeds[at] = 0x9e3779b9u * (uint32_t)(at + 1);
        seeds[THREADS + at] = 0x85ebca6bu * (uint32_t)(at + 1);
        regrow_process_spec process = { .size = sizeof process, .body = body, .user = &seeds[THREADS + at] };
        CHECK_OK(regrow_spawn_monitor(&process, NULL, &bodies[at]));
        CHECK(pthread_create(&threads[at], NULL, thread_main, &seeds[at]) == 0);
    }
    for (size_t at = 0; at < THREADS; at++) {
        regrow_term down;
        CHECK(pthread_join(threads[at], NULL) == 0);
        CHECK_OK(regrow_receive_match(is_down, &bodies[at], REGROW_INFINITY, &down));
        CHECK(regrow_is_atom(regrow_tuple_get(&down, 4), "normal"));
        regrow_term_free(&down);
    }

    regrow_term value;
    int64_t count;
    CHECK_OK(regrow_agent_get(agent, NULL, NULL, LIMIT_MS, &value));
    CHECK(regrow_as_int(&value, &count) && (size_t)count == atomic_load(&increments));
    regrow_term_free(&value);
    CHECK_OK(regrow_leave());
    CHECK_OK(regrow_shutdown(root, LIMIT_MS, NULL));
    printf("stress: %zu kills, %zu increments, %zu KiB at most\n", atomic_load(&kills), atomic_load(&increments),
           peak_kb());
    return 0;
}
