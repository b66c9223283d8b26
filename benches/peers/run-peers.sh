#!/usr/bin/env bash
# Builds the peer programs (outside the repository) and runs workloads over all of them, paired:
# every repetition runs each peer once before the next repetition starts. `make bench` compares regrow with them.
#
#   ./run-peers.sh                         all workloads, all peers, 3 repetitions
#   ./run-peers.sh pingpong call_actor     only these workloads (NAME or NAME:N)
#   REPS=5 PEERS=erlang,go ./run-peers.sh spawn
#   EXTRA='regrow=build/regrow-bench workers=2' ./run-peers.sh pingpong    adds regrow, or a program of your own
#   ./run-peers.sh --build                 builds only
#   ./run-peers.sh --table FILE...         the table of an earlier run
#   ./run-peers.sh limits | rustmaps       the physical limits; the Rust maps
#
# Environment: TARGET (build outputs, default /tmp/regrow-peers), OUT (JSON lines are appended
# there, default $TARGET/results.jsonl), REPS, PEERS (comma list), EXTRA (name=command;...).
set -euo pipefail
export CALLED_FROM="$PWD" # what EXTRA names is found from here
bench="$(dirname "$0")/bench.py"
case "${1:-}" in
  --build) exec python3 "$bench" build ;;
  --table) shift; exec python3 "$bench" --each "$@" ;;
  *) exec python3 "$bench" each "$@" ;;
esac
