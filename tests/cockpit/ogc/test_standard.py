"""Requirements of the standards that no other test comes by: extents, definitions, literals, and what editing answers."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from pyproj import CRS

from scicity.space.served import CRS84

from .conftest import Asking
from .test_editing import ITEMS, NEW, made

pytestmark = pytest.mark.django_db


# --- Part 1: collections and features ---


@pytest.mark.meets("core/fc-md-extent", "core/fc-md-extent-multi")
def test_each_feature_lies_in_the_extent_that_is_told(officer: Asking, stranger: Asking) -> None:
    """In place and in time; what a feature does not say of its beginning or end, the interval leaves open."""
    for asking in (officer, stranger):
        for each in asking.get("collections")["collections"]:
            west, south, east, north = each["extent"]["spatial"]["bbox"][0]
            assert each["extent"]["spatial"]["crs"] == CRS84
            first, last = each["extent"].get("temporal", {"interval": [[None, None]]})["interval"][0]
            for feature in asking.get(f"collections/{each['id']}/items", limit=1_000)["features"]:
                for x, y, *_ in positions(feature["geometry"]["coordinates"]):
                    assert west <= x <= east
                    assert south <= y <= north
                begun, ended = feature["properties"].get("valid_from"), feature["properties"].get("valid_to")
                assert first is None or (begun is not None and moment(begun) >= moment(first))
                assert last is None or (ended is not None and moment(ended) <= moment(last))


def positions(told: Any) -> Iterator[list[float]]:
    if isinstance(told[0], list):
        for each in told:
            yield from positions(each)
    else:
        yield told


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


@pytest.mark.meets("core/f-op", "core/fc-op", "features-filter/get-queryables-op", "core/sfc-md-op")
def test_everything_that_is_told_of_can_be_asked_for(officer: Asking) -> None:
    for each in officer.get("collections")["collections"]:
        here = f"collections/{each['id']}"
        assert officer.get(here)["id"] == each["id"]
        assert officer.get(f"{here}/queryables")["type"] == "object"
        found = officer.get(f"{here}/items", limit=1_000)["features"]
        assert found
        for feature in (found[0], found[-1]):
            one = officer.get(f"{here}/items/{feature['id']}")
            assert {name: one[name] for name in feature} == feature


@pytest.mark.meets("core/fc-time-definition", "core/fc-bbox-definition", "core/fc-limit-definition")
@pytest.mark.meets("filter/filter-lang-param", "filter/filter-param", "filter/filter-crs-param")
@pytest.mark.meets("crs/fc-crs-definition", "crs/fc-bbox-crs-definition")
def test_parameters_are_defined_as_the_standards_have_them(stranger: Asking) -> None:
    told = stranger.get("api")
    known = told["components"]["parameters"]
    defined = {name: known[name]["schema"] for name in ("limit", "bbox", "datetime", "bbox-crs", "filter-lang", "filter-crs")}
    assert defined == {
        "limit": {"type": "integer", "minimum": 1, "maximum": 10_000, "default": 100},
        "bbox": {
            "type": "array",
            "oneOf": [{"minItems": 4, "maxItems": 4}, {"minItems": 6, "maxItems": 6}],
            "items": {"type": "number"},
        },
        "datetime": {"type": "string"},
        "bbox-crs": {"type": "string", "format": "uri"},
        "filter-lang": {"type": "string", "enum": ["cql2-text", "cql2-json"], "default": "cql2-text"},
        "filter-crs": {"type": "string", "format": "uri", "default": CRS84},
    }
    for name in (*defined, "filter"):
        each = known[name]
        assert (each["in"], each["required"], each["style"], each["explode"]) == ("query", False, "form", False)
    for path in ("/collections/parcels/items", "/collections/parcels/items/{featureId}"):
        (crs,) = [each for each in told["paths"][path]["get"]["parameters"] if each.get("name") == "crs"]
        assert crs["schema"]["enum"] == stranger.get("collections/parcels")["crs"]


@pytest.mark.meets("core/fc-time-definition", "core/fc-time-response")
@pytest.mark.parametrize(
    ("told", "same"),
    [("2020-06-01/", "2020-06-01/.."), ("/2017-06-01", "../2017-06-01"), ("2017-06-01t00:00:00z", "2017-06-01T00:00:00Z")],
)
def test_an_open_end_may_be_left_empty(stranger: Asking, told: str, same: str) -> None:
    assert stranger.ids("parcels", datetime=told) == stranger.ids("parcels", datetime=same) != []


@pytest.mark.meets("core/http")
def test_a_head_is_that_of_the_answer(stranger: Asking) -> None:
    for path in ("", "collections", "collections/parcels/items", "collections/parcels/items/p001"):
        head, whole = stranger.client.head(f"/ogc/{path}"), stranger.answer(path)
        assert (head.status_code, head.content) == (200, b"")
        assert {name: head.headers[name] for name in ("Content-Type", "ETag")} == {
            name: whole.headers[name] for name in ("Content-Type", "ETag")
        }


@pytest.mark.meets("html/content", "html/definition")
def test_a_page_holds_what_the_document_holds(stranger: Asking) -> None:
    page = html.unescape(stranger.answer("collections/parcels/items/p001", f="html").content.decode())
    assert page.lower().startswith("<!doctype html>")
    for name, value in stranger.get("collections/parcels/items/p001")["properties"].items():
        assert name in page
        assert ("—" if value is None else str(value)) in page
    for path in ("", "collections/parcels"):
        page = html.unescape(stranger.answer(path, f="html").content.decode())
        for each in stranger.get(path)["links"]:
            assert f'<a href="{each["href"]}"' in page, each


# --- Part 1: the definition ---


@pytest.mark.meets("oas30/oas-definition-2", "oas30/security")
def test_the_definition_is_one_of_openapi_3_0(officer: Asking) -> None:
    """Its required members, references that lead somewhere, parameters of paths, and operations that are told apart."""
    told = officer.get("api")
    assert re.fullmatch(r"3\.0\.\d+", told["openapi"])
    assert told["info"]["title"]
    assert told["info"]["version"]
    for reference in re.findall(r'"\$ref": "([^"]+)"', json.dumps(told)):
        there: Any = told
        for name in reference.removeprefix("#/").split("/"):
            there = there[name]
    names = []
    for path, acts in told["paths"].items():
        assert path.startswith("/")
        shared = acts.get("parameters", [])
        for act, operation in acts.items():
            if act == "parameters":
                continue
            names.append(operation["operationId"])
            assert all(answer.get("description") or answer.get("$ref") for answer in operation["responses"].values())
            parameters = [
                told["components"]["parameters"][each["$ref"].rpartition("/")[2]] if "$ref" in each else each
                for each in (*shared, *operation.get("parameters", ()))
            ]
            assert all({"name", "in", "schema"} <= set(each) for each in parameters)
            assert len({(each["name"], each["in"]) for each in parameters}) == len(parameters)
            assert {each["name"] for each in parameters if each["in"] == "path"} == set(re.findall(r"{(\w+)}", path))
    assert len(set(names)) == len(names)
    assert told["components"]["securitySchemes"]["password"] == {"type": "http", "scheme": "basic"}
    assert told["security"] == [{}, {"password": []}]
    assert told["paths"]["/collections/parcels/items"]["post"]["security"] == [{"password": []}]


@pytest.mark.meets("oas30/completeness", "oas30/exceptions-codes")
@pytest.mark.usefixtures("own")
def test_each_status_that_is_answered_is_defined(stranger: Asking, officer: Asking) -> None:
    paths = officer.get("api")["paths"]
    items, item = paths["/collections/parcels/items"], paths["/collections/parcels/items/{featureId}"]
    tag = officer.answer(f"{ITEMS}/p001").headers["ETag"]
    merge = "application/merge-patch+json"
    for operation, status, answer in (
        (items["get"], 200, stranger.answer(ITEMS)),
        (items["get"], 400, stranger.answer(ITEMS, limit="x")),
        (items["get"], 401, stranger.answer(ITEMS, headers={"authorization": "Basic eDp5"})),
        (item["get"], 304, officer.answer(f"{ITEMS}/p001", headers={"if-none-match": tag})),
        (item["get"], 404, stranger.answer(f"{ITEMS}/none")),
        (items["get"], 405, stranger.send("TRACE", ITEMS)),
        (items["post"], 401, stranger.send("POST", ITEMS, NEW)),
        (items["post"], 201, officer.send("POST", ITEMS, NEW | {"id": "x1"})),
        (items["post"], 400, officer.send("POST", ITEMS, b"{")),
        (items["post"], 409, officer.send("POST", ITEMS, NEW | {"id": "p001"})),
        (items["post"], 413, officer.send("POST", ITEMS, b"x" * 3_000_000)),
        (items["post"], 415, officer.send("POST", ITEMS, NEW, "text/plain")),
        (item["put"], 404, officer.send("PUT", f"{ITEMS}/none", NEW)),
        (item["put"], 412, officer.send("PUT", f"{ITEMS}/p001", NEW, If_Match='"0000"')),
        (item["patch"], 200, officer.send("PATCH", f"{ITEMS}/p001", {"properties": {"height": 1}}, merge)),
        (item["delete"], 204, officer.send("DELETE", f"{ITEMS}/p001")),
    ):
        assert answer.status_code == status
        assert str(status) in operation["responses"], (operation["operationId"], status)


# --- Part 2 and CQL2 ---


@pytest.mark.meets("crs/crs-uri")
def test_each_crs_is_named_by_its_uri(officer: Asking) -> None:
    for each in officer.get("collections")["collections"]:
        for uri in (*each["crs"], each["storageCrs"]):
            assert re.fullmatch(r"http://www\.opengis\.net/def/crs/(OGC/1\.3/CRS84|EPSG/0/\d+)", uri)
            authority, _, code = uri.removeprefix("http://www.opengis.net/def/crs/").partition("/")
            assert CRS.from_authority(authority, code.rpartition("/")[2])


@pytest.mark.meets("basic-spatial-functions-plus/spatial-data-types", "spatial-functions/spatial-functions")
@pytest.mark.parametrize(
    "literal",
    [
        "POINT(116.4005 40.1005)",
        "POINT Z (116.4005 40.1005 12)",
        "POINT(116.4005 40.1005 12)",
        "LINESTRING(116.4002 40.1002, 116.4005 40.1005)",
        "POLYGON((116.4002 40.1002, 116.4008 40.1002, 116.4008 40.1008, 116.4002 40.1002))",
        "POLYGON Z ((116.4002 40.1002 1, 116.4008 40.1002 1, 116.4008 40.1008 1, 116.4002 40.1002 1))",
        "MULTIPOINT((116.4002 40.1002), (116.4005 40.1005))",
        "MULTILINESTRING((116.4002 40.1002, 116.4005 40.1005))",
        "MULTIPOLYGON(((116.4002 40.1002, 116.4008 40.1002, 116.4008 40.1008, 116.4002 40.1002)))",
        "GEOMETRYCOLLECTION(POINT(116.4002 40.1002), LINESTRING(116.4002 40.1002, 116.4005 40.1005))",
        "BBOX(116.4002, 40.1002, 116.4008, 40.1008)",
        "BBOX(116.4002, 40.1002, 0, 116.4008, 40.1008, 12)",
    ],
)
def test_each_kind_of_geometry_may_stand_in_a_filter(stranger: Asking, literal: str) -> None:
    assert stranger.ids("parcels", filter=f"S_INTERSECTS(geometry, {literal})") == ["p000"]


# --- Part 4 ---


@pytest.mark.meets("create-replace-delete/post-op", "create-replace-delete/post-body", "create-replace-delete/post-response")
@pytest.mark.meets("create-replace-delete/post-response-rid", "features/resources-endpoint", "features/default-crs")
@pytest.mark.usefixtures("own")
def test_what_is_posted_stands_at_its_location(officer: Asking) -> None:
    """201, the address of what is new, an id of its own; coordinates without a word are longitude and latitude."""
    first, second = (officer.send("POST", ITEMS, NEW) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    places = {each.headers["Location"] for each in (first, second)}
    assert len(places) == 2
    for place in places:
        assert place.startswith(f"http://localhost/ogc/{ITEMS}/")
        told = officer.get(place.removeprefix("http://localhost/ogc/"))
        assert told["id"] == place.rpartition("/")[2]
        assert told["geometry"] == NEW["geometry"]
    assert made(officer, NEW | {"id": "own-id"}) == "own-id"


@pytest.mark.meets("create-replace-delete/put-rid", "update/rid", "features/geojson-create-replace")
@pytest.mark.usefixtures("own")
def test_an_id_stays(officer: Asking) -> None:
    """The same id may be told; another is refused, and nothing is changed."""
    assert officer.send("PUT", f"{ITEMS}/p001", NEW | {"id": "p001"}).status_code == 200
    before = officer.get(f"{ITEMS}/p001")
    for method, told in (("PUT", NEW | {"id": "p002"}), ("PATCH", {"id": "p002", "properties": {"height": 1}})):
        kind = "application/geo+json" if method == "PUT" else "application/merge-patch+json"
        assert officer.send(method, f"{ITEMS}/p001", told, kind).status_code == 400
    assert officer.get(f"{ITEMS}/p001") == before


@pytest.mark.meets("optimistic-locking-etags/put-etag-response", "optimistic-locking-etags/patch-etag-response")
@pytest.mark.meets("optimistic-locking-etags/get-etag-response")
@pytest.mark.usefixtures("own")
def test_the_tag_of_an_answer_is_that_of_what_is_read_next(officer: Asking) -> None:
    put = officer.send("PUT", f"{ITEMS}/p001", NEW).headers["ETag"]
    assert officer.answer(f"{ITEMS}/p001").headers["ETag"] == put
    patched = officer.send("PATCH", f"{ITEMS}/p001", {"properties": {"height": 1}}, If_Match=put).headers["ETag"]
    assert officer.answer(f"{ITEMS}/p001").headers["ETag"] == patched != put


@pytest.mark.meets("create-replace-delete/put-rid-exception", "optimistic-locking-etags/ifmatch-put-eval")
@pytest.mark.usefixtures("own")
def test_an_edition_of_what_is_not_there_is_none(officer: Asking) -> None:
    """404 for who names none, 412 for who names one; nothing is made of it."""
    for tag in ('"0123456789abcdef"', "*"):
        for method, told in (("PUT", NEW), ("PATCH", {"properties": {"height": 1}}), ("DELETE", None)):
            assert officer.send(method, f"{ITEMS}/none", told, If_Match=tag).status_code == 412
    assert officer.send("PUT", f"{ITEMS}/none", NEW).status_code == 404
    assert officer.answer(f"{ITEMS}/none").status_code == 404
