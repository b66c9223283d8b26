#!/usr/bin/env bash
# The ABI gate: is what the header says, compiled, what it was at the last release?
#
# usage: scripts/abi.sh check      compares with tests/golden/abi.xml
#        scripts/abi.sh write      makes tests/golden/abi.xml; part of a release, and of nothing else after 1.0
#        scripts/abi.sh selftest   would it notice? changes the header in known ways and looks
#
# Looked at is a stub library made from the header, one body for each prototype: of the library itself, which
# is Rust, libabigail sees too little. That the library has these functions is checked by its symbols.
set -euo pipefail
cd "$(dirname "$0")/.."
golden=tests/golden/abi.xml
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Always from the same folder and file name, which abidw writes down.
describe() { # HEADER OUTPUT
  cp "$1" "$scratch/regrow.h"
  (
    cd "$scratch"
    python3 "$OLDPWD/scripts/header.py" stub regrow.h >stub.c
    gcc -std=gnu2x -g -O0 -fPIC -shared -w stub.c -o libregrow-stub.so
    abidw --no-show-locs --no-comp-dir-path --no-corpus-path libregrow-stub.so
  ) >"$2"
}

notices() { # WHAT SED-EXPRESSION
  sed -E "$2" include/regrow.h >"$scratch/changed.h"
  cmp -s include/regrow.h "$scratch/changed.h" && { echo "abi: the change was none: $1"; return 1; }
  describe "$scratch/changed.h" "$scratch/changed.xml"
  if abidiff "$scratch/now.xml" "$scratch/changed.xml" >/dev/null; then
    echo "abi: not noticed: $1"
    return 1
  fi
  echo "abi: noticed: $1"
}

describe include/regrow.h "$scratch/now.xml"
case ${1:-} in
  check)
    abidiff --no-added-syms "$golden" "$scratch/now.xml"
    ;;
  write)
    cp "$scratch/now.xml" "$golden"
    ;;
  selftest)
    abidiff "$scratch/now.xml" "$scratch/now.xml"
    notices "a function is gone" 's/\bregrow_whereis\(/regrow_whereis_gone(/'
    notices "a parameter is wider" 's/(regrow_sleep\()uint32_t/\1uint64_t/'
    notices "an enumerator has another number" 's/(REGROW_ERR_TIMEOUT *= *)4/\15/'
    notices "a field is gone" '/uint32_t log_level/s/uint32_t log_level;//'
    ;;
  *)
    sed -n '2,6s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
