// Declarations made into trees of regrow.hpp.
#include "executor.hpp"
#include "worker.hpp"

#include <cstdlib>
#include <list>
#include <map>

namespace executor {
namespace {

const scenario* the_scenario;

struct kept_place {
    place shown{};
    std::optional<regrow::child> child;
    regrow::detail::arena specs;
};
std::list<kept_place> all;
std::map<const place*, kept_place*> by_place;

kept_place& new_place(const char* id)
{
    kept_place& made = all.emplace_back();
    made.shown.id = id;
    by_place[&made.shown] = &made;
    return made;
}

// ---- values ----

// Which of the words; what is none of them cannot be said in C++, and refuses the place.
template <class T> T choice(place& place, const char* word, T otherwise, std::initializer_list<std::pair<const char*, T>> words)
{
    if (!word)
        return otherwise;
    for (const auto& [name, value] : words) {
        if (!std::strcmp(word, name))
            return value;
    }
    place.is_refused = true;
    return otherwise;
}

std::uint32_t number(place& place, const char* word, std::uint32_t otherwise, long least)
{
    if (!word)
        return otherwise;
    char* end = nullptr;
    const long value = std::strtol(word, &end, 10);
    if (*end || end == word || value < least || value > INT32_MAX) {
        place.is_refused = true;
        return otherwise;
    }
    return static_cast<std::uint32_t>(value);
}

// What every child is told.
template <class Kind> Kind& describe(Kind& kind, place& place)
{
    kind.id(id(place.id));
    const line* line = place.declaration;
    if (!line)
        return kind;
    switch (choice(place, line_option(line, "restart"), REGROW_PERMANENT,
                   {{"permanent", REGROW_PERMANENT}, {"transient", REGROW_TRANSIENT}, {"temporary", REGROW_TEMPORARY}})) {
    case REGROW_TRANSIENT: kind.transient(); break;
    case REGROW_TEMPORARY: kind.temporary(); break;
    default: kind.permanent();
    }
    const char* shutdown = line_option(line, "shutdown");
    if (shutdown && !std::strcmp(shutdown, "infinity"))
        kind.shutdown(regrow::infinity);
    else if (shutdown && !std::strcmp(shutdown, "brutal_kill"))
        kind.brutal_kill();
    else if (shutdown)
        kind.shutdown(std::chrono::milliseconds(number(place, shutdown, 5000, 0)));
    // A DynamicSupervisor does not look at it.
    if (choice(place, line_option(line, "significant"), false, {{"false", false}, {"true", true}}) &&
        !(place.supervisor && place.supervisor->is_dynamic))
        kind.significant();
    return kind;
}

// ---- supervisors ----

auto first_thing(place& place)
{
    return [&place](regrow::context&, regrow::children&, regrow::term_view) {
        attempt* attempt = place_begin(&place, place.id);
        if (!std::strcmp(attempt->behaviour, "ignore"))
            return regrow::ignore;
        attempts_lock();
        place.latest = attempt;
        attempts_unlock();
        attempt_came_up(attempt);
        return regrow::ready;
    };
}

template <class Kind> void describe_limits(Kind& kind, place& place, std::uint32_t restarts)
{
    kind.max_restarts(number(place, line_option(place.declaration, "intensity"), restarts, 0));
    kind.within(std::chrono::seconds(number(place, line_option(place.declaration, "period"), 5, 1)));
    kind.on_init(first_thing(place));
}

regrow::child supervisor_of(place& place)
{
    using regrow::strategy;
    const line* line = place.declaration;
    const auto how = choice(place, line_option(line, "strategy"), strategy::one_for_one,
                            {{"one_for_one", strategy::one_for_one},
                             {"one_for_all", strategy::one_for_all},
                             {"rest_for_one", strategy::rest_for_one},
                             {"simple_one_for_one", strategy::simple_one_for_one}});
    place.is_simple = how == strategy::simple_one_for_one;
    auto made = regrow::tree::supervisor(id(place.id), how);
    made.auto_shutdown(choice(place, line_option(line, "auto"), regrow::auto_shutdown::never,
                              {{"never", regrow::auto_shutdown::never},
                               {"any_significant", regrow::auto_shutdown::any_significant},
                               {"all_significant", regrow::auto_shutdown::all_significant}}));
    describe_limits(made, place, 1);
    for (std::size_t at = 0; at < the_scenario->declaration_count; at++) {
        const char* in = line_option(&the_scenario->declarations[at], "in");
        if (!in || std::strcmp(in, place.id) != 0)
            continue;
        const struct place* below = place_of_declaration(&the_scenario->declarations[at], &place);
        place.is_refused = place.is_refused || below->is_refused;
        made.add(child_of(below));
    }
    return describe(made, place);
}

regrow::child dynamic_of(place& place)
{
    auto made = regrow::tree::dynamic_supervisor(id(place.id));
    if (const char* most = line_option(place.declaration, "max_children"))
        made.max_children(number(place, most, 0, 0));
    describe_limits(made, place, 3);
    return describe(made, place);
}

regrow::child worker_of(place& place)
{
    auto made = regrow::tree::server<worker>(id(place.id), &place);
    return describe(made, place);
}

attempt* starter_of(const place* place)
{
    if (!place->supervisor)
        return nullptr;
    attempts_lock();
    attempt* starter = place->supervisor->latest;
    attempts_unlock();
    return starter;
}

} // namespace

const regrow::child& child_of(const place* place)
{
    return *by_place.at(place)->child;
}

} // namespace executor

using namespace executor;

void places_use(const scenario* scenario)
{
    the_scenario = scenario;
}

const line* places_declaration(const char* id)
{
    return scenario_declaration(the_scenario, id);
}

place* place_of_declaration(const line* declaration, const place* supervisor)
{
    kept_place& made = new_place(line_word(declaration, 1));
    place& shown = made.shown;
    const char* trap = line_option(declaration, "trap");
    shown.declaration = declaration;
    shown.supervisor = supervisor;
    shown.is_dynamic = !std::strcmp(line_word(declaration, 0), "dsup");
    shown.is_supervisor = shown.is_dynamic || !std::strcmp(line_word(declaration, 0), "sup");
    shown.traps_exits = trap && !std::strcmp(trap, "true");
    made.child = shown.is_dynamic ? dynamic_of(shown) : shown.is_supervisor ? supervisor_of(shown) : worker_of(shown);
    return &shown;
}

place* place_of_spawned(const char* id, bool traps_exits)
{
    kept_place& made = new_place(id);
    made.shown.traps_exits = traps_exits;
    made.child = worker_of(made.shown);
    // op_spawn(), which is C's, starts it once.
    made.shown.child = made.child->raw(made.specs);
    made.specs.hand_over();
    return &made.shown;
}

void places_free(void)
{
    by_place.clear();
    all.clear();
}

attempt* place_begin(place* place, const char* id)
{
    const regrow::pid self = regrow::self();
    attempt* attempt = attempt_begin(id, place, starter_of(place), self);
    const char* behaviours = place->declaration ? line_option(place->declaration, "init") : nullptr;
    char* behaviour = list_item(behaviours ? behaviours : "ok", attempt->number);
    trace_init(attempt, behaviour);
    recorder_watch(self);
    std::free(behaviour);
    return attempt;
}
