#include "support.h"

#include "operation.h"

#include <stdlib.h>
#include <string.h>

static bool is_known_behaviour(const char *behaviour, bool is_worker)
{
  if (!strcmp(behaviour, "ok") || !strcmp(behaviour, "ignore"))
    return true;
  return is_worker &&
         (!strcmp(behaviour, "cont") || !strncmp(behaviour, "fail:", 5) || !strncmp(behaviour, "kill:", 5));
}

static bool has_known_init(const struct line *declaration)
{
  const char *list = line_option(declaration, "init");
  bool is_worker = !strcmp(line_word(declaration, 0), "worker");
  bool is_known = true;
  while (list && is_known) {
    char *behaviour = list_item(list, 1);
    is_known = is_known_behaviour(behaviour, is_worker);
    free(behaviour);
    list = strchr(list, ',');
    list = list ? list + 1 : NULL;
  }
  return is_known;
}

static bool is_supported_declaration(const struct line *declaration)
{
  return has_known_init(declaration);
}

static bool is_supported_step(const struct line *step)
{
  const char *name = line_word(step, 0);
  return operation_named(name, BY_MAIN) &&
         (strcmp(name, "do") != 0 || operation_named(line_word(step, 2), BY_PROCESS));
}

bool is_supported(const struct scenario *scenario)
{
  for (size_t i = 0; i < scenario->declaration_count; i++)
    if (!is_supported_declaration(&scenario->declarations[i]))
      return false;
  for (size_t i = 0; i < scenario->step_count; i++)
    if (!is_supported_step(&scenario->steps[i]))
      return false;
  return true;
}
