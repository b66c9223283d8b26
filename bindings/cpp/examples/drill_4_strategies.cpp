// Drill 4: which siblings are stopped (T) and started (S) again, and in which order, when a worker crashes.
#include "drill.hpp"
#include <mutex>

using regrow::atom;

namespace {

constexpr const char* names[] = {nullptr, "worker_1", "worker_2", "worker_3"};

// ---- the log ----

std::mutex lock;
std::string log_text;

void note(char what, int number)
{
    const std::lock_guard<std::mutex> held(lock);
    log_text += std::string(" ") + what + std::to_string(number);
}

// What was noted is forgotten.
std::string take()
{
    const std::lock_guard<std::mutex> held(lock);
    return std::exchange(log_text, {});
}

void print_log(const drill::program& here, const std::string& what)
{
    here.settle();
    std::printf("%-52s%s\n", what.c_str(), take().c_str());
}

// ---- the worker ----

class demo_worker {
public:
    explicit demo_worker(int number) : number_(number)
    {
        regrow::trap_exit(true); // so that it is heard of when it is stopped too
        note('S', number_);
    }

    // The request is the reason: crash, or normal.
    regrow::next handle_call(regrow::context& context, atom reason) { return context.stop(reason); }
    void terminate(regrow::term_view) { note('T', number_); }

private:
    int number_;
};

// ---- the demo ----

enum class restart { permanent, temporary, transient };

// Forgets what was noted of the start.
regrow::supervisor start(const drill::program& here, regrow::strategy strategy, std::array<restart, 3> restarts = {})
{
    auto demo = regrow::tree::supervisor("demo", strategy).named("demo").temporary();
    for (int number = 1; number <= 3; number++) {
        auto worker = regrow::tree::server<demo_worker>(number, number).named(names[number]);
        switch (restarts[static_cast<std::size_t>(number - 1)]) {
        case restart::permanent: demo.add(worker.permanent()); break;
        case restart::temporary: demo.add(worker.temporary()); break;
        case restart::transient: demo.add(worker.transient()); break;
        }
    }
    const regrow::pid pid = here.runtime.start_child(demo);
    take();
    return pid;
}

void stop(const drill::program& here)
{
    regrow::stop(here.whereis("demo"), atom("shutdown"));
}

// The caller is told that its call has ended that way, and goes on.
regrow::error end_worker(const drill::program& here, int number, atom reason)
{
    return regrow::try_call(here.whereis(names[number]), reason).error();
}

// A new tree for each crash: the log of one.
void crash(const drill::program& here, const char* what, regrow::strategy strategy, int number)
{
    start(here, strategy);
    end_worker(here, number, "crash");
    print_log(here, what + (", " + std::to_string(number)) + " crashes");
    stop(here);
}

} // namespace

int main()
{
    const drill::program here;
    crash(here, "one_for_one", regrow::one_for_one, 2);
    crash(here, "one_for_all", regrow::one_for_all, 1);
    crash(here, "one_for_all", regrow::one_for_all, 2);
    crash(here, "one_for_all", regrow::one_for_all, 3);
    crash(here, "rest_for_one", regrow::rest_for_one, 1);
    crash(here, "rest_for_one", regrow::rest_for_one, 2);
    crash(here, "rest_for_one", regrow::rest_for_one, 3);

    const regrow::supervisor demo = start(here, regrow::one_for_all);
    end_worker(here, 2, "crash");
    here.settle();
    std::string ids;
    for (const regrow::child_info& child : demo.which_children())
        ids += " " + child.id.print();
    std::printf("%-52s%s\n", "which_children, after any of these", ids.c_str());
    take();
    stop(here);
    print_log(here, "the supervisor stops");

    start(here, regrow::one_for_all, {restart::permanent, restart::temporary, restart::transient});
    end_worker(here, 1, "crash");
    print_log(here, "one_for_all, 2 temporary, 3 transient, 1 crashes");
    end_worker(here, 3, "normal");
    print_log(here, "one_for_all, 3 transient, 3 ends as it should");
    stop(here);

    start(here, regrow::one_for_one);
    const regrow::error why = end_worker(here, 2, "crash");
    std::printf("the caller of the crash: %s, %s\n", drill::code(why), why.reason().print().c_str());
}
