"""A figure opened: formula, methods, factors, tables and readings, each figure below linking on."""

from __future__ import annotations

from typing import Any

import duckdb
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from scicity.closing import Correction
from scicity.cockpit.city import OpenCity
from scicity.cockpit.opening import is_figure, methods_of, path_of
from scicity.kernel.lineage import Evidence, Why
from scicity.kernel.tables import PLACE, READING_PREFIX, Derived, Table
from scicity.vocabulary import term

LONGEST_PATH = 12
ROWS_OF_ONE_INPUT = 1_000
# What an address can do wrong: name nothing, hold a number that no column holds, or a text that DuckDB refuses to bind.
WRONG = (LookupError, ValueError, OverflowError, duckdb.Error)


def why(request: HttpRequest, address: str) -> HttpResponse:
    """The page of one figure. `?via=` holds the addresses that led here; `?input=` shows all rows of one input."""
    city: OpenCity = request.city
    try:
        opened = city.figures.why(address)
    except WRONG as error:
        raise Http404(str(error)[:300]) from None
    chosen = request.GET.get("input", "")
    # A table over all properties reads many tables of readings, of which a row comes from one.
    some = any(each.kind == "reading" and each.total for each in opened.inputs)
    inputs = [each for each in opened.inputs if each.total or each.kind != "reading" or not some]
    if chosen:
        try:
            inputs = [city.figures.evidence(address, chosen, ROWS_OF_ONE_INPUT)]
        except WRONG as error:
            raise Http404(str(error)[:300]) from None
    trail = [step for step in request.GET.getlist("via") if step != address][-LONGEST_PATH:]
    methods = methods_of(city.figures.catalog[opened.figure.table])
    context = {
        "address": address,
        "opened": opened,
        "declared": city.figures.catalog[opened.figure.table],
        "term": term(opened.figure.column),
        "key": list(opened.figure.key.items()),
        "kind": kind_of(city.figures.catalog[opened.figure.table]),
        "methods": [method for method in methods if method.clauses],
        "steps": [method for method in methods if not method.clauses],
        "inputs": [shown(city, evidence) for evidence in inputs],
        "chosen": chosen,
        "formula": body_of(opened.formula),
        "via": [*trail, address],
        "crumbs": [(step, path_of(step), trail[:number]) for number, step in enumerate(trail)],
        "permanent": f"{opened.figure.address}@{opened.figure.version}",
        "newest": city.figures.lake.snapshot(opened.figure.table).version,
        "correction": correction_of(city, opened),
        "retired_code": opened.retired.code(opened.figure.table) if opened.retired else "",
        "other": [(name, opened.row[name]) for name in columns_of(opened) if opened.row[name] not in (None, "")],
    }
    return render(request, "cockpit/why.html", context)


def correction_of(city: OpenCity, opened: Why) -> Correction | None:
    """What is known otherwise of a closed figure, or None."""
    act = city.closings.closed().get(opened.figure.closed)
    return city.closings.standing(act).get(opened.figure.address) if act else None


def kind_of(table: Table) -> str:
    """derived, reading or register."""
    if isinstance(table, Derived):
        return "derived"
    return "reading" if table.name.startswith(READING_PREFIX) else "register"


def body_of(formula: str) -> str:
    """A function's text without its declaration as a table, which the page shows in words."""
    lines = formula.splitlines()
    first = next((number for number, line in enumerate(lines) if line.startswith("def ")), 0)
    return "\n".join(lines[first:])


def columns_of(opened: Why) -> list[str]:
    """The other columns of the figure's own row."""
    return [n for n in opened.row if n not in (*opened.figure.key, opened.figure.column, *PLACE.names)]


def shown(city: OpenCity, evidence: Evidence) -> dict[str, Any]:
    """An input as the page shows it: the columns that hold anything, key first, and which of them are figures."""
    table = evidence.table
    filled = [n for n in table.schema.names if n in table.grain or any(row.get(n) not in (None, "") for row in evidence.rows)]
    names = [*table.grain, *(n for n in filled if n not in table.grain and n not in PLACE.names)]
    newest = city.figures.lake.snapshot(table.name).version
    same = {name: evidence.rows[0][name] for name in names if alike(evidence, name)} if len(evidence.rows) > 1 else {}
    return {
        "name": evidence.name,
        "table": table,
        "kind": evidence.kind,
        "version": evidence.version,
        "newest": newest,
        "at": None if evidence.version == newest else evidence.version,
        "total": evidence.total,
        "hidden": evidence.hidden,
        "how": evidence.how,
        "columns": [(name, is_figure(table.grain, name)) for name in names if name not in same],
        "same": same,
        "placed": evidence.kind == "register",
        "rows": evidence.rows,
        "rest": evidence.total - len(evidence.rows),
    }


def alike(evidence: Evidence, name: str) -> bool:
    """Whether a column says the same of all rows and is no figure, so that saying it once is enough."""
    return not is_figure(evidence.table.grain, name) and len({row[name] for row in evidence.rows}) == 1
