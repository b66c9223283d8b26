"""Behaviours: servers that go by a name, so that whoever cannot name a class starts them: a program in C or Erlang, or
configuration. What other languages have registered is started in the same way, by a `BehaviourSpec`."""

from __future__ import annotations

from dataclasses import fields

from ._handles import text
from ._native import lib
from .errors import ArgumentError
from .server import Server
from .specs import ChildSpec, ServerSpec, Structs

__all__ = ["register_behaviour"]


def register_behaviour(name: str, server: type[Server] | ServerSpec) -> None:
    """Gives a server a name, by which child specifications of the kind "behaviour" start it, in any language.

    For good, in all runtimes of the program. A `ServerSpec` says how it runs, and what `init` gets if nothing is given;
    what it says of a child (`id`, `name`, `restart`, ...) is said where it is started, and refused here. `ExistsError`
    when the name is taken.

    >>> register_behaviour("counter", ServerSpec(Counter, 0, watchdog=5))  # doctest: +SKIP
    """
    spec = ServerSpec(server) if isinstance(server, type) else server
    if not isinstance(spec, ServerSpec):
        raise TypeError(f"a behaviour is a class derived from Server, or its ServerSpec, not {server!r}")
    for field in fields(ChildSpec):
        if getattr(spec, field.name) != field.default:
            raise ArgumentError(f"{field.name} is said where a behaviour is started, and not where it is registered")
    called = text(name, "a behaviour")
    structs = Structs()
    structs.check(lib.regrow_behaviour_register(called, spec._spec(structs)))
