"""`scicity report` and `scicity export`: what they write, and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from scicity.__main__ import app
from scicity.city import City


@pytest.fixture
def run(demo: City, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Runs a command on the demo district from a folder of its own; gives status and what it printed as JSON."""
    monkeypatch.setattr("scicity.commands.open_city", lambda folder: demo)
    monkeypatch.setattr("scicity.commands.report.open_city", lambda folder: demo)
    monkeypatch.setattr("scicity.commands.export.open_city", lambda folder: demo)
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, dict[str, object]]:
        done = CliRunner().invoke(app, [*arguments, "--json"])
        return done.exit_code, json.loads(done.output)

    return call


def test_periods_are_listed(run) -> None:
    status, told = run("report")
    assert status == 0
    assert told["periods"][0] == {"period": "2023", "closed": False}


@pytest.mark.parametrize(("form", "begin"), [("pdf", b"%PDF-"), ("xlsx", b"PK")])
def test_a_report_is_written(run, tmp_path: Path, form: str, begin: bytes) -> None:
    status, told = run("report", "2022-12", "--format", form, "--language", "en")
    assert (status, told["file"]) == (0, f"demo-2022-12-en.{form}")
    assert (tmp_path / str(told["file"])).read_bytes().startswith(begin)
    status, told = run("report", "2022-12", "--format", form, "--out", "mine")
    assert (tmp_path / "mine").stat().st_size == told["bytes"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("report", "2019"), "no energy"),
        (("report", "soon"), "2022-03"),
        (("report", "2022", "--language", "fr"), "zh or en"),
        (("report", "2022", "--format", "doc"), "pdf or xlsx"),
        (("report", "2022", "--address", "nowhere"), "address"),
        (("export", "building-energy", "2022-03"), "month"),
        (("export", "tax", "2022"), "building-energy"),
    ],
)
def test_what_cannot_be_is_refused(run, tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    status, told = run(*arguments)
    assert status == 1 and said in str(told["error"])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("form", ["csv", "xml"])
def test_the_form_is_written_and_says_that_it_was_not_reviewed(run, tmp_path: Path, form: str) -> None:
    status, told = run("export", "building-energy", "2022", "--format", form)
    assert (status, told["file"], told["review"]) == (0, f"demo-building-energy-2022.{form}", "unverified")
    assert b"unverified" in (tmp_path / str(told["file"])).read_bytes()


@pytest.mark.parametrize(("form", "begin"), [("pdf", b"%PDF-"), ("docx", b"PK"), ("xlsx", b"PK")])
def test_the_annual_report_is_written(run, tmp_path: Path, form: str, begin: bytes) -> None:
    status, told = run("report", "2022", "--annual", "--format", form, "--language", "en")
    assert (status, told["file"]) == (0, f"demo-annual-2022-en.{form}")
    assert (tmp_path / str(told["file"])).read_bytes().startswith(begin)


@pytest.mark.parametrize("arguments", [("2022-01", "--annual"), ("1999", "--annual"), ("2022", "--annual", "--format", "odt")])
def test_no_annual_report_of_what_is_none(run, arguments: tuple[str, ...]) -> None:
    status, told = run("report", *arguments)
    assert status == 1 and told["error"]


@pytest.mark.parametrize(
    ("what", "file"), [("open-sdg", "config_data.yml"), ("sdmx", "structure.xml"), ("open-data", "catalog.jsonld")]
)
def test_open_data_are_written_to_a_folder(run, tmp_path: Path, what: str, file: str) -> None:
    status, told = run("export", what, str(tmp_path / "out"))
    assert status == 0 and int(str(told["files"])) > 5 and (tmp_path / "out" / file).stat().st_size > 0
    status, told = run("export", what, str(tmp_path / "out"))
    assert status == 1 and "not empty" in str(told["error"])
