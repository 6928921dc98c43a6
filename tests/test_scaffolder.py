"""`scicity new` writes each kind into a folder of its own, changes nothing else, and what it writes passes every check."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from scicity.__main__ import app
from scicity.commands import new as command_new
from scicity.commands.new import PLACES

ROOT = Path(__file__).parents[1]
IGNORED = (line.strip("/").split("/")[-1] for line in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines())
LEFT_OUT = (".git", "future-science-city", "images", *IGNORED)
NEW = {  # kind: name, and the folder below which all its files must lie
    "domain": ("harbour", "src/scicity/domains/harbour"),
    "method": ("night_share --in energy", "src/scicity/domains/energy"),
    "page": ("energy.peaks", "src/scicity/domains/energy/pages/peaks"),
    "protocol": ("plain_lines", "src/scicity/access/plain_lines"),
    "indicator": ("demo.energy-per-area", "districts/demo/frameworks"),
    "district": ("north-shore", "districts/north-shore"),
}
ADDRESSES = ("/harbour/", "/energy/peaks/", "/energy/", "/")
ASK_PAGES = f"""
import django; django.setup()
from django.test import Client
from scicity.cockpit.first import prepare_records
prepare_records()
for language in ("zh", "en"):
    client = Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE=language)
    for address in {ADDRESSES}:
        answer = client.get(address)
        assert answer.status_code == 200, (address, answer.status_code)
    assert 'href="/energy/peaks/"' in client.get("/energy/").content.decode()
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the program and the demo district, in which things can be made."""
    home = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT, home, ignore=shutil.ignore_patterns(*LEFT_OUT), dirs_exist_ok=True)
    passes(home, "-m", "scicity", "docs")  # whatever is under way here, the copy begins with a reference as rendered
    for command in (["init", "--quiet"], ["add", "--all"]):
        subprocess.run(["git", *command], cwd=home, check=True)
    return home


def run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    told = {
        "SCICITY_HOME": str(home),
        "SCICITY_DISTRICT": str(home / "districts" / "demo"),
        "SCICITY_STATE": str(home / ".scicity"),
        "DJANGO_SETTINGS_MODULE": "scicity.cockpit.settings",
        "PYTHONPATH": str(home / "src"),
        "PYTHONPYCACHEPREFIX": str(home.with_name("compiled")),  # beside the copy, whose files are counted
    }
    return subprocess.run(
        [sys.executable, *arguments], cwd=home, env=os.environ | told, capture_output=True, text=True, check=False
    )


def passes(home: Path, *arguments: str) -> str:
    done = run(home, *arguments)
    assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def new(home: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Status and answer of the command, run in this process on another folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command_new, "HOME", home.resolve())
        done = CliRunner().invoke(app, ["new", *arguments, "--json"])
    return done.exit_code, json.loads(done.stdout)


def state_of(home: Path) -> dict[str, str]:
    return {
        str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in home.rglob("*")
        if path.is_file() and not {".scicity", ".git"} & set(path.parts)
    }


def test_every_kind_is_tried_here() -> None:
    assert set(NEW) == set(PLACES)


@pytest.mark.slow
@pytest.mark.xdist_group("scaffolder")
def test_a_new_part_changes_nothing_outside_and_passes_every_check(copy: Path) -> None:
    written: list[str] = []
    for kind, (name, folder) in NEW.items():
        before = state_of(copy)
        status, told = new(copy, kind, *name.split(), "--zh", "示例")
        assert status == 0, told
        assert len(told["next"]) == 3
        after = state_of(copy)
        assert {path: digest for path, digest in after.items() if path in before} == before
        fresh = sorted(set(after) - set(before))
        assert fresh == sorted(told["written"])
        assert all(path.startswith(f"{folder}/") for path in fresh), fresh
        written += fresh
    python = [path for path in written if path.endswith(".py")]
    passes(copy, "-m", "ruff", "format", "--check", *python)
    passes(copy, "-m", "ruff", "check", *python)
    passes(copy, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache")
    passes(copy, "-m", "mypy", *(path for path in python if "/methods/" in path))
    tests = [path for path in python if Path(path).name.startswith("test_")]
    tests += ["tests/test_structure.py", "tests/test_protocols.py", "tests/test_reference.py"]
    touched = "golden or plain_lines or harbour or night_share or rendered or every_table or short or program"
    ran = passes(copy, "-m", "pytest", "-v", "-p", "no:cacheprovider", "-k", touched, *tests)
    for case in ("the_same_parts_as_every_other[harbour]", "plain_lines-01", "energy.night_share.night_share", "as_rendered"):
        assert re.search(re.escape(case) + r"\S* PASSED", ran), case
    passes(copy, "-m", "scicity", "check", "districts/north-shore")
    survey = copy / "districts" / "demo" / "registers" / "harbour-survey.csv"
    survey.write_text("zone,area,origin,source\nsouth,1250000,stand-in,invented\n", encoding="utf-8")
    passes(copy, "-m", "scicity", "load")  # checks the demo district first, with its new indicator
    opened = passes(copy, "-m", "scicity", "why", "harbour.zone_area.area/zone=south", "--json")
    assert json.loads(opened)["value"] == 1_250_000
    assert "registers/harbour-survey.csv" in opened
    passes(copy, "-c", ASK_PAGES)


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        ("domain", "energy", "already"),
        ("method", "night_share", "with its place"),
        ("method", "nowhere.night_share", "no folder"),
        ("page", "silent.towers", "no board"),
        ("domain", "../outside", "no name"),
        ("page", "../cockpit.page", "no name"),
        ("domain", "class", "no name"),
        ("district", "Bad Name", "no name"),
        ("spaceship", "one", "no kind"),
        ("domain", "harbour --in energy", "nothing else"),
        ("method", "night_share --in ../../kernel", "no name"),
        ("indicator", "one --in way-out", "leads out"),
    ],
)
def test_what_cannot_be_made_is_said_and_nothing_is_written(copy: Path, kind: str, name: str, said: str) -> None:
    if not (copy / "districts" / "way-out").is_symlink():
        (copy / "districts" / "way-out").symlink_to(copy.parent, target_is_directory=True)
    silent = copy / "src" / "scicity" / "domains" / "silent"  # a domain without a board
    silent.mkdir()
    (silent / "__init__.py").touch()
    before = state_of(copy)
    words = name.split() if "--in" in name else [name]
    status, told = new(copy, kind, *words)
    assert status == 1
    assert said in told["error"]
    assert state_of(copy) == before
    shutil.rmtree(silent)
