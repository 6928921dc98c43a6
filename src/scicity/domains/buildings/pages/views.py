"""The pages of buildings: labels and ratings, a scheme, a data sheet, promises against what was measured, one building."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from scicity.cockpit import telling
from scicity.domains.buildings.pages import acting, asked, told
from scicity.kernel.district import ROOT_ZONE


def overview(request: HttpRequest) -> HttpResponse:
    """The labels in force at the end of a year with their shares, the schemes and the data sheets."""
    city = request.city
    years, zones = asked.label_years(city), city.rows("district.zone")
    zone = _zone(request, zones)
    year = _year(request, years) if years else None
    shares = asked.shares(city, year, zone) if year else []
    charts = [asked.share_chart(city, entry["scheme"], zone) for entry in shares]
    context = {
        "years": [str(one) for one in reversed(years)],
        "year": year,
        "zone": zone,
        "zones": zones,
        "shares": shares,
        "charts": [chart for chart in charts if chart],
        "labels": asked.held(city, year, zone) if year else [],
        "schemes": [{"row": row, "status": told.word(told.SCHEMES, row["scheme_status"])} for row in asked.schemes(city)],
        "sheets": asked.sheets(city),
        "promises": bool(asked.promise_years(city)),
    }
    return render(request, "buildings/overview.html", context)


def scheme(request: HttpRequest, scheme: str) -> HttpResponse:
    """A scheme: how its total is formed, its levels, categories and items, and the sheets that use it."""
    city = request.city
    row = next((one for one in asked.schemes(city) if one["label_scheme"] == scheme), None)
    if row is None:
        raise Http404(f"no scheme is called {scheme[:60]!r}")
    items = city.rows("buildings.scheme_item", where={"label_scheme": scheme}, order=["source_row"])
    categories = city.rows("buildings.scheme_category", where={"label_scheme": scheme}, order=["source_row"])
    context = {
        "scheme": row,
        "status": told.word(told.SCHEMES, row["scheme_status"]),
        "rounding": told.word(told.ROUNDINGS, row["rounding"] or "none"),
        "levels": city.rows("buildings.scheme_level", where={"label_scheme": scheme}, order=["level_rank"]),
        "categories": [
            {"row": one, "items": [item for item in items if item["score_category"] == one["score_category"]]}
            for one in categories
        ],
        "kinds": told.KINDS,
        "items": items,
        "sheets": asked.sheets(city, label_scheme=scheme),
    }
    return render(request, "buildings/scheme.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def sheet(request: HttpRequest, sheet: str) -> HttpResponse:
    """A data sheet: what it says, its arithmetic, what fails and what the next level would take; and its form."""
    city = request.city
    entry = next(iter(asked.sheets(city, sheet=sheet)), None)
    if entry is None:
        raise Http404(f"no data sheet is called {sheet[:60]!r}")
    row = entry["row"]
    faults: dict[str, str] = {}
    if request.method == "POST":
        faults = acting.enter(request, row)
        if not faults:
            telling.done(request, "已保存；得分数秒后更新。", "Kept; scores follow within seconds.")
            return redirect("buildings:sheet", sheet=sheet)
    law = next(one for one in asked.schemes(city) if one["label_scheme"] == row["label_scheme"])
    lines = asked.sheet_lines(city, row)
    items = told.names_of([line["item"] for part in lines for line in part["lines"]], "score_item")
    categories = told.names_of([part["category"] for part in lines], "score_category")
    register = next(iter(city.rows("buildings.sheet", where={"sheet": sheet})), None)
    context = {
        "entry": entry,
        "register": register,
        "scheme": law,
        "rounding": told.word(told.ROUNDINGS, law["rounding"] or "none"),
        "lines": lines,
        "failing": told.listed(row["failing"], items, categories),
        "open": told.listed(row["open_items"], items, categories),
        "threshold": entry["following"],
        "levels": city.rows("buildings.scheme_level", where={"label_scheme": row["label_scheme"]}, order=["level_rank"]),
    }
    if request.user.has_perm("buildings.add_sheetentry"):
        context |= {"may": True, "faults": faults, "told": {name: request.POST.get(name, "") for name in acting.FIELDS}}
        context["asked_items"] = [line for part in lines for line in part["lines"]]
    return render(request, "buildings/sheet.html", context, status=422 if faults else 200)


def promises(request: HttpRequest) -> HttpResponse:
    """The promises of a year beside what was measured, ranked by how far they are behind."""
    city = request.city
    years, zones = asked.promise_years(city), city.rows("district.zone")
    if not years:
        return render(request, "buildings/promises.html", {"years": []})
    year, zone, known = _year(request, years), _zone(request, zones), asked.measures(city)
    counts = asked.counts(city, year, zone)
    there = {entry["row"]["promise_measure"] for entry in asked.counts(city, year, ROOT_ZONE)}
    measure, verdict = _choice(request, "measure", there), _choice(request, "verdict", told.VERDICTS)
    entries = asked.ranked(city, year, zone, measure, verdict)
    drawn = [key for key in ([measure] if measure else sorted(there)) if key in known]
    charts = [asked.ranked_chart([e for e in entries if e["row"]["promise_measure"] == key], known[key], year) for key in drawn]
    context: dict[str, Any] = {
        "years": [str(one) for one in reversed(years)],
        "year": year,
        "zone": zone,
        "zones": zones,
        "measure": measure,
        "measures": [row for key, row in known.items() if key in there],
        "verdict": verdict,
        "verdicts": told.VERDICTS.items(),
        "entries": entries,
        "counts": counts,
        "charts": [chart | {"id": f"promised-{key}"} for key, chart in zip(drawn, charts, strict=True) if chart],
        "known": known.values(),
    }
    return render(request, "buildings/promises.html", context)


def building(request: HttpRequest, building: str) -> HttpResponse:
    """One building: its labels, its data sheets, and what was promised of it beside what is measured."""
    city = request.city
    row = asked.buildings(city).get(building)
    if row is None:
        raise Http404(f"no building is called {building[:60]!r}")
    entries = asked.of_building(city, building)
    years = sorted({entry["row"]["year"] for entry in entries})
    year = _year(request, years) if years else None
    context = {
        "building": row,
        "labels": asked.labels_of(city, building),
        "sheets": asked.sheets(city, building=building),
        "entries": entries,
        "years": [str(one) for one in reversed(years)],
        "year": year,
        "charts": asked.to_date_charts(city, building, year) if year else [],
        "stated": city.rows("buildings.promise_stated", where={"building": building}, order=["promise_measure", "first_day"]),
        "measures": asked.measures(city),
    }
    return render(request, "buildings/building.html", context)


def _year(request: HttpRequest, years: list[int]) -> int:
    wanted = request.GET.get("year", "")
    return int(wanted) if wanted in map(str, years) else years[-1]


def _zone(request: HttpRequest, zones: list[Any]) -> str:
    return _choice(request, "zone", {row["zone"] for row in zones}) or ROOT_ZONE


def _choice(request: HttpRequest, name: str, choices: Any) -> str:
    wanted = request.GET.get(name, "")
    return wanted if wanted in choices else ""
