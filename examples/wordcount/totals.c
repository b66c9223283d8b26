/* The totals: an agent whose state is a C structure behind a resource term. Only functions that run in
 * the agent touch it, one at a time, so it needs no lock. */
#include "wordcount.h"
#include <stdlib.h>
#include <string.h>

static void totals_drop(void *pointer)
{
    struct totals *totals = pointer;
    words_free(totals->words);
    free(totals);
}

regrow_next totals_init(regrow_context *context, void *user, const regrow_term *state, regrow_term *next,
                        regrow_term *reply)
{
    const struct job *job = user;
    struct totals *totals = calloc(1, sizeof *totals + job->file_count * sizeof totals->counted[0]);
    struct words *words = words_new();
    if (!totals || !words) {
        free(totals);
        words_free(words);
        return regrow_stop_self(context, regrow_atom("no_memory"));
    }
    totals->words = words;
    totals->file_count = job->file_count;
    *next = regrow_resource(totals, totals_drop);
    return REGROW_DONE;
}

static regrow_error find_totals(const struct job *job, regrow_pid *agent)
{
    return regrow_whereis(job->root, "totals", agent);
}

struct addition {
    size_t file;
    const struct words *words;
};

/* Half an addition must not stay: when memory runs out the agent stops, and the tree starts afresh. */
static regrow_next add(regrow_context *context, void *user, const regrow_term *state, regrow_term *next,
                       regrow_term *reply)
{
    const struct addition *addition = user;
    void *pointer;
    if (!regrow_as_resource(state, &pointer))
        return regrow_stop_self(context, regrow_atom("bad_state"));
    struct totals *totals = pointer;
    if (!totals->counted[addition->file]) {
        if (!words_merge(totals->words, addition->words))
            return regrow_stop_self(context, regrow_atom("no_memory"));
        totals->counted[addition->file] = true;
    }
    *next = regrow_term_clone(state);
    return REGROW_DONE;
}

/* `words` may be the caller's own: regrow_agent_update() does not return, not even to a killed process,
 * while `add` runs or may still run. */
regrow_error totals_add(const struct job *job, size_t file, const struct words *words)
{
    struct addition addition = { file, words };
    regrow_pid agent;
    regrow_error error = find_totals(job, &agent);
    return error ? error : regrow_agent_update(agent, add, &addition, REGROW_INFINITY);
}

static regrow_next copy_counted(regrow_context *context, void *user, const regrow_term *state,
                                regrow_term *next, regrow_term *reply)
{
    void *pointer;
    if (!regrow_as_resource(state, &pointer))
        return regrow_stop_self(context, regrow_atom("bad_state"));
    const struct totals *totals = pointer;
    memcpy(user, totals->counted, totals->file_count * sizeof totals->counted[0]);
    *reply = regrow_nil();
    return REGROW_DONE;
}

regrow_error totals_counted(const struct job *job, bool *counted)
{
    regrow_pid agent;
    regrow_error error = find_totals(job, &agent);
    return error ? error : regrow_agent_get(agent, copy_counted, counted, REGROW_INFINITY, NULL);
}
