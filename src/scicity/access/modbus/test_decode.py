"""Recorded exchanges, in both framings, and what of them is refused."""
# ruff: noqa: S101

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scicity.access.collecting import Point
from scicity.access.modbus.decode import RTU, TCP, decode
from scicity.kernel.problems import Problems

ARRIVED = datetime(2030, 1, 1, tzinfo=UTC)


def checked(frame: bytes) -> bytes:
    """A frame with its CRC, computed bit by bit."""
    crc = 0xFFFF
    for byte in frame:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return frame + crc.to_bytes(2, "little")


def rtu(unit: int, data: str) -> bytes:
    return checked(bytes([unit]) + bytes.fromhex(data))


def tcp(transaction: int, unit: int, data: str, protocol: int = 0) -> bytes:
    head = b"".join(number.to_bytes(2, "big") for number in (transaction, protocol, len(bytes.fromhex(data)) + 1))
    return head + bytes([unit]) + bytes.fromhex(data)


def values(payload: bytes, *points: Point, framing: str | None = None) -> dict[str, float | None]:
    problems = Problems()
    batch = decode(payload, "here", ARRIVED, problems, points, framing)
    assert batch is not None, list(problems)
    assert {row["time"] for row in batch.rows.to_pylist()} <= {ARRIVED}
    return {row["datastream"]: row["value"] for row in batch.rows.to_pylist()}


def refused(payload: bytes, *points: Point) -> list[tuple[str, int | None, str | None]]:
    problems = Problems()
    assert decode(payload, "here", ARRIVED, problems, points) is None
    return [(problem.code, problem.row, problem.field) for problem in problems]


def test_points_are_read_as_they_are_declared() -> None:
    payload = tcp(1, 3, "0300640006") + tcp(1, 3, "030C 02D2 4996 8000 0005 7FC0 0000")
    points = [
        Point("energy", "3/holding/100/uint32/CDAB", 0.001),
        Point("missing", "3/holding/102/int16/none=8000"),
        Point("on", "3/holding/103/bit/2"),
        Point("unknown", "3/holding/104/float32"),
        Point("half asked for", "3/holding/105/uint32"),
        Point("of another", "4/holding/100/uint16"),
    ]
    assert values(payload, *points) == {"energy": 1234567.89, "missing": None, "on": 1.0, "unknown": None}


def test_a_point_that_cannot_be_read_is_a_problem() -> None:
    payload = rtu(3, "0400640001") + rtu(3, "04020A00")
    assert refused(payload, Point("meter", "3/input/100/bcd16")) == [("value", 2, "meter")]
    assert refused(payload, Point("meter", "3/input/100/int")) == [("value", None, "meter")]


def test_the_framing_is_known_by_the_first_request_or_told() -> None:
    words = "".join(f"{number:04X}" for number in range(6))
    over_tcp, over_rtu = tcp(7, 1, "0300000006") + tcp(7, 1, "030C" + words), rtu(1, "0300000006") + rtu(1, "030C" + words)
    expected = {f"1.holding.{number}": float(number) for number in range(6)}
    for framing in (None, TCP):
        assert values(over_tcp, framing=framing) == expected
    for framing in (None, RTU):
        assert values(over_rtu, framing=framing) == expected
    assert decode(over_tcp, "here", ARRIVED, Problems(), framing=RTU) is None


def test_a_request_over_tcp_whose_header_has_a_right_crc_is_still_one_over_tcp() -> None:
    head = checked(bytes.fromhex("0D03 0000 0006"))
    assert head[6:] == bytes.fromhex("C504")  # stands where TCP has the unit and the function
    request, answer = head + bytes.fromhex("0008 0002"), bytes.fromhex("0D03 0000 0007 C5 04 04 0102 0304")
    assert values(request + answer) == {"197.input.8": 258.0, "197.input.9": 772.0}


def test_an_answer_as_long_as_a_request_is_told_from_one() -> None:
    payload = rtu(1, "0100000018") + rtu(1, "0103FF0000") + rtu(1, "0100180018") + rtu(1, "010300FF00")
    assert sum(value or 0 for value in values(payload).values()) == 16


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (tcp(1, 3, "0300640001", protocol=1), [("syntax", 1, "MBAP")]),
        (tcp(1, 3, "0300640001") + tcp(1, 4, "03020001"), [("syntax", 2, "unit")]),
        (tcp(1, 3, "0300640001") + tcp(1, 3, "04020001"), [("syntax", 2, "3/holding/100-100")]),
        (tcp(1, 3, "0300640001") + tcp(1, 3, "0304 0001 0002"), [("syntax", 2, "3/holding/100-100")]),
        (tcp(1, 3, "0300640001") + tcp(1, 3, "0302 0001 0002"), [("syntax", 2, "3/holding/100-100")]),
        (tcp(1, 3, "0300640001") + tcp(1, 3, "0303 0001 00"), [("syntax", 2, "3/holding/100-100")]),
        (tcp(1, 3, "03FFFF0002"), [("syntax", 1, "request")]),
        (tcp(1, 3, "0300000000"), [("syntax", 1, "request")]),
        (tcp(1, 3, "0100000000"), [("syntax", 1, "request")]),
        (tcp(1, 3, "01000007D1"), [("syntax", 1, "request")]),
        (rtu(3, "04006400017777"), [("syntax", 1, "MBAP")]),
        (rtu(3, "0400640001") + b"\0" + rtu(3, "04020001"), [("syntax", 2, "CRC")]),
        (rtu(3, "0400640001") + rtu(4, "04020001"), [("syntax", 2, "CRC")]),
        (rtu(3, "0400640001") + rtu(3, "04020001") * 2, [("syntax", 3, "CRC")]),
        (rtu(3, "0400640001") * 2 + rtu(3, "04020001"), [("value-missing", 1, "3/input/100-100")]),
        (rtu(3, "0400640001") + rtu(3, "840B"), [("value-missing", 2, "3/input/100-100")]),
    ],
)
def test_an_exchange_that_is_none_says_why(payload: bytes, expected: list[tuple[str, int, str]]) -> None:
    assert refused(payload) == expected


def test_an_empty_exchange_has_no_readings() -> None:
    assert values(b"") == {}


@given(
    st.sampled_from([None, TCP, RTU]), st.lists(st.binary(max_size=12) | st.sampled_from([rtu(1, "0100000018")]), max_size=6)
)
def test_whatever_comes_is_a_batch_or_a_problem(framing: str | None, pieces: list[bytes]) -> None:
    problems = Problems()
    batch = decode(b"".join(pieces), "here", ARRIVED, problems, framing=framing)
    assert (batch is None) == (len(problems) > 0)


@pytest.mark.parametrize(
    "payload", [b"\0" * 12, rtu(1, "0300000001"), tcp(1, 1, "0300000001"), tcp(1, 1, "03020001")], ids=range(4)
)
def test_megabytes_of_the_same_are_a_problem(payload: bytes) -> None:
    assert len(refused(payload * (500_000 // len(payload)))) <= 200
