"""The pages of devices: what is the matter with whom, the worst first; and one datastream with its readings and gaps."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from scicity.cockpit.arriving import inbox_of
from scicity.domains.devices.pages import asked

PAGE = 200  # datastreams
FILTERS = ("state", "zone", "property", "thing", "q", "month", "sort")


def devices(request: HttpRequest) -> HttpResponse:
    """All datastreams with what is said of them, filtered and sorted as asked."""
    city, given = request.city, _given(request)
    months = asked.months(city)
    found, month = _found(request, given)
    if not found:
        return render(request, "devices/devices.html", {"rows": []})
    some = _sorted(asked.chosen(found, given), given)
    pages = max(1, -(-len(some) // PAGE))
    number = request.GET.get("page", "1")
    page = min(max(int(number), 1), pages) if number.isascii() and number.isdigit() and len(number) < 9 else 1
    zones = {row["zone"]: row for row in city.rows("district.zone")}
    there = {said.place.zone for said in found}
    context = {
        "rows": found,
        "shown": some[(page - 1) * PAGE : page * PAGE],
        "count": len(some),
        "counted": [(state, [words], n, _query(given, state=state)) for state, words, n in asked.counted(found)],
        "given": given,
        "zones": [row for zone, row in zones.items() if zone in there],
        "properties": sorted({said.stream["property"] for said in found}),
        "months": [f"{each:%Y-%m}" for each in months],
        "month": f"{month:%Y-%m}" if month else "",
        "sorts": {name: _query(given, sort=name) for name in ("", *asked.SORTS)},
        "csv": _query(given),
        "pages": pages,
        "page": page,
        "before": _query(given, page=page - 1) if page > 1 else "",
        "behind": _query(given, page=page + 1) if page < pages else "",
        "now": datetime.now(UTC),
        "unverified": [row for row in city.rows("devices.threshold") if row["review"] != "verified"],
    }
    return render(request, "devices/devices.html", context)


def export(request: HttpRequest) -> HttpResponse:
    """The same datastreams as CSV; with a mark in front by which spreadsheets know its encoding."""
    given = _given(request)
    found, _ = _found(request, given)
    text = asked.exported(_sorted(asked.chosen(found, given), given))
    answer = HttpResponse("\ufeff" + text, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="devices.csv"'
    return answer


def stream(request: HttpRequest, datastream: str) -> HttpResponse:
    """One datastream: what is said of it and why, its months and days, the readings, gaps and frozen stretches of one month."""
    city = request.city
    found, _ = _found(request, {})
    said = next((each for each in found if each.name == datastream), None)
    if said is None:
        raise Http404(f"no datastream is called {datastream[:80]!r}")
    history = asked.history(city, datastream)
    if not history:
        return render(request, "devices/stream.html", {"said": said, "history": []})
    months = [each["row"]["month"] for each in history]
    month = next((each for each in months if f"{each:%Y-%m}" == request.GET.get("month")), months[0])
    title = {"title": (f"{month.year} 年逐日到数率", f"Share received by day, {month.year}")}
    context = {
        "said": said,
        "history": history,
        "month": month,
        "months": [f"{each:%Y-%m}" for each in months],
        "calendar": {**asked.calendar(city, datastream, month.year), **title},
        "readings": asked.readings(city, said.stream, month),
        "neighbours": city.rows("devices.neighbour", where={"datastream": datastream}),
        "silent_days": said.silent.days if said.silent else None,
        "thing": next((row for row in _things(city) if row[row.table.grain[0]] == said.stream["thing"]), None),
    }
    return render(request, "devices/stream.html", context)


def _things(city: Any) -> list[Any]:
    return [*city.rows("environment.station"), *city.rows("buildings.building")]


def _given(request: HttpRequest) -> dict[str, str]:
    return {name: value[:100] for name in FILTERS if (value := request.GET.get(name, ""))}


def _found(request: HttpRequest, given: dict[str, str]) -> tuple[list[asked.Said], date | None]:
    city = request.city
    month = next((each for each in asked.months(city) if f"{each:%Y-%m}" == given.get("month")), None)
    return asked.everything(city, datetime.now(UTC), month, _clock_faults(city)), month


def _clock_faults(city: Any) -> dict[str, int]:
    """How many readings of each datastream are held because their time cannot be."""
    found: dict[str, int] = {}
    for held in inbox_of(city).quarantine():
        if held.code == asked.CLOCK:
            found[held.datastream] = found.get(held.datastream, 0) + held.rows.num_rows
    return found


def _sorted(found: list[asked.Said], given: dict[str, str]) -> list[asked.Said]:
    by = asked.SORTS.get(given.get("sort", ""))
    return sorted(found, key=by) if by else found


def _query(given: dict[str, str], **other: Any) -> str:
    told = {**given, **other}
    return "?" + urlencode({name: value for name, value in told.items() if value})
