"""The rows of the clock tables [d]: visits of steps as Arrow tables to `clock`. Source: as in `clock`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pyarrow as pa

from scicity.domains.reviews.methods import clock

Rows = list[dict[str, Any]]


def of_cases(stages: pa.Table, cases: pa.Table, kinds: pa.Table, schema: pa.Schema) -> pa.Table:
    """The days [d] of each case, of the tables `reviews.stage`, `reviews.case` and `energy.day_kind`."""
    told = []
    for case, visits, works in _of(stages, cases, kinds):
        row = {name: case[name] for name in ("review_case", "project", "parcel", "case_state")} | _told(visits, works)
        closed = case["closed_on"] is not None
        told.append(row | {"in_time": row["late_steps"] == 0 if closed else None})
    return pa.Table.from_pylist(told, schema=schema)


def of_stages(stages: pa.Table, cases: pa.Table, kinds: pa.Table, schema: pa.Schema) -> pa.Table:
    """The days [d] of each stage of each case; tables as in `of_cases`."""
    told = []
    for case, visits, works in _of(stages, cases, kinds):
        for stage in dict.fromkeys(visit["stage"] for visit in visits):
            row = {"review_case": case["review_case"], "stage": stage, "project": case["project"]}
            told.append(row | _told([visit for visit in visits if visit["stage"] == stage], works))
    return pa.Table.from_pylist(told, schema=schema)


def _of(
    stages: pa.Table, cases: pa.Table, kinds: pa.Table
) -> Iterator[tuple[dict[str, Any], Rows, Callable[[date], bool] | None]]:
    works = clock.working_days({row["day"]: row["day_kind"] for row in kinds.to_pylist()})
    of_case: dict[str, Rows] = {}
    for visit in stages.to_pylist():
        of_case.setdefault(visit["review_case"], []).append(visit)
    for case in cases.to_pylist():
        yield case, sorted(of_case.get(case["review_case"], []), key=lambda visit: visit["visit"]), works


def _told(visits: Rows, works: Callable[[date], bool] | None) -> dict[str, Any]:
    """What is known of visits [d]: an open one counts up to the last day on which anything happened."""
    last = max((visit["left_on"] or visit["entered_on"] for visit in visits), default=None)
    counted = [
        clock.Visit(
            visit["party"], visit["entered_on"], visit["left_on"] or max(last or visit["entered_on"], visit["entered_on"])
        )
        for visit in visits
    ]
    found = clock.counted(counted, works)
    late = clock.late_steps(
        (each, visit["due_on"]) for each, visit in zip(counted, visits, strict=True) if visit["left_on"] is not None
    )
    return {
        "authority_days": found.authority,
        "applicant_days": found.applicant,
        "elapsed_days": found.elapsed,
        "day_basis": "calendar" if works is None else "working",
        "late_steps": late,
    }
