"""The steps of scenarios on registries, tables, agents, groups and tasks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import regrow
from operations import Operations, true_or_badarg
from regrow import Address, Atom
from scenario import Line, reason, term

HANGING, LIMIT = 0.02, 1.0


class AllOperations(Operations):
    # ---- registries ----

    def op_reg_start(self, line: Line, name: str, keys: str) -> str:
        self.system.registries[name] = self.runtime.start(regrow.RegistrySpec(keys))
        return "ok"

    def do_reg_register(self, line: Line, name: str, key: str, value: str) -> str:
        return self.ok(lambda: self.system.registries[name].register(term(key), regrow.self_pid(), term(value)))

    def do_reg_unregister(self, line: Line, name: str, key: str) -> str:
        return self.ok(lambda: self.system.registries[name].unregister(term(key), regrow.self_pid()))

    def do_reg_unregister_match(self, line: Line, name: str, key: str, value: str) -> str:
        me = regrow.self_pid()
        return self.ok(lambda: self.system.registries[name].unregister_match(term(key), me, term(value)))

    def do_reg_update(self, line: Line, name: str, key: str, value: str) -> str:
        try:
            return f"ok {self.system.word(self.system.registries[name].update(term(key), lambda _: term(value)))}"
        except regrow.RegrowError:
            return "error"

    def op_reg_lookup(self, line: Line, name: str, key: str) -> str:
        entries = self.system.registries[name].lookup(term(key))
        shown = sorted(f"{self.system.label(pid)}/{self.system.word(value)}" for pid, value in entries)
        return " ".join(["entries", *shown])

    def op_reg_whereis(self, line: Line, name: str, key: str) -> str:
        try:
            return self.system.label(self.system.registries[name].whereis(term(key)))
        except regrow.NotFoundError:
            return "undefined"

    def op_reg_keys(self, line: Line, name: str, who: str) -> str:
        keys = self.system.registries[name].keys(self.pid(who))
        return " ".join(["keys", *sorted(map(self.system.word, keys))])

    def op_reg_count(self, line: Line, name: str) -> str:
        return str(self.system.registries[name].count())

    def op_reg_dispatch(self, line: Line, name: str, key: str, message: str) -> str:
        return self.ok(lambda: self.system.registries[name].dispatch(term(key), lambda pid, _: pid.send(term(message))))

    def op_reg_call(self, line: Line, name: str, key: str, request: str) -> str:
        target = Address(registry=self.system.registries[name], key=term(key))
        return self.answer(lambda: self.system.clock.call(target, request, LIMIT))

    # ---- tables: objects are pairs ----

    def table(self, name: str) -> regrow.Table:
        return self.system.tables[name][0] if name in self.system.tables else regrow.Table(0)

    def shown(self, act: Callable[[], Any], prefix: str = "") -> str:
        try:
            value = act()
        except regrow.RegrowError:
            return "error badarg"
        return prefix + ("end_of_table" if value == regrow.END_OF_TABLE else self.system.word(value))

    def objects(self, act: Callable[[], list[Any]], is_sorted: bool = False) -> str:
        try:
            shown = ["/".join(map(self.system.word, pair)) for pair in act()]
        except regrow.RegrowError:
            return "error badarg"
        return " ".join(["objects", *(sorted(shown) if is_sorted else shown)])

    def do_ets_new(self, line: Line, name: str, kind: str, access: str) -> str:
        heir = self.pid(line.options["heir"]) if "heir" in line.options else None
        try:
            table = regrow.Table.new(kind, access, name=name, heir=heir, heir_data=Atom("inherited"))
        except regrow.RegrowError:
            return "error badarg"
        self.system.tables[name] = table, kind
        return "ok"

    def both_ets_drop(self, line: Line, name: str) -> str:
        return true_or_badarg(self.table(name).delete)

    def both_ets_give(self, line: Line, name: str, who: str) -> str:
        pid = self.pid(who)
        return true_or_badarg(lambda: self.table(name).give_away(pid, Atom("given")))

    def both_ets_setopts(self, line: Line, name: str, who: str) -> str:
        pid = self.pid(who)
        return true_or_badarg(lambda: self.table(name).set_heir(pid, Atom("inherited")))

    def both_ets_size(self, line: Line, name: str) -> str:
        try:
            return str(self.table(name).size())
        except regrow.NoTableError:
            return "undefined"

    def both_ets_owner(self, line: Line, name: str) -> str:
        try:
            return self.system.word(self.table(name).info()[Atom("owner")])
        except regrow.NoTableError:
            return "undefined"

    def both_ets_insert(self, line: Line, name: str, key: str, value: str) -> str:
        return true_or_badarg(lambda: self.table(name).insert((term(key), term(value))))

    def both_ets_insert_new(self, line: Line, name: str, key: str, value: str) -> str:
        return self.shown(lambda: self.table(name).insert_new((term(key), term(value))))

    def both_ets_delete(self, line: Line, name: str, key: str) -> str:
        return true_or_badarg(lambda: self.table(name).delete_key(term(key)))

    def both_ets_delete_object(self, line: Line, name: str, key: str, value: str) -> str:
        return true_or_badarg(lambda: self.table(name).delete_object((term(key), term(value))))

    def both_ets_clear(self, line: Line, name: str) -> str:
        return true_or_badarg(self.table(name).clear)

    def both_ets_member(self, line: Line, name: str, key: str) -> str:
        return self.shown(lambda: self.table(name).member(term(key)))

    def both_ets_update(self, line: Line, name: str, key: str, value: str) -> str:
        return self.shown(lambda: self.table(name).update_element(term(key), (2, term(value))))

    def both_ets_lookup(self, line: Line, name: str, key: str) -> str:
        return self.objects(lambda: self.table(name).lookup(term(key)))

    def both_ets_take(self, line: Line, name: str, key: str) -> str:
        return self.objects(lambda: self.table(name).take(term(key)))

    def both_ets_lookup_element(self, line: Line, name: str, key: str) -> str:
        try:
            value = self.table(name).lookup_element(term(key), 2)
        except regrow.RegrowError:
            return "error badarg"
        if isinstance(value, list):
            return " ".join(["elements", *map(self.system.word, value)])
        return f"element {self.system.word(value)}"

    def both_ets_list(self, line: Line, name: str) -> str:
        kind = self.system.tables.get(name, (None, ""))[1]
        return self.objects(self.table(name).to_list, is_sorted=kind != "ordered_set")

    def both_ets_counter(self, line: Line, name: str, key: str, amount: str) -> str:
        options = line.options
        operation: Any = term(amount)
        if "threshold" in options and "setvalue" in options:
            operation = (2, operation, term(options["threshold"]), term(options["setvalue"]))
        fallback = (term(key), term(options["default"])) if "default" in options else None
        return self.shown(lambda: self.table(name).update_counter(term(key), operation, fallback))

    def both_ets_first(self, line: Line, name: str) -> str:
        return self.shown(self.table(name).first)

    def both_ets_last(self, line: Line, name: str) -> str:
        return self.shown(self.table(name).last)

    def both_ets_next(self, line: Line, name: str, key: str) -> str:
        return self.shown(lambda: self.table(name).next(term(key)))

    def both_ets_prev(self, line: Line, name: str, key: str) -> str:
        return self.shown(lambda: self.table(name).prev(term(key)))

    # ---- agents, whose state is a number ----

    def agent(self, id: str) -> regrow.Agent:
        return regrow.Agent(self.attempt(id).pid)

    def op_agent_start(self, line: Line, id: str, number: str) -> str:
        pid = self.runtime.start(regrow.AgentSpec(int(number)))
        attempt = self.system.begin(id, None, None, pid)
        self.system.watch(pid)
        attempt.came_up = True
        return f"ok {attempt.label}"

    def valued(self, act: Callable[[], Any]) -> str:
        try:
            return self.system.word(act())
        except regrow.RegrowError as error:
            return self.failure(error)

    def op_agent_get(self, line: Line, id: str) -> str:
        agent = self.agent(id)
        return self.valued(lambda: agent.get(timeout=None))

    def op_agent_add(self, line: Line, id: str, amount: str) -> str:
        agent = self.agent(id)
        return self.ok(lambda: agent.update(lambda n: n + int(amount), None))

    def op_agent_cast_add(self, line: Line, id: str, amount: str) -> str:
        self.agent(id).cast(lambda n: n + int(amount))
        return "ok"

    def op_agent_fetch_add(self, line: Line, id: str, amount: str) -> str:
        agent = self.agent(id)
        return self.valued(lambda: agent.get_and_update(lambda n: (n, n + int(amount)), None))

    def op_agent_crash(self, line: Line, id: str, why: str) -> str:
        agent = self.agent(id)

        def crash(state: Any) -> Any:
            raise regrow.Exit(reason(why))

        return self.ok(lambda: agent.update(crash, None))

    def op_agent_stop(self, line: Line, id: str, why: str) -> str:
        agent = self.agent(id)
        return self.ok(lambda: agent.stop(reason(why)))

    # ---- groups ----

    def do_join(self, line: Line, group: str) -> str:
        return self.ok(lambda: self.system.pubsub().join(term(group)))

    def do_leave(self, line: Line, group: str) -> str:
        try:
            self.system.pubsub().leave(term(group))
            return "ok"
        except regrow.NotFoundError:
            return "not_joined"

    def op_members(self, line: Line, group: str) -> str:
        return " ".join(["members", *sorted(map(self.system.label, self.system.pubsub().members(term(group))))])

    def op_publish(self, line: Line, group: str, message: str) -> str:
        return str(self.system.pubsub().publish(term(group), term(message)))

    # ---- tasks ----

    def work(self, id: str, behaviour: str, owner: regrow.Pid | None) -> Any:
        """What a task does. Its owner, if told, hears that it hangs."""
        attempt = self.system.begin(id, None, None, regrow.self_pid())
        self.system.watch(attempt.pid)
        attempt.came_up = True
        kind, _, what = behaviour.partition(":")
        if kind == "ret":
            return term(what)
        if kind == "exit":
            raise regrow.Exit(reason(what))
        if kind == "traphang":
            regrow.trap_exit()
        if owner:
            owner.send((Atom("hangs"), attempt.pid))
        while True:
            regrow.receive()

    def limit(self, behaviour: str) -> float:
        return HANGING if behaviour in ("hang", "traphang") else LIMIT

    def task_end(self, wait: Callable[[], Any], is_await: bool = False) -> str:
        try:
            return f"ok {self.system.word(wait())}"
        except regrow.ExitedError as error:
            return f"exit {self.system.word(error.reason)}"
        except regrow.TimeoutError:
            return "exit timeout" if is_await else "nil"
        except regrow.NotFoundError:
            return "nil"

    def task(self, id: str, behaviour: str, owner: regrow.Pid | None = None) -> regrow.Task:
        task = regrow.task(self.work, id, behaviour, owner)
        self.system.mark("task", task.ref)
        return task

    def do_task_await(self, line: Line, id: str, behaviour: str) -> str:
        task = self.task(id, behaviour)
        return self.task_end(lambda: task.result(self.limit(behaviour)), is_await=True)

    def do_task_yield(self, line: Line, id: str, behaviour: str) -> str:
        task = self.task(id, behaviour)
        return self.task_end(lambda: task.poll(self.limit(behaviour)))

    def do_task_shutdown(self, line: Line, id: str, behaviour: str) -> str:
        return self.task_ended(id, behaviour, self.limit(behaviour))

    def do_task_kill(self, line: Line, id: str, behaviour: str) -> str:
        return self.task_ended(id, behaviour, "brutal_kill")

    def task_ended(self, id: str, behaviour: str, limit: float | str) -> str:
        task = self.task(id, behaviour, regrow.self_pid())
        # Until it has ended, or hangs.
        ref = regrow.monitor(task.pid)
        hangs = (Atom("hangs"), task.pid)
        regrow.receive(None, lambda message: message == hangs or message[:2] == (Atom("DOWN"), ref))
        regrow.demonitor(ref, flush=True)
        return self.task_end(lambda: task.shutdown(limit))

    def do_task_nolink(self, line: Line, id: str, behaviour: str) -> str:
        supervisor = self.runtime.start(regrow.TaskSupervisorSpec())
        task = supervisor.task(self.work, id, behaviour, None, linked=False)
        self.system.mark("task", task.ref)
        result = self.task_end(lambda: task.poll(self.limit(behaviour)))
        supervisor.exit(regrow.KILL)
        return result
