/* Operations on processes, agents, runtimes and supervisors. */
#include <stdlib.h>

#include "operations.h"

/* ---- processes and names ---- */

OPERATION(process_register) {
  regrow_pid pid;
  if (!pid_of(ITEM(0), &pid)) return REGROW_ERR_NO_PROCESS;
  return done(regrow_register_term(pid, CLONE(1)), result);
}

OPERATION(process_unregister) { return done(regrow_unregister_term(given->pid, ITEM(0)), result); }

OPERATION(process_whereis) {
  regrow_pid pid = {0};
  return operation_living(given, regrow_whereis_term(given->pid, ITEM(0), &pid), pid, result);
}

OPERATION(process_exit) { return done(regrow_exit(given->pid, CLONE(0)), result); }
OPERATION(process_info) { return regrow_info(given->pid, result); }
OPERATION(process_send) { return done(regrow_send(given->pid, CLONE(0)), result); }
OPERATION(process_cast) { return done(regrow_cast(given->pid, CLONE(0)), result); }

static regrow_term outcome_of(regrow_error error, regrow_term value) {
  regrow_term parts[2] = {regrow_atom(error == REGROW_OK ? "ok" : "error"),
                          error == REGROW_OK ? value : error_reason(error)};
  return regrow_tuple(parts, 2);
}

/* Items: Requests, TimeoutMs. All of them are under way before the first answer is waited for. */
OPERATION(process_call_all) {
  uint32_t timeout_ms;
  size_t count;
  bool killed = false;
  if (number_of(ITEM(1), &timeout_ms) != REGROW_OK || !regrow_list_length(ITEM(0), &count)) return REGROW_ERR_ARGUMENT;
  regrow_request **pending = calloc(count + 1, sizeof *pending);
  regrow_term *outcomes = calloc(count + 1, sizeof *outcomes);
  if (pending != NULL && outcomes != NULL) {
    const regrow_term *rest = ITEM(0);
    for (size_t at = 0; at < count; at++, rest = regrow_list_tail(rest)) {
      regrow_error error =
          regrow_call_async(given->pid, regrow_term_clone(regrow_list_head(rest)), timeout_ms, &pending[at]);
      if (error != REGROW_OK) outcomes[at] = outcome_of(error, regrow_nil());
    }
    for (size_t at = 0; at < count; at++) {
      regrow_term reply = regrow_nil();
      if (pending[at] == NULL) continue;
      regrow_error error = regrow_request_wait(pending[at], REGROW_INFINITY, &reply);
      regrow_request_free(pending[at]);
      killed = killed || error == REGROW_ERR_KILLED;
      outcomes[at] = outcome_of(error, reply);
    }
    *result = regrow_list(outcomes, count);
  }
  bool good = pending != NULL && outcomes != NULL;
  free(pending);
  free(outcomes);
  if (!good) return REGROW_ERR_LIMIT;
  if (!killed) return REGROW_OK;
  /* This process is nobody's to kill but its runtime's. */
  regrow_term_free(result);
  *result = regrow_nil();
  return REGROW_ERR_NOT_ALIVE;
}

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

OPERATION(process_monitor_name) {
  regrow_address address = {.size = sizeof address, .runtime = given->pid, .name_term = ITEM(0)};
  regrow_ref reference = {0};
  regrow_pid now;
  regrow_error error = regrow_monitor_at(&address, &reference);
  if (error == REGROW_OK && regrow_whereis_term(given->pid, ITEM(0), &now) == REGROW_OK)
    proxy_monitors(reference, now);
  return told(error, result, regrow_from_ref(reference));
}

OPERATION(process_demonitor) {
  regrow_ref reference;
  bool removed = false;
  if (!regrow_as_ref(ITEM(0), &reference)) return told(REGROW_OK, result, regrow_bool(false));
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

/* ---- agents ---- */

OPERATION(agent_get) {
  uint32_t timeout_ms;
  if (number_of(ITEM(0), &timeout_ms) != REGROW_OK) return REGROW_ERR_ARGUMENT;
  return regrow_agent_get(given->pid, NULL, NULL, timeout_ms, result);
}

/* In the agent, while agent_exchange() waits: `user` is what it was given. */
static regrow_next exchange(regrow_context *context, void *user, const regrow_term *state, regrow_term *next,
                            regrow_term *reply) {
  const arguments *given = user;
  (void)context;
  bool same = regrow_term_equal(state, ITEM(0));
  if (same) *next = CLONE(1);
  *reply = regrow_bool(same);
  return REGROW_DONE;
}

OPERATION(agent_exchange) {
  uint32_t timeout_ms;
  if (number_of(ITEM(2), &timeout_ms) != REGROW_OK) return REGROW_ERR_ARGUMENT;
  return regrow_agent_get_and_update(given->pid, exchange, (void *)given, timeout_ms, result);
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

OPERATION(partition_whereis) {
  regrow_pid pid = {0};
  return operation_living(given, regrow_partition_whereis(given->pid, ITEM(0), &pid), pid, result);
}

OPERATION(partition_count) {
  uint32_t count = 0;
  regrow_error error = regrow_partition_count(given->pid, &count);
  return told(error, result, regrow_int(count));
}

OPERATION(supervisor_history) { return regrow_supervisor_history(given->pid, result); }

OPERATION(supervisor_tree) {
  uint32_t format, timeout_ms;
  if (number_of(ITEM(0), &format) != REGROW_OK || number_of(ITEM(1), &timeout_ms) != REGROW_OK)
    return REGROW_ERR_ARGUMENT;
  return regrow_tree(given->pid, format, timeout_ms, result);
}

/* ---- the list of them ---- */

const operation process_operations[] = {
    {"process_register", process_register, RUN_NOW, 2},
    {"process_unregister", process_unregister, RUN_NOW, 1},
    {"process_whereis", process_whereis, RUN_NOW, 1},
    {"process_exit", process_exit, RUN_CALLER, 1},
    {"process_info", process_info, RUN_NOW, 0},
    {"process_send", process_send, RUN_PROCESS, 1},
    {"process_cast", process_cast, RUN_PROCESS, 1},
    {"process_call_all", process_call_all, RUN_PROCESS, 2},
    {"process_stop", process_stop, RUN_PROCESS, 2},
    {"process_link", process_link, RUN_CALLER, 0},
    {"process_unlink", process_unlink, RUN_CALLER, 0},
    {"process_monitor", process_monitor, RUN_CALLER, 0},
    {"process_monitor_name", process_monitor_name, RUN_CALLER, 1},
    {"process_demonitor", process_demonitor, RUN_CALLER, 1},
    {"process_get_state", process_get_state, RUN_PROCESS, 1},
    {"process_replace_state", process_replace_state, RUN_PROCESS, 2},
    {"process_start", process_start, RUN_PROCESS, 1},
    {"agent_get", agent_get, RUN_PROCESS, 1},
    {"agent_exchange", agent_exchange, RUN_PROCESS, 3},
    {"process_start_link", parent_start_link, RUN_PROCESS, 2},
    {"runtime_settle", runtime_settle, RUN_THREAD, 1},
    {"runtime_advance", runtime_advance, RUN_THREAD, 1},
    {"runtime_now", runtime_now, RUN_NOW, 0},
    {"runtime_stats", runtime_stats, RUN_NOW, 0},
    {"supervisor_start_child", supervisor_start_child, RUN_PROCESS, 1},
    {"supervisor_terminate_child", supervisor_terminate_child, RUN_PROCESS, 1},
    {"supervisor_delete_child", supervisor_delete_child, RUN_PROCESS, 1},
    {"supervisor_restart_child", supervisor_restart_child, RUN_PROCESS, 1},
    {"supervisor_which_children", supervisor_which_children, RUN_PROCESS, 0},
    {"supervisor_count_children", supervisor_count_children, RUN_PROCESS, 0},
    {"supervisor_get_childspec", supervisor_get_childspec, RUN_PROCESS, 1},
    {"supervisor_lookup", supervisor_lookup, RUN_PROCESS, 1},
    {"partition_whereis", partition_whereis, RUN_NOW, 1},
    {"partition_count", partition_count, RUN_NOW, 0},
    {"supervisor_history", supervisor_history, RUN_PROCESS, 0},
    {"supervisor_tree", supervisor_tree, RUN_PROCESS, 2},
    {NULL, NULL, RUN_NOW, 0},
};
