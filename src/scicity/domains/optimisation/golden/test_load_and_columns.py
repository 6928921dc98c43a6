"""Loads of floor areas reckoned by hand, hours that are filled, and columns that keep every digit."""

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from scicity.domains.optimisation.methods import load
from scicity.domains.optimisation.methods.columns import decimals, grouped_means, newest, words

HEAT = {
    **{"carrier": "heat", "floor_area": 1000.0, "area_load": 2.0, "load_slope": 1.5, "balance_temperature": 16.0},
    **{"active_from": "11-15", "active_to": "03-15", "busy_hours": "8-20", "quiet_share": 0.5},
}


def test_heat_grows_as_it_gets_colder_in_its_season() -> None:
    outside, days = np.array([-4.0, -4.0, 20.0, -4.0]), np.array([101, 101, 101, 701])
    # 2 + 1.5 · 20 = 32 W/m²; half at night; the base alone when it is warm; none in summer
    assert load.profile(HEAT, outside, days, np.array([9, 3, 9, 9])) == pytest.approx([32.0, 16.0, 2.0, 0.0])


def test_cold_grows_as_it_gets_warmer() -> None:
    cold = HEAT | {"carrier": "cold", "balance_temperature": 22.0, "active_from": None, "active_to": None, "busy_hours": None}
    assert load.profile(cold, np.array([32.0, 10.0]), np.array([701, 101]), np.array([3, 3])) == pytest.approx([17.0, 2.0])


def test_missing_hours_are_the_mean_of_that_hour_and_days_without_enough_stay_unknown() -> None:
    values = np.arange(72, dtype=float)
    hours = np.arange(72) % 24
    values[30] = np.nan  # hour 6 of the second day: 6 and 54 are known
    values[48:60] = np.nan  # 12 of the third day are missing
    found, guessed = load.filled(values, hours)
    assert found[30] == 6  # 54 is missing too
    assert guessed.sum() == 1
    assert np.isnan(found[48:60]).all()
    assert (found[np.r_[0:30, 31:48, 60:72]] == values[np.r_[0:30, 31:48, 60:72]]).all()


def test_decimals_keep_six_places_and_unknown_is_null() -> None:
    found = decimals(np.array([1.25, -0.000001, np.nan, 999_999_999.123456, -123456789.5]))
    assert found.to_pylist() == [
        Decimal("1.250000"),
        Decimal("-0.000001"),
        None,
        Decimal("999999999.123456"),
        Decimal("-123456789.500000"),
    ]
    assert decimals(np.empty(0)).to_pylist() == []


def test_words_are_a_dictionary_without_doubles() -> None:
    found = words(["b", "a", "b"], np.array([0, 1, 2, 0]))
    assert found.to_pylist() == ["b", "a", "b", "b"]
    assert found.dictionary.to_pylist() == ["a", "b"]


def test_of_several_revisions_the_newest_counts() -> None:
    rows = pa.table(
        {
            "datastream": ["x", "x", "y", "x"],
            "time": pa.array([10, 10, 10, 20], pa.timestamp("us", tz="UTC")),
            "value": [1.0, 2.0, 3.0, None],
            "revision": [0, 1, None, 0],
        }
    )
    names, times, values = newest(rows)
    assert list(zip(names.tolist(), times.tolist(), values.tolist(), strict=True)) == [("x", 10, 2.0), ("y", 10, 3.0)]
    assert newest(rows.slice(0, 0))[2].size == 0
    means = grouped_means(np.array([1.0, 3.0, 5.0]), np.array([0, 0, 7]), 3)
    assert means[0] == 2
    assert np.isnan(means[1:]).all()
