/* The rows of bench.py in plain C, from one thread outside: prints `ROW CALLS_PER_SECOND` for each. */
#include <regrow.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef void operation(regrow_pid pid, const regrow_term *key, regrow_table table);

static void must(regrow_error error)
{
  if (error) {
    fprintf(stderr, "%s\n", regrow_error_name(error));
    exit(1);
  }
}

static double seconds(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static regrow_next answer(regrow_context *context, void *state, const regrow_term *message)
{
  return regrow_reply(context, regrow_term_clone(message));
}

static regrow_next nothing(regrow_context *context, void *state, const regrow_term *message)
{
  return REGROW_NOREPLY;
}

static regrow_next count_up(regrow_context *context, void *user, const regrow_term *state, regrow_term *next,
                            regrow_term *reply)
{
  int64_t number = 0;
  regrow_as_int(state, &number);
  *next = regrow_int(number + 1);
  return REGROW_DONE;
}

static void get(regrow_pid pid, const regrow_term *key, regrow_table table)
{
  regrow_term value;
  must(regrow_agent_get(pid, NULL, NULL, 5000, &value));
  regrow_term_free(&value);
}

static void update(regrow_pid pid, const regrow_term *key, regrow_table table)
{
  must(regrow_agent_update(pid, count_up, NULL, 5000));
}

static void call(regrow_pid pid, const regrow_term *key, regrow_table table)
{
  regrow_term reply;
  must(regrow_call(pid, regrow_int(1), 5000, &reply));
  regrow_term_free(&reply);
}

static void cast(regrow_pid pid, const regrow_term *key, regrow_table table)
{
  must(regrow_cast(pid, regrow_int(1)));
}

static void lookup(regrow_pid pid, const regrow_term *key, regrow_table table)
{
  regrow_term entries;
  must(regrow_registry_lookup(pid, key, &entries));
  regrow_term_free(&entries);
}

static void whereis(regrow_pid pid, const regrow_term *key, regrow_table table)
{
  regrow_pid found;
  must(regrow_registry_whereis(pid, key, &found));
}

static void look(regrow_pid pid, const regrow_term *key, regrow_table table)
{
  regrow_term objects;
  must(regrow_table_lookup(table, key, &objects));
  regrow_term_free(&objects);
}

static void insert(regrow_pid pid, const regrow_term *key, regrow_table table)
{
  regrow_term items[] = { regrow_term_clone(key), regrow_int(1) };
  must(regrow_table_insert(table, regrow_tuple(items, 2)));
}

static void row(const char *name, unsigned count, operation *operation, regrow_pid pid, const regrow_term *key,
                regrow_table table)
{
  double begin = seconds();
  for (unsigned i = 0; i < count; i++)
    operation(pid, key, table);
  printf("%s %.0f\n", name, count / (seconds() - begin));
}

int main(void)
{
  regrow_pid root, agent, thread, shared, registry;
  regrow_table table;
  regrow_term initial = regrow_int(0), key = regrow_text("key");
  must(regrow_init(NULL, &root));
  must(regrow_enter(root, NULL));
  regrow_agent_spec agent_spec = { .size = sizeof agent_spec, .initial = &initial, .flags = REGROW_NO_PARK | REGROW_INLINE };
  regrow_server_spec server = {
    .size = sizeof server, .handle_call = answer, .handle_cast = nothing, .home = REGROW_THREAD };
  regrow_registry_spec registry_spec = { .size = sizeof registry_spec };
  regrow_table_spec table_spec = { .size = sizeof table_spec };
  regrow_child_spec child = { .size = sizeof child, .id = "x", .kind = REGROW_AGENT, .spec = &agent_spec };
  must(regrow_start(root, &child, &agent));
  child.kind = REGROW_SERVER, child.spec = &server;
  must(regrow_start(root, &child, &thread));
  server.home = REGROW_SHARED, server.flags = REGROW_NO_PARK | REGROW_INLINE;
  must(regrow_start(root, &child, &shared));
  child.kind = REGROW_REGISTRY, child.spec = &registry_spec;
  must(regrow_start(root, &child, &registry));
  must(regrow_registry_register(registry, regrow_text("key"), agent, regrow_nil()));
  must(regrow_table_new(&table_spec, &table));
  insert(agent, &key, table);

  row("agent_get", 500000, get, agent, &key, table);
  row("agent_update", 500000, update, agent, &key, table);
  row("call_inline", 500000, call, shared, &key, table);
  row("call_thread", 20000, call, thread, &key, table);
  row("cast", 200000, cast, thread, &key, table);
  row("registry_lookup", 500000, lookup, registry, &key, table);
  row("registry_whereis", 500000, whereis, registry, &key, table);
  row("table_lookup", 500000, look, agent, &key, table);
  row("table_insert", 500000, insert, agent, &key, table);
  return regrow_leave() || regrow_shutdown(root, 5000, NULL);
}
