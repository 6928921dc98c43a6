"""The reports of months and years, and the form of building energy data: which there are, and the files."""

from __future__ import annotations

import threading
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from scicity.cockpit.city import OpenCity
from scicity.cockpit.templatetags.words import language
from scicity.reports import building_energy as form_of_buildings
from scicity.reports import document
from scicity.reports.declared import SECTIONS
from scicity.reports.fonts import NoFont
from scicity.reports.period import Listed, NoPeriod, Period, listed
from scicity.reports.words import NAMED

LANGUAGES = (
    {"language": "zh", "name": ("中文", "Chinese")},
    {"language": "en", "name": ("英文", "English")},
)
FORMS = ({"form": "pdf", "name": "PDF"}, {"form": "xlsx", "name": "Excel"})
KEPT = 6  # files; a report is often fetched twice
READ = sorted({section.table for section in SECTIONS} | set(NAMED.values()))
_kept: dict[tuple[Any, ...], bytes] = {}
_one_by_one = threading.Lock()  # typesetting takes a processor for a second or two


def page(request: HttpRequest) -> HttpResponse:
    """The years and months, whether each is closed, and the files of each."""
    years: dict[int, dict[str, Any]] = {}
    for each in listed(request.city):
        year = years.setdefault(each.period.year, {"year": str(each.period.year), "months": [], "own": None})
        if each.period.number:
            year["months"].append(_entry(each))
        else:
            year["own"] = _entry(each)
    own = language()
    languages = sorted(LANGUAGES, key=lambda each: each["language"] != own)  # the reader's own first
    return render(request, "cockpit/reports.html", {"years": list(years.values()), "languages": languages, "forms": FORMS})


def _entry(each: Listed) -> dict[str, Any]:
    period = each.period
    name = (period.name("zh"), period.name("en"))
    return {"period": str(period), "name": name, "act": each.act, "by_year": bool(each.act) and len(each.act.period) == 4}


def report(request: HttpRequest, period: str, spoken: str, form: str) -> HttpResponse:
    """The report of a period in a language, as PDF or Excel."""
    city: OpenCity = request.city
    if spoken not in ("zh", "en") or form not in document.FORMS:
        raise Http404(f"no report is called {spoken[:10]!r}.{form[:10]!r}")
    domains = None if city.public is None or request.user.is_authenticated else frozenset(city.public)
    try:
        wanted = Period.of(period)
        address = document.address_of(city) or request.build_absolute_uri("/").rstrip("/")
        key = (wanted, spoken, form, address, domains, *_state(city))
        with _one_by_one:
            content = _kept.get(key) if request.scope is None else None  # who sees a part gets a report of its own each time
            content = content or document.written(city, wanted, spoken, form, address, domains)
            if request.scope is None:
                _keep(key, content)
    except NoPeriod as error:
        raise Http404(str(error)) from None
    except (NoFont, document.NoAddress) as error:
        return render(request, "cockpit/reports.html", {"years": [], "failed": str(error)}, status=503)
    return _file(content, document.FORMS[form], document.name_of(city, wanted, spoken, form))


def building_energy(request: HttpRequest, year: str, form: str) -> HttpResponse:
    """The form of building energy data of a year, as CSV or XML."""
    if form not in form_of_buildings.FORMS:
        raise Http404(f"no form is called {form[:10]!r}")
    try:
        wanted = Period.of(year)
        if wanted.number:
            raise NoPeriod("the form is of a year")
        content = form_of_buildings.written(request.city, wanted.year, form)
    except NoPeriod as error:
        raise Http404(str(error)) from None
    name = f"{request.city.district.slug}-building-energy-{wanted}.{form}"
    return _file(content, form_of_buildings.FORMS[form], name)


def _state(city: OpenCity) -> tuple[Any, ...]:
    """The versions of all that a report can read, and the acts of closing."""
    tables = city.figures.catalog.tables
    versions = tuple(city.figures.lake.snapshot(name).version for name in READ if name in tables)
    return (str(city.figures.lake.root), versions, len(city.closings.acts()))


def _keep(key: tuple[Any, ...], content: bytes) -> None:
    _kept.pop(key, None)
    _kept[key] = content
    while len(_kept) > KEPT:
        _kept.pop(next(iter(_kept)))


def _file(content: bytes, kind: str, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-cache"}
    return HttpResponse(content, content_type=kind, headers=headers)
