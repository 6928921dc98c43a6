"""Filters by HTTP (OGC 19-079r2, 21-065r2): queryables, both languages, CRS of the filter; and what is hostile."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

import pytest

from scicity.space import filters, index

from .conftest import Asking

pytestmark = pytest.mark.django_db
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"


@pytest.mark.meets("queryables/get-queryables-op", "queryables/get-queryables-response")
def test_queryables_are_a_schema(stranger: Asking) -> None:
    """/req/queryables/get-queryables-response."""
    answer = stranger.answer("collections/parcels/queryables")
    assert answer.headers["Content-Type"] == "application/schema+json"
    told = json.loads(answer.content)
    assert (told["type"], told["additionalProperties"]) == ("object", False)
    assert told["$id"] == "http://localhost/ogc/collections/parcels/queryables"
    found = told["properties"]
    assert found["floors"]["type"] == "number"
    assert found["protected"]["type"] == "boolean"
    assert (found["height"]["type"], found["height"]["x-ogc-unit"]) == ("number", "m")
    assert found["details.height"]["type"] == "string"  # the file's own property of that name
    assert found["valid_from"]["format"] == "date-time"
    assert found["geometry"]["format"] == "geometry-any"
    assert "restricted_to" not in found


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("floors > 10 AND feature_class = 'R2'", "p020 p048 p076"),
        ("\"details.height\" = 'a word of the file' AND feature IN ('p001', 'p009')", "p001"),
        ("protected AND height BETWEEN 30 AND 36 AND name_en LIKE 'Parcel 2_'", "p027"),
        ("S_WITHIN(geometry, BBOX(116.3999, 40.0999, 116.4011, 40.1011))", "p000"),
        ("T_BEFORE(valid_to, DATE('2021-01-01')) AND floors = 0", "p000"),
    ],
)
@pytest.mark.meets(
    "filter/filter-param",
    "filter/filter-lang-param",
    "filter/filter-crs-wgs84",
    "filter/response",
    "features-filter/filter-param",
    "features-filter/filter-lang-param",
)
def test_a_filter_narrows_what_is_answered(stranger: Asking, told: str, expected: str) -> None:
    assert stranger.ids("parcels", filter=told) == expected.split()
    assert stranger.ids("parcels", filter=told, filter_lang="cql2-text") == expected.split()


@pytest.mark.meets("filter/filter-lang-param", "features-filter/filter-lang-param")
def test_a_filter_may_be_json(stranger: Asking) -> None:
    told = {
        "op": "and",
        "args": [{"op": ">", "args": [{"property": "floors"}, 10]}, {"op": "=", "args": [{"property": "feature_class"}, "R2"]}],
    }
    assert stranger.ids("parcels", filter=json.dumps(told), filter_lang="cql2-json") == ["p020", "p048", "p076"]


@pytest.mark.meets("filter/mixing-expressions", "features-filter/response")
def test_a_filter_goes_with_the_other_parameters(stranger: Asking) -> None:
    """/req/filter/mixing-expressions: all hold."""
    assert stranger.ids("parcels", filter="floors > 10", feature_class="R2", bbox="116.4,40.1,116.409,40.1025") == ["p020"]


@pytest.mark.parametrize(
    ("crs", "told"),
    [
        (f"{EPSG}4326", "S_INTERSECTS(geometry, POINT(40.1005 116.4005))"),
        (f"{EPSG}4490", "S_INTERSECTS(geometry, BBOX(40.1004, 116.4004, 40.1006, 116.4006))"),
        (f"{EPSG}4548", "S_INTERSECTS(geometry, POINT(4440860 448881))"),
        (f"{EPSG}3857", "S_INTERSECTS(geometry, BBOX(12957630, 4880540, 12957640, 4880550))"),
    ],
)
@pytest.mark.meets("filter/filter-crs-param", "features-filter/filter-crs-param")
def test_geometries_of_a_filter_are_in_its_crs(stranger: Asking, crs: str, told: str) -> None:
    """/req/features-filter/filter-crs-param."""
    assert stranger.ids("parcels", filter=told, filter_crs=crs) == ["p000"]


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("floors >", "filter, character 9: found 'its end'"),
        ("colour = 'red'", "filter, character 1: found 'colour'; expected a queryable of this layer: depth, details.height"),
        ("restricted_to = 'officer'", "filter, character 1: found 'restricted_to'"),
        ("details = 'x'", "filter, character 1: found 'details'"),
        ("floors = 'ten'", "filter, character 8: found '= of number and text'"),
        ("S_INTERSECTS(geometry, POINT(200 100))", "filter, character 24: found"),
        ("", "filter, character 1: found 'its end'"),
    ],
)
@pytest.mark.meets("queryables/expression-construction", "basic-cql2/property", "features-filter/response")
def test_what_cannot_be_answered_is_told_with_its_place(stranger: Asking, told: str, said: str) -> None:
    assert stranger.get("collections/parcels/items", 400, filter=told)["detail"].startswith(said)
    assert stranger.get("collections/parcels/items", 400, filter="a", filter_lang="sql")["detail"].startswith(
        "filter, filter-lang"
    )


HOSTILE = [
    "1=1; DROP TABLE features",
    "feature = 'x' OR 1=1 --",
    "load_extension('x')",
    "feature = (SELECT feature FROM features)",
    "readfile('/etc/passwd') = 'x'",
    "f.restricted_to = 'officer'",
    "(" * 5_000 + ")" * 5_000,
    " OR ".join(["floors = 1"] * 2_000),
    "floors IN (" + ",".join(["1"] * 40_000) + ")",
    "name_en LIKE '" + "%a" * 60 + "'",
    "S_INTERSECTS(geometry, POLYGON((0 0, 1 1, 1 0, 0 1, 0 0)))",
    "\x00",
    "\ud800",
]


@pytest.mark.parametrize("told", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_filters_are_refused(stranger: Asking, told: str) -> None:
    answer = stranger.client.get("/ogc/collections/parcels/items", {"filter": told.encode("utf-8", "surrogatepass")})
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert stranger.get("collections/parcels/items")["numberMatched"] == 90


SEARCHING = [
    {"filter": "owner = 'Secret Service'"},
    {"filter": "NOT owner <> 'Secret Service' AND NOT owner LIKE 'Owner%'"},
    {"filter": "feature = 'p009' OR feature = 'p019'"},
    {"filter": "owner IS NULL OR NOT owner IS NULL", "feature": "p009"},
    {"owner": "Secret Service"},
    {"bbox": "116.4091,40.1,116.41,40.11"},
    {"filter": "S_WITHIN(geometry, BBOX(116.4085, 40.09, 116.42, 40.12))"},
    {"filter": "S_DISJOINT(geometry, BBOX(116.3, 40, 116.4085, 40.2))"},
    {"offset": "90"},
    {"after": "99"},
]


@pytest.mark.parametrize("asked", SEARCHING, ids=range(len(SEARCHING)))
def test_no_question_reaches_restricted_rows(stranger: Asking, officer: Asking, asked: dict[str, str]) -> None:
    told = stranger.get("collections/parcels/items", limit=1_000, **asked)
    assert told["features"] == []
    assert told["numberMatched"] in (0, 90)
    page = stranger.answer("collections/parcels/items", f="html", **asked).content.decode()
    assert "p009" not in page.replace('value="', "").partition("<table>")[2]
    assert "<table>" not in page or {"offset", "after"} & set(asked)
    if not {"offset", "after"} & set(asked):
        assert officer.ids("parcels", **asked) != []


def test_what_takes_too_long_is_given_up(stranger: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each question has its time: a clock that runs ahead stands for a filter that scans for ever."""
    moments = iter(range(10**9))
    monkeypatch.setattr(index, "STEPS", 1)
    stranger.get("collections/parcels")  # what is kept of the layer is known
    monkeypatch.setattr(index.time, "monotonic", lambda: float(next(moments)))
    told = stranger.get("collections/parcels/items", 503, filter="floors * floors > 1")
    assert "a smaller box or a simpler filter" in told["detail"]


def test_what_is_often_asked_is_sorted(own: Any, stranger: Asking) -> None:
    """The same answer from the sorted attribute, found without looking at every feature; and no more of them than some."""
    from scicity.cockpit.ogc.serving import Collection, specs

    collection = Collection(own, specs(own)["parcels"], None, frozenset())
    before = collection.index.find(index.Query(where=("json_extract(f.details, '$.\"floors\"') = ?", [12])), ("feature",))
    sql = collection.queryables["floors"].sql
    assert collection.index.quicken(sql)
    assert not collection.index.quicken(sql)
    assert collection.index.find(index.Query(where=(f"{sql} = ?", [12])), ("feature",)) == before
    with collection.index.connected() as connection:
        plan = str(connection.execute(f"EXPLAIN QUERY PLAN SELECT feature FROM features f WHERE {sql} = ?", (12,)).fetchall())
    assert "USING INDEX quick_" in plan
    made = [collection.index.quicken(f"f.height + {n}") for n in range(20)]
    assert sum(made) == index.MOST_QUICK - 1


def test_functions_of_filters_touch_nothing_else() -> None:
    """What SQLite may call for a filter is pure: no file, no import, no name of the database."""
    assert {name for name, _, _ in filters.FUNCTIONS} == {"casei", "accenti", "spatial", "arithmetic"}
    for op in filters._OPERATORS:
        assert filters.arithmetic(op, "text", 1) is None
        assert filters.arithmetic(op, 10.0**300, 10.0**300) in (None, 0.0, 1.0, 2e300)
    assert filters.spatial("s_within", b"no geometry", b"") is None
    with pytest.raises(KeyError):
        filters.spatial("__import__", sqlite3.Binary(b""), b"")
