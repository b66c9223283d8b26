"""Groups and topics."""

import pytest
import regrow
from conftest import wait_for_down
from regrow import AgentSpec, Atom, PubSubSpec


def test_a_group_has_members_until_they_leave_or_end(runtime: regrow.Runtime, process: regrow.Pid) -> None:
    pubsub = runtime.start(PubSubSpec())
    agent = runtime.start(AgentSpec(0))
    ref, members = pubsub.monitor("group")
    assert members == []
    pubsub.join("group")
    pubsub.join("group", agent)
    assert set(pubsub.members("group")) == {process, agent} and pubsub.groups() == ["group"]
    assert regrow.receive(30) == (ref, Atom("join"), "group", [process])
    assert regrow.receive(30) == (ref, Atom("join"), "group", [agent])
    assert pubsub.publish("group", ("news", 1)) == 2
    assert regrow.receive(30) == ("news", 1)
    down = regrow.monitor(agent)
    agent.exit(regrow.KILL)
    wait_for_down(down)
    assert pubsub.members("group") == [process]
    pubsub.leave("group")
    with pytest.raises(regrow.NotFoundError):
        pubsub.leave("group")
    pubsub.demonitor(ref)
    regrow.flush()


def test_a_topic_reaches_its_subscribers(runtime: regrow.Runtime, process: regrow.Pid) -> None:
    pubsub = runtime.start(PubSubSpec())
    pubsub.subscribe("a.*.c")
    pubsub.subscribe("a.>", once=True)
    pubsub.subscribe("a.>", once=True)
    assert pubsub.subscriber_count("a.b.c") == 2
    pubsub.broadcast("a.b.c", "both")
    assert [regrow.receive(30), regrow.receive(30)] == ["both", "both"]
    pubsub.unsubscribe("a.*.c")
    pubsub.broadcast("a.b", "one", besides=process)
    pubsub.broadcast("a.b", {"one": 1})
    assert regrow.receive(30) == {"one": 1}
    pubsub.subscribe("q", queue="workers", max_messages=1, overflow="drop_oldest")
    for number in range(3):
        pubsub.broadcast("q", number)
    assert regrow.receive(30) == (Atom("lag"), "q", 2) and regrow.receive(30) == 2
