"""Areas laid over each other: worked out by hand, beside geopandas, and for any parcels that there may be."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import box

from scicity.domains.planning.methods.partition import in_turn, mean_width, overlay, parts_of, thin


def array(*shapes):
    found = np.empty(len(shapes), dtype=object)
    found[:] = shapes
    return found


def jittered(seed, count, shift=0.0, noise=6.0):
    """A sheet of quadrilaterals that share their corners."""
    r = np.random.default_rng(seed)
    xs, ys = np.meshgrid(np.arange(count + 1) * 40.0, np.arange(count + 1) * 40.0)
    p = np.stack([xs, ys], -1) + r.uniform(-noise, noise, (count + 1, count + 1, 2)) + shift
    return shapely.polygons(np.stack([p[:-1, :-1], p[:-1, 1:], p[1:, 1:], p[1:, :-1]], 2).reshape(-1, 4, 2))


def test_two_squares_share_a_quarter_and_the_rests_make_them_whole():
    found = overlay(array(box(0, 0, 10, 10)), array(box(5, 5, 15, 15)))
    assert (found.i.tolist(), found.j.tolist(), found.area.tolist()) == ([0], [0], [25.0])
    assert shapely.area(found.left_rest).tolist() == [75.0]
    assert shapely.area(found.right_rest).tolist() == [75.0]


def test_neighbours_that_touch_share_nothing():
    found = overlay(array(box(0, 0, 10, 10)), array(box(10, 0, 20, 10), box(10, 10, 20, 20), box(0, 10, 10, 20)))
    assert len(found.i) == 0
    assert shapely.area(found.left_rest).tolist() == [100.0]


def test_a_piece_that_comes_with_an_edge_is_its_area_alone():
    ell = shapely.Polygon([(0, 0), (10, 0), (10, 10), (5, 10), (5, 5), (0, 5)])
    found = overlay(array(ell), array(box(5, 0, 10, 5).union(box(0, 5, 5, 10))))
    assert found.area.tolist() == [25.0]
    assert shapely.get_type_id(found.pieces).tolist() in ([3], [6])


def test_identical_parcels_are_all_piece_and_no_rest():
    sheet = jittered(1, 12)
    found = overlay(sheet, sheet.copy())
    assert found.i.tolist() == found.j.tolist() == list(range(144))
    assert found.area == pytest.approx(shapely.area(sheet), rel=1e-15)
    assert shapely.is_missing(found.left_rest).all()


def test_a_hole_is_not_covered():
    ring = shapely.Polygon(box(0, 0, 10, 10).exterior, [box(2, 2, 8, 8).exterior])
    found = overlay(array(ring), array(box(0, 0, 10, 10)))
    assert found.area.tolist() == [64.0]
    assert shapely.area(found.right_rest).tolist() == [36.0]
    assert len(overlay(array(ring), array(box(2, 2, 8, 8))).i) == 0


@pytest.mark.parametrize(
    ("shapes", "left", "pairs"),
    [
        (array(box(0, 0, 10, 10), box(5, 0, 15, 10)), [100.0, 50.0], [(0, 1, 50.0)]),
        (array(box(0, 0, 10, 10), box(0, 0, 10, 10)), [100.0, 0.0], [(0, 1, 100.0)]),
        (array(box(0, 0, 10, 10), box(2, 2, 4, 4)), [100.0, 0.0], [(0, 1, 4.0)]),
        (array(box(2, 2, 4, 4), box(0, 0, 10, 10)), [4.0, 96.0], [(0, 1, 4.0)]),
        (array(box(0, 0, 10, 10), box(10, 0, 20, 10)), [100.0, 100.0], []),
        (
            array(box(0, 0, 9, 9), None, box(0, 0, 9, 9), box(0, 0, 9, 18)),
            [81.0, 0, 0, 81.0],
            [(0, 2, 81.0), (0, 3, 81.0), (2, 3, 81.0)],
        ),
    ],
)
def test_each_place_is_of_one(shapes, left, pairs):
    own, first, second, shared = in_turn(shapes, np.zeros(len(shapes), dtype=np.int64))
    assert np.nan_to_num(shapely.area(own)).tolist() == left
    assert sorted(zip(first.tolist(), second.tolist(), shapely.area(shared).tolist(), strict=True)) == pairs


def test_whose_turn_comes_first_keeps_the_place():
    own, first, second, _ = in_turn(array(box(0, 0, 10, 10), box(5, 0, 15, 10)), np.array([2, 1]))
    assert shapely.area(own).tolist() == [50.0, 100.0]
    assert (first.tolist(), second.tolist()) == ([1], [0])


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (box(0, 0, 20, 20), False),
        (box(0, 0, 3, 3), True),  # 9 m² of at least 10
        (box(0, 0, 1000, 0.99), True),  # 990 m², but thinner than a metre
        (box(0, 0, 1000, 1.01), False),
        (shapely.Polygon([(0, 0), (100, 0), (50, 0.9)]), True),
        (shapely.Polygon(box(0, 0, 100, 100).exterior, [box(0.4, 0.4, 99.6, 99.6).exterior]), True),  # a thin ring: 158 m²
        (box(0, 0, 500, 0.5).union(box(0, 0, 4, 4)), False),  # a thin strip that ends in a broad place
        (box(0, 0, 500, 0.5).union(box(499, 0, 499.5, 500)), True),  # a thin corner: its rectangle is large
    ],
)
def test_thin_pieces_are_told_by_area_and_by_width(part, expected):
    assert thin(array(part), 10.0, 1.0).tolist() == [expected]


def test_without_thresholds_nothing_is_thin():
    assert thin(array(box(0, 0, 1e-3, 1e-3)), 0.0, 0.0).tolist() == [False]


def test_the_mean_width_of_a_strip_is_its_width():
    assert mean_width(array(box(0, 0, 1000, 2), box(0, 0, 4, 4))) == pytest.approx([2000 * 2 / 2004, 2.0])


def test_parts_know_their_piece():
    parts, of = parts_of(array(shapely.MultiPolygon([box(0, 0, 1, 1), box(2, 2, 3, 3)]), box(5, 5, 6, 6)))
    assert (len(parts), of.tolist()) == (3, [0, 0, 1])


@pytest.mark.parametrize("shift", [0.0, 13.7])
def test_areas_are_those_of_geopandas(shift):
    geopandas = pytest.importorskip("geopandas")
    left, right = jittered(1, 20), jittered(2, 20, shift)
    theirs = geopandas.overlay(
        geopandas.GeoDataFrame({"a": range(400)}, geometry=left, crs="EPSG:4548"),
        geopandas.GeoDataFrame({"b": range(400)}, geometry=right, crs="EPSG:4548"),
        how="union",
        keep_geom_type=True,
    )
    found = overlay(left, right)
    both = theirs[theirs["a"].notna() & theirs["b"].notna()]
    by_pair = {(int(a), int(b)): area for a, b, area in zip(both["a"], both["b"], both.area, strict=True)}
    mine = dict(zip(zip(found.i.tolist(), found.j.tolist(), strict=True), found.area.tolist(), strict=True))
    large = {pair for pair, area in by_pair.items() if area > 1e-6}
    assert large <= set(mine)
    assert [mine[pair] for pair in sorted(large)] == pytest.approx(
        [by_pair[pair] for pair in sorted(large)], rel=1e-9, abs=1e-9
    )
    whole = shapely.area(left).sum()
    only_left = theirs[theirs["a"].notna() & theirs["b"].isna()].area.sum()
    assert np.nansum(shapely.area(found.left_rest)) == pytest.approx(only_left, abs=1e-9 * whole)
    assert found.area.sum() + np.nansum(shapely.area(found.left_rest)) == pytest.approx(whole, rel=1e-9)


boxes = st.lists(
    st.tuples(*[st.integers(0, 30)] * 2, *[st.integers(1, 12)] * 2).map(lambda b: box(b[0], b[1], b[0] + b[2], b[1] + b[3])),
    min_size=1,
    max_size=14,
)


@settings(max_examples=25, deadline=None)
@given(boxes, boxes)
def test_pieces_and_rests_are_the_whole_whatever_lies_there(left, right):
    mine, *_ = in_turn(array(*left), np.zeros(len(left), dtype=np.int64))
    theirs, *_ = in_turn(array(*right), np.zeros(len(right), dtype=np.int64))
    union = shapely.area(shapely.union_all(array(*left)))
    assert np.nansum(shapely.area(mine)) == pytest.approx(union, rel=1e-9)
    found = overlay(mine, theirs)
    assert found.area.sum() + np.nansum(shapely.area(found.left_rest)) == pytest.approx(union, rel=1e-9)
    shared = shapely.area(shapely.intersection(shapely.union_all(array(*left)), shapely.union_all(array(*right))))
    assert found.area.sum() == pytest.approx(shared, rel=1e-9, abs=1e-9)
