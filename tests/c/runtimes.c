/* Several runtimes in one program, and what is left of one that was shut down. */
#include "support.h"
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>

static regrow_pid other_root;

static void open_other(void)
{
    regrow_options options = { .size = sizeof options, .workers = 2, .log_level = REGROW_LOG_SILENT };
    CHECK_OK(regrow_init(&options, &other_root));
}

static void close_other(void)
{
    CHECK_OK(regrow_shutdown(other_root, LONG_MS, NULL));
}

static regrow_next answer(regrow_context *context, void *state, const regrow_term *request)
{
    return regrow_reply(context, regrow_term_clone(request));
}

static regrow_next pass_on(regrow_context *context, void *state, const regrow_term *message)
{
    CHECK_OK(regrow_send(self, regrow_term_clone(message)));
    return REGROW_NOREPLY;
}

static regrow_next hang_up(regrow_context *context, void *state, const regrow_term *message)
{
    return regrow_stop_self(context, regrow_atom("hung_up"));
}

static const regrow_server_spec answers = { .size = sizeof answers, .handle_call = answer, .handle_info = pass_on,
                                            .handle_cast = hang_up };

static regrow_pid start_there(void)
{
    regrow_child_spec how = child(REGROW_SERVER, &answers);
    regrow_pid pid;
    CHECK_OK(regrow_start(other_root, &how, &pid));
    return pid;
}

static void sends_calls_and_signals_work_across(void)
{
    open_other();
    regrow_pid there = start_there(), found;
    regrow_term reply;
    CHECK_OK(regrow_root(there, &found));
    CHECK(found.id == other_root.id && found.id != root.id);
    CHECK_OK(regrow_call(there, regrow_atom("hello"), LONG_MS, &reply));
    CHECK_TERM("hello", &reply);
    CHECK_OK(regrow_send(there, regrow_atom("over_there")));
    CHECK_MESSAGE("over_there");
    CHECK_OK(regrow_send_after(there, 1, regrow_atom("later"), NULL));
    CHECK_MESSAGE("later");
    CHECK_OK(regrow_exit(there, regrow_atom("kill")));
    CHECK(!regrow_is_alive(there));
    there = start_there();
    CHECK_OK(regrow_stop(there, regrow_atom("normal"), LONG_MS));
    close_other();
}

static regrow_next call_across(regrow_context *context, void *user)
{
    regrow_pid there = *(regrow_pid *)user, me;
    regrow_term reply;
    for (int64_t number = 0, found; number < 1000; number++) {
        CHECK_OK(regrow_call(there, regrow_int(number), LONG_MS, &reply)); /* parks here, is answered there */
        CHECK(regrow_as_int(&reply, &found) && found == number);
    }
    CHECK_OK(regrow_self(&me));
    CHECK_ERROR(REGROW_ERR_OTHER_RUNTIME, regrow_link(there));
    return REGROW_DONE;
}

static void a_parked_call_across_is_answered(void)
{
    open_other();
    regrow_pid there = start_there();
    regrow_ref monitors[8];
    for (int at = 0; at < 8; at++)
        spawn_monitor(call_across, &there, &monitors[at]);
    for (int at = 0; at < 8; at++)
        CHECK_DOWN("normal", monitors[at]);
    close_other();
}

static void links_monitors_and_names_stay_in_their_runtime(void)
{
    open_other();
    regrow_pid there = start_there(), found;
    regrow_ref monitor;
    CHECK_ERROR(REGROW_ERR_OTHER_RUNTIME, regrow_link(there));
    CHECK_ERROR(REGROW_ERR_OTHER_RUNTIME, regrow_monitor(there, &monitor));
    CHECK_OK(regrow_trap_exit(true, NULL));
    CHECK_ERROR(REGROW_ERR_OTHER_RUNTIME, regrow_link(there));
    CHECK_OK(regrow_trap_exit(false, NULL));

    /* One name here is another there. */
    CHECK_OK(regrow_register(there, "same"));
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_whereis(root, "same", &found));
    CHECK_OK(regrow_register(self, "same"));
    CHECK_OK(regrow_whereis(other_root, "same", &found));
    CHECK(found.id == there.id);
    CHECK_OK(regrow_whereis(there, "same", &found)); /* any process stands for its runtime */
    CHECK(found.id == there.id);
    CHECK_OK(regrow_whereis(root, "same", &found));
    CHECK(found.id == self.id);
    regrow_address address = { .size = sizeof address, .runtime = other_root, .name = "same" };
    CHECK_ERROR(REGROW_ERR_OTHER_RUNTIME, regrow_monitor_at(&address, &monitor));
    CHECK_OK(regrow_unregister(root, "same"));
    CHECK(regrow_is_alive(there));
    close_other();
}

static void timers_of_one_are_not_the_others(void)
{
    open_other();
    regrow_ref timer;
    CHECK_OK(regrow_send_after(self, LONG_MS, regrow_nil(), &timer));
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_cancel_timer(other_root, timer, 0, NULL));
    CHECK_OK(regrow_cancel_timer(root, timer, 0, NULL));
    close_other();
}

static void a_thread_is_in_one_runtime_at_a_time(void)
{
    open_other();
    regrow_pid there;
    CHECK_ERROR(REGROW_ERR_EXISTS, regrow_enter(other_root, &there));
    CHECK_OK(regrow_leave());
    CHECK_OK(regrow_enter(other_root, &there));
    regrow_pid found;
    CHECK_OK(regrow_root(there, &found));
    CHECK(found.id == other_root.id);
    close_other(); /* takes this thread out */
    CHECK_ERROR(REGROW_ERR_CONTEXT, regrow_self(&found));
    CHECK_OK(regrow_enter(root, &self));
}

/* ---- after shutdown ---- */

static void after_shutdown_nothing_is_there_and_all_say_so(void)
{
    open_other();
    atomic_int dropped = 0;
    regrow_pid there = start_there(), pid;
    regrow_request *pending = NULL;
    regrow_ref ref;
    regrow_term term;
    uint64_t ms;
    regrow_stats numbers = { .size = sizeof numbers };
    regrow_process_spec body = process(end_at_once, &dropped);
    regrow_child_spec how = child(REGROW_SERVER, &answers);
    body.drop_user = count_up;
    how.id = "late";
    close_other();

    regrow_pid gone[] = { there, other_root };
    for (int at = 0; at < 2; at++) {
        CHECK(!regrow_is_alive(gone[at]));
        CHECK_ERROR(REGROW_ERR_NO_PROCESS, regrow_call(gone[at], regrow_nil(), LONG_MS, NULL));
        CHECK_ERROR(REGROW_ERR_NO_PROCESS, regrow_call_async(gone[at], regrow_nil(), LONG_MS, &pending));
        CHECK_ERROR(REGROW_ERR_NO_PROCESS, regrow_stop(gone[at], regrow_nil(), LONG_MS));
        CHECK_OK(regrow_send(gone[at], regrow_nil()));
        CHECK_OK(regrow_cast(gone[at], regrow_nil()));
        CHECK_OK(regrow_exit(gone[at], regrow_atom("kill")));
        CHECK_ERROR(REGROW_ERR_NO_PROCESS, regrow_link(gone[at]));
        CHECK_OK(regrow_monitor(gone[at], &ref));
        CHECK_DOWN("noproc", ref);
        CHECK_ERROR(REGROW_ERR_NO_PROCESS, regrow_info(gone[at], &term));
        CHECK_ERROR(REGROW_ERR_NO_PROCESS, regrow_supervisor_start_child(gone[at], &how, &pid));
        CHECK_ERROR(REGROW_ERR_NO_PROCESS, regrow_register(gone[at], "late"));
    }
    /* Of the runtime itself: it is not alive. */
    regrow_error errors[] = {
        regrow_spawn(other_root, &body, &pid),        regrow_start(other_root, &how, &pid),
        regrow_enter(other_root, &pid),               regrow_settle(other_root, LONG_MS, NULL),
        regrow_advance(other_root, 1),                regrow_now(other_root, &ms),
        regrow_stats_read(other_root, &numbers),      regrow_whereis(other_root, "late", &pid),
        regrow_shutdown(other_root, LONG_MS, NULL),   regrow_settle_async(other_root, &pending),
    };
    for (size_t at = 0; at < sizeof errors / sizeof *errors; at++) {
        if (errors[at] != REGROW_ERR_NOT_ALIVE && errors[at] != REGROW_ERR_EXISTS)
            fprintf(stderr, "call %zu: %s\n", at, regrow_error_name(errors[at]));
        CHECK(errors[at] == REGROW_ERR_NOT_ALIVE || (at == 2 && errors[at] == REGROW_ERR_EXISTS));
    }
    CHECK(dropped == 1);
}

static gate all_wait;

static void *wait_in_a_call(void *nothing)
{
    regrow_pid pid;
    regrow_address address = { .size = sizeof address, .runtime = other_root, .name = "nobody",
                               .wait_ms = REGROW_INFINITY };
    sem_post(&all_wait.reached);
    regrow_error error = regrow_whereis_at(&address, &pid);
    CHECK(error == REGROW_ERR_NOT_ALIVE || error == REGROW_ERR_NOT_FOUND);
    return NULL;
}

static void *wait_in_a_receive(void *nothing)
{
    regrow_pid me;
    regrow_term message;
    CHECK_OK(regrow_enter(other_root, &me));
    sem_post(&all_wait.reached);
    regrow_error error = regrow_receive(REGROW_INFINITY, &message);
    CHECK(error == REGROW_ERR_KILLED || error == REGROW_ERR_NOT_ALIVE);
    CHECK(!regrow_is_alive(me));
    CHECK_OK(regrow_leave());
    return NULL;
}

static void *wait_for_an_answer(void *pid)
{
    sem_post(&all_wait.reached);
    regrow_error error = regrow_call(*(regrow_pid *)pid, regrow_nil(), REGROW_INFINITY, NULL);
    CHECK(error == REGROW_ERR_EXITED || error == REGROW_ERR_NO_PROCESS || error == REGROW_ERR_NOT_ALIVE);
    return NULL;
}

static regrow_next put_off(regrow_context *context, void *state, const regrow_term *request)
{
    regrow_caller caller;
    CHECK_OK(regrow_defer(context, &caller));
    return REGROW_NOREPLY;
}

static void shutdown_wakes_all_who_wait(void)
{
    open_other();
    gate_make(&all_wait);
    regrow_server_spec silent = { .size = sizeof silent, .handle_call = put_off };
    regrow_child_spec how = child(REGROW_SERVER, &silent);
    regrow_pid server;
    pthread_t threads[3];
    CHECK_OK(regrow_start(other_root, &how, &server));
    CHECK(!pthread_create(&threads[0], NULL, wait_in_a_call, NULL));
    CHECK(!pthread_create(&threads[1], NULL, wait_in_a_receive, NULL));
    CHECK(!pthread_create(&threads[2], NULL, wait_for_an_answer, &server));
    for (int at = 0; at < 3; at++)
        gate_reached(&all_wait);
    close_other();
    for (int at = 0; at < 3; at++)
        CHECK(!pthread_join(threads[at], NULL));
}

/* ---- again and again ---- */

static void a_hundred_runtimes_come_and_go(void)
{
    for (int round = 0; round < 100; round++) {
        open_other();
        regrow_pid there = start_there();
        CHECK_OK(regrow_call(there, regrow_nil(), LONG_MS, NULL));
        close_other();
        CHECK(!regrow_is_alive(there));
    }
}

static atomic_int order;

static regrow_next trap_init(regrow_context *context, void *user, const regrow_term *arg, void **state)
{
    CHECK_OK(regrow_trap_exit(true, NULL));
    *state = user;
    return REGROW_READY;
}

static void note_the_order(regrow_context *context, void *state, const regrow_term *reason)
{
    CHECK_TERM("shutdown", reason);
    *(int *)state = atomic_fetch_add(&order, 1) + 1;
}

static void shutdown_ends_children_last_to_first(void)
{
    int when[3] = { 0 };
    const char *ids[] = { "first", "second", "third" };
    open_other();
    for (int at = 0; at < 3; at++) {
        regrow_server_spec spec = { .size = sizeof spec, .init = trap_init, .terminate = note_the_order,
                                    .user = &when[at] };
        regrow_child_spec how = child(REGROW_SERVER, &spec);
        how.id = ids[at];
        CHECK_OK(regrow_supervisor_start_child(other_root, &how, NULL));
    }
    close_other();
    CHECK(when[0] == 3 && when[1] == 2 && when[2] == 1);
}

/* ---- threads that are not to be had ---- */

/* So many more are made for whoever asks. */
static atomic_int threads_left = INT_MAX;

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument)
{
    int (*make)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    *(void **)&make = dlsym(RTLD_NEXT, "pthread_create");
    if (threads_left != INT_MAX && atomic_fetch_sub(&threads_left, 1) <= 0)
        return EAGAIN;
    return make(thread, attributes, run, argument);
}

static int threads_there(void)
{
    DIR *folder = opendir("/proc/self/task");
    int count = 0;
    CHECK(folder != NULL);
    while (readdir(folder))
        count++;
    CHECK(closedir(folder) == 0);
    return count;
}

/* The second worker, or the watch thread: those that were made before it end. */
static void what_cannot_be_made_whole_leaves_no_thread(void)
{
    int before = threads_there();
    for (int made = 0; made <= 2; made++) {
        regrow_options options = { .size = sizeof options, .workers = 2, .log_level = REGROW_LOG_SILENT };
        regrow_pid none;
        threads_left = made;
        CHECK_ERROR(REGROW_ERR_LIMIT, regrow_init(&options, &none));
        CHECK(threads_left == -1); /* so many were asked for, and one more */
        threads_left = INT_MAX;
        EVENTUALLY(threads_there() == before);
    }
    open_runtime((regrow_options){ .workers = 2 });
    CHECK(threads_there() == before + 3);
    close_runtime();
}

int main(void)
{
    RUN(what_cannot_be_made_whole_leaves_no_thread);
    open_runtime((regrow_options){ .workers = 2 });
    RUN(sends_calls_and_signals_work_across);
    RUN(a_parked_call_across_is_answered);
    RUN(links_monitors_and_names_stay_in_their_runtime);
    RUN(timers_of_one_are_not_the_others);
    RUN(a_thread_is_in_one_runtime_at_a_time);
    RUN(after_shutdown_nothing_is_there_and_all_say_so);
    RUN(shutdown_wakes_all_who_wait);
    RUN(a_hundred_runtimes_come_and_go);
    RUN(shutdown_ends_children_last_to_first);
    close_runtime();
    return 0;
}
