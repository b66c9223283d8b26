/* worker.h - the server that every worker and plain process of a scenario is (FORMAT.md, "What a worker does"). */
#ifndef EXECUTOR_WORKER_H
#define EXECUTOR_WORKER_H

#include "regrow.h"

/* Requests of a scenario are text; these atoms mark what the executor says to its own servers. */
#define TAG_DO "do"       /* a call: carry out the operation at hand (do.h) */
#define TAG_LATE "late"   /* {late, Server, Call}: answer this call now */
#define TAG_HANGS "hangs" /* {hangs, Pid}: so does this task, which the process waits for */
#define TAG_TIMER "timer" /* {timer, X}: a timer of the scenario fired */

struct place;

regrow_server_spec worker_spec(struct place *place);

#endif
