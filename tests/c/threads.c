/* Threads of the program that enter a runtime, and leave it or end. */
#include "support.h"

typedef void *(*thread_main)(void *);

static void in_a_thread(thread_main run, void *argument)
{
    pthread_t thread;
    CHECK(!pthread_create(&thread, NULL, run, argument));
    CHECK(!pthread_join(thread, NULL));
}

/* ---- entering and leaving ---- */

static void *enter_and_leave(void *nothing)
{
    regrow_pid me, found, before = { 0 };
    CHECK_ERROR(REGROW_ERR_CONTEXT, regrow_leave());
    CHECK_ERROR(REGROW_ERR_CONTEXT, regrow_self(&found));
    for (int round = 0; round < 100; round++) {
        CHECK_OK(regrow_enter(root, &me));
        CHECK(me.id != before.id); /* a new process each time */
        CHECK(regrow_is_alive(me));
        CHECK_OK(regrow_self(&found));
        CHECK(found.id == me.id);
        CHECK_OK(regrow_root(me, &found));
        CHECK(found.id == root.id);
        CHECK_ERROR(REGROW_ERR_EXISTS, regrow_enter(root, NULL));
        CHECK_OK(regrow_leave());
        CHECK(!regrow_is_alive(me));
        CHECK_ERROR(REGROW_ERR_CONTEXT, regrow_self(&found));
        before = me;
    }
    return NULL;
}

static void a_thread_enters_and_leaves(void)
{
    uint64_t before = stats().processes;
    in_a_thread(enter_and_leave, NULL);
    CHECK(stats().processes == before);
}

static void *need_an_identity(void *nothing)
{
    regrow_term message;
    regrow_ref ref;
    regrow_process_spec body = process(end_at_once, NULL);
    regrow_pid somebody = spawn(wait_for_the_end, NULL);
    CHECK_ERROR(REGROW_ERR_CONTEXT, regrow_receive(0, &message));
    CHECK_ERROR(REGROW_ERR_CONTEXT, regrow_receive(REGROW_INFINITY, &message));
    CHECK_ERROR(REGROW_ERR_CONTEXT, regrow_receive_match(is_down_of, &ref, 0, &message));
    CHECK_ERROR(REGROW_ERR_CONTEXT, regrow_flush(NULL));
    CHECK_ERROR(REGROW_ERR_CONTEXT, regrow_link(somebody));
    CHECK_ERROR(REGROW_ERR_CONTEXT, regrow_unlink(somebody));
    CHECK_ERROR(REGROW_ERR_CONTEXT, regrow_monitor(somebody, &ref));
    CHECK_ERROR(REGROW_ERR_CONTEXT, regrow_demonitor((regrow_ref){ 0 }, 0, NULL));
    CHECK_ERROR(REGROW_ERR_CONTEXT, regrow_trap_exit(true, NULL));
    CHECK_ERROR(REGROW_ERR_CONTEXT, regrow_spawn_link(&body, NULL));
    CHECK_ERROR(REGROW_ERR_CONTEXT, regrow_spawn_monitor(&body, NULL, NULL));
    /* The rest is any thread's: an exit signal comes from nobody. */
    CHECK_OK(regrow_sleep(1));
    CHECK_OK(regrow_exit(somebody, regrow_atom("kill")));
    EVENTUALLY(!regrow_is_alive(somebody));
    return NULL;
}

static void what_needs_an_identity_says_so(void)
{
    in_a_thread(need_an_identity, NULL);
}

/* ---- what ends with the process of a thread ---- */

static void *be_linked_and_named(void *leaves)
{
    regrow_pid me;
    CHECK_OK(regrow_enter(root, &me));
    CHECK_OK(regrow_register(me, "a_thread"));
    CHECK_OK(regrow_link(self));
    CHECK_OK(regrow_send(self, regrow_from_pid(me)));
    regrow_term message;
    CHECK_OK(regrow_receive(LONG_MS, &message));
    regrow_term_free(&message);
    if (leaves)
        CHECK_OK(regrow_leave());
    return NULL; /* without leaving: its end is one */
}

static void others_are_told_when_a_thread_leaves_or_ends_without(void)
{
    CHECK_OK(regrow_trap_exit(true, NULL));
    for (int round = 0; round < 100; round++) {
        pthread_t thread;
        regrow_pid pid, found;
        regrow_term message;
        atomic_int dropped = 0;
        CHECK(!pthread_create(&thread, NULL, be_linked_and_named, (void *)(size_t)(round % 2)));
        CHECK_OK(regrow_receive(LONG_MS, &message));
        CHECK(regrow_as_pid(&message, &pid));
        regrow_ref monitor = monitored(pid);
        CHECK_OK(regrow_send(pid, regrow_atom("go")));
        CHECK_OK(regrow_send(pid, regrow_resource(&dropped, count_up)));
        CHECK_DOWN("normal", monitor);
        CHECK_EXIT("normal", pid);
        CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_whereis(root, "a_thread", &found));
        CHECK(!regrow_is_alive(pid));
        CHECK(!pthread_join(thread, NULL));
        EVENTUALLY(dropped == 1);
    }
    CHECK_OK(regrow_trap_exit(false, NULL));
}

/* ---- ended from outside ---- */

static void *be_killed(void *reason)
{
    regrow_pid me, again;
    regrow_term message;
    CHECK_OK(regrow_enter(root, &me));
    CHECK_OK(regrow_send(self, regrow_from_pid(me)));
    CHECK_ERROR(REGROW_ERR_KILLED, regrow_receive(REGROW_INFINITY, &message));
    CHECK_ERROR(REGROW_ERR_KILLED, regrow_receive(0, &message));
    CHECK_ERROR(REGROW_ERR_KILLED, regrow_send(self, regrow_atom("never")));
    CHECK_ERROR(REGROW_ERR_KILLED, regrow_sleep(LONG_MS));
    CHECK(!regrow_is_alive(me));
    /* The thread is not dead: it leaves, and may come back. */
    CHECK_OK(regrow_leave());
    CHECK_OK(regrow_enter(root, &again));
    CHECK(again.id != me.id && regrow_is_alive(again));
    CHECK_OK(regrow_send(self, regrow_atom("back")));
    return NULL;
}

static void a_thread_survives_its_process(void)
{
    const char *reasons[] = { "kill", "boom" };
    for (int at = 0; at < 2; at++) {
        pthread_t thread;
        regrow_pid pid;
        regrow_term message;
        CHECK(!pthread_create(&thread, NULL, be_killed, NULL));
        CHECK_OK(regrow_receive(LONG_MS, &message));
        CHECK(regrow_as_pid(&message, &pid));
        regrow_ref monitor = monitored(pid);
        CHECK_OK(regrow_exit(pid, regrow_atom(reasons[at])));
        CHECK_DOWN(at ? "boom" : "killed", monitor);
        CHECK_MESSAGE("back");
        CHECK(!pthread_join(thread, NULL));
        EVENTUALLY(stats().ghosts == 0);
    }
}

static void *end_as_a_ghost(void *nothing)
{
    regrow_pid me;
    regrow_term message;
    CHECK_OK(regrow_enter(root, &me));
    CHECK_OK(regrow_exit(me, regrow_atom("kill")));
    CHECK_ERROR(REGROW_ERR_KILLED, regrow_receive(REGROW_INFINITY, &message));
    return NULL; /* without leaving */
}

static void a_thread_that_ends_as_a_ghost_is_one_no_more(void)
{
    in_a_thread(end_as_a_ghost, NULL);
    EVENTUALLY(stats().ghosts == 0);
}

/* ---- receiving ---- */

static bool is_wanted(void *wanted, const regrow_term *message)
{
    return regrow_is_atom(message, wanted);
}

static void *send_by_and_by(void *pid)
{
    const char *words[] = { "one", "two", "three" };
    for (int at = 0; at < 3; at++)
        CHECK_OK(regrow_send(*(regrow_pid *)pid, regrow_atom(words[at])));
    return NULL;
}

static void a_thread_receives_selectively_while_others_send(void)
{
    for (int round = 0; round < 200; round++) {
        pthread_t thread;
        regrow_term message;
        CHECK(!pthread_create(&thread, NULL, send_by_and_by, &self));
        CHECK_OK(regrow_receive_match(is_wanted, "three", LONG_MS, &message));
        CHECK_OK(regrow_receive_match(is_wanted, "two", 0, &message));
        CHECK_OK(regrow_receive_match(is_wanted, "one", 0, &message));
        CHECK(!pthread_join(thread, NULL));
    }
}

static regrow_next answer(regrow_context *context, void *state, const regrow_term *request)
{
    return regrow_reply(context, regrow_term_clone(request));
}

static void *call_from_outside(void *server)
{
    for (int64_t number = 0, found; number < 2000; number++) {
        regrow_term reply;
        CHECK_OK(regrow_call(*(regrow_pid *)server, regrow_int(number), LONG_MS, &reply));
        CHECK(regrow_as_int(&reply, &found) && found == number);
    }
    return NULL;
}

static void any_thread_may_call(void)
{
    enum { THREADS = 4 };
    regrow_server_spec spec = { .size = sizeof spec, .handle_call = answer };
    regrow_pid server = start_server(&spec);
    pthread_t threads[THREADS];
    for (int at = 0; at < THREADS; at++)
        CHECK(!pthread_create(&threads[at], NULL, call_from_outside, &server));
    for (int at = 0; at < THREADS; at++)
        CHECK(!pthread_join(threads[at], NULL));
    kill_and_wait(server);
}

static void the_last_error_is_the_threads_own(void)
{
    regrow_pid found;
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_whereis(root, "nobody", &found));
    in_a_thread(need_an_identity, NULL);
    CHECK(regrow_last_error(NULL, 0) == REGROW_ERR_NOT_FOUND);
    CHECK_LAST_REASON("not_found");
}

static void *fill_a_mailbox_and_end(void *dropped)
{
    regrow_pid me;
    CHECK_OK(regrow_enter(root, &me));
    for (int at = 0; at < 1000; at++)
        CHECK_OK(regrow_send(me, regrow_resource(dropped, count_up)));
    return NULL;
}

static void the_messages_of_a_thread_that_ended_are_dropped_once(void)
{
    atomic_int dropped = 0;
    in_a_thread(fill_a_mailbox_and_end, &dropped);
    EVENTUALLY(dropped == 1000);
}

/* ---- a thread that has ended, but for the destructors of others ---- */

static pthread_key_t last;
static regrow_pid late_server;

static void call_late(void *unused)
{
    regrow_pid found;
    CHECK_ERROR(REGROW_ERR_CONTEXT, regrow_leave());
    CHECK_ERROR(REGROW_ERR_CONTEXT, regrow_enter(root, &found));
    CHECK_ERROR(REGROW_ERR_WOULD_BLOCK, regrow_call(late_server, regrow_int(1), LONG_MS, NULL));
    for (int at = 0; at < 1000; at++) {
        CHECK_OK(regrow_send(late_server, regrow_nil()));
        CHECK(regrow_is_alive(late_server));
    }
}

static void *call_and_end(void *entered)
{
    CHECK(!pthread_setspecific(last, &last));
    if (entered)
        CHECK_OK(regrow_enter(root, NULL));
    CHECK_OK(regrow_call(late_server, regrow_int(1), LONG_MS, NULL));
    return NULL;
}

/* Many at once: what such a thread has given back is another's already, and both are at work. */
static void what_a_thread_does_at_its_very_end_is_its_own(void)
{
    enum { AT_ONCE = 8 };
    regrow_server_spec spec = { .size = sizeof spec, .handle_call = answer };
    late_server = start_server(&spec);
    CHECK(!pthread_key_create(&last, call_late));
    for (size_t round = 0; round < rounds(50); round++) {
        pthread_t threads[AT_ONCE];
        for (int at = 0; at < AT_ONCE; at++)
            CHECK(!pthread_create(&threads[at], NULL, call_and_end, at % 2 ? &root : NULL));
        for (int at = 0; at < AT_ONCE; at++)
            CHECK(!pthread_join(threads[at], NULL));
    }
    CHECK(!pthread_key_delete(last));
    /* Which waits for everybody who is seen inside. */
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    kill_and_wait(late_server);
}

int main(void)
{
    open_runtime((regrow_options){ .workers = 2 });
    RUN(a_thread_enters_and_leaves);
    RUN(what_needs_an_identity_says_so);
    RUN(others_are_told_when_a_thread_leaves_or_ends_without);
    RUN(a_thread_survives_its_process);
    RUN(a_thread_that_ends_as_a_ghost_is_one_no_more);
    RUN(a_thread_receives_selectively_while_others_send);
    RUN(any_thread_may_call);
    RUN(the_last_error_is_the_threads_own);
    RUN(the_messages_of_a_thread_that_ended_are_dropped_once);
    RUN(what_a_thread_does_at_its_very_end_is_its_own);
    close_runtime();
    return 0;
}
