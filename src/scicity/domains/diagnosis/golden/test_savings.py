"""Baselines and savings whose truth is known: exact without noise, the same in any unit, order and company; chance told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from scicity.domains.diagnosis.methods import baseline, goodness, savings, sufficiency
from scicity.domains.diagnosis.methods.baseline import Baseline, Days
from scicity.domains.diagnosis.methods.splits import ATOMS, SEASONS, SPLITS

Values = npt.NDArray[np.float64]
YEAR = 365
NUMBER = np.arange(17_532, 17_532 + YEAR)
KIND = (np.arange(YEAR) % 7 >= 5).astype(np.int64)
MONTH = np.arange(YEAR) * 12 // YEAR
SEASON = np.select([np.isin(MONTH, [5, 6, 7, 8]), np.isin(MONTH, [10, 11, 0, 1])], [2, 0], 1)
# base, heating slope and point, cooling slope and point: flat, heated, cooled, both
TRUTHS = np.array([[40.0, 0, 14, 0, 20], [25, 3.5, 14.3, 0, 20], [80, 0, 14, 6.25, 21.7], [12, 1.5, 11.9, 2.75, 22.4]])


def weather(seed: int = 3) -> Values:
    """Daily means of a year [degC], from cold to hot with weather on them."""
    noise = np.random.default_rng(seed).normal(0, 3.5, YEAR)
    return 12 - 16 * np.cos(2 * np.pi * np.arange(YEAR) / YEAR) + noise


WARMTH = weather()


def shared(temperature: Values = WARMTH, rows: npt.NDArray[np.int64] | slice = slice(None)) -> Days:
    return baseline.days(NUMBER[rows], temperature[rows], KIND[rows], SEASON[rows])


def use(truths: Values, temperature: Values = WARMTH) -> Values:
    """The use of each truth on each day (truths, days), by the words of the model and none of its code."""
    base, heating, heat, cooling, cool = truths.T[:, :, None]
    return base + heating * np.maximum(heat - temperature, 0) + cooling * np.maximum(temperature - cool, 0)


def same(one: Baseline, other: Baseline, within: float = 1e-9) -> None:
    np.testing.assert_array_equal(one.split, other.split)
    np.testing.assert_allclose(one.figures, other.figures, rtol=within, atol=within)
    np.testing.assert_allclose(one.spread, other.spread, rtol=within, atol=within)


def noisy(meters: int, rho: float, seed: int, level: float = 0.15) -> tuple[Values, Values]:
    """The mean use of meters that heat and cool, and two years' noise on it whose neighbouring days resemble one another."""
    drawn = np.random.default_rng(seed)
    truths = TRUTHS[drawn.integers(0, len(TRUTHS), meters)] * drawn.uniform(0.9, 1.1, (meters, 5))
    noise = drawn.normal(size=(meters, 2 * YEAR))
    for day in range(1, 2 * YEAR):
        noise[:, day] = rho * noise[:, day - 1] + np.sqrt(1 - rho**2) * noise[:, day]
    return truths, level * use(truths).mean(axis=1)[:, None] * noise


def test_without_noise_the_figures_are_found_exactly() -> None:
    model = baseline.fit(use(TRUTHS), shared())
    assert [SPLITS[split].name for split in model.split] == ["slopes by year, bases by year"] * 4
    np.testing.assert_allclose(model.base, np.repeat(TRUTHS[:, :1], ATOMS, axis=1), rtol=1e-6)
    np.testing.assert_allclose(model.heating[:, 0], TRUTHS[:, 1], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(model.cooling[:, 0], TRUTHS[:, 3], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(model.heating_point[[1, 3], 0], TRUTHS[[1, 3], 2], rtol=1e-6)
    np.testing.assert_allclose(model.cooling_point[[2, 3], 0], TRUTHS[[2, 3], 4], rtol=1e-6)
    assert np.isnan(model.heating_point[[0, 2]]).all()  # where there is no slope there is no balance point
    np.testing.assert_array_equal(model.parameters, [1, 3, 3, 5])
    np.testing.assert_allclose(baseline.predict(model, shared()), use(TRUTHS), rtol=1e-6)


def test_rest_days_get_what_differs_of_them() -> None:
    lower = use(TRUTHS) - 8.0 * KIND  # less at every temperature
    other = np.where(KIND == 1, use(TRUTHS * [1, 0.4, 1, 0.4, 1]), use(TRUTHS))[[3]]  # another answer to cold and heat
    model = baseline.fit(np.concatenate([lower, other]), shared())
    names = [SPLITS[split].name for split in model.split]
    assert names[:4] == ["slopes by year, bases by kind of day and year"] * 4
    assert names[4] == "slopes by kind of day and year, bases by kind of day and year"
    np.testing.assert_allclose(model.base[:4, SEASONS] - model.base[:4, 0], -8.0, rtol=1e-6)
    np.testing.assert_allclose(model.heating[4, SEASONS] / model.heating[4, 0], 0.4, rtol=1e-6)


def test_hours_tell_the_cold_of_nights() -> None:
    """Days of one mean, even or with cold nights: degree hours know them apart, and daily means do not."""
    swing = np.where(np.arange(YEAR) % 2 == 0, 1.0, 9.0)
    hours = WARMTH[:, None] + swing[:, None] * np.sin(2 * np.pi * np.arange(24) / 24)
    measured = (20 + 2.0 * np.maximum(13.0 - hours, 0).mean(axis=1))[None]
    by_hours, by_days = (baseline.fit(measured, baseline.days(NUMBER, warmth)) for warmth in (hours, hours.mean(axis=1)))
    np.testing.assert_allclose(by_hours.figures[0, 0, :3], [20, 2, 13], rtol=1e-5)
    assert by_days.spread[0] > 100 * by_hours.spread[0]


@pytest.mark.parametrize("times", [1e-6, 3.6, 1e9])
def test_units_of_load_do_not_matter(times: float) -> None:
    truths, noise = noisy(6, 0.4, 5)
    measured = use(truths) + noise[:, :YEAR]
    one, other = baseline.fit(measured, shared()), baseline.fit(measured * times, shared())
    unit = np.array([times, times, 1, times, 1])
    np.testing.assert_array_equal(one.split, other.split)
    np.testing.assert_allclose(other.figures, one.figures * unit, rtol=1e-7)
    np.testing.assert_allclose(other.spread, one.spread * times, rtol=1e-9)
    assert savings.saved(one, measured, shared()).fraction == pytest.approx(
        savings.saved(other, measured * times, shared()).fraction, abs=1e-9
    )


def test_units_of_temperature_do_not_matter() -> None:
    truths, noise = noisy(6, 0.4, 6)
    measured = use(truths) + noise[:, :YEAR]
    celsius = baseline.fit(measured, shared())
    fahrenheit = baseline.fit(measured, shared(WARMTH * 1.8 + 32))
    np.testing.assert_array_equal(celsius.split, fahrenheit.split)
    np.testing.assert_allclose(fahrenheit.heating * 1.8, celsius.heating, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(fahrenheit.cooling_point, celsius.cooling_point * 1.8 + 32, rtol=1e-7)
    there = savings.saved(celsius, measured, shared())
    again = savings.saved(fahrenheit, measured, shared(WARMTH * 1.8 + 32))
    np.testing.assert_allclose(again.high, there.high, rtol=1e-6, atol=1e-6)


def test_order_of_days_and_company_do_not_matter() -> None:
    truths, noise = noisy(6, 0.4, 7)
    measured = use(truths) + noise[:, :YEAR]
    whole = baseline.fit(measured, shared())
    shuffled = np.random.default_rng(1).permutation(YEAR)
    same(whole, baseline.fit(measured[:, shuffled], shared(rows=shuffled)))
    alone = [baseline.fit(measured[[meter]], shared()) for meter in range(6)]
    for meter, model in enumerate(alone):
        np.testing.assert_allclose(model.figures[0], whole.figures[meter], rtol=1e-8)


def test_missing_days_are_left_out_and_never_zero() -> None:
    gap = np.zeros(YEAR, dtype=bool)
    gap[10:30] = gap[200:215] = True
    measured = np.where(gap, np.nan, use(TRUTHS))
    model = baseline.fit(measured, shared())
    np.testing.assert_array_equal(model.known, YEAR - gap.sum())
    np.testing.assert_allclose(baseline.predict(model, shared()), use(TRUTHS), rtol=1e-6)
    told = savings.saved(model, np.where(gap, np.nan, 0.9 * use(TRUTHS)), shared())
    np.testing.assert_array_equal(told.days, YEAR - gap.sum())
    np.testing.assert_allclose(told.fraction, 0.1, atol=1e-6)
    np.testing.assert_allclose(told.measured, np.where(gap, 0, 0.9 * use(TRUTHS)).sum(axis=1))
    noisily = use(TRUTHS) * (1 + np.random.default_rng(2).normal(0, 0.02, (len(TRUTHS), YEAR)))
    unknown = savings.saved(baseline.fit(noisily, shared()), noisily, shared(np.where(gap, np.nan, WARMTH)))
    assert np.isfinite(unknown.low).all() and (unknown.low < unknown.high).all()
    # the same where the temperature is missing and not the load
    blind = baseline.fit(use(TRUTHS), shared(np.where(gap, np.nan, WARMTH)))
    np.testing.assert_allclose(blind.figures[:, 0], model.figures[:, 0], rtol=1e-6)
    assert np.isnan(baseline.predict(model, shared(np.where(gap, np.nan, WARMTH)))[:, gap]).all()


def test_a_season_without_days_is_unknown_where_it_has_a_base_of_its_own() -> None:
    winter = SEASON == 0
    split = use(TRUTHS[[0]]) + 30.0 * (SEASON == 1)
    model = baseline.fit(np.where(winter, np.nan, split), shared())
    told = baseline.predict(model, shared())
    assert np.isfinite(told[0, ~winter]).all()
    result = savings.saved(model, split, shared())
    assert result.days[0] == np.isfinite(told[0]).sum()
    assert result.saved[0] == pytest.approx(0, abs=1e-6)


def test_a_few_wrong_days_change_nothing() -> None:
    measured = use(TRUTHS)
    damaged = measured.copy()
    days = np.random.default_rng(2).choice(YEAR, 12, replace=False)
    damaged[:, days] *= np.where(np.arange(12) % 2, 25.0, -3.0)
    model = baseline.fit(damaged, shared())
    np.testing.assert_array_equal(model.outlier.nonzero()[1], np.tile(np.sort(days), 4))
    np.testing.assert_allclose(baseline.predict(model, shared()), measured, rtol=1e-5)
    # half of the year is no outlier, but another way of use
    assert not baseline.fit(measured * np.where(np.arange(YEAR) < 180, 1, 9), shared()).outlier.any()


def test_savings_are_found_and_their_interval_holds_nine_times_in_ten() -> None:
    """400 meters of noise that lasts for days: the interval of nine in ten holds the true saving about that often."""
    truths, noise = noisy(400, 0.5, 11)
    after = weather(seed=8)
    model = baseline.fit(use(truths) + noise[:, :YEAR], shared())
    measured = 0.9 * use(truths, after) + noise[:, YEAR:]
    told = savings.saved(model, measured, shared(after), confidence=0.9)
    truth = 0.1 * use(truths, after).sum(axis=1)
    held = ((told.low <= truth) & (truth <= told.high)).mean()
    assert told.confidence == 0.9
    assert 0.86 <= held <= 0.95
    assert np.median(told.fraction) == pytest.approx(0.1, abs=0.004)
    # as if days were independent, the interval would be believed too often
    proud = savings.saved(replace(model, rho=np.zeros(400), lasting=np.ones(400)), measured, shared(after))
    assert ((proud.low <= truth) & (truth <= proud.high)).mean() < 0.75


def test_a_normal_year_compares_two_models_in_one_weather() -> None:
    cold, normal = weather(seed=9) - 3, weather(seed=10)
    before = baseline.fit(use(TRUTHS), shared())
    after = baseline.fit(0.8 * use(TRUTHS, cold), shared(cold))
    told = savings.normal_year(before, after, shared(normal))
    np.testing.assert_allclose(told.saved, 0.2 * use(TRUTHS, normal).sum(axis=1), rtol=1e-5)
    np.testing.assert_allclose(told.fraction, 0.2, rtol=1e-5)


def test_noise_buys_no_parameters() -> None:
    """Of 200 meters that know neither temperature nor calendar, few get a slope or a split."""
    measured = 50 + np.random.default_rng(4).normal(0, 10, (200, YEAR))
    model = baseline.fit(measured, shared())
    assert (model.parameters == 1).mean() > 0.9


def test_student_and_the_simplified_uncertainty() -> None:
    # tables of Student's t, two-sided
    known = {
        (0.9, 1): 6.3138,
        (0.95, 2): 4.3027,
        (0.9, 5): 2.0150,
        (0.95, 10): 2.2281,
        (0.99, 30): 2.7500,
        (0.95, 1e9): 1.95996,
    }
    for (confidence, freedom), t in known.items():
        assert savings.student(confidence, freedom) == pytest.approx(t, rel=1e-3)
    # by hand: 100 days, rho 0 -> n' = 100; a year reported -> m = 12, factor -0.03456 + 0.4242 + 1.00286 = 1.3925
    told = savings.simplified(0.2, 100, 0.0, 5, 365.25, 0.1, confidence=0.9)
    assert told == pytest.approx(1.66105 * 1.3925 * 0.2 * np.sqrt(1.02 / 365.25) / 0.1, rel=1e-4)
    assert goodness.effective(100, 0.5) == pytest.approx(100 / 3)
    assert goodness.effective(100, -0.5) == 100


def test_goodness_by_hand() -> None:
    measured, told = np.array([[2.0, 4, np.nan, 6]]), np.array([[1.0, 5, 9, 4]])
    assert goodness.cv_rmse(measured, told) == pytest.approx([np.sqrt(6 / 3) / 4])
    assert goodness.cv_rmse(measured, told, 1) == pytest.approx([np.sqrt(6 / 2) / 4])
    assert goodness.nmbe(measured, told) == pytest.approx([2 / 3 / 4])
    assert goodness.r_squared(measured, told) == pytest.approx([1 - 6 / 8])
    assert np.isnan(goodness.cv_rmse(measured, told, 3))
    # neighbours are days that follow one another: the pair over the gap is none
    assert goodness.autocorrelation([[1.0, -1, 1, -1]], np.array([1, 2, 5, 6])) == pytest.approx([-0.99])
    assert goodness.autocorrelation([[1.0, -1, np.nan, -1]], np.array([1, 2, 3, 4])) < 0


def test_what_lasts_is_seen_beyond_neighbours() -> None:
    """Weeks of more and weeks of less under the noise of days: neighbours tell little of it, a month of lags more."""
    drawn = np.random.default_rng(12)
    weeks = np.repeat(drawn.normal(0, 1, (50, 30)), 14, axis=1)[:, :YEAR]
    days = drawn.normal(0, 2, (50, YEAR))
    told = goodness.lasting(weeks + days, NUMBER)
    assert np.median(told) > 2  # 1 + 13 / 5 in truth
    assert np.median(told) > 1.4 * np.median(1 / goodness.effective(1, goodness.autocorrelation(weeks + days, NUMBER)))
    assert np.median(goodness.lasting(days, NUMBER)) < 1.2
    # an alternation is no more sure than independent days
    assert goodness.lasting(np.where(np.arange(YEAR) % 2, 1.0, -1.0)[None], NUMBER) == pytest.approx([1])


def test_each_reason_has_a_meter() -> None:
    good = use(TRUTHS[[3]])[0] * (1 + 0.02 * np.random.default_rng(5).normal(size=YEAR))
    wild = np.random.default_rng(6).exponential(1.0, YEAR) ** 3
    meters = {
        "no use": np.zeros(YEAR),
        "too few days": np.where(np.arange(YEAR) < 40, np.nan, good),
        "too many zeros": np.where(np.arange(YEAR) % 12 == 0, 0, good),
        "negative": np.where(np.arange(YEAR) == 100, -good, good),
        "flat": np.where(np.arange(YEAR) % 40 < 10, 31.25, good),
        "change point": good * np.where(np.arange(YEAR) < 200, 1, 1.6),
        "does not fit": wild,
    }
    assert tuple(meters) == sufficiency.REASONS
    load = np.stack([*meters.values(), good])
    told = sufficiency.refusal(load, shared(), baseline.fit(load, shared()))
    for meter, reason in enumerate(meters):
        assert reason in told.reasons(meter)
    assert told.reasons(len(meters)) == []
    np.testing.assert_array_equal(told.sound, [False] * len(meters) + [True])
    assert abs(told.since[5] - NUMBER[200]) < 10
    assert told.step[5] > 0.3


def test_a_step_is_seen_under_days_that_resemble_one_another() -> None:
    """A third more from one day on: what lasts is not taken for the chance that the step is measured against."""
    truths, noise = noisy(40, 0.6, 13, level=0.1)
    even = use(truths) + noise[:, :YEAR]
    # in May, within a season, so that no season can be taken for it
    stepped = even + 0.35 * even.mean(axis=1, keepdims=True) * (np.arange(YEAR) >= 130)
    found = [sufficiency.refusal(load, shared(), baseline.fit(load, shared())) for load in (even, stepped)]
    place = sufficiency.REASONS.index("change point")
    without, with_step = (told.holds[:, place].mean() for told in found)
    assert without == 0
    assert with_step > 0.6


def test_zeros_of_a_warm_season_are_no_gaps() -> None:
    heated = np.maximum(2.0 * (14 - WARMTH), 0)[None]  # gas: nothing is used in summer
    assert sufficiency.refusal(heated, shared(), baseline.fit(heated, shared())).reasons(0) == []


def test_days_from_hours_take_gaps_for_gaps() -> None:
    hours = np.ones((2, 3, 24))
    hours[:, 1, :2] = 0  # within what may be missing
    hours[:, 2, :12] = 0
    told = sufficiency.daily(hours, [True, False])
    np.testing.assert_array_equal(told, [[24, 24, np.nan], [24, 22, 12]])
    hours[:, 0, 0] = np.nan
    assert sufficiency.daily(hours, [True, False])[:, 0] == pytest.approx([24, 24])


def test_what_cannot_be_is_told() -> None:
    with pytest.raises(ValueError, match="a day is given twice"):
        baseline.days([1, 1], [3.0, 4.0])
    with pytest.raises(ValueError, match="season from 0 to 3; expected 0 to 2"):
        baseline.days([1, 2], [3.0, 4.0], season=[0, 3])
    with pytest.raises(ValueError, match="expected meters x 365 days"):
        baseline.fit(np.zeros((2, 7)), shared())
    with pytest.raises(ValueError, match="infinite"):
        baseline.fit(np.full((1, YEAR), np.inf), shared())
    with pytest.raises(ValueError, match="confidence 90; expected between 0 and 1"):
        savings.student(90, 10)
    nothing = baseline.fit(np.full((2, YEAR), np.nan), shared())
    assert np.isnan(baseline.predict(nothing, shared())).all()
    assert np.isnan(savings.saved(nothing, np.zeros((2, YEAR)), shared()).saved).all()
    assert baseline.fit(np.zeros((0, YEAR)), shared()).base.shape == (0, ATOMS)
    assert np.isnan(baseline.fit(np.zeros((1, 0)), baseline.days([], [])).base).all()
