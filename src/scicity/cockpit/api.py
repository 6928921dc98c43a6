"""The JSON API: figures, what they came from, and tables; the domains add routers of their own."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import NinjaAPI, Schema
from ninja.errors import HttpError

from scicity.cockpit import discovery
from scicity.cockpit.views.why import WRONG
from scicity.kernel.lineage import Evidence, Figure
from scicity.vocabulary import term

MOST_ROWS = 10_000
api = NinjaAPI(title="SciCity", version="1", description="Figures, their origins and tables of one district.")


class FigureOut(Schema):
    """A figure. A null value is unknown; decimals come as text, so that no digit is lost."""

    address: str
    table: str
    column: str
    zh: str
    en: str
    key: dict[str, str | int | None]
    value: float | int | str | bool | None
    unit: str
    symbol: str
    version: int
    coverage: float | None
    stand_in: bool | None
    origin: str | None


class InputOut(Schema):
    """One input of a figure: which rows of which table at which version, the first 50 of them."""

    name: str
    table: str
    kind: str
    version: int
    total: int
    how: str
    figures: list[list[FigureOut]]
    rows: list[dict[str, str | int | float | bool | None]]


class WhyOut(Schema):
    """A figure opened by one step; each figure below can be asked in turn."""

    figure: FigureOut
    method: str
    formula: str
    code: str
    written: int
    place: str
    retired: str | None
    inputs: list[InputOut]


def plain(value: Any) -> Any:
    """A cell as JSON has it."""
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)


def figure_out(figure: Figure) -> dict[str, Any]:
    """A figure as FigureOut."""
    word = term(figure.column)
    return {
        **{name: getattr(figure, name) for name in ("address", "table", "column", "symbol", "version", "stand_in", "origin")},
        "zh": word.zh,
        "en": word.en,
        "unit": word.unit,
        "key": {name: plain(value) for name, value in figure.key.items()},
        "value": plain(figure.value),
        "coverage": None if figure.coverage is None else float(figure.coverage),
    }


def input_out(evidence: Evidence) -> dict[str, Any]:
    """An input as InputOut."""
    return {
        **{name: getattr(evidence, name) for name in ("name", "kind", "version", "total", "how")},
        "table": evidence.table.name,
        "figures": [[figure_out(figure) for figure in row.figures] for row in evidence.rows],
        "rows": [{name: plain(value) for name, value in row.items()} for row in evidence.rows],
    }


@api.get("/figures/{path:address}", response=FigureOut, summary="One figure by its address")
def figure(request: HttpRequest, address: str) -> dict[str, Any]:
    """One figure, e.g. `energy.zone_yearly.energy/zone=district/carrier=electricity/year=2021`, `@version` behind it."""
    try:
        return figure_out(request.city.figures.figure(address))
    except WRONG as error:
        raise HttpError(404, str(error)[:300]) from None


@api.get("/why/{path:address}", response=WhyOut, summary="A figure opened by one step")
def why(request: HttpRequest, address: str) -> dict[str, Any]:
    """What a figure came from: method, code, versions, and the rows that it was computed from."""
    try:
        opened = request.city.figures.why(address)
    except WRONG as error:
        raise HttpError(404, str(error)[:300]) from None
    return {
        "figure": figure_out(opened.figure),
        "inputs": [input_out(evidence) for evidence in opened.inputs],
        "retired": opened.retired.said(opened.figure.table) if opened.retired else None,
        **{name: getattr(opened, name) for name in ("method", "formula", "code", "written", "place")},
    }


@api.get("/tables", summary="All tables with their columns and versions")
def tables(request: HttpRequest) -> list[dict[str, Any]]:
    """Every declared table; version -1 has not been computed."""
    city = request.city
    return [
        {
            "name": table.name,
            "zh": table.title_zh,
            "en": table.title_en,
            "grain": table.grain,
            "columns": [{"name": c, "unit": term(c).unit, "type": term(c).type} for c in table.columns],
            "version": city.figures.lake.snapshot(table.name).version,
        }
        for _, table in sorted(city.figures.catalog.tables.items())
    ]


@api.get("/tables/{name}", summary="Rows of a table")
def rows(request: HttpRequest, name: str, limit: int = 1000) -> dict[str, Any]:
    """The first rows of a table in the order of its grain; other arguments are columns that must have that value."""
    city = request.city
    if name not in city.figures.catalog.tables:
        raise HttpError(404, f"no table is called {name[:80]!r}")
    declared = city.figures.catalog[name]
    where: dict[str, Any] = {}
    for column, text in request.GET.items():
        if column == "limit":
            continue
        if column not in declared.columns:
            raise HttpError(422, f"{name} has no column {column[:60]!r}")
        where[column] = int(text) if term(column).type == "integer" and text.lstrip("-").isdecimal() else text
    try:
        found = city.figures.rows(name, where=where, limit=min(max(limit, 0), MOST_ROWS))
    except WRONG as error:
        raise HttpError(422, str(error)[:300]) from None
    version = city.figures.lake.snapshot(name).version
    return {"table": name, "version": version, "rows": [{n: plain(v) for n, v in row.items()} for row in found]}


for _domain in discovery.domains():
    _module = discovery.module(_domain, "api")
    if _module is not None and hasattr(_module, "router"):
        api.add_router(f"/{_domain}/", _module.router, tags=[_domain])
