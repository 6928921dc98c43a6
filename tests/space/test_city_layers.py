"""Layers of a whole city: loaded from its folder, refused whole for one fault, and their editions kept for ever."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from scicity.city import City
from scicity.kernel.problems import Refused
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
