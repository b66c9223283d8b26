"""Supervisors of every kind, with children of every kind."""

import math
import threading
from typing import Any

import pytest
import regrow
from conftest import wait_for_down
from regrow import (
    Address, AgentSpec, Atom, Backoff, DynamicSupervisorSpec, PartitionSupervisorSpec, RegistrySpec, Server, ServerSpec,
    SupervisorSpec,
)  # fmt: skip


class Child(Server):
    def init(self, arg: Any) -> Any:
        self.arg = arg

    def handle_call(self, request: Any) -> Any:
        return self.arg

    def handle_cast(self, reason: Any) -> Any:
        return regrow.Stop(reason)


def tree(runtime: regrow.Runtime, strategy: str) -> tuple[regrow.Supervisor, dict[Any, regrow.Pid]]:
    specs = [ServerSpec(Child, number, id=number, name=f"child {number}") for number in range(3)]
    top = runtime.start(SupervisorSpec(specs, strategy))
    return top, pids(top)


def pids(top: regrow.Supervisor) -> dict[Any, Any]:
    return {child.id: child.pid for child in top.which_children()}


@pytest.mark.parametrize(
    ("strategy", "new"),
    [("one_for_one", {1}), ("one_for_all", {0, 1, 2}), ("rest_for_one", {1, 2})],
)
def test_who_is_new_when_one_is_killed(strategy: str, new: set[int], runtime: regrow.Runtime, process: regrow.Pid) -> None:
    top, before = tree(runtime, strategy)
    ref = regrow.monitor(before[1])
    before[1].exit(regrow.KILL)
    wait_for_down(ref)
    runtime.settle()  # a sibling that is still to be stopped would answer, or not
    assert [Address(f"child {number}", runtime, wait=30).call(0) for number in range(3)] == [0, 1, 2]
    after = pids(top)
    assert {number for number in before if before[number] != after[number]} == new
    assert top.count_children() == regrow.ChildCount(specs=3, active=3, supervisors=0, workers=3)
    assert top.history()[0][Atom("reason")] == regrow.KILLED


def test_children_are_stopped_restarted_and_forgotten(runtime: regrow.Runtime) -> None:
    top, before = tree(runtime, "one_for_one")
    top.terminate_child(0)
    assert not before[0].is_alive() and top.lookup(0) is None
    assert [child.status for child in top.which_children()] == ["running", "running", "undefined"]
    again = top.restart_child(0)
    assert again is not None and again != before[0]
    with pytest.raises(regrow.RunningError):
        top.restart_child(0)
    with pytest.raises(regrow.RunningError):
        top.delete_child(0)
    top.terminate_child(0)
    top.delete_child(0)
    with pytest.raises(regrow.NotFoundError):
        top.terminate_child(0)
    assert top.get_childspec(1)[Atom("restart")] == Atom("permanent")
    with pytest.raises(regrow.ExistsError) as raised:
        top.start_child(ServerSpec(Child, id=1))
    assert raised.value.reason == (Atom("already_started"), before[1])
    with pytest.raises(regrow.StartError, match="duplicate_child_name"):
        runtime.start(SupervisorSpec([ServerSpec(Child), ServerSpec(Child)]))


def test_too_many_restarts_end_it(runtime: regrow.Runtime, process: regrow.Pid) -> None:
    top = runtime.start(SupervisorSpec([ServerSpec(Child, id="c", name="c")], max_restarts=0))
    ref = regrow.monitor(top)
    Address("c", runtime).cast("crash")
    assert wait_for_down(ref) == regrow.SHUTDOWN


def test_a_child_that_does_not_come_up_is_told_with_its_traceback(runtime: regrow.Runtime) -> None:
    class Fails(Server):
        def init(self, arg: Any) -> Any:
            raise RuntimeError("no luck")

    with pytest.raises(regrow.StartError) as raised:
        runtime.start(SupervisorSpec([ServerSpec(Child, id=1), Fails]))
    kind, (failed, id, reason) = raised.value.reason
    assert (kind, failed, id) == (Atom("shutdown"), Atom("failed_to_start_child"), "Fails")
    assert reason[1:3] == ("RuntimeError", "no luck") and "no luck" in reason[3]


def test_a_tree_holds_every_kind(runtime: regrow.Runtime) -> None:
    top = runtime.start_child(
        SupervisorSpec(
            [
                RegistrySpec(name="registry"),
                AgentSpec(1, name="agent"),
                Child,
                DynamicSupervisorSpec(name="dynamic"),
                PartitionSupervisorSpec(AgentSpec(0), partitions=2, id="parts"),
                regrow.TaskSupervisorSpec(id="tasks"),
                regrow.PubSubSpec(id="pubsub"),
                SupervisorSpec([Child], id="inner"),
                regrow.HostSpec(lambda *_: None, id="host"),
                regrow.ProcessSpec(lambda: regrow.receive(), id="process"),
            ],
            strategy="rest_for_one",
            id="top",
        )
    )
    kinds = {child.id: child.kind for child in top.which_children()}
    assert kinds["registry"] == "registry" and kinds["Child"] == "server" and len(kinds) == 10
    assert "registry" in top.tree() and top.tree("json").startswith("{")
    assert top.tree("term")[Atom("pid")] == top
    assert isinstance(runtime.whereis("agent"), regrow.Pid)


def test_a_dynamic_supervisor_starts_what_it_is_given(runtime: regrow.Runtime) -> None:
    dynamic = runtime.start(DynamicSupervisorSpec(max_children=2))
    first = dynamic.start_child(ServerSpec(Child, "a"))
    agent = dynamic.start_child(AgentSpec(5))
    assert isinstance(agent, regrow.Agent) and agent.get() == 5 and first.call(0) == "a"
    with pytest.raises(regrow.LimitError) as raised:
        dynamic.start_child(ServerSpec(Child))
    assert raised.value.reason == Atom("max_children")
    dynamic.terminate_child(first)
    assert dynamic.count_children().active == 1


def test_a_simple_one_for_one_starts_instances(runtime: regrow.Runtime) -> None:
    template = ServerSpec(Child, ["common"], id="template", restart="temporary")
    top = runtime.start(SupervisorSpec([template], "simple_one_for_one"))
    one, two = top.start_instance("first"), top.start_instance(2, {})
    assert one.call(0) == ["common", "first"] and two.call(0) == ["common", 2, {}]
    top.terminate_child(one)
    assert top.count_children().active == 1


def test_a_partition_supervisor_leads_keys_to_partitions(runtime: regrow.Runtime) -> None:
    parts = runtime.start(PartitionSupervisorSpec(ServerSpec(Child, []), partitions=3, with_number=True))
    assert isinstance(parts, regrow.PartitionSupervisor) and parts.count() == 3
    assert [parts.partition(key).call(0) for key in range(4)] == [[0], [1], [2], [0]]
    assert Address(registry=parts, key=1).call(0) == [1]


def test_restarts_wait_as_their_backoff_says(manual: regrow.Runtime) -> None:
    spec = ServerSpec(Child, name="c", backoff=Backoff(initial=1, max=4, at_limit="park", max_restarts=2, period=60))
    top = manual.start(SupervisorSpec([spec]))
    for wait in (1, 2):
        manual.whereis("c").cast("crash")
        manual.settle()
        assert top.which_children()[0].status == "restarting"
        manual.advance(wait - 0.001)
        with pytest.raises(regrow.NotFoundError):
            manual.whereis("c")
        manual.advance(0.001)
        manual.whereis("c")
    manual.whereis("c").cast("crash")
    manual.settle()
    assert top.which_children()[0].status == "parked"


def test_changes_are_told_to_who_subscribes(runtime: regrow.Runtime, process: regrow.Pid) -> None:
    top, before = tree(runtime, "one_for_one")
    ref = top.subscribe()
    before[0].exit(regrow.KILL)
    child, told, supervisor, event = regrow.receive(30)
    assert (child, told, supervisor) == (Atom("child"), ref, top) and event[Atom("id")] == 0
    top.unsubscribe(ref)


def test_a_significant_child_ends_its_supervisor(runtime: regrow.Runtime, process: regrow.Pid) -> None:
    child = ServerSpec(Child, name="s", restart="temporary", significant=True, shutdown=math.inf)
    top = runtime.start(SupervisorSpec([child], auto_shutdown="any_significant"))
    ref = regrow.monitor(top)
    runtime.whereis("s").cast(regrow.NORMAL)
    assert wait_for_down(ref) == regrow.SHUTDOWN


def test_one_that_is_being_started_cannot_be_waited_for(runtime: regrow.Runtime) -> None:
    class Inner(Server):
        def init(self, top: Any) -> Any:
            regrow.Supervisor(runtime.root).start_child(ServerSpec(Child))

    with pytest.raises(regrow.StartError, match="WouldDeadlockError"):
        runtime.start_child(ServerSpec(Inner))


def test_an_init_adds_children_made_from_its_argument(runtime: regrow.Runtime) -> None:
    starts: list[Any] = []

    def init(count: Any) -> Any:
        starts.append(regrow.self_pid())
        with pytest.raises(regrow.WouldBlockError):
            regrow.sleep(1)
        return [ServerSpec(Child, number, id=number) for number in range(count)]

    top = runtime.start(SupervisorSpec([AgentSpec(0)], init=init, arg=2))
    assert starts == [top] and [child.id for child in top.which_children()] == [1, 0, "agent"]
    assert runtime.start_child(SupervisorSpec(init=lambda _: regrow.IGNORE, id="ignored")) is None
    for spec in (SupervisorSpec, DynamicSupervisorSpec):
        with pytest.raises(regrow.StartError, match="no luck"):
            runtime.start(spec(init=lambda _: 1 / 0 if _ else regrow.Stop("no luck")))
        with pytest.raises(regrow.StartError, match="ZeroDivisionError"):
            runtime.start(spec(init=lambda arg: arg / 0, arg=1))
        with pytest.raises(regrow.StartError, match="TypeError"):
            runtime.start(spec(init=lambda _: "children"))
    with pytest.raises(regrow.StartError, match="TypeError"):
        runtime.start(DynamicSupervisorSpec(init=lambda _: [Child]))
    pids = []
    dynamic = runtime.start(DynamicSupervisorSpec(init=lambda arg: pids.append(regrow.self_pid()), arg="x"))
    assert pids == [dynamic]


def test_a_child_lives_on_when_whoever_starts_it_is_killed(runtime: regrow.Runtime, process: regrow.Pid) -> None:
    begun, go, told = threading.Event(), threading.Event(), threading.Event()

    class Slow(Child):
        def init(self, arg: Any) -> Any:
            begun.set()
            go.wait(120)
            super().init(arg)

    def starts() -> None:
        try:
            dynamic.start_child(ServerSpec(Slow, "it", name="slow"))
        except regrow.KilledError:
            told.set()

    dynamic = runtime.start(DynamicSupervisorSpec())
    starter, ref = regrow.start_monitor(regrow.ProcessSpec(starts))
    assert begun.wait(30)
    starter.exit(regrow.KILL)
    assert wait_for_down(ref) == regrow.KILLED and told.wait(30)
    go.set()
    child = Address("slow", runtime, wait=30)
    assert child.call(0) == "it"
    for _ in range(2):
        down = regrow.monitor(pid := child.whereis())
        pid.exit(regrow.KILL)
        wait_for_down(down)
        assert child.call(0) == "it"
