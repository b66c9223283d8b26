/* Trees as they show from outside: regrow_tree(), and the length of a mailbox. */
#include "tree.h"
#include <semaphore.h>
#include <stdlib.h>

/* ---- reading a dump ---- */

static regrow_term dump_of(regrow_pid supervisor, uint32_t format, uint32_t timeout_ms)
{
    regrow_term dump;
    CHECK_OK(regrow_tree(supervisor, format, timeout_ms, &dump));
    return dump;
}

static const regrow_term *value_of(const regrow_term *branch, const char *key)
{
    regrow_term atom = regrow_atom(key);
    const regrow_term *value = regrow_map_get(branch, &atom);
    CHECK(value);
    return value;
}

/* The branch of that pid, a child of `branch`. */
static const regrow_term *child_of(const regrow_term *branch, regrow_pid pid)
{
    for (const regrow_term *rest = value_of(branch, "children"); regrow_list_head(rest); rest = regrow_list_tail(rest)) {
        regrow_pid found;
        if (regrow_as_pid(value_of(regrow_list_head(rest), "pid"), &found) && found.id == pid.id)
            return regrow_list_head(rest);
    }
    CHECK(!"a child of that pid");
    return NULL;
}

#define CHECK_VALUE(branch, key, ...) CHECK_SHOWN(value_of(branch, key), __VA_ARGS__)

/* As text, with each pid as <>. Yours. */
static char *text_of(regrow_pid supervisor, uint32_t timeout_ms)
{
    regrow_term dump = dump_of(supervisor, REGROW_TREE_TEXT, timeout_ms);
    const uint8_t *bytes;
    size_t length;
    CHECK(regrow_as_bytes(&dump, &bytes, &length));
    char *text = malloc(length + 1), *to = text;
    CHECK(text);
    for (const char *from = (const char *)bytes, *end = from + length; from < end; from++) {
        *to++ = *from;
        if (from[0] == '<' && from[1] >= '0' && from[1] <= '9')
            while (from[1] != '>')
                from++;
    }
    *to = 0;
    regrow_term_free(&dump);
    return text;
}

static void check_tree(const char *file, int line, regrow_pid supervisor, uint32_t timeout_ms, const char *expected)
{
    char *text = text_of(supervisor, timeout_ms);
    if (strcmp(text, expected) != 0) {
        fprintf(stderr, "%s:%d: the tree is\n%snot\n%s", file, line, text, expected);
        _Exit(1);
    }
    free(text);
}

#define CHECK_TREE_NOW(supervisor, timeout_ms, expected) check_tree(__FILE__, __LINE__, supervisor, timeout_ms, expected)
/* At rest: one that has just answered may still be running. */
#define CHECK_TREE(supervisor, timeout_ms, expected)        \
    do {                                                    \
        settle();                                           \
        CHECK_TREE_NOW(supervisor, timeout_ms, expected);   \
    } while (0)

/* ---- JSON (RFC 8259), without spaces: where the value that begins here ends, or NULL ---- */

static const char *json_string(const char *at)
{
    if (*at++ != '"')
        return NULL;
    for (; *at != '"'; at++) {
        if ((unsigned char)*at < ' ')
            return NULL;
        if (*at != '\\')
            continue;
        at++;
        if (*at == 'u') {
            for (int digit = 0; digit < 4; digit++)
                if (!strchr("0123456789abcdefABCDEF", *++at) || !*at)
                    return NULL;
        } else if (!*at || !strchr("\"\\/bfnrt", *at)) {
            return NULL;
        }
    }
    return at + 1;
}

static const char *json_value(const char *at)
{
    static const char *const words[] = { "null", "true", "false" };
    for (int word = 0; word < 3; word++)
        if (strncmp(at, words[word], strlen(words[word])) == 0)
            return at + strlen(words[word]);
    if (*at == '"')
        return json_string(at);
    if (*at >= '0' && *at <= '9')
        return at + strspn(at, "0123456789");
    if (*at != '{' && *at != '[')
        return NULL;
    char close = *at == '{' ? '}' : ']';
    if (*++at == close)
        return at + 1;
    for (;; at++) {
        if (close == '}' && (!(at = json_string(at)) || *at++ != ':'))
            return NULL;
        if (!(at = json_value(at)))
            return NULL;
        if (*at == close)
            return at + 1;
        if (*at != ',')
            return NULL;
    }
}

/* Valid JSON, and in it `part`, unless that is NULL. */
static void check_json(regrow_pid supervisor, uint32_t timeout_ms, const char *part)
{
    regrow_term dump = dump_of(supervisor, REGROW_TREE_JSON, timeout_ms);
    const char *json;
    CHECK(regrow_as_text(&dump, &json));
    const char *end = json_value(json);
    CHECK(end && !*end);
    if (part && !strstr(json, part)) {
        fprintf(stderr, "no %s in %s\n", part, json);
        _Exit(1);
    }
    regrow_term_free(&dump);
}

/* ---- what the tests put into trees ---- */

static regrow_child_spec child_of_kind(const char *id, uint32_t kind, const void *spec)
{
    return (regrow_child_spec){ .size = sizeof(regrow_child_spec), .id = id, .kind = kind, .spec = spec };
}

static regrow_pid start(uint32_t kind, const void *spec)
{
    regrow_child_spec how = child_of_kind("top", kind, spec);
    regrow_pid pid;
    CHECK_OK(regrow_start(root, &how, &pid));
    return pid;
}

static void end(regrow_pid pid)
{
    regrow_ref ref = monitor(pid);
    CHECK_OK(regrow_stop(pid, ATOM("shutdown"), LIMIT_MS));
    CHECK_DOWN(ref, "shutdown");
}

static regrow_pid pid_of(regrow_pid supervisor, const char *id)
{
    regrow_term text = regrow_text(id);
    regrow_pid pid;
    CHECK_OK(regrow_supervisor_lookup(supervisor, &text, &pid));
    regrow_term_free(&text);
    return pid;
}

static regrow_next wait_for_go(regrow_context *context, void *user, const regrow_term *argument, regrow_term *value)
{
    regrow_term message;
    if (regrow_receive(REGROW_INFINITY, &message) == REGROW_OK)
        regrow_term_free(&message);
    return REGROW_DONE;
}

/* ---- the tests ---- */

static void each_kind_of_process_is_shown_with_its_place_and_restarts(void)
{
    actor actors[] = { { .number = 1, .silent = true }, { .number = 2, .silent = true }, { .number = 3, .silent = true } };
    regrow_server_spec servers[] = { actor_spec(&actors[0]), actor_spec(&actors[1]), actor_spec(&actors[2]) };
    regrow_child_spec partition = child_of_kind("partition", REGROW_SERVER, &servers[1]);
    regrow_dynamic_supervisor_spec dynamic = { .size = sizeof dynamic };
    regrow_partition_supervisor_spec partitions = { .size = sizeof partitions, .child = &partition, .partitions = 2 };
    regrow_task_supervisor_spec tasks = { .size = sizeof tasks };
    regrow_registry_spec registry = { .size = sizeof registry };
    regrow_agent_spec agent = { .size = sizeof agent };
    regrow_child_spec children[] = {
        child_of_kind("server", REGROW_SERVER, &servers[0]),
        child_of_kind("dynamic", REGROW_DYNAMIC_SUPERVISOR, &dynamic),
        child_of_kind("partitions", REGROW_PARTITION_SUPERVISOR, &partitions),
        child_of_kind("tasks", REGROW_TASK_SUPERVISOR, &tasks),
        child_of_kind("registry", REGROW_REGISTRY, &registry),
        child_of_kind("agent", REGROW_AGENT, &agent),
    };
    regrow_supervisor_spec spec = { .size = sizeof spec, .children = children, .child_count = 6 };
    regrow_pid top = start(REGROW_SUPERVISOR, &spec), below;
    regrow_child_spec instance = child_of_kind("instance", REGROW_SERVER, &servers[2]);
    CHECK_OK(regrow_supervisor_start_child(pid_of(top, "dynamic"), &instance, &below));
    regrow_task_spec task = { .size = sizeof task, .run = wait_for_go };
    CHECK_OK(regrow_task_supervisor_start_child(pid_of(top, "tasks"), &task, NULL));
    for (int times = 0; times < 2; times++) {
        kill_and_wait(pid_of(top, "server"));
        settle();
    }
    kill_and_wait(below);
    CHECK_OK(regrow_register(pid_of(top, "agent"), "keeper"));
    regrow_term stopped = regrow_text("registry");
    CHECK_OK(regrow_supervisor_terminate_child(top, &stopped));
    regrow_term_free(&stopped);
    settle();

    CHECK_TREE(top, LIMIT_MS,
               "<> supervisor waiting, mailbox 0\n"
               "  <<\"server\">> <> server waiting, mailbox 0, restarts 2\n"
               "  <<\"dynamic\">> <> dynamic_supervisor waiting, mailbox 0, restarts 0\n"
               "    <<\"instance\">> <> server waiting, mailbox 0, restarts 1\n"
               "  <<\"partitions\">> <> partition_supervisor waiting, mailbox 0, restarts 0\n"
               "    0 <> server waiting, mailbox 0, restarts 0\n"
               "    1 <> server waiting, mailbox 0, restarts 0\n"
               "  <<\"tasks\">> <> task_supervisor waiting, mailbox 0, restarts 0\n"
               "    undefined <> task parked, mailbox 0, restarts 0\n"
               "  <<\"registry\">> registry stopped, restarts 0\n"
               "  <<\"agent\">> <> agent \"keeper\" waiting, mailbox 0, restarts 0\n");
    regrow_term dump = dump_of(top, REGROW_TREE_TERM, REGROW_INFINITY);
    const regrow_term *server = child_of(&dump, pid_of(top, "server"));
    CHECK_VALUE(&dump, "pid", "%s", show_pid(top));
    CHECK_VALUE(&dump, "id", "undefined");
    CHECK_VALUE(&dump, "answered", "true");
    CHECK_VALUE(&dump, "links", "5");
    CHECK_VALUE(server, "id", "%s", "<<115,101,114,118,101,114>>");
    CHECK_VALUE(server, "restarts", "2");
    CHECK_VALUE(server, "answered", "undefined");
    CHECK_VALUE(server, "children", "[]");
    regrow_term_free(&dump);
    settle();
    check_json(top, LIMIT_MS, "\"kind\":\"agent\",\"name\":\"keeper\",\"label\":null,\"status\":\"waiting\"");
    check_json(top, LIMIT_MS, "\"pid\":null,\"kind\":\"registry\",\"name\":null,\"label\":null,\"status\":\"stopped\"");
    /* The root has it all below it, and a task supervisor has a tree of its own. */
    check_json(root, LIMIT_MS, NULL);
    CHECK_TREE(pid_of(top, "tasks"), LIMIT_MS,
               "<> task_supervisor waiting, mailbox 0\n  undefined <> task parked, mailbox 0, restarts 0\n");
    end(top);
}

static void texts_of_any_sort_are_escaped(void)
{
    actor one = { .number = 1, .silent = true };
    regrow_server_spec server = actor_spec(&one);
    regrow_term id = TUPLE(regrow_text("a \"b\"\n\\c"), regrow_bytes("\xff\x00\"", 3), ATOM("it's"));
    regrow_child_spec child = { .size = sizeof child, .id_term = &id, .kind = REGROW_SERVER, .spec = &server };
    regrow_supervisor_spec spec = { .size = sizeof spec, .children = &child, .child_count = 1 };
    regrow_pid top = start(REGROW_SUPERVISOR, &spec), pid;
    CHECK_OK(regrow_supervisor_lookup(top, &id, &pid));
    CHECK_OK(regrow_register(pid, "say \"hi\"\\\n\x01\x7f"));
    check_json(top, LIMIT_MS, "\"name\":\"say \\\"hi\\\"\\\\\\n\\u0001\\u007f\"");
    char *text = text_of(top, LIMIT_MS);
    size_t lines = 0;
    for (const char *at = text; *at; at++)
        lines += *at == '\n';
    CHECK(lines == 2);
    free(text);
    regrow_term_free(&id);
    end(top);
}

static void a_suspended_supervisor_is_shown_without_an_answer_and_the_others_with_theirs(void)
{
    actor actors[] = { { .number = 1, .silent = true }, { .number = 2, .silent = true } };
    regrow_server_spec servers[] = { actor_spec(&actors[0]), actor_spec(&actors[1]) };
    regrow_child_spec leaf = child_of_kind("leaf", REGROW_SERVER, &servers[0]);
    regrow_supervisor_spec inner = { .size = sizeof inner, .children = &leaf, .child_count = 1 };
    regrow_child_spec inner_child = child_of_kind("inner", REGROW_SUPERVISOR, &inner);
    regrow_supervisor_spec middle = { .size = sizeof middle, .children = &inner_child, .child_count = 1 };
    regrow_child_spec children[] = { child_of_kind("middle", REGROW_SUPERVISOR, &middle),
                                     child_of_kind("last", REGROW_SERVER, &servers[1]) };
    regrow_supervisor_spec spec = { .size = sizeof spec, .children = children, .child_count = 2 };
    regrow_pid top = start(REGROW_SUPERVISOR, &spec), suspended = pid_of(top, "middle");
    CHECK_OK(regrow_suspend(suspended, LIMIT_MS));
    settle();
    const char *expected = "<> supervisor waiting, mailbox 0\n"
                           "  <<\"middle\">> <> supervisor waiting, mailbox 0, restarts 0, no answer\n"
                           "    <> supervisor waiting, mailbox 0\n"
                           "      <<\"leaf\">> <> server waiting, mailbox 0, restarts 0\n"
                           "  <<\"last\">> <> server waiting, mailbox 0, restarts 0\n";
    CHECK_TREE(top, 100, expected);
    regrow_term dump = dump_of(top, REGROW_TREE_TERM, 20);
    CHECK_VALUE(child_of(&dump, suspended), "answered", "false");
    regrow_term_free(&dump);
    /* Nobody is asked. */
    CHECK_TREE(suspended, 0,
               "<> supervisor waiting, mailbox 0, no answer\n"
               "  <> supervisor waiting, mailbox 0, no answer\n"
               "    <> server waiting, mailbox 0\n");
    CHECK_OK(regrow_resume(suspended, LIMIT_MS));
    regrow_term again = dump_of(top, REGROW_TREE_TERM, LIMIT_MS);
    CHECK_VALUE(child_of(&again, suspended), "answered", "true");
    regrow_term_free(&again);
    end(top);
}

static sem_t began, go_on;

static regrow_next stick(regrow_context *context, void *state, const regrow_term *message)
{
    sem_post(&began);
    while (sem_wait(&go_on) != 0)
        ;
    return REGROW_NOREPLY;
}

static bool is_waiting(regrow_pid pid)
{
    regrow_term info;
    CHECK_OK(regrow_info(pid, &info));
    bool waits = regrow_is_atom(value_of(&info, "status"), "waiting");
    regrow_term_free(&info);
    return waits;
}

static void a_stuck_callback_is_shown_with_what_waits_for_it_and_not_waited_for(void)
{
    actor one = { .number = 1, .silent = true };
    regrow_server_spec server = actor_spec(&one);
    server.handle_cast = stick;
    regrow_child_spec child = child_of_kind("stuck", REGROW_SERVER, &server);
    regrow_supervisor_spec spec = { .size = sizeof spec, .children = &child, .child_count = 1 };
    regrow_pid top = start(REGROW_SUPERVISOR, &spec), stuck = pid_of(top, "stuck");
    for (int casts = 0; casts < 4; casts++)
        CHECK_OK(regrow_cast(stuck, INT(casts)));
    while (sem_wait(&began) != 0)
        ;
    while (!is_waiting(top))
        sched_yield();
    CHECK_TREE_NOW(top, REGROW_INFINITY,
                   "<> supervisor waiting, mailbox 0\n"
                   "  <<\"stuck\">> <> server running, mailbox 3, restarts 0\n");
    for (int casts = 0; casts < 4; casts++)
        sem_post(&go_on);
    settle();
    CHECK_TREE(top, REGROW_INFINITY,
               "<> supervisor waiting, mailbox 0\n"
               "  <<\"stuck\">> <> server waiting, mailbox 0, restarts 0\n");
    end(top);
}

static regrow_pid starter;

static regrow_next init_that_looks_and_waits(regrow_context *context, actor *actor)
{
    regrow_term dump, message;
    /* Its supervisor waits for this init: it is not asked, or this would wait for ever. */
    CHECK_OK(regrow_tree(starter, REGROW_TREE_TEXT, REGROW_INFINITY, &dump));
    regrow_term_free(&dump);
    sem_post(&began);
    if (regrow_receive(REGROW_INFINITY, &message) == REGROW_OK)
        regrow_term_free(&message);
    return REGROW_READY;
}

static void a_supervisor_in_the_middle_of_a_start_is_shown_so(void)
{
    actor actors[] = { { .number = 1, .silent = true },
                       { .number = 2, .silent = true, .on_init = init_that_looks_and_waits } };
    regrow_server_spec servers[] = { actor_spec(&actors[0]), actor_spec(&actors[1]) };
    regrow_supervisor_spec spec = { .size = sizeof spec };
    regrow_pid top = start(REGROW_SUPERVISOR, &spec), starting = { 0 };
    starter = top;
    regrow_child_spec slow = child_of_kind("slow", REGROW_SERVER, &servers[1]);
    regrow_request *pending;
    CHECK_OK(regrow_supervisor_start_child_async(top, &slow, &pending));
    while (sem_wait(&began) != 0)
        ;
    settle();
    CHECK_TREE(top, 20,
               "<> supervisor waiting, mailbox 0, no answer\n"
               "  <> server starting, mailbox 0\n");
    regrow_term dump = dump_of(top, REGROW_TREE_TERM, 0);
    CHECK(regrow_as_pid(value_of(regrow_list_head(value_of(&dump, "children")), "pid"), &starting));
    regrow_term_free(&dump);
    CHECK_OK(regrow_send(starting, ATOM("go")));
    CHECK_OK(regrow_request_wait(pending, LIMIT_MS, NULL));
    regrow_request_free(pending);
    end(top);
}

static bool is_wanted(void *user, const regrow_term *message)
{
    return regrow_is_atom(message, "wanted");
}

static regrow_next receive_what_is_wanted(regrow_context *context, void *user)
{
    for (;;) {
        regrow_term message;
        if (regrow_receive_match(is_wanted, NULL, REGROW_INFINITY, &message) != REGROW_OK)
            return REGROW_DONE;
        regrow_term_free(&message);
    }
}

static void check_queue(regrow_pid pid, const char *expected)
{
    regrow_term info;
    settle();
    CHECK_OK(regrow_info(pid, &info));
    CHECK_VALUE(&info, "message_queue_len", "%s", expected);
    regrow_term_free(&info);
}

static void messages_that_were_put_aside_count(void)
{
    regrow_process_spec spec = { .size = sizeof spec, .body = receive_what_is_wanted };
    regrow_pid pid;
    CHECK_OK(regrow_spawn(root, &spec, &pid));
    check_queue(pid, "0");
    for (int messages = 0; messages < 5; messages++)
        CHECK_OK(regrow_send(pid, INT(messages)));
    check_queue(pid, "5");
    CHECK_OK(regrow_send(pid, ATOM("wanted")));
    check_queue(pid, "5");
    CHECK_OK(regrow_send(pid, INT(6)));
    check_queue(pid, "6");
    kill_and_wait(pid);
    /* The main thread's own. */
    CHECK_OK(regrow_send(self, INT(1)));
    CHECK_OK(regrow_send(self, INT(2)));
    check_queue(self, "2");
    CHECK_OK(regrow_flush(NULL));
    check_queue(self, "0");
}

static void a_tree_ten_thousand_deep_is_shown(void)
{
    enum { DEPTH = 10000 };
    regrow_supervisor_spec spec = { .size = sizeof spec };
    regrow_pid top = start(REGROW_SUPERVISOR, &spec), pid = top;
    for (int depth = 0; depth < DEPTH; depth++) {
        regrow_child_spec child = child_of_kind("next", REGROW_SUPERVISOR, &spec);
        CHECK_OK(regrow_supervisor_start_child(pid, &child, &pid));
    }
    regrow_term dump = dump_of(top, REGROW_TREE_TERM, LIMIT_MS);
    const regrow_term *branch = &dump;
    for (int depth = 0; depth < DEPTH; depth++) {
        CHECK_VALUE(branch, "answered", "true");
        branch = regrow_list_head(value_of(branch, "children"));
    }
    CHECK_VALUE(branch, "pid", "%s", show_pid(pid));
    regrow_term_free(&dump);
    settle();
    char *text = text_of(top, LIMIT_MS);
    CHECK(strstr(text, "(10000) <<\"next\">> <> supervisor waiting"));
    free(text);
    check_json(top, LIMIT_MS, NULL);
    end(top);
}

static atomic_bool is_over;

static void *kill_children(void *argument)
{
    regrow_pid top = *(regrow_pid *)argument;
    actor one = { .number = 1, .silent = true };
    regrow_server_spec server = actor_spec(&one);
    regrow_child_spec child = child_of_kind("come and go", REGROW_SERVER, &server);
    child.restart = REGROW_TEMPORARY;
    while (!atomic_load(&is_over)) {
        regrow_pid pids[8];
        for (int at = 0; at < 8; at++)
            CHECK_OK(regrow_supervisor_start_child(top, &child, &pids[at]));
        for (int at = 0; at < 8; at++)
            CHECK_OK(regrow_exit(pids[at], ATOM("kill")));
    }
    return NULL;
}

static void a_tree_that_changes_meanwhile_gives_a_sound_dump(void)
{
    regrow_dynamic_supervisor_spec spec = { .size = sizeof spec };
    regrow_pid top = start(REGROW_DYNAMIC_SUPERVISOR, &spec);
    atomic_store(&is_over, false);
    pthread_t thread = start_thread(kill_children, &top);
    for (int looks = 0; looks < 300; looks++) {
        check_json(top, LIMIT_MS, "\"kind\":\"dynamic_supervisor\"");
        regrow_term dump = dump_of(root, REGROW_TREE_TERM, LIMIT_MS);
        regrow_term_free(&dump);
    }
    atomic_store(&is_over, true);
    join_thread(thread);
    settle();
    CHECK_TREE(top, LIMIT_MS, "<> dynamic_supervisor waiting, mailbox 0\n");
    end(top);
}

static void the_asynchronous_form_gives_the_same(void)
{
    actor one = { .number = 1, .silent = true };
    regrow_server_spec server = actor_spec(&one);
    regrow_child_spec child = child_of_kind("one", REGROW_SERVER, &server);
    regrow_supervisor_spec spec = { .size = sizeof spec, .children = &child, .child_count = 1 };
    regrow_pid top = start(REGROW_SUPERVISOR, &spec);
    regrow_request *pending;
    for (uint32_t format = REGROW_TREE_TERM; format <= REGROW_TREE_JSON; format++) {
        /* Whoever has just answered may still be seen running. */
        settle();
        regrow_term dump = dump_of(top, format, LIMIT_MS), later;
        settle();
        CHECK_OK(regrow_tree_async(top, format, LIMIT_MS, &pending));
        CHECK_OK(regrow_request_wait(pending, LIMIT_MS, &later));
        CHECK(regrow_term_equal(&dump, &later));
        regrow_request_free(pending);
        regrow_term_free(&dump);
        regrow_term_free(&later);
    }
    /* It has its own limit, and one that nobody waits for leaves nothing. */
    CHECK_OK(regrow_suspend(top, LIMIT_MS));
    CHECK_OK(regrow_tree_async(top, REGROW_TREE_TERM, 20, &pending));
    regrow_term later;
    CHECK_OK(regrow_request_wait(pending, LIMIT_MS, &later));
    CHECK_VALUE(&later, "answered", "false");
    regrow_term_free(&later);
    regrow_request_free(pending);
    CHECK_OK(regrow_tree_async(top, REGROW_TREE_TERM, 20, &pending));
    regrow_request_free(pending);
    CHECK_OK(regrow_resume(top, LIMIT_MS));
    end(top);
    CHECK_ERROR(REGROW_ERR_NO_PROCESS, regrow_tree_async(top, REGROW_TREE_TERM, 0, &pending));
}

static void what_is_no_supervisor_or_no_format_is_refused(void)
{
    regrow_term dump;
    CHECK_ERROR(REGROW_ERR_WRONG_KIND, regrow_tree(self, REGROW_TREE_TEXT, 0, &dump));
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_tree(root, 3, 0, &dump));
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_tree(root, REGROW_TREE_JSON, 0, NULL));
}

int main(void)
{
    sem_init(&began, 0, 0);
    sem_init(&go_on, 0, 0);
    TEST(each_kind_of_process_is_shown_with_its_place_and_restarts);
    TEST(texts_of_any_sort_are_escaped);
    TEST(a_suspended_supervisor_is_shown_without_an_answer_and_the_others_with_theirs);
    TEST(a_stuck_callback_is_shown_with_what_waits_for_it_and_not_waited_for);
    TEST(a_supervisor_in_the_middle_of_a_start_is_shown_so);
    TEST(messages_that_were_put_aside_count);
    TEST(a_tree_ten_thousand_deep_is_shown);
    TEST(a_tree_that_changes_meanwhile_gives_a_sound_dump);
    TEST(the_asynchronous_form_gives_the_same);
    TEST(what_is_no_supervisor_or_no_format_is_refused);
    return 0;
}
