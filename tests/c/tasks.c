/* Tasks: values, ends, limits, streams and supervisors, as Elixir has them; all times on a manual clock. */
#include "task.h"

static regrow_pid task_supervisor(uint32_t max_children, uint32_t at_limit)
{
    regrow_task_supervisor_spec spec = { .size = sizeof spec, .max_children = max_children, .at_limit = at_limit };
    regrow_child_spec how = child(REGROW_TASK_SUPERVISOR, &spec);
    regrow_pid pid;
    CHECK_OK(regrow_start(root, &how, &pid));
    return pid;
}

static size_t message_count(void)
{
    size_t count;
    CHECK_OK(regrow_flush(&count));
    return count;
}

static void settle(void)
{
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
}

static void advance(uint64_t ms)
{
    CHECK_OK(regrow_advance(root, ms));
}

/* ---- what tasks do ---- */

static regrow_next seven(regrow_context *context, void *user, const regrow_term *argument, regrow_term *value)
{
    *value = regrow_int(7);
    return REGROW_DONE;
}

static regrow_next echo(regrow_context *context, void *user, const regrow_term *argument, regrow_term *value)
{
    *value = regrow_term_clone(argument);
    return REGROW_DONE;
}

static regrow_next boom(regrow_context *context, void *user, const regrow_term *argument, regrow_term *value)
{
    *value = regrow_text("a value of one that fails is freed, and not lost");
    return regrow_stop_self(context, regrow_atom(user ? user : "boom"));
}

static regrow_next hang(regrow_context *context, void *user, const regrow_term *argument, regrow_term *value)
{
    regrow_term message;
    bool before;
    if (user)
        CHECK_OK(regrow_trap_exit(true, &before));
    while (regrow_receive(REGROW_INFINITY, &message) == REGROW_OK)
        regrow_term_free(&message);
    return REGROW_DONE;
}

static regrow_next sleep_ms(regrow_context *context, void *user, const regrow_term *argument, regrow_term *value)
{
    if (regrow_sleep((uint32_t)(uintptr_t)user))
        return REGROW_DONE;
    *value = regrow_int((int64_t)(uintptr_t)user);
    return REGROW_DONE;
}

static regrow_next forget_to_return(regrow_context *context, void *user, const regrow_term *argument,
                                    regrow_term *value)
{
    return 0;
}

/* ---- async and await ---- */

static void a_task_gives_its_value_to_its_owner(void)
{
    regrow_term value, argument = regrow_text("what a task is given comes to it as it was");
    regrow_task_spec spec = task_of(echo, NULL);
    regrow_task task;
    CHECK_OK(regrow_task_await(async(seven, NULL), LONG_MS, &value));
    CHECK_TERM("7", &value);
    spec.argument = &argument;
    for (uint32_t home = REGROW_SHARED; home <= REGROW_THREAD; home++) {
        spec.home = home;
        CHECK_OK(regrow_task_async(&spec, &task));
        CHECK_OK(regrow_task_await(task, LONG_MS, &value));
        CHECK(regrow_term_compare(&value, &argument) == 0);
        regrow_term_free(&value);
    }
    regrow_term_free(&argument);
    spec = task_of(seven, NULL);
    spec.flags = REGROW_NO_PARK;
    CHECK_OK(regrow_task_async(&spec, &task));
    CHECK_OK(regrow_task_await(task, LONG_MS, NULL));
}

static regrow_next await_with_traps(regrow_context *context, void *home)
{
    regrow_task_spec spec = task_of(seven, NULL);
    regrow_task tasks[2];
    regrow_term values;
    bool before;
    CHECK_OK(regrow_trap_exit(true, &before));
    spec.home = (uint32_t)(uintptr_t)home;
    CHECK_OK(regrow_task_async(&spec, &tasks[0]));
    CHECK_OK(regrow_task_await(tasks[0], LONG_MS, NULL));
    CHECK_EXIT("normal", tasks[0].pid);
    for (int i = 0; i < 2; i++)
        CHECK_OK(regrow_task_async(&spec, &tasks[i]));
    CHECK_OK(regrow_task_await_many(tasks, 2, LONG_MS, &values));
    CHECK_TERM("[7,7]", &values);
    regrow_term_free(&values);
    for (int i = 0; i < 2; i++)
        CHECK_EXIT("normal", tasks[i].pid);
    return REGROW_DONE;
}

static void an_owner_that_traps_exits_hears_of_the_end_that_it_awaited(void)
{
    check_owner(await_with_traps, (void *)REGROW_SHARED, "normal");
    check_owner(await_with_traps, (void *)REGROW_THREAD, "normal");
}

static regrow_next tell_term(regrow_context *context, void *user, const regrow_term *argument, regrow_term *value)
{
    regrow_pid to;
    CHECK(regrow_as_pid(argument, &to));
    CHECK_OK(regrow_send(to, regrow_atom("begun")));
    return hang(context, user, argument, value);
}

static regrow_next await_one_that_is_killed(regrow_context *context, void *user)
{
    regrow_term argument = regrow_from_pid(self), value;
    regrow_task_spec spec = task_of(tell_term, NULL);
    regrow_task task;
    bool before;
    spec.argument = &argument;
    spec.home = (uint32_t)(uintptr_t)user;
    CHECK_OK(regrow_trap_exit(true, &before));
    CHECK_OK(regrow_task_async(&spec, &task));
    CHECK_OK(regrow_send(self, regrow_from_pid(task.pid)));
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_task_await(task, LONG_MS, &value));
    CHECK_LAST_REASON("killed");
    CHECK_EXIT("killed", task.pid);
    CHECK(message_count() == 0);
    return REGROW_DONE;
}

static void an_await_hears_of_a_kill(void)
{
    for (uint32_t home = REGROW_SHARED; home <= REGROW_THREAD; home++) {
        regrow_ref monitor;
        regrow_term message;
        regrow_pid task = { 0 };
        spawn_monitor(await_one_that_is_killed, (void *)(uintptr_t)home, &monitor);
        for (int i = 0; i < 2; i++) {
            CHECK_OK(regrow_receive(LONG_MS, &message));
            regrow_as_pid(&message, &task);
            regrow_term_free(&message);
        }
        CHECK_OK(regrow_exit(task, regrow_atom("kill")));
        CHECK_DOWN("normal", monitor);
    }
}

static void the_user_of_a_task_is_given_back_once(void)
{
    atomic_int drops = 0;
    regrow_task_spec spec = task_of(seven, &drops);
    regrow_task task;
    spec.drop_user = count_up;
    CHECK_OK(regrow_task_async(&spec, &task));
    CHECK_OK(regrow_task_await(task, LONG_MS, NULL));
    settle();
    CHECK(atomic_load(&drops) == 1);
    spec.home = 9;
    CHECK_ERROR(REGROW_ERR_ARGUMENT, regrow_task_async(&spec, &task));
    CHECK(atomic_load(&drops) == 2);
}

static regrow_next count_given_back(regrow_context *context, void *user, const regrow_term *argument, regrow_term *value)
{
    *value = regrow_int(atomic_load((atomic_int *)user));
    return REGROW_DONE;
}

/* The same function and user as the last one's, which has no drop_user: each has its own all the same. */
static void a_user_that_is_given_back_is_there_until_the_end_of_each_task(void)
{
    atomic_int drops = 0;
    regrow_task_spec spec = task_of(count_given_back, &drops);
    regrow_task task;
    regrow_term value;
    char before[2] = "0";
    for (int at = 0; at < 6; at++) {
        spec.drop_user = at % 3 == 0 ? NULL : count_up;
        CHECK_OK(regrow_task_async(&spec, &task));
        CHECK_OK(regrow_task_await(task, LONG_MS, &value));
        CHECK_TERM(before, &value);
        settle();
        before[0] += spec.drop_user ? 1 : 0;
        CHECK(atomic_load(&drops) == before[0] - '0');
    }
}

static regrow_next own_a_crash(regrow_context *context, void *user)
{
    regrow_task task = async(boom, NULL);
    regrow_error error = regrow_task_await(task, LONG_MS, NULL);
    CHECK(error == REGROW_ERR_KILLED);
    return REGROW_DONE;
}

static void a_crash_ends_the_owner_with_the_same_reason(void)
{
    check_owner(own_a_crash, NULL, "boom");
}

static regrow_next own_a_trapped_crash(regrow_context *context, void *user)
{
    regrow_term message;
    bool before;
    CHECK_OK(regrow_trap_exit(true, &before));
    regrow_task task = async(boom, NULL);
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_task_await(task, LONG_MS, NULL));
    CHECK_LAST_REASON("boom");
    CHECK_EXIT("boom", task.pid);
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_receive(0, &message));
    task = async(forget_to_return, NULL);
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_task_await(task, LONG_MS, NULL));
    CHECK_LAST_REASON("bad_return_value");
    task = async(boom, "normal");
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_task_await(task, LONG_MS, NULL));
    CHECK_LAST_REASON("normal");
    return REGROW_DONE;
}

static void an_owner_that_traps_exits_hears_of_the_crash(void)
{
    check_owner(own_a_trapped_crash, NULL, "normal");
}

static regrow_next await_in_vain(regrow_context *context, void *task_of_it)
{
    regrow_task *task = task_of_it;
    *task = async(hang, NULL);
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_task_await(*task, 50, NULL));
    CHECK_LAST_REASON("{timeout,{task,await,[50]}}");
    CHECK(regrow_is_alive(task->pid));
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_task_await(*task, LONG_MS, NULL));
    return regrow_stop_self(context, regrow_atom("gave_up"));
}

static void an_await_that_runs_out_leaves_the_task_to_end_with_its_owner(void)
{
    regrow_task task;
    regrow_ref monitor;
    spawn_monitor(await_in_vain, &task, &monitor);
    settle();
    advance(50);
    CHECK_DOWN("gave_up", monitor);
    settle();
    CHECK(!regrow_is_alive(task.pid));
}

static regrow_next await_in_vain_and_return(regrow_context *context, void *task_of_it)
{
    regrow_task *task = task_of_it;
    *task = async(hang, NULL);
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_task_yield(*task, 0, NULL));
    return REGROW_DONE;
}

static void an_owner_that_ends_with_normal_leaves_its_task(void)
{
    regrow_task task;
    check_owner(await_in_vain_and_return, &task, "normal");
    settle();
    CHECK(regrow_is_alive(task.pid));
    kill_and_wait(task.pid);
}

static void a_late_answer_never_comes(void)
{
    /* Not waited for any more, shut down, ignored. */
    regrow_task task = async(sleep_ms, (void *)10);
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_task_await(task, 0, NULL));
    regrow_task ignored = async(sleep_ms, (void *)10);
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_task_ignore(ignored, NULL));
    advance(100);
    CHECK(!regrow_is_alive(task.pid) && !regrow_is_alive(ignored.pid));
    CHECK_NO_MESSAGE();
    /* Not even in a race. */
    for (size_t round = 0; round < rounds(2000); round++) {
        regrow_error error = regrow_task_await(async(seven, NULL), 0, NULL);
        CHECK(error == REGROW_OK || error == REGROW_ERR_TIMEOUT);
        error = regrow_task_shutdown(async(seven, NULL), REGROW_BRUTAL_KILL, NULL);
        CHECK(error == REGROW_OK || error == REGROW_ERR_NOT_FOUND);
    }
    settle();
    CHECK(message_count() == 0);
}

static regrow_next await_another_ones(regrow_context *context, void *user)
{
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_task_await(*(regrow_task *)user, LONG_MS, NULL));
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_task_yield(*(regrow_task *)user, LONG_MS, NULL));
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_task_ignore(*(regrow_task *)user, NULL));
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_task_shutdown(*(regrow_task *)user, REGROW_BRUTAL_KILL, NULL));
    return REGROW_DONE;
}

static void only_the_owner_awaits_and_once(void)
{
    regrow_task task = async(sleep_ms, (void *)1);
    check_owner(await_another_ones, &task, "normal");
    advance(1);
    CHECK_OK(regrow_task_await(task, LONG_MS, NULL));
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_task_await(task, LONG_MS, NULL));
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_task_await((regrow_task){ .pid = root }, LONG_MS, NULL));
}

static void who_does_not_wait_gets_messages(void)
{
    regrow_task task = async(seven, NULL);
    char expected[100], ref[40];
    regrow_term term = regrow_from_ref(task.monitor);
    regrow_term_print(&term, ref, sizeof ref);
    regrow_term message;
    snprintf(expected, sizeof expected, "{%s,7}", ref);
    CHECK_MESSAGE(expected);
    CHECK_OK(regrow_receive(LONG_MS, &message));
    CHECK_TERM("normal", regrow_tuple_get(&message, 4));
    regrow_term_free(&message);
}

static regrow_next own_many(regrow_context *context, void *user)
{
    regrow_task tasks[3] = { async(seven, NULL), async(sleep_ms, (void *)20), async(seven, NULL) };
    regrow_term values;
    bool before;
    CHECK_OK(regrow_task_await_many(tasks, 3, LONG_MS, &values));
    CHECK(regrow_list_head(&values));
    int64_t second;
    CHECK(regrow_as_int(regrow_list_head(regrow_list_tail(&values)), &second) && second == 20);
    regrow_term_free(&values);
    CHECK_OK(regrow_task_await_many(NULL, 0, 0, &values));
    CHECK(regrow_is_nil(&values));
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_task_await_many(tasks, 1, LONG_MS, &values));
    /* All are given up when the time is over. */
    tasks[0] = async(seven, NULL);
    tasks[1] = async(hang, NULL);
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_task_await_many(tasks, 2, 20, &values));
    CHECK_LAST_REASON("{timeout,{task,await_many,[20]}}");
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_task_await(tasks[1], LONG_MS, NULL));
    CHECK(message_count() == 0);
    /* Or when one ends without a value. */
    CHECK_OK(regrow_trap_exit(true, &before));
    tasks[0] = async(hang, NULL);
    tasks[1] = async(boom, NULL);
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_task_await_many(tasks, 2, LONG_MS, &values));
    CHECK_LAST_REASON("boom");
    CHECK_EXIT("boom", tasks[1].pid);
    CHECK(message_count() == 0);
    return REGROW_DONE;
}

static void many_are_awaited_together(void)
{
    regrow_ref monitor;
    spawn_monitor(own_many, NULL, &monitor);
    settle();
    advance(20);
    advance(20);
    CHECK_DOWN("normal", monitor);
}

/* ---- yield, shutdown, ignore ---- */

static regrow_next echo_what_comes(regrow_context *context, void *user, const regrow_term *argument,
                                   regrow_term *value)
{
    CHECK_OK(regrow_receive(LONG_MS, value));
    return REGROW_DONE;
}

static regrow_next yield_for_a_forged_end(regrow_context *context, void *user)
{
    regrow_task first = async(echo_what_comes, NULL), second = async(echo_what_comes, NULL);
    regrow_term ends, value;
    regrow_pid me;
    CHECK_OK(regrow_self(&me));
    CHECK_OK(regrow_send(self, regrow_from_pid(first.pid)));
    CHECK_OK(regrow_send(self, regrow_from_pid(second.pid)));
    regrow_term down[5] = { regrow_atom("DOWN"), regrow_from_ref(first.monitor), regrow_atom("process"),
                            regrow_from_pid(first.pid), regrow_atom("forged") };
    CHECK_OK(regrow_send(me, regrow_tuple(down, 5)));
    CHECK_OK(regrow_task_yield_many(&first, 1, LONG_MS, &ends));
    CHECK_TERM("[{exit,forged}]", &ends);
    regrow_term_free(&ends);
    CHECK_OK(regrow_task_await(second, LONG_MS, &value));
    CHECK_TERM("second", &value);
    CHECK_OK(regrow_task_await(first, LONG_MS, &value));
    CHECK_TERM("first", &value);
    CHECK(message_count() == 0);
    return REGROW_DONE;
}

static regrow_pid next_pid(void)
{
    regrow_term message;
    regrow_pid pid = { 0 };
    CHECK_OK(regrow_receive(LONG_MS, &message));
    CHECK(regrow_as_pid(&message, &pid));
    regrow_term_free(&message);
    return pid;
}

static void what_only_looks_like_an_end_leaves_the_real_one_to_its_owner(void)
{
    regrow_ref monitor;
    spawn_monitor(yield_for_a_forged_end, NULL, &monitor);
    regrow_pid first = next_pid(), second = next_pid();
    settle();
    CHECK_OK(regrow_send(first, regrow_atom("first")));
    settle();
    CHECK_OK(regrow_send(second, regrow_atom("second")));
    CHECK_DOWN("normal", monitor);
}

static regrow_next yield_for_many(regrow_context *context, void *user)
{
    regrow_term ends, value;
    bool before;
    CHECK_OK(regrow_trap_exit(true, &before));
    regrow_task tasks[3] = { async(seven, NULL), async(boom, NULL), async(sleep_ms, (void *)50) };
    CHECK_OK(regrow_task_yield_many(tasks, 3, 20, &ends));
    CHECK_TERM("[{ok,7},{exit,boom},nil]", &ends);
    regrow_term_free(&ends);
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_task_yield(tasks[2], 0, &value));
    CHECK_OK(regrow_task_yield(tasks[2], LONG_MS, &value));
    CHECK_TERM("50", &value);
    return REGROW_DONE;
}

static void a_yield_can_be_repeated(void)
{
    regrow_ref monitor;
    spawn_monitor(yield_for_many, NULL, &monitor);
    settle();
    advance(20);
    advance(30);
    CHECK_DOWN("normal", monitor);
}

static regrow_next shut_down(regrow_context *context, void *user)
{
    regrow_term value;
    regrow_task task = async(seven, NULL);
    regrow_ref monitor = monitored(task.pid);
    bool before;
    CHECK_OK(regrow_trap_exit(true, &before));
    regrow_term down;
    CHECK_OK(regrow_receive_match(is_down_of, &monitor, LONG_MS, &down));
    regrow_term_free(&down);
    CHECK_OK(regrow_task_shutdown(task, 1000, &value));
    CHECK_TERM("7", &value);
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_task_shutdown(async(hang, NULL), 1000, &value));
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_task_shutdown(async(hang, NULL), REGROW_BRUTAL_KILL, &value));
    task = async(hang, "trapping");
    CHECK_OK(regrow_sleep(1));
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_task_shutdown(task, 10, &value));
    CHECK_LAST_REASON("killed");
    /* One that ended with that reason by itself gave nothing either; told another way, it says so. */
    for (int brutally = 0; brutally < 2; brutally++) {
        task = async(boom, "shutdown");
        CHECK_EXIT("shutdown", task.pid);
        CHECK_ERROR(brutally ? REGROW_ERR_EXITED : REGROW_ERR_NOT_FOUND,
                    regrow_task_shutdown(task, brutally ? REGROW_BRUTAL_KILL : 1000, &value));
    }
    CHECK_LAST_REASON("shutdown");
    /* Also of one that was given up. */
    task = async(hang, NULL);
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_task_await(task, 1, NULL));
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_task_shutdown(task, 1000, &value));
    CHECK(!regrow_is_alive(task.pid));
    return REGROW_DONE;
}

static void a_task_is_shut_down_and_gives_what_it_had(void)
{
    regrow_ref monitor;
    spawn_monitor(shut_down, NULL, &monitor);
    settle();
    for (int i = 0; i < 20; i++)
        advance(1);
    CHECK_DOWN("normal", monitor);
}

static regrow_next ignore_all(regrow_context *context, void *task_of_it)
{
    regrow_term value;
    regrow_task *task = task_of_it;
    *task = async(hang, NULL);
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_task_ignore(*task, &value));
    regrow_task done = async(seven, NULL);
    regrow_ref monitor = monitored(done.pid);
    regrow_term down;
    CHECK_OK(regrow_receive_match(is_down_of, &monitor, LONG_MS, &down));
    regrow_term_free(&down);
    CHECK_OK(regrow_task_ignore(done, &value));
    CHECK_TERM("7", &value);
    return regrow_stop_self(context, regrow_atom("crash"));
}

static void an_ignored_task_outlives_its_owner(void)
{
    regrow_task task;
    check_owner(ignore_all, &task, "crash");
    CHECK(regrow_is_alive(task.pid));
    kill_and_wait(task.pid);
}

/* ---- callers ---- */

static regrow_next tell_callers(regrow_context *context, void *user, const regrow_term *argument, regrow_term *value)
{
    regrow_pid me;
    regrow_term map, key = regrow_atom("callers");
    CHECK_OK(regrow_self(&me));
    if (user) {
        regrow_task_spec spec = task_of(tell_callers, NULL);
        regrow_task task;
        CHECK_OK(regrow_task_async(&spec, &task));
        return regrow_task_await(task, LONG_MS, value) ? 0 : REGROW_DONE;
    }
    CHECK_OK(regrow_info(me, &map));
    *value = regrow_term_clone(regrow_map_get(&map, &key));
    regrow_term_free(&map);
    return REGROW_DONE;
}

static void a_task_knows_on_whose_behalf_it_runs(void)
{
    regrow_pid supervisor = task_supervisor(0, REGROW_REFUSE), pid;
    regrow_task_spec spec = task_of(tell_callers, "a task within");
    regrow_task task;
    regrow_term callers;
    CHECK_OK(regrow_task_supervisor_async_nolink(supervisor, &spec, &task));
    CHECK_OK(regrow_task_await(task, LONG_MS, &callers));
    CHECK(regrow_as_pid(regrow_list_head(&callers), &pid) && pid.id == task.pid.id);
    CHECK(regrow_as_pid(regrow_list_head(regrow_list_tail(&callers)), &pid) && pid.id == self.id);
    CHECK(regrow_is_nil(regrow_list_tail(regrow_list_tail(&callers))));
    regrow_term_free(&callers);
    kill_and_wait(supervisor);
}

/* ---- streams ---- */

typedef struct stream {
    int next, last, hangs, crashes;
    atomic_int *running, *most;
    uint32_t each_ms, source_ms, result_ms;
    char results[400];
    int asked, given, enough, spent;
} stream;

static bool give_item(void *user, regrow_term *item)
{
    stream *stream = user;
    stream->asked++;
    if (stream->next > stream->last)
        return false;
    if (stream->source_ms && regrow_sleep(stream->source_ms))
        return false;
    *item = stream->next == stream->spent ? regrow_atom(NULL) : regrow_int(stream->next);
    stream->next++;
    return true;
}

static bool take_result(void *user, const regrow_term *result)
{
    stream *stream = user;
    size_t used = strlen(stream->results);
    stream->given++;
    if (used + 40 < sizeof stream->results) {
        strcat(stream->results, used ? " " : "");
        regrow_term_print(result, stream->results + strlen(stream->results), 40);
    }
    if (stream->result_ms && regrow_sleep(stream->result_ms))
        return false;
    return stream->given != stream->enough;
}

static regrow_next work_on(regrow_context *context, void *user, const regrow_term *item, regrow_term *value)
{
    stream *stream = user;
    int64_t number = 0;
    CHECK(regrow_as_int(item, &number));
    if (stream->running) {
        int now = atomic_fetch_add(stream->running, 1) + 1, most = atomic_load(stream->most);
        while (now > most && !atomic_compare_exchange_weak(stream->most, &most, now)) {
        }
    }
    if (number == stream->hangs)
        return hang(context, NULL, item, value);
    if (stream->each_ms && regrow_sleep(stream->each_ms))
        return REGROW_DONE;
    if (stream->running)
        atomic_fetch_sub(stream->running, 1);
    if (number == stream->crashes)
        return regrow_stop_self(context, regrow_atom("boom"));
    *value = regrow_int(number);
    return REGROW_DONE;
}

typedef struct streaming {
    stream stream;
    regrow_stream_spec spec;
    regrow_error expected;
    const char *reason, *results;
    bool traps;
} streaming;

static regrow_next run_stream(regrow_context *context, void *user)
{
    streaming *streaming = user;
    regrow_task_spec task = task_of(work_on, &streaming->stream);
    regrow_stream_spec spec = streaming->spec;
    bool finished = true, before;
    if (streaming->traps)
        CHECK_OK(regrow_trap_exit(true, &before));
    spec.size = sizeof spec;
    spec.task = &task;
    spec.source = give_item;
    spec.result = take_result;
    spec.user = &streaming->stream;
    CHECK_ERROR(streaming->expected, regrow_task_stream(&spec, &finished));
    if (streaming->expected == REGROW_ERR_KILLED)
        return REGROW_DONE;
    if (streaming->reason)
        CHECK_LAST_REASON(streaming->reason);
    CHECK(finished == !streaming->stream.enough);
    /* Nothing of it is left, and nothing is linked. */
    CHECK(message_count() == 0);
    regrow_pid me;
    regrow_term map, key = regrow_atom("links");
    CHECK_OK(regrow_self(&me));
    CHECK_OK(regrow_info(me, &map));
    CHECK(regrow_is_nil(regrow_map_get(&map, &key)));
    regrow_term_free(&map);
    return REGROW_DONE;
}

static void check_stream(streaming *streaming, const char *end)
{
    regrow_ref monitor;
    spawn_monitor(run_stream, streaming, &monitor);
    settle();
    for (int i = 0; i < 30; i++)
        advance(50);
    CHECK_DOWN(end, monitor);
    if (streaming->results && strcmp(streaming->stream.results, streaming->results)) {
        fprintf(stderr, "%s, not %s\n", streaming->stream.results, streaming->results);
        CHECK(!"the results");
    }
}

static bool take_result_and_stream(void *user, const regrow_term *result)
{
    stream *outer = user, inner = { .next = 11, .last = 16, .hangs = -1, .crashes = -1 };
    regrow_task_spec task = task_of(work_on, &inner);
    regrow_stream_spec spec = { .size = sizeof spec, .task = &task, .source = give_item, .result = take_result,
                                .user = &inner, .max_concurrency = 3 };
    regrow_term value;
    CHECK(take_result(outer, result));
    CHECK_OK(regrow_task_await(async(seven, NULL), LONG_MS, &value));
    CHECK_TERM("7", &value);
    CHECK_OK(regrow_task_stream(&spec, NULL));
    CHECK(strcmp(inner.results, "{ok,11} {ok,12} {ok,13} {ok,14} {ok,15} {ok,16}") == 0);
    return true;
}

static regrow_next run_streams_within(regrow_context *context, void *user)
{
    stream outer = { .next = 1, .last = 6, .hangs = -1, .crashes = -1 };
    regrow_task_spec task = task_of(work_on, &outer);
    regrow_stream_spec spec = { .size = sizeof spec, .task = &task, .source = give_item, .user = &outer,
                                .result = take_result_and_stream, .max_concurrency = 4, .timeout_ms = LONG_MS };
    CHECK_OK(regrow_task_stream(&spec, NULL));
    CHECK(strcmp(outer.results, "{ok,1} {ok,2} {ok,3} {ok,4} {ok,5} {ok,6}") == 0);
    CHECK(message_count() == 0);
    return REGROW_DONE;
}

static void what_is_awaited_within_a_stream_is_told_from_its_results(void)
{
    for (size_t round = 0; round < rounds(20); round++)
        check_owner(run_streams_within, NULL, "normal");
}

typedef struct ghost {
    int left;
    size_t heard;
    gate gate;
    regrow_error ended;
    sem_t over;
} ghost;

/* The last time when all tasks are over. */
static bool give_and_wait(void *user, regrow_term *item)
{
    ghost *ghost = user;
    regrow_term message;
    if (ghost->left > 0) {
        *item = regrow_int(ghost->left--);
        return true;
    }
    CHECK_OK(regrow_receive(LONG_MS, &message));
    regrow_term_free(&message);
    return false;
}

static bool hear_at_a_gate(void *user, const regrow_term *result)
{
    ghost *ghost = user;
    if (ghost->heard++ == 0)
        gate_pass(&ghost->gate);
    return true;
}

static regrow_next stream_as_a_ghost(regrow_context *context, void *user)
{
    ghost *ghost = user;
    regrow_task_spec task = task_of(echo, NULL);
    regrow_stream_spec spec = { .size = sizeof spec, .task = &task, .source = give_and_wait, .user = ghost,
                                .result = hear_at_a_gate, .max_concurrency = 8, .timeout_ms = LONG_MS };
    ghost->ended = regrow_task_stream(&spec, NULL);
    sem_post(&ghost->over);
    return REGROW_DONE;
}

static void who_is_killed_with_a_result_hears_of_no_more(void)
{
    ghost ghost = { .left = 6 };
    regrow_ref monitor;
    gate_make(&ghost.gate);
    sem_init(&ghost.over, 0, 0);
    regrow_pid pid = spawn_monitor(stream_as_a_ghost, &ghost, &monitor);
    settle();
    CHECK_OK(regrow_send(pid, regrow_atom("go")));
    gate_reached(&ghost.gate);
    CHECK_OK(regrow_exit(pid, regrow_atom("kill")));
    CHECK_DOWN("killed", monitor);
    gate_open(&ghost.gate);
    while (sem_wait(&ghost.over)) {
    }
    CHECK(ghost.heard == 1 && ghost.ended == REGROW_ERR_KILLED);
}

static void a_stream_gives_the_results_in_order(void)
{
    /* [ok: 1, exit: :timeout, ok: 3, ok: 4] in Elixir */
    streaming s = { .stream = { .next = 1, .last = 4, .hangs = 2, .crashes = -1 },
                    .spec = { .timeout_ms = 50, .on_timeout = REGROW_KILL_TASK, .max_concurrency = 2 },
                    .results = "{ok,1} {exit,timeout} {ok,3} {ok,4}" };
    check_stream(&s, "normal");
    /* With the default, that is an error. */
    s.stream = (stream){ .next = 1, .last = 4, .hangs = 2, .crashes = -1 };
    s.spec = (regrow_stream_spec){ .timeout_ms = 50, .max_concurrency = 2 };
    s.expected = REGROW_ERR_TIMEOUT;
    s.reason = "{timeout,{task,stream,[50]}}";
    s.results = "{ok,1}";
    check_stream(&s, "normal");
}

static void a_stream_that_is_not_ordered_gives_them_as_they_come(void)
{
    streaming s = { .stream = { .next = 1, .last = 4, .hangs = 2, .crashes = -1 },
                    .spec = { .timeout_ms = 50, .on_timeout = REGROW_KILL_TASK, .max_concurrency = 2,
                              .order = REGROW_UNORDERED },
                    .results = "{ok,1} {ok,3} {ok,4} {exit,timeout}" };
    check_stream(&s, "normal");
}

/* As in Elixir: the time of a task runs, whatever the caller is at. */
static void a_task_is_late_also_when_nobody_was_looking(void)
{
    streaming s = { .stream = { .next = 1, .last = 3, .hangs = -1, .crashes = -1, .each_ms = 60, .source_ms = 100 },
                    .spec = { .timeout_ms = 50, .on_timeout = REGROW_KILL_TASK, .max_concurrency = 3 },
                    .results = "{exit,timeout} {exit,timeout} {exit,timeout}" };
    check_stream(&s, "normal");
    s.stream = (stream){ .next = 1, .last = 3, .hangs = -1, .crashes = -1, .each_ms = 60, .result_ms = 100 };
    check_stream(&s, "normal");
    s.stream = (stream){ .next = 1, .last = 3, .hangs = -1, .crashes = -1, .each_ms = 60, .source_ms = 100 };
    s.spec = (regrow_stream_spec){ .timeout_ms = 50, .max_concurrency = 3 };
    s.expected = REGROW_ERR_TIMEOUT;
    s.reason = "{timeout,{task,stream,[50]}}";
    s.results = "";
    check_stream(&s, "normal");
    /* Whoever was done in time is not late, however long that lay there. */
    s = (streaming){ .stream = { .next = 1, .last = 3, .hangs = -1, .crashes = -1, .each_ms = 40,
                                 .source_ms = 100, .result_ms = 100 },
                     .spec = { .timeout_ms = 50, .on_timeout = REGROW_KILL_TASK, .max_concurrency = 3 },
                     .results = "{ok,1} {ok,2} {ok,3}" };
    check_stream(&s, "normal");
}

static void an_item_that_is_no_term_ends_the_stream(void)
{
    streaming s = { .stream = { .next = 1, .last = 4, .hangs = -1, .crashes = -1, .spent = 2 },
                    .spec = { .max_concurrency = 1 }, .expected = REGROW_ERR_ARGUMENT,
                    .results = "{ok,1}" };
    check_stream(&s, "normal");
}

static void a_crash_in_a_stream_ends_who_does_not_trap_exits(void)
{
    streaming s = { .stream = { .next = 1, .last = 4, .hangs = -1, .crashes = 2 }, .traps = true,
                    .results = "{ok,1} {exit,boom} {ok,3} {ok,4}" };
    check_stream(&s, "normal");
    s.stream = (stream){ .next = 1, .last = 4, .hangs = -1, .crashes = 2 };
    s.traps = false;
    s.expected = REGROW_ERR_KILLED;
    s.results = NULL;
    regrow_ref monitor;
    spawn_monitor(run_stream, &s, &monitor);
    CHECK_DOWN("boom", monitor);
    EVENTUALLY(stats().ghosts == 0); /* it looks at `s` until then */
    settle();
    /* Not so where they are not linked. */
    s.stream = (stream){ .next = 1, .last = 4, .hangs = -1, .crashes = 2 };
    s.spec = (regrow_stream_spec){ .supervisor = task_supervisor(0, REGROW_REFUSE), .place = REGROW_UNLINKED };
    s.expected = REGROW_OK;
    s.results = "{ok,1} {exit,boom} {ok,3} {ok,4}";
    check_stream(&s, "normal");
    kill_and_wait(s.spec.supervisor);
}

static void no_more_than_max_concurrency_run_and_the_source_waits(void)
{
    atomic_int running = 0, most = 0;
    streaming s = { .stream = { .next = 1, .last = 20, .hangs = -1, .crashes = -1, .each_ms = 50,
                                .running = &running, .most = &most },
                    .spec = { .max_concurrency = 3 } };
    regrow_ref monitor;
    spawn_monitor(run_stream, &s, &monitor);
    for (int wave = 0; wave < 7; wave++) {
        settle();
        /* Asked for no item that could not be begun; at the end once more. */
        CHECK(s.stream.asked == (wave < 6 ? 3 * (wave + 1) : 21));
        CHECK(s.stream.given == 3 * wave);
        advance(50);
    }
    CHECK_DOWN("normal", monitor);
    CHECK(s.stream.given == 20 && atomic_load(&most) == 3);
}

static void a_stream_that_is_not_wanted_any_more_ends_its_tasks(void)
{
    streaming s = { .stream = { .next = 1, .last = 1000, .hangs = 3, .crashes = -1, .enough = 2 },
                    .spec = { .max_concurrency = 3 },
                    .results = "{ok,1} {ok,2}" };
    uint64_t before = stats().processes;
    check_stream(&s, "normal");
    settle();
    CHECK(stats().processes == before);
}

/* ---- supervisors ---- */

static void a_supervised_task_that_crashes_leaves_the_owner_alone(void)
{
    regrow_pid supervisor = task_supervisor(0, REGROW_REFUSE);
    regrow_task_spec spec = task_of(boom, NULL);
    regrow_task task;
    CHECK_OK(regrow_task_supervisor_async_nolink(supervisor, &spec, &task));
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_task_yield(task, LONG_MS, NULL));
    CHECK_LAST_REASON("boom");
    CHECK(regrow_is_alive(supervisor));
    kill_and_wait(supervisor);
}

static regrow_next own_a_supervised_crash(regrow_context *context, void *supervisor)
{
    regrow_task_spec spec = task_of(boom, NULL);
    regrow_task task;
    CHECK_OK(regrow_task_supervisor_async(*(regrow_pid *)supervisor, &spec, &task));
    regrow_task_await(task, LONG_MS, NULL);
    return REGROW_DONE;
}

static void a_linked_supervised_task_takes_its_owner_along(void)
{
    regrow_pid supervisor = task_supervisor(0, REGROW_REFUSE);
    check_owner(own_a_supervised_crash, &supervisor, "boom");
    CHECK(regrow_is_alive(supervisor));
    kill_and_wait(supervisor);
}

static void one_too_many_is_refused(void)
{
    regrow_pid supervisor = task_supervisor(2, REGROW_REFUSE), pids[2], pid;
    regrow_task_spec spec = task_of(hang, NULL);
    regrow_task task;
    regrow_request *pending;
    regrow_term list;
    size_t length;
    for (int i = 0; i < 2; i++)
        CHECK_OK(regrow_task_supervisor_start_child(supervisor, &spec, &pids[i]));
    CHECK_ERROR(REGROW_ERR_LIMIT, regrow_task_supervisor_start_child(supervisor, &spec, &pid));
    CHECK_LAST_REASON("max_children");
    CHECK_ERROR(REGROW_ERR_LIMIT, regrow_task_supervisor_async(supervisor, &spec, &task));
    CHECK_OK(regrow_task_supervisor_run_async(supervisor, &spec, LONG_MS, &pending));
    CHECK_ERROR(REGROW_ERR_LIMIT, regrow_request_wait(pending, LONG_MS, NULL));
    regrow_request_free(pending);
    CHECK_OK(regrow_task_supervisor_children(supervisor, &list));
    CHECK(regrow_list_length(&list, &length) && length == 2);
    regrow_term_free(&list);
    /* A place that is free again is given away. */
    CHECK_OK(regrow_task_supervisor_terminate_child(supervisor, pids[0]));
    CHECK(!regrow_is_alive(pids[0]));
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_task_supervisor_terminate_child(supervisor, pids[0]));
    CHECK_OK(regrow_task_supervisor_start_child(supervisor, &spec, &pid));
    /* Its end is theirs. */
    kill_and_wait(supervisor);
    settle();
    CHECK(!regrow_is_alive(pids[1]) && !regrow_is_alive(pid));
}

enum { SUBMITS = 100, AT_ONCE = 4 };

static void a_supervisor_that_queues_runs_so_many_at_once_and_all(void)
{
    atomic_int running = 0, most = 0;
    stream stream = { .hangs = -1, .crashes = -1, .each_ms = 10, .running = &running, .most = &most };
    regrow_pid supervisor = task_supervisor(AT_ONCE, REGROW_QUEUE);
    regrow_task tasks[SUBMITS];
    regrow_task_spec spec = task_of(work_on, &stream);
    for (int i = 0; i < SUBMITS; i++) {
        regrow_term item = regrow_int(i);
        spec.argument = &item;
        CHECK_OK(regrow_task_supervisor_async(supervisor, &spec, &tasks[i]));
    }
    for (int wave = 0; wave < SUBMITS / AT_ONCE; wave++) {
        settle();
        CHECK(atomic_load(&running) == AT_ONCE);
        advance(10);
    }
    for (int i = 0; i < SUBMITS; i++) {
        regrow_term value;
        int64_t number;
        CHECK_OK(regrow_task_await(tasks[i], LONG_MS, &value));
        CHECK(regrow_as_int(&value, &number) && number == i);
    }
    CHECK(atomic_load(&most) == AT_ONCE);
    kill_and_wait(supervisor);
}

static void a_queued_task_is_a_process_like_any_other(void)
{
    regrow_pid supervisor = task_supervisor(1, REGROW_QUEUE);
    regrow_task_spec spec = task_of(hang, NULL);
    regrow_task first, second, third, fourth;
    regrow_term value, argument = regrow_atom("mine");
    CHECK_OK(regrow_task_supervisor_async_nolink(supervisor, &spec, &first));
    CHECK_OK(regrow_task_supervisor_async_nolink(supervisor, &spec, &second));
    spec = task_of(echo, NULL);
    spec.argument = &argument;
    CHECK_OK(regrow_task_supervisor_async_nolink(supervisor, &spec, &third));
    CHECK_OK(regrow_task_supervisor_async_nolink(supervisor, &spec, &fourth));
    CHECK(regrow_is_alive(third.pid));
    /* It can be ended before it began, by whoever may. */
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_task_shutdown(second, 1000, NULL));
    CHECK_OK(regrow_task_supervisor_terminate_child(supervisor, fourth.pid));
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_task_await(fourth, LONG_MS, NULL));
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_task_yield(third, 0, NULL));
    CHECK_ERROR(REGROW_ERR_NOT_FOUND, regrow_task_shutdown(first, REGROW_BRUTAL_KILL, NULL));
    CHECK_OK(regrow_task_await(third, LONG_MS, &value));
    CHECK_TERM("mine", &value);
    kill_and_wait(supervisor);
}

static regrow_next take_mail(regrow_context *context, void *user, const regrow_term *argument, regrow_term *value)
{
    return regrow_receive(0, value) ? 0 : REGROW_DONE;
}

static void what_is_sent_to_a_queued_task_waits_for_it(void)
{
    regrow_pid supervisor = task_supervisor(1, REGROW_QUEUE), busy;
    regrow_task_spec hanging = task_of(hang, NULL), spec = task_of(take_mail, NULL);
    regrow_task task;
    regrow_term value;
    CHECK_OK(regrow_task_supervisor_start_child(supervisor, &hanging, &busy));
    CHECK_OK(regrow_task_supervisor_async(supervisor, &spec, &task));
    CHECK_OK(regrow_send(task.pid, regrow_atom("mail")));
    settle();
    kill_and_wait(busy);
    CHECK_OK(regrow_task_await(task, LONG_MS, &value));
    CHECK_TERM("mail", &value);
    kill_and_wait(supervisor);
}

static void a_supervisor_that_stops_stops_its_tasks(void)
{
    regrow_task_supervisor_spec spec = { .size = sizeof spec, .max_children = 2, .at_limit = REGROW_QUEUE,
                                         .task_shutdown_ms = 100 };
    regrow_child_spec how = child(REGROW_TASK_SUPERVISOR, &spec);
    regrow_task_spec good = task_of(hang, NULL), stubborn = task_of(hang, "trapping"), late = task_of(seven, NULL);
    regrow_pid supervisor, a, b, c;
    how.id = "tasks";
    regrow_supervisor_spec above = { .size = sizeof above, .children = &how, .child_count = 1 };
    regrow_child_spec top = child(REGROW_SUPERVISOR, &above);
    regrow_pid tree;
    regrow_term list, id = regrow_text("tasks");
    CHECK_OK(regrow_start(root, &top, &tree));
    CHECK_OK(regrow_supervisor_which_children(tree, &list));
    CHECK(regrow_as_pid(regrow_tuple_get(regrow_list_head(&list), 1), &supervisor));
    CHECK_TERM("supervisor", regrow_tuple_get(regrow_list_head(&list), 2));
    regrow_term_free(&list);
    CHECK_OK(regrow_task_supervisor_start_child(supervisor, &good, &a));
    CHECK_OK(regrow_task_supervisor_start_child(supervisor, &stubborn, &b));
    CHECK_OK(regrow_task_supervisor_start_child(supervisor, &late, &c));
    settle();
    regrow_ref downs[3] = { monitored(a), monitored(b), monitored(c) };
    uint64_t before, after;
    CHECK_OK(regrow_now(root, &before));
    CHECK_OK(regrow_exit(tree, regrow_atom("kill")));
    settle();
    CHECK_DOWN("shutdown", downs[0]);
    CHECK_DOWN("shutdown", downs[2]);
    /* The supervisor was told to end by its parent's end: its own tasks have their time. */
    advance(100);
    CHECK_DOWN("killed", downs[1]);
    CHECK_OK(regrow_now(root, &after));
    CHECK(after - before == 100);
    regrow_term_free(&id);
}

static void *call_from_outside(void *supervisor_of_it)
{
    regrow_pid supervisor = *(regrow_pid *)supervisor_of_it;
    regrow_task_spec spec = task_of(seven, NULL), failing = task_of(boom, NULL);
    regrow_task task;
    regrow_request *pending;
    regrow_term value;
    CHECK_ERROR(REGROW_ERR_CONTEXT, regrow_task_async(&spec, &task));
    CHECK_ERROR(REGROW_ERR_CONTEXT, regrow_task_await((regrow_task){ .pid = root }, 0, NULL));
    CHECK_ERROR(REGROW_ERR_CONTEXT, regrow_task_supervisor_async_nolink(supervisor, &spec, &task));
    CHECK_OK(regrow_task_supervisor_start_child(supervisor, &spec, NULL));
    CHECK_OK(regrow_task_supervisor_run_async(supervisor, &spec, LONG_MS, &pending));
    CHECK_OK(regrow_request_wait(pending, LONG_MS, &value));
    CHECK_TERM("7", &value);
    regrow_request_free(pending);
    CHECK_OK(regrow_task_supervisor_run_async(supervisor, &failing, LONG_MS, &pending));
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_request_wait(pending, LONG_MS, &value));
    CHECK_LAST_REASON("boom");
    regrow_request_free(pending);
    return NULL;
}

static void a_thread_without_identity_runs_tasks_through_a_supervisor(void)
{
    regrow_pid supervisor = task_supervisor(0, REGROW_REFUSE);
    pthread_t thread;
    CHECK(!pthread_create(&thread, NULL, call_from_outside, &supervisor));
    CHECK(!pthread_join(thread, NULL));
    kill_and_wait(supervisor);
    regrow_task_spec spec = task_of(seven, NULL);
    CHECK_ERROR(REGROW_ERR_NO_PROCESS, regrow_task_supervisor_start_child(supervisor, &spec, NULL));
    CHECK_ERROR(REGROW_ERR_WRONG_KIND, regrow_task_supervisor_start_child(root, &spec, NULL));
}

static void at_the_limit_of_processes_each_start_says_so(void)
{
    regrow_options options = { .size = sizeof options, .workers = 1, .max_processes = 2,
                               .log_level = REGROW_LOG_SILENT };
    regrow_task_supervisor_spec spec = { .size = sizeof spec };
    regrow_child_spec how = child(REGROW_TASK_SUPERVISOR, &spec);
    regrow_task_spec task_spec = task_of(seven, NULL);
    regrow_pid other, supervisor;
    regrow_request *pending;
    regrow_task task;
    CHECK_OK(regrow_init(&options, &other));
    CHECK_OK(regrow_start(other, &how, &supervisor));
    CHECK_ERROR(REGROW_ERR_LIMIT, regrow_task_supervisor_start_child(supervisor, &task_spec, NULL));
    CHECK_LAST_REASON("system_limit");
    CHECK_OK(regrow_task_supervisor_run_async(supervisor, &task_spec, LONG_MS, &pending));
    CHECK_ERROR(REGROW_ERR_LIMIT, regrow_request_wait(pending, LONG_MS, NULL));
    CHECK_LAST_REASON("system_limit");
    regrow_request_free(pending);
    CHECK_ERROR(REGROW_ERR_OTHER_RUNTIME, regrow_task_supervisor_async(supervisor, &task_spec, &task));
    CHECK_OK(regrow_shutdown(other, LONG_MS, NULL));
}

static void a_queued_request_is_answered_when_its_task_has_run(void)
{
    regrow_pid supervisor = task_supervisor(1, REGROW_QUEUE), busy;
    regrow_task_spec hanging = task_of(hang, NULL), spec = task_of(seven, NULL);
    regrow_request *pending, *killed;
    regrow_term value;
    CHECK_OK(regrow_task_supervisor_start_child(supervisor, &hanging, &busy));
    CHECK_OK(regrow_task_supervisor_run_async(supervisor, &spec, LONG_MS, &pending));
    settle();
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_request_wait(pending, 0, NULL));
    kill_and_wait(busy);
    CHECK_OK(regrow_request_wait(pending, LONG_MS, &value));
    CHECK_TERM("7", &value);
    regrow_request_free(pending);
    CHECK_OK(regrow_task_supervisor_run_async(supervisor, &hanging, LONG_MS, &pending));
    CHECK_OK(regrow_task_supervisor_run_async(supervisor, &spec, LONG_MS, &killed));
    settle();
    kill_and_wait(supervisor);
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_request_wait(pending, LONG_MS, NULL));
    CHECK_LAST_REASON("killed");
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_request_wait(killed, LONG_MS, NULL));
    CHECK_LAST_REASON("killed");
    regrow_request_free(pending);
    regrow_request_free(killed);
}

int main(void)
{
    open_runtime((regrow_options){ .clock = REGROW_MANUAL, .workers = 2 });
    RUN(a_task_gives_its_value_to_its_owner);
    RUN(an_owner_that_traps_exits_hears_of_the_end_that_it_awaited);
    RUN(an_await_hears_of_a_kill);
    RUN(the_user_of_a_task_is_given_back_once);
    RUN(a_user_that_is_given_back_is_there_until_the_end_of_each_task);
    RUN(a_crash_ends_the_owner_with_the_same_reason);
    RUN(an_owner_that_traps_exits_hears_of_the_crash);
    RUN(an_await_that_runs_out_leaves_the_task_to_end_with_its_owner);
    RUN(an_owner_that_ends_with_normal_leaves_its_task);
    RUN(a_late_answer_never_comes);
    RUN(only_the_owner_awaits_and_once);
    RUN(who_does_not_wait_gets_messages);
    RUN(many_are_awaited_together);
    RUN(what_only_looks_like_an_end_leaves_the_real_one_to_its_owner);
    RUN(a_yield_can_be_repeated);
    RUN(a_task_is_shut_down_and_gives_what_it_had);
    RUN(an_ignored_task_outlives_its_owner);
    RUN(a_task_knows_on_whose_behalf_it_runs);
    RUN(who_is_killed_with_a_result_hears_of_no_more);
    RUN(a_stream_gives_the_results_in_order);
    RUN(what_is_awaited_within_a_stream_is_told_from_its_results);
    RUN(a_stream_that_is_not_ordered_gives_them_as_they_come);
    RUN(a_task_is_late_also_when_nobody_was_looking);
    RUN(an_item_that_is_no_term_ends_the_stream);
    RUN(a_crash_in_a_stream_ends_who_does_not_trap_exits);
    RUN(no_more_than_max_concurrency_run_and_the_source_waits);
    RUN(a_stream_that_is_not_wanted_any_more_ends_its_tasks);
    RUN(a_supervised_task_that_crashes_leaves_the_owner_alone);
    RUN(a_linked_supervised_task_takes_its_owner_along);
    RUN(one_too_many_is_refused);
    RUN(a_supervisor_that_queues_runs_so_many_at_once_and_all);
    RUN(a_queued_task_is_a_process_like_any_other);
    RUN(what_is_sent_to_a_queued_task_waits_for_it);
    RUN(a_supervisor_that_stops_stops_its_tasks);
    RUN(a_thread_without_identity_runs_tasks_through_a_supervisor);
    RUN(a_queued_request_is_answered_when_its_task_has_run);
    RUN(at_the_limit_of_processes_each_start_says_so);
    close_runtime();
    return 0;
}
