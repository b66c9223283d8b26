/* Timers of 1 to 3 seconds; every second one is cancelled, the rest are awaited. A message carries when it is due. */
#include "harness.h"

struct collector { uint64_t *late; uint64_t count, expected; };

/* A number is when the message was due; anything else: `expected` is known now. */
static regrow_next handle_timer(regrow_context *context, void *state, const regrow_term *message)
{
  (void)context;
  struct collector *collector = state;
  int64_t due;
  if (regrow_as_int(message, &due)) {
    uint64_t now = now_ns();
    expect(now >= (uint64_t)due);
    collector->late[collector->count++] = now - (uint64_t)due;
  } else {
    expect(regrow_as_int(regrow_tuple_get(message, 0), &due));
    collector->expected = (uint64_t)due;
  }
  if (collector->count == collector->expected)
    tell_main(0);
  return REGROW_NOREPLY;
}

void timers(const char *name, uint64_t n)
{
  struct collector collector = { .late = malloc(n * sizeof(uint64_t)), .expected = UINT64_MAX };
  regrow_ref *refs = malloc(n * sizeof *refs);
  expect(collector.late && refs);
  regrow_pid pid = start_server(handle_timer, &collector);
  uint64_t seed = 12345, cancelled = 0;

  uint64_t start = now_ns();
  for (uint64_t i = 0; i < n; i++) {
    uint32_t ms = (uint32_t)(1000 + draw(&seed) % 2000);
    regrow_term due = regrow_int((int64_t)(now_ns() + ms * (uint64_t)1000000));
    must(regrow_send_after(pid, ms, due, &refs[i]));
  }
  uint64_t started = now_ns();
  for (uint64_t i = 0; i < n; i += 2) {
    /* one that fired before it could be cancelled has sent all the same */
    regrow_error error = regrow_cancel_timer(root, refs[i], 0, NULL);
    if (error != REGROW_ERR_NOT_FOUND)
      must(error);
    cancelled += error == REGROW_OK;
  }
  uint64_t stopped = now_ns();
  uint64_t fired = n - cancelled;
  regrow_term expected[1] = { regrow_int((int64_t)fired) };
  must(regrow_send(pid, regrow_tuple(expected, 1)));
  await_result();
  uint64_t ns = now_ns() - start;

  struct percentiles late = percentiles(collector.late, fired);
  emit(name, n, ns, n, (struct extra[]){
    { "start_per_sec", per_second(n, started - start) },
    { "cancel_per_sec", per_second((n + 1) / 2, stopped - started) },
    { "fired", (double)fired }, { "cancelled", (double)cancelled },
    { "late_p50_us", late.p50 / 1e3 }, { "late_p99_us", late.p99 / 1e3 }, { 0 } });
  end_all(&pid, 1);
  free(collector.late);
  free(refs);
}
