/* agents.c - operations on agents whose state is a number. */
#include "operation.h"
#include "recorder.h"
#include "trace.h"
#include "words.h"

#include <stdlib.h>

static int64_t number(const char *word)
{
  return strtoll(word, NULL, 10);
}

/* ---- functions that the agent runs; `user` is a word of the step, which outlives it ---- */

static int64_t sum(const regrow_term *state, const char *word)
{
  int64_t value = 0;
  regrow_as_int(state, &value);
  return value + number(word);
}

static regrow_next add(regrow_context *context, void *user, const regrow_term *state, regrow_term *next,
                       regrow_term *reply)
{
  (void)context, (void)reply;
  *next = regrow_int(sum(state, user));
  return REGROW_DONE;
}

static regrow_next fetch_add(regrow_context *context, void *user, const regrow_term *state, regrow_term *next,
                             regrow_term *reply)
{
  (void)context;
  *reply = regrow_term_clone(state);
  *next = regrow_int(sum(state, user));
  return REGROW_DONE;
}

static regrow_next crash(regrow_context *context, void *user, const regrow_term *state, regrow_term *next,
                         regrow_term *reply)
{
  (void)state, (void)next, (void)reply;
  return regrow_stop_self(context, reason_of_word(user));
}

static void keep(void *user)
{
  (void)user;
}

/* ---- results ---- */

static void add_value(struct text *result, regrow_error error, regrow_term *value)
{
  if (error) {
    add_failure(result, error);
    return;
  }
  text_add_term(result, value);
  regrow_term_free(value);
}

static void *word_for_agent(const struct arguments *arguments)
{
  return (void *)argument(arguments, 1);
}

/* ---- operations ---- */

void op_agent_start(const struct arguments *arguments, struct text *result)
{
  regrow_term initial = regrow_int(number(argument(arguments, 1)));
  regrow_agent_spec agent = {.size = sizeof agent, .initial = &initial};
  regrow_child_spec child = {
      .size = sizeof child, .id = argument(arguments, 0), .kind = REGROW_AGENT, .spec = &agent};
  regrow_pid pid;
  regrow_error error = regrow_start(arguments->runtime, &child, &pid);
  if (error) {
    add_start_failure(result, error);
  } else {
    struct attempt *attempt = attempt_begin(argument(arguments, 0), NULL, NULL, pid);
    recorder_watch(pid);
    attempt_came_up(attempt);
    text_add(result, "ok %s", attempt->label);
  }
  regrow_term_free(&initial);
}

void op_agent_get(const struct arguments *arguments, struct text *result)
{
  struct target target;
  regrow_term value;
  if (find_target(arguments, 0, &target, result))
    add_value(result, regrow_agent_get(target.pid, NULL, NULL, REGROW_INFINITY, &value), &value);
}

void op_agent_add(const struct arguments *arguments, struct text *result)
{
  struct target target;
  if (find_target(arguments, 0, &target, result))
    add_ok(result, regrow_agent_update(target.pid, add, word_for_agent(arguments), REGROW_INFINITY));
}

void op_agent_cast_add(const struct arguments *arguments, struct text *result)
{
  struct target target;
  if (!find_target(arguments, 0, &target, result))
    return;
  regrow_agent_cast(target.pid, add, word_for_agent(arguments), keep);
  text_add(result, "ok"); /* also to the dead */
}

void op_agent_fetch_add(const struct arguments *arguments, struct text *result)
{
  struct target target;
  regrow_term value;
  if (find_target(arguments, 0, &target, result))
    add_value(result,
              regrow_agent_get_and_update(target.pid, fetch_add, word_for_agent(arguments), REGROW_INFINITY, &value),
              &value);
}

void op_agent_crash(const struct arguments *arguments, struct text *result)
{
  struct target target;
  if (find_target(arguments, 0, &target, result))
    add_ok(result, regrow_agent_update(target.pid, crash, word_for_agent(arguments), REGROW_INFINITY));
}

void op_agent_stop(const struct arguments *arguments, struct text *result)
{
  struct target target;
  if (find_target(arguments, 0, &target, result))
    add_ok(result, regrow_stop(target.pid, reason_of_word(argument(arguments, 1)), REGROW_INFINITY));
}
