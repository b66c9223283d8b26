// Drill 6: who is started again after which end.
#include "drill.hpp"

using namespace std::chrono_literals;
using regrow::atom;

namespace {

// It ends as it is told.
struct worker {
    regrow::next handle_cast(regrow::context& context, regrow::term_view reason)
    {
        return context.stop(reason.clone());
    }
};

auto child()
{
    return regrow::tree::server<worker>("worker");
}

// What becomes of such a child that ends with that reason.
const char* outcome(const drill::program& here, const regrow::supervisor& demo, const regrow::child& child,
                    const regrow::term& reason)
{
    const regrow::pid before = demo.start_child(child);
    if (reason.is_atom("killed"))
        regrow::exit(before, atom("kill")); // that comes from outside
    else
        regrow::cast(before, reason.clone());
    here.settle();
    const auto after = demo.try_lookup("worker"); // not found: it is forgotten
    if (after) {
        demo.terminate_child("worker");
        (void)demo.try_delete_child("worker");
    }
    here.advance(10s); // so that restarts are not counted together
    return after && *after && *after != before ? "restarted" : after ? "not restarted, kept" : "not restarted";
}

} // namespace

int main()
{
    const drill::program here;
    const regrow::supervisor demo =
        here.runtime.start_child(regrow::tree::supervisor("RestartTypeDemo", regrow::one_for_one));
    std::printf("%-16s %-12s %-21s %s\n", "ends with", "permanent", "transient", "temporary");

    std::vector<regrow::term> reasons;
    for (atom reason : {atom("normal"), atom("shutdown")})
        reasons.emplace_back(reason);
    reasons.push_back(regrow::tuple(atom("shutdown"), atom("done")));
    for (atom reason : {atom("error"), atom("killed")})
        reasons.emplace_back(reason);
    for (const regrow::term& reason : reasons) {
        const char* permanent = outcome(here, demo, child().permanent(), reason);
        const char* transient = outcome(here, demo, child().transient(), reason);
        const char* temporary = outcome(here, demo, child().temporary(), reason);
        std::printf("%-16s %-12s %-21s %s\n", reason.print().c_str(), permanent, transient, temporary);
    }
}
