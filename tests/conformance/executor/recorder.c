#include "recorder.h"

#include "attempts.h"
#include "trace.h"
#include "words.h"

static regrow_pid recorder;

static regrow_next init(regrow_context *context, void *user, const regrow_term *arg, void **state)
{
  (void)context, (void)user, (void)arg, (void)state;
  return REGROW_READY;
}

static regrow_next handle_call(regrow_context *context, void *state, const regrow_term *pid_to_watch)
{
  (void)state;
  regrow_pid pid = {0};
  regrow_ref monitor;
  regrow_as_pid(pid_to_watch, &pid);
  if (regrow_monitor(pid, &monitor))
    give_up("the recorder cannot monitor %s", label_of(pid));
  return regrow_reply(context, regrow_atom("ok"));
}

/* {'DOWN', Ref, process, Pid, Reason} */
static regrow_next handle_info(regrow_context *context, void *state, const regrow_term *message)
{
  (void)context, (void)state;
  regrow_pid pid;
  if (regrow_is_atom(element(message, 0), "DOWN") && regrow_as_pid(element(message, 3), &pid)) {
    struct text reason = {0};
    text_add_term(&reason, element(message, 4));
    attempt_ended(pid, trace_step_number(), text_get(&reason));
    text_free(&reason);
  }
  return REGROW_NOREPLY;
}

void recorder_start(regrow_pid runtime)
{
  regrow_server_spec server = {
      .size = sizeof server, .init = init, .handle_call = handle_call, .handle_info = handle_info};
  regrow_child_spec child = {.size = sizeof child, .id = "recorder", .kind = REGROW_SERVER, .spec = &server};
  if (regrow_start(runtime, &child, &recorder))
    give_up("the recorder does not start");
}

void recorder_watch(regrow_pid pid)
{
  regrow_term ok;
  /* Fails only when the asking process was killed meanwhile; then it is gone and nothing is left to watch for. */
  if (!regrow_call(recorder, regrow_from_pid(pid), REGROW_INFINITY, &ok))
    regrow_term_free(&ok);
}
