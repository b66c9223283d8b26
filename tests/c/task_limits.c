/* Time limits on the machine's clock: of a stream whose results are waited with for longer; of an owner that waits
 * beneath a task. */
#include "support.h"

enum { LIMIT_MS = 50, ITEMS = 20, EACH_MS = 10 };

struct items { int64_t next; uint64_t last_began; int results; };

static regrow_next hang_in_the_last(regrow_context *context, void *user, const regrow_term *argument,
                                    regrow_term *value)
{
    int64_t item;
    CHECK(regrow_as_int(argument, &item));
    if (item == ITEMS)
        CHECK_ERROR(REGROW_ERR_KILLED, regrow_sleep(REGROW_INFINITY));
    else
        *value = regrow_int(item);
    return REGROW_DONE;
}

static bool give_item(void *user, regrow_term *item)
{
    struct items *items = user;
    if (++items->next > ITEMS)
        return false;
    items->last_began = real_ms();
    *item = regrow_int(items->next);
    return true;
}

/* Waits meanwhile: for longer, in all, than a task may take. */
static bool take_result(void *user, const regrow_term *result)
{
    struct items *items = user;
    if (++items->results < ITEMS) {
        CHECK_OK(regrow_sleep(EACH_MS));
        return true;
    }
    CHECK_TERM("{exit,timeout}", result);
    CHECK(real_ms() - items->last_began >= LIMIT_MS);
    return true;
}

static regrow_next run_stream(regrow_context *context, void *user)
{
    struct items items = { 0 };
    regrow_task_spec task = { .size = sizeof task, .run = hang_in_the_last };
    regrow_stream_spec spec = { .size = sizeof spec, .task = &task, .source = give_item, .result = take_result,
                                .user = &items, .max_concurrency = (uint32_t)(uintptr_t)user,
                                .timeout_ms = LIMIT_MS, .on_timeout = REGROW_KILL_TASK };
    bool finished;
    CHECK_OK(regrow_task_stream(&spec, &finished));
    CHECK(finished && items.results == ITEMS);
    return REGROW_DONE;
}

static void a_limit_is_kept_after_waits_that_took_longer(void)
{
    for (uintptr_t at_once = 1; at_once <= 3; at_once++) {
        regrow_ref monitor;
        spawn_monitor(run_stream, (void *)at_once, &monitor);
        CHECK_DOWN("normal", monitor);
    }
}

/* ---- a task that runs above its owner's stack, and takes longer than the owner's limit before it waits ---- */

struct bystander { regrow_pid pid; atomic_int has_run; };

static regrow_next say_so_when_told(regrow_context *context, void *user)
{
    regrow_term message;
    CHECK_OK(regrow_receive(LONG_MS, &message));
    atomic_store(&((struct bystander *)user)->has_run, 1);
    return REGROW_DONE;
}

static regrow_next take_long_and_hang(regrow_context *context, void *user, const regrow_term *argument,
                                      regrow_term *value)
{
    for (uint64_t begun = real_ms(); real_ms() - begun < 4 * LIMIT_MS;)
        ;
    CHECK_OK(regrow_send(((struct bystander *)user)->pid, regrow_nil()));
    CHECK_ERROR(REGROW_ERR_KILLED, regrow_sleep(REGROW_INFINITY));
    return REGROW_DONE;
}

static regrow_next await_what_takes_long(regrow_context *context, void *user)
{
    struct bystander *bystander = user;
    regrow_task_spec spec = { .size = sizeof spec, .run = take_long_and_hang, .user = user };
    regrow_task task;
    CHECK_OK(regrow_task_async(&spec, &task));
    CHECK_ERROR(REGROW_ERR_TIMEOUT, regrow_task_yield(task, LIMIT_MS, NULL));
    /* Its time was over, so that it did not wait, and who is behind it on this thread has not gone on. */
    CHECK(!atomic_load(&bystander->has_run));
    return REGROW_DONE;
}

static void what_a_task_takes_above_its_owner_is_of_the_owners_limit(void)
{
    struct bystander bystander = { 0 };
    regrow_ref monitor, bystanders;
    bystander.pid = spawn_monitor(say_so_when_told, &bystander, &bystanders);
    CHECK_OK(regrow_settle(root, LONG_MS, NULL));
    spawn_monitor(await_what_takes_long, &bystander, &monitor);
    CHECK_DOWN("normal", monitor);
    CHECK_DOWN("normal", bystanders);
}

int main(void)
{
    open_runtime((regrow_options){ .workers = 2 });
    RUN(a_limit_is_kept_after_waits_that_took_longer);
    close_runtime();
    open_runtime((regrow_options){ .workers = 1 });
    RUN(what_a_task_takes_above_its_owner_is_of_the_owners_limit);
    close_runtime();
    return 0;
}
