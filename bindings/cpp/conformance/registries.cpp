// Operations on registries.
#include "executor.hpp"

#include <algorithm>
#include <map>
#include <vector>

extern "C" {
#include "clock.h"
}

using namespace executor;

namespace {

constexpr std::uint32_t call_ms = 1000;

std::map<std::string, regrow::pid> all; // written by main alone, while nothing runs

std::optional<regrow::registry> find_registry(const arguments* arguments, text* result)
{
    const auto found = all.find(argument(arguments, 0));
    if (found != all.end())
        return regrow::registry(found->second);
    add(result, "error noproc");
    return std::nullopt;
}

regrow::term key_of(const arguments* arguments)
{
    return word(argument(arguments, 1));
}

void add_sorted(text* result, const char* what, std::vector<std::string> items)
{
    std::sort(items.begin(), items.end());
    add(result, what);
    for (const std::string& item : items)
        add(result, " " + item);
}

} // namespace

void op_reg_start(const arguments* arguments, text* result)
{
    const char* name = argument(arguments, 0);
    const bool many = !std::strcmp(argument(arguments, 1), "duplicate");
    const auto kind = many ? regrow::keys::duplicate : regrow::keys::unique;
    const auto started = regrow::try_start(arguments->runtime, regrow::tree::registry(name, kind));
    if (!started)
        return add_start_failure(result, started.code());
    all[name] = *started;
    add(result, "ok");
}

void registries_free(void)
{
    all.clear();
}

void op_reg_register(const arguments* arguments, text* result)
{
    if (const auto registry = find_registry(arguments, result))
        add_ok(result, registry->try_register_process(key_of(arguments), regrow::self(), word(argument(arguments, 2))).code());
}

void op_reg_unregister(const arguments* arguments, text* result)
{
    if (const auto registry = find_registry(arguments, result))
        add_ok(result, registry->try_unregister_process(key_of(arguments), regrow::self()).code());
}

void op_reg_unregister_match(const arguments* arguments, text* result)
{
    if (const auto registry = find_registry(arguments, result))
        add_ok(result, registry->try_unregister_match(key_of(arguments), regrow::self(), word(argument(arguments, 2))).code());
}

void op_reg_update(const arguments* arguments, text* result)
{
    const auto registry = find_registry(arguments, result);
    if (!registry)
        return;
    const auto replace = [&](const regrow::term&) { return word(argument(arguments, 2)); };
    const auto old_value = registry->try_update_value(key_of(arguments), replace);
    add(result, old_value ? "ok " + print(*old_value) : "error");
}

void op_reg_lookup(const arguments* arguments, text* result)
{
    const auto registry = find_registry(arguments, result);
    if (!registry)
        return;
    const auto entries = registry->try_lookup(key_of(arguments));
    if (!entries)
        return add_failure(result, entries.code());
    std::vector<std::string> lines;
    for (const auto& [process, value] : *entries)
        lines.push_back(std::string(label_of(process)) + "/" + print(value));
    add_sorted(result, "entries", lines);
}

void op_reg_keys(const arguments* arguments, text* result)
{
    const auto registry = find_registry(arguments, result);
    target target;
    if (!registry || !find_target(arguments, 1, &target, result))
        return;
    const auto keys = registry->try_keys(target.pid);
    if (!keys)
        return add_failure(result, keys.code());
    std::vector<std::string> lines;
    for (const regrow::term& key : *keys)
        lines.push_back(print(key));
    add_sorted(result, "keys", lines);
}

void op_reg_whereis(const arguments* arguments, text* result)
{
    const auto registry = find_registry(arguments, result);
    if (!registry)
        return;
    const auto process = registry->try_whereis(key_of(arguments));
    add(result, process ? label_of(*process) : "undefined");
}

void op_reg_count(const arguments* arguments, text* result)
{
    const auto registry = find_registry(arguments, result);
    if (!registry)
        return;
    const auto count = registry->try_count();
    if (count)
        add(result, std::to_string(*count));
    else
        add_failure(result, count.code());
}

void op_reg_dispatch(const arguments* arguments, text* result)
{
    const auto send = [&](regrow::pid process, regrow::term_view) {
        (void)regrow::try_send(process, word(argument(arguments, 2)));
    };
    if (const auto registry = find_registry(arguments, result))
        add_ok(result, registry->try_dispatch(key_of(arguments), send).code());
}

void op_reg_call(const arguments* arguments, text* result)
{
    const auto registry = find_registry(arguments, result);
    if (!registry)
        return;
    // The clock of the scenario has a say in how long a call waits; it is C's.
    const regrow::address address = regrow::via(registry->pid(), key_of(arguments)).in(arguments->runtime);
    const regrow_address raw = address.raw();
    regrow_term reply;
    const regrow_error error = clock_call(regrow_pid{0}, &raw, regrow_text(argument(arguments, 2)), call_ms, &reply);
    add_reply(result, error == REGROW_ERR_NOT_FOUND ? REGROW_ERR_NO_PROCESS : error, &reply);
}
