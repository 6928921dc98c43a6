"""Features as GeoJSON text, many at a time: geometries by GEOS, properties as they are stored; and features of clients read.

RFC 7946; of another CRS than CRS84 as OGC 17-069r4 and 18-058r1 have it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
import shapely

from scicity.space.served import Served

PROPERTIES = (
    *("name_zh", "name_en", "feature_class", "stratum", "elevation", "height", "depth", "valid_from", "valid_to", "origin"),
)  # fmt: skip
SOURCE = "source"
RESTRICTED = "restricted_to"
COLUMNS = ("feature", "geometry", "details", *PROPERTIES, SOURCE, RESTRICTED)  # what `texts` needs of an index, in this order
TIMES = (PROPERTIES.index("valid_from"), PROPERTIES.index("valid_to"))
NUMBERS = ("elevation", "height", "depth")
ASIDE = "details."  # before a property of the file that is named as a column of ours
DEEPEST, MOST_PROPERTIES, LONGEST_TEXT, MOST_POSITIONS = 12, 200, 20_000, 100_000
TYPES = {"Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon", "GeometryCollection"}
_encoder = msgspec.json.Encoder()


class BadFeature(Exception):  # noqa: N818  (reads as what happened)
    """What a client sent is no feature: the field, what was found, what was expected."""

    def __init__(self, field: str, found: object, expected: str) -> None:
        told = str(found)
        super().__init__(f"{field}: found {told[:60]!r}; expected {expected}")


def texts(rows: Sequence[tuple[Any, ...]], crs: Served, *, restricted: bool = False) -> list[bytes]:
    """Features as JSON text, from rows of `COLUMNS`; `restricted`: with the roles to which a row is restricted."""
    if not rows:
        return []
    geometries = shapely.from_wkb([row[1] for row in rows])
    shapes = shapely.to_geojson(crs.of_wgs84(np.asarray(geometries, dtype=object))).tolist()
    encode, found = _encoder.encode, []
    last = len(COLUMNS) if restricted else len(COLUMNS) - 1
    names = COLUMNS[3:last]
    for row, shape in zip(rows, shapes, strict=True):
        told = dict(zip(names, row[3:last], strict=True))
        if told["valid_from"] is not None:
            told["valid_from"] = moment(told["valid_from"])
        if told["valid_to"] is not None:
            told["valid_to"] = moment(told["valid_to"])
        properties = encode(told)
        if row[2]:
            details = row[2].encode()
            if len(details) > 2:
                properties = properties[:-1] + b"," + _apart(details)[1:]
        text = shape.encode() if shape is not None else b"null"
        found.append(b'{"type":"Feature","id":%b,"geometry":%b,"properties":%b}' % (encode(row[0]), text, properties))
    return found


_OURS = tuple(f'"{name}":'.encode() for name in (*PROPERTIES, SOURCE, RESTRICTED))


def _apart(details: bytes) -> bytes:
    """Properties of a file with those that are named as columns of ours named otherwise."""
    if not any(name in details for name in _OURS):
        return details
    told = json.loads(details)
    taken = {*PROPERTIES, SOURCE, RESTRICTED}
    return _encoder.encode({(ASIDE + name if name in taken else name): value for name, value in told.items()})


def moment(micros: int) -> str:
    """Microseconds since 1970 as an instant of RFC 3339."""
    found = datetime.fromtimestamp(micros // 1_000_000, UTC).replace(microsecond=micros % 1_000_000)
    return found.isoformat().replace("+00:00", "Z")


def collection(features: Sequence[bytes], head: Mapping[str, Any]) -> bytes:
    """A FeatureCollection with `links`, `numberMatched` …"""
    return b'{"type":"FeatureCollection","features":[%b],%b' % (b",".join(features), _encoder.encode(head)[1:])


def lines(rows: Iterator[Sequence[tuple[Any, ...]]], crs: Served) -> Iterator[bytes]:
    """Features as a sequence of GeoJSON texts, one a line, some thousand at a time."""
    for part in rows:
        yield b"".join(text + b"\n" for text in texts(part, crs))


# --- what clients send ---


def feature_of(payload: bytes, *, patch: bool = False) -> dict[str, Any]:
    """A feature that a client sent: an object with `type`, `geometry` (a dict or None) and `properties`; of a patch the parts
    that it changes. Raises BadFeature."""
    try:
        told = json.loads(payload, parse_constant=_no_constant)
    except RecursionError:
        raise BadFeature("the body", "objects too deep within one another", f"at most {DEEPEST} levels of properties") from None
    except (ValueError, UnicodeDecodeError) as error:
        raise BadFeature("the body", error, "a JSON text in UTF-8") from None
    if not isinstance(told, dict):
        raise BadFeature("the body", type(told).__name__, "an object")
    if told.get("type", "Feature" if patch else None) != "Feature":
        raise BadFeature("type", told.get("type"), "Feature")
    if not patch and ("geometry" not in told or "properties" not in told):
        raise BadFeature("the body", ", ".join(told)[:60], "geometry and properties")
    properties = told.get("properties", {})
    if properties is None:
        properties = told["properties"] = {}
    if not isinstance(properties, dict):
        raise BadFeature("properties", properties, "an object")
    if len(properties) > MOST_PROPERTIES:
        raise BadFeature("properties", f"{len(properties)} of them", f"at most {MOST_PROPERTIES}")
    for name, value in properties.items():
        _check(f"properties.{name[:60]}", name, value)
    return told


def _check(place: str, name: str, value: Any) -> None:
    if not name or len(name) > 100 or "\0" in name:
        raise BadFeature("properties", name, "names of 1 to 100 characters")
    waiting = [(value, 0)]
    while waiting:
        each, deep = waiting.pop()
        if deep > DEEPEST:
            raise BadFeature(place, "objects within one another", f"at most {DEEPEST} levels")
        if isinstance(each, str) and (len(each) > LONGEST_TEXT or "\0" in each or not _is_text(each)):
            raise BadFeature(place, each[:40], f"text of at most {LONGEST_TEXT} characters")
        if isinstance(each, int | float) and not isinstance(each, bool) and not (abs(each) < 1.7e308):
            raise BadFeature(place, each, "a number that can be held")
        if isinstance(each, dict):
            waiting += [(part, deep + 1) for pair in each.items() for part in pair]
        if isinstance(each, list):
            waiting += [(part, deep + 1) for part in each]


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True


def geometry_of(told: Any, crs: Served) -> Any:
    """A geometry that a client sent, in WGS 84. Raises BadFeature where it is none, empty, not valid, or not on the earth."""
    if not isinstance(told, dict) or told.get("type") not in TYPES:
        raise BadFeature("geometry", told, "an object of a type of GeoJSON")
    text = json.dumps(told)
    try:
        found = shapely.from_geojson(text)
    except shapely.errors.ShapelyError as error:
        raise BadFeature("geometry", text, f"a geometry of GeoJSON ({str(error)[:80]})") from None
    if found is None or found.is_empty:
        raise BadFeature("geometry", text, "a geometry that is not empty")
    if shapely.get_num_coordinates(found) > MOST_POSITIONS:
        raise BadFeature("geometry", f"{shapely.get_num_coordinates(found)} positions", f"at most {MOST_POSITIONS}")
    try:
        there = crs.to_wgs84(found)
    except ValueError as error:
        raise BadFeature("geometry", text, str(error)) from None
    if not there.is_valid:
        raise BadFeature("geometry", text, f"a valid geometry: {shapely.is_valid_reason(there)[:80]}")
    if shapely.has_z(there) and not all(math.isfinite(z) for z in shapely.get_coordinates(there, include_z=True)[:, 2]):
        raise BadFeature("geometry", text, "heights that are numbers")
    return there


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no number of JSON")
