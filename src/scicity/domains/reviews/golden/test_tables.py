"""The registers of the reviews and the tables over cases: known answers, and what is refused of a district's folder."""

from __future__ import annotations

from datetime import date

import pytest

from scicity.domains.reviews import tables
from scicity.domains.reviews.golden.small_reviews import CONDITIONS, FORMS, PARCELS, SmallReviews
from scicity.domains.reviews.golden.test_process import SMALL
from scicity.kernel.problems import Refused

PLEDGED = SMALL.replace('sc:act="submit"', 'sc:act="submit" sc:form="pledge"')


def test_registers_and_processes_are_tables(tmp_path):
    found = SmallReviews(tmp_path, {"processes/p.bpmn": PLEDGED})
    found.load()
    rows = {row["process_step"]: row for row in found.city.figures.rows("reviews.process_step")}
    assert (rows["apply"]["party"], rows["apply"]["review_form"], rows["look"]["reviewers"]) == ("applicant", "pledge", 1)
    (row,) = found.city.figures.rows("reviews.project", where={"project": "p-1"})
    assert (row["zone"], row["origin"], row["building"]) == ("east", "stand-in", "b1")
    kinds = [row["condition_kind"] for row in found.city.figures.rows("reviews.condition", order=["planning_condition"])]
    assert kinds == ["mandatory", "optional"]


def test_a_district_without_reviews_has_empty_tables(tmp_path):
    found = SmallReviews(tmp_path)
    for name in ("parcels", "planning_conditions", "projects", "review_forms"):
        (found.folder / "registers" / f"{name}.csv").unlink()
    found.load()
    for name in ("parcel", "condition", "project", "process_step", "clock", "timeliness"):
        assert found.city.figures.rows(f"reviews.{name}") == []


@pytest.mark.parametrize(
    ("place", "text", "told"),
    [
        ("processes/p.bpmn", SMALL.replace("<bpmn:endEvent", "<bpmn:scriptTask", 1), "<scriptTask>"),
        ("processes/p.bpmn", '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + SMALL, "DOCTYPE"),
        ("processes/q.bpmn", PLEDGED, "processes/p.bpmn has it already"),
        ("processes/p.bpmn", PLEDGED.replace("pledge", "oath"), "a form of registers/review_forms.csv"),
        ("registers/parcels.csv", PARCELS.replace("covenant", "gift"), "one of covenant, market"),
        ("registers/parcels.csv", PARCELS.replace("old,2013", "old,"), "framework and edition, or neither"),
        (
            "registers/planning_conditions.csv",
            CONDITIONS.replace("2013,约定书", "2024,约定书", 1),
            "the edition of the parcel, 2013",
        ),
        ("registers/planning_conditions.csv", CONDITIONS.replace("<=,90", "text,90", 1), "none where the comparator is text"),
        ("registers/planning_conditions.csv", CONDITIONS.replace("mandatory", "maybe"), "one of mandatory, optional"),
        ("registers/review_forms.csv", FORMS.replace("1;2;3", "1"), "at least two"),
        (
            "registers/review_forms.csv",
            FORMS.replace("energy,2,能耗,Energy,number", "energy,2,能耗,Energy,text"),
            "expected number",
        ),
    ],
    ids=range(11),
)
def test_what_is_wrong_with_a_folder_is_told(tmp_path, place, text, told):
    found = SmallReviews(tmp_path, {"processes/p.bpmn": PLEDGED, place: text})
    with pytest.raises(Refused, match=told) as refused:
        found.load()
    assert any(problem.file == place for problem in refused.value.problems)


def _case(number: str, parcel: str, state: str, closed: date | None) -> dict:
    told = {"review_case": number, "project": "p", "parcel": parcel, "process": "p", "process_version": 1}
    return {
        **told,
        "supply_kind": "market",
        "case_state": state,
        "opened_on": date(2026, 3, 2),
        "closed_on": closed,
        "published": True,
    }


def _visit(number: str, visit: int, party: str, begin: int, end: int, due: int) -> dict:
    told = {"review_case": number, "visit": visit, "process_step": "look", "stage": "scheme", "party": party}
    days = {name: date(2026, 3, day) for name, day in (("entered_on", begin), ("left_on", end), ("due_on", due))}
    return {**told, **days, "days_allowed": 5, "outcome": "passed"}


def test_the_share_reviewed_in_time_counts_closed_cases_by_zone_and_in_the_district(tmp_path):
    found = SmallReviews(tmp_path, kinds={date(2026, 3, 9): "rest"})
    found.load()
    cases = [_case("1", "a-1", "passed", date(2026, 3, 12)), _case("2", "b-1", "refused", date(2026, 3, 6))]
    found.put(tables.case, [*cases, _case("3", "b-1", "open", None)])
    found.put(
        tables.stage,
        [
            _visit("1", 1, "applicant", 2, 4, 30),
            _visit("1", 2, "authority", 4, 12, 11),
            _visit("2", 1, "authority", 2, 6, 9),
            _visit("3", 1, "authority", 2, 20, 3),
        ],
    )
    found.city.compute()
    clocks = {row["review_case"]: row for row in found.city.figures.rows("reviews.clock")}
    told = [(clocks[key]["authority_days"], clocks[key]["applicant_days"], clocks[key]["in_time"]) for key in "123"]
    assert told == [(5, 2, False), (4, 0, True), (13, 0, None)]
    assert {row["day_basis"] for row in clocks.values()} == {"working"}
    rows = {row["zone"]: row for row in found.city.figures.rows("reviews.timeliness")}
    assert [(rows[z]["cases_decided"], rows[z]["in_time_share"]) for z in ("district", "east", "west")] == [
        (2, 50),
        (1, 0),
        (1, 100),
    ]
    assert rows["district"]["mean_authority_days"] == 4.5


def test_an_entered_project_stands_beside_the_register_and_never_in_its_place(tmp_path):
    found = SmallReviews(tmp_path)
    found.load()
    entered = {"building": None, "name_zh": "新", "name_en": "New", "use": None, "floor_area": 5.0}
    found.put(
        tables.project_entered,
        [{"project": "p-1", "parcel": "b-1", **entered}, {"project": "p-9", "parcel": "b-1", **entered}],
    )
    found.city.compute()
    rows = {row["project"]: row for row in found.city.figures.rows("reviews.project")}
    assert (rows["p-1"]["parcel"], rows["p-9"]["origin"], rows["p-9"]["zone"]) == ("a-1", "manual", "west")
