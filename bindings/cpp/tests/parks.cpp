// Waiting in a handler, and while an exception is in flight: what C++ keeps of exceptions stays with its callback.
#include "test.hpp"
#include <string>

using namespace regrow;
using namespace std::chrono_literals;
using test::node;

#if REGROW_EXCEPTIONS
namespace {

struct numbered : std::exception {
    explicit numbered(int number) : number(number) {}
    int number;
};

// Throws, and waits in the handler until it is told to go on; then what is handled must still be its own.
void wait_in_a_handler(pid whom, int number)
{
    CHECK(!std::current_exception() && std::uncaught_exceptions() == 0);
    try {
        throw numbered(number);
    } catch (const numbered&) {
        send(whom, number);
        CHECK(receive<std::string>(test::long_limit) == "go on");
        try {
            throw;
        } catch (const numbered& mine) {
            CHECK(mine.number == number);
        }
        // One more on top of it, waited in as well.
        try {
            throw numbered(-number);
        } catch (const numbered& second) {
            regrow::sleep(1ms);
            CHECK(second.number == -number);
        }
        try {
            std::rethrow_exception(std::current_exception());
        } catch (const numbered& mine) {
            CHECK(mine.number == number);
        }
    }
    CHECK(!std::current_exception() && std::uncaught_exceptions() == 0);
    send(whom, -number);
}

void two_callbacks_wait_in_their_handlers()
{
    // Both on the one worker. Who came first leaves first: on one list that would end the other's exception.
    for (const bool first_in_first_out : {true, false}) {
        const pid here = test::me;
        const pid one = spawn(node, [here] { wait_in_a_handler(here, 1); });
        CHECK(receive<int>(test::long_limit) == 1);
        const pid two = spawn(node, [here] { wait_in_a_handler(here, 2); });
        CHECK(receive<int>(test::long_limit) == 2);
        send(first_in_first_out ? one : two, "go on");
        CHECK(receive<int>(test::long_limit) == (first_in_first_out ? -1 : -2));
        send(first_in_first_out ? two : one, "go on");
        CHECK(receive<int>(test::long_limit) == (first_in_first_out ? -2 : -1));
    }
}

void a_hundred_callbacks_wait_in_their_handlers()
{
    std::vector<pid> all;
    const pid here = test::me;
    for (int number = 1; number <= 100; number++)
        all.push_back(spawn(node, [here, number] { wait_in_a_handler(here, number); }));
    for (int number = 1; number <= 100; number++)
        (void)receive<int>(test::long_limit);
    broadcast(all, "go on");
    for (int number = 1; number <= 100; number++)
        CHECK(receive<int>(test::long_limit) < 0);
}

// An inline call runs on a stack of its own, above that of a caller who is in a handler.
void a_call_from_a_handler_to_one_that_waits_in_a_handler()
{
    const pid server = start(node, tree::server_of("inline", 0).inline_calls().on_call([](int&, int number) {
        try {
            throw numbered(number);
        } catch (const numbered& mine) {
            regrow::sleep(2ms);
            return mine.number;
        }
    }));
    const monitored caller = spawn_monitor([server] {
        try {
            throw numbered(5);
        } catch (const numbered& mine) {
            for (int round = 0; round < 5; round++)
                CHECK(call<int>(server, 6) == 6);
            CHECK(mine.number == 5);
            throw exit_with(atom("well"));
        }
    });
    CHECK(test::reason_of(caller.monitor) == "well");
    stop(server);
}

// A destructor that runs because of a throw.
struct in_flight {
    ~in_flight()
    {
        CHECK(std::uncaught_exceptions() == 1);
        slept = try_sleep(1ms).code();
        called = try_call(server, 1).code();
        sent = try_send(server, atom("this does not wait")).code();
    }
    pid server;
    regrow_error &slept, &called, &sent;
};

void who_unwinds_may_not_wait()
{
    const pid server = start(node, tree::server_of("any", 0).on_call([](int&, int number) { return number; }));
    regrow_error slept, called, sent;
    auto unwind = [&] {
        try {
            const in_flight guard{server, slept, called, sent};
            throw numbered(1);
        } catch (const numbered& mine) {
            CHECK(mine.number == 1);
            CHECK(call<int>(server, 2) == 2); // here it may again
        }
    };
    CHECK(test::reason_of(spawn_monitor(unwind).monitor) == "normal");
    CHECK(slept == REGROW_ERR_WOULD_BLOCK && called == REGROW_ERR_WOULD_BLOCK && sent == REGROW_OK);
    // Who has a thread to himself holds up nobody.
    const monitored threaded = start_monitor(tree::process("thread", unwind).on_thread());
    CHECK(test::reason_of(threaded.monitor) == "normal");
    CHECK(slept == REGROW_OK && called == REGROW_OK && sent == REGROW_OK);
    unwind();
    CHECK(slept == REGROW_OK && called == REGROW_OK && sent == REGROW_OK);
    stop(server);
}

// Killed while it waits in a handler: it unwinds through that.
void a_kill_unwinds_through_a_handler()
{
    const pid here = test::me;
    const monitored one = spawn_monitor([here] {
        try {
            throw numbered(1);
        } catch (const numbered&) {
            struct tell {
                ~tell() { CHECK(try_send(whom, atom("too late")).code() == REGROW_ERR_KILLED); }
                pid whom;
            } guard{here};
            send(here, atom("waits"));
            regrow::sleep(infinity);
        }
    });
    CHECK(receive<atom>(test::long_limit) == atom("waits"));
    regrow::exit(one.process, atom("kill"));
    CHECK(test::reason_of(one.monitor) == "killed");
    while (stats(node).ghosts != 0)
        regrow::sleep(1ms);
}

} // namespace

int main()
{
    options how;
    how.workers = 1;
    return test::in_a_runtime(
        [] {
            RUN(two_callbacks_wait_in_their_handlers);
            RUN(a_hundred_callbacks_wait_in_their_handlers);
            RUN(a_call_from_a_handler_to_one_that_waits_in_a_handler);
            RUN(who_unwinds_may_not_wait);
            RUN(a_kill_unwinds_through_a_handler);
        },
        how);
}
#else
int main()
{
    std::printf("compiled without exceptions\n");
    return 77;
}
#endif
