/* The pool, and everything that can die in it. */
#include "pooly.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { SIZE = 5 };

/* Until everybody has done what there is to do, so that the next line finds what it should. */
static void settle(const struct pool *pool)
{
    must(regrow_settle(pool->root, REGROW_INFINITY, NULL), "settle");
}

/* ---- looking at it ---- */

/* What the server says, and what its table says, which anybody may ask. */
static void print_status(const struct pool *pool, const char *line)
{
    regrow_table monitors;
    int64_t idle, out;
    size_t size;
    settle(pool);
    must(pooly_status(pool, &idle, &out), "status");
    must(regrow_table_whereis(pool->root, "monitors", &monitors), "monitors");
    must(regrow_table_size(monitors, &size), "monitors");
    printf("%s: %" PRId64 " idle, %" PRId64 " out, monitors has %zu\n", line, idle, out, size);
}

static void print_tree(regrow_pid supervisor, int depth)
{
    regrow_term children;
    regrow_pid child;
    must(regrow_supervisor_which_children(supervisor, &children), "which_children");
    for (const regrow_term *rest = &children; !regrow_is_nil(rest); rest = regrow_list_tail(rest)) {
        const regrow_term *row = regrow_list_head(rest);
        const char *id = "?";
        regrow_as_text(regrow_tuple_get(row, 0), &id); /* `undefined` for an instance of a template */
        printf("%*s%s\n", depth * 2, "", id);
        if (regrow_is_atom(regrow_tuple_get(row, 2), "supervisor") && regrow_as_pid(regrow_tuple_get(row, 1), &child))
            print_tree(child, depth + 1);
    }
    regrow_term_free(&children);
}

/* Who is who at this moment. */
struct members {
    regrow_pid supervisor, server, worker_supervisor, workers[SIZE];
};

static struct members members(const struct pool *pool)
{
    struct members members = { 0 };
    regrow_term id = regrow_text(WORKER_SUPERVISOR), children;
    settle(pool);
    must(regrow_whereis(pool->root, SERVER, &members.server), SERVER);
    must(regrow_whereis(pool->root, SUPERVISOR, &members.supervisor), SUPERVISOR);
    must(regrow_supervisor_lookup(members.supervisor, &id, &members.worker_supervisor), WORKER_SUPERVISOR);
    must(regrow_supervisor_which_children(members.worker_supervisor, &children), "which_children");
    size_t count = 0;
    for (const regrow_term *rest = &children; !regrow_is_nil(rest) && count < SIZE; rest = regrow_list_tail(rest))
        if (regrow_as_pid(regrow_tuple_get(regrow_list_head(rest), 1), &members.workers[count]))
            count++;
    regrow_term_free(&children);
    regrow_term_free(&id);
    return members;
}

static size_t new_workers(const struct members *before, const struct members *after)
{
    size_t count = 0;
    for (size_t at = 0; at < SIZE; at++) {
        size_t old = 0;
        while (old < SIZE && before->workers[old].id != after->workers[at].id)
            old++;
        count += old == SIZE && regrow_is_alive(after->workers[at]);
    }
    return count;
}

static const char *change(regrow_pid before, regrow_pid after)
{
    return before.id == after.id ? "the same" : "new";
}

static void print_change(const struct pool *pool, const struct members *before)
{
    struct members after = members(pool);
    printf("  supervisor: %s, server: %s, worker supervisor: %s, new workers: %zu\n",
           change(before->supervisor, after.supervisor), change(before->server, after.server),
           change(before->worker_supervisor, after.worker_supervisor), new_workers(before, &after));
}

/* ---- clients ---- */

/* A client takes a worker, waiting for one if it must, and holds it until somebody kills the client. */
static regrow_next client(regrow_context *context, void *user)
{
    regrow_pid worker;
    regrow_term never;
    if (pooly_checkout(user, true, &worker) == REGROW_OK && regrow_receive(REGROW_INFINITY, &never) == REGROW_OK)
        regrow_term_free(&never);
    return REGROW_DONE;
}

static regrow_pid start_client(const struct pool *pool)
{
    regrow_process_spec spec = { .size = sizeof spec, .body = client, .user = (void *)pool };
    regrow_pid pid;
    must(regrow_spawn(pool->root, &spec, &pid), "spawn");
    settle(pool);
    return pid;
}

static void kill_process(const struct pool *pool, regrow_pid pid)
{
    must(regrow_exit(pid, regrow_atom("kill")), "exit");
    settle(pool);
}

static void check_out(const struct pool *pool, regrow_pid *workers, size_t count)
{
    for (size_t at = 0; at < count; at++) {
        must(pooly_checkout(pool, false, &workers[at]), "checkout");
        if (!regrow_is_alive(workers[at]))
            must(REGROW_ERR_NO_PROCESS, "a dead worker was handed out");
    }
}

static void check_in(const struct pool *pool, const regrow_pid *workers, size_t count)
{
    for (size_t at = 0; at < count; at++)
        must(pooly_checkin(pool, workers[at]), "checkin");
}

/* ---- the lines ---- */

static void out_and_in(const struct pool *pool)
{
    regrow_pid workers[SIZE], none;
    print_status(pool, "at first");
    for (size_t count = 0; count < SIZE; count++) {
        check_out(pool, &workers[count], 1);
        print_status(pool, "a checkout");
    }
    printf("one checkout too many: %s\n", regrow_error_name(pooly_checkout(pool, false, &none)));
    check_in(pool, workers, 1);
    print_status(pool, "a checkin");
    check_in(pool, workers, 1);
    print_status(pool, "the same checkin again");
    check_in(pool, workers + 1, SIZE - 1);
    print_status(pool, "all checked in");
}

static void clients_die(const struct pool *pool)
{
    regrow_pid workers[SIZE];
    struct members before = members(pool);
    regrow_pid holder = start_client(pool);
    print_status(pool, "a client has one");
    kill_process(pool, holder);
    print_status(pool, "the client is killed");

    check_out(pool, workers, SIZE);
    regrow_pid waiter = start_client(pool);
    print_status(pool, "all are out, and a client waits");
    kill_process(pool, waiter);
    print_status(pool, "the client that waits is killed");
    print_change(pool, &before);
    check_in(pool, workers, 1);
    print_status(pool, "a checkin, and nobody waits any more");

    holder = start_client(pool);
    waiter = start_client(pool);
    print_status(pool, "one client has it, another waits");
    kill_process(pool, holder);
    print_status(pool, "the one is killed: the other has it");
    kill_process(pool, waiter);
    check_in(pool, workers + 1, SIZE - 1);
    print_status(pool, "all are back");
    print_change(pool, &before);
}

static void workers_die(const struct pool *pool)
{
    regrow_pid workers[SIZE];
    struct members before = members(pool);
    check_out(pool, workers, 1);
    print_status(pool, "one is out");
    kill_process(pool, workers[0]);
    print_status(pool, "it is killed");
    print_change(pool, &before);
    check_in(pool, workers, 1);
    print_status(pool, "its client gives the dead one back");
    check_out(pool, workers, SIZE);
    print_status(pool, "five living workers can be had");
    check_in(pool, workers, SIZE);

    before = members(pool);
    must(sample_worker_stop(before.workers[0]), "stop");
    print_status(pool, "an idle one was stopped");
    print_change(pool, &before);

    before = members(pool);
    check_out(pool, workers, 1);
    must(sample_worker_work_for(workers[0], 100), "work_for");
    must(regrow_advance(pool->root, 99), "advance");
    print_status(pool, "one has worked for 99 of 100 ms");
    must(regrow_advance(pool->root, 1), "advance");
    print_status(pool, "it has worked for 100 ms, and ended");
    print_change(pool, &before);
}

static void the_pool_dies(const struct pool *pool)
{
    struct members before = members(pool);
    kill_process(pool, before.server);
    print_status(pool, SERVER " is killed");
    print_change(pool, &before);
    before = members(pool);
    kill_process(pool, before.worker_supervisor);
    print_status(pool, WORKER_SUPERVISOR " is killed");
    print_change(pool, &before);
}

void pool_lines(const struct pool *pool)
{
    must(pooly_start(pool), SUPERVISOR);
    settle(pool);
    print_tree(pool->root, 0);
    out_and_in(pool);
    clients_die(pool);
    workers_die(pool);
    the_pool_dies(pool);
}
