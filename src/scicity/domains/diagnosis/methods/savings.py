"""Savings: what a meter would have used by its baseline, less what it used, and how far chance alone may have moved that.

Loads are in any one unit a meter [load]. The interval holds the doubt of the baseline's figures (balance points among them) and
the chance of the reported days, both widened for days that resemble one another: variances are divided by n'/n
(`Baseline.effective_days`). It says nothing of changes that are no measure (more people, another use): these must be told and
corrected for, or the interval is too narrow.

Source: "avoided energy" and its normal-year form are those of IPMVP option C and CalTRACK; the simplified uncertainty is that
of ASHRAE Guideline 14 as quoted in public code (opendsm 1.2.7, common/metrics.py). The documents were not seen (unverified).
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from scicity.domains.diagnosis.methods.arrays import Bools, Floats, Ints
from scicity.domains.diagnosis.methods.baseline import Baseline, Days, gradient, predict

CONFIDENCE = 0.9  # two-sided, where the caller names none; always stated with the result
# Of the factor that corrects the simplified uncertainty of correlated daily data for the months reported: a m² + b m + c.
# Y. Sun and J. C. Baltazar, ASHRAE Transactions 119 (2013), as quoted in opendsm; the paper was not seen (unverified).
MONTHS = (-0.00024, 0.03535, 1.00286)
MONTH = 365.25 / 12  # days


@dataclass(frozen=True)
class Savings:
    """Of M meters (M,), over the days with both prediction and measurement; NaN where there is no such day.

    expected, measured, saved, low, high in the unit of the load; fraction = saved / expected, with its interval;
    uncertainty is half the interval over |saved| ("fractional savings uncertainty"). In the normal-year form `measured` is
    what the model of the reporting period tells.
    """

    confidence: float
    days: Ints
    expected: Floats
    measured: Floats
    saved: Floats
    low: Floats
    high: Floats
    fraction: Floats
    fraction_low: Floats
    fraction_high: Floats
    uncertainty: Floats


def saved(model: Baseline, load: npt.ArrayLike, shared: Days, confidence: float = CONFIDENCE) -> Savings:
    """Savings in a reporting period: load (M, D), NaN where unknown, on its days. A day without either side is left out.

    Raises ValueError for a load of another shape, or a confidence not between 0 and 1.
    """
    measured = np.asarray(load, dtype=float)
    expected = predict(model, shared)
    if measured.shape != expected.shape:
        raise ValueError(f"load of shape {measured.shape}; expected {expected.shape}")
    both = np.isfinite(measured) & np.isfinite(expected)
    days = both.sum(axis=1)
    variance = _of_figures(model, shared, both) + days * model.spread**2 / _share(model)
    return _savings(
        confidence, days, _total(expected, both), _total(measured, both), variance, model.effective_days - model.parameters
    )


def normal_year(before: Baseline, after: Baseline, shared: Days, confidence: float = CONFIDENCE) -> Savings:
    """Savings in a year of normal weather: what the baseline would use less what the model of the reporting period would.

    shared: the days of the normal year. The interval holds the doubt of both models, and not the chance of a year's days:
    it is of what is to be expected. Raises ValueError for unlike numbers of meters or a confidence not between 0 and 1.
    """
    if len(before.base) != len(after.base):
        raise ValueError(f"{len(before.base)} meters before, {len(after.base)} after")
    first, second = predict(before, shared), predict(after, shared)
    both = np.isfinite(first) & np.isfinite(second)
    variance = _of_figures(before, shared, both) + _of_figures(after, shared, both)
    freedom = np.minimum(before.effective_days - before.parameters, after.effective_days - after.parameters)
    return _savings(confidence, both.sum(axis=1), _total(first, both), _total(second, both), variance, freedom)


def simplified(
    cv_rmse: npt.ArrayLike, days: npt.ArrayLike, rho: npt.ArrayLike, parameters: npt.ArrayLike, reported: npt.ArrayLike,
    fraction: npt.ArrayLike, confidence: float = CONFIDENCE,
) -> Floats:  # fmt: skip
    """Fractional savings uncertainty (M,) [1] by the formula that programmes ask for, from summary figures alone:

    t (a m² + b m + c) CV(RMSE) sqrt(n/n' (1 + 2/n') / reported days) / |fraction saved|, m months reported, n days and n'
    effective days of the baseline, CV(RMSE) with n - p. Guideline 14-2014 as quoted in opendsm, with the factor of Sun and
    Baltazar in place of 1.26; neither document was seen (unverified).
    """
    count, share = np.asarray(days, dtype=float), (1 - np.clip(rho, 0, 0.99)) / (1 + np.clip(rho, 0, 0.99))
    many, length = count * share, np.asarray(reported, dtype=float)
    months = length / MONTH
    factor = MONTHS[0] * months**2 + MONTHS[1] * months + MONTHS[2]
    t = student(confidence, many - np.asarray(parameters))
    result: Floats = t * factor * np.asarray(cv_rmse) * np.sqrt((1 + 2 / many) / share / length) / np.abs(fraction)
    return result


def student(confidence: float, freedom: npt.ArrayLike) -> Floats:
    """Student's t that a two-sided interval of this confidence needs, for any freedom of 1 or more (less counts as 1).

    Exact for 1 and 2; else the expansion of Abramowitz and Stegun 26.7.5 in 1 / freedom, to 1 part in 1,000 from 5 on (0.99)
    and within 5 parts in 100 below. Raises ValueError for a confidence not between 0 and 1.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence {confidence}; expected between 0 and 1")
    tail = (1 + confidence) / 2
    z = NormalDist().inv_cdf(tail)
    many = np.maximum(np.asarray(freedom, dtype=float), 1.0)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    t: Floats = z + sum(term / many ** (order + 1) for order, term in enumerate(terms))
    one = np.tan(np.pi * (tail - 0.5))
    two = (2 * tail - 1) * np.sqrt(2 / (4 * tail * (1 - tail)))
    return np.where(many < 1.5, one, np.where(many < 2.5, two, t))


def _share(model: Baseline) -> Floats:
    """Effective days in a day (M,)."""
    share: Floats = model.effective_days / np.maximum(model.days, 1)
    return np.where(share > 0, share, np.nan)


def _of_figures(model: Baseline, shared: Days, counted: Bools) -> Floats:
    """The variance of a sum of predictions (M,) that comes of the model's figures [load²]."""
    change = gradient(model.figures, shared, counted.astype(float))
    variance: Floats = np.einsum("mi,mij,mj->m", change, model.variance, change)
    return np.maximum(variance, 0.0) / _share(model)


def _total(value: Floats, counted: Bools) -> Floats:
    """The sum over the counted days; NaN without any."""
    return np.where(counted.any(axis=1), np.where(counted, value, 0.0).sum(axis=1), np.nan)


def _savings(confidence: float, days: Ints, expected: Floats, measured: Floats, variance: Floats, freedom: Floats) -> Savings:
    half = student(confidence, freedom) * np.sqrt(variance)
    less = expected - measured
    with np.errstate(divide="ignore", invalid="ignore"):
        share, low, high = (np.where(expected != 0, part / expected, np.nan) for part in (less, less - half, less + half))
        relative = np.where(less != 0, half / np.abs(less), np.nan)
    return Savings(confidence, days, expected, measured, less, less - half, less + half, share, low, high, relative)
