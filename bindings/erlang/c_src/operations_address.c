/* Operations on whoever an address leads to: they wait for somebody, and so run in processes of their own. */
#include "operations.h"

/* Reads {name, Name, WaitMs} or {key, Key, WaitMs}; `pid` is the runtime, or the registry. */
#define ADDRESS                                                                                        \
  regrow_address at = {.size = sizeof at};                                                             \
  const regrow_term *address = ITEM(0);                                                                \
  if (regrow_tuple_get(address, 1) == NULL || number_of(regrow_tuple_get(address, 2), &at.wait_ms) != REGROW_OK) \
    return REGROW_ERR_ARGUMENT;                                                                        \
  if (regrow_is_atom(regrow_tuple_get(address, 0), "name")) {                                          \
    at.runtime = given->pid;                                                                           \
    at.name_term = regrow_tuple_get(address, 1);                                                       \
  } else {                                                                                             \
    at.registry = given->pid;                                                                          \
    at.key = regrow_tuple_get(address, 1);                                                             \
  }

/* Whoever is found may be a process of the BEAM that is dead, and its proxy about to end: that is waited for, as for any
 * other that is between two lives. */
static regrow_error find(const arguments *given, const regrow_address *at, regrow_pid *pid) {
  regrow_error error = regrow_whereis_at(at, pid);
  regrow_ref monitor;
  regrow_term down;
  while (error == REGROW_OK && proxy_is_stale(given->rt, *pid)) {
    error = regrow_monitor(*pid, &monitor);
    if (error == REGROW_OK) error = regrow_receive(REGROW_INFINITY, &down);
    if (error != REGROW_OK) break;
    regrow_term_free(&down);
    error = regrow_whereis_at(at, pid);
  }
  return error;
}

OPERATION(address_whereis) {
  ADDRESS
  regrow_pid pid = {0};
  regrow_error error = find(given, &at, &pid);
  return told(error, result, regrow_from_pid(pid));
}

/* What is for a process of the BEAM its sender sends to it himself, and gets its pid for that: from the proxy it would
 * come a moment later, perhaps after what he sends it next. */
static regrow_error post(const arguments *given, const regrow_address *at,
                         regrow_error (*send)(const regrow_address *, regrow_term), regrow_term *result) {
  regrow_pid pid = {0};
  ErlNifPid beam;
  regrow_error error = find(given, at, &pid);
  if (error != REGROW_OK) return error;
  if (proxy_beam(given->rt, pid, &beam)) return told(error, result, regrow_from_pid(pid));
  return done(send(at, CLONE(1)), result);
}

/* Items: the address, Request, TimeoutMs. */
OPERATION(address_call) {
  ADDRESS
  uint32_t timeout_ms;
  if (number_of(ITEM(2), &timeout_ms) != REGROW_OK) return REGROW_ERR_ARGUMENT;
  return regrow_call_at(&at, CLONE(1), timeout_ms, result);
}

/* Items: the address, Message. */
OPERATION(address_cast) {
  ADDRESS
  return post(given, &at, regrow_cast_at, result);
}

OPERATION(address_send) {
  ADDRESS
  return post(given, &at, regrow_send_at, result);
}

/* Items: the address, Reason, TimeoutMs. */
OPERATION(address_stop) {
  ADDRESS
  uint32_t timeout_ms;
  if (number_of(ITEM(2), &timeout_ms) != REGROW_OK) return REGROW_ERR_ARGUMENT;
  return done(regrow_stop_at(&at, CLONE(1), timeout_ms), result);
}

/* Items: the address, Ms, Message. */
OPERATION(address_send_after) {
  ADDRESS
  uint32_t ms;
  regrow_ref reference = {0};
  if (number_of(ITEM(1), &ms) != REGROW_OK) return REGROW_ERR_ARGUMENT;
  return told(regrow_send_after_at(&at, ms, CLONE(2), &reference), result, regrow_from_ref(reference));
}

/* ---- the list of them ---- */

const operation address_operations[] = {
    {"address_whereis", address_whereis, RUN_PROCESS, 1}, {"address_call", address_call, RUN_PROCESS, 3},
    {"address_cast", address_cast, RUN_PROCESS, 2},       {"address_send", address_send, RUN_PROCESS, 2},
    {"address_stop", address_stop, RUN_PROCESS, 3},       {"address_send_after", address_send_after, RUN_NOW, 3},
    {NULL, NULL, RUN_NOW, 0},
};
