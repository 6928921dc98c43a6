"""SensorThings over the registers of a whole district: meters, stations and buildings with their places, now and before."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from django.conf import settings

from scicity.city import City
from scicity.cockpit import city as cities
from scicity.cockpit.city import OpenCity

pytestmark = pytest.mark.django_db
DEMO = Path(__file__).parents[2] / "districts" / "demo"


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """The demo district with its registers and readings; nothing computed."""
    city = City(DEMO, tmp_path_factory.mktemp("state"))
    city.load()
    return OpenCity(city.district, city.figures, settings.PLACE)


@pytest.fixture
def demo(loaded, waiting):
    """The demo district, served."""
    own = dataclasses.replace(loaded)
    cities.use(own)
    return own


@pytest.fixture
def reader(demo, service):
    """The service over it."""
    return service


@pytest.mark.meets(
    "datamodel/thing/properties", "datamodel/thing/relations", "datamodel/location/properties", "datamodel/location/relations"
)
def test_meters_stations_and_buildings_are_things_at_their_places(reader):
    things = {each["@iot.id"]: each for each in reader.get("Things", expand="Locations", top=1000)["value"]}
    assert things["building:lab"]["properties"]["name_zh"] == "实验楼" and things["building:lab"]["name"] == "Laboratory"
    assert things["building:lab"]["Locations"] == things["lab-main"]["Locations"], "a meter is where its building is"
    (place,) = things["air-1"]["Locations"]
    assert place["location"] == {"type": "Point", "coordinates": [0.01078, 0.006288]}
    assert things["air-1"]["properties"]["origin"] == "stand-in", "what is not the district's own says so"
    assert things["lab-main"]["properties"]["carrier"] == "electricity"
    assert set(reader.ids("Locations('building:lab')/Things")) >= {"building:lab", "lab-main", "lab-pv"}


@pytest.mark.meets("datamodel/historical-location/properties", "datamodel/historical-location/relations")
def test_installations_tell_where_a_meter_was(reader):
    (was,) = reader.get("Things('lab-main')/HistoricalLocations", expand="Thing,Locations")["value"]
    assert (was["time"], was["Thing"]["@iot.id"]) == ("2022-11-16T16:00:00Z", "lab-main")
    assert [each["@iot.id"] for each in was["Locations"]] == ["building:lab"]
    assert was["@iot.id"] in reader.ids("Locations('building:lab')/HistoricalLocations")


@pytest.mark.meets("datamodel/feature-of-interest/properties", "datamodel/feature-of-interest/relations")
def test_observations_are_of_the_place_of_their_thing(reader):
    observation = reader.get("Datastreams('lab-main.forward')/Observations", top=1, expand="FeatureOfInterest")["value"][0]
    feature = observation["FeatureOfInterest"]
    assert (feature["@iot.id"], feature["encodingType"]) == ("lab-main", "application/geo+json")
    assert feature["feature"]["type"] == "Point"
    assert observation["@iot.id"] in reader.ids("FeaturesOfInterest('lab-main')/Observations", top=1000)


@pytest.mark.meets(
    "datamodel/sensor/properties",
    "datamodel/sensor/relations",
    "datamodel/observed-property/properties",
    "datamodel/observed-property/relations",
)
def test_sensors_and_properties_lead_to_the_datastreams(reader):
    streams = reader.get("Datastreams", expand="Sensor,ObservedProperty", top=1000)["value"]
    assert len(streams) == 16
    for each in streams:
        assert each["@iot.id"] in reader.ids(f"Sensors('{each['Sensor']['@iot.id']}')/Datastreams")
        assert each["@iot.id"] in reader.ids(f"ObservedProperties('{each['ObservedProperty']['@iot.id']}')/Datastreams")
    told = reader.get("ObservedProperties('energy_register')")
    assert told["definition"] == "urn:scicity:term:energy_register" and told["properties"]["unit"] == "kWh"


def test_the_newest_observation_of_every_datastream_is_one_question(reader):
    newest = "Observations($orderby=phenomenonTime desc;$top=1)"
    told = reader.get("Datastreams", expand=newest, top=1000)["value"]
    for each in told:
        last = each["phenomenonTime"].partition("/")[2]
        assert [found["phenomenonTime"] for found in each["Observations"]] == [last]
