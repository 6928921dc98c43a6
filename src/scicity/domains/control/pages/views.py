"""The pages of budgets: all of a year, and those of one scope."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from scicity.domains.control.pages import asked, telling


def overview(request: HttpRequest) -> HttpResponse:
    """Where each budget of a year stands: used, forecast with its interval, days left, status."""
    city = request.city
    years = asked.years(city)
    may = request.user.has_perm("control.add_budget")
    if not years:
        return render(request, "control/overview.html", {"years": [], "may": may})
    year = _year(request, years, asked.year_shown(city))
    states = asked.states(city, year)
    context = {
        "years": [str(each) for each in years],
        "year": year,
        "cards": [entry for entry in states if entry["row"]["scope_kind"] == asked.WHOLE],
        "states": states,
        "standing": sum(entry["state"] in telling.UNSETTLED for entry in telling.shown(city, telling.current(city))),
        "may": may,
    }
    return render(request, "control/overview.html", context)


def scope(request: HttpRequest, kind: str, scope: str) -> HttpResponse:
    """The budgets of one scope: their burn-down, how the forecast came about, and how far such forecasts were off."""
    city = request.city
    name = asked.names(city).get((kind, scope))
    if name is None:
        raise Http404("no such scope of a budget")
    key = {"scope_kind": kind, "scope": scope}
    years = sorted({row["year"] for row in city.rows("control.budget_state", ["year"], key)}, reverse=True)
    context = {"name": name, "kind": asked.KINDS[kind], "key": key, "may": request.user.has_perm("control.add_budget")}
    if not years:
        return render(request, "control/scope.html", {**context, "years": []})
    year = _year(request, years, asked.year_shown(city))
    measures = asked.measures(city)
    states = [
        entry for entry in asked.states(city, year) if entry["row"]["scope"] == scope and entry["row"]["scope_kind"] == kind
    ]
    budgets = []
    for number, entry in enumerate(states):
        measure = entry["row"]["budget_measure"]
        rows = city.rows("control.burn_down_monthly", where={**key, "budget_measure": measure, "year": year}, order=["month"])
        before = city.rows(
            "control.outlook_error", where={**key, "budget_measure": entry["row"]["use_measure"]}, order=["-month"], limit=24
        )
        budgets.append(
            {
                **entry,
                "burn": asked.burn_down(rows, measures[measure], number),
                "outlook": asked.outlook(rows, measures[measure], number),
                "before": [row for row in before if row["month"].year < year][:12],
            }
        )
    in_force = {row["budget_measure"]: row for row in city.rows("control.budget_in_force", where={**key, "year": year})}
    for entry in budgets:
        entry["in_force"] = in_force.get(entry["row"]["budget_measure"])
    warnings = city.rows("control.warning", where=key, order=["-since"], limit=20)
    context |= {"years": [str(each) for each in years], "year": year, "budgets": budgets}
    return render(request, "control/scope.html", {**context, "warnings": telling.shown(city, warnings)})


def _year(request: HttpRequest, years: list[int], default: int | None) -> int:
    wanted = request.GET.get("year", "")
    return int(wanted) if wanted in map(str, years) else default if default in years else years[0]
