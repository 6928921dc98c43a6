"""OGC API - Features by HTTP: what is described, and features read. JSON for programs, pages for people."""

from __future__ import annotations

import hashlib
import threading
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import msgspec
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import get_conditional_response

from scicity.cockpit.ogc import editing, taking
from scicity.cockpit.ogc.asking import PLAIN, Asked, asked, crs_of, parameters
from scicity.cockpit.ogc.conformance import CONFORMS
from scicity.cockpit.ogc.described import (
    GEOJSON,
    HTML,
    JSON,
    OPENAPI,
    SCHEMA,
    base,
    both,
    described,
    landing,
    link,
    property_schema,
    queryables,
)
from scicity.cockpit.ogc.door import Refused, door, private, sent, wants_page
from scicity.cockpit.ogc.openapi import definition
from scicity.cockpit.ogc.serving import MOST_COUNTED, Collection, collection, collections
from scicity.cockpit.templatetags.words import language
from scicity.space import geojson
from scicity.space.index import Query

READ = ("GET", "HEAD")
SLOW = 0.004  # [s] behind which the properties of a filter are sorted
_quick: set[tuple[Any, ...]] = set()


def _reads(request: HttpRequest) -> None:
    if request.method not in READ:
        raise Refused(405, f"found {request.method}; expected GET", Allow="GET, HEAD, OPTIONS")


@door
def home(request: HttpRequest) -> HttpResponse:
    """The landing page."""
    _reads(request)
    parameters(request, PLAIN)
    return _told(request, landing(request), "ogc/landing.html", {"collections": collections(request)})


@door
def conformance(request: HttpRequest) -> HttpResponse:
    """What is answered."""
    _reads(request)
    parameters(request, PLAIN)
    return _told(request, {"conformsTo": CONFORMS}, "ogc/conformance.html")


@door
def api(request: HttpRequest) -> HttpResponse:
    """The definition of the service."""
    _reads(request)
    parameters(request, PLAIN)
    return _told(request, definition(request, collections(request)), "ogc/api.html", kind=OPENAPI)


@door
def all_collections(request: HttpRequest) -> HttpResponse:
    """The layers."""
    _reads(request)
    parameters(request, PLAIN)
    found = collections(request)
    told = {"links": both(f"{base(request)}collections"), "collections": [described(request, each) for each in found]}
    return _told(request, told, "ogc/collections.html", {"collections": found})


@door
def one_collection(request: HttpRequest, name: str) -> HttpResponse:
    """A layer."""
    _reads(request)
    found = collection(request, name)
    parameters(request, PLAIN)
    more = {"collection": found, "ledger": taking.shown_to(request)}
    return _told(request, described(request, found), "ogc/collection.html", more)


@door
def queryable(request: HttpRequest, name: str) -> HttpResponse:
    """The properties of a layer that can be asked for."""
    _reads(request)
    found = collection(request, name)
    parameters(request, PLAIN)
    return _told(request, queryables(request, found), "ogc/queryables.html", {"collection": found}, kind=SCHEMA)


@door
def items(request: HttpRequest, name: str) -> HttpResponse:
    """The features of a layer that fit; or a new one."""
    found = collection(request, name)
    if request.method == "OPTIONS":
        return _allowed(READ, ("POST",) if "add" in found.edits else ())
    if request.method == "POST":
        return editing.create(request, found)
    if request.method not in READ:
        raise Refused(405, f"found {request.method} of a collection; expected GET or POST", Allow="GET, HEAD, POST, OPTIONS")
    wanted = asked(request, found)
    state = _state(request, found, repr(wanted.told))
    answer = get_conditional_response(request, etag=state)
    if answer is None:
        answer = _page(request, found, wanted) if wants_page(request) else _collection(request, found, wanted)
    answer.headers["ETag"] = state
    return private(answer)


@door
def item(request: HttpRequest, name: str, feature: str) -> HttpResponse:
    """A feature; read, replaced, changed or deleted."""
    found = collection(request, name)
    if request.method == "OPTIONS":
        acts = {"change": ("PUT", "PATCH"), "delete": ("DELETE",)}
        return _allowed(READ, tuple(method for act, methods in acts.items() if act in found.edits for method in methods))
    acts_ = {"PUT": editing.replace, "PATCH": editing.update, "DELETE": editing.delete}
    if request.method in acts_:
        return acts_[request.method](request, found, feature)
    if request.method not in READ:
        raise Refused(405, f"found {request.method}; expected GET, PUT, PATCH or DELETE", Allow="GET, HEAD, PUT, PATCH, DELETE")
    crs = crs_of(request, found, (*PLAIN, "crs"))
    rows = found.index.find(Query(ids=[feature], seen=found.seen), (*geojson.COLUMNS, "digest"))
    if not rows:
        raise Refused(404, f"found the feature {feature[:60]!r}; expected one of {found.name}")
    taking.read(request, found, 1)
    here = f"{base(request)}collections/{quote(found.name)}/items/{quote(feature, safe='')}"
    if wants_page(request):
        told = msgspec.json.decode(geojson.texts([row[:-1] for row in rows], crs)[0])
        context = {"collection": found, "feature": feature, "told": told, "links": both(here, GEOJSON, "html")}
        return private(render(request, "ogc/item.html", context))
    etag = editing.etag(rows[0][-1], crs)
    answer = get_conditional_response(request, etag=etag)
    if answer is None:
        (text,) = geojson.texts([row[:-1] for row in rows], crs, restricted=bool(found.edits))
        links = [*both(here, GEOJSON), link(f"{base(request)}collections/{quote(found.name)}", "collection", JSON)]
        answer = HttpResponse(text[:-1] + b',"links":' + msgspec.json.encode(links) + b"}", content_type=GEOJSON)
        answer.headers["Content-Crs"] = f"<{crs.uri}>"
    answer.headers["ETag"] = etag
    return private(answer)


def _collection(request: HttpRequest, found: Collection, wanted: Asked) -> HttpResponse:
    kept = wanted.crs.code == 84 and not found.edits
    rows, more, matched = _found(found, wanted, kept=kept)
    if kept:
        texts = [row[0].encode() for row in rows]
    else:
        texts = geojson.texts([row[:-1] for row in rows], wanted.crs, restricted=bool(found.edits))
    taking.read(request, found, len(rows))
    here = f"{base(request)}collections/{quote(found.name)}"
    head: dict[str, Any] = {"numberReturned": len(rows)}
    if matched is not None:
        head["numberMatched"] = matched
    head["timeStamp"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    head["links"] = [
        link(f"{here}/items{wanted.address(f='json')}", "self", GEOJSON),
        link(f"{here}/items{wanted.address(f='html')}", "alternate", HTML),
        link(here, "collection", JSON),
    ]
    if more is not None:
        head["links"].append(link(f"{here}/items{wanted.address(after=str(more), offset=None)}", "next", GEOJSON))
    answer = HttpResponse(geojson.collection(texts, head), content_type=GEOJSON)
    answer.headers["Content-Crs"] = f"<{wanted.crs.uri}>"
    return answer


def _found(found: Collection, wanted: Asked, *, kept: bool = False) -> tuple[list[Any], int | None, int | None]:
    """The rows of a page with their numbers (`kept`: their texts, as they are kept, in place of columns), behind which number
    the next page begins, and how many features fit."""
    begun = time.monotonic()
    rows = _texts(found, wanted) if kept else found.index.find(wanted.page, (*geojson.COLUMNS, "fid"))
    more = rows[wanted.limit - 1][-1] if len(rows) > wanted.limit else None
    rows = rows[: wanted.limit]
    matched: int | None
    if more is None and wanted.after is None and (rows or not wanted.offset):
        matched = wanted.offset + len(rows)
    elif not wanted.conditions:
        matched = found.total()
    else:
        counted = found.index.count(wanted.query, MOST_COUNTED + 1)
        matched = counted if counted <= MOST_COUNTED else None
    if wanted.used and time.monotonic() - begun > SLOW:
        _quicken(found, wanted)
    return rows, more, matched


def _texts(found: Collection, wanted: Asked) -> list[tuple[str, int]]:
    """The texts of a page with their numbers; those of a great layer that are not kept are written now."""
    rows = found.index.told(wanted.page)
    if all(text is not None for _, text in rows):
        return [(str(text), fid) for fid, text in rows]
    written = found.index.find(wanted.page, (*geojson.COLUMNS, "fid"))
    texts = geojson.texts([row[:-1] for row in written], wanted.crs)
    return [(text.decode(), row[-1]) for text, row in zip(texts, written, strict=True)]


def _quicken(found: Collection, wanted: Asked) -> None:
    """Has what was slow to compare sorted, so that it is found at once from now on; beside the answers."""
    keys = [(found.index.file, found.index.about("form"), sql) for sql in wanted.used]
    fresh = [key for key in keys if key not in _quick]
    if not fresh:
        return
    _quick.update(fresh)
    index = found.index

    def run() -> None:
        for _, _, sql in fresh:
            index.quicken(sql)

    threading.Thread(target=run, name="quicken", daemon=True).start()


def _page(request: HttpRequest, found: Collection, wanted: Asked) -> HttpResponse:
    rows, more, matched = _found(found, wanted)
    texts = geojson.texts([row[:-1] for row in rows], wanted.crs)
    taking.read(request, found, len(rows))
    features = [msgspec.json.decode(text) for text in texts]
    shown = (
        [name for name in features[0]["properties"] if any(f["properties"].get(name) is not None for f in features)]
        if features
        else []
    )
    context = {
        "collection": found,
        "features": [
            (f["id"], [f["properties"].get(name) for name in shown[:12]], (f["geometry"] or {}).get("type", ""))
            for f in features
        ],
        "columns": [_head(found, name) for name in shown[:12]],
        "matched": matched,
        "next": wanted.address(after=str(more), offset=None) if more is not None else "",
        "told": dict(wanted.told),
        "json": wanted.address(f="json"),
    }
    return render(request, "ogc/items.html", context)


def _head(found: Collection, name: str) -> tuple[str, str, str]:
    """A property of the features: its name, what it is called, and its unit."""
    known = found.queryables.get(name)
    schema = property_schema(known) if known else {}
    return name, schema.get("title", name), schema.get("x-ogc-unit", "")


def _allowed(*methods: tuple[str, ...]) -> HttpResponse:
    names = ", ".join(name for part in (*methods, ("OPTIONS",)) for name in part)
    return private(HttpResponse(headers={"Allow": names}))


def _state(request: HttpRequest, found: Collection, more: str) -> str:
    seen = "all" if found.seen is None else " ".join(sorted(found.seen))
    said = (found.name, found.state, seen, sorted(found.edits), more, request.get_host(), wants_page(request), language())
    return f'W/"{hashlib.sha256(repr(said).encode()).hexdigest()[:24]}"'


def _told(
    request: HttpRequest, told: dict[str, Any], template: str, context: dict[str, Any] | None = None, kind: str = JSON
) -> HttpResponse:
    if wants_page(request):
        return private(render(request, template, {"told": told, **(context or {})}))
    return sent(request, told, kind)
