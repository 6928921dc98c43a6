"""OGC API - Features Part 1 (17-069r4) and Part 2 (18-058r1), requirement by requirement."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from pyproj import Transformer

from scicity.cockpit.ogc.conformance import CONFORMS
from scicity.space.served import CRS84

from . import layered_city
from .conftest import Asking

pytestmark = pytest.mark.django_db
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
VISIBLE = [f"p{n:03}" for n in range(100) if n % 10 != 9]


def links(told: Any) -> dict[str, dict[str, str]]:
    return {each["rel"]: each for each in told["links"]}


def local(href: str) -> str:
    return href.removeprefix("http://localhost/ogc/")


@pytest.mark.meets(
    "core/root-op", "core/root-success", "core/api-definition-op", "core/api-definition-success", "oas30/oas-definition-1"
)
def test_the_landing_page_leads_to_everything(stranger: Asking) -> None:
    """/req/core/root-op, root-success: service-desc or service-doc, conformance, data."""
    found = links(stranger.get(""))
    assert {"self", "alternate", "service-desc", "service-doc", "conformance", "data"} <= set(found)
    for rel in ("service-desc", "conformance", "data"):
        answer = stranger.answer(local(found[rel]["href"]))
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == found[rel]["type"]


@pytest.mark.meets("core/conformance-op", "core/conformance-success")
def test_conformance_is_declared(stranger: Asking) -> None:
    """/req/core/conformance-success; and the four classes without which QGIS filters by itself."""
    told = stranger.get("conformance")["conformsTo"]
    assert told == CONFORMS
    assert len(set(told)) == len(told)
    for part in ("ogcapi-features-3/1.0/conf/filter", "ogcapi-features-3/1.0/conf/features-filter"):
        assert f"http://www.opengis.net/spec/{part}" in told
    assert "http://www.opengis.net/spec/cql2/1.0/conf/cql2-text" in told
    assert "http://www.opengis.net/spec/cql2/1.0/conf/basic-cql2" in told


@pytest.mark.meets("queryables-query-parameters/parameters")
def test_the_definition_names_each_address_and_parameter(stranger: Asking) -> None:
    """/req/core/api-definition-success, /req/oas30/oas-definition-1: paths, and Part 1 property filters per collection."""
    told = stranger.get("api")
    assert told["openapi"].startswith("3.0.")
    assert {"/", "/conformance", "/api", "/collections", "/collections/parcels/items"} <= set(told["paths"])
    assert "/collections/pipes/items" not in told["paths"]
    parameters = told["paths"]["/collections/parcels/items"]["get"]["parameters"]
    named = {each.get("name") or each["$ref"].rpartition("/")[2]: each for each in parameters}
    assert {"limit", "bbox", "bbox-crs", "datetime", "crs", "filter", "filter-lang", "filter-crs", "f"} <= set(named)
    assert named["floors"]["schema"] == {"type": "number"}
    assert named["protected"]["schema"] == {"type": "boolean"}
    assert named["feature_class"]["in"] == "query"
    assert {each["$ref"].rpartition("/")[2] for each in parameters if "$ref" in each} <= set(told["components"]["parameters"])


@pytest.mark.meets("oas30/oas-impl")
def test_every_address_of_the_definition_is_answered(stranger: Asking) -> None:
    for path, acts in stranger.get("api")["paths"].items():
        assert acts.get("get")
        answer = stranger.answer(path.lstrip("/").replace("{featureId}", "p001"))
        expected = 404 if "islands/items/{" in path else 200
        assert answer.status_code == expected, path


@pytest.mark.meets(
    "core/fc-md-op",
    "core/fc-md-success",
    "core/fc-md-links",
    "core/fc-md-items",
    "core/fc-md-items-links",
    "core/sfc-md-op",
    "core/sfc-md-success",
    "crs/fc-md-crs-list",
    "crs/fc-md-storageCrs",
    "crs/fc-md-storageCrs-valid-value",
    "features-filter/queryables-link",
    "queryables/queryables-link",
)
def test_collections_are_described(stranger: Asking) -> None:
    """/req/core/fc-md-success, fc-md-items, fc-md-links, fc-md-extent, sfc-md-success; /req/crs/fc-md-crs-list, storageCrs."""
    told = stranger.get("collections")
    assert [each["id"] for each in told["collections"]] == ["islands", "parcels"]
    assert {"self", "alternate"} <= set(links(told))
    parcels = told["collections"][1]
    assert parcels == stranger.get("collections/parcels")
    west, south, east, north = parcels["extent"]["spatial"]["bbox"][0]
    assert (west, south) == pytest.approx((116.40, 40.10), abs=1e-4)
    assert (east, north) == pytest.approx((116.409, 40.11), abs=1e-4)  # the tenth column is for officers alone
    assert parcels["crs"] == [CRS84, f"{EPSG}4326", f"{EPSG}4490", f"{EPSG}3857", f"{EPSG}4548"]
    assert parcels["storageCrs"] == CRS84
    assert parcels["itemType"] == "feature"
    found = links(parcels)
    assert found["items"]["href"].startswith("http://localhost/ogc/collections/parcels/items")
    assert "http://www.opengis.net/def/rel/ogc/1.0/queryables" in found
    assert parcels["agreement"] == "协议-1"


@pytest.mark.meets(
    "core/fc-op",
    "core/fc-response",
    "core/fc-links",
    "core/fc-timeStamp",
    "core/fc-numberMatched",
    "core/fc-numberReturned",
    "core/crs84",
    "geojson/definition",
    "geojson/content",
    "crs/ogc-crs-header",
    "crs/ogc-crs-header-value",
    "crs/fc-crs-default-value",
)
def test_features_come_as_geojson_with_counts_and_links(stranger: Asking) -> None:
    """/req/core/fc-response, fc-links, fc-timeStamp, fc-numberMatched, fc-numberReturned; /req/geojson/definition."""
    answer = stranger.answer("collections/parcels/items", limit=7)
    assert answer.headers["Content-Type"] == "application/geo+json"
    assert answer.headers["Content-Crs"] == f"<{CRS84}>"
    told = json.loads(answer.content)
    assert told["type"] == "FeatureCollection"
    assert (told["numberReturned"], told["numberMatched"]) == (7, 90)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", told["timeStamp"])
    assert {"self", "alternate", "collection", "next"} <= set(links(told))
    first = told["features"][0]
    expected = layered_city.parcel(0)
    assert first["id"] == "p000"
    assert first["geometry"] == expected["geometry"]
    assert first["properties"]["feature_class"] == "R2"
    assert first["properties"]["valid_from"] == "2017-12-31T16:00:00Z"  # the first of January in Beijing
    assert first["properties"]["details.height"] == "a word of the file"
    assert first["properties"]["protected"] is True
    assert "restricted_to" not in first["properties"]


@pytest.mark.meets("core/fc-limit-response-1")
def test_pages_follow_one_another_without_gap_or_double(stranger: Asking) -> None:
    """/req/core/fc-limit-response-1; the order is stable, and what is asked stands in the links to further pages."""
    found, path, asked = [], "collections/parcels/items", {"limit": 7, "filter": "floors >= 0"}
    while path:
        told = stranger.get(path, **asked)
        assert len(told["features"]) <= 7
        assert told["numberMatched"] == 90
        found += [each["id"] for each in told["features"]]
        following = links(told).get("next")
        path, _, query = local(following["href"]).partition("?") if following else ("", "", "")
        asked = dict(parse_qsl(query))
    assert found == VISIBLE


def test_pages_by_offset_are_the_same(stranger: Asking) -> None:
    assert stranger.ids("parcels", limit=5, offset=10) == VISIBLE[10:15]
    assert stranger.get("collections/parcels/items", limit=5, offset=88)["numberMatched"] == 90
    assert stranger.get("collections/parcels/items", limit=5, offset=1_000)["features"] == []


@pytest.mark.meets("core/fc-limit-definition", "core/fc-limit-response-1")
def test_the_limit_is_bounded(stranger: Asking) -> None:
    """/req/core/fc-limit-definition: too great a limit is not refused but cut."""
    assert len(stranger.get("collections/parcels/items", limit=999_999)["features"]) == 90
    for wrong in ("0", "-1", "ten", "1.5", "99999999999999999999", "١"):
        assert "limit: found" in stranger.get("collections/parcels/items", 400, limit=wrong)["detail"]


@pytest.mark.parametrize(
    ("bbox", "crs", "expected"),
    [
        ("116.4001,40.1001,116.4019,40.1009", CRS84, ["p000", "p001"]),
        ("116.4001,40.1001,-10,116.4019,40.1009,10", CRS84, ["p000", "p001"]),
        ("40.1001,116.4001,40.1009,116.4019", f"{EPSG}4326", ["p000", "p001"]),
        ("40.1001,116.4001,40.1009,116.4019", f"{EPSG}4490", ["p000", "p001"]),
        ("4440806,448840,4440900,448900", f"{EPSG}4548", ["p000"]),
        ("12957590,4880490,12957690,4880500", f"{EPSG}3857", ["p000"]),
        ("0,0,1,1", CRS84, []),
    ],
)
@pytest.mark.meets(
    "core/fc-bbox-definition",
    "core/fc-bbox-response",
    "crs/fc-bbox-crs-action",
    "crs/fc-bbox-crs-default-value",
    "crs/fc-bbox-crs-definition",
)
def test_a_box_finds_what_it_touches(stranger: Asking, bbox: str, crs: str, expected: list[str]) -> None:
    """/req/core/fc-bbox-definition, fc-bbox-response; /req/crs/bbox-crs-action: the axes are in the order of the CRS."""
    assert stranger.ids("parcels", bbox=bbox, bbox_crs=crs) == expected


def test_a_box_may_cross_the_antimeridian(stranger: Asking) -> None:
    assert stranger.ids("islands", bbox="179,-20,-179,20") == ["west", "east"]
    assert stranger.ids("islands", bbox="-20,170,20,-170", bbox_crs=f"{EPSG}4326") == ["west", "east"]
    assert stranger.ids("islands", bbox="-179,-20,179,20") == ["far"]


@pytest.mark.parametrize(
    "bbox",
    [
        "",
        "1,2,3",
        "1,2,3,4,5",
        "a,b,c,d",
        "1,2,3,nan",
        "1,2,3,inf",
        "116,41,117,40",
        "1000,0,1001,1",
        "1,2,3,4;drop",
        "0,0,1e400,1",
    ],
)
def test_a_box_that_is_none_is_refused(stranger: Asking, bbox: str) -> None:
    assert "bbox: found" in stranger.get("collections/parcels/items", 400, bbox=bbox)["detail"]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("2017-06-01", "p001 p002 p003 p004 p006 p007 p008"),
        ("2018-01-01", "p000 p001 p002 p003 p004 p005 p006 p007 p008"),
        ("2018-01-01T00:00:00Z", "p000 p001 p002 p003 p004 p005 p006 p007 p008"),
        ("2020-06-01T00:00:00+08:00", "p001 p002 p003 p004 p005 p006 p007 p008"),
        ("2020-06-01/..", "p001 p002 p003 p004 p005 p006 p007 p008"),
        ("../2017-06-01", "p001 p002 p003 p004 p006 p007 p008"),
        ("2019-12-01/2020-06-01", "p000 p001 p002 p003 p004 p005 p006 p007 p008"),
    ],
)
@pytest.mark.meets("core/fc-time-response")
def test_time_finds_what_is_there_then(stranger: Asking, told: str, expected: str) -> None:
    """/req/core/fc-time-definition, fc-time-response: features without an end, or without any time, are always there."""
    assert stranger.ids("parcels", datetime=told, limit=9, filter="feature < 'p009'") == expected.split()


@pytest.mark.parametrize(
    "told", ["", "..", "../..", "today", "2020-13-01", "2020", "2020-01-02/2020-01-01", "1/2/3", "2020-01-01T00:00:00"]
)
def test_a_time_that_is_none_is_refused(stranger: Asking, told: str) -> None:
    assert "datetime: found" in stranger.get("collections/parcels/items", 400, datetime=told)["detail"]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("feature_class", "G1", 25),
        ("floors", "12", 13),
        ("protected", "true", 30),
        ("protected", "1", 30),
        ("protected", "0", 60),
        ("height", "36", 13),
        ("owner", "Owner 7", 1),
    ],
)
@pytest.mark.meets("queryables-query-parameters/parameters")
def test_properties_are_asked_for_by_name(stranger: Asking, name: str, value: str, expected: int) -> None:
    """/rec/core/fc-filters, /req/queryables-query-parameters."""
    assert len(stranger.ids("parcels", **{name: value})) == expected
    assert stranger.get("collections/parcels/items", **{name: value})["numberMatched"] == expected


@pytest.mark.parametrize(
    "asked", [{"colour": "red"}, {"restricted_to": "officer"}, {"geometry": "x"}, {"floors": "many"}, {"f": "json", "F": "x"}]
)
@pytest.mark.meets("core/query-param-unknown", "core/query-param-invalid")
def test_parameters_that_are_not_known_are_refused(stranger: Asking, asked: dict[str, str]) -> None:
    """/req/core/query-param-unknown, query-param-invalid."""
    stranger.get("collections/parcels/items", 400, **asked)
    if set(asked) <= {"colour"}:
        for path in ("", "conformance", "api", "collections", "collections/parcels", "collections/parcels/items/p000"):
            assert "colour" in stranger.get(path, 400, **asked)["detail"]


@pytest.mark.meets("core/http")
def test_what_is_not_there_is_told_as_a_problem(stranger: Asking) -> None:
    """/req/core/http: status codes; bodies by RFC 9457."""
    for path in ("collections/nothing", "collections/nothing/items", "collections/parcels/items/nothing"):
        answer = stranger.answer(path)
        assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")
    answer = stranger.client.generic("TRACE", "/ogc/collections/parcels/items")
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]


@pytest.mark.meets("core/f-success", "core/f-links", "geojson/content", "optimistic-locking-etags/get-etag-response")
def test_one_feature_has_links_and_a_tag(stranger: Asking) -> None:
    """/req/core/f-success, f-links."""
    answer = stranger.answer("collections/parcels/items/p001")
    told = json.loads(answer.content)
    assert (told["type"], told["id"]) == ("Feature", "p001")
    assert {"self", "alternate", "collection"} <= set(links(told))
    assert re.fullmatch(r'"[0-9a-f]{16}"', answer.headers["ETag"])
    again = stranger.answer("collections/parcels/items/p001", headers={"if-none-match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_what_is_as_it_was_is_not_sent_again(stranger: Asking) -> None:
    answer = stranger.answer("collections/parcels/items", limit=3)
    tag = answer.headers["ETag"]
    assert stranger.answer("collections/parcels/items", limit=3, headers={"if-none-match": tag}).status_code == 304
    assert stranger.answer("collections/parcels/items", limit=4, headers={"if-none-match": tag}).status_code == 200
    assert "private" in answer.headers["Cache-Control"]


@pytest.mark.parametrize(
    ("crs", "corner"),
    [
        (CRS84, (116.401, 40.1)),
        (f"{EPSG}4326", (40.1, 116.401)),
        (f"{EPSG}4490", (40.1, 116.401)),
        (f"{EPSG}3857", (12957700.0477, 4880484.6657)),
        (f"{EPSG}4548", Transformer.from_crs("EPSG:4490", "EPSG:4548").transform(40.1, 116.401)),
    ],
)
@pytest.mark.meets(
    "crs/fc-crs-definition",
    "crs/fc-crs-action",
    "crs/fc-crs-default-value",
    "crs/ogc-crs-header",
    "crs/ogc-crs-header-value",
    "crs/geojson",
)
def test_answers_come_in_the_crs_that_is_asked_for(stranger: Asking, crs: str, corner: tuple[float, float]) -> None:
    """/req/crs/fc-crs-action, ogc-crs-header: coordinates in the order of the CRS, which the head names."""
    for path in ("collections/parcels/items/p001", "collections/parcels/items"):
        answer = stranger.answer(path, crs=crs, **({"feature": "p001"} if path.endswith("items") else {}))
        assert answer.headers["Content-Crs"] == f"<{crs}>"
        told = json.loads(answer.content)
        feature = told["features"][0] if "features" in told else told
        assert feature["geometry"]["coordinates"][0][0] == pytest.approx(corner, abs=1e-3)


@pytest.mark.meets(
    "crs/fc-crs-valid-value",
    "crs/crs-exception",
    "crs/fc-bbox-crs-valid-value",
    "crs/bbox-crs-exception",
    "filter/filter-crs-param",
)
def test_a_crs_that_is_not_served_is_refused(stranger: Asking) -> None:
    """/req/crs/fc-crs-valid-value, bbox-crs-valid-value."""
    for name in ("crs", "bbox-crs", "filter-crs"):
        for uri in (f"{EPSG}2000", "EPSG", "", "http://example.org/crs"):
            told = stranger.get(
                "collections/parcels/items", 400, **{name: uri}, **({"bbox": "0,0,1,1"} if name == "bbox-crs" else {})
            )
            assert told["detail"].startswith(f"{name}: found")


def test_heights_are_kept(officer: Asking) -> None:
    told = officer.get("collections/pipes/items/w0", crs=f"{EPSG}4490")
    assert told["geometry"]["coordinates"] == [[40.1, 116.4, -3], [40.1, 116.41, -4.5]]


@pytest.mark.meets("html/definition")
def test_a_person_sees_pages_and_a_program_json(stranger: Asking) -> None:
    """/req/html/definition, /req/html/content: the same addresses, in both languages."""
    browser = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    for path in ("", "conformance", "api", "collections", "collections/parcels", "collections/parcels/queryables",
                 "collections/parcels/items", "collections/parcels/items/p001"):  # fmt: skip
        for language, word in (("zh-hans", "图层"), ("en", "xchange of layers")):
            answer = stranger.answer(path, headers=browser | {"accept-language": language})
            assert answer.headers["Content-Type"].startswith("text/html"), path
            assert word in answer.content.decode(), path
        assert "json" in stranger.answer(path, headers=browser, f="json").headers["Content-Type"]
        assert stranger.answer(path, headers={"accept": "*/*"}).headers["Content-Type"] != "text/html; charset=utf-8"
    told = stranger.answer("collections/parcels/items", headers=browser, filter="floors >").content.decode()
    assert "character 9" in told


def test_pages_hold_what_is_hostile_in_the_data(own: Any, officer: Asking) -> None:
    feature = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [116.4, 40.1]},
        "properties": {"name_zh": "<script>alert(1)</script>"},
    }
    place = officer.send("POST", "collections/parcels/items", feature).headers["Location"]
    for path, asked in ((local(place), {}), ("collections/parcels/items", {"filter": "origin = 'manual'"})):
        page = officer.answer(path, f="html", **asked).content.decode()
        assert "<script>alert" not in page
        assert "&lt;script&gt;" in page


@pytest.mark.meets("core/fc-rel-type", "core/fc-links", "core/f-links", "core/fc-md-links")
def test_links_lead_where_they_say(stranger: Asking) -> None:
    for path in ("", "collections", "collections/parcels", "collections/parcels/items", "collections/parcels/items/p000"):
        told = stranger.get(path)
        for each in told["links"]:
            if each["href"].startswith("http://localhost/"):
                parts = urlsplit(each["href"])
                answer = stranger.client.get(f"{parts.path}?{parts.query}", headers={"accept": "*/*"})
                assert answer.status_code == 200, each
                assert answer.headers["Content-Type"].partition(";")[0] == each["type"].partition(";")[0], each
