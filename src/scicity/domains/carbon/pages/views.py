"""The page of carbon: a zone's year by scope and carrier, the factors with their documents, what has no factor."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from scicity.domains.carbon.pages import asked


def carbon(request: HttpRequest) -> HttpResponse:
    """The emissions of a chosen zone and year (the whole district and the newest full year where none is chosen)."""
    city = request.city
    years = asked.years(city)
    if not years:
        return render(request, "carbon/carbon.html", {"years": []})
    zones = {row["zone"]: row for row in city.rows("district.zone")}
    zone = request.GET.get("zone", asked.WHOLE)
    zone = zone if zone in zones else asked.WHOLE
    wanted = request.GET.get("year", "")
    year = int(wanted) if wanted in map(str, years) else asked.full_year(city)
    context = {
        "years": [str(y) for y in reversed(years)],
        "year": year,
        "zones": list(zones.values()),
        "zone": zones[zone],
        "total": next(iter(city.rows("carbon.zone_total_yearly", where={"zone": zone, "year": year})), None),
        "carriers": asked.by_carrier(city, zone, year),
        "months": {**asked.months(city, zone, year), "title": (f"{year} 年逐月碳排放", f"Emissions by month, {year}")},
        "trend": {**asked.trend(city), "title": ("逐年碳排放", "Emissions by year")},
        "factors": asked.factors(city, year),
        "gaps": asked.gaps(city, year),
        "coal": asked.coal(city, zone, year),
        "buildings": asked.buildings(city, zone, year),
    }
    return render(request, "carbon/carbon.html", context)
