// Operations on agents, whose native state is a number.
#include "executor.hpp"

#include <cstdlib>

using namespace executor;

namespace {

using agent = regrow::agent<std::int64_t>;

std::int64_t number(const arguments* arguments)
{
    return std::strtoll(argument(arguments, 1), nullptr, 10);
}

std::optional<agent> find_agent(const arguments* arguments, text* result)
{
    target target;
    if (!find_target(arguments, 0, &target, result))
        return std::nullopt;
    return agent(target.pid);
}

void add_value(text* result, const regrow::result<std::int64_t>& value)
{
    if (value)
        add(result, std::to_string(*value));
    else
        add_failure(result, value.code());
}

} // namespace

void op_agent_start(const arguments* arguments, text* result)
{
    const char* name = argument(arguments, 0);
    const auto started = regrow::try_start(arguments->runtime, regrow::tree::agent<std::int64_t>(name, number(arguments)));
    if (!started) {
        add_start_failure(result, started.code());
        return;
    }
    attempt* attempt = attempt_begin(name, nullptr, nullptr, *started);
    recorder_watch(*started);
    attempt_came_up(attempt);
    add(result, std::string("ok ") + attempt->label);
}

void op_agent_get(const arguments* arguments, text* result)
{
    if (const auto agent = find_agent(arguments, result))
        add_value(result, agent->try_get([](std::int64_t state) { return state; }));
}

void op_agent_add(const arguments* arguments, text* result)
{
    if (const auto agent = find_agent(arguments, result))
        add_ok(result, agent->try_update([by = number(arguments)](std::int64_t& state) { state += by; }).code());
}

void op_agent_cast_add(const arguments* arguments, text* result)
{
    const auto agent = find_agent(arguments, result);
    if (!agent)
        return;
    (void)agent->try_cast([by = number(arguments)](std::int64_t& state) { state += by; });
    add(result, "ok"); // also to the dead
}

void op_agent_fetch_add(const arguments* arguments, text* result)
{
    if (const auto agent = find_agent(arguments, result))
        add_value(result, agent->try_get_and_update([by = number(arguments)](std::int64_t& state) {
            return std::exchange(state, state + by);
        }));
}

void op_agent_crash(const arguments* arguments, text* result)
{
    if (const auto agent = find_agent(arguments, result))
        add_ok(result, agent->try_update([&](std::int64_t&) {
            throw regrow::exit_with(reason(argument(arguments, 1)));
        }).code());
}

void op_agent_stop(const arguments* arguments, text* result)
{
    if (const auto agent = find_agent(arguments, result))
        add_ok(result, regrow::try_stop(agent->pid(), reason(argument(arguments, 1))).code());
}
