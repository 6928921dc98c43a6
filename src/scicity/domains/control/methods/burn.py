"""How much of a year's budget is used, how much should have been, and what the year will come to, with its interval.

A year of a scope is its level times the shape of its earlier years: used[y, m] = level[y] x shape[m] x known share[y, m]. Level
and shape are fitted to all months of which anything is known, by turns (the maximum-likelihood fit of a product of two factors
with cells missing). A month that is unknown, or known in part, counts in the fit by what is known of it, and what is unknown of
it is forecast as the months to come are, so that it widens the interval and never counts as nothing.

Interval: the months' own scatter around level x shape, held to the scatter that is usual elsewhere while there are few of them;
errors of the months to come are partly common (weather, a new tenant), and the level is uncertain by what it rests on. Normal
approximation; how often it holds is in docs/forecasts.md.

Source: Goodman 1964, doi:10.1214/aoms/1177703889 (fit by turns); Hyndman & Athanasopoulos, Forecasting, 3rd ed., 5.5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

MONTHS = 12
TURNS = 12  # of the fit
USUAL_SCATTER = 0.1  # of a month around level x shape, where a scope tells little of its own
USUAL_WEIGHT = 4.0  # months that the usual scatter counts for
YEAR_TO_YEAR = 0.15  # by how much a year's level is off the one before
COMMON = 0.2  # the part of the variance of a month that the other months share
DRIFT = 0.15  # by how much the level of a whole year to come is off that of the months before it, beyond their scatter
BEFORE_WEIGHT = 2 / MONTHS  # how much of a year last year's level counts for
ONE_YEAR_MORE = 0.5  # of the scatter, per earlier year: what the shape itself is off
INTERVAL = 0.8  # the share of outcomes that the interval is to hold


@dataclass(frozen=True)
class Burn:
    """Of each budget at the end of each month (budgets, 12), in the unit of the budget; NaN where it cannot be told.

    `expected_share` (budgets, 12): of a year's use until the month's end, by the shape; `known_to_date`: share of the months so
    far that is known; `last`: (budgets,) the last month of which anything is known (0-based, -1 where none is).
    """

    used: np.ndarray
    used_to_date: np.ndarray
    expected_share: np.ndarray
    known_to_date: np.ndarray
    forecast: np.ndarray
    low: np.ndarray
    high: np.ndarray
    projected: np.ndarray
    projected_low: np.ndarray
    projected_high: np.ndarray
    spread: np.ndarray
    last: np.ndarray

    def within(self, budget: np.ndarray) -> np.ndarray:
        """The probability that the year stays within its budget (budgets,), as told at each month's end (budgets, 12)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            chance = normal((budget[:, None] - self.forecast) / self.spread)
        chance = np.where(self.spread > 0, chance, (self.forecast <= budget[:, None]).astype(np.float64))
        chance = np.where(self.used_to_date > budget[:, None], 0.0, chance)
        return np.where(np.isnan(self.forecast) | np.isnan(budget)[:, None], np.nan, chance)


def shape_of(used: np.ndarray, known: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shape and levels of years: (scopes, 12) that adds up to 1, (scopes, years), and years that told anything (scopes,).

    `used`: (scopes, years, 12), `known`: the share of each month that is known, 0 to 1; `lengths`: (12,) days of the months,
    the shape where nothing else is known. A month of which no year tells anything has the share of its length.
    """
    value = np.where(known > 0, np.nan_to_num(used), 0.0)
    even = lengths / lengths.sum()
    shape = np.broadcast_to(even, (len(used), MONTHS)).copy()
    level = np.zeros(used.shape[:2])
    for _ in range(TURNS):
        weight = np.einsum("ym,sm->sym", np.ones(used.shape[1:]), shape) * known
        total = weight.sum(axis=2)
        level = np.divide(value.sum(axis=2), total, out=np.zeros_like(total), where=total > 0)
        seen = np.einsum("sy,sym->sm", level, known)
        fitted = np.divide(value.sum(axis=1), seen, out=np.broadcast_to(even, shape.shape).copy(), where=np.abs(seen) > 0)
        whole = fitted.sum(axis=1, keepdims=True)
        shape = np.where(np.abs(whole) > 0, fitted / np.where(whole == 0, 1.0, whole), even)
    return shape, level, (known > 0).any(axis=2).sum(axis=1)


def burn_down(used: np.ndarray, known: np.ndarray, lengths: np.ndarray) -> Burn:
    """The state of each scope's year at the end of each of its months, from the months until then and earlier years.

    `used`: (scopes, years, 12), the last year being the one that is told about, NaN where unknown; `known`: the share of each
    month that is known, 0 to 1; `lengths`: (12,) days of its months.
    """
    known = np.where(np.isnan(used), 0.0, np.clip(known, 0.0, 1.0))
    value = np.where(known > 0, np.nan_to_num(used), 0.0)
    before, now, part = value[:, :-1], value[:, -1], known[:, -1]
    shape, levels, years = shape_of(before, known[:, :-1], lengths)
    told = known[:, :-1].any(axis=2)
    place = np.where(told, np.arange(told.shape[1]), -1).max(axis=1, initial=-1)
    previous = (
        np.where(place >= 0, levels[np.arange(len(levels)), place], np.nan) if levels.shape[1] else np.full(len(value), np.nan)
    )
    until = np.tril(np.ones((MONTHS, MONTHS)))  # ends x months
    seen = part[:, None, :] * until
    used_to_date = (now[:, None, :] * until).sum(axis=2)
    passed = (shape[:, None, :] * seen).sum(axis=2)
    prior = np.where(np.isnan(previous), 0.0, BEFORE_WEIGHT)
    weight = passed + prior[:, None]
    level = np.divide(
        used_to_date + (prior * np.nan_to_num(previous))[:, None], weight, out=np.full_like(weight, np.nan), where=weight > 0
    )
    scatter = _scatter(now, part, shape, until, level, years)
    to_come = shape[:, None, :] * (1 - seen)
    left = to_come.sum(axis=2)
    spread_to_end = _spread(level, scatter, shape, seen, passed, to_come, left, previous)
    forecast = used_to_date + level * left
    last = np.where(part > 0, np.arange(MONTHS), -1).max(axis=1)
    reach = _quantile((1 + INTERVAL) / 2)
    low, high = _held(forecast - reach * spread_to_end, used_to_date, level), forecast + reach * spread_to_end
    expected = np.cumsum(shape, axis=1)
    projected, path_low, path_high = _path(used_to_date, level, scatter, shape, part, passed, last, previous, reach)
    behind = np.arange(MONTHS)[None, :] > last[:, None]
    blank = np.where(behind, np.nan, 1.0)
    month = np.where(part > 0, now, np.nan)
    days = lengths * until
    known_to_date = (part[:, None, :] * days).sum(axis=2) / days.sum(axis=1)
    nothing = np.where(
        (last < 0)[:, None], 1.0, np.nan
    )  # before the first month the forecast stands at every month of the year
    standing = np.where(behind, nothing, 1.0)
    return Burn(
        month,
        used_to_date * blank,
        expected,
        known_to_date,
        forecast * standing,
        low * standing,
        high * standing,
        projected,
        path_low,
        path_high,
        spread_to_end * standing,
        last,
    )


def _scatter(
    now: np.ndarray, part: np.ndarray, shape: np.ndarray, until: np.ndarray, level: np.ndarray, years: np.ndarray
) -> np.ndarray:
    """How far months are off level x shape (scopes, ends), relative; of its own months so far, held to what is usual."""
    fitted = level[:, :, None] * shape[:, None, :] * part[:, None, :] * until
    some = np.abs(fitted) > 0
    off = np.divide(now[:, None, :] * until - fitted, fitted, out=np.zeros_like(fitted), where=some)
    weight = part[:, None, :] * until * some
    free = np.maximum(weight.sum(axis=2) - 1, 0.0)
    usual = USUAL_SCATTER**2 * (1 + ONE_YEAR_MORE / np.maximum(years, 1))[:, None]
    variance = (USUAL_WEIGHT * usual + (weight * np.clip(off, -2, 2) ** 2).sum(axis=2)) / (USUAL_WEIGHT + free)
    found: np.ndarray = np.sqrt(variance)
    return found


def _spread(
    level: np.ndarray,
    scatter: np.ndarray,
    shape: np.ndarray,
    seen: np.ndarray,
    passed: np.ndarray,
    to_come: np.ndarray,
    left: np.ndarray,
    previous: np.ndarray,
) -> np.ndarray:
    """The standard error of what is still to come (scopes, ends)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        single = ((shape[:, None, :] * seen) ** 2).sum(axis=2) / passed**2
        of_level = scatter**2 * (COMMON + (1 - COMMON) * single)
        precision = np.where(passed > 0, 1 / of_level, 0.0) + np.where(np.isnan(previous), 0.0, YEAR_TO_YEAR**-2)[:, None]
        ahead = np.where(left > 0, (to_come**2).sum(axis=2) / np.where(left > 0, left, 1.0) ** 2, 0.0)
        variance = 1 / precision + scatter**2 * (COMMON + (1 - COMMON) * ahead) + (DRIFT * left) ** 2
        found: np.ndarray = np.abs(level) * left * np.sqrt(variance)
    return found


def _path(
    used_to_date: np.ndarray,
    level: np.ndarray,
    scatter: np.ndarray,
    shape: np.ndarray,
    part: np.ndarray,
    passed: np.ndarray,
    last: np.ndarray,
    previous: np.ndarray,
    reach: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """From the last month on: what will be used until each month's end, with its interval (scopes, 12)."""
    scopes = np.arange(len(level))
    at = np.maximum(last, 0)
    none = last < 0
    base = np.where(none, 0.0, used_to_date[scopes, at])
    seen = np.where(none[:, None], 0.0, part)
    missed = np.cumsum(shape * (1 - seen), axis=1)  # what is unknown of the months until each end
    one = np.where(none, np.where(np.isnan(previous), np.nan, previous), level[scopes, at])
    before = np.where(none, 0.0, passed[scopes, at])
    to_come = np.tril(np.ones((MONTHS, MONTHS)))[None] * (shape * (1 - seen))[:, None, :]
    each = np.broadcast_to(seen[:, None, :], to_come.shape)
    ends = np.broadcast_to
    spread = _spread(
        ends(one[:, None], missed.shape),
        ends(scatter[scopes, at][:, None], missed.shape),
        shape,
        each,
        ends(before[:, None], missed.shape),
        to_come,
        missed,
        previous,
    )
    middle = base[:, None] + one[:, None] * missed
    shown = np.where(np.arange(MONTHS)[None, :] >= last[:, None], 1.0, np.nan)
    low = _held(middle - reach * spread, np.broadcast_to(base[:, None], middle.shape), one[:, None])
    return middle * shown, low * shown, (middle + reach * spread) * shown


def _held(low: np.ndarray, used: np.ndarray, level: np.ndarray) -> np.ndarray:
    """What was used already is used, unless a scope gives back more than it takes."""
    return np.where(level >= 0, np.maximum(low, used), low)


def normal(values: np.ndarray) -> np.ndarray:
    """The standard normal distribution function; NaN stays."""
    found: np.ndarray = np.vectorize(lambda value: 0.5 * math.erfc(-value / math.sqrt(2)), otypes=[float])(values)
    return found


def _quantile(share: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf(share)
