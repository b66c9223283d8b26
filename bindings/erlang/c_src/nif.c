/* The NIF's table of functions, and how it is loaded, upgraded and unloaded.
 *
 * It is linked so that it stays in memory for good (-z nodelete), since threads of regrow run its code; so an upgrade
 * finds the same library, and takes the types of its resources over. */
#include "nif.h"

nif_function nif_load_plugin;

static int load(ErlNifEnv *env, void **data, ERL_NIF_TERM info) {
  (void)data, (void)info;
  const ErlNifResourceFlags flags = ERL_NIF_RT_CREATE | ERL_NIF_RT_TAKEOVER;
  if (regrow_abi_version() != REGROW_ABI_VERSION) return 1;
  atoms_load(env);
  if (!operations_load(env) || !parcel_load(env, flags) || !runtime_load(env, flags) ||
      !keeper_load())
    return 2;
  return 0;
}

static int upgrade(ErlNifEnv *env, void **data, void **old_data, ERL_NIF_TERM info) {
  (void)old_data;
  return load(env, data, info);
}

static void unload(ErlNifEnv *env, void *data) { (void)env, (void)data; }

static ErlNifFunc functions[] = {
    {"init", 3, nif_start, ERL_NIF_DIRTY_JOB_IO_BOUND},
    {"shutdown", 3, nif_shutdown, 0},
    {"root", 1, nif_root, 0},
    {"steward", 1, nif_steward, 0},
    {"is_native", 1, nif_is_native, 0},
    {"call_once", 4, nif_call, 0},
    {"call_many_once", 4, nif_call_many, 0},
    {"send_once", 2, nif_send, 0},
    {"cast_once", 2, nif_cast, 0},
    {"is_alive", 1, nif_is_alive, 0},
    {"ended", 3, nif_ended, 0},
    {"answer", 3, nif_answer, 0},
    {"look", 2, nif_look, 0},
    {"at_rest", 2, nif_at_rest, 0},
    {"done", 2, nif_done, 0},
    {"credit", 3, nif_credit, 0},
    {"now_once", 3, nif_now, 0},
    {"later_once", 4, nif_later, 0},
    {"registry_lookup_once", 2, nif_registry_lookup, 0},
    {"registry_whereis_once", 2, nif_registry_whereis, 0},
    {"number", 1, nif_number, 0},
    {"load_plugin", 1, nif_load_plugin, ERL_NIF_DIRTY_JOB_IO_BOUND},
};

ERL_NIF_INIT(regrow_nif, functions, load, NULL, upgrade, unload)
