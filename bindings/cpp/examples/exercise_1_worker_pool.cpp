// Exercise 1: a pool of workers, and three ways to choose one.
//
//     WorkerPool           supervisor, one_for_one
//     |- Registry          where worker N is: {worker, N}
//     `- PoolSupervisor    partition supervisor
//        `- 1, ... 5       servers
//
// The exercise chooses by phash2(Task, 5) and calls that round robin, which it is not. A partition supervisor leads from
// a key to a worker in just that way. The other two ways go by the registry.
#include "drill.hpp"
#include <map>

using namespace std::chrono_literals;
using regrow::atom;

namespace {

constexpr int workers = 5, tasks = 20;
constexpr auto step = 50ms;

class pool_worker {
public:
    // Its argument is a list of the partition's number, which begins at 0.
    regrow::next init(regrow::term_view argument)
    {
        id_ = static_cast<int>(argument.head().as_int().value()) + 1;
        const regrow::registry names = regrow::whereis(regrow::at("Registry"));
        names.register_process(drill::numbered("worker", id_), regrow::self());
        std::printf("   worker %d started\n", id_);
        return regrow::ready;
    }

    // Milliseconds to work for are answered with the worker's number, `count` with how many tasks it has processed.
    int handle_call(regrow::term_view request)
    {
        if (request.is_atom("count"))
            return tasks_processed_;
        regrow::sleep(std::chrono::milliseconds(request.as_int().value()));
        tasks_processed_++;
        return id_;
    }

private:
    int id_ = 0, tasks_processed_ = 0;
};

// Whoever is worker N; waits for one that is being started again.
regrow::address worker(int number)
{
    return regrow::via("Registry", drill::numbered("worker", number)).wait(1s);
}

// ---- choosing a worker ----

enum class way { hash, round_robin, least_loaded };

const char* name_of(way how)
{
    return how == way::hash ? "hash" : how == way::round_robin ? "round robin" : "least loaded";
}

// ---- a run: twenty tasks ----

class run {
public:
    run(const drill::program& here, way how) : here_(here), how_(how), began_(here.now()) {}

    void submit(int task)
    {
        if (how_ == way::hash)
            call(task, 0, regrow::via("PoolSupervisor", "task_" + std::to_string(task)).wait(1s), 100);
        else
            call(task, choose(task), 100);
    }
    void call(int task, int number, int milliseconds) { call(task, number, worker(number), milliseconds); }

    // Takes the outcomes that are there.
    void collect()
    {
        for (auto one = calls_.begin(); one != calls_.end();) {
            const auto outcome = one->second.request.try_wait(0ms);
            if (!outcome && outcome.code() == REGROW_ERR_TIMEOUT) {
                ++one;
                continue;
            }
            if (outcome)
                answered_[one->first] = *outcome;
            else
                std::printf("   task %d is lost: %s\n", one->first, outcome.error().reason().print().c_str());
            one = calls_.erase(one);
        }
    }

    // At `kill_at` worker 3 is killed; zero: nobody.
    void finish(std::chrono::milliseconds kill_at = 0ms)
    {
        for (; !calls_.empty(); collect()) {
            here_.advance(step);
            if (kill_at != 0ms && here_.now() - began_ == kill_at) {
                drill::kill(regrow::whereis(worker(3)));
                here_.settle();
            }
        }
        answered_.erase(0);
        std::printf("   %s: %d ms; tasks answered by worker:", name_of(how_),
                    static_cast<int>((here_.now() - began_).count()));
        for (int number = 1; number <= workers; number++) {
            int count = 0;
            for (const auto& [task, by] : answered_)
                count += by == number;
            std::printf(" %d", count);
        }
        std::printf("\n");
    }

    int answered_by(int task) const { return answered_.at(task); }

private:
    struct pending {
        int worker; // 0: wherever the hash led
        regrow::request<int> request;
    };

    int choose(int task) const
    {
        if (how_ == way::round_robin)
            return (task - 1) % workers + 1;
        int least = 1;
        for (int number = 2; number <= workers; number++)
            if (load(number) < load(least))
                least = number;
        return least;
    }
    int load(int number) const
    {
        int count = 0;
        for (const auto& [task, call] : calls_)
            count += call.worker == number;
        return count;
    }

    // It is in the worker's queue when this returns, so that tasks come in the order in which they are submitted.
    void call(int task, int number, const regrow::address& to, int milliseconds)
    {
        calls_.emplace(task, pending{number, regrow::send_request<int>(to, milliseconds, regrow::infinity)});
        here_.settle();
    }

    const drill::program& here_;
    way how_;
    std::chrono::milliseconds began_;
    std::map<int, pending> calls_; // those without an outcome
    std::map<int, int> answered_;  // who answered which task
};

// All tasks at once.
run run_at_once(const drill::program& here, way how, std::chrono::milliseconds kill_at = 0ms)
{
    run now(here, how);
    for (int task = 1; task <= tasks; task++)
        now.submit(task);
    now.finish(kill_at);
    return now;
}

// A task every 50 ms, while worker 1 is at one that takes a second.
void run_beside_a_long_one(const drill::program& here, way how)
{
    run now(here, how);
    now.call(0, 1, 1000);
    for (int task = 1; task <= tasks; task++) {
        now.submit(task);
        here.advance(step);
        now.collect();
    }
    now.finish();
}

void print_counters()
{
    std::printf("   tasks processed, as the workers count:");
    for (int number = 1; number <= workers; number++)
        std::printf(" %d", regrow::call<int>(worker(number), atom("count")));
    std::printf("\n");
}

} // namespace

int main()
{
    using namespace regrow::tree;
    const drill::program here;
    std::printf("Five workers.\n");
    here.runtime.start_child(supervisor("WorkerPool", regrow::one_for_one, registry("Registry").named("Registry"),
                                        partition_supervisor("PoolSupervisor", server<pool_worker>("worker"))
                                            .named("PoolSupervisor")
                                            .partitions(workers)
                                            .with_number()));

    std::printf("20 tasks of 100 ms at once, by the hash of the task, which is even only in the long run:\n");
    const run hashed = run_at_once(here, way::hash);
    std::printf("   by task:");
    for (int task = 1; task <= tasks; task++)
        std::printf(" %d", hashed.answered_by(task));
    std::printf("\n");

    std::printf("In turn, and to whoever has least to do, which is the same here:\n");
    run_at_once(here, way::round_robin);
    run_at_once(here, way::least_loaded);

    std::printf("A task every 50 ms, while worker 1 is at one of 1000 ms:\n");
    run_beside_a_long_one(here, way::round_robin);
    run_beside_a_long_one(here, way::least_loaded);
    print_counters();

    std::printf("Worker 3 is killed after 150 ms. What it was at is lost; what waited for it goes to the next one:\n");
    run_at_once(here, way::round_robin, 150ms);
    print_counters();
}
