"""The end of the program: with status 0, and without a hang, whatever is alive; and forks."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

BEGIN = """
import os, sys, threading, time
import regrow
from regrow import AgentSpec, ProcessSpec, Server, ServerSpec, SupervisorSpec

class Echo(Server):
    def handle_call(self, request):
        if request == "hang":
            regrow.receive()
        if request == "sleep":
            time.sleep(1000)
        if request == "spin":
            while True:
                pass
        return request
    def handle_cast(self, message):
        self.handle_call(message)

runtime = regrow.Runtime(log_level="silent", exit_timeout=0.2)
"""


def run(code: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Runs a program that must end by itself."""
    package = str(Path(__file__).parents[1]) if "PYTHONPATH" in os.environ else ""
    return subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", BEGIN + textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **({"PYTHONPATH": package} if package else {}), **(environment or {})},
    )


def ends_well(code: str, status: int = 0) -> str:
    ended = run(code)
    assert ended.returncode == status, (ended.returncode, ended.stdout, ended.stderr)
    assert "Fatal" not in ended.stderr and "Traceback" not in ended.stderr, ended.stderr
    return ended.stdout


def test_with_processes_alive() -> None:
    ends_well("""
        runtime.start_child(SupervisorSpec([ServerSpec(Echo, id=n) for n in range(3)] + [AgentSpec(0)]))
        runtime.spawn(lambda: regrow.receive())
        agent = runtime.start(AgentSpec(1))
        agent.update(lambda n: n + 1)
    """)


def test_terminate_still_runs() -> None:
    out = ends_well("""
        runtime.exit_timeout = 60.0  # nothing is stuck
        class Ends(Server):
            def init(self, arg):
                regrow.trap_exit()
            def terminate(self, reason):
                print("terminated by", reason, flush=True)
        runtime.start_child(ServerSpec(Ends))
    """)
    assert out == "terminated by shutdown\n"


@pytest.mark.parametrize("message", ["hang", "sleep", "spin"])
@pytest.mark.parametrize("home", ["thread", "shared"])
def test_with_servers_in_a_callback(home: str, message: str) -> None:
    ends_well(f"""
        sys.setswitchinterval(0.001)
        servers = [runtime.start(ServerSpec(Echo, home="{home}")) for _ in range(3)]
        for server in servers:
            server.cast("{message}")
        time.sleep(0.05)
    """)


def test_with_requests_pending_and_threads_that_wait() -> None:
    ends_well("""
        server = runtime.start(ServerSpec(Echo))
        requests = [server.call_async("hang", None) for _ in range(10)]
        def waits():
            try:
                server.call("x", None)
            except regrow.RegrowError:
                pass
        for _ in range(3):
            threading.Thread(target=waits, daemon=True).start()
        time.sleep(0.05)
    """)


def test_with_a_loop_that_awaits() -> None:
    ends_well("""
        import asyncio
        server = runtime.start(ServerSpec(Echo))
        async def main():
            asyncio.ensure_future(asyncio.wait_for(wait(), None))
            await asyncio.sleep(0.02)
        async def wait():
            await server.call_async("hang", None)
        asyncio.run(main())
    """)


def test_by_sys_exit_in_a_thread_and_in_a_callback() -> None:
    ends_well("""
        def leaves():
            runtime.start(AgentSpec(0)).get()
            sys.exit(5)
        thread = threading.Thread(target=leaves)
        thread.start()
        thread.join()
        runtime.spawn(leaves)
        runtime.settle()
    """)
    ends_well("runtime.start(ServerSpec(Echo)); sys.exit(7)", status=7)


def test_while_threads_make_calls() -> None:
    ends_well("""
        agent = runtime.start(AgentSpec(0))
        server = runtime.start(ServerSpec(Echo))
        def work():
            while True:
                try:
                    agent.update(lambda n: n + 1)
                    server.call(agent.get())
                except regrow.RegrowError:
                    return
        for _ in range(4):
            threading.Thread(target=work, daemon=True).start()
        time.sleep(0.1)
    """)


def test_by_an_exception() -> None:
    ended = run("runtime.start(ServerSpec(Echo)); raise ValueError('as it should be')")
    assert ended.returncode == 1 and "ValueError: as it should be" in ended.stderr


def test_with_a_log_and_after_a_shutdown_that_left_somebody_stuck() -> None:
    ends_well("""
        other = regrow.Runtime(log=lambda *line: None, exit_timeout=0.1)
        begun = threading.Event()
        other.spawn(lambda: (begun.set(), time.sleep(1000)))
        assert begun.wait(60)
        assert len(other.shutdown(0.5)) == 1
    """)


def test_handles_that_outlive_their_runtime_are_harmless() -> None:
    ends_well("""
        agent = runtime.start(AgentSpec({"fun": regrow.decode(b"\\x83qd\\0\\x05listsd\\0\\x03mapa\\x02")}))
        kept, request = agent.get(), runtime.start(ServerSpec(Echo)).call_async("hang", None)
        runtime.shutdown()
        print(repr(kept), agent, request.done())
        try:
            agent.get()
        except regrow.NoProcessError:
            print("gone")
    """)


def test_a_forked_child_is_told() -> None:
    out = ends_well("""
        agent = runtime.start(AgentSpec(1))
        server = runtime.start(ServerSpec(Echo))
        request = server.call_async("hang", None)
        table = None
        with runtime.enter() as me:
            pid = os.fork()
            if pid == 0:
                refused = 0
                for act in (agent.get, lambda: agent.update(int), lambda: agent.send(1), lambda: server.call(1, 1),
                            regrow.Runtime, lambda: runtime.start(AgentSpec(0)), lambda: request.result(1),
                            lambda: runtime.start_child(ServerSpec(Echo)), lambda: regrow.receive(0.1),
                            lambda: agent.call_async(1), regrow.self_pid, runtime.settle):
                    try:
                        act()
                    except regrow.ForkedError as error:
                        refused += 1
                        assert "fork" in str(error), error
                print("child", refused, runtime.shutdown(), agent.is_alive(), flush=True)
                sys.exit(0)
        _, status = os.waitpid(pid, 0)
        print("parent", os.waitstatus_to_exitcode(status), agent.get())
    """)
    assert out == "child 12 [] False\nparent 0 1\n"


def test_multiprocessing_works_beside_it() -> None:
    ends_well("""
        import multiprocessing
        agent = runtime.start(AgentSpec(1))
        for method in ("fork",):
            with multiprocessing.get_context(method).Pool(2) as pool:
                assert pool.map(abs, [-1, -2]) == [1, 2]
        assert agent.get() == 1
    """)


def test_a_library_of_another_kind_is_told(tmp_path: Path) -> None:
    def fails(library: str) -> str:
        ended = run("", {"REGROW_LIBRARY": library})
        assert ended.returncode == 1 and "ImportError" in ended.stderr
        return ended.stderr

    assert "which is no file" in fails(str(tmp_path / "none.so"))
    nothing = tmp_path / "nothing.so"
    nothing.write_bytes(b"nothing")
    assert "is no regrow library" in fails(str(nothing))
    other = tmp_path / "other.c"
    other.write_text("unsigned regrow_abi_version(void) { return 99; }\n")
    subprocess.run(["cc", "-shared", "-fPIC", str(other), "-o", str(tmp_path / "other.so")], check=True)
    assert "has ABI version 99, and this package was built for 1" in fails(str(tmp_path / "other.so"))
    other.write_text("int nothing;\n")
    subprocess.run(["cc", "-shared", "-fPIC", str(other), "-o", str(tmp_path / "other.so")], check=True)
    assert "is no regrow library" in fails(str(tmp_path / "other.so"))


def test_the_library_is_the_one_that_is_named(tmp_path: Path) -> None:
    import shutil

    import regrow

    copy = tmp_path / "libmine.so"
    shutil.copy(Path(regrow._path).resolve(), copy)
    ended = run("print(regrow._path, runtime.start(AgentSpec(3)).get())", {"REGROW_LIBRARY": str(copy)})
    assert ended.stdout == f"{copy} 3\n"
    maps = run("print(open('/proc/self/maps').read())", {"REGROW_LIBRARY": str(copy)}).stdout
    assert {line.split()[-1] for line in maps.splitlines() if "regrow" in line and "_native" not in line} <= {str(copy)}


def test_the_abi_that_is_expected_is_that_of_the_header() -> None:
    import regrow
    from regrow import _library

    assert _library.ABI_VERSION == regrow._lib.REGROW_ABI_VERSION
