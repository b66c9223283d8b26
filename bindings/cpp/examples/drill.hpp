// What the drills share: a runtime whose clock stands still, and looking who is there.
//
// The main thread is a process too, so that it may monitor. Time moves only by advance(), so what takes seconds in the
// exercise takes none here, and each run prints the same.
#ifndef DRILL_HPP
#define DRILL_HPP

#include <cstdio>
#include <cstdlib>
#include <regrow.hpp>
#include <string>

namespace drill {

using namespace std::chrono_literals;

// REGROW_WORKERS says how many threads run the processes; the output is the same for any number. Crashes are what these
// programs are about: no reports of them.
inline regrow::options options()
{
    const char* workers = std::getenv("REGROW_WORKERS");
    regrow::options how;
    how.manual_clock = true;
    how.log_level = REGROW_LOG_SILENT;
    how.workers = workers ? static_cast<std::uint32_t>(std::strtoul(workers, nullptr, 10)) : 0;
    return how;
}

struct program {
    regrow::runtime runtime{options()};
    regrow::entered here{runtime};

    // Until nothing runs any more: what follows from what was done has happened.
    void settle() const { regrow::settle(runtime); }
    void advance(std::chrono::milliseconds by) const { regrow::advance(runtime, by); }
    std::chrono::milliseconds now() const { return regrow::now(runtime); }
    // None, if nobody has the name.
    regrow::pid whereis(const char* name) const
    {
        return regrow::try_whereis(runtime, regrow::term(name)).value_or(regrow::pid());
    }
};

// Ends a process in a way, and returns when it is dead, and not yet when what follows from that has happened.
template <class Tell> void end_by(Tell&& tell, regrow::pid pid)
{
    const regrow::ref monitor = regrow::monitor(pid);
    tell(pid);
    regrow::receive_if([&](regrow::term_view message) {
        const auto down = message.as<regrow::down>();
        return down && down->monitor == monitor;
    });
}

inline void kill(regrow::pid pid)
{
    end_by([](regrow::pid victim) { regrow::exit(victim, regrow::atom("kill")); }, pid);
}

inline const char* yes_or_no(bool yes)
{
    return yes ? "yes" : "no";
}

inline const char* code(const regrow::error& why)
{
    return regrow_error_name(why.code());
}

// {Tag, Number}
inline regrow::term numbered(regrow::atom tag, std::int64_t number)
{
    return regrow::tuple(tag, number);
}

} // namespace drill

#endif
