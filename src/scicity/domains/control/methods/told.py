"""What the tables of forecasts tell: the next day's rows, and the errors of a year's months.

Loads [kWh] of hours.

Source: the rules of `load`; arithmetic of this project.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from scicity.domains.control.methods import load
from scicity.domains.control.methods.grid import LOADS, gridded, hours_to_days, scored
from scicity.kernel.calendar import DAY
from scicity.kernel.computing import Slot

EPOCH = date(1970, 1, 1)
BEFORE = 28  # days whose errors give the interval
INTERVAL = 0.8
DIGITS = 6


def days_of(hourly: pa.Table, schema: pa.Schema) -> pa.Table:
    """The rows of `control.load_day` of some days."""
    if hourly.num_rows == 0:
        return schema.empty_table()
    found = hours_to_days(hourly)
    kinds = len(found["carriers"])

    def words(values: np.ndarray, places: np.ndarray) -> pa.Array:
        return pa.DictionaryArray.from_arrays(pa.array(places.astype(np.int32)), pa.array(values)).cast(pa.string())

    columns = {
        "building": words(found["buildings"], found["code"] // kinds),
        "carrier": words(found["carriers"], found["code"] % kinds),
        "day": pa.array(found["day"].astype(np.int32)).cast(pa.date32()),
        **{name: pa.array(found["loads"][:, hour], from_pandas=True) for hour, name in enumerate(LOADS)},
        "stand_in": found["stand_in"],
    }
    return pa.table([columns[name] for name in schema.names], schema=schema)


def next_day(slot: Slot, daily: pa.Table, schema: pa.Schema) -> pa.Table:
    """The rows of `control.load_forecast` of one year: the day after the newest one of it."""
    begin, end = _year(slot)
    days = daily.column("day").cast(pa.int32()).to_numpy()
    days = days[days < end]
    if not len(days) or days.max() < begin:
        return schema.empty_table()
    newest = int(days.max())
    calendar = slot.calendar
    grid = gridded(daily, max(int(days.min()), newest - load.LOOKS_BACK - BEFORE), newest)
    day = newest + 1
    grid = grid.until(day)
    made = load.day_ahead(grid.loads, grid.first)
    before = slice(-1 - BEFORE, -1)
    low, high = load.spread(grid.loads[:, before], made.forecast[:, before], INTERVAL)
    forecast = made.forecast[:, -1]
    local = EPOCH + timedelta(days=day)
    starts, _ = calendar.hours(*calendar.bounds(local.isoformat()))
    names = (calendar.local(starts) % DAY) // (DAY // load.HOURS)
    series, at = np.nonzero(~np.isnan(forecast[:, names]))
    hour = names[at]

    def told(values: np.ndarray) -> pa.Array:
        return pa.array(values.round(DIGITS), from_pandas=True)

    count = len(series)
    return pa.table(
        {
            "building": np.array(grid.buildings, dtype=object)[series],
            "carrier": np.array(grid.carriers, dtype=object)[series],
            "hour": pa.array(starts[at], pa.timestamp("us", "UTC")),
            "day": pa.array([local] * count, pa.date32()),
            "hour_of_day": hour,
            "origin_day": pa.array([local - timedelta(days=1)] * count, pa.date32()),
            "forecast": told(forecast[series, hour]),
            "forecast_low": told((forecast + low)[series, hour]),
            "forecast_high": told((forecast + high)[series, hour]),
            "yesterday_load": told(made.yesterday[:, -1][series, hour]),
            "last_week_load": told(made.last_week[:, -1][series, hour]),
            "symbol": ["kWh"] * count,
            "origin": ["modelled"] * count,
            "stand_in": grid.stand_in[series],
        },
        schema=schema,
    )


def _year(slot: Slot) -> tuple[int, int]:
    year = int(slot.part.period)
    return (date(year, 1, 1) - EPOCH).days, (date(year + 1, 1, 1) - EPOCH).days


def errors(slot: Slot, daily: pa.Table, schema: pa.Schema) -> pa.Table:
    """The rows of `control.forecast_error` of one year."""
    begin, end = _year(slot)
    days = daily.column("day").cast(pa.int32()).to_numpy()
    if not ((days >= begin) & (days < end)).any():
        return schema.empty_table()
    first, last = max(begin - load.LOOKS_BACK, int(days.min())), min(end - 1, int(days.max()))
    grid = gridded(daily, first, last)
    made = load.day_ahead(grid.loads, first)
    mine = slice(max(begin - first, 0), None)
    made = load.DayAhead(*(each[:, mine] for each in (made.forecast, made.yesterday, made.last_week)))
    found = scored(grid.loads[:, mine], max(begin, first), made)
    series, month = np.nonzero(found.hours > 0)
    mean = found.mean[series, month]

    def told(values: np.ndarray) -> pa.Array:
        return pa.array(values.round(DIGITS), from_pandas=True)

    def over_mean(values: np.ndarray) -> np.ndarray:
        return np.divide(100 * values, mean, out=np.full(len(mean), np.nan), where=mean > 0)

    absolute, squared = found.absolute[:, series, month], found.squared[:, series, month]
    relative = np.divide(absolute[0], absolute[1], out=np.full(len(mean), np.nan), where=absolute[1] > 0)
    return pa.table(
        {
            "building": np.array(grid.buildings, dtype=object)[series],
            "carrier": np.array(grid.carriers, dtype=object)[series],
            "month": pa.array(found.months[month].astype("datetime64[D]")),
            "scored_hours": found.hours[series, month],
            "mean_load": told(mean),
            **{f"{name}_mae": told(absolute[at]) for at, name in enumerate(("forecast", "yesterday", "last_week"))},
            **{f"{name}_cv": told(over_mean(squared[at])) for at, name in enumerate(("forecast", "yesterday", "last_week"))},
            "relative_error": told(relative),
            "stand_in": grid.stand_in[series],
        },
        schema=schema,
    )
