/* A registry of 100,000 names: who goes by a name, asked by one and two threads; register and unregister.
 * `lookup`: the pid under a text key, as most peers answer. `entries`: [{Pid, Value}], as Elixir's lookup answers. */
#include "harness.h"

enum { NAMES = 100000 };
struct names { regrow_pid registry; uint64_t n; const regrow_term *keys; };

static void look_up(void *data, size_t index)
{
  struct names *names = data;
  size_t at = index * 31337 % NAMES;
  regrow_pid pid;
  for (uint64_t i = 0; i < names->n; i++) {
    must(regrow_registry_whereis(names->registry, &names->keys[at], &pid));
    at = (at + 7919) % NAMES;
  }
}

static void look_up_entries(void *data, size_t index)
{
  struct names *names = data;
  size_t at = index * 31337 % NAMES;
  regrow_term entries;
  for (uint64_t i = 0; i < names->n; i++) {
    must(regrow_registry_lookup(names->registry, &names->keys[at], &entries));
    expect(regrow_list_head(&entries));
    regrow_term_free(&entries);
    at = (at + 7919) % NAMES;
  }
}

static void register_key(regrow_pid registry, const regrow_term *key, int64_t value)
{
  must(regrow_registry_register(registry, regrow_term_clone(key), main_pid, regrow_int(value)));
}

static uint64_t register_all(regrow_pid registry, const regrow_term *keys)
{
  uint64_t start = now_ns();
  for (int64_t i = 0; i < NAMES; i++)
    register_key(registry, &keys[i], i);
  return now_ns() - start;
}

void registry(const char *name, uint64_t n)
{
  static regrow_term texts[NAMES], numbers[NAMES];
  for (int i = 0; i < NAMES; i++) {
    char text[16];
    snprintf(text, sizeof text, "actor-%06d", i);
    texts[i] = regrow_text(text);
    numbers[i] = regrow_int(i);
  }
  regrow_registry_spec spec = { .size = sizeof spec, .keys = REGROW_UNIQUE };
  regrow_child_spec child = { .size = sizeof child, .kind = REGROW_REGISTRY, .spec = &spec };
  struct names names = { .n = n, .keys = texts };
  must(regrow_start(root, &child, &names.registry));

  uint64_t registered = register_all(names.registry, texts);
  uint64_t one = parallel_threads(1, look_up, &names);
  uint64_t two = parallel_threads(2, look_up, &names);
  uint64_t entries = parallel_threads(1, look_up_entries, &names);
  uint64_t start = now_ns();
  for (int64_t i = 0; i < NAMES; i++) {
    must(regrow_registry_unregister(names.registry, &texts[i], main_pid));
    register_key(names.registry, &texts[i], i);
  }
  uint64_t churned = now_ns() - start;
  regrow_pid of_texts = names.registry;
  names.keys = numbers;
  must(regrow_start(root, &child, &names.registry));
  register_all(names.registry, numbers);
  uint64_t number_one = parallel_threads(1, look_up, &names);
  uint64_t number_two = parallel_threads(2, look_up, &names);

  emit(name, n, one, n, (struct extra[]){
    { "lookup1_per_sec", per_second(n, one) }, { "lookup2_per_sec", per_second(2 * n, two) },
    { "entries1_per_sec", per_second(n, entries) },
    { "integer1_per_sec", per_second(n, number_one) }, { "integer2_per_sec", per_second(2 * n, number_two) },
    { "register_per_sec", per_second(NAMES, registered) }, { "reg_unreg_per_sec", per_second(NAMES, churned) },
    { 0 } });
  /* with a reason that those who are registered there, and linked with it, live on with */
  must(regrow_stop(of_texts, regrow_atom("normal"), REGROW_INFINITY));
  must(regrow_stop(names.registry, regrow_atom("normal"), REGROW_INFINITY));
  for (int i = 0; i < NAMES; i++)
    regrow_term_free(&texts[i]);
}
