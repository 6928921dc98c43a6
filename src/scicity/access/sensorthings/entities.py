"""The eight kinds of entity of SensorThings 1.1 (OGC 18-088, clause 8): their properties, and how they lead to one another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "number", "time", "json"]  # of a property's value


@dataclass(frozen=True)
class Property:
    """A property: what its value is, and whether an entity must have it."""

    name: str
    kind: Kind = "text"
    needed: bool = False
    computed: bool = False  # told by the service alone


@dataclass(frozen=True)
class Navigation:
    """How an entity leads to others: their set, whether they are many, and whether an entity must have one."""

    name: str
    to: str
    many: bool = False
    needed: bool = False


@dataclass(frozen=True)
class EntitySet:
    """One kind of entity: `name` of the set, `single` of one of it."""

    name: str
    single: str
    properties: tuple[Property, ...]
    navigations: tuple[Navigation, ...]

    def property(self, name: str) -> Property | None:
        """The property of a name."""
        return next((each for each in self.properties if each.name == name), None)

    def navigation(self, name: str) -> Navigation | None:
        """The way of a name."""
        return next((each for each in self.navigations if each.name == name), None)


def _described(*more: Property) -> tuple[Property, ...]:
    name, description = Property("name", needed=True), Property("description", needed=True)
    return (name, description, *more, Property("properties", "json"))


THINGS, LOCATIONS, HISTORICAL, DATASTREAMS = "Things", "Locations", "HistoricalLocations", "Datastreams"
SENSORS, OBSERVED, OBSERVATIONS, FEATURES = "Sensors", "ObservedProperties", "Observations", "FeaturesOfInterest"
_ENCODING = Property("encodingType", needed=True)

SETS: dict[str, EntitySet] = {
    each.name: each
    for each in (
        EntitySet(
            THINGS,
            "Thing",
            _described(),
            (
                Navigation(LOCATIONS, LOCATIONS, many=True),
                Navigation(HISTORICAL, HISTORICAL, many=True),
                Navigation(DATASTREAMS, DATASTREAMS, many=True),
            ),
        ),
        EntitySet(
            LOCATIONS,
            "Location",
            _described(_ENCODING, Property("location", "json", needed=True)),
            (Navigation(THINGS, THINGS, many=True), Navigation(HISTORICAL, HISTORICAL, many=True)),
        ),
        EntitySet(
            HISTORICAL,
            "HistoricalLocation",
            (Property("time", "time", needed=True),),
            (Navigation("Thing", THINGS, needed=True), Navigation(LOCATIONS, LOCATIONS, many=True, needed=True)),
        ),
        EntitySet(
            DATASTREAMS,
            "Datastream",
            _described(
                Property("unitOfMeasurement", "json", needed=True),
                Property("observationType", needed=True),
                Property("observedArea", "json"),
                Property("phenomenonTime", "time", computed=True),
                Property("resultTime", "time", computed=True),
            ),
            (
                Navigation("Thing", THINGS, needed=True),
                Navigation("Sensor", SENSORS, needed=True),
                Navigation("ObservedProperty", OBSERVED, needed=True),
                Navigation(OBSERVATIONS, OBSERVATIONS, many=True),
            ),
        ),
        EntitySet(
            SENSORS,
            "Sensor",
            _described(_ENCODING, Property("metadata", "json", needed=True)),
            (Navigation(DATASTREAMS, DATASTREAMS, many=True),),
        ),
        EntitySet(
            OBSERVED,
            "ObservedProperty",
            _described(Property("definition", needed=True)),
            (Navigation(DATASTREAMS, DATASTREAMS, many=True),),
        ),
        EntitySet(
            OBSERVATIONS,
            "Observation",
            (
                Property("phenomenonTime", "time"),
                Property("resultTime", "time"),
                Property("result", "number", needed=True),
                Property("resultQuality", "json"),
                Property("validTime", "json"),
                Property("parameters", "json"),
            ),
            (Navigation("Datastream", DATASTREAMS, needed=True), Navigation("FeatureOfInterest", FEATURES)),
        ),
        EntitySet(
            FEATURES,
            "FeatureOfInterest",
            _described(_ENCODING, Property("feature", "json", needed=True)),
            (Navigation(OBSERVATIONS, OBSERVATIONS, many=True),),
        ),
    )
}
NUMBER_TYPE = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"
GEOJSON = "application/geo+json"


class Wrong(Exception):  # noqa: N818  (reads as what happened)
    """A request that is not answered as asked: the status of HTTP, and what was found and expected where."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status
