"""Known answers of the air-quality methods: the standards' own edges, and what other programs get wrong."""

from __future__ import annotations

import csv
from datetime import date
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from scicity.domains.environment.methods import assessment, daily, exact, index, standards

STANDARDS = Path(standards.__file__).parent.parent / "standards"
EPOCH = date(1970, 1, 1)
M = exact.MILLIONTHS


def rows(name: str) -> list[dict[str, object]]:
    with (STANDARDS / name).open(encoding="utf-8", newline="") as file:
        found: list[dict[str, object]] = [dict(row) for row in csv.DictReader(file)]
    for row in found:
        for column in ("valid_from", "valid_to"):
            if column in row:
                row[column] = date.fromisoformat(str(row[column])) if row[column] else None
    return found


def cuts(document: str) -> dict[tuple[str, str], standards.Cuts]:
    return standards.cuts_of(rows("breakpoints.csv"), rows("beyond.csv"), document)


def iaqi(document: str, pollutant: str, averaging: str, value: float) -> int | None:
    """The sub-index of an unrounded concentration in the unit of the standard (CO mg/m³, the others µg/m³)."""
    edition = "2012" if document.endswith("2012") else "2026-transition"
    step = standards.steps_of(rows("rounding.csv"), edition, "day")[pollutant]
    scaled = round(value * (1000 if pollutant == "co" else 1) * M)
    rounded = exact.half_even(np.array([scaled]), 1, step)
    found, known = index.sub_index(rounded, np.array([True]), cuts(document)[pollutant, averaging])
    return int(found[0]) if known[0] else None


@pytest.mark.parametrize(
    ("value", "step", "expected"),
    [
        (0.5, 1, 0), (1.5, 1, 2), (2.5, 1, 2), (35.4, 1, 35), (35.5, 1, 36), (34.5, 1, 34), (34.500001, 1, 35),
        (1050.0, 100, 1000), (1150.0, 100, 1200), (1050.000001, 100, 1100), (4049.9, 100, 4000),
    ],
)  # fmt: skip
def test_rounds_half_to_even(value: float, step: int, expected: float) -> None:
    assert exact.half_even(np.array([round(value * M)]), 1, step * M)[0] == expected * M


def test_rounds_the_quotient_once() -> None:
    # 20 hours that sum to 709.999999: the mean is just below 35.5, which rounding to six places first would lift to 36
    assert exact.half_even(np.array([709_999_999]), 20)[0] == 35_500_000
    assert exact.half_even(np.array([709_999_999]), 20, M)[0] == 35 * M
    with pytest.raises(ValueError, match="positive"):
        exact.half_even(np.array([1]), 0)


def test_negative_and_missing_are_unknown() -> None:
    values, known = exact.in_millionths(np.array([0.0, -1.0, np.nan, np.inf, 0.1 + 0.2]))
    assert known.tolist() == [True, False, False, False, True]
    assert values.tolist() == [0, 0, 0, 0, 300_000]


@pytest.mark.parametrize("document", ["HJ 633-2012", "HJ 633-2026"])
def test_every_cut_gives_its_own_sub_index_and_one_more_step_the_next(document: str) -> None:
    for (pollutant, averaging), scale in cuts(document).items():
        step = 100 * M if pollutant == "co" else M
        known = np.ones(len(scale.concentration), dtype=bool)
        at_cut, _ = index.sub_index(scale.concentration, known, scale)
        assert at_cut.tolist() == scale.sub_index.tolist(), (pollutant, averaging)
        behind, _ = index.sub_index(scale.concentration[:-1] + step, known[:-1], scale)
        assert (behind > scale.sub_index[:-1]).all(), (pollutant, averaging)


@pytest.mark.parametrize(
    ("document", "pollutant", "averaging", "value", "expected"),
    [
        # where aqi-hub 0.3.3 takes the 1 h cuts for the day: 97 and 50
        ("HJ 633-2026", "so2", "day", 475, 150), ("HJ 633-2026", "so2", "day", 150, 100),
        ("HJ 633-2012", "so2", "day", 475, 150), ("HJ 633-2012", "so2", "day", 150, 100),
        # where aqi-hub 0.3.3 does not round first: 51
        ("HJ 633-2026", "pm25", "day", 35.4, 50), ("HJ 633-2026", "pm25", "day", 35.5, 52),
        # the editions differ
        ("HJ 633-2012", "pm25", "day", 75, 100), ("HJ 633-2026", "pm25", "day", 75, 114),
        ("HJ 633-2012", "pm25", "day", 60, 82), ("HJ 633-2026", "pm25", "day", 60, 100),
        ("HJ 633-2012", "pm10", "day", 150, 100), ("HJ 633-2026", "pm10", "day", 150, 112),
        ("HJ 633-2012", "pm10", "day", 120, 85), ("HJ 633-2026", "pm10", "day", 120, 100),
        # CO to one decimal of mg/m³, half to even
        ("HJ 633-2012", "co", "day", 2.05, 50), ("HJ 633-2012", "co", "day", 2.15, 55), ("HJ 633-2012", "co", "day", 2.0, 50),
        ("HJ 633-2012", "co", "day", 4.04, 100), ("HJ 633-2012", "co", "day", 4.06, 101),
        # exactly 55 and 218; in floating point a hair more, which aqi-hub 0.3.3 rounds up
        ("HJ 633-2026", "co", "day", 2.2, 55), ("HJ 633-2026", "co", "hour", 65.4, 218),
        # rounded up
        ("HJ 633-2012", "pm25", "day", 1, 2), ("HJ 633-2012", "no2", "day", 41, 52), ("HJ 633-2012", "o3", "max_8h", 161, 101),
        # the end of the scale
        ("HJ 633-2012", "pm25", "day", 501, 500), ("HJ 633-2026", "o3", "max_8h", 801, 300),
        ("HJ 633-2012", "o3", "max_8h", 801, None), ("HJ 633-2012", "so2", "hour", 801, None),
        ("HJ 633-2026", "so2", "hour", 801, 200), ("HJ 633-2012", "pm25", "day", 0, 0),
    ],
)  # fmt: skip
def test_sub_index(document: str, pollutant: str, averaging: str, value: float, expected: int | None) -> None:
    assert iaqi(document, pollutant, averaging, value) == expected


def test_ozone_above_the_8h_scale_is_told_by_the_hour() -> None:
    scale = cuts("HJ 633-2012")
    known = np.array([True, True, False])
    window = index.sub_index(np.array([810 * M, 215 * M, 0]), known, scale["o3", "max_8h"])
    hour = index.sub_index(np.array([1000 * M, 200 * M, 0]), known, scale["o3", "hour"])
    told, there = index.with_fallback(window, hour, known)
    assert told.tolist() == [400, 150, 0]
    assert there.tolist() == [True, True, False]


def test_the_edition_goes_by_the_date() -> None:
    editions = standards.editions_of(rows("editions.csv"))
    days = ["2012-02-28", "2013-03-01", "2026-02-28", "2026-03-01", "2030-12-31", "2031-01-01", "2099-12-31"]
    place = standards.edition_at(np.array([(date.fromisoformat(d) - EPOCH).days for d in days], dtype=np.int32), editions)
    assert [editions[p].name if p >= 0 else None for p in place] == [
        None, "2012", "2012", "2026-transition", "2026-transition", "2026-final", "2026-final",
    ]  # fmt: skip
    assert editions[1].index == editions[2].index == "HJ 633-2026"


def test_overlapping_editions_are_refused() -> None:
    listed = rows("editions.csv")
    listed[0]["valid_to"] = date(2026, 3, 2)
    with pytest.raises(ValueError, match="overlap"):
        standards.editions_of(listed)


@pytest.mark.parametrize("edition", ["2012", "2026-transition", "2026-final"])
def test_every_edition_is_whole(edition: str) -> None:
    assert standards.capture_of(rows("capture.csv"), edition).day_hours == 20
    assert set(standards.steps_of(rows("rounding.csv"), edition, "year")) == set(standards.POLLUTANTS)
    for grade in (1, 2):
        limits = standards.limits_of(rows("limits.csv"), edition, grade)
        assert len(limits) == 14
        assert limits["co", "day"] == 4000 * M
    assert {row["review"] for row in rows("limits.csv") + rows("capture.csv")} <= {"verified", "unverified"}


def test_a_day_needs_twenty_hours() -> None:
    values = np.full((2, 24), 40 * M)
    known = np.ones((2, 24), dtype=bool)
    known[0, :4], known[1, :5] = False, False
    found = daily.daily_means(values, known, np.array([0]), 20)
    assert found.known[:, 0].tolist() == [True, False]
    assert found.captured[:, 0].tolist() == [20, 19]
    assert found.value[:, 0].tolist() == [40 * M, 0]


def test_days_of_23_and_25_hours_and_a_leap_day() -> None:
    day = np.repeat(np.array([100, 101, 102], dtype=np.int32), [23, 25, 24])
    starts, days = daily.day_starts(day)
    assert starts.tolist() == [0, 23, 48]
    assert days.tolist() == [100, 101, 102]
    values = np.arange(72, dtype=np.int64)[None, :] * M
    found = daily.daily_means(values, np.ones((1, 72), dtype=bool), starts, 20)
    assert found.count[0].tolist() == [23, 25, 24]
    assert found.value[0].tolist() == [11 * M, 35 * M, 59_500_000]
    leap = np.array([(date(2016, 2, 29) - EPOCH).days, (date(2016, 3, 1) - EPOCH).days], dtype=np.int32)
    assert daily.day_starts(np.repeat(leap, 24))[1].tolist() == leap.tolist()


def ozone(values: np.ndarray, known: np.ndarray, **changes: int) -> daily.Days:
    hours = values.shape[1]
    rule = {"window_hours": 6, "day_windows": 14, "first_window_end": 8, **changes}
    return daily.daily_maximum_8h(values, known, np.arange(0, hours, 24), np.arange(hours) % 24, **rule)


def test_8h_means_run_across_midnight() -> None:
    values = np.r_[np.zeros(24), np.full(24, 80.0)][None, :].astype(np.int64) * M
    totals, counts = daily.running_sums(values, np.ones((1, 48), dtype=bool))
    assert totals[0, 23:33].tolist() == [0] + [80 * M * n for n in range(1, 9)] + [640 * M]
    assert counts[0, [0, 5, 7, 30]].tolist() == [1, 6, 8, 8]


def test_the_ozone_day_begins_with_the_mean_that_ends_at_8() -> None:
    values = np.zeros((1, 48), dtype=np.int64)
    values[0, 16:24] = 160 * M  # the evening before: its 8 h means end at midnight and must stay with that day
    found = ozone(values, np.ones((1, 48), dtype=bool))
    assert found.value[0].tolist() == [160 * M, 0]
    assert found.captured[0].tolist() == [17, 17]


def test_an_ozone_day_needs_fourteen_8h_means_of_six_hours() -> None:
    values, known = np.full((2, 24), 100 * M), np.ones((2, 24), dtype=bool)
    known[0, 19:] = False  # means that end at 8..21 have six hours or more: 14
    known[1, 18:] = False  # 13
    found = ozone(values, known)
    assert found.captured[:, 0].tolist() == [14, 13]
    assert found.known[:, 0].tolist() == [True, False]
    assert found.value[:, 0].tolist() == [100 * M, 0]


def test_an_incomplete_ozone_day_above_the_limit_counts() -> None:
    values, known = np.full((2, 24), 161 * M), np.zeros((2, 24), dtype=bool)
    known[:, 10:18] = True
    values[1] = 160 * M
    found = ozone(values, known, certain_above=160 * M)
    assert found.known[:, 0].tolist() == [True, False]


def test_aqi_is_the_highest_and_all_that_reach_it_are_primary() -> None:
    sub = np.array([[60, 50, 40, 200], [60, 50, 60, 10], [10, 10, 10, 10], [0, 0, 0, 0], [0, 0, 0, 0], [5, 5, 5, 5]])
    known = np.ones((6, 4), dtype=bool)
    known[5, 3] = False
    found = index.air_quality_index(sub, known, 6)
    assert found.aqi.tolist() == [60, 50, 60, 0]
    assert found.known.tolist() == [True, True, True, False]
    assert found.at_least.tolist() == [60, 50, 60, 200]
    assert index.primary_names(found.primary, standards.POLLUTANTS) == ["pm25 pm10", "", "pm10", ""]


def test_levels() -> None:
    lower = np.array([int(str(r["aqi_from"])) for r in rows("levels.csv") if r["document"] == "HJ 633-2026"])
    assert index.level(np.array([0, 50, 51, 100, 101, 150, 151, 200, 201, 300, 301, 500]), lower).tolist() == [
        1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6,
    ]  # fmt: skip


def test_a_year_needs_324_days_and_each_month_its_own() -> None:
    full = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    least = np.array([27, 25, 27, 27, 27, 27, 27, 27, 27, 27, 27, 27])  # 322: each month enough, the year not
    exactly, short_month, short_february = least.copy(), full.copy(), full.copy()
    exactly[0] += 2
    short_month[3], short_february[1] = 26, 24
    years = np.array([full, least, exactly, short_month, short_february])
    assert assessment.year_captured(years, 324, 27, 25).tolist() == [True, False, True, False, False]
    exactly[0] -= 1
    assert exactly.sum() == 323
    assert not assessment.year_captured(exactly[None, :], 324, 27, 25)[0]
    assert assessment.month_captured(np.array([27, 26, 25, 24]), np.array([1, 1, 2, 2]), 27, 25).tolist() == [
        True, False, True, False,
    ]  # fmt: skip


def test_percentile_between_neighbours() -> None:
    values = np.r_[np.arange(1, 12), [7], [5, 3]] * M  # 1..11; one value; 3 and 5
    group = np.r_[np.zeros(11), [1], [3, 3]].astype(np.int64)
    found, count = assessment.percentiles(values, group, 4, 90)
    assert found.tolist() == [10 * M, 7 * M, 0, 4_800_000]
    assert count.tolist() == [11, 1, 0, 2]
    shuffled = np.random.default_rng(1).permutation(len(values))
    assert assessment.percentiles(values[shuffled], group[shuffled], 4, 90)[0].tolist() == found.tolist()
    random = np.random.default_rng(2).integers(0, 400, 347) * M
    ours = assessment.percentiles(random, np.zeros(347, dtype=np.int64), 1, 98)[0][0]
    assert ours == pytest.approx(np.percentile(random, 98), abs=1)


def test_the_same_year_meets_one_edition_and_fails_another() -> None:
    reported = np.array([27 * M])
    verdicts = []
    for edition in ("2012", "2026-transition", "2026-final"):
        limit = standards.limits_of(rows("limits.csv"), edition, 2)["pm25", "year"]
        verdicts.append(str(assessment.attainment(reported, np.array([True]), np.array([limit]), np.array([True]))[0]))
    assert verdicts == ["met", "met", "failed"]
    unknown = assessment.attainment(np.array([1, 1]), np.array([False, True]), np.array([2, 2]), np.array([True, False]))
    assert unknown.tolist() == ["not_comparable", "not_comparable"]


def test_share_of_good_days_is_of_valid_days() -> None:
    found, known = assessment.share(np.array([296, 296, 0]), np.array([356, 366, 0]))
    assert found.tolist() == [83_146_067, 80_874_317, 0]
    assert known.tolist() == [True, True, False]


def test_what_printed_figures_imply() -> None:
    found = assessment.implied_baseline("27.1", "-65.8")
    assert found.value == Fraction(271, 10) / Fraction(342, 1000)
    assert [round(float(x), 2) for x in (found.value, found.low, found.high)] == [79.24, 78.98, 79.5]
    assert list(assessment.implied_wholes(296, "83.1")) == [356]  # a leap year has 366 days: ten were not valid
    assert list(assessment.implied_wholes(1, "60")) == []
    with pytest.raises(ValueError, match="above -100"):
        assessment.implied_baseline("27.1", "-100")
    with pytest.raises(ValueError, match="positive"):
        assessment.implied_wholes(0, "83.1")


def test_the_order_of_adding_does_not_matter() -> None:
    random = np.random.default_rng(7)
    values, known = exact.in_millionths(random.uniform(0, 500, 5000))
    group = random.integers(0, 12, 5000)
    expected = exact.sums(values, known, group, 12)
    for _ in range(5):
        order = random.permutation(5000)
        again = exact.sums(values[order], known[order], group[order], 12)
        assert all((a == b).all() for a, b in zip(expected, again, strict=True))
