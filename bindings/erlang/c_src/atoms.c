/* Atoms of the BEAM: those that the NIF knows by name, and how many native code may add. */
#include <string.h>

#include "nif.h"

/* So many atoms native code may add to the BEAM's table, which never shrinks. */
#define NEW_ATOMS 10000

struct atoms atoms;
static atomic_size_t made;

/* The words of regrow's own results and reasons. They are made at once, so that programs which make many atoms do not
 * keep them from the BEAM: the tests that use these words run after one that uses that allowance up. */
static const char *const vocabulary[] = {
    "$$", "$_", "$gen_call", "DOWN", "ETS-TRANSFER", "EXIT", "_", "access", "active", "agent", "all_significant",
    "already_present", "already_registered", "already_started", "ancestors", "answered", "any_significant",
    "auto_shutdown", "bad_combination", "bad_file", "bad_return_value", "bad_start_spec", "badarg", "badmatch", "bag",
    "behind", "brutal_kill", "busy", "call", "callers", "calling_self", "cast", "child", "child_terminated",
    "children", "closed", "context", "continue", "count", "count_children", "crash", "dead", "duplicate",
    "duplicate_bag", "duplicate_child_name", "duplicate_registry", "dynamic_supervisor", "eacces", "eisdir", "empty",
    "enoent", "enospc", "entries", "error", "event", "exception", "exists", "exit", "exited", "exiting",
    "failed_to_start", "failed_to_start_child", "false", "fixed", "forked", "full", "function_clause", "ghost",
    "ghosts", "given_up", "groups", "handled", "heir", "history", "host", "id", "idle", "ignore", "infinity", "info",
    "init", "intensity", "internal", "invalid_period", "io_error", "join", "key", "keypos", "keys", "kill", "killed",
    "kind", "label", "lag", "leave", "limit", "link", "linked", "links", "load", "mailbox_full", "max_children",
    "max_restarts", "message", "message_queue_len", "messages", "monitored_by", "monitors", "name", "named_table",
    "never", "next_at_ms", "nil", "no_identity", "no_reply", "no_table", "noalias", "noconnection", "node", "none",
    "nonode@nohost", "noproc", "noreply", "normal", "not_alive", "not_found", "not_joined", "ok", "old",
    "one_for_all", "one_for_one", "ordered_set", "other_runtime", "out_of_memory", "overload", "owner", "owner_gone",
    "panic", "parent", "parked", "partition_supervisor", "period", "period_ms", "permanent", "pid", "pool", "port",
    "private", "process", "processes", "progress", "protected", "protection", "public", "pubsub", "queue", "quiet",
    "reached_max_restart_intensity", "ready", "reason", "refused", "register", "registered_name", "registry",
    "relief_workers", "reply", "request", "rest_for_one", "restart", "restarted", "restarting", "restarts",
    "returned", "run", "running", "runtime", "sent", "server", "set", "shutdown", "shutdown_error", "significant",
    "simple_one_for_one", "size", "sleep", "specs", "stacks", "start", "start_error", "start_spec", "start_task",
    "started", "starting", "state", "status", "stop", "stopped", "strategy", "stuck", "supervision", "supervisor",
    "supervisor_data", "supervisor_name", "supervisors", "suspended", "sys_state", "system_limit", "table", "task",
    "task_supervisor", "tell", "temporary", "terminate", "terminate_child", "terminated", "thread", "time_ms",
    "timeout", "trace", "transient", "trap_exit", "true", "type", "undefined", "undelivered", "unique", "unknown",
    "unregister", "up", "uptime_ms", "user", "value", "verdict", "version", "waiting", "watchdog", "watchdog_ms",
    "which_children", "why", "worker", "workers", "would_block", "would_deadlock", "wrong_kind",
};

void atoms_load(ErlNifEnv *env) {
  for (size_t at = 0; at < sizeof vocabulary / sizeof *vocabulary; at++) (void)enif_make_atom(env, vocabulary[at]);
  atoms.ok = enif_make_atom(env, "ok");
  atoms.error = enif_make_atom(env, "error");
  atoms.undefined = enif_make_atom(env, "undefined");
  atoms.gen_call = enif_make_atom(env, "$gen_call");
  atoms.regrow = enif_make_atom(env, "$regrow");
  atoms.infinity = enif_make_atom(env, "infinity");
  atoms.brutal_kill = enif_make_atom(env, "brutal_kill");
  atoms.none = enif_make_atom(env, "none");
  atoms.wait = enif_make_atom(env, "wait");
  atoms.monitor = enif_make_atom(env, "monitor");
  atoms.exit = enif_make_atom(env, "exit");
  atoms.signal = enif_make_atom(env, "signal");
  atoms.closed = enif_make_atom(env, "closed");
  atoms.local = enif_make_atom(env, "local");
  atoms.caller = enif_make_atom(env, "caller");
  atoms.undecodable = enif_make_atom(env, "regrow_undecodable");
  atoms.again = enif_make_atom(env, "again");
  atoms.true_ = enif_make_atom(env, "true");
  atoms.false_ = enif_make_atom(env, "false");
}

bool atoms_take(size_t count) {
  if (count > NEW_ATOMS) return false;
  if (atomic_fetch_add(&made, count) > NEW_ATOMS - count) {
    atomic_fetch_sub(&made, count);
    return false;
  }
  return true;
}

/* The external form of an atom: the only way to one that is not Latin-1 before OTP 26. */
static bool atom_decode(ErlNifEnv *env, const char *name, size_t length, ERL_NIF_TERM *atom) {
  unsigned char bytes[4 + 4 * 255];
  if (length > 4 * 255) return false;
  bytes[0] = 131;
  bytes[1] = 118;
  bytes[2] = (unsigned char)(length >> 8);
  bytes[3] = (unsigned char)length;
  memcpy(bytes + 4, name, length);
  if (enif_binary_to_term(env, bytes, 4 + length, atom, ERL_NIF_BIN2TERM_SAFE) != 0) return true;
  return atoms_take(1) && enif_binary_to_term(env, bytes, 4 + length, atom, 0) != 0;
}

bool atom_out(ErlNifEnv *env, const char *name, ERL_NIF_TERM *atom) {
  size_t length = 0;
  bool ascii = true;
  for (; name[length] != 0; length++) ascii = ascii && (unsigned char)name[length] < 0x80;
  if (!ascii) return atom_decode(env, name, length, atom);
  if (enif_make_existing_atom_len(env, name, length, atom, ERL_NIF_LATIN1)) return true;
  if (length > 255 || !atoms_take(1)) return false;
  *atom = enif_make_atom_len(env, name, length);
  return true;
}
