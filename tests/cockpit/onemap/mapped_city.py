"""A city with a map: zones with figures, buildings of several years, pipes that hang together, a tunnel, a station."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pyarrow as pa

from scicity.cockpit.city import OpenCity
from scicity.cockpit.place import Place
from scicity.domains.environment.sources import STATION
from scicity.kernel.computing import Computing
from scicity.kernel.district import KERNEL_SOURCES, District
from scicity.kernel.lake import Lake
from scicity.kernel.lineage import Figures
from scicity.kernel.problems import Problems
from scicity.kernel.reading import ARRIVAL, Batch, take
from scicity.kernel.tables import Catalog, Read, derived, reading_table
from scicity.space import loading, register
from scicity.space.editing import EDIT
from scicity.stores import store_at

DISTRICT = """
[district]
slug = "mapped"
name = { zh = "图镇", en = "Mapped Town" }
timezone = "Asia/Shanghai"
languages = ["zh", "en"]

[[zone]]
zone = "district"
name_zh = "全区"
name_en = "whole district"
area = 2000000.0
source = "a plan"

[[zone]]
zone = "west"
parent = "district"
name_zh = "西区"
name_en = "West <i>End</i>"
area = 1200000.0
residents = 900.0
source = "a plan"

[[zone]]
zone = "east"
parent = "district"
name_zh = "东区"
name_en = "East End"
area = 800000.0
residents = 300.0
source = "a plan"
"""
REGISTER = """\
layer,theme,name_zh,name_en,layer_file,class_from,restricted_from,stratum,responsible_zh,responsible_en,licence,visible_to,\
update_days,origin,source
zones,base,分区,Zones,zones.geojson,,,,,,ODbL-1.0,,,stand-in,made for tests
buildings,buildings,建筑,Buildings,buildings.geojson,use,,above,规划局,Planning Bureau,CC-BY-4.0,,365,stand-in,made for tests
pipes,underground,管线,Pipes,pipes.geojson,kind,for_roles,underground,,,,,,stand-in,made for tests
tunnels,underground,隧道,Tunnels,tunnels.geojson,,,underground,,,,,,stand-in,made for tests
secrets,planning,内部规划,Plans of the house,secrets.geojson,,,,,,,officer,,stand-in,made for tests
"""
STREAMS = """\
datastream,thing,property,unit,flow,interval_seconds,origin,source
roof.t,roof,air_temperature,degC,,3600,measured,made for tests
"""
STATIONS = """\
station,zone,name_zh,name_en,longitude,latitude,origin,source
roof,west,楼顶站,Roof station,116.405,40.105,measured,made for tests
"""
WEST, SOUTH = 116.40, 40.10


def box(x: float, y: float, wide: float, high: float) -> dict[str, Any]:
    """A rectangle of degrees."""
    ring = [[x, y], [x + wide, y], [x + wide, y + high], [x, y + high], [x, y]]
    return {"type": "Polygon", "coordinates": [[[round(a, 6), round(b, 6)] for a, b in ring]]}


def feature(name: str, geometry: dict[str, Any], **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": {"feature": name, **properties}}


def line(*corners: tuple[float, ...]) -> dict[str, Any]:
    return {"type": "LineString", "coordinates": [list(corner) for corner in corners]}


# A main from a to d with a branch at b, restricted at its end; another network beside it. They run north along a street.
PIPES = [
    feature("m1", line((116.404, 40.100), (116.404, 40.102)), kind="water", depth=1.5, diameter=300,
            from_node="a", to_node="b"),
    feature("m2", line((116.404, 40.102), (116.404, 40.104)), kind="water", depth=1.5, diameter=300,
            from_node="b", to_node="c"),
    feature("m3", line((116.404, 40.104), (116.404, 40.106)), kind="water", depth=2.0, diameter=200, from_node="c", to_node="d",
            for_roles="officer"),
    feature("br", line((116.404, 40.102), (116.408, 40.102)), kind="water", depth=1.2, diameter=100, from_node="b", to_node="e",
            valid_from="2020-01-01"),
    feature("s1", line((116.402, 40.100), (116.402, 40.110)), kind="sewage", depth=3.0, diameter=500,
            from_node="x", to_node="y", from_depth=3.0, to_depth=5.0),
]  # fmt: skip
LAYERS = {
    "zones": [feature("west", box(116.40, 40.10, 0.006, 0.01)), feature("east", box(116.406, 40.10, 0.004, 0.01))],
    "buildings": [
        feature("b1", box(116.401, 40.101, 0.0005, 0.0005), name_zh="老楼", name_en="Old house", use="office", height=12.0,
                valid_from="2009-06-01", valid_to="2019-01-01", floors=3, zone="west"),
        feature("b2", box(116.403, 40.103, 0.0005, 0.0005), name_zh="新楼", name_en="=New tower", use="office", height=80.0,
                valid_from="2019-01-01"),
        feature("b3", box(116.407, 40.107, 0.0005, 0.0005), name_zh="规划楼", name_en="Planned house", use="residential",
                height=30.0, valid_from="2033-01-01"),
    ],
    "pipes": PIPES,
    "tunnels": [feature("t1", line((116.4, 40.108, 20.0), (116.41, 40.108, 10.0)), depth=16.0, clear_height=6.0,
                        width=8.0)],
    "secrets": [feature("s", box(116.402, 40.102, 0.002, 0.002), name_zh="机密")],
}  # fmt: skip


@derived(
    name="mapped.zone_yearly",
    reads={"zones": Read("district.zone")},
    columns=["zone", "year", "residents", "area"],
    grain=["zone", "year"],
    title_zh="分区人口",
    title_en="Residents by zone",
)
def zone_yearly(zones: Any) -> Any:
    """Residents of each zone, in two years. A made-up rule."""
    rows = zones.select("zone", "residents", "area")
    return rows.mutate(year=2018).union(rows.mutate(year=2024, residents=rows.residents * 2))


def write(folder: Path) -> None:
    """The folder of the district."""
    (folder / "layers").mkdir(parents=True)
    (folder / "registers").mkdir()
    (folder / "district.toml").write_text(DISTRICT, encoding="utf-8")
    for name, text in (("layers", REGISTER), ("datastreams", STREAMS), ("stations", STATIONS)):
        (folder / "registers" / f"{name}.csv").write_text(text, encoding="utf-8")
    for name, features in LAYERS.items():
        told = {"type": "FeatureCollection", "features": features}
        (folder / "layers" / f"{name}.geojson").write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")


def build(root: Path) -> OpenCity:
    """Writes the folder, brings it to a lake, computes, and opens it as a city to be served."""
    folder, state = root / "district", root / "state"
    write(folder)
    problems = Problems()
    district = District.open(folder, problems)
    catalog = Catalog(
        [
            *KERNEL_SOURCES,
            register.LAYER,
            EDIT,
            STATION,
            reading_table("air_temperature"),
            zone_yearly,
            *register.tables_of(district),
        ]
    )
    lake = Lake(state / "mapped" / "lake", store_at(state / "mapped", district.slug))
    computing = Computing(lake, catalog, district.calendar)
    sources = district.sources(catalog, problems)
    for declared, rows in sources.items():
        computing.put(catalog[declared], rows)
    for spec in register.specs_of(district).values():
        computing.put(spec.table, loading.rows(spec, folder, district.calendar, problems))
    city = OpenCity(district, Figures(computing), Place(folder, state))
    arrive(city, [(1, 11.5), (2, 12.5)])
    problems.refuse()
    return city


def arrive(city: OpenCity, values: list[tuple[int, float]]) -> None:
    """Readings of the roof arrive, by hours of a day, and the figures are brought up to date."""
    told = [
        {"datastream": "roof.t", "time": dt.datetime(2024, 5, 1, hour, tzinfo=dt.UTC), "value": value, "revision": None}
        for hour, value in values
    ]
    problems = Problems()
    rows = pa.Table.from_pylist(told, schema=ARRIVAL)
    streams = city.figures.engine.rows(city.figures.catalog["district.datastream"])
    batch = Batch(f"hours {values}", rows, dt.datetime(2024, 6, 1, tzinfo=dt.UTC))
    take(city.figures.lake, batch, streams, city.district.calendar, 1, problems)
    problems.refuse()
    city.figures.computing.bring_up_to_date()
