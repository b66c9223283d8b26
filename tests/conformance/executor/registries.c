/* registries.c - operations on registries. */
#include "clock.h"
#include "operation.h"
#include "words.h"

#include <stdlib.h>
#include <string.h>

enum { CALL_MS = 1000 };

struct registry {
  char *name;
  regrow_pid pid;
  struct registry *next;
};

static struct registry *newest; /* written by main alone, while nothing runs */

static bool find_registry(const struct arguments *arguments, regrow_pid *pid, struct text *result)
{
  for (const struct registry *registry = newest; registry; registry = registry->next)
    if (!strcmp(registry->name, argument(arguments, 0))) {
      *pid = registry->pid;
      return true;
    }
  text_add(result, "error noproc");
  return false;
}

void op_reg_start(const struct arguments *arguments, struct text *result)
{
  const char *name = argument(arguments, 0);
  regrow_registry_spec spec = {
      .size = sizeof spec, .keys = !strcmp(argument(arguments, 1), "duplicate") ? REGROW_DUPLICATE : REGROW_UNIQUE};
  regrow_child_spec child = {.size = sizeof child, .id = name, .kind = REGROW_REGISTRY, .spec = &spec};
  regrow_pid pid;
  regrow_error error = regrow_start(arguments->runtime, &child, &pid);
  if (error) {
    add_start_failure(result, error);
    return;
  }
  struct registry *registry = new_memory(sizeof *registry);
  registry->name = new_copy(name, strlen(name));
  registry->pid = pid;
  registry->next = newest;
  newest = registry;
  text_add(result, "ok");
}

void registries_free(void)
{
  while (newest) {
    struct registry *next = newest->next;
    free(newest->name);
    free(newest);
    newest = next;
  }
}

/* ---- by the owner of an entry ---- */

void op_reg_register(const struct arguments *arguments, struct text *result)
{
  regrow_pid registry, self = {0};
  if (!find_registry(arguments, &registry, result))
    return;
  regrow_self(&self);
  add_ok(result, regrow_registry_register(registry, term_of_word(argument(arguments, 1)), self,
                                          term_of_word(argument(arguments, 2))));
}

void op_reg_unregister(const struct arguments *arguments, struct text *result)
{
  regrow_pid registry, self = {0};
  if (!find_registry(arguments, &registry, result))
    return;
  regrow_self(&self);
  regrow_term key = term_of_word(argument(arguments, 1));
  add_ok(result, regrow_registry_unregister(registry, &key, self));
  regrow_term_free(&key);
}

void op_reg_unregister_match(const struct arguments *arguments, struct text *result)
{
  regrow_pid registry, self = {0};
  if (!find_registry(arguments, &registry, result))
    return;
  regrow_self(&self);
  regrow_term key = term_of_word(argument(arguments, 1));
  regrow_term value = term_of_word(argument(arguments, 2));
  add_ok(result, regrow_registry_unregister_match(registry, &key, self, &value, NULL));
  regrow_term_free(&key);
  regrow_term_free(&value);
}

static regrow_next replace(regrow_context *context, void *user, const regrow_term *state, regrow_term *next,
                           regrow_term *reply)
{
  (void)context, (void)state, (void)reply;
  *next = term_of_word(user);
  return REGROW_DONE;
}

void op_reg_update(const struct arguments *arguments, struct text *result)
{
  regrow_pid registry;
  regrow_term old_value;
  if (!find_registry(arguments, &registry, result))
    return;
  regrow_term key = term_of_word(argument(arguments, 1));
  regrow_error error =
      regrow_registry_update(registry, &key, replace, (void *)argument(arguments, 2), &old_value);
  regrow_term_free(&key);
  if (error) {
    text_add(result, "error");
    return;
  }
  text_add(result, "ok ");
  text_add_term(result, &old_value);
  regrow_term_free(&old_value);
}

/* ---- sorted answers ---- */

static int by_bytes(const void *left, const void *right)
{
  return strcmp(text_get(left), text_get(right));
}

typedef void (*add_item)(struct text *text, const regrow_term *item);

static void add_sorted(struct text *result, const regrow_term *list, add_item add)
{
  size_t length = 0;
  regrow_list_length(list, &length);
  struct text *items = new_memory((length + 1) * sizeof *items);
  const regrow_term *rest = list;
  for (size_t i = 0; i < length; i++, rest = regrow_list_tail(rest))
    add(&items[i], regrow_list_head(rest));
  qsort(items, length, sizeof *items, by_bytes);
  for (size_t i = 0; i < length; i++) {
    text_add(result, " %s", text_get(&items[i]));
    text_free(&items[i]);
  }
  free(items);
}

/* {Pid, Value} */
static void add_entry(struct text *text, const regrow_term *entry)
{
  text_add_term(text, element(entry, 0));
  text_add(text, "/");
  text_add_term(text, element(entry, 1));
}

void op_reg_lookup(const struct arguments *arguments, struct text *result)
{
  regrow_pid registry;
  regrow_term entries;
  if (!find_registry(arguments, &registry, result))
    return;
  regrow_term key = term_of_word(argument(arguments, 1));
  regrow_error error = regrow_registry_lookup(registry, &key, &entries);
  regrow_term_free(&key);
  if (error) {
    add_failure(result, error);
    return;
  }
  text_add(result, "entries");
  add_sorted(result, &entries, add_entry);
  regrow_term_free(&entries);
}

void op_reg_keys(const struct arguments *arguments, struct text *result)
{
  regrow_pid registry;
  struct target target;
  regrow_term keys;
  if (!find_registry(arguments, &registry, result) || !find_target(arguments, 1, &target, result))
    return;
  regrow_error error = regrow_registry_keys(registry, target.pid, &keys);
  if (error) {
    add_failure(result, error);
    return;
  }
  text_add(result, "keys");
  add_sorted(result, &keys, text_add_term);
  regrow_term_free(&keys);
}

/* ---- the rest ---- */

void op_reg_whereis(const struct arguments *arguments, struct text *result)
{
  regrow_pid registry, pid;
  if (!find_registry(arguments, &registry, result))
    return;
  regrow_term key = term_of_word(argument(arguments, 1));
  bool is_known = !regrow_registry_whereis(registry, &key, &pid);
  text_add(result, "%s", is_known ? label_of(pid) : "undefined");
  regrow_term_free(&key);
}

void op_reg_count(const struct arguments *arguments, struct text *result)
{
  regrow_pid registry;
  size_t count;
  if (!find_registry(arguments, &registry, result))
    return;
  regrow_error error = regrow_registry_count(registry, &count);
  if (error)
    add_failure(result, error);
  else
    text_add(result, "%zu", count);
}

static void send_to_entry(void *user, regrow_pid pid, const regrow_term *value)
{
  (void)value;
  regrow_send(pid, term_of_word(user));
}

void op_reg_dispatch(const struct arguments *arguments, struct text *result)
{
  regrow_pid registry;
  if (!find_registry(arguments, &registry, result))
    return;
  regrow_term key = term_of_word(argument(arguments, 1));
  add_ok(result, regrow_registry_dispatch(registry, &key, send_to_entry, (void *)argument(arguments, 2)));
  regrow_term_free(&key);
}

void op_reg_call(const struct arguments *arguments, struct text *result)
{
  regrow_pid registry;
  regrow_term reply;
  if (!find_registry(arguments, &registry, result))
    return;
  regrow_term key = term_of_word(argument(arguments, 1));
  regrow_address address = {
      .size = sizeof address, .runtime = arguments->runtime, .registry = registry, .key = &key};
  regrow_error error =
      clock_call((regrow_pid){0}, &address, regrow_text(argument(arguments, 2)), CALL_MS, &reply);
  if (error == REGROW_ERR_NOT_FOUND) /* nobody has that key */
    error = REGROW_ERR_NO_PROCESS;
  add_reply(result, error, &reply);
  regrow_term_free(&key);
}
