"""Finds libregrow, loads it unless the program has it, and checks that it is the one this package was built for.

A program has one regrow: two would know nothing of each other's processes. So the library that is there already is
taken, where Python is embedded in a program that uses it, or in a plug-in of one.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import Any

#: The layout that this package was built for: REGROW_ABI_VERSION of its header.
ABI_VERSION = 1

#: What every regrow library has, and nothing else.
_SYMBOL = "regrow_abi_version"


def load() -> str:
    """Takes the library that the program has, or loads one for the whole program to use; returns where it is."""
    given = os.environ.get("REGROW_LIBRARY")
    if given and not Path(given).is_file():
        raise ImportError(f"REGROW_LIBRARY names {given}, which is no file")
    path = _in_program()
    if path is None:
        path = given or _bundled()
    elif given and not _is_same(path, given):
        raise ImportError(f"this program has loaded {path} already, and REGROW_LIBRARY names another one: {given}")
    _check(path)
    return path


def _bundled() -> str:
    bundled = Path(__file__).with_name("libregrow.so")
    if bundled.is_file():
        return str(bundled)
    raise ImportError(
        f"there is no libregrow.so in {bundled.parent}: install the package with pip, "
        "or name the library in the environment variable REGROW_LIBRARY"
    )


def _check(path: str) -> None:
    """Has the library in the scope of the whole program, and looks at its layout."""
    try:
        # Global: the extension module is not linked with it, so that another one can be named; and a native library
        # that is loaded later meets the same regrow. One that a program has for itself alone becomes global by that.
        ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL | os.RTLD_NOW)
    except OSError as error:
        if not hasattr(_program(), _SYMBOL):  # it is part of the program's own file
            raise ImportError(f"{path} is no regrow library: {error}") from error
    abi = getattr(_program(), _SYMBOL, None)
    if abi is None:
        raise ImportError(f"{path} is no regrow library: it has no {_SYMBOL}")
    abi.restype = ctypes.c_uint32
    if abi() != ABI_VERSION:
        raise ImportError(
            f"{path} has ABI version {abi()}, and this package was built for {ABI_VERSION}: "
            "use the library of the same release"
        )


def _is_same(path: str, other: str) -> bool:
    try:
        return os.path.samefile(path, other)
    except OSError:
        return False


# ---- what the program has ----


class _Object(ctypes.Structure):
    """The beginning of C's struct dl_phdr_info."""

    _fields_ = [("address", ctypes.c_void_p), ("name", ctypes.c_char_p)]


class _Symbol(ctypes.Structure):
    """C's Dl_info."""

    _fields_ = [
        ("file", ctypes.c_char_p), ("base", ctypes.c_void_p), ("name", ctypes.c_char_p), ("address", ctypes.c_void_p),
    ]  # fmt: skip


#: What is called for each of them.
_Visitor = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_Object), ctypes.c_size_t, ctypes.c_void_p)


def _program() -> ctypes.CDLL:
    """What is in the scope of the whole program."""
    return ctypes.CDLL(None)


def _in_program() -> str | None:
    """The file of the regrow that the program has, be it for a part of it alone, such as a plug-in."""
    function = getattr(_program(), _SYMBOL, None)
    if function is not None:
        return _file_of(function)
    for name in _loaded():
        try:
            # A library that has it, or that is linked with the one that has.
            function = getattr(ctypes.CDLL(name, mode=os.RTLD_NOW | os.RTLD_NOLOAD), _SYMBOL)
        except (OSError, AttributeError):
            continue
        return _file_of(function)
    return None


def _loaded() -> list[str]:
    """The files that the program has loaded."""
    names: list[str] = []

    def note(loaded: Any, size: int, nothing: None) -> int:
        if loaded[0].name:  # the program itself has none
            names.append(os.fsdecode(loaded[0].name))
        return 0

    _program().dl_iterate_phdr(_Visitor(note), None)
    return names


def _file_of(function: Any) -> str:
    symbol = _Symbol()
    _program().dladdr(ctypes.cast(function, ctypes.c_void_p), ctypes.byref(symbol))
    return os.fsdecode(symbol.file or b"")
