"""Where budgets stand: rows of use and of budgets to arrays, and the burn-down back to rows.

Use and budgets in the unit of their measure [kWh, kg or kgce]; floor area [m²].

Source: the rules of `burn`; arithmetic of this project.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scicity.domains.control.methods import burn
from scicity.kernel.computing import Slot

EARLIER_YEARS = 3
PERCENT = 100.0
LEAST_KNOWN = 0.9  # of a year that a forecast is held against
ROOT = "district"
Key = tuple[str, str, str]  # kind of scope, scope, amount
DIGITS = 6  # of figures that a method gives: what is behind them is the noise of adding up


def told(slot: Slot, used: pa.Table, budgets: pa.Table, measures: pa.Table, buildings: pa.Table, schema: pa.Schema) -> pa.Table:
    """The rows of `control.burn_down_monthly` of one year."""
    year = int(slot.part.period)
    kinds = {row["budget_measure"]: row for row in measures.to_pylist()}
    held = [row for row in budgets.to_pylist() if row["year"] == year]
    if not held:
        return schema.empty_table()
    keys = [(row["scope_kind"], row["scope"], kinds[row["budget_measure"]]["use_measure"]) for row in held]
    amounts, known, about = _arrays(used, keys, year)
    areas = _areas(buildings)
    per_area = np.array([kinds[row["budget_measure"]]["per_area"] for row in held])
    area = np.array([areas.get((row["scope_kind"], row["scope"]), np.nan) for row in held])
    amounts = np.where(per_area[:, None, None], amounts / np.where(per_area, area, 1.0)[:, None, None], amounts)
    lengths = _lengths(year)
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
        below = about[keys[at]]
        for month in range(burn.MONTHS):
            rows.append(
                {
                    **{
                        name: row[name]
                        for name in ("scope_kind", "scope", "budget_measure", "year", "symbol", "origin", "budget")
                    },
                    **_month(state, at, month, float(row["budget"]), expected[at, month], within[at, month]),
                    "month": date(year, month + 1, 1),
                    "newest": month == newest,
                    "use_measure": keys[at][2],
                    "floor_area": None if np.isnan(area[at]) else float(area[at]),
                    "days_left": int(lengths[month + 1 :].sum()),
                    "shape_years": int(years[at]),
                    "review": min((each for each in (row["review"], below.review) if each), default=None),
                    "stand_in": below.stand_in or row["origin"] == "stand-in",
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
        "used_share": None if to_date is None else PERCENT * to_date / budget,
        "expected_share": PERCENT * float(expected),
        "ahead": None if to_date is None or expected <= 0 else round(PERCENT * (to_date / (budget * expected) - 1), DIGITS),
        "forecast": forecast,
        "forecast_low": low,
        "forecast_high": high,
        "forecast_share": None if forecast is None else PERCENT * forecast / budget,
        "projected": _number(state.projected[at, month]),
        "projected_low": _number(state.projected_low[at, month]),
        "projected_high": _number(state.projected_high[at, month]),
        "budget_to_date": budget * float(expected),
        "within_probability": None if np.isnan(within) else round(PERCENT * float(within), DIGITS),
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


def outlook_errors(slot: Slot, used: pa.Table, schema: pa.Schema) -> pa.Table:
    """The rows of `control.outlook_error` of one year: every scope and amount whose year is known and has an earlier one."""
    year = int(slot.part.period)
    names = [
        rows.column(name).to_pylist() for rows in (_of_year(used, year),) for name in ("scope_kind", "scope", "budget_measure")
    ]
    keys = list(dict.fromkeys(zip(*names, strict=True)))
    if not keys:
        return schema.empty_table()
    amounts, known, about = _arrays(used, keys, year)
    lengths = _lengths(year)
    seen = (known[:, -1] * lengths).sum(axis=1) / lengths.sum()
    sound = (known[:, -1].min(axis=1) > 0) & (seen >= LEAST_KNOWN) & known[:, :-1].any(axis=(1, 2))
    keys = [key for key, good in zip(keys, sound, strict=True) if good]
    if not keys:
        return schema.empty_table()
    amounts, known, seen = amounts[sound], known[sound], seen[sound]
    state = burn.burn_down(amounts, known, lengths)
    outturn = np.nansum(amounts[:, -1], axis=1) / seen
    before = np.nansum(amounts[:, :-1] * (known[:, :-1] > 0), axis=2)
    shares = known[:, :-1].mean(axis=2)
    plain = np.where(shares[:, -1] >= LEAST_KNOWN, before[:, -1] / np.maximum(shares[:, -1], LEAST_KNOWN), np.nan)
    off = np.divide(state.forecast, outturn[:, None], out=np.full_like(state.forecast, np.nan), where=outturn[:, None] > 0) - 1
    plainly = np.divide(plain, outturn, out=np.full_like(plain, np.nan), where=outturn > 0) - 1
    size = len(keys)

    def each_month(values: list[Any]) -> list[Any]:
        return [value for value in values for _ in range(burn.MONTHS)]

    def told(values: np.ndarray) -> pa.Array:
        return pa.array(values.ravel().round(DIGITS), from_pandas=True)

    inside = (outturn[:, None] >= state.low) & (outturn[:, None] <= state.high)
    columns = {
        **{name: each_month([key[at] for key in keys]) for at, name in enumerate(("scope_kind", "scope", "budget_measure"))},
        "month": [date(year, month, 1) for month in range(1, burn.MONTHS + 1)] * size,
        "month_of_year": list(range(1, burn.MONTHS + 1)) * size,
        "forecast": told(state.forecast),
        "forecast_low": told(state.low),
        "forecast_high": told(state.high),
        "outturn": told(np.repeat(outturn, burn.MONTHS)),
        "forecast_off": told(PERCENT * off),
        "year_before_off": told(PERCENT * np.repeat(plainly, burn.MONTHS)),
        "inside": inside.ravel(),
        "symbol": each_month([about[key].symbol for key in keys]),
        "stand_in": each_month([about[key].stand_in for key in keys]),
    }
    return pa.table([pa.array(columns[name], schema.field(name).type) for name in schema.names], schema=schema)


def _lengths(year: int) -> np.ndarray:
    return np.array([monthrange(year, month)[1] for month in range(1, burn.MONTHS + 1)], dtype=np.float64)


def _of_year(used: pa.Table, year: int) -> pa.Table:
    return used.filter(pc.equal(pc.year(used.column("month")), year))


@dataclass
class Below:
    """What is told of the rows of a key: whether stand-ins lie below, the weaker review, the unit."""

    stand_in: bool = False
    review: str | None = None
    symbol: str = ""


def _arrays(used: pa.Table, keys: list[Key], year: int) -> tuple[np.ndarray, np.ndarray, dict[Key, Below]]:
    """Used and known share (keys, years, 12), the asked year last; and what is told of the rows below each key."""
    first = year - EARLIER_YEARS
    about: dict[Key, Below] = {key: Below() for key in keys}
    used = used.filter(pc.is_valid(used.column("used")))
    unique = {key: number for number, key in enumerate(about)}
    of_key = np.array([unique[key] for key in keys], dtype=np.int64)
    named = zip(*(used.column(name).to_pylist() for name in ("scope_kind", "scope", "budget_measure")), strict=True)
    place = np.array([unique.get(key, -1) for key in named], dtype=np.int64)
    back = pc.year(used.column("month")).to_numpy() - first
    mine = np.flatnonzero((place >= 0) & (back >= 0) & (back <= EARLIER_YEARS))
    where = place[mine], back[mine], pc.month(used.column("month")).to_numpy()[mine] - 1
    of_unique = np.full((len(unique), EARLIER_YEARS + 1, burn.MONTHS), np.nan)
    seen = np.zeros_like(of_unique)
    of_unique[where] = used.column("used").cast(pa.float64()).to_numpy()[mine]
    seen[where] = pc.fill_null(used.column("coverage"), 0.0).to_numpy()[mine]
    told = used.take(pa.array(mine)).select(["stand_in", "review", "symbol"]).to_pylist()
    names = list(unique)
    for at, row in zip(place[mine].tolist(), told, strict=True):
        one = about[names[at]]
        one.stand_in |= bool(row["stand_in"])
        one.review = min((each for each in (one.review, row["review"]) if each), default=None)
        one.symbol = row["symbol"]
    return of_unique[of_key], seen[of_key], about


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
