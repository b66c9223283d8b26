/* Dynamic supervisors, templates, significant children and parallel starts, as C has them. */
#include "tree.h"

static regrow_pid start_dynamic(regrow_dynamic_supervisor_spec spec)
{
    regrow_pid pid;
    spec.size = sizeof spec;
    regrow_child_spec child = { .size = sizeof child, .kind = REGROW_DYNAMIC_SUPERVISOR, .spec = &spec };
    CHECK_OK(regrow_start(root, &child, &pid));
    return pid;
}

static regrow_error terminate(regrow_pid supervisor, regrow_pid child)
{
    regrow_term id = regrow_from_pid(child);
    return regrow_supervisor_terminate_child(supervisor, &id);
}

static void children_go_by_pid_and_by_id(void)
{
    actor actor = { .number = 1, .traps = true };
    regrow_server_spec server = actor_spec(&actor);
    regrow_child_spec child = server_child(1, &server);
    regrow_pid supervisor = start_dynamic((regrow_dynamic_supervisor_spec){ 0 }), first, second, found;
    CHECK_OK(regrow_supervisor_start_child(supervisor, &child, &first));
    CHECK_OK(regrow_supervisor_start_child(supervisor, &child, &second));
    CHECK_CHILDREN(supervisor, "1 1");
    CHECK_OK(regrow_supervisor_lookup(supervisor, number_id(1), &found));
    CHECK(found.id == second.id);
    CHECK_OK(terminate(supervisor, first));
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, terminate(supervisor, first));
    CHECK_OK(regrow_supervisor_terminate_child(supervisor, number_id(1)));
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_supervisor_terminate_child(supervisor, number_id(1)));
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_supervisor_lookup(supervisor, number_id(1), &found));
    CHECK_CHILDREN(supervisor, "");
    CHECK_LOG("S1 S1 T1 T1");
    CHECK_OK(regrow_stop(supervisor, ATOM("normal"), LIMIT_MS));
}

static regrow_next ignore(regrow_context *context, actor *actor)
{
    return REGROW_IGNORE;
}

static void what_is_refused_says_why(void)
{
    actor actor = { .number = 1 };
    regrow_server_spec server = actor_spec(&actor);
    regrow_child_spec child = server_child(1, &server);
    regrow_pid pid = { 7 };
    regrow_pid supervisor = start_dynamic((regrow_dynamic_supervisor_spec){ .max_children = 1 });
    actor.on_init = ignore;
    CHECK_ERROR(REGROW_ERR_IGNORED, regrow_supervisor_start_child(supervisor, &child, &pid));
    CHECK(pid.id == 7);
    actor.on_init = NULL;
    CHECK_OK(regrow_supervisor_start_child(supervisor, &child, &pid));
    CHECK_ERROR(REGROW_ERR_LIMIT, regrow_supervisor_start_child(supervisor, &child, NULL));
    CHECK_REASON("max_children");
    CHECK_ERROR(REGROW_ERR_RUNNING, regrow_supervisor_restart_child(supervisor, number_id(1), NULL));
    CHECK_ERROR(REGROW_ERR_RUNNING, regrow_supervisor_delete_child(supervisor, number_id(1)));
    child.significant = 1;
    CHECK_OK(terminate(supervisor, pid));
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_supervisor_start_child(supervisor, &child, NULL));
    CHECK_REASON("{bad_combination,[{auto_shutdown,never},{significant,true}]}");

    child.significant = 0;
    supervisor = start_dynamic((regrow_dynamic_supervisor_spec){ .max_children = REGROW_NONE });
    CHECK_ERROR(REGROW_ERR_LIMIT, regrow_supervisor_start_child(supervisor, &child, NULL));
    supervisor = start_dynamic((regrow_dynamic_supervisor_spec){ .flags = REGROW_UNIQUE_IDS });
    CHECK_OK(regrow_supervisor_start_child(supervisor, &child, &pid));
    CHECK_ERROR(REGROW_ERR_EXISTS, regrow_supervisor_start_child(supervisor, &child, NULL));
    CHECK_REASON("{already_started,%s}", show_pid(pid));
    regrow_dynamic_supervisor_spec spec = { .size = sizeof spec, .flags = 2 };
    regrow_child_spec start = { .size = sizeof start, .kind = REGROW_DYNAMIC_SUPERVISOR, .spec = &spec };
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_start(root, &start, &pid));
    spec = (regrow_dynamic_supervisor_spec){ .size = 4 };
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_start(root, &start, &pid));
}

static atomic_int given_back;

static void give_back(void *user)
{
    atomic_fetch_add(&given_back, 1);
}

static regrow_next note_user(regrow_context *context, void *user, const regrow_term *arg,
                             regrow_children *children)
{
    note("%s", (const char *)user);
    return REGROW_READY;
}

static void it_lives_in_a_tree_and_its_init_runs_at_each_start(void)
{
    regrow_dynamic_supervisor_spec dynamic = { .size = sizeof dynamic, .init = note_user, .user = "up",
                                               .drop_user = give_back, .max_restarts = REGROW_NONE };
    regrow_child_spec low = { .size = sizeof low, .id_term = number_id(1), .kind = REGROW_DYNAMIC_SUPERVISOR,
                              .spec = &dynamic };
    regrow_supervisor_spec top = { .size = sizeof top, .children = &low, .child_count = 1 };
    regrow_child_spec start = supervisor_child(0, &top);
    actor actor = { .number = 2 };
    regrow_server_spec server = actor_spec(&actor);
    regrow_child_spec child = server_child(2, &server);
    regrow_pid outer, inner;
    regrow_term children;
    CHECK_OK(regrow_start(root, &start, &outer));
    inner = child_pid(outer, 1);
    CHECK_OK(regrow_supervisor_which_children(outer, &children));
    check_given(__FILE__, __LINE__, children, "[{1,%s,supervisor,dynamic_supervisor}]", show_pid(inner));
    CHECK_OK(regrow_supervisor_start_child(inner, &child, NULL));
    CHECK_LOG("up S2");
    /* One crash is too many for it; it comes back, and is empty. */
    end_child(inner, 2, "boom");
    CHECK_LOG("T2 up");
    CHECK(inner.id != child_pid(outer, 1).id);
    CHECK_CHILDREN(child_pid(outer, 1), "");
    CHECK_OK(regrow_stop(outer, ATOM("normal"), LIMIT_MS));
    settle();
    CHECK(given_back == 1);
}

/* ---- templates ---- */

static regrow_next note_argument(regrow_context *context, void *user, const regrow_term *arg, void **state)
{
    note("%s", show(arg));
    return REGROW_READY;
}

static regrow_pid start_template(const regrow_server_spec *server)
{
    regrow_child_spec template = server_child(1, server);
    regrow_supervisor_spec spec = { .size = sizeof spec, .strategy = REGROW_SIMPLE_ONE_FOR_ONE,
                                    .children = &template, .child_count = 1 };
    regrow_child_spec start = supervisor_child(0, &spec);
    regrow_pid supervisor;
    CHECK_OK(regrow_start(root, &start, &supervisor));
    return supervisor;
}

static void an_instance_gets_the_templates_arguments_and_its_own(void)
{
    /* The template's, the instance's, what init gets. */
    struct { regrow_term arg, extra; const char *expected; } cases[] = {
        { regrow_nil(), INT(5), "[5]" },
        { regrow_nil(), regrow_nil(), "[]" },
        { INT(1), regrow_nil(), "1" },
        { INT(1), INT(2), "[1,2]" },
        { regrow_cons(INT(1), regrow_nil()), regrow_cons(INT(2), regrow_nil()), "[1,2]" },
        { TUPLE(INT(1), INT(2)), regrow_cons(regrow_nil(), regrow_nil()), "[{1,2},[]]" },
    };
    for (size_t at = 0; at < sizeof cases / sizeof *cases; at++) {
        regrow_server_spec server = { .size = sizeof server, .init = note_argument, .handle_cast = actor_message,
                                      .arg = &cases[at].arg };
        regrow_pid supervisor = start_template(&server), pid;
        CHECK_OK(regrow_supervisor_start_instance(supervisor, &cases[at].extra, &pid));
        CHECK_LOG(cases[at].expected);
        /* And again at a restart. */
        CHECK_OK(regrow_cast(pid, TUPLE(ATOM("stop"), ATOM("boom"))));
        CHECK_LOG(cases[at].expected);
        CHECK_OK(regrow_stop(supervisor, ATOM("normal"), LIMIT_MS));
        regrow_term_free(&cases[at].arg);
        regrow_term_free(&cases[at].extra);
    }
}

static void an_instance_goes_by_its_pid(void)
{
    actor actor = { .number = 1, .silent = true };
    regrow_server_spec server = actor_spec(&actor);
    regrow_child_spec child = server_child(2, &server);
    regrow_pid supervisor = start_template(&server), pid;
    regrow_term none = regrow_nil(), one = INT(1);
    regrow_child_count count = { .size = sizeof count };
    CHECK_OK(regrow_supervisor_start_instance(supervisor, &none, &pid));
    CHECK_CHILDREN(supervisor, "undefined");
    CHECK_OK(regrow_supervisor_count_children(supervisor, &count));
    CHECK(count.specs == 1 && count.active == 1 && count.workers == 1);
    CHECK_ERROR(REGROW_ERR_WRONG_KIND, regrow_supervisor_terminate_child(supervisor, number_id(1)));
    CHECK_REASON("simple_one_for_one");
    CHECK_ERROR(REGROW_ERR_WRONG_KIND, regrow_supervisor_restart_child(supervisor, number_id(1), NULL));
    CHECK_ERROR(REGROW_ERR_WRONG_KIND, regrow_supervisor_delete_child(supervisor, number_id(1)));
    CHECK_ERROR(REGROW_ERR_WRONG_KIND, regrow_supervisor_start_child(supervisor, &child, NULL));
    CHECK_OK(terminate(supervisor, pid));
    CHECK_CHILDREN(supervisor, "");
    /* What takes no argument: see templates.c for each kind. */
    regrow_agent_spec agent = { .size = sizeof agent };
    regrow_child_spec template = { .size = sizeof template, .id = "agent", .kind = REGROW_AGENT, .spec = &agent };
    regrow_supervisor_spec spec = { .size = sizeof spec, .strategy = REGROW_SIMPLE_ONE_FOR_ONE,
                                    .children = &template, .child_count = 1 };
    regrow_child_spec start = supervisor_child(0, &spec);
    CHECK_OK(regrow_start(root, &start, &supervisor));
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_supervisor_start_instance(supervisor, &one, &pid));
    CHECK_OK(regrow_supervisor_start_instance(supervisor, &none, &pid));
    /* None, or more than one template. */
    spec.child_count = 0;
    CHECK_ERROR(REGROW_ERR_START, regrow_start(root, &start, &supervisor));
    CHECK_REASON("{bad_start_spec,[]}");
}

/* ---- significant children, parallel starts ---- */

static void a_supervisor_ends_with_its_significant_children(void)
{
    for (uint32_t shutdown = REGROW_NEVER; shutdown <= REGROW_ALL_SIGNIFICANT; shutdown++) {
        tree tree;
        plant(&tree, 3, REGROW_ONE_FOR_ONE);
        for (int at = 0; at < 2; at++) {
            tree.children[at].restart = REGROW_TRANSIENT;
            tree.children[at].significant = shutdown != REGROW_NEVER;
        }
        tree.spec.auto_shutdown = shutdown;
        start_tree(&tree);
        end_child(tree.pid, 1, "normal");
        CHECK(regrow_is_alive(tree.pid) == (shutdown != REGROW_ANY_SIGNIFICANT));
        if (shutdown == REGROW_ALL_SIGNIFICANT)
            end_child(tree.pid, 2, "normal");
        CHECK(regrow_is_alive(tree.pid) == (shutdown == REGROW_NEVER));
        if (shutdown == REGROW_NEVER)
            stop_tree(&tree);
        else
            CHECK_DOWN(tree.monitor, "shutdown");
    }
    tree tree;
    plant(&tree, 1, REGROW_ONE_FOR_ONE);
    tree.children[0].significant = 1;
    tree.spec.auto_shutdown = REGROW_ANY_SIGNIFICANT;
    CHECK_ERROR(REGROW_ERR_START, try_start_tree(&tree));
    CHECK_REASON("{start_spec,{bad_combination,[{restart,permanent},{significant,true}]}}");
    tree.spec.auto_shutdown = 3;
    CHECK_ERROR(REGROW_ERR_ARGUMENT, try_start_tree(&tree));
}

static regrow_next sleep_in_init(regrow_context *context, actor *actor)
{
    CHECK_OK(regrow_sleep(100));
    return REGROW_READY;
}

static regrow_next start_the_tree(regrow_context *context, void *user)
{
    CHECK_OK(try_start_tree(user));
    note("up");
    regrow_sleep(REGROW_INFINITY); /* until it is killed */
    return REGROW_DONE;
}

static void slow_inits_may_run_side_by_side(void)
{
    for (uint32_t flags = 0; flags <= REGROW_PARALLEL_START; flags++) {
        tree tree;
        regrow_process_spec starter = { .size = sizeof starter, .body = start_the_tree, .user = &tree };
        regrow_pid pid;
        plant(&tree, 5, REGROW_ONE_FOR_ONE);
        for (int number = 1; number <= 5; number++) {
            tree.actors[number].on_init = sleep_in_init;
            tree.actors[number].silent = true;
        }
        tree.spec.flags = flags;
        CHECK_OK(regrow_spawn(root, &starter, &pid));
        settle();
        CHECK_OK(regrow_advance(root, flags ? 99 : 499));
        CHECK_LOG("");
        CHECK_OK(regrow_advance(root, 1));
        CHECK_LOG("up");
        CHECK_CHILDREN(tree.pid, "5 4 3 2 1");
        CHECK_OK(regrow_stop(tree.pid, ATOM("normal"), LIMIT_MS));
        kill_and_wait(pid);
        wait_for_ghosts();
    }
}

/* ---- partitions ---- */

static regrow_next answer_number(regrow_context *context, void *state, const regrow_term *request)
{
    return regrow_reply(context, INT((intptr_t)state));
}

static regrow_next keep_number(regrow_context *context, void *user, const regrow_term *arg, void **state)
{
    int64_t number;
    CHECK(regrow_as_int(regrow_list_head(arg), &number));
    *state = (void *)(intptr_t)number;
    return REGROW_READY;
}

static regrow_error start_partitions(regrow_partition_supervisor_spec *spec, regrow_pid *pid)
{
    regrow_child_spec child = { .size = sizeof child, .kind = REGROW_PARTITION_SUPERVISOR, .spec = spec };
    return regrow_start(root, &child, pid);
}

static void a_key_leads_to_its_partition(void)
{
    regrow_server_spec server = { .size = sizeof server, .init = keep_number, .handle_call = answer_number };
    regrow_child_spec child = { .size = sizeof child, .kind = REGROW_SERVER, .spec = &server };
    regrow_partition_supervisor_spec spec = { .size = sizeof spec, .child = &child, .partitions = 4,
                                              .flags = REGROW_WITH_NUMBER };
    regrow_pid supervisor, pid, again;
    uint32_t count;
    CHECK_OK(start_partitions(&spec, &supervisor));
    CHECK_OK(regrow_partition_count(supervisor, &count));
    CHECK(count == 4);
    CHECK_CHILDREN(supervisor, "3 2 1 0");
    /* As Elixir: an integer by its remainder, other keys by phash2. */
    struct { regrow_term key; const char *number; } cases[] = {
        { INT(0), "0" }, { INT(7), "3" }, { INT(-5), "1" }, { ATOM("a"), "1" }, { regrow_nil(), "2" },
    };
    for (size_t at = 0; at < sizeof cases / sizeof *cases; at++) {
        regrow_address address = { .size = sizeof address, .registry = supervisor, .key = &cases[at].key };
        regrow_term reply;
        CHECK_OK(regrow_partition_whereis(supervisor, &cases[at].key, &pid));
        CHECK_OK(regrow_call(pid, regrow_nil(), LIMIT_MS, &reply));
        check_given(__FILE__, __LINE__, reply, "%s", cases[at].number);
        CHECK_OK(regrow_call_at(&address, regrow_nil(), LIMIT_MS, &reply));
        check_given(__FILE__, __LINE__, reply, "%s", cases[at].number);
    }
    /* An address waits through a restart. */
    regrow_term key = INT(2);
    regrow_address address = { .size = sizeof address, .registry = supervisor, .key = &key,
                               .wait_ms = REGROW_INFINITY };
    CHECK_OK(regrow_partition_whereis(supervisor, &key, &pid));
    CHECK_OK(regrow_supervisor_terminate_child(supervisor, &key));
    CHECK_ERROR(REGROW_ERR_NO_PROCESS, regrow_partition_whereis(supervisor, &key, &again));
    CHECK_OK(regrow_supervisor_restart_child(supervisor, &key, NULL));
    for (int kills = 0; kills < 3; kills++) {
        CHECK_OK(regrow_whereis_at(&address, &pid));
        kill_and_wait(pid);
        CHECK_OK(regrow_call_at(&address, regrow_nil(), LIMIT_MS, NULL));
    }
    CHECK_OK(regrow_stop(supervisor, ATOM("normal"), LIMIT_MS));
    CHECK_ERROR(REGROW_ERR_NO_PROCESS, regrow_partition_whereis(supervisor, &key, &again));
    CHECK_ERROR(REGROW_ERR_WRONG_KIND, regrow_partition_whereis(root, &key, &again));
}

static void a_partition_spec_out_of_range_is_refused(void)
{
    actor actor = { .number = 1 };
    regrow_server_spec server = actor_spec(&actor);
    regrow_registry_spec registry = { .size = sizeof registry };
    regrow_child_spec good_child = { .size = sizeof good_child, .kind = REGROW_SERVER, .spec = &server }, child;
    regrow_partition_supervisor_spec good = { .size = sizeof good, .child = &child }, spec;
    regrow_pid pid;
    server.drop_user = give_back;
    server.user = &actor;
    int expected = given_back = 0;
#define REFUSED(drops, spoil)                                                                \
    do {                                                                                     \
        child = good_child;                                                                  \
        spec = good;                                                                         \
        spoil;                                                                               \
        CHECK_ERROR(REGROW_ERR_ARGUMENT, start_partitions(&spec, &pid));                     \
        CHECK(given_back == (expected += (drops)));                                          \
    } while (0)
    REFUSED(0, spec.child = NULL);
    REFUSED(0, spec.size = 0);
    REFUSED(1, spec.partitions = 65537);
    REFUSED(1, spec.partitions = UINT32_MAX);
    REFUSED(1, spec.strategy = REGROW_SIMPLE_ONE_FOR_ONE);
    REFUSED(1, spec.strategy = 9);
    REFUSED(1, spec.flags = 2);
    REFUSED(1, spec.reserved = 1);
    REFUSED(1, child.name = "one");
    REFUSED(1, child.significant = 1);
    REFUSED(0, child.kind = REGROW_REGISTRY; child.spec = &registry; spec.flags = REGROW_WITH_NUMBER);
    CHECK(actor.starts == 0);
}

int main(void)
{
    TEST(children_go_by_pid_and_by_id);
    TEST(what_is_refused_says_why);
    TEST(it_lives_in_a_tree_and_its_init_runs_at_each_start);
    TEST(an_instance_gets_the_templates_arguments_and_its_own);
    TEST(an_instance_goes_by_its_pid);
    TEST(a_key_leads_to_its_partition);
    TEST(a_partition_spec_out_of_range_is_refused);
    TEST(a_supervisor_ends_with_its_significant_children);
    TEST_MANUAL(slow_inits_may_run_side_by_side);
    return 0;
}
