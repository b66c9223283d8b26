"""Finds libregrow.so, loads it and checks that it is the one this package was built for."""

import ctypes
import os
from pathlib import Path

#: The layout that this package was built for: REGROW_ABI_VERSION of its header.
ABI_VERSION = 1


def _path() -> str:
    given = os.environ.get("REGROW_LIBRARY")
    if given:
        if not Path(given).is_file():
            raise ImportError(f"REGROW_LIBRARY names {given}, which is no file")
        return given
    bundled = Path(__file__).with_name("libregrow.so")
    if bundled.is_file():
        return str(bundled)
    raise ImportError(
        f"there is no libregrow.so in {bundled.parent}: install the package with pip, "
        "or name the library in the environment variable REGROW_LIBRARY"
    )


def load() -> str:
    """Loads the library, for the whole program to use, and returns where it was found."""
    path = _path()
    try:
        # Global: the extension module is not linked with it, so that another one can be named; and a native library
        # that is loaded later meets the same regrow.
        library = ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL | os.RTLD_NOW)
        abi = library.regrow_abi_version
    except (OSError, AttributeError) as error:
        raise ImportError(f"{path} is no regrow library: {error}") from error
    abi.restype = ctypes.c_uint32
    if abi() != ABI_VERSION:
        raise ImportError(
            f"{path} has ABI version {abi()}, and this package was built for {ABI_VERSION}: "
            "use the library of the same release"
        )
    return path
