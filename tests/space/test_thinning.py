"""From which zoom features are drawn."""

from __future__ import annotations

import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as st

from scicity.space.mvt import world
from scicity.space.thinning import ALL, CELLS, first_zoom

places = st.lists(
    st.tuples(st.floats(116.0, 116.4), st.floats(40.0, 40.3), st.sampled_from([0.0, 1e-5, 1e-4, 1e-3])), min_size=1, max_size=60
)


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


def instants(days: list[float | None]) -> np.ndarray:
    """Days since 1970 as instants [µs]."""
    return np.array(days, float) * 86_400e6


spans = st.lists(
    st.tuples(
        st.sampled_from([116.3, 116.3001, 116.31]),
        st.sampled_from([0.0, 1e-5, 1e-4]),
        st.one_of(st.none(), st.integers(-30_000, 30_000)),
        st.one_of(st.none(), st.integers(1, 20_000)),
    ),
    min_size=1,
    max_size=25,
)


@given(spans, st.integers(1901, 2099), st.integers(-11, 14))
def test_at_the_end_of_no_year_is_a_cell_emptied_of_what_is_there(asked, year, offset):
    geometries = made([(x, 40.1, size) for x, size, _, _ in asked])
    since = [begin for _, _, begin, _ in asked]
    until = [None if lasts is None else (begin or 0) + lasts for _, _, begin, lasts in asked]
    midnights = tuple(instants(days) - offset * 3_600e6 for days in (since, until))  # of the district
    first = first_zoom(geometries, None, None, midnights)
    day = (np.datetime64(f"{year}-12-31") - np.datetime64("1970-01-01")).astype(int)
    there = [(a is None or a <= day) and (b is None or day < b) for a, b in zip(since, until, strict=True)]
    for zoom in range(ALL + 1):
        all_of = [cell for cell, now in zip(cells(geometries, zoom), there, strict=True) if now]
        drawn = {cell for cell, at in zip(cells(geometries[there], zoom), first[there], strict=True) if at <= zoom}
        assert drawn == set(all_of)


def test_of_days_of_one_cell_there_is_one_a_year():
    days = instants(list(range(0, 7_305)))  # of 20 years
    first = first_zoom(np.array([shapely.Point(116.3, 40.1)] * len(days), object), None, None, (days, days + 86_400e6))
    assert (first < ALL).sum() in (20, 21)


def test_what_is_always_there_spares_the_others_and_years_need_few():
    random = np.random.default_rng(6)
    geometries = shapely.box(116.3, 40.1, 116.30001, 40.1 + random.uniform(1e-6, 1e-5, 500))
    since = instants(list(random.uniform(0, 20_000, 500)))
    never = np.full(500, np.nan)
    assert (
        first_zoom(geometries, None, None, (since, never)) < ALL - 1
    ).sum() < 15  # only what begins in an earlier year than all that are larger
    always = np.append(geometries, shapely.box(116.3, 40.1, 116.30002, 40.10002))
    during = np.append(since, np.nan), np.append(never, np.nan)
    assert (first_zoom(always, None, None, during) < ALL - 1).sum() == 1


def test_nothing_has_no_zoom():
    assert first_zoom(np.empty(0, object)).shape == (0,)
    assert first_zoom(np.array([None, shapely.Polygon()], object)).shape == (2,)
