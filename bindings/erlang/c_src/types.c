/* Types of resources that outlive their module. A module that is upgraded takes its types over; one that is deleted,
 * purged and loaded again has new ones, and what processes still hold is of the old. */
#include <string.h>

#include "nif.h"

bool types_add(resource_types *types, ErlNifResourceType *type) {
  if (type == NULL) return false;
  if (types->at[0] != type) {
    memmove(&types->at[1], &types->at[0], sizeof types->at - sizeof types->at[0]);
    types->at[0] = type;
  }
  return true;
}

bool types_get(ErlNifEnv *env, ERL_NIF_TERM term, const resource_types *types, void **object) {
  /* An old type may be freed, but is only compared with. */
  for (size_t at = 0; at < sizeof types->at / sizeof types->at[0] && types->at[at] != NULL; at++)
    if (enif_get_resource(env, term, types->at[at], object)) return true;
  return false;
}
