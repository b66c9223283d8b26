/* What a template's instances are, kind by kind, when they get one more argument; and supervisors whose init makes their
 * children from it, as OTP's init/1 does. */
#include "support.h"

/* ---- what each kind makes of an argument ---- */

static char seen[200];
static atomic_int drops;

static void count_drop(void *user)
{
    atomic_fetch_add(&drops, 1);
}

static void see(const regrow_term *argument)
{
    size_t length = strlen(seen);
    if (length)
        seen[length++] = ' ';
    regrow_term_print(argument, seen + length, sizeof seen - length);
}

static void settle(void)
{
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
}

static regrow_next server_init(regrow_context *context, void *user, const regrow_term *arg, void **state)
{
    see(arg);
    return REGROW_READY;
}

static regrow_next agent_init(regrow_context *context, void *user, const regrow_term *initial, regrow_term *next,
                              regrow_term *reply)
{
    see(initial);
    return REGROW_DONE;
}

static regrow_next task_run(regrow_context *context, void *user, const regrow_term *argument, regrow_term *value)
{
    see(argument);
    return wait_for_the_end(context, user);
}

static regrow_next supervisor_init(regrow_context *context, void *user, const regrow_term *arg,
                                   regrow_children *children)
{
    see(arg);
    return REGROW_READY;
}

static void deliver(void *user, regrow_pid pid, const regrow_term *message, regrow_caller caller)
{
}

/* All structs that a template may be, each with something to be given back where it has that. */
static regrow_server_spec server = { .size = sizeof server, .init = server_init, .user = &drops,
                                     .drop_user = count_drop };
static regrow_agent_spec agent = { .size = sizeof agent, .init = agent_init, .user = &drops, .drop_user = count_drop };
static regrow_agent_spec plain_agent = { .size = sizeof plain_agent };
static regrow_task_spec task = { .size = sizeof task, .run = task_run, .user = &drops, .drop_user = count_drop };
static regrow_supervisor_spec supervisor = { .size = sizeof supervisor, .init = supervisor_init, .user = &drops,
                                             .drop_user = count_drop };
static regrow_supervisor_spec plain_supervisor = { .size = sizeof plain_supervisor };
static regrow_dynamic_supervisor_spec dynamic = { .size = sizeof dynamic, .init = supervisor_init, .user = &drops,
                                                  .drop_user = count_drop };
static regrow_dynamic_supervisor_spec plain_dynamic = { .size = sizeof plain_dynamic };
static regrow_process_spec body = { .size = sizeof body, .body = wait_for_the_end };
static regrow_host_spec host = { .size = sizeof host, .deliver = deliver };
static regrow_registry_spec registry = { .size = sizeof registry };
static regrow_pubsub_spec pubsub = { .size = sizeof pubsub };
static regrow_task_supervisor_spec tasks = { .size = sizeof tasks };
static regrow_child_spec server_partition = { .size = sizeof server_partition, .kind = REGROW_SERVER, .spec = &server };
static regrow_child_spec body_partition = { .size = sizeof body_partition, .kind = REGROW_PROCESS, .spec = &body };
static regrow_partition_supervisor_spec partitions = { .size = sizeof partitions, .child = &server_partition,
                                                       .partitions = 2, .flags = REGROW_WITH_NUMBER };
static regrow_partition_supervisor_spec plain_partitions = { .size = sizeof plain_partitions,
                                                             .child = &body_partition, .partitions = 2 };

static regrow_pid start_template(uint32_t kind, const void *spec)
{
    regrow_child_spec template = child(kind, spec);
    regrow_supervisor_spec simple = { .size = sizeof simple, .strategy = REGROW_SIMPLE_ONE_FOR_ONE,
                                      .children = &template, .child_count = 1 };
    regrow_child_spec how = child(REGROW_SUPERVISOR, &simple);
    regrow_pid pid;
    template.id = "template";
    CHECK_OK(regrow_start(root, &how, &pid));
    return pid;
}

static void each_kind_takes_one_more_argument_or_says_that_it_does_not(void)
{
    regrow_term first = regrow_cons(regrow_int(1), regrow_nil());
    server.arg = agent.initial = task.argument = supervisor.arg = dynamic.arg = &first;
    const struct { uint32_t kind; const void *spec; const char *with, *without; int drops; } table[] = {
        { REGROW_SERVER, &server, "[1,5]", "[1]", 1 },
        { REGROW_AGENT, &agent, "[1,5]", "[1]", 1 },
        { REGROW_TASK, &task, "[1,5]", "[1]", 1 },
        { REGROW_SUPERVISOR, &supervisor, "[1,5]", "[1]", 1 },
        { REGROW_DYNAMIC_SUPERVISOR, &dynamic, "[1,5]", "[1]", 1 },
        { REGROW_PARTITION_SUPERVISOR, &partitions, "[1,5,0] [1,5,1]", "[1,0] [1,1]", 1 },
        { REGROW_AGENT, &plain_agent, NULL, "", 0 },
        { REGROW_SUPERVISOR, &plain_supervisor, NULL, "", 0 },
        { REGROW_DYNAMIC_SUPERVISOR, &plain_dynamic, NULL, "", 0 },
        { REGROW_PARTITION_SUPERVISOR, &plain_partitions, NULL, "", 0 },
        { REGROW_PROCESS, &body, NULL, "", 0 },
        { REGROW_HOST, &host, NULL, "", 0 },
        { REGROW_REGISTRY, &registry, NULL, "", 0 },
        { REGROW_PUBSUB, &pubsub, NULL, "", 0 },
        { REGROW_TASK_SUPERVISOR, &tasks, NULL, "", 0 },
    };
    regrow_term five = regrow_int(5), none = regrow_nil();
    for (size_t row = 0; row < sizeof table / sizeof *table; row++) {
        drops = 0;
        regrow_pid simple = start_template(table[row].kind, table[row].spec), pid;
        regrow_child_count count = { .size = sizeof count };
        *seen = 0;
        if (table[row].with) {
            CHECK_OK(regrow_supervisor_start_instance(simple, &five, &pid));
            settle();
            CHECK(!strcmp(seen, table[row].with));
            /* A restart gets the same. */
            *seen = 0;
            if (table[row].kind != REGROW_TASK) {
                kill_and_wait(pid);
                settle();
                CHECK(!strcmp(seen, table[row].with));
            }
        } else {
            char text[256];
            CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_supervisor_start_instance(simple, &five, &pid));
            regrow_last_error(text, sizeof text);
            CHECK(strstr(text, "take an argument"));
        }
        CHECK_OK(regrow_supervisor_count_children(simple, &count));
        CHECK(count.active == (table[row].with != NULL));
        *seen = 0;
        CHECK_OK(regrow_supervisor_start_instance(simple, &none, &pid));
        settle();
        CHECK(!strcmp(seen, table[row].without));
        CHECK(drops == 0);
        CHECK_OK(regrow_stop(simple, regrow_atom("normal"), LONG_MS));
        EVENTUALLY(drops == table[row].drops);
    }
    regrow_term_free(&first);
}

/* ---- children made by an init ---- */

static regrow_next named_init(regrow_context *context, void *user, const regrow_term *arg, void **state)
{
    return REGROW_READY;
}

static regrow_next tell_argument(regrow_context *context, void *state, const regrow_term *request)
{
    return regrow_reply(context, regrow_text("I am here"));
}

/* A worker that goes by the name that is the argument, and is given back. */
static regrow_next make_worker(regrow_context *context, void *user, const regrow_term *arg, regrow_children *children)
{
    const char *name;
    CHECK(regrow_as_text(regrow_list_head(arg), &name));
    regrow_server_spec worker = { .size = sizeof worker, .init = named_init, .handle_call = tell_argument,
                                  .user = &drops, .drop_user = count_drop };
    regrow_child_spec how = child(REGROW_SERVER, &worker);
    how.id = how.name = name;
    CHECK_OK(regrow_sleep(0)); /* it may wait */
    CHECK_OK(regrow_children_add(children, &how));
    return REGROW_READY;
}

static void a_template_may_be_a_tree_made_from_the_argument(void)
{
    static const char *const names[] = { "app one", "app two", "app three" };
    regrow_supervisor_spec app = { .size = sizeof app, .init = make_worker };
    regrow_pid simple = start_template(REGROW_SUPERVISOR, &app), trees[3], worker, again;
    drops = 0;
    for (int at = 0; at < 3; at++) {
        regrow_term name = regrow_text(names[at]);
        CHECK_OK(regrow_supervisor_start_instance(simple, &name, &trees[at]));
        if (at == 0)
            CHECK_ERROR(REGROW_ERR_START, regrow_supervisor_start_instance(simple, &name, NULL));
        regrow_term_free(&name);
    }
    for (int at = 0; at < 3; at++) {
        CHECK_OK(regrow_whereis(root, names[at], &worker));
        /* A worker comes up again under its supervisor, and that one with all it had. */
        kill_and_wait(worker);
        settle();
        CHECK_OK(regrow_whereis(root, names[at], &again));
        CHECK(again.id != worker.id && regrow_is_alive(trees[at]));
        kill_and_wait(trees[at]);
        settle();
        CHECK_OK(regrow_whereis(root, names[at], &worker));
        CHECK(again.id != worker.id);
    }
    CHECK_OK(regrow_stop(simple, regrow_atom("normal"), LONG_MS));
    /* Three trees, started twice each, and one whose name was taken. */
    EVENTUALLY(drops == 7);
}

typedef struct making {
    const char *ids;
    const char *ends;
    bool spoils_one;
} making;

static regrow_next make_children(regrow_context *context, void *user, const regrow_term *arg,
                                 regrow_children *children)
{
    const making *making = user;
    regrow_process_spec worker = { .size = sizeof worker, .body = wait_for_the_end, .user = &drops,
                                   .drop_user = count_drop };
    for (const char *at = making->ids; *at; at++) {
        char id[2] = { *at, 0 };
        regrow_child_spec how = child(REGROW_PROCESS, &worker);
        how.id = id;
        CHECK_OK(regrow_children_add(children, &how));
        if (making->spoils_one) {
            how.restart = 99;
            CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_children_add(children, &how));
            CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_children_add(children, NULL));
            how.restart = 0;
            CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_children_add(NULL, &how));
        }
    }
    if (!making->ends)
        return REGROW_READY;
    return strcmp(making->ends, "ignore") ? regrow_stop_self(context, regrow_atom(making->ends)) : REGROW_IGNORE;
}

static void children_that_an_init_adds_stand_behind_those_of_the_spec(void)
{
    static const struct { making making; uint32_t strategy; regrow_error error; const char *told; int drops; } table[] = {
        { { "cd", NULL, false }, REGROW_ONE_FOR_ONE, REGROW_OK, "<<\"d\">> <<\"c\">> <<\"b\">> <<\"a\">>", 4 },
        { { "cd", NULL, true }, REGROW_REST_FOR_ONE, REGROW_OK, "<<\"d\">> <<\"c\">> <<\"b\">> <<\"a\">>", 8 },
        { { "cb", NULL, false }, REGROW_ONE_FOR_ONE, REGROW_ERR_START, "{start_spec,{duplicate_child_name,<<98>>}}", 4 },
        { { "cd", "ignore", false }, REGROW_ONE_FOR_ONE, REGROW_ERR_IGNORED, NULL, 4 },
        { { "cd", "no", false }, REGROW_ONE_FOR_ONE, REGROW_ERR_START, "no", 4 },
        { { "c", NULL, false }, REGROW_SIMPLE_ONE_FOR_ONE, REGROW_ERR_START, "{bad_start_spec,[<<97>>,<<98>>,<<99>>]}", 3 },
    };
    for (size_t row = 0; row < sizeof table / sizeof *table; row++) {
        regrow_process_spec worker = { .size = sizeof worker, .body = wait_for_the_end, .user = &drops,
                                       .drop_user = count_drop };
        regrow_child_spec children[2] = { child(REGROW_PROCESS, &worker), child(REGROW_PROCESS, &worker) };
        making making = table[row].making;
        regrow_supervisor_spec spec = { .size = sizeof spec, .strategy = table[row].strategy, .children = children,
                                        .child_count = 2, .init = make_children, .user = &making };
        regrow_child_spec how = child(REGROW_SUPERVISOR, &spec);
        regrow_pid pid;
        regrow_term list;
        children[0].id = "a";
        children[1].id = "b";
        drops = 0;
        CHECK_ERROR(table[row].error, regrow_start(root, &how, &pid));
        if (table[row].error == REGROW_OK) {
            char ids[100] = "";
            CHECK_OK(regrow_supervisor_which_children(pid, &list));
            for (const regrow_term *at = &list; !regrow_is_nil(at); at = regrow_list_tail(at)) {
                const char *id;
                CHECK(regrow_as_text(regrow_tuple_get(regrow_list_head(at), 0), &id));
                snprintf(ids + strlen(ids), sizeof ids - strlen(ids), "%s<<\"%s\">>", *ids ? " " : "", id);
            }
            regrow_term_free(&list);
            CHECK(!strcmp(ids, table[row].told));
            CHECK_OK(regrow_stop(pid, regrow_atom("normal"), LONG_MS));
        } else if (table[row].told) {
            CHECK_LAST_REASON(table[row].told);
        }
        EVENTUALLY(drops == table[row].drops);
    }
}

static void a_template_may_be_made_by_an_init(void)
{
    making making = { .ids = "t" };
    regrow_supervisor_spec spec = { .size = sizeof spec, .strategy = REGROW_SIMPLE_ONE_FOR_ONE, .init = make_children,
                                    .user = &making };
    regrow_child_spec how = child(REGROW_SUPERVISOR, &spec);
    regrow_term none = regrow_nil();
    regrow_pid pid, instance;
    drops = 0;
    CHECK_OK(regrow_start(root, &how, &pid));
    for (int at = 0; at < 3; at++)
        CHECK_OK(regrow_supervisor_start_instance(pid, &none, &instance));
    CHECK_OK(regrow_stop(pid, regrow_atom("normal"), LONG_MS));
    EVENTUALLY(drops == 1);
}

static regrow_next add_to_none(regrow_context *context, void *user, const regrow_term *arg, regrow_children *children)
{
    regrow_child_spec how = child(REGROW_REGISTRY, &registry);
    how.id = "registry";
    CHECK(children == NULL && regrow_is_nil(arg));
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_children_add(children, &how));
    return REGROW_READY;
}

static void a_dynamic_supervisors_init_has_no_children_to_add_to(void)
{
    regrow_dynamic_supervisor_spec spec = { .size = sizeof spec, .init = add_to_none };
    regrow_child_spec how = child(REGROW_DYNAMIC_SUPERVISOR, &spec);
    regrow_pid pid;
    CHECK_OK(regrow_start(root, &how, &pid));
    CHECK_OK(regrow_stop(pid, regrow_atom("normal"), LONG_MS));
}

int main(void)
{
    open_runtime((regrow_options){ .clock = REGROW_MANUAL, .workers = 2 });
    RUN(each_kind_takes_one_more_argument_or_says_that_it_does_not);
    RUN(a_template_may_be_a_tree_made_from_the_argument);
    RUN(children_that_an_init_adds_stand_behind_those_of_the_spec);
    RUN(a_template_may_be_made_by_an_init);
    RUN(a_dynamic_supervisors_init_has_no_children_to_add_to);
    close_runtime();
    return 0;
}
