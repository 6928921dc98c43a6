"""Known answers of the tables, computed by the kernel from a small district and from the sample; and their healing."""

from __future__ import annotations

import csv
import random
from pathlib import Path
from typing import Any

import pytest
import yaml

from scicity.domains.indicators import tables
from scicity.domains.indicators.golden.small_district import FRAMEWORK, USE_ROWS, Small, declare
from scicity.kernel.district import District
from scicity.kernel.lineage import Figures
from scicity.kernel.problems import Problems

SAMPLE = Path(__file__).parents[5] / "districts" / "future-science-city"
APPENDIX = Path(__file__).parent / "appendix.csv"
YEAR_OF_DAYS = [("district", f"2023-{month:02d}-{day:02d}", "0.1") for month in range(1, 13) for day in range(1, 29)]


@pytest.fixture(autouse=True)
def _declared(monkeypatch: pytest.MonkeyPatch) -> None:
    declare(monkeypatch)


def rows(figures: Figures, table: str, *columns: str, **where: Any) -> list[tuple[Any, ...]]:
    found = figures.rows(f"indicators.{table}", where=where)
    return [tuple(row[column] for column in columns) for row in found]


def test_a_formula_by_zone_and_year(tmp_path: Path) -> None:
    figures = Small(tmp_path).load()
    columns = ("zone", "year", "value", "coverage", "stand_in")
    assert rows(figures, "measured_intensity", *columns) == [
        ("district", 2022, 300.3 / 15, 0.625, False),
        ("district", 2023, 10.0, 0.25, True),  # of four halves, one is known
        ("east", 2023, None, 0.0, False),
    ]


def test_days_of_a_year_count_as_coverage(tmp_path: Path) -> None:
    figures = Small(tmp_path).load([*YEAR_OF_DAYS, ("east", "2024-02-29", None), ("east", "2024-03-01", "2.5")])
    columns = ("zone", "year", "value", "coverage", "stand_in")
    assert rows(figures, "measured_daily_use", *columns) == [
        ("district", 2023, 33.6, pytest.approx(336 / 365), True),
        ("east", 2024, 2.5, pytest.approx(0.5 * 2 / 366), True),
    ]


def test_an_account_as_of_a_day_is_the_value_of_its_year(tmp_path: Path) -> None:
    text = FRAMEWORK.replace("    table: toy.daily\n", "    table: toy.account\n    time: day\n")
    account = "zone,day,energy,stand_in\ndistrict,2023-12-31,4,true\ndistrict,2024-12-31,5,false\n"
    figures = Small(tmp_path, {"frameworks/plan.yaml": text, "registers/account.csv": account}).load()
    assert rows(figures, "measured_daily_use", "zone", "year", "value", "coverage", "stand_in") == [
        ("district", 2023, 4.0, 1.0, True),
        ("district", 2024, 5.0, 1.0, False),
    ]


def test_values_stand_side_by_side(tmp_path: Path) -> None:
    figures = Small(tmp_path).load()
    columns = ("year", "origin", "value", "comparator", "kind", "printed", "symbol")
    assert rows(figures, "value", *columns, indicator="intensity", zone="district") == [
        (2022, "measured", 300.3 / 15, "=", "number", None, "kWh/m²"),
        (2022, "reported", 20.0, "~", "number", "约20", "kWh/m²"),
        (2023, "measured", 10.0, "=", "number", None, "kWh/m²"),
        (2023, "reported", None, None, "none", "-", "kWh/m²"),
    ]
    assert rows(figures, "value", "year", "value", "kind", "printed", indicator="incubators") == [
        (2022, 321_000.0, "number", "32.1"),
        (2023, 400_000.0, "bound", "超过40"),
    ]
    assert rows(figures, "value", "value", "kind", indicator="intensity", zone="east") == [(None, "none")]


def test_status_of_each_value(tmp_path: Path) -> None:
    figures = Small(tmp_path).load([("district", "2023-01-01", "1")])
    columns = ("year", "origin", "target", "target_year", "baseline", "distance", "progress")
    assert rows(figures, "status", *columns, indicator="intensity", zone="district") == [
        (2022, "measured", 5.0, 2030, None, None, "incomplete"),
        (2022, "reported", 5.0, 2030, None, 15.0, "no_baseline"),
        (2023, "measured", 5.0, 2030, None, None, "incomplete"),
        (2023, "reported", 5.0, 2030, None, None, "no_value"),
    ]
    assert rows(figures, "status", *columns, indicator="incubators") == [
        (2022, "reported", 400_000.0, 2023, None, 79_000.0, "no_baseline"),
        (2023, "reported", 400_000.0, 2023, 321_000.0, 0.0, "achieved"),
    ]
    assert rows(figures, "status", "progress", indicator="daily-use") == [("no_target",)]


def test_coverage_that_the_framework_accepts_is_judged(tmp_path: Path) -> None:
    text = FRAMEWORK.replace("    direction: lower\n", "    direction: lower\n    minimum_coverage: 0.2\n")
    figures = Small(tmp_path, {"frameworks/plan.yaml": text}).load()
    columns = ("year", "baseline", "baseline_year", "progress")
    assert rows(figures, "status", *columns, indicator="intensity", zone="district", origin="measured") == [
        (2022, None, None, "no_baseline"),
        (2023, 300.3 / 15, 2022, "on_track"),
    ]


def test_a_day_heals_its_year_and_nothing_else(tmp_path: Path) -> None:
    small = Small(tmp_path)
    days = [*YEAR_OF_DAYS, ("district", "2022-06-01", "1")]
    small.load(days)
    healed = small.load([*days, ("district", "2023-01-29", "7")])
    assert {done.table: {part.period for part in done.computed} for done in small.done} == {
        "indicators.measured_daily_use": {"2023"},
        **{f"indicators.{name}": {"all"} for name in ("value", "status", "assessment", "verdict_flip", "duty")},
    }
    rebuilt = Small(tmp_path / "again").load([("district", "2023-01-29", "7"), *reversed(days)])
    for table in ("measured_daily_use", "value", "status"):
        assert [dict(r) for r in healed.rows(f"indicators.{table}")] == [dict(r) for r in rebuilt.rows(f"indicators.{table}")]


def test_another_formula_is_computed_anew_and_the_others_are_not(tmp_path: Path) -> None:
    small = Small(tmp_path)
    small.load([("district", "2023-01-01", "1")])
    small.write("frameworks/plan.yaml", FRAMEWORK.replace("/ sum(floor_area)", "/ max(floor_area)"))
    figures = small.load()
    above = ("assessment", "duty", "measured_intensity", "status", "value", "verdict_flip")
    assert sorted(done.table for done in small.done) == [f"indicators.{name}" for name in above]
    assert rows(figures, "measured_intensity", "value", zone="district", year=2022) == [(30.03,)]


@pytest.mark.parametrize("seed", range(3))
def test_any_order_of_rows_gives_the_same(tmp_path: Path, seed: int) -> None:
    days = YEAR_OF_DAYS[:40]
    expected = Small(tmp_path / "a").load(days)
    document = yaml.safe_load(FRAMEWORK)
    chance = random.Random(seed)
    for indicator in document["indicators"]:
        for part in ("reported", "targets"):
            chance.shuffle(indicator.get(part, []))
    chance.shuffle(document["indicators"])
    header, *lines = USE_ROWS.splitlines()
    chance.shuffle(lines)
    chance.shuffle(days)
    files = {"frameworks/plan.yaml": yaml.safe_dump(document, allow_unicode=True, sort_keys=False)}
    found = Small(tmp_path / "b", files | {"registers/use.csv": "\n".join([header, *lines]) + "\n"}).load(days)
    for table in ("measured_intensity", "measured_daily_use", "value", "status"):
        assert [dict(r) for r in found.rows(f"indicators.{table}")] == [dict(r) for r in expected.rows(f"indicators.{table}")]


def test_figures_open_to_statements_and_to_rows(tmp_path: Path) -> None:
    figures = Small(tmp_path).load()
    status = figures.why("indicators.status.value/indicator=incubators/zone=east/year=2023/origin=reported")
    assert {e.name: e.total for e in status.inputs} == {"value": 1, "baseline": 1, "promise": 1, "indicator": 1, "editions": 1}
    value = figures.why("indicators.value.value/indicator=incubators/zone=east/year=2022/origin=reported")
    inputs = {e.name: e for e in value.inputs}
    assert [inputs[name].total for name in ("reported", "statement", "measured_intensity")] == [1, 1, 0]
    assert inputs["statement"].rows[0]["quote_zh"] == "面积32.1万平方米"
    computed = figures.why("indicators.value.value/indicator=intensity/zone=district/year=2022/origin=measured")
    inputs = {e.name: e for e in computed.inputs}
    assert [inputs[name].total for name in ("reported", "measured_intensity", "measured_daily_use")] == [0, 1, 0]
    step = figures.why(inputs["measured_intensity"].rows[0].figure("value").address)
    assert step.figure.symbol == "kWh/m²"
    assert "NULLIF(SUM(floor_area), 0)" in step.method
    assert [(e.table.name, e.total) for e in step.inputs] == [("toy.use", 2)]


@pytest.mark.sample
def test_all_values_of_the_appendix_survive_exactly_as_printed(tmp_path: Path) -> None:
    problems = Problems()
    district = District.open(SAMPLE, problems)
    small = Small(tmp_path)
    small.folder = district.folder
    catalog = small.catalog
    read = {name: district.read(catalog[name], problems) for name in ("indicators.indicator", "indicators.reported")}
    assert not [problem for problem in problems if problem.file.endswith("indicators-2035.yaml")]
    mine = {r["indicator"]: r for r in read["indicators.indicator"].to_pylist() if r["framework"] == "indicators-2035"}
    assert len(mine) == 28 + 4
    with APPENDIX.open(encoding="utf-8", newline="") as file:
        expected = {(row["line"], int(row["year"])): row for row in csv.DictReader(file)}
    found = [r for r in read["indicators.reported"].to_pylist() if r["framework"] == "indicators-2035"]
    assert len(found) == len(expected) == 64
    for row in found:
        line = mine[row["indicator"]]["source"].rpartition("line ")[2]
        printed = expected[line, row["year"]]
        scale = mine[row["indicator"]]["printed_scale"]
        assert (row["printed"], row["kind"], row["comparator"]) == (
            printed["printed"],
            printed["kind"],
            printed["comparator"] or None,
        )
        for name in ("value", "value_high"):
            number = float(printed[name]) * scale if printed[name] else None
            assert row[name] == (number if number is None else pytest.approx(number, rel=1e-15)), row


@pytest.mark.sample
def test_every_statement_of_the_report_is_quoted_in_its_place() -> None:
    problems = Problems()
    district = District.open(SAMPLE, problems)
    declared = [tables.STATEMENT, tables.DOCUMENT_LINE]
    read = {table.name: district.read(table, problems) for table in declared}
    tables.STATEMENT.check(read["indicators.statement"], read, problems)  # type: ignore[misc]
    assert not list(problems)
    assert read["indicators.statement"].num_rows == 492
