"""A district of two years whose truth is known: each building has one thing that is wrong with it, or nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

Values = npt.NDArray[np.float64]
FIRST = np.datetime64("2022-01-01")
DAYS = 730
HOURS = 24 * DAYS
HOUR = np.arange(HOURS)
day_at = FIRST + HOUR // 24
OF_DAY = HOUR % 24
REST = (day_at.astype("datetime64[D]").astype(np.int64) + 3) % 7 >= 5
SAVED, DRIFTED, STEPPED = 0.14, 0.15, 9.0  # shares of the use, and kW
NIGHTS = (np.datetime64("2022-06-06"), 14, 10.0)  # from when, how many, by how many kW
LEFT = np.datetime64("2022-05-14")  # a Saturday
HEATED = (np.datetime64("2022-07-11"), 10, 20.0)
ABOUT = """[district]
slug = "diagnosed"
name = { zh = "诊断区", en = "Diagnosed" }
timezone = "Asia/Shanghai"

[[zone]]
zone = "district"
name_zh = "区"
name_en = "District"
source = "made up"
"""
BUILDINGS = ("plain", "saved", "night", "left", "heated", "stepped", "drifted", "late", "other")


def temperature() -> Values:
    """Air temperature of each hour [degC]: a year's wave, a day's wave, and weather of some days."""
    days = np.random.default_rng(5).normal(0, 2.5, DAYS)
    return 12 - 15 * np.cos(2 * np.pi * (HOUR / 24 - 15) / 365.25) + 4 * np.sin(np.pi * (OF_DAY - 8) / 12) + days[HOUR // 24]


def load(building: str) -> Values:
    """The true electricity of each hour [kWh] of a building without its fault: a week, cooling by degree hours, and chance."""
    work = (OF_DAY >= 8) & (OF_DAY < 18) & ~REST
    shape = np.where(work, 30.0, 8.0) + 0.6 * np.maximum(temperature() - 18, 0)
    chance = np.random.default_rng(BUILDINGS.index(building)).normal(0, 0.02, HOURS)
    return shape * (1 + chance)


def during(span: tuple[np.datetime64, int, float]) -> npt.NDArray[np.bool_]:
    """The hours of some days from one on."""
    return (day_at >= span[0]) & (day_at < span[0] + span[1])


def electricity(building: str) -> Values:
    """What the meter of a building measures [kWh]."""
    value = load(building)
    if building == "saved":
        value = np.where(day_at >= np.datetime64("2023-01-01"), value * (1 - SAVED), value)
    if building == "drifted":
        value = np.where(day_at >= np.datetime64("2023-01-01"), value * (1 + DRIFTED), value)
    if building == "night":
        value = value + np.where(during(NIGHTS) & (OF_DAY >= 1) & (OF_DAY < 5), NIGHTS[2], 0.0)
    if building == "left":
        value = value + np.where((day_at == LEFT) & (OF_DAY >= 8) & (OF_DAY < 18), 22.0, 0.0)
    if building == "stepped":
        value = value + np.where(day_at >= np.datetime64("2022-07-01"), STEPPED, 0.0)
    return value


def gas() -> Values:
    """Gas of the heated building [kWh]: heat in the cold, hot water all year, and a valve that stays open in July."""
    chance = 1 + np.random.default_rng(77).normal(0, 0.02, HOURS)
    return (2.0 + 1.5 * np.maximum(10 - temperature(), 0)) * chance + np.where(during(HEATED), HEATED[2], 0.0)


def series() -> dict[str, Values]:
    """The readings of each datastream, an hour each; NaN where nothing was sent."""
    found = {f"{building}.electricity": electricity(building) for building in BUILDINGS}
    found["late.electricity"] = np.where(day_at >= np.datetime64("2023-09-01"), found["late.electricity"], np.nan)
    found["heated.natural_gas"] = gas()
    return found


def lines(folder: Path, name: str, *rows: str) -> None:
    """A register."""
    (folder / "registers").mkdir(parents=True, exist_ok=True)
    (folder / "registers" / f"{name}.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def write(folder: Path, *, readings: bool = True) -> Path:
    """Writes the district's folder."""
    (folder / "readings").mkdir(parents=True)
    (folder / "district.toml").write_text(ABOUT, encoding="utf-8")
    meters = list(series())
    parts = [meter.partition(".") for meter in meters]
    lines(
        folder,
        "buildings",
        "building,zone,name_zh,name_en,use,floor_area,origin,source",
        *(f"{name},district,{name},{name},office,2000,measured,made up" for name in BUILDINGS),
    )
    lines(
        folder,
        "meters",
        "meter,carrier,role,parent,zero_is_gap,origin,source",
        *(f"{building}.{carrier},{carrier},main,,false,measured,made up" for building, _, carrier in parts),
    )
    lines(
        folder,
        "installations",
        "meter,valid_from,valid_to,building,serial,multiplier,register_digits,register_decimals,register_start,register_end,"
        "rated_power,source",
        *(f"{meter},2022-01-01,,{part[0]},,1,,,,,,made up" for meter, part in zip(meters, parts, strict=True)),
    )
    lines(
        folder,
        "datastreams",
        "datastream,thing,property,unit,flow,interval_seconds,origin,source",
        *(f"{meter}.energy,{meter},energy_increment,kWh,forward,3600,measured,made up" for meter in meters),
        "sky.air_temperature,sky,air_temperature,degC,,3600,measured,made up",
    )
    lines(
        folder,
        "measures",
        "measure,building,carrier,name_zh,name_en,measure_kind,first_day,last_day,promised_saving,promised_emission,investment,"
        "origin,source",
        "known,saved,electricity,已知,known,lighting,2023-01-01,,14,,,measured,made up",
        "nothing,plain,electricity,无,nothing,lighting,2023-01-01,,14,,,measured,made up",
        "fresh,other,electricity,新,fresh,lighting,2023-11-20,,14,,,measured,made up",
        "short,late,electricity,短,short,lighting,2023-11-01,,14,,,measured,made up",
        "unmetered,,,无表,unmetered,lighting,,,14,621,,measured,made up",
    )
    if readings:
        start = int(datetime(2021, 12, 31, 16, tzinfo=UTC).timestamp()) * 1_000_000
        begins = start + 3_600_000_000 * HOUR
        for meter, value in series().items():
            _send(folder, f"{meter}.energy", begins + 3_600_000_000, value.round(6))
        _send(folder, "sky.air_temperature", begins, temperature().round(3))
    return folder


def _send(folder: Path, stream: str, time: npt.NDArray[np.int64], value: Values) -> None:
    kept = np.isfinite(value)
    table = pa.table(
        {
            "datastream": pa.array([stream] * int(kept.sum())),
            "time": pa.array(time[kept], pa.timestamp("us", tz="UTC")),
            "value": pa.array(value[kept]),
        }
    )
    pq.write_table(table, folder / "readings" / f"{stream}.parquet")
