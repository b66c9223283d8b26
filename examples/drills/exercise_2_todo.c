/* Exercise 2: a to-do list for each name, kept by a server that is started when it is first asked for.
 *
 *     TodoSystem           supervisor, one_for_one
 *     |- Registry          which server has which list
 *     `- TodoCache         dynamic supervisor
 *        |- "Bob's list"   server, temporary
 *        `- ...
 */
#include "drill.h"
#include <stdatomic.h>

enum { VISITORS = 50 };

static regrow_pid cache;
static atomic_int starts;

/* ---- TodoServer ---- */

/* The state is a list of {Date, Title}, the last added first. */
struct todo {
    regrow_term entries;
};

static regrow_next todo_init(regrow_context *context, void *user, const regrow_term *name, void **state)
{
    const char *text = "";
    struct todo *todo = malloc(sizeof *todo);
    if (!todo || !regrow_as_text(name, &text)) {
        free(todo);
        return regrow_stop_self(context, regrow_atom("no_memory"));
    }
    printf("   starting a server for %s\n", text);
    atomic_fetch_add(&starts, 1);
    todo->entries = regrow_nil();
    *state = todo;
    return REGROW_READY;
}

/* An entry. */
static regrow_next todo_cast(regrow_context *context, void *state, const regrow_term *entry)
{
    struct todo *todo = state;
    todo->entries = regrow_cons(regrow_term_clone(entry), todo->entries);
    return REGROW_NOREPLY;
}

/* A date: the answer is a list of the entries of that day, the first added first. */
static regrow_next todo_call(regrow_context *context, void *state, const regrow_term *date)
{
    const struct todo *todo = state;
    regrow_term found = regrow_nil();
    for (const regrow_term *rest = &todo->entries; regrow_list_head(rest); rest = regrow_list_tail(rest))
        if (regrow_term_equal(regrow_tuple_get(regrow_list_head(rest), 0), date))
            found = regrow_cons(regrow_term_clone(regrow_list_head(rest)), found);
    return regrow_reply(context, found);
}

static void todo_drop(void *state)
{
    struct todo *todo = state;
    regrow_term_free(&todo->entries);
    free(todo);
}

/* ---- TodoCache ---- */

/* Good as long as the key, {todo_server, Name}. */
static regrow_address list_address(const regrow_term *key)
{
    return (regrow_address){ .size = sizeof(regrow_address), .runtime = root, .registry_name = "Registry", .key = key };
}

static regrow_term list_key(const char *name)
{
    return TUPLE(regrow_atom("todo_server"), regrow_text(name));
}

/* The server of that list. Of many who ask at once one starts it; the others are told who that is. */
static regrow_error server_process(const char *name, regrow_pid *pid)
{
    regrow_term key = list_key(name), arg = regrow_text(name);
    regrow_address address = list_address(&key);
    regrow_server_spec server = { .size = sizeof server, .init = todo_init, .handle_call = todo_call,
                                  .handle_cast = todo_cast, .drop = todo_drop, .arg = &arg };
    regrow_child_spec child = { .size = sizeof child, .id = name, .kind = REGROW_SERVER, .spec = &server,
                                .restart = REGROW_TEMPORARY, .via = &address };
    regrow_error error = regrow_supervisor_start_child(cache, &child, pid);
    if (error == REGROW_ERR_EXISTS && last_reason_names("already_started", pid))
        error = REGROW_OK;
    regrow_term_free(&key);
    regrow_term_free(&arg);
    return error;
}

static regrow_pid server_of(const char *name)
{
    regrow_pid pid = { 0 };
    MUST(server_process(name, &pid));
    return pid;
}

/* ---- its functions, which take a name ---- */

/* To a server that is there for certain: a cast to whoever may have the name would be lost when nobody has. */
static void add_entry(const char *name, const char *date, const char *title)
{
    MUST(regrow_cast(server_of(name), TUPLE(regrow_text(date), regrow_text(title))));
}

static void print_entries(const char *name, const char *date)
{
    regrow_term entries;
    MUST(regrow_call(server_of(name), regrow_text(date), 5000, &entries));
    printf("   %s on %s:", name, date);
    for (const regrow_term *rest = &entries; regrow_list_head(rest); rest = regrow_list_tail(rest))
        printf(" %s;", text_at(regrow_list_head(rest), 1));
    printf("%s\n", regrow_is_nil(&entries) ? " nothing" : "");
    regrow_term_free(&entries);
}

/* ---- many at once ---- */

/* A task: the pid of the server that it got. */
static regrow_next visit(regrow_context *context, void *user, const regrow_term *argument, regrow_term *value)
{
    regrow_pid pid;
    if (server_process(user, &pid))
        return regrow_stop_self(context, regrow_atom("no_server"));
    *value = regrow_from_pid(pid);
    return REGROW_DONE;
}

static void visit_together(const char *name)
{
    regrow_task_spec spec = { .size = sizeof spec, .run = visit, .user = (void *)name };
    regrow_task tasks[VISITORS];
    regrow_term pids;
    int different = 0, before = atomic_load(&starts);
    for (int at = 0; at < VISITORS; at++)
        MUST(regrow_task_async(&spec, &tasks[at]));
    MUST(regrow_task_await_many(tasks, VISITORS, REGROW_INFINITY, &pids));
    for (const regrow_term *rest = &pids; regrow_list_head(rest); rest = regrow_list_tail(rest))
        different += !regrow_term_equal(regrow_list_head(rest), regrow_list_head(&pids));
    printf("   %d asked, %d started, %d got another pid than the first\n", VISITORS, atomic_load(&starts) - before,
           different);
    regrow_term_free(&pids);
}

int main(void)
{
    regrow_registry_spec registry = { .size = sizeof registry, .keys = REGROW_UNIQUE };
    regrow_dynamic_supervisor_spec todo_cache = { .size = sizeof todo_cache };
    regrow_child_spec children[] = {
        { .size = sizeof *children, .id = "Registry", .kind = REGROW_REGISTRY, .spec = &registry, .name = "Registry" },
        { .size = sizeof *children, .id = "TodoCache", .kind = REGROW_DYNAMIC_SUPERVISOR, .spec = &todo_cache,
          .name = "TodoCache" },
    };
    regrow_supervisor_spec system = { .size = sizeof system, .strategy = REGROW_ONE_FOR_ONE, .children = children,
                                      .child_count = LENGTH(children) };
    begin();
    start_tree("TodoSystem", REGROW_SUPERVISOR, &system);
    cache = whereis("TodoCache");

    printf("1. Bob and Alice have lists of their own.\n");
    regrow_pid bob = server_of("Bob's list");
    add_entry("Bob's list", "2026-01-22", "Dentist");
    regrow_pid alice = server_of("Alice's list");
    add_entry("Alice's list", "2026-01-22", "Meeting");
    add_entry("Alice's list", "2026-01-23", "Train");
    add_entry("Alice's list", "2026-01-22", "Dinner");
    printf("   different processes: %s\n", yes_or_no(!same(bob, alice)));
    print_entries("Bob's list", "2026-01-22");
    print_entries("Alice's list", "2026-01-22");

    printf("2. Bob's server is killed. Nobody starts it again ...\n");
    kill_and_wait(bob);
    settle();
    regrow_term key = list_key("Bob's list");
    regrow_address address = list_address(&key);
    printf("   children: %" PRIu64 "; a cast to his list's key: %s\n", count_children(cache).active,
           regrow_error_name(regrow_cast_at(&address, regrow_atom("lost"))));
    regrow_term_free(&key);
    printf("   Alice's is the same: %s\n", yes_or_no(same(alice, server_of("Alice's list"))));
    print_entries("Alice's list", "2026-01-22");

    printf("3. ... before it is asked for. His entries were in its memory.\n");
    printf("   a new process: %s\n", yes_or_no(!same(bob, server_of("Bob's list"))));
    print_entries("Bob's list", "2026-01-22");
    add_entry("Bob's list", "2026-01-22", "Dentist, again");
    print_entries("Bob's list", "2026-01-22");

    printf("4. Many ask for a new list at once.\n");
    visit_together("x");
    return finish();
}
