"""The pages of energy: a zone's year, and a building's."""

from __future__ import annotations

from datetime import date

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from scicity.domains.energy.pages import asked

GAP_DAYS = 31


def energy(request: HttpRequest) -> HttpResponse:
    """A zone's year: by carrier, hour, day and month; where it goes; its buildings; the accounts of main and sub-meters."""
    city = request.city
    years = asked.years(city)
    if not years:
        return render(request, "energy/energy.html", {"years": []})
    zones = asked.zones(city)
    zone = request.GET.get("zone", asked.WHOLE)
    zone = zone if zone in zones else asked.WHOLE
    year = _year(request, years, asked.full_year(city))
    rows = asked.carriers(city, zone, year)
    carrier = request.GET.get("carrier", "")
    carrier = carrier if any(row["carrier"] == carrier for row in rows) else rows[0]["carrier"] if rows else "electricity"
    zh, en = asked.carrier_name(carrier)
    key = {"zone": zone, "carrier": carrier}
    context = {
        "years": [str(y) for y in reversed(years)],
        "year": year,
        "zones": list(zones.values()),
        "zone": zones[zone],
        "rows": [{"row": row, "name": asked.carrier_name(row["carrier"])} for row in rows],
        "carrier": carrier,
        "carriers": [(row["carrier"], asked.carrier_name(row["carrier"])) for row in rows],
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
        "gaps": city.rows("energy.gap_account", order=["-day", "meter"], limit=GAP_DAYS),
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
    day = _day(request.GET.get("day", ""), year)
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
    }
    return render(request, "energy/building.html", context)


def _year(request: HttpRequest, years: list[int], default: int | None) -> int:
    wanted = request.GET.get("year", "")
    return int(wanted) if wanted in map(str, years) else default or years[-1]


def _day(text: str, year: int) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return date(year, 6, 1)
