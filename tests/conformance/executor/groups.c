/* groups.c - operations on groups, all of one pubsub. */
#include "operation.h"
#include "words.h"

#include <stdlib.h>
#include <string.h>

static regrow_pid pubsub; /* started when the first step needs it, and never by two at once */

static regrow_pid the_pubsub(const struct arguments *arguments)
{
  regrow_pubsub_spec spec = {.size = sizeof spec};
  regrow_child_spec child = {.size = sizeof child, .kind = REGROW_PUBSUB, .spec = &spec};
  if (!pubsub.id && regrow_start(arguments->runtime, &child, &pubsub))
    give_up("a pubsub does not start");
  return pubsub;
}

void op_join(const struct arguments *arguments, struct text *result)
{
  regrow_pid self = {0};
  regrow_term group = term_of_word(argument(arguments, 0));
  regrow_self(&self);
  add_ok(result, regrow_group_join(the_pubsub(arguments), &group, self));
  regrow_term_free(&group);
}

void op_leave(const struct arguments *arguments, struct text *result)
{
  regrow_pid self = {0};
  regrow_term group = term_of_word(argument(arguments, 0));
  regrow_self(&self);
  regrow_error error = regrow_group_leave(the_pubsub(arguments), &group, self);
  if (error == REGROW_ERR_NOT_FOUND)
    text_add(result, "not_joined");
  else
    add_ok(result, error);
  regrow_term_free(&group);
}

static int by_bytes(const void *left, const void *right)
{
  return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static void add_labels(struct text *result, const regrow_term *pids)
{
  size_t length = 0;
  regrow_list_length(pids, &length);
  const char **labels = new_memory((length + 1) * sizeof *labels);
  const regrow_term *rest = pids;
  for (size_t i = 0; i < length; i++, rest = regrow_list_tail(rest)) {
    regrow_pid pid = {0};
    regrow_as_pid(regrow_list_head(rest), &pid);
    labels[i] = label_of(pid);
  }
  qsort(labels, length, sizeof *labels, by_bytes);
  for (size_t i = 0; i < length; i++)
    text_add(result, " %s", labels[i]);
  free(labels);
}

void op_members(const struct arguments *arguments, struct text *result)
{
  regrow_term group = term_of_word(argument(arguments, 0)), pids;
  regrow_error error = regrow_group_members(the_pubsub(arguments), &group, &pids);
  if (error) {
    add_failure(result, error);
  } else {
    text_add(result, "members");
    add_labels(result, &pids);
    regrow_term_free(&pids);
  }
  regrow_term_free(&group);
}

void op_publish(const struct arguments *arguments, struct text *result)
{
  regrow_term group = term_of_word(argument(arguments, 0));
  size_t count;
  regrow_error error =
      regrow_group_send(the_pubsub(arguments), &group, term_of_word(argument(arguments, 1)), &count);
  if (error)
    add_failure(result, error);
  else
    text_add(result, "%zu", count);
  regrow_term_free(&group);
}
