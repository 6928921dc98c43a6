"""Observations of SensorThings by MQTT: through a real broker into the inbox, for the sender that the topic names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from scicity.access.inbox import LANES, Inbox
from scicity.access.mqtt.subscribe import Message, Reader, Subscriber
from tests.access.broker import MOSQUITTO, Broker
from tests.operation.running import until

WHEN = "2026-03-01T12:00:00Z"
NOW = datetime(2026, 3, 1, 12, 5, tzinfo=UTC)


class Device:
    """May send for what begins with `roof`."""

    def not_its_own(self, datastreams: list[str]) -> list[str]:
        return [name for name in datastreams if not re.fullmatch(r"roof.*", name)]


def sender_of(name: str) -> Device | None:
    return Device() if name == "roof-gateway" else None


def kept(inbox: Inbox) -> list[tuple[str, datetime, float | None]]:
    rows = [row for lane in LANES for w in inbox.waiting(10**9, lane) for row in w.batch.rows.to_pylist()]
    return [(row["datastream"], row["time"], row["value"]) for row in rows]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    if MOSQUITTO is None:
        pytest.skip("Mosquitto is not installed (Debian: mosquitto)")
    broker = Broker(tmp_path)
    broker.start()
    yield broker
    broker.stop()


@pytest.mark.meets("create-observations-via-mqtt/observations-creation")
def test_what_is_published_is_kept(broker: Broker, tmp_path: Path) -> None:
    inbox = Inbox(tmp_path / "inbox.sqlite3")
    subscriber = Subscriber("scicity-test", f"mqtt://127.0.0.1:{broker.port}", Reader(inbox, sender_of))
    subscriber.begin()
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    try:
        told = {"phenomenonTime": WHEN, "result": 21.5}

        def publish() -> bool:  # until the subscription stands; the same message again is kept once
            client.publish(
                "scicity/roof-gateway/v1.1/Datastreams('roof.warmth')/Observations", json.dumps(told), qos=1
            ).wait_for_publish(10)
            return bool(inbox.waiting_readings())

        until(publish, "the observation is kept")
        linked = {**told, "result": 22, "Datastream": {"@iot.id": "roof/2"}}
        client.publish("scicity/roof-gateway/v1.1/Observations", json.dumps(linked), qos=1)
        until(lambda: inbox.waiting_readings() == 2, "the other is kept too")
    finally:
        client.loop_stop()
        subscriber.end()
    when = datetime.fromisoformat(WHEN)
    assert kept(inbox) == [("roof.warmth", when, 21.5), ("roof/2", when, 22.0)]


@pytest.mark.meets("create-observations-via-mqtt/observations-creation")
@pytest.mark.parametrize(
    ("topic", "told", "code"),
    [
        ("scicity/stranger/v1.1/Datastreams('roof.warmth')/Observations", {"result": 1}, "sender"),
        ("scicity/roof-gateway/v1.1/Datastreams('others')/Observations", {"result": 1}, "sender"),
        ("scicity/roof-gateway/v1.1/Things", {"name": "a", "description": "b"}, "value"),
        ("scicity/roof-gateway/v1.1/Datastreams('roof.warmth')", {"result": 1}, "value"),
        ("scicity/roof-gateway/v1.1/", {"result": 1}, "value"),
        ("scicity/roof-gateway/v1.1/Datastreams('roof.warmth')/Observations", {"result": "warm"}, "value"),
        ("scicity/roof-gateway/v1.1/Datastreams('roof.warmth')/Observations", {"result": 1, "parameters": {"a": 1}}, "value"),
        ("scicity/roof-gateway/v1.1/Observations", {"result": 1}, "value"),
    ],
)
def test_what_cannot_be_kept_as_a_reading_waits_with_its_problem(tmp_path: Path, topic: str, told: object, code: str) -> None:
    inbox, acknowledged = Inbox(tmp_path / "inbox.sqlite3"), []
    payload = json.dumps(told).encode()
    Reader(inbox, sender_of).take([Message(topic, payload, NOW, lambda: acknowledged.append(topic))])
    (unread,) = inbox.unread()
    assert unread.problems[0]["code"] == code and unread.problems[0]["expected"] and unread.content == payload
    assert acknowledged == [topic] and kept(inbox) == []
