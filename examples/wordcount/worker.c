/* A worker: a server that counts one file after the other, as the feeder hands them out. It keeps nothing
 * from one file to the next, so a new worker is as good as an old one. */
#include "wordcount.h"
#include <stdio.h>
#include <stdlib.h>

struct worker {
    const struct job *job;
    size_t number;
};

/* How a worker dies over a file, if it does. */
struct mishap {
    enum { NO_MISHAP, BY_RETURN, BY_EXIT, BY_KILL } way;
    enum { IN_FILE, AFTER_UPDATE } place;
    size_t at; /* in the file: after so many bytes */
    const char *reason;
};

/* splitmix64: the same seed, file and attempt always draw the same numbers */
static uint64_t draw(uint64_t *random)
{
    uint64_t z = *random += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static struct mishap draw_mishap(const struct job *job, size_t file, size_t attempt)
{
    size_t size = job->files[file].size;
    uint64_t random = job->seed ^ (uint64_t)file << 32 ^ attempt;
    struct mishap mishap = { NO_MISHAP, IN_FILE, 0, NULL };
    if ((double)(draw(&random) >> 11) * 0x1p-53 < job->chaos) {
        mishap.way = BY_RETURN + draw(&random) % 3;
        mishap.place = draw(&random) % 4 ? IN_FILE : AFTER_UPDATE;
        mishap.at = draw(&random) % (size + 1);
        mishap.reason = "chaos";
    } else if (file == job->poison) {
        mishap = (struct mishap){ BY_RETURN, IN_FILE, size / 2, "poison" };
    }
    return mishap;
}

/* Each step below returns NULL, or the reason for the worker to stop. */

/* An exit signal takes effect when the callback returns or waits, a kill at once: the worker is then dead
 * to everyone else, and each call it still makes is refused. */
static const char *befall(const struct mishap *mishap)
{
    regrow_pid self;
    switch (mishap->way) {
    case BY_RETURN:
        return mishap->reason;
    case BY_EXIT:
    case BY_KILL:
        if (regrow_self(&self) == REGROW_OK)
            regrow_exit(self, regrow_atom(mishap->way == BY_KILL ? "kill" : mishap->reason));
        return NULL;
    case NO_MISHAP:
        break;
    }
    return NULL;
}

static const char *read_bytes(FILE *in, struct words *words, size_t most)
{
    unsigned char buffer[16 * 1024];
    while (most) {
        size_t got = fread(buffer, 1, most < sizeof buffer ? most : sizeof buffer, in);
        if (!words_read(words, buffer, got))
            return "no_memory";
        if (!got)
            return ferror(in) ? "unreadable" : NULL;
        most -= got;
    }
    return NULL;
}

static const char *read_file(const char *path, struct words *words, const struct mishap *mishap)
{
    FILE *in = fopen(path, "rb");
    if (!in)
        return "unreadable";
    const char *trouble = NULL;
    if (mishap->way != NO_MISHAP && mishap->place == IN_FILE) {
        trouble = read_bytes(in, words, mishap->at);
        if (!trouble)
            trouble = befall(mishap);
    }
    if (!trouble)
        trouble = read_bytes(in, words, SIZE_MAX);
    fclose(in);
    if (!trouble && !words_end(words))
        trouble = "no_memory";
    return trouble;
}

static const char *count_file(const struct job *job, size_t file, const struct mishap *mishap)
{
    struct words *words = words_new();
    if (!words)
        return "no_memory";
    const char *trouble = read_file(job->files[file].path, words, mishap);
    if (!trouble && totals_add(job, file, words) != REGROW_OK)
        trouble = "no_totals";
    words_free(words);
    if (!trouble && mishap->place == AFTER_UPDATE)
        trouble = befall(mishap);
    return trouble;
}

/* The feeder may be between two lives. The next one looks for idle workers itself. */
static void tell_feeder(const struct worker *worker, regrow_term term)
{
    regrow_address feeder = { .size = sizeof feeder, .runtime = worker->job->root, .name = "feeder" };
    regrow_cast_at(&feeder, term);
}

static regrow_next worker_init(regrow_context *context, void *user, const regrow_term *number, void **state)
{
    int64_t value;
    struct worker *worker = malloc(sizeof *worker);
    if (!worker || !regrow_as_int(number, &value)) {
        free(worker);
        return regrow_stop_self(context, regrow_atom("bad_start"));
    }
    *worker = (struct worker){ user, (size_t)value };
    *state = worker;
    return regrow_continue(context, REGROW_READY, regrow_nil());
}

static regrow_next worker_ready(regrow_context *context, void *state, const regrow_term *argument)
{
    const struct worker *worker = state;
    tell_feeder(worker, message("ready", worker->number, 0));
    return REGROW_NOREPLY;
}

static regrow_next worker_count(regrow_context *context, void *state, const regrow_term *request)
{
    const struct worker *worker = state;
    size_t file, attempt;
    if (!is_message(request, "count", &file, &attempt))
        return regrow_stop_self(context, regrow_atom("bad_request"));
    struct mishap mishap = draw_mishap(worker->job, file, attempt);
    const char *trouble = count_file(worker->job, file, &mishap);
    if (trouble)
        return regrow_stop_self(context, regrow_atom(trouble));
    tell_feeder(worker, message("counted", worker->number, file));
    return REGROW_NOREPLY;
}

const regrow_server_spec worker_server = {
    .size = sizeof worker_server,
    .init = worker_init,
    .handle_continue = worker_ready,
    .handle_cast = worker_count,
    .drop = free,
};

regrow_address worker_address(const struct job *job, const regrow_term *number)
{
    return (regrow_address){
        .size = sizeof(regrow_address), .runtime = job->root, .registry_name = "registry", .key = number };
}
