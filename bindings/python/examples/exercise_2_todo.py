"""Exercise 2: a to-do list for each name, kept by a server that is started when it is first asked for.

    TodoSystem           supervisor, one_for_one
    |- Registry          which server has which list
    `- TodoCache         dynamic supervisor
       |- "Bob's list"   server, temporary
       `- ...
"""

import drill
import regrow
from regrow import Address, Atom, DynamicSupervisorSpec, RegistrySpec, ServerSpec, Supervisor, SupervisorSpec

starts = []


class TodoServer(regrow.Server):
    def init(self, name):
        print(f"   starting a server for {name}")
        starts.append(name)
        self.entries = []

    def handle_cast(self, entry):
        self.entries.append(entry)

    def handle_call(self, date):
        return [title for day, title in self.entries if day == date]


def address(name):
    return Address(runtime=runtime, registry="Registry", key=(Atom("todo_server"), name))


def server_process(name):
    """The server of that list. Of many who ask at once one starts it; the others are told who that is."""
    spec = ServerSpec(TodoServer, name, id=name, via=address(name), restart="temporary")
    try:
        return Supervisor(runtime.whereis("TodoCache")).start_child(spec)
    except regrow.ExistsError as error:
        _already_started, pid = error.reason
        return pid


def add_entry(name, date, title):
    """To a server that is there for certain: a cast to whoever may have the name would be lost when nobody has."""
    server_process(name).cast((date, title))


def print_entries(name, date):
    titles = server_process(name).call(date)
    print(f"   {name} on {date}:" + ("".join(f" {title};" for title in titles) or " nothing"))


with drill.begin() as runtime:
    runtime.start_child(
        SupervisorSpec([RegistrySpec(name="Registry"), DynamicSupervisorSpec(name="TodoCache")], name="TodoSystem")
    )

    print("1. Bob and Alice have lists of their own.")
    bob = server_process("Bob's list")
    add_entry("Bob's list", "2026-01-22", "Dentist")
    alice = server_process("Alice's list")
    add_entry("Alice's list", "2026-01-22", "Meeting")
    add_entry("Alice's list", "2026-01-23", "Train")
    add_entry("Alice's list", "2026-01-22", "Dinner")
    print(f"   different processes: {drill.yes_or_no(bob != alice)}")
    print_entries("Bob's list", "2026-01-22")
    print_entries("Alice's list", "2026-01-22")

    print("2. Bob's server is killed. Nobody starts it again ...")
    drill.kill(bob)
    drill.settle(runtime)
    children = Supervisor(runtime.whereis("TodoCache")).count_children().active
    try:
        address("Bob's list").cast(("2026-01-22", "lost"))
    except regrow.NotFoundError as error:
        print(f"   children: {children}; a cast to his list's key: {drill.code(error)}")
    same = server_process("Alice's list") == alice
    print(f"   Alice's is the same: {drill.yes_or_no(same)}")
    print_entries("Alice's list", "2026-01-22")

    print("3. ... before it is asked for. His entries were in its memory.")
    new_bob = server_process("Bob's list")
    print(f"   a new process: {drill.yes_or_no(new_bob != bob)}")
    print_entries("Bob's list", "2026-01-22")
    add_entry("Bob's list", "2026-01-22", "Dentist, again")
    print_entries("Bob's list", "2026-01-22")

    print("4. Many ask for a new list at once.")
    before = len(starts)
    pids = regrow.await_many([regrow.task(server_process, "x") for _ in range(50)], None)
    others = sum(pid != pids[0] for pid in pids)
    print(f"   50 asked, {len(starts) - before} started, {others} got another pid than the first")
