"""What an `Object` holds, as long as terms refer to it."""

from __future__ import annotations

from typing import Any

#: Objects that terms refer to, by their address, which no pointer of somebody else's can be meanwhile; and how many do.
objects: dict[int, list[Any]] = {}


def release_object(address: int) -> None:
    """One term less refers to it."""
    entry = objects.get(address)
    if entry is not None:
        entry[1] -= 1
        if entry[1] == 0:
            del objects[address]
