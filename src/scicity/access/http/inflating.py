"""How much memory a compressed Arrow IPC stream asks for, told before any of it is unpacked: some kilobytes can say gigabytes.

Reads of each message's description (a flatbuffer) what is needed for that. Arrow columnar format 1.5, Message.fbs: a compressed
buffer begins with its length when unpacked, -1 where it is not compressed. Pure.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pyarrow as pa

HEADER, DATA, BUFFERS, COMPRESSION = 2, 1, 2, 3  # fields of Message, DictionaryBatch and RecordBatch, by their place
BUFFER = struct.Struct("<qq")  # where it begins in the body, and how long it is [byte]
LENGTH = struct.Struct("<q")
NOT_COMPRESSED = -1


def inflated(payload: bytes) -> int:
    """How long [byte] the compressed buffers of a stream are when unpacked; 0 where nothing is compressed.

    Raises ValueError, pyarrow.ArrowException or OSError for what is no stream, and ValueError for lengths that cannot be.
    """
    try:
        return sum(_of(message) for message in _messages(pa.ipc.MessageReader.open_stream(payload)))
    except struct.error as error:
        raise ValueError(f"a description that leads out of its message: {error}") from None


def _messages(reader: pa.ipc.MessageReader) -> Iterator[pa.ipc.Message]:
    while True:
        try:
            yield reader.read_next_message()
        except StopIteration:
            return


def _of(message: pa.ipc.Message) -> int:
    if message.type not in ("record batch", "dictionary"):
        return 0
    told = memoryview(message.metadata)
    batch = _follow(told, _field(told, _follow(told, 0), HEADER))
    if message.type == "dictionary":
        batch = _follow(told, _field(told, batch, DATA))
    if not _field(told, batch, COMPRESSION):
        return 0
    body, size = memoryview(message.body), 0
    vector = _follow(told, _field(told, batch, BUFFERS))
    for number in range(_number(told, vector, "<I")):
        begins, length = BUFFER.unpack_from(told, vector + 4 + number * BUFFER.size)
        if not length:
            continue
        if not 0 <= begins <= len(body) - LENGTH.size:
            raise ValueError(f"a buffer at {begins} of {len(body)} bytes")
        (unpacked,) = LENGTH.unpack_from(body, begins)
        if unpacked < NOT_COMPRESSED:
            raise ValueError(f"a buffer of {unpacked} bytes")
        size += length if unpacked == NOT_COMPRESSED else unpacked
    return size


def _field(told: memoryview, table: int, place: int) -> int:
    """Where a field of a table stands; 0 where the table does not have it."""
    fields = table - _number(told, table, "<i")
    entry = 4 + 2 * place
    offset = _number(told, fields + entry, "<H") if entry < _number(told, fields, "<H") else 0
    return table + offset if offset else 0


def _follow(told: memoryview, at: int) -> int:
    """Where what stands at an offset begins."""
    return at + _number(told, at, "<I")


def _number(told: memoryview, at: int, form: str) -> int:
    if at < 0:
        raise ValueError("a description that leads out of its message")
    return int(struct.unpack_from(form, told, at)[0])
