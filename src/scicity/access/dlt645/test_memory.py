"""What the client fetches from the memory of simulated meters: load records, frozen values, and all of it after an outage."""
# ruff: noqa: S101

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from scicity.access.collecting import Answer, Collector, Connection
from scicity.access.dlt645 import frames
from scicity.access.dlt645.collect import connect
from scicity.access.dlt645.frames import Said
from scicity.access.dlt645.simulate import Faults, Gateway, Meter, run
from scicity.access.dlt645.test_collect import (
    DEMAND,
    ENERGY,
    FIRST,
    NOW,
    REGISTERS,
    REVERSE,
    SECOND,
    TARIFF,
    VOLTAGE,
    Clock,
    asked,
    meter,
    points,
    register,
    rows,
    told,
    voltage,
)
from scicity.kernel.reading import Batch

QUARTER, DAY = timedelta(minutes=15), timedelta(days=1)
THIRD = "987654321098"


def remembered(device: Meter, since: datetime, *items: str, until: datetime = NOW) -> Answer:
    wanted = points(*items)
    return asked([device], wanted, lambda session: session.remembered({p.datastream: since for p in wanted}, until, until))[0]


def quarters(begin: datetime, end: datetime) -> list[datetime]:
    first = begin.replace(minute=begin.minute // 15 * 15, second=0) + QUARTER
    return [first + number * QUARTER for number in range((end - first) // QUARTER + 1)]


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("segment", [0, 50])
def test_load_records_fill_a_gap_at_their_interval(exact: bool, segment: int) -> None:
    since = NOW - 3 * DAY
    answer = remembered(
        meter(FIRST, exact=exact, faults=Faults(segment=segment)), since, f"{FIRST}/{ENERGY}", f"{FIRST}/{VOLTAGE}"
    )
    assert told(answer) == []
    expected = {(f"{FIRST}.{ENERGY}", time, register(FIRST, time)) for time in quarters(since, NOW)}
    expected |= {(f"{FIRST}.{VOLTAGE}", time, voltage(FIRST, time)) for time in quarters(since, NOW)}
    assert set(rows(answer)) == expected
    assert len(expected) == 2 * 3 * 96


def test_only_what_is_behind_since_up_to_until_comes() -> None:
    since, until = NOW.replace(hour=0, minute=0, second=0), NOW.replace(hour=2, minute=30, second=0)
    answer = remembered(meter(FIRST), since, f"{FIRST}/{ENERGY}", until=until)
    assert [row[1] for row in rows(answer)] == [since + number * QUARTER for number in range(1, 11)]


def test_each_datastream_has_a_gap_of_its_own() -> None:
    wanted, hour = points(f"{FIRST}/{ENERGY}", f"{FIRST}/{REVERSE}"), NOW.replace(minute=0, second=0)
    gaps = {wanted[0].datastream: hour - timedelta(hours=1), wanted[1].datastream: hour - QUARTER}
    (answer,) = asked([meter(FIRST)], wanted, lambda session: session.remembered(gaps, NOW, NOW))
    found = {name: [time for each, time, _ in rows(answer) if each == name] for name in gaps}
    assert found == {name: quarters(gap, NOW) for name, gap in gaps.items()}


def test_more_than_a_meter_keeps_is_what_it_keeps() -> None:
    device = meter(FIRST, kept=timedelta(days=1))
    answer = remembered(device, NOW - 3 * DAY, f"{FIRST}/{ENERGY}")
    assert [row[1] for row in rows(answer)] == device.recorded()
    device = meter(FIRST, kept=timedelta(days=1), exact=True)
    answer = remembered(device, NOW - 3 * DAY, f"{FIRST}/{ENERGY}")
    assert [row[1] for row in rows(answer)] == device.recorded()


@pytest.mark.parametrize("exact", [False, True])
def test_a_hole_in_a_meter_s_memory_hides_nothing_behind_it(exact: bool) -> None:
    off = (NOW - timedelta(hours=60), NOW - timedelta(hours=33))
    requests = list[bytes]()
    device, wanted = meter(FIRST, exact=exact, off=off), points(f"{FIRST}/{ENERGY}")
    gap = {wanted[0].datastream: NOW - 3 * DAY}
    (answer,) = asked([device], wanted, lambda session: session.remembered(gap, NOW, NOW), requests=requests)
    assert [row[1] for row in rows(answer)] == [time for time in quarters(NOW - 3 * DAY, NOW) if not off[0] <= time < off[1]]
    assert len(requests) < 60


def test_a_meter_that_says_the_same_block_for_ever_is_let_go() -> None:
    device, requests = meter(FIRST), list[bytes]()
    hear, same = device.hear, device.record(device.recorded()[-1], [ENERGY]).pack()
    old = device.record(device.recorded()[0], [ENERGY]).pack()

    def always(raw: bytes) -> bytes | None:
        identifier = frames.parse(raw).data[3::-1].hex().upper()
        given = {"06040001": old, "06040002": same}.get(identifier)
        return hear(raw) if given is None else Said(identifier, given).pack(FIRST)

    device.hear = always  # type: ignore[method-assign]
    wanted = points(f"{FIRST}/{ENERGY}")
    gap = {wanted[0].datastream: NOW - 60 * DAY}
    (answer,) = asked([device], wanted, lambda session: session.remembered(gap, NOW, NOW), requests=requests)
    assert (rows(answer), told(answer)) == ([], [])
    assert len(requests) < 40


def test_an_interval_of_its_own() -> None:
    device = meter(FIRST, interval=timedelta(hours=1))
    answer = remembered(device, NOW - DAY, f"{FIRST}/{ENERGY}")
    assert [row[1] for row in rows(answer)] == [NOW.replace(minute=0, second=0) - timedelta(hours=h) for h in range(23, -1, -1)]


def test_daily_frozen_values_where_there_are_no_load_records() -> None:
    midnights = [datetime(2026, 7, day, 16, tzinfo=UTC) for day in (17, 18, 19)]
    for refuses, items in ((("06",), (ENERGY, TARIFF)), ((), (TARIFF,))):
        device = meter(FIRST, refuses=refuses)
        answer = remembered(device, NOW - 3 * DAY, *(f"{FIRST}/{item}" for item in (*items, DEMAND)))
        assert told(answer) == []
        assert set(rows(answer)) == {
            (f"{FIRST}.{item}", time, REGISTERS[item](FIRST, time)) for item in items for time in midnights
        }


def test_frozen_values_come_behind_since_up_to_until() -> None:
    midnights = [datetime(2026, 7, day, 16, tzinfo=UTC) for day in (16, 17, 18)]
    until = midnights[-1] + timedelta(hours=3)
    answer = remembered(meter(FIRST, refuses=("06",)), midnights[0], f"{FIRST}/{ENERGY}", until=until)
    assert [row[1] for row in rows(answer)] == midnights[:0:-1]


def test_a_day_that_ends_while_frozen_values_are_read() -> None:
    clock = Clock()
    clock.now = datetime(2026, 7, 20, 15, 59, 59, tzinfo=UTC)
    device = meter(FIRST, clock, refuses=("06",))
    hear, count = device.hear, 0

    def later(raw: bytes) -> bytes | None:
        nonlocal count
        count += 1
        clock.now += timedelta(seconds=count == 5)
        return hear(raw)

    device.hear = later  # type: ignore[method-assign]
    answer = remembered(device, NOW - 3 * DAY, f"{FIRST}/{ENERGY}", until=clock.now)
    assert (rows(answer), told(answer)) == ([], [("time", f"{FIRST}/05060001")])


def test_a_meter_without_memory_and_one_that_falls_silent() -> None:
    answer = remembered(meter(FIRST, refuses=("05", "06")), NOW - DAY, f"{FIRST}/{ENERGY}")
    assert (rows(answer), told(answer)) == ([], [])
    answer = remembered(meter(FIRST, faults=Faults(silent=True)), NOW - DAY, f"{FIRST}/{ENERGY}")
    assert (rows(answer), told(answer)) == ([], [("value-missing", FIRST)])


def test_after_an_outage_of_three_days_every_quarter_of_an_hour_is_there() -> None:
    clock, put = Clock(), list[Batch]()
    meters = [meter(FIRST, clock), meter(SECOND, clock, faults=Faults(segment=16)), meter(THIRD, clock, refuses=("06",))]
    gateway = Gateway(meters)
    wanted = tuple(points(*(f"{each.address}/{ENERGY}" for each in meters)))
    outage = (NOW + timedelta(hours=2), NOW + timedelta(hours=2) + 3 * DAY)
    end = outage[1] + timedelta(hours=2)

    async def keep(batch: Batch, _heard: object) -> None:
        put.append(batch)

    async def program() -> None:
        serving = True
        port = await gateway.__aenter__()

        async def sleep(seconds: float) -> None:
            nonlocal serving
            clock.now += timedelta(seconds=seconds)
            if clock.now >= end:
                raise asyncio.CancelledError
            if serving and outage[0] <= clock.now < outage[1]:
                await gateway.__aexit__()
                serving = False
            if not serving and clock.now >= outage[1]:
                await gateway.__aenter__()
                serving = True

        connection = Connection("meters", "dlt645", f"127.0.0.1:{port}", QUARTER, wanted)
        with pytest.raises(asyncio.CancelledError):
            await Collector(connection, connect, keep, clock=clock, sleep=sleep).run()
        await gateway.__aexit__()

    run(program())
    found = {(row["datastream"], row["time"]): row["value"] for batch in put for row in batch.rows.to_pylist()}
    for each in meters[:2]:
        name = f"{each.address}.{ENERGY}"
        for time in quarters(outage[0], outage[1]):
            assert found[name, time] == register(each.address, time)
    midnights = [datetime(2026, 7, day, 16, tzinfo=UTC) for day in (20, 21, 22)]
    assert [time for name, time in found if name == f"{THIRD}.{ENERGY}" and time in midnights] == midnights
    assert all(value == register(name[:12], time) for (name, time), value in found.items())
    assert len({batch.name for batch in put}) == len(put)
