// The child in C++: a plug-in with a class that counts, "counter in C++".
#include <regrow.hpp>

namespace {

struct question {
    using reply = std::int64_t;
};

} // namespace

// The atom `next`, whoever sends it.
template <> struct regrow::codec<question> : regrow::record<question> {
    static constexpr const char* tag = "next";
};

namespace {

class counter {
public:
    using calls = regrow::messages<question>;
    std::int64_t handle_call(question) { return ++count_; }

private:
    std::int64_t count_ = 0;
};

} // namespace

extern "C" regrow_error regrow_plugin()
{
    const auto done = regrow::try_register_behaviour("counter in C++", regrow::tree::server<counter>("counter"));
    return done ? REGROW_OK : done.error().code();
}
