#include "attempts.h"

#include "text.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct attempt *newest;
static regrow_pid main_pid; /* set before the first attempt */

void attempts_lock(void)
{
  pthread_mutex_lock(&lock);
}

void attempts_unlock(void)
{
  pthread_mutex_unlock(&lock);
}

struct attempt *attempt_begin(const char *id, const struct place *place, struct attempt *starter, regrow_pid pid)
{
  struct attempt *attempt = new_memory(sizeof *attempt);
  attempt->id = new_copy(id, strlen(id));
  attempt->number = 1;
  attempt->place = place;
  attempt->starter = starter;
  attempt->pid = pid;
  attempts_lock();
  for (struct attempt *other = newest; other; other = other->next)
    if (!strcmp(other->id, id)) {
      attempt->number = other->number + 1;
      break;
    }
  struct text label = {0};
  text_add(&label, "%s#%u", id, attempt->number);
  attempt->label = label.bytes;
  attempt->next = newest;
  newest = attempt;
  attempts_unlock();
  return attempt;
}

void attempt_came_up(struct attempt *attempt)
{
  attempts_lock();
  attempt->came_up = true;
  attempts_unlock();
}

void attempt_ended(regrow_pid pid, unsigned step, const char *reason)
{
  struct attempt *attempt = attempt_with_pid(pid);
  if (!attempt)
    return;
  attempts_lock();
  if (!attempt->ended_step) {
    attempt->ended_step = step;
    attempt->reason = new_copy(reason, strlen(reason));
  }
  attempts_unlock();
}

bool attempt_is_over(struct attempt *attempt)
{
  return attempt_reason(attempt) != NULL;
}

const char *attempt_reason(struct attempt *attempt)
{
  attempts_lock();
  const char *reason = attempt->reason;
  attempts_unlock();
  return reason;
}

struct attempt *attempt_named(const char *id_or_label)
{
  bool is_label = strchr(id_or_label, '#') != NULL;
  attempts_lock();
  struct attempt *attempt = newest;
  while (attempt && (is_label ? strcmp(attempt->label, id_or_label) != 0
                              : strcmp(attempt->id, id_or_label) != 0 || !attempt->came_up))
    attempt = attempt->next;
  attempts_unlock();
  return attempt;
}

struct attempt *attempt_with_pid(regrow_pid pid)
{
  attempts_lock();
  struct attempt *attempt = newest;
  while (attempt && attempt->pid.id != pid.id)
    attempt = attempt->next;
  attempts_unlock();
  return attempt;
}

const char *label_of(regrow_pid pid)
{
  if (pid.id == main_pid.id)
    return "main";
  struct attempt *attempt = attempt_with_pid(pid);
  return attempt ? attempt->label : "?";
}

void attempts_set_main(regrow_pid pid)
{
  main_pid = pid;
}

bool pid_of_main(const char *word, regrow_pid *pid)
{
  if (strcmp(word, "main") != 0)
    return false;
  *pid = main_pid;
  return true;
}

struct attempt *attempts_newest(void)
{
  return newest;
}

void attempts_free(void)
{
  while (newest) {
    struct attempt *next = newest->next;
    free(newest->id);
    free(newest->label);
    free(newest->behaviour);
    free(newest->reason);
    free(newest);
    newest = next;
  }
}
