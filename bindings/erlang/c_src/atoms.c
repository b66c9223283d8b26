/* Atoms of the BEAM: those that the NIF knows by name, and how many native code may add. */
#include <string.h>

#include "nif.h"

/* So many atoms native code may add to the BEAM's table, which never shrinks. */
#define NEW_ATOMS 10000

struct atoms atoms;
static atomic_size_t made;

void atoms_load(ErlNifEnv *env) {
  atoms.ok = enif_make_atom(env, "ok");
  atoms.error = enif_make_atom(env, "error");
  atoms.undefined = enif_make_atom(env, "undefined");
  atoms.gen_call = enif_make_atom(env, "$gen_call");
  atoms.regrow = enif_make_atom(env, "$regrow");
  atoms.infinity = enif_make_atom(env, "infinity");
  atoms.brutal_kill = enif_make_atom(env, "brutal_kill");
  atoms.none = enif_make_atom(env, "none");
  atoms.wait = enif_make_atom(env, "wait");
  atoms.monitor = enif_make_atom(env, "monitor");
  atoms.exit = enif_make_atom(env, "exit");
  atoms.signal = enif_make_atom(env, "signal");
  atoms.closed = enif_make_atom(env, "closed");
  atoms.caller = enif_make_atom(env, "caller");
  atoms.undecodable = enif_make_atom(env, "regrow_undecodable");
  atoms.again = enif_make_atom(env, "again");
  atoms.true_ = enif_make_atom(env, "true");
  atoms.false_ = enif_make_atom(env, "false");
}

bool atoms_take(size_t count) {
  if (count > NEW_ATOMS) return false;
  if (atomic_fetch_add(&made, count) > NEW_ATOMS - count) {
    atomic_fetch_sub(&made, count);
    return false;
  }
  return true;
}

/* The external form of an atom: the only way to one that is not Latin-1 before OTP 26. */
static bool atom_decode(ErlNifEnv *env, const char *name, size_t length, ERL_NIF_TERM *atom) {
  unsigned char bytes[4 + 4 * 255];
  if (length > 4 * 255) return false;
  bytes[0] = 131;
  bytes[1] = 118;
  bytes[2] = (unsigned char)(length >> 8);
  bytes[3] = (unsigned char)length;
  memcpy(bytes + 4, name, length);
  if (enif_binary_to_term(env, bytes, 4 + length, atom, ERL_NIF_BIN2TERM_SAFE) != 0) return true;
  return atoms_take(1) && enif_binary_to_term(env, bytes, 4 + length, atom, 0) != 0;
}

bool atom_out(ErlNifEnv *env, const char *name, ERL_NIF_TERM *atom) {
  size_t length = 0;
  bool ascii = true;
  for (; name[length] != 0; length++) ascii = ascii && (unsigned char)name[length] < 0x80;
  if (!ascii) return atom_decode(env, name, length, atom);
  if (enif_make_existing_atom_len(env, name, length, atom, ERL_NIF_LATIN1)) return true;
  if (length > 255 || !atoms_take(1)) return false;
  *atom = enif_make_atom_len(env, name, length);
  return true;
}
