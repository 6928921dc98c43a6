"""Is every acknowledged reading in the lake exactly once, while server and mover are killed with -9 at random moments?

    .venv/bin/python benchmarks/lossless.py [--kills 20] [--port 8911]

Starts the cockpit with the demo district in a temporary state, sends numbered readings over HTTP from four threads, and kills
server and mover together again and again. At the end it starts them once more, waits until nothing waits,
and counts what the lake holds. A reading whose answer was lost may be there or not; an acknowledged one must be there once.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq

HOME = Path(__file__).parent.parent
sys.path.insert(0, str(HOME / "src"))

from scicity.access.inbox import Inbox  # noqa: E402
from scicity.kernel.lake import Lake  # noqa: E402

DISTRICT = HOME / "districts" / "demo"
STREAM, TABLE = "office-servers.power", "reading.active_power"
BATCH, SENDERS = 10, 4
FIRST = datetime(2024, 1, 1, tzinfo=UTC)


def started(state: Path, port: int) -> subprocess.Popen[bytes]:
    """The cockpit with its mover, in a process group of their own, answering."""
    told = {**os.environ, "SCICITY_STATE": str(state), "SCICITY_HOME": str(HOME), "PYTHONPATH": str(HOME / "src")}
    command = [sys.executable, "-m", "scicity", "up", str(DISTRICT), "--port", str(port)]
    with (state / "up.log").open("ab") as log:
        process = subprocess.Popen(command, env=told, stdout=log, stderr=log, start_new_session=True)
    while process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1):
            return process
        time.sleep(0.05)
    raise RuntimeError((state / "up.log").read_text(encoding="utf-8"))


def send(port: int, credential: str, sender: int, acknowledged: set[int], ended: threading.Event) -> None:
    """Sends batches of numbered readings for ever; keeps the numbers that were acknowledged. What fails is sent again."""
    number, connection = sender, None
    headers = {"Authorization": f"Bearer {credential}", "Content-Type": "application/json"}
    while not ended.is_set():
        values = [number + SENDERS * n for n in range(BATCH)]
        times = [(FIRST + timedelta(seconds=value)).isoformat() for value in values]
        body = json.dumps({"datastream": [STREAM] * BATCH, "time": times, "value": values})
        try:
            connection = connection or http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("POST", "/api/readings", body, headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status == 202:
                acknowledged.update(values)
                number += SENDERS * BATCH
        except (OSError, http.client.HTTPException):
            connection = None
            time.sleep(0.02)


def in_lake(state: Path) -> Counter[int]:
    """How often each number is in the lake."""
    lake = Lake(state / "demo" / "lake")
    found: Counter[int] = Counter()
    for uri in lake.uris(TABLE, lake.snapshot(TABLE)):
        rows = pq.read_table(uri, columns=["datastream", "time", "value"]).to_pylist()
        found.update(int(row["value"]) for row in rows if row["datastream"] == STREAM and row["time"] >= FIRST)
    return found


def main() -> None:
    """Kills, starts, counts; ends with 1 where a reading was lost or doubled."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--kills", type=int, default=20)
    options.add_argument("--port", type=int, default=8911)
    options.add_argument("--seed", type=int, default=7)
    asked = options.parse_args()
    dice = random.Random(asked.seed)
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        process = started(state, asked.port)
        told = {**os.environ, "SCICITY_STATE": folder, "SCICITY_HOME": str(HOME), "PYTHONPATH": str(HOME / "src")}
        command = [sys.executable, "-m", "scicity", "device", "sender", STREAM, "-d", str(DISTRICT), "--json"]
        credential = json.loads(subprocess.run(command, env=told, check=True, capture_output=True).stdout)["credential"]
        acknowledged: set[int] = set()
        ended = threading.Event()
        threads = [threading.Thread(target=send, args=(asked.port, credential, n, acknowledged, ended)) for n in range(SENDERS)]
        for thread in threads:
            thread.start()
        for kill in range(asked.kills):
            time.sleep(dice.uniform(0.1, 3))
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            print(f"\rkilled {kill + 1} of {asked.kills}; acknowledged {len(acknowledged):,} readings", end="", flush=True)
            process = started(state, asked.port)
        time.sleep(1)
        ended.set()
        for thread in threads:
            thread.join()
        inbox = Inbox(state / "demo" / "inbox.sqlite3")
        while inbox.waiting_readings():
            time.sleep(0.2)
        os.killpg(process.pid, signal.SIGTERM)
        found, held = in_lake(state), sum(each.rows.num_rows for each in inbox.quarantine())
        lost = sum(1 for number in acknowledged if not found[number])
        doubled = sum(1 for count in found.values() if count > 1)
        print(
            f"\n{len(acknowledged):,} readings acknowledged over {asked.kills} kills: {lost} lost, {doubled} twice, {held} held"
        )
        sys.exit(1 if lost or doubled or held else 0)


if __name__ == "__main__":
    main()
