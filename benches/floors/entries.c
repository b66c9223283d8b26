/* regrow-floors [rows=R] CASE:N...: a line of JSON each. What regrow-bench does with names, tables, timers and agents in
 * several phases, one phase at a time, so that it can be counted by itself (floors.py): N operations among R entries, or,
 * of timers, up to R. What is not timed does not grow with N, but for timers, whose phases are functions of their own. */
#include "../c/harness.h"
#include <string.h>

static uint64_t rows = 100000;
static uint64_t began, spent;

static bool is_it(const char *word, const char *other)
{
  return strcmp(word, other) == 0;
}

static void begin(void)
{
  began = now_ns();
}

static void end(void)
{
  spent += now_ns() - began;
}

/* The next row, in the order of the benchmarks, in which neighbours lie far apart. */
static uint64_t next(uint64_t at)
{
  return (at + 7919) % rows;
}

/* ---- tables of rows {Integer, Binary, Integer} ---- */

static void put(regrow_table table, uint64_t key, uint64_t value)
{
  must(regrow_table_insert(table, table_row((int64_t)key, (int64_t)value)));
}

static void insert(regrow_table table, uint64_t n)
{
  for (uint64_t i = 0, at = 0; i < n; i++, at = next(at))
    put(table, at, i);
}

static void lookup(regrow_table table, uint64_t n)
{
  for (uint64_t i = 0, at = 0; i < n; i++, at = next(at)) {
    regrow_term key = regrow_int((int64_t)at), objects;
    must(regrow_table_lookup(table, &key, &objects));
    regrow_term_free(&objects);
  }
}

static void counter(regrow_table table, uint64_t n)
{
  regrow_term operation = regrow_tuple((regrow_term[]){ regrow_int(3), regrow_int(1) }, 2);
  for (uint64_t i = 0, at = 0; i < n; i++, at = next(at)) {
    regrow_term key = regrow_int((int64_t)at);
    must(regrow_table_update_counter(table, &key, regrow_term_clone(&operation), NULL, NULL));
  }
  regrow_term_free(&operation);
}

/* An operation is a row that is looked at; n is a multiple of the rows, since whole tables are. */
static void select_rows(regrow_table table, uint64_t n)
{
  regrow_term pair = regrow_tuple((regrow_term[]){ regrow_atom("$1"), regrow_atom("$3") }, 2), results;
  regrow_term spec = table_specification((int64_t)rows / 2, regrow_tuple(&pair, 1));
  for (uint64_t i = 0; i < n; i += rows) {
    must(regrow_table_select(table, &spec, &results));
    regrow_term_free(&results);
  }
  regrow_term_free(&spec);
}

static void count_rows(regrow_table table, uint64_t n)
{
  regrow_term spec = table_specification((int64_t)rows / 2, regrow_bool(true));
  size_t count;
  for (uint64_t i = 0; i < n; i += rows)
    must(regrow_table_select_count(table, &spec, &count));
  regrow_term_free(&spec);
}

static const struct { const char *name; void (*run)(regrow_table table, uint64_t n); } of_tables[] = {
  { "lookup", lookup }, { "insert", insert }, { "counter", counter }, { "select", select_rows }, { "count", count_rows },
};

static void on_table(uint32_t kind, const char *operation, uint64_t n)
{
  regrow_table_spec spec = { .size = sizeof spec, .kind = kind, .access = REGROW_PUBLIC };
  regrow_table table;
  must(regrow_table_new(&spec, &table));
  for (uint64_t i = 0; i < rows; i++)
    put(table, i, i);
  for (size_t i = 0; i < sizeof of_tables / sizeof *of_tables; i++)
    if (is_it(operation, of_tables[i].name)) {
      begin();
      of_tables[i].run(table, n);
      end();
    }
  must(regrow_table_delete(table));
}

/* ---- names ---- */

static void on_names(const char *operation, uint64_t n)
{
  bool integers = is_it(operation, "integer"), again = is_it(operation, "again");
  expect(integers || again || is_it(operation, "text"));
  regrow_registry_spec spec = { .size = sizeof spec, .keys = REGROW_UNIQUE };
  regrow_child_spec child = { .size = sizeof child, .kind = REGROW_REGISTRY, .spec = &spec };
  regrow_pid registry, pid;
  must(regrow_start(root, &child, &registry));
  regrow_term *keys = malloc(rows * sizeof *keys);
  expect(keys);
  for (uint64_t i = 0; i < rows; i++) {
    char text[32];
    snprintf(text, sizeof text, "actor-%06lu", i);
    keys[i] = integers ? regrow_int((int64_t)i) : regrow_text(text);
    must(regrow_registry_register(registry, regrow_term_clone(&keys[i]), main_pid, regrow_int((int64_t)i)));
  }
  begin();
  if (again)
    for (uint64_t i = 0; i < n; i++) {
      const regrow_term *key = &keys[i % rows];
      must(regrow_registry_unregister(registry, key, main_pid));
      must(regrow_registry_register(registry, regrow_term_clone(key), main_pid, regrow_int((int64_t)i)));
    }
  else
    for (uint64_t i = 0, at = 0; i < n; i++, at = next(at))
      must(regrow_registry_whereis(registry, &keys[at], &pid));
  end();
  end_all(&registry, 1);
  for (uint64_t i = 0; i < rows; i++)
    regrow_term_free(&keys[i]);
  free(keys);
}

/* ---- timers: so many are pending at once, time and again ---- */

/* Not inlined: floors.py has each counted alone. */
__attribute__((noinline)) static void start_timers(regrow_ref *refs, uint64_t count)
{
  static uint64_t seed = 12345;
  for (uint64_t i = 0; i < count; i++)
    must(regrow_send_after(main_pid, (uint32_t)(3600000 + draw(&seed) % 2000), regrow_int((int64_t)i), &refs[i]));
}

__attribute__((noinline)) static void cancel_timers(const regrow_ref *refs, uint64_t count)
{
  for (uint64_t i = 0; i < count; i++)
    must(regrow_cancel_timer(root, refs[i], 0, NULL));
}

static void on_timers(const char *operation, uint64_t n)
{
  regrow_ref *refs = malloc(rows * sizeof *refs);
  expect(refs);
  bool starts = is_it(operation, "start");
  expect(starts || is_it(operation, "cancel"));
  for (uint64_t left = n; left > 0;) {
    uint64_t many = left < rows ? left : rows;
    begin();
    start_timers(refs, many);
    if (starts)
      end();
    begin();
    cancel_timers(refs, many);
    if (!starts)
      end();
    left -= many;
  }
  free(refs);
}

/* ---- agents ---- */

struct calls { const char *operation; uint64_t n; regrow_pid agent; };

static void call_agent(void *data)
{
  struct calls *calls = data;
  regrow_term value;
  bool gets = is_it(calls->operation, "get");
  expect(gets || is_it(calls->operation, "update"));
  begin();
  if (gets)
    for (uint64_t i = 0; i < calls->n; i++)
      must(regrow_agent_get(calls->agent, read_number, NULL, REGROW_INFINITY, &value));
  else
    for (uint64_t i = 0; i < calls->n; i++)
      must(regrow_agent_update(calls->agent, count_up, NULL, REGROW_INFINITY));
  end();
}

static void on_agent(const char *operation, uint64_t n)
{
  regrow_term zero = regrow_int(0);
  regrow_agent_spec spec = { .size = sizeof spec, .initial = &zero };
  regrow_child_spec child = { .size = sizeof child, .kind = REGROW_AGENT, .spec = &spec };
  struct calls calls = { .operation = operation, .n = n };
  must(regrow_start(root, &child, &calls.agent));
  in_process(call_agent, &calls);
  end_all(&calls.agent, 1);
}

int main(int count, char **words)
{
  regrow_options options = { .size = sizeof options, .log_level = REGROW_LOG_SILENT, .workers = 1 };
  must(regrow_init(&options, &root));
  must(regrow_enter(root, &main_pid));
  for (int i = 1; i < count; i++) {
    char name[64], *operation, *size = strchr(words[i], ':');
    if (sscanf(words[i], "rows=%lu", &rows) == 1)
      continue;
    expect(size && (size_t)(size - words[i]) < sizeof name);
    uint64_t n = strtoull(size + 1, NULL, 10);
    *size = '\0';
    strcpy(name, words[i]);
    operation = strchr(words[i], '_');
    expect(operation && n > 0);
    *operation++ = '\0';
    spent = 0;
    if (is_it(words[i], "set"))
      on_table(REGROW_SET, operation, n);
    else if (is_it(words[i], "ordered"))
      on_table(REGROW_ORDERED_SET, operation, n);
    else if (is_it(words[i], "names"))
      on_names(operation, n);
    else if (is_it(words[i], "timers"))
      on_timers(operation, n);
    else if (is_it(words[i], "agent"))
      on_agent(operation, n);
    expect(spent > 0);
    emit(name, n, spent, n, NULL);
  }
  must(regrow_leave());
  must(regrow_shutdown(root, 30000, NULL));
  return 0;
}
