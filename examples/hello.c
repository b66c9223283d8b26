/* A supervised counter: it counts, crashes, and counts again from 1. */
#include <inttypes.h>
#include <regrow.h>
#include <stdio.h>
#include <stdlib.h>

static regrow_next counter_init(regrow_context *context, void *user, const regrow_term *arg, void **state)
{
    *state = calloc(1, sizeof(int64_t));
    return *state ? REGROW_READY : regrow_stop_self(context, regrow_atom("no_memory"));
}

static regrow_next counter_call(regrow_context *context, void *state, const regrow_term *request)
{
    int64_t *count = state;
    if (regrow_is_atom(request, "next"))
        return regrow_reply(context, regrow_int(++*count));
    return regrow_stop_self(context, regrow_atom("bad_request"));
}

/* Asks whichever counter lives now, waiting up to a second for one that is being restarted. */
static void ask(regrow_pid root, const char *request)
{
    regrow_address counter = { .size = sizeof counter, .runtime = root, .name = "counter", .wait_ms = 1000 };
    regrow_term reply;
    int64_t count;
    regrow_error error = regrow_call_at(&counter, regrow_atom(request), 1000, &reply);
    if (error) {
        printf("%s: %s\n", request, regrow_error_name(error));
        return;
    }
    if (regrow_as_int(&reply, &count))
        printf("%s: %" PRId64 "\n", request, count);
    regrow_term_free(&reply);
}

int main(void)
{
    regrow_server_spec server = {
        .size = sizeof server, .init = counter_init, .handle_call = counter_call, .drop = free };
    regrow_child_spec child = {
        .size = sizeof child, .id = "counter", .kind = REGROW_SERVER, .spec = &server, .name = "counter" };
    regrow_pid root;
    regrow_error error = regrow_init(NULL, &root);
    if (!error)
        error = regrow_supervisor_start_child(root, &child, NULL);
    if (error)
        return fprintf(stderr, "hello: %s\n", regrow_error_name(error)), EXIT_FAILURE;

    ask(root, "next");  /* 1 */
    ask(root, "next");  /* 2 */
    ask(root, "crash"); /* no answer: the counter stops, and its supervisor starts another */
    ask(root, "next");  /* 1 */
    return regrow_shutdown(root, 5000, NULL) ? EXIT_FAILURE : EXIT_SUCCESS;
}
