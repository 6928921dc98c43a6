"""Golden cases of broken geometry: what is mended, with which area before and after, and what is refused with which words."""

import struct
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import shapely
from hypothesis import example, given
from hypothesis import strategies as st

from scicity.kernel.problems import Problems
from scicity.space.crs import reference
from scicity.space.geometry import Check


def checked(*shapes, crs="EPSG:4326", ordered=False):
    """The geometries of a file with these features, its check and its problems."""
    wkb = [
        None if s is None else s if isinstance(s, bytes) else shapely.to_wkb(shapely.from_wkt(s), output_dimension=3)
        for s in shapes
    ]
    check = Check("layers/a.gpkg", reference(crs), Problems(), ordered)
    found = check.batch(pa.array(wkb, pa.binary()), np.arange(1, len(wkb) + 1))
    return found, check


def faults(check):
    return list(zip(check.report.column("source_row").to_pylist(), check.report.column("fault").to_pylist(), strict=True))


def refused(check):
    return [(p.code, p.row, p.found) for p in check.problems]


SQUARE = "POLYGON((116 40,116.01 40,116.01 40.01,116 40.01,116 40))"
SQUARE_AREA = 948_000  # m²: 0.01° of longitude at 40.005° N × 0.01° of latitude = 854 m × 1110 m


def test_a_good_polygon_stays_as_it_is():
    found, check = checked(SQUARE)
    assert found[0].equals(shapely.from_wkt(SQUARE)) and not faults(check) and not refused(check)


def test_bow_tie_becomes_two_triangles():
    found, check = checked(SQUARE, "POLYGON((116 40,116.01 40.01,116.01 40,116 40.01,116 40))")
    assert faults(check) == [(2, "bow-tie")] and not refused(check)
    assert found[1].is_valid and len(found[1].geoms) == 2
    row = check.report.to_pylist()[0]
    assert row["area_before"] == pytest.approx(0, abs=300)  # both halves cancel out but for the narrowing of the meridians
    assert row["area_after"] == pytest.approx(SQUARE_AREA / 2, rel=0.01)


def test_self_touch_is_mended_without_loss():
    ring = "POLYGON((0 0,2 0,2 2,1 1,0.5 2,1 1,0 2,0 0))"
    found, check = checked(ring.replace("1 1,0.5 2,1 1", "1 0,1.5 1.5,1 0"))
    assert faults(check)[0][1] in ("self-touch", "bow-tie") and found[0].is_valid
    touching = "POLYGON((0 0,4 0,4 4,2 0,0 4,0 0))"  # (2 0) lies on the first edge
    found, check = checked(touching)
    assert faults(check)[0][1] in ("self-touch", "bow-tie")
    row = check.report.to_pylist()[0]
    assert found[0].is_valid and row["area_after"] == pytest.approx(row["area_before"], rel=1e-9)


def test_a_ring_that_touches_itself_in_a_vertex():
    found, check = checked("POLYGON((0 0,2 2,4 0,4 4,2 2,0 4,0 0))")
    assert faults(check) == [(1, "self-touch")] and found[0].geom_type == "MultiPolygon"
    row = check.report.to_pylist()[0]
    assert row["area_after"] == pytest.approx(row["area_before"], rel=1e-9)


def test_ring_order_is_turned_and_told_where_the_format_says_it():
    clockwise = "POLYGON((0 0,0 1,1 1,1 0,0 0))"
    hole = "POLYGON((0 0,1 0,1 1,0 1,0 0),(0.2 0.2,0.8 0.2,0.8 0.8,0.2 0.8,0.2 0.2))"
    for ordered in (True, False):
        found, check = checked(clockwise, SQUARE, hole, ordered=ordered)
        assert faults(check) == ([(1, "ring-order"), (3, "ring-order")] if ordered else [])
        assert found[0].exterior.is_ccw and not found[2].interiors[0].is_ccw


def test_an_unclosed_ring_is_closed():
    ring = [(116, 40), (116.01, 40), (116.01, 40.01), (116, 40.01)]
    wkb = struct.pack("<BIII", 1, 3, 1, 4) + b"".join(struct.pack("<dd", *at) for at in ring)
    found, check = checked(SQUARE, wkb)
    assert faults(check) == [(2, "unclosed")] and found[1].equals(shapely.from_wkt(SQUARE))
    assert check.report.to_pylist()[0]["area_after"] == pytest.approx(SQUARE_AREA, rel=0.01)


def test_holes_and_parts_that_cannot_be():
    outside = "POLYGON((0 0,1 0,1 1,0 1,0 0),(5 5,5 6,6 6,6 5,5 5))"
    nested = "POLYGON((0 0,9 0,9 9,0 9,0 0),(1 1,1 8,8 8,8 1,1 1),(2 2,2 3,3 3,3 2,2 2))"
    parts = "MULTIPOLYGON(((0 0,9 0,9 9,0 9,0 0)),((1 1,2 1,2 2,1 2,1 1)))"
    found, check = checked(outside, nested, parts)
    assert faults(check) == [(1, "hole-outside"), (2, "hole-in-hole"), (3, "part-in-part")]
    assert all(shapely.is_valid(found))


def test_empty_parts_are_dropped_and_told():
    found, check = checked("MULTIPOLYGON(((0 0,1 0,1 1,0 0)),EMPTY)")
    assert faults(check) == [(1, "empty-part")] and len(found[0].geoms) == 1


@pytest.mark.parametrize(
    ("shape", "fault"),
    [
        (None, "empty"),
        ("POLYGON EMPTY", "empty"),
        ("GEOMETRYCOLLECTION EMPTY", "empty"),
        ("POINT(NaN 40)", "not-finite"),
        (shapely.to_wkb(shapely.Point(float("inf"), 40)), "not-finite"),
        (shapely.to_wkb(shapely.Point(116, 40, float("inf"))), "not-finite"),
        ("POINT(1e308 40)", "out-of-earth"),
        ("POINT(40.1 116.4)", "out-of-earth"),
        ("POINT(200 40)", "out-of-earth"),
        ("POLYGON((0 0,1 1,2 2,0 0))", "no-area"),
        (struct.pack("<BI", 1, 99), "unreadable"),
        (struct.pack("<BII", 1, 3, 0xFFFFFFF0), "unreadable"),
        (struct.pack("<BIIdd", 1, 2, 0x7FFFFFFF, 1, 2), "unreadable"),
        (struct.pack("<BII", 1, 7, 1) * 5_000, "unreadable"),
        (b"", "unreadable"),
        (b"\x07", "unreadable"),
        ("POLYGON((170 80,-100 80,0 80,100 80,170 80))", "pole"),
    ],
)
def test_refused_with_the_number_of_the_feature(shape, fault):
    found, check = checked(SQUARE, shape, SQUARE)
    assert refused(check) == [("geometry", 2, fault)]
    assert found[1] is None and found[0] is not None and found[2] is not None
    assert all(problem.remedy for problem in check.problems)


def test_swapped_axes_are_told():
    _, check = checked("POINT(40.1 116.4)")
    (problem,) = check.problems
    assert "latitude before longitude" in problem.expected


def test_mixed_crs_is_refused_with_a_guess():
    _, check = checked(SQUARE, "POINT(39512345 4423000)")
    assert refused(check) == [("geometry", 2, "mixed-crs")]
    assert "EPSG:4527" in next(iter(check.problems)).expected
    _, check = checked("POINT(449000 4440000)", "POINT(116.4 40.1)", crs="EPSG:4548")
    assert refused(check) == [("geometry", 2, "mixed-crs")]


def test_mixed_dimensions_are_told_once():
    _, check = checked("POINT(1 2)", "POINT Z(1 2 3)", "POINT(3 4)", "POINT Z(1 2 4)")
    assert faults(check) == [(2, "mixed-dimension")] and not refused(check)


@pytest.mark.parametrize(
    "shape",
    [
        "POLYGON((179 0,-179 0,-179 1,179 1,179 0))",  # as RFC 7946 would not have it
        "POLYGON((179 0,181 0,181 1,179 1,179 0))",  # continuous
        "POLYGON((-181 0,-179 0,-179 1,-181 1,-181 0))",
    ],
)
def test_the_antimeridian_cuts(shape):
    found, check = checked(shape)
    assert faults(check) == [(1, "antimeridian")] and not refused(check)
    assert found[0].equals(
        shapely.from_wkt("MULTIPOLYGON(((179 0,180 0,180 1,179 1,179 0)),((-180 0,-179 0,-179 1,-180 1,-180 0)))")
    )
    assert check.report.to_pylist()[0]["area_after"] == pytest.approx(2 * 111_320 * 110_574, rel=0.01)


def test_the_antimeridian_cuts_lines_and_spares_the_whole_earth():
    found, check = checked("LINESTRING(179 0,-179 0)", "POLYGON((-180 -90,180 -90,180 90,-180 90,-180 -90))")
    assert faults(check) == [(1, "antimeridian")]
    assert found[0].equals(shapely.from_wkt("MULTILINESTRING((179 0,180 0),(-180 0,-179 0))"))
    hole = "POLYGON((170 -10,-170 -10,-170 10,170 10,170 -10),(-175 1,-176 1,-176 2,-175 2,-175 1))"
    found, _ = checked(hole)
    assert found[0].area == pytest.approx(20 * 20 - 1)


def test_a_line_without_length_becomes_a_point_and_says_so():
    found, check = checked("LINESTRING(1 1,1 1)")
    assert faults(check) == [(1, "collapsed")] and found[0].equals(shapely.Point(1, 1))


def test_the_outline_of_beijing_is_mended_with_a_report():
    """The 16 districts as published: 12 touch themselves; none loses or gains more than a thousandth of its area."""
    file = Path(__file__).parent / "data" / "beijing_districts.geojson"
    import json

    features = json.loads(file.read_text())["features"]
    wkb = pa.array([shapely.to_wkb(shapely.geometry.shape(f["geometry"])) for f in features], pa.binary())
    check = Check("layers/beijing_districts.geojson", reference("GCJ-02"), Problems())
    found = check.batch(wkb, np.arange(1, len(features) + 1))
    assert not check.problems.items and shapely.is_valid(found).all()
    rows = check.report.to_pylist()
    assert len({row["source_row"] for row in rows}) == 12
    for row in rows:
        assert row["area_after"] == pytest.approx(row["area_before"], rel=1e-3)


points = st.tuples(st.floats(-1, 1), st.floats(-1, 1))


@example([[(1.0, 1.0), (0.0, 0.0), (0.0, 2.2e-176)]])  # valid, as its library says, and yet without area
@given(st.lists(st.lists(points, min_size=3, max_size=9), min_size=1, max_size=4))
def test_whatever_is_drawn_comes_out_valid_or_is_refused(rings):
    polygons = [shapely.to_wkb(shapely.Polygon(ring)) for ring in rings]
    found, check = checked(*polygons)
    numbers = {problem.row for problem in check.problems}
    for number, geometry in enumerate(found, start=1):
        assert (geometry is None) == (number in numbers)
        if geometry is not None:
            assert geometry.is_valid and geometry.area > 0 and geometry.geom_type in ("Polygon", "MultiPolygon")


@given(st.binary(max_size=60), st.booleans())
def test_no_bytes_break_the_check(raw, valid_head):
    _, check = checked((struct.pack("<BI", 1, 3) if valid_head else b"") + raw)
    assert len(check.problems) <= 1
