"""Groups and topics: one message to many, without a stale member."""

from __future__ import annotations

from typing import Any

from . import terms
from ._handles import choice, number, text
from ._native import ffi, lib
from .process import Pid, _ref, process_id, self_pid
from .specs import PubSubSpec
from .terms import Ref

__all__ = ["PubSub"]

_OVERFLOWS = {"drop_newest": lib.REGROW_DROP_NEWEST, "drop_oldest": lib.REGROW_DROP_OLDEST}


class PubSub(Pid):
    """Groups, whose names are any terms, and topics, whose names are text. Where a process may be left out it is the
    caller."""

    __slots__ = ()

    # ---- groups ----

    def join(self, group: Any, process: Pid | None = None) -> None:
        """Makes a process a member of a group; once more if it is one. It is one until it leaves as often, or ends."""
        terms.check(lib.regrow_group_join((self.id,), terms.borrowed(group), _who(process)))

    def leave(self, group: Any, process: Pid | None = None) -> None:
        """Takes a process out of a group, once. `NotFoundError` when it is no member."""
        terms.check(lib.regrow_group_leave((self.id,), terms.borrowed(group), _who(process)))

    def members(self, group: Any) -> list[Pid]:
        """The members of a group, in no order, each as often as it joined."""
        out = ffi.new("regrow_term *")
        terms.check(lib.regrow_group_members((self.id,), terms.borrowed(group), out))
        return list(terms.taken(out))

    def groups(self) -> list[Any]:
        """The groups that have members, in no order."""
        out = ffi.new("regrow_term *")
        terms.check(lib.regrow_group_which((self.id,), out))
        return list(terms.taken(out))

    def publish(self, group: Any, message: Any) -> int:
        """Sends a message to the members of a group; how many times it was sent."""
        count = ffi.new("size_t *")
        name = terms.borrowed(group)
        terms.check(lib.regrow_group_send((self.id,), name, terms.moved(message), count))
        return int(count[0])

    def monitor(self, group: Any) -> tuple[Ref, list[Pid]]:
        """Has the caller told of all that changes in a group, `(Ref, Atom("join"), group, pids)` and likewise "leave";
        returns the Ref and the members as they are now. Needs an identity."""
        ref, out = ffi.new("regrow_ref *"), ffi.new("regrow_term *")
        terms.check(lib.regrow_group_monitor((self.id,), terms.borrowed(group), ref, out))
        return Ref(ref.id), list(terms.taken(out))

    def demonitor(self, ref: Ref) -> None:
        """Takes a monitor of the caller's away. Needs an identity."""
        terms.check(lib.regrow_group_demonitor((self.id,), (_ref(ref),)))

    # ---- topics ----

    def subscribe(
        self,
        topic: str,
        process: Pid | None = None,
        *,
        queue: str | None = None,
        max_messages: int = 0,
        overflow: str = "drop_newest",
        once: bool = False,
    ) -> None:
        """Subscribes a process to a topic, or to a pattern: `a.*.c`, `a.>`.

        `queue` names a queue group, of which one member gets each message; `max_messages` bounds what is kept, with
        `(Atom("lag"), topic, count)` in the place of what is dropped; `once`: nothing happens when it is subscribed.
        """
        how = ffi.new("regrow_subscription *")
        how.size = ffi.sizeof("regrow_subscription")
        name = ffi.NULL if queue is None else ffi.new("char[]", text(queue, "queue"))
        how.queue = name
        how.max_messages = number(max_messages, "max_messages")
        how.overflow = choice(overflow, "overflow", _OVERFLOWS)
        subscribe = lib.regrow_pubsub_subscribe_once if once else lib.regrow_pubsub_subscribe
        terms.check(subscribe((self.id,), text(topic, "a topic"), _who(process), how))

    def unsubscribe(self, topic: str, process: Pid | None = None) -> None:
        """Takes all subscriptions of a process to a topic, or to a pattern as it was given, away."""
        terms.check(lib.regrow_pubsub_unsubscribe((self.id,), text(topic, "a topic"), _who(process)))

    def broadcast(self, topic: str, message: Any, besides: Pid | None = None) -> None:
        """Sends a message to all subscribers of a topic, but not to `besides`. Never waits for one."""
        name = text(topic, "a topic")
        if besides is None:
            terms.check(lib.regrow_pubsub_broadcast((self.id,), name, terms.moved(message)))
        else:
            who = (process_id(besides),)
            terms.check(lib.regrow_pubsub_broadcast_from((self.id,), who, name, terms.moved(message)))

    def subscriber_count(self, topic: str) -> int:
        """How many subscriptions a broadcast to a topic meets."""
        count = ffi.new("size_t *")
        terms.check(lib.regrow_pubsub_subscriber_count((self.id,), text(topic, "a topic"), count))
        return int(count[0])


def _who(process: Pid | None) -> tuple[int]:
    return (process_id(self_pid() if process is None else process),)


PubSubSpec._handle = PubSub
