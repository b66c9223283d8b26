/* Registries: who is found by which key, and that nobody is found who has ended. */
#include "tree.h"
#include <malloc.h>
#include <time.h>

static regrow_pid registry;

static regrow_pid start_registry(uint32_t keys, const char *name)
{
    regrow_registry_spec spec = { .size = sizeof spec, .keys = keys };
    regrow_child_spec child = { .size = sizeof child, .kind = REGROW_REGISTRY, .spec = &spec, .name = name };
    regrow_pid pid;
    CHECK_OK(regrow_start(root, &child, &pid));
    return pid;
}

static actor quiet = { .silent = true };

static regrow_pid start_quiet(void)
{
    regrow_server_spec server = actor_spec(&quiet);
    regrow_child_spec child = server_child(0, &server);
    regrow_pid pid;
    CHECK_OK(regrow_start(root, &child, &pid));
    return pid;
}

static regrow_error put(regrow_term key, regrow_pid pid, regrow_term value)
{
    return regrow_registry_register(registry, key, pid, value);
}

static regrow_term lookup(const regrow_term *key)
{
    regrow_term entries;
    CHECK_OK(regrow_registry_lookup(registry, key, &entries));
    return entries;
}

static size_t count(void)
{
    size_t count;
    CHECK_OK(regrow_registry_count(registry, &count));
    return count;
}

#define CHECK_LOOKUP(key, ...) check_given(__FILE__, __LINE__, lookup(key), __VA_ARGS__)

static regrow_term keys_of(regrow_pid pid)
{
    regrow_term keys;
    CHECK_OK(regrow_registry_keys(registry, pid, &keys));
    return keys;
}

static regrow_term values_of(const regrow_term *key, regrow_pid pid)
{
    regrow_term values;
    CHECK_OK(regrow_registry_values(registry, key, pid, &values));
    return values;
}

#define CHECK_KEYS(pid, ...) check_given(__FILE__, __LINE__, keys_of(pid), __VA_ARGS__)
#define CHECK_VALUES(key, pid, ...) check_given(__FILE__, __LINE__, values_of(key, pid), __VA_ARGS__)

/* ---- unique and duplicate ---- */

static void a_unique_key_has_one_holder(void)
{
    regrow_term key = ATOM("key");
    regrow_pid first = start_quiet(), second = start_quiet(), found = { 7 };
    registry = start_registry(REGROW_UNIQUE, NULL);
    CHECK_LOOKUP(&key, "[]");
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_registry_whereis(registry, &key, &found));
    CHECK(found.id == 7);
    CHECK_OK(put(ATOM("key"), first, INT(1)));
    CHECK_ERROR(REGROW_ERR_EXISTS, put(ATOM("key"), second, INT(2)));
    CHECK_REASON("{already_registered,%s}", show_pid(first));
    CHECK_ERROR(REGROW_ERR_EXISTS, put(ATOM("key"), first, INT(3)));
    CHECK_REASON("{already_registered,%s}", show_pid(first));
    CHECK_LOOKUP(&key, "[{%s,1}]", show_pid(first));
    CHECK_OK(regrow_registry_whereis(registry, &key, &found));
    CHECK(found.id == first.id && count() == 1);
    kill_and_wait(first);
    CHECK_OK(put(ATOM("key"), second, INT(2)));
    CHECK_LOOKUP(&key, "[{%s,2}]", show_pid(second));
}

static void a_duplicate_key_has_many_in_the_order_of_their_coming(void)
{
    regrow_term key = ATOM("key"), other = ATOM("other");
    regrow_pid first = start_quiet(), second = start_quiet(), found;
    registry = start_registry(REGROW_DUPLICATE, NULL);
    CHECK_OK(put(ATOM("key"), first, INT(1)));
    CHECK_OK(put(ATOM("key"), second, INT(2)));
    CHECK_OK(put(ATOM("key"), first, INT(3)));
    CHECK_OK(put(ATOM("key"), first, INT(3)));
    CHECK_LOOKUP(&key, "[{%s,1},{%s,2},{%s,3},{%s,3}]", show_pid(first), show_pid(second), show_pid(first),
                 show_pid(first));
    CHECK_LOOKUP(&other, "[]");
    CHECK(count() == 4);
    CHECK_KEYS(first, "[key,key,key]");
    CHECK_VALUES(&key, first, "[1,3,3]");
    /* What only makes sense where a key has one holder. */
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_registry_whereis(registry, &key, &found));
    kill_and_wait(first);
    CHECK_LOOKUP(&key, "[{%s,2}]", show_pid(second));
    CHECK(count() == 1);
    CHECK_KEYS(first, "[]");
}

static void keys_are_compared_exactly(void)
{
    regrow_pid pid = start_quiet();
    registry = start_registry(REGROW_UNIQUE, NULL);
    regrow_term keys[] = {
        INT(1), regrow_float(1.0), ATOM("a"), regrow_text("a"), TUPLE(ATOM("worker"), INT(1)),
        TUPLE(ATOM("worker"), regrow_float(1.0)), regrow_bytes("a\0b", 3), regrow_bytes("a\0c", 3), regrow_nil(),
        regrow_cons(INT(1), regrow_nil()), regrow_from_pid(pid), regrow_from_pid(root), regrow_float(0.0),
        regrow_text("a text that is too long to lie within a term, so that its bytes are compared"),
        regrow_text("a text that is too long to lie within a term, so that its bytes are compared!"),
    };
    size_t many = sizeof keys / sizeof *keys;
    for (size_t at = 0; at < many; at++)
        CHECK_OK(put(regrow_term_clone(&keys[at]), pid, INT((int64_t)at)));
    CHECK(count() == many);
    for (size_t at = 0; at < many; at++)
        CHECK_LOOKUP(&keys[at], "[{%s,%zu}]", show_pid(pid), at);
    /* An equal term that is another object is the same key. */
    regrow_term same = TUPLE(ATOM("worker"), INT(1));
    CHECK_LOOKUP(&same, "[{%s,4}]", show_pid(pid));
    regrow_term_free(&same);
    for (size_t at = 0; at < many; at++)
        regrow_term_free(&keys[at]);
}

/* ---- values ---- */

static regrow_next add_one(regrow_context *context, void *user, const regrow_term *state, regrow_term *next,
                           regrow_term *reply)
{
    int64_t number;
    CHECK(regrow_as_int(state, &number));
    *next = INT(number + 1);
    return REGROW_DONE;
}

static regrow_next refuse(regrow_context *context, void *user, const regrow_term *state, regrow_term *next,
                          regrow_term *reply)
{
    *next = INT(99);
    return user ? REGROW_NOREPLY : regrow_stop_self(context, ATOM("nope"));
}

static void a_value_is_updated_by_its_owner_alone(void)
{
    regrow_term key = ATOM("key"), others = ATOM("others"), old;
    regrow_pid other = start_quiet();
    registry = start_registry(REGROW_UNIQUE, NULL);
    CHECK_OK(put(ATOM("key"), self, INT(1)));
    CHECK_OK(put(ATOM("others"), other, INT(1)));
    CHECK_OK(regrow_registry_update(registry, &key, add_one, NULL, &old));
    check_given(__FILE__, __LINE__, old, "1");
    CHECK_LOOKUP(&key, "[{%s,2}]", show_pid(self));
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_registry_update(registry, &others, add_one, NULL, NULL));
    CHECK_LOOKUP(&others, "[{%s,1}]", show_pid(other));
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_registry_update(registry, &key, refuse, NULL, NULL));
    CHECK_REASON("nope");
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_registry_update(registry, &key, refuse, "badly", NULL));
    CHECK_LOOKUP(&key, "[{%s,2}]", show_pid(self));
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_registry_update(registry, &key, NULL, NULL, NULL));
}

static void entries_are_taken_away_by_key_and_by_value(void)
{
    regrow_term key = ATOM("key"), none = ATOM("none"), two = INT(2), two_float = regrow_float(2.0);
    regrow_term pattern = TUPLE(ATOM("age"), ATOM("_"));
    regrow_pid pid = start_quiet(), other = start_quiet();
    registry = start_registry(REGROW_DUPLICATE, NULL);
    CHECK_OK(put(ATOM("key"), pid, INT(1)));
    CHECK_OK(put(ATOM("key"), pid, INT(2)));
    CHECK_OK(put(ATOM("key"), pid, TUPLE(ATOM("age"), INT(7))));
    CHECK_OK(put(ATOM("key"), other, INT(2)));
    CHECK_OK(regrow_registry_unregister_match(registry, &key, pid, &two_float, NULL));
    CHECK_VALUES(&key, pid, "[1,2,{age,7}]");
    CHECK_OK(regrow_registry_unregister_match(registry, &key, pid, &two, NULL));
    CHECK_VALUES(&key, pid, "[1,{age,7}]");
    CHECK_VALUES(&key, other, "[2]");
    CHECK_OK(regrow_registry_unregister_match(registry, &key, pid, &pattern, NULL));
    CHECK_VALUES(&key, pid, "[1]");
    CHECK_OK(regrow_registry_unregister(registry, &none, pid));
    CHECK_OK(regrow_registry_unregister(registry, &key, pid));
    CHECK_OK(regrow_registry_unregister(registry, &key, pid));
    CHECK_LOOKUP(&key, "[{%s,2}]", show_pid(other));
    CHECK(count() == 1);
    regrow_term_free(&pattern);
}

/* ---- dispatch ---- */

static void note_entry(void *user, regrow_pid pid, const regrow_term *value)
{
    regrow_pid me;
    CHECK_OK(regrow_self(&me));
    CHECK(me.id == self.id);
    note("%s", show(value));
}

static void put_and_take_away(void *user, regrow_pid pid, const regrow_term *value)
{
    regrow_term key = ATOM("key");
    CHECK_OK(regrow_registry_unregister_match(registry, &key, pid, value, NULL));
    CHECK_OK(put(ATOM("other"), pid, regrow_term_clone(value)));
    note("%s", show(value));
}

static regrow_pid doomed;

static void kill_the_doomed(void *user, regrow_pid pid, const regrow_term *value)
{
    CHECK(pid.id != doomed.id || regrow_is_alive(doomed));
    note("%s", show(value));
    if (regrow_is_alive(doomed) && pid.id != doomed.id)
        kill_and_wait(doomed);
}

static void dispatch_calls_for_each_entry_in_the_caller_without_a_lock(void)
{
    regrow_term key = ATOM("key"), none = ATOM("none");
    regrow_pid pid = start_quiet();
    registry = start_registry(REGROW_DUPLICATE, NULL);
    CHECK_OK(regrow_registry_dispatch(registry, &none, note_entry, NULL));
    for (int number = 1; number <= 3; number++)
        CHECK_OK(put(ATOM("key"), pid, INT(number)));
    CHECK_OK(regrow_registry_dispatch(registry, &key, note_entry, NULL));
    CHECK_LOG("1 2 3");
    CHECK_OK(regrow_registry_dispatch(registry, &key, put_and_take_away, NULL));
    CHECK_LOG("1 2 3");
    CHECK_LOOKUP(&key, "[]");
    CHECK(count() == 3);
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_registry_dispatch(registry, &key, NULL, NULL));
}

/* As a subject is registered for its owner: whoever asks for it. */
static void who_is_entered_by_another_is_the_owner(void)
{
    regrow_term key = ATOM("key");
    regrow_pid owner = start_quiet(), found;
    registry = start_registry(REGROW_UNIQUE, NULL);
    CHECK_OK(put(ATOM("key"), owner, INT(1)));
    CHECK_OK(regrow_registry_whereis(registry, &key, &found));
    CHECK(found.id == owner.id);
    CHECK_KEYS(owner, "[key]");
    CHECK_KEYS(self, "[]");
    /* Whoever entered it is not it: it may go without the entry going, and has nothing there to take away. */
    CHECK_OK(regrow_registry_unregister(registry, &key, self));
    CHECK_OK(regrow_leave());
    CHECK_OK(regrow_enter(root, &self));
    CHECK_OK(regrow_registry_whereis(registry, &key, &found));
    CHECK(found.id == owner.id);
    kill_and_wait(owner);
    CHECK_LOOKUP(&key, "[]");
    CHECK(count() == 0);
}

static void dispatch_leaves_out_who_has_ended_meanwhile(void)
{
    regrow_term key = ATOM("key");
    regrow_pid first = start_quiet(), last = start_quiet();
    doomed = start_quiet();
    registry = start_registry(REGROW_DUPLICATE, NULL);
    CHECK_OK(put(ATOM("key"), first, INT(1)));
    CHECK_OK(put(ATOM("key"), doomed, INT(2)));
    CHECK_OK(put(ATOM("key"), last, INT(3)));
    CHECK_OK(regrow_registry_dispatch(registry, &key, kill_the_doomed, NULL));
    CHECK_LOG("1 3");
}

/* ---- in parallel ---- */

enum { MANY = 64, PARTS = 4 };

/* What the callbacks of one dispatch have seen. */
typedef struct seen {
    pthread_mutex_t lock;
    uint64_t parts[MANY];
    atomic_int part_count, called, waits;
    atomic_bool there[MANY];
    uint64_t where[MANY];
    regrow_pid caller;
} seen;

static void start_cut_registry(uint32_t keys, uint32_t partitions)
{
    regrow_registry_spec spec = { .size = sizeof spec, .keys = keys, .partitions = partitions };
    regrow_child_spec child = { .size = sizeof child, .kind = REGROW_REGISTRY, .spec = &spec };
    CHECK_OK(regrow_start(root, &child, &registry));
}

static void put_many(void)
{
    for (int number = 0; number < MANY; number++)
        CHECK_OK(put(ATOM("key"), start_quiet(), INT(number)));
}

/* Notes which process it runs in, and the value. */
static int64_t see(seen *seen, const regrow_term *value)
{
    regrow_pid me = { 0 };
    int64_t number;
    int at = 0;
    regrow_self(&me); /* not on a thread outside */
    CHECK(regrow_as_int(value, &number) && number < MANY && !atomic_exchange(&seen->there[number], true));
    pthread_mutex_lock(&seen->lock);
    while (at < seen->part_count && seen->parts[at] != me.id)
        at++;
    if (at == seen->part_count)
        seen->parts[seen->part_count++] = me.id;
    seen->where[number] = me.id;
    pthread_mutex_unlock(&seen->lock);
    seen->called++;
    return number;
}

/* Goes on once it runs in two parts at least. */
static void see_and_wait_for_another_part(void *user, regrow_pid pid, const regrow_term *value)
{
    seen *seen = user;
    see(seen, value);
    while (seen->part_count < 2)
        CHECK_OK(regrow_sleep(0));
}

static void *dispatch_from_outside(void *user)
{
    regrow_term key = ATOM("key");
    CHECK_OK(regrow_registry_dispatch_parallel(registry, &key, see_and_wait_for_another_part, user));
    return NULL;
}

static void parts_are_seen_to_at_the_same_time_and_waited_for(void)
{
    regrow_term key = ATOM("key"), none = ATOM("none");
    start_cut_registry(REGROW_DUPLICATE, PARTS);
    put_many();
    for (int round = 0; round < 20; round++) {
        seen inside = { .lock = PTHREAD_MUTEX_INITIALIZER }, outside = { .lock = PTHREAD_MUTEX_INITIALIZER };
        CHECK_OK(regrow_registry_dispatch_parallel(registry, &key, see_and_wait_for_another_part, &inside));
        CHECK(inside.called == MANY && inside.part_count == PARTS);
        for (int at = 0; at < inside.part_count; at++)
            CHECK(inside.parts[at] != self.id);
        join_thread(start_thread(dispatch_from_outside, &outside));
        CHECK(outside.called == MANY && outside.part_count == PARTS);
    }
    CHECK_OK(regrow_registry_dispatch_parallel(registry, &none, see_and_wait_for_another_part, NULL));
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_registry_dispatch_parallel(registry, &key, NULL, NULL));
    CHECK_NO_MESSAGE();
}

static void see_only(void *user, regrow_pid pid, const regrow_term *value)
{
    see(user, value);
}

static void what_is_not_cut_up_is_dispatched_in_the_caller(void)
{
    regrow_term key = ATOM("key");
    for (int unique = 0; unique < 2; unique++) {
        seen seen = { .lock = PTHREAD_MUTEX_INITIALIZER };
        start_cut_registry(unique ? REGROW_UNIQUE : REGROW_DUPLICATE, unique ? PARTS : 1);
        if (unique)
            CHECK_OK(put(ATOM("key"), start_quiet(), INT(0)));
        else
            put_many();
        CHECK_OK(regrow_registry_dispatch_parallel(registry, &key, see_only, &seen));
        CHECK(seen.called == (unique ? 1 : MANY) && seen.part_count == 1 && seen.parts[0] == self.id);
    }
}

static void end_the_part_of_thirteen(void *user, regrow_pid pid, const regrow_term *value)
{
    seen *seen = user;
    regrow_pid me;
    if (see(seen, value) != 13)
        return;
    CHECK_OK(regrow_self(&me));
    CHECK_OK(regrow_exit(me, seen->waits ? ATOM("kill") : TUPLE(ATOM("bad"), ATOM("luck"))));
}

static void a_part_that_ends_leaves_the_others_alone(void)
{
    regrow_term key = ATOM("key"), reason;
    seen all = { .lock = PTHREAD_MUTEX_INITIALIZER };
    start_cut_registry(REGROW_DUPLICATE, PARTS);
    put_many();
    /* It is cut up by the processes alone, the same each time. */
    CHECK_OK(regrow_registry_dispatch_parallel(registry, &key, see_only, &all));
    for (int kill = 0; kill < 2; kill++) {
        seen seen = { .lock = PTHREAD_MUTEX_INITIALIZER, .waits = kill };
        CHECK_ERROR(REGROW_ERR_EXITED, regrow_registry_dispatch_parallel(registry, &key, end_the_part_of_thirteen, &seen));
        CHECK_OK(regrow_last_reason(&reason));
        check_given(__FILE__, __LINE__, reason, kill ? "killed" : "{bad,luck}");
        /* Of the others all, of its own what came before. */
        CHECK(seen.part_count == PARTS);
        for (int number = 0; number < MANY; number++)
            CHECK(seen.there[number] == (all.where[number] != all.where[13] || number <= 13));
    }
    CHECK_NO_MESSAGE();
}

static void see_and_wait_for_ever(void *user, regrow_pid pid, const regrow_term *value)
{
    seen *seen = user;
    regrow_term message;
    see(seen, value);
    seen->waits++;
    CHECK_ERROR(REGROW_ERR_KILLED, regrow_receive(REGROW_INFINITY, &message));
    /* What the caller lent is there as long as this runs. */
    seen->waits--;
}

static regrow_next dispatch_in_a_process(regrow_context *context, void *user)
{
    regrow_term key = ATOM("key");
    seen seen = { .lock = PTHREAD_MUTEX_INITIALIZER };
    *(struct seen **)user = &seen;
    CHECK_ERROR(REGROW_ERR_KILLED, regrow_registry_dispatch_parallel(registry, &key, see_and_wait_for_ever, &seen));
    CHECK(seen.waits == 0 && seen.called == PARTS);
    note("over");
    return REGROW_DONE;
}

static void a_caller_that_is_killed_takes_the_parts_along_and_outlasts_them(void)
{
    start_cut_registry(REGROW_DUPLICATE, PARTS);
    put_many();
    for (int round = 0; round < 20; round++) {
        seen *seen = NULL;
        regrow_process_spec process = { .size = sizeof process, .body = dispatch_in_a_process, .user = &seen };
        regrow_pid pid;
        regrow_ref ref;
        CHECK_OK(regrow_spawn_monitor(&process, &pid, &ref));
        settle();
        CHECK(seen && seen->waits == PARTS);
        CHECK_OK(regrow_exit(pid, ATOM("kill")));
        CHECK_DOWN(ref, "killed");
        wait_for_ghosts();
        CHECK_LOG("over");
    }
}

static regrow_next dispatch_where_it_may_not(regrow_context *context, void *state, const regrow_term *request)
{
    regrow_term key = ATOM("key");
    seen seen = { .lock = PTHREAD_MUTEX_INITIALIZER };
    CHECK_ERROR(REGROW_ERR_WOULD_BLOCK, regrow_registry_dispatch_parallel(registry, &key, see_only, &seen));
    CHECK(seen.called == 0);
    return regrow_reply(context, ATOM("ok"));
}

static void who_may_not_wait_dispatches_nothing_in_parallel(void)
{
    regrow_server_spec server = { .size = sizeof server, .handle_call = dispatch_where_it_may_not,
                                  .flags = REGROW_NO_PARK };
    regrow_child_spec child = server_child(1, &server);
    regrow_pid pid;
    start_cut_registry(REGROW_DUPLICATE, PARTS);
    put_many();
    CHECK_OK(regrow_start(root, &child, &pid));
    CHECK_OK(regrow_call(pid, ATOM("go"), LIMIT_MS, NULL));
}

/* ---- ends ---- */

static void a_registry_takes_those_in_it_along(void)
{
    regrow_pid linked = start_quiet(), gone = start_quiet();
    regrow_term key = ATOM("b");
    registry = start_registry(REGROW_UNIQUE, NULL);
    CHECK_OK(put(ATOM("a"), linked, regrow_nil()));
    CHECK_OK(put(ATOM("b"), gone, regrow_nil()));
    CHECK_OK(put(ATOM("c"), self, regrow_nil()));
    CHECK_OK(regrow_registry_unregister(registry, &key, gone));
    CHECK_OK(regrow_trap_exit(true, NULL));
    regrow_ref ref = monitor(linked);
    CHECK_OK(regrow_exit(registry, ATOM("kill")));
    CHECK_DOWN(ref, "killed");
    CHECK_EXIT(registry, "killed");
    settle();
    /* The link went with the last entry. */
    CHECK(regrow_is_alive(gone));
    CHECK_OK(regrow_trap_exit(false, NULL));
}

static void a_link_of_ones_own_outlives_the_last_entry(void)
{
    regrow_term key = ATOM("key");
    registry = start_registry(REGROW_UNIQUE, NULL);
    CHECK_OK(regrow_trap_exit(true, NULL));
    CHECK_OK(regrow_link(registry));
    CHECK_OK(put(ATOM("key"), self, regrow_nil()));
    CHECK_OK(regrow_registry_unregister(registry, &key, self));
    CHECK_OK(regrow_exit(registry, ATOM("kill")));
    CHECK_EXIT(registry, "killed");
    CHECK_OK(regrow_trap_exit(false, NULL));
}

static void the_dead_and_the_wrong_are_refused(void)
{
    regrow_pid dead = start_quiet(), wrong = start_quiet(), pid;
    regrow_term key = ATOM("key"), term;
    size_t number;
    registry = start_registry(REGROW_UNIQUE, NULL);
    kill_and_wait(dead);
    CHECK_ERROR(REGROW_ERR_NO_PROCESS, put(ATOM("key"), dead, regrow_nil()));
    CHECK_LOOKUP(&key, "[]");
    CHECK_KEYS(dead, "[]");
    CHECK_ERROR(REGROW_ERR_ARGUMENT, put(regrow_atom(NULL), wrong, regrow_nil()));
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_registry_lookup(registry, NULL, &term));
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_registry_lookup(registry, &key, NULL));
    for (int round = 0; round < 2; round++) {
        regrow_error expected = round ? REGROW_ERR_NO_PROCESS : REGROW_ERR_WRONG_KIND;
        registry = round ? dead : wrong;
        CHECK_ERROR(expected, put(ATOM("key"), self, regrow_nil()));
        CHECK_ERROR(expected, regrow_registry_lookup(registry, &key, &term));
        CHECK_ERROR(expected, regrow_registry_whereis(registry, &key, &pid));
        CHECK_ERROR(expected, regrow_registry_keys(registry, self, &term));
        CHECK_ERROR(expected, regrow_registry_values(registry, &key, self, &term));
        CHECK_ERROR(expected, regrow_registry_count(registry, &number));
        CHECK_ERROR(expected, regrow_registry_dispatch(registry, &key, note_entry, NULL));
        CHECK_ERROR(expected, regrow_registry_unregister(registry, &key, self));
        CHECK_ERROR(expected, regrow_registry_update(registry, &key, add_one, NULL, NULL));
    }
    regrow_registry_spec spec = { .size = sizeof spec, .keys = 2 };
    regrow_child_spec child = { .size = sizeof child, .kind = REGROW_REGISTRY, .spec = &spec };
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_start(root, &child, NULL));
    spec.keys = REGROW_UNIQUE;
    spec.listener_count = 1;
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_start(root, &child, NULL));
}

static atomic_int drops;

static void count_drop(void *pointer)
{
    atomic_fetch_add(&drops, 1);
}

static void what_was_kept_is_freed_once_whatever_takes_it_away(void)
{
    static int thing;
    regrow_term key = ATOM("a");
    regrow_pid pid = start_quiet();
    atomic_store(&drops, 0);
    registry = start_registry(REGROW_UNIQUE, NULL);
    CHECK_OK(put(ATOM("a"), pid, regrow_resource(&thing, count_drop)));
    CHECK_ERROR(REGROW_ERR_EXISTS, put(ATOM("a"), pid, regrow_resource(&thing, count_drop)));
    settle();
    CHECK(drops == 1);
    CHECK_OK(regrow_registry_unregister(registry, &key, pid));
    settle();
    CHECK(drops == 2);
    CHECK_OK(put(ATOM("a"), pid, regrow_resource(&thing, count_drop)));
    kill_and_wait(pid);
    settle();
    CHECK(drops == 3);
    CHECK_OK(put(ATOM("a"), self, regrow_resource(&thing, count_drop)));
    CHECK_OK(regrow_trap_exit(true, NULL));
    kill_and_wait(registry);
    settle();
    CHECK(drops == 4);
}

/* ---- release before notify ---- */

static void nobody_is_found_once_told_that_he_has_ended(void)
{
    regrow_pid unique = start_registry(REGROW_UNIQUE, NULL), duplicate = start_registry(REGROW_DUPLICATE, NULL);
    regrow_pid found;
    regrow_term key = ATOM("key"), entries;
    size_t stale_names = 0, stale_unique = 0, stale_duplicate = 0, stale_keys = 0, refused = 0;
    for (size_t left = rounds(20000); left; left--) {
        regrow_pid pid = start_quiet();
        refused += regrow_register(pid, "name") != REGROW_OK;
        refused += regrow_registry_register(unique, ATOM("key"), pid, INT(1)) != REGROW_OK;
        refused += regrow_registry_register(duplicate, ATOM("key"), pid, INT(1)) != REGROW_OK;
        regrow_ref ref = monitor(pid);
        if (left % 2)
            CHECK_OK(regrow_exit(pid, ATOM("kill")));
        else
            CHECK_OK(regrow_cast(pid, TUPLE(ATOM("stop"), ATOM("normal"))));
        CHECK_DOWN(ref, left % 2 ? "killed" : "normal");
        stale_names += regrow_whereis(root, "name", &found) == REGROW_OK;
        stale_unique += regrow_registry_whereis(unique, &key, &found) == REGROW_OK;
        CHECK_OK(regrow_registry_lookup(unique, &key, &entries));
        stale_unique += !regrow_is_nil(&entries);
        regrow_term_free(&entries);
        CHECK_OK(regrow_registry_lookup(duplicate, &key, &entries));
        stale_duplicate += !regrow_is_nil(&entries);
        regrow_term_free(&entries);
        CHECK_OK(regrow_registry_keys(duplicate, pid, &entries));
        stale_keys += !regrow_is_nil(&entries);
        regrow_term_free(&entries);
    }
    CHECK(stale_names == 0 && stale_unique == 0 && stale_duplicate == 0 && stale_keys == 0);
    CHECK(refused == 0);
}

static void what_is_not_alive_is_not_found_either(void)
{
    regrow_pid found;
    regrow_term key = ATOM("key");
    registry = start_registry(REGROW_UNIQUE, NULL);
    for (size_t left = rounds(5000); left; left--) {
        regrow_pid pid = start_quiet();
        CHECK_OK(put(ATOM("key"), pid, INT(1)));
        CHECK_OK(regrow_exit(pid, ATOM("kill")));
        while (regrow_is_alive(pid))
            sched_yield();
        CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_registry_whereis(registry, &key, &found));
        CHECK(count() == 0);
    }
}

/* ---- via ---- */

static void a_child_is_registered_under_its_via_before_it_runs_and_again_after_a_restart(void)
{
    tree tree;
    regrow_term key = TUPLE(ATOM("worker"), INT(1)), value = ATOM("value"), reply;
    registry = start_registry(REGROW_UNIQUE, "names");
    regrow_address via = { .size = sizeof via, .registry_name = "names", .key = &key, .value = &value,
                           .runtime = root };
    plant(&tree, 1, REGROW_ONE_FOR_ONE);
    tree.children[0].via = &via;
    start_tree(&tree);
    regrow_pid before = child_pid(tree.pid, 1), after;
    CHECK_LOOKUP(&key, "[{%s,value}]", show_pid(before));
    end_child(tree.pid, 1, "boom");
    CHECK_OK(regrow_registry_whereis(registry, &key, &after));
    CHECK(after.id != before.id && after.id == child_pid(tree.pid, 1).id);
    CHECK_OK(regrow_call_at(&via, ATOM("hello"), LIMIT_MS, &reply));
    check_given(__FILE__, __LINE__, reply, "{1,hello}");

    /* Who comes second is told of the first. */
    actor second = { .number = 2, .silent = true };
    regrow_server_spec server = actor_spec(&second);
    regrow_child_spec child = server_child(2, &server);
    child.via = &via;
    CHECK_ERROR(REGROW_ERR_EXISTS, regrow_start(root, &child, NULL));
    CHECK_REASON("{already_started,%s}", show_pid(after));
    CHECK_ERROR(REGROW_ERR_EXISTS, regrow_supervisor_start_child(tree.pid, &child, NULL));
    CHECK_REASON("{already_started,%s}", show_pid(after));
    CHECK(second.starts == 0 && count() == 1);
    CHECK_CHILDREN(tree.pid, "1");
    stop_tree(&tree);
    CHECK_LOOKUP(&key, "[]");
    regrow_term_free(&key);
}

static void a_duplicate_registry_is_no_place_for_a_via(void)
{
    actor actor = { .number = 1, .silent = true };
    regrow_server_spec server = actor_spec(&actor);
    regrow_term key = ATOM("key");
    registry = start_registry(REGROW_DUPLICATE, NULL);
    regrow_address via = { .size = sizeof via, .registry = registry, .key = &key };
    regrow_child_spec child = server_child(1, &server);
    child.via = &via;
    CHECK(regrow_start(root, &child, NULL) != REGROW_OK);
    CHECK_REASON("duplicate_registry");
    via.registry = start_quiet();
    CHECK_ERROR(REGROW_ERR_WRONG_KIND, regrow_start(root, &child, NULL));
    kill_and_wait(via.registry);
    CHECK_ERROR(REGROW_ERR_NO_PROCESS, regrow_start(root, &child, NULL));
    via = (regrow_address){ .size = sizeof via, .runtime = root, .registry_name = "nobody", .key = &key };
    CHECK(regrow_start(root, &child, NULL) != REGROW_OK);
    via = (regrow_address){ .size = sizeof via, .runtime = root, .name = "a_name" };
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_start(root, &child, NULL));
    CHECK(actor.starts == 0 && count() == 0);
}

static regrow_next refuse_init(regrow_context *context, actor *actor)
{
    return regrow_stop_self(context, ATOM("nope"));
}

static void a_start_that_fails_leaves_no_entry(void)
{
    actor actor = { .number = 1, .silent = true, .on_init = refuse_init };
    regrow_server_spec server = actor_spec(&actor);
    regrow_term key = ATOM("key");
    registry = start_registry(REGROW_UNIQUE, NULL);
    regrow_address via = { .size = sizeof via, .registry = registry, .key = &key };
    regrow_child_spec child = server_child(1, &server);
    child.via = &via;
    CHECK_ERROR(REGROW_ERR_START, regrow_start(root, &child, NULL));
    CHECK_LOOKUP(&key, "[]");
    CHECK(count() == 0);
}

static void a_tree_with_a_registry_is_rebuilt_with_it(void)
{
    tree tree;
    regrow_registry_spec spec = { .size = sizeof spec };
    regrow_term key = ATOM("key");
    regrow_address via = { .size = sizeof via, .runtime = root, .registry_name = "names", .key = &key };
    plant(&tree, 3, REGROW_REST_FOR_ONE);
    tree.children[0] = (regrow_child_spec){ .size = sizeof *tree.children, .id_term = number_id(1),
                                            .kind = REGROW_REGISTRY, .spec = &spec, .name = "names" };
    tree.actors[2].traps = false;
    tree.children[1].via = &via;
    start_tree(&tree);
    CHECK_LOG("S2 S3");
    CHECK_OK(regrow_exit(child_pid(tree.pid, 1), ATOM("kill")));
    CHECK_LOG("T3 S2 S3");
    regrow_pid found;
    CHECK_OK(regrow_whereis_at(&via, &found));
    CHECK(found.id == child_pid(tree.pid, 2).id);
    stop_tree(&tree);
}

static void remember(void *seen)
{
    regrow_term key = ATOM("twice");
    *(regrow_error *)seen = regrow_registry_lock(registry, &key, remember, seen, 0);
}

static void a_lock_is_the_callers_while_its_function_runs(void)
{
    regrow_error seen = REGROW_ERR_INTERNAL;
    regrow_term key = ATOM("twice");
    registry = start_registry(REGROW_UNIQUE, NULL);
    /* This thread has entered: it cannot take what it has. */
    CHECK_OK(regrow_registry_lock(registry, &key, remember, &seen, REGROW_INFINITY));
    CHECK(seen == REGROW_ERR_WOULD_DEADLOCK);
    CHECK_OK(regrow_registry_lock(registry, &key, remember, &seen, 0));
}

enum { ASKERS = 16, ASKS = 1000 };

static void *ask_in_vain(void *key)
{
    for (int i = 0; i < ASKS; i++)
        CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_registry_lock(registry, key, remember, NULL, 1));
    return NULL;
}

static void hold_while_others_ask(void *key)
{
    pthread_t threads[ASKERS];
    for (int round = 0; round < 2; round++) {
        size_t before = mallinfo2().uordblks;
        for (int i = 0; i < ASKERS; i++)
            threads[i] = start_thread(ask_in_vain, key);
        for (int i = 0; i < ASKERS; i++)
            join_thread(threads[i]);
        /* The first time warms up what threads keep. The registry may still have to forget the last of them. */
        for (int time = 0; round && mallinfo2().uordblks >= before + 100 * ASKS; time++) {
            CHECK(time < LIMIT_MS / 10);
            nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
        }
    }
}

static void who_gives_up_waiting_for_a_lock_leaves_nothing(void)
{
    regrow_term key = ATOM("held");
    registry = start_registry(REGROW_UNIQUE, NULL);
    CHECK_OK(regrow_registry_lock(registry, &key, hold_while_others_ask, &key, 0));
}

static atomic_size_t begun, over;
static regrow_pid ending;

static void *kill_the_registry(void *unused)
{
    for (size_t round = 0; round < rounds(3000); round++) {
        while (begun <= round)
            sched_yield();
        CHECK_OK(regrow_exit(ending, ATOM("kill")));
        over++;
    }
    return NULL;
}

/* The end of a registry takes a while, and who ends meanwhile must not be found in what is left of it. */
static void nobody_is_found_in_a_registry_that_ends_once_told_that_he_has_ended(void)
{
    pthread_t killer;
    int found = 0;
    CHECK(!pthread_create(&killer, NULL, kill_the_registry, NULL));
    for (size_t round = 0; round < rounds(3000); round++) {
        regrow_term key = regrow_int((int64_t)round);
        regrow_pid holder, pid = start_quiet();
        ending = start_registry(REGROW_UNIQUE, NULL);
        CHECK_OK(regrow_registry_register(ending, regrow_term_clone(&key), pid, INT(1)));
        regrow_ref ref = monitor(pid);
        begun++;
        for (volatile size_t at = 0; at < round % 100 * 200; at++) {
        }
        CHECK_OK(regrow_exit(pid, ATOM("kill")));
        CHECK_DOWN(ref, "killed");
        found += regrow_registry_whereis(ending, &key, &holder) == REGROW_OK;
        while (over <= round)
            sched_yield();
    }
    CHECK(!pthread_join(killer, NULL));
    CHECK(found == 0);
}

static void listeners_and_what_is_kept_beside_the_entries(void)
{
    const char *names[] = { "ears" };
    regrow_term keys[] = { regrow_atom("limit") }, values[] = { regrow_int(7) };
    regrow_term meta = regrow_map(keys, values, 1), key = ATOM("limit"), value;
    regrow_registry_spec spec = { .size = sizeof spec, .partitions = 2, .listeners = names, .listener_count = 1,
                                  .meta = &meta };
    regrow_child_spec child = { .size = sizeof child, .kind = REGROW_REGISTRY, .spec = &spec, .name = "book" };
    regrow_pid me, book;
    CHECK_OK(regrow_self(&me));
    CHECK_OK(regrow_register(me, "ears"));
    CHECK_OK(regrow_start(root, &child, &book));
    CHECK_OK(regrow_registry_meta(book, &key, &value));
    CHECK_SHOWN(&value, "7");
    CHECK_OK(regrow_registry_put_meta(book, ATOM("limit"), regrow_int(8)));
    CHECK_OK(regrow_registry_meta(book, &key, &value));
    CHECK_SHOWN(&value, "8");
    CHECK_OK(regrow_registry_delete_meta(book, &key));
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_registry_meta(book, &key, &value));
    CHECK_OK(regrow_registry_register(book, ATOM("k"), me, regrow_int(1)));
    CHECK_RECEIVED("{register,<<98,111,111,107>>,k,%s,1}", show_pid(me));
    CHECK_OK(regrow_stop(book, ATOM("normal"), 10000));
    CHECK_OK(regrow_unregister(root, "ears"));
    regrow_term_free(&meta);
}

int main(void)
{
    TEST(a_unique_key_has_one_holder);
    TEST(a_duplicate_key_has_many_in_the_order_of_their_coming);
    TEST(keys_are_compared_exactly);
    TEST(a_value_is_updated_by_its_owner_alone);
    TEST(entries_are_taken_away_by_key_and_by_value);
    TEST(dispatch_calls_for_each_entry_in_the_caller_without_a_lock);
    TEST(who_is_entered_by_another_is_the_owner);
    TEST(dispatch_leaves_out_who_has_ended_meanwhile);
    TEST(parts_are_seen_to_at_the_same_time_and_waited_for);
    TEST(what_is_not_cut_up_is_dispatched_in_the_caller);
    TEST(a_part_that_ends_leaves_the_others_alone);
    TEST(a_caller_that_is_killed_takes_the_parts_along_and_outlasts_them);
    TEST(who_may_not_wait_dispatches_nothing_in_parallel);
    TEST(a_registry_takes_those_in_it_along);
    TEST(a_link_of_ones_own_outlives_the_last_entry);
    TEST(the_dead_and_the_wrong_are_refused);
    TEST(what_was_kept_is_freed_once_whatever_takes_it_away);
    TEST(nobody_is_found_once_told_that_he_has_ended);
    TEST(what_is_not_alive_is_not_found_either);
    TEST(nobody_is_found_in_a_registry_that_ends_once_told_that_he_has_ended);
    TEST(a_child_is_registered_under_its_via_before_it_runs_and_again_after_a_restart);
    TEST(a_duplicate_registry_is_no_place_for_a_via);
    TEST(a_start_that_fails_leaves_no_entry);
    TEST(a_tree_with_a_registry_is_rebuilt_with_it);
    TEST(a_lock_is_the_callers_while_its_function_runs);
    TEST(who_gives_up_waiting_for_a_lock_leaves_nothing);
    TEST(listeners_and_what_is_kept_beside_the_entries);
    return 0;
}
