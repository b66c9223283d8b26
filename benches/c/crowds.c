/* A hundred servers that write to each other: round a ring, at random, in pairs. */
#include "harness.h"

/* ---- threadring: a pid is the next in the ring, a number the hops that are left ---- */
enum { RING = 100 };

static regrow_next handle_token(regrow_context *context, void *state, const regrow_term *message)
{
  (void)context;
  regrow_pid *next = state;
  int64_t left;
  if (!regrow_as_int(message, &left))
    expect(regrow_as_pid(message, next));
  else if (left == 0)
    tell_main(0);
  else
    must(regrow_send(*next, regrow_int(left - 1)));
  return REGROW_NOREPLY;
}

void threadring(const char *name, uint64_t n)
{
  regrow_pid ring[RING], next[RING];
  uint64_t start = now_ns();
  for (int i = 0; i < RING; i++)
    ring[i] = start_server(handle_token, &next[i]);
  for (int i = 0; i < RING; i++)
    must(regrow_send(ring[i], regrow_from_pid(ring[(i + 1) % RING])));
  must(regrow_send(ring[0], regrow_int((int64_t)n)));
  await_result();
  emit(name, n, now_ns() - start, n, (struct extra[]){ { "actors", RING }, { 0 } });
  end_all(ring, RING);
}

/* ---- big (Savina): a pid is a ping, from whom; anything else a pong, or the word to begin ---- */
enum { CROWD = 120 };
struct member { const regrow_pid *all; regrow_pid me; uint64_t left, seed; };

static regrow_next handle_big(regrow_context *context, void *state, const regrow_term *message)
{
  (void)context;
  struct member *member = state;
  regrow_pid from;
  if (regrow_as_pid(message, &from))
    must(regrow_send(from, regrow_nil()));
  else if (member->left-- == 0)
    tell_main(0);
  else
    must(regrow_send(member->all[draw(&member->seed) % CROWD], regrow_from_pid(member->me)));
  return REGROW_NOREPLY;
}

void big(const char *name, uint64_t n)
{
  static struct member members[CROWD];
  static regrow_pid all[CROWD];
  uint64_t start = now_ns();
  for (uint64_t i = 0; i < CROWD; i++) {
    members[i] = (struct member){ .all = all, .left = n, .seed = i * 7919 + 1 };
    all[i] = members[i].me = start_server(handle_big, &members[i]);
  }
  for (int i = 0; i < CROWD; i++)
    must(regrow_send(all[i], regrow_nil()));
  for (int i = 0; i < CROWD; i++)
    await_result();
  emit(name, CROWD * n, now_ns() - start, CROWD * n, (struct extra[]){ { "actors", CROWD }, { 0 } });
  end_all(all, CROWD);
}

/* ---- chameneos (Savina): {Pid, Colour} is a wish to meet or a meeting, a number a changed colour (to a creature) or how
 *      often one met (to the mall), [] the end or the beginning ---- */
enum { CREATURES = 100 };
struct mall { uint64_t left; regrow_term waiting; bool somebody_waits; int alive; int64_t sum; };
struct creature { regrow_pid me, mall; int64_t colour, met; bool began; };

static regrow_pid first_pid(const regrow_term *pair)
{
  regrow_pid pid;
  expect(regrow_as_pid(regrow_tuple_get(pair, 0), &pid));
  return pid;
}

static regrow_next handle_mall(regrow_context *context, void *state, const regrow_term *message)
{
  (void)context;
  struct mall *mall = state;
  int64_t met;
  if (regrow_as_int(message, &met)) {
    mall->sum += met;
    if (--mall->alive == 0)
      tell_main(mall->sum);
    return REGROW_NOREPLY;
  }
  if (mall->left == 0)
    must(regrow_send(first_pid(message), regrow_nil()));
  else if (!mall->somebody_waits) {
    mall->waiting = regrow_term_clone(message);
    mall->somebody_waits = true;
  } else {
    mall->left--;
    must(regrow_send(first_pid(&mall->waiting), regrow_term_clone(message)));
    regrow_term_free(&mall->waiting);
    mall->somebody_waits = false;
  }
  return REGROW_NOREPLY;
}

static void wish_to_meet(const struct creature *creature)
{
  regrow_term wish[2] = { regrow_from_pid(creature->me), regrow_int(creature->colour) };
  must(regrow_send(creature->mall, regrow_tuple(wish, 2)));
}

static int64_t complement(int64_t a, int64_t b)
{
  return a == b ? a : 3 - a - b;
}

static regrow_next handle_creature(regrow_context *context, void *state, const regrow_term *message)
{
  struct creature *creature = state;
  int64_t colour;
  if (regrow_as_int(message, &colour)) {
    creature->colour = colour;
    creature->met++;
    wish_to_meet(creature);
  } else if (!regrow_is_nil(message)) {
    expect(regrow_as_int(regrow_tuple_get(message, 1), &colour));
    creature->colour = complement(creature->colour, colour);
    creature->met++;
    must(regrow_send(first_pid(message), regrow_int(creature->colour)));
    wish_to_meet(creature);
  } else if (!creature->began) {
    creature->began = true;
    wish_to_meet(creature);
  } else {
    must(regrow_send(creature->mall, regrow_int(creature->met)));
    return regrow_stop_self(context, regrow_atom("normal"));
  }
  return REGROW_NOREPLY;
}

void chameneos(const char *name, uint64_t n)
{
  static struct creature creatures[CREATURES];
  struct mall mall = { .left = n, .alive = CREATURES };
  uint64_t start = now_ns();
  regrow_pid mall_pid = start_server(handle_mall, &mall);
  for (int i = 0; i < CREATURES; i++) {
    creatures[i] = (struct creature){ .mall = mall_pid, .colour = i % 3 };
    creatures[i].me = start_server(handle_creature, &creatures[i]);
    must(regrow_send(creatures[i].me, regrow_nil()));
  }
  expect(await_result() == (int64_t)(2 * n));
  emit(name, n, now_ns() - start, n, (struct extra[]){ { "actors", CREATURES }, { 0 } });
  end_all(&mall_pid, 1);
}
