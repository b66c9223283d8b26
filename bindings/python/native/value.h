/* value.h - terms on their way into Python and out of it, each in one piece.
 *
 * A call from Python into C costs as much as a hundred nanoseconds and gives the interpreter's lock up and back, so a
 * term is not read item by item: scalars come as an rp_value, everything else as one run of packed bytes. Packed bytes
 * are in postfix order, so neither side recurses: a tag, what belongs to it, and containers after their items.
 *
 *   n                    the empty list             p r g  8 bytes: a pid, a ref, a table
 *   i  8 bytes           an integer                 t l    4 bytes: a tuple, a list of so many items
 *   E  4 bytes, bytes    a larger one, in Erlang's  L      4 bytes: a list of so many items, and its tail
 *                        external format            m      4 bytes: a map of so many keys and values, in turn
 *   d  8 bytes           a float                    o      8 bytes: a term that Python does not look into, in a
 *   a  4 bytes, bytes    an atom                           cell of its own (rp_cell_free). On the way out it
 *   b  4 bytes, bytes    bytes                             is O, and 8 more bytes are a resource's pointer
 *                                                   h      8 bytes: a Python object, by its number
 *
 * Numbers are the machine's own. */
#ifndef REGROW_PYTHON_VALUE_H
#define REGROW_PYTHON_VALUE_H

#include <regrow.h>

enum { RP_NOTHING, RP_INT, RP_FLOAT, RP_PID, RP_REF, RP_ATOM, RP_NIL, RP_PACKED };

/* rp_make(): what was packed is malformed, or there is no memory. Not one of regrow's codes. */
enum { RP_MALFORMED = -1 };

typedef struct rp_value {
  int32_t kind;     /* RP_...: which of the others to read */
  int32_t error;    /* a regrow_error, or RP_MALFORMED: there is no value */
  int64_t integer;  /* of RP_INT; of RP_PACKED the number of bytes */
  uint64_t id;      /* of RP_PID, RP_REF */
  double real;      /* of RP_FLOAT */
  const char *text; /* of RP_ATOM: its name, for ever; of RP_PACKED: to be given to rp_free() */
} rp_value;

/* Reads a term, which stays as it is. */
rp_value rp_read(const regrow_term *term);

/* Reads a term and frees it; `error` is that of the call that gave it. */
rp_value rp_take(regrow_error error, regrow_term *term);

/* Makes a term out of packed bytes. `*term` is left alone when it fails. */
int32_t rp_make(const char *packed, size_t size, regrow_term *term);

void rp_free(const char *packed);

/* A cell holds one term. */
void rp_cell_free(uint64_t cell);

/* A Python object as a term: rp_object_drop is called with its number when the last of it is gone. */
regrow_term rp_object(uint64_t number);

#endif
