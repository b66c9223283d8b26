#include "places.h"

#include "recorder.h"
#include "text.h"
#include "trace.h"
#include "worker.h"

#include <stdlib.h>
#include <string.h>

enum { NO_SUCH_CHOICE = 99 }; /* for a word that means nothing: regrow must refuse it */

static const struct scenario *scenario;
static struct place *all;

void places_use(const struct scenario *the_scenario)
{
  scenario = the_scenario;
}

const struct line *places_declaration(const char *id)
{
  return scenario_declaration(scenario, id);
}

/* ---- values ---- */

static uint32_t choice(const char *word, const char *const *words, uint32_t count)
{
  for (uint32_t i = 0; i < count; i++)
    if (!strcmp(word, words[i]))
      return i;
  return NO_SUCH_CHOICE;
}

static uint32_t strategy(const char *word)
{
  static const char *const words[] = {
      [REGROW_ONE_FOR_ONE] = "one_for_one",
      [REGROW_ONE_FOR_ALL] = "one_for_all",
      [REGROW_REST_FOR_ONE] = "rest_for_one",
      [REGROW_SIMPLE_ONE_FOR_ONE] = "simple_one_for_one",
  };
  return choice(word ? word : "one_for_one", words, 4);
}

static uint32_t auto_shutdown(const char *word)
{
  static const char *const words[] = {
      [REGROW_NEVER] = "never",
      [REGROW_ANY_SIGNIFICANT] = "any_significant",
      [REGROW_ALL_SIGNIFICANT] = "all_significant",
  };
  return choice(word ? word : "never", words, 3);
}

static uint32_t significant(const char *word)
{
  static const char *const words[] = {"false", "true"};
  return choice(word ? word : "false", words, 2);
}

static uint32_t restart(const char *word)
{
  static const char *const words[] = {
      [0] = "", /* the default */
      [REGROW_PERMANENT] = "permanent",
      [REGROW_TRANSIENT] = "transient",
      [REGROW_TEMPORARY] = "temporary",
  };
  return choice(word ? word : "permanent", words, 4);
}

/* A number of at least `least`; anything else cannot be put into a spec and makes the place refused. */
static uint32_t number(struct place *place, const char *word, uint32_t default_value, long least)
{
  if (!word)
    return default_value;
  char *end;
  long value = strtol(word, &end, 10);
  if (*end || end == word || value < least || value > (long)INT32_MAX)
    place->is_refused = true;
  return place->is_refused ? default_value : (uint32_t)value;
}

static uint32_t shutdown_ms(struct place *place, const char *word)
{
  if (!word)
    return place->is_supervisor ? REGROW_INFINITY : 5000;
  if (!strcmp(word, "infinity"))
    return REGROW_INFINITY;
  if (!strcmp(word, "brutal_kill"))
    return REGROW_BRUTAL_KILL;
  uint32_t ms = number(place, word, 5000, 0);
  return ms ? ms : 1; /* zero would be the default */
}

/* ---- supervisors ---- */

static regrow_next supervisor_init(regrow_context *context, void *user, const regrow_term *arg, regrow_children *children)
{
  (void)context;
  (void)arg;
  (void)children;
  struct place *place = user;
  struct attempt *attempt = place_begin(place, place->id);
  if (!strcmp(attempt->behaviour, "ignore"))
    return REGROW_IGNORE;
  attempts_lock();
  place->latest = attempt;
  attempts_unlock();
  attempt_came_up(attempt);
  return REGROW_READY;
}

static size_t count_children(const struct place *place)
{
  size_t count = 0;
  for (size_t i = 0; i < scenario->declaration_count; i++) {
    const char *in = line_option(&scenario->declarations[i], "in");
    count += in && !strcmp(in, place->id);
  }
  return count;
}

static void add_children(struct place *place)
{
  size_t count = count_children(place);
  regrow_child_spec *specs = new_memory((count + 1) * sizeof *specs);
  place->children = new_memory((count + 1) * sizeof *place->children);
  for (size_t i = 0; i < scenario->declaration_count; i++) {
    const char *in = line_option(&scenario->declarations[i], "in");
    if (!in || strcmp(in, place->id) != 0)
      continue;
    struct place *child = place_of_declaration(&scenario->declarations[i], place);
    place->is_refused = place->is_refused || child->is_refused;
    specs[place->child_count] = child->child;
    place->children[place->child_count++] = child;
  }
  place->supervisor_spec.children = specs;
  place->supervisor_spec.child_count = place->child_count;
}

static void describe_supervisor(struct place *place)
{
  const struct line *line = place->declaration;
  uint32_t max_restarts = number(place, line_option(line, "intensity"), 1, 0);
  place->supervisor_spec = (regrow_supervisor_spec){
      .size = sizeof place->supervisor_spec,
      .strategy = strategy(line_option(line, "strategy")),
      .max_restarts = max_restarts ? max_restarts : REGROW_NONE,
      .period_ms = 1000 * number(place, line_option(line, "period"), 5, 1),
      .auto_shutdown = auto_shutdown(line_option(line, "auto")),
      .init = supervisor_init,
      .user = place,
  };
  place->is_simple = place->supervisor_spec.strategy == REGROW_SIMPLE_ONE_FOR_ONE;
  place->child.kind = REGROW_SUPERVISOR;
  place->child.spec = &place->supervisor_spec;
  add_children(place);
}

static void describe_dynamic(struct place *place)
{
  const struct line *line = place->declaration;
  uint32_t max_restarts = number(place, line_option(line, "intensity"), 3, 0);
  const char *most = line_option(line, "max_children");
  uint32_t max_children = number(place, most, 0, 0);
  place->dynamic_spec = (regrow_dynamic_supervisor_spec){
      .size = sizeof place->dynamic_spec,
      .max_children = most && !max_children ? REGROW_NONE : max_children,
      .max_restarts = max_restarts ? max_restarts : REGROW_NONE,
      .period_ms = 1000 * number(place, line_option(line, "period"), 5, 1),
      .init = supervisor_init,
      .user = place,
  };
  place->child.kind = REGROW_DYNAMIC_SUPERVISOR;
  place->child.spec = &place->dynamic_spec;
}

/* ---- places ---- */

static struct place *new_place(const char *id)
{
  struct place *place = new_memory(sizeof *place);
  place->id = id;
  place->id_term = regrow_atom(id);
  place->child = (regrow_child_spec){.size = sizeof place->child, .id_term = &place->id_term};
  place->next = all;
  all = place;
  return place;
}

static void describe_worker(struct place *place)
{
  place->server = worker_spec(place);
  place->child.kind = REGROW_SERVER;
  place->child.spec = &place->server;
}

struct place *place_of_declaration(const struct line *declaration, const struct place *supervisor)
{
  struct place *place = new_place(line_word(declaration, 1));
  const char *trap = line_option(declaration, "trap");
  place->declaration = declaration;
  place->supervisor = supervisor;
  place->is_dynamic = !strcmp(line_word(declaration, 0), "dsup");
  place->is_supervisor = place->is_dynamic || !strcmp(line_word(declaration, 0), "sup");
  place->traps_exits = trap && !strcmp(trap, "true");
  place->child.restart = restart(line_option(declaration, "restart"));
  place->child.shutdown_ms = shutdown_ms(place, line_option(declaration, "shutdown"));
  place->child.significant = significant(line_option(declaration, "significant"));
  /* A DynamicSupervisor does not look at it. */
  if (supervisor && supervisor->is_dynamic)
    place->child.significant = 0;
  if (place->is_dynamic)
    describe_dynamic(place);
  else if (place->is_supervisor)
    describe_supervisor(place);
  else
    describe_worker(place);
  return place;
}

struct place *place_of_spawned(const char *id, bool traps_exits)
{
  struct place *place = new_place(id);
  place->traps_exits = traps_exits;
  describe_worker(place);
  return place;
}

void places_free(void)
{
  while (all) {
    struct place *next = all->next;
    regrow_term_free(&all->id_term);
    free((void *)all->supervisor_spec.children);
    free(all->children);
    free(all);
    all = next;
  }
}

/* ---- attempts ---- */

static struct attempt *starter_of(const struct place *place)
{
  if (!place->supervisor)
    return NULL;
  attempts_lock();
  struct attempt *starter = place->supervisor->latest;
  attempts_unlock();
  return starter;
}

struct attempt *place_begin(struct place *place, const char *id)
{
  regrow_pid self = {0};
  regrow_self(&self);
  struct attempt *attempt = attempt_begin(id, place, starter_of(place), self);
  const char *behaviours = place->declaration ? line_option(place->declaration, "init") : NULL;
  char *behaviour = list_item(behaviours ? behaviours : "ok", attempt->number);
  trace_init(attempt, behaviour);
  recorder_watch(self);
  free(behaviour);
  return attempt;
}
