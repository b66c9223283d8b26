/* Operations on registries, groups and topics. */
#include "operations.h"

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

OPERATION(registry_match) {
  return operation_fresh(given, regrow_registry_match(given->pid, ITEM(0), ITEM(1), optional(ITEM(2)), result), result);
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
  return operation_fresh(given, regrow_group_members(given->pid, ITEM(0), result), result);
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

/* So many messages are sent in less than a millisecond. */
#define MESSAGES_AT_ONCE 500

static regrow_error few_enough(regrow_pid pubsub, const char *topic) {
  size_t count = 0;
  if (!nif_is_limited()) return REGROW_OK;
  regrow_error error = regrow_pubsub_subscriber_count(pubsub, topic, &count);
  return error != REGROW_OK || count <= MESSAGES_AT_ONCE ? error : ERROR_TOO_MUCH;
}

OPERATION(pubsub_broadcast) {
  const char *topic;
  if (!regrow_as_text(ITEM(0), &topic)) return REGROW_ERR_ARGUMENT;
  regrow_error few = few_enough(given->pid, topic);
  if (few != REGROW_OK) return few;
  return done(regrow_pubsub_broadcast(given->pid, topic, CLONE(1)), result);
}

OPERATION(pubsub_broadcast_from) {
  const char *topic;
  regrow_pid pid;
  if (!regrow_as_text(ITEM(1), &topic)) return REGROW_ERR_ARGUMENT;
  regrow_error few = few_enough(given->pid, topic);
  if (few != REGROW_OK) return few;
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

/* ---- the list of them ---- */

const operation registry_operations[] = {
    {"registry_register", registry_register, RUN_NOW, 3},
    {"registry_unregister", registry_unregister, RUN_NOW, 2},
    {"registry_unregister_match", registry_unregister_match, RUN_NOW, 4},
    {"registry_update", registry_update, RUN_CALLER, 2},
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
    {"pubsub_broadcast", pubsub_broadcast, RUN_NOW, 2},
    {"pubsub_broadcast_from", pubsub_broadcast_from, RUN_NOW, 3},
    {"pubsub_count", pubsub_count, RUN_NOW, 1},
    {NULL, NULL, RUN_NOW, 0},
};
