"""Known answers of printed numbers, and of the intervals that statements leave open."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scicity.domains.evidence.methods import numerals
from scicity.domains.evidence.methods.claims import intervals, likeness, period_of

READ = [
    ("70", 70), ("1,200.5", Decimal("1200.5")), ("十五", 15), ("二十", 20), ("两", 2), ("双", 2), ("千余", 1000),
    ("千万", 10_000_000),    ("二千零二十四", 2024), ("三万五千", 35_000), ("III", 3),
    ("首批", 1), ("唯一", 1), ("1+1", 2), ("2.0", 2),
    ("-6.88", Decimal("-6.88")),    ("一百零二", 102), ("38.3%", Decimal("38.3")), ("４０", 40),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), READ)
def test_printed_numbers_are_read(text: str, value: Decimal) -> None:
    number = numerals.read(text)
    assert number is not None
    assert number.value == value


def test_ranges_fractions_and_what_is_no_number() -> None:
    both = numerals.read("95%-100%")
    assert both is not None
    assert (both.value, both.high) == (95, 100)
    third = numerals.read("三分之一")
    assert third is not None
    assert round(third.value, 4) == Decimal("0.3333")
    assert [numerals.read(text) for text in ("", "若干", "约", "零分之一", "1" * 50, "1.2.3.4")] == [None] * 6


@pytest.mark.parametrize(
    ("printed", "quote", "whole"),
    [("40", "140 余家", False), ("140", "140 余家", True), ("五", "十五年", False), ("42", "图 37 42 公里", True),
     ("7.1", "27.1 微克", False),     ("46", "（个）\t46\t46", True), ("3", "3.5万人", False), ("3", "三条", False)],
)  # fmt: skip
def test_a_number_stands_whole_or_as_a_part_of_another(printed: str, quote: str, whole: bool) -> None:
    assert numerals.stands_whole(printed, quote) is whole


@given(st.text(max_size=60))
def test_any_text_is_read_or_none_and_never_fails(text: str) -> None:
    numerals.read(text)
    numerals.stands_whole(text, text)


def test_intervals_are_half_a_digit_and_what_the_words_say() -> None:
    value, step = np.array([27.1, 28.0, 90.0, 40.0, 250.0, 70.0]), np.array([0.1, 1.0, 1.0, 1.0, 1.0, 0.0])
    low, high = intervals(value, step, ["=", "~", "over", ">=", "<", "="])
    assert np.allclose(low[:4], [27.05, 26.6, 90, 40])
    assert np.allclose([high[0], high[1], high[4], high[5]], [27.15, 29.4, 250, 70])
    assert (high[2], high[3], low[4]) == (np.inf, np.inf, -np.inf)


def test_periods_and_days_that_no_calendar_has() -> None:
    assert period_of("2024-02") == (period_of("2024-02-01")[0], period_of("2024-02-29")[0])  # type: ignore[index]
    assert period_of("") is None
    for wrong in ("2023-02-30", "2023-13", "spring", "2024-1"):
        with pytest.raises(ValueError, match=r"."):
            period_of(wrong)


def test_subjects_are_alike_by_their_signs_and_never_where_their_numbers_differ() -> None:
    assert likeness("创新人才队伍", "创新人才团队") == pytest.approx(0.6)
    assert likeness("论坛（2016）", "论坛（2018）") == 0
    assert likeness("东区", "西区") == 0
