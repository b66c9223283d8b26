/* pooly: a pool of workers, as "The Little Elixir & OTP Guidebook" builds it step by step, and its first lines at
 * the console: a supervisor made by hand, a table, a monitor.
 *
 *     Pooly.Supervisor                  supervisor, one_for_all
 *     |- Pooly.Server                   server: who has which worker, and who waits for one
 *     |     table `monitors`            {Worker, MonitorOfItsClient} for each worker that is out
 *     `- Pooly.WorkerSupervisor         supervisor, simple_one_for_one; started by the server
 *        |- SampleWorker, SampleWorker, ...
 *
 * What holds, whatever dies:
 *
 *   1. A worker is idle, or has a row in `monitors`. So the size of `monitors` is the number of workers out.
 *   2. A client that dies gives its worker back, to whoever waits longest. One that dies waiting is forgotten.
 *   3. A worker that dies is replaced; nobody is given a dead one that the server knows of.
 *   4. The server and the worker supervisor know too much of each other to live on alone: one_for_all.
 *
 * The clock is a manual one, so that two seconds take no time and are still exactly two seconds. */
#ifndef POOLY_H
#define POOLY_H

#include <regrow.h>

#define SUPERVISOR "Pooly.Supervisor"
#define SERVER "Pooly.Server"
#define WORKER_SUPERVISOR "Pooly.WorkerSupervisor"

struct pool {
    regrow_pid root; /* the runtime */
    size_t size;     /* so many workers */
};

/* sample_worker.c: what the pool is of. Stop answers `ok` and ends normally; work takes so long, then it ends. */
extern const regrow_server_spec sample_worker;
regrow_error sample_worker_stop(regrow_pid worker);
regrow_error sample_worker_work_for(regrow_pid worker, uint32_t ms);

/* supervisor.c: starts all of it under the runtime's root. And the supervisor of the workers; `restart` is that of a
 * worker: REGROW_PERMANENT at the console, REGROW_TEMPORARY in a pool, whose server replaces them. */
regrow_error pooly_start(const struct pool *pool);
struct worker_supervisor {
    regrow_child_spec template;
    regrow_supervisor_spec supervisor;
    regrow_child_spec child;
};
void worker_supervisor_spec(struct worker_supervisor *spec, uint32_t restart);

/* server.c: the pool's own process, and how it is asked. The caller of checkout is the client. Without `block` it is
 * REGROW_ERR_LIMIT when every worker is out. */
extern const regrow_server_spec pooly_server; /* `user` is the struct pool */
regrow_error pooly_checkout(const struct pool *pool, bool block, regrow_pid *worker);
regrow_error pooly_checkin(const struct pool *pool, regrow_pid worker);
regrow_error pooly_status(const struct pool *pool, int64_t *idle, int64_t *out);

/* The lines of the exercise: at the console (console.c), and of the pool (pool.c). */
void console_workers(regrow_pid root);
void console_table(regrow_pid root);
void console_monitor(regrow_pid root);
void pool_lines(const struct pool *pool);

/* show.c: a term as Elixir shows it, pids by the order in which they were first seen; and what ends the program. */
const char *show(const regrow_term *term);
const char *show_pid(regrow_pid pid);
void must(regrow_error error, const char *what);

#endif
