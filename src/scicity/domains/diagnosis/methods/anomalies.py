"""Anomalies of many buildings in a year, each with its days, what was seen, what is usual, and the energy that it is worth.

Loads [kW], energies [kWh]; shapes: S series, D days, R findings. A finding is never a guess: a day that is unknown is not
flagged, and the energy of a finding counts its known days alone.

Source: rules of this project; the limits are data (`diagnosis.rule`). Drift is the cumulated sum of measured less expected
use; its interval is `savings.simplified`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from scicity.domains.diagnosis.methods import savings
from scicity.domains.diagnosis.methods.arrays import Bools, Floats, Ints
from scicity.domains.diagnosis.methods.runs import Runs, quantile, runs

HOURS = 24
HIGH = 0.95  # the quantile that is called the high load of a year
LOW = 0.1  # the quantile that is called the usual heat of warm days


@dataclass(frozen=True)
class Findings:
    """R findings (R,): series, first and last place among the days, days flagged, excess [kWh], seen, usual and limit [kW]."""

    series: Ints
    first: Ints
    last: Ints
    days: Ints
    excess: Floats
    seen: Floats
    usual: Floats
    limit: Floats


def beyond(load: Floats, usual: Floats, limit: Floats, hours: Floats, fewest: int) -> Findings:
    """Runs of at least `fewest` days whose load is beyond its limit. All (S, D); hours: those that the load is the mean of."""
    with np.errstate(invalid="ignore"):
        flagged = np.isfinite(limit) & (load > limit)
    return _of_runs(runs(flagged, fewest), load, usual, limit, hours)


def _of_runs(found: Runs, load: Floats, usual: Floats, limit: Floats, hours: Floats) -> Findings:
    known = np.isfinite(load) & np.isfinite(usual)
    span = np.where(known, hours, 0.0)
    total = np.maximum(found.total(span), 1e-9)
    return Findings(
        found.series,
        found.first,
        found.last,
        (found.last - found.first + 1).astype(np.int64),
        found.total((load - usual) * span),
        found.total(load * span) / total,
        found.total(usual * span) / total,
        found.total(limit * span) / total,
    )


def at_days(found: Findings, days: Ints) -> Findings:
    """Findings over some of the days, as over all: their places become those of the days (D',)."""
    return Findings(
        found.series, days[found.first], days[found.last], found.days, found.excess, found.seen, found.usual, found.limit
    )


def warm_heat(load: Floats, hours: Floats, high: Floats, limits: Mapping[str, float]) -> Findings:
    """Heat used in the hours that are warmer than the cooling point: load and hours (S, W) of the days that have any.

    The usual is the lower tenth of such days: hot water and kitchens run all year. high (S,): the high heat load of the year.
    Days follow each other among those with warm hours; a series may have no such day.
    """
    usual = np.broadcast_to(quantile(load, LOW)[:, None], load.shape)
    limit = usual + np.maximum(limits["night_share"] * usual, limits["warm_heat_share"] * high[:, None])
    return beyond(load, usual, limit, hours, round(limits["warm_run"]))


@dataclass(frozen=True)
class Fit:
    """What is known of the models that expected use comes from (S,): CV(RMSE), days, effective days, parameters."""

    cv_rmse: Floats
    days: Floats
    effective_days: Floats
    parameters: Floats


def drifts(measured: Floats, expected: Floats, fit: Fit, limits: Mapping[str, float]) -> Findings:
    """Years whose use lies above what the model of the year before tells, by more than chance and by enough to matter.

    measured and expected (S, D) [kWh/d]. A finding begins where the cumulated sum of the excess is lowest; of its energy only
    what came from then on counts.
    """
    known = np.isfinite(measured) & np.isfinite(expected)
    count = known.sum(axis=1)
    rest = np.where(known, measured - expected, 0.0)
    whole = np.where(known, expected, 0.0).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(whole > 0, rest.sum(axis=1) / whole, 0.0)
        held = np.clip(fit.effective_days / fit.days, 1e-3, 1.0)
        alike = (1 - held) / (1 + held)
        wide = savings.simplified(fit.cv_rmse, fit.days, alike, fit.parameters, np.maximum(count, 1), 1.0, limits["confidence"])
    sure = (
        (count >= limits["drift_days"]) & (share > limits["drift_share"]) & (share > np.where(np.isfinite(wide), wide, np.inf))
    )
    series = np.flatnonzero(sure)
    sums = rest[series].cumsum(axis=1)
    before = np.concatenate([np.zeros((len(series), 1)), sums[:, :-1]], axis=1)
    # of days as low the last: what is level before has not begun to drift
    first = measured.shape[1] - 1 - before[:, ::-1].argmin(axis=1) if len(series) else np.zeros(0, dtype=np.int64)
    last = _last_known(known[series])
    found = _of_runs(Runs(series, first, last), measured / HOURS, expected / HOURS, expected / HOURS, _day(measured))
    days = np.array([int(known[s, a : b + 1].sum()) for s, a, b in zip(series, first, last, strict=True)], dtype=np.int64)
    limit = found.usual * (1 + np.maximum(limits["drift_share"], wide[series]))
    return Findings(series, first, last, days, found.excess, found.seen, found.usual, limit)


def steps(measured: Floats, share: Floats, since: Ints, limits: Mapping[str, float]) -> Findings:
    """Lasting rises: share (S,) of the mean load (NaN: none was looked for) from the place `since` (S,) on; measured (S, D)."""
    known = np.isfinite(measured)
    mean = np.where(known, measured, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    with np.errstate(invalid="ignore"):
        series = np.flatnonzero((share > limits["step_share"]) & (since >= 0) & (since < measured.shape[1]) & known.any(axis=1))
    first, last = since[series].astype(np.int64), _last_known(known[series])
    keep = last >= first
    series, first, last = series[keep], first[keep], last[keep]
    found = Runs(series, first, last)
    days = found.total(known.astype(float))
    seen = found.total(measured) / np.maximum(days, 1) / HOURS
    rise = share[series] * mean[series] / HOURS
    limit = seen - rise + limits["step_share"] * mean[series] / HOURS
    return Findings(series, first, last, days.astype(np.int64), rise * HOURS * days, seen, seen - rise, limit)


def high_load(daily: Floats) -> Floats:
    """The high load of a year (S,) [kW] from its days (S, D) [kWh]."""
    return quantile(daily, HIGH) / HOURS


def _day(value: Floats) -> Floats:
    return np.full(value.shape, float(HOURS))


def _last_known(known: Bools) -> Ints:
    """The last known place of each row (S,); -1 where none is."""
    last = known.shape[1] - 1 - known[:, ::-1].argmax(axis=1) if known.shape[1] else np.full(len(known), -1)
    result: Ints = np.where(known.any(axis=1), last, -1).astype(np.int64)
    return result
