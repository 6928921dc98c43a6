"""A tree of `filters` as SQL of DuckDB. Every value is bound; every name is one that a `Shape` gives; nothing else gets in."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from scicity.access.sensorthings.entities import SETS, EntitySet, Wrong
from scicity.access.sensorthings.filters import COMPARISONS, Call, Literal, Node, Path, paths
from scicity.access.sensorthings.times import instant
from scicity.kernel.problems import shown

SIGNS = {"eq": "=", "ne": "IS DISTINCT FROM", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}
ARITHMETIC = {"add": "+", "sub": "-", "mul": "*", "div": "/", "mod": "%"}
JSON_STEP = re.compile(r"[^\W\d]\w*")
PARTS = {name: name for name in ("year", "month", "day", "hour", "minute", "second")}
EARLIEST, LATEST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


@dataclass
class Values:
    """The values of a query, by the names that stand for them in its text."""

    given: dict[str, Any] = field(default_factory=dict)

    def bind(self, value: Any) -> str:
        """The name that stands for a value."""
        name = f"v{len(self.given)}"
        self.given[name] = value
        return f"${name}"


@dataclass(frozen=True)
class Shape:
    """How the entities of a set lie in a relation: SQL of each property, given the alias of its row, and of its id.

    `ways` gives for a navigation the relation to look into and the condition under which its row belongs to ours.
    """

    columns: Mapping[str, Callable[[str], str]]
    ways: Mapping[str, Callable[[str, str], tuple[str, str]]] = field(default_factory=dict)


@dataclass
class Compiler:
    """Makes SQL for the entities of a set. `shapes` of all sets by name; one that is missing cannot be looked into."""

    shapes: Mapping[str, Shape]
    values: Values
    now: datetime
    option: str = "$filter"
    _aliases: int = 0

    def condition(self, node: Node, of: EntitySet, alias: str) -> str:
        """SQL that is true for the rows which an expression keeps."""
        if isinstance(node, Call) and node.name in ("and", "or"):
            return "(" + f" {node.name.upper()} ".join(self.condition(each, of, alias) for each in node.of) + ")"
        if isinstance(node, Call) and node.name == "not":
            return f"(NOT coalesce({self.condition(node.of[0], of, alias)}, false))"
        return self._through(node, of, alias)

    def value(self, node: Node, of: EntitySet, alias: str) -> str:
        """SQL of what an expression of `$orderby` gives; of a path it is that of the one entity that it leads to."""
        for path in paths(node):
            way = of.navigation(path.steps[0])
            if way is not None:
                if way.many or path is not node:
                    raise Wrong(f"{self.option}: found {'/'.join(path.steps)}; expected a path to one entity alone")
                return self._looked_up(path, of, alias)
        return self._typed(node, of, alias)[0]

    def _looked_up(self, path: Path, of: EntitySet, alias: str) -> str:
        target, table, meets, inner = self._way(path.steps[0], of, alias)
        return f"(SELECT {self.value(Path(path.steps[1:]), target, inner)} FROM {table} {inner} WHERE {meets} LIMIT 1)"

    def _way(self, name: str, of: EntitySet, alias: str) -> tuple[EntitySet, str, str, str]:
        way = of.navigation(name)
        assert way is not None  # noqa: S101  (asked for by name)
        if name not in self.shapes[of.name].ways or way.to not in self.shapes:
            raise Wrong(f"{self.option}: found a path from {of.name} through {name}, which is not supported", 501)
        self._aliases += 1
        inner = f"e{self._aliases}"
        table, meets = self.shapes[of.name].ways[name](alias, inner)
        return SETS[way.to], table, meets, inner

    def _through(self, node: Node, of: EntitySet, alias: str) -> str:
        """A comparison of what others lead to holds where one of them meets it."""
        for path in paths(node):
            if len(path.steps) > 1 and of.navigation(path.steps[0]) is not None:
                target, table, meets, inner = self._way(path.steps[0], of, alias)
                text = self._through_all(node, path.steps[0], target, inner, of, alias)
                return f"EXISTS (SELECT 1 FROM {table} {inner} WHERE {meets} AND {text})"
        text, kind = self._typed(node, of, alias)
        if kind == "json":
            return f"({text} = 'true')"
        if kind != "bool":
            raise Wrong(f"{self.option}: found an expression of the kind {kind}; expected one that is true or false")
        return text

    def _through_all(self, node: Node, name: str, target: EntitySet, inner: str, of: EntitySet, alias: str) -> str:
        """The same comparison seen from the entity further on; what it says of ours stays ours."""
        if any(path.steps[0] != name for path in paths(node)):
            raise Wrong(
                f"{self.option}: found a comparison of {name} with another entity's property, which is not supported", 501
            )
        return self._through(_shortened(node), target, inner)

    def _typed(self, node: Node, of: EntitySet, alias: str) -> tuple[str, str]:
        if isinstance(node, Literal):
            return self._literal(node)
        if isinstance(node, Path):
            return self._property(node, of, alias)
        if node.name in COMPARISONS:
            return self._compared(node, of, alias), "bool"
        if node.name in ("and", "or", "not"):
            return self.condition(node, of, alias), "bool"
        given = [self._typed(each, of, alias) for each in node.of]
        if node.name in ("add", "sub") and given[0][1] == "time":
            if given[1][1] != "duration":
                raise self._misfit(node.name, "duration", given[1][1])
            return f"({given[0][0]} {ARITHMETIC[node.name]} {given[1][0]})", "time"
        if node.name in ARITHMETIC:
            first, second = (self._as(each, "number", node.name) for each in given)
            divisor = f"nullif({second}, 0)" if node.name in ("div", "mod") else second
            return f"({first}::DOUBLE {ARITHMETIC[node.name]} {divisor})", "number"
        if node.name == "-":
            return f"(- {self._as(given[0], 'number', '-')})", "number"
        return self._function(node.name, given)

    def _literal(self, node: Literal) -> tuple[str, str]:
        if node.kind == "null":
            return "NULL", "null"
        if node.kind == "duration":
            microseconds = round(node.value.total_seconds() * 1e6)  # type: ignore[union-attr]
            return f"to_microseconds({self.values.bind(microseconds)}::BIGINT)", "duration"
        kinds = {
            "text": "VARCHAR",
            "number": "DOUBLE",
            "bool": "BOOLEAN",
            "time": "TIMESTAMPTZ",
            "date": "VARCHAR",
            "clock": "VARCHAR",
        }
        kind = "text" if node.kind in ("date", "clock") else node.kind
        return f"{self.values.bind(node.value)}::{kinds[node.kind]}", kind

    def _property(self, path: Path, of: EntitySet, alias: str) -> tuple[str, str]:
        name, *further = path.steps
        columns, told = self.shapes[of.name].columns, of.property(name)
        if name not in columns:
            if told is not None:
                raise Wrong(f"{self.option}: found {name} of {of.name}, which is not supported there", 501)
            known = ", ".join(["id", *(each.name for each in (*of.properties, *of.navigations))])
            raise Wrong(f"{self.option}: found {shown('/'.join(path.steps), 60)}; expected of {of.name} one of {known}")
        text, kind = columns[name](alias), "text" if told is None else told.kind
        if not further:
            return text, kind
        if kind != "json" or not all(JSON_STEP.fullmatch(step) for step in further):
            raise Wrong(f"{self.option}: found {shown('/'.join(path.steps), 60)}; expected no more behind {name}")
        place = self.values.bind("$" + "".join(f'."{step}"' for step in further))
        return f"json_extract_string({text}, {place}::VARCHAR)", "json"

    def _compared(self, node: Call, of: EntitySet, alias: str) -> str:
        left, right = (self._typed(each, of, alias) for each in node.of)
        if "null" in (left[1], right[1]):
            if node.name not in ("eq", "ne"):
                raise Wrong(f"{self.option}: found null behind {node.name}; expected it behind eq or ne")
            text = right[0] if left[1] == "null" else left[0]
            return f"({text} IS {'NOT ' if node.name == 'ne' else ''}NULL)"
        kind = next((each[1] for each in (left, right) if each[1] not in ("json", "text")), None)
        kind = kind or next((each[1] for each in (left, right) if each[1] == "text"), "text")
        if kind == "time":  # a time in quotes is meant as one
            sides = [self._time(each, side) for each, side in zip(node.of, (left, right), strict=True)]
        else:
            sides = [self._as(side, kind, node.name) for side in (left, right)]
        return f"({sides[0]} {SIGNS[node.name]} {sides[1]})"

    def _time(self, node: Node, side: tuple[str, str]) -> str:
        if isinstance(node, Literal) and node.kind == "text":
            try:
                return f"{self.values.bind(instant(str(node.value)))}::TIMESTAMPTZ"
            except ValueError as error:
                raise Wrong(f"{self.option}: found {shown(node.value, 40)}; expected {error}") from None
        return self._as(side, "time", "a comparison")

    def _as(self, side: tuple[str, str], kind: str, where: str) -> str:
        text, own = side
        if own == kind:
            return text
        if own == "json":
            casts = {"number": f"TRY_CAST({text} AS DOUBLE)", "bool": f"TRY_CAST({text} AS BOOLEAN)", "text": text}
            casts["time"] = f"TRY_CAST({text} AS TIMESTAMPTZ)"
            if kind in casts:
                return casts[kind]
        if own == "null":
            return "NULL"
        raise self._misfit(where, kind, own)

    def _misfit(self, where: str, expected: str, found: str) -> Wrong:
        return Wrong(f"{self.option}, {where}: found a value of the kind {found}; expected {expected}")

    def _function(self, name: str, given: list[tuple[str, str]]) -> tuple[str, str]:
        if name in ("now", "mindatetime", "maxdatetime"):
            at = {"now": self.now, "mindatetime": EARLIEST, "maxdatetime": LATEST}[name]
            return f"{self.values.bind(at)}::TIMESTAMPTZ", "time"
        if name in ("round", "floor", "ceiling"):
            return f"{name if name != 'ceiling' else 'ceil'}({self._as(given[0], 'number', name)})", "number"
        if name in PARTS or name in ("fractionalseconds", "date", "time", "totaloffsetminutes"):
            at = self._as(given[0], "time", name)
            if name in PARTS:
                return f"{PARTS[name]}({at})", "number"
            forms = {"date": ("strftime(", ", '%Y-%m-%d')", "text"), "time": ("strftime(", ", '%H:%M:%S')", "text")}
            forms["fractionalseconds"] = ("(microsecond(", ") % 1000000 / 1000000.0)", "number")
            forms["totaloffsetminutes"] = ("(0 * year(", "))", "number")  # all instants are told in UTC
            before, behind, kind = forms[name]
            return f"{before}{at}{behind}", kind
        first = self._as(given[0], "text", name)
        if name in ("length", "tolower", "toupper", "trim"):
            calls = {"length": "length", "tolower": "lower", "toupper": "upper", "trim": "trim"}
            return f"{calls[name]}({first})", "number" if name == "length" else "text"
        if name == "substring":  # counts from 0
            whole = [f"({self._as(each, 'number', name)})::BIGINT" for each in given[1:]]
            return f"substr({', '.join([first, f'{whole[0]} + 1', *whole[1:]])})", "text"
        second = self._as(given[1], "text", name)
        if name == "concat":
            return f"({first} || {second})", "text"
        if name == "indexof":
            return f"(strpos({first}, {second}) - 1)", "number"
        if name == "substringof":
            return f"contains({second}, {first})", "bool"
        return f"{'starts_with' if name == 'startswith' else 'ends_with'}({first}, {second})", "bool"


def _shortened(node: Node) -> Node:
    if isinstance(node, Path):
        return Path(node.steps[1:])
    return Call(node.name, tuple(_shortened(each) for each in node.of)) if isinstance(node, Call) else node


def shortened(node: Node, way: str) -> Node | None:
    """An expression of nothing but what a way leads to, as the entity there sees it; None for any other expression."""
    found = paths(node)
    return _shortened(node) if found and all(len(p.steps) > 1 and p.steps[0] == way for p in found) else None
