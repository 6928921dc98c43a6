"""SensorThings 1.1 by HTTP: who asks, what for, and what is answered. `access/sensorthings/README.md` tells it whole."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from django.core.exceptions import RequestDataTooBig
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from scicity.access.inbox import InboxFull
from scicity.access.sensorthings import requirements
from scicity.access.sensorthings.decode import MOST_READINGS, Told, batch, json_of, observation_id, observations, of_id
from scicity.access.sensorthings.entities import OBSERVATIONS, SETS, EntitySet, Wrong
from scicity.access.sensorthings.paths import Address, address
from scicity.access.sensorthings.query import Query, query
from scicity.access.storage import StorageRefused
from scicity.cockpit.arriving import inbox_of
from scicity.cockpit.devices import Sender, Senders
from scicity.cockpit.roles import keeps_data
from scicity.cockpit.sensorthings.answering import Answering
from scicity.cockpit.sensorthings.catalogue import catalogue
from scicity.cockpit.sensorthings.models import Detail
from scicity.cockpit.sensorthings.observing import Observing
from scicity.cockpit.sensorthings.writing import Writing
from scicity.kernel.problems import shown

ROOT = "/sta/v1.1/"
CREATE_OBSERVATIONS = "CreateObservations"
JSON, JSON_PATCH = "application/json", "application/json-patch+json"
MOST_OPTIONS, LONGEST_OPTIONS = 20, 16_000
OPEN = {"api", "data"}  # pages at which anybody reads tables
METHODS = "GET, HEAD, POST, PATCH, PUT, DELETE"
senders = Senders()


@dataclass
class Asked:
    """A request, and who asks: a person who signed in (`sender` None), or a device with its secret."""

    request: HttpRequest
    sender: Sender | None
    now: datetime

    @property
    def base(self) -> str:
        """The address of the service."""
        return self.request.build_absolute_uri(ROOT)

    @property
    def reading(self) -> Answering:
        """What answers this reader."""
        city, entities = self.request.city, catalogue(self.request.city)
        observing = Observing(city, entities, inbox_of(city), self._sees_held(), self.now, self._reads())
        return Answering(entities, observing, self.base)

    def _reads(self) -> Callable[[str], bool]:
        """Where the district's data are not public, a device reads observations of its own datastreams alone."""
        public = self.request.city.public
        if self.sender is None and self.request.scope is not None:
            return self.request.scope.sees
        if self.sender is None or public is None or public & OPEN:
            return lambda _: True
        own = self.sender
        return lambda name: not own.not_its_own([name])

    def _sees_held(self) -> Callable[[str], bool]:
        """Held readings are for those who keep the data, and for the device that may send for the datastream."""
        if self.sender is not None:
            own = self.sender
            return lambda name: not own.not_its_own([name])
        keeps = keeps_data(self.request)
        return lambda _: keeps


@csrf_exempt  # what changes anything shows a device's secret, which no page of others can
def service(request: HttpRequest, rest: str = "") -> HttpResponse:
    """Answers a request for `/sta/v1.1/…`; whatever is wrong is told as JSON."""
    try:
        return _answered(Asked(request, _sender(request), datetime.now(UTC)), rest)
    except Wrong as wrong:
        headers = {"Allow": METHODS} if wrong.status == 405 else {}
        headers |= {"WWW-Authenticate": 'Basic realm="SensorThings"'} if wrong.status == 401 else {}
        return _json({"code": wrong.status, "type": "error", "message": str(wrong)}, wrong.status, headers)
    except IntegrityError:
        told = {"code": 409, "type": "error", "message": "found the same entity made at this moment; expected another try"}
        return _json(told, 409)
    except (InboxFull, StorageRefused) as error:
        told = {"code": 503, "type": "error", "message": f"nothing of this body was taken: {error}"}
        return _json(told, 503, {"Retry-After": "5"})


def _sender(request: HttpRequest) -> Sender | None:
    """The device that asks; None is a person who has signed in. Raises Wrong (401) for anybody else."""
    kind, _, credential = request.headers.get("Authorization", "").partition(" ")
    if not kind:
        if not request.user.is_authenticated:
            raise Wrong("found nobody; expected somebody who has signed in, or a device with its secret", 401)
        return None
    if kind.lower() == "basic":
        try:
            credential = base64.b64decode(credential.strip(), validate=True).decode().replace(":", ".", 1)
        except (binascii.Error, ValueError):
            credential = ""
    sender = senders.of(credential.strip()) if kind.lower() in ("basic", "bearer") else None
    if sender is None:
        raise Wrong("found another secret; expected a known device and its secret, as Bearer or Basic", 401)
    return sender


def _answered(asked: Asked, rest: str) -> HttpResponse:
    method = asked.request.method or ""
    if "\0" in rest:
        raise Wrong("the address: found a sign that is no letter; expected none", 404)
    if method not in METHODS.split(", "):
        raise Wrong(f"found {shown(method, 20)}; expected one of {METHODS}", 405)
    if rest.strip("/") == "":
        if method not in ("GET", "HEAD"):
            raise Wrong(f"found {method}; expected GET", 405)
        return _json(_root(asked))
    if rest == CREATE_OBSERVATIONS:
        return _created_many(asked)
    where = address(rest)
    if method in ("GET", "HEAD"):
        return _read(asked, where)
    if where.part or where.reference:
        raise Wrong(f"found {method} of a property or of $ref; expected GET", 405)
    sender = _writer(asked)
    reading = asked.reading
    writing = Writing(sender, reading.catalogue, asked.now, lambda told: _keep(asked, sender, reading, told))
    if method == "POST":
        return _created(asked, reading, writing, where)
    return _changed(asked, reading, writing, where)


def _writer(asked: Asked) -> Sender:
    if asked.sender is None:
        raise Wrong("found a person who has signed in; expected a device with its secret, as only devices change anything", 403)
    return asked.sender


def _root(asked: Asked) -> dict[str, Any]:
    sets = [{"name": name, "url": f"{asked.base}{name}"} for name in SETS]
    return {"value": sets, "serverSettings": {"conformance": requirements.met()}}


def _read(asked: Asked, where: Address) -> HttpResponse:
    asks_one = where.last.single or bool(where.part)
    found = asked.reading.answer(where, _query(asked, where.last.of, one=asks_one))
    if found is None:
        return HttpResponse(status=204)
    if where.value:
        text = found if isinstance(found, str) else msgspec.json.encode(found).decode()
        return HttpResponse(text, content_type="text/plain; charset=utf-8", headers={"Cache-Control": "no-store"})
    return _json(found)


def _query(asked: Asked, of: EntitySet, *, one: bool) -> Query:
    text = asked.request.META.get("QUERY_STRING", "")
    if len(text) > LONGEST_OPTIONS:
        raise Wrong(f"the options: found {len(text)} characters; expected at most {LONGEST_OPTIONS}", 414)
    try:
        options = parse_qsl(
            text, keep_blank_values=True, strict_parsing=bool(text), errors="strict", max_num_fields=MOST_OPTIONS
        )
    except (ValueError, UnicodeDecodeError) as error:
        raise Wrong(f"the options: found {shown(text, 60)} ({error}); expected name=value, with & between") from None
    if any("\0" in value for _, value in options):
        raise Wrong("the options: found a sign that is no letter; expected none")
    return query(options, of, one=one)


def _body(asked: Asked, *forms: str) -> Any:
    form = (asked.request.content_type or "").lower()
    if form not in forms:
        raise Wrong(f"found the content type {shown(form or 'none', 60)}; expected {' or '.join(forms)}", 415)
    try:
        payload = asked.request.body
    except RequestDataTooBig:
        raise Wrong("the body: found too many bytes; expected at most 2 MB", 413) from None
    if b"\\u0000" in payload or b"\0" in payload:
        raise Wrong("the body: found a sign that is no letter (U+0000); expected none")
    return json_of(payload)


def _created(asked: Asked, reading: Answering, writing: Writing, where: Address) -> HttpResponse:
    last = where.last
    if last.single:
        raise Wrong(f"found POST of one entity; expected POST of a set, as {last.of.name}", 405)
    within = None
    if last.way is not None:
        above = Address(where.steps[:-1])
        within = (above.last.of.name, str(reading.answer(above, Query())["@iot.id"]))
    key = writing.create(last.of, _body(asked, JSON), within)
    link = reading.link(last.of, key)
    return _json({"@iot.id": key, "@iot.selfLink": link}, 201, {"Location": link})


def _created_many(asked: Asked) -> HttpResponse:
    if asked.request.method != "POST":
        raise Wrong(f"found {asked.request.method} of {CREATE_OBSERVATIONS}; expected POST", 405)
    sender, reading = _writer(asked), asked.reading
    writing = Writing(sender, reading.catalogue, asked.now, lambda told: _keep(asked, sender, reading, told))
    found = list(observations(_body(asked, JSON), asked.now))
    if len(found) > MOST_READINGS:
        raise Wrong(f"found {len(found)} observations; expected at most {MOST_READINGS}", 413)
    writing.observe(found)
    return _json([reading.link(SETS[OBSERVATIONS], each.id) for each in found], 201)


def _changed(asked: Asked, reading: Answering, writing: Writing, where: Address) -> HttpResponse:
    last = where.last
    if not last.single:
        raise Wrong(f"found {asked.request.method} of a set; expected it of one entity, as {last.of.name}('id')", 405)
    key = str(reading.answer(where, Query(select=("id",)))["@iot.id"])
    if asked.request.method == "DELETE":
        if last.of.name == OBSERVATIONS:
            raise Wrong(
                "found DELETE of an Observation; expected a PATCH of its result (null: unknown), as no reading is ever deleted",
                405,
            )
        writing.delete(last.of, key)
        return HttpResponse(status=200)
    operations = (asked.request.content_type or "").lower() == JSON_PATCH
    told = _body(asked, JSON, *([JSON_PATCH] if asked.request.method == "PATCH" else []))
    if last.of.name == OBSERVATIONS:
        _corrected(asked, writing, reading, key, told, operations)
    else:
        how = "operations" if operations else "merge" if asked.request.method == "PATCH" else "replace"
        writing.update(last.of, key, told, how)
    return HttpResponse(status=200)


def _corrected(asked: Asked, writing: Writing, reading: Answering, key: str, told: Any, operations: bool) -> None:
    """A changed observation is a correction: a reading of a higher revision, beside the one that it corrects."""
    if operations or not isinstance(told, dict):
        raise Wrong(f"the body: found {shown(told, 60)}; expected an object with what is to be changed of the Observation")
    datastream, _ = of_id(key)
    for name in told:
        if name not in ("result", "phenomenonTime", "@iot.id"):
            raise Wrong(
                f"an Observation: found {shown(name, 60)} in a change; expected result alone, as the rest stays as it was said"
            )
    if asked.request.method == "PUT" and "result" not in told:
        raise Wrong("an Observation: found no result; expected one")
    if told.get("phenomenonTime") is not None and observation_id(datastream, _time(told["phenomenonTime"])) != key:
        raise Wrong(f"phenomenonTime: found another one; expected that of {shown(key, 80)}, as an observation is known by it")
    if "result" not in told:
        return
    (found,) = observations(
        {
            "Datastream": {"@iot.id": datastream},
            "components": ["phenomenonTime", "result"],
            "dataArray": [[key.rpartition("@")[2], told["result"]]],
        },
        asked.now,
    )
    _keep(asked, writing.sender, reading, [writing._placed(found)], correcting=True)


def _time(text: Any) -> datetime:
    try:
        return of_id(f"@{text}")[1]
    except ValueError as error:
        raise Wrong(f"phenomenonTime: found {shown(text, 60)}; expected {error}") from None


def _keep(asked: Asked, sender: Sender, reading: Answering, told: list[Told], *, correcting: bool = False) -> None:
    """Puts observations on stable storage; those that stand there already with the same result are not kept twice.

    Raises Wrong (409) for another result of the same time, unless it is meant as a correction.
    """
    standing: dict[tuple[str, datetime], tuple[int | None, float | None]] = {}
    standing |= Observing(asked.request.city, reading.catalogue, reading.observing.inbox, lambda _: True, asked.now).standing(
        [(each.datastream, each.time) for each in told]
    )
    fresh: list[Told] = []
    revisions: list[int | None] = []
    for each in told:
        key = (each.datastream, each.time)
        revision, value = standing.get(key, (None, None))
        if key in standing and value == each.value:
            continue
        if key in standing and not correcting:
            found = f"found the result {each.value} where there is {value} already"
            raise Wrong(f"Observation {shown(each.id, 80)}: {found}; expected a PATCH of it, or another phenomenonTime", 409)
        fresh.append(each)
        revisions.append((revision or 0) + 1 if key in standing else None)
        standing[key] = (None, each.value)
    details = [
        Detail(datastream=each.datastream, time=each.time, content=dict(each.more), feature=each.feature or "")
        for each in {(each.datastream, each.time): each for each in told}.values()
        if each.more or each.feature
    ]
    if details:
        unique, changed = ["datastream", "time"], ["content", "feature"]
        Detail.objects.bulk_create(details, update_conflicts=True, unique_fields=unique, update_fields=changed, batch_size=500)
    if fresh:
        reading.observing.inbox.put([batch(fresh, sender.name, asked.now, revisions)])


def _json(told: Any, status: int = 200, headers: dict[str, str] | None = None) -> HttpResponse:
    return HttpResponse(
        msgspec.json.encode(told), status=status, content_type=JSON, headers={"Cache-Control": "no-store", **(headers or {})}
    )
