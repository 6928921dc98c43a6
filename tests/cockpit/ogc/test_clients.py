"""Clients that nobody here wrote, against a served city: OWSLib reads, filters, pages and edits; GDAL's OAPIF driver reads and
filters; and what QGIS asked for is answered.

That a filter was the server's work is read from the addresses that reached it, never from what the client made of the answers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl

import pyogrio
import pytest
import shapely
from django.core.signals import request_started
from owslib.ogcapi.features import Features
from owslib.util import Authentication, ServiceException, http_delete, http_put

from scicity.cockpit.models import Person
from scicity.cockpit.ogc.conformance import SPEC

from . import layered_city
from .conftest import PASSWORD, Asking

VISIBLE = [f"p{n:03}" for n in range(100) if n % 10 != 9]
NEW = {
    "type": "Feature",
    "id": "new-1",
    "geometry": {"type": "Point", "coordinates": [116.45, 40.15]},
    "properties": {"name_en": "New", "feature_class": "R2", "height": 12.0, "floors": 4},
}


ONCE = {"Connection": "close"}  # a connection that is kept would outlive the server of the tests


class Heard(list[tuple[str, str, dict[str, str]]]):
    """What reached the server: method, path below /ogc/, parameters."""

    def take(self, sender: Any, environ: dict[str, Any], **_: Any) -> None:
        """Keeps a request as the server began to answer it."""
        path = environ["PATH_INFO"].removeprefix("/ogc/")
        self.append((environ["REQUEST_METHOD"], path, dict(parse_qsl(environ["QUERY_STRING"]))))

    def asked(self, layer: str = "parcels") -> list[dict[str, str]]:
        """The parameters of each reading of a layer's features."""
        return [told for method, path, told in self if (method, path) == ("GET", f"collections/{layer}/items")]


@pytest.fixture
def heard() -> Iterator[Heard]:
    """Everything that is asked of the server."""
    found = Heard()
    request_started.connect(found.take)
    yield found
    request_started.disconnect(found.take)


@pytest.fixture
def served(live_server: Any, settings: Any) -> Iterator[str]:
    """The address of the service, by HTTP."""
    settings.ALLOWED_HOSTS = ["*"]
    pyogrio.set_gdal_config_options({"GDAL_HTTP_HEADERS": "Connection: close"})
    yield f"{live_server.url}/ogc/"
    pyogrio.set_gdal_config_options({"GDAL_HTTP_HEADERS": None})


def owslib(address: str, name: str = "", **heads: str) -> Features:
    """OWSLib's client, as a person where one is named. It keeps heads for all that come after it: each has its own."""
    auth = Authentication(username=name, password=PASSWORD) if name else None
    found = Features(address, auth=auth)
    found.headers = {"User-Agent": "OWSLib", **ONCE, **heads}
    return found


# --- OWSLib ---


def test_owslib_reads_what_there_is(served: str) -> None:
    client = owslib(served)
    assert client.feature_collections() == ["islands", "parcels"]
    assert "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core" in client.conformance()["conformsTo"]
    assert "/collections/parcels/items" in client.api()["paths"]
    assert client.collection("parcels")["id"] == "parcels"
    assert client.collection_queryables("parcels")["properties"]["floors"]["type"] == "number"
    assert client.collection_item("parcels", "p001")["properties"]["name_en"] == "Parcel 1"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"bbox": [116.4001, 40.1001, 116.4019, 40.1009]}, ["p000", "p001"]),
        ({"filter": "floors > 10 AND feature_class = 'R2'", "filter-lang": "cql2-text"}, ["p020", "p048", "p076"]),
        ({"filter": "S_INTERSECTS(geometry, POINT(116.4005 40.1005))"}, ["p000"]),
        ({"datetime_": "2017-06-01", "feature": "p005"}, []),
        ({"feature_class": "R2", "floors": 12}, ["p020", "p048", "p076"]),
    ],
    ids=["box", "attributes", "place", "time", "properties"],
)
def test_owslib_has_the_server_filter(served: str, heard: Heard, asked: dict[str, Any], expected: list[str]) -> None:
    found = owslib(served).collection_items("parcels", **asked)
    assert [each["id"] for each in found["features"]] == expected
    assert found["numberMatched"] == len(expected)
    (told,) = heard.asked()
    assert set(told) == {name.rstrip("_") for name in asked}


def test_owslib_pages(served: str, heard: Heard) -> None:
    """By its own offset, and by following the links that are told."""
    client = owslib(served)
    by_offset = [
        each["id"]
        for offset in range(0, 90, 40)
        for each in client.collection_items("parcels", limit=40, offset=offset)["features"]
    ]
    assert by_offset == VISIBLE
    assert [(told["limit"], told["offset"]) for told in heard.asked()] == [("40", "0"), ("40", "40"), ("40", "80")]
    told, followed = client.collection_items("parcels", limit=40), []
    while True:
        followed += [each["id"] for each in told["features"]]
        further = [each["href"] for each in told["links"] if each["rel"] == "next"]
        if not further:
            break
        told = client._request(path=further[0].removeprefix(served))
    assert followed == VISIBLE


@pytest.mark.usefixtures("own")
def test_owslib_edits(served: str, people: dict[str, Person], heard: Heard) -> None:
    """Create, replace and delete by its own calls: it sends a dictionary as JSON, and must be told the kind of body."""
    client = owslib(served, "olga", **{"Content-Type": "application/geo+json"})
    assert client.collection_item_create("parcels", json.dumps(NEW))
    assert client.collection_item("parcels", "new-1")["properties"]["floors"] == 4
    told = NEW | {"properties": {"name_en": "Replaced", "floors": 5}}
    assert client.collection_item_update("parcels", "new-1", json.dumps(told))
    replaced = owslib(served).collection_items("parcels", filter="floors = 5")["features"]
    assert [(each["id"], each["properties"]["name_en"]) for each in replaced] == [("new-1", "Replaced")]
    assert client.collection_item_delete("parcels", "new-1")
    with pytest.raises(RuntimeError, match="expected one of parcels"):
        client.collection_item("parcels", "new-1")
    sent = [(method, path) for method, path, _ in heard if method not in ("GET", "HEAD")]
    assert sent == [
        ("POST", "collections/parcels/items"),
        ("PUT", "collections/parcels/items/new-1"),
        ("DELETE", "collections/parcels/items/new-1"),
    ]


@pytest.mark.usefixtures("own")
def test_owslib_locks_optimistically(served: str, people: dict[str, Person]) -> None:
    """Its heads name the edition that was read, which it finds among the heads of the answer."""
    client = owslib(served, "olga", **{"Content-Type": "application/geo+json"})
    client.collection_item("parcels", "p001")
    read = client.response_headers["ETag"]
    body = json.dumps(NEW | {"id": "p001"})
    client.headers["If-Match"] = read
    assert client.collection_item_update("parcels", "p001", body)
    with pytest.raises(RuntimeError, match="the feature was changed since"):
        client.collection_item_update("parcels", "p001", json.dumps(NEW | {"id": "p001", "properties": {}}))
    with pytest.raises(RuntimeError, match="the feature was changed since"):
        client.collection_item_delete("parcels", "p001")
    assert owslib(served).collection_item("parcels", "p001")["properties"]["floors"] == 4


@pytest.mark.usefixtures("own")
def test_owslib_is_refused_where_it_may_not(served: str, people: dict[str, Person]) -> None:
    kind = {"Content-Type": "application/geo+json"}
    for name, said in (("", "expected an editor's name and password"), ("eve", "expected a role that may edit")):
        with pytest.raises((RuntimeError, ServiceException), match=said):
            owslib(served, name, **kind).collection_item_create("parcels", json.dumps(NEW))
    assert owslib(served).collection_items("parcels", limit=1)["numberMatched"] == 90
    answer = http_put(f"{served}collections/parcels/items/p001", data="{}", headers=kind)
    assert (answer.status_code, http_delete(f"{served}collections/parcels/items/p001").status_code) == (401, 401)


# --- GDAL ---

needs_driver = pytest.mark.skipif("OAPIF" not in pyogrio.list_drivers(), reason="pyogrio's GDAL has no OAPIF driver")


def gdal(served: str, **asked: Any) -> list[dict[str, Any]]:
    """The features that GDAL finds, with their geometry."""
    told, table = pyogrio.read_arrow(f"OAPIF:{served}", layer="parcels", **asked)
    rows: list[dict[str, Any]] = table.to_pylist()
    return [row | {"geometry": shapely.from_wkb(row[told["geometry_name"] or "wkb_geometry"])} for row in rows]


@needs_driver
def test_gdal_lists_layers_and_reads_all(served: str, heard: Heard) -> None:
    """By pages that are smaller than the layer."""
    assert sorted(pyogrio.list_layers(f"OAPIF:{served}")[:, 0]) == ["islands", "parcels"]
    del heard[:]
    rows = gdal(served, PAGE_SIZE=40)
    assert [row["id"] for row in rows] == VISIBLE
    first = rows[1]
    assert first["geometry"].bounds == (116.401, 40.1, 116.402, 40.101)
    assert (first["name_zh"], first["floors"], first["protected"]) == ("地块1", 2, False)
    pages = [set(told) for told in heard.asked() if told["limit"] == "40"]
    assert pages[-3:] == [{"limit", "crs"}, {"limit", "crs", "after"}, {"limit", "crs", "after"}]


@needs_driver
@pytest.mark.parametrize(
    ("asked", "told", "expected"),
    [
        ({"bbox": (116.4001, 40.1001, 116.4019, 40.1009)}, {"bbox"}, ["p000", "p001"]),
        ({"where": "feature_class = 'R2' AND floors = 12"}, {"feature_class", "floors"}, ["p020", "p048", "p076"]),
        ({"where": "name_zh = '地块26'"}, {"name_zh"}, ["p026"]),
        ({"where": "protected = 1", "bbox": (116.4001, 40.1001, 116.4049, 40.1009)}, {"protected", "bbox"}, ["p000", "p003"]),
        ({"where": "floors > 10 AND feature_class = 'R2'"}, {"feature_class"}, ["p020", "p048", "p076"]),
    ],
    ids=["box", "attributes", "chinese", "both", "in part"],
)
def test_gdal_has_the_server_filter(
    served: str, heard: Heard, stranger: Asking, asked: dict[str, Any], told: set[str], expected: list[str]
) -> None:
    """What is equal, and the box. GDAL compares `>` and LIKE by itself, as it asks for CQL by the name of a draft alone."""
    assert [row["id"] for row in gdal(served, **asked)] == expected
    reached = heard.asked()[-1]
    assert set(reached) - {"limit", "crs", "bbox-crs"} == told
    if ">" not in str(asked):
        assert stranger.ids("parcels", **reached) == expected  # the server's answer, not what GDAL left of it


@needs_driver
def test_gdal_asks_for_one_feature_by_its_address(served: str, heard: Heard) -> None:
    assert [row["id"] for row in gdal(served, where="id = 'p026'")] == ["p026"]
    assert heard[-1][:2] == ("GET", "collections/parcels/items/p026")


@needs_driver
def test_gdal_reads_in_another_crs(served: str, heard: Heard) -> None:
    """The plane of the district, by the order of axes that GIS has."""
    info = pyogrio.read_info(f"OAPIF:{served}", layer="parcels", CRS="EPSG:4548")
    assert info["crs"] == "EPSG:4548"
    (row,) = gdal(served, CRS="EPSG:4548", where="name_en = 'Parcel 0'")
    assert row["geometry"].bounds == pytest.approx((448840, 4440806, 448926, 4440917), abs=2)
    assert heard.asked()[-1]["crs"] == "http://www.opengis.net/def/crs/EPSG/0/4548"


@needs_driver
def test_gdal_sees_what_its_person_sees(served: str, people: dict[str, Person]) -> None:
    assert len(gdal(served, USERPWD=f"olga:{PASSWORD}")) == 100
    assert len(gdal(served)) == 90


# --- QGIS ---

Told = dict[str, Any]
QGIS: list[tuple[str, str, Callable[[Told], bool]]] = [
    # A layer's filter, what the OAPIF provider of QGIS 3.40.6 (Debian 13, headless) asked the server for, and what it means.
    (
        '"floors" > 10 and "feature_class" = \'R2\'',
        "((floors > 10) AND (\"feature_class\" = 'R2'))",
        lambda told: told["floors"] > 10 and told["use"] == "R2",
    ),
    (
        "intersects($geometry, geom_from_wkt('POINT(116.4005 40.1005)'))",
        "S_INTERSECTS(geometry,POINT(116.40049999999999386 40.1004999999999967))",
        lambda told: told["name_en"] == "Parcel 0",
    ),
    (
        "\"name_en\" ILIKE 'parcel 2_'",
        "(CASEI(\"name_en\") LIKE CASEI('parcel 2_'))",
        lambda told: re.fullmatch("Parcel 2.", told["name_en"]) is not None,
    ),
    ('"floors" IN (2, 4)', "floors IN (2,4)", lambda told: told["floors"] in (2, 4)),
    (
        '"valid_from" >= make_datetime(2017,12,31,0,0,0)',
        "(\"valid_from\" >= TIMESTAMP('2017-12-31T00:00:00.000Z'))",
        lambda told: told["from"] is not None,
    ),
    ('"valid_to" is null', '("valid_to" IS NULL)', lambda told: told["to"] is None),
    ('not "protected"', "(NOT (protected))", lambda told: not told["protected"]),
]


@pytest.mark.parametrize(("said", "told", "holds"), QGIS, ids=[each[0] for each in QGIS])
def test_what_qgis_asks_for_is_answered(stranger: Asking, said: str, told: str, holds: Callable[[Told], bool]) -> None:
    parcels = [layered_city.parcel(number) for number in range(100)]
    expected = [each["id"] for each in parcels if each["id"] in VISIBLE and holds(each["properties"])]
    assert stranger.ids("parcels", filter=told, filter_lang="cql2-text") == expected != [], said


def test_what_qgis_needs_to_filter_by_place_is_told(stranger: Asking) -> None:
    """Seen by taking each away: without it QGIS 3.40 reads the whole layer and compares by itself. Both are of drafts."""
    assert f"{SPEC}cql2/1.0/conf/basic-spatial-operators" in stranger.get("conformance")["conformsTo"]
    geometry = stranger.get("collections/parcels/queryables")["properties"]["geometry"]
    assert geometry["$ref"] == "https://geojson.org/schema/Geometry.json"
