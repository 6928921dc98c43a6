"""The registers of the reviews: parcels, the conditions bound to them, projects, forms of the steps, and the processes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from scicity.domains.reviews import bpmn, soundness
from scicity.domains.reviews.conditions import SUPPLIES
from scicity.kernel.files import text_of
from scicity.kernel.problems import Problems
from scicity.kernel.tables import source

REVIEW = ("verified", "unverified", "stand-in")
KINDS = ("mandatory", "optional")
COMPARATORS = (">=", "<=", "=", ">", "<", "text")
FIELDS = ("text", "number", "date", "choice", "yes", "document")


def _check_parcels(table: pa.Table, _: dict[str, pa.Table], problems: Problems) -> None:
    """A parcel names its framework and edition together: an edition alone is of nothing."""
    for row in table.to_pylist():
        if bool(row["framework"]) != bool(row["edition"]):
            where = (row["source_file"], row["source_row"], "edition")
            problems.add("value-missing", *where, found=row["edition"] or "", expected="framework and edition, or neither")


PARCEL = source(
    "reviews.parcel",
    path="registers/parcels.csv",
    columns=[
        *("parcel", "zone", "name_zh", "name_en", "supply_kind", "supplied_on", "framework", "edition", "area"),
        *("document", "review", "origin", "source"),
    ],
    optional=("framework", "edition", "area", "document", "source"),
    grain=["parcel"],
    references={"zone": "district.zone.zone"},
    choices={"supply_kind": SUPPLIES, "review": REVIEW},
    ranges={"area": (0, 1e9)},
    check=_check_parcels,
    title_zh="地块",
    title_en="Parcels",
    doc="Land that was supplied: by a covenant with who holds it already, or on the market; and the edition of the indicator "
    "system that was in force on that day, to which the parcel stays bound.",
)


def _check_conditions(table: pa.Table, tables: dict[str, pa.Table], problems: Problems) -> None:
    """A condition is of the edition of its parcel's day; a number is compared, a text is not."""
    editions = {row["parcel"]: row["edition"] for row in tables["reviews.parcel"].to_pylist()}
    for row in table.to_pylist():
        where = (row["source_file"], row["source_row"])
        of_parcel = editions.get(row["parcel"])
        if row["parcel"] in editions and row["edition"] != of_parcel:
            problems.add(
                "reference", *where, "edition", found=row["edition"], expected=f"the edition of the parcel, {of_parcel}"
            )
        if (row["comparator"] == "text") != (row["limit"] is None):
            problems.add(
                "value", *where, "limit", found=row["limit"], expected="a number, or none where the comparator is text"
            )


CONDITION = source(
    "reviews.condition",
    path="registers/planning_conditions.csv",
    columns=[
        *("parcel", "planning_condition", "condition_kind", "name_zh", "name_en", "promise_measure", "comparator", "limit"),
        *("symbol", "edition", "document", "review", "origin", "source"),
    ],
    optional=("promise_measure", "limit", "symbol", "edition", "source"),
    grain=["parcel", "planning_condition"],
    references={"parcel": "reviews.parcel.parcel"},
    choices={"condition_kind": KINDS, "comparator": COMPARATORS, "review": REVIEW},
    check=_check_conditions,
    title_zh="规划条件",
    title_en="Planning conditions",
    doc="What was attached to a parcel when it was supplied, in the conditions of supply or in the covenant: mandatory or "
    "optional, in the edition of that day, each with its document and whether anybody opened it.",
)

PROJECT = source(
    "reviews.project_register",
    path="registers/projects.csv",
    columns=["project", "parcel", "building", "name_zh", "name_en", "use", "floor_area", "origin", "source"],
    optional=("building", "use", "floor_area", "source"),
    grain=["project"],
    references={"parcel": "reviews.parcel.parcel", "building": "buildings.building.building"},
    ranges={"floor_area": (0, 1e8)},
    title_zh="项目登记",
    title_en="Projects of the register",
    doc="The building projects of the district's register, each on its parcel; `building` where it stands already.",
)


def _check_forms(table: pa.Table, _: dict[str, pa.Table], problems: Problems) -> None:
    """A choice has at least two choices; a measure that is promised is a number."""
    for row in table.to_pylist():
        where = (row["source_file"], row["source_row"])
        choices = [each.strip() for each in (row["choices"] or "").split(";") if each.strip()]
        if row["field_kind"] and (row["field_kind"] == "choice") != (len(choices) > 1):
            expected = "at least two, with semicolons between them, of a choice alone"
            problems.add("value", *where, "choices", found=row["choices"], expected=expected)
        if row["promise_measure"] and row["field_kind"] != "number":
            problems.add(
                "choice", *where, "field_kind", found=row["field_kind"], expected="number, where something is promised"
            )


FORM = source(
    "reviews.form_field",
    path="registers/review_forms.csv",
    columns=[
        *("review_form", "form_field", "field_order", "name_zh", "name_en", "field_kind", "symbol", "choices", "required"),
        *("promise_measure", "document", "review", "origin"),
    ],
    optional=("symbol", "choices", "promise_measure"),
    grain=["review_form", "form_field"],
    choices={"field_kind": FIELDS, "review": REVIEW},
    check=_check_forms,
    title_zh="表单",
    title_en="Forms",
    doc="What is asked for at a step: the fields of its form, in order, the documents that belong to it, and which of the "
    "numbers are promises that the project is held to in operation.",
)


def _parse_process(file: Path, place: str, problems: Problems) -> list[dict[str, Any]]:
    text = text_of(file.read_bytes(), place, problems)
    process = None if text is None else bpmn.read(text, place, problems)
    if process is None:
        return []
    soundness.check(process, place, problems)
    return [
        {
            "process": process.process,
            "process_zh": process.name_zh,
            "process_en": process.name_en,
            "process_step": node.node,
            "name_zh": node.name_zh,
            "name_en": node.name_en,
            "stage": node.stage,
            "party": node.party,
            "step_act": node.act,
            "days_allowed": node.days or None,
            "reviewers": node.reviewers or None,
            "review_form": node.form,
            "gaps_allowed": node.gaps,
            "source_row": node.line,
        }
        for node in process.steps
    ]


def _check_processes(table: pa.Table, tables: dict[str, pa.Table], problems: Problems) -> None:
    """A process is in one file, and the forms that its steps name have fields."""
    forms = set(tables["reviews.form_field"].column("review_form").to_pylist())
    files: dict[str, str] = {}
    for row in table.to_pylist():
        where = (row["source_file"], row["source_row"])
        if files.setdefault(row["process"], row["source_file"]) != row["source_file"]:
            expected = f"another id; {files[row['process']]} has it already"
            problems.add("key-twice", *where, "process", found=row["process"], expected=expected)
        if row["review_form"] and row["review_form"] not in forms:
            problems.add(
                "reference", *where, "sc:form", found=row["review_form"], expected="a form of registers/review_forms.csv"
            )


PROCESS = source(
    "reviews.process_step",
    path="processes/*.bpmn",
    columns=[
        *("process", "process_zh", "process_en", "process_step", "name_zh", "name_en", "stage", "party", "step_act"),
        *("days_allowed", "reviewers", "review_form", "gaps_allowed"),
    ],
    optional=("days_allowed", "reviewers", "review_form", "gaps_allowed"),
    grain=["process", "process_step"],
    parse=_parse_process,
    check=_check_processes,
    title_zh="流程步骤",
    title_en="Steps of the processes",
    doc="The steps of each process of the district, as its BPMN 2.0 file draws them: whose turn it is, and how many days.",
)
