/* An agent that keeps a number: get, update, get and update, by one and by four client processes. */
#include "harness.h"

typedef void operation(regrow_pid agent);
struct clients { regrow_pid agent; uint64_t each; operation *operation; };

regrow_next read_number(regrow_context *context, void *user, const regrow_term *state, regrow_term *next, regrow_term *reply)
{
  (void)context, (void)user, (void)next;
  *reply = regrow_term_clone(state);
  return REGROW_DONE;
}

regrow_next count_up(regrow_context *context, void *user, const regrow_term *state, regrow_term *next, regrow_term *reply)
{
  (void)context, (void)user, (void)reply;
  int64_t number;
  expect(regrow_as_int(state, &number));
  *next = regrow_int(number + 1);
  return REGROW_DONE;
}

static regrow_next read_and_count_up(regrow_context *context, void *user, const regrow_term *state, regrow_term *next, regrow_term *reply)
{
  *reply = regrow_term_clone(state);
  return count_up(context, user, state, next, reply);
}

static int64_t get_number(regrow_pid agent)
{
  regrow_term value;
  int64_t number;
  must(regrow_agent_get(agent, read_number, NULL, call_timeout_ms, &value));
  expect(regrow_as_int(&value, &number));
  return number;
}

static void get(regrow_pid agent)
{
  get_number(agent);
}

static void update(regrow_pid agent)
{
  must(regrow_agent_update(agent, count_up, NULL, call_timeout_ms));
}

static void get_and_update(regrow_pid agent)
{
  regrow_term value;
  must(regrow_agent_get_and_update(agent, read_and_count_up, NULL, call_timeout_ms, &value));
  expect(regrow_is_int(&value));
}

static void repeat(void *data, size_t index)
{
  (void)index;
  struct clients *clients = data;
  for (uint64_t i = 0; i < clients->each; i++)
    clients->operation(clients->agent);
}

static void run_operation(const char *name, uint64_t n, operation *operation)
{
  regrow_term zero = regrow_int(0);
  regrow_agent_spec spec = { .size = sizeof spec, .initial = &zero, .flags = server_flags };
  regrow_child_spec child = { .size = sizeof child, .kind = REGROW_AGENT, .spec = &spec };
  struct clients clients = { .each = n, .operation = operation };
  must(regrow_start(root, &child, &clients.agent));
  uint64_t one = parallel_processes(1, repeat, &clients);
  clients.each = n / 4;
  uint64_t four = parallel_processes(4, repeat, &clients);
  int64_t made = operation == get ? 0 : (int64_t)(n + n / 4 * 4);
  expect(get_number(clients.agent) == made);
  emit(name, n, one, n, (struct extra[]){
    { "clients1_per_sec", per_second(n, one) }, { "clients4_per_sec", per_second(n, four) }, { 0 } });
  end_all(&clients.agent, 1);
}

void agent(const char *name, uint64_t n)
{
  (void)name;
  run_operation("agent_get", n, get);
  run_operation("agent_update", n, update);
  run_operation("agent_get_and_update", n, get_and_update);
}
