"""Who is compared: the peers, how each is started, what it can do, and what must be installed for it.

A family is one peer; its programs are the ways in which it is run (with all cores, with one). The table has a column
for each family, with the better of its programs."""
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
TARGET = Path(os.environ.get("TARGET", "/tmp/regrow-peers"))

ACTORS = ["pingpong", "call_actor", "counting", "threadring", "spawn", "idle", "big", "chameneos", "fanin"]
RUST = [*ACTORS, "call_thread", "large_list", "large_list_copy", "large_bin", "restart", "timers"]
ETS = ["table_set", "table_set_conc", "table_ordered", "table_ordered_conc", "table_select"]
ERL = f"erl -noshell {{}} +P 4000000 -pa {TARGET}/erl -run peers main"
CRATES = TARGET / "rust" / "release"


@dataclass
class Family:
    title: str
    programs: dict  # name: command; `name1` has one worker
    workloads: list  # of every program
    command: str  # what must be there to build it, and how Debian calls it
    package: str
    built: Path  # what building makes
    log: str  # what is built with it, by name: there is one build of all Rust peers
    header: Path = None  # a library's, where no command shows that it is installed


FAMILIES = {
    "erlang": Family(
        "Erlang", {"erlang": ERL.format(""), "erlang1": ERL.format("+S 1:1")},
        [*ACTORS, "large_list", "large_bin", "restart", "timers", "reg_ets", "reg_whereis", *ETS],
        "erlc", "erlang-base", TARGET / "erl" / "peers.beam", "erlang"),
    "elixir": Family(
        "Elixir", {"elixir": f"elixir --erl '+P 4000000' -pa {TARGET}/ex -e 'ExPeers.main(System.argv())' --"},
        ["call_actor", "restart", "dynsup", "agent", "registry", "task"],
        "elixirc", "elixir", TARGET / "ex" / "Elixir.ExPeers.beam", "elixir"),
    "ractor": Family(
        "ractor", {"ractor": f"{CRATES}/ractor", "ractor1": f"{CRATES}/ractor workers=1"}, [*RUST, "registry"],
        "cargo", "cargo", CRATES / "ractor", "rust"),
    "kameo": Family(
        "kameo", {"kameo": f"{CRATES}/kameo", "kameo1": f"{CRATES}/kameo workers=1"}, [*RUST, "registry"],
        "cargo", "cargo", CRATES / "kameo", "rust"),
    "actix": Family(  # timers and restart are not of the table: see rows.py
        "actix", {"actix1": f"{CRATES}/actix workers=1", "actix2": f"{CRATES}/actix workers=2"}, RUST,
        "cargo", "cargo", CRATES / "actix", "rust"),
    "caf": Family(
        "CAF", {"caf": f"{TARGET}/caf_peers", "caf1": f"{TARGET}/caf_peers workers=1"},
        [each for each in RUST if each != "restart"] + ["registry"],
        "g++", "libcaf-dev", TARGET / "caf_peers", "caf", header=Path("/usr/include/caf/all.hpp")),
    "go": Family(
        "Go", {"go": f"{TARGET}/go_peers", "go1": f"{TARGET}/go_peers workers=1"},
        [*ACTORS, "large_list_copy", "timers", "registry", "task"],
        "go", "golang-go", TARGET / "go_peers", "go"),
}
# Not in the table: the bare machine, and Rust's maps. They take no workloads, and name their lines themselves.
OTHERS = {"limits": f"{CRATES}/limits", "rustmaps": f"{CRATES}/rustmaps"}
PROGRAMS = {name: command for family in FAMILIES.values() for name, command in family.programs.items()}


def family_of(program):
    """The column a program's numbers stand in; a program that is nobody's has its own."""
    if program.startswith("regrow"):
        return "regrow"
    return next((name for name, family in FAMILIES.items() if program in family.programs), program)


def has(program, workload):
    return workload in FAMILIES[family_of(program)].workloads


def missing(name):
    """Why a family cannot take part, or None."""
    family = FAMILIES[name]
    if not shutil.which(family.command):
        return f"not installed ({family.package})"
    if family.header and not family.header.exists():
        return f"not installed ({family.package})"
    log = TARGET / f"{family.log}.log"
    if log.exists():
        return f"does not build ({log})"
    return None if family.built.exists() else "not built"


def _said(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd="/").stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""


def _crate(name):
    lock = TARGET / "rust-project" / "Cargo.lock"
    found = lock.exists() and re.search(f'name = "{name}"\nversion = "(.*)"', lock.read_text())
    return found.group(1) if found else "unknown version"


def version(name):
    if name == "erlang":
        return "OTP " + _said("erl", "-noshell", "-eval", "io:format(\"~s, ERTS ~s\", [erlang:system_info(otp_release), "
                              "erlang:system_info(version)]), halt().")
    if name == "elixir":
        return next((line[7:] for line in _said("elixir", "--version").splitlines() if line.startswith("Elixir ")), "")
    if name == "go":
        return _said("go", "version").removeprefix("go version go")
    if name == "caf":
        found = re.search(r"define CAF_VERSION (\d+)", Path("/usr/include/caf/config.hpp").read_text())
        number = int(found.group(1)) if found else 0
        return f"{number // 10000}.{number // 100 % 100}.{number % 100}"
    return f"{_crate(name)}, {_said('rustc', '-V')}"


def regrow_version():
    version = re.search('^version = "(.*)"', (TOP / "Cargo.toml").read_text(), re.M).group(1)
    commit = _said("git", "-C", str(TOP), "describe", "--always", "--dirty", "--abbrev=10")
    return f"{version}{', ' + commit if commit else ''}, {_said('rustc', '-V')}"
