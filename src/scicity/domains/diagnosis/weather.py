"""The weather that buildings answer to: hourly air temperature, and a year of typical months."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from scicity.domains.diagnosis.methods import frames, typical
from scicity.kernel.calendar import micros
from scicity.kernel.computing import Slot
from scicity.kernel.tables import Read, derived

HOUR = 3_600_000_000  # [µs]


@derived(
    reads={
        "readings": Read("reading.air_temperature", columns=("datastream", "time", "value", "revision")),
        "streams": Read("district.datastream", columns=("datastream", "origin")),
    },
    columns=["datastream", "hour", "day", "hour_of_day", "air_temperature", "stand_in"],
    grain=["datastream", "hour"],
    period="month",
    time="day",
    by_partition=True,
    title_zh="逐时气温",
    title_en="Hourly air temperature",
)
def weather_hourly(slot: Slot, readings: pa.Table, streams: pa.Table) -> pa.Table:
    """Mean air temperature of each local hour: of several readings of one time the latest revision counts.

    A reading is about the interval that begins at its time. An hour without a reading has no row.
    """
    order = [("datastream", "ascending"), ("time", "ascending"), ("revision", "ascending")]
    rows = readings.sort_by(order)
    names, which = frames.series(rows, ["datastream"])
    time, value = micros(rows.column("time")), frames.numbers(rows, "value")
    last = np.r_[(which[1:] != which[:-1]) | (time[1:] != time[:-1]), np.ones(min(1, len(rows)), dtype=bool)]
    start = time - slot.calendar.local(time) % HOUR
    kept = last & np.isfinite(value) & (start >= slot.start) & (start < slot.end)
    which, start, value = which[kept], start[kept], value[kept]
    keys, place = np.unique(np.stack([which, start]), axis=1, return_inverse=True)
    place = place.ravel()
    mean = np.bincount(place, value, minlength=keys.shape[1]) / np.maximum(np.bincount(place, minlength=keys.shape[1]), 1)
    origins = {row["datastream"]: row["origin"] == "stand-in" for row in streams.to_pylist()}
    series = np.array([name for (name,) in names], dtype=object)[keys[0]] if names else np.zeros(0, dtype=object)
    return pa.table(
        {
            "datastream": pa.array(series, pa.string()),
            "hour": pa.array(keys[1]).cast(pa.timestamp("us")).cast(pa.timestamp("us", tz="UTC")),
            "day": pa.array(slot.calendar.days(keys[1])).cast(pa.date32()),
            "hour_of_day": pa.array(slot.calendar.local(keys[1]) // HOUR % frames.HOURS),
            "air_temperature": pa.array(mean),
            "stand_in": pa.array([origins.get(name, False) for name in series.tolist()], pa.bool_()),
        }
    )


@derived(
    reads={"hourly": "diagnosis.weather_hourly"},
    columns=["datastream", "day", "hour_of_day", "air_temperature", "stand_in"],
    grain=["datastream", "day", "hour_of_day"],
    by_partition=True,
    title_zh="典型月份气温",
    title_en="Typical months",
)
def weather_typical(slot: Slot, hourly: pa.Table) -> pa.Table:
    """A year of normal weather: of each calendar month the one whose mean lies nearest to that month's mean of all years.

    Only months of which nine in ten hours are known count. The days keep the dates on which they were. With a year or two of
    weather the year is what there is, and not the climate. The kind of choice is that of typical meteorological years, by the
    mean temperature alone.
    """
    columns: dict[str, Any] = {name: hourly.column(name) for name in weather_typical.columns}
    if not len(hourly):
        return weather_typical.schema.empty_table()
    rows = pa.table(columns)
    _, which = frames.series(rows, ["datastream"])
    kept = typical.chosen(which, frames.day_numbers(rows), frames.numbers(rows, "air_temperature"))
    return rows.filter(pa.array(kept))
