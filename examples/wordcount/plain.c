/* The same count without processes: one thread, one file after the other, each read whole. It shares the
 * table with the workers but not their reading, so that a fault there shows too. */
#include "wordcount.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

static char *read_whole(const char *path, size_t *size)
{
    size_t room = 64 * 1024, used = 0;
    char *text = NULL;
    FILE *in = fopen(path, "rb");
    if (!in)
        return NULL;
    for (size_t got = 1; got;) {
        char *larger = realloc(text, room);
        if (!larger)
            break;
        text = larger;
        got = fread(text + used, 1, room - used, in);
        used += got;
        if (used == room)
            room *= 2;
    }
    bool ok = feof(in) && !ferror(in);
    fclose(in);
    if (!ok) {
        free(text);
        return NULL;
    }
    *size = used;
    return text;
}

static bool is_word_byte(unsigned char byte)
{
    return isalnum(byte) || byte >= 128; /* in the "C" locale, which this program does not leave */
}

bool plain_count(const char *path, struct words *words)
{
    size_t size;
    char *text = read_whole(path, &size);
    bool ok = text != NULL;
    for (size_t at = 0; ok && at < size;) {
        size_t start = at;
        for (; at < size && is_word_byte((unsigned char)text[at]); at++)
            text[at] = (char)tolower((unsigned char)text[at]);
        if (at > start)
            ok = words_add(words, text + start, at - start, 1);
        else
            at++;
    }
    free(text);
    return ok;
}
