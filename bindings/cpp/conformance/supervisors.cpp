// Operations on supervisors.
#include "executor.hpp"

#include <algorithm>
#include <vector>

using namespace executor;

namespace {

void add_started(text* result, const regrow::result<regrow::pid>& started)
{
    if (!started)
        add_start_failure(result, started.code());
    else
        add(result, std::string("ok ") + (*started ? label_of(*started) : "undefined"));
}

const line* find_declaration(const arguments* arguments, std::size_t index, text* result)
{
    const line* declaration = places_declaration(argument(arguments, index));
    if (!declaration)
        add(result, "error unknown_id");
    return declaration;
}

const place* supervisor_place(const arguments* arguments)
{
    const attempt* attempt = attempt_named(argument(arguments, 0));
    return attempt ? attempt->place : nullptr;
}

bool is_simple(const arguments* arguments)
{
    if (const place* place = supervisor_place(arguments))
        return place->is_simple;
    // One that was never started is what it was declared to be.
    const line* declaration = places_declaration(argument(arguments, 0));
    const char* strategy = declaration ? line_option(declaration, "strategy") : nullptr;
    return strategy && !std::strcmp(strategy, "simple_one_for_one");
}

// Whether its children go by pid.
bool is_dynamic(const arguments* arguments)
{
    const place* place = supervisor_place(arguments);
    return place && (place->is_dynamic || place->is_simple);
}

std::optional<regrow::supervisor> find_supervisor(const arguments* arguments, text* result)
{
    target target;
    if (!find_target(arguments, 0, &target, result))
        return std::nullopt;
    return regrow::supervisor(target.pid);
}

// The child of argument 1: an id, or, where children go by pid, a process; `id:ANY` is none.
std::optional<regrow::term> find_child(const arguments* arguments, text* result)
{
    const char* word = argument(arguments, 1);
    if (!is_dynamic(arguments) || !std::strncmp(word, "id:", 3))
        return id(word);
    target target;
    if (!find_target(arguments, 1, &target, result))
        return std::nullopt;
    return regrow::term(target.pid);
}

} // namespace

void op_start(const arguments* arguments, text* result)
{
    const line* declaration = find_declaration(arguments, 0, result);
    if (!declaration)
        return;
    const place* place = place_of_declaration(declaration, nullptr);
    if (place->is_refused)
        add(result, "error bad_spec");
    else
        add_started(result, regrow::try_start_link(child_of(place)));
}

void op_start_child(const arguments* arguments, text* result)
{
    if (is_simple(arguments)) {
        if (const auto above = find_supervisor(arguments, result))
            add_started(result, above->try_start_instance(id(argument(arguments, 1))));
        return;
    }
    const line* declaration = find_declaration(arguments, 1, result);
    target target;
    if (!declaration || !find_target(arguments, 0, &target, result))
        return;
    const place* place = place_of_declaration(declaration, target.attempt ? target.attempt->place : nullptr);
    const auto started = place->is_refused
                             ? regrow::error(REGROW_ERR_ARGUMENT, regrow::atom("badarg"), "no such option")
                             : regrow::supervisor(target.pid).try_start_child(child_of(place));
    // OTP's supervisor looks at the spec itself, when there is one.
    if (started.code() == REGROW_ERR_ARGUMENT)
        add(result, regrow::pid(target.pid).is_alive() ? "error bad_spec" : "error noproc");
    else
        add_started(result, started);
}

void op_terminate_child(const arguments* arguments, text* result)
{
    const auto above = find_supervisor(arguments, result);
    if (!above)
        return;
    if (const auto child = find_child(arguments, result))
        add_ok(result, above->try_terminate_child(*child).code());
}

void op_restart_child(const arguments* arguments, text* result)
{
    if (const auto above = find_supervisor(arguments, result))
        add_started(result, above->try_restart_child(id(argument(arguments, 1))));
}

void op_delete_child(const arguments* arguments, text* result)
{
    if (const auto above = find_supervisor(arguments, result))
        add_ok(result, above->try_delete_child(id(argument(arguments, 1))).code());
}

void op_get_childspec(const arguments* arguments, text* result)
{
    const auto above = find_supervisor(arguments, result);
    if (!above)
        return;
    const auto spec = above->try_childspec(id(argument(arguments, 1)));
    if (!spec) {
        add_failure(result, spec.code());
        return;
    }
    add(result, "spec");
    for (const char* key : {"id", "restart", "shutdown", "type", "significant"})
        add(result, std::string(" ") + key + "=" + print(spec->get(id(key))));
}

void op_which_children(const arguments* arguments, text* result)
{
    const auto above = find_supervisor(arguments, result);
    if (!above)
        return;
    const auto children = above->try_which_children();
    if (!children) {
        add_failure(result, children.code());
        return;
    }
    const bool by_pid = is_dynamic(arguments);
    std::vector<std::string> lines;
    for (const regrow::child_info& one : *children)
        lines.push_back(" " + (by_pid ? "undefined" : print(one.id)) + "/" +
                        (one.process ? print(regrow::term(one.process)) : one.state) + "/" +
                        (one.is_supervisor ? "supervisor" : "worker"));
    if (by_pid)
        std::sort(lines.begin(), lines.end());
    add(result, "children");
    for (const std::string& line : lines)
        add(result, line);
}

void op_count_children(const arguments* arguments, text* result)
{
    const auto above = find_supervisor(arguments, result);
    if (!above)
        return;
    const auto count = above->try_count_children();
    if (!count)
        add_failure(result, count.code());
    else
        add(result, "count specs=" + std::to_string(count->specs) + " active=" + std::to_string(count->active) +
                        " supervisors=" + std::to_string(count->supervisors) + " workers=" + std::to_string(count->workers));
}
