#!/usr/bin/env bash
# Builds the peer programs (outside the repository) and runs workloads over all of them, paired:
# every repetition runs each peer once before the next repetition starts.
#
#   ./run-peers.sh                         all workloads, all default peers, 3 repetitions
#   ./run-peers.sh pingpong call_actor     only these workloads (NAME or NAME:N)
#   REPS=5 PEERS=erlang,go ./run-peers.sh spawn
#   EXTRA='regrow=build/regrow-bench workers=2' ./run-peers.sh pingpong    adds regrow, or a program of your own
#   ./run-peers.sh --build                 builds only
#   ./run-peers.sh limits | rustmaps       the physical limits; the Rust maps
#
# Environment: TARGET (build outputs, default /tmp/regrow-peers), OUT (JSON lines are appended
# there, default $TARGET/results.jsonl), REPS, PEERS (comma list), EXTRA (name=command;...).
set -euo pipefail
export CALLED_FROM="$PWD" # what EXTRA names is found from here
cd "$(dirname "$0")"
export TARGET="${TARGET:-/tmp/regrow-peers}"
mkdir -p "$TARGET"/{erl,ex}

build() {
  if command -v erlc >/dev/null; then erlc -o "$TARGET/erl" erlang/peers.erl erlang/peers_sup.erl; fi
  if command -v elixirc >/dev/null; then
    [ "$TARGET/ex/Elixir.ExPeers.beam" -nt elixir/ex_peers.ex ] || elixirc -o "$TARGET/ex" elixir/ex_peers.ex
  fi
  if command -v cargo >/dev/null; then
    CARGO_TARGET_DIR="$TARGET/rust" cargo build --quiet --release --manifest-path rust/Cargo.toml --bins
  fi
  if [ -d /usr/include/caf ]; then
    [ "$TARGET/caf_peers" -nt caf/caf_peers.cpp ] ||
      g++ -std=c++17 -O2 -o "$TARGET/caf_peers" caf/caf_peers.cpp -lcaf_core -lpthread
  fi
  if command -v go >/dev/null; then
    (cd go && GOCACHE="$TARGET/gocache" go build -o "$TARGET/go_peers" .)
  fi
}

build
if [ "${1:-}" = --build ]; then exit 0; fi
exec python3 bench.py "$@"
