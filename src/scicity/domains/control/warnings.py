"""Early warnings by rule: over budgets, over days, and both together."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pyarrow as pa

from scicity.domains.control.methods import raising
from scicity.kernel.computing import Slot
from scicity.kernel.tables import Read, derived

AROUND = timedelta(days=366)  # a warning that stands for longer than this is not followed to its end
_WARNING = [
    *("warning", "rule", "threshold_kind", "severity", "scope_kind", "scope", "budget_measure", "carrier", "zone", "since"),
    *("cleared_on", "worst", "limit", "latest", "symbol", "stand_in"),
]
_RULES = Read(
    "control.warning_rule",
    columns=(
        *("rule", "threshold_kind", "scope_kind", "budget_measure", "threshold", "dead_band", "delay_steps", "severity"),
        *("valid_from", "valid_to"),
    ),
)
_BUILDINGS = Read("buildings.building", columns=("building", "zone"), trace={"scope": "building"})


@derived(
    reads={
        "burn": Read(
            "control.burn_down_monthly",
            columns=(
                *("scope_kind", "scope", "budget_measure", "month", "ahead", "forecast_share", "used", "coverage", "newest"),
                "stand_in",
            ),
            trace={"scope_kind": "scope_kind", "scope": "scope", "budget_measure": "budget_measure"},
        ),
        "rules": _RULES,
        "buildings": _BUILDINGS,
        "measures": Read("control.measure", columns=("budget_measure", "per_area"), trace={"budget_measure": "budget_measure"}),
    },
    columns=_WARNING,
    grain=["warning"],
    period="year",
    time="since",
    by_partition=True,
    title_zh="预算预警",
    title_en="Warnings over budgets",
)
def budget_warning(slot: Slot, burn: pa.Table, rules: pa.Table, buildings: pa.Table, measures: pa.Table) -> pa.Table:
    """Warnings about budgets, month by month of the year: the forecast above the budget, or more used than should be by then.

    A warning is raised on the last day of the month whose state meets the rule (behind its delay), and ends on that of the
    first month in which the value is back below the limit by the dead band, at the latest when its year is over.
    """
    return raising.over_budgets(slot, burn, rules, buildings, measures, budget_warning.schema)


_DAYS = ("carrier", "day", "energy", "coverage", "stand_in")


@derived(
    reads={
        "buildings_daily": Read(
            "energy.consumption_daily",
            columns=("building", *_DAYS),
            margin=AROUND,
            trace={"scope": "building", "carrier": "carrier", "since": "day"},
        ),
        "zones_daily": Read(
            "energy.zone_daily",
            columns=("zone", *_DAYS),
            margin=AROUND,
            trace={"scope": "zone", "carrier": "carrier", "since": "day"},
        ),
        "rules": _RULES,
        "buildings": _BUILDINGS,
    },
    columns=_WARNING,
    grain=["warning"],
    period="year",
    time="since",
    by_partition=True,
    title_zh="逐日预警",
    title_en="Warnings over days",
)
def day_warning(slot: Slot, buildings_daily: pa.Table, zones_daily: pa.Table, rules: pa.Table, buildings: pa.Table) -> pa.Table:
    """Warnings about days: energy far above the usual of that weekday, and data that have stopped coming.

    The usual is the middle of the same weekday of the four weeks before, at least three of them known. Data are stale from the
    first day that is so many days behind the last known one, up to the newest day of the district; before its first day a
    building has none. A day of which a part is unknown raises nothing and ends nothing.
    """
    return raising.over_days(slot, buildings_daily, zones_daily, rules, buildings, day_warning.schema)


@derived(
    reads={"budgets": "control.budget_warning", "days": "control.day_warning"},
    columns=_WARNING,
    grain=["warning"],
    period="year",
    time="since",
    title_zh="预警",
    title_en="Warnings",
)
def warning(budgets: Any, days: Any) -> Any:
    """Every warning as computed: by which rule, of whom, since when, how far it went, against which limit, until when.

    What people did with it are records.
    """
    return budgets.union(days)
