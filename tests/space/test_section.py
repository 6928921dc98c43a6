"""Sections: where a line crosses what lies under ground, against the ellipsoid and by known cases."""

from __future__ import annotations

import json

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from scicity.space.section import COLUMNS, crossings, plane_of

GEOD = Geod(ellps="WGS84")


def row(geometry: str, depth: float | None = 2.0, **details: object) -> tuple[object, ...]:
    told = dict.fromkeys(COLUMNS) | {"feature": "f", "depth": depth, "details": json.dumps(details)}
    return tuple((told | {"geometry": shapely.to_wkb(shapely.from_wkt(geometry))})[name] for name in COLUMNS)


@given(st.floats(-170, 170), st.floats(-75, 75), st.floats(0, 359), st.floats(10, 20_000), st.floats(0.05, 0.95))
@settings(max_examples=60, deadline=None)
def test_metres_along_are_those_of_the_ellipsoid(x: float, y: float, azimuth: float, length: float, share: float) -> None:
    """The end of a line, and where a pipe crosses it, beside geodesics."""
    end_x, end_y, _ = GEOD.fwd(x, y, azimuth, length)
    if abs(end_x - x) > 90:
        return  # over the antimeridian
    plane, flat = plane_of([(x, y), (end_x, end_y)])
    assert flat.length == pytest.approx(length, rel=1e-5)
    at = GEOD.fwd(x, y, azimuth, share * length)
    left, right = (GEOD.fwd(at[0], at[1], at[2] + turn, 3.0) for turn in (90, -90))
    (found,) = crossings(plane, flat, "pipes", [row(f"LINESTRING ({left[0]} {left[1]}, {right[0]} {right[1]})")])
    assert found.along == pytest.approx(share * length, rel=2e-5, abs=0.02)


def test_a_pipe_that_falls_has_the_depth_of_where_it_is_crossed() -> None:
    plane, flat = plane_of([(0.0, 0.001), (0.002, 0.001)])
    (found,) = crossings(
        plane, flat, "pipes", [row("LINESTRING (0.001 0, 0.001 0.004)", from_depth=1.0, to_depth=3.0, diameter=400)]
    )
    assert found.depth == pytest.approx(1.5, abs=1e-3) and (found.tall, found.wide) == (0.4, 0.4)


def test_what_is_crossed_twice_is_told_twice_and_an_area_from_edge_to_edge() -> None:
    plane, flat = plane_of([(0.0, 0.0), (0.01, 0.0)])
    bent = "LINESTRING (0.002 -0.001, 0.002 0.001, 0.006 0.001, 0.006 -0.001)"
    hall = "POLYGON ((0.003 -0.001, 0.005 -0.001, 0.005 0.001, 0.003 0.001, 0.003 -0.001))"
    assert len(crossings(plane, flat, "pipes", [row(bent)])) == 2
    (found,) = crossings(plane, flat, "halls", [row(hall, 8.0)])
    assert found.along == pytest.approx(334.0, abs=0.2) and found.until == pytest.approx(556.6, abs=0.2)


def test_unknown_depth_stays_unknown_and_elevation_comes_from_the_vertices() -> None:
    plane, flat = plane_of([(0.0, 0.0), (0.01, 0.0)])
    (found,) = crossings(plane, flat, "pipes", [row("LINESTRING Z (0.005 -0.001 10, 0.005 0.001 20)", None, diameter="wide")])
    assert found.depth is None and found.tall is None and found.elevation == pytest.approx(15.0)


def test_beside_the_line_nothing_is_crossed() -> None:
    plane, flat = plane_of([(0.0, 0.0), (0.01, 0.0)])
    assert crossings(plane, flat, "pipes", [row("LINESTRING (0 0.001, 0.01 0.001)")]) == []
    assert crossings(plane, flat, "pipes", []) == []


@pytest.mark.parametrize("line", [[], [(0, 0)], [(0, 0), (0, 0)], [(0, 0), (1, 0)], [(0, 91), (0, 90)], [(181, 0), (0, 0)]])
def test_a_line_that_is_none_is_refused(line: list[tuple[float, float]]) -> None:
    with pytest.raises(ValueError, match=r"line"):
        plane_of(line)
