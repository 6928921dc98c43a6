"""Hours, months and days of the year as registers write them: `10-15;18-21`, `1-12`, `11-15`; and prices by them.

Prices [money/kWh], instants [µs UTC]. Source: for what a tariff holds, the time-of-use notice of the district.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
SPAN = re.compile(r"\s*(\d{1,2})(?:\s*-\s*(\d{1,2}))?\s*")
DAY = re.compile(r"(\d{2})-(\d{2})")
LENGTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def hours_of(text: str | None) -> Flags:
    """Which hours of the day a text names, shape (24,): `10-15` is from 10 to 15 o'clock, `23-7` goes over midnight.

    All of them where nothing is said. Raises ValueError with the part that cannot be read.
    """
    if text is None:
        return np.ones(24, dtype=bool)
    found = np.zeros(24, dtype=bool)
    for part in text.split(";"):
        told = SPAN.fullmatch(part)
        first, last = (int(told[1]), int(told[2] or int(told[1]) + 1)) if told else (99, 99)
        if first > 23 or last > 24 or first == last:
            raise ValueError(part)
        found[np.arange(first, last if last > first else last + 24) % 24] = True
    return found


def months_of(text: str | None) -> Flags:
    """Which months a text names, shape (12,), both ends included: `1-12`, `7;8`, `11-3` goes over new year.

    All of them where nothing is said. Raises ValueError with the part that cannot be read.
    """
    if text is None:
        return np.ones(12, dtype=bool)
    found = np.zeros(12, dtype=bool)
    for part in text.split(";"):
        told = SPAN.fullmatch(part)
        first, last = (int(told[1]), int(told[2] or told[1])) if told else (99, 99)
        if not (1 <= first <= 12 and 1 <= last <= 12):
            raise ValueError(part)
        found[(np.arange(first, (last if last >= first else last + 12) + 1) - 1) % 12] = True
    return found


def day_of(text: str | None) -> int | None:
    """A day of the year as month · 100 + day: `11-15` is 1115. Raises ValueError for what is none."""
    if text is None:
        return None
    told = DAY.fullmatch(text.strip())
    if not told or not 1 <= int(told[1]) <= 12 or not 1 <= int(told[2]) <= LENGTHS[int(told[1]) - 1]:
        raise ValueError(text)
    return int(told[1]) * 100 + int(told[2])


def within(days: Ints, first: int | None, last: int | None) -> Flags:
    """Which days (month · 100 + day, any shape) lie from `first` to `last`, both included, also over new year."""
    if first is None or last is None:
        return np.ones(days.shape, dtype=bool)
    after, before = days >= first, days <= last
    return after & before if first <= last else after | before


def uncovered(rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[int, int, int]]:
    """Month, hour and number of prices of every hour that has not exactly one among `rows` of a tariff."""
    count = np.zeros((12, 24), dtype=int)
    for row in rows:
        count += np.outer(months_of(row["tariff_months"]), hours_of(row["tariff_hours"]))
    for month, hour in np.argwhere(count != 1).tolist():
        yield month + 1, hour, int(count[month, hour])


def prices(rows: Sequence[Mapping[str, Any]], instants: Ints, months: Ints, hours: Ints) -> Floats:
    """The price of each step [money/kWh], NaN where none holds.

    `rows` of one tariff with `valid_from`, `valid_to` [µs UTC or None]; `instants` [µs UTC], `months` [1-12] and `hours` [0-23]
    of the steps, each of shape (steps,).
    """
    found = np.full(instants.shape, np.nan)
    for row in rows:
        holds = instants >= row["valid_from"]
        if row["valid_to"] is not None:
            holds &= instants < row["valid_to"]
        holds &= months_of(row["tariff_months"])[months - 1] & hours_of(row["tariff_hours"])[hours]
        found[holds] = row["unit_price"]
    return found
