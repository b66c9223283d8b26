"""What operations of regrow-scaling share with each other though they have nothing to do with each other: cache lines that
every worker writes, by reading the source (docs/scaling.md has the list) and by `locked.py --where`, which tells how often."""
from dataclasses import dataclass


@dataclass
class Line:
    what: str
    touches: float  # locked instructions on it for one operation
    lines: int = 1  # so many of the kind, one of which is meant at a time
    moved: float = 1  # lines that go to the other core with each touch
    barriers: float = 0  # membarrier(2) for one operation, made by one for all of them


COUNT = Line("the runtime's reference count", 4)  # for two calls that go through a mailbox
LIVES = [Line("`membarrier`, at each 1024th end", 0.001, barriers=1 / 1024)]

SHARED = {
    "messages": [],
    "calls": [],  # of a server that is idle: its caller's worker runs it, without a message or a timer
    "calls_5s": [],
    "calls_inline": [],
    "agent_get": [],
    "spawns": LIVES,
    "children": [COUNT, *LIVES],  # its supervisor is called twice
    "tasks": LIVES,
    "timers": [],  # of one process, which is on one worker
    "lookups": [],  # by a key of two words, which takes no lock
    "registers": [Line("the registry's reference count", 2), Line("a shard of the registry", 4, lines=64, moved=2)],
    "set_get": [Line("a shard of the table", 2, lines=32)],
    "set_insert": [Line("a shard of the table", 2, lines=32, moved=2)],
    "ordered_get": [Line("the lock of the tree", 2)],
    "ordered_insert": [Line("the lock of the tree", 2, moved=2)],
    "one_server": [Line("the head of its mailbox", 1, moved=1.25)],  # four messages are a line
    "one_line": [Line("the line", 1)],
    "one_barrier": [],
}
NAMES = {
    "messages": "a message to a server and back",
    "calls": "call", "calls_5s": "call with a time limit", "calls_inline": "call, inline",
    "agent_get": "agent, get", "spawns": "spawn, message, exit", "children": "child started and stopped, each its supervisor",
    "tasks": "task, started and awaited", "timers": "timer, started and cancelled", "lookups": "lookup in one registry",
    "registers": "register and unregister in one registry",
    "set_get": "get from one table, a set", "set_insert": "insert into one set",
    "ordered_get": "get from one ordered set", "ordered_insert": "insert into one ordered set",
    "one_server": "all send to one server (handled)",
}
