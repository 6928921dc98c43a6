"""Entities that clients create, change and delete. OGC 18-088, clause 10. All of a request is done, or nothing of it.

An entity belongs to the device that made it. A datastream's id is the name by which its readings come, so a device makes only
such as it may send for. What the registers tell is changed in the registers alone.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db import transaction

from scicity.access.sensorthings import times
from scicity.access.sensorthings.decode import Told, observation
from scicity.access.sensorthings.entities import (
    DATASTREAMS,
    FEATURES,
    HISTORICAL,
    LOCATIONS,
    OBSERVATIONS,
    OBSERVED,
    SENSORS,
    SETS,
    THINGS,
    EntitySet,
    Navigation,
    Property,
    Wrong,
)
from scicity.access.sensorthings.patching import patched
from scicity.cockpit import audit
from scicity.cockpit.devices import Sender
from scicity.cockpit.sensorthings.catalogue import Catalogue
from scicity.cockpit.sensorthings.models import Described, Detail, Revision
from scicity.kernel.problems import shown

LONGEST_TEXT = 20_000
LONGEST_ID = 200
MOST_CREATED = 2_000  # entities of one request
# How an entity that is made behind another one says to which it belongs: the way back.
BACK = {
    (THINGS, DATASTREAMS): "Thing",
    (SENSORS, DATASTREAMS): "Sensor",
    (OBSERVED, DATASTREAMS): "ObservedProperty",
    (THINGS, HISTORICAL): "Thing",
    (THINGS, LOCATIONS): THINGS,
    (LOCATIONS, THINGS): LOCATIONS,
    (LOCATIONS, HISTORICAL): LOCATIONS,
    (HISTORICAL, LOCATIONS): HISTORICAL,
    (DATASTREAMS, OBSERVATIONS): "Datastream",
    (FEATURES, OBSERVATIONS): "FeatureOfInterest",
}
KEPT_LINKS = {THINGS: (LOCATIONS,), HISTORICAL: ("Thing", LOCATIONS), DATASTREAMS: ("Thing", "Sensor", "ObservedProperty")}
# What goes with an entity: the sets whose entities need it, and the link by which they do. OGC 18-088, table 25.
GO_WITH = {
    THINGS: ((DATASTREAMS, "Thing"), (HISTORICAL, "Thing")),
    LOCATIONS: ((HISTORICAL, LOCATIONS),),
    SENSORS: ((DATASTREAMS, "Sensor"),),
    OBSERVED: ((DATASTREAMS, "ObservedProperty"),),
}
Link = tuple[str, str]  # the name of a way, and the id it leads to


@dataclass
class Writing:
    """One request of one device. `keep` puts observations where they are safe, at the end of the transaction."""

    sender: Sender
    catalogue: Catalogue
    now: datetime
    keep: Callable[[list[Told]], None]
    of_all: bool = False  # an administrator, to whom entities of every device are open
    told: list[Told] = field(default_factory=list)
    made: set[Link] = field(default_factory=set)

    def create(self, of: EntitySet, told: Any, within: tuple[str, str] | None = None) -> str:
        """An entity with all that stands in it; `within` is the set and the id that the address came from. Returns its id."""
        with transaction.atomic():
            key = self._create(of, told, [(BACK[within[0], of.name], within[1])] if within else [])
            self._done()
        return key

    def observe(self, told: list[Told]) -> None:
        """Observations alone."""
        with transaction.atomic():
            self.told += [self._placed(each) for each in told]
            self._done()

    def update(self, of: EntitySet, key: str, told: Any, how: str) -> None:
        """Changes an entity: `how` is merge (PATCH), replace (PUT) or operations (JSON Patch)."""
        with transaction.atomic():
            record = self._own(of.name, key)
            before = {**record.content, **self._links_told(record)}
            if how == "operations":
                told = patched(before, told)
            told = self._object(of, told)
            if told.pop("@iot.id", key) not in (key, None):
                raise Wrong(f"@iot.id: found another one; expected {shown(key, 60)}, as an id stays")
            content = self._content(of, told, whole=how != "merge", kept=record.content if how == "merge" else {})
            moved = self._relinked(of, record, told)
            record.content = content
            record.save(update_fields=["content", "links"])
            if moved:
                self._was(record)
            audit.write("sensorthings-changed", str(record), before, self._by({**content, **self._links_told(record)}))
            self._done()

    def delete(self, of: EntitySet, key: str) -> None:
        """Deletes an entity with those that need it; readings stay. Raises Wrong (409) where one of these is another's."""
        with transaction.atomic():
            self._delete(self._own(of.name, key))
            self._done()

    def _done(self) -> None:
        if self.made:
            Revision.grow()
        if self.told:
            self.keep(self.told)

    def _by(self, told: dict[str, Any]) -> dict[str, Any]:
        return {"device": self.sender.name, **told}

    def _own(self, name: str, key: str) -> Described:
        record = Described.objects.select_for_update().filter(kind=name, key=key).first()
        if record is None:
            if self.catalogue.holds(name, key):
                raise Wrong(
                    f"{name}: found {shown(key, 60)} of the district's registers; expected an entity that a client made", 403
                )
            raise Wrong(f"{name}: found no {shown(key, 60)}; expected one that there is", 404)
        if record.owner != self.sender.name and not self.of_all:
            raise Wrong(f"{name}: found {shown(key, 60)} of another device; expected one that {self.sender.name} made", 403)
        self.made.add((name, key))
        return record

    def _object(self, of: EntitySet, told: Any) -> dict[str, Any]:
        if not isinstance(told, dict):
            raise Wrong(f"{of.single}: found {shown(told, 60)}; expected an object")
        known = [*(each.name for each in of.properties), *(each.name for each in of.navigations)]
        found = {name: value for name, value in told.items() if name == "@iot.id" or "@iot." not in name}
        for name in found:
            if name not in known and name != "@iot.id":
                raise Wrong(f"{of.single}: found {shown(name, 60)}; expected some of {', '.join(known)}")
        return found

    def _create(self, of: EntitySet, told: Any, links: list[Link]) -> str:
        if of.name == OBSERVATIONS:
            return self._observed(told, links)
        if len(self.made) >= MOST_CREATED:
            raise Wrong(f"the body: found more than {MOST_CREATED} entities; expected fewer", 413)
        told = self._object(of, told)
        for name, _ in links:
            if name in told and not of.navigation(name).many:  # type: ignore[union-attr]
                raise Wrong(f"{of.single}, {name}: found within the entity itself; expected none there")
        content = self._content(of, told, whole=True, kept={})
        record = Described(kind=of.name, owner=self.sender.name, content=content)
        record.key = self._key(of, told)
        for way in of.navigations:
            if not way.many or way.name in KEPT_LINKS.get(of.name, ()):
                self._link(record, way, self._targets(of, way, told.get(way.name), links))
        if of.name == HISTORICAL:
            self._moved(record)
        record.save()
        if not record.key:
            record.key = f"sta-{record.pk}"
            while self._there(of.name, record.key):
                record.key += "-"
            record.save(update_fields=["key"])
        self.made.add((of.name, record.key))
        audit.write("sensorthings-created", str(record), after=self._by({**content, **self._links_told(record)}))
        if of.name == THINGS and record.links.get(LOCATIONS):
            self._was(record)
        for way in of.navigations:
            if way.many and way.name not in KEPT_LINKS.get(of.name, ()):
                self._behind(of, record, way, told.get(way.name, []), [key for name, key in links if name == way.name])
        return record.key

    def _key(self, of: EntitySet, told: dict[str, Any]) -> str:
        """The id of a new entity; empty where the record's number gives it."""
        given = told.get("@iot.id")
        if given is not None and (isinstance(given, bool) or not isinstance(given, (str, int))):
            raise Wrong(f"@iot.id: found {shown(given, 60)}; expected text or a whole number")
        key = "" if given is None else str(given)
        if of.name == DATASTREAMS and not key:
            key, number = told["name"], len(self._alike(told["name"])) + 1
            while self._there(of.name, key):  # another one of the same name
                number += 1
                key = f"{told['name']}~{number}"
        if key and (len(key) > LONGEST_ID or not key.isprintable() or key != key.strip()):
            raise Wrong(f"the id of a {of.single}: found {shown(key, 60)}; expected at most {LONGEST_ID} letters and signs")
        if of.name == DATASTREAMS and self.sender.not_its_own([key]):
            raise Wrong(
                f"Datastream {shown(key, 60)}: found {self.sender.name}, who may not send for it; expected a device that may",
                403,
            )
        if key and self._there(of.name, key):
            raise Wrong(f"@iot.id: found {shown(key, 60)}, which there is already; expected another one, or none", 409)
        return key

    def _alike(self, name: str) -> list[str]:
        return [key for key in self.catalogue.ids[DATASTREAMS] if key.startswith(f"{name}~")]

    def _there(self, name: str, key: str) -> bool:
        return (
            self.catalogue.holds(name, key) or (name, key) in self.made or Described.objects.filter(kind=name, key=key).exists()
        )

    def _content(self, of: EntitySet, told: dict[str, Any], *, whole: bool, kept: dict[str, Any]) -> dict[str, Any]:
        """The properties of an entity, each as it must be. Raises Wrong with all that is missing."""
        content = dict(kept)
        for each in of.properties:
            if each.computed or each.name not in told:
                continue
            value = told[each.name]
            if value is None and not each.needed:
                content.pop(each.name, None)
                continue
            content[each.name] = _checked(of, each, value)
        missing = [each.name for each in of.properties if each.needed and each.name not in content]
        if whole and missing:
            raise Wrong(f"{of.single}: found no {', '.join(missing)}; expected each of them")
        return content

    def _targets(self, of: EntitySet, way: Navigation, told: Any, links: list[Link]) -> list[str]:
        """The ids that a way leads to: entities that there are, and such as are made with this one."""
        given = [] if told is None else told if way.many and isinstance(told, list) else [told]
        found = [key for name, key in links if name == way.name]
        for each in given:
            if self._is_link(way, each):
                found.append(self._existing(way, each["@iot.id"]))
            else:
                found.append(self._create(SETS[way.to], each, []))
        if way.needed and not found:
            raise Wrong(f'{of.single}, {way.name}: found none; expected one, whole or as {{"@iot.id": …}}')
        return list(dict.fromkeys(found))

    def _is_link(self, way: Navigation, told: Any) -> bool:
        """Whether an entity is told by its id: alone, or as clients do that have read it, with what else they know of it."""
        key = told.get("@iot.id") if isinstance(told, dict) else None
        return key is not None and (set(told) == {"@iot.id"} or self._there(way.to, str(key)))

    def _existing(self, way: Navigation, key: Any) -> str:
        if isinstance(key, bool) or not isinstance(key, (str, int)) or not self._there(way.to, str(key)):
            raise Wrong(f"{way.name}: found the id {shown(key, 60)}; expected one of {way.to} that there is")
        return str(key)

    def _link(self, record: Described, way: Navigation, keys: list[str]) -> None:
        if keys:
            record.links[way.name] = keys if way.many else keys[0]

    def _behind(self, of: EntitySet, record: Described, way: Navigation, told: Any, linked: list[str]) -> None:
        """What is made, or linked, behind an entity and belongs to it."""
        if not isinstance(told, list):
            raise Wrong(f"{of.single}, {way.name}: found {shown(told, 60)}; expected a list")
        back = BACK[of.name, way.to]
        for each in told:
            if self._is_link(way, each):
                linked.append(self._existing(way, each["@iot.id"]))
            else:
                self._create(SETS[way.to], each, [(back, record.key)])
        for key in linked:
            if back not in KEPT_LINKS.get(way.to, ()):
                raise Wrong(f"{of.single}, {way.name}: found a link; expected whole entities")
            other = self._own(way.to, key)
            before = copy.deepcopy(other.links)
            if SETS[way.to].navigation(back).many:  # type: ignore[union-attr]
                other.links[back] = list(dict.fromkeys([*other.links.get(back, ()), record.key]))
            else:
                other.links[back] = record.key
            other.save(update_fields=["links"])
            audit.write("sensorthings-changed", str(other), {"links": before}, self._by({"links": other.links}))
            if way.to == THINGS:
                self._was(other)

    def _moved(self, history: Described) -> None:
        """A past place is told of a client's own thing; the newest that is told is where the thing is now."""
        thing = self._own(THINGS, history.links["Thing"])
        others = [each for each in Described.objects.filter(kind=HISTORICAL) if each.links.get("Thing") == thing.key]
        latest = max((times.instant(each.content["time"]) for each in others), default=None)
        if latest is None or times.instant(history.content["time"]) > latest:
            before, thing.links[LOCATIONS] = copy.deepcopy(thing.links), list(history.links[LOCATIONS])
            thing.save(update_fields=["links"])
            audit.write("sensorthings-changed", str(thing), {"links": before}, self._by({"links": thing.links}))

    def _was(self, thing: Described) -> None:
        """A thing that comes to a place has been there from now on."""
        history = Described(kind=HISTORICAL, key="", owner=self.sender.name, content={"time": times.told(self.now)})
        history.links = {"Thing": thing.key, LOCATIONS: list(thing.links.get(LOCATIONS, ()))}
        if not history.links[LOCATIONS]:
            return
        history.key = f"sta-{thing.pk}-{times.told(self.now)}"
        number = 1
        while self._there(HISTORICAL, history.key):
            number += 1
            history.key = f"sta-{thing.pk}-{times.told(self.now)}-{number}"
        history.save()
        self.made.add((HISTORICAL, history.key))
        audit.write("sensorthings-created", str(history), after=self._by({**history.content, **self._links_told(history)}))

    def _relinked(self, of: EntitySet, record: Described, told: dict[str, Any]) -> bool:
        """Links that a change tells; whether a thing has come to other places."""
        places = record.links.get(LOCATIONS)
        for way in of.navigations:
            if way.name not in told:
                continue
            if way.name not in KEPT_LINKS.get(of.name, ()):
                raise Wrong(f"{of.single}, {way.name}: found in a change; expected the change at the other end")
            given = told[way.name] if way.many and isinstance(told[way.name], list) else [told[way.name]]
            for each in given:
                if not self._is_link(way, each):
                    raise Wrong(f'{of.single}, {way.name}: found {shown(each, 60)}; expected {{"@iot.id": …}} in a change')
            self._link(record, way, [self._existing(way, each["@iot.id"]) for each in given])
        return of.name == THINGS and record.links.get(LOCATIONS) != places

    def _links_told(self, record: Described) -> dict[str, Any]:
        return {
            name: [{"@iot.id": each} for each in key] if isinstance(key, list) else {"@iot.id": key}
            for name, key in record.links.items()
        }

    def _delete(self, record: Described) -> None:
        for kind, link in GO_WITH.get(record.kind, ()):
            for other in Described.objects.filter(kind=kind):
                keys = other.links.get(link)
                if record.key in (keys if isinstance(keys, list) else [keys]):
                    if other.owner != self.sender.name and not self.of_all:
                        raise Wrong(
                            f"{record}: found {other} of another device, which needs it; expected that to go first", 409
                        )
                    self._delete(other)
        if record.kind == LOCATIONS:
            for thing in Described.objects.filter(kind=THINGS):
                if record.key in thing.links.get(LOCATIONS, ()):
                    thing.links[LOCATIONS].remove(record.key)
                    thing.save(update_fields=["links"])
        if record.kind == FEATURES:
            Detail.objects.filter(feature=record.key).update(feature="")
        self.made.add((record.kind, record.key))
        audit.write(
            "sensorthings-deleted", str(record), {**record.content, **self._links_told(record)}, {"device": record.owner}
        )
        record.delete()

    def _observed(self, told: Any, links: list[Link]) -> str:
        """An observation, with its datastream where that stands in it."""
        named, way = dict(links), SETS[OBSERVATIONS].navigation("Datastream")
        assert way is not None  # noqa: S101  (it is declared)
        if isinstance(told, dict) and isinstance(told.get("Datastream"), dict) and not self._is_link(way, told["Datastream"]):
            if "Datastream" in named:
                raise Wrong("Observation, Datastream: found within the entity itself; expected none there")
            told = {**told, "Datastream": {"@iot.id": self._create(SETS[DATASTREAMS], told["Datastream"], [])}}
        if "FeatureOfInterest" in named and isinstance(told, dict):
            told = {**told, "FeatureOfInterest": {"@iot.id": named["FeatureOfInterest"]}}
        found = self._placed(observation(told, named.get("Datastream"), self.now))
        self.told.append(found)
        return found.id

    def _placed(self, told: Told) -> Told:
        """An observation of a datastream that there is and that is the sender's, its feature by id."""
        if self.sender.not_its_own([told.datastream]):
            expected = "a device that may"
            raise Wrong(
                f"Datastream {shown(told.datastream, 60)}: found {self.sender.name}, which may not; expected {expected}",
                403,
            )
        if not self._there(DATASTREAMS, told.datastream):
            raise Wrong(f"Datastream: found the id {shown(told.datastream, 60)}; expected one of Datastreams that there is")
        if told.feature is None:
            return told
        way = SETS[OBSERVATIONS].navigation("FeatureOfInterest")
        assert way is not None  # noqa: S101  (it is declared)
        (feature,) = self._targets(SETS[OBSERVATIONS], way, told.feature, [])
        return replace(told, feature=feature)


def _checked(of: EntitySet, each: Property, value: Any) -> Any:
    where = f"{of.single}, {each.name}"
    if each.kind == "time":
        try:
            return times.told(times.instant(value if isinstance(value, str) else ""))
        except ValueError:
            raise Wrong(f"{where}: found {shown(value, 60)}; expected {times.EXPECTED}") from None
    if each.kind == "text" and (not isinstance(value, str) or len(value) > LONGEST_TEXT or (not value and each.name == "name")):
        raise Wrong(f"{where}: found {shown(value, 60)}; expected text of at most {LONGEST_TEXT} characters")
    if each.name in ("properties", "unitOfMeasurement") and not isinstance(value, dict):
        raise Wrong(f"{where}: found {shown(value, 60)}; expected an object")
    if each.kind == "json" and each.needed and value is None:
        raise Wrong(f"{where}: found null; expected a value")
    return value
