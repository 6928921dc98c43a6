"""How well a baseline tells what was measured: CV(RMSE), NMBE, R², and how much neighbouring days say the same.

All take (M, D), in any one unit a meter [load], and leave out a day where either side is NaN. Correlations are pure
numbers [1], as are the effective days in a day.

Source: the definitions commonly quoted from ASHRAE Guideline 14 and used by opendsm (`cvrmse_adj` and `cvrmse`). Guideline 14
itself was not seen (unverified); the sign of NMBE and whether parameters are subtracted differ between its editions and users,
so both stand in each docstring.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from scicity.domains.diagnosis.methods.arrays import Bools, Floats, Ints

LAGS = 30  # days that may resemble one another


def _pairs(measured: npt.ArrayLike, predicted: npt.ArrayLike) -> tuple[Floats, Floats, Floats, Floats]:
    """Measured and rest (0 where unknown), whether known, and the mean measured."""
    observed, told = np.asarray(measured, dtype=float), np.asarray(predicted, dtype=float)
    known = (np.isfinite(observed) & np.isfinite(told)).astype(float)
    observed = np.where(known > 0, observed, 0.0)
    rest = np.where(known > 0, observed - np.where(known > 0, told, 0.0), 0.0)
    count = known.sum(axis=1)
    mean = np.divide(observed.sum(axis=1), count, out=np.full(len(count), np.nan), where=count > 0)
    return observed, rest, known, mean


def _ratio(above: Floats, below: Floats) -> Floats:
    return np.divide(above, below, out=np.full(len(above), np.nan), where=np.isfinite(below) & (below != 0))


def cv_rmse(measured: npt.ArrayLike, predicted: npt.ArrayLike, parameters: npt.ArrayLike = 0) -> Floats:
    """Coefficient of variation of the root mean square error (M,) [1]: sqrt(sum of squared rests / (n - p)) / mean measured.

    parameters p (M,) or one for all; 0 gives the form without, which compares models with different numbers of parameters
    by their rests alone. NaN where n <= p or the mean is 0.
    """
    _, rest, known, mean = _pairs(measured, predicted)
    freedom = known.sum(axis=1) - np.asarray(parameters)
    return _ratio(np.sqrt(_ratio((rest**2).sum(axis=1), np.where(freedom > 0, freedom, np.nan))), mean)


def nmbe(measured: npt.ArrayLike, predicted: npt.ArrayLike, parameters: npt.ArrayLike = 0) -> Floats:
    """Normalised mean bias error (M,) [1]: sum(measured - predicted) / ((n - p) mean measured); positive where too little
    was predicted. NaN where n <= p or the mean is 0."""
    _, rest, known, mean = _pairs(measured, predicted)
    freedom = known.sum(axis=1) - np.asarray(parameters)
    return _ratio(_ratio(rest.sum(axis=1), np.where(freedom > 0, freedom, np.nan)), mean)


def r_squared(measured: npt.ArrayLike, predicted: npt.ArrayLike) -> Floats:
    """Coefficient of determination (M,) [1]: 1 - sum of squared rests / sum of squares about the mean; at most 1, below 0
    where the mean would tell more. NaN where the measured do not vary."""
    observed, rest, known, mean = _pairs(measured, predicted)
    about = (known * (observed - np.nan_to_num(mean)[:, None]) ** 2).sum(axis=1)
    return 1.0 - _ratio((rest**2).sum(axis=1), about)


def autocorrelation(rest: npt.ArrayLike, number: Ints) -> Floats:
    """Correlation of the rests of neighbouring days (M,), days (D,) in ascending order: pairs whose days differ by 1 and that
    are both known. A gap is never bridged. 0 where there are no pairs, or no rests but 0."""
    value, known, square = _about_mean(rest)
    found: Floats = np.nan_to_num(_ratio(_together(value, known, number, 1), square)).clip(-0.99, 0.99)
    return found


def lasting(rest: npt.ArrayLike, number: Ints, lags: int = LAGS) -> Floats:
    """By how much a sum of rests varies more than if days were independent (M,) [1], at least 1.

    1 + 2 sum over k from 1 to `lags` of (1 - k / (lags + 1)) correlation at k days. Days as in `autocorrelation`.

    Source: the weights of W. Newey and K. West, Econometrica 55 (1987) 703. It sees what neighbours alone do not: terms,
    holidays, a month of guests. Over a gap only days that are both known count.
    """
    value, known, square = _about_mean(rest)
    count = np.maximum(known.sum(axis=1), 1)
    more = np.ones(len(value))
    for lag in range(1, lags + 1):
        pairs = _pairs_at(known, number, lag)
        share = pairs[2].sum(axis=1) / count  # of all days: few pairs say little
        more += 2 * (1 - lag / (lags + 1)) * share * np.nan_to_num(_ratio(_together(value, known, number, lag), square))
    return np.maximum(more, 1.0)


def _about_mean(rest: npt.ArrayLike) -> tuple[Floats, Bools, Floats]:
    """Rests less their mean (0 where unknown), whether known, and the mean square."""
    rests = np.asarray(rest, dtype=float)
    known = np.isfinite(rests)
    value = np.where(known, rests, 0.0)
    count = np.maximum(known.sum(axis=1), 1)
    value = np.where(known, value - (value.sum(axis=1) / count)[:, None], 0.0)
    return value, known, (value**2).sum(axis=1) / count


def _pairs_at(known: Bools, number: Ints, lag: int) -> tuple[Ints, Ints, Bools]:
    """Places of days and of those `lag` days later, and which pairs are known (M, pairs)."""
    later = np.searchsorted(number, number + lag)
    first = np.flatnonzero(later < len(number))
    first = first[number[later[first]] == number[first] + lag]
    return first, later[first], known[:, first] & known[:, later[first]]


def _together(value: Floats, known: Bools, number: Ints, lag: int) -> Floats:
    """The mean product of rests `lag` days apart (M,)."""
    first, second, pair = _pairs_at(known, number, lag)
    mean: Floats = np.where(pair, value[:, first] * value[:, second], 0.0).sum(axis=1) / np.maximum(pair.sum(axis=1), 1)
    return mean


def effective(count: npt.ArrayLike, rho: npt.ArrayLike) -> Floats:
    """Effective number of days n' = n (1 - rho) / (1 + rho) (M,), for rests that follow one another with correlation rho.

    Source: ASHRAE Guideline 14-2002, annex B (not seen, unverified; as quoted by W. Koran, 2017, in public code). A negative
    rho counts as 0: it would tell of more days than there are.
    """
    held = np.clip(np.asarray(rho, dtype=float), 0.0, 0.99)
    days: Floats = np.asarray(count, dtype=float) * (1.0 - held) / (1.0 + held)
    return days
