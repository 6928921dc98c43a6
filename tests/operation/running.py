"""A district's processes for tests: a folder with one device, for which nobody answers, and `scicity` with its own state."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from scicity.access.inbox import Inbox

T = TypeVar("T")
HOME = Path(__file__).parents[2]
PATIENCE = 120.0  # [s] for a busy machine; what is waited for comes far sooner
DISTRICT = """
[district]
slug = "small"
name = { zh = "小区", en = "Small" }
timezone = "Asia/Shanghai"

[[zone]]
zone = "district"
name_zh = "小区"
name_en = "Small"
source = "made up"
"""
DATASTREAMS = """datastream,thing,property,unit,flow,interval_seconds,origin,source
main.forward,main,energy_register,kWh,forward,900,stand-in,made up
main.power,main,active_power,kW,forward,900,stand-in,made up
"""
METERS = """meter,carrier,role,parent,zero_is_gap,origin,source
main,electricity,main,,false,stand-in,made up
"""
INSTALLATIONS = """meter,valid_from,valid_to,building,serial,multiplier,register_digits,register_decimals,register_start,register_end,rated_power,source
main,2022-01-01T00:00:00+08:00,,hall,M1,1,8,3,,,1000000,made up
"""  # noqa: E501
BUILDINGS = """building,zone,name_zh,name_en,use,floor_area,origin,source
hall,district,厅,Hall,office,1000,stand-in,made up
"""


def until(found: Callable[[], T], what: str) -> T:
    """The first true answer; fails where there is none before the deadline."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if answer := found():
            return answer
        threading.Event().wait(0.05)
    raise AssertionError(f"not within {PATIENCE:.0f} s: {what}")


def district(root: Path, port: int) -> Path:
    """A district's folder whose one device would be at a port of loopback."""
    folder = root / "small"
    (folder / "registers").mkdir(parents=True)
    (folder / "district.toml").write_text(DISTRICT, encoding="utf-8")
    named = {"datastreams": DATASTREAMS, "meters": METERS, "installations": INSTALLATIONS, "buildings": BUILDINGS}
    for name, text in named.items():
        (folder / "registers" / f"{name}.csv").write_text(text, encoding="utf-8")
    connection = f"connection,protocol,address,interval_seconds,origin\nmeters,modbus,tcp://127.0.0.1:{port},60,measured\n"
    (folder / "registers" / "connections.csv").write_text(connection, encoding="utf-8")
    points = "datastream,connection,item\nmain.power,meters,1/holding/0/uint16\n"
    (folder / "registers" / "points.csv").write_text(points, encoding="utf-8")
    return folder


def environment(state: Path, **more: str) -> dict[str, str]:
    """The environment of a process with a state of its own, and no other setting."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SCICITY_", "DJANGO_"))}
    return {**kept, "PYTHONPATH": str(HOME / "src"), "SCICITY_STATE": str(state), **more}


def scicity(state: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """A command, run to its end."""
    command = [sys.executable, "-m", "scicity", *arguments]
    return subprocess.run(
        command, cwd=HOME, env=environment(state, **more), capture_output=True, text=True, check=False, timeout=PATIENCE
    )


def begun(state: Path, log: Path, *arguments: str, **more: str) -> subprocess.Popen[bytes]:
    """A command that goes on, in a process group of its own."""
    command = [sys.executable, "-m", "scicity", *arguments]
    with log.open("ab") as out:
        told = environment(state, **more)
        return subprocess.Popen(command, cwd=HOME, env=told, stdout=out, stderr=out, start_new_session=True)


def pid_of(inbox: Inbox, part: str) -> int:
    """The process that last beat as a part; 0 where none has."""
    return int(inbox.pulses().get(part, (None, {}))[1].get("pid", 0))


def group(leader: int) -> set[int]:
    """The living processes of a process group."""
    found = set()
    for each in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, of = each.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(of) == leader and state != "Z":
            found.add(int(each.parent.name))
    return found
