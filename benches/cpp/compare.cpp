// What regrow.hpp costs over regrow.h: the same work through both, in turns, in one program.
//
// usage: regrow-bench-cpp [ROUNDS]
//
// Prints a JSON line for each: nanoseconds of processor time for one operation through C and through C++ (the median of the
// rounds), and the median of what the two were to each other in each round. One worker runs all of it, so its thread's time
// is what it costs, however busy the machine is.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <regrow.hpp>
#include <time.h>
#include <vector>

namespace {

void check(regrow_error code)
{
    if (code) {
        std::fprintf(stderr, "bench: %s\n", regrow_error_name(code));
        std::_Exit(1);
    }
}

// ---- through C ----

regrow_next add_one(regrow_context* context, void*, const regrow_term* request)
{
    int64_t number;
    if (!regrow_as_int(request, &number))
        return regrow_stop_self(context, regrow_atom("bad_call"));
    return regrow_reply(context, regrow_int(number + 1));
}

regrow_pid c_server(regrow_pid root, uint32_t flags)
{
    regrow_server_spec server{};
    server.size = sizeof server;
    server.handle_call = add_one;
    server.flags = flags;
    regrow_child_spec child{};
    child.size = sizeof child;
    child.kind = REGROW_SERVER;
    child.spec = &server;
    regrow_pid pid;
    check(regrow_start(root, &child, &pid));
    return pid;
}

void c_calls(regrow_pid server, int count)
{
    for (int number = 0; number < count; number++) {
        regrow_term reply;
        int64_t value = 0;
        check(regrow_call(server, regrow_int(number), 5000, &reply));
        if (!regrow_as_int(&reply, &value) || value != number + 1)
            std::_Exit(1);
        regrow_term_free(&reply);
    }
}

void c_messages(regrow_pid self, int count)
{
    for (int number = 0; number < count; number++)
        check(regrow_send(self, regrow_int(number)));
    for (int number = 0; number < count; number++) {
        regrow_term message;
        int64_t value = -1;
        check(regrow_receive(0, &message));
        if (!regrow_as_int(&message, &value) || value != number)
            std::_Exit(1);
        regrow_term_free(&message);
    }
}

regrow_next c_init(regrow_context*, void*, const regrow_term*, regrow_term* next, regrow_term*)
{
    *next = regrow_resource(std::calloc(1, sizeof(int64_t)), std::free);
    return REGROW_DONE;
}

regrow_next c_update(regrow_context*, void* user, const regrow_term* state, regrow_term*, regrow_term*)
{
    void* number;
    if (regrow_as_resource(state, &number))
        *static_cast<int64_t*>(user) = ++*static_cast<int64_t*>(number);
    return REGROW_DONE;
}

regrow_pid c_agent(regrow_pid root)
{
    regrow_agent_spec agent{};
    agent.size = sizeof agent;
    agent.init = c_init;
    agent.flags = REGROW_INLINE;
    regrow_child_spec child{};
    child.size = sizeof child;
    child.kind = REGROW_AGENT;
    child.spec = &agent;
    regrow_pid pid;
    check(regrow_start(root, &child, &pid));
    return pid;
}

void c_updates(regrow_pid agent, int count)
{
    for (int number = 0; number < count; number++) {
        int64_t value = 0;
        check(regrow_agent_get_and_update(agent, c_update, &value, 5000, nullptr));
        if (value == 0)
            std::_Exit(1);
    }
}

// ---- through C++ ----

struct adder {
    std::int64_t handle_call(std::int64_t number) { return number + 1; }
};

void cpp_calls(regrow::pid server, int count)
{
    for (int number = 0; number < count; number++) {
        if (regrow::call<std::int64_t>(server, number) != number + 1)
            std::_Exit(1);
    }
}

void cpp_messages(regrow::pid self, int count)
{
    for (int number = 0; number < count; number++)
        regrow::send(self, number);
    for (int number = 0; number < count; number++) {
        if (regrow::receive(std::chrono::seconds(0)).as<std::int64_t>() != number)
            std::_Exit(1);
    }
}

void cpp_updates(regrow::pid pid, int count)
{
    const regrow::agent<std::int64_t> agent(pid);
    for (int number = 0; number < count; number++) {
        if (agent.get_and_update([](std::int64_t& state) { return ++state; }) == 0)
            std::_Exit(1);
    }
}

// ---- in turns ----

double median(std::vector<double> values)
{
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

double now()
{
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return 1e9 * static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec);
}

template <class Work> double time_of(int count, Work&& work)
{
    const double begin = now();
    work(count);
    return (now() - begin) / count;
}

template <class C, class Cpp> void compare(const char* name, int rounds, int count, C&& c, Cpp&& cpp)
{
    std::vector<double> c_times, cpp_times, ratios;
    for (int round = 0; round < rounds; round++) {
        // Who comes first changes, so that neither has the colder cache.
        double c_time = 0, cpp_time = 0;
        if (round % 2)
            cpp_time = time_of(count, cpp);
        c_time = time_of(count, c);
        if (!(round % 2))
            cpp_time = time_of(count, cpp);
        c_times.push_back(c_time);
        cpp_times.push_back(cpp_time);
        ratios.push_back(cpp_time / c_time);
    }
    std::printf("{\"bench\": \"%s\", \"c_ns\": %.1f, \"cpp_ns\": %.1f, \"cpp_over_c\": %.3f}\n", name, median(c_times),
                median(cpp_times), median(ratios));
    std::fflush(stdout);
}

} // namespace

int main(int argc, char** argv)
{
    const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 101;
    regrow::options options;
    options.workers = 1;
    const regrow::runtime runtime(options);
    const regrow::pid root = runtime.root();
    using regrow::tree::server;
    const regrow::pid plain_c = c_server(root, 0), plain_cpp = regrow::start(root, server<adder>("adder"));
    const regrow::pid inline_c = c_server(root, REGROW_INLINE);
    const regrow::pid inline_cpp = regrow::start(root, server<adder>("adder").inline_calls());
    const regrow::pid agent_c = c_agent(root);
    const regrow::pid agent_cpp = regrow::start(root, regrow::tree::agent<std::int64_t>("agent", 0).inline_calls());

    const regrow::entered here(runtime);
    const auto bench = regrow::spawn_monitor([&] {
        const regrow::pid self = regrow::self();
        compare("call", rounds, 5000, [&](int n) { c_calls(plain_c, n); }, [&](int n) { cpp_calls(plain_cpp, n); });
        compare("call_inline", rounds, 20000, [&](int n) { c_calls(inline_c, n); }, [&](int n) { cpp_calls(inline_cpp, n); });
        compare("send_receive", rounds, 10000, [&](int n) { c_messages(self, n); }, [&](int n) { cpp_messages(self, n); });
        compare("agent_inline", rounds, 20000, [&](int n) { c_updates(agent_c, n); }, [&](int n) { cpp_updates(agent_cpp, n); });
    });
    return regrow::receive<regrow::down>().monitor == bench.monitor ? EXIT_SUCCESS : EXIT_FAILURE;
}
