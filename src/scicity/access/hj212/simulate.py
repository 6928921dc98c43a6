"""A monitoring station (HJ 212) that is a program: a TCP client as the real ones are, for tests and for trying a server.

It writes down what falls due, keeps it until it is acknowledged, sends it again after a reconnection, and answers requests for
its history. Clock, values and sleep are the caller's.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

from scicity.access.collecting import Connection
from scicity.access.hj212.decode import BEIJING, KINDS
from scicity.access.hj212.frames import EDITIONS, HAS_NUMBERS, WANTS_ANSWER, Message, Packet, Splitter, answer, pack, parse
from scicity.access.hj212.listen import where
from scicity.access.simulating import World

PERIODS = {"2051": timedelta(minutes=10), "2061": timedelta(hours=1)}
QUANTITIES = {"2011": ("Rtd",), "2051": ("Avg", "Min", "Max"), "2061": ("Avg", "Min", "Max")}
ACCEPT, DONE, TAKEN = "9011", "9012", "9014"
LONGEST_ANSWER = 10_000  # periods that one request for history is answered with
ASKED = re.compile(rb"BeginTime=([0-9]{14})[,;]EndTime=([0-9]{14})")
REQUEST = re.compile(rb"QN=([0-9]{17})")
LOOK = 1.0  # [s] between two looks at what falls due, and at whether a station is to be silent
REFUSED, WRONG_PASSWORD = 2, 3  # QnRtn
log = logging.getLogger(__name__)
Value = Callable[[str, str, datetime, timedelta], float | None]


@dataclass
class Station:
    """A station, and what it has not got rid of.

    `value(factor, quantity, begin, period)` is what it measures: quantities are Rtd (with a period of 0), Avg, Min, Max; None
    is a value that is flagged as faulty. `wait` [s] and `repeats` are how long it waits for an answer and how often it sends
    again (OverTime and ReCount of the standard). `kept` are the packets of each message that is not acknowledged, by QN; of
    more than `most_kept` the oldest are lost, and counted.
    """

    name: str
    password: str
    value: Value
    begun: datetime  # it remembers nothing before
    factors: tuple[str, ...] = ("a34004", "a34002")
    system: str = "22"
    edition: str = "2017"
    zone: tzinfo = BEIJING
    real_time: timedelta = timedelta(minutes=5)
    parts: int = 1  # of each message with more than one factor
    wait: float = 10.0
    repeats: int = 3
    most_kept: int = 100_000
    kept: dict[str, tuple[bytes, ...]] = field(default_factory=dict)
    lost: int = 0
    quantities: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: QUANTITIES)  # what it tells, by command

    def __post_init__(self) -> None:
        self.told_until = self._request = self.begun
        self._flag = next(bits for bits, year in EDITIONS.items() if year == self.edition) << 2

    def tell(self, now: datetime) -> None:
        """Writes down the messages that fall due behind the last one told, up to `now`: real-time, minute and hour data."""
        for command, period in (("2011", self.real_time), *PERIODS.items()):
            for end in () if command not in self.quantities else _ends(self.told_until, now, period):
                self._write_down(command, end if command == "2011" else end - period, now)
        self.told_until = max(self.told_until, now)

    async def connect(self, host: str, port: int) -> Link:
        """Opens a connection. Raises OSError where nobody listens."""
        return Link(self, *await asyncio.open_connection(host, port))

    async def run(
        self, host: str, port: int, clock: Callable[[], datetime], sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        """Tells and delivers at each step of its real-time data until it is cancelled, and connects again where it must."""
        link: Link | None = None
        try:
            while True:
                self.tell(clock())
                try:
                    link = link or await self.connect(host, port)
                    await link.deliver()
                except (OSError, EOFError):
                    if link:
                        await link.close()
                    link = None
                await sleep(self.real_time.total_seconds())
        finally:
            if link:
                await link.close()

    def history(self, request: Message) -> Iterator[bytes]:
        """The packets that answer a request: that it is accepted, the data of the periods asked for, that it is done."""
        asked = ASKED.search(request.content)
        if request.password != self.password or not asked or request.command not in PERIODS:
            yield answer(request, ACCEPT, REFUSED if request.password == self.password else WRONG_PASSWORD)
            return
        yield answer(request, ACCEPT)
        period = PERIODS[request.command]
        first, last = (datetime.strptime(told.decode(), "%Y%m%d%H%M%S").replace(tzinfo=self.zone) for told in asked.groups())
        if request.command not in self.quantities:
            yield answer(request, DONE)
            return
        ends = _ends(max(first, self.begun) - timedelta(microseconds=1) + period, min(last + period, self.told_until), period)
        for _, end in zip(range(LONGEST_ANSWER), ends, strict=False):
            content = self._content(request.command, end - period, self.factors)
            said = (self.system, request.command, self.name, content, request.request, self.password, self._flag)
            yield pack(Message(*said).data())
        yield answer(request, DONE)

    def _write_down(self, command: str, time: datetime, now: datetime) -> None:
        self._request = max(now, self._request + timedelta(milliseconds=1))  # a QN that no message had before
        local = self._request.astimezone(self.zone)
        request = f"{local:%Y%m%d%H%M%S}{local.microsecond // 1000:03d}"
        count = min(self.parts, len(self.factors))
        flag = self._flag | WANTS_ANSWER | (HAS_NUMBERS if count > 1 else 0)
        packets = []
        for number in range(1, count + 1):
            content = self._content(command, time, self.factors[number - 1 :: count])
            told = (self.system, command, self.name, content, request, self.password, flag, count, number)
            packets.append(pack(Message(*told).data()))
        self.kept[request] = tuple(packets)
        while len(self.kept) > self.most_kept:
            del self.kept[next(iter(self.kept))]
            self.lost += 1

    def _content(self, command: str, time: datetime, factors: tuple[str, ...]) -> bytes:
        told = [f"DataTime={time.astimezone(self.zone):%Y%m%d%H%M%S}"]
        period = PERIODS.get(command, timedelta())
        for factor in factors:
            values = {quantity: self.value(factor, quantity, time, period) for quantity in self.quantities[command]}
            fields = [f"{factor}-{quantity}={0 if value is None else f'{value:.10g}'}" for quantity, value in values.items()]
            told.append(",".join([*fields, f"{factor}-Flag={'D' if None in values.values() else 'N'}"]))
        return ";".join(told).encode()


class Link:
    """A station's connection: it delivers, and meanwhile answers what the server asks. `answered` counts the requests that it
    has answered to the end."""

    def __init__(self, station: Station, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.station, self.reader, self.writer = station, reader, writer
        self.answered = 0
        self._due: dict[str, int] = {}  # answers that a message still needs, by QN
        self._came, self._ended = asyncio.Event(), False
        self._listening = asyncio.create_task(self._listen())

    async def deliver(self) -> None:
        """Sends what is kept, the oldest first, each message until it is acknowledged. Raises EOFError or another OSError where
        the connection ends, TimeoutError where no answer comes however often it is sent."""
        while self.station.kept:
            request, packets = next(iter(self.station.kept.items()))
            await self._deliver(request, packets)
            self.station.kept.pop(request, None)

    async def until(self, done: Callable[[], bool]) -> None:
        """Waits until something holds that comes of what the server says. Raises EOFError where the connection ends before."""
        while not done():
            if self._ended:
                raise EOFError("the server closed the connection")
            self._came.clear()
            await self._came.wait()

    async def close(self) -> None:
        """Ends the connection; raises nothing."""
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)
        self.writer.transport.abort()

    async def _deliver(self, request: str, packets: tuple[bytes, ...]) -> None:
        for _ in range(1 + self.station.repeats):
            self._due[request] = len(packets)
            self.writer.writelines(packets)
            await self.writer.drain()
            try:
                async with asyncio.timeout(self.station.wait):
                    await self.until(lambda: self._due[request] <= 0)
                del self._due[request]
                return
            except TimeoutError:
                log.info("%s: no answer to %s", self.station.name, request)
        raise TimeoutError(f"no answer to {request}")

    async def _listen(self) -> None:
        splitter = Splitter()
        try:
            while chunk := await self.reader.read(4096):
                for found in splitter.feed(chunk):
                    if isinstance(found, Packet):
                        await self._take(parse(found.data))
        except OSError as error:
            log.info("%s: %s", self.station.name, error)
        finally:
            self._ended = True
            self._came.set()

    async def _take(self, message: Message) -> None:
        if message.command == TAKEN:
            said = REQUEST.search(message.content)
            request = said[1].decode() if said else message.request
            if request in self._due:
                self._due[request] -= 1
        elif message.command in PERIODS:
            for packet in self.station.history(message):
                self.writer.write(packet)
                await self.writer.drain()
            self.answered += 1
        self._came.set()


async def serve(connection: Connection, world: World) -> None:
    """Plays the stations of the district at a connection of ours until it is cancelled; while nobody listens they keep what
    falls due. Raises ValueError where no station is registered or no password is set."""
    host, port, _ = where(connection.address, connection.name)
    stations = []
    for name, datastreams in world.stations().items():
        password = world.password(f"{connection.name}-{name}") or world.password(connection.name)
        if not password:
            variable = "SCICITY_PASSWORD_" + connection.name.upper().replace("-", "_")
            raise ValueError(f"stations need a password: set {variable} here and where `up` or `collect` is begun")
        stations.append(_station(name, datastreams, password, connection, world))
    if not stations:
        raise ValueError("no datastream is named as a station's, <MN>.<factor>")
    await asyncio.gather(*(_reporting(station, host, port, connection.name, world) for station in stations))


async def _reporting(station: Station, host: str, port: int, connection: str, world: World) -> None:
    """Runs a station, but not while it is to be silent."""
    while True:
        running = asyncio.create_task(station.run(host, port, world.clock, lambda _: world.sleep(LOOK)))
        try:
            while connection not in world.silent:
                await world.sleep(LOOK)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        while connection in world.silent:
            await world.sleep(LOOK)


def _station(name: str, datastreams: Sequence[str], password: str, connection: Connection, world: World) -> Station:
    """A station that tells its registered datastreams, `<MN>.<factor>[.minute|hour.<quantity>]`, and nothing else."""
    told: dict[str, dict[str, None]] = {}
    commands = {kind: command for command, kind in KINDS.items()}
    for datastream in datastreams:
        kind, _, quantity = datastream.split(".", 2)[2].partition(".") if datastream.count(".") > 1 else ("", "", "rtd")
        told.setdefault(commands.get(kind, ""), {})[quantity.capitalize()] = None
    factors = tuple(dict.fromkeys(datastream.split(".")[1] for datastream in datastreams))

    def value(factor: str, quantity: str, begin: datetime, period: timedelta) -> float | None:
        levels = (name, factor, KINDS["2061" if period == PERIODS["2061"] else "2051" if period else "2011"])
        datastream = ".".join(filter(None, (*levels, quantity.lower() if period else "")))
        return world.value(datastream, begin) if datastream in world.streams else None

    quantities = {command: tuple(names) for command, names in told.items() if command in QUANTITIES}
    begun, step = world.clock() - world.memory, max(connection.interval, timedelta(seconds=1))
    return Station(name, password, value, begun, factors, real_time=step, quantities=quantities)


def _ends(after: datetime, until: datetime, period: timedelta) -> Iterator[datetime]:
    """The ends of the periods, counted from the epoch, that lie behind `after` and not behind `until`."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    end = epoch + ((after - epoch) // period + 1) * period
    while end <= until:
        yield end
        end += period
