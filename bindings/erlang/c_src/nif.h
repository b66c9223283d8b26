/* What the files of the NIF share. Each .c file has one purpose, told at its head.
 *
 * Threads: a NIF runs on a scheduler of the BEAM and must return within a millisecond; callbacks of regrow run on
 * workers of regrow, or on the thread that gave rise to them, which can be a scheduler. Messages to the BEAM go
 * through message_send(), which knows the difference. */
#ifndef REGROW_NIF_H
#define REGROW_NIF_H

#include <erl_nif.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "regrow.h"

/* ---- entry.c: how a NIF is entered and left ---- */

typedef ERL_NIF_TERM nif_function(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[]);

/* Runs the body of a NIF. When it asked for that by nif_too_large(), it is run once more on a dirty scheduler. */
ERL_NIF_TERM nif_run(ErlNifEnv *env, const char *name, nif_function *body, nif_function *whole, int argc,
                     const ERL_NIF_TERM argv[]);

/* Said by the body of a NIF, before anything has happened: its terms are too large for an ordinary scheduler. */
ERL_NIF_TERM nif_too_large(void);

/* Whether this thread may convert only so much at once. */
bool nif_is_limited(void);

/* Sends a message and frees its environment. From any thread. False: the receiver is dead. */
bool message_send(ErlNifPid *to, ErlNifEnv *message_env, ERL_NIF_TERM message);

#define NIF(name)                                                                                  \
  static ERL_NIF_TERM name##_body(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[]);            \
  ERL_NIF_TERM name(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[]) {                         \
    return nif_run(env, #name, name##_body, name, argc, argv);                                     \
  }                                                                                                \
  static ERL_NIF_TERM name##_body(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[])

/* ---- atoms.c ---- */

extern struct atoms {
  ERL_NIF_TERM ok, error, undefined, gen_call, regrow, infinity, brutal_kill, none, wait, monitor, exit, signal, closed,
      caller, local, undecodable, again, true_, false_;
} atoms;

void atoms_load(ErlNifEnv *env);

/* The atom of that name (UTF-8), if the BEAM has it, or may get it: so many names may come from native code. */
bool atom_out(ErlNifEnv *env, const char *name, ERL_NIF_TERM *atom);

/* Whether so many atoms more may be made; takes them off. */
bool atoms_take(size_t count);

/* ---- types.c: types of resources that outlive their module ---- */

/* The type now, and those before it: of modules that were purged while their resources were still held. */
typedef struct resource_types {
  ErlNifResourceType *at[16];
} resource_types;

bool types_add(resource_types *types, ErlNifResourceType *type);
bool types_get(ErlNifEnv *env, ERL_NIF_TERM term, const resource_types *types, void **object);

/* ---- index.c: numbers by number ---- */

typedef struct number_index {
  struct number_pair *pairs;
  size_t room, used, filled;
} number_index;

bool index_find(const number_index *index, uint64_t key, uint64_t *value);
/* False: no memory. Keys are not 0. */
bool index_put(number_index *index, uint64_t key, uint64_t value);
/* The next pair from `*place` on, which begins with 0; false: there is none. */
bool index_at(const number_index *index, size_t *place, uint64_t *key, uint64_t *value);
bool index_remove(number_index *index, uint64_t key);
void index_free(number_index *index);

/* ---- runtime.c: the runtimes of this BEAM ---- */

typedef struct runtime {
  atomic_uint references;
  /* No process of the BEAM is told to exit any more: the runtime ends, not they. */
  atomic_bool closing;
  regrow_pid root;
  /* The process of the BEAM that does what a NIF cannot: see regrow_steward.erl. */
  ErlNifPid steward;
  /* How many proxies there were; the steward counts them too. */
  atomic_ullong proxies_made;
  /* Over the two indexes and the ring. */
  pthread_rwlock_t lock;
  /* Local pids of the BEAM to their proxies, while these live ... */
  number_index proxies;
  /* Proxies that the steward has not been told of. */
  number_index fresh;
  /* Proxies to the aliases by which they are told what no limit may hold up. */
  number_index aliases;
  /* ... and back; also of the last proxies that ended, so that a term which names one still comes back as it was. */
  number_index beam_pids;
  uint64_t *ended;
  size_t ended_next;
  /* Tables to their owners, where these are processes of the BEAM. */
  number_index owners;
  size_t owners_swept;
  /* See attention.c. */
  number_index attended;
  struct runtime *next;
} runtime;

#define ENDED_PROXIES_KEPT 65536

bool runtime_load(ErlNifEnv *env, ErlNifResourceFlags flags);
/* The runtime of a native process; to be given back. NULL: none of ours. */
runtime *runtime_of(regrow_pid pid);
runtime *runtime_keep(runtime *rt);
void runtime_release(runtime *rt);

nif_function nif_start, nif_shutdown, nif_root, nif_steward, nif_is_native;

/* Reads the handle of a runtime, or a native pid. False: neither. */
bool pid_in(ErlNifEnv *env, ERL_NIF_TERM term, regrow_pid *pid);

/* ---- convert_in.c, convert_out.c: terms both ways ---- */

typedef enum { CONVERTED, TOO_LARGE, NOT_CONVERTED } conversion;

/* What an ordinary scheduler converts at once. */
#define ELEMENTS_AT_ONCE 1000
#define BYTES_AT_ONCE 65536

/* What is left of that. */
typedef struct allowance {
  bool limited;
  size_t elements, bytes;
} allowance;

static inline allowance allowance_of(bool limited) {
  return (allowance){limited, ELEMENTS_AT_ONCE, BYTES_AT_ONCE};
}

/* Takes one element of so many bytes off; false: it is too much. */
static inline bool allowance_take(allowance *left, size_t bytes) {
  if (!left->limited) return true;
  if (left->elements == 0 || left->bytes < bytes) return false;
  left->elements--;
  left->bytes -= bytes;
  return true;
}

/* From the BEAM. `rt` may be NULL: then pids of the BEAM stay opaque. */
conversion term_in(ErlNifEnv *env, ERL_NIF_TERM from, runtime *rt, bool limited, regrow_term *to);
/* The same within what is left. */
conversion term_in_within(ErlNifEnv *env, ERL_NIF_TERM from, runtime *rt, allowance *left, regrow_term *to);
/* To the BEAM. NOT_CONVERTED: it names atoms that the BEAM has not and may not get, or there is no memory. */
conversion term_out(ErlNifEnv *env, const regrow_term *from, runtime *rt, bool limited, ERL_NIF_TERM *to);
conversion term_out_within(ErlNifEnv *env, const regrow_term *from, runtime *rt, allowance *left, ERL_NIF_TERM *to);
/* As term_out() without a limit; what cannot be converted comes as {regrow_undecodable, ExternalFormat}. */
ERL_NIF_TERM term_out_whole(ErlNifEnv *env, const regrow_term *from, runtime *rt);

/* ---- cache.c: atoms, native pids and references that were converted lately ---- */

bool cache_find(ERL_NIF_TERM term, regrow_term *native);
bool cache_find_out(ErlNifEnv *env, const regrow_term *native, ERL_NIF_TERM *term);
/* Of any other term nothing is kept. */
void cache_put(ERL_NIF_TERM term, const regrow_term *native);

bool cache_atom_in(ERL_NIF_TERM atom, regrow_term *native);
bool cache_atom_out(const regrow_term *native, ERL_NIF_TERM *atom);
void cache_atom(ERL_NIF_TERM atom, const regrow_term *native);

/* ---- parcel.c: native terms that the BEAM only holds ---- */

bool parcel_load(ErlNifEnv *env, ErlNifResourceFlags flags);
/* A native resource as an opaque reference, and back. */
ERL_NIF_TERM parcel_out(ErlNifEnv *env, const regrow_term *term);
bool parcel_in(ErlNifEnv *env, ERL_NIF_TERM term, regrow_term *native);
/* {ok, Term} now, or on a dirty scheduler when it is large. Takes the term. */
ERL_NIF_TERM result_out(ErlNifEnv *env, runtime *rt, regrow_term term);

/* ---- errors.c ---- */

/* Errors of ours beside those of regrow: whoever was found is a process of the BEAM that is dead. */
#define ERROR_STALE ((regrow_error)10000)
#define ERROR_NOT_JOINED ((regrow_error)10001)
/* A table's owner is one that is dead, and its proxy is about to end. */
#define ERROR_OWNER_GONE ((regrow_error)10002)
/* There is more to do than an ordinary scheduler does at once; nothing was done. */
#define ERROR_TOO_MUCH ((regrow_error)10003)

/* The reason of an error that a function of regrow has just given to this thread or process; yours. */
regrow_term error_reason(regrow_error error);
/* The same where the reason came with the error. */
regrow_term error_told(regrow_error error, const regrow_term *reason);
/* {error, Reason}; for REGROW_ERR_ARGUMENT the exception badarg. */
ERL_NIF_TERM error_out(ErlNifEnv *env, runtime *rt, regrow_error error);

/* ---- proxy.c: processes of the BEAM as native processes ---- */

/* The proxy of a local process. False: it is dead, or there can be no proxy. */
bool proxy_of(ErlNifEnv *env, runtime *rt, const ErlNifPid *beam, regrow_pid *native);
/* The process that a native pid stands for. False: it is a native process. */
bool proxy_beam(runtime *rt, regrow_pid native, ErlNifPid *beam);
/* Whether a native pid stands for a process of the BEAM that is dead. */
bool proxy_is_stale(runtime *rt, regrow_pid native);
/* Whether this NIF has made a proxy, or found one that another has made this moment. Before that is used it must
 * trap exits, and the steward must monitor the process, or the reason of an end could be lost. So the NIF undoes what
 * it has done and returns this, {again, Steward, Count}: it is called again when the steward has heard of so many.
 * Forgets it. */
bool proxy_is_new(ErlNifEnv *env, ERL_NIF_TERM *again);
/* A process of the BEAM has got a table. */
void table_is_owned(runtime *rt, regrow_table table, const ErlNifPid *owner);
/* Whether the owner of a table is dead, and has the table all the same. */
bool table_is_stale(runtime *rt, regrow_table table);
/* The proxy that runs traps exits from now on. */
void proxy_traps(void);
/* The process of the proxy that runs has so many messages to read. */
void proxy_credit(uint32_t unread);
/* Tells a proxy something that its mailbox must take, however many messages its process has to read. Takes the term. */
void proxy_tell(runtime *rt, regrow_pid proxy, regrow_term message);
/* Of the process that has asked for the operation that runs as its proxy: what it monitors, and is linked with. */
void proxy_monitors(regrow_ref reference, regrow_pid pid);
void proxy_demonitors(regrow_ref reference);
void proxy_links(regrow_pid pid, bool linked);
/* The process that has asked for the operation that runs as its proxy; false: none. */
bool proxy_acting(ErlNifPid *beam);

nif_function nif_ended, nif_answer, nif_credit;

/* ---- attention.c: what regrow_settle() waits for on the BEAM ---- */

/* A message of native code is on its way to a process: the runtime is not quiet until that has dealt with it. */
void attention_delivered(runtime *rt, const ErlNifPid *beam);
/* An answer is; it counts for who got a message before, and has asked for this on account of it. */
void attention_answered(runtime *rt, const ErlNifPid *beam);
/* A busy token for something else that the steward does to a process, which tells regrow_attention of it; 0: none. */
uint64_t attention_token(runtime *rt);

nif_function nif_look, nif_at_rest, nif_done;

/* ---- waiter.c: who gets {Ref, {ok, Value}} or {Ref, {error, Reason}} ---- */

typedef struct waiter waiter;

/* NULL: no memory. */
waiter *waiter_new(ErlNifEnv *env, ERL_NIF_TERM reference, runtime *rt);
/* Once; what comes later is not sent. */
void waiter_tell(waiter *who, regrow_error error, const regrow_term *value);
/* One that was told nothing hears {error, not_alive}. */
void waiter_free(void *who);
/* Frees one that is to hear nothing. */
void waiter_forget(waiter *who);
/* Has the waiter told of the outcome, and freed. */
void waiter_await(waiter *who, regrow_request *request);

/* ---- operations.c, operation.c: what regrow is asked ---- *
 *
 * Each operation by its name: arguments and results are terms of regrow, so that it runs the same on a scheduler, in a
 * native process and as a proxy. The Erlang modules check types; what is wrong all the same is REGROW_ERR_ARGUMENT. */

#define ITEMS_AT_MOST 6

/* The arguments of an operation. */
typedef struct arguments {
  regrow_pid pid;
  /* As many as the operation says. */
  const regrow_term *items;
  runtime *rt;
} arguments;

typedef regrow_error operate(const arguments *given, regrow_term *result);

/* Where an operation runs. */
typedef enum {
  /* At once, on the scheduler: it is over in microseconds. */
  RUN_NOW,
  /* As RUN_NOW, on a dirty scheduler: it looks at many things. */
  RUN_DIRTY,
  /* In a native process of its own, which may wait. */
  RUN_PROCESS,
  /* As the proxy of the caller: what it makes is the caller's. */
  RUN_CALLER,
  /* On a thread of its own: it may not be a process. */
  RUN_THREAD
} run_where;

typedef struct operation {
  const char *name;
  operate *run;
  run_where where;
  size_t count;
} operation;

bool operations_load(ErlNifEnv *env);
/* The operation that goes by an atom; NULL: none. */
const operation *operation_named(ERL_NIF_TERM name);

nif_function nif_now, nif_later;
/* In a process of ours: has a proxy link itself with a process. */
regrow_error operation_link(runtime *rt, regrow_pid proxy, regrow_pid pid);
/* The message that has a proxy trap exits. */
regrow_term operation_trap_exit(void);
/* The message that tells a proxy how many messages its process has to read. */
regrow_term operation_credit(uint32_t unread);
/* Told by a proxy: a message of ours, to be run as that process. True: it was one. */
bool operation_delivered(const regrow_term *message);

/* ---- lookup.c: what registries are asked most ---- */

nif_function nif_registry_lookup, nif_registry_whereis, nif_number;

/* ---- keeper.c: modules of the BEAM as children of native supervisors ---- */

bool keeper_load(void);

/* ---- parent.c: processes whose parent is one of the BEAM ---- */

operate parent_start_link;

/* ---- call.c: messages ---- */

nif_function nif_call, nif_call_many, nif_send, nif_cast, nif_is_alive;

/* ---- spec.c: child specs out of maps ---- */

typedef struct spec_memory spec_memory;

/* Reads #{kind, id, ...}: see regrow:start/2. `memory` is freed by spec_free() once the spec was used. */
regrow_error spec_read(const regrow_term *map, regrow_child_spec *spec, spec_memory **memory);
void spec_free(spec_memory *memory);

#endif
