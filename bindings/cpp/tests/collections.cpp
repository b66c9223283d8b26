// Registries, groups and topics, tables: what is kept for others.
#include "test.hpp"
#include <cstdio>
#include <unistd.h>

using namespace regrow;
using namespace std::chrono_literals;
using test::node;
using test::me;

namespace {

using row = std::tuple<int, std::string>;
using counted = std::pair<std::string, int>;

void a_registry_finds_processes()
{
    const registry users(GOOD(try_start(node, tree::registry("users").partitions(4).meta(map(std::pair("limit", 3))))));
    GOOD(users.try_register_process("tom", me, 7));
    CHECK(GOOD(users.try_whereis("tom")) == me);
    CHECK_CODE(REGROW_ERR_NOT_FOUND, users.try_whereis("ann"));
    const auto taken = users.try_register_process("tom", me);
    CHECK_CODE(REGROW_ERR_EXISTS, taken);
    CHECK(taken.error().reason()[0].is_atom("already_registered"));
    CHECK(GOOD(users.try_lookup<int>("tom")) == std::vector<std::pair<pid, int>>{{me, 7}});
    CHECK_CODE(REGROW_ERR_WRONG_KIND, users.try_lookup<std::string>("tom"));
    CHECK(GOOD(users.try_update_value<int>("tom", [](int old) { return old + 1; })) == 7);
    CHECK(GOOD(users.try_values<int>("tom", me)) == std::vector<int>{8});
    CHECK_CODE(REGROW_ERR_WRONG_KIND, users.try_update_value<std::string>("tom", [](std::string old) { return old; }));
    CHECK_CODE(REGROW_ERR_NOT_FOUND, users.try_update_value<int>("ann", [](int old) { return old; }));
    CHECK(GOOD(users.try_keys<std::string>(me)) == std::vector<std::string>{"tom"} && GOOD(users.try_count()) == 1);
    CHECK(GOOD(users.try_count_match("tom", atom("$1"), list(tuple(atom(">"), atom("$1"), 7)))) == 1);
    CHECK(GOOD(users.try_match<int>("tom", 9)).empty());
    const term spec = list(tuple(tuple(atom("$1"), atom("_"), atom("$2")), list(), list(tuple(tuple(atom("$1"), atom("$2"))))));
    CHECK((GOOD(users.try_select<std::pair<std::string, int>>(spec)) == std::vector<counted>{{"tom", 8}}));
    CHECK_CODE(REGROW_ERR_ARGUMENT, users.try_select("no specification"));
    CHECK(GOOD(users.try_meta<int>("limit")) == 3);
    GOOD(users.try_put_meta("other", atom("yes")));
    GOOD(users.try_delete_meta("limit"));
    CHECK_CODE(REGROW_ERR_NOT_FOUND, users.try_meta("limit"));
    int runs = 0;
    GOOD(users.try_lock("door", [&] {
        runs++;
        CHECK_CODE(REGROW_ERR_WOULD_DEADLOCK, users.try_lock("door", [&] { runs++; }, 0s));
    }));
    CHECK(runs == 1);
    GOOD(users.try_unregister_match("tom", me, 9));
    GOOD(users.try_unregister_process("tom", me));
    CHECK(GOOD(users.try_count()) == 0);
    CHECK_CODE(REGROW_ERR_WRONG_KIND, registry(GOOD(try_start(node, tree::pubsub("p")))).try_whereis(1));
    GOOD(try_stop(users.pid()));
    CHECK_CODE(REGROW_ERR_NO_PROCESS, users.try_count());
}

void a_key_of_many_is_dispatched_to()
{
    const registry many(GOOD(try_start(node, tree::registry("many", keys::duplicate))));
    for (int value = 1; value <= 3; value++)
        GOOD(many.try_register_process("key", me, value));
    std::atomic<int> sum{0};
    const auto add = [&](pid process, term_view value) { sum += process == me ? *value.as<int>() : 100; };
    GOOD(many.try_dispatch("key", add));
    GOOD(many.try_dispatch_parallel("key", add));
    CHECK(sum == 12);
#if REGROW_EXCEPTIONS
    for (const bool parallel : {false, true}) {
        try {
            const auto thrower = [](pid, term_view) { throw std::runtime_error("each"); };
            parallel ? many.dispatch_parallel("key", thrower) : many.dispatch("key", thrower);
            CHECK(!"it threw");
        } catch (const std::runtime_error& caught) {
            CHECK(caught.what() == std::string("each"));
        }
    }
    try {
        many.lock("key", [] { throw 1; });
        CHECK(!"it threw");
    } catch (int) {
    }
    many.lock("key", [] {}, 0s); // it was given back
    const registry one(start(node, tree::registry("one")));
    one.register_process("key", me, 1);
    try {
        (void)one.update_value<int>("key", [](int) -> int { throw 2; });
        CHECK(!"it threw");
    } catch (int) {
        CHECK(one.values<int>("key", me)[0] == 1);
    }
    regrow::stop(one.pid());
#endif
    GOOD(try_stop(many.pid()));
}

void groups_and_topics_reach_their_members()
{
    const pubsub hub(GOOD(try_start(node, tree::pubsub("hub"))));
    const auto [monitor, before] = GOOD(hub.try_monitor("team"));
    CHECK(before.empty());
    GOOD(hub.try_join("team", me));
    CHECK(GOOD(hub.try_members("team")) == std::vector<pid>{me} && GOOD(hub.try_which_groups<std::string>()).size() == 1);
    CHECK(GOOD(hub.try_send("team", 7)) == 1);
    CHECK(GOOD(try_receive<int>(test::long_limit)) == 7);
    const term joined = GOOD(try_receive(test::long_limit));
    CHECK(joined[0].as_ref() == monitor && joined[1].is_atom("join") && joined[2].as<std::string>() == "team");
    GOOD(hub.try_demonitor(monitor));
    GOOD(hub.try_leave("team", me));
    CHECK_CODE(REGROW_ERR_NOT_FOUND, hub.try_leave("team", me));

    GOOD(hub.try_subscribe("news.*", me));
    GOOD(hub.try_subscribe_once("news.*", me));
    CHECK(GOOD(hub.try_subscriber_count("news.today")) == 1);
    GOOD(hub.try_broadcast("news.today", "rain"));
    CHECK(GOOD(try_receive<std::string>(0s)) == "rain");
    GOOD(hub.try_broadcast_from(me, "news.today", "not to me"));
    GOOD(hub.try_unsubscribe("news.*", me));
    subscription how;
    how.max_messages = 1;
    how.drop_oldest = true;
    GOOD(hub.try_subscribe("bounded", me, how));
    GOOD(hub.try_broadcast("bounded", 1));
    GOOD(hub.try_broadcast("bounded", 2));
    CHECK_TERM("{lag,<<98,111,117,110,100,101,100>>,1}", GOOD(try_receive(0s)));
    CHECK(GOOD(try_receive<int>(0s)) == 2);
    CHECK_CODE(REGROW_ERR_ARGUMENT, hub.try_broadcast(std::string("a\0b", 3), 1));
    CHECK_CODE(REGROW_ERR_ARGUMENT, hub.try_subscribe("bad\xff", me));
    how.queue = std::string("q\0", 2);
    CHECK_CODE(REGROW_ERR_ARGUMENT, hub.try_subscribe("a", me, how));
    GOOD(try_stop(hub.pid()));
}

void a_table_keeps_objects()
{
    const table rows = GOOD(table::try_make());
    GOOD(rows.try_insert(row{1, "one"}));
    GOOD(rows.try_insert(std::vector<row>{{2, "two"}, {3, "three"}}));
    CHECK(!GOOD(rows.try_insert_new(row{1, "uno"})) && GOOD(rows.try_size()) == 3);
    CHECK((GOOD(rows.try_get<row>(2)) == row{2, "two"}) && GOOD(rows.try_lookup<row>(9)).empty());
    CHECK_CODE(REGROW_ERR_NOT_FOUND, rows.try_get<row>(9));
    CHECK_CODE(REGROW_ERR_WRONG_KIND, (rows.try_get<std::tuple<int, int>>(2)));
    CHECK(GOOD(rows.try_element<std::string>(3, 2)) == "three" && GOOD(rows.try_member(3)));
    CHECK(GOOD(rows.try_take<row>(3)).size() == 1 && !GOOD(rows.try_member(3)));
    CHECK(GOOD(rows.try_update_element(1, tuple(2, "uno"))) && std::get<1>(GOOD(rows.try_get<row>(1))) == "uno");
    CHECK(GOOD(rows.try_match<std::vector<std::string>>(tuple(1, atom("$1")))) == std::vector<std::vector<std::string>>{{"uno"}});
    CHECK(GOOD(rows.try_match_object<row>(tuple(atom("_"), "two"))).size() == 1);
    GOOD(rows.try_erase(2));
    GOOD(rows.try_erase_object(row{1, "one"}));
    CHECK(GOOD(rows.try_match_delete(atom("_"))) == 1);
    CHECK_CODE(REGROW_ERR_ARGUMENT, rows.try_insert("no tuple"));
    CHECK(GOOD(rows.try_info()).is_list());
    GOOD(rows.try_clear());
    GOOD(rows.try_drop());
    CHECK_CODE(REGROW_ERR_NO_TABLE, rows.try_size());
}

void an_ordered_table_is_walked_and_counted_in()
{
    table_options how;
    how.kind = REGROW_ORDERED_SET;
    how.access = REGROW_PUBLIC;
    how.name = "counts";
    const table counts = GOOD(table::try_make(how));
    CHECK(GOOD(table::try_whereis(node, "counts")) == counts && term(counts).as<table>() == counts);
    CHECK_CODE(REGROW_ERR_EXISTS, table::try_make(how));
    CHECK(GOOD(counts.try_update_counter("b", 5, tuple("b", 1))) == 6 && GOOD(counts.try_update_counter("b", -1)) == 5);
    CHECK_CODE(REGROW_ERR_NOT_FOUND, counts.try_update_counter("c", 1));
    GOOD(counts.try_insert(counted{"a", 1}));
    GOOD(counts.try_insert(counted{"c", 9}));
    std::string keys;
    for (auto key = GOOD(counts.try_first<std::string>()); key; key = GOOD(counts.try_next<std::string>(*key)))
        keys += *key;
    for (auto key = GOOD(counts.try_last<std::string>()); key; key = GOOD(counts.try_prev<std::string>(*key)))
        keys += *key;
    CHECK(keys == "abccba");
    const term all = list(tuple(tuple(atom("$1"), atom("$2")), list(), list(atom("$2"))));
    CHECK(GOOD(counts.try_select<int>(all)) == std::vector<int>({1, 5, 9}));
    CHECK(GOOD(counts.try_select_reverse<int>(all)) == std::vector<int>({9, 5, 1}));
    int sum = 0, seen = 0;
    GOOD(counts.try_select_each<int>(all, 2, [&](int count) { sum += count; }));
    GOOD(counts.try_select_each<int>(all, 1, [&](int) { return ++seen < 2; }));
    CHECK(sum == 15 && seen == 2);
    std::string backwards;
    GOOD(counts.try_select_reverse_each<int>(all, 2, [&](int count) { backwards += std::to_string(count); }));
    CHECK(backwards == "951");
    std::vector<std::vector<int>> matched;
    GOOD(counts.try_match_each<std::vector<int>>(tuple(atom("_"), atom("$1")), 2, [&](std::vector<int> row) { matched.push_back(std::move(row)); }));
    CHECK(matched == std::vector<std::vector<int>>{{1}, {5}, {9}});
    std::vector<counted> objects;
    GOOD(counts.try_match_object_each<counted>(atom("_"), 1, [&](counted one) { return objects.push_back(std::move(one)), objects.size() < 2; }));
    CHECK(objects == std::vector<counted>{{"a", 1}, {"b", 5}});
    CHECK_CODE(REGROW_ERR_ARGUMENT, counts.try_match_each(atom("_"), 0, [](const term&) {}));
    CHECK_CODE(REGROW_ERR_NO_TABLE, table().try_match_object_each(atom("_"), 1, [](const term&) {}));
    CHECK_CODE(REGROW_ERR_WRONG_KIND, counts.try_select_each<std::string>(all, 1, [](const std::string&) {}));
    const term big = list(tuple(tuple(atom("_"), atom("$1")), list(tuple(atom(">"), atom("$1"), 4)), list(true)));
    CHECK(GOOD(counts.try_select_count(big)) == 2 && GOOD(counts.try_select_delete(big)) == 2);
    CHECK(GOOD(counts.try_to_vector<counted>()) == std::vector<counted>{{"a", 1}});

    const std::string path = "build/cpp-table." + std::to_string(getpid());
    GOOD(counts.try_to_file(path));
    GOOD(counts.try_rename("other"));
    const table read = GOOD(table::try_from_file(path));
    CHECK(GOOD(read.try_get<counted>("a")).second == 1);
    std::remove(path.c_str());
    CHECK_CODE(REGROW_ERR_FILE, table::try_from_file(path));
    CHECK_CODE(REGROW_ERR_ARGUMENT, counts.try_rename(std::string("\0", 1)));

    const pid heir = GOOD(try_spawn(node, [] { (void)try_receive<int>(); }));
    GOOD(counts.try_set_heir(heir, "with love"));
    GOOD(counts.try_fix(true));
    GOOD(counts.try_fix(false));
    GOOD(read.try_give_away(heir, 1));
    CHECK_CODE(REGROW_ERR_ACCESS, read.try_give_away(heir, 1));
    GOOD(try_exit(heir, atom("kill")));
    GOOD(counts.try_drop());
}

} // namespace

int main()
{
    return test::in_a_runtime([] {
        RUN(a_registry_finds_processes);
        RUN(a_key_of_many_is_dispatched_to);
        RUN(groups_and_topics_reach_their_members);
        RUN(a_table_keeps_objects);
        RUN(an_ordered_table_is_walked_and_counted_in);
    });
}
