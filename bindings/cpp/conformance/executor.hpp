// The conformance executor over regrow.hpp: what is about scenarios and traces is the C executor's
// (tests/conformance/executor), what talks to regrow for its workers, trees, supervisors, registries, agents, groups,
// tasks and tables is here, in files of the same names. A file that is here is compiled in place of C's.
#ifndef EXECUTOR_EXECUTOR_HPP
#define EXECUTOR_EXECUTOR_HPP

#include <regrow.hpp>

extern "C" {
#include "marks.h"
#include "operation.h"
#include "places.h"
#include "recorder.h"
#include "trace.h"
#include "words.h"
}

#include <cstring>
#include <string>

namespace executor {

inline std::string print(regrow::term_view term)
{
    text written{};
    text_add_term(&written, term.raw());
    std::string copy = text_get(&written);
    text_free(&written);
    return copy;
}

inline void add(text* result, const std::string& more)
{
    text_add(result, "%s", more.c_str());
}

inline regrow::term word(const char* word)
{
    return regrow::term::own(term_of_word(word));
}

inline regrow::term reason(const char* word)
{
    return regrow::term::own(reason_of_word(word));
}

inline regrow::term id(const char* word)
{
    return regrow::term::own(regrow_atom(word));
}

// The child that a place is; made by main before it is started.
const regrow::child& child_of(const place* place);

} // namespace executor

#endif
