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


#: The class of each code.
BY_CODE: dict[int, type[Error]] = {}


class Error(BaseException):
    """What all of regrow's exceptions have, `KilledError` included."""

    #: regrow's number for it.
    code: ClassVar[int] = 0
    #: OTP's term for it.
    reason: Any
    #: A sentence about it.
    text: str

    def __init_subclass__(cls, code: int = 0, **more: Any) -> None:
        super().__init_subclass__(**more)
        if code:
            cls.code = code
            BY_CODE[code] = cls

    def __init__(self, text: str = "", reason: Any = None) -> None:
        super().__init__(text)
        self.text = text
        self.reason = reason

    def __str__(self) -> str:
        return self.text


class RegrowError(Error, Exception):
    """A call that failed. The classes below are the kinds of it."""


class ArgumentError(RegrowError, ValueError, code=1):
    """A number out of range, an empty name, a specification that is refused."""


class VersionError(RegrowError, code=2):
    """The library is older than this package."""


class NoProcessError(RegrowError, LookupError, code=3):
    """The process is not alive, or never was."""


class TimeoutError(RegrowError, builtins.TimeoutError, code=4):
    """The time given ran out; a late answer is dropped."""


class ExitedError(RegrowError, code=5):
    """The process ended before it answered, with `reason`.

    When that was an exception in Python, `str()` has its type, its message and its traceback.
    """


class StartError(RegrowError, code=6):
    """A process refused to start, for `reason`."""


class ExistsError(RegrowError, code=7):
    """That id, name or key is taken; `reason` tells by whom."""


class NotFoundError(RegrowError, LookupError, code=8):
    """Nothing goes by that id, name, key or ref."""


class InternalError(RegrowError, code=9):
    """A bug in regrow, or in this package. Please report it."""


class KilledError(Error, code=10):
    """The calling process is dead: let the callback end.

    Not an `Exception`, so that `except Exception` does not hide it.
    """


class NotAliveError(RegrowError, code=11):
    """The runtime is shut down."""


class SelfCallError(RegrowError, code=12):
    """A process called itself."""


class WouldBlockError(RegrowError, code=13):
    """The caller may not wait here: in a function of an agent, or a server whose home is "shared"."""


class WouldDeadlockError(RegrowError, code=14):
    """What would be waited for waits for the caller."""


class WrongKindError(RegrowError, TypeError, code=15):
    """A process, or a term, of another kind is needed."""


class LimitError(RegrowError, code=16):
    """A limit is reached: processes, threads, memory, children, what a mailbox takes."""


class ForkedError(RegrowError, code=17):
    """This is the child of a fork: no runtime lives here. Start another process with `subprocess`, or "spawn"."""


class OtherRuntimeError(RegrowError, code=18):
    """The process lives in another runtime."""


class ContextError(RegrowError, code=19):
    """Needs an identity: a callback, or a thread inside `Runtime.enter()`; or another callback than this."""


class IgnoredError(RegrowError, code=20):
    """Its init answered `IGNORE`: nothing was started."""


class RunningError(RegrowError, code=21):
    """The child is running."""


class RestartingError(RegrowError, code=22):
    """The child is being restarted."""


class NoTableError(RegrowError, LookupError, code=23):
    """There is no such table, or not any more."""


class AccessError(RegrowError, PermissionError, code=24):
    """The table is private or protected, and not the caller's."""


class FileError(RegrowError, OSError, code=25):
    """A file could not be read or written, or is torn; `reason` tells which."""


class TermError(RegrowError, TypeError, ValueError):
    """A Python value that is no term: see `regrow.terms`."""


class Exit(Exception):
    """Raised in a callback, it ends the process with exactly this reason, as OTP's exit/1 does.

    >>> raise Exit(Atom("normal"))  # doctest: +SKIP
    """

    def __init__(self, reason: Any) -> None:
        super().__init__(reason)
        self.reason = reason
