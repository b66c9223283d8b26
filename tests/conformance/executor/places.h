/* places.h - declarations made into child specs.
 *
 * A place is one entry of a supervision tree: what is declared, and below which supervisor. A declaration that is
 * started twice has two places, so that each child knows the incarnation of the supervisor that started it. Places
 * are made by main before a start and kept until the end of the run, as restarts come back to them. */
#ifndef EXECUTOR_PLACES_H
#define EXECUTOR_PLACES_H

#include "attempts.h"
#include "scenario.h"

struct place {
  const char *id;
  const struct line *declaration; /* NULL: spawned */
  const struct place *supervisor; /* NULL: started by main */
  bool is_supervisor;             /* of any kind */
  bool is_dynamic;                /* a dsup: starts empty, stops all children at once */
  bool is_simple;                 /* a simple_one_for_one: likewise, with one template for all */
  bool traps_exits;
  bool is_refused;                /* it holds a value that regrow.h has no way to say */
  struct attempt *latest;         /* of a supervisor, under the lock of attempts.h */

  regrow_term id_term;
  regrow_server_spec server;
  regrow_supervisor_spec supervisor_spec;
  regrow_dynamic_supervisor_spec dynamic_spec;
  regrow_child_spec child;        /* give this to regrow_start_link and the like */
  struct place **children;
  size_t child_count;
  struct place *next;
};

void places_use(const struct scenario *scenario);
const struct line *places_declaration(const char *id); /* NULL: not declared */
struct place *place_of_declaration(const struct line *declaration, const struct place *supervisor);
struct place *place_of_spawned(const char *id, bool traps_exits);
void places_free(void);

/* A new attempt in this place, made in the process itself: labelled, watched by the recorder, with its init in the
 * trace. `id` is the place's own, or that of an instance of a template. */
struct attempt *place_begin(struct place *place, const char *id);

#endif
