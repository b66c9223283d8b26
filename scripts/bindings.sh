# shellcheck shell=bash
# The stages of the bindings, a section each; read by scripts/stages.sh, whose words they use.

# ---- the source documents: the programs of examples/drills, examples/tokens and examples/pooly in every language ----

documents() { # NAME EXPECTED
  local file
  for file in examples/drills/expected/*.txt; do echo "$(basename "$file" .txt) $file"; done
  echo "tokens examples/tokens/expected.txt"
  sed '/^-- the pool$/,$d' examples/pooly/expected.txt >"$scratch/console.txt"
  echo "console $scratch/console.txt"
}

# A program ends well, prints that, and nothing to stderr: EXPECTED COMMAND...
document_prints() {
  local status=0
  timeout 100 "${@:2}" >"$scratch/output" 2>"$scratch/errors" </dev/null || status=$?
  cat "$scratch/errors"
  [ $status = 0 ] && [ ! -s "$scratch/errors" ] && diff "$1" "$scratch/output"
}

# Each in a language, where NAME stands for its name in the command. It prints what C's program does; what it has beside
# it, in a FOLDER, is what a language prints instead, as its page in docs/bindings says: FOLDER COMMAND...
print_documents() {
  local folder=$1 name expected round
  shift
  documents >"$scratch/documents"
  while read -r name expected; do
    [ ! -e "$folder/$name.txt" ] || expected=$folder/$name.txt
    for ((round = 0; round < rounds; round++)); do
      attempt "$name prints what it does in C" document_prints "$expected" "${@//NAME/$name}"
    done
  done <"$scratch/documents"
}

# ---- C++ ----

cpp_tests() {
  local file
  for file in bindings/cpp/tests/*.cpp; do basename "$file" .cpp; done
}

cpp_examples() { # each has its output beside it
  local file
  for file in bindings/cpp/examples/*.txt; do basename "$file" .txt; done
}

cpp_prints_what_is_expected() { # FOLDER NAME
  timeout 100 "$1/$2" 2>/dev/null | diff "bindings/cpp/examples/$2.txt" -
}

# Without exceptions and type information, by the other compiler and in the newest language: errors are values.
cpp_without_exceptions() { # NAME
  clang++ -std=c++2b -fno-exceptions -fno-rtti $cpp_warnings -Iinclude -Ibindings/cpp "bindings/cpp/$2/$1.cpp" \
    -o "build/cpp-values/$1" -Lbuild -lregrow -Wl,-rpath,"$PWD/build" -pthread
}

# The header in two files of one program, and as the first thing in one: COMPILER STANDARD FLAGS
cpp_header_compiles() {
  # shellcheck disable=SC2086
  $1 -std=$2 ${3:-} $cpp_warnings -Iinclude -Ibindings/cpp -fsyntax-only -x c++ - <<<'#include <regrow.hpp>
    #include <regrow.hpp>
    int used() { return regrow::term(1).as<int>().value_or(0); }'
}

cpp_header_matrix() { # COMPILER STANDARD FLAGS, a line each
  local compiler std flags
  for compiler in "g++ c++17 c++20 c++23" "clang++ c++17 c++20 c++2b"; do
    for flags in -fno-exceptions -fno-rtti; do echo "${compiler%% *} c++17 $flags"; done
    for std in ${compiler#* }; do
      for flags in "" " -fno-exceptions -fno-rtti"; do echo "${compiler%% *} $std$flags"; done
    done
  done
}

stage_cpp() {
  needs g++ clang++
  export -f cpp_without_exceptions cpp_header_compiles
  export cpp_warnings="-Wall -Wextra -Wpedantic -Werror"
  mkdir -p build/cpp-values
  temporary
  local name compiler std flags
  cpp_header_matrix >"$out/cpp-header.txt"
  # Two at a time; what fails says so, and is asked again below for its result.
  xargs -P 2 -L 1 bash -c 'cpp_header_compiles "$1" "$2" "${*:3}" && touch "build/cpp-values/header-$1-$2-${*:3}"' header \
    <"$out/cpp-header.txt" || true
  while read -r compiler std flags; do
    attempt "regrow.hpp as $std with $compiler $flags" rm "build/cpp-values/header-$compiler-$std-$flags"
  done <"$out/cpp-header.txt"
  # shellcheck disable=SC2046
  make -j 2 CXXFLAGS="-O0 -g -Werror" $(cpp_tests | sed 's|^|build/cpp/|') $(cpp_examples | sed 's|^|build/cpp/|')
  # shellcheck disable=SC2046
  TEST_LIMIT=100 run_tests build/cpp $(cpp_tests)
  for name in $(cpp_examples); do attempt "$name" cpp_prints_what_is_expected build/cpp "$name"; done
  # shellcheck disable=SC2046
  make -j 2 CXXFLAGS="-O0 -g -Werror" $(documents | sed 's|^\([^ ]*\) .*|build/cpp/\1|')
  print_documents bindings/cpp/examples build/cpp/NAME
  # hello is about exceptions, and so is parks.
  cpp_tests | grep -v '^parks$' | xargs -P 2 -I NAME bash -c 'cpp_without_exceptions NAME tests'
  attempt "shop without exceptions" cpp_without_exceptions shop examples
  # shellcheck disable=SC2046
  TEST_LIMIT=100 run_tests build/cpp-values $(cpp_tests | grep -v '^parks$')
  attempt "shop, compiled so" cpp_prints_what_is_expected build/cpp-values shop
  needs python3
  make -j 2 CXXFLAGS="-O0 -g -Werror" build/regrow-conformance-cpp
  attempt "the C++ executor names its operations" names_all_operations build/regrow-conformance-cpp
  REGROW_WORKERS=2 conformance build/regrow-conformance-cpp tests/conformance/scenarios tests/conformance/random
}

# ---- Python ----

python=build/python

# The package in a virtual environment. Skips the stage when there can be none; that it does not build is a failure.
needs_python() {
  local said
  scripts/python.sh $python 2>"$scratch/said" && return
  said=$(tail -n 1 "$scratch/said")
  cat "$scratch/said"
  case $said in
    "python3 "* | "cc "* | "pip cannot"*) skip "$said" ;;
    *) fail "the Python package does not install" ;;
  esac
  exit 0
}

without_cargo() { # it says what is missing
  local said
  said=$(cd bindings/python && PATH=/usr/bin:/bin env -u REGROW_LIBRARY "$OLDPWD/$python/bin/python" setup.py -q build \
    --build-base "$scratch/build" 2>&1) && return 1
  grep -q "regrow needs cargo to build" <<<"$said"
}

stage_python() {
  exists "Python package" "bindings/python/pyproject.toml"
  temporary
  needs_python
  attempt "the Python package's types" $python/bin/mypy --config-file bindings/python/pyproject.toml bindings/python/regrow
  if PATH=/usr/bin:/bin command -v cargo >/dev/null; then
    skip "a build without cargo: /usr/bin has it"
  else
    attempt "a build without cargo" without_cargo
  fi
  local status=0
  $python/bin/pytest -c bindings/python/pyproject.toml bindings/python/tests -p no:cacheprovider 2>&1 | tee "$scratch/pytest" || status=$?
  # An error is one of a fixture, or of a file.
  sed -n 's/^FAILED \([^ ]*\).*/fail \1/p; s/^ERROR \([^ ]*\).*/fail \1 (error)/p; s/^SKIPPED \[[0-9]*\] /skip /p' \
    "$scratch/pytest" >>"$results"
  pass "$(grep -oE '[0-9]+ passed' "$scratch/pytest" | tail -n 1 | cut -d' ' -f1)"
  local count number
  count=$(python3 scripts/readme_code.py README.md "$scratch" python)
  [ "$count" -gt 0 ] || fail "the README has no Python program"
  for ((number = 1; number <= count; number++)); do
    attempt "Python program $number of the README prints what it says" \
      diff "$scratch/$number.txt" <(timeout 60 $python/bin/python "$scratch/$number.py" 2>/dev/null)
  done
  attempt "the first one is examples/hello.py" cmp "$scratch/1.py" examples/hello.py
  print_documents bindings/python/examples $python/bin/python -B bindings/python/examples/NAME.py
  return $status
}

conformance_python() {
  exists "Python package" "bindings/python/pyproject.toml"
  temporary
  needs_python
  local executor="$python/bin/python bindings/python/conformance/executor.py"
  attempt "the Python executor names its operations" names_all_operations "$executor"
  conformance "$executor" tests/conformance/scenarios tests/conformance/random
}

stage_conformance_python() { conformance_python; }
stage_conformance_python_manual() { REGROW_CLOCK=manual conformance_python; }

# ---- Erlang ----

# What a NIF and the modules on it are built with. Skips the stage unless it is there: [eunit]
needs_erlang() {
  needs gcc erl erlc
  [ -e "$(erl -noshell -eval 'io:format("~ts/erts-~ts/include/erl_nif.h", [code:root_dir(), erlang:system_info(version)]), halt().')" ] ||
    { skip "erl_nif.h is not there (Debian: erlang-dev)"; exit 0; }
  [ -z "${1:-}" ] || erl -noshell -eval 'halt(case code:which(eunit) of non_existing -> 1; _ -> 0 end).' ||
    { skip "EUnit is not there (Debian: erlang-eunit)"; exit 0; }
}

# Counts what EUnit reports, and names what failed, by its text or else its function. What a test prints comes between its
# name and its result; what is cancelled takes the rest of its group along.
count_eunit() { # WHAT LOG
  awk -v what="$1" '
    function failed(name) { print "fail " what ": " name }
    function cut_short(how) { failed((test ? test : group) ": " how); cancelled++ }
    function context() { if (trouble) failed(group ": " trouble); trouble = "" }
    /^ *module \047.*\047$/ { group = $2; gsub(/\047/, "", group); test = "" }
    /^ *[a-z][A-Za-z0-9_@]*:([0-9]+:)? .*\.\.\./ {
      test = $0
      sub(/^ */, "", test)
      if (test !~ /\)\.\.\./ || !sub(/\)\.\.\..*/, "", test) || !sub(/:[^(]*\(/, ": ", test)) sub(/\.\.\..*/, "", test)
    }
    /\*failed\*/ { failed(test); named++ }
    /\*timed out\*/ { cut_short("timed out") }
    /\*skipped\*/ { cut_short("cancelled") }
    trouble && /^\*\*/ { trouble = trouble " (" substr($0, 3) ")" }
    trouble { context() }
    /^ *\*\*\* .* \*\*\*$/ { trouble = $0; gsub(/^ *\*\*\* | \*\*\*$/, "", trouble); cancelled++ }
    /^  All [0-9]+ tests passed/ { ended = 1; print "pass " $2 }
    /^  [0-9]+ tests passed/ { ended = 1; print "pass " $1 }
    /^  Test passed/ { ended = 1; print "pass 1" }
    /^  Failed: / {
      ended = 1
      gsub(/\./, "")
      if ($6) print "pass " $6
      for (; named < $2; named++) failed("one that did not say its name")
    }
    /tests were cancelled/ && !cancelled { failed("tests were cancelled") }
    END { if (!ended) failed(test ? test ": nothing came after it" : "it said nothing") }' "$2" >>"$results"
}

# Runs EUnit, and counts: WHAT COMMAND...
run_eunit() {
  local status=0 before
  before=$(grep -c "^fail" "$results" || true)
  "${@:2}" >"$scratch/eunit" 2>&1 || status=$?
  cat "$scratch/eunit"
  count_eunit "$1" "$scratch/eunit"
  [ $status = 0 ] || [ "$(grep -c "^fail" "$results" || true)" != "$before" ] || fail "$1: exit status $status"
}

# The Erlang binding: its NIF and modules by make and by rebar3, and its tests.
stage_erlang() {
  needs_erlang eunit
  temporary
  attempt "make builds the NIF and the modules" make -j "$(nproc)" -C bindings/erlang
  run_eunit EUnit make -C bindings/erlang test
  # What the README shows.
  attempt "the README's Erlang is examples/hello.erl" diff \
    <(awk '/^```erlang$/ { on = 1; next } /^```$/ { if (on) exit } on' README.md) bindings/erlang/examples/hello.erl
  erlc -pa bindings/erlang/ebin -o bindings/erlang/build/test bindings/erlang/examples/hello.erl
  attempt "it prints what the README says" diff \
    <(awk '/^```erlang$/ { seen = 1 } seen && /^```text$/ { on = 1; next } /^```$/ { if (on) exit } on' README.md) \
    <(cd bindings/erlang/build/test && timeout 60 erl -noshell -pa ../../ebin . -run hello main -run init stop)
  print_documents bindings/erlang/examples make -s --no-print-directory -C bindings/erlang document DOCUMENT=NAME
  # Preloaded into the BEAM; without the sanitizers' libraries there is nothing to preload.
  if [ -e "$(gcc -print-file-name=libasan.so)" ]; then
    run_eunit "EUnit under AddressSanitizer" make -C bindings/erlang test-address
  else
    skip "AddressSanitizer's library is not there"
  fi
  if command -v rebar3 >/dev/null 2>&1; then
    attempt "rebar3 builds them" env -C bindings/erlang rebar3 compile
  else
    skip "rebar3 is not installed"
  fi
}

# The same with the BEAM, the NIF and libregrow under valgrind: in the long tests, for it takes minutes.
stage_valgrind_erlang() {
  needs_erlang eunit
  needs valgrind
  make -C bindings/erlang test-programs
  local suite status
  for suite in $(make -s -C bindings/erlang valgrind-suites); do
    status=0
    env -C bindings/erlang REGROW_ROUNDS=1 test/valgrind.sh "$suite" || status=$?
    case $status in
      0) pass ;;
      77) skip "valgrind cannot run this BEAM"; return ;;
      *) fail "$suite under valgrind" ;;
    esac
  done
}

# The suite on the binding's modules, in one node of Erlang after the other and not one for each scenario.
stage_conformance_erlang() {
  needs_erlang
  needs make python3
  temporary
  make -C bindings/erlang
  attempt "the Erlang executor names its operations" names_all_operations "python3 bindings/erlang/conformance/executor.py"
  REGROW_WORKERS=2 count_scenarios python3 bindings/erlang/conformance/executor.py --check tests/conformance/scenarios \
    tests/conformance/random
}

# Counts what ExUnit reports, and names what failed. Tests are invalid whose setup_all has.
count_exunit() { # LOG
  awk '/^ +[0-9]+\) (test|doctest) |^ +[0-9]+\) .*: failure on setup_all/ { sub(/^ +[0-9]+\) /, ""); print "fail " $0 }
       /^[0-9].* tests?, [0-9]+ failures?/ {
         for (n = 1; n < NF; n++) {
           if ($(n + 1) ~ /^(doctest|test)s?,/) t += $n
           if ($(n + 1) ~ /^(failures?|invalid|skipped|excluded)/) t -= $n
         }
         if (t > 0) print "pass " t
       }' "$1" >>"$results"
}

# The Elixir binding: Mix builds the NIF, the Erlang modules and its own, offline; ExUnit and the doctests.
stage_elixir() {
  needs_erlang
  needs make elixir mix
  temporary
  local mix=(env -C bindings/elixir HEX_OFFLINE=1 mix)
  attempt "mix builds it" "${mix[@]}" compile --warnings-as-errors
  attempt "it is formatted" "${mix[@]}" format --check-formatted
  "${mix[@]}" test --no-color >"$scratch/exunit" 2>&1 || true
  cat "$scratch/exunit"
  count_exunit "$scratch/exunit"
  grep -qE '^[0-9].* tests?, [0-9]+ failures?' "$scratch/exunit" || fail "ExUnit said nothing"
  [ "$(python3 scripts/readme_code.py README.md "$scratch" elixir)" = 1 ] || fail "the README has not one Elixir program"
  attempt "the README's is examples/hello.exs" cmp "$scratch/1.exs" examples/hello.exs
  attempt "it prints what the README says" diff "$scratch/1.txt" <("${mix[@]}" run ../../examples/hello.exs 2>/dev/null)
  print_documents bindings/elixir/examples "${mix[@]}" run examples/NAME.exs
}

# The suite on Elixir's modules, as on Erlang's.
stage_conformance_elixir() {
  needs_erlang
  needs make python3 elixir mix
  temporary
  env -C bindings/elixir HEX_OFFLINE=1 mix compile
  attempt "the Elixir executor names its operations" names_all_operations "python3 bindings/elixir/conformance/executor.py"
  REGROW_WORKERS=2 count_scenarios python3 bindings/elixir/conformance/executor.py --check tests/conformance/scenarios \
    tests/conformance/random
}

# ---- Gleam ----

# Compiled by the Gleam compiler that npm has, which is installed once.
stage_gleam() {
  exists "Gleam package" "bindings/gleam/gleam.toml"
  needs_erlang eunit
  needs node npm perl
  make -C bindings/gleam compiler || { skip "npm cannot install the Gleam compiler"; return; }
  temporary
  attempt "the sources keep to what all versions of Gleam know" bindings/gleam/common_syntax.sh bindings/gleam/{src,test,conformance}
  attempt "the package compiles" make -C bindings/gleam
  run_eunit EUnit make -C bindings/gleam test
  local name
  for name in bindings/gleam/test/examples/*.gleam; do
    name=$(basename "$name" .gleam)
    if [ "$name" = workers ] && ! command -v elixirc >/dev/null 2>&1; then
      skip "the example workers: elixirc is not installed"
      continue
    fi
    attempt "the example $name prints what it should" make -C bindings/gleam "build/examples/$name.txt"
  done
  print_documents bindings/gleam/test/documents make -s --no-print-directory -C bindings/gleam document DOCUMENT=NAME
  # The same with a compiler of the 1.x line, where there is one: no registry of CI's has it.
  if command -v gleam >/dev/null 2>&1; then
    run_eunit "EUnit, compiled by $(gleam --version)" make -C bindings/gleam GLEAM=gleam test
    attempt "the examples print the same, compiled by $(gleam --version)" make -C bindings/gleam GLEAM=gleam examples
  else
    skip "a Gleam compiler of the 1.x line is not installed"
  fi
  # So the README's has run, too.
  python3 scripts/readme_code.py README.md "$scratch" gleam
  attempt "the README's Gleam program is the example hello" cmp "$scratch/1.gleam" bindings/gleam/test/examples/hello.gleam
  attempt "it prints what the README says" cmp "$scratch/1.txt" bindings/gleam/test/examples/hello.txt
}

# The suite on the package's modules.
stage_conformance_gleam() {
  exists "Gleam package" "bindings/gleam/gleam.toml"
  needs_erlang
  needs node npm python3
  make -C bindings/gleam compiler || { skip "npm cannot install the Gleam compiler"; return; }
  temporary
  make -C bindings/gleam
  REGROW_WORKERS=2 count_scenarios python3 bindings/gleam/conformance/executor.py --check tests/conformance/scenarios \
    tests/conformance/random
}

# ---- all of them in one tree ----

mixed_prints_what_is_expected() {
  timeout 100 make -s -f examples/mixed/Makefile 2>"$scratch/errors" | diff examples/mixed/expected.txt - ||
    { cat "$scratch/errors"; return 1; }
}

stage_mixed() {
  needs_erlang
  needs make elixir mix node npm
  temporary
  needs_python
  make -C bindings/gleam compiler || { skip "npm cannot install the Gleam compiler"; return; }
  [ -e "$($python/bin/python -c 'import sysconfig; print(sysconfig.get_config_var("LIBDIR"), sysconfig.get_config_var("INSTSONAME"), sep="/")')" ] ||
    { skip "this Python has no libpython (Debian: libpython3-dev)"; return; }
  local round
  for ((round = 0; round < rounds; round++)); do
    attempt "children of five languages under one supervisor, each killed" mixed_prints_what_is_expected
  done
}

# After the stages of conformance, of whose results the table is made. REGROW_UPDATE=1 writes it.
stage_operations() {
  needs python3
  local stage
  for stage in conformance-2 cpp conformance-erlang conformance-elixir conformance-gleam conformance-python; do
    grep -q "^pass" "$out/$stage.results" 2>/dev/null || { skip "the table of operations: $stage has not run"; return; }
  done
  attempt "docs/bindings.md has the operations of each language" \
    scripts/operations.py "$([ -z "${REGROW_UPDATE:-}" ] && echo check || echo write)" "$out"
}
