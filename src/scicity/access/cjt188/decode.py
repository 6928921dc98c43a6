"""Answers of meters to batches."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo

import pyarrow as pa

from scicity.access.cjt188.frames import (
    ANSWER,
    DAY,
    HISTORY,
    NOW,
    TOTALS,
    Frame,
    measure,
    moment,
    parse,
    reading,
    said,
    settled,
    settlement_day,
    settlements,
)
from scicity.access.dlt645.decode import instant
from scicity.access.dlt645.frames import FrameError
from scicity.access.dlt645.identifiers import BEIJING
from scicity.access.dlt645.stream import Skipped, Splitter
from scicity.kernel.problems import Problems
from scicity.kernel.reading import ARRIVAL, Batch

WHY = {
    "rubbish": (None, "frames of CJ/T 188: 68, type, address, control, length, data, sum, 16, perhaps with FE before"),
    "check": ("CS", "the sum of the frame's bytes, and 16 behind it"),
    "cut": ("L", "a frame as long as it says"),
}


def decode(payload: bytes, place: str, arrived: datetime, problems: Problems, *, zone: tzinfo = BEIJING) -> Batch | None:
    """A recorded exchange, or answers alone, as a batch; None where any of it cannot be read, with all its problems.

    `place` says where the bytes came from, as problems name it, and their row is the frame's number from 1. What a meter says
    now stands at the time of its clock in `zone`, Beijing unless said otherwise, or at `arrived` where its clock was never set;
    totals of settlement days at those, for which the exchange must hold the meter's clock and its settlement day. Values are
    in the unit of their quantity, whatever unit the meter says. Requests have no readings. Raises nothing.
    """
    exchange, whole = Exchange(arrived, zone), True
    splitter = Splitter(measure)
    stream = (*splitter.feed(payload), *splitter.close())
    frames = [found for found in stream if not (isinstance(found, Skipped) and found.is_preamble)]
    readings: dict[tuple[str, datetime], float | None] = {}
    for number, found in enumerate(frames, start=1):
        if isinstance(found, Skipped):
            whole, (field, expected) = False, WHY[found.why]
            problems.add("syntax", place, number, field, found=found.head.hex(" "), expected=expected)
            continue
        try:
            _take(exchange.hear(parse(found.raw)), readings)
        except FrameError as error:
            whole = False
            problems.add(error.code, place, number, error.field, found=error.found, expected=error.expected)
    try:
        _take(exchange.history(), readings)
    except FrameError as error:
        whole = False
        problems.add(error.code, place, None, error.field, found=error.found, expected=error.expected)
    if not whole:
        return None
    rows = [{"datastream": name, "time": time, "value": value, "revision": None} for (name, time), value in readings.items()]
    name = f"{place}#{hashlib.sha256(payload).hexdigest()[:16]}"
    return Batch(name, pa.Table.from_pylist(rows, schema=ARRIVAL), arrived, place)


def _take(told: Iterator[tuple[str, datetime, float | None]], readings: dict[tuple[str, datetime], float | None]) -> None:
    for name, time, value in told:
        if readings.setdefault((name, time), value) != value:
            raise FrameError("key-twice", name, value, f"one value at {time:%Y-%m-%dT%H:%M:%SZ}")


class Exchange:
    """What was said so far: clocks, settlement days, and totals that wait for them."""

    def __init__(self, arrived: datetime, zone: tzinfo) -> None:
        self.arrived, self.zone = arrived.astimezone(UTC), zone
        self._clocks: dict[str, datetime | None] = {}
        self._days: dict[str, int] = {}
        self._settled: dict[tuple[str, str], tuple[Frame, float | None]] = {}

    def hear(self, frame: Frame) -> Iterator[tuple[str, datetime, float | None]]:
        """The readings of one more frame: datastream, time, value. Raises FrameError."""
        if not frame.control & ANSWER:
            return
        answer = said(frame)
        if answer is None:
            raise FrameError("value", frame.meter, f"control code {frame.control:02X}", "requests to read, and their answers")
        identifier, data = answer
        if identifier == NOW:
            now = reading(frame, data)
            clock = moment(now.clock, frame.meter)
            self._clocks[frame.meter] = clock
            time = self.arrived if clock is None else instant(clock, self.zone)
            for quantity, number in now.numbers.items():
                yield _named(frame, quantity), time, number
        elif identifier == DAY:
            self._days[frame.meter] = settlement_day(frame, data)
        else:
            known = self._settled.setdefault((frame.meter, identifier), (frame, settled(frame, data)))
            if known[1] != settled(frame, data):
                raise FrameError("key-twice", frame.meter, settled(frame, data), f"one total of {identifier}")

    def history(self) -> Iterator[tuple[str, datetime, float | None]]:
        """The readings of settlement days. Raises FrameError where a meter's clock or settlement day is not known."""
        for (meter, identifier), (frame, number) in self._settled.items():
            clock, day = self._clocks.get(meter), self._days.get(meter)
            if clock is None or day is None:
                raise FrameError(
                    "value-missing", meter, identifier, f"the meter's clock ({NOW}) and settlement day ({DAY}) with it"
                )
            time = settlements(clock, day)[HISTORY.index(identifier)]
            yield _named(frame, TOTALS[frame.kind >> 4]), instant(time, self.zone), number


def _named(frame: Frame, quantity: str) -> str:
    return f"{frame.address}.{frame.kind:02X}.{quantity}"
