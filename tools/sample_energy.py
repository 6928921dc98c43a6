"""The stand-in buildings of the sample district: registers, and hourly energy of another campus, its calendar shifted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

Write = Callable[[str, list[str], list[tuple[Any, ...]]], None]  # name of a register, header, rows
WriteReadings = Callable[[pa.Table, str], None]

ARCHIVE = "Cambridge Estates Building Energy Archive v2.1, MIT"
SHIFT = "735 days - 8 hours"  # 105 weeks keep the days of the week; 8 hours put Greenwich's clock on Beijing's wall
FIRST, LAST = "2018-12-28 00:00:00", "2021-12-27 00:00:00"  # the archive's hours that become the local years 2021 to 2023
YEARS = (2021, 2022, 2023)
SUMMER = (6, 7, 8, 9)  # months in which a gas meter without base load stands still
STANDS_STILL = 0.005  # share of summer hours at zero from which a gas meter's zeros are taken as they are

# Buildings of the archive with both carriers, few electricity zeros and gas in winter, by the zone they stand in for.
PLACED = {
    "east": ("b97", "b40", "b33", "b111", "b105", "b57", "b58", "b77", "b35", "b78"),
    "core": ("b82", "b83", "b25", "b4"),
    "west": ("b71", "b70", "b113", "b119", "b109", "b31", "b2", "b79", "b114", "b101"),
}
ZONE_ZH = {"east": "东区", "core": "绿心", "west": "西区"}

# Series of the archive that are multiples of one another at every hour (correlation above 0.9999): one meter, split.
SHARED = {
    ("b71", "electricity"): "b70",
    ("b70", "electricity"): "b71",
    ("b71", "natural_gas"): "b70",
    ("b70", "natural_gas"): "b71",
    ("b113", "natural_gas"): "b114 and b119",
    ("b114", "natural_gas"): "b113 and b119",
    ("b119", "natural_gas"): "b113 and b114",
    ("b77", "natural_gas"): "b79",
    ("b79", "natural_gas"): "b77",
}

# Electricity without a single zero in three years: cumulated, these stand in for meters that send their register.
REGISTERS = ("b97", "b33", "b57")
DIGITS, DECIMALS = 6, 3  # of such a register; it rolls over behind them
MILLI = 10**DECIMALS


def building_name(zone: str, number: int) -> str:
    """The identity of a stand-in building."""
    return f"{zone}-{number:02d}"


def zones_of_buildings() -> dict[str, str]:
    """The zone in which each stand-in building is placed."""
    return {building_name(zone, n): zone for zone, members in PLACED.items() for n, _ in enumerate(members, start=1)}


def write_energy(
    con: duckdb.DuckDBPyConnection,
    shared: Path,
    places: dict[str, tuple[float, float]],
    write: Write,
    write_readings: WriteReadings,
) -> list[tuple[Any, ...]]:
    """Registers and readings of the stand-in buildings; returns the rows of the register of datastreams.

    `places` are the schematic longitudes and latitudes [degree] of the buildings.
    """
    folder = shared / "data" / "buildings_energy"
    found = con.execute(f"""SELECT "Building ID", "GIA (m2)" FROM '{folder}/cambridge_floor_roof_areas.csv'""")
    areas = dict(found.fetchall())
    take_archive(con, folder)
    zero_is_gap = {meter for (meter,) in con.execute(GAPS_AT_ZERO).fetchall()}
    buildings, meters, installations, streams = [], [], [], []
    for zone, members in PLACED.items():
        for number, original in enumerate(members, start=1):
            building = building_name(zone, number)
            source = f"{ARCHIVE}, building {original}; not in this district"
            names = (f"{ZONE_ZH[zone]}替代建筑{number:02d}", f"Stand-in building {zone} {number:02d}")
            row = (building, zone, *names, "university", areas[original], *places[building], "stand-in")
            buildings.append((*row, f"{source}; its place is schematic"))
            for carrier in ("electricity", "natural_gas"):
                meter, note = f"{building}.{carrier}", note_of(original, carrier)
                gap = "true" if meter in zero_is_gap else "false"
                meters.append((meter, carrier, "main", None, gap, "stand-in", note))
                is_register = carrier == "electricity" and original in REGISTERS
                register = (DIGITS, DECIMALS, "0.000") if is_register else (None, None, None)
                serial = f"stand-in-{original}" if is_register else None
                row = (meter, "2021-01-01", "2024-01-01", building, serial, 1, *register, None, None)
                installations.append((*row, source))
                if is_register:
                    told = f"{note}; modelled: real hourly energy cumulated to a register that starts at 0"
                    streams.append((f"{meter}.register", meter, "energy_register", "kWh", "forward", 3600, "stand-in", told))
                else:
                    streams.append((f"{meter}.energy", meter, "energy_increment", "kWh", "forward", 3600, "stand-in", note))
    for year in YEARS:
        write_readings(con.execute(INCREMENTS, [year]).to_arrow_table(), f"energy_increment-{year}")
        write_readings(con.execute(CUMULATED, [year]).to_arrow_table(), f"energy_register-{year}")
    header = ["building", "zone", "name_zh", "name_en", "use", "floor_area", "longitude", "latitude", "origin", "source"]
    write("buildings", header, buildings)
    write("meters", ["meter", "carrier", "role", "parent", "zero_is_gap", "origin", "source"], meters)
    header = ["meter", "valid_from", "valid_to", "building", "serial", "multiplier", "register_digits", "register_decimals"]
    write("installations", [*header, "register_start", "register_end", "rated_power", "source"], installations)
    return streams


def note_of(original: str, carrier: str) -> str:
    """What has to be known of a meter of the archive."""
    note = f"{ARCHIVE}, building {original}; not in this district; calendar shifted by {SHIFT}"
    if (original, carrier) in SHARED:
        note += f"; allocated: the archive splits one meter between this building and {SHARED[original, carrier]}"
    if carrier == "natural_gas":
        note += "; kWh on gross calorific value (British practice)"
    return note


def take_archive(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """The table `hourly` of the placed meters: meter, original, time (end of the hour), local hour, value [kWh].

    Hours at which every gas meter of the whole archive shows 0 (2021-07-03 to 2021-07-06) are a failure of the archive: they
    are left out for gas. Raises RuntimeError where a meter that is to be cumulated has a gap.
    """
    con.execute("CREATE TEMP TABLE placed (original TEXT, building TEXT)")
    pairs = [(b, building_name(zone, n)) for zone, members in PLACED.items() for n, b in enumerate(members, start=1)]
    con.executemany("INSERT INTO placed VALUES (?, ?)", pairs)
    con.execute(
        f"""CREATE TEMP TABLE hourly AS WITH
            archive AS (SELECT building AS original, if(carrier = 'gas', 'natural_gas', carrier) AS carrier,
                datetime::TIMESTAMP AS start, round(load_kwh::DOUBLE, 3) AS value
                FROM '{folder}/cambridge_hourly_2018_2021.parquet'
                WHERE datetime >= '{FIRST}' AND datetime < '{LAST}' AND load_kwh IS NOT NULL),
            failed AS (SELECT carrier, start FROM archive GROUP BY ALL HAVING max(value) = 0)
        SELECT p.building || '.' || a.carrier AS meter, a.carrier, a.original,
            (a.start + INTERVAL 735 DAY - INTERVAL 7 HOUR)::TIMESTAMPTZ AS time, a.start + INTERVAL 735 DAY AS local, a.value
        FROM archive a JOIN placed p USING (original) ANTI JOIN failed f ON a.carrier = f.carrier AND a.start = f.start"""
    )
    con.execute("CREATE TEMP TABLE cumulated (original TEXT)")
    con.executemany("INSERT INTO cumulated VALUES (?)", [(original,) for original in REGISTERS])
    hours = con.execute(f"SELECT date_diff('hour', TIMESTAMP '{FIRST}', TIMESTAMP '{LAST}')").fetchone()
    whole = con.execute(
        "SELECT original, count(*) FILTER (WHERE value > 0) FROM hourly SEMI JOIN cumulated USING (original) "
        "WHERE carrier = 'electricity' GROUP BY original"
    ).fetchall()
    if {count for _, count in whole} != {hours[0] if hours else 0} or len(whole) != len(REGISTERS):
        raise RuntimeError(f"a register cannot be cumulated over gaps: {whole}, {hours} hours")


# Electricity never rests, so its zeros are what the archive wrote for missing half-hours. Gas rests where it only heats:
# a meter that stands still in summer keeps its zeros; the zeros of one that never rests are gaps.
GAPS_AT_ZERO = f"""SELECT meter FROM hourly GROUP BY meter, carrier HAVING carrier = 'electricity' OR
    avg((value = 0)::INT) FILTER (WHERE month(local) IN {SUMMER}) < {STANDS_STILL}"""

INCREMENTS = """SELECT meter || '.energy' AS datastream, time, value FROM hourly
    WHERE year(local) = ? AND NOT (carrier = 'electricity' AND original IN (FROM cumulated)) ORDER BY datastream, time"""

CUMULATED = f"""SELECT datastream, time, value FROM (SELECT meter || '.register' AS datastream, time, local,
        (sum(round(value * {MILLI})::BIGINT) OVER (PARTITION BY meter ORDER BY time) % {10 ** (DIGITS + DECIMALS)})::DOUBLE
        / {MILLI} AS value
    FROM hourly WHERE carrier = 'electricity' AND original IN (FROM cumulated))
    WHERE year(local) = ? ORDER BY datastream, time"""
