// The server that every worker and plain process of a scenario is (FORMAT.md, "What a worker does").
#ifndef EXECUTOR_WORKER_HPP
#define EXECUTOR_WORKER_HPP

#include "executor.hpp"

namespace executor {

class worker {
public:
    explicit worker(place* place) : place_(place) {}

    regrow::next init(regrow::context& at_hand, regrow::term_view argument);
    regrow::next handle_call(regrow::context& at_hand, regrow::term_view message);
    regrow::next handle_cast(regrow::context& at_hand, regrow::term_view message);
    void handle_info(regrow::term_view message);
    void handle_continue();
    void terminate(regrow::term_view reason);

private:
    void add(const char* amount);
    regrow::next handle_request(regrow::context& at_hand, const std::string& request);

    place* place_;
    attempt* attempt_ = nullptr;
    regrow::term state_ = 0;
};

} // namespace executor

#endif
