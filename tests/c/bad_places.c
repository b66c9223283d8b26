/* Calls from where they cannot be served: to oneself, to who waits for the caller, from a drop function, out of a call
 * that is over, from another runtime, from a callback that is killed while it waits. And what the last error says of
 * it: whose it is, its reason as OTP would give it, its text. */
#include "test.h"
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LIMIT_MS = 20000 };

static regrow_pid root;
static atomic_int drops;

static void count_drop(void *user)
{
    atomic_fetch_add(&drops, 1);
}

static regrow_term counted(void)
{
    return regrow_resource(&drops, count_drop);
}

static regrow_pid start_in(regrow_pid runtime, uint32_t kind, const void *spec)
{
    regrow_pid pid;
    regrow_child_spec child = { .size = sizeof child, .kind = kind, .spec = spec };
    CHECK_OK(regrow_start(runtime, &child, &pid));
    return pid;
}

/* The last reason, printed. */
static void check_reason(const char *expected)
{
    char text[128];
    regrow_term reason;
    CHECK_OK(regrow_last_reason(&reason));
    regrow_term_print(&reason, text, sizeof text);
    if (strcmp(text, expected) != 0)
        fprintf(stderr, "the reason is %s\n", text);
    CHECK(strcmp(text, expected) == 0);
    regrow_term_free(&reason);
}

static void check_text(regrow_error code, const char *expected)
{
    char text[128];
    CHECK(regrow_last_error(text, sizeof text) == code);
    if (strcmp(text, expected) != 0)
        fprintf(stderr, "the text is: %s\n", text);
    CHECK(strcmp(text, expected) == 0);
}

/* {already_started, Holder} */
static void check_already_started(regrow_pid holder)
{
    regrow_pid found;
    regrow_term reason;
    CHECK_OK(regrow_last_reason(&reason));
    CHECK(regrow_is_atom(regrow_tuple_get(&reason, 0), "already_started"));
    CHECK(regrow_as_pid(regrow_tuple_get(&reason, 1), &found) && found.id == holder.id);
    regrow_term_free(&reason);
}

/* Runs a body and waits until it has returned. */
static sem_t body_done;

static void run_body(regrow_body_callback body, void *user)
{
    regrow_process_spec spec = { .size = sizeof spec, .body = body, .user = user };
    CHECK_OK(regrow_spawn(root, &spec, NULL));
    while (sem_wait(&body_done))
        ;
}

/* ---- with itself, and in a circle ---- */

static regrow_next call_own_server(regrow_context *context, void *state, const regrow_term *request)
{
    regrow_pid self;
    CHECK_OK(regrow_self(&self));
    regrow_address address = { .size = sizeof address, .name = "itself" };
    CHECK_ERROR(REGROW_ERR_SELF_CALL, regrow_call(self, counted(), LIMIT_MS, NULL));
    check_reason("calling_self");
    CHECK_ERROR(REGROW_ERR_SELF_CALL, regrow_call_at(&address, counted(), LIMIT_MS, NULL));
    CHECK_ERROR(REGROW_ERR_SELF_CALL, regrow_stop(self, counted(), LIMIT_MS));
    CHECK_ERROR(REGROW_ERR_SELF_CALL, regrow_stop_at(&address, counted(), LIMIT_MS));
    CHECK_ERROR(REGROW_ERR_SELF_CALL, regrow_suspend(self, LIMIT_MS));
    CHECK_ERROR(REGROW_ERR_SELF_CALL, regrow_replace_state(self, counted(), LIMIT_MS));
    regrow_term shown;
    CHECK_ERROR(REGROW_ERR_SELF_CALL, regrow_get_state(self, LIMIT_MS, &shown));
    return regrow_reply(context, regrow_atom("refused"));
}

static regrow_pid agent;

static regrow_next ask_own_agent(regrow_context *context, void *user, const regrow_term *state, regrow_term *next,
                                 regrow_term *reply)
{
    regrow_request *pending;
    if (user)
        return REGROW_DONE;
    CHECK_ERROR(REGROW_ERR_SELF_CALL, regrow_agent_get(agent, NULL, NULL, LIMIT_MS, NULL));
    CHECK_ERROR(REGROW_ERR_SELF_CALL, regrow_agent_update(agent, ask_own_agent, &drops, LIMIT_MS));
    CHECK_ERROR(REGROW_ERR_SELF_CALL, regrow_agent_get_and_update(agent, ask_own_agent, &drops, LIMIT_MS, NULL));
    /* Not waited for: it runs once this one is over. */
    CHECK_OK(regrow_agent_cast(agent, ask_own_agent, &drops, count_drop));
    CHECK_OK(regrow_agent_update_async(agent, ask_own_agent, &drops, count_drop, LIMIT_MS, &pending));
    regrow_request_free(pending);
    *next = counted();
    *reply = counted();
    return REGROW_DONE;
}

static regrow_pid outer;

static regrow_next ask_who_starts_me(regrow_context *context, void *user, const regrow_term *arg,
                                     regrow_children *children)
{
    regrow_pid self;
    regrow_term listed, id = regrow_text("none");
    regrow_child_count count = { .size = sizeof count };
    CHECK_OK(regrow_self(&self));
    regrow_registry_spec registry = { .size = sizeof registry };
    regrow_child_spec child = { .size = sizeof child, .id = "r", .kind = REGROW_REGISTRY, .spec = &registry };
    const regrow_pid waits[] = { self, outer };
    for (size_t at = 0; at < 2; at++) {
        regrow_error expected = at == 0 ? REGROW_ERR_SELF_CALL : REGROW_ERR_WOULD_DEADLOCK;
        CHECK_ERROR(expected, regrow_supervisor_start_child(waits[at], &child, NULL));
        CHECK_ERROR(expected, regrow_supervisor_terminate_child(waits[at], &id));
        CHECK_ERROR(expected, regrow_supervisor_delete_child(waits[at], &id));
        CHECK_ERROR(expected, regrow_supervisor_restart_child(waits[at], &id, NULL));
        CHECK_ERROR(expected, regrow_supervisor_which_children(waits[at], &listed));
        CHECK_ERROR(expected, regrow_supervisor_count_children(waits[at], &count));
        CHECK_ERROR(expected, regrow_supervisor_get_childspec(waits[at], &id, &listed));
    }
    regrow_term_free(&id);
    atomic_fetch_add((atomic_int *)user, 1);
    return REGROW_READY;
}

static void with_itself(void)
{
    regrow_server_spec server = { .size = sizeof server, .handle_call = call_own_server };
    regrow_agent_spec agent_spec = { .size = sizeof agent_spec };
    regrow_supervisor_spec supervisor = { .size = sizeof supervisor };
    regrow_child_spec child = { .size = sizeof child, .id = "itself", .name = "itself",
                                .kind = REGROW_SERVER, .spec = &server };
    regrow_term reply;
    regrow_pid pid;
    atomic_int inits = 0;
    atomic_store(&drops, 0);
    CHECK_OK(regrow_start(root, &child, &pid));
    CHECK_OK(regrow_call(pid, regrow_nil(), LIMIT_MS, &reply));
    CHECK(regrow_is_atom(&reply, "refused"));
    CHECK(atomic_load(&drops) == 5);

    atomic_store(&drops, 0);
    agent = start_in(root, REGROW_AGENT, &agent_spec);
    CHECK_OK(regrow_agent_get_and_update(agent, ask_own_agent, NULL, LIMIT_MS, &reply));
    regrow_term_free(&reply);
    CHECK_OK(regrow_stop(agent, regrow_atom("normal"), LIMIT_MS));
    CHECK(atomic_load(&drops) == 4);

    outer = start_in(root, REGROW_SUPERVISOR, &supervisor);
    supervisor.init = ask_who_starts_me;
    supervisor.user = &inits;
    child = (regrow_child_spec){ .size = sizeof child, .id = "inner", .kind = REGROW_SUPERVISOR, .spec = &supervisor };
    CHECK_OK(regrow_supervisor_start_child(outer, &child, NULL));
    CHECK(atomic_load(&inits) == 1);
}

/* ---- from a callback that may not wait and is nobody's ---- */

static void act_up(void *user)
{
    regrow_pid self, other;
    regrow_term message;
    regrow_process_spec process = { .size = sizeof process };
    CHECK_ERROR(REGROW_ERR_CONTEXT, regrow_self(&self));
    CHECK_ERROR(REGROW_ERR_CONTEXT, regrow_receive(0, &message));
    CHECK_ERROR(REGROW_ERR_WOULD_BLOCK, regrow_sleep(1));
    CHECK_ERROR(REGROW_ERR_WOULD_BLOCK, regrow_call(*(regrow_pid *)user, counted(), LIMIT_MS, NULL));
    check_reason("would_block");
    CHECK_ERROR(REGROW_ERR_WOULD_BLOCK, regrow_init(NULL, &other));
    CHECK_ERROR(REGROW_ERR_WOULD_DEADLOCK, regrow_settle(root, LIMIT_MS, NULL));
    CHECK_ERROR(REGROW_ERR_WOULD_DEADLOCK, regrow_advance(root, 1));
    CHECK_ERROR(REGROW_ERR_WOULD_DEADLOCK, regrow_shutdown(root, LIMIT_MS, NULL));
    CHECK_ERROR(REGROW_ERR_EXISTS, regrow_enter(root, &other));
    check_reason("already_started");
    check_text(REGROW_ERR_EXISTS, "a callback cannot make its thread a process");
    CHECK_ERROR(REGROW_ERR_CONTEXT, regrow_leave());
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_spawn(root, &process, NULL));
    CHECK_OK(regrow_send(*(regrow_pid *)user, counted()));
    sem_post(&body_done);
}

static void act_up_at_reply(void *user, regrow_error error, const regrow_term *result)
{
    CHECK(error == REGROW_OK);
}

static regrow_next yes(regrow_context *context, void *state, const regrow_term *request)
{
    return regrow_reply(context, regrow_atom("yes"));
}

static regrow_next ready(regrow_context *context, void *user, const regrow_term *arg, void **state)
{
    *state = user;
    return REGROW_READY;
}

static void from_a_drop(void)
{
    regrow_server_spec plain = { .size = sizeof plain, .handle_call = yes };
    regrow_pid server = start_in(root, REGROW_SERVER, &plain);
    atomic_store(&drops, 0);
    /* The state of a server, dropped on a worker. */
    regrow_server_spec spec = { .size = sizeof spec, .init = ready, .drop = act_up, .user = &server };
    regrow_pid pid = start_in(root, REGROW_SERVER, &spec);
    CHECK_OK(regrow_stop(pid, regrow_atom("normal"), LIMIT_MS));
    while (sem_wait(&body_done))
        ;
    /* The user of a spec, by whoever lets it go last. */
    regrow_server_spec given = { .size = sizeof given, .drop_user = act_up, .user = &server, .handle_call = yes };
    pid = start_in(root, REGROW_SERVER, &given);
    CHECK_OK(regrow_stop(pid, regrow_atom("normal"), LIMIT_MS));
    while (sem_wait(&body_done))
        ;
    /* With the outcome of a request. */
    regrow_request *pending;
    CHECK_OK(regrow_call_async(server, regrow_nil(), LIMIT_MS, &pending));
    CHECK_OK(regrow_on_reply(pending, act_up_at_reply, &server, act_up));
    while (sem_wait(&body_done))
        ;
    CHECK_OK(regrow_stop(server, regrow_atom("normal"), LIMIT_MS));
    CHECK(atomic_load(&drops) == 6);
}

/* ---- out of a call that is over ---- */

static regrow_caller kept;

static regrow_next misuse(regrow_context *context, void *state, const regrow_term *request)
{
    regrow_caller again;
    if (regrow_is_atom(request, "zero"))
        return 0;
    if (regrow_is_atom(request, "code"))
        return REGROW_ERR_TIMEOUT;
    if (regrow_is_atom(request, "init"))
        return REGROW_READY;
    if (regrow_is_atom(request, "invalid"))
        return regrow_reply(context, regrow_atom(NULL));
    if (regrow_is_atom(request, "invalid reason"))
        return regrow_reply_stop(context, counted(), regrow_atom(NULL));
    if (regrow_is_atom(request, "no context"))
        return regrow_reply(NULL, counted());
    CHECK_OK(regrow_defer(context, &kept));
    CHECK_ERROR(REGROW_ERR_CONTEXT, regrow_defer(context, &again));
    return REGROW_NOREPLY;
}

static regrow_next misuse_info(regrow_context *context, void *state, const regrow_term *message)
{
    regrow_caller caller;
    CHECK_ERROR(REGROW_ERR_CONTEXT, regrow_defer(context, &caller));
    return regrow_reply(context, counted());
}

static void out_of_a_call(void)
{
    static const char *const bad[] = { "zero", "code", "init", "invalid", "invalid reason", "no context" };
    regrow_server_spec spec = { .size = sizeof spec, .handle_call = misuse, .handle_info = misuse_info };
    regrow_request *pending;
    regrow_term reply;
    atomic_store(&drops, 0);
    for (size_t at = 0; at < sizeof bad / sizeof *bad; at++) {
        regrow_pid pid = start_in(root, REGROW_SERVER, &spec);
        CHECK_ERROR(REGROW_ERR_EXITED, regrow_call(pid, regrow_atom(bad[at]), LIMIT_MS, &reply));
        check_reason("bad_return_value");
        CHECK(!regrow_is_alive(pid));
    }
    regrow_pid pid = start_in(root, REGROW_SERVER, &spec);
    CHECK_OK(regrow_send(pid, regrow_nil()));
    CHECK_OK(regrow_settle(root, LIMIT_MS, NULL));
    CHECK(!regrow_is_alive(pid));
    CHECK(atomic_load(&drops) == 3);

    /* Answered twice, after nobody waits any more, and after the server's end. */
    pid = start_in(root, REGROW_SERVER, &spec);
    CHECK_OK(regrow_call_async(pid, regrow_atom("defer"), LIMIT_MS, &pending));
    CHECK_OK(regrow_settle(root, LIMIT_MS, NULL));
    CHECK_OK(regrow_answer(kept, counted()));
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_answer(kept, counted()));
    CHECK_OK(regrow_request_wait(pending, LIMIT_MS, &reply));
    regrow_term_free(&reply);
    regrow_request_free(pending);
    CHECK_OK(regrow_call_async(pid, regrow_atom("defer"), LIMIT_MS, &pending));
    CHECK_OK(regrow_settle(root, LIMIT_MS, NULL));
    regrow_request_free(pending);
    CHECK_OK(regrow_answer(kept, counted()));
    CHECK_OK(regrow_call_async(pid, regrow_atom("defer"), LIMIT_MS, &pending));
    CHECK_OK(regrow_settle(root, LIMIT_MS, NULL));
    CHECK_OK(regrow_stop(pid, regrow_atom("normal"), LIMIT_MS));
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_answer(kept, counted()));
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_request_wait(pending, LIMIT_MS, &reply));
    check_reason("normal");
    regrow_request_free(pending);
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_answer((regrow_caller){ 0, 0 }, counted()));
    CHECK(atomic_load(&drops) == 8);
}

/* ---- two runtimes ---- */

static void with_another_runtime(void)
{
    regrow_options options = { .size = sizeof options, .workers = 1, .max_processes = 4,
                               .clock = REGROW_MANUAL, .log_level = REGROW_LOG_SILENT };
    regrow_server_spec server = { .size = sizeof server, .handle_call = yes };
    regrow_registry_spec registry_spec = { .size = sizeof registry_spec };
    regrow_pid other, there, here, self, pid;
    regrow_ref monitor;
    regrow_term reply, key = regrow_atom("key");
    CHECK_OK(regrow_init(&options, &other));
    CHECK_OK(regrow_enter(root, &self));
    CHECK_ERROR(REGROW_ERR_EXISTS, regrow_enter(other, &pid));
    check_text(REGROW_ERR_EXISTS, "the thread has a process already");
    check_already_started(self);
    here = start_in(root, REGROW_SERVER, &server);
    there = start_in(other, REGROW_SERVER, &server);
    CHECK_ERROR(REGROW_ERR_OTHER_RUNTIME, regrow_link(there));
    check_reason("badarg");
    CHECK_ERROR(REGROW_ERR_OTHER_RUNTIME, regrow_monitor(there, &monitor));
    CHECK_OK(regrow_call(there, regrow_nil(), LIMIT_MS, &reply));
    regrow_pid registry = start_in(other, REGROW_REGISTRY, &registry_spec);
    atomic_store(&drops, 0);
    CHECK_ERROR(REGROW_ERR_OTHER_RUNTIME, regrow_registry_register(registry, counted(), here, counted()));
    CHECK(atomic_load(&drops) == 2);
    CHECK_OK(regrow_registry_register(registry, regrow_term_clone(&key), there, regrow_nil()));
    regrow_address address = { .size = sizeof address, .registry = registry, .key = &key };
    CHECK_ERROR(REGROW_ERR_OTHER_RUNTIME, regrow_monitor_at(&address, &monitor));

    /* Root, two processes, and no more than a fourth. */
    regrow_child_spec child = { .size = sizeof child, .kind = REGROW_SERVER, .spec = &server };
    CHECK_OK(regrow_start(other, &child, &pid));
    CHECK_ERROR(REGROW_ERR_LIMIT, regrow_start(other, &child, &pid));
    check_reason("system_limit");
    CHECK_OK(regrow_advance(other, 1));
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_advance(root, 1));

    /* A thread of one runtime may shut the other down. */
    CHECK_OK(regrow_shutdown(other, LIMIT_MS, NULL));
    CHECK_ERROR(REGROW_ERR_NOT_ALIVE, regrow_shutdown(other, LIMIT_MS, NULL));
    CHECK_ERROR(REGROW_ERR_NO_PROCESS, regrow_call(there, regrow_nil(), LIMIT_MS, &reply));
    CHECK_OK(regrow_call(here, regrow_nil(), LIMIT_MS, &reply));
    CHECK_OK(regrow_leave());
}

/* ---- killed while it waits ---- */

typedef struct victim {
    regrow_pid host, self;
    int way;
    sem_t ready;
} victim;

static void deliver(void *user, regrow_pid pid, const regrow_term *message, regrow_caller caller)
{
    regrow_pid *to_kill = user;
    CHECK_OK(regrow_exit(*to_kill, regrow_atom("kill")));
}

static regrow_next be_killed(regrow_context *context, void *user)
{
    victim *victim = user;
    regrow_term message;
    regrow_server_spec server = { .size = sizeof server };
    regrow_child_spec never = { .size = sizeof never, .kind = REGROW_SERVER, .spec = &server };
    CHECK_OK(regrow_self(&victim->self));
    regrow_request *pending = NULL;
    if (victim->way == 3)
        CHECK_OK(regrow_call_async(victim->host, counted(), REGROW_INFINITY, &pending));
    else if (victim->way != 0)
        CHECK_OK(regrow_send_after(victim->host, 1, regrow_nil(), NULL));
    switch (victim->way) {
    case 0: CHECK_ERROR(REGROW_ERR_KILLED, regrow_call(victim->host, counted(), REGROW_INFINITY, &message)); break;
    case 1: CHECK_ERROR(REGROW_ERR_KILLED, regrow_receive(REGROW_INFINITY, &message)); break;
    case 2: CHECK_ERROR(REGROW_ERR_KILLED, regrow_sleep(3600000)); break;
    case 3: CHECK_ERROR(REGROW_ERR_KILLED, regrow_request_wait(pending, REGROW_INFINITY, &message)); break;
    default: break;
    }
    check_reason("killed");
    /* And so does every other, however often: it never waits again. */
    for (int round = 0; round < 100; round++) {
        CHECK_ERROR(REGROW_ERR_KILLED, regrow_receive(REGROW_INFINITY, &message));
        CHECK_ERROR(REGROW_ERR_KILLED, regrow_call(victim->host, counted(), REGROW_INFINITY, &message));
        CHECK_ERROR(REGROW_ERR_KILLED, regrow_start(root, &never, NULL));
    }
    regrow_request_free(pending);
    sem_post(&body_done);
    return REGROW_DONE;
}

static void killed_while_it_waits(void)
{
    for (int way = 0; way < 4; way++) {
        victim victim = { .way = way };
        regrow_host_spec host = { .size = sizeof host, .deliver = deliver, .user = &victim.self };
        victim.host = start_in(root, REGROW_HOST, &host);
        atomic_store(&drops, 0);
        run_body(be_killed, &victim);
        CHECK_OK(regrow_host_exit(victim.host, regrow_atom("normal")));
        CHECK_OK(regrow_settle(root, LIMIT_MS, NULL));
        CHECK(atomic_load(&drops) == 100 + (way == 0 || way == 3));
    }
}

/* ---- whose the last error is, and what it says ---- */

static regrow_next stop_with_boom(regrow_context *context, void *state, const regrow_term *request)
{
    regrow_term items[] = { regrow_atom("boom"), regrow_int(1) };
    return regrow_stop_self(context, regrow_tuple(items, 2));
}

static regrow_next refuse_start(regrow_context *context, void *user, const regrow_term *arg, void **state)
{
    regrow_term items[] = { regrow_atom("boom"), regrow_int(2) };
    return user ? REGROW_IGNORE : regrow_stop_self(context, regrow_tuple(items, 2));
}

static regrow_next own_error(regrow_context *context, void *user)
{
    regrow_term reason;
    CHECK(regrow_last_error(NULL, 0) == REGROW_OK);
    CHECK(regrow_last_reason(&reason) == REGROW_ERR_NOT_FOUND);
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_whereis(root, "nobody", &(regrow_pid){ 0 }));
    /* It follows the process over a park, whoever runs meanwhile. */
    CHECK_OK(regrow_sleep(2));
    CHECK(regrow_last_error(NULL, 0) == REGROW_ERR_NOT_FOUND);
    check_reason("not_found");
    sem_post(&body_done);
    return REGROW_DONE;
}

static void *no_error_yet(void *unused)
{
    regrow_term reason;
    char text[8] = "before";
    CHECK(regrow_last_error(text, sizeof text) == REGROW_OK && text[0] == '\0');
    CHECK(regrow_last_reason(&reason) == REGROW_ERR_NOT_FOUND);
    CHECK(regrow_last_reason(NULL) == REGROW_ERR_ARGUMENT);
    CHECK(regrow_last_error(NULL, 0) == REGROW_OK);
    return NULL;
}

static void last_errors(void)
{
    pthread_t thread;
    char text[8], whole[256], expected[64];
    regrow_pid pid, other, zero = { 0 };
    regrow_server_spec boom = { .size = sizeof boom, .handle_call = stop_with_boom };
    regrow_server_spec refusing = { .size = sizeof refusing, .init = refuse_start };
    regrow_child_spec child = { .size = sizeof child, .id = "named", .name = "named",
                                .kind = REGROW_SERVER, .spec = &boom };
    CHECK(pthread_create(&thread, NULL, no_error_yet, NULL) == 0 && pthread_join(thread, NULL) == 0);
    CHECK_ERROR(REGROW_ERR_NO_PROCESS, regrow_call(zero, regrow_nil(), LIMIT_MS, NULL));
    run_body(own_error, NULL);
    CHECK(regrow_last_error(whole, sizeof whole) == REGROW_ERR_NO_PROCESS);
    /* Cut, with its NUL; left alone by what goes well. */
    memset(text, 'x', sizeof text);
    CHECK(regrow_last_error(text, 4) == REGROW_ERR_NO_PROCESS);
    CHECK(strlen(text) == 3 && strncmp(text, whole, 3) == 0 && text[4] == 'x');
    CHECK(regrow_last_error(text, 0) == REGROW_ERR_NO_PROCESS && text[4] == 'x');

    CHECK_OK(regrow_start(root, &child, &pid));
    check_reason("noproc");
    CHECK_ERROR(REGROW_ERR_EXISTS, regrow_start(root, &child, &other));
    regrow_term items[] = { regrow_atom("already_started"), regrow_from_pid(pid) };
    regrow_term tuple = regrow_tuple(items, 2);
    regrow_term_print(&tuple, expected, sizeof expected);
    check_reason(expected);
    regrow_term_free(&tuple);
    CHECK_ERROR(REGROW_ERR_EXISTS, regrow_register(pid, "second"));
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_call(pid, regrow_nil(), LIMIT_MS, NULL));
    check_reason("{boom,1}");
    child = (regrow_child_spec){ .size = sizeof child, .id = "refusing", .kind = REGROW_SERVER, .spec = &refusing };
    CHECK_ERROR(REGROW_ERR_START, regrow_start(root, &child, &pid));
    check_reason("{boom,2}");
    CHECK_ERROR(REGROW_ERR_START, regrow_supervisor_start_child(root, &child, &pid));
    check_reason("{boom,2}");
    refusing.user = &drops;
    CHECK_ERROR(REGROW_ERR_IGNORED, regrow_start(root, &child, &pid));
    check_reason("ignore");
    for (int error = 0; error <= REGROW_ERR_RESTARTING; error++)
        CHECK(strncmp(regrow_error_name(error), error ? "REGROW_ERR_" : "REGROW_OK", error ? 11 : 9) == 0);
    CHECK(strcmp(regrow_error_name(-1), regrow_error_name(1000)) == 0);
}

/* ---- forks ---- */

static regrow_next fork_here(regrow_context *context, void *user)
{
    fflush(NULL);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        alarm(10);
        regrow_pid self;
        regrow_term message;
        bool refused = regrow_self(&self) == REGROW_ERR_FORKED
                    && regrow_receive(REGROW_INFINITY, &message) == REGROW_ERR_FORKED
                    && regrow_leave() == REGROW_ERR_FORKED && regrow_shutdown(root, 1, NULL) == REGROW_ERR_FORKED
                    && regrow_stop_self(context, regrow_nil()) == 0;
        _exit(refused ? 0 : 1);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    sem_post(&body_done);
    return REGROW_DONE;
}

/* Whoever forked before there was a runtime may have one. */
static void before_any_runtime(void)
{
    regrow_term term = counted();
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        alarm(10);
        CHECK_OK(regrow_init(NULL, &root));
        CHECK_OK(regrow_shutdown(root, LIMIT_MS, NULL));
        regrow_term_free(&term);
        _exit(atomic_load(&drops) == 1 ? 0 : 1);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    regrow_term_free(&term);
}

int main(void)
{
    regrow_options options = { .size = sizeof options, .workers = 2, .log_level = REGROW_LOG_SILENT };
    before_any_runtime();
    CHECK(sem_init(&body_done, 0, 0) == 0);
    CHECK_OK(regrow_init(&options, &root));
    with_itself();
    from_a_drop();
    out_of_a_call();
    with_another_runtime();
    killed_while_it_waits();
    last_errors();
    run_body(fork_here, NULL);
    CHECK_OK(regrow_shutdown(root, LIMIT_MS, NULL));
    printf("bad_places: done\n");
    return 0;
}
