"""When a step is over, and who moves the time meanwhile (tests/conformance/FORMAT.md, section 4).

After each step main settles: the runtime says what it waits for, and what a scenario waits for is waited for. On the
monotonic clock that takes its time, on the manual clock the clock is moved there. There a step can itself wait for time
to pass, such as for a terminate callback that sleeps: while main is inside `lent()` a thread of its own moves the clock,
and only to what is waited for, which main would do too as soon as it is back.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import regrow
from regrow import Address, Pid, Settled

#: Of the timers that a scenario waits for; longer ones never fire.
LONGEST_TIMER = 0.1
#: The longest time until nothing runs.
REST = 20.0
#: How long the helper looks on before it asks whether it is still needed, and then leaves the turn to main.
GLANCE, BREATH = 0.05, 0.0002
#: What the clock counts.
MILLISECOND = 0.001


class Clock:
    def __init__(self, runtime: regrow.Runtime, is_manual: bool) -> None:
        self.runtime = runtime
        self.is_manual = is_manual
        # Who has the turn asks what time is waited for and moves it there: two at once would go twice as far.
        self._turn = threading.Condition()
        self._is_lent = False
        self._is_stopped = False
        self._helper = threading.Thread(target=self._help, name="clock", daemon=True)
        if is_manual:
            self._helper.start()

    def stop(self) -> None:
        if self.is_manual:
            self._tell_helper(lent=False, stopped=True)
            self._helper.join()

    # ---- by main ----

    def settle(self) -> None:
        """Returns when nothing can happen any more without a further step."""
        moved = True
        while moved:
            with self._turn:
                moved = self._tick(REST)

    def sleep(self, seconds: float) -> None:
        self.take_back()
        self._let_pass(seconds)

    @contextmanager
    def lent(self) -> Iterator[None]:
        """While main is inside, the clock is moved for it; it stands still when this is over."""
        if self.is_manual:
            self._tell_helper(lent=True)
        try:
            yield
        finally:
            self.take_back()

    def take_back(self) -> None:
        if self.is_manual:
            self._tell_helper(lent=False)

    def call(self, target: Pid | Address, request: Any, timeout: float) -> Any:
        """A call by main. On the manual clock main moves it to the limit itself, and to nowhere else once the answer is
        there: a limit that nobody needed must not take time away from restart intensities."""
        if not self.is_manual:
            return target.call(request, timeout)
        self.take_back()
        limit = self.runtime.now() + timeout
        pending = target.call_async(request, timeout)
        while True:
            settled = self.runtime.settle(REST)
            try:
                return pending.result(0)
            except regrow.TimeoutError:
                if not self._move_towards(limit, settled):
                    raise

    # ---- moving it ----

    def _let_pass(self, seconds: float) -> None:
        if self.is_manual:
            self.runtime.advance(seconds)
        else:
            time.sleep(seconds)

    def _tick(self, patience: float) -> bool:
        """Waits until nothing runs, and then for one deadline if there is one to wait for. To be called with the turn."""
        settled = self.runtime.settle(patience)
        if not settled.waiting or (settled.kind == "user" and _until(settled) > LONGEST_TIMER):
            return False
        self._let_pass(_until(settled))
        return True

    def _move_towards(self, limit: float, settled: Settled) -> bool:
        """Moves the clock on to the next deadline, no further than to the limit; False: that is reached."""
        left = limit - settled.now
        if left < MILLISECOND / 2:
            return False
        has_deadline = settled.waiting and _until(settled) < left
        self._let_pass(_until(settled) if has_deadline else left)
        return True

    # ---- the helper ----

    def _help(self) -> None:
        while True:
            with self._turn:
                self._turn.wait_for(lambda: self._is_lent or self._is_stopped)
                if self._is_stopped:
                    return
                try:
                    self._tick(GLANCE)
                except regrow.TimeoutError:
                    pass  # something runs
            time.sleep(BREATH)

    def _tell_helper(self, lent: bool, stopped: bool = False) -> None:
        with self._turn:
            self._is_lent, self._is_stopped = lent, stopped
            self._turn.notify()


def _until(settled: Settled) -> float:
    """How long until the next deadline."""
    return max((settled.deadline or 0) - settled.now, MILLISECOND)
