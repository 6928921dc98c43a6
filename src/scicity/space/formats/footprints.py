"""Footprints of the objects of a city model, made for a batch of them together; heights from all of their corners."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa
import shapely

from scicity.space.formats import Gathering

LEVELS = {"MultiSurface": 0, "CompositeSurface": 0, "Solid": 1, "MultiSolid": 2, "CompositeSolid": 2}  # above a surface
GROUND = ("GroundSurface", "WaterGroundSurface", "OuterFloorSurface")
FLAT = 0.01  # m² in plan below which a face stands upright


class Broken(ValueError):  # noqa: N818
    """What is wrong with an object."""


@dataclass
class Vertices:
    """The vertices of a model as they stand (rows of x, y, z), and how they are scaled and moved."""

    at: np.ndarray
    scale: np.ndarray = field(default_factory=lambda: np.ones(3))
    move: np.ndarray = field(default_factory=lambda: np.zeros(3))

    def of(self, indices: np.ndarray) -> np.ndarray:
        """The coordinates of some of them. Raises Broken where one is not there."""
        if indices.size and (indices.min() < 0 or indices.max() >= len(self.at)):
            raise Broken(f"vertex {int(indices.min() if indices.min() < 0 else indices.max())} of {len(self.at)}")
        found: np.ndarray = np.asarray(self.at[indices], float) * self.scale + self.move
        return found


class Plan:
    """The footprints of a batch, made together: of each feature the rings that are drawn, then all other corners of it."""

    def __init__(self, names: frozenset[str], refuse: Callable[[int, str, Broken], None]) -> None:
        self.names, self.refuse = names, refuse
        self.features: list[tuple[int, str, dict[str, Any]]] = []
        self.drawn: dict[int, Any] = {}  # points and lines
        self.whole: dict[int, tuple[list[list[list[int]]], Vertices]] = {}  # where the ground alone is drawn
        self.at: list[np.ndarray] = []
        self.rows: list[int] = []  # of each feature, those of its rings
        self.faces: list[int] = []  # of each feature
        self.rings: list[int] = []  # of each face
        self.corners: list[int] = []  # of each ring

    def add(self, feature: tuple[int, str, dict[str, Any]], told: dict[str, Any], vertices: Vertices) -> None:
        """One feature with its geometry. Raises Broken."""
        kind, boundaries = told.get("type"), told.get("boundaries")
        if not isinstance(boundaries, list):
            raise Broken(f"{kind} without boundaries")
        if kind not in LEVELS:
            self.drawn[len(self.features)] = _simple(kind, boundaries, vertices)
            self._put(feature, np.empty((0, 3)), [])
            return
        surfaces, kinds = _surfaces(boundaries, told.get("semantics"), LEVELS[kind])
        ground = [surface for surface, of in zip(surfaces, kinds, strict=True) if of in GROUND]
        faces = [[[*ring, ring[0]] for ring in surface if ring] for surface in ground or surfaces]
        if not any(map(len, faces)):
            raise Broken("empty")
        if not all(faces) or any(len(ring) < 4 for face in faces for ring in face):
            raise Broken("a ring of less than three vertices")
        rest = [index for surface in surfaces for ring in surface for index in ring] if ground else []
        indices = _indices([*chain.from_iterable(chain.from_iterable(faces)), *rest])
        at = vertices.of(indices)
        if not np.isfinite(at).all():
            raise Broken("not-finite")
        if ground:
            self.whole[len(self.features)] = (surfaces, vertices)
        self._put(feature, at, faces)

    def _put(self, feature: tuple[int, str, dict[str, Any]], at: np.ndarray, faces: list[list[list[int]]]) -> None:
        self.features.append(feature)
        self.at.append(at)
        self.faces.append(len(faces))
        self.rings += map(len, faces)
        sizes = [len(ring) for face in faces for ring in face]
        self.corners += sizes
        self.rows.append(sum(sizes))

    def batch(self) -> pa.RecordBatch:
        """The features with their footprints, height and elevation; those without a footprint are told."""
        sizes = np.array([len(each) for each in self.at])
        ends = np.cumsum(sizes)
        at = np.concatenate(self.at)
        count = len(self.features)
        low, high = np.full(count, np.nan), np.full(count, np.nan)
        there = np.flatnonzero(sizes)
        if there.size:
            starts = (ends - sizes)[there]
            low[there] = np.minimum.reduceat(at[:, 2], starts)
            high[there] = np.maximum.reduceat(at[:, 2], starts)
        found = np.full(count, None, dtype=object)
        for place, shape in self.drawn.items():
            found[place] = shape
        rows = np.array(self.rows)
        ringed = np.arange(rows.sum()) + np.repeat(ends - sizes - (np.cumsum(rows) - rows), rows)
        faces = _faces(np.ascontiguousarray(at[ringed, :2]), self.corners, self.rings)
        of = np.repeat(np.arange(count), self.faces)
        flat = shapely.area(faces) > _least(at)
        faces, of = faces[flat], of[flat]
        several = np.bincount(of, minlength=count) > 1
        found[of[~several[of]]] = faces[~several[of]]
        for place in np.flatnonzero(several).tolist():
            first, last = np.searchsorted(of, (place, place + 1))
            found[place] = _union(faces[first:last])
        gathered = Gathering(self.names)
        for place, (number, name, properties) in enumerate(self.features):
            if found[place] is None and place in self.whole:
                found[place] = _outline(*self.whole[place])  # the ground stands upright, if that is one
            if found[place] is None:
                self.refuse(number, name, Broken("no-area: all of its faces stand upright"))
                continue
            if sizes[place]:
                properties.setdefault("elevation", round(float(low[place]), 3))
                properties.setdefault("height", round(float(high[place] - low[place]), 3))
            gathered.add(number, name, properties)
        told = found[[each is not None for each in found]]
        return gathered.batch(pa.array(shapely.to_wkb(told, flavor="iso"), pa.binary()))


def _simple(kind: Any, boundaries: list[Any], vertices: Vertices) -> Any:
    """Points and lines; an instance of a template stands at its point."""
    if kind in ("MultiPoint", "GeometryInstance"):
        at = vertices.of(_indices(boundaries))
        if not len(at):
            raise Broken("empty")
        return shapely.MultiPoint(at) if len(at) > 1 else shapely.Point(at[0])
    if kind == "MultiLineString":
        lines = [vertices.of(_indices(each)) for each in boundaries]
        if not lines or min(map(len, lines)) < 2:
            raise Broken("a line of less than two vertices")
        return shapely.MultiLineString(lines) if len(lines) > 1 else shapely.LineString(lines[0])
    raise Broken(f"geometry {kind!r}")


def _indices(told: Any) -> np.ndarray:
    if not isinstance(told, list) or set(map(type, told)) - {int}:
        raise Broken("boundaries that are no numbers of vertices")
    return np.array(told, dtype=np.int64)


def _surfaces(boundaries: list[Any], semantics: Any, levels: int) -> tuple[list[list[list[int]]], list[str | None]]:
    """The surfaces of a geometry (of solids the outer shells), each a list of rings, and what each is."""
    values = semantics.get("values") if isinstance(semantics, dict) else None
    names = semantics.get("surfaces") if isinstance(semantics, dict) else None
    types = [each.get("type") if isinstance(each, dict) else None for each in names] if isinstance(names, list) else []
    found: list[list[list[int]]] = []
    kinds: list[str | None] = []

    def of(value: Any) -> str | None:
        return types[value] if type(value) is int and 0 <= value < len(types) else None

    def walk(part: Any, value: Any, level: int) -> None:
        if not isinstance(part, list):
            raise Broken("boundaries that are nested too little")
        if level == 1:  # of the shells of a solid the first is the outer one
            part, value = part[:1], value[:1] if isinstance(value, list) else value
        for at, each in enumerate(part):
            inner = value[at] if isinstance(value, list) and at < len(value) else None if isinstance(value, list) else value
            if level > 0:
                walk(each, inner, level - 1)
                continue
            if not isinstance(each, list) or not all(isinstance(ring, list) for ring in each):
                raise Broken("a surface that is no list of rings")
            found.append(each)
            kinds.append(of(inner))

    walk(boundaries, values, levels)
    return found, kinds


def _faces(at: np.ndarray, corners: list[int], rings: list[int]) -> np.ndarray:
    offsets = (np.cumsum([0, *corners]), np.cumsum([0, *rings]))
    faces: np.ndarray = shapely.from_ragged_array(shapely.GeometryType.POLYGON, at, offsets)
    return faces


def _least(at: np.ndarray) -> float:
    """The area in plan below which a face stands upright [m², or square degrees]."""
    return FLAT if at.size and np.abs(at[:, :2]).max() > 360 else FLAT / 1e10


def _union(faces: np.ndarray) -> Any:
    """Faces in plan as one; a face that is broken and alone is mended later, and told."""
    if len(faces) == 1:
        return faces[0]
    broken = ~shapely.is_valid(faces)
    faces[broken] = shapely.make_valid(faces[broken], method="structure", keep_collapsed=False)
    whole = shapely.union_all(faces)
    return None if whole.is_empty else whole


def _outline(surfaces: list[list[list[int]]], vertices: Vertices) -> Any:
    """The union of surfaces in plan; None where all stand upright."""
    faces = [[[*ring, ring[0]] for ring in surface if len(ring) > 2] for surface in surfaces]
    faces = [face for face in faces if face]
    if not faces:
        return None
    at = vertices.of(_indices(list(chain.from_iterable(chain.from_iterable(faces)))))
    corners = [len(ring) for face in faces for ring in face]
    built = _faces(np.ascontiguousarray(at[:, :2]), corners, list(map(len, faces)))
    built = built[shapely.area(built) > _least(at)]
    return _union(built) if built.size else None
