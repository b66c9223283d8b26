/* words.h - terms and reasons, from and to the words of scenarios and traces (FORMAT.md, "Terms" and "Reasons"). */
#ifndef EXECUTOR_WORDS_H
#define EXECUTOR_WORDS_H

#include "regrow.h"
#include "text.h"

regrow_term term_of_word(const char *word);   /* 7, 2.5, or an atom */
regrow_term reason_of_word(const char *word); /* `a:b:c` is {a, {b, c}} */
regrow_term pair(regrow_term first, regrow_term second);

/* The elements of tuples are joined by `:`, pids are labels. */
void text_add_term(struct text *text, const regrow_term *term);

/* Element `index` of a tuple; nil when there is none. */
const regrow_term *element(const regrow_term *tuple, size_t index);

#endif
