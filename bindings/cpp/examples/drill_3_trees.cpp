// Drill 3: how far an error goes is decided by the tree. Each answer below is read off the pids.
//
//     System               supervisor, one_for_one
//     |- Registry          where the database's workers are
//     |- Database          supervisor, one_for_one
//     |  |- 1, 2, 3        servers, registered as {db_worker, N}
//     |- Cache             server
//     `- API               server
#include "drill.hpp"

using namespace std::chrono_literals;
using regrow::atom;

namespace {

constexpr const char* names[] = {"System", "Registry", "Database", "Worker1", "Worker2", "Worker3", "Cache", "API"};

// A component that only is there.
struct component {};

// Ids and names are the same everywhere here; the id is an atom, which reads well in reasons.
auto server(const char* name)
{
    return regrow::tree::server<component>(atom::named(name)).named(name);
}

// The database's workers register as {db_worker, N}, so there must be a registry when they start.
auto worker(int number)
{
    return server(names[2 + number]).registered(regrow::via("Registry", drill::numbered("db_worker", number)));
}

auto find()
{
    return regrow::tree::registry(atom("Registry")).named("Registry");
}

auto database()
{
    return regrow::tree::supervisor(atom("Database"), regrow::one_for_one, worker(1), worker(2), worker(3))
        .named("Database");
}

template <class... Children> auto system_of(Children... children)
{
    return regrow::tree::supervisor(atom("System"), regrow::one_for_one, std::move(children)...)
        .named("System")
        .temporary();
}

// Children are told the last started first; drawn they are in the order of their start.
void draw(const regrow::supervisor& supervisor, int depth)
{
    const auto children = supervisor.which_children();
    for (auto child = children.rbegin(); child != children.rend(); ++child) {
        std::printf("%*s%s, %s\n", 3 * depth, "", child->id.print().c_str(), child->kind.c_str());
        if (child->kind == "supervisor")
            draw(child->process, depth + 1);
    }
}

// Kills who has that name, so many times, and tells who has another pid than before, and who has none.
void crash(const drill::program& here, const char* name, int times)
{
    here.advance(10s); // earlier restarts do not count any more
    std::vector<regrow::pid> before;
    for (const char* one : names)
        before.push_back(here.whereis(one));
    for (int time = 0; time < times; time++) {
        drill::kill(here.whereis(name));
        here.settle();
    }
    std::printf("   %s is killed %s:", name, times == 1 ? "once" : "four times");
    for (std::size_t at = 0; at < before.size(); at++)
        if (const regrow::pid now = here.whereis(names[at]); now != before[at])
            std::printf(" %s %s,", now ? "new" : "no", names[at]);
    std::printf(" all else as before\n");
}

} // namespace

int main()
{
    const drill::program here;

    std::printf("1. The tree:\n");
    const regrow::supervisor system =
        here.runtime.start_child(system_of(find(), database(), server("Cache"), server("API")));
    std::printf("   System\n");
    draw(system, 2);

    std::printf("2. A database worker crashes:\n");
    crash(here, "Worker2", 1);
    std::printf("3. The database crashes:\n");
    crash(here, "Database", 1);
    std::printf("4. The cache crashes:\n");
    crash(here, "Cache", 1);
    here.runtime.terminate_child(atom("System"));

    std::printf("5. The registry before the database, because the other way round the workers find none:\n");
    try {
        here.runtime.start_child(system_of(database(), find(), server("Cache"), server("API")));
    } catch (const regrow::error& why) {
        std::printf("   %s\n   %s\n", drill::code(why), why.reason().print().c_str());
    }

    std::printf("6. A supervisor of its own for the database: "
                "what is too much for it is one restart for the system.\n");
    here.runtime.start_child(system_of(find(), database(), server("Cache"), server("API")));
    crash(here, "Worker1", 4);
    here.runtime.terminate_child(atom("System"));
    std::printf("   With the workers directly under the system it is the system's end:\n");
    here.runtime.start_child(system_of(find(), worker(1), worker(2), worker(3), server("Cache"), server("API")));
    crash(here, "Worker1", 4);
}
