"""Sparkplug B payloads (Eclipse Sparkplug 3.0.0, chapter 6). A node and its devices say at their birth which metrics they have,
and may name them by numbers from then on; whoever was not there asks the node to be born again."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from scicity.kernel.problems import Problems

Births = dict[tuple[str, ...], dict[int, str]]
"""Of a node (group, node) or device (group, node, device) the names of its metrics by their numbers."""

BIRTHS, DATA = ("NBIRTH", "DBIRTH"), ("NDATA", "DDATA")
SIGNED = {1: "b", 2: "h", 3: "i", 4: "q"}  # Int8 to Int64, which travel as unsigned
WIDTHS = {1: 8, 2: 16, 3: 32, 4: 64}  # [bit]
REBIRTH = "Node Control/Rebirth"
# Numbers and names of the fields that are read; what else a payload holds is passed over.
METRIC = {
    "name": (1, "bytes"),  # as bytes, because it may be no text
    "alias": (2, "uint64"),
    "timestamp": (3, "uint64"),
    "datatype": (4, "uint32"),
    "is_null": (7, "bool"),
    "int_value": (10, "uint32"),
    "long_value": (11, "uint64"),
    "float_value": (12, "float"),
    "double_value": (13, "double"),
    "boolean_value": (14, "bool"),
}
VALUES = ("int_value", "long_value", "float_value", "double_value", "boolean_value")


def _payload_class() -> Any:
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="scicity/sparkplug.proto", package="scicity.sparkplug", syntax="proto2")
    metric = file.message_type.add(name="Metric")
    for name, (number, kind) in METRIC.items():
        metric.field.add(name=name, number=number, type=getattr(kinds, f"TYPE_{kind.upper()}"), label=kinds.LABEL_OPTIONAL)
    payload = file.message_type.add(name="Payload")
    payload.field.add(name="timestamp", number=1, type=kinds.TYPE_UINT64, label=kinds.LABEL_OPTIONAL)
    payload.field.add(
        name="metrics", number=2, type=kinds.TYPE_MESSAGE, type_name=".scicity.sparkplug.Metric", label=kinds.LABEL_REPEATED
    )
    payload.field.add(name="seq", number=3, type=kinds.TYPE_UINT64, label=kinds.LABEL_OPTIONAL)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("scicity.sparkplug.Payload"))


Payload = _payload_class()


def sparkplug(
    levels: list[str], payload: bytes, place: str, problems: Problems, births: Births
) -> list[tuple[str, datetime | None, str, float | None]] | None:
    """Sender (the node), time, datastream and value of a message's metrics; None where any cannot be read, with its problems.

    `levels` of the topic. Births are added to `births`; a number that no birth told is a problem, `field` being `alias`.
    """
    if levels[2:3] and levels[2] not in (*BIRTHS, *DATA):
        return []  # deaths, commands and states hold no readings
    device = len(levels) > 2 and levels[2].startswith("D")
    if len(levels) != (5 if device else 4):
        expected = "spBv1.0/<group>/<NBIRTH, NDATA>/<node> or spBv1.0/<group>/<DBIRTH, DDATA>/<node>/<device>"
        problems.add("value", place, None, "topic", found="/".join(levels), expected=expected)
        return None
    owner = (levels[1], *levels[3:])
    message = Payload()
    try:
        message.ParseFromString(payload)
    except DecodeError as error:
        problems.add("syntax", place, found=error, expected="a Sparkplug B payload in protobuf")
        return None
    before = len(problems)
    names = {} if levels[2] in BIRTHS else births.get(owner, {})
    for metric in message.metrics:
        if metric.name and metric.HasField("alias"):
            names[metric.alias] = _text(metric.name)
    if levels[2] in BIRTHS:
        births[owner] = names
    found = list(_readings(message, owner, names, place, problems))
    return found if len(problems) == before else None


def _readings(
    message: Any, owner: tuple[str, ...], names: dict[int, str], place: str, problems: Problems
) -> Iterator[tuple[str, datetime | None, str, float | None]]:
    for number, metric in enumerate(message.metrics, start=1):
        name = _text(metric.name) or names.get(metric.alias, "")
        if not name:
            problems.add("value", place, number, "alias", found=metric.alias, expected="a number that a birth told")
            continue
        if name.split("/")[0] in ("bdSeq", "Node Control"):
            continue
        told = metric.timestamp or message.timestamp
        try:
            time = datetime.fromtimestamp(told / 1000, UTC) if told else None
        except (OverflowError, ValueError, OSError):
            problems.add("time", place, number, "timestamp", found=told, expected="milliseconds since 1970")
            continue
        held = next((value for value in VALUES if metric.HasField(value)), None)
        if held is None and not metric.is_null:
            continue  # texts, sets and templates are no readings
        yield owner[1], time, ".".join((*owner, name)), None if held is None or metric.is_null else _value(metric, held)


def _value(metric: Any, held: str) -> float | None:
    value = getattr(metric, held)
    width = WIDTHS.get(metric.datatype)
    if width and held in ("int_value", "long_value"):
        kind = SIGNED[metric.datatype]
        value = struct.unpack(f"<{kind}", (int(value) % (1 << width)).to_bytes(width // 8, "little"))[0]
    value = float(value)
    return value if math.isfinite(value) else None


def _text(name: bytes) -> str:
    return name.decode("utf-8", "replace")
