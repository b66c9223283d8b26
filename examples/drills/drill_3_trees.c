/* Drill 3: how far an error goes is decided by the tree. Each answer below is read off the pids.
 *
 *     System               supervisor, one_for_one
 *     |- Registry          where the database's workers are
 *     |- Database          supervisor, one_for_one
 *     |  |- 1, 2, 3        servers, registered as {db_worker, N}
 *     |- Cache             server
 *     `- API               server
 */
#include "drill.h"

static const char *const names[] = { "System",   "Registry", "Database", "Worker1",
                                     "Worker2", "Worker3",  "Cache",    "API" };
enum { DATABASE_SIZE = 3 };

/* ---- the tree ---- */

/* A component that only is there. */
static const regrow_server_spec server = { .size = sizeof server };
static const regrow_registry_spec registry = { .size = sizeof registry, .keys = REGROW_UNIQUE };

/* As ids and names are the same everywhere here; the id is an atom, which reads well in reasons. */
static regrow_child_spec component(const char *name, regrow_term *id, uint32_t kind, const void *spec)
{
    *id = regrow_atom(name);
    return (regrow_child_spec){ .size = sizeof(regrow_child_spec), .id_term = id, .name = name, .kind = kind,
                                .spec = spec };
}

/* The database's workers register as {db_worker, N}, so there must be a registry when they start. */
struct workers {
    regrow_term ids[DATABASE_SIZE], keys[DATABASE_SIZE];
    regrow_address addresses[DATABASE_SIZE];
    regrow_child_spec children[DATABASE_SIZE];
};

static void make_workers(struct workers *workers)
{
    for (int at = 0; at < DATABASE_SIZE; at++) {
        workers->keys[at] = numbered("db_worker", at + 1);
        workers->addresses[at] = (regrow_address){ .size = sizeof(regrow_address), .runtime = root,
                                                   .registry_name = "Registry", .key = &workers->keys[at] };
        workers->children[at] = component(names[3 + at], &workers->ids[at], REGROW_SERVER, &server);
        workers->children[at].via = &workers->addresses[at];
    }
}

static void free_workers(struct workers *workers)
{
    for (int at = 0; at < DATABASE_SIZE; at++)
        regrow_term_free(&workers->keys[at]);
}

static regrow_error start_system(const regrow_child_spec *children, size_t count)
{
    regrow_supervisor_spec spec = { .size = sizeof spec, .strategy = REGROW_ONE_FOR_ONE, .children = children,
                                    .child_count = count };
    regrow_term id;
    regrow_child_spec system = component("System", &id, REGROW_SUPERVISOR, &spec);
    system.restart = REGROW_TEMPORARY;
    return regrow_supervisor_start_child(root, &system, NULL);
}

static void stop_system(void)
{
    regrow_term system = regrow_atom("System");
    MUST(regrow_supervisor_terminate_child(root, &system));
}

/* ---- looking at it ---- */

/* Children are told the last started first; drawn they are in the order of their start. */
static void draw(regrow_pid supervisor, int depth)
{
    regrow_term children;
    size_t count;
    MUST(regrow_supervisor_which_children(supervisor, &children));
    regrow_list_length(&children, &count);
    for (size_t place = count; place-- > 0;) {
        const regrow_term *rest = &children;
        for (size_t skipped = 0; skipped < place; skipped++)
            rest = regrow_list_tail(rest);
        const regrow_term *child = regrow_list_head(rest);
        regrow_pid pid;
        printf("   %*s", 3 * depth, "");
        print_term(regrow_tuple_get(child, 0));
        printf(", ");
        print_term(regrow_tuple_get(child, 3));
        printf("\n");
        if (regrow_is_atom(regrow_tuple_get(child, 2), "supervisor") && regrow_as_pid(regrow_tuple_get(child, 1), &pid))
            draw(pid, depth + 1);
    }
    regrow_term_free(&children);
}

static void look(regrow_pid *pids)
{
    for (size_t at = 0; at < LENGTH(names); at++)
        pids[at] = whereis(names[at]);
}

/* Kills who has that name, so many times, and tells who has another pid than before, and who has none. */
static void crash(const char *name, int times)
{
    regrow_pid before[LENGTH(names)], after[LENGTH(names)];
    advance(10000); /* earlier restarts do not count any more */
    look(before);
    for (int time = 0; time < times; time++) {
        kill_and_wait(whereis(name));
        settle();
    }
    look(after);
    printf("   %s is killed %s:", name, times == 1 ? "once" : "four times");
    for (size_t at = 0; at < LENGTH(names); at++)
        if (!same(before[at], after[at]))
            printf(" %s %s,", after[at].id ? "new" : "no", names[at]);
    printf(" all else as before\n");
}

int main(void)
{
    struct workers workers;
    regrow_term ids[4];
    begin();
    make_workers(&workers);
    regrow_supervisor_spec pool = { .size = sizeof pool, .strategy = REGROW_ONE_FOR_ONE,
                                    .children = workers.children, .child_count = DATABASE_SIZE };
    regrow_child_spec database = component("Database", &ids[0], REGROW_SUPERVISOR, &pool);
    regrow_child_spec find = component("Registry", &ids[1], REGROW_REGISTRY, &registry);
    regrow_child_spec cache = component("Cache", &ids[2], REGROW_SERVER, &server);
    regrow_child_spec api = component("API", &ids[3], REGROW_SERVER, &server);

    printf("1. The tree:\n");
    MUST(start_system((regrow_child_spec[]){ find, database, cache, api }, 4));
    printf("   System\n");
    draw(whereis("System"), 1);

    printf("2. A database worker crashes:\n");
    crash("Worker2", 1);
    printf("3. The database crashes:\n");
    crash("Database", 1);
    printf("4. The cache crashes:\n");
    crash("Cache", 1);
    stop_system();

    printf("5. The registry before the database, because the other way round the workers find none:\n");
    regrow_error error = start_system((regrow_child_spec[]){ database, find, cache, api }, 4);
    printf("   %s\n   ", regrow_error_name(error));
    print_last_reason();
    printf("\n");

    printf("6. A supervisor of its own for the database: what is too much for it is one restart for the system.\n");
    MUST(start_system((regrow_child_spec[]){ find, database, cache, api }, 4));
    crash("Worker1", 4);
    stop_system();
    printf("   With the workers directly under the system it is the system's end:\n");
    MUST(start_system((regrow_child_spec[]){ find, workers.children[0], workers.children[1], workers.children[2],
                                             cache, api }, 6));
    crash("Worker1", 4);

    free_workers(&workers);
    return finish();
}
