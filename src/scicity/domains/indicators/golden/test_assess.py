"""The methods of assessment: published numbers, published verdicts, and what must hold for any input."""

from __future__ import annotations

import csv
import math
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scicity.domains.indicators.methods import compare, escap, eurostat, sdsn, statcan, u4ssc, unsd
from scicity.domains.indicators.methods.compare import METHODS, STANDING, agreement, side_by_side
from scicity.domains.indicators.methods.measure import Case, Point, growth, number, year_of
from scicity.domains.indicators.methods.status import Target, Value

HERE = Path(__file__).parent
PUBLISHED_STANDING = {"alcanzado": "good", "progreso": "slow", "retroceso": "bad"}


def rows(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def history(series: str) -> list[Value]:
    pairs = (each.split(":") for each in series.split())
    return [Value(int(year), float(value)) for year, value in pairs]


def told(row: dict[str, str], name: str, percent: bool = False) -> compare.Judged:
    target = Target(2030, float(row["target"])) if row["target"] else None
    found = side_by_side(history(row["series"]), row["direction"], target, percent=percent)
    return next(each for each in found if each.method == name)


def case(*points: tuple[float, float], direction: str = "higher", target: float | None = None, **more: object) -> Case:
    found = tuple((Fraction(year), number(value)) for year, value in points)
    return Case(found, direction, number(target), **more)  # type: ignore[arg-type]


# The numbers are what sdg-build's own arithmetic gives on its own test series (target 0 as 0.001) and on real ones.
@pytest.mark.parametrize("row", rows("assess_published.csv"), ids=lambda row: f"{row['source'][:8]}-{row['case']}")
def test_statcan_gives_the_published_numbers(row: dict[str, str]) -> None:
    found = told(row, "statcan")
    if row["target"] == "0":  # the published code takes 0.001; ours judges zero itself, by the straight line
        assert found.assessed.verdict == row["verdict"]
        assert found.assessed.measure == pytest.approx(-(1.82 - 1.55) / 4 / (1.55 / 15))
        return
    assert found.assessed.verdict == row["verdict"]
    assert found.assessed.score == pytest.approx(float(row["score"]), abs=1e-12)
    if found.assessed.measure is not None:
        assert found.assessed.measure == pytest.approx(float(row["progress"]), rel=1e-12)
    assert (found.base.year if found.base else None) == int(row["base_year"])


@pytest.mark.parametrize("row", rows("assess_eustat.csv"), ids=lambda row: row["indicator"])
def test_unsd_gives_the_verdicts_that_the_basque_office_published(row: dict[str, str]) -> None:
    found = STANDING[told(row, "unsd", row["percent"] == "true").assessed.verdict]
    differs = found != PUBLISHED_STANDING[row["published"]]
    assert differs == bool(row["note"]), row["note"]  # where they differ the file says why


def test_the_basque_verdicts_are_mostly_met() -> None:
    table = rows("assess_eustat.csv")
    assert (len(table), sum(not row["note"] for row in table)) == (12, 10)


@pytest.mark.parametrize(
    ("value", "score"), [(1.4, 5.0), (1.3, 5.0), (0.6, 0.0), (0.95, 2.5), (0.0, -2.5), (-0.6, -5.0), (-2.0, -5.0)]
)
def test_the_eurostat_style_score(value: float, score: float) -> None:
    assert eurostat.score_of(value) == pytest.approx(score)


@pytest.mark.parametrize(
    ("now", "verdict", "score"),
    [
        (121.0, "significant_progress", 5.0),
        (101.9, "moderate_progress", 2.3638),
        (100.4, "moderate_progress", 0.499),
        (100.1, "neutral", 0.125),
        (99.0, "moderate_deterioration", -1.2531),
        (90.0, "significant_deterioration", -5.0),
    ],
)
def test_the_eurostat_style_cuts_without_a_target(now: float, verdict: str, score: float) -> None:
    found = eurostat.assess(case((2020, 100), (2022, now)))
    assert (found.verdict, found.score) == (verdict, pytest.approx(score, abs=2e-3))


@pytest.mark.parametrize(
    ("base", "limit", "factor"),
    [(10, None, 1.0), (99, 100, 0.0436), (100, 100, 0.0), (150, 100, 0.9539), (200, 100, 1.0), (0, 0, 1.0)],
)
def test_thresholds_shrink_near_a_limit(base: float, limit: float | None, factor: float) -> None:
    assert statcan.nearness(Fraction(base), number(limit)) == pytest.approx(factor, abs=1e-4)


def test_a_series_at_its_limit_is_substantial_while_it_stays() -> None:
    found = statcan.assess(case((2020, 100), (2022, 100), limit=Fraction(100)))
    assert (found.verdict, found.score) == ("substantial", 5.0)


def test_escap_index_and_gap() -> None:
    half = case((2015, 20), (2020, 35), target=50)
    assert escap.current_status(half).score == 5.0
    assert escap.anticipated(half).verdict == "maintain"  # 20 + 15 years of 3
    slow = case((2015, 20), (2020, 25), target=50)
    assert escap.anticipated(slow).score == pytest.approx(50.0)
    assert escap.anticipated(slow).verdict == "accelerate"
    assert escap.anticipated(case((2015, 20), (2020, 19), target=50)).verdict == "reverse"


def test_sdsn_and_u4ssc() -> None:
    assert sdsn.assess(case((2015, 20), (2020, 25), target=50)).score == pytest.approx(50.0)
    assert sdsn.assess(case((2015, 20), (2020, 25), target=50)).verdict == "moderately_improving"
    assert u4ssc.assess(case((2015, 20), (2020, 33), target=50)).verdict == "from_66"
    assert u4ssc.assess(case((2015, 90), (2020, 80), target=20, direction="lower")).verdict == "below_33"


def test_going_through_the_target_is_not_on_track() -> None:
    """Base 60 met 50, now 40: the published share of the UNSD chart is far above 0.95."""
    left = case((2015, 60), (2020, 40), target=50)
    assert {STANDING[METHODS[name](left).verdict] for name in ("statcan", "eurostat", "unsd", "escap_anticipated", "sdsn")} == {
        "bad"
    }


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (case((2015, 0), (2020, 5), target=10), "good"),  # base zero: half of the way in a third of the time
        (case((2015, 0), (2020, 1), target=10), "slow"),
        (case((2015, 0), (2020, 0), target=10), "slow"),  # no change is limited progress, as published
        (case((2015, 10), (2020, 5), target=0, direction="lower"), "good"),  # target zero
        (case((2015, -5), (2020, 5), target=20), "good"),  # another sign: 10 of 25 in a third of the time
        (case((2015, 10), (2020, 9), target=10), "bad"),  # target = base, once left
        (case((2015, 10), (2020, 10), target=10), "good"),  # and kept
        (case((2015, 0), (2020, 3)), "good"),
        (case((2015, 5), (2020, -5)), "bad"),
    ],
)
def test_statcan_is_exact_where_the_published_code_is_not(found: Case, expected: str) -> None:
    assert STANDING[statcan.assess(found).verdict] == expected


def test_a_range_to_stay_between() -> None:
    band = Target(2030, 18.0, 22.0)

    def verdicts(*values: float) -> dict[str, str]:
        series = [Value(2020 + number, value) for number, value in enumerate(values)]
        return {each.method: each.assessed.verdict for each in side_by_side(series, "within", band)}

    inside = verdicts(17.0, 20.0)
    assert {STANDING[verdict] for verdict in inside.values()} == {"good"}
    above = verdicts(20.0, 26.0)
    assert {name: STANDING.get(verdict, "") for name, verdict in above.items()} == {
        **dict.fromkeys(METHODS, "bad"),
        "u4ssc": "",
    }
    assert verdicts(30.0, 26.0)["statcan"] == "substantial"  # from 8 outside to 4 in a year: 5 times what is needed
    assert verdicts(30.0, 26.0) == verdicts(10.0, 14.0)  # from above as from below


def test_a_bound_is_judged_at_both_ends() -> None:
    series = [Value(2022, 10.0), Value(2023, 10.6, comparator="over", kind="bound")]
    found = {each.method: each for each in side_by_side(series, "higher", Target(2035, 12.0), base_year=2022)}
    assert found["statcan"].assessed.verdict == "undecided" or found["statcan"].assessed.verdict == "substantial"
    assert found["u4ssc"].assessed.verdict == "undecided"
    assert (found["u4ssc"].low, found["u4ssc"].high) == ("from_66", "from_95")
    twice = [Value(2022, 10.6, comparator="over", kind="bound"), Value(2023, 10.6, comparator="over", kind="bound")]
    assert side_by_side(twice, "higher", None)[0].assessed.verdict == "undecided"
    met = [Value(2022, 9.0), Value(2023, 12.5, comparator=">=", kind="bound")]
    assert side_by_side(met, "higher", Target(2035, 12.0), base_year=2022)[0].assessed.verdict == "achieved"


def test_a_pair_is_as_good_as_both_halves() -> None:
    series = [Value(2022, 70.0, 40.0, kind="pair"), Value(2023, 92.4, 30.0, kind="pair")]
    found = {each.method: each.assessed for each in side_by_side(series, "higher", Target(2030, 80.0, 50.0))}
    assert found["statcan"].score == pytest.approx((5 + -5) / 2)
    assert found["statcan"].verdict == "moderate"
    assert found["unsd"].verdict == "stagnation"
    one = side_by_side(series, "higher", Target(2030, 80.0))
    assert {each.assessed.reason for each in one} == {"one_target_for_a_pair"}


@pytest.mark.parametrize(
    ("series", "reason"),
    [
        ([Value(2023, 5.0)], "one_point"),
        ([Value(2022, 4.0), Value(2023, None, kind="pending")], "no_value"),
        ([Value(2022, 4.0), Value(2023, float("nan"))], "no_value"),
        ([Value(2022, 4.0), Value(2023, 5.0, coverage=0.5)], "incomplete"),
        ([Value(2022, 4.0, coverage=0.5), Value(2023, 5.0)], "one_point"),
    ],
)
def test_what_cannot_be_judged_says_why(series: list[Value], reason: str) -> None:
    assert {(each.assessed.verdict, each.assessed.reason) for each in side_by_side(series, "higher", None)} == {
        ("not_assessed", reason)
    }


def test_one_number_that_meets_its_target_has_met_it() -> None:
    met = {each.method: each.assessed.verdict for each in side_by_side([Value(2024, 27.1)], "lower", Target(2030, 30.0))}
    assert {name for name, verdict in met.items() if verdict != "not_assessed"} == set(compare.SINGLE)
    assert {STANDING[verdict] for verdict in met.values() if verdict != "not_assessed"} == {"good"}
    not_yet = {each.method: each.assessed for each in side_by_side([Value(2024, 40.0)], "lower", Target(2030, 30.0))}
    assert (not_yet["u4ssc"].verdict, not_yet["statcan"].reason) == ("from_66", "one_point")


def test_gaps_are_no_zeros_and_the_base_is_2015_or_the_next() -> None:
    series = [Value(2010, 1.0), Value(2015, None, kind="none"), Value(2017, 10.0), Value(2019, None), Value(2021, 12.0)]
    found = side_by_side(series, "higher", None)[0]
    assert found.base == Value(2017, 10.0)
    assert found.assessed.measure == pytest.approx(1.2**0.25 - 1)
    early = side_by_side([Value(2010, 10.0), Value(2014, 12.0)], "higher", None)[0]
    assert early.base == Value(2010, 10.0)


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("2015", Fraction(2015)),
        ("2014-2016", Fraction(2015)),
        ("2019/20", Fraction(4039, 2)),
        ("2014–16", Fraction(2015)),
        ("2016-2014", None),
        ("about 2015", None),
    ],
)
def test_years_written_as_ranges(text: str, year: Fraction | None) -> None:
    assert year_of(text) == year


def test_where_methods_flip() -> None:
    assert agreement(["substantial", "stagnation"]) == "opposite"
    assert agreement(["substantial", "fair_progress"]) == "differ"
    assert agreement(["substantial", "on_track", "not_assessed"]) == "agree"
    assert agreement(["substantial", "undecided"]) == "single"
    assert agreement(["not_assessed"]) == "none"
    flat = side_by_side([Value(2015, 100.0), Value(2020, 100.3)], "higher", None)
    assert agreement(each.assessed.verdict for each in flat) == "differ"  # 0.06 % a year: limited, neutral, stagnation
    close = side_by_side([Value(2015, 99.0), Value(2020, 98.0)], "higher", Target(2030, 100.0))
    assert agreement(each.assessed.verdict for each in close) == "opposite"  # 98 % of the target, and falling


NUMBERS = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True), st.sampled_from([0.0, -0.0, 1.0, -1.0, 100.0, 5e-324, 1.7e308, -1.7e308])
)
SMALL = st.fractions(min_value=-1000, max_value=1000, max_denominator=1000)


@given(
    values=st.lists(st.one_of(st.none(), NUMBERS), min_size=1, max_size=6),
    gaps=st.lists(st.integers(1, 30), min_size=6, max_size=6),
    comparators=st.lists(st.sampled_from(["=", ">=", ">", "<=", "<", "~", "over"]), min_size=6, max_size=6),
    kind=st.sampled_from(["number", "pair"]),
    target=st.one_of(st.none(), st.tuples(st.integers(1990, 2100), NUMBERS, st.one_of(st.none(), NUMBERS))),
    direction=st.sampled_from(["higher", "lower", "within", "none"]),
    limit=st.one_of(st.none(), NUMBERS),
    percent=st.booleans(),
)
def test_no_input_divides_by_zero(
    values: list[float | None],
    gaps: list[int],
    comparators: list[str],
    kind: str,
    target: tuple[int, float, float | None] | None,
    direction: str,
    limit: float | None,
    percent: bool,
) -> None:
    years = [2000 + sum(gaps[:position]) for position in range(len(values))]
    series = [
        Value(year, value, value if kind == "pair" else None, comparator, kind)
        for year, value, comparator in zip(years, values, comparators, strict=False)
    ]
    goal = Target(*target) if target is not None and math.isfinite(target[1]) else None
    found = side_by_side(series, direction, goal, limit=limit, percent=percent)
    assert [each.method for each in found] == list(METHODS)
    for each in found:
        assert each.assessed.verdict in STANDING or each.assessed.verdict in ("undecided", "not_assessed")
        for told_number in (each.assessed.score, each.assessed.measure):
            assert told_number is None or not math.isnan(told_number)


@st.composite
def cases(draw: st.DrawFn, direction: st.SearchStrategy[str] = st.sampled_from(["higher", "lower"])) -> Case:  # noqa: B008
    years = draw(st.lists(st.integers(2000, 2029), min_size=2, max_size=5, unique=True).map(sorted))
    points = tuple((Fraction(year), draw(SMALL)) for year in years)
    target = draw(st.one_of(st.none(), SMALL))
    return Case(points, draw(direction), target, target_year=Fraction(draw(st.integers(2005, 2040))))


@given(found=cases(), scale=st.fractions(min_value=Fraction(1, 1000), max_value=1000).filter(lambda each: each > 0))
def test_methods_are_scale_free(found: Case, scale: Fraction) -> None:
    scaled = replace(
        found,
        points=tuple((year, value * scale) for year, value in found.points),
        target=None if found.target is None else found.target * scale,
    )
    for name, assess in METHODS.items():
        one, other = assess(found), assess(scaled)
        assert (one.verdict, one.score, one.measure) == (other.verdict, other.score, other.measure), name


@given(found=cases())
def test_methods_are_symmetric_in_direction(found: Case) -> None:
    """A value that is to rise is judged as its negative that is to fall; a share of the target needs positive values."""
    mirrored = replace(
        found,
        direction="lower" if found.direction == "higher" else "higher",
        points=tuple((year, -value) for year, value in found.points),
        target=None if found.target is None else -found.target,
    )
    for name, assess in METHODS.items():
        if name != "u4ssc":
            one, other = assess(found), assess(mirrored)
            assert (one.verdict, one.score, one.measure) == (other.verdict, other.score, other.measure), name


@given(found=cases())
def test_met_is_met(found: Case) -> None:
    if found.target is None or not found.met:
        return
    for name, assess in METHODS.items():
        if name != "escap_anticipated":  # looks ahead: a met target can be lost again
            assert STANDING[assess(found).verdict] == "good", name
    kept = replace(found, points=((found.base_year, found.base), (found.current_year, found.base)))
    if kept.met and kept.target_year > kept.base_year:
        assert escap.anticipated(kept).verdict == "maintain"


@given(found=cases())
def test_better_is_never_judged_worse(found: Case) -> None:
    better = replace(found, points=(*found.points[:-1], (found.current_year, found.current + found.sign)))
    rank = {"bad": 0, "slow": 1, "good": 2}
    for name in ("statcan", "eurostat", "unsd", "escap_status", "sdsn"):
        one, other = METHODS[name](found).verdict, METHODS[name](better).verdict
        if one in STANDING and other in STANDING:
            assert rank[STANDING[other]] >= rank[STANDING[one]], name


def test_growth_beyond_floats() -> None:
    tiny, huge = Fraction(5e-324), Fraction(1.7e308)
    assert growth(huge, tiny, Fraction(1)) == math.inf
    assert growth(huge, tiny, Fraction(10)) == pytest.approx(math.exp((math.log(1.7e308) - math.log(5e-324)) / 10) - 1)
    assert growth(tiny, huge, Fraction(1)) == -1.0
    assert unsd.assess(Case(((Fraction(2015), tiny), (Fraction(2016), huge)), "higher", Fraction(1))).verdict == "achieved"
    open_end = compare.judge(
        [Point(Fraction(2015), Fraction(1), Fraction(1)), Point(Fraction(2016), None, Fraction(2))], Case((), "lower")
    )
    assert open_end[0].assessed.verdict == "undecided"
