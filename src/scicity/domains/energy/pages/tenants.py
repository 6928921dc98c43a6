"""The pages of enterprises: what each used in a year, and one of them with its buildings, meters, months, days and hours."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from scicity.domains.energy.pages import asked
from scicity.domains.energy.pages.chosen import BANDS, NODES, chosen, names_of, pair_of

NOBODYS = ("common", "unattributed")


def enterprises(request: HttpRequest) -> HttpResponse:
    """All enterprises with their energy of a year by carrier, and what belongs to none of them."""
    city, told = request.city, chosen(request)
    registered = city.rows("buildings.enterprise")
    if told is None or not registered:
        return render(request, "energy/enterprises.html", {})
    zone = told.zone["zone"]
    rows = {
        (row["enterprise"], row["carrier"]): row for row in city.rows("energy.enterprise_yearly", where={"year": told.year})
    }
    carriers = [carrier for carrier in asked.CARRIERS if any(carrier == each for _, each in rows)]
    found = [
        {"row": row, "cells": [rows.get((row["enterprise"], carrier)) for carrier in carriers]}
        for row in registered
        if zone in (asked.WHOLE, row["zone"])
    ]
    others = [
        {"name": NODES[word], "cells": [rows.get((word, carrier)) for carrier in carriers]}
        for word in NOBODYS
        if zone == asked.WHOLE and any((word, carrier) in rows for carrier in carriers)
    ]
    context = {
        "told": told,
        "enterprises": found,
        "others": others,
        "present": [asked.carrier_name(carrier) for carrier in carriers],
    }
    return render(request, "energy/enterprises.html", context)


def enterprise(request: HttpRequest, enterprise: str) -> HttpResponse:
    """One enterprise: its years, buildings and meters, the months and days of a year, the hours of a day, what it paid."""
    city, key = request.city, {"enterprise": enterprise}
    row = next(iter(city.rows("buildings.enterprise", where=key)), None)
    if row is None:
        raise Http404(f"no enterprise is called {enterprise[:60]!r}")
    yearly = city.rows("energy.enterprise_yearly", where=key, order=["-year", "carrier"])
    years = sorted({r["year"] for r in yearly})
    meters = city.rows("energy.membership", where=key, order=["meter", "valid_from"])
    if not years:
        return render(request, "energy/enterprise.html", {"enterprise": row, "yearly": [], "meters": meters})
    full = [r["year"] for r in yearly if (r["coverage"] or 0) >= asked.FULL]
    text = request.GET.get("year", "")
    year = int(text) if text in map(str, years) else max(full or years)
    carriers = [c for c in asked.CARRIERS if any(r["carrier"] == c and r["year"] == year for r in yearly)]
    day = asked.day_or(request.GET.get("day", ""), date(year, 6, 1))
    names = names_of(city, "buildings.building")
    months = [date(year, month, 1) for month in asked.MONTHS]
    context = {
        "enterprise": row,
        "yearly": [{"row": r, "name": asked.carrier_name(r["carrier"])} for r in yearly],
        "years": [str(y) for y in reversed(years)],
        "year": year,
        "parts": [
            {"row": r, "name": asked.carrier_name(r["carrier"]), "building": names.get(r["building"], (r["building"],) * 2)}
            for r in city.rows("energy.part_yearly", where={**key, "year": year}, order=["building", "carrier"])
        ],
        "meters": meters,
        "costs": [
            {"row": r, "band": BANDS.get(r["band"], (r["band"],) * 2)}
            for r in city.rows("energy.enterprise_cost_monthly", where={**key, "month": months}, order=["-month", "band"])
        ],
        "months": {
            **asked.months(city, "energy.enterprise_monthly", key, year),
            "title": (f"{year} 年逐月用能", f"Energy by month, {year}"),
        },
        "calendars": [
            {
                **asked.calendar(city, "energy.enterprise_daily", {**key, "carrier": carrier}, year),
                "id": f"calendar-{carrier}",
                "title": tuple(f"{name} {year}" for name in asked.carrier_name(carrier)),
            }
            for carrier in carriers
        ],
        "day": day.isoformat(),
        "hours": {
            **asked.hours_of_day(city, "energy.enterprise_hourly", key, day),
            "title": (f"{day} 逐时用能", f"Energy by hour, {day}"),
        },
    }
    return render(request, "energy/enterprise.html", context)


def owner_of(city: Any, meter: str) -> list[dict[str, Any]]:
    """The enterprises that a meter counts for, one after the other."""
    names = {row["enterprise"]: pair_of(row) for row in city.rows("buildings.enterprise")}
    rows = city.rows("energy.membership", where={"meter": meter}, order=["valid_from"])
    return [{"row": row, "name": names.get(row["enterprise"], (row["enterprise"],) * 2)} for row in rows]
