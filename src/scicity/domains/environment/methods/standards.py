"""What the editions of the standards say, taken from their tables: cuts, limits, minima, and which edition holds when.

Concentrations [millionths of µg/m³], days [d since 1970-01-01].
Source: the domain's `standards/*.csv`, each row with its document and clause.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from scicity.domains.environment.methods.exact import MILLIONTHS, Integers
from scicity.vocabulary import conversion

MICROGRAMS = "ug/m**3"
POLLUTANTS = ("pm25", "pm10", "so2", "no2", "co", "o3")
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Edition:
    """One edition of the standards with the days on which it holds (`until` not included; None is still)."""

    name: str
    since: date
    until: date | None
    quality: str
    index: str
    assessment: str


@dataclass(frozen=True)
class Cuts:
    """The cuts of one pollutant: concentrations [millionths of µg/m³, rising] and the sub-index at each.

    `beyond` is the sub-index above the last cut; None where the standard computes none there.
    """

    concentration: Integers
    sub_index: Integers
    beyond: int | None


@dataclass(frozen=True)
class Capture:
    """How much data a statistic needs (`standards/capture.csv` says what each is and where it stands)."""

    hour_minutes: int
    day_hours: int
    window_hours: int
    year_days: int
    month_days: int
    february_days: int
    day_windows: int
    first_window_end: int
    incomplete_exceedance_counts: int
    index_items: int


def millionths(value: Decimal | float | str, unit: str) -> int:
    """A concentration of the standards in whole millionths of µg/m³. Raises ValueError for a unit that is no concentration."""
    slope, offset = conversion(unit, MICROGRAMS)
    return round((float(value) * slope + offset) * MILLIONTHS)


def editions_of(rows: Iterable[Row]) -> list[Edition]:
    """The editions in the order in which they came to hold; `rows` as `standards/editions.csv`, dates as `date`.

    Raises ValueError where two overlap.
    """
    found = sorted(
        (
            Edition(
                str(row["edition"]),
                row["valid_from"],
                row["valid_to"],
                str(row["quality_document"]),
                str(row["index_document"]),
                str(row["assessment_document"]),
            )
            for row in rows
        ),
        key=lambda edition: edition.since,
    )
    for earlier, later in pairwise(found):
        if earlier.until is None or earlier.until > later.since:
            raise ValueError(f"{earlier.name} and {later.name} overlap")
    return found


def edition_at(days: npt.NDArray[np.int32], editions: list[Edition]) -> Integers:
    """The edition that holds on each day: its place in `editions`, -1 where none does.

    `days`: days since 1970, any shape.
    """
    epoch = date(1970, 1, 1)
    since = np.array([(edition.since - epoch).days for edition in editions], dtype=np.int64)
    until = np.array([(edition.until - epoch).days if edition.until else 2**31 for edition in editions], dtype=np.int64)
    place = np.searchsorted(since, days, side="right") - 1
    return np.where((place >= 0) & (days < until[np.maximum(place, 0)]), place, -1)


def cuts_of(rows: Iterable[Row], beyond: Iterable[Row], document: str) -> dict[tuple[str, str], Cuts]:
    """The cuts of one document by pollutant and averaging; rows as `standards/breakpoints.csv` and `beyond.csv`.

    Raises ValueError where concentrations or sub-indices do not rise, LookupError where nothing says what is beyond.
    """
    listed: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for row in rows:
        if row["document"] == document:
            cut = millionths(row["printed_cut"], row["unit"])
            listed.setdefault((row["pollutant"], row["averaging"]), []).append((int(row["sub_index"]), cut))
    last = {
        (row["pollutant"], row["averaging"]): None if row["sub_index"] in (None, "") else int(row["sub_index"])
        for row in beyond
        if row["document"] == document
    }
    found = {}
    for key, pairs in listed.items():
        sub_index, concentration = (np.array(column, dtype=np.int64) for column in zip(*sorted(pairs), strict=True))
        if len(pairs) < 2 or (np.diff(sub_index) <= 0).any() or (np.diff(concentration) <= 0).any():
            raise ValueError(f"{document}: the cuts of {', '.join(key)} do not rise")
        if key not in last:
            raise LookupError(f"{document}: nothing says what holds above the last cut of {', '.join(key)}")
        found[key] = Cuts(concentration, sub_index, last[key])
    return found


def capture_of(rows: Iterable[Row], edition: str) -> Capture:
    """The minima of one edition; rows as `standards/capture.csv`. Raises TypeError where one is missing or unknown."""
    return Capture(**{str(row["rule"]): int(row["minimum"]) for row in rows if row["edition"] == edition})


def steps_of(rows: Iterable[Row], edition: str, averaging: str) -> dict[str, int]:
    """To which multiple a concentration is rounded, by pollutant [millionths of µg/m³]; rows as `standards/rounding.csv`."""
    return {
        str(row["pollutant"]): millionths(Decimal(1).scaleb(-int(row["decimals"])), row["unit"])
        for row in rows
        if row["edition"] == edition and row["averaging"] == averaging
    }


def limits_of(rows: Iterable[Row], edition: str, grade: int) -> dict[tuple[str, str], int]:
    """Limits [millionths of µg/m³] by pollutant and averaging; rows as `standards/limits.csv`, `grade` 1 or 2."""
    return {
        (str(row["pollutant"]), str(row["averaging"])): millionths(row["printed_limit"], row["unit"])
        for row in rows
        if row["edition"] == edition and int(row["limit_grade"]) == grade
    }
