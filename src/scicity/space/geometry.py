"""Geometry from outside, checked and mended: what was wrong with which feature, and its area before and after.

Mended, and reported: polygons that cross or touch themselves, rings that are not closed or turn the wrong way, parts that are
empty, what is drawn across the antimeridian. Refused, with the number of the feature: what has no place (empty, not finite, out
of the earth), what is no geometry, and polygons without area. Nothing is left out silently.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import shapely
from pyproj import CRS
from shapely.geometry.base import BaseGeometry

from scicity.kernel.problems import Problems
from scicity.space.crs import Reference, guess_of, measured, reference

LARGEST = 4_000_000  # vertices of one feature
EQUAL_AREA = CRS.from_epsg(6933)  # in which areas before and after are measured [m²]
LINES, POLYGONS = (1, 2, 5), (3, 6)  # type numbers of shapely
# What GEOS says of a broken geometry, as we call it
FAULTS = {
    "Self-intersection": "bow-tie",
    "Ring Self-intersection": "self-touch",
    "Hole lies outside shell": "hole-outside",
    "Holes are nested": "hole-in-hole",
    "Nested shells": "part-in-part",
    "Interior is disconnected": "cut-interior",
    "Duplicate Rings": "ring-twice",
    "Too few points in geometry component": "collapsed",
}
REMEDIES = {
    "empty": "Draw the feature, or remove it from the file.",
    "not-finite": "Write finite numbers: no NaN, no infinity.",
    "unreadable": "Export the layer again as plain points, lines and polygons.",
    "curve": "Export the layer again with its arcs as straight pieces.",
    "out-of-earth": "Check the axes' order and the column crs of registers/layers.csv.",
    "mixed-crs": "Convert the whole file to one coordinate reference system.",
    "no-area": "Draw the polygon anew, or remove it from the file.",
    "pole": "Cut the feature at the antimeridian; one around a pole cannot be cut here.",
    "too-large": "Split the feature.",
}
WGS_84 = reference("EPSG:4326")
REPORT = pa.schema(
    [
        ("source_row", pa.int64()),
        ("fault", pa.string()),
        ("area_before", pa.float64()),
        ("area_after", pa.float64()),
    ]
)


@dataclass
class Check:
    """Checks the features of one file, batch after batch. `ordered`: the format says how rings turn (GeoJSON does)."""

    place: str
    reference: Reference
    problems: Problems
    ordered: bool = False
    parts: list[pa.Table] = field(default_factory=list)
    dimensions: dict[bool, int] = field(default_factory=dict)  # has Z → the first such feature
    good: bool = False  # some feature lies where the CRS puts it

    def batch(self, wkb: pa.Array, numbers: np.ndarray) -> np.ndarray:
        """The geometries of a batch in WGS 84, mended; None where one is refused, with its problem."""
        geometry = self._read(wkb, numbers)
        self._look_at_dimensions(geometry, numbers)
        self._placed(geometry, numbers)
        if not self.reference.crs.is_projected:
            self._across(geometry, numbers)
        # as they were drawn, and again as they are converted, which may bend a touch to a crossing
        mended = self._valid(geometry, numbers, self.reference)
        if not self.reference.plain:
            geometry = self.reference.to_wgs84(geometry)
            self._valid(geometry, numbers, WGS_84, mended)
        return self._turned(geometry, numbers)

    @property
    def report(self) -> pa.Table:
        """What was mended: a row for each fault of each feature, in the order of the file."""
        parts = [*self.parts, *self._mixed()]
        table = pa.concat_tables(parts) if parts else REPORT.empty_table()
        return table.sort_by([("source_row", "ascending"), ("fault", "ascending")])

    @property
    def faults(self) -> Counter[str]:
        """How many features have each fault that was mended."""
        return Counter(self.report.column("fault").to_pylist())

    # --- the steps ---

    def _read(self, wkb: pa.Array, numbers: np.ndarray) -> np.ndarray:
        raw = wkb.to_numpy(zero_copy_only=False)
        geometry = shapely.from_wkb(raw, on_invalid="ignore")
        told = np.array([each is not None for each in raw], dtype=bool)
        broken = np.flatnonzero(told & shapely.is_missing(geometry))
        if broken.size:
            fixed = shapely.from_wkb(raw[broken], on_invalid="fix")
            closed = ~shapely.is_missing(fixed)
            geometry[broken[closed]] = fixed[closed]
            self._tell("unclosed", numbers[broken[closed]], None, self._area(fixed[closed], self.reference))
            self._refuse(geometry, broken[~closed], numbers, "unreadable", "a simple feature in well-known binary")
        kinds = shapely.get_type_id(geometry)
        self._refuse(geometry, np.flatnonzero(kinds > 7), numbers, "curve", "points, lines and polygons")
        self._drop_empty_parts(geometry, numbers)
        empty = shapely.is_empty(geometry) | (shapely.is_missing(geometry) & ~told)
        self._refuse(geometry, np.flatnonzero(empty), numbers, "empty", "a geometry")
        many = np.flatnonzero(shapely.get_num_coordinates(geometry) > LARGEST)
        self._refuse(geometry, many, numbers, "too-large", f"at most {LARGEST} vertices")
        at, index = shapely.get_coordinates(geometry, include_z=True, return_index=True)
        finite = np.isfinite(at[:, :2]).all(axis=1) & ~np.isinf(at[:, 2])
        self._refuse(geometry, np.unique(index[~finite]), numbers, "not-finite", "finite coordinates")
        return geometry

    def _drop_empty_parts(self, geometry: np.ndarray, numbers: np.ndarray) -> None:
        several = np.flatnonzero(np.isin(shapely.get_type_id(geometry), (4, 5, 6, 7)) & ~shapely.is_empty(geometry))
        parts, index = shapely.get_parts(geometry[several], return_index=True)
        holed = np.unique(index[shapely.is_empty(parts)])
        for at in several[holed]:
            whole = shapely.get_parts(geometry[at])
            geometry[at] = type(geometry[at])([part for part in whole if not part.is_empty])
        self._tell("empty-part", numbers[several[holed]])

    def _look_at_dimensions(self, geometry: np.ndarray, numbers: np.ndarray) -> None:
        there = ~shapely.is_missing(geometry)
        deep = shapely.has_z(geometry)
        for has_z in (False, True):
            found = np.flatnonzero(there & (deep == has_z))
            if found.size:
                self.dimensions.setdefault(has_z, int(numbers[found[0]]))

    def _mixed(self) -> list[pa.Table]:
        return [_rows("mixed-dimension", np.array([max(self.dimensions.values())]))] if len(self.dimensions) == 2 else []

    def _placed(self, geometry: np.ndarray, numbers: np.ndarray) -> None:
        """Refuses what does not lie on the earth, or where the CRS of the file cannot be meant."""
        there = ~shapely.is_missing(geometry)
        bounds = shapely.bounds(self.reference.to_wgs84(geometry))
        beyond = there & self.reference.far_outside(bounds)
        with np.errstate(invalid="ignore"):
            on_earth = (bounds[:, 1] >= -90) & (bounds[:, 3] <= 90)
            on_earth &= ((bounds[:, 0] >= -180) & (bounds[:, 2] <= 180)) | _crossing(bounds)
        self.good |= bool((there & ~beyond & on_earth).any())
        wrong = np.flatnonzero(there & (beyond | ~on_earth))
        for at in wrong:
            x, y = (float(number) for number in shapely.get_coordinates(geometry[at])[0])
            guess = guess_of(x, y)
            fault = "mixed-crs" if self.good and "EPSG" in guess else "out-of-earth"
            self._problem(numbers[at], fault, f"a place of {self.reference.name}; {x:.12g}, {y:.12g} looks like {guess}")
        geometry[wrong] = None

    def _across(self, geometry: np.ndarray, numbers: np.ndarray) -> None:
        """Cuts what is drawn across the antimeridian."""
        bounds = shapely.bounds(geometry)
        with np.errstate(invalid="ignore"):
            wide = np.flatnonzero((bounds[:, 2] - bounds[:, 0] > 180) | _crossing(bounds))
        jumps = np.array([at for at in wide if _crossing(bounds[at : at + 1])[0] or _jumps(geometry[at])], dtype=int)
        if not jumps.size:
            return
        before = geometry[jumps]
        for at in jumps:
            geometry[at] = cut(geometry[at])
        self._refuse(geometry, jumps[shapely.is_missing(geometry[jumps])], numbers, "pole", "a feature that is cut there")
        left = ~shapely.is_missing(geometry[jumps])
        areas = (self._area(each[left], self.reference) for each in (before, geometry[jumps]))
        self._tell("antimeridian", numbers[jumps[left]], *areas)

    def _valid(
        self, geometry: np.ndarray, numbers: np.ndarray, reference: Reference, told: np.ndarray | None = None
    ) -> np.ndarray:
        """Mends in place; the numbers of those that were. Those that were `told` before are told no second time."""
        flat = np.isin(shapely.get_type_id(geometry), POLYGONS) & (shapely.area(geometry) == 0)  # some such are called valid
        broken = np.flatnonzero(~shapely.is_missing(geometry) & (flat | ~shapely.is_valid(geometry)))
        if not broken.size:
            return numbers[broken]
        before = geometry[broken]
        reasons = [str(reason).split("[")[0].strip() for reason in shapely.is_valid_reason(before)]
        mended = _made_valid(before)
        lost = shapely.is_empty(mended) | ~shapely.is_valid(mended)
        lost |= np.isin(shapely.get_type_id(before), POLYGONS) & (shapely.area(mended) == 0)
        geometry[broken] = mended
        self._refuse(geometry, broken[lost], numbers, "no-area", "a polygon with an area")
        area_before, area_after = self._area(before, reference), self._area(mended, reference)
        faults = np.array([FAULTS.get(reason, reason.lower() or "invalid") for reason in reasons])
        new = ~lost if told is None else ~lost & ~np.isin(numbers[broken], told)
        for fault in np.unique(faults):
            chosen = (faults == fault) & new
            self._tell(str(fault), numbers[broken[chosen]], area_before[chosen], area_after[chosen])
        return numbers[broken]

    def _turned(self, geometry: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Outer rings counter-clockwise, holes clockwise; reported where the format says so itself."""
        turned: np.ndarray = shapely.orient_polygons(geometry)
        if self.ordered:
            polygons = np.flatnonzero(np.isin(shapely.get_type_id(geometry), POLYGONS))
            parts, index = shapely.get_parts(geometry[polygons], return_index=True)
            wrong = ~shapely.is_ccw(shapely.get_exterior_ring(parts))
            rings, of = shapely.get_rings(parts, return_index=True)
            first = np.append(True, of[1:] != of[:-1]) if of.size else np.array([], dtype=bool)
            np.logical_or.at(wrong, of[~first], shapely.is_ccw(rings[~first]))
            self._tell("ring-order", np.setdiff1d(numbers[polygons[np.unique(index[wrong])]], self._told()))
        return turned

    # --- telling ---

    def _told(self) -> np.ndarray:
        """The features of which the last batch told something: mending turns their rings as it likes."""
        return (
            np.concatenate([part.column("source_row").to_numpy() for part in self.parts]) if self.parts else np.array([], int)
        )

    def _tell(self, fault: str, numbers: np.ndarray, before: np.ndarray | None = None, after: np.ndarray | None = None) -> None:
        if len(numbers):
            self.parts.append(_rows(fault, numbers, before, after))

    def _refuse(self, geometry: np.ndarray, at: np.ndarray, numbers: np.ndarray, fault: str, expected: str) -> None:
        for number in numbers[at]:
            self._problem(number, fault, expected)
        geometry[at] = None

    def _problem(self, number: int, fault: str, expected: str) -> None:
        code = "too-large" if fault == "too-large" else "geometry"
        self.problems.add(
            code, self.place, int(number), "geometry", found=fault, expected=expected, remedy=REMEDIES.get(fault, "")
        )

    @staticmethod
    def _area(geometry: np.ndarray, reference: Reference) -> np.ndarray:
        """Areas [m²] on an equal-area cylinder; where there is none, NaN."""
        with np.errstate(invalid="ignore"):
            area: np.ndarray = shapely.area(measured(reference.to_wgs84(geometry), EQUAL_AREA))
        return np.where(np.isfinite(area), area, np.nan)


def _made_valid(broken: np.ndarray) -> np.ndarray:
    """Valid geometries of broken ones: polygons cover what they covered; a line without length becomes a point."""
    mended: np.ndarray = shapely.make_valid(broken, method="structure", keep_collapsed=False)
    flat = np.isin(shapely.get_type_id(broken), LINES) & shapely.is_empty(mended)
    mended[flat] = shapely.make_valid(broken[flat], method="structure", keep_collapsed=True)
    for at in np.flatnonzero(~shapely.is_valid(mended)):  # parts of it that share an edge
        mended[at] = shapely.union_all(shapely.get_parts(mended[at]))
    return mended


def _rows(fault: str, numbers: np.ndarray, before: np.ndarray | None = None, after: np.ndarray | None = None) -> pa.Table:
    def areas(values: np.ndarray | None) -> pa.Array:
        return pa.nulls(len(numbers), pa.float64()) if values is None else pa.array(values, pa.float64(), from_pandas=True)

    columns = [pa.array(numbers, pa.int64()), pa.array([fault] * len(numbers), pa.string()), areas(before), areas(after)]
    return pa.table(columns, schema=REPORT)


# --- the antimeridian ---


def _crossing(bounds: np.ndarray) -> np.ndarray:
    """Whether bounds reach from one side of the antimeridian continuously to the other (170 to 190)."""
    with np.errstate(invalid="ignore"):
        narrow = bounds[:, 2] - bounds[:, 0] < 180
        found: np.ndarray = narrow & (
            ((bounds[:, 0] < 180) & (bounds[:, 2] > 180)) | ((bounds[:, 0] < -180) & (bounds[:, 2] > -180))
        )
    return found


def _lines_of(geometry: BaseGeometry) -> np.ndarray:
    parts = shapely.get_parts(np.array([geometry]))
    rings = shapely.get_rings(parts)
    return np.concatenate([rings, parts[np.isin(shapely.get_type_id(parts), (1, 2))]])


def _jumps(geometry: BaseGeometry) -> bool:
    """Whether two neighbouring vertices lie more than half of the earth apart, and not both at its edge (±180)."""
    for line in _lines_of(geometry):
        x = shapely.get_coordinates(line)[:, 0]
        apart = np.abs(np.diff(x)) > 180
        if (apart & ~((np.abs(x[1:]) == 180) & (np.abs(x[:-1]) == 180))).any():
            return True
    return False


def _unrolled(at: np.ndarray) -> np.ndarray:
    """Vertices of a line with longitudes that go on where they jumped."""
    steps = np.diff(at[:, 0])
    turns = np.where(steps > 180, -360.0, np.where(steps < -180, 360.0, 0.0))
    at = at.copy()
    at[1:, 0] += np.cumsum(turns)
    return at


def cut(geometry: BaseGeometry) -> BaseGeometry | None:
    """A geometry (WGS 84 degrees) that crosses the antimeridian as parts on its sides; None where it goes around a pole.

    Source: RFC 7946, 3.1.9 (a feature that crosses the antimeridian is cut in parts that do not)."""
    pieces: list[BaseGeometry] = []
    for part in shapely.get_parts(geometry):
        rings = shapely.get_rings(part) if part.geom_type == "Polygon" else np.array([part])
        unrolled = []
        for ring in rings:
            at = _unrolled(shapely.get_coordinates(ring, include_z=ring.has_z))
            if part.geom_type == "Polygon" and at[0, 0] != at[-1, 0]:
                return None
            unrolled.append(at)
        if part.geom_type == "Polygon":
            middle = unrolled[0][:, 0].mean()
            for at in unrolled[1:]:  # a hole may have begun on the other side
                at[:, 0] -= 360.0 * np.round((at[:, 0].mean() - middle) / 360.0)
            whole: BaseGeometry = shapely.Polygon(unrolled[0], unrolled[1:])
            whole = whole if whole.is_valid else shapely.make_valid(whole, method="structure", keep_collapsed=False)
        else:
            whole = type(part)(unrolled[0])
        for turn in (-360.0, 0.0, 360.0):
            side = shapely.intersection(whole, shapely.box(-180 + turn, -90, 180 + turn, 90))
            moved = shapely.transform(side, lambda at, turn=turn: at - [turn, 0.0, 0.0][: at.shape[1]], include_z=side.has_z)
            same = [each for each in shapely.get_parts(moved) if each.geom_type == part.geom_type and not each.is_empty]
            pieces += same
    if len(pieces) == 1:
        return pieces[0]
    kinds = {"Polygon": shapely.MultiPolygon, "LineString": shapely.MultiLineString, "Point": shapely.MultiPoint}
    names = {piece.geom_type for piece in pieces}
    if len(names) != 1:
        return shapely.GeometryCollection(pieces) if pieces else None
    made: BaseGeometry = kinds[names.pop()](pieces)
    return made
