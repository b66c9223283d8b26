#include "wordcount.h"

regrow_term message(const char *tag, size_t a, size_t b)
{
    regrow_term items[] = { regrow_atom(tag), regrow_int((int64_t)a), regrow_int((int64_t)b) };
    return regrow_tuple(items, 3);
}

static bool as_size(const regrow_term *term, size_t *value)
{
    int64_t number;
    if (!term || !regrow_as_int(term, &number) || number < 0)
        return false;
    *value = (size_t)number;
    return true;
}

bool is_message(const regrow_term *term, const char *tag, size_t *a, size_t *b)
{
    size_t size;
    return regrow_tuple_size(term, &size) && size == 3 && regrow_is_atom(regrow_tuple_get(term, 0), tag)
        && as_size(regrow_tuple_get(term, 1), a) && as_size(regrow_tuple_get(term, 2), b);
}
