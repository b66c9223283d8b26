/* Exercise 4: a pipeline whose stages depend on the ones before, so rest_for_one: whoever crashes takes along what
 * comes after it.
 *
 *     Pipeline             supervisor, rest_for_one
 *     |- input             5 becomes {validated, 5}
 *     |- process           {validated, 5} becomes {processed, 10}
 *     `- output            prints it
 */
#include "drill.h"

struct stage {
    const char *name;
    const char *upstream;   /* NULL for the first */
    const char *downstream; /* NULL for the last */
    regrow_term (*transform)(const regrow_term *data);
};

/* ---- what the stages do ---- */

static regrow_term validate(const regrow_term *data)
{
    return TUPLE(regrow_atom("validated"), regrow_term_clone(data));
}

static regrow_term twice(const regrow_term *data)
{
    return numbered("processed", 2 * int_at(data, 1));
}

static regrow_term print_output(const regrow_term *data)
{
    printf("   Output: %" PRId64 "\n", int_at(data, 1));
    return regrow_nil();
}

enum { STAGES = 3 };

static const struct stage stages[STAGES] = {
    { "input", NULL, "process", validate },
    { "process", "input", "output", twice },
    { "output", "process", NULL, print_output },
};

/* ---- Stage: the server ---- */

/* Whether there was anybody to take it. */
static bool submit(const char *stage, regrow_term data)
{
    regrow_address address = { .size = sizeof address, .runtime = root, .name = stage, .wait_ms = 1000 };
    return regrow_cast_at(&address, data) == REGROW_OK;
}

static regrow_next stage_init(regrow_context *context, void *user, const regrow_term *arg, void **state)
{
    struct stage *stage = user;
    printf("   stage %s started (upstream: %s)\n", stage->name, stage->upstream ? stage->upstream : "none");
    *state = stage;
    return REGROW_READY;
}

/* A stage that cannot hand on crashes: the supervisor knows what to do about it. */
static regrow_next stage_cast(regrow_context *context, void *state, const regrow_term *data)
{
    const struct stage *stage = state;
    printf("   %s is processing: ", stage->name);
    print_term(data);
    printf("\n");
    regrow_term result = stage->transform(data);
    if (!stage->downstream) {
        regrow_term_free(&result);
        return REGROW_NOREPLY;
    }
    return submit(stage->downstream, result) ? REGROW_NOREPLY : regrow_stop_self(context, regrow_atom("no_downstream"));
}

/* ---- Pipeline ---- */

/* `ids` are what the stages go by under their supervisor. */
static regrow_error start_pipeline(const char *const *ids)
{
    regrow_server_spec servers[STAGES];
    regrow_child_spec children[STAGES];
    regrow_term terms[STAGES];
    for (int at = 0; at < STAGES; at++) {
        terms[at] = regrow_atom(ids[at]);
        servers[at] = (regrow_server_spec){ .size = sizeof *servers, .init = stage_init, .handle_cast = stage_cast,
                                            .user = (void *)&stages[at] };
        children[at] = (regrow_child_spec){ .size = sizeof *children, .id_term = &terms[at], .name = stages[at].name,
                                            .kind = REGROW_SERVER, .spec = &servers[at] };
    }
    regrow_supervisor_spec spec = { .size = sizeof spec, .strategy = REGROW_REST_FOR_ONE, .children = children,
                                    .child_count = STAGES };
    regrow_child_spec pipeline = { .size = sizeof pipeline, .id = "Pipeline", .kind = REGROW_SUPERVISOR,
                                   .spec = &spec };
    return regrow_supervisor_start_child(root, &pipeline, NULL);
}

static void kill_stage(const char *name)
{
    regrow_pid before[STAGES];
    for (int at = 0; at < STAGES; at++)
        before[at] = whereis(stages[at].name);
    printf("%s is killed.\n", name);
    kill_and_wait(whereis(name));
    settle();
    for (int at = 0; at < STAGES; at++)
        printf("   %s: %s\n", stages[at].name, same(before[at], whereis(stages[at].name)) ? "as before" : "new");
}

static void submit_and_wait(int64_t number)
{
    printf("%" PRId64 " is submitted.\n", number);
    if (!submit("input", regrow_int(number)))
        printf("   nobody takes it\n");
    settle();
}

int main(void)
{
    begin();
    printf("Three stages of one id are refused.\n");
    regrow_error error = start_pipeline((const char *const[]){ "Stage", "Stage", "Stage" });
    printf("   %s: ", regrow_error_name(error));
    print_last_reason();
    printf("\n");

    printf("Each has an id of its own.\n");
    MUST(start_pipeline((const char *const[]){ "input", "process", "output" }));
    submit_and_wait(5);
    kill_stage("process");
    kill_stage("output");
    kill_stage("input");
    submit_and_wait(21);
    return finish();
}
