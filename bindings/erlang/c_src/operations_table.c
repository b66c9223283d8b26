/* Operations on tables. */
#include "operations.h"

/* Items: Name | [], Kind, Access, KeyPosition, Heir | [], HeirData. */
OPERATION(table_new) {
  regrow_table_spec spec = {.size = sizeof spec, .heir_data = ITEM(5)};
  regrow_table table = {0};
  if (!regrow_is_nil(ITEM(0)) && !regrow_as_text(ITEM(0), &spec.name)) return REGROW_ERR_ARGUMENT;
  if (number_of(ITEM(1), &spec.kind) != REGROW_OK || number_of(ITEM(2), &spec.access) != REGROW_OK ||
      number_of(ITEM(3), &spec.key_position) != REGROW_OK)
    return REGROW_ERR_ARGUMENT;
  (void)pid_of(ITEM(4), &spec.heir);
  regrow_error error = regrow_table_new(&spec, &table);
  ErlNifPid owner;
  if (error == REGROW_OK && proxy_acting(&owner)) table_is_owned(given->rt, table, &owner);
  return told(error, result, regrow_from_table(table));
}

OPERATION(table_whereis) {
  const char *name;
  regrow_table table = {0};
  if (!regrow_as_text(ITEM(0), &name)) return REGROW_ERR_ARGUMENT;
  regrow_error error = regrow_table_whereis(given->pid, name, &table);
  return told(error, result, regrow_from_table(table));
}

/* As it is to native code: of a process of the BEAM that is dead its pid. */
OPERATION(table_owner) {
  regrow_table table;
  regrow_term info;
  if (!regrow_as_table(ITEM(0), &table)) return REGROW_ERR_NO_TABLE;
  regrow_error error = regrow_table_info(table, &info);
  if (error != REGROW_OK) return error;
  for (const regrow_term *at = &info; regrow_list_head(at) != NULL; at = regrow_list_tail(at))
    if (regrow_is_atom(regrow_tuple_get(regrow_list_head(at), 0), "owner"))
      *result = regrow_term_clone(regrow_tuple_get(regrow_list_head(at), 1));
  regrow_term_free(&info);
  return REGROW_OK;
}

OPERATION(table_delete) {
  TABLE;
  return done(regrow_table_delete(table), result);
}

OPERATION(table_give_away) {
  TABLE;
  regrow_pid pid;
  if (!pid_of(ITEM(1), &pid)) return REGROW_ERR_ARGUMENT;
  return done(regrow_table_give_away(table, pid, CLONE(2)), result);
}

OPERATION(table_info) {
  TABLE;
  return regrow_table_info(table, result);
}

OPERATION(table_size) {
  TABLE;
  size_t size = 0;
  regrow_error error = regrow_table_size(table, &size);
  return told(error, result, regrow_int((int64_t)size));
}

OPERATION(table_insert) {
  TABLE;
  return done(regrow_table_insert(table, CLONE(1)), result);
}

OPERATION(table_insert_new) {
  TABLE;
  bool inserted = false;
  regrow_error error = regrow_table_insert_new(table, CLONE(1), &inserted);
  return told(error, result, regrow_bool(inserted));
}

OPERATION(table_lookup) {
  TABLE;
  return regrow_table_lookup(table, ITEM(1), result);
}

OPERATION(table_lookup_element) {
  TABLE;
  uint32_t position;
  if (number_of(ITEM(2), &position) != REGROW_OK) return REGROW_ERR_ARGUMENT;
  return regrow_table_lookup_element(table, ITEM(1), position, result);
}

OPERATION(table_member) {
  TABLE;
  bool member = false;
  regrow_error error = regrow_table_member(table, ITEM(1), &member);
  return told(error, result, regrow_bool(member));
}

OPERATION(table_take) {
  TABLE;
  return regrow_table_take(table, ITEM(1), result);
}

OPERATION(table_delete_key) {
  TABLE;
  return done(regrow_table_delete_key(table, ITEM(1)), result);
}

OPERATION(table_delete_object) {
  TABLE;
  return done(regrow_table_delete_object(table, ITEM(1)), result);
}

OPERATION(table_delete_all_objects) {
  TABLE;
  return done(regrow_table_delete_all_objects(table), result);
}

OPERATION(table_update_counter) {
  TABLE;
  return regrow_table_update_counter(table, ITEM(1), CLONE(2), optional(ITEM(3)), result);
}

OPERATION(table_update_element) {
  TABLE;
  bool updated = false;
  regrow_error error = regrow_table_update_element(table, ITEM(1), CLONE(2), &updated);
  return told(error, result, regrow_bool(updated));
}

OPERATION(table_first) {
  TABLE;
  return regrow_table_first(table, result);
}

OPERATION(table_last) {
  TABLE;
  return regrow_table_last(table, result);
}

OPERATION(table_next) {
  TABLE;
  return regrow_table_next(table, ITEM(1), result);
}

OPERATION(table_prev) {
  TABLE;
  return regrow_table_prev(table, ITEM(1), result);
}

OPERATION(table_to_list) {
  TABLE;
  return regrow_table_to_list(table, result);
}

OPERATION(table_match) {
  TABLE;
  return regrow_table_match(table, ITEM(1), result);
}

OPERATION(table_match_object) {
  TABLE;
  return regrow_table_match_object(table, ITEM(1), result);
}

OPERATION(table_match_delete) {
  TABLE;
  size_t count = 0;
  regrow_error error = regrow_table_match_delete(table, ITEM(1), &count);
  return told(error, result, regrow_int((int64_t)count));
}

OPERATION(table_select) {
  TABLE;
  return regrow_table_select(table, ITEM(1), result);
}

OPERATION(table_select_count) {
  TABLE;
  size_t count = 0;
  regrow_error error = regrow_table_select_count(table, ITEM(1), &count);
  return told(error, result, regrow_int((int64_t)count));
}

OPERATION(table_select_delete) {
  TABLE;
  size_t count = 0;
  regrow_error error = regrow_table_select_delete(table, ITEM(1), &count);
  return told(error, result, regrow_int((int64_t)count));
}

/* ---- the list of them ---- */

const operation table_operations[] = {
    {"table_new", table_new, RUN_CALLER, 6},
    {"table_whereis", table_whereis, RUN_NOW, 1},
    {"table_owner", table_owner, RUN_NOW, 1},
    {"table_delete", table_delete, RUN_DIRTY, 1},
    {"table_give_away", table_give_away, RUN_CALLER, 3},
    {"table_info", table_info, RUN_NOW, 1},
    {"table_size", table_size, RUN_NOW, 1},
    {"table_insert", table_insert, RUN_NOW, 2},
    {"table_insert_new", table_insert_new, RUN_NOW, 2},
    {"table_lookup", table_lookup, RUN_NOW, 2},
    {"table_lookup_element", table_lookup_element, RUN_NOW, 3},
    {"table_member", table_member, RUN_NOW, 2},
    {"table_take", table_take, RUN_NOW, 2},
    {"table_delete_key", table_delete_key, RUN_NOW, 2},
    {"table_delete_object", table_delete_object, RUN_NOW, 2},
    {"table_delete_all_objects", table_delete_all_objects, RUN_DIRTY, 1},
    {"table_update_counter", table_update_counter, RUN_NOW, 4},
    {"table_update_element", table_update_element, RUN_NOW, 3},
    {"table_first", table_first, RUN_NOW, 1},
    {"table_last", table_last, RUN_NOW, 1},
    {"table_next", table_next, RUN_NOW, 2},
    {"table_prev", table_prev, RUN_NOW, 2},
    {"table_to_list", table_to_list, RUN_DIRTY, 1},
    {"table_match", table_match, RUN_DIRTY, 2},
    {"table_match_object", table_match_object, RUN_DIRTY, 2},
    {"table_match_delete", table_match_delete, RUN_DIRTY, 2},
    {"table_select", table_select, RUN_DIRTY, 2},
    {"table_select_count", table_select_count, RUN_DIRTY, 2},
    {"table_select_delete", table_select_delete, RUN_DIRTY, 2},
    {NULL, NULL, RUN_NOW, 0},
};
