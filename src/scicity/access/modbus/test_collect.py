"""The session against the simulator, in both framings: values, holes, silences, exceptions, and the loop that asks."""
# ruff: noqa: S101

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from scicity.access.collecting import Answer, Collector, Connection, Point
from scicity.access.modbus.collect import Units, connect
from scicity.access.modbus.simulate import simulated
from scicity.kernel.reading import Batch

NOW = datetime(2030, 1, 1, tzinfo=UTC)
SCHEMES = {"tcp": "tcp", "rtu": "rtu+tcp"}
PATIENT, SHORT = "?timeout=10", "?timeout=0.5"  # where answers come, and where none do
EVERY = {
    "1/holding/0/uint32": 4294967295,
    "1/holding/2/uint32/CDAB": 1234567890,
    "1/holding/4/int32/BADC": -123456789,
    "1/holding/6/int64/DCBA": -(2**53),
    "1/holding/10/float32/CDAB": 0.5,
    "1/holding/12/float64": 0.1,
    "1/holding/16/bcd32/CDAB": 12345678,
    "1/holding/18/int16/none=8000": None,
    "1/holding/19/bit/15": 1,
    "1/holding/19/bit/0": 1,
    "1/holding/20/float32": None,
    "1/input/65535/uint16": 65535,
    "1/coil/7/bit": 1,
    "1/discrete/1999/bit": 1,
    "255/holding/4/uint16": 5,
}
THREE = ["1/holding/0/uint16", "2/holding/0/uint16", "3/holding/0/uint16"]

both = pytest.mark.parametrize("framing", SCHEMES)


def run(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(scenario, 60))


def found(answer: Answer) -> dict[str, float | None]:
    return {row["datastream"]: row["value"] for row in answer.rows.to_pylist()}


def faults(answer: Answer) -> list[tuple[str, str | None]]:
    return [(problem.code, problem.field) for problem in answer.problems]


def unit_of(item: str, time: datetime) -> int:
    return int(item.split("/")[0])


@asynccontextmanager
async def opened(framing: str, port: int, items: list[str], options: str = PATIENT) -> AsyncIterator[Units]:
    session = await connect(f"{SCHEMES[framing]}://127.0.0.1:{port}{options}", [Point(item, item) for item in items])
    assert isinstance(session, Units)
    try:
        yield session
    finally:
        await session.close()
        await session.close()


@both
def test_every_type_comes_as_it_is_at_the_device(framing: str) -> None:
    async def scenario() -> None:
        async with (
            simulated(EVERY, lambda item, time: EVERY[item], framing) as device,
            opened(framing, device.port, list(EVERY)) as s,
        ):
            answer = await s.read(NOW)
            assert found(answer) == EVERY
            assert faults(answer) == []
            assert {row["time"] for row in answer.rows.to_pylist()} == {NOW}
            assert len(device.asked) == 5  # one of each table of unit 1, and one of unit 255
            remembered = await s.remembered({"a": NOW}, NOW, NOW)
            assert (remembered.rows.num_rows, len(remembered.problems)) == (0, 0)

    run(scenario())


def test_registers_follow_the_time_and_values_their_scale() -> None:
    async def scenario() -> None:
        hour = 0
        items = ["1/holding/0/uint32"]
        async with simulated(
            items, lambda item, time: 1000 * time.hour + 7, clock=lambda: NOW + timedelta(hours=hour)
        ) as device:
            session = await connect(f"tcp://127.0.0.1:{device.port}{PATIENT}", [Point("energy", items[0], 0.001)])
            for hour, expected in ((0, 0.007), (13, 13.007), (23, 23.007)):  # noqa: B007  (the clock looks at it)
                assert found(await session.read(NOW)) == {"energy": expected}
            await session.close()

    run(scenario())


@both
def test_a_range_with_holes_is_split_once_and_a_point_in_a_hole_is_named(framing: str) -> None:
    there = [f"1/holding/{at}/uint16" for at in range(40) if at not in (7, 8, 23)]
    items = [*there, "1/holding/23/uint16", "1/holding/200/uint16"]

    async def scenario() -> None:
        async with (
            simulated(there, unit_of, framing) as device,
            opened(framing, device.port, items, PATIENT + "&bridge=9") as s,
        ):
            for count in (14, 8):  # at first by trying
                device.asked.clear()
                answer = await s.read(NOW)
                assert found(answer) == dict.fromkeys(there, 1.0)
                assert faults(answer) == [("value-missing", "1/holding/200/uint16"), ("value-missing", "1/holding/23/uint16")]
                assert all("exception 2, illegal data address" in problem.found for problem in answer.problems)
                assert len(device.asked) == count
            reads = [(asked.address, asked.count) for asked in device.asked]
            assert {(23, 1), (200, 1)} < set(reads)
            assert sum(count for _, count in reads) == len(items)

    run(scenario())


def test_a_declared_gap_is_not_touched_and_a_point_in_one_not_asked_for() -> None:
    there, within = (
        ["1/holding/0/uint16", "1/holding/9/uint16", "2/holding/0/uint16", "2/holding/9/uint16"],
        "2/holding/4/uint16",
    )

    async def scenario() -> None:
        options = PATIENT + "&bridge=20&gap=2/holding/3-5"
        async with (
            simulated(there, unit_of, filled=["1/holding/0-9"]) as device,
            opened("tcp", device.port, [*there, within], options) as s,
        ):
            answer = await s.read(NOW)
            assert found(answer) == {item: unit_of(item, NOW) for item in there}
            assert faults(answer) == [("value", within)]
            assert [(each.unit, each.table, each.address, each.count) for each in device.asked] == [
                (1, "holding", 0, 10),
                (2, "holding", 0, 1),
                (2, "holding", 9, 1),
            ]

    run(scenario())


@both
def test_a_silent_unit_costs_the_others_nothing_but_its_time_and_rests(framing: str) -> None:
    async def scenario() -> None:
        async with simulated(THREE, unit_of, framing) as device, opened(framing, device.port, THREE, "?timeout=0.5") as s:
            device.silent = {1}
            asked = []
            for _ in range(10):
                device.asked.clear()
                answer = await s.read(NOW)
                assert found(answer) == {THREE[1]: 2.0, THREE[2]: 3.0}
                assert faults(answer) == [("value-missing", "unit 1")]
                asked.append([each.unit for each in device.asked])
            assert asked[:2] == [[1, 2, 3], [2, 3, 1]]
            assert [1 in units for units in asked] == [True, True, False, True, False, False, False, True, False, False]
            device.silent = set()
            for _ in range(6):
                answer = await s.read(NOW)
            assert found(answer) == {item: unit_of(item, NOW) for item in THREE}
            assert faults(answer) == []

    run(scenario())


def test_many_silent_units_in_a_row_do_not_cost_the_connection() -> None:
    items = [f"{unit}/holding/0/uint16" for unit in range(1, 9)]

    async def scenario() -> None:
        async with simulated(items, unit_of) as device, opened("tcp", device.port, items, SHORT) as s:
            device.silent = set(range(1, 8))
            answer = await s.read(NOW)
            assert found(answer) == {items[7]: 8.0}
            assert [problem.found for problem in answer.problems] == ["no answer in 0.5 s"] * 7
            assert [asked.unit for asked in device.asked] == list(range(1, 9))

    run(scenario())


@both
def test_where_every_unit_is_silent_nobody_is_there(framing: str) -> None:
    async def scenario() -> None:
        async with simulated(THREE, unit_of, framing) as device, opened(framing, device.port, THREE, SHORT) as s:
            device.silent = {1, 2, 3}
            with pytest.raises(TimeoutError, match="no answer of unit 1, 2, 3"):
                await s.read(NOW)

    run(scenario())


@pytest.mark.parametrize(
    ("code", "fields", "requests"),
    [
        (1, ["1/holding/0/uint16", "1/holding/1/uint16", "1/holding/9/uint16"], 2),
        (4, ["1/holding/0/uint16", "1/holding/1/uint16", "1/holding/9/uint16"], 4),
        (6, ["unit 1"], 1),
        (11, ["unit 1"], 1),
    ],
)
@both
def test_an_exception_is_told_with_its_meaning(framing: str, code: int, fields: list[str], requests: int) -> None:
    items = ["1/holding/0/uint16", "1/holding/1/uint16", "1/holding/9/uint16", "2/holding/0/uint16"]

    async def scenario() -> None:
        async with simulated(items, unit_of, framing) as device, opened(framing, device.port, items) as s:
            device.denied = {1: code}
            answer = await s.read(NOW)
            assert found(answer) == {items[3]: 2.0}
            assert faults(answer) == [("value-missing", each) for each in fields]
            assert all(f"exception {code}, " in problem.found for problem in answer.problems)
            assert sum(asked.unit == 1 for asked in device.asked) == requests
            device.denied = {}
            device.asked.clear()
            assert found(await s.read(NOW)) == {item: unit_of(item, NOW) for item in items}
            assert len(device.asked) == 3  # what only failed is asked for as before

    run(scenario())


@both
def test_a_unit_over_which_the_connection_ends_costs_the_others_nothing(framing: str) -> None:
    async def scenario() -> None:
        async with simulated(THREE, unit_of, framing) as device, opened(framing, device.port, THREE) as s:
            device.closing = {2}
            answer = await s.read(NOW)
            assert found(answer) == {THREE[0]: 1.0, THREE[2]: 3.0}
            assert [(problem.field, problem.found) for problem in answer.problems] == [("unit 2", "the connection was closed")]
            device.closing = set()
            device.close()  # between two rounds, as devices do with connections that say nothing for long
            assert len(found(await s.read(NOW))) == 3

    run(scenario())


@pytest.mark.parametrize("where", ["", "tcp://127.0.0.1", "tcp://127.0.0.1:502?timeout=x"])
def test_an_address_that_cannot_be_read_is_told_as_no_connection(where: str) -> None:
    with pytest.raises(OSError, match="expected"):
        run(connect(where, []))  # type: ignore[arg-type]


def test_items_that_cannot_be_read_are_problems_and_the_others_are_read() -> None:
    async def scenario() -> None:
        async with simulated(THREE, unit_of) as device, opened("tcp", device.port, ["nonsense", THREE[1]]) as s:
            answer = await s.read(NOW)
            assert found(answer) == {THREE[1]: 2.0}
            assert faults(answer) == [("value", "nonsense")]
        async with simulated(THREE, unit_of) as device, opened("tcp", device.port, []) as s:
            assert found(await s.read(NOW)) == {}

    run(scenario())


def test_a_value_that_is_none_is_a_problem_and_no_reading() -> None:
    async def scenario() -> None:
        items = ["1/holding/0/bcd16", "1/holding/1/uint16"]
        async with (
            simulated(["1/holding/0/uint16", items[1]], lambda item, time: 0xABCD) as device,
            opened("tcp", device.port, items) as s,
        ):
            answer = await s.read(NOW)
            assert found(answer) == {items[1]: 0xABCD}
            assert faults(answer) == [("value", items[0])]

    run(scenario())


@both
def test_the_loop_comes_back_after_the_server_was_away(framing: str) -> None:
    clock = NOW
    waited: list[float] = []
    kept: list[Batch] = []
    item = THREE[0]

    async def scenario() -> None:
        nonlocal clock
        steps = script()
        port = await anext(steps)
        point = Point("meter", item)
        connection = Connection("c", "modbus", f"{SCHEMES[framing]}://127.0.0.1:{port}", timedelta(minutes=1), (point,))

        async def sleep(seconds: float) -> None:
            nonlocal clock
            waited.append(seconds)
            clock += timedelta(seconds=seconds)
            await anext(steps)

        async def keep(batch: Batch, _heard: object) -> None:
            kept.append(batch)

        collector = Collector(connection, connect, keep, clock=lambda: clock, sleep=sleep)
        with pytest.raises(asyncio.CancelledError):
            await collector.run()

    async def script() -> AsyncIterator[int]:
        async with simulated([item], lambda item, time: 1, framing) as device:
            port = device.port
            yield port
        for _ in range(5):
            yield port  # nobody is there
        async with simulated([item], lambda item, time: 2, framing, port) as device:
            yield port
            yield port
        raise asyncio.CancelledError

    run(scenario())
    assert waited == [60.0, 1.0, 2.0, 4.0, 8.0, 16.0, 29.0, 60.0]
    times = [
        (batch.rows.to_pylist()[0]["value"], (batch.arrived - NOW).total_seconds()) for batch in kept if batch.rows.num_rows
    ]
    assert times == [(1.0, 0.0), (2.0, 91.0), (2.0, 120.0)]


def test_the_simulator_refuses_what_it_cannot_serve() -> None:
    async def scenario() -> None:
        with pytest.raises(ValueError, match="unit/table"):
            async with simulated(["nonsense"], unit_of):
                pass
        with pytest.raises(ValueError, match="one unit"):
            async with simulated([], unit_of, filled=["*/holding/0-9"]):
                pass
        async with simulated(THREE, unit_of) as device:
            with pytest.raises(OSError, match="not free"):
                async with simulated(THREE, unit_of, port=device.port):
                    pass

    run(scenario())
