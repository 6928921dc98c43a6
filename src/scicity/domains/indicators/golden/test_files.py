"""Everything that is wrong with frameworks and statements is told, each with its line."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from scicity.domains.indicators.framework import contents
from scicity.domains.indicators.golden.small_district import FRAMEWORK, REPORT, STATEMENTS, Small, declare

FILE = "frameworks/plan.yaml"


@pytest.fixture(autouse=True)
def _declared(monkeypatch: pytest.MonkeyPatch) -> None:
    declare(monkeypatch)


def test_the_small_district_is_in_order(tmp_path: Path) -> None:
    assert Small(tmp_path).problems() == []


def test_the_example_of_the_readme_is_in_order() -> None:
    text = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    block = text.split("## The file of a framework")[1].split("\n`zone` is")[0]
    found = contents(textwrap.dedent(block).encode(), "README.md")
    assert [str(problem) for problems in found.problems.values() for problem in problems] == []
    assert [len(found.rows[part]) for part in ("framework", "indicator", "reported", "target")] == [1, 2, 2, 1]
    assert [spec.table for spec in found.specs] == ["energy.zone_yearly"]


FAULTS = [  # what is replaced by what, then code, line, field (its end) and found (a part of it)
    ("  id: plan\n", "", "field-missing", 2, "framework.id", ""),
    ("  id: plan\n", "  id: Plan A\n", "value", 2, "framework.id", "Plan A"),
    ("  review: unverified\n", "  review: maybe\n", "choice", 5, "framework.review", "maybe"),
    ("name: {zh: 规划指标, en: Plan}", "name: 规划指标", "value", 3, "framework.name", "规划指标"),
    ("name: {zh: 规划指标, en: Plan}", "name: {zh: 规划指标}", "field-missing", 3, "name.en", ""),
    ("    unit: kWh\n", "    units: kWh\n", "field-unknown", 24, "daily-use.units", "units"),
    ("    unit: kWh\n", "    unit: kilowhatt\n", "unit", 24, "daily-use.unit", "kilowhatt"),
    ("    unit: kWh\n", "    unit: __import__('os')\n", "unit", 24, "daily-use.unit", "__import__"),
    ("    unit: kWh\n", "    unit: kWh\n    unit: kWh\n", "key-twice", 25, "daily-use.unit", "unit"),
    ("    unit: kWh\n", "    unit: [kWh]\n", "value", 24, "daily-use.unit", "a list"),
    ("    unit: kWh\n", "", "field-missing", 21, "daily-use.unit", ""),
    ("  - id: daily-use\n", "  - id: intensity\n", "key-twice", 21, "indicator", "intensity"),
    ("    direction: lower\n", "", "direction-missing", 8, "intensity.direction", ""),
    ("    direction: lower\n", "    direction: none\n", "direction-missing", 12, "intensity.direction", "none"),
    ("    direction: lower\n", "    direction: down\n", "choice", 12, "intensity.direction", "down"),
    ("    direction: lower\n", "    direction: within\n", "value", 20, "targets[0].value_high", ""),
    ("{year: 2030, value: 5,", "{value: 5,", "field-missing", 20, "targets[0].year", ""),
    ("{year: 2030, value: 5,", "{year: 30, value: 5,", "value", 20, "targets[0].year", "30"),
    ("{year: 2030, value: 5,", "{year: 2030, value: five,", "value", 20, "targets[0].value", "five"),
    ("{year: 2030, value: 5,", "{year: 2030, value: .inf,", "value", 20, "targets[0].value", ".inf"),
    ("{year: 2030, value: 5,", "{year: 2030, value: 1_000,", "value", 20, "targets[0].value", "1_000"),
    ("value: 5, document: plan 2035,", "value: 5,", "field-missing", 20, "targets[0].document", ""),
    ("printed: 约20, statement: S1}", "statement: S1}", "field-missing", 17, "reported[0].printed", ""),
    ("printed: 约20, statement: S1}", "printed: 约20, statement: S9}", "reference", 17, "claim_id", "S9"),
    ("printed: 约20, statement: S1}", "printed: 约20, statement: [S1]}", "value", 17, "reported[0].statement", "a list"),
    ("printed: 约20, statement: S1}", "printed: 约20, value: 21}", "printed", 17, "reported[0].value", "21"),
    ("printed: 约20, statement: S1}", "printed: 约20, kind: bound}", "printed", 17, "reported[0].kind", "bound"),
    ("printed: 约20, statement: S1}", "printed: 二十, kind: number, value: 20}", "printed", 17, "reported[0].value", "20"),
    ("printed: 约20, statement: S1}", "printed: 有20个, kind: bound, value: 20}", "printed", 17, "reported[0].kind", "bound"),
    ('{year: 2023, printed: "-"}', '{year: 2022, printed: "-"}', "key-twice", 18, "indicator, zone, year", "2022"),
    ("{zone: east, year: 2022,", "{zone: south, year: 2022,", "reference", 38, "zone", "south"),
    ("    printed_scale: 10000\n", "    printed_scale: 0\n", "value", 34, "incubators.printed_scale", "0"),
    ("    minimum_coverage: 0.5\n", "    minimum_coverage: 50\n", "range", 28, "daily-use.minimum_coverage", "50"),
    ("    minimum_coverage: 0.5\n", "    sdg_target: 18.1\n", "value", 28, "daily-use.sdg_target", "18.1"),
    ("    minimum_coverage: 0.5\n", "    iso37101_issue: cars\n", "choice", 28, "daily-use.iso37101_issue", "cars"),
    ("    minimum_coverage: 0.5\n", "    targets: none\n", "value", 28, "daily-use.targets", "none"),
    ("    table: toy.use\n", "", "field-missing", 8, "intensity.table", ""),
    ("    table: toy.use\n", "    table: toy.other\n", "formula", 14, "intensity.table", "toy.other"),
    ("    table: toy.use\n", "    table: toy.station\n", "formula", 14, "intensity.table", "station, year, pm25"),
    ("    table: toy.use\n", "    table: toy.hourly\n", "formula", 8, "intensity.time", "hour"),
    ("    table: toy.daily\n", "    table: toy.daily\n    time: year\n", "formula", 27, "daily-use.time", "year"),
    ("    formula: sum(energy)\n", "    formula: energy\n", "formula", 27, "daily-use.formula", "at character 1: energy"),
    ("    formula: sum(energy)\n", "    formula: sum(heat)\n", "formula", 27, "daily-use.formula", "at character 5: heat"),
    ("    formula: sum(energy)\n", "", "field-missing", 21, "daily-use.formula", ""),
    ("    formula: sum(energy)\n", "    formula: &f sum(energy)\n", "yaml-feature", 27, None, "f"),
    ("    formula: sum(energy)\n", "    formula: *f\n", "yaml-feature", 27, None, "alias f"),
    ("    formula: sum(energy)\n", "    formula: !!python/name:os.system\n", "yaml-feature", 27, None, "python/name"),
    ("    formula: sum(energy)\n", "    formula: {sum: energy\n", "syntax", 28, None, "column"),
    ("indicators:\n", "indicators: {}\nmore:\n", "field-unknown", 8, "more", "more"),
]


@pytest.mark.parametrize(("old", "new", "code", "line", "field", "found"), FAULTS, ids=range(len(FAULTS)))
def test_a_fault_is_told_with_its_line(
    tmp_path: Path, old: str, new: str, code: str, line: int, field: str | None, found: str
) -> None:
    assert old in FRAMEWORK
    problems = Small(tmp_path, {FILE: FRAMEWORK.replace(old, new, 1)}).problems()
    matching = [p for p in problems if (p.code, p.row) == (code, line) and (p.field or "").endswith(field or "")]
    assert [p for p in matching if found in p.found], [str(p) for p in problems]
    assert all(p.expected and p.remedy for p in problems)
    assert len(problems) == len({str(p) for p in problems})


def test_all_faults_are_told_in_one_run(tmp_path: Path) -> None:
    text = FRAMEWORK
    for old, new, *_ in (FAULTS[1], FAULTS[6], FAULTS[16], FAULTS[25], FAULTS[41]):
        text = text.replace(old, new, 1)
    problems = Small(tmp_path, {FILE: text}).problems()
    assert sorted(p.code for p in problems) == ["field-missing", "formula", "printed", "unit", "value"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "field-missing"),
        ("- 1\n", "value"),
        ("a: &a [1]\nb: [*a, *a]\n", "yaml-feature"),
        ("\n".join(f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)},*{chr(97 + n)}]" for n in range(20)), "yaml-feature"),
        ("[" * 100_000, "too-large"),
        ("a: " + "x" * (1 << 20), "too-large"),
        ("- 1\n" * 250_000, "too-large"),
        ("framework: {id: a}\n---\nframework: {id: b}\n", "syntax"),
        ("framework: \x07\n", "syntax"),
        ("framework:\n\t- a\n", "syntax"),
    ],
    ids=range(10),
)
def test_hostile_yaml_is_refused(tmp_path: Path, text: str, code: str) -> None:
    problems = Small(tmp_path, {FILE: text}).problems()
    assert code in {p.code for p in problems}, [str(p) for p in problems]


def test_another_encoding_is_told(tmp_path: Path) -> None:
    small = Small(tmp_path)
    (small.folder / FILE).write_bytes(FRAMEWORK.encode("gb18030"))
    (small.folder / "statements" / "report.txt").write_bytes(REPORT.encode("gb18030"))
    told = [(p.code, p.file, p.row) for p in small.problems() if p.code == "encoding"]
    assert told == [("encoding", FILE, 3), ("encoding", "statements/report.txt", 1)]


@pytest.mark.parametrize(
    ("old", "new", "code", "field"),
    [
        (",20,20,强度约20,", ",20,21,强度约20,", "quote", "value_reported"),
        ("强度约20,actual,2", "强度约20,actual,1", "quote", "quote_zh"),
        ("强度约20,actual,2", "强度约20,actual,3", "quote", "line"),
        ("强度约20,actual,2", "强度约20,certain,2", "choice", "status"),
        ("energy,~,20", "energy,≈,20", "choice", "comparator"),
        ("report.txt,S2", "report.txt,S1", "key-twice", "claim_id"),
        ("energy,~,20", "energy,~,zwanzig", "value", "value"),
    ],
)
def test_faults_of_statements(tmp_path: Path, old: str, new: str, code: str, field: str) -> None:
    assert old in STATEMENTS
    problems = Small(tmp_path, {"statements/report.csv": STATEMENTS.replace(old, new, 1)}).problems()
    assert (code, field) in {(p.code, p.field) for p in problems}, [str(p) for p in problems]


def test_a_document_that_is_not_there_is_no_fault(tmp_path: Path) -> None:
    small = Small(tmp_path)
    (small.folder / "statements" / "report.txt").unlink()
    assert small.problems() == []
