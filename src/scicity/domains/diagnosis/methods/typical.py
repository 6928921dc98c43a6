"""Typical months: which month of which year stands for a calendar month.

Source: the idea of typical meteorological years, by the mean of the air temperature alone; rule of this project.
"""

from __future__ import annotations

import numpy as np

from scicity.domains.diagnosis.methods.arrays import Bools, Floats, Ints

WHOLE = 0.9  # of a month's hours
HOURS = 24
MONTHS = 12


def chosen(series: Ints, day: Ints, value: Floats) -> Bools:
    """Which rows (R,) belong to the chosen months. series, day [days since 1970], value: one row an hour.

    Of each series and calendar month the month is chosen whose mean is nearest to the mean of all its whole months; of two as
    near, the earlier. A calendar month without a whole month has none.
    """
    month = day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    keys, place = np.unique(np.stack([series, month]), axis=1, return_inverse=True)
    place = place.ravel()
    count = np.bincount(place, minlength=keys.shape[1])
    mean = np.bincount(place, value, minlength=keys.shape[1]) / np.maximum(count, 1)
    starts = keys[1].astype("datetime64[M]")
    length = ((starts + 1).astype("datetime64[D]") - starts.astype("datetime64[D]")).astype(np.int64)
    whole = count >= WHOLE * length * HOURS
    group = keys[0] * MONTHS + keys[1] % MONTHS
    size = int(group.max()) + 1 if len(group) else 0
    normal = np.bincount(group[whole], mean[whole], minlength=size) / np.maximum(np.bincount(group[whole], minlength=size), 1)
    off = np.where(whole, np.abs(mean - normal[group]), np.inf)
    order = np.lexsort((keys[1], off, group))
    first = np.r_[True, group[order][1:] != group[order][:-1]] if len(order) else np.zeros(0, dtype=bool)
    best = np.zeros(len(group), dtype=bool)
    best[order[first]] = True
    result: Bools = (best & whole)[place]
    return result
