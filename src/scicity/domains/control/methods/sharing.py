"""Scenarios of allocation from rows: past use and floor area of zones and buildings, and the shares by each rule.

Use and budgets in the unit of their measure [kWh, kg or kgce]; floor area [m²].

Source: the rules of `share`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pyarrow as pa

from scicity.domains.control.methods import share

ROOT = "district"
MOST_PLACES = 6
MONTHS, LEAST_MONTHS = 12, 6
BASE_YEARS = 3
KINDS = ("zone", "building")
EXACT = Decimal("0.000001")


def scenarios(year: int, used: pa.Table, budgets: pa.Table, buildings: pa.Table, schema: pa.Schema) -> pa.Table:
    """The rows of `control.allocation` of one year, for each amount that the district has a budget of."""
    past = _past(year, used)
    areas: dict[str, dict[str, float | None]] = {"zone": {}, "building": {}}
    for row in buildings.to_pylist():
        areas["building"][row["building"]] = row["floor_area"]
        known, more = areas["zone"].get(row["zone"], 0.0), row["floor_area"]
        areas["zone"][row["zone"]] = None if known is None or more is None else known + more
    rows = []
    measures = {key[2] for key in past}
    for budget in budgets.to_pylist():
        if budget["scope_kind"] != ROOT or budget["year"] != year or budget["budget_measure"] not in measures:
            continue
        for kind in KINDS:
            rows += _of_kind(budget, kind, areas[kind], past)
    return pa.Table.from_pylist(rows, schema=schema)


@dataclass
class Past:
    """What a scope used in the years before: by year, how many months of each are known, and whether stand-ins lie below."""

    used: dict[int, Decimal] = field(default_factory=dict)
    known: dict[int, float] = field(default_factory=dict)
    stand_in: bool = False

    def whole(self, year: int) -> Decimal | None:
        """A year's use, its unknown months as the mean of the known ones; None where fewer than half are known."""
        known = self.known.get(year, 0.0)
        if known < LEAST_MONTHS:
            return None
        return (self.used[year] * MONTHS / Decimal(repr(min(known, float(MONTHS))))).quantize(EXACT)

    def base(self, years: Iterable[int]) -> Decimal | None:
        """The mean use of the years that are known."""
        found = [each for each in (self.whole(year) for year in years) if each is not None]
        return (sum(found, Decimal(0)) / len(found)).quantize(EXACT) if found else None


def _past(year: int, used: pa.Table) -> dict[tuple[str, str, str], Past]:
    found: dict[tuple[str, str, str], Past] = {}
    for row in used.to_pylist():
        before = row["month"].year
        if year - BASE_YEARS <= before < year and row["used"] is not None and row["scope_kind"] in KINDS:
            about = found.setdefault((row["scope_kind"], row["scope"], row["budget_measure"]), Past())
            about.used[before] = about.used.get(before, Decimal(0)) + row["used"]
            about.known[before] = about.known.get(before, 0.0) + (row["coverage"] or 0.0)
            about.stand_in |= bool(row["stand_in"])
    return found


def _of_kind(
    budget: dict[str, Any], kind: str, areas: dict[str, float | None], past: dict[tuple[str, str, str], Past]
) -> list[dict[str, Any]]:
    names, year = sorted(areas), budget["year"]
    before = [past.get((kind, name, budget["budget_measure"]), Past()) for name in names]
    use = [about.whole(year - 1) for about in before]
    base = [about.base(range(year - BASE_YEARS, year)) for about in before]
    total = sum((each for each in use if each is not None), Decimal(0))
    places = min(MOST_PLACES, max(0, -int(budget["budget"].normalize().as_tuple().exponent)))
    rows = []
    for rule in share.RULES:
        weights = share.weights_of(rule, base if rule == "past_use" else use, [areas[name] for name in names])
        if not any(weights):
            continue
        given = share.shared(budget["budget"], weights, places)
        rows += [
            {
                **{"year": year, "budget_measure": budget["budget_measure"], "allocation_rule": rule, "scope_kind": kind},
                **{"scope": name, "allocated": part, "past_use": own, "base_use": mean, "floor_area": areas[name]},
                "symbol": budget["symbol"],
                "past_share": None if own is None or total <= 0 else float(100 * own / total),
                "coverage": about.known.get(year - 1, 0.0) / MONTHS,
                "origin": "allocated",
                "stand_in": about.stand_in,
            }
            for name, part, own, mean, about in zip(names, given, use, base, before, strict=True)
        ]
    return rows
