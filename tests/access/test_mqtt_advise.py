"""Advice goes to a broker as retained messages that say that they are advice."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from scicity.access.mqtt.advise import publish
from tests.access.broker import MOSQUITTO, Broker, free_port

ADVICE = {
    **{"mode": "advisory", "station": "yard", "begin": "2023-12-01T00:00:00+00:00", "step_minutes": 15, "cost_cny": 1.0},
    "set_points": [{"unit": "tank", "carrier": "heat", "unit_of_value": "kW", "values": [1.5, -2.0]}],
}


@pytest.mark.skipif(MOSQUITTO is None, reason="Mosquitto is not installed")
def test_whoever_comes_later_reads_the_advice(tmp_path: Path) -> None:
    broker = Broker(tmp_path)
    broker.start()
    try:
        assert publish(broker.address, ADVICE) == ["scicity/advice/yard/tank"]
        got, came = [], threading.Event()
        client = paho.Client(CallbackAPIVersion.VERSION2)

        def on_message(_client: object, _data: object, message: paho.MQTTMessage) -> None:
            got.append((message.topic, json.loads(message.payload)))
            came.set()

        client.on_message = on_message
        client.connect("127.0.0.1", broker.port)
        client.subscribe("scicity/advice/#")
        client.loop_start()
        assert came.wait(10)
        client.disconnect()
        client.loop_stop()
    finally:
        broker.stop()
    ((topic, told),) = got
    assert topic == "scicity/advice/yard/tank"
    assert told["mode"] == "advisory"
    assert told["values"] == [1.5, -2.0]


def test_where_nobody_listens_it_says_so() -> None:
    with pytest.raises(OSError, match=r"."):
        publish(f"mqtt://127.0.0.1:{free_port()}", ADVICE)
    with pytest.raises(ValueError, match="mqtt://host"):
        publish("http://127.0.0.1", ADVICE)
