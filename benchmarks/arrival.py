"""How many readings are acknowledged in a second over HTTP, each of them on stable storage, with clients on the same machine.

    .venv/bin/python benchmarks/arrival.py [--form json|arrow] [--batch 1000] [--clients 4] [--seconds 20] [--workers 2]

Starts the cockpit with the demo district and more meters in a temporary state, sends batches over kept connections, and prints
the acknowledged readings per second, what waits for the lake then, how long it takes to get there, the fsyncs per second that
the disk does in the same run, and the memory of the servers. Bodies are made while sending: what that costs is the clients'.
"""

from __future__ import annotations

import argparse
import io
import json
import multiprocessing
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

HOME = Path(__file__).parent.parent
sys.path.insert(0, str(HOME / "src"))

from scicity.access.inbox import Inbox  # noqa: E402

FIRST = datetime(2015, 1, 1, tzinfo=UTC)
METERS = 200
DEMO = HOME / "districts" / "demo"
FORMS = {"json": "application/json", "arrow": "application/vnd.apache.arrow.stream"}


def make_district(folder: Path) -> Path:
    """The demo district with METERS more meters."""
    district = Path(shutil.copytree(DEMO, folder / "district"))
    origin = "stand-in,stand-in: of the benchmark"
    with (district / "registers" / "meters.csv").open("a", encoding="utf-8") as meters:
        meters.writelines(f"meter-{n:04d},electricity,sub,,false,{origin}\n" for n in range(METERS))
    with (district / "registers" / "datastreams.csv").open("a", encoding="utf-8") as streams:
        streams.writelines(f"meter-{n:04d}.power,meter-{n:04d},active_power,kW,forward,60,{origin}\n" for n in range(METERS))
    with (district / "registers" / "installations.csv").open("a", encoding="utf-8") as places:
        places.writelines(
            f"meter-{n:04d},2022-11-17T00:00:00+08:00,,office,,1,,,,,,stand-in: of the benchmark\n" for n in range(METERS)
        )
    return district


def started(district: Path, state: Path, port: int, workers: int) -> subprocess.Popen[bytes]:
    """The cockpit, answering."""
    told = {**os.environ, "SCICITY_STATE": str(state), "SCICITY_HOME": str(HOME), "PYTHONPATH": str(HOME / "src")}
    command = [sys.executable, "-m", "scicity", "up", str(district), "--port", str(port), "--workers", str(workers)]
    with (state / "up.log").open("ab") as log:
        process = subprocess.Popen(command, env=told, stdout=log, stderr=log, start_new_session=True)
    while process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1):
                return process
        except OSError:
            time.sleep(0.1)
    raise RuntimeError((state / "up.log").read_text(encoding="utf-8")[-2000:])


def credential_of(district: Path, state: Path) -> str:
    """A device that may send for every meter."""
    told = {**os.environ, "SCICITY_STATE": str(state), "SCICITY_HOME": str(HOME), "PYTHONPATH": str(HOME / "src")}
    command = [sys.executable, "-m", "scicity", "device", "sender", "meter-*", "-d", str(district), "--json"]
    return json.loads(subprocess.run(command, env=told, check=True, capture_output=True).stdout)["credential"]


def json_bodies(client: int, batch: int):
    """Bodies without end, each reading of its own: the minute of each is put into one text."""
    rows = [
        {"datastream": f"meter-{n % METERS:04d}.power", "time": f"@@@@@@@@@@@@@@@@:{n * 60 // batch:02d}Z", "value": n * 0.25}
        for n in range(batch)
    ]
    text = json.dumps(rows, separators=(",", ":")).encode()
    minute = FIRST + timedelta(days=400 * client)
    while True:
        yield text.replace(b"@@@@@@@@@@@@@@@@", minute.strftime("%Y-%m-%dT%H:%M").encode())
        minute += timedelta(minutes=1)


def arrow_bodies(client: int, batch: int):
    """The same as Arrow streams."""
    names = pa.array([f"meter-{n % METERS:04d}.power" for n in range(batch)]).dictionary_encode()
    values = pa.array([n * 0.25 for n in range(batch)])
    first = int((FIRST + timedelta(days=400 * client)).timestamp()) * 1_000_000
    steps = np.arange(batch) * (60_000_000 // batch)
    while True:
        times = pa.array(first + steps).cast(pa.timestamp("us", tz="UTC"))
        table, sink = pa.table({"datastream": names, "time": times, "value": values}), io.BytesIO()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        yield sink.getvalue()
        first += 60_000_000


def send(port: int, credential: str, client: int, form: str, batch: int, begin, until: float, results) -> None:
    """Sends one batch after the other on a kept connection; gives how many were acknowledged, and how many were not."""
    bodies = {"json": json_bodies, "arrow": arrow_bodies}[form](client, batch)
    head = (
        f"POST /api/readings HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {credential}\r\n"
        f"Content-Type: {FORMS[form]}\r\nContent-Length: "
    ).encode()
    taken = refused = 0
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        begin.wait()
        ends = time.monotonic() + until
        while time.monotonic() < ends:
            body = next(bodies)
            connection.sendall(head + str(len(body)).encode() + b"\r\n\r\n" + body)
            if connection.recv(65536).startswith(b"HTTP/1.1 202"):
                taken += batch
            else:
                refused += batch
                time.sleep(0.05)
    results.put((taken, refused))


def fsyncs(folder: Path, seconds: float = 1.0) -> float:
    """How often a second the disk makes 4 kB stable."""
    count, begun = 0, time.monotonic()
    with (folder / "fsync").open("wb") as file:
        while time.monotonic() - begun < seconds:
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
            count += 1
    return count / (time.monotonic() - begun)


def memory(group: int) -> float:
    """Resident memory of the processes of a group [MB]."""
    pages = 0
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(entry.name)) == group:
                pages += int((entry / "statm").read_text().split()[1])
        except OSError:
            continue
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    """One run."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--form", choices=FORMS, default="json")
    options.add_argument("--batch", type=int, default=1000)
    options.add_argument("--clients", type=int, default=4)
    options.add_argument("--seconds", type=float, default=20)
    options.add_argument("--until-empty", action=argparse.BooleanOptionalAction, default=True, help="wait for the lake")
    options.add_argument("--workers", type=int, default=2)
    options.add_argument("--port", type=int, default=8912)
    asked = options.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        print(f"the disk: {fsyncs(state):,.0f} fsync/s")
        district = make_district(state)
        process = started(district, state, asked.port, asked.workers)
        try:
            credential = credential_of(district, state)
            inbox = Inbox(state / "demo" / "inbox.sqlite3")
            begin, results = multiprocessing.Barrier(asked.clients + 1), multiprocessing.Queue()
            clients = [
                multiprocessing.Process(
                    target=send, args=(asked.port, credential, n, asked.form, asked.batch, begin, asked.seconds, results)
                )
                for n in range(asked.clients)
            ]
            for client in clients:
                client.start()
            begin.wait()
            begun = time.monotonic()
            told = [results.get() for _ in clients]
            seconds = time.monotonic() - begun
            taken, refused = (sum(column) for column in zip(*told, strict=True))
            waiting = inbox.waiting_readings()
            print(
                f"{asked.form}, {asked.batch} a batch, {asked.clients} clients: {taken / seconds:,.0f} readings/s acknowledged"
            )
            print(f"{taken:,} in {seconds:.1f} s; {refused:,} asked to wait; {memory(process.pid):,.0f} MB; {waiting:,} wait")
            while inbox.waiting_readings() and asked.until_empty:
                time.sleep(0.2)
            print(f"all in the lake {time.monotonic() - begun - seconds:.1f} s later; {memory(process.pid):,.0f} MB")
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


if __name__ == "__main__":
    main()
