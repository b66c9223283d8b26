/* Tasks that a test starts, and owners of them whose end is looked at. */
#ifndef TASK_H
#define TASK_H

#include "support.h"

static inline regrow_task_spec task_of(regrow_task_callback run, void *user)
{
    return (regrow_task_spec){ .size = sizeof(regrow_task_spec), .run = run, .user = user };
}

static inline regrow_task async(regrow_task_callback run, void *user)
{
    regrow_task_spec spec = task_of(run, user);
    regrow_task task;
    CHECK_OK(regrow_task_async(&spec, &task));
    return task;
}

/* Awaits it: an integer. */
static inline int64_t value_of(regrow_task task)
{
    regrow_term value;
    int64_t number;
    CHECK_OK(regrow_task_await(task, LONG_MS, &value));
    CHECK(regrow_as_int(&value, &number));
    return number;
}

/* Runs it as a process, to its end. */
static inline void check_owner(regrow_body_callback body, void *user, const char *reason)
{
    regrow_ref monitor;
    spawn_monitor(body, user, &monitor);
    CHECK_DOWN(reason, monitor);
}

#endif
