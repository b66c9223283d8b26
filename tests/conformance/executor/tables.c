/* tables.c - operations on tables. Every refusal is `error badarg`, as ETS has it. */
#include "operation.h"
#include "words.h"

#include <stdlib.h>
#include <string.h>

/* Every table that was made, to name it in traces; added to while main waits. */
struct table {
  char *name;
  regrow_table handle;
  struct table *next;
};

static struct table *newest;

void tables_free(void)
{
  while (newest) {
    struct table *next = newest->next;
    free(newest->name);
    free(newest);
    newest = next;
  }
}

void add_table(struct text *text, const regrow_term *term)
{
  regrow_table handle;
  if (regrow_as_table(term, &handle))
    for (const struct table *table = newest; table; table = table->next)
      if (table->handle.id == handle.id) {
        text_add(text, "%s", table->name);
        return;
      }
  text_add(text, "?");
}

/* Tables have names, so that one that is gone is not found. */
static bool find_table(const struct arguments *arguments, regrow_table *table)
{
  return !regrow_table_whereis(arguments->runtime, argument(arguments, 0), table);
}

/* The table of an operation, or one that never was. */
static regrow_table table_of(const struct arguments *arguments)
{
  regrow_table table = {0};
  find_table(arguments, &table);
  return table;
}

static void add_true(struct text *result, regrow_error error)
{
  text_add(result, "%s", error ? "error badarg" : "true");
}

static void add_bool(struct text *result, regrow_error error, bool value)
{
  text_add(result, "%s", error ? "error badarg" : value ? "true" : "false");
}

static void add_value(struct text *result, const char *word, regrow_error error, regrow_term *value)
{
  if (error) {
    text_add(result, "error badarg");
    return;
  }
  text_add(result, "%s", word);
  if (regrow_is_atom(value, "$end_of_table"))
    text_add(result, "end_of_table");
  else
    text_add_term(result, value);
  regrow_term_free(value);
}

/* {Key, Value} */
static void add_object(struct text *text, const regrow_term *object)
{
  text_add_term(text, element(object, 0));
  text_add(text, "/");
  text_add_term(text, element(object, 1));
}

static void add_objects(struct text *result, regrow_error error, regrow_term *objects)
{
  if (error) {
    text_add(result, "error badarg");
    return;
  }
  text_add(result, "objects");
  for (const regrow_term *rest = objects; regrow_list_head(rest); rest = regrow_list_tail(rest)) {
    text_add(result, " ");
    add_object(result, regrow_list_head(rest));
  }
  regrow_term_free(objects);
}

static int by_bytes(const void *left, const void *right)
{
  return strcmp(text_get(left), text_get(right));
}

static void add_sorted_objects(struct text *result, const regrow_term *objects)
{
  size_t length = 0;
  regrow_list_length(objects, &length);
  struct text *items = new_memory((length + 1) * sizeof *items);
  const regrow_term *rest = objects;
  for (size_t i = 0; i < length; i++, rest = regrow_list_tail(rest))
    add_object(&items[i], regrow_list_head(rest));
  qsort(items, length, sizeof *items, by_bytes);
  text_add(result, "objects");
  for (size_t i = 0; i < length; i++) {
    text_add(result, " %s", text_get(&items[i]));
    text_free(&items[i]);
  }
  free(items);
}

static regrow_term key_of(const struct arguments *arguments)
{
  return term_of_word(argument(arguments, 1));
}

static regrow_term object_of(const struct arguments *arguments)
{
  return pair(key_of(arguments), term_of_word(argument(arguments, 2)));
}

/* ---- tables ---- */

void op_ets_new(const struct arguments *arguments, struct text *result)
{
  static const char *const kinds[] = {"set", "ordered_set", "bag", "duplicate_bag"};
  static const char *const accesses[] = {"protected", "public", "private"};
  const char *heir = line_option(arguments->line, "heir");
  regrow_term data = regrow_atom("inherited");
  regrow_table_spec spec = {.size = sizeof spec, .name = argument(arguments, 0), .heir_data = &data};
  for (uint32_t i = 0; i < 4; i++)
    if (!strcmp(argument(arguments, 1), kinds[i]))
      spec.kind = i;
  for (uint32_t i = 0; i < 3; i++)
    if (!strcmp(argument(arguments, 2), accesses[i]))
      spec.access = i;
  if (heir && !pid_of_main(heir, &spec.heir)) {
    const struct attempt *attempt = attempt_named(heir);
    if (!attempt) {
      text_add(result, "error noproc");
      return;
    }
    spec.heir = attempt->pid;
  }
  struct table *table = new_memory(sizeof *table);
  if (regrow_table_new(&spec, &table->handle)) {
    free(table);
    text_add(result, "error badarg");
    return;
  }
  table->name = new_copy(spec.name, strlen(spec.name));
  table->next = newest;
  newest = table;
  text_add(result, "ok");
}

void op_ets_drop(const struct arguments *arguments, struct text *result)
{
  add_true(result, regrow_table_delete(table_of(arguments)));
}

void op_ets_give(const struct arguments *arguments, struct text *result)
{
  struct target target;
  if (find_target(arguments, 1, &target, result))
    add_true(result, regrow_table_give_away(table_of(arguments), target.pid, regrow_atom("given")));
}

void op_ets_setopts(const struct arguments *arguments, struct text *result)
{
  struct target target;
  if (find_target(arguments, 1, &target, result))
    add_true(result, regrow_table_set_heir(table_of(arguments), target.pid, regrow_atom("inherited")));
}

void op_ets_size(const struct arguments *arguments, struct text *result)
{
  size_t size;
  if (regrow_table_size(table_of(arguments), &size))
    text_add(result, "undefined");
  else
    text_add(result, "%zu", size);
}

void op_ets_owner(const struct arguments *arguments, struct text *result)
{
  regrow_term info;
  if (regrow_table_info(table_of(arguments), &info)) {
    text_add(result, "undefined");
    return;
  }
  for (const regrow_term *rest = &info; regrow_list_head(rest); rest = regrow_list_tail(rest))
    if (regrow_is_atom(element(regrow_list_head(rest), 0), "owner"))
      text_add_term(result, element(regrow_list_head(rest), 1));
  regrow_term_free(&info);
}

/* ---- objects ---- */

void op_ets_insert(const struct arguments *arguments, struct text *result)
{
  add_true(result, regrow_table_insert(table_of(arguments), object_of(arguments)));
}

void op_ets_insert_new(const struct arguments *arguments, struct text *result)
{
  bool inserted = false;
  regrow_error error = regrow_table_insert_new(table_of(arguments), object_of(arguments), &inserted);
  add_bool(result, error, inserted);
}

void op_ets_delete(const struct arguments *arguments, struct text *result)
{
  regrow_term key = key_of(arguments);
  add_true(result, regrow_table_delete_key(table_of(arguments), &key));
  regrow_term_free(&key);
}

void op_ets_delete_object(const struct arguments *arguments, struct text *result)
{
  regrow_term object = object_of(arguments);
  add_true(result, regrow_table_delete_object(table_of(arguments), &object));
  regrow_term_free(&object);
}

void op_ets_clear(const struct arguments *arguments, struct text *result)
{
  add_true(result, regrow_table_delete_all_objects(table_of(arguments)));
}

void op_ets_member(const struct arguments *arguments, struct text *result)
{
  regrow_term key = key_of(arguments);
  bool is_member = false;
  regrow_error error = regrow_table_member(table_of(arguments), &key, &is_member);
  add_bool(result, error, is_member);
  regrow_term_free(&key);
}

void op_ets_update(const struct arguments *arguments, struct text *result)
{
  regrow_term key = key_of(arguments);
  bool updated = false;
  regrow_error error = regrow_table_update_element(
      table_of(arguments), &key, pair(regrow_int(2), term_of_word(argument(arguments, 2))), &updated);
  add_bool(result, error, updated);
  regrow_term_free(&key);
}

void op_ets_lookup(const struct arguments *arguments, struct text *result)
{
  regrow_term key = key_of(arguments), objects;
  regrow_error error = regrow_table_lookup(table_of(arguments), &key, &objects);
  add_objects(result, error, &objects);
  regrow_term_free(&key);
}

void op_ets_take(const struct arguments *arguments, struct text *result)
{
  regrow_term key = key_of(arguments), objects;
  regrow_error error = regrow_table_take(table_of(arguments), &key, &objects);
  add_objects(result, error, &objects);
  regrow_term_free(&key);
}

void op_ets_lookup_element(const struct arguments *arguments, struct text *result)
{
  regrow_term key = key_of(arguments), value;
  regrow_error error = regrow_table_lookup_element(table_of(arguments), &key, 2, &value);
  regrow_term_free(&key);
  if (error || !regrow_is_list(&value)) {
    add_value(result, "element ", error, &value);
    return;
  }
  text_add(result, "elements");
  for (const regrow_term *rest = &value; regrow_list_head(rest); rest = regrow_list_tail(rest)) {
    text_add(result, " ");
    text_add_term(result, regrow_list_head(rest));
  }
  regrow_term_free(&value);
}

void op_ets_list(const struct arguments *arguments, struct text *result)
{
  regrow_table table = table_of(arguments);
  regrow_term objects, key;
  regrow_error error = regrow_table_to_list(table, &objects);
  if (error) {
    text_add(result, "error badarg");
    return;
  }
  /* Only an ordered set goes on from a key that it does not have. */
  regrow_term none = regrow_text("not a key of any scenario");
  if (regrow_table_next(table, &none, &key)) {
    add_sorted_objects(result, &objects);
    regrow_term_free(&objects);
  } else {
    regrow_term_free(&key);
    add_objects(result, REGROW_OK, &objects);
  }
  regrow_term_free(&none);
}

void op_ets_counter(const struct arguments *arguments, struct text *result)
{
  const char *fallback = line_option(arguments->line, "default");
  const char *threshold = line_option(arguments->line, "threshold");
  const char *set_value = line_option(arguments->line, "setvalue");
  regrow_term key = key_of(arguments), value;
  regrow_term increment = term_of_word(argument(arguments, 2));
  regrow_term object = fallback ? pair(key_of(arguments), term_of_word(fallback)) : regrow_nil();
  if (threshold && set_value) {
    regrow_term items[] = {regrow_int(2), increment, term_of_word(threshold), term_of_word(set_value)};
    increment = regrow_tuple(items, 4);
  }
  regrow_error error = regrow_table_update_counter(table_of(arguments), &key, increment, fallback ? &object : NULL,
                                                   &value);
  add_value(result, "", error, &value);
  regrow_term_free(&key);
  regrow_term_free(&object);
}

/* ---- keys in their order ---- */

void op_ets_first(const struct arguments *arguments, struct text *result)
{
  regrow_term key;
  regrow_error error = regrow_table_first(table_of(arguments), &key);
  add_value(result, "", error, &key);
}

void op_ets_last(const struct arguments *arguments, struct text *result)
{
  regrow_term key;
  regrow_error error = regrow_table_last(table_of(arguments), &key);
  add_value(result, "", error, &key);
}

void op_ets_next(const struct arguments *arguments, struct text *result)
{
  regrow_term key = key_of(arguments), next;
  regrow_error error = regrow_table_next(table_of(arguments), &key, &next);
  add_value(result, "", error, &next);
  regrow_term_free(&key);
}

void op_ets_prev(const struct arguments *arguments, struct text *result)
{
  regrow_term key = key_of(arguments), previous;
  regrow_error error = regrow_table_prev(table_of(arguments), &key, &previous);
  add_value(result, "", error, &previous);
  regrow_term_free(&key);
}
