#!/usr/bin/env bash
# Installs the Debian packages that are missing, when it may; else says in one line what to install.
# usage: scripts/setup.sh build|test
#   build  what the library and the C programs need: without it, nothing goes on (status 1)
#   test   also what the tests use: what stays missing is skipped by the tests, and they say so
# Does nothing, quickly, when everything is there.
set -u
cd "$(dirname "$0")/.."

# tool:package; a tool is there when it is a command
build_tools="cc:gcc"
test_tools="g++:g++ clang:clang python3:python3 pkg-config:pkg-config cmake:cmake ninja:ninja-build
            valgrind:valgrind abidw:abigail-tools doxygen:doxygen erl:erlang-base elixir:elixir git:git rebar3:rebar3 node:nodejs npm:npm"

missing() {
  local entry
  for entry in "$@"; do
    command -v "${entry%%:*}" >/dev/null 2>&1 || echo "${entry#*:}"
  done
  # A compiler without the C library's headers compiles nothing.
  if command -v cc >/dev/null 2>&1 && ! echo '#include <stdio.h>' | cc -E - >/dev/null 2>&1; then
    echo libc6-dev
  fi
}

# What of Erlang's is no command: the header of NIFs, and the unit tests.
missing_of_erlang() {
  [ "$kind" = test ] || return 0
  [ -e /usr/lib/erlang/usr/include/erl_nif.h ] || echo erlang-dev
  compgen -G '/usr/lib/erlang/lib/eunit-*' >/dev/null || echo erlang-eunit
}

# What the Python package's tests need of Debian's python3, which no command shows.
missing_of_python() {
  [ "$kind" = test ] || return 0
  command -v python3 >/dev/null 2>&1 || { echo python3-dev python3-venv; return; }
  python3 -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
  [ -f "$(python3 -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" ] || echo python3-dev
}

all_missing() {
  # shellcheck disable=SC2086 # the lists are meant to be split
  missing $tools
  missing_of_erlang
  missing_of_python
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

may_install() {
  command -v apt-get >/dev/null 2>&1 && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }
}

apt_install() {
  as_root env DEBIAN_FRONTEND=noninteractive timeout 900 \
    apt-get install -y --no-install-recommends "$@" >>build/setup.log 2>&1
}

install_packages() {
  mkdir -p build
  echo "regrow: installing $* (apt-get, see build/setup.log)"
  apt_install "$@" && return
  as_root timeout 300 apt-get update >>build/setup.log 2>&1
  apt_install "$@" && return
  local package # one that cannot be had must not keep the others away
  for package in "$@"; do apt_install "$package"; done
}

kind=${1:-build}
case $kind in
  build) tools=$build_tools ;;
  test) tools="$build_tools $test_tools" ;;
  *) echo "usage: scripts/setup.sh build|test" >&2; exit 2 ;;
esac

if ! command -v cargo >/dev/null 2>&1; then
  echo "regrow: cargo is missing; install Rust 1.88 or later" >&2
  exit 1
fi

# shellcheck disable=SC2086 # the lists are meant to be split
packages=$(all_missing)
[ -n "$packages" ] || exit 0
# shellcheck disable=SC2086
if may_install; then install_packages $packages; fi
# shellcheck disable=SC2086
packages=$(all_missing | tr '\n' ' ')
[ -n "$packages" ] || exit 0

echo "regrow: please install what is missing: sudo apt-get install ${packages% }" >&2
# shellcheck disable=SC2086
[ -z "$(missing $build_tools)" ]
