"""Scenarios of allocation from rows: past use and floor area of zones and buildings, and the shares by each rule."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyarrow as pa

from scicity.domains.control.methods import share

ROOT = "district"
MOST_PLACES = 6


def scenarios(year: int, used: pa.Table, budgets: pa.Table, buildings: pa.Table, schema: pa.Schema) -> pa.Table:
    """The rows of `control.allocation` of one year, for each amount that the district has a budget of."""
    past: dict[tuple[str, str, str], dict[str, Any]] = {}
    for row in used.to_pylist():
        if row["month"].year == year - 1 and row["used"] is not None:
            about = past.setdefault(
                (row["holder_kind"], row["holder"], row["measure"]), {"used": Decimal(0), "known": 0.0, "stand_in": False}
            )
            about["used"] += row["used"]
            about["known"] += (row["coverage"] or 0.0) / 12
            about["stand_in"] |= bool(row["stand_in"])
    areas: dict[str, dict[str, float | None]] = {"zone": {}, "building": {}}
    for row in buildings.to_pylist():
        areas["building"][row["building"]] = row["floor_area"]
        known, more = areas["zone"].get(row["zone"], 0.0), row["floor_area"]
        areas["zone"][row["zone"]] = None if known is None or more is None else known + more
    rows = []
    measures = {key[2] for key in past}
    for budget in budgets.to_pylist():
        if budget["holder_kind"] != ROOT or budget["year"] != year or budget["measure"] not in measures:
            continue
        for kind in ("zone", "building"):
            rows += _of_kind(budget, kind, areas[kind], past)
    return pa.Table.from_pylist(rows, schema=schema)


def _of_kind(
    budget: dict[str, Any], kind: str, areas: dict[str, float | None], past: dict[tuple[str, str, str], dict[str, Any]]
) -> list[dict[str, Any]]:
    names = sorted(areas)
    before = [past.get((kind, name, budget["measure"])) for name in names]
    use = [None if about is None else about["used"] for about in before]
    total = sum((each for each in use if each is not None), Decimal(0))
    places = min(MOST_PLACES, max(0, -int(budget["budget"].normalize().as_tuple().exponent)))
    rows = []
    for rule in share.RULES:
        weights = share.weights_of(rule, use, [areas[name] for name in names])
        if not any(weights):
            continue
        given = share.shared(budget["budget"], weights, places)
        rows += [
            {
                **{"year": budget["year"], "measure": budget["measure"], "allocation_rule": rule, "holder_kind": kind},
                **{"holder": name, "allocated": part, "past_use": own, "floor_area": areas[name], "symbol": budget["symbol"]},
                "past_share": None if own is None or total <= 0 else float(100 * own / total),
                "coverage": None if about is None else about["known"],
                "origin": "allocated",
                "stand_in": bool(about and about["stand_in"]),
            }
            for name, part, own, about in zip(names, given, use, before, strict=True)
        ]
    return rows
