"""What plans want to reach: what was observed, how far they are, and how many plans there are."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import ibis
import pyarrow as pa

from scicity.kernel.computing import Slot
from scicity.kernel.tables import Read, derived, recorded

IN_FORCE = "in_force"

observation = recorded(
    "planning.observation",
    columns=["plan", "plan_target", "observed_on", "value", "note"],
    grain=["plan", "plan_target", "observed_on"],
    title_zh="录入的监测",
    title_en="Observations that were entered",
    doc="What somebody entered on a page of a target of a plan; of one day it goes before the register.",
)

_OBSERVED = ("plan", "plan_target", "observed_on", "value")
_OF_TARGET = {"plan": "plan", "plan_target": "plan_target"}


@derived(
    reads={
        "targets": Read(
            "planning.plan_target",
            columns=("plan", "plan_target", "direction", "start_value", "target", "due_on", "report_days", "symbol", "origin"),
            trace=_OF_TARGET,
        ),
        "register": Read("planning.monitoring", columns=(*_OBSERVED, "origin"), trace=_OF_TARGET),
        "entered": Read("planning.observation", columns=_OBSERVED, trace=_OF_TARGET),
    },
    columns=[
        *("plan", "plan_target", "symbol", "start_value", "target", "observed_on", "value", "progress_share", "target_met"),
        *("due_on", "next_due_on", "observations_counted", "stand_in"),
    ],
    grain=["plan", "plan_target"],
    by_partition=True,
    title_zh="规划目标进展",
    title_en="Progress of the targets of plans",
)
def target_progress(slot: Slot, targets: pa.Table, register: pa.Table, entered: pa.Table) -> pa.Table:
    """The newest observation of each target, how much of the way is done, and by when the next is due.

    Progress is (value - start) / (target - start), unknown without a start. Whether somebody is late is a question of the day
    on which it is asked: the page holds `due_on` and `next_due_on` against it.
    """
    seen: dict[tuple[str, str], dict[Any, tuple[float, bool]]] = {}
    for row in register.to_pylist():
        of = seen.setdefault((row["plan"], row["plan_target"]), {})
        of[row["observed_on"]] = (row["value"], row["origin"] == "stand-in")
    for row in entered.to_pylist():
        seen.setdefault((row["plan"], row["plan_target"]), {})[row["observed_on"]] = (row["value"], False)
    rows = []
    for row in targets.to_pylist():
        of = seen.get((row["plan"], row["plan_target"]), {})
        newest = max(of, default=None)
        value, stand_in = of[newest] if newest else (None, False)
        known = {name: row[name] for name in ("plan", "plan_target", "symbol", "start_value", "target", "due_on")}
        way = None if row["start_value"] is None else row["target"] - row["start_value"]
        done = None if value is None or not way else 100 * (value - row["start_value"]) / way
        met = None if value is None else value >= row["target"] if row["direction"] == "higher" else value <= row["target"]
        following = newest + timedelta(days=row["report_days"]) if newest and row["report_days"] else None
        rows.append(
            known
            | {"observed_on": newest, "value": value, "progress_share": done, "target_met": met, "next_due_on": following}
            | {"observations_counted": len(of), "stand_in": stand_in or row["origin"] == "stand-in"}
        )
    return pa.Table.from_pylist(rows, schema=target_progress.schema)


@derived(
    reads={
        "plans": Read(
            "planning.plan", columns=("plan", "plan_kind", "plan_status", "layer", "origin"), trace={"plan_kind": "plan_kind"}
        )
    },
    columns=["plan_kind", "plans_counted", "plans_in_force", "plans_drawn", "stand_in"],
    grain=["plan_kind"],
    title_zh="规划数量",
    title_en="Number of plans",
)
def plan_count(plans: Any) -> Any:
    """How many plans and studies of each kind the register holds, and `all` of them; superseded and withdrawn ones are left
    out."""
    kept = plans.filter(plans.plan_status.notin(["superseded", "withdrawn"]))
    both = kept.union(kept.mutate(plan_kind=ibis.literal("all")), distinct=False)
    return both.group_by("plan_kind").agg(
        plans_counted=both.count().cast("int64"),
        plans_in_force=(both.plan_status == IN_FORCE).cast("int64").sum().cast("int64"),
        plans_drawn=both.layer.count().cast("int64"),
        stand_in=(both.origin == "stand-in").max(),
    )
