"""Ways of a stand-in district: streets as edges between nodes, greenways, stops."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import shapely
import shapely.ops

from tools.standin_ground import Cell, Ground, Place, line, wobble
from tools.standin_parcels import RULE, Feature, first_day

Edge = tuple[Place, Place]
ROADS = {  # names that the report prints (section 3.7.1), given to lines of the grid: their places are schematic
    ("future-science-city", True, 6): ("京藏高速", "Jingzang Expressway"),
    ("future-science-city", True, 9): ("京藏高速辅路", "Jingzang side road"),
    ("future-science-city", True, 15): ("回昌东路", "Huichang East Road"),
    ("future-science-city", True, 27): ("立汤路", "Litang Road"),
    ("future-science-city", True, 33): ("未来科学城路", "Future Science City Road"),
    ("future-science-city", False, 13): ("定泗路", "Dingsi Road"),
}
TRUNK = 6  # the column of the expressway: it meets arterials alone, and nobody walks on it
QUIET = {"homes", "centre", "knowledge", "campus", "old"}  # blocks with streets within
GREENWAY = 42_000.0  # [m] (C245)
STATIONS = (  # metro stations by line: names, place [m]; distances along line 17 are the timetable's, places are schematic
    ("changping-line", "昌平线", "沙河高教园", "Shahe University Park", (4_420.0, 8_000.0), 0),
    ("changping-line", "昌平线", "沙河", "Shahe", (4_420.0, 6_035.0), 0),
    ("changping-line", "昌平线", "巩华城", "Gonghuacheng", (5_900.0, 4_650.0), 0),
    ("changping-line", "昌平线", "朱辛庄", "Zhuxinzhuang", (6_400.0, 1_750.0), 0),
    ("changping-line", "昌平线", "生命科学园", "Life Science Park", (4_420.0, 300.0), 0),
    ("line-17", "17号线", "未来科学城北", "Future Science City North", (16_280.0, 5_950.0), 24),
    ("line-17", "17号线", "未来科学城", "Future Science City", (16_280.0, 4_226.0), 18),
)


def length(edge: Edge) -> float:
    """The length [m] of an edge."""
    return math.hypot(edge[1][0] - edge[0][0], edge[1][1] - edge[0][1])


class Ways:
    """The net of streets and paths: pieces of the grid, parted where anything meets them."""

    def __init__(self, ground: Ground) -> None:
        self.ground, self.town = ground, ground.town
        self.city = self.town.folder.name == "future-science-city"
        self.path = self._waterfront()
        self.edges: list[tuple[Edge, dict[str, Any]]] = []
        self.inner = {cell: edges for cell in ground.cells if (edges := self._inner(cell))}
        self._streets()
        self._quiet()
        self._paths()
        ends = sorted({self.town.micro(end) for edge, _ in self.edges for end in edge})
        self.nodes = {end: f"n{number:04d}" for number, end in enumerate(ends, 1)}

    def _waterfront(self) -> shapely.LineString:
        """A path along the north bank of the first river."""
        river = self.town.rivers[0]
        off = shapely.LineString(river.course).offset_curve(river.width / 2 + 30, join_style="mitre")
        frame = shapely.box(self.town.columns[0], self.town.rows[0], self.town.columns[-1], self.town.rows[-1])
        kept = shapely.intersection(off, frame).difference(self.ground.all_water.buffer(8))
        longest = max(shapely.get_parts(kept), key=lambda part: part.length)
        places = [(round(x, 2), round(y, 2)) for x, y in longest.coords]
        return shapely.LineString(places if places[0][0] < places[-1][0] else places[::-1])

    def trunk(self, upright: bool, number: int) -> bool:
        """Whether a line of the grid is the expressway."""
        return self.city and upright and number == TRUNK

    def _inner(self, cell: Cell) -> list[Edge]:
        """Streets within a block: from its middle to the streets around it, where no water lies between."""
        split = self.ground.splits[cell]
        if not split or self.ground.kinds[cell] not in QUIET:
            return []
        (x, y), (west, south, east, north), (i, j) = split[0], self.ground.box(cell), cell
        ways = [((x, south), False, j, i), ((x, north), False, j + 1, i)]
        if not self.town.halves:
            ways += [((west, y), True, i, j), ((east, y), True, i + 1, j)]
        return [
            ((x, y), end)
            for end, upright, number, at in ways
            if self.ground.street(upright, number, at)
            and not self.trunk(upright, number)
            and not shapely.LineString([(x, y), end]).intersects(self.ground.all_water)
        ]

    def _met(self, upright: bool, number: int, at: int, ends: Edge) -> list[Place]:
        """The places at which a piece of a street is parted, in their order, with its ends."""
        met = set(ends)
        beside = ((number - 1, at), (number, at)) if upright else ((at, number - 1), (at, number))
        for cell in beside:
            for _, end in self.inner.get(cell, ()):
                if end[0 if upright else 1] == ends[0][0 if upright else 1]:
                    met.add(end)
        for point in _points(shapely.LineString(ends).intersection(self.path)):
            met.add((point.x, point.y))
        if not upright and number not in self.town.arterial_rows:  # the kerbs of the arterials that it crosses
            for column in (at, at + 1):
                if column in self.town.arterial_columns and not self.trunk(True, column):
                    met.add((self.town.columns[column] + (20 if column == at else -20), ends[0][1]))
        return sorted(met)

    def _streets(self) -> None:
        """The streets of the grid."""
        town = self.town
        for upright, number, at, half in self.ground.pieces():
            if self.trunk(upright, number):
                continue
            arterial = half > 10
            ends: Edge = tuple(self.ground.piece(upright, number, at).coords)  # type: ignore[assignment]
            zh, en = ROADS.get((town.folder.name, upright, number), ("", ""))
            letter = "纵" if upright else "横"
            told = {
                "name_zh": zh or f"{letter}{number:02d}路",
                "name_en": en or f"{'Column' if upright else 'Row'} {number:02d} Street",
                "feature_class": "primary" if arterial else "residential", "width": half * 2,
                "maxspeed": 60 if arterial else 30, "since": 0 if arterial else self._since(upright, number, at),
            }  # fmt: skip
            for edge in pairwise(self._met(upright, number, at, ends)):
                self.edges.append((edge, told | self._crossing(edge, upright, number, at)))
        if self.city:
            stops = [0, *sorted(town.arterial_rows), len(town.rows) - 1]
            zh, en = ROADS["future-science-city", True, TRUNK]
            x = town.columns[TRUNK]
            for low, high in pairwise(stops):
                told = {"feature_class": "trunk", "width": 40.0, "maxspeed": 80, "foot": "no", "bicycle": "no", "since": 0}
                self.edges.append((((x, town.rows[low]), (x, town.rows[high])), told | {"name_zh": zh, "name_en": en}))

    def _since(self, upright: bool, number: int, at: int) -> int:
        """The year of a street: that of the earlier block beside it, where one was there before."""
        beside = ((number - 1, at), (number, at)) if upright else ((at, number - 1), (at, number))
        years = [self.ground.built[cell] for cell in beside if self.ground.urban(cell)]
        return min(years) if years and all(years) else 0

    def _crossing(self, edge: Edge, upright: bool, number: int, at: int) -> dict[str, Any]:
        """What a piece between the kerb and the middle of an arterial is to those on foot; below a bridge it is one."""
        told: dict[str, Any] = {}
        if shapely.LineString(edge).intersects(self.ground.all_water):
            told |= {"bridge": "yes"}
        if not upright and number not in self.town.arterial_rows:
            for column in (at, at + 1):
                x = self.town.columns[column]
                if self.trunk(True, column) and any(abs(end[0] - x) < 1 for end in edge):
                    told |= {"bridge": "yes", "level": "1"}
                elif column in self.town.arterial_columns and all(abs(end[0] - x) <= 20.01 for end in edge):
                    chance = wobble("crossing", column, number)
                    told["crossing"] = "traffic_signals" if chance < 0.6 else "uncontrolled" if chance < 0.8 else "footbridge"
                    if chance >= 0.8:
                        told |= {"barrier_free": "no", "bicycle": "dismount"}
                    if chance >= 0.93:
                        told |= {"crossing": "no", "foot": "no", "bicycle": "no"}
        return told

    def _quiet(self) -> None:
        """The streets within blocks; one in eight is for walking alone, one in twelve leads one way."""
        for cell, edges in self.inner.items():
            for number, edge in enumerate(edges):
                chance = wobble("quiet", *cell, number)
                walk = chance < 0.125
                told = {
                    "name_zh": "街坊路", "name_en": "Block street", "feature_class": "footway" if walk else "living_street",
                    "width": 4.0 if walk else 7.0, "maxspeed": None if walk else 20, "since": self.ground.built[cell],
                    "oneway": "yes" if 0.125 <= chance < 0.21 else "", "surface": "paving_stones" if walk else "asphalt",
                    "barrier_free": "no" if chance > 0.9 else "",
                }  # fmt: skip
                self.edges.append((edge, told))

    def _paths(self) -> None:
        """The waterfront path, parted where streets meet it."""
        cuts = {0.0, self.path.length}
        for upright, number, at, _ in self.ground.pieces():
            if not self.trunk(upright, number):
                for point in _points(self.ground.piece(upright, number, at).intersection(self.path)):
                    cuts.add(self.path.project(point))
        on_path = sorted([*((self.path.project(shapely.Point(c)), c) for c in self.path.coords), *((d, None) for d in cuts)],
                         key=lambda item: item[0])  # fmt: skip
        places: list[tuple[Place, float]] = []
        for distance, place in on_path:
            here = place or self.path.interpolate(distance).coords[0]
            if not places or distance - places[-1][1] > 0.5:
                places.append((here, distance))
        for (a, _), (b, _) in pairwise(places):
            told = {
                "name_zh": "滨水绿道", "name_en": "Waterfront greenway", "feature_class": "cycleway", "width": 4.0,
                "since": 2016,
                "surface": "permeable asphalt",
            }  # fmt: skip
            self.edges.append(((a, b), told))

    def streets(self) -> Iterator[Feature]:
        """streets: edges between nodes; what may be walked and ridden, slope, crossings, and whether it is barrier-free."""
        for number, (edge, told) in enumerate(self.edges, 1):
            a, b = edge
            slope = (self.town.ground(b) - self.town.ground(a)) / max(length(edge), 1) * 100  # uphill along the way
            old = not told["since"] and told["feature_class"] in ("residential", "living_street", "footway")
            free = told.get("barrier_free") or ("no" if old and wobble("kerb", number) < 0.25 else "yes")
            yield {
                "feature": f"s{number:04d}", "name_zh": told["name_zh"], "name_en": told["name_en"],
                "feature_class": told["feature_class"], "valid_from": first_day(told["since"]), "width": told["width"],
                "maxspeed": told.get("maxspeed"), "oneway": told.get("oneway"), "foot": told.get("foot", "yes"),
                "bicycle": told.get("bicycle", "yes"), "surface": told.get("surface", "asphalt"), "slope": round(slope, 2),
                "barrier_free": free, "crossing": told.get("crossing"), "bridge": told.get("bridge"),
                "level": told.get("level", "0"), "from_node": self.nodes[self.town.micro(a)],
                "to_node": self.nodes[self.town.micro(b)], "origin": "stand-in", "source": RULE.format("W1"),
            }, {"type": "LineString", "coordinates": line(self.town, edge)}  # fmt: skip

    def greenways(self) -> Iterator[Feature]:
        """greenways: along the water, the northern axis and roads; as long as the report prints, the last one cut."""
        town = self.town
        lines: list[tuple[str, str, str, str, Sequence[Place]]] = [
            ("waterfront", "温榆河滨水绿道" if self.city else "滨水绿道", "Waterfront greenway", "waterfront", self.path.coords)
        ]
        if self.city:
            ends = (town.rows[0], town.rows[-1])
            lines += [
                ("axis", "北轴线延长线文化绿道", "Northern axis greenway", "axis", [(town.columns[24] + 26, y) for y in ends]),
                ("west-road", "西区城市绿道", "West road greenway", "road", [(town.columns[9] + 26, y) for y in ends]),
                (
                    "row-13",
                    "定泗路绿道",
                    "Dingsi Road greenway",
                    "road",
                    [(x, town.rows[13] + 26) for x in (2_000.0, 19_000.0)],
                ),
            ]
        left = GREENWAY if self.city else math.inf
        for feature, zh, en, kind, places in lines:
            way = shapely.LineString(places)
            if way.length > left:
                way = shapely.ops.substring(way, 0, left)
            left -= way.length
            yield {
                "feature": f"greenway-{feature}", "name_zh": zh, "name_en": en, "feature_class": kind,
                "valid_from": "2016-01-01",
                "width": 4.0, "length": round(way.length, 1), "foot": "yes", "bicycle": "yes", "origin": "stand-in",
                "source": RULE.format("W2"),
            }, {"type": "LineString", "coordinates": line(town, way.coords)}  # fmt: skip

    def stops(self) -> Iterator[Feature]:
        """transit-stops: metro stations where the lines are drawn, and bus stops at every other crossing of the arterials."""
        town = self.town
        if self.city:
            for way, way_zh, zh, en, place, depth in STATIONS:
                yield {
                    "feature": f"metro-{en.lower().replace(' ', '-')}", "name_zh": f"{zh}站", "name_en": f"{en} station",
                    "feature_class": "metro", "stratum": "underground" if depth else "above", "depth": depth or None,
                    "lines": way, "lines_zh": way_zh, "levels_below": 3 if en.endswith("North") else None,
                    "elevation": round(town.ground(place) - depth, 2), "origin": "stand-in", "source": RULE.format("W4"),
                }, self._point(place)  # fmt: skip
        for i in sorted(town.arterial_columns):
            if not self.trunk(True, i):
                for j in range(1, len(town.rows) - 1):
                    if self.city is False or j % 2 == 1:
                        yield self._bus(f"v{i:02d}-{j:02d}", (town.columns[i] + 14, town.rows[j] + 40), i, 0)
        for j in sorted(town.arterial_rows):
            for i in range(1, len(town.columns) - 1):
                if i not in town.arterial_columns and (self.city is False or i % 2 == 0):
                    yield self._bus(f"h{j:02d}-{i:02d}", (town.columns[i] + 40, town.rows[j] + 14), 0, j)

    def _bus(self, feature: str, place: Place, column: int, row: int) -> Feature:
        number = f"{'v' if column else 'h'}{column or row:02d}"
        return {
            "feature": f"bus-{feature}", "name_zh": f"示意公交站 {feature}", "name_en": f"Bus stop {feature} (stand-in)",
            "feature_class": "bus", "stratum": "surface", "lines": f"bus-{number}", "origin": "stand-in",
            "source": RULE.format("W3"),
        }, self._point(place)  # fmt: skip

    def _point(self, place: Place) -> dict[str, Any]:
        return {"type": "Point", "coordinates": line(self.town, [place])[0]}


def _points(met: shapely.Geometry) -> list[shapely.Point]:
    """The points of what two lines have in common."""
    return [part for part in shapely.get_parts(met) if part.geom_type == "Point" and not part.is_empty]
