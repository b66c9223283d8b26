#!/usr/bin/env bash
# Whether anything of benches/growth is quadratic: four times as many may take less than six times the instructions.
#
# usage: scripts/growth.sh [CASE...]      a line for each; status 1 when one takes more
#
# Instructions are counted as by scripts/instructions.sh, and do not depend on the machine or on what else it does. What
# is linear takes four times as many; a tree or a growing hash table is somewhat above. What a runtime takes by itself,
# from its start to its end, is counted once and taken away. LIBRARY: a folder with another libregrow.so.
set -euo pipefail
cd "$(dirname "$0")/.."
bound=${BOUND:-6}
program=build/regrow-growth

if [ "${1:-}" = --count ]; then # CASE N: one run
  env ${LIBRARY:+LD_LIBRARY_PATH="$LIBRARY"} valgrind --tool=cachegrind --cache-sim=no --cachegrind-out-file=/dev/null \
    $program workers=1 least=0 "$2:$3" 2>&1 |
    awk -v what="$2 $3" '/ I +refs:/ { gsub(",", "", $NF); print what, $NF; found = 1 } END { exit !found }'
  exit
fi

make -s $program
wanted=" $* "
{
  echo spawn 0
  while read -r name n; do
    [ $# -gt 0 ] && [[ $wanted != *" $name "* ]] && continue
    echo "$name $n"
    echo "$name $((4 * n))"
  done < <($program counted)
} | xargs -P "$(nproc)" -L 1 "$0" --count | sort -k1,1 -k2,2n |
  awk -v bound="$bound" '
    { count[$1, $2] = $3; if ($2 > 0) last[$1] = $2 }
    END {
      base = count["spawn", 0]
      if (!base) { print "nothing was counted"; exit 1 }
      for (name in last) {
        n = last[name] / 4
        few = count[name, n] - base; many = count[name, last[name]] - base
        if (few <= 0 || many <= 0) { print name ": not counted"; bad = 1; continue }
        quadratic = many >= bound * few
        bad = bad || quadratic
        printf "%s: %d instructions each of %d, %d each of %d: %.1f times as many%s\n", name, few / n, n, many / last[name],
               last[name], many / few, quadratic ? ", more than " bound : "" | "sort"
      }
      close("sort")
      exit bad
    }'
