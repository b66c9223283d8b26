"""Builds the peers' programs, in $TARGET and never in the repository. What cannot be built is left out, and its log kept."""
import os
import shutil
import subprocess
import sys

from peers import FAMILIES, HERE, TARGET


def _newer(built, *sources):
    return built.exists() and all(built.stat().st_mtime >= source.stat().st_mtime for source in sources)


def _run(name, command, **options):
    """Whether the command went well. What it says is in $TARGET/NAME.log while it did not."""
    log = TARGET / f"{name}.log"
    with open(log, "w") as out:
        done = subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, **options).returncode == 0
    if done:
        log.unlink()
    else:
        print(f"{name}: does not build, see {log}", file=sys.stderr)
    return done


def _erlang():
    (TARGET / "erl").mkdir(exist_ok=True)
    sources = [HERE / "erlang" / "peers.erl", HERE / "erlang" / "peers_sup.erl"]
    if not _newer(FAMILIES["erlang"].built, *sources):
        _run("erlang", ["erlc", "-o", str(TARGET / "erl"), *map(str, sources)])


def _elixir():
    (TARGET / "ex").mkdir(exist_ok=True)
    source = HERE / "elixir" / "ex_peers.ex"
    if not _newer(FAMILIES["elixir"].built, source):
        _run("elixir", ["elixirc", "-o", str(TARGET / "ex"), str(source)])


def _caf():
    source = HERE / "caf" / "caf_peers.cpp"
    if not _newer(FAMILIES["caf"].built, source):
        _run("caf", ["g++", "-std=c++17", "-O2", "-o", str(TARGET / "caf_peers"), str(source), "-lcaf_core", "-lpthread"])


def _go():
    if not _newer(FAMILIES["go"].built, HERE / "go" / "main.go"):
        environment = {**os.environ, "GOCACHE": str(TARGET / "gocache")}
        _run("go", ["go", "build", "-o", str(TARGET / "go_peers"), "."], cwd=HERE / "go", env=environment)


def _rust(names):
    """From a copy, so that cargo writes its lock file there. A first build fetches crates."""
    project, crates = TARGET / "rust-project", HERE / "rust"
    sources = [crates / "Cargo.toml", *(crates / "src").rglob("*.rs")]
    if all(_newer(FAMILIES[name].built, *sources) for name in names) and (project / "Cargo.lock").exists():
        return
    shutil.copytree(crates, project, dirs_exist_ok=True, ignore=shutil.ignore_patterns("Cargo.lock", "target"))
    environment = {**os.environ, "CARGO_TARGET_DIR": str(TARGET / "rust")}
    build = ["cargo", "build", "--quiet", "--release", "--bins"]
    # Without a network, what has been fetched before does as well.
    if _run("rust", build, cwd=project, env=environment) or \
            _run("rust", [*build, "--offline"], cwd=project, env=environment):
        for name in names:
            os.utime(FAMILIES[name].built)  # cargo leaves what has not changed


def build(names, quick=False):
    """`quick`: only what is built in seconds; of the rest, what is there already takes part."""
    TARGET.mkdir(parents=True, exist_ok=True)
    for name in names:
        family = FAMILIES[name]
        if not shutil.which(family.command) or (family.header and not family.header.exists()):
            continue
        if name == "erlang":
            _erlang()
        elif name == "elixir":
            _elixir()
        elif name == "caf" and not quick:
            _caf()
        elif name == "go" and not quick:
            _go()
    crates = [name for name in names if FAMILIES[name].command == "cargo"]
    if crates and shutil.which("cargo") and not quick:
        _rust(crates)
