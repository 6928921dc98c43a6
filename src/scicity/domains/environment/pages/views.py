"""The page of the air: yearly means against the limits of each edition, good days, the AQI calendar, what the report said."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from scicity.domains.environment.pages import asked

NAMES = {
    "pm25": ("细颗粒物 PM2.5 年均值", "Fine particles PM2.5, yearly mean"),
    "pm10": ("可吸入颗粒物 PM10 年均值", "Particles PM10, yearly mean"),
    "no2": ("二氧化氮 NO₂ 年均值", "Nitrogen dioxide NO₂, yearly mean"),
    "so2": ("二氧化硫 SO₂ 年均值", "Sulphur dioxide SO₂, yearly mean"),
}


def air(request: HttpRequest) -> HttpResponse:
    """The air of a chosen station and year (the newest full one where none is chosen)."""
    city = request.city
    stations, years = asked.stations(city), asked.years(city)
    if not stations:
        return render(request, "environment/air.html", {"stations": []})
    station = next((s for s in stations if s["station"] == request.GET.get("station")), stations[0])
    wanted = request.GET.get("year", "")
    year = int(wanted) if wanted in map(str, years) else asked.full_year(city)
    calendar = asked.calendar(city, station["station"], year)
    title = (f"{station['name_zh']} {year} 年逐日空气质量指数", f"{station['name_en']}, daily air quality index of {year}")
    context = {
        "stations": stations,
        "years": [str(y) for y in reversed(years)],
        "station": station,
        "year": year,
        "charts": [{**asked.yearly(city, name), "title": NAMES[name]} for name in asked.WITH_YEARLY_LIMIT],
        "good_days": {**asked.good_days(city), "title": ("优良天数比例", "Share of good days")},
        "shares": asked.share_table(city),
        "names": {s["station"]: s for s in stations},
        "calendar": {**calendar, "title": title},
        "editions": list(asked.editions(city).values()),
        "attainment": asked.attainment(city, station["station"], year),
        "statements": asked.beside(city),
    }
    return render(request, "environment/air.html", context)
