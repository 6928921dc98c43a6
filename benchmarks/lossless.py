"""Is every acknowledged reading in the lake exactly once, whatever is cut off at random moments?

    .venv/bin/python benchmarks/lossless.py [--how kill|full|cut|postgres] [--times 200] [--port 8911]

Starts the cockpit with the demo district in a temporary state, sends numbered readings over HTTP from four threads and by MQTT
(QoS 1, through Mosquitto) from one, and again and again

    kill        kills server, mover and collector with -9, and starts them anew
    full        fills the disk that the state lies on, kills now and then, and makes room again (as root)
    cut         cuts the power: all starts anew from the disk as it is at that moment, without what was not put on it (as root)
    postgres    stops PostgreSQL, which has records and inbox, kills, and starts both anew

Two times in three it aims: it waits until readings are being written down, moved, merged or computed with, and cuts off in the
middle of it (`marking/sitecustomize.py`). At the end it waits until nothing waits, and counts what the lake holds. A reading
whose answer was lost may be there or not; an acknowledged one must be there once.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import http.client
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import paho.mqtt.client as paho
import pyarrow.parquet as pq

HOME = Path(__file__).parent.parent
sys.path[:0] = [str(HOME / "src"), str(HOME)]

from tests.access.broker import Broker  # noqa: E402
from tests.access.postgres import Postgres  # noqa: E402

from scicity.access.inbox import Inbox  # noqa: E402
from scicity.access.storage import StorageRefused  # noqa: E402
from scicity.cockpit.arriving import MOVER  # noqa: E402
from scicity.cockpit.looking import look  # noqa: E402
from scicity.cockpit.place import Place  # noqa: E402
from scicity.kernel.lake import Lake  # noqa: E402

DEMO = HOME / "districts" / "demo"
BY_HTTP, BY_MQTT, TABLE = "office-servers.power", "numbered.power", "reading.active_power"
BATCH, SENDERS = 10, 4
FIRST = datetime(2024, 1, 1, tzinfo=UTC)
PAUSE = 0.1  # [s] of a sender between two batches, at most
PARTS = {"keeping": 0.004, "moving": 0.025, "merging": 0.03, "computing": 0.8}  # [s] within which one is cut off
DISK = {"full": 600, "cut": 4_000}  # [MB] of the disk that is filled or cut off


class Site:
    """A district, its state, and the processes over it."""

    def __init__(self, root: Path, port: int, how: str) -> None:
        self.root, self.port, self.how = root, port, how
        self.state, self.images, self.process, self.loaded = root / "state", 0, None, False
        self.hit = Counter[str]()  # what was going on when it was killed
        self.broker = Broker(root)
        self.broker.start()
        if how == "postgres":
            root.chmod(0o755)  # the server runs as another user
        self.postgres = Postgres(root / "postgres") if how == "postgres" else None
        if self.postgres:
            self.postgres.start()
        self.state.mkdir()
        self.marks = root / "marks"
        self.marks.mkdir()
        if how in ("full", "cut"):
            image = root / "disk-0"
            with image.open("wb") as disk:
                disk.truncate(DISK[how] << 20)
            subprocess.run(["mkfs.ext4", "-q", str(image)], check=True)
            self._mount(image)
        self.district = self._district()
        told = {
            **os.environ,
            "SCICITY_STATE": str(self.state),
            "SCICITY_DISTRICT": str(self.district),
            "SCICITY_HOME": str(HOME),
            "MARKS_OF_PARTS": str(self.marks),
            "PYTHONPATH": f"{HOME / 'src'}:{HOME / 'benchmarks' / 'marking'}",
        }
        self.environment = told | ({"SCICITY_DATABASE": self.postgres.address} if self.postgres else {})

    def _district(self) -> Path:
        """The demo district, with the broker as a connection and one more meter whose readings come through it."""
        district = Path(shutil.copytree(DEMO, self.root / "district"))
        origin = "stand-in,stand-in: of the benchmark"
        registers = district / "registers"
        with (registers / "meters.csv").open("a", encoding="utf-8") as meters:
            meters.write(f"numbered,electricity,sub,,false,{origin}\n")
        with (registers / "datastreams.csv").open("a", encoding="utf-8") as streams:
            streams.write(f"{BY_MQTT},numbered,active_power,kW,forward,60,{origin}\n")
        with (registers / "installations.csv").open("a", encoding="utf-8") as places:
            places.write("numbered,2022-11-17T00:00:00+08:00,,office,,1,,,,,,stand-in: of the benchmark\n")
        head = "connection,protocol,address,interval_seconds,origin,source\n"
        (registers / "connections.csv").write_text(f"{head}broker,mqtt,{self.broker.address},,{origin}\n", encoding="utf-8")
        return district

    def start(self) -> None:
        """Returns when the cockpit answers; mover and collector run beside it."""
        python = [sys.executable, "-m"]
        again = [*python, "scicity.operation.supervising", "--host", "127.0.0.1", "--port", str(self.port), "--workers", "1"]
        whole = [*python, "scicity", "up", str(self.district), "--port", str(self.port)]
        command = [*again, "--district", str(self.district)] if self.loaded and self.how != "cut" else whole
        with (self.root / "up.log").open("ab") as log:
            self.process = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log, start_new_session=True)
        while self.process.poll() is None:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=1):
                self.loaded = True
                return
            time.sleep(0.05)
        raise RuntimeError((self.root / "up.log").read_text(encoding="utf-8")[-3000:])

    def kill(self) -> None:
        """Kills all of it with -9."""
        for pid in self._group():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        hit = {mark.name.partition("-")[0] for mark in self.marks.iterdir()}
        self.hit.update(hit or {"nothing"})
        for mark in self.marks.iterdir():
            mark.unlink()

    def interrupt(self, dice: random.Random) -> None:
        """Cuts off what this run is about, and starts anew."""
        if self.how == "full":
            ballast = self.state / "ballast"
            with contextlib.suppress(OSError), ballast.open("wb") as file:
                while True:
                    file.write(bytes(1 << 16))
                    file.flush()
            time.sleep(dice.uniform(0.5, 3))
            if dice.random() < 0.5:
                self.kill()
            ballast.unlink()
            if self.process.poll() is None:
                return
        elif self.how == "cut":
            for pid in self._group():
                os.kill(pid, signal.SIGSTOP)
            image = self.root / f"disk-{self.images}"
            following = self.root / f"disk-{self.images + 1}"
            subprocess.run(["cp", "--sparse=always", str(image), str(following)], check=True)
            self.kill()
            while subprocess.run(["umount", str(self.state)], capture_output=True, check=False).returncode:
                gc.collect()  # our own looks into the inbox may still hold it
                time.sleep(0.1)
            image.unlink()
            self.images += 1
            self._mount(following)
            for boot in self.state.glob("*/lake/boot"):
                boot.unlink()  # the machine has started again
        elif self.how == "postgres":
            self.postgres.kill() if dice.random() < 0.5 else self.postgres.stop()
            time.sleep(dice.uniform(0.2, 2))
            if dice.random() < 0.5:
                self.kill()
            self.postgres.start()
            if self.process.poll() is None:
                return
        else:
            self.kill()
        self.start()

    def live(self, dice: random.Random) -> None:
        """Lets it live for a while: now and then it may end while it begins, else its mover moves, heals and merges files, and
        it ends in the middle of one of these."""
        inbox, patient, until = self.inbox(), dice.random() < 0.75, time.monotonic() + 60
        while patient and time.monotonic() < until:
            with contextlib.suppress(StorageRefused):
                patient = inbox.pulses().get(MOVER, (None, {}))[1].get("pid") not in self._group()
            time.sleep(0.1)
        look(self.state / "demo" / "lake", "GET", "/")  # whoever looks has figures healed at once
        time.sleep(dice.uniform(0.1, 3))
        part = dice.choice([*PARTS, "", ""])
        while part and time.monotonic() < until:
            if any(self.marks.glob(f"{part}-*")):
                time.sleep(dice.uniform(0, PARTS[part]))
                return
            time.sleep(0.0005)

    def inbox(self) -> Inbox:
        """What waits."""
        return Inbox(Place(self.district, self.state, self.environment.get("SCICITY_DATABASE", "")).inbox)

    def end(self) -> None:
        """Ends all of it."""
        self.kill()
        self.broker.stop()
        if self.postgres:
            self.postgres.stop()
        if self.how in ("full", "cut"):
            subprocess.run(["umount", "-l", str(self.state)], check=False)

    def _mount(self, image: Path) -> None:
        subprocess.run(["mount", "-o", "loop", str(image), str(self.state)], check=True)

    def _group(self) -> list[int]:
        """The processes that belong to it: those of its session."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if os.getsid(int(entry.name)) == self.process.pid:
                    found.append(int(entry.name))
        return found


def numbered(sender: int, of: int) -> Iterator[list[int]]:
    """The numbers of one batch after the other."""
    number = sender
    while True:
        yield [number + of * n for n in range(BATCH)]
        number += of * BATCH


def time_of(number: int) -> str:
    """Each number has its second."""
    return (FIRST + timedelta(seconds=number)).isoformat()


def send(port: int, credential: str, sender: int, acknowledged: set[int], ended: threading.Event) -> None:
    """Sends batches for ever; keeps the numbers that were acknowledged. What fails is sent again."""
    dice = random.Random(sender)
    connection, headers = None, {"Authorization": f"Bearer {credential}", "Content-Type": "application/json"}
    for values in numbered(sender, SENDERS):
        body = json.dumps({"datastream": [BY_HTTP] * BATCH, "time": [time_of(value) for value in values], "value": values})
        while not ended.is_set():
            try:
                connection = connection or http.client.HTTPConnection("127.0.0.1", port, timeout=5)
                connection.request("POST", "/api/readings", body, headers)
                answer = connection.getresponse()
                answer.read()
                if answer.status == 202:
                    acknowledged.update(values)
                    time.sleep(dice.uniform(0, PAUSE))
                    break
            except (OSError, http.client.HTTPException):
                connection = None
            time.sleep(0.02)
        if ended.is_set():
            return


def publish(port: int, acknowledged: set[int], ended: threading.Event) -> None:
    """Publishes one reading after the other; the broker has acknowledged it when its number is kept."""
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="sender", protocol=paho.MQTTv5)
    client.connect("127.0.0.1", port)
    client.loop_start()
    for values in numbered(0, 1):
        for value in values:
            told = json.dumps({"datastream": BY_MQTT, "time": time_of(value), "value": value})
            client.publish("scicity/sender/readings", told, qos=1).wait_for_publish()
            acknowledged.add(value)
            time.sleep(0.002)
            if ended.is_set():
                client.disconnect()
                return


def in_lake(state: Path, stream: str) -> Counter[int]:
    """How often each number of a datastream is in the lake."""
    lake = Lake(state / "demo" / "lake")
    found: Counter[int] = Counter()
    for uri in lake.uris(TABLE, lake.snapshot(TABLE)):
        rows = pq.ParquetFile(uri).read(["datastream", "time", "value"]).to_pylist()
        found.update(int(row["value"]) for row in rows if row["datastream"] == stream and row["time"] >= FIRST)
    return found


def main() -> None:
    """Cuts off, starts, counts; ends with 1 where a reading was lost or doubled."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--how", choices=("kill", "full", "cut", "postgres"), default="kill")
    options.add_argument("--times", type=int, default=20)
    options.add_argument("--port", type=int, default=8911)
    options.add_argument("--seed", type=int, default=7)
    asked = options.parse_args()
    dice, by_http, by_mqtt = random.Random(asked.seed), set[int](), set[int]()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        site = Site(Path(folder), asked.port, asked.how)
        try:
            site.start()
            command = [sys.executable, "-m", "scicity", "device", "sender", "*.power", "-d", str(site.district), "--json"]
            made = subprocess.run(command, env=site.environment, check=True, capture_output=True).stdout
            credential = json.loads(made)["credential"]
            ended = threading.Event()
            threads = [
                threading.Thread(target=send, args=(asked.port, credential, n, by_http, ended), daemon=True)
                for n in range(SENDERS)
            ] + [threading.Thread(target=publish, args=(site.broker.port, by_mqtt, ended), daemon=True)]
            time.sleep(5)  # until the collector has its session at the broker, which keeps for it what comes from then on
            for thread in threads:
                thread.start()
            for number in range(asked.times):
                site.live(dice)
                site.interrupt(dice)
                told = f"acknowledged {len(by_http):,} by HTTP, {len(by_mqtt):,} by MQTT"
                print(f"\r{asked.how} {number + 1} of {asked.times}; {told}", end="", flush=True)
            time.sleep(1)
            ended.set()
            for thread in threads:
                thread.join()
            inbox, still = site.inbox(), 0
            while still < 3:  # what the broker kept comes first
                time.sleep(2)
                still = 0 if inbox.waiting_readings() else still + 1
            held = sum(each.rows.num_rows for each in inbox.quarantine())
            lake = Lake(site.state / "demo" / "lake")
            newest = lake.snapshot(TABLE)
            merged = sum(1 for commit in lake.commits(TABLE) if "merged" in commit.note)
            bad = held
            print(f"\nin the middle of: {', '.join(f'{part} {times}' for part, times in sorted(site.hit.items()))}")
            print(f"{newest.version + 1} commits, {merged} of them of merged files, {len(newest.paths)} files; {held} held")
            for name, stream, acknowledged in (("HTTP", BY_HTTP, by_http), ("MQTT", BY_MQTT, by_mqtt)):
                found = in_lake(site.state, stream)
                lost = sum(1 for number in acknowledged if not found[number])
                doubled = sum(1 for count in found.values() if count > 1)
                bad += lost + doubled
                print(f"{name}: {len(acknowledged):,} readings acknowledged: {lost} lost, {doubled} twice")
            if bad:
                kept = Path(shutil.copytree(site.state / "demo", f"/tmp/lossless-{os.getpid()}"))
                print(f"the state is kept at {kept}; lost by HTTP: {sorted(by_http - set(in_lake(site.state, BY_HTTP)))[:50]}")
            sys.exit(1 if bad else 0)
        finally:
            site.end()


if __name__ == "__main__":
    main()
