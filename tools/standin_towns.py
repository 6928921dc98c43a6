"""The two districts that have stand-in layers: their figures, and the few facts of the report that name a place or a size.

Zones, residents and buildings are read from the districts' own files; what is drawn here beside them is schematic.
"""

from __future__ import annotations

import csv
import json
import tomllib
from pathlib import Path
from typing import Any

from tools.standin_ground import DEGREE, Box, Place, River, Town, Zone

DISTRICTS = Path(__file__).parent.parent / "districts"
# Kinds of block and their shares by zone: homes, knowledge (research), campus, centre, industry, park, utilities, reserve.
EAST = (("homes", 34), ("knowledge", 30), ("centre", 12), ("park", 9), ("industry", 5), ("utilities", 3), ("reserve", 7))
CORE = (("homes", 58), ("centre", 8), ("park", 18), ("knowledge", 8), ("utilities", 4), ("reserve", 4))
WEST = (
    *(("homes", 33), ("campus", 18), ("knowledge", 17), ("industry", 11)),
    *(("centre", 8), ("park", 6), ("utilities", 2), ("reserve", 5)),
)
TINY = {
    "north": (("homes", 1), ("reserve", 1)),
    "centre": (("park", 1),),
    "south": (("homes", 1),),
}
GONGHUA: Box = (4_892.0, 4_750.0, 5_892.0, 5_750.0)  # a square of about 1 km (C263); its place is schematic


def blocks(columns: range, rows: range) -> frozenset[tuple[int, int]]:
    """A rectangle of blocks."""
    return frozenset((i, j) for i in columns for j in rows)


# Parks of the report: feature, names, class, year, statements, blocks of the grid, area that is printed [m**2]
PARKS = (
    ("binshui", "未来科学城滨水公园", "Binshui Park", "city", 2014, "C093", blocks(range(31, 35), range(6, 9)) | {(35, 6)},
    3_140_000),
    ("wenyu-park", "温榆河公园", "Wenyu River Park", "country", 2020, "3.6.2", blocks(range(20, 27), range(7, 10)), None),
    ("wisdom-valley", "温榆河未来智谷公园", "Future Wisdom Valley Park", "city", 2021, "3.6.2", blocks(range(36, 39),
    range(7, 9)), None),
    ("leisure-shahe", "生态休闲公园（沙河片区）", "Ecological leisure park, Shahe", "city", 2023, "C243-C244",
    blocks(range(6, 8), range(7, 9)), None),
    ("leisure-beiqijia", "生态休闲公园（北七家片区）", "Ecological leisure park, Beiqijia", "city", 2023, "C243-C244",
    blocks(range(33, 35), range(13, 15)), None),
    ("leisure-dongxiaokou", "生态休闲公园（东小口片区）", "Ecological leisure park, Dongxiaokou", "city", 2023, "C243-C244",
    blocks(range(22, 24), range(1, 3)), None),
    ("chaozong-park", "朝宗桥文化公园", "Chaozong Bridge cultural park", "community", 2022, "3.6.3", blocks(range(7, 8),
    range(9, 10)), None),
    ("shahe-wetland", "沙河湿地公园", "Shahe wetland park", "country", 2016, "3.6.1", blocks(range(8, 11), range(7, 8)), None),
)  # fmt: skip
OPEN = frozenset().union(*(park[6] for park in PARKS))


def boxes_of(folder: Path) -> tuple[float, float, dict[str, tuple[float, float, float, float]]]:
    """West and south [degree] of all zones, and each zone's box [degree], of layers/zones.geojson."""
    told = json.loads((folder / "layers" / "zones.geojson").read_text(encoding="utf-8"))
    boxes = {}
    for feature in told["features"]:
        ring = feature["geometry"]["coordinates"][0]
        boxes[feature["properties"]["zone"]] = (
            *(min(place[axis] for place in ring) for axis in (0, 1)), *(max(place[axis] for place in ring) for axis in (0, 1)),
        )  # fmt: skip
    return min(box[0] for box in boxes.values()), min(box[1] for box in boxes.values()), boxes


def read(folder: Path, uses: dict[str, Any]) -> tuple[float, float, tuple[Zone, ...], dict[str, Place]]:
    """Origin [degree], zones and places of the registered buildings [m] of a district."""
    west, south, boxes = boxes_of(folder)
    flat = Town(folder, west, south, (), (), (), frozenset(), frozenset(), (), (), (), {})
    settings = tomllib.loads((folder / "district.toml").read_text(encoding="utf-8"))
    zones = []
    for row in settings["zone"]:
        if row["zone"] in boxes:
            a, b, c, d = boxes[row["zone"]]
            box = ((a - west) * flat.across, (b - south) * DEGREE, (c - west) * flat.across, (d - south) * DEGREE)
            share = row["construction_land_area"] / row["area"]
            drawn = (box[2] - box[0]) * (box[3] - box[1])
            zones.append(Zone(row["zone"], box, row["area"], drawn * share, row["residents"], uses[row["zone"]]))
    with (folder / "registers" / "buildings.csv").open(encoding="utf-8", newline="") as rows:
        held = {
            row["building"]: (
                (float(row["longitude"]) - west) * flat.across, (float(row["latitude"]) - south) * DEGREE,
            )
            for row in csv.DictReader(rows)
        }  # fmt: skip
    return west, south, tuple(zones), held


def science_city() -> Town:
    """Beijing Future Science City: two districts and one core side by side (zones.geojson), three rivers, 170.6 km2."""
    folder = DISTRICTS / "future-science-city"
    west, south, zones, held = read(folder, {"east": EAST, "core": CORE, "west": WEST})
    columns = [0.0]
    for zone, parts in (("west", 15), ("core", 15), ("east", 11)):
        box = next(z.box for z in zones if z.zone == zone)
        columns += [box[0] + (box[2] - box[0]) * step / parts for step in range(1, parts + 1)]
    height = zones[0].box[3]
    rows = (0.0, *(250.0 + 500 * step for step in range(17)), height)
    wenyu = (
        *((4_800.0, 4_200.0), (6_100.0, 4_020.0), (7_400.0, 4_000.0), (9_500.0, 4_420.0), (11_500.0, 3_900.0)),
        *((13_500.0, 4_300.0), (15_500.0, 3_600.0), (17_500.0, 4_000.0), (20_200.0, 3_300.0)),
    )
    kinds = {"west": "campus", "core": "knowledge", "east": "knowledge"}
    return Town(
        folder, west, south, zones, tuple(columns), rows,
        arterial_columns=frozenset(range(3, 41, 3)), arterial_rows=frozenset(range(1, 18, 3)),
        rivers=(
            River("wenyu", "温榆河", "Wenyu River", wenyu, 120),
            River("dongsha", "东沙河", "Dongsha River", ((1_500.0, 8_600.0), (1_800.0, 7_000.0), (3_300.0, 5_200.0),
            (4_200.0, 4_400.0)), 50),
            River("nansha", "南沙河", "Nansha River", ((-100.0, 3_480.0), (1_800.0, 3_300.0), (3_600.0, 3_900.0), (3_900.0,
            4_150.0)), 60),
        ),
        lakes=(
            ("shahe-reservoir", "沙河水库", "Shahe Reservoir", (3_700.0, 3_950.0, 4_950.0, 4_500.0)),
            ("binshui-lake", "滨水公园湖面", "Lake of Binshui Park", (15_700.0, 2_950.0, 16_500.0, 3_350.0)),
            ("old-channel", "温榆河故道", "Old channel of the Wenyu", (9_000.0, 4_650.0, 10_600.0, 4_850.0)),
        ),
        starts=((17_400.0, 2_900.0), (2_600.0, 1_900.0), (3_900.0, 6_800.0)),
        held={name: (place, kinds[name.split("-")[0]]) for name, place in held.items()},
        registered=(
            ("nyg-01", "east", 61_000, "east-01"), ("nyg-02", "east", 48_500, "east-02"), ("nyg-03", "east", 35_200,
            "knowledge"),
            ("smg-01", "west", 27_400, "knowledge"), ("smg-02", "west", 52_800, "industry"), ("shp-01", "west", 19_600,
            "homes"),
        ),
        open=OPEN,
        kept={(i, j): kind for (i, j), kind in zip(((10, 10), (10, 11), (11, 10), (11, 11)), ("old", "park", "old", "old"),
        strict=True)},
    )  # fmt: skip


def demo() -> Town:
    """The invented district, of fifteen blocks."""
    folder = DISTRICTS / "demo"
    west, south, zones, held = read(folder, TINY)
    kinds = {"lab": "knowledge", "office": "centre", "dorm": "homes", "boiler": "utilities"}
    right = zones[0].box[2]
    edges = sorted({round(edge, 6) for zone in zones for edge in (zone.box[1], zone.box[3])})
    return Town(
        folder, west, south, zones, (0.0, 400.0, 800.0, 1_200.0, 1_600.0, right), tuple(edges),
        arterial_columns=frozenset({2}), arterial_rows=frozenset({1}),
        rivers=(River("brook", "示范河", "Demo Brook", ((-50.0, 880.0), (820.0, 900.0), (2_100.0, 700.0)), 24),),
        lakes=(("pond", "示范湖", "Demo Pond", (1_650.0, 150.0, 1_850.0, 260.0)),),
        starts=((900.0, 800.0),),
        held={name: (place, kinds[name]) for name, place in held.items()},
        kept={(1, 1): "park"},
        halves=True,
    )  # fmt: skip


TOWNS = {"future-science-city": science_city, "demo": demo}
