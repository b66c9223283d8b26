// Agents with a native state, tasks, and streams of them.
#include "test.hpp"
#include <numeric>
#include <thread>

using namespace regrow;
using namespace std::chrono_literals;
using test::node;

namespace {

struct cart {
    explicit cart(std::string owner) : owner(std::move(owner)) { alive++; }
    cart(const cart& other) : owner(other.owner), items(other.items) { alive++; }
    cart(cart&& other) noexcept : owner(std::move(other.owner)), items(std::move(other.items)) { alive++; }
    ~cart() { alive--; }
    std::string owner;
    std::map<std::string, int> items;
    static std::atomic<int> alive;
};
std::atomic<int> cart::alive;

void an_agent_keeps_a_native_state()
{
    {
        const agent<cart> agent(GOOD(try_start(node, tree::agent<cart>("cart", "Tom"))));
        GOOD(agent.try_update([](cart& state) { state.items["apple"] = 2; }));
        int apples = 3; // a function may refer to what is on the caller's stack
        CHECK(GOOD(agent.try_get_and_update([&](cart& state) { return state.items["apple"] += apples; })) == 5);
        CHECK(GOOD(agent.try_get([](const cart& state) { return state.owner; })) == "Tom");
        GOOD(agent.try_cast([](cart& state) { state.items.clear(); }));
        GOOD(GOOD(agent.try_update_async([](cart& state) { state.items["pear"] = 1; })).try_wait());
        CHECK(GOOD(agent.try_get([](const cart& state) { return state.items.size(); })) == 1);
        const auto refused = agent.try_get([](const cart& state) -> result<int> {
            return error(REGROW_ERR_NOT_FOUND, term(state.owner), "no such item");
        });
        CHECK_CODE(REGROW_ERR_NOT_FOUND, refused);
        CHECK_CODE(REGROW_ERR_WRONG_KIND, regrow::agent<int>(agent.pid()).try_get([](int number) { return number; }));
        CHECK(GOOD(agent.try_get([&](const cart&) { return try_self(); })) == agent.pid());
        GOOD(try_stop(agent.pid()));
        CHECK_CODE(REGROW_ERR_NO_PROCESS, agent.try_update([](cart&) {}));
    }
    GOOD(try_settle(node));
    CHECK(cart::alive == 0);
}

void a_restarted_agent_begins_anew()
{
    const supervisor above = GOOD(try_start(node, tree::supervisor("s", one_for_one, tree::agent<cart>("cart", "Ann").named("cart"))));
    const auto current = [] { return agent<cart>(try_whereis(at("cart").in(node).wait(30s)).value()); };
    GOOD(current().try_update([](cart& state) { state.owner = "Bob"; }));
    const pid first = current().pid();
    const ref monitor = GOOD(try_monitor(first));
    GOOD(try_exit(first, atom("kill")));
    CHECK(test::reason_of(monitor) == "killed");
    CHECK(GOOD(current().try_get([](const cart& state) { return state.owner; })) == "Ann");
    GOOD(try_stop(above.pid()));
}

void a_foreign_agent_is_refused()
{
    regrow_agent_spec spec{};
    spec.size = sizeof spec;
    regrow_child_spec child{};
    child.size = sizeof child;
    child.kind = REGROW_AGENT;
    child.spec = &spec;
    regrow_pid raw{};
    CHECK(regrow_start(node, &child, &raw) == REGROW_OK);
    CHECK_CODE(REGROW_ERR_WRONG_KIND, agent<cart>(raw).try_update([](cart&) {}));
    CHECK_CODE(REGROW_ERR_WRONG_KIND, agent<cart>(GOOD(try_start(node, tree::registry("r")))).try_update([](cart&) {}));
    GOOD(try_stop(raw));
}

// ---- tasks ----

void tasks_give_values()
{
    auto number = GOOD(try_async([] { return 42; }));
    auto native = GOOD(try_async([] { return std::make_unique<std::string>("moved"); }));
    auto nothing = GOOD(try_async([](context&) {}));
    CHECK(GOOD(number.try_await()) == 42 && *GOOD(native.try_await()) == "moved");
    GOOD(nothing.try_await());
    CHECK_CODE(REGROW_ERR_NOT_FOUND, number.try_await());
    auto slow = GOOD(try_async([] { return static_cast<int>(try_receive<int>().value_or(0)); }));
    CHECK_CODE(REGROW_ERR_TIMEOUT, slow.try_yield(1ms));
    GOOD(try_send(slow.pid(), 7));
    CHECK(GOOD(slow.try_yield(test::long_limit)) == 7);
    auto endless = GOOD(try_async([] { return try_sleep(infinity).code(); }));
    CHECK_CODE(REGROW_ERR_NOT_FOUND, endless.try_shutdown());
}

void many_are_awaited_together()
{
    std::vector<task<int>> all;
    for (int number = 0; number < 20; number++)
        all.push_back(GOOD(try_async([number] { return number * number; })));
    const std::vector<int> squares = GOOD(try_await_many(std::move(all)));
    CHECK(squares.size() == 20 && squares[19] == 361);
}

void a_task_that_is_let_go_leaves_nothing()
{
    pid process;
    {
        auto gone = GOOD(try_async([] { (void)try_receive<int>(); return 1; }));
        process = gone.pid();
        auto moved = std::move(gone);
        CHECK(!gone.pid() && moved.pid() == process);
    }
    GOOD(try_send(process, 1));
    GOOD(try_settle(node));
    CHECK(!process.is_alive());
}

void a_task_ends_with_a_reason()
{
    const bool trapped = GOOD(try_trap_exit(true));
    auto crash = GOOD(try_async([](context& at_hand) { return at_hand.stop(atom("boom")); }));
    const pid process = crash.pid();
    const auto outcome = crash.try_await();
    CHECK_CODE(REGROW_ERR_EXITED, outcome);
    CHECK_TERM("boom", outcome.error().reason());
    const exited seen = GOOD(try_receive<exited>(test::long_limit));
    CHECK(seen.process == process && seen.reason.is_atom("boom"));
    GOOD(try_trap_exit(trapped));
}

void a_supervisor_of_tasks()
{
    const task_supervisor above(GOOD(try_start(node, tree::task_supervisor("t").max_children(2))));
    auto one = GOOD(above.try_async([] { return GOOD(try_receive<int>()); }));
    auto two = GOOD(above.try_async_nolink([](context& at_hand) { return at_hand.stop(atom("boom")); }));
    CHECK_CODE(REGROW_ERR_EXITED, two.try_await());
    GOOD(try_settle(node));
    std::future<result<std::string>> value = above.try_run_async([] { return std::string("from outside"); });
    CHECK(GOOD(value.get()) == "from outside");
    GOOD(try_settle(node)); // the value is there before its task is gone
    std::atomic<int> runs{0};
    const pid whom = test::me;
    const pid child = GOOD(above.try_start_child([&runs, whom] {
        runs++;
        GOOD(try_send(whom, atom("here")));
        (void)try_receive<int>();
    }));
    CHECK(GOOD(try_receive()).is_atom("here")); // whom it ends has run
    CHECK_CODE(REGROW_ERR_LIMIT, above.try_start_child([] {}));
    CHECK_CODE(REGROW_ERR_LIMIT, above.try_run_async([] { return 1; }).get());
    CHECK(GOOD(above.try_children()).size() == 2);
    GOOD(above.try_terminate_child(child));
    CHECK_CODE(REGROW_ERR_NOT_FOUND, above.try_terminate_child(child));
    GOOD(try_send(one.pid(), 9));
    CHECK(GOOD(one.try_await()) == 9 && runs == 1);
    GOOD(try_stop(above.pid(), atom("shutdown")));
}

void a_task_runs_where_it_is_told_to()
{
    const task_supervisor above(GOOD(try_start(node, tree::task_supervisor("t"))));
    const auto here = [] { return std::this_thread::get_id(); };
    const auto waits = [] { return try_sleep(1ms).code(); };
    task_options thread, no_park;
    thread.on_thread = true;
    no_park.no_park = true;
    // A thread of its own for each: one that lives when the other asks has another.
    const auto id_of = [&](const task_options& how) { return GOOD(GOOD(try_async(here, how)).try_await()); };
    CHECK(id_of(thread) != std::this_thread::get_id());
    CHECK(GOOD(GOOD(try_async(waits)).try_await()) == REGROW_OK);
    CHECK(GOOD(GOOD(try_async(waits, thread)).try_await()) == REGROW_OK);
    CHECK(GOOD(GOOD(try_async(waits, no_park)).try_await()) == REGROW_ERR_WOULD_BLOCK);
    CHECK(GOOD(GOOD(above.try_async(waits, no_park)).try_await()) == REGROW_ERR_WOULD_BLOCK);
    CHECK(GOOD(GOOD(above.try_async_nolink(waits, no_park)).try_await()) == REGROW_ERR_WOULD_BLOCK);
    CHECK(GOOD(above.try_run_async(waits, default_limit, no_park).get()) == REGROW_ERR_WOULD_BLOCK);
    std::atomic<int> seen{REGROW_OK};
    GOOD(above.try_start_child([&] { seen = waits(); }, REGROW_TEMPORARY, no_park));
    GOOD(try_settle(node));
    CHECK(seen == REGROW_ERR_WOULD_BLOCK);
    stream_options how;
    how.each = no_park;
    CHECK(*GOOD(try_async_stream(std::vector<int>{1}, [&](int) { return waits(); }, how))[0] == REGROW_ERR_WOULD_BLOCK);
    GOOD(try_stop(above.pid(), atom("shutdown")));
}

void a_task_that_runs_on_is_ended()
{
    // It runs on for a moment when this has returned.
    const auto over = std::make_shared<std::atomic<bool>>(false);
    task_options how;
    how.watchdog = 20ms;
    const auto spins = [over] {
        while (!*over) {
        }
    };
    const task_supervisor above(GOOD(try_start(node, tree::task_supervisor("t"))));
    const auto ended = GOOD(above.try_async_nolink(spins, how)).try_await();
    CHECK(ended.code() == REGROW_ERR_EXITED);
    CHECK_TERM("{watchdog,20}", ended.error().reason());
    *over = true;
    GOOD(try_stop(above.pid(), atom("shutdown")));
}

void a_task_has_the_time_to_end_that_it_says()
{
    const task_supervisor above(GOOD(try_start(node, tree::task_supervisor("t").task_shutdown(infinity))));
    const auto reason = [&](const task_options& how) {
        const pid whom = test::me;
        const pid stays = GOOD(above.try_start_child(
            [whom] {
                GOOD(try_trap_exit(true));
                GOOD(try_send(whom, atom("here")));
                while (try_receive<int>()) {
                }
            },
            REGROW_TEMPORARY, how));
        CHECK(GOOD(try_receive()).is_atom("here"));
        const ref monitor = GOOD(try_monitor(stays));
        GOOD(above.try_terminate_child(stays));
        return test::reason_of(monitor);
    };
    task_options soon, at_once;
    soon.shutdown = 5ms;
    at_once.brutal_kill = true;
    CHECK(reason(soon) == "killed" && reason(at_once) == "killed");
    GOOD(try_stop(above.pid(), atom("shutdown")));
}

void a_stream_runs_a_task_for_each_item()
{
    const std::vector<std::string> words{"one", "three", "fifteen"};
    stream_options how;
    how.max_concurrency = 2;
    std::vector<std::size_t> sizes;
    for (const result<std::size_t>& one : GOOD(try_async_stream(words, [](const std::string& word) { return word.size(); }, how)))
        sizes.push_back(*one);
    CHECK(sizes == std::vector<std::size_t>{3, 5, 7});

    std::vector<int> numbers(100);
    std::iota(numbers.begin(), numbers.end(), 1);
    int sum = 0, count = 0;
    how.unordered = true;
    GOOD(try_async_stream_each(
        numbers, [](int number) { return number; }, [&](result<int> one) { sum += *one, count++; }, how));
    CHECK(sum == 5050 && count == 100);
    count = 0;
    GOOD(try_async_stream_each(
        numbers, [](int number) { return number; }, [&](result<int>) { return ++count < 3; }, how));
    CHECK(count == 3);

    const task_supervisor above(GOOD(try_start(node, tree::task_supervisor("t"))));
    how = {};
    how.supervisor = above.pid();
    how.unlinked = true;
    const auto crash = [](int number) -> result<int> {
        if (number == 2)
            return error(REGROW_ERR_ARGUMENT, atom("two"), "two");
        return number;
    };
    const auto outcomes = GOOD(try_async_stream(std::vector<int>{1, 2, 3}, crash, how));
    CHECK(outcomes.size() == 3 && *outcomes[0] == 1 && outcomes[1].code() == REGROW_ERR_EXITED && *outcomes[2] == 3);
    how.timeout = 1ms;
    how.kill_on_timeout = true;
    const auto late = GOOD(try_async_stream(std::vector<int>{1}, [](int) { return try_sleep(infinity); }, how));
    CHECK(late.size() == 1 && late[0].error().reason().is_atom("timeout"));
    GOOD(try_stop(above.pid(), atom("shutdown")));
}

#if REGROW_EXCEPTIONS
void what_an_agents_function_throws_ends_it()
{
    const auto fails = [](int) -> int { throw std::runtime_error("no"); };
    const auto changes = [](int&) { throw exit_with(atom("changed")); };
    const monitored one = start_monitor(tree::agent<int>("number", 1)), two = start_monitor(tree::agent<int>("number", 1));
    CHECK_CODE(REGROW_ERR_EXITED, agent<int>(one.process).try_get(fails));
    CHECK(receive<down>(test::long_limit).reason[0].is_atom("exception"));
    CHECK_CODE(REGROW_ERR_EXITED, agent<int>(two.process).try_update(changes));
    CHECK(test::reason_of(two.monitor) == "changed");
    const monitored three = start_monitor(tree::agent<int>("number", 1));
    agent<int>(three.process).cast(changes);
    CHECK(test::reason_of(three.monitor) == "changed");
}

void what_a_task_throws_ends_it()
{
    regrow::trap_exit(true);
    auto task = async([]() -> int { throw std::out_of_range("too far"); });
    try {
        task.await();
        CHECK(!"it threw");
    } catch (const error& why) {
        CHECK(why.code() == REGROW_ERR_EXITED && *why.reason()[2].as<std::string>() == "too far");
    }
    (void)receive<exited>(test::long_limit);
    regrow::trap_exit(false);
    CHECK(async([] { return 1; }).await() == 1);
}

void what_a_stream_throws_in_the_caller_goes_on()
{
    const std::vector<int> numbers{1, 2, 3};
    try {
        async_stream_each(numbers, [](int number) { return number; }, [](result<int>) { throw 7; });
        CHECK(!"it threw");
    } catch (int seven) {
        CHECK(seven == 7);
    }
}
#endif

} // namespace

int main()
{
    return test::in_a_runtime([] {
        RUN(an_agent_keeps_a_native_state);
        RUN(a_restarted_agent_begins_anew);
        RUN(a_foreign_agent_is_refused);
        RUN(tasks_give_values);
        RUN(many_are_awaited_together);
        RUN(a_task_that_is_let_go_leaves_nothing);
        RUN(a_task_ends_with_a_reason);
        RUN(a_supervisor_of_tasks);
        RUN(a_task_runs_where_it_is_told_to);
        RUN(a_task_that_runs_on_is_ended);
        RUN(a_task_has_the_time_to_end_that_it_says);
        RUN(a_stream_runs_a_task_for_each_item);
#if REGROW_EXCEPTIONS
        RUN(what_an_agents_function_throws_ends_it);
        RUN(what_a_task_throws_ends_it);
        RUN(what_a_stream_throws_in_the_caller_goes_on);
#endif
    });
}
