"""Months and years: means with data capture, percentiles, attainment of limits, the share of good days, implied values.

Counts of days [d]. Source: GB 3095, HJ 663 by the clause that a function names; implied values are plain arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

import numpy as np
import numpy.typing as npt

from scicity.domains.environment.methods.exact import MILLIONTHS, Flags, Integers, half_even

MET, FAILED, NOT_COMPARABLE = "met", "failed", "not_comparable"


def month_captured(valid_days: Integers, month: Integers, month_days: int, february_days: int) -> Flags:
    """Whether each month has enough valid days; `month` is 1..12, shapes agree.

    Source: GB 3095-2012, table 4 (27 daily means, 25 in February); see `standards/capture.csv` for what was seen.
    """
    return valid_days >= np.where(month == 2, february_days, month_days)


def year_captured(valid_days_by_month: Integers, year_days: int, month_days: int, february_days: int) -> Flags:
    """Whether each year has enough valid days, in all and in each month; `valid_days_by_month`: shape (years, 12).

    Source: GB 3095-2012, table 4 (324 daily means, and the minimum of each month); see `standards/capture.csv`.
    """
    months = month_captured(valid_days_by_month, np.arange(1, 13), month_days, february_days)
    return (valid_days_by_month.sum(axis=1) >= year_days) & months.all(axis=1)


def percentiles(values: Integers, group: Integers, groups: int, percent: int, step: int = 1) -> tuple[Integers, Integers]:
    """A percentile of the values of each group, rounded half to even to a multiple of `step`; and the number of values.

    `values` [millionths of µg/m³], `group` (0..groups-1): one per row, known values only; `percent` 0..100. The values in
    rising order X1..Xn; k = 1 + (n - 1) p; the percentile is X_s + (X_s+1 - X_s) (k - s) with s the whole part of k. 0 for
    a group without values. Source: HJ 663-2013, annex on percentiles (unverified; see `standards/percentiles.csv`).
    Raises ValueError for a percentage out of range.
    """
    if not 0 <= percent <= 100:
        raise ValueError(f"percent is {percent}, and must be from 0 to 100")
    count = np.bincount(group, minlength=groups).astype(np.int64)
    if len(values) == 0:
        return np.zeros(groups, dtype=np.int64), count
    ordered = values[np.lexsort((values, group))]
    first = np.cumsum(count) - count
    whole, part = np.divmod(np.maximum(count - 1, 0) * percent, 100)
    last = len(ordered) - 1
    low = ordered[np.minimum(first + whole, last)]
    high = ordered[np.minimum(first + np.minimum(whole + 1, np.maximum(count - 1, 0)), last)]
    return np.where(count > 0, half_even(low * 100 + (high - low) * part, 100, step), 0), count


def attainment(value: Integers, known: Flags, limit: Integers, has_limit: Flags) -> npt.NDArray[np.str_]:
    """`met` where a value is at most its limit, `failed` where it is above, `not_comparable` where either is unknown.

    `value`, `limit` [millionths of µg/m³]: shapes agree; the value is rounded before, as the standard asks (GB/T 8170, 4.3.3:
    comparison of the rounded value).
    """
    comparable = known & has_limit
    return np.where(comparable, np.where(value <= limit, MET, FAILED), NOT_COMPARABLE)


def share(part: Integers, whole: Integers) -> tuple[Integers, Flags]:
    """`part` of `whole` [millionths of a percent], half to even, and whether there is any whole; shapes agree."""
    known = whole > 0
    return np.where(known, half_even(part * 100 * MILLIONTHS, np.maximum(whole, 1)), 0), known


@dataclass(frozen=True)
class Implied:
    """A value that printed figures imply, with the interval that their rounding leaves open (both ends included)."""

    value: Fraction
    low: Fraction
    high: Fraction


def _printed(text: str) -> tuple[Fraction, Fraction]:
    """A printed decimal number, and half of its last place."""
    decimals = len(text.partition(".")[2])
    return Fraction(text), Fraction(1, 2 * 10**decimals)


def implied_baseline(reported: str, change_percent: str) -> Implied:
    """The earlier value that a later one and its change in percent imply: reported / (1 + change / 100).

    `reported` [any unit, > 0] and `change_percent` (> -100; a fall is negative) as they are printed, so that their last
    place gives the interval: 27.1 and -65.8 imply 79.24, from 78.98 to 79.50. Raises ValueError where the change leaves
    nothing or the reported value is not positive.
    """
    later, later_half = _printed(reported)
    change, change_half = _printed(change_percent)
    if later - later_half <= 0 or change - change_half <= -100:
        raise ValueError("the reported value must be positive and the change above -100 %")

    def before(value: Fraction, percent: Fraction) -> Fraction:
        return value / (1 + percent / 100)

    return Implied(
        before(later, change),
        before(later - later_half, change + change_half),
        before(later + later_half, change - change_half),
    )


def implied_wholes(part: int, share_percent: str) -> range:
    """Every whole number of which `part` is the printed share: 296 and 83.1 % imply 356 days and no other.

    `part` > 0, `share_percent` in (0, 100] as it is printed. Empty where no whole number fits: then the two contradict.
    Raises ValueError out of range.
    """
    percent, half = _printed(share_percent)
    if part <= 0 or not half < percent <= 100:
        raise ValueError("the part and the share must be positive, and the share at most 100 %")
    return range(ceil(part * 100 / (percent + half)), floor(part * 100 / (percent - half)) + 1)
