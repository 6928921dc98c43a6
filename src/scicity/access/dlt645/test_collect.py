"""The client against simulated meters on loopback: segments, several meters, faults, and what is fetched from their memory."""
# ruff: noqa: S101

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from scicity.access.collecting import Answer, Collector, Connection, Point
from scicity.access.dlt645 import frames
from scicity.access.dlt645.collect import Meters, connect, refused
from scicity.access.dlt645.frames import Said
from scicity.access.dlt645.simulate import Faults, Gateway, Meter, run
from scicity.kernel.reading import Batch

NOW = datetime(2026, 7, 20, 4, 7, 12, tzinfo=UTC)
QUARTER, DAY = timedelta(minutes=15), timedelta(days=1)
FIRST, SECOND, THIRD = "123456781012", "000000000161", "987654321098"
ENERGY, REVERSE, TARIFF, VOLTAGE, DEMAND = "00010000", "00020000", "00010200", "02010100", "01010000"


def register(meter: str, time: datetime) -> float:
    """A register in kWh that never stands still, to the hundredth that a meter shows."""
    hours = (time - datetime(2026, 1, 1, tzinfo=UTC)) / timedelta(hours=1)
    return round(int(meter[-3:]) + 3.17 * hours + 5 * math.sin(hours / 4), 2)


def voltage(_: str, time: datetime) -> float:
    return 220 + time.minute / 10


def tariff(meter: str, time: datetime) -> float:
    return round(register(meter, time) / 3, 2)


REGISTERS = {
    ENERGY: register,
    REVERSE: lambda *_: 0.07,
    TARIFF: tariff,
    VOLTAGE: voltage,
    DEMAND: lambda *_: 12.3456,
}


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def meter(address: str, clock: Callable[[], datetime] = Clock(), **more: object) -> Meter:  # noqa: B008  (it stands still)
    return Meter(address, REGISTERS, clock, **more)  # type: ignore[arg-type]


def points(*items: str) -> list[Point]:
    return [Point(item.replace("/", "."), item) for item in items]


def rows(answer: Answer) -> list[tuple[str, datetime, float | None]]:
    return [(row["datastream"], row["time"], row["value"]) for row in answer.rows.to_pylist()]


def told(answer: Answer) -> list[tuple[str, str | None]]:
    return [(problem.code, problem.field) for problem in answer.problems]


def asked(
    meters: list[Meter], items: list[Point], *calls: Callable[[Meters], Awaitable[Answer]], requests: list[bytes] | None = None
) -> list[Answer]:
    async def program() -> list[Answer]:
        gateway = Gateway(meters)
        async with gateway as port:
            session = await connect(f"127.0.0.1:{port}", items)
            try:
                return [await call(session) for call in calls]
            finally:
                await session.close()
                if requests is not None:
                    requests.extend(gateway.requests)

    return run(program())


def read(meters: list[Meter], *items: str) -> Answer:
    return asked(meters, points(*items), lambda session: session.read(NOW))[0]


def remembered(device: Meter, since: datetime, *items: str, until: datetime = NOW) -> Answer:
    wanted = points(*items)
    return asked([device], wanted, lambda session: session.remembered({p.datastream: since for p in wanted}, until))[0]


@pytest.mark.parametrize("segment", [0, 1, 3, 7])
def test_current_values_of_several_meters_in_any_segments(segment: int) -> None:
    meters = [meter(FIRST, faults=Faults(segment=segment)), meter(SECOND, faults=Faults(before=b"\xfe" * 4, segment=segment))]
    answer = read(meters, f"{FIRST}/{ENERGY}", f"{SECOND}/{ENERGY}", f"{FIRST}/{VOLTAGE}", f"{FIRST}/{DEMAND}")
    assert told(answer) == []
    assert set(rows(answer)) == {
        (f"{FIRST}.{ENERGY}", NOW, register(FIRST, NOW)),
        (f"{SECOND}.{ENERGY}", NOW, register(SECOND, NOW)),
        (f"{FIRST}.{VOLTAGE}", NOW, 220.7),
        (f"{FIRST}.{DEMAND}", NOW.replace(second=0), 12.3456),  # at the time that the meter tells
    }


def test_a_scale_and_an_address_of_any_digits() -> None:
    wanted = [Point("here", f"AAAAAAAAAAAA/{ENERGY}", 1000.0)]
    (answer,) = asked([meter(FIRST)], wanted, lambda session: session.read(NOW))
    assert rows(answer) == [("here", NOW, register(FIRST, NOW) * 1000)]


@pytest.mark.parametrize(
    ("faults", "code"),
    [
        (Faults(silent=True), "value-missing"),
        (Faults(instead=b"\x00\x68\xff" * 30), "syntax"),
        (Faults(instead=b"\x68" * 300), "syntax"),
        (Faults(cut=11), "syntax"),
        (Faults(instead=Said(ENERGY, b"\0" * 4).pack("111111111111")), "syntax"),  # of another meter
        (Faults(instead=Said(REVERSE, b"\0" * 4).pack(FIRST)), "syntax"),  # to another question
        (Faults(instead=frames.request(FIRST, ENERGY)), "syntax"),  # an echo
    ],
    ids=["silent", "garbage", "beginnings", "cut", "another meter", "another question", "echo"],
)
def test_one_meter_that_fails_is_a_problem_and_the_others_go_on(faults: Faults, code: str) -> None:
    meters = [meter(FIRST, faults=faults), meter(SECOND)]
    items = (f"{FIRST}/{ENERGY}", f"{FIRST}/{REVERSE}", f"{SECOND}/{ENERGY}")
    answer = read(meters, *items)
    assert rows(answer) == [(f"{SECOND}.{ENERGY}", NOW, register(SECOND, NOW))]
    assert told(answer) == [(code, FIRST)]


@pytest.mark.parametrize(
    "before",
    [
        b"\x00\xff\x13",
        b"\x68" * 9,
        frames.request(FIRST, ENERGY),  # the echo of a line
        Said(ENERGY, bytes.fromhex("11111111")).pack("000000000999"),  # a late answer of another meter
        Said(REVERSE, bytes.fromhex("11111111")).pack(FIRST),  # a late answer of the same
        Said(ENERGY, bytes.fromhex("11111111")).pack(FIRST)[:-1],
        bytes.fromhex("68 12 10 78 56 34 12 68 91 FF"),  # a frame of 255 bytes that never comes
    ],
    ids=["rubbish", "beginnings", "echo", "another meter", "another question", "cut", "a longer frame"],
)
def test_what_comes_before_an_answer_does_not_hide_it(before: bytes) -> None:
    answer = read([meter(FIRST, faults=Faults(before=before))], f"{FIRST}/{ENERGY}")
    assert rows(answer) == [(f"{FIRST}.{ENERGY}", NOW, register(FIRST, NOW))]
    assert told(answer) == []


def test_an_answer_that_comes_late_is_not_taken_for_that_to_the_next_question() -> None:
    device, late = meter(FIRST), Said(REVERSE, bytes.fromhex("11111111")).pack(FIRST)
    hear, device.faults = device.hear, Faults(segment=20)  # as long as an answer of energy

    def twice(raw: bytes) -> bytes | None:
        answer = hear(raw)
        return answer + late if answer is not None and frames.parse(raw).data == bytes.fromhex("00000100") else answer

    device.hear = twice  # type: ignore[method-assign]
    assert [row[2] for row in rows(read([device], f"{FIRST}/{ENERGY}", f"{FIRST}/{REVERSE}"))] == [register(FIRST, NOW), 0.07]


def test_what_a_meter_refuses_is_a_problem_of_this_identifier() -> None:
    answer = read([meter(FIRST, refuses=(VOLTAGE,))], f"{FIRST}/{VOLTAGE}", f"{FIRST}/{ENERGY}")
    assert [row[0] for row in rows(answer)] == [f"{FIRST}.{ENERGY}"]
    assert told(answer) == [("value-missing", f"{FIRST}/{VOLTAGE}")]
    assert "no such data" in str(next(iter(answer.problems)))


def test_a_meter_that_was_silent_is_asked_once_until_it_answers() -> None:
    device, requests = meter(FIRST, faults=Faults(silent=True)), list[bytes]()

    async def mend(session: Meters) -> Answer:
        device.faults = Faults()
        return await session.read(NOW)

    answers = asked(
        [device, meter(SECOND)],
        points(f"{FIRST}/{ENERGY}", f"{FIRST}/{REVERSE}", f"{SECOND}/{ENERGY}"),
        *[lambda session: session.read(NOW)] * 2,
        lambda session: session.remembered({f"{FIRST}.{ENERGY}": NOW - DAY}, NOW),
        mend,
        requests=requests,
    )
    assert [len(rows(answer)) for answer in answers] == [1, 1, 0, 3]
    assert [frames.parse(raw).address for raw in requests].count(FIRST) == 2 + 1 + 0 + 2


def test_nobody_there_and_nobody_answering() -> None:
    with pytest.raises(TimeoutError, match="none of 2 meters"):
        read([meter(each, faults=Faults(silent=True)) for each in (FIRST, SECOND)], f"{FIRST}/{ENERGY}", f"{SECOND}/{ENERGY}")

    async def gone() -> None:
        gateway = Gateway([meter(FIRST)])
        async with gateway as port:
            session = await connect(f"127.0.0.1:{port}", points(f"{FIRST}/{ENERGY}"))
        with pytest.raises((OSError, EOFError)):
            await session.read(NOW)
        await session.close()
        with pytest.raises(OSError):
            await connect(f"127.0.0.1:{port}", [])
        for address in ("nowhere", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:99999"):
            with pytest.raises(OSError, match="HOST:PORT"):
                await connect(address, [])

    run(gone())


@pytest.mark.parametrize(
    ("item", "good"),
    [
        (f"{FIRST}/{ENERGY}", True),
        (f"AAAAAAAAAAAA/{VOLTAGE}", True),
        (f"{FIRST}/00010400", True),
        (f"{FIRST}/05060101", False),
        (f"{FIRST}/0001FF00", False),
        (f"{FIRST}/04000101", False),
        (f"{FIRST[:-1]}/{ENERGY}", False),
        (FIRST, False),
        ("", False),
        ("１２３４５６７８１０１２/00010000", False),
    ],
)
def test_items(item: str, good: bool) -> None:
    assert (refused(item) == "") == good


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
    (answer,) = asked([device], wanted, lambda session: session.remembered(gap, NOW), requests=requests)
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
    (answer,) = asked([device], wanted, lambda session: session.remembered(gap, NOW), requests=requests)
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


def test_a_meter_whose_answer_never_ends() -> None:
    device = meter(FIRST)
    device.hear = (
        lambda raw: (  # type: ignore[method-assign]
            Said(
                frames.parse(raw).data[3::-1].hex().upper(),
                b"\xa0" * 190,
                True,
                frames.parse(raw).data[4] if frames.parse(raw).control == frames.FOLLOWING else 0,
            ).pack(FIRST)
        )
    )
    answer = asked([device], points(f"{FIRST}/{ENERGY}"), lambda session: session.read(NOW))[0]
    assert told(answer) == [("too-large", f"{FIRST}/{ENERGY}")]


def test_after_an_outage_of_three_days_every_quarter_of_an_hour_is_there() -> None:
    clock, put = Clock(), list[Batch]()
    meters = [meter(FIRST, clock), meter(SECOND, clock, faults=Faults(segment=16)), meter(THIRD, clock, refuses=("06",))]
    gateway = Gateway(meters)
    wanted = tuple(points(*(f"{each.address}/{ENERGY}" for each in meters)))
    outage = (NOW + timedelta(hours=2), NOW + timedelta(hours=2) + 3 * DAY)
    end = outage[1] + timedelta(hours=2)

    async def keep(batch: Batch) -> None:
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
    assert [time for name, time in found if name == f"{THIRD}.{ENERGY}" and time in midnights] == midnights[::-1]
    assert all(value == register(name[:12], time) for (name, time), value in found.items())
    assert len({batch.name for batch in put}) == len(put)
