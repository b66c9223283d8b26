"""regrow: what OTP gives Erlang, for Python. Processes that fail alone, supervisors that grow them back, registries that
find them, agents, tasks, tables, groups and topics; written in Rust, with OTP's semantics.

>>> import regrow
>>> class Counter(regrow.Server):
...     def init(self, start):
...         self.count = start
...     def handle_call(self, request):
...         self.count += 1
...         return self.count
>>> with regrow.Runtime() as runtime:
...     _ = runtime.start_child(regrow.ServerSpec(Counter, 0, name="counter"))
...     counter = regrow.Address("counter", runtime, wait=1)
...     counter.call("next"), counter.call("next")
(1, 2)

Terms and Python values: `regrow.terms`. Exceptions: `regrow.errors`. Threads, asyncio, forks, the end of the program:
docs/bindings/python.md of the project.
"""

from . import _library

_path = _library.load()

# The library has to be there before what is not linked with it.
from . import errors, terms  # noqa: E402
from ._native import ffi as _ffi  # noqa: E402
from ._native import lib as _lib  # noqa: E402

if _lib.rp_closed():
    # Of what regrow holds of Python's, nothing is there any more.
    raise ImportError("the interpreter has ended in this program before, and regrow is not to be had in another one")

from .agent import Agent  # noqa: E402
from .behaviours import register_behaviour  # noqa: E402
from .errors import (  # noqa: E402
    AccessError, ArgumentError, ContextError, Error, ExistsError, Exit, ExitedError, FileError, ForkedError,
    IgnoredError, InternalError, KilledError, LimitError, NoProcessError, NoTableError, NotAliveError, NotFoundError,
    OtherRuntimeError, RegrowError, RestartingError, RunningError, SelfCallError, StartError, TermError, TimeoutError,
    VersionError, WouldBlockError, WouldDeadlockError, WrongKindError,
)  # fmt: skip
from .process import (  # noqa: E402
    Address, Pid, alias, demonitor, flush, link, monitor, receive, receive_async, self_pid, send, set_label, sleep,
    trap_exit, unalias, unlink,
)  # fmt: skip
from .pubsub import PubSub  # noqa: E402
from .registry import Registry  # noqa: E402
from .request import Request  # noqa: E402
from .runtime import Runtime, Settled, Stats  # noqa: E402
from .server import IGNORE, Caller, NoReply, Ready, Reply, Server, Stop, host_exit  # noqa: E402
from .specs import (  # noqa: E402
    AgentSpec, Backoff, BehaviourSpec, ChildSpec, DynamicSupervisorSpec, HostSpec, Mailbox, PartitionSupervisorSpec, ProcessSpec,
    PubSubSpec, RegistrySpec, ServerSpec, SupervisorSpec, TaskSpec, TaskSupervisorSpec, start_link, start_monitor,
)  # fmt: skip
from .supervisor import Child, ChildCount, PartitionSupervisor, Supervisor  # noqa: E402
from .table import END_OF_TABLE, Table  # noqa: E402
from .task import Task, TaskSupervisor, await_many, stream, task, yield_many  # noqa: E402
from .terms import (  # noqa: E402
    KILL, KILLED, NOPROC, NORMAL, SHUTDOWN, Atom, ImproperList, Map, Object, Opaque, Ref, as_bytes, compare, decode,
    encode, equal, show,
)  # fmt: skip

#: The release of the library that is in use.
__version__: str = _ffi.string(_lib.regrow_version()).decode()

__all__ = sorted(
    ["errors", "terms"]
    + [name for name, thing in globals().items() if name[0] != "_" and not isinstance(thing, type(_library))]
)
