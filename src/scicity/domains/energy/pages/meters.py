"""The pages of meters: one meter with its years, months, days, hours and readings set aside; and virtual meters."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from scicity.domains.energy.methods.ledger import FLAGS
from scicity.domains.energy.pages import asked, entering
from scicity.domains.energy.pages.chosen import FLOWS, ROLES, flags_of, item_names, names_of, pair_of
from scicity.domains.energy.pages.tenants import owner_of
from scicity.kernel.lineage import Between

ASIDE = 50  # readings set aside that are shown
GAP_DAYS = 31


def meter(request: HttpRequest, meter: str) -> HttpResponse:
    """One meter, or one virtual meter."""
    city, key = request.city, {"meter": meter}
    row = next(iter(city.rows("energy.meter", where=key)), None)
    if row is None:
        return _virtual(request, meter)
    yearly = city.rows("energy.meter_yearly", where=key, order=["-year", "flow", "building"])
    year, years = _year(request, yearly)
    items = item_names(city)
    context: dict[str, Any] = {
        "meter": row,
        "role": ROLES.get(row["role"], (row["role"],) * 2),
        "carrier": asked.carrier_name(row["carrier"]),
        "installations": city.rows("energy.installation", where=key, order=["valid_from"]),
        "owners": owner_of(city, meter),
        "uses": [
            {"row": use, "name": items.get(use["sub_item"], (use["sub_item"],) * 2)}
            for use in city.rows("energy.sub_item_use", where=key, order=["valid_from"])
        ],
        "below": city.rows("energy.meter", where={"parent": meter}),
        "streams": city.rows("district.datastream", where={"thing": meter}),
        "yearly": [{"row": r, "flow": FLOWS.get(r["flow"], (r["flow"],) * 2)} for r in yearly],
        "year": year,
        "years": years,
    }
    if year is not None:
        context |= _of_year(city, meter, year, request.GET.get("day", ""), [r["flow"] for r in yearly])
    return render(request, "energy/meter.html", context)


def _year(request: HttpRequest, yearly: list[Any]) -> tuple[int | None, list[str]]:
    years = sorted({r["year"] for r in yearly})
    full = [r["year"] for r in yearly if (r["coverage"] or 0) >= asked.FULL]
    text = request.GET.get("year", "")
    year = int(text) if text in map(str, years) else max(full or years, default=None)
    return year, [str(y) for y in reversed(years)]


def _of_year(city: Any, meter: str, year: int, text: str, flows: list[str]) -> dict[str, Any]:
    """The months, days, gaps and readings set aside of a year, and the hours of one of its days."""
    key = {"meter": meter}
    flows = list(dict.fromkeys(flows))
    months = [date(year, month, 1) for month in asked.MONTHS]
    rows = {(r["flow"], r["month"]): r for r in city.rows("energy.meter_monthly", where={**key, "month": months})}
    days = [r for r in city.rows("energy.meter_daily", where=key) if r["day"].year == year]
    day = asked.day_or(text, date(year, 6, 1))
    hours = city.rows("energy.meter_hourly", where={**key, "day": day}, order=["hour", "flow"])
    tz = city.district.calendar.tz
    begin, end = datetime(year, 1, 1, tzinfo=tz), datetime(year + 1, 1, 1, tzinfo=tz)
    aside = city.rows(
        "energy.reading_set_aside", where={**key, "time": Between(begin, end)}, order=["-time", "rule"], limit=ASIDE
    )
    moments = list(dict.fromkeys(row["hour"] for row in hours))
    by_hour = {(row["flow"], row["hour"]): row for row in hours}
    labels = [f"{hour.astimezone(tz):%H:%M}" for hour in moments]
    return {
        "months": {
            "id": "months",
            "kind": "bar",
            "unit": "kWh",
            "axis": ("月", "Month"),
            "title": (f"{year} 年逐月", f"By month, {year}"),
            "labels": [f"{month:%Y-%m}" for month in months],
            "series": [
                {"name": FLOWS.get(f, (f, f)), "figures": [asked.figure(rows.get((f, m)), "energy") for m in months]}
                for f in flows
            ],
        },
        "calendars": [
            {
                "id": f"calendar-{flow}",
                "kind": "calendar",
                "unit": "kWh",
                "title": tuple(f"{word} {year}" for word in FLOWS.get(flow, (flow, flow))),
                "figures": {r["day"]: r.figure("energy") for r in days if r["flow"] == flow},
            }
            for flow in flows
        ],
        "day": day.isoformat(),
        "hours": {
            "id": "day",
            "kind": "line",
            "unit": "kWh",
            "axis": ("时刻", "Hour"),
            "title": (f"{day} 逐时", f"By hour, {day}"),
            "labels": labels,
            "series": [
                {"name": FLOWS.get(f, (f, f)), "figures": [asked.figure(by_hour.get((f, h)), "energy") for h in moments]}
                for f in flows
            ],
        },
        "marked": [{"row": r, "flow": FLOWS.get(r["flow"]), "flags": flags_of(r["flags"], FLAGS)} for r in hours if r["flags"]],
        "aside": aside,
        "gaps": city.rows("energy.gap_account", where=key, order=["-day"], limit=GAP_DAYS),
    }


def _virtual(request: HttpRequest, meter: str) -> HttpResponse:
    city, key = request.city, {"meter": meter}
    rows = city.rows("energy.virtual_in_force", where=key, order=["valid_from"])
    if not rows:
        raise Http404(f"no meter is called {meter[:60]!r}")
    monthly = city.rows("energy.virtual_monthly", where=key, order=["-month"])
    years = sorted({row["month"].year for row in monthly})
    text = request.GET.get("year", "")
    year = int(text) if text in map(str, years) else max(years, default=None)
    context: dict[str, Any] = {"virtual": rows, "meter": rows[-1], "year": year, "years": [str(y) for y in reversed(years)]}
    if year is not None:
        day = asked.day_or(request.GET.get("day", ""), date(year, 6, 1))
        context |= {
            "monthly": [row for row in monthly if row["month"].year == year],
            "calendar": {
                **asked.calendar(city, "energy.virtual_daily", key, year),
                "title": (f"{year} 年逐日", f"By day, {year}"),
            },
            "day": day.isoformat(),
            "hours": {
                **asked.hours_of_day(city, "energy.virtual_hourly", key, day),
                "title": (f"{day} 逐时", f"By hour, {day}"),
            },
        }
    return render(request, "energy/virtual.html", context)


def virtuals(request: HttpRequest) -> HttpResponse:
    """All virtual meters with their formulas and the newest month of each; and those entered that do not hold, and why."""
    city = request.city
    newest = {row["meter"]: row for row in city.rows("energy.virtual_monthly", order=["month"])}
    tenants, buildings = names_of(city, "buildings.enterprise"), names_of(city, "buildings.building")
    records = entering.seen(request)
    places = {(each.meter, each.valid_from): each.pk for each in records}
    found = [
        {
            "row": row,
            "name": pair_of(row),
            "carrier": asked.carrier_name(row["carrier"]),
            "enterprise": tenants.get(row["enterprise"]),
            "building": buildings.get(row["building"]),
            "month": newest.get(row["meter"]),
            "record": places.pop((row["meter"], row["valid_from"]), None) if row["origin"] else None,
        }
        for row in city.rows("energy.virtual_in_force", order=["meter", "valid_from"])
    ]
    idle = [
        {"record": each, "faults": [*entering.wrong_with(request.whole_city, each, entering.own_of(request)).values()]}
        for each in records
        if each.pk in places.values()
    ]
    context = {"virtuals": found, "idle": idle, "may": request.user.has_perm("energy.add_virtualmeter")}
    return render(request, "energy/virtuals.html", context)
