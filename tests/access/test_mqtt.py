"""Messages of a broker are acknowledged when they are kept, once each, whoever fails in between."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from scicity.access.inbox import LANES, Inbox, InboxFull
from scicity.access.mqtt import subscribe
from scicity.access.mqtt.sparkplug import REBIRTH, Payload
from scicity.access.mqtt.subscribe import Message, Reader, Subscriber
from scicity.access.storage import StorageRefused
from tests.access.broker import MOSQUITTO, Broker

Empty = Callable[[Path], Path | str]
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TOPIC = "scicity/gw/readings"


class Device:
    """May send for what begins with its name."""

    def __init__(self, name: str) -> None:
        self.own = re.compile(re.escape(name) + r"[./].*|plant\.edge-1\..*")

    def not_its_own(self, datastreams: list[str]) -> list[str]:
        return [name for name in datastreams if not self.own.fullmatch(name)]


def sender_of(name: str) -> Device | None:
    return Device(name) if name in ("gw", "edge-1", "A") else None


def reading(number: int, name: str = "gw/1", minutes: int = 1) -> dict[str, object]:
    return {"datastream": name, "time": (NOW - timedelta(minutes=minutes)).isoformat(), "value": number}


def message(told: object, topic: str = TOPIC, acknowledged: list[str] | None = None) -> Message:
    payload = told if isinstance(told, bytes) else json.dumps(told).encode()
    seen = [] if acknowledged is None else acknowledged
    return Message(topic, payload, NOW, lambda: seen.append(topic))


def kept(inbox: Inbox) -> list[float | None]:
    return [value for lane in LANES for w in inbox.waiting(10**9, lane) for value in w.batch.rows.column("value").to_pylist()]


def test_messages_are_kept_together_and_then_acknowledged(tmp_path: Path, empty: Empty) -> None:
    inbox, acknowledged = Inbox(empty(tmp_path)), []
    told = [reading(1), [reading(2), reading(3, minutes=100)], {"readings": [reading(4)]}]
    Reader(inbox, sender_of).take([message(each, acknowledged=acknowledged) for each in told])
    assert sorted(kept(inbox)) == [1, 2, 3, 4]
    assert acknowledged == [TOPIC] * 3


def test_a_message_that_is_delivered_twice_is_kept_once(tmp_path: Path, empty: Empty) -> None:
    inbox = Inbox(empty(tmp_path))
    reader = Reader(inbox, sender_of)
    reader.take([message(reading(1)), message(reading(1)), message(reading(2))])
    reader.take([message(reading(2)), message(reading(3))])
    assert sorted(kept(inbox)) == [1, 2, 3]


def test_equal_messages_without_a_time_of_their_own_are_two(tmp_path: Path, empty: Empty) -> None:
    inbox = Inbox(empty(tmp_path))
    for minutes in (0, 1):
        plain = message({"A": [{"power": 5}]}, "v1/gateway/telemetry")
        plain.arrived = NOW + timedelta(minutes=minutes)
        Reader(inbox, sender_of).take([plain])
    assert kept(inbox) == [5, 5]


@pytest.mark.parametrize(
    ("topic", "told", "code"),
    [
        (TOPIC, b"{", "syntax"),
        (TOPIC, b"[" * 100_000, "syntax"),
        (TOPIC, b"\xff\xfe", "syntax"),
        (TOPIC, {"datastream": "gw/1", "time": "2026-03-01T12:00:00", "value": 1}, "time"),
        (TOPIC, b'{"datastream": "gw/1", "time": "2026-03-01T12:00:00Z", "value": 1e999}', "syntax"),
        (TOPIC, reading(1, "others/1"), "sender"),
        ("scicity/stranger/readings", reading(1), "sender"),
        ("scicity/gw/arrow", b"\xff" * 64, "syntax"),
        ("v1/devices/me/telemetry", {"power": 1}, "value"),
        ("v1/gateway/telemetry", {"A": [{"ts": 10**30, "values": {"power": 1}}]}, "time"),
        ("v1/gateway/telemetry", {"A": [{"power": 10**400}]}, "value"),
        ("/sys/p/A/thing/event/property/post", {"params": []}, "syntax"),
        ("spBv1.0/plant/DDATA/edge-1/d", b"\xff", "syntax"),
        ("nobody/knows/this", b"1", "value"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_kept_with_its_problem_and_harms_no_other(
    tmp_path: Path, topic: str, told: object, code: str
) -> None:
    inbox, acknowledged = Inbox(tmp_path / "inbox.sqlite3"), []
    Reader(inbox, sender_of).take([message(each, where, acknowledged) for where, each in ((TOPIC, reading(1)), (topic, told))])
    assert kept(inbox) == [1]
    (unread,) = inbox.unread()
    assert unread.problems[0]["code"] == code and unread.problems[0]["expected"]
    assert unread.content == message(told).payload
    assert acknowledged == [TOPIC, topic]


def test_while_the_inbox_refuses_nothing_is_acknowledged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inbox, acknowledged, tries = Inbox(tmp_path / "inbox.sqlite3"), [], []
    keep = inbox.put_messages

    def refusing(*told: object) -> None:
        tries.append(list(acknowledged))
        if len(tries) < 3:
            raise InboxFull("full")
        keep(*told)

    monkeypatch.setattr(inbox, "put_messages", refusing)
    monkeypatch.setattr(subscribe, "RETRY", 0)
    Reader(inbox, sender_of).take([message(reading(1), acknowledged=acknowledged)])
    assert tries == [[], [], []] and acknowledged == [TOPIC] and kept(inbox) == [1]


def test_while_nobody_can_tell_who_sends_nothing_is_acknowledged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inbox, acknowledged, tries = Inbox(tmp_path / "inbox.sqlite3"), [], []

    def away(name: str) -> Device | None:
        tries.append(list(acknowledged))
        if len(tries) < 3:
            raise StorageRefused("the records are away")
        return sender_of(name)

    monkeypatch.setattr(subscribe, "RETRY", 0)
    Reader(inbox, away).take([message(reading(1), acknowledged=acknowledged)])
    assert tries[:3] == [[], [], []] and acknowledged == [TOPIC] and kept(inbox) == [1] and inbox.unread() == []


def test_a_fault_of_ours_holds_up_the_message_alone_that_it_is_about(tmp_path: Path) -> None:
    inbox, acknowledged = Inbox(tmp_path / "inbox.sqlite3"), []

    def faulty(name: str) -> Device | None:
        if name == "stranger":
            raise ZeroDivisionError("ours")
        return sender_of(name)

    taker = Subscriber("name", "mqtt://127.0.0.1", Reader(inbox, faulty))
    topics = [TOPIC, "scicity/stranger/readings", TOPIC]
    taker._taken([message(reading(number), where, acknowledged) for number, where in enumerate(topics)])
    assert sorted(kept(inbox)) == [0, 2] and sorted(acknowledged) == sorted(topics)
    (unread,) = inbox.unread()
    assert unread.problems[0]["found"] == "ZeroDivisionError('ours')" and unread.content == message(reading(1)).payload


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    if MOSQUITTO is None:
        pytest.skip("Mosquitto is not installed (Debian: mosquitto)")
    broker = Broker(tmp_path)
    broker.start()
    yield broker
    broker.stop()


class Client:
    """A device's own client of the broker, which waits until the broker has taken what it sends."""

    def __init__(self, broker: Broker) -> None:
        self.came: list[paho.MQTTMessage] = []
        self.arrived = threading.Event()
        self.client = paho.Client(CallbackAPIVersion.VERSION2)
        self.client.on_message = self._came
        self.client.connect("127.0.0.1", broker.port)
        self.client.loop_start()

    def _came(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        self.came.append(message)
        self.arrived.set()

    def send(self, topic: str, payload: bytes | str) -> None:
        self.client.publish(topic, payload, qos=1).wait_for_publish(30)


class Watched(Reader):
    """Tells when readings have come."""

    def watch(self, count: int) -> threading.Event:
        self.wanted, self.enough = count, threading.Event()
        return self.enough

    def take(self, messages, stopped=lambda: False):
        found = super().take(messages, stopped)
        if self.inbox.waiting_readings() >= self.wanted:
            self.enough.set()
        return found


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_a_subscriber_gets_what_came_while_it_was_away(tmp_path: Path, broker: Broker, version: str) -> None:
    inbox, client = Inbox(tmp_path / "inbox.sqlite3"), Client(broker)
    address = f"{broker.address}?version={version}"
    for turn in range(3):
        reader = Watched(inbox, sender_of)
        enough = reader.watch(40 * turn + 20)
        subscriber = Subscriber("scicity", address, reader)
        subscribed = threading.Event()
        subscriber.client.on_subscribe = lambda *_, told=subscribed: told.set()
        subscriber.begin()
        assert subscribed.wait(30)
        for number in range(20):
            client.send(TOPIC, json.dumps(reading(100 * turn + number)))
        assert enough.wait(30)
        subscriber.end()
        for number in range(20, 40):  # nobody is there
            client.send(TOPIC, json.dumps(reading(100 * turn + number)))
    reader = Watched(inbox, sender_of)
    enough = reader.watch(120)
    subscriber = Subscriber("scicity", address, reader)
    subscriber.begin()
    assert enough.wait(30)
    subscriber.end()
    assert sorted(kept(inbox)) == [100 * turn + number for turn in range(3) for number in range(40)]


def test_a_node_whose_birth_was_missed_is_asked_to_be_born_again(tmp_path: Path, broker: Broker) -> None:
    reader = Watched(Inbox(tmp_path / "inbox.sqlite3"), sender_of)
    enough, client = reader.watch(1), Client(broker)
    subscriber = Subscriber("scicity", broker.address, reader)
    subscribed = threading.Event()
    subscriber.client.on_subscribe = lambda *_: subscribed.set()
    client.client.subscribe("spBv1.0/plant/NCMD/edge-1")
    subscriber.begin()
    assert subscribed.wait(30)
    client.send("spBv1.0/plant/NDATA/edge-1", metric(alias=4))
    assert client.arrived.wait(30)
    asked = Payload.FromString(client.came[0].payload).metrics[0]
    assert asked.name.decode() == REBIRTH and asked.boolean_value
    client.send("spBv1.0/plant/NBIRTH/edge-1", metric(alias=4, name=b"power"))
    assert enough.wait(30)
    subscriber.end()
    assert reader.births == {("plant", "edge-1"): {4: "power"}}


def metric(alias: int, name: bytes = b"") -> bytes:
    payload = Payload(timestamp=int(NOW.timestamp() * 1000))
    payload.metrics.add(name=name, alias=alias, datatype=10, double_value=7.5)
    return bytes(payload.SerializeToString())
