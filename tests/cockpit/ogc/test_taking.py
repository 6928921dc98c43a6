"""Whole layers taken, and the ledger: who took which layer, which edition, by which way, under which agreement."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pyogrio
import pytest
import shapely
from django.db import connections

from scicity.cockpit.models import Person
from scicity.cockpit.ogc import downloads, taking
from scicity.cockpit.ogc.models import Taking

from .conftest import Asking

pytestmark = pytest.mark.django_db


def taken(asking: Asking, path: str, **asked: Any) -> bytes:
    answer = asking.answer(path, **asked)
    assert answer.status_code == 200, answer.content
    return b"".join(answer.streaming_content)


def test_a_layer_is_taken_as_geojson_lines(stranger: Asking) -> None:
    found = [json.loads(line) for line in taken(stranger, "collections/parcels/download.geojsonl").splitlines()]
    assert found == stranger.get("collections/parcels/items", limit=1_000)["features"]
    some = taken(stranger, "collections/parcels/download.geojsonl", filter="floors > 10", bbox="116.4,40.1,116.41,40.1015")
    assert [json.loads(line)["id"] for line in some.splitlines()] == ["p006", "p013"]


def test_a_layer_is_taken_as_geopackage(officer: Asking, tmp_path: Path) -> None:
    """GDAL reads it: geometry, kinds of columns, and every attribute in its own."""
    file = tmp_path / "parcels.gpkg"
    file.write_bytes(taken(officer, "collections/parcels/download.gpkg"))
    info = pyogrio.read_info(file)
    assert (info["layer_name"], info["features"], info["crs"]) == ("parcels", 100, "EPSG:4326")
    _, table = pyogrio.read_arrow(file)
    rows = {row["feature"]: row for row in table.to_pylist()}
    first = rows["p001"]
    assert (first["floors"], first["protected"], first["height"], first["details.height"]) == (
        2.0,
        False,
        6.0,
        "a word of the file",
    )
    assert rows["p000"]["valid_from"].isoformat() == "2017-12-31T16:00:00+00:00"
    geometry = next(value for value in first.values() if isinstance(value, bytes))
    assert shapely.from_wkb(geometry).bounds == (116.401, 40.1, 116.402, 40.101)


def test_a_layer_without_features_is_taken_too(stranger: Asking, tmp_path: Path) -> None:
    file = tmp_path / "none.gpkg"
    file.write_bytes(taken(stranger, "collections/parcels/download.gpkg", filter="height > 1000"))
    assert pyogrio.read_info(file)["features"] == 0
    assert taken(stranger, "collections/parcels/download.geojsonl", filter="height > 1000") == b""


def test_heights_are_taken_along(officer: Asking, tmp_path: Path) -> None:
    file = tmp_path / "pipes.gpkg"
    file.write_bytes(taken(officer, "collections/pipes/download.gpkg"))
    _, table = pyogrio.read_arrow(file)
    column = next(name for name in table.column_names if "geom" in name)
    assert shapely.get_coordinates(shapely.from_wkb(table.column(column)[0].as_py()), include_z=True)[0].tolist() == [
        116.4,
        40.1,
        -3.0,
    ]


def test_it_is_written_some_thousand_at_a_time(stranger: Asking, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(downloads, "AT_ONCE", 70)
    file = tmp_path / "parcels.gpkg"
    file.write_bytes(taken(stranger, "collections/parcels/download.gpkg"))
    assert pyogrio.read_info(file)["features"] == 90
    parts = list(stranger.answer("collections/parcels/download.geojsonl").streaming_content)
    assert [part.count(b"\n") for part in parts] == [7] * 12 + [6]


def test_not_too_many_geopackages_at_once(stranger: Asking) -> None:
    held = [downloads._room.acquire(blocking=False) for _ in range(downloads.FILES_AT_ONCE)]
    try:
        assert stranger.answer("collections/parcels/download.gpkg").status_code == 503
    finally:
        for _ in held:
            downloads._room.release()
    assert stranger.answer("collections/parcels/download.gpkg").status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("download.exe", 404),
        ("download.gpkg?limit=3", 400),
        ("download.gpkg?filter=floors", 400),
        ("download.gpkg?crs=EPSG:4490", 400),
    ],
)
def test_other_downloads_are_refused(stranger: Asking, path: str, status: int) -> None:
    assert stranger.client.get(f"/ogc/collections/parcels/{path}").status_code == status


# --- the ledger ---


def test_who_took_what_is_kept(people: dict[str, Person], keeper: Asking) -> None:
    officer, stranger = Asking(people["olga"]), Asking()
    officer.get("collections/parcels/items", limit=7)
    officer.get("collections/parcels/items", limit=8)
    officer.get("collections/parcels/items/p001")
    taken(officer, "collections/parcels/download.gpkg")
    taken(stranger, "collections/parcels/download.geojsonl")
    taking.keep()
    rows = {(row.person, row.way): row for row in Taking.objects.filter(layer="parcels")}
    assert {key: (row.times, row.features) for key, row in rows.items()} == {
        ("olga", "read"): (3, 16),
        ("olga", "gpkg"): (1, 100),
        ("", "geojsonl"): (1, 90),
    }
    row = rows["olga", "read"]
    assert (row.agreement_no, row.licence, row.roles, row.edition) == ("协议-1", "https://example.org/licence", "officer", 1)


def test_that_somebody_took_a_layer_is_kept_before_anything_goes_out(officer: Asking, monkeypatch: Any) -> None:
    monkeypatch.setattr(connections["default"], "close_if_unusable_or_obsolete", lambda: None)  # the test goes on with it
    answer = officer.answer("collections/parcels/download.geojsonl")
    assert Taking.objects.filter(person="olga", way="geojsonl").exists()
    next(iter(answer.streaming_content))
    answer.close()  # a client that hangs up has taken what went out
    taking.keep()
    assert Taking.objects.get(person="olga", way="geojsonl").features == 100


def test_editions_are_told_apart(own: Any, officer: Asking) -> None:
    from scicity.records.publishing import publish

    officer.get("collections/parcels/items", limit=1)
    officer.send("PATCH", "collections/parcels/items/p001", {"properties": {"height": 1}})
    publish(own.figures.computing)
    taking._known.clear()
    officer.get("collections/parcels/items", limit=1)
    assert sorted(Taking.objects.filter(layer="parcels", way="read").values_list("edition", flat=True)) == [1, 2]


def test_what_is_answered_as_unchanged_is_taken_once(officer: Asking) -> None:
    tag = officer.answer("collections/parcels/items").headers["ETag"]
    officer.answer("collections/parcels/items", headers={"if-none-match": tag})
    taking.keep()
    assert Taking.objects.get(layer="parcels").times == 1


def test_the_ledger_is_for_data_officers(people: dict[str, Person]) -> None:
    for path in ("ledger/", "ledger.csv", "collections/parcels/ledger"):
        assert Asking().answer(path).status_code == 401
        assert Asking(people["olga"]).answer(path).status_code == 403
        assert Asking(people["dan"]).answer(path).status_code == 200


def test_the_pages_of_the_ledger(people: dict[str, Person], keeper: Asking) -> None:
    Asking(people["olga"]).get("collections/parcels/items", limit=7)
    Asking(people["olga"]).get("collections/pipes/items")
    page = keeper.answer("ledger/", f="html", headers={"accept-language": "zh-hans"}).content.decode()
    assert all(word in page for word in ("olga", "协议-1", "逐页读取", "地块", "管线"))
    page = keeper.answer("collections/parcels/ledger", f="html", headers={"accept-language": "en"}).content.decode()
    assert "olga" in page
    assert "Pipes" not in page
    assert "Nobody took" in keeper.answer("ledger/", since="2999-01-01", headers={"accept-language": "en"}).content.decode()
    assert keeper.answer("ledger/", since="then").status_code == 400
    assert keeper.answer("collections/nothing/ledger").status_code == 404


def test_the_ledger_as_a_table(people: dict[str, Person], keeper: Asking) -> None:
    people["olga"].username = "=cmd|' /C calc'!A0"
    people["olga"].save()
    Asking(people["olga"]).get("collections/parcels/items", limit=7)
    rows = list(csv.DictReader(io.StringIO(taken(keeper, "ledger.csv").decode("utf-8-sig"))))
    assert [(row["layer"], row["way"], row["times"], row["features"]) for row in rows] == [("parcels", "read", "1", "7")]
    assert rows[0]["person"].startswith("'=cmd")  # no program for tables takes it for a formula


def test_the_catalogue_of_open_data_holds_the_layers_that_all_may_see(stranger: Asking, layered: Any) -> None:
    told = json.loads(stranger.client.get("/open-data/catalog.jsonld").content)
    found = {each["dct:identifier"]: each for each in told["dcat:dataset"]}
    assert set(found) == {"layered/layer/parcels", "layered/layer/islands"}  # not the pipes
    parcels = found["layered/layer/parcels"]
    assert parcels["dct:publisher"]["foaf:name"][1] == {"@value": "Planning Bureau", "@language": "en"}
    assert parcels["dcat:distribution"][1]["dct:license"] == {"@id": "https://example.org/licence"}
    assert "116.409" in parcels["dct:spatial"]["dcat:bbox"]["@value"]  # as far as a stranger sees
    for each in parcels["dcat:distribution"]:
        assert stranger.client.get(each["@id"].removeprefix("http://localhost")).status_code == 200
    layered.district.settings["public"] = {"pages": ["open-data"]}
    try:
        assert json.loads(stranger.client.get("/open-data/catalog.jsonld").content)["dcat:dataset"] == []
    finally:
        layered.district.settings.pop("public")


def test_tiles_are_in_the_ledger(officer: Asking) -> None:
    officer.answer("collections/islands/tiles/WebMercatorQuad/0/0/0")
    taking.keep()
    assert Taking.objects.get(layer="islands", way="tiles", person="olga").times == 1
