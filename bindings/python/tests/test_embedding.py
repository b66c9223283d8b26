"""Python inside another program, which has a libregrow of its own: it is that one's processes that Python has."""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest
import regrow

HERE = Path(__file__).parent / "embedding"
INCLUDE = Path(__file__).parents[3] / "include"
LIBPYTHON = Path(str(sysconfig.get_config_var("LIBDIR"))) / str(sysconfig.get_config_var("INSTSONAME"))

pytestmark = pytest.mark.skipif(
    not (sysconfig.get_config_var("Py_ENABLE_SHARED") and LIBPYTHON.is_file()),
    reason=f"this Python has no libpython ({LIBPYTHON}; Debian: libpython3-dev)",
)


def compile(*arguments: object) -> None:
    subprocess.run(["cc", "-std=gnu11", "-Wall", "-Wextra", "-Wno-unused-parameter", "-g", *map(str, arguments)], check=True)


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program's own libregrow: another file than the one in the package."""
    copy = tmp_path_factory.mktemp("library") / "libregrow.so"
    shutil.copy(regrow._path, copy)
    return copy


@pytest.fixture(scope="session")
def with_both(library: Path) -> list[object]:
    """What is linked with regrow and Python."""
    include = sysconfig.get_path("include")
    soname = next(line.split("[")[1].split("]")[0] for line in _dynamic(library) if "SONAME" in line)
    if not (library.parent / soname).exists():
        (library.parent / soname).symlink_to(library)
    paths = [f"-Wl,-rpath,{folder}" for folder in (library.parent, LIBPYTHON.parent)]
    return [f"-I{INCLUDE}", f"-I{include}", f'-DLIBPYTHON="{LIBPYTHON}"', HERE / "plugin.c", library, LIBPYTHON, *paths]


def _dynamic(library: Path) -> list[str]:
    return subprocess.run(["readelf", "-d", library], capture_output=True, text=True, check=True).stdout.splitlines()


Runs = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def as_plugin(with_both: list[object], tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """regrow and Python came with a plug-in, and are in nobody else's scope."""
    folder = tmp_path_factory.mktemp("plugin")
    compile("-shared", "-fPIC", *with_both, "-o", folder / "plugin.so")
    compile(HERE / "host.c", "-o", folder / "host")
    return _runs(folder / "host", folder / "plugin.so")


@pytest.fixture(scope="session")
def as_program(with_both: list[object], tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """regrow and Python are the program's, and in everybody's scope."""
    folder = tmp_path_factory.mktemp("program")
    (folder / "main.c").write_text("int run(const char *); int main(int argc, char **argv) { return run(argv[argc - 1]); }\n")
    compile(folder / "main.c", *with_both, "-o", folder / "program")
    return _runs(folder / "program")


def _runs(*command: Path) -> Runs:
    def run(**environment: str) -> subprocess.CompletedProcess[str]:
        without = {name: value for name, value in os.environ.items() if name != "REGROW_LIBRARY"}
        return subprocess.run(
            [*command, sys.executable], capture_output=True, text=True, timeout=60, env={**without, **environment}
        )

    return run


@pytest.mark.parametrize("how", ["as_plugin", "as_program"])
def test_a_server_of_python_regrows_under_the_programs_supervisor(how: str, request: pytest.FixtureRequest) -> None:
    ended = request.getfixturevalue(how)()
    assert (ended.returncode, ended.stdout) == (0, "it regrew\n"), ended.stderr


def test_the_library_that_is_there_may_be_named(as_plugin: Runs, library: Path) -> None:
    ended = as_plugin(REGROW_LIBRARY=str(library))
    assert ended.returncode == 0, ended.stderr


def test_another_library_than_the_one_that_is_there_is_refused(as_plugin: Runs, library: Path) -> None:
    ended = as_plugin(REGROW_LIBRARY=str(regrow._path))
    assert ended.returncode != 0
    assert f"has loaded {library.parent}/" in ended.stderr
    assert f"already, and REGROW_LIBRARY names another one: {regrow._path}" in ended.stderr
