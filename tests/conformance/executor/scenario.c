#include "scenario.h"

#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_LINE = 1000 };

static void cut_line(struct line *line, const char *text)
{
  size_t length = strlen(text);
  size_t most = length / 2 + 1; /* tokens, each followed by one space */
  line->text = new_copy(text, length);
  line->cut = new_copy(text, length);
  line->words = new_memory(most * sizeof *line->words);
  line->options = new_memory(most * sizeof *line->options);
  char *rest = line->cut;
  while (*rest) {
    char *token = rest;
    rest += strcspn(rest, " ");
    while (*rest == ' ')
      *rest++ = '\0';
    char *equals = strchr(token, '=');
    if (equals) {
      *equals = '\0';
      line->options[line->option_count++] = (struct option){.key = token, .value = equals + 1};
    } else if (*token) {
      line->words[line->word_count++] = token;
    }
  }
}

static void free_line(struct line *line)
{
  free(line->text);
  free(line->cut);
  free(line->words);
  free(line->options);
}

static struct line *one_more(struct line **lines, size_t *count)
{
  *lines = grow_memory(*lines, (*count + 1) * sizeof **lines);
  struct line *line = &(*lines)[(*count)++];
  *line = (struct line){0};
  return line;
}

static bool is_declaration(const char *text)
{
  return !strncmp(text, "sup ", 4) || !strncmp(text, "dsup ", 5) || !strncmp(text, "worker ", 7);
}

bool scenario_read(struct scenario *scenario, const char *path)
{
  *scenario = (struct scenario){0};
  FILE *file = fopen(path, "r");
  if (!file)
    return false;
  char text[LONGEST_LINE + 3];
  while (fgets(text, sizeof text, file)) {
    text[strcspn(text, "\r\n")] = '\0';
    if (!text[0] || text[0] == '#')
      continue;
    if (!scenario->name) {
      cut_line(&scenario->title, text);
      if (strcmp(line_word(&scenario->title, 0), "scenario"))
        break;
      scenario->name = line_word(&scenario->title, 1);
    } else if (is_declaration(text)) {
      cut_line(one_more(&scenario->declarations, &scenario->declaration_count), text);
    } else {
      cut_line(one_more(&scenario->steps, &scenario->step_count), text);
    }
  }
  fclose(file);
  return scenario->name != NULL;
}

void scenario_free(struct scenario *scenario)
{
  for (size_t i = 0; i < scenario->declaration_count; i++)
    free_line(&scenario->declarations[i]);
  for (size_t i = 0; i < scenario->step_count; i++)
    free_line(&scenario->steps[i]);
  free(scenario->declarations);
  free(scenario->steps);
  free_line(&scenario->title);
}

const char *line_word(const struct line *line, size_t index)
{
  return index < line->word_count ? line->words[index] : "";
}

const char *line_option(const struct line *line, const char *key)
{
  for (size_t i = 0; i < line->option_count; i++)
    if (!strcmp(line->options[i].key, key))
      return line->options[i].value;
  return NULL;
}

const struct line *scenario_declaration(const struct scenario *scenario, const char *id)
{
  for (size_t i = 0; i < scenario->declaration_count; i++)
    if (!strcmp(line_word(&scenario->declarations[i], 1), id))
      return &scenario->declarations[i];
  return NULL;
}

char *list_item(const char *list, unsigned number)
{
  while (number > 1) {
    const char *comma = strchr(list, ',');
    if (!comma)
      break;
    list = comma + 1;
    number--;
  }
  return new_copy(list, strcspn(list, ","));
}
