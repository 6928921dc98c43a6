"""Mutations that leave a payload's frame whole: lengths, sums and CRCs are put right, so that what is mutated is read."""

from __future__ import annotations

import random
from collections.abc import Callable

from scicity.access.dlt645.stream import BEGIN, END, checksum
from scicity.access.hj212.frames import HEADER, LONGEST_DATA, pack
from scicity.access.modbus.answers import TABLES
from scicity.access.modbus.decode import CHECK_BYTES, LONGEST, REQUEST_BYTES, FramerRTU
from scicity.access.modbus.decode import HEADER as MBAP

Bytes = Callable[[bytes, int], bytes]
"""Mutates bytes to at most so many of them, as a fuzzer does that knows nothing of what they are."""

Mutate = Callable[[bytes, int, random.Random, Bytes], bytes]
"""Mutates a payload to about so many bytes."""

DEEPEST = 6  # messages of protobuf one within the other
VARINT, EIGHT, LENGTH, FOUR = 0, 1, 2, 5  # wire types
Field = tuple[int, int, "bytes | int | list[Field]"]


def plain(payload: bytes, most: int, _rng: random.Random, by: Bytes) -> bytes:
    """Any bytes."""
    return by(payload, most)


def in_place(payload: bytes, most: int, rng: random.Random, by: Bytes) -> bytes:
    """A few bytes that stand together, and nothing moves: for formats that are full of offsets."""
    if not payload:
        return by(payload, most)
    at, size = rng.randrange(len(payload)), rng.choice((1, 2, 4, 8, 16))
    piece = payload[at : at + size]
    return payload[:at] + by(piece, len(piece)).ljust(len(piece), b"\0")[: len(piece)] + payload[at + len(piece) :]


def frames(mark: int, length: int, extra: int) -> Mutate:
    """Frames of DL/T 645 and CJ/T 188, whose length stands at `length`: sums and ends are put right."""
    rest = 12 if mark == 7 else 11 + extra  # [byte] beside the data

    def mutate(payload: bytes, most: int, _rng: random.Random, by: Bytes) -> bytes:
        made, at = bytearray(by(payload, most)), 0
        while (at := made.find(BEGIN, at)) >= 0:
            if at + length >= len(made):
                break
            if mark == 7:
                made[at + 7] = BEGIN
            size = rest + made[at + length]
            if at + size > len(made):
                size = len(made) - at
                if size < rest:
                    break
                made[at + length] = min(size - rest, 255)
                size = rest + made[at + length]
            made[at + size - 2] = checksum(made[at : at + size - 2])
            made[at + size - 1] = END
            at += size
        return bytes(made)

    return mutate


def packets(payload: bytes, most: int, rng: random.Random, by: Bytes) -> bytes:
    """Packets of HJ 212: the data of one of them is mutated, or two change places."""
    told = [line[6:-4] for line in payload.split(b"\r\n") if line.startswith(b"##") and len(line) > 10] or [payload]
    at = rng.randrange(len(told))
    if rng.random() < 0.2:
        told.insert(rng.randrange(len(told) + 1), told[at])
    else:
        told[at] = by(told[at], min(most, LONGEST_DATA))
    return b"".join(pack(data) if len(data) <= LONGEST_DATA and not HEADER.search(data) else data for data in told)


def exchange(payload: bytes, most: int, rng: random.Random, by: Bytes) -> bytes:
    """Requests and answers of Modbus, over TCP or RTU."""
    made = bytearray(by(payload, most))
    return _tcp(made) if rng.random() < 0.6 else _rtu(made)


def _tcp(made: bytearray) -> bytes:
    at = 0
    while at + MBAP.size < len(made):
        made[at + 2 : at + 4] = b"\0\0"
        function = made[at + 7] & 0x7F
        length = made[at + 5] if 3 <= made[at + 5] <= LONGEST else 6 if function in TABLES else 3
        length = max(3, min(length, len(made) - at - 6))
        made[at + 4 : at + 6] = length.to_bytes(2)
        at += 6 + length
    return bytes(made)


def _rtu(made: bytearray) -> bytes:
    at, answer = 0, False
    while at + 5 <= len(made):
        size = REQUEST_BYTES if not answer else 5 if made[at + 1] & 0x80 else 5 + made[at + 2]
        if at + size > len(made):
            break
        made[at + size - CHECK_BYTES : at + size] = FramerRTU.compute_CRC(bytes(made[at : at + size - CHECK_BYTES])).to_bytes(2)
        at += size
        answer = not answer
    return bytes(made)


def publish(topic: bytes, content: bytes) -> bytes:
    """A PUBLISH packet of MQTT 3.1.1 at QoS 0."""
    left = len(topic) + 2 + len(content)
    head = bytearray(b"\x30")
    while True:
        left, byte = left >> 7, left & 127
        head.append(byte | (128 if left else 0))
        if not left:
            return bytes(head) + len(topic).to_bytes(2) + topic + content


def messages(payload: bytes, most: int, rng: random.Random, by: Bytes) -> bytes:
    """PUBLISH packets: the content of one is mutated (of Sparkplug as protobuf), rarely its topic."""
    told, at = [], 0
    while at + 2 < len(payload):
        size, shift = 0, 0
        at += 1
        while at < len(payload) and shift < 28:
            byte = payload[at]
            size, shift, at = size | (byte & 127) << shift, shift + 7, at + 1
            if byte < 128:
                break
        packet = payload[at : at + size]
        ends = 2 + int.from_bytes(packet[:2])
        told.append((packet[2:ends], packet[ends:]))
        at += size
    if not told:
        return by(payload, most)
    number = rng.randrange(len(told))
    topic, content = told[number]
    if rng.random() < 0.1:
        topic = by(topic, 200)[:60_000]
    elif topic.startswith(b"spBv1.0"):
        content = protobuf(content, most, rng, by)
    else:
        content = by(content, most)
    told[number] = topic, content
    return b"".join(publish(*each) for each in told)


def protobuf(payload: bytes, most: int, rng: random.Random, by: Bytes) -> bytes:
    """A message of protobuf: one field is mutated, doubled, left out or put elsewhere; lengths follow."""
    tree = _fields(payload, 0)
    if not tree:
        return by(payload, most)
    inside = tree
    while True:
        at = rng.randrange(len(inside))
        number, kind, value = inside[at]
        if not isinstance(value, list) or not value or rng.random() < 0.2:
            break
        inside = value
    what = rng.random()
    if what < 0.1:
        del inside[at]
    elif what < 0.2:
        inside.insert(rng.randrange(len(inside) + 1), inside[at])
    elif what < 0.25:
        inside[at] = (max(1, number + rng.choice((-1, 1))), kind, value)
    elif isinstance(value, int):
        drawn = (0, 1, rng.getrandbits(8), rng.getrandbits(32), rng.getrandbits(64), 2**63, value + 1, max(value - 1, 0))
        inside[at] = (number, kind, rng.choice(drawn))
    else:
        whole = _packed(value) if isinstance(value, list) else value
        size = {EIGHT: 8, FOUR: 4}.get(kind)
        mutated = by(whole, size or most)
        inside[at] = (number, kind, mutated.ljust(size, b"\0")[:size] if size else mutated)
    return _packed(tree)


def _fields(payload: bytes, depth: int) -> list[Field]:
    """The fields of a message; none where it is no message."""
    found, at = list[Field](), 0
    while at < len(payload):
        key, at = _varint(payload, at)
        number, kind = key >> 3, key & 7
        if not number or at > len(payload):
            return []
        if kind == VARINT:
            value, at = _varint(payload, at)
            found.append((number, kind, value))
        elif kind in (EIGHT, FOUR, LENGTH):
            size = {EIGHT: 8, FOUR: 4}.get(kind, 0)
            if kind == LENGTH:
                size, at = _varint(payload, at)
            content = payload[at : at + size]
            if len(content) < size:
                return []
            inner = _fields(content, depth + 1) if kind == LENGTH and depth < DEEPEST and len(content) > 1 else []
            found.append((number, kind, inner or content))
            at += size
        else:
            return []
    return found


def _packed(fields: list[Field]) -> bytes:
    out = bytearray()
    for number, kind, value in fields:
        out += _as_varint(number << 3 | kind)
        if isinstance(value, int):
            out += _as_varint(value)
            continue
        content = _packed(value) if isinstance(value, list) else value
        out += (_as_varint(len(content)) if kind == LENGTH else b"") + content
    return bytes(out)


def _varint(payload: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(payload):
            return value, len(payload) + 1
        byte = payload[at]
        value, at = value | (byte & 127) << shift, at + 1
        if byte < 128:
            break
    return value & 0xFFFFFFFFFFFFFFFF, at


def _as_varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])
