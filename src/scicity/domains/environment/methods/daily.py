"""From hours to days: daily means, 8-hour means of ozone and their daily maximum, with the standards' data capture.

Concentrations [millionths of µg/m³]. Source: GB 3095-2012, table 4, and HJ 663 by the clause that a function names.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scicity.domains.environment.methods.exact import Flags, Integers, means

WINDOW = 8  # [h] GB 3095, 3.9: the mean of eight consecutive hours


@dataclass(frozen=True)
class Days:
    """A statistic of each series and day, shape (series, days).

    `total` and `count`: sum [millionths of µg/m³] and number of what it was taken from, so that it can be rounded once and
    exactly; `value` [millionths of µg/m³] is 0 where it is not `known`; `captured`: how many hours (or 8 h means) there were.
    """

    total: Integers
    count: Integers
    value: Integers
    known: Flags
    captured: Integers


def day_starts(day: npt.NDArray[np.int32]) -> tuple[Integers, npt.NDArray[np.int32]]:
    """Where each day begins in a run of hours, and the days.

    `day`: the local day of each hour [days since 1970], never falling; a day may have 23, 24 or 25 hours.
    """
    starts = np.flatnonzero(np.r_[True, day[1:] != day[:-1]]) if len(day) else np.zeros(0, dtype=np.int64)
    return starts.astype(np.int64), day[starts]


def daily_means(values: Integers, known: Flags, starts: Integers, minimum: int) -> Days:
    """Daily means of hourly means, known where at least `minimum` hours are.

    `values` [millionths of µg/m³], `known`: shape (series, hours), hours without gaps; `starts`: where each day begins.
    Source: GB 3095-2012, 3.10 (24 h mean: the mean of the hours of a natural day) and table 4 (20 hours); see
    `standards/capture.csv` for what was seen.
    """
    total = np.add.reduceat(np.where(known, values, 0), starts, axis=1)
    count = np.add.reduceat(known.astype(np.int64), starts, axis=1)
    enough = (count >= minimum) & (count > 0)
    return Days(total, count, np.where(enough, means(total, count), 0), enough, count)


def daily_hour_maximum(values: Integers, known: Flags, starts: Integers) -> tuple[Integers, Flags]:
    """The highest hourly mean of each day, and whether there is any hour; shapes and units as in `daily_means`."""
    highest = np.maximum.reduceat(np.where(known, values, -1), starts, axis=1)
    return np.maximum(highest, 0), highest >= 0


def running_sums(values: Integers, known: Flags) -> tuple[Integers, Integers]:
    """Sum and number of the known values of the eight hours that end with each hour, across midnight as anywhere else.

    `values` [millionths of µg/m³], `known`: shape (series, hours), hours without gaps. The first seven windows hold only
    the hours from the first on.
    Source: HJ 663-2013, table A.1, quoted in GB/T 34302-2017, 2.2: the 8 h mean of hour X is that of the hours X-7 to X.
    """

    def windowed(column: Integers) -> Integers:
        running = np.cumsum(column, axis=1)
        running[:, WINDOW:] -= running[:, :-WINDOW].copy()
        return running

    return windowed(np.where(known, values, 0)), windowed(known.astype(np.int64))


def daily_maximum_8h(
    values: Integers,
    known: Flags,
    starts: Integers,
    hour_of_day: npt.NDArray[np.int64],
    *,
    window_hours: int,
    day_windows: int,
    first_window_end: int,
    certain_above: int | None = None,
) -> Days:
    """The highest 8 h mean of each day, of those that end between `first_window_end` and midnight.

    `values` [millionths of µg/m³], `known`: shape (series, hours), hours without gaps; `hour_of_day`: local hour 0..23 at
    which each hour begins. An 8 h mean needs `window_hours` hours, the maximum `day_windows` such means; with fewer it is
    known only if it lies above `certain_above` [millionths of µg/m³], for more data could only raise it.
    `captured` counts the 8 h means. Source: HJ 663-2013 (08:00 to 24:00, 14 of 17 means); GB 3095-2012, table 4 (6 of 8
    hours); see `standards/capture.csv` for what was seen.
    """
    sums, counts = running_sums(values, known)
    valid = (counts >= max(window_hours, 1)) & (hour_of_day + 1 >= first_window_end)
    mean = np.where(valid, means(sums, counts), -1)
    highest = np.maximum.reduceat(mean, starts, axis=1)
    windows = np.add.reduceat(valid.astype(np.int64), starts, axis=1)
    known_day = (windows >= day_windows) & (highest >= 0)
    if certain_above is not None:
        known_day |= highest > certain_above
    first = _first_at_maximum(mean, highest, starts)
    rows = np.arange(len(values))[:, None]
    return Days(sums[rows, first], counts[rows, first], np.where(known_day, highest, 0), known_day, windows)


def _first_at_maximum(mean: Integers, highest: Integers, starts: Integers) -> Integers:
    """Where the first hour of each day stands whose mean is the day's highest, shape (series, days)."""
    hours = mean.shape[1]
    lengths = np.diff(np.r_[starts, hours])
    place = np.where(mean == np.repeat(highest, lengths, axis=1), np.arange(hours), hours)
    return np.minimum.reduceat(place, starts, axis=1)
