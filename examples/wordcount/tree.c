/* The tree: what is started, in which order, and what falls together. */
#include "wordcount.h"
#include <math.h>
#include <stdlib.h>

#define WHOLE_RUN_MS (24u * 60 * 60 * 1000)

/* How many workers may die before their supervisor gives up: a budget for the whole run. Each file may cost
 * STRIKES of them, and chaos its share, twice over so that bad luck is not mistaken for a fault. */
static uint32_t restart_budget(const struct job *job)
{
    double per_file = STRIKES + 2 * job->chaos / (1 - job->chaos);
    return (uint32_t)fmin(1000 + per_file * (double)job->file_count, 1e9);
}

/* What makes one worker different from the next. */
struct seat {
    regrow_term number;
    regrow_address address;
    regrow_server_spec server;
};

static void take_seat(const struct job *job, size_t number, struct seat *seat, regrow_child_spec *child)
{
    seat->number = regrow_int((int64_t)number);
    seat->address = worker_address(job, &seat->number);
    seat->server = worker_server;
    seat->server.user = (void *)job;
    seat->server.arg = &seat->number;
    *child = (regrow_child_spec){
        .size = sizeof *child, .id_term = &seat->number, .kind = REGROW_SERVER, .spec = &seat->server,
        .via = &seat->address };
}

static regrow_error start(const struct job *job, const regrow_child_spec *workers, regrow_pid *tree)
{
    regrow_server_spec feeder = feeder_server;
    feeder.user = (void *)job;
    regrow_registry_spec registry = { .size = sizeof registry, .keys = REGROW_UNIQUE };
    regrow_agent_spec totals = { .size = sizeof totals, .init = totals_init, .user = (void *)job };
    regrow_supervisor_spec crew = {
        .size = sizeof crew, .strategy = REGROW_ONE_FOR_ONE, .children = workers, .child_count = job->workers,
        .max_restarts = restart_budget(job), .period_ms = WHOLE_RUN_MS };
    regrow_child_spec children[] = {
        { .size = sizeof *children, .id = "registry", .kind = REGROW_REGISTRY, .spec = &registry, .name = "registry" },
        { .size = sizeof *children, .id = "totals", .kind = REGROW_AGENT, .spec = &totals, .name = "totals" },
        { .size = sizeof *children, .id = "workers", .kind = REGROW_SUPERVISOR, .spec = &crew },
        { .size = sizeof *children, .id = "feeder", .kind = REGROW_SERVER, .spec = &feeder, .name = "feeder" },
    };
    regrow_supervisor_spec wordcount = {
        .size = sizeof wordcount, .strategy = REGROW_REST_FOR_ONE,
        .children = children, .child_count = sizeof children / sizeof *children };

    /* Temporary: when the tree gives up, main is told and ends the program. */
    regrow_child_spec child = {
        .size = sizeof child, .id = "wordcount", .kind = REGROW_SUPERVISOR, .spec = &wordcount,
        .restart = REGROW_TEMPORARY };
    return regrow_supervisor_start_child(job->root, &child, tree);
}

/* Starting copies the specs, so the seats may go as soon as it returns. */
regrow_error tree_start(const struct job *job, regrow_pid *tree)
{
    struct seat *seats = calloc(job->workers, sizeof *seats);
    regrow_child_spec *workers = calloc(job->workers, sizeof *workers);
    regrow_error error = REGROW_ERR_LIMIT;
    if (seats && workers) {
        for (size_t number = 0; number < job->workers; number++)
            take_seat(job, number, &seats[number], &workers[number]);
        error = start(job, workers, tree);
    }
    free(seats);
    free(workers);
    return error;
}
