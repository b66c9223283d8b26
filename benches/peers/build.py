"""Builds the peers' programs, in $TARGET and never in the repository. What cannot be built is left out, and its log kept."""
import hashlib
import os
import shutil
import subprocess
import sys

from peers import FAMILIES, HERE, TARGET


# What was to be built quickly, and is not there, or of other sources.
old = set()


def _state(sources, built):
    """What is noted of a build: what the sources had in them (a checkout makes all of them new), and what it made when."""
    digest = hashlib.sha256()
    for source in sorted(sources):
        digest.update(source.read_bytes())
    made = [f"{each.stat().st_size} {each.stat().st_mtime_ns}" if each.exists() else "none" for each in built]
    return "\n".join([digest.hexdigest(), *made]) + "\n"


def _unless_built(name, sources, make, quickly=False):
    """Has `make` build it, which says whether that went well, unless it is there, of these sources. `quickly`: it is
    left alone then, and noted in `old`."""
    stamp, built = TARGET / f"{name}.built", [family.built for family in FAMILIES.values() if family.log == name]
    if stamp.exists() and stamp.read_text() == _state(sources, built):
        return
    if quickly:
        old.add(name)
        return
    stamp.unlink(missing_ok=True)
    if make():
        stamp.write_text(_state(sources, built))


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
    _unless_built("erlang", sources, lambda: _run("erlang", ["erlc", "-o", str(TARGET / "erl"), *map(str, sources)]))


def _elixir():
    (TARGET / "ex").mkdir(exist_ok=True)
    source = HERE / "elixir" / "ex_peers.ex"
    _unless_built("elixir", [source], lambda: _run("elixir", ["elixirc", "-o", str(TARGET / "ex"), str(source)]))


def _caf(quickly):
    source = HERE / "caf" / "caf_peers.cpp"
    command = ["g++", "-std=c++17", "-O2", "-o", str(TARGET / "caf_peers"), str(source), "-lcaf_core", "-lpthread"]
    _unless_built("caf", [source], lambda: _run("caf", command), quickly)


def _go(quickly):
    environment = {**os.environ, "GOCACHE": str(TARGET / "gocache")}
    command = ["go", "build", "-o", str(TARGET / "go_peers"), "."]
    _unless_built("go", [HERE / "go" / "main.go"], lambda: _run("go", command, cwd=HERE / "go", env=environment),
                  quickly)


def _rust(quickly):
    """From a copy, so that cargo writes its lock file there. A first build fetches crates."""
    project, crates = TARGET / "rust-project", HERE / "rust"
    environment = {**os.environ, "CARGO_TARGET_DIR": str(TARGET / "rust")}
    command = ["cargo", "build", "--quiet", "--release", "--bins"]

    def make():
        shutil.copytree(crates, project, dirs_exist_ok=True, ignore=shutil.ignore_patterns("Cargo.lock", "target"))
        # Without a network, what has been fetched before does as well.
        return _run("rust", command, cwd=project, env=environment) or \
            _run("rust", [*command, "--offline"], cwd=project, env=environment)

    _unless_built("rust", [crates / "Cargo.toml", *(crates / "src").rglob("*.rs")], make, quickly)


def build(names, quick=False):
    """`quick`: only what is built in seconds; of the rest, what is there already, of these sources, takes part."""
    old.clear()
    TARGET.mkdir(parents=True, exist_ok=True)
    for name in names:
        family = FAMILIES[name]
        if not shutil.which(family.command) or (family.header and not family.header.exists()):
            continue
        if name == "erlang":
            _erlang()
        elif name == "elixir":
            _elixir()
        elif name == "caf":
            _caf(quick)
        elif name == "go":
            _go(quick)
    if any(FAMILIES[name].log == "rust" for name in names) and shutil.which("cargo"):
        _rust(quick)
