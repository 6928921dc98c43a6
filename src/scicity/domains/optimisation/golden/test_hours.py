"""Hours, months, days of the year and prices as registers write them."""

import numpy as np
import pytest

from scicity.domains.optimisation.methods import hours


@pytest.mark.parametrize(
    ("text", "named"),
    [("10-13", [10, 11, 12]), ("23-2", [23, 0, 1]), ("7", [7]), ("0-24", list(range(24))), ("8-9;20-22", [8, 20, 21])],
)
def test_hours(text: str, named: list[int]) -> None:
    assert np.flatnonzero(hours.hours_of(text)).tolist() == sorted(named)


@pytest.mark.parametrize(("text", "named"), [("7;8", [7, 8]), ("11-2", [1, 2, 11, 12]), ("3-5", [3, 4, 5])])
def test_months(text: str, named: list[int]) -> None:
    assert (np.flatnonzero(hours.months_of(text)) + 1).tolist() == named


@pytest.mark.parametrize("text", ["25", "5-5", "a", "1-2-3", "", "-1", "10-13;", "1" * 400])
def test_what_is_no_hour(text: str) -> None:
    with pytest.raises(ValueError):
        hours.hours_of(text)


@pytest.mark.parametrize("text", ["0", "13", "1-13", "x"])
def test_what_is_no_month(text: str) -> None:
    with pytest.raises(ValueError, match=text):
        hours.months_of(text)


def test_days_of_the_year_go_over_new_year() -> None:
    first, last = hours.day_of("11-15"), hours.day_of("03-15")
    days = np.array([1114, 1115, 1231, 101, 315, 316, 701])
    assert hours.within(days, first, last).tolist() == [False, True, True, True, True, False, False]
    for wrong in ("13-01", "02-30", "1-1", "x", "11-15-01"):
        with pytest.raises(ValueError, match=wrong):
            hours.day_of(wrong)


def row(months: str | None, of_day: str | None, price: float, begin: int = 0, end: int | None = None) -> dict[str, object]:
    told = {"tariff_months": months, "tariff_hours": of_day, "unit_price": price}
    return told | {"valid_from": begin, "valid_to": end}


def test_prices_hold_from_their_day_on_and_are_unknown_before() -> None:
    rows = [row(None, "8-20", 1.2, 100), row(None, "20-8", 0.4, 100, 900), row(None, "20-8", 0.5, 900)]
    found = hours.prices(rows, np.array([50, 100, 100, 899, 900]), np.full(5, 7), np.array([9, 9, 21, 21, 21]))
    assert np.isnan(found[0])
    assert found[1:].tolist() == [1.2, 0.4, 0.4, 0.5]


def test_an_hour_with_two_prices_or_none_is_told() -> None:
    assert list(hours.uncovered([row("1-6", "0-12", 1), row("1-6", "12-24", 1), row("7-12", None, 1)])) == []
    told = list(hours.uncovered([row(None, "0-13", 1), row(None, "12-23", 1)]))
    assert (1, 12, 2) in told
    assert (12, 23, 0) in told
    assert len(told) == 24
