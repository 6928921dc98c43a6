"""Where a building's energy intensity stands among those of the same use in the same year.

Source: quantiles by linear interpolation between the ordered values, as NumPy's default.
"""

from __future__ import annotations

import numpy as np

from scicity.domains.diagnosis.methods.arrays import Floats, Ints

SHARES = (0.1, 0.25, 0.5, 0.75, 0.9)


def distribution(intensity: Floats, fewest: int) -> tuple[int, list[float | None]]:
    """The number of buildings, and their quantiles (`SHARES`) [kWh/m²]; None where there are fewer than `fewest`."""
    known = intensity[np.isfinite(intensity)]
    if len(known) < max(1, fewest):
        return len(known), [None] * len(SHARES)
    return len(known), [float(value) for value in np.quantile(known, SHARES)]


def places(intensity: Floats) -> tuple[Ints, Floats]:
    """The place of each building, 1 being the least intensity (equal ones share the better), and the share of the others
    that use less [1]; NaN where there are no others. All intensities must be known."""
    ordered = np.sort(intensity)
    below = np.searchsorted(ordered, intensity, side="left").astype(np.int64)
    others = len(intensity) - 1
    share: Floats = below / others if others else np.full(len(intensity), np.nan)
    return below + 1, share
