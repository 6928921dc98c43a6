"""Collecting: devices that say nothing unless they are asked. A loop of each connection asks them at their interval, waits
longer while nobody answers, and fetches afterwards from a device's own memory what was missed, live readings first.

A protocol of this kind has a module `collect.py` with `connect` and `refused`, as declared here by Connect and Refused.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

from scicity.kernel.problems import Problems
from scicity.kernel.reading import ARRIVAL, Batch

FIRST_WAIT, LONGEST_WAIT = 1.0, 300.0  # [s] after the first failure, and at most; each failure doubles it
MEMORY = timedelta(days=62)  # so far back a device is asked for what it remembers
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Point:
    """What a datastream is at its device: `item` in the words of the protocol; `scale` times what the device says is the value
    in the unit of the register of datastreams."""

    datastream: str
    item: str
    scale: float = 1.0


@dataclass(frozen=True)
class Connection:
    """Devices behind one address: how they are spoken to, and how often they are asked."""

    name: str
    protocol: str
    address: str
    interval: timedelta
    points: tuple[Point, ...]


@dataclass
class Answer:
    """What devices said when they were asked: `rows` in the schema ARRIVAL, and what could not be had or read."""

    rows: pa.Table = field(default_factory=ARRIVAL.empty_table)
    problems: Problems = field(default_factory=Problems)


class Session(Protocol):
    """An open connection. What it raises is OSError, TimeoutError or EOFError: nobody answers any more. A device among several
    that does not answer, or answers nonsense, is a problem in the answer, and the others' readings are there."""

    async def read(self, now: datetime) -> Answer:
        """The current value of every point. Where the device tells no time of its own, the time is `now`."""

    async def remembered(self, since: Mapping[str, datetime], until: datetime) -> Answer:
        """What the devices' own memory holds behind `since` (by datastream) up to `until`; nothing where they keep none."""

    async def close(self) -> None:
        """Ends the connection; raises nothing."""


Connect = Callable[[str, Sequence[Point]], Awaitable[Session]]
"""Opens a session with an address and its points. Raises OSError or TimeoutError where nobody answers."""

Refused = Callable[[str], str]
"""What an item should look like where this one cannot be read; empty where it can."""


@dataclass
class Collector:
    """The loop of one connection. `put` keeps a batch on stable storage; `last` says when each datastream was last heard of."""

    connection: Connection
    connect: Connect
    put: Callable[[Batch], Awaitable[None]]
    last: dict[str, datetime] = field(default_factory=dict)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    failures: int = 0

    async def run(self) -> None:
        """Asks until it is cancelled."""
        session: Session | None = None
        try:
            while True:
                begun = self.clock()
                try:
                    if session is None:
                        session = await self.connect(self.connection.address, self.connection.points)
                    await self.ask(session)
                    self.failures = 0
                except (OSError, TimeoutError, EOFError) as error:
                    log.warning("%s at %s: %s", self.connection.name, self.connection.address, error or type(error).__name__)
                    if session is not None:
                        await session.close()
                    session, self.failures = None, self.failures + 1
                await self.sleep(self._pause(begun))
        finally:
            if session is not None:
                await session.close()

    async def ask(self, session: Session) -> None:
        """Asks once: for what is now, and then for what was missed since each datastream was last heard of."""
        now = self.clock()
        missed = {
            point.datastream: max(self.last[point.datastream], now - MEMORY)
            for point in self.connection.points
            if point.datastream in self.last and now - self.last[point.datastream] > 1.5 * self.connection.interval
        }
        await self._keep(await session.read(now), now, "live")
        if missed:
            await self._keep(await session.remembered(missed, now), now, "memory")

    async def _keep(self, answer: Answer, now: datetime, kind: str) -> None:
        for problem in answer.problems:
            log.warning("%s: %s", self.connection.name, problem.as_dict())
        if answer.rows.num_rows == 0:
            return
        place = self.connection.name
        await self.put(Batch(f"{place}#{kind}-{now:%Y%m%dT%H%M%S.%fZ}", answer.rows, now, place))
        heard = answer.rows.group_by("datastream", use_threads=False).aggregate([("time", "max")])
        times = pc.cast(heard.column("time_max"), ARRIVAL.field("time").type).to_pylist()
        for name, time in zip(heard.column("datastream").to_pylist(), times, strict=True):
            self.last[name] = max(time, self.last.get(name, time))

    def _pause(self, begun: datetime) -> float:
        if self.failures:
            return min(FIRST_WAIT * 2.0 ** (self.failures - 1), LONGEST_WAIT)
        interval = self.connection.interval.total_seconds()
        return max(0.0, interval - (self.clock() - begun).total_seconds() % interval)
