#!/usr/bin/env bash
# How many instructions the hot paths of benches/instructions take, which no noise changes as it does times.
#
# usage: scripts/instructions.sh check    compared with tests/golden/instructions.txt: a line each; status 1 when one
#                                         takes a tenth more than there, 77 when that is of another toolchain
#        scripts/instructions.sh write    writes that file
#
# A path is gone so many times, and many more times: the difference of the two runs is free of what the program does
# before and after. Counted by cachegrind without its caches, which does not mind a change of stacks as callgrind does.
set -euo pipefail
cd "$(dirname "$0")/.."
golden=tests/golden/instructions.txt
few=500 many=5500

# What else decides: the compiler of the library, the machine, and the C library, whose functions are counted too.
toolchain() {
  echo "$(rustc -V), $(uname -m), $(getconf GNU_LIBC_VERSION)"
}

total() { # NAME COUNT
  valgrind --tool=cachegrind --cache-sim=no --cachegrind-out-file=/dev/null build/paths "$1" "$2" 2>&1 |
    awk '/ I +refs:/ { gsub(",", "", $NF); print $NF; found = 1 } END { exit !found }'
}

# The least of some: a look at an empty queue more or less is chance, and on a busy machine others look more often.
each() { # NAME TIMES
  local best= cost
  for ((time = 0; time < $2; time++)); do
    cost=$((($(total "$1" $many) - $(total "$1" $few)) / (many - few)))
    [ -n "$best" ] && [ "$best" -le "$cost" ] || best=$cost
  done
  echo "$best"
}

make -s build/paths
case ${1:-} in
  write)
    {
      echo "# $(toolchain)"
      for name in $(build/paths names); do echo "$name $(each "$name" 4)"; done
    } >"$golden.new"
    mv "$golden.new" "$golden"
    cat "$golden"
    ;;
  check)
    if [ "# $(toolchain)" != "$(head -n 1 "$golden")" ]; then
      echo "here is $(toolchain), and the numbers are of $(sed -n '1s/^# //p' "$golden")"
      exit 77
    fi
    status=0
    for name in $(build/paths names); do
      was=$(awk -v name="$name" '$1 == name { print $2 }' "$golden")
      now=$(each "$name" 2)
      [ -n "$was" ] && [ $((now * 10)) -le $((was * 11)) ] || now=$(each "$name" 6)
      echo "$name: $now instructions, ${was:-no number} recorded"
      [ -n "$was" ] && [ $((now * 10)) -le $((was * 11)) ] || { echo "$name takes more than a tenth more"; status=1; }
    done
    exit $status
    ;;
  *) sed -n '2,/^$/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
