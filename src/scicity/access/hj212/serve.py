"""A server for monitoring stations (HJ 212): what they send is on stable storage before it is acknowledged.

`serve` listens; each connection is a task of its own, takes one message after another, and reads on only when the message
before it is kept, so that a slow storage slows the stations and nobody else. README.md says what is answered and when.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import math
import re
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

from scicity.access.hj212.decode import BEIJING, WHY, decode_message, without_password
from scicity.access.hj212.frames import (
    WANTS_ANSWER,
    Message,
    MessageError,
    Packet,
    Parts,
    Skipped,
    Splitter,
    answer,
    due,
    pack,
    parse,
)
from scicity.kernel.problems import Problems
from scicity.kernel.reading import EARLIEST, Batch

CHUNK = 16_384  # [byte] that are read at once
REMEMBERED = 20_000  # parts of split messages that are known when they come again
HISTORY = ("2061", "2051")  # commands by which history is asked for: hours, minutes
DATA = "2"  # what commands of data begin with
ACCEPTED, DONE = "9011", "9012"
RESULT = re.compile(rb"(?:^|[;,])QnRtn=([0-9]{1,4})")
MILLISECOND = timedelta(milliseconds=1)
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """How packets are read, and what a server bears: times in [s], sizes in [byte].

    `zone` and `interval` are as for `decode`. With `each_part_alone` every part of a split message is taken as a message of its
    own: for stations that wait for the answer to a part before they send the next one, and say DataTime in each.
    """

    place: str = "hj212"  # as problems and batches name it
    zone: tzinfo = BEIJING
    interval: timedelta | None = None
    each_part_alone: bool = False
    connections: int = 500
    first: float = 60.0  # until the first message of a station that is known
    idle: float = 7_200.0  # from one message to the next
    write: float = 30.0  # for an answer to leave
    parts_wait: float = 600.0  # for the other parts of a split message
    part_sets: int = 16  # split messages of one connection that may wait
    part_bytes: int = 500_000  # of their parts
    rubbish: int = 65_536  # that may come without a message
    faults: int = 100  # stretches and messages that may be wrong, without one that is right
    history: float = 300.0  # until a station has answered a request
    asked: timedelta = timedelta(days=1)  # the longest time that one request asks for


def told(who: str, problems: Problems, payload: bytes) -> None:
    """Says in the log what could not be read."""
    for problem in problems:
        log.warning("%s: %s", who, problem)


def nothing_missing(station: str) -> list[tuple[datetime, datetime]]:
    """Of no station is anything missing."""
    return []


def nobody_waits(station: str) -> None:
    """Nobody wants to know that a station has been asked for all that was missing."""


class NotItsOwnError(Exception):
    """A station may not send what it sent; the text names it."""


async def serve(
    host: str,
    port: int,
    put: Callable[[Batch], Awaitable[None]],
    allowed: Callable[[str, str], Awaitable[bool]],
    *,
    refused: Callable[[str, Problems, bytes], None] = told,
    missing: Callable[[str], Sequence[tuple[datetime, datetime]]] = nothing_missing,
    filled: Callable[[str], None] = nobody_waits,
    settings: Settings | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Server:
    """Listens for stations; returns when it does. Port 0 takes a free one, which `port` of the server tells.

    `put` returns when a batch is on stable storage; where it raises NotItsOwnError, nothing is answered and `refused` is told;
    where it raises anything else, the connection is closed too. `allowed(station, password)` is asked of every message;
    comparing in constant time and slowing down who guesses is its own business. `refused(who, problems, bytes)` is told what
    could not be read, and by whom (peer, or station at peer) it came; the bytes can hold a password. `missing(station)` is
    asked before the first data of a station on a connection are put, and names the stretches of time, from and to with zones,
    for which the station is asked afterwards; `filled(station)` is told when the last of these requests has ended. These three
    are called in the loop and must not wait. Raises OSError where the port is taken.
    """
    server = Server(put, allowed, refused, missing, filled, settings or Settings(), clock)
    await server.listen(host, port)
    return server


@dataclass
class Server:
    """What all connections share; `serve` makes it."""

    put: Callable[[Batch], Awaitable[None]]
    allowed: Callable[[str, str], Awaitable[bool]]
    refused: Callable[[str, Problems, bytes], None]
    missing: Callable[[str], Sequence[tuple[datetime, datetime]]]
    filled: Callable[[str], None]
    settings: Settings
    clock: Callable[[], datetime]
    port: int = 0
    taken: OrderedDict[bytes, None] = field(default_factory=OrderedDict)  # parts of split messages that are kept
    _open: dict[_Connection, asyncio.Task[None]] = field(default_factory=dict)
    _asked: datetime = EARLIEST

    async def listen(self, host: str, port: int) -> None:
        """Takes connections from now on. Raises OSError where the port is taken."""
        self._listening = await asyncio.start_server(self._connected, host, port, limit=CHUNK)
        self.port = self._listening.sockets[0].getsockname()[1]

    @property
    def connected(self) -> int:
        """How many connections are open."""
        return len(self._open)

    async def close(self) -> None:
        """Takes no more connections and ends those that are open; what was not acknowledged will come again."""
        self._listening.close()
        tasks = list(self._open.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._listening.wait_closed()

    def request_number(self) -> str:
        """A QN that no request had before: the local time to the millisecond."""
        self._asked = max(self.clock(), self._asked + MILLISECOND)
        local = self._asked.astimezone(self.settings.zone)
        return f"{local:%Y%m%d%H%M%S}{local.microsecond // 1000:03d}"

    def remember(self, digests: Sequence[bytes]) -> None:
        """Keeps in mind which parts are on stable storage: one that comes again without the others is acknowledged."""
        self.taken.update(dict.fromkeys(digests))
        while len(self.taken) > REMEMBERED:
            self.taken.popitem(last=False)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = _Connection(self, reader, writer)
        if len(self._open) >= self.settings.connections and not self._make_room():
            log.warning("%s: too many connections", connection.peer)
            writer.transport.abort()
            return
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  (a coroutine of the loop runs in one)
        self._open[connection] = task
        try:
            await connection.run()
        except asyncio.CancelledError:
            log.debug("%s: the server closes", connection.peer)  # the one thing that cancels it
        except Exception:  # one connection's fault, such as one in what the caller gave, is not the others'
            log.exception("%s", connection.peer)
        finally:
            self._open.pop(connection, None)
            connection.end()

    def _make_room(self) -> bool:
        """Ends the oldest connection of which no station is known yet, so that strangers crowd out strangers only."""
        for connection in self._open:
            if not connection.stations:
                del self._open[connection]
                connection.writer.transport.abort()
                return True
        return False


class _Over(Exception):  # noqa: N818  (reads as what happened)
    """The connection is not worth going on with; the text says why."""


class _Connection:
    def __init__(self, server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server, self.settings, self.reader, self.writer = server, server.settings, reader, writer
        writer.transport.set_write_buffer_limits(high=0)  # drain waits until nothing is left to send
        self.peer = str(writer.get_extra_info("peername"))
        self.splitter = Splitter()
        self.parts = Parts(self.settings.part_sets, self.settings.part_bytes)
        self.stations: set[str] = set()  # that have sent here with their password
        self.bytes = self.faults = 0  # since the last message
        self.now = asyncio.get_running_loop().time
        self.heard_until = self.now() + self.settings.first
        self.asked_of: set[str] = set()
        self.to_ask: deque[Iterator[Message]] = deque()
        self.asked = ""  # QN of the request that waits for its end
        self.asked_until = math.inf

    async def run(self) -> None:
        """Takes what comes until the connection ends, or is not worth going on with."""
        try:
            while chunk := await self._read():
                self.bytes += len(chunk)
                for found in self.splitter.feed(chunk):
                    await self._take(found)
                if self.bytes > self.settings.rubbish:
                    raise _Over(f"{self.bytes} bytes without a message")
        except (_Over, OSError) as error:
            log.warning("%s: closed: %s", self.peer, error)
        finally:
            for rest in self.splitter.close():
                if isinstance(rest, Skipped):
                    self._skipped(rest)
            self._let_go(math.inf)

    def end(self) -> None:
        """Closes the connection without waiting for a peer that reads nothing."""
        if self.writer.transport.get_write_buffer_size():
            self.writer.transport.abort()
        else:
            self.writer.close()

    async def _read(self) -> bytes:
        """The next bytes; b"" at the end. A stretch of a packet does not prolong the time in which a message must come."""
        while True:
            try:
                async with asyncio.timeout_at(min(self.heard_until, self.asked_until)) as deadline:
                    return await self.reader.read(CHUNK)
            except TimeoutError:
                if not deadline.expired():  # the connection's own, which it would raise again for ever
                    raise
                if self.now() >= self.heard_until:
                    raise _Over("no message for too long") from None
                await self._ask()

    async def _take(self, found: Packet | Skipped) -> None:
        if isinstance(found, Skipped):
            if self._skipped(found):
                self._fault()
            return
        problems = Problems()
        try:
            message = parse(found.data)
        except MessageError as error:
            found_there = without_password(error.found)
            problems.add(error.code, self.settings.place, None, error.field or None, found=found_there, expected=error.expected)
            self._refuse("", problems, found.data)
            self._fault()
            return
        if not await self.server.allowed(message.station, message.password):
            problems.add(
                "reference", self.settings.place, None, "MN", found=message.station, expected="a station and its password"
            )
            self._refuse(message.station, problems, found.data)
            if not self.stations:
                raise _Over("station or password are not known")
            self._fault()
            return
        self.stations.add(message.station)
        self.bytes = self.faults = 0
        self.heard_until = self.now() + self.settings.idle
        self._let_go(self.now() - self.settings.parts_wait)
        if message.command.startswith(DATA) and message.station not in self.asked_of:
            self.asked_of.add(message.station)
            self.to_ask.append(self._requests(message, self.server.missing(message.station)))
        await self._keep(message)
        await self._go_on(message)

    async def _keep(self, message: Message) -> None:
        """Puts what the message completes, and then answers it."""
        if message.parts > 1 and _digest(message) in self.server.taken:
            await self._answer((message,))
            return
        dropped = self.parts.dropped
        parts = (message,) if self.settings.each_part_alone else self.parts.add(message, self.now())
        if self.parts.dropped > dropped:
            self._refuse(message.station, self._missing_parts(f"{self.parts.dropped - dropped} parts too many"), message.data())
        if not parts:
            return
        problems, settings = Problems(), self.settings
        options = {"zone": settings.zone, "interval": settings.interval}
        batch = decode_message(parts, settings.place, self.server.clock(), problems, **options)  # type: ignore[arg-type]
        if batch is None:
            self._refuse(message.station, problems, b"".join(part.data() for part in parts))
            return
        if batch.rows.num_rows:
            try:
                await self.server.put(batch)
            except NotItsOwnError as error:
                expected = f"datastreams that {message.station} may send for"
                problems.add("sender", settings.place, None, None, found=str(error), expected=expected)
                self._refuse(message.station, problems, b"".join(part.data() for part in parts))
                return
            except Exception as error:  # whatever it is, nothing is kept, and the station must send it again
                raise _Over(f"not kept: {error or type(error).__name__}") from error
        if message.parts > 1:
            self.server.remember([_digest(part) for part in parts])
        await self._answer(parts)

    async def _answer(self, parts: Sequence[Message]) -> None:
        await self._send(b"".join(answer(part, command) for part in parts if (command := due(part))))

    async def _send(self, packets: bytes) -> None:
        if not packets:
            return
        self.writer.write(packets)
        try:
            async with asyncio.timeout(self.settings.write):
                await self.writer.drain()
        except TimeoutError:
            raise _Over("answers are not read") from None

    async def _go_on(self, message: Message) -> None:
        """Asks for what is missing: one request after another, each when the one before has ended."""
        mine = self.asked and (self.asked == message.request or f"QN={self.asked}".encode() in message.content)
        result = RESULT.search(message.content)
        ended = message.command == DONE or (message.command == ACCEPTED and result is not None and int(result[1]) != 1)
        if not self.asked or (mine and ended):
            await self._ask()

    async def _ask(self) -> None:
        self.asked, self.asked_until = "", math.inf
        while self.to_ask:
            request = next(self.to_ask[0], None)
            if request is not None:
                self.asked, self.asked_until = request.request, self.now() + self.settings.history
                await self._send(pack(request.data()))
                return
            self.to_ask.popleft()

    def _requests(self, message: Message, missing: Sequence[tuple[datetime, datetime]]) -> Iterator[Message]:
        """The requests for what is missing of the station that sent a message; at their end they are told as ended."""
        flag = (message.flag & ~0b11) | WANTS_ANSWER
        for begin, end in missing:
            for command in HISTORY:
                since = begin
                while since < end:
                    until = min(since + self.settings.asked, end)
                    told = (each.astimezone(self.settings.zone) for each in (since, until))
                    content = "BeginTime={:%Y%m%d%H%M%S},EndTime={:%Y%m%d%H%M%S}".format(*told).encode()
                    who = (message.system, command, message.station, content)
                    yield Message(*who, self.server.request_number(), message.password, flag)
                    since = until
        if missing:
            self.server.filled(message.station)

    def _skipped(self, found: Skipped) -> bool:
        """Says what was skipped; white space between packets is nothing."""
        if found.count <= len(found.head) and not found.head.strip():
            return False
        where, expected = WHY[found.why]
        problems = Problems()
        problems.add("syntax", self.settings.place, None, where or None, found=f"{found.count} bytes", expected=expected)
        self._refuse("", problems, found.head)
        return True

    def _fault(self) -> None:
        self.faults += 1
        if self.faults > self.settings.faults:
            raise _Over(f"{self.faults} faults without a message")

    def _let_go(self, before: float) -> None:
        for came in self.parts.let_go(before):
            found = f"{', '.join(str(part.number) for part in came)} of {came[0].parts}"
            self._refuse(came[0].station, self._missing_parts(found), b"".join(part.data() for part in came))

    def _missing_parts(self, found: str) -> Problems:
        problems, most = Problems(), self.settings
        expected = f"every part of a split message within {most.parts_wait:g} s, at most {most.part_bytes} bytes of them"
        problems.add("value-missing", most.place, None, "PNO", found=found, expected=expected)
        return problems

    def _refuse(self, station: str, problems: Problems, payload: bytes) -> None:
        self.server.refused(f"{station} at {self.peer}" if station else self.peer, problems, payload)


def _digest(message: Message) -> bytes:
    return hashlib.sha256(message.data()).digest()
