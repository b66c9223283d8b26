/* What the claims of main.c and threads.c are made of: a tree under names of its own, with a backend that is no more
 * than a counter and a clock, and a storage that is no more than a table. */
#ifndef TRIO_H
#define TRIO_H

#include "tokens.h"
#include <stdatomic.h>

struct trio {
    struct tokens tokens;
    char names[6][40];
    atomic_int commands;    /* how often a token was asked for */
    atomic_uint command_ms; /* how long that takes */
    atomic_uint save_ms;    /* how long it takes to save one */
    atomic_bool no_save;    /* the storage refuses */
    regrow_table storage;
};

/* Names and backend; tokens are good for an hour. The calling thread is to own the storage. */
void trio_prepare(struct trio *trio, regrow_pid root, const char *prefix);

/* As it says; what fails ends the program. */
void trio_start(struct trio *trio);
regrow_pid trio_resolve(const struct trio *trio, const char *app);
size_t trio_size(const struct trio *trio); /* of its table */

/* Until everything is done that there is to do now. */
void settle(regrow_pid root);
/* Kills a process, or whoever has a name, and settles. */
void kill_process(regrow_pid root, regrow_pid pid);
void kill_named(regrow_pid root, const char *name);

/* Prints `ID ok SENTENCE`, or FAILED in place of ok, and remembers that. */
void claim(const char *id, bool holds, const char *sentence);
bool all_claims_hold(void);
void must(regrow_error error, const char *what);

/* threads.c: TS1 and TS2, from 64 threads. */
void claims_of_threads(regrow_pid root);

#endif
