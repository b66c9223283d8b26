/* Messages one way, with nobody waiting: one producer and a counter, eight producers and a sink. */
#include "harness.h"

struct stream { regrow_pid to; uint64_t n; };

static void produce(void *data)
{
  struct stream stream = *(struct stream *)data;
  for (uint64_t i = 0; i < stream.n; i++)
    must(regrow_send(stream.to, regrow_nil()));
}

static regrow_next count_message(regrow_context *context, void *state, const regrow_term *message)
{
  (void)context, (void)message;
  ++*(int64_t *)state;
  return REGROW_NOREPLY;
}

static regrow_next tell_count(regrow_context *context, void *state, const regrow_term *request)
{
  (void)request;
  return regrow_reply(context, regrow_int(*(int64_t *)state));
}

static void produce_and_ask(void *data)
{
  struct stream *stream = data;
  regrow_term total;
  int64_t count;
  produce(stream);
  must(regrow_call(stream->to, regrow_nil(), REGROW_INFINITY, &total));
  expect(regrow_as_int(&total, &count));
  tell_main(count);
}

void counting(const char *name, uint64_t n)
{
  int64_t count = 0;
  regrow_server_spec counter = {
    .size = sizeof counter, .init = take_user, .handle_info = count_message, .handle_call = tell_count, .user = &count };
  uint64_t start = now_ns();
  struct stream stream = { start_spec(&counter), n };
  start_process(produce_and_ask, &stream);
  expect(await_result() == (int64_t)n);
  emit(name, n, now_ns() - start, n, NULL);
  end_all(&stream.to, 1);
}

static regrow_next sink_message(regrow_context *context, void *state, const regrow_term *message)
{
  (void)context, (void)message;
  if (--*(int64_t *)state == 0)
    tell_main(0);
  return REGROW_NOREPLY;
}

void fanin(const char *name, uint64_t n)
{
  enum { PRODUCERS = 8 };
  int64_t left = (int64_t)(PRODUCERS * n);
  uint64_t start = now_ns();
  struct stream stream = { start_server(sink_message, &left), n };
  for (int i = 0; i < PRODUCERS; i++)
    start_process(produce, &stream);
  await_result();
  emit(name, PRODUCERS * n, now_ns() - start, PRODUCERS * n, (struct extra[]){ { "producers", PRODUCERS }, { 0 } });
  end_all(&stream.to, 1);
}
