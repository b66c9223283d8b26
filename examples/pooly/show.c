/* Terms as Elixir shows them. Pids are numbered as they are first seen, so that two runs print the same. */
#include "pooly.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct page {
    size_t length;
    char text[2000];
};

static void put(struct page *page, const char *text)
{
    int length = snprintf(page->text + page->length, sizeof page->text - page->length, "%s", text);
    if (length < 0 || (size_t)length >= sizeof page->text - page->length)
        must(REGROW_ERR_LIMIT, "show");
    page->length += (size_t)length;
}

const char *show_pid(regrow_pid pid)
{
    static regrow_pid seen[100];
    static char text[20];
    size_t number = 0;
    while (number < sizeof seen / sizeof *seen - 1 && seen[number].id && seen[number].id != pid.id)
        number++;
    seen[number] = pid;
    snprintf(text, sizeof text, "#PID<%zu>", number + 1);
    return text;
}

static void put_term(struct page *page, const regrow_term *term)
{
    const char *text;
    size_t size;
    regrow_pid pid;
    char other[200];
    if (regrow_is_nil(term)) {
        put(page, "[]");
    } else if (regrow_is_list(term)) {
        for (const char *before = "["; !regrow_is_nil(term); term = regrow_list_tail(term), before = ", ") {
            put(page, before);
            put_term(page, regrow_list_head(term));
        }
        put(page, "]");
    } else if (regrow_tuple_size(term, &size)) {
        for (size_t item = 0; item < size; item++) {
            put(page, item ? ", " : "{");
            put_term(page, regrow_tuple_get(term, item));
        }
        put(page, "}");
    } else if (regrow_as_pid(term, &pid)) {
        put(page, show_pid(pid));
    } else if (regrow_is_ref(term)) {
        put(page, "#Reference");
    } else if (regrow_as_atom(term, &text)) {
        put(page, ":");
        put(page, text);
    } else if (regrow_as_text(term, &text)) {
        put(page, "\"");
        put(page, text);
        put(page, "\"");
    } else {
        regrow_term_print(term, other, sizeof other);
        put(page, other);
    }
}

const char *show(const regrow_term *term)
{
    static struct page page;
    page.length = 0;
    put_term(&page, term);
    return page.text;
}

void must(regrow_error error, const char *what)
{
    if (!error)
        return;
    fflush(stdout);
    fprintf(stderr, "pooly: %s: %s\n", what, regrow_error_name(error));
    exit(EXIT_FAILURE);
}
