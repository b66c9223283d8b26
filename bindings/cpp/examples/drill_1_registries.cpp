// Drill 1: registries find processes by keys of any shape, and forget them before anyone can know of their end.
#include "drill.hpp"

namespace {

// Registers itself under {task, Number}, and does what it is sent.
void work(regrow::registry registry, int number)
{
    const regrow::pid self = regrow::self();
    registry.register_process(drill::numbered("task", number), self, drill::numbered("priority", 10 - number));
    for (;;) {
        const regrow::term message = regrow::receive();
        if (message.is_atom("stop"))
            return;
        std::printf("   task %d works at: %s\n", number, message[1].as<std::string>()->c_str());
    }
}

regrow::pid look_up(regrow::registry registry, int number)
{
    const auto entries = registry.lookup(drill::numbered("task", number));
    std::printf("   {task,%d}: %zu found", number, entries.size());
    if (!entries.empty())
        std::printf(", beside it %s", entries[0].second.print().c_str());
    std::printf("\n");
    return entries.empty() ? regrow::pid() : entries[0].first;
}

} // namespace

int main()
{
    const drill::program here;
    const regrow::registry my_registry = here.runtime.start_child(regrow::tree::registry("my_registry"));

    std::printf("1. Five processes register as {task, Number}.\n");
    std::vector<regrow::pid> pids;
    for (int number = 1; number <= 5; number++)
        pids.push_back(regrow::spawn(here.runtime, [=] { work(my_registry, number); }));
    here.settle(); // a spawn does not wait for what the process does first
    std::printf("   my_registry: %zu entries\n", my_registry.count());

    std::printf("2. One is found by its key, and gets a message.\n");
    regrow::send(look_up(my_registry, 2), regrow::tuple(regrow::atom("work"), "important task"));
    here.settle();

    std::printf("3. A second process for the same key is refused.\n");
    try {
        my_registry.register_process(drill::numbered("task", 2), pids[0]);
    } catch (const regrow::error& why) {
        std::printf("   %s, {already_registered, Pid}: %s; Pid is who has it: %s\n", drill::code(why),
                    drill::yes_or_no(why.reason()[0].is_atom("already_registered")),
                    drill::yes_or_no(why.reason()[1].as_pid() == pids[1]));
    }

    std::printf("4. Who ends is not found any more, neither killed nor by itself.\n");
    drill::kill(pids[2]);
    look_up(my_registry, 3);
    drill::end_by([](regrow::pid pid) { regrow::send(pid, regrow::atom("stop")); }, pids[3]);
    look_up(my_registry, 4);
    std::printf("   my_registry: %zu entries\n", my_registry.count());

    std::printf("5. In a duplicate registry many processes have one key, and one may have it twice.\n");
    const regrow::registry crowd =
        here.runtime.start_child(regrow::tree::registry("crowd", regrow::keys::duplicate));
    for (regrow::pid pid : {pids[0], pids[1], pids[4], pids[4]})
        crowd.register_process(regrow::atom("workers"), pid);
    std::printf("   crowd: %zu entries\n", crowd.count());
    drill::kill(pids[4]);
    int left = 0;
    crowd.dispatch(regrow::atom("workers"), [&](regrow::pid, regrow::term_view) { left++; });
    std::printf("   one of them ends, and %d entries are left to dispatch to\n", left);
}
