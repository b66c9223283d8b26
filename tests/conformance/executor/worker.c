#include "worker.h"

#include "do.h"
#include "marks.h"
#include "operation.h"
#include "places.h"
#include "trace.h"
#include "words.h"

#include <stdlib.h>
#include <string.h>

enum { SLOW_TERMINATE_MS = 300 };

struct worker {
  struct attempt *attempt;
  regrow_term state;
};

/* ---- init ---- */

/* {'DOWN', Ref, process, Pid, Reason} of one monitor */
static bool is_down_of(void *user, const regrow_term *message)
{
  const regrow_ref *monitor = user;
  regrow_ref ref;
  return regrow_is_atom(element(message, 0), "DOWN") && regrow_as_ref(element(message, 1), &ref) &&
         ref.id == monitor->id;
}

/* Kills the newest process of that id and waits until it is dead. False: this process was killed meanwhile. */
static bool kill_and_wait(const char *id)
{
  struct attempt *victim = attempt_named(id);
  regrow_ref monitor;
  regrow_term down;
  if (!victim)
    return true;
  if (regrow_monitor(victim->pid, &monitor) || regrow_exit(victim->pid, regrow_atom("kill")) ||
      regrow_receive_match(is_down_of, &monitor, REGROW_INFINITY, &down))
    return false;
  regrow_term_free(&down);
  return true;
}

static regrow_next init(regrow_context *context, void *user, const regrow_term *arg, void **state)
{
  struct place *place = user;
  const regrow_term *instance = regrow_list_head(arg); /* what a template's child was started with */
  struct text id = {0};
  if (instance)
    text_add_term(&id, instance);
  struct attempt *attempt = place_begin(place, instance ? text_get(&id) : place->id);
  text_free(&id);
  const char *behaviour = attempt->behaviour;
  bool before;
  if (place->traps_exits)
    regrow_trap_exit(true, &before);
  if (!strcmp(behaviour, "ignore"))
    return REGROW_IGNORE;
  if (!strncmp(behaviour, "fail:", 5))
    return regrow_stop_self(context, reason_of_word(behaviour + 5));
  if (!strncmp(behaviour, "kill:", 5) && !kill_and_wait(behaviour + 5))
    return REGROW_IGNORE; /* nobody listens any more */

  struct worker *worker = new_memory(sizeof *worker);
  worker->attempt = attempt;
  worker->state = regrow_int(0);
  *state = worker;
  attempt_came_up(attempt);
  if (!strcmp(behaviour, "cont"))
    return regrow_continue(context, REGROW_READY, regrow_atom("continue"));
  return REGROW_READY;
}

static void drop(void *state)
{
  struct worker *worker = state;
  if (!worker)
    return;
  regrow_term_free(&worker->state);
  free(worker);
}

/* ---- requests ---- */

/* What follows `name:` in a request; NULL when it is another one. */
static const char *after(const char *request, const char *name)
{
  size_t length = strlen(name);
  return !strncmp(request, name, length) && request[length] == ':' ? request + length + 1 : NULL;
}

static regrow_term set(struct worker *worker, const char *word)
{
  regrow_term before = worker->state;
  worker->state = term_of_word(word);
  return before;
}

/* False when the state is no number. */
static bool add(struct worker *worker, const char *word)
{
  regrow_term amount = term_of_word(word);
  int64_t whole, whole_amount;
  double number, number_amount;
  bool is_whole = regrow_as_int(&worker->state, &whole);
  bool is_whole_amount = regrow_as_int(&amount, &whole_amount);
  bool is_number = is_whole || regrow_as_float(&worker->state, &number);
  bool is_number_amount = is_whole_amount || regrow_as_float(&amount, &number_amount);
  regrow_term_free(&amount);
  if (!is_number || !is_number_amount)
    return false;
  regrow_term_free(&worker->state);
  if (is_whole && is_whole_amount)
    worker->state = regrow_int(whole + whole_amount);
  else
    worker->state = regrow_float((is_whole ? (double)whole : number) +
                                 (is_whole_amount ? (double)whole_amount : number_amount));
  return true;
}

/* `stop:R`, `exit:R`, `bad`: the requests that end the server without a reply. False: another one. */
static bool ends_server(regrow_context *context, const char *request, regrow_next *next)
{
  const char *reason = after(request, "stop");
  if (!reason)
    reason = after(request, "exit");
  if (reason)
    *next = regrow_stop_self(context, reason_of_word(reason));
  else if (!strcmp(request, "bad"))
    *next = 0; /* no callback code */
  else
    return false;
  return true;
}

/* The answer is given from handle_info, once the callback has returned: {late, Server, Call}. */
static regrow_next answer_late(regrow_context *context)
{
  regrow_caller caller;
  regrow_pid self = {0};
  if (regrow_defer(context, &caller) || regrow_self(&self))
    give_up("a call cannot be deferred");
  regrow_term message[] = {
      regrow_atom(TAG_LATE), regrow_int((int64_t)caller.server), regrow_int((int64_t)caller.call)};
  regrow_send(self, regrow_tuple(message, 3));
  return REGROW_NOREPLY;
}

/* A call that is neither answered nor put off would end at once. */
static regrow_next answer_never(regrow_context *context)
{
  regrow_caller caller;
  regrow_defer(context, &caller);
  return REGROW_NOREPLY;
}

static regrow_next handle_request(regrow_context *context, struct worker *worker, const char *request)
{
  regrow_next next;
  const char *word;
  if (ends_server(context, request, &next))
    return next;
  if (!strcmp(request, "ping"))
    return regrow_reply(context, regrow_atom("pong"));
  if (!strcmp(request, "get"))
    return regrow_reply(context, regrow_term_clone(&worker->state));
  if ((word = after(request, "set")))
    return regrow_reply(context, set(worker, word));
  if ((word = after(request, "add")))
    return add(worker, word) ? regrow_reply(context, regrow_term_clone(&worker->state))
                             : regrow_stop_self(context, regrow_atom("badarith"));
  if ((word = after(request, "stopr")))
    return regrow_reply_stop(context, regrow_atom("bye"), reason_of_word(word));
  if (!strcmp(request, "late"))
    return answer_late(context);
  return answer_never(context);
}

static regrow_next handle_call(regrow_context *context, void *state, const regrow_term *message)
{
  struct worker *worker = state;
  const char *request;
  if (regrow_is_atom(message, TAG_DO)) {
    struct text result = {0};
    do_carry_out(&result);
    regrow_next next = regrow_reply(context, regrow_text(text_get(&result)));
    text_free(&result);
    return next;
  }
  return regrow_as_text(message, &request) ? handle_request(context, worker, request) : answer_never(context);
}

static regrow_next handle_cast(regrow_context *context, void *state, const regrow_term *message)
{
  struct worker *worker = state;
  const char *request, *word;
  regrow_next next;
  if (!regrow_as_text(message, &request))
    return REGROW_NOREPLY;
  if (ends_server(context, request, &next))
    return next;
  if ((word = after(request, "set"))) {
    regrow_term before = set(worker, word);
    regrow_term_free(&before);
  } else if ((word = after(request, "add")) && !add(worker, word)) {
    return regrow_stop_self(context, regrow_atom("badarith"));
  }
  return REGROW_NOREPLY;
}

/* ---- other messages ---- */

/* {late, Server, Call} */
static void answer_now(const regrow_term *message)
{
  int64_t server = 0, call = 0;
  regrow_as_int(element(message, 1), &server);
  regrow_as_int(element(message, 2), &call);
  regrow_answer((regrow_caller){.server = (uint64_t)server, .call = (uint64_t)call}, regrow_atom("late"));
}

/* The object of a DOWN message: a label, or `@NAME` for a monitor by name ({Name, Node} or Name). */
static void add_monitored(struct text *text, const regrow_term *object)
{
  regrow_pid pid;
  if (regrow_as_pid(object, &pid)) {
    text_add_term(text, object);
    return;
  }
  text_add(text, "@");
  text_add_term(text, regrow_is_tuple(object) ? element(object, 0) : object);
}

static void describe(struct text *text, const regrow_term *message)
{
  regrow_ref ref;
  if (regrow_is_atom(element(message, 0), "EXIT")) { /* {'EXIT', From, Reason} */
    text_add(text, "EXIT ");
    text_add_term(text, element(message, 1));
    text_add(text, " ");
    text_add_term(text, element(message, 2));
  } else if (regrow_is_atom(element(message, 0), "DOWN")) { /* {'DOWN', Ref, process, Object, Reason} */
    text_add(text, "DOWN %s ", regrow_as_ref(element(message, 1), &ref) ? mark_of_ref(ref) : "?");
    add_monitored(text, element(message, 3));
    text_add(text, " ");
    text_add_term(text, element(message, 4));
  } else if (regrow_is_atom(element(message, 0), "ETS-TRANSFER")) { /* {'ETS-TRANSFER', Table, From, Data} */
    text_add(text, "TRANSFER ");
    add_table(text, element(message, 1));
    text_add(text, " ");
    text_add_term(text, element(message, 2));
    text_add(text, " ");
    text_add_term(text, element(message, 3));
  } else if (regrow_is_atom(element(message, 0), TAG_TIMER)) { /* {timer, X} */
    text_add(text, "timer ");
    text_add_term(text, element(message, 1));
  } else {
    text_add(text, "got ");
    text_add_term(text, message);
  }
}

static regrow_next handle_info(regrow_context *context, void *state, const regrow_term *message)
{
  (void)context;
  struct worker *worker = state;
  if (regrow_is_atom(element(message, 0), TAG_LATE)) {
    answer_now(message);
    return REGROW_NOREPLY;
  }
  struct text text = {0};
  describe(&text, message);
  trace_message(worker->attempt, text_get(&text));
  text_free(&text);
  return REGROW_NOREPLY;
}

static regrow_next handle_continue(regrow_context *context, void *state, const regrow_term *argument)
{
  (void)context, (void)argument;
  struct worker *worker = state;
  trace_message(worker->attempt, "continue");
  return REGROW_NOREPLY;
}

/* ---- terminate ---- */

static void terminate(regrow_context *context, void *state, const regrow_term *reason)
{
  (void)context;
  struct worker *worker = state;
  struct text text = {0};
  text_add_term(&text, reason);
  trace_term(worker->attempt, text_get(&text));
  text_free(&text);
  const struct line *declaration = worker->attempt->place->declaration;
  const char *term = declaration ? line_option(declaration, "term") : NULL;
  if (term && !strcmp(term, "slow"))
    regrow_sleep(SLOW_TERMINATE_MS);
}

regrow_server_spec worker_spec(struct place *place)
{
  return (regrow_server_spec){
      .size = sizeof(regrow_server_spec),
      .init = init,
      .handle_call = handle_call,
      .handle_cast = handle_cast,
      .handle_info = handle_info,
      .handle_continue = handle_continue,
      .terminate = terminate,
      .drop = drop,
      .flags = getenv("REGROW_INLINE") ? REGROW_INLINE : 0,
      .user = place,
  };
}
