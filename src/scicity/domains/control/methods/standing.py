"""Where budgets stand: rows of use and of budgets to arrays, and the burn-down back to rows."""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from scicity.domains.control.methods import burn
from scicity.kernel.computing import Slot

EARLIER_YEARS = 3
ROOT = "district"
DIGITS = 6  # of figures that a method gives: what is behind them is the noise of adding up


def told(slot: Slot, used: pa.Table, budgets: pa.Table, measures: pa.Table, buildings: pa.Table, schema: pa.Schema) -> pa.Table:
    """The rows of `control.burn_down_monthly` of one year."""
    year = int(slot.part.period)
    kinds = {row["measure"]: row for row in measures.to_pylist()}
    held = [row for row in budgets.to_pylist() if row["year"] == year]
    if not held:
        return schema.empty_table()
    keys = [(row["holder_kind"], row["holder"], kinds[row["measure"]]["use_measure"]) for row in held]
    amounts, known, about = _arrays(used, keys, year)
    areas = _areas(buildings)
    per_area = np.array([kinds[row["measure"]]["per_area"] for row in held])
    area = np.array([areas.get((row["holder_kind"], row["holder"]), np.nan) for row in held])
    amounts = np.where(per_area[:, None, None], amounts / np.where(per_area, area, 1.0)[:, None, None], amounts)
    lengths = np.array([monthrange(year, month)[1] for month in range(1, burn.MONTHS + 1)], dtype=np.float64)
    state = burn.burn_down(amounts, known, lengths)
    budget = np.array([float(row["budget"]) for row in held])
    within = state.within(budget)
    own = [_shares(row["monthly_shares"]) for row in held]
    expected = np.array(
        [np.cumsum(shares) if shares is not None else shape for shares, shape in zip(own, state.expected_share, strict=True)]
    )
    years = (known[:, :-1] > 0).any(axis=2).sum(axis=1)
    rows = []
    for at, row in enumerate(held):
        newest = max(int(state.last[at]), 0)
        stand_in = about[keys[at]]
        for month in range(burn.MONTHS):
            rows.append(
                {
                    **{name: row[name] for name in ("holder_kind", "holder", "measure", "year", "symbol", "origin", "budget")},
                    **_month(state, at, month, float(row["budget"]), expected[at, month], within[at, month]),
                    "month": date(year, month + 1, 1),
                    "newest": month == newest,
                    "use_measure": keys[at][2],
                    "floor_area": None if np.isnan(area[at]) else float(area[at]),
                    "days_left": int(lengths[month + 1 :].sum()),
                    "shape_years": int(years[at]),
                    "review": min((each for each in (row["review"], stand_in[1]) if each), default=None),
                    "stand_in": stand_in[0],
                }
            )
    return pa.Table.from_pylist(rows, schema=schema)


def _month(state: burn.Burn, at: int, month: int, budget: float, expected: float, within: float) -> dict[str, Any]:
    """What the burn-down tells of one budget at the end of one month."""
    to_date, forecast = _number(state.used_to_date[at, month]), _number(state.forecast[at, month])
    low, high = _number(state.low[at, month]), _number(state.high[at, month])
    return {
        "used": _exact(state.used[at, month]),
        "used_to_date": _exact(state.used_to_date[at, month]),
        "used_share": None if to_date is None else to_date / budget,
        "expected_share": float(expected),
        "ahead": None if to_date is None or expected <= 0 else round(to_date / (budget * expected) - 1, DIGITS),
        "forecast": forecast,
        "forecast_low": low,
        "forecast_high": high,
        "forecast_share": None if forecast is None else forecast / budget,
        "projected": _number(state.projected[at, month]),
        "projected_low": _number(state.projected_low[at, month]),
        "projected_high": _number(state.projected_high[at, month]),
        "budget_to_date": budget * float(expected),
        "within_probability": None if np.isnan(within) else round(float(within), DIGITS),
        "budget_status": status_of(budget, to_date, forecast, low, high),
        "coverage": float(state.known_to_date[at, month]),
    }


def status_of(budget: float, used: float | None, forecast: float | None, low: float | None, high: float | None) -> str:
    """How a budget stands by the interval of its forecast: exceeded, over, at_risk, within or unknown.

    exceeded: more is used than the budget; over: even the lower end of the interval is above it; at_risk: it lies inside of
    the interval; within: the interval ends below it.
    """
    if used is not None and used > budget:
        return "exceeded"
    if forecast is None or low is None or high is None:
        return "unknown"
    return "over" if low > budget else "within" if high <= budget else "at_risk"


def _arrays(
    used: pa.Table, keys: list[tuple[str, str, str]], year: int
) -> tuple[np.ndarray, np.ndarray, dict[tuple[str, str, str], tuple[bool, str | None]]]:
    """Used and known share (budgets, years, 12), the asked year last; and what is told of the rows below each key."""
    first = year - EARLIER_YEARS
    amounts = np.full((len(keys), EARLIER_YEARS + 1, burn.MONTHS), np.nan)
    known = np.zeros_like(amounts)
    places: dict[tuple[str, str, str], list[int]] = {}
    for at, key in enumerate(keys):
        places.setdefault(key, []).append(at)
    about: dict[tuple[str, str, str], tuple[bool, str | None]] = dict.fromkeys(keys, (False, None))
    for row in used.to_pylist():
        key = (row["holder_kind"], row["holder"], row["measure"])
        back = row["month"].year - first
        if key not in places or not 0 <= back <= EARLIER_YEARS or row["used"] is None:
            continue
        where = (places[key], back, row["month"].month - 1)
        amounts[where], known[where] = float(row["used"]), row["coverage"] or 0.0
        marked, review = about[key]
        reviews = [each for each in (review, row["review"]) if each]
        about[key] = (marked or bool(row["stand_in"]), min(reviews, default=None))
    return amounts, known, about


def _areas(buildings: pa.Table) -> dict[tuple[str, str], float]:
    """The floor area of each building, zone and the district [m²]; none where that of one of its buildings is unknown."""
    found: dict[tuple[str, str], float] = {}
    for row in buildings.to_pylist():
        area = float("nan") if row["floor_area"] is None else float(row["floor_area"])
        found["building", row["building"]] = area
        for kind, name in (("zone", row["zone"]), ("district", ROOT)):
            found[kind, name] = found.get((kind, name), 0.0) + area
    return found


def _shares(text: str | None) -> np.ndarray | None:
    return None if not text else np.array([float(each) for each in text.split()])


def _number(value: float) -> float | None:
    return None if not np.isfinite(value) else round(float(value), DIGITS)


def _exact(value: float) -> Decimal | None:
    return None if not np.isfinite(value) else Decimal(repr(round(float(value), DIGITS))).quantize(Decimal("0.000001"))
