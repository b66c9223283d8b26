/* A task that its owner waits for before it has begun runs there and then, above its owner's stack: what others see of
 * that. One worker, so that such a task is next on it. */
#include "task.h"

static regrow_next one(regrow_context *context, void *user, const regrow_term *argument, regrow_term *value)
{
    *value = regrow_int(1);
    return REGROW_DONE;
}

/* ---- who ends whom ---- */

struct victim { regrow_pid owner; regrow_task task; const char *reason; };

static regrow_next end_owner(regrow_context *context, void *user, const regrow_term *argument, regrow_term *value)
{
    struct victim *victim = user;
    regrow_term message;
    CHECK_OK(regrow_exit(victim->owner, regrow_atom(victim->reason)));
    /* Linked with the owner. */
    CHECK_ERROR(REGROW_ERR_KILLED, regrow_receive(REGROW_INFINITY, &message));
    return REGROW_DONE;
}

static regrow_next await_its_end(regrow_context *context, void *user)
{
    struct victim *victim = user;
    CHECK_OK(regrow_self(&victim->owner));
    victim->task = async(end_owner, victim);
    CHECK_ERROR(REGROW_ERR_KILLED, regrow_task_await(victim->task, LONG_MS, NULL));
    return REGROW_DONE;
}

static void an_owner_is_ended_by_the_task_above_it(void)
{
    struct victim victim = { .reason = "kill" };
    check_owner(await_its_end, &victim, "killed");
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    CHECK(!regrow_is_alive(victim.task.pid));
    victim.reason = "enough";
    check_owner(await_its_end, &victim, "enough");
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    CHECK(!regrow_is_alive(victim.task.pid));
}

/* The value is handed over, and the end of the owner is on its way already. */
static regrow_next end_owner_and_return(regrow_context *context, void *user, const regrow_term *argument,
                                        regrow_term *value)
{
    CHECK_OK(regrow_exit(*(regrow_pid *)user, regrow_atom("kill")));
    *value = regrow_text("a value for one who is gone is freed, and not lost");
    return REGROW_DONE;
}

static regrow_next await_a_last_value(regrow_context *context, void *user)
{
    regrow_term value = regrow_nil(), message;
    CHECK_OK(regrow_self(user));
    (void)regrow_task_await(async(end_owner_and_return, user), LONG_MS, &value);
    CHECK_ERROR(REGROW_ERR_KILLED, regrow_receive(0, &message));
    regrow_term_free(&value);
    return REGROW_DONE;
}

static void a_value_may_come_with_the_end(void)
{
    regrow_pid owner;
    check_owner(await_a_last_value, &owner, "killed");
}

/* ---- tasks that wait ---- */

static regrow_next sleep_100(regrow_context *context, void *user, const regrow_term *argument, regrow_term *value)
{
    CHECK_OK(regrow_sleep(100));
    *value = regrow_int(100);
    return REGROW_DONE;
}

static regrow_next await_twice(regrow_context *context, void *user)
{
    regrow_task task = async(sleep_100, NULL);
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_task_yield(task, 40, NULL));
    atomic_store((atomic_int *)user, 1);
    CHECK(value_of(task) == 100);
    return REGROW_DONE;
}

static void an_owner_keeps_its_time_when_the_task_above_it_waits(void)
{
    atomic_int is_over = 0;
    regrow_ref monitor;
    spawn_monitor(await_twice, &is_over, &monitor);
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    CHECK_OK(regrow_advance(root, 39));
    CHECK(!atomic_load(&is_over));
    CHECK_OK(regrow_advance(root, 1));
    CHECK(atomic_load(&is_over));
    CHECK_OK(regrow_advance(root, 60));
    CHECK_DOWN("normal", monitor);
}

static regrow_next receive_one(regrow_context *context, void *user, const regrow_term *argument, regrow_term *value)
{
    CHECK_OK(regrow_receive(LONG_MS, value));
    return REGROW_DONE;
}

static regrow_next send_one(regrow_context *context, void *user, const regrow_term *argument, regrow_term *value)
{
    CHECK_OK(regrow_send(*(regrow_pid *)user, regrow_int(5)));
    *value = regrow_int(6);
    return REGROW_DONE;
}

static regrow_next await_two_that_talk(regrow_context *context, void *user)
{
    for (int first = 0; first < 2; first++) {
        regrow_task receiver = async(receive_one, NULL), sender = async(send_one, &receiver.pid);
        if (first)
            CHECK(value_of(receiver) == 5 && value_of(sender) == 6);
        else
            CHECK(value_of(sender) == 6 && value_of(receiver) == 5);
    }
    return REGROW_DONE;
}

static void two_tasks_of_an_owner_talk(void)
{
    check_owner(await_two_that_talk, NULL, "normal");
}

/* Somebody else monitors a task, and awaits it before it has begun: the owner hears of it all the same. */
static regrow_task anothers;

static regrow_next await_anothers(regrow_context *context, void *user)
{
    regrow_term message;
    CHECK_OK(regrow_receive(LONG_MS, &message));
    regrow_task mine = { .pid = anothers.pid };
    CHECK_OK(regrow_monitor(mine.pid, &mine.monitor));
    CHECK_ERROR(REGROW_ERR_EXITED, regrow_task_await(mine, LONG_MS, NULL));
    return REGROW_DONE;
}

static regrow_next await_with_another(regrow_context *context, void *user)
{
    regrow_term values;
    anothers = async(one, NULL);
    CHECK_OK(regrow_send(*(regrow_pid *)user, regrow_nil()));
    CHECK_OK(regrow_task_await_many(&anothers, 1, LONG_MS, &values));
    CHECK_TERM("[1]", &values);
    regrow_term_free(&values);
    return REGROW_DONE;
}

static void an_owner_is_woken_when_another_sits_beneath(void)
{
    regrow_ref monitor;
    regrow_pid other = spawn_monitor(await_anothers, NULL, &monitor);
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    check_owner(await_with_another, &other, "normal");
    CHECK_DOWN("normal", monitor);
}

/* ---- tasks within tasks, and calls within those ---- */

enum { DEEP = 100 };

static regrow_next add_one(regrow_context *context, void *state, const regrow_term *request)
{
    int64_t number;
    CHECK(regrow_as_int(request, &number));
    return regrow_reply(context, regrow_int(number + 1));
}

static regrow_next grow(regrow_context *context, void *user, const regrow_term *argument, regrow_term *value)
{
    regrow_pid server = *(regrow_pid *)user;
    regrow_task_spec spec = { .size = sizeof spec, .run = grow, .user = user };
    int64_t depth, below = 0;
    CHECK(regrow_as_int(argument, &depth));
    if (depth > 0) {
        regrow_term next = regrow_int(depth - 1);
        regrow_task task;
        spec.argument = &next;
        CHECK_OK(regrow_task_async(&spec, &task));
        below = value_of(task);
    }
    CHECK_OK(regrow_call(server, regrow_int(below), LONG_MS, value));
    return REGROW_DONE;
}

static regrow_next await_the_deepest(regrow_context *context, void *user)
{
    regrow_term depth = regrow_int(DEEP);
    regrow_task_spec spec = { .size = sizeof spec, .run = grow, .user = user, .argument = &depth };
    regrow_task task;
    CHECK_OK(regrow_task_async(&spec, &task));
    CHECK(value_of(task) == DEEP + 1);
    return REGROW_DONE;
}

static void tasks_wait_for_tasks_that_call(void)
{
    regrow_server_spec spec = { .size = sizeof spec, .handle_call = add_one };
    regrow_pid server = start_server(&spec);
    check_owner(await_the_deepest, &server, "normal");
    kill_and_wait(server);
}

/* ---- others ---- */

struct bystander { atomic_int has_run; int tasks_before; regrow_pid pid; };

static regrow_next say_so(regrow_context *context, void *user)
{
    atomic_store(&((struct bystander *)user)->has_run, 1);
    return REGROW_DONE;
}

static regrow_next say_so_when_told(regrow_context *context, void *user)
{
    regrow_term message;
    CHECK_OK(regrow_receive(LONG_MS, &message));
    regrow_term_free(&message);
    return say_so(context, user);
}

static void await_until_it_has_run(struct bystander *bystander)
{
    while (!atomic_load(&bystander->has_run)) {
        CHECK(value_of(async(one, NULL)) == 1);
        CHECK(++bystander->tasks_before < 1000);
    }
}

static regrow_next await_beside_a_ready_one(regrow_context *context, void *user)
{
    struct bystander *bystander = user;
    bystander->pid = spawn(say_so, bystander);
    await_until_it_has_run(bystander);
    return REGROW_DONE;
}

static regrow_next await_beside_a_resumed_one(regrow_context *context, void *user)
{
    struct bystander *bystander = user;
    CHECK_OK(regrow_send(bystander->pid, regrow_nil()));
    await_until_it_has_run(bystander);
    return REGROW_DONE;
}

/* So often goes the job woken last in a row while others wait (`SLOT_IN_A_ROW`), and a job whose caller waits for it
 * before who was resumed (`BEFORE_RESUMED`); and a few that began before. */
enum { IN_A_ROW = 32, BEFORE_RESUMED = 8, BEFORE = 4 };

static void who_awaits_one_after_the_other_lets_others_run(void)
{
    struct bystander ready = { 0 }, resumed = { 0 };
    check_owner(await_beside_a_ready_one, &ready, "normal");
    CHECK(ready.tasks_before <= IN_A_ROW + BEFORE);
    resumed.pid = spawn(say_so_when_told, &resumed);
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    check_owner(await_beside_a_resumed_one, &resumed, "normal");
    CHECK(resumed.tasks_before <= BEFORE_RESUMED + BEFORE);
}

int main(void)
{
    open_runtime((regrow_options){ .clock = REGROW_MANUAL, .workers = 1 });
    RUN(an_owner_is_ended_by_the_task_above_it);
    RUN(a_value_may_come_with_the_end);
    RUN(an_owner_keeps_its_time_when_the_task_above_it_waits);
    RUN(two_tasks_of_an_owner_talk);
    RUN(an_owner_is_woken_when_another_sits_beneath);
    RUN(tasks_wait_for_tasks_that_call);
    RUN(who_awaits_one_after_the_other_lets_others_run);
    close_runtime();
    return 0;
}
