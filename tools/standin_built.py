"""What stands on the land of a stand-in district, and who lives there: buildings, facilities, the grid of residents."""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import shapely

from tools.standin_ground import Box, Cell, Place, line, shape, wobble
from tools.standin_parcels import RULE, Feature, Land, Parcel, first_day
from tools.standin_places import RINGS, SITES
from tools.standin_towns import GONGHUA

# Storeys from, to; height of a storey [m]; length and depth of a footprint as shares of the parcel; how many stand there.
FORMS = {
    "0701": (6, 18, 2.9, 0.62, 0.09, 3), "0802": (4, 12, 3.9, 0.42, 0.28, 1), "0902": (8, 24, 4.0, 0.34, 0.30, 1),
    "0901": (2, 6, 4.5, 0.55, 0.40, 1), "0804": (3, 6, 3.6, 0.55, 0.14, 2), "0803": (2, 4, 5.0, 0.45, 0.40, 1),
    "0805": (1, 3, 7.0, 0.40, 0.35, 1), "0806": (3, 9, 4.0, 0.45, 0.25, 1), "0807": (3, 6, 3.3, 0.50, 0.18, 1),
    "1001": (1, 3, 6.0, 0.62, 0.45, 1), "1302": (1, 2, 5.0, 0.40, 0.25, 1), "1303": (1, 2, 5.0, 0.35, 0.25, 1),
    "1305": (1, 2, 6.0, 0.40, 0.30, 1), "0703": (1, 2, 3.2, 0.12, 0.05, 3),
}  # fmt: skip
KINDS = {
    "0701": ("residential", "住宅楼", "Housing"), "0703": ("residential", "村宅", "Village house"),
    "0802": ("laboratory", "科研楼", "Research building"), "0902": ("office", "办公楼", "Office building"),
    "0901": ("retail", "商业楼", "Shops"), "0804": ("education", "教学楼", "Teaching building"),
    "0803": ("culture", "文化建筑", "Cultural building"), "0805": ("sport", "体育建筑", "Sports building"),
    "0806": ("health", "医疗建筑", "Health building"), "0807": ("welfare", "养老建筑", "Care home"),
    "1001": ("industry", "厂房", "Factory"), "1302": ("plant", "排水设施", "Drainage works"),
    "1303": ("plant", "供电设施", "Substation"), "1305": ("plant", "供热设施", "Heating works"),
}  # fmt: skip
SERVICES = {  # land use: class of facility, names, places it has
    "0804": ("school", "学校", "School", 1_080), "0806": ("clinic", "社区卫生服务中心", "Community health centre", 60),
    "0803": ("culture", "文化中心", "Culture centre", 300), "0805": ("sport", "体育场馆", "Sports hall", 400),
    "0807": ("eldercare", "养老服务中心", "Eldercare centre", 120), "0901": ("market", "社区商业", "Neighbourhood market", 0),
}  # fmt: skip
# Facilities that the report names: zone, land use of their parcel, class, names, places, year, statements, what it prints.
NAMED: tuple[tuple[str, str, str, str, str, int, int, str, dict[str, int]], ...] = (
    (
        "west",
        "0806",
        "clinic",
        "高博医院",
        "Gaobo Hospital",
        500,
        2023,
        "C217-C221",
        {"site_area": 32_000, "floor_area": 97_406},
    ),
    (
        "east",
        "0806",
        "clinic",
        "北七家社区卫生服务中心未来科学城分中心",
        "Beiqijia community health centre, branch",
        60,
        0,
        "3.5.3",
        {},
    ),
    ("east", "0805", "sport", "未来科学城体育场", "Outdoor stadium", 0, 0, "C224-C226", {"site_area": 70_000}),
    ("west", "0805", "sport", "朱辛庄体育中心", "Zhuxinzhuang Sports Center", 0, 2026, "C229-C234", {"floor_area": 15_006}),
    ("east", "0803", "culture", "科技文化交流中心", "Science and culture exchange center", 0, 2027, "3.5.3", {}),
    (
        "core",
        "0807",
        "eldercare",
        "太阳城老年友好社区",
        "Sun City all-age community",
        0,
        0,
        "C208-C209",
        {"site_area": 420_000},
    ),
)
HOMES = {"homes": 1.0, "old": 0.6, "campus": 0.12, "centre": 0.05}  # weight of a quarter of a block for residents


def highest(shape: shapely.Geometry, city: bool) -> float:
    """How high [m] it is built: within the rings of the sites what they allow, higher outwards, as the report wishes it."""
    if not city:
        return 80.0
    off = shapely.box(*GONGHUA).distance(shape)
    allowed = [30 + (off - 600) * 0.05 if off > 600 else 30.0]
    for site, _, _, _, box, _, _ in SITES:
        away = shapely.box(*box).distance(shape)
        rings = RINGS if site == "gonghua" else RINGS[:3]
        allowed += [height for *_, near, far, height in rings if near <= away < far]
    return float(min(allowed))


class Built:
    """Buildings, facilities and residents of a district's land."""

    def __init__(self, land: Land) -> None:
        self.land, self.town, self.ground = land, land.town, land.ground

    def frame(self, parcel: Parcel) -> Box:
        """A parcel's box [m]."""
        west, south, east, north = parcel.land.bounds
        return (*self.town.metres((west, south)), *self.town.metres((east, north)))

    def buildings(self) -> Iterator[Feature]:
        """buildings: the registered ones where the register has them, and others on every parcel that is built on."""
        with (self.town.folder / "registers" / "buildings.csv").open(encoding="utf-8", newline="") as rows:
            registered = {row["building"]: row for row in csv.DictReader(rows)}
        for building, row in registered.items():
            place, area = self.town.held[building][0], float(row["floor_area"])
            floors = max(2, min(10, round(math.sqrt(area) / 16)))
            wide = math.sqrt(area / floors * 1.6)
            box = self.around(place, wide, area / floors / wide)
            yield {
                "feature": building, "name_zh": row["name_zh"], "name_en": row["name_en"], "feature_class": row["use"],
                "height": round(floors * 3.9, 1), "floors": floors, "floor_area": area, "valid_from": "2014-01-01",
                "elevation": self.town.ground(place), "zone": row["zone"], "parcel": self.parcel_at(place), "registered": True,
                "origin": "stand-in", "source": RULE.format("K1"),
            }, shape(self.town, box)  # fmt: skip
        taken = shapely.union_all([shapely.Point(place).buffer(70) for place, _ in self.town.held.values()])
        for parcel in self.land.parcels:
            if parcel.use in FORMS and parcel.cell:
                yield from self._on(parcel, taken)

    def _on(self, parcel: Parcel, taken: shapely.Geometry) -> Iterator[Feature]:
        """The buildings of a parcel, side by side from south to north."""
        low, high, storey, long, deep, count = FORMS[parcel.use]
        west, south, east, north = self.frame(parcel)
        ground = shapely.transform(parcel.land, lambda all_of: [self.town.metres(place) for place in all_of])
        use, zh, en = KINDS[parcel.use]
        for number in range(1, count + 1):
            place = ((west + east) / 2, south + (north - south) * (number - 0.5) / count)
            box = self.around(place, (east - west) * long * 0.9, (north - south) * deep)
            if not ground.contains(box) or box.intersects(taken):
                continue
            floors = low + int((high - low + 1) * wobble("floors", parcel.feature) ** 1.6)
            limit = highest(box, self.town.folder.name == "future-science-city")
            breaks = wobble("breaks", parcel.feature) < 0.06  # some are built higher than the rule, so that it shows
            if not breaks:
                floors = max(1, min(floors, int(limit // storey)))
            yield {
                "feature": f"b-{parcel.feature}-{number}", "name_zh": f"{zh} {parcel.feature}-{number}",
                "name_en": f"{en} {parcel.feature}-{number}", "feature_class": use, "height": round(floors * storey, 1),
                "floors": floors, "floor_area": round(box.area * floors), "elevation": self.town.ground(place),
                "valid_from": first_day(parcel.since + 1 if parcel.since else 0), "valid_to": first_day(parcel.until),
                "zone": parcel.zone, "parcel": parcel.feature, "origin": "stand-in", "source": RULE.format("K2"),
            }, shape(self.town, box)  # fmt: skip

    def around(self, place: Place, wide: float, deep: float) -> shapely.Polygon:
        """A rectangle around a place [m]."""
        return shapely.box(place[0] - wide / 2, place[1] - deep / 2, place[0] + wide / 2, place[1] + deep / 2)

    def parcel_at(self, place: Place) -> str:
        """The parcel of 2025 that holds a place."""
        point = shapely.Point(self.town.micro(place))
        return next(p.feature for p in self.land.parcels if p.at(2025) and p.land.contains(point))

    def facilities(self) -> Iterator[Feature]:
        """facilities: one on each parcel that serves, in the class of its use; those of the report take the first ones."""
        serving = [p for p in self.land.planned() if p.use in SERVICES and p.cell and self.serves(p)]
        serving.sort(key=lambda p: (p.zone, p.use, p.since or 2000, p.feature))
        named = list(NAMED) if self.town.folder.name == "future-science-city" else []
        count: dict[str, int] = defaultdict(int)
        for parcel in serving:
            kind, zh, en, places = SERVICES[parcel.use]
            own = next((row for row in named if row[0] == parcel.zone and row[1] == parcel.use), None)
            more: dict[str, Any] = {}
            since, source = parcel.since, RULE.format("K3")
            if own:
                named.remove(own)
                _, _, kind, zh, en, places, since, where, more = own
                source = f"named by the report ({where}), its place is schematic; rule K3 of SOURCES.md"
            else:
                count[kind] += 1
                zh, en = f"示意{zh}{count[kind]:02d}", f"{en} {count[kind]:02d} (stand-in)"
            if kind == "school":
                more = {"stage": self.land.serves[parcel.cell][1]} if parcel.cell in self.land.serves else {}
            x0, y0, x1, y1 = self.frame(parcel)
            yield {
                "feature": f"f-{parcel.feature}", "name_zh": zh, "name_en": en, "feature_class": kind,
                "valid_from": first_day(since), "places": places, "zone": parcel.zone, "parcel": parcel.feature, **more,
                "origin": "stand-in", "source": source,
            }, {"type": "Point", "coordinates": line(self.town, [((x0 + x1) / 2, (y0 + y1) / 2)])[0]}  # fmt: skip

    def serves(self, parcel: Parcel) -> bool:
        """Whether a parcel serves residents: not those of a campus."""
        return parcel.use != "0804" or parcel.cell in self.land.serves

    def population(self) -> Iterator[Feature]:
        """population: quarters of blocks with residents, who add up to the report's by zone; shares of ages are a rule."""
        for zone in self.town.zones:
            weights: dict[tuple[Cell, int], float] = {}
            for cell, kind in sorted(self.ground.kinds.items()):
                mine = self.town.zone_of(self.ground.middle(cell)) is zone
                if mine and kind in HOMES and not self.ground.all_water.contains(shapely.Point(self.ground.middle(cell))):
                    for quarter in range(4):
                        weights[cell, quarter] = HOMES[kind] * (0.6 + 0.8 * wobble("people", *cell, quarter))
            residents = apportion(zone.residents, weights)
            for (cell, quarter), count in residents.items():
                west, south, east, north = self.ground.box(cell)
                x, y = (west + east) / 2, (south + north) / 2
                box = (
                    west if quarter % 2 == 0 else x, south if quarter < 2 else y,
                    x if quarter % 2 == 0 else east, y if quarter < 2 else north,
                )  # fmt: skip
                campus = self.ground.kinds[cell] == "campus"
                children = round(count * (0.01 if campus else 0.11 + 0.06 * wobble("children", *cell, quarter)))
                elders = round(count * (0.02 if campus else 0.12 + 0.10 * wobble("elders", *cell, quarter)))
                yield {
                    "feature": f"p-{cell[0]:02d}{cell[1]:02d}-{quarter + 1}", "feature_class": "residents", "zone": zone.zone,
                    "residents": count, "children": children, "elders": elders, "origin": "stand-in",
                    "source": RULE.format("K4"),
                }, shape(self.town, shapely.box(*box))  # fmt: skip


def apportion(total: int, weights: dict[Any, float]) -> dict[Any, int]:
    """Whole numbers in proportion to weights that add up to a total: the largest remainders are rounded up."""
    whole = sum(weights.values())
    shares = {key: total * weight / whole for key, weight in weights.items()}
    found = {key: int(share) for key, share in shares.items()}
    left = total - sum(found.values())
    for key in sorted(shares, key=lambda key: (found[key] - shares[key], str(key)))[:left]:
        found[key] += 1
    return found
