/* Processes come, are named, register, write to each other and crash, again and again: nothing of this program grows.
 *
 * Some hundred rounds; REGROW_CHURN_SECONDS=600 has it go on for ten minutes. The most memory, file descriptors and
 * threads that there were in the last third of that time are compared with those of the first. */
#include "support.h"
#include <dirent.h>
#include <unistd.h>

enum { CROWD = KEEPS_FREED_MEMORY ? 100 : 1000, CHILDREN = 20, MORE = 16 << 20 };

static regrow_pid registry, groups, supervisor;

static size_t resident(void)
{
    size_t pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file && fscanf(file, "%*u %zu", &pages) == 1);
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static size_t entries(const char *folder)
{
    size_t count = 0;
    DIR *open = opendir(folder);
    CHECK(open);
    for (struct dirent *entry; (entry = readdir(open));)
        count += entry->d_name[0] != '.';
    closedir(open);
    return count;
}

/* ---- a life ---- */

/* Has something of everything; then it does as it is told. {die, How}: itself. Anything else: it answers. */
static regrow_next live(regrow_context *context, void *user)
{
    int64_t number = (int64_t)(size_t)user;
    regrow_pid me;
    regrow_ref timer;
    regrow_term message, name = pair("churn", regrow_int(number));
    CHECK_OK(regrow_self(&me));
    CHECK_OK(regrow_register_term(me, regrow_term_clone(&name)));
    CHECK_OK(regrow_registry_register(registry, regrow_term_clone(&name), me, regrow_text("a value of some length, not inside")));
    CHECK_OK(regrow_group_join(groups, &name, me));
    CHECK_OK(regrow_pubsub_subscribe(groups, "all", me, NULL));
    CHECK_OK(regrow_send_after(me, 1000000, regrow_nil(), &timer));
    if (number % 8 == 0) {
        regrow_table_spec spec = { .size = sizeof spec };
        regrow_table table;
        CHECK_OK(regrow_table_new(&spec, &table));
        CHECK_OK(regrow_table_insert(table, pair("row", regrow_term_clone(&name))));
    }
    regrow_term_free(&name);
    for (;;) {
        if (regrow_receive(REGROW_INFINITY, &message))
            return REGROW_DONE;
        bool dies = regrow_is_tuple(&message) && regrow_is_atom(regrow_tuple_get(&message, 0), "die");
        regrow_term_free(&message);
        if (dies)
            return number % 2 ? regrow_stop_self(context, regrow_atom("boom")) : REGROW_DONE;
    }
}

static bool is_down(void *user, const regrow_term *message)
{
    return regrow_is_tuple(message) && regrow_is_atom(regrow_tuple_get(message, 0), "DOWN");
}

static void lives_begin_and_end(void)
{
    static regrow_pid pids[CROWD];
    static regrow_ref monitors[CROWD];
    for (size_t at = 0; at < CROWD; at++)
        pids[at] = spawn_monitor(live, (void *)at, &monitors[at]);
    for (size_t at = 0; at < CROWD; at++)
        for (int message = 0; message < 5; message++)
            CHECK_OK(regrow_send(pids[at], regrow_text("a text that is too long to lie in its term")));
    /* From now on they have everything, and wait. */
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    CHECK_OK(regrow_pubsub_broadcast(groups, "all", regrow_text("a text that is too long to lie in its term")));
    for (size_t at = 0; at < CROWD; at++)
        if (at % 3)
            CHECK_OK(regrow_send(pids[at], pair("die", regrow_nil())));
        else
            CHECK_OK(regrow_exit(pids[at], regrow_atom(at % 2 ? "kill" : "bang")));
    for (size_t at = 0; at < CROWD; at++) {
        regrow_term down;
        CHECK_OK(regrow_receive_match(is_down, NULL, LONG_MS, &down));
        regrow_term_free(&down);
    }
}

/* ---- servers that crash, and are called meanwhile ---- */

static regrow_next take_memory(regrow_context *context, void *user, const regrow_term *arg, void **state)
{
    *state = malloc(100);
    return *state ? REGROW_READY : regrow_stop_self(context, regrow_atom("no_memory"));
}

static regrow_next crash_or_answer(regrow_context *context, void *state, const regrow_term *request)
{
    return regrow_is_atom(request, "crash") ? regrow_stop_self(context, regrow_atom("crash"))
                                            : regrow_reply(context, regrow_term_clone(request));
}

static void children_crash(void)
{
    regrow_server_spec server = { .size = sizeof server, .init = take_memory, .handle_call = crash_or_answer, .drop = free };
    regrow_child_spec how = child(REGROW_SERVER, &server);
    regrow_request *requests[CHILDREN];
    regrow_pid pids[CHILDREN];
    regrow_term list;
    size_t left;
    how.id = "child";
    for (int at = 0; at < CHILDREN; at++)
        CHECK_OK(regrow_supervisor_start_child(supervisor, &how, &pids[at]));
    for (int at = 0; at < CHILDREN; at++)
        CHECK_OK(regrow_call_async(pids[at], regrow_atom(at % 2 ? "crash" : "hello"), LONG_MS, &requests[at]));
    for (int at = 0; at < CHILDREN; at++) {
        regrow_term result;
        regrow_error error = regrow_request_wait(requests[at], LONG_MS, &result);
        CHECK(error == (at % 2 ? REGROW_ERR_EXITED : REGROW_OK));
        if (!error)
            regrow_term_free(&result);
        regrow_request_free(requests[at]);
    }
    /* Those that crashed are there again, with other pids. */
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    CHECK_OK(regrow_supervisor_which_children(supervisor, &list));
    CHECK(regrow_list_length(&list, &left) && left == CHILDREN);
    for (const regrow_term *rest = &list; regrow_list_head(rest); rest = regrow_list_tail(rest))
        CHECK_OK(regrow_supervisor_terminate_child(supervisor, regrow_tuple_get(regrow_list_head(rest), 1)));
    regrow_term_free(&list);
}

/* ---- threads that come and go ---- */

static void *visit(void *user)
{
    regrow_pid me;
    regrow_term message;
    int32_t descriptor;
    CHECK_OK(regrow_enter(root, &me));
    CHECK_OK(regrow_thread_fd(&descriptor));
    for (int at = 0; at < 300; at++)
        CHECK_OK(regrow_send(me, regrow_text("a text that is too long to lie in its term")));
    for (int at = 0; at < 200; at++) {
        CHECK_OK(regrow_receive(LONG_MS, &message));
        regrow_term_free(&message);
    }
    CHECK_OK(regrow_leave());
    return NULL;
}

static void threads_visit(void)
{
    pthread_t threads[2];
    for (int at = 0; at < 2; at++)
        CHECK(pthread_create(&threads[at], NULL, visit, NULL) == 0);
    for (int at = 0; at < 2; at++)
        CHECK(pthread_join(threads[at], NULL) == 0);
    regrow_process_spec apart = process(end_at_once, NULL);
    regrow_ref monitor;
    apart.home = REGROW_THREAD;
    CHECK_OK(regrow_spawn_monitor(&apart, NULL, &monitor));
    CHECK_DOWN("normal", monitor);
}

/* ---- */

typedef struct most {
    size_t memory;
    size_t descriptors;
    uint64_t processes;
} most;

static void look(most *most)
{
    size_t memory = resident(), descriptors = entries("/proc/self/fd");
    uint64_t processes = stats().processes;
    most->memory = memory > most->memory ? memory : most->memory;
    most->descriptors = descriptors > most->descriptors ? descriptors : most->descriptors;
    most->processes = processes > most->processes ? processes : most->processes;
}

/* Which third of the whole it is: by time if there is one, else by rounds. */
static size_t third(size_t round, size_t all, uint64_t begin, uint64_t ms)
{
    return ms ? (size_t)((real_ms() - begin) * 3 / ms) : round * 3 / all;
}

static void nothing_grows(void)
{
    const char *seconds = getenv("REGROW_CHURN_SECONDS");
    uint64_t begin = real_ms(), ms = seconds ? strtoull(seconds, NULL, 10) * 1000 : 0;
    size_t all = rounds(KEEPS_FREED_MEMORY ? 20 : 90), round = 0, part;
    size_t threads = entries("/proc/self/task");
    most thirds[3] = { 0 };
    for (; (part = third(round, all, begin, ms)) < 3; round++) {
        lives_begin_and_end();
        children_crash();
        threads_visit();
        CHECK_OK(regrow_settle(root, LONG_MS, NULL));
        look(&thirds[part]);
    }
    for (part = 0; part < 3; part++)
        printf("  %zu KiB, %zu descriptors\n", thirds[part].memory >> 10, thirds[part].descriptors);
    printf("  %zu rounds of %d lives, %d crashes in %d children\n", round, CROWD, CHILDREN / 2, CHILDREN);
    fflush(stdout);
    size_t left, base = thirds[0].memory;
    CHECK(thirds[2].memory <= base + base / 10 + MORE || KEEPS_FREED_MEMORY);
    /* The watch thread may just be reading how its workers are. */
    CHECK(thirds[2].descriptors <= thirds[0].descriptors + 2);
    CHECK(thirds[2].processes <= thirds[0].processes);
    CHECK_OK(regrow_registry_count(registry, &left));
    CHECK(left == 0);
    CHECK_OK(regrow_pubsub_subscriber_count(groups, "all", &left));
    CHECK(left == 0);
    /* Spares that came for those that were stuck go again. */
    EVENTUALLY(entries("/proc/self/task") <= threads && stats().ghosts == 0);
}

int main(void)
{
    regrow_registry_spec registry_spec = { .size = sizeof registry_spec };
    regrow_pubsub_spec pubsub_spec = { .size = sizeof pubsub_spec };
    regrow_dynamic_supervisor_spec supervisor_spec = { .size = sizeof supervisor_spec, .max_restarts = 1000000,
                                                       .period_ms = 1 };
    open_runtime((regrow_options){ .workers = 2 });
    regrow_child_spec how = child(REGROW_REGISTRY, &registry_spec);
    CHECK_OK(regrow_start(root, &how, &registry));
    how = child(REGROW_PUBSUB, &pubsub_spec);
    CHECK_OK(regrow_start(root, &how, &groups));
    how = child(REGROW_DYNAMIC_SUPERVISOR, &supervisor_spec);
    CHECK_OK(regrow_start(root, &how, &supervisor));
    RUN(nothing_grows);
    close_runtime();
    return 0;
}
