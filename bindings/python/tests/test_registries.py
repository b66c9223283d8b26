"""Registries: keys to processes."""

import threading
from typing import Any

import pytest
import regrow
from conftest import wait_for_down
from regrow import Address, AgentSpec, Atom, RegistrySpec, Server, ServerSpec


class Named(Server):
    def handle_call(self, request: Any) -> Any:
        return (regrow.self_pid(), request)


def test_a_key_leads_to_its_process_until_that_ends(runtime: regrow.Runtime, process: regrow.Pid) -> None:
    registry = runtime.start(RegistrySpec())
    agent = runtime.start(AgentSpec(0))
    registry.register(("key", 1), agent, {"beside": "it"})
    assert registry.whereis(("key", 1)) == agent and registry.lookup(("key", 1)) == [(agent, {"beside": "it"})]
    assert registry.keys(agent) == [("key", 1)] and registry.values(("key", 1), agent) == [{"beside": "it"}]
    with pytest.raises(regrow.ExistsError) as raised:
        registry.register(("key", 1), process)
    assert raised.value.reason == (Atom("already_registered"), agent)
    ref = regrow.monitor(agent)
    agent.exit(regrow.KILL)
    wait_for_down(ref)
    assert registry.count() == 0 and registry.lookup(("key", 1)) == []
    with pytest.raises(regrow.NotFoundError):
        registry.whereis(("key", 1))
    registry.unregister("nothing", process)


def test_entries_can_be_updated_matched_and_selected(runtime: regrow.Runtime, process: regrow.Pid) -> None:
    registry = runtime.start(RegistrySpec())
    for key in range(4):
        registry.register(key, value=key * 10)
    assert registry.update(2, lambda value: value + 1) == 20 and registry.values(2, process) == [21]
    with pytest.raises(regrow.ArgumentError):
        registry.update(2, lambda value: 1 / 0)
    with pytest.raises(regrow.NotFoundError):
        registry.update("none", lambda value: value)
    any_, one = Atom("_"), Atom("$1")
    assert registry.match(2, one, [(Atom(">"), one, 20)]) == [(process, 21)]
    assert registry.count_match(2, 5) == 0
    assert sorted(registry.select([((one, any_, any_), [], [one])])) == [0, 1, 2, 3]
    assert registry.count_select([((any_, any_, one), [(Atom(">"), one, 5)], [True])]) == 3
    registry.unregister_match(2, process, 20)
    assert registry.count() == 4
    registry.unregister_match(2, process, 21)
    assert registry.count() == 3
    with pytest.raises(regrow.ArgumentError):
        registry.select([1])


def test_what_is_kept_beside(runtime: regrow.Runtime) -> None:
    registry = runtime.start(RegistrySpec(meta={"at": "start"}))
    assert registry.get_meta("at") == "start"
    registry.put_meta("more", [1])
    assert registry.get_meta("more") == [1]
    registry.delete_meta("more")
    with pytest.raises(regrow.NotFoundError):
        registry.get_meta("more")


def test_a_dispatch_reaches_each_and_its_exception_comes_out(runtime: regrow.Runtime, process: regrow.Pid) -> None:
    registry = runtime.start(RegistrySpec("duplicate"))
    for value in "abc":
        registry.register("topic", value=value)
    got: list[Any] = []
    registry.dispatch("topic", lambda pid, value: got.append((pid, value)))
    assert {value for _, value in got} == set("abc") and {pid for pid, _ in got} == {process}
    calls: list[Any] = []

    def fails(pid: regrow.Pid, value: Any) -> None:
        calls.append(value)
        raise ValueError(value)

    with pytest.raises(ValueError):
        registry.dispatch("topic", fails)
    assert len(calls) == 1


def test_a_dispatch_in_parallel_reaches_each_in_processes_beside(runtime: regrow.Runtime, process: regrow.Pid) -> None:
    registry = runtime.start(RegistrySpec("duplicate", partitions=4))
    members = [runtime.start(regrow.AgentSpec(0)) for _ in range(150)]  # so that each part has some
    for number, member in enumerate(members):
        registry.register("topic", member, number)
    got: list[Any] = []
    where: set[regrow.Pid] = set()

    def note(pid: regrow.Pid, value: Any) -> None:
        got.append((pid, value))
        where.add(regrow.self_pid())
        pid.send(value)

    registry.dispatch("topic", note, parallel=True)
    assert sorted(got, key=lambda entry: entry[1]) == [(pid, number) for number, pid in enumerate(members)]
    assert process not in where and len(where) == 4
    registry.dispatch("nothing", note, parallel=True)
    assert len(got) == 150


def test_what_a_dispatch_in_parallel_calls_may_raise_and_not_wait(runtime: regrow.Runtime) -> None:
    for spec in (RegistrySpec("duplicate", partitions=4), RegistrySpec("duplicate", partitions=1)):
        registry = runtime.start(spec)
        members = [runtime.start(regrow.AgentSpec(0)) for _ in range(20)]
        for member in members:
            registry.register("topic", member)
        refused: list[Any] = []

        def waits(pid: regrow.Pid, value: Any) -> None:
            for wait in (lambda: regrow.sleep(0.01), lambda: regrow.Agent(pid).get()):
                with pytest.raises(regrow.WouldBlockError):
                    wait()
            refused.append(pid)

        registry.dispatch("topic", waits, parallel=True)
        assert sorted(refused, key=repr) == sorted(members, key=repr)
        with pytest.raises(ZeroDivisionError):
            registry.dispatch("topic", lambda pid, value: 1 / 0, parallel=True)
        assert members[0].get() == 0


def test_a_lock_is_held_by_one_at_a_time(runtime: regrow.Runtime) -> None:
    registry = runtime.start(RegistrySpec())
    inside: list[int] = []
    most: list[int] = []

    def work() -> str:
        inside.append(1)
        most.append(len(inside))
        regrow.sleep(0.001)
        inside.pop()
        return "done"

    threads = [
        threading.Thread(target=lambda: [registry.lock("key", work, 60) for _ in range(10)]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert most == [1] * 40 and registry.lock("key", work) == "done"
    with pytest.raises(KeyError):
        registry.lock("key", lambda: {}["x"])
    holds, go = threading.Event(), threading.Event()
    thread = threading.Thread(target=lambda: registry.lock("key", lambda: (holds.set(), go.wait(120))))
    thread.start()
    assert holds.wait(30)
    with pytest.raises(regrow.TimeoutError):
        registry.lock("key", work, 0)
    go.set()
    thread.join()


def test_a_child_is_registered_at_each_start_and_calls_follow_it(
    runtime: regrow.Runtime, process: regrow.Pid
) -> None:
    registry = runtime.start_child(RegistrySpec(name="names"))
    runtime.start_child(ServerSpec(Named, via=registry.address("it", value=7)))
    address = Address(registry="names", key="it", runtime=runtime, wait=30)
    first, _ = address.call("who")
    assert registry.lookup("it") == [(first, 7)] and address.whereis() == first
    ref = regrow.monitor(first)
    first.exit(regrow.KILL)
    wait_for_down(ref)
    second, said = address.call_async(["again"]).result()
    assert second != first and said == ["again"]


def test_listeners_are_told(runtime: regrow.Runtime, process: regrow.Pid) -> None:
    process.register_name("listener")
    registry = runtime.start(RegistrySpec(listeners=["listener"]))
    registry.register("key", value=1)
    assert regrow.receive(30) == (Atom("register"), registry, "key", process, 1)
    registry.unregister("key", process)
    assert regrow.receive(30) == (Atom("unregister"), registry, "key", process)


def test_names_are_any_term(runtime: regrow.Runtime, process: regrow.Pid) -> None:
    process.register_name(("name", 1))
    assert runtime.whereis(("name", 1)) == process
    Address(("name", 1), runtime).send("hello")
    assert regrow.receive(30) == "hello"
    runtime.unregister(("name", 1))
    with pytest.raises(regrow.NotFoundError):
        Address(("name", 1), runtime).send("hello")
