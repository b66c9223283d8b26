#!/usr/bin/env bash
# The sources keep to what Gleam 0.30 and today's 1.x have in common: says where they do not.
#
# usage: common_syntax.sh FOLDER...
set -u
status=0

# forbid WHAT PATTERN FOLDER...: comments and strings aside
forbid() {
  local what=$1 found
  export pattern=$2
  shift 2
  found=$(find "$@" -name '*.gleam' -print0 | xargs -0 perl -ne '
    BEGIN { $pattern = $ENV{pattern} }
    s/"(?:[^"\\]|\\.)*"/""/g; s{//.*}{};
    print "$ARGV:$.: $_" if /$pattern/; close ARGV if eof')
  [ -z "$found" ] && return
  printf '%s:\n%s\n' "$what" "$found"
  status=1
}

forbid "a type imported by name: write module.Type" '^import .*\.\{' "$@"
forbid "the type of bits has another name in 0.30" '\b(BitArray|BitString)\b' "$@"
forbid "bit segments are :bits and :bytes" ':(bit_array|bit_string|binary)\b' "$@"
forbid "a label has its value" '[(,]\s*[a-z_][a-z0-9_]*:\s*[,)]' "$@"
forbid "let assert has no message" 'let assert .*\bas ""' "$@"
forbid "no assert of a condition" '^\s*assert\b' "$@"
forbid "no attribute but @external" '@(?!external\b)[a-z]' "$@"
forbid "no echo" '^\s*echo\b|\|> echo\b' "$@"
forbid "a word that 1.x keeps for itself" '\b(auto|delegate|derive|else|implement|macro|test)\b(?!_)' "$@"
forbid "no package but this one" '^import (?!regrow/|examples/|support/|executor/)' "$@"
exit $status
