"""A client of others, unchanged (frost-sta-client of Fraunhofer IOSB), with a running SciCity: what it sends it gets back."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import frost_sta_client as fsc
import pytest
from frost_sta_client.model.ext.data_array_document import DataArrayDocument
from frost_sta_client.model.ext.data_array_value import DataArrayValue
from frost_sta_client.model.ext.unitofmeasurement import UnitOfMeasurement
from requests import HTTPError

from scicity.access.inbox import Inbox
from tests.access.broker import free_port
from tests.operation.running import begun, district, group, scicity, until

FIRST = datetime(2024, 3, 1, tzinfo=UTC)
POINT = {"type": "Point", "coordinates": [116.4, 40.1]}
NUMBER = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"


class Running:
    """A running SciCity, and how to talk to it as a device."""

    def __init__(self, folder: Path, state: Path, address: str) -> None:
        self.folder, self.state, self.address = folder, state, address
        self.inbox = Inbox(state / "small" / "inbox.sqlite3")
        told = json.loads(scicity(state, "device", "station", "roof.*", "main.*", "-d", str(folder), "--json").stdout)
        name, _, secret = told["credential"].partition(".")
        self.service = fsc.SensorThingsService(f"{address}/sta/v1.1", auth_handler=fsc.AuthHandler(name, secret))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder, state = district(tmp_path_factory.mktemp("district"), free_port()), tmp_path_factory.mktemp("state")
    port = free_port()
    process = begun(state, state / "up.log", "up", str(folder), "--port", str(port))
    address = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        try:
            return urllib.request.urlopen(f"{address}/healthz", timeout=5).status == 200
        except OSError:
            assert process.poll() is None, (state / "up.log").read_text(encoding="utf-8")
            return False

    try:
        until(answers, "the server answers")
        yield Running(folder, state, address)
    finally:
        process.terminate()
        process.wait(60)
        until(lambda: not group(process.pid), "all processes end")


@pytest.fixture(scope="module")
def thing(running: Running) -> fsc.Thing:
    """A thing with its place, a datastream with its sensor and property, and 25 observations, sent as one."""
    sent = fsc.Thing("roof station", "what measures on the roof", {"colour": "white", "height": 12})
    sent.locations = [fsc.Location("roof", "of the hall", location=POINT, encoding_type="application/geo+json")]
    stream = fsc.Datastream(
        "roof.temperature",
        "air above the roof",
        NUMBER,
        UnitOfMeasurement("degree Celsius", "°C", "ucum:Cel"),
        properties={"a": 1},
    )
    stream.sensor = fsc.Sensor("PT100", "a resistor", encoding_type="application/pdf", metadata="https://example.org/pt100.pdf")
    stream.observed_property = fsc.ObservedProperty("air temperature", "https://example.org/temperature", "of the air")
    stream.observations = [
        fsc.Observation(phenomenon_time=(FIRST + timedelta(hours=hour)).isoformat(), result=hour - 3.25) for hour in range(25)
    ]
    sent.datastreams = [stream]
    running.service.create(sent)
    return sent


@pytest.mark.meets("create-update-delete/deep-insert", "create-update-delete/create-entity")
def test_a_deep_entity_comes_back_as_it_was_sent(running: Running, thing: fsc.Thing) -> None:
    found = running.service.things().find(thing.id)
    assert (found.name, found.description, found.properties) == (thing.name, thing.description, thing.properties)
    (place,) = found.get_locations().query().list()
    assert (place.name, place.encoding_type, place.location) == ("roof", "application/geo+json", POINT)
    (stream,) = found.get_datastreams().query().expand("Sensor,ObservedProperty").list()
    sent = thing.datastreams.entities[0]
    assert stream.id == "roof.temperature" and stream.unit_of_measurement == sent.unit_of_measurement
    assert (stream.observation_type, stream.properties) == (NUMBER, {"a": 1})
    assert (stream.sensor.name, stream.sensor.metadata) == ("PT100", "https://example.org/pt100.pdf")
    assert stream.observed_property.definition == "https://example.org/temperature"
    assert stream.phenomenon_time == "2024-03-01T00:00:00Z/2024-03-02T00:00:00Z"


@pytest.mark.meets("request-data/pagination", "request-data/top", "request-data/orderby")
def test_observations_are_paged_through_to_the_last(running: Running, thing: fsc.Thing) -> None:
    stream = running.service.datastreams().find("roof.temperature")
    pages = stream.get_observations().query().top(10).orderby("phenomenonTime", "asc").list()
    assert len(pages.entities) == 10 and pages.next_link
    found = [(each.phenomenon_time, each.result) for each in pages]
    assert found == [(f"{FIRST + timedelta(hours=h):%Y-%m-%dT%H:%M:%SZ}", h - 3.25) for h in range(25)]


@pytest.mark.meets("request-data/built-in-filter-operations", "request-data/count")
def test_filters_order_and_counts_are_kept(running: Running, thing: fsc.Thing) -> None:
    query = running.service.observations().query().count().orderby("result", "desc").top(2)
    asked = "Datastream/id eq 'roof.temperature' and result gt 0 and phenomenonTime lt 2024-03-01T10:00:00Z"
    found = query.filter(asked).list()
    assert found.count == 6 and [each.result for each in found.entities] == [5.75, 4.75]
    things = running.service.things().query().filter("Datastreams/ObservedProperty/name eq 'air temperature'").list()
    assert [each.id for each in things] == [thing.id]
    nested = running.service.things().query().filter("name eq 'roof station'")
    (found,) = nested.expand("Datastreams($expand=Observations($top=1;$orderby=phenomenonTime desc))").list()
    assert [each.result for each in found.datastreams.entities[0].observations.entities] == [20.75]


def test_what_waits_what_is_held_and_what_is_in_the_lake_are_all_given_back(running: Running, thing: fsc.Thing) -> None:
    """A datastream that is not registered: the mover holds its readings, and they are there all the while."""
    stream = running.service.datastreams().find("roof.temperature")
    until(lambda: not running.inbox.waiting_readings(), "the mover has moved what waited")
    assert [held.datastream for held in running.inbox.quarantine()] == ["roof.temperature"]
    assert len(list(stream.get_observations().query().top(100).list())) == 25
    registered = fsc.Observation(
        phenomenon_time="2024-03-01T00:15:00Z", result=41.5, datastream=fsc.Datastream(id="main.power")
    )
    running.service.create(registered)
    until(lambda: not running.inbox.waiting_readings(), "the mover has moved what waited")
    (found,) = running.service.datastreams().find("main.power").get_observations().query().list()
    assert (found.id, found.result) == (registered.id, 41.5) == ("main.power@2024-03-01T00:15:00Z", 41.5)
    assert len(running.inbox.quarantine()) == 1, "a registered one went to the lake"


def test_an_observation_of_a_datastream_that_was_read_is_made(running: Running) -> None:
    """As the how-to has it: the client sends along all that it knows of the datastream."""
    stream = running.service.datastreams().find("main.power")
    running.service.create(fsc.Observation(phenomenon_time="2024-03-03T14:00:00+08:00", result=12.5, datastream=stream))
    (newest,) = stream.get_observations().query().orderby("phenomenonTime", "desc").top(1).list().entities
    assert (newest.phenomenon_time, newest.result) == ("2024-03-03T06:00:00Z", 12.5)


@pytest.mark.meets("data-array/data-array")
def test_data_arrays_bring_many_observations(running: Running, thing: fsc.Thing) -> None:
    array = DataArrayValue()
    array.components = {array.Property.PHENOMENON_TIME, array.Property.RESULT}
    array.datastream = running.service.datastreams().find("main.power")
    for minute in (30, 45):
        array.add_observation(fsc.Observation(phenomenon_time=f"2024-03-02T00:{minute}:00Z", result=minute))
    document = DataArrayDocument()
    document.add_data_array_value(array)
    made = running.service.observations().create(document)
    assert len(made) == 2 and all(each.self_link.startswith(running.address) for each in made)
    asked = running.service.observations().query().filter("Datastream/id eq 'main.power' and day(phenomenonTime) eq 2")
    assert [each.result for each in asked.list()] == [30, 45]


@pytest.mark.meets("create-update-delete/update-entity-put", "create-update-delete/update-entity-jsonpatch")
def test_entities_are_changed_and_deleted(running: Running, thing: fsc.Thing) -> None:
    place = fsc.Location("cellar", "below", location=POINT, encoding_type="application/geo+json")
    running.service.create(place)
    place.description = "far below"
    running.service.update(place)
    running.service.patch(place, [{"op": "replace", "path": "/name", "value": "deep cellar"}])
    found = running.service.locations().find(place.id)
    assert (found.name, found.description) == ("deep cellar", "far below")
    running.service.delete(place)
    with pytest.raises(HTTPError) as refused:
        running.service.locations().find(place.id)
    assert refused.value.response.status_code == 404 and "expected" in refused.value.response.json()["message"]


def test_a_stranger_is_told_so(running: Running) -> None:
    stranger = fsc.SensorThingsService(f"{running.address}/sta/v1.1", auth_handler=fsc.AuthHandler("station", "guess"))
    with pytest.raises(HTTPError) as refused:
        stranger.things().query().list()
    assert refused.value.response.status_code == 401
