"""What a message says, by the form that its topic tells. Everything here is pure.

Own       `scicity/<device>/readings` (JSON as by HTTP), `scicity/<device>/arrow` (an Arrow IPC stream)
SensorThings  `scicity/<device>/v1.1/Observations`, `scicity/<device>/v1.1/Datastreams('<datastream>')/Observations`
ThingsBoard  `v1/gateway/telemetry`: `{"<device>": [{"ts": ms, "values": {key: value}}]}`; `v1/devices/<device>/telemetry`
Alink     `/sys/<product>/<device>/thing/event/property/post`: `{"params": {key: value or {"value": …, "time": ms}}}`
Sparkplug B  `spBv1.0/<group>/NBIRTH|DBIRTH|NDATA|DDATA/<node>[/<device>]`, in protobuf

In the other three forms a datastream is `<device>.<key>`, of Sparkplug `<group>.<node>[.<device>].<metric>`. A text is no
reading; true and false are 1 and 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import pyarrow as pa

from scicity.access.http import decode as body
from scicity.access.mqtt.sparkplug import Births, sparkplug
from scicity.access.sensorthings.decode import batch, json_of, plain
from scicity.access.sensorthings.entities import DATASTREAMS, OBSERVATIONS, Wrong
from scicity.access.sensorthings.paths import address
from scicity.kernel.problems import Problems
from scicity.kernel.reading import ARRIVAL

OWN, GATEWAY, TELEMETRY, ALINK, SPARKPLUG = (
    "scicity",
    "v1/gateway/telemetry",
    "telemetry",
    "thing/event/property/post",
    "spBv1.0",
)
SENSORTHINGS = "v1.1"
TOPICS = (
    *("scicity/+/readings", "scicity/+/arrow", f"scicity/+/{SENSORTHINGS}/#"),
    *(GATEWAY, "v1/devices/+/telemetry", f"/sys/+/+/{ALINK}", f"{SPARKPLUG}/#"),
)
BODIES = {"readings": body.JSON, "arrow": body.ARROW}
Row = tuple[str, datetime, float | None]


@dataclass(frozen=True)
class Said:
    """What one message says: its readings (ARRIVAL) by the device that sent them, and whether all told their time."""

    rows: dict[str, pa.Table]
    timed: bool = True


def read(topic: str, payload: bytes, place: str, arrived: datetime, problems: Problems, births: Births) -> Said | None:
    """What a message says; None where any of it cannot be read, with its problems. `births` is what Sparkplug's nodes and
    devices said at their birth, and is added to. A message without readings says an empty Said. Raises nothing."""
    levels = topic.split("/")
    if levels[0] == OWN and len(levels) == 3 and levels[2] in BODIES:
        batch = body.decode(payload, place, arrived, problems, BODIES[levels[2]])
        return None if batch is None else Said({levels[1]: batch.rows})
    if levels[0] == OWN and levels[2:3] == [SENSORTHINGS]:
        return _observations(levels, payload, place, arrived, problems)
    if levels[0] == SPARKPLUG:
        said = sparkplug(levels, payload, place, problems, births)
    elif topic == GATEWAY:
        said = _checked(_gateway, (), payload, place, arrived, problems)
    elif levels[:2] == ["v1", "devices"] and len(levels) == 4 and levels[3] == TELEMETRY:
        said = _checked(_telemetry, levels[2], payload, place, arrived, problems)
    elif topic.startswith("/sys/") and topic.endswith(f"/{ALINK}") and len(levels) == 8:
        said = _checked(_alink, levels[3], payload, place, arrived, problems)
    else:
        problems.add("value", place, None, "topic", found=topic, expected=", ".join(TOPICS))
        return None
    if said is None:
        return None
    own: dict[str, list[Row]] = {}
    for sender, time, name, value in said:
        own.setdefault(sender, []).append((name, time or arrived, value))
    tables = {sender: _table(rows) for sender, rows in own.items()}
    return Said(tables, timed=all(time is not None for _, time, _, _ in said))


def _observations(levels: list[str], payload: bytes, place: str, arrived: datetime, problems: Problems) -> Said | None:
    """Observations of SensorThings; behind `scicity/<device>/v1.1/` a topic is the address that they would be posted to."""
    try:
        where = address("/".join(levels[3:]))
        names = [step.name for step in where.steps]
        if where.part or where.reference or where.last.single or names not in ([OBSERVATIONS], [DATASTREAMS, OBSERVATIONS]):
            raise Wrong("the address: expected Observations, or Datastreams('id')/Observations")
    except Wrong as wrong:
        problems.add("value", place, None, "topic", found="/".join(levels[3:]), expected=str(wrong))
        return None
    try:
        told = list(plain(json_of(payload), where.steps[0].id, arrived))
    except Wrong as wrong:
        problems.add("value", place, 1, found=payload[:60], expected=str(wrong))
        return None
    return Said({levels[1]: batch(told, place, arrived).rows} if told else {}, timed=all(each.timed for each in told))


def _table(rows: list[Row]) -> pa.Table:
    names, times, values = (list(column) for column in zip(*rows, strict=True))
    return pa.table([names, times, values, [None] * len(names)], schema=ARRIVAL)


class _Wrong(Exception):  # noqa: N818  (reads as what happened)
    def __init__(self, field: str, found: Any, expected: str, code: str = "value") -> None:
        self.code, self.field, self.found, self.expected = code, field, found, expected


def _checked(
    form: Any, device: Any, payload: bytes, place: str, arrived: datetime, problems: Problems
) -> list[tuple[str, datetime | None, str, float | None]] | None:
    try:
        told = msgspec.json.decode(payload)
        return list(form(told) if device == () else form(device, told))
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        problems.add("syntax", place, found=error, expected="JSON in UTF-8")
    except _Wrong as wrong:
        problems.add(wrong.code, place, 1, wrong.field, found=wrong.found, expected=wrong.expected)
    return None


def _gateway(told: Any) -> Iterator[tuple[str, datetime | None, str, float | None]]:
    for device, entries in _object(told, "message").items():
        yield from _telemetry(device, entries)


def _telemetry(device: str, told: Any) -> Iterator[tuple[str, datetime | None, str, float | None]]:
    if device == "me":
        raise _Wrong("topic", "me", "v1/devices/<device>/telemetry, as a broker does not tell who sent a message")
    for entry in told if isinstance(told, list) else [told]:
        whole = _object(entry, device)
        timed = "values" in whole and "ts" in whole
        time = _instant(whole["ts"], "ts") if timed else None
        for key, value in _object(whole["values"] if timed else whole, "values").items():
            yield from _reading(device, time, f"{device}.{key}", value)


def _alink(device: str, told: Any) -> Iterator[tuple[str, datetime | None, str, float | None]]:
    for key, value in _object(_object(told, "message").get("params"), "params").items():
        time = None
        if isinstance(value, dict):
            time = _instant(value["time"], f"params.{key}.time") if "time" in value else None
            value = value.get("value")
        yield from _reading(device, time, f"{device}.{key}", value)


def _reading(
    device: str, time: datetime | None, name: str, value: Any
) -> Iterator[tuple[str, datetime | None, str, float | None]]:
    if isinstance(value, (bool, int, float)):
        try:
            yield device, time, name, float(value)
        except OverflowError:
            raise _Wrong(name, value, "a number that can be held") from None
    elif value is None:
        yield device, time, name, None


def _object(told: Any, field: str) -> dict[str, Any]:
    if not isinstance(told, dict):
        raise _Wrong(field, told, "an object", "syntax")
    return told


def _instant(told: Any, field: str) -> datetime:
    if isinstance(told, int) and not isinstance(told, bool):
        try:
            return datetime.fromtimestamp(told / 1000, UTC)
        except (OverflowError, ValueError, OSError):
            pass
    raise _Wrong(field, told, "milliseconds since 1970", "time")
