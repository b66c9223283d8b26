/* What the files of operations share: arguments, results, and processes of the BEAM that are dead. Each file has a list
 * of its operations, which ends with one without a name; operations.c finds them by name. */
#ifndef REGROW_OPERATIONS_H
#define REGROW_OPERATIONS_H

#include "nif.h"

extern const operation process_operations[], registry_operations[], table_operations[], table_part_operations[],
    system_operations[], address_operations[];

#define OPERATION(name) static regrow_error name(const arguments *given, regrow_term *result)
#define ITEM(at) (&given->items[at])
#define CLONE(at) regrow_term_clone(ITEM(at))
/* Of an operation on a table, which is its first item. */
#define TABLE                                                      \
  regrow_table table;                                              \
  if (!regrow_as_table(ITEM(0), &table)) return REGROW_ERR_NO_TABLE; \
  if (table_is_stale(given->rt, table)) return ERROR_OWNER_GONE

/* ---- arguments and results ---- */

/* A pid of a dead process of the BEAM has no proxy, and is no pid here. */
static inline bool pid_of(const regrow_term *term, regrow_pid *pid) { return regrow_as_pid(term, pid); }

static inline regrow_error number_of(const regrow_term *term, uint32_t *number) {
  int64_t value;
  if (!regrow_as_int(term, &value) || value < 0 || value > UINT32_MAX) return REGROW_ERR_ARGUMENT;
  *number = (uint32_t)value;
  return REGROW_OK;
}

/* [] stands for an argument that is left out. */
static inline const regrow_term *optional(const regrow_term *term) { return regrow_is_nil(term) ? NULL : term; }

static inline regrow_error done(regrow_error error, regrow_term *result) {
  if (error == REGROW_OK) *result = regrow_atom("ok");
  return error;
}

static inline regrow_error told(regrow_error error, regrow_term *result, regrow_term value) {
  if (error == REGROW_OK) {
    *result = value;
  } else {
    regrow_term_free(&value);
  }
  return error;
}

/* The pid as the result, unless its process of the BEAM is dead. */
regrow_error operation_living(const arguments *given, regrow_error error, regrow_pid pid, regrow_term *result);
/* Takes out of a list of pids, or of tuples with a pid in front, those of dead processes of the BEAM. */
regrow_error operation_fresh(const arguments *given, regrow_error error, regrow_term *list);

#endif
