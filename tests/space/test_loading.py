"""From a file to the rows of a layer: columns by the register, validity, levels, and the whole file refused for one fault."""

import json
from datetime import UTC, datetime

import duckdb
import pyarrow as pa
import pytest
import shapely

from scicity.kernel.calendar import Calendar
from scicity.kernel.problems import Problems
from scicity.space import loading
from scicity.space.register import Spec

BEIJING = Calendar("Asia/Shanghai")
POINT = {"type": "Point", "coordinates": [116.4, 40.1]}


def feature(geometry=POINT, id_=None, **properties):
    return {"type": "Feature", "geometry": geometry, "properties": properties} | ({} if id_ is None else {"id": id_})


def loaded(tmp_path, features, layer="parks", report=None, content=None, **said):
    folder = tmp_path / "layers"
    folder.mkdir(exist_ok=True)
    file = folder / said.pop("layer_file", f"{layer}.geojson")
    if content is not None or features is not None:
        file.write_text(content or json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    problems = Problems()
    spec = Spec(layer=layer, layer_file=file.name, **said)
    return loading.rows(spec, tmp_path, BEIJING, problems, report), problems


def told(problems):
    return [(problem.code, problem.row, problem.field) for problem in problems]


def test_columns_by_their_usual_names_and_details(tmp_path):
    one = feature(id_="a", name_zh="甲园", name="A", height=12.5, feature_class="city", valid_from="2009", b=[1], a=None, c="é")
    table, problems = loaded(tmp_path, [one, feature(id_=7, depth="3.5 m", height="high")], origin="reported")
    assert not problems.items
    assert table.schema.names[-2:] == ["source_file", "source_row"]
    first, second = table.to_pylist()
    assert (first["feature"], first["name_zh"], first["name_en"], first["height"]) == ("a", "甲园", "A", 12.5)
    assert first["valid_from"] == datetime(2008, 12, 31, 16, tzinfo=UTC) and first["valid_to"] is None
    assert json.loads(first["details"]) == {"b": [1], "c": "é"} and first["stratum"] == "surface"
    assert (second["feature"], second["depth"], second["stratum"]) == ("7", 3.5, "underground")
    assert json.loads(second["details"]) == {"height": "high"}  # no number: kept, and nobody said that it must be one
    assert shapely.from_wkb(first["geometry"]).equals(shapely.Point(116.4, 40.1)) and len(first["digest"]) == 16


def test_columns_by_the_register(tmp_path):
    said = {"feature_from": "编号", "name_zh_from": "名称", "class_from": "kind", "height_from": "h", "valid_to_from": "end"}
    table, problems = loaded(
        tmp_path,
        [feature(编号="A1", 名称="甲", kind="park", h="12 m", end="2035-01-01T00:00:00+08:00", id="x")],
        **said,
        valid_from=datetime(2018, 1, 1, tzinfo=UTC),
        stratum="above",
    )
    assert not problems.items
    (row,) = table.to_pylist()
    assert (row["feature"], row["name_zh"], row["feature_class"], row["height"]) == ("A1", "甲", "park", 12)
    assert row["valid_to"] == datetime(2034, 12, 31, 16, tzinfo=UTC) and row["valid_from"].year == 2018
    assert row["stratum"] == "above" and json.loads(row["details"]) == {"id": "x"}


@pytest.mark.parametrize(
    ("properties", "said", "expected"),
    [
        ({"h": "high"}, {"height_from": "h"}, ("value", 1, "h")),
        ({"h": "inf"}, {"height_from": "h"}, ("value", 1, "h")),
        ({"h": 1}, {"height_from": "hh"}, ("column-missing", None, "hh")),
        ({"t": "then"}, {"valid_from_from": "t"}, ("value", 1, "t")),
        ({"valid_from": "2020", "valid_to": "2019"}, {}, ("period", 1, "valid_to")),
        ({"stratum": "below"}, {}, ("choice", 1, "stratum")),
        ({"origin": "guessed"}, {}, ("choice", 1, "origin")),
        ({"n": None, "m": 1}, {"feature_from": "n"}, ("value-missing", 1, "n")),
        ({"id": "a\nb"}, {}, ("value", 1, "id")),
        ({"id": "a" * 201}, {}, ("value", 1, "id")),
        ({"text": "a" * 100_001}, {}, ("too-large", 1, "details")),
        ({}, {"where_sql": "a = 1; DROP TABLE x"}, ("formula", None, "where_sql")),
        ({"a": 1}, {"where_sql": "b = 1"}, ("column-missing", None, "b")),
        ({}, {"crs": "EPSG:2436"}, ("crs", None, "crs")),
    ],
)
def test_a_fault_refuses_the_whole_file(tmp_path, properties, said, expected):
    table, problems = loaded(tmp_path, [feature(**properties)], **said)
    assert told(problems) == [expected] and table.num_rows == 0
    assert all(problem.remedy and problem.expected for problem in problems)


def test_doubled_ids_are_refused_with_both_rows(tmp_path):
    table, problems = loaded(tmp_path, [feature(id_="a"), feature(id_="b"), feature(id_="a"), feature(id_="a")])
    assert told(problems) == [("key-twice", 3, "feature"), ("key-twice", 4, "feature")] and table.num_rows == 0
    assert all("feature 1" in problem.expected for problem in problems)


def test_a_broken_feature_refuses_the_file_and_a_mended_one_is_reported(tmp_path):
    bow_tie = {"type": "Polygon", "coordinates": [[[116, 40], [116.01, 40.01], [116.01, 40], [116, 40.01], [116, 40]]]}
    report = loading.Report("parks")
    table, problems = loaded(tmp_path, [feature(), feature(bow_tie)], report=report)
    assert not problems.items and table.num_rows == 2
    assert report.features == 2 and report.mended.column("fault").to_pylist() == ["bow-tie"]
    report.write(tmp_path / "state")
    assert loading.report_of(tmp_path / "state", "parks").mended.equals(report.mended)
    table, problems = loaded(tmp_path, [feature(), feature(None), feature(bow_tie)])
    assert told(problems) == [("geometry", 2, "geometry")] and table.num_rows == 0


def test_gcj02_is_converted_and_marked(tmp_path):
    told_ = feature({"type": "Point", "coordinates": [116.38404722455657, 39.91334545536069]}, name="x")
    report = loading.Report("parks")
    table, problems = loaded(tmp_path, [told_], crs="GCJ-02", origin="reported", report=report)
    assert not problems.items
    (row,) = table.to_pylist()
    point = shapely.from_wkb(row["geometry"])
    assert abs(point.x - 116.377817) < 1e-7 and abs(point.y - 39.911954) < 1e-7
    assert row["origin"] == "estimated" and json.loads(row["details"]) == {"converted_from": "GCJ-02"}
    assert report.shifted == "GCJ-02"


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        ("kind = 'school'", ["1", "3"]),
        ("places > 250", ["3"]),
        ("NOT (kind IN ('school', 'park')) OR places BETWEEN 100 AND 200", ["1", "4"]),
        ("kind IS NOT NULL AND name LIKE '乙%'", ["2"]),
        ('"open" = true', ["2"]),
        ("kind IS NULL", []),
    ],
)
def test_a_condition_chooses_features_by_their_attributes(tmp_path, where, kept):
    features = [
        feature(kind="school", places=200, name="甲"),
        feature(kind="park", name="乙园", open=True),
        feature(kind="school", places=300, open=False),
        feature(kind="clinic"),
    ]
    table, problems = loaded(tmp_path, features, where_sql=where)
    assert not problems.items and table.column("feature").to_pylist() == kept
    assert table.column("source_row").to_pylist() == [int(each) for each in kept]


def test_digests_tell_features_apart_and_stay(tmp_path):
    features = [feature(id_="a", x=1), feature(id_="b", x=1)]
    first, _ = loaded(tmp_path, features)
    again, _ = loaded(tmp_path, features)
    changed, _ = loaded(tmp_path, [features[0], feature(id_="b", x=2)])
    digests = [table.column("digest").to_pylist() for table in (first, again, changed)]
    assert digests[0] == digests[1] and digests[0][0] == digests[2][0] and digests[0][1] != digests[2][1]
    assert len(set(digests[0])) == 2


def test_a_csv_needs_its_crs_told(tmp_path):
    content = "编号,经度,纬度,z\nA,116.4,40.1,\nB,116.5,40.2,33\n"
    _, problems = loaded(tmp_path, None, content=content, layer_file="parks.csv")
    assert told(problems) == [("crs", None, "crs")]
    table, problems = loaded(tmp_path, None, layer_file="parks.csv", crs="EPSG:4490", feature_from="编号")
    assert not problems.items and table.column("feature").to_pylist() == ["A", "B"]
    shapes = [shapely.from_wkb(each) for each in table.column("geometry").to_pylist()]
    assert shapes[0].equals(shapely.Point(116.4, 40.1)) and not shapes[0].has_z and shapes[1].z == 33


def test_an_empty_collection_is_a_layer_without_features(tmp_path):
    table, problems = loaded(tmp_path, [])
    assert not problems.items and table.num_rows == 0 and isinstance(table, pa.Table)


def test_a_link_out_of_the_folder_is_refused(tmp_path):
    (tmp_path / "layers").mkdir()
    secret = tmp_path.parent / f"{tmp_path.name}-secret"
    secret.write_text("{}")
    (tmp_path / "layers" / "parks.geojson").symlink_to(secret)
    _, problems = loaded(tmp_path, None)
    assert told(problems)[0][0] == "file-kind"
    for name in ("../secret", "a/../../secret", "/etc/passwd"):
        problems = Problems()
        loading.rows(Spec(layer="x", layer_file=name), tmp_path, BEIJING, problems)
        assert [problem.code for problem in problems] == ["file-kind"]


def test_what_is_kept_of_a_batch_does_not_hold_the_batch():
    column = duckdb.sql("SELECT range::VARCHAR AS feature, repeat('x', 900) AS told FROM range(2000)").to_arrow_table()[
        "feature"
    ]
    kept = loading._apart(column)
    assert kept.equals(column)
    assert kept.chunk(0).buffers()[2].address not in {chunk.buffers()[2].address for chunk in column.chunks}
