/* A plug-in for the tests: "actor", a native server that does what it is told, to processes of the BEAM too. */
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "regrow.h"

static regrow_next init(regrow_context *context, void *user, const regrow_term *arg, void **state) {
  (void)user;
  if (regrow_is_atom(arg, "fail")) return regrow_stop_self(context, regrow_atom("failed"));
  if (regrow_is_atom(arg, "ignore")) return REGROW_IGNORE;
  /* Whom it tells of messages that it gets. */
  regrow_term *told = calloc(1, sizeof *told);
  *told = regrow_term_clone(arg);
  *state = told;
  return REGROW_READY;
}

static void drop(void *state) {
  regrow_term_free(state);
  free(state);
}

static bool is(const regrow_term *request, const char *name) { return regrow_is_atom(regrow_tuple_get(request, 0), name); }

static regrow_next outcome(regrow_context *context, regrow_error error, regrow_term value) {
  regrow_term reason = regrow_nil();
  if (error == REGROW_OK) return regrow_reply(context, regrow_tuple((regrow_term[]){regrow_atom("ok"), value}, 2));
  (void)regrow_last_reason(&reason);
  regrow_term parts[3] = {regrow_atom("error"), regrow_atom(regrow_error_name((int32_t)error)), reason};
  return regrow_reply(context, regrow_tuple(parts, 3));
}

/* Somebody who was told to wedge is in its callback, until another, of any runtime, is told to free it. */
static atomic_bool wedged;

static regrow_next handle_call(regrow_context *context, void *state, const regrow_term *request) {
  (void)state;
  regrow_pid pid = {0};
  regrow_ref reference = {0};
  regrow_term value = regrow_nil();
  int64_t ms = 0;
  const regrow_term *second = regrow_tuple_get(request, 1), *third = regrow_tuple_get(request, 2);
  (void)regrow_as_pid(second, &pid);
  if (is(request, "echo")) return regrow_reply(context, regrow_term_clone(second));
  if (is(request, "crash")) return regrow_stop_self(context, regrow_term_clone(second));
  if (is(request, "zero")) return 0;
  if (is(request, "sleep") && regrow_as_int(second, &ms)) return outcome(context, regrow_sleep((uint32_t)ms), value);
  if (is(request, "busy") && regrow_as_int(second, &ms)) {
    /* Not a wait that regrow knows of. */
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&time, &time) != 0) continue;
    return outcome(context, REGROW_OK, value);
  }
  if (is(request, "wedge")) {
    /* As above. */
    struct timespec time = {0, 1000000};
    atomic_store(&wedged, true);
    while (atomic_load(&wedged)) (void)nanosleep(&time, NULL);
    return outcome(context, REGROW_OK, value);
  }
  if (is(request, "is_wedged")) return outcome(context, REGROW_OK, regrow_bool(atomic_load(&wedged)));
  if (is(request, "free")) {
    atomic_store(&wedged, false);
    return outcome(context, REGROW_OK, value);
  }
  if (is(request, "call")) {
    (void)regrow_as_int(regrow_tuple_get(request, 3), &ms);
    regrow_error error = regrow_call(pid, regrow_term_clone(third), (uint32_t)ms, &value);
    return outcome(context, error, value);
  }
  if (is(request, "send")) return outcome(context, regrow_send(pid, regrow_term_clone(third)), value);
  if (is(request, "cast")) return outcome(context, regrow_cast(pid, regrow_term_clone(third)), value);
  if (is(request, "alias")) {
    bool priority = regrow_is_atom(second, "true");
    regrow_error error = regrow_alias_opt(priority ? REGROW_PRIORITY : 0, &reference);
    return outcome(context, error, regrow_from_ref(reference));
  }
  if (is(request, "send_alias") && regrow_as_ref(third, &reference)) {
    regrow_term message = regrow_term_clone(regrow_tuple_get(request, 3));
    return outcome(context, regrow_send_alias(pid, reference, message), value);
  }
  if (is(request, "flood") && regrow_as_int(third, &ms)) {
    regrow_error error = REGROW_OK;
    for (int64_t at = 1; at <= ms && error == REGROW_OK; at++) error = regrow_send(pid, regrow_int(at));
    return outcome(context, error, value);
  }
  if (is(request, "exit")) return outcome(context, regrow_exit(pid, regrow_term_clone(third)), value);
  if (is(request, "link")) return outcome(context, regrow_link(pid), value);
  if (is(request, "trap")) return outcome(context, regrow_trap_exit(true, NULL), value);
  if (is(request, "is_alive")) return outcome(context, REGROW_OK, regrow_bool(regrow_is_alive(pid)));
  if (is(request, "is_pid")) return outcome(context, REGROW_OK, regrow_bool(regrow_is_pid(second)));
  if (is(request, "atom")) {
    const char *name;
    return regrow_as_text(second, &name) ? regrow_reply(context, regrow_atom(name)) : REGROW_NOREPLY;
  }
  if (is(request, "resource")) return regrow_reply(context, regrow_resource(malloc(8), free));
  if (is(request, "is_resource")) return outcome(context, REGROW_OK, regrow_bool(regrow_is_resource(second)));
  if (is(request, "monitor")) {
    regrow_error error = regrow_monitor(pid, &reference);
    return outcome(context, error, regrow_from_ref(reference));
  }
  return outcome(context, REGROW_ERR_ARGUMENT, value);
}

static regrow_next handle_info(regrow_context *context, void *state, const regrow_term *message) {
  (void)context;
  regrow_pid told;
  if (regrow_as_pid(state, &told))
    (void)regrow_send(told, regrow_tuple((regrow_term[]){regrow_atom("actor"), regrow_term_clone(message)}, 2));
  return REGROW_NOREPLY;
}

regrow_error regrow_plugin(void);

regrow_error regrow_plugin(void) {
  regrow_server_spec spec = {
      .size = sizeof spec, .init = init, .handle_call = handle_call, .handle_info = handle_info, .drop = drop};
  regrow_error error = regrow_behaviour_register("actor", &spec);
  /* The same, which answers where it is asked. */
  spec.flags = REGROW_INLINE | REGROW_NO_PARK;
  if (error == REGROW_OK) error = regrow_behaviour_register("quick", &spec);
  spec.flags = 0;
  /* The same with a mailbox for one message; who sends more waits. */
  spec.mailbox_limit = 1;
  spec.mailbox_policy = REGROW_BLOCK;
  spec.mailbox_wait_ms = 5000;
  if (error == REGROW_OK) error = regrow_behaviour_register("narrow", &spec);
  /* And one that refuses more. */
  spec.mailbox_policy = REGROW_REJECT;
  spec.mailbox_wait_ms = 0;
  return error == REGROW_OK ? regrow_behaviour_register("refusing", &spec) : error;
}
