// The claims of token_server.hpp: those of the C program.
#include "drill.hpp"
#include "token_server.hpp"
#include <atomic>
#include <set>
#include <stdexcept>
#include <thread>

using namespace std::chrono_literals;
using regrow::atom;

namespace {

constexpr int threads = 64, ends = 50;
constexpr std::array<const char*, 4> parts = {"Registry", "TableOwner", "TaskSupervisor", "DynamicSupervisor"};
using members = std::array<regrow::pid, 4>;

bool failed = false;

void claim(const char* id, bool holds, const char* sentence)
{
    std::printf("%s %s %s\n", id, holds ? "ok" : "FAILED", sentence);
    failed |= !holds;
}

// A tree under names of its own, with a backend that is no more than a counter and a clock, and a storage that is no
// more than a table of the main thread's.
class trio {
public:
    trio(const drill::program& here, const std::string& prefix, std::uint32_t max_restarts = 20,
         std::chrono::milliseconds ttl = 1h, std::chrono::milliseconds early = 1min)
        : here_(here), main_(regrow::self())
    {
        regrow::table_options how;
        how.access = REGROW_PUBLIC;
        storage_ = regrow::table::make(how);
        all.root = here.runtime.root();
        all.prefix = prefix;
        all.command = [this](const std::string& app) {
            const std::string token = app + "-token-" + std::to_string(++commands);
            regrow::sleep(std::chrono::milliseconds(command_ms));
            return token;
        };
        all.load = [this](const std::string& app) { return stored(app); };
        all.save = [this](const tokens::row& row) {
            regrow::sleep(std::chrono::milliseconds(save_ms));
            if (no_save)
                throw std::runtime_error("the storage is full");
            storage_.insert(regrow::term(row));
        };
        all.started = [this] { ++starts; };
        all.max_restarts = max_restarts;
        all.ttl = ttl;
        all.early = early;
        tokens::start(all);
    }
    trio(const trio&) = delete;
    // The tree would go on with what is about to go.
    ~trio() { (void)here_.runtime.try_terminate_child(all.name("Supervisor")); }

    std::size_t size() const { return all.rows().size(); }
    bool is_stored(const char* app, const char* token) const
    {
        const auto row = stored(app);
        return row && std::get<1>(*row) == token;
    }
    regrow::pid resolve(const char* app) const { return tokens::resolve(all, app); }

    // Who has the names of the tree's children, in their order.
    members look() const
    {
        members found;
        here_.settle();
        for (std::size_t at = 0; at < parts.size(); at++)
            found[at] = regrow::whereis(here_.runtime, all.name(parts[at]));
        return found;
    }
    // Whether those from `first` on are new, and the others are not.
    bool are_new_from(std::size_t first, const members& before) const
    {
        const members after = look();
        for (std::size_t at = 0; at < parts.size(); at++)
            if ((before[at] != after[at]) != (at >= first) || !after[at].is_alive())
                return false;
        return true;
    }
    void kill(regrow::pid pid) const
    {
        drill::kill(pid);
        here_.settle();
    }

    // A process that asks for a token and tells what it got; until it waits for something.
    void client(const char* app, std::string (*ask)(const tokens::settings&, const std::string&) = tokens::get) const
    {
        regrow::spawn(here_.runtime, [=] { regrow::send(main_, regrow::term(ask(all, app))); });
        here_.settle();
    }
    bool gets(const char* app, const char* token) const
    {
        client(app);
        return answers() == std::vector<std::string>{token};
    }
    // The answers that there are since they were last looked at.
    static std::vector<std::string> answers()
    {
        std::vector<std::string> all;
        while (auto answer = regrow::try_receive<std::string>(0ms))
            all.push_back(*std::move(answer));
        return all;
    }

    tokens::settings all;
    std::atomic<int> commands{0}, starts{0}, command_ms{0}, save_ms{0};
    std::atomic<bool> no_save{false};

private:
    std::optional<tokens::row> stored(const std::string& app) const
    {
        const auto rows = storage_.lookup<tokens::row>(regrow::term(app));
        return rows.empty() ? std::nullopt : std::optional(rows.front());
    }

    const drill::program& here_;
    regrow::pid main_;
    regrow::table storage_;
};

// What a function gives in 64 threads, each of which is a process of the runtime.
template <class F> auto at_once(const drill::program& here, F function)
{
    std::vector<decltype(function(0))> results(threads);
    std::vector<std::thread> all;
    for (int number = 0; number < threads; number++)
        all.emplace_back([&, number] {
            const regrow::entered process(here.runtime); // to monitor, one must be one
            results[static_cast<std::size_t>(number)] = function(number);
        });
    for (std::thread& thread : all)
        thread.join();
    return results;
}

std::string app(int number)
{
    return "app-" + std::to_string(number);
}

// ---- TS1, TS2 ----

void resolve_at_once(const drill::program& here, const char* prefix, int apps, const char* sentence)
{
    const trio mine(here, prefix);
    const auto pids = at_once(here, [&](int number) { return tokens::resolve(mine.all, app(number % apps)); });
    bool same = true;
    for (std::size_t at = 0; at < pids.size(); at++)
        same &= pids[at] && pids[at] == pids[at % static_cast<std::size_t>(apps)];
    const std::set<regrow::pid> different(pids.begin(), pids.end());
    claim("TS1", same && mine.starts == apps && different.size() == static_cast<std::size_t>(apps), sentence);
}

// Whoever has heard of an end finds nobody, or the next one. How often it was otherwise.
int end_and_look(const trio& mine, const std::string& app)
{
    const regrow::pid ended = tokens::resolve(mine.all, app);
    drill::kill(ended);
    const regrow::pid found = tokens::whereis(mine.all, app), again = tokens::resolve(mine.all, app);
    return (found && (found == ended || !found.is_alive())) + (again == ended || !again.is_alive());
}

void look_after_ends(const drill::program& here)
{
    const trio mine(here, "ends", 2 * threads * ends);
    const bool nobody = !tokens::whereis(mine.all, app(0)) && mine.starts == 0;
    const auto stale = at_once(here, [&](int number) {
        int count = 0;
        for (int round = 0; round < ends; round++)
            count += end_and_look(mine, app(number));
        return count;
    });
    claim("TS2", nobody, "whereis finds nobody, and starts nobody");
    claim("TS2", stale == std::vector<int>(threads),
          "64 threads x 50 ends: nobody who had heard of an end was given the one that had ended");
}

// ---- TS3: who falls with whom ----

enum { registry, owner, tasks, servers, nobody };

void who_falls_with_whom(const drill::program& here)
{
    const trio mine(here, "falls");
    bool held = mine.gets("my-app", "my-app-token-1") && mine.size() == 1;
    members before = mine.look();
    mine.kill(before[registry]);
    claim("TS3",
          held && mine.are_new_from(registry, before) && mine.size() == 0 && !tokens::whereis(mine.all, "my-app"),
          "the registry is killed: all four are new, the table is empty, no app server is there");

    held = mine.gets("my-app", "my-app-token-1") && mine.size() == 1;
    before = mine.look();
    mine.kill(before[owner]);
    claim("TS3", held && mine.are_new_from(owner, before) && mine.size() == 0,
          "the owner of the table is killed: it and those behind it are new, the registry is not, the table is empty");
    claim("TS3", mine.gets("my-app", "my-app-token-1") && mine.commands == 1,
          "the first to ask then has the token from the storage, not from a command");

    before = mine.look();
    const regrow::pid app = mine.resolve("my-app"), other = mine.resolve("other-app");
    mine.kill(app);
    const bool only = mine.resolve("my-app") != app && mine.resolve("other-app") == other;
    claim("TS3", only && mine.are_new_from(nobody, before) && mine.size() == 1,
          "an app server is killed: only it is new, the table is as it was");

    here.advance(60001ms); // that one does not count any more
    for (int count = 0; count < 20; count++)
        mine.kill(mine.resolve("my-app"));
    claim("TS3", mine.are_new_from(nobody, before), "20 app servers are killed within 60 s: nobody else is new");
    mine.kill(mine.resolve("my-app"));
    claim("TS3", mine.are_new_from(servers, before), "the 21st: the dynamic supervisor is new, and nobody else");
    claim("TS3", mine.gets("my-app", "my-app-token-1"), "the token outlived all of it");
}

// ---- TS4: side by side, and together ----

void side_by_side_and_together(const drill::program& here)
{
    trio mine(here, "slow");
    mine.command_ms = 100;
    mine.client("one");
    mine.client("two");
    here.advance(99ms);
    const bool none = trio::answers().empty();
    here.advance(1ms);
    claim("TS4", none && trio::answers().size() == 2 && mine.size() == 2,
          "two apps whose commands take 100 ms each have their tokens after 100 ms");

    for (int count = 0; count < 10; count++)
        mine.client("same");
    here.advance(100ms);
    claim("TS4", trio::answers() == std::vector<std::string>(10, "same-token-3") && mine.commands == 3,
          "ten ask for one token at once: one command, and all have it after 100 ms");
}

// ---- TS5: new tokens for old ----

void new_tokens_for_old(const drill::program& here)
{
    trio mine(here, "fresh", 20, 1000ms, 200ms);
    const bool first = mine.gets("app", "app-token-1");
    mine.command_ms = 100;
    mine.client("app", tokens::refresh);
    for (int count = 0; count < 5; count++)
        mine.client("app");
    const bool none = trio::answers().empty();
    here.advance(100ms);
    claim("TS5",
          first && none && trio::answers() == std::vector<std::string>(6, "app-token-2") && mine.commands == 2,
          "a refresh, and five who ask meanwhile: all have the new token, by one command");

    // That token came at this moment, and is good for 1,000 ms.
    mine.command_ms = 0;
    here.advance(799ms);
    const bool before = mine.gets("app", "app-token-2") && mine.commands == 2;
    here.advance(1ms);
    claim("TS5", before && mine.commands == 3 && mine.gets("app", "app-token-3"),
          "200 ms before its end a token is replaced, though nobody asks");

    mine.save_ms = 500;
    mine.client("app", tokens::refresh);
    const bool once =
        trio::answers() == std::vector<std::string>{"app-token-4"} && mine.is_stored("app", "app-token-3");
    here.advance(500ms);
    claim("TS5", once && mine.is_stored("app", "app-token-4"),
          "a storage that takes 500 ms delays nobody, and has the token then");

    mine.save_ms = 0;
    mine.no_save = true;
    const regrow::pid server = mine.resolve("app");
    mine.client("app", tokens::refresh);
    const bool answered = trio::answers() == std::vector<std::string>{"app-token-5"};
    claim("TS5", answered && mine.is_stored("app", "app-token-4") && mine.resolve("app") == server,
          "a storage that fails costs nobody the token, and ends nobody but its task");
}

// ---- TS6: several of it ----

void several(const drill::program& here)
{
    std::vector<std::unique_ptr<trio>> trios;
    std::vector<members> before;
    std::set<regrow::pid> pids;
    std::vector<regrow::pid> servers_of;
    bool holds = true;
    for (int number = 0; number < 4; number++) {
        trios.push_back(std::make_unique<trio>(here, "trio-" + std::to_string(number)));
        holds &= trios.back()->gets("my-app", "my-app-token-1");
        servers_of.push_back(trios.back()->resolve("my-app"));
        pids.insert(servers_of.back());
    }
    for (const auto& one : trios) {
        holds &= one->commands == 1 && one->size() == 1;
        before.push_back(one->look());
    }
    claim("TS6", holds && pids.size() == 4,
          "four trees: the same app has a server, a table and a token of its own in each");

    trios[2]->kill(before[2][registry]);
    for (std::size_t at = 0; at < trios.size(); at++) {
        holds &= trios[at]->are_new_from(at == 2 ? registry : nobody, before[at]);
        holds &= trios[at]->size() == (at == 2 ? 0 : 1);
        holds &= at == 2 || trios[at]->resolve("my-app") == servers_of[at];
    }
    claim("TS6", holds, "the registry of one is killed: the other three do not notice");
}

} // namespace

int main()
{
    const drill::program here;
    resolve_at_once(here, "one", 1, "64 threads resolve one app at once: one start, one pid, no error");
    resolve_at_once(here, "eight", 8, "64 threads resolve eight apps at once: eight starts, a pid for each");
    look_after_ends(here);
    who_falls_with_whom(here);
    side_by_side_and_together(here);
    new_tokens_for_old(here);
    several(here);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
