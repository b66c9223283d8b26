# shellcheck shell=bash
# The stages of scripts/test.sh, which runs each of them in a shell of its own (set -e) at the top of the tree.
#
# A stage tells its results by these words; one that says nothing and ends well has passed. A stage whose
# subject does not exist yet is skipped and says so; as soon as it exists it runs.

target=x86_64-unknown-linux-gnu
warnings="-Wall -Wextra -Wpedantic -Wno-unused-parameter"
rounds=${REGROW_ROUNDS:-1}

# shellcheck disable=SC2154 # `results` and `out` are scripts/test.sh's
pass() { echo "pass ${1:-1}" >>"$results"; }
fail() { echo "fail $*" >>"$results"; echo "FAILED: $*"; }
skip() { echo "skip $*" >>"$results"; echo "skipped: $*"; }

# attempt WHAT COMMAND...: one test. Goes on when it fails.
attempt() {
  local what=$1
  shift
  echo "== $what"
  if "$@"; then pass; else fail "$what (status $?)"; fi
}

# needs COMMAND...: skips the stage unless all of them are there.
needs() {
  local command
  for command in "$@"; do
    command -v "$command" >/dev/null 2>&1 || { skip "$command is not installed"; exit 0; }
  done
}

# exists WHAT GLOB: skips the stage while there is no such file.
exists() {
  compgen -G "$2" >/dev/null || { skip "there is no $1 yet ($2)"; exit 0; }
}

temporary() {
  [ -z "${scratch:-}" ] || return 0
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
}

# beside NAME COMMAND...: compiles a program beside the others, as many at once as there are processors. What it says is
# shown as it comes. `together` waits for all of them, and fails with the name of each that did not compile.
declare -A compiling=()
beside() {
  local name=$1
  shift
  while [ "$(jobs -pr | wc -l)" -ge "$(nproc)" ]; do wait -n || true; done # its status is for `together`
  "$@" &
  compiling[$!]=$name
}

together() {
  local job status=0
  for job in "${!compiling[@]}"; do
    wait "$job" || { fail "${compiling[$job]} does not compile"; status=1; }
  done
  compiling=()
  return $status
}

# shellcheck source=scripts/bindings.sh
. scripts/bindings.sh

# ---- the crate ----

stage_build() {
  make all
  pass
  # Built in a git checkout, the header is brought up to date: it must be as committed, unless the
  # functions behind it are being worked on.
  local generated
  generated=$(find target/release/build -path '*/regrow-*/out/regrow.h' -printf '%T@ %p\n' 2>/dev/null | sort -n | tail -n 1 | cut -d' ' -f2)
  if [ -z "$generated" ]; then
    skip "the build makes no header yet"
    return
  fi
  attempt "include/regrow.h is the generated one" cmp "$generated" include/regrow.h
  if git rev-parse --git-dir >/dev/null 2>&1 && git diff --quiet HEAD -- src build.rs cbindgen.toml; then
    attempt "include/regrow.h is committed" git diff --exit-code HEAD -- include/regrow.h
  fi
}

stage_fmt() {
  cargo fmt --version || { skip "rustfmt is not installed"; return; }
  cargo fmt --check
}

stage_clippy() {
  cargo clippy --version || { skip "clippy is not installed"; return; }
  cargo clippy --release --all-targets -- -D warnings
}

# Counts what cargo's test programs report.
count_cargo() {
  awk '/^test result:/ { p += $4; f += $6; i += $8 }
       /^test .* \.\.\. ignored/ { reason = $0; sub(/.*ignored,? */, "", reason); print "skip ignored: " $2 " " reason }
       /^test .* \.\.\. FAILED/ { print "fail " $2 }
       END { if (p) print "pass " p }' "$1" >>"$results"
}

stage_rust() {
  local status=0
  # The loom models only mean something under --cfg loom, and are empty otherwise.
  cargo test --release --no-fail-fast 2>&1 | tee "$out/rust.txt" || status=$?
  count_cargo "$out/rust.txt"
  return $status
}

export LOOM_MAX_PREEMPTIONS=${LOOM_MAX_PREEMPTIONS:-2}

loom_tests() { # MODELS RUSTFLAGS CARGO ARGUMENTS...
  RUSTFLAGS="--cfg loom $2" CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
    cargo test --release --target-dir target/loom --test "$1" "${@:3}"
}

build_models() { # MODELS: prints the programs
  loom_tests "$1" "" --no-run --message-format=json-render-diagnostics >"$scratch/built" || return
  sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' "$scratch/built"
}

run_models() { # PROGRAM: what it says goes to a file, so that none is mixed with another's; it stays if there is no end
  local name=${1##*/} status=0 said
  name=${name%-*}
  said=$out/$name.txt
  echo "$name begins ($said)"
  "$1" >"$said" 2>&1 || status=$?
  echo "$name has ended"
  # Models that failed are named by count_cargo; this is what else may end a program.
  [ $status = 0 ] || grep -q '^test .* FAILED$' "$said" || fail "$name (status $status)"
  return $status
}

# As many programs at once as there are processors: models know no time. One takes longer than all others together: it
# begins while they are built.
stage_loom() {
  exists "loom model" "tests/loom_*.rs"
  temporary
  local status=0 longest=loom_priority first name
  rm -f "$out"/loom_*.txt
  first=$(build_models $longest) || return
  run_models "$first" &
  build_models 'loom_*' >"$scratch/all" || { status=$?; wait; return $status; }
  grep -v "/$longest-" "$scratch/all" >"$scratch/programs"
  [ "$(wc -l <"$scratch/programs")" = $(($(compgen -G 'tests/loom_*.rs' | wc -l) - 1)) ] || fail "not every model was built"
  export -f run_models fail
  export out results
  xargs -P "$(nproc)" -I PROGRAM bash -c 'run_models PROGRAM' <"$scratch/programs" || status=$?
  wait $! || status=$?
  for name in "$out"/loom_*.txt; do
    echo "== $(basename "$name" .txt)"
    cat "$name"
  done | tee "$out/loom.txt"
  count_cargo "$out/loom.txt"
  return $status
}

# Each model must fail when its subject lacks a step, or it proves nothing: broken_NAME is for loom_NAME.
stage_loom_broken() {
  exists "loom model" "tests/loom_*.rs"
  local broken model
  for broken in $(grep -ohE 'broken_[a-z_]+' src/*.rs src/*/*.rs | sort -u); do
    model=loom_${broken#broken_}
    echo "== $broken"
    loom_tests "$model" "--cfg $broken" --no-fail-fast 2>&1 | tee "$out/broken.txt" || true
    # It has run, and not only not compiled. A model in which a message is lost may abort: what it owns is dropped while
    # it panics, and finds the loss once more.
    if grep -qE "^test result: FAILED|exit successfully: .*/deps/$model-.*signal: 6" "$out/broken.txt"; then
      pass
    else
      fail "$model does not notice $broken"
    fi
  done
}

# ---- the header and the library's face ----

# Every compiler and standard: CC STD LANGUAGE
header_matrix() {
  local std
  for std in c99 c11 c17 c2x; do echo "gcc $std c"; echo "clang $std c"; done
  for std in c++17 c++20 c++23; do echo "g++ $std c++"; done
  for std in c++17 c++20 c++2b; do echo "clang++ $std c++"; done
}

header_compiles() { # CC STD LANGUAGE
  local flags="-std=$2 -x $3 -Wall -Wextra -Wpedantic -Werror -Iinclude"
  # shellcheck disable=SC2086
  $1 $flags -fsyntax-only tests/c/header_alone.c &&
    $1 $flags tests/c/header_twice_a.c tests/c/header_twice_b.c -o "$scratch/twice" \
      -Lbuild -Wl,-rpath,"$PWD/build" -lregrow &&
    "$scratch/twice"
}

stage_header() {
  exists header include/regrow.h
  temporary
  local compiler std language
  while read -r compiler std language; do
    if command -v "$compiler" >/dev/null; then
      attempt "regrow.h as $std with $compiler" header_compiles "$compiler" "$std" "$language"
    else
      skip "regrow.h as $std: $compiler is not installed"
    fi
  done < <(header_matrix)
}

stage_symbols() {
  needs python3 nm
  exists header include/regrow.h
  local golden=$out/golden.txt
  # Each line there: the function, and how each parameter is passed (tests/header.rs).
  cut -d' ' -f1 tests/golden/symbols.txt | LC_ALL=C sort >"$golden"
  nm -D --defined-only build/libregrow.so | awk '{ print $3 }' | LC_ALL=C sort >"$out/exported.txt"
  python3 scripts/header.py names include/regrow.h | LC_ALL=C sort >"$out/declared.txt"
  attempt "only regrow_* is exported" awk '!/^regrow_/ { print "exported: " $0; bad = 1 } END { exit bad }' "$out/exported.txt"
  attempt "the library exports the golden list" diff "$golden" "$out/exported.txt"
  attempt "the header declares the golden list" diff "$golden" "$out/declared.txt"
  attempt "the SONAME has the version" grep -q "libregrow.so.$(sed -n 's/^version = "\([0-9]*\.[0-9]*\).*/\1/p' Cargo.toml | head -n 1)" \
    <(readelf -d build/libregrow.so | grep SONAME)
  attempt "the library is never unloaded" grep -q NODELETE <(readelf -d build/libregrow.so)
}

stage_abi() {
  needs abidw abidiff python3
  exists header include/regrow.h
  scripts/abi.sh selftest
  pass
  if [ -f tests/golden/abi.xml ]; then
    attempt "the ABI is that of the baseline" scripts/abi.sh check
  else
    skip "no ABI baseline yet (tests/golden/abi.xml, made by scripts/abi.sh write)"
  fi
}

stage_docs() {
  needs doxygen
  exists header include/regrow.h
  make docs
}

# ---- C programs ----

c_tests() { # the programs of tests/c: all but the header checks
  local file
  for file in tests/c/*.c; do
    case $(basename "$file" .c) in header_*) ;; *) basename "$file" .c ;; esac
  done
}

# run_tests FOLDER NAME...: runs built programs. Status 77 is a skip, with its reason on the last line.
# `idle` is run beside the others: it waits for most of a minute, and looks at nothing but itself.
run_tests() {
  local folder=$1 name beside=
  shift
  for name in "$@"; do
    [ "$name" = idle ] || continue
    run_test "$folder" idle >"$scratch/beside" 2>&1 &
    beside=$!
  done
  for name in "$@"; do
    [ "$name" = idle ] || run_test "$folder" "$name"
  done
  [ -z "$beside" ] || { wait "$beside"; cat "$scratch/beside"; }
}

run_test() { # FOLDER NAME
  local status=0 limit=$((${TEST_LIMIT:-120} * (rounds < 1 ? 1 : rounds)))
  echo "== $2"
  timeout "$limit" "$1/$2" 2>&1 | tee "$scratch/$2.output" || status=$?
  case $status in
    0) pass ;;
    77) skip "$2: $(tail -n 1 "$scratch/$2.output")" ;;
    124) fail "$2: no end" ;;
    *) fail "$2 (status $status)" ;;
  esac
}

stage_c() {
  temporary
  local names
  names=$(c_tests | grep -v '\*' || true)
  [ -n "$names" ] || { skip "there is no C test yet (tests/c/*.c)"; return; }
  # shellcheck disable=SC2046
  make -j "$(nproc)" $(sed 's|^|build/tests/|' <<<"$names")
  # shellcheck disable=SC2086
  run_tests build/tests $names
}

# ---- the comparison with the peers ----

# unit_tests PROGRAM: of Python's unittest.
unit_tests() {
  local status=0 said=$out/${1##*/}.txt failed name
  python3 "$1" 2>&1 | tee "$said" || status=$?
  failed=$(sed -n 's/^\(FAIL\|ERROR\): \(test_[a-z_0-9]*\) .*/\2/p' "$said")
  pass $(($(sed -n 's/^Ran \([0-9]*\) tests.*/\1/p' "$said") - $(wc -w <<<"$failed")))
  for name in $failed; do fail "$name"; done
  return $status
}

# A short run of it, over those that are there; what README.md and docs/scaling.md show is what was measured.
stage_bench() {
  needs python3 valgrind objdump
  make build/regrow-bench build/regrow-scaling build/regrow-floors
  local status=0
  unit_tests benches/peers/test_bench.py || status=$?
  unit_tests benches/scaling/test_scaling.py || status=$?
  unit_tests benches/floors/test_floors.py || status=$?
  return $status
}

# ---- how many instructions ----

stage_instructions() {
  needs valgrind rustc
  local status=0
  scripts/instructions.sh check | tee "$out/instructions.txt" || status=$?
  case $status in
    0) pass "$(grep -c recorded "$out/instructions.txt")" ;;
    77) skip "$(tail -n 1 "$out/instructions.txt")" ;;
    *) fail "$(grep 'more than' "$out/instructions.txt" | paste -sd ';')" ;;
  esac
}

# ---- nothing is quadratic ----

stage_growth() {
  needs valgrind
  local status=0
  scripts/growth.sh | tee "$out/growth.txt" || status=$?
  sed -n 's/^\(.*\), more than.*$/fail \1/p; s/^\(.*\): not counted$/fail \1 was not counted/p' "$out/growth.txt" >>"$results"
  pass "$(grep -c '[0-9] times as many$' "$out/growth.txt" || true)"
  return $status
}

# ---- wordcount ----

# 300 files of all sorts: empty, one word, no newline at the end, CRLF, bytes above 127, words longer than a buffer.
make_corpus() {
  python3 - "$1" <<'PY'
import os, random, sys
random.seed(7)
folder = sys.argv[1]
words = [b"the", b"Supervisor", b"grows", b"X", b"42", "h\u00e9las".encode(), "\u00fcber".encode(), b"a1b2", b"END"]
gaps = [b" ", b"\n", b"\r\n", b", ", b"--", b"_", b"\t"]
for i in range(300):
    os.makedirs(f"{folder}/{i % 7}", exist_ok=True)
    text = b"".join(random.choice(words) + random.choice(gaps) for _ in range(random.choice([0, 1, 3, 50, 4000, 30000])))
    if i % 11 == 0:
        text += b"w" * random.choice([1, 16384, 40000])
    with open(f"{folder}/{i % 7}/file{i}.txt", "wb") as out:
        out.write(text)
PY
}

# What coreutils say: COUNT WORD, commonest first. A word ends with its file, newline or not.
count_by_hand() {
  find "$@" -type f -print0 | LC_ALL=C xargs -0 sed -s '$a\' | LC_ALL=C tr -c 'A-Za-z0-9\200-\377' '\n' | LC_ALL=C tr A-Z a-z | LC_ALL=C grep -a . | LC_ALL=C sort | uniq -c |
    LC_ALL=C sort -k1,1nr -k2,2 | awk '{ print $1, $2 }'
}

wordcount() { # ARGUMENT...: into $scratch/output
  echo "\$ wordcount $*"
  timeout 100 build/wordcount "$@" >"$scratch/output" 2>&1 || { echo "status $?"; cat "$scratch/output"; return 1; }
  tail -n 3 "$scratch/output"
  grep -q '^verified' "$scratch/output"
}

says() { grep -qE -- "$1" "$scratch/output" || { echo "it does not say: $1"; return 1; }; }

plain_run() {
  wordcount --top 1000000 "$corpus" || return 1
  sed -n 's/^ *\([0-9]\{1,\}\)  \(.*\)$/\1 \2/p' "$scratch/output" | diff <(count_by_hand "$corpus") - && says ' 0 restarts'
}

poisoned_run() { # chaos
  wordcount --poison file100.txt --chaos "$1" --seed 5 "$corpus" &&
    says 'set aside, .* 3 times: .*/file100.txt' && says '^299 files' && [ "$(grep -c '^set aside' "$scratch/output")" = 1 ]
}

chaotic_run() { # chaos workers seed
  wordcount --chaos "$1" --workers "$2" --seed "$3" "$corpus" && says '^300 files' && says ' [1-9][0-9]* restarts'
}

wrong_usage() {
  local arguments status
  for arguments in "--chaos 1 ." "--chaos x ." "--workers 0 ." "--poison nobody $corpus" "--nonsense" "/no/such/path"; do
    status=0
    # shellcheck disable=SC2086
    timeout 20 build/wordcount $arguments >/dev/null 2>"$scratch/errors" || status=$?
    [ $status = 2 ] && [ -s "$scratch/errors" ] || { echo "$arguments: status $status"; return 1; }
  done
}

# With a terminal for its stderr it shows how far it is, on one line that is empty in the end; else nothing.
progress_run() {
  python3 - "$corpus" <<'PY'
import os, pty, re, subprocess, sys

def shown(with_terminal):
    ours, theirs = pty.openpty() if with_terminal else os.pipe()
    arguments = ["build/wordcount", "--chaos", "0.5", "--seed", "2", sys.argv[1]]
    program = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    text = b""
    try:
        while part := os.read(ours, 65536):
            text += part
    except OSError:  # a terminal's other end is gone
        pass
    assert program.wait(100) == 0
    return text.decode()

assert shown(False) == "", "there is no terminal"
text = shown(True)
print(repr(text))
erase = "\r\033[K"
assert text.endswith(erase)
assert re.fullmatch(r"(\r\d+ of 300 files, \d+ restarts\033\[K)+", text.removesuffix(erase))
PY
}

stage_wordcount() {
  needs python3
  make build/wordcount
  temporary
  corpus=$scratch/corpus
  make_corpus "$corpus"
  local round workers
  attempt "the counts are those of coreutils" plain_run
  for ((round = 1; round <= rounds; round++)); do
    for workers in 1 2 8; do
      attempt "chaos 0.3, $workers workers, seed $round" chaotic_run 0.3 $workers $round
    done
    attempt "chaos 0.9, seed $round" chaotic_run 0.9 4 $round
  done
  attempt "a poisoned file is set aside" poisoned_run 0
  attempt "a poisoned file is set aside, with chaos" poisoned_run 0.4
  attempt "progress is on one line of a terminal" progress_run
  attempt "wrong usage is refused" wrong_usage
  if [ -d /usr/share/common-licenses ]; then
    attempt "the licences, with chaos" wordcount --chaos 0.2 --seed 1 /usr/share/common-licenses
  fi
}

# ---- the other examples ----

# Those in C that print the same each time, which examples/NAME/expected.txt has.
golden_examples() {
  local file
  for file in examples/*/main.c; do
    [ ! -e "${file%main.c}expected.txt" ] || basename "$(dirname "$file")"
  done
}

prints_what_is_expected() { # FOLDER NAME
  timeout 100 "$1/$2" | diff "examples/$2/expected.txt" -
}

stage_examples() {
  local name round
  for name in $(golden_examples); do
    make "build/$name"
    for ((round = 1; round <= rounds; round++)); do
      attempt "$name" prints_what_is_expected build "$name"
      REGROW_WORKERS=1 attempt "$name with one worker" prints_what_is_expected build "$name"
    done
  done
}

# ---- drills ----

# One program prints what is in its file, and nothing to stderr, with any number of workers.
drill() { # WORKERS PROGRAM EXPECTED
  local status=0
  REGROW_WORKERS=$1 timeout 60 "$2" >"$scratch/output" 2>"$scratch/errors" || status=$?
  cat "$scratch/errors"
  [ $status = 0 ] && [ ! -s "$scratch/errors" ] && diff "$3" "$scratch/output"
}

drill_names() { # each has its output beside it
  local file
  for file in examples/drills/*.c; do basename "$file" .c; done
}

stage_drills() {
  make drills
  temporary
  local name round
  attempt "each drill has its output" diff <(drill_names) <(cd examples/drills/expected && printf '%s\n' *.txt | sed 's/\.txt$//')
  for ((round = 0; round < rounds; round++)); do
    for name in $(drill_names); do
      attempt "$name" drill "" "build/$name" "examples/drills/expected/$name.txt"
      attempt "$name, one worker" drill 1 "build/$name" "examples/drills/expected/$name.txt"
    done
  done
}

# ---- what the README says ----

# The README's C programs, each with the output that stands below it.
stage_readme() {
  temporary
  local count number
  count=$(python3 scripts/readme_code.py README.md "$scratch")
  [ "$count" -gt 0 ] || { fail "the README has no C program"; return; }
  for ((number = 1; number <= count; number++)); do
    # shellcheck disable=SC2086
    attempt "C program $number of the README" cc -std=c11 $warnings -Werror -Iinclude "$scratch/$number.c" -o "$scratch/$number" \
      -Lbuild -lregrow -Wl,-rpath,"$PWD/build"
    attempt "it prints what the README says" diff "$scratch/$number.txt" <(timeout 60 "$scratch/$number" 2>/dev/null)
  done
  attempt "the first one is examples/hello.c" cmp "$scratch/1.c" examples/hello.c
  count=$(python3 scripts/readme_code.py README.md "$scratch" cpp)
  for ((number = 1; number <= count; number++)); do
    attempt "C++ program $number of the README" g++ -std=c++17 -Wall -Wextra -Wpedantic -Werror -Iinclude -Ibindings/cpp \
      "$scratch/$number.cpp" -o "$scratch/$number" -Lbuild -lregrow -Wl,-rpath,"$PWD/build"
    attempt "it prints what the README says" diff "$scratch/$number.txt" <(timeout 60 "$scratch/$number" 2>/dev/null)
  done
  attempt "the first one is bindings/cpp/examples/hello.cpp" cmp "$scratch/1.cpp" bindings/cpp/examples/hello.cpp
}

# ---- installing ----

build_by_cmake() { # TARGET
  mkdir -p "$scratch/cmake-$1"
  cat >"$scratch/cmake-$1/CMakeLists.txt" <<CMAKE
cmake_minimum_required(VERSION 3.13)
project(user C CXX)
find_package(regrow 0.1 REQUIRED)
add_executable(user $PWD/examples/hello.c)
target_link_libraries(user PRIVATE regrow::$1)
add_executable(user_cpp $PWD/bindings/cpp/examples/hello.cpp)
target_compile_features(user_cpp PRIVATE cxx_std_17)
target_link_libraries(user_cpp PRIVATE regrow::$1)
CMAKE
  cmake -S "$scratch/cmake-$1" -B "$scratch/cmake-$1/build" -DCMAKE_PREFIX_PATH="$prefix" &&
    cmake --build "$scratch/cmake-$1/build" && "$scratch/cmake-$1/build/user" && "$scratch/cmake-$1/build/user_cpp"
}

build_by_pkg_config() { # FLAGS: as pkg-config wants them; then what to add for the compiler
  local flags
  flags=$(PKG_CONFIG_PATH=$prefix/lib/pkgconfig pkg-config --cflags --libs $1 regrow) || return
  # shellcheck disable=SC2086
  cc examples/hello.c -o "$scratch/by-pkg-config" ${flags/-lregrow/$2} && LD_LIBRARY_PATH=$3 "$scratch/by-pkg-config" || return
  # shellcheck disable=SC2086
  c++ -std=c++17 bindings/cpp/examples/hello.cpp -o "$scratch/cpp-by-pkg-config" ${flags/-lregrow/$2} &&
    LD_LIBRARY_PATH=$3 "$scratch/cpp-by-pkg-config"
}

stage_install() {
  temporary
  make install PREFIX=/usr DESTDIR="$scratch/stage"
  attempt "the installed files" diff - <(cd "$scratch/stage" && find . -type f -o -type l | LC_ALL=C sort) <<LIST
./usr/include/regrow.h
./usr/include/regrow.hpp
./usr/lib/cmake/regrow/regrowConfig.cmake
./usr/lib/cmake/regrow/regrowConfigVersion.cmake
./usr/lib/libregrow.a
./usr/lib/libregrow.so
./usr/lib/libregrow.so.0.1
./usr/lib/libregrow.so.0.1.0
./usr/lib/pkgconfig/regrow.pc
LIST
  # Moved to where nobody said it would be: the installed files must find each other all the same.
  prefix=$scratch/moved
  mv "$scratch/stage/usr" "$prefix"
  if command -v pkg-config >/dev/null; then
    attempt "pkg-config, shared" build_by_pkg_config "" "-lregrow" "$prefix/lib"
    attempt "pkg-config, static" build_by_pkg_config "--static" "-l:libregrow.a" ""
  else
    skip "pkg-config is not installed"
  fi
  if command -v cmake >/dev/null; then
    attempt "find_package, shared" build_by_cmake regrow
    attempt "find_package, static" build_by_cmake static
  else
    skip "cmake is not installed"
  fi
}

# ---- memory and races ----

stage_valgrind() {
  needs valgrind
  make build/hello
  temporary
  local suppressions=()
  [ -f tests/valgrind.supp ] && suppressions=(--suppressions=tests/valgrind.supp)
  # "possibly lost" is what has pointers only into its middle: each table of hashbrown, each list of crossbeam.
  attempt "hello under valgrind" valgrind --quiet --error-exitcode=99 --leak-check=full \
    --show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite,indirect "${suppressions[@]}" build/hello
}

# Builds the library with a sanitizer. The sanitizers are unstable features: nightly has them, and stable when
# told to be its own bootstrap. PROGRAMS compiles what is to run on it, by `beside`, while cargo is at work: it needs no
# more of the library than its names, which the plain one has too. Sets `library` and `runtime`, or skips the stage.
build_sanitized() { # address|thread PROGRAMS RUSTFLAGS... -- CARGO ARGUMENTS...
  local kind=$1 programs=$2 short=${1:0:1}san toolchain flags=() compiler status
  shift 2
  [ "$kind" = address ] && short=asan
  [ "$kind" = thread ] && short=tsan
  while [ "$1" != -- ]; do flags+=("$1"); shift; done
  shift
  make build/libregrow.so
  mkdir -p "build/$kind"
  library=target/$kind/$target/release
  for toolchain in "" +nightly; do
    # shellcheck disable=SC2086
    runtime=$(compgen -G "$(rustc $toolchain --print sysroot 2>/dev/null)/lib/rustlib/$target/lib/librustc*_rt.$short.a" | head -n 1) || continue
    # A compiler that knows the sanitizer must compile the library, too.
    # shellcheck disable=SC2086
    echo 'pub fn nothing() {}' | RUSTC_BOOTSTRAP=1 rustc $toolchain -Zsanitizer=$kind "${flags[@]}" --target $target \
      --crate-type lib --emit metadata -o "$scratch/probe.rmeta" - || continue
    # Its failures count once the library is there.
    (results=$scratch/uncompiled && $programs && together) &
    compiler=$! status=0
    # shellcheck disable=SC2086
    if RUSTC_BOOTSTRAP=1 CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 RUSTFLAGS="-Zsanitizer=$kind -Cforce-frame-pointers=yes ${flags[*]}" cargo $toolchain build --release --lib \
      --target $target --target-dir "target/$kind" "$@"; then
      ln -sf libregrow.so "$library/$(objdump -p "$library/libregrow.so" | awk '$1 == "SONAME" { print $2 }')"
      wait $compiler || status=$?
      [ $status = 0 ] || cat "$scratch/uncompiled" >>"$results" || true
      return $status
    fi
    wait $compiler || true
    fail "the library does not compile with -Zsanitizer=$kind"
    return 1
  done
  skip "no Rust here builds with -Zsanitizer=$kind"
  exit 0
}

# Sanitized C programs, linked with the plain library and run with the sanitized: sanitized COMPILER SOURCE... -o NAME
sanitized() {
  local compiler=$1
  shift
  # shellcheck disable=SC2086
  $compiler -std=c11 -D_GNU_SOURCE -g -O1 -fno-omit-frame-pointer -fsanitize=$sanitizer $warnings -Iinclude "$@" \
    -Lbuild -lregrow -Wl,-rpath,"$PWD/$library" -pthread -lm ${sanitizer_link:-}
}

# The same for C++.
sanitized_cpp() {
  local compiler=$1
  shift
  # shellcheck disable=SC2086
  $compiler -std=c++17 -g -O1 -fno-omit-frame-pointer -fsanitize=$sanitizer -Wall -Wextra -Wpedantic -Iinclude \
    -Ibindings/cpp "$@" -Lbuild -lregrow -Wl,-rpath,"$PWD/$library" -pthread -lm ${sanitizer_link:-}
}

# The longest first, so that no processor is left alone with one at the end.
address_programs() {
  local name
  beside regrow-conformance sanitized gcc tests/conformance/executor/*.c -o build/address/regrow-conformance
  for name in $(cpp_tests); do beside "cpp-$name" sanitized_cpp g++ "bindings/cpp/tests/$name.cpp" -o "build/address/cpp-$name"; done
  beside shop sanitized_cpp g++ bindings/cpp/examples/shop.cpp -o build/address/shop
  beside regrow-bench sanitized gcc benches/c/*.c -o build/address/regrow-bench
  for name in $(c_tests); do beside "$name" sanitized gcc "tests/c/$name.c" -o "build/address/$name"; done
  beside hello sanitized gcc examples/hello.c -o build/address/hello
  for name in wordcount $(golden_examples); do beside "$name" sanitized gcc examples/"$name"/*.c -o "build/address/$name"; done
  for name in $(drill_names); do beside "$name" sanitized gcc "examples/drills/$name.c" -o "build/address/$name"; done
}

stage_address() {
  needs gcc g++
  exists header include/regrow.h
  temporary
  sanitizer=address
  build_sanitized address address_programs -- --features sanitizer
  export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=0 LSAN_OPTIONS=print_suppressions=0
  [ -f tests/lsan.supp ] && LSAN_OPTIONS+=:suppressions=$PWD/tests/lsan.supp
  local name
  # shellcheck disable=SC2046
  TEST_LIMIT=300 run_tests build/address hello $(c_tests)
  for name in $(drill_names); do
    attempt "$name" drill "" "build/address/$name" "examples/drills/expected/$name.txt"
  done
  make_corpus "$scratch/corpus"
  attempt "wordcount with chaos and poison" timeout 300 build/address/wordcount --chaos 0.3 --seed 3 --poison file100.txt "$scratch/corpus"
  for name in $(golden_examples); do attempt "$name" prints_what_is_expected build/address "$name"; done
  # shellcheck disable=SC2046
  TEST_LIMIT=300 run_tests build/address $(cpp_tests | sed 's/^/cpp-/')
  attempt "shop" cpp_prints_what_is_expected build/address shop
  attempt "a short bench" timeout 120 build/address/regrow-bench pingpong:1000 call_actor:1000 spawn:1000 restart:20 agent:1000 task:1000
  # Every scenario once: what a process leaks it leaks in there.
  conformance build/address/regrow-conformance tests/conformance/scenarios
}

thread_programs() {
  local name
  # The library and the program must share one runtime, and rustc's is the newer one.
  sanitizer_link="-fno-sanitize-link-runtime -Wl,--whole-archive $runtime -Wl,--no-whole-archive -Wl,--export-dynamic -ldl -lrt -lresolv"
  beside regrow-conformance sanitized clang tests/conformance/executor/*.c -o build/thread/regrow-conformance
  for name in $(cpp_tests); do beside "cpp-$name" sanitized_cpp clang++ "bindings/cpp/tests/$name.cpp" -o "build/thread/cpp-$name"; done
  for name in stress kills; do beside "$name" sanitized clang "tests/c/$name.c" -o "build/thread/$name"; done
  for name in wordcount $(golden_examples); do beside "$name" sanitized clang examples/"$name"/*.c -o "build/thread/$name"; done
}

stage_thread() {
  needs clang
  exists "stress program" "tests/c/stress.c"
  temporary
  sanitizer=thread
  build_sanitized thread thread_programs -Cunsafe-allow-abi-mismatch=sanitizer --
  export TSAN_OPTIONS=suppressions=$PWD/tests/tsan.supp:halt_on_error=0:exitcode=66:history_size=4
  TEST_LIMIT=400 run_tests build/thread stress kills
  # shellcheck disable=SC2046
  TEST_LIMIT=300 run_tests build/thread $(cpp_tests | sed 's/^/cpp-/')
  make_corpus "$scratch/corpus"
  attempt "wordcount with chaos" timeout 200 build/thread/wordcount --chaos 0.3 --seed 3 "$scratch/corpus"
  local name
  for name in $(golden_examples); do attempt "$name" prints_what_is_expected build/thread "$name"; done
  REGROW_WORKERS=2 conformance build/thread/regrow-conformance tests/conformance/scenarios
}

stress() { # ROUNDS: into `peak` the most memory that it had
  timeout $((120 * rounds)) env REGROW_ROUNDS="$1" build/tests/stress >"$scratch/output" || return
  echo "$1 rounds: $(cat "$scratch/output")"
  peak=$(sed -n 's/.*, \([0-9]*\) KiB at most$/\1/p' "$scratch/output")
}

# A program that does fifty times as much needs little more memory for it: what waits to be freed while the machine is
# busy. A leak of 100 bytes for each process of the 20 rounds of the long tests would be 170 MB.
endurance() {
  local before
  stress 1 && before=$peak && stress $((50 * rounds)) && [ "$peak" -lt $((before + 32 * 1024)) ]
}

stage_stress() {
  exists "stress program" "tests/c/stress.c"
  temporary
  make build/tests/stress
  attempt "stress, and its memory" endurance
}

# Ten minutes in which processes are born, named, registered, written to and crash: see tests/c/churn.c.
stage_churn() {
  make build/tests/churn
  attempt "ten minutes of churn, and what grows" env REGROW_CHURN_SECONDS="${REGROW_CHURN_SECONDS:-600}" build/tests/churn
}

# ---- the conformance suite ----

# Runs a command that says at the end how many scenarios passed, failed and were skipped, and adds these up. A line
# `skipped: WHY (COUNT)` gives a reason.
count_scenarios() { # COMMAND...
  local status=0
  "$@" 2>&1 | tee "$scratch/conformance" || status=$?
  local counts
  counts=$(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$scratch/conformance" | tail -n 1) || { fail "the runner said nothing"; return; }
  # shellcheck disable=SC2086
  set -- ${counts//,/}
  [ "$1" = 0 ] || pass "$1"
  [ "$3" = 0 ] || sed -n 's/^FAIL /fail scenario /p' "$scratch/conformance" >>"$results"
  local each reasons
  reasons=$(sed -n 's/^skipped: \(.*\) (\([0-9]*\))$/\2 \1/p' "$scratch/conformance")
  if [ -n "$reasons" ]; then
    awk '{ n = $1; sub(/^[0-9]+ /, ""); for (i = 0; i < n; i++) print "skip scenario: " $0 }' <<<"$reasons" >>"$results"
  else
    for ((each = 0; each < $5; each++)); do skip "scenario: the executor does not do it (status 77)"; done
  fi
  return $status
}

conformance() { # EXECUTOR PATH...: with REGROW_WORKERS and REGROW_CLOCK as they are
  count_scenarios python3 tests/conformance/run.py "$@"
}

# What --operations of an executor that does all of them is to say: what the suite has, and what no scenario needs.
operations_of_the_suite() {
  awk '/^(#|$|scenario |sup |dsup |worker )/ { next } { print $1 } $1 == "do" { print $3 } END { print "sleep" }' \
    tests/conformance/scenarios/*.scn tests/conformance/random/*.scn | sort -u
}

names_all_operations() { # EXECUTOR
  # shellcheck disable=SC2086
  diff <(operations_of_the_suite) <($1 --operations | sort)
}

conformance_stage() {
  needs python3
  exists "conformance executor" "tests/conformance/executor/*.c"
  exists "conformance suite" "tests/conformance/scenarios/*.scn"
  make build/regrow-conformance
  temporary
  attempt "the C executor names its operations" names_all_operations build/regrow-conformance
  conformance build/regrow-conformance tests/conformance/scenarios tests/conformance/random
}

stage_conformance_1() { REGROW_WORKERS=1 conformance_stage; }
stage_conformance_2() { REGROW_WORKERS=2 conformance_stage; }
stage_conformance_manual() { REGROW_WORKERS=2 REGROW_CLOCK=manual conformance_stage; }

stage_conformance_rounds() {
  local round workers
  for ((round = 0; round < rounds; round++)); do
    for workers in 1 2; do
      export REGROW_WORKERS=$workers
      conformance_stage || true # it has told what failed; the other rounds may fail otherwise
    done
  done
}

# The reference is right as far as it gives the recorded traces, whatever the schedule.
needs_reference() {
  needs python3 erl elixir
  exists "reference" "tests/conformance/reference/*.erl"
  python3 tests/conformance/reference.py --available || { skip "Erlang and Elixir do not find each other"; exit 0; }
  temporary
}

stage_reference() {
  needs_reference
  local suite="tests/conformance/scenarios tests/conformance/random" round
  # shellcheck disable=SC2086
  count_scenarios python3 tests/conformance/reference.py --check $suite
  # shellcheck disable=SC2086
  for ((round = 2; round <= rounds; round++)); do
    count_scenarios python3 tests/conformance/reference.py --check $suite --noise $((1000 * round))
  done
}

differential() { # OPTION...
  exists "conformance executor" "tests/conformance/executor/*.c"
  make build/regrow-conformance
  count_scenarios python3 tests/conformance/differential.py build/regrow-conformance "$@"
}

# The same scenarios each time: new ones are made with the long counts, so that what is merely tested does not depend on
# chance.
stage_differential() {
  needs_reference
  local status=0
  differential --no-skips -n 500 --seed 51a7e0d2 || status=$?
  # Has found that the reference gave another answer than it had: to give away a table that is not there.
  differential --no-skips -n 250 --seed f6258ef5 || status=$?
  return $status
}

stage_differential_long() {
  needs_reference
  local status=0
  differential --no-skips -n $((500 * rounds)) || status=$?
  differential --no-skips -n 500 --repeat "$rounds" --again 0 || status=$?
  return $status
}

# ---- long ----

stage_fuzz() {
  exists "fuzz target" "fuzz/fuzz_targets/*.rs"
  cargo +nightly --version || { skip "a nightly Rust is not installed"; return; }
  cargo +nightly fuzz --version || cargo install cargo-fuzz --locked || { skip "cargo-fuzz cannot be installed"; return; }
  local name
  for name in fuzz/fuzz_targets/*.rs; do
    name=$(basename "$name" .rs)
    attempt "fuzz $name" cargo +nightly fuzz run "$name" -- -max_total_time=$((30 * rounds)) -rss_limit_mb=2048
  done
}

# Half a minute of wordcount for each round: the counts must hold.
stage_soak() {
  make build/wordcount
  temporary
  make_corpus "$scratch/corpus"
  local end=$((SECONDS + 30 * rounds)) seed=0
  while [ $SECONDS -lt $end ]; do
    seed=$((seed + 1))
    wordcount --chaos 0.5 --workers $((1 + seed % 9)) --seed $seed "$scratch/corpus" || { fail "wordcount, seed $seed"; return; }
  done
  pass $seed
}
