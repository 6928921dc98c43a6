"""A device that sends what it likes to the server that runs: the others are heard, and the machine's memory holds."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from scicity.access.inbox import Inbox
from scicity.city import City
from scicity.cockpit.patience import OWN
from tests.access.broker import MOSQUITTO, Broker, free_port
from tests.operation.hostile import JSON, MIB, Body, bodies, reading
from tests.operation.running import begun, district, group, pid_of, scicity, until

MOST_MEMORY = 1_500_000  # [kB] that any process of the district ever had; about 350,000 are the cockpit with nothing to do
WITHIN = 60.0  # [s] for an answer, on a busy machine
ONE_TIME = datetime(2022, 1, 1, tzinfo=UTC)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
    pytest.mark.skipif(MOSQUITTO is None, reason="Mosquitto is not installed (Debian: mosquitto)"),
]


class Running:
    """A district that is up, with a device that is good, one that is evil, and a broker."""

    def __init__(self, root: Path) -> None:
        self.broker, self.state, self.port = Broker(root), root / "state", free_port()
        self.folder = district(root, 9)
        registers = self.folder / "registers"
        told = f"connection,protocol,address,interval_seconds,origin\nbroker,mqtt,{self.broker.address},,stand-in\n"
        (registers / "connections.csv").write_text(told, encoding="utf-8")
        (registers / "points.csv").unlink()
        self.credentials = {name: self.device(name, own) for name, own in (("good", "main.power"), ("evil", "evil.*"))}
        self.broker.start()
        self.log = root / "up.log"
        self.process = begun(self.state, self.log, "up", str(self.folder), "--port", str(self.port), SCICITY_LOG="json")
        self.inbox = until(self._inbox, "the inbox is there")
        until(lambda: pid_of(self.inbox, "collector"), "the collector beats")
        until(lambda: self.answer("GET", "/healthz")[0] == 200, "the server answers")
        self.sent: dict[datetime, float] = {}

    def _inbox(self) -> Inbox | None:
        return next((Inbox(file) for file in self.state.glob("*/inbox.sqlite3")), None)

    def device(self, name: str, own: str) -> str:
        done = scicity(self.state, "device", name, own, "-d", str(self.folder), "--json")
        return str(json.loads(done.stdout)["credential"])

    def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.broker.stop()

    def answer(self, method: str, path: str, content: bytes = b"", who: str = "", **headers: str) -> tuple[int, bytes]:
        """Status and body of an answer; 0 where the connection ends without one."""
        told = {"Authorization": f"Bearer {self.credentials[who]}"} if who else {}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WITHIN)
        try:
            connection.request(method, path, content, told | headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except OSError:
            return 0, b""
        finally:
            connection.close()

    def evil(self, body: Body) -> tuple[int, bytes]:
        return self.answer("POST", "/api/readings", body.content(), "evil", **({"Content-Type": body.form} | body.headers))

    def next_reading(self) -> list[dict[str, object]]:
        time, value = ONE_TIME + timedelta(minutes=15 * len(self.sent)), float(len(self.sent) % 50)
        self.sent[time] = value
        return [{"datastream": "main.power", "time": time.isoformat(), "value": value}]

    def good(self) -> None:
        """One more reading of the good device, which is acknowledged."""
        body = json.dumps(self.next_reading()).encode()
        status, told = self.answer("POST", "/api/readings", body, "good", **{"Content-Type": JSON})
        assert status == 202, told

    def raw(self, *pieces: bytes, ends: bool = False) -> bytes:
        """What is answered to bytes that are no request of any library; where it `ends`, nothing can follow them."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=WITHIN) as line:
            with contextlib.suppress(OSError):
                for piece in pieces:
                    line.sendall(piece)
                if ends:
                    line.shutdown(socket.SHUT_WR)
            came = b""
            with contextlib.suppress(OSError):
                while chunk := line.recv(65_536):
                    came += chunk
        return came

    def head(self, *lines: str, who: str = "evil") -> bytes:
        usual = ("POST /api/readings HTTP/1.1", "Host: localhost", f"Authorization: Bearer {self.credentials[who]}")
        return "\r\n".join((*usual, f"Content-Type: {JSON}", "Connection: close", *lines, "", "")).encode()

    def memory(self) -> dict[str, int]:
        """The most memory [kB] that each process had."""
        found = {}
        for each in group(self.process.pid):
            with contextlib.suppress(OSError):
                status = Path(f"/proc/{each}/status").read_text(encoding="utf-8")
                name = Path(f"/proc/{each}/cmdline").read_bytes().replace(b"\0", b" ")[:80].decode()
                found[f"{each} {name}"] = int(status.partition("VmHWM:")[2].split()[0])
        return found

    def holds(self) -> None:
        """Everybody lives and is within bounds, and everything that the good device sent is in the lake, and nothing else."""
        assert self.process.poll() is None and self.answer("GET", "/healthz")[0] == 200
        memory = self.memory()
        assert max(memory.values()) < MOST_MEMORY, memory
        until(lambda: self.inbox.waiting_readings() == 0, "all readings are in the lake")
        city = City(self.folder, self.state / "small")
        rows = city.computing.engine.rows(city.catalog["reading.active_power"]).to_pylist()
        assert {row["datastream"] for row in rows} == {"main.power"}
        assert {row["time"]: row["value"] for row in rows} == self.sent


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    here = Running(tmp_path_factory.mktemp("hostile"))
    yield here
    here.end()


def test_hostile_bodies_are_told_what_is_wrong_and_others_go_on(running: Running) -> None:
    wrong = {}
    for number, body in enumerate(bodies()):
        status, told = running.evil(body)
        if status == 0 and len(body.content()) > MIB:
            continue  # the answer was there before the body was sent, and the connection closed over it
        if status != (body.status or status) or not (status == 202 or 400 <= status < 500 or status == 503):
            wrong[body.name] = (status, told[:200])
        elif status != 202:
            said = json.loads(told)
            assert said.get("expected") or all(each["found"] and each["expected"] for each in said["problems"]), body.name
        if number % 10 == 0:
            running.good()
    assert wrong == {}
    running.holds()


def test_requests_that_are_none_are_refused(running: Running) -> None:
    body = json.dumps([reading()]).encode()
    long = f"Content-Length: {len(body)}"
    expected = {
        b"400": (
            running.raw(running.head(long, "Content-Length: 3"), body),
            running.raw(running.head("Content-Length: -1"), body),
            running.raw(running.head("Content-Length: 2, 2"), body),
            running.raw(running.head(f"Content-Length: {len(body) + 1}"), body, ends=True),
            running.raw(running.head("Content-Length : 2"), body),
            running.raw(b"\x16\x03\x01\x02\x00" * 100),
        ),
        b"401": (running.raw(running.head(long, "Authorization: Bearer good.guess"), body),),
        b"411": (
            running.raw(running.head()),
            running.raw(running.head("Transfer-Encoding: chunked"), b"2\r\n[]\r\n0\r\n\r\n"),
            running.raw(running.head(long, "Transfer-Encoding: chunked"), b"2\r\n[]\r\n0\r\n\r\n"),
        ),
        b"413": (running.raw(running.head("Content-Length: 99999999999")),),
        b"431": (
            running.raw(running.head(*(f"X-{n}: y" for n in range(5_000)), long), body),
            running.raw(running.head("X: " + "y" * (2 * MIB), long), body),
        ),
    }
    told = {status: [answer.split(b"\r\n")[0] for answer in answers] for status, answers in expected.items()}
    for status, lines in told.items():
        assert all(line.split(b" ")[1:2] == [status] for line in lines if line), (status, lines)
    assert all(lines[0] for lines in told.values()), told  # what is closed over unread bytes may lose its answer
    twice = running.raw(running.head(long, "Content-Type: text/csv"), body).split(b" ")[1]
    assert twice in (b"202", b"415", b"422")
    running.good()
    running.holds()


def test_bodies_that_never_come_hold_nobody_up(running: Running) -> None:
    lines = [socket.create_connection(("127.0.0.1", running.port)) for _ in range(60)]
    try:
        for number, line in enumerate(lines):
            line.sendall(running.head("Content-Length: 1000")[: -1 if number % 3 == 0 else None] + b"[" * (number % 3 == 1))
        for _ in range(3):
            running.good()
            assert running.answer("GET", "/accounts/login/")[0] == 200
        begun_bodies = [line for number, line in enumerate(lines) if number % 3]
        refused: set[socket.socket] = set()

        def most_are_refused() -> bool:
            for line in select.select([line for line in begun_bodies if line not in refused], [], [], 0)[0]:
                assert line.recv(12) == b"HTTP/1.1 503"
                refused.add(line)
            return len(refused) == len(begun_bodies) - OWN

        until(most_are_refused, "all but a few of the bodies that do not come are refused")
        running.good()
    finally:
        for line in lines:
            line.close()
    until(lambda: running.evil(Body("", JSON, json.dumps([reading()]).encode))[0] == 202, "it may send again")
    running.holds()


def test_hostile_messages_by_mqtt_harm_no_other(running: Running) -> None:
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", running.broker.port)
    client.loop_start()
    before = running.inbox.unread_messages()
    sent = 0

    def publish(topic: str, content: bytes | str) -> None:
        client.publish(topic, content, qos=1).wait_for_publish(WITHIN)

    try:
        for body in bodies():
            topic = {JSON: "scicity/evil/readings", "text/csv": ""}.get(body.form, "scicity/evil/arrow")
            content = body.content() if topic else b""
            if topic and not body.headers and len(content) < 30 * MIB:
                publish(topic, content)
                sent += body.status not in (0, 202)
            if sent % 10 == 0:
                publish("scicity/good/readings", json.dumps(running.next_reading()))
        stolen = json.dumps([reading("main.power", 7_777.0)])
        spark = b"\x12\x04\x0a\x02\xff\xfe" * 100_000
        more = {
            "scicity/evil/readings": stolen,
            "scicity/nobody/readings": stolen,
            "v1/gateway/telemetry": '{"evil": [' + "{}," * MIB + "{}]}",
            "v1/devices/evil/telemetry": '{"a":' * 100_000,
            "/sys/p/evil/thing/event/property/post": '{"params": {"a": {"value": 1e400}}}',
            "spBv1.0/g/NDATA/evil": spark,
        }
        for topic, content in more.items():
            publish(topic, content)
        publish("scicity/good/readings", json.dumps(running.next_reading()))
    finally:
        client.disconnect()
        client.loop_stop()
    until(lambda: running.inbox.unread_messages() - before >= sent, "every message that cannot be read is kept")
    last = max(running.sent)
    until(lambda: last in _times(running), "the last reading of the good device is in the lake")
    running.holds()


def _times(running: Running) -> set[datetime]:
    city = City(running.folder, running.state / "small")
    return {row["time"] for row in city.computing.engine.rows(city.catalog["reading.active_power"]).to_pylist()}
