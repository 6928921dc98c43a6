"""Electricity meters behind a gateway: their current values, and from their memory what was missed.

An item is `ADDRESS/DI`: the meter's 12 digits, and an identifier of `identifiers.TABLE`, such as `123456781012/00010000`. The
address of the connection is `HOST:PORT` of the gateway, whose line has any number of meters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo

import pyarrow as pa

from scicity.access.collecting import Answer, Point
from scicity.access.dlt645 import frames, identifiers
from scicity.access.dlt645.decode import instant
from scicity.access.dlt645.frames import FrameError, Said
from scicity.access.dlt645.identifiers import BEIJING, CLASSES, Record
from scicity.access.dlt645.line import WAIT, Line
from scicity.kernel.problems import Problems
from scicity.kernel.reading import ARRIVAL

TRIES = 2  # of each request; one for a meter that did not answer the last time
MOST_BLOCKS = 99  # of one request: two BCD digits
MOST_FROZEN = 62  # days that meters keep
INTERVAL = timedelta(minutes=15)  # of load records, where the meter does not tell it
ITEM = "ADDRESS/DI: 12 digits of the meter, and 8 hex digits of an identifier that is read here, such as 123456781012/00010000"
Readings = dict[tuple[str, datetime], "float | None"]  # by datastream and time


class NoAnswer(Exception):  # noqa: N818  (reads as what happened)
    """A meter did not answer within its time; says what was heard instead."""


def refused(item: str) -> str:
    """What an item should look like where this one cannot be read; empty where it can."""
    address, slash, identifier = item.partition("/")
    known = slash and frames.is_address(address) and identifiers.format_of(identifier) is not None
    return "" if known else ITEM


async def connect(address: str, points: Sequence[Point], *, wait: float = WAIT, zone: tzinfo = BEIJING) -> Meters:
    """A session with the meters behind a gateway. `wait` [s] for each answer; `zone` is that of the meters' clocks.

    Raises OSError or TimeoutError where the gateway does not answer, and ValueError for an item that is refused.
    """
    for point in points:
        if refused(point.item):
            raise ValueError(f"{point.item}: {ITEM}")
    return Meters(await Line.open(address, frames.measure, wait), address, points, zone)


class Meters:
    """The session: `scicity.access.collecting.Session`."""

    def __init__(self, line: Line, place: str, points: Sequence[Point], zone: tzinfo) -> None:
        self.line, self.place, self.zone = line, place, zone
        self.wanted: dict[str, dict[str, list[Point]]] = {}  # points by meter and identifier
        for point in points:
            meter, _, identifier = point.item.partition("/")
            self.wanted.setdefault(meter, {}).setdefault(identifier, []).append(point)
        self.silent: set[str] = set()

    async def read(self, now: datetime) -> Answer:
        """The current value of every point, each meter in turn. Raises TimeoutError where none of the meters answers."""
        readings, problems, heard = Readings(), Problems(), False
        for meter, wanted in self.wanted.items():
            try:
                for identifier, points in wanted.items():
                    try:
                        (value,) = identifiers.values(identifier, await self._ask(meter, identifier))
                        time = now if value.time is None else instant(value.time, self.zone)
                        if value.time is not None or not identifier.startswith("01"):  # a maximum that never was has no time
                            keep(readings, points, time, value.number)
                    except FrameError as error:
                        self._tell(problems, meter, error)
                    heard = True
                self.silent.discard(meter)
            except NoAnswer as error:
                self.silent.add(meter)
                self._unheard(problems, meter, error)
        if self.wanted and not heard:
            raise TimeoutError(f"none of {len(self.wanted)} meters answers")
        return Answer(rows_of(readings), problems)

    async def remembered(self, since: Mapping[str, datetime], until: datetime, _now: datetime) -> Answer:
        """What the meters kept behind `since` up to `until`: load records at their interval where the meter has them for the
        point, else daily frozen values of energies. A meter that did not answer when it was last read is passed over."""
        readings, problems, silent = Readings(), Problems(), set[str]()
        for meter, wanted in self.wanted.items():
            missed = {
                identifier: gap
                for identifier, points in wanted.items()
                if (gap := {point: since[point.datastream] for point in points if point.datastream in since})
            }
            if not missed or meter in self.silent:
                continue
            try:
                for number, names in enumerate(CLASSES, start=1):
                    gaps = {name: missed[name] for name in names if name in missed}
                    kept = await self._load_records(meter, number, gaps, until, readings, problems) if gaps else set()
                    missed = {name: gap for name, gap in missed.items() if name not in kept}
                await self._frozen_values(meter, missed, until, readings, problems)
            except NoAnswer as error:
                self.silent.add(meter)
                silent |= {point.datastream for points in wanted.values() for point in points}
                self._unheard(problems, meter, error)
        return Answer(rows_of(readings), problems, silent & since.keys())

    async def close(self) -> None:
        """Ends the connection; raises nothing."""
        await self.line.close()

    async def _load_records(
        self,
        meter: str,
        number: int,
        gaps: Mapping[str, Mapping[Point, datetime]],
        until: datetime,
        readings: Readings,
        problems: Problems,
    ) -> set[str]:
        """Reads the load records of a class; returns the identifiers that the meter keeps in them."""
        try:
            latest = await self._blocks(meter, number, identifiers.LATEST, b"\x01")
        except FrameError:  # refused: a meter without load records
            return set()
        gaps = {name: gap for name, gap in gaps.items() if latest and name in latest[-1].numbers}
        if not gaps:
            return set()
        begin = min(time for gap in gaps.values() for time in gap.values())
        last, interval = instant(latest[-1].time, self.zone), await self._interval(meter, number)
        start = last - (last - begin) // interval * interval
        start += interval if start <= begin else timedelta()
        while start <= min(last, until):
            try:
                found = await self._given(meter, number, start, min(MOST_BLOCKS, (last - start) // interval + 1))
                if not found:
                    start = await self._behind_hole(meter, number, start, last, interval)
                    continue
            except FrameError as error:
                self._tell(problems, meter, error)
                break
            for record in found:
                time = instant(record.time, self.zone)
                for name, gap in gaps.items():
                    points = [point for point, known in gap.items() if known < time <= until]
                    if name in record.numbers:
                        keep(readings, points, time, record.numbers[name])
            start = instant(found[-1].time, self.zone) + interval
        return set(gaps)

    async def _given(self, meter: str, number: int, start: datetime, count: int) -> list[Record]:
        """The load records from a time on, which the request tells to the minute of the meter's clock; some meters begin with
        the block before it, which is left out."""
        extra = bytes.fromhex(f"{count:02d}") + identifiers.pack_moment(start.astimezone(self.zone))
        found = await self._blocks(meter, number, identifiers.GIVEN, extra)
        return [record for record in found if instant(record.time, self.zone) >= start]

    async def _behind_hole(self, meter: str, number: int, start: datetime, last: datetime, interval: timedelta) -> datetime:
        """The first time behind `start` for which the meter has records, where it has none for `start` itself: meters that
        look for the very time. The steps double until there is one, and halve back from there."""
        low, step = 0, 1
        most = (last - start) // interval
        while low + step < most and not await self._given(meter, number, start + (low + step) * interval, 1):
            low, step = low + step, 2 * step
        high = min(low + step, most)
        while high - low > 1:
            middle = (low + high) // 2
            if await self._given(meter, number, start + middle * interval, 1):
                high = middle
            else:
                low = middle
        return start + max(high, 1) * interval

    async def _blocks(self, meter: str, number: int, which: str, extra: bytes) -> list[Record]:
        identifier = f"06{number:02X}00{which}"
        return identifiers.records(await self._ask(meter, identifier, extra), identifier)

    async def _interval(self, meter: str, number: int) -> timedelta:
        """The interval of a class of load records, as the meter was set."""
        identifier = f"04000A{number + 1:02X}"
        try:
            data = await self._ask(meter, identifier)
        except FrameError:
            return INTERVAL
        digits = data[::-1].hex()
        return timedelta(minutes=int(digits)) if len(data) == 2 and digits.isdecimal() and int(digits) else INTERVAL

    async def _frozen_values(
        self,
        meter: str,
        missed: Mapping[str, Mapping[Point, datetime]],
        until: datetime,
        readings: Readings,
        problems: Problems,
    ) -> None:
        """Reads daily frozen energies, the last first, until they are older than what is missed."""
        kinds = {name[3] for name in missed if name[:3] == "000" and name[3] in "12345678"}
        if not kinds:
            return
        begin = min(time for name in missed for time in missed[name].values() if name[3] in kinds)
        try:
            newest = await self._ask(meter, "05060001")
        except FrameError:  # refused: a meter that freezes nothing
            return
        found = Readings()
        try:
            for number in range(1, MOST_FROZEN + 1):
                told = identifiers.moment(await self._ask(meter, f"050600{number:02X}"), "050600")
                if told is None or (time := instant(told, self.zone)) <= begin:
                    break
                for kind in sorted(kinds) if time <= until else ():
                    identifier = f"05060{kind}{number:02X}"
                    for value in identifiers.frozen_values(identifier, await self._ask(meter, identifier)):
                        gap = missed.get(value.identifier, {})
                        if value.number is not None:
                            keep(found, [point for point, known in gap.items() if known < time], time, value.number)
            if await self._ask(meter, "05060001") != newest:  # a day ended meanwhile, and all numbers have moved on by one
                raise FrameError("time", "05060001", "another day than before", "one day while frozen values are read")
        except FrameError as error:
            self._tell(problems, meter, error)
            return
        readings.update(found)

    async def _ask(self, meter: str, identifier: str, extra: bytes = b"") -> bytes:
        """What a meter says of an identifier, with all that follows. Raises NoAnswer, and FrameError where it refuses."""
        said = await self._part(meter, identifier, 0, frames.request(meter, identifier, extra))
        data = said.data
        while said.more:
            sequence = said.sequence % frames.MOST_PARTS + 1
            said = await self._part(meter, identifier, sequence, frames.following(meter, identifier, sequence))
            data += said.data
            if len(data) > frames.MOST_BYTES or not said.data:
                raise FrameError(
                    "too-large", identifier, f"{len(data)} bytes", f"an answer of at most {frames.MOST_BYTES} bytes"
                )
        return data

    async def _part(self, meter: str, identifier: str, sequence: int, request: bytes) -> Said:
        function = frames.FOLLOWING if sequence else frames.READ
        others, came = "", b""

        def accept(raw: bytes) -> Said | None:
            nonlocal others
            try:
                frame = frames.parse(raw)
            except FrameError:
                return None
            if not all(ours in ("A", theirs) for ours, theirs in zip(meter, frame.address, strict=True)):
                others = frame.address
                return None
            if frame.control & frames.FUNCTION != function:
                return None
            try:
                said = frames.said(frame)
            except FrameError as error:  # a refusal does not repeat what was asked for
                raise FrameError(error.code, identifier, error.found, error.expected) from None
            return said if said and (said.identifier, said.sequence) == (identifier, sequence) else None

        for _ in range(1 if meter in self.silent else TRIES):
            if (said := await self.line.ask(request, accept)) is not None:
                return said
            came = came or self.line.came
        raise NoAnswer(f"an answer of {others}" if others else came.hex(" "))

    def _tell(self, problems: Problems, meter: str, error: FrameError) -> None:
        problems.add(error.code, self.place, None, f"{meter}/{error.field}", found=error.found, expected=error.expected)

    def _unheard(self, problems: Problems, meter: str, error: NoAnswer) -> None:
        code = "syntax" if str(error) else "value-missing"
        problems.add(code, self.place, None, meter, found=str(error) or "silence", expected=f"an answer of {meter} in time")


def keep(readings: Readings, points: Sequence[Point], time: datetime, value: float | None) -> None:
    """Puts what a device said at a time under the datastream of each point, in the unit of the datastream. Raises nothing."""
    for point in points:
        readings[point.datastream, time] = None if value is None else value * point.scale


def rows_of(readings: Readings) -> pa.Table:
    """Readings in the schema ARRIVAL. Raises nothing."""
    rows = [
        {"datastream": name, "time": time.astimezone(UTC), "value": value, "revision": None}
        for (name, time), value in readings.items()
    ]
    return pa.Table.from_pylist(rows, schema=ARRIVAL)
