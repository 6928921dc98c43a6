"""Exact arithmetic of concentrations: whole millionths, so that no order of adding can change a digit.

Values [millionths of the unit that is told]. Source: arithmetic alone; GB/T 8170-2008 for rounding.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

MILLIONTHS = 1_000_000  # one unit, as the vocabulary's decimals with six places count it


def in_millionths(values: npt.NDArray[np.float64]) -> tuple[Integers, Flags]:
    """Measured concentrations [µg/m³] as whole millionths, and which of them are known.

    `values`: any shape, NaN where unknown. A negative value is not a concentration and counts as unknown; so does an
    infinite one and any above 1e9. Returns two arrays of the same shape, 0 where unknown.
    """
    known = np.isfinite(values) & (values >= 0) & (values <= 1e9)
    return np.rint(np.where(known, values, 0.0) * MILLIONTHS).astype(np.int64), known


def half_even(numerator: Integers, denominator: Integers | int, step: Integers | int = 1) -> Integers:
    """The quotient rounded to a multiple of `step`, a tie going to the even multiple; exact, without floating point.

    `numerator`: >= 0, any shape; `denominator`, `step`: > 0, shapes that broadcast to it. Numerator and denominator x step
    must stay below 2**62. Raises ValueError where a denominator or step is not positive.
    Source: GB/T 8170-2008, 3.2 (rounding rules; 3.2.3 for the tie).
    """
    divisor = np.asarray(denominator, dtype=np.int64) * np.asarray(step, dtype=np.int64)
    if (divisor <= 0).any():
        raise ValueError("denominator and step must be positive")
    quotient, rest = np.divmod(numerator, divisor)
    up = (2 * rest > divisor) | ((2 * rest == divisor) & (quotient % 2 == 1))
    rounded: Integers = (quotient + up) * np.asarray(step, dtype=np.int64)
    return rounded


def sums(values: Integers, known: Flags, group: Integers, groups: int) -> tuple[Integers, Integers]:
    """Sum and number of the known values of each group.

    `values`, `known`, `group`: one per row, `group` in 0..groups-1. Returns two arrays of length `groups`.
    """
    total = np.zeros(groups, dtype=np.int64)
    np.add.at(total, group[known], values[known])
    return total, np.bincount(group[known], minlength=groups).astype(np.int64)


def means(total: Integers, count: Integers, step: Integers | int = 1) -> Integers:
    """Means of sums, rounded half to even to a multiple of `step` [the unit of the sums]; 0 where there is nothing.

    Shapes of `total` and `count` agree; `count` >= 0.
    """
    return np.where(count > 0, half_even(total, np.maximum(count, 1), step), 0)
