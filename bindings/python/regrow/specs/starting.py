"""Starting what a specification says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import terms
from .._native import ffi, lib
from ..process import Pid, process_id
from .base import ChildSpec, child_of, fill_child
from .structs import Structs

if TYPE_CHECKING:
    from ..server import Server


def start(runtime: Pid, spec: ChildSpec | type[Server]) -> Pid:
    """Starts any kind of process, without parent or link, and waits until it is up."""
    structs, child, pid = prepared(spec)
    return started(structs, spec, lib.regrow_start((process_id(runtime),), child, pid), pid)


def start_link(spec: ChildSpec | type[Server]) -> Pid:
    """As `Runtime.start()`, linked with the caller, which is its parent. Needs an identity."""
    structs, child, pid = prepared(spec)
    return started(structs, spec, lib.regrow_start_link(child, pid), pid)


def start_monitor(spec: ChildSpec | type[Server]) -> tuple[Pid, terms.Ref]:
    """As `Runtime.start()`, monitored by the caller before its first instruction. Needs an identity."""
    structs, child, pid = prepared(spec)
    monitor = ffi.new("regrow_ref *")
    return started(structs, spec, lib.regrow_start_monitor(child, pid, monitor), pid), terms.Ref(monitor.id)


def prepared(spec: ChildSpec | type[Server]) -> tuple[Structs, Any, Any]:
    """The structs of a call that starts something, the regrow_child_spec among them, and where its pid goes."""
    structs = Structs()
    try:
        return structs, fill_child(child_of(spec), structs), ffi.new("regrow_pid *")
    except BaseException:
        structs.release()
        raise


def started(structs: Structs, spec: ChildSpec | type[Server], code: int, pid: Any) -> Pid:
    """What such a call has started, as a handle of its kind."""
    structs.check(code)
    return child_of(spec)._handle(pid.id)


def add_children(children: Any, specs: Any) -> None:
    """In the init of a supervisor: adds what it returned to its children."""
    if children == ffi.NULL or isinstance(specs, (str, bytes)):
        raise TypeError(f"init returns None, IGNORE, Stop or, of a SupervisorSpec, children, not {specs!r}")
    for spec in specs:
        structs, child, _ = prepared(spec)
        structs.check(lib.regrow_children_add(children, child))
