"""Drill 7: which errors are answered, and which are a reason to crash.

The kernel keeps what must not be lost, so it catches whatever a request may do: the state before it is still there. The
worker keeps nothing that is dear, so it expects what is to be expected and crashes over the rest.
"""

import os
import tempfile

import drill
import regrow
from regrow import Atom, Exit, ServerSpec, SupervisorSpec


class ErrorKernel(regrow.Server):
    def init(self, _):
        self.stock = 100  # critical data

    def handle_call(self, request):
        if request == Atom("stock"):
            return self.stock
        try:
            self.stock = self.process(request)
        except Exception:
            return Atom("error"), Atom("processing_failed")
        return Atom("ok"), self.stock

    def process(self, request):
        """What is left. Any other request is not expected, and a crash."""
        take, number = request
        if take != Atom("take") or number > self.stock:
            raise ValueError(request)
        return self.stock - number


class NormalWorker(regrow.Server):
    def handle_call(self, request):
        what, *args = request
        return self.divide(*args) if what == Atom("divide") else self.read_file(*args)

    def divide(self, a, b):
        try:
            return a // b
        except ZeroDivisionError:
            # Uncaught it would be the reason too, with its traceback; this is what Erlang calls it.
            raise Exit(Atom("badarith")) from None

    def read_file(self, path):
        try:
            with open(path, encoding="utf-8") as file:
                return Atom("ok"), file.read()
        except FileNotFoundError:
            return Atom("error"), Atom("not_found")
        except IsADirectoryError:
            # Whatever else can be wrong with a file is a crash; so is this, by the name that the drill has for it.
            raise Exit((Atom("read_file"), Atom("eisdir"))) from None


def ask(name, what, request):
    before = runtime.whereis(name)
    try:
        reply = before.call(request)
        text = isinstance(reply, tuple) and isinstance(reply[1], str)
        said = f'{{ok,"{reply[1]}"}}' if text else regrow.show(reply)
    except regrow.ExitedError as error:
        said = f"{drill.code(error)}, {regrow.show(error.reason)}"
    drill.settle(runtime)
    again = "" if runtime.whereis(name) == before else "; there is a new one"
    print(f"   {what:<22} {said}{again}")


with drill.begin() as runtime:
    children = [ServerSpec(ErrorKernel, name="kernel"), ServerSpec(NormalWorker, name="worker")]
    runtime.start_child(SupervisorSpec(children))

    print("The error kernel answers an error, and keeps its state.")
    ask("kernel", "take 30", (Atom("take"), 30))
    ask("kernel", "take 1000", (Atom("take"), 1000))
    ask("kernel", "what is that", Atom("rubbish"))
    ask("kernel", "the stock", Atom("stock"))
    ask("kernel", "take 70", (Atom("take"), 70))

    print("The worker crashes, and the supervisor starts another.")
    ask("worker", "7 by 2", (Atom("divide"), 7, 2))
    ask("worker", "7 by 0", (Atom("divide"), 7, 0))
    ask("worker", "8 by 2", (Atom("divide"), 8, 2))

    print("That a file is not there is to be expected; that it is a folder is not.")
    with tempfile.NamedTemporaryFile("w", delete=False) as file:
        file.write("hello")
    ask("worker", "a file", (Atom("read_file"), file.name))
    os.unlink(file.name)
    ask("worker", "the same, deleted", (Atom("read_file"), file.name))
    ask("worker", "a folder", (Atom("read_file"), "/"))
    ask("worker", "9 by 3", (Atom("divide"), 9, 3))
