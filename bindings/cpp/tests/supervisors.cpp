// Trees as literals: every kind of child, every option, and what becomes of them.
#include "test.hpp"
#include <mutex>

using namespace regrow;
using namespace std::chrono_literals;
using test::node;

namespace {

// A server that says when it starts, and when it is told to end, before anybody hears of that; knows its argument.
std::mutex lock;
std::string story;

void say(const std::string& what)
{
    const std::lock_guard<std::mutex> held(lock);
    story += what + " ";
}

std::string told()
{
    GOOD(try_settle(node));
    const std::lock_guard<std::mutex> held(lock);
    return std::exchange(story, "");
}

std::atomic<int> alive;

struct worker {
    explicit worker(std::string name) : name(std::move(name))
    {
        alive++;
        say("+" + this->name);
    }
    worker(const worker&) = delete;
    ~worker() { alive--; }
    void init(term_view given)
    {
        GOOD(try_trap_exit(true));
        argument = given.clone();
    }
    void terminate(term_view) { say("-" + name); }
    term handle_call(term_view) { return argument.clone(); }
    std::string name;
    term argument;
};

auto child_named(const char* name)
{
    return tree::server<worker>(name, std::string(name)).named(name);
}

pid find(const char* name)
{
    return try_whereis(at(name).in(node).wait(30s)).value();
}

void kill(const char* name)
{
    // The name finds it in its init already, and who is killed there has not come up: the supervisor may hear of that, and
    // end, before the end itself is told here.
    const pid process = find(name);
    GOOD(try_settle(node));
    const ref monitor = GOOD(try_monitor(process));
    GOOD(try_exit(process, atom("kill")));
    CHECK(test::reason_of(monitor) == "killed");
}

void a_tree_is_a_literal()
{
    const auto shop = tree::supervisor("shop", one_for_one,
        child_named("a"),
        tree::supervisor("inner", rest_for_one,
            child_named("b"),
            child_named("c").shutdown(1s))
            .max_restarts(5).within(10s),
        tree::registry("registry"),
        tree::agent<int>("agent", 7),
        tree::pubsub("pubsub"),
        tree::task_supervisor("tasks").max_children(2, true).task_shutdown(1s),
        tree::dynamic_supervisor("dynamic").max_children(1).unique_ids(),
        tree::partition_supervisor("partitions", tree::server<worker>("p", std::string("p"))).partitions(2),
        tree::process("process", [] { (void)try_receive(); }),
        tree::task("task", [] { return 1; }).temporary());
    const supervisor above = GOOD(try_start(node, shop));
    test::check_text(__FILE__, __LINE__, "+a +b +c +p +p ", told());
    kill("b");
    test::check_text(__FILE__, __LINE__, "-c +b +c ", told());
    CHECK(alive == 5);
    std::string kinds;
    for (const child_info& one : GOOD(above.try_which_children()))
        kinds += one.kind + (one.is_supervisor ? "! " : " ");
    test::check_text(__FILE__, __LINE__,
                     "process partition_supervisor! dynamic_supervisor! task_supervisor! pubsub agent registry "
                     "supervisor! server ",
                     kinds);
    const regrow_child_count count = GOOD(above.try_count_children());
    CHECK(count.specs == 9 && count.active == 9 && count.supervisors == 4);
    const supervisor dynamic = GOOD(above.try_lookup("dynamic"));
    GOOD(dynamic.try_start_child(tree::server<worker>("d", std::string("d"))));
    CHECK_CODE(REGROW_ERR_LIMIT, dynamic.try_start_child(tree::server<worker>("e", std::string("e"))));
    CHECK(GOOD(dynamic.try_start_child_async(tree::server<worker>("d", std::string("d")))).try_wait().code() != REGROW_OK);
    const supervisor partitions = GOOD(above.try_lookup("partitions"));
    CHECK(GOOD(partitions.try_partition_count()) == 2 && GOOD(partitions.try_partition(3)) != GOOD(partitions.try_partition(4)));
    CHECK_TERM("[]", GOOD(try_call(via(partitions.pid(), 3), 1)));
    CHECK(GOOD(above.try_tree(REGROW_TREE_TEXT)).is_bytes());
    GOOD(try_stop(above.pid(), atom("shutdown")));
    test::check_text(__FILE__, __LINE__, "+d -p -p -d -c -b -a ", told());
    CHECK(alive == 0);
}

void children_come_and_go()
{
    const supervisor above = GOOD(try_start(node, tree::supervisor("s", one_for_all)));
    const pid a = GOOD(above.try_start_child(child_named("a").transient()));
    CHECK_CODE(REGROW_ERR_EXISTS, above.try_start_child(child_named("a")));
    CHECK(GOOD(above.try_lookup("a")) == a && a.is_alive());
    CHECK_TERM("transient", GOOD(above.try_childspec("a")).get(atom("restart")));
    CHECK_CODE(REGROW_ERR_RUNNING, above.try_delete_child("a"));
    GOOD(above.try_terminate_child("a"));
    CHECK(!GOOD(above.try_lookup("a")));
    CHECK(GOOD(above.try_which_children())[0].state == "undefined");
    CHECK(GOOD(above.try_restart_child("a")) != a);
    GOOD(above.try_terminate_child("a"));
    GOOD(above.try_delete_child("a"));
    CHECK_CODE(REGROW_ERR_NOT_FOUND, above.try_lookup("a"));
    GOOD(try_stop(above.pid(), atom("normal")));
    test::check_text(__FILE__, __LINE__, "+a -a +a -a ", told());
}

void a_template_gets_arguments()
{
    const supervisor above = GOOD(try_start(
        node, tree::supervisor("s", simple_one_for_one, tree::server<worker>("w", std::string("w")).argument(list(1)))));
    const pid one = GOOD(above.try_start_instance(2)), other = GOOD(above.try_start_instance("x"));
    CHECK_TERM("[1,2]", GOOD(try_call(one, 0)));
    CHECK_TERM("[1,<<120>>]", GOOD(try_call(other, 0)));
    GOOD(above.try_terminate_child(one));
    CHECK(!one.is_alive() && other.is_alive());
    GOOD(try_stop(above.pid(), atom("normal")));
    (void)told();
}

void an_init_adds_children()
{
    const supervisor above = GOOD(try_start(
        node, tree::supervisor("s", one_for_one, child_named("a"))
                  .argument(3)
                  .on_init([](context& at_hand, children& more, term_view argument) {
                      for (int number = 0; number < *argument.as<int>(); number++)
                          GOOD(more.try_add(tree::server<worker>(number, std::to_string(number))));
                      return at_hand.raw() ? ready : ignore;
                  })));
    test::check_text(__FILE__, __LINE__, "+a +0 +1 +2 ", told());
    GOOD(try_stop(above.pid(), atom("normal")));
    CHECK_CODE(REGROW_ERR_IGNORED, try_start(node, tree::dynamic_supervisor("s").on_init([](context&, children&, term_view) { return ignore; })));
    (void)told();
}

void restarts_are_told_and_limited()
{
    backoff how;
    how.max_restarts = 1;
    how.park = true;
    const supervisor above = GOOD(try_start(
        node, tree::supervisor("s", one_for_one, child_named("a").backoff(how), child_named("b")).max_restarts(1)));
    const ref subscription = GOOD(above.try_subscribe());
    kill("a");
    const auto happens = [&](const char* what) {
        const term event = GOOD(try_receive(test::long_limit));
        CHECK(event[0].is_atom("child") && event[1].as_ref() == subscription && event[2].as_pid() == above.pid());
        test::check_text(__FILE__, __LINE__, what, event[3].get(atom("event")).print());
    };
    happens("terminated");
    happens("restarted");
    kill("a");
    happens("terminated");
    happens("parked");
    CHECK(GOOD(above.try_which_children())[1].state == "parked");
    const auto children = GOOD(GOOD(above.try_which_children_async()).try_wait(test::long_limit));
    CHECK(children.size() == 2 && children[1].state == "parked" && children[0].state == "running" && children[0].process == find("b"));
    const std::string shown = *GOOD(GOOD(above.try_tree_async(REGROW_TREE_JSON)).try_wait(test::long_limit)).as<std::string>();
    CHECK(shown.find("\"status\":\"given_up\"") != std::string::npos);
    GOOD(above.try_restart_child("a"));
    happens("restarted");
    GOOD(above.try_unsubscribe(subscription));
    CHECK(GOOD(above.try_history()).size() == 2);
    const ref monitor = GOOD(try_monitor(above.pid()));
    kill("b");
    kill("b");
    CHECK(test::reason_of(monitor) == "shutdown");
    (void)told();
}

void significant_children_end_their_supervisor()
{
    const monitored above = GOOD(try_start_monitor(
        tree::supervisor("s", one_for_one, child_named("a").transient().significant(), child_named("b"))
            .auto_shutdown(auto_shutdown::any_significant)));
    GOOD(try_stop(find("a")));
    CHECK(test::reason_of(above.monitor) == "shutdown");
    (void)told();
}

void children_are_started_at_once()
{
    const supervisor above = GOOD(try_start(
        node, tree::supervisor("s", one_for_one, child_named("a"), child_named("b")).parallel_start()));
    GOOD(try_stop(above.pid(), atom("normal")));
    CHECK(told().size() == 12);
}

void a_child_goes_by_a_key()
{
    const pid registry_pid = GOOD(try_start(node, tree::registry("r").named("keys")));
    const pid child = GOOD(try_start(node, tree::server<worker>("w", std::string("w")).registered(via("keys", 7).value("beside").in(node))));
    const registry keys(registry_pid);
    CHECK(GOOD(keys.try_whereis(7)) == child && GOOD(keys.try_lookup<std::string>(7))[0].second == "beside");
    CHECK(GOOD(try_whereis(via("keys", 7).in(node))) == child);
    GOOD(try_stop(registry_pid));
    GOOD(try_exit(child, atom("kill")));
    (void)told();
}

void bad_specs_are_refused()
{
    CHECK_CODE(REGROW_ERR_START, try_start(node, tree::supervisor("s", one_for_one, child_named("a"), child_named("a"))));
    CHECK_CODE(REGROW_ERR_ARGUMENT, try_start(node, tree::supervisor("s", strategy(9), child_named("a"))));
    CHECK_CODE(REGROW_ERR_ARGUMENT, try_start(node, tree::supervisor(term("\xff"), one_for_one, tree::server<worker>(term("\xff"), std::string("w")))));
    CHECK_CODE(REGROW_ERR_NOT_ALIVE, try_start(pid(), child_named("a")));
    CHECK_CODE(REGROW_ERR_NO_PROCESS, supervisor(pid()).try_start_child(child_named("a")));
    CHECK_CODE(REGROW_ERR_WRONG_KIND, supervisor(GOOD(try_start(node, tree::registry("r")))).try_start_child(child_named("a")));
    backoff how;
    how.factor_percent = 5;
    CHECK_CODE(REGROW_ERR_ARGUMENT, try_start(node, tree::supervisor("s", one_for_one, child_named("a").backoff(how))));
    CHECK(told().empty());
}

} // namespace

int main()
{
    return test::in_a_runtime([] {
        RUN(a_tree_is_a_literal);
        RUN(children_come_and_go);
        RUN(a_template_gets_arguments);
        RUN(an_init_adds_children);
        RUN(restarts_are_told_and_limited);
        RUN(significant_children_end_their_supervisor);
        RUN(children_are_started_at_once);
        RUN(a_child_goes_by_a_key);
        RUN(bad_specs_are_refused);
    });
}
