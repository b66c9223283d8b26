// Exercise 3: a pool of database connections, each in the hands of a worker that may crash.
//
//     DatabaseSystem       supervisor, one_for_one
//     |- Registry          where worker N is: {db_worker, N}
//     `- DatabasePool      partition supervisor: a query leads to the worker phash2(Query, 3)
//        `- 1, 2, 3        servers
//
// A query asks for whoever is there now, and waits while that is nobody: a restart is none of its business.
#include "drill.hpp"

using namespace std::chrono_literals;
using regrow::atom;

namespace {

constexpr int pool_size = 3;
constexpr auto query_time = 50ms;
constexpr const char* users = "SELECT * FROM users";
constexpr const char* posts = "SELECT * FROM posts";

// How many connections each worker has had, over all its lives.
int connections[pool_size + 1];

using answer = std::tuple<std::string, int, int, int>; // result, worker, its connection, its query

class database_worker {
public:
    // Its argument is a list of the partition's number, which begins at 0.
    regrow::next init(regrow::term_view argument)
    {
        id_ = static_cast<int>(argument.head().as_int().value()) + 1;
        connection_ = ++connections[id_];
        const regrow::registry names = regrow::whereis(regrow::at("Registry"));
        names.register_process(drill::numbered("db_worker", id_), regrow::self());
        std::printf("   db worker %d is connecting\n", id_);
        return regrow::ready;
    }

    // One that fails is the end of the worker.
    answer handle_call(const std::string& sql)
    {
        regrow::sleep(query_time);
        if (sql.rfind("SELECT ", 0) != 0)
            throw regrow::exit_with(atom("syntax_error"));
        return {"Result for: " + sql, id_, connection_, ++query_count_};
    }

private:
    int id_ = 0, connection_ = 0, query_count_ = 0;
};

// ---- queries, which go on by themselves while the main thread moves the clock ----

regrow::request<answer> send_query(const drill::program& here, const char* sql)
{
    auto request = regrow::send_request<answer>(regrow::via("DatabasePool", sql).wait(1s), sql, regrow::infinity);
    here.settle();
    return request;
}

// Lets time go on until there is an outcome.
regrow::result<answer> finish(const drill::program& here, regrow::request<answer> query)
{
    for (;;) {
        auto outcome = query.try_wait(0ms);
        if (outcome || outcome.code() != REGROW_ERR_TIMEOUT)
            return outcome;
        here.advance(query_time);
    }
}

void print_outcome(const drill::program& here, const char* sql, regrow::request<answer> query)
{
    const auto outcome = finish(here, std::move(query));
    if (outcome) {
        const auto& [result, worker, connection, count] = *outcome;
        std::printf("   %s (worker %d, its connection %d, query %d)\n", result.c_str(), worker, connection, count);
    } else {
        std::printf("   %s: the worker ended, %s\n", sql, outcome.error().reason().print().c_str());
    }
}

void query(const drill::program& here, const char* sql)
{
    print_outcome(here, sql, send_query(here, sql));
}

void kill_worker(int number)
{
    drill::kill(regrow::whereis(regrow::via("Registry", drill::numbered("db_worker", number))));
}

} // namespace

int main()
{
    using namespace regrow::tree;
    const drill::program here;
    std::printf("1. Three workers, each with its connection.\n");
    here.runtime.start_child(supervisor("DatabaseSystem", regrow::one_for_one, registry("Registry").named("Registry"),
                                        partition_supervisor("DatabasePool", server<database_worker>("worker"))
                                            .named("DatabasePool")
                                            .partitions(pool_size)
                                            .with_number()));
    query(here, users);
    query(here, posts);

    std::printf("2. {db_worker, 2} is killed. Queries go on, also the next one to it, over a fresh connection.\n");
    kill_worker(2);
    query(here, users);
    query(here, posts);

    std::printf("3. A query that fails is its worker's end, and nobody else's.\n");
    query(here, "DROP EVERYTHING");
    query(here, users);
    query(here, posts);

    std::printf("4. What a worker was at when it was killed is lost; it may have had its effect. "
                "What waited is not.\n");
    here.advance(10s); // the restarts until now do not count any more
    auto first = send_query(here, users), second = send_query(here, users);
    here.advance(query_time / 2);
    kill_worker(2);
    here.settle();
    print_outcome(here, users, std::move(first));
    print_outcome(here, users, std::move(second));

    std::printf("5. Four kills within five seconds are the pool's end too, and the system starts another.\n");
    here.advance(10s);
    const regrow::pid before = here.whereis("DatabasePool");
    int answered = 0, errors = 0;
    for (int time = 0; time < 4; time++) {
        kill_worker(2);
        ++(finish(here, send_query(here, users)) ? answered : errors);
    }
    std::printf("   a new pool: %s; queries: %d answered, %d errors\n",
                drill::yes_or_no(here.whereis("DatabasePool") != before), answered, errors);
}
