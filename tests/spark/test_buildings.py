"""Labels, scores and promises on both engines: tables that the demo leaves empty, from the demo with registers of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scicity.city import City
from scicity.kernel.tables import Derived
from scicity.spark.agreement import differences
from scicity.spark.computing import SparkComputing

DISTRICTS = Path(__file__).parents[2] / "districts"
TABLES = (
    *("label_held", "label_yearly", "score", "score_category", "promise_stated", "measured_yearly", "measured_monthly"),
    *("performance_yearly", "performance_to_date", "promise_yearly"),
)
END = ",doc,unverified,stand-in,made up\n"
REGISTERS = {
    "labels": "label,label_scheme,label_level,stage,project,building,zone,floor_area,awarded_on,valid_to,document,review,"
    "origin,source\n"
    f"1,green_building_star,two_star,design,,lab,,,2021-06-01,{END}"
    f"2,green_building_star,one_star,design,,office,,,2022-06-01,{END}"
    f"3,green_building_star,basic,design,P,,south,,2022-07-01,{END}"
    f"4,healthy_building,labelled,design,Q,,south,700.1,2022-07-01,{END}",
    "score_sheets": "sheet,label_scheme,stage,project,building,zone,rated_on,origin,source\n"
    "s,leed,operation,,lab,,2022-01-01,stand-in,made up\n",
    "score_entries": "sheet,score_item,met,points,document,note,origin,source\n"
    "s,prerequisites,true,,,,stand-in,made up\ns,points,,61.5,,,stand-in,made up\n",
    "promises": "promise,project,building,promise_measure,promise_value,symbol,stage,valid_from,document,review,origin,source\n"
    + "".join(
        f"{building}{measure},,{building},{measure},{value},{unit},design,2020-01-01{END}"
        for building in ("lab", "office", "dorm")
        for measure, value, unit in (
            ("energy_intensity", 30, "kWh/m²"),
            ("carbon_intensity", 10, "kg/m²"),
            ("electricity_use", 9000, "kWh"),
            ("pv_yield", 500, "kWh"),
            ("water_use", 10, "m³"),
        )
    ),
}


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    root = tmp_path_factory.mktemp("labelled")
    shutil.copytree(DISTRICTS / "demo", root / "demo")
    shutil.copytree(DISTRICTS / "future-science-city" / "scoresheets", root / "demo" / "scoresheets")
    for name, text in REGISTERS.items():
        (root / "demo" / "registers" / f"{name}.csv").write_text(text, encoding="utf-8")
    city = City(root / "demo", root / "state")
    city.load()
    for name in TABLES:
        city.compute(only=f"buildings.{name}")
    yield city


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_the_same_on_both(labelled: City, spark: Any, name: str) -> None:
    table = labelled.catalog[f"buildings.{name}"]
    assert isinstance(table, Derived)
    inputs = labelled.lake.commits(table.name)[-1].inputs
    computing = SparkComputing(
        labelled.lake, labelled.catalog, labelled.district.calendar, labelled.district.buckets, session=spark
    )
    parts = computing.candidates(table, inputs)
    here = labelled.computing.compute(table, parts, inputs)
    written = computing.results(table, parts, inputs)
    there = {part: computing.rows(table, each) for part, each in written.items()}
    assert sum(rows.num_rows for rows in here.values())
    assert differences(table, here, there) == []
    assert {part: (each.action.path,) for part, each in written.items()} == dict(labelled.lake.snapshot(table.name).files)
