"""Parks and heritage of a stand-in district: what the report names, at schematic places, to the sizes that it prints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import shapely

from tools.standin_ground import Box, line, plain, shape
from tools.standin_parcels import RULE, Feature, Land, first_day
from tools.standin_towns import GONGHUA, PARKS

PLACED = "its place is schematic"
BRIDGE: Box = (3_749.0, 4_743.0, 3_879.0, 4_757.0)  # Chaozong Bridge, where a street crosses the Dongsha River
TEMPLE: Box = (16_000.0, 5_300.0, 16_050.0, 5_340.0)  # Puqing Temple, 2,000 m2 (C266)
SITES = (  # site, names, class, shape, year, heights allowed in the rings of its surroundings
    ("gonghua", "巩华城", "Gonghua Fortress", "fortress", GONGHUA, 1537, "C262-C264"),
    ("chaozong", "朝宗桥", "Chaozong Bridge", "bridge", BRIDGE, 1447, "C265"),
    ("puqing", "普庆寺", "Puqing Temple", "temple", TEMPLE, None, "C266"),
)
RINGS = (  # class, names, from and to [m] off the site, height allowed [m]: invented, the report prints none (S63)
    ("protection range", "保护范围", "Protection range", 0, 50, 9),
    ("construction control zone", "一类建设控制地带", "Construction control zone 1", 50, 150, 12),
    ("construction control zone", "二类建设控制地带", "Construction control zone 2", 150, 300, 18),
    ("construction control zone", "三类建设控制地带", "Construction control zone 3", 300, 600, 30),
)
VIEWS = (  # view, names, from (eye), to (aim) [m], height of the eye and the aim above ground [m], width [m]
    ("gonghua-south", "巩华城南轴视廊", "South axis of Gonghua", (5_392.0, 3_300.0), (5_392.0, 4_750.0), 1.6, 11.0, 80.0),
    (
        "gonghua-chaozong",
        "巩华城至朝宗桥视廊",
        "Gonghua to Chaozong Bridge",
        (4_892.0, 5_000.0),
        (3_879.0, 4_750.0),
        8.0,
        6.0,
        60.0,
    ),
    ("gonghua-north", "巩华城北轴视廊", "North axis of Gonghua", (5_392.0, 7_900.0), (5_392.0, 5_750.0), 1.6, 11.0, 80.0),
)


class Places:
    """Parks, heritage sites, what protects them, and views."""

    def __init__(self, land: Land) -> None:
        self.land, self.town, self.ground = land, land.town, land.ground
        self.city = self.town.folder.name == "future-science-city"

    def parks(self) -> Iterator[Feature]:
        """parks: those of the report as blocks that are kept free, parks of blocks and parcels, and corners."""
        for park, zh, en, kind, since, where, cells, printed in PARKS if self.city else ():
            land = shapely.union_all([shapely.box(*self.ground.box(cell)) for cell in sorted(cells)])
            yield {
                "feature": park, "name_zh": zh, "name_en": en, "feature_class": kind, "valid_from": first_day(since),
                "area_printed": printed, "origin": "stand-in",
                "source": f"named by the report ({where}), its place is schematic; rule G1 of SOURCES.md",
            }, shape(self.town, land)  # fmt: skip
        whole: dict[Any, list[shapely.Geometry]] = {}
        years: dict[Any, int] = {}
        for parcel in self.land.planned():
            if parcel.use == "1401" and parcel.cell:
                alone = self.ground.kinds[parcel.cell] != "park"
                key = (parcel.cell, parcel.part if alone else "")
                whole.setdefault(key, []).append(parcel.land)
                years[key] = parcel.since
        for number, ((cell, part), pieces) in enumerate(sorted(whole.items()), 1):
            kind, zh, en = ("community", "社区公园", "Community park") if part else ("city", "城市公园", "City park")
            yield {
                "feature": f"park-{number:03d}", "name_zh": f"示意{zh}{number:03d}", "name_en": f"{en} {number:03d} (stand-in)",
                "feature_class": kind, "valid_from": first_day(years[cell, part]), "origin": "stand-in",
                "source": RULE.format("G2"),
            }, plain(shapely.union_all(pieces), self.town)  # fmt: skip
        squares = [p for p in self.land.planned() if p.use == "1403" and p.cell]
        for number, parcel in enumerate(squares, 1):
            x, y = self.town.metres(parcel.land.representative_point().coords[0])
            yield {
                "feature": f"pocket-{number:02d}", "name_zh": f"示意口袋公园{number:02d}",
                "name_en": f"Pocket park {number:02d} (stand-in)", "feature_class": "pocket",
                "valid_from": first_day(parcel.since),
                "origin": "stand-in", "source": RULE.format("G3"),
            }, shape(self.town, shapely.box(x - 30, y - 30, x + 30, y + 30))  # fmt: skip

    def sites(self) -> Iterator[Feature]:
        """heritage-sites: those that the report names, to the sizes that it prints."""
        for site, zh, en, kind, box, year, where in self._sites():
            yield {
                "feature": site, "name_zh": zh, "name_en": en, "feature_class": kind, "built": year,
                "elevation": self.town.ground(((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)), "origin": "stand-in",
                "source": f"named by the report ({where}), {PLACED}; rule H1 of SOURCES.md" if self.city else RULE.format("H1"),
            }, shape(self.town, shapely.box(*box))  # fmt: skip
        if self.city:
            yield {
                "feature": "old-channel", "name_zh": "温榆河故道", "name_en": "Old channel of the Wenyu",
                "feature_class": "channel",
                "origin": "stand-in", "source": "named by the report (3.6.3), its place is schematic; rule H1 of SOURCES.md",
            }, shape(self.town, self.town.water["old-channel"])  # fmt: skip

    def purple(self) -> Iterator[Feature]:
        """control-lines: the purple line, around each site as its protection range is."""
        for site, zh, en, _, box, _, _ in self._sites():
            yield {
                "feature": f"purple-line-{site}", "name_zh": f"城市紫线 {zh}", "name_en": f"Purple line {en}",
                "feature_class": "purple line", "valid_from": "2018-01-01", "origin": "stand-in", "source": RULE.format("L4"),
            }, shape(self.town, shapely.box(*box).buffer(RINGS[0][4], join_style="mitre"))  # fmt: skip

    def _sites(self) -> tuple[Any, ...]:
        if self.city:
            return SITES
        return (("gate", "示范门", "Demo Gate", "gate", (1_300.0, 1_250.0, 1_340.0, 1_270.0), 1600, ""),)

    def ranges(self) -> Iterator[Feature]:
        """protection-ranges: rings around a site, each with the height that it allows; the lowest innermost."""
        frame = shapely.box(self.town.columns[0], self.town.rows[0], self.town.columns[-1], self.town.rows[-1])
        for site, zh, en, _, box, _, _ in self._sites():
            place = shapely.box(*box)
            for number, (kind, ring_zh, ring_en, near, far, height) in enumerate(RINGS if site == "gonghua" else RINGS[:3], 1):
                outer = place.buffer(far, join_style="mitre")
                ring = outer if number == 1 else outer.difference(place.buffer(near, join_style="mitre"))
                yield {
                    "feature": f"{site}-{number}", "name_zh": f"{zh}{ring_zh}", "name_en": f"{en}: {ring_en}",
                    "feature_class": kind,
                    "site": site, "height_limit": height, "distance_from": near, "distance_to": far, "valid_from": "2018-01-01",
                    "review": "stand-in", "origin": "stand-in", "source": RULE.format("H2"),
                }, shape(self.town, ring.intersection(frame))  # fmt: skip

    def views(self) -> Iterator[Feature]:
        """view-corridors: lines from the eye to the aim, at their heights above sea level, with the width that is kept free."""
        views = VIEWS if self.city else (
            ("gate-south", "示范门视廊", "View of the Demo Gate", (1_320.0, 700.0), (1_320.0, 1_250.0), 1.6, 8.0, 40.0),
        )  # fmt: skip
        for view, zh, en, eye, aim, eye_high, aim_high, width in views:
            levels = [round(self.town.ground(place) + high, 2) for place, high in ((eye, eye_high), (aim, aim_high))]
            places: list[tuple[float, ...]] = [(*eye, levels[0]), (*aim, levels[1])]
            yield {
                "feature": view, "name_zh": zh, "name_en": en, "feature_class": "view corridor", "width": width,
                "site": view.split("-")[0], "eye_height": eye_high, "aim_height": aim_high, "eye_elevation": levels[0],
                "aim_elevation": levels[1], "valid_from": "2018-01-01", "review": "stand-in", "origin": "stand-in",
                "source": RULE.format("H3"),
            }, {"type": "LineString", "coordinates": line(self.town, places)}  # fmt: skip
