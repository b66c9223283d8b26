// Terms: made, moved, read, compared; and the codecs, whose values come back as they were.
#include "test.hpp"
#include <climits>
#include <limits>

using namespace regrow;
using namespace std::string_literals;

namespace {

struct point {
    int x = 0, y = 0;
    friend bool operator==(const point& a, const point& b) { return a.x == b.x && a.y == b.y; }
};
struct line {
    point from, to;
    std::optional<std::string> name;
    std::vector<double> marks;
};
struct ping {};
enum class colour : unsigned char { red = 1, green };

// A struct of somebody else's, with a codec by hand.
struct celsius {
    double degrees;
};

} // namespace

template <> struct regrow::codec<point> : regrow::record<point, &point::x, &point::y> {
    static constexpr const char* tag = "point";
};
template <> struct regrow::codec<line> : regrow::record<line, &line::from, &line::to, &line::name, &line::marks> {
    static constexpr const char* tag = "line";
};
template <> struct regrow::codec<ping> : regrow::record<ping> {
    static constexpr const char* tag = "ping";
};
template <> struct regrow::codec<celsius> {
    static term encode(celsius value) { return term(value.degrees); }
    static std::optional<celsius> decode(term_view from)
    {
        const auto degrees = from.as_float();
        return degrees && *degrees >= -273.15 ? std::optional<celsius>(celsius{*degrees}) : std::nullopt;
    }
};

namespace {

template <class T> void comes_back(const T& value, const char* printed)
{
    const term made(value);
    CHECK_TERM(printed, made);
    const std::optional<T> back = made.template as<T>();
    CHECK(back && *back == value);
}

void values_come_back_as_they_were()
{
    comes_back(true, "true");
    comes_back(0, "0");
    comes_back(std::int8_t(-128), "-128");
    comes_back(std::numeric_limits<std::int64_t>::min(), "-9223372036854775808");
    comes_back(std::numeric_limits<std::uint64_t>::max(), "18446744073709551615");
    comes_back(std::uint64_t(1) << 63, "9223372036854775808");
    comes_back(1.5, "1.5");
    comes_back("text"s, "<<116,101,120,116>>");
    comes_back("with\0nul"s, "<<119,105,116,104,0,110,117,108>>");
    comes_back(atom("ok"), "ok");
    comes_back(colour::green, "2");
    comes_back(std::optional<int>(7), "7");
    comes_back(std::optional<int>(), "undefined");
    comes_back(std::vector<int>{1, 2, 3}, "[1,2,3]");
    comes_back(std::vector<std::vector<int>>{{}, {1}}, "[[],[1]]");
    comes_back(std::vector<std::byte>{std::byte{255}, std::byte{0}}, "<<255,0>>");
    comes_back(std::make_tuple(1, "a"s, atom("b")), "{1,<<97>>,b}");
    comes_back(std::tuple<>(), "{}");
    comes_back(std::make_pair(1, 2.0), "{1,2.0}");
    comes_back(std::map<std::string, int>{{"a", 1}, {"b", 2}}, "#{<<97>> => 1,<<98>> => 2}");
    comes_back(std::unordered_map<int, bool>{{1, false}}, "#{1 => false}");
    comes_back(std::variant<int, std::string>("x"s), "<<120>>");
    comes_back(point{3, -4}, "{point,3,-4}");
    CHECK_TERM("ping", term(ping{}));
    CHECK(term(atom("ping")).as<ping>() && !term(atom("pong")).as<ping>());
    CHECK(term(test::me).as<pid>() == test::me);
}

void terms_inside_of_values_get_another_owner()
{
    const term inner = list("some text, long enough for the heap");
    const std::tuple<int, term> given(1, inner.clone());
    CHECK(term(given)[1] == inner && tuple(inner, 2)[0] == inner);
    CHECK(term(std::optional<term>(inner.clone())) == inner && map(std::pair(1, inner.clone())).get(1) == inner);
    std::vector<term> many;
    many.push_back(inner.clone());
    CHECK(term(many).head() == inner && term(many).as<std::vector<term>>()->front() == inner);
}

void structs_nest()
{
    const line given{{1, 2}, {3, 4}, "edge", {0.5, 1.0}};
    const term made(given);
    CHECK_TERM("{line,{point,1,2},{point,3,4},<<101,100,103,101>>,[0.5,1.0]}", made);
    const auto back = made.as<line>();
    CHECK(back && back->to == given.to && back->name == given.name && back->marks == given.marks);
}

void what_is_something_else_is_none()
{
    CHECK(!term(300).as<std::int8_t>() && !term(-1).as<unsigned>() && !term(256).as<std::uint8_t>());
    CHECK(!term(1).as<bool>() && !term(1).as<double>() && !term(1.0).as<int>() && !term("a").as<int>());
    CHECK(!term(-1).as<std::uint64_t>());
    const term huge = GOOD(term::try_from_external("\x83\x6e\x09\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09"s));
    CHECK(huge.is_int() && !huge.as_int() && !huge.as<std::uint64_t>());
    CHECK(!term(atom("text")).as<std::string>() && !term("text").as<atom>());
    CHECK(!list(1, "a").as<std::vector<int>>() && !tuple(1).as<std::vector<int>>());
    CHECK(!term::own(regrow_cons(regrow_int(1), regrow_int(2))).as<std::vector<int>>());
    CHECK(!tuple(1, 2).as<std::tuple<int>>() && !tuple(1, "a").as<std::pair<int, int>>());
    CHECK(!tuple(atom("point"), 1).as<point>() && !tuple(atom("pt"), 1, 2).as<point>());
    CHECK(!tuple(atom("point"), 1, "2").as<point>() && !term(1).as<point>());
    CHECK(!term(-300.0).as<celsius>() && term(20.5).as<celsius>()->degrees == 20.5);
    CHECK(!map(std::pair(1, "a")).as<std::map<int, int>>() && !term(1).as<std::map<int, int>>());
    CHECK(!term(1.5).as<std::variant<int, std::string>>());
    CHECK_CODE(REGROW_ERR_WRONG_KIND, term("seven").try_to<int>());
    CHECK_TERM("{undecodable,<<115,101,118,101,110>>}", term("seven").try_to<int>().error().reason());
}

void an_invalid_view_answers_no_to_everything()
{
    const term_view nothing;
    CHECK(!nothing.is_valid() && !nothing.is_nil() && !nothing.as_int() && !nothing.as_bytes() && !nothing.as_atom());
    CHECK(nothing.size() == 0 && !nothing[0].is_valid() && !nothing.head().is_valid() && !nothing.get(1).is_valid());
    CHECK(!nothing.entry(0).first.is_valid() && !nothing.as<point>() && !nothing.clone().is_valid());
    CHECK(nothing != nothing && nothing.items().begin() == nothing.items().end());
}

void terms_are_read()
{
    const term made = tuple(atom("a"), list(1, 2, 3), map(std::pair("key", 1.5), std::pair(2, test::me)));
    CHECK(made.size() == 3 && made[0].is_atom("a") && !made[0].is_atom("b") && !made[3].is_valid());
    int sum = 0;
    for (term_view item : made[1].items())
        sum += *item.as<int>();
    CHECK(sum == 6 && made[1].size() == 3 && made[1].head().as_int() == 1 && made[1].tail().tail().tail().is_nil());
    CHECK(made[2].size() == 2 && made[2].get("key").as_float() == 1.5 && !made[2].get("none").is_valid());
    CHECK(made[2].entry(0).first.as_int() == 2 && made[2].entry(0).second.as_pid() == test::me);
    CHECK(*term("some text, long enough for the heap").as_bytes() == "some text, long enough for the heap");
    CHECK(term().is_nil() && list().is_nil() && tuple().size() == 0);
    const std::string bytes = GOOD(made[1].try_external());
    CHECK(GOOD(term::try_from_external(bytes)) == made[1]);
    CHECK_CODE(REGROW_ERR_ARGUMENT, term::try_from_external("\x83nonsense"));
    CHECK_CODE(REGROW_ERR_WRONG_KIND, resource(&sum, nullptr).try_external());
    CHECK(atom::named("of its own"s + "kind").name() == "of its ownkind");
}

void terms_are_compared_as_erlang_does()
{
    CHECK(term(1) == term(1) && term(1) != term(1.0) && !(term(1) < term(1.0)) && term(1) < term(atom("a")));
    const term made = tuple(1, 2);
    const term_view view = made;
    CHECK(view == made && made == view && made.clone() == view);
}

void a_moved_term_is_nil()
{
    term first = list("a", "b");
    const term second = std::move(first);
    CHECK(first.is_nil() && second.size() == 2);
    first = second.clone();
    CHECK(first == second);
    term& same = first;
    first = std::move(same);
    CHECK(first == second);
}

std::atomic<int> dropped;

void a_resource_is_dropped_once()
{
    dropped = 0;
    {
        const term made = resource(&dropped, [](void* count) { ++*static_cast<std::atomic<int>*>(count); });
        const term again = made.clone();
        CHECK(again.as_resource() == &dropped && dropped == 0);
    }
    CHECK(dropped == 1);
}

void invalid_terms_are_refused()
{
    CHECK(!term(std::numeric_limits<double>::quiet_NaN()).is_valid());
    CHECK(!term("\xff").is_valid() && term("\xff"s).is_valid()); // text, and bytes
    CHECK(!term(static_cast<const char*>(nullptr)).is_valid());
    CHECK(!tuple(1, std::numeric_limits<double>::infinity()).is_valid());
    CHECK_CODE(REGROW_ERR_ARGUMENT, try_send(test::me, term("\xff")));
    const std::string too_long(300, 'a');
    CHECK(atom::named(too_long).name().empty());
}

void limits_are_rounded_up_and_kept_off_the_constants()
{
    using namespace std::chrono;
    CHECK(time_limit(microseconds(1)).milliseconds() == 1 && time_limit(microseconds(2000)).milliseconds() == 2);
    CHECK(time_limit(seconds(2)).milliseconds() == 2000 && time_limit(-seconds(2)).milliseconds() == 0);
    CHECK(time_limit(duration<double>(0.0015)).milliseconds() == 2);
    CHECK(time_limit(hours::max()).milliseconds() < REGROW_BRUTAL_KILL && infinity.milliseconds() == REGROW_INFINITY);
    CHECK(time_limit(duration<double>(std::numeric_limits<double>::quiet_NaN())).milliseconds() == 0);
}

void results_hold_a_value_or_an_error()
{
    result<int> good = 7;
    CHECK(good && *good == 7 && good.code() == REGROW_OK && std::move(good).value_or(1) == 7);
    const result<int> bad = error(REGROW_ERR_NOT_FOUND, atom("not_found"), "nothing there");
    CHECK(!bad && bad.code() == REGROW_ERR_NOT_FOUND && result<int>(bad).value_or(1) == 1);
    CHECK(bad.error().what() == "REGROW_ERR_NOT_FOUND: nothing there (not_found)"s);
    const error copy = bad.error();
    CHECK(copy.reason() == bad.error().reason());
    CHECK(result<void>() && result<void>().code() == REGROW_OK);
#if REGROW_EXCEPTIONS
    try {
        (void)bad.value();
        CHECK(!"it threw");
    } catch (const std::exception& caught) {
        CHECK(caught.what() == std::string(bad.error().what()));
    }
#endif
}

} // namespace

int main()
{
    return test::in_a_runtime([] {
        RUN(values_come_back_as_they_were);
        RUN(terms_inside_of_values_get_another_owner);
        RUN(structs_nest);
        RUN(what_is_something_else_is_none);
        RUN(an_invalid_view_answers_no_to_everything);
        RUN(terms_are_read);
        RUN(terms_are_compared_as_erlang_does);
        RUN(a_moved_term_is_nil);
        RUN(a_resource_is_dropped_once);
        RUN(invalid_terms_are_refused);
        RUN(limits_are_rounded_up_and_kept_off_the_constants);
        RUN(results_hold_a_value_or_an_error);
    });
}
