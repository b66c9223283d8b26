/* Processes: starting n, ending n, and messages among n. */
#include "growth.h"

/* ---- n servers are started ---- */
void spawn(uint64_t n)
{
  for (uint64_t round = rounds(n); round > 0; round--) {
    begin();
    regrow_pid *pids = start_idle(n);
    end(n);
    for (uint64_t i = 0; i < n; i++)
      must(regrow_exit(pids[i], regrow_atom("kill")));
    settle();
    free(pids);
  }
}

/* ---- n servers are killed, and their end is heard of ---- */
void kill_all(uint64_t n)
{
  for (uint64_t round = rounds(n); round > 0; round--) {
    regrow_pid *pids = start_idle(n);
    begin();
    for (uint64_t i = 0; i < n; i++)
      must(regrow_monitor(pids[i], &(regrow_ref){ 0 }));
    for (uint64_t i = 0; i < n; i++)
      must(regrow_exit(pids[i], regrow_atom("kill")));
    for (uint64_t i = 0; i < n; i++) {
      regrow_term down;
      must(regrow_receive(REGROW_INFINITY, &down));
      regrow_term_free(&down);
    }
    end(n);
    free(pids);
  }
}

/* ---- messages that jump from one of n servers to another: a number says how many jumps are left ---- */
enum { TOKENS = 64 };
static regrow_pid *all;
static uint64_t among;

static regrow_next jump(regrow_context *context, void *state, const regrow_term *message)
{
  int64_t left;
  expect(regrow_as_int(message, &left));
  if (left == 0)
    tell_main(0);
  else
    must(regrow_send(all[scattered((uint64_t)left, among)], regrow_int(left - 1)));
  return REGROW_NOREPLY;
}

void hops(uint64_t n)
{
  uint64_t each = times(n) / TOKENS;
  regrow_server_spec spec = { .size = sizeof spec, .handle_info = jump };
  among = n;
  all = room(n, sizeof *all);
  for (uint64_t i = 0; i < n; i++)
    all[i] = start_server(&spec);
  begin();
  for (uint64_t token = 0; token < TOKENS; token++)
    must(regrow_send(all[scattered(token * each, n)], regrow_int((int64_t)(token % n + each))));
  for (uint64_t token = 0; token < TOKENS; token++)
    await_main();
  end(each * TOKENS);
}
