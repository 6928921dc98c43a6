"""SensorThings, reading: registers and lake by address, filter, order and page; each test names what it proves."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from scicity.access.sensorthings.entities import SETS
from scicity.access.sensorthings.requirements import PREFIX, requirements
from scicity.cockpit.sensorthings import observing

from sta import ROOT, Service, stream  # isort: skip  (put there by conftest)

pytestmark = pytest.mark.django_db
M1 = "Datastreams('m/1')"
HOURS = 960
FIRST = "2021-05-01T01:00:00Z"


def meets(*names):
    """The requirements that a test proves."""
    return pytest.mark.meets(*names)


@meets("resource-path/resource-path-to-entities")
def test_the_root_lists_the_sets_and_what_is_met(service):
    told = service.get("")
    assert [each["name"] for each in told["value"]] == list(SETS)
    assert all(each["url"] == f"http://localhost{ROOT}{each['name']}" for each in told["value"])
    met = [PREFIX + each.name for each in requirements() if each.state == "met"]
    assert told["serverSettings"]["conformance"] == met and len(met) > 20
    assert service.ask("GET", "/sta/v1.1").json() == told


@meets("resource-path/resource-path-to-entities")
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"{M1}/name", {"name": "m/1"}),
        (f"{M1}/id", {"@iot.id": "m/1"}),
        (f"{M1}/unitOfMeasurement/symbol", {"symbol": "kWh"}),
        (f"{M1}/Thing/name", {"name": "m/1"}),
        (f"Things('m/1')/{M1}/ObservedProperty/definition", {"definition": "urn:scicity:term:energy_increment"}),
        (f"{M1}/Observations('m/1@{FIRST}')/phenomenonTime", {"phenomenonTime": FIRST}),
        (f"Observations('m/1@{FIRST}')/Datastream/Thing/id", {"@iot.id": "m/1"}),
    ],
)
def test_properties_are_reached_by_address(service, path, expected):
    assert service.get(path) == expected
    (value,) = expected.values()
    assert service.ask("GET", f"{path}/$value").content.decode() == value


@meets("resource-path/resource-path-to-entities")
def test_references_are_links_alone(service):
    told = service.get("Things('m/1')/Datastreams/$ref")
    assert told == {"value": [{"@iot.selfLink": f"http://localhost{ROOT}Datastreams('m%2F1')"}]}
    assert service.get(told["value"][0]["@iot.selfLink"])["@iot.id"] == "m/1"
    assert service.get(f"{M1}/Thing/$ref")["@iot.selfLink"].endswith("Things('m%2F1')")


@meets("request-data/status-code", "request-data/query-status-code")
@pytest.mark.parametrize(
    "path",
    [
        "Nothing",
        "Things('none')",
        "Things('m/1')/Datastreams('表二')",
        f"{M1}/Observations('表二@{FIRST}')",
        "Observations('m/1@2021-05-01T01:00:01Z')",
        "Observations('none@2021-05-01T01:00:00Z')",
        "Observations('m/1')",
        "Things('m/1')/nothing",
        "Things('m/1')/name/first",
        "Things/Datastreams",
        f"{M1}/Thing('m/1')",
        "Things('m/1",
        "Things(m/1)",
        "Things()",
        "Things('a'b')",
        "/".join(["Things('m/1')", *["Datastreams('m/1')/Thing"] * 30]),
        "Things('" + "x" * 5_000 + "')",
    ],
)
def test_what_is_not_there_is_told(service, path):
    service.refused("GET", path, 404)


@meets("datamodel/entity-control-information/common-control-information")
def test_every_entity_tells_its_id_its_link_and_where_it_leads(service):
    service.make("Things", {"name": "a", "description": "b", "Locations": []})
    for name, of in SETS.items():
        for entity in service.get(name, top=3)["value"]:
            assert service.get(entity["@iot.selfLink"])["@iot.id"] == entity["@iot.id"]
            for way in of.navigations:
                assert service.ask("GET", entity[f"{way.name}@iot.navigationLink"]).status_code == 200


@meets("datamodel/datastream/properties", "datamodel/datastream/relations")
def test_a_registered_datastream_is_as_the_register_has_it(service):
    told = service.get(M1, expand="Thing,Sensor,ObservedProperty,Observations($top=1)")
    assert (told["name"], told["unitOfMeasurement"]["name"]) == ("m/1", "kWh")
    assert told["observationType"].endswith("OM_Measurement")
    assert told["properties"] == {"interval_seconds": 3600, "origin": "stand-in"}
    assert told["phenomenonTime"] == "2021-05-01T01:00:00Z/2021-06-10T00:00:00Z"
    assert (told["Thing"]["@iot.id"], told["Sensor"]["@iot.id"]) == ("m/1", "m/1")
    assert told["ObservedProperty"]["name"] == "energy of an interval"
    assert told["Observations"][0]["result"] == 40


@meets("datamodel/observation/properties", "datamodel/observation/relations")
def test_an_observation_is_a_reading(service):
    told = service.get(f"{M1}/Observations", top=1)["value"][0]
    assert told.pop("@iot.selfLink") == f"http://localhost{ROOT}Observations('m%2F1@2021-05-01T01:00:00Z')"
    links = {name: told.pop(name) for name in list(told) if name.endswith("navigationLink")}
    assert set(links) == {"Datastream@iot.navigationLink", "FeatureOfInterest@iot.navigationLink"}
    assert told == {"@iot.id": f"m/1@{FIRST}", "phenomenonTime": FIRST, "resultTime": None, "result": 40}
    assert service.get(links["FeatureOfInterest@iot.navigationLink"])["@iot.id"] == "m/1"
    assert service.results(f"{M1}/Observations", filter="result eq null") == [None], "a gap is null, and is there"


@meets("request-data/order")
def test_filter_comes_before_order_skip_and_top(service):
    """Of results above 60 the three behind the five highest: whichever way round the options stand."""
    whole = service.results(f"{M1}/Observations", filter="result gt 60", orderby="result desc", top=8)
    options = {"top": 3, "skip": 5, "orderby": "result desc", "filter": "result gt 60", "count": "true"}
    told = service.get(f"{M1}/Observations", **options)
    assert [each["result"] for each in told["value"]] == whole[5:]
    assert told["@iot.count"] == service.get(f"{M1}/Observations", filter="result gt 60", count="true")["@iot.count"]


@meets("request-data/expand")
def test_what_is_expanded_obeys_its_own_options(service):
    inner = "Observations($filter=result gt 60;$orderby=phenomenonTime desc;$top=2;$select=result;$count=true)"
    told = service.get("Things", expand=f"Datastreams($select=name;$expand={inner})", filter="id eq 'm/1'")["value"][0]
    (datastream,) = told["Datastreams"]
    assert datastream["name"] == "m/1" and set(datastream) == {
        *("name", "Observations", "Observations@iot.count", "Observations@iot.nextLink")
    }
    assert [set(each) for each in datastream["Observations"]] == [{"result"}, {"result"}]
    assert datastream["Observations@iot.count"] == 279
    going_on = service.get(datastream["Observations@iot.nextLink"])
    alone = service.get(
        f"{M1}/Observations", filter="result gt 60", orderby="phenomenonTime desc", top=2, skip=2, select="result"
    )
    assert going_on["value"] == alone["value"] and going_on["@iot.count"] == 279
    by_path = service.get("Things('m/1')", expand="Datastreams/ObservedProperty,Datastreams/Sensor")
    assert set(by_path["Datastreams"][0]) >= {"ObservedProperty", "Sensor"}
    observation = service.get(f"{M1}/Observations", top=1, expand="Datastream/Thing,FeatureOfInterest")["value"][0]
    assert observation["Datastream"]["Thing"]["@iot.id"] == observation["FeatureOfInterest"]["@iot.id"] == "m/1"


@meets("request-data/expand")
def test_expanded_observations_of_many_are_those_of_each(service):
    for options in (
        "$top=2;$orderby=result desc",
        "$filter=result lt 20;$top=3;$skip=1",
        "$filter=Datastream/name eq 'm/1';$top=1",
    ):
        told = service.get("Datastreams", expand=f"Observations({options})")["value"]
        pairs = dict(each.removeprefix("$").split("=", 1) for each in options.split(";"))
        for datastream in told:
            alone = service.get(f"Datastreams('{datastream['@iot.id']}')/Observations", **pairs)["value"]
            assert datastream["Observations"] == alone


@meets("request-data/select")
def test_only_what_is_selected_is_told(service):
    assert service.get(M1, select="name,unitOfMeasurement") == {
        "name": "m/1",
        "unitOfMeasurement": {"name": "kWh", "symbol": "kWh", "definition": "kWh"},
    }
    assert service.get("Things('m/1')", select="id,Datastreams") == {
        "@iot.id": "m/1",
        "Datastreams@iot.navigationLink": f"http://localhost{ROOT}Things('m%2F1')/Datastreams",
    }


@meets("request-data/orderby")
def test_sets_are_ordered_by_expressions_and_paths(service):
    assert service.ids("Datastreams") == ["m/1", "表二"]
    assert service.ids("Datastreams", orderby="name desc") == ["表二", "m/1"]
    assert service.ids("Datastreams", orderby="Thing/name desc,id") == ["表二", "m/1"]
    found = service.get("Observations", orderby="Datastream/name desc,result desc", top=2)["value"]
    assert [each["@iot.id"].partition("@")[0] for each in found] == ["表二", "表二"] and found[0]["result"] == 70_000
    lowest = service.results(
        f"{M1}/Observations", orderby="result mod 7 asc,phenomenonTime asc", top=1, filter="result ne null"
    )
    assert lowest == service.results(f"{M1}/Observations", orderby="result mod 7,id", top=1, filter="result ne null")


@meets("request-data/top", "request-data/skip", "request-data/count", "request-data/pagination")
def test_pages_follow_one_another_without_gap_or_double(service):
    address, seen = f"{M1}/Observations?$count=true&$top=400&$orderby=result desc", []
    address = f"{ROOT}{quote(address, safe='()/?$&=')}"
    for expected in (400, 400, 160):
        told = service.get(address)
        assert len(told["value"]) == expected and told["@iot.count"] == HOURS
        seen += [each["@iot.id"] for each in told["value"]]
        address = told.get("@iot.nextLink")
    assert address is None and len(set(seen)) == HOURS
    assert len(service.get("Observations")["value"]) == 100
    assert len(service.get("Observations", top=5_000)["value"]) == 1_000
    empty = service.get("Things", top=0, count="true")
    assert empty == {"@iot.count": 2, "value": []}
    assert service.ids("Things", skip=1) == ["表二"] and service.ids("Things", skip=2) == []


COUNTED = [
    ("result eq 70", 40),
    ("result ne 70", 920),  # one of them is unknown
    ("result ge 70 or result lt 10.1", 80),
    ("not (result ge 70 or result lt 10.1)", 880),
    ("result gt 39 and result lt 41", 80),
    ("(result add 1) mul 2 eq 142 and result sub 70 eq 0", 40),
    ("result div 2 eq 35", 40),
    ("result mod 7 eq 0 and -result eq -70", 40),
    ("70 eq result", 40),
    ("result eq null", 1),
    ("result ne null", 959),
    ("phenomenonTime le 2021-05-01T03:00:00Z", 3),
    ("phenomenonTime lt '2021-05-01T11:00:00+08:00'", 2),
    ("phenomenonTime gt 2021-05-01T01:00:00Z and phenomenonTime lt 2021-05-01T01:00:00Z add duration'PT3H'", 2),
    ("year(phenomenonTime) eq 2021 and month(phenomenonTime) eq 6", 217),
    ("day(phenomenonTime) eq 2 and hour(phenomenonTime) eq 5", 2),
    ("minute(phenomenonTime) eq 0 and second(phenomenonTime) eq 0 and fractionalseconds(phenomenonTime) eq 0", 960),
    ("date(phenomenonTime) eq 2021-05-02", 24),
    ("time(phenomenonTime) eq 05:00:00", 40),
    ("totaloffsetminutes(phenomenonTime) eq 0", 960),
    ("phenomenonTime lt now() and phenomenonTime gt mindatetime() and phenomenonTime lt maxdatetime()", 960),
    ("round(result) eq 66 and floor(result) eq 65 and ceiling(result) eq 66", 79),
    ("id eq 'm/1@2021-05-01T01:00:00Z'", 1),
    ("Datastream/Thing/name eq 'm/1' and result eq 70", 40),
    ("Datastream/Thing/name eq 'other'", 0),
    ("FeatureOfInterest/id eq 'm/1'", 960),
    ("resultTime eq null", 960),
    ("true", 960),
    ("result eq 'x' eq true", None),
]


@meets("request-data/filter", "request-data/built-in-filter-operations", "request-data/built-in-query-functions")
@pytest.mark.parametrize(("text", "expected"), COUNTED)
def test_filters_keep_what_they_say(service, text, expected):
    if expected is None:
        service.refused("GET", f"{M1}/Observations", 400, filter=text)
        return
    told = service.get(f"{M1}/Observations", filter=text, count="true", top=1_000)
    assert told["@iot.count"] == len(told["value"]) == expected


@meets("request-data/filter", "request-data/built-in-query-functions")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name eq 'it''s'", ["new-a"]),
        ("substringof('s', name)", ["new-a"]),
        ("startswith(name, 'it') and endswith(name, 's')", ["new-a"]),
        ("length(name) eq 4 and indexof(name, 't') eq 1", ["new-a"]),
        ("substring(name, 1) eq 't''s' or substring(name, 0, 2) eq 'zz'", ["new-a"]),
        ("tolower(toupper(name)) eq 'it''s'", ["new-a"]),
        ("trim(concat(' ', name)) eq 'it''s'", ["new-a"]),
        ("properties/depth/cm gt 9.5", ["new-a"]),
        ("properties/depth/cm eq 10 and properties/wet", ["new-a"]),
        ("properties/colour eq 'red'", ["new-a"]),
        ("unitOfMeasurement/symbol eq '°C'", ["new-a"]),
        ("unitOfMeasurement/name eq 'kWh'", ["m/1", "表二"]),
        ("Thing/Locations/name eq 'nowhere'", []),
        ("not (Thing/name eq 'm/1')", ["new-a", "表二"]),
        ("Thing/name eq 'roof' or ObservedProperty/name eq 'energy of an interval'", ["m/1", "new-a", "表二"]),
    ],
)
def test_filters_look_into_texts_json_and_what_entities_lead_to(service, text, expected):
    properties = {"depth": {"cm": 10}, "wet": True, "colour": "red"}
    service.make("Datastreams", stream(**{"@iot.id": "new-a", "name": "it's", "properties": properties}))
    assert service.ids("Datastreams", filter=text) == expected


@meets("request-data/filter", "request-data/built-in-query-functions")
@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("Datastreams", "Observations/result gt 5"),
        ("Datastreams", "phenomenonTime gt 2021-05-01T00:00:00Z"),
        ("Locations", "st_within(location, geography'POLYGON((0 0, 1 0, 1 1, 0 0))')"),
        ("Locations", "geo.distance(location, geography'POINT(0 0)') lt 5"),
    ],
)
def test_what_is_not_supported_is_told(service, path, text):
    """Not met: the reference says so, and the answer is 501."""
    assert "not supported" in service.refused("GET", path, 501, filter=text)


@meets("data-array/data-array")
def test_observations_as_data_arrays(service):
    told = service.get("Observations", resultFormat="dataArray", top=2, filter="result eq 70", select="phenomenonTime,result")
    (group,) = told["value"]
    assert group["Datastream@iot.navigationLink"].endswith("Datastreams('m%2F1')")
    assert group["components"] == ["phenomenonTime", "result"] and group["dataArray@iot.count"] == 2
    assert group["dataArray"] == [["2021-05-01T07:00:00Z", 70], ["2021-05-02T07:00:00Z", 70]]
    assert "resultFormat" in told["@iot.nextLink"]


def test_people_who_have_signed_in_read_and_others_do_not(service, client):
    from scicity.cockpit.models import Person

    nobody = Service(browser=client)
    assert nobody.ask("GET", "Things").headers["WWW-Authenticate"].startswith("Basic")
    nobody.refused("GET", "Things", 401)
    client.force_login(Person.objects.create_user("reader", password="a-long-enough-secret"))
    assert nobody.ids("Things") == ["m/1", "表二"]
    nobody.refused("POST", "Things", 403, {"name": "a", "description": "b"})
    bearer = Service()
    secret = service.headers["HTTP_AUTHORIZATION"]
    for wrong in ("Bearer roof-gateway.guess", "Basic !!", "Basic " + secret[-8:], "Digest x", "Basic", "Bearer"):
        bearer.headers = {"HTTP_AUTHORIZATION": wrong}
        bearer.refused("GET", "Things", 401)


@pytest.mark.parametrize(
    "options",
    [
        {"orderby": "phenomenonTime desc", "top": 500},
        {"orderby": "phenomenonTime", "top": 30, "skip": 735},
        {"orderby": "phenomenonTime desc,result", "top": 40, "filter": "result gt 69"},
        {"orderby": "phenomenonTime", "filter": "phenomenonTime gt 2021-05-31T10:00:00Z", "top": 900},
        {"orderby": "phenomenonTime desc", "filter": "phenomenonTime lt 2021-06-01T10:00:00Z and result eq null"},
        {"top": 1000, "skip": 500},
    ],
)
def test_part_by_part_comes_the_same_as_at_once(service, monkeypatch, options):
    """Who wants few is answered month by month; what waits for the lake lies before, between and behind its months."""
    for when in ("2020-02-01T00:00:00Z", "2021-05-31T15:59:59.999999Z", "2021-05-31T16:00:00.000001Z", "2024-03-01T00:00:00Z"):
        service.make(f"{M1}/Observations", {"phenomenonTime": when, "result": 69.5})
    inner = ";".join(f"${name}={value}" for name, value in options.items())
    asked = ((f"{M1}/Observations", options), ("Observations", options), ("Datastreams", {"expand": f"Observations({inner})"}))
    part_by_part = [service.get(path, **told)["value"] for path, told in asked]
    monkeypatch.setattr(observing, "WALKED", 0)
    assert [service.get(path, **told)["value"] for path, told in asked] == part_by_part
    assert all(part_by_part[:2]) and any(each["Observations"] for each in part_by_part[2])
