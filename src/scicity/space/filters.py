"""CQL2 filters as conditions of SQL over the index of a layer, every value bound; and the functions that they call there.

What is not known of the layer, or not supported, is refused with its place. OGC 21-065r2, OGC 19-079r2.
"""

from __future__ import annotations

import functools
import operator
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

import shapely

from scicity.space.cql2 import COMPARISONS, BadFilter, Call, Interval, Items, Literal, Node, Property, names, of_text
from scicity.space.cql2_json import of_json

LANGUAGES: dict[str, Callable[[str], Node]] = {"cql2-text": of_text, "cql2-json": of_json}
MOST_WILDCARDS, LONGEST_PATTERN = 12, 300  # of LIKE
MOST_SPATIAL = 20  # spatial conditions of a filter
EARLIEST, LATEST = -(2**62), 2**62  # [µs] open ends of an interval
SPATIAL: dict[str, Callable[[Any, Any], Any]] = {
    "s_intersects": shapely.intersects,
    "s_equals": shapely.equals,
    "s_disjoint": shapely.disjoint,
    "s_touches": shapely.touches,
    "s_within": shapely.within,
    "s_overlaps": shapely.overlaps,
    "s_crosses": shapely.crosses,
    "s_contains": shapely.contains,
}
TURNED = {"s_within": "s_contains", "s_contains": "s_within"}  # where the literal stands first
# Of two stretches of time {0} to {1} and {2} to {3} (an instant: both ends the same). OGC 21-065r2, 7.11.
TEMPORAL = {
    "t_after": "{0} > {3}",
    "t_before": "{1} < {2}",
    "t_contains": "{0} < {2} AND {1} > {3}",
    "t_disjoint": "({1} < {2} OR {0} > {3})",
    "t_during": "{0} > {2} AND {1} < {3}",
    "t_equals": "{0} = {2} AND {1} = {3}",
    "t_finishedby": "{0} < {2} AND {1} = {3}",
    "t_finishes": "{0} > {2} AND {1} = {3}",
    "t_intersects": "NOT ({1} < {2} OR {0} > {3})",
    "t_meets": "{1} = {2}",
    "t_metby": "{0} = {3}",
    "t_overlappedby": "{0} > {2} AND {0} < {3} AND {1} > {3}",
    "t_overlaps": "{0} < {2} AND {1} > {2} AND {1} < {3}",
    "t_startedby": "{0} = {2} AND {1} > {3}",
    "t_starts": "{0} = {2} AND {1} < {3}",
}
ARITHMETIC = {"+": "+", "-": "-", "*": "*", "/": "/", "%": "mod", "div": "div", "^": "pow"}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BOOLEANS = {"true": True, "false": False, "1": True, "0": False}  # in an address; GDAL asks for them by number


@dataclass(frozen=True)
class Queryable:
    """A property that can be asked for: its kind (text, number, bool, timestamp, geometry; mixed: of several) and its SQL."""

    name: str
    kind: str
    sql: str


@dataclass(frozen=True)
class Filter:
    """A condition over `features f`, with its values, and the properties that it names."""

    sql: str
    values: tuple[Any, ...]
    names: frozenset[str] = frozenset()


def compiled(
    text: str,
    language: str,
    queryables: Mapping[str, Queryable],
    placed: Callable[[Any], Any] = lambda geometry: geometry,
    boxed: Callable[[Sequence[float]], Any] = lambda corners: shapely.box(*corners),
    zone: tzinfo = UTC,
) -> Filter:
    """A filter as SQL. `placed` brings a geometry of the filter's CRS to WGS 84, `boxed` makes one there of two corners; `zone`
    says when a date begins.

    Raises BadFilter with the place of what cannot be.
    """
    if language not in LANGUAGES:
        raise BadFilter("filter-lang", language, " or ".join(LANGUAGES))
    writer = _Writer(queryables, placed, boxed, zone)
    node = LANGUAGES[language](text)
    sql = writer.condition(node)
    return Filter(sql, tuple(writer.values), frozenset(each.name for each in names(node)))


def equal(queryable: Queryable, text: str) -> Filter:
    """The condition that a property is a value given as text in an address. Raises BadFilter for a value of another kind."""
    node: Node
    if queryable.kind == "timestamp":
        node = of_text(f"TIMESTAMP({quoted(text)})")
    elif queryable.kind == "bool":
        if text not in BOOLEANS:
            raise BadFilter(queryable.name, text, "true or false")
        node = Literal(BOOLEANS[text], "bool", queryable.name)
    elif queryable.kind == "number":
        try:
            number = float(text) if len(text) < 400 else float("inf")
        except ValueError:
            number = float("inf")
        if abs(number) > 1.7e308 or number != number or "_" in text:
            raise BadFilter(queryable.name, text, "a number")
        node = Literal(number, "number", queryable.name)
    elif queryable.kind in ("text", "mixed"):
        node = Literal(text, "text", queryable.name)
    else:
        raise BadFilter(queryable.name, text, "a filter or bbox for a geometry")
    writer = _Writer({queryable.name: queryable}, lambda geometry: geometry, lambda corners: corners)
    sql = writer.condition(Call("=", (Property(queryable.name, queryable.name), node), queryable.name))
    return Filter(sql, tuple(writer.values))


def quoted(text: str) -> str:
    """Text as a literal of CQL2."""
    return "'" + text.replace("'", "''") + "'"


@dataclass
class _Writer:
    queryables: Mapping[str, Queryable]
    placed: Callable[[Any], Any]
    boxed: Callable[[Sequence[float]], Any]
    zone: tzinfo = UTC
    values: list[Any] = field(default_factory=list)
    spatial: int = 0

    def bound(self, value: Any) -> str:
        self.values.append(value)
        return "?"

    def of(self, node: Property) -> Queryable:
        found = self.queryables.get(node.name)
        if found is None:
            some = ", ".join(sorted(self.queryables)[:30])
            raise BadFilter(node.place, node.name, f"a queryable of this layer: {some}")
        return found

    # --- conditions ---

    def condition(self, node: Node) -> str:
        """SQL text of what is true, false or unknown."""
        if isinstance(node, Literal) and node.kind == "bool":
            return "1" if node.value else "0"
        if isinstance(node, Property) and self.of(node).kind == "bool":
            return f"({self.of(node).sql} = 1)"
        if not isinstance(node, Call):
            raise BadFilter(node.place, _said(node), "a condition, as a comparison")
        if node.op in ("and", "or"):
            if len(node.of) < 2:
                raise BadFilter(node.place, f"{node.op} of {len(node.of)}", "two conditions or more")
            return "(" + f" {node.op.upper()} ".join(self.condition(each) for each in node.of) + ")"
        arity = 1 if node.op in ("not", "isnull") else 3 if node.op == "between" else 2
        known = (*COMPARISONS, "not", "isnull", "like", "between", "in", *SPATIAL, *TEMPORAL)
        if node.op not in known:
            raise BadFilter(node.place, node.op, "one of and, or, " + ", ".join(known))
        if len(node.of) != arity:
            raise BadFilter(node.place, f"{node.op} of {len(node.of)}", f"{arity}")
        if node.op == "not":
            return f"(NOT {self.condition(node.of[0])})"
        if node.op == "isnull":
            return f"({self.operand(node.of[0])[0]} IS NULL)"
        if node.op in SPATIAL:
            return self.placing(node)
        if node.op in TEMPORAL:
            return self.timing(node)
        return {"like": self.like, "between": self.between, "in": self.within}.get(node.op, self.comparison)(node)

    def comparison(self, node: Call) -> str:
        left, right = node.of
        sides = [self.operand(left), self.operand(right)]
        kinds = self.kinds_go_together(node, [kind for _, kind in sides], node.op)
        guard = "".join(
            f" AND typeof({sql}) {'=' if kinds == 'text' else 'IN'} {_TYPES[kinds]}"
            for side, (sql, kind) in zip(node.of, sides, strict=True)
            if kind == "mixed" and isinstance(side, Property) and kinds in _TYPES
        )
        return f"({sides[0][0]} {node.op} {sides[1][0]}{guard})"

    def kinds_go_together(self, node: Call, kinds: list[str], op: str) -> str:
        known = {kind for kind in kinds if kind not in ("mixed", "null")}
        if known == {"date", "timestamp"}:
            known = {"timestamp"}
        if len(known) > 1 or "geometry" in known or (known == {"bool"} and op not in ("=", "<>", "in")):
            raise BadFilter(node.place, f"{op} of {' and '.join(kinds)}", "values of one kind that can be compared so")
        return known.pop() if known else "mixed"

    def like(self, node: Call) -> str:
        value, pattern = node.of
        folds: list[str] = []
        while isinstance(pattern, Call) and pattern.op in FOLDS and len(pattern.of) == 1:
            folds.append(pattern.op)
            pattern = pattern.of[0]
        if not isinstance(pattern, Literal) or pattern.kind != "text":
            raise BadFilter(node.place, _said(pattern), "a text with % and _ behind LIKE")
        sql, kind = self.operand(value)
        if kind not in ("text", "mixed"):
            raise BadFilter(node.place, f"LIKE of {kind}", "a text before LIKE")
        told = pattern.value
        for each in reversed(folds):
            told = FOLDS[each](told)
        return f"({sql} GLOB {self.bound(_glob(told, pattern.place))})"

    def between(self, node: Call) -> str:
        sides = [self.operand(each) for each in node.of]
        kinds = self.kinds_go_together(node, [kind for _, kind in sides], "between")
        if kinds in ("bool", "text"):
            raise BadFilter(node.place, f"BETWEEN of {kinds}", "numbers or times")
        (value, kind), (low, _), (high, _) = sides
        guard = f" AND typeof({value}) IN {_TYPES['number']}" if kind == "mixed" and isinstance(node.of[0], Property) else ""
        return f"({value} BETWEEN {low} AND {high}{guard})"

    def within(self, node: Call) -> str:
        value, items = node.of
        if not isinstance(items, Items) or not items.of:
            raise BadFilter(node.place, _said(items), "a list of values behind IN")
        sql, kind = self.operand(value)
        found = [self.operand(each) for each in items.of]
        kinds = {each for _, each in found}
        if len(kinds) > 1 or kinds & {"geometry", "null"}:
            raise BadFilter(items.place, " and ".join(sorted(kinds)), "values of one kind")
        self.kinds_go_together(node, [kind, *kinds], "in")
        return f"({sql} IN ({', '.join(each for each, _ in found)}))"

    def placing(self, node: Call) -> str:
        """A spatial condition: the boxes of the R-tree first, then the geometry itself."""
        op, (left, right) = node.op, node.of
        if isinstance(left, Literal) and isinstance(right, Property):
            op, left, right = TURNED.get(op, op), right, left
        if not isinstance(left, Property) or self.of(left).kind != "geometry":
            raise BadFilter(node.place, _said(left), "a geometry of the layer, as geometry")
        if not isinstance(right, Literal) or right.kind not in ("geometry", "box"):
            raise BadFilter(node.place, _said(right), "a geometry that stands in the filter")
        self.spatial += 1
        if self.spatial > MOST_SPATIAL:
            raise BadFilter(node.place, f"more than {MOST_SPATIAL} spatial conditions", "fewer")
        try:
            there = self.boxed(right.value) if right.kind == "box" else self.placed(right.value)
        except ValueError as error:
            raise BadFilter(right.place, _said(right), str(error)) from None
        near, values = _near(there)
        self.values += [*values, shapely.to_wkb(there)]
        if op == "s_disjoint":
            return f"(NOT ({near} AND spatial('s_intersects', f.geometry, ?)))"
        return f"({near} AND spatial('{op}', f.geometry, ?))"

    def timing(self, node: Call) -> str:
        ends: list[tuple[str, list[Any]]] = []
        for each in node.of:
            for end in (each.first, each.last) if isinstance(each, Interval) else (each, each):
                last = bool(len(ends) % 2)
                ends.append(self.end(end, isinstance(each, Interval), last, node.place))
        text = TEMPORAL[node.op]
        for number in map(int, re.findall(r"\{(\d)\}", text)):
            self.values += ends[number][1]
        return f"({text.format(*(sql for sql, _ in ends))})"

    def end(self, node: Node | None, open_ends: bool, last: bool, place: str) -> tuple[str, list[Any]]:
        """An end of a stretch of time in µs, with its values. A date is the whole day."""
        if node is None:
            return "?", [LATEST if last else EARLIEST]
        if isinstance(node, Literal) and node.kind in ("date", "timestamp"):
            found = micros(node.value, self.zone)
            return "?", [found + _DAY - 1 if last and node.kind == "date" else found]
        if isinstance(node, Property) and self.of(node).kind == "timestamp":
            sql = self.of(node).sql
            return (f"coalesce({sql}, {LATEST if last else EARLIEST})" if open_ends else sql), []
        raise BadFilter(place, _said(node), "an instant, a date, an interval, or a property that is an instant")

    # --- values ---

    def operand(self, node: Node) -> tuple[str, str]:
        """SQL text of a value, and its kind."""
        if isinstance(node, Property):
            found = self.of(node)
            return found.sql, found.kind
        if isinstance(node, Literal):
            if node.kind in ("geometry", "box"):
                raise BadFilter(node.place, "a geometry", "a spatial function, as S_INTERSECTS")
            value = micros(node.value, self.zone) if node.kind in ("date", "timestamp") else node.value
            return self.bound(int(value) if node.kind == "bool" else value), node.kind
        if isinstance(node, Call) and node.op in FOLDS and len(node.of) == 1:
            sql, kind = self.operand(node.of[0])
            if kind not in ("text", "mixed"):
                raise BadFilter(node.place, f"{node.op} of {kind}", "a text")
            return f"{node.op}({sql})", "text"
        if isinstance(node, Call) and node.op in ARITHMETIC and len(node.of) == 2:
            (left, one), (right, other) = (self.operand(each) for each in node.of)
            if {one, other} - {"number", "mixed"}:
                raise BadFilter(node.place, f"{node.op} of {one} and {other}", "numbers")
            return f"arithmetic('{node.op}', {left}, {right})", "number"
        raise BadFilter(node.place, _said(node), "a property, a value, CASEI, ACCENTI, or arithmetic")


_DAY = 86_400_000_000
_TYPES = {"text": "'text'", "number": "('integer', 'real')", "bool": "('integer', 'true', 'false')"}


def micros(value: datetime | date, zone: tzinfo) -> int:
    """An instant, or the beginning of a day in a time zone, as microseconds since 1970."""
    moment = value if isinstance(value, datetime) else datetime.combine(value, time(), zone)
    return (moment - EPOCH) // timedelta(microseconds=1)


def _near(there: Any) -> tuple[str, list[float]]:
    """The features whose boxes touch those of a geometry: of each part, where there are few."""
    parts = list(shapely.get_parts(there))
    boxes = [part.bounds for part in parts] if len(parts) <= 8 else [there.bounds]
    one = "(maxx >= ? AND minx <= ? AND maxy >= ? AND miny <= ?)"
    values = [number for west, south, east, north in boxes for number in (west, east, south, north)]
    if len(boxes) == 1:
        return f"f.fid IN (SELECT fid FROM place WHERE {one[1:-1]})", values
    return f"f.fid IN ({' UNION '.join(f'SELECT fid FROM place WHERE {one[1:-1]}' for _ in boxes)})", values


def _glob(pattern: str, place: str) -> str:
    """A pattern of LIKE (% any text, _ one character, \\ before either) as one of GLOB, which minds case."""
    if len(pattern) > LONGEST_PATTERN:
        raise BadFilter(place, f"a pattern of {len(pattern)} characters", f"at most {LONGEST_PATTERN}")
    found: list[str] = []
    at = 0
    while at < len(pattern):
        sign = pattern[at]
        if sign == "\\" and at + 1 < len(pattern):
            at, sign = at + 1, pattern[at + 1]
        else:
            sign = {"%": "*", "_": "?"}.get(sign, "[" + sign + "]" if sign in "*?[" else sign)
            if sign == "*" and found and found[-1] == "*":
                sign = ""
            found.append(sign)
            at += 1
            continue
        found.append("[" + sign + "]" if sign in "*?[" else sign)
        at += 1
    if found.count("*") > MOST_WILDCARDS:
        raise BadFilter(place, f"{found.count('*')} times %", f"at most {MOST_WILDCARDS}")
    return "".join(found)


def _said(node: Node | None) -> str:
    if isinstance(node, Literal):
        return f"{node.kind} {str(node.value)[:30]}"
    return {Property: "the property ", Call: "the operator ", Items: "a list", Interval: "an interval"}.get(
        type(node), "nothing"
    ) + (node.name if isinstance(node, Property) else node.op if isinstance(node, Call) else "")


# --- what the conditions call in SQLite ---


def folded(text: Any) -> Any:
    """CASEI: text without regard to case; what is no text as it is."""
    return text.casefold() if isinstance(text, str) else text


def unaccented(text: Any) -> Any:
    """ACCENTI: text without accents."""
    if not isinstance(text, str):
        return text
    return "".join(sign for sign in unicodedata.normalize("NFD", text) if not unicodedata.combining(sign))


FOLDS: dict[str, Callable[[Any], Any]] = {"casei": folded, "accenti": unaccented}


@functools.lru_cache(maxsize=64)
def _literal(wkb: bytes) -> Any:
    found = shapely.from_wkb(wkb)
    shapely.prepare(found)
    return found


# What a literal, which is prepared once, is to a feature where the feature is so to the literal.
_OTHER_WAY = {op: TURNED.get(op, op) for op in SPATIAL}


def spatial(op: str, geometry: bytes | None, literal: bytes) -> int | None:
    """Whether a feature's geometry stands so to a geometry of the filter; unknown where that cannot be said."""
    if geometry is None:
        return None
    try:
        return int(SPATIAL[_OTHER_WAY[op]](_literal(literal), shapely.from_wkb(geometry)))
    except shapely.errors.ShapelyError:
        return None


_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    **{"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv},
    **{"%": operator.mod, "div": operator.floordiv, "^": operator.pow},
}


def arithmetic(op: str, left: Any, right: Any) -> float | None:
    """A real result, or null where there is none (of text, by zero, too large)."""
    if not isinstance(left, int | float) or not isinstance(right, int | float):
        return None
    try:
        found = _OPERATORS[op](float(left), float(right))
    except (ArithmeticError, ValueError):
        return None
    return found if isinstance(found, float) and abs(found) < 1.7e308 else None


FUNCTIONS: tuple[tuple[str, int, Callable[..., Any]], ...] = (
    ("casei", 1, folded),
    ("accenti", 1, unaccented),
    ("spatial", 3, spatial),
    ("arithmetic", 3, arithmetic),
)
