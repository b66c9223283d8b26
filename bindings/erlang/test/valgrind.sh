#!/bin/sh
# The tests of SUITE... with everything under valgrind's memcheck: the BEAM, the NIF and libregrow, whose heaps are all
# malloc's then. Ends with 0 when they have passed, and nobody of ours has touched a block that was freed, or what is
# beside one.
#
# Not looked for: values that are not initialised, and blocks that are lost. The code that the BEAM compiles writes by a
# mapping of which valgrind does not know, and has its stack in its heap, so that valgrind takes parts of that for what is
# below a stack; and a BEAM that halts leaves its threads as they are. regrow_runtime_tests looks for what is left behind.
#
# Fewer rounds than else, and longer limits, for this is fifty times as slow. Ends with 77 where valgrind cannot run the
# BEAM.
set -eu
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

under_valgrind() { # ERLANG: for the reason above valgrind looks at all code anew (--smc-check)
  REGROW_SHARE=${REGROW_SHARE:-50} valgrind --quiet --smc-check=all --undef-value-errors=no --error-limit=no \
    --num-callers=40 --freelist-vol=200000000 --log-file="$scratch/%p.log" --trace-children=yes \
    --trace-children-skip='*/sh,*/sed,*/basename,*/dirname,*/erl_child_setup,*/inet_gethost,*/heart' \
    erl +S 2:2 +SDcpu 1:1 +SDio 1 +A 1 +Mea min -noshell -pa ebin build/test -eval "$1"
}

under_valgrind 'halt(0).' >/dev/null 2>&1 || { echo "valgrind cannot run the BEAM here"; exit 77; }
status=0
for suite in "$@"; do
  under_valgrind "halt(case eunit:test([$suite], [verbose, {scale_timeouts, 20}]) of ok -> 0; _ -> 1 end)." || status=1
done
# Records are apart by empty lines; a frame of ours is shown with its file, or its library.
ours=$(cd c_src && echo *.c | sed 's/\.c//g; s/ /|/g')
cat "$scratch"/*.log | sed 's/^==[0-9]*== \{0,1\}//' |
  awk -v ours="regrow_nif\\.so|libregrow\\.so|\\.rs:|\\((actor|counter|$ours)\\.c:" '
    BEGIN { RS = "" }
    $0 ~ ours && !/Address 0x[0-9a-f]* is [0-9,]* bytes inside a block of size [0-9,]* alloc/ { print $0 "\n"; found++ }
    END { exit found > 0 }' || status=1
exit $status
