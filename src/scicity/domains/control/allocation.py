"""A district's budget shared out to its zones and to its buildings, by each rule of allocation."""

from __future__ import annotations

from datetime import timedelta

import pyarrow as pa

from scicity.domains.control.methods import sharing
from scicity.kernel.computing import Slot
from scicity.kernel.tables import Read, derived

BASE = timedelta(days=3 * 366)  # years whose mean is the base of grandfathering


@derived(
    reads={
        "used": Read(
            "control.use_monthly",
            columns=("scope_kind", "scope", "budget_measure", "month", "used", "coverage", "stand_in"),
            margin=BASE,
            trace={"scope_kind": "scope_kind", "scope": "scope", "budget_measure": "budget_measure"},
        ),
        "budgets": Read(
            "control.budget_in_force",
            columns=("scope_kind", "scope", "budget_measure", "year", "budget", "symbol"),
            trace={"budget_measure": "budget_measure", "year": "year"},
        ),
        "buildings": Read("buildings.building", columns=("building", "zone", "floor_area"), trace={"scope": "building"}),
    },
    columns=[
        *(
            "year",
            "budget_measure",
            "allocation_rule",
            "scope_kind",
            "scope",
            "allocated",
            "past_use",
            "base_use",
            "past_share",
        ),
        *("floor_area", "symbol", "coverage", "origin", "stand_in"),
    ],
    grain=["year", "budget_measure", "allocation_rule", "scope_kind", "scope"],
    period="year",
    time="year",
    by_partition=True,
    title_zh="预算分解方案",
    title_en="Scenarios of allocation",
)
def allocation(slot: Slot, used: pa.Table, budgets: pa.Table, buildings: pa.Table) -> pa.Table:
    """What each zone and each building would get of the district's budget of a year, by four rules.

    past_use: by the mean use of up to three years before (grandfathering). floor_area: by floor area. convergence: each one's
    intensity goes halfway to the mean of all. equal_cut: everybody cuts the same share of the year before; one without a past
    is given the mean intensity. Months that are unknown count as the mean of the known ones of their year. Shares add up to
    the budget to its last digit. A scope for whom a rule lacks what it needs gets no share by it (unknown, not 0).
    """
    return sharing.scenarios(int(slot.part.period), used, budgets, buildings, allocation.schema)
