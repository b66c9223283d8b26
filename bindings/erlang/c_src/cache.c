/* What a thread has converted lately, both ways: atoms, for which both sides have tables of their own, and native pids
 * and references, whose external form costs half a microsecond. A program names the same few again and again. One cache
 * for each thread, so there is no lock.
 *
 * A term that owns nothing is known by its two words. Atoms are never freed on either side, and native pids and
 * references are never used again, so what is kept here stays true. */
#include "nif.h"

#define PLACES 256
#define ATOMS 128

typedef struct entry {
  ERL_NIF_TERM term;
  regrow_term native;
} entry;

static bool is_same(const regrow_term *one, const regrow_term *other) {
  return one->value == other->value && one->meta == other->meta;
}

/* ---- atoms ---- */

static _Thread_local entry atoms_in[ATOMS], atoms_out[ATOMS];

/* The low bits of an atom say that it is one. */
static entry *by_atom(ERL_NIF_TERM atom) { return &atoms_in[(atom >> 6) % ATOMS]; }
static entry *by_native_atom(const regrow_term *native) { return &atoms_out[native->value % ATOMS]; }

bool cache_atom_in(ERL_NIF_TERM atom, regrow_term *native) {
  const entry *found = by_atom(atom);
  if (found->term != atom) return false;
  *native = found->native;
  return true;
}

bool cache_atom_out(const regrow_term *native, ERL_NIF_TERM *atom) {
  const entry *found = by_native_atom(native);
  if (found->term == 0 || !is_same(&found->native, native)) return false;
  *atom = found->term;
  return true;
}

void cache_atom(ERL_NIF_TERM atom, const regrow_term *native) {
  *by_atom(atom) = *by_native_atom(native) = (entry){atom, *native};
}

/* ---- pids and references ---- */

typedef struct cache {
  /* Has the terms. */
  ErlNifEnv *env;
  size_t used;
  /* By the term, and by the native one. */
  entry in[PLACES], out[PLACES];
} cache;

/* Schedulers live as long as the BEAM, and so do their caches; other threads have none. */
static _Thread_local cache *mine;

static entry *by_term(ERL_NIF_TERM term) { return &mine->in[enif_hash(ERL_NIF_INTERNAL_HASH, term, 0) % PLACES]; }
static entry *by_native(const regrow_term *native) { return &mine->out[native->value % PLACES]; }

bool cache_find(ERL_NIF_TERM term, regrow_term *native) {
  if (mine == NULL) return false;
  const entry *found = by_term(term);
  if (found->term == 0 || !enif_is_identical(found->term, term)) return false;
  *native = found->native;
  return true;
}

bool cache_find_out(ErlNifEnv *env, const regrow_term *native, ERL_NIF_TERM *term) {
  if (mine == NULL) return false;
  const entry *found = by_native(native);
  if (found->term == 0 || !is_same(&found->native, native)) return false;
  *term = enif_make_copy(env, found->term);
  return true;
}

void cache_put(ERL_NIF_TERM term, const regrow_term *native) {
  /* These lie in the term itself, and own nothing. */
  if (!regrow_is_pid(native) && !regrow_is_ref(native)) return;
  if (mine == NULL) {
    if (enif_thread_type() == ERL_NIF_THR_UNDEFINED) return;
    mine = enif_alloc(sizeof *mine);
    if (mine == NULL) return;
    *mine = (cache){.env = enif_alloc_env()};
  }
  /* What was replaced is freed with all others. */
  if (mine->used == PLACES) {
    enif_clear_env(mine->env);
    *mine = (cache){.env = mine->env};
  }
  entry made = {enif_make_copy(mine->env, term), *native};
  *by_term(term) = *by_native(native) = made;
  mine->used++;
}
