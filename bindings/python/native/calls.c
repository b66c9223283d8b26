/* calls.c - see calls.h. Included by the extension module. */
#include "calls.h"

static regrow_pid process(uint64_t id)
{
  return (regrow_pid){ id };
}

static rp_value refused(int32_t error)
{
  return (rp_value){ .kind = RP_NOTHING, .error = error };
}

int32_t rp_send(uint64_t pid, const char *packed, size_t size)
{
  regrow_term message;
  int32_t error = rp_make(packed, size, &message);
  return error ? error : (int32_t)regrow_send(process(pid), message);
}

int32_t rp_cast(uint64_t pid, const char *packed, size_t size)
{
  regrow_term message;
  int32_t error = rp_make(packed, size, &message);
  return error ? error : (int32_t)regrow_cast(process(pid), message);
}

rp_value rp_call(uint64_t pid, const char *packed, size_t size, uint32_t timeout_ms)
{
  regrow_term request, reply;
  int32_t error = rp_make(packed, size, &request);
  return error ? refused(error) : rp_take(regrow_call(process(pid), request, timeout_ms, &reply), &reply);
}

rp_value rp_receive(uint32_t timeout_ms)
{
  regrow_term message;
  return rp_take(regrow_receive(timeout_ms, &message), &message);
}

rp_value rp_receive_match(uint64_t user, uint32_t timeout_ms)
{
  regrow_term message;
  return rp_take(regrow_receive_match(matches, (void *)(uintptr_t)user, timeout_ms, &message), &message);
}

int32_t rp_reply(regrow_context *context, const char *packed, size_t size)
{
  regrow_term answer;
  int32_t error = rp_make(packed, size, &answer);
  return error ? 0 : regrow_reply(context, answer);
}

/* ---- agents ---- */

rp_value rp_agent_state(uint64_t agent, uint32_t timeout_ms)
{
  regrow_term value;
  return rp_take(regrow_agent_get(process(agent), NULL, NULL, timeout_ms, &value), &value);
}

rp_value rp_agent_get(uint64_t agent, uint64_t user, uint32_t timeout_ms)
{
  regrow_term value;
  return rp_take(regrow_agent_get(process(agent), agent_get, (void *)(uintptr_t)user, timeout_ms, &value), &value);
}

int32_t rp_agent_update(uint64_t agent, uint64_t user, uint32_t timeout_ms)
{
  return (int32_t)regrow_agent_update(process(agent), agent_update, (void *)(uintptr_t)user, timeout_ms);
}

rp_value rp_agent_get_and_update(uint64_t agent, uint64_t user, uint32_t timeout_ms)
{
  regrow_term value;
  return rp_take(
    regrow_agent_get_and_update(process(agent), agent_get_and_update, (void *)(uintptr_t)user, timeout_ms, &value),
    &value);
}

int32_t rp_agent_cast(uint64_t agent, uint64_t user)
{
  return (int32_t)regrow_agent_cast(process(agent), agent_update, (void *)(uintptr_t)user, drop);
}

int32_t rp_agent_update_async(uint64_t agent, uint64_t user, uint32_t timeout_ms, regrow_request **pending)
{
  void *function = (void *)(uintptr_t)user;
  return (int32_t)regrow_agent_update_async(process(agent), agent_update, function, drop, timeout_ms, pending);
}

/* ---- registries ---- */

rp_value rp_registry_lookup(uint64_t registry, const char *packed, size_t size)
{
  regrow_term key, entries;
  int32_t error = rp_make(packed, size, &key);
  if (error)
    return refused(error);
  rp_value value = rp_take(regrow_registry_lookup(process(registry), &key, &entries), &entries);
  regrow_term_free(&key);
  return value;
}

rp_value rp_registry_whereis(uint64_t registry, const char *packed, size_t size)
{
  regrow_term key;
  int32_t error = rp_make(packed, size, &key);
  if (error)
    return refused(error);
  regrow_pid pid = { 0 };
  rp_value value = { .kind = RP_PID };
  value.error = (int32_t)regrow_registry_whereis(process(registry), &key, &pid);
  value.id = pid.id;
  regrow_term_free(&key);
  return value;
}

int32_t rp_registry_update(uint64_t registry, const regrow_term *key, uint64_t user, regrow_term *old)
{
  return (int32_t)regrow_registry_update(process(registry), key, agent_update, (void *)(uintptr_t)user, old);
}

int32_t rp_registry_dispatch(uint64_t registry, const regrow_term *key, uint64_t user)
{
  return (int32_t)regrow_registry_dispatch(process(registry), key, each, (void *)(uintptr_t)user);
}

int32_t rp_registry_dispatch_parallel(uint64_t registry, const regrow_term *key, uint64_t user)
{
  return (int32_t)regrow_registry_dispatch_parallel(process(registry), key, each_beside, (void *)(uintptr_t)user);
}

int32_t rp_registry_lock(uint64_t registry, const regrow_term *key, uint64_t user, uint32_t timeout_ms)
{
  return (int32_t)regrow_registry_lock(process(registry), key, run, (void *)(uintptr_t)user, timeout_ms);
}

/* ---- tables ---- */

int32_t rp_table_insert(uint64_t table, const char *packed, size_t size)
{
  regrow_term objects;
  int32_t error = rp_make(packed, size, &objects);
  return error ? error : (int32_t)regrow_table_insert((regrow_table){ table }, objects);
}

rp_value rp_table_lookup(uint64_t table, const char *packed, size_t size)
{
  regrow_term key, objects;
  int32_t error = rp_make(packed, size, &key);
  if (error)
    return refused(error);
  rp_value value = rp_take(regrow_table_lookup((regrow_table){ table }, &key, &objects), &objects);
  regrow_term_free(&key);
  return value;
}

rp_value rp_table_get(uint64_t table, const char *packed, size_t size)
{
  regrow_term key, object;
  int32_t error = rp_make(packed, size, &key);
  if (error)
    return refused(error);
  rp_value value = rp_take(regrow_table_get((regrow_table){ table }, &key, &object), &object);
  regrow_term_free(&key);
  return value;
}

/* ---- errors ---- */

rp_value rp_last_error(char *text, size_t size, int32_t *code)
{
  regrow_term reason;
  *code = (int32_t)regrow_last_error(text, size);
  return rp_take(regrow_last_reason(&reason), &reason);
}
