/* How often each word was seen. A word is a maximal run of letters, digits and bytes above 127, with
 * A to Z folded to a to z. Not for two threads at once. */
#ifndef WORDS_H
#define WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct words;

struct word {
    const char *text; /* not NUL-terminated; belongs to the table */
    size_t length;
    uint64_t count;
};

/* A byte as it stands in a word, or 0 when it stands between words. */
unsigned char words_fold(unsigned char byte);

struct words *words_new(void); /* NULL: no memory */
void words_free(struct words *words);

/* Reads on through a text that comes in pieces; a word may go over the edge of one. words_end() ends
 * the text, and with it the last word. False: no memory. */
bool words_read(struct words *words, const unsigned char *bytes, size_t size);
bool words_end(struct words *words);

/* Adds `count` more of one folded word; adds all of `from`. False: no memory, and part may be added. */
bool words_add(struct words *words, const char *text, size_t length, uint64_t count);
bool words_merge(struct words *words, const struct words *from);

size_t words_distinct(const struct words *words);
uint64_t words_total(const struct words *words);
bool words_equal(const struct words *left, const struct words *right);

/* The `most` commonest words, commonest first, equals in order of their bytes; returns how many.
 * *top is for free(); 0 and NULL when there is no memory. */
size_t words_top(const struct words *words, size_t most, struct word **top);

#endif
