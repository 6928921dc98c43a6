"""PUBLISH packets of MQTT 3.1.1, as they were recorded on the wire, to a batch. Live messages go through `subscribe.py`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime

import pyarrow as pa

from scicity.access.mqtt.forms import read
from scicity.access.mqtt.sparkplug import Births
from scicity.kernel.problems import Problems
from scicity.kernel.reading import ARRIVAL, Batch

PUBLISH = 3  # the packet's type, in the upper half of its first byte
EXPECTED = "whole PUBLISH packets of MQTT 3.1.1"


def decode(payload: bytes, place: str, arrived: datetime, problems: Problems) -> Batch | None:
    """One or more packets as a batch; None where any of it cannot be read, with all its problems, whose row is the packet.

    A reading without a time of its own has that of its arrival. MQTT 3.1.1, 2.2 and 3.3. Raises nothing.
    """
    births: Births = {}
    tables, before = [ARRIVAL.empty_table()], len(problems)
    for number, packet in enumerate(_packets(payload), start=1):
        if packet is None:
            problems.add("syntax", place, number, found=payload[:20], expected=EXPECTED)
            break
        said = read(*packet, place, arrived, problems, births)
        tables += [] if said is None else said.rows.values()
    if len(problems) > before:
        return None
    name = f"{place}#{hashlib.sha256(payload).hexdigest()[:32]}"
    return Batch(name, pa.concat_tables(tables).combine_chunks(), arrived, place)


def _packets(payload: bytes) -> Iterator[tuple[str, bytes] | None]:
    """Topic and content of each packet; None for what is none, and nothing behind it."""
    at = 0
    while at < len(payload):
        kind, quality = payload[at] >> 4, payload[at] >> 1 & 3
        size, at = _length(payload, at + 1)
        end = at + size
        topic_ends = at + 2 + int.from_bytes(payload[at : at + 2])
        begins = topic_ends + (2 if quality else 0)
        if kind != PUBLISH or quality == 3 or size < 2 or begins > end or end > len(payload):
            yield None
            return
        try:
            yield payload[at + 2 : topic_ends].decode(), payload[begins:end]
        except UnicodeDecodeError:
            yield None
            return
        at = end


def _length(payload: bytes, at: int) -> tuple[int, int]:
    """The length that stands in one to four bytes, and where they end; a length beyond everything where they do not."""
    size = 0
    for place, byte in enumerate(payload[at : at + 4]):
        size |= (byte & 127) << 7 * place
        if byte < 128:
            return size, at + place + 1
    return 1 << 30, at
