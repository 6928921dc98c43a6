"""Whether a measure saved what was promised: the baseline of the year before it, and what came after it.

The baseline is the 365 days before the work began; the days of the work itself are in neither. Energies [kWh].

Source: option C of IPMVP and CalTRACK's avoided energy (not seen, unverified), as in `savings`; the states are our own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from scicity.domains.diagnosis.methods import baseline, savings, sufficiency
from scicity.domains.diagnosis.methods.arrays import Bools, Floats, Ints
from scicity.domains.diagnosis.methods.goodness import cv_rmse
from scicity.domains.diagnosis.methods.modelling import finite, rules

YEAR = 365  # days of a baseline
PROVED, NOT_PROVED, TOO_EARLY, NO_BASELINE, NO_METER = "proved", "not proved", "too early", "no baseline", "no meter"
NOT_BEGUN = "not begun"


@dataclass(frozen=True)
class Proof:
    """The model of one measure, the days of the whole time (D,) with the measured use (D,), and which of them come after."""

    model: baseline.Baseline
    shared: baseline.Days
    load: Floats
    after: Bools
    reasons: list[str]
    cv_rmse: float | None
    confidence: float
    fewest: float


def proof(load: Floats, shared: baseline.Days, began: int, ended: int, limits: Mapping[str, float]) -> Proof:
    """Learns from the year before a measure. load (D,) [kWh/d] and days; began, ended: the first and last day of the work."""
    before = (shared.number >= began - YEAR) & (shared.number < began)
    earlier = _days(shared, before)
    model = baseline.fit(load[None, before], earlier)
    refused = sufficiency.refusal(load[None, before], earlier, model, rules(limits))
    predicted = baseline.predict(model, earlier)
    cv = cv_rmse(np.where(model.outlier, np.nan, load[None, before]), predicted, model.parameters)
    after = shared.number > ended
    return Proof(model, shared, load, after, refused.reasons(0), finite(cv[0]), limits["confidence"], limits["saving_days"])


def _days(shared: baseline.Days, which: Bools) -> baseline.Days:
    return baseline.Days(shared.temperature[which], shared.number[which], shared.atom[which])


def reported(given: Proof, which: Bools) -> dict[str, Any]:
    """The saving on some of the days (D,) after the measure, with its interval and what may be said of it."""
    days = given.after & which
    told = savings.saved(given.model, given.load[None, days], _days(given.shared, days), given.confidence)
    count = int(told.days[0])
    status = (
        NO_BASELINE
        if given.reasons
        else TOO_EARLY if count < given.fewest
        else PROVED if told.low[0] > 0
        else NOT_PROVED
    )  # fmt: skip
    shown = not given.reasons and count > 0
    row: dict[str, Any] = {
        "days": count,
        "saving_status": status,
        "reason": ", ".join(given.reasons) or None,
        "confidence": given.confidence,
        "cv_rmse": given.cv_rmse,
    }
    for name, value in (
        ("expected_energy", told.expected),
        ("saved_energy", told.saved),
        ("saved_low", told.low),
        ("saved_high", told.high),
        ("saved_share", told.fraction * 100),
        ("saved_share_low", told.fraction_low * 100),
        ("saved_share_high", told.fraction_high * 100),
    ):
        row[name] = finite(value[0]) if shown else None
    return row


def later(given: Proof, fewest: float) -> Proof:
    """The same with another least number of days: a month of a long report is not too early."""
    return replace(given, fewest=fewest)


def periods(number: Ints, unit: str) -> Ints:
    """The first day of the month (`M`) or year (`Y`) of each day (D,) [days since 1970]."""
    starts: Ints = number.astype("datetime64[D]").astype(f"datetime64[{unit}]").astype("datetime64[D]").astype(np.int64)
    return starts
