#include "worker.hpp"

#include <optional>

extern "C" {
#include "do.h"
#include "worker.h"
}

namespace executor {
namespace {

constexpr std::chrono::milliseconds slow_terminate{300};

// What follows `name:` in a request.
std::optional<std::string> after(const std::string& request, const std::string& name)
{
    if (request.compare(0, name.size() + 1, name + ":") != 0)
        return std::nullopt;
    return request.substr(name.size() + 1);
}

void kill_and_wait(const char* id)
{
    const attempt* victim = attempt_named(id);
    if (!victim)
        return;
    const regrow::ref monitor = regrow::monitor(regrow::pid(victim->pid));
    regrow::exit(victim->pid, regrow::atom("kill"));
    while (regrow::receive<regrow::down>().monitor != monitor) {
    }
}

// `stop:R`, `exit:R`, `bad`: the requests that end the server without a reply.
std::optional<regrow::next> ends_server(regrow::context& at_hand, const std::string& request)
{
    if (const auto why = after(request, "stop"))
        return at_hand.stop(reason(why->c_str()));
    if (const auto why = after(request, "exit"))
        throw regrow::exit_with(reason(why->c_str()));
    if (request == "bad")
        return regrow::next(0); // no callback code
    return std::nullopt;
}

} // namespace

regrow::next worker::init(regrow::context& at_hand, regrow::term_view argument)
{
    const regrow::term_view instance = argument.head(); // what a template's child was started with
    attempt_ = place_begin(place_, instance.is_valid() ? print(instance).c_str() : place_->id);
    const std::string behaviour = attempt_->behaviour;
    if (place_->traps_exits)
        regrow::trap_exit(true);
    if (behaviour == "ignore")
        return regrow::ignore;
    if (const auto why = after(behaviour, "fail"))
        return at_hand.stop(reason(why->c_str()));
    if (const auto victim = after(behaviour, "kill"))
        kill_and_wait(victim->c_str());
    attempt_came_up(attempt_);
    return behaviour == "cont" ? at_hand.continue_with(regrow::ready, regrow::atom("continue")) : regrow::ready;
}

void worker::add(const char* amount)
{
    const regrow::term more = word(amount);
    const auto number = [](const regrow::term& term) -> std::optional<double> {
        if (const auto whole = term.as_int())
            return static_cast<double>(*whole);
        return term.as_float();
    };
    if (!number(state_) || !number(more))
        throw regrow::exit_with(regrow::atom("badarith"));
    if (state_.is_int() && more.is_int())
        state_ = *state_.as_int() + *more.as_int();
    else
        state_ = *number(state_) + *number(more);
}

regrow::next worker::handle_request(regrow::context& at_hand, const std::string& request)
{
    if (const auto end = ends_server(at_hand, request))
        return *end;
    if (request == "ping")
        return at_hand.reply(regrow::atom("pong"));
    if (request == "get")
        return at_hand.reply(state_.clone());
    if (const auto value = after(request, "set"))
        return at_hand.reply(std::exchange(state_, word(value->c_str())));
    if (const auto amount = after(request, "add"))
        return add(amount->c_str()), at_hand.reply(state_.clone());
    if (const auto why = after(request, "stopr"))
        return at_hand.reply_stop(regrow::atom("bye"), reason(why->c_str()));
    // Answered once the callback has returned, or never.
    const regrow_caller caller = at_hand.defer().raw();
    if (request == "late")
        regrow::send(regrow::self(), regrow::tuple(regrow::atom(TAG_LATE), static_cast<std::int64_t>(caller.server),
                                                   static_cast<std::int64_t>(caller.call)));
    return regrow::noreply;
}

regrow::next worker::handle_call(regrow::context& at_hand, regrow::term_view message)
{
    if (!message.is_atom(TAG_DO))
        return handle_request(at_hand, message.as<std::string>().value_or(""));
    text result{};
    do_carry_out(&result);
    const regrow::next then = at_hand.reply(text_get(&result));
    text_free(&result);
    return then;
}

regrow::next worker::handle_cast(regrow::context& at_hand, regrow::term_view message)
{
    const std::string request = message.as<std::string>().value_or("");
    if (const auto end = ends_server(at_hand, request))
        return *end;
    if (const auto value = after(request, "set"))
        state_ = word(value->c_str());
    else if (const auto amount = after(request, "add"))
        add(amount->c_str());
    return regrow::noreply;
}

void worker::handle_info(regrow::term_view message)
{
    if (message[0].is_atom(TAG_LATE)) {
        const regrow_caller raw{static_cast<std::uint64_t>(*message[1].as_int()),
                                static_cast<std::uint64_t>(*message[2].as_int())};
        (void)regrow::caller<regrow::atom>(raw).try_answer(regrow::atom("late"));
        return;
    }
    std::string seen = "got " + print(message);
    if (const auto end = message.as<regrow::exited>()) {
        seen = "EXIT " + print(regrow::term(end->process)) + " " + print(end->reason);
    } else if (const auto end = message.as<regrow::down>()) {
        const std::string who = end->process() ? print(end->who) : "@" + print(end->who.is_tuple() ? end->who[0] : regrow::term_view(end->who));
        seen = std::string("DOWN ") + mark_of_ref(end->monitor) + " " + who + " " + print(end->reason);
    } else if (message[0].is_atom("ETS-TRANSFER")) {
        text table{};
        add_table(&table, message[1].raw());
        seen = std::string("TRANSFER ") + text_get(&table) + " " + print(message[2]) + " " + print(message[3]);
        text_free(&table);
    } else if (message[0].is_atom(TAG_TIMER)) {
        seen = "timer " + print(message[1]);
    }
    trace_message(attempt_, seen.c_str());
}

void worker::handle_continue()
{
    trace_message(attempt_, "continue");
}

void worker::terminate(regrow::term_view reason)
{
    trace_term(attempt_, print(reason).c_str());
    const line* declaration = attempt_->place->declaration;
    const char* term = declaration ? line_option(declaration, "term") : nullptr;
    if (term && !std::strcmp(term, "slow"))
        (void)regrow::try_sleep(slow_terminate);
}

} // namespace executor
