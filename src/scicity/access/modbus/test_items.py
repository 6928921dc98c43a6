"""Items, values in every type and order, addresses, and which requests read which points."""
# ruff: noqa: S101

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scicity.access.collecting import Point
from scicity.access.modbus.address import Address, address
from scicity.access.modbus.items import BITS, ORDERS, REGISTERS, Item, parse, refused
from scicity.access.modbus.planning import MOST_BITS, MOST_REGISTERS, Gap, Request, Wanted, gap, plan, split, touched
from scicity.access.modbus.values import scaled, value_of, words_of

LIMITS = {"uint16": (0, 2**16 - 1), "int16": (-(2**15), 2**15 - 1), "uint32": (0, 2**32 - 1), "int32": (-(2**31), 2**31 - 1)}
LIMITS |= {"uint64": (0, 2**64 - 1), "int64": (-(2**63), 2**63 - 1), "bcd16": (0, 9999), "bcd32": (0, 99_999_999)}

spans = st.tuples(
    st.integers(1, 2),
    st.sampled_from(["holding", "coil"]),
    st.one_of(st.integers(0, 300), st.integers(0, 5000), st.integers(65500, 65532)),
    st.sampled_from([kind for kind in REGISTERS if kind != "bit"]),
).map(lambda drawn: Item(*drawn[:3], "bit" if drawn[1] == "coil" else drawn[3]))
gaps_ = st.lists(
    st.builds(
        lambda unit, table, first, more: Gap(unit, table, first, first + more),
        st.sampled_from([1, None]),
        st.sampled_from(["holding", "coil"]),
        st.integers(0, 300),
        st.integers(0, 20),
    ),
    max_size=4,
)


def points(items: list[Item]) -> list[Wanted]:
    return [Wanted(Point(str(number), "-"), item) for number, item in enumerate(items)]


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("1/holding/0/uint16", "FFFE", 65534),
        ("1/holding/0/int16", "FFFE", -2),
        ("1/holding/0/uint16/BADC", "3412", 0x1234),
        ("1/holding/0/uint32", "499602D2", 1234567890),
        ("1/holding/0/uint32/CDAB", "02D24996", 1234567890),
        ("1/holding/0/uint32/BADC", "9649D202", 1234567890),
        ("1/holding/0/uint32/DCBA", "D2029649", 1234567890),
        ("1/holding/0/uint32", "FFFFFFFF", 4294967295),
        ("1/holding/0/int32", "FFFFFFFE", -2),
        ("1/holding/0/int32/CDAB", "FFFEFFFF", -2),
        ("1/holding/0/float32", "42F6E979", 123.45600128173828),
        ("1/holding/0/float32/CDAB", "E97942F6", 123.45600128173828),
        ("1/holding/0/float32/BADC", "F64279E9", 123.45600128173828),
        ("1/holding/0/float32/DCBA", "79E9F642", 123.45600128173828),
        ("1/holding/0/uint64", "1122334455667788", 0x1122334455667788),
        ("1/holding/0/uint64/CDAB", "7788556633441122", 0x1122334455667788),
        ("1/holding/0/uint64/BADC", "2211443366558877", 0x1122334455667788),
        ("1/holding/0/uint64/DCBA", "8877665544332211", 0x1122334455667788),
        ("1/holding/0/int64", "FFFFFFFFFFFFFFFE", -2),
        ("1/holding/0/float64", "400921FB54442D18", math.pi),
        ("1/holding/0/float64/CDAB", "2D18544421FB4009", math.pi),
        ("1/holding/0/bcd16", "1234", 1234),
        ("1/holding/0/bcd16/BADC", "3412", 1234),
        ("1/holding/0/bcd32", "00123456", 123456),
        ("1/holding/0/bcd32/CDAB", "34560012", 123456),
        ("1/holding/0/bit/15", "8000", 1),
        ("1/holding/0/bit/0", "8000", 0),
        ("1/holding/0/float32", "7FC00000", None),
        ("1/holding/0/float32", "7F800000", None),
        ("1/holding/0/float32", "FF800000", None),
        ("1/holding/0/float64", "FFF0000000000000", None),
        ("1/holding/0/int16", "8000", -32768),
        ("1/holding/0/int16/none=8000", "8000", None),
        ("1/holding/0/uint16/none=ffff,FFFE", "FFFE", None),
        ("1/holding/0/uint32/CDAB/none=FFFFFFFE", "FFFEFFFF", None),
        ("1/holding/0/uint32/none=FFFFFFFE", "FFFEFFFF", 0xFFFEFFFF),
    ],
)
def test_what_words_say(text: str, words: str, expected: float | None) -> None:
    numbers = [int(words[at : at + 4], 16) for at in range(0, len(words), 4)]
    assert value_of(parse(text), numbers) == expected


@pytest.mark.parametrize("words", [[0x12A4], [0xF000]])
def test_a_bcd_number_of_other_digits_is_none(words: list[int]) -> None:
    with pytest.raises(ValueError, match="digits 0 to 9"):
        value_of(parse("1/holding/0/bcd16"), words)


@given(st.sampled_from(sorted(LIMITS)), st.sampled_from(ORDERS), st.data())
def test_every_integer_comes_back_as_it_was(kind: str, order: str, data: st.DataObject) -> None:
    item, value = Item(1, "holding", 0, kind, order), data.draw(st.integers(*LIMITS[kind]))
    assert value_of(item, words_of(item, value)) == value


@given(st.sampled_from([("float32", 32), ("float64", 64)]), st.sampled_from(ORDERS), st.data())
def test_every_real_comes_back_as_it_was(kind: tuple[str, int], order: str, data: st.DataObject) -> None:
    item, value = (
        Item(1, "input", 0, kind[0], order),
        data.draw(st.floats(width=kind[1], allow_nan=False, allow_infinity=False)),
    )
    assert value_of(item, words_of(item, value)) == value


@given(st.sampled_from(sorted(REGISTERS)), st.sampled_from(ORDERS), st.lists(st.integers(0, 65535), min_size=4, max_size=4))
def test_any_words_are_a_finite_value_or_none_or_refused(kind: str, order: str, words: list[int]) -> None:
    item = Item(1, "holding", 0, kind, order, 3 if kind == "bit" else None)
    try:
        value = value_of(item, words[: item.count])
    except ValueError:
        assert kind.startswith("bcd")
    else:
        assert value is None or math.isfinite(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(("1/holding/0/uint16", -1), ("1/holding/0/int16", 40000), ("1/holding/0/bcd16", 10000), ("1/holding/0/bcd16", -1)),
        *(("1/holding/0/float32", 1e300), ("1/holding/0/uint16", None), ("1/holding/0/bit/2", None)),
    ],
)
def test_what_a_type_cannot_say_is_refused(text: str, value: float | None) -> None:
    with pytest.raises(ValueError, match=r"as |a value"):
        words_of(parse(text), value)


def test_no_value_is_said_as_it_was_declared() -> None:
    assert words_of(parse("1/holding/0/int32/CDAB/none=80000001"), None) == [1, 0x8000]
    assert value_of(parse("1/holding/0/float32"), words_of(parse("1/holding/0/float32"), None)) is None


def test_a_scale_gives_what_a_decimal_would() -> None:
    assert scaled(123456789, 0.001) == 123456.789  # as reals 123456.78900000002 or so
    assert (scaled(3, 0.1), scaled(2**53 + 1, 1.0), scaled(None, 2.0), scaled(0.5, 10.0)) == (0.3, 2.0**53, None, 5.0)
    for value, scale in ((2, 1e308), (1e300, 1e300), (1, math.nan), (1.0, math.inf)):
        with pytest.raises(ValueError):
            scaled(value, scale)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "unit/table"),
        ("1/holding/0", "unit/table"),
        ("1/holding/0/", "unit/table"),
        ("1/holding/0/uint32/ABCD/none=FFFFFFFF/more", "unit/table"),
        ("0/holding/0/uint16", "a unit of 1 to 247"),
        ("248/holding/0/uint16", "a unit of 1 to 247"),
        ("1/holding/-1/uint16", "in digits"),
        ("1/holding/١/uint16", "in digits"),
        ("1/holding/" + "9" * 5000 + "/uint16", "in digits"),
        ("1/Holding/0/uint16", "a table of coil, discrete, holding, input"),
        ("1/holding/0/uint8", "a type of uint16"),
        ("1/coil/0/uint16", "the type bit"),
        ("1/coil/0/bit/3", "nothing behind"),
        ("1/holding/65536/uint16", "ends at 65535"),
        ("1/holding/65535/uint32", "ends at 65535"),
        ("1/holding/0/uint32/ABDC", "an order of ABCD"),
        ("1/holding/0/bit", "number of the bit"),
        ("1/holding/0/bit/16", "number of the bit"),
        ("1/holding/0/int16/none=80", "4 hex digits"),
        ("1/holding/0/int16/ABCD/8000", "4 hex digits"),
        ("1/holding/0/int16/none=8000/ABCD", "unit/table"),
    ],
)
def test_an_item_that_cannot_be_read_says_what_was_expected(text: str, told: str) -> None:
    assert told in refused(text)


@pytest.mark.parametrize(
    "text",
    ["1/holding/65534/uint32/DCBA", "255/coil/0/bit", "247/input/7/bit/0", "1/holding/0/uint32/CDAB/none=FFFFFFFF,0000000A"],
)
def test_an_item_that_can_be_read_is_not_refused(text: str) -> None:
    assert refused(text) == ""


@given(st.text(max_size=40))
def test_whatever_is_written_is_an_item_or_refused(text: str) -> None:
    for written in (text, f"1/holding/{text}", f"1/holding/0/uint16/{text}"):
        if not refused(written):
            parse(written)


def test_addresses() -> None:
    assert address("tcp://meter:502") == Address("tcp", "meter", 502)
    told = address("rtu+tcp://[::1]:4001?timeout=0.5&bridge=8&gap=1/holding/40-49&gap=*/input/0-0")
    expected = Address("rtu", "::1", 4001, 0.5, 8, (Gap(1, "holding", 40, 49), Gap(None, "input", 0, 0)))
    assert told == expected


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "meter:502",
            "tcp://meter",
            "tcp://:502",
            "tcp://meter:0",
            "tcp://meter:65536",
            "tcp://meter:x",
            "udp://meter:502",
        ),
        *("tcp://a:b@meter:502", "tcp://meter:502/x", "tcp://meter:502?timeout=nan", "tcp://meter:502?timeout=0"),
        *("tcp://meter:502?bridge=-1", "tcp://meter:502?bridge=126", "tcp://meter:502?what=1", "tcp://[meter:502"),
        *("tcp://meter:502?gap=1/holding/9-8", "tcp://meter:502?gap=0/holding/1-2", "tcp://meter:502?gap=1/x/1-2"),
    ],
)
def test_an_address_that_cannot_be_read_says_what_was_expected(text: str) -> None:
    with pytest.raises(ValueError, match=r"host|timeout|bridge|unit/table"):
        address(text)


@given(st.lists(spans, max_size=60), st.integers(0, 20), gaps_)
def test_every_point_is_read_by_one_request_and_none_is_too_long_or_in_a_gap(
    items: list[Item], bridge: int, gaps: list[Gap]
) -> None:
    wanted = points([item for item in items if not touched(item.unit, item.table, item.address, item.end, gaps)])
    requests = plan(wanted, bridge, gaps)
    assert Counter(each for request in requests for each in request.wanted) == Counter(wanted)
    for request in requests:
        end = request.address + request.count
        assert 1 <= request.count <= (MOST_BITS if request.table in BITS else MOST_REGISTERS)
        assert request.address >= 0
        assert end <= 65536
        assert not touched(request.unit, request.table, request.address, end, gaps)
        covered = {request.address - 1}
        for item in (each.item for each in request.wanted):
            assert (item.unit, item.table) == (request.unit, request.table)
            assert request.address <= item.address < item.end <= end
            covered |= set(range(item.address, item.end))
        holes = sorted(covered)
        assert all(after - before - 1 <= bridge for before, after in zip(holes, [*holes[1:], end], strict=True))


@given(st.lists(spans, min_size=1, max_size=40), st.integers(0, 125))
def test_a_request_that_is_split_again_and_again_ends_at_single_places(items: list[Item], bridge: int) -> None:
    for request in plan(points(items), bridge):
        waiting, ends, times = [request], list[Request](), 0
        while waiting:
            times += 1
            parts = split(waiting.pop())
            if parts is None:
                continue
            ends += parts
            waiting += parts
            assert all(part.count <= request.count and len(part.wanted) < len(request.wanted) for part in parts)
        assert times <= 2 * len(request.wanted)
        single = [part for part in (request, *ends) if split(part) is None]
        assert Counter(each for part in single for each in part.wanted) == Counter(request.wanted)
        assert all(
            (each.item.address, each.item.end) == (part.address, part.address + part.count)
            for part in single
            for each in part.wanted
        )


def test_no_fewer_requests_would_do() -> None:
    run = [Item(1, "holding", address, "uint16") for address in range(251)]
    assert [(each.address, each.count) for each in plan(points(run))] == [(0, 125), (125, 125), (250, 1)]
    wide = [Item(1, "holding", address, "uint64") for address in range(0, 128, 4)]
    assert [each.count for each in plan(points(wide))] == [124, 4]
    bits = [Item(1, "coil", address, "bit") for address in range(2001)]
    assert [each.count for each in plan(points(bits))] == [2000, 1]
    apart = points([Item(1, "input", 0, "uint16"), Item(1, "input", 9, "uint16")])
    assert [len(plan(apart, bridge)) for bridge in (0, 7, 8)] == [2, 2, 1]
    assert len(plan(apart, 8, [gap("*/input/4-4")])) == 2
    assert len(plan(apart, 8, [gap("2/input/4-4"), gap("1/holding/4-4")])) == 1


def test_a_request_is_split_at_its_widest_gap() -> None:
    (request,) = plan(points([Item(1, "holding", address, "uint16") for address in (0, 1, 3, 4, 5, 9)]), 10)
    parts = split(request)
    assert parts is not None
    assert [(part.address, part.count) for part in parts] == [(0, 6), (9, 1)]
    (dense,) = plan(points([Item(1, "holding", address, "uint16") for address in range(7)]))
    halves = split(dense)
    assert halves is not None
    assert sorted(part.count for part in halves) == [3, 4]
