/* Registries and tables of n entries, whose keys are integers that come in an order of their own. */
#include "growth.h"

static int64_t key_of(uint64_t i)
{
  return (int64_t)(i * 2654435761u % 4294967296u); /* each i below 2^32 another */
}

/* ---- a registry: the entries are those of a process that ends with it ---- */

static regrow_pid owner;

static regrow_pid new_registry(void)
{
  regrow_registry_spec spec = { .size = sizeof spec };
  regrow_pid *pids = start_idle(1);
  owner = *pids;
  free(pids);
  return start_kind(REGROW_REGISTRY, &spec);
}

static void end_registry(regrow_pid registry)
{
  must(regrow_stop(registry, regrow_atom("shutdown"), REGROW_INFINITY));
  must(regrow_exit(owner, regrow_atom("kill")));
}

static void enter(regrow_pid registry, uint64_t n)
{
  for (uint64_t i = 0; i < n; i++)
    must(regrow_registry_register(registry, regrow_int(key_of(i)), owner, regrow_nil()));
}

void registry_insert(uint64_t n)
{
  for (uint64_t round = rounds(n); round > 0; round--) {
    regrow_pid registry = new_registry();
    begin();
    enter(registry, n);
    end(n);
    end_registry(registry);
  }
}

void registry_lookup(uint64_t n)
{
  uint64_t many = times(n) < 1000000 ? times(n) : 1000000;
  regrow_pid registry = new_registry(), pid;
  enter(registry, n);
  begin();
  for (uint64_t i = 0; i < many; i++) {
    regrow_term key = regrow_int(key_of(scattered(i, n)));
    must(regrow_registry_whereis(registry, &key, &pid));
  }
  end(many);
  end_registry(registry);
}

void registry_delete(uint64_t n)
{
  for (uint64_t round = rounds(n); round > 0; round--) {
    regrow_pid registry = new_registry();
    enter(registry, n);
    begin();
    for (uint64_t i = 0; i < n; i++) {
      regrow_term key = regrow_int(key_of(i));
      must(regrow_registry_unregister(registry, &key, owner));
    }
    end(n);
    end_registry(registry);
  }
}

/* ---- tables of {Integer, Integer} ---- */

enum direction { SCATTERED, DOWN };

static regrow_table new_table(uint32_t kind)
{
  regrow_table_spec spec = { .size = sizeof spec, .kind = kind, .access = REGROW_PUBLIC };
  regrow_table table;
  must(regrow_table_new(&spec, &table));
  return table;
}

static void fill(regrow_table table, uint64_t n, enum direction direction)
{
  for (uint64_t i = 0; i < n; i++) {
    int64_t key = direction == SCATTERED ? key_of(i) : (int64_t)(n - i);
    must(regrow_table_insert(table, regrow_tuple((regrow_term[]){ regrow_int(key), regrow_int((int64_t)i) }, 2)));
  }
}

static void insert(uint64_t n, uint32_t kind, enum direction direction)
{
  for (uint64_t round = rounds(n); round > 0; round--) {
    regrow_table table = new_table(kind);
    begin();
    fill(table, n, direction);
    end(n);
    must(regrow_table_delete(table));
  }
}

static void look_up(uint64_t n, uint32_t kind)
{
  uint64_t many = times(n) < 1000000 ? times(n) : 1000000;
  regrow_table table = new_table(kind);
  regrow_term object;
  fill(table, n, SCATTERED);
  begin();
  for (uint64_t i = 0; i < many; i++) {
    regrow_term key = regrow_int(key_of(scattered(i, n)));
    must(regrow_table_get(table, &key, &object));
    regrow_term_free(&object);
  }
  end(many);
  must(regrow_table_delete(table));
}

static void delete(uint64_t n, uint32_t kind)
{
  for (uint64_t round = rounds(n); round > 0; round--) {
    regrow_table table = new_table(kind);
    fill(table, n, SCATTERED);
    begin();
    for (uint64_t i = 0; i < n; i++) {
      regrow_term key = regrow_int(key_of(i));
      must(regrow_table_delete_key(table, &key));
    }
    end(n);
    must(regrow_table_delete(table));
  }
}

void table_insert(uint64_t n)
{
  insert(n, REGROW_SET, SCATTERED);
}

void table_lookup(uint64_t n)
{
  look_up(n, REGROW_SET);
}

void table_delete(uint64_t n)
{
  delete(n, REGROW_SET);
}

void ordered_insert(uint64_t n)
{
  insert(n, REGROW_ORDERED_SET, SCATTERED);
}

void ordered_insert_down(uint64_t n)
{
  insert(n, REGROW_ORDERED_SET, DOWN);
}

void ordered_lookup(uint64_t n)
{
  look_up(n, REGROW_ORDERED_SET);
}

void ordered_delete(uint64_t n)
{
  delete(n, REGROW_ORDERED_SET);
}

/* All objects in parts of ten, with `begin` and what goes on from there; in bags all have one key. */
typedef regrow_error begin_parts(regrow_table, const regrow_term *, size_t, regrow_term *, regrow_term *);

static void in_parts(uint64_t n, uint32_t kind, bool one_key, begin_parts *first)
{
  regrow_term head = regrow_tuple((regrow_term[]){ regrow_atom("_"), regrow_atom("$1") }, 2);
  regrow_term body = regrow_list((regrow_term[]){ regrow_atom("$1") }, 1);
  regrow_term clause = regrow_tuple((regrow_term[]){ head, regrow_nil(), body }, 3);
  regrow_term spec = regrow_list(&clause, 1);
  for (uint64_t round = rounds(n); round > 0; round--) {
    regrow_table table = new_table(kind);
    if (!one_key)
      fill(table, n, SCATTERED);
    for (uint64_t i = 0; one_key && i < n; i++)
      must(regrow_table_insert(table, regrow_tuple((regrow_term[]){ regrow_int(1), regrow_int((int64_t)i) }, 2)));
    regrow_term part, continuation, next;
    uint64_t found = 0;
    begin();
    must(first(table, &spec, 10, &part, &continuation));
    for (;;) {
      for (const regrow_term *at = &part; !regrow_is_nil(at); at = regrow_list_tail(at))
        found++;
      regrow_term_free(&part);
      if (regrow_is_atom(&continuation, "$end_of_table"))
        break;
      must(regrow_table_select_next(&continuation, &part, &next));
      regrow_term_free(&continuation);
      continuation = next;
    }
    end(n);
    expect(found == n);
    must(regrow_table_delete(table));
  }
  regrow_term_free(&spec);
}

void table_parts(uint64_t n)
{
  in_parts(n, REGROW_SET, false, regrow_table_select_limit);
}

void ordered_parts(uint64_t n)
{
  in_parts(n, REGROW_ORDERED_SET, false, regrow_table_select_reverse_limit);
}

void bag_parts(uint64_t n)
{
  in_parts(n, REGROW_DUPLICATE_BAG, true, regrow_table_select_limit);
}
