/* wordcount: counts the words of many files under supervision, while its workers are being killed.
 *
 *     wordcount            supervisor, rest_for_one
 *     |- registry          who is worker 0, 1, 2, ... at this moment
 *     |- totals            agent: the words so far, and which files are in them
 *     |- workers           supervisor, one_for_one
 *     |  |- 0, 1, 2, ...   servers: each counts the file it was handed
 *     `- feeder            server: hands one file to each idle worker, takes it back when the worker dies
 *
 * Why each file is counted exactly once, wherever a worker dies:
 *
 *   1. A worker touches the totals once per file, by one agent update that carries the whole file.
 *      Dead before it: nothing was counted. There is no half of a file.
 *   2. The update also notes the file, and an update for a noted file changes nothing. So a worker that
 *      dies after its update, before telling the feeder, does no harm: the file is only looked at again.
 *   3. The feeder monitors every worker it hands a file to. The monitor's message is certain, so no file
 *      is forgotten.
 *   4. When the totals die, rest_for_one starts workers and feeder again with them: all are empty
 *      together. When only the feeder dies, the next one begins by asking the totals what is noted.
 */
#ifndef WORDCOUNT_H
#define WORDCOUNT_H

#include "words.h"
#include <regrow.h>

/* A file is set aside when it has been the death of this many workers. */
#define STRIKES 3

struct file {
    char *path;
    size_t size;
};

/* What is to be done. Set up before the first process starts, read by all of them, changed by none. */
struct job {
    struct file *files;
    size_t file_count;
    size_t poison;   /* index of the file that kills its worker; NO_FILE: none */
    size_t workers;
    double chaos;    /* probability that a worker dies over a file */
    uint64_t seed;
    size_t top;
    regrow_pid root; /* the runtime */
    regrow_pid main; /* the main thread, which hears {progress, ...} and {finished, ...} */
};

#define NO_FILE SIZE_MAX

/* What the agent keeps. */
struct totals {
    struct words *words;
    size_t file_count;
    bool counted[]; /* by file: is it in `words`? */
};

/* files.c: makes the list of files below the paths. False: told on stderr why not. */
bool files_find(struct job *job, char *const *paths);
void files_free(struct job *job);

/* totals.c: the agent's first state; adding a file to it; the files in it, into an array of file_count. */
regrow_next totals_init(regrow_context *context, void *job, const regrow_term *state, regrow_term *next,
                        regrow_term *reply);
regrow_error totals_add(const struct job *job, size_t file, const struct words *words);
regrow_error totals_counted(const struct job *job, bool *counted);

/* worker.c and feeder.c: the servers. */
extern const regrow_server_spec worker_server; /* its argument is its number */
extern const regrow_server_spec feeder_server;

/* The address a worker is registered at: its number is the key. */
regrow_address worker_address(const struct job *job, const regrow_term *number);

/* tree.c: starts all of it under the runtime's root. */
regrow_error tree_start(const struct job *job, regrow_pid *tree);

/* plain.c: adds the words of one file, without any of this. False: it cannot be read. */
bool plain_count(const char *path, struct words *words);

/* message.c: every message of this program is a tuple {Tag, A, B} of an atom and two integers.
 *
 *     {ready, Worker, 0}          worker -> feeder   I am new, and idle
 *     {count, File, Attempt}      feeder -> worker   count this
 *     {counted, Worker, File}     worker -> feeder   it is in the totals
 *     {progress, Files, Restarts} feeder -> main     so far
 *     {finished, Files, Restarts} feeder -> main     every file is counted or set aside
 */
regrow_term message(const char *tag, size_t a, size_t b);
bool is_message(const regrow_term *term, const char *tag, size_t *a, size_t *b);

#endif
