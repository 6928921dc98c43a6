"""How many readings a second other time-series databases acknowledge on the same machine, and what their acknowledgement means.

    .venv/bin/python benchmarks/arrival_peers.py [--batch 1000] [--clients 4] [--seconds 15]

Starts Debian's `influxdb` (1.6) and `victoria-metrics` (1.79) with their own defaults in temporary folders, and ourselves as
`benchmarks/arrival.py` does, one after the other; each gets the same readings in batches over kept connections, the peers in
InfluxDB's line protocol, which is the quickest that both take over HTTP. Prints readings/s, and the ratio to ours.

What is promised with the answer: ours is synced to the disk before it, once each, with a repeated batch known by its name;
InfluxDB's write-ahead log is synced before it too (`wal-fsync-delay = 0s`); of a repeated reading the last value stays;
VictoriaMetrics answers from memory and writes to the disk within seconds, so that a crash loses what was acknowledged.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from arrival import FIRST, METERS, fsyncs

INFLUX, VICTORIA = shutil.which("influxd"), shutil.which("victoria-metrics")


def bodies(client: int, batch: int) -> Iterator[bytes]:
    """Readings without end, each of its own time, in the line protocol."""
    lines = [
        f"power,meter=meter-{n % METERS:04d} value={n * 0.25} @@@@@@@@@@{n * 60 // batch:02d}000000000" for n in range(batch)
    ]
    pieces = re.split(rb"@@@@@@@@@@(\d\d)", "\n".join(lines).encode())
    texts, offsets = pieces[::2], [int(each) for each in pieces[1::2]]
    minute = FIRST + timedelta(days=400 * client)
    while True:
        seconds = int(minute.timestamp())
        yield b"".join(b"%s%d" % (text, seconds + offset) for text, offset in zip(texts, offsets, strict=False)) + texts[-1]
        minute += timedelta(minutes=1)


def send(port: int, path: str, client: int, batch: int, begin, until: float, results) -> None:
    """Sends one batch after the other; gives how many readings were acknowledged."""
    prepared = bodies(client, batch)
    ready = [next(prepared) for _ in range(200)]  # made before the time counts: what it costs is not the peer's
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: ".encode()
    taken = at = 0
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        begin.wait()
        ends = time.monotonic() + until
        while time.monotonic() < ends:
            body = ready[at % len(ready)]
            at += 1
            connection.sendall(head + str(len(body)).encode() + b"\r\n\r\n" + body)
            if connection.recv(65536).split(b" ", 2)[1] == b"204":
                taken += batch
    results.put(taken)


def answers(address: str) -> bool:
    """Whether a server is there."""
    with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=1):
        return True
    return False


def measured(name: str, command: list[str], port: int, path: str, ready: str, make: str, asked) -> float:
    """Readings/s that a peer acknowledges."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not answers(f"http://127.0.0.1:{port}{ready}"):
            if process.poll() is not None:
                raise RuntimeError(f"{name} does not start")
            time.sleep(0.1)
        if make:
            urllib.request.urlopen(f"http://127.0.0.1:{port}{make}", data=b"").read()
        begin, results = multiprocessing.Barrier(asked.clients + 1), multiprocessing.Queue()
        told = (asked.batch, begin, asked.seconds, results)
        clients = [multiprocessing.Process(target=send, args=(port, path, n, *told)) for n in range(asked.clients)]
        for client in clients:
            client.start()
        begin.wait()
        begun = time.monotonic()
        taken = sum(results.get() for _ in clients)
        return taken / (time.monotonic() - begun)
    finally:
        process.terminate()
        process.wait()


def influx(folder: Path, asked) -> float:
    """InfluxDB with its own defaults but for places."""
    configuration = folder / "influx.conf"
    configuration.write_text(
        f'reporting-disabled = true\nbind-address = "127.0.0.1:8088"\n[meta]\ndir = "{folder}/meta"\n'
        f'[data]\ndir = "{folder}/data"\nwal-dir = "{folder}/wal"\n'
        '[http]\nbind-address = "127.0.0.1:8186"\nlog-enabled = false\n',
        encoding="utf-8",
    )
    command = [str(INFLUX), "-config", str(configuration)]
    return measured("InfluxDB", command, 8186, "/write?db=d", "/ping", "/query?q=CREATE+DATABASE+d", asked)


def victoria(folder: Path, asked) -> float:
    """VictoriaMetrics with its own defaults but for places, and history as old as the readings."""
    command = [str(VICTORIA), f"-storageDataPath={folder}/vm", "-httpListenAddr=127.0.0.1:8428", "-retentionPeriod=100y"]
    return measured("VictoriaMetrics", command, 8428, "/write", "/health", "", asked)


def main() -> None:
    """Each peer, then ourselves."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--batch", type=int, default=1000)
    options.add_argument("--clients", type=int, default=4)
    options.add_argument("--seconds", type=float, default=15)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(f"the disk: {fsyncs(Path(folder)):,.0f} fsync/s")
        found = {}
        for name, peer, there in (("InfluxDB", influx, INFLUX), ("VictoriaMetrics", victoria, VICTORIA)):
            if there is None:
                print(f"{name}: not installed (Debian)")
                continue
            found[name] = peer(Path(folder), asked)
            print(f"{name}: {found[name]:,.0f} readings/s", flush=True)
    command = [sys.executable, str(Path(__file__).with_name("arrival.py")), "--batch", str(asked.batch), "--no-until-empty"]
    command += ["--clients", str(asked.clients), "--seconds", str(asked.seconds)]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    ours = float(re.search(r"([\d,]+) readings/s", told)[1].replace(",", ""))
    print(f"SciCity, JSON: {ours:,.0f} readings/s")
    for name, rate in found.items():
        print(f"ours to {name}: {ours / rate:.2f}")


if __name__ == "__main__":
    main()
