/* Terms of the BEAM as terms of regrow. What has no accessor crosses in the external format; pids of living local
 * processes become their proxies. A walk with a stack of its own: no term is too deep. */
#include "nif.h"
#include "stack.h"

/* A tuple, list or map that is being converted: its parts lie on the stack of values, from `base`. */
typedef struct frame {
  enum { IN_TUPLE, IN_LIST, IN_TAIL, IN_MAP } what;
  size_t base;
  union {
    struct {
      const ERL_NIF_TERM *items;
      int next, count;
    } tuple;
    ERL_NIF_TERM list;
    ErlNifMapIterator map;
  } of;
  /* A map: its value is next, and not the next key. */
  bool value_next;
} frame;

STACK(frames, frame, 8)
STACK(values, regrow_term, 32)

static regrow_term invalid(void) { return regrow_float(0.0 / 0.0); }

/* A term in the external format. */
static regrow_term external_in(ErlNifEnv *env, ERL_NIF_TERM from, allowance *left, bool *over) {
  ErlNifBinary bytes;
  regrow_term to;
  if (!enif_term_to_binary(env, from, &bytes)) return invalid();
  if (!allowance_take(left, bytes.size)) {
    *over = true;
    enif_release_binary(&bytes);
    return regrow_nil();
  }
  if (regrow_term_decode(bytes.data, bytes.size, &to) != REGROW_OK) to = invalid();
  enif_release_binary(&bytes);
  return to;
}

static regrow_term atom_in(ErlNifEnv *env, ERL_NIF_TERM from, allowance *left, bool *over) {
  char name[256];
  regrow_term atom;
  if (cache_atom_in(from, &atom)) return atom;
  int size = enif_get_atom(env, from, name, sizeof name, ERL_NIF_LATIN1);
  /* What is not Latin-1, or not ASCII, or has a NUL in it, is no C string in UTF-8. */
  bool plain = size > 0;
  for (int at = 0; plain && at < size - 1; at++) plain = (unsigned char)(name[at] - 1) < 127;
  if (!plain) return external_in(env, from, left, over);
  atom = regrow_atom(name);
  cache_atom(from, &atom);
  return atom;
}

/* A term without parts. */
static regrow_term leaf_in(ErlNifEnv *env, ERL_NIF_TERM from, ErlNifTermType type, runtime *rt, allowance *left,
                           bool *over) {
  ErlNifSInt64 integer;
  ErlNifBinary bytes;
  ErlNifPid beam;
  regrow_pid native;
  regrow_term kept;
  double number;
  switch (type) {
    case ERL_NIF_TERM_TYPE_LIST: return regrow_nil();
    case ERL_NIF_TERM_TYPE_ATOM: return atom_in(env, from, left, over);
    case ERL_NIF_TERM_TYPE_INTEGER:
      if (enif_get_int64(env, from, &integer)) return regrow_int(integer);
      break;
    case ERL_NIF_TERM_TYPE_FLOAT:
      if (enif_get_double(env, from, &number)) return regrow_float(number);
      break;
    case ERL_NIF_TERM_TYPE_BITSTRING:
      if (!enif_inspect_binary(env, from, &bytes)) break;
      if (!allowance_take(left, bytes.size)) {
        *over = true;
        return regrow_nil();
      }
      return regrow_bytes(bytes.data, bytes.size);
    case ERL_NIF_TERM_TYPE_PID:
      if (rt != NULL && enif_get_local_pid(env, from, &beam) && proxy_of(env, rt, &beam, &native))
        return regrow_from_pid(native);
      if (cache_find(from, &kept)) return kept;
      kept = external_in(env, from, left, over);
      cache_put(from, &kept);
      return kept;
    case ERL_NIF_TERM_TYPE_REFERENCE:
      if (parcel_in(env, from, &kept) || cache_find(from, &kept)) return kept;
      kept = external_in(env, from, left, over);
      cache_put(from, &kept);
      return kept;
    default: break;
  }
  return external_in(env, from, left, over);
}

static bool has_parts(ErlNifEnv *env, ERL_NIF_TERM from, ErlNifTermType type) {
  return type == ERL_NIF_TERM_TYPE_TUPLE || type == ERL_NIF_TERM_TYPE_MAP ||
         (type == ERL_NIF_TERM_TYPE_LIST && !enif_is_empty_list(env, from));
}

/* Puts a frame on the stack for what has parts. */
static bool enter(ErlNifEnv *env, ERL_NIF_TERM from, ErlNifTermType type, frames *open, size_t base) {
  frame begun = {.base = base};
  if (type == ERL_NIF_TERM_TYPE_TUPLE) {
    begun.what = IN_TUPLE;
    if (!enif_get_tuple(env, from, &begun.of.tuple.count, &begun.of.tuple.items)) return false;
  } else if (type == ERL_NIF_TERM_TYPE_LIST) {
    begun.what = IN_LIST;
    begun.of.list = from;
  } else {
    begun.what = IN_MAP;
    if (!enif_map_iterator_create(env, from, &begun.of.map, ERL_NIF_MAP_ITERATOR_FIRST)) return false;
  }
  if (frames_push(open, begun)) return true;
  if (begun.what == IN_MAP) enif_map_iterator_destroy(env, &begun.of.map);
  return false;
}

/* The next part of the innermost term; false: it has no more. */
static bool next_part(ErlNifEnv *env, frame *in, ERL_NIF_TERM *part) {
  ERL_NIF_TERM head, tail;
  switch (in->what) {
    case IN_TUPLE:
      if (in->of.tuple.next == in->of.tuple.count) return false;
      *part = in->of.tuple.items[in->of.tuple.next++];
      return true;
    case IN_LIST:
      if (enif_get_list_cell(env, in->of.list, &head, &tail)) {
        in->of.list = tail;
        *part = head;
        return true;
      }
      if (enif_is_empty_list(env, in->of.list)) return false;
      in->what = IN_TAIL;
      *part = in->of.list;
      return true;
    case IN_TAIL: return false;
    case IN_MAP:
      if (!enif_map_iterator_get_pair(env, &in->of.map, &head, &tail)) return false;
      *part = in->value_next ? tail : head;
      if (in->value_next) enif_map_iterator_next(env, &in->of.map);
      in->value_next = !in->value_next;
      return true;
  }
  return false;
}

static regrow_term map_of(regrow_term *pairs, size_t count) {
  regrow_term *apart = calloc(2 * count + 1, sizeof *apart);
  if (apart == NULL) return invalid();
  for (size_t at = 0; at < count; at++) {
    apart[at] = pairs[2 * at];
    apart[count + at] = pairs[2 * at + 1];
  }
  memset(pairs, 0, 2 * count * sizeof *pairs);
  regrow_term map = regrow_map(apart, apart + count, count);
  free(apart);
  return map;
}

/* The term that a frame's values are the parts of; they are moved out. */
static regrow_term whole(const frame *in, values *made) {
  regrow_term *parts = made->at + in->base;
  size_t count = made->count - in->base;
  made->count = in->base;
  switch (in->what) {
    case IN_TUPLE: return regrow_tuple(parts, count);
    case IN_LIST: return regrow_list(parts, count);
    case IN_TAIL: {
      regrow_term list = parts[--count];
      while (count > 0) list = regrow_cons(parts[--count], list);
      return list;
    }
    case IN_MAP: return map_of(parts, count / 2);
  }
  return invalid();
}

static conversion leaf_alone(ErlNifEnv *env, ERL_NIF_TERM from, ErlNifTermType type, runtime *rt, allowance *left,
                             regrow_term *to) {
  bool over = !allowance_take(left, 0);
  if (over) return TOO_LARGE;
  *to = leaf_in(env, from, type, rt, left, &over);
  if (!over && regrow_is_valid(to)) return CONVERTED;
  regrow_term_free(to);
  return over ? TOO_LARGE : NOT_CONVERTED;
}

conversion term_in_within(ErlNifEnv *env, ERL_NIF_TERM from, runtime *rt, allowance *left, regrow_term *to) {
  ErlNifTermType type = enif_term_type(env, from);
  frames open;
  values made;
  bool over = false, good = true;
  if (!has_parts(env, from, type)) return leaf_alone(env, from, type, rt, left, to);
  frames_begin(&open);
  values_begin(&made);
  for (bool down = true; good && !over;) {
    if (down) {
      over = !allowance_take(left, 0);
      if (!over && has_parts(env, from, type)) {
        good = enter(env, from, type, &open, made.count);
      } else if (!over) {
        regrow_term leaf = leaf_in(env, from, type, rt, left, &over);
        good = regrow_is_valid(&leaf) && values_push(&made, leaf);
        if (!good) regrow_term_free(&leaf);
      }
      down = false;
    } else if (open.count == 0) {
      break;
    } else if (next_part(env, &open.at[open.count - 1], &from)) {
      type = enif_term_type(env, from);
      down = true;
    } else {
      frame *done = &open.at[--open.count];
      regrow_term term = whole(done, &made);
      if (done->what == IN_MAP) enif_map_iterator_destroy(env, &done->of.map);
      good = regrow_is_valid(&term) && values_push(&made, term);
      if (!good) regrow_term_free(&term);
    }
  }
  if (good && !over) {
    *to = made.at[0];
  } else {
    for (size_t at = 0; at < made.count; at++) regrow_term_free(&made.at[at]);
    for (size_t at = 0; at < open.count; at++)
      if (open.at[at].what == IN_MAP) enif_map_iterator_destroy(env, &open.at[at].of.map);
  }
  frames_end(&open);
  values_end(&made);
  return over ? TOO_LARGE : good ? CONVERTED : NOT_CONVERTED;
}

conversion term_in(ErlNifEnv *env, ERL_NIF_TERM from, runtime *rt, bool limited, regrow_term *to) {
  allowance left = allowance_of(limited);
  return term_in_within(env, from, rt, &left, to);
}
