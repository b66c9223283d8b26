"""What a Python value is as a term, and back."""

import enum
import random
import typing

import pytest
import regrow
from regrow import Atom, ImproperList, Map, Object, Opaque, TermError, decode, encode, equal, terms


def back(value: object) -> object:
    """A value as a term, and out of it again."""
    return terms.taken(regrow._ffi.new("regrow_term *", terms.moved(value)))


@pytest.mark.parametrize(
    "value",
    [
        0, 1, -1, 2**63 - 1, -(2**63), 2**63, -(2**63) - 1, 10**400, -(10**400), 0.0, -0.5, 1e308, "", "text", "käse",
        "a\0b", b"\xff", b"\x80" * 200, True, False, None, Atom("ok"), Atom("käse"), Atom(""), (), (1,), (1, (2, ())),
        [], [1], [[], [[]]], {}, {"a": 1, Atom("b"): [2]}, {(1, "x"): {}}, ImproperList([1, 2], 3),
        Map([([1], 1), (1, 2)]), Map([(1, "int"), (1.0, "float")]),
    ],
)  # fmt: skip
def test_a_value_comes_back_as_it_was(value: object) -> None:
    got = back(value)
    assert got == value and type(got) is type(value)


def test_bytes_that_are_utf8_come_back_as_text_and_are_the_same_term() -> None:
    assert back(b"abc") == "abc"
    assert equal(b"abc", "abc") and not equal("abc", Atom("abc"))
    assert regrow.as_bytes("käse") == "käse".encode() and regrow.as_bytes(b"\xff") == b"\xff"
    assert back(bytearray(b"\xff\0")) == b"\xff\0" and back(memoryview(b"\xff")) == b"\xff"


def test_true_false_and_nil_are_atoms() -> None:
    assert back(Atom("true")) is True and back(Atom("false")) is False and back(Atom("nil")) is None
    assert encode(True) == encode(Atom("true")) and encode(None) == encode(Atom("nil"))
    assert not equal(True, 1) and not equal(1, 1.0) and regrow.compare(1, 1.0) == 0


def test_subclasses_are_what_they_are_derived_from() -> None:
    class Colour(enum.IntEnum):
        RED = 7

    Point = typing.NamedTuple("Point", [("x", int), ("y", int)])
    assert back(Colour.RED) == 7 and back(Point(1, 2)) == (1, 2)


def random_value(dice: random.Random, depth: int) -> object:
    kind = dice.randrange(13 if depth else 9)
    if kind == 0:
        return dice.randrange(-100, 100)
    if kind == 1:
        return dice.getrandbits(dice.randrange(1, 2000)) * dice.choice((1, -1))
    if kind == 2:
        return dice.uniform(-1, 1) * 10.0 ** dice.randrange(-300, 300)
    if kind == 3:
        return "".join(chr(dice.choice((65, 228, 0x20AC, 0x1F333, 0))) for _ in range(dice.randrange(40)))
    if kind == 4:
        return b"\xff" + dice.randbytes(dice.randrange(100))
    if kind == 5:
        return Atom(dice.choice(("a", "ok", "käse", "A b")))
    if kind == 6:
        return dice.choice((True, False, None))
    if kind == 7:
        return regrow.Pid(dice.getrandbits(40))
    if kind == 8:
        return regrow.Ref(dice.getrandbits(60))
    items = [random_value(dice, depth - 1) for _ in range(dice.randrange(6))]
    if kind == 9:
        return tuple(items)
    if kind == 10:
        return items
    if kind == 11:
        return ImproperList([1, *items], Atom("tail"))
    unique: dict[bytes, tuple[object, object]] = {}
    for key in items:
        unique.setdefault(encode(key), (key, random_value(dice, depth - 1)))
    pairs = list(unique.values())
    try:
        made = dict(pairs)
    except TypeError:
        return Map(pairs)
    return made if len(made) == len(pairs) else Map(pairs)


@pytest.mark.parametrize("seed", range(40))
def test_random_values_come_back_through_a_process_and_through_the_external_format(
    seed: int, runtime: regrow.Runtime
) -> None:
    dice = random.Random(seed)
    with runtime.enter() as me:
        for _ in range(50):
            value = random_value(dice, 4)
            me.send(value)
            got = regrow.receive(30)
            assert equal(got, value) and got == value
            assert decode(encode(value)) == value


def test_what_is_opaque_passes_through_unchanged(runtime: regrow.Runtime) -> None:
    external = b"\x83qd\0\x05listsd\0\x03mapa\x02"  # fun lists:map/2
    value = decode(external)
    assert isinstance(value, Opaque)
    agent = runtime.start(regrow.AgentSpec({"f": value, "g": [value, value]}))
    kept = agent.get()
    assert kept == {"f": value, "g": [value, value]}
    assert decode(encode(kept["f"])) == value and encode(kept["f"]) == encode(value)
    assert hash(value) == hash(kept["f"]) and value != decode(external.replace(b"map", b"any"))
    assert "lists" in repr(value)
    with pytest.raises(TypeError):
        Opaque()


def test_an_object_goes_by_reference_and_is_let_go(runtime: regrow.Runtime) -> None:
    import gc
    import weakref

    class Thing:
        pass

    thing = Thing()
    held = weakref.ref(thing)
    agent = runtime.start(regrow.AgentSpec())
    agent.update(lambda _, thing=thing: [Object(thing), Object(thing)])
    first, second = agent.get()
    assert first.value is thing and second.value is thing and first is not second
    assert agent.get()[0] is first
    with pytest.raises(TermError, match="no external format"):
        encode(first)
    del thing, first, second
    agent.replace_state(0)
    agent.stop()
    runtime.settle()
    gc.collect()
    assert held() is None and not terms.objects.objects


def test_what_is_no_term_is_told() -> None:
    loop: list[object] = []
    loop.append(loop)
    for bad in (object(), {1}, 1j, float("nan"), float("inf"), "\ud800", loop, 1 << 2_000_000, range(3), print, Exception()):
        with pytest.raises(TermError):
            terms.pack(bad)
        with pytest.raises(TermError):
            terms.pack([{"deep": (bad,)}])
    for name in (1, None, b"x", "x" * 256, "a\0", "\ud800"):
        with pytest.raises(TermError):
            Atom(name)  # type: ignore[arg-type]
    with pytest.raises(TermError):
        ImproperList([], 1)
    with pytest.raises(AttributeError):
        Atom("ok").name = "x"  # type: ignore[misc]


def test_bytes_that_are_no_term_are_told() -> None:
    for bad in (b"", b"\x83", b"\x83h\x02a\x01", b"\x82a\x01", encode([1, 2]) + b"x"):
        with pytest.raises(TermError):
            decode(bad)
    with pytest.raises(TermError):
        decode("text")  # type: ignore[arg-type]
    dice = random.Random(1)
    for _ in range(3000):
        data = bytearray(encode(random_value(dice, 3)))
        data[dice.randrange(1, len(data))] = dice.getrandbits(8)
        try:
            encode(decode(bytes(data)))
        except (TermError, regrow.LimitError):
            pass


def test_what_is_deep_does_not_overflow_the_stack() -> None:
    deep = decode(b"\x83" + b"l\0\0\0\x01" * 200_000 + b"j" + b"j" * 200_000)
    for _ in range(200_000):
        deep = deep[0]
    assert deep == []
    assert len(decode(encode(list(range(300_000))))) == 300_000


def test_maps_that_are_no_dicts_can_be_read() -> None:
    both = Map([(1, "int"), (1.0, "float"), ([1], "list")])
    assert both[1] == "int" and both[1.0] == "float" and both[[1]] == "list" and len(both) == 3
    assert list(both) == [1, 1.0, [1]] and both == Map(reversed(both.pairs))
    with pytest.raises(KeyError):
        both[2]


def test_terms_print_as_erlang_writes_them() -> None:
    assert regrow.show((Atom("a b"), [1, 2.5], "x", {})) == "{'a b',[1,2.5],<<120>>,#{}}"
    assert repr(Atom("ok")) == "Atom('ok')" and str(Atom("ok")) == "ok"


def test_an_atom_can_be_pickled_and_is_the_same() -> None:
    import pickle

    assert pickle.loads(pickle.dumps(Atom("ok"))) is Atom("ok")
