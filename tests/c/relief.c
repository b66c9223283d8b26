/* Callbacks that keep their thread: others get relief, servers once caught run apart from then on, and the threads that
 * came for them end again. */
#include "support.h"

typedef struct slow {
    gate gate;
    char thread[32]; /* where its last callback ran */
    pthread_t id;
    regrow_pid wakes;
    bool is_brief; /* it passes no gate */
    uint64_t spins_ns; /* and takes so long */
    uint32_t naps_ms;  /* or waits for so long */
    int among;     /* callbacks on ordinary workers since it does */
} slow;

static bool is_apart(const char *thread)
{
    return !strncmp(thread, "regrow-slow", 11);
}

static uint64_t real_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static regrow_next keep_the_thread(regrow_context *context, void *state, const regrow_term *message)
{
    slow *mine = state;
    bool is_brief = mine->is_brief; /* before it is heard of */
    mine->id = pthread_self();
    pthread_getname_np(mine->id, mine->thread, sizeof mine->thread);
    if (mine->wakes.id)
        CHECK_OK(regrow_send(mine->wakes, regrow_nil()));
    if (!is_brief)
        gate_pass(&mine->gate);
    if (mine->spins_ns) {
        uint64_t end = real_ns() + mine->spins_ns;
        while (real_ns() < end) {
        }
        mine->among += !is_apart(mine->thread);
    }
    if (mine->naps_ms)
        CHECK_OK(regrow_sleep(mine->naps_ms));
    return REGROW_NOREPLY;
}

static regrow_pid start_slow(slow *mine)
{
    regrow_server_spec spec = { .size = sizeof spec, .init = take_user, .handle_info = keep_the_thread, .user = mine };
    gate_make(&mine->gate);
    return start_server(&spec);
}

static regrow_next tell_thread(regrow_context *context, void *state, const regrow_term *message)
{
    char name[32];
    pthread_getname_np(pthread_self(), name, sizeof name);
    return regrow_reply(context, regrow_text(name));
}

static regrow_next tell_us_the_thread(regrow_context *context, void *state, const regrow_term *message)
{
    char name[32];
    pthread_getname_np(pthread_self(), name, sizeof name);
    CHECK_OK(regrow_send(self, regrow_text(name)));
    return REGROW_NOREPLY;
}

static regrow_server_spec other_spec = { .size = sizeof other_spec, .handle_call = tell_thread,
                                         .handle_info = tell_us_the_thread };

static bool text_is_apart(regrow_term text)
{
    const char *name;
    bool apart = regrow_as_text(&text, &name) && is_apart(name);
    regrow_term_free(&text);
    return apart;
}

/* Is called and answers, on a worker that runs what everybody runs. */
static void answers_elsewhere(regrow_pid other)
{
    regrow_term thread;
    CHECK_OK(regrow_call(other, regrow_nil(), LONG_MS, &thread));
    CHECK(!text_is_apart(thread));
}

/* Ends a server whose gate is open; whoever stands there still goes through first. */
static void end(regrow_pid server)
{
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    kill_and_wait(server);
}

/* Keeps its thread while another is called, until it is caught at that. */
static void be_caught(slow *mine, regrow_pid server, regrow_pid other)
{
    uint64_t end = real_ms() + LONG_MS;
    do {
        CHECK(real_ms() < end);
        CHECK_OK(regrow_send(server, regrow_nil()));
        gate_reached(&mine->gate);
        answers_elsewhere(other);
        gate_open(&mine->gate);
        CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    } while (!is_apart(mine->thread));
}

static void a_server_once_stuck_runs_apart_from_then_on(void)
{
    slow mine = { 0 };
    regrow_pid server = start_slow(&mine), other = start_server(&other_spec);
    be_caught(&mine, server, other);
    for (int at = 0; at < 100; at++) {
        /* Two messages: neither of them is handled elsewhere. */
        CHECK_OK(regrow_send(server, regrow_nil()));
        CHECK_OK(regrow_send(server, regrow_nil()));
        for (int message = 0; message < 2; message++) {
            gate_reached(&mine.gate);
            CHECK(is_apart(mine.thread));
            answers_elsewhere(other);
            gate_open(&mine.gate);
        }
    }
    end(server);
    kill_and_wait(other);
}

/* Brief in a thousand turns, of which none is brief that has no processor for a tick. */
static void a_server_that_is_brief_again_runs_among_the_others(void)
{
    slow mine = { 0 };
    regrow_pid server = start_slow(&mine), other = start_server(&other_spec);
    int turns = 0;
    for (int time = 0; time < 2; time++) {
        be_caught(&mine, server, other);
        mine.is_brief = true;
        mine.wakes = self;
        uint64_t end = real_ms() + LONG_MS;
        for (turns = 0; is_apart(mine.thread); turns++) {
            CHECK(real_ms() < end);
            CHECK_OK(regrow_send(server, regrow_nil()));
            CHECK_MESSAGE("[]");
        }
        CHECK(turns > 900);
        mine.is_brief = false;
        mine.wakes.id = 0;
    }
    end(server);
    kill_and_wait(other);
}

static void whoever_a_slow_one_wakes_runs_among_the_others(void)
{
    slow mine = { 0 };
    regrow_pid server = start_slow(&mine), other = start_server(&other_spec);
    regrow_term thread;
    be_caught(&mine, server, other);
    mine.wakes = other;
    for (int at = 0; at < 100; at++) {
        CHECK_OK(regrow_send(server, regrow_nil()));
        CHECK_OK(regrow_receive(LONG_MS, &thread));
        CHECK(!text_is_apart(thread));
        gate_reached(&mine.gate);
        gate_open(&mine.gate);
    }
    end(server);
    kill_and_wait(other);
}

static void many_slow_ones_are_stuck_at_once(void)
{
    enum { SLOW = 8 };
    slow mine[SLOW] = { 0 };
    regrow_pid servers[SLOW], other = start_server(&other_spec);
    for (int at = 0; at < SLOW; at++) {
        servers[at] = start_slow(&mine[at]);
        be_caught(&mine[at], servers[at], other);
    }
    for (int at = 0; at < SLOW; at++)
        CHECK_OK(regrow_send(servers[at], regrow_nil()));
    for (int at = 0; at < SLOW; at++) {
        gate_reached(&mine[at].gate);
        CHECK(is_apart(mine[at].thread));
    }
    answers_elsewhere(other);
    for (int at = 0; at < SLOW; at++) {
        /* Killed while it is stuck, or after. */
        if (at % 2)
            kill_and_wait(servers[at]);
        gate_open(&mine[at].gate);
    }
    EVENTUALLY(stats().ghosts == 0);
    for (int at = 0; at < SLOW; at += 2)
        end(servers[at]);
    kill_and_wait(other);
}

static int64_t worked_ns(void)
{
    struct timespec time;
    CHECK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

/* So long on a processor, however long that takes. */
static void work_for_ms(int ms)
{
    for (int64_t end = worked_ns() + ms * INT64_C(1000000); worked_ns() < end;)
        ;
}

/* Never long enough to be caught at it. */
static regrow_next work_and_answer(regrow_context *context, void *state, const regrow_term *request)
{
    work_for_ms(4);
    return regrow_reply(context, regrow_nil());
}

static regrow_next work_long_and_call(regrow_context *context, void *user)
{
    work_for_ms(25);
    CHECK_OK(regrow_call(*(regrow_pid *)user, regrow_nil(), LONG_MS, NULL));
    return REGROW_DONE;
}

/* The job that is seen on a worker is the callee's, but what it was in since the last tick is its caller. Each caller has
 * a server of its own: what several ask of one at a time it does in one turn, which is long. */
static void who_is_called_is_not_caught_for_its_callers_work(void)
{
    enum { ROUNDS = 5, CALLERS = 8 };
    for (uint32_t flags = 0; flags <= REGROW_INLINE; flags += REGROW_INLINE) {
        regrow_server_spec spec = other_spec;
        regrow_pid servers[CALLERS];
        regrow_ref monitors[CALLERS];
        regrow_term thread;
        spec.flags = flags;
        spec.handle_call = work_and_answer;
        for (int at = 0; at < CALLERS; at++)
            servers[at] = start_server(&spec);
        for (int round = 0; round < ROUNDS; round++) {
            for (int at = 0; at < CALLERS; at++)
                spawn_monitor(work_long_and_call, &servers[at], &monitors[at]);
            for (int at = 0; at < CALLERS; at++)
                CHECK_DOWN("normal", monitors[at]);
            for (int at = 0; at < CALLERS; at++) {
                CHECK_OK(regrow_send(servers[at], regrow_nil()));
                CHECK_OK(regrow_receive(LONG_MS, &thread));
                CHECK(!text_is_apart(thread));
            }
        }
        for (int at = 0; at < CALLERS; at++)
            kill_and_wait(servers[at]);
    }
}

/* ---- a worker that has no processor ---- */

static sem_t has_least;
static atomic_bool crowded, goes_on;
static pthread_t crowd;

static void stay_on(int processor)
{
    cpu_set_t here;
    CPU_ZERO(&here);
    CPU_SET(processor, &here);
    CHECK(pthread_setaffinity_np(pthread_self(), sizeof here, &here) == 0);
}

/* Each time it wakes up it goes before whoever is of the least class: so it sleeps now and then, as short as can be. */
static void *crowd_processor(void *user)
{
    stay_on(*(int *)user);
    for (crowded = true; crowded;) {
        work_for_ms(2);
        nanosleep(&(struct timespec){ .tv_nsec = 1 }, NULL);
    }
    return NULL;
}

/* As one of the least class, on a processor that is crowded: it has next to nothing of it. */
static regrow_next want_a_processor(regrow_context *context, void *state, const regrow_term *message)
{
    static int processor;
    processor = sched_getcpu();
    stay_on(processor);
    CHECK(pthread_create(&crowd, NULL, crowd_processor, &processor) == 0);
    while (!crowded)
        sched_yield();
    sem_post(&has_least);
    CHECK(pthread_setschedparam(pthread_self(), SCHED_IDLE, &(struct sched_param){ 0 }) == 0);
    while (!goes_on)
        ;
    return REGROW_NOREPLY;
}

/* In a runtime of its own: the worker stays as it is. */
static void a_worker_that_has_no_processor_is_not_stuck(void)
{
    regrow_server_spec spec = { .size = sizeof spec, .handle_info = want_a_processor };
    regrow_pid server = start_server(&spec), other = start_server(&other_spec);
    regrow_term where;
    CHECK(sem_init(&has_least, 0, 0) == 0);
    CHECK_OK(regrow_send(server, regrow_nil()));
    while (sem_wait(&has_least))
        ;
    CHECK_OK(regrow_send(other, regrow_nil()));
    /* Ten ticks: nothing happens, and nothing tells of that. */
    nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
    CHECK(stats().stuck == 0 && stats().relief_workers == 0);
    CHECK_NO_MESSAGE();
    /* Once it has one it works, and keeps its thread. */
    crowded = false;
    CHECK(pthread_join(crowd, NULL) == 0);
    CHECK_OK(regrow_receive(LONG_MS, &where));
    CHECK(!text_is_apart(where));
    goes_on = true;
    end(server);
    kill_and_wait(other);
}

/* ---- the threads that came for them ---- */

static regrow_next wait_once(regrow_context *context, void *user)
{
    regrow_term message;
    *(pthread_t *)user = pthread_self();
    CHECK_OK(regrow_send(self, regrow_atom("parking")));
    CHECK_OK(regrow_receive(REGROW_INFINITY, &message));
    return REGROW_DONE;
}

static void relief_ends_when_it_is_idle_and_comes_again(void)
{
    enum { STUCK = 4 };
    slow mine[STUCK] = { 0 };
    regrow_pid servers[STUCK];
    EVENTUALLY(stats().relief_workers == 0);
    for (int time = 0; time < 3; time++) {
        for (int at = 0; at < STUCK; at++)
            servers[at] = start_slow(&mine[at]);
        for (int at = 0; at < STUCK; at++)
            CHECK_OK(regrow_send(servers[at], regrow_nil()));
        for (int at = 0; at < STUCK; at++)
            gate_reached(&mine[at].gate);
        CHECK(stats().relief_workers >= STUCK - 1);
        for (int at = 0; at < STUCK; at++)
            gate_open(&mine[at].gate);
        EVENTUALLY(stats().relief_workers == 0);
        CHECK(stats().workers == 1);
        for (int at = 0; at < STUCK; at++)
            end(servers[at]);
    }
}

/* Has it be brief until it runs among the others. */
static void come_back(slow *mine, regrow_pid server, uint64_t end_ms)
{
    mine->is_brief = true;
    mine->wakes = self;
    while (is_apart(mine->thread)) {
        CHECK(real_ms() < end_ms);
        CHECK_OK(regrow_send(server, regrow_nil()));
        CHECK_MESSAGE("[]");
    }
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    mine->wakes.id = 0;
}

/* A thousand turns were brief, of one message each. Who has much to do then goes apart again once a turn has taken a
 * millisecond, which is ten messages, and is not left to hold its worker up until it is seen to be stuck. */
static void a_server_on_trial_goes_apart_as_soon_as_it_takes_long(void)
{
    enum { MESSAGES = 300 };
    slow mine = { 0 };
    regrow_pid server = start_slow(&mine), other = start_server(&other_spec);
    be_caught(&mine, server, other);
    uint64_t end_ms = real_ms() + LONG_MS;
    /* One that has no processor for a millisecond goes apart at once: then it comes back once more. */
    while (!mine.among) {
        come_back(&mine, server, end_ms);
        mine.is_brief = false;
        mine.spins_ns = 100000;
        CHECK_OK(regrow_send(server, regrow_nil()));
        gate_reached(&mine.gate);
        mine.is_brief = true;
        for (int at = 1; at < MESSAGES; at++)
            CHECK_OK(regrow_send(server, regrow_nil()));
        gate_open(&mine.gate);
        CHECK_OK(regrow_settle(root, LONG_MS, NULL));
        mine.spins_ns = 0;
    }
    CHECK(mine.among <= 11);
    CHECK(is_apart(mine.thread));
    kill_and_wait(server);
    kill_and_wait(other);
}

/* A turn that waits keeps no worker. */
static void a_server_on_trial_that_waits_stays_among_the_others(void)
{
    enum { MESSAGES = 20 };
    slow mine = { 0 };
    regrow_pid server = start_slow(&mine), other = start_server(&other_spec);
    be_caught(&mine, server, other);
    uint64_t end_ms = real_ms() + LONG_MS;
    /* One that has no processor for a millisecond goes apart: then it comes back once more. */
    do {
        come_back(&mine, server, end_ms);
        mine.naps_ms = 3;
        mine.wakes = self;
        for (int at = 0; at < MESSAGES; at++)
            CHECK_OK(regrow_send(server, regrow_nil()));
        for (int at = 0; at < MESSAGES; at++)
            CHECK_MESSAGE("[]");
        mine.naps_ms = 0;
        CHECK_OK(regrow_send(server, regrow_nil()));
        CHECK_MESSAGE("[]");
    } while (is_apart(mine.thread));
    end(server);
    kill_and_wait(other);
}

static bool is_relief(pthread_t thread)
{
    char name[32];
    pthread_getname_np(thread, name, sizeof name);
    return strcmp(name, "regrow-0");
}

static void relief_stays_as_long_as_something_is_parked_on_it(void)
{
    slow mine = { 0 };
    regrow_ref monitor;
    regrow_pid server, parked;
    pthread_t where;
    /* A worker that waits for a processor gets relief, too: then it may be the other way round, but not each time. */
    for (int again = 0;; again++) {
        CHECK(again < 200);
        server = start_slow(&mine);
        CHECK_OK(regrow_send(server, regrow_nil()));
        gate_reached(&mine.gate);
        parked = spawn_monitor(wait_once, &where, &monitor);
        CHECK_MESSAGE("parking");
        gate_open(&mine.gate);
        if (is_relief(where))
            break;
        CHECK_OK(regrow_send(parked, regrow_nil()));
        CHECK_DOWN("normal", monitor);
        end(server);
        EVENTUALLY(stats().relief_workers == 0);
    }
    EVENTUALLY(stats().relief_workers == 1);
    /* Longer than a spare is kept: nothing happens, and nothing tells of that. */
    nanosleep(&(struct timespec){ .tv_sec = 1 }, NULL);
    CHECK(stats().relief_workers == 1);
    CHECK_OK(regrow_send(parked, regrow_nil()));
    CHECK_DOWN("normal", monitor);
    EVENTUALLY(stats().relief_workers == 0);
    end(server);
}

/* Behind whom a process waits, as regrow_info() tells it; zero: nobody. */
static regrow_pid behind(regrow_pid pid)
{
    regrow_term info, key = regrow_atom("behind");
    regrow_pid found = { 0 };
    CHECK_OK(regrow_info(pid, &info));
    CHECK(regrow_as_pid(regrow_map_get(&info, &key), &found) || regrow_is_atom(regrow_map_get(&info, &key), "undefined"));
    regrow_term_free(&info);
    return found;
}

/* The same as the tree of the whole runtime has it; zero also when the process is not in it. */
static regrow_pid behind_in_tree(regrow_pid pid)
{
    regrow_term dump, children = regrow_atom("children"), pid_key = regrow_atom("pid"), key = regrow_atom("behind");
    regrow_pid each_pid, found = { 0 };
    CHECK_OK(regrow_tree(root, REGROW_TREE_TERM, LONG_MS, &dump));
    const regrow_term *each = regrow_map_get(&dump, &children);
    for (; regrow_list_head(each); each = regrow_list_tail(each)) {
        const regrow_term *child = regrow_list_head(each);
        if (regrow_as_pid(regrow_map_get(child, &pid_key), &each_pid) && each_pid.id == pid.id)
            regrow_as_pid(regrow_map_get(child, &key), &found);
    }
    regrow_term_free(&dump);
    return found;
}

static void a_parked_process_shows_behind_whose_callback_it_waits(void)
{
    slow mine = { 0 };
    regrow_ref monitor;
    pthread_t where;
    regrow_process_spec body = process(wait_once, &where);
    regrow_child_spec supervised = child(REGROW_PROCESS, &body);
    supervised.id = "parked";
    supervised.restart = REGROW_TEMPORARY;
    regrow_pid server, parked;
    /* A worker that waits for a processor gets relief: then they are on two threads, but not each time. */
    for (int again = 0;; again++) {
        CHECK(again < 200);
        server = start_slow(&mine);
        CHECK_OK(regrow_supervisor_start_child(root, &supervised, &parked));
        CHECK_OK(regrow_monitor(parked, &monitor));
        CHECK_MESSAGE("parking");
        CHECK_OK(regrow_settle(root, LONG_MS, NULL));
        CHECK_OK(regrow_send(server, regrow_nil()));
        gate_reached(&mine.gate);
        if (pthread_equal(where, mine.id))
            break;
        gate_open(&mine.gate);
        CHECK_OK(regrow_send(parked, regrow_nil()));
        CHECK_DOWN("normal", monitor);
        end(server);
    }
    /* It waits for a message, and so for nobody. */
    CHECK(behind(parked).id == 0 && behind(server).id == 0 && behind_in_tree(parked).id == 0);
    CHECK_OK(regrow_send(parked, regrow_nil()));
    CHECK(behind(parked).id == server.id);
    CHECK(behind_in_tree(parked).id == server.id);
    /* Also once that is dead, and its callback has not returned. */
    kill_and_wait(server);
    CHECK(behind(parked).id == server.id);
    gate_open(&mine.gate);
    CHECK_DOWN("normal", monitor);
}

static atomic_int warned;

static void count_warnings(void *user, uint32_t level, const char *text, const regrow_term *report)
{
    if (strstr(text, "no relief is left"))
        atomic_fetch_add(&warned, 1);
}

static void more_stuck_than_threads_is_logged_and_passes(void)
{
    enum { STUCK = 70 };
    static slow mine[STUCK];
    regrow_pid servers[STUCK];
    for (int at = 0; at < STUCK; at++)
        servers[at] = start_slow(&mine[at]);
    for (int at = 0; at < STUCK; at++)
        CHECK_OK(regrow_send(servers[at], regrow_nil()));
    EVENTUALLY(warned == 1);
    CHECK(stats().workers == 64);
    for (int at = 0; at < STUCK; at++)
        gate_open(&mine[at].gate);
    for (int at = 0; at < STUCK; at++)
        gate_reached(&mine[at].gate);
    for (int at = 0; at < STUCK; at++)
        end(servers[at]);
    EVENTUALLY(stats().relief_workers == 0);
    CHECK(warned == 1);
}

enum { FLOOD = 500000 };

static regrow_next count_it(regrow_context *context, void *state, const regrow_term *message)
{
    ++*(atomic_long *)state;
    return REGROW_NOREPLY;
}

typedef struct flood {
    regrow_pid to;
    atomic_long *handled;
    long most; /* that waited at once */
} flood;

static regrow_next send_and_send(regrow_context *context, void *user)
{
    flood *mine = user;
    for (long sent = 0; sent < FLOOD; sent++) {
        CHECK_OK(regrow_send(mine->to, regrow_nil()));
        long waiting = sent + 1 - *mine->handled;
        if (waiting > mine->most)
            mine->most = waiting;
    }
    return REGROW_DONE;
}

/* Its only worker sends and sends; after a tick, when a worker counts as stuck, there are hundreds of thousands. Relief
 * that comes at once may yet lack a processor, so the best of a few counts. */
static void who_is_flooded_from_the_only_worker_is_run_before_it_has_a_great_many(void)
{
    long least = FLOOD;
    for (int round = 0; round < 5; round++) {
        atomic_long handled = 0;
        regrow_server_spec spec = { .size = sizeof spec, .init = take_user, .handle_info = count_it, .user = &handled };
        flood mine = { .to = start_server(&spec), .handled = &handled };
        regrow_process_spec sender = process(send_and_send, &mine);
        regrow_pid pid;
        CHECK_OK(regrow_spawn(root, &sender, &pid));
        CHECK_OK(regrow_settle(root, LONG_MS, NULL));
        CHECK(handled == FLOOD);
        least = mine.most < least ? mine.most : least;
        end(mine.to);
    }
    CHECK(least < FLOOD / 10);
}

int main(void)
{
    open_runtime((regrow_options){ .workers = 1, .log_level = REGROW_LOG_WARNING, .log = count_warnings });
    RUN(a_parked_process_shows_behind_whose_callback_it_waits);
    RUN(a_server_once_stuck_runs_apart_from_then_on);
    RUN(a_server_that_is_brief_again_runs_among_the_others);
    RUN(a_server_on_trial_goes_apart_as_soon_as_it_takes_long);
    RUN(a_server_on_trial_that_waits_stays_among_the_others);
    RUN(whoever_a_slow_one_wakes_runs_among_the_others);
    RUN(many_slow_ones_are_stuck_at_once);
    RUN(who_is_called_is_not_caught_for_its_callers_work);
    RUN(relief_ends_when_it_is_idle_and_comes_again);
    RUN(relief_stays_as_long_as_something_is_parked_on_it);
    RUN(more_stuck_than_threads_is_logged_and_passes);
    close_runtime();

    open_runtime((regrow_options){ .workers = 1 });
    RUN(a_worker_that_has_no_processor_is_not_stuck);
    RUN(who_is_flooded_from_the_only_worker_is_run_before_it_has_a_great_many);
    close_runtime();
    return 0;
}
