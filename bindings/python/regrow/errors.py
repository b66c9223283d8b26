"""One exception for each of regrow's error codes.

Each has `reason`, OTP's term for it (`Atom("noproc")`, `(Atom("already_started"), Pid)`, the reason of the process that
ended), and `text`, a sentence. Where Python has an exception of that meaning, ours is one of these, too:
`except TimeoutError` catches a call that took too long.
"""

from __future__ import annotations

import builtins
from typing import Any, ClassVar

__all__ = [
    "Error", "RegrowError", "ArgumentError", "VersionError", "NoProcessError", "TimeoutError", "ExitedError",
    "StartError", "ExistsError", "NotFoundError", "InternalError", "KilledError", "NotAliveError", "SelfCallError",
    "WouldBlockError", "WouldDeadlockError", "WrongKindError", "LimitError", "ForkedError", "OtherRuntimeError",
    "ContextError", "IgnoredError", "RunningError", "RestartingError", "NoTableError", "AccessError", "FileError",
    "TermError", "Exit",
]  # fmt: skip


class Error(BaseException):
    """What all of regrow's exceptions have, `KilledError` included."""

    #: regrow's number for it.
    code: ClassVar[int] = 0
    #: OTP's term for it.
    reason: Any
    #: A sentence about it.
    text: str

    def __init__(self, text: str = "", reason: Any = None) -> None:
        super().__init__(text)
        self.text = text
        self.reason = reason

    def __str__(self) -> str:
        return self.text


class RegrowError(Error, Exception):
    """A call that failed. The classes below are the kinds of it."""


class ArgumentError(RegrowError, ValueError):
    """A number out of range, an empty name, a specification that is refused."""

    code = 1


class VersionError(RegrowError):
    """The library is older than this package."""

    code = 2


class NoProcessError(RegrowError, LookupError):
    """The process is not alive, or never was."""

    code = 3


class TimeoutError(RegrowError, builtins.TimeoutError):
    """The time given ran out; a late answer is dropped."""

    code = 4


class ExitedError(RegrowError):
    """The process ended before it answered, with `reason`.

    When that was an exception in Python, `str()` has its type, its message and its traceback.
    """

    code = 5


class StartError(RegrowError):
    """A process refused to start, for `reason`."""

    code = 6


class ExistsError(RegrowError):
    """That id, name or key is taken; `reason` tells by whom."""

    code = 7


class NotFoundError(RegrowError, LookupError):
    """Nothing goes by that id, name, key or ref."""

    code = 8


class InternalError(RegrowError):
    """A bug in regrow, or in this package. Please report it."""

    code = 9


class KilledError(Error):
    """The calling process is dead: let the callback end.

    Not an `Exception`, so that `except Exception` does not hide it.
    """

    code = 10


class NotAliveError(RegrowError):
    """The runtime is shut down."""

    code = 11


class SelfCallError(RegrowError):
    """A process called itself."""

    code = 12


class WouldBlockError(RegrowError):
    """The caller may not wait here: in a function of an agent, or a server whose home is "shared"."""

    code = 13


class WouldDeadlockError(RegrowError):
    """What would be waited for waits for the caller."""

    code = 14


class WrongKindError(RegrowError, TypeError):
    """A process, or a term, of another kind is needed."""

    code = 15


class LimitError(RegrowError):
    """A limit is reached: processes, threads, memory, children, what a mailbox takes."""

    code = 16


class ForkedError(RegrowError):
    """This is the child of a fork: no runtime lives here. Start another process with `subprocess`, or "spawn"."""

    code = 17


class OtherRuntimeError(RegrowError):
    """The process lives in another runtime."""

    code = 18


class ContextError(RegrowError):
    """Needs an identity: a callback, or a thread inside `Runtime.enter()`; or another callback than this."""

    code = 19


class IgnoredError(RegrowError):
    """Its init answered `IGNORE`: nothing was started."""

    code = 20


class RunningError(RegrowError):
    """The child is running."""

    code = 21


class RestartingError(RegrowError):
    """The child is being restarted."""

    code = 22


class NoTableError(RegrowError, LookupError):
    """There is no such table, or not any more."""

    code = 23


class AccessError(RegrowError, PermissionError):
    """The table is private or protected, and not the caller's."""

    code = 24


class FileError(RegrowError, OSError):
    """A file could not be read or written, or is torn; `reason` tells which."""

    code = 25


class TermError(RegrowError, TypeError, ValueError):
    """A Python value that is no term: see `regrow.terms`."""


class Exit(Exception):
    """Raised in a callback, it ends the process with exactly this reason, as OTP's exit/1 does.

    >>> raise Exit(Atom("normal"))  # doctest: +SKIP
    """

    def __init__(self, reason: Any) -> None:
        super().__init__(reason)
        self.reason = reason


_KINDS: list[type[Error]] = [*RegrowError.__subclasses__(), KilledError]

#: The class of each code.
BY_CODE: dict[int, type[Error]] = {kind.code: kind for kind in _KINDS if kind.code}
