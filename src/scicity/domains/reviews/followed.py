"""The tables of cases: what people did, published from the records; and whose days it took."""

from __future__ import annotations

from typing import Any

import ibis
import pyarrow as pa

from scicity.domains.reviews.methods import days
from scicity.kernel.computing import Slot
from scicity.kernel.tables import Read, derived, recorded

project_entered = recorded(
    "reviews.project_entered",
    columns=["project", "parcel", "building", "name_zh", "name_en", "use", "floor_area"],
    grain=["project"],
    title_zh="录入的项目",
    title_en="Projects that were entered",
    doc="Projects that an applicant or an officer entered on a page, on a parcel of the register.",
)

case = recorded(
    "reviews.case",
    columns=[
        *("review_case", "project", "parcel", "process", "process_version", "supply_kind", "case_state"),
        *("opened_on", "closed_on", "published"),
    ],
    grain=["review_case"],
    title_zh="评审案件",
    title_en="Cases",
    doc="Each project's way through a process: where it is, and since when. Who acted is in the audit trail, not here.",
)

stage = recorded(
    "reviews.stage",
    columns=[
        *(
            "review_case",
            "visit",
            "process_step",
            "stage",
            "party",
            "entered_on",
            "left_on",
            "due_on",
            "days_allowed",
            "outcome",
        ),
    ],
    grain=["review_case", "visit"],
    title_zh="步骤经过",
    title_en="Visits of steps",
    doc="Each time that a step of a case was open: whose turn it was, from which day to which, and how it ended.",
)

act = recorded(
    "reviews.act",
    columns=["review_case", "act_number", "review_act", "process_step", "stage", "party", "outcome", "acted_on"],
    grain=["review_case", "act_number"],
    title_zh="评审行为",
    title_en="Acts",
    doc="What was done in a case, in order: submitted, opinion, decided, appealed … Words and names stand in the records.",
)

promise = recorded(
    "reviews.promise",
    columns=[
        *("review_case", "project", "building", "promise_measure", "promise_value", "symbol", "stage", "decided_on"),
    ],
    grain=["review_case", "promise_measure"],
    title_zh="评审中的承诺",
    title_en="Promises made in reviews",
    doc="The numbers that an applicant promised in the form of a step; a later stage of the case replaces an earlier one's.",
)

_PROJECT = ["project", "parcel", "building", "name_zh", "name_en", "use", "floor_area"]


@derived(
    reads={
        "register": Read("reviews.project_register", columns=(*_PROJECT, "origin", "source")),
        "entered": Read("reviews.project_entered", columns=tuple(_PROJECT)),
        "parcels": Read("reviews.parcel", columns=("parcel", "zone")),
    },
    columns=[*_PROJECT, "zone", "origin", "source"],
    grain=["project"],
    title_zh="项目",
    title_en="Projects",
)
def project(register: Any, entered: Any, parcels: Any) -> Any:
    """All projects: those of the register, and those that were entered on a page and that the register does not hold."""
    fresh = entered.anti_join(register, "project").mutate(origin=ibis.literal("manual"), source=ibis.null("string"))
    columns = [*_PROJECT, "origin", "source"]
    both = register.select(*columns).union(fresh.select(*columns), distinct=False)
    return both.left_join(parcels, "parcel").drop("parcel_right")


_CLOCK = ["authority_days", "applicant_days", "elapsed_days", "day_basis", "late_steps"]
_READS = {
    "stages": Read(
        "reviews.stage",
        columns=("review_case", "visit", "process_step", "stage", "party", "entered_on", "left_on", "due_on"),
    ),
    "cases": Read("reviews.case", columns=("review_case", "project", "parcel", "case_state", "closed_on")),
    "kinds": Read("energy.day_kind", columns=("day", "day_kind")),
}


@derived(
    reads=_READS,
    columns=["review_case", "project", "parcel", "case_state", *_CLOCK, "in_time"],
    grain=["review_case"],
    by_partition=True,
    title_zh="案件用时",
    title_en="Days of the cases",
)
def clock(slot: Slot, stages: pa.Table, cases: pa.Table, kinds: pa.Table) -> pa.Table:
    """Whose days passed in each case: the authority's and the applicant's, which add up to all elapsed days.

    Working days by the register of kinds of days where the district has one, calendar days otherwise. What is open still counts
    from the next act on. `in_time`: none of the authority's steps ended behind its day, once the case is closed. Method:
    `methods/clock.py`.
    """
    return days.of_cases(stages, cases, kinds, clock.schema)


@derived(
    reads=_READS,
    columns=["review_case", "stage", "project", *_CLOCK],
    grain=["review_case", "stage"],
    by_partition=True,
    title_zh="阶段用时",
    title_en="Days of the stages",
)
def stage_clock(slot: Slot, stages: pa.Table, cases: pa.Table, kinds: pa.Table) -> pa.Table:
    """Whose days passed in each stage of a case, as in `clock`; stages that ran side by side do not add up to the case."""
    return days.of_stages(stages, cases, kinds, stage_clock.schema)


@derived(
    reads={
        "clocks": Read("reviews.clock", columns=("review_case", "parcel", "case_state", "in_time", "authority_days")),
        "parcels": Read("reviews.parcel", columns=("parcel", "zone")),
    },
    columns=["zone", "cases_decided", "cases_in_time", "in_time_share", "mean_authority_days"],
    grain=["zone"],
    title_zh="按期评审",
    title_en="Reviewed in time",
)
def timeliness(clocks: Any, parcels: Any) -> Any:
    """How many of the closed cases the authority kept to its days in: by zone, and `district` for all of them."""
    closed = clocks.filter(clocks.in_time.notnull()).inner_join(parcels, "parcel").select("zone", "in_time", "authority_days")
    whole = closed.filter(closed.zone != "district").mutate(zone=ibis.literal("district"))
    rows = closed.filter(closed.zone != "district").union(whole, distinct=False)
    rows = rows.union(closed.filter(closed.zone == "district"), distinct=False)
    return rows.group_by("zone").agg(
        cases_decided=rows.in_time.count(),
        cases_in_time=rows.in_time.cast("int64").sum().cast("int64"),
        in_time_share=rows.in_time.cast("float64").mean() * 100,
        mean_authority_days=rows.authority_days.cast("float64").mean(),
    )
