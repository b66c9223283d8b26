"""The claims of token_server.py: those of the C program."""

import threading
from dataclasses import replace

import drill
import regrow
from regrow import Table
from token_server import Tokens

MEMBERS = ("Registry", "TableOwner", "TaskSupervisor", "DynamicSupervisor")


def claim(id, holds, sentence):
    print(f"{id} {'ok' if holds else 'FAILED'} {sentence}")


class Trio:
    """A tree under names of its own, with a backend that is no more than a counter and a clock, and a storage that is
    no more than a table of the main thread's."""

    def __init__(self, prefix, **changes):
        self.commands = 0
        self.command_time = 0.0
        self.save_time = 0.0
        self.can_save = True
        self.starts = []
        self.storage = Table.new(access="public")
        self.lock = threading.Lock()
        tokens = Tokens(runtime, prefix, self.command, self.load, self.save, self.starts.append)
        self.tokens = replace(tokens, **changes)
        self.tokens.start()

    def command(self, app):
        with self.lock:
            self.commands += 1
            token = f"{app}-token-{self.commands}"
        regrow.sleep(self.command_time)
        return token

    def load(self, app):
        return next(iter(self.storage.lookup(app)), None)

    def save(self, row):
        regrow.sleep(self.save_time)
        if not self.can_save:
            raise OSError("the storage is full")
        self.storage.insert(row)

    def size(self):
        return self.tokens.rows().size()

    def is_stored(self, app, token):
        row = self.load(app)
        return row is not None and row[1] == token

    def members(self):
        drill.settle(runtime)
        return [runtime.whereis(self.tokens.name(member)) for member in MEMBERS]

    def are_new_behind(self, count, before):
        """Whether those behind the first so many are new, and the others are not."""
        changed = [old != new and new.is_alive() for old, new in zip(before, self.members())]
        return changed == [place >= count for place in range(len(MEMBERS))]

    def kill_member(self, member):
        kill(runtime.whereis(self.tokens.name(member)))

    def client(self, app, ask=Tokens.get):
        """A process that asks for a token and tells what it got; until it waits for something."""
        runtime.spawn(lambda: main.send(ask(self.tokens, app)))
        drill.settle(runtime)

    def gets(self, app, token):
        self.client(app)
        return answers() == [token]


def kill(pid):
    drill.kill(pid)
    drill.settle(runtime)


def answers():
    """The answers that there are since they were last looked at."""
    found = []
    try:
        while True:
            found.append(regrow.receive(0))
    except regrow.TimeoutError:
        return found


def at_once(function):
    """What a function gives in 64 threads, which begin at the same moment."""
    barrier = threading.Barrier(64)
    results = [None] * 64

    def run(number):
        barrier.wait()
        with runtime.enter():  # to monitor, one must be a process
            results[number] = function(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


# ---- TS1, TS2 ----


def resolve_at_once(prefix, apps, sentence):
    trio = Trio(prefix)
    pids = at_once(lambda number: trio.tokens.resolve(f"app-{number % apps}"))
    same = all(pid is not None and pid == pids[number % apps] for number, pid in enumerate(pids))
    claim("TS1", same and len(trio.starts) == apps and len(set(pids)) == apps, sentence)


def end_and_look(trio, app):
    """Whoever has heard of an end finds nobody, or the next one. How often it was otherwise."""
    ended = trio.tokens.resolve(app)
    drill.kill(ended)
    found = (trio.tokens.whereis(app), trio.tokens.resolve(app))
    return sum(pid is not None and (pid == ended or not pid.is_alive()) for pid in found)


def look_after_ends():
    trio = Trio("ends", max_restarts=6400)
    nobody = trio.tokens.whereis("app-0") is None and not trio.starts
    stale = at_once(lambda number: sum(end_and_look(trio, f"app-{number}") for _ in range(50)))
    claim("TS2", nobody, "whereis finds nobody, and starts nobody")
    claim(
        "TS2",
        stale == [0] * 64,
        "64 threads x 50 ends: nobody who had heard of an end was given the one that had ended",
    )


# ---- TS3: who falls with whom ----


def who_falls_with_whom():
    trio = Trio("falls")
    held = trio.gets("my-app", "my-app-token-1") and trio.size() == 1
    before = trio.members()
    trio.kill_member("Registry")
    claim(
        "TS3",
        held and trio.are_new_behind(0, before) and trio.size() == 0 and trio.tokens.whereis("my-app") is None,
        "the registry is killed: all four are new, the table is empty, no app server is there",
    )

    held = trio.gets("my-app", "my-app-token-1") and trio.size() == 1
    before = trio.members()
    trio.kill_member("TableOwner")
    claim(
        "TS3",
        held and trio.are_new_behind(1, before) and trio.size() == 0,
        "the owner of the table is killed: it and those behind it are new, the registry is not, the table is empty",
    )
    claim(
        "TS3",
        trio.gets("my-app", "my-app-token-1") and trio.commands == 1,
        "the first to ask then has the token from the storage, not from a command",
    )

    before = trio.members()
    app, other = trio.tokens.resolve("my-app"), trio.tokens.resolve("other-app")
    kill(app)
    only = trio.tokens.resolve("my-app") != app and trio.tokens.resolve("other-app") == other
    claim(
        "TS3",
        only and trio.are_new_behind(4, before) and trio.size() == 1,
        "an app server is killed: only it is new, the table is as it was",
    )

    runtime.advance(60.001)  # that one does not count any more
    for _ in range(20):
        kill(trio.tokens.resolve("my-app"))
    claim("TS3", trio.are_new_behind(4, before), "20 app servers are killed within 60 s: nobody else is new")
    kill(trio.tokens.resolve("my-app"))
    claim("TS3", trio.are_new_behind(3, before), "the 21st: the dynamic supervisor is new, and nobody else")
    claim("TS3", trio.gets("my-app", "my-app-token-1"), "the token outlived all of it")


# ---- TS4: side by side, and together ----


def side_by_side_and_together():
    trio = Trio("slow")
    trio.command_time = 0.1
    trio.client("one")
    trio.client("two")
    runtime.advance(0.099)
    early = answers()
    runtime.advance(0.001)
    claim(
        "TS4",
        not early and len(answers()) == 2 and trio.size() == 2,
        "two apps whose commands take 100 ms each have their tokens after 100 ms",
    )

    for _ in range(10):
        trio.client("same")
    runtime.advance(0.1)
    claim(
        "TS4",
        answers() == ["same-token-3"] * 10 and trio.commands == 3,
        "ten ask for one token at once: one command, and all have it after 100 ms",
    )


# ---- TS5: new tokens for old ----


def new_tokens_for_old():
    trio = Trio("fresh", ttl=1.0, early=0.2)
    first = trio.gets("app", "app-token-1")
    trio.command_time = 0.1
    trio.client("app", Tokens.refresh)
    for _ in range(5):
        trio.client("app")
    early = answers()
    runtime.advance(0.1)
    claim(
        "TS5",
        first and not early and answers() == ["app-token-2"] * 6 and trio.commands == 2,
        "a refresh, and five who ask meanwhile: all have the new token, by one command",
    )

    # That token came at this moment, and is good for 1,000 ms.
    trio.command_time = 0.0
    runtime.advance(0.799)
    before = trio.gets("app", "app-token-2") and trio.commands == 2
    runtime.advance(0.001)
    claim(
        "TS5",
        before and trio.commands == 3 and trio.gets("app", "app-token-3"),
        "200 ms before its end a token is replaced, though nobody asks",
    )

    trio.save_time = 0.5
    trio.client("app", Tokens.refresh)
    once = answers() == ["app-token-4"] and trio.is_stored("app", "app-token-3")
    runtime.advance(0.5)
    claim(
        "TS5",
        once and trio.is_stored("app", "app-token-4"),
        "a storage that takes 500 ms delays nobody, and has the token then",
    )

    trio.save_time = 0.0
    trio.can_save = False
    server = trio.tokens.resolve("app")
    trio.client("app", Tokens.refresh)
    answered = answers() == ["app-token-5"]
    claim(
        "TS5",
        answered and trio.is_stored("app", "app-token-4") and trio.tokens.resolve("app") == server,
        "a storage that fails costs nobody the token, and ends nobody but its task",
    )


# ---- TS6: several of it ----


def several():
    trios = [Trio(f"trio-{number}") for number in range(4)]
    got = all(trio.gets("my-app", "my-app-token-1") for trio in trios)
    pids = [trio.tokens.resolve("my-app") for trio in trios]
    own = all(trio.commands == 1 and trio.size() == 1 for trio in trios)
    claim(
        "TS6",
        got and own and len(set(pids)) == 4,
        "four trees: the same app has a server, a table and a token of its own in each",
    )

    before = [trio.members() for trio in trios]
    trios[2].kill_member("Registry")
    holds = trios[2].are_new_behind(0, before[2]) and trios[2].size() == 0
    for number in (0, 1, 3):
        trio = trios[number]
        same = trio.tokens.resolve("my-app") == pids[number]
        holds = holds and same and trio.are_new_behind(4, before[number]) and trio.size() == 1
    claim("TS6", holds, "the registry of one is killed: the other three do not notice")


with drill.begin() as runtime:
    main = regrow.self_pid()
    resolve_at_once("one", 1, "64 threads resolve one app at once: one start, one pid, no error")
    resolve_at_once("eight", 8, "64 threads resolve eight apps at once: eight starts, a pid for each")
    look_after_ends()
    who_falls_with_whom()
    side_by_side_and_together()
    new_tokens_for_old()
    several()
