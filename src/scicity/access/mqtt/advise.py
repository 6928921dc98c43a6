"""Advice to devices by MQTT: retained messages that say what a plan would have a unit do. Nothing here commands anything."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

USUAL_PORT = 1883
WITHIN = 10.0  # [s] for the broker to take a message
TOPIC = "scicity/advice/{station}/{unit}"


def publish(address: str, advice: Mapping[str, Any], password: str | None = None) -> list[str]:
    """Publishes the set-points of an advice at a broker (`mqtt://[user@]host[:port]`), a retained message a unit; the topics.

    `advice` as `Advice.document` has it. Raises OSError where there is no broker or it does not take a message in 10 s,
    ValueError for an address that is none.
    """
    where = urlsplit(address)
    if where.scheme != "mqtt" or not where.hostname:
        raise ValueError(f"{address!r}; expected mqtt://host or mqtt://host:port")
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=f"scicity-advice-{advice['station']}")
    if where.username:
        client.username_pw_set(unquote(where.username), password)
    client.connect(where.hostname, where.port or USUAL_PORT)
    client.loop_start()
    topics = []
    try:
        for each in advice["set_points"]:
            topic = TOPIC.format(station=advice["station"], unit=each["unit"])
            told = {name: advice[name] for name in ("mode", "station", "begin", "step_minutes")} | dict(each)
            sent = client.publish(topic, json.dumps(told), qos=1, retain=True)
            sent.wait_for_publish(WITHIN)
            if not sent.is_published():
                raise OSError(f"{address}: the broker did not take {topic} within {WITHIN:g} s")
            topics.append(topic)
    finally:
        client.disconnect()
        client.loop_stop()
    return topics
