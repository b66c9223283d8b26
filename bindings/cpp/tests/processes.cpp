// Processes that are functions, messages, links, monitors, timers, names; runtimes, entered threads, busy tokens.
#include "test.hpp"
#include <poll.h>
#include <thread>
#include <unistd.h>
#include <unordered_set>

using namespace regrow;
using namespace std::chrono_literals;
using test::long_limit;
using test::node;

namespace {

void a_function_is_a_process()
{
    const pid here = test::me;
    const pid process = GOOD(try_spawn(node, [here, held = std::make_unique<int>(5)](context& at_hand) {
        GOOD(try_send(here, tuple(GOOD(try_self()), *held)));
        return at_hand.stop(atom("done"));
    }));
    CHECK((GOOD(try_receive<std::pair<pid, int>>(long_limit)) == std::pair<pid, int>(process, 5)));
    const monitored other = GOOD(try_spawn_monitor([] {}));
    CHECK(test::reason_of(other.monitor) == "normal");
    CHECK(std::unordered_set<pid>({process, other.process, process}).size() == 2);
}

void messages_are_taken_by_their_type()
{
    GOOD(try_send(test::me, "text"));
    GOOD(try_send(test::me, 1));
    GOOD(try_send(test::me, 2.5));
    GOOD(try_broadcast({test::me, test::me}, atom("twice")));
    CHECK(GOOD(try_receive<double>(0s)) == 2.5 && GOOD(try_receive<int>(0s)) == 1);
    CHECK_CODE(REGROW_ERR_TIMEOUT, try_receive<int>(1ms));
    CHECK(GOOD(try_receive_if([](term_view seen) { return seen.is_atom("twice"); }, 0s)).is_atom("twice"));
    CHECK(GOOD(try_receive()).as<std::string>() == "text");
    CHECK(GOOD(try_flush()) == 1);
#if REGROW_EXCEPTIONS
    regrow::send(test::me, 1);
    regrow::send(test::me, 2);
    try {
        (void)try_receive_if([](term_view) -> bool { throw 3; });
        CHECK(!"it threw");
    } catch (int three) {
        CHECK(three == 3);
    }
    CHECK(receive<int>() == 2);
#endif
}

void links_and_monitors_tell()
{
    const bool trapped = GOOD(try_trap_exit(true));
    const pid linked = GOOD(try_spawn_link([] { (void)try_receive(); }));
    const ref monitor = GOOD(try_monitor(linked));
    GOOD(try_exit(linked, tuple(atom("shutdown"), 1)));
    const exited end = GOOD(try_receive<exited>(long_limit));
    CHECK(end.process == linked && end.reason.print() == "{shutdown,1}");
    CHECK(GOOD(try_receive<down>(long_limit)).process() == linked);
    CHECK(!GOOD(try_demonitor(monitor)));
    const pid other = GOOD(try_spawn(node, [] { (void)try_receive(); }));
    GOOD(try_link(other));
    GOOD(try_unlink(other));
    CHECK(GOOD(try_demonitor(GOOD(try_monitor(other)))));
    GOOD(try_exit(other, atom("kill")));
    CHECK(GOOD(try_trap_exit(trapped)));
    const ref by_name = GOOD(try_monitor(at("nobody").in(node)));
    const down nobody = GOOD(try_receive<down>(long_limit));
    CHECK(nobody.monitor == by_name && !nobody.process() && nobody.reason.is_atom("noproc"));
}

void names_lead_to_processes()
{
    GOOD(try_register_name(test::me, "main"));
    CHECK(GOOD(try_whereis(node, "main")) == test::me && GOOD(try_whereis(at("main").in(node))) == test::me);
    const auto taken = try_register_name(GOOD(try_spawn(node, [] { (void)try_receive(); })), "main");
    CHECK_CODE(REGROW_ERR_EXISTS, taken);
    GOOD(try_send(at("main"), 1));
    CHECK(GOOD(try_receive<int>(0s)) == 1);
    GOOD(try_unregister_name(node, "main"));
    CHECK_CODE(REGROW_ERR_NOT_FOUND, try_send(at("main"), 1));
    GOOD(try_register_name(test::me, tuple(atom("any"), 7)));
    CHECK(GOOD(try_whereis(node, tuple(atom("any"), 7))) == test::me);
    GOOD(try_unregister_name(node, tuple(atom("any"), 7)));
    CHECK_CODE(REGROW_ERR_NOT_FOUND, try_whereis(node, std::string("a\0b", 3)));
    CHECK_CODE(REGROW_ERR_ARGUMENT, try_register_name(test::me, ""));
}

void aliases_and_labels()
{
    const ref alias = GOOD(try_alias());
    GOOD(try_send_alias(test::me, alias, 1));
    CHECK(GOOD(try_receive<int>(0s)) == 1 && GOOD(try_unalias(alias)) && !GOOD(try_unalias(alias)));
    GOOD(try_send_alias(test::me, alias, 1));
    const ref first = GOOD(try_alias(REGROW_PRIORITY));
    GOOD(try_send(test::me, 1));
    GOOD(try_send_alias(test::me, first, 2, REGROW_PRIORITY));
    CHECK(GOOD(try_receive<int>(0s)) == 2 && GOOD(try_receive<int>(0s)) == 1);
    GOOD(try_unalias(first));
    GOOD(try_set_label("the test"));
    CHECK(GOOD(try_info(test::me)).get(atom("label")).as<std::string>() == "the test");
}

void what_is_of_priority_goes_first()
{
    const bool trapped = GOOD(try_trap_exit(true));
    const ref alias = GOOD(try_alias(REGROW_PRIORITY));
    const auto ends = [] { (void)try_receive<int>(); };
    const pid watched = GOOD(try_spawn(node, ends)), linked = GOOD(try_spawn(node, ends));
    const ref monitor = GOOD(try_monitor(watched, REGROW_PRIORITY));
    GOOD(try_link(linked, REGROW_PRIORITY));
    GOOD(try_send(test::me, atom("ordinary")));
    GOOD(try_exit_alias(test::me, alias, atom("by_alias"), REGROW_PRIORITY));
    CHECK(GOOD(try_receive<term>(0s))[2].is_atom("by_alias"));
    GOOD(try_send(watched, 1));
    GOOD(try_settle(node));
    CHECK(GOOD(try_receive())[1].as_ref() == monitor);
    GOOD(try_send(linked, 1));
    GOOD(try_settle(node));
    CHECK(GOOD(try_receive())[1].as_pid() == linked);
    CHECK(GOOD(try_receive()).is_atom("ordinary"));
    // An alias that was taken away leads nowhere, and flags that there are not are refused.
    GOOD(try_unalias(alias));
    GOOD(try_exit_alias(test::me, alias, atom("late")));
    CHECK_CODE(REGROW_ERR_TIMEOUT, try_receive(0s));
    CHECK_CODE(REGROW_ERR_ARGUMENT, try_exit_alias(test::me, alias, atom("x"), 77));
    CHECK_CODE(REGROW_ERR_ARGUMENT, try_link(node, 77));
    CHECK_CODE(REGROW_ERR_ARGUMENT, try_monitor(node, 77));
    GOOD(try_trap_exit(trapped));
}

void time_is_a_parameter()
{
    options how;
    how.manual_clock = true;
    how.workers = 1;
    const runtime clock = GOOD(runtime::try_start(std::move(how)));
    std::atomic<int> ticks{0};
    const pid process = GOOD(try_spawn(clock, [&] {
        for (;;) {
            const auto seen = try_receive();
            if (!seen)
                return;
            ticks += seen->as<timed_out>() ? 100 : 1;
        }
    }));
    GOOD(try_send_interval(process, 10ms, 1));
    const ref once = GOOD(try_send_after(process, 5ms, 1)), gone = GOOD(try_start_timer(process, 6ms, 1));
    GOOD(try_start_timer(process, 7ms, 1));
    CHECK(GOOD(try_cancel_timer(clock, gone)) == 6ms && GOOD(try_read_timer(clock, once)) == 5ms);
    CHECK(GOOD(try_settle(clock)).next_timer == 5ms);
    const quiet waits = GOOD(GOOD(try_settle_async(clock)).try_wait());
    CHECK(waits.next_timer == 5ms && waits.kind == REGROW_TIMER_USER);
    GOOD(try_advance(clock, 35ms));
    CHECK(ticks == 104 && GOOD(try_now(clock)) == 35ms);
    CHECK_CODE(REGROW_ERR_NOT_FOUND, try_read_timer(clock, once));
    CHECK_CODE(REGROW_ERR_ARGUMENT, try_advance(node, 1ms));
}

void a_busy_token_keeps_a_runtime_busy()
{
    {
        const busy token = GOOD(busy::try_take(node));
        CHECK_CODE(REGROW_ERR_TIMEOUT, try_settle(node, 1ms));
        CHECK(GOOD(try_stats(node)).busy == 1);
    }
    GOOD(try_settle(node));
    CHECK_CODE(REGROW_ERR_NOT_ALIVE, try_settle_async(pid()));
    CHECK_CODE(REGROW_ERR_NOT_ALIVE, busy::try_take(pid()));
}

void threads_enter_and_leave()
{
    CHECK_CODE(REGROW_ERR_EXISTS, entered::try_enter(node));
    std::thread([] {
        CHECK_CODE(REGROW_ERR_CONTEXT, try_self());
        CHECK_CODE(REGROW_ERR_CONTEXT, try_receive(0s));
        {
            const entered me = GOOD(entered::try_enter(node));
            CHECK(GOOD(try_self()) == me.pid());
            pollfd seen{GOOD(try_thread_fd()), POLLIN, 0};
            std::uint64_t count;
            while (read(seen.fd, &count, sizeof count) > 0) {
            }
            CHECK(poll(&seen, 1, 0) == 0);
            GOOD(try_send(me.pid(), 1));
            CHECK(poll(&seen, 1, 30'000) == 1 && GOOD(try_receive<int>(0s)) == 1);
        }
        CHECK_CODE(REGROW_ERR_CONTEXT, try_thread_fd());
        CHECK_CODE(REGROW_ERR_CONTEXT, try_self());
    }).join();
}

void a_runtime_is_moved_logs_and_ends()
{
    std::string last;
    std::atomic<int> lost{0};
    options how;
    how.workers = 1;
    how.log_level = REGROW_LOG_ERROR;
    how.log = [&](std::uint32_t level, std::string_view line, term_view) { last = std::to_string(level) + std::string(line); };
    how.undelivered = [&](pid, term_view message, term_view reason) { lost += message.is_atom("lost") && reason.is_atom("noproc"); };
    runtime first = GOOD(runtime::try_start(std::move(how)));
    runtime second = std::move(first);
    CHECK(!first.root() && second.root());
    const pid process = GOOD(try_spawn(second, [](context& at_hand) { return at_hand.stop(atom("crash")); }));
    GOOD(try_settle(second));
    GOOD(try_send(process, atom("lost")));
    GOOD(try_settle(second));
    CHECK(!GOOD(GOOD(try_settle_async(second)).try_wait()).next_timer);
    CHECK(lost == 1 && last.find("crash") != std::string::npos && last[0] == '4');
    GOOD(second.try_start_child(tree::process("waits", [] { (void)try_receive(); })));
    GOOD(second.try_shutdown());
    CHECK_CODE(REGROW_ERR_NOT_ALIVE, try_spawn(second, [] {}));
    options many;
    many.log_level = 77;
    CHECK_CODE(REGROW_ERR_ARGUMENT, runtime::try_start(many));
}

void a_runtime_is_not_stopped_in_a_callback()
{
    const monitored one = GOOD(try_spawn_monitor([] {
        CHECK_CODE(REGROW_ERR_WOULD_DEADLOCK, try_settle(node));
        CHECK(regrow_shutdown(node, 0, nullptr) == REGROW_ERR_WOULD_DEADLOCK);
    }));
    CHECK(test::reason_of(one.monitor) == "normal");
}

void a_host_process_takes_messages_out()
{
    std::atomic<int> ended{0};
    const pid host = GOOD(try_start(node, tree::host("host",
        [](pid, term_view message, caller<> whom) {
            if (whom.raw().call)
                GOOD(whom.try_answer_with(tuple(atom("echo"), message)));
        },
        [&ended](pid, term_view reason) { ended = reason.is_atom("closed") ? 1 : 2; })));
    CHECK_TERM("{echo,7}", GOOD(try_call(host, 7)));
    GOOD(try_settle(node)); // the answer is there before `deliver` has returned
    GOOD(try_host_exit(host, atom("closed")));
    GOOD(try_settle(node));
    CHECK(ended == 1);
}

void a_host_process_that_runs_on_is_ended()
{
    std::atomic<bool> over{false}, told{false};
    const pid host = GOOD(try_start(node, tree::host("host",
        [&over](pid, term_view, caller<>) {
            while (!over) {
            }
        },
        [&told](pid, term_view reason) { told = reason[0].is_atom("watchdog"); }).watchdog(20ms)));
    const ref monitor = GOOD(try_monitor(host));
    GOOD(try_send(host, 1));
    CHECK(test::reason_of(monitor) == "{watchdog,20}");
    over = true;
    GOOD(try_settle(node));
    while (!told) { // called when `deliver` has returned, and by no process
    }
}

void a_process_is_looked_into()
{
    const pid server = GOOD(try_start(node, tree::server_of("s", 0).on_cast([](int&, int) {})));
    CHECK(GOOD(try_get_status(server)).get(atom("sys_state")).is_atom("running"));
    GOOD(try_trace(server, false));
    CHECK_CODE(REGROW_ERR_WRONG_KIND, try_get_state(server));
    CHECK(GOOD(regrow::try_root(server)) == node);
    GOOD(try_stop(server));
    CHECK_CODE(REGROW_ERR_NO_PROCESS, try_info(server));
}

} // namespace

int main()
{
    return test::in_a_runtime([] {
        RUN(a_function_is_a_process);
        RUN(messages_are_taken_by_their_type);
        RUN(links_and_monitors_tell);
        RUN(names_lead_to_processes);
        RUN(aliases_and_labels);
        RUN(what_is_of_priority_goes_first);
        RUN(time_is_a_parameter);
        RUN(a_busy_token_keeps_a_runtime_busy);
        RUN(threads_enter_and_leave);
        RUN(a_runtime_is_moved_logs_and_ends);
        RUN(a_runtime_is_not_stopped_in_a_callback);
        RUN(a_host_process_takes_messages_out);
        RUN(a_host_process_that_runs_on_is_ended);
        RUN(a_process_is_looked_into);
    });
}
