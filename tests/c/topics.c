/* Topics: who gets which message, in which order, and what a slow subscriber loses. */
#include "support.h"

static regrow_pid pubsub;

static regrow_pid start_pubsub(void)
{
    regrow_pubsub_spec spec = { .size = sizeof spec };
    regrow_child_spec how = child(REGROW_PUBSUB, &spec);
    regrow_pid pid;
    CHECK_OK(regrow_start(root, &how, &pid));
    return pid;
}

static void settle(void)
{
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
}

static void subscribe(const char *topic)
{
    CHECK_OK(regrow_pubsub_subscribe(pubsub, topic, self, NULL));
}

static void unsubscribe(const char *topic)
{
    CHECK_OK(regrow_pubsub_unsubscribe(pubsub, topic, self));
}

static void broadcast(const char *topic, int64_t number)
{
    CHECK_OK(regrow_pubsub_broadcast(pubsub, topic, regrow_int(number)));
}

static size_t count_of(const char *topic)
{
    size_t count;
    CHECK_OK(regrow_pubsub_subscriber_count(pubsub, topic, &count));
    return count;
}

static void subscribed_twice_is_two_copies_and_one_unsubscribe(void)
{
    broadcast("t", 0); /* to nobody */
    subscribe("t");
    subscribe("t");
    CHECK(count_of("t") == 2);
    broadcast("t", 1);
    CHECK_HERE("1");
    CHECK_HERE("1");
    unsubscribe("t");
    unsubscribe("t");
    broadcast("t", 2);
    CHECK_NO_MESSAGE();
    CHECK(count_of("t") == 0);
}

static void subscribe_once_is_once(void)
{
    regrow_subscription how = { .size = sizeof how, .queue = "q" };
    for (int i = 0; i < 3; i++)
        CHECK_OK(regrow_pubsub_subscribe_once(pubsub, "t", self, NULL));
    CHECK_OK(regrow_pubsub_subscribe_once(pubsub, "t", self, &how));
    CHECK(count_of("t") == 1);
    unsubscribe("t");
    CHECK_OK(regrow_pubsub_subscribe_once(pubsub, "t", self, &how));
    CHECK_OK(regrow_pubsub_subscribe_once(pubsub, "t", self, NULL));
    CHECK(count_of("t") == 1);
    unsubscribe("t");
}

static void broadcast_from_leaves_the_sender_out(void)
{
    regrow_pid other = spawn(wait_for_the_end, NULL);
    subscribe("t");
    CHECK_OK(regrow_pubsub_subscribe(pubsub, "t", other, NULL));
    CHECK_OK(regrow_pubsub_broadcast_from(pubsub, self, "t", regrow_int(1)));
    CHECK_NO_MESSAGE();
    CHECK_OK(regrow_pubsub_broadcast_from(pubsub, other, "t", regrow_int(2)));
    CHECK_HERE("2");
    kill_and_wait(other);
    CHECK(count_of("t") == 1);
    unsubscribe("t");
}

static void patterns_match_pieces(void)
{
    subscribe("a.*.c");
    subscribe("a.>");
    CHECK(count_of("a.b.c") == 2 && count_of("a.b") == 1 && count_of("b") == 0 && count_of("a") == 0);
    CHECK(count_of("a.>") == 1);
    broadcast("a.b.c", 1);
    CHECK_HERE("1");
    CHECK_HERE("1");
    broadcast("a.b.c.d", 2);
    CHECK_HERE("2");
    CHECK_NO_MESSAGE();
    unsubscribe("a.>");
    broadcast("a.b", 3);
    CHECK_NO_MESSAGE();
    broadcast("a.x.c", 4);
    CHECK_HERE("4");
    unsubscribe("a.*.c");
    broadcast("a.x.c", 5);
    CHECK_NO_MESSAGE();
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_pubsub_subscribe(pubsub, "a.>.b", self, NULL));
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_pubsub_broadcast(pubsub, "a.*", regrow_int(1)));
    /* Not a pattern: the star is part of a piece. */
    subscribe("a*");
    broadcast("a*", 6);
    CHECK_HERE("6");
    unsubscribe("a*");
}

static void patterns_end_with_their_subscriber(void)
{
    regrow_pid other = spawn(wait_for_the_end, NULL);
    CHECK_OK(regrow_pubsub_subscribe(pubsub, "a.*", other, NULL));
    CHECK_OK(regrow_pubsub_subscribe(pubsub, "a.>", other, NULL));
    CHECK(count_of("a.b") == 2);
    kill_and_wait(other);
    CHECK(count_of("a.b") == 0 && count_of("a.*") == 0);
    CHECK_ERROR(REGROW_ERR_NO_PROCESS, regrow_pubsub_subscribe(pubsub, "a.*", other, NULL));
}

/* ---- queue groups ---- */

static atomic_int handled[3];

static regrow_next count_messages(regrow_context *context, void *counter)
{
    regrow_term message;
    while (regrow_receive(REGROW_INFINITY, &message) == REGROW_OK) {
        atomic_fetch_add((atomic_int *)counter, 1);
        regrow_term_free(&message);
    }
    return REGROW_DONE;
}

static void a_queue_group_gets_each_message_once(void)
{
    regrow_subscription how = { .size = sizeof how, .queue = "workers" };
    regrow_pid members[3];
    for (int i = 0; i < 3; i++) {
        members[i] = spawn(count_messages, &handled[i]);
        CHECK_OK(regrow_pubsub_subscribe(pubsub, "jobs", members[i], &how));
    }
    subscribe("jobs");
    CHECK(count_of("jobs") == 4);
    for (int i = 0; i < 300; i++)
        broadcast("jobs", i);
    settle();
    for (int i = 0; i < 3; i++)
        CHECK(atomic_load(&handled[i]) == 100);
    for (int i = 0; i < 300; i++) {
        regrow_term message;
        CHECK_OK(regrow_receive(0, &message)); /* who is in no group gets all */
        regrow_term_free(&message);
    }
    /* The others take over from one that ends. */
    kill_and_wait(members[1]);
    for (int i = 0; i < 100; i++)
        CHECK_OK(regrow_pubsub_broadcast_from(pubsub, self, "jobs", regrow_int(i)));
    settle();
    CHECK(atomic_load(&handled[0]) == 150 && atomic_load(&handled[2]) == 150);
    unsubscribe("jobs");
    kill_and_wait(members[0]);
    kill_and_wait(members[2]);
    CHECK(count_of("jobs") == 0);
}

static void a_queue_group_is_one_over_all_its_patterns(void)
{
    regrow_subscription how = { .size = sizeof how, .queue = "workers" };
    const char *topics[3] = { "a.b", "a.*", "a.>" };
    regrow_pid members[3];
    for (int i = 0; i < 3; i++) {
        atomic_store(&handled[i], 0);
        members[i] = spawn(count_messages, &handled[i]);
        CHECK_OK(regrow_pubsub_subscribe(pubsub, topics[i], members[i], &how));
    }
    how.queue = "others";
    CHECK_OK(regrow_pubsub_subscribe(pubsub, "a.*", self, &how));
    for (int i = 0; i < 300; i++)
        broadcast("a.b", i);
    settle();
    for (int i = 0; i < 3; i++)
        CHECK(atomic_load(&handled[i]) == 100);
    size_t count;
    CHECK_OK(regrow_flush(&count));
    CHECK(count == 300);
    unsubscribe("a.*");
    for (int i = 0; i < 3; i++)
        kill_and_wait(members[i]);
}

/* ---- payloads ---- */

/* A typed subscriber: what it cannot decode is an event for whoever looks after it. */
static regrow_next decode_payload(regrow_context *context, void *state, const regrow_term *message)
{
    const uint8_t *data;
    size_t size;
    regrow_term payload;
    int64_t number;
    CHECK(regrow_as_bytes(message, &data, &size));
    regrow_error error = regrow_term_decode(data, size, &payload);
    if (error == REGROW_OK && regrow_as_int(&payload, &number)) {
        CHECK_OK(regrow_send(self, payload));
    } else {
        if (error == REGROW_OK)
            regrow_term_free(&payload);
        CHECK_OK(regrow_send(self, pair("undecodable", regrow_term_clone(message))));
    }
    return REGROW_NOREPLY;
}

static void broadcast_bytes(const void *data, size_t size)
{
    CHECK_OK(regrow_pubsub_broadcast(pubsub, "typed", regrow_bytes(data, size)));
}

static void a_payload_that_cannot_be_decoded_is_an_event_and_its_subscriber_lives(void)
{
    regrow_server_spec spec = { .size = sizeof spec, .handle_info = decode_payload };
    regrow_pid pid = start_server(&spec);
    regrow_term number = regrow_int(7), bytes;
    const uint8_t *data;
    size_t size;
    CHECK_OK(regrow_pubsub_subscribe(pubsub, "typed", pid, NULL));
    CHECK_OK(regrow_term_encode(&number, &bytes));
    CHECK(regrow_as_bytes(&bytes, &data, &size));
    broadcast_bytes(data, size);
    broadcast_bytes("?", 1);            /* no term */
    broadcast_bytes(data, size - 1);    /* cut off */
    broadcast_bytes("\203j", 2);        /* a term of another type: [] */
    broadcast_bytes(data, size);
    regrow_term_free(&bytes);
    CHECK_MESSAGE("7");
    CHECK_MESSAGE("{undecodable,<<63>>}");
    CHECK_MESSAGE("{undecodable,<<131,97>>}");
    CHECK_MESSAGE("{undecodable,<<131,106>>}");
    CHECK_MESSAGE("7");
    CHECK(regrow_is_alive(pid));
    kill_and_wait(pid);
}

/* ---- bounds ---- */

static void at_its_bound_a_subscriber_is_told_what_it_missed(void)
{
    regrow_subscription how = { .size = sizeof how, .max_messages = 3 };
    CHECK_OK(regrow_pubsub_subscribe(pubsub, "t", self, &how));
    for (int i = 1; i <= 7; i++)
        broadcast("t", i);
    CHECK_HERE("1");
    CHECK_HERE("2");
    CHECK_HERE("3");
    CHECK_HERE("{lag,<<116>>,4}");
    CHECK_NO_MESSAGE();
    broadcast("t", 8);
    CHECK_HERE("8");
    unsubscribe("t");

    how.overflow = REGROW_DROP_OLDEST;
    CHECK_OK(regrow_pubsub_subscribe(pubsub, "t", self, &how));
    for (int i = 1; i <= 7; i++)
        broadcast("t", i);
    CHECK_HERE("{lag,<<116>>,4}");
    CHECK_HERE("5");
    CHECK_HERE("6");
    CHECK_HERE("7");
    CHECK_NO_MESSAGE();
    /* What is dropped unread makes room too. */
    broadcast("t", 8);
    size_t dropped;
    CHECK_OK(regrow_flush(&dropped));
    CHECK(dropped == 1);
    broadcast("t", 9);
    broadcast("t", 10);
    broadcast("t", 11);
    CHECK_HERE("9");
    CHECK_HERE("10");
    CHECK_HERE("11");
    unsubscribe("t");
    /* Other messages are not counted. */
    how.max_messages = 1;
    CHECK_OK(regrow_pubsub_subscribe(pubsub, "t", self, &how));
    for (int i = 0; i < 3; i++)
        CHECK_OK(regrow_send(self, regrow_atom("other")));
    broadcast("t", 1);
    for (int i = 0; i < 3; i++)
        CHECK_HERE("other");
    CHECK_HERE("1");
    unsubscribe("t");
}

static regrow_next take_info(regrow_context *context, void *state, const regrow_term *message)
{
    regrow_term tuple = pair("info", regrow_term_clone(message));
    CHECK_OK(regrow_send(self, tuple));
    return REGROW_NOREPLY;
}

static void a_server_takes_them_as_any_message(void)
{
    regrow_server_spec spec = { .size = sizeof spec, .handle_info = take_info };
    regrow_subscription how = { .size = sizeof how, .max_messages = 2 };
    regrow_pid server = start_server(&spec);
    CHECK_OK(regrow_pubsub_subscribe(pubsub, "t", server, &how));
    CHECK_OK(regrow_suspend(server, LONG_MS));
    for (int i = 1; i <= 4; i++)
        broadcast("t", i);
    CHECK_OK(regrow_resume(server, LONG_MS));
    CHECK_MESSAGE("{info,1}");
    CHECK_MESSAGE("{info,2}");
    CHECK_MESSAGE("{info,{lag,<<116>>,2}}");
    kill_and_wait(server);
}

static gate at_the_gate;

static regrow_next stand_at_the_gate(regrow_context *context, void *user)
{
    gate_pass(&at_the_gate);
    return REGROW_DONE;
}

/* The message is a resource, so that each one is known to be freed. */
static void a_publisher_is_not_held_up_and_nothing_leaks(void)
{
    static atomic_int drops;
    regrow_subscription how = { .size = sizeof how, .max_messages = 10, .overflow = REGROW_DROP_OLDEST };
    gate_make(&at_the_gate);
    regrow_ref monitor;
    regrow_pid slow = spawn_monitor(stand_at_the_gate, NULL, &monitor);
    gate_reached(&at_the_gate);
    CHECK_OK(regrow_pubsub_subscribe(pubsub, "t", slow, &how));
    how.overflow = REGROW_DROP_NEWEST;
    CHECK_OK(regrow_pubsub_subscribe(pubsub, "t", slow, &how));
    int count = (int)rounds(20000);
    for (int i = 0; i < count; i++)
        CHECK_OK(regrow_pubsub_broadcast(pubsub, "t", regrow_resource(&drops, count_up)));
    CHECK(atomic_load(&drops) == count - 20);
    gate_open(&at_the_gate);
    CHECK_DOWN("normal", monitor);
    settle();
    CHECK(atomic_load(&drops) == count);
    CHECK(count_of("t") == 0);
}

/* ---- order, and many at once ---- */

enum { PUBLISHERS = 4, SUBSCRIBERS = 4 };

typedef struct crowd {
    atomic_llong received, missed;
    int64_t last[SUBSCRIBERS][PUBLISHERS];
} crowd;

static crowd many;
static int64_t per_publisher;

static regrow_next publish(regrow_context *context, void *number)
{
    for (int64_t i = 1; i <= per_publisher; i++) {
        regrow_term items[] = { regrow_int((int64_t)(intptr_t)number), regrow_int(i) };
        CHECK_OK(regrow_pubsub_broadcast(pubsub, i % 2 ? "x.y" : "x.z", regrow_tuple(items, 2)));
        if (i % 64 == 0)
            CHECK_OK(regrow_sleep(0));
    }
    return REGROW_DONE;
}

/* What comes of one publisher comes in its order; what does not come is told. */
static regrow_next subscribe_and_check(regrow_context *context, void *number)
{
    int64_t *last = many.last[(intptr_t)number];
    regrow_term message;
    while (regrow_receive(REGROW_INFINITY, &message) == REGROW_OK) {
        int64_t publisher, item;
        if (regrow_is_atom(regrow_tuple_get(&message, 0), "lag")) {
            CHECK(regrow_as_int(regrow_tuple_get(&message, 2), &item));
            atomic_fetch_add(&many.missed, item);
        } else {
            CHECK(regrow_as_int(regrow_tuple_get(&message, 0), &publisher));
            CHECK(regrow_as_int(regrow_tuple_get(&message, 1), &item));
            CHECK(item > last[publisher]);
            last[publisher] = item;
            atomic_fetch_add(&many.received, 1);
        }
        regrow_term_free(&message);
    }
    return REGROW_DONE;
}

static void each_publishers_messages_come_in_order_and_are_all_accounted_for(void)
{
    static const uint32_t bounds[SUBSCRIBERS] = { 0, 1, 10, 100 };
    regrow_pid subscribers[SUBSCRIBERS];
    regrow_ref publishers[PUBLISHERS];
    per_publisher = (int64_t)rounds(5000);
    for (int i = 0; i < SUBSCRIBERS; i++) {
        regrow_subscription how = { .size = sizeof how, .max_messages = bounds[i],
                                    .overflow = i % 2 ? REGROW_DROP_OLDEST : REGROW_DROP_NEWEST };
        subscribers[i] = spawn(subscribe_and_check, (void *)(intptr_t)i);
        CHECK_OK(regrow_pubsub_subscribe(pubsub, "x.*", subscribers[i], &how));
    }
    for (int i = 0; i < PUBLISHERS; i++)
        spawn_monitor(publish, (void *)(intptr_t)i, &publishers[i]);
    for (int i = 0; i < PUBLISHERS; i++)
        CHECK_DOWN("normal", publishers[i]);
    settle();
    CHECK(atomic_load(&many.received) + atomic_load(&many.missed) == SUBSCRIBERS * PUBLISHERS * per_publisher);
    for (int i = 0; i < SUBSCRIBERS; i++)
        kill_and_wait(subscribers[i]);
}

static void *come_and_go(void *unused)
{
    for (size_t round = 0; round < rounds(2000); round++) {
        regrow_pid pid = spawn(wait_for_the_end, NULL);
        char topic[16];
        snprintf(topic, sizeof topic, round % 2 ? "%zu.*" : "%zu.a", round % 7);
        CHECK_OK(regrow_pubsub_subscribe(pubsub, topic, pid, NULL));
        snprintf(topic, sizeof topic, "%zu.a", round % 7);
        CHECK_OK(regrow_pubsub_broadcast(pubsub, topic, regrow_int(1)));
        CHECK_OK(regrow_exit(pid, regrow_atom("kill")));
    }
    return NULL;
}

static void subscribers_come_and_go_from_all_sides(void)
{
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        CHECK(!pthread_create(&threads[i], NULL, come_and_go, NULL));
    for (int i = 0; i < 3; i++)
        CHECK(!pthread_join(threads[i], NULL));
    settle();
    for (int i = 0; i < 7; i++) {
        char topic[16];
        snprintf(topic, sizeof topic, "%d.a", i);
        CHECK(count_of(topic) == 0);
    }
}

static void a_pubsub_can_be_a_child_and_ends_for_itself(void)
{
    regrow_pubsub_spec spec = { .size = sizeof spec };
    regrow_child_spec how = child(REGROW_PUBSUB, &spec);
    regrow_pid first, second;
    how.id = "pubsub";
    how.name = "the pubsub";
    regrow_supervisor_spec above = { .size = sizeof above, .children = &how, .child_count = 1 };
    regrow_child_spec top = child(REGROW_SUPERVISOR, &above);
    regrow_pid tree;
    CHECK_OK(regrow_start(root, &top, &tree));
    CHECK_OK(regrow_whereis(root, "the pubsub", &first));
    CHECK_OK(regrow_pubsub_subscribe(first, "t", self, NULL));
    kill_and_wait(first);
    CHECK_ERROR(REGROW_ERR_NO_PROCESS, regrow_pubsub_broadcast(first, "t", regrow_int(1)));
    settle();
    CHECK_OK(regrow_whereis(root, "the pubsub", &second));
    CHECK_OK(regrow_pubsub_broadcast(second, "t", regrow_int(1)));
    CHECK_NO_MESSAGE();
    CHECK_ERROR(REGROW_ERR_WRONG_KIND, regrow_call(second, regrow_nil(), LONG_MS, NULL));
    CHECK_OK(regrow_stop(tree, regrow_atom("normal"), LONG_MS));
}

int main(void)
{
    open_runtime((regrow_options){ .workers = 2 });
    pubsub = start_pubsub();
    RUN(subscribed_twice_is_two_copies_and_one_unsubscribe);
    RUN(subscribe_once_is_once);
    RUN(broadcast_from_leaves_the_sender_out);
    RUN(patterns_match_pieces);
    RUN(patterns_end_with_their_subscriber);
    RUN(a_queue_group_gets_each_message_once);
    RUN(a_queue_group_is_one_over_all_its_patterns);
    RUN(a_payload_that_cannot_be_decoded_is_an_event_and_its_subscriber_lives);
    RUN(at_its_bound_a_subscriber_is_told_what_it_missed);
    RUN(a_server_takes_them_as_any_message);
    RUN(a_publisher_is_not_held_up_and_nothing_leaks);
    RUN(each_publishers_messages_come_in_order_and_are_all_accounted_for);
    RUN(subscribers_come_and_go_from_all_sides);
    RUN(a_pubsub_can_be_a_child_and_ends_for_itself);
    close_runtime();
    return 0;
}
