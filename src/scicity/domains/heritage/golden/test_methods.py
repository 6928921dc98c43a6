"""Heights around sites and under sight lines, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from shapely import box

from scicity.domains.heritage.methods.corridors import Corridors, outlines, sight
from scicity.domains.heritage.methods.heights import Band, excess, faults, near, permitted, reach_of, within


def array(*shapes):
    found = np.empty(len(shapes), dtype=object)
    found[:] = shapes
    return found


STEPS = [Band("core", "fort", 0, 100, 9), Band("near", "fort", 100, 300, 18), Band("far", "fort", 300, 800, 18, 0.06)]


def test_heights_rise_outwards_in_steps_and_along_a_slope():
    distance = np.array([0.0, 99.99, 100.0, 299.0, 300.0, 500.0, 799.0, 800.0])
    told = [permitted(distance, band) for band in STEPS]
    assert told[0][:2].tolist() == [9, 9]
    assert np.isnan(told[0][2:]).all()
    assert told[1][2:4].tolist() == [18, 18]
    assert told[2][4:7] == pytest.approx([18, 30, 47.94])
    assert np.isnan(told[2][7])


def test_the_nearest_point_of_a_building_counts():
    sites, buildings = array(box(0, 0, 100, 100)), array(box(150, 0, 400, 50), box(50, 50, 60, 60), box(2000, 0, 2010, 10))
    i, j, distance = near(sites, buildings, reach_of(STEPS))
    assert sorted(zip(i.tolist(), j.tolist(), distance.tolist(), strict=True)) == [(0, 0, 50.0), (0, 1, 0.0)]


def test_by_how_many_metres():
    assert excess(np.array([20.0, 9.0, np.nan]), np.array([9.0, 9.0, 9.0])).tolist()[:2] == [11.0, 0.0]
    assert np.isnan(excess(np.array([np.nan]), np.array([9.0]))).all()


def test_bands_that_lie_over_each_other_are_told():
    assert faults(STEPS) == []
    doubled = Band("double", "fort", 50, 150, 12)
    assert [(a.rule, b.rule) for a, b in faults([*STEPS, doubled])] == [("core", "double"), ("near", "double")]
    assert faults([*STEPS, Band("elsewhere", "bridge", 0, 100, 3)]) == []


def test_touching_a_range_is_not_standing_in_it():
    i, j = within(array(box(0, 0, 100, 100)), array(box(100, 0, 120, 20), box(90, 0, 110, 20)))
    assert (i.tolist(), j.tolist()) == ([0], [1])


def corridor(**changed):
    told = {
        "eye": [[0.0, 0.0]],
        "target": [[1000.0, 0.0]],
        "eye_elevation": [41.6],
        "target_elevation": [61.6],
        "eye_ground": [40.0],
        "target_ground": [50.0],
        "eye_width": [20.0],
        "target_width": [60.0],
    } | changed
    return Corridors(**{name: np.array(value, dtype=float) for name, value in told.items()})


def test_a_corridor_is_as_wide_as_told_at_both_ends():
    (strip,) = outlines(corridor())
    assert strip.area == pytest.approx(1000 * (20 + 60) / 2)
    assert strip.bounds == pytest.approx((0, -30, 1000, 30))
    assert outlines(corridor(target=[[0.0, 0.0]])).tolist() == [None]


def test_permitted_is_the_lowest_sight_line_over_the_building_less_its_ground():
    buildings = array(box(500, -5, 600, 5), box(500, 100, 600, 120))
    i, j, away, limit, assumed = sight(corridor(), buildings, np.array([44.0, 44.0]))
    assert (i.tolist(), j.tolist(), assumed.tolist()) == ([0], [0], [False])
    assert away.tolist() == pytest.approx([500])
    assert limit.tolist() == pytest.approx([41.6 + 20 * 0.5 - 44])  # 7.6 m at the end nearer to the eye


def test_a_sight_line_that_falls_is_lowest_at_the_far_end():
    _, _, _, limit, _ = sight(
        corridor(eye_elevation=[80.0], target_elevation=[60.0]), array(box(500, -5, 600, 5)), np.array([40.0])
    )
    assert limit.tolist() == pytest.approx([80 - 20 * 0.6 - 40])


def test_unknown_ground_is_assumed_between_eye_and_target():
    _, _, _, limit, assumed = sight(corridor(), array(box(500, -5, 600, 5)), np.array([np.nan]))
    assert assumed.tolist() == [True]
    assert limit.tolist() == pytest.approx([51.6 - 45.5])


def test_only_what_lies_in_the_strip_counts():
    building = shapely.Polygon([(200, -200), (800, -20), (800, 20), (790, 20)])
    _, _, away, limit, _ = sight(corridor(), array(building), np.array([40.0]))
    assert away[0] > 500
    assert limit[0] > 41.6 + 20 * 0.5 - 40


def test_what_is_looked_at_stands_in_nobodys_view():
    found = sight(corridor(), array(box(990, -5, 1010, 5), box(-5, -5, 5, 5)), np.array([40.0, 40.0]))
    assert [len(each) for each in found] == [0] * 5


def test_nothing_to_look_at():
    assert [len(each) for each in sight(corridor(target=[[0.0, 0.0]]), array(box(0, 0, 1, 1)), np.array([1.0]))] == [0] * 5
    assert [len(each) for each in near(array(), array(box(0, 0, 1, 1)), 10)] == [0] * 3
