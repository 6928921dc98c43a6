"""The golden cases of every domain, as they stand beside it, with every table that they compute computed on both engines.

The known answers are then asked of what Spark gave. Cases that call a pure method meet no engine, and pass as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from scicity.city import City
from scicity.kernel.computing import Computing
from scicity.kernel.tables import Derived
from scicity.spark.agreement import differences
from scicity.spark.computing import SparkComputing

DOMAINS = Path(__file__).parents[2] / "src" / "scicity" / "domains"
GOLDEN = sorted(path.parent.name for path in DOMAINS.glob("*/golden") if list(path.glob("test_*.py")))
ELSEWHERE = {"environment.implied_baseline"}  # neither demo district nor golden cases give it rows: test_tables.py does


class Heard:
    """What the run of the cases told: how many passed, which failed with what words, which were skipped and why."""

    def __init__(self) -> None:
        self.passed, self.failed, self.skipped = 0, list[str](), list[str]()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.append(f"{report.nodeid}\n{report.longreprtext}")
        elif report.skipped:
            self.skipped.append(f"{report.nodeid}: {report.longrepr[2] if isinstance(report.longrepr, tuple) else 'skipped'}")
        elif report.when == "call":
            self.passed += 1

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failed.append(f"{report.nodeid}\n{report.longreprtext}")


@pytest.mark.slow  # minutes: small cases, each of them several jobs of a cluster
@pytest.mark.parametrize("domain", GOLDEN)
def test_golden_cases_of(domain: str, demo: City, spark: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: dict[str, int] = {}
    on_duckdb = Computing.compute

    def on_both(self: Computing, table: Derived, due: Iterable[Any], inputs: Mapping[str, int]) -> dict[Any, Any]:
        parts = set(due)
        here = on_duckdb(self, table, parts, inputs)
        computing = SparkComputing(self.lake, self.catalog, self.calendar, self.buckets, session=spark)
        there = {part: computing.rows(table, each) for part, each in computing.results(table, parts, inputs).items()}
        assert differences(table, here, there) == []
        counted[table.name] = counted.get(table.name, 0) + sum(rows.num_rows for rows in there.values())
        return there

    monkeypatch.setattr(Computing, "compute", on_both)
    heard = Heard()
    asked = ["-q", "--no-header", "-p", "no:cacheprovider", "-p", "no:xdist"]
    pytest.main([*asked, "--rootdir", str(DOMAINS.parents[2]), str(DOMAINS / domain / "golden")], plugins=[heard])
    print(*heard.skipped, sep="\n")
    assert not heard.failed, "\n".join(heard.failed)
    assert heard.passed
    assert without_rows(demo, domain) - {name for name, rows in counted.items() if rows} <= ELSEWHERE


def test_no_table_is_compared_on_nothing(demo: City) -> None:
    assert {table.domain for table in demo.catalog.derived if without_rows(demo, table.domain)} <= set(GOLDEN)


def without_rows(demo: City, domain: str) -> set[str]:
    """The tables of a domain that have no rows in the demo district, so that its golden cases must give them some."""
    return {table.name for table in demo.catalog.derived if table.domain == domain and not demo.lake.snapshot(table.name).files}
