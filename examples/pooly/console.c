/* The lines of the exercise as they are typed at Elixir's console, and what they give here. */
#include "pooly.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define TUPLE(...) \
    regrow_tuple((regrow_term[]){ __VA_ARGS__ }, sizeof((regrow_term[]){ __VA_ARGS__ }) / sizeof(regrow_term))

/* ---- six lines of a worker supervisor ---- */

static regrow_pid start_worker(regrow_pid supervisor)
{
    /* One more argument, [], for the worker's init: `[[]]`. */
    regrow_term nothing = regrow_nil(), arguments = regrow_list(&nothing, 1);
    regrow_pid worker;
    must(regrow_supervisor_start_instance(supervisor, &arguments, &worker), "start_child");
    regrow_term_free(&arguments);
    printf("Supervisor.start_child(worker_sup, [[]])\n  {:ok, %s}\n", show_pid(worker));
    return worker;
}

static void print_children(regrow_pid supervisor)
{
    regrow_term children;
    must(regrow_supervisor_which_children(supervisor, &children), "which_children");
    printf("Supervisor.which_children(worker_sup)\n  %s\n", show(&children));
    regrow_term_free(&children);
}

static void print_count(regrow_pid supervisor)
{
    regrow_child_count count = { .size = sizeof count };
    must(regrow_supervisor_count_children(supervisor, &count), "count_children");
    printf("Supervisor.count_children(worker_sup)\n  active: %" PRIu64 ", specs: %" PRIu64 ", supervisors: %" PRIu64
           ", workers: %" PRIu64 "\n", count.active, count.specs, count.supervisors, count.workers);
}

/* A DOWN without its Ref and its pid. */
static void print_down(void)
{
    regrow_term down;
    must(regrow_receive(0, &down), "receive");
    printf("  {:DOWN, ref, :process, pid, %s}\n", show(regrow_tuple_get(&down, 4)));
    regrow_term_free(&down);
}

void console_workers(regrow_pid root)
{
    struct worker_supervisor spec;
    regrow_pid supervisor, worker;
    regrow_ref monitor;
    worker_supervisor_spec(&spec, REGROW_PERMANENT);
    must(regrow_start_link(&spec.child, &supervisor), "start_link");
    printf("{:ok, worker_sup} = Pooly.WorkerSupervisor.start_link({SampleWorker, :start_link, []})\n");
    start_worker(supervisor);
    print_children(supervisor);
    print_count(supervisor);
    worker = start_worker(supervisor);
    must(regrow_monitor(worker, &monitor), "monitor");
    must(sample_worker_stop(worker), "stop");
    printf("SampleWorker.stop(worker_pid)\n  :ok\n");
    must(regrow_settle(root, REGROW_INFINITY, NULL), "settle");
    print_down();
    print_children(supervisor); /* the stopped one is permanent: another is there in its place */
    print_count(supervisor);
}

/* ---- the lines of a table ---- */

static regrow_table new_table(const char *options, const char *name, uint32_t access)
{
    regrow_table_spec spec = { .size = sizeof spec, .name = name, .kind = REGROW_SET, .access = access };
    regrow_table table;
    must(regrow_table_new(&spec, &table), "table_new");
    printf(":ets.new(:mum_faves, [%s])\n  %s\n", options, name ? ":mum_faves" : "#Reference");
    return table;
}

static void insert(regrow_table table, const char *name, int64_t year, const char *genre)
{
    must(regrow_table_insert(table, TUPLE(regrow_text(name), regrow_int(year), regrow_text(genre))), "insert");
    printf(":ets.insert(:mum_faves, {\"%s\", %" PRId64 ", \"%s\"})\n  true\n", name, year, genre);
}

static int compare(const void *left, const void *right)
{
    return regrow_term_compare(left, right);
}

/* A set has no order that one may rely on, so its objects are shown sorted. The list is freed. */
static void print_sorted(const char *line, regrow_term list)
{
    regrow_term items[10];
    size_t length = 0;
    for (const regrow_term *rest = &list; !regrow_is_nil(rest) && length < 10; rest = regrow_list_tail(rest))
        items[length++] = regrow_term_clone(regrow_list_head(rest));
    qsort(items, length, sizeof *items, compare);
    regrow_term sorted = regrow_list(items, length);
    printf("%s\n  %s\n", line, show(&sorted));
    regrow_term_free(&sorted);
    regrow_term_free(&list);
}

static void print_match(regrow_table table, const char *line, regrow_term pattern)
{
    regrow_term results;
    must(regrow_table_match(table, &pattern, &results), "match");
    print_sorted(line, results);
    regrow_term_free(&pattern);
}

/* What another process gets for asking a table by its name. */
static regrow_next stranger(regrow_context *context, void *user)
{
    regrow_term key = regrow_text("Bodyslam"), objects;
    regrow_table table;
    regrow_pid self, *asker = user;
    regrow_error error = regrow_self(&self);
    if (!error)
        error = regrow_table_whereis(self, "mum_faves", &table);
    if (!error)
        error = regrow_table_lookup(table, &key, &objects);
    if (!error)
        regrow_term_free(&objects);
    regrow_term_free(&key);
    regrow_send(*asker, regrow_text(regrow_error_name(error)));
    return REGROW_DONE;
}

void console_table(regrow_pid root)
{
    regrow_term objects, key;
    regrow_pid self;
    new_table("", NULL, REGROW_PROTECTED);
    new_table(":set", NULL, REGROW_PROTECTED);
    new_table(":set, :private", NULL, REGROW_PRIVATE);
    regrow_table table = new_table(":set, :private, :named_table", "mum_faves", REGROW_PRIVATE);
    insert(table, "Bodyslam", 2025, "Rock");
    insert(table, "Oat Pramote", 2025, "Pop");
    insert(table, "GOT7", 2025, "Pop");
    insert(table, "Silly fool", 2025, "Rock");
    insert(table, "Potato", 2025, "Rock");
    must(regrow_table_to_list(table, &objects), "tab2list");
    print_sorted(":ets.tab2list(:mum_faves)", objects);
    key = regrow_text("GOT7");
    must(regrow_table_delete_key(table, &key), "delete");
    printf(":ets.delete(:mum_faves, \"GOT7\")\n  true\n");
    regrow_term_free(&key);
    key = regrow_text("Bodyslam");
    must(regrow_table_lookup(table, &key, &objects), "lookup");
    print_sorted(":ets.lookup(:mum_faves, \"Bodyslam\")", objects);
    regrow_term_free(&key);
    print_match(table, ":ets.match(:mum_faves, {:\"$1\", 2025, :\"$2\"})",
                TUPLE(regrow_atom("$1"), regrow_int(2025), regrow_atom("$2")));
    print_match(table, ":ets.match(:mum_faves, {:\"$2\", 2025, :\"$1\"})",
                TUPLE(regrow_atom("$2"), regrow_int(2025), regrow_atom("$1")));
    print_match(table, ":ets.match(:mum_faves, {:\"$1\", 2025, :_})",
                TUPLE(regrow_atom("$1"), regrow_int(2025), regrow_atom("_")));

    must(regrow_self(&self), "self");
    regrow_process_spec other = { .size = sizeof other, .body = stranger, .user = &self };
    regrow_term answer;
    const char *text = "";
    must(regrow_spawn(root, &other, NULL), "spawn");
    must(regrow_receive(REGROW_INFINITY, &answer), "receive");
    regrow_as_text(&answer, &text);
    printf("the same lookup by another process, since the table is private\n  %s\n", text);
    regrow_term_free(&answer);
}

/* ---- monitor and flush ---- */

static regrow_next sleep_and_boom(regrow_context *context, void *user)
{
    regrow_sleep(2000);
    return regrow_stop_self(context, regrow_atom("boom"));
}

void console_monitor(regrow_pid root)
{
    regrow_process_spec spec = { .size = sizeof spec, .body = sleep_and_boom };
    regrow_pid pid;
    regrow_ref monitor;
    regrow_term nothing;
    must(regrow_spawn(root, &spec, &pid), "spawn");
    must(regrow_monitor(pid, &monitor), "monitor");
    printf("pid = spawn(fn -> :timer.sleep(2000); exit(:boom) end)\nref = Process.monitor(pid)\n");
    must(regrow_advance(root, 1999), "advance");
    printf("flush() after 1999 ms\n");
    if (regrow_receive(0, &nothing) != REGROW_ERR_TIMEOUT)
        must(REGROW_ERR_EXISTS, "a message came too early");
    must(regrow_advance(root, 1), "advance");
    printf("flush() after 2000 ms\n");
    print_down();
}
