/* n timers that are cancelled; and what n messages in a mailbox cost whoever looks for one of them. */
#include "growth.h"

void cancel_timers(uint64_t n)
{
  regrow_ref *timers = room(n, sizeof *timers);
  for (uint64_t round = rounds(n); round > 0; round--) {
    for (uint64_t i = 0; i < n; i++)
      must(regrow_send_after(main_pid, (uint32_t)(60000 + scattered(i, n) * 3), regrow_nil(), &timers[i]));
    begin();
    for (uint64_t i = 0; i < n; i++)
      must(regrow_cancel_timer(root, timers[scattered(i, n)], 0, NULL));
    end(n);
  }
  free(timers);
}

/* ---- mailboxes: of a process, which sends to itself ---- */

static regrow_pid me(void)
{
  regrow_pid self;
  must(regrow_self(&self));
  return self;
}

static void fill(uint64_t n)
{
  regrow_pid self = me();
  for (uint64_t i = 0; i < n; i++)
    must(regrow_send(self, regrow_int((int64_t)i)));
}

static void take(uint64_t n)
{
  for (uint64_t i = 0; i < n; i++) {
    regrow_term message;
    must(regrow_receive(0, &message));
    regrow_term_free(&message);
  }
}

static void receive_each(void *data)
{
  uint64_t n = *(uint64_t *)data;
  for (uint64_t round = rounds(n); round > 0; round--) {
    fill(n);
    begin();
    take(n);
    end(n);
  }
}

void receive_all(uint64_t n)
{
  in_process(receive_each, &n);
}

static bool is_it(void *user, const regrow_term *message)
{
  int64_t number;
  return regrow_as_int(message, &number) && number == *(int64_t *)user;
}

static void receive_it(int64_t wanted, uint32_t timeout_ms)
{
  regrow_term message;
  must(regrow_receive_match(is_it, &wanted, timeout_ms, &message));
  regrow_term_free(&message);
}

/* Each in its turn, by a match that looks for it. */
static void receive_each_matching(void *data)
{
  uint64_t n = *(uint64_t *)data;
  for (uint64_t round = rounds(n); round > 0; round--) {
    fill(n);
    begin();
    for (uint64_t i = 0; i < n; i++)
      receive_it((int64_t)i, 0);
    end(n);
  }
}

void receive_matching(uint64_t n)
{
  in_process(receive_each_matching, &n);
}

/* It waits for the last of n messages, which come one by one: each is looked at once. */
static regrow_next send_one(regrow_context *context, void *state, const regrow_term *request)
{
  regrow_pid to;
  int64_t number;
  expect(regrow_as_pid(regrow_tuple_get(request, 0), &to) && regrow_as_int(regrow_tuple_get(request, 1), &number));
  must(regrow_send(to, regrow_int(number)));
  if (number > 0) {
    regrow_pid self = me();
    must(regrow_send(self, regrow_tuple((regrow_term[]){ regrow_from_pid(to), regrow_int(number - 1) }, 2)));
  }
  return REGROW_NOREPLY;
}

static void receive_last(void *data)
{
  uint64_t n = *(uint64_t *)data;
  regrow_server_spec spec = { .size = sizeof spec, .handle_info = send_one };
  regrow_pid sender = start_server(&spec);
  for (uint64_t round = rounds(n); round > 0; round--) {
    begin();
    must(regrow_send(sender, regrow_tuple((regrow_term[]){ regrow_from_pid(me()), regrow_int((int64_t)n) }, 2)));
    receive_it(0, REGROW_INFINITY);
    end(n);
    take(n);
  }
}

void receive_late(uint64_t n)
{
  in_process(receive_last, &n);
}

/* Those behind n others that stay: an operation is a look at one of them. */
static void receive_those_behind(void *data)
{
  enum { BEHIND = 4 };
  uint64_t n = *(uint64_t *)data;
  for (uint64_t round = rounds(n); round > 0; round--) {
    fill(n + BEHIND);
    begin();
    for (uint64_t i = 0; i < BEHIND; i++)
      receive_it((int64_t)(n + i), 0);
    end(n * BEHIND);
    take(n);
  }
}

void receive_behind(uint64_t n)
{
  in_process(receive_those_behind, &n);
}

/* Calls of a process that has n messages: the answer is not looked for among them. */
static regrow_next answer(regrow_context *context, void *state, const regrow_term *request)
{
  return regrow_reply(context, regrow_term_clone(request));
}

static void call_each(void *data)
{
  uint64_t n = *(uint64_t *)data, many = at_least ? at_least : n;
  regrow_server_spec spec = { .size = sizeof spec, .handle_call = answer };
  regrow_pid server = start_server(&spec);
  fill(n);
  receive_it((int64_t)n - 1, 0);
  begin();
  for (uint64_t i = 0; i < many; i++) {
    regrow_term reply;
    must(regrow_call(server, regrow_int((int64_t)i), REGROW_INFINITY, &reply));
    regrow_term_free(&reply);
  }
  end(many);
}

void call_with_messages(uint64_t n)
{
  in_process(call_each, &n);
}
