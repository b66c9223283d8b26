/* The feeder: hands one file to each idle worker and takes it back when the worker dies.
 *
 * A file waits in the queue, is with a worker, is counted, or is set aside. Whatever happens, the feeder
 * notes it and then feeds: every worker that lives and has no file gets the next one. So it does not matter
 * in which order "worker 3 is dead" and "I am the new worker 3" arrive. */
#include "wordcount.h"
#include <stdlib.h>

struct hand {            /* one for each number a worker can have */
    regrow_ref monitor;
    bool is_monitored;   /* `worker` is a process we have not seen die */
    regrow_pid worker;
    size_t file;         /* what it counts; NO_FILE: it is idle */
};

struct progress {        /* one for each file */
    bool is_finished;    /* counted or set aside */
    uint32_t attempts;   /* how often it was handed out */
    uint32_t strikes;    /* how many workers died of it */
};

struct feeder {
    const struct job *job;
    struct hand *hands;
    struct progress *progress;
    size_t *queue;       /* files that wait: a ring of file_count */
    size_t queue_head;
    size_t queue_length;
    size_t finished;
    size_t restarts;
};

static void enqueue(struct feeder *feeder, size_t file)
{
    feeder->queue[(feeder->queue_head + feeder->queue_length++) % feeder->job->file_count] = file;
}

static size_t dequeue(struct feeder *feeder)
{
    while (feeder->queue_length) {
        size_t file = feeder->queue[feeder->queue_head];
        feeder->queue_head = (feeder->queue_head + 1) % feeder->job->file_count;
        feeder->queue_length--;
        if (!feeder->progress[file].is_finished)
            return file;
    }
    return NO_FILE;
}

/* Looks a worker up, and has its death told to us. */
static bool find_worker(struct feeder *feeder, size_t number)
{
    struct hand *hand = &feeder->hands[number];
    regrow_term key = regrow_int((int64_t)number);
    regrow_address address = worker_address(feeder->job, &key);
    if (!hand->is_monitored && regrow_whereis_at(&address, &hand->worker) == REGROW_OK)
        hand->is_monitored = regrow_monitor(hand->worker, &hand->monitor) == REGROW_OK;
    regrow_term_free(&key);
    return hand->is_monitored;
}

static void feed(struct feeder *feeder)
{
    for (size_t number = 0; number < feeder->job->workers; number++) {
        struct hand *hand = &feeder->hands[number];
        if (hand->file != NO_FILE || !find_worker(feeder, number))
            continue;
        hand->file = dequeue(feeder);
        if (hand->file == NO_FILE)
            return;
        /* To a worker that just died this goes nowhere, but its monitor tells us. */
        regrow_cast(hand->worker, message("count", hand->file, ++feeder->progress[hand->file].attempts));
    }
}

static void report(struct feeder *feeder, const char *tag)
{
    regrow_send(feeder->job->main, message(tag, feeder->finished, feeder->restarts));
}

/* A file is finished once, whoever says so. */
static void finish(struct feeder *feeder, size_t file)
{
    if (feeder->progress[file].is_finished)
        return;
    feeder->progress[file].is_finished = true;
    feeder->finished++;
    report(feeder, "progress");
    if (feeder->finished == feeder->job->file_count)
        report(feeder, "finished");
}

/* Chaos is not the file's fault. Only chaos kills here, and a worker that was dead when it got the file
 * (noproc) never saw it. */
static bool is_files_fault(const regrow_term *reason)
{
    return !regrow_is_atom(reason, "chaos") && !regrow_is_atom(reason, "killed")
        && !regrow_is_atom(reason, "noproc");
}

static void worker_died(struct feeder *feeder, const regrow_ref *monitor, const regrow_term *reason)
{
    for (size_t number = 0; number < feeder->job->workers; number++) {
        struct hand *hand = &feeder->hands[number];
        if (!hand->is_monitored || hand->monitor.id != monitor->id)
            continue;
        size_t file = hand->file;
        hand->is_monitored = false;
        hand->file = NO_FILE;
        feeder->restarts++;
        if (file == NO_FILE)
            return;
        if (is_files_fault(reason) && ++feeder->progress[file].strikes == STRIKES)
            finish(feeder, file);
        else
            enqueue(feeder, file);
        return;
    }
}

static void feeder_drop(void *state)
{
    struct feeder *feeder = state;
    free(feeder->hands);
    free(feeder->progress);
    free(feeder->queue);
    free(feeder);
}

static struct feeder *feeder_new(const struct job *job)
{
    struct feeder *feeder = calloc(1, sizeof *feeder);
    if (!feeder)
        return NULL;
    feeder->job = job;
    feeder->hands = calloc(job->workers, sizeof *feeder->hands);
    feeder->progress = calloc(job->file_count, sizeof *feeder->progress);
    feeder->queue = calloc(job->file_count, sizeof *feeder->queue);
    if (!feeder->hands || !feeder->progress || !feeder->queue) {
        feeder_drop(feeder);
        return NULL;
    }
    for (size_t number = 0; number < job->workers; number++)
        feeder->hands[number].file = NO_FILE;
    return feeder;
}

/* Queues what the totals do not have yet: everything, unless a feeder has died before this one. */
static bool queue_uncounted(struct feeder *feeder)
{
    size_t files = feeder->job->file_count;
    bool *counted = calloc(files, sizeof *counted);
    bool ok = counted && totals_counted(feeder->job, counted) == REGROW_OK;
    for (size_t file = 0; ok && file < files; file++) {
        if (counted[file])
            finish(feeder, file);
        else
            enqueue(feeder, file);
    }
    free(counted);
    return ok;
}

static regrow_next feeder_init(regrow_context *context, void *user, const regrow_term *arg, void **state)
{
    struct feeder *feeder = feeder_new(user);
    if (!feeder)
        return regrow_stop_self(context, regrow_atom("no_memory"));
    if (!queue_uncounted(feeder)) {
        feeder_drop(feeder);
        return regrow_stop_self(context, regrow_atom("no_totals"));
    }
    feed(feeder);
    *state = feeder;
    return REGROW_READY;
}

/* {ready, ...} needs no note: feeding looks for new workers anyway. */
static regrow_next feeder_cast(regrow_context *context, void *state, const regrow_term *request)
{
    struct feeder *feeder = state;
    size_t number, file;
    if (is_message(request, "counted", &number, &file)) {
        if (feeder->hands[number].file == file)
            feeder->hands[number].file = NO_FILE;
        finish(feeder, file);
    }
    feed(feeder);
    return REGROW_NOREPLY;
}

/* {'DOWN', Monitor, process, Pid, Reason} */
static regrow_next feeder_info(regrow_context *context, void *state, const regrow_term *term)
{
    struct feeder *feeder = state;
    const regrow_term *tag = regrow_tuple_get(term, 0), *reason = regrow_tuple_get(term, 4);
    regrow_ref monitor;
    if (tag && reason && regrow_is_atom(tag, "DOWN") && regrow_as_ref(regrow_tuple_get(term, 1), &monitor))
        worker_died(feeder, &monitor, reason);
    feed(feeder);
    return REGROW_NOREPLY;
}

const regrow_server_spec feeder_server = {
    .size = sizeof feeder_server,
    .init = feeder_init,
    .handle_cast = feeder_cast,
    .handle_info = feeder_info,
    .drop = feeder_drop,
};
