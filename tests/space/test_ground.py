"""The ground on which a district is measured: what shares a boundary in degrees shares it in metres."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
import shapely

from scicity.space.ground import STEP, Ground

GROUND = Ground("EPSG:4548")


def placed(*shapes):
    return GROUND.shapes(pa.array([shape if shape is None else shapely.to_wkb(shape) for shape in shapes], pa.binary()))


def test_parcels_along_a_zone_of_one_long_edge_leave_no_gap():
    west, east, south, north = 116.40, 116.46, 40.10, 40.13  # five kilometres, on which the edge is bent by 0.4 m
    cuts = np.linspace(west, east, 38)
    zone, *parcels = placed(
        shapely.box(west, south, east, north),
        *(shapely.box(left, south, right, north) for left, right in pairwise(cuts)),
    )
    gap = shapely.area(shapely.difference(zone, shapely.union_all(parcels)))
    assert gap < 2e-8 * shapely.area(zone)  # 0.2 mm along both edges; as corners alone it were 6e-5


def test_neighbours_share_the_corners_of_a_long_edge():
    corner, end = (116.4, 40.1), (116.4137, 40.1071)
    left = shapely.Polygon([corner, end, (116.40, 40.12)])
    right = shapely.Polygon([end, corner, (116.42, 40.10)])
    found = placed(left, right)
    assert shapely.coverage_is_valid(found)
    assert len(shapely.get_coordinates(shapely.shared_paths(found[0].exterior, found[1].exterior))) > 2
    assert shapely.area(shapely.intersection(*found)) == 0


def test_what_is_short_stays_as_it_is_and_every_form_is_kept():
    short = shapely.box(116.4, 40.1, 116.4 + STEP / 2, 40.1 + STEP / 2)
    long = shapely.box(116.4, 40.1, 116.42, 40.12)
    holed = shapely.Polygon(long.exterior, [shapely.box(116.405, 40.105, 116.415, 40.115).exterior])
    several = shapely.MultiPolygon([short, shapely.box(116.5, 40.1, 116.52, 40.12)])
    found = placed(short, long, holed, several, None, shapely.Point(116.4, 40.1))
    assert [None if each is None else each.geom_type for each in found] == [*["Polygon"] * 3, "MultiPolygon", None, None]
    assert shapely.get_num_coordinates(found[0]) == 5
    assert (shapely.get_num_interior_rings(found[2]), shapely.get_num_geometries(found[3])) == (1, 2)
    for shape, original in zip(found[:4], (short, long, holed, several), strict=True):
        assert shapely.is_valid(shape)
        back = GROUND.lonlat(np.array([shape], dtype=object))[0]
        assert shapely.area(shapely.symmetric_difference(back, original)) < 1e-13


def test_lines_are_followed_too():
    line = shapely.LineString([(116.4, 40.1), (116.5, 40.1)])
    (found,) = GROUND.shapes(pa.array([shapely.to_wkb(line)]), dimension=1)
    middle = GROUND.points(pa.array([shapely.to_wkb(shapely.Point(116.45, 40.1))]))[0]
    assert shapely.distance(found, middle) == pytest.approx(0, abs=1e-3)
    assert shapely.distance(shapely.LineString([found.coords[0], found.coords[-1]]), middle) > 1
