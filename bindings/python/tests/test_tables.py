"""Tables, as ETS has them."""

from pathlib import Path
from typing import Any

import pytest
import regrow
from regrow import END_OF_TABLE, Atom, Table


def test_objects_by_key(process: regrow.Pid) -> None:
    table = Table.new()
    table.insert([("a", 1), ("b", 2)])
    table.insert(("a", 3))
    assert table.lookup("a") == [("a", 3)] and table.get("b") == ("b", 2) and table.lookup("c") == []
    assert len(table) == 2 and table.size() == 2 and table.member("a") and not table.member(b"c")
    assert table.insert_new(("a", 9)) is False and table.insert_new(("c", [None])) is True
    assert table.lookup_element("c", 2) == [None] and table.take("c") == [("c", [None])]
    assert table.update_counter("a", 5) == 8 and table.update_counter("n", (2, 1), ("n", 0)) == 1
    assert table.update_counter("a", [(2, 1), (2, 1, 5, 0)]) == [9, 0]
    assert table.update_element("a", (2, "x")) is True and table.update_element("z", (2, "x")) is False
    table.delete_object(("a", "x"))
    table.delete_key("n")
    assert table.to_list() == [("b", 2)]
    table.clear()
    with pytest.raises(regrow.NotFoundError):
        table.get("b")
    with pytest.raises(regrow.ArgumentError):
        table.insert(1)  # type: ignore[arg-type]
    with pytest.raises(regrow.NotFoundError):
        table.update_counter("none", 1)


def test_each_kind_keeps_what_ets_keeps(process: regrow.Pid) -> None:
    objects: list[Any] = [(1, "a"), (1, "b"), (1, "b"), (1.0, "c")]
    sizes = {}
    for kind in ("set", "ordered_set", "bag", "duplicate_bag"):
        table = Table.new(kind)
        table.insert(objects)
        sizes[kind] = len(table)
    assert sizes == {"set": 2, "ordered_set": 1, "bag": 3, "duplicate_bag": 4}


def test_a_table_is_walked_and_selected_from(process: regrow.Pid) -> None:
    table = Table.new("ordered_set")
    table.insert([(number, number % 3) for number in range(20)])
    assert table.first() == 0 and table.last() == 19 and table.next(4) == 5 and table.prev(0) == END_OF_TABLE
    any_, one, two = Atom("_"), Atom("$1"), Atom("$2")
    assert table.match((one, 2)) == [[n] for n in range(2, 20, 3)]
    assert table.match_object((5, any_)) == [(5, 2)]
    spec = [((one, two), [(Atom("=:="), two, 0)], [one])]
    assert table.select(spec) == list(range(0, 20, 3)) and table.select_reverse(spec)[0] == 18
    assert list(table.select_parts(spec, 3)) == [[0, 3, 6], [9, 12, 15], [18]]
    assert list(table.select_parts(spec, 100, reverse=True)) == [list(range(18, -1, -3))]
    assert table.select_count([((one, 0), [], [True])]) == 7
    assert table.select_delete([((one, 0), [], [True])]) == 7 and table.match_delete((any_, 1)) == 7
    assert table.select_replace([((one, 2), [], [((one, "two"),)])]) == 6
    assert table.get(2) == (2, "two")
    table.fix()
    table.fix(False)
    with pytest.raises(regrow.ArgumentError) as raised:
        table.select([(1, 2)])
    assert raised.value.text


def test_who_owns_a_table_and_who_may(runtime: regrow.Runtime, process: regrow.Pid) -> None:
    def owner() -> None:
        table = Table.new("bag", "private", name="mine", heir=process, heir_data="yours")
        process.send(table)
        regrow.receive()

    pid = runtime.spawn(owner)
    table = regrow.receive(30)
    assert isinstance(table, Table) and table == Table.whereis("mine", runtime)
    with pytest.raises(regrow.AccessError):
        table.insert((1,))
    assert table.info()[Atom("owner")] == pid
    pid.send("go")
    assert regrow.receive(30) == (Atom("ETS-TRANSFER"), table, pid, "yours")
    table.insert((1,))
    table.rename("ours")
    other = runtime.start(regrow.AgentSpec(0))
    table.set_heir(None)
    table.give_away(other, [1])
    other.exit(regrow.KILL)
    runtime.settle()
    with pytest.raises(regrow.NoTableError):
        table.size()
    gone = Table.new()
    gone.delete()
    with pytest.raises(regrow.NoTableError):
        gone.lookup(1)
    assert bool(gone)


def test_what_a_pattern_matches_comes_in_parts(process: regrow.Pid) -> None:
    table = Table.new("ordered_set", "public")
    table.insert([(n, n % 2) for n in range(10)])
    even = (Atom("$1"), 0)
    assert list(table.match_parts(even, 2)) == [[[0], [2]], [[4], [6]], [[8]]]
    assert list(table.match_object_parts(even, 3)) == [[(0, 0), (2, 0), (4, 0)], [(6, 0), (8, 0)]]
    assert list(table.match_parts(("none", 1), 3)) == [] == list(table.match_object_parts(("none", 1), 3))
    parts = table.match_object_parts((Atom("_"), Atom("_")), 4)
    assert next(parts) == [(n, n % 2) for n in range(4)]
    table.delete()
    with pytest.raises(regrow.NoTableError):
        next(parts)
    with pytest.raises(regrow.NoTableError):
        table.match_parts(even, 2)
    for begin in (Table.new().match_parts, Table.new().match_object_parts):
        with pytest.raises(regrow.ArgumentError):
            begin(even, 0)
        with pytest.raises(TypeError):
            begin(even, "2")  # type: ignore[arg-type]


def test_a_table_comes_back_from_its_file(process: regrow.Pid, tmp_path: Path) -> None:
    table = Table.new("ordered_set", "public", name="kept")
    table.insert([(n, "x" * n) for n in range(100)])
    path = tmp_path / "table"
    table.to_file(path)
    objects = table.to_list()
    with pytest.raises(regrow.ExistsError):
        Table.from_file(path)
    table.delete()
    assert Table.from_file(path).to_list() == objects
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(regrow.FileError):
        Table.from_file(path)
    with pytest.raises(OSError):
        Table.from_file(tmp_path / "none")
