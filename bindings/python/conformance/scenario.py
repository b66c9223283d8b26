"""A scenario file, and the words of scenarios and traces as terms and back (tests/conformance/FORMAT.md)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from regrow import Atom


@dataclass(frozen=True)
class Line:
    """One item: its text, its words without `=`, and its options."""

    text: str
    words: tuple[str, ...]
    options: dict[str, str]

    @classmethod
    def of(cls, text: str) -> Line:
        tokens = text.split(" ")
        options = dict(token.split("=", 1) for token in tokens if "=" in token)
        return cls(text, tuple(token for token in tokens if "=" not in token), options)

    def word(self, index: int) -> str:
        return self.words[index] if index < len(self.words) else ""


@dataclass(frozen=True)
class Scenario:
    name: str
    declarations: dict[str, Line]
    steps: list[Line]

    @classmethod
    def read(cls, path: str) -> Scenario:
        with open(path, encoding="ascii") as file:
            lines = [Line.of(text) for text in file.read().splitlines() if text and not text.startswith("#")]
        kinds = ("sup", "dsup", "worker")
        declared = {line.word(1): line for line in lines[1:] if line.words[0] in kinds}
        return cls(lines[0].word(1), declared, [line for line in lines[1:] if line.words[0] not in kinds])


def term(word: str) -> Any:
    """An integer, a float, or an atom."""
    if re.fullmatch(r"-?[0-9]+", word):
        return int(word)
    if re.fullmatch(r"-?[0-9]+\.[0-9]+", word):
        return float(word)
    return Atom(word)


def reason(word: str) -> Any:
    """`a:b:c` is (a, (b, c))."""
    first, colon, rest = word.partition(":")
    return (Atom(first), reason(rest)) if colon else Atom(first)
