"""Water, gas and heat meters behind a gateway: what they say now, and their totals at settlement days that were missed.

An item is `ADDRESS/TYPE/QUANTITY`: the meter's 14 digits (A6 to A0), two hex digits of its kind, and a quantity of that kind,
such as `78330011223344/10/volume`. The address of the connection is `HOST:PORT` of the gateway.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo

from scicity.access.cjt188 import frames
from scicity.access.cjt188.frames import AHEAD, DAY, HISTORY, KINDS, LAYOUTS, NOW, STATUS, TOTALS, Frame, Reading
from scicity.access.collecting import Answer, Point
from scicity.access.dlt645.collect import NoAnswer, Readings, keep, rows_of
from scicity.access.dlt645.decode import instant
from scicity.access.dlt645.frames import FrameError
from scicity.access.dlt645.identifiers import BEIJING
from scicity.access.dlt645.line import WAIT, Line
from scicity.kernel.problems import Problems

TYPE = re.compile(r"[0-9A-F]{2}")
CLOCK_OFF = timedelta(days=1)  # so far off, a clock does not say on which day the meter settled
ITEM = "ADDRESS/TYPE/QUANTITY: 14 digits, a type from 10 to 49, and one of its quantities, such as 78330011223344/10/volume"


def refused(item: str) -> str:
    """What an item should look like where this one cannot be read; empty where it can."""
    address, kind, quantity = item.split("/") if item.count("/") == 2 else ("", "", "")
    number = int(kind, 16) if TYPE.fullmatch(kind) else 0
    known = number in KINDS and frames.is_meter(number, address)
    quantities = [field.quantity for field in LAYOUTS[number >> 4]] + [STATUS, AHEAD] if known else []
    return "" if quantity in quantities else ITEM


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
        self.wanted: dict[str, dict[str, list[Point]]] = {}  # points by meter (ADDRESS/TYPE) and quantity
        for point in points:
            meter, _, quantity = point.item.rpartition("/")
            self.wanted.setdefault(meter, {}).setdefault(quantity, []).append(point)
        self.silent: set[str] = set()
        self.low_first: dict[str, bool] = {}  # in which order a meter takes the bytes of an identifier, once it answered
        self.number = 0

    async def read(self, now: datetime) -> Answer:
        """What every meter says now, at `now`: their clocks are not trusted. Raises TimeoutError where none of them answers."""
        readings, problems, heard = Readings(), Problems(), False
        for meter, wanted in self.wanted.items():
            try:
                told = await self._now(meter)
                for quantity, points in wanted.items():
                    keep(readings, points if quantity != AHEAD else [], now, told.numbers.get(quantity))
                if clocked := wanted.get(AHEAD):  # at the end: a clock that cannot be read keeps nothing else back
                    clock = frames.moment(told.clock, f"{meter}/{AHEAD}")
                    keep(readings, clocked, now, None if clock is None else (instant(clock, self.zone) - now).total_seconds())
            except NoAnswer as error:
                self.silent.add(meter)
                self._unheard(problems, meter, error)
                continue
            except FrameError as error:
                self._tell(problems, meter, error)
            heard = True
            self.silent.discard(meter)
        if self.wanted and not heard:
            raise TimeoutError(f"none of {len(self.wanted)} meters answers")
        return Answer(rows_of(readings), problems)

    async def remembered(self, since: Mapping[str, datetime], until: datetime, now: datetime) -> Answer:
        """The meters' totals at settlement days behind `since` up to `until`: once a month, for twelve months. A meter that did
        not answer when it was last read is passed over."""
        readings, problems, silent = Readings(), Problems(), set[str]()
        for meter, wanted in self.wanted.items():
            points = [point for point in wanted.get(TOTALS[_kind(meter) >> 4], ()) if point.datastream in since]
            if not points or meter in self.silent:
                continue
            try:
                await self._settled(meter, {point: since[point.datastream] for point in points}, until, now, readings)
            except NoAnswer as error:
                self.silent.add(meter)
                silent |= {point.datastream for point in points}
                self._unheard(problems, meter, error)
            except FrameError as error:
                self._tell(problems, meter, error)
        return Answer(rows_of(readings), problems, silent & since.keys())

    async def close(self) -> None:
        """Ends the connection; raises nothing."""
        await self.line.close()

    async def _settled(
        self, meter: str, gap: Mapping[Point, datetime], until: datetime, now: datetime, readings: Readings
    ) -> None:
        frame = _frame(meter)
        day = frames.settlement_day(frame, await self._ask(meter, DAY))
        times, found = await self._settlements(meter, day, now), Readings()
        for identifier, local in zip(HISTORY, times, strict=True):
            time = instant(local, self.zone)
            points = [point for point, known in gap.items() if known < time <= until]
            if time <= min(gap.values()):
                break
            if points:
                number = frames.settled(frame, await self._ask(meter, identifier))
                keep(found, points if number is not None else [], time, number)
        if found and await self._settlements(meter, day, now) != times:  # all months have moved on by one
            raise FrameError("time", meter, "a settlement day that came meanwhile", "one month while totals are read")
        readings.update(found)

    async def _settlements(self, meter: str, day: int, now: datetime) -> list[datetime]:
        clock = frames.moment((await self._now(meter)).clock, f"{meter}/{AHEAD}")
        if clock is None or abs(instant(clock, self.zone) - now) > CLOCK_OFF:
            raise FrameError("time", f"{meter}/{AHEAD}", clock or "a clock that was never set", f"about {now.astimezone(UTC)}")
        return frames.settlements(clock, day)

    async def _now(self, meter: str) -> Reading:
        return frames.reading(_frame(meter), await self._ask(meter, NOW))

    async def _ask(self, meter: str, identifier: str) -> bytes:
        """What a meter says of an identifier. Raises NoAnswer, and FrameError where it refuses.

        The editions differ in the order of the identifier's bytes; until a meter has answered, both are tried.
        """
        known = self.low_first.get(meter)
        orders = [True, False] if known is None else [known] if meter in self.silent else [known, known]
        others, came = "", b""

        def accept(raw: bytes) -> bytes | None:
            nonlocal others
            try:
                frame = frames.parse(raw)
                if frame.kind != _kind(meter) or not all(
                    ours in ("A", theirs) for ours, theirs in zip(meter[:14], frame.address, strict=True)
                ):
                    others = frame.meter
                    return None
                told = frames.said(frame)
            except FrameError as error:
                if error.code == "value-missing":
                    raise FrameError(error.code, f"{meter}/{identifier}", error.found, error.expected) from None
                return None
            return told[1] if told and told[0] == identifier else None

        refusal: FrameError | None = None
        for low_first in orders:
            self.number = (self.number + 1) % 256
            request = frames.request(_kind(meter), meter[:14], identifier, self.number, low_first)
            try:
                data = await self.line.ask(request, accept)
            except FrameError as error:
                if known is not None:
                    raise
                refusal = error  # perhaps of the order only
                continue
            came = came or self.line.came
            if data is not None:
                self.low_first[meter] = low_first
                return data
        if refusal:
            raise refusal
        raise NoAnswer(f"an answer of {others}" if others else came.hex(" "))

    def _tell(self, problems: Problems, meter: str, error: FrameError) -> None:
        field = error.field if error.field.startswith(meter) else f"{meter}/{error.field}"
        problems.add(error.code, self.place, None, field, found=error.found, expected=error.expected)

    def _unheard(self, problems: Problems, meter: str, error: NoAnswer) -> None:
        code = "syntax" if str(error) else "value-missing"
        problems.add(code, self.place, None, meter, found=str(error) or "silence", expected=f"an answer of {meter} in time")


def _kind(meter: str) -> int:
    return int(meter[15:], 16)


def _frame(meter: str) -> Frame:
    return Frame(_kind(meter), meter[:14], frames.READ | frames.ANSWER)
