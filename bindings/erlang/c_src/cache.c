/* Native pids and references that a scheduler has decoded lately. Their external form costs half a microsecond; a program
 * names the same few again and again. One cache for each thread, so there is no lock. */
#include "nif.h"

#define PLACES 256

typedef struct entry {
  ERL_NIF_TERM term;
  regrow_term native;
} entry;

typedef struct cache {
  /* Has the terms. */
  ErlNifEnv *env;
  size_t used;
  entry places[PLACES];
} cache;

/* Schedulers live as long as the BEAM, and so do their caches. */
static _Thread_local cache *mine;

static size_t place_of(ERL_NIF_TERM term) { return enif_hash(ERL_NIF_INTERNAL_HASH, term, 0) % PLACES; }

bool cache_find(ERL_NIF_TERM term, regrow_term *native) {
  if (mine == NULL) return false;
  const entry *found = &mine->places[place_of(term)];
  if (found->term == 0 || !enif_is_identical(found->term, term)) return false;
  *native = found->native;
  return true;
}

void cache_put(ERL_NIF_TERM term, const regrow_term *native) {
  /* These lie in the term itself, and own nothing. */
  if (!regrow_is_pid(native) && !regrow_is_ref(native)) return;
  if (mine == NULL) {
    mine = enif_alloc(sizeof *mine);
    if (mine == NULL) return;
    *mine = (cache){.env = enif_alloc_env()};
  }
  /* What was replaced is freed with all others. */
  if (mine->used == PLACES) {
    enif_clear_env(mine->env);
    *mine = (cache){.env = mine->env};
  }
  mine->places[place_of(term)] = (entry){enif_make_copy(mine->env, term), *native};
  mine->used++;
}
