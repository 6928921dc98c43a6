"""The pages of carbon: a zone's year, enterprises and their inventory, the district's inventory, certificates, plants."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language

from scicity.domains.carbon.pages import asked, entering, plants, whose, words


def carbon(request: HttpRequest) -> HttpResponse:
    """The emissions of a chosen zone and year (the whole district and the newest full year where none is chosen)."""
    city = request.city
    chosen = _chosen(request)
    if not chosen["years"]:
        return render(request, "carbon/carbon.html", {"years": []})
    zone, year = chosen["zone"]["zone"], chosen["year"]
    market = next(iter(city.rows("carbon.market_based_total", where={"year": year})), None) if zone == asked.WHOLE else None
    context = chosen | {
        "total": next(iter(city.rows("carbon.zone_total_yearly", where={"zone": zone, "year": year})), None),
        "market": market,
        "basis": plants.basis(city, market) if market else None,
        "carriers": asked.by_carrier(city, zone, year),
        "months": {**asked.months(city, zone, year), "title": (f"{year} 年逐月碳排放", f"Emissions by month, {year}")},
        "trend": {**asked.trend(city), "title": ("逐年碳排放", "Emissions by year")},
        "factors": asked.factors(city, year),
        "gaps": asked.gaps(city, year),
        "coal": asked.coal(city, zone, year),
        "owners": whose.by_enterprise(city, zone, year),
        "buildings": asked.buildings(city, zone, year),
    }
    return render(request, "carbon/carbon.html", context)


def enterprises(request: HttpRequest) -> HttpResponse:
    """The enterprises of a zone's year with their scopes, by location and by the market."""
    chosen = _chosen(request)
    if not chosen["years"]:
        return render(request, "carbon/enterprises.html", {"years": []})
    owners = whose.by_enterprise(request.city, chosen["zone"]["zone"], chosen["year"])
    return render(request, "carbon/enterprises.html", chosen | {"owners": owners})


def enterprise(request: HttpRequest, enterprise: str) -> HttpResponse:
    """One enterprise: its inventory in the form of the standard, its carriers, its electricity by the market."""
    city = request.city
    row = next(iter(city.rows("buildings.enterprise", where={"enterprise": enterprise})), None)
    if row is None:
        raise Http404(f"no enterprise is called {enterprise[:60]!r}")
    years = [
        r["year"] for r in city.rows("carbon.enterprise_total_yearly", where={"enterprise": enterprise, "zone": asked.WHOLE})
    ]
    context: dict[str, Any] = {"enterprise": row, "claims": words.claims(city, row["source"]), "years": _told(years)}
    if not years:
        return render(request, "carbon/enterprise.html", context)
    year = _year(request, years, asked.full_year(city))
    market = next(iter(city.rows("carbon.market_based_yearly", where={"enterprise": enterprise, "year": year})), None)
    context |= {
        "year": year,
        "form": whose.form(city, enterprise, year),
        "carriers": whose.carriers_of(city, enterprise, year),
        "market": market,
        "basis": plants.basis(city, market) if market else None,
        "months": {**whose.months(city, enterprise, year), "title": (f"{year} 年逐月碳排放", f"Emissions by month, {year}")},
    }
    return render(request, "carbon/enterprise.html", context)


def inventory(request: HttpRequest) -> HttpResponse:
    """The inventory of the district by sector and scope in the form of GPC."""
    city = request.city
    years = sorted({row["year"] for row in city.rows("carbon.inventory_gpc_total", ["year"])})
    if not years:
        return render(request, "carbon/inventory.html", {"years": []})
    year = _year(request, years, asked.full_year(city))
    context = {
        "years": _told(years),
        "year": year,
        "lines": whose.gpc(city, year),
        "totals": city.rows("carbon.inventory_gpc_total", where={"year": year}, order=["emission_scope"]),
    }
    return render(request, "carbon/inventory.html", context)


def certificates(request: HttpRequest) -> HttpResponse:
    """The ledger of certificates, the market-based accounts of a year, the green shares; and a form to enter an act."""
    city = request.city
    offered = entering.form(request)
    if request.method == "POST":
        faults = entering.enter(request)
        if not faults:
            return redirect("/carbon/certificates/?entered=1")
        offered = {**(offered or {}), "faults": faults}
    entered = {"form": offered, "entered": "entered" in request.GET}
    years = sorted({row["year"] for row in city.rows("carbon.market_based_total", ["year"])})
    acts = plants.ledger(city)
    if not years:
        return render(request, "carbon/certificates.html", {"years": [], "acts": acts, **entered})
    year = _year(request, years, asked.full_year(city))
    total = next(iter(city.rows("carbon.market_based_total", where={"year": year})), None)
    context = {
        **entered,
        "years": _told(years),
        "year": year,
        "total": total,
        "basis": plants.basis(city, total),
        "accounts": plants.green(city, year),
        "shares": {**plants.shares(city), "title": ("绿电比例：按年与按小时", "Green share: by the year and by the hour")},
        "acts": acts,
        "rules": city.rows("carbon.certificate_rule"),
    }
    return render(request, "carbon/certificates.html", context)


def cogeneration(request: HttpRequest) -> HttpResponse:
    """The plants of combined cooling, heating and power, and their fuel split by every method, side by side."""
    city = request.city
    years = sorted({row["year"] for row in city.rows("carbon.cogeneration_yearly", ["year"])})
    if not years:
        return render(request, "carbon/cogeneration.html", {"years": []})
    year = _year(request, years, asked.full_year(city))
    return render(
        request,
        "carbon/cogeneration.html",
        {"years": _told(years), "year": year, "plants": plants.plants(city, year, _language())},
    )


def changes(request: HttpRequest) -> HttpResponse:
    """Why the emissions of a year are others than a year before, and others than they were closed."""
    chosen = _chosen(request)
    if not chosen["years"]:
        return render(request, "carbon/changes.html", {"years": []})
    rows = plants.changes(request.city, chosen["zone"]["zone"], chosen["year"])
    return render(request, "carbon/changes.html", chosen | {"changes": rows, "since": plants.since_closed(request.city)})


def _chosen(request: HttpRequest) -> dict[str, Any]:
    """The zone and the year that are asked for, and those that there are."""
    city = request.city
    years = asked.years(city)
    if not years:
        return {"years": []}
    zones = {row["zone"]: row for row in city.rows("district.zone")}
    zone = request.GET.get("zone", asked.WHOLE)
    zone = zone if zone in zones else asked.WHOLE
    year = _year(request, years, asked.full_year(city))
    return {"years": _told(years), "year": year, "zones": list(zones.values()), "zone": zones[zone]}


def _language() -> str:
    return "zh" if (get_language() or "zh").startswith("zh") else "en"


def _told(years: list[int]) -> list[str]:
    return [str(year) for year in sorted(set(years), reverse=True)]


def _year(request: HttpRequest, years: list[int], default: int | None) -> int:
    wanted = request.GET.get("year", "")
    return int(wanted) if wanted in map(str, years) else default if default in years else max(years)
