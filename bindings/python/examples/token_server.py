"""One server for each app keeps a token for it, gets another before it expires, and comes back when it crashes; for
tokens.py.

    Supervisor              supervisor, rest_for_one
    |- Registry             which app has which app server
    |- TableOwner           owns the table of tokens, and does nothing that could end it
    |- TaskSupervisor       tokens are written to the storage in tasks
    `- DynamicSupervisor    20 restarts in 60 s
       |- "my-app"          app servers, started when somebody asks for the app
       `- ...

Without the registry everybody would be lost, so all begin anew. Without the table every app server would have to, so
they do; what they had is in the storage. An app server that ends ends alone. Every name begins as the user says:
several of these trees live in one program.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import regrow
from regrow import (
    Address, Atom, DynamicSupervisorSpec, Object, Pid, RegistrySpec, Runtime, ServerSpec, Supervisor, SupervisorSpec,
    Table, TaskSupervisor, TaskSupervisorSpec,
)  # fmt: skip

#: (app, token, when it expires)
Row = tuple[str, str, float]


@dataclass(frozen=True)
class Tokens:
    """What an app server does, and where. `command` gives an app a token, `load` and `save` are the storage that
    outlives the program: all three may wait. A token is good for `ttl` seconds, and replaced `early` before its end.
    `started` is told of each app server that starts."""

    runtime: Runtime
    prefix: str
    command: Callable[[str], str]
    load: Callable[[str], Row | None]
    save: Callable[[Row], None]
    started: Callable[[str], None]
    max_restarts: int = 20
    ttl: float = 3600.0
    early: float = 60.0

    def start(self) -> None:
        """Starts the tree under the runtime's root."""
        children = [
            RegistrySpec(name=self.name("Registry")),
            ServerSpec(TableOwner, self.name("tokens"), name=self.name("TableOwner")),
            TaskSupervisorSpec(name=self.name("TaskSupervisor")),
            DynamicSupervisorSpec(
                name=self.name("DynamicSupervisor"), unique_ids=True, max_restarts=self.max_restarts, period=60
            ),
        ]
        self.runtime.start_child(SupervisorSpec(children, name=self.name("Supervisor"), strategy="rest_for_one"))

    def name(self, part: str) -> str:
        return f"{self.prefix}.{part}"

    def address(self, app: str, wait: float = 0) -> Address:
        return Address(runtime=self.runtime, registry=self.name("Registry"), key=app, wait=wait)

    def whereis(self, app: str) -> Pid | None:
        """The app server of an app, if there is one. Never one that has ended."""
        try:
            return self.address(app).whereis()
        except (regrow.NotFoundError, regrow.NoProcessError):
            return None

    def resolve(self, app: str) -> Pid:
        """The app server of an app; one is started if there is none.

        Of all who find nobody one starts it. The ids of the children are unique, so the others are told that the app
        has one: it is being started, or started again after a crash. They wait until it can be found; whom they were
        told of may have ended meanwhile.
        """
        while True:
            if found := self.whereis(app):
                return found
            try:
                supervisor = Address(self.name("DynamicSupervisor"), self.runtime, wait=5).whereis()
                spec = ServerSpec(AppServer, (Object(self), app), id=app, via=self.address(app))
                return Supervisor(supervisor).start_child(spec)
            except regrow.ExistsError:
                try:
                    return self.address(app, wait=5).whereis()
                except regrow.NotFoundError:
                    continue
            except regrow.NoProcessError:
                continue

    def get(self, app: str) -> str:
        """The token of an app. Nearly always the table has it, and no process is asked."""
        row = self.read(app)
        return row[1] if row else self.resolve(app).call(Atom("get"), None)

    def refresh(self, app: str) -> str:
        """A new token in any case, after which nobody is given the old one."""
        return self.resolve(app).call(Atom("refresh"), None)

    def rows(self) -> Table:
        return Table.whereis(self.name("tokens"), self.runtime)

    def read(self, app: str) -> Row | None:
        """The row of an app, if there is one that has not expired."""
        return next((row for row in self.rows().lookup(app) if self.is_good(row)), None)

    def is_good(self, row: Row) -> bool:
        return row[2] > self.runtime.now()


class TableOwner(regrow.Server):
    def init(self, name: str) -> None:
        Table.new(access="public", name=name)


class AppServer(regrow.Server):
    """Gets tokens for one app, one at a time. Whoever asks while it is at it waits, and then finds what it got."""

    def init(self, arg: tuple[Object, str]) -> None:
        tokens, self.app = arg
        self.tokens: Tokens = tokens.value
        self.timer: Any = None
        self.tokens.started(self.app)
        if row := self.tokens.read(self.app):  # one that is started again finds that of the one before
            self.start_timer(row)

    def handle_call(self, request: Atom) -> str:
        if request == Atom("refresh"):
            # The old token is out of the table before the new one is asked for: who looks meanwhile asks this server.
            self.tokens.rows().delete_key(self.app)
            return self.acquire()
        if row := self.tokens.read(self.app):
            return row[1]
        row = self.tokens.load(self.app)
        if row and self.tokens.is_good(row):
            self.write(row)
            return row[1]
        return self.acquire()

    def handle_info(self, message: Any) -> None:
        """(timeout, Ref, soft_expiry): the token is still good, and stays in the table until there is another."""
        _timeout, timer, _soft_expiry = message
        if timer == self.timer:
            self.timer = None
            self.acquire()

    def acquire(self) -> str:
        """A new token, into the table and to the storage. The latter in a task: a slow storage keeps nobody waiting,
        and one that fails ends only the task."""
        tokens = self.tokens
        token = tokens.command(self.app)
        row = (self.app, token, tokens.runtime.now() + tokens.ttl)
        self.write(row)
        TaskSupervisor(tokens.runtime.whereis(tokens.name("TaskSupervisor"))).start_task(tokens.save, row)
        return token

    def write(self, row: Row) -> None:
        self.tokens.rows().insert(row)
        self.start_timer(row)

    def start_timer(self, row: Row) -> None:
        """Of the timers of before nobody takes notice any more."""
        left = row[2] - self.tokens.runtime.now() - self.tokens.early
        self.timer = regrow.self_pid().start_timer(max(left, 0), Atom("soft_expiry"))
