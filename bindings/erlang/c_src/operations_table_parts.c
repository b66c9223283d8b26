/* Operations on tables beyond those on objects: searches part by part, files, and what belongs to the whole table. */
#include "operations.h"

/* Results and continuation as a pair; takes both. */
static regrow_error part(regrow_error error, regrow_term *result, regrow_term found, regrow_term next) {
  return told(error, result, regrow_tuple((regrow_term[]){found, next}, 2));
}

typedef regrow_error begin_parts(regrow_table, const regrow_term *, size_t, regrow_term *, regrow_term *);

/* Items: Table, a pattern or specification, Limit. */
static regrow_error first_part(const arguments *given, regrow_term *result, begin_parts *begin) {
  TABLE;
  uint32_t limit;
  regrow_term found = regrow_nil(), next = regrow_nil();
  if (number_of(ITEM(2), &limit) != REGROW_OK || limit == 0) return REGROW_ERR_ARGUMENT;
  return part(begin(table, ITEM(1), limit, &found, &next), result, found, next);
}

OPERATION(table_match_part) { return first_part(given, result, regrow_table_match_limit); }
OPERATION(table_match_object_part) { return first_part(given, result, regrow_table_match_object_limit); }
OPERATION(table_select_part) { return first_part(given, result, regrow_table_select_limit); }
OPERATION(table_select_reverse_part) { return first_part(given, result, regrow_table_select_reverse_limit); }

/* Items: Table, the continuation. */
OPERATION(table_next_part) {
  TABLE;
  (void)table;
  regrow_term found = regrow_nil(), next = regrow_nil();
  return part(regrow_table_select_next(ITEM(1), &found, &next), result, found, next);
}

OPERATION(table_select_reverse) {
  TABLE;
  return regrow_table_select_reverse(table, ITEM(1), result);
}

OPERATION(table_select_replace) {
  TABLE;
  size_t count = 0;
  regrow_error error = regrow_table_select_replace(table, ITEM(1), &count);
  return told(error, result, regrow_int((int64_t)count));
}

OPERATION(table_rename) {
  TABLE;
  const char *name;
  if (!regrow_as_text(ITEM(1), &name)) return REGROW_ERR_ARGUMENT;
  return done(regrow_table_rename(table, name), result);
}

/* Items: Table, Heir | [], Data. One that is dead inherits nothing. */
OPERATION(table_set_heir) {
  TABLE;
  regrow_pid heir = {0};
  (void)pid_of(ITEM(1), &heir);
  return done(regrow_table_set_heir(table, heir, CLONE(2)), result);
}

OPERATION(table_fix) {
  TABLE;
  bool fix;
  if (!regrow_as_bool(ITEM(1), &fix)) return REGROW_ERR_ARGUMENT;
  return done(regrow_table_fix(table, fix), result);
}

OPERATION(table_to_file) {
  TABLE;
  const char *path;
  if (!regrow_as_text(ITEM(1), &path)) return REGROW_ERR_ARGUMENT;
  return done(regrow_table_to_file(table, path), result);
}

OPERATION(table_from_file) {
  const char *path;
  regrow_table table = {0};
  ErlNifPid owner;
  if (!regrow_as_text(ITEM(0), &path)) return REGROW_ERR_ARGUMENT;
  regrow_error error = regrow_table_from_file(path, &table);
  if (error == REGROW_OK && proxy_acting(&owner)) table_is_owned(given->rt, table, &owner);
  return told(error, result, regrow_from_table(table));
}

/* ---- the list of them ---- */

const operation table_part_operations[] = {
    {"table_match_part", table_match_part, RUN_DIRTY, 3},
    {"table_match_object_part", table_match_object_part, RUN_DIRTY, 3},
    {"table_select_part", table_select_part, RUN_DIRTY, 3},
    {"table_select_reverse_part", table_select_reverse_part, RUN_DIRTY, 3},
    {"table_next_part", table_next_part, RUN_DIRTY, 2},
    {"table_select_reverse", table_select_reverse, RUN_DIRTY, 2},
    {"table_select_replace", table_select_replace, RUN_DIRTY, 2},
    {"table_rename", table_rename, RUN_NOW, 2},
    {"table_set_heir", table_set_heir, RUN_CALLER, 3},
    {"table_fix", table_fix, RUN_CALLER, 2},
    {"table_to_file", table_to_file, RUN_DIRTY, 2},
    {"table_from_file", table_from_file, RUN_CALLER, 1},
    {NULL, NULL, RUN_NOW, 0},
};
