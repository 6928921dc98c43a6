"""What is used of every measure by every scope, and where its budget stands at the end of each month."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import ibis
import pyarrow as pa

from scicity.domains.control.methods import standing
from scicity.domains.control.sources import ROOT
from scicity.kernel.computing import Slot
from scicity.kernel.tables import Read, derived, recorded

EXACT = "decimal(18, 6)"
COAL = "standard_coal_equivalent"
INDIRECT = 2  # the scope of bought energy; what is beyond it no budget counts
EARLIER = timedelta(days=3 * 366)  # years whose months give the shape of a year
_ENERGY = ("carrier", "month", "energy", "known_seconds", "expected_seconds", "stand_in")
_USED = ["scope_kind", "scope", "budget_measure", "month", "used", "symbol", "coverage", "review", "stand_in"]


def _held(rows: Any, kind: Any, key: str) -> Any:
    """Rows of buildings, zones or enterprises as rows of holders."""
    named = rows.mutate(scope_kind=kind, scope=rows[key])
    return named.select("scope_kind", "scope", *(name for name in rows.columns if name != key))


def _zone_kind(zones: Any) -> Any:
    return ibis.ifelse(zones.zone == ROOT, ibis.literal("district"), ibis.literal("zone"))


def _summed(rows: Any, measure: str, symbol: str) -> Any:
    """Rows of carriers with `amount` to rows of holders and months."""
    sums = rows.group_by("scope_kind", "scope", "month").agg(
        used=rows.amount.sum(),
        known=rows.known_seconds.sum(),
        expected=rows.expected_seconds.sum(),
        review=rows.review.min(),
        stand_in=rows.stand_in.max(),
    )
    share = sums.known.cast("float64") / sums.expected.nullif(0)
    covered = ibis.ifelse(share.isnull(), ibis.null("float64"), ibis.least(1.0, share))  # least skips nulls
    return sums.mutate(budget_measure=ibis.literal(measure), symbol=ibis.literal(symbol), coverage=covered).select(*_USED)


def _weighed(rows: Any, uses: Any) -> Any:
    """Energy times the factor that holds for the whole of its month; without a factor it is unknown, time and all."""
    following = rows.month + ibis.interval(months=1)
    holds = [
        rows.carrier == uses.carrier,
        uses.first_day <= rows.month,
        uses.last_day.isnull() | (uses.last_day + ibis.interval(days=1) >= following),
    ]
    both = rows.left_join(uses, holds).drop("carrier_right")
    both = both.mutate(amount=((both.energy * both.energy_ratio).cast(EXACT) * both.factor_value).cast(EXACT))
    return both.mutate(known_seconds=ibis.ifelse(both.amount.isnull(), 0, both.known_seconds))


@derived(
    reads={
        "buildings": Read(
            "energy.consumption_monthly", columns=("building", *_ENERGY), trace={"scope": "building", "month": "month"}
        ),
        "zones": Read("energy.zone_monthly", columns=("zone", *_ENERGY), trace={"scope": "zone", "month": "month"}),
        "enterprises": Read(
            "energy.enterprise_monthly", columns=("enterprise", *_ENERGY), trace={"scope": "enterprise", "month": "month"}
        ),
        "uses": Read(
            "carbon.factor_in_use",
            columns=("purpose", "carrier", "first_day", "last_day", "factor_value", "energy_ratio", "review"),
            during=("first_day", "last_day"),
        ),
    },
    columns=_USED,
    grain=["scope_kind", "scope", "budget_measure", "month"],
    period="year",
    time="month",
    title_zh="逐月用能（预算口径）",
    title_en="Energy used by holders of budgets",
)
def energy_used(buildings: Any, zones: Any, enterprises: Any, uses: Any) -> Any:
    """Energy of all carriers of a scope in a month, in kWh and as standard coal (equivalent value).

    A carrier without a standard-coal factor in a month counts as unknown of that month's coal: its time lowers the coverage.
    """
    rows = _held(buildings, ibis.literal("building"), "building").union(_held(zones, _zone_kind(zones), "zone"))
    rows = rows.union(_held(enterprises, ibis.literal("enterprise"), "enterprise"))
    energy = rows.mutate(amount=rows.energy, review=ibis.null("string"))
    weighed = _weighed(rows, uses.filter(uses.purpose == COAL))
    return _summed(energy, "energy", "kWh").union(_summed(weighed, "standard_coal", "kgce"))


_EMITTED = ("month", "emission", "known_seconds", "expected_seconds", "review", "stand_in")


@derived(
    reads={
        "buildings": Read(
            "carbon.emission_monthly", columns=("building", *_EMITTED), trace={"scope": "building", "month": "month"}
        ),
        "zones": Read("carbon.zone_total_monthly", columns=("zone", *_EMITTED), trace={"scope": "zone", "month": "month"}),
        "enterprises": Read(
            "carbon.enterprise_emission_monthly",
            columns=("enterprise", "zone", "emission_scope", *_EMITTED),
            trace={"scope": "enterprise", "month": "month"},
        ),
    },
    columns=_USED,
    grain=["scope_kind", "scope", "budget_measure", "month"],
    period="year",
    time="month",
    title_zh="逐月碳排放（预算口径）",
    title_en="Carbon dioxide of holders of budgets",
)
def emission_used(buildings: Any, zones: Any, enterprises: Any) -> Any:
    """Carbon dioxide of a building, zone, enterprise or the district in a month: scope 1 and location-based scope 2."""
    mine = enterprises.filter(enterprises.zone == ROOT, enterprises.emission_scope <= INDIRECT)
    rows = _held(buildings, ibis.literal("building"), "building").union(_held(zones, _zone_kind(zones), "zone"))
    rows = rows.union(_held(mine.drop("zone", "emission_scope"), ibis.literal("enterprise"), "enterprise"))
    return _summed(rows.rename(amount="emission"), "emission", "kg")


@derived(
    reads={"energy": "control.energy_used", "emission": "control.emission_used"},
    columns=_USED,
    grain=["scope_kind", "scope", "budget_measure", "month"],
    period="year",
    time="month",
    title_zh="逐月用量",
    title_en="Used by month",
)
def use_monthly(energy: Any, emission: Any) -> Any:
    """What a scope used of each measure that can be budgeted, month by month; a month of which nothing is known is unknown."""
    return energy.union(emission)


_DECIDED = ["scope_kind", "scope", "budget_measure", "year", "budget", "monthly_shares", "reason", "decision"]

budget_decided = recorded(
    "control.budget_decided",
    columns=_DECIDED,
    grain=["scope_kind", "scope", "budget_measure", "year"],
    title_zh="预算记录",
    title_en="Budgets that were decided",
    doc="The budgets that people entered or adopted, drafts and withdrawn ones too; who and when is in the audit trail.",
)

_BUDGET = [
    *(
        "scope_kind",
        "scope",
        "budget_measure",
        "year",
        "budget",
        "symbol",
        "monthly_shares",
        "reason",
        "origin",
        "source",
        "review",
    ),
]


@derived(
    reads={
        "register": Read("control.budget", columns=tuple(name for name in _BUDGET if name != "symbol")),
        "decided": Read("control.budget_decided", columns=tuple(_DECIDED)),
        "measures": Read("control.measure", columns=("budget_measure", "symbol")),
    },
    columns=_BUDGET,
    grain=["scope_kind", "scope", "budget_measure", "year"],
    title_zh="现行预算",
    title_en="Budgets in force",
)
def budget_in_force(register: Any, decided: Any, measures: Any) -> Any:
    """The budget of each scope, measure and year that holds now.

    What was decided goes before the register: put in force it replaces the register's budget, withdrawn it takes it away; a
    draft changes nothing.
    """
    key = ["scope_kind", "scope", "budget_measure", "year"]
    told = decided.filter(decided.decision != "draft")
    kept = register.anti_join(told, key)
    now = told.filter(told.decision == "in_force").mutate(
        origin=ibis.literal("manual"), source=ibis.null("string"), review=ibis.null("string")
    )
    return kept.union(now.select(*kept.columns)).inner_join(measures, "budget_measure")


_BURN = [
    *(
        "scope_kind",
        "scope",
        "budget_measure",
        "year",
        "month",
        "newest",
        "use_measure",
        "symbol",
        "budget",
        "floor_area",
        "used",
    ),
    *("used_to_date", "used_share", "expected_share", "ahead", "forecast", "forecast_low", "forecast_high", "forecast_share"),
    *("projected", "projected_low", "projected_high", "budget_to_date", "within_probability", "budget_status", "days_left"),
    *("shape_years", "coverage", "origin", "review", "stand_in"),
]


@derived(
    reads={
        "used": Read(
            "control.use_monthly",
            margin=EARLIER,
            trace={"scope_kind": "scope_kind", "scope": "scope", "use_measure": "budget_measure"},
        ),
        "budgets": Read("control.budget_in_force", columns=tuple(_BUDGET)),
        "measures": Read(
            "control.measure", columns=("budget_measure", "use_measure", "per_area"), trace={"budget_measure": "budget_measure"}
        ),
        "buildings": Read("buildings.building", columns=("building", "zone", "floor_area"), trace={"scope": "building"}),
    },
    columns=_BURN,
    grain=["scope_kind", "scope", "budget_measure", "year", "month"],
    period="year",
    time="month",
    by_partition=True,
    title_zh="预算消耗进度",
    title_en="Burn-down of budgets",
)
def burn_down_monthly(slot: Slot, used: pa.Table, budgets: pa.Table, measures: pa.Table, buildings: pa.Table) -> pa.Table:
    """Of each budget at the end of each month: what is used, what should have been, and what the year will come to.

    `expected_share` is the share of a year that the months so far make up: the budget's own monthly shares, or the shape of
    the scope's earlier years. The forecast, told with what was known at the end of the month, is what was used plus level x
    shape of what is to come or unknown, with the interval that is to hold four outcomes in five. A budget of intensity is held
    against the amount over the floor area of the scope's buildings. `newest` marks the last month of which anything is known;
    behind it the path to the year's end is projected. Methods, and how well they did: `methods/burn.py`, docs/forecasts.md.
    """
    return standing.told(slot, used, budgets, measures, buildings, burn_down_monthly.schema)


@derived(
    reads={"burn": "control.burn_down_monthly"},
    columns=[name for name in _BURN if name not in ("newest", "projected", "projected_low", "projected_high")],
    grain=["scope_kind", "scope", "budget_measure", "year"],
    period="year",
    time="month",
    title_zh="预算现状",
    title_en="Where budgets stand",
)
def budget_state(burn: Any) -> Any:
    """Where each budget stands at the newest month of which anything is known."""
    return burn.filter(burn.newest)


@derived(
    reads={
        "used": Read(
            "control.use_monthly",
            margin=EARLIER,
            trace={"scope_kind": "scope_kind", "scope": "scope", "budget_measure": "budget_measure"},
        )
    },
    columns=[
        *(
            "scope_kind",
            "scope",
            "budget_measure",
            "month",
            "month_of_year",
            "forecast",
            "forecast_low",
            "forecast_high",
            "outturn",
        ),
        *("forecast_off", "year_before_off", "inside", "symbol", "stand_in"),
    ],
    grain=["scope_kind", "scope", "budget_measure", "month"],
    period="year",
    time="month",
    by_partition=True,
    title_zh="年终预测回测",
    title_en="Errors of year-end forecasts",
)
def outlook_error(slot: Slot, used: pa.Table) -> pa.Table:
    """What would have been forecast of a year at the end of each of its months, beside what the year came to.

    For every scope and amount whose year is known to at least nine tenths, in each month something, and that has an earlier
    year. Beside it how far off the year before was, taken as it was. What is unknown of the year counts as the rest of it.
    """
    return standing.outlook_errors(slot, used, outlook_error.schema)
