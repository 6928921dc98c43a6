"""GeoJSON as it stands: ids, properties, geometry; and files that are none, or mean harm."""

import json

import numpy as np
import pyarrow as pa
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from scicity.kernel.problems import Problems
from scicity.space import formats
from scicity.space.formats import GEOMETRY, ID, NUMBER, PROPERTIES, Asked, geojson


def opened(tmp_path, content, name="a.geojson", **asked):
    file = tmp_path / name
    file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    problems = Problems()
    found = formats.read(file, f"layers/{name}", Asked(**asked), problems)
    return found, list(found.batches) if found else [], problems


def feature(geometry, id_=None, **properties):
    return {"type": "Feature", "geometry": geometry, "properties": properties} | ({} if id_ is None else {"id": id_})


def collection(*features, **members):
    return {"type": "FeatureCollection", "features": list(features)} | members


POINT = {"type": "Point", "coordinates": [116.4, 40.1]}


def test_features_keep_ids_and_properties(tmp_path):
    content = collection(
        feature(POINT, "a", name="甲", class_="school", places=300, tags={"b": [1, None], "a": "é"}, none=None),
        feature(POINT, 7, name="乙"),
        feature(POINT, None, extra=1.5),
    )
    found, (batch,), problems = opened(tmp_path, content, names=frozenset({"name", "places"}))
    assert not problems.items and found.ordered and found.crs == "OGC:CRS84"
    assert batch.column(ID).to_pylist() == ["a", "7", None] and batch.column(NUMBER).to_pylist() == [1, 2, 3]
    assert batch.column("name").to_pylist() == ["甲", "乙", None] and batch.column("places").to_pylist() == ["300", None, None]
    assert batch.column(PROPERTIES).to_pylist() == [
        '{"class_":"school","name":"甲","places":300,"tags":{"a":"é","b":[1,null]}}',
        '{"name":"乙"}',
        '{"extra":1.5}',
    ]


@pytest.mark.parametrize(
    ("members", "crs"),
    [
        ({}, "OGC:CRS84"),
        ({"crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4548"}}}, "urn:ogc:def:crs:EPSG::4548"),
        ({"crs": {"type": "name", "properties": {"name": "GCJ-02"}}}, "GCJ-02"),
        ({"crs": None}, None),
        ({"crs": {"type": "link", "properties": {"href": "http://example.org/crs"}}}, None),
        ({"crs": 5}, None),
    ],
)
def test_the_crs_that_a_file_names(tmp_path, members, crs):
    found, _, problems = opened(tmp_path, collection(feature(POINT), **members))
    assert found.crs == crs and not problems.items


def test_members_stand_in_any_order(tmp_path):
    _found, (batch,), _ = opened(
        tmp_path, b'\xef\xbb\xbf{"features":[{"geometry":null,"type":"Feature"}],"x":[{}],"type":"FeatureCollection"}'
    )
    assert batch.column(GEOMETRY).to_pylist() == [None]


SHAPES = st.recursive(
    st.sampled_from(["POINT", "LINESTRING", "POLYGON", "MULTIPOINT", "MULTILINESTRING", "MULTIPOLYGON"]),
    lambda inner: st.lists(inner, min_size=1, max_size=2),
    max_leaves=3,
)


def shape_of(kind, number, deep):
    at = np.random.default_rng(number).uniform(-90, 90, (12, 3 if deep else 2))
    ring = shapely.Polygon(at[:4])
    if isinstance(kind, list):
        return shapely.GeometryCollection([shape_of(each, number + n, deep) for n, each in enumerate(kind)])
    made = {"POINT": shapely.Point(at[0]), "LINESTRING": shapely.LineString(at), "POLYGON": ring}
    many = {"MULTIPOINT": (shapely.MultiPoint, "POINT"), "MULTILINESTRING": (shapely.MultiLineString, "LINESTRING")}
    many["MULTIPOLYGON"] = (shapely.MultiPolygon, "POLYGON")
    return made[kind] if kind in made else many[kind][0]([made[many[kind][1]]] * 2)


@given(st.lists(st.tuples(SHAPES, st.integers(0, 99), st.booleans()), min_size=1, max_size=6))
def test_geometry_is_the_one_that_shapely_reads(told):
    """Regular or mixed, by columns or one by one: as shapely's own reader of GeoJSON has it."""
    import msgspec

    shapes = [shape_of(*each) for each in told]
    texts = [shapely.to_geojson(shape) for shape in shapes]
    read = [msgspec.json.decode(text, type=geojson.Geometry) for text in texts]
    found = shapely.from_wkb(geojson.wkb_of(read).to_numpy(zero_copy_only=False))
    for ours, theirs in zip(found, shapely.from_geojson(texts), strict=True):
        assert ours.equals_exact(theirs) and ours.has_z == theirs.has_z


def test_what_is_broken_is_handed_on_as_it_is():
    unclosed = geojson.Polygon([[[0, 0], [1, 0], [1, 1]]])
    good = geojson.Polygon([[[0, 0], [1, 0], [1, 1], [0, 0]]])
    found = geojson.wkb_of([good, unclosed, None, geojson.Polygon([]), geojson.Point([]), geojson.LineString([[1, 2]])])
    shapes = shapely.from_wkb(found.to_numpy(zero_copy_only=False), on_invalid="ignore")
    assert shapes[0].area == 0.5 and shapes[1] is None and shapes[3].is_empty and shapes[4].is_empty
    assert shapely.from_wkb(found[1].as_py(), on_invalid="fix").equals(shapes[0])


@pytest.mark.parametrize(
    ("geometry", "field"),
    [
        ({"type": "Circle", "coordinates": [1, 2]}, "geometry.type"),
        ({"type": "Point", "coordinates": ["1", 2]}, "geometry.coordinates[0]"),
        ({"type": "Point", "coordinates": [True, 2]}, "geometry.coordinates[0]"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1], [1, 1]]]}, "geometry.coordinates[0][1]"),
        ({"type": "LineString", "coordinates": [1, 2]}, "geometry.coordinates[0]"),
        ({"type": "Point"}, "geometry"),
        ({"coordinates": [1, 2]}, "geometry"),
        (5, "geometry"),
    ],
)
def test_a_geometry_that_is_none_is_told_with_its_place(tmp_path, geometry, field):
    _, _, problems = opened(tmp_path, collection(feature(POINT), feature(geometry)))
    (problem,) = problems
    assert (problem.code, problem.row, problem.field) == ("geometry", 2, field)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "syntax"),
        (b"{", "syntax"),
        (b"[]", "syntax"),
        (b'{"type":"FeatureCollection"}', "syntax"),
        (b'{"type":"Feature","features":[]}', "syntax"),
        (b'{"type":"FeatureCollection","features":[5]}', "syntax"),
        (b'{"type":"FeatureCollection","features":[{"type":"Feature","geometry":null,"properties":NaN}]}', "syntax"),
        (
            b'{"type":"FeatureCollection","features":[{"type":"Feature","geometry":{"type":"Point","coordinates":[1e999,2]}}]}',
            "geometry",
        ),
        (b'{"type":"FeatureCollection","features":[' + b"[" * 200_000, "syntax"),
        (b'{"type":"FeatureCollection","features":[' + b"[" * 100_000 + b"]" * 100_000 + b"]}", "syntax"),
        ('{"type":"FeatureCollection","features":[]}'.encode("utf-16"), "encoding"),
        (b'{"type":"FeatureCollection","features":[{"type":"Feature","geometry":null,"properties":{"a":"\xff"}}]}', "encoding"),
        (
            b'<OGRVRTDataset><OGRVRTLayer name="a"><SrcDataSource>/etc/passwd</SrcDataSource></OGRVRTLayer></OGRVRTDataset>',
            "syntax",
        ),
        (b'{"type":"FeatureCollection","features":[{"type":"Feature","geometry":null,"crs":{"type":"name"}}]}', "geometry"),
    ],
)
def test_what_is_no_geojson_is_refused(tmp_path, content, code):
    _, _, problems = opened(tmp_path, content)
    assert [problem.code for problem in problems] == [code]


def test_collections_in_collections_without_end(tmp_path):
    deep = b'{"type":"GeometryCollection","geometries":[' * 5_000 + b"]}" * 5_000
    _, _, problems = opened(tmp_path, b'{"type":"FeatureCollection","features":[{"type":"Feature","geometry":' + deep + b"}]}")
    assert len(problems) == 1


@pytest.mark.parametrize("separator", [b"\n", b"\r\n", b"\n\n", b"\n\x1e"])
def test_sequences(tmp_path, separator):
    rows = [json.dumps(feature(POINT, n, n=n), indent=2 if b"\x1e" in separator else None).encode() for n in range(5)]
    content = (b"\x1e" if b"\x1e" in separator else b"") + separator.join(rows) + b"\n"
    _, (batch,), problems = opened(tmp_path, content, "a.geojsonl")
    assert not problems.items and batch.column(ID).to_pylist() == list("01234")
    assert pa.types.is_binary(batch.schema.field(GEOMETRY).type)


def test_a_broken_line_of_a_sequence_is_told(tmp_path):
    _, _, problems = opened(tmp_path, json.dumps(feature(POINT)).encode() + b'\n{"type":\n', "a.geojsonl")
    assert [(problem.code, problem.row) for problem in problems] == [("syntax", 2)]


def test_a_large_file_is_read_in_batches(tmp_path, monkeypatch):
    monkeypatch.setattr(geojson, "AT_ONCE", 10)
    monkeypatch.setattr(geojson, "MAPPED", 100)
    _found, batches, problems = opened(tmp_path, collection(*(feature(POINT, n) for n in range(25))))
    assert not problems.items and [len(batch) for batch in batches] == [10, 10, 5]
    assert batches[2].column(NUMBER).to_pylist() == [21, 22, 23, 24, 25]


@given(st.binary(max_size=200), st.integers(0, 10_000), st.integers(0, 255))
def test_no_bytes_break_the_reader(tmp_path_factory, rubbish, at, byte):
    content = bytearray(
        json.dumps(
            collection(
                feature(POINT, "a", a=1), feature({"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]})
            )
        ).encode()
    )
    content[at % len(content)] = byte
    for each in (rubbish, bytes(content)):
        opened(tmp_path_factory.mktemp("a"), each)
