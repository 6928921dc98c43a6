"""CQL2 (OGC 21-065r2) as JSON to the same tree as its text (`cql2.py`), with limits."""

from __future__ import annotations

import json
from typing import Any

import shapely

from scicity.space.cql2 import (
    DEEPEST,
    LONGEST,
    MOST_CALLS,
    MOST_NODES,
    BadFilter,
    Call,
    Interval,
    Items,
    Literal,
    Node,
    Property,
    box,
    day,
    geometry,
    instant,
    moment,
)


def of_json(text: str) -> Node:
    """The tree of a filter in the JSON form. Raises BadFilter with the path to what is wrong."""
    if len(text) > LONGEST:
        raise BadFilter("filter", f"{len(text)} characters", f"at most {LONGEST}")
    try:
        told = json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise BadFilter("filter", "too deep a JSON text", f"at most {DEEPEST} levels") from None
    except ValueError as error:
        raise BadFilter("filter", error, "a JSON text") from None
    return _Json().node(told, "filter", 0)


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no number of JSON")


class _Json:
    def __init__(self) -> None:
        self.nodes = self.calls = 0

    def node(self, told: Any, place: str, deep: int) -> Node:
        self.nodes += 1
        if deep > DEEPEST or self.nodes > MOST_NODES:
            raise BadFilter(place, "more of it", f"at most {DEEPEST} levels and {MOST_NODES} parts")
        if isinstance(told, dict):
            return self.of_object(told, place, deep)
        if isinstance(told, list):
            return Items(tuple(self.node(each, f"{place}[{n}]", deep + 1) for n, each in enumerate(told)), place)
        if isinstance(told, bool):
            return Literal(told, "bool", place)
        if isinstance(told, int | float):
            if abs(told) > 1.7e308:
                raise BadFilter(place, told, "a number that can be held")
            return Literal(told if isinstance(told, float) or abs(told) < 2**53 else float(told), "number", place)
        return Literal(told, "null" if told is None else "text", place)

    def of_object(self, told: dict[str, Any], place: str, deep: int) -> Node:
        if "op" in told:
            op, args = told["op"], told.get("args")
            if not isinstance(op, str) or not isinstance(args, list):
                raise BadFilter(place, told, 'an object as {"op": "=", "args": [… , …]}')
            self.calls += max(1, len(args) - 1)
            if self.calls > MOST_CALLS:
                raise BadFilter(place, f"more than {MOST_CALLS} operators", "fewer")
            given = tuple(self.node(each, f"{place}.args[{n}]", deep + 1) for n, each in enumerate(args))
            return Call(op.lower(), given, place)
        if isinstance(told.get("property"), str):
            return Property(told["property"], place)
        if isinstance(told.get("date"), str):
            return day(told["date"], f"{place}.date")
        if isinstance(told.get("timestamp"), str):
            return instant(told["timestamp"], f"{place}.timestamp")
        if isinstance(told.get("interval"), list) and len(told["interval"]) == 2:
            first, last = (self.moment(each, f"{place}.interval[{n}]") for n, each in enumerate(told["interval"]))
            return Interval(first, last, place)
        if isinstance(told.get("bbox"), list):
            if not all(isinstance(each, int | float) and not isinstance(each, bool) for each in told["bbox"]):
                raise BadFilter(f"{place}.bbox", told["bbox"], "numbers")
            return box([float(each) for each in told["bbox"]], f"{place}.bbox")
        if isinstance(told.get("type"), str) and ("coordinates" in told or "geometries" in told):
            text = json.dumps(told)
            try:
                return geometry(shapely.from_geojson(text), text, place)
            except shapely.errors.ShapelyError as error:
                raise BadFilter(place, text, f"a geometry as GeoJSON ({str(error)[:80]})") from None
        raise BadFilter(place, json.dumps(told), "an operator, a property, a date, a timestamp, an interval or a geometry")

    def moment(self, told: Any, place: str) -> Literal | Property | None:
        if isinstance(told, str):
            return moment(told, place)
        if isinstance(told, dict):
            node = self.of_object(told, place, 0)
            if isinstance(node, Property) or (isinstance(node, Literal) and node.kind in ("date", "timestamp")):
                return node
        raise BadFilter(place, told, 'a text with an instant, a date or "..", or a property')
