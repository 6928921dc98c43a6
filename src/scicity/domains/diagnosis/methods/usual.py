"""The usual load of a building's nights and rest days, by its own days about as warm, and from when on a day is beyond it.

The usual is the lower quartile of like days, so that a building that is left on for weeks still knows better; the spread is
measured below the usual, where nothing is left on. Loads [kW]; shapes: S series, D days.

Source: rules of this project; the limits are data (`diagnosis.rule`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from scicity.domains.diagnosis.methods.arrays import Bools, Floats, Ints
from scicity.domains.diagnosis.methods.runs import quantile

BIN = 20  # days that are about as warm: fewer are no quartile
LOWER, LOWEST = 0.25, 0.05


@dataclass(frozen=True)
class Usual:
    """What is usual on each day (S, D) [kW], and the limit beyond which a day stands out."""

    usual: Floats
    limit: Floats


def _like(load: Floats, kind: Bools, warmth: Floats) -> tuple[Floats, Floats]:
    """Usual and spread (S, D) of the days of one kind, by days about as warm; NaN on other days."""
    usual, spread = np.full(load.shape, np.nan), np.full(load.shape, np.nan)
    days = np.flatnonzero(kind)
    order = days[np.argsort(np.nan_to_num(warmth[days]), kind="stable")]
    for part in np.array_split(order, max(1, len(order) // BIN)):
        if len(part) == 0:
            continue
        middle = quantile(load[:, part], LOWER)
        usual[:, part] = middle[:, None]
        spread[:, part] = (middle - quantile(load[:, part], LOWEST))[:, None]
    return usual, spread


def _by_kind(load: Floats, kind: Ints, warmth: Floats) -> tuple[Floats, Floats]:
    """Usual and spread (S, D), the kinds of days (D,) apart."""
    usual, spread = np.full(load.shape, np.nan), np.full(load.shape, np.nan)
    for each in np.unique(kind):
        days = kind == each
        mine, wide = _like(load, days, warmth)
        # of twenty days the spread is known badly: the middle one of all warmths holds for each
        usual[:, days], spread[:, days] = mine[:, days], quantile(wide[:, days], 0.5)[:, None]
    return usual, spread


def nights(load: Floats, kind: Ints, warmth: Floats, limits: Mapping[str, float]) -> Usual:
    """Of night loads (S, D), days of a kind (D,) held against their like; warmth (D,) [degC], NaN where unknown."""
    usual, spread = _by_kind(load, kind, warmth)
    above = np.maximum(limits["night_share"] * usual, limits["spreads"] * spread)
    return Usual(usual, usual + above)


def rests(load: Floats, kind: Ints, warmth: Floats, limits: Mapping[str, float]) -> Usual:
    """Of loads in working hours (S, D), on rest days alone: the limit lies part of the way to a working day.

    Saturdays are held against Saturdays: where they are worked each week, that is no finding. A building whose working days
    need hardly more than its rest days has no limit: nothing is left on there.
    """
    usual, spread = _by_kind(load, kind, warmth)
    usual[:, kind == 0] = np.nan
    work = quantile(load[:, kind == 0], 0.5)[:, None]
    way = work - usual
    limit = usual + np.maximum(limits["rest_share"] * way, limits["spreads"] * spread)
    return Usual(usual, np.where(way >= limits["rest_weekly"] * work, limit, np.nan))
