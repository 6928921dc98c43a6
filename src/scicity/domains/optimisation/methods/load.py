"""What a station must meet where nothing is metered: a floor area's load by the temperature outside, the season and the hour.

Load = area · (base + slope · degrees beyond the balance temperature) · (1, or the quiet share outside of busy hours): below the
balance temperature for heat, above it for cold. Source: the change-point models of ASHRAE Research Project 1050 (2002), with
the parameters as data.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from scicity.domains.optimisation.methods.columns import Floats, Ints
from scicity.domains.optimisation.methods.hours import day_of, hours_of, within

WATTS = 1000.0  # in a kW
KNOWN_HOURS = 18  # of a day, below which its demand is unknown


def profile(row: Mapping[str, Any], outside: Floats, days: Ints, hours: Ints) -> Floats:
    """The load of a demand's row [kW] at each hour, 0 outside of its season.

    `outside` [°C], `days` (month · 100 + day) and `hours` [0-23], each of shape (hours,). `row`: floor_area [m²], area_load
    [W/m²], load_slope [W/(m²·K)], balance_temperature [°C], active_from and active_to, busy_hours, quiet_share.
    """
    per_area = np.full(outside.shape, row["area_load"] or 0.0)
    if row["load_slope"] is not None:
        beyond = row["balance_temperature"] - outside
        per_area = per_area + row["load_slope"] * np.maximum(0.0, -beyond if row["carrier"] == "cold" else beyond)
    quiet = 1.0 if row["quiet_share"] is None else row["quiet_share"]
    per_area = per_area * np.where(hours_of(row["busy_hours"])[hours], 1.0, quiet)
    active = within(days, day_of(row["active_from"]), day_of(row["active_to"]))
    return np.where(active, per_area * row["floor_area"] / WATTS, 0.0)


def filled(values: Floats, hours: Ints) -> tuple[Floats, Floats]:
    """Hours that are not known (NaN) as the mean of the known ones at that hour of the day; and 1.0 where that was done.

    `values` (days · hours,) with `hours` [0-23]. A day of which fewer than 18 hours are known stays as it is, and so does an
    hour that no day knows. The rest stays NaN.
    """
    known = np.isfinite(values)
    place = np.cumsum(np.r_[True, hours[1:] <= hours[:-1]]) - 1 if hours.size else hours
    enough = np.bincount(place, known, minlength=1)[place] >= KNOWN_HOURS if hours.size else known
    sums = np.bincount(hours, np.where(known, values, 0.0), minlength=24)
    counts = np.bincount(hours, known, minlength=24)
    means = np.divide(sums, counts, out=np.full(counts.shape, np.nan), where=counts > 0)
    guessed = ~known & enough & np.isfinite(means[hours])
    return np.where(guessed, means[hours], values), guessed.astype(np.float64)
