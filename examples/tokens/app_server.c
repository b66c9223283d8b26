/* AppServer: gets tokens for one app, one at a time. Whoever asks while it is at it waits, and then finds what it got:
 * ten who ask at once cost one command. */
#include "tokens.h"
#include <stdlib.h>

struct app_server {
    const struct tokens *tokens;
    regrow_pid self;
    regrow_term app;
    regrow_ref timer; /* of the token's replacement; zero: none */
};

/* ---- rows: {App, Token, ExpiresMs} ---- */

static int64_t time_left(const struct tokens *tokens, const regrow_term *row)
{
    uint64_t now;
    int64_t expires;
    if (regrow_now(tokens->root, &now) != REGROW_OK || !regrow_as_int(regrow_tuple_get(row, 2), &expires))
        return 0;
    return expires - (int64_t)now;
}

/* The row of an app, if there is one that has not expired. */
static bool read_row(const struct tokens *tokens, const regrow_term *app, regrow_term *row)
{
    regrow_table table;
    if (regrow_table_whereis(tokens->root, tokens->table, &table) != REGROW_OK ||
        regrow_table_get(table, app, row) != REGROW_OK)
        return false;
    if (time_left(tokens, row) > 0)
        return true;
    regrow_term_free(row);
    return false;
}

static regrow_term take_token(regrow_term row)
{
    regrow_term token = regrow_term_clone(regrow_tuple_get(&row, 1));
    regrow_term_free(&row);
    return token;
}

/* ---- the server ---- */

static void start_timer(struct app_server *server, const regrow_term *row)
{
    int64_t ms = time_left(server->tokens, row) - server->tokens->early_ms;
    if (server->timer.id)
        regrow_cancel_timer(server->self, server->timer, REGROW_FLUSH, NULL);
    server->timer.id = 0;
    regrow_start_timer(server->self, ms > 0 ? (uint32_t)ms : 0, regrow_atom("soft_expiry"), &server->timer);
}

static void write_row(struct app_server *server, const regrow_term *row)
{
    regrow_table table;
    if (regrow_table_whereis(server->tokens->root, server->tokens->table, &table) == REGROW_OK)
        regrow_table_insert(table, regrow_term_clone(row));
    start_timer(server, row);
}

static regrow_next save(regrow_context *context, void *user, const regrow_term *row, regrow_term *value)
{
    const struct tokens *tokens = user;
    return tokens->save(tokens->user, row) == REGROW_OK ? REGROW_DONE
                                                        : regrow_stop_self(context, regrow_atom("not_saved"));
}

/* In a task: a slow storage keeps nobody waiting for a token, and one that fails ends only the task. */
static void save_in_task(const struct tokens *tokens, const regrow_term *row)
{
    regrow_task_spec task = { .size = sizeof task, .run = save, .user = (void *)tokens, .argument = row };
    regrow_pid supervisor;
    if (regrow_whereis(tokens->root, tokens->task_supervisor, &supervisor) == REGROW_OK)
        regrow_task_supervisor_start_child(supervisor, &task, NULL);
}

/* A new token, into the table and to the storage. */
static regrow_error acquire(struct app_server *server, regrow_term *token)
{
    const struct tokens *tokens = server->tokens;
    const char *app;
    uint64_t now;
    regrow_error error = regrow_as_text(&server->app, &app) ? tokens->command(tokens->user, app, token)
                                                            : REGROW_ERR_ARGUMENT;
    if (error)
        return error;
    error = regrow_now(tokens->root, &now);
    if (error) {
        regrow_term_free(token);
        return error;
    }
    regrow_term items[] = { regrow_term_clone(&server->app), regrow_term_clone(token),
                            regrow_int((int64_t)now + tokens->ttl_ms) };
    regrow_term row = regrow_tuple(items, 3);
    write_row(server, &row);
    save_in_task(tokens, &row);
    regrow_term_free(&row);
    return REGROW_OK;
}

/* From the table, else from the storage, else a new one. */
static regrow_error get(struct app_server *server, regrow_term *token)
{
    const struct tokens *tokens = server->tokens;
    regrow_term row;
    if (read_row(tokens, &server->app, &row)) {
        *token = take_token(row);
        return REGROW_OK;
    }
    if (tokens->load(tokens->user, &server->app, &row) == REGROW_OK) {
        if (time_left(tokens, &row) > 0) {
            write_row(server, &row);
            *token = take_token(row);
            return REGROW_OK;
        }
        regrow_term_free(&row);
    }
    return acquire(server, token);
}

/* The old token is out of the table before the new one is asked for. Who looks meanwhile asks this server, which
 * answers when it has the new one: in between there is nothing to be seen. */
static regrow_error refresh(struct app_server *server, regrow_term *token)
{
    regrow_table table;
    if (regrow_table_whereis(server->tokens->root, server->tokens->table, &table) == REGROW_OK)
        regrow_table_delete_key(table, &server->app);
    return acquire(server, token);
}

static regrow_next app_server_call(regrow_context *context, void *state, const regrow_term *request)
{
    struct app_server *server = state;
    regrow_term token;
    regrow_error error = regrow_is_atom(request, "refresh") ? refresh(server, &token) : get(server, &token);
    regrow_term answer[] = { regrow_atom("ok"), regrow_nil() };
    if (error) {
        answer[0] = regrow_atom("error");
        token = regrow_int(error);
    }
    answer[1] = token;
    return regrow_reply(context, regrow_tuple(answer, 2));
}

/* {timeout, Ref, soft_expiry}: the token is still good, and stays in the table until there is another. */
static regrow_next app_server_info(regrow_context *context, void *state, const regrow_term *message)
{
    struct app_server *server = state;
    regrow_ref timer;
    regrow_term token;
    if (regrow_as_ref(regrow_tuple_get(message, 1), &timer) && timer.id == server->timer.id) {
        server->timer.id = 0;
        if (acquire(server, &token) == REGROW_OK)
            regrow_term_free(&token);
    }
    return REGROW_NOREPLY;
}

static void app_server_drop(void *state)
{
    struct app_server *server = state;
    regrow_term_free(&server->app);
    free(server);
}

/* One that is started again finds the token of the one before in the table. */
static regrow_next app_server_init(regrow_context *context, void *user, const regrow_term *app, void **state)
{
    struct app_server *server = calloc(1, sizeof *server);
    regrow_term row;
    if (!server || regrow_self(&server->self) != REGROW_OK) {
        free(server);
        return regrow_stop_self(context, regrow_atom("no_memory"));
    }
    server->tokens = user;
    server->app = regrow_term_clone(app);
    if (read_row(server->tokens, app, &row)) {
        start_timer(server, &row);
        regrow_term_free(&row);
    }
    *state = server;
    return REGROW_READY;
}

const regrow_server_spec app_server = {
    .size = sizeof app_server,
    .init = app_server_init,
    .handle_call = app_server_call,
    .handle_info = app_server_info,
    .drop = app_server_drop,
};

/* ---- for everybody ---- */

static regrow_error ask(const struct tokens *tokens, const char *app, const char *request, regrow_term *token)
{
    regrow_pid server;
    regrow_term answer;
    int64_t failure = REGROW_ERR_WRONG_KIND;
    regrow_error error = tokens_resolve(tokens, app, &server);
    if (!error)
        error = regrow_call(server, regrow_atom(request), REGROW_INFINITY, &answer);
    if (error)
        return error;
    if (regrow_is_atom(regrow_tuple_get(&answer, 0), "ok")) {
        *token = take_token(answer);
        return REGROW_OK;
    }
    regrow_as_int(regrow_tuple_get(&answer, 1), &failure);
    regrow_term_free(&answer);
    return (regrow_error)failure;
}

/* Nearly always the table has it, and no process is asked. */
regrow_error tokens_get(const struct tokens *tokens, const char *app, regrow_term *token)
{
    regrow_term key = regrow_text(app), row;
    bool is_there = read_row(tokens, &key, &row);
    regrow_term_free(&key);
    if (!is_there)
        return ask(tokens, app, "get", token);
    *token = take_token(row);
    return REGROW_OK;
}

regrow_error tokens_refresh(const struct tokens *tokens, const char *app, regrow_term *token)
{
    return ask(tokens, app, "refresh", token);
}
