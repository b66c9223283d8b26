/* attempts.h - every attempt to start a process: its label, its pid, and how it ended.
 *
 * Attempts are made inside init callbacks, on any of the runtime's threads, and are kept until the end of the run.
 * One lock guards them and the trace; no function of regrow is called while it is held. `id`, `number`, `label` and
 * `place` never change; the other fields are read through functions. */
#ifndef EXECUTOR_ATTEMPTS_H
#define EXECUTOR_ATTEMPTS_H

#include "regrow.h"

#include <stdbool.h>

struct place; /* places.h */

struct attempt {
  char *id;
  unsigned number;            /* from 1, of its id */
  char *label;                /* id#number */
  const struct place *place;  /* NULL: an agent */
  struct attempt *starter;    /* the supervisor that started it; NULL: none */
  char *behaviour;
  regrow_pid pid;
  bool came_up;               /* init ended well */
  unsigned ended_step;        /* 0: it has not ended */
  char *reason;               /* once it has ended */
  struct attempt *next;       /* the one before it, whatever its id */
};

void attempts_lock(void);
void attempts_unlock(void);

/* A new attempt in the process `pid`. */
struct attempt *attempt_begin(const char *id, const struct place *place, struct attempt *starter, regrow_pid pid);
void attempt_came_up(struct attempt *attempt);
/* The process is gone. Who has no attempt is not part of the scenario: nothing happens. */
void attempt_ended(regrow_pid pid, unsigned step, const char *reason);

bool attempt_is_over(struct attempt *attempt);
/* Why it ended; NULL while it lives. Valid until the end of the run. */
const char *attempt_reason(struct attempt *attempt);

/* By label, or by id: then the newest that came up. NULL: there never was one. */
struct attempt *attempt_named(const char *id_or_label);
struct attempt *attempt_with_pid(regrow_pid pid);

/* How a trace writes a pid: a label, `main`, or `?` for who is not part of the scenario. */
const char *label_of(regrow_pid pid);
void attempts_set_main(regrow_pid pid);
bool pid_of_main(const char *word, regrow_pid *pid); /* true when the word is `main` */

/* The newest attempt of all, for walks along `next` while the lock is held. */
struct attempt *attempts_newest(void);
void attempts_free(void);

#endif
