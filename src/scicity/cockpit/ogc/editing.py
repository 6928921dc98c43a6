"""Features made, replaced, changed and deleted by people (OGC 20-002r1, a draft): each an act in the audit trail, seen at once.

Who says which edition was read (`If-Match`) is refused where it is no longer the newest (412). Who does not, as QGIS, is
refused where somebody else changed the feature within the last day (428), and else taken to have seen the newest.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pyarrow as pa
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from scicity.cockpit import audit
from scicity.cockpit.ogc.asking import parameters
from scicity.cockpit.ogc.described import GEOJSON, base
from scicity.cockpit.ogc.door import CHALLENGE, Refused
from scicity.cockpit.ogc.models import LONGEST, Edit, Shape
from scicity.cockpit.ogc.serving import Collection
from scicity.cockpit.roles import ROLES
from scicity.kernel.tables import LAYER_COLUMNS
from scicity.space import geojson
from scicity.space.editing import digest_of
from scicity.space.geojson import ASIDE, BadFeature
from scicity.space.index import KEPT, Query
from scicity.space.register import STRATA
from scicity.space.served import Served, named

UNLOCKED = timedelta(days=1)  # behind another person's edit, in which an edition must be named
LONGEST_DETAILS = 200_000  # characters
BODIES = (GEOJSON, "application/json", "application/vnd.geo+json")
PATCHES = ("application/merge-patch+json", *BODIES)
NAME = re.compile(r"[^\s/\\?#\x00-\x1f][^/\\?#\x00-\x1f]{0,199}")
TEXTS = ("name_zh", "name_en", "feature_class", "source")
NUMBERS, TIMES = ("elevation", "height", "depth"), ("valid_from", "valid_to")
ORIGINS = ("measured", "reported", "modelled", "estimated", "allocated", "manual", "stand-in")
OWN = {*TEXTS, *NUMBERS, *TIMES, "stratum", "origin", "restricted_to", "feature"}
Row = dict[str, Any]


def create(request: HttpRequest, collection: Collection) -> HttpResponse:
    """A new feature: 201 with its address."""
    _may(request, collection, "add")
    told, crs = _body(request, collection, BODIES), _content_crs(request, collection)
    given = told.get("id")
    if given is not None and (not isinstance(given, str | int) or isinstance(given, bool) or not NAME.fullmatch(str(given))):
        raise BadFeature("id", given, "a text of 1 to 200 characters without / \\ ? #")
    feature = str(given) if given is not None else f"e-{uuid.uuid4().hex[:16]}"
    row = _row(request, collection, feature, {"origin": "manual", "stratum": collection.spec.stratum or "surface"}, told, crs)
    with transaction.atomic():
        audit.hold()
        edit = Edit.objects.filter(layer=collection.name, feature=feature).first()
        if (edit and not edit.removed) or (not edit and collection.index.find(Query(ids=[feature]), ("fid",))):
            raise Refused(409, f"id: found {feature[:60]!r}, which there is; expected another, or none")
        _save(request, collection, edit, row)
    return _answer(request, collection, row, crs, 201)


def replace(request: HttpRequest, collection: Collection, feature: str) -> HttpResponse:
    """A feature as it is from now on."""
    return _change(request, collection, feature, BODIES, whole=True)


def update(request: HttpRequest, collection: Collection, feature: str) -> HttpResponse:
    """A feature changed in parts (RFC 7396): what is null goes, what is not told stays."""
    return _change(request, collection, feature, PATCHES, whole=False)


def delete(request: HttpRequest, collection: Collection, feature: str) -> HttpResponse:
    """A feature that is no more."""
    _may(request, collection, "delete")
    parameters(request, ())
    with transaction.atomic():
        audit.hold()
        edit, row = _current(request, collection, feature)
        _unchanged(request, edit, row)
        _save(request, collection, edit, row, removed=True)
    return HttpResponse(status=204)


def etag(digest: str, crs: Served) -> str:
    """The entity tag of a feature: its digest, and the CRS that it is told in."""
    return f'"{digest}"' if crs.code == 84 else f'"{digest}.{crs.code}"'


def _change(request: HttpRequest, collection: Collection, feature: str, kinds: tuple[str, ...], *, whole: bool) -> HttpResponse:
    _may(request, collection, "change")
    told, crs = _body(request, collection, kinds, patch=not whole), _content_crs(request, collection)
    if told.get("id") not in (None, feature) and str(told["id"]) != feature:
        raise BadFeature("id", told["id"], f"{feature!r}, as an id stays")
    with transaction.atomic():
        audit.hold()
        edit, before = _current(request, collection, feature)
        _unchanged(request, edit, before)
        kept = {name: before[name] for name in ("restricted_to", "origin", "source", "stratum")} if whole else before
        row = _row(request, collection, feature, kept, told, crs)
        _save(request, collection, edit, row)
    return _answer(request, collection, row, crs, 200)


# --- what is asked ---


def _may(request: HttpRequest, collection: Collection, act: str) -> None:
    if act in collection.edits:
        return
    if not request.user.is_authenticated:
        raise Refused(401, "found nobody; expected an editor's name and password", WWW_Authenticate=CHALLENGE)
    if not collection.spec.editable:
        raise Refused(
            405, f"found {collection.name!r}, which is not edited; expected a layer that is", Allow="GET, HEAD, OPTIONS"
        )
    raise Refused(403, f"found {request.user.username!r}; expected a role that may edit features")


def _body(request: HttpRequest, collection: Collection, kinds: tuple[str, ...], *, patch: bool = False) -> Row:
    parameters(request, ())
    kind = (request.content_type or "").lower()
    if kind not in kinds:
        raise Refused(415, f"found the content type {kind[:60]!r}; expected {' or '.join(kinds[:2])}")
    return geojson.feature_of(request.body, patch=patch)


def _content_crs(request: HttpRequest, collection: Collection) -> Served:
    told = request.headers.get("Content-Crs", "").strip()
    if not told:
        return collection.crs[0]
    found = named(told.strip("<>"), collection.crs)
    if found is None:
        raise Refused(
            400, f"Content-Crs: found {told[:80]!r}; expected one of {', '.join(each.uri for each in collection.crs)}"
        )
    return found


def _current(request: HttpRequest, collection: Collection, feature: str) -> tuple[Edit | None, Row]:
    """The feature as it is now, and its record where somebody edited it. Raises Refused (404) for what may not be seen."""
    edit = Edit.objects.filter(layer=collection.name, feature=feature).first()
    if edit is not None:
        row = edit.row(LAYER_COLUMNS)
        roles = set((row["restricted_to"] or "").split())
        if not edit.removed and (not roles or collection.seen is None or roles & collection.seen):
            return edit, row
    else:
        found = collection.index.find(Query(ids=[feature], seen=collection.seen), KEPT)
        if found:
            row = dict(zip(KEPT, found[0], strict=True))
            for name in TIMES:
                row[name] = None if row[name] is None else datetime.fromtimestamp(row[name] / 1e6, UTC)
            return None, row
    missing = 412 if request.headers.get("If-Match") else 404  # who names an edition has read one (RFC 9110, 13.1.1)
    raise Refused(missing, f"found the feature {feature[:60]!r}; expected one of {collection.name}")


def _unchanged(request: HttpRequest, edit: Edit | None, row: Row) -> None:
    told = request.headers.get("If-Match", "").strip()
    if told == "*":
        return
    if told:
        known = {each.strip().removeprefix("W/").strip('"').split(".")[0] for each in told.split(",")}
        if row["digest"] not in known:
            raise Refused(412, f'If-Match: found {told[:60]}; expected "{row["digest"]}", as the feature was changed since')
        return
    if edit is not None and edit.edited_by != request.user.username and timezone.now() - edit.entered_at < UNLOCKED:
        said = f"{edit.edited_by} changed the feature at {edit.entered_at:%Y-%m-%d %H:%M} UTC"
        raise Refused(428, f"found no If-Match, and {said}; expected the feature to be read again, and its ETag as If-Match")


# --- what is kept ---


def _row(request: HttpRequest, collection: Collection, feature: str, kept: Mapping[str, Any], told: Row, crs: Served) -> Row:
    """A row of the layer: what is kept, and over it what is told."""
    row: Row = dict.fromkeys(LAYER_COLUMNS) | {name: kept[name] for name in LAYER_COLUMNS if name in kept}
    row["feature"] = feature
    details: dict[str, Any] = json.loads(row["details"] or "{}")
    for name, value in told.get("properties", {}).items():
        if name == "feature" and value not in (None, feature):
            raise BadFeature("properties.feature", value, f"{feature!r}, as an id stays")
        if name in OWN:
            if name != "feature":
                row[name] = _column(collection, name, value)
            continue
        plain = name.removeprefix(ASIDE) if name.removeprefix(ASIDE) in OWN else name
        details.pop(plain, None)
        if value is not None:
            details[plain] = value
    text = json.dumps(dict(sorted(details.items())), ensure_ascii=False, separators=(",", ":"))
    if len(text) > LONGEST_DETAILS:
        raise BadFeature("properties", f"{len(text)} characters", f"at most {LONGEST_DETAILS}")
    row["details"] = text if details else None
    if "geometry" in told:
        row["geometry"] = Shape(geojson.geometry_of(told["geometry"], crs).wkb)
    row["origin"] = row["origin"] or "manual"
    row["stratum"] = row["stratum"] or "surface"
    if row["valid_from"] and row["valid_to"] and row["valid_from"] >= row["valid_to"]:
        raise BadFeature("properties.valid_to", told.get("properties", {}).get("valid_to"), "an instant behind valid_from")
    row["digest"] = digest_of(row)
    return row


def _column(collection: Collection, name: str, value: Any) -> Any:
    place = f"properties.{name}"
    if value is None or value == "":
        return None
    if name in NUMBERS:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise BadFeature(place, value, "a number")
        return float(value)
    if not isinstance(value, str) or len(value) > LONGEST:
        raise BadFeature(place, value, f"a text of at most {LONGEST} characters")
    if name in TIMES:
        return _moment(collection, place, value)
    if name == "stratum" and value not in STRATA:
        raise BadFeature(place, value, " or ".join(STRATA))
    if name == "origin" and value not in ORIGINS:
        raise BadFeature(place, value, " or ".join(ORIGINS))
    if name == "restricted_to":
        unknown = set(value.split()) - set(ROLES)
        if unknown:
            raise BadFeature(place, " ".join(sorted(unknown)), f"roles of {', '.join(ROLES)}, with spaces between")
        return " ".join(value.split())
    return value


def _moment(collection: Collection, place: str, value: str) -> datetime:
    try:
        if len(value) == 10:
            day = date.fromisoformat(value)
            return datetime(day.year, day.month, day.day, tzinfo=collection.city.district.calendar.tz).astimezone(UTC)
        found = datetime.fromisoformat(value.replace("Z", "+00:00"))
        if found.tzinfo is None:
            raise ValueError
        return found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadFeature(place, value, "an instant as 2018-01-31T08:00:00Z, or a date") from None


def _save(request: HttpRequest, collection: Collection, edit: Edit | None, row: Row, *, removed: bool = False) -> None:
    """Keeps the record with its entry in the audit trail, and shows it in the index as soon as it is kept."""
    edit = edit or Edit(layer=collection.name, feature=row["feature"])
    for name in LAYER_COLUMNS:
        value = row[name]
        setattr(edit, name, "" if value is None and name in TEXT_FIELDS else Shape(value) if name == "geometry" else value)
    edit.removed, edit.edited_by = removed, request.user.username
    try:
        edit.save()
    except ValidationError as error:
        field, said = next(iter(error.message_dict.items()))
        raise BadFeature(field, row.get(field), "; ".join(said)) from None
    feature = row["feature"]
    transaction.on_commit(lambda: collection.index.edit(lambda: _newest(collection, feature)))


def _newest(collection: Collection, feature: str) -> tuple[pa.Table, list[str]]:
    """The feature as the records have it when the index is written, whoever was faster."""
    edit, schema = Edit.objects.get(layer=collection.name, feature=feature), collection.spec.table.schema
    if edit.removed:
        return schema.empty_table(), [feature]
    return pa.Table.from_pylist([edit.row(LAYER_COLUMNS)], schema=schema), []


TEXT_FIELDS = {*TEXTS, "stratum", "restricted_to", "details", "origin", "digest"}


def _answer(request: HttpRequest, collection: Collection, row: Row, crs: Served, status: int) -> HttpResponse:
    told = dict(row)
    for name in TIMES:
        told[name] = None if row[name] is None else round(row[name].timestamp() * 1e6)
    (text,) = geojson.texts([tuple(told[name] for name in geojson.COLUMNS)], crs, restricted=True)
    answer = HttpResponse(text, status=status, content_type=GEOJSON)
    answer.headers["ETag"] = etag(row["digest"], crs)
    answer.headers["Content-Crs"] = f"<{crs.uri}>"
    answer.headers["Cache-Control"] = "no-store"
    if status == 201:
        here = f"{base(request)}collections/{quote(collection.name)}/items/{quote(row['feature'], safe='')}"
        answer.headers["Location"] = here
    return answer
