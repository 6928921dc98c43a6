"""Dates that cannot be: days of no calendar, years outside of their period, baselines behind it, durations that do not fit.

Values are in the units of their statements [UCUM]. Source: own rules; what they know of measures and units stands in data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from scicity.domains.evidence.methods.claims import Claims, period_of, years_of
from scicity.domains.evidence.methods.found import Found, Rules, digits

YEAR_WORD = re.compile(r"(?<!\d)(\d{3,5})\s*年")
EARLIEST, LATEST = 1, 2200  # years that a quote can speak of


def dating(claims: Claims, rules: Rules) -> list[Found]:
    """Statements whose period, baseline, year or duration [a] cannot be. Source: ISO 8601-1:2019; arithmetic of years."""
    found: list[Found] = []
    for i, row in enumerate(claims.rows):
        found += _periods(claims, i, row)
        found += _years(claims, i, row)
        found += _durations(claims, i, row, rules)
    return found


def _periods(claims: Claims, i: int, row: Any) -> Iterator[Found]:
    spans = {}
    for column in ("stated_period", "baseline_period"):
        text = str(row.get(column) or "")
        try:
            spans[column] = period_of(text)
        except ValueError:
            yield Found("impossible_period", ((i, "statement"),), f"{column}: {text!r}"[:120], about=column)
            return
    period, baseline = spans["stated_period"], spans["baseline_period"]
    if period and period[1] < period[0]:
        yield Found("impossible_period", ((i, "statement"),), f"{row.get('stated_period')}", about="stated_period")
    elif period and baseline and baseline[0] >= period[0]:
        yield Found("baseline_later", ((i, "statement"),), f"{row.get('baseline_period')} ≥ {row.get('stated_period')}")


def _years(claims: Claims, i: int, row: Any) -> Iterator[Found]:
    value = claims.value[i]
    if row.get("unit") != "{year}" or not np.isfinite(value):
        return
    years = years_of(str(row.get("stated_period") or ""))
    if years and not years[0] <= value <= years[1]:
        yield Found("year_apart", ((i, "statement"),), f"{digits(value).replace(',', '')} ∉ {row.get('stated_period')}")


def _durations(claims: Claims, i: int, row: Any, rules: Rules) -> Iterator[Found]:
    value = claims.value[i]
    if row.get("unit") != "a" or not np.isfinite(value):
        return
    years, baseline = years_of(str(row.get("stated_period") or "")), years_of(str(row.get("baseline_period") or ""))
    span = (baseline[0], years[0]) if years and baseline else years
    if span is None or (span[0] == span[1] and not baseline):
        return
    length = span[1] - span[0]
    exact = baseline is not None
    within = 0 if exact else rules.threshold("duration_apart", 1)
    if not length - within <= value <= length + within:
        yield Found(
            "duration_apart",
            ((i, "statement"),),
            f"{span[1]} - {span[0]} = {length} ≠ {digits(value)} a",
            float(value),
            float(length),
            float(length + (0 if exact else 1)),
            "a",
        )
