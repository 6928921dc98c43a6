"""City models: solids to footprints with height and elevation, and what cannot be one."""

import json
import random

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from scicity.kernel.calendar import Calendar
from scicity.kernel.problems import Problems
from scicity.space import formats, loading
from scicity.space.formats import GEOMETRY, ID, NUMBER, PROPERTIES, Asked, cityjson
from scicity.space.register import Spec

# corners of a box of 10 m × 10 m × 6 m at 449000, 4440000, 40 m, in millimetres from there; then of a court within it
CORNERS = [[x, y, z] for z in (0, 6000) for x, y in ((0, 0), (10_000, 0), (10_000, 10_000), (0, 10_000))]
COURT = [[x, y, z] for z in (0, 6000) for x, y in ((4000, 4000), (6000, 4000), (6000, 6000), (4000, 6000))]
FLOOR, ROOF = [[0, 3, 2, 1]], [[4, 5, 6, 7]]
WALLS = [[[0, 1, 5, 4]], [[1, 2, 6, 5]], [[2, 3, 7, 6]], [[3, 0, 4, 7]]]
BOX = {"type": "Solid", "lod": "2.2", "boundaries": [[FLOOR, ROOF, *WALLS]]}


def model(objects, vertices=(*CORNERS, *COURT), crs="https://www.opengis.net/def/crs/EPSG/0/4548", version="2.0"):
    return {
        "type": "CityJSON",
        "version": version,
        "transform": {"scale": [0.001, 0.001, 0.001], "translate": [449_000, 4_440_000, 40]},
        "metadata": {"referenceSystem": crs},
        "CityObjects": objects,
        "vertices": list(vertices),
    }


def opened(tmp_path, content, name="a.city.json", part=None):
    file = tmp_path / name
    text = content if isinstance(content, str) else json.dumps(content)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    problems = Problems()
    found = formats.read(file, f"layers/{name}", Asked(part=part), problems)
    return found, list(found.batches) if found else [], problems


def the_one(tmp_path, geometry, **members):
    _, batches, problems = opened(tmp_path, model({"a": {"type": "Building", "geometry": geometry} | members}))
    assert not problems.items, list(map(str, problems))
    (batch,) = batches
    return shapely.from_wkb(batch.column(GEOMETRY)[0].as_py()), json.loads(batch.column(PROPERTIES)[0].as_py())


def test_a_box_has_its_outline_height_and_elevation(tmp_path):
    shape, told = the_one(tmp_path, [BOX], attributes={"name": "甲", "n": 3})
    assert shape.equals(shapely.box(449_000, 4_440_000, 449_010, 4_440_010))
    assert told == {"name": "甲", "n": 3, "lod": "2.2", "feature_class": "Building", "elevation": 40.0, "height": 6.0}


def test_ground_surfaces_are_the_footprint(tmp_path):
    """A roof that stands out over the wall is no footprint where the model tells the ground."""
    wide = [*CORNERS[:4], *[[x * 2, y * 2, z] for x, y, z in CORNERS[4:]]]
    types = [{"type": kind} for kind in ("GroundSurface", "RoofSurface", "WallSurface")]
    told = BOX | {"semantics": {"surfaces": types, "values": [[0, 1, 2, 2, 2, 2]]}}
    for geometry, area in ((told, 100), (BOX, 400)):
        _, (batch,), _ = opened(tmp_path, model({"a": {"type": "Building", "geometry": [geometry]}}, wide))
        assert shapely.from_wkb(batch.column(GEOMETRY)[0].as_py()).area == pytest.approx(area)


def test_a_court_is_a_hole_and_an_inner_shell_is_none(tmp_path):
    floor, roof = [*FLOOR, [8, 9, 10, 11]], [*ROOF, [12, 15, 14, 13]]
    shape, _ = the_one(tmp_path, [{"type": "Solid", "lod": "2", "boundaries": [[floor, roof, *WALLS]]}])
    assert shape.area == pytest.approx(96) and len(shape.interiors) == 1
    void = [[[8, 9, 10, 11]], [[12, 15, 14, 13]]]
    shape, _ = the_one(tmp_path, [{"type": "Solid", "lod": "2", "boundaries": [[FLOOR, ROOF, *WALLS], void]}])
    assert shape.area == pytest.approx(100) and not shape.interiors


def test_the_level_of_detail_is_chosen(tmp_path):
    flat = {"type": "MultiSurface", "lod": "0", "boundaries": [[[8, 9, 10, 11]]]}
    objects = {"a": {"type": "Building", "geometry": [flat, BOX]}, "b": {"type": "Bridge", "geometry": [BOX]}}
    for part, areas in (
        (None, [100, 100]),
        ("lod0", [4]),
        ("2.2", [100, 100]),
        ("2", [100, 100]),
        ("Building", [100]),
        ("lod0/Building", [4]),
        ("Bridge/lod2", [100]),
    ):
        _, batches, problems = opened(tmp_path, model(objects), part=part)
        assert not problems.items
        found = shapely.area(shapely.from_wkb([each for batch in batches for each in batch.column(GEOMETRY).to_pylist()]))
        assert found == pytest.approx(areas), part


def test_solids_of_solids_points_and_lines(tmp_path):
    for kind in ("MultiSolid", "CompositeSolid"):
        shape, _ = the_one(tmp_path, [{"type": kind, "lod": "2", "boundaries": [[[FLOOR, ROOF]], [[[[8, 9, 10, 11]]]]]}])
        assert shape.area == pytest.approx(100)
    shape, told = the_one(tmp_path, [{"type": "MultiPoint", "lod": "1", "boundaries": [4]}])
    assert shape.equals_exact(shapely.Point(449_000, 4_440_000, 46), 1e-6) and "height" not in told
    shape, _ = the_one(tmp_path, [{"type": "MultiLineString", "lod": "1", "boundaries": [[0, 1, 2]]}])
    assert shape.length == pytest.approx(20)
    shape, _ = the_one(tmp_path, [{"type": "GeometryInstance", "template": 0, "boundaries": [3], "transformationMatrix": []}])
    assert shape.geom_type == "Point"


def test_parts_have_their_parent_and_its_attributes(tmp_path):
    objects = {
        "a": {"type": "Building", "children": ["a-1"], "attributes": {"name": "甲"}},
        "a-1": {"type": "BuildingPart", "parents": ["a"], "geometry": [BOX], "attributes": {"n": 1}},
    }
    _, (batch,), problems = opened(tmp_path, model(objects))
    assert not problems.items and batch.column(ID).to_pylist() == ["a-1"] and batch.column(NUMBER).to_pylist() == [2]
    told = json.loads(batch.column(PROPERTIES)[0].as_py())
    assert told["parent"] == "a" and told["name"] == "甲" and told["feature_class"] == "BuildingPart"


@pytest.mark.parametrize(
    ("geometry", "found"),
    [
        (None, "empty"),
        ([], "empty"),
        ([{"type": "Solid", "lod": "2", "boundaries": [[]]}], "empty"),
        ([{"type": "Solid", "lod": "2", "boundaries": [[[[0, 1]]]]}], "a ring of less than three"),
        ([{"type": "Solid", "lod": "2", "boundaries": [[[[0, 1, 99]]]]}], "vertex 99 of 16"),
        ([{"type": "Solid", "lod": "2", "boundaries": [[[[0, 1, -1]]]]}], "vertex -1 of 16"),
        ([{"type": "Solid", "lod": "2", "boundaries": [[[[0, 1, 1.5]]]]}], "boundaries that are no numbers"),
        ([{"type": "Solid", "lod": "2", "boundaries": [[[[0, 1, True]]]]}], "boundaries that are no numbers"),
        ([{"type": "Solid", "lod": "2", "boundaries": [0, 1, 2]}], "boundaries that are nested too little"),
        ([{"type": "Solid", "lod": "2", "boundaries": [[[0, 1, 2]]]}], "a surface that is no list of rings"),
        ([{"type": "Solid", "lod": "2"}], "Solid without boundaries"),
        ([{"type": "Torus", "lod": "2", "boundaries": []}], "geometry 'Torus'"),
        ([{"type": "MultiSurface", "lod": "2", "boundaries": WALLS}], "no-area"),
        ([5], "geometry that is no list"),
    ],
)
def test_an_object_that_cannot_be_is_told_with_its_number(tmp_path, geometry, found):
    objects = {"a": {"type": "Building", "geometry": [BOX]}, "b": {"type": "Building", "geometry": geometry}}
    _, _, problems = opened(tmp_path, model(objects))
    (problem,) = problems
    assert (problem.code, problem.row) == ("geometry", 2) and problem.found.startswith(f"b: {found}")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        "[]",
        json.dumps(model({}, version="0.9")),
        json.dumps(model({}) | {"type": "FeatureCollection"}),
        json.dumps({key: value for key, value in model({}).items() if key != "CityObjects"}),
        json.dumps(model({"a": {"type": "Building", "geometry": [BOX]}}))[:-9],
        json.dumps(model({"a": {"type": "Building", "geometry": [BOX]}}))[:200],
        json.dumps(model({}, vertices=[[1, 2]])),
        json.dumps(model({}, vertices=[["1", 2, 3]])),
        json.dumps(model({}) | {"transform": {"scale": [1, 2], "translate": [0, 0, 0]}}),
        json.dumps(model({}) | {"transform": 5}),
        '{"type":"CityJSON","version":"2.0","CityObjects":{"a":' + "[" * 100_000,
        '{"type":"CityJSON","version":"2.0","CityObjects":{"a":NaN},"vertices":[]}',
    ],
)
def test_what_is_no_city_model_is_refused(tmp_path, content):
    _, _, problems = opened(tmp_path, content)
    assert [problem.code for problem in problems] == ["syntax"], content[:100]


def test_members_stand_in_any_order_and_batches_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(cityjson, "AT_ONCE", 10)
    whole = model({str(n): {"type": "Building", "geometry": [BOX]} for n in range(25)})
    found, batches, problems = opened(tmp_path, dict(reversed(whole.items())))
    assert not problems.items and [len(batch) for batch in batches] == [10, 10, 5] and found.crs == "EPSG:4548"


def test_a_model_of_floats_without_transform(tmp_path):
    whole = model({"a": {"type": "Building", "geometry": [BOX]}}, [[x / 1000, y / 1000, z / 1000] for x, y, z in CORNERS])
    del whole["transform"]
    _, (batch,), problems = opened(tmp_path, whole | {"version": "1.0"})
    assert not problems.items and shapely.from_wkb(batch.column(GEOMETRY)[0].as_py()).area == pytest.approx(100)


def test_sequences(tmp_path):
    head = model({}, ())
    one = {
        "type": "CityJSONFeature",
        "id": "a",
        "CityObjects": {"a": {"type": "Building", "geometry": [BOX]}},
        "vertices": CORNERS,
    }
    two = one | {"id": "b", "CityObjects": {"b": {"type": "Building", "geometry": [BOX]}}}
    content = "\n".join(map(json.dumps, (head, one, two)))
    found, (batch,), problems = opened(tmp_path, content, "a.city.jsonl")
    assert not problems.items and found.crs == "EPSG:4548" and batch.column(ID).to_pylist() == ["a", "b"]
    assert shapely.area(shapely.from_wkb(batch.column(GEOMETRY).to_pylist())) == pytest.approx([100, 100])
    for broken in ("{", json.dumps({"type": "Feature"}), json.dumps(two | {"vertices": [[1, 2]]})):
        _, _, problems = opened(tmp_path, "\n".join(map(json.dumps, (head, one))) + "\n" + broken, "a.city.jsonl")
        assert [(problem.code, problem.row) for problem in problems] == [("syntax", 2)]


def test_a_model_becomes_a_layer(tmp_path):
    (tmp_path / "layers").mkdir()
    (tmp_path / "layers" / "buildings.city.json").write_text(json.dumps(model({"a": {"type": "Building", "geometry": [BOX]}})))
    problems = Problems()
    spec = Spec(layer="buildings", layer_file="buildings.city.json", name_zh="建筑", theme="buildings")
    (row,) = loading.rows(spec, tmp_path, Calendar("Asia/Shanghai"), problems).to_pylist()
    assert not problems.items
    assert (row["feature"], row["feature_class"], row["elevation"], row["height"]) == ("a", "Building", 40.0, 6.0)
    assert json.loads(row["details"]) == {"lod": "2.2"}
    assert shapely.from_wkb(row["geometry"]).centroid.distance(shapely.Point(116.402, 40.093)) < 0.01


@given(st.randoms(use_true_random=False))
def test_no_change_of_a_model_breaks_the_reader(tmp_path_factory, chance: random.Random):
    text = bytearray(json.dumps(model({"a": {"type": "Building", "geometry": [BOX], "attributes": {"n": 1}}})).encode())
    for _ in range(chance.randint(1, 4)):
        text[chance.randrange(len(text))] = chance.choice(b'0123456789[]{}",:-.enutrx\\ ')
    folder = tmp_path_factory.mktemp("a")
    (folder / "a.city.json").write_bytes(text)
    problems = Problems()
    found = formats.read(folder / "a.city.json", "a", Asked(), problems)
    batches = list(found.batches) if found else []
    assert batches or problems.items
