"""Whether a baseline may be relied upon: days from hours, and the reasons by name for which a meter is refused.

Loads are in any one unit a meter [load].

Source: the length of the baseline follows CalTRACK 2.2.1.2 as opendsm 1.2.7 applies it (9 in 10 days of a year); the other
limits are our own choices, stand in `Rules`, and may be set by who calls. None of these is a standard's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scicity.domains.diagnosis.methods.arrays import Bools, Floats, Ints
from scicity.domains.diagnosis.methods.baseline import Baseline, Days, predict
from scicity.domains.diagnosis.methods.goodness import cv_rmse, effective

REASONS = ("no use", "too few days", "too many zeros", "negative", "flat", "change point", "does not fit")
BRIDGE = 1.63  # that the largest of a Brownian bridge exceeds once in a hundred (Kolmogorov's distribution)
WARMTHS = 8  # bins of temperature in which zeros are judged
MIDDLE = 0.1  # of the days at either end hold no change point: what is left of them is too short


@dataclass(frozen=True)
class Rules:
    """Limits beyond which a meter is refused."""

    fewest_days: int = 329  # days known: 0.9 * 365, rounded up
    most_zeros: float = 0.05  # share of the days that are 0 where days about as warm mostly are not
    most_repeated: float = 0.1  # share of the days that are, to the last digit, what the day before was, and not 0
    largest_step: float = 0.2  # of the mean load: a lasting step in the rests
    worst_fit: float = 1.0  # CV(RMSE); opendsm's threshold


@dataclass(frozen=True)
class Refusal:
    """Which reasons of `REASONS` hold for which meter (M, R), and where the largest step lies: `step` (M,) [share of the mean
    load, signed], `since` (M,) number of the first day after it, -1 where no step was looked for."""

    holds: Bools
    step: Floats
    since: Ints

    def reasons(self, meter: int) -> list[str]:
        """The names of the reasons that hold for a meter; none if its baseline may be relied upon."""
        return [name for name, held in zip(REASONS, self.holds[meter], strict=True) if held]

    @property
    def sound(self) -> Bools:
        """Which meters have no reason against them (M,)."""
        return np.logical_not(self.holds.any(axis=1))


def daily(hours: npt.ArrayLike, zero_is_gap: npt.ArrayLike, coverage: float = 0.9) -> Floats:
    """Use of days (M, D) from that of hours (M, D, H): the mean of the known hours times H; NaN below `coverage` of them.

    hours: NaN where unknown. zero_is_gap (M,): where the source writes 0 for what is missing, an hour of 0 is unknown; where
    0 may be true (gas in summer) say False, and `refusal` judges the zeros. Raises ValueError for another shape.
    """
    given = np.asarray(hours, dtype=float)
    if given.ndim != 3:
        raise ValueError(f"hours has {given.ndim} dimensions; expected meters x days x hours")
    gap = np.asarray(zero_is_gap, dtype=bool)[:, None, None] & (given == 0)
    known = np.isfinite(given) & ~gap
    count = known.sum(axis=2)
    total = np.where(known, given, 0.0).sum(axis=2)
    whole: Floats = np.where(
        count >= max(1.0, coverage * given.shape[2]), total * given.shape[2] / np.maximum(count, 1), np.nan
    )
    return whole


def refusal(load: npt.ArrayLike, shared: Days, model: Baseline, rules: Rules | None = None) -> Refusal:
    """Why a meter's baseline may not be relied upon. load (M, D) and days as they were fitted.

    A change point that falls together with a season, and that the model took for one, is not seen. Raises ValueError for a
    load of another shape.
    """
    limits = rules or Rules()
    given = np.asarray(load, dtype=float)
    if given.shape != (len(model.base), len(shared.number)):
        raise ValueError(f"load of shape {given.shape}; expected {(len(model.base), len(shared.number))}")
    order = np.argsort(shared.number)
    told = predict(model, shared)[:, order]
    number, warmth, given = shared.number[order], shared.temperature.mean(axis=1)[order], given[:, order]
    known = np.isfinite(given) & np.isfinite(warmth)
    count = known.sum(axis=1)
    held = np.where(known, given, 0.0)
    mean = held.sum(axis=1) / np.maximum(count, 1)
    step, place, lasting = _step(np.where(known & ~model.outlier[:, order], given - told, np.nan), model)
    size = np.divide(step, mean, out=np.zeros(len(mean)), where=mean != 0)
    holds = np.stack(
        [
            ~(held != 0).any(axis=1),
            count < limits.fewest_days,
            _strange_zeros(held, known, warmth) > limits.most_zeros * count,
            (held < 0).any(axis=1),
            _repeated(held, known, number) > limits.most_repeated * np.maximum(count, 1),
            lasting & (np.abs(size) > limits.largest_step),
            cv_rmse(given, told, model.parameters) > limits.worst_fit,
        ],
        axis=1,
    )
    since = np.where(place >= 0, number[np.maximum(place, 0)], -1) if len(number) else np.full(len(mean), -1)
    return Refusal(holds, size, since)


def _strange_zeros(held: Floats, known: Bools, warmth: Floats) -> Ints:
    """Days of 0 where fewer than half of the days about as warm are 0 (M,)."""
    found = np.zeros(len(held), dtype=np.int64)
    for days in np.array_split(np.argsort(warmth, kind="stable"), WARMTHS):
        zero = (known[:, days] & (held[:, days] == 0)).sum(axis=1)
        found += np.where(2 * zero < known[:, days].sum(axis=1), zero, 0)
    return found


def _repeated(held: Floats, known: Bools, number: Ints) -> Ints:
    """Days whose load is that of the day before and not 0 (M,)."""
    pair = known[:, 1:] & known[:, :-1] & (np.diff(number) == 1)
    count: Ints = (pair & (held[:, 1:] == held[:, :-1]) & (held[:, 1:] != 0)).sum(axis=1)
    return count


def _step(rest: Floats, model: Baseline) -> tuple[Floats, Ints, Bools]:
    """Of rests in order of days (M, D): the step that explains most [load], the day it begins, and whether it is no chance.

    The test is that of cumulated sums against a Brownian bridge, with the spread of days that resemble their neighbours.
    """
    known = np.isfinite(rest)
    value = np.where(known, rest, 0.0)
    many, total = known.cumsum(axis=1), value.cumsum(axis=1)
    if rest.shape[1] < 2:
        none = np.zeros(len(rest))
        return none, np.full(len(rest), -1), none > 0
    count = many[:, -1:]
    bridge = total - many / np.maximum(count, 1) * total[:, -1:]
    inner = (many >= np.maximum(MIDDLE * count, 1)) & (many <= (1 - MIDDLE) * count)
    explained = np.where(inner, bridge**2 / np.maximum(many * (count - many), 1), -1.0)
    at, row = explained.argmax(axis=1), np.arange(len(rest))
    before = many[row, at]
    step = -bridge[row, at] * count[:, 0] / np.maximum(before * (count[:, 0] - before), 1)
    far = np.abs(np.where(inner, bridge, 0.0)).max(axis=1)
    # by neighbours only: a step lasts, and what lasts would be taken for the chance that it is measured against
    wide = model.spread * np.sqrt(model.days / np.maximum(effective(model.days, model.rho), 1e-9)) * np.sqrt(count[:, 0])
    found = explained[row, at] >= 0
    return np.where(found, step, 0.0), np.where(found, at + 1, -1), found & (far > BRIDGE * np.where(wide > 0, wide, np.inf))
