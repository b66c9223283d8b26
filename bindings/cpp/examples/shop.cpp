// A tree as a literal, with typed requests, an agent, a registry and tasks; compiled without exceptions as well.
//
// A till for each customer, in a registry; a stock that all take from; a ledger. The stock is killed and comes back.
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <regrow.hpp>
#include <string>

using namespace std::chrono_literals;

// ---- what is asked: each request knows its reply ----

struct take {
    using reply = bool;
    std::string item;
    int count = 0;
};
struct left {
    using reply = int;
    std::string item;
};

template <> struct regrow::codec<take> : regrow::record<take, &take::item, &take::count> {
    static constexpr const char* tag = "take";
};
template <> struct regrow::codec<left> : regrow::record<left, &left::item> {
    static constexpr const char* tag = "left";
};

// ---- who answers ----

class stock {
public:
    explicit stock(std::map<std::string, int> items) : items_(std::move(items)) {}

    using calls = regrow::messages<take, left>;
    bool handle_call(const take& request)
    {
        int& there = items_[request.item];
        if (there < request.count)
            return false;
        there -= request.count;
        return true;
    }
    int handle_call(const left& request) { return items_[request.item]; }

private:
    std::map<std::string, int> items_;
};

struct ledger {
    int sales = 0;
};

namespace {

// A till: told to sell, it asks the stock, which may just be restarting, and notes the sale.
auto till(const std::string& customer)
{
    return regrow::tree::server_of(customer, 0)
        .registered(regrow::via("customers", customer))
        .on_call([](int& sold, const take& wanted) -> regrow::result<bool> {
            const auto got = regrow::try_call(regrow::at("stock").wait(5s), wanted);
            if (!got || !*got)
                return got;
            sold += wanted.count;
            const regrow::agent<ledger> book(*regrow::try_whereis(regrow::at("ledger")));
            if (auto noted = book.try_update([&](ledger& page) { page.sales += wanted.count; }); !noted)
                return noted.error();
            return true;
        });
}

// The value, or the end of the program with the reason.
template <class T> T must(regrow::result<T> given)
{
    if (given)
        return std::move(given).value();
    std::fprintf(stderr, "shop: %s\n", given.error().what());
    std::exit(EXIT_FAILURE);
}

} // namespace

int main()
{
    using namespace regrow::tree;
    regrow::runtime runtime = must(regrow::runtime::try_start());
    const regrow::entered here = must(regrow::entered::try_enter(runtime));

    const std::map<std::string, int> goods{{"apple", 10}, {"pear", 2}};
    must(runtime.try_start_child(supervisor("shop", regrow::one_for_one,
        server<stock>("stock", goods).named("stock"),
        agent<ledger>("ledger").named("ledger"),
        registry("customers").named("customers"),
        dynamic_supervisor("tills").named("tills").max_children(100))
            .max_restarts(5).within(10s)));

    const regrow::supervisor tills = must(regrow::try_whereis(regrow::at("tills")));
    for (const char* customer : {"ann", "bob"})
        must(tills.try_start_child(till(customer)));
    const auto sell = [](const char* customer, const char* item, int count) {
        const bool sold = must(regrow::try_call(regrow::via("customers", customer), take{item, count}));
        std::printf("%s: %d %s: %s\n", customer, count, item, sold ? "sold" : "not there");
    };
    sell("ann", "apple", 3);
    sell("bob", "pear", 5);

    const regrow::pid first = must(regrow::try_whereis(regrow::at("stock")));
    const regrow::ref end = must(regrow::try_monitor(first));
    must(regrow::try_exit(first, regrow::atom("kill")));
    const auto down = must(regrow::try_receive<regrow::down>());
    std::printf("the stock ended: %s\n", down.monitor == end ? down.reason.print().c_str() : "?");
    sell("bob", "apple", 4); // waits for the new one, which has all again

    const std::vector<std::string> items{"apple", "pear"};
    for (const auto& count : must(regrow::try_async_stream(
             items, [](const std::string& item) { return regrow::try_call(regrow::at("stock").wait(5s), left{item}); })))
        std::printf("left: %d\n", must(count));

    const regrow::agent<ledger> book(must(regrow::try_whereis(regrow::at("ledger"))));
    std::printf("sold: %d\n", must(book.try_get([](const ledger& page) { return page.sales; })));
}
