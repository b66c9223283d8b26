// Drill 2: workers are reached by a registry and a key, whichever process that is at the moment.
#include "drill.hpp"

using namespace std::chrono_literals;

namespace {

using status = std::tuple<int, int, std::string>; // id, tasks completed, current task

class task_worker {
public:
    explicit task_worker(int id) : status_(id, 0, "") {}

    status handle_call(regrow::atom) { return status_; }
    void handle_cast(const std::string& task)
    {
        auto& [id, completed, current] = status_;
        completed++;
        current = task;
        std::printf("   worker %d is processing: %s\n", id, task.c_str());
    }

private:
    status status_;
};

// ---- its functions, which take an id ----

// Whoever is worker N; waits while it is started again.
regrow::address worker(int id)
{
    return regrow::via("WorkerRegistry", drill::numbered("task_worker", id)).wait(1s);
}

void process_task(const drill::program& here, int id, const char* task)
{
    regrow::cast(worker(id), task);
    here.settle(); // so that the lines of several workers come in order
}

void print_status(int id)
{
    const auto [number, completed, current] = regrow::call<status>(worker(id), regrow::atom("status"));
    std::printf("   worker %d: %d tasks completed, at \"%s\"\n", number, completed, current.c_str());
}

auto child(const char* name, int id)
{
    return regrow::tree::server<task_worker>(name, id).registered(worker(id));
}

} // namespace

int main()
{
    using namespace regrow::tree;
    const drill::program here;

    std::printf("1. The registry, and three workers.\n");
    const regrow::supervisor system = here.runtime.start_child(
        supervisor("system", regrow::one_for_one, registry("WorkerRegistry").named("WorkerRegistry"),
                   child("worker 1", 1), child("worker 2", 2), child("worker 3", 3)));

    std::printf("2. Tasks go to ids.\n");
    process_task(here, 1, "read");
    process_task(here, 2, "write");
    process_task(here, 2, "sum up");
    process_task(here, 3, "tidy");

    std::printf("3. So do questions.\n");
    for (int id : {1, 2, 3})
        print_status(id);

    std::printf("4. Worker 2 is killed, and its supervisor starts another.\n");
    const regrow::pid before = regrow::whereis(worker(2));
    drill::kill(before);
    std::printf("   the same id, a new pid: %s\n", drill::yes_or_no(regrow::whereis(worker(2)) != before));
    print_status(2);
    process_task(here, 2, "write again");
    print_status(2);

    std::printf("5. A second worker 1.\n");
    try {
        system.start_child(child("another worker 1", 1));
    } catch (const regrow::error& why) {
        std::printf("   %s, {already_started, Pid}: %s; Pid is the first: %s\n", drill::code(why),
                    drill::yes_or_no(why.reason()[0].is_atom("already_started")),
                    drill::yes_or_no(why.reason()[1].as_pid() == regrow::whereis(worker(1))));
    }
    print_status(1);
}
