/* SampleWorker: a server that can be stopped, and that can be busy for a while. */
#include "pooly.h"

static regrow_next worker_call(regrow_context *context, void *state, const regrow_term *request)
{
    if (regrow_is_atom(request, "stop"))
        return regrow_reply_stop(context, regrow_atom("ok"), regrow_atom("normal"));
    return regrow_stop_self(context, regrow_atom("bad_request"));
}

static regrow_next worker_cast(regrow_context *context, void *state, const regrow_term *message)
{
    int64_t ms;
    if (!regrow_as_int(regrow_tuple_get(message, 1), &ms) || ms < 0 || ms >= REGROW_INFINITY)
        return regrow_stop_self(context, regrow_atom("bad_message"));
    regrow_sleep((uint32_t)ms); /* its thread runs others meanwhile */
    return regrow_stop_self(context, regrow_atom("normal"));
}

const regrow_server_spec sample_worker = {
    .size = sizeof sample_worker, .handle_call = worker_call, .handle_cast = worker_cast };

regrow_error sample_worker_stop(regrow_pid worker)
{
    return regrow_call(worker, regrow_atom("stop"), REGROW_INFINITY, NULL);
}

regrow_error sample_worker_work_for(regrow_pid worker, uint32_t ms)
{
    regrow_term items[] = { regrow_atom("work_for"), regrow_int(ms) };
    return regrow_cast(worker, regrow_tuple(items, 2));
}
