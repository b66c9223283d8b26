#!/usr/bin/env bash
# Runs the tests stage by stage, each timed, and sums up at the end.
#
# usage: scripts/test.sh check|test|long      the stages of that list
#        scripts/test.sh STAGE...             these stages only
#
# The stages are functions in scripts/stages.sh. Each runs in a shell of its own, with a time limit; what it
# prints goes to build/test/STAGE.log and is shown when it fails. Long counts scale by REGROW_ROUNDS (1).
set -u
cd "$(dirname "$0")/.." || exit 2
here=scripts
out=build/test

# ---- a stage, in its own process ----

if [ "${1:-}" = --stage ]; then
  stage=$2
  results=$out/$stage.results
  set -eo pipefail
  # shellcheck source=scripts/stages.sh
  . "$here/stages.sh"
  "stage_${stage//-/_}"
  exit 0
fi

# ---- the lists: STAGE:SECONDS, its time limit ----

check="build:600 fmt:60 clippy:300 rust:280 header:120 symbols:30 c:300 wordcount:120 examples:60 drills:60 readme:30 python:120 conformance-2:240"
test="build:600 fmt:60 clippy:300 rust:600 header:120 symbols:30 abi:60 c:400 wordcount:180 examples:60 drills:60 readme:30
      cpp:600
      erlang:600 conformance-erlang:120
      elixir:200 conformance-elixir:120
      gleam:300 conformance-gleam:120
      python:300 conformance-python:300 conformance-python-manual:300
      mixed:200 install:120 docs:60 valgrind:120 instructions:300 growth:600 bench:120
      conformance-1:300 conformance-2:300 conformance-manual:300 operations:60
      reference:120 differential:300 loom:600 address:800 thread:800"
long="$test loom-broken:1800 conformance-rounds:7200 differential-long:3600 stress:3600 churn:1200 fuzz:1800 soak:3600 valgrind-erlang:3600"

case ${1:-test} in
  check) stages=$check ;;
  test) stages=$test ;;
  long) stages=$long ;;
  *) # in the order given, with the limits of the long list
    stages=
    for name in "$@"; do
      limit=$(tr ' ' '\n' <<<"$long" | sed -n "s/^ *$name:\([0-9]*\)$/\1/p" | head -n 1)
      [ -n "$limit" ] || { echo "no stage is called $name" >&2; exit 2; }
      stages="$stages $name:$limit"
    done ;;
esac

mkdir -p "$out"
rm -f "$out"/*.results "$out"/*.log
export REGROW_ROUNDS=${REGROW_ROUNDS:-1}
# The limits are for one round. Builds and much else do not take longer with more, so four times will do.
rounds=$((REGROW_ROUNDS < 1 ? 1 : REGROW_ROUNDS > 4 ? 4 : REGROW_ROUNDS))
passed=0 failed=0 skipped=0 summary= notes=
started=$SECONDS

lines() { # lines WORD FILE: how many results say WORD
  grep -c "^$1 " "$2" 2>/dev/null || true
}

for entry in $stages; do
  stage=${entry%%:*}
  limit=$((${entry#*:} * rounds))
  results=$out/$stage.results
  log=$out/$stage.log
  : >"$results"
  printf '%-26s' "$stage"
  begin=$(date +%s.%N)
  timeout --kill-after=10 "$limit" "$0" --stage "$stage" >"$log" 2>&1 </dev/null
  status=$?
  took=$(printf '%s %s' "$(date +%s.%N)" "$begin" | awk '{ printf "%.1f s", $1 - $2 }')
  [ $status = 124 ] && echo "fail no end within $limit s" >>"$results"
  [ $status -ne 0 ] && [ "$(lines fail "$results")" = 0 ] && echo "fail exit status $status" >>"$results"
  [ -s "$results" ] || echo "pass 1" >"$results"

  p=$(awk '$1 == "pass" { n += $2 } END { print n + 0 }' "$results")
  f=$(lines fail "$results")
  s=$(lines skip "$results")
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  if [ "$f" -gt 0 ]; then word=FAILED; elif [ "$p" = 0 ]; then word=skipped; else word=ok; fi
  line=$(printf '%-26s %-8s %10s   %s passed, %s failed, %s skipped' "$stage" "$word" "$took" "$p" "$f" "$s")
  echo "${line:26}"
  summary+="  $line"$'\n'
  notes+=$(grep -E '^(fail|skip) ' "$results" | sort | uniq -c |
    awk -v stage="$stage" '{ n = $1; word = $2 == "fail" ? "FAILED" : "skipped"; $1 = $2 = ""; sub(/^ +/, "")
                             printf "  %s %s: %s%s#", word, stage, $0, (n > 1 ? " (" n ")" : "") }')
  if [ "$f" -gt 0 ]; then
    echo "---- the end of $log"
    tail -n 60 "$log"
    echo "----"
  fi
done

echo
echo "What ran, in $((SECONDS - started)) s:"
printf '%s' "$summary"
if [ -n "$notes" ]; then
  echo
  echo "What was skipped and what failed:"
  tr '#' '\n' <<<"${notes%#}"
fi
echo
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
