/* The operations by their names, and what of their results is checked against the processes of the BEAM. */
#include <stdlib.h>

#include "operations.h"

static const operation *const lists[] = {process_operations, registry_operations,   table_operations,
                                         table_part_operations, system_operations, address_operations};

/* More than twice as many as there are operations. */
#define PLACES 512

/* By their atoms. */
static struct place {
  ERL_NIF_TERM name;
  const operation *what;
} places[PLACES];

/* The place of an atom, or the one where it belongs. The low bits say that it is one. */
static struct place *place_of(ERL_NIF_TERM name) {
  size_t at = (name >> 6) % PLACES;
  while (places[at].what != NULL && places[at].name != name) at = (at + 1) % PLACES;
  return &places[at];
}

bool operations_load(ErlNifEnv *env) {
  size_t count = 0;
  for (size_t list = 0; list < sizeof lists / sizeof *lists; list++) {
    for (const operation *what = lists[list]; what->name != NULL; what++) {
      if (what->count > ITEMS_AT_MOST || ++count > PLACES / 2) return false;
      ERL_NIF_TERM name = enif_make_atom(env, what->name);
      *place_of(name) = (struct place){name, what};
    }
  }
  return true;
}

const operation *operation_named(ERL_NIF_TERM name) { return place_of(name)->what; }

regrow_error operation_living(const arguments *given, regrow_error error, regrow_pid pid, regrow_term *result) {
  if (error != REGROW_OK) return error;
  if (proxy_is_stale(given->rt, pid)) return ERROR_STALE;
  *result = regrow_from_pid(pid);
  return REGROW_OK;
}

/* The pid that an entry of a list names: itself, or the first of a tuple. */
static const regrow_term *pid_in_entry(const regrow_term *entry) {
  const regrow_term *first = regrow_tuple_get(entry, 0);
  return first != NULL ? first : entry;
}

static bool is_stale_entry(runtime *rt, const regrow_term *entry) {
  regrow_pid pid;
  return regrow_as_pid(pid_in_entry(entry), &pid) && proxy_is_stale(rt, pid);
}

static bool any_is_stale(runtime *rt, const regrow_term *list) {
  for (const regrow_term *at = list, *entry; (entry = regrow_list_head(at)) != NULL; at = regrow_list_tail(at))
    if (is_stale_entry(rt, entry)) return true;
  return false;
}

regrow_error operation_fresh(const arguments *given, regrow_error error, regrow_term *list) {
  size_t length, kept = 0;
  if (error != REGROW_OK || !any_is_stale(given->rt, list) || !regrow_list_length(list, &length)) return error;
  regrow_term *items = malloc(length * sizeof *items);
  if (items == NULL) return REGROW_ERR_LIMIT;
  for (const regrow_term *at = list; regrow_list_head(at) != NULL; at = regrow_list_tail(at)) {
    const regrow_term *entry = regrow_list_head(at);
    if (!is_stale_entry(given->rt, entry)) items[kept++] = regrow_term_clone(entry);
  }
  regrow_term_free(list);
  *list = regrow_list(items, kept);
  free(items);
  return REGROW_OK;
}
