/* Pooly.Supervisor and Pooly.WorkerSupervisor. */
#include "pooly.h"

void worker_supervisor_spec(struct worker_supervisor *spec, uint32_t restart)
{
    spec->template = (regrow_child_spec){
        .size = sizeof spec->template, .id = "SampleWorker", .kind = REGROW_SERVER, .spec = &sample_worker,
        .restart = restart };
    spec->supervisor = (regrow_supervisor_spec){
        .size = sizeof spec->supervisor, .strategy = REGROW_SIMPLE_ONE_FOR_ONE, .max_restarts = 5, .period_ms = 5000,
        .children = &spec->template, .child_count = 1 };
    /* Temporary: in a pool it is the server that starts it, each time that the server itself starts. */
    spec->child = (regrow_child_spec){
        .size = sizeof spec->child, .id = WORKER_SUPERVISOR, .kind = REGROW_SUPERVISOR, .spec = &spec->supervisor,
        .restart = REGROW_TEMPORARY };
}

regrow_error pooly_start(const struct pool *pool)
{
    regrow_server_spec server = pooly_server;
    server.user = (void *)pool;
    regrow_child_spec child = {
        .size = sizeof child, .id = SERVER, .kind = REGROW_SERVER, .spec = &server, .name = SERVER };
    regrow_supervisor_spec supervisor = {
        .size = sizeof supervisor, .strategy = REGROW_ONE_FOR_ALL, .children = &child, .child_count = 1 };
    regrow_child_spec application = {
        .size = sizeof application, .id = SUPERVISOR, .kind = REGROW_SUPERVISOR, .spec = &supervisor,
        .name = SUPERVISOR };
    return regrow_supervisor_start_child(pool->root, &application, NULL);
}
