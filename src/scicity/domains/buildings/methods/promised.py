"""Promised against measured: the gap, and whether a promise is kept.

Values are in the unit of their measure; shares and tolerances in per cent [%], coverage from 0 to 1. A year of which too little
is known is incomplete: nothing is made up for what is missing.
Source: this project's rule; the tolerance and the least coverage are data.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

KEPT, TOLERATED, MISSED, INCOMPLETE, NOT_MEASURED = "kept", "tolerated", "missed", "incomplete", "not_measured"
NOT_COMPARABLE = "not_comparable"  # no such measure, another unit, or a value that is none
LOWER, HIGHER = "lower", "higher"
HUNDRED = 100.0


@dataclass(frozen=True)
class Judged:
    """Measured less promised, the same of what was promised [%], and the verdict."""

    gap: float | None
    share: float | None
    verdict: str


def judged(
    promised: float, measured: float | None, coverage: float | None, direction: str, tolerance: float, least: float
) -> Judged:
    """A whole year against its promise; `direction` says whether lower or higher is better, `tolerance` [%] of the promise.

    Where nothing measures it the verdict is `not_measured`, where the value is unknown or its coverage is below the `least`
    it is `incomplete`; neither has a gap.
    Raises ValueError for a promise or tolerance below 0, or another direction.
    Source: this project's rule.
    """
    if promised < 0 or tolerance < 0 or direction not in (LOWER, HIGHER):
        raise ValueError(f"promised {promised}, tolerance {tolerance}, direction {direction!r}")
    if measured is None and coverage is None:
        return Judged(None, None, NOT_MEASURED)
    if measured is None or coverage is None or coverage < least:
        return Judged(None, None, INCOMPLETE)
    gap = measured - promised
    worse = gap if direction == LOWER else -gap
    verdict = KEPT if worse <= 0 else TOLERATED if worse <= promised * tolerance / HUNDRED else MISSED
    return Judged(gap, HUNDRED * gap / promised if promised else None, verdict)


def comparable(value: float | None, symbol: str | None, unit: str | None) -> bool:
    """Whether a promise is a number of at least 0 in the `unit` of its measure; no unit is that of no measure.

    Source: this project's rule: units are compared as they are printed, never guessed.
    """
    return value is not None and 0 <= value < math.inf and unit is not None and symbol == unit


def holding(firsts: Iterable[int], begin: int) -> int | None:
    """Of days [d] from which promises hold, the last that is not after the `begin` [d] of a year; None where there is none.

    So a promise is held against whole years alone.
    Source: this project's rule.
    """
    return max((first for first in firsts if first <= begin), default=None)


def to_date(promised: float, days: int, of: int) -> float:
    """The part of a year's promise that falls to its first `days` of `of` days [d], seasons not regarded.

    Raises ValueError where there are no days or more than the year has.
    Source: this project's rule.
    """
    if not 0 < days <= of:
        raise ValueError(f"{days} of {of} days")
    return promised * days / of


def covered(parts: Iterable[tuple[float, int]]) -> float:
    """The coverage of several months: each month's coverage by its days [d]; a month without data counts as 0.

    Source: this project's rule of coverage.
    """
    kept = list(parts)
    days = sum(length for _, length in kept)
    return sum(share * length for share, length in kept) / days if days else 0.0
