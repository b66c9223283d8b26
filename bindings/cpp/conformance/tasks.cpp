// Tasks that a process starts, and what it does with them at once.
#include "executor.hpp"

extern "C" {
#include "worker.h"
}

using namespace executor;
using namespace std::chrono_literals;

namespace {

constexpr char mark[] = "task"; // what the trace calls the monitor of each task

// What the task is to do. `owner`: who hears that it hangs.
struct work {
    const char *id, *behaviour;
    regrow::pid owner;

    bool hangs() const { return !std::strcmp(behaviour, "hang") || !std::strcmp(behaviour, "traphang"); }
    regrow::time_limit limit() const { return hangs() ? 20ms : 1000ms; }

    regrow::term operator()() const
    {
        const regrow::pid self = regrow::self();
        attempt* attempt = attempt_begin(id, nullptr, nullptr, self);
        recorder_watch(self);
        attempt_came_up(attempt);
        if (!std::strncmp(behaviour, "ret:", 4))
            return word(behaviour + 4);
        if (!std::strncmp(behaviour, "exit:", 5))
            throw regrow::exit_with(reason(behaviour + 5));
        if (!std::strcmp(behaviour, "traphang"))
            regrow::trap_exit(true);
        if (owner)
            regrow::send(owner, regrow::tuple(regrow::atom(TAG_HANGS), self));
        for (;;)
            (void)regrow::receive();
    }
};

work work_of(const arguments* arguments, regrow::pid owner = {})
{
    return {argument(arguments, 0), argument(arguments, 1), owner};
}

using term_task = regrow::task<regrow::term>;

// Until the task has ended, or hangs.
void wait_until_it_rests(const term_task& task)
{
    const regrow::ref monitor = regrow::monitor(task.pid());
    (void)regrow::receive_if([&](regrow::term_view message) {
        return message[0].is_atom(TAG_HANGS) ? message[1].as_pid() == task.pid()
                                             : message[0].is_atom("DOWN") && message[1].as_ref() == monitor;
    });
    regrow::demonitor(monitor);
}

void add_end(text* result, const regrow::result<regrow::term>& end, const char* on_timeout)
{
    switch (end.code()) {
    case REGROW_OK: return add(result, "ok " + print(*end));
    case REGROW_ERR_EXITED: return add(result, "exit " + print(end.error().reason()));
    case REGROW_ERR_TIMEOUT: return add(result, on_timeout);
    case REGROW_ERR_NOT_FOUND: return add(result, "nil");
    default: add_failure(result, end.code());
    }
}

std::optional<term_task> begin(const work& work, text* result)
{
    auto task = regrow::try_async(work);
    if (!task)
        return add_failure(result, task.code()), std::nullopt;
    mark_set(mark, task->raw().monitor);
    return std::move(*task);
}

} // namespace

void op_task_await(const arguments* arguments, text* result)
{
    const work work = work_of(arguments);
    if (auto task = begin(work, result))
        add_end(result, task->try_await(work.limit()), "exit timeout");
}

void op_task_yield(const arguments* arguments, text* result)
{
    const work work = work_of(arguments);
    if (auto task = begin(work, result)) {
        add_end(result, task->try_yield(work.limit()), "nil");
        (void)task->release(); // one that hangs stays the caller's, as in the scenario
    }
}

void op_task_shutdown(const arguments* arguments, text* result)
{
    const work work = work_of(arguments, regrow::self());
    if (auto task = begin(work, result)) {
        wait_until_it_rests(*task);
        add_end(result, task->try_shutdown(work.limit()), "nil");
    }
}

void op_task_kill(const arguments* arguments, text* result)
{
    const work work = work_of(arguments, regrow::self());
    if (auto task = begin(work, result)) {
        wait_until_it_rests(*task);
        add_end(result, task->try_kill(), "nil");
    }
}

// A task supervisor of its own, killed when it has served.
void op_task_nolink(const arguments* arguments, text* result)
{
    const work work = work_of(arguments);
    const regrow::task_supervisor above(regrow::start(regrow::pid(arguments->runtime), regrow::tree::task_supervisor("tasks")));
    auto task = above.try_async_nolink(work);
    if (task) {
        mark_set(mark, task->raw().monitor);
        add_end(result, task->try_yield(work.limit()), "nil");
        (void)task->release();
    } else {
        add_failure(result, task.code());
    }
    regrow::exit(above.pid(), regrow::atom("kill"));
}
