/* Pooly.Server: hands workers out and takes them back.
 *
 * A worker is in the array of the idle, or in the table `monitors`. The server monitors its workers, and the clients
 * that hold one or wait for one; every DOWN is one of these, or the worker supervisor's. */
#include "pooly.h"
#include <stdlib.h>
#include <string.h>

struct waiter {
    struct waiter *next;
    regrow_caller caller;
    regrow_ref monitor; /* of the client */
};

struct server {
    const struct pool *pool;
    regrow_pid worker_supervisor;
    regrow_table monitors;
    struct waiter *waiting; /* the longest first */
    size_t idle_count;
    regrow_pid idle[];      /* at most the size of the pool */
};

/* ---- in and out ---- */

/* Takes the row of a worker out of `monitors`. False: it is not out. */
static bool take_row(struct server *server, regrow_pid worker, regrow_ref *client)
{
    regrow_term key = regrow_from_pid(worker), rows;
    if (regrow_table_take(server->monitors, &key, &rows) != REGROW_OK)
        return false;
    bool is_out = regrow_as_ref(regrow_tuple_get(regrow_list_head(&rows), 1), client);
    regrow_term_free(&rows);
    return is_out;
}

static void hand_out(struct server *server, regrow_pid worker, regrow_ref client)
{
    regrow_term row[] = { regrow_from_pid(worker), regrow_from_ref(client) };
    regrow_table_insert(server->monitors, regrow_tuple(row, 2));
}

/* A worker that is nobody's goes to whoever waits longest. Should that one be dead, its DOWN brings the worker back. */
static void put_back(struct server *server, regrow_pid worker)
{
    struct waiter *waiter = server->waiting;
    if (!waiter) {
        server->idle[server->idle_count++] = worker;
        return;
    }
    server->waiting = waiter->next;
    hand_out(server, worker, waiter->monitor);
    regrow_answer(waiter->caller, regrow_from_pid(worker));
    free(waiter);
}

/* A worker that cannot be started leaves the pool one short; it is no reason for the others to end. When the worker
 * supervisor itself is gone, its DOWN ends this server. */
static void add_worker(struct server *server)
{
    regrow_term no_argument = regrow_nil();
    regrow_pid worker;
    regrow_ref monitor;
    if (regrow_supervisor_start_instance(server->worker_supervisor, &no_argument, &worker) == REGROW_OK &&
        regrow_monitor(worker, &monitor) == REGROW_OK)
        put_back(server, worker);
}

/* ---- who died ---- */

static bool worker_died(struct server *server, regrow_pid worker)
{
    regrow_ref client;
    size_t at = 0;
    if (take_row(server, worker, &client)) {
        regrow_demonitor(client, REGROW_FLUSH, NULL);
    } else {
        while (at < server->idle_count && server->idle[at].id != worker.id)
            at++;
        if (at == server->idle_count)
            return false;
        server->idle_count--;
        memmove(&server->idle[at], &server->idle[at + 1], (server->idle_count - at) * sizeof *server->idle);
    }
    add_worker(server);
    return true;
}

static bool holder_died(struct server *server, regrow_ref monitor)
{
    regrow_term items[] = { regrow_atom("$1"), regrow_from_ref(monitor) };
    regrow_term pattern = regrow_tuple(items, 2), found;
    regrow_pid worker;
    if (regrow_table_match(server->monitors, &pattern, &found) != REGROW_OK)
        return false;
    bool is_holder = regrow_as_pid(regrow_list_head(regrow_list_head(&found)), &worker);
    if (is_holder && take_row(server, worker, &monitor))
        put_back(server, worker);
    regrow_term_free(&found);
    regrow_term_free(&pattern);
    return is_holder;
}

static void waiter_died(struct server *server, regrow_ref monitor)
{
    for (struct waiter **at = &server->waiting; *at; at = &(*at)->next) {
        struct waiter *waiter = *at;
        if (waiter->monitor.id == monitor.id) {
            *at = waiter->next;
            free(waiter);
            return;
        }
    }
}

static regrow_next server_info(regrow_context *context, void *state, const regrow_term *message)
{
    struct server *server = state;
    regrow_ref monitor;
    regrow_pid pid;
    if (!regrow_is_atom(regrow_tuple_get(message, 0), "DOWN") ||
        !regrow_as_ref(regrow_tuple_get(message, 1), &monitor) || !regrow_as_pid(regrow_tuple_get(message, 3), &pid))
        return REGROW_NOREPLY;
    if (pid.id == server->worker_supervisor.id)
        return regrow_stop_self(context, regrow_term_clone(regrow_tuple_get(message, 4)));
    if (!worker_died(server, pid) && !holder_died(server, monitor))
        waiter_died(server, monitor);
    return REGROW_NOREPLY;
}

/* ---- what it is asked ---- */

static regrow_next checkout(regrow_context *context, struct server *server, regrow_pid client, bool block)
{
    regrow_ref monitor;
    if (!server->idle_count && !block)
        return regrow_reply(context, regrow_atom("full"));
    if (regrow_monitor(client, &monitor) != REGROW_OK)
        return regrow_reply(context, regrow_atom("bad_client"));
    if (server->idle_count) {
        regrow_pid worker = server->idle[--server->idle_count];
        hand_out(server, worker, monitor);
        return regrow_reply(context, regrow_from_pid(worker));
    }
    struct waiter *waiter = calloc(1, sizeof *waiter), **last = &server->waiting;
    if (!waiter || regrow_defer(context, &waiter->caller) != REGROW_OK) {
        free(waiter);
        return regrow_stop_self(context, regrow_atom("no_memory"));
    }
    waiter->monitor = monitor;
    while (*last)
        last = &(*last)->next;
    *last = waiter;
    return REGROW_NOREPLY;
}

static regrow_next server_call(regrow_context *context, void *state, const regrow_term *request)
{
    struct server *server = state;
    regrow_pid client;
    bool block;
    size_t out;
    if (regrow_is_atom(request, "status") && regrow_table_size(server->monitors, &out) == REGROW_OK) {
        regrow_term status[] = { regrow_int((int64_t)server->idle_count), regrow_int((int64_t)out) };
        return regrow_reply(context, regrow_tuple(status, 2));
    }
    if (regrow_is_atom(regrow_tuple_get(request, 0), "checkout") &&
        regrow_as_pid(regrow_tuple_get(request, 1), &client) && regrow_as_bool(regrow_tuple_get(request, 2), &block))
        return checkout(context, server, client, block);
    return regrow_reply(context, regrow_atom("bad_request"));
}

/* A worker that is not out, or none of this pool's, is not taken in. */
static regrow_next server_cast(regrow_context *context, void *state, const regrow_term *message)
{
    struct server *server = state;
    regrow_pid worker;
    regrow_ref client;
    if (regrow_is_atom(regrow_tuple_get(message, 0), "checkin") &&
        regrow_as_pid(regrow_tuple_get(message, 1), &worker) && take_row(server, worker, &client)) {
        regrow_demonitor(client, REGROW_FLUSH, NULL);
        put_back(server, worker);
    }
    return REGROW_NOREPLY;
}

/* ---- its beginning and its end ---- */

/* The supervisor waits for this, so it is too early to ask it for another child: that is done in the continuation. */
static regrow_next server_init(regrow_context *context, void *user, const regrow_term *arg, void **state)
{
    const struct pool *pool = user;
    struct server *server = calloc(1, sizeof *server + pool->size * sizeof *server->idle);
    regrow_table_spec monitors = { .size = sizeof monitors, .name = "monitors", .access = REGROW_PROTECTED };
    if (!server || regrow_table_new(&monitors, &server->monitors) != REGROW_OK) {
        free(server);
        return regrow_stop_self(context, regrow_atom("no_table"));
    }
    server->pool = pool;
    *state = server;
    return regrow_continue(context, REGROW_READY, regrow_atom("start_worker_supervisor"));
}

static regrow_next start_worker_supervisor(regrow_context *context, void *state, const regrow_term *argument)
{
    struct server *server = state;
    struct worker_supervisor workers;
    regrow_pid supervisor;
    regrow_ref monitor;
    worker_supervisor_spec(&workers, REGROW_TEMPORARY);
    if (regrow_whereis(server->pool->root, SUPERVISOR, &supervisor) != REGROW_OK ||
        regrow_supervisor_start_child(supervisor, &workers.child, &server->worker_supervisor) != REGROW_OK ||
        regrow_monitor(server->worker_supervisor, &monitor) != REGROW_OK)
        return regrow_stop_self(context, regrow_atom("no_worker_supervisor"));
    for (size_t count = 0; count < server->pool->size; count++)
        add_worker(server);
    return REGROW_NOREPLY;
}

static void server_drop(void *state)
{
    struct server *server = state;
    for (struct waiter *next; server->waiting; server->waiting = next) {
        next = server->waiting->next;
        free(server->waiting);
    }
    free(server);
}

const regrow_server_spec pooly_server = {
    .size = sizeof pooly_server,
    .init = server_init,
    .handle_continue = start_worker_supervisor,
    .handle_call = server_call,
    .handle_cast = server_cast,
    .handle_info = server_info,
    .drop = server_drop,
};

/* ---- for clients ---- */

static regrow_address server_address(const struct pool *pool)
{
    return (regrow_address){ .size = sizeof(regrow_address), .runtime = pool->root, .name = SERVER };
}

regrow_error pooly_checkout(const struct pool *pool, bool block, regrow_pid *worker)
{
    regrow_address server = server_address(pool);
    regrow_pid client;
    regrow_error error = regrow_self(&client);
    if (error)
        return error;
    regrow_term request[] = { regrow_atom("checkout"), regrow_from_pid(client), regrow_bool(block) }, answer;
    error = regrow_call_at(&server, regrow_tuple(request, 3), REGROW_INFINITY, &answer);
    if (error)
        return error;
    if (!regrow_as_pid(&answer, worker))
        error = regrow_is_atom(&answer, "full") ? REGROW_ERR_LIMIT : REGROW_ERR_ARGUMENT;
    regrow_term_free(&answer);
    return error;
}

regrow_error pooly_checkin(const struct pool *pool, regrow_pid worker)
{
    regrow_address server = server_address(pool);
    regrow_term message[] = { regrow_atom("checkin"), regrow_from_pid(worker) };
    return regrow_cast_at(&server, regrow_tuple(message, 2));
}

regrow_error pooly_status(const struct pool *pool, int64_t *idle, int64_t *out)
{
    regrow_address server = server_address(pool);
    regrow_term answer;
    regrow_error error = regrow_call_at(&server, regrow_atom("status"), REGROW_INFINITY, &answer);
    if (error)
        return error;
    if (!regrow_as_int(regrow_tuple_get(&answer, 0), idle) || !regrow_as_int(regrow_tuple_get(&answer, 1), out))
        error = REGROW_ERR_WRONG_KIND;
    regrow_term_free(&answer);
    return error;
}
