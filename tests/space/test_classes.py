"""Classes by rows of a register, several attributes for a column, several parts of a file, its ids, estimated heights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scicity.kernel.calendar import Calendar
from scicity.kernel.problems import Problems
from scicity.space import loading
from scicity.space.register import Given, Spec, givens

EXTRACT = Path(__file__).parents[2] / "districts" / "helsinki" / "layers" / "helsinki.osm.pbf"
CLASSES = (("amenity", "school", "school"), ("leisure", "*", "sport"), ("amenity", "clinic", "clinic"))


def loaded(folder: Path, rows: list[dict[str, Any]], **said: Any) -> tuple[list[dict[str, Any]], Problems]:
    point = {"type": "Point", "coordinates": [116.4, 40.1]}
    told = [{"type": "Feature", "id": f"i{n}", "geometry": point, "properties": row} for n, row in enumerate(rows)]
    (folder / "layers").mkdir(exist_ok=True)
    (folder / "layers" / "places.geojson").write_text(
        json.dumps({"type": "FeatureCollection", "features": told}), encoding="utf-8"
    )
    problems = Problems()
    spec = Spec(layer="places", layer_file="places.geojson", **said)
    return loading.rows(spec, folder, Calendar("Asia/Shanghai"), problems).to_pylist(), problems


def details(row: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(row["details"] or "{}")
    return found


def test_the_first_row_that_fits_gives_the_class_and_what_none_fits_is_left_out(tmp_path: Path) -> None:
    rows, problems = loaded(
        tmp_path,
        [
            {"amenity": "school", "leisure": "pitch"},
            {"amenity": "clinic", "leisure": "garden"},
            {"amenity": "clinic", "leisure": " "},
            {"amenity": "bench"},
            {"shop": "books"},
        ],
        classes=CLASSES,
        feature_class="anything",
    )
    assert not problems.items
    assert [(row["feature"], row["feature_class"], row["source_row"]) for row in rows] == [
        ("i0", "school", 1),
        ("i1", "sport", 2),  # the row of leisure stands before that of clinics
        ("i2", "clinic", 3),  # a blank is no value
    ]
    assert details(rows[0]) == {"amenity": "school", "leisure": "pitch"}  # what was looked at stays to be seen


def test_what_is_left_out_needs_no_geometry_that_is_whole(tmp_path: Path) -> None:
    broken = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0], [0, 0]]]}
    point = {"type": "Point", "coordinates": [1, 1]}
    told = [
        {"type": "Feature", "geometry": broken, "properties": {"amenity": "bench"}},
        {"type": "Feature", "geometry": point, "properties": {"amenity": "school"}},
    ]
    (tmp_path / "layers").mkdir()
    (tmp_path / "layers" / "a.geojson").write_text(
        json.dumps({"type": "FeatureCollection", "features": told}), encoding="utf-8"
    )
    problems = Problems()
    found = loading.rows(Spec("a", "a.geojson", classes=CLASSES), tmp_path, Calendar("UTC"), problems)
    assert not problems.items
    assert found.num_rows == 1


def test_a_register_of_classes_that_fits_no_attribute_of_the_file_is_a_problem(tmp_path: Path) -> None:
    rows, problems = loaded(tmp_path, [{"kind": "school"}], classes=CLASSES)
    assert rows == []
    assert [(each.code, each.field) for each in problems.items] == [("column-missing", "amenity")]


@pytest.mark.parametrize("value", ["a' OR '1'='1", 'x" --', "';DROP TABLE data;--", "\u2028", "*" * 2])
def test_words_of_the_register_are_words(tmp_path: Path, value: str) -> None:
    """Attributes and values of a register reach the engine as names and texts, whatever they hold."""
    odd = f"k{value}"
    rows, problems = loaded(tmp_path, [{odd: value}, {odd: "other"}], classes=((odd, value, value),))
    assert not problems.items
    assert [row["feature_class"] for row in rows] == [value]


def test_of_several_attributes_the_first_with_a_value_counts(tmp_path: Path) -> None:
    rows, problems = loaded(
        tmp_path,
        [{"height": "12.5 m", "floors": 9}, {"floors": 5}, {"height": "high", "floors": "6"}, {}, {"floors": "some"}],
        height_from="height;floors * 3.2",
        class_from="use; kind",
    )
    assert [each.code for each in problems.items] == ["value", "column-missing"]  # "some" is no number, and there is no use
    rows, problems = loaded(
        tmp_path,
        [
            {"height": "12.5 m", "floors": 9, "kind": "b"},
            {"floors": 5, "use": "a", "kind": "b"},
            {"height": "high", "floors": "6"},
        ],
        height_from="height;floors * 3.2",
        class_from="use; kind",
    )
    assert not problems.items
    assert [row["height"] for row in rows] == pytest.approx([12.5, 16.0, 19.2])
    assert [row["feature_class"] for row in rows] == ["b", "a", None]
    assert [details(row).get("height_estimated_from") for row in rows] == [None, "floors * 3.2", "floors * 3.2"]
    assert details(rows[1])["floors"] == 5


def test_names_in_several_languages_fall_back_one_by_one(tmp_path: Path) -> None:
    rows, problems = loaded(tmp_path, [{"name": "Puisto", "name:en": "Park"}, {"name": "Satama"}])
    assert not problems.items
    assert [row["name_en"] for row in rows] == ["Park", "Satama"]
    assert details(rows[0])["name"] == "Puisto"


def test_the_id_of_the_file_is_an_attribute(tmp_path: Path) -> None:
    rows, problems = loaded(
        tmp_path, [{"place": "a", "n": 1}, {"place": "b", "n": 2}], where_sql="\"@id\" NOT IN ('i0')", feature_from="@id"
    )
    assert not problems.items
    assert [(row["feature"], details(row)) for row in rows] == [("i1", {"n": 2, "place": "b"})]


def test_specifications_are_read_as_they_are_written() -> None:
    assert givens("height; building:levels * 3.2 ;", number=True) == (Given("height"), Given("building:levels", 3.2))
    assert givens("a * 3", number=False) == (Given("a * 3"),)  # only metres are multiplied
    assert givens("*3", number=True) == (Given("*3"),)
    assert givens(None) == givens(" ; ") == ()
    assert Spec("a", "a.gpkg", file_part="points; multipolygons").parts == ("points", "multipolygons")
    assert Spec("a", "a.gpkg").parts == (None,)


def test_several_parts_of_a_file_are_one_layer(tmp_path: Path) -> None:
    (tmp_path / "layers").mkdir()
    (tmp_path / "layers" / "a.osm.pbf").write_bytes(EXTRACT.read_bytes())
    classes = (("amenity", "library", "library"),)
    said: dict[str, Any] = {"layer": "a", "layer_file": "a.osm.pbf", "classes": classes, "feature_from": "@id"}
    counts, rows = [], []
    for part in ("points", "multipolygons", "points;multipolygons"):
        problems = Problems()
        report = loading.Report("a")
        found = loading.rows(Spec(file_part=part, **said), tmp_path, Calendar("UTC"), problems, report)
        assert not problems.items
        assert report.features == found.num_rows
        counts.append(found.num_rows)
        rows = found.to_pylist()
    assert counts[0] > 0
    assert counts[1] > 0
    assert counts[2] == counts[0] + counts[1]
    assert len({row["source_row"] for row in rows}) == len(rows)  # numbered on from part to part
    assert {row["feature"].split("-")[0] for row in rows} == {"node", "way"}
