"""Servers written in Python."""

import sys
import threading
import traceback
from typing import Any

import pytest
import regrow
from conftest import wait_for_down
from regrow import Atom, NoReply, Ready, Reply, Server, ServerSpec, Stop

HOMES = pytest.mark.parametrize("home", ["thread", "shared"])


class Counter(Server):
    idled = threading.Event()

    def init(self, start: Any) -> Any:
        self.idled.clear()
        self.count = start
        self.seen: list[Any] = []

    def handle_call(self, request: Any) -> Any:
        match request:
            case "next":
                self.count += 1
                return self.count
            case "seen":
                return self.seen
            case ("stop", reason):
                return Stop(reason, answer="bye")
            case ("quiet stop", reason):
                return Stop(reason)
            case "boom":
                raise ValueError("nothing is right")
            case ("exit", reason):
                raise regrow.Exit(reason)
            case "forgotten":
                return NoReply()
            case "unsendable":
                return object()
            case "more":
                return Reply("first", continue_with="then")
            case "idle":
                return Reply("waits", timeout=0.01)
        return super().handle_call(request)

    def handle_cast(self, message: Any) -> Any:
        self.seen.append(("cast", message))
        return {"stop": Stop("cast"), "bad": 1}.get(message)

    def handle_info(self, message: Any) -> Any:
        self.seen.append(("info", message))
        if message == Atom("timeout"):
            self.idled.set()

    def handle_continue(self, arg: Any) -> Any:
        self.seen.append(("continue", arg))

    def get_state(self) -> Any:
        return self.count

    def replace_state(self, state: Any) -> None:
        if not isinstance(state, int):
            raise TypeError("a count is an int")
        self.count = state


@HOMES
def test_a_server_answers_and_keeps_its_state(
    home: str, runtime: regrow.Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", shown.append)
    server = runtime.start(ServerSpec(Counter, 10, home=home))
    assert [server.call("next") for _ in range(3)] == [11, 12, 13]
    server.cast("told")
    server.send("sent")
    assert server.call("more") == "first"
    assert server.call("seen") == [("cast", "told"), ("info", "sent"), ("continue", "then")]
    assert server.call("idle") == "waits"
    assert Counter.idled.wait(30)
    assert server.get_state() == 13
    server.replace_state(1)
    assert server.call("next") == 2
    with pytest.raises(regrow.WrongKindError):
        server.replace_state("x")
    assert isinstance(shown[0].exc_value, TypeError)
    server.stop()
    assert not server.is_alive()


@HOMES
def test_an_exception_is_the_exit_reason_with_type_message_and_traceback(
    home: str, runtime: regrow.Runtime, process: regrow.Pid
) -> None:
    server = runtime.start(ServerSpec(Counter, 0, home=home))
    ref = regrow.monitor(server)
    with pytest.raises(regrow.ExitedError) as raised:
        server.call("boom")
    reason = wait_for_down(ref)
    assert isinstance(reason, tuple) and reason == raised.value.reason
    assert reason[:3] == (Atom("exception"), "ValueError", "nothing is right")
    assert 'raise ValueError("nothing is right")' in reason[3] and "handle_call" in reason[3]
    assert "regrow/server.py" not in reason[3]
    assert "nothing is right" in str(raised.value) and "Traceback" in str(raised.value)


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (("exit", Atom("why")), Atom("why")),
        (("quiet stop", (1, 2)), (1, 2)),
        ("unknown", (Atom("bad_call"), "unknown")),
    ],
)
def test_a_server_ends_with_the_reason_it_says(request_: Any, reason: Any, runtime: regrow.Runtime) -> None:
    server = runtime.start(ServerSpec(Counter, 0))
    with pytest.raises(regrow.ExitedError) as raised:
        server.call(request_)
    assert raised.value.reason == reason


def test_what_a_callback_must_not_return_ends_it(runtime: regrow.Runtime, process: regrow.Pid) -> None:
    server = runtime.start(ServerSpec(Counter, 0))
    ref = regrow.monitor(server)
    server.cast("bad")
    assert wait_for_down(ref) == (Atom("bad_return_value"), 1)
    server = runtime.start(ServerSpec(Counter, 0))
    with pytest.raises(regrow.ExitedError, match="object is no term"):
        server.call("unsendable")
    server = runtime.start(ServerSpec(Counter, 0))
    with pytest.raises(regrow.ExitedError) as raised:
        server.call("forgotten")
    assert raised.value.reason == Atom("no_reply") and server.is_alive()
    assert server.call(("stop", Atom("normal"))) == "bye" and not server.is_alive()


class Starts(Server):
    def init(self, arg: Any) -> Any:
        match arg:
            case "ignore":
                return regrow.IGNORE
            case "stop":
                return Stop(Atom("no"))
            case "raise":
                raise KeyError("missing")
            case "bad":
                return 7
            case "continue":
                self.said = None
                return Ready(continue_with="go")
        return None

    def handle_continue(self, arg: Any) -> None:
        self.said = arg

    def handle_call(self, request: Any) -> Any:
        return self.said


def test_init_says_whether_it_is_up(runtime: regrow.Runtime) -> None:
    with pytest.raises(regrow.IgnoredError):
        runtime.start(ServerSpec(Starts, "ignore"))
    for arg, reason in (("stop", Atom("no")), ("bad", (Atom("bad_return_value"), 7))):
        with pytest.raises(regrow.StartError) as raised:
            runtime.start(ServerSpec(Starts, arg))
        assert raised.value.reason == reason
    with pytest.raises(regrow.StartError, match="KeyError: 'missing'"):
        runtime.start(ServerSpec(Starts, "raise"))
    assert runtime.start(ServerSpec(Starts, "continue")).call("said") == "go"
    assert runtime.start_child(ServerSpec(Starts, "ignore")) is None


class Ends(Server):
    ended: list[Any] = []

    def init(self, arg: Any) -> Any:
        regrow.trap_exit()

    def terminate(self, reason: Any) -> None:
        self.ended.append(reason)
        if reason == "raise":
            raise ValueError("shown, and nothing else")


def test_terminate_runs_when_it_is_stopped_and_its_exceptions_are_shown(
    runtime: regrow.Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", shown.append)
    for reason in ("raise", Atom("normal")):
        runtime.start(ServerSpec(Ends)).stop(reason)
    assert Ends.ended == ["raise", Atom("normal")]
    assert len(shown) == 1 and isinstance(shown[0].exc_value, ValueError)


class Later(Server):
    """Puts every answer off."""

    def init(self, arg: Any) -> Any:
        self.callers: list[regrow.Caller] = []

    def handle_call(self, request: Any) -> Any:
        if request == "twice":
            self.defer()
            self.defer()
        caller = self.defer()
        threading.Thread(target=lambda: caller.answer(("late", request))).start()
        return NoReply()


def test_an_answer_may_come_later_from_any_thread(runtime: regrow.Runtime) -> None:
    server = runtime.start(ServerSpec(Later))
    assert server.call(1) == ("late", 1)
    with pytest.raises(regrow.ExitedError, match="ContextError"):
        server.call("twice")
    with pytest.raises(regrow.ContextError):
        Later().defer()


class Holds(Server):
    def init(self, arg: Any) -> Any:
        self.caller: Any = None

    def handle_call(self, busy: Any) -> Any:
        self.caller = self.defer(busy)
        return NoReply()

    def handle_cast(self, answer: Any) -> Any:
        self.caller.answer(answer)


def test_an_answer_that_is_put_off_keeps_the_runtime_busy(runtime: regrow.Runtime) -> None:
    server = runtime.start(ServerSpec(Holds))
    request = server.call_async(True, None)
    with pytest.raises(regrow.TimeoutError):
        runtime.settle(0.05)
    server.cast("done")
    assert request.result(30) == "done"
    runtime.settle()
    request = server.call_async(False, None)
    runtime.settle()
    assert not request.done()
    # A caller that is forgotten is busy no more.
    server = runtime.start(ServerSpec(Holds))
    server.call_async(True, None)
    with pytest.raises(regrow.TimeoutError):
        runtime.settle(0.05)
    server.stop()
    runtime.settle()


class Waits(Server):
    """Waits in its callbacks, with an exception in hand, while others of its kind do so too."""

    def init(self, partner: Any) -> Any:
        self.rounds = 0

    def handle_call(self, request: Any) -> Any:
        partner, depth = request
        name = f"{self!r} at {depth}"
        try:
            raise LookupError(name)
        except LookupError:
            before = sys.exc_info()
            answer = None
            if depth:
                answer = partner.call((regrow.self_pid(), 0), 30) if depth == 1 else None
                regrow.sleep(0.001)
            kind, error, trace = sys.exc_info()
            assert (kind, error, trace) == before and str(error) == name
            assert "handle_call" in traceback.format_exc() and name in traceback.format_exc()
        assert sys.exc_info() == (None, None, None)
        return (depth, answer)


def test_callbacks_that_wait_side_by_side_keep_their_exceptions_and_tracebacks(runtime: regrow.Runtime) -> None:
    first, second, third = (runtime.start(ServerSpec(Waits)) for _ in range(3))
    for _ in range(100):
        requests = [one.call_async((third, 1)) for one in (first, second)]
        assert [request.result() for request in requests] == [(1, (0, None))] * 2


class Nested(Server):
    def handle_call(self, request: Any) -> Any:
        return request.call("next")


def test_a_shared_server_may_not_wait_and_one_with_a_thread_may(runtime: regrow.Runtime) -> None:
    counter = runtime.start(ServerSpec(Counter, 0))
    assert runtime.start(ServerSpec(Nested)).call(counter) == 1
    with pytest.raises(regrow.ExitedError, match="WouldBlockError"):
        runtime.start(ServerSpec(Nested, home="shared")).call(counter)
    with pytest.raises(regrow.ExitedError, match="WouldBlockError"):
        runtime.start(ServerSpec(Nested, home="shared", inline=True)).call(counter)


@HOMES
def test_a_recursion_without_end_is_an_exception_and_no_crash(home: str, runtime: regrow.Runtime) -> None:
    class Deep(Server):
        def handle_call(self, request: Any) -> Any:
            class Endless:
                def __getattr__(self, name: str) -> Any:
                    return getattr(self, name + "x")

                def __repr__(self) -> str:
                    return repr([self])

            return repr(Endless()) if request == "repr" else Endless().x

    for request in ("repr", "attribute"):
        with pytest.raises(regrow.ExitedError, match="RecursionError"):
            runtime.start(ServerSpec(Deep, home=home)).call(request, 60)


def test_a_killed_callback_is_told_and_its_state_is_let_go(runtime: regrow.Runtime, process: regrow.Pid) -> None:
    told: list[Any] = []
    begun, ended = threading.Event(), threading.Event()

    class Sleeps(Server):
        def handle_cast(self, message: Any) -> Any:
            begun.set()
            try:
                regrow.receive()
            except Exception as error:
                told.append(error)
            except regrow.KilledError as error:
                told.append(error)
            finally:
                ended.set()

    server = runtime.start(ServerSpec(Sleeps))
    ref = regrow.monitor(server)
    server.cast("go")
    assert begun.wait(30)
    server.exit(regrow.KILL)
    assert wait_for_down(ref) == regrow.KILLED
    assert ended.wait(30) and isinstance(told[0], regrow.KilledError)


def test_sys_exit_in_a_callback_ends_the_server_alone(runtime: regrow.Runtime) -> None:
    class Exits(Server):
        def handle_call(self, request: Any) -> Any:
            sys.exit(3)

    with pytest.raises(regrow.ExitedError, match="SystemExit: 3"):
        runtime.start(ServerSpec(Exits)).call(1)


def test_a_mailbox_with_a_limit_refuses(runtime: regrow.Runtime) -> None:
    server = runtime.start(ServerSpec(Counter, 0, mailbox=regrow.Mailbox(1)))
    server.suspend()
    server.cast(1)
    with pytest.raises(regrow.LimitError):
        server.cast(2)
    server.resume()
    runtime.settle()
    assert server.call("seen") == [("cast", 1)]


def test_a_host_process_hands_its_messages_to_a_function(runtime: regrow.Runtime, process: regrow.Pid) -> None:
    got: list[Any] = []
    ended: list[Any] = []

    def deliver(pid: regrow.Pid, message: Any, caller: Any) -> None:
        if message == "raise":
            raise OSError("gone")
        if caller:
            threading.Thread(target=lambda: caller.answer(len(got))).start()
        else:
            got.append(message)

    host = runtime.start(regrow.HostSpec(deliver, lambda pid, reason: ended.append(reason)))
    host.send("one")
    assert host.call("how many?") == 1 and got == ["one"]
    # The function may not have returned from that call yet.
    runtime.settle()
    ref = regrow.monitor(host)
    regrow.host_exit(host, Atom("closed"))
    assert wait_for_down(ref) == Atom("closed")
    runtime.settle()
    assert ended == [Atom("closed")]
    host = runtime.start(regrow.HostSpec(deliver))
    ref = regrow.monitor(host)
    host.send("raise")
    reason = wait_for_down(ref)
    assert isinstance(reason, tuple) and reason[1:3] == ("OSError", "gone")
