"""Editions, revisions, duties, assessments and values entered by hand, as the tables of a small district have them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from scicity.domains.indicators import tables
from scicity.domains.indicators.framework import contents
from scicity.domains.indicators.golden.small_district import FRAMEWORK, Small, declare
from scicity.domains.indicators.methods.duty import due_on, periods, state
from scicity.domains.indicators.methods.edition import Edition, chained, difference, in_force
from scicity.domains.indicators.methods.revision import faults
from scicity.kernel.computing import Computing
from scicity.kernel.district import District
from scicity.kernel.lineage import Figures
from scicity.kernel.problems import Problems

PLAN = FRAMEWORK.replace(
    "  source: report.txt\nindicators:",
    "  source: report.txt\n  system: district\n  edition: '2019'\n  valid_from: 2019-01-01\n  horizon: 2025\nindicators:",
).replace(
    "    direction: higher\n    source: report.txt, line 3\n",
    "    direction: higher\n    natural_limit: 900000\n    responsible: {zh: 科委, en: Science office}\n    frequency: yearly\n"
    "    due_after: 90\n    duty_from: 2022\n    duty_origin: document\n    definition: {zh: 面积, en: area}\n"
    "    iso37101_issue: innovation_creativity_and_research\n    iso37101_purposes: [attractiveness]\n"
    "    crosswalks: {u4ssc: ['EC: 3.1'], sdg: ['9.5.1']}\n    source: report.txt, line 3\n",
)
OTHER = """\
framework:
  id: next
  name: {zh: 新一代, en: Next}
  review: verified
  source: report.txt
  system: district
  edition: '2030'
  valid_from: 2030-01-01
  predecessor: plan
  expected_indicators: 7
indicators:
  - uses: incubators
    dimension: {zh: 创新, en: Innovation}
    source: report.txt
    sdg_target: '9.5'
    frequency: quarterly
    due_after: 30
    duty_from: 2030
    responsible: {zh: 科委}
    targets:
      - {zone: east, year: 2035, value: 500000, document: plan 2040, review: verified}
"""
FILES = {"frameworks/plan.yaml": PLAN, "frameworks/next.yaml": OTHER}


@pytest.fixture(autouse=True)
def _declared(monkeypatch: pytest.MonkeyPatch) -> None:
    declare(monkeypatch)


def recorded(small: Small, **rows: list[dict[str, Any]]) -> Figures:
    """Puts records into the lake as `records` does, and brings up to date what depends on them."""
    district = District.open(small.folder, Problems())
    computing = Computing(small.lake, small.catalog, district.calendar)
    for name, told in rows.items():
        table = small.catalog[f"indicators.{name}"]
        placed = [row | {"source_file": f"records/{name}", "source_row": number} for number, row in enumerate(told, start=1)]
        computing.put(table, pa.Table.from_pylist(placed, schema=table.schema))
    small.done = computing.bring_up_to_date()
    return Figures(computing)


def revision(**more: Any) -> dict[str, Any]:
    plain = {"proposal": "r1", "proposal_title": "t", "framework": "plan", "edition": "2019-1", "revision_stage": "adopted"}
    days = {"consulted_from": date(2022, 1, 1), "consulted_to": date(2022, 2, 1), "decided_on": date(2022, 3, 1)}
    return {**plain, **days, "effective_on": date(2022, 4, 1), "document": "minute 3", "reason": "as consulted", **more}


def change(**more: Any) -> dict[str, Any]:
    plain = {"proposal": "r1", "indicator": "incubators", "zone": "east", "year": 2023, "revision_change": "target"}
    return {**plain, "value": 350_000.0, "value_high": None, "revision_words": None, **more}


def test_the_files_are_in_order(tmp_path: Path) -> None:
    assert Small(tmp_path, FILES).problems() == []


@pytest.mark.parametrize(
    ("old", "new", "code", "field"),
    [
        ("valid_from: 2019-01-01", "valid_from: soon", "value", "framework.valid_from"),
        ("horizon: 2025", "horizon: later", "value", "framework.horizon"),
        ("valid_from: 2019-01-01", "valid_from: 2019-01-01\n  valid_to: 2018-01-01", "value", "framework.valid_to"),
        ("frequency: yearly", "frequency: weekly", "choice", "incubators.frequency"),
        ("    due_after: 90\n", "", "field-missing", "incubators.due_after"),
        ("duty_origin: document", "duty_origin: guess", "choice", "incubators.duty_origin"),
        ("[attractiveness]", "[beauty]", "choice", "incubators.iso37101_purposes"),
        ("['9.5.1']", "['<b>']", "value", "crosswalks.sdg"),
        ("    iso37101_issue: innovation_creativity_and_research\n", "", "field-missing", "incubators.iso37101_purposes"),
    ],
)
def test_faults_of_a_framework_name_their_field(old: str, new: str, code: str, field: str) -> None:
    assert PLAN.count(old) == 1
    found = contents(PLAN.replace(old, new).encode(), "plan.yaml").problems
    told = [(problem.code, problem.field) for part in found.values() for problem in part]
    assert any(one == code and str(name).endswith(field) for one, name in told), told


def test_what_stands_twice_is_told_once(tmp_path: Path) -> None:
    named = Small(tmp_path / "a", {"frameworks/plan.yaml": FRAMEWORK.replace("  - id: daily-use\n", "  - id: intensity\n")})
    assert [(problem.code, problem.field) for problem in named.problems()] == [("key-twice", "indicator")]
    target = "      - {year: 2030, value: 5, document: plan 2035, review: unverified}\n"
    twice = Small(tmp_path / "b", {"frameworks/plan.yaml": FRAMEWORK.replace(target, target + target)})
    assert [problem.code for problem in twice.problems()] == ["key-twice"]


def test_what_uses_an_unknown_indicator_is_refused(tmp_path: Path) -> None:
    problems = Small(tmp_path, FILES | {"frameworks/next.yaml": OTHER.replace("uses: incubators", "uses: nothing")}).problems()
    assert {(problem.code, problem.field) for problem in problems} == {("reference", "indicator")}


def test_one_value_stands_in_two_frameworks(tmp_path: Path) -> None:
    figures = Small(tmp_path, FILES).load()
    rows = figures.rows("indicators.assessment", where={"indicator": "incubators", "assessment_method": "unsd", "year": 2023})
    assert [(row["framework"], row["edition"], row["target"], row["value"]) for row in rows] == [
        ("next", "2030", 500_000.0, 400_000.0),
        ("plan", "2019", 400_000.0, 400_000.0),
    ]
    walks = figures.rows("indicators.crosswalk", order=["framework", "crosswalk_scheme", "crosswalk_code"])
    assert [(row["framework"], row["crosswalk_scheme"], row["crosswalk_code"]) for row in walks] == [
        ("next", "sdg", "9.5"),
        ("plan", "iso37101", "attractiveness/innovation_creativity_and_research"),
        ("plan", "sdg", "9.5.1"),
        ("plan", "u4ssc", "EC: 3.1"),
    ]


def test_editions_end_where_the_next_begins(tmp_path: Path) -> None:
    small = Small(tmp_path, FILES)
    small.load()
    figures = recorded(small, revision=[revision()], revision_item=[change()])
    rows = figures.rows("indicators.edition", order=["valid_from"])
    local = [(row["framework"], row["edition"], row["valid_from"], row["valid_to"]) for row in rows]
    begins = [
        datetime(2018, 12, 31, 16, tzinfo=UTC),
        datetime(2022, 3, 31, 16, tzinfo=UTC),
        datetime(2029, 12, 31, 16, tzinfo=UTC),
    ]
    assert [(one, other) for one, other, *_ in local] == [("plan", "2019"), ("plan", "2019-1"), ("next", "2030")]
    assert [each[2] for each in local] == begins
    assert [each[3] for each in local] == [*begins[1:], None]


def test_an_adopted_target_counts_from_its_day_and_the_old_one_before(tmp_path: Path) -> None:
    small = Small(tmp_path, FILES)
    before = small.load()
    key = {"framework": "plan", "indicator": "incubators", "zone": "east", "assessment_method": "u4ssc"}

    def targets(figures: Figures) -> list[tuple[int, str, float]]:
        rows = figures.rows("indicators.assessment", where=key, order=["year"])
        return [(row["year"], row["edition"], row["target"]) for row in rows]

    assert targets(before) == [(2022, "2019", 400_000.0), (2023, "2019", 400_000.0)]
    waiting = recorded(small, revision=[revision(revision_stage="consulted")], revision_item=[change()])
    assert targets(waiting) == targets(before)  # what is not adopted changes nothing
    assert [done.table for done in small.done if done.computed and done.table == "indicators.assessment"] == []
    later = revision(effective_on=date(2023, 6, 1))
    after = recorded(small, revision=[later])
    assert targets(after) == [(2022, "2019", 400_000.0), (2023, "2019-1", 350_000.0)]
    standing = after.rows("indicators.status", where={"indicator": "incubators", "zone": "east"}, order=["year"])
    assert [(row["year"], row["edition"], row["target"], row["distance"]) for row in standing] == [
        (2022, "2019", 400_000.0, 79_000.0),  # of the plan itself: what another edition of the system asks for is not its
        (2023, "2019-1", 350_000.0, 0.0),
    ]
    why = after.why("indicators.status.distance/indicator=incubators/zone=east/year=2023/origin=reported")
    assert {each.name: each.total for each in why.inputs}["promise"] == 1
    rows = after.rows("indicators.edition_target", where={"indicator": "incubators"}, order=["edition"])
    assert [(row["edition"], row["value"], row["edition_change"]) for row in rows] == [
        ("2019", 400_000.0, "kept"),
        ("2019-1", 350_000.0, "changed"),
        ("2030", 500_000.0, "kept"),
    ]
    opened = after.why(
        "indicators.assessment.score/framework=plan/indicator=incubators/zone=east/year=2023/origin=reported"
        "/assessment_method=u4ssc"
    )
    assert {each.name: each.total for each in opened.inputs}["promise"] == 1


def test_indicators_are_added_withdrawn_and_defined_anew(tmp_path: Path) -> None:
    small = Small(tmp_path, FILES)
    small.load()
    items = [
        change(revision_change="withdrawn", year=0, value=None),
        change(indicator="intensity", revision_change="definition", year=0, value=None, revision_words="per gross area"),
    ]
    figures = recorded(small, revision=[revision()], revision_item=items)
    rows = figures.rows("indicators.edition_indicator", where={"framework": "plan"}, order=["edition", "indicator"])
    assert [(row["edition"], row["indicator"], row["edition_change"], row["revision_words"]) for row in rows] == [
        *(("2019", name, "kept", None) for name in ("daily-use", "incubators", "intensity")),
        ("2019-1", "daily-use", "kept", None),
        ("2019-1", "intensity", "changed", "per gross area"),
    ]
    kept = figures.rows("indicators.edition_target", where={"edition": "2019-1"})
    assert {row["indicator"] for row in kept} == {"intensity"}
    assert {row["progress"] for row in figures.rows("indicators.status", where={"indicator": "incubators"})} == {"no_target"}


def test_a_value_entered_by_hand_stands_beside_the_others_and_delivers(tmp_path: Path) -> None:
    small = Small(tmp_path, FILES)
    small.load()
    entered = {
        "indicator": "incubators",
        "zone": "district",
        "value": 410_000.0,
        "document": "letter 7",
        "responsible_zh": "科委",
    }
    figures = recorded(
        small,
        manual_value=[{**entered, "year": 2024, "duty_period": "2024"}, {**entered, "year": 2030, "duty_period": "2030-Q2"}],
    )
    rows = figures.rows("indicators.value", where={"indicator": "incubators", "origin": "manual"})
    assert [(row["year"], row["value"], row["kind"], row["document"]) for row in rows] == [
        (2024, 410_000.0, "number", "letter 7")
    ]
    duty = figures.rows("indicators.duty", where={"framework": "plan"}, order=["duty_period"])
    assert [(row["duty_period"], row["due_on"], row["delivered"], row["delivered_origin"]) for row in duty] == [
        ("2022", date(2023, 3, 31), False, None),  # what is printed is of the zone east, not of the whole
        ("2023", date(2024, 3, 30), False, None),
        ("2024", date(2025, 3, 31), True, "manual"),
        ("2025", date(2026, 3, 31), False, None),
    ]
    parts = {
        row["duty_period"]: row["delivered"]
        for row in figures.rows("indicators.duty", where={"framework": "next", "year": 2030})
    }
    assert parts == {"2030-Q1": False, "2030-Q2": True, "2030-Q3": False, "2030-Q4": False}
    opened = figures.why("indicators.value.value/indicator=incubators/zone=district/year=2024/origin=manual")
    assert {each.name: each.total for each in opened.inputs}["manual"] == 1


def test_where_methods_flip_is_a_row(tmp_path: Path) -> None:
    figures = Small(tmp_path, FILES).load()
    rows = figures.rows("indicators.verdict_flip", where={"indicator": "incubators", "framework": "plan"}, order=["year"])
    # 2022 is one number, 80 % of the target: U4SSC alone judges it. 2023 is a bound that meets it whatever it is.
    assert [(row["year"], row["agreement"], row["methods_judged"]) for row in rows] == [(2022, "single", 1), (2023, "agree", 7)]
    assert "statcan: achieved" in rows[1]["verdicts"]


SYSTEM = [
    Edition("s", "a", "2013", date(2013, 1, 1), date(2018, 1, 1)),
    Edition("s", "b", "2019", date(2019, 1, 1)),
    Edition("s", "c", "2024", date(2024, 6, 1)),
    Edition("other", "d", "1"),
]


@pytest.mark.parametrize(
    ("day", "edition"),
    [
        (date(2012, 12, 31), None),
        (date(2013, 1, 1), "2013"),
        (date(2018, 6, 1), None),
        (date(2024, 5, 31), "2019"),
        (date(2024, 6, 1), "2024"),
        (date(2090, 1, 1), "2024"),
    ],
)
def test_land_keeps_the_edition_of_its_day(day: date, edition: str | None) -> None:
    found = in_force(chained(SYSTEM[:3]), "s", day)
    assert (found.edition if found else None) == edition


def test_an_edition_without_a_beginning_always_was() -> None:
    assert in_force(SYSTEM, "other", date(1900, 1, 1)) == SYSTEM[3]


def test_the_difference_of_two_editions() -> None:
    before = {"a": {"value": 1, "note": "x"}, "b": {"value": 2, "note": "x"}, "c": {"value": 3, "note": "x"}}
    after = {"b": {"value": 2, "note": "y"}, "c": {"value": 4, "note": "x"}, "d": {"value": 5, "note": "x"}}
    assert difference(before, after, ["value"]) == [
        ("a", "withdrawn", []),
        ("b", "same", []),
        ("c", "changed", [("value", 3, 4)]),
        ("d", "added", []),
    ]


def test_periods_and_days_of_duties() -> None:
    assert periods("yearly", 2024) == [("2024", date(2025, 1, 1))]
    assert [name for name, _ in periods("half-yearly", 2024)] == ["2024-H1", "2024-H2"]
    assert periods("quarterly", 2024)[0] == ("2024-Q1", date(2024, 4, 1))
    assert periods("monthly", 2024)[-1] == ("2024-12", date(2025, 1, 1))
    assert due_on(date(2025, 1, 1), 120) == date(2025, 4, 30)
    due = date(2025, 4, 30)
    assert [state(due, False, day) for day in (date(2025, 3, 1), date(2025, 2, 28), due, date(2025, 5, 1))] == [
        "due",
        "ahead",
        "due",
        "overdue",
    ]
    assert state(due, True, date(2026, 1, 1)) == "delivered"


DAY = date(2026, 1, 10)


@pytest.mark.parametrize(
    ("before", "stage", "days", "reason", "refused"),
    [
        (None, "proposed", (None, None, None, None), "", set()),
        (None, "adopted", (DAY, DAY, DAY, DAY), "x", {"stage"}),
        ("proposed", "consulted", (DAY, DAY, None, None), "", set()),
        ("proposed", "consulted", (DAY, None, None, None), "", {"consulted_to"}),
        ("proposed", "adopted", (DAY, DAY, DAY, DAY), "x", {"stage"}),
        ("consulted", "adopted", (DAY, DAY, DAY, DAY), "x", set()),
        ("consulted", "adopted", (DAY, DAY, DAY, DAY), " ", {"reason"}),
        ("consulted", "adopted", (DAY, DAY, date(2026, 1, 9), DAY), "x", {"decided_on"}),
        ("consulted", "adopted", (DAY, DAY, DAY, date(2026, 1, 9)), "x", {"valid_from"}),
        ("consulted", "rejected", (DAY, DAY, DAY, None), "x", set()),
        ("proposed", "withdrawn", (None, None, None, None), "x", set()),
        ("adopted", "withdrawn", (DAY, DAY, DAY, DAY), "x", {"stage"}),
        ("adopted", "adopted", (DAY, DAY, DAY, DAY), "x", {"stage"}),
        ("rejected", "proposed", (None, None, None, None), "x", {"stage"}),
    ],
)
def test_the_steps_of_a_revision(
    before: str | None, stage: str, days: tuple[date | None, ...], reason: str, refused: set[str]
) -> None:
    assert set(faults(before, stage, *days, reason)) == refused


def test_every_table_is_declared() -> None:
    names = {table.name for table in vars(tables).values() if hasattr(table, "grain")}
    assert {
        f"indicators.{name}" for name in ("edition", "edition_target", "crosswalk", "manual_value", "revision", "maturity")
    } <= names


def test_an_indicator_that_is_broken_down_by_zone_is_owed_of_each(tmp_path: Path) -> None:
    by_zone = PLAN.replace("    duty_origin: document\n", "    duty_origin: document\n    breakdowns: [use, zone]\n")
    small = Small(tmp_path, FILES | {"frameworks/plan.yaml": by_zone})
    small.load()
    entered = {"indicator": "incubators", "zone": "district", "year": 2024, "duty_period": "2024", "value": 410_000.0}
    figures = recorded(small, manual_value=[{**entered, "document": "letter 7", "responsible_zh": "科委"}])
    rows = figures.rows("indicators.duty", where={"framework": "plan"}, order=["duty_period", "zone"])
    assert [(row["zone"], row["duty_period"], row["delivered_origin"]) for row in rows] == [
        *(("district", "2022", None), ("east", "2022", "reported")),
        *(("district", "2023", None), ("east", "2023", "reported")),
        *(("district", "2024", "manual"), ("east", "2024", None)),
        *(("district", "2025", None), ("east", "2025", None)),
    ]
