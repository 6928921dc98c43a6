"""Frames, layouts, units and settlement days: known answers, round trips, and what a hostile line may say."""
# ruff: noqa: S101

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scicity.access.cjt188 import frames
from scicity.access.cjt188.decode import decode
from scicity.access.cjt188.frames import (
    ENERGY,
    FLOW,
    LAYOUTS,
    OF_HEAT,
    POWER,
    VOLUME,
    Field,
    Frame,
    moment,
    pack_moment,
    parse,
    reading,
    said,
    settlements,
)
from scicity.access.dlt645.frames import FrameError
from scicity.access.dlt645.stream import Found, Skipped, Splitter
from scicity.kernel.problems import Problems

ARRIVED = datetime(2030, 1, 1, tzinfo=UTC)
ADDRESS = "78330011223344"
# Published request and answer of a cold water meter, 556677.00 m3 at 2015-05-11 22:01:31 (hftangyu.com/563.html). The answer is
# printed there with the sum 08; the sum of its bytes is 13.
REQUEST = bytes.fromhex("68 10 44 33 22 11 00 33 78 01 03 1F 90 00 80 16")
ANSWER = bytes.fromhex(
    "68 10 44 33 22 11 00 33 78 81 16 1F 90 00 00 77 66 55 2C 00 77 66 55 2C 31 01 22 11 05 15 20 21 84 13 16"
)
# Published request of a heat meter whose identifier has its high byte first (cnblogs.com/llguanli/p/8683992.html).
HIGH_FIRST = bytes.fromhex("68 20 32 41 31 40 00 00 00 01 03 90 1F 01 20 16")

fields = [field for layout in LAYOUTS.values() for field in layout]
whole = st.builds(
    lambda kind, address, data: Frame(kind, f"{address:014d}", 0x81, data).pack(),
    st.integers(0x10, 0x49),
    st.integers(0, 10**14 - 1),
    st.binary(max_size=50),
)
rubbish = st.one_of(st.binary(max_size=20), st.sampled_from([b"\x68", b"\x68\x10", b"\xfe" * 4, ANSWER[:-3], b"\x68\x10" * 6]))


def split(*chunks: bytes) -> list[Found | Skipped]:
    splitter = Splitter(frames.measure)
    found = [each for chunk in chunks for each in splitter.feed(chunk)]
    return found + splitter.close()


def test_published_frames() -> None:
    assert frames.request(0x10, ADDRESS, "901F", 0) == b"\xfe" * 4 + REQUEST
    assert frames.request(0x20, "00000040314132", "901F", 1, low_first=False) == b"\xfe" * 4 + HIGH_FIRST
    assert split(REQUEST + b"\xfe" + ANSWER) == [Found(0, REQUEST), Skipped(16, 1, "rubbish", b"\xfe"), Found(17, ANSWER)]
    frame = parse(ANSWER)
    assert (frame.meter, frame.control) == (f"{ADDRESS}/10", 0x81)
    assert frame.pack() == ANSWER
    told = said(frame)
    assert told is not None
    now = reading(frame, told[1])
    assert now.numbers == {"volume": 556677.0, "settled": 556677.0, "status": 0x8421}
    assert moment(now.clock, "") == datetime(2015, 5, 11, 22, 1, 31)
    assert said(parse(REQUEST)) is None


@pytest.mark.parametrize("pair", ["1F90", "901F"])
def test_an_identifier_is_known_in_either_order(pair: str) -> None:
    assert said(Frame(0x10, ADDRESS, 0x81, bytes.fromhex(pair) + b"\x05\x01")) == ("901F", b"\x01")


def test_what_a_meter_refuses_and_what_is_not_known() -> None:
    with pytest.raises(FrameError, match="refused, status 04 00"):
        said(Frame(0x10, ADDRESS, 0xC1, b"\x00\x04\x00"))
    for data in (b"", b"\x1f\x90", b"\x1f\x91\x00"):
        with pytest.raises(FrameError, match="an identifier that is read here"):
            said(Frame(0x10, ADDRESS, 0x81, data))


@pytest.mark.parametrize(
    ("kind", "address"), [(0x10, "7833001122334"), (0x10, "7833001122334A"), (0x0F, ADDRESS), (0x4A, ADDRESS)]
)
def test_what_is_no_meter(kind: int, address: str) -> None:
    with pytest.raises(ValueError, match="14 digits"):
        frames.request(kind, address, "901F", 0)


@given(st.lists(st.one_of(rubbish, whole), max_size=6).map(b"".join), st.lists(st.integers(0, 200), max_size=8))
def test_a_stream_is_split_the_same_however_its_bytes_arrive(stream: bytes, cuts: list[int]) -> None:
    at = [0, *sorted(cuts), len(stream)]
    found = split(stream)
    assert split(*(stream[begin:end] for begin, end in pairwise(at))) == found
    end = 0
    for each in found:  # every byte is told of once
        assert each.offset == end
        end += each.count if isinstance(each, Skipped) else len(each.raw)
    assert end == len(stream)


@given(rubbish, st.lists(whole, min_size=1, max_size=3))
def test_a_frame_behind_rubbish_is_found_at_the_latest_when_the_line_is_quiet(before: bytes, packed: list[bytes]) -> None:
    found = [each.raw for each in split(before + b"".join(packed)) if isinstance(each, Found)]
    assert found[-len(packed) :] == packed


@pytest.mark.parametrize("stream", [b"\x68\x10", b"\x68", ANSWER[:-1], b"\x00"], ids=range(4))
def test_a_stream_without_end_is_neither_kept_nor_slow(stream: bytes) -> None:
    splitter = Splitter(frames.measure)
    repeated = stream * (200_000 // len(stream))
    for begin in range(0, len(repeated), 4096):
        splitter.feed(repeated[begin : begin + 4096])
        assert len(splitter.left) <= 13 + 255


@given(st.data())
def test_every_field_says_what_was_packed_in_any_unit(data: st.DataObject) -> None:
    field = data.draw(st.sampled_from(fields))
    code = data.draw(st.sampled_from(sorted(field.codes))) if field.codes else None
    whole = data.draw(st.integers(0, 100**field.width - 1))
    packed = bytes.fromhex(f"{whole:0{2 * field.width}d}")[::-1] + (bytes([code]) if code is not None else b"")
    number = field.number(packed)
    assert number is not None
    assert field.pack(number, code) == packed
    assert field.number(field.pack(None, code)) is None


@pytest.mark.parametrize(
    ("codes", "code", "expected"),
    [
        (ENERGY, 0x11, 1e6 / 3600),  # GJ
        (ENERGY, 0x13, 1e8 / 3600),
        (ENERGY, 0x0E, 1 / 3.6),  # MJ
        (ENERGY, 0x0B, 1 / 3600),
        (ENERGY, 0x01, 1 / 3.6e6),
        (ENERGY, 0x02, 0.001),  # Wh
        (ENERGY, 0x05, 1.0),
        (ENERGY, 0x08, 1000.0),
        (ENERGY, 0x0A, 1e5),
        (POWER, 0x14, 0.001),
        (POWER, 0x17, 1.0),
        (POWER, 0x1A, 1000.0),
        (VOLUME, 0x29, 0.001),
        (VOLUME, 0x2C, 1.0),
        (FLOW, 0x32, 0.001),
        (FLOW, 0x35, 1.0),
    ],
)
def test_units(codes: dict[int, float], code: int, expected: float) -> None:
    number = Field("x", 4, 2, "", codes).number(bytes.fromhex("00010000") + bytes([code]))  # type: ignore[arg-type]
    assert number == pytest.approx(expected, rel=1e-15)


def test_numbers_and_units_that_are_none() -> None:
    volume, power = OF_HEAT[4], OF_HEAT[2]
    for field, packed, code in (
        (volume, "0A000000 2C", "value"),
        (volume, "00000000 05", "unit"),
        (power, "00000000 35", "unit"),
    ):
        with pytest.raises(FrameError) as raised:
            field.number(bytes.fromhex(packed))
        assert raised.value.code == code
    for number in (1e6, -1.0):
        with pytest.raises(ValueError, match="does not fit"):
            volume.pack(number)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)).map(lambda time: time.replace(microsecond=0)))
def test_clocks_say_what_was_packed(time: datetime) -> None:
    assert moment(pack_moment(time), "") == time


@given(st.binary(min_size=7, max_size=7))
def test_any_bytes_are_a_clock_or_a_problem(data: bytes) -> None:
    try:
        time = moment(data, "x")
    except FrameError as error:
        assert error.code == "time"
    else:
        assert time is None or pack_moment(time) == data


def test_settlement_days() -> None:
    found = settlements(datetime(2024, 3, 31, 0, 0), 31)
    assert [f"{time:%m%d}" for time in found] == [
        "0331",
        "0229",
        "0131",
        *("1231", "1130", "1031", "0930", "0831", "0731"),
        *("0630", "0531", "0430"),
    ]
    assert settlements(datetime(2024, 3, 30, 23, 59), 31)[0] == datetime(2024, 2, 29)
    assert settlements(datetime(2024, 3, 1), 1)[0] == datetime(2024, 3, 1)


@given(st.datetimes(datetime(2001, 1, 1), datetime(2099, 12, 31)), st.integers(1, 31))
def test_settlement_days_are_one_a_month_up_to_now(clock: datetime, day: int) -> None:
    found = settlements(clock, day)
    assert len(found) == 12
    assert clock - timedelta(days=31) <= found[0] <= clock
    assert all(28 <= (later - earlier).days <= 31 for later, earlier in pairwise(found))


@given(
    st.integers(0x10, 0x49),
    st.sampled_from(["1F90", "901F", "20D1", "8103", "FFFF"]),
    st.binary(max_size=60),
    st.sampled_from([0x81, 0xC1, 0x01]),
)
def test_whatever_an_answer_holds_it_is_a_batch_or_a_problem(kind: int, identifier: str, data: bytes, control: int) -> None:
    problems = Problems()
    payload = Frame(kind, ADDRESS, control, bytes.fromhex(identifier) + b"\0" + data).pack()
    batch = decode(payload, "here", ARRIVED, problems)
    assert (batch is None) == (len(problems) > 0)


def test_an_answer_of_any_kind_is_a_problem() -> None:
    for identifier in ("1F90", "20D1"):
        problems = Problems()
        payload = Frame(0xAA, ADDRESS, 0x81, bytes.fromhex(identifier) + bytes(8)).pack()
        assert decode(payload, "here", ARRIVED, problems) is None
        assert [problem.code for problem in problems] == ["value"]


def test_the_zone_is_the_caller_s() -> None:
    for zone, hour in ((timezone(timedelta(hours=8)), 14), (UTC, 22)):
        batch = decode(ANSWER, "here", ARRIVED, Problems(), zone=zone)
        assert batch is not None
        assert {row["time"] for row in batch.rows.to_pylist()} == {datetime(2015, 5, 11, hour, 1, 31, tzinfo=UTC)}
