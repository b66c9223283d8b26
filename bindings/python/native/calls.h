/* calls.h - calls that Python makes most, each in one step: terms are made, and the answer is read, on the way.
 *
 * Packed terms are as in value.h. `error` in what they give is the outcome. */
#ifndef REGROW_PYTHON_CALLS_H
#define REGROW_PYTHON_CALLS_H

#include "value.h"

int32_t rp_send(uint64_t pid, const char *packed, size_t size);
int32_t rp_cast(uint64_t pid, const char *packed, size_t size);
rp_value rp_call(uint64_t pid, const char *packed, size_t size, uint32_t timeout_ms);
rp_value rp_receive(uint32_t timeout_ms);
rp_value rp_receive_match(uint64_t user, uint32_t timeout_ms);
int32_t rp_reply(regrow_context *context, const char *packed, size_t size);

rp_value rp_agent_state(uint64_t agent, uint32_t timeout_ms);
rp_value rp_agent_get(uint64_t agent, uint64_t user, uint32_t timeout_ms);
int32_t rp_agent_update(uint64_t agent, uint64_t user, uint32_t timeout_ms);
rp_value rp_agent_get_and_update(uint64_t agent, uint64_t user, uint32_t timeout_ms);
int32_t rp_agent_cast(uint64_t agent, uint64_t user);
int32_t rp_agent_update_async(uint64_t agent, uint64_t user, uint32_t timeout_ms, regrow_request **pending);

rp_value rp_registry_lookup(uint64_t registry, const char *packed, size_t size);
rp_value rp_registry_whereis(uint64_t registry, const char *packed, size_t size);
int32_t rp_registry_update(uint64_t registry, const regrow_term *key, uint64_t user, regrow_term *old);
int32_t rp_registry_dispatch(uint64_t registry, const regrow_term *key, uint64_t user);
int32_t rp_registry_dispatch_parallel(uint64_t registry, const regrow_term *key, uint64_t user);
int32_t rp_registry_lock(uint64_t registry, const regrow_term *key, uint64_t user, uint32_t timeout_ms);

int32_t rp_table_insert(uint64_t table, const char *packed, size_t size);
rp_value rp_table_lookup(uint64_t table, const char *packed, size_t size);
rp_value rp_table_get(uint64_t table, const char *packed, size_t size);

/* The caller's last error: its text, its code (0 when there was none) and its reason. */
rp_value rp_last_error(char *text, size_t size, int32_t *code);

#endif
