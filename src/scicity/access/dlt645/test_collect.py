"""The client against simulated meters on loopback: segments, several meters, and what goes wrong on a line."""
# ruff: noqa: S101

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from scicity.access.collecting import Answer, Point
from scicity.access.dlt645 import frames
from scicity.access.dlt645.collect import Meters, connect, refused
from scicity.access.dlt645.frames import Said
from scicity.access.dlt645.simulate import Faults, Gateway, Meter, run

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
        (Faults(instead=frames.Frame(FIRST, 0x92, bytes.fromhex("00000100 11111111 00")).pack()), "syntax"),  # of what follows
    ],
    ids=["silent", "garbage", "beginnings", "cut", "another meter", "another question", "echo", "another function"],
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
    device, late = meter(FIRST), [Said(ENERGY, bytes.fromhex("11111111")).pack(FIRST)]
    hear, device.faults = device.hear, Faults(segment=20)  # as long as an answer of energy
    device.hear = lambda raw: (hear(raw) or b"") + (late.pop() if late else b"")  # type: ignore[method-assign]

    async def later(session: Meters) -> Answer:
        await asyncio.sleep(60)  # which costs no time here
        return await session.read(NOW)

    answers = asked([device], points(f"{FIRST}/{ENERGY}"), lambda session: session.read(NOW), later)
    assert [rows(answer)[0][2] for answer in answers] == [register(FIRST, NOW)] * 2


def test_pieces_come_as_segments_of_their_own() -> None:
    async def chunks() -> list[int]:
        async with Gateway([meter(FIRST, faults=Faults(segment=7))]) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(frames.request(FIRST, ENERGY))
            found = [len(await reader.read(100)) for _ in range(3)]
            writer.close()
            return found

    assert run(chunks()) == [7, 7, 6]


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
        lambda session: session.remembered({f"{FIRST}.{ENERGY}": NOW - DAY}, NOW, NOW),
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
