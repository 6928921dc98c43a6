"""Collecting: devices that say nothing unless they are asked. A loop of each connection asks them at their interval, waits
longer while nobody answers, and fetches afterwards from a device's own memory what was missed, live readings first.

A protocol of this kind has a module `collect.py` with `connect` and `refused`, as declared here by Connect and Refused.
"""

from __future__ import annotations

import asyncio
import hashlib
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
MOST_AT_ONCE = 50  # datastreams whose missed readings are fetched before live ones are looked at again
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
    """What devices said when they were asked: `rows` in the schema ARRIVAL, what could not be had or read, and `silent`: the
    datastreams whose device gave no answer, so that it has to be asked again."""

    rows: pa.Table = field(default_factory=ARRIVAL.empty_table)
    problems: Problems = field(default_factory=Problems)
    silent: set[str] = field(default_factory=set)


class Session(Protocol):
    """An open connection. What it raises is OSError, TimeoutError or EOFError: nobody answers any more. A device among several
    that does not answer, or answers nonsense, is a problem in the answer, and the others' readings are there."""

    async def read(self, now: datetime) -> Answer:
        """The current value of every point. Where the device tells no time of its own, the time is `now`."""

    async def remembered(self, since: Mapping[str, datetime], until: datetime, now: datetime) -> Answer:
        """What the devices' own memory holds behind `since` (by datastream) up to `until`; nothing where they keep none."""

    async def close(self) -> None:
        """Ends the connection; raises nothing."""


Connect = Callable[[str, Sequence[Point]], Awaitable[Session]]
"""Opens a session with an address and its points. Raises OSError or TimeoutError where nobody answers."""

Refused = Callable[[str], str]
"""What an item should look like where this one cannot be read; empty where it can."""


Keep = Callable[[Batch, Mapping[str, datetime]], Awaitable[None]]
"""Returns when a batch is on stable storage, and with it up to when datastreams have been heard of without a gap."""


@dataclass
class Collector:
    """The loop of one connection. `last` says up to when each datastream has been heard of without a gap."""

    connection: Connection
    connect: Connect
    keep: Keep
    last: dict[str, datetime] = field(default_factory=dict)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    failures: int = 0
    answering: set[str] = field(default_factory=set)  # datastreams that were heard of when they were asked last

    async def run(self) -> None:
        """Asks until it is cancelled: for what is now at every interval, and between two of them for what was missed."""
        session, due = None, self.clock()
        try:
            while True:
                try:
                    if session is None:
                        session = await self.connect(self.connection.address, self.connection.points)
                    if self.clock() >= due:
                        await self._live(session, self.clock())
                        due = self._next(due)
                    elif not await self._missed(session):
                        await self.sleep((due - self.clock()).total_seconds())
                    if self.failures:
                        log.warning("%s answers again", self.connection.name)
                    self.failures = 0
                except (OSError, TimeoutError, EOFError) as error:
                    if not self.failures:
                        why = str(error) or type(error).__name__
                        log.warning("%s at %s: %s", self.connection.name, self.connection.address, why)
                    if session is not None:
                        await session.close()
                    session, self.failures = None, self.failures + 1
                    await self.sleep(min(FIRST_WAIT * 2.0 ** min(self.failures - 1, 16), LONGEST_WAIT))
        finally:
            if session is not None:
                await session.close()

    async def _live(self, session: Session, now: datetime) -> None:
        answer = await session.read(now)
        heard = _newest(answer.rows)
        self.answering = set(heard)
        whole = {name: time for name, time in heard.items() if not self._gap(name, time)}
        await self._put(answer, now, "live", whole)

    async def _missed(self, session: Session) -> bool:
        """Fetches a day of what the longest unheard datastreams missed; whether there was anything to fetch."""
        now = self.clock()
        gaps = {name: self.last[name] for name in self.answering if self._gap(name, now)}
        if not gaps:
            return False
        since = {name: max(gaps[name], now - MEMORY) for name in sorted(gaps, key=gaps.__getitem__)[:MOST_AT_ONCE]}
        until = min(now, min(since.values()) + timedelta(days=1))
        some = {name: time for name, time in since.items() if time < until}
        answer = await session.remembered(some, until, now)
        self.answering -= answer.silent
        await self._put(answer, now, "memory", dict.fromkeys(some.keys() - answer.silent, until))
        return True

    def _gap(self, name: str, until: datetime) -> bool:
        return name in self.last and until - self.last[name] > 1.5 * self.connection.interval

    async def _put(self, answer: Answer, now: datetime, kind: str, heard: Mapping[str, datetime]) -> None:
        for problem in answer.problems:
            log.warning("%s: %s", self.connection.name, problem)
        place = self.connection.name
        content = hashlib.sha256(repr(answer.rows.to_pydict()).encode()).hexdigest()[:16]
        name = f"{place}#{kind}-{now:%Y%m%dT%H%M%S.%fZ}-{content}"
        await self.keep(Batch(name, answer.rows, now, place), heard)
        self.last |= heard

    def _next(self, due: datetime) -> datetime:
        """The next instant of the interval that is still to come."""
        passed = (self.clock() - due) // self.connection.interval
        return due + (passed + 1) * self.connection.interval


def _newest(rows: pa.Table) -> dict[str, datetime]:
    heard = rows.group_by("datastream", use_threads=False).aggregate([("time", "max")])
    times = pc.cast(heard.column("time_max"), ARRIVAL.field("time").type).to_pylist()
    return dict(zip(heard.column("datastream").to_pylist(), times, strict=True))
