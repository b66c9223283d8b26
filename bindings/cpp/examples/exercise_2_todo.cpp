// Exercise 2: a to-do list for each name, kept by a server that is started when it is first asked for.
//
//     TodoSystem           supervisor, one_for_one
//     |- Registry          which server has which list
//     `- TodoCache         dynamic supervisor
//        |- "Bob's list"   server, temporary
//        `- ...
#include "drill.hpp"
#include <atomic>

using regrow::atom;

namespace {

std::atomic<int> starts{0};

using entry = std::pair<std::string, std::string>; // date, title

class todo_server {
public:
    explicit todo_server(const std::string& name)
    {
        std::printf("   starting a server for %s\n", name.c_str());
        starts++;
    }

    void handle_cast(entry more) { entries_.push_back(std::move(more)); }

    // The titles of a day, the first added first.
    std::vector<std::string> handle_call(const std::string& date)
    {
        std::vector<std::string> titles;
        for (const auto& [day, title] : entries_)
            if (day == date)
                titles.push_back(title);
        return titles;
    }

private:
    std::vector<entry> entries_;
};

regrow::address list(const std::string& name)
{
    return regrow::via("Registry", regrow::tuple(atom("todo_server"), name));
}

regrow::supervisor cache()
{
    return regrow::whereis(regrow::at("TodoCache"));
}

// The server of that list. Of many who ask at once one starts it; the others are told who that is.
regrow::pid server_process(const std::string& name)
{
    const auto started =
        cache().try_start_child(regrow::tree::server<todo_server>(name, name).registered(list(name)).temporary());
    if (!started && started.code() == REGROW_ERR_EXISTS)
        return started.error().reason()[1].as_pid().value(); // {already_started, Pid}
    return started.value();
}

// To a server that is there for certain: a cast to whoever may have the name would be lost when nobody has.
void add_entry(const char* name, const char* date, const char* title)
{
    regrow::cast(server_process(name), entry(date, title));
}

void print_entries(const char* name, const char* date)
{
    const auto titles = regrow::call<std::vector<std::string>>(server_process(name), date);
    std::printf("   %s on %s:", name, date);
    for (const std::string& title : titles)
        std::printf(" %s;", title.c_str());
    std::printf("%s\n", titles.empty() ? " nothing" : "");
}

} // namespace

int main()
{
    using namespace regrow::tree;
    const drill::program here;
    here.runtime.start_child(supervisor("TodoSystem", regrow::one_for_one, registry("Registry").named("Registry"),
                                        dynamic_supervisor("TodoCache").named("TodoCache")));

    std::printf("1. Bob and Alice have lists of their own.\n");
    const regrow::pid bob = server_process("Bob's list");
    add_entry("Bob's list", "2026-01-22", "Dentist");
    const regrow::pid alice = server_process("Alice's list");
    add_entry("Alice's list", "2026-01-22", "Meeting");
    add_entry("Alice's list", "2026-01-23", "Train");
    add_entry("Alice's list", "2026-01-22", "Dinner");
    std::printf("   different processes: %s\n", drill::yes_or_no(bob != alice));
    print_entries("Bob's list", "2026-01-22");
    print_entries("Alice's list", "2026-01-22");

    std::printf("2. Bob's server is killed. Nobody starts it again ...\n");
    drill::kill(bob);
    here.settle();
    const auto lost = regrow::try_cast(list("Bob's list"), entry("2026-01-22", "lost"));
    std::printf("   children: %d; a cast to his list's key: %s\n", static_cast<int>(cache().count_children().active),
                drill::code(lost.error()));
    std::printf("   Alice's is the same: %s\n", drill::yes_or_no(server_process("Alice's list") == alice));
    print_entries("Alice's list", "2026-01-22");

    std::printf("3. ... before it is asked for. His entries were in its memory.\n");
    std::printf("   a new process: %s\n", drill::yes_or_no(server_process("Bob's list") != bob));
    print_entries("Bob's list", "2026-01-22");
    add_entry("Bob's list", "2026-01-22", "Dentist, again");
    print_entries("Bob's list", "2026-01-22");

    std::printf("4. Many ask for a new list at once.\n");
    const int before = starts;
    std::vector<regrow::task<regrow::pid>> visits;
    for (int visitor = 0; visitor < 50; visitor++)
        visits.push_back(regrow::async([] { return server_process("x"); }));
    const auto pids = regrow::await_many(std::move(visits), regrow::infinity);
    int different = 0;
    for (regrow::pid pid : pids)
        different += pid != pids.front();
    std::printf("   50 asked, %d started, %d got another pid than the first\n", starts - before, different);
}
