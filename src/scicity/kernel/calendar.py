"""A district's calendar: local days, hours and periods of its time zone, as instants in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

HALF_HOUR = 1_800_000_000  # [µs] no zone in force since 1972 changes its offset off the half hour
DAY = 86_400_000_000  # [µs]
KNOTS = 12  # half hours from one look at a zone's offset to the next; where two differ, each between them is looked at
UNITS = {"day": "D", "month": "M", "year": "Y"}  # of numpy


@lru_cache(maxsize=64)
def _offsets(zone: str, first: int, last: int) -> np.ndarray:
    tz = ZoneInfo(zone)

    def at(slot: int) -> int:
        offset = tz.utcoffset(datetime.fromtimestamp(slot * 1800, UTC).astimezone(tz))
        return 0 if offset is None else int(offset.total_seconds())

    knots = [*range(first, last, KNOTS), last]
    known = [at(slot) for slot in knots]
    seconds = np.repeat(np.array(known, dtype=np.int64), np.diff([*knots, last + 1]))
    for (start, before), (end, after) in pairwise(zip(knots, known, strict=True)):
        if before != after:
            seconds[start - first : end - first] = [at(slot) for slot in range(start, end)]
    return seconds * 1_000_000


@dataclass(frozen=True)
class Calendar:
    """Local time of one IANA zone. Instants are int64 microseconds since 1970 UTC, days int32 days since 1970."""

    zone: str

    @cached_property
    def tz(self) -> ZoneInfo:
        """The zone. Raises ZoneInfoNotFoundError for a name that IANA does not hold."""
        return ZoneInfo(self.zone)

    def instant(self, day: date) -> int:
        """The instant [µs UTC] at which a local day begins."""
        return int(datetime(day.year, day.month, day.day, tzinfo=self.tz).timestamp()) * 1_000_000

    def local(self, instants: np.ndarray) -> np.ndarray:
        """Local wall-clock time [µs since 1970 local] of instants [µs UTC], any shape."""
        if instants.size == 0:
            return instants.astype(np.int64)
        slots = instants // HALF_HOUR
        first, last = int(slots.min()), int(slots.max())
        if last - first <= 20_000:  # about 14 months: the table of offsets is cheap and kept
            return instants + _offsets(self.zone, first, last)[slots - first]
        unique, where = np.unique(slots, return_inverse=True)
        offsets = np.concatenate([_offsets(self.zone, int(slot), int(slot)) for slot in unique])
        return instants + offsets[where]

    def days(self, instants: np.ndarray) -> np.ndarray:
        """Local day [days since 1970] of instants [µs UTC]."""
        return (self.local(instants) // DAY).astype(np.int32)

    def bounds(self, period: str) -> tuple[int, int]:
        """First instant of a period and of the next one [µs UTC]; `2023-05-31`, `2023-05`, `2023`, or `all`.

        Raises ValueError else.
        """
        if period == "all":
            return -(2**62), 2**62
        year, _, month = period.partition("-")
        month, _, day = month.partition("-")
        if day:
            first = date(int(year), int(month), int(day))
            following = first + timedelta(days=1)
        elif month:
            first = date(int(year), int(month), 1)
            following = date(first.year + (first.month == 12), first.month % 12 + 1, 1)
        else:
            first, following = date(int(year), 1, 1), date(int(year) + 1, 1, 1)
        return self.instant(first), self.instant(following)

    def periods(self, instants: np.ndarray, period: str) -> np.ndarray:
        """The period (`2023-05-31`, `2023-05`, `2023`, `all`) in which each instant [µs UTC] lies, as str."""
        if period == "all":
            return np.full(instants.shape, "all", dtype=object)
        return periods_of_days(self.days(instants), period)

    def covering(self, first: int, last: int, period: str) -> list[str]:
        """The periods that the instants from `first` to `last` [µs UTC, both included] touch, in order."""
        if period == "all":
            return ["all"]
        a, b = (date(1970, 1, 1) + timedelta(days=int(d)) for d in self.days(np.array([first, last])))
        if period == "year":
            return [f"{year}" for year in range(a.year, b.year + 1)]
        if period == "day":
            return [str(a + timedelta(days=number)) for number in range((b - a).days + 1)]
        months = range(a.year * 12 + a.month - 1, b.year * 12 + b.month)
        return [f"{m // 12}-{m % 12 + 1:02d}" for m in months]

    def hours(self, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """Starts [µs UTC] of the local hours in [first, last) and the local day [days since 1970] of each.

        Whole-hour changes of the offset leave hours 60 minutes long; a day has 23, 24 or 25 of them.
        """
        offset = int(self.local(np.array([first]))[0]) - first
        step = 3_600_000_000
        start = -((-(first + offset)) // step) * step - offset
        hours = np.arange(start, last, step, dtype=np.int64)
        return hours, self.days(hours)


def periods_of_days(days: np.ndarray, period: str) -> np.ndarray:
    """The period (`2023-05-31`, `2023-05`, `2023`) of each day [days since 1970], as an object array of str."""
    values = days.astype("datetime64[D]").astype(f"datetime64[{UNITS[period]}]")
    unique, where = np.unique(values, return_inverse=True)
    return np.array([str(value) for value in unique], dtype=object)[where]


def micros(column: pa.ChunkedArray | pa.Array) -> np.ndarray:
    """An Arrow column of instants as int64 [µs UTC]; nulls must have been removed."""
    return (
        column.cast(pa.int64()).to_numpy(zero_copy_only=False)
        if isinstance(column, pa.Array)
        else column.cast(pa.int64()).to_numpy()
    )


def micros_of(time: timedelta) -> int:
    """A length of time [µs]."""
    return time // timedelta(microseconds=1)
