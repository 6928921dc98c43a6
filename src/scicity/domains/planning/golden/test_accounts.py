"""Accounts of land: every square metre in one class, and the zones add up to the district."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import box

from scicity.domains.planning.golden.test_partition import array, boxes
from scicity.domains.planning.methods.accounts import account, blue_and_green, holding, reserved


def test_two_zones_with_a_gap_an_overlap_and_a_parcel_beyond():
    zones = array(box(0, 0, 100, 100), box(100, 0, 200, 100))
    parcels = array(box(0, 0, 60, 100), box(50, 0, 150, 100), box(180, 0, 220, 100), None)
    found = account(zones, parcels, np.array([0, 1, 0, 1]), 2)
    assert found.area.tolist() == [[6000, 4000], [2000, 5000]]
    assert found.zone.tolist() == [10000, 10000]
    assert found.gap.tolist() == [0, 3000]
    assert found.overlap.tolist() == [1000, 0]
    assert found.outside.tolist() == [2000, 0]
    assert found.unaccounted.tolist() == [0, 0]


def test_an_account_of_nothing_is_all_gap():
    found = account(array(box(0, 0, 10, 10)), np.empty(0, dtype=object), np.empty(0, dtype=np.int64), 3)
    assert (found.area.tolist(), found.gap.tolist()) == ([[0, 0, 0]], [100])


def test_water_in_a_park_counts_once_as_water():
    zone = array(box(0, 0, 100, 100))
    green, water = array(box(0, 0, 50, 100), box(20, 0, 60, 100)), array(box(40, 0, 70, 100), box(40, 0, 70, 100))
    assert [each.tolist() for each in blue_and_green(zone, green, water)] == [[4000], [3000], [2000]]


def test_reserve_that_was_used():
    zones = array(box(0, 0, 100, 100), box(100, 0, 200, 100))
    kept = array(box(50, 0, 150, 100))
    now = array(box(50, 0, 70, 100), box(70, 0, 120, 100))
    held, became = reserved(zones, kept, now, np.array([0, 1]), 2)
    assert held.tolist() == [5000, 5000]
    assert became.tolist() == [[2000, 3000], [0, 2000]]


def test_what_holds_at_a_moment():
    always = np.iinfo(np.int64).min
    begins, ends = np.array([always, 10, 20, always]), np.array([always, 20, always, 10])
    assert holding(begins, ends, 10).tolist() == [True, True, False, False]
    assert holding(begins, ends, 20).tolist() == [True, False, True, False]
    assert holding(begins, ends, 9).tolist() == [True, False, False, True]


@settings(max_examples=25, deadline=None)
@given(boxes, boxes, st.lists(st.integers(0, 2), min_size=14, max_size=14))
def test_the_zones_add_up_to_the_district_whatever_lies_there(zones, parcels, kinds):
    found = account(array(*zones), array(*parcels), np.array(kinds[: len(parcels)]), 3)
    district = shapely.area(shapely.union_all(array(*zones)))
    assert found.zone.sum() == pytest.approx(district, rel=1e-9)
    assert (found.area.sum(axis=1) + found.gap) == pytest.approx(found.zone, rel=1e-9, abs=1e-9)
    covered = shapely.area(shapely.intersection(shapely.union_all(array(*zones)), shapely.union_all(array(*parcels))))
    assert found.area.sum() == pytest.approx(covered, rel=1e-9, abs=1e-9)
    assert found.area.sum() + found.outside.sum() == pytest.approx(shapely.area(shapely.union_all(array(*parcels))), rel=1e-9)
    green, blue, _ = blue_and_green(array(*zones), array(*parcels), array(*zones[:3]))
    assert (green >= -1e-9).all()
    together = shapely.union_all(array(*parcels, *zones[:3]))
    assert (green + blue).sum() == pytest.approx(
        shapely.area(shapely.intersection(together, shapely.union_all(array(*zones)))), rel=1e-9
    )
