"""Between Arrow tables and arrays: which series rows belong to, days as columns, the calendar of days.

Days are counted since 1970. Shapes: S series, D days.

Source: arithmetic of this project; the seasons are those of opendsm's daily model (settings of version 1.2.7).

Days [d], temperatures [degC], energies [kWh].
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from scicity.domains.diagnosis.methods import baseline
from scicity.domains.diagnosis.methods.arrays import Bools, Floats, Ints

EPOCH = date(1970, 1, 1)
WEEKEND = 5  # of the days of a week that begins on Monday
THURSDAY = 3  # 1 January 1970
SUMMER, WINTER = (6, 7, 8, 9), (11, 12, 1, 2)
SEASON_NAMES = ("winter", "shoulder", "summer")
HOURS = 24


def series(rows: pa.Table, keys: Sequence[str]) -> tuple[list[tuple[Any, ...]], Ints]:
    """The distinct keys of rows, sorted, and which of them each row has (rows,)."""
    coded = np.zeros(len(rows), dtype=np.int64)
    for name in keys:
        encoded = rows.column(name).combine_chunks().dictionary_encode()
        coded = coded * (len(encoded.dictionary) + 1) + encoded.indices.to_numpy(zero_copy_only=False)
    _, first, which = np.unique(coded, return_index=True, return_inverse=True)
    names = [tuple(row.values()) for row in rows.select(list(keys)).take(pa.array(first)).to_pylist()]
    order = sorted(range(len(names)), key=names.__getitem__)
    place = np.empty(len(names), dtype=np.int64)
    place[order] = np.arange(len(names))
    return [names[number] for number in order], place[which]


def numbers(rows: pa.Table, column: str) -> Floats:
    """A column as floats, NaN where it is null."""
    values = rows.column(column)
    values = values.cast(pa.float64()) if not pa.types.is_boolean(values.type) else values.cast(pa.int8()).cast(pa.float64())
    given: Floats = values.to_numpy(zero_copy_only=False).astype(float)
    return given


def day_numbers(rows: pa.Table, column: str = "day") -> Ints:
    """A column of dates as days since 1970."""
    days: Ints = rows.column(column).cast(pa.int32()).to_numpy(zero_copy_only=False).astype(np.int64)
    return days


def dates(days: Ints) -> pa.Array:
    """Days since 1970 as an Arrow array of dates; negative ones are null."""
    return pa.array(days.astype(np.int32), mask=days < 0).cast(pa.date32())


def by_day(value: Floats, which: Ints, day: Ints, count: int, first: int, length: int) -> Floats:
    """Values of rows as series x days (S, D), from the day `first` on; NaN where there is no row."""
    table = np.full((count, length), np.nan)
    inside = (day >= first) & (day < first + length)
    table[which[inside], day[inside] - first] = value[inside]
    return table


def temperatures(rows: pa.Table, first: int, length: int) -> dict[str, Floats]:
    """Hourly temperatures of days (D, 24) [degC] by datastream, from rows with `datastream`, `day`, `hour_of_day`."""
    names, which = series(rows, ["datastream"])
    table = np.full((len(names), length, HOURS), np.nan)
    day, hour = day_numbers(rows) - first, numbers(rows, "hour_of_day").astype(np.int64)
    inside = (day >= 0) & (day < length)
    table[which[inside], day[inside], hour[inside]] = numbers(rows, "air_temperature")[inside]
    return {name: table[place] for place, (name,) in enumerate(names)}


def rest_days(number: Ints, told: Mapping[date, bool]) -> Bools:
    """Which days are rest days: weekends, but for what is told of single days."""
    rest = (number + THURSDAY) % 7 >= WEEKEND
    for place, day in enumerate(number.tolist()):
        rest[place] = told.get(EPOCH + timedelta(days=day), bool(rest[place]))
    return rest


def kinds(number: Ints, rest: Bools) -> Ints:
    """The kind of each day: 0 working day, 1 a Saturday of rest, 2 another rest day."""
    saturday = (number + THURSDAY) % 7 == WEEKEND
    return np.where(rest, np.where(saturday, 1, 2), 0).astype(np.int64)


def seasons(number: Ints) -> Ints:
    """The season of each day: 0 winter, 1 shoulder, 2 summer."""
    month = number.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12 + 1
    return np.select([np.isin(month, SUMMER), np.isin(month, WINTER)], [2, 0], 1)


def shared_days(number: Ints, temperature: Floats, told: Mapping[date, bool]) -> baseline.Days:
    """Days as the baselines take them."""
    return baseline.days(number, temperature, rest_days(number, told).astype(np.int64), seasons(number))


def weather_of(
    buildings: Sequence[Mapping[str, Any]], choices: Mapping[str, str], present: Sequence[str]
) -> dict[str, str | None]:
    """The datastream whose temperature stands for each building: that of its zone, else of the district, else the only one.

    Where nothing is chosen and there are several, none is taken: the weather of another place is no guess of ours.
    """
    only = present[0] if len(present) == 1 and not choices else None
    return {row["building"]: choices.get(row["zone"], choices.get("district", only)) for row in buildings}


def year_of(day: int) -> int:
    """The calendar year of a day."""
    return (EPOCH + timedelta(days=day)).year


def day_of(when: date) -> int:
    """A date as days since 1970."""
    return (when - EPOCH).days
