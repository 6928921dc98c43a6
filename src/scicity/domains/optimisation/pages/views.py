"""The pages of optimisation: all stations with what was said of them, and one station's day."""

from __future__ import annotations

from datetime import date

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from scicity.domains.optimisation.pages import asked, charts


def board(request: HttpRequest) -> HttpResponse:
    """The stations: what their plans would have saved, how renewable their year is, and the report's statements beside it."""
    city = request.city
    stations = city.rows("optimisation.energy_station", order=["energy_station"])
    if not stations:
        return render(request, "optimisation/board.html", {"stations": []})
    horizon = next(iter(city.rows("optimisation.horizon")), None)
    context = {
        "stations": asked.stations(city, stations, horizon),
        "horizon": horizon,
        "claims": asked.claims(city, stations),
        "saving": charts.savings(city, stations),
        "unmet": asked.unmet(city),
    }
    return render(request, "optimisation/board.html", context)


def station(request: HttpRequest, station: str) -> HttpResponse:
    """One station: a day's dispatch, stores and prices, plan beside rule, the front of cost and carbon, and its units."""
    city = request.city
    row = next(iter(city.rows("optimisation.energy_station", where={"energy_station": station})), None)
    if row is None:
        raise Http404(f"no energy station is called {station[:60]!r}")
    days = asked.days(city, station)
    context = {
        "station": row,
        "days": [str(day) for day in days],
        "units": asked.units(city, station),
        "demands": city.rows("optimisation.station_demand", where={"energy_station": station}, order=["demand"]),
        "tariffs": asked.tariffs(city, station),
        "claims": asked.claims(city, [row]),
        "year": asked.year(city, station),
        "gaps": asked.gaps(city, station),
    }
    if days:
        day = _day(request.GET.get("day", ""), days)
        place = days.index(day)
        course = request.GET.get("course", "plan")
        course = course if course in asked.COURSES else "plan"
        context |= {
            "day": str(day),
            "before": str(days[place - 1]) if place else "",
            "after": str(days[place + 1]) if place + 1 < len(days) else "",
            "course": course,
            "courses": [(name, words) for name, words in asked.COURSES.items()],
            "saving": next(iter(city.rows("optimisation.plan_saving", where={"energy_station": station, "day": day})), None),
            "sums": asked.sums(city, station, day),
            **charts.day(city, station, day, course),
            "front": charts.front(city, station, day),
        }
    return render(request, "optimisation/station.html", context)


def _day(text: str, days: list[date]) -> date:
    """The day asked for, where it is planned; else the newest."""
    try:
        wanted = date.fromisoformat(text)
    except ValueError:
        return days[-1]
    return wanted if wanted in days else days[-1]
