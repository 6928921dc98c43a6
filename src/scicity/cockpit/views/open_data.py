"""Open data: the page that lists the datasets, their files, and the catalogue. The same for everybody: what a stranger may see.

Nothing is made twice: a file is kept in memory as long as the tables that it is of stay as they are, and who has it is answered
304 by its ETag before anything is read.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import get_conditional_response
from django.utils.http import http_date, quote_etag
from django.views.decorators.http import require_safe

from scicity.cockpit.ogc.dcat import catalogued
from scicity.opendata import dcat, files, forms, sdmx
from scicity.opendata import open_sdg as sets
from scicity.opendata.datasets import Dataset, columns_of, named, offered, spans, state_of, word
from scicity.opendata.public import domains_of, seen_by_all
from scicity.reports import document
from scicity.vocabulary import TERMS

AGE = 300  # seconds for which a copy may be used without asking again
KEPT = 64  # files
MOST_LINES = 10_000  # of one page of JSON
MEDIA = {form: media for form, (_, media, _, _) in dcat.DISTRIBUTIONS.items()}
PROGRAM = hashlib.sha256(TERMS.read_bytes()).hexdigest()[:8]  # other words, other files
_kept: dict[tuple[Any, ...], bytes] = {}
_lock = threading.Lock()


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The datasets with their files, columns and states."""
    city, base = _seen(request)
    sizes = _sizes(city, base)
    settings = city.district.settings.get("open_data", {})
    found = []
    for each in offered(city, domains_of(city)):
        begin, end = spans(city, each)
        links = [
            {"form": form, "name": dcat.DISTRIBUTIONS[form][0], "size": str(-(-sizes[each.name, form] // 1024))}
            for form in dcat.DISTRIBUTIONS
        ]
        columns = [{"name": name, "said": word(name)} for name in columns_of(each)]
        found.append(
            {"dataset": each, "title": (each.zh, each.en), "begin": begin, "end": end, "links": links, "columns": columns,
             "at": state_of(city, each)[1]}
        )  # fmt: skip
    publisher = settings.get("publisher") or {}
    context = {
        "datasets": found,
        "license": str(settings.get("license") or ""),
        "contact": str(settings.get("contact") or ""),
        "publisher": (publisher.get("zh") or city.district.name("zh"), publisher.get("en") or city.district.name("en")),
        "has_indicators": any(each["dataset"].name == "indicators" for each in found),
    }
    return render(request, "cockpit/open_data.html", context)


@require_safe
def dataset(request: HttpRequest, name: str, form: str) -> HttpResponse:
    """A dataset as CSV, JSON or SDMX-CSV. JSON is paged by `limit` and `offset`, with a link to the next page."""
    city, _ = _seen(request)
    found = named(city, name, domains_of(city))
    if found is None or form not in MEDIA:
        raise Http404(f"no open data are called {name[:40]!r}.{form[:10]!r}")
    state, at = state_of(city, found)
    if form == "json" and {"limit", "offset"} & set(request.GET):
        return _json_page(request, city, found, state, at)

    def make() -> bytes:
        return files.made(city, found, form)

    return _answer(request, (name, form, state), at, make, MEDIA[form], f"{city.district.slug}-{name}.{form}")


def _json_page(request: HttpRequest, city: Any, found: Dataset, state: str, at: datetime) -> HttpResponse:
    offset, limit = (_number(request.GET.get(key, ""), usual) for key, usual in (("offset", 0), ("limit", MOST_LINES)))
    if offset is None or limit is None or limit < 1:
        return HttpResponse('{"error": "limit and offset are whole numbers"}\n', status=400, content_type="application/json")
    limit = min(limit, MOST_LINES)
    content = forms.as_json(city, found, offset, limit)
    total = int(content.split(b'"total": ', 1)[1].split(b",", 1)[0])
    answer = _answer(request, (found.name, "json", state, offset, limit), at, lambda: content, MEDIA["json"], "")
    if offset + limit < total:
        following = request.build_absolute_uri(f"{request.path}?{urlencode({'offset': offset + limit, 'limit': limit})}")
        answer.headers["Link"] = f'<{following}>; rel="next"'
    return answer


def _number(text: str, usual: int) -> int | None:
    if not text:
        return usual
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


@require_safe
def catalogue(request: HttpRequest) -> HttpResponse:
    """The catalogue as DCAT in JSON-LD."""
    city, base = _seen(request)
    datasets = offered(city, domains_of(city))
    layers = catalogued(request.city, base.removesuffix("/open-data"))
    key = ("catalogue", base, *_states(city, datasets), repr(layers))
    return _answer(
        request,
        key,
        _newest(city, datasets),
        lambda: dcat.catalogue(city, datasets, base, _sizes(city, base), layers),
        "application/ld+json",
        "catalog.jsonld",
    )


@require_safe
def structure(request: HttpRequest) -> HttpResponse:
    """The data structures of the datasets as SDMX-ML 3.0."""
    city, _ = _seen(request)
    datasets = offered(city, domains_of(city))
    key = ("structure", *_states(city, datasets))
    kind = "application/vnd.sdmx.structure+xml; version=3.0.0"
    return _answer(request, key, _newest(city, datasets), lambda: sdmx.structure(city, datasets), kind, "structure.xml")


@require_safe
def open_sdg(request: HttpRequest) -> HttpResponse:
    """The indicators for Open SDG as one archive."""
    city, base = _seen(request)
    found = named(city, "indicators", domains_of(city))
    if found is None:
        raise Http404("there are no values of indicators")
    state, at = state_of(city, found)

    def make() -> bytes:
        return sets.zipped(files.open_sdg_set(city, domains_of(city), base))

    return _answer(request, ("open-sdg", base, state), at, make, "application/zip", f"{city.district.slug}-open-sdg.zip")


def _seen(request: HttpRequest) -> tuple[Any, str]:
    """The city as a stranger sees it, and the address below which the files lie."""
    try:
        base = document.address_of(request.city)
    except document.NoAddress:
        base = ""
    return seen_by_all(request.city), (base or request.build_absolute_uri("/").rstrip("/")) + "/open-data"


def _states(city: Any, datasets: list[Dataset]) -> tuple[str, ...]:
    return tuple(state_of(city, each)[0] for each in datasets)


def _newest(city: Any, datasets: list[Dataset]) -> datetime:
    return max((state_of(city, each)[1] for each in datasets), default=datetime(1970, 1, 1, tzinfo=UTC))


def _sizes(city: Any, base: str) -> dict[tuple[str, str], int]:
    """The bytes of each file; what is not kept is made."""
    found = {}
    for each in offered(city, domains_of(city)):
        state, _ = state_of(city, each)
        for form in dcat.DISTRIBUTIONS:
            found[each.name, form] = len(
                _content((each.name, form, state), lambda each=each, form=form: files.made(city, each, form))
            )
    return found


def _content(key: tuple[Any, ...], make: Callable[[], bytes]) -> bytes:
    content = _kept.get(key)
    if content is None:
        content = make()
        with _lock:
            _kept[key] = content
            while len(_kept) > KEPT:
                _kept.pop(next(iter(_kept)))
    return content


def _answer(
    request: HttpRequest, key: tuple[Any, ...], at: datetime, make: Callable[[], bytes], kind: str, name: str
) -> HttpResponse:
    """A file, or 304 for who has it already."""
    etag = quote_etag(hashlib.sha256(repr((PROGRAM, *key)).encode()).hexdigest()[:24])
    answer = get_conditional_response(request, etag=etag, last_modified=int(at.timestamp()))
    if answer is None:
        answer = HttpResponse(_content(key, make), content_type=kind if "charset" in kind or "zip" in kind else f"{kind}")
        if name:
            answer.headers["Content-Disposition"] = f'inline; filename="{name}"'
    answer.headers["ETag"] = etag
    answer.headers["Last-Modified"] = http_date(at.timestamp())
    answer.headers["Cache-Control"] = f"public, max-age={AGE}"
    answer.headers["Access-Control-Allow-Origin"] = "*"
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return answer
