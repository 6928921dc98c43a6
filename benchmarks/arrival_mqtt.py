"""How many MQTT messages of one reading each (QoS 1) are on stable storage in a second, broker and senders on the same machine.

    .venv/bin/python benchmarks/arrival_mqtt.py [--senders 2] [--rate 8000] [--seconds 20]

Starts Mosquitto and the cockpit with the demo district, 200 more meters and the broker as a connection. Senders speak MQTT by
plain sockets, so that they cost little, as many messages a second as told (the broker alone would take ten times as many, and
keep them for us). A message counts when the inbox has its name, which is in the commit in which its readings are on the disk;
only then is it acknowledged to the broker. Prints messages/s while all send, and how long the rest takes; ends with 1 where one
is missing or doubled.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import signal
import socket
import sqlite3
import struct
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

HOME = Path(__file__).parent.parent
sys.path[:0] = [str(HOME / "src"), str(HOME), str(HOME / "benchmarks")]

from arrival import FIRST, METERS, credential_of, fsyncs, make_district, memory, started  # noqa: E402
from tests.access.broker import Broker  # noqa: E402

UNDER_WAY = 500  # messages of a sender that are not acknowledged yet
CONNECT = b"\x10\x14\x00\x04MQTT\x04\x02\x00\x00\x00\x08sender-"


def message(number: int, client: int) -> bytes:
    """A PUBLISH packet with one reading of its own."""
    when = (FIRST + timedelta(seconds=number // METERS, days=400 * client)).isoformat()
    told = json.dumps({"datastream": f"meter-{number % METERS:04d}.power", "time": when, "value": number % 1000}).encode()
    rest = b"\x00\x17scicity/sender/readings" + struct.pack(">H", number % 65_535 + 1) + told
    return b"\x32" + bytes([len(rest) % 128 | 128, len(rest) // 128]) + rest


def publish(port: int, client: int, rate: float, begin, until: float, results) -> None:
    """Publishes at a rate until the time is over and all is acknowledged by the broker; gives how many."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(CONNECT + str(client).encode())
        assert connection.recv(4) == b"\x20\x02\x00\x00"
        begin.wait()
        begun, sent, acknowledged = time.monotonic(), 0, 0
        while time.monotonic() < begun + until or acknowledged < 4 * sent:
            due = int(min(time.monotonic() - begun, until) * rate)
            if sent < due and sent - acknowledged // 4 < UNDER_WAY:
                connection.sendall(b"".join(message(number, client) for number in range(sent, due)))
                sent = due
            elif acknowledged < 4 * sent:
                acknowledged += len(connection.recv(65_536))  # an acknowledgement has 4 bytes
            else:
                time.sleep(0.002)
    results.put(sent)


def kept(inbox: Path) -> int:
    """Messages that are on stable storage."""
    with sqlite3.connect(inbox) as connection:
        return connection.execute("SELECT count(*) FROM message").fetchone()[0]


def main() -> None:
    """One run."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--senders", type=int, default=2)
    options.add_argument("--rate", type=float, default=8_000, help="messages/s of all senders")
    options.add_argument("--seconds", type=float, default=20)
    options.add_argument("--port", type=int, default=8913)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        print(f"the disk: {fsyncs(state):,.0f} fsync/s")
        district, broker = make_district(state), Broker(state)
        broker.start()
        head = "connection,protocol,address,interval_seconds,origin,source\n"
        row = f"broker,mqtt,{broker.address},,stand-in,stand-in: of the benchmark\n"
        (district / "registers" / "connections.csv").write_text(head + row, encoding="utf-8")
        process = started(district, state, asked.port, 1)
        try:
            credential_of(district, state)
            inbox = state / "demo" / "inbox.sqlite3"
            time.sleep(5)  # until the collector has its session
            begin, results = multiprocessing.Barrier(asked.senders + 1), multiprocessing.Queue()
            told = (asked.rate / asked.senders, begin, asked.seconds, results)
            senders = [multiprocessing.Process(target=publish, args=(broker.port, n, *told)) for n in range(asked.senders)]
            for sender in senders:
                sender.start()
            begin.wait()
            begun = time.monotonic()
            time.sleep(asked.seconds)
            meanwhile, seconds = kept(inbox), time.monotonic() - begun
            sent = sum(results.get() for _ in senders)
            print(f"{sent / seconds:,.0f} messages/s sent, {meanwhile / seconds:,.0f}/s on stable storage")
            still, before = 0, -1
            while still < 10 and (now := kept(inbox)) < sent:
                still, before = (still + 1 if now == before else 0), now
                time.sleep(0.5)
            rest = time.monotonic() - begun - seconds
            print(f"{sent:,} sent, {kept(inbox):,} there {rest:.1f} s later; {memory(process.pid):,.0f} MB")
            sys.exit(0 if kept(inbox) == sent else 1)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            broker.stop()


if __name__ == "__main__":
    main()
