"""Faults to put into a copy of the demo district, one function a file or folder; each line of them is one fault."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

FACTOR_HEADER = (
    "factor,carrier,variety,emission_scope,region,quantity,printed,unit,data_year,valid_from,valid_to,revision,"
    "document,document_number,published_on,clause,gas,boundary,review,note\n"
)
FORM = ",,2,{region},grid_mean,{printed},{unit},,{begin},{end},,an announcement,,2025-12-01,,CO2,direct,unverified,\n"


def seed_all(folder: Path) -> None:
    """Every fault that leaves the others to be seen, in one folder."""
    for seed in (
        *(seed_district, seed_buildings, seed_stations, seed_datastreams, seed_meters, seed_installations),
        *(seed_choices, seed_factors, seed_statements, seed_framework, seed_layers),
        *(seed_readings_as_text, seed_readings_as_parquet, seed_odd_files),
    ):
        seed(folder)


def change(file: Path, *pairs: tuple[str, str]) -> None:
    """Replaces texts that must each stand in the file, at their first place."""
    text = file.read_text(encoding="utf-8")
    for old, new in pairs:
        if old not in text:
            raise ValueError(f"{old!r} does not stand in {file.name}")
        text = text.replace(old, new, 1)
    file.write_text(text, encoding="utf-8")


def append(file: Path, *lines: str) -> None:
    """Adds lines to the end of a file."""
    with file.open("a", encoding="utf-8", newline="") as out:
        out.writelines(f"{line}\n" for line in lines)


def seed_district(folder: Path) -> None:
    change(
        folder / "district.toml",
        ('slug = "demo"\n', ""),
        ('timezone = "Asia/Shanghai"', 'timezone = "Asia/Atlantis"'),
        ('parent = "district"', 'parent = "nowhere"'),
        ("area = 1200000\n", 'area = "large"\n'),
        ('name_en = "Centre"', 'name_en = "Centre"\npopulace = 5'),
    )


def seed_buildings(folder: Path) -> None:
    file = folder / "registers" / "buildings.csv"
    change(
        file,
        ("lab,north", "lab,west"),
        ("12000", "-12000"),
        ("0.002695", "97.5"),
        ("0.001797,stand-in", "0.001797,guessed"),
    )
    append(
        file,
        "lab,north,实验楼,Laboratory,,,,,stand-in,",
        "shed,south,棚,,,,,,stand-in,",
        "barn,south,仓",
    )


def seed_stations(folder: Path) -> None:
    change(
        folder / "registers" / "stations.csv",
        ("name_zh,name_en,longitude", "name_zh,name_zh,longitude"),
        (",origin,", ",colour,"),
    )


def seed_datastreams(folder: Path) -> None:
    change(
        folder / "registers" / "datastreams.csv",
        ("lab-main,energy_register,kWh,", "lab-main,energy_register,kWhh,"),
        ("lab-pv.forward,lab-pv,", "lab-pv.forward,lab-sun,"),
        ("office-main,energy_register", "office-main,happiness"),
        ("kW,forward,900", "kW,sideways,900"),
        ("air-1.pm25,air-1,pm25,ug/m**3,,3600", "air-1.pm25,air-1,pm25,kWh,,3600"),
        ("air-1.pm10,air-1,pm10,ug/m**3,,3600", "air-1.pm10,air-1,pm10,ug/m**3,,hourly"),
        ("air-1.so2,air-1", "air-1.so2,air-9"),
    )


def seed_meters(folder: Path) -> None:
    change(
        folder / "registers" / "meters.csv",
        ("lab-main,electricity", "lab-main,steam"),
        ("office-servers,electricity,sub,office-main", "office-servers,electricity,sub,office-9"),
        ("dorm-east,electricity,sub,dorm-main", "dorm-east,electricity,sub,dorm-east"),
        ("natural_gas,main,,false", "natural_gas,main,,perhaps"),
    )


def seed_installations(folder: Path) -> None:
    file = folder / "registers" / "installations.csv"
    change(
        file,
        ("lab-main,2022-11-17T00:00:00+08:00,,", "lab-main,2022-11-17T00:00:00+08:00,2021-01-01,"),
        ("lab-pv,2022-11-17T00:00:00+08:00", "lab-pv,17/11/2022"),
        ("office-main,2022-12-20T10:30:00+08:00", "office-main,2022-12-19T10:30:00+08:00"),
        ("DEMO-DORM-MAIN,1,6", "DEMO-DORM-MAIN,one,6"),
        ("DEMO-DORM-EAST,1,6", "DEMO-DORM-EAST,1,60"),
        (",dorm,DEMO-DORM-WEST", ",castle,DEMO-DORM-WEST"),
    )
    append(file, "ghost,2022-11-17,,lab,,1,,,,,,")


def seed_choices(folder: Path) -> None:
    file = folder / "registers" / "factor_choices.csv"
    append(
        file,
        "location_based,electricity,grid.nowhere,,2021-01-01,2022-01-01,无,none",
        'guess,heat,"grid.beijing,,2022-01-01,,无,none',
        "location_based,natural_gas,combustion-energy.natural_gas,,2021-01-15,2022-01-01,无,none",
    )


def seed_factors(folder: Path) -> None:
    def row(name: str, region: str, printed: str, unit: str, begin: str, end: str) -> str:
        return f"{name},electricity" + FORM.format(region=region, printed=printed, unit=unit, begin=begin, end=end)

    rows = (
        row("grid.wrong", "beijing", "0.7188", "kg/kWh", "2010-01-01", "2011-01-01"),
        row("grid.beijing", "beijing", "0.5554", "kg/kWh", "2023-06-01", "2024-01-01"),
        row("grid.unit", "tianjin", "0.5", "kg/m", "2022-01-01", "2023-01-01"),
        row("grid.scale", "tianjin", "550", "kg/kWh", "2021-01-01", "2022-01-01"),
        row("grid.comma", "tianjin", '"0,5"', "kg/kWh", "2020-01-01", "2021-01-01"),
    )
    (folder / "factors" / "more.csv").write_text(FACTOR_HEADER + "".join(rows), encoding="utf-8")


def seed_statements(folder: Path) -> None:
    file = folder / "statements" / "report.csv"
    change(file, ("总面积3.2平方公里", "面积共3.2平方公里"), ("=,1200000", "=,many"), ("0.8,平方公里", "0.9,平方公里"))
    text = file.read_text(encoding="utf-8")
    for name, odd in (("gbk.csv", text.encode("gb18030")), ("nul.csv", text.replace("spatial", "sp\0tial", 1).encode())):
        (folder / "statements" / name).write_bytes(odd)


def seed_framework(folder: Path) -> None:
    frameworks = folder / "frameworks"
    change(
        frameworks / "demo-plan.yaml",
        ("- {year: 2025, value: 60, document", "- {value: 60, document"),
        ("table: carbon.zone_total_yearly", "table: carbon.imagined"),
        ("dimension: {zh: 生态, en: Ecology}\n", "dimension: {zh: 生态, en: Ecology}\n    colour: green\n"),
        ("statement: D07", "statement: D77"),
        ("id: charging-points", "id: green-space-share"),
    )
    formulas = {"rows": "energy / floor_area", "odd-function": "sum(exp(energy))", "no-column": "sum(happiness)"}
    indicators = [
        f"  - {{id: {name}, name: {{zh: 示例, en: Example}},\n"
        f"     dimension: {{zh: 示例, en: Example}}, unit: one, source: example, table: energy.zone_yearly,\n"
        f"     formula: {formula}}}\n"
        for name, formula in formulas.items()
    ]
    head = "framework: {id: more, name: {zh: 示例, en: Example}, source: example}\nindicators:\n"
    (frameworks / "more.yaml").write_text(head + "".join(indicators), encoding="utf-8")
    (frameworks / "broken.yaml").write_text("framework: {id: [\nindicators: }\n", encoding="utf-8")
    (frameworks / "anchors.yaml").write_text("framework: &all {id: more}\nindicators: [*all]\n", encoding="utf-8")


def seed_layers(folder: Path) -> None:
    layers = folder / "layers"
    (layers / "broken.geojson").write_text('{"type": "FeatureCollection",\n "features": [}\n', encoding="utf-8")
    feature = '{{"type": "Feature", "properties": {{}}, "geometry": {{"type": "{}", "coordinates": {}}}}}'
    features = ", ".join((feature.format("Point", "[116.4, 140.2]"), feature.format("Circle", "[116.4, 40.2]")))
    text = f'{{"type": "FeatureCollection", "features": [{features}]}}'
    (layers / "odd.geojson").write_text(text, encoding="utf-8")


def seed_readings_as_text(folder: Path) -> None:
    file = folder / "readings" / "energy_increment.csv"
    change(
        file,
        ("2022-11-17T01:00:00+08:00,", "2022-11-17T01:00:00,"),
        ("2022-11-17T02:00:00+08:00,168.9", "2022-11-17T02:00:00+08:00,much"),
        ("2022-11-17T04:00:00+08:00,", "17.11.2022 04:00,"),
    )
    header = "datastream,time,value,revision\n"
    files = {
        "revised.csv": "boiler-gas.energy,2022-11-17T05:00:00+08:00,1.5,first\n",
        "times.csv": (
            "boiler-gas.energy,1970-01-01T00:00:00Z,1.5,\n"
            "boiler-gas.energy,2022-11-17T05:00:00Z,1.5,\n"
            "boiler-gas.energy,2099-01-01T00:00:00Z,1.5,\n"
            "attic.energy,2022-11-17T05:00:00Z,1.5,\n"
            "boiler-gas.energy,,1.5,\n"
        ),
        "widths.csv": "boiler-gas.energy,2022-11-17T05:00:00Z,1.5,0\nboiler-gas.energy,2022-11-17T05:00:00Z\n",
    }
    for name, rows in files.items():
        (folder / "readings" / name).write_text(header + rows, encoding="utf-8")
    (folder / "readings" / "latin.csv").write_bytes(b"datastream,time,value\ncaf\xe9,2022-11-17T05:00:00Z,1\n")


def seed_readings_as_parquet(folder: Path) -> None:
    readings = folder / "readings"
    whole = (readings / "air-co.parquet").read_bytes()
    (readings / "air-co.parquet").write_bytes(whole[: len(whole) // 2])
    stream, moment = ["air-1.no2"], [datetime(2022, 12, 1, tzinfo=UTC)]
    local = pa.array([datetime(2022, 12, 1)], pa.timestamp("us"))  # without a zone: that is the fault
    columns = {
        "no-value.parquet": {"datastream": stream, "time": moment},
        "more.parquet": {"datastream": stream, "time": moment, "value": [1.0], "colour": ["red"]},
        "local.parquet": {"datastream": stream, "time": local, "value": [1.0]},
        "counted.parquet": {"datastream": stream, "time": [1_669_852_800], "value": [1.0]},
        "lists.parquet": {"datastream": stream, "time": moment, "value": [[1.0]]},
    }
    for name, table in columns.items():
        pq.write_table(pa.table(table), readings / name)


def seed_odd_files(folder: Path) -> None:
    """Needs a folder above the district's that can hold a file."""
    outside = folder.parent / "outside.csv"
    outside.write_text("a secret,of somebody\n", encoding="utf-8")
    (folder / "statements" / "linked.csv").symlink_to(outside)
    (folder / "readings" / "linked.csv").symlink_to(outside)
    (folder / "readings" / "nowhere.csv").symlink_to("missing.csv")
    os.mkfifo(folder / "readings" / "pipe.csv")
    os.mkfifo(folder / "frameworks" / "pipe.yaml")
    (folder / "layers" / "folder.geojson").mkdir()
    (folder / "registers" / "metres.csv").write_text("meter\n", encoding="utf-8")


def lines_of(problems: Iterable[object]) -> list[str]:
    """Problems as lines of the golden list: file, row, field, code."""
    told = (p.as_dict() for p in problems)  # type: ignore[attr-defined]
    return [f"{p['file']},{'' if p['row'] is None else p['row']},{p['field'] or ''},{p['code']}" for p in told]
