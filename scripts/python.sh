#!/usr/bin/env bash
# Makes a virtual environment with the Python package and what it needs to be built and tested; does nothing that is done.
# usage: scripts/python.sh FOLDER
# Fails with one line about why when there can be none.
set -eu
cd "$(dirname "$0")/.."
folder=$1

give_up() { echo "$*" >&2; exit 1; }

command -v python3 >/dev/null || give_up "python3 is not installed"
command -v cc >/dev/null || give_up "cc is not installed"
[ -f "$(python3 -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" ] || give_up "python3 has no headers (python3-dev)"
[ -x "$folder/bin/pip" ] || python3 -m venv "$folder" >/dev/null || give_up "python3 makes no virtual environment (python3-venv)"
"$folder/bin/python" -c 'import cffi, setuptools, wheel, pytest, mypy' 2>/dev/null ||
  "$folder/bin/pip" install --quiet --disable-pip-version-check cffi setuptools wheel pytest mypy ||
  give_up "pip cannot install cffi, setuptools, wheel, pytest and mypy"

# What goes into the package: when none of it is newer than the last time, it is there. cargo knows what the library is of.
make -s build/libregrow.so >&2 || give_up "libregrow does not build"
stamp=$folder/installed
sources="native regrow README.md build_native.py setup.py pyproject.toml"
newer() {
  # shellcheck disable=SC2046,SC2086
  find $(printf 'bindings/python/%s ' $sources) include/regrow.h Cargo.toml scripts/python.sh target/release/libregrow.so \
    -name __pycache__ -prune -o -newer "$stamp" -print -quit
}
[ -n "${REGROW_LIBRARY:-}" ] || [ ! -f "$stamp" ] || [ -n "$(newer)" ] || exit 0
rm -f "$stamp"
touch "$stamp.begun" # what is edited meanwhile is newer
CARGO_TARGET_DIR=$PWD/target "$folder/bin/pip" install --quiet --disable-pip-version-check --no-build-isolation --no-deps \
  --force-reinstall ./bindings/python
[ -n "${REGROW_LIBRARY:-}" ] || mv "$stamp.begun" "$stamp"
