"""Which edition and which minima hold in a period of the district's calendar.

Source: the tables `environment.edition` and `environment.capture_minimum`, each row with its document and clause.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from scicity.domains.environment.methods import assessment, standards
from scicity.domains.environment.methods.exact import Flags, Integers
from scicity.domains.environment.methods.grid import Grid
from scicity.kernel.calendar import Calendar

EPOCH = date(1970, 1, 1)


def span(calendar: Calendar, start: int, end: int) -> tuple[int, int]:
    """First local day [days since 1970] of the time from `start` to before `end` [µs UTC], and the number of its days."""
    first, following = calendar.days(np.array([start, end]))
    return int(first), int(following - first)


def editions(rows: pa.Table, calendar: Calendar) -> list[standards.Edition]:
    """The editions of the table `environment.edition`, by local days. Raises ValueError where two overlap."""
    found = rows.to_pylist()
    for row in found:
        for column in ("valid_from", "valid_to"):
            if row[column] is not None:
                instant = np.array([round(row[column].timestamp()) * 1_000_000])
                row[column] = EPOCH + timedelta(days=int(calendar.days(instant)[0]))
    return standards.editions_of(found)


def edition_name(rows: pa.Table, calendar: Calendar, instant: int) -> str | None:
    """The edition that holds at an instant [µs UTC], None where none does."""
    listed = editions(rows, calendar)
    place = int(standards.edition_at(calendar.days(np.array([instant])), listed)[0])
    return listed[place].name if place >= 0 else None


def minima_at(capture: pa.Table, rows: pa.Table, calendar: Calendar, instant: int) -> tuple[standards.Capture, str]:
    """The minima of the edition that holds at an instant [µs UTC], and its name; before the first edition, the first's."""
    name = edition_name(rows, calendar, instant) or editions(rows, calendar)[0].name
    return standards.capture_of(capture.to_pylist(), name), name


def year_captured(grid: Grid, first: int, minima: standards.Capture) -> tuple[Flags, Integers]:
    """Whether each series of a grid of days has enough for a yearly mean, and how many of its months have too few.

    `first`: the first day of the year [days since 1970]; the grid has a column for each day of it.
    """
    days = np.arange(first, first + grid.known.shape[1]).astype("datetime64[D]")
    months = days.astype("datetime64[M]").astype(np.int64) % 12
    starts = np.flatnonzero(np.r_[True, months[1:] != months[:-1]])
    counts = np.add.reduceat(grid.known.astype(np.int64), starts, axis=1)
    enough = assessment.year_captured(counts, minima.year_days, minima.month_days, minima.february_days)
    short = ~assessment.month_captured(counts, np.arange(1, 13), minima.month_days, minima.february_days)
    return enough, short.sum(axis=1).astype(np.int64)
