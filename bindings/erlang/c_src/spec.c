/* Child specs out of maps of terms: #{kind => Kind, ...}, with the names of regrow.h's fields as keys. Every value is
 * checked; an unknown key is an error, so that a misspelt one is seen. */
#include <stdlib.h>
#include <string.h>

#include "nif.h"

/* Specs within specs (children, partitions) no deeper than this. */
#define DEPTH_MAX 32

struct spec_memory {
  struct spec_memory *next;
  max_align_t place[];
};

static void *take(spec_memory **memory, size_t size) {
  spec_memory *more = calloc(1, sizeof *more + size);
  if (more == NULL) return NULL;
  more->next = *memory;
  *memory = more;
  return more->place;
}

void spec_free(spec_memory *memory) {
  while (memory != NULL) {
    spec_memory *next = memory->next;
    free(memory);
    memory = next;
  }
}

/* ---- one value ---- */

/* What is under a key, and counts that it was looked at. */
typedef struct reader {
  const regrow_term *map;
  size_t seen;
  regrow_error error;
} reader;

static const regrow_term *value_of(reader *in, const char *name) {
  regrow_term key = regrow_atom(name);
  const regrow_term *value = regrow_map_get(in->map, &key);
  regrow_term_free(&key);
  if (value != NULL) in->seen++;
  return value;
}

static void wrong(reader *in) { in->error = REGROW_ERR_ARGUMENT; }

typedef struct word {
  const char *name;
  uint32_t value;
} word;

/* An atom of a list that ends with {NULL}, or, where `numbers`, an integer; `fallback` when it is left out. */
static uint32_t word_of(reader *in, const char *name, const word *words, bool numbers, uint32_t fallback) {
  const regrow_term *value = value_of(in, name);
  int64_t number;
  if (value == NULL) return fallback;
  for (; words->name != NULL; words++)
    if (regrow_is_atom(value, words->name)) return words->value;
  if (numbers && regrow_as_int(value, &number) && number >= 0 && number < REGROW_NONE) return (uint32_t)number;
  wrong(in);
  return 0;
}

static const word no_words[] = {{NULL, 0}};
static const word booleans[] = {{"true", 1}, {"false", 0}, {NULL, 0}};

static uint32_t number_of(reader *in, const char *name) { return word_of(in, name, no_words, true, 0); }

/* Where 0 is meant, and the default is another. */
static uint32_t limit_of(reader *in, const char *name) {
  const word unlimited[] = {{"infinity", 0}, {NULL, 0}};
  const regrow_term *value = value_of(in, name);
  int64_t number;
  if (value == NULL) return 0;
  in->seen--;
  if (regrow_as_int(value, &number) && number == 0) {
    in->seen++;
    return REGROW_NONE;
  }
  return word_of(in, name, unlimited, true, 0);
}

static const char *text_of(reader *in, const char *name, bool needed) {
  const regrow_term *value = value_of(in, name);
  const char *text = NULL;
  if (value == NULL ? needed : !regrow_as_text(value, &text)) wrong(in);
  return text;
}

/* ---- kinds ---- */

static const word strategies[] = {{"one_for_one", REGROW_ONE_FOR_ONE},
                                  {"one_for_all", REGROW_ONE_FOR_ALL},
                                  {"rest_for_one", REGROW_REST_FOR_ONE},
                                  {NULL, 0}};

static void read_child(reader *in, regrow_child_spec *child, spec_memory **memory, unsigned depth);

static regrow_child_spec *children_of(reader *in, size_t *count, spec_memory **memory, unsigned depth) {
  const regrow_term *list = value_of(in, "children");
  *count = 0;
  if (list == NULL || regrow_is_nil(list)) return NULL;
  if (!regrow_list_length(list, count)) {
    wrong(in);
    return NULL;
  }
  regrow_child_spec *children = take(memory, *count * sizeof *children);
  if (children == NULL) {
    in->error = REGROW_ERR_LIMIT;
    return NULL;
  }
  for (size_t at = 0; at < *count && in->error == REGROW_OK; at++, list = regrow_list_tail(list)) {
    reader child = {.map = regrow_list_head(list)};
    read_child(&child, &children[at], memory, depth + 1);
    if (child.error != REGROW_OK) in->error = child.error;
  }
  return children;
}

static void read_supervisor(reader *in, regrow_supervisor_spec *spec, spec_memory **memory, unsigned depth) {
  const word shutdowns[] = {{"never", REGROW_NEVER},
                            {"any_significant", REGROW_ANY_SIGNIFICANT},
                            {"all_significant", REGROW_ALL_SIGNIFICANT},
                            {NULL, 0}};
  spec->size = sizeof *spec;
  spec->strategy = word_of(in, "strategy", strategies, false, REGROW_ONE_FOR_ONE);
  spec->max_restarts = limit_of(in, "max_restarts");
  spec->period_ms = number_of(in, "period_ms");
  spec->auto_shutdown = word_of(in, "auto_shutdown", shutdowns, false, REGROW_NEVER);
  spec->flags = word_of(in, "parallel_start", booleans, false, 0) ? REGROW_PARALLEL_START : 0;
  spec->children = children_of(in, &spec->child_count, memory, depth);
}

static void read_dynamic_supervisor(reader *in, regrow_dynamic_supervisor_spec *spec) {
  spec->size = sizeof *spec;
  spec->max_children = limit_of(in, "max_children");
  spec->max_restarts = limit_of(in, "max_restarts");
  spec->period_ms = number_of(in, "period_ms");
  spec->flags = word_of(in, "unique_ids", booleans, false, 0) ? REGROW_UNIQUE_IDS : 0;
}

static void read_partition_supervisor(reader *in, regrow_partition_supervisor_spec *spec, spec_memory **memory,
                                      unsigned depth) {
  reader child = {.map = value_of(in, "child")};
  regrow_child_spec *read = take(memory, sizeof *read);
  spec->size = sizeof *spec;
  spec->partitions = number_of(in, "partitions");
  spec->strategy = word_of(in, "strategy", strategies, false, REGROW_ONE_FOR_ONE);
  spec->max_restarts = limit_of(in, "max_restarts");
  spec->period_ms = number_of(in, "period_ms");
  spec->flags = word_of(in, "with_number", booleans, false, 0) ? REGROW_WITH_NUMBER : 0;
  spec->child = read;
  if (read == NULL || child.map == NULL) {
    wrong(in);
    return;
  }
  read_child(&child, read, memory, depth + 1);
  if (child.error != REGROW_OK) in->error = child.error;
}

static void read_registry(reader *in, regrow_registry_spec *spec, spec_memory **memory) {
  const word kinds[] = {{"unique", REGROW_UNIQUE}, {"duplicate", REGROW_DUPLICATE}, {NULL, 0}};
  spec->size = sizeof *spec;
  spec->keys = word_of(in, "keys", kinds, false, REGROW_UNIQUE);
  spec->partitions = number_of(in, "partitions");
  spec->meta = value_of(in, "meta");
  const regrow_term *list = value_of(in, "listeners");
  if (list == NULL) return;
  const char **listeners = NULL;
  if (!regrow_list_length(list, &spec->listener_count) ||
      (listeners = take(memory, (spec->listener_count + 1) * sizeof *listeners)) == NULL) {
    wrong(in);
    return;
  }
  for (size_t at = 0; at < spec->listener_count; at++, list = regrow_list_tail(list))
    if (!regrow_as_text(regrow_list_head(list), &listeners[at])) wrong(in);
  spec->listeners = listeners;
}

static void read_task_supervisor(reader *in, regrow_task_supervisor_spec *spec) {
  const word limits[] = {{"refuse", REGROW_REFUSE}, {"queue", REGROW_QUEUE}, {NULL, 0}};
  spec->size = sizeof *spec;
  spec->max_children = number_of(in, "max_children");
  spec->at_limit = word_of(in, "at_limit", limits, false, REGROW_REFUSE);
  spec->max_restarts = limit_of(in, "max_restarts");
  spec->period_ms = number_of(in, "period_ms");
}

/* ---- what all kinds have ---- */

static const word kinds[] = {{"supervisor", REGROW_SUPERVISOR},
                             {"dynamic_supervisor", REGROW_DYNAMIC_SUPERVISOR},
                             {"partition_supervisor", REGROW_PARTITION_SUPERVISOR},
                             {"task_supervisor", REGROW_TASK_SUPERVISOR},
                             {"registry", REGROW_REGISTRY},
                             {"agent", REGROW_AGENT},
                             {"pubsub", REGROW_PUBSUB},
                             {"behaviour", REGROW_BEHAVIOUR},
                             {NULL, 0}};

/* Room for any of them. */
typedef union kind_spec {
  regrow_supervisor_spec supervisor;
  regrow_dynamic_supervisor_spec dynamic_supervisor;
  regrow_partition_supervisor_spec partition_supervisor;
  regrow_task_supervisor_spec task_supervisor;
  regrow_registry_spec registry;
  regrow_agent_spec agent;
  regrow_pubsub_spec pubsub;
  regrow_behaviour_spec behaviour;
} kind_spec;

static void read_kind(reader *in, uint32_t kind, kind_spec *spec, spec_memory **memory, unsigned depth) {
  switch (kind) {
    case REGROW_SUPERVISOR: read_supervisor(in, &spec->supervisor, memory, depth); break;
    case REGROW_DYNAMIC_SUPERVISOR: read_dynamic_supervisor(in, &spec->dynamic_supervisor); break;
    case REGROW_PARTITION_SUPERVISOR:
      read_partition_supervisor(in, &spec->partition_supervisor, memory, depth);
      break;
    case REGROW_TASK_SUPERVISOR: read_task_supervisor(in, &spec->task_supervisor); break;
    case REGROW_REGISTRY: read_registry(in, &spec->registry, memory); break;
    case REGROW_AGENT:
      spec->agent = (regrow_agent_spec){.size = sizeof spec->agent, .initial = value_of(in, "initial")};
      break;
    case REGROW_PUBSUB: spec->pubsub.size = sizeof spec->pubsub; break;
    case REGROW_BEHAVIOUR:
      spec->behaviour.size = sizeof spec->behaviour;
      spec->behaviour.name = text_of(in, "behaviour", true);
      spec->behaviour.arg = value_of(in, "arg");
      break;
    default: wrong(in);
  }
}

static const regrow_backoff_spec *backoff_of(reader *in, spec_memory **memory) {
  const word ends[] = {{"end", REGROW_END}, {"park", REGROW_PARK}, {NULL, 0}};
  reader of = {.map = value_of(in, "backoff")};
  size_t count;
  if (of.map == NULL) return NULL;
  regrow_backoff_spec *backoff = take(memory, sizeof *backoff);
  if (backoff == NULL || !regrow_map_size(of.map, &count)) {
    wrong(in);
    return NULL;
  }
  backoff->size = sizeof *backoff;
  backoff->initial_ms = number_of(&of, "initial_ms");
  backoff->max_ms = number_of(&of, "max_ms");
  backoff->factor_percent = number_of(&of, "factor_percent");
  backoff->jitter_percent = number_of(&of, "jitter_percent");
  backoff->reset_after_ms = number_of(&of, "reset_after_ms");
  backoff->max_restarts = limit_of(&of, "max_restarts");
  backoff->period_ms = number_of(&of, "period_ms");
  backoff->at_limit = word_of(&of, "at_limit", ends, false, REGROW_END);
  if (of.error != REGROW_OK || of.seen != count) wrong(in);
  return backoff;
}

/* {Registry, Key} or {Registry, Key, Value}. */
static const regrow_address *via_of(reader *in, spec_memory **memory) {
  const regrow_term *tuple = value_of(in, "via");
  if (tuple == NULL) return NULL;
  regrow_address *via = take(memory, sizeof *via);
  if (via == NULL || regrow_tuple_get(tuple, 1) == NULL ||
      !regrow_as_pid(regrow_tuple_get(tuple, 0), &via->registry)) {
    wrong(in);
    return NULL;
  }
  via->size = sizeof *via;
  via->key = regrow_tuple_get(tuple, 1);
  via->value = regrow_tuple_get(tuple, 2);
  return via;
}

static void read_child(reader *in, regrow_child_spec *child, spec_memory **memory, unsigned depth) {
  const word restarts[] = {{"permanent", REGROW_PERMANENT},
                           {"transient", REGROW_TRANSIENT},
                           {"temporary", REGROW_TEMPORARY},
                           {NULL, 0}};
  const word shutdowns[] = {{"brutal_kill", REGROW_BRUTAL_KILL}, {"infinity", REGROW_INFINITY}, {NULL, 0}};
  size_t count;
  if (depth > DEPTH_MAX || !regrow_map_size(in->map, &count)) {
    wrong(in);
    return;
  }
  kind_spec *spec = take(memory, sizeof *spec);
  if (spec == NULL) {
    in->error = REGROW_ERR_LIMIT;
    return;
  }
  child->size = sizeof *child;
  child->kind = word_of(in, "kind", kinds, false, 0);
  child->spec = spec;
  child->id_term = value_of(in, "id");
  child->restart = word_of(in, "restart", restarts, false, 0);
  child->shutdown_ms = word_of(in, "shutdown", shutdowns, true, 0);
  /* The spec's zero is the default; no time at all is the least there is. */
  const regrow_term *shutdown = value_of(in, "shutdown");
  int64_t zero;
  if (shutdown != NULL) in->seen--;
  if (shutdown != NULL && regrow_as_int(shutdown, &zero) && zero == 0) child->shutdown_ms = 1;
  child->significant = word_of(in, "significant", booleans, false, 0);
  child->name_term = value_of(in, "name");
  child->via = via_of(in, memory);
  child->backoff = backoff_of(in, memory);
  if (in->error == REGROW_OK) read_kind(in, child->kind, spec, memory, depth);
  if (in->error == REGROW_OK && in->seen != count) wrong(in);
}

regrow_error spec_read(const regrow_term *map, regrow_child_spec *spec, spec_memory **memory) {
  reader in = {.map = map};
  *memory = NULL;
  *spec = (regrow_child_spec){0};
  read_child(&in, spec, memory, 0);
  return in.error;
}
