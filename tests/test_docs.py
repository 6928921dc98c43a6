"""The pages that people follow say what happens: the tutorial's commands run as printed, the how-to names every column."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scicity.kernel.reading import ARRIVAL
from scicity.kernel.tables import discover

HOME = Path(__file__).parents[1]
TUTORIAL = HOME / "docs" / "tutorial.md"
NEW_DISTRICT = HOME / "docs" / "how-to" / "new-district.md"
STATUS = re.compile(r"   # status (\d+)$")
LEFT_OUT = "…"
# What differs between machines, and with every table that is added.
VARYING = re.compile(r"[\d,.]+(?= (?:s\b|rows in|tables|partitions|changed registers))")
COMPUTED = ("factor_value", "canonical_unit", "fuel_amount", "output_energy", "used_hour")  # no columns of the file


def steps() -> list[tuple[str, int, list[str]]]:
    """The commands of the tutorial, each with the status and the lines that are printed below it."""
    found: list[tuple[str, int, list[str]]] = []
    for block in re.findall(r"```console\n(.*?)```", TUTORIAL.read_text(encoding="utf-8"), re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                status = STATUS.search(line)
                found.append((STATUS.sub("", line[2:]), int(status[1]) if status else 0, []))
            else:
                found[-1][2].append(line)
    return found


def pattern_of(lines: list[str]) -> re.Pattern[str]:
    """Matches an output as printed; `…` is any number of lines."""
    parts = [r"(?:[^\n]*\n)*?" if line == LEFT_OUT else re.escape(VARYING.sub("N", line)) + "\n" for line in lines]
    return re.compile("".join(parts))


@pytest.mark.slow
def test_the_commands_of_the_tutorial_do_what_it_prints(tmp_path: Path) -> None:
    shutil.copytree(HOME / "districts" / "demo", tmp_path / "districts" / "demo")
    door = tmp_path / "scicity"
    door.write_text(f'#!/bin/sh\nexec {sys.executable} -m scicity "$@"\n')
    door.chmod(0o755)
    apart = {"SCICITY_HOME": str(tmp_path), "PYTHONPATH": str(HOME / "src"), "SCICITY_STATE": "", "SCICITY_DISTRICT": ""}
    assert len(steps()) > 20
    for command, status, lines in steps():
        run = ["/bin/sh", "-c", command]
        done = subprocess.run(
            run, cwd=tmp_path, env=os.environ | apart, capture_output=True, text=True, timeout=180, check=False
        )
        assert done.returncode == status, f"{command}\n{done.stdout}{done.stderr}"
        output = VARYING.sub("N", done.stdout)
        assert pattern_of(lines).fullmatch(output), f"{command}\n{done.stdout}\nis not\n" + "\n".join(lines)


def test_the_how_to_names_every_file_and_column() -> None:
    rows = [line for line in NEW_DISTRICT.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    for source in (source for source in discover().sources if not source.packaged):
        columns = [row for row in rows if f"`{source.path}`" in row.split("|")[1]]
        assert len(columns) == 1, source.path
        if source.path.endswith((".csv", ".toml")):
            told = re.findall(r"(\*?)`([a-z_0-9]+)`\*?", columns[0].split("|")[2])
            optional = {name for star, name in told if star}
            wanted = [column for column in source.columns if column not in COMPUTED]
            assert set(wanted) <= {name for _, name in told}, source.path
            assert optional == set(source.optional) - set(COMPUTED), source.path
    readings = next(row for row in rows if "`readings/*.csv`" in row)
    assert all(f"`{field.name}`" in readings for field in ARRIVAL)
