"""A gateway with meters, as a TCP server on loopback: for tests, and for trying a district without hardware.

`Gateway` serves any devices that hear frames; `Meter` is one of DL/T 645. The clock is the caller's.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Protocol, TypeVar

from scicity.access.collecting import Connection, Point
from scicity.access.dlt645 import frames, identifiers
from scicity.access.dlt645.frames import Said
from scicity.access.dlt645.identifiers import BEIJING, CLASSES, Record
from scicity.access.dlt645.stream import Found, Measure, Splitter
from scicity.access.simulating import World, port_of

ANSWER_BYTES = 196  # of data behind the identifier in one frame, for the 200 of the standard
LOOK = 1.0  # [s] between two looks at whether the meters are to be silent
REMEMBERED = timedelta(minutes=1)  # the interval of the load records of meters that are played
QUIET = 0.02  # [s] without a byte on loopback after which nothing more is on its way
T = TypeVar("T")


@dataclass
class Faults:
    """How a device misbehaves: it says nothing; says `instead`; says `before` ahead of its answer; stops `cut` [byte] into
    it; sends it in pieces of `segment` [byte]."""

    silent: bool = False
    instead: bytes = b""
    before: bytes = b""
    cut: int | None = None
    segment: int = 0

    def sent(self, answer: bytes) -> list[bytes]:
        """What goes to the line, segment by segment."""
        if self.silent:
            return []
        said = self.instead or (self.before + answer)[: self.cut]
        size = self.segment or len(said) or 1
        return [said[at : at + size] for at in range(0, len(said), size)]


class Device(Protocol):
    """What hangs on the line of a gateway."""

    faults: Faults

    def hear(self, raw: bytes) -> bytes | None:
        """The answer to a frame; None of one that is for another device."""


class Gateway:
    """Serves devices on 127.0.0.1 while it is entered, and gives the port: `async with Gateway(...) as port`.

    It may be entered again, at the same port. `requests` are the frames that came.
    """

    def __init__(self, devices: Sequence[Device], measure: Measure = frames.measure, port: int = 0) -> None:
        self.devices, self.measure, self.port = devices, measure, port
        self.requests: list[bytes] = []
        self._writers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self.port

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in list(self._writers):
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        splitter = Splitter(self.measure)
        with suppress(OSError):
            while chunk := await reader.read(4096):
                for found in splitter.feed(chunk):
                    if isinstance(found, Found):
                        self.requests.append(found.raw)
                        for piece in self._answer(found.raw):
                            writer.write(piece)
                            await writer.drain()
                            for _ in range(4):  # gives way until it was heard, so that each piece is a segment of its own
                                await asyncio.sleep(0)
        self._writers.discard(writer)
        writer.close()

    def _answer(self, raw: bytes) -> list[bytes]:
        for device in self.devices:
            if (answer := device.hear(raw)) is not None:
                return device.faults.sent(answer)
        return []


@dataclass
class Meter:
    """A meter whose `registers` follow functions of its address and a time, by identifier, in the identifier's unit.

    It keeps load records of what of CLASSES it has, at `interval` of `zone`'s day, and daily frozen energies at midnight; both
    for `kept`. `refuses` are beginnings of identifiers that it does not have. With `exact` it finds load records of the very
    time only. Between the times of `off` it had no power and kept nothing.
    """

    address: str
    registers: Mapping[str, Callable[[str, datetime], float]]
    clock: Callable[[], datetime]
    interval: timedelta = timedelta(minutes=15)
    kept: timedelta = timedelta(days=62)
    zone: tzinfo = BEIJING
    refuses: tuple[str, ...] = ()
    exact: bool = False
    off: tuple[datetime, datetime] | None = None
    faults: Faults = field(default_factory=Faults)

    def __post_init__(self) -> None:
        self._rest: dict[str, bytes] = {}

    def hear(self, raw: bytes) -> bytes | None:
        """The answer to a frame; None of one that is no request to this meter."""
        request = frames.parse(raw)
        if not all(theirs in ("A", ours) for theirs, ours in zip(request.address, self.address, strict=True)):
            return None
        function = request.control
        if function not in (frames.READ, frames.FOLLOWING):
            return None
        identifier, extra = request.data[3::-1].hex().upper(), request.data[4:]
        if function == frames.FOLLOWING:
            sequence, data = max(extra, default=0), self._rest.get(identifier)
        else:
            sequence, data = 0, self._data(identifier, extra)
        if data is None:
            return frames.refusal(self.address, 0b10, function)
        self._rest[identifier] = data
        whole = ANSWER_BYTES - (sequence > 0)
        begin = ANSWER_BYTES * (sequence > 0) + (ANSWER_BYTES - 1) * (sequence - 1 if sequence else 0)
        piece = data[begin : begin + whole]
        return Said(identifier, piece, begin + whole < len(data), sequence).pack(self.address)

    def recorded(self) -> list[datetime]:
        """The times of the load records that it keeps, the oldest first."""
        now, times = self.clock(), []
        midnight = (now - self.kept).astimezone(self.zone).replace(hour=0, minute=0, second=0, microsecond=0)
        time = midnight + -(-(now - self.kept - midnight) // self.interval) * self.interval
        while time <= now:
            if not (self.off and self.off[0] <= time < self.off[1]):
                times.append(time)
            time += self.interval
        return times

    def record(self, time: datetime, names: Iterable[str]) -> Record:
        """The load record of a time, of some identifiers."""
        local = time.astimezone(self.zone).replace(tzinfo=None)
        return Record(local, {name: self._register(name, time) for name in names})

    def _register(self, identifier: str, time: datetime) -> float:
        return self.registers[identifier](self.address, time.astimezone(UTC))

    def _data(self, identifier: str, extra: bytes) -> bytes | None:
        if identifier.startswith(self.refuses or ("-",)):
            return None
        form = identifiers.format_of(identifier)
        if identifier in self.registers and form is not None:
            now = self.clock()
            data = form.pack(self._register(identifier, now))
            return data + (identifiers.pack_moment(now.astimezone(self.zone)) if form.timed else b"")
        if identifier[:6] == "04000A" and "02" <= identifier[6:] <= "07":
            return bytes.fromhex(f"{self.interval // timedelta(minutes=1):04d}")[::-1]
        if identifiers.LOAD.fullmatch(identifier):
            return self._load(int(identifier[2:4], 16), identifier[6:], extra)
        if identifiers.FROZEN_TIME.fullmatch(identifier) or identifiers.FROZEN.fullmatch(identifier):
            return self._frozen(identifier)
        return None

    def _load(self, number: int, which: str, extra: bytes) -> bytes:
        times = self.recorded()
        count = int(extra[:1].hex()) if extra else 1
        if which == identifiers.LATEST:
            times = times[-1:]
        elif which == identifiers.GIVEN:
            told = identifiers.moment(extra[1:6], "time")
            if told is None:
                return b""
            start = told.replace(tzinfo=self.zone)
            times = [time for time in times if time >= start]
            times = [] if self.exact and times and times[0] != start else times
        names = self.registers.keys() & set(CLASSES[number - 1] if number else sum(CLASSES, ()))
        return b"".join(self.record(time, names).pack() for time in times[:count]) if names else b""

    def _frozen(self, identifier: str) -> bytes | None:
        kind, number = identifier[5], int(identifier[6:], 16)
        midnight = self.clock().astimezone(self.zone).replace(hour=0, minute=0, second=0, microsecond=0)
        time = midnight - timedelta(days=number - 1)
        if not 1 <= number <= self.kept.days:
            return None
        if kind == "0":
            return identifiers.pack_moment(time)
        names = [f"000{kind}{tariff:02X}00" for tariff in range(5)]
        energies = [self._register(name, time) if name in self.registers else None for name in names]
        return b"".join(map(identifiers.ENERGY.pack, energies)) if names[0] in self.registers else None


async def serve(connection: Connection, world: World) -> None:
    """Plays the meters of a connection until it is cancelled. Raises OSError where the port is taken."""
    meters = [
        Meter(address, registers, world.clock, REMEMBERED) for address, registers in registers_of(connection, world).items()
    ]
    await play(Gateway(meters, frames.measure, port_of(connection.address, 0)), connection, world)


async def play(gateway: Gateway, connection: Connection, world: World) -> None:
    """Serves a gateway until it is cancelled, with its devices silent while the connection is to be."""
    async with gateway:
        while True:
            for device in gateway.devices:
                device.faults.silent = connection.name in world.silent
            await world.sleep(LOOK)


def registers_of(connection: Connection, world: World) -> dict[str, dict[str, Callable[[str, datetime], float]]]:
    """What the meters of a connection show, by meter and the last level of the item. An address with AA is that with 00."""
    found: dict[str, dict[str, Callable[[str, datetime], float]]] = {}
    for point in connection.points:
        meter, _, quantity = point.item.rpartition("/")
        address, slash, kind = meter.partition("/")
        found.setdefault(address.replace("A", "0") + slash + kind, {})[quantity] = _showing(point, world)
    return found


def _showing(point: Point, world: World) -> Callable[[str, datetime], float]:
    return lambda _, time: world.told(point, time)


class _Jumping(selectors.DefaultSelector):
    """Waits for what is on its way, and then jumps to the next timer instead of waiting for it."""

    ahead = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        events = super().select(timeout if timeout is None else min(timeout, QUIET))
        if not events and timeout is not None and timeout > QUIET:
            self.ahead += timeout
        return events


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.jumping = _Jumping()
        super().__init__(self.jumping)

    def time(self) -> float:
        return super().time() + self.jumping.ahead


def run(program: Coroutine[Any, Any, T]) -> T:
    """Runs a program whose waiting costs no time: a timer is due as soon as nothing is on its way on loopback."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(program)
