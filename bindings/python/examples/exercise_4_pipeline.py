"""Exercise 4: a pipeline whose stages depend on the ones before, so rest_for_one: whoever crashes takes along what
comes after it.

    Pipeline             supervisor, rest_for_one
    |- input             5 becomes {validated, 5}
    |- process           {validated, 5} becomes {processed, 10}
    `- output            prints it
"""

import drill
import regrow
from regrow import Address, Atom, ServerSpec, SupervisorSpec

STAGES = ("input", "process", "output")


class Stage(regrow.Server):
    """Its argument is its place among the stages."""

    def init(self, place):
        self.name = STAGES[place]
        self.downstream = STAGES[place + 1] if place + 1 < len(STAGES) else None
        print(f"   stage {self.name} started (upstream: {STAGES[place - 1] if place else 'none'})")

    def handle_cast(self, data):
        """A stage that cannot hand on crashes: the supervisor knows what to do about it."""
        print(f"   {self.name} is processing: {regrow.show(data)}")
        result = getattr(self, self.name)(data)
        if self.downstream:
            submit(self.downstream, result)

    def input(self, data):
        return Atom("validated"), data

    def process(self, data):
        _validated, number = data
        return Atom("processed"), 2 * number

    def output(self, data):
        _processed, number = data
        print(f"   Output: {number}")


def submit(stage, data):
    Address(stage, runtime, wait=1).cast(data)


def start_pipeline(ids):
    """`ids` are what the stages go by under their supervisor."""
    stages = [ServerSpec(Stage, place, id=Atom(id), name=STAGES[place]) for place, id in enumerate(ids)]
    runtime.start_child(SupervisorSpec(stages, strategy="rest_for_one", id="Pipeline"))


def kill_stage(name):
    before = [runtime.whereis(stage) for stage in STAGES]
    print(f"{name} is killed.")
    drill.kill(runtime.whereis(name))
    drill.settle(runtime)
    for stage, old in zip(STAGES, before):
        print(f"   {stage}: {'as before' if runtime.whereis(stage) == old else 'new'}")


def submit_and_wait(number):
    print(f"{number} is submitted.")
    submit("input", number)
    drill.settle(runtime)


with drill.begin() as runtime:
    print("Three stages of one id are refused.")
    try:
        start_pipeline(("Stage", "Stage", "Stage"))
    except regrow.StartError as error:
        print(f"   {drill.code(error)}: {regrow.show(error.reason)}")

    print("Each has an id of its own.")
    start_pipeline(STAGES)
    submit_and_wait(5)
    for name in ("process", "output", "input"):
        kill_stage(name)
    submit_and_wait(21)
