// A supervised counter: it counts, crashes, and counts again from 1.
#include <iostream>
#include <regrow.hpp>
#include <stdexcept>

using namespace std::chrono_literals;

class counter {
public:
    std::int64_t handle_call(regrow::atom request)
    {
        if (request == "next")
            return ++count_;
        throw std::invalid_argument("bad request"); // ends the process; its supervisor starts another
    }

private:
    std::int64_t count_ = 0;
};

int main()
{
    regrow::options options;
    options.log_level = REGROW_LOG_SILENT; // else the crash is told on stderr
    regrow::runtime runtime(options);      // stops everything when it goes
    runtime.start_child(regrow::tree::server<counter>("counter").named("counter"));

    // Whichever counter lives now, waiting up to a second for one that is being restarted.
    const regrow::address address = regrow::at("counter").in(runtime).wait(1s);
    const auto ask = [&](regrow::atom request) {
        try {
            const auto count = regrow::call<std::int64_t>(address, request);
            std::cout << request.name() << ": " << count << '\n';
        } catch (const regrow::error& why) {
            std::cout << request.name() << ": " << regrow_error_name(why.code()) << '\n';
        }
    };
    ask("next");  // 1
    ask("next");  // 2
    ask("crash"); // no answer
    ask("next");  // 1
}
