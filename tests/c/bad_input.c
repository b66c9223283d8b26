/* Bad input to every function: an error code with its reason and its text, nothing lost, nothing leaked.
 *
 * bad_input_rows.h has a row for each function. The golden list says what its parameters are called and who owns
 * them; from both this makes good arguments, and then spoils one at a time. A new function without a row fails the
 * test. Everything that is moved (terms, users' pointers) is counted: each is given back exactly once, and in the
 * child of a fork not at all.
 *
 * Out-parameters are checked too: nothing is written to them by a call that fails. */
#include "test.h"
#include <sched.h>
#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PARAMETERS = 6, LIMIT_MS = 20000, SLOTS = 1 << 16, REFUSED = -1, OUT_SIZE = 256 };

/* ---- what is moved, counted ---- */

static atomic_int drops[SLOTS];
static const char *made_for[SLOTS];
static const char *making_for = "";
static atomic_int slots_used;

static void *new_slot(void)
{
    int slot = atomic_fetch_add(&slots_used, 1);
    CHECK(slot < SLOTS);
    made_for[slot] = making_for;
    return &drops[slot];
}

static void count_drop(void *slot)
{
    atomic_fetch_add((atomic_int *)slot, 1);
}

static int drops_of(void *slot)
{
    return atomic_load((atomic_int *)slot);
}

/* ---- arguments ---- */

typedef struct argument {
    regrow_pid pid;
    regrow_ref ref;
    regrow_table table;
    regrow_caller caller;
    uint64_t number;
    regrow_task task;
    regrow_task_spec task_spec;
    regrow_term term;
    void *pointer;
    void (*function)(void);
    /* What counts the drops of a moved term or a user's pointer. */
    void *slot;
    /* What `pointer` leads to: a term, an array, a struct, an out-parameter. */
    _Alignas(16) unsigned char place[OUT_SIZE];
    unsigned char before[OUT_SIZE];
    regrow_term items[2];
    regrow_server_spec server;
    bool owned;
} argument;

#define PID(at) (a[at].pid)
#define REF(at) (a[at].ref)
#define TABLE(at) (a[at].table)
#define CALLER(at) (a[at].caller)
#define TASK(at) (a[at].task)
#define NUMBER(at) (a[at].number)
#define TERM(at) (a[at].term)
#define POINTER(at) (a[at].pointer)
#define FUNCTION(type, at) ((type)a[at].function)

static int result_term(regrow_term term)
{
    bool valid = regrow_is_valid(&term);
    regrow_term_free(&term);
    return valid ? 0 : REFUSED;
}

#define RESULT_E(call) return (int)(call)
#define RESULT_B(call) return (call) ? 0 : REFUSED
#define RESULT_R(call) return (call) ? 0 : REFUSED
#define RESULT_G(call) return result_term(call)
#define RESULT_N(call) return (call) ? 0 : REFUSED
#define RESULT_V(call) return (call), 0
#define RESULT_C(call) return (void)(call), 0

#define ROW(result, name, letters, outcomes, wrong, call) \
    static int call_##name(argument *a) { (void)a; RESULT_##result(name call); }
#include "bad_input_rows.h"
#undef ROW

typedef struct row {
    const char *name, *letters, *outcomes, *wrong;
    char result;
    int (*call)(argument *a);
    /* From the golden list: the name of each parameter, and how it is passed. */
    char parameters[PARAMETERS][32], ways[PARAMETERS][16];
    bool golden;
} row;

#define ROW(result, name, letters, outcomes, wrong, call) \
    { #name, letters, outcomes, wrong, #result[0], call_##name, { "" }, { "" }, false },
static row rows[] = {
#include "bad_input_rows.h"
};
#undef ROW

enum { ROWS = sizeof rows / sizeof *rows };

static bool is(const row *row, const char *name)
{
    return strcmp(row->name + strlen("regrow_"), name) == 0;
}

static bool has(const row *row, char letter)
{
    return strchr(row->letters, letter) != NULL;
}

/* ---- the golden list ---- */

static const char *letters_of(const char *way)
{
    static const char *const ways[][2] = { { "value", "prlwnuj" }, { "moved", "tQ" },
                                           { "borrowed", "bBsdvxykiLWcqYMJgm" },
                                           { "out", "oOeEh" },   { "in-out", "zZT" }, { "array", "a" },
                                           { "callback", "fF" } };
    for (size_t at = 0; at < sizeof ways / sizeof *ways; at++)
        if (strcmp(ways[at][0], way) == 0)
            return ways[at][1];
    return "";
}

static void read_golden(void)
{
    char path[512] = __FILE__, line[512];
    char *end = strstr(path, "c/bad_input.c");
    CHECK(end);
    strcpy(end, "golden/symbols.txt");
    FILE *file = fopen(path, "r");
    if (!file) {
        fprintf(stderr, "%s cannot be read: run this at the top of the tree\n", path);
        exit(1);
    }
    int missing = 0;
    while (fgets(line, sizeof line, file)) {
        char *word = strtok(line, " \n");
        row *row = NULL;
        for (size_t at = 0; word && at < ROWS; at++)
            if (strcmp(rows[at].name, word) == 0)
                row = &rows[at];
        if (!word)
            continue;
        if (!row) {
            fprintf(stderr, "%s has no row in bad_input_rows.h\n", word);
            missing++;
            continue;
        }
        size_t count = 0;
        row->golden = true;
        while ((word = strtok(NULL, " \n"))) {
            char *way = strchr(word, '=');
            CHECK(way && count < PARAMETERS && count < strlen(row->letters));
            *way++ = '\0';
            if (!strchr(letters_of(way), row->letters[count])) {
                fprintf(stderr, "%s: its row passes %s as '%c', the golden list as %s\n", row->name, word,
                        row->letters[count], way);
                missing++;
            }
            snprintf(row->parameters[count], sizeof *row->parameters, "%s", word);
            snprintf(row->ways[count++], sizeof *row->ways, "%s", way);
        }
        CHECK(count == strlen(row->letters));
        CHECK(strlen(row->outcomes) == 8);
    }
    fclose(file);
    for (size_t at = 0; at < ROWS; at++)
        if (!rows[at].golden) {
            fprintf(stderr, "%s has a row, and is not in the golden list\n", rows[at].name);
            missing++;
        }
    CHECK(missing == 0);
}

/* ---- outcomes ---- */

static int expected_of(char letter)
{
    switch (letter) {
    case 'o': return REGROW_OK;
    case '-': return REFUSED;
    case 'g': return REGROW_ERR_ARGUMENT;
    case 'n': return REGROW_ERR_NO_PROCESS;
    case 't': return REGROW_ERR_TIMEOUT;
    case 'e': return REGROW_ERR_EXISTS;
    case 'm': return REGROW_ERR_NOT_FOUND;
    case 'k': return REGROW_ERR_KILLED;
    case 'a': return REGROW_ERR_NOT_ALIVE;
    case 's': return REGROW_ERR_SELF_CALL;
    case 'w': return REGROW_ERR_WOULD_BLOCK;
    case 'd': return REGROW_ERR_WOULD_DEADLOCK;
    case 'i': return REGROW_ERR_WRONG_KIND;
    case 'f': return REGROW_ERR_FORKED;
    case 'x': return REGROW_ERR_CONTEXT;
    case 'c': return REGROW_ERR_ACCESS;
    case 'l': return REGROW_ERR_FILE;
    default: CHECK(!"an outcome that the rows know"); return 0;
    }
}

/* OTP's atom for an error; NULL where the reason is told by somebody else. */
static const char *reason_of(int error)
{
    switch (error) {
    case REGROW_ERR_ARGUMENT:
    case REGROW_ERR_VERSION:
    case REGROW_ERR_WRONG_KIND:
    case REGROW_ERR_OTHER_RUNTIME:
    case REGROW_ERR_NO_TABLE:
    case REGROW_ERR_ACCESS:
    case REGROW_ERR_CONTEXT: return "badarg";
    case REGROW_ERR_NO_PROCESS: return "noproc";
    case REGROW_ERR_TIMEOUT: return "timeout";
    case REGROW_ERR_NOT_FOUND: return "not_found";
    case REGROW_ERR_KILLED: return "killed";
    case REGROW_ERR_NOT_ALIVE: return "not_alive";
    case REGROW_ERR_SELF_CALL: return "calling_self";
    case REGROW_ERR_WOULD_BLOCK: return "would_block";
    case REGROW_ERR_WOULD_DEADLOCK: return "would_deadlock";
    case REGROW_ERR_IGNORED: return "ignore";
    default: return NULL;
    }
}

static atomic_int failures;

static const char *word(int result)
{
    return result == REFUSED ? "refused" : regrow_error_name(result);
}

static void complain(const row *row, const char *where, const char *what)
{
    fprintf(stderr, "%s, %s: %s\n", row->name, where, what);
    atomic_fetch_add(&failures, 1);
}

/* The last error is the one that was returned, with its reason and a sentence. */
static void check_last_error(const row *row, const char *where, int result)
{
    char text[256] = "";
    regrow_term reason;
    if (result <= 0 || is(row, "last_reason"))
        return;
    if (regrow_last_error(text, sizeof text) != (regrow_error)result || strlen(text) < 5)
        complain(row, where, "the last error is another one, or has no text");
    if (regrow_last_reason(&reason) != REGROW_OK) {
        complain(row, where, "there is no last reason");
        return;
    }
    const char *atom = reason_of(result);
    if (atom && !regrow_is_atom(&reason, atom)) {
        char shown[128];
        regrow_term_print(&reason, shown, sizeof shown);
        complain(row, where, shown);
    }
    regrow_term_free(&reason);
}

/* ---- a world of its own for each call: one process of each kind ---- */

typedef struct world {
    regrow_pid root, server, named, supervisor, registry, agent, host, plain, tasks, pubsub;
    char name[32], fresh_name[32];
    regrow_address address;
    regrow_ref timer;
    /* Public, with the object {ok, 1}; a process of its own has it. */
    regrow_pid owner;
    regrow_table table;
} world;

/* For all worlds. */
static regrow_pid entered_pid;
static const regrow_pid stale_pid = { 0x0000123400000fff };

static regrow_next init(regrow_context *context, void *user, const regrow_term *arg, void **state)
{
    return REGROW_READY;
}

static regrow_next server_call(regrow_context *context, void *state, const regrow_term *request)
{
    return regrow_reply(context, regrow_atom("yes"));
}

static regrow_error show_state(void *state, regrow_term *shown)
{
    *shown = regrow_atom("shown");
    return REGROW_OK;
}

static regrow_error take_state(void *state, const regrow_term *given)
{
    return REGROW_OK;
}

static void host_deliver(void *user, regrow_pid pid, const regrow_term *message, regrow_caller caller)
{
}

static regrow_next wait_for_ever(regrow_context *context, void *user)
{
    regrow_term message;
    while (regrow_receive(REGROW_INFINITY, &message) == REGROW_OK)
        regrow_term_free(&message);
    return REGROW_DONE;
}

static regrow_term object(regrow_term value)
{
    return regrow_tuple((regrow_term[]){ regrow_atom("ok"), value }, 2);
}

static regrow_next own_table(regrow_context *context, void *user)
{
    regrow_table_spec spec = { .size = sizeof spec, .name = user, .access = REGROW_PUBLIC };
    regrow_table table;
    CHECK_OK(regrow_table_new(&spec, &table));
    CHECK_OK(regrow_table_insert(table, object(regrow_int(1))));
    return wait_for_ever(context, NULL);
}

static regrow_next keep(regrow_context *context, void *user, const regrow_term *state, regrow_term *next,
                        regrow_term *reply)
{
    return REGROW_DONE;
}

static bool take_any(void *user, const regrow_term *message)
{
    return true;
}

static void hear(void *user, regrow_error error, const regrow_term *result)
{
}

static regrow_next give_one(regrow_context *context, void *user, const regrow_term *argument, regrow_term *value)
{
    *value = regrow_int(1);
    return REGROW_DONE;
}

static bool no_item(void *user, regrow_term *item)
{
    return false;
}

static bool take_result(void *user, const regrow_term *result)
{
    return true;
}

static void each_entry(void *user, regrow_pid pid, const regrow_term *value)
{
}

/* Of a C++ runtime that never throws. */
static void *exception_globals(void)
{
    static _Thread_local uint64_t words[2];
    return words;
}

static const regrow_server_spec server_spec = {
    .size = sizeof server_spec, .handle_call = server_call, .get_state = show_state, .replace_state = take_state };
static const regrow_registry_spec registry_spec = { .size = sizeof registry_spec };
static const regrow_agent_spec agent_spec = { .size = sizeof agent_spec };
static const regrow_task_supervisor_spec tasks_spec = { .size = sizeof tasks_spec };
static const regrow_pubsub_spec pubsub_spec = { .size = sizeof pubsub_spec };
static const regrow_host_spec host_spec = { .size = sizeof host_spec, .deliver = host_deliver };
static const regrow_process_spec plain_spec = { .size = sizeof plain_spec, .body = wait_for_ever };

static regrow_pid new_runtime(void)
{
    regrow_pid root;
    regrow_options options = { .size = sizeof options, .workers = 2, .log_level = REGROW_LOG_SILENT };
    CHECK_OK(regrow_init(&options, &root));
    return root;
}

static regrow_pid start(regrow_pid runtime, uint32_t kind, const void *spec, const char *name)
{
    regrow_pid pid;
    regrow_child_spec child = { .size = sizeof child, .kind = kind, .spec = spec, .name = name };
    CHECK_OK(regrow_start(runtime, &child, &pid));
    return pid;
}

/* Of the world made last. */
static regrow_pid any_root;

static void make_world(world *world, regrow_pid root)
{
    any_root = root;
    static int number;
    number++;
    *world = (struct world){ .root = root };
    snprintf(world->name, sizeof world->name, "named %d", number);
    snprintf(world->fresh_name, sizeof world->fresh_name, "fresh %d", number);
    regrow_child_spec children[] = {
        { .size = sizeof *children, .id = "child", .kind = REGROW_SERVER, .spec = &server_spec },
        { .size = sizeof *children, .id = "stopped", .kind = REGROW_SERVER, .spec = &server_spec } };
    regrow_supervisor_spec supervisor = { .size = sizeof supervisor, .children = children, .child_count = 2 };
    world->server = start(root, REGROW_SERVER, &server_spec, NULL);
    world->named = start(root, REGROW_SERVER, &server_spec, world->name);
    world->supervisor = start(root, REGROW_SUPERVISOR, &supervisor, NULL);
    world->registry = start(root, REGROW_REGISTRY, &registry_spec, NULL);
    world->agent = start(root, REGROW_AGENT, &agent_spec, NULL);
    world->host = start(root, REGROW_HOST, &host_spec, NULL);
    world->plain = start(root, REGROW_PROCESS, &plain_spec, NULL);
    world->tasks = start(root, REGROW_TASK_SUPERVISOR, &tasks_spec, NULL);
    world->pubsub = start(root, REGROW_PUBSUB, &pubsub_spec, NULL);
    regrow_term group = regrow_atom("ok");
    CHECK_OK(regrow_group_join(world->pubsub, &group, world->server));
    regrow_process_spec owner = { .size = sizeof owner, .body = own_table, .user = world->name };
    CHECK_OK(regrow_spawn(root, &owner, &world->owner));
    size_t size = 0;
    while (regrow_table_whereis(root, world->name, &world->table) || regrow_table_size(world->table, &size) || !size)
        sched_yield();
    world->address = (regrow_address){ .size = sizeof world->address, .runtime = root, .name = world->name };
    regrow_term stopped = regrow_text("stopped");
    CHECK_OK(regrow_supervisor_terminate_child(world->supervisor, &stopped));
    regrow_term_free(&stopped);
    CHECK_OK(regrow_send_after(world->server, 3600000, regrow_nil(), &world->timer));
}

static void end_world(const world *world)
{
    const regrow_pid all[] = { world->server,   world->named, world->supervisor, world->registry,
                               world->agent,    world->host,  world->plain,      world->tasks, world->pubsub, world->owner };
    for (size_t at = 0; at < sizeof all / sizeof *all; at++)
        CHECK_OK(regrow_exit(all[at], regrow_atom("kill")));
}

static regrow_pid pid_of_kind(const world *world, char kind)
{
    switch (kind) {
    case 'S': return world->server;
    case 'V': return world->supervisor;
    case 'R': return world->registry;
    case 'A': return world->agent;
    case 'H': return world->host;
    case 'P': return world->plain;
    case 'K': return world->tasks;
    case 'U': return world->pubsub;
    default: return entered_pid;
    }
}

/* ---- good arguments ---- */

static void *counted_user(argument *argument)
{
    argument->slot = new_slot();
    return argument->slot;
}

static regrow_term counted_term(argument *argument)
{
    argument->slot = new_slot();
    return regrow_resource(argument->slot, count_drop);
}

/* [{{'_','_','_'}, [], [true]}] */
static regrow_term match_spec(void)
{
    regrow_term head[] = { regrow_atom("_"), regrow_atom("_"), regrow_atom("_") }, yes = regrow_bool(true);
    regrow_term clause[] = { regrow_tuple(head, 3), regrow_nil(), regrow_list(&yes, 1) };
    regrow_term clauses = regrow_tuple(clause, 3);
    return regrow_list(&clauses, 1);
}

/* A term for a table, by the name of the parameter. */
static regrow_term term_for_table(argument *argument, const char *name)
{
    if (strcmp(name, "objects") == 0)
        return object(counted_term(argument));
    if (strcmp(name, "data") == 0)
        return counted_term(argument);
    if (strcmp(name, "operation") == 0)
        return regrow_int(1);
    if (strcmp(name, "elements") == 0)
        return regrow_tuple((regrow_term[]){ regrow_int(2), counted_term(argument) }, 2);
    if (strcmp(name, "pattern") == 0)
        return regrow_atom("_");
    if (strcmp(name, "continuation") == 0)
        return regrow_atom("$end_of_table");
    if (strcmp(name, "spec") == 0) {
        regrow_term body = regrow_atom("$_");
        regrow_term clause = regrow_tuple((regrow_term[]){ regrow_atom("_"), regrow_nil(), regrow_list(&body, 1) }, 3);
        return regrow_list(&clause, 1);
    }
    return strcmp(name, "key") == 0 ? regrow_atom("ok") : object(regrow_int(1));
}

/* What a function that reads a term wants to read: named by its own name. */
static regrow_term term_to_read(const row *row)
{
    const char *name = row->name;
    regrow_term item = regrow_int(1), key = regrow_atom("ok");
    if (strstr(name, "as_table"))
        return regrow_from_table((regrow_table){ UINT64_MAX });
    if (strstr(name, "_registry_"))
        return key;
    if (strstr(name, "_supervisor_"))
        return regrow_text(is(row, "supervisor_restart_child") || is(row, "supervisor_delete_child") ? "stopped"
                                                                                                     : "child");
    if (strstr(name, "_map"))
        return regrow_map(&key, &item, 1);
    if (strstr(name, "_nil"))
        return regrow_nil();
    if (strstr(name, "_bool"))
        return regrow_bool(true);
    if (strstr(name, "_int"))
        return item;
    if (strstr(name, "_float"))
        return regrow_float(1.5);
    if (strstr(name, "_atom"))
        return key;
    if (strstr(name, "_text") || strstr(name, "_bytes"))
        return regrow_text("some text that is too long to lie inside a term");
    if (strstr(name, "_tuple"))
        return regrow_tuple(&item, 1);
    if (strstr(name, "_list"))
        return regrow_list(&item, 1);
    if (strstr(name, "_pid"))
        return regrow_from_pid(stale_pid);
    if (strstr(name, "_ref"))
        return regrow_from_ref((regrow_ref){ 7 });
    if (strstr(name, "_resource"))
        return regrow_resource(NULL, NULL);
    return regrow_list(&item, 1);
}

static uint64_t good_number(const row *row, const char *name)
{
    if (strcmp(name, "timeout_ms") == 0)
        return is(row, "idle_timeout") || is(row, "request_wait") ? 1 : LIMIT_MS;
    if (strcmp(name, "next") == 0)
        return REGROW_NOREPLY;
    if (strcmp(name, "size") == 0)
        return is(row, "term_decode") ? 3 : 8;
    if (strcmp(name, "index") == 0 || strcmp(name, "flags") == 0 || strcmp(name, "trap") == 0
        || strcmp(name, "on") == 0)
        return 0;
    return 1;
}

static size_t size_of_struct(const row *row, size_t at)
{
    switch (row->letters[at]) {
    case 'x': return sizeof(regrow_address);
    case 'y': return sizeof(regrow_child_spec);
    case 'k': return sizeof(regrow_process_spec);
    case 'i': return sizeof(regrow_options);
    case 'Y': return sizeof(regrow_task_spec);
    case 'M': return sizeof(regrow_stream_spec);
    case 'g': return sizeof(regrow_subscription);
    case 'L': return sizeof(regrow_table_spec);
    case 'W': return sizeof(regrow_server_spec);
    default:
        return strcmp(row->parameters[at], "settled") == 0 ? sizeof(regrow_settled)
             : strcmp(row->parameters[at], "stats") == 0   ? sizeof(regrow_stats)
                                                           : sizeof(regrow_child_count);
    }
}

static bool is_out(char letter)
{
    return strchr("oOeEhzZ", letter) != NULL;
}

static void make_good(const row *row, argument *a, const world *world, regrow_context *context)
{
    /* The decoder's input: the integer 7. */
    static const unsigned char encoded[8] = { 131, 97, 7 };
    making_for = row->name;
    for (size_t at = 0; row->letters[at]; at++) {
        argument *argument = &a[at];
        const char *name = row->parameters[at];
        *argument = (struct argument){ .pointer = argument->place };
        memset(argument->place, is_out(row->letters[at]) ? 0xA5 : 0, sizeof argument->place);
        switch (row->letters[at]) {
        case 'p':
            argument->pid = strcmp(name, "pubsub") == 0             ? world->pubsub
                          : strstr(row->name, "_task_supervisor_") && at == 0 ? world->tasks
                          : strcmp(name, "supervisor") == 0 ? world->supervisor
                          : strcmp(name, "registry") == 0   ? world->registry
                          : strcmp(name, "agent") == 0      ? world->agent
                          : strcmp(name, "host") == 0       ? world->host
                          : strcmp(name, "pid") == 0        ? world->server
                                                            : world->root;
            break;
        case 'r': argument->ref = world->timer; break;
        case 'w': argument->caller = (regrow_caller){ .server = world->server.id, .call = 12345 }; break;
        case 'n': argument->number = good_number(row, name); break;
        case 'l': argument->table = world->table; break;
        case 't':
            argument->term = row->letters[0] == 'l' ? term_for_table(argument, name) : counted_term(argument);
            break;
        case 'b':
        case 'B':
        case 'T':
            argument->term = row->letters[0] == 'l' || is(row, "table_select_next") ? term_for_table(argument, name)
                             : strcmp(name, "key") == 0 || strcmp(name, "group") == 0 ? regrow_atom("ok")
                             : strcmp(name, "name") == 0                              ? regrow_text(world->name)
                             : strcmp(name, "spec") == 0                              ? match_spec()
                             : strcmp(name, "guards") == 0                            ? regrow_nil()
                                                                                      : term_to_read(row);
            argument->pointer = &argument->term;
            argument->owned = true;
            break;
        case 'a':
            argument->items[0] = counted_term(argument);
            argument->pointer = argument->items;
            break;
        case 'v': memcpy(argument->place, &world->server, sizeof world->server); break;
        case 'd': memcpy(argument->place, encoded, sizeof encoded); break;
        case 's':
            argument->pointer = is(row, "register") || is(row, "table_rename")    ? (void *)world->fresh_name
                              : strstr(row->name, "whereis") || is(row, "unregister") ? (void *)world->name
                              : is(row, "table_to_file")                          ? (void *)"/tmp/regrow-bad-input.table"
                              : is(row, "table_from_file")                        ? (void *)"/nowhere/a table"
                                                                                  : (void *)"ok";
            break;
        case 'u':
            argument->pointer = has(row, 'F') && !is(row, "agent_get") ? counted_user(argument) : NULL;
            break;
        case 'c': argument->pointer = context; break;
        case 'm': argument->pointer = NULL; break;
        case 'f':
        case 'F':
            argument->function = strcmp(name, "drop") == 0    ? (void (*)(void))count_drop
                               : strcmp(name, "matches") == 0 ? (void (*)(void))take_any
                               : strcmp(name, "reply") == 0   ? (void (*)(void))hear
                               : strcmp(name, "each") == 0    ? (void (*)(void))each_entry
                               : strcmp(name, "globals") == 0 ? (void (*)(void))exception_globals
                                                              : (void (*)(void))keep;
            break;
        case 'q':
        case 'Q': {
            regrow_request *pending;
            CHECK_OK(regrow_call_async(world->server, regrow_nil(), LIMIT_MS, &pending));
            if (is(row, "request_wait")) {
                /* One that is not answered at once, so that it is waited for. */
                regrow_request_free(pending);
                CHECK_OK(regrow_call_async(world->host, regrow_nil(), REGROW_INFINITY, &pending));
            }
            argument->pointer = pending;
            break;
        }
        case 'x': memcpy(argument->place, &world->address, sizeof world->address); break;
        case 'y': {
            argument->server = server_spec;
            argument->server.user = counted_user(argument);
            argument->server.drop_user = count_drop;
            /* A server without init is up at once; the start of this one is waited for. */
            argument->server.init = init;
            regrow_child_spec child = { .size = sizeof child, .id = "fresh",
                                        .kind = REGROW_SERVER, .spec = &argument->server };
            memcpy(argument->place, &child, sizeof child);
            break;
        }
        case 'k': {
            regrow_process_spec process = { .size = sizeof process, .body = wait_for_ever,
                                            .user = counted_user(argument), .drop_user = count_drop };
            memcpy(argument->place, &process, sizeof process);
            break;
        }
        case 'j': argument->task = (regrow_task){ world->plain, { 7 } }; break;
        case 'J': {
            regrow_task task = { world->plain, { 7 } };
            memcpy(argument->place, &task, sizeof task);
            break;
        }
        case 'Y':
        case 'M': {
            argument->task_spec = (regrow_task_spec){ .size = sizeof argument->task_spec, .run = give_one,
                                                      .user = counted_user(argument), .drop_user = count_drop };
            regrow_stream_spec stream = { .size = sizeof stream, .task = &argument->task_spec, .source = no_item,
                                          .result = take_result };
            if (row->letters[at] == 'Y')
                memcpy(argument->place, &argument->task_spec, sizeof argument->task_spec);
            else
                memcpy(argument->place, &stream, sizeof stream);
            break;
        }
        case 'g': {
            regrow_subscription how = { .size = sizeof how, .queue = "q", .max_messages = 1 };
            memcpy(argument->place, &how, sizeof how);
            break;
        }
        case 'i': {
            regrow_options options = { .size = sizeof options, .workers = 1, .log_level = REGROW_LOG_SILENT };
            memcpy(argument->place, &options, sizeof options);
            break;
        }
        case 'W': memcpy(argument->place, &server_spec, sizeof server_spec); break;
        case 'L': {
            regrow_table_spec table = { .size = sizeof table };
            memcpy(argument->place, &table, sizeof table);
            break;
        }
        case 'z':
        case 'Z': {
            size_t size = size_of_struct(row, at);
            memcpy(argument->place, &size, sizeof size);
            break;
        }
        default: break;
        }
    }
}

/* Frees what a call left, and what it gave. */
static void clean_up(const row *row, argument *a, int result)
{
    for (size_t at = 0; row->letters[at]; at++) {
        argument *argument = &a[at];
        char letter = row->letters[at];
        if (argument->owned)
            regrow_term_free(&argument->term);
        if (letter == 'q')
            regrow_request_free(argument->pointer);
        if (result != REGROW_OK || !argument->pointer)
            continue;
        if (letter == 'e' || letter == 'E')
            regrow_term_free((regrow_term *)argument->place);
        if (letter == 'h') {
            regrow_request *pending;
            memcpy(&pending, argument->place, sizeof pending);
            regrow_request_free(pending);
        }
        if (is(row, "busy") && letter == 'o') {
            regrow_ref token;
            memcpy(&token, argument->place, sizeof token);
            /* Whoever it was taken by may have ended; with its runtime a token goes too. */
            regrow_error given = regrow_done(any_root, token);
            CHECK(given == REGROW_OK || given == REGROW_ERR_NOT_ALIVE);
        }
        if (is(row, "init") && letter == 'o') {
            regrow_pid root;
            memcpy(&root, argument->place, sizeof root);
            CHECK_OK(regrow_shutdown(root, LIMIT_MS, NULL));
        }
    }
}

/* Calls, and checks what must hold of any outcome. */
static int call(const row *row, argument *a, const char *where, int expected)
{
    for (size_t at = 0; row->letters[at]; at++)
        memcpy(a[at].before, a[at].place, sizeof a[at].before);
    int result = row->call(a);
    if (result != expected) {
        char text[256] = "", message[512];
        regrow_last_error(text, sizeof text);
        snprintf(message, sizeof message, "%s, not %s (%s)", word(result), word(expected), result > 0 ? text : "");
        complain(row, where, message);
    }
    check_last_error(row, where, result);
    for (size_t at = 0; result && row->letters[at]; at++)
        if (is_out(row->letters[at]) && memcmp(a[at].before, a[at].place, sizeof a[at].before))
            complain(row, where, "an out-parameter was written by a call that failed");
    return result;
}

/* What was moved into a call that failed has been given back when it returns; unless somebody else refused it, who
 * may be about to. */
static void check_given_back(const row *row, const argument *a, const char *where)
{
    for (size_t at = 0; row->letters[at]; at++)
        if (a[at].slot && strchr("tua", row->letters[at]) && drops_of(a[at].slot) != 1)
            complain(row, where, "what was moved into a call that failed was not freed once");
}

/* ---- one argument spoilt ---- */

typedef struct spoiling {
    world world;
    argument a[PARAMETERS];
    char where[128];
} spoiling;

static void enter_as(regrow_pid root)
{
    regrow_pid self;
    CHECK_OK(regrow_enter(root, &self));
}

/* The caller has the key ok in the registry, and a message: so that update and receive find something. */
static void settle_in(const world *world)
{
    regrow_pid self;
    CHECK_OK(regrow_self(&self));
    regrow_error error = regrow_registry_register(world->registry, regrow_atom("ok"), self, regrow_nil());
    CHECK(error == REGROW_OK || error == REGROW_ERR_EXISTS);
}

static void mail_self(void)
{
    regrow_pid self;
    CHECK_OK(regrow_self(&self));
    CHECK_OK(regrow_send(self, regrow_atom("mail")));
}

/* An entered thread that was sent something, in a world of its own. */
static void begin(spoiling *s, const row *row, regrow_pid root, size_t at, const char *what)
{
    enter_as(root);
    make_world(&s->world, root);
    settle_in(&s->world);
    mail_self();
    make_good(row, s->a, &s->world, NULL);
    snprintf(s->where, sizeof s->where, "%s %s", row->letters[at] ? row->parameters[at] : "", what);
}

static void finish(spoiling *s, const row *row, int expected, bool gives_back)
{
    int result = call(row, s->a, s->where, expected);
    if (gives_back && result && result != REGROW_ERR_WRONG_KIND)
        check_given_back(row, s->a, s->where);
    clean_up(row, s->a, result);
    /* A fresh identity for each: what it is linked with must not end the next. */
    regrow_leave();
    end_world(&s->world);
}

static int good_outcome(const row *row)
{
    return row->outcomes[0] == '.' ? REGROW_ERR_ARGUMENT : expected_of(row->outcomes[0]);
}

/* ARGUMENT, or what stands for it where there is no code. */
static int bad_argument(const row *row)
{
    return row->result == 'E' ? REGROW_ERR_ARGUMENT : row->result == 'C' || row->result == 'V' ? REGROW_OK : REFUSED;
}

static void spoil_terms(spoiling *s, const row *row, regrow_pid root, size_t at)
{
    const regrow_term no_term = { 0xEE, 1 };
    static const char *const names[] = { "no term", "invalid" };
    for (int way = 0; way < 2; way++) {
        /* Without a context there is nobody to give the rest to. */
        begin(s, row, root, at, names[way]);
        regrow_term bad = way == 0 ? no_term : regrow_atom(NULL);
        argument *argument = &s->a[at];
        if (row->letters[at] == 'a') {
            s->a[row->letters[1] == 'a' ? 2 : 1].number = 2;
            argument->items[1] = bad;
            if (row->letters[1] == 'a')
                s->a[1 - at].items[1] = regrow_nil();
        } else if (row->letters[at] == 't') {
            regrow_term_free(&argument->term);
            argument->slot = NULL;
            argument->term = bad;
        } else {
            regrow_term_free(&argument->term);
            argument->owned = false;
            argument->term = bad;
        }
        finish(s, row, row->letters[0] == 'c' && row->result == 'E' ? REGROW_ERR_ARGUMENT : bad_argument(row), true);
        if (row->letters[at] == 'a' && (!regrow_is_nil(&argument->items[0]) || !regrow_is_nil(&argument->items[1])))
            complain(row, s->where, "the array is not left nil");
        if (row->letters[at] == 'T' && !regrow_is_nil(&argument->term))
            complain(row, s->where, "the variable is not left nil");
    }
}

/* A spec that cannot be read is not taken: its user stays the caller's. */
static void check_not_taken(const row *row, argument *argument, const char *where)
{
    if (!argument->slot)
        return;
    if (drops_of(argument->slot))
        complain(row, where, "the user of a struct that could not be read was given back");
    count_drop(argument->slot);
}

static void spoil_struct(spoiling *s, const row *row, regrow_pid root, size_t at)
{
    static const size_t bad_sizes[] = { 0, 4, 7, (1 << 16) + 1, SIZE_MAX };
    size_t known = size_of_struct(row, at);
    bool is_input = strchr("xykiYMgL", row->letters[at]) != NULL;
    for (size_t which = 0; which < sizeof bad_sizes / sizeof *bad_sizes; which++) {
        char what[64];
        snprintf(what, sizeof what, "of size %zu", bad_sizes[which]);
        begin(s, row, root, at, what);
        memcpy(s->a[at].place, &bad_sizes[which], sizeof(size_t));
        finish(s, row, REGROW_ERR_ARGUMENT, true);
        check_not_taken(row, &s->a[at], s->where);
    }
    for (int zero = 0; zero < 2; zero++) {
        size_t size = known + 64;
        begin(s, row, root, at, zero ? "larger by zeroes" : "larger by something");
        memset(s->a[at].place + known, 0, size - known);
        memcpy(s->a[at].place, &size, sizeof size);
        if (!zero)
            s->a[at].place[size - 1] = 1;
        finish(s, row, zero ? good_outcome(row) : REGROW_ERR_VERSION, true);
        if (!zero)
            check_not_taken(row, &s->a[at], s->where);
    }
    if (is_input)
        return;
    /* An older one: nothing is written behind its end. */
    size_t size = 16;
    begin(s, row, root, at, "of an older size");
    memcpy(s->a[at].place, &size, sizeof size);
    finish(s, row, good_outcome(row), true);
    for (size_t byte = size; byte < OUT_SIZE; byte++)
        if (s->a[at].place[byte] != 0xA5) {
            complain(row, s->where, "written behind the end of the struct");
            break;
        }
}

static void set_null(const row *row, argument *argument, char letter)
{
    if (argument->owned)
        regrow_term_free(&argument->term);
    argument->owned = false;
    if (letter == 'q' || letter == 'Q')
        regrow_request_free(argument->pointer);
    if (letter == 'a')
        regrow_term_free(&argument->items[0]);
    /* Never read: the user is not given back by this call. */
    if (strchr("ykYM", letter))
        count_drop(argument->slot);
    argument->pointer = NULL;
    argument->function = NULL;
}

static void spoil_null(spoiling *s, const row *row, regrow_pid root, size_t at)
{
    char letter = row->letters[at];
    bool optional = strchr("OEZFiTBg", letter) != NULL || (letter == 'Q' && is(row, "request_free"));
    begin(s, row, root, at, "NULL");
    set_null(row, &s->a[at], letter);
    /* Without a drop function the user is not given back. */
    if (letter == 'F' && strcmp(row->parameters[at], "drop") == 0) {
        count_drop(s->a[at - 1].slot);
        s->a[at - 1].slot = NULL;
    }
    finish(s, row, optional ? good_outcome(row) : bad_argument(row), true);
}

static void spoil_pid(spoiling *s, const row *row, regrow_pid root, size_t at, regrow_pid dead_root)
{
    bool first = at == 0;
    if (first) {
        const regrow_pid stale[] = { stale_pid, { 0 }, { UINT64_MAX }, dead_root };
        for (size_t which = 0; which < sizeof stale / sizeof *stale; which++) {
            begin(s, row, root, at, "stale");
            s->a[at].pid = stale[which];
            finish(s, row, expected_of(row->outcomes[6]), row->outcomes[6] != 'o');
        }
    }
    for (const char *kind = row->wrong; first && *kind; kind++) {
        char what[32];
        snprintf(what, sizeof what, "of the wrong kind %c", *kind);
        begin(s, row, root, at, what);
        s->a[at].pid = pid_of_kind(&s->world, *kind);
        for (size_t other = 1; row->letters[other]; other++)
            if (strcmp(row->parameters[other], "timeout_ms") == 0)
                s->a[other].number = 1000;
        finish(s, row, REGROW_ERR_WRONG_KIND, true);
    }
}

static void spoil_table(spoiling *s, const row *row, regrow_pid root, size_t at)
{
    const regrow_table stale[] = { { 0 }, { UINT64_MAX }, { 7 }, { UINT64_C(0x8000000000FFFFFF) } };
    for (size_t which = 0; which < sizeof stale / sizeof *stale; which++) {
        begin(s, row, root, at, "stale");
        s->a[at].table = stale[which];
        finish(s, row, REGROW_ERR_NO_TABLE, true);
    }
}

static void spoil(const row *row, regrow_pid root, regrow_pid dead_root)
{
    static spoiling s;
    for (size_t at = 0; row->letters[at]; at++) {
        char letter = row->letters[at];
        if (strchr("btaTB", letter))
            spoil_terms(&s, row, root, at);
        if (strchr("xykiYMgLzZ", letter))
            spoil_struct(&s, row, root, at);
        if (strchr("basdvcqQxykiYMJgLoOeEhzZfFTB", letter))
            spoil_null(&s, row, root, at);
        if (letter == 'l' && row->result == 'E')
            spoil_table(&s, row, root, at);
        if (letter == 'p')
            spoil_pid(&s, row, root, at, dead_root);
        if (letter == 's') {
            begin(&s, row, root, at, "not UTF-8");
            s.a[at].pointer = "\xC3(";
            finish(&s, row, bad_argument(row), true);
        }
        if (letter == 'n' && strcmp(row->parameters[at], "flags") == 0) {
            begin(&s, row, root, at, "with an unknown bit");
            s.a[at].number = 0x80;
            finish(&s, row, REGROW_ERR_ARGUMENT, true);
        }
    }
}

/* ---- good arguments, from elsewhere ---- */

typedef struct visit {
    const row *row;
    world *world;
    argument *a;
    /* Which letter of the row's outcomes. */
    int outcome;
    const char *where;
    int result;
    sem_t done;
} visit;

static void visit_rows_here(visit *visit, regrow_context *context)
{
    for (size_t at = 0; visit->row->letters[at]; at++)
        if (visit->row->letters[at] == 'c')
            visit->a[at].pointer = context;
    visit->result = call(visit->row, visit->a, visit->where, expected_of(visit->row->outcomes[visit->outcome]));
}

static regrow_next visiting_body(regrow_context *context, void *user)
{
    visit *visit = user;
    regrow_pid self;
    CHECK_OK(regrow_self(&self));
    settle_in(visit->world);
    if (visit->outcome == 2)
        mail_self();
    if (visit->outcome == 4) {
        CHECK_OK(regrow_exit(self, regrow_atom("kill")));
        CHECK(!regrow_is_alive(self));
    }
    if (visit->outcome == 7)
        visit->a[0].pid = self;
    visit_rows_here(visit, context);
    sem_post(&visit->done);
    return REGROW_DONE;
}

static void visit_all(regrow_pid root, int outcome, const char *where)
{
    static argument a[PARAMETERS];
    for (size_t at = 0; at < ROWS; at++) {
        world world;
        visit visit = { .row = &rows[at], .world = &world, .a = a, .outcome = outcome, .where = where };
        char expected = rows[at].outcomes[outcome];
        if (expected == '.')
            continue;
        make_world(&world, root);
        make_good(&rows[at], a, &world, NULL);
        CHECK(sem_init(&visit.done, 0, 0) == 0);
        if (outcome == 0) {
            enter_as(root);
            settle_in(&world);
            mail_self();
            visit_rows_here(&visit, NULL);
            regrow_leave();
        } else if (outcome == 1) {
            CHECK_OK(regrow_registry_register(world.registry, regrow_atom("ok"), world.server, regrow_nil()));
            visit_rows_here(&visit, NULL);
            regrow_leave();
        } else {
            regrow_process_spec process = { .size = sizeof process, .body = visiting_body, .user = &visit,
                                            .flags = outcome == 3 ? REGROW_NO_PARK : 0 };
            CHECK_OK(regrow_spawn(root, &process, NULL));
            while (sem_wait(&visit.done))
                ;
        }
        if (visit.result && expected != 'm')
            check_given_back(&rows[at], a, where);
        clean_up(&rows[at], a, visit.result);
        if (visit.result && visit.row->letters[0] == 'Q' && visit.result == REGROW_ERR_FORKED)
            regrow_request_free(a[0].pointer);
        end_world(&world);
        sem_destroy(&visit.done);
    }
}

/* ---- the child of a fork ---- */

static void visit_in_child(regrow_pid root)
{
    static argument all[ROWS][PARAMETERS];
    world world;
    make_world(&world, root);
    int used = 0;
    for (size_t at = 0; at < ROWS; at++)
        make_good(&rows[at], all[at], &world, NULL);
    used = atomic_load(&slots_used);
    static int before[SLOTS];
    for (int slot = 0; slot < used; slot++)
        before[slot] = atomic_load(&drops[slot]);
    fflush(NULL);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        alarm(10);
        atomic_store(&failures, 0);
        for (size_t at = 0; at < ROWS; at++) {
            int result = rows[at].outcomes[5] == '.' ? 0 : rows[at].call(all[at]);
            int expected = rows[at].outcomes[5] == '.' ? 0 : expected_of(rows[at].outcomes[5]);
            if (result != expected) {
                char message[128];
                snprintf(message, sizeof message, "%s, not %s", word(result), word(expected));
                complain(&rows[at], "in the child of a fork", message);
            }
        }
        char text[64] = "";
        CHECK(regrow_last_error(text, sizeof text) == REGROW_ERR_FORKED && strlen(text) > 5);
        for (int slot = 0; slot < used; slot++)
            CHECK(atomic_load(&drops[slot]) == before[slot]);
        _exit(atomic_load(&failures) ? 1 : 0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    if (!WIFEXITED(status) || WEXITSTATUS(status)) {
        fprintf(stderr, "the child of a fork ended with status %x\n", status);
        atomic_fetch_add(&failures, 1);
    }
    /* Nothing of it was given away here. */
    for (size_t at = 0; at < ROWS; at++) {
        clean_up(&rows[at], all[at], REFUSED);
        for (size_t which = 0; rows[at].letters[which]; which++) {
            argument *argument = &all[at][which];
            switch (rows[at].letters[which]) {
            case 't': regrow_term_free(&argument->term); break;
            case 'a': regrow_term_free(&argument->items[0]); break;
            case 'Q': regrow_request_free(argument->pointer); break;
            case 'u':
            case 'k':
            case 'Y':
            case 'M':
            case 'y':
                if (argument->slot)
                    count_drop(argument->slot);
                break;
            default: break;
            }
        }
    }
    end_world(&world);
}

/* ---- after the runtime is shut down ---- */

static int expected_after_shutdown(const row *row)
{
    if (is(row, "request_wait"))
        return REGROW_ERR_EXITED;
    if (row->letters[0] == 'x')
        return REGROW_ERR_NOT_ALIVE;
    if (row->letters[0] == 'l' && row->result == 'E')
        return REGROW_ERR_NO_TABLE;
    if (row->letters[0] == 'p' && row->outcomes[1] != 'x')
        return expected_of(row->outcomes[6]);
    return expected_of(row->outcomes[1]);
}

static void visit_after_shutdown(void)
{
    static argument all[ROWS][PARAMETERS];
    regrow_pid root = new_runtime();
    world world;
    make_world(&world, root);
    for (size_t at = 0; at < ROWS; at++)
        make_good(&rows[at], all[at], &world, NULL);
    CHECK_OK(regrow_shutdown(root, LIMIT_MS, NULL));
    for (size_t at = 0; at < ROWS; at++) {
        bool is_tried = rows[at].outcomes[1] != '.' || rows[at].letters[0] == 'p';
        int result = REFUSED;
        if (is_tried)
            result = call(&rows[at], all[at], "after shutdown", expected_after_shutdown(&rows[at]));
        else
            for (size_t which = 0; rows[at].letters[which]; which++)
                if (rows[at].letters[which] == 't')
                    regrow_term_free(&all[at][which].term);
        if (result)
            check_given_back(&rows[at], all[at], "after shutdown");
        clean_up(&rows[at], all[at], result);
    }
}

/* ---- terms of the wrong type ---- */

enum { SAMPLES = 17 };

static regrow_term decoded(const void *bytes, size_t size)
{
    regrow_term term;
    CHECK_OK(regrow_term_decode(bytes, size, &term));
    return term;
}

/* Each reader against a term of every kind: what it takes, and nothing else. */
static void read_wrong_types(void)
{
    static const struct { const char *reader, *takes; } readers[] = {
        /* n nil, i int, I big int, f float, a atom, b bool, s text, y bytes, 0 empty tuple, t tuple, l list,
         * p improper list, m map, d pid, r ref, R resource, F something of Erlang's own */
        { "is_valid", "niIfabsy0tlpmdrRF" }, { "is_nil", "n" }, { "is_atom", "a" }, { "is_int", "iI" },
        { "is_float", "f" }, { "is_bytes", "sy" }, { "is_tuple", "0t" }, { "is_list", "nlp" }, { "is_map", "m" },
        { "is_pid", "d" }, { "is_ref", "r" }, { "is_resource", "R" }, { "as_int", "i" }, { "as_float", "f" },
        { "as_bool", "b" }, { "as_atom", "ab" }, { "as_text", "abs" }, { "as_bytes", "sy" }, { "as_pid", "d" },
        { "as_ref", "r" }, { "as_resource", "R" }, { "tuple_size", "0t" }, { "tuple_get", "t" }, { "list_head", "lp" },
        { "list_tail", "lp" }, { "list_length", "nl" }, { "map_size", "m" }, { "map_get", "m" }, { "map_at", "m" },
        { "term_equal", "" }, { "as_table", "" } };
    static const char kinds[] = "niIfabsy0tlpmdrRF";
    static const unsigned char big[] = { 131, 110, 9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 };
    static const unsigned char export[] = { 131, 113, 119, 1, 'm', 119, 1, 'f', 97, 1 };
    regrow_term one = regrow_int(1), key = regrow_atom("ok"), two = regrow_int(2);
    regrow_term samples[SAMPLES] = {
        regrow_nil(), regrow_int(7), decoded(big, sizeof big), regrow_float(0.5), regrow_atom("ok"), regrow_bool(true),
        regrow_text("text"), regrow_bytes("\xFF\0", 2), regrow_tuple(NULL, 0), regrow_tuple(&one, 1),
        regrow_list(&two, 1), regrow_cons(regrow_int(1), regrow_int(2)), regrow_nil(),
        regrow_from_pid(stale_pid), regrow_from_ref((regrow_ref){ 7 }), regrow_resource(NULL, NULL),
        decoded(export, sizeof export) };
    regrow_term value = regrow_int(1);
    samples[12] = regrow_map(&key, &value, 1);
    size_t found = 0;
    for (size_t at = 0; at < ROWS; at++)
        for (size_t reader = 0; reader < sizeof readers / sizeof *readers; reader++) {
            if (!is(&rows[at], readers[reader].reader))
                continue;
            found++;
            for (size_t sample = 0; sample < SAMPLES; sample++) {
                static argument a[PARAMETERS];
                world nowhere = { .root = { 0 } };
                make_good(&rows[at], a, &nowhere, NULL);
                regrow_term good = a[0].term;
                a[0].pointer = &samples[sample];
                char where[32];
                snprintf(where, sizeof where, "of kind %c", kinds[sample]);
                call(&rows[at], a, where, strchr(readers[reader].takes, kinds[sample]) ? REGROW_OK : REFUSED);
                a[0].term = good;
                clean_up(&rows[at], a, REFUSED);
            }
        }
    CHECK(found == sizeof readers / sizeof *readers);
    for (size_t at = 0; at < ROWS; at++)
        if (rows[at].result == 'B' && rows[at].letters[0] == 'b') {
            bool is_read = false;
            for (size_t reader = 0; reader < sizeof readers / sizeof *readers; reader++)
                is_read |= is(&rows[at], readers[reader].reader);
            if (!is_read)
                complain(&rows[at], "terms of the wrong type", "it reads terms and is not tried");
        }
    regrow_term bytes;
    CHECK_ERROR(REGROW_ERR_WRONG_KIND, regrow_term_encode(&samples[15], &bytes));
    for (size_t sample = 0; sample < SAMPLES; sample++)
        regrow_term_free(&samples[sample]);
}

/* ---- the rest ---- */

static atomic_bool go_home;

static void *entered_thread(void *root)
{
    regrow_term message;
    CHECK_OK(regrow_enter(*(regrow_pid *)root, &entered_pid));
    while (!atomic_load(&go_home)) {
        CHECK_OK(regrow_receive(REGROW_INFINITY, &message));
        regrow_term_free(&message);
    }
    CHECK_OK(regrow_leave());
    return NULL;
}

static void check_slots(void)
{
    int used = atomic_load(&slots_used), wrong = 0;
    for (int slot = 0; slot < used; slot++)
        if (drops_of(&drops[slot]) != 1) {
            wrong++;
            fprintf(stderr, "%s: given back %d times\n", made_for[slot], drops_of(&drops[slot]));
        }
    if (wrong)
        fprintf(stderr, "%d of %d things that were moved were not given back exactly once\n", wrong, used);
    atomic_fetch_add(&failures, wrong);
}

int main(void)
{
    pthread_t thread;
    read_golden();
    /* Registered for good, so that every row finds it taken. */
    CHECK_OK(regrow_behaviour_register("ok", &server_spec));
    regrow_pid dead_root = new_runtime();
    CHECK_OK(regrow_shutdown(dead_root, LIMIT_MS, NULL));
    regrow_pid root = new_runtime();
    CHECK(pthread_create(&thread, NULL, entered_thread, &root) == 0);
    CHECK_OK(regrow_settle(root, LIMIT_MS, NULL));

    visit_all(root, 1, "on a thread without identity");
    visit_all(root, 0, "on an entered thread");
    visit_all(root, 2, "in a callback");
    visit_all(root, 3, "in a callback that may not wait");
    visit_all(root, 4, "in a ghost");
    visit_all(root, 7, "with itself");
    for (size_t at = 0; at < ROWS; at++)
        if (!is(&rows[at], "shutdown"))
            spoil(&rows[at], root, dead_root);
    read_wrong_types();
    visit_after_shutdown();
    visit_in_child(root);

    atomic_store(&go_home, true);
    CHECK_OK(regrow_send(entered_pid, regrow_nil()));
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK_OK(regrow_shutdown(root, LIMIT_MS, NULL));
    check_slots();
    printf("bad_input: %d functions, %d things moved, %d complaints\n", (int)ROWS, atomic_load(&slots_used),
           atomic_load(&failures));
    return atomic_load(&failures) ? 1 : 0;
}
