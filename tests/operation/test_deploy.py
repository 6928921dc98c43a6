"""Units and containers name commands, options and settings that there are; systemd finds nothing wrong with the units."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from scicity.__main__ import app
from scicity.reference.words import settings_told

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = sorted(DEPLOY.glob("systemd/*@.*"))
SETTINGS = {row["setting"] for row in settings_told() if row["place"] == "environment"}
OURS = re.compile(r"\bSCICITY_[A-Z_]+\b")


def parsed(words: list[str]) -> None:
    """Fails where the command line would be refused: an unknown command or option, or a value that cannot be."""
    get_command(app).commands[words[0]].make_context(words[0], list(words[1:]))


def commands_of(unit: Path) -> list[list[str]]:
    text = unit.read_text(encoding="utf-8")
    values = {"SCICITY_DISTRICT": "district", "PORT": "8000", "WORKERS": "2", "BACKUPS": "backups", "BACKUPS_KEPT": "48"}
    lines = [line.partition("=")[2] for line in text.splitlines() if line.startswith("ExecStart=")]
    return [shlex.split(re.sub(r"\$\{(\w+)\}", lambda found: values[found[1]], line)) for line in lines]


def test_what_is_no_option_would_be_found() -> None:
    for words in (["serve", "--nothing"], ["backup"], ["serve", "--port", "many"]):
        with pytest.raises(Exception, match=r"(?i)no such option|missing|valid integer"):
            parsed(words)


@pytest.mark.parametrize("unit", [unit for unit in UNITS if unit.suffix == ".service"], ids=lambda unit: unit.name)
def test_units_begin_commands_that_there_are(unit: Path) -> None:
    (words,) = commands_of(unit)
    assert words[:3] == ["/opt/scicity/.venv/bin/python", "-m", "scicity"]
    parsed(words[3:])
    assert unit.name == f"scicity-{words[3]}@.service"


def test_settings_that_are_named_are_settings() -> None:
    named = {name for file in DEPLOY.rglob("*") if file.is_file() for name in OURS.findall(file.read_text(encoding="utf-8"))}
    assert {name for name in named if name not in SETTINGS and not name.startswith("SCICITY_PASSWORD_")} == set()


def test_what_units_take_from_the_environment_is_in_the_example() -> None:
    used = {name for unit in UNITS for name in re.findall(r"\$\{(\w+)\}", unit.read_text(encoding="utf-8"))}
    example = (DEPLOY / "systemd" / "district.env.example").read_text(encoding="utf-8")
    assert used and used <= set(re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE))


def test_containers_begin_commands_that_there_are() -> None:
    told = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    ours = {name: service for name, service in told["services"].items() if service.get("image") == "scicity"}
    assert set(ours) == {"load", "serve", "arrive", "collect", "notices", "backup"}
    for service in ours.values():
        parsed(service["command"])
    docker = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    (command,) = re.findall(r"^CMD (.*)$", docker, re.MULTILINE)
    parsed(yaml.safe_load(command))


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_finds_nothing_wrong(tmp_path: Path) -> None:
    for unit in UNITS:
        text = unit.read_text(encoding="utf-8").replace("/opt/scicity/.venv/bin/python", sys.executable)
        (tmp_path / unit.name.replace("@.", "@small.")).write_text(text, encoding="utf-8")
    command = ["systemd-analyze", "verify", "--man=no", *map(str, sorted(tmp_path.iterdir()))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
