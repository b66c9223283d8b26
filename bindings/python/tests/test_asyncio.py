"""What an event loop awaits."""

import asyncio
import gc
import os
from collections import Counter
from typing import Any

import pytest
import regrow
from regrow import Address, AgentSpec, Server, ServerSpec, SupervisorSpec, TaskSupervisorSpec


class Echo(Server):
    def init(self, arg: Any) -> Any:
        if arg == "slow":
            regrow.sleep(0.01)
        if arg == "fails":
            raise ValueError("does not start")

    def handle_call(self, request: Any) -> Any:
        if request == "boom":
            raise KeyError("boom")
        if request == "hang":
            regrow.receive()
        return request


def test_a_call_is_awaited(runtime: regrow.Runtime) -> None:
    async def main() -> None:
        server = runtime.start(ServerSpec(Echo, name="echo"))
        assert await server.call_async({"a": [1]}) == {"a": [1]}
        assert await Address("echo", runtime).call_async(2**80) == 2**80
        answers = await asyncio.gather(*(server.call_async(number) for number in range(500)))
        assert answers == list(range(500))
        with pytest.raises(regrow.ExitedError, match="KeyError: 'boom'"):
            await server.call_async("boom")
        with pytest.raises(regrow.NoProcessError):
            await server.call_async(1)

    asyncio.run(main())


def test_starts_ends_and_questions_are_awaited(runtime: regrow.Runtime) -> None:
    async def main() -> None:
        top = runtime.start(SupervisorSpec())
        child = await top.start_child_async(ServerSpec(Echo, "slow"))
        assert child is not None and child.is_alive()
        assert [one.pid for one in await top.which_children_async()] == [child]
        with pytest.raises(regrow.StartError, match="does not start"):
            await top.start_child_async(ServerSpec(Echo, "fails", id=2))
        with pytest.raises(regrow.ExistsError):
            await top.start_child_async(ServerSpec(Echo))
        agent = await top.start_child_async(AgentSpec(1))
        assert isinstance(agent, regrow.Agent)
        assert await agent.update_async(lambda n: n + 1) is None and agent.get() == 2
        assert "Echo" in await top.tree_async()
        tasks = runtime.start(TaskSupervisorSpec())
        assert await asyncio.gather(*(tasks.run_async(pow, 2, n) for n in range(20))) == [2**n for n in range(20)]
        assert await runtime.settle_async() is not None
        assert await top.stop_async() is None and not child.is_alive()

    asyncio.run(main())


def test_time_runs_out_in_a_loop_too_and_what_is_cancelled_is_let_go(runtime: regrow.Runtime) -> None:
    async def main() -> None:
        server = runtime.start(ServerSpec(Echo))
        with pytest.raises(TimeoutError):
            await server.call_async("hang", timeout=0.01)
        waits = asyncio.ensure_future(wait(server))
        await asyncio.sleep(0)
        waits.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waits
        with pytest.raises((asyncio.TimeoutError, TimeoutError)):
            await asyncio.wait_for(wait(server), 0.01)
        server.send("go")

    async def wait(server: regrow.Pid) -> Any:
        return await server.call_async("hang", None)

    asyncio.run(main())


def test_the_runtime_ends_while_a_loop_awaits() -> None:
    async def main() -> None:
        with regrow.Runtime(log_level="silent") as runtime:
            server = runtime.start(ServerSpec(Echo))
            request = asyncio.ensure_future(awaited(server.call_async("hang", None)))
            await asyncio.sleep(0)
        with pytest.raises(regrow.RegrowError):
            await asyncio.wait_for(request, 30)

    async def awaited(request: Any) -> Any:
        return await request

    asyncio.run(main())


def test_a_request_may_be_awaited_again_or_be_waited_for_in_a_thread(runtime: regrow.Runtime) -> None:
    server = runtime.start(ServerSpec(Echo))
    known = server.call_async(1)
    assert known.result(30) == 1 and known.result() == 1 and known.done()

    async def main() -> None:
        assert await known == 1 and await known == 1
        request = server.call_async(2)
        assert await request == 2 and await request == 2 and request.done()
        with pytest.raises(regrow.ContextError):
            request.result()
        assert await asyncio.to_thread(server.call_async(3).result, 30) == 3
        cancelled = server.call_async(4)
        cancelled.cancel()
        with pytest.raises(regrow.ContextError):
            await cancelled
        with pytest.raises(regrow.ContextError):
            cancelled.result()

    asyncio.run(main())


def test_messages_are_awaited_by_a_loop_that_has_entered(runtime: regrow.Runtime) -> None:
    async def main() -> None:
        with runtime.enter() as me:
            with pytest.raises(TimeoutError):
                await regrow.receive_async(0.01)

            async def others() -> None:
                for _ in range(5):
                    await asyncio.sleep(0.001)
                sender.send("go")

            # Nothing comes before others have gone on.
            sender = runtime.spawn(lambda: (regrow.receive(), me.send("hello"), me.send("again")))
            beside = asyncio.ensure_future(others())
            assert await regrow.receive_async(30) == "hello" and await regrow.receive_async() == "again"
            await beside
        with pytest.raises(regrow.ContextError):
            await regrow.receive_async(0)

    asyncio.run(main())


def descriptors() -> Counter[str]:
    """What the file descriptors are of, but for files: a thread of the runtime may be reading one."""
    gc.collect()
    found: Counter[str] = Counter()
    for number in os.listdir("/proc/self/fd"):
        try:
            kind = os.readlink(f"/proc/self/fd/{number}")
        except FileNotFoundError:
            continue
        if not kind.startswith("/"):
            found[kind.split("[")[0] if "socket:" in kind or "pipe:" in kind else kind] += 1
    return found


def test_a_loop_leaves_no_file_descriptor_behind(runtime: regrow.Runtime) -> None:
    async def main() -> None:
        await server.call_async(1)

    server = runtime.start(ServerSpec(Echo))
    asyncio.run(main())
    before = descriptors()
    for _ in range(20):
        asyncio.run(main())
    assert descriptors() == before


def test_two_threads_may_wait_for_one_request(runtime: regrow.Runtime) -> None:
    import threading

    server = runtime.start(ServerSpec(Echo))
    request = server.call_async("hang", None)
    got: list[Any] = []
    threads = [threading.Thread(target=lambda: got.append(request.result(30))) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert not request.done()
    server.send("go")
    for thread in threads:
        thread.join(30)
    assert got == ["hang"] * 4
