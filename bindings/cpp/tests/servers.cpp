// Servers as classes and as functions, what is asked of them, and how they end.
#include "test.hpp"

using namespace regrow;
using namespace std::chrono_literals;
using test::long_limit;
using test::reason_of;
using regrow::tree::server_of;
using test::node;

namespace {

struct add {
    using reply = int;
    int by = 0;
};
struct get {
    using reply = int;
};
struct reset {
    using reply = void;
};

} // namespace

template <> struct regrow::codec<add> : regrow::record<add, &add::by> {
    static constexpr const char* tag = "add";
};
template <> struct regrow::codec<get> : regrow::record<get> {
    static constexpr const char* tag = "get";
};
template <> struct regrow::codec<reset> : regrow::record<reset> {
    static constexpr const char* tag = "reset";
};

namespace {

// ---- classes ----

std::atomic<int> alive;

class counter {
public:
    explicit counter(int from = 0) : count_(from) { alive++; }
    counter(const counter&) = delete;
    ~counter() { alive--; }

    using calls = messages<add, get, reset>;
    int handle_call(add request) { return count_ += request.by; }
    int handle_call(get) const { return count_; }
    void handle_call(const reset&) { count_ = 0; }
    void handle_cast(context&, add request) { count_ += request.by; }
    void handle_info(int number) { count_ = number; }
    term get_state() const { return tuple(atom("count"), count_); }
    bool replace_state(int count) { return count >= 0 && (count_ = count, true); }

private:
    int count_;
};

void a_class_is_a_server()
{
    {
        const pid server = GOOD(try_start(node, tree::server<counter>("counter", 5)));
        CHECK(GOOD(try_call(server, get{})) == 5 && GOOD(try_call(server, add{2})) == 7);
        const result<void> done = try_call(server, reset{});
        CHECK(done);
        GOOD(try_cast(server, add{3}));
        CHECK(GOOD(try_call(server, get{})) == 3);
        GOOD(try_send(server, 40));
        GOOD(try_send(server, "what nobody takes is dropped"));
        CHECK(GOOD(try_call(server, get{})) == 40);
        CHECK_TERM("{count,40}", GOOD(try_get_state(server)));
        GOOD(try_replace_state(server, 7));
        CHECK_CODE(REGROW_ERR_WRONG_KIND, try_replace_state(server, -7));
        CHECK_CODE(REGROW_ERR_WRONG_KIND, try_replace_state(server, "seven"));
        CHECK(GOOD(try_call(server, get{})) == 7 && alive == 1);
        GOOD(try_stop(server));
        CHECK_CODE(REGROW_ERR_NO_PROCESS, try_call(server, get{}));
    }
    GOOD(try_settle(node));
    CHECK(alive == 0);
}

void a_reply_has_the_type_that_is_asked_for()
{
    const pid server = GOOD(try_start(node, tree::server<counter>("counter", 5)));
    CHECK_TERM("5", GOOD(try_call<term>(server, get{})));
    CHECK(GOOD(try_call<double>(GOOD(try_start(node, server_of("half", 0).on_call([](int&, get) { return 0.5; }))), get{})) == 0.5);
    const auto wrong = try_call<std::string>(server, get{});
    CHECK_CODE(REGROW_ERR_WRONG_KIND, wrong);
    CHECK_TERM("{undecodable,5}", wrong.error().reason());
    CHECK(server.is_alive());
    GOOD(try_stop(server));
}

void what_a_server_does_not_understand_ends_it()
{
    const monitored one = GOOD(try_start_monitor(tree::server<counter>("counter")));
    CHECK_CODE(REGROW_ERR_EXITED, try_call(one.process, tuple(atom("add"), "one")));
    CHECK(reason_of(one.monitor) == "{bad_call,{add,<<111,110,101>>}}");
    const monitored other = GOOD(try_start_monitor(tree::server<counter>("counter")));
    GOOD(try_cast(other.process, 1));
    CHECK(reason_of(other.monitor) == "{bad_cast,1}");
    struct mute {};
    const monitored third = GOOD(try_start_monitor(tree::server<mute>("mute")));
    CHECK_CODE(REGROW_ERR_EXITED, try_call(third.process, 1));
    GOOD(try_stop(third.process));
    CHECK(reason_of(third.monitor) == "normal");
    GOOD(try_settle(node)); // who is told of an end hears of it before its state goes
    CHECK(alive == 0);
}

// ---- every callback, and what each may return ----

std::string seen;

struct talkative final {
    explicit talkative(context& at_hand, std::string name) : name(std::move(name)) { CHECK(at_hand.raw()); }
    next init(context& at_hand, term_view arg)
    {
        seen += name + " init " + arg.print() + "; ";
        if (arg.is_atom("ignore"))
            return ignore;
        if (arg.is_atom("refuse"))
            return at_hand.stop(atom("refused"));
        return at_hand.continue_with(ready, atom("first"));
    }
    void handle_continue(term_view argument) { seen += "continue " + argument.print() + "; "; }
    next handle_call(context& at_hand, term_view request)
    {
        if (request.is_atom("stop"))
            return at_hand.reply_stop("bye", atom("stopped"));
        if (request.is_atom("idle"))
            return at_hand.idle_timeout(at_hand.reply(atom("soon")), 1ms);
        if (request.is_atom("defer")) {
            later = GOOD(at_hand.try_defer<int>());
            CHECK_CODE(REGROW_ERR_CONTEXT, at_hand.try_defer());
            GOOD(try_send(GOOD(try_self()), atom("answer")));
            return noreply;
        }
        return at_hand.reply(request.clone());
    }
    next handle_info(context&, atom message)
    {
        if (message == atom("answer")) {
            GOOD(later.try_answer(42));
            CHECK_CODE(REGROW_ERR_NOT_FOUND, later.try_answer(43));
        }
        seen += "info " + std::string(message.name()) + "; ";
        return noreply;
    }
    void terminate(term_view reason) { seen += "terminate " + reason.print() + "; "; }

    std::string name;
    caller<int> later;
};

void every_callback_is_called()
{
    seen.clear();
    const pid server = GOOD(try_start(node, tree::server<talkative>("talkative", std::string("Tom")).argument(7)));
    CHECK_TERM("[1]", GOOD(try_call(server, list(1))));
    CHECK(GOOD(try_call<int>(server, atom("defer"))) == 42);
    CHECK_TERM("soon", GOOD(try_call(server, atom("idle"))));
    while (GOOD(try_settle(node)).next_timer) // the idle timeout's
        GOOD(try_sleep(1ms));
    CHECK(GOOD(try_call<std::string>(server, atom("stop"))) == "bye");
    GOOD(try_settle(node));
    test::check_text(__FILE__, __LINE__, "Tom init 7; continue first; info answer; info timeout; terminate stopped; ", seen);
    CHECK_CODE(REGROW_ERR_IGNORED, try_start(node, tree::server<talkative>("t", std::string("A")).argument(atom("ignore"))));
    const auto refused = try_start(node, tree::server<talkative>("t", std::string("B")).argument(atom("refuse")));
    CHECK_CODE(REGROW_ERR_START, refused);
    CHECK_TERM("refused", refused.error().reason());
}

void a_server_goes_by_a_registered_name()
{
    GOOD(try_register_behaviour("counter", tree::server<counter>("not its id", 5)));
    CHECK_CODE(REGROW_ERR_EXISTS, try_register_behaviour("counter", tree::server<counter>("counter", 6)));
    CHECK_CODE(REGROW_ERR_ARGUMENT, try_register_behaviour("", tree::server<counter>("counter")));
    CHECK_CODE(REGROW_ERR_ARGUMENT, try_register_behaviour(std::string("coun\0ter", 8), tree::server<counter>("counter")));
    const pid server = GOOD(try_start(node, tree::behaviour("some", "counter")));
    CHECK(GOOD(try_call(server, get{})) == 5);
    GOOD(try_stop(server));

    const auto tells = server_of("functions", 1).argument(3).on_call([](int& count, get) { return count; });
    GOOD(try_register_behaviour("functions", tells));
    GOOD(try_register_behaviour("talkative", tree::server<talkative>("talkative", "named").argument(1)));
    const pid other = GOOD(try_start(node, tree::behaviour("some", "functions")));
    CHECK(GOOD(try_call(other, get{})) == 1);
    GOOD(try_stop(other));

    seen.clear();
    GOOD(try_stop(GOOD(try_start(node, tree::behaviour("some", "talkative")))));
    GOOD(try_stop(GOOD(try_start(node, tree::behaviour("some", "talkative").argument(2)))));
    CHECK(seen.find("named init 1; ") != std::string::npos && seen.find("named init 2; ") != std::string::npos);

    CHECK_CODE(REGROW_ERR_NOT_FOUND, try_start(node, tree::behaviour("some", "unheard of")));
    CHECK_CODE(REGROW_ERR_NOT_FOUND, try_start(node, tree::behaviour("some", std::string("counter\0", 8))));
}

void a_result_is_a_reply_or_a_crash()
{
    const auto spec = server_of("results", 0)
                          .on_call([](int&, int number) -> result<int> {
                              if (number < 0)
                                  return error(REGROW_ERR_ARGUMENT, atom("negative"), "below zero");
                              return number * 2;
                          })
                          .on_call([](int&, get) -> result<void> { return {}; });
    const monitored one = GOOD(try_start_monitor(spec));
    CHECK(GOOD(try_call<int>(one.process, 4)) == 8);
    CHECK_TERM("ok", GOOD(try_call<term>(one.process, get{})));
    CHECK_CODE(REGROW_ERR_EXITED, try_call<int>(one.process, -1));
    const std::string reason = reason_of(one.monitor);
    CHECK(reason.find("{exception,") == 0);
}

// ---- functions ----

void functions_are_a_server()
{
    std::string last;
    const auto spec = server_of("functions", 10)
                          .on_call([](int& count, add request) { return count += request.by; })
                          .on_call([](int& count, context& at_hand, get) { return at_hand.reply(count); })
                          .on_cast([](int& count, reset) { count = 0; })
                          .on_info([](int& count, context& at_hand, atom) { return at_hand.stop(tuple(atom("at"), count)); })
                          .on_terminate([&last](int& count, term_view reason) { last = reason.print() + std::to_string(count); });
    const monitored one = GOOD(try_start_monitor(spec));
    CHECK(GOOD(try_call(one.process, add{1})) == 11 && GOOD(try_call(one.process, get{})) == 11);
    GOOD(try_cast(one.process, reset{}));
    GOOD(try_send(one.process, 1)); // nobody takes it
    GOOD(try_send(one.process, atom("end")));
    CHECK(reason_of(one.monitor) == "{at,0}" && last == "{at,0}0");
    // Each start begins anew, and what a handler keeps is its own server's.
    const auto keeping = server_of("keeping", [] { return std::make_unique<int>(1); })
                             .on_call([calls = 0](std::unique_ptr<int>& state, get) mutable { return *state + calls++; });
    const pid first = GOOD(try_start(node, keeping)), second = GOOD(try_start(node, keeping));
    CHECK(GOOD(try_call(first, get{})) == 1 && GOOD(try_call(first, get{})) == 2 && GOOD(try_call(second, get{})) == 1);
    GOOD(try_stop(first));
    GOOD(try_stop(second));
}

// ---- asking ----

void questions_that_fail_say_why()
{
    const pid server = GOOD(try_start(node, server_of("slow", 0).on_call([](int&, context& at_hand, get) {
        (void)GOOD(at_hand.try_defer());
        return noreply;
    })));
    CHECK_CODE(REGROW_ERR_TIMEOUT, try_call(server, get{}, 1ms));
    CHECK_CODE(REGROW_ERR_NO_PROCESS, try_call(pid(), get{}));
    CHECK_CODE(REGROW_ERR_WRONG_KIND, try_call(GOOD(try_spawn(node, [] { (void)try_receive(); })), get{}));
    CHECK_CODE(REGROW_ERR_NOT_FOUND, try_call(at("nobody").in(node), get{}));
    CHECK_CODE(REGROW_ERR_NOT_FOUND, try_whereis(at("nobody").in(node).wait(1ms)));
    CHECK_CODE(REGROW_ERR_ARGUMENT, try_call(server, term("\xff")));
    auto pending = GOOD(try_send_request(server, get{}, long_limit));
    CHECK_CODE(REGROW_ERR_TIMEOUT, pending.try_wait(1ms));
    GOOD(try_exit(server, atom("gone")));
    const auto outcome = pending.try_wait(long_limit);
    CHECK_CODE(REGROW_ERR_EXITED, outcome);
    CHECK_TERM("gone", outcome.error().reason());
    GOOD(try_settle(node));
}

void answers_come_later()
{
    const pid server = GOOD(try_start(node, tree::server<counter>("counter", 5).named("here")));
    auto pending = GOOD(try_send_request(at("here").in(node), get{}));
    CHECK(GOOD(pending.try_wait()) == 5);
    std::future<result<int>> future = try_call_async(server, add{1});
    CHECK(GOOD(future.get()) == 6);
    std::promise<int> told;
    GOOD(GOOD(try_send_request(server, get{})).try_then([&](result<int> outcome) { told.set_value(GOOD(std::move(outcome))); }));
    CHECK(told.get_future().get() == 6);
    CHECK_CODE(REGROW_ERR_WRONG_KIND, try_call_async<std::string>(server, get{}).get());
    auto stopped = GOOD(try_stop_async(server));
    GOOD(stopped.try_wait());
    CHECK_CODE(REGROW_ERR_NO_PROCESS, try_call_async(server, get{}).get());
#if REGROW_EXCEPTIONS
    const pid another = start(node, tree::server<counter>("counter", 1));
    std::future<int> value = call_async(another, add{1});
    CHECK(value.get() == 2);
    value = call_async(another, add{0}, 0s);
    regrow::exit(another, atom("kill"));
    try {
        const int answer = value.get();
        CHECK(answer == 2); // it was faster
    } catch (const error& why) {
        CHECK(why.code() == REGROW_ERR_EXITED || why.code() == REGROW_ERR_TIMEOUT);
    }
#endif
}

void an_address_follows_a_restart()
{
    const supervisor above = GOOD(try_start(node, tree::supervisor("above", one_for_one, tree::server<counter>("counter", 5).named("name"))));
    const address there = at("name").in(node).wait(30s);
    CHECK(GOOD(try_call(there, add{1})) == 6);
    const pid first = GOOD(try_whereis(there));
    const ref monitor = GOOD(try_monitor(first));
    GOOD(try_exit(first, atom("kill")));
    CHECK(reason_of(monitor) == "killed"); // and its name is free
    CHECK(GOOD(try_call(there, add{1})) == 6);
    GOOD(try_stop(above.pid(), atom("normal")));
}

void a_server_runs_where_it_is_told_to()
{
    const auto waits = [](int&, get) { return static_cast<int>(try_sleep(1ms).code()); };
    const pid no_park = GOOD(try_start(node, server_of("no park", 0).on_call(waits).no_park()));
    CHECK(GOOD(try_call(no_park, get{})) == REGROW_ERR_WOULD_BLOCK);
    const pid on_thread = GOOD(try_start(node, server_of("thread", 0).on_call(waits).on_thread()));
    CHECK(GOOD(try_call(on_thread, get{})) == REGROW_OK);
    const pid at_once = GOOD(try_start(node, server_of("inline", 0).on_call(waits).inline_calls()));
    CHECK(GOOD(try_call(at_once, get{})) == REGROW_OK);
    const pid bounded = GOOD(try_start(node, server_of("bounded", 0).on_call(waits).mailbox_limit(1)));
    GOOD(try_suspend(bounded));
    GOOD(try_send(bounded, 1));
    CHECK_CODE(REGROW_ERR_LIMIT, try_send(bounded, 2));
    GOOD(try_resume(bounded));
    for (pid one : {no_park, on_thread, at_once, bounded})
        GOOD(try_stop(one));
}

#if REGROW_EXCEPTIONS
struct my_error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

void whatever_is_thrown_is_the_reason()
{
    const auto spec = server_of("throws", 0)
                          .on_call([](int&, int what) -> int {
                              switch (what) {
                              case 0: throw my_error("too bad");
                              case 1: throw 7;
                              case 2: throw exit_with(tuple(atom("shutdown"), 3));
                              case 3: throw "a literal";
                              case 4: return call<int>(pid(), 1);
                              default: return what;
                              }
                          })
                          .on_cast([](int&, int) { throw my_error("in a cast"); })
                          .on_info([](int&, int) { throw my_error("in an info"); });
    const char* expected[] = {
        "{exception,<<\"(anonymous namespace)::my_error\">>,<<\"too bad\">>}",
        "{exception,<<\"int\">>,<<>>}",
        "{shutdown,3}",
        "{exception,<<\"char const*\">>,<<\"a literal\">>}",
        "{exception,<<\"regrow::error\">>,<<\"REGROW_ERR_NO_PROCESS: the process is not alive (noproc)\">>}",
    };
    const auto written = [](term_view reason) { // Erlang's ~p, as far as it is needed here
        if (!reason[0].is_atom("exception"))
            return reason.print();
        const auto text = [](term_view bytes) {
            return bytes.as_bytes()->empty() ? std::string("<<>>") : "<<\"" + std::string(*bytes.as_bytes()) + "\">>";
        };
        return "{exception," + text(reason[1]) + "," + text(reason[2]) + "}";
    };
    for (int what = 0; what < 5; what++) {
        const monitored one = start_monitor(spec);
        CHECK_CODE(REGROW_ERR_EXITED, try_call<int>(one.process, what));
        const down end = receive<down>(long_limit);
        test::check_text(__FILE__, __LINE__, expected[what], written(end.reason));
    }
    const monitored cast_to = start_monitor(spec), sent_to = start_monitor(spec);
    regrow::cast(cast_to.process, 1);
    CHECK(written(receive<down>(long_limit).reason).find("in a cast") != std::string::npos);
    regrow::send(sent_to.process, 1);
    CHECK(written(receive<down>(long_limit).reason).find("in an info") != std::string::npos);
}

struct throws_in {
    explicit throws_in(int where) : where(where)
    {
        alive++;
        if (where == 0) {
            alive--;
            throw my_error("constructor");
        }
    }
    ~throws_in() { alive--; }
    void init()
    {
        if (where == 1)
            throw my_error("init");
    }
    void terminate()
    {
        if (where == 3)
            throw my_error("terminate");
    }
    int get_state() const { throw my_error("state"); }
    int where;
};

void a_start_that_throws_is_refused()
{
    for (int where : {0, 1}) {
        const auto started = try_start(node, tree::server<throws_in>("throws", where));
        CHECK_CODE(REGROW_ERR_START, started);
        CHECK(*started.error().reason()[2].as<std::string>() == (where ? "init" : "constructor"));
    }
    const monitored third = start_monitor(tree::server<throws_in>("throws", 3));
    CHECK_CODE(REGROW_ERR_WRONG_KIND, try_get_state(third.process));
    stop(third.process, atom("normal"));
    CHECK(reason_of(third.monitor) == "normal");
    settle(node);
    CHECK(alive == 0);
}

void values_and_throws_read_as_one()
{
    const pid server = start(node, tree::server<counter>("counter", 5));
    CHECK(call(server, add{1}) == 6 && call<long>(server, get{}) == 6);
    call(server, reset{});
    try {
        call<std::string>(server, get{});
        CHECK(!"it threw");
    } catch (const error& why) {
        CHECK(why.code() == REGROW_ERR_WRONG_KIND);
    }
    stop(server);
}

std::atomic<int> stages;

void a_killed_callback_unwinds()
{
    stages = 0;
    struct guard {
        ~guard() { stages |= 4; }
    };
    const pid server = start(node, server_of("killed", 0).on_cast([](int&, get) {
        const guard unwound;
        stages |= 1;
        try {
            regrow::sleep(infinity);
            stages |= 8;
        } catch (const std::exception&) {
            stages |= 16; // killed is none
        } catch (const killed&) {
            stages |= 2;
            CHECK_CODE(REGROW_ERR_KILLED, try_sleep(1ms));
            throw;
        }
    }));
    regrow::cast(server, get{});
    settle(node);
    CHECK(stages == 1);
    regrow::exit(server, atom("kill"));
    while (stats(node).ghosts != 0 || !(stages & 4))
        regrow::sleep(1ms);
    CHECK(stages == (1 | 2 | 4));
}
#endif

} // namespace

int main()
{
    return test::in_a_runtime([] {
        RUN(a_class_is_a_server);
        RUN(a_reply_has_the_type_that_is_asked_for);
        RUN(what_a_server_does_not_understand_ends_it);
        RUN(every_callback_is_called);
        RUN(a_result_is_a_reply_or_a_crash);
        RUN(functions_are_a_server);
        RUN(questions_that_fail_say_why);
        RUN(answers_come_later);
        RUN(an_address_follows_a_restart);
        RUN(a_server_runs_where_it_is_told_to);
        RUN(a_server_goes_by_a_registered_name);
#if REGROW_EXCEPTIONS
        RUN(whatever_is_thrown_is_the_reason);
        RUN(a_start_that_throws_is_refused);
        RUN(values_and_throws_read_as_one);
        RUN(a_killed_callback_unwinds);
#endif
    });
}
