/* Two servers and one message that goes to and fro: small, large and shared, large and copied. */
#include "harness.h"
#include <string.h>

/* One server plays ping, the other pong. A pid is a ping, from whom; anything else a pong. */
struct ping { regrow_pid me, pong; uint64_t left; };

static regrow_next handle_ping(regrow_context *context, void *state, const regrow_term *message)
{
  (void)context, (void)state;
  regrow_pid from;
  expect(regrow_as_pid(message, &from));
  must(regrow_send(from, regrow_nil()));
  return REGROW_NOREPLY;
}

static regrow_next handle_pong(regrow_context *context, void *state, const regrow_term *message)
{
  (void)context, (void)message;
  struct ping *ping = state;
  if (ping->left-- == 0)
    tell_main(0);
  else
    must(regrow_send(ping->pong, regrow_from_pid(ping->me)));
  return REGROW_NOREPLY;
}

void pingpong(const char *name, uint64_t n)
{
  struct ping ping = { .left = n };
  uint64_t start = now_ns();
  ping.pong = start_server(handle_ping, NULL);
  ping.me = start_server(handle_pong, &ping);
  must(regrow_send(ping.me, regrow_nil()));
  await_result();
  uint64_t ns = now_ns() - start;
  emit(name, n, ns, n, (struct extra[]){ { "msgs_per_sec", per_second(2 * n, ns) }, { 0 } });
  end_all((regrow_pid[]){ ping.me, ping.pong }, 2);
}

/* There: {From, Payload}; back: Payload. A handler borrows its message, so it passes on another owner of the same
 * payload, or a copy of it. */
typedef regrow_term pass_on(const regrow_term *payload);
struct large { regrow_pid me, echo; uint64_t left; pass_on *pass_on; };

static regrow_next handle_there(regrow_context *context, void *state, const regrow_term *message)
{
  (void)context;
  struct large *large = state;
  regrow_pid from;
  expect(regrow_as_pid(regrow_tuple_get(message, 0), &from));
  must(regrow_send(from, large->pass_on(regrow_tuple_get(message, 1))));
  return REGROW_NOREPLY;
}

static regrow_next handle_back(regrow_context *context, void *state, const regrow_term *message)
{
  (void)context;
  struct large *large = state;
  if (large->left-- == 0) {
    tell_main(0);
    return REGROW_NOREPLY;
  }
  regrow_term there[2] = { regrow_from_pid(large->me), large->pass_on(message) };
  must(regrow_send(large->echo, regrow_tuple(there, 2)));
  return REGROW_NOREPLY;
}

static regrow_term copy_bytes(const regrow_term *payload)
{
  const uint8_t *data;
  size_t size;
  expect(regrow_as_bytes(payload, &data, &size));
  return regrow_bytes(data, size);
}

static void run_large(const char *name, uint64_t n, regrow_term payload, pass_on *pass_on, size_t bytes)
{
  struct large large = { .left = n, .pass_on = pass_on };
  uint64_t start = now_ns();
  large.echo = start_server(handle_there, &large);
  large.me = start_server(handle_back, &large);
  must(regrow_send(large.me, payload));
  await_result();
  uint64_t ns = now_ns() - start;
  double mib_per_sec = per_second(2 * n * bytes, ns) / 1048576;
  emit(name, n, ns, n, (struct extra[]){ { "mib_per_sec", mib_per_sec }, { 0 } });
  end_all((regrow_pid[]){ large.me, large.echo }, 2);
}

void large_list(const char *name, uint64_t n)
{
  static regrow_term items[4096];
  for (int64_t i = 0; i < 4096; i++)
    items[i] = regrow_int(i + 1);
  run_large(name, n, regrow_list(items, 4096), regrow_term_clone, 65536);
}

/* 4096 integers as a C program keeps them, copied at each hop as the peers' vectors and slices are. */
void large_list_copy(const char *name, uint64_t n)
{
  static int64_t items[4096];
  for (int64_t i = 0; i < 4096; i++)
    items[i] = i + 1;
  run_large(name, n, regrow_bytes(items, sizeof items), copy_bytes, sizeof items);
}

void large_bin(const char *name, uint64_t n)
{
  static uint8_t data[65536];
  memset(data, 7, sizeof data);
  run_large(name, n, regrow_bytes(data, sizeof data), regrow_term_clone, sizeof data);
}
