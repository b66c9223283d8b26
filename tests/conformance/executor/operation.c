#include "operation.h"

#include "do.h"
#include "words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct operation {
  const char *name;
  int who;
  operation_callback carry_out;
};

static const struct operation operations[] = {
    {"do", BY_MAIN, op_do},
    {"sleep", BY_MAIN, op_sleep},
    {"spawn", BY_MAIN, op_spawn},
    {"alive", BY_MAIN, op_alive},
    {"whereis", BY_MAIN, op_whereis},
    {"stop", BY_MAIN, op_stop},
    {"cast", BY_MAIN, op_cast},
    {"call", BY_MAIN | BY_PROCESS, op_call},
    {"send", BY_MAIN | BY_PROCESS, op_send},
    {"exit", BY_MAIN | BY_PROCESS, op_exit},
    {"register", BY_MAIN | BY_PROCESS, op_register},
    {"unregister", BY_MAIN | BY_PROCESS, op_unregister},
    {"link", BY_PROCESS, op_link},
    {"unlink", BY_PROCESS, op_unlink},
    {"monitor", BY_PROCESS, op_monitor},
    {"demonitor", BY_PROCESS, op_demonitor},
    {"trap", BY_PROCESS, op_trap},
    {"timer", BY_PROCESS, op_timer},
    {"cancel", BY_PROCESS, op_cancel},
    {"read_timer", BY_PROCESS, op_read_timer},

    {"start", BY_MAIN, op_start},
    {"start_child", BY_MAIN, op_start_child},
    {"terminate_child", BY_MAIN, op_terminate_child},
    {"restart_child", BY_MAIN, op_restart_child},
    {"delete_child", BY_MAIN, op_delete_child},
    {"which_children", BY_MAIN, op_which_children},
    {"count_children", BY_MAIN, op_count_children},
    {"get_childspec", BY_MAIN, op_get_childspec},

    {"reg_start", BY_MAIN, op_reg_start},
    {"reg_register", BY_PROCESS, op_reg_register},
    {"reg_unregister", BY_PROCESS, op_reg_unregister},
    {"reg_unregister_match", BY_PROCESS, op_reg_unregister_match},
    {"reg_update", BY_PROCESS, op_reg_update},
    {"reg_lookup", BY_MAIN, op_reg_lookup},
    {"reg_whereis", BY_MAIN, op_reg_whereis},
    {"reg_keys", BY_MAIN, op_reg_keys},
    {"reg_count", BY_MAIN, op_reg_count},
    {"reg_dispatch", BY_MAIN, op_reg_dispatch},
    {"reg_call", BY_MAIN, op_reg_call},

    {"ets_new", BY_PROCESS, op_ets_new},
    {"ets_drop", BY_MAIN | BY_PROCESS, op_ets_drop},
    {"ets_give", BY_MAIN | BY_PROCESS, op_ets_give},
    {"ets_setopts", BY_MAIN | BY_PROCESS, op_ets_setopts},
    {"ets_size", BY_MAIN | BY_PROCESS, op_ets_size},
    {"ets_owner", BY_MAIN | BY_PROCESS, op_ets_owner},
    {"ets_insert", BY_MAIN | BY_PROCESS, op_ets_insert},
    {"ets_insert_new", BY_MAIN | BY_PROCESS, op_ets_insert_new},
    {"ets_delete", BY_MAIN | BY_PROCESS, op_ets_delete},
    {"ets_delete_object", BY_MAIN | BY_PROCESS, op_ets_delete_object},
    {"ets_clear", BY_MAIN | BY_PROCESS, op_ets_clear},
    {"ets_member", BY_MAIN | BY_PROCESS, op_ets_member},
    {"ets_update", BY_MAIN | BY_PROCESS, op_ets_update},
    {"ets_lookup", BY_MAIN | BY_PROCESS, op_ets_lookup},
    {"ets_take", BY_MAIN | BY_PROCESS, op_ets_take},
    {"ets_lookup_element", BY_MAIN | BY_PROCESS, op_ets_lookup_element},
    {"ets_list", BY_MAIN | BY_PROCESS, op_ets_list},
    {"ets_counter", BY_MAIN | BY_PROCESS, op_ets_counter},
    {"ets_first", BY_MAIN | BY_PROCESS, op_ets_first},
    {"ets_last", BY_MAIN | BY_PROCESS, op_ets_last},
    {"ets_next", BY_MAIN | BY_PROCESS, op_ets_next},
    {"ets_prev", BY_MAIN | BY_PROCESS, op_ets_prev},

    {"agent_start", BY_MAIN, op_agent_start},
    {"agent_get", BY_MAIN, op_agent_get},
    {"agent_add", BY_MAIN, op_agent_add},
    {"agent_cast_add", BY_MAIN, op_agent_cast_add},
    {"agent_fetch_add", BY_MAIN, op_agent_fetch_add},
    {"agent_crash", BY_MAIN, op_agent_crash},
    {"agent_stop", BY_MAIN, op_agent_stop},

    {"join", BY_PROCESS, op_join},
    {"leave", BY_PROCESS, op_leave},
    {"members", BY_MAIN, op_members},
    {"publish", BY_MAIN, op_publish},

    {"task_await", BY_PROCESS, op_task_await},
    {"task_yield", BY_PROCESS, op_task_yield},
    {"task_shutdown", BY_PROCESS, op_task_shutdown},
    {"task_kill", BY_PROCESS, op_task_kill},
    {"task_nolink", BY_PROCESS, op_task_nolink},
};

enum { OPERATION_COUNT = sizeof operations / sizeof operations[0] };

void operations_print(void)
{
  for (size_t i = 0; i < OPERATION_COUNT; i++)
    puts(operations[i].name);
}

operation_callback operation_named(const char *name, int who)
{
  for (size_t i = 0; i < OPERATION_COUNT; i++)
    if ((operations[i].who & who) && !strcmp(operations[i].name, name))
      return operations[i].carry_out;
  return NULL;
}

const char *argument(const struct arguments *arguments, size_t index)
{
  return line_word(arguments->line, arguments->first + index);
}

uint32_t argument_ms(const struct arguments *arguments, size_t index, uint32_t default_ms)
{
  const char *word = argument(arguments, index);
  return *word ? (uint32_t)strtoul(word, NULL, 10) : default_ms;
}

bool find_target(const struct arguments *arguments, size_t index, struct target *target, struct text *result)
{
  const char *word = argument(arguments, index);
  *target = (struct target){0};
  if (*word == '@') {
    target->address = (regrow_address){
        .size = sizeof target->address, .runtime = arguments->runtime, .name = word + 1};
    return true;
  }
  if (pid_of_main(word, &target->pid))
    return true;
  target->attempt = attempt_named(word);
  if (!target->attempt) {
    text_add(result, "error noproc");
    return false;
  }
  target->pid = target->attempt->pid;
  return true;
}

/* ---- failures ---- */

/* The pair with that tag somewhere in a reason, as {start_spec, {duplicate_child_name, Id}}; NULL: there is none. */
static const regrow_term *tagged(const regrow_term *reason, const char *tag)
{
  if (regrow_is_atom(element(reason, 0), tag))
    return reason;
  size_t size = 0;
  const regrow_term *found = NULL;
  regrow_tuple_size(reason, &size);
  for (size_t i = 0; i < size && !found; i++)
    found = tagged(element(reason, i), tag);
  return found;
}

/* {already_started, Pid} is `already_started LABEL`, {already_registered, Pid} likewise. */
static void add_reason(struct text *result, const regrow_term *reason)
{
  size_t size;
  if (regrow_tuple_size(reason, &size) && size == 2 && regrow_is_pid(element(reason, 1))) {
    text_add_term(result, element(reason, 0));
    text_add(result, " ");
    text_add_term(result, element(reason, 1));
  } else {
    text_add_term(result, reason);
  }
}

static void add_last_reason(struct text *result, regrow_error error)
{
  regrow_term reason;
  if (regrow_last_reason(&reason)) {
    text_add(result, "%s", regrow_error_name(error));
    return;
  }
  add_reason(result, &reason);
  regrow_term_free(&reason);
}

void add_failure(struct text *result, regrow_error error)
{
  text_add(result, "error ");
  switch (error) {
  case REGROW_ERR_NO_PROCESS:
    text_add(result, "noproc");
    break;
  case REGROW_ERR_TIMEOUT:
    text_add(result, "timeout");
    break;
  case REGROW_ERR_NOT_FOUND:
    text_add(result, "not_found");
    break;
  case REGROW_ERR_RUNNING:
    text_add(result, "running");
    break;
  case REGROW_ERR_RESTARTING:
    text_add(result, "restarting");
    break;
  case REGROW_ERR_SELF_CALL:
    text_add(result, "calling_self");
    break;
  case REGROW_ERR_EXITED:
  case REGROW_ERR_LIMIT:      /* max_children */
  case REGROW_ERR_WRONG_KIND: /* simple_one_for_one */
  case REGROW_ERR_START:
  case REGROW_ERR_EXISTS:
    add_last_reason(result, error);
    break;
  default: /* no trace has these */
    text_add(result, "%s", regrow_error_name(error));
  }
}

/* A specification that was refused: its duplicate id, or two values that do not go together. */
static bool add_refusal(struct text *result)
{
  regrow_term reason;
  if (regrow_last_reason(&reason))
    return false;
  const regrow_term *duplicate = tagged(&reason, "duplicate_child_name");
  bool is_refusal = duplicate || tagged(&reason, "bad_combination");
  if (duplicate) {
    text_add(result, "error duplicate_id ");
    text_add_term(result, element(duplicate, 1));
  } else if (is_refusal) {
    text_add(result, "error bad_spec");
  }
  regrow_term_free(&reason);
  return is_refusal;
}

void add_start_failure(struct text *result, regrow_error error)
{
  if (error == REGROW_ERR_IGNORED) {
    text_add(result, "ignore");
    return;
  }
  bool may_be_refusal = error == REGROW_ERR_ARGUMENT || error == REGROW_ERR_START || error == REGROW_ERR_EXISTS;
  if (may_be_refusal && add_refusal(result))
    return;
  if (error == REGROW_ERR_ARGUMENT)
    text_add(result, "error bad_spec");
  else
    add_failure(result, error);
}

void add_ok(struct text *result, regrow_error error)
{
  if (error)
    add_failure(result, error);
  else
    text_add(result, "ok");
}

void add_reply(struct text *result, regrow_error error, regrow_term *reply)
{
  if (error) {
    add_failure(result, error);
    return;
  }
  text_add(result, "reply ");
  text_add_term(result, reply);
  regrow_term_free(reply);
}
