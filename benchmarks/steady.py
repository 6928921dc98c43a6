"""What a district costs that sends all day: processor time and memory of all processes, minute by minute.

    .venv/bin/python benchmarks/steady.py [--points 20000] [--minutes 15] [--batch 1000]

Starts the cockpit with the demo district's registers and as many more meters in a temporary state, its lake by days, and lets a
gateway send what each of their registers shows now, once a minute, in batches over HTTP. Figures are brought up to date all
the while. Prints for each minute what server, mover and collector together took of one core, their memory, how many readings
wait, and how long after the minute's readings were acknowledged the ledger held them; and at the end the means.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

HOME = Path(__file__).parent.parent
sys.path[:0] = [str(HOME / "src"), str(HOME / "benchmarks")]

from arrival import DEMO, memory, started  # noqa: E402

from scicity.access.inbox import Inbox  # noqa: E402
from scicity.kernel.lake import Lake  # noqa: E402

LEDGER = "energy.meter_hourly"


def make_district(folder: Path, points: int, buckets: int = 1) -> Path:
    """The demo district with so many more meters, whose registers are told every minute, in so many buckets."""
    district = Path(shutil.copytree(DEMO, folder / "district"))
    origin = "stand-in,stand-in: of the benchmark"
    registers = district / "registers"
    shutil.rmtree(district / "readings")
    with (district / "district.toml").open("a", encoding="utf-8") as settings:
        settings.write(f'\n[lake]\npartitions = "days"\nbuckets = {buckets}\n')
    with (registers / "meters.csv").open("a", encoding="utf-8") as meters:
        meters.writelines(f"meter-{n:05d},electricity,sub,,false,{origin}\n" for n in range(points))
    with (registers / "datastreams.csv").open("a", encoding="utf-8") as streams:
        streams.writelines(
            f"meter-{n:05d}.forward,meter-{n:05d},energy_register,kWh,forward,60,{origin}\n" for n in range(points)
        )
    with (registers / "installations.csv").open("a", encoding="utf-8") as places:
        always = "2014-12-31T00:00:00+08:00"
        places.writelines(f"meter-{n:05d},{always},,office,,1,8,2,,,,stand-in: of the benchmark\n" for n in range(points))
    return district


def worked(group: int) -> float:
    """Processor seconds of the processes of a group so far."""
    ticks = 0
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(entry.name)) == group:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                ticks += int(fields[11]) + int(fields[12])
        except OSError:
            continue
    return ticks / os.sysconf("SC_CLK_TCK")


def send(connection: http.client.HTTPConnection, credential: str, numbers: range, now: datetime, minute: int) -> bool:
    """One batch of registers as they stand now; whether it was acknowledged."""
    names = [f"meter-{n:05d}.forward" for n in numbers]
    values = [1_000 + n % 97 + minute * (1 + n % 5) * 0.25 for n in numbers]
    body = json.dumps({"datastream": names, "time": [now.isoformat()] * len(names), "value": values})
    head = {"Authorization": f"Bearer {credential}", "Content-Type": "application/json"}
    connection.request("POST", "/api/readings", body, head)
    answer = connection.getresponse()
    answer.read()
    return answer.status == 202


def main() -> None:
    """One run."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--points", type=int, default=20_000)
    options.add_argument("--minutes", type=int, default=15)
    options.add_argument("--batch", type=int, default=1000)
    options.add_argument("--port", type=int, default=8914)
    asked = options.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        district = make_district(state, asked.points)
        process = started(district, state, asked.port, 1)
        try:
            told = {**os.environ, "SCICITY_STATE": str(state), "SCICITY_HOME": str(HOME), "PYTHONPATH": str(HOME / "src")}
            command = [sys.executable, "-m", "scicity", "device", "sender", "meter-*", "-d", str(district), "--json"]
            made = subprocess.run(command, env=told, check=True, capture_output=True).stdout
            credential = json.loads(made)["credential"]
            inbox, lake = Inbox(state / "demo" / "inbox.sqlite3"), Lake(state / "demo" / "lake")
            batches = [range(n, min(n + asked.batch, asked.points)) for n in range(0, asked.points, asked.batch)]
            begun, so_far, refused = time.monotonic(), worked(process.pid), 0
            shares, waited = [], []
            for minute in range(asked.minutes):
                time.sleep(max(0.0, begun + 60 * minute - time.monotonic()))
                before = lake.snapshot(LEDGER).version
                connection = http.client.HTTPConnection("127.0.0.1", asked.port, timeout=60)
                for numbers in batches:
                    refused += not send(connection, credential, numbers, datetime.now(UTC), minute)
                acknowledged = time.monotonic()
                while inbox.waiting_readings() or lake.snapshot(LEDGER).version == before:
                    time.sleep(0.25)
                    if time.monotonic() > acknowledged + 50:
                        break
                waited.append(time.monotonic() - acknowledged)
                time.sleep(max(0.0, begun + 60 * (minute + 1) - time.monotonic()))
                now = worked(process.pid)
                shares.append((now - so_far) / 60)
                so_far = now
                print(
                    f"minute {minute + 1:3d}: {shares[-1]:6.1%} of a core, {memory(process.pid):6,.0f} MB, "
                    f"{inbox.waiting_readings():,} wait, in the ledger after {waited[-1]:.1f} s, {refused} batches refused",
                    flush=True,
                )
            print(f"in the ledger after {sum(waited) / len(waited):.1f} s, at most {max(waited):.1f} s")
            print(f"{asked.points:,} points a minute: {sum(shares) / len(shares):.1%} of a core")
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


if __name__ == "__main__":
    main()
