/* supervisors.c - operations on supervisors. */
#include "operation.h"
#include "places.h"
#include "words.h"

#include <stdlib.h>
#include <string.h>

/* ---- starting ---- */

static const struct line *find_declaration(const struct arguments *arguments, size_t index, struct text *result)
{
  const struct line *declaration = places_declaration(argument(arguments, index));
  if (!declaration)
    text_add(result, "error unknown_id");
  return declaration;
}

static void add_started(struct text *result, regrow_error error, regrow_pid pid)
{
  if (error)
    add_start_failure(result, error);
  else
    text_add(result, "ok %s", pid.id ? label_of(pid) : "undefined");
}

void op_start(const struct arguments *arguments, struct text *result)
{
  const struct line *declaration = find_declaration(arguments, 0, result);
  if (!declaration)
    return;
  struct place *place = place_of_declaration(declaration, NULL);
  regrow_pid pid = {0};
  if (place->is_refused)
    text_add(result, "error bad_spec");
  else
    add_started(result, regrow_start_link(&place->child, &pid), pid);
}

static const struct place *supervisor_place(const struct arguments *arguments)
{
  const struct attempt *attempt = attempt_named(argument(arguments, 0));
  return attempt ? attempt->place : NULL;
}

static bool is_simple(const struct arguments *arguments)
{
  const struct place *place = supervisor_place(arguments);
  if (place)
    return place->is_simple;
  /* One that was never started is what it was declared to be. */
  const struct line *declaration = places_declaration(argument(arguments, 0));
  const char *strategy = declaration ? line_option(declaration, "strategy") : NULL;
  return strategy && !strcmp(strategy, "simple_one_for_one");
}

/* Whether its children go by pid. */
static bool is_dynamic(const struct arguments *arguments)
{
  const struct place *place = supervisor_place(arguments);
  return place && (place->is_dynamic || place->is_simple);
}

static void start_instance(const struct arguments *arguments, struct text *result)
{
  struct target target;
  regrow_pid pid = {0};
  if (!find_target(arguments, 0, &target, result))
    return;
  regrow_term id = regrow_atom(argument(arguments, 1));
  add_started(result, regrow_supervisor_start_instance(target.pid, &id, &pid), pid);
  regrow_term_free(&id);
}

void op_start_child(const struct arguments *arguments, struct text *result)
{
  struct target target;
  if (is_simple(arguments)) {
    start_instance(arguments, result);
    return;
  }
  const struct line *declaration = find_declaration(arguments, 1, result);
  if (!declaration || !find_target(arguments, 0, &target, result))
    return;
  struct place *place = place_of_declaration(declaration, target.attempt ? target.attempt->place : NULL);
  regrow_pid pid = {0};
  regrow_error error = REGROW_ERR_ARGUMENT;
  if (!place->is_refused)
    error = regrow_supervisor_start_child(target.pid, &place->child, &pid);
  /* OTP's supervisor looks at the spec itself, when there is one. */
  if (error == REGROW_ERR_ARGUMENT)
    text_add(result, regrow_is_alive(target.pid) ? "error bad_spec" : "error noproc");
  else
    add_started(result, error, pid);
}

/* ---- a child, by its id or its pid ---- */

/* The child of argument 1: an id, or, where children go by pid, a process; `id:ANY` is none. */
static bool find_child(const struct arguments *arguments, regrow_term *child, struct text *result)
{
  struct target target;
  const char *word = argument(arguments, 1);
  if (!is_dynamic(arguments) || !strncmp(word, "id:", 3)) {
    *child = regrow_atom(word);
    return true;
  }
  if (!find_target(arguments, 1, &target, result))
    return false;
  *child = regrow_from_pid(target.pid);
  return true;
}

void op_terminate_child(const struct arguments *arguments, struct text *result)
{
  struct target target;
  if (!find_target(arguments, 0, &target, result))
    return;
  regrow_term id;
  if (!find_child(arguments, &id, result))
    return;
  add_ok(result, regrow_supervisor_terminate_child(target.pid, &id));
  regrow_term_free(&id);
}

void op_restart_child(const struct arguments *arguments, struct text *result)
{
  struct target target;
  regrow_pid pid = {0};
  if (!find_target(arguments, 0, &target, result))
    return;
  regrow_term id = regrow_atom(argument(arguments, 1));
  add_started(result, regrow_supervisor_restart_child(target.pid, &id, &pid), pid);
  regrow_term_free(&id);
}

void op_delete_child(const struct arguments *arguments, struct text *result)
{
  struct target target;
  if (!find_target(arguments, 0, &target, result))
    return;
  regrow_term id = regrow_atom(argument(arguments, 1));
  add_ok(result, regrow_supervisor_delete_child(target.pid, &id));
  regrow_term_free(&id);
}

/* What the map has under the key; nil when nothing. */
static regrow_term value_of(const regrow_term *map, const char *key)
{
  regrow_term name = regrow_atom(key);
  const regrow_term *value = regrow_map_get(map, &name);
  regrow_term copy = value ? regrow_term_clone(value) : regrow_nil();
  regrow_term_free(&name);
  return copy;
}

static void add_value(struct text *result, const char *before, const regrow_term *map, const char *key)
{
  regrow_term value = value_of(map, key);
  text_add(result, "%s%s=", before, key);
  text_add_term(result, &value);
  regrow_term_free(&value);
}

void op_get_childspec(const struct arguments *arguments, struct text *result)
{
  struct target target;
  regrow_term spec;
  if (!find_target(arguments, 0, &target, result))
    return;
  regrow_term id = regrow_atom(argument(arguments, 1));
  regrow_error error = regrow_supervisor_get_childspec(target.pid, &id, &spec);
  if (error) {
    add_failure(result, error);
  } else {
    add_value(result, "spec ", &spec, "id");
    add_value(result, " ", &spec, "restart");
    add_value(result, " ", &spec, "shutdown");
    add_value(result, " ", &spec, "type");
    add_value(result, " ", &spec, "significant");
    regrow_term_free(&spec);
  }
  regrow_term_free(&id);
}

/* ---- all children ---- */

/* {Id, Pid | undefined | restarting, worker | supervisor, Kind} */
static void add_child(struct text *result, const regrow_term *child)
{
  for (size_t i = 0; i < 3; i++) {
    text_add(result, i ? "/" : "");
    text_add_term(result, element(child, i));
  }
}

static int by_bytes(const void *left, const void *right)
{
  return strcmp(*(char *const *)left, *(char *const *)right);
}

/* Those of a supervisor whose children go by pid: without their ids, sorted. */
static void add_sorted_children(struct text *result, const regrow_term *children)
{
  char **lines = NULL;
  size_t count = 0;
  for (const regrow_term *rest = children; regrow_list_head(rest); rest = regrow_list_tail(rest)) {
    const regrow_term *child = regrow_list_head(rest);
    struct text line = {0};
    text_add(&line, "undefined/");
    text_add_term(&line, element(child, 1));
    text_add(&line, "/");
    text_add_term(&line, element(child, 2));
    lines = grow_memory(lines, (count + 1) * sizeof *lines);
    lines[count++] = new_copy(text_get(&line), strlen(text_get(&line)));
    text_free(&line);
  }
  if (count)
    qsort(lines, count, sizeof *lines, by_bytes);
  for (size_t i = 0; i < count; i++) {
    text_add(result, " %s", lines[i]);
    free(lines[i]);
  }
  free(lines);
}

void op_which_children(const struct arguments *arguments, struct text *result)
{
  struct target target;
  regrow_term children;
  if (!find_target(arguments, 0, &target, result))
    return;
  regrow_error error = regrow_supervisor_which_children(target.pid, &children);
  if (error) {
    add_failure(result, error);
    return;
  }
  text_add(result, "children");
  if (is_dynamic(arguments))
    add_sorted_children(result, &children);
  else
    for (const regrow_term *rest = &children; regrow_list_head(rest); rest = regrow_list_tail(rest)) {
      text_add(result, " ");
      add_child(result, regrow_list_head(rest));
    }
  regrow_term_free(&children);
}

void op_count_children(const struct arguments *arguments, struct text *result)
{
  struct target target;
  regrow_child_count count = {.size = sizeof count};
  if (!find_target(arguments, 0, &target, result))
    return;
  regrow_error error = regrow_supervisor_count_children(target.pid, &count);
  if (error)
    add_failure(result, error);
  else
    text_add(result, "count specs=%llu active=%llu supervisors=%llu workers=%llu", (unsigned long long)count.specs,
             (unsigned long long)count.active, (unsigned long long)count.supervisors,
             (unsigned long long)count.workers);
}
