"""The workloads and their sizes, and the rows of the table: which number of which line of JSON each is.

A workload is what a program runs; README.md says what it times. It gives one line or more, each with several numbers."""
from dataclasses import dataclass, field

# The sizes of `make bench`: what keeps a whole run under a quarter of an hour, and the slow peers under seconds each.
WORKLOADS = {
    "pingpong": 500_000, "counting": 2_000_000, "fanin": 200_000, "threadring": 500_000, "big": 2000, "chameneos": 200_000,
    "large_list": 100_000, "large_list_copy": 20_000, "large_bin": 200_000,
    "call_actor": 200_000, "call_thread": 50_000,
    "spawn": 200_000, "idle": 100_000, "restart": 5000, "dynsup": 20_000,
    "registry": 300_000, "reg_ets": 300_000, "reg_whereis": 300_000,
    "table_set": 300_000, "table_set_conc": 300_000, "table_ordered": 300_000, "table_ordered_conc": 300_000,
    "table_select": 100_000,
    "timers": 300_000, "agent": 100_000, "task": 100_000,
}

# Smaller ones, (program, workload): where the full one would run for a minute (a cross-thread wake for each message, or a
# spawn that gets slower with the number alive), or where a peer copies what others pass on.
SIZES = {
    ("actix2", "pingpong"): 50_000, ("actix2", "call_actor"): 50_000, ("actix2", "threadring"): 100_000,
    ("actix2", "large_list"): 20_000, ("actix2", "large_bin"): 30_000,
    ("caf", "spawn"): 100_000, ("caf1", "spawn"): 100_000, ("caf", "call_thread"): 10_000, ("caf1", "call_thread"): 20_000,
    ("caf", "timers"): 100_000,
    ("erlang", "large_list"): 10_000, ("erlang1", "large_list"): 10_000,
}

# Seconds go by in it whoever runs it: each family once. Not actix: it takes minutes for as many, and a cancel there is only
# noted, to be carried out at some other time.
ONCE = {"timers": {"erlang", "ractor", "kameo", "caf", "go"}}

# What regrow's program is asked for: {variant: workload}. `_inline`: servers that may run on their caller's thread.
# Its tables have one design, so the rows of `_conc` are the peers' alone; and it has one registry.
REGROW = {each: {"": each} for each in WORKLOADS if each not in ("reg_ets", "reg_whereis")}
REGROW["call_actor"]["_inline"] = "call_actor"
REGROW["call_thread"] = {"": "call_thread_queued", "_inline": "call_thread"}
REGROW["agent"]["_inline"] = "agent"
for each in ("table_set_conc", "table_ordered_conc"):
    del REGROW[each]


@dataclass
class Row:
    group: str
    title: str
    line: str  # the `workload` of the lines of JSON, as most have it
    key: str = "per_sec"
    unit: str = ""  # of a number that is no rate: less of it is better
    scale: float = 1  # what the number is multiplied with to be in that unit
    inline: bool = False  # regrow's number is that of its `_inline` variant
    regrow: tuple = ()  # (line, key) of regrow, where they are not the row's
    peers: dict = field(default_factory=dict)  # family: [(line, key), ...], where they are not the row's; the better counts

    def sources(self, family):
        if family == "regrow" and self.regrow:
            return [self.regrow]
        return self.peers.get(family, [(self.line, self.key)])

    @property
    def less_is_better(self):
        return bool(self.unit)


def _table_rows(group, line):
    rows = []
    for title, key in (("lookup", "lookup"), ("insert over what is there", "insert"), ("update a counter", "counter")):
        for threads in (1, 2):
            name = f"{key}{threads}_per_sec"
            rows.append(Row(group, f"{title}, {threads} thread{'s' * (threads > 1)}", line, name,
                            peers={"erlang": [(line, name), (f"{line}_conc", name)]}))
    return rows


def _names(title, key, of):
    """Registries: Erlang's is a table of ETS; `integer` keys, or what a peer has of the kind."""
    return Row("Registry, 100,000 names", title, "registry", key, peers=of)


ROWS = [
    Row("Messages", "ping-pong, round trips", "pingpong"),
    Row("Messages", "counting, one to one", "counting"),
    Row("Messages", "fan-in, eight to one", "fanin"),
    Row("Messages", "threadring, hops", "threadring"),
    Row("Messages", "big, 120 all to all, pings", "big"),
    Row("Messages", "chameneos, meetings", "chameneos"),
    Row("Messages", "a structure of 4096 integers, to and fro", "large_list"),
    Row("Messages", "32 KiB, copied at each hop", "large_list_copy"),
    Row("Messages", "64 KiB of bytes, to and fro", "large_bin"),
    Row("Calls", "from a process", "call_actor"),
    Row("Calls", "from a process, inline", "call_actor", inline=True),
    Row("Calls", "from a process, p50 (ns)", "call_actor", "p50_ns", "ns"),
    Row("Calls", "from a process, inline, p50 (ns)", "call_actor", "p50_ns", "ns", inline=True),
    Row("Calls", "from a thread outside", "call_thread", regrow=("call_thread_queued", "per_sec")),
    Row("Calls", "from a thread outside, inline", "call_thread", inline=True),
    Row("Calls", "from a thread outside, p50 (ns)", "call_thread", "p50_ns", "ns", regrow=("call_thread_queued", "p50_ns")),
    Row("Calls", "from a thread outside, inline, p50 (ns)", "call_thread", "p50_ns", "ns", inline=True),
    Row("Lives", "spawn, one message, exit", "spawn"),
    Row("Lives", "spawn, 100,000 that stay", "idle"),
    Row("Lives", "idle process (bytes)", "idle", "bytes_per_actor", "bytes"),
    # actix starts those again who stopped; a crash takes its thread.
    Row("Lives", "crash to the next answer, p50 (µs)", "restart", "p50_us", "µs", peers={"actix": []}),
    Row("Lives", "crash to the next answer, p99 (µs)", "restart", "p99_us", "µs", peers={"actix": []}),
    Row("Lives", "dynamic supervisor, children started and stopped", "dynsup"),
    _names("lookup, text key, 1 thread", "lookup1_per_sec", {
        "erlang": [("reg_ets", "lookup1_per_sec")],
        "elixir": [("registry", "lookup1_per_sec"), ("registry", "whereis1_per_sec")], "caf": []}),
    _names("lookup, text key, 2 threads", "lookup2_per_sec", {"erlang": [("reg_ets", "lookup2_per_sec")], "caf": []}),
    Row("Registry, 100,000 names", "lookup, integer or atom, 1 thread", "registry", "integer1_per_sec",
        peers={"erlang": [("reg_whereis", "lookup1_per_sec")], "caf": [("registry", "lookup1_per_sec")]}),
    Row("Registry, 100,000 names", "lookup, integer or atom, 2 threads", "registry", "integer2_per_sec",
        peers={"erlang": [("reg_whereis", "lookup2_per_sec")], "caf": [("registry", "lookup2_per_sec")]}),
    _names("register", "register_per_sec", {"erlang": [("reg_ets", "register_per_sec")], "caf": []}),
    _names("unregister and register", "reg_unreg_per_sec", {"erlang": [("reg_ets", "reg_unreg_per_sec")], "caf": []}),
    *_table_rows("Table, a set of 100,000", "table_set"),
    *_table_rows("Table, an ordered set of 100,000", "table_ordered"),
    Row("Tables, all rows looked at", "select over a set, rows", "table_select"),
    Row("Tables, all rows looked at", "select over an ordered set, rows", "table_select_ordered"),
    Row("Tables, all rows looked at", "count over a set, rows", "table_select", "count_rows_per_sec"),
    Row("Tables, all rows looked at", "count over an ordered set, rows", "table_select_ordered", "count_rows_per_sec"),
    Row("Timers", "start", "timers", "start_per_sec"),
    Row("Timers", "cancel", "timers", "cancel_per_sec"),
    Row("Timers", "lateness, p99 (ms)", "timers", "late_p99_us", "ms", 1e-3),
    Row("Agents", "get", "agent_get"),
    Row("Agents", "get, inline", "agent_get", inline=True),
    Row("Agents", "update", "agent_update"),
    Row("Agents", "update, inline", "agent_update", inline=True),
    Row("Agents", "get and update", "agent_get_and_update"),
    Row("Agents", "get and update, inline", "agent_get_and_update", inline=True),
    Row("Agents", "get, by four at once", "agent_get", "clients4_per_sec"),
    Row("Tasks", "started and awaited, by one", "task"),
    Row("Tasks", "started and awaited, by four at once", "task", "owners4_per_sec"),
    Row("Tasks", "a stream, eight at a time", "task", "stream_per_sec"),
]
