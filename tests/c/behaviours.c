/* Behaviours that go by a name; and functions in which nothing waits. */
#include "support.h"

typedef struct state {
    regrow_term arg;
} state;

static atomic_int states;

static regrow_next init(regrow_context *context, void *user, const regrow_term *arg, void **made)
{
    if (regrow_is_atom(arg, "fail"))
        return regrow_stop_self(context, regrow_atom("failed"));
    state *mine = malloc(sizeof *mine);
    mine->arg = regrow_term_clone(arg);
    *made = mine;
    atomic_fetch_add(&states, 1);
    return REGROW_READY;
}

static regrow_next handle_call(regrow_context *context, void *mine, const regrow_term *request)
{
    return regrow_reply(context, regrow_term_clone(&((state *)mine)->arg));
}

static void drop(void *given)
{
    state *mine = given;
    regrow_term_free(&mine->arg);
    free(mine);
    atomic_fetch_sub(&states, 1);
}

static regrow_server_spec server_spec(const regrow_term *arg)
{
    return (regrow_server_spec){ .size = sizeof(regrow_server_spec), .init = init, .handle_call = handle_call,
                                 .drop = drop, .arg = arg };
}

static void a_server_is_started_by_the_name_of_its_behaviour(void)
{
    regrow_term first = regrow_atom("first"), second = regrow_atom("second"), reply;
    regrow_server_spec server = server_spec(&first);
    CHECK_OK(regrow_behaviour_register("keeper", &server));
    regrow_behaviour_spec named = { .size = sizeof named, .name = "keeper" };
    regrow_child_spec how = child(REGROW_BEHAVIOUR, &named);
    regrow_pid pid;
    /* Its own argument, and that of the spec. */
    CHECK_OK(regrow_start(root, &how, &pid));
    CHECK_OK(regrow_call(pid, regrow_nil(), LONG_MS, &reply));
    CHECK_TERM("first", &reply);
    CHECK_OK(regrow_stop(pid, regrow_atom("normal"), LONG_MS));
    named.arg = &second;
    CHECK_OK(regrow_start(root, &how, &pid));
    CHECK_OK(regrow_call(pid, regrow_nil(), LONG_MS, &reply));
    CHECK_TERM("second", &reply);
    CHECK_OK(regrow_stop(pid, regrow_atom("normal"), LONG_MS));
    EVENTUALLY(states == 0); /* a state goes after others are told of the end */
}

static void it_is_a_child_as_any_other_and_restarted(void)
{
    regrow_term arg = regrow_int(7), reply;
    regrow_behaviour_spec named = { .size = sizeof named, .name = "keeper", .arg = &arg };
    regrow_child_spec how = child(REGROW_BEHAVIOUR, &named);
    how.id = "keeper";
    how.name = "the keeper";
    regrow_supervisor_spec tree = { .size = sizeof tree, .children = &how, .child_count = 1 };
    regrow_child_spec supervisor = child(REGROW_SUPERVISOR, &tree);
    regrow_pid pid, first;
    CHECK_OK(regrow_start(root, &supervisor, &pid));
    CHECK_OK(regrow_whereis(root, "the keeper", &first));
    kill_and_wait(first); /* and its name is free */
    regrow_address again = { .size = sizeof again, .runtime = root, .name = "the keeper", .wait_ms = LONG_MS };
    CHECK_OK(regrow_call_at(&again, regrow_nil(), LONG_MS, &reply));
    CHECK_TERM("7", &reply);
    CHECK_OK(regrow_stop(pid, regrow_atom("normal"), LONG_MS));
    EVENTUALLY(states == 0);
}

static void a_name_is_taken_once_and_an_unknown_one_is_refused(void)
{
    atomic_int dropped = 0;
    regrow_server_spec server = server_spec(NULL);
    server.user = &dropped;
    server.drop_user = count_up;
    CHECK_ERROR(REGROW_ERR_EXISTS, regrow_behaviour_register("keeper", &server));
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_behaviour_register("", &server));
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_behaviour_register(NULL, &server));
    CHECK(dropped == 3);
    CHECK_OK(regrow_behaviour_register("another", &server));
    CHECK(dropped == 3);
    regrow_behaviour_spec named = { .size = sizeof named, .name = "nobody" };
    regrow_child_spec how = child(REGROW_BEHAVIOUR, &named);
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_start(root, &how, NULL));
    named.name = NULL;
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_start(root, &how, NULL));
    named.size = 4;
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_start(root, &how, NULL));
    regrow_term arg = regrow_atom("fail");
    named = (regrow_behaviour_spec){ .size = sizeof named, .name = "keeper", .arg = &arg };
    CHECK_ERROR(REGROW_ERR_START, regrow_start(root, &how, NULL));
}

/* ---- nothing waits ---- */

typedef struct attempt {
    regrow_pid pid;
    regrow_error call, send, self;
    int runs;
} attempt;

static void try_to_wait(void *user)
{
    attempt *mine = user;
    regrow_pid pid;
    mine->call = regrow_call(mine->pid, regrow_nil(), LONG_MS, NULL);
    mine->send = regrow_send(mine->pid, regrow_nil());
    mine->self = regrow_self(&pid);
    mine->runs++;
}

static void what_would_wait_in_a_function_that_may_not_is_refused(void)
{
    regrow_server_spec server = server_spec(NULL);
    regrow_child_spec how = child(REGROW_SERVER, &server);
    attempt mine = { .runs = 0 };
    CHECK_OK(regrow_start(root, &how, &mine.pid));
    CHECK_OK(regrow_without_waiting(try_to_wait, &mine));
    CHECK(mine.runs == 1 && mine.call == REGROW_ERR_WOULD_BLOCK && mine.send == REGROW_OK);
    CHECK(mine.self == REGROW_ERR_CONTEXT);
    /* And then it is as before. */
    CHECK_OK(regrow_call(mine.pid, regrow_nil(), LONG_MS, NULL));
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_without_waiting(NULL, NULL));
    CHECK_OK(regrow_stop(mine.pid, regrow_atom("normal"), LONG_MS));
}

int main(void)
{
    open_runtime((regrow_options){ .workers = 2 });
    RUN(a_server_is_started_by_the_name_of_its_behaviour);
    RUN(it_is_a_child_as_any_other_and_restarted);
    RUN(a_name_is_taken_once_and_an_unknown_one_is_refused);
    RUN(what_would_wait_in_a_function_that_may_not_is_refused);
    close_runtime();
    return 0;
}
