/* queue.c - see queue.h. Included by the extension module. */
#include "queue.h"

#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct item {
  rp_event event;
  struct item *next;
};

struct rp_queue {
  pthread_mutex_t lock;
  pthread_cond_t filled;
  struct item *first, *last;
  size_t references; /* Python's own, and one for each request on the way */
  bool is_closed;
  int fd;
};

rp_queue *rp_queue_new(void)
{
  rp_queue *queue = calloc(1, sizeof *queue);
  if (!queue)
    return NULL;
  queue->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (queue->fd < 0) {
    free(queue);
    return NULL;
  }
  pthread_mutex_init(&queue->lock, NULL);
  pthread_cond_init(&queue->filled, NULL);
  queue->references = 1;
  return queue;
}

int rp_queue_fd(const rp_queue *queue)
{
  return queue->fd;
}

static void event_free(rp_event *event)
{
  /* Cells in what is packed are left: nobody takes an event after the end but the one that closed the loop. */
  if (event->value.kind == RP_PACKED)
    rp_free(event->value.text);
  if (event->reason.kind == RP_PACKED)
    rp_free(event->reason.text);
  free(event->text);
}

static void release(rp_queue *queue)
{
  pthread_mutex_lock(&queue->lock);
  bool is_last = --queue->references == 0;
  pthread_mutex_unlock(&queue->lock);
  if (!is_last)
    return;
  while (queue->first) {
    struct item *item = queue->first;
    queue->first = item->next;
    event_free(&item->event);
    free(item);
  }
  close(queue->fd);
  pthread_cond_destroy(&queue->filled);
  pthread_mutex_destroy(&queue->lock);
  free(queue);
}

static void put(rp_queue *queue, rp_event event)
{
  struct item *item = calloc(1, sizeof *item);
  if (!item) {
    event_free(&event);
    return;
  }
  item->event = event;
  pthread_mutex_lock(&queue->lock);
  bool was_empty = !queue->first, is_closed = queue->is_closed;
  if (!is_closed) {
    if (was_empty)
      queue->first = item;
    else
      queue->last->next = item;
    queue->last = item;
    pthread_cond_signal(&queue->filled);
  }
  pthread_mutex_unlock(&queue->lock);
  if (is_closed) {
    event_free(&event);
    free(item);
  } else if (was_empty) {
    eventfd_write(queue->fd, 1);
  }
}

/* With the lock held. */
static rp_event take_first(rp_queue *queue)
{
  struct item *item = queue->first;
  if (!item)
    return (rp_event){ .kind = RP_EMPTY };
  rp_event event = item->event;
  queue->first = item->next;
  if (!queue->first) {
    eventfd_t count;
    eventfd_read(queue->fd, &count);
  }
  free(item);
  return event;
}

rp_event rp_queue_take(rp_queue *queue)
{
  pthread_mutex_lock(&queue->lock);
  rp_event event = take_first(queue);
  pthread_mutex_unlock(&queue->lock);
  return event;
}

rp_event rp_queue_wait(rp_queue *queue)
{
  pthread_mutex_lock(&queue->lock);
  while (!queue->first && !queue->is_closed)
    pthread_cond_wait(&queue->filled, &queue->lock);
  rp_event event = take_first(queue);
  if (event.kind == RP_EMPTY)
    event.kind = RP_CLOSED;
  pthread_mutex_unlock(&queue->lock);
  return event;
}

void rp_queue_close(rp_queue *queue)
{
  pthread_mutex_lock(&queue->lock);
  queue->is_closed = true;
  pthread_cond_broadcast(&queue->filled);
  pthread_mutex_unlock(&queue->lock);
}

void rp_queue_free(rp_queue *queue)
{
  rp_queue_close(queue);
  release(queue);
}

/* ---- outcomes of requests ---- */

struct outcome {
  rp_queue *queue;
  uint64_t user;
  bool is_known;
};

static void outcome_known(void *user, regrow_error error, const regrow_term *result)
{
  struct outcome *outcome = user;
  outcome->is_known = true;
  rp_event event = { .kind = RP_OUTCOME, .user = outcome->user, .value = rp_read(result) };
  if (error)
    event.value.error = (int32_t)error;
  put(outcome->queue, event);
}

static void outcome_drop(void *user)
{
  struct outcome *outcome = user;
  /* Who awaits it must not do so for ever. */
  if (!outcome->is_known)
    put(outcome->queue, (rp_event){ .kind = RP_OUTCOME,
                                    .user = outcome->user,
                                    .value = { .kind = RP_NIL, .error = REGROW_ERR_NOT_ALIVE } });
  release(outcome->queue);
  free(outcome);
}

int32_t rp_on_reply(regrow_request *request, rp_queue *queue, uint64_t user)
{
  struct outcome *outcome = calloc(1, sizeof *outcome);
  if (!outcome) {
    regrow_request_free(request);
    return REGROW_ERR_LIMIT;
  }
  *outcome = (struct outcome){ .queue = queue, .user = user };
  pthread_mutex_lock(&queue->lock);
  queue->references++;
  pthread_mutex_unlock(&queue->lock);
  return (int32_t)regrow_on_reply(request, outcome_known, outcome, outcome_drop);
}

/* ---- the log, and what was not delivered ---- */

static void log_line(void *user, uint32_t level, const char *text, const regrow_term *report)
{
  put(user, (rp_event){ .kind = RP_LOG, .level = level, .text = strdup(text), .value = rp_read(report) });
}

static void not_delivered(void *user, regrow_pid pid, const regrow_term *message, const regrow_term *reason)
{
  put(user, (rp_event){ .kind = RP_UNDELIVERED, .user = pid.id, .value = rp_read(message), .reason = rp_read(reason) });
}

void rp_log_to(regrow_options *options, rp_queue *queue)
{
  options->log = log_line;
  options->log_user = queue;
}

void rp_undelivered_to(regrow_options *options, rp_queue *queue)
{
  options->undelivered = not_delivered;
  options->undelivered_user = queue;
}
