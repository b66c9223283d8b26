/* What regrow is asked, each by its name: arguments and results are terms of regrow, so that an operation runs the
 * same on a scheduler, in a native process and as a proxy. The Erlang modules check types; what is wrong all the same
 * is REGROW_ERR_ARGUMENT. */
#include <stdlib.h>
#include <string.h>

#include "nif.h"

#define OPERATION(name) static regrow_error name(const arguments *given, regrow_term *result)
#define ITEM(at) (&given->items[at])
#define CLONE(at) regrow_term_clone(ITEM(at))

/* ---- arguments and results ---- */

/* A pid of a dead process of the BEAM has no proxy, and is no pid here. */
static bool pid_of(const regrow_term *term, regrow_pid *pid) { return regrow_as_pid(term, pid); }

static regrow_error number_of(const regrow_term *term, uint32_t *number) {
  int64_t value;
  if (!regrow_as_int(term, &value) || value < 0 || value > UINT32_MAX) return REGROW_ERR_ARGUMENT;
  *number = (uint32_t)value;
  return REGROW_OK;
}

/* [] stands for an argument that is left out. */
static const regrow_term *optional(const regrow_term *term) { return regrow_is_nil(term) ? NULL : term; }

static regrow_error done(regrow_error error, regrow_term *result) {
  if (error == REGROW_OK) *result = regrow_atom("ok");
  return error;
}

static regrow_error told(regrow_error error, regrow_term *result, regrow_term value) {
  if (error == REGROW_OK) {
    *result = value;
  } else {
    regrow_term_free(&value);
  }
  return error;
}

/* The pid, unless its process of the BEAM is dead. */
static regrow_error living(const arguments *given, regrow_error error, regrow_pid pid, regrow_term *result) {
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

/* Takes out of a list of pids, or of tuples with a pid in front, those of dead processes of the BEAM. */
static regrow_error without_stale(const arguments *given, regrow_error error, regrow_term *list) {
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

/* ---- processes and names ---- */

OPERATION(process_register) {
  regrow_pid pid;
  if (!pid_of(ITEM(0), &pid)) return REGROW_ERR_NO_PROCESS;
  return done(regrow_register_term(pid, CLONE(1)), result);
}

OPERATION(process_unregister) { return done(regrow_unregister_term(given->pid, ITEM(0)), result); }

OPERATION(process_whereis) {
  regrow_pid pid = {0};
  return living(given, regrow_whereis_term(given->pid, ITEM(0), &pid), pid, result);
}

OPERATION(process_exit) { return done(regrow_exit(given->pid, CLONE(0)), result); }
OPERATION(process_info) { return regrow_info(given->pid, result); }
OPERATION(process_send) { return done(regrow_send(given->pid, CLONE(0)), result); }
OPERATION(process_cast) { return done(regrow_cast(given->pid, CLONE(0)), result); }

OPERATION(process_stop) {
  uint32_t timeout_ms;
  if (number_of(ITEM(1), &timeout_ms) != REGROW_OK) return REGROW_ERR_ARGUMENT;
  return done(regrow_stop(given->pid, CLONE(0), timeout_ms), result);
}

OPERATION(process_link) {
  regrow_error error = regrow_link(given->pid);
  if (error == REGROW_OK) proxy_links(given->pid, true);
  return done(error, result);
}

OPERATION(process_unlink) {
  proxy_links(given->pid, false);
  return done(regrow_unlink(given->pid), result);
}

OPERATION(process_monitor) {
  regrow_ref reference = {0};
  regrow_error error = regrow_monitor(given->pid, &reference);
  if (error == REGROW_OK) proxy_monitors(reference, given->pid);
  return told(error, result, regrow_from_ref(reference));
}

OPERATION(process_demonitor) {
  regrow_ref reference;
  bool removed = false;
  if (!regrow_as_ref(ITEM(0), &reference)) return REGROW_ERR_ARGUMENT;
  regrow_error error = regrow_demonitor(reference, 0, &removed);
  proxy_demonitors(reference);
  return told(error, result, regrow_bool(removed));
}

OPERATION(process_get_state) {
  uint32_t timeout_ms;
  if (number_of(ITEM(0), &timeout_ms) != REGROW_OK) return REGROW_ERR_ARGUMENT;
  return regrow_get_state(given->pid, timeout_ms, result);
}

OPERATION(process_replace_state) {
  uint32_t timeout_ms;
  if (number_of(ITEM(1), &timeout_ms) != REGROW_OK) return REGROW_ERR_ARGUMENT;
  return done(regrow_replace_state(given->pid, CLONE(0), timeout_ms), result);
}

OPERATION(process_start) {
  regrow_child_spec spec;
  spec_memory *memory;
  regrow_pid pid = {0};
  regrow_error error = spec_read(ITEM(0), &spec, &memory);
  if (error == REGROW_OK) error = regrow_start(given->pid, &spec, &pid);
  spec_free(memory);
  return told(error, result, regrow_from_pid(pid));
}

/* Items: Spec, the caller. What was started for one that is dead by now is ended. */
OPERATION(process_start_link) {
  regrow_pid pid, caller;
  if (!pid_of(ITEM(1), &caller)) return REGROW_ERR_NO_PROCESS;
  regrow_error error = process_start(given, result);
  if (error != REGROW_OK || !regrow_as_pid(result, &pid)) return error;
  error = operation_link(caller, pid);
  if (error != REGROW_OK) {
    (void)regrow_exit(pid, regrow_atom("kill"));
    regrow_term_free(result);
  }
  return error;
}

/* ---- runtimes ---- */

OPERATION(runtime_settle) {
  regrow_settled settled = {.size = sizeof settled};
  uint32_t timeout_ms;
  if (number_of(ITEM(0), &timeout_ms) != REGROW_OK) return REGROW_ERR_ARGUMENT;
  regrow_error error = regrow_settle(given->pid, timeout_ms, &settled);
  if (error != REGROW_OK) return error;
  if (settled.state == REGROW_QUIET) {
    *result = regrow_atom("quiet");
  } else {
    const char *kinds[] = {"user", "supervision", "sleep"};
    *result = regrow_tuple((regrow_term[]){regrow_atom("waiting"), regrow_int((int64_t)settled.deadline_ms),
                                           regrow_atom(kinds[settled.kind % 3])},
                           3);
  }
  return REGROW_OK;
}

OPERATION(runtime_advance) {
  uint32_t ms;
  if (number_of(ITEM(0), &ms) != REGROW_OK) return REGROW_ERR_ARGUMENT;
  return done(regrow_advance(given->pid, ms), result);
}

OPERATION(runtime_now) {
  uint64_t ms = 0;
  regrow_error error = regrow_now(given->pid, &ms);
  return told(error, result, regrow_int((int64_t)ms));
}

OPERATION(runtime_stats) {
  regrow_stats stats = {.size = sizeof stats};
  regrow_error error = regrow_stats_read(given->pid, &stats);
  if (error != REGROW_OK) return error;
  const char *names[] = {"processes", "workers", "relief_workers", "stuck",    "ghosts",      "stacks",
                         "busy",      "sent",    "handled",        "returned", "undelivered", "watchdog"};
  const uint64_t *numbers = &stats.processes;
  regrow_term keys[12], values[12];
  for (size_t at = 0; at < 12; at++) {
    keys[at] = regrow_atom(names[at]);
    values[at] = regrow_int((int64_t)numbers[at]);
  }
  *result = regrow_map(keys, values, 12);
  return REGROW_OK;
}

/* ---- supervisors ---- */

OPERATION(supervisor_start_child) {
  regrow_child_spec spec;
  spec_memory *memory;
  regrow_pid pid = {0};
  regrow_error error = spec_read(ITEM(0), &spec, &memory);
  if (error == REGROW_OK) error = regrow_supervisor_start_child(given->pid, &spec, &pid);
  spec_free(memory);
  return told(error, result, pid.id == 0 ? regrow_atom("undefined") : regrow_from_pid(pid));
}

OPERATION(supervisor_terminate_child) { return done(regrow_supervisor_terminate_child(given->pid, ITEM(0)), result); }
OPERATION(supervisor_delete_child) { return done(regrow_supervisor_delete_child(given->pid, ITEM(0)), result); }

OPERATION(supervisor_restart_child) {
  regrow_pid pid = {0};
  regrow_error error = regrow_supervisor_restart_child(given->pid, ITEM(0), &pid);
  return told(error, result, pid.id == 0 ? regrow_atom("undefined") : regrow_from_pid(pid));
}

OPERATION(supervisor_which_children) { return regrow_supervisor_which_children(given->pid, result); }

OPERATION(supervisor_count_children) {
  regrow_child_count count = {.size = sizeof count};
  regrow_error error = regrow_supervisor_count_children(given->pid, &count);
  if (error != REGROW_OK) return error;
  const char *names[] = {"specs", "active", "supervisors", "workers"};
  const uint64_t *numbers = &count.specs;
  regrow_term keys[4], values[4];
  for (size_t at = 0; at < 4; at++) {
    keys[at] = regrow_atom(names[at]);
    values[at] = regrow_int((int64_t)numbers[at]);
  }
  *result = regrow_map(keys, values, 4);
  return REGROW_OK;
}

OPERATION(supervisor_get_childspec) { return regrow_supervisor_get_childspec(given->pid, ITEM(0), result); }

OPERATION(supervisor_lookup) {
  regrow_pid pid = {0};
  regrow_error error = regrow_supervisor_lookup(given->pid, ITEM(0), &pid);
  return told(error, result, pid.id == 0 ? regrow_atom("undefined") : regrow_from_pid(pid));
}

OPERATION(supervisor_history) { return regrow_supervisor_history(given->pid, result); }

OPERATION(supervisor_tree) {
  uint32_t format, timeout_ms;
  if (number_of(ITEM(0), &format) != REGROW_OK || number_of(ITEM(1), &timeout_ms) != REGROW_OK)
    return REGROW_ERR_ARGUMENT;
  return regrow_tree(given->pid, format, timeout_ms, result);
}

/* ---- registries ---- */

OPERATION(registry_register) {
  regrow_pid pid;
  if (!pid_of(ITEM(1), &pid)) return REGROW_ERR_NO_PROCESS;
  return done(regrow_registry_register(given->pid, CLONE(0), pid, CLONE(2)), result);
}

OPERATION(registry_unregister) {
  regrow_pid pid;
  if (!pid_of(ITEM(1), &pid)) return done(REGROW_OK, result);
  return done(regrow_registry_unregister(given->pid, ITEM(0), pid), result);
}

OPERATION(registry_unregister_match) {
  regrow_pid pid;
  if (!pid_of(ITEM(1), &pid)) return done(REGROW_OK, result);
  return done(regrow_registry_unregister_match(given->pid, ITEM(0), pid, ITEM(2), optional(ITEM(3))), result);
}

static regrow_next put_value(regrow_context *context, void *user, const regrow_term *state, regrow_term *next,
                             regrow_term *reply) {
  (void)context, (void)state, (void)reply;
  *next = regrow_term_clone(user);
  return REGROW_DONE;
}

/* The caller's own entry, which nobody else changes: so the value may have been made before. */
OPERATION(registry_update) {
  return regrow_registry_update(given->pid, ITEM(0), put_value, (void *)(uintptr_t)ITEM(1), result);
}

OPERATION(registry_whereis) {
  regrow_pid pid = {0};
  return living(given, regrow_registry_whereis(given->pid, ITEM(0), &pid), pid, result);
}

OPERATION(registry_lookup) {
  return without_stale(given, regrow_registry_lookup(given->pid, ITEM(0), result), result);
}

OPERATION(registry_match) {
  return without_stale(given, regrow_registry_match(given->pid, ITEM(0), ITEM(1), optional(ITEM(2)), result), result);
}

OPERATION(registry_count_match) {
  size_t count = 0;
  regrow_error error = regrow_registry_count_match(given->pid, ITEM(0), ITEM(1), optional(ITEM(2)), &count);
  return told(error, result, regrow_int((int64_t)count));
}

OPERATION(registry_select) { return regrow_registry_select(given->pid, ITEM(0), result); }

OPERATION(registry_count_select) {
  size_t count = 0;
  regrow_error error = regrow_registry_count_select(given->pid, ITEM(0), &count);
  return told(error, result, regrow_int((int64_t)count));
}

OPERATION(registry_keys) {
  regrow_pid pid;
  if (!pid_of(ITEM(0), &pid) || proxy_is_stale(given->rt, pid)) return REGROW_OK;
  return regrow_registry_keys(given->pid, pid, result);
}

OPERATION(registry_values) {
  regrow_pid pid;
  if (!pid_of(ITEM(1), &pid) || proxy_is_stale(given->rt, pid)) return REGROW_OK;
  return regrow_registry_values(given->pid, ITEM(0), pid, result);
}

OPERATION(registry_count) {
  size_t count = 0;
  regrow_error error = regrow_registry_count(given->pid, &count);
  return told(error, result, regrow_int((int64_t)count));
}

OPERATION(registry_meta) { return regrow_registry_meta(given->pid, ITEM(0), result); }
OPERATION(registry_put_meta) { return done(regrow_registry_put_meta(given->pid, CLONE(0), CLONE(1)), result); }
OPERATION(registry_delete_meta) { return done(regrow_registry_delete_meta(given->pid, ITEM(0)), result); }

/* ---- groups and topics ---- */

OPERATION(group_join) {
  regrow_pid pid;
  if (!pid_of(ITEM(1), &pid)) return REGROW_ERR_NO_PROCESS;
  return done(regrow_group_join(given->pid, ITEM(0), pid), result);
}

OPERATION(group_leave) {
  regrow_pid pid;
  if (!pid_of(ITEM(1), &pid)) return ERROR_NOT_JOINED;
  return done(regrow_group_leave(given->pid, ITEM(0), pid), result);
}

OPERATION(group_members) {
  return without_stale(given, regrow_group_members(given->pid, ITEM(0), result), result);
}

OPERATION(group_which) { return regrow_group_which(given->pid, result); }

OPERATION(group_send) {
  size_t count = 0;
  regrow_error error = regrow_group_send(given->pid, ITEM(0), CLONE(1), &count);
  return told(error, result, regrow_int((int64_t)count));
}

OPERATION(group_monitor) {
  regrow_ref reference = {0};
  regrow_term pids = regrow_nil();
  regrow_error error = regrow_group_monitor(given->pid, ITEM(0), &reference, &pids);
  if (error == REGROW_OK) proxy_monitors(reference, given->pid);
  return told(error, result, regrow_tuple((regrow_term[]){regrow_from_ref(reference), pids}, 2));
}

OPERATION(group_demonitor) {
  regrow_ref reference;
  if (!regrow_as_ref(ITEM(0), &reference)) return REGROW_ERR_ARGUMENT;
  proxy_demonitors(reference);
  return done(regrow_group_demonitor(given->pid, reference), result);
}

/* Items: Topic, Pid, Queue | [], Most, Overflow, whether once. */
OPERATION(pubsub_subscribe) {
  regrow_subscription how = {.size = sizeof how};
  const char *topic;
  regrow_pid pid;
  bool once;
  if (!regrow_as_text(ITEM(0), &topic) || number_of(ITEM(3), &how.max_messages) != REGROW_OK ||
      number_of(ITEM(4), &how.overflow) != REGROW_OK || !regrow_as_bool(ITEM(5), &once))
    return REGROW_ERR_ARGUMENT;
  if (!regrow_is_nil(ITEM(2)) && !regrow_as_text(ITEM(2), &how.queue)) return REGROW_ERR_ARGUMENT;
  if (!pid_of(ITEM(1), &pid)) return REGROW_ERR_NO_PROCESS;
  return done((once ? regrow_pubsub_subscribe_once : regrow_pubsub_subscribe)(given->pid, topic, pid, &how), result);
}

OPERATION(pubsub_unsubscribe) {
  const char *topic;
  regrow_pid pid;
  if (!regrow_as_text(ITEM(0), &topic)) return REGROW_ERR_ARGUMENT;
  if (!pid_of(ITEM(1), &pid)) return done(REGROW_OK, result);
  return done(regrow_pubsub_unsubscribe(given->pid, topic, pid), result);
}

OPERATION(pubsub_broadcast) {
  const char *topic;
  if (!regrow_as_text(ITEM(0), &topic)) return REGROW_ERR_ARGUMENT;
  return done(regrow_pubsub_broadcast(given->pid, topic, CLONE(1)), result);
}

OPERATION(pubsub_broadcast_from) {
  const char *topic;
  regrow_pid pid;
  if (!regrow_as_text(ITEM(1), &topic)) return REGROW_ERR_ARGUMENT;
  if (!pid_of(ITEM(0), &pid)) return done(regrow_pubsub_broadcast(given->pid, topic, CLONE(2)), result);
  return done(regrow_pubsub_broadcast_from(given->pid, pid, topic, CLONE(2)), result);
}

OPERATION(pubsub_count) {
  const char *topic;
  size_t count = 0;
  if (!regrow_as_text(ITEM(0), &topic)) return REGROW_ERR_ARGUMENT;
  regrow_error error = regrow_pubsub_subscriber_count(given->pid, topic, &count);
  return told(error, result, regrow_int((int64_t)count));
}

/* ---- tables: the first item is the table ---- */

#define TABLE                                                      \
  regrow_table table;                                              \
  if (!regrow_as_table(ITEM(0), &table)) return REGROW_ERR_NO_TABLE; \
  if (table_is_stale(given->rt, table)) return ERROR_OWNER_GONE

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

const operation operations[] = {
    {"process_register", process_register, RUN_NOW, 2},
    {"process_unregister", process_unregister, RUN_NOW, 1},
    {"process_whereis", process_whereis, RUN_NOW, 1},
    {"process_exit", process_exit, RUN_NOW, 1},
    {"process_info", process_info, RUN_NOW, 0},
    {"process_send", process_send, RUN_PROCESS, 1},
    {"process_cast", process_cast, RUN_PROCESS, 1},
    {"process_stop", process_stop, RUN_PROCESS, 2},
    {"process_link", process_link, RUN_CALLER, 0},
    {"process_unlink", process_unlink, RUN_CALLER, 0},
    {"process_monitor", process_monitor, RUN_CALLER, 0},
    {"process_demonitor", process_demonitor, RUN_CALLER, 1},
    {"process_get_state", process_get_state, RUN_PROCESS, 1},
    {"process_replace_state", process_replace_state, RUN_PROCESS, 2},
    {"process_start", process_start, RUN_PROCESS, 1},
    {"process_start_link", process_start_link, RUN_PROCESS, 2},
    {"runtime_settle", runtime_settle, RUN_THREAD, 1},
    {"runtime_advance", runtime_advance, RUN_THREAD, 1},
    {"runtime_now", runtime_now, RUN_NOW, 0},
    {"runtime_stats", runtime_stats, RUN_NOW, 0},
    {"supervisor_begin", keeper_supervise, RUN_PROCESS, 2},
    {"supervisor_start_child", supervisor_start_child, RUN_PROCESS, 1},
    {"supervisor_terminate_child", supervisor_terminate_child, RUN_PROCESS, 1},
    {"supervisor_delete_child", supervisor_delete_child, RUN_PROCESS, 1},
    {"supervisor_restart_child", supervisor_restart_child, RUN_PROCESS, 1},
    {"supervisor_which_children", supervisor_which_children, RUN_PROCESS, 0},
    {"supervisor_count_children", supervisor_count_children, RUN_PROCESS, 0},
    {"supervisor_get_childspec", supervisor_get_childspec, RUN_PROCESS, 1},
    {"supervisor_lookup", supervisor_lookup, RUN_PROCESS, 1},
    {"supervisor_history", supervisor_history, RUN_PROCESS, 0},
    {"supervisor_tree", supervisor_tree, RUN_PROCESS, 2},
    {"registry_register", registry_register, RUN_NOW, 3},
    {"registry_unregister", registry_unregister, RUN_NOW, 2},
    {"registry_unregister_match", registry_unregister_match, RUN_NOW, 4},
    {"registry_update", registry_update, RUN_CALLER, 2},
    {"registry_whereis", registry_whereis, RUN_NOW, 1},
    {"registry_lookup", registry_lookup, RUN_NOW, 1},
    {"registry_match", registry_match, RUN_DIRTY, 3},
    {"registry_count_match", registry_count_match, RUN_DIRTY, 3},
    {"registry_select", registry_select, RUN_DIRTY, 1},
    {"registry_count_select", registry_count_select, RUN_DIRTY, 1},
    {"registry_keys", registry_keys, RUN_NOW, 1},
    {"registry_values", registry_values, RUN_NOW, 2},
    {"registry_count", registry_count, RUN_NOW, 0},
    {"registry_meta", registry_meta, RUN_NOW, 1},
    {"registry_put_meta", registry_put_meta, RUN_NOW, 2},
    {"registry_delete_meta", registry_delete_meta, RUN_NOW, 1},
    {"group_join", group_join, RUN_NOW, 2},
    {"group_leave", group_leave, RUN_NOW, 2},
    {"group_members", group_members, RUN_DIRTY, 1},
    {"group_which", group_which, RUN_DIRTY, 0},
    {"group_send", group_send, RUN_DIRTY, 2},
    {"group_monitor", group_monitor, RUN_CALLER, 1},
    {"group_demonitor", group_demonitor, RUN_CALLER, 1},
    {"pubsub_subscribe", pubsub_subscribe, RUN_NOW, 6},
    {"pubsub_unsubscribe", pubsub_unsubscribe, RUN_NOW, 2},
    {"pubsub_broadcast", pubsub_broadcast, RUN_DIRTY, 2},
    {"pubsub_broadcast_from", pubsub_broadcast_from, RUN_DIRTY, 3},
    {"pubsub_count", pubsub_count, RUN_NOW, 1},
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
};

#define OPERATIONS (sizeof operations / sizeof operations[0])

/* Their atoms, in the order of the list. */
static ERL_NIF_TERM names[OPERATIONS];

bool operations_load(ErlNifEnv *env) {
  for (size_t at = 0; at < OPERATIONS; at++) names[at] = enif_make_atom(env, operations[at].name);
  return true;
}

const operation *operation_named(ERL_NIF_TERM name) {
  for (size_t at = 0; at < OPERATIONS; at++)
    if (names[at] == name) return &operations[at];
  return NULL;
}
