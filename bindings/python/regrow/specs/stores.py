"""Specifications of what finds processes: registries, groups and topics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._handles import choice, text
from .._native import ffi, lib
from .base import ChildSpec
from .structs import Structs, optional_of

_KEYS = {"unique": lib.REGROW_UNIQUE, "duplicate": lib.REGROW_DUPLICATE}


@dataclass(frozen=True)
class RegistrySpec(ChildSpec):
    """A registry with "unique" or "duplicate" keys; `listeners` are the names of processes that are told of changes."""

    keys: str = "unique"
    partitions: int | None = None
    listeners: Sequence[str] = ()
    meta: Mapping[Any, Any] | None = None

    _kind = lib.REGROW_REGISTRY

    def _spec(self, structs: Structs) -> Any:
        spec = structs.new("regrow_registry_spec")
        spec.keys = choice(self.keys, "keys", _KEYS)
        spec.partitions = optional_of(self.partitions, "partitions")
        names = [structs.keep(ffi.new("char[]", text(name, "a listener"))) for name in self.listeners]
        spec.listeners = structs.keep(ffi.new("char *[]", names))
        spec.listener_count = len(names)
        if self.meta is not None:
            spec.meta = structs.term(dict(self.meta))
        return spec


@dataclass(frozen=True)
class PubSubSpec(ChildSpec):
    """Groups and topics."""

    _kind = lib.REGROW_PUBSUB

    def _spec(self, structs: Structs) -> Any:
        return structs.new("regrow_pubsub_spec")
