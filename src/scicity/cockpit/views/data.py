"""The tables: what is declared, what is computed, at which versions."""

from __future__ import annotations

from itertools import islice
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from scicity.cockpit.city import OpenCity
from scicity.cockpit.opening import is_figure
from scicity.cockpit.templatetags.words import title_of
from scicity.cockpit.views.why import kind_of
from scicity.kernel.tables import PLACE, Table
from scicity.vocabulary import term

PAGE = 50
SHOWN_COMMITS = 20
_counted: dict[tuple[str, int], int] = {}


def tables(request: HttpRequest) -> HttpResponse:
    """All tables by kind, with version, rows and when they were last written."""
    states = [state_of(request.city, table) for _, table in sorted(request.city.figures.catalog.tables.items())]
    groups = [(kind, [state for state in states if state["kind"] == kind]) for kind in ("derived", "register", "reading")]
    written = [state["written"] for state in states if state["written"]]
    return render(request, "cockpit/data.html", {"groups": groups, "newest": max(written, default=None)})


def table(request: HttpRequest, name: str) -> HttpResponse:
    """One table: its declaration, what it reads and what reads it, its versions, its rows page by page."""
    city: OpenCity = request.city
    if name not in city.figures.catalog.tables:
        raise Http404(f"no table is called {name[:80]!r}")
    declared = city.figures.catalog[name]
    state = state_of(city, declared)
    pages = max(1, -(-state["rows"] // PAGE))
    asked = request.GET.get("page", "1")
    page = min(max(int(asked), 1), pages) if asked.isascii() and asked.isdigit() and len(asked) < 9 else 1
    rows = page_of(city, declared, page)
    names = [*declared.grain, *(n for n in declared.columns if n not in declared.grain)]
    context = {
        "state": state,
        "declared": declared,
        "terms": [(term(column), column in declared.grain) for column in declared.columns],
        "reads": sorted({read.table for read in getattr(declared, "reads", {}).values()}),
        "readers": sorted(t.name for t in city.figures.catalog.derived if any(read.table == name for read in t.reads.values())),
        "commits": list(islice(city.figures.lake.newest_first(name), SHOWN_COMMITS)),
        "columns": [(column, is_figure(declared.grain, column)) for column in names],
        "placed": state["kind"] == "register",
        "rows": rows,
        "page": page,
        "pages": pages,
    }
    return render(request, "cockpit/table.html", context)


def page_of(city: OpenCity, declared: Table, page: int) -> list[Any]:
    """One page of a table's rows in the order of its grain."""
    end = page * PAGE
    return list(city.rows(declared.name, order=declared.grain, limit=end)[end - PAGE :])


def state_of(city: OpenCity, declared: Table) -> dict[str, Any]:
    """What the lake holds of a table; `written` is when the newest version was."""
    lake = city.figures.lake
    version = lake.snapshot(declared.name).version
    return {
        "name": declared.name,
        "title": title_of(declared),
        "kind": kind_of(declared),
        "doc": declared.doc.partition("\n\n")[0],
        "version": version,
        "written": lake.store.written(declared.name, version) if version >= 0 else None,
        "rows": rows_in(city, declared, version) if version >= 0 else 0,
        "columns": [name for name in declared.columns if name not in PLACE.names],
    }


def rows_in(city: OpenCity, declared: Table, version: int) -> int:
    """How many rows a version has; the files' footers tell, and versions never change."""
    key = (str(city.figures.lake.folder(declared.name)), version)
    if key not in _counted:
        relation = city.figures.engine.relation(declared, version, columns=declared.grain[:1])
        _counted[key] = city.figures.engine.sql(f"SELECT count(*) AS n FROM {relation}").column("n")[0].as_py()
    return _counted[key]
