"""Exercise 3: a pool of database connections, each in the hands of a worker that may crash.

    DatabaseSystem       supervisor, one_for_one
    |- Registry          where worker N is: {db_worker, N}
    `- DatabasePool      partition supervisor: a query leads to the worker phash2(Query, 3)
       `- 1, 2, 3        servers

A query asks for whoever is there now, and waits while that is nobody: a restart is none of its business.
"""

from collections import Counter

import drill
import regrow
from regrow import Address, Atom, Exit, PartitionSupervisorSpec, Registry, RegistrySpec, ServerSpec, SupervisorSpec

USERS = "SELECT * FROM users"
POSTS = "SELECT * FROM posts"
QUERY = 0.05

#: How many connections each worker has had, over all its lives.
connections = Counter()


class DatabaseWorker(regrow.Server):
    def init(self, arg):
        (partition,) = arg  # its number, which begins at 0
        self.id = partition + 1
        self.query_count = 0
        connections[self.id] += 1
        self.connection = connections[self.id]
        Registry(runtime.whereis("Registry")).register((Atom("db_worker"), self.id))
        print(f"   db worker {self.id} is connecting")

    def handle_call(self, sql):
        """One that fails is the end of the worker."""
        regrow.sleep(QUERY)
        if not sql.startswith("SELECT "):
            raise Exit(Atom("syntax_error"))
        self.query_count += 1
        return f"Result for: {sql}", self.id, self.connection, self.query_count


def send_query(sql):
    """It goes on by itself while the main thread moves the clock."""
    request = Address(runtime=runtime, registry="DatabasePool", key=sql, wait=1).call_async(sql, None)
    drill.settle(runtime)
    return request


def finish(request):
    """Lets time go on until there is an outcome: what to say of it, and whether it is an answer."""
    while not request.done():
        runtime.advance(QUERY)
    try:
        return True, "{} (worker {}, its connection {}, query {})".format(*request.result())
    except regrow.ExitedError as error:
        return False, f"the worker ended, {regrow.show(error.reason)}"


def print_outcome(sql, request):
    answered, said = finish(request)
    print(f"   {said}" if answered else f"   {sql}: {said}")


def query(sql):
    print_outcome(sql, send_query(sql))


def kill_worker(number):
    drill.kill(Address(runtime=runtime, registry="Registry", key=(Atom("db_worker"), number)).whereis())


with drill.begin() as runtime:
    print("1. Three workers, each with its connection.")
    pool = PartitionSupervisorSpec(ServerSpec(DatabaseWorker), partitions=3, with_number=True, name="DatabasePool")
    runtime.start_child(SupervisorSpec([RegistrySpec(name="Registry"), pool], name="DatabaseSystem"))
    query(USERS)
    query(POSTS)

    print("2. {db_worker, 2} is killed. Queries go on, also the next one to it, over a fresh connection.")
    kill_worker(2)
    query(USERS)
    query(POSTS)

    print("3. A query that fails is its worker's end, and nobody else's.")
    query("DROP EVERYTHING")
    query(USERS)
    query(POSTS)

    print("4. What a worker was at when it was killed is lost; it may have had its effect. What waited is not.")
    runtime.advance(10)  # the restarts until now do not count any more
    first, second = send_query(USERS), send_query(USERS)
    runtime.advance(QUERY / 2)
    kill_worker(2)
    drill.settle(runtime)
    print_outcome(USERS, first)
    print_outcome(USERS, second)

    print("5. Four kills within five seconds are the pool's end too, and the system starts another.")
    runtime.advance(10)
    before = runtime.whereis("DatabasePool")
    outcomes = []
    for _ in range(4):
        kill_worker(2)
        answered, _said = finish(send_query(USERS))
        outcomes.append(answered)
    new = drill.yes_or_no(runtime.whereis("DatabasePool") != before)
    print(f"   a new pool: {new}; queries: {outcomes.count(True)} answered, {outcomes.count(False)} errors")
