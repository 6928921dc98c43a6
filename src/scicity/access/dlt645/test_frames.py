"""Frames, identifiers, load records and frozen values: known answers, round trips, and what a hostile line may say."""
# ruff: noqa: S101

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scicity.access.dlt645 import frames
from scicity.access.dlt645.decode import decode
from scicity.access.dlt645.frames import Frame, FrameError, Said, parse, said
from scicity.access.dlt645.identifiers import (
    CLASSES,
    TABLE,
    Format,
    Record,
    Value,
    format_of,
    frozen_values,
    moment,
    pack_moment,
    records,
    values,
)
from scicity.access.dlt645.stream import Found, Skipped, Splitter
from scicity.kernel.problems import Problems

ARRIVED = datetime(2030, 1, 1, tzinfo=UTC)
METER = "123456781012"
KNOWN = bytes.fromhex("68 12 10 78 56 34 12 68 11 04 33 33 34 33 E8 16")
# Published with what they say: 0.26 and 1.26 kWh, 100.26 and 100.23 kvarh, 100.1 V (hwhale.com/article/138066).
PUBLISHED = {
    ("00010000", 0.26): "68 61 01 00 00 00 00 68 91 08 33 33 34 33 59 33 33 33 8A 16",
    ("00020000", 1.26): "68 61 01 00 00 00 00 68 91 08 33 33 35 33 59 34 33 33 8C 16",
    ("00030000", 100.26): "68 61 01 00 00 00 00 68 91 08 33 33 36 33 59 33 34 33 8D 16",
    ("00040000", 100.23): "68 61 01 00 00 00 00 68 91 08 33 33 37 33 56 33 34 33 8B 16",
    ("02010100", 100.1): "68 61 01 00 00 00 00 68 91 06 33 34 34 35 34 43 10 16",
}
# One block by hand, in the layout of README.md: 2026-07-19 10:15, 12300.50 kWh forward, 0.07 kWh reverse, no reactive energy.
BLOCK = bytes.fromhex("A0 A0 1B  15 10 19 07 26  AA AA AA  50 00 23 01  07 00 00 00  FF FF FF FF  FF FF FF FF  AA AA AA  35 E5")
RECORD = Record(datetime(2026, 7, 19, 10, 15), {"00010000": 12300.5, "00020000": 0.07})

formats = sorted({form for _, form in TABLE}, key=str)
times = st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31, 23, 59)).map(
    lambda time: time.replace(second=0, microsecond=0)
)
whole = st.builds(
    lambda address, data: Frame(f"{address:012d}", 0x91, data).pack(), st.integers(0, 10**12 - 1), st.binary(max_size=40)
)
rubbish = st.one_of(
    st.binary(max_size=20), st.sampled_from([b"\x68", b"\xfe" * 4, KNOWN[:-3], KNOWN[:9], b"\x68" * 8 + b"\xff"])
)
streams = st.lists(st.one_of(rubbish, whole), max_size=6).map(b"".join)


def split(*chunks: bytes) -> list[Found | Skipped]:
    splitter = Splitter(frames.measure)
    found = [each for chunk in chunks for each in splitter.feed(chunk)]
    return found + splitter.close()


def refused(payload: bytes) -> list[tuple[str, str | None]]:
    problems = Problems()
    assert decode(payload, "here", ARRIVED, problems) is None
    return [(problem.code, problem.field) for problem in problems]


def answer(identifier: str, data: bytes, more: bool = False, sequence: int = 0) -> bytes:
    return Said(identifier, data, more, sequence).pack(METER)


def test_the_known_request() -> None:
    assert frames.request(METER, "00010000") == b"\xfe" * 4 + KNOWN
    assert split(b"\xfe" * 4 + KNOWN) == [Skipped(0, 4, "rubbish", b"\xfe" * 4), Found(4, KNOWN)]
    assert parse(KNOWN) == Frame(METER, 0x11, bytes.fromhex("00000100"))
    assert said(parse(KNOWN)) is None


@pytest.mark.parametrize(("expected", "published"), PUBLISHED.items())
def test_published_answers(expected: tuple[str, float], published: str) -> None:
    (found,) = split(bytes.fromhex(published))
    assert isinstance(found, Found)
    frame = parse(found.raw)
    assert frame.address == "000000000161"
    told = said(frame)
    assert told is not None
    assert values(told.identifier, told.data) == [Value(*expected)]
    assert told.pack(frame.address) == found.raw


def test_requests_of_load_records_and_of_what_follows() -> None:
    wanted = b"\x03" + pack_moment(RECORD.time)
    (_, found) = split(frames.request(METER, "06040001", wanted))
    assert isinstance(found, Found)
    assert parse(found.raw).data == bytes.fromhex("01 00 04 06 03 15 10 19 07 26")
    (_, found) = split(frames.following("AAAAAAAA1012", "06040001", 255))
    assert isinstance(found, Found)
    assert parse(found.raw) == Frame("AAAAAAAA1012", 0x12, bytes.fromhex("01 00 04 06 FF"))


@pytest.mark.parametrize("address", ["12345678101", "1234567810123", "12345678101A", "12AA56781012", "AAA456781012", ""])
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(ValueError, match="12 digits"):
        frames.request(address, "00010000")


def test_a_refusal_says_why() -> None:
    with pytest.raises(FrameError, match="no such data, password"):
        said(parse(frames.refusal(METER, 0b110)))
    with pytest.raises(FrameError, match="4 bytes"):
        said(parse(Frame(METER, 0x91, b"\0\0\1").pack()))


@given(streams, st.lists(st.integers(0, 200), max_size=8))
def test_a_stream_is_split_the_same_however_its_bytes_arrive(stream: bytes, cuts: list[int]) -> None:
    at = [0, *sorted(cuts), len(stream)]
    found = split(stream)
    assert split(*(stream[begin:end] for begin, end in pairwise(at))) == found
    assert split(*(bytes([byte]) for byte in stream)) == found
    end = 0
    for each in found:  # every byte is told of once
        assert each.offset == end
        end += each.count if isinstance(each, Skipped) else len(each.raw)
    assert end == len(stream)


@given(rubbish, st.lists(whole, min_size=1, max_size=3))
def test_a_frame_behind_rubbish_is_found_at_the_latest_when_the_line_is_quiet(before: bytes, packed: list[bytes]) -> None:
    found = [each.raw for each in split(before + b"".join(packed)) if isinstance(each, Found)]
    assert found[-len(packed) :] == packed


@pytest.mark.parametrize("stream", [b"\x68", b"\x00", KNOWN[:10], KNOWN[:-1], random.Random(1).randbytes(999)], ids=range(5))  # noqa: S311
def test_a_stream_without_end_is_neither_kept_nor_slow(stream: bytes) -> None:
    splitter = Splitter(frames.measure)
    repeated = stream * (200_000 // len(stream))
    for begin in range(0, len(repeated), 4096):
        splitter.feed(repeated[begin : begin + 4096])
        assert len(splitter.left) <= 12 + 255
    assert len(splitter.close()) < 100_000


@given(st.data())
def test_every_format_says_what_was_packed(data: st.DataObject) -> None:
    form = data.draw(st.sampled_from(formats))
    most = (8 if form.signed else 10) * 10 ** (form.digits - 1) - 1
    number = data.draw(st.integers(-most if form.signed else 0, most)) / 10**form.decimals
    assert form.number(form.pack(number), "") == number
    assert form.number(form.pack(None), "") is None


@pytest.mark.parametrize(
    ("form", "packed", "number"),
    [
        (Format(8, 2, "kWh"), "78 56 34 12", 123456.78),
        (Format(8, 2, "kWh"), "99 99 99 99", 999999.99),
        (Format(8, 2, "kWh", signed=True), "78 56 34 92", -123456.78),
        (Format(6, 4, "kW", signed=True), "56 34 92", -12.3456),
        (Format(4, 1, "V"), "15 23", 231.5),
        (Format(4, 3, "1", signed=True), "00 90", -1.0),
        (Format(4, 2, "Hz"), "FF FF", None),
    ],
)
def test_numbers(form: Format, packed: str, number: float | None) -> None:
    assert form.number(bytes.fromhex(packed), "") == number
    assert form.pack(number) == bytes.fromhex(packed)


def test_numbers_that_are_none() -> None:
    for form, packed in (
        (Format(4, 1, "V"), "0A 10"),
        (Format(4, 1, "V"), "00 00 00"),
        (Format(4, 1, "V", signed=True), "00 FA"),
    ):
        with pytest.raises(FrameError):
            form.number(bytes.fromhex(packed), "")
    for form, number in ((Format(4, 1, "V"), 1000), (Format(4, 1, "V", signed=True), 800), (Format(4, 1, "V"), -1)):
        with pytest.raises(ValueError, match="does not fit"):
            form.pack(number)


@given(times)
def test_times_say_what_was_packed(time: datetime) -> None:
    assert moment(pack_moment(time), "") == time


@given(st.binary(min_size=5, max_size=5))
def test_any_bytes_are_a_time_or_a_problem(data: bytes) -> None:
    try:
        time = moment(data, "x")
    except FrameError as error:
        assert error.code == "time"
    else:
        assert time is None or pack_moment(time) == data


def test_a_block_of_a_load_record() -> None:
    assert RECORD.pack() == BLOCK
    assert records(BLOCK * 2) == [RECORD, RECORD]
    assert records(b"") == []
    wrong = Record(RECORD.time, RECORD.numbers, good=False).pack()
    assert records(wrong) == [Record(RECORD.time, {}, good=False)]


@given(st.lists(st.tuples(times, st.sets(st.sampled_from(sum(CLASSES, ())))), max_size=3), st.integers(0, 799))
def test_load_records_say_what_was_packed(drawn: list[tuple[datetime, set[str]]], number: int) -> None:
    def scaled(name: str) -> float:
        form = format_of(name)
        assert form is not None
        return number / 10**form.decimals

    told = [Record(time, {name: scaled(name) for name in names}) for time, names in drawn]
    assert records(b"".join(record.pack() for record in told)) == told


@given(st.integers(0, len(BLOCK) - 1), st.integers(1, 255))
def test_a_changed_byte_of_a_block_is_a_problem(at: int, change: int) -> None:
    changed = BLOCK[:at] + bytes([BLOCK[at] ^ change]) + BLOCK[at + 1 :]
    with pytest.raises(FrameError):
        records(changed)
    with pytest.raises(FrameError):
        records(BLOCK[: at + 1] if at < len(BLOCK) - 1 else BLOCK + b"\0")


def test_frozen_values() -> None:
    data = bytes.fromhex("50002301 10002201 FFFFFFFF")
    expected = [Value("00010000", 12300.5), Value("00010100", 12200.1), Value("00010200", None)]
    assert frozen_values("05060101", data) == expected
    assert frozen_values("0506043E", bytes.fromhex("01000080")) == [Value("00040000", -0.01)]
    for identifier, wrong in (("05060101", data[:-1]), ("05060901", data), ("05060101", b"")):
        with pytest.raises(FrameError):
            frozen_values(identifier, wrong)


@given(
    st.text("0123456789ABCDEF", min_size=8, max_size=8),
    st.binary(max_size=60),
    st.sampled_from([0x91, 0xB1, 0x92, 0xD1, 0x11, 0x81]),
)
def test_whatever_an_answer_holds_it_is_a_batch_or_a_problem(identifier: str, data: bytes, control: int) -> None:
    for head in (identifier, "060" + identifier[:1] + "0001", "05060" + identifier[:3], "02" + identifier[:6]):
        if not frames.IDENTIFIER.fullmatch(head):
            continue
        problems = Problems()
        batch = decode(Frame(METER, control, bytes.fromhex(head)[::-1] + data).pack(), "here", ARRIVED, problems)
        assert (batch is None) == (len(problems) > 0)


def test_the_zone_is_the_caller_s() -> None:
    problems = Problems()
    payload = answer("06040001", BLOCK)
    for zone, hour in ((timezone(timedelta(hours=8)), 2), (UTC, 10)):
        batch = decode(payload, "here", ARRIVED, problems, zone=zone)
        assert batch is not None
        assert {row["time"] for row in batch.rows.to_pylist()} == {datetime(2026, 7, 19, hour, 15, tzinfo=UTC)}


def test_parts_out_of_order_are_a_problem() -> None:
    first = answer("06040001", BLOCK[:20], more=True)
    for second in (answer("06040001", BLOCK[20:], sequence=2), answer("06040001", BLOCK)):
        assert refused(first + second) == [("value-missing", "06040001")]
    assert refused(answer("06040001", BLOCK[20:], sequence=1)) == [("value-missing", "06040001")]
    assert refused(first) == [("value-missing", f"{METER}.06040001")]
    problems = Problems()
    batch = decode(first + answer("06040001", BLOCK[20:], sequence=1), "here", ARRIVED, problems)
    assert batch is not None
    assert batch.rows.num_rows == 2


def test_an_answer_without_end_is_a_problem_and_costs_no_time() -> None:
    parts = [answer("06040001", bytes(200), more=True, sequence=(number % 255) + 1) for number in range(2_000)]
    assert refused(answer("06040001", b"", more=True) + b"".join(parts))[0] == ("too-large", "06040001")
    many = answer("05060101", bytes(200)) * 2_000
    assert refused(many) == [("value-missing", f"{METER}.05060001")]


def test_a_meter_that_has_nothing_has_no_readings() -> None:
    problems = Problems()
    for payload in (b"", answer("06040001", b""), answer("04000102", bytes.fromhex("563412")), answer("05060001", bytes(5))):
        batch = decode(payload, "here", ARRIVED, problems)
        assert batch is not None
        assert batch.rows.num_rows == 0
