"""Half an hour of readings as fast as they are taken: does memory stay flat?

    .venv/bin/python benchmarks/endurance.py [--minutes 30] [--clients 4] [--form json]

Starts the cockpit with 4,000 more meters in a temporary state. Each client sends the registers of a thousand meters of its own,
a minute in each batch, as fast as they are acknowledged, from 2015 on; where the inbox is full (20 million readings
wait) they are asked to wait. Prints for each minute how many were acknowledged, how many wait, and the resident memory of the
server's workers and of the mover; and at the end the highest of the first and of the last third.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

HOME = Path(__file__).parent.parent
sys.path[:0] = [str(HOME / "src"), str(HOME / "benchmarks")]

from arrival import FIRST, credential_of, started  # noqa: E402
from steady import make_district  # noqa: E402

from scicity.access.inbox import Inbox  # noqa: E402

METERS, BUCKETS = 1_000, 2  # of a client: a bucket has 720,000 readings a day
WORDS = {"server": "operation.serving", "mover": "scicity arrive"}


def bodies(client: int) -> Iterator[bytes]:
    """One minute of a client's meters after the other."""
    names = [f"meter-{client * METERS + n:05d}.forward" for n in range(METERS)]
    number, when = 0, FIRST
    while True:
        values = [round(1_000 + n + number * (1 + n % 7) * 0.02, 2) for n in range(METERS)]
        yield json.dumps({"datastream": names, "time": [when.isoformat()] * METERS, "value": values}).encode()
        number, when = number + 1, when + timedelta(minutes=1)


def send(port: int, credential: str, client: int, until: float, taken) -> None:
    """Sends until the time is over; what is refused is sent again."""
    head = f"POST /api/readings HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {credential}\r\n"
    head += "Content-Type: application/json\r\nContent-Length: "
    ends, body, made = time.monotonic() + until, b"", bodies(client)
    with socket.create_connection(("127.0.0.1", port)) as connection:
        while time.monotonic() < ends:
            body = body or next(made)
            connection.sendall(head.encode() + str(len(body)).encode() + b"\r\n\r\n" + body)
            if connection.recv(65_536).startswith(b"HTTP/1.1 202"):
                body = b""
                with taken.get_lock():
                    taken.value += METERS
            else:
                time.sleep(0.5)


def memory(group: int) -> dict[str, float]:
    """Resident memory [MB] of the processes of a group by what they are."""
    found = dict.fromkeys(WORDS, 0.0)
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(entry.name)) != group:
                continue
            told = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            pages = int((entry / "statm").read_text().split()[1])
        except OSError:
            continue
        for name, word in WORDS.items():
            found[name] += pages * os.sysconf("SC_PAGE_SIZE") / 1e6 if word in told else 0
    return found


def main() -> None:
    """One run; ends with 1 where the last third needed more than a fifth more memory than the first."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--minutes", type=int, default=30)
    options.add_argument("--clients", type=int, default=4)
    options.add_argument("--workers", type=int, default=2)
    options.add_argument("--port", type=int, default=8915)
    asked = options.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        district = make_district(state, asked.clients * METERS, BUCKETS * asked.clients)
        process = started(district, state, asked.port, asked.workers)
        try:
            credential, taken = credential_of(district, state), multiprocessing.Value("q", 0)
            inbox, seconds = Inbox(state / "demo" / "inbox.sqlite3"), 60.0 * asked.minutes
            told = [(asked.port, credential, n, seconds, taken) for n in range(asked.clients)]
            clients = [multiprocessing.Process(target=send, args=each) for each in told]
            for client in clients:
                client.start()
            begun, before, seen = time.monotonic(), 0, []
            for minute in range(asked.minutes):
                highest = memory(process.pid)
                while time.monotonic() < begun + 60 * (minute + 1):
                    time.sleep(2)
                    highest = {name: max(value, highest[name]) for name, value in memory(process.pid).items()}
                seen.append(highest)
                now = taken.value
                each = ", ".join(f"{name} {value:,.0f} MB" for name, value in highest.items())
                print(
                    f"minute {minute + 1:3d}: {(now - before) / 60:9,.0f} readings/s acknowledged, "
                    f"{inbox.waiting_readings():,} wait; {each}",
                    flush=True,
                )
                before = now
            third = max(1, asked.minutes // 3)
            rose = 0.0
            for name in WORDS:
                first, last = (max(each[name] for each in part) for part in (seen[:third], seen[-third:]))
                rose = max(rose, last / first)
                print(f"{name}: at most {first:,.0f} MB in the first third, {last:,.0f} MB in the last")
            print(f"{taken.value:,} readings in {asked.minutes} minutes")
            sys.exit(1 if rose > 1.2 else 0)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


if __name__ == "__main__":
    main()
