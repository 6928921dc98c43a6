"""The ground of a stand-in district: a grid of streets, rivers, and what each piece of land is used for, in time.

Everything is schematic: the zones' areas and figures are the report's, the rest follows from the rules that SOURCES.md tells.
Lengths are in metres in a plane that touches the district; places are written on a grid of a millionth of a degree (0.1 m),
on which the faces are formed, so that neighbours share their edges and the parcels cover the district without gap or overlap.
"""

from __future__ import annotations

import json
import math
import zlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry

DEGREE = 111_320.0  # [m] of latitude, as the schematic zones were drawn
MICRO = 1_000_000  # of a degree
SMALLEST = 300.0  # [m**2]: what a river leaves of a block below it belongs to the river

Place = tuple[float, float]
Box = tuple[float, float, float, float]


def wobble(*name: object) -> float:
    """A number from 0 to 1 that looks like chance and is the same on every machine."""
    return zlib.crc32(" ".join(str(part) for part in name).encode()) / 2**32


@dataclass(frozen=True)
class Zone:
    """A zone: its box [m], and the figures of the report."""

    zone: str
    box: Box
    area: float
    construction: float
    residents: int
    uses: tuple[tuple[str, float], ...]  # kind of block: its share of the blocks that are built on


@dataclass(frozen=True)
class River:
    """A course with the width of its bed [m]."""

    feature: str
    name_zh: str
    name_en: str
    course: tuple[Place, ...]
    width: float


@dataclass(frozen=True)
class Town:
    """What a district's stand-in is drawn from."""

    folder: Path
    west: float  # [degree]: the origin of the plane
    south: float
    zones: tuple[Zone, ...]
    columns: tuple[float, ...]  # lines of the grid [m], the outer ones are the district's edge
    rows: tuple[float, ...]
    arterial_columns: frozenset[int]
    arterial_rows: frozenset[int]
    rivers: tuple[River, ...]
    lakes: tuple[tuple[str, str, str, Box], ...]  # feature, names, box of an ellipse
    starts: tuple[Place, ...]  # from where the district was built
    held: dict[str, tuple[Place, str]]  # registered building: its place, kind of its block
    registered: tuple[tuple[str, str, float, str], ...] = ()  # parcel, zone, area, building or kind of block
    kept: dict[tuple[int, int], str] = field(default_factory=dict)  # blocks whose kind a site decides
    open: frozenset[tuple[int, int]] = frozenset()  # blocks that are never built on: parks of the report
    halves: bool = False  # blocks of two parcels, side by side, in place of four

    @cached_property
    def across(self) -> float:
        """Metres of a degree of longitude."""
        return DEGREE * math.cos(math.radians(self.south))

    def micro(self, place: Sequence[float]) -> tuple[int, int]:
        """A place on the grid of millionths of a degree."""
        x, y = place[0], place[1]
        return round((self.west + x / self.across) * MICRO), round((self.south + y / DEGREE) * MICRO)

    def metres(self, place: Sequence[float]) -> Place:
        """The place [m] of millionths of a degree."""
        return (place[0] / MICRO - self.west) * self.across, (place[1] / MICRO - self.south) * DEGREE

    def zone_of(self, place: Place) -> Zone:
        """The zone that holds a place."""
        x, y = place
        return next(z for z in self.zones if z.box[0] - 1 <= x <= z.box[2] + 1 and z.box[1] - 1 <= y <= z.box[3] + 1)

    def ground(self, place: Place) -> float:
        """Metres above sea level: a plain that falls to the south-east, with low waves."""
        x, y = place
        return round(38 - x * 0.0006 + y * 0.0009 + 1.5 * math.sin(x / 900) * math.cos(y / 700), 2)

    @cached_property
    def water(self) -> dict[str, BaseGeometry]:
        """Rivers and lakes [m], a river without what a lake covers."""
        lakes = {name: ellipse(box) for name, _, _, box in self.lakes}
        frame = shapely.box(self.columns[0], self.rows[0], self.columns[-1], self.rows[-1])
        found: dict[str, BaseGeometry] = dict(lakes)
        for river in self.rivers:
            bed = shapely.LineString(river.course).buffer(river.width / 2, cap_style="flat", join_style="mitre")
            taken = shapely.union_all(list(found.values())) if found else shapely.Polygon()
            found[river.feature] = bed.intersection(frame).difference(taken)
        return found


def ellipse(box: Box, corners: int = 24) -> BaseGeometry:
    """An ellipse within a box."""
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    turns = [2 * math.pi * step / corners for step in range(corners)]
    return shapely.Polygon([(x + (box[2] - x) * math.cos(turn), y + (box[3] - y) * math.sin(turn)) for turn in turns])


Cell = tuple[int, int]


class Ground:
    """Blocks, streets between them, and the faces of land: what the layers are drawn from."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.cells = [(i, j) for i in range(len(town.columns) - 1) for j in range(len(town.rows) - 1)]
        self.all_water = shapely.union_all(list(town.water.values())) if town.water else shapely.Polygon()
        self.widths: dict[tuple[bool, int, int], float] = {}
        self.kinds = self._kinds()
        self.splits = {cell: self._split(cell) for cell in self.cells}
        self.built = {cell: self._year(cell) for cell in self.cells}
        self.faces = self._faces()

    def box(self, cell: Cell) -> Box:
        """The block [m] between the middles of its streets."""
        i, j = cell
        return self.town.columns[i], self.town.rows[j], self.town.columns[i + 1], self.town.rows[j + 1]

    def middle(self, cell: Cell) -> Place:
        """The middle [m] of a block."""
        west, south, east, north = self.box(cell)
        return (west + east) / 2, (south + north) / 2

    def cell_at(self, place: Place) -> Cell:
        """The block that holds a place."""
        i = sum(line <= place[0] for line in self.town.columns) - 1
        j = sum(line <= place[1] for line in self.town.rows) - 1
        return min(max(i, 0), len(self.town.columns) - 2), min(max(j, 0), len(self.town.rows) - 2)

    def urban(self, cell: Cell) -> bool:
        """Whether a block is built on (in 2035 at the latest); what lies outside of the district is not."""
        return self.kinds.get(cell, "green") != "green"

    def _kinds(self) -> dict[Cell, str]:
        """What each block is for: as many are built on as the report prints of construction land, first those off the water."""
        town, kinds = self.town, {}
        held = {self.cell_at(place): kind for place, kind in town.held.values()} | town.kept
        for zone in town.zones:
            mine = [cell for cell in self.cells if town.zone_of(self.middle(cell)) is zone]
            dry = {cell: shapely.Point(self.middle(cell)).distance(self.all_water) for cell in mine}
            order = sorted(mine, key=lambda c: (c not in held, -min(dry[c], 900) - 700 * wobble("dry", *c), c))
            left, chosen = zone.construction, []
            for cell in order:
                west, south, east, north = self.box(cell)
                if cell in town.open:
                    continue
                if left < (east - west) * (north - south) / 2:
                    break
                left -= (east - west) * (north - south)
                chosen.append(cell)
            free = [cell for cell in chosen if cell not in held]
            free.sort(key=lambda c: (round(3 * wobble("near", c[0] // 3, c[1] // 3)), wobble("use", *c), c))
            ends, total = [], 0.0
            for kind, share in zone.uses:
                total += share
                ends.append((total, kind))
            whole = ends[-1][0]
            for number, cell in enumerate(free):
                kinds[cell] = next(kind for end, kind in ends if (number + 0.5) / len(free) * whole <= end)
            kinds |= {cell: held.get(cell, kinds.get(cell, "green")) for cell in mine}
        return kinds

    def street(self, upright: bool, line: int, at: int) -> float:
        """Half the width [m] of the street on a piece of a line of the grid; 0 where there is none."""
        key = (upright, line, at)
        if key not in self.widths:
            self.widths[key] = self._street(upright, line, at)
        return self.widths[key]

    def _street(self, upright: bool, line: int, at: int) -> float:
        town = self.town
        lines, arterials = (town.columns, town.arterial_columns) if upright else (town.rows, town.arterial_rows)
        if line in (0, len(lines) - 1):
            return 0.0
        beside = ((line - 1, at), (line, at)) if upright else ((at, line - 1), (at, line))
        if line in arterials:
            return 20.0
        if not any(self.urban(cell) for cell in beside) or self.piece(upright, line, at).intersects(self.all_water):
            return 0.0
        return 10.0

    def piece(self, upright: bool, line: int, at: int) -> shapely.LineString:
        """The piece [m] of a line of the grid between two lines that cross it."""
        town = self.town
        if upright:
            return shapely.LineString([(town.columns[line], town.rows[at]), (town.columns[line], town.rows[at + 1])])
        return shapely.LineString([(town.columns[at], town.rows[line]), (town.columns[at + 1], town.rows[line])])

    def pieces(self) -> Iterable[tuple[bool, int, int, float]]:
        """Every piece of a street: upright, line, place along it, half its width."""
        for line in range(len(self.town.columns)):
            for at in range(len(self.town.rows) - 1):
                if half := self.street(True, line, at):
                    yield True, line, at, half
        for line in range(len(self.town.rows)):
            for at in range(len(self.town.columns) - 1):
                if half := self.street(False, line, at):
                    yield False, line, at, half

    def inner(self, cell: Cell) -> Box:
        """A block [m] without its streets."""
        i, j = cell
        west, south, east, north = self.box(cell)
        return (
            west + self.street(True, i, j), south + self.street(False, j, i),
            east - self.street(True, i + 1, j), north - self.street(False, j + 1, i),
        )  # fmt: skip

    def _split(self, cell: Cell) -> tuple[Place, str] | None:
        """Where a built block is parted, and the part that is a registered parcel of given area."""
        if not self.urban(cell):
            return None
        x, y = self.middle(cell)
        west, south, east, north = self.inner(cell)
        for place, _ in self.town.held.values():
            if self.cell_at(place) == cell and abs(place[0] - x) < 60:
                x += 100  # no parcel ends below a registered building
        for parcel, _, area, of in self.town.registered:
            if self.holds(parcel) == cell:
                place = self.town.held[of][0] if of in self.town.held else (west, south)
                high = north - y if place[1] >= y else y - south
                wide = area / high
                right = place[0] >= x
                return ((east - wide if right else west + wide), y), ("n" if place[1] >= y else "s") + ("e" if right else "w")
        return (x, y), ""

    def holds(self, parcel: str) -> Cell:
        """The block in which a registered parcel lies: that of its building, else a free one of its kind in its zone."""
        _, zone, _, of = next(row for row in self.town.registered if row[0] == parcel)
        if of in self.town.held:
            return self.cell_at(self.town.held[of][0])
        taken = {self.cell_at(place) for place, _ in self.town.held.values()}
        free = [
            cell for cell, kind in self.kinds.items()
            if kind == of and cell not in taken and self.town.zone_of(self.middle(cell)).zone == zone
            and not shapely.box(*self.box(cell)).intersects(self.all_water)
        ]  # fmt: skip
        return min(free, key=lambda cell: wobble(parcel, *cell))

    def _year(self, cell: Cell) -> int:
        """The year in which a block is built on: the nearer to where the district began the earlier; 0: before 2009."""
        if not self.urban(cell) or cell in self.town.kept:
            return 0  # what a site decides was there before
        if any(self.cell_at(place) == cell for place, _ in self.town.held.values()):
            return 2013
        x, y = self.middle(cell)
        off = min(math.hypot(x - a, y - b) for a, b in self.town.starts)
        share = min(off / max(self.town.rows[-1], 1) * 1.1, 1.0) * 0.6 + wobble("year", *cell) * 0.4
        if share < 0.16 or wobble("old", *cell) < 0.12:
            return 0
        return min(2009 + int((share - 0.16) / 0.62 * 26), 2035)

    def _faces(self) -> dict[tuple[Any, ...], BaseGeometry]:
        """Pieces of land by what they are: ("water", body, zone), ("road", way, line, zone), ("land", column, row, part)."""
        town, lines = self.town, []
        frame = (town.columns[0], town.rows[0], town.columns[-1], town.rows[-1])
        boxes: list[Box] = [frame]
        for upright, line, at, half in self.pieces():
            (x0, y0), (x1, y1) = self.piece(upright, line, at).coords
            boxes.append((x0 - half, y0, x1 + half, y1) if upright else (x0, y0 - half, x1, y1 + half))
        boxes += [self.box(cell) for cell in self.cells]
        for box in boxes:
            lines += [self._line(pair) for pair in pairwise(list(shapely.box(*box).exterior.coords))]
        for cell, split in self.splits.items():
            if split:
                (x, y), (west, south, east, north) = split[0], self.box(cell)
                lines.append(self._line([(x, south), (x, north)]))
                if not town.halves:
                    lines.append(self._line([(west, y), (east, y)]))
        for shape in town.water.values():
            for part in shapely.get_parts(shape):
                for ring in (part.exterior, *part.interiors):
                    lines.append(self._line(ring.coords))
        noded = shapely.union_all(lines, grid_size=1.0)
        found: dict[tuple[Any, ...], list[BaseGeometry]] = defaultdict(list)
        for face in shapely.get_parts(shapely.polygonize(shapely.get_parts(noded).tolist())):
            place = town.metres(face.representative_point().coords[0])
            found[self._is(place, face.area * town.across * DEGREE / MICRO**2)].append(face)
        return {key: shapely.union_all(faces) for key, faces in sorted(found.items(), key=lambda item: str(item[0]))}

    def _line(self, places: Iterable[Sequence[float]]) -> BaseGeometry:
        return shapely.LineString([self.town.micro(place) for place in places])

    def _is(self, place: Place, area: float) -> tuple[Any, ...]:
        """What a face is, by a place in it."""
        x, y = place
        i, j = self.cell_at(place)
        zone = self.town.zone_of(place).zone
        for line in (i, i + 1):
            if abs(x - self.town.columns[line]) < self.street(True, line, j):
                return ("road", "v", line, zone)
        for line in (j, j + 1):
            if abs(y - self.town.rows[line]) < self.street(False, line, i):
                return ("road", "h", line, zone)
        point = shapely.Point(x, y)
        near = min(self.town.water, key=lambda name: self.town.water[name].distance(point), default="")
        if near and (self.town.water[near].contains(point) or (area < SMALLEST and point.distance(self.all_water) < 60)):
            return ("water", near, zone)
        return ("land", i, j, self.part((i, j), place))

    def part(self, cell: Cell, place: Place) -> str:
        """The part of a block that holds a place; nothing where the block is not parted."""
        split = self.splits[cell]
        if not split:
            return ""
        part = "e" if place[0] >= split[0][0] else "w"
        return part if self.town.halves else ("n" if place[1] >= split[0][1] else "s") + part


def plain(geometry: BaseGeometry, town: Town) -> dict[str, Any]:
    """GeoJSON of a shape in millionths of a degree: counter-clockwise, without vertices that change nothing."""
    if geometry.geom_type == "Polygon":
        return {"type": "Polygon", "coordinates": _rings(geometry)}
    if geometry.geom_type == "MultiPolygon":
        parts = sorted((_rings(part) for part in geometry.geoms), key=str)
        return {"type": "MultiPolygon", "coordinates": parts}
    raise TypeError(geometry.geom_type)


def _rings(polygon: BaseGeometry) -> list[list[list[float]]]:
    rings = [_ring(polygon.exterior.coords, 1), *sorted((_ring(hole.coords, -1) for hole in polygon.interiors), key=str)]
    return [[[x / MICRO, y / MICRO] for x, y in ring] for ring in rings]


def _ring(coords: Iterable[Sequence[float]], turn: int) -> list[tuple[int, int]]:
    """A closed ring that turns one way, from its smallest vertex, without vertices on a straight line."""
    ring = [(round(x), round(y)) for x, y in list(coords)[:-1]]
    around = [ring[-1], *ring, ring[0]]
    kept = [
        b for a, b, c in zip(around, around[1:], around[2:], strict=False)
        if (b[0] - a[0]) * (c[1] - b[1]) != (b[1] - a[1]) * (c[0] - b[0])
    ]  # fmt: skip
    area = sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(kept, kept[1:] + kept[:1], strict=True))
    if area * turn < 0:
        kept.reverse()
    first = kept.index(min(kept))
    kept = kept[first:] + kept[:first]
    return [*kept, kept[0]]


def shape(town: Town, geometry: BaseGeometry) -> dict[str, Any]:
    """GeoJSON of a shape in metres; a polygon's vertices lie on the grid of millionths of a degree."""
    moved = shapely.transform(geometry, lambda all_of: [town.micro(place) for place in all_of])
    if geometry.geom_type == "Point":
        return {"type": "Point", "coordinates": [c / MICRO for c in town.micro((geometry.x, geometry.y))]}
    if geometry.geom_type == "LineString":
        return {"type": "LineString", "coordinates": line(town, geometry.coords)}
    return plain(moved, town)


def line(town: Town, places: Iterable[Sequence[float]]) -> list[list[float]]:
    """The vertices of a line, each once; a third coordinate is metres above sea level."""
    found: list[list[float]] = []
    for place in places:
        x, y = town.micro(place)
        vertex = [x / MICRO, y / MICRO, *(round(z, 2) for z in place[2:])]
        if not found or vertex[:2] != found[-1][:2]:
            found.append(vertex)
    return found


def save(file: Path, features: Iterable[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    """A FeatureCollection, one feature a line; properties without value are left out."""
    file.parent.mkdir(parents=True, exist_ok=True)
    rows = []
    for properties, geometry in features:
        told = {name: value for name, value in properties.items() if value not in (None, "")}
        feature = {"type": "Feature", "properties": told, "geometry": geometry}
        rows.append(json.dumps(feature, ensure_ascii=False, separators=(",", ":")))
    file.write_text('{"type":"FeatureCollection","features":[\n' + ",\n".join(rows) + "\n]}\n", encoding="utf-8")
