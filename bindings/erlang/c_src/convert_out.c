/* Terms of regrow as terms of the BEAM: the way back from convert_in.c. Proxies become the pids they stand for. */
#include "nif.h"
#include "stack.h"

typedef struct frame {
  enum { IN_TUPLE, IN_LIST, IN_TAIL, IN_MAP } what;
  size_t base, next, count;
  /* The tuple or map, or what is left of the list. */
  const regrow_term *at;
} frame;

STACK(frames, frame, 8)
STACK(values, ERL_NIF_TERM, 32)

/* Through the external format. Functions can name atoms and modules that are not there; atoms.c counts them. */
static bool external_out(ErlNifEnv *env, const regrow_term *from, allowance *left, bool *over, ERL_NIF_TERM *to) {
  regrow_term external;
  const uint8_t *bytes;
  size_t size;
  if (regrow_term_encode(from, &external) != REGROW_OK) return false;
  bool good = regrow_as_bytes(&external, &bytes, &size);
  if (good && !allowance_take(left, size)) *over = true;
  good = good && !*over &&
         (enif_binary_to_term(env, bytes, size, to, ERL_NIF_BIN2TERM_SAFE) != 0 ||
          (atoms_take(1 + size / 4) && enif_binary_to_term(env, bytes, size, to, 0) != 0));
  regrow_term_free(&external);
  return good;
}

static bool leaf_out(ErlNifEnv *env, const regrow_term *from, runtime *rt, allowance *left, bool *over,
                     ERL_NIF_TERM *to) {
  const char *name;
  const uint8_t *bytes;
  unsigned char *room;
  double number;
  size_t size;
  regrow_pid native;
  ErlNifPid beam;
  if (regrow_is_nil(from)) {
    *to = enif_make_list(env, 0);
    return true;
  }
  if (regrow_as_atom(from, &name)) {
    if (!atom_out(env, name, to)) return false;
    cache_atom(*to, from);
    return true;
  }
  if (regrow_as_bytes(from, &bytes, &size)) {
    if (!allowance_take(left, size)) {
      *over = true;
      return false;
    }
    room = enif_make_new_binary(env, size, to);
    if (room == NULL) return false;
    if (size != 0) memcpy(room, bytes, size);
    return true;
  }
  if (regrow_as_float(from, &number)) {
    *to = enif_make_double(env, number);
    return true;
  }
  if (rt != NULL && regrow_as_pid(from, &native) && proxy_beam(rt, native, &beam)) {
    *to = enif_make_pid(env, &beam);
    return true;
  }
  if (regrow_is_resource(from)) {
    *to = parcel_out(env, from);
    return *to != 0;
  }
  if (cache_find_out(env, from, to)) return true;
  if (!external_out(env, from, left, over, to)) return false;
  cache_put(*to, from);
  return true;
}

/* What most terms are made of. */
static bool plain_out(ErlNifEnv *env, const regrow_term *from, ERL_NIF_TERM *to) {
  int64_t integer;
  if (cache_atom_out(from, to)) return true;
  if (!regrow_as_int(from, &integer)) return false;
  *to = enif_make_int64(env, integer);
  return true;
}

static bool enter(const regrow_term *from, frames *open, size_t base, bool *has_parts) {
  frame begun = {.base = base, .at = from};
  *has_parts = true;
  if (regrow_tuple_size(from, &begun.count)) {
    begun.what = IN_TUPLE;
  } else if (regrow_list_head(from) != NULL) {
    begun.what = IN_LIST;
  } else if (regrow_map_size(from, &begun.count)) {
    begun.what = IN_MAP;
  } else {
    *has_parts = false;
    return true;
  }
  return frames_push(open, begun);
}

static bool next_part(frame *in, const regrow_term **part) {
  const regrow_term *key, *value;
  switch (in->what) {
    case IN_TUPLE: return (*part = regrow_tuple_get(in->at, in->next++)) != NULL;
    case IN_LIST:
      if ((*part = regrow_list_head(in->at)) != NULL) {
        in->at = regrow_list_tail(in->at);
        return true;
      }
      if (regrow_is_nil(in->at)) return false;
      in->what = IN_TAIL;
      *part = in->at;
      return true;
    case IN_TAIL: return false;
    case IN_MAP:
      if (!regrow_map_at(in->at, in->next / 2, &key, &value)) return false;
      *part = in->next++ % 2 == 0 ? key : value;
      return true;
  }
  return false;
}

static bool map_of(ErlNifEnv *env, const ERL_NIF_TERM *pairs, size_t count, ERL_NIF_TERM *to) {
  ERL_NIF_TERM *apart = malloc((2 * count + 1) * sizeof *apart);
  if (apart == NULL) return false;
  for (size_t at = 0; at < count; at++) {
    apart[at] = pairs[2 * at];
    apart[count + at] = pairs[2 * at + 1];
  }
  bool good = enif_make_map_from_arrays(env, apart, apart + count, count, to) != 0;
  free(apart);
  return good;
}

static bool whole(ErlNifEnv *env, const frame *in, values *made, ERL_NIF_TERM *to) {
  const ERL_NIF_TERM *parts = made->at + in->base;
  size_t count = made->count - in->base;
  made->count = in->base;
  switch (in->what) {
    case IN_TUPLE: *to = enif_make_tuple_from_array(env, parts, (unsigned)count); return true;
    case IN_LIST: *to = enif_make_list_from_array(env, parts, (unsigned)count); return true;
    case IN_TAIL:
      *to = parts[--count];
      while (count > 0) *to = enif_make_list_cell(env, parts[--count], *to);
      return true;
    case IN_MAP: return map_of(env, parts, count / 2, to);
  }
  return false;
}

conversion term_out_within(ErlNifEnv *env, const regrow_term *from, runtime *rt, allowance *left, ERL_NIF_TERM *to) {
  ERL_NIF_TERM made_now = 0;
  frames open;
  values made;
  bool over = false, has_parts = false, good = true;
  frames_begin(&open);
  values_begin(&made);
  for (bool down = true; good && !over;) {
    if (down) {
      over = !allowance_take(left, 0);
      bool plain = !over && plain_out(env, from, &made_now);
      if (!over && !plain) good = enter(from, &open, made.count, &has_parts);
      if (!over && !plain && good && !has_parts) good = plain = leaf_out(env, from, rt, left, &over, &made_now);
      if (plain) good = values_push(&made, made_now);
      down = false;
    } else if (open.count == 0) {
      break;
    } else if (next_part(&open.at[open.count - 1], &from)) {
      down = true;
    } else {
      good = whole(env, &open.at[--open.count], &made, &made_now) && values_push(&made, made_now);
    }
  }
  if (good && !over) *to = made.at[0];
  frames_end(&open);
  values_end(&made);
  return over ? TOO_LARGE : good ? CONVERTED : NOT_CONVERTED;
}

conversion term_out(ErlNifEnv *env, const regrow_term *from, runtime *rt, bool limited, ERL_NIF_TERM *to) {
  allowance left = allowance_of(limited);
  return term_out_within(env, from, rt, &left, to);
}

ERL_NIF_TERM term_out_whole(ErlNifEnv *env, const regrow_term *from, runtime *rt) {
  ERL_NIF_TERM to, bytes = atoms.undefined;
  regrow_term external;
  const uint8_t *data;
  size_t size;
  if (term_out(env, from, rt, false, &to) == CONVERTED) return to;
  if (regrow_term_encode(from, &external) == REGROW_OK) {
    if (regrow_as_bytes(&external, &data, &size)) memcpy(enif_make_new_binary(env, size, &bytes), data, size);
    regrow_term_free(&external);
  }
  return enif_make_tuple2(env, atoms.undecodable, bytes);
}
