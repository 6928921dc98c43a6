"""What the pages of layers ask: the register, the editions in the lake, features by class, what was mended, and differences."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from scicity.kernel.record import LetGo
from scicity.space import crs, editions, loading, register
from scicity.space.register import THEMES, Spec

MOST_EDITIONS = 200  # that are listed
MOST_ROWS = 200  # of each list of a difference
# What was mended, as people call it
FAULTS = {
    "bow-tie": ("自相交", "crosses itself"),
    "self-touch": ("环自接触", "touches itself"),
    "hole-outside": ("洞在外环之外", "a hole outside"),
    "hole-in-hole": ("洞中有洞", "a hole in a hole"),
    "part-in-part": ("部件重叠", "a part in a part"),
    "cut-interior": ("内部不连通", "an interior cut in two"),
    "ring-twice": ("环重复", "a ring twice"),
    "collapsed": ("退化", "collapsed"),
    "unclosed": ("环未闭合", "a ring not closed"),
    "ring-order": ("环方向错误", "rings turn the wrong way"),
    "empty-part": ("空部件", "an empty part"),
    "antimeridian": ("跨越 180° 经线", "across the antimeridian"),
    "mixed-dimension": ("二维三维混杂", "some with heights, some without"),
}


@dataclass(frozen=True)
class Edition:
    """A state of a layer: its version in the lake, and when it came."""

    version: int
    at: datetime


def specs(city: Any) -> dict[str, Spec]:
    """The layers of the district by name, as it says now."""
    return register.specs_of(city.district)


def editions_of(city: Any, spec: Spec) -> list[Edition]:
    """The editions of a layer, the newest first."""
    table, lake = spec.table.name, city.figures.engine.lake
    record = lake.record(table)
    seen = {each.version: each.at for each in record.versions.values() if each.parts}
    for commit in lake.newest_first(table):
        if len(seen) >= MOST_EDITIONS:
            break
        if commit.parts and not commit.note.get("distrusted"):  # merging files, or making the table, writes none
            seen.setdefault(commit.version, commit.at)
    return [Edition(version, datetime.fromtimestamp(at / 1000, UTC)) for version, at in sorted(seen.items(), reverse=True)]


def rows(city: Any, spec: Spec, seen: Collection[str] | None, version: int | None = None) -> pa.Table:
    """The features of an edition that whoever asks may see. Raises LetGo for one that is no more."""
    table = city.figures.engine.rows(spec.table, version=version)
    if seen is None:
        return table
    told = table.column("restricted_to")
    mine = pc.or_kleene(pc.is_null(told), False)
    for role in sorted(seen):
        padded = pc.binary_join_element_wise("", told, "", " ")
        mine = pc.or_kleene(mine, pc.fill_null(pc.match_substring(padded, f" {role} "), False))
    return table.filter(mine)


def by_class(table: pa.Table) -> list[tuple[str | None, int]]:
    """How many features there are of each class, the most first."""
    counted = table.column("feature_class").value_counts().to_pylist()
    return [
        (each["values"], each["counts"]) for each in sorted(counted, key=lambda each: (-each["counts"], each["values"] or ""))
    ]


def duty(spec: Spec, newest: datetime | None, now: datetime) -> dict[str, Any]:
    """Whether a layer is as current as its keeper promised: `state` is none, kept or late, `due` the day."""
    if not spec.update_days:
        return {"state": "none", "due": None}
    if newest is None:
        return {"state": "late", "due": None}
    due = newest + timedelta(days=spec.update_days)
    return {"state": "late" if due < now else "kept", "due": due}


def mended(city: Any, layer: str) -> dict[str, Any] | None:
    """What was mended at the last load: how many features by fault, and the features with their areas."""
    report = loading.report_of(city.place.state, layer)
    if report is None:
        return None
    counted = report.mended.column("fault").value_counts().to_pylist()
    faults = [(FAULTS.get(each["values"], (each["values"],) * 2), each["counts"]) for each in counted]
    shown = [
        {
            "row": row["source_row"],
            "fault": FAULTS.get(row["fault"], (row["fault"],) * 2),
            "before": _area(row["area_before"]),
            "after": _area(row["area_after"]),
        }
        for row in report.mended.slice(0, MOST_ROWS).to_pylist()
    ]
    return {"report": report, "faults": faults, "shown": shown, "more": len(report.mended) > MOST_ROWS}


def difference(city: Any, spec: Spec, seen: Collection[str] | None, before: int, after: int) -> dict[str, Any] | None:
    """What became otherwise between two editions, measured in the district's plane; None where one is no more."""
    try:
        old, new = rows(city, spec, seen, before), rows(city, spec, seen, after)
    except (LetGo, LookupError):
        return None
    told = city.district.settings.get("space", {}).get("crs")
    found = editions.compared(old, new, crs.reference(told).crs if told else None)
    moved = [
        {
            "feature": row["feature"],
            "distance": f"{row['distance']:,.2f} m",
            "reach": f"{row['reach']:,.2f} m",
            "before": _area(row["area_before"]),
            "after": _area(row["area_after"]),
        }
        for row in found.moved.slice(0, MOST_ROWS).to_pylist()
    ]
    return {
        "found": found,
        "added": found.added[:MOST_ROWS],
        "removed": found.removed[:MOST_ROWS],
        "moved": moved,
        "changed": found.changed.slice(0, MOST_ROWS).to_pylist(),
        "most": MOST_ROWS,
    }


def _area(value: float | None) -> str:
    return "—" if value is None or value == 0 else f"{value:,.1f} m²"


def theme_of(spec: Spec) -> tuple[str, str]:
    """The theme of a layer in both languages."""
    return THEMES.get(spec.theme, (spec.theme, spec.theme))
