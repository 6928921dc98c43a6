"""Known answers of the tables of evidence, how they heal, and how they open."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from scicity.domains.evidence.golden.small_report import AGAIN, TWICE, WELL, SmallReport
from scicity.kernel.problems import Refused


def test_findings_heal_and_open_down_to_the_line_of_the_statement(tmp_path: Path) -> None:
    report = SmallReport(tmp_path)
    (finding,) = report.rows("finding")
    assert (finding["finding"], finding["claims_counted"], finding["line"]) == ("said_twice.A1.A2", 2, 1)
    assert [row["claim_id"] for row in report.rows("finding_claim")] == ["A1", "A2"]
    why = report.city.figures.why("evidence.finding.found_value/finding=said_twice.A1.A2")
    assert [row["claim_id"] for row in why.inputs[0].rows] == ["A1", "A2"]
    below = report.city.figures.why(why.inputs[0].rows[0].figure("found_value").address)
    statements = next(evidence for evidence in below.inputs if evidence.table.name == "indicators.statement")
    assert [(row["claim_id"], row["source_row"]) for row in statements.rows] == [("A1", 2)]
    digest = finding["claims_digest"]
    report.write([TWICE, {**AGAIN, "comparator": "over"}, WELL])
    report.bring()
    assert [row["claims_digest"] != digest for row in report.rows("finding")] in ([], [True])
    report.write([TWICE, WELL])
    report.bring()
    assert report.rows("finding") == []


def test_a_district_without_statements_has_no_findings(tmp_path: Path) -> None:
    report = SmallReport(tmp_path, [], "")
    assert report.rows("finding") == []


def test_a_districts_own_rules_go_before_and_are_checked(tmp_path: Path) -> None:
    report = SmallReport(tmp_path, [WELL])
    (report.folder / "registers").mkdir()
    own = report.folder / "registers" / "evidence_measures.csv"
    head = "measure_pattern,unit_pattern,lowest,highest,nature,source,review\n"
    own.write_text(head + "green_space_ratio,%,45,60,share,plan,verified\n", encoding="utf-8")
    report.bring()
    assert [row["rule"] for row in report.rows("finding")] == ["outside_range"]
    own.write_text(head + "green_space_ratio,%,60,45,size,plan,verified\n", encoding="utf-8")
    with pytest.raises(Refused) as refused:
        report.bring()
    assert sorted((problem.field, problem.row) for problem in refused.value.problems) == [("highest", 2), ("nature", 2)]


def settled(report: SmallReport, *rows: tuple[str, str]) -> list[str]:
    """What becomes of the finding where it was settled so, each of a digest of statements and a settlement."""
    table, computing = report.city.catalog["evidence.settlement"], report.city.computing
    told = {"finding": "said_twice.A1.A2", "note": "as the office says", "source_file": "records/settlement"}
    placed = [
        told | {"claims_digest": digest, "settlement": decided, "source_row": number}
        for number, (digest, decided) in enumerate(rows, start=1)
    ]
    computing.put(table, pa.Table.from_pylist(placed, schema=table.schema))
    computing.bring_up_to_date()
    return [row["settlement"] for row in report.rows("finding_standing")]


def test_a_finding_stands_as_it_was_settled_while_its_statements_say_the_same(tmp_path: Path) -> None:
    report = SmallReport(tmp_path)
    (finding,) = report.rows("finding_standing")
    now = finding["claims_digest"]
    assert finding["settlement"] == "open" and finding["claims_counted"] == 2
    for decided in ("accepted", "correction", "note"):
        assert settled(report, (now, decided)) == [decided]
    assert settled(report, (now, "reopened")) == ["open"]
    assert settled(report, ("0000000000000000", "accepted")) == ["changed"]
    assert settled(report, ("0000000000000000", "reopened")) == ["open"]
    assert settled(report, ("0000000000000000", "accepted"), (now, "note")) == ["note"]
    assert settled(report, ("0000000000000000", "accepted"), (now, "reopened")) == ["open"]
