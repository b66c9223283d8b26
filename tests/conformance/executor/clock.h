/* clock.h - when a step is over, and who moves the time meanwhile (FORMAT.md, section 4).
 *
 * Nothing may happen by itself between two steps. So after each one main settles: the runtime says what it waits
 * for, and what a scenario waits for (clock.c) is waited for; on the monotonic clock that takes its time, on the
 * manual clock the clock is moved there.
 *
 * On the manual clock a step can itself wait for time to pass: for a terminate callback that sleeps, for a shutdown
 * time that runs out. Between clock_lend() and clock_take_back() a thread of its own does the moving while main
 * waits. It moves only to what is waited for, which main would do too as soon as it is back. */
#ifndef EXECUTOR_CLOCK_H
#define EXECUTOR_CLOCK_H

#include "regrow.h"

void clock_start(regrow_pid runtime, bool is_manual);
void clock_stop(void);

void clock_lend(void);
void clock_take_back(void); /* the clock stands still when it returns */

void clock_settle(void);    /* returns when nothing can happen any more without a further step */
void clock_sleep(uint32_t ms);

/* A call by main with a time limit. On the manual clock main moves it there itself, and to nowhere else once the
 * reply is there: a limit that nobody needed must not take time away from restart intensities. `address` is used
 * when `pid` is zero. */
regrow_error clock_call(regrow_pid pid, const regrow_address *address, regrow_term request, uint32_t timeout_ms,
                        regrow_term *reply);

#endif
