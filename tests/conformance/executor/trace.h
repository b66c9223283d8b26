/* trace.h - what happened in a step, written in the order of FORMAT.md, section 3.
 *
 * Events and messages are recorded from within callbacks, on any thread; lines are written by main alone, once the
 * step is over and nothing runs any more. */
#ifndef EXECUTOR_TRACE_H
#define EXECUTOR_TRACE_H

#include "attempts.h"

void trace_scenario(const char *name);
void trace_step(const char *line);       /* a step begins: writes its line */
unsigned trace_step_number(void);        /* of the step under way, from 1 */

void trace_init(struct attempt *attempt, const char *behaviour); /* also keeps the behaviour */
void trace_term(struct attempt *attempt, const char *reason);
void trace_message(struct attempt *attempt, const char *message);

void trace_result(const char *result);   /* the step is over: writes all its other lines */
void trace_final(void);
void trace_free(void);

#endif
