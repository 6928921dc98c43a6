"""What a course of hourly energy says of a load: peak, least, mean, load factor, night base [kW]; and its duration curve.

The power of an hour is its mean power: energy [kWh] over one hour. Hours of which a part is unknown count for the peak with
what is known, as the peak is then at least that; for the least, the mean and the night base they do not count. Source:
GB/T 2900 series for the words (unverified: the documents themselves were not seen).
"""

from __future__ import annotations

from typing import Any

import ibis
import numpy as np

NIGHT = 5  # the hours of the day before this one are the night: nobody cooks, heats for comfort or works
STEPS = 100  # of a duration curve
MOST = 1_000_000_000  # [kWh] in an hour; more is no load
PLACES = 64  # of hours of the day beside an energy in one whole number


def load_of(rows: Any, *keys: str) -> Any:
    """Rows of hours with energy [kWh] to one row for each of `keys`: powers [kW], load factor [1], hours that are known.

    `rows`: keys, hour_of_day, day_seconds, energy, known_seconds, expected_seconds, stand_in. Of equal peaks the one at the
    earlier hour of the day is told. Source: the head of this module.
    """
    whole = rows.known_seconds >= rows.expected_seconds
    can_be = rows.energy.abs() < MOST
    micro = (rows.energy * 1_000_000).cast("int64")
    rows = rows.mutate(
        full=ibis.ifelse(whole & rows.energy.notnull(), rows.energy, ibis.null("decimal(18, 6)")),
        place=ibis.ifelse(can_be, micro * PLACES + (PLACES - 1 - rows.hour_of_day), ibis.null("int64")),
    )
    found = rows.group_by(*keys).agg(
        place=rows.place.max(),
        minimum_power=rows.full.min(),
        total=rows.full.sum(),
        known_hours=rows.full.count(),
        night=rows.full.sum(where=rows.hour_of_day < NIGHT),
        night_hours=rows.full.count(where=rows.hour_of_day < NIGHT),
        day_seconds=rows.day_seconds.max(),
        stand_in=rows.stand_in.max(),
    )
    hour = PLACES - 1 - ((found.place % PLACES) + PLACES) % PLACES
    peak = ((found.place - (PLACES - 1 - hour)) // PLACES).cast("decimal(18, 0)")
    found = found.mutate(
        peak_hour_of_day=hour,
        peak_power=(peak.cast("decimal(24, 6)") / 1_000_000).cast("decimal(18, 6)"),
        mean_power=found.total.cast("float64") / found.known_hours.nullif(0),
        night_power=found.night.cast("float64") / found.night_hours.nullif(0),
        coverage=ibis.least(1.0, found.known_hours.cast("float64") * 3600 / found.day_seconds),
    )
    return found.mutate(load_factor=found.mean_power / found.peak_power.cast("float64").nullif(0.0))


def duration_ranks(count: int) -> np.ndarray:
    """Which of `count` loads in falling order stand at 0, 1, … 100 % of the time: STEPS + 1 places from 0 [kW are not touched].

    The load at p % is the largest that is reached or exceeded in at least p % of the hours. Source: the head of this module.
    """
    return np.clip(-(-np.arange(STEPS + 1) * count // STEPS) - 1, 0, max(count - 1, 0))
