/* Native terms that the BEAM only holds: resources of C programs, which it cannot look into, and results that are
 * too large to be converted on an ordinary scheduler. */
#include "nif.h"

static resource_types parcels;

typedef struct parcel {
  regrow_term term;
} parcel;

static void parcel_drop(ErlNifEnv *env, void *object) {
  (void)env;
  regrow_term_free(&((parcel *)object)->term);
}

bool parcel_load(ErlNifEnv *env, ErlNifResourceFlags flags) {
  ErlNifResourceType *type = enif_open_resource_type(env, NULL, "regrow_parcel", parcel_drop, flags, NULL);
  return types_add(&parcels, type);
}

/* Takes the term. */
static ERL_NIF_TERM pack(ErlNifEnv *env, regrow_term term) {
  parcel *made = enif_alloc_resource(parcels.at[0], sizeof *made);
  if (made == NULL) {
    regrow_term_free(&term);
    return 0;
  }
  made->term = term;
  ERL_NIF_TERM reference = enif_make_resource(env, made);
  enif_release_resource(made);
  return reference;
}

ERL_NIF_TERM parcel_out(ErlNifEnv *env, const regrow_term *term) { return pack(env, regrow_term_clone(term)); }

bool parcel_in(ErlNifEnv *env, ERL_NIF_TERM term, regrow_term *native) {
  void *object;
  if (!types_get(env, term, &parcels, &object)) return false;
  *native = regrow_term_clone(&((parcel *)object)->term);
  return true;
}

/* Converts what result_out() put into a parcel, on a dirty scheduler; its native pid says which runtime it is from. */
static ERL_NIF_TERM unpack(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[]) {
  (void)argc;
  void *object;
  ErlNifUInt64 root;
  if (!types_get(env, argv[0], &parcels, &object) || !enif_get_uint64(env, argv[1], &root))
    return enif_make_badarg(env);
  runtime *rt = root == 0 ? NULL : runtime_of((regrow_pid){root});
  ERL_NIF_TERM out = term_out_whole(env, &((parcel *)object)->term, rt);
  if (rt != NULL) runtime_release(rt);
  return enif_make_tuple2(env, atoms.ok, out);
}

ERL_NIF_TERM result_out(ErlNifEnv *env, runtime *rt, regrow_term term) {
  ERL_NIF_TERM out;
  conversion how = term_out(env, &term, rt, nif_is_limited(), &out);
  if (how == TOO_LARGE) {
    ERL_NIF_TERM again[2] = {pack(env, term), enif_make_uint64(env, rt == NULL ? 0 : rt->root.id)};
    if (again[0] == 0) return enif_make_tuple2(env, atoms.error, enif_make_atom(env, "system_limit"));
    return enif_schedule_nif(env, "unpack", ERL_NIF_DIRTY_JOB_CPU_BOUND, unpack, 2, again);
  }
  if (how == NOT_CONVERTED) out = term_out_whole(env, &term, rt);
  regrow_term_free(&term);
  return enif_make_tuple2(env, atoms.ok, out);
}
