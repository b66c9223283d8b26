"""The lines of the exercise as they are typed at Elixir's console, and what they give here."""

import drill
import regrow
from regrow import Atom, Pid, ServerSpec, Stop, SupervisorSpec, Table, start_link


class SampleWorker(regrow.Server):
    def handle_call(self, request):
        return Stop(answer=Atom("ok"))


seen = []


def show(term):
    """A term as Elixir shows it. Pids are numbered as they are first seen, so that two runs print the same."""
    if isinstance(term, Pid):
        if term not in seen:
            seen.append(term)
        return f"#PID<{seen.index(term) + 1}>"
    if isinstance(term, list):
        return f"[{', '.join(map(show, term))}]"
    if isinstance(term, tuple):
        return f"{{{', '.join(map(show, term))}}}"
    if isinstance(term, Atom):
        return ":_" if term == Atom("_") else f':"{term}"' if str(term).startswith("$") else f":{term}"
    return f'"{term}"' if isinstance(term, str) else str(term).lower()


def say(line, given):
    print(f"{line}\n  {show(given)}")


# ---- six lines of a worker supervisor ----


def start_worker(supervisor):
    # One more argument, [], for the worker's init: `[[]]`.
    worker = supervisor.start_instance([])
    say("Supervisor.start_child(worker_sup, [[]])", (Atom("ok"), worker))
    return worker


def print_children(supervisor):
    children = [(child.id, child.pid, Atom(child.type), Atom(child.kind)) for child in supervisor.which_children()]
    say("Supervisor.which_children(worker_sup)", children)
    count = supervisor.count_children()
    print(
        f"Supervisor.count_children(worker_sup)\n  active: {count.active}, specs: {count.specs}, "
        f"supervisors: {count.supervisors}, workers: {count.workers}"
    )


def print_down():
    """A DOWN without its Ref and its pid."""
    _down, _ref, _process, _pid, reason = regrow.receive(0)
    print(f"  {{:DOWN, ref, :process, pid, {show(reason)}}}")


def workers(runtime):
    template = ServerSpec(SampleWorker, id="SampleWorker")
    spec = SupervisorSpec([template], strategy="simple_one_for_one", max_restarts=5, period=5)
    supervisor = start_link(spec)
    print("{:ok, worker_sup} = Pooly.WorkerSupervisor.start_link({SampleWorker, :start_link, []})")
    start_worker(supervisor)
    print_children(supervisor)
    worker = start_worker(supervisor)
    regrow.monitor(worker)
    say("SampleWorker.stop(worker_pid)", worker.call(Atom("stop")))
    drill.settle(runtime)
    print_down()
    print_children(supervisor)  # the stopped one is permanent: another is there in its place


# ---- the lines of a table ----


def tables(runtime):
    for options, access in (("", "protected"), (":set", "protected"), (":set, :private", "private")):
        Table.new(access=access)
        print(f":ets.new(:mum_faves, [{options}])\n  #Reference")
    faves = Table.new(access="private", name="mum_faves")
    print(":ets.new(:mum_faves, [:set, :private, :named_table])\n  :mum_faves")

    for name, genre in (
        ("Bodyslam", "Rock"),
        ("Oat Pramote", "Pop"),
        ("GOT7", "Pop"),
        ("Silly fool", "Rock"),
        ("Potato", "Rock"),
    ):
        faves.insert((name, 2025, genre))
        say(f":ets.insert(:mum_faves, {show((name, 2025, genre))})", True)
    # A set has no order that one may rely on, so its objects are shown sorted.
    say(":ets.tab2list(:mum_faves)", sorted(faves.to_list()))
    faves.delete_key("GOT7")
    say(':ets.delete(:mum_faves, "GOT7")', True)
    say(':ets.lookup(:mum_faves, "Bodyslam")', faves.lookup("Bodyslam"))
    first, second = Atom("$1"), Atom("$2")
    for pattern in ((first, 2025, second), (second, 2025, first), (first, 2025, Atom("_"))):
        say(f":ets.match(:mum_faves, {show(pattern)})", sorted(faves.match(pattern)))

    def stranger():
        try:
            Table.whereis("mum_faves", runtime).lookup("Bodyslam")
        except regrow.AccessError as error:
            return drill.code(error)

    print(f"the same lookup by another process, since the table is private\n  {regrow.task(stranger).result()}")


# ---- monitor and flush ----


def monitor(runtime):
    def sleep_and_boom():
        regrow.sleep(2)
        raise regrow.Exit(Atom("boom"))

    regrow.monitor(runtime.spawn(sleep_and_boom))
    print("pid = spawn(fn -> :timer.sleep(2000); exit(:boom) end)\nref = Process.monitor(pid)")
    runtime.advance(1.999)
    print("flush() after 1999 ms")
    if regrow.flush():
        raise SystemExit("a message came too early")
    runtime.advance(0.001)
    print("flush() after 2000 ms")
    print_down()


with drill.begin() as runtime:
    print("-- a worker supervisor")
    workers(runtime)
    print("-- a table")
    tables(runtime)
    print("-- a monitor")
    monitor(runtime)
