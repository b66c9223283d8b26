// Drill 5: jobs are children that come when they are asked for, and go when they are done.
#include "drill.hpp"

using namespace std::chrono_literals;
using regrow::atom;

namespace {

class job_worker {
public:
    job_worker(int id, const std::string& data) : id_(id)
    {
        std::printf("   job %d started with %s\n", id_, data.c_str());
        regrow::send_after(regrow::self(), 5s, atom("work_done"));
    }

    regrow::next handle_info(regrow::context& context, atom)
    {
        std::printf("   job %d completed\n", id_);
        return context.stop(atom("normal"));
    }

private:
    int id_;
};

// Temporary: a job that crashed halfway is not done again behind the back of whoever asked for it.
regrow::pid start_job(const regrow::supervisor& jobs, int id, const char* data)
{
    return jobs.start_child(regrow::tree::server<job_worker>(id, id, std::string(data)).temporary());
}

void print_count(const regrow::supervisor& jobs)
{
    const regrow_child_count count = jobs.count_children();
    std::printf("   active %ju, specs %ju, supervisors %ju, workers %ju\n", std::uintmax_t(count.active),
                std::uintmax_t(count.specs), std::uintmax_t(count.supervisors), std::uintmax_t(count.workers));
}

} // namespace

int main()
{
    const drill::program here;

    std::printf("1. A supervisor without children.\n");
    const regrow::supervisor jobs = here.runtime.start_child(regrow::tree::dynamic_supervisor("jobs"));
    print_count(jobs);

    std::printf("2. Five jobs, a second apart.\n");
    std::vector<regrow::pid> pids;
    for (const char* data : {"process_data", "send_email", "resize_image", "write_report", "clean_up"}) {
        if (!pids.empty())
            here.advance(1s);
        pids.push_back(start_job(jobs, static_cast<int>(pids.size()) + 1, data));
    }

    std::printf("3. How many there are. A child is a spec: as in Elixir there are as many.\n");
    print_count(jobs);

    std::printf("4. Job 2 is stopped.\n");
    jobs.terminate_child(pids[1]);
    print_count(jobs);

    std::printf("5. The others complete; after five seconds there is none.\n");
    here.advance(5s);
    print_count(jobs);

    std::printf("6. Temporary: a job that is killed is not started again.\n");
    drill::kill(start_job(jobs, 6, "crash_test"));
    here.settle();
    print_count(jobs);
}
