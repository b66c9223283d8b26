/* In the child of a fork no runtime lives: every call says so, nothing hangs, nothing is freed or told twice. */
#include "support.h"
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
/* A child has lost the threads whose memory this is; the parent looks for leaks itself. */
const char *__lsan_default_options(void);
void __lsan_do_leak_check(void);

const char *__lsan_default_options(void)
{
    return "leak_check_at_exit=0";
}
#endif

static regrow_pid server;
static atomic_int dropped; /* the child has a copy of its own */
static regrow_request *pending;
static int32_t fd;

#define TRY(call)                                                                            \
    do {                                                                                     \
        regrow_error try_error = (call);                                                     \
        if (try_error != REGROW_ERR_FORKED) {                                                \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #call, regrow_error_name(try_error)); \
            failed = 1;                                                                      \
        }                                                                                    \
    } while (0)

static regrow_term late_term(void)
{
    return regrow_atom("late");
}

/* One of every kind of call; returns what to exit with. */
static int try_everything(void)
{
    int failed = 0;
    alarm(20); /* if something hangs */
    regrow_pid pid;
    regrow_ref ref = { 0 };
    regrow_term term = late_term();
    regrow_request *request;
    regrow_stats numbers = { .size = sizeof numbers };
    uint64_t ms;
    int32_t number;
    regrow_process_spec body = process(end_at_once, &dropped);
    body.drop_user = count_up;
    regrow_server_spec spec = { .size = sizeof spec, .user = &dropped, .drop_user = count_up };
    regrow_child_spec how = child(REGROW_SERVER, &spec);
    regrow_address address = { .size = sizeof address, .runtime = root, .name = "nobody", .wait_ms = LONG_MS };
    how.id = "late";

    TRY(regrow_init(NULL, &pid));
    TRY(regrow_shutdown(root, LONG_MS, NULL));
    TRY(regrow_enter(root, &pid));
    TRY(regrow_leave());
    TRY(regrow_thread_fd(&number));
    TRY(regrow_settle(root, LONG_MS, NULL));
    TRY(regrow_settle_async(root, &request));
    TRY(regrow_advance(root, 1));
    TRY(regrow_now(root, &ms));
    TRY(regrow_stats_read(root, &numbers));
    TRY(regrow_self(&pid));
    TRY(regrow_root(server, &pid));
    TRY(regrow_send(server, late_term()));
    TRY(regrow_broadcast(&term, &server, 1));
    TRY(regrow_receive(REGROW_INFINITY, &term));
    TRY(regrow_receive_match(is_down_of, &ref, REGROW_INFINITY, &term));
    TRY(regrow_flush(NULL));
    TRY(regrow_sleep(LONG_MS));
    TRY(regrow_exit(server, regrow_atom("kill")));
    TRY(regrow_link(server));
    TRY(regrow_unlink(server));
    TRY(regrow_monitor(server, &ref));
    TRY(regrow_demonitor(ref, REGROW_FLUSH, NULL));
    TRY(regrow_trap_exit(true, NULL));
    TRY(regrow_register(server, "late"));
    TRY(regrow_unregister(root, "late"));
    TRY(regrow_whereis(root, "late", &pid));
    TRY(regrow_send_after(server, 1, late_term(), NULL));
    TRY(regrow_start_timer(server, 1, late_term(), NULL));
    TRY(regrow_send_interval(server, 1, late_term(), NULL));
    TRY(regrow_cancel_timer(root, ref, REGROW_FLUSH, NULL));
    TRY(regrow_read_timer(root, ref, &ms));
    TRY(regrow_set_label(&term));
    TRY(regrow_info(server, &term));
    TRY(regrow_cast(server, late_term()));
    TRY(regrow_start(root, &how, &pid));
    TRY(regrow_start_link(&how, &pid));
    TRY(regrow_start_monitor(&how, &pid, &ref));
    TRY(regrow_spawn(root, &body, &pid));
    TRY(regrow_spawn_link(&body, &pid));
    TRY(regrow_spawn_monitor(&body, &pid, &ref));
    TRY(regrow_call(server, late_term(), REGROW_INFINITY, &term));
    TRY(regrow_call_async(server, late_term(), REGROW_INFINITY, &request));
    TRY(regrow_stop(server, late_term(), REGROW_INFINITY));
    TRY(regrow_stop_async(server, late_term(), REGROW_INFINITY, &request));
    TRY(regrow_answer((regrow_caller){ server.id, 1 }, late_term()));
    TRY(regrow_get_state(server, REGROW_INFINITY, &term));
    TRY(regrow_replace_state(server, late_term(), REGROW_INFINITY));
    TRY(regrow_suspend(server, REGROW_INFINITY));
    TRY(regrow_resume(server, REGROW_INFINITY));
    TRY(regrow_host_exit(server, late_term()));
    TRY(regrow_whereis_at(&address, &pid));
    TRY(regrow_call_at(&address, late_term(), REGROW_INFINITY, &term));
    TRY(regrow_call_async_at(&address, late_term(), REGROW_INFINITY, &request));
    TRY(regrow_cast_at(&address, late_term()));
    TRY(regrow_send_at(&address, late_term()));
    TRY(regrow_monitor_at(&address, &ref));
    TRY(regrow_stop_at(&address, late_term(), REGROW_INFINITY));
    TRY(regrow_request_wait(pending, REGROW_INFINITY, &term));
    TRY(regrow_on_reply(pending, NULL, &dropped, count_up));
    TRY(regrow_supervisor_start_child(root, &how, &pid));
    TRY(regrow_supervisor_start_child_async(root, &how, &request));
    TRY(regrow_supervisor_terminate_child(root, &term));
    TRY(regrow_supervisor_restart_child(root, &term, &pid));
    TRY(regrow_supervisor_delete_child(root, &term));
    TRY(regrow_supervisor_which_children(root, &term));
    TRY(regrow_supervisor_which_children_async(root, &request));
    TRY(regrow_registry_register(server, late_term(), server, late_term()));
    TRY(regrow_registry_whereis(server, &term, &pid));
    TRY(regrow_agent_get(server, NULL, NULL, LONG_MS, &term));

    /* What has no error to give. */
    regrow_error last = regrow_last_error(NULL, 0);
    (void)last;
    if (strcmp(regrow_error_name(REGROW_ERR_FORKED), "REGROW_ERR_FORKED"))
        failed = 1;
    if (regrow_is_alive(server) || regrow_is_alive(root) || regrow_is_alive(self)) {
        fprintf(stderr, "somebody is alive\n");
        failed = 1;
    }
    regrow_request_free(pending);
    regrow_term_free(&term);
    regrow_term_free(NULL);
    /* Nothing was given back: it is the parent's, who gives it back. */
    if (dropped != 0) {
        fprintf(stderr, "%d given back in the child\n", dropped);
        failed = 1;
    }
    return failed;
}

static void check_child(pid_t forked)
{
    int status = 0;
    CHECK(forked > 0 && waitpid(forked, &status, 0) == forked);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fprintf(stderr, "the child: %s %d\n", WIFSIGNALED(status) ? "signal" : "status",
                WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        _Exit(1);
    }
}

static regrow_next echo(regrow_context *context, void *state, const regrow_term *request)
{
    if (regrow_is_atom(request, "wait")) {
        regrow_caller caller;
        CHECK_OK(regrow_defer(context, &caller));
        return REGROW_NOREPLY;
    }
    return regrow_reply(context, regrow_term_clone(request));
}

/* The parent is as it was: alive, not told of anything. */
static void check_parent(void)
{
    regrow_pid found;
    CHECK(regrow_is_alive(self) && regrow_is_alive(server));
    CHECK_OK(regrow_call(server, regrow_nil(), LONG_MS, NULL));
    CHECK_OK(regrow_whereis(root, "the_parent", &found));
    CHECK(found.id == self.id);
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_request_wait(pending, 0, NULL));
    CHECK_NO_MESSAGE();
    CHECK(dropped == 0);
}

static void in_the_child_every_call_says_forked(void)
{
    pid_t forked = fork();
    if (forked == 0)
        _exit(try_everything());
    check_child(forked);
    check_parent();
}

static pid_t parent;

static void count_in_the_parent(void *user)
{
    if (getpid() != parent)
        _exit(3);
    count_up(user);
}

/* exit() runs the destructors of thread-locals: this thread had entered. */
static void a_child_that_ends_in_the_ordinary_way_tells_nobody(void)
{
    fflush(NULL);
    CHECK_OK(regrow_send(self, regrow_resource(&dropped, count_in_the_parent)));
    pid_t forked = fork();
    if (forked == 0) {
        alarm(20);
        exit(0);
    }
    check_child(forked);
    CHECK(dropped == 0);
    CHECK_OK(regrow_flush(NULL));
    CHECK(dropped == 1);
    dropped = 0;
    check_parent();
}

static atomic_bool busy;

static regrow_next work(regrow_context *context, void *user)
{
    regrow_term message;
    regrow_pid me;
    CHECK_OK(regrow_self(&me));
    while (busy) {
        CHECK_OK(regrow_send(me, regrow_bytes("some bytes that do not fit inside a term", 40)));
        CHECK_OK(regrow_receive(REGROW_INFINITY, &message));
        regrow_term_free(&message);
        regrow_process_spec spec = process(end_at_once, NULL);
        CHECK_OK(regrow_spawn(root, &spec, NULL));
        CHECK_OK(regrow_send_after(me, 0, regrow_nil(), NULL));
        CHECK_OK(regrow_receive(REGROW_INFINITY, &message));
        regrow_term_free(&message);
    }
    return REGROW_DONE;
}

/* Whatever locks the workers hold at that moment stay locked in the child. */
static void a_fork_in_the_middle_of_everything_does_not_hang(void)
{
    regrow_ref monitors[4];
    busy = true;
    for (int at = 0; at < 4; at++)
        spawn_monitor(work, NULL, &monitors[at]);
    for (size_t round = rounds(100); round; round--) {
        fflush(NULL);
        pid_t forked = fork();
        if (forked == 0) {
            alarm(20);
            regrow_term term = regrow_text("a text that does not fit inside a term");
            if (regrow_send(server, term) != REGROW_ERR_FORKED || regrow_is_alive(server))
                _exit(1);
            if (round % 2)
                exit(0);
            _exit(0);
        }
        check_child(forked);
    }
    busy = false;
    for (int at = 0; at < 4; at++)
        CHECK_DOWN("normal", monitors[at]);
    check_parent();
}

/* Terms of every size for which the library keeps memory, more than a thread keeps of one. */
static regrow_term many_small_terms(void)
{
    regrow_term list = regrow_nil();
    for (int at = 0; at < 2000; at++) {
        regrow_term items[] = { regrow_text("short"), regrow_int(at), regrow_nil() };
        list = regrow_cons(regrow_tuple(items, 3), list);
    }
    return list;
}

/* More comes back than it keeps, and it needs more than came back. */
static void *make_and_free(void *user)
{
    while (busy) {
        regrow_term one = many_small_terms(), other = many_small_terms();
        regrow_term_free(&one);
        regrow_term_free(&other);
    }
    return NULL;
}

static void a_child_can_free_terms_whoever_was_making_some(void)
{
    pthread_t threads[2];
    busy = true;
    for (int at = 0; at < 2; at++)
        CHECK(pthread_create(&threads[at], NULL, make_and_free, NULL) == 0);
    for (size_t round = rounds(50); round; round--) {
        fflush(NULL);
        regrow_term before = many_small_terms();
        pid_t forked = fork();
        if (forked == 0) {
            alarm(20);
            regrow_term late = regrow_text("short");
            regrow_term_free(&late);
            regrow_term_free(&before);
            if (round % 2)
                exit(0);
            _exit(0);
        }
        check_child(forked);
        regrow_term_free(&before);
    }
    busy = false;
    for (int at = 0; at < 2; at++)
        CHECK(pthread_join(threads[at], NULL) == 0);
    check_parent();
}

static regrow_next fork_in_a_callback(regrow_context *context, void *returns)
{
    fflush(NULL);
    pid_t forked = fork();
    if (forked == 0) {
        alarm(20);
        regrow_term message;
        if (regrow_receive(REGROW_INFINITY, &message) != REGROW_ERR_FORKED)
            _exit(1);
        if (!returns)
            _exit(0);
        return REGROW_DONE; /* into a runtime that is not there: the child ends with a message */
    }
    int status = 0;
    CHECK(waitpid(forked, &status, 0) == forked);
    if (returns)
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 70);
    else
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return REGROW_DONE;
}

static void a_callback_may_fork(void)
{
    regrow_ref monitor;
    spawn_monitor(fork_in_a_callback, NULL, &monitor);
    CHECK_DOWN("normal", monitor);
    check_parent();
}

static void a_callback_that_returns_in_the_child_ends_the_child(void)
{
    regrow_ref monitor;
    fprintf(stderr, "(what regrow says of a child that returned from a callback:)\n");
    spawn_monitor(fork_in_a_callback, (void *)1, &monitor);
    CHECK_DOWN("normal", monitor);
    check_parent();
}

int main(void)
{
    parent = getpid();
    open_runtime((regrow_options){ .workers = 3 });
    regrow_server_spec spec = { .size = sizeof spec, .handle_call = echo };
    server = start_server(&spec);
    CHECK_OK(regrow_register(self, "the_parent"));
    CHECK_OK(regrow_call_async(server, regrow_atom("wait"), REGROW_INFINITY, &pending));
    CHECK_OK(regrow_link(server));
    CHECK_OK(regrow_thread_fd(&fd));

    RUN(in_the_child_every_call_says_forked);
    RUN(a_child_that_ends_in_the_ordinary_way_tells_nobody);
    RUN(a_fork_in_the_middle_of_everything_does_not_hang);
    RUN(a_child_can_free_terms_whoever_was_making_some);
    RUN(a_callback_may_fork);
    RUN(a_callback_that_returns_in_the_child_ends_the_child);

    regrow_request_free(pending);
    CHECK_OK(regrow_unlink(server));
    close_runtime();
#if defined(__SANITIZE_ADDRESS__)
    __lsan_do_leak_check();
#endif
    return 0;
}
