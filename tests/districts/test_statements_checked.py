"""The checker over the sample's statements: every finding was read, most are true, and seeded errors are found.

The readings and their bars stand in docs/evidence-precision.md.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from scicity.domains.evidence.golden.small_report import COLUMNS, rules
from scicity.domains.evidence.methods.checking import findings
from scicity.kernel.district import District, typed_rows
from scicity.kernel.files import read_csv
from scicity.kernel.problems import Problems
from scicity.kernel.tables import Catalog, discover
from tests.districts.seeded_errors import KINDS, PLACES, seeded

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "districts" / "future-science-city"
READING = re.compile(r"^\| `([^`]+)` \| (true|open|false) \| (.+) \|$", re.MULTILINE)
PRECISION, FOUND, FOUND_IN_TEXT, FALSE_ALARMS = 0.8, 0.8, 0.7, 0.05
COUNT = 300
pytestmark = pytest.mark.sample


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    """The sample's statements, lines and rules."""
    problems = Problems()
    district = District.open(SAMPLE, problems)
    declared = discover().tables
    catalog = Catalog([declared["district.zone"], declared["indicators.document_line"]])
    sources = district.sources(catalog, problems)
    source = declared["indicators.statement"]
    cells = read_csv(SAMPLE / "statements" / "report.csv", "report.csv", source, problems)
    rows = typed_rows(cells, "report.csv", source, district.calendar, problems)
    problems.refuse()
    lines: dict[str, dict[int, str]] = defaultdict(dict)
    for line in sources["indicators.document_line"].to_pylist():
        lines[line["document"]][line["line"]] = line["text"]
    kept = [{name: row[name] for name in COLUMNS} for row in rows]
    return {"rows": kept, "lines": lines, "rules": rules(sources["district.zone"].to_pylist())}


def found(report: dict[str, Any], rows: Any = None, lines: Any = None) -> list[dict[str, Any]]:
    return findings(report["rows"] if rows is None else rows, lines or report["lines"], report["rules"])


def readings() -> dict[str, str]:
    text = (ROOT / "docs" / "evidence-precision.md").read_text(encoding="utf-8")
    return {name: reading for name, reading, _ in READING.findall(text)}


def clean(report: dict[str, Any]) -> list[dict[str, Any]]:
    """The sample without the statements of findings that were read as true."""
    true = {name for name, reading in readings().items() if reading == "true"}
    wrong = {row["claim_id"] for row in found(report) if row["finding"] in true}
    return [row for row in report["rows"] if row["claim_id"] not in wrong]


def test_every_finding_of_the_sample_was_read_and_most_are_true(report):
    names = {row["finding"] for row in found(report)}
    read = readings()
    assert names - set(read) == set(), "a finding that nobody has read"
    assert set(read) - names == set(), "a reading of a finding that is no more"
    assert sum(read[name] == "true" for name in names) >= PRECISION * len(names)
    assert len(report["rows"]) == 492


def test_what_the_report_is_known_to_contradict_is_among_them(report):
    of = defaultdict(set)
    for row in found(report):
        of[row["finding"]].add(row["claim_id"])
    together = list(of.values())
    assert {"C010", "C069"} in together, "70 labelled buildings and 55 at the same date"
    assert {"C375", "C376", "C377", "C378"} in together, "three clusters above their total"


def test_no_rule_names_a_statement(report):
    folder = ROOT / "src" / "scicity" / "domains" / "evidence"
    ids = {row["claim_id"] for row in report["rows"]}
    for file in (*folder.glob("standards/*.csv"), *folder.glob("*.py"), *folder.glob("methods/*.py")):
        assert not ids & set(re.findall(r"\bC\d{3}\b", file.read_text(encoding="utf-8"))), file.name
    subjects = {row["subject_zh"] for row in report["rows"]} | {row["quote_zh"] for row in report["rows"]}
    for file in folder.glob("standards/*.csv"):
        cells = {cell for line in file.read_text(encoding="utf-8").splitlines() for cell in line.split(",") if len(cell) > 5}
        assert not cells & subjects, file.name


def test_the_clean_set_raises_few_alarms(report):
    rows = clean(report)
    named = {row["claim_id"] for row in found(report, rows)}
    assert len(rows) >= 400
    assert len(named) <= FALSE_ALARMS * len(rows)


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "count"), [(101, COUNT), (202, COUNT // 4)])
def test_seeded_errors_are_found(report, seed, count):
    hits = measured(report, seed, count)
    every = [hit for each in hits.values() for hit in each]
    in_text = [hit for (_, place), each in hits.items() if place == "text" for hit in each]
    assert len(every) == count
    assert {kind for kind, _ in hits} == set(KINDS)
    assert {place for _, place in hits} == set(PLACES)
    assert sum(every) >= FOUND * len(every)
    assert sum(in_text) >= FOUND_IN_TEXT * len(in_text)


def measured(report: dict[str, Any], seed: int, count: int = COUNT) -> dict[tuple[str, str], list[bool]]:
    """Which of so many seeded errors are found, by kind and place."""
    rows = clean(report)
    before = {(row["finding"], row["claims_digest"]) for row in found(report, rows)}
    hits = defaultdict(list)
    for one in seeded(rows, report["lines"], count, seed):
        after = [row for row in found(report, one.rows, one.lines) if (row["finding"], row["claims_digest"]) not in before]
        hits[one.kind, one.place].append(any(row["claim_id"] == one.claim for row in after))
    return hits


def test_the_findings_of_the_whole_sample_with_its_tables_are_those_that_were_read(shipped: Any) -> None:
    """Stand-ins beside the report's numbers are no measurement of them: they add no finding."""
    rows = shipped("future-science-city").figures.rows("evidence.finding", ["finding"])
    assert {row["finding"] for row in rows} == set(readings())
