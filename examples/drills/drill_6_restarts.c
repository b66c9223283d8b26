/* Drill 6: who is started again after which end. */
#include "drill.h"

/* The message is the reason. */
static regrow_next end_as_told(regrow_context *context, void *state, const regrow_term *message)
{
    return regrow_stop_self(context, regrow_term_clone(message));
}

static regrow_pid supervisor;
static regrow_term worker_id;

/* Zero when it does not run; `kept` tells whether the supervisor still knows of it. */
static regrow_pid look_up(bool *kept)
{
    regrow_pid pid = { 0 };
    *kept = regrow_supervisor_lookup(supervisor, &worker_id, &pid) == REGROW_OK;
    return pid;
}

/* What becomes of a child of that type that ends with that reason; moved. */
static const char *outcome(uint32_t restart, regrow_term reason)
{
    regrow_server_spec server = { .size = sizeof server, .handle_cast = end_as_told };
    regrow_child_spec child = { .size = sizeof child, .id_term = &worker_id, .kind = REGROW_SERVER, .spec = &server,
                                .restart = restart };
    regrow_pid before, after;
    bool kept;
    MUST(regrow_supervisor_start_child(supervisor, &child, &before));
    if (regrow_is_atom(&reason, "killed"))
        MUST(regrow_exit(before, regrow_atom("kill"))); /* that comes from outside */
    else
        MUST(regrow_cast(before, reason));
    settle();
    after = look_up(&kept);
    if (kept) {
        MUST(regrow_supervisor_terminate_child(supervisor, &worker_id));
        regrow_supervisor_delete_child(supervisor, &worker_id); /* a temporary one is forgotten already */
    }
    advance(10000); /* so that restarts are not counted together */
    return after.id && !same(after, before) ? "restarted" : kept ? "not restarted, kept" : "not restarted";
}

static regrow_term reason_named(const char *name)
{
    if (name[0] == '{')
        return TUPLE(regrow_atom("shutdown"), regrow_atom("done"));
    return regrow_atom(name);
}

int main(void)
{
    static const struct {
        const char *name;
        uint32_t restart;
    } types[] = { { "permanent", REGROW_PERMANENT },
                  { "transient", REGROW_TRANSIENT },
                  { "temporary", REGROW_TEMPORARY } };
    static const char *const reasons[] = { "normal", "shutdown", "{shutdown,done}", "error", "killed" };
    regrow_supervisor_spec empty = { .size = sizeof empty };
    begin();
    supervisor = start_tree("RestartTypeDemo", REGROW_SUPERVISOR, &empty);
    worker_id = regrow_atom("worker");

    printf("ends with        %-12s %-21s %s\n", types[0].name, types[1].name, types[2].name);
    for (size_t at = 0; at < LENGTH(reasons); at++) {
        const char *outcomes[LENGTH(types)];
        for (size_t type = 0; type < LENGTH(types); type++)
            outcomes[type] = outcome(types[type].restart, reason_named(reasons[at]));
        printf("%-16s %-12s %-21s %s\n", reasons[at], outcomes[0], outcomes[1], outcomes[2]);
    }
    return finish();
}
