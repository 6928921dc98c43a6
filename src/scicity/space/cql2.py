"""CQL2 (OGC 21-065r2) as text to a tree of our own: read by descent, with limits; nothing is run. Its JSON is `cql2_json.py`.

Written here because of the two ready parsers `pygeofilter` 0.4 reads AND and OR as of one rank, and `cql2` 0.6 takes a time
that grows twofold with each open parenthesis and ends the process at some dozens of them. Tests hold this one against `cql2`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import shapely

LONGEST = 60_000  # characters of a filter
DEEPEST = 24  # operators and parentheses within one another
MOST_CALLS = 400  # operators and functions; SQLite takes 1000 within one another
MOST_NODES = 40_000  # of JSON
MOST_SHOWN = 40  # characters of what was found
COMPARISONS = ("=", "<>", "<=", ">=", "<", ">")
GEOMETRIES = (
    *("POINT", "LINESTRING", "POLYGON", "MULTIPOINT", "MULTILINESTRING", "MULTIPOLYGON"),
    "GEOMETRYCOLLECTION",
)
RESERVED = {"and", "or", "not", "like", "between", "in", "is", "null", "div"}
TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<text>'(?:[^']|'')*')
    |(?P<quoted>"(?:[^"]|"")+")
    |(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
    |(?P<name>[^\W\d][\w.:]*|:[\w.:]+)
    |(?P<sign><>|<=|>=|[=<>(),+\-*/%^])""",
    re.VERBOSE,
)


class BadFilter(Exception):  # noqa: N818  (reads as what happened)
    """A filter that cannot be answered: where, what was found there, what was expected."""

    def __init__(self, place: str, found: object, expected: str) -> None:
        told = str(found)
        told = told if len(told) <= MOST_SHOWN else told[: MOST_SHOWN - 1] + "…"
        super().__init__(f"{place}: found {told!r}; expected {expected}")


@dataclass(frozen=True)
class Literal:
    """A value: text, number, bool, instant (datetime, UTC), date, geometry (shapely), or null."""

    value: Any
    kind: str  # text, number, bool, timestamp, date, geometry, box (its corners), null
    place: str


@dataclass(frozen=True)
class Property:
    """A property of the features."""

    name: str
    place: str


@dataclass(frozen=True)
class Interval:
    """A stretch of time; an end that is None is open."""

    first: Literal | Property | None
    last: Literal | Property | None
    place: str


@dataclass(frozen=True)
class Call:
    """An operator or function (`and`, `=`, `like`, `s_intersects` …, lower case) and what it is of."""

    op: str
    of: tuple[Node, ...]
    place: str


@dataclass(frozen=True)
class Items:
    """A list of values."""

    of: tuple[Node, ...]
    place: str


Node = Literal | Property | Interval | Call | Items


def of_text(text: str) -> Node:
    """The tree of a filter in the text form. Raises BadFilter with the character at which it stops making sense."""
    reader = _Text(text)
    node = reader.either()
    reader.end()
    return node


def names(node: Node | None) -> list[Property]:
    """The properties of a tree."""
    if isinstance(node, Property):
        return [node]
    if isinstance(node, Interval):
        return names(node.first) + names(node.last)
    return [found for each in node.of for found in names(each)] if isinstance(node, Call | Items) else []


def instant(text: str, place: str) -> Literal:
    """A TIMESTAMP of RFC 3339, in UTC."""
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00").replace("z", "+00:00"))
    except ValueError:
        found = None
    if found is None or "T" not in text.upper() or found.tzinfo is None:
        raise BadFilter(place, text, "an instant as 2026-01-31T08:00:00Z")
    try:
        return Literal(found.astimezone(UTC), "timestamp", place)
    except OverflowError:
        raise BadFilter(place, text, "an instant of the years 1 to 9999") from None


def day(text: str, place: str) -> Literal:
    """A DATE."""
    try:
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
            raise ValueError
        return Literal(date.fromisoformat(text), "date", place)
    except ValueError:
        raise BadFilter(place, text, "a date as 2026-01-31") from None


def moment(text: str, place: str) -> Literal | None:
    """An end of an interval: an instant, a date, or `..` for an open one."""
    return None if text == ".." else (instant if "T" in text.upper() else day)(text, place)


def box(numbers: list[float], place: str) -> Literal:
    """A box: its lower and its upper corner, in the axes of the filter's CRS."""
    if len(numbers) not in (4, 6) or not all(map(math.isfinite, numbers)):
        raise BadFilter(place, numbers, "four or six numbers")
    return Literal(tuple(numbers if len(numbers) == 4 else (*numbers[:2], *numbers[3:5])), "box", place)


def geometry(found: Any, told: str, place: str) -> Literal:
    if found is None or found.is_empty or not _finite(found):
        raise BadFilter(place, told, "a geometry that is not empty, of finite coordinates")
    if not found.is_valid:
        raise BadFilter(place, told, f"a valid geometry: {shapely.is_valid_reason(found)[:80]}")
    return Literal(found, "geometry", place)


def _finite(found: Any) -> bool:
    return bool(all(map(math.isfinite, found.bounds)))


class _Text:
    def __init__(self, text: str) -> None:
        if len(text) > LONGEST:
            raise BadFilter("filter", f"{len(text)} characters", f"at most {LONGEST}")
        self.text, self.deep, self.nodes, self.at = text, 0, 0, 0
        self.tokens: list[tuple[str, str, int]] = []
        at = 0
        while at < len(text):
            found = TOKEN.match(text, at)
            if found is None:
                raise BadFilter(f"character {at + 1}", text[at : at + 20], "a property, a value, a function or an operator")
            if found.lastgroup != "space":
                self.tokens.append((str(found.lastgroup), found[0], at))
            at = found.end()

    # --- tokens ---

    def place(self) -> str:
        return f"character {(self.tokens[self.at][2] if self.at < len(self.tokens) else len(self.text)) + 1}"

    def wrong(self, expected: str) -> BadFilter:
        return BadFilter(self.place(), self.tokens[self.at][1] if self.at < len(self.tokens) else "its end", expected)

    def next_is(self, *words: str, ahead: int = 0) -> bool:
        if self.at + ahead >= len(self.tokens):
            return False
        kind, found, _ = self.tokens[self.at + ahead]
        return kind in ("name", "sign") and found.lower() in words

    def take(self, *words: str) -> str:
        if not self.next_is(*words):
            return ""
        self.at += 1
        return self.tokens[self.at - 1][1].lower()

    def need(self, word: str) -> None:
        if not self.take(word):
            raise self.wrong(repr(word))

    def end(self) -> None:
        if self.at < len(self.tokens):
            raise self.wrong("an operator, or the end")

    def call(self, op: str, place: str, *of: Node) -> Call:
        self.nodes += 1
        if self.nodes > MOST_CALLS:
            raise BadFilter(place, f"more than {MOST_CALLS} operators", "fewer")
        return Call(op, of, place)

    def deeper(self, read: Callable[[], Node]) -> Node:
        self.deep += 1
        if self.deep > DEEPEST:
            raise self.wrong(f"at most {DEEPEST} levels")
        found = read()
        self.deep -= 1
        return found

    # --- grammar ---

    def either(self) -> Node:
        return self.chain(self.both, "or")

    def both(self) -> Node:
        return self.chain(self.negated, "and")

    def chain(self, below: Callable[[], Node], word: str) -> Node:
        place, parts = self.place(), [below()]
        while self.take(word):
            parts.append(below())
            if len(parts) > MOST_CALLS:
                raise self.wrong(f"at most {MOST_CALLS} conditions")
        return parts[0] if len(parts) == 1 else self.call(word, place, *parts)

    def negated(self) -> Node:
        place = self.place()
        if self.take("not"):
            return self.call("not", place, self.deeper(self.negated))
        return self.compared()

    def compared(self) -> Node:
        left, place = self.sum(), self.place()
        if sign := self.take(*COMPARISONS):
            return self.call(sign, place, left, self.sum())
        if self.take("is"):
            unlike = bool(self.take("not"))
            self.need("null")
            return self.maybe(unlike, self.call("isnull", place, left))
        negative = bool(self.take("not"))
        if self.take("like"):
            return self.maybe(negative, self.call("like", place, left, self.sum()))
        if self.take("between"):
            low = self.sum()
            self.need("and")
            return self.maybe(negative, self.call("between", place, left, low, self.sum()))
        if self.take("in"):
            at = self.place()
            self.need("(")
            found = [self.sum()]
            while self.take(","):
                found.append(self.sum())
            self.need(")")
            return self.maybe(negative, self.call("in", place, left, Items(tuple(found), at)))
        if negative:
            raise self.wrong("LIKE, BETWEEN or IN")
        return left

    def maybe(self, negative: bool, node: Call) -> Call:
        return self.call("not", node.place, node) if negative else node

    def sum(self) -> Node:
        return self.left(self.product, "+", "-")

    def product(self) -> Node:
        return self.left(self.power, "*", "/", "%", "div")

    def left(self, below: Callable[[], Node], *signs: str) -> Node:
        node, count = below(), 0
        while True:
            place, sign = self.place(), self.take(*signs)
            if not sign:
                return node
            count += 1
            if count > DEEPEST:
                raise self.wrong(f"at most {DEEPEST} of {', '.join(signs)} one behind another")
            node = self.call(sign, place, node, below())

    def power(self) -> Node:
        node, place = self.signed(), self.place()
        return self.call("^", place, node, self.signed()) if self.take("^") else node

    def signed(self) -> Node:
        place = self.place()
        if self.take("-"):
            found = self.deeper(self.signed)
            if isinstance(found, Literal) and found.kind == "number":
                return Literal(-found.value, "number", place)
            return self.call("*", place, Literal(-1, "number", place), found)
        return self.atom()

    def atom(self) -> Node:
        if self.at >= len(self.tokens):
            raise self.wrong("a property, a value or a function")
        kind, found, _ = self.tokens[self.at]
        place = self.place()
        if kind == "text":
            self.at += 1
            return Literal(found[1:-1].replace("''", "'"), "text", place)
        if kind == "number":
            self.at += 1
            return Literal(_number(found, place), "number", place)
        if kind == "quoted":
            self.at += 1
            return Property(found[1:-1].replace('""', '"'), place)
        if self.take("("):
            node = self.deeper(self.either)
            if self.next_is(","):
                parts = [node]
                while self.take(","):
                    parts.append(self.deeper(self.either))
                node = Items(tuple(parts), place)
            self.need(")")
            return node
        if kind == "sign" or found.lower() in RESERVED:
            raise self.wrong("a property, a value or a function")
        return self.named(found, place)

    def named(self, found: str, place: str) -> Node:
        word = found.upper()
        if word in ("TRUE", "FALSE"):
            self.at += 1
            return Literal(word == "TRUE", "bool", place)
        if word in GEOMETRIES and (self.next_is("(", ahead=1) or self.next_is("z", ahead=1)):
            return self.geometry(place)
        self.at += 1
        if not self.take("("):
            return Property(found, place)
        if word in ("DATE", "TIMESTAMP"):
            text, at = self.literal_text(), place
            self.need(")")
            return (day if word == "DATE" else instant)(text, at)
        if word == "INTERVAL":
            first = self.moment()
            self.need(",")
            last = self.moment()
            self.need(")")
            return Interval(first, last, place)
        if word in ("BBOX", "ENVELOPE"):
            numbers = [self.number()]
            while self.take(","):
                numbers.append(self.number())
            self.need(")")
            return box(numbers, place)
        given: list[Node] = []
        if not self.take(")"):
            given.append(self.deeper(self.either))
            while self.take(","):
                given.append(self.deeper(self.either))
            self.need(")")
        return self.call(found.lower(), place, *given)

    def literal_text(self) -> str:
        if self.at >= len(self.tokens) or self.tokens[self.at][0] != "text":
            raise self.wrong("a text between ' and '")
        self.at += 1
        return self.tokens[self.at - 1][1][1:-1]

    def moment(self) -> Literal | Property | None:
        place = self.place()
        if self.at < len(self.tokens) and self.tokens[self.at][0] == "text":
            return moment(self.literal_text(), place)
        node = self.atom()
        if isinstance(node, Property) or (isinstance(node, Literal) and node.kind in ("date", "timestamp")):
            return node
        raise BadFilter(place, "something else", "a text with an instant, a date or .., or a property")

    def number(self) -> float:
        sign = -1.0 if self.take("-") else 1.0
        if self.at >= len(self.tokens) or self.tokens[self.at][0] != "number":
            raise self.wrong("a number")
        self.at += 1
        return sign * float(_number(self.tokens[self.at - 1][1], self.place()))

    def geometry(self, place: str) -> Literal:
        start, deep = self.tokens[self.at][2], 0
        while self.at < len(self.tokens):
            kind, sign, at = self.tokens[self.at]
            if kind not in ("name", "number", "sign"):
                raise self.wrong("a geometry as well-known text")
            self.at += 1
            deep += {"(": 1, ")": -1}.get(sign, 0)
            if deep > DEEPEST:
                raise BadFilter(place, "a geometry within geometries", f"at most {DEEPEST} levels")
            if deep == 0 and sign == ")":
                told = self.text[start : at + 1]
                try:
                    return geometry(shapely.from_wkt(told), told, place)
                except shapely.errors.ShapelyError as error:
                    raise BadFilter(place, told, f"a geometry as well-known text ({str(error)[:80]})") from None
        raise self.wrong("')'")


def _number(text: str, place: str) -> int | float:
    found = int(text) if text.isdecimal() and len(text) < 16 else float(text)
    if not math.isfinite(found):
        raise BadFilter(place, text, "a number that can be held")
    return found
