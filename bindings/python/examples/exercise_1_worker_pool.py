"""Exercise 1: a pool of workers, and three ways to choose one.

    WorkerPool           supervisor, one_for_one
    |- Registry          where worker N is: {worker, N}
    `- PoolSupervisor    partition supervisor
       `- 1, ... 5       servers

The exercise chooses by phash2(Task, 5) and calls that round robin, which it is not. A partition supervisor leads from a
key to a worker in just that way. The other two ways go by the registry.
"""

import drill
import regrow
from regrow import Address, Atom, PartitionSupervisorSpec, Registry, RegistrySpec, ServerSpec, SupervisorSpec

WORKERS = range(1, 6)
TASKS = range(1, 21)
STEP = 0.05


class PoolWorker(regrow.Server):
    def init(self, arg):
        (partition,) = arg  # its number, which begins at 0
        self.id = partition + 1
        self.tasks_processed = 0
        Registry(runtime.whereis("Registry")).register((Atom("worker"), self.id))
        print(f"   worker {self.id} started")

    def handle_call(self, request):
        """Seconds to work for are answered with the worker's number, `count` with how many tasks it has processed."""
        if request == Atom("count"):
            return self.tasks_processed
        regrow.sleep(request)
        self.tasks_processed += 1
        return self.id


def worker(number, wait=1):
    """Whoever is worker N; waits for one that is being started again."""
    return Address(runtime=runtime, registry="Registry", key=(Atom("worker"), number), wait=wait)


def choose(way, task, busy):
    """A worker's number; None: wherever the hash leads. Of the tasks on their way it is told who has them."""
    if way == "hash":
        return None
    if way == "round robin":
        return (task - 1) % len(WORKERS) + 1
    return min(WORKERS, key=busy.count)


class Run:
    """Twenty tasks. `calls` are those without an outcome, each with who was to do it."""

    def __init__(self, way):
        self.way = way
        self.began = drill.milliseconds(runtime)
        self.calls = {}
        self.answered = {}

    def submit(self, task):
        number = choose(self.way, task, [to for to, _ in self.calls.values()])
        if number is None:
            address = Address(runtime=runtime, registry="PoolSupervisor", key=f"task_{task}", wait=1)
        else:
            address = worker(number)
        self.call(task, number, address, 0.1)

    def call(self, task, number, address, seconds):
        self.calls[task] = number, address.call_async(seconds, None)
        drill.settle(runtime)  # it is in the worker's queue: tasks come in the order in which they are submitted

    def collect(self):
        """Takes the outcomes that are there."""
        for task, (_, request) in list(self.calls.items()):
            if request.done():
                del self.calls[task]
                try:
                    self.answered[task] = request.result()
                except regrow.ExitedError as error:
                    print(f"   task {task} is lost: {regrow.show(error.reason)}")

    def finish(self, kill_at=None):
        """At so many milliseconds worker 3 is killed."""
        while self.calls:
            runtime.advance(STEP)
            if drill.milliseconds(runtime) - self.began == kill_at:
                drill.kill(worker(3).whereis())
                drill.settle(runtime)
            self.collect()
        self.answered.pop("long", None)
        by_worker = "".join(f" {list(self.answered.values()).count(number)}" for number in WORKERS)
        took = drill.milliseconds(runtime) - self.began
        print(f"   {self.way}: {took} ms; tasks answered by worker:{by_worker}")


def run_at_once(way, kill_at=None):
    run = Run(way)
    for task in TASKS:
        run.submit(task)
    run.finish(kill_at)
    return run


def run_beside_a_long_one(way):
    """A task every 50 ms, while worker 1 is at one that takes a second."""
    run = Run(way)
    run.call("long", 1, worker(1), 1.0)
    for task in TASKS:
        run.submit(task)
        runtime.advance(STEP)
        run.collect()
    run.finish()


def print_counters():
    counts = "".join(f" {worker(number).call(Atom('count'))}" for number in WORKERS)
    print(f"   tasks processed, as the workers count:{counts}")


with drill.begin() as runtime:
    print("Five workers.")
    pool = PartitionSupervisorSpec(ServerSpec(PoolWorker), partitions=5, with_number=True, name="PoolSupervisor")
    runtime.start_child(SupervisorSpec([RegistrySpec(name="Registry"), pool], name="WorkerPool"))

    print("20 tasks of 100 ms at once, by the hash of the task, which is even only in the long run:")
    run = run_at_once("hash")
    print("   by task:" + "".join(f" {run.answered[task]}" for task in TASKS))

    print("In turn, and to whoever has least to do, which is the same here:")
    run_at_once("round robin")
    run_at_once("least loaded")

    print("A task every 50 ms, while worker 1 is at one of 1000 ms:")
    run_beside_a_long_one("round robin")
    run_beside_a_long_one("least loaded")
    print_counters()

    print("Worker 3 is killed after 150 ms. What it was at is lost; what waited for it goes to the next one:")
    run_at_once("round robin", 150)
    print_counters()
