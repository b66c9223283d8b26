#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_add(struct text *text, const char *format, ...)
{
  va_list list;
  va_start(list, format);
  int length = vsnprintf(NULL, 0, format, list);
  va_end(list);
  if (length < 0)
    give_up("cannot format %s", format);
  if (text->length + (size_t)length + 1 > text->room) {
    text->room = 2 * text->room + (size_t)length + 1;
    text->bytes = grow_memory(text->bytes, text->room);
  }
  va_start(list, format);
  vsnprintf(text->bytes + text->length, (size_t)length + 1, format, list);
  va_end(list);
  text->length += (size_t)length;
}

const char *text_get(const struct text *text)
{
  return text->bytes ? text->bytes : "";
}

void text_clear(struct text *text)
{
  text->length = 0;
  if (text->bytes)
    text->bytes[0] = '\0';
}

void text_free(struct text *text)
{
  free(text->bytes);
  *text = (struct text){0};
}

void *new_memory(size_t size)
{
  void *memory = calloc(1, size);
  if (!memory)
    give_up("out of memory");
  return memory;
}

void *grow_memory(void *memory, size_t size)
{
  void *grown = realloc(memory, size);
  if (!grown)
    give_up("out of memory");
  return grown;
}

char *new_copy(const char *bytes, size_t length)
{
  char *copy = new_memory(length + 1);
  memcpy(copy, bytes, length);
  return copy;
}

void give_up(const char *format, ...)
{
  va_list list;
  va_start(list, format);
  fputs("regrow-conformance: ", stderr);
  vfprintf(stderr, format, list);
  fputc('\n', stderr);
  va_end(list);
  _Exit(1); /* processes may still run: no atexit handler under their feet */
}
