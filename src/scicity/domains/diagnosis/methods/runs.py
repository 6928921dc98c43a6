"""Runs of flagged days, and quantiles of what is known, for all series at once. Shapes: S series, D days.

Source: arithmetic of this project.

Loads [kW] and energies [kWh] alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scicity.domains.diagnosis.methods.arrays import Bools, Floats, Ints


@dataclass(frozen=True)
class Runs:
    """Runs (R,): their series, and their first and last place, both included."""

    series: Ints
    first: Ints
    last: Ints

    def total(self, value: Floats) -> Floats:
        """The sum of a value (S, D) over each run; NaN counts as nothing."""
        before = np.concatenate([np.zeros((len(value), 1)), np.nan_to_num(value).cumsum(axis=1)], axis=1)
        result: Floats = before[self.series, self.last + 1] - before[self.series, self.first]
        return result


def runs(flagged: Bools, fewest: int = 1) -> Runs:
    """The runs of at least `fewest` flagged places that follow each other (S, D)."""
    edge = np.zeros((len(flagged), 1), dtype=np.int8)
    change = np.diff(np.concatenate([edge, flagged.astype(np.int8), edge], axis=1), axis=1)
    series, first = np.nonzero(change == 1)
    _, end = np.nonzero(change == -1)
    long = end - first >= fewest
    return Runs(series[long], first[long], end[long] - 1)


def quantile(value: Floats, share: float) -> Floats:
    """A quantile of what is known in each row (S,), interpolated; NaN where nothing is. value (S, D)."""
    if value.shape[1] == 0:
        return np.full(len(value), np.nan)
    ordered = np.sort(value, axis=1)  # NaN stand last
    count = np.isfinite(value).sum(axis=1)
    place = share * np.maximum(count - 1, 0)
    low = np.floor(place).astype(np.int64)
    high = np.minimum(low + 1, np.maximum(count - 1, 0))
    row = np.arange(len(value))
    result: Floats = ordered[row, low] + (ordered[row, high] - ordered[row, low]) * (place - low)
    return np.where(count > 0, result, np.nan)
