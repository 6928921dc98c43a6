"""Makes `districts/future-science-city` from the report's extract and the real data sets; run once, kept to show how.

    .venv/bin/python -m tools.sample_district ../shared

Deterministic: the same inputs give the same files. Sources, licences and what was changed stand in SOURCES.md.
"""

from __future__ import annotations

import csv
import shutil
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from tools.district_layers import building_places, write_layers
from tools.sample_energy import write_energy, zones_of_buildings
from tools.sample_weather import write_weather

HERE = Path(__file__).parent.parent / "districts" / "future-science-city"
UCI = "UCI dataset 501, Beijing Multi-Site Air Quality, CC BY 4.0"
PLACE = "place as lists of the city's stations in public code have it (three decimals, reference system not stated, unverified)"
STATIONS = (  # station, names, longitude, latitude: the lists agree to 0.4 km; one with other values lies 2 to 5 km off
    ("changping", "昌平镇", "Changping", 116.234, 40.217),
    ("dingling", "定陵（对照点）", "Dingling (control site)", 116.220, 40.292),
)

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
    write_csv(HERE / "statements" / "report.csv", header, [("report.zh.txt", *row.values()) for row in rows])
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


def main(shared: Path) -> None:
    """Writes everything but frameworks, factors, factor_choices.csv and SOURCES.md, which are kept by hand."""
    for old in (HERE / "readings").glob("*.parquet"):
        old.unlink()
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    write_district()
    write_statements(shared)
    places = building_places(ZONES, zones_of_buildings())
    registers = HERE / "registers"
    streams = write_air(con, shared)
    streams += write_energy(
        con, shared, places, lambda name, header, rows: write_csv(registers / f"{name}.csv", header, rows), write_readings
    )
    streams += write_weather(con, shared, write_readings)
    header = ["datastream", "thing", "property", "unit", "flow", "interval_seconds", "origin", "source"]
    write_csv(registers / "datastreams.csv", header, streams)
    write_csv(
        registers / "stations.csv",
        ["station", "name_zh", "name_en", "longitude", "latitude", "origin", "source"],
        [(*station, "measured", f"{UCI}; {PLACE}") for station in STATIONS],
    )
    write_layers(shared, HERE, ZONES)
    print(f"{sum(f.stat().st_size for f in HERE.rglob('*') if f.is_file()) / 1e6:.1f} MB in {HERE.name}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
