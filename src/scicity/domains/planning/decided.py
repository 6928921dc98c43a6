"""What people decided of conflicts, and which decisions hold for the conflicts of the newest editions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import shapely

from scicity.domains.planning.methods.carrying import carried
from scicity.domains.planning.sources import rules_of
from scicity.kernel.computing import Slot
from scicity.kernel.tables import Read, derived, recorded
from scicity.space.ground import ground_of

STATES = {"proposed": "proposed", "agreed": "agreed", "dismissed": "dismissed", "reopened": "open"}
OPEN = "open"

resolution = recorded(
    "planning.resolution",
    columns=[
        "conflict",
        "act_number",
        "plan",
        "against",
        "resolution_act",
        "reason",
        "decided_on",
        "restricted_to",
        "geometry",
    ],
    grain=["conflict", "act_number"],
    title_zh="冲突处置",
    title_en="Acts on conflicts",
    doc="What was proposed, agreed, dismissed or reopened of a conflict, in order, with the reason, and where the conflict "
    "was then. "
    "Who did it is in the audit trail.",
)


@derived(
    reads={
        "conflicts": Read(
            "planning.conflict",
            columns=("conflict", "plan", "against", "restricted_to", "geometry"),
            trace={"conflict": "conflict"},
        ),
        "acts": Read("planning.resolution", trace={"conflict": "conflict"}),
        "thresholds": Read("planning.threshold", columns=("rule", "threshold"), trace={}),
        "own_thresholds": Read("planning.own_threshold", columns=("rule", "threshold"), trace={}),
    },
    columns=[
        *(
            "conflict",
            "plan",
            "against",
            "conflict_state",
            "still_there",
            "carried_from",
            "acts_counted",
            "decided_on",
            "reason",
        ),
        "restricted_to",
    ],
    grain=["conflict"],
    by_partition=True,
    title_zh="冲突处置状态",
    title_en="States of conflicts",
)
def conflict_state(slot: Slot, conflicts: pa.Table, acts: pa.Table, thresholds: pa.Table, own_thresholds: pa.Table) -> pa.Table:
    """Where each conflict stands: open until somebody decided, and where it was decided of under another name, which.

    A conflict that the newest editions no longer have stays here with its decisions (`still_there` false), unless they were
    carried on to one at its place. Method: `methods/carrying.py`.
    """
    done: dict[str, list[dict[str, Any]]] = {}
    for act in sorted(acts.to_pylist(), key=lambda act: act["act_number"]):
        done.setdefault(act["conflict"], []).append(act)
    ground, old = ground_of(conflicts, acts), list(done)
    told = [done[name][-1] for name in old]
    places = pa.array([act["geometry"] for act in told], pa.binary())
    names = conflicts.column("conflict").to_numpy(zero_copy_only=False)
    share = rules_of(thresholds, own_thresholds)["carried_share"] / 100
    from_ = carried(
        names,
        _sides(conflicts.column("plan").to_pylist(), conflicts.column("against").to_pylist()),
        _shapes(ground, conflicts.column("geometry")),
        np.array(old, dtype=object),
        _sides([act["plan"] for act in told], [act["against"] for act in told]),
        _shapes(ground, places),
        share,
    )
    rows = []
    for row, source in zip(conflicts.drop_columns(["geometry"]).to_pylist(), from_.tolist(), strict=True):
        rows.append(_state(row, done.get(source, []), source if source != row["conflict"] else None, True))
    taken = {source for source in from_.tolist() if source}
    for name in old:
        if name not in taken:
            last = done[name][-1]
            about = {column: last[column] for column in ("conflict", "plan", "against", "restricted_to")}
            rows.append(_state(about, done[name], None, False))
    return pa.Table.from_pylist(rows, schema=conflict_state.schema)


def _state(about: dict[str, Any], acts: list[dict[str, Any]], source: str | None, there: bool) -> dict[str, Any]:
    last = acts[-1] if acts else None
    return about | {
        "conflict_state": STATES[last["resolution_act"]] if last else OPEN,
        "still_there": there,
        "carried_from": source,
        "acts_counted": len(acts),
        "decided_on": last["decided_on"] if last else None,
        "reason": last["reason"] if last else None,
    }


def _sides(plans: list[str], others: list[str]) -> Any:
    return np.array([f"{plan}|{against}" for plan, against in zip(plans, others, strict=True)] or [], dtype=object)


def _shapes(ground: Any, geometry: Any) -> Any:
    return ground.shapes(geometry) if len(geometry) else np.empty(0, dtype=shapely.Geometry)
