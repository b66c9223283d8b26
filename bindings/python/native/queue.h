/* queue.h - what becomes known on threads of regrow, for a thread of Python to take.
 *
 * The outcomes of requests, and lines of the log, are put into a queue without the interpreter's lock, and its file
 * descriptor becomes readable. So an event loop has one descriptor for all that it awaits, a worker never waits for
 * Python, and nothing of Python runs on a thread that the interpreter does not know. */
#ifndef REGROW_PYTHON_QUEUE_H
#define REGROW_PYTHON_QUEUE_H

#include "value.h"

typedef struct rp_queue rp_queue;

typedef struct rp_event {
  int32_t kind;    /* RP_...: what it is */
  uint32_t level;  /* of RP_LOG */
  uint64_t user;   /* of RP_OUTCOME: as given to rp_on_reply(); of RP_UNDELIVERED: the pid */
  rp_value value;  /* the outcome; the report of the log; the message that was not delivered */
  rp_value reason; /* of RP_UNDELIVERED */
  char *text;      /* of RP_LOG: to be given to rp_free() */
} rp_event;

enum { RP_EMPTY, RP_OUTCOME, RP_LOG, RP_UNDELIVERED, RP_CLOSED };

rp_queue *rp_queue_new(void);              /* NULL: no memory, or no file descriptor */
int rp_queue_fd(const rp_queue *queue);
rp_event rp_queue_take(rp_queue *queue);   /* RP_EMPTY: there is nothing */
rp_event rp_queue_wait(rp_queue *queue);   /* waits; RP_CLOSED: it was closed, and nothing is left */
void rp_queue_close(rp_queue *queue);      /* no more events; waits of others end */
void rp_queue_free(rp_queue *queue);       /* freed once what refers to it has come to an end, too */

/* Has the outcome of a request, which is moved, put into a queue. */
int32_t rp_on_reply(regrow_request *request, rp_queue *queue, uint64_t user);

/* Has what a runtime logs, or could not deliver, put into a queue, which must outlive the runtime. */
void rp_log_to(regrow_options *options, rp_queue *queue);
void rp_undelivered_to(regrow_options *options, rp_queue *queue);

#endif
