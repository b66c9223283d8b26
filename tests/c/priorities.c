/* Priority messages (EEP 76): what comes by a priority alias, and signals that were asked for so, go first. */
#include "support.h"
#include <poll.h>
#include <unistd.h>

enum { MANY = 10000 };

static atomic_long shown;
static char last[160];
static pthread_mutex_t last_lock = PTHREAD_MUTEX_INITIALIZER;

static void hook(void *user, regrow_pid pid, const regrow_term *message, const regrow_term *reason)
{
    char message_text[80], reason_text[60];
    regrow_term_print(message, message_text, sizeof message_text);
    regrow_term_print(reason, reason_text, sizeof reason_text);
    pthread_mutex_lock(&last_lock);
    snprintf(last, sizeof last, "%s: %s", message_text, reason_text);
    pthread_mutex_unlock(&last_lock);
    atomic_fetch_add(&shown, 1);
}

static regrow_ref alias_of(uint32_t flags)
{
    regrow_ref alias;
    CHECK_OK(regrow_alias_opt(flags, &alias));
    return alias;
}

static void forget(regrow_ref alias)
{
    bool removed = false;
    CHECK_OK(regrow_unalias(alias, &removed));
    CHECK(removed);
}

static void send_first(regrow_pid pid, regrow_ref alias, regrow_term message)
{
    CHECK_OK(regrow_send_alias_opt(pid, alias, message, REGROW_PRIORITY));
}

static void it_is_received_before_ten_thousand_others(void)
{
    regrow_ref alias = alias_of(REGROW_PRIORITY);
    for (int n = 0; n < MANY; n++)
        CHECK_OK(regrow_send(self, regrow_int(n)));
    send_first(self, alias, regrow_atom("first"));
    send_first(self, alias, regrow_atom("second"));
    CHECK(messages_of(self) == MANY + 2);
    CHECK_HERE("first");
    CHECK_HERE("second");
    CHECK(messages_of(self) == MANY);
    for (int64_t n = 0; n < MANY; n++) {
        int64_t value;
        regrow_term message;
        CHECK_OK(regrow_receive(0, &message));
        CHECK(regrow_as_int(&message, &value) && value == n);
        if (n == MANY / 2) {
            send_first(self, alias, regrow_atom("third"));
            CHECK_HERE("third");
        }
    }
    forget(alias);
}

static void only_a_priority_alias_and_the_flag_make_one(void)
{
    regrow_ref ordinary = alias_of(0), priority = alias_of(REGROW_PRIORITY), older, monitor;
    CHECK_OK(regrow_alias(&older));
    regrow_pid pid = spawn(wait_for_the_end, NULL);
    CHECK_OK(regrow_monitor_opt(pid, REGROW_PRIORITY, &monitor));
    CHECK_OK(regrow_send(self, regrow_int(1)));
    CHECK_OK(regrow_send_alias_opt(self, ordinary, regrow_int(2), REGROW_PRIORITY));
    CHECK_OK(regrow_send_alias_opt(self, priority, regrow_int(3), 0));
    CHECK_OK(regrow_send_alias(self, priority, regrow_int(4)));
    CHECK_OK(regrow_send_alias_opt(self, older, regrow_int(5), REGROW_PRIORITY));
    CHECK_OK(regrow_send_alias_opt(self, monitor, regrow_int(6), REGROW_PRIORITY));
    send_first(self, priority, regrow_int(0));
    for (int n = 0; n <= 6; n++) {
        char text[8];
        snprintf(text, sizeof text, "%d", n);
        CHECK_HERE(text);
    }
    CHECK_OK(regrow_demonitor(monitor, 0, NULL));
    kill_and_wait(pid);
    forget(ordinary);
    forget(priority);
    forget(older);
}

static void a_flag_that_is_none_is_refused(void)
{
    regrow_ref ref, alias = alias_of(REGROW_PRIORITY);
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_alias_opt(2, &ref));
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_monitor_opt(root, 3, &ref));
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_link_opt(root, UINT32_MAX));
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_send_alias_opt(self, alias, regrow_text("lost and freed, on the heap"), 2));
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_exit_alias(self, alias, regrow_atom("kill"), 4));
    forget(alias);
}

static void what_comes_by_an_alias_that_is_gone_is_undelivered(void)
{
    regrow_ref alias = alias_of(REGROW_PRIORITY);
    forget(alias);
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    regrow_stats before = stats();
    atomic_store(&shown, 0);
    send_first(self, alias, regrow_int(1));
    CHECK(atomic_load(&shown) == 1 && !strcmp(last, "1: noalias"));
    CHECK_OK(regrow_send_alias(self, alias, regrow_int(2)));
    CHECK(atomic_load(&shown) == 2 && !strcmp(last, "2: noalias"));
    send_first(somebody_dead(), alias, regrow_int(3));
    CHECK(atomic_load(&shown) == 3 && !strcmp(last, "3: noproc"));
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    regrow_stats now = stats();
    CHECK(now.sent - before.sent == 3 && now.undelivered - before.undelivered == 3);
    /* No exit signal comes by it either. */
    CHECK_OK(regrow_exit_alias(self, alias, regrow_atom("kill"), REGROW_PRIORITY));
    CHECK(regrow_is_alive(self));
}

/* ---- signals ---- */

static void a_trapped_exit_by_an_alias_goes_first(void)
{
    regrow_ref alias = alias_of(REGROW_PRIORITY), ordinary = alias_of(0);
    char text[80], me[40];
    regrow_term pid = regrow_from_pid(self);
    regrow_term_print(&pid, me, sizeof me);
    CHECK_OK(regrow_trap_exit(true, NULL));
    CHECK_OK(regrow_send(self, regrow_int(1)));
    CHECK_OK(regrow_exit_alias(self, ordinary, regrow_atom("later"), REGROW_PRIORITY));
    CHECK_OK(regrow_exit_alias(self, alias, regrow_atom("late"), 0));
    CHECK_OK(regrow_exit_alias(self, alias, regrow_atom("soon"), REGROW_PRIORITY));
    CHECK(messages_of(self) == 4);
    snprintf(text, sizeof text, "{'EXIT',%s,soon}", me);
    CHECK_HERE(text);
    CHECK_HERE("1");
    snprintf(text, sizeof text, "{'EXIT',%s,later}", me);
    CHECK_HERE(text);
    snprintf(text, sizeof text, "{'EXIT',%s,late}", me);
    CHECK_HERE(text);
    CHECK_OK(regrow_trap_exit(false, NULL));
    forget(alias);
    forget(ordinary);
}

/* Makes a priority alias, sends it home, and waits for the end. */
static regrow_next give_alias(regrow_context *context, void *home)
{
    CHECK_OK(regrow_trap_exit(home == NULL, NULL));
    CHECK_OK(regrow_send(self, regrow_from_ref(alias_of(REGROW_PRIORITY))));
    return wait_for_the_end(context, NULL);
}

static regrow_ref alias_from_there(void)
{
    regrow_term message;
    regrow_ref alias;
    CHECK_OK(regrow_receive(LONG_MS, &message));
    CHECK(regrow_as_ref(&message, &alias));
    return alias;
}

static void an_exit_that_is_not_trapped_and_a_kill_act_as_ever(void)
{
    regrow_ref monitor;
    regrow_pid pid = spawn_monitor(give_alias, &monitor, &monitor);
    regrow_ref alias = alias_from_there();
    CHECK_OK(regrow_exit_alias(pid, alias, regrow_atom("normal"), REGROW_PRIORITY));
    CHECK(regrow_is_alive(pid));
    CHECK_OK(regrow_exit_alias(pid, alias, regrow_atom("boo"), REGROW_PRIORITY));
    CHECK_DOWN("boo", monitor);
    pid = spawn_monitor(give_alias, NULL, &monitor);
    alias = alias_from_there();
    CHECK_OK(regrow_exit_alias(pid, alias, regrow_atom("kill"), REGROW_PRIORITY));
    CHECK_DOWN("killed", monitor);
    CHECK_OK(regrow_exit_alias(pid, alias, regrow_atom("kill"), 0));
}

static void check_first(const char *tag, const char *reason)
{
    regrow_term message;
    size_t size;
    CHECK_OK(regrow_receive(0, &message));
    CHECK(regrow_tuple_size(&message, &size));
    CHECK(regrow_is_atom(regrow_tuple_get(&message, 0), tag));
    CHECK(regrow_is_atom(regrow_tuple_get(&message, size - 1), reason));
    regrow_term_free(&message);
}

static void a_down_and_a_broken_link_go_first_where_they_are_asked_for(void)
{
    regrow_ref priority, ordinary;
    CHECK_OK(regrow_trap_exit(true, NULL));
    regrow_pid pid = spawn(wait_for_the_end, NULL);
    CHECK_OK(regrow_monitor(pid, &ordinary));
    CHECK_OK(regrow_monitor_opt(pid, REGROW_PRIORITY, &priority));
    CHECK_OK(regrow_link_opt(pid, REGROW_PRIORITY));
    CHECK_OK(regrow_send(self, regrow_int(1)));
    CHECK_OK(regrow_exit(pid, regrow_atom("boo")));
    /* It ends where it waits next: as long as its body is on the way there it is alive. */
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    CHECK(!regrow_is_alive(pid));
    check_first("EXIT", "boo");
    check_first("DOWN", "boo");
    CHECK_HERE("1");
    CHECK_DOWN("boo", ordinary);
    /* Whom nobody knows any more is told of at once, and first too. */
    CHECK_OK(regrow_send(self, regrow_int(2)));
    CHECK_OK(regrow_link_opt(pid, REGROW_PRIORITY));
    CHECK_OK(regrow_monitor_opt(pid, REGROW_PRIORITY, &priority));
    check_first("EXIT", "noproc");
    check_first("DOWN", "noproc");
    CHECK_HERE("2");
    CHECK_OK(regrow_trap_exit(false, NULL));
    CHECK_ERROR(REGROW_ERR_NO_PROCESS, regrow_link_opt(pid, REGROW_PRIORITY));
}

static void a_link_changes_its_kind_as_often_as_it_is_asked_for(void)
{
    CHECK_OK(regrow_trap_exit(true, NULL));
    for (int kind = 0; kind < 3; kind++) {
        regrow_pid pid = spawn_link(wait_for_the_end, NULL);
        CHECK_OK(regrow_link_opt(pid, REGROW_PRIORITY));
        CHECK_OK(kind == 0 ? REGROW_OK : kind == 1 ? regrow_link(pid) : regrow_link_opt(pid, 0));
        CHECK_OK(regrow_send(self, regrow_int(1)));
        CHECK_OK(regrow_exit(pid, regrow_atom("boo")));
        CHECK_OK(regrow_settle(root, LONG_MS, NULL));
        if (kind)
            CHECK_HERE("1");
        check_first("EXIT", "boo");
        if (!kind)
            CHECK_HERE("1");
    }
    /* One link, which one unlink takes away. */
    regrow_pid pid = spawn_link(wait_for_the_end, NULL);
    CHECK_OK(regrow_link_opt(pid, REGROW_PRIORITY));
    CHECK_OK(regrow_unlink(pid));
    kill_and_wait(pid);
    CHECK_NO_MESSAGE();
    CHECK_OK(regrow_trap_exit(false, NULL));
}

static void a_down_that_came_first_is_flushed(void)
{
    regrow_ref monitor;
    bool removed;
    CHECK_OK(regrow_send(self, regrow_int(1)));
    CHECK_OK(regrow_monitor_opt(somebody_dead(), REGROW_PRIORITY, &monitor));
    CHECK_OK(regrow_demonitor(monitor, REGROW_FLUSH, &removed));
    CHECK(!removed);
    CHECK_HERE("1");
    regrow_pid pid = spawn(wait_for_the_end, NULL);
    CHECK_OK(regrow_monitor_opt(pid, REGROW_PRIORITY, &monitor));
    CHECK_OK(regrow_demonitor(monitor, 0, &removed));
    CHECK(removed);
    kill_and_wait(pid);
}

/* ---- receiving ---- */

static bool is_number(void *user, const regrow_term *message)
{
    int64_t value;
    return regrow_as_int(message, &value) && value == *(int64_t *)user;
}

static regrow_term number_here(int64_t number, uint32_t timeout_ms)
{
    regrow_term message;
    CHECK_OK(regrow_receive_match(is_number, &number, timeout_ms, &message));
    return message;
}

static void what_a_receive_passes_over_stays_in_its_order(void)
{
    regrow_ref alias = alias_of(REGROW_PRIORITY);
    regrow_term message;
    int64_t nine = 9;
    CHECK_OK(regrow_send(self, regrow_int(1)));
    CHECK_OK(regrow_send(self, regrow_int(2)));
    send_first(self, alias, regrow_int(11));
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_receive_match(is_number, &nine, 0, &message));
    /* After others were looked at, and passed over. */
    CHECK_OK(regrow_send(self, regrow_int(3)));
    send_first(self, alias, regrow_int(12));
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_receive_match(is_number, &nine, 0, &message));
    send_first(self, alias, regrow_int(13));
    send_first(self, alias, regrow_int(14));
    CHECK_OK(regrow_send(self, regrow_int(4)));
    CHECK(messages_of(self) == 8);
    /* From the middle of each sort: looked at already, and not yet. */
    number_here(12, 0);
    number_here(13, 0);
    number_here(2, 0);
    CHECK(messages_of(self) == 5);
    CHECK_HERE("11");
    CHECK_HERE("14");
    CHECK_HERE("1");
    send_first(self, alias, regrow_int(15));
    CHECK_HERE("15");
    CHECK_HERE("3");
    CHECK_HERE("4");
    CHECK(messages_of(self) == 0);
    /* All of it is dropped by a flush. */
    size_t count;
    CHECK_OK(regrow_send(self, regrow_int(1)));
    send_first(self, alias, regrow_int(11));
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_receive_match(is_number, &nine, 0, &message));
    CHECK_OK(regrow_send(self, regrow_int(2)));
    send_first(self, alias, regrow_int(12));
    CHECK_OK(regrow_flush(&count));
    CHECK(count == 4);
    forget(alias);
}

/* Sends to whoever waits: one that is passed over, then the one that is wanted. */
typedef struct helper {
    regrow_ref alias;
    gate gate;
} helper;

static regrow_next help(regrow_context *context, void *user)
{
    helper *helper = user;
    gate_pass(&helper->gate);
    /* It waits by now, or will look. */
    send_first(self, helper->alias, regrow_int(1));
    send_first(self, helper->alias, regrow_int(2));
    return REGROW_DONE;
}

static void who_waits_for_a_message_is_woken_by_it(void)
{
    regrow_ref monitor;
    helper helper = { .alias = alias_of(REGROW_PRIORITY) };
    gate_make(&helper.gate);
    spawn_monitor(help, &helper, &monitor);
    CHECK_OK(regrow_send(self, regrow_int(3)));
    gate_reached(&helper.gate);
    gate_open(&helper.gate);
    number_here(2, LONG_MS);
    CHECK_HERE("1");
    CHECK_HERE("3");
    CHECK_DOWN("normal", monitor);
    forget(helper.alias);
}

static void a_threads_descriptor_tells_of_it(void)
{
    int fd;
    uint64_t count;
    regrow_ref alias = alias_of(REGROW_PRIORITY);
    CHECK_OK(regrow_thread_fd(&fd));
    while (poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 0) == 1)
        CHECK(read(fd, &count, sizeof count) == sizeof count);
    send_first(self, alias, regrow_int(1));
    CHECK(poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, LONG_MS) == 1);
    CHECK_HERE("1");
    forget(alias);
}

/* ---- what one sender sends ---- */

/* {0, n} with priority, then {1, n}, again and again. */
enum { PAIRS = 5000, SENDERS = 3 };

typedef struct sender {
    regrow_pid to;
    regrow_ref alias;
    int64_t number;
} sender;

static regrow_term numbered(int64_t sort, int64_t sender, int64_t number)
{
    regrow_term parts[] = { regrow_int(sort), regrow_int(sender), regrow_int(number) };
    return regrow_tuple(parts, 3);
}

static void *send_pairs(void *user)
{
    sender *sender = user;
    for (int64_t n = 0; n < (int64_t)rounds(PAIRS); n++) {
        send_first(sender->to, sender->alias, numbered(0, sender->number, n));
        CHECK_OK(regrow_send(sender->to, numbered(1, sender->number, n)));
    }
    return NULL;
}

/* What came from each sender, of each sort. */
typedef struct seen {
    _Atomic int64_t next[SENDERS][2];
} seen;

static void see(seen *seen, const regrow_term *message)
{
    int64_t sort, sender, number;
    CHECK(regrow_as_int(regrow_tuple_get(message, 0), &sort));
    CHECK(regrow_as_int(regrow_tuple_get(message, 1), &sender));
    CHECK(regrow_as_int(regrow_tuple_get(message, 2), &number));
    CHECK(seen->next[sender][sort] == number);
    seen->next[sender][sort] = number + 1;
    /* None is overtaken by what was sent after it. */
    CHECK(seen->next[sender][0] >= seen->next[sender][1]);
}

static bool all_seen(seen *seen)
{
    for (int at = 0; at < SENDERS; at++)
        if (seen->next[at][0] < (int64_t)rounds(PAIRS) || seen->next[at][1] < (int64_t)rounds(PAIRS))
            return false;
    return true;
}

typedef struct receiver {
    seen seen;
    bool selective;
} receiver;

static bool is_priority(void *user, const regrow_term *message)
{
    int64_t sort;
    return regrow_as_int(regrow_tuple_get(message, 0), &sort) && sort == 0;
}

static regrow_next receive_pairs(regrow_context *context, void *user)
{
    receiver *receiver = user;
    CHECK_OK(regrow_send(self, regrow_from_ref(alias_of(REGROW_PRIORITY))));
    int misses = 0;
    for (int64_t n = 0; !all_seen(&receiver->seen); n++) {
        regrow_term message;
        /* Now and then past what is ordinary, which is put aside; a miss looks at all that is there. */
        bool select = receiver->selective && n % 5 == 0 && misses < 500;
        regrow_error error = select ? regrow_receive_match(is_priority, NULL, 0, &message)
                                    : regrow_receive(REGROW_INFINITY, &message);
        if (select && error == REGROW_ERR_TIMEOUT) {
            misses++;
            continue;
        }
        CHECK_OK(error);
        see(&receiver->seen, &message);
        regrow_term_free(&message);
    }
    return REGROW_DONE;
}

static void join_senders(regrow_pid pid, regrow_ref alias)
{
    pthread_t threads[SENDERS];
    sender senders[SENDERS];
    for (int at = 0; at < SENDERS; at++) {
        senders[at] = (sender){ .to = pid, .alias = alias, .number = at };
        CHECK(pthread_create(&threads[at], NULL, send_pairs, &senders[at]) == 0);
    }
    for (int at = 0; at < SENDERS; at++)
        CHECK(pthread_join(threads[at], NULL) == 0);
}

static void none_is_overtaken_by_what_its_sender_sends_after_it(void)
{
    for (int kind = 0; kind < 4; kind++) {
        receiver receiver = { .selective = kind % 2 };
        regrow_process_spec spec = process(receive_pairs, &receiver);
        regrow_pid pid;
        regrow_ref monitor;
        if (kind >= 2) {
            spec.mailbox_limit = 50;
            spec.mailbox_policy = REGROW_BLOCK;
            spec.mailbox_wait_ms = LONG_MS;
        }
        CHECK_OK(regrow_spawn_monitor(&spec, &pid, &monitor));
        join_senders(pid, alias_from_there());
        CHECK_DOWN("normal", monitor);
        CHECK(all_seen(&receiver.seen));
    }
}

/* ---- servers ---- */

typedef struct log {
    seen seen;
    regrow_ref alias;
    gate gate;
    regrow_term all;
    atomic_int count;
    atomic_int dropped;
} log;

static regrow_next init_log(regrow_context *context, void *user, const regrow_term *arg, void **state)
{
    log *log = user;
    log->alias = alias_of(REGROW_PRIORITY);
    *state = log;
    return REGROW_READY;
}

static regrow_next note(regrow_context *context, void *state, const regrow_term *message)
{
    log *log = state;
    if (regrow_is_atom(message, "gate")) {
        gate_pass(&log->gate);
        return REGROW_NOREPLY;
    }
    log->all = regrow_cons(regrow_term_clone(message), log->all);
    atomic_fetch_add(&log->count, 1);
    return REGROW_NOREPLY;
}

static regrow_next see_info(regrow_context *context, void *state, const regrow_term *message)
{
    see(&((log *)state)->seen, message);
    return REGROW_NOREPLY;
}

static regrow_next answer(regrow_context *context, void *state, const regrow_term *message)
{
    return regrow_reply(context, regrow_term_clone(message));
}

static regrow_server_spec server_with(log *log)
{
    return (regrow_server_spec){ .size = sizeof(regrow_server_spec), .user = log, .init = init_log, .handle_call = answer,
                                 .handle_cast = note, .handle_info = note };
}

static void check_log(log *log, regrow_pid pid, const char *expected)
{
    CHECK_OK(regrow_stop(pid, regrow_atom("normal"), LONG_MS));
    CHECK_TERM(expected, &log->all);
    regrow_term_free(&log->all);
}

static void a_server_handles_it_first(void)
{
    for (int limit = 0; limit < 2; limit++) {
        log log = { .count = 0 };
        gate_make(&log.gate);
        regrow_server_spec spec = server_with(&log);
        spec.mailbox_limit = limit ? 2 : 0;
        regrow_pid pid = start_server(&spec);
        CHECK_OK(regrow_send(pid, regrow_atom("gate")));
        gate_reached(&log.gate);
        CHECK_OK(regrow_send(pid, regrow_int(1)));
        CHECK_OK(regrow_cast(pid, regrow_int(2)));
        send_first(pid, log.alias, regrow_int(11));
        send_first(pid, log.alias, regrow_int(12));
        CHECK(messages_of(pid) == 4);
        gate_open(&log.gate);
        check_log(&log, pid, "[2,1,12,11]");
    }
}

static void a_suspended_server_handles_it_first_when_it_goes_on(void)
{
    for (int limit = 0; limit < 2; limit++) {
        log log = { .count = 0 };
        regrow_server_spec spec = server_with(&log);
        spec.mailbox_limit = limit ? 3 : 0;
        regrow_pid pid = start_server(&spec);
        CHECK_OK(regrow_suspend(pid, LONG_MS));
        CHECK_OK(regrow_send(pid, regrow_int(1)));
        send_first(pid, log.alias, regrow_int(11));
        CHECK_OK(regrow_settle(root, LONG_MS, NULL));
        CHECK_OK(regrow_cast(pid, regrow_int(2)));
        send_first(pid, log.alias, regrow_int(12));
        CHECK_OK(regrow_settle(root, LONG_MS, NULL));
        CHECK(messages_of(pid) == 4);
        CHECK_OK(regrow_send(pid, regrow_int(3)));
        if (limit)
            CHECK_ERROR(REGROW_ERR_LIMIT, regrow_send(pid, regrow_int(4)));
        CHECK_OK(regrow_resume(pid, LONG_MS));
        check_log(&log, pid, "[3,2,1,12,11]");
    }
}

static void an_inline_server_handles_it_before_the_calls_that_come_after_it(void)
{
    log log = { .count = 0 };
    regrow_server_spec spec = server_with(&log);
    spec.flags = REGROW_INLINE;
    regrow_pid pid = start_server(&spec);
    for (int n = 0; n < 2000; n++) {
        send_first(pid, log.alias, regrow_nil());
        CHECK_OK(regrow_call(pid, regrow_int(n), LONG_MS, NULL));
        CHECK(atomic_load(&log.count) == n + 1);
    }
    /* And what comes while it is called is not forgotten. */
    spec.handle_info = see_info;
    regrow_pid other = start_server(&spec);
    join_senders(other, log.alias);
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    CHECK(all_seen(&log.seen));
    CHECK_OK(regrow_stop(other, regrow_atom("normal"), LONG_MS));
    CHECK_OK(regrow_stop(pid, regrow_atom("normal"), LONG_MS));
    regrow_term_free(&log.all);
}

/* The worker of the EEP: it traps exits, is far behind, and its parent is done with it. */
static regrow_next init_worker(regrow_context *context, void *user, const regrow_term *arg, void **state)
{
    regrow_pid parent;
    CHECK(regrow_as_pid(arg, &parent));
    CHECK_OK(regrow_trap_exit(true, NULL));
    CHECK_OK(regrow_link_opt(parent, REGROW_PRIORITY));
    *state = user;
    return REGROW_READY;
}

static regrow_next parent_of_worker(regrow_context *context, void *user)
{
    log *log = user;
    regrow_pid me, worker;
    regrow_ref monitor;
    regrow_server_spec spec = server_with(log);
    CHECK_OK(regrow_self(&me));
    regrow_term arg = regrow_from_pid(me);
    spec.init = init_worker;
    spec.arg = &arg;
    regrow_child_spec how = child(REGROW_SERVER, &spec);
    CHECK_OK(regrow_start_link(&how, &worker));
    CHECK_OK(regrow_send(self, regrow_from_pid(worker)));
    CHECK_OK(regrow_monitor(worker, &monitor));
    CHECK_OK(regrow_send(worker, regrow_atom("gate")));
    gate_reached(&log->gate);
    for (int n = 0; n < MANY; n++)
        CHECK_OK(regrow_send(worker, regrow_int(n)));
    return regrow_stop_self(context, regrow_atom("done"));
}

static void a_server_that_is_far_behind_ends_with_its_parent(void)
{
    log log = { .count = 0 };
    regrow_term message;
    regrow_pid worker;
    regrow_ref monitor, parent;
    gate_make(&log.gate);
    spawn_monitor(parent_of_worker, &log, &parent);
    CHECK_OK(regrow_receive(LONG_MS, &message));
    CHECK(regrow_as_pid(&message, &worker));
    CHECK_OK(regrow_monitor(worker, &monitor));
    CHECK_DOWN("done", parent);
    gate_open(&log.gate);
    CHECK_DOWN("done", monitor);
    CHECK(atomic_load(&log.count) == 0);
}

/* ---- limits and ends ---- */

static regrow_next tell_all(regrow_context *context, void *user)
{
    log *log = user;
    regrow_term message;
    log->alias = alias_of(REGROW_PRIORITY);
    gate_pass(&log->gate);
    while (regrow_receive(0, &message) == REGROW_OK)
        log->all = regrow_cons(message, log->all);
    return REGROW_DONE;
}

static void a_limit_neither_holds_it_up_nor_drops_it(void)
{
    static const struct { uint32_t policy; regrow_error third; const char *all; } cases[] = {
        { REGROW_REJECT, REGROW_ERR_LIMIT, "[2,1,12,11]" },
        { REGROW_DROP_OLDEST, REGROW_OK, "[3,2,12,11]" },
        { REGROW_DROP_NEWEST, REGROW_OK, "[2,1,12,11]" },
    };
    for (size_t at = 0; at < sizeof cases / sizeof *cases; at++) {
        log log = { .count = 0 };
        regrow_pid pid;
        regrow_ref monitor;
        gate_make(&log.gate);
        regrow_process_spec spec = process(tell_all, &log);
        spec.mailbox_limit = 2;
        spec.mailbox_policy = cases[at].policy;
        CHECK_OK(regrow_spawn_monitor(&spec, &pid, &monitor));
        gate_reached(&log.gate);
        /* It takes no ordinary message's place, either. */
        send_first(pid, log.alias, regrow_int(11));
        CHECK_OK(regrow_send(pid, regrow_int(1)));
        CHECK_OK(regrow_send(pid, regrow_int(2)));
        CHECK_ERROR(cases[at].third, regrow_send(pid, regrow_int(3)));
        send_first(pid, log.alias, regrow_int(12));
        CHECK(messages_of(pid) == 4);
        gate_open(&log.gate);
        CHECK_DOWN("normal", monitor);
        CHECK_TERM(cases[at].all, &log.all);
        regrow_term_free(&log.all);
    }
}

static void those_of_one_that_ends_are_shown_and_freed(void)
{
    log log = { .count = 0 };
    regrow_ref monitor;
    gate_make(&log.gate);
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    regrow_stats before = stats();
    atomic_store(&shown, 0);
    regrow_pid pid = spawn_monitor(tell_all, &log, &monitor);
    gate_reached(&log.gate);
    for (int n = 0; n < 100; n++) {
        send_first(pid, log.alias, regrow_resource(&log.dropped, count_up));
        CHECK_OK(regrow_send(pid, regrow_resource(&log.dropped, count_up)));
    }
    CHECK_OK(regrow_exit(pid, regrow_atom("kill")));
    CHECK_DOWN("killed", monitor);
    gate_open(&log.gate);
    EVENTUALLY(stats().ghosts == 0);
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    CHECK(atomic_load(&log.dropped) == 200 && atomic_load(&shown) == 200);
    regrow_stats now = stats();
    CHECK(now.sent - before.sent == 200 && now.undelivered - before.undelivered == 200);
}

int main(void)
{
    open_runtime((regrow_options){ .workers = 2, .undelivered = hook });
    RUN(it_is_received_before_ten_thousand_others);
    RUN(only_a_priority_alias_and_the_flag_make_one);
    RUN(a_flag_that_is_none_is_refused);
    RUN(what_comes_by_an_alias_that_is_gone_is_undelivered);
    RUN(a_trapped_exit_by_an_alias_goes_first);
    RUN(an_exit_that_is_not_trapped_and_a_kill_act_as_ever);
    RUN(a_down_and_a_broken_link_go_first_where_they_are_asked_for);
    RUN(a_link_changes_its_kind_as_often_as_it_is_asked_for);
    RUN(a_down_that_came_first_is_flushed);
    RUN(what_a_receive_passes_over_stays_in_its_order);
    RUN(who_waits_for_a_message_is_woken_by_it);
    RUN(a_threads_descriptor_tells_of_it);
    RUN(none_is_overtaken_by_what_its_sender_sends_after_it);
    RUN(a_server_handles_it_first);
    RUN(a_suspended_server_handles_it_first_when_it_goes_on);
    RUN(an_inline_server_handles_it_before_the_calls_that_come_after_it);
    RUN(a_server_that_is_far_behind_ends_with_its_parent);
    RUN(a_limit_neither_holds_it_up_nor_drops_it);
    RUN(those_of_one_that_ends_are_shown_and_freed);
    close_runtime();
    return 0;
}
