"""The weather of the stand-in buildings: hourly air temperature beside the other campus, its calendar shifted as theirs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from tools.sample_energy import ARCHIVE, FIRST, LAST, SHIFT, YEARS

STREAM = "bedford.air_temperature"
SOURCE = f"{ARCHIVE}: weather of the Met Office's station at Bedford; not in this district; calendar shifted by {SHIFT}"


def write_weather(
    con: duckdb.DuckDBPyConnection, shared: Path, write_readings: Callable[[pa.Table, str], None]
) -> list[tuple[Any, ...]]:
    """Readings, a file a year; returns the row of the register of datastreams. An hour that the source lacks is left out."""
    file = shared / "data" / "buildings_energy" / "weather_bedford_2018_2021.parquet"
    for year in YEARS:
        rows = con.execute(
            f"""SELECT '{STREAM}' AS datastream, (start + INTERVAL 735 DAY - INTERVAL 8 HOUR)::TIMESTAMPTZ AS time, value
            FROM (SELECT datetime::TIMESTAMP AS start, "air_temperature [degC]" AS value FROM '{file}')
            WHERE start >= '{FIRST}' AND start < '{LAST}' AND value IS NOT NULL AND year(start + INTERVAL 735 DAY) = {year}
            ORDER BY time"""
        ).to_arrow_table()
        write_readings(rows, f"bedford-air_temperature-{year}")
    return [(STREAM, "bedford", "air_temperature", "degC", None, 3600, "stand-in", SOURCE)]
