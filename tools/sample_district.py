"""Makes `districts/future-science-city` from the report's extract and the real data sets; run once, kept to show how.

    .venv/bin/python tools/sample_district.py ../shared

Deterministic: the same inputs give the same files. Sources, licences and what was changed stand in SOURCES.md.
"""

from __future__ import annotations

import csv
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from tools.district_layers import write_layers

HERE = Path(__file__).parent.parent / "districts" / "future-science-city"
REPORT = "UN-Habitat China office, Beijing Future Science City: sustainable development practice (Chinese edition)"
UCI = "UCI dataset 501, Beijing Multi-Site Air Quality, CC BY 4.0"
ARCHIVE = "Cambridge Estates Building Energy Archive v2.1, MIT"
SHIFT = "735 days - 8 hours"  # 105 weeks keep the days of the week; 8 hours put Greenwich's clock on Beijing's wall
FIRST, LAST = "2018-12-28 00:00:00", "2021-12-27 00:00:00"  # the archive's hours that become the local years 2021 to 2023

# Buildings of the archive with both carriers, few electricity zeros and gas in winter, by the zone they stand in for.
PLACED = {
    "east": ("b97", "b40", "b33", "b111", "b105", "b57", "b58", "b77", "b35", "b78"),
    "core": ("b82", "b83", "b25", "b4"),
    "west": ("b71", "b70", "b113", "b119", "b109", "b31", "b2", "b79", "b114", "b101"),
}

ZONES = [
    ("district", "", "未来科学城", "Beijing Future Science City", 170_600_000, None, None, None, "C027"),
    ("east", "district", "东区（能源谷）", "East District (Energy Valley)",
     44_300_000, 24_800_000, 280_000, 177_000, "C034-C037"),
    ("core", "district", "生态绿心", "Ecological Green Core", 63_800_000, 14_100_000, 100_000, 35_000, "C048-C051"),
    ("west", "district", "西区（生命谷、沙河高教园）", "West District (Life Valley and Shahe campus park)",
     62_500_000, 48_300_000, 310_000, 337_000, "C040-C043"),
]  # fmt: skip

AIR = {  # the data set's column: observed property, unit of the data set
    "PM2.5": ("pm25", "ug/m**3"),
    "PM10": ("pm10", "ug/m**3"),
    "SO2": ("so2", "ug/m**3"),
    "NO2": ("no2", "ug/m**3"),
    "CO": ("co", "ug/m**3"),
    "O3": ("o3", "ug/m**3"),
    "TEMP": ("air_temperature", "degC"),
    "DEWP": ("dew_point", "degC"),
    "PRES": ("air_pressure", "hPa"),
    "RAIN": ("rainfall", "mm"),
    "WSPM": ("wind_speed", "m/s"),
}


def write_csv(file: Path, header: list[str], rows: list[tuple]) -> None:
    """A CSV file in UTF-8 with LF line ends; None becomes an empty field."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([["" if cell is None else cell for cell in row] for row in rows])


def write_district() -> None:
    """district.toml: names, time zone, calendar, languages, what is public, and the zones of sections 2.1 and 2.2."""
    lines = [
        "# The zones and their figures as the report prints them (source: claim ids of statements/report.csv).",
        "[district]",
        'slug = "future-science-city"',
        'name = { zh = "未来科学城", en = "Beijing Future Science City" }',
        'timezone = "Asia/Shanghai"',
        'languages = ["zh", "en"]',
        "",
        "[lake]",
        "buckets = 1",
        "",
    ]
    for zone, parent, zh, en, area, land, residents, jobs, source in ZONES:
        lines += ["[[zone]]", f'zone = "{zone}"']
        lines += [f'parent = "{parent}"'] if parent else []
        lines += [f'name_zh = "{zh}"', f'name_en = "{en}"', f"area = {area}"]
        for key, value in (("construction_land_area", land), ("residents", residents), ("jobs", jobs)):
            lines += [f"{key} = {value}"] if value is not None else []
        lines += [f'source = "{source}"', ""]
    HERE.mkdir(parents=True, exist_ok=True)
    (HERE / "district.toml").write_text("\n".join(lines), encoding="utf-8")


def write_statements(shared: Path) -> None:
    """All statements unchanged with the document they stand in, and the report's text so that a quote has its place."""
    with (shared / "report" / "claims.csv").open(encoding="utf-8", newline="") as source:
        rows = list(csv.DictReader(source))
    header = ["document", *("stated_period" if name == "period" else name for name in rows[0])]
    write_csv(HERE / "statements" / "report.csv", header, [("report.zh", *row.values()) for row in rows])
    shutil.copy(shared / "report" / "report.zh.txt", HERE / "statements" / "report.zh.txt")


def write_air(con: duckdb.DuckDBPyConnection, shared: Path) -> list[tuple]:
    """Readings of both stations, a file a property and year; hour 0 is the hour that begins at 00:00 local time."""
    data = shared / "data" / "air_quality" / "beijing_hourly_2013_2017.parquet"
    streams = []
    for column, (observed, unit) in AIR.items():
        value = "coalesce(PRES, PRE)" if column == "PRES" else f'"{column}"'
        for station in ("Changping", "Dingling"):
            source = UCI if column in list(AIR)[:6] else f"{UCI}; both stations share one weather station"
            streams.append((f"{station.lower()}.{observed}", station.lower(), observed, unit, "", 3600, "measured", source))
        for year in range(2013, 2018):
            rows = con.execute(
                f"""SELECT lower(station) || '.{observed}' AS datastream,
                    make_timestamptz(year::INT, month::INT, day::INT, hour::INT, 0, 0, 'Asia/Shanghai') AS time,
                    {value} AS value
                FROM '{data}' WHERE station IN ('Changping', 'Dingling') AND year = {year} AND {value} IS NOT NULL
                ORDER BY datastream, time"""
            ).to_arrow_table()
            write_readings(rows, f"air-{observed}-{year}")
    return streams


def write_readings(rows: pa.Table, name: str) -> None:
    """One Parquet file of readings, dictionary-encoded and compressed."""
    (HERE / "readings").mkdir(parents=True, exist_ok=True)
    pq.write_table(rows, HERE / "readings" / f"{name}.parquet", compression="zstd", compression_level=19)


def write_buildings(con: duckdb.DuckDBPyConnection, shared: Path) -> tuple[list[tuple], dict[str, str]]:
    """Stand-in buildings: registers, and hourly electricity and gas with the calendar shifted to 2021-2023."""
    folder = shared / "data" / "buildings_energy"
    found = con.execute(f"""SELECT "Building ID", "GIA (m2)" FROM '{folder}/cambridge_floor_roof_areas.csv'""")
    areas = dict(found.fetchall())
    buildings, meters, installations, streams, zone_of = [], [], [], [], {}
    for zone, members in PLACED.items():
        for number, original in enumerate(members, start=1):
            building = f"{zone}-{number:02d}"
            zone_of[building] = zone
            letter = {"east": "东区", "core": "绿心", "west": "西区"}[zone]
            source = f"{ARCHIVE}, building {original}; not in this district"
            name_en = f"Stand-in building {zone} {number:02d}"
            buildings.append(
                (building, zone, f"{letter}替代建筑{number:02d}", name_en, "university", areas[original], "stand-in", source)
            )
            for carrier in ("electricity", "natural_gas"):
                meter = f"{building}.{carrier}"
                note = f"{source}; calendar shifted by {SHIFT}"
                if carrier == "natural_gas":
                    note += "; kWh on gross calorific value (British practice)"
                zero = "true" if carrier == "electricity" else "false"
                meters.append((meter, carrier, "main", None, zero, "stand-in", note))
                installations.append(
                    (meter, "2021-01-01", "2024-01-01", building, None, 1, None, None, None, None, None, source)
                )
                streams.append((f"{meter}.energy", meter, "energy_increment", "kWh", "forward", 3600, "stand-in", note))
    con.execute("CREATE TEMP TABLE placed (original TEXT, building TEXT)")
    pairs = [(b, f"{zone}-{n:02d}") for zone, members in PLACED.items() for n, b in enumerate(members, start=1)]
    con.executemany("INSERT INTO placed VALUES (?, ?)", pairs)
    for year in (2021, 2022, 2023):
        rows = con.execute(
            f"""SELECT building || '.' || carrier || '.energy' AS datastream, time, value FROM (
                SELECT p.building, CASE carrier WHEN 'gas' THEN 'natural_gas' ELSE carrier END AS carrier,
                    (datetime::TIMESTAMP + INTERVAL 735 DAY - INTERVAL 8 HOUR + INTERVAL 1 HOUR)::TIMESTAMPTZ AS time,
                    round(load_kwh::DOUBLE, 3) AS value
                FROM '{folder}/cambridge_hourly_2018_2021.parquet' d JOIN placed p ON d.building = p.original
                WHERE datetime >= '{FIRST}' AND datetime < '{LAST}' AND load_kwh IS NOT NULL)
            WHERE year(timezone('Asia/Shanghai', time - INTERVAL 1 HOUR)) = {year} ORDER BY datastream, time"""
        ).to_arrow_table()
        write_readings(rows, f"energy-{year}")
    registers = HERE / "registers"
    header = ["building", "zone", "name_zh", "name_en", "use", "floor_area", "origin", "source"]
    write_csv(registers / "buildings.csv", header, buildings)
    write_csv(registers / "meters.csv", ["meter", "carrier", "role", "parent", "zero_is_gap", "origin", "source"], meters)
    header = ["meter", "valid_from", "valid_to", "building", "serial", "multiplier", "register_digits", "register_decimals"]
    write_csv(
        registers / "installations.csv", [*header, "register_start", "register_end", "rated_power", "source"], installations
    )
    return streams, zone_of


def main(shared: Path) -> None:
    """Writes everything but frameworks, factors and SOURCES.md, which are kept by hand."""
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    write_district()
    write_statements(shared)
    streams = write_air(con, shared)
    more, zone_of = write_buildings(con, shared)
    header = ["datastream", "thing", "property", "unit", "flow", "interval_seconds", "origin", "source"]
    write_csv(HERE / "registers" / "datastreams.csv", header, streams + more)
    write_csv(
        HERE / "registers" / "stations.csv",
        ["station", "name_zh", "name_en", "origin", "source"],
        [("changping", "昌平镇", "Changping", "measured", UCI), ("dingling", "定陵", "Dingling", "measured", UCI)],
    )
    write_layers(shared, HERE, ZONES, zone_of)
    print(f"written {datetime.now(UTC):%Y-%m-%d}: {sum(f.stat().st_size for f in HERE.rglob('*') if f.is_file()) / 1e6:.1f} MB")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
