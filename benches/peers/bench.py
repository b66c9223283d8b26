#!/usr/bin/env python3
"""Runs the peer programs paired and prints the median of each workload as a Markdown table.

Called by run-peers.sh, which builds first. See its head for the environment variables.
`bench.py --table FILE...` only prints the table of JSON lines kept from earlier runs."""
import json
import os
import shlex
import statistics
import subprocess
import sys

T = os.environ.get("TARGET", "/tmp/regrow-peers")
OUT = os.environ.get("OUT", f"{T}/results.jsonl")
REPS = int(os.environ.get("REPS", "3"))
LIMIT = int(os.environ.get("LIMIT_S", "90"))
CALLED_FROM = os.environ.get("CALLED_FROM", ".")

ERL = f"erl -noshell {{}} +P 4000000 -pa {T}/erl -run peers main"
PEERS = {
    "erlang": ERL.format(""),
    "erlang1": ERL.format("+S 1:1"),
    "elixir": f"elixir --erl '+P 4000000' -pa {T}/ex -e 'ExPeers.main(System.argv())' --",
    "ractor": f"{T}/rust/release/ractor",
    "ractor1": f"{T}/rust/release/ractor workers=1",
    "kameo": f"{T}/rust/release/kameo",
    "kameo1": f"{T}/rust/release/kameo workers=1",
    "actix1": f"{T}/rust/release/actix workers=1",
    "actix2": f"{T}/rust/release/actix workers=2",
    "caf": f"{T}/caf_peers",
    "caf1": f"{T}/caf_peers workers=1",
    "go": f"{T}/go_peers",
    "go1": f"{T}/go_peers workers=1",
    "limits": f"{T}/rust/release/limits",
    "rustmaps": f"{T}/rust/release/rustmaps",
}
DEFAULT = [p for p in PEERS if p not in ("limits", "rustmaps")]

# which peers have which workload; a peer not listed has no such notion
RUST = ["ractor", "ractor1", "kameo", "kameo1"]
ACTIX = ["actix1", "actix2"]
CAF = ["caf", "caf1"]
GO = ["go", "go1"]
ERLS = ["erlang", "erlang1"]
WORK = {
    "pingpong": ERLS + RUST + ACTIX + CAF + GO,
    "call_actor": ERLS + ["elixir"] + RUST + ACTIX + CAF + GO,
    "call_thread": RUST + ACTIX + CAF,
    "counting": ERLS + RUST + ACTIX + CAF + GO,
    "threadring": ERLS + RUST + ACTIX + CAF + GO,
    "spawn": ERLS + RUST + ACTIX + CAF + GO,
    "idle": ERLS + RUST + ACTIX + CAF + GO,
    "big": ERLS + RUST + ACTIX + CAF + GO,
    "chameneos": ERLS + RUST + ACTIX + CAF + GO,
    "fanin": ERLS + RUST + ACTIX + CAF + GO,
    "large_list": ERLS + RUST + ACTIX + CAF,
    "large_list_copy": RUST + ACTIX + CAF + GO,
    "large_bin": ERLS + RUST + ACTIX + CAF,
    "restart": ERLS + ["elixir"] + RUST + ACTIX,
    "dynsup": ["elixir"],
    "timers": ERLS + RUST + ACTIX + CAF + GO,
    "agent": ["elixir"],
    "registry": ["elixir", "ractor", "kameo", "caf", "go"],
    "reg_ets": ["erlang"],
    "reg_whereis": ["erlang"],
    "table_set": ["erlang"],
    "table_set_conc": ["erlang"],
    "table_ordered": ["erlang"],
    "table_ordered_conc": ["erlang"],
    "table_select": ["erlang"],
}
# smaller sizes where the full one would run for a minute (a cross-thread wake per message, or
# a spawn that gets slower with the number alive)
SIZE = {
    ("actix2", "pingpong"): 50_000, ("actix2", "call_actor"): 50_000, ("actix2", "threadring"): 100_000,
    ("actix1", "call_thread"): 30_000, ("actix2", "call_thread"): 30_000, ("actix2", "large_bin"): 30_000,
    ("ractor", "idle"): 300_000, ("ractor1", "idle"): 300_000,
    ("kameo", "idle"): 300_000, ("kameo1", "idle"): 300_000,
    ("caf", "spawn"): 200_000, ("caf", "call_thread"): 30_000, ("caf1", "call_thread"): 30_000,
}


def run(peer, cmd, work):
    rewrite = peer not in ("limits", "rustmaps")
    args = shlex.split(cmd) + ([work] if work else [])
    cwd = "/" if peer in PEERS else CALLED_FROM
    try:
        r = subprocess.run(args, capture_output=True, text=True, timeout=LIMIT, cwd=cwd)
    except subprocess.TimeoutExpired:
        print(f"{peer} {work}: over {LIMIT} s, dropped", file=sys.stderr)
        return
    if r.stderr.strip():
        print(f"{peer} {work}: {r.stderr.strip()[:300]}", file=sys.stderr)
    with open(OUT, "a") as f:
        for line in r.stdout.splitlines():
            if line.startswith("{"):
                d = json.loads(line)
                if rewrite:
                    d["peer"] = peer
                f.write(json.dumps(d) + "\n")


def table(files):
    rows = {}
    for name in files:
        for line in open(name):
            d = json.loads(line)
            rows.setdefault(d["workload"], {}).setdefault(d["peer"], []).append(d)
    for w, peers in rows.items():
        print(f"\n### {w}\n\n| peer | n | per second | runs | extra (medians) |\n|---|---|---|---|---|")
        best = max(peers, key=lambda p: statistics.median(d["per_sec"] for d in peers[p]))
        for p, ds in sorted(peers.items(), key=lambda x: -statistics.median(d["per_sec"] for d in x[1])):
            med = statistics.median(d["per_sec"] for d in ds)
            keys = ds[0]["extra"].keys()
            ex = ", ".join(f"{k} {statistics.median(d['extra'][k] for d in ds):,.6g}" for k in keys)
            lo, hi = min(d["per_sec"] for d in ds), max(d["per_sec"] for d in ds)
            mark = "**" if p == best else ""
            print(f"| {mark}{p}{mark} | {ds[0]['n']:,} | {med:,.0f} ({lo:,.0f}..{hi:,.0f}) | {len(ds)} | {ex} |")


def main():
    a = sys.argv[1:]
    if a and a[0] == "--table":
        return table(a[1:] or [OUT])
    peers = dict(PEERS)
    extra = [e.strip().split("=", 1) for e in os.environ.get("EXTRA", "").split(";") if e.strip()]
    peers.update({n: c for n, c in extra})
    chosen = os.environ.get("PEERS", "").split(",") if os.environ.get("PEERS") else DEFAULT
    chosen = chosen + [n for n, _ in extra if n not in chosen]
    work = a or list(WORK)
    print(f"load {os.getloadavg()[0]:.2f}; {REPS} repetitions; results in {OUT}", file=sys.stderr)
    open(OUT, "a").close()
    for w in work:
        name, _, size = w.partition(":")
        for _ in range(REPS):
            if name in ("limits", "rustmaps"):
                run(name, peers[name], "")
                continue
            for p in chosen:
                if p in WORK.get(name, []) or p in dict(extra):
                    n = size or SIZE.get((p, name), "")
                    run(p, peers[p], f"{name}:{n}" if n else name)
    table([OUT])


main()
