"""Coordinate reference systems: what is known, what is refused, and that each way to WGS 84 leads to the right place."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import CRS, Geod

from scicity.kernel.problems import Problems
from scicity.space import crs

# latitude and longitude in WGS 84 and GCJ-02, from the test of eviltransform (MIT): Shanghai, Shenzhen, Beijing
KNOWN = (
    (31.1774276, 121.5272106, 31.17530398364597, 121.531541859215),
    (22.543847, 113.912316, 22.540796131694766, 113.9171764808363),
    (39.911954, 116.377817, 39.91334545536069, 116.38404722455657),
)


@pytest.mark.parametrize(("lat", "lon", "gcj_lat", "gcj_lon"), KNOWN)
def test_gcj02_known_places(lat, lon, gcj_lat, gcj_lon):
    x, y = crs.gcj_of_wgs(np.array([lon]), np.array([lat]))
    assert abs(x[0] - gcj_lon) < 1e-9 and abs(y[0] - gcj_lat) < 1e-9
    x, y = crs.wgs_of_gcj(np.array([gcj_lon]), np.array([gcj_lat]))
    assert abs(x[0] - lon) < 1e-9 and abs(y[0] - lat) < 1e-9


@given(st.floats(74, 134), st.floats(17, 53))
def test_inverses_lead_back(lon, lat):
    there = crs.gcj_of_wgs(np.array([lon]), np.array([lat]))
    back = crs.wgs_of_gcj(*there)
    assert max(abs(back[0][0] - lon), abs(back[1][0] - lat)) < 1e-9
    there = crs.bd_of_gcj(np.array([lon]), np.array([lat]))
    back = crs.gcj_of_bd(*there)
    assert max(abs(back[0][0] - lon), abs(back[1][0] - lat)) < 1e-9


def test_outside_of_china_gcj02_is_wgs84():
    lon, lat = np.array([24.94, -0.1, 139.7]), np.array([60.17, 51.5, 35.7])
    for function in (crs.gcj_of_wgs, crs.wgs_of_gcj):
        x, y = function(lon, lat)
        assert (x == lon).all() and (y == lat).all()


@pytest.mark.parametrize(
    ("told", "name", "shifted"),
    [
        ("GCJ-02", "GCJ-02", "GCJ-02"),
        ("gcj02", "GCJ-02", "GCJ-02"),
        ("GCS_GCJ_02", "GCJ-02", "GCJ-02"),
        ("BD-09", "BD-09", "BD-09"),
        ("bd09ll", "BD-09", "BD-09"),
        ("EPSG:4490", "EPSG:4490", ""),
        ("urn:ogc:def:crs:OGC:1.3:CRS84", "OGC:CRS84", ""),
        ("urn:ogc:def:crs:EPSG::4548", "EPSG:4548", ""),
        ("EPSG:4979", "EPSG:4979", ""),
        (CRS.from_epsg(4548).to_wkt("WKT1_ESRI"), "EPSG:4548", ""),
        (CRS.from_epsg(3067).to_json_dict(), "EPSG:3067", ""),
    ],
)
def test_recognised(told, name, shifted):
    found = crs.reference(told)
    assert (found.name, found.shifted) == (name, shifted)


@pytest.mark.parametrize(
    "told",
    [
        "EPSG:2436",
        "EPSG:4214",
        "EPSG:4610",
        "EPSG:2383",
        "BD09MC",
        "nonsense",
        "EPSG:999999",
        "",
        'LOCAL_CS["site"]',
        "x" * 200_000,
    ],
)
def test_refused(told):
    with pytest.raises(crs.UnknownCrs):
        crs.reference(told)


@pytest.mark.parametrize(
    ("code", "x", "y"), [(4548, 449_000, 4_440_000), (4527, 39_449_000, 4_440_000), (4509, 449_000, 4_440_000)]
)
def test_zones_of_cgcs2000_lead_to_one_place(code, x, y):
    point = crs.reference(f"EPSG:{code}").to_wgs84(np.array([shapely.Point(x, y)]))[0]
    # central meridian 117°: the forward projection of pyproj's own ellipsoid, and the geodesic distance to the meridian
    assert abs(point.x - 116.4) < 0.01 and abs(point.y - 40.1) < 0.01
    _, _, distance = Geod(ellps="GRS80").inv(point.x, point.y, 117, point.y)
    assert distance == pytest.approx(51_000, rel=1e-3)
    assert crs.measured(np.array([point]), CRS.from_epsg(code))[0].equals_exact(shapely.Point(x, y), 1e-5)


def test_axes_are_longitude_and_latitude():
    """EPSG:4490 has latitude first by its book; in files longitude stands first, as OGC's simple features have it."""
    point = crs.reference("EPSG:4490").to_wgs84(np.array([shapely.Point(116.4, 40.1)]))[0]
    assert (point.x, point.y) == (116.4, 40.1)
    z = crs.reference("GCJ-02").to_wgs84(np.array([shapely.Point(116.4, 40.1, 33.0)]))[0]
    assert z.z == 33.0


def test_a_place_that_cannot_be_meant():
    reference = crs.reference("EPSG:4548")
    swapped = reference.to_wgs84(np.array([shapely.Point(4_440_000, 449_000), shapely.Point(449_000, 4_440_000)]))
    assert reference.far_outside(shapely.bounds(swapped)).tolist() == [True, False]


@pytest.mark.parametrize(
    ("x", "y", "part"),
    [
        (39_512_345, 4_423_000, "EPSG:4527"),
        (20_512_345, 4_423_000, "EPSG:4498"),
        (512_345, 4_423_000, "EPSG:4534"),
        (4_423_000, 512_345, "swap"),
        (12_958_000, 4_852_000, "EPSG:3857"),
        (40.1, 116.4, "swap"),
        (116.4, 40.1, "GCJ-02"),
    ],
)
def test_a_file_without_crs_is_refused_with_a_guess(x, y, part):
    problems = Problems()
    assert crs.known(None, "layers/a.shp", problems, (x, y)) is None
    (problem,) = problems
    assert problem.code == "crs" and part in problem.expected


def test_metric():
    assert crs.metric(116.45, 40.12).to_epsg() == 4548
    assert crs.metric(24.94, 60.17).to_epsg() == 32635
    assert crs.metric(151.2, -33.9).to_epsg() == 32756
    assert crs.metric(116.45, 40.12, "EPSG:4509").to_epsg() == 4509
    for wrong in ("EPSG:4490", "EPSG:2225"):
        with pytest.raises(crs.UnknownCrs):
            crs.metric(116.45, 40.12, wrong)


@pytest.mark.parametrize(("told", "faults"), [(None, 0), ("EPSG:4548", 0), ("EPSG:4490", 1), ("here", 1), (4548, 1), ([], 1)])
def test_the_setting_is_a_crs_in_metres(told, faults):
    problems = Problems()
    crs.check_setting({} if told is None else {"space": {"crs": told}}, problems)
    assert [problem.field for problem in problems] == ["space.crs"] * faults
