"""A district of two zones of a square kilometre each, with plans drawn in whole metres, so that every area is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from scicity.city import City
from scicity.space.ground import Ground

GROUND = Ground("EPSG:4548")  # CGCS2000 / 3-degree Gauss-Krüger CM 117E
EAST, NORTH = 448_000.0, 4_447_000.0  # the corner of the district on that ground

PLANS = """plan,plan_kind,plan_level,plan_status,plan_binding,name_zh,name_en,zone,adopted_on,valid_from,valid_to,\
responsible_zh,responsible_en,layer,precedence,supersedes,document,review,origin,source,note_zh,note_en
city,master,city,in_force,binding,总规,Master plan,,2017-09-29,,,规委,Commission,plan-city,,,总规文本,unverified,stand-in,x,,
energy,special,area,drafting,guiding,能源专项,Energy plan,west,,,,城建,Building,plan-energy,,,,unverified,stand-in,x,,
old,special,area,superseded,study,旧规,Old plan,,,,,,,plan-old,,,,unverified,stand-in,x,,
water,study,district,adopted,study,水专题,Water study,,2020-01-01,,,,,,,,,unverified,reported,C068,,
"""
TARGETS = """plan,plan_target,name_zh,name_en,symbol,direction,start_value,target,due_on,report_days,responsible_zh,\
responsible_en,indicator,document,clause,review,origin,source
city,green,绿地,Green,%,higher,30,50,2035-12-31,365,绿化,Parks,,,,unverified,stand-in,x
city,land,用地,Land,km²,lower,100,80,2020-12-31,,规委,Commission,,,,unverified,stand-in,x
energy,pumps,热泵,Pumps,%,higher,,20,2025-12-31,90,城建,Building,,,,unverified,stand-in,x
"""
MONITORING = """plan,plan_target,observed_on,value,note,origin,source
city,green,2020-06-30,35,,measured,x
city,green,2022-06-30,40,,measured,x
city,land,2020-06-30,78,,measured,x
"""
DAYS = "day,name_zh,name_en,source\n2009-12-31,二〇〇九年,2009,x\n2024-12-31,现状,now,x\n"


def square(west: float, south: float, east: float, north: float) -> Any:
    """A rectangle in metres from the corner of the district, in degrees."""
    shape = shapely.box(EAST + west, NORTH + south, EAST + east, NORTH + north)
    return GROUND.lonlat(shapely.segmentize(np.array([shape], dtype=object), 10.0))[0]  # straight in metres, not in degrees


def collection(*features: tuple[str, str | None, Any], **more: dict[str, Any]) -> str:
    """A GeoJSON file of features: name, class, shape in degrees; `more`: further attributes by the feature's name."""
    found = []
    for name, kind, shape in features:
        properties = {"feature": name, "feature_class": kind, "origin": "measured"} | more.get(name, {})
        found.append({"type": "Feature", "properties": properties, "geometry": json.loads(shapely.to_geojson(shape))})
    return json.dumps({"type": "FeatureCollection", "features": found})


WEST, EASTERN = ("west", None, square(0, 0, 1000, 1000)), ("east", None, square(1000, 0, 2000, 1000))
LAYERS = {
    "zones": collection(WEST, EASTERN, west={"zone": "west"}),
    "plan-city": collection(
        ("a", "0701", square(0, 0, 600, 1000)),
        ("b", "14", square(600, 0, 1400, 1000)),
        ("gone", "10", square(0, 0, 600, 1000)),
        a={"valid_from": "2019-01-01T00:00:00Z"},
        gone={"valid_to": "2019-01-01T00:00:00Z"},
    ),
    "plan-energy": collection(
        ("x", "07", square(0, 0, 500, 1000)), ("y", "13", square(500, 0, 900, 1000)), ("z", "14", square(900, 0, 1400.5, 1000))
    ),
    "plan-old": collection(("o", "10", square(0, 0, 2000, 1000))),
    "control-lines": collection(
        ("f", "permanent farmland", square(0, 800, 2000, 1000)), ("g", "green line", square(550, 0, 950, 1000))
    ),
    "parcels": collection(
        ("p1", "07", square(0, 0, 400, 1000)),
        ("p2", "16", square(400, 0, 1200, 1000)),
        ("p3", "10", square(400, 0, 700, 1000)),
        ("p4", "16", square(700, 0, 1150, 1000)),
        ("p5", "mystery", square(1500, 0, 2100, 500)),
        p2={"valid_to": "2015-01-01T00:00:00Z"},
        p3={"valid_from": "2015-01-01T00:00:00Z"},
        p4={"valid_from": "2015-01-01T00:00:00Z"},
    ),
    "parks": collection(("k", "city", square(0, 0, 300, 1000))),
    "green-space": collection(("l", "lawn", square(200, 0, 500, 1000))),
    "water": collection(("w", "river", square(450, 0, 1100, 100))),
}
REGISTERS = {"plans": PLANS, "plan_targets": TARGETS, "plan_monitoring": MONITORING, "account_days": DAYS}


class SmallPlans:
    """The district's folder and its city; `registers` and `layers` in place of those above, an empty text for none."""

    def __init__(self, root: Path, registers: dict[str, str] | None = None, layers: dict[str, str] | None = None) -> None:
        self.folder, self.state = root / "district", root / "state"
        zones = "".join(f'[[zone]]\nzone = "{z}"\nname_zh = "{z}"\nname_en = "{z}"\n' for z in ("district", "west", "east"))
        about = '[district]\nslug = "s"\nname = {zh = "试", en = "s"}\ntimezone = "Asia/Shanghai"\nlanguages = ["zh"]\n'
        for part in ("registers", "layers"):
            (self.folder / part).mkdir(parents=True)
        (self.folder / "district.toml").write_text(about + zones, encoding="utf-8")
        for name, text in (REGISTERS | (registers or {})).items():
            self.write(f"registers/{name}.csv", text)
        for name, text in (LAYERS | (layers or {})).items():
            self.write(f"layers/{name}.geojson", text)
        self.city = City(self.folder, self.state)

    def write(self, place: str, text: str) -> None:
        """Writes a file of the folder; takes it away where the text is empty."""
        if text:
            (self.folder / place).write_text(text, encoding="utf-8")
        else:
            (self.folder / place).unlink(missing_ok=True)

    def rows(self, table: str, **asked: Any) -> list[dict[str, Any]]:
        """The rows of a table, brought up to date."""
        self.city.compute(only=table)
        return self.city.figures.rows(table, **asked)
