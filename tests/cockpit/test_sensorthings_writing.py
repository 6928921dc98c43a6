"""SensorThings, writing: entities of clients, their owners, observations as readings; each test names what it proves."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest

from scicity.access.inbox import LANES, InboxFull
from scicity.cockpit import city as cities
from scicity.cockpit import devices
from scicity.cockpit.arriving import Mover
from scicity.cockpit.models import AuditEntry
from scicity.cockpit.sensorthings.models import Described, Detail
from scicity.kernel.district import DATASTREAM
from scicity.kernel.lake import Part

from little_city import build  # isort: skip  (put there by conftest)
from sta import FEATURE, LOCATION, POINT, PROPERTY, SENSOR, STREAM, THING, UNIT, Service, stream  # isort: skip

pytestmark = pytest.mark.django_db
WHEN = "2024-03-01T00:00:00Z"
KINDS = {
    "Things": THING,
    "Locations": LOCATION,
    "Sensors": SENSOR,
    "ObservedProperties": PROPERTY,
    "FeaturesOfInterest": FEATURE,
}


def meets(*names):
    """The requirements that a test proves."""
    return pytest.mark.meets(*names)


def kept(waiting):
    """The readings that wait: datastream, value, revision."""
    rows = [row for lane in LANES for w in waiting.waiting(10**6, lane) for row in w.batch.rows.to_pylist()]
    return [(row["datastream"], row["value"], row["revision"]) for row in rows]


@meets(
    *("create-update-delete/create-entity", "datamodel/thing/properties", "datamodel/location/properties"),
    *("datamodel/sensor/properties", "datamodel/observed-property/properties", "datamodel/feature-of-interest/properties"),
)
@pytest.mark.parametrize("path", KINDS)
def test_an_entity_comes_back_as_it_was_sent(service, path):
    sent = {**KINDS[path], "properties": {"名": [1, 2.5, None, {"a": True}]}}
    key = service.make(path, sent)
    told = service.get(f"{path}('{key}')")
    assert {name: told[name] for name in sent} == sent
    (entry,) = AuditEntry.objects.filter(action="sensorthings-created")
    assert entry.subject == f"{path}('{key}')" and entry.after["device"] == "roof-gateway"
    for name in KINDS[path]:
        message = service.refused("POST", path, 400, {n: v for n, v in sent.items() if n != name})
        assert name in message
    assert len(service.ids(path, filter=f"name eq '{sent['name']}'")) == 1


@meets(
    *("create-update-delete/deep-insert", "create-update-delete/deep-insert-status-code", "datamodel/thing/relations"),
    *("datamodel/location/relations", "datamodel/datastream/relations", "datamodel/sensor/relations"),
    *("datamodel/observed-property/relations", "datamodel/observation/relations", "datamodel/datastream/properties"),
)
def test_a_deep_insert_makes_all_and_links_it(service, waiting):
    observation = {"phenomenonTime": WHEN, "result": 1.5, "FeatureOfInterest": FEATURE}
    area = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}
    sent = stream(
        observedArea=area,
        properties={"a": 1},
        Observations=[observation, {"phenomenonTime": "2024-03-01T01:00:00Z", "result": None}],
    )
    del sent["Thing"]
    thing = service.make("Things", {**THING, "Locations": [LOCATION], "Datastreams": [sent]})
    told = service.get(
        f"Things('{thing}')",
        expand="Locations/Things,Datastreams($expand=Sensor/Datastreams,ObservedProperty/Datastreams,Observations/FeatureOfInterest)",
    )
    (place,), (datastream,) = told["Locations"], told["Datastreams"]
    assert place["Things"][0]["@iot.id"] == thing and place["location"] == POINT
    assert {name: datastream[name] for name in (*STREAM, "observedArea", "properties")} == {
        **STREAM,
        "observedArea": area,
        "properties": {"a": 1},
    }
    for name in ("Sensor", "ObservedProperty"):
        assert [each["@iot.id"] for each in datastream[name]["Datastreams"]] == ["new-warmth"]
    first, second = datastream["Observations"]
    assert (first["result"], second["result"]) == (1.5, None)
    assert first["FeatureOfInterest"]["name"] == "air", "the feature that was said"
    assert second["FeatureOfInterest"]["@iot.id"] == thing and second["FeatureOfInterest"]["feature"] == POINT, (
        "where the thing is"
    )
    assert kept(waiting) == [("new-warmth", 1.5, None), ("new-warmth", None, None)]


@meets("create-update-delete/deep-insert-status-code")
@pytest.mark.parametrize(
    "wrong",
    [
        {"Sensor": {**SENSOR, "name": 7}},
        {"Sensor": {"@iot.id": "none"}},
        {"Thing": []},
        {"Observations": [{"result": 1}, {"result": "warm"}]},
        {"Observations": {"result": 1}},
        {"Observations": [{"result": 1, "Datastream": {"@iot.id": "m/1"}}]},
        {"colour": "red"},
        {"unitOfMeasurement": "°C"},
    ],
)
def test_where_a_part_is_refused_nothing_is_made(service, waiting, wrong):
    answer = service.ask("POST", "Datastreams", stream(**wrong))
    assert answer.status_code in (400, 422) and "expected" in answer.json()["message"]
    assert not Described.objects.exists() and not AuditEntry.objects.filter(action__startswith="sensorthings").exists()
    assert waiting.waiting_readings() == 0


@meets("create-update-delete/link-to-existing-entities")
def test_new_entities_link_to_those_of_the_registers_and_of_clients(service):
    sensor = service.make("Sensors", SENSOR)
    sent = {
        **STREAM,
        "Thing": {"@iot.id": "m/1"},
        "Sensor": {"@iot.id": sensor},
        "ObservedProperty": {"@iot.id": "air_temperature"},
    }
    service.make("Datastreams", sent)
    assert service.ids("Things('m/1')/Datastreams") == ["m/1", "new-warmth"]
    assert service.get("Datastreams('new-warmth')/ObservedProperty")["properties"]["symbol"] == "°C"
    again = service.make(f"Sensors('{sensor}')/Datastreams", {n: v for n, v in sent.items() if n != "Sensor"})
    assert again == "new-warmth~2", "another one of the same name has an id of its own"
    whole = service.get("Datastreams('new-warmth')/Thing")
    third = service.make("Datastreams", {**sent, "Thing": whole})
    assert third == "new-warmth~3" and third in service.ids("Things('m/1')/Datastreams"), "a link that says more than the id"
    observation = {"phenomenonTime": WHEN, "result": 1, "Datastream": service.get(f"Datastreams('{third}')")}
    assert service.make("Observations", observation) == f"{third}@{WHEN}"
    service.make("Locations", {**LOCATION, "Things": [{"@iot.id": service.make("Things", THING)}]})
    assert len(service.ids("Things", filter="Locations/name eq 'hall'")) == 1


@meets(
    "create-update-delete/historical-location-auto-creation",
    "datamodel/historical-location/properties",
    "datamodel/historical-location/relations",
)
def test_a_thing_that_moves_remembers_where_it_was(service):
    thing = service.make("Things", {**THING, "Locations": [LOCATION]})
    (first,) = service.get(f"Things('{thing}')/HistoricalLocations", expand="Thing,Locations")["value"]
    assert first["Thing"]["@iot.id"] == thing and first["Locations"][0]["name"] == "hall" and first["time"].endswith("Z")
    second = service.make(f"Things('{thing}')/Locations", {**LOCATION, "name": "yard"})
    assert len(service.ids(f"Things('{thing}')/HistoricalLocations")) == 2
    answer = service.ask("PATCH", f"Things('{thing}')", {"Locations": [{"@iot.id": second}]})
    assert answer.status_code == 200
    assert service.ids(f"Things('{thing}')/Locations") == [second]
    assert len(service.ids(f"Locations('{second}')/HistoricalLocations")) == 2


@meets("create-update-delete/historical-location-manual-creation")
def test_a_past_place_is_told_afterwards(service):
    thing, place = service.make("Things", THING), service.make("Locations", LOCATION)
    sent = {"time": "2020-01-01T08:00:00+08:00", "Thing": {"@iot.id": thing}, "Locations": [{"@iot.id": place}]}
    key = service.make("HistoricalLocations", sent)
    assert service.get(f"HistoricalLocations('{key}')")["time"] == "2020-01-01T00:00:00Z"
    assert service.ids(f"Things('{thing}')/HistoricalLocations", filter="time lt 2021-01-01T00:00:00Z") == [key]
    assert service.ids(f"Things('{thing}')/Locations") == [place], "the newest that is told is where it is"
    other = service.make("Locations", {**LOCATION, "name": "yard"})
    service.make("HistoricalLocations", {**sent, "time": "2019-01-01T00:00:00Z", "Locations": [{"@iot.id": other}]})
    assert service.ids(f"Things('{thing}')/Locations") == [place]
    service.make("HistoricalLocations", {**sent, "time": "2021-01-01T00:00:00Z", "Locations": [{"@iot.id": other}]})
    assert service.ids(f"Things('{thing}')/Locations") == [other]
    service.refused("POST", "HistoricalLocations", 403, {**sent, "Thing": {"@iot.id": "m/1"}})
    service.refused("POST", "HistoricalLocations", 400, {**sent, "time": "yesterday"})
    service.refused("POST", "HistoricalLocations", 400, {"time": WHEN, "Thing": {"@iot.id": thing}})


@meets(
    "create-update-delete/update-entity",
    "create-update-delete/update-entity-put",
    "create-update-delete/update-entity-jsonpatch",
)
def test_entities_are_changed_in_three_ways(service):
    thing = service.make("Things", {**THING, "properties": {"a": 1, "list": [1, 2]}})
    path = f"Things('{thing}')"
    assert service.ask("PATCH", path, {"description": "other"}).status_code == 200
    assert service.get(path)["properties"] == {"a": 1, "list": [1, 2]} and service.get(path)["description"] == "other"
    operations = [
        {"op": "test", "path": "/properties/a", "value": 1},
        {"op": "add", "path": "/properties/list/-", "value": 3},
        {"op": "move", "from": "/properties/a", "path": "/properties/b"},
        {"op": "copy", "from": "/properties/list/0", "path": "/properties/c"},
        {"op": "remove", "path": "/properties/list/0"},
        {"op": "replace", "path": "/name", "value": "roof 2"},
    ]
    assert service.ask("PATCH", path, operations, "application/json-patch+json").status_code == 200
    told = service.get(path)
    assert (told["name"], told["properties"]) == ("roof 2", {"b": 1, "c": 1, "list": [2, 3]})
    service.refused(
        "PATCH", path, 409, [operations[0] | {"path": "/properties/b", "value": True}], "application/json-patch+json"
    )
    for wrong in (
        [{"op": "run"}],
        {"op": "add"},
        [{"op": "add", "path": "/x"}],
        [{"op": "remove", "path": "/none"}],
        [{"op": "remove", "path": ""}],
    ):
        service.refused("PATCH", path, 400, wrong, "application/json-patch+json")
    assert service.ask("PUT", path, THING).status_code == 200
    assert "properties" not in service.get(path) and service.get(path)["name"] == "roof"
    service.refused("PUT", path, 400, {"name": "roof"})
    service.refused("PATCH", path, 400, {"Datastreams": [STREAM]})
    service.refused("PATCH", path, 400, {"@iot.id": "another"})
    changes = AuditEntry.objects.filter(action="sensorthings-changed")
    assert len(changes) == 3 and changes.last().before["description"] == THING["description"]


@meets("create-update-delete/delete-entity")
def test_what_needs_an_entity_goes_with_it(service):
    thing = service.make(
        "Things", {**THING, "Locations": [LOCATION], "Datastreams": [{n: v for n, v in stream().items() if n != "Thing"}]}
    )
    assert service.ask("DELETE", f"Things('{thing}')").status_code == 200
    service.refused("GET", f"Things('{thing}')", 404)
    service.refused("GET", "Datastreams('new-warmth')", 404)
    assert service.ids("HistoricalLocations") == [] and len(service.ids("Locations")) == 1
    assert AuditEntry.objects.filter(action="sensorthings-deleted").count() == 3
    (place,) = service.ids("Locations")
    assert service.ask("DELETE", f"Locations('{place}')").status_code == 200


@meets("create-update-delete/delete-entity", "create-update-delete/update-entity")
def test_the_registers_and_the_entities_of_others_stay_as_they_are(service):
    thing = service.make("Things", THING)
    other = Service(devices.make("other", ["*"]))
    for who, path, body in (
        (service, "Things('m/1')", THING),
        (other, f"Things('{thing}')", THING),
        (service, "Datastreams('m/1')", STREAM),
    ):
        who.refused("PATCH", path, 403, body)
        who.refused("DELETE", path, 403)
    other.make("Datastreams", {**stream(), "@iot.id": "others", "Thing": {"@iot.id": thing}})
    assert "others" in service.refused("DELETE", f"Things('{thing}')", 409)
    service.refused("DELETE", "Things('none')", 404)
    service.refused("DELETE", "Things", 405)
    service.refused("POST", f"Things('{thing}')", 405, THING)
    service.refused("PUT", f"Things('{thing}')/name", 405, {"name": "x"})


def test_a_device_makes_such_datastreams_as_it_may_send_for(service, waiting):
    for wrong in ({"@iot.id": "others"}, {"name": "others"}):
        assert "may not" in service.refused("POST", "Datastreams", 403, stream(**wrong))
    service.refused("POST", "Datastreams('表二')/Observations", 403, {"result": 1})
    service.refused("POST", "Observations", 400, {"result": 1, "Datastream": {"@iot.id": "new-unknown"}})
    service.refused("POST", "Datastreams", 409, stream(**{"@iot.id": "m/1"}))
    assert not Described.objects.exists() and waiting.waiting_readings() == 0


@meets("datamodel/observation/properties", "datamodel/feature-of-interest/relations")
def test_what_is_said_beyond_a_reading_is_given_back(service, waiting):
    feature = service.make("FeaturesOfInterest", FEATURE)
    sent = {
        **{"phenomenonTime": WHEN, "resultTime": "2024-03-01T08:00:05+08:00", "result": 2, "resultQuality": {"ok": True}},
        **{"validTime": "2024-03-01T00:00:00Z/2024-03-02T00:00:00Z", "parameters": {"by": "hand"}},
    }
    key = service.make("Datastreams('m/1')/Observations", {**sent, "FeatureOfInterest": {"@iot.id": feature}})
    told = service.get(f"Observations('{key}')")
    assert {name: told[name] for name in sent} == {**sent, "resultTime": "2024-03-01T00:00:05Z"}
    assert service.ids(f"FeaturesOfInterest('{feature}')/Observations") == [key]
    for text in ("resultTime eq 2024-03-01T00:00:05Z", "parameters/by eq 'hand'", f"FeatureOfInterest/id eq '{feature}'"):
        assert service.ids("Observations", filter=text) == [key]
    assert service.ids("Observations", orderby="resultTime desc", top=1) == [key]
    assert key not in service.ids("FeaturesOfInterest('m/1')/Observations", filter="phenomenonTime gt 2022-01-01T00:00:00Z")
    (detail,) = Detail.objects.all()
    assert detail.datastream == "m/1" and kept(waiting) == [("m/1", 2.0, None)]


@meets("datamodel/observation/properties")
@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"result": "warm"}, 422),
        ({"result": True}, 422),
        ({"result": {"a": 1}}, 422),
        ({"result": 10**400}, 422),
        ({"phenomenonTime": "2024-03-01T00:00:00Z/2024-03-01T01:00:00Z"}, 400),
        ({"phenomenonTime": "2024-03-01T00:00:00"}, 400),
        ({"phenomenonTime": "0001-01-01T00:00:00Z"}, 400),
        ({"phenomenonTime": "9999-12-31T23:59:59Z"}, 400),
        ({"phenomenonTime": 1709251200}, 400),
        ({"resultTime": "soon"}, 400),
        ({"validTime": "2024-03-02T00:00:00Z/2024-03-01T00:00:00Z"}, 400),
        ({"parameters": "by hand"}, 400),
        ({"colour": "red"}, 400),
        ({"@iot.id": "mine"}, 400),
        ({"FeatureOfInterest": {"@iot.id": "none"}}, 400),
    ],
)
def test_what_is_no_reading_is_refused(service, waiting, more, status):
    service.refused("POST", "Datastreams('m/1')/Observations", status, {"result": 1, "phenomenonTime": WHEN, **more})
    assert waiting.waiting_readings() == 0 and not Detail.objects.exists()


@meets("create-update-delete/update-entity")
def test_a_changed_observation_is_a_correction(service, waiting):
    path = "Observations('m/1@2021-05-01T01:00:00Z')"
    service.refused("POST", "Datastreams('m/1')/Observations", 409, {"phenomenonTime": "2021-05-01T01:00:00Z", "result": 41})
    service.make("Datastreams('m/1')/Observations", {"phenomenonTime": "2021-05-01T01:00:00Z", "result": 40})
    assert waiting.waiting_readings() == 0, "what is there already is not kept twice"
    for value in (41, 39, None):
        assert service.ask("PATCH", path, {"result": value}).status_code == 200
        assert service.get(path)["result"] == value
    assert kept(waiting) == [("m/1", 41, 1), ("m/1", 39, 2), ("m/1", None, 3)]
    service.refused("PATCH", path, 400, {"resultTime": WHEN})
    service.refused("PATCH", path, 400, {"phenomenonTime": WHEN})
    service.refused("PUT", path, 400, {"phenomenonTime": "2021-05-01T01:00:00Z"})
    assert "never deleted" in service.refused("DELETE", path, 405).replace("no reading is ever", "never")


@meets("data-array/data-array")
def test_data_arrays_are_taken_whole_or_not_at_all(service, waiting):
    group = {
        "Datastream": {"@iot.id": "m/1"},
        "components": ["phenomenonTime", "result", "resultTime"],
        "dataArray": [[WHEN, 1, WHEN]],
    }
    answer = service.ask("POST", "CreateObservations", [group])
    assert answer.status_code == 201 and service.get(answer.json()[0])["resultTime"] == WHEN
    wrong = (
        {"components": ["colour"]},
        {"dataArray": [[WHEN, 2]]},
        {"dataArray": [[WHEN, "x", None]]},
        {"Datastream": {}},
        {"dataArray": 7},
    )
    for more in wrong:
        answer = service.ask("POST", "CreateObservations", [group, {**group, **more}])
        assert answer.status_code in (400, 422) and "expected" in answer.json()["message"]
    service.refused("GET", "CreateObservations", 405)
    assert kept(waiting) == [("m/1", 1.0, None)]


def test_where_the_inbox_refuses_nothing_is_made(service, waiting, monkeypatch):
    def put(*_):
        raise InboxFull("20,000,000 readings wait")

    monkeypatch.setattr(waiting, "put", put)
    answer = service.ask("POST", "Datastreams", stream(Observations=[{"result": 1, "parameters": {"a": 1}}]))
    assert answer.status_code == 503 and answer["Retry-After"]
    assert not Described.objects.exists() and not Detail.objects.exists()


@pytest.fixture
def own_city(waiting, settings, tmp_path):
    """A city that a test may change."""
    own = dataclasses.replace(build(tmp_path / "city"), place=settings.PLACE)
    cities.use(own)
    return own


def test_observations_are_there_while_they_wait_are_held_and_when_they_are_registered(own_city, service, waiting):
    """A client's datastream is not in the register: its readings are held. Once it is there they are replayed, in its unit."""
    sent = [{"phenomenonTime": f"2024-03-01T0{hour}:00:00Z", "result": hour} for hour in range(3)]
    service.make("Datastreams", stream(**{"@iot.id": "new-energy", "Observations": sent}))
    address = "Datastreams('new-energy')/Observations"
    assert service.results(address) == [0, 1, 2]
    lake, mover = own_city.figures.lake, Mover(own_city)
    assert mover.step().held == {"datastream": 3} and waiting.waiting_readings() == 0
    assert service.results(address) == [0, 1, 2]
    assert Service(devices.make("other", ["x"])).results(address) == [], "what is held is its sender's, and the keepers'"
    before = own_city.figures.engine.rows(DATASTREAM)
    row = {**before.to_pylist()[0], "datastream": "new-energy", "thing": "new-energy", "unit": "MWh"}
    rows = type(before).from_pylist([*before.to_pylist(), row], schema=DATASTREAM.schema)
    lake.replace(DATASTREAM.name, {Part("all"): rows}, DATASTREAM.schema, inputs={}, code="")
    assert service.results(address) == [0, 1, 2], "registered, and still held"
    waiting.replay(waiting.quarantine())
    assert service.results(address) == [0, 1, 2]
    assert mover.step().readings == {"energy_increment": 3} and not waiting.quarantine()
    assert service.results(address) == [0, 1, 2], "of the lake, in the unit of the register"
    assert service.results(address, filter="result eq 2") == [2]
    told = service.get("Datastreams('new-energy')", expand="ObservedProperty")
    assert told["unitOfMeasurement"]["name"] == "MWh" != UNIT["name"] and told["description"] == STREAM["description"]
    assert told["ObservedProperty"]["@iot.id"] == "energy_increment"


def test_an_observation_without_a_time_is_of_now(service, waiting):
    before = datetime.now(UTC).replace(microsecond=0)
    key = service.make("Datastreams('m/1')/Observations", {"result": 3})
    at = datetime.fromisoformat(key.partition("@")[2])
    assert before <= at <= datetime.now(UTC) and service.get(f"Observations('{key}')")["result"] == 3
