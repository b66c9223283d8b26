// What the C++ tests share: a check that names its line, and a runtime around the tests of one program.
//
// They keep to the functions that are there with and without exceptions (try_...); what is about exceptions stands
// between #if REGROW_EXCEPTIONS.
#ifndef TEST_HPP
#define TEST_HPP

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <regrow.hpp>
#include <string>

// Ends the program with a line that can be found; works in any thread and any callback.
#define CHECK(...)                                                                                                     \
    do {                                                                                                               \
        if (!(__VA_ARGS__)) {                                                                                          \
            std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #__VA_ARGS__);                             \
            std::_Exit(1);                                                                                             \
        }                                                                                                              \
    } while (0)

// The value of a result, which must be there.
#define GOOD(...) test::good(__FILE__, __LINE__, #__VA_ARGS__, __VA_ARGS__)

// A result that must be this error.
#define CHECK_CODE(expected, ...) test::check_code(__FILE__, __LINE__, #__VA_ARGS__, expected, __VA_ARGS__)

// A term, as Erlang prints it.
#define CHECK_TERM(expected, ...) test::check_text(__FILE__, __LINE__, expected, (__VA_ARGS__).print())

#define RUN(name)                                                                                                      \
    do {                                                                                                               \
        name();                                                                                                        \
        test::nothing_is_left(#name);                                                                                  \
        std::printf("%s\n", #name);                                                                                    \
        std::fflush(stdout);                                                                                           \
    } while (0)

namespace test {

using namespace std::chrono_literals;

// A limit that no test reaches unless something hangs.
inline constexpr regrow::time_limit long_limit = 30s;

inline regrow::pid node, me;

template <class T> T good(const char* file, int line, const char* what, regrow::result<T> given)
{
    if (!given) {
        std::fprintf(stderr, "%s:%d: %s: %s\n", file, line, what, given.error().what());
        std::_Exit(1);
    }
    return std::move(given).value();
}

template <class T>
void check_code(const char* file, int line, const char* what, regrow_error expected, const regrow::result<T>& given)
{
    if (given.code() == expected)
        return;
    std::fprintf(stderr, "%s:%d: %s, not %s: %s\n", file, line,
                 given ? "it went well" : given.error().what(), regrow_error_name(expected), what);
    std::_Exit(1);
}

inline void check_text(const char* file, int line, const std::string& expected, const std::string& given)
{
    if (expected == given)
        return;
    std::fprintf(stderr, "%s:%d: %s, not %s\n", file, line, given.c_str(), expected.c_str());
    std::_Exit(1);
}

inline void nothing_is_left(const char* name)
{
    const auto message = regrow::try_receive(0s);
    if (!message)
        return;
    std::fprintf(stderr, "%s left a message: %s\n", name, message->print().c_str());
    std::_Exit(1);
}

// The reason in the DOWN of a monitor.
inline std::string reason_of(regrow::ref monitor)
{
    const regrow::down seen = GOOD(regrow::try_receive<regrow::down>(long_limit));
    CHECK(seen.monitor == monitor);
    return seen.reason.print();
}

// Runs the tests in a runtime that the thread has entered.
template <class Tests> int in_a_runtime(Tests&& tests, regrow::options how = {})
{
    if (!how.workers)
        how.workers = 2;
    if (!how.log_level)
        how.log_level = REGROW_LOG_SILENT;
    const regrow::runtime runtime = GOOD(regrow::runtime::try_start(std::move(how)));
    const regrow::entered here = GOOD(regrow::entered::try_enter(runtime));
    node = runtime.root();
    me = here.pid();
    tests();
    return 0;
}

} // namespace test

#endif
