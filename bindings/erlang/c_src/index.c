/* Numbers by number: a hash table with open addressing. Its owner's lock guards it. */
#include <stdlib.h>

#include "nif.h"

struct number_pair {
  /* 0: free. REMOVED: was used, a search goes on behind it. */
  uint64_t key, value;
};

#define REMOVED UINT64_MAX

static size_t place_of(const number_index *index, uint64_t key) {
  return (size_t)((key * 0x9E3779B97F4A7C15u) >> 20) & (index->room - 1);
}

static struct number_pair *pair_of(const number_index *index, uint64_t key) {
  if (index->room == 0) return NULL;
  for (size_t place = place_of(index, key);; place = (place + 1) & (index->room - 1)) {
    struct number_pair *pair = &index->pairs[place];
    if (pair->key == key) return pair;
    if (pair->key == 0) return NULL;
  }
}

bool index_find(const number_index *index, uint64_t key, uint64_t *value) {
  const struct number_pair *pair = pair_of(index, key);
  if (pair == NULL) return false;
  *value = pair->value;
  return true;
}

static void place_new(number_index *index, uint64_t key, uint64_t value) {
  size_t place = place_of(index, key);
  while (index->pairs[place].key != 0) place = (place + 1) & (index->room - 1);
  index->pairs[place] = (struct number_pair){key, value};
  index->used++;
  index->filled++;
}

/* Room for one more: what was removed goes, and the table is twice what is used at least. */
static bool make_room(number_index *index) {
  if (index->room != 0 && (index->filled + 1) * 4 <= index->room * 3) return true;
  size_t room = 64;
  while (room < (index->used + 1) * 2) room *= 2;
  number_index wider = {calloc(room, sizeof(struct number_pair)), room, 0, 0};
  if (wider.pairs == NULL) return false;
  for (size_t place = 0; place < index->room; place++) {
    struct number_pair pair = index->pairs[place];
    if (pair.key != 0 && pair.key != REMOVED) place_new(&wider, pair.key, pair.value);
  }
  free(index->pairs);
  *index = wider;
  return true;
}

bool index_put(number_index *index, uint64_t key, uint64_t value) {
  struct number_pair *pair = pair_of(index, key);
  if (pair != NULL) {
    pair->value = value;
    return true;
  }
  if (!make_room(index)) return false;
  place_new(index, key, value);
  return true;
}

bool index_remove(number_index *index, uint64_t key) {
  struct number_pair *pair = pair_of(index, key);
  if (pair == NULL) return false;
  pair->key = REMOVED;
  index->used--;
  return true;
}

bool index_at(const number_index *index, size_t *place, uint64_t *key, uint64_t *value) {
  for (; *place < index->room; ++*place) {
    const struct number_pair *pair = &index->pairs[*place];
    if (pair->key == 0 || pair->key == REMOVED) continue;
    *key = pair->key;
    *value = pair->value;
    ++*place;
    return true;
  }
  return false;
}

void index_free(number_index *index) {
  free(index->pairs);
  *index = (number_index){0};
}
