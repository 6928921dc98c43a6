"""The pages of energy: a zone's year, and a building's."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from scicity.domains.energy.pages import asked
from scicity.domains.energy.pages.chosen import ROLES, chosen, item_names, tenant_names

HIGHEST = 5  # days of the highest peaks of a carrier


def energy(request: HttpRequest) -> HttpResponse:
    """A zone's year: by carrier, hour, day and month; where it goes; its buildings."""
    city, told = request.city, chosen(request)
    if told is None:
        return render(request, "energy/energy.html", {})
    zone, year, carrier = told.zone["zone"], told.year, told.carrier
    zh, en = told.name
    key = {"zone": zone, "carrier": carrier}
    rows = asked.carriers(city, zone, year)
    context = {
        "told": told,
        "zone": told.zone,
        "year": year,
        "years": told.years,
        "rows": [{"row": row, "name": asked.carrier_name(row["carrier"])} for row in rows],
        "profile": {
            **asked.profile(city, zone, carrier, year),
            "title": (f"{zh}：一日各时段用能", f"{en}: energy by hour of the day"),
            "note": ("各月同一时段之和", "the sum of each hour of the day over a month"),
        },
        "calendar": {
            **asked.calendar(city, "energy.zone_daily", key, year),
            "title": (f"{zh}：{year} 年逐日用能", f"{en}: daily energy of {year}"),
        },
        "months": {**asked.months(city, "energy.zone_monthly", {"zone": zone}, year), "title": ("逐月用能", "Energy by month")},
        "flows": {**asked.flows(city, year), "title": ("能源流向", "Where the energy goes")},
        "present": [asked.carrier_name(c) for c in asked.carriers_present(city, year)],
        "buildings": asked.buildings(city, zone, year),
        "cost": next(iter(city.rows("energy.zone_cost_yearly", where={**key, "year": year})), None),
    }
    return render(request, "energy/energy.html", context)


def building(request: HttpRequest, building: str) -> HttpResponse:
    """One building: its years, the months and days of one, and the hours of a day."""
    city = request.city
    row = next(iter(city.rows("buildings.building", where={"building": building})), None)
    if row is None:
        raise Http404(f"no building is called {building[:60]!r}")
    yearly = city.rows("energy.consumption_yearly", where={"building": building}, order=["-year", "carrier"])
    years = sorted({r["year"] for r in yearly})
    if not years:
        return render(request, "energy/building.html", {"building": row, "yearly": []})
    full = [r["year"] for r in yearly if (r["coverage"] or 0) >= asked.FULL]
    year = _year(request, years, max(full or years))
    carriers = [c for c in asked.CARRIERS if any(r["carrier"] == c and r["year"] == year for r in yearly)]
    calendars = [
        {
            **asked.calendar(city, "energy.consumption_daily", {"building": building, "carrier": carrier}, year),
            "id": f"calendar-{carrier}",
            "title": tuple(f"{name} {year}" for name in asked.carrier_name(carrier)),
        }
        for carrier in carriers
    ]
    day = asked.day_or(request.GET.get("day", ""), date(year, 6, 1))
    loads = city.rows("energy.load_daily", where={"building": building})
    names, tenants = item_names(city), tenant_names(city)
    context = {
        "building": row,
        "yearly": [{"row": r, "name": asked.carrier_name(r["carrier"])} for r in yearly],
        "years": [str(y) for y in reversed(years)],
        "year": year,
        "months": {
            **asked.months(city, "energy.consumption_monthly", {"building": building}, year),
            "title": (f"{year} 年逐月用能", f"Energy by month, {year}"),
        },
        "calendars": calendars,
        "day": day.isoformat(),
        "hours": {**asked.day_of(city, building, day), "title": (f"{day} 逐时用能", f"Energy by hour, {day}")},
        "meters": _meters(city, building),
        "parts": [
            {"row": r, "name": tenants.get(r["enterprise"]), "carrier": asked.carrier_name(r["carrier"])}
            for r in city.rows("energy.part_yearly", where={"building": building, "year": year})
        ],
        "items": [
            {"row": r, "name": names.get(r["sub_item"]), "carrier": asked.carrier_name(r["carrier"])}
            for r in city.rows("energy.sub_item_yearly", where={"building": building, "year": year})
        ],
        "costs": city.rows("energy.cost_total_yearly", where={"building": building, "year": year}),
        "peaks": [
            {"row": r, "carrier": asked.carrier_name(r["carrier"])}
            for carrier in carriers
            for r in _highest(loads, carrier, year)
        ],
    }
    return render(request, "energy/building.html", context)


def _year(request: HttpRequest, years: list[int], default: int | None) -> int:
    wanted = request.GET.get("year", "")
    return int(wanted) if wanted in map(str, years) else default or years[-1]


def _meters(city: Any, building: str) -> list[dict[str, Any]]:
    """The meters of a building, and its virtual ones."""
    here = {row["meter"] for row in city.rows("energy.installation", where={"building": building})}
    found = [
        {"row": row, "role": ROLES.get(row["role"], (row["role"],) * 2), "carrier": asked.carrier_name(row["carrier"])}
        for row in city.rows("energy.meter", where={"meter": sorted(here)}, order=["meter"])
    ]
    virtual = city.rows("energy.virtual_in_force", where={"building": building}, order=["meter", "valid_from"])
    last = {row["meter"]: row for row in virtual}
    return found + [
        {"row": row, "role": ("虚拟表", "virtual meter"), "carrier": asked.carrier_name(row["carrier"])}
        for row in last.values()
    ]


def _highest(loads: list[Any], carrier: str, year: int) -> list[Any]:
    """The days of a year on which a carrier's load was highest."""
    known = [r for r in loads if r["carrier"] == carrier and r["day"].year == year and r["peak_power"] is not None]
    return sorted(known, key=lambda r: (-r["peak_power"], r["day"]))[:HIGHEST]
