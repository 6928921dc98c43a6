"""From which zoom features are drawn."""

from __future__ import annotations

import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as st

from scicity.space.mvt import world
from scicity.space.thinning import ALL, CELLS, first_zoom_of, marks

places = st.lists(
    st.tuples(st.floats(116.0, 116.4), st.floats(40.0, 40.3), st.sampled_from([0.0, 1e-5, 1e-4, 1e-3])), min_size=1, max_size=60
)


def first_zoom(*told: np.ndarray | None) -> np.ndarray:
    """The first zoom of each feature, as an index keeps it."""
    return first_zoom_of(marks(*told))


def made(asked) -> np.ndarray:
    """Squares, and points where a square would have no size."""
    return np.array([shapely.box(x, y, x + a, y + a) if a else shapely.Point(x, y) for x, y, a in asked], object)


def cells(geometries: np.ndarray, zoom: int) -> list[tuple[int, int]]:
    """The cell of each geometry's middle at a zoom."""
    boxes = shapely.bounds(geometries)
    middle = (world(boxes[:, :2]) + world(boxes[:, 2:])) / 2
    return [tuple(cell) for cell in np.floor(middle * 2 ** (zoom + CELLS)).astype(int).tolist()]


@given(places)
def test_no_cell_with_a_feature_is_left_empty_at_any_zoom(asked):
    geometries = made(asked)
    first = first_zoom(geometries)
    for zoom in range(ALL + 1):
        all_of = cells(geometries, zoom)
        assert {cell for cell, at in zip(all_of, first, strict=True) if at <= zoom} == set(all_of)


@given(places, st.randoms(use_true_random=False))
def test_the_order_of_the_features_does_not_matter(asked, random):
    geometries, names = made(asked), np.array([f"f{at}" for at in range(len(asked))], object)
    order = list(range(len(asked)))
    random.shuffle(order)
    assert (first_zoom(geometries[order], names[order]) == first_zoom(geometries, names)[order]).all()


def test_points_of_one_place_are_all_drawn_in_the_end_and_one_of_them_first():
    first = first_zoom(np.array([shapely.Point(116.3, 40.1)] * 9, object), np.array([f"f{at}" for at in range(9)], object))
    assert sorted(first) == [0] + [ALL] * 8


def test_the_largest_of_a_cell_is_drawn_first():
    small, large = shapely.box(116.3, 40.1, 116.30001, 40.10001), shapely.box(116.3001, 40.1, 116.3002, 40.1001)
    assert first_zoom(np.array([small, large], object)).tolist()[1] == 0
    assert first_zoom(np.array([small, large], object)).tolist()[0] > 10


def test_what_is_large_enough_to_be_seen_is_drawn_beside_what_is_larger():
    parcels = np.array([shapely.box(116 + at * 0.01, 40, 116.01 + at * 0.01, 40.01) for at in range(20)], object)
    assert (first_zoom(parcels) <= 9).all()  # 7 pixels wide there


def test_a_tile_of_points_has_at_most_one_a_cell_before_all_are_drawn():
    random = np.random.default_rng(6)
    points = shapely.points(random.uniform(116, 116.2, 50_000), random.uniform(40, 40.2, 50_000))
    first = first_zoom(points)
    for zoom in (10, 12, 14):
        drawn = cells(points[first <= zoom], zoom)
        assert len(set(drawn)) == len(drawn)


def test_a_restricted_feature_hides_no_other():
    here, larger = shapely.box(116.3, 40.1, 116.30001, 40.10001), shapely.box(116.3, 40.1, 116.3001, 40.1001)
    groups = np.array(["", "officer"], object)
    assert first_zoom(np.array([here, larger], object), None, groups).tolist() == [0, 0]


def test_nothing_has_no_zoom():
    assert first_zoom(np.empty(0, object)).shape == (0,)
    assert first_zoom(np.array([None, shapely.Polygon()], object)).shape == (2,)
