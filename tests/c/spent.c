/* Terms that were moved and are used again: what docs/ownership.md says of them. Each use is in a child of its own, since
 * under AddressSanitizer, or with a large payload, it ends the program. No runtime is needed: a spent term is refused
 * before anything else. */
#include "test.h"
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const regrow_pid nobody = { 1 };

static bool is_refused(regrow_term made)
{
    bool valid = regrow_is_valid(&made);
    regrow_term_free(&made);
    return !valid;
}

static bool sent(regrow_term spent)
{
    return regrow_send(nobody, spent) == REGROW_ERR_ARGUMENT;
}

static bool called(regrow_term spent)
{
    return regrow_call(nobody, spent, 0, NULL) == REGROW_ERR_ARGUMENT;
}

static bool in_a_list(regrow_term spent)
{
    return is_refused(regrow_cons(spent, regrow_nil())) && is_refused(regrow_cons(regrow_nil(), spent));
}

static bool in_an_array(regrow_term spent)
{
    regrow_term items[] = { regrow_int(1), spent };
    bool refused = is_refused(regrow_tuple(items, 2));
    return refused && regrow_is_nil(&items[0]) && regrow_is_nil(&items[1]);
}

static bool cloned(regrow_term spent)
{
    return is_refused(regrow_term_clone(&spent));
}

static bool freed_again(regrow_term spent)
{
    regrow_term_free(&spent);
    return regrow_is_nil(&spent);
}

static bool looked_into(regrow_term spent)
{
    const char *text;
    return !regrow_is_valid(&spent) && !regrow_is_bytes(&spent) && !regrow_as_text(&spent, &text)
           && !regrow_tuple_get(&spent, 0) && !regrow_list_head(&spent);
}

static bool compared(regrow_term spent)
{
    regrow_term one = regrow_int(1);
    return !regrow_term_equal(&spent, &spent) && regrow_term_compare(&spent, &one) < 0;
}

static bool printed(regrow_term spent)
{
    char text[40];
    regrow_term_print(&spent, text, sizeof text);
    return strcmp(text, "#Invalid") == 0;
}

static bool encoded(regrow_term spent)
{
    regrow_term bytes;
    return regrow_term_encode(&spent, &bytes) == REGROW_ERR_ARGUMENT;
}

typedef bool use(regrow_term spent);
static use *const uses[] = { sent,        called, in_a_list, in_an_array, cloned,
                             freed_again, looked_into, compared,  printed,     encoded };

static regrow_term text(void)
{
    return regrow_text("too long to lie inside the term");
}

static regrow_term list(void)
{
    return regrow_cons(text(), regrow_nil());
}

static regrow_term tuple(void)
{
    regrow_term items[] = { text(), regrow_int(1) };
    return regrow_tuple(items, 2);
}

static regrow_term map(void)
{
    regrow_term key = text(), value = regrow_int(1);
    return regrow_map(&key, &value, 1);
}

static regrow_term resource(void)
{
    return regrow_resource(NULL, NULL);
}

static regrow_term large(void)
{
    static char bytes[1 << 22];
    return regrow_bytes(bytes, sizeof bytes);
}

typedef regrow_term make(void);

enum { NOT_SO = 3, REPORTED = 4 };

/* AddressSanitizer calls this when it has found something, before it makes its report. Of a child nobody reads that, and
 * with the names of its functions it takes half a second. */
static bool in_a_child;
void __asan_on_error(void);
void __asan_on_error(void)
{
    if (in_a_child)
        _exit(REPORTED);
}

static int status_of(make *make, use *use)
{
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        in_a_child = true;
        int nowhere = open("/dev/null", O_WRONLY);
        dup2(nowhere, STDERR_FILENO);
        regrow_term term = make(), spent = term;
        CHECK(regrow_is_valid(&term));
        regrow_term_free(&term);
        _exit(use(spent) ? 0 : NOT_SO);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(!WIFEXITED(status) || WEXITSTATUS(status) != NOT_SO);
    return status;
}

static bool reported(int status)
{
    return KEEPS_FREED_MEMORY && WIFEXITED(status) && WEXITSTATUS(status) == REPORTED;
}

static void a_spent_term_is_refused_or_ends_the_program(void)
{
    static make *const makes[] = { text, list, tuple, map, resource };
    for (size_t at = 0; at < sizeof makes / sizeof *makes; at++)
        for (size_t which = 0; which < sizeof uses / sizeof *uses; which++) {
            int status = status_of(makes[at], uses[which]);
            /* AddressSanitizer reports the look at what was freed, if the library was built with it. */
            CHECK(status == 0 || reported(status));
        }
}

static void a_large_one_is_refused_or_no_longer_mapped(void)
{
    for (size_t which = 0; which < sizeof uses / sizeof *uses; which++) {
        int status = status_of(large, uses[which]);
        CHECK(status == 0 || reported(status) || (WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV));
    }
}

static void what_lies_inside_is_a_value_still(void)
{
    regrow_term short_text = regrow_text("thirteen byte"), moved = short_text;
    const char *found;
    regrow_term list = regrow_cons(moved, regrow_nil());
    CHECK(regrow_as_text(&short_text, &found) && strcmp(found, "thirteen byte") == 0);
    regrow_term_free(&list);
    list = regrow_cons(short_text, regrow_nil());
    CHECK(regrow_is_valid(&list));
    regrow_term_free(&list);
}

int main(void)
{
    a_spent_term_is_refused_or_ends_the_program();
    a_large_one_is_refused_or_no_longer_mapped();
    what_lies_inside_is_a_value_still();
    return 0;
}
