#include "words.h"

#include "attempts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static regrow_term atom_of(const char *bytes, size_t length)
{
  char *name = new_copy(bytes, length);
  regrow_term atom = regrow_atom(name);
  free(name);
  return atom;
}

/* The digits at the beginning, how many. */
static size_t digits(const char *word)
{
  return strspn(word, "0123456789");
}

regrow_term term_of_word(const char *word)
{
  const char *unsigned_word = word + (*word == '-');
  size_t whole = digits(unsigned_word);
  if (whole) {
    const char *rest = unsigned_word + whole;
    if (!*rest)
      return regrow_int(strtoll(word, NULL, 10));
    if (*rest == '.' && digits(rest + 1) && !rest[1 + digits(rest + 1)])
      return regrow_float(strtod(word, NULL));
  }
  return regrow_atom(word);
}

regrow_term pair(regrow_term first, regrow_term second)
{
  regrow_term items[] = {first, second};
  return regrow_tuple(items, 2);
}

regrow_term reason_of_word(const char *word)
{
  const char *colon = strchr(word, ':');
  if (!colon)
    return regrow_atom(word);
  return pair(atom_of(word, (size_t)(colon - word)), reason_of_word(colon + 1));
}

/* The fewest digits behind the point, at least one, that read back the same. */
static void add_float(struct text *text, double value)
{
  char digits_of_it[400];
  for (int places = 1; places < 40; places++) {
    snprintf(digits_of_it, sizeof digits_of_it, "%.*f", places, value);
    if (strtod(digits_of_it, NULL) == value)
      break;
  }
  text_add(text, "%s", digits_of_it);
}

static void add_tuple(struct text *text, const regrow_term *tuple, size_t size)
{
  for (size_t i = 0; i < size; i++) {
    if (i)
      text_add(text, ":");
    text_add_term(text, regrow_tuple_get(tuple, i));
  }
}

/* What no scenario should see: as Erlang prints it. */
static void add_any(struct text *text, const regrow_term *term)
{
  size_t length = regrow_term_print(term, NULL, 0);
  char *printed = new_memory(length + 1);
  regrow_term_print(term, printed, length + 1);
  text_add(text, "%s", printed);
  free(printed);
}

void text_add_term(struct text *text, const regrow_term *term)
{
  int64_t whole;
  double number;
  const char *name;
  regrow_pid pid;
  size_t size;
  if (regrow_as_int(term, &whole))
    text_add(text, "%lld", (long long)whole);
  else if (regrow_as_float(term, &number))
    add_float(text, number);
  else if (regrow_as_text(term, &name))
    text_add(text, "%s", name);
  else if (regrow_as_pid(term, &pid))
    text_add(text, "%s", label_of(pid));
  else if (regrow_tuple_size(term, &size))
    add_tuple(text, term, size);
  else
    add_any(text, term);
}

const regrow_term *element(const regrow_term *tuple, size_t index)
{
  static const regrow_term nil; /* zeroed: [] */
  const regrow_term *term = regrow_tuple_get(tuple, index);
  return term ? term : &nil;
}
