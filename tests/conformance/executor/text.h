/* text.h - text that grows, and memory that is there or ends the program.
 * A zeroed `struct text` is empty and ready. */
#ifndef EXECUTOR_TEXT_H
#define EXECUTOR_TEXT_H

#include <stddef.h>

struct text {
  char *bytes; /* NUL-terminated; NULL while nothing was added */
  size_t length, room;
};

void text_add(struct text *text, const char *format, ...);
const char *text_get(const struct text *text); /* never NULL */
void text_clear(struct text *text);
void text_free(struct text *text);

void *new_memory(size_t size); /* zeroed */
void *grow_memory(void *memory, size_t size);
char *new_copy(const char *bytes, size_t length);

/* Writes to standard error why the run cannot go on, and exits with status 1. */
void give_up(const char *format, ...);

#endif
