/* A process that is struck while it goes from one message to the next: what was sent to it is with it or with its end,
 * and never with both. */
#include "support.h"

typedef struct crowd {
    regrow_pid to;
    int messages;
    atomic_int begun, gone, late;
} crowd;

static regrow_next take_one(regrow_context *context, void *state, const regrow_term *message)
{
    crowd *crowd = state;
    atomic_fetch_add(&crowd->begun, 1);
    if (regrow_is_atom(message, "late"))
        atomic_fetch_add(&crowd->late, 1);
    return REGROW_NOREPLY;
}

static void begin(crowd *crowd)
{
    regrow_server_spec spec = {
        .size = sizeof spec, .init = take_user, .handle_info = take_one, .handle_cast = take_one, .user = crowd
    };
    crowd->to = start_server(&spec);
}

/* As fast as it can, plain messages and casts, whether somebody is there or not. */
static void *send_all(void *user)
{
    crowd *crowd = user;
    for (int at = 0; at < crowd->messages; at++) {
        regrow_term message = regrow_resource(&crowd->gone, count_up);
        CHECK_OK(at % 3 ? regrow_send(crowd->to, message) : regrow_cast(crowd->to, message));
    }
    return NULL;
}

static void nothing_is_lost_or_taken_twice_when_a_kill_meets_a_flood(void)
{
    int count = (int)rounds(400);
    for (int round = 0; round < count; round++) {
        crowd crowd = { .messages = 400 };
        pthread_t sender;
        begin(&crowd);
        regrow_ref monitor = monitored(crowd.to);
        CHECK(!pthread_create(&sender, NULL, send_all, &crowd));
        EVENTUALLY(crowd.begun > round % 200);
        CHECK_OK(regrow_exit(crowd.to, regrow_atom("kill")));
        CHECK_DOWN("killed", monitor);
        int begun = crowd.begun;
        CHECK(!pthread_join(sender, NULL));
        CHECK_OK(regrow_settle(root, LONG_MS, NULL));
        /* Settle waits for no ghost. */
        EVENTUALLY(stats().ghosts == 0);
        /* The one that it had taken when it was struck. */
        CHECK(crowd.begun <= begun + 1);
        CHECK(crowd.gone == crowd.messages);
        regrow_stats now = stats();
        CHECK(now.sent == now.handled + now.returned + now.undelivered);
    }
}

static void *send_and_end(void *user)
{
    crowd *crowd = user;
    send_all(crowd);
    CHECK_OK(regrow_exit(crowd->to, regrow_atom("boom")));
    CHECK_OK(regrow_send(crowd->to, regrow_atom("late")));
    return NULL;
}

static void no_message_overtakes_a_signal_that_was_sent_before_it(void)
{
    int count = (int)rounds(2000);
    for (int round = 0; round < count; round++) {
        crowd crowd = { .messages = 1 + round % 40 };
        pthread_t sender;
        begin(&crowd);
        regrow_ref monitor = monitored(crowd.to);
        CHECK(!pthread_create(&sender, NULL, send_and_end, &crowd));
        CHECK_DOWN("boom", monitor);
        CHECK(!pthread_join(sender, NULL));
        CHECK_OK(regrow_settle(root, LONG_MS, NULL));
        CHECK(crowd.late == 0 && crowd.gone == crowd.messages);
    }
}

int main(void)
{
    open_runtime((regrow_options){ .workers = 2 });
    RUN(nothing_is_lost_or_taken_twice_when_a_kill_meets_a_flood);
    RUN(no_message_overtakes_a_signal_that_was_sent_before_it);
    close_runtime();
    return 0;
}
