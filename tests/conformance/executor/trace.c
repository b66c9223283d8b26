#include "trace.h"

#include "places.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An event (`init LABEL ...`, `term LABEL ...`) or a message (`LABEL ...`) of the step under way. */
struct record {
  struct attempt *attempt;
  char *text;
};

struct records {
  struct record *items;
  size_t count, room;
};

struct lines {
  char **items;
  size_t count;
};

static struct records events, messages; /* under the lock of attempts.h */
static unsigned step;                   /* likewise */

/* ---- recording ---- */

static void records_add(struct records *records, struct attempt *attempt, const char *text)
{
  if (records->count == records->room) {
    records->room = 2 * records->room + 16;
    records->items = grow_memory(records->items, records->room * sizeof *records->items);
  }
  records->items[records->count++] = (struct record){.attempt = attempt, .text = new_copy(text, strlen(text))};
}

static void records_clear(struct records *records)
{
  for (size_t i = 0; i < records->count; i++)
    free(records->items[i].text);
  records->count = 0;
}

static void record(struct records *records, struct attempt *attempt, const char *kind, const char *rest)
{
  struct text text = {0};
  text_add(&text, "%s%s %s", kind, attempt->label, rest);
  records_add(records, attempt, text_get(&text));
  text_free(&text);
}

void trace_init(struct attempt *attempt, const char *behaviour)
{
  attempts_lock();
  attempt->behaviour = new_copy(behaviour, strlen(behaviour));
  record(&events, attempt, "init ", behaviour);
  attempts_unlock();
}

void trace_term(struct attempt *attempt, const char *reason)
{
  attempts_lock();
  record(&events, attempt, "term ", reason);
  attempts_unlock();
}

void trace_message(struct attempt *attempt, const char *message)
{
  attempts_lock();
  record(&messages, attempt, "", message);
  attempts_unlock();
}

/* ---- lines, sorted by bytes ---- */

static void lines_add(struct lines *lines, const char *text)
{
  lines->items = grow_memory(lines->items, (lines->count + 1) * sizeof *lines->items);
  lines->items[lines->count++] = new_copy(text, strlen(text));
}

static int by_bytes(const void *left, const void *right)
{
  return strcmp(*(char *const *)left, *(char *const *)right);
}

static void lines_sort(struct lines *lines)
{
  if (lines->count)
    qsort(lines->items, lines->count, sizeof *lines->items, by_bytes);
}

static void lines_write(struct lines *lines, const char *kind)
{
  for (size_t i = 0; i < lines->count; i++) {
    printf("%s %s\n", kind, lines->items[i]);
    free(lines->items[i]);
  }
  free(lines->items);
  *lines = (struct lines){0};
}

/* ---- the parts of a step ---- */

/* Its children stop all at once. */
static bool is_dynamic(const struct attempt *supervisor)
{
  return supervisor->place && (supervisor->place->is_dynamic || supervisor->place->is_simple);
}

/* A process above this one ended in this step in a way that leaves open in which order its descendants end. */
static bool is_concurrent(const struct attempt *attempt)
{
  for (const struct attempt *above = attempt->starter; above; above = above->starter)
    if (above->ended_step == step && (is_dynamic(above) || !strcmp(above->reason, "killed")))
      return true;
  return false;
}

static void write_ordered_events(void)
{
  for (size_t i = 0; i < events.count; i++)
    if (!is_concurrent(events.items[i].attempt))
      printf("ev %s\n", events.items[i].text);
}

static bool is_term_of_killed(const char *event)
{
  size_t length = strlen(event);
  return !strncmp(event, "term ", 5) && length > 7 && !strcmp(event + length - 7, " killed");
}

/* The concurrent events below one supervisor. */
static void write_group(const char *supervisor)
{
  struct lines group = {0};
  bool is_unordered = false;
  for (size_t i = 0; i < events.count; i++) {
    const struct record *event = &events.items[i];
    if (is_concurrent(event->attempt) && !strcmp(event->attempt->starter->label, supervisor)) {
      lines_add(&group, event->text);
      is_unordered = is_unordered || is_dynamic(event->attempt->starter) || is_term_of_killed(event->text);
    }
  }
  if (is_unordered)
    lines_sort(&group);
  struct text kind = {0};
  text_add(&kind, "par %s", supervisor);
  lines_write(&group, text_get(&kind));
  text_free(&kind);
}

static void write_concurrent_events(void)
{
  struct lines supervisors = {0};
  for (size_t i = 0; i < events.count; i++)
    if (is_concurrent(events.items[i].attempt))
      lines_add(&supervisors, events.items[i].attempt->starter->label);
  lines_sort(&supervisors);
  for (size_t i = 0; i < supervisors.count; i++)
    if (i == 0 || strcmp(supervisors.items[i], supervisors.items[i - 1]) != 0)
      write_group(supervisors.items[i]);
  for (size_t i = 0; i < supervisors.count; i++)
    free(supervisors.items[i]);
  free(supervisors.items);
}

/* An init that ended in ignore or fail was no process yet. */
static bool has_down_line(const struct attempt *attempt)
{
  const char *behaviour = attempt->behaviour ? attempt->behaviour : "ok";
  return attempt->ended_step == step && strcmp(behaviour, "ignore") != 0 && strncmp(behaviour, "fail:", 5) != 0;
}

static void write_downs(void)
{
  struct lines downs = {0};
  for (const struct attempt *attempt = attempts_newest(); attempt; attempt = attempt->next)
    if (has_down_line(attempt)) {
      struct text text = {0};
      text_add(&text, "%s %s", attempt->label, attempt->reason);
      lines_add(&downs, text_get(&text));
      text_free(&text);
    }
  lines_sort(&downs);
  lines_write(&downs, "down");
}

static void write_messages(void)
{
  struct lines lines = {0};
  for (size_t i = 0; i < messages.count; i++)
    if (messages.items[i].attempt->ended_step != step)
      lines_add(&lines, messages.items[i].text);
  lines_sort(&lines);
  lines_write(&lines, "msg");
}

static bool is_refusal(const char *result)
{
  return !strcmp(result, "error bad_spec") || !strncmp(result, "error duplicate_id ", 19);
}

/* ---- writing ---- */

void trace_scenario(const char *name)
{
  printf("scenario %s\n", name);
}

void trace_step(const char *line)
{
  attempts_lock();
  printf("step %u %s\n", ++step, line);
  attempts_unlock();
}

unsigned trace_step_number(void)
{
  attempts_lock();
  unsigned number = step;
  attempts_unlock();
  return number;
}

void trace_result(const char *result)
{
  bool is_refused = is_refusal(result);
  attempts_lock();
  if (!is_refused) {
    write_ordered_events();
    write_concurrent_events();
  }
  printf("res%s%s\n", *result ? " " : "", result);
  if (!is_refused) {
    write_downs();
    write_messages();
  }
  records_clear(&events);
  records_clear(&messages);
  attempts_unlock();
}

void trace_final(void)
{
  struct lines labels = {0};
  attempts_lock();
  for (const struct attempt *attempt = attempts_newest(); attempt; attempt = attempt->next)
    if (attempt->came_up && !attempt->ended_step)
      lines_add(&labels, attempt->label);
  attempts_unlock();
  lines_sort(&labels);
  printf("final");
  for (size_t i = 0; i < labels.count; i++) {
    printf(" %s", labels.items[i]);
    free(labels.items[i]);
  }
  printf("\n");
  free(labels.items);
}

void trace_free(void)
{
  records_clear(&events);
  records_clear(&messages);
  free(events.items);
  free(messages.items);
}
