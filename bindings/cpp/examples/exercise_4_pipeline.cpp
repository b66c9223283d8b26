// Exercise 4: a pipeline whose stages depend on the ones before, so rest_for_one: whoever crashes takes along what
// comes after it.
//
//     Pipeline             supervisor, rest_for_one
//     |- input             5 becomes {validated, 5}
//     |- process           {validated, 5} becomes {processed, 10}
//     `- output            prints it
#include "drill.hpp"

using namespace std::chrono_literals;
using regrow::atom;

namespace {

constexpr std::array<const char*, 3> stages = {"input", "process", "output"};

void submit(const char* stage, regrow::term data)
{
    regrow::cast(regrow::at(stage).wait(1s), std::move(data));
}

class stage {
public:
    explicit stage(std::size_t place) : place_(place)
    {
        std::printf("   stage %s started (upstream: %s)\n", stages[place_], place_ ? stages[place_ - 1] : "none");
    }

    // A stage that cannot hand on crashes: the supervisor knows what to do about it.
    void handle_cast(regrow::term_view data)
    {
        std::printf("   %s is processing: %s\n", stages[place_], data.print().c_str());
        if (place_ == 0)
            submit("process", regrow::tuple(atom("validated"), data));
        else if (place_ == 1)
            submit("output", drill::numbered("processed", 2 * data[1].as_int().value()));
        else
            std::printf("   Output: %d\n", static_cast<int>(data[1].as_int().value()));
    }

private:
    std::size_t place_;
};

// `ids` are what the stages go by under their supervisor.
void start_pipeline(const drill::program& here, const std::array<const char*, 3>& ids)
{
    auto pipeline = regrow::tree::supervisor("Pipeline", regrow::rest_for_one);
    for (std::size_t place = 0; place < stages.size(); place++)
        pipeline.add(regrow::tree::server<stage>(atom::named(ids[place]), place).named(stages[place]));
    here.runtime.start_child(pipeline);
}

void kill_stage(const drill::program& here, const char* name)
{
    std::array<regrow::pid, 3> before;
    for (std::size_t place = 0; place < stages.size(); place++)
        before[place] = here.whereis(stages[place]);
    std::printf("%s is killed.\n", name);
    drill::kill(here.whereis(name));
    here.settle();
    for (std::size_t place = 0; place < stages.size(); place++)
        std::printf("   %s: %s\n", stages[place], here.whereis(stages[place]) == before[place] ? "as before" : "new");
}

void submit_and_wait(const drill::program& here, int number)
{
    std::printf("%d is submitted.\n", number);
    submit("input", number);
    here.settle();
}

} // namespace

int main()
{
    const drill::program here;
    std::printf("Three stages of one id are refused.\n");
    try {
        start_pipeline(here, {"Stage", "Stage", "Stage"});
    } catch (const regrow::error& why) {
        std::printf("   %s: %s\n", drill::code(why), why.reason().print().c_str());
    }

    std::printf("Each has an id of its own.\n");
    start_pipeline(here, stages);
    submit_and_wait(here, 5);
    for (const char* name : {"process", "output", "input"})
        kill_stage(here, name);
    submit_and_wait(here, 21);
}
