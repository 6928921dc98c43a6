"""The command that checks a draft: what it finds, and what it says of files that are none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from scicity.__main__ import app
from scicity.domains.evidence.golden.small_report import AGAIN, TWICE, WELL, SmallReport, as_csv


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return SmallReport(tmp_path_factory.mktemp("command")).folder


def run(folder: Path, *arguments: str):
    return CliRunner().invoke(app, ["check-statements", *arguments, "--district", str(folder)])


def test_a_draft_is_checked_with_its_text_and_without(folder, tmp_path):
    file, text = tmp_path / "draft.csv", tmp_path / "draft.txt"
    file.write_text(as_csv([TWICE, AGAIN, WELL]), encoding="utf-8")
    text.write_text("70项建筑获得标识\n55项建筑获得标识\n绿地率为40%", encoding="utf-8")
    for more in ([], ["--text", str(text)]):
        answer = run(folder, str(file), *more, "--json")
        assert answer.exit_code == 0, answer.output
        told = json.loads(answer.output)
        assert told["statements"] == 3
        assert [(one["rule"], [each["claim_id"] for each in one["statements"]]) for one in told["findings"]] == [
            ("said_twice", ["A1", "A2"])
        ]
    assert "[high] said_twice.A1.A2: 70 ≠ 55" in run(folder, str(file)).output


def test_what_is_no_draft_is_told_of_and_ends_with_one(folder, tmp_path):
    wrong = tmp_path / "wrong.csv"
    wrong.write_bytes("陈述".encode("gb18030"))
    for file, code in ((wrong, "encoding"), (tmp_path / "none.csv", "file-missing"), (tmp_path, "file-kind")):
        answer = run(folder, str(file), "--json")
        assert answer.exit_code == 1
        assert code in {problem["code"] for problem in json.loads(answer.output)["problems"]}
