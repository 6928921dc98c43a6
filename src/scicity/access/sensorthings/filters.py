"""`$filter` and `$orderby` to a tree of our own: a small grammar read by descent, with limits, which runs nothing.

Written here because the ready parsers (`odata-query`) read OData 4 only: SensorThings 1.1 has `substringof`, instants and
durations of its own, and its parser generator is no longer kept. OGC 18-088, clause 9.3.3.5; OData 4.0 Part 2, 5.1.1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from scicity.access.sensorthings import times
from scicity.access.sensorthings.entities import Wrong
from scicity.kernel.problems import shown

LONGEST = 4_000  # characters of an expression
DEEPEST = 30  # parentheses and calls within one another
MOST_NODES = 400
COMPARISONS = ("eq", "ne", "gt", "ge", "lt", "le")
FUNCTIONS: dict[str, tuple[int, int]] = {  # name: fewest and most arguments
    **dict.fromkeys(("substringof", "endswith", "startswith", "indexof", "concat"), (2, 2)),
    **dict.fromkeys(("length", "tolower", "toupper", "trim"), (1, 1)),
    "substring": (2, 3),
    **dict.fromkeys(("year", "month", "day", "hour", "minute", "second", "fractionalseconds"), (1, 1)),
    **dict.fromkeys(("date", "time", "totaloffsetminutes"), (1, 1)),
    **dict.fromkeys(("now", "mindatetime", "maxdatetime"), (0, 0)),
    **dict.fromkeys(("round", "floor", "ceiling"), (1, 1)),
}
SPATIAL = (
    *("geo.distance", "geo.length", "geo.intersects", "st_equals", "st_disjoint", "st_touches", "st_within"),
    *("st_overlaps", "st_crosses", "st_intersects", "st_contains", "st_relate"),
)
TOKEN = re.compile(
    rf"""(?P<space>\s+)
    |(?P<text>'(?:[^']|'')*')
    |(?P<instant>\d{{4}}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{{1,9}})?)?(?:Z|[+\-\ ]\d\d(?::?\d\d)?))
    |(?P<date>\d{{4}}-\d\d-\d\d(?![\w-]))
    |(?P<clock>\d\d:\d\d(?::\d\d)?(?![\w:]))
    |(?P<number>(?:\d+\.\d+|\d+|\.\d+)(?:e[+-]?\d+)?(?![\w.]))
    |(?P<duration>duration'[^']*')
    |(?P<geography>geography'(?:[^']|'')*')
    |(?P<name>@iot\.id|(?:{"|".join(re.escape(name) for name in SPATIAL if "." in name)})(?=\s*\()|[^\W\d]\w*)
    |(?P<sign>[(),/\-])""",
    re.VERBOSE | re.IGNORECASE,
)


@dataclass(frozen=True)
class Literal:
    """A value that stands in the expression; a date or a time of day is text of the kind `date` or `clock`."""

    value: str | float | int | bool | datetime | timedelta | None
    kind: str


@dataclass(frozen=True)
class Path:
    """A property, perhaps of an entity that others lead to: `Datastream/Thing/name`, `properties/colour`."""

    steps: tuple[str, ...]


@dataclass(frozen=True)
class Call:
    """A function, an operator between two (`eq`, `and`, `add` …) or before one (`not`, `-`), and what it is of."""

    name: str
    of: tuple[Node, ...]


Node = Literal | Path | Call


def parsed(text: str, option: str = "$filter") -> Node:
    """The tree of an expression. Raises Wrong with the place, what was found there, and what was expected."""
    reader = _Reader(text, option)
    node = reader.either()
    reader.expect_end()
    return node


def ordering(text: str) -> tuple[tuple[Node, bool], ...]:
    """The expressions of `$orderby`, each with whether it falls. Raises Wrong."""
    reader = _Reader(text, "$orderby")
    found = []
    while True:
        node = reader.sum()
        found.append((node, reader.take("desc")))
        if not found[-1][1]:
            reader.take("asc")
        if not reader.take(","):
            break
    reader.expect_end()
    return tuple(found)


def conjuncts(node: Node | None) -> list[Node]:
    """The parts of an expression that must all hold."""
    if node is None:
        return []
    if isinstance(node, Call) and node.name == "and":
        return [part for each in node.of for part in conjuncts(each)]
    return [node]


def paths(node: Node) -> list[Path]:
    """Every path of a tree."""
    if isinstance(node, Path):
        return [node]
    return [path for each in node.of for path in paths(each)] if isinstance(node, Call) else []


class _Reader:
    def __init__(self, text: str, option: str) -> None:
        self.option, self.text, self.deep, self.nodes = option, text, 0, 0
        if len(text) > LONGEST:
            raise Wrong(f"{option}: found {len(text)} characters; expected at most {LONGEST}")
        self.tokens: list[tuple[str, str, int]] = []
        at = 0
        while at < len(text):
            found = TOKEN.match(text, at)
            if found is None:
                raise self.wrong(at, text[at : at + 20], "a property, a value, a function or an operator")
            if found.lastgroup != "space":
                self.tokens.append((str(found.lastgroup), found[0], at))
            at = found.end()
        self.at = 0

    def wrong(self, at: int, found: str, expected: str) -> Wrong:
        return Wrong(f"{self.option}, character {at + 1}: found {shown(found or 'its end', 40)}; expected {expected}")

    def here(self, expected: str) -> Wrong:
        _, found, at = self.tokens[self.at] if self.at < len(self.tokens) else ("end", "", len(self.text))
        return self.wrong(at, found, expected)

    def take(self, word: str) -> bool:
        if self.at < len(self.tokens):
            kind, found, _ = self.tokens[self.at]
            if found == word and kind in ("name", "sign"):
                self.at += 1
                return True
        return False

    def need(self, sign: str) -> None:
        if not self.take(sign):
            raise self.here(f"{sign!r}")

    def expect_end(self) -> None:
        if self.at < len(self.tokens):
            raise self.here("an operator, or the end")

    def call(self, name: str, *of: Node) -> Call:
        self.nodes += 1
        if self.nodes > MOST_NODES:
            raise Wrong(f"{self.option}: found more than {MOST_NODES} operators; expected fewer")
        return Call(name, of)

    def either(self) -> Node:
        return self.chain(self.both, ("or",))

    def both(self) -> Node:
        return self.chain(self.negated, ("and",))

    def chain(self, below, words: tuple[str, ...]) -> Node:
        parts = [below()]
        (word,) = words
        while self.take(word):
            parts.append(below())
        return parts[0] if len(parts) == 1 else self.call(word, *parts)

    def negated(self) -> Node:
        count = 0
        while self.take("not"):
            count += 1
        node = self.compared()
        return self.call("not", node) if count % 2 else node

    def compared(self) -> Node:
        left = self.sum()
        for word in COMPARISONS:
            if self.take(word):
                return self.call(word, left, self.sum())
        return left

    def sum(self) -> Node:
        node, going = self.product(), True
        while going:
            going = False
            for word in ("add", "sub"):
                if self.take(word):
                    node, going = self.call(word, node, self.product()), True
        return node

    def product(self) -> Node:
        node, going = self.signed(), True
        while going:
            going = False
            for word in ("mul", "div", "mod"):
                if self.take(word):
                    node, going = self.call(word, node, self.signed()), True
        return node

    def signed(self) -> Node:
        count = 0
        while self.take("-"):
            count += 1
        node = self.atom()
        return self.call("-", node) if count % 2 else node

    def atom(self) -> Node:
        if self.at >= len(self.tokens):
            raise self.here("a property, a value or a function")
        kind, found, at = self.tokens[self.at]
        if found == "(":
            self.at += 1
            with_depth = self.deeper(self.either)
            self.need(")")
            return with_depth
        if kind == "sign":
            raise self.here("a property, a value or a function")
        self.at += 1
        if kind == "name" and found not in ("true", "false", "null", "@iot.id"):
            return self.function(found, at) if self.take("(") else self.path(found)
        return self.literal(kind, found, at)

    def deeper(self, read) -> Node:
        self.deep += 1
        if self.deep > DEEPEST:
            raise Wrong(f"{self.option}: found more than {DEEPEST} parentheses within one another; expected fewer")
        node = read()
        self.deep -= 1
        return node

    def function(self, name: str, at: int) -> Node:
        if name in SPATIAL:
            raise Wrong(f"{self.option}, character {at + 1}: found {name}; spatial functions are not supported", 501)
        if name not in FUNCTIONS:
            raise self.wrong(at, name, "one of " + ", ".join(FUNCTIONS))
        given: list[Node] = []
        if not self.take(")"):
            given.append(self.deeper(self.either))
            while self.take(","):
                given.append(self.deeper(self.either))
            self.need(")")
        fewest, most = FUNCTIONS[name]
        if not fewest <= len(given) <= most:
            expected = f"{fewest} arguments" if fewest == most else f"{fewest} to {most} arguments"
            raise self.wrong(at, f"{name} with {len(given)}", expected)
        return self.call(name, *given)

    def path(self, first: str) -> Path:
        steps = [first]
        while self.take("/"):
            if self.at >= len(self.tokens) or self.tokens[self.at][0] != "name":
                raise self.here("the name of a property")
            steps.append(self.tokens[self.at][1])
            self.at += 1
        if len(steps) > DEEPEST:
            raise Wrong(f"{self.option}: found a path of {len(steps)} steps; expected at most {DEEPEST}")
        return Path(tuple("id" if step == "@iot.id" else step for step in steps))

    def literal(self, kind: str, found: str, at: int) -> Node:
        if kind == "name":
            if found == "@iot.id":
                return Path(("id",))
            return Literal(None, "null") if found == "null" else Literal(found == "true", "bool")
        try:
            if kind == "text":
                return Literal(found[1:-1].replace("''", "'"), "text")
            if kind == "number":
                number = float(found) if "." in found or "e" in found.lower() else int(found)
                if abs(number) > 1.7e308:
                    raise ValueError("a number that can be held")
                return Literal(number if abs(number) < 2**53 else float(number), "number")
            if kind == "instant":
                return Literal(times.instant(found.replace(" ", "+")), "time")  # a plus sign that came as a blank
            if kind == "duration":
                return Literal(times.duration(found[len("duration'") : -1]), "duration")
        except (ValueError, OverflowError) as error:
            raise self.wrong(at, found, str(error)) from None
        if kind == "geography":
            raise Wrong(f"{self.option}, character {at + 1}: spatial values are not supported", 501)
        return Literal(found, kind)
