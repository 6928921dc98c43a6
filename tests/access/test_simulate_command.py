"""`scicity simulate`: what it writes passes the check, and where there is nothing to play it says so."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from typer.testing import CliRunner

from scicity.__main__ import app
from scicity.city import City
from tests.operation.running import scicity

DEMO = Path(__file__).parents[2] / "districts" / "demo"


def simulate(*arguments: str) -> tuple[int, dict[str, object]]:
    done = CliRunner().invoke(app, ["simulate", *arguments, "--json"])
    return done.exit_code, json.loads(done.stdout)


def test_what_it_writes_passes_the_check_and_nothing_is_written_over(tmp_path: Path) -> None:
    folder = tmp_path / "my-stand-in"
    code, told = simulate(str(folder), "--write")
    assert code == 0 and str(folder / "district.toml") in told["written"]  # type: ignore[operator]
    city = City(folder, tmp_path / "state")
    sources, problems = city.check()
    assert list(problems) == [] and city.district.slug == "my-stand-in"
    assert {row["protocol"] for row in sources["devices.connection"].to_pylist()} >= {"mqtt", "hj212", "modbus", "dlt645"}
    before = (folder / "district.toml").read_bytes()
    code, told = simulate(str(folder), "--write")
    assert code == 1 and "not there yet" in str(told["error"])
    assert (folder / "district.toml").read_bytes() == before
    assert simulate(str(tmp_path / "No Name"), "--write")[0] == 1


def test_where_nothing_is_simulated_it_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    shutil.copytree(DEMO, folder)
    connections = "connection,protocol,address,interval_seconds,origin\nfar,modbus,tcp://meter.example:502,60,stand-in\n"
    (folder / "registers" / "connections.csv").write_text(connections, encoding="utf-8")
    done = scicity(tmp_path / "state", "simulate", str(folder), "--json")
    told = str(json.loads(done.stdout)["error"])
    assert done.returncode == 1 and "--write" in told and "far: tcp://meter.example:502 is no address" in told
