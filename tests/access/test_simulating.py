"""A district whose devices are all simulated: readings of every datastream come by every protocol."""

from __future__ import annotations

import asyncio
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from scicity.access import simulating
from scicity.access.collecting import Connection, Point
from scicity.access.gathering import Desk, gather, protocols
from scicity.access.http.decode import decode
from scicity.access.http.simulate import send
from scicity.access.inbox import LANES, Inbox
from scicity.access.simulating import Stream, World, left_out, outage, simulate, simulated
from scicity.city import City
from scicity.commands.new import rendered
from scicity.kernel.problems import Problems
from tests.access.broker import MOSQUITTO, free_port

NOW = datetime(2026, 3, 1, 4, tzinfo=UTC)
WORDS = {"domain": "", "name": "stand-in", "dashed": "stand-in", "zh": "替代示范区", "en": "Stand-in"}
PASSWORD = "stand-in"
PATIENCE = 60.0  # [s] for a busy machine; what is waited for comes far sooner


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stand-in district, at free ports."""
    root = tmp_path_factory.mktemp("simulated") / "stand-in"
    for file, text in rendered("stand-in", root, WORDS).items():
        file.parent.mkdir(parents=True, exist_ok=True)
        free = re.sub(r"(?<=127\.0\.0\.1:)\d+", lambda _: str(free_port()), text)
        file.write_text(free, encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def sources(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    found, problems = City(folder, tmp_path_factory.mktemp("state")).check()
    assert list(problems) == []
    return {name: rows.to_pylist() for name, rows in found.items()}


def connections_of(sources: dict[str, list[dict[str, Any]]]) -> list[Connection]:
    points: dict[str, list[Point]] = {}
    for row in sources["devices.point"]:
        points.setdefault(row["connection"], []).append(Point(row["datastream"], row["item"], row["scale"] or 1.0))
    return [
        Connection(
            row["connection"],
            row["protocol"],
            row["address"],
            timedelta(seconds=row["interval_seconds"] or 60),
            tuple(points.get(row["connection"], ())),
        )
        for row in sources["devices.connection"]
    ]


def world_of(sources: dict[str, list[dict[str, Any]]]) -> World:
    streams = {
        row["datastream"]: Stream(
            row["datastream"], row["property"], row["unit"], timedelta(seconds=row["interval_seconds"]), row["origin"]
        )
        for row in sources["district.datastream"]
    }
    asked = frozenset(row["datastream"] for row in sources["devices.point"])
    return World(streams, asked, lambda: NOW, lambda _: asyncio.sleep(0.01), lambda _: PASSWORD)


class Anybody:
    def not_its_own(self, _: list[str]) -> list[str]:
        return []


@contextmanager
def door(inbox: Inbox) -> Iterator[str]:
    """The door by HTTP, without the records of who may send."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body, problems = self.rfile.read(int(self.headers["Content-Length"])), Problems()
            batch = decode(body, "http", NOW, problems)
            known = self.headers["Authorization"] == "Bearer http-1.secret" and self.path == "/api/readings"
            if batch is not None and known:
                inbox.put([batch])
            self.send_response(202 if known and batch is not None else 422)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def kept(inbox: Inbox) -> dict[str, dict[datetime, float]]:
    found: dict[str, dict[datetime, float]] = {}
    for lane in LANES:
        for waiting in inbox.waiting(10**6, lane):
            for row in waiting.batch.rows.to_pylist():
                found.setdefault(row["datastream"], {})[row["time"]] = row["value"]
    return found


def test_every_protocol_but_files_can_be_simulated() -> None:
    assert simulated() == frozenset(protocols())


def test_readings_of_every_datastream_come_by_every_protocol(
    sources: dict[str, list[dict[str, Any]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections = [each for each in connections_of(sources) if each.protocol != "mqtt" or MOSQUITTO]
    assert {each.protocol for each in connections} == set(protocols()) - (set() if MOSQUITTO else {"mqtt"})
    world, inbox, done = world_of(sources), Inbox(tmp_path / "inbox.sqlite3"), asyncio.Event()
    expected = set(world.streams) - (set() if MOSQUITTO else {each for each in world.streams if each.startswith("mqtt-")})
    came: set[str] = set()
    put, put_messages = inbox.put, inbox.put_messages

    async def program(cockpit: str) -> None:
        loop = asyncio.get_running_loop()

        def heard(names: list[str]) -> None:
            came.update(names)
            if came >= expected:
                loop.call_soon_threadsafe(done.set)

        def seen(batches, heard_of=()):
            put(batches, heard_of)
            heard([name for batch in batches for name in batch.rows.column("datastream").to_pylist()])

        def seen_messages(names, rows, *more):
            put_messages(names, rows, *more)
            heard(rows.column("datastream").to_pylist())

        monkeypatch.setattr(inbox, "put", seen)
        monkeypatch.setattr(inbox, "put_messages", seen_messages)
        playing = asyncio.create_task(simulate(connections, world, send(cockpit, {"http-1": "http-1.secret"}, world)))
        gathering = asyncio.create_task(gather(connections, Desk(inbox, lambda _: Anybody(), lambda _: PASSWORD)))
        try:
            await asyncio.wait_for(done.wait(), PATIENCE)
        except TimeoutError:
            raise AssertionError(f"nothing of {sorted(expected - came)}") from None
        finally:
            for task in (playing, gathering):
                task.cancel()
            await asyncio.gather(playing, gathering, return_exceptions=True)

    with door(inbox) as cockpit:
        asyncio.run(program(cockpit))
    found = kept(inbox)
    assert set(found) == expected, "nothing but what is registered"
    for name in ("mqtt-1.temperature", "http-1.wind") if MOSQUITTO else ("http-1.wind",):
        assert found[name] == {NOW: world.value(name, NOW)}
    assert NOW - timedelta(hours=1) in found["air-2.a34002.hour.avg"]
    (shown,) = found["hall-pv.power"].values()
    assert shown == pytest.approx(world.value("hall-pv.power", NOW), abs=0.001)


def test_everything_of_the_stand_in_district_says_so(sources: dict[str, list[dict[str, Any]]]) -> None:
    with_origin = [row for rows in sources.values() for row in rows if row.get("source_file") and "origin" in row]
    own = [row for row in with_origin if str(row["source_file"]).startswith("registers/")]
    assert len(own) > 20 and {row["origin"] for row in own} == {"stand-in"}


@pytest.mark.parametrize(
    ("address", "origin", "stream", "why"),
    [
        ("tcp://127.0.0.1:502", "stand-in", "stand-in", ""),
        ("tcp://meter.example:502", "stand-in", "stand-in", "loopback"),
        ("tcp://[::1:502", "stand-in", "stand-in", "loopback"),
        ("tcp://127.0.0.1:502", "measured", "stand-in", "registered"),
        ("tcp://127.0.0.1:502", "stand-in", "measured", "registered"),
    ],
)
def test_what_is_measured_or_elsewhere_is_not_simulated(address: str, origin: str, stream: str, why: str) -> None:
    streams = {"a": Stream("a", "active_power", "kW", timedelta(minutes=1), stream)}
    connection = Connection("c", "modbus", address, timedelta(minutes=1), (Point("a", "1/holding/0/uint16"),))
    assert why in left_out(connection, origin, streams) and bool(why) == bool(left_out(connection, origin, streams))


def test_registers_never_count_back_and_units_are_the_registers() -> None:
    streams = {
        "r": Stream("r", "energy_register", "kWh", timedelta(minutes=15), "stand-in"),
        "w": Stream("w", "energy_register", "Wh", timedelta(minutes=15), "stand-in"),
        "i": Stream("i", "energy_increment", "kWh", timedelta(minutes=15), "stand-in"),
    }
    world = World(streams)
    times = [NOW + timedelta(minutes=15) * step for step in range(300)]
    shown = [world.value("r", time) for time in times]
    assert shown == sorted(shown) and shown[-1] > shown[0]
    assert all(world.value("i", time) >= 0 for time in times)
    own = simulating._canonical(streams["w"], NOW)
    assert world.value("w", NOW) == pytest.approx(1_000 * own)


def test_an_outage_begins_and_ends() -> None:
    seen: list[tuple[float, frozenset[str]]] = []

    async def sleep(seconds: float) -> None:
        seen.append((seconds, frozenset(world.silent)))

    world = World({}, sleep=sleep)
    asyncio.run(outage(world, ["meters"], 120.0, 30.0))
    assert seen == [(30.0, frozenset()), (120.0, frozenset({"meters"}))] and world.silent == set()


def test_a_connection_that_cannot_be_played_harms_no_other(caplog: pytest.LogCaptureFixture) -> None:
    played = []

    async def other() -> None:
        played.append(1)

    world = World({"b": Stream("b", "latitude", "degree", timedelta(minutes=1), "stand-in")})
    bad = Connection("bad", "gtfs_realtime", "http://127.0.0.1:1/x", timedelta(minutes=1), (Point("b", "vehicle/7/speed"),))
    asyncio.run(simulate([bad], world, other()))
    assert played == [1] and "bad is not simulated" in caplog.text


def test_stations_without_a_password_are_not_played_and_harm_no_other(caplog: pytest.LogCaptureFixture) -> None:
    played = []

    async def other() -> None:
        played.append(1)

    world = World({"S1.a34004": Stream("S1.a34004", "pm25", "ug/m**3", timedelta(minutes=1), "stand-in")})
    stations = Connection("my-stations", "hj212", f"tcp://127.0.0.1:{free_port()}", timedelta(minutes=1), ())
    asyncio.run(simulate([stations], world, other()))
    assert played == [1] and "SCICITY_PASSWORD_" + "MY_STATIONS" in caplog.text


def test_without_a_broker_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    address = f"mqtt://127.0.0.1:{free_port()}"
    asyncio.run(simulate([Connection("broker", "mqtt", address, timedelta(minutes=1), ())], World({})))
    assert "apt-get install mosquitto" in caplog.text
