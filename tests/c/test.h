/* What the C tests share: a check that names its line, and counts that scale. */
#ifndef TEST_H
#define TEST_H

#include <regrow.h>
#include <stdio.h>
#include <stdlib.h>

/* Ends the program with a line that can be found; works in any thread and any callback. */
#define CHECK(condition)                                                                     \
    do {                                                                                     \
        if (!(condition)) {                                                                  \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);          \
            _Exit(1);                                                                        \
        }                                                                                    \
    } while (0)

#define CHECK_ERROR(expected, call)                                                          \
    do {                                                                                     \
        regrow_error check_error = (call);                                                   \
        if (check_error != (expected)) {                                                     \
            char check_text[256] = "";                                                       \
            regrow_last_error(check_text, sizeof check_text);                                \
            fprintf(stderr, "%s:%d: %s, not %s: %s (%s)\n", __FILE__, __LINE__,              \
                    regrow_error_name(check_error), regrow_error_name(expected), #call, check_text); \
            _Exit(1);                                                                        \
        }                                                                                    \
    } while (0)

#define CHECK_OK(call) CHECK_ERROR(REGROW_OK, call)

/* AddressSanitizer keeps what was freed for a while: the resident size says nothing there, its leak check more. */
#ifdef __SANITIZE_ADDRESS__
enum { KEEPS_FREED_MEMORY = 1 };
#else
enum { KEEPS_FREED_MEMORY = 0 };
#endif

/* A long count, times REGROW_ROUNDS. */
static inline size_t rounds(size_t count)
{
    const char *text = getenv("REGROW_ROUNDS");
    double factor = text ? strtod(text, NULL) : 1;
    size_t scaled = (size_t)((double)count * (factor > 0 ? factor : 1));
    return scaled ? scaled : 1;
}

#endif
