"""The client against simulated meters on loopback: kinds, units, faults, orders of bytes, clocks, and settlement days."""
# ruff: noqa: S101

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from scicity.access.cjt188 import frames
from scicity.access.cjt188.collect import Meters, connect, refused
from scicity.access.cjt188.frames import DAY, Frame
from scicity.access.cjt188.simulate import Meter
from scicity.access.collecting import Answer, Collector, Connection, Point
from scicity.access.dlt645.simulate import Faults, Gateway, run
from scicity.kernel.reading import Batch

NOW = datetime(2026, 7, 20, 4, 7, 12, tzinfo=UTC)
WATER, HEAT, GAS = "78330011223344", "11110000000001", "00000000000042"


def total(_: str, time: datetime) -> float:
    """A total that never stands still, to the hundredth that a meter shows."""
    return round((time - datetime(2024, 1, 1, tzinfo=UTC)) / timedelta(hours=7), 2)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def water(clock: Callable[[], datetime] = Clock(), **more: object) -> Meter:  # noqa: B008  (it stands still)
    return Meter(WATER, 0x10, {"volume": total}, clock, **more)  # type: ignore[arg-type]


def heat(**more: object) -> Meter:
    said = {"heat": 3600.0, "power": 12.5, "flow": 0.1234, "volume": 77.0, "supply": 65.25, "return": 41.5, "hours": 125634.0}
    registers = {quantity: (lambda *_, number=number: number) for quantity, number in said.items()}
    return Meter(HEAT, 0x20, registers, lambda: NOW, **more)  # type: ignore[arg-type]


def points(*items: str) -> list[Point]:
    return [Point(item.replace("/", "."), item) for item in items]


def rows(answer: Answer) -> dict[str, float | None]:
    assert {row["time"] for row in answer.rows.to_pylist()} <= {NOW}
    return {row["datastream"]: row["value"] for row in answer.rows.to_pylist()}


def history(answer: Answer) -> list[tuple[datetime, float | None]]:
    return [(row["time"], row["value"]) for row in answer.rows.to_pylist()]


def told(answer: Answer) -> list[tuple[str, str | None]]:
    return [(problem.code, problem.field) for problem in answer.problems]


def asked(
    meters: list[Meter], items: list[Point], *calls: Callable[[Meters], Awaitable[Answer]], requests: list[bytes] | None = None
) -> list[Answer]:
    async def program() -> list[Answer]:
        gateway = Gateway(meters, frames.measure)
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


def remembered(meter: Meter, since: datetime, *items: str, until: datetime = NOW) -> Answer:
    wanted = points(*items)
    return asked([meter], wanted, lambda session: session.remembered({p.datastream: since for p in wanted}, until, until))[0]


@pytest.mark.parametrize("segment", [0, 1, 5])
@pytest.mark.parametrize("low_first", [True, False])
def test_meters_of_all_kinds_in_any_segments_and_either_order(segment: int, low_first: bool) -> None:
    faults = Faults(segment=segment, before=b"\xfe\xfe")
    gas = Meter(GAS, 0x30, {"volume": lambda *_: 1.25}, lambda: NOW, codes={"volume": 0x29})
    meters = [water(faults=faults, low_first=low_first), heat(codes={"heat": 0x0E, "power": 0x14}, faults=faults), gas]
    quantities = ("heat", "power", "flow", "volume", "supply", "return", "hours", "settled", "status")
    items = [f"{HEAT}/20/{quantity}" for quantity in quantities]
    answer = read(meters, f"{WATER}/10/volume", *items, f"{GAS}/30/volume", f"{GAS}/30/clock")
    assert told(answer) == []
    values = (3600.0, 12.5, 0.1234, 77.0, 65.25, 41.5, 125634.0, 3600.0, 0.0)
    assert rows(answer) == {
        f"{WATER}.10.volume": total(WATER, NOW),
        **{f"{HEAT}.20.{quantity}": value for quantity, value in zip(quantities, values, strict=True)},
        f"{GAS}.30.volume": 1.25,
        f"{GAS}.30.clock": 0.0,
    }


def test_a_meter_is_asked_once_for_all_its_quantities_and_in_the_order_that_it_took() -> None:
    requests = list[bytes]()
    wanted = points(f"{WATER}/10/volume", f"{WATER}/10/status")
    asked([water(low_first=False)], wanted, *[lambda session: session.read(NOW)] * 3, requests=requests)
    assert [frames.parse(raw).data[:2].hex() for raw in requests] == ["1f90", "901f", "901f", "901f"]


@pytest.mark.parametrize(
    ("faults", "code"),
    [
        (Faults(silent=True), "value-missing"),
        (Faults(instead=b"\x00\x68\x10" * 30), "syntax"),
        (Faults(cut=20), "syntax"),
        (Faults(instead=Frame(0x10, GAS, 0x81, bytes.fromhex("1F9000") + bytes(19)).pack()), "syntax"),  # of another meter
        (Faults(instead=Frame(0x10, WATER, 0x81, bytes.fromhex("20D100") + bytes(5)).pack()), "syntax"),  # to another question
    ],
    ids=["silent", "garbage", "cut", "another meter", "another question"],
)
def test_one_meter_that_fails_is_a_problem_and_the_others_go_on(faults: Faults, code: str) -> None:
    answer = read([water(faults=faults), heat()], f"{WATER}/10/volume", f"{HEAT}/20/heat")
    assert rows(answer) == {f"{HEAT}.20.heat": 3600.0}
    assert told(answer) == [(code, f"{WATER}/10")]


@pytest.mark.parametrize(
    "before",
    [
        b"\x00\xff\x16",
        b"\x68" * 9 + b"\x10" * 9,
        frames.request(0x10, WATER, "901F", 1),
        Frame(0x10, GAS, 0x81, bytes.fromhex("1F9000") + bytes(19)).pack(),
        bytes.fromhex("68 10 44 33 22 11 00 33 78 81 FF"),
    ],
    ids=["rubbish", "beginnings", "echo", "another meter", "a longer frame"],
)
def test_what_comes_before_an_answer_does_not_hide_it(before: bytes) -> None:
    answer = read([water(faults=Faults(before=before))], f"{WATER}/10/volume")
    assert (rows(answer), told(answer)) == ({f"{WATER}.10.volume": total(WATER, NOW)}, [])


def test_what_a_meter_refuses_and_a_unit_that_does_not_fit() -> None:
    answer = read([water(refuses=("901F",)), heat()], f"{WATER}/10/volume", f"{HEAT}/20/heat")
    assert told(answer) == [("value-missing", f"{WATER}/10/901F")]
    wrong = bytes.fromhex("1F9000 00000000 05 00000000 2C") + bytes(9)
    answer = read(
        [water(faults=Faults(instead=Frame(0x10, WATER, 0x81, wrong).pack())), heat()], f"{WATER}/10/volume", f"{HEAT}/20/heat"
    )
    assert told(answer) == [("unit", f"{WATER}/10/volume")]


def test_a_clock_that_is_wrong_is_told_and_nothing_else_suffers() -> None:
    items = (f"{WATER}/10/clock", f"{WATER}/10/volume")
    fast = read([water(ahead=timedelta(minutes=7))], *items)
    assert rows(fast) == {f"{WATER}.10.clock": 420.0, f"{WATER}.10.volume": total(WATER, NOW)}
    assert rows(read([water(ahead=None)], *items)) == {f"{WATER}.10.clock": None, f"{WATER}.10.volume": total(WATER, NOW)}
    meter = water()
    hear = meter.hear

    def thirteenth_month(raw: bytes) -> bytes | None:
        answer = hear(raw)
        assert answer is not None
        frame = frames.parse(answer)
        return Frame(0x10, WATER, 0x81, frame.data[:-5] + b"\x13" + frame.data[-4:]).pack()

    meter.hear = thirteenth_month  # type: ignore[method-assign]
    answer = read([meter], *items)
    assert (rows(answer), told(answer)) == ({f"{WATER}.10.volume": total(WATER, NOW)}, [("time", f"{WATER}/10/clock")])


def test_nobody_answering() -> None:
    with pytest.raises(TimeoutError, match="none of 1 meters"):
        read([water(faults=Faults(silent=True))], f"{WATER}/10/volume")


@pytest.mark.parametrize(
    ("item", "good"),
    [
        (f"{WATER}/10/volume", True),
        ("AAAAAAAAAAAAAA/30/volume", True),
        (f"{HEAT}/20/supply", True),
        (f"{HEAT}/40/energy", True),
        (f"{WATER}/10/clock", True),
        (f"{WATER}/10/heat", False),
        (f"{WATER}/0F/volume", False),
        (f"{WATER}/4A/energy", False),
        (f"{WATER}/AA/volume", False),
        (f"{WATER[1:]}/10/volume", False),
        (f"{WATER}/10", False),
        (f"{WATER}/10/volume/x", False),
        ("", False),
    ],
)
def test_items(item: str, good: bool) -> None:
    assert (refused(item) == "") == good


def beijing(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=UTC) - timedelta(hours=8)


@pytest.mark.parametrize("low_first", [True, False])
def test_settlement_days_fill_a_gap(low_first: bool) -> None:
    since = beijing(2026, 3, 25)
    answer = remembered(water(day=25, low_first=low_first), since, f"{WATER}/10/volume", f"{WATER}/10/status")
    assert told(answer) == []
    assert history(answer) == [(time, total(WATER, time)) for time in (beijing(2026, month, 25) for month in (6, 5, 4))]
    answer = remembered(water(day=25), since, f"{WATER}/10/volume", until=NOW - timedelta(days=20))
    assert (history(answer), told(answer)) == ([], [("time", f"{WATER}/10/clock")])
    answer = remembered(water(day=20), beijing(2020, 1, 1), f"{WATER}/10/volume")
    assert [time for time, _ in history(answer)] == [time.astimezone(UTC) for time in water(day=20).settlements()]
    assert len(history(answer)) == 12


def test_each_datastream_has_a_gap_of_its_own() -> None:
    wanted = [Point("one", f"{WATER}/10/volume"), Point("other", f"{WATER}/10/volume", 1000.0)]
    gaps = {"one": beijing(2026, 5, 1), "other": beijing(2026, 6, 1)}
    (answer,) = asked([water()], wanted, lambda session: session.remembered(gaps, NOW, NOW))
    found = {(row["datastream"], row["time"]) for row in answer.rows.to_pylist()}
    assert found == {("one", beijing(2026, 6, 1)), ("one", beijing(2026, 7, 1)), ("other", beijing(2026, 7, 1))}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"refuses": (DAY,)}, ("value-missing", f"{WATER}/10/8103")),
        ({"ahead": None}, ("time", f"{WATER}/10/clock")),
        ({"ahead": timedelta(days=-40)}, ("time", f"{WATER}/10/clock")),
        ({"faults": Faults(silent=True)}, ("value-missing", f"{WATER}/10")),
    ],
)
def test_history_that_cannot_be_placed_is_a_problem(more: dict[str, object], expected: tuple[str, str]) -> None:
    answer = remembered(water(**more), NOW - timedelta(days=90), f"{WATER}/10/volume")
    assert (history(answer), told(answer)) == ([], [expected])


def test_a_month_that_ends_while_totals_are_read() -> None:
    clock = Clock()
    clock.now = beijing(2026, 8, 1) - timedelta(seconds=1)
    meter = water(clock)
    hear, count = meter.hear, 0

    def later(raw: bytes) -> bytes | None:
        nonlocal count
        count += 1
        clock.now += timedelta(seconds=count == 3)
        return hear(raw)

    meter.hear = later  # type: ignore[method-assign]
    answer = remembered(meter, NOW - timedelta(days=90), f"{WATER}/10/volume", until=clock.now)
    assert (history(answer), told(answer)) == ([], [("time", f"{WATER}/10")])


def test_after_an_outage_of_forty_days_the_settlement_days_are_there() -> None:
    clock, put = Clock(), list[Batch]()
    gateway = Gateway([water(clock)], frames.measure)

    async def keep(batch: Batch, _heard: object) -> None:
        put.append(batch)

    async def program() -> None:
        port = await gateway.__aenter__()
        serving, begin = True, clock.now

        async def sleep(seconds: float) -> None:
            nonlocal serving
            if serving and clock.now > begin and clock.now < begin + timedelta(days=2):
                await gateway.__aexit__()
                serving = False
                clock.now += timedelta(days=40)
            elif not serving:
                await gateway.__aenter__()
                serving = True
            elif clock.now > begin + timedelta(days=41):
                raise asyncio.CancelledError
            clock.now += timedelta(seconds=seconds)

        connection = Connection("meters", "cjt188", f"127.0.0.1:{port}", timedelta(days=1), tuple(points(f"{WATER}/10/volume")))
        with pytest.raises(asyncio.CancelledError):
            await Collector(connection, connect, keep, clock=clock, sleep=sleep).run()
        await gateway.__aexit__()

    run(program())
    found = {row["time"]: row["value"] for batch in put for row in batch.rows.to_pylist()}
    assert found[beijing(2026, 8, 1)] == total(WATER, beijing(2026, 8, 1))
    assert all(value == total(WATER, time) for time, value in found.items())
