"""SensorThings and hostile requests: each is answered 4xx with what was expected, runs nothing, and leaves nothing behind."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from scicity.access.sensorthings.entities import Wrong
from scicity.access.sensorthings.filters import DEEPEST, LONGEST
from scicity.access.sensorthings.sql import Values
from scicity.cockpit.sensorthings import observing
from scicity.cockpit.sensorthings.catalogue import catalogue
from scicity.cockpit.sensorthings.models import Described

from sta import ROOT, THING, stream  # isort: skip  (put there by conftest)

pytestmark = pytest.mark.django_db
OBSERVATIONS = "Datastreams('m/1')/Observations"
DEEP = DEEPEST + 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "result",
        "result eq",
        "result eq 1 1",
        "result = 1",
        "eq 1",
        "(result eq 1",
        "result eq 1)",
        "result gt 'warm'",
        "result gt null",
        "name eq 'x'",
        "__class__ eq 1",
        "result/first eq 1",
        "nothing(result) eq 1",
        "length() eq 1",
        "length(result, 1) eq 1",
        "length(result) eq 1",
        "year(result) eq 1",
        "phenomenonTime eq 'soon'",
        "phenomenonTime eq 2021-13-45T99:00:00Z",
        "phenomenonTime add 1 gt now()",
        "now() sub duration'P1M' lt phenomenonTime",
        "result eq 1e999",
        "result eq " + "9" * 400,
        "result eq NaN",
        "result eq INF",
        "result eq 0x10",
        "result eq 1; DROP TABLE batch",
        "result eq 1 -- ",
        "result eq 1) OR (1=1",
        "result eq (SELECT 1)",
        "read_csv('/etc/passwd') eq 'x'",
        "id eq 'x' or 1 eq \"1\"",
        "id eq 'x",
        "result eq $v0",
        "(" * DEEP + "result" + ")" * DEEP + " eq 1",
        "(" * 3_000,
        "length(" * DEEP + "id" + ")" * DEEP + " eq 1",
        "not " * 1_500,
        "-" * 1_500,
        " or ".join(["result eq 1"] * 350),
        "result eq 1" + " add 1" * 500,
        "/".join(["Datastream"] * 200) + " eq 1",
        "x" * (LONGEST + 1),
        "result eq \x00",
    ],
)
def test_a_filter_that_cannot_be_is_refused(service, text):
    service.refused("GET", OBSERVATIONS, 400, filter=text)


@pytest.mark.parametrize(
    "text",
    [
        "id eq '''; DROP TABLE sta_things; --'",
        "id eq '\\'' or true'",
        "substringof('%'' OR 1=1 --', id)",
        "concat(id, '$v0') eq '$v1'",
    ],
)
def test_text_in_quotes_is_text_and_nothing_else(service, text):
    assert service.ids("Things", filter=text) == []
    assert service.ids("Things") == ["m/1", "表二"]


@pytest.mark.parametrize("text", ["result div 0 eq 1", "result mod 0 eq 1", "-(result mul 1e308 mul 1e308) eq 1"])
def test_sums_that_have_no_answer_meet_nothing(service, text):
    assert service.ids(OBSERVATIONS, filter=text) == []


def test_numbers_that_no_text_holds_are_refused(service):
    service.refused("GET", "Datastreams", 400, filter="substring(name, 1e300) eq 'x'")


@pytest.mark.parametrize(
    ("path", "options"),
    [
        ("Things", {"top": "-1"}),
        ("Things", {"top": "9" * 30}),
        ("Things", {"top": "many"}),
        ("Things", {"top": "٣"}),
        ("Things", {"skip": "1e3"}),
        ("Things", {"skip": "9" * 12}),
        ("Things", {"count": "maybe"}),
        ("Things", {"nothing": "1"}),
        ("Things", {"select": "name,"}),
        ("Things", {"select": "*"}),
        ("Things", {"select": "name;drop"}),
        ("Things", {"orderby": "name up"}),
        ("Things", {"orderby": "nothing"}),
        ("Things", {"orderby": "Datastreams/name"}),
        ("Things", {"orderby": "concat(Locations/name, 'x')"}),
        ("Things", {"expand": "Nothing"}),
        ("Things", {"expand": "Datastreams("}),
        ("Things", {"expand": "Datastreams)"}),
        ("Things", {"expand": "Datastreams($top=1"}),
        ("Things", {"expand": "Datastreams($nothing=1)"}),
        ("Things", {"expand": "Datastreams($filter=nothing eq 1)"}),
        ("Things", {"expand": "Datastreams($filter='(')x"}),
        ("Things", {"expand": "Datastreams($top=1;$top=2)"}),
        ("Things", {"expand": "/".join(["Datastreams", "Thing"] * 4)}),
        ("Things", {"expand": "Datastreams($expand=Thing(" * 300}),
        ("Things", {"resultFormat": "dataArray"}),
        ("Observations", {"resultFormat": "csv"}),
        ("Things('m/1')", {"top": "1"}),
        ("Things('m/1')", {"filter": "true"}),
    ],
)
def test_options_that_cannot_be_are_refused(service, path, options):
    service.refused("GET", path, 400, **options)


@pytest.mark.parametrize("text", ["$top=1&$top=2", "top", "&", "$filter=%ff", "&".join(["$top=1"] * 30), "$filter=%00"])
def test_options_that_are_no_options_are_refused(service, text):
    service.refused("GET", f"{ROOT}Things?{text}", 400)


def test_too_long_options_are_refused(service):
    service.refused("GET", f"{ROOT}Things?$filter=" + "a" * 20_000, 414)


def test_an_answer_stays_small(service):
    """Everything of everything, a thousand times over."""
    whole = "Observations($top=1000;$expand=Datastream($expand=Observations($top=1000;$expand=Datastream)))"
    assert "entities" in service.refused("GET", "Datastreams", 400, expand=whole, top=1000)


@pytest.mark.parametrize(
    ("body", "form", "status"),
    [
        (b"{", "application/json", 400),
        (b"", "application/json", 415),
        (b"\xff\xfe", "application/json", 400),
        (b'{"name": NaN}', "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b'{"name": "a", "description": "b", "properties": ' + b'{"a":' * 60 + b"1" + b"}" * 61, "application/json", 400),
        (b'{"name": "a\\u0000", "description": "b"}', "application/json", 400),
        (b'{"name": "", "description": "b"}', "application/json", 400),
        (b'{"name": "a", "description": "b", "properties": []}', "application/json", 400),
        (b'{"name": "a", "description": "b", "__class__": {}}', "application/json", 400),
        (b'{"name": "a", "description": "b", "@iot.id": {"a": 1}}', "application/json", 400),
        (b'{"name": "a", "description": "b", "@iot.id": "m/1"}', "application/json", 409),
        (json.dumps({"name": "a", "description": "b", "@iot.id": "x" * 300}), "application/json", 400),
        (json.dumps({"name": "a" * 30_000, "description": "b"}), "application/json", 400),
        (b"[]", "application/json", 400),
        (b"7", "application/json", 400),
        (b"<a/>", "text/xml", 415),
        (b"{}", "application/json-patch+json", 415),
        (b" " * (3 << 20), "application/json", 413),
    ],
)
def test_bodies_that_cannot_be_are_refused(service, body, form, status):
    service.refused("POST", "Things", status, body, form)
    assert not Described.objects.exists()


def test_a_body_of_very_many_entities_is_refused(service):
    things = [THING] * 3_000
    service.refused(
        "POST", "Locations", 413, {"name": "a", "description": "b", "encodingType": "x", "location": 1, "Things": things}
    )
    assert not Described.objects.exists()


def test_a_copy_of_copies_stays_small(service):
    thing = service.make("Things", {**THING, "properties": {"a": "x" * 10_000}})
    doubled = [{"op": "copy", "from": "/properties", "path": f"/properties/c{number}"} for number in range(40)]
    service.refused("PATCH", f"Things('{thing}')", 400, doubled, "application/json-patch+json")


def test_a_query_that_takes_too_long_is_ended_and_harms_no_other(city, waiting, monkeypatch):
    monkeypatch.setattr(observing, "LONGEST_QUERY", 0.05)
    asking = observing.Observing(city, catalogue(city), waiting, lambda _: True, datetime.now(UTC))
    with pytest.raises(Wrong, match="fewer observations"):
        asking.rows("SELECT count(*) AS n FROM range(1000000000000) a(x) WHERE x * x % 7 = 3", Values(), {})
    monkeypatch.setattr(observing, "LONGEST_QUERY", 60.0)
    assert asking.rows("SELECT count(*) AS n FROM sta_datastreams", Values(), {}) == [{"n": 2}]


@pytest.mark.parametrize("method", ["TRACE", "OPTIONS", "MERGE"])
def test_other_methods_are_refused(service, method):
    answer = service.ask(method, "Things")
    assert answer.status_code == 405 and "PATCH" in answer["Allow"]


def test_markup_is_told_as_json(service):
    key = service.make("Datastreams", stream(description="<script>alert(1)</script>"))
    answer = service.ask("GET", f"Datastreams('{key}')")
    assert answer["Content-Type"] == "application/json" and answer["X-Content-Type-Options"] == "nosniff"
    assert service.ask("GET", f"Datastreams('{key}')/description/$value")["Content-Type"].startswith("text/plain")
