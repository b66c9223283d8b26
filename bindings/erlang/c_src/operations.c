/* The operations by their names, and what of their results is checked against the processes of the BEAM. */
#include <stdlib.h>

#include "operations.h"

static const operation *const lists[] = {process_operations, registry_operations, table_operations};

#define LISTS (sizeof lists / sizeof *lists)
#define LONGEST 64

/* Their atoms, in the order of the lists. */
static ERL_NIF_TERM names[LISTS][LONGEST];

bool operations_load(ErlNifEnv *env) {
  for (size_t list = 0; list < LISTS; list++) {
    for (size_t at = 0; lists[list][at].name != NULL; at++) {
      if (at == LONGEST) return false;
      names[list][at] = enif_make_atom(env, lists[list][at].name);
    }
  }
  return true;
}

const operation *operation_named(ERL_NIF_TERM name) {
  for (size_t list = 0; list < LISTS; list++)
    for (size_t at = 0; lists[list][at].name != NULL; at++)
      if (names[list][at] == name) return &lists[list][at];
  return NULL;
}

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

regrow_error operation_fresh(const arguments *given, regrow_error error, regrow_term *list) {
  size_t length, kept = 0;
  regrow_pid pid;
  bool any = false;
  if (error != REGROW_OK || !regrow_list_length(list, &length) || length == 0) return error;
  regrow_term *items = malloc(length * sizeof *items);
  if (items == NULL) return REGROW_ERR_LIMIT;
  for (const regrow_term *at = list; regrow_list_head(at) != NULL; at = regrow_list_tail(at)) {
    const regrow_term *entry = regrow_list_head(at);
    if (regrow_as_pid(pid_in_entry(entry), &pid) && proxy_is_stale(given->rt, pid)) {
      any = true;
    } else {
      items[kept++] = regrow_term_clone(entry);
    }
  }
  regrow_term fresh = regrow_list(items, kept);
  free(items);
  if (any) {
    regrow_term_free(list);
    *list = fresh;
  } else {
    regrow_term_free(&fresh);
  }
  return REGROW_OK;
}
