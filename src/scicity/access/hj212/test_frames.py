"""Packets, streams, answers and split messages, and what a hostile sender may try."""
# ruff: noqa: S101

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scicity.access.hj212.decode import decode
from scicity.access.hj212.frames import (
    HEADER_BYTES,
    LONGEST_DATA,
    TAIL_BYTES,
    Message,
    Packet,
    Parts,
    Skipped,
    Splitter,
    answer,
    crc16,
    due,
    pack,
    parse,
)
from scicity.kernel.problems import Problems

OFFICIAL = b"QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;CP=&&RtdInterval=30&&"
HOUR = Message("22", "2061", "S1", b"DataTime=20230531130000;a34004-Avg=12.5,a34004-Cou=3", flag=4)
ARRIVED = datetime(2030, 1, 1, tzinfo=UTC)
SIZE = 10_000_000  # [byte]

rubbish = st.one_of(
    st.binary(max_size=20),
    st.sampled_from([b"#", b"##", b"###", b"##00", b"##0005", b"##9999", b"##0002ab0000\r\n", b"\r\n", pack(OFFICIAL)[:50]]),
)
whole = st.one_of(st.just(OFFICIAL), st.text("#a0;=&", max_size=30).map(str.encode)).map(pack)
damaged = st.tuples(whole, st.integers(0, 200), st.integers(1, 255)).map(
    lambda drawn: bytes(byte ^ (drawn[2] if at == drawn[1] % len(drawn[0]) else 0) for at, byte in enumerate(drawn[0]))
)
streams = st.lists(st.one_of(rubbish, whole, damaged), max_size=8).map(b"".join)


def split(*chunks: bytes) -> list[Packet | Skipped]:
    splitter = Splitter()
    found = [each for chunk in chunks for each in splitter.feed(chunk)]
    return found + splitter.close()


def values(payload: bytes, **options: timedelta | timezone) -> dict[tuple[str, str], float | None]:
    problems = Problems()
    batch = decode(payload, "here", ARRIVED, problems, **options)  # type: ignore[arg-type]
    assert batch is not None, list(problems)
    return {(row["datastream"], row["time"].isoformat()[:16]): row["value"] for row in batch.rows.to_pylist()}


def refused(payload: bytes) -> list[str]:
    problems = Problems()
    assert decode(payload, "here", ARRIVED, problems) is None
    return [problem.code for problem in problems]


def test_the_standard_s_own_packet() -> None:
    assert (len(OFFICIAL), crc16(OFFICIAL)) == (101, 0x1C80)
    assert pack(OFFICIAL) == b"##0101" + OFFICIAL + b"1C80\r\n"
    message = parse(OFFICIAL)
    assert (message.edition, message.wants_answer, message.content) == ("2017", True, b"RtdInterval=30")
    assert message.data() == OFFICIAL


@given(st.binary(max_size=40))
def test_the_check_is_what_the_standard_says_bit_by_bit(data: bytes) -> None:
    crc = 0xFFFF
    for byte in data:
        crc = (crc >> 8) ^ byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    assert crc16(data) == crc


@given(streams, st.lists(st.integers(0, 400), max_size=10))
def test_a_stream_is_split_the_same_however_its_bytes_arrive(stream: bytes, cuts: list[int]) -> None:
    at = [0, *sorted(cuts), len(stream)]
    found = split(stream)
    assert split(*(stream[begin:end] for begin, end in pairwise(at))) == found
    assert split(*(bytes([byte]) for byte in stream)) == found
    end = 0
    for each in found:  # every byte is told of once
        assert each.offset == end
        end += each.count if isinstance(each, Skipped) else HEADER_BYTES + len(each.data) + TAIL_BYTES
    assert end == len(stream)


@given(st.binary(max_size=60).filter(lambda before: b"#" not in before), st.lists(whole, min_size=1, max_size=4))
def test_packets_behind_rubbish_are_found(before: bytes, packets: list[bytes]) -> None:
    found = [each for each in split(before + b"".join(packets)) if isinstance(each, Packet)]
    assert [pack(each.data) for each in found] == packets


def test_a_packet_that_was_cut_short_costs_only_itself() -> None:
    packet = pack(OFFICIAL)
    for end in range(len(packet)):
        found = split(packet[:end] + packet)
        assert isinstance(found[-1], Packet)
        assert all(isinstance(each, Skipped) for each in found[:-1])


def test_what_of_a_stream_is_left_is_kept() -> None:
    splitter, packet = Splitter(), pack(OFFICIAL)
    assert splitter.feed(b"x" + packet[:30]) == []
    assert (splitter.left, splitter.offset) == (packet[:30], 1)
    assert splitter.feed(packet[30:]) == [Skipped(0, 1, "rubbish", b"x"), Packet(1, OFFICIAL)]
    assert (splitter.left, splitter.close()) == (b"", [])


@pytest.mark.parametrize(
    "stream",
    [b"#", b"##", b"##9999", b"##0000", b"##0000FFFF\r\n", b"##0000FFFE\r\n", b"a", b"##9999" + b"a" * 9989 + b"0000\r\n"],
    ids=range(8),
)
def test_a_stream_without_end_is_neither_kept_nor_slow(stream: bytes) -> None:
    splitter = Splitter()
    repeated = stream * (SIZE // 10 // len(stream))
    for begin in range(0, len(repeated), 65536):
        splitter.feed(repeated[begin : begin + 65536])
        assert len(splitter.left) <= LONGEST_DATA + HEADER_BYTES + TAIL_BYTES


@pytest.mark.parametrize("stream", [b"a", b"#", b"##9999" + b"a" * 500, random.Random(1).randbytes(1000)], ids=range(4))  # noqa: S311
def test_ten_megabytes_of_rubbish_are_a_problem(stream: bytes) -> None:
    assert set(refused(b"##9999" + stream * (SIZE // len(stream)))) == {"syntax"}


def test_what_cannot_be_packed() -> None:
    for data in (b"a" * 10_000, b"a##0001"):
        with pytest.raises(ValueError, match="9999 bytes"):
            pack(data)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "syntax"),
        (b"ST=22;CN=2011;MN=a;CP=&&", "syntax"),
        (b"ST=22;CN=2011;MN=a;CP=&&a=1&&b=2&&", "syntax"),
        (b"ST=22;CN=2011;MN=a;CP=&&CP=&&&&&&", "syntax"),
        (b"ST=22;CN=2011;what;MN=a;CP=&&&&", "syntax"),
        (b"ST=22;CN=2011;CN=2011;MN=a;CP=&&&&", "key-twice"),
        (b"ST=22;CN=2011;CP=&&&&", "field-missing"),
        (b"ST=22;CN=2011;MN=a;Flag=6;CP=&&&&", "field-missing"),
        (b"ST=22;CN=2011;MN=a;Flag=-1;CP=&&&&", "value"),
        (b"ST=22;CN=2011;MN=a.b;CP=&&&&", "value"),
        (b"ST=22;CN=2011;PW=" + b"x" * 9000 + b";MN=a;CP=&&&&", "value"),
        (b"ST=22;CN=2011;MN=a;Flag=256;CP=&&&&", "range"),
        (b"ST=22;CN=2011;MN=a;PNUM=2;PNO=3;CP=&&&&", "range"),
        (b"ST=22;CN=2011;MN=a;PNUM=0;PNO=0;CP=&&&&", "range"),
        (b"ST=22;CN=2011;MN=\xff;CP=&&&&", "encoding"),
        (b"ST=22;CN=2011;MN=a;CP=&&DataTime=20230531130000;a-Rtd=\xff&&", "encoding"),
        (b"ST=22;CN=2011;MN=a;Flag=8;CP=&&\x9f\x01\xff&&", "syntax"),
        (b"ST=22;CN=2011;MN=a;CP=&&DataTime=20230531130000;a-Rtd=1e400&&", "value"),
        (b"ST=22;CN=2011;MN=a;CP=&&DataTime=20230531130000;a-Rtd=1_0&&", "value"),
        (b"ST=22;CN=2011;MN=a;CP=&&DataTime=20230531130000;a-Rtd=" + b"9" * 9000 + b"&&", "value"),
        (b"ST=22;CN=2011;MN=a;CP=&&DataTime=20230531130000;a-Rtd=&&", "value"),
        (b"ST=22;CN=2011;MN=a;CP=&&DataTime=20230531130000;a.b-Rtd=1&&", "value"),
        (b"ST=22;CN=2011;MN=a;CP=&&DataTime=20230531130000;DataTime=20230531130000&&", "key-twice"),
        (b"ST=22;CN=2011;MN=a;CP=&&DataTime=00010101000000;a-Rtd=1&&", "time"),
        (b"ST=22;CN=2031;MN=a;CP=&&DataTime=99991231230000;a-Cou=1&&", "time"),
    ],
    ids=range(25),
)
def test_a_message_that_is_none_says_why(data: bytes, code: str) -> None:
    assert refused(pack(data)) == [code]


@settings(deadline=None)  # the first batch of a process loads much of pyarrow
@given(st.binary(max_size=80), st.sampled_from([b"2011", b"2061", b"9015"]))
def test_whatever_a_content_holds_it_is_a_batch_or_a_problem(content: bytes, command: bytes) -> None:
    problems = Problems()
    payload = b"ST=22;CN=%b;MN=a;CP=&&DataTime=20230531130000;%b&&" % (command, content)
    batch = decode(b"##%04d%b%04X\r\n" % (len(payload), payload, crc16(payload)), "here", ARRIVED, problems)
    assert (batch is None) == (len(problems) > 0)


def test_a_password_is_not_in_a_problem() -> None:
    problems = Problems()
    decode(pack(OFFICIAL)[:-4] + b"00\r\n", "here", ARRIVED, problems)
    assert "CN=1062" in str(next(iter(problems)))
    assert "100000" not in str(next(iter(problems)))


def test_a_number_as_large_as_can_be_is_one_and_a_flagged_value_is_not() -> None:
    content = b"DataTime=20230531130000;a-Rtd=1e308;b-Rtd=-,b-Flag=D;c-Rtd=5;c-Flag=N;d-Rtd=7,d-Flag=n"
    assert list(values(pack(Message("22", "2011", "S1", content).data())).values()) == [1e308, None, 5.0, None]


def test_times_are_the_caller_s_and_totals_stand_at_the_end_of_their_period() -> None:
    assert values(pack(HOUR.data())) == {
        ("S1.a34004.hour.avg", "2023-05-31T05:00"): 12.5,
        ("S1.a34004.hour.cou", "2023-05-31T06:00"): 3.0,
    }
    assert ("S1.a34004.hour.avg", "2023-05-31T13:00") in values(pack(HOUR.data()), zone=timezone(timedelta(0)))
    minute = pack(HOUR.data().replace(b"CN=2061", b"CN=2051"))
    assert list(values(minute)) == [("S1.a34004.minute.avg", "2023-05-31T05:00")]
    assert ("S1.a34004.minute.cou", "2023-05-31T05:10") in values(minute, interval=timedelta(minutes=10))


def test_a_full_collection_of_problems_lets_nothing_through() -> None:
    problems = Problems()
    for _ in range(300):
        assert decode(pack(HOUR.data()) + b"x", "here", ARRIVED, problems) is None


def test_requests_have_no_readings() -> None:
    for content in (b"", b"BeginTime=20230531130000,EndTime=20230531140000"):
        assert values(pack(Message("22", "2061", "S1", content, flag=5).data())) == {}


def part(number: int, content: bytes = b"a-Avg=1", of: int = 3, request: str = "20230531140000001") -> Message:
    return Message("22", "2061", "S1", content, request, flag=6, parts=of, number=number)


@given(st.permutations([1, 2, 3, 1, 2, 3]))
def test_parts_are_put_together_in_any_order(order: list[int]) -> None:
    parts, whole = Parts(), []
    for number in order:
        whole += [got] if (got := parts.add(part(number))) else []
        whole += [got] if (got := parts.add(part(number, request="another", of=4))) else []
    assert whole[0] == tuple(part(number) for number in (1, 2, 3))
    assert [len(each) for each in parts.waiting() if each[0].parts == 4] == [3]


def test_a_part_that_comes_again_as_another_begins_anew_and_what_waits_is_bounded() -> None:
    parts = Parts()
    assert not parts.add(part(1)) + parts.add(part(2)) + parts.add(part(1, b"a-Avg=2"))
    assert parts.waiting() == [(part(1, b"a-Avg=2"),)]
    for number in range(1000):
        parts.add(part(1, b"x" * 9000, request=str(number)))
    assert len(parts.waiting()) == 256
    assert parts.dropped == 2 + 1 + 1000 - 256
    for number in range(1, 1000):
        parts.add(part(number, b"x" * 9000, of=5000))
    assert sum(len(each.content) for each in sum(parts.waiting(), ())) < 4_000_000


def test_no_part_is_lost_in_silence() -> None:
    first, other, second = (pack(part(*which, of=2).data()) for which in ((1, b"a=1"), (1, b"a=2"), (2, b"b=1")))
    assert refused(first + other + second) == ["value-missing"]


def test_parts_go_on_with_the_time_before() -> None:
    first, second = part(1, b"DataTime=20230531130000;a-Avg=1", of=2), part(2, b"a-Flag=D;b-Avg=2", of=2)
    found = values(pack(second.data()) + pack(first.data()))
    assert found == {("S1.a.hour.avg", "2023-05-31T05:00"): None, ("S1.b.hour.avg", "2023-05-31T05:00"): 2.0}
    assert refused(pack(first.data()) + pack(part(2, b"a-Avg=1", of=2).data())) == ["key-twice"]


def test_answers() -> None:
    message = parse(OFFICIAL)
    same = b"QN=20160801085857223;ST=91;CN=%b;PW=100000;MN=010000A8900016F000169DC0;Flag=4;CP=&&%b&&"
    assert answer(message, "9011") == pack(same % (b"9011", b"QnRtn=1"))
    assert answer(message, "9012", 2) == pack(same % (b"9012", b"ExeRtn=2"))
    assert answer(message, "9014") == pack(same % (b"9014", b""))
    old = Message("32", "1000", "88888880000001", request="20040516010101001", password="123456", flag=3, parts=1)  # noqa: S106
    said = b"ST=91;CN=9011;PW=123456;MN=88888880000001;Flag=0;CP=&&QN=20040516010101001;QnRtn=1&&"
    assert answer(old, "9011") == pack(said)
    with pytest.raises(ValueError, match="no answer"):
        answer(message, "2011")


@pytest.mark.parametrize(
    ("command", "flag", "expected"),
    [("2011", 5, "9014"), ("2061", 4, ""), ("9015", 9, "9013"), ("1013", 5, "9013"), ("9014", 5, ""), ("3019", 5, "")],
)
def test_the_answer_that_is_due(command: str, flag: int, expected: str) -> None:
    assert due(Message("22", command, "S1", flag=flag)) == expected
