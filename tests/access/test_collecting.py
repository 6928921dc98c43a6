"""Devices that are asked: at their interval, again when they were away, and for what was missed, live readings first."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scicity.access.collecting import Answer, Collector, Connection, Point
from scicity.kernel.reading import ARRIVAL, Batch

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NAMES = ("a", "b")


class Ended(Exception):  # noqa: N818
    """The test is over."""


def rows(*readings: tuple[str, datetime]) -> pa.Table:
    told = [{"datastream": n, "time": t, "value": (t - BEGIN) / MINUTE, "revision": None} for n, t in readings]
    return pa.Table.from_pylist(told, schema=ARRIVAL)


class World:
    """A clock, and a device that remembers every minute and is away at times."""

    def __init__(self, away: list[tuple[int, int]], minutes: int, remembers: bool = True) -> None:
        self.now, self.ends, self.remembers = BEGIN, BEGIN + minutes * MINUTE, remembers
        self.away = [(BEGIN + a * MINUTE, BEGIN + b * MINUTE) for a, b in away]
        self.kept: list[Batch] = []
        self.heard: dict[str, datetime] = {}
        self.waits: list[float] = []
        self.fails_to_keep = 0

    def there(self) -> None:
        if any(a <= self.now < b for a, b in self.away):
            raise ConnectionResetError("away")

    async def connect(self, _address: str, _points: object) -> World:
        self.there()
        return self

    async def read(self, now: datetime) -> Answer:
        self.there()
        return Answer(rows(*((name, now) for name in NAMES)))

    async def remembered(self, since: Mapping[str, datetime], until: datetime, _now: datetime) -> Answer:
        self.there()
        if not self.remembers:
            return Answer()
        whole = range(int((until - BEGIN) / MINUTE) + 1)
        return Answer(rows(*((n, BEGIN + m * MINUTE) for n in since for m in whole if since[n] < BEGIN + m * MINUTE <= until)))

    async def close(self) -> None:
        pass

    async def keep(self, batch: Batch, heard: Mapping[str, datetime]) -> None:
        self.kept.append(batch)
        self.heard |= heard

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += timedelta(seconds=seconds)
        if self.now >= self.ends:
            raise Ended

    def collect(self) -> None:
        points = tuple(Point(name, name) for name in NAMES)
        connection = Connection("gateway", "toy", "toy", MINUTE, points)
        told = {"last": dict(self.heard), "clock": lambda: self.now, "sleep": self.sleep}
        with pytest.raises(Ended):
            asyncio.run(Collector(connection, self.connect, self.keep, **told).run())

    def minutes(self, name: str) -> set[float]:
        return {row["value"] for batch in self.kept for row in batch.rows.to_pylist() if row["datastream"] == name}


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 300), st.integers(1, 200)), max_size=3))
def test_after_an_outage_every_minute_is_there(outages: list[tuple[int, int]]) -> None:
    world = World([(begin, begin + length) for begin, length in outages], 700)
    world.collect()
    for name in NAMES:
        assert {float(minute) for minute in range(int(max(world.minutes(name))))} <= world.minutes(name)
    assert len({batch.name for batch in world.kept}) == len(world.kept)


def test_live_readings_come_before_those_of_the_outage() -> None:
    world = World([(10, 4330)], 4400)
    world.collect()
    order = [("live" in batch.name, batch.rows.num_rows) for batch in world.kept if batch.arrived > BEGIN + 4330 * MINUTE]
    assert order[0] == (True, 2)
    assert [many for live, many in order if not live][:4] == [2 * 1440, 2 * 1440, 2 * 1440, pytest.approx(60, abs=60)]


def test_a_process_that_ends_before_it_fetched_what_was_missed_does_it_later() -> None:
    world = World([(10, 500)], 505, remembers=True)
    world.collect()
    world.heard = dict.fromkeys(NAMES, BEGIN + 9 * MINUTE)  # it ended behind the first live reading
    world.kept.clear()
    world.ends = world.now + 10 * MINUTE
    world.collect()
    assert {float(minute) for minute in range(10, 505)} <= world.minutes("a")


def test_a_device_without_memory_is_asked_for_it_once() -> None:
    world = World([(10, 500)], 600, remembers=False)
    world.collect()
    assert sum("memory" in batch.name for batch in world.kept) == 1
    assert max(world.minutes("a")) >= 598


def test_who_does_not_answer_is_asked_ever_more_rarely() -> None:
    world = World([(0, 10_000)], 9_000)
    world.collect()
    assert world.waits[:5] == [1, 2, 4, 8, 16] and world.waits[-1] == 300
