"""GeoJSON (RFC 7946) and GeoJSON text sequences (RFC 8142): features as they stand, with their own ids and properties.

A large file is mapped, and its features are found without being built; then some thousand at a time are. GeoJSON is read here
and not by GDAL, which renumbers doubled ids and rewrites dates.
"""

from __future__ import annotations

import mmap
import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
import pyarrow as pa
import shapely

from scicity.kernel.problems import Problems
from scicity.space.formats import AT_ONCE, LONGEST, Asked, Gathering, Opened

COLLECTIONS, SEQUENCES = (".geojson",), (".geojsonl", ".geojsons", ".geojsonseq", ".ndgeojson")
SUFFIXES = (*COLLECTIONS, *SEQUENCES)
MAPPED = 32 << 20  # bytes from which a file is mapped and not read
RECORD = b"\x1e"
LONGITUDE_FIRST = "OGC:CRS84"
Position = Annotated[list[float], msgspec.Meta(min_length=2)]


class Point(msgspec.Struct, tag=True, gc=False):
    coordinates: list[float]  # empty: a point that is nowhere


class LineString(msgspec.Struct, tag=True, gc=False):
    coordinates: list[Position]


class Polygon(msgspec.Struct, tag=True, gc=False):
    coordinates: list[list[Position]]


class MultiPoint(msgspec.Struct, tag=True, gc=False):
    coordinates: list[Position]


class MultiLineString(msgspec.Struct, tag=True, gc=False):
    coordinates: list[list[Position]]


class MultiPolygon(msgspec.Struct, tag=True, gc=False):
    coordinates: list[list[list[Position]]]


class GeometryCollection(msgspec.Struct, tag=True, gc=False):
    geometries: list[Point | LineString | Polygon | MultiPoint | MultiLineString | MultiPolygon | GeometryCollection]


Geometry = Point | LineString | Polygon | MultiPoint | MultiLineString | MultiPolygon | GeometryCollection
# number in WKB, levels of lists above a position, and what the parts are
KINDS: dict[type, tuple[int, int, type | None]] = {
    Point: (1, 0, None),
    LineString: (2, 1, None),
    Polygon: (3, 2, None),
    MultiPoint: (4, 1, Point),
    MultiLineString: (5, 2, LineString),
    MultiPolygon: (6, 3, Polygon),
}


class Feature(msgspec.Struct, gc=False):
    """A feature as it stands; a member `crs` of its own would be another system than its file's."""

    type: str
    geometry: Geometry | None
    properties: dict[str, Any] | None = None
    id: str | int | float | None = None
    crs: Any = None


class Collection(msgspec.Struct):
    """A collection, its features unread."""

    type: str
    features: list[msgspec.Raw]
    crs: Any = msgspec.UNSET


FEATURE = msgspec.json.Decoder(Feature)


AT_BYTE = re.compile(r"\(byte (\d+)\)")  # as msgspec tells where it gave up


def read(file: Path, place: str, asked: Asked, problems: Problems) -> Opened | None:
    """A collection, or a sequence with a feature a line (or behind each record separator)."""
    if file.name.lower().endswith(SEQUENCES):
        return Opened(LONGITUDE_FIRST, _batches(_records(file, place, problems), place, asked, problems), ordered=True)
    whole = _bytes_of(file)
    body = memoryview(whole)[3:] if whole[:3] == b"\xef\xbb\xbf" else whole
    try:
        found = msgspec.json.decode(body, type=Collection)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        code, expected = (
            ("encoding", "UTF-8") if _is_no_text(bytes(whole[:4096])) else ("syntax", "a GeoJSON FeatureCollection")
        )
        at = AT_BYTE.search(str(error))
        row = bytes(body[: int(at[1])]).count(b"\n") + 1 if at else None
        problems.add(code, place, row, found=error, expected=expected)
        return None
    if found.type != "FeatureCollection":
        problems.add("syntax", place, found=found.type, expected="a GeoJSON FeatureCollection")
        return None
    mapped = whole if isinstance(whole, mmap.mmap) else None
    return Opened(_crs_of(found.crs), _batches(found.features, place, asked, problems, mapped), ordered=True)


def _bytes_of(file: Path) -> bytes | mmap.mmap:
    with file.open("rb") as opened:
        if file.stat().st_size <= MAPPED:
            return opened.read()
        return mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)


def _is_no_text(head: bytes) -> bool:
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return error.start < len(head) - 4 or len(head) < 4096
    return b"\x00" in head


def _crs_of(member: Any) -> Any:
    """The CRS of a collection: WGS 84 without the member `crs` (RFC 7946), else what it names (GeoJSON of 2008)."""
    if member is msgspec.UNSET:
        return LONGITUDE_FIRST
    properties = member.get("properties") if isinstance(member, dict) else None
    name = properties.get("name") if isinstance(properties, dict) else None
    return name if isinstance(name, str) else None


def _records(file: Path, place: str, problems: Problems) -> Iterator[bytes]:
    """The features of a sequence: a line each, or what stands between record separators."""
    with file.open("rb") as opened:
        separated = opened.read(4).lstrip(b"\xef\xbb\xbf \r\n").startswith(RECORD)
        opened.seek(0)
        rest = b""
        while block := opened.read(1 << 20):
            rest += block
            *whole, rest = rest.split(RECORD if separated else b"\n")
            yield from (record.strip(b"\xef\xbb\xbf \t\r\n\x1e") for record in whole)
            if len(rest) > LONGEST:
                problems.add("too-large", place, found="a feature without end", expected=f"at most {LONGEST} bytes a feature")
                return
        yield rest.strip(b"\xef\xbb\xbf \t\r\n\x1e")


def _batches(
    records: Iterable[Any], place: str, asked: Asked, problems: Problems, mapped: mmap.mmap | None = None
) -> Iterator[pa.RecordBatch]:
    gathered, geometry, number = Gathering(asked.names), list[Geometry | None](), 0
    for record in records:
        if not len(memoryview(record)):
            continue
        number += 1
        feature = _feature(record, number, place, problems)
        if feature is not None:
            id_ = None if feature.id is None else str(feature.id)
            gathered.add(number, id_, feature.properties or {})
            geometry.append(feature.geometry)
        if len(geometry) == AT_ONCE:
            yield gathered.batch(wkb_of(geometry))
            geometry.clear()
            if mapped is not None:
                mapped.madvise(mmap.MADV_DONTNEED)  # pages that were read need not stay
    if geometry:
        yield gathered.batch(wkb_of(geometry))


def _feature(record: Any, number: int, place: str, problems: Problems) -> Feature | None:
    try:
        feature = FEATURE.decode(record)
    except (msgspec.ValidationError, RecursionError) as error:
        told = str(error)
        at = told.partition("at `$.")[2].rstrip("`")
        code = "geometry" if at.startswith("geometry") or "`geometry`" in told else "syntax"
        expected = "a GeoJSON geometry: " + ", ".join(kind.__name__ for kind in KINDS)
        problems.add(
            code, place, number, at or None, found=told, expected=expected if code == "geometry" else "a GeoJSON feature"
        )
        return None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        code = "encoding" if isinstance(error, UnicodeDecodeError) else "syntax"
        problems.add(code, place, number, found=error, expected="UTF-8" if code == "encoding" else "a GeoJSON feature")
        return None
    if feature.type != "Feature":
        problems.add("syntax", place, number, "type", found=feature.type, expected="Feature")
        return None
    if feature.crs is not None:
        expected = "one coordinate reference system, that of the file"
        problems.add("geometry", place, number, "crs", found="mixed-crs", expected=expected)
        return None
    return feature


# --- geometry as well-known binary ---


def wkb_of(geometry: Sequence[Geometry | None]) -> pa.Array:
    """Geometries as WKB, columnar where they are regular; what is broken is kept as it is, to be told of."""
    found = np.full(len(geometry), None, dtype=object)
    kinds: dict[type, list[int]] = {}
    for at, each in enumerate(geometry):
        if each is not None:
            kinds.setdefault(type(each), []).append(at)
    for kind, places in kinds.items():
        chosen = [geometry[at] for at in places]
        regular = _regular(kind, chosen) if kind in KINDS else None
        found[places] = [_wkb(each) for each in chosen] if regular is None else regular
    return pa.array(found, pa.binary())


def _regular(kind: type, geometry: Sequence[Any]) -> np.ndarray | None:
    """WKB of geometries of one kind by columns; None where one is not regular: of mixed dimensions, unclosed, too short."""
    _, levels, _ = KINDS[kind]
    parts: list[Any] = [each.coordinates for each in geometry]
    offsets = []
    for _ in range(levels):
        lengths = np.fromiter(map(len, parts), np.int64, len(parts))
        if not lengths.all():
            return None
        offsets.append(np.append(0, np.cumsum(lengths)))
        parts = list(chain.from_iterable(parts))
    if len(set(map(len, parts))) != 1 or len(parts[0]) not in (2, 3):
        return None
    at = np.array(parts, dtype=float)
    if kind in (Polygon, MultiPolygon):
        first, last = offsets[-1][:-1], offsets[-1][1:] - 1
        if (last - first < 3).any() or (at[first] != at[last]).any():
            return None
    try:
        built = shapely.from_ragged_array(shapely.GeometryType[kind.__name__.upper()], at, tuple(reversed(offsets)) or None)
    except (shapely.GEOSException, ValueError):
        return None
    wkb: np.ndarray = shapely.to_wkb(built, output_dimension=at.shape[1])
    return wkb


def _wkb(geometry: Any) -> bytes:
    """One geometry as WKB just as it stands, closed or not."""
    if isinstance(geometry, GeometryCollection):
        return struct.pack("<BII", 1, 7, len(geometry.geometries)) + b"".join(map(_wkb, geometry.geometries))
    code, levels, part = KINDS[type(geometry)]
    if part is not None:
        inner = [_wkb(part(coordinates)) for coordinates in geometry.coordinates]
        return struct.pack("<BII", 1, code, len(inner)) + b"".join(inner)
    parts = geometry.coordinates
    positions = [parts] if levels == 0 else parts if levels == 1 else list(chain.from_iterable(parts))
    width = 3 if any(len(position) > 2 for position in positions) else 2
    nothing = [float("nan")] * width

    def packed(some: Sequence[Sequence[float]]) -> bytes:
        return b"".join(struct.pack(f"<{width}d", *(*position, *nothing)[:width]) for position in some)

    head = struct.pack("<BI", 1, code + (1000 if width == 3 else 0))
    if levels == 0:
        return head + packed(positions)
    if levels == 1:
        return head + struct.pack("<I", len(positions)) + packed(positions)
    return head + struct.pack("<I", len(parts)) + b"".join(struct.pack("<I", len(ring)) + packed(ring) for ring in parts)
