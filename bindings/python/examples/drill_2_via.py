"""Drill 2: workers are reached by a registry and a key, whichever process that is at the moment."""

import drill
import regrow
from regrow import Address, Atom, RegistrySpec, ServerSpec, SupervisorSpec


class TaskWorker(regrow.Server):
    def init(self, worker_id):
        self.id = worker_id
        self.tasks_completed = 0
        self.current_task = ""

    def handle_call(self, request):
        return self.id, self.tasks_completed, self.current_task

    def handle_cast(self, task):
        self.tasks_completed += 1
        self.current_task = task
        print(f"   worker {self.id} is processing: {task}")

    # Its functions, which take an id. The address waits while a worker is started again.

    @staticmethod
    def address(worker_id):
        return Address(runtime=runtime, registry="WorkerRegistry", key=(Atom("task_worker"), worker_id), wait=1)

    @classmethod
    def process_task(cls, worker_id, task):
        cls.address(worker_id).cast(task)
        drill.settle(runtime)  # so that the lines of several workers come in order

    @classmethod
    def print_status(cls, worker_id):
        number, completed, task = cls.address(worker_id).call("status")
        print(f'   worker {number}: {completed} tasks completed, at "{task}"')

    @classmethod
    def child(cls, name, worker_id):
        return ServerSpec(cls, worker_id, id=name, via=cls.address(worker_id))


with drill.begin() as runtime:
    print("1. The registry, and three workers.")
    workers = [TaskWorker.child(f"worker {worker_id}", worker_id) for worker_id in (1, 2, 3)]
    system = runtime.start_child(SupervisorSpec([RegistrySpec(name="WorkerRegistry"), *workers]))

    print("2. Tasks go to ids.")
    TaskWorker.process_task(1, "read")
    TaskWorker.process_task(2, "write")
    TaskWorker.process_task(2, "sum up")
    TaskWorker.process_task(3, "tidy")

    print("3. So do questions.")
    for worker_id in (1, 2, 3):
        TaskWorker.print_status(worker_id)

    print("4. Worker 2 is killed, and its supervisor starts another.")
    before = TaskWorker.address(2).whereis()
    drill.kill(before)
    print(f"   the same id, a new pid: {drill.yes_or_no(TaskWorker.address(2).whereis() != before)}")
    TaskWorker.print_status(2)
    TaskWorker.process_task(2, "write again")
    TaskWorker.print_status(2)

    print("5. A second worker 1.")
    try:
        system.start_child(TaskWorker.child("another worker 1", 1))
    except regrow.ExistsError as error:
        what, other = error.reason
        print(
            f"   {drill.code(error)}, {{already_started, Pid}}: {drill.yes_or_no(what == Atom('already_started'))};"
            f" Pid is the first: {drill.yes_or_no(other == TaskWorker.address(1).whereis())}"
        )
    TaskWorker.print_status(1)
