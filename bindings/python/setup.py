"""Builds libregrow with cargo, and puts it into the package beside the extension module."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent.parent.parent
NEEDED = "regrow needs {0} to build: {1}. Or name a libregrow.so that is built already: REGROW_LIBRARY=PATH pip install ..."


def crate_version() -> str:
    manifest = ROOT / "Cargo.toml"
    if not manifest.exists():
        raise SystemExit(NEEDED.format("its own source tree", "install it from bindings/python of a checkout"))
    return re.search(r'^version = "(.*)"', manifest.read_text(), re.M).group(1)


def library() -> Path:
    """The shared library: the one that REGROW_LIBRARY names, or built here."""
    given = os.environ.get("REGROW_LIBRARY")
    if given:
        if not Path(given).is_file():
            raise SystemExit(f"REGROW_LIBRARY names {given}, which is no file")
        return Path(given)
    if shutil.which("cargo") is None:
        raise SystemExit(NEEDED.format("cargo", "install Rust 1.88 or later"))
    target = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target").resolve()
    subprocess.run(["cargo", "build", "--release", "--lib", "--target-dir", str(target)], cwd=ROOT, check=True)
    return target / "release" / "libregrow.so"


class BuildWithLibrary(build_py):
    def run(self) -> None:
        super().run()
        if shutil.which(os.environ.get("CC", "cc")) is None:
            raise SystemExit(NEEDED.format("a C compiler", "install gcc, or set CC"))
        if not getattr(self, "editable_mode", False):
            shutil.copy(library(), Path(self.build_lib) / "regrow" / "libregrow.so")


setup(version=crate_version(), cffi_modules=["build_native.py:ffi"], cmdclass={"build_py": BuildWithLibrary})
