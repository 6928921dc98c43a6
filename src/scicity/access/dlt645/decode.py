"""Answers of meters to batches."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo

import pyarrow as pa

from scicity.access.dlt645.frames import ANSWER, FUNCTION, MOST_BYTES, MOST_PARTS, READ, Frame, FrameError, measure, parse, said
from scicity.access.dlt645.identifiers import BEIJING, CLOCK, FROZEN, FROZEN_TIME, LOAD, Value, frozen_values, moment, records
from scicity.access.dlt645.identifiers import values as current_values
from scicity.access.dlt645.stream import Found, Skipped, Splitter
from scicity.kernel.problems import Problems
from scicity.kernel.reading import ARRIVAL, Batch

WHY = {
    "rubbish": (None, "frames of DL/T 645: 68, address, 68, control, length, data, sum, 16, perhaps with FE before"),
    "check": ("CS", "the sum of the frame's bytes, and 16 behind it"),
    "cut": ("L", "a frame as long as it says"),
}
Reading = tuple[str, datetime, "float | None"]


def decode(payload: bytes, place: str, arrived: datetime, problems: Problems, *, zone: tzinfo = BEIJING) -> Batch | None:
    """A recorded exchange, or answers alone, as a batch; None where any of it cannot be read, with all its problems.

    `place` says where the bytes came from, as problems name it, and their row is the frame's number from 1. Current values
    stand at `arrived`; maximum demand, frozen values and load records at the time that the meter tells, in `zone`, Beijing
    unless said otherwise. Requests have no readings. Units are the meter's. Raises nothing.
    """
    exchange, whole = Exchange(arrived, zone), True
    splitter = Splitter(measure)
    stream = (*splitter.feed(payload), *splitter.close())
    frames = [found for found in stream if isinstance(found, Found) or not found.is_preamble]
    readings: dict[tuple[str, datetime], float | None] = {}
    for number, found in enumerate(frames, start=1):
        if isinstance(found, Skipped):
            whole, (field, expected) = False, WHY[found.why]
            problems.add("syntax", place, number, field, found=found.head.hex(" "), expected=expected)
            continue
        try:
            for name, time, value in exchange.hear(parse(found.raw)):
                if readings.setdefault((name, time), value) != value:
                    raise FrameError("key-twice", name, value, f"one value at {time:%Y-%m-%dT%H:%M:%SZ}")
        except FrameError as error:
            whole = False
            problems.add(error.code, place, number, error.field, found=error.found, expected=error.expected)
    for field, expected in exchange.missing():
        whole = False
        problems.add("value-missing", place, None, field, found="nothing", expected=expected)
    if not whole:
        return None
    rows = [{"datastream": name, "time": time, "value": value, "revision": None} for (name, time), value in readings.items()]
    name = f"{place}#{hashlib.sha256(payload).hexdigest()[:16]}"
    return Batch(name, pa.Table.from_pylist(rows, schema=ARRIVAL), arrived, place)


class Exchange:
    """What was said so far: parts of answers that wait for what follows, and frozen values that wait for their time."""

    def __init__(self, arrived: datetime, zone: tzinfo) -> None:
        self.arrived, self.zone = arrived.astimezone(UTC), zone
        self._parts: dict[tuple[str, str], tuple[int, bytes]] = {}
        self._times: dict[tuple[str, str], datetime | None] = {}
        self._frozen: dict[tuple[str, str], list[Value]] = {}

    def hear(self, frame: Frame) -> Iterator[Reading]:
        """The readings that one more frame completes: datastream, time, value. Raises FrameError."""
        if not frame.control & ANSWER:
            return
        answer = said(frame)
        if answer is None:
            raise FrameError("value", frame.address, f"control code {frame.control:02X}", "requests to read, and their answers")
        key = (frame.address, answer.identifier)
        waiting = self._parts.pop(key, None)
        if frame.control & FUNCTION == READ:
            in_order = waiting is None
        else:
            in_order = waiting is not None and answer.sequence == waiting[0] % MOST_PARTS + 1
        if not in_order:
            raise FrameError("value-missing", answer.identifier, f"part {answer.sequence}", "every part of an answer, in order")
        data = waiting[1] if waiting else b""
        if len(data) > MOST_BYTES:
            raise FrameError("too-large", answer.identifier, f"{len(data)} bytes", f"an answer of at most {MOST_BYTES} bytes")
        if answer.more:
            self._parts[key] = (answer.sequence, data + answer.data)
            return
        yield from self._readings(frame.address, answer.identifier, data + answer.data)

    def missing(self) -> Iterator[tuple[str, str]]:
        """What did not come: field and what was expected."""
        for address, identifier in self._parts:
            yield f"{address}.{identifier}", "the parts of the answer that follow"
        for address, number in self._frozen:
            yield f"{address}.050600{number}", "the time of the frozen value, asked for in the same exchange"

    def _readings(self, address: str, identifier: str, data: bytes) -> Iterator[Reading]:
        if not data:
            return  # a meter that has nothing under this identifier may say so
        if identifier in CLOCK:
            return
        if LOAD.fullmatch(identifier):
            for record in records(data, identifier):
                if not record.good:
                    raise FrameError("value", identifier, f"{record.time}: a block that is marked as wrong", "blocks that hold")
                for name, number in record.numbers.items():
                    yield f"{address}.{name}", self._instant(record.time), number
        elif told := FROZEN_TIME.fullmatch(identifier):
            key = (address, told[1])
            time = moment(data, identifier)
            if self._times.setdefault(key, time) != time:
                raise FrameError("key-twice", identifier, time, f"one time of a frozen value: {self._times[key]}")
            yield from self._thawed(key, self._frozen.pop(key, []))
        elif kind := FROZEN.fullmatch(identifier):
            key = (address, kind[2])
            energies = frozen_values(identifier, data)
            if key in self._times:
                yield from self._thawed(key, energies)
            else:
                self._frozen.setdefault(key, []).extend(energies)
        else:
            for value in current_values(identifier, data):
                timed = identifier.startswith("01")
                if not timed or value.time is not None:  # a maximum that never occurred has no time
                    yield f"{address}.{value.identifier}", self._instant(value.time), value.number

    def _thawed(self, key: tuple[str, str], energies: list[Value]) -> Iterator[Reading]:
        time = self._times[key]
        for value in energies if time is not None else ():
            yield f"{key[0]}.{value.identifier}", self._instant(time), value.number

    def _instant(self, time: datetime | None) -> datetime:
        return self.arrived if time is None else instant(time, self.zone)


def instant(time: datetime, zone: tzinfo) -> datetime:
    """A time of a meter's clock in `zone` as UTC. Raises FrameError where it is none."""
    try:
        return time.replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        raise FrameError("time", "time", time, "a time that can be") from None
