"""Layers of a whole city: loaded from its folder, refused whole for one fault, and their editions kept for ever."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from scicity.city import City
from scicity.kernel.problems import Refused
from scicity.kernel.tables import layer_table
from scicity.space import loading
from scicity.space.editing import EDIT, LAYERS, PLACE
from scicity.space.index import Index
from tests.cockpit.ogc.layered_city import DISTRICT

POINT = {"type": "Point", "coordinates": [116.4, 40.1]}


def write(folder, *features):
    (folder / "layers").mkdir(parents=True, exist_ok=True)
    (folder / "district.toml").write_text(DISTRICT, encoding="utf-8")
    told = {"type": "FeatureCollection", "features": list(features)}
    (folder / "layers" / "parks.geojson").write_text(json.dumps(told), encoding="utf-8")


def feature(id_, geometry=POINT, **properties):
    return {"type": "Feature", "id": id_, "geometry": geometry, "properties": properties}


def test_a_broken_file_is_refused_whole_and_nothing_of_it_stays(tmp_path):
    write(tmp_path / "d", feature("a"), feature("b", {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [2, 2], [0, 0]]]}))
    city = City(tmp_path / "d", tmp_path / "s")
    with pytest.raises(Refused) as refused:
        city.load()
    (problem,) = refused.value.problems
    assert (problem.file, problem.row, problem.found) == ("layers/parks.geojson", 2, "no-area") and problem.remedy
    assert city.lake.snapshot("layer.parks").version < 0 and not list(tmp_path.glob("s/**/parks.*"))


def test_editions_are_kept_for_ever(tmp_path):
    versions = {}
    for number in range(4):
        write(tmp_path / "d", *(feature(str(each), n=number) for each in range(number + 1)))
        city = City(tmp_path / "d", tmp_path / "s")
        assert city.load().layers == {"parks": number + 1}
        versions[city.lake.snapshot("layer.parks").version] = number + 1
    for days in (1, 400, 4000):
        list(City(tmp_path / "d", tmp_path / "s").retain(now=datetime.now(UTC) + timedelta(days=days)))
    city = City(tmp_path / "d", tmp_path / "s")
    table = city.catalog["layer.parks"]
    assert {version: city.computing.engine.rows(table, version=version).num_rows for version in versions} == versions
    city.load()
    assert city.lake.snapshot("layer.parks").version == max(versions)  # an unchanged file is no new edition


def test_a_layer_that_is_due_is_read_once(tmp_path, monkeypatch):
    """What was checked is what is loaded; a file that came to be another one meanwhile is read again."""
    read, usual = [], loading.batches
    monkeypatch.setattr(loading, "batches", lambda *told: read.append(told[0].layer) or usual(*told))
    write(tmp_path / "d", feature("a"))
    city = City(tmp_path / "d", tmp_path / "s")
    assert (city.load().layers, read) == ({"parks": 1}, ["parks"])
    assert city.load().layers == {} and read == ["parks"]
    write(tmp_path / "d", feature("a"), feature("b"))
    assert city.check()[1].items == [] and read == ["parks"] * 2
    assert not list(tmp_path.glob("s/**/*.tmp"))

    checked = city._check

    def then_changed(*told):
        found = checked(*told)
        write(tmp_path / "d", feature("a"), feature("b"), feature("c"))
        return found

    monkeypatch.setattr(city, "_check", then_changed)
    assert city.load().layers == {"parks": 2}  # those that were checked
    monkeypatch.undo()
    assert city.load().layers == {"parks": 3}


def test_a_layer_that_is_taken_anew_has_the_edits_of_people(tmp_path):
    write(tmp_path / "d", feature("a", name="x"))
    city = City(tmp_path / "d", tmp_path / "s")
    city.load()
    table = city.catalog["layer.parks"]
    (row,) = city.computing.engine.rows(table).to_pylist()
    edit = row | {"layer": "parks", "removed": False, "name_en": "of a person", "source_file": PLACE, "digest": "0" * 16}
    with city.lake.alone():
        city.computing.put(EDIT, pa.Table.from_pylist([edit], schema=EDIT.schema))
    write(tmp_path / "d", feature("a", name="y"), feature("b", name="z"))
    city.load()
    rows = {each["feature"]: each["name_en"] for each in city.computing.engine.rows(table).to_pylist()}
    assert rows == {"a": "of a person", "b": "z"}


def test_a_layer_whose_file_vanished_is_empty_and_told(tmp_path):
    """Else figures would be of features that are gone. One that the register names is missed, and nothing is loaded."""
    folder = tmp_path / "d"
    write(folder, feature("a"))
    City(folder, tmp_path / "s").load()
    (folder / "layers" / "parks.geojson").unlink()
    city = City(folder, tmp_path / "s")
    assert city.load().layers == {"parks": 0}
    assert city.computing.engine.rows(layer_table("parks")).num_rows == 0
    assert city.lake.noted(LAYERS) == {} and not list((tmp_path / "s" / "map").glob("parks.sqlite*"))
    assert City(folder, tmp_path / "s").load().layers == {}
    write(folder, feature("a"))
    assert City(folder, tmp_path / "s").load().layers == {"parks": 1}
    (folder / "layers" / "parks.geojson").unlink()
    (folder / "registers").mkdir()
    row = "parks,base,公园,Parks,parks.geojson,stand-in,made for tests\n"
    (folder / "registers" / "layers.csv").write_text(
        f"layer,theme,name_zh,name_en,layer_file,origin,source\n{row}", encoding="utf-8"
    )
    city = City(folder, tmp_path / "s")
    with pytest.raises(Refused) as refused:
        city.load()
    assert [(each.code, each.file) for each in refused.value.problems] == [("file-missing", "layers/parks.geojson")]
    assert city.computing.engine.rows(layer_table("parks")).num_rows == 1


def test_attributes_are_counted_with_the_features_that_have_them(tmp_path):
    """What an edition changes is looked at, and no more of the layer; an attribute that nobody has any longer goes."""
    told = []
    for features in (
        [feature("a", floors=3, owner="x"), feature("b", floors="many"), feature("c", wide=True)],
        [feature("a", floors=3, owner="x"), feature("b", floors=4), feature("c", wide=True)],
        [feature("a", floors=3, owner=None), feature("b", floors=4)],
    ):
        write(tmp_path / "d", *features)
        City(tmp_path / "d", tmp_path / "s").load()
        told.append(Index(tmp_path / "s", "parks").attributes(whole=True))
    assert told == [
        {"floors": "mixed", "owner": "text", "wide": "bool"},
        {"floors": "number", "owner": "text", "wide": "bool"},
        {"floors": "number"},
    ]
