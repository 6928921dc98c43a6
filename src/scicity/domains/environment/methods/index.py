"""The air quality index (AQI) of a day: sub-indices (IAQI), the highest of them, primary pollutants, levels.

Indices [1], concentrations [millionths of µg/m³]. Source: HJ 633 by the clause that a function names.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scicity.domains.environment.methods.exact import Flags, Integers
from scicity.domains.environment.methods.standards import Cuts

PRIMARY_ABOVE = 50  # HJ 633-2026, 4.3.1: primary pollutants are told where the AQI is above 50


def sub_index(concentration: Integers, known: Flags, cuts: Cuts) -> tuple[Integers, Flags]:
    """The sub-index (IAQI) of each concentration, rounded up to a whole number, and whether there is one.

    `concentration` [millionths of µg/m³], >= 0, already rounded as the standard asks (whole µg/m³, CO 0.1 mg/m³); any
    shape. Between two cuts it rises in a straight line; above the last it is `cuts.beyond`, or there is none.
    Source: HJ 633-2026, 4.2.2 (rounding first), 4.2.6 and its formula (rounded up), table 3; HJ 633-2012, table 1.
    """
    cut, at_cut = cuts.concentration, cuts.sub_index
    above = np.clip(np.searchsorted(cut, concentration, side="left"), 1, len(cut) - 1)
    rise = (at_cut[above] - at_cut[above - 1]) * (concentration - cut[above - 1])
    inside = at_cut[above - 1] - (-rise // (cut[above] - cut[above - 1]))
    off_scale = concentration > cut[-1]
    told = known & ~off_scale if cuts.beyond is None else known
    return np.where(told, np.where(off_scale, cuts.beyond or 0, inside), 0), told


def with_fallback(
    first: tuple[Integers, Flags], second: tuple[Integers, Flags], concentration_known: Flags
) -> tuple[Integers, Flags]:
    """A sub-index, and where the scale has none for a known concentration, that of another averaging time.

    Source: HJ 633-2012, table 1, note 3: above 800 µg/m³ the 8 h mean of ozone tells none, and the 1 h mean does.
    """
    instead = concentration_known & ~first[1]
    return np.where(instead, second[0], first[0]), first[1] | (instead & second[1])


@dataclass(frozen=True)
class Index:
    """The AQI of each day, length (days); `primary` has shape (items, days).

    `aqi` is 0 where it is not `known`; `at_least` is the highest sub-index there is, known or not complete; `items` counts
    the sub-indices.
    """

    aqi: Integers
    known: Flags
    at_least: Integers
    items: Integers
    primary: Flags


def air_quality_index(sub_indices: Integers, known: Flags, index_items: int) -> Index:
    """The AQI: the highest sub-index of a day, known where at least `index_items` items are.

    `sub_indices`, `known`: shape (items, days). Primary pollutants are all that reach the highest, where it is above 50.
    Source: HJ 633-2026, 4.3 and 4.3.1. That all six items must be known is our reading (`standards/capture.csv`).
    """
    highest = np.where(known, sub_indices, 0).max(axis=0, initial=0)
    items = known.sum(axis=0).astype(np.int64)
    complete = items >= index_items
    primary = known & (sub_indices == highest) & complete & (highest > PRIMARY_ABOVE)
    return Index(np.where(complete, highest, 0), complete, highest, items, primary)


def level(aqi: Integers, lower_bounds: npt.NDArray[np.int64]) -> Integers:
    """The level 1..6 of each AQI (>= 0); `lower_bounds`: the lowest AQI of each level, rising from 0.

    Source: HJ 633-2012, table 2. Raises ValueError where the bounds do not rise from 0.
    """
    if len(lower_bounds) == 0 or lower_bounds[0] != 0 or (np.diff(lower_bounds) <= 0).any():
        raise ValueError("the lower bounds of the levels must rise from 0")
    return np.searchsorted(lower_bounds, aqi, side="right").astype(np.int64)


def primary_names(primary: Flags, names: tuple[str, ...]) -> list[str]:
    """The primary pollutants of each day as text, in the order of `names` (one per item), joined by a space."""
    codes = (primary * (1 << np.arange(len(names)))[:, None]).sum(axis=0)
    text = [" ".join(n for bit, n in enumerate(names) if code >> bit & 1) for code in range(1 << len(names))]
    return [text[code] for code in codes]
