"""A server, stations, and a line between them that loses and changes what passes: what the tests of this folder share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from scicity.access.hj212.frames import Message, Packet, Splitter, pack, parse
from scicity.access.hj212.serve import Server, Settings, serve
from scicity.access.hj212.simulate import Link, Station
from scicity.kernel.problems import Problems
from scicity.kernel.reading import Batch

HOST = "127.0.0.1"
BEGUN = datetime(2024, 5, 31, 4, tzinfo=UTC)
NOW = BEGUN + timedelta(minutes=20)
PASSWORD = "123456"  # noqa: S105
LIMIT = 60.0  # [s] after which a test has failed; none comes near
Rows = set[tuple[str, datetime, float | None]]
Change = Callable[[bytes], tuple[bytes, bool]]  # what goes on of some bytes, and whether the connection does


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, LIMIT))


def value(factor: str, quantity: str, begin: datetime, period: timedelta) -> float | None:
    if (factor, quantity, begin.minute) == ("a34002", "Rtd", 5):
        return None
    return int(factor[1:]) + len(quantity) + begin.minute / 100 + period.total_seconds() / 1e6


def station(name: str = "S1", **told: Any) -> Station:
    return Station(name, PASSWORD, value, BEGUN, **{"wait": 50.0, "repeats": 1, **told})


def expected(until: datetime = NOW, names: tuple[str, ...] = ("S1",)) -> Rows:
    rows: Rows = set()
    for name in names:
        for factor in ("a34004", "a34002"):
            for minute in range(5, int((until - BEGUN).total_seconds()) // 60 + 1, 5):
                time = BEGUN + timedelta(minutes=minute)
                rows.add((f"{name}.{factor}", time, value(factor, "Rtd", time, timedelta())))
            for minutes, kind in ((10, "minute"), (60, "hour")):
                period = timedelta(minutes=minutes)
                for count in range((until - BEGUN) // period):
                    for each in ("Avg", "Min", "Max"):
                        time = BEGUN + count * period
                        rows.add((f"{name}.{factor}.{kind}.{each.lower()}", time, value(factor, each, time, period)))
    return rows


@dataclass
class Store:
    """What an inbox is: batches by name, each once; the names in the order in which they were put, and what was refused."""

    batches: dict[str, Batch] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    refused: list[tuple[str, list[str], bytes]] = field(default_factory=list)

    async def put(self, batch: Batch) -> None:
        await asyncio.sleep(0)
        self.names.append(batch.name)
        self.batches.setdefault(batch.name, batch)

    def refuse(self, who: str, problems: Problems, payload: bytes) -> None:
        self.refused.append((who, [problem.code for problem in problems], payload))

    def rows(self) -> Rows:
        """Every reading. Raises AssertionError where one of them stands in two batches."""
        rows = [row for batch in self.batches.values() for row in batch.rows.to_pylist()]
        found = {(row["datastream"], row["time"], row["value"]) for row in rows}
        assert len(found) == len(rows)  # noqa: S101
        return found

    def codes(self) -> list[str]:
        return [code for _, codes, _ in self.refused for code in codes]


async def anybody(station: str, password: str) -> bool:
    return True


@asynccontextmanager
async def serving(store: Store, put: Callable[[Batch], Awaitable[None]] | None = None, **options: Any) -> AsyncIterator[Server]:
    told = options.pop("settings", Settings())
    known = options.pop("allowed", lambda name, password: password == PASSWORD)

    async def allowed(name: str, password: str) -> bool:
        return bool(known(name, password))

    server = await serve(HOST, 0, put or store.put, allowed, refused=store.refuse, settings=told, clock=lambda: NOW, **options)
    try:
        yield server
    finally:
        await server.close()


@asynccontextmanager
async def between(server: Server, to_server: Change, to_station: Change) -> AsyncIterator[int]:
    """A line that changes what passes it; where it says so, the connection is lost."""

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, change: Change) -> None:
        while chunk := await reader.read(65536):
            changed, goes_on = change(chunk)
            writer.write(changed)
            await writer.drain()
            if not goes_on:
                return

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, here = await asyncio.open_connection(HOST, server.port)
        ways = [asyncio.create_task(pass_on(*way)) for way in ((reader, here, to_server), (there, writer, to_station))]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for task in ways:
            task.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        here.transport.abort()
        writer.transport.abort()

    line = await asyncio.start_server(connected, HOST, 0)
    try:
        yield line.sockets[0].getsockname()[1]
    finally:
        line.close()


def lost_after(count: int) -> Change:
    """Lets so many bytes pass, and loses the connection with the rest of them."""
    left = [count]

    def change(chunk: bytes) -> tuple[bytes, bool]:
        passed = chunk[: left[0]]
        left[0] -= len(passed)
        return passed, left[0] > 0

    return change


def all_passes(chunk: bytes) -> tuple[bytes, bool]:
    return chunk, True


async def deliver(made: Station, port: int) -> Link:
    link = await made.connect(HOST, port)
    await link.deliver()
    return link


async def exchange(port: int, sent: bytes, answers: int) -> list[Message]:
    """The answers to what is sent, as many as are waited for, or as come before the server ends the connection."""
    reader, writer = await asyncio.open_connection(HOST, port)
    found, splitter = list[Message](), Splitter()
    try:
        writer.write(sent)
        while len(found) < answers and (chunk := await reader.read(65536)):
            found += [parse(each.data) for each in splitter.feed(chunk) if isinstance(each, Packet)]
    except ConnectionError:
        pass
    finally:
        writer.transport.abort()
    return found


def upload(content: bytes = b"DataTime=20240531120000;a-Rtd=1", **told: Any) -> Message:
    given = {"request": "20240531120000001", "password": PASSWORD, "flag": 5, **told}
    return Message(given.pop("system", "22"), given.pop("command", "2011"), given.pop("station", "S1"), content, **given)


def parts_of(request: str = "20240531120000001", count: int = 2, size: int = 1) -> list[bytes]:
    told = [b"DataTime=20240531120000;" + b";".join(b"a%d-Rtd=%d" % (n, k) for k in range(size)) for n in range(1, count + 1)]
    return [pack(upload(said, request=request, flag=7, parts=count, number=n).data()) for n, said in enumerate(told, start=1)]


def keyed(batch: Batch) -> Rows:
    return {(row["datastream"], row["time"], row["value"]) for row in batch.rows.to_pylist()}
