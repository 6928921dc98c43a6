"""What lies in a drawn area: a table of the first features, or all of them as a file."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import shapely

from scicity.cockpit.city import OpenCity
from scicity.cockpit.map.layers import index_of
from scicity.space.index import Query
from scicity.space.register import Spec

COLUMNS = (
    *("feature", "name_zh", "name_en", "feature_class", "stratum", "elevation", "height", "depth", "valid_from", "valid_to"),
    *("origin", "source", "details", "geometry"),
)
LISTED, EXPORTED = 500, 50_000  # features
CORNERS = 2_000  # of a drawn area
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what spreadsheets take for the beginning of one
LONGEST = 200_000  # characters of what is asked


class Unclear(ValueError):  # noqa: N818  (reads as what happened)
    """What was asked cannot be understood; says what was expected."""


@dataclass(frozen=True)
class Asked:
    """An area of degrees, layers by name, and the day whose features are meant (None: all)."""

    area: Any
    layers: tuple[str, ...]
    day: date | None


def asked(text: str, city: OpenCity) -> Asked:
    """What a page asks, as JSON: `area` (corners), `layers`, `day` (20260101). Raises Unclear."""
    if len(text) > LONGEST:
        raise Unclear(f"at most {LONGEST} characters")
    try:
        told = json.loads(text)
        corners = [(float(x), float(y)) for x, y in told["area"]]
        layers = tuple(str(each) for each in told["layers"])
        day = day_of(told.get("day"))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Unclear("area: corners as [longitude, latitude]; layers: names; day: 20260101 or null") from error
    inside = all(math.isfinite(x) and math.isfinite(y) and -180 <= x <= 180 and -90 <= y <= 90 for x, y in corners)
    if not (3 <= len(corners) <= CORNERS and inside):
        raise Unclear(f"3 to {CORNERS} corners, longitude -180 to 180, latitude -90 to 90")
    area = shapely.Polygon(corners)
    area = area if area.is_valid else shapely.make_valid(area)
    if area.area == 0:
        raise Unclear("an area")
    return Asked(area, layers, day)


def day_of(number: Any) -> date | None:
    """A day such as 20260101. Raises ValueError."""
    if number is None or number == "":
        return None
    number = int(number)
    return date(number // 10_000, number // 100 % 100, number % 100)


def instant_of(city: OpenCity, day: date | None) -> datetime | None:
    """The first instant of a day of the district."""
    return None if day is None else datetime.fromtimestamp(city.district.calendar.instant(day) / 1e6, UTC)


def rows_in(
    city: OpenCity, wanted: Asked, specs: Mapping[str, Spec], roles: frozenset[str] | None, most: int
) -> tuple[list[tuple[Spec, dict[str, Any]]], dict[str, int]]:
    """The features of layers in an area, `most` at most, and how many there are in each layer."""
    moment = instant_of(city, wanted.day)
    during = None if moment is None else (moment, moment)
    found: list[tuple[Spec, dict[str, Any]]] = []
    counts: dict[str, int] = {}
    shapely.prepare(wanted.area)
    for name in dict.fromkeys(wanted.layers):
        spec = specs.get(name)
        index = index_of(city, name) if spec else None
        if spec is None or index is None or index.about("version") is None:
            continue
        rows = index.find(Query(bbox=wanted.area.bounds, during=during, seen=roles), COLUMNS)
        hit = shapely.intersects(wanted.area, shapely.from_wkb(np.array([row[-1] for row in rows], object)))
        inside = np.flatnonzero(hit)
        counts[name] = len(inside)
        found += [(spec, dict(zip(COLUMNS, rows[at], strict=True))) for at in inside[: most - len(found)]]
    return found, counts


def instants(city: OpenCity, row: Mapping[str, Any]) -> dict[str, str | None]:
    """The validity of a feature as ISO text, UTC."""
    return {
        name: None if row[name] is None else datetime.fromtimestamp(row[name] / 1e6, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        for name in ("valid_from", "valid_to")
    }


def as_geojson(city: OpenCity, rows: Sequence[tuple[Spec, dict[str, Any]]]) -> Iterator[bytes]:
    """A file of GeoJSON, a feature a line; attributes as the layer has them, details among them."""
    yield b'{"type":"FeatureCollection","features":[\n'
    for at, (spec, row) in enumerate(rows):
        told = {name: row[name] for name in COLUMNS if name not in ("details", "geometry", "valid_from", "valid_to")}
        told = json.loads(row["details"] or "{}") | {"layer": spec.layer, **told, **instants(city, row)}
        told |= {"licence": spec.licence or "", "source": row["source"] or spec.source or ""}
        properties = json.dumps(told, ensure_ascii=False)
        geometry = shapely.to_geojson(shapely.from_wkb(row["geometry"]))
        comma = ",\n" if at else ""
        yield f'{comma}{{"type":"Feature","geometry":{geometry},"properties":{properties}}}'.encode()
    yield b"\n]}\n"


def as_csv(city: OpenCity, rows: Sequence[tuple[Spec, dict[str, Any]]]) -> Iterator[bytes]:
    """A table for spreadsheets: a text that one would take for a formula has ' before it; geometry as WKT."""
    names = ["layer", *(name for name in COLUMNS if name != "geometry"), "licence", "geometry"]
    yield b"\xef\xbb\xbf" + _line(names)
    for spec, row in rows:
        told = row | instants(city, row) | {"layer": spec.layer, "licence": spec.licence or ""}
        told["geometry"] = shapely.to_wkt(shapely.from_wkb(row["geometry"]), rounding_precision=7)
        yield _line([_safe(told[name]) for name in names])


def _safe(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _line(cells: Sequence[Any]) -> bytes:
    written = io.StringIO()
    csv.writer(written).writerow(cells)
    return written.getvalue().encode()
