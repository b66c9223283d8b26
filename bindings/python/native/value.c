/* value.c - see value.h. Included by the extension module. */
#include "value.h"

#include <stdlib.h>
#include <string.h>

static void rp_object_drop(void *object);

/* ---- bytes that grow ---- */

struct bytes {
  char *data;
  size_t size, room;
  bool failed;
};

static void add(struct bytes *bytes, const void *data, size_t size)
{
  if (bytes->room - bytes->size < size) {
    size_t room = bytes->room * 2 + size + 64;
    char *larger = bytes->failed ? NULL : realloc(bytes->data, room);
    if (!larger) {
      bytes->failed = true;
      return;
    }
    bytes->data = larger;
    bytes->room = room;
  }
  memcpy(bytes->data + bytes->size, data, size);
  bytes->size += size;
}

static void add_word(struct bytes *bytes, char tag, uint64_t word)
{
  add(bytes, &tag, 1);
  add(bytes, &word, sizeof word);
}

static void add_count(struct bytes *bytes, char tag, size_t count)
{
  uint32_t few = (uint32_t)count;
  if (count > UINT32_MAX)
    bytes->failed = true;
  add(bytes, &tag, 1);
  add(bytes, &few, sizeof few);
}

static void add_run(struct bytes *bytes, char tag, const void *data, size_t size)
{
  add_count(bytes, tag, size);
  add(bytes, data, size);
}

/* ---- out of a term ---- */

/* A container that is being read: which item is next. Of a list `term` is the rest of it. */
struct open {
  const regrow_term *term;
  size_t next, count;
  char tag;
};

struct opened {
  struct open *items;
  size_t count, room;
};

static struct open *push_open(struct opened *opened, struct bytes *bytes)
{
  if (opened->count == opened->room) {
    size_t room = opened->room * 2 + 16;
    struct open *larger = realloc(opened->items, room * sizeof *larger);
    if (!larger) {
      bytes->failed = true;
      return NULL;
    }
    opened->items = larger;
    opened->room = room;
  }
  return memset(&opened->items[opened->count++], 0, sizeof(struct open));
}

static bool open_container(const regrow_term *term, struct opened *opened, struct bytes *bytes)
{
  struct open open = { .term = term };
  if (regrow_tuple_size(term, &open.count))
    open.tag = 't';
  else if (regrow_map_size(term, &open.count))
    open.tag = 'm';
  else if (regrow_is_list(term))
    open.tag = 'l';
  else
    return false;
  struct open *place = push_open(opened, bytes);
  if (place)
    *place = open;
  return true;
}

static void add_opaque(const regrow_term *term, struct bytes *bytes)
{
  regrow_term *cell = malloc(sizeof *cell);
  if (!cell) {
    bytes->failed = true;
    return;
  }
  *cell = regrow_term_clone(term);
  void *pointer = NULL;
  regrow_as_resource(term, &pointer);
  uint64_t resource = (uint64_t)(uintptr_t)pointer;
  add_word(bytes, 'O', (uint64_t)(uintptr_t)cell);
  add(bytes, &resource, sizeof resource);
}

/* Everything but containers. */
static void add_scalar(const regrow_term *term, struct bytes *bytes)
{
  int64_t integer;
  double real;
  const char *name;
  const uint8_t *data;
  size_t size;
  regrow_pid pid;
  regrow_ref reference;
  regrow_table table;
  regrow_term external;
  uint64_t number;
  if (regrow_as_int(term, &integer)) {
    add_word(bytes, 'i', (uint64_t)integer);
  } else if (regrow_as_bytes(term, &data, &size)) {
    add_run(bytes, 'b', data, size);
  } else if (regrow_as_atom(term, &name)) {
    add_run(bytes, 'a', name, strlen(name));
  } else if (regrow_is_nil(term)) {
    add(bytes, "n", 1);
  } else if (regrow_as_float(term, &real)) {
    memcpy(&number, &real, sizeof number);
    add_word(bytes, 'd', number);
  } else if (regrow_as_pid(term, &pid)) {
    add_word(bytes, 'p', pid.id);
  } else if (regrow_as_table(term, &table)) {
    add_word(bytes, 'g', table.id);
  } else if (regrow_as_ref(term, &reference)) {
    add_word(bytes, 'r', reference.id);
  } else if (regrow_is_int(term) && !regrow_term_encode(term, &external)) {
    regrow_as_bytes(&external, &data, &size);
    add_run(bytes, 'E', data, size);
    regrow_term_free(&external);
  } else {
    add_opaque(term, bytes);
  }
}

/* Goes on with the innermost container. NULL: it is complete, and so written. */
static const regrow_term *next_item(struct opened *opened, struct bytes *bytes)
{
  struct open *open = &opened->items[opened->count - 1];
  const regrow_term *item = NULL, *key, *value;
  switch (open->tag) {
  case 't':
    item = regrow_tuple_get(open->term, open->next);
    break;
  case 'm':
    if (regrow_map_at(open->term, open->next / 2, &key, &value))
      item = open->next % 2 ? value : key;
    break;
  case 'L':
    break; /* the tail has been written */
  default:
    item = regrow_list_head(open->term);
    if (item) {
      open->term = regrow_list_tail(open->term);
    } else if (!regrow_is_nil(open->term)) {
      open->tag = 'L';
      return open->term;
    }
  }
  if (item) {
    open->next++;
    return item;
  }
  add_count(bytes, open->tag, open->tag == 't' || open->tag == 'm' ? open->count : open->next);
  opened->count--;
  return NULL;
}

static void pack(const regrow_term *term, struct bytes *bytes)
{
  struct opened opened = { 0 };
  for (;;) {
    if (term && (regrow_is_nil(term) || !open_container(term, &opened, bytes)))
      add_scalar(term, bytes);
    if (!opened.count || bytes->failed)
      break;
    term = next_item(&opened, bytes);
    if (!term && !opened.count)
      break;
  }
  free(opened.items);
}

rp_value rp_read(const regrow_term *term)
{
  rp_value value = { .kind = RP_NOTHING };
  const char *name;
  regrow_pid pid;
  regrow_ref reference;
  regrow_table table;
  if (!regrow_is_valid(term)) {
    value.kind = RP_NOTHING;
  } else if (regrow_as_int(term, &value.integer)) {
    value.kind = RP_INT;
  } else if (regrow_as_atom(term, &name)) {
    value.kind = RP_ATOM;
    value.text = name;
  } else if (regrow_is_nil(term)) {
    value.kind = RP_NIL;
  } else if (regrow_as_float(term, &value.real)) {
    value.kind = RP_FLOAT;
  } else if (regrow_as_pid(term, &pid)) {
    value.kind = RP_PID;
    value.id = pid.id;
  } else if (!regrow_as_table(term, &table) && regrow_as_ref(term, &reference)) {
    value.kind = RP_REF;
    value.id = reference.id;
  } else {
    struct bytes bytes = { 0 };
    pack(term, &bytes);
    if (bytes.failed) {
      free(bytes.data);
      value.error = REGROW_ERR_LIMIT;
    } else {
      value.kind = RP_PACKED;
      value.text = bytes.data;
      value.integer = (int64_t)bytes.size;
    }
  }
  return value;
}

rp_value rp_take(regrow_error error, regrow_term *term)
{
  rp_value value = { .kind = RP_NOTHING, .error = (int32_t)error };
  if (!error) {
    value = rp_read(term);
    regrow_term_free(term);
  }
  return value;
}

void rp_free(const char *packed)
{
  free((void *)(uintptr_t)packed);
}

void rp_cell_free(uint64_t cell)
{
  regrow_term *term = (regrow_term *)(uintptr_t)cell;
  regrow_term_free(term);
  free(term);
}

regrow_term rp_object(uint64_t number)
{
  return regrow_resource((void *)(uintptr_t)number, rp_object_drop);
}

/* ---- into a term ---- */

struct terms {
  regrow_term *items, few[16];
  size_t count, room;
};

static bool push_term(struct terms *terms, regrow_term term)
{
  if (terms->count == terms->room) {
    size_t room = terms->room * 2;
    regrow_term *larger = realloc(terms->items == terms->few ? NULL : terms->items, room * sizeof term);
    if (!larger) {
      regrow_term_free(&term);
      return false;
    }
    if (terms->items == terms->few)
      memcpy(larger, terms->few, sizeof terms->few);
    terms->items = larger;
    terms->room = room;
  }
  terms->items[terms->count++] = term;
  return true;
}

static regrow_term make_map(regrow_term *pairs, size_t count)
{
  regrow_term *keys = malloc((2 * count + 1) * sizeof *keys), *values = keys + count;
  if (!keys) {
    for (size_t index = 0; index < 2 * count; index++)
      regrow_term_free(&pairs[index]);
    return regrow_atom(NULL); /* the invalid term */
  }
  for (size_t index = 0; index < count; index++) {
    keys[index] = pairs[2 * index];
    values[index] = pairs[2 * index + 1];
  }
  regrow_term map = regrow_map(keys, values, count);
  free(keys);
  return map;
}

static regrow_term make_improper(regrow_term *items, size_t count)
{
  regrow_term list = items[count];
  while (count--)
    list = regrow_cons(items[count], list);
  return list;
}

static regrow_term make_atom(const char *data, size_t size)
{
  char name[1024];
  if (size >= sizeof name)
    return regrow_atom(NULL);
  memcpy(name, data, size);
  name[size] = 0;
  return regrow_atom(name);
}

static bool make_container(struct terms *terms, char tag, size_t count)
{
  size_t taken = tag == 'm' ? 2 * count : tag == 'L' ? count + 1 : count;
  if (terms->count < taken)
    return false;
  terms->count -= taken;
  regrow_term *items = terms->items + terms->count;
  return push_term(terms, tag == 't'   ? regrow_tuple(items, count)
                          : tag == 'l' ? regrow_list(items, count)
                          : tag == 'm' ? make_map(items, count)
                                       : make_improper(items, count));
}

/* One item of what was packed; gives how many bytes it took behind its tag, or -1. */
static int64_t make_one(struct terms *terms, char tag, const char *data, size_t left)
{
  uint64_t word = 0;
  uint32_t count = 0;
  double real;
  regrow_term term;
  switch (tag) {
  case 'n':
    return push_term(terms, regrow_nil()) ? 0 : -1;
  case 'i': case 'd': case 'p': case 'r': case 'g': case 'o': case 'h':
    if (left < sizeof word)
      return -1;
    memcpy(&word, data, sizeof word);
    memcpy(&real, data, sizeof real);
    term = tag == 'i'   ? regrow_int((int64_t)word)
           : tag == 'd' ? regrow_float(real)
           : tag == 'p' ? regrow_from_pid((regrow_pid){ word })
           : tag == 'r' ? regrow_from_ref((regrow_ref){ word })
           : tag == 'g' ? regrow_from_table((regrow_table){ word })
           : tag == 'o' ? regrow_term_clone((const regrow_term *)(uintptr_t)word)
                        : rp_object(word);
    return push_term(terms, term) ? (int64_t)sizeof word : -1;
  case 'a': case 'b': case 'E':
    if (left < sizeof count)
      return -1;
    memcpy(&count, data, sizeof count);
    if (left - sizeof count < count)
      return -1;
    data += sizeof count;
    if (tag == 'E') {
      if (regrow_term_decode(data, count, &term))
        return -1;
    } else {
      term = tag == 'a' ? make_atom(data, count) : regrow_bytes(data, count);
    }
    return push_term(terms, term) ? (int64_t)(sizeof count + count) : -1;
  case 't': case 'l': case 'L': case 'm':
    if (left < sizeof count)
      return -1;
    memcpy(&count, data, sizeof count);
    return make_container(terms, tag, count) ? (int64_t)sizeof count : -1;
  default:
    return -1;
  }
}

int32_t rp_make(const char *packed, size_t size, regrow_term *term)
{
  struct terms terms = { .items = terms.few, .room = sizeof terms.few / sizeof *terms.few };
  bool is_whole = true;
  for (size_t at = 0; at < size;) {
    char tag = packed[at++];
    int64_t taken = make_one(&terms, tag, packed + at, size - at);
    if (taken < 0) {
      is_whole = false;
      break;
    }
    at += (size_t)taken;
  }
  is_whole = is_whole && terms.count == 1;
  if (is_whole)
    *term = terms.items[0];
  else
    for (size_t index = 0; index < terms.count; index++)
      regrow_term_free(&terms.items[index]);
  if (terms.items != terms.few)
    free(terms.items);
  return is_whole ? 0 : RP_MALFORMED;
}
