"""Processes of Python beside those of a C program in one runtime; and what many calls leave behind."""

import ctypes
import gc
import subprocess
from pathlib import Path
from typing import Any

import pytest
import regrow
from regrow import AgentSpec, Atom, Server, ServerSpec

PLUGIN = r"""
#include <regrow.h>

/* Asks whatever process it is given, from a worker: {Pid, Request}. */
static regrow_next ask(regrow_context *context, void *state, const regrow_term *message)
{
  regrow_pid pid;
  regrow_term reply;
  regrow_as_pid(regrow_tuple_get(message, 0), &pid);
  if (regrow_call(pid, regrow_term_clone(regrow_tuple_get(message, 1)), 5000, &reply))
    return regrow_reply(context, regrow_atom("failed"));
  return regrow_reply(context, reply);
}

/* For whoever cannot name a function. */
regrow_error register_asker(void)
{
  regrow_server_spec server = { .size = sizeof server, .handle_call = ask };
  return regrow_behaviour_register("asker", &server);
}

regrow_pid start_asker(regrow_pid runtime)
{
  regrow_server_spec server = { .size = sizeof server, .handle_call = ask };
  regrow_child_spec child = { .size = sizeof child, .id = "asker", .kind = REGROW_SERVER, .spec = &server };
  regrow_pid pid = { 0 };
  regrow_start(runtime, &child, &pid);
  return pid;
}

/* One whose functions may wait, and so be left in the middle by their thread. */
regrow_pid start_agent(regrow_pid runtime)
{
  regrow_term initial = regrow_int(7);
  regrow_agent_spec agent = { .size = sizeof agent, .initial = &initial };
  regrow_child_spec child = { .size = sizeof child, .id = "agent", .kind = REGROW_AGENT, .spec = &agent };
  regrow_pid pid = { 0 };
  regrow_start(runtime, &child, &pid);
  return pid;
}
"""


class PidStruct(ctypes.Structure):
    _fields_ = [("id", ctypes.c_uint64)]


@pytest.fixture(scope="session")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    folder = tmp_path_factory.mktemp("plugin")
    (folder / "plugin.c").write_text(PLUGIN)
    include = Path(__file__).parents[3] / "include"
    command = ["cc", "-shared", "-fPIC", f"-I{include}", str(folder / "plugin.c"), "-o", str(folder / "plugin.so")]
    subprocess.run(command, check=True)
    library = ctypes.CDLL(str(folder / "plugin.so"))
    for function in (library.start_asker, library.start_agent):
        function.argtypes, function.restype = [PidStruct], PidStruct
    return library


class Adds(Server):
    def init(self, start: Any) -> Any:
        self.sum = start

    def handle_call(self, number: Any) -> Any:
        self.sum += number
        return self.sum


def test_c_calls_python_and_python_calls_c(plugin: ctypes.CDLL, runtime: regrow.Runtime) -> None:
    asker = regrow.Pid(plugin.start_asker(PidStruct(runtime.root.id)).id)
    for home, inline in (("thread", False), ("shared", False), ("shared", True)):
        server = runtime.start(ServerSpec(Adds, 0, home=home, inline=inline))
        assert [asker.call((server, n)) for n in range(4)] == [0, 1, 3, 6]
        assert asker.call((server, "x")) == Atom("failed") and not server.is_alive()


def test_a_behaviour_of_c_is_started_by_its_name(plugin: ctypes.CDLL, runtime: regrow.Runtime) -> None:
    with pytest.raises(regrow.NotFoundError):
        runtime.start(regrow.BehaviourSpec("nothing"))
    assert plugin.register_asker() == 0
    runtime.start_child(regrow.SupervisorSpec([regrow.BehaviourSpec("asker", [1], name="asker")], id="top"))
    server = runtime.start(ServerSpec(Adds, 5))
    assert runtime.whereis("asker").call((server, 1)) == 6


def test_a_function_in_an_agent_of_c_that_could_wait_is_refused(plugin: ctypes.CDLL, runtime: regrow.Runtime) -> None:
    agent = regrow.Agent(plugin.start_agent(PidStruct(runtime.root.id)).id)
    other = runtime.start(AgentSpec(0))
    server = runtime.start(ServerSpec(Adds, 0))

    def waits(state: Any) -> Any:
        refused = 0
        for wait in (
            lambda: regrow.sleep(0.001), lambda: server.call(1), other.get, regrow.receive, lambda: server.cast(1),
            lambda: runtime.start(AgentSpec(0)), lambda: server.stop(), lambda: server.call_async(1).result(),
            lambda: regrow.Address(registry=other, key=1).call(1), lambda: runtime.root.which_children(),
        ):  # fmt: skip
            try:
                wait()
            except regrow.WouldBlockError:
                refused += 1
        other.send("sent all the same")
        return state, refused

    for _ in range(20):
        assert agent.get(waits) == (7, 10)
    agent.update(lambda seven: seven + 1)
    assert agent.get() == 8 and server.is_alive() and other.get() == 0


def memory() -> int:
    """Kilobytes of this program that are in memory."""
    gc.collect()
    return int(next(line for line in Path("/proc/self/status").read_text().splitlines() if "VmRSS" in line).split()[1])


def test_many_calls_leave_nothing_behind(runtime: regrow.Runtime) -> None:
    agent = runtime.start(AgentSpec(0))
    server = runtime.start(ServerSpec(Adds, 0))
    fun = regrow.decode(b"\x83qd\0\x05listsd\0\x03mapa\x02")
    value = {"fun": fun, "big": 1 << 9000, "text": "x" * 5000, "more": [(1, 2.5), b"\xff" * 100, regrow.Object(1)]}

    def calls() -> None:
        for _ in range(400):
            agent.update(lambda _: value)
            agent.get()
            agent.get(lambda state: state["fun"])
            server.call(1)
            server.call_async(1).result()
            with pytest.raises(regrow.NoProcessError):
                regrow.Pid(0).call(value)
            with pytest.raises(regrow.TermError):
                server.cast([value, object()])
            with pytest.raises(TypeError):
                server.call_async(value, timeout="soon")  # type: ignore[arg-type]
            failed = runtime.start(AgentSpec(0))
            with pytest.raises(regrow.ExitedError):
                failed.get(lambda _: 1 / 0)

    def growth() -> int:
        before = memory()
        for _ in range(5):
            calls()
        return memory() - before

    calls()
    # What is left behind shows each time; a thread more that the runtime took, and its stack, only once.
    assert any(growth() < 4000 for _ in range(3))
