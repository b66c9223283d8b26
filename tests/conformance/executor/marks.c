#include "marks.h"

#include "text.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct mark {
  char *name;
  regrow_ref ref;
  struct mark *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct mark *newest; /* first, so that it hides older ones of its name */

void mark_set(const char *name, regrow_ref ref)
{
  struct mark *mark = new_memory(sizeof *mark);
  mark->name = new_copy(name, strlen(name));
  mark->ref = ref;
  pthread_mutex_lock(&lock);
  mark->next = newest;
  newest = mark;
  pthread_mutex_unlock(&lock);
}

bool mark_find(const char *name, regrow_ref *ref)
{
  pthread_mutex_lock(&lock);
  const struct mark *mark = newest;
  while (mark && strcmp(mark->name, name) != 0)
    mark = mark->next;
  if (mark)
    *ref = mark->ref;
  pthread_mutex_unlock(&lock);
  return mark != NULL;
}

const char *mark_of_ref(regrow_ref ref)
{
  pthread_mutex_lock(&lock);
  const struct mark *mark = newest;
  while (mark && mark->ref.id != ref.id)
    mark = mark->next;
  pthread_mutex_unlock(&lock);
  return mark ? mark->name : "?";
}

void marks_free(void)
{
  while (newest) {
    struct mark *next = newest->next;
    free(newest->name);
    free(newest);
    newest = next;
  }
}
