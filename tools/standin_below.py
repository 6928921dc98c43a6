"""What lies below the streets of a stand-in district: pipes with their ends, utility tunnels by compartment, the metro."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tools.standin_ground import Ground, Place, line, wobble
from tools.standin_parcels import RULE, Feature, first_day
from tools.standin_ways import Ways

TUNNEL_COLUMN, TUNNEL_ROW = 34, 5  # the lines of the grid below which the utility tunnel of Energy Valley is drawn
RECLAIMED, RECLAIMED_PLANNED = 128_500.0, 150_000.0  # [m] of reclaimed water pipes: there (C141), planned mains (C145)


@dataclass(frozen=True)
class Medium:
    """A network: offset from the middle of the street [m], depth of the top [m], diameters [mm] of main and branch."""

    name: str
    zh: str
    en: str
    off: float
    depth: float
    main: int
    branch: int
    material: tuple[str, str]
    falls: float  # [m/m] along the way of the water; 0: under pressure


MEDIA = (
    Medium("water", "给水", "Water main", -6, 1.5, 600, 300, ("ductile iron", "polyethylene"), 0),
    Medium("reclaimed water", "再生水", "Reclaimed water main", -4, 1.2, 500, 200, ("ductile iron", "polyethylene"), 0),
    Medium("rain", "雨水", "Storm drain", 0, 1.8, 1_600, 800, ("concrete", "concrete"), 0.0006),
    Medium("sewage", "污水", "Sewer", 3, 2.4, 1_000, 500, ("concrete", "polyethylene"), 0.0008),
    Medium("gas", "燃气", "Gas main", 6, 1.1, 400, 200, ("steel", "polyethylene"), 0),
    Medium("heat", "热力", "Heat main", 8, 1.4, 700, 300, ("steel", "steel"), 0),
)
COMPARTMENTS = (  # compartment, names, what lies in it, offset, width [m]; the report names five classes and two kept free
    ("heat-and-water", "热力及水舱", "Heat and water", "heat water reclaimed_water", -2.4, 3.6, ""),
    ("power", "电力舱", "Power", "power", 0.8, 2.4, "administrator officer"),
    ("telecom", "信息舱", "Telecommunication", "telecom", 2.9, 1.4, ""),
    ("kept-free", "预留舱", "Kept free", "sewage drinking_water", 4.4, 1.2, ""),
)


class Below:
    """Pipes and tunnels, in the streets of the grid."""

    def __init__(self, ground: Ground, ways: Ways) -> None:
        self.ground, self.town, self.ways = ground, ground.town, ways
        self.pieces = [
            (upright, number, at, half, max(ways._since(upright, number, at), 0))
            for upright, number, at, half in ground.pieces()
            if not ways.trunk(upright, number) and self._needed(upright, number, at)
        ]

    def _needed(self, upright: bool, number: int, at: int) -> bool:
        """Whether a block beside a piece of a street is built on."""
        beside = ((number - 1, at), (number, at)) if upright else ((at, number - 1), (at, number))
        return any(self.ground.urban(cell) for cell in beside)

    def pipes(self) -> Iterator[Feature]:
        """pipes: one piece from crossing to crossing; ends of one name meet. Drains and sewers fall to the south-east."""
        for medium in MEDIA:
            laid = 0.0
            for upright, number, at, half, since in self.pieces:
                ends = self._ends(upright, number, at)
                long = abs(ends[1][0] - ends[0][0]) + abs(ends[1][1] - ends[0][1])
                if medium.name == "reclaimed water":
                    since, laid = self._reclaimed(laid, long)
                    if since < 0:
                        continue
                elif medium.name in ("gas", "heat"):
                    if wobble(medium.name, upright, number) < 0.3:
                        continue
                elif medium.falls and upright and half <= 10 and wobble("drain", number, at) < 0.15:
                    continue
                yield self._pipe(medium, upright, number, at, half, since, ends)

    def _reclaimed(self, laid: float, long: float) -> tuple[int, float]:
        """The year of the next piece of reclaimed water pipe: laid until the length of the report is there, then planned."""
        if self.ways.city is False:
            return 0, laid
        if laid + long <= RECLAIMED:
            return 0, laid + long
        return (2030, laid + long) if laid + long <= RECLAIMED + RECLAIMED_PLANNED else (-1, laid)

    def _ends(self, upright: bool, number: int, at: int) -> tuple[Place, Place]:
        """From the higher end to the lower: southwards and eastwards."""
        a, b = self.ground.piece(upright, number, at).coords
        return (b, a) if upright else (a, b)

    def _pipe(
        self, medium: Medium, upright: bool, number: int, at: int, half: float, since: int, ends: tuple[Place, Place]
    ) -> Feature:
        """A piece of a pipe, its vertices at the height of its top."""
        main = half > 10
        tops, places = [], []
        for x, y in ends:
            down = medium.falls * (x - self.town.columns[0] + self.town.rows[-1] - y) * 0.3
            tops.append(round(medium.depth + down, 2))
            places.append((x + medium.off, y + medium.off, self.town.ground((x, y)) - tops[-1]))
        nodes = [self._node(medium, end) for end in ends]
        name = f"{medium.name.replace(' ', '-')}-{'v' if upright else 'h'}{number:02d}-{at:02d}"
        return {
            "feature": name, "name_zh": f"{medium.zh}管", "name_en": medium.en, "feature_class": medium.name,
            "stratum": "underground", "depth": min(tops), "elevation": round(places[0][2], 2), "valid_from": first_day(since),
            "diameter": medium.main if main else medium.branch, "material": medium.material[0 if main else 1],
            "from_node": nodes[0], "to_node": nodes[1], "from_depth": tops[0], "to_depth": tops[1],
            "origin": "stand-in", "source": RULE.format("B1"),
        }, {"type": "LineString", "coordinates": line(self.town, places)}  # fmt: skip

    def _node(self, medium: Medium, end: Place) -> str:
        i = min(range(len(self.town.columns)), key=lambda k: abs(self.town.columns[k] - end[0]))
        j = min(range(len(self.town.rows)), key=lambda k: abs(self.town.rows[k] - end[1]))
        return f"{medium.name.replace(' ', '-')}-{i:02d}-{j:02d}"

    def tunnels(self) -> Iterator[Feature]:
        """tunnels: the utility tunnel by compartment below two streets of Energy Valley, the metro, and an underpass."""
        town = self.town
        if not self.ways.city:
            x, y = town.columns[2] - 12, town.rows[0]
            yield from self._utility("north", [(x, y), (x, town.rows[1])], 0)
            return
        column, row = town.columns[TUNNEL_COLUMN] - 8, town.rows[TUNNEL_ROW] - 8
        yield from self._utility("north-south", [(column, town.rows[2]), (column, town.rows[6])], 2012)
        yield from self._utility("east-west", [(town.columns[31], row), (town.columns[38], row)], 2014)
        yield self._tunnel("metro-line-17", "地铁17号线区间", "Metro line 17", "metro tunnel", 16.0, 6.2, 2023,
                           [(16_280.0, town.rows[-1] - 1_200), (16_280.0, 0.0)], {}, "B3")  # fmt: skip
        yield self._tunnel("underpass-1", "示意下穿通道", "Underpass (stand-in)", "road tunnel", 1.2, 5.5, 2018,
                           [(town.columns[12], town.rows[4] - 160), (town.columns[12], town.rows[4] + 160)],
                           {"width": 18.0}, "B3")  # fmt: skip
        yield self._tunnel("hub-1", "未来科学城北交通枢纽", "Hub at Future Science City North", "underground hub", 2.0,
        22.0, 2023,
                           [(16_200.0, 5_950.0), (16_360.0, 5_950.0)], {"levels_below": 3, "width": 60.0}, "B3")  # fmt: skip

    def _utility(self, name: str, places: list[Place], since: int) -> Iterator[Feature]:
        """A utility tunnel: the shell, and each compartment within it."""
        yield self._tunnel(f"utility-{name}", "综合管廊", "Utility tunnel", "utility tunnel", 3.0, 3.8, since, places,
                           {"width": 9.2, "compartments": len(COMPARTMENTS)}, "B2")  # fmt: skip
        for compartment, zh, en, holds, off, width, seen_by in COMPARTMENTS:
            upright = places[0][0] == places[1][0]
            moved = [(x + off, y) if upright else (x, y + off) for x, y in places]
            more: dict[str, Any] = {"width": width, "holds": holds, "part_of": f"utility-{name}", "restricted_to": seen_by}
            yield self._tunnel(f"utility-{name}-{compartment}", f"综合管廊{zh}", f"Utility tunnel: {en}", "tunnel compartment",
                               3.3, 3.2, since, moved, more, "B2")  # fmt: skip

    def _tunnel(
        self, feature: str, zh: str, en: str, kind: str, depth: float, high: float, since: int, places: list[Place],
        more: dict[str, Any], rule: str,
    ) -> Feature:  # fmt: skip
        """A tunnel as a line at the height of its top, with its clear height inside."""
        levelled = [(x, y, self.town.ground((x, y)) - depth) for x, y in places]
        return {
            "feature": feature, "name_zh": zh, "name_en": en, "feature_class": kind, "stratum": "underground", "depth": depth,
            "elevation": round(levelled[0][2], 2), "clear_height": high, "valid_from": first_day(since), **more,
            "origin": "stand-in", "source": RULE.format(rule),
        }, {"type": "LineString", "coordinates": line(self.town, levelled)}  # fmt: skip
