/* scenario.h - a scenario file as lines of words and options (FORMAT.md, section 1).
 * Read once before the runtime starts; nobody changes it afterwards. */
#ifndef EXECUTOR_SCENARIO_H
#define EXECUTOR_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>

struct option {
  const char *key, *value;
};

struct line {
  char *text;                   /* as in the file */
  char *cut;                    /* the same, cut into the tokens that words and options point to */
  const char **words;           /* tokens without '=' */
  size_t word_count;
  struct option *options;       /* tokens with '=' */
  size_t option_count;
};

struct scenario {
  const char *name;
  struct line *declarations;
  size_t declaration_count;
  struct line *steps;
  size_t step_count;
  struct line title;
};

/* False when the file cannot be read or does not begin with `scenario NAME`. */
bool scenario_read(struct scenario *scenario, const char *path);
void scenario_free(struct scenario *scenario);

const char *line_word(const struct line *line, size_t index);     /* "" when there is none */
const char *line_option(const struct line *line, const char *key); /* NULL when there is none */

/* The declaration of an id; NULL when it was not declared. */
const struct line *scenario_declaration(const struct scenario *scenario, const char *id);

/* Item `number` (from 1) of a comma-separated list, the last one for every number behind it. Free it. */
char *list_item(const char *list, unsigned number);

#endif
