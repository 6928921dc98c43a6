"""Land of a stand-in district: parcels by use and time, two plans that differ in places, control lines, green and water."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from tools.standin_ground import DEGREE, MICRO, Cell, Ground, plain, shape, wobble

Feature = tuple[dict[str, Any], dict[str, Any]]
# Land use by kind of block: of its parts south-west, south-east, north-west, north-east. Classes of the guide to the
# classification of land and sea use (2023), as it is commonly quoted; the guide itself was not opened.
USES = {
    "homes": ("0701", "0701", "0701", "serves"),
    "knowledge": ("0802", "0802", "0802", "0902"),
    "campus": ("0804", "0804", "0804", "0804"),
    "centre": ("0902", "0901", "0803", "1403"),
    "industry": ("1001", "1001", "1001", "1402"),
    "park": ("1401", "1401", "1401", "1401"),
    "utilities": ("1302", "1303", "1305", "1402"),
    "reserve": ("16", "16", "16", "16"),
    "old": ("0701", "0901", "0701", "0803"),
}
SERVES = ("0806", "0901", "0805", "0807", "0803", "1401", "0901", "0701", "0806", "1401", "0807", "0701")  # in turn
SCHOOLS = 39  # primary and secondary schools (C212), of which 10 are secondary (C213)
USE_NAMES = {
    "01": ("耕地", "Farmland"), "03": ("林地", "Forest"), "05": ("湿地", "Wetland"), "0701": ("城镇住宅用地", "Housing"),
    "0703": ("农村宅基地", "Village housing"), "0802": ("科研用地", "Research"), "0803": ("文化用地", "Culture"),
    "0804": ("教育用地", "Education"), "0805": ("体育用地", "Sport"), "0806": ("医疗卫生用地", "Health"),
    "0807": ("社会福利用地", "Social welfare"), "0901": ("商业用地", "Retail"), "0902": ("商务金融用地", "Offices"),
    "1001": ("工业用地", "Industry"), "1207": ("城镇道路用地", "Streets"), "1302": ("排水用地", "Drainage"),
    "1303": ("供电用地", "Power supply"), "1305": ("供热用地", "Heat supply"), "1401": ("公园绿地", "Park"),
    "1402": ("防护绿地", "Protective green"), "1403": ("广场用地", "Square"), "16": ("留白用地", "Reserve"),
    "1701": ("河流水面", "River"), "1702": ("湖泊水面", "Lake"),
}  # fmt: skip
GREEN = {"03": "forest", "1401": "park green", "1402": "protective green", "1403": "square", "05": "wetland"}
ORDER = {"sw": 0, "se": 1, "nw": 2, "ne": 3, "w": 0, "e": 3}
RULE = "schematic, rule {} of SOURCES.md"


@dataclass(frozen=True)
class Parcel:
    """A piece of land with one use, from a year to a year (0: open)."""

    feature: str
    cell: Cell | None
    part: str
    zone: str
    use: str
    since: int
    until: int
    land: BaseGeometry  # in millionths of a degree
    registered: str = ""

    def at(self, year: int) -> bool:
        """Whether the parcel is of a year."""
        return (not self.since or self.since <= year) and (not self.until or year < self.until)


def first_day(year: int) -> str:
    """The first day of a year; nothing of an open end."""
    return f"{year}-01-01" if year else ""


def label(ground: Ground, cell: Cell) -> str:
    """A block's name: its zone's letter, column and row."""
    return f"{ground.town.zone_of(ground.middle(cell)).zone[0]}{cell[0]:02d}{cell[1]:02d}"


class Land:
    """The parcels of a district through time."""

    def __init__(self, ground: Ground) -> None:
        self.ground, self.town = ground, ground.town
        self.serves = self._serves()
        for cell, (use, _) in self.serves.items():
            if use == "0804":  # the report counts schools that stand at the end of 2024 (C212)
                ground.built[cell] = min(ground.built[cell], 2024)
        self.held: dict[Cell, set[str]] = {}  # parts on which registered buildings stand
        for place, _ in self.town.held.values():
            cell = ground.cell_at(place)
            self.held.setdefault(cell, set()).add(ground.part(cell, place))
        self.own: dict[tuple[Cell, str], str] = {}  # parts that are registered parcels: they have the main use of their block
        for parcel, *_ in self.town.registered:
            cell = self.ground.holds(parcel)
            split = self.ground.splits[cell]
            self.own[cell, split[1] if split else ""] = parcel
        self.parcels = sorted(self._parcels(), key=lambda parcel: parcel.feature)

    def _serves(self) -> dict[Cell, tuple[str, str]]:
        """What the last part of each block of homes is for: as many schools as the report tells, other services in turn."""
        homes = [cell for cell, kind in self.ground.kinds.items() if kind == "homes"]
        homes.sort(key=lambda c: (c[0], c[1] if c[0] % 2 else -c[1]))  # up and down, so that services spread
        found: dict[Cell, tuple[str, str]] = {}
        schools = min(SCHOOLS, max(1, len(homes) // 3))
        school = other = 0
        for number, cell in enumerate(homes):
            if (number + 1) * schools // len(homes) > number * schools // len(homes):
                school += 1
                found[cell] = ("0804", "secondary" if school % 4 == 0 or school == schools else "primary")
            else:
                found[cell] = (SERVES[other % len(SERVES)], "")
                other += 1
        return found

    def use(self, cell: Cell, part: str) -> str:
        """The use of a part of a block once it is as planned."""
        kind = self.ground.kinds.get(cell, "green")
        if kind == "green":
            if shapely.Point(self.ground.middle(cell)).distance(self.ground.all_water) < 260:
                return "05"
            return "03" if wobble("forest", *cell) < 0.62 else "01"
        found = USES[kind][ORDER[part]]
        if (cell, part) in self.own or part in self.held.get(cell, ()):
            return USES[kind][0]  # what stands there, or is registered, has the main use of its block
        return self.serves[cell][0] if found == "serves" else found

    def _parcels(self) -> Iterator[Parcel]:
        before: dict[Cell, list[BaseGeometry]] = {}
        for key, land in self.ground.faces.items():
            if key[0] == "road":
                yield Parcel(f"road-{key[1]}{key[2]:02d}-{key[3]}", None, "", key[3], "1207", 0, 0, land)
            elif key[0] == "water":
                use = "1702" if key[1] in {lake[0] for lake in self.town.lakes} else "1701"
                yield Parcel(f"{key[1]}-{key[2]}", None, "", key[2], use, 0, 0, land)
            else:
                cell, part = (key[1], key[2]), key[3]
                name, zone, built = (
                    label(self.ground, cell),
                    self.town.zone_of(self.ground.middle(cell)).zone,
                    self.ground.built[cell],
                )
                use = self.use(cell, part)
                if built:
                    before.setdefault(cell, []).append(land)
                if use == "03" and wobble("grown", *cell) < 0.45:  # forest that was planted on farmland
                    yield Parcel(f"{name}-field", cell, part, zone, "01", 0, 2016, land)
                    yield Parcel(name, cell, part, zone, use, 2016, 0, land)
                else:
                    yield Parcel(
                        f"{name}-{part}" if part else name,
                        cell,
                        part,
                        zone,
                        use,
                        built,
                        0,
                        land,
                        self.own.get((cell, part), ""),
                    )
        for cell, pieces in before.items():  # one field or village before it is parted
            use = "0703" if wobble("village", *cell) < 0.22 else "01"
            zone = self.town.zone_of(self.ground.middle(cell)).zone
            land = shapely.union_all(pieces)
            yield Parcel(f"{label(self.ground, cell)}-before", cell, "", zone, use, 0, self.ground.built[cell], land)

    def square_metres(self, land: BaseGeometry) -> float:
        """The area [m**2] of a shape in millionths of a degree, in the plane of the district."""
        return land.area * self.town.across * DEGREE / MICRO**2

    def named(self, parcel: Parcel) -> tuple[str, str]:
        """What a parcel is called: its use and its place."""
        zh, en = USE_NAMES[parcel.use]
        return f"{zh} {parcel.feature}", f"{en} {parcel.feature}"

    def features(self) -> Iterator[Feature]:
        """parcels: land use through time; together they cover the district at any time."""
        for parcel in self.parcels:
            zh, en = self.named(parcel)
            yield {
                "feature": parcel.feature, "name_zh": zh, "name_en": en, "feature_class": parcel.use,
                "valid_from": first_day(parcel.since), "valid_to": first_day(parcel.until), "zone": parcel.zone,
                "parcel": parcel.registered, "origin": "stand-in", "source": RULE.format("L1"),
            }, plain(parcel.land, self.town)  # fmt: skip

    def planned(self) -> list[Parcel]:
        """The parcels as they are to be in 2035."""
        return [parcel for parcel in self.parcels if parcel.at(2035)]

    def changes(self) -> dict[str, str]:
        """Where the green-space plan wants green and the regulatory plan builds: parcel and what the latter says of it."""
        chosen = [p for p in self.planned() if p.use in ("0701", "0902", "0802", "16") and not p.registered and p.cell]
        near = [p for p in chosen if wobble("conflict", p.feature) < max(0.02, 1.5 / max(len(chosen), 1))]
        return {p.feature: p.use for p in near}

    def regulatory(self) -> Iterator[Feature]:
        """plan-regulatory: parcels of construction land with use, height limit and floor area ratio, and the streets."""
        for parcel in self.planned():
            if parcel.use in ("01", "03", "05", "1701", "1702"):
                continue
            zh, en = self.named(parcel)
            limit = {"0701": 60, "0802": 45, "0902": 80, "0901": 36, "1001": 30, "0804": 36}.get(parcel.use, 24)
            built = parcel.use[:2] not in ("12", "14", "16")
            yield {
                "feature": f"r-{parcel.feature}", "name_zh": zh, "name_en": en, "feature_class": parcel.use,
                "valid_to": "2036-01-01",
                "valid_from": "2020-01-01", "height_limit": limit if built else None, "parcel": parcel.registered,
                "floor_area_ratio": round(limit / 24, 1) if built else None, "origin": "stand-in", "source": RULE.format("L2"),
            }, plain(parcel.land, self.town)  # fmt: skip

    def green_plan(self) -> Iterator[Feature]:
        """plan-greenspace: parks, green and water by another plan; it takes some parcels, overlaps others by a few metres."""
        wanted = self.changes()
        for parcel in self.planned():
            if parcel.use not in GREEN and parcel.use not in ("1701", "1702") and parcel.feature not in wanted:
                continue
            use, land, note = parcel.use, parcel.land, ""
            if parcel.feature in wanted:
                use, note = "1401", "the regulatory plan says " + wanted[parcel.feature]
            elif parcel.use in ("1401", "1402") and wobble("sliver", parcel.feature) < 0.3:
                off = 4 + round(24 * wobble("step", parcel.feature)) * (wobble("wide", parcel.feature) < 0.25)
                # drawn some 0.3 to 2 m off
                land = shapely.transform(land, lambda xy, off=off: np.add(xy, (off, 0)))
                note = "drawn on another base map"
            zh, en = USE_NAMES[use]
            yield {
                "feature": f"g-{parcel.feature}", "name_zh": f"{zh} {parcel.feature}", "name_en": f"{en} {parcel.feature}",
                "feature_class": use, "valid_from": "2018-01-01", "valid_to": "2036-01-01", "note": note,
                "origin": "stand-in", "source": RULE.format("L3"),
            }, plain(land, self.town)  # fmt: skip

    def control_lines(self) -> Iterator[Feature]:
        """control-lines: areas that limit what may be built, drawn from the land as it is to be in 2035."""
        planned = self.planned()
        built = [p.land for p in planned if p.use[:2] in ("07", "08", "09", "10", "12", "13", "14", "16")]
        water = shapely.union_all(list(self.town.water.values()))
        frame = shapely.box(self.town.columns[0], self.town.rows[0], self.town.columns[-1], self.town.rows[-1])
        shore = shapely.intersection(water.buffer(30, join_style="mitre"), frame).simplify(1)
        rows: list[tuple[str, str, str, BaseGeometry]] = [
            ("urban growth", "城镇开发边界", "Urban growth boundary", shapely.union_all(built)),
            ("ecological red line", "生态保护红线", "Ecological red line",
             shapely.union_all([p.land for p in planned if p.use == "05"])),
            ("permanent farmland", "永久基本农田", "Permanent basic farmland",
             shapely.union_all([p.land for p in planned if p.use == "01" and p.cell and wobble("kept", *p.cell) < 0.6])),
            ("green line", "城市绿线", "Green line", shapely.union_all([p.land for p in planned if p.use in ("1401", "1402")])),
            ("yellow line", "城市黄线", "Yellow line (infrastructure)",
            shapely.union_all([p.land for p in planned if p.use[:2] == "13"])),
        ]  # fmt: skip
        for kind, zh, en, land in rows:
            for number, part in enumerate(sorted(shapely.get_parts(land), key=lambda part: part.bounds), 1):
                yield self._control(kind, number, zh, en), plain(part, self.town)
        for number, part in enumerate(sorted(shapely.get_parts(shore), key=lambda part: part.bounds), 1):
            yield self._control("blue line", number, "城市蓝线", "Blue line"), shape(self.town, part)

    def _control(self, kind: str, number: int, zh: str, en: str) -> dict[str, Any]:
        return {
            "feature": f"{kind.replace(' ', '-')}-{number}", "name_zh": f"{zh} {number}", "name_en": f"{en} {number}",
            "feature_class": kind, "valid_from": "2018-01-01", "origin": "stand-in", "source": RULE.format("L4"),
        }  # fmt: skip

    def reserve(self) -> Iterator[Feature]:
        """strategic-reserve: land that is kept free; some of it is taken into use later."""
        for parcel in self.planned():
            if parcel.use == "16":
                released = wobble("released", parcel.feature) < 0.2
                yield {
                    "feature": f"reserve-{parcel.feature}", "name_zh": f"战略留白 {parcel.feature}",
                    "name_en": f"Strategic reserve {parcel.feature}", "feature_class": "strategic reserve",
                    "valid_from": "2018-01-01", "valid_to": "2031-01-01" if released else "", "parcel": parcel.feature,
                    "origin": "stand-in", "source": RULE.format("L5"),
                }, plain(parcel.land, self.town)  # fmt: skip

    def green_space(self) -> Iterator[Feature]:
        """green-space: what is green of the parcels, with its time."""
        for parcel in self.parcels:
            if parcel.use in GREEN:
                zh, en = self.named(parcel)
                yield {
                    "feature": f"green-{parcel.feature}", "name_zh": zh, "name_en": en, "feature_class": GREEN[parcel.use],
                    "valid_from": first_day(parcel.since), "valid_to": first_day(parcel.until), "zone": parcel.zone,
                    "origin": "stand-in", "source": RULE.format("L6"),
                }, plain(parcel.land, self.town)  # fmt: skip

    def water(self) -> Iterator[Feature]:
        """water: rivers and lakes whole, below the bridges too."""
        names = {river.feature: (river.name_zh, river.name_en, "river") for river in self.town.rivers}
        names |= {name: (zh, en, "lake") for name, zh, en, _ in self.town.lakes}
        for feature, (zh, en, kind) in sorted(names.items()):
            yield {
                "feature": feature, "name_zh": zh, "name_en": en, "feature_class": kind, "origin": "stand-in",
                "source": RULE.format("L7"),
            }, shape(self.town, self.town.water[feature])  # fmt: skip
