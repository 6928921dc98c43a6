"""A city of two meters and three tables, as small as a page can be tried on."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import numpy as np
import pyarrow as pa

from scicity.cockpit.city import OpenCity
from scicity.cockpit.place import Place
from scicity.kernel.calendar import micros
from scicity.kernel.computing import Computing
from scicity.kernel.district import DATASTREAM, KERNEL_SOURCES, ZONE, District
from scicity.kernel.lake import Lake, Part
from scicity.kernel.lineage import Figures
from scicity.kernel.problems import Problems
from scicity.kernel.reading import ARRIVAL, Batch, take
from scicity.kernel.tables import Catalog, Read, derived
from scicity.space import loading, register
from scicity.stores import store_at

DISTRICT = """
[district]
slug = "little"
name = { zh = "小城", en = "Little City" }
timezone = "Asia/Shanghai"
languages = ["zh", "en"]

[[zone]]
zone = "district"
name_zh = "全区"
name_en = "whole district"
area = 1000000.0
residents = 1200.0
source = "a <script>alert(1)</script> plan"
"""
HOURS = 24 * 40
METERS = ("m/1", "表二")


@derived(
    name="little.hourly",
    reads={
        "readings": Read("reading.energy_increment"),
        "streams": Read("district.datastream", columns=("datastream", "thing", "origin"), trace={"meter": "thing"}),
    },
    columns=["meter", "hour", "day", "energy", "stand_in"],
    grain=["meter", "hour"],
    period="month",
    time="day",
    key="meter",
    by_partition=True,
    title_zh="逐时",
    title_en="Hourly",
)
def hourly(slot, readings, streams):
    """Energy of each hour. A made-up rule of GB/T 2589-2020, clause 5.1."""
    hours = (micros(readings["time"]) - 1) // 3_600_000_000 * 3_600_000_000
    days = slot.calendar.days(hours)
    return pa.table(
        {
            "meter": readings["datastream"],
            "hour": pa.array(hours, pa.timestamp("us", "UTC")),
            "day": pa.array(days).cast(pa.date32()),
            "energy": readings["value"],
            "stand_in": pa.array([True] * len(hours)),
        }
    ).filter(pa.array((hours >= slot.start) & (hours < slot.end)))


@derived(
    name="little.daily",
    reads={"hourly": "little.hourly"},
    columns=["meter", "day", "energy", "stand_in", "coverage"],
    grain=["meter", "day"],
    period="month",
    time="day",
    key="meter",
    title_zh="逐日",
    title_en="Daily",
)
def daily(hourly):
    """Energy of each day."""
    return hourly.group_by("meter", "day").agg(
        energy=hourly.energy.sum(), stand_in=hourly.stand_in.max(), coverage=hourly.energy.count() / 24
    )


@derived(
    name="little.monthly",
    reads={"daily": "little.daily"},
    columns=["meter", "month", "energy"],
    grain=["meter", "month"],
    period="month",
    time="month",
    key="meter",
)
def monthly(daily):
    """Energy of each month."""
    return daily.mutate(month=daily.day.truncate("M")).group_by("meter", "month").agg(energy=daily.energy.sum())


@derived(name="little.total", reads={"daily": "little.daily"}, columns=["meter", "energy"], grain=["meter"])
def total(daily):
    """All energy of a meter."""
    return daily.group_by("meter").agg(energy=daily.energy.sum())


def build(root: Path) -> OpenCity:
    """Writes the district's folder and its lake below `root`, and computes."""
    folder = root / "district"
    (folder / "layers").mkdir(parents=True)
    (folder / "district.toml").write_text(DISTRICT, encoding="utf-8")
    square = [[[116.4, 40.1], [116.5, 40.1], [116.5, 40.2], [116.4, 40.2], [116.4, 40.1]]]
    feature = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": square}, "properties": {"zone": "district"}}
    collection = {"type": "FeatureCollection", "features": [feature]}
    (folder / "layers" / "zones.geojson").write_text(json.dumps(collection), encoding="utf-8")
    place = Place(folder, root / "state")
    problems = Problems()
    district = District.open(folder, problems)
    catalog = Catalog([*KERNEL_SOURCES, hourly, daily, monthly, total, *register.tables_of(district)])
    lake = Lake(place.state / "lake", store_at(place.state, district.slug))
    zones = district.sources(Catalog([ZONE]), problems)[ZONE.name]
    streams = pa.Table.from_pylist(
        [
            {
                "datastream": meter,
                "thing": meter,
                "property": "energy_increment",
                "unit": "kWh",
                "interval_seconds": 3600,
                "origin": "stand-in",
                "source_file": "registers/datastreams.csv",
                "source_row": 2 + number,
            }
            for number, meter in enumerate(METERS)
        ],
        schema=DATASTREAM.schema,
    )
    for declared, rows in ((ZONE, zones), (DATASTREAM, streams)):
        lake.replace(declared.name, {Part("all"): rows}, declared.schema, inputs={}, code="")
    start = int(dt.datetime(2021, 5, 1, tzinfo=dt.UTC).timestamp()) * 1_000_000
    times = start + 3_600_000_000 * np.arange(1, HOURS + 1)
    values = 40 + 30 * np.sin(np.arange(HOURS) / 24 * 2 * np.pi)
    values[100] = np.nan
    rows = pa.table(
        {
            "datastream": np.repeat(METERS, HOURS),
            "time": pa.array(np.tile(times, 2), pa.timestamp("us", "UTC")),
            "value": np.r_[values, 1000 * values].round(3),
            "revision": pa.nulls(2 * HOURS, pa.int64()),
        }
    )
    take(lake, Batch("first", rows, dt.datetime(2021, 7, 1, tzinfo=dt.UTC)), streams, district.calendar, 1, problems)
    problems.refuse()
    computing = Computing(lake, catalog, district.calendar)
    for spec in register.specs_of(district).values():
        computing.put(spec.table, loading.rows(spec, folder, district.calendar, problems))
    computing.bring_up_to_date()
    return OpenCity(district, Figures(computing), place)


def correct(city: OpenCity, value: float) -> None:
    """A correction of one hour of May arrives, and the figures heal."""
    when = dt.datetime(2021, 5, 5, 4, tzinfo=dt.UTC)
    rows = pa.Table.from_pylist([{"datastream": "m/1", "time": when, "value": value, "revision": 1}], schema=ARRIVAL)
    streams = city.figures.engine.rows(city.figures.catalog["district.datastream"])
    batch = Batch(f"correction {value}", rows, dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    take(city.figures.lake, batch, streams, city.district.calendar, 1, Problems())
    city.figures.computing.bring_up_to_date()
    city.closings.post(dt.datetime(2026, 1, 2, tzinfo=dt.UTC))
