"""A recorded exchange to a batch: requests and their answers one behind the other, as they went over the wire."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple

import pyarrow as pa
from pymodbus.framer import FramerRTU

from scicity.access.collecting import Point
from scicity.access.modbus.answers import EXCEPTION, TABLES, Asked, DeniedError, answered, asked, size
from scicity.access.modbus.items import FUNCTIONS
from scicity.access.modbus.planning import Wanted, wanted
from scicity.access.modbus.values import scaled, value_of
from scicity.kernel.problems import Problems
from scicity.kernel.reading import ARRIVAL, Batch

HEADER = struct.Struct(">HHHB")  # MBAP: transaction, protocol (0 is Modbus), bytes that follow, unit
LONGEST = 254  # [byte] that may follow the length: the unit, and function code and data of at most 253
TCP, RTU = "tcp", "rtu"
REQUEST_BYTES, EXCEPTION_BYTES, CHECK_BYTES = 8, 5, 2  # of RTU frames
SHOWN = 16  # [byte] of what cannot be read


class ExchangeError(Exception):
    """What cannot be read of a payload: the code, the field, what was found there and what was expected."""

    def __init__(self, code: str, field: str, found: object, expected: str) -> None:
        super().__init__(f"{code}: {field}: {found}; expected {expected}")
        self.code, self.field, self.found, self.expected = code, field, found, expected


class Heard(NamedTuple):
    """A question and the words that answer it; `number` is the answer's place among the frames, from 1."""

    number: int
    question: Asked
    words: Sequence[int]


def decode(
    payload: bytes,
    place: str,
    arrived: datetime,
    problems: Problems,
    points: Sequence[Point] = (),
    framing: str | None = None,
) -> Batch | None:
    """One recorded exchange as a batch; None where any of it cannot be read, with its problems.

    `place` says where it came from, as problems name it, and their row is the frame's number from 1. The time of every reading
    is `arrived`: Modbus tells none. With `points`, their values are read, those of points that nobody asked for being left
    out; without, what was answered is given as it stands: `unit.table.address`, 0 to 65535 of a register and 0 or 1 of a bit.
    `framing` is TCP or RTU; without it, RTU where the payload begins with a request whose CRC is right. A request that has no
    answer or an exception is a problem. Raises nothing.
    """
    rows: list[dict[str, object]] = []
    seen: set[str] = set()
    whole = True

    def refuse(error: ExchangeError, number: int | None) -> None:
        nonlocal whole
        whole = False
        problems.add(error.code, place, number, error.field, found=error.found, expected=error.expected)

    told: Callable[[Heard], Iterator[tuple[str, float | None]]] = _raw
    try:
        told = partial(_chosen, _by_table(points)) if points else _raw
    except ExchangeError as error:
        refuse(error, None)
    for number, found in _heard(payload, framing or _framing(payload)):
        if isinstance(found, ExchangeError):
            refuse(found, number)
            continue
        try:
            for name, value in told(found):
                if name in seen:
                    raise ExchangeError("key-twice", name, found.question, "every value once, because it has one time")
                seen.add(name)
                rows.append({"datastream": name, "time": arrived, "value": value, "revision": None})
        except ExchangeError as error:
            refuse(error, number)
    if not whole:
        return None
    name = f"{place}#{hashlib.sha256(payload).hexdigest()[:32]}"
    return Batch(name, pa.Table.from_pylist(rows, schema=ARRIVAL), arrived, place)


def _raw(heard: Heard) -> Iterator[tuple[str, float | None]]:
    question = heard.question
    for at, word in enumerate(heard.words, start=question.address):
        yield f"{question.unit}.{question.table}.{at}", float(word)


def _by_table(points: Sequence[Point]) -> dict[tuple[int, str], list[Wanted]]:
    found: dict[tuple[int, str], list[Wanted]] = {}
    for point in points:
        try:
            (each,) = wanted([point])
        except ValueError as error:
            raise ExchangeError("value", point.datastream, point.item, str(error)) from None
        found.setdefault((each.item.unit, each.item.table), []).append(each)
    return found


def _chosen(points: dict[tuple[int, str], list[Wanted]], heard: Heard) -> Iterator[tuple[str, float | None]]:
    """The points that an answer holds whole, with their values."""
    question = heard.question
    for point, item in ((each.point, each.item) for each in points.get((question.unit, question.table), ())):
        begin = item.address - question.address
        if 0 <= begin <= question.count - item.count:
            try:
                value = scaled(value_of(item, heard.words[begin : begin + item.count]), point.scale)
            except ValueError as error:
                raise ExchangeError("value", point.datastream, point.item, str(error)) from None
            yield point.datastream, value


def _framing(payload: bytes) -> str:
    request = payload[:REQUEST_BYTES]
    if len(request) < REQUEST_BYTES or request[1] not in TABLES or not _checked(request):
        return TCP
    # An MBAP header may look like it; then its answer follows the twelve bytes of the request, with the same transaction.
    return TCP if payload[12:16] == payload[:2] + b"\0\0" else RTU


def _heard(payload: bytes, framing: str) -> Iterator[tuple[int | None, Heard | ExchangeError]]:
    """Every answer, and what is wrong; behind a frame that cannot be read nothing says where the next one begins."""
    waiting: dict[
        int, tuple[int, Asked]
    ] = {}  # requests without an answer, by transaction: the frame's number and the question
    frames, number = (_tcp if framing == TCP else _rtu)(payload, waiting), 0
    while True:
        number += 1
        try:
            transaction, unit, data = next(frames)
            if transaction in waiting:
                _, question = waiting.pop(transaction)
                if unit != question.unit:
                    raise ExchangeError("syntax", "unit", unit, f"the answer of unit {question.unit}")
                yield number, Heard(number, question, _words(question, data))
            else:
                waiting[transaction] = number, _question(unit, data)
        except ExchangeError as error:
            yield number, error
            if error.code == "syntax":
                return
        except StopIteration:
            break
    for asking, question in waiting.values():
        yield asking, ExchangeError("value-missing", str(question), "", "an answer to every request")


def _question(unit: int, data: bytes) -> Asked:
    try:
        return asked(unit, data)
    except ValueError as error:
        raise ExchangeError("syntax", "request", data[:SHOWN].hex(" "), str(error)) from None


def _words(question: Asked, data: bytes) -> list[int]:
    try:
        return answered(question, data)
    except DeniedError as error:
        raise ExchangeError("value-missing", str(question), error, "an answer with values") from None
    except ValueError as error:
        raise ExchangeError("syntax", str(question), data[:SHOWN].hex(" "), str(error)) from None


def _tcp(payload: bytes, waiting: dict[int, tuple[int, Asked]]) -> Iterator[tuple[int, int, bytes]]:
    """Transaction, unit, and function code with data of each frame. Implementation Guide V1.0b, 3.1.3."""
    at = 0
    while at < len(payload):
        head = payload[at : at + HEADER.size]
        transaction, protocol, length, unit = HEADER.unpack(head) if len(head) == HEADER.size else (0, 1, 0, 0)
        if protocol or not 3 <= length <= LONGEST:
            expected = f"transaction, protocol 0, a length of 3 to {LONGEST}, unit"
            raise ExchangeError("syntax", "MBAP", head.hex(" "), expected)
        data = payload[at + HEADER.size : at + 6 + length]
        if len(data) != length - 1:
            raise ExchangeError("syntax", "MBAP", f"{len(data) + 1} bytes", f"a frame as long as it says, {length}")
        yield transaction, unit, data
        at += 6 + length


def _rtu(payload: bytes, waiting: dict[int, tuple[int, Asked]]) -> Iterator[tuple[int, int, bytes]]:
    """The same of frames without a transaction: an answer follows its request, and where it does not, the next request does."""
    at = transaction = 0
    while at < len(payload):
        lengths = [REQUEST_BYTES]
        if transaction in waiting:
            question = waiting[transaction][1]
            function, length = FUNCTIONS[question.table], 3 + size(question) + CHECK_BYTES
            answer = bytes([question.unit, function, size(question)])
            refusal = bytes([question.unit, function | EXCEPTION])
            lengths += [EXCEPTION_BYTES] if payload[at : at + 2] == refusal else []
            lengths += [length] if payload[at : at + 3] == answer else []
        # The longest is not always the answer: the one whose CRC is right is, and of an answer and a request the answer.
        fitting = [each for each in reversed(lengths) if _checked(payload[at : at + each]) and at + each <= len(payload)]
        if not fitting:
            told = payload[at : at + SHOWN].hex(" ")
            raise ExchangeError("syntax", "CRC", told, "unit, function, data and CRC of a request, or of the answer to it")
        frame = payload[at : at + fitting[0]]
        transaction += fitting[0] == REQUEST_BYTES and fitting[0] not in lengths[1:]
        yield transaction, frame[0], frame[1:-CHECK_BYTES]
        at += len(frame)


def _checked(frame: bytes) -> bool:
    return FramerRTU.compute_CRC(frame[:-CHECK_BYTES]) == int.from_bytes(frame[-CHECK_BYTES:], "big")
