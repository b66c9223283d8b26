/* Tables of 100,000 rows {Integer, Binary, Integer}: insert over, lookup, update_counter by one and two threads; and
 * select over all rows. `get`: the object itself, without the list that lookup makes of it. */
#include "harness.h"

enum { ROWS = 100000 };
struct work { regrow_table table; uint64_t n; };

regrow_term table_row(int64_t key, int64_t value)
{
  return regrow_tuple((regrow_term[]){ regrow_int(key), regrow_text("value-0123456789"), regrow_int(value) }, 3);
}

static void insert(void *data, size_t index)
{
  struct work *work = data;
  size_t at = index * 31337 % ROWS;
  for (uint64_t i = 0; i < work->n; i++, at = (at + 7919) % ROWS)
    must(regrow_table_insert(work->table, table_row((int64_t)at, (int64_t)i)));
}

static void look_up(void *data, size_t index)
{
  struct work *work = data;
  size_t at = index * 31337 % ROWS;
  for (uint64_t i = 0; i < work->n; i++, at = (at + 7919) % ROWS) {
    regrow_term key = regrow_int((int64_t)at), objects;
    must(regrow_table_lookup(work->table, &key, &objects));
    expect(regrow_list_head(&objects));
    regrow_term_free(&objects);
  }
}

static void get(void *data, size_t index)
{
  struct work *work = data;
  size_t at = index * 31337 % ROWS;
  for (uint64_t i = 0; i < work->n; i++, at = (at + 7919) % ROWS) {
    regrow_term key = regrow_int((int64_t)at), object;
    must(regrow_table_get(work->table, &key, &object));
    regrow_term_free(&object);
  }
}

static void count(void *data, size_t index)
{
  struct work *work = data;
  size_t at = index * 31337 % ROWS;
  regrow_term operation = regrow_tuple((regrow_term[]){ regrow_int(3), regrow_int(1) }, 2);
  for (uint64_t i = 0; i < work->n; i++, at = (at + 7919) % ROWS) {
    regrow_term key = regrow_int((int64_t)at);
    must(regrow_table_update_counter(work->table, &key, regrow_term_clone(&operation), NULL, NULL));
  }
  regrow_term_free(&operation);
}

static regrow_table new_table(uint32_t kind)
{
  regrow_table_spec spec = { .size = sizeof spec, .kind = kind, .access = REGROW_PUBLIC };
  regrow_table table;
  must(regrow_table_new(&spec, &table));
  return table;
}

static void run(const char *name, uint32_t kind, uint64_t n)
{
  struct work work = { .table = new_table(kind), .n = n };
  uint64_t start = now_ns();
  for (int64_t i = ROWS; i > 0; i--)
    must(regrow_table_insert(work.table, table_row(i - 1, i)));
  uint64_t fill = now_ns() - start;
  uint64_t insert1 = parallel_threads(1, insert, &work), insert2 = parallel_threads(2, insert, &work);
  uint64_t lookup1 = parallel_threads(1, look_up, &work), lookup2 = parallel_threads(2, look_up, &work);
  uint64_t get1 = parallel_threads(1, get, &work), get2 = parallel_threads(2, get, &work);
  uint64_t count1 = parallel_threads(1, count, &work), count2 = parallel_threads(2, count, &work);
  must(regrow_table_delete(work.table));
  emit(name, n, lookup1, n, (struct extra[]){
    { "fill_per_sec", per_second(ROWS, fill) },
    { "insert1_per_sec", per_second(n, insert1) }, { "insert2_per_sec", per_second(2 * n, insert2) },
    { "lookup1_per_sec", per_second(n, lookup1) }, { "lookup2_per_sec", per_second(2 * n, lookup2) },
    { "get1_per_sec", per_second(n, get1) }, { "get2_per_sec", per_second(2 * n, get2) },
    { "counter1_per_sec", per_second(n, count1) }, { "counter2_per_sec", per_second(2 * n, count2) },
    { 0 } });
}

void table_set(const char *name, uint64_t n)
{
  run(name, REGROW_SET, n);
}

void table_ordered(const char *name, uint64_t n)
{
  run(name, REGROW_ORDERED_SET, n);
}

/* {'$1', '_', '$3'}, [{'>=', '$3', Limit}], [Result] */
regrow_term table_specification(int64_t limit, regrow_term result)
{
  regrow_term head = regrow_tuple((regrow_term[]){ regrow_atom("$1"), regrow_atom("_"), regrow_atom("$3") }, 3);
  regrow_term guard = regrow_tuple((regrow_term[]){ regrow_atom(">="), regrow_atom("$3"), regrow_int(limit) }, 3);
  regrow_term clause = regrow_tuple((regrow_term[]){ head, regrow_list(&guard, 1), regrow_list(&result, 1) }, 3);
  return regrow_list(&clause, 1);
}

static void select_from(const char *name, uint32_t kind, uint64_t n)
{
  enum { REPETITIONS = 10 };
  regrow_table table = new_table(kind);
  for (int64_t i = 1; i <= (int64_t)n; i++)
    must(regrow_table_insert(table, table_row(i, i)));
  regrow_term pair = regrow_tuple((regrow_term[]){ regrow_atom("$1"), regrow_atom("$3") }, 2);
  regrow_term spec = table_specification((int64_t)n / 2, regrow_tuple(&pair, 1));
  regrow_term counting = table_specification((int64_t)n / 2, regrow_bool(true));
  uint64_t start = now_ns();
  for (int i = 0; i < REPETITIONS; i++) {
    regrow_term results;
    size_t length;
    must(regrow_table_select(table, &spec, &results));
    expect(regrow_list_length(&results, &length) && length == n - n / 2 + 1);
    regrow_term_free(&results);
  }
  uint64_t selected = now_ns() - start;
  start = now_ns();
  for (int i = 0; i < REPETITIONS; i++) {
    size_t matching;
    must(regrow_table_select_count(table, &counting, &matching));
    expect(matching == n - n / 2 + 1);
  }
  uint64_t counted = now_ns() - start;
  must(regrow_table_delete(table));
  regrow_term_free(&spec);
  regrow_term_free(&counting);
  emit(name, n, selected, n * REPETITIONS, (struct extra[]){
    { "count_rows_per_sec", per_second(n * REPETITIONS, counted) }, { 0 } });
}

void table_select(const char *name, uint64_t n)
{
  select_from(name, REGROW_SET, n);
  select_from("table_select_ordered", REGROW_ORDERED_SET, n);
}
