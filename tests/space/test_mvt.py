"""Tiles as others read them: the decoder is that of mapbox-vector-tile, the encoder ours."""

from __future__ import annotations

import mapbox_vector_tile
import numpy as np
import pyarrow as pa
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from mapbox_vector_tile.Mapbox import vector_tile_pb2

from scicity.space.mvt import BUFFER, EXTENT, MANY, PIXEL, Tile, encode, world

NONE: dict[str, pa.Array] = {}
HERE = Tile(14, 13491, 6209)


def placed(geometry: shapely.Geometry, tile: Tile) -> shapely.Geometry:
    """A geometry in units of a tile as one in degrees."""

    def degrees(units):
        at = (units / EXTENT + (tile.x, tile.y)) / 2**tile.z
        return np.column_stack([at[:, 0] * 360 - 180, np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * at[:, 1]))))])

    return shapely.transform(geometry, degrees)


def written(geometries, columns=NONE, tile=HERE, boxes=None) -> bytes:
    """The tile of geometries in its units."""
    there = np.array([None if each is None else placed(each, tile) for each in geometries], object)
    return encode("parks", tile, there, columns, boxes)


def told(tile: bytes) -> list[dict]:
    """The features of a tile, y downwards."""
    return mapbox_vector_tile.decode(tile, default_options={"y_coord_down": True})["parks"]["features"] if tile else []


def shapes(tile: bytes) -> list[shapely.Geometry]:
    """The geometries of a tile, in its units."""
    return [shapely.geometry.shape(feature["geometry"]) for feature in told(tile)]


def message(tile: bytes):
    """The one layer of a tile as the specification has it."""
    read = vector_tile_pb2.tile()
    read.ParseFromString(tile)
    (layer,) = read.layers
    return layer


def rings(commands: list[int]) -> list[np.ndarray]:
    """The paths of a feature, read as chapter 4.3 of the specification says."""
    found, pen, at = [], np.zeros(2, int), 0
    while at < len(commands):
        what, count = commands[at] & 7, commands[at] >> 3
        at += 1
        if what == 7:
            assert count == 1
            continue
        for _ in range(count):
            pen = pen + [(value >> 1) ^ -(value & 1) for value in commands[at : at + 2]]
            at += 2
            if what == 1:
                found.append([])
            found[-1].append(pen)
    return [np.array(path) for path in found]


def turning(ring: np.ndarray) -> float:
    """Twice the area of a ring by the surveyor's formula."""
    return float(np.sum(ring[:, 0] * np.roll(ring[:, 1], -1) - np.roll(ring[:, 0], -1) * ring[:, 1]))


def test_a_tile_without_features_is_empty():
    assert encode("parks", Tile(3, 1, 1), np.empty(0, object), NONE) == b""
    assert written([shapely.Point(9000, 9000)]) == b""
    assert written([shapely.Polygon()]) == b""


def test_every_kind_of_geometry_keeps_its_vertices():
    given_ = [
        shapely.Point(100, 200),
        shapely.MultiPoint([(1, 2), (3, 4)]),
        shapely.LineString([(0, 0), (100, 50), (200, 0)]),
        shapely.MultiLineString([[(0, 0), (10, 0)], [(20, 20), (30, 40), (50, 40)]]),
        shapely.Polygon([(0, 0), (400, 0), (400, 300), (0, 300)], [[(100, 100), (100, 200), (200, 200), (200, 100)]]),
        shapely.MultiPolygon([shapely.box(1000, 1000, 1100, 1100), shapely.box(2000, 2000, 2100, 2100)]),
    ]
    columns = {"at": pa.array(range(len(given_)))}
    found = {
        feature["properties"]["at"]: shapely.geometry.shape(feature["geometry"]) for feature in told(written(given_, columns))
    }
    assert [found[at].normalize() for at in range(len(given_))] == [each.normalize() for each in given_]


def test_of_a_collection_the_highest_dimension_is_drawn():
    mixed = shapely.GeometryCollection(
        [shapely.Point(5, 5), shapely.MultiPolygon([shapely.box(10, 10, 60, 60)]), shapely.box(100, 100, 160, 160)]
    )
    (found,) = shapes(written([mixed]))
    assert found.area == 50 * 50 + 60 * 60


def test_properties_keep_their_kind_and_none_is_left_out():
    columns = {
        "feature": pa.array(["a", "b", "c"]),
        "name": pa.array(["学校", None, "学校"]),
        "height": pa.array([3.5, None, 1e6]),
        "floors": pa.array([3, -2, 2**40]),
        "open": pa.array([True, False, None]),
    }
    found = [feature["properties"] for feature in told(written([shapely.box(0, 0, 50, 50)] * 3, columns))]
    assert found == [
        {"feature": "a", "name": "学校", "height": 3.5, "floors": 3, "open": True},
        {"feature": "b", "floors": -2, "open": False},
        {"feature": "c", "name": "学校", "height": 1e6, "floors": 2**40},
    ]


def test_a_layer_is_of_version_2_and_tells_its_extent_and_each_value_of_a_column_once():
    layer = message(written([shapely.box(0, 0, 50, 50)] * 300, {"feature_class": pa.array(["house"] * 300)}))
    assert (layer.version, layer.extent, layer.name) == (2, EXTENT, "parks")
    assert len(layer.features) == 300
    assert len(layer.values) == 1


@pytest.mark.parametrize("clockwise", [True, False])
def test_outlines_turn_one_way_and_holes_the_other(clockwise):
    outline, hole = shapely.box(0, 0, 400, 400, ccw=clockwise), shapely.box(100, 100, 300, 300, ccw=clockwise)
    (feature,) = message(written([shapely.Polygon(outline.exterior, [hole.exterior])])).features
    first, second = rings(list(feature.geometry))
    assert (turning(first), turning(second)) == (2 * 400 * 400, -2 * 200 * 200)


def test_what_collapses_is_left_out_with_its_holes():
    line = shapely.LineString([(10, 10), (10.2, 10.2)])
    sliver = shapely.Polygon([(0, 0), (500, 0.2), (1000, 0)], [[(400, 0.05), (500, 0.1), (600, 0.05)]])
    house = shapely.Polygon(shapely.box(0, 0, 80, 80).exterior, [shapely.box(10, 10, 10.3, 10.3).exterior])
    (found,) = shapes(written([line, sliver, house]))
    assert found.equals(shapely.box(0, 0, 80, 80))


def test_what_is_told_by_its_box_alone_is_a_pixel():
    box = np.array([placed(shapely.box(1000, 1000, 1002, 1002), HERE).bounds])
    (found,) = shapes(written([None], boxes=box))
    assert found.area == PIXEL**2
    assert found.contains(shapely.Point(1001, 1001))


def test_what_covers_the_tile_is_cut_at_its_buffer_and_neighbours_overlap_there():
    west, east = Tile(14, 13491, 6209), Tile(14, 13492, 6209)
    street = placed(shapely.LineString([(4000, 100), (4000 + EXTENT, 100)]), west)
    found = [shapes(encode("parks", tile, np.array([street]), NONE))[0].bounds for tile in (west, east)]
    assert found[0] == (4000, 100, EXTENT + BUFFER, 100)
    assert found[1] == (-BUFFER, 100, 4000, 100)
    (all_of_it,) = shapes(written([shapely.box(-9000, -9000, 9000, 9000)]))
    assert all_of_it.bounds == (-BUFFER, -BUFFER, EXTENT + BUFFER, EXTENT + BUFFER)


def test_the_whole_world_fills_the_first_tile():
    (found,) = shapes(encode("parks", Tile(0, 0, 0), np.array([shapely.box(-180, -90, 180, 90)]), NONE))
    assert found.bounds == (0, 0, EXTENT, EXTENT)


def test_a_polygon_that_crosses_itself_over_the_edge_is_drawn():
    bow_tie = shapely.Polygon([(-500, 1000), (900, 2000), (900, 1000), (-500, 2000)])
    spike = shapely.Polygon([(3000, 3000), (6000, 3000), (3000, 3000), (3000, 3500), (3500, 3500)])
    assert len(shapes(written([bow_tie, spike, shapely.box(0, 0, 99, 99)]))) == 3


def test_many_vertices_become_fewer_within_half_a_pixel():
    circle = shapely.Point(2000, 2000).buffer(1000, quad_segs=5000)
    (found,) = shapes(written([circle]))
    assert MANY < shapely.get_num_coordinates(found) < 400
    assert shapely.hausdorff_distance(found.exterior, circle.exterior) < PIXEL / 2


@given(
    st.lists(
        st.tuples(st.integers(400, 3600), st.integers(400, 3600), st.integers(9, 400), st.integers(3, 40)),
        min_size=1,
        max_size=20,
    )
)
@settings(max_examples=60)
def test_rounded_polygons_are_those_of_the_reference(asked):
    polygons = [shapely.Point(x, y).buffer(size, quad_segs=max(sides // 4, 1)) for x, y, size, sides in asked]
    columns = {"at": pa.array(range(len(polygons)))}
    ours = {
        feature["properties"]["at"]: shapely.geometry.shape(feature["geometry"]) for feature in told(written(polygons, columns))
    }
    features = [{"geometry": each, "properties": {"at": at}} for at, each in enumerate(polygons)]
    reference = mapbox_vector_tile.encode([{"name": "parks", "features": features}], default_options={"y_coord_down": True})
    for feature in told(reference):
        theirs = shapely.geometry.shape(feature["geometry"])
        mine = ours.pop(feature["properties"]["at"])
        assert mine.symmetric_difference(theirs).area <= 1.0 * mine.length  # both within half a unit of the given one
    assert not ours


@given(st.integers(0, 22), st.floats(-180, 179.999), st.floats(-85, 85))
def test_a_place_is_in_the_tile_that_bounds_say(zoom, longitude, latitude):
    x, y = np.floor(world(np.array([[longitude, latitude]]))[0] * 2**zoom).astype(int).tolist()
    west, south, east, north = Tile(zoom, x, y).bounds(1)
    assert west <= longitude <= east
    assert south <= latitude <= north
