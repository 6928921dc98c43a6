"""The pages of indicators: the board, and the statements of reports with each quote in its place."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from scicity.domains.indicators.pages import standing
from scicity.domains.indicators.pages import statements as said


def board(request: HttpRequest) -> HttpResponse:
    """The indicators of every framework: printed values, measured values, targets, status."""
    city = request.city
    valued = {row["zone"] for row in city.rows("indicators.value", ["zone"])}
    zones = [row for row in city.rows("district.zone") if row["zone"] in valued]
    asked = request.GET.get("zone", standing.WHOLE)
    zone = asked if asked in {row["zone"] for row in zones} else standing.WHOLE
    context = {
        "frameworks": standing.frameworks(city, zone),
        "years": standing.years_reported(city),
        "zones": zones,
        "zone": zone,
        "tally": [(standing.PROGRESS.get(name, (name, name, "")), len(rows)) for name, rows in standing.tally(city).items()],
    }
    return render(request, "indicators/board.html", context)


def statements(request: HttpRequest) -> HttpResponse:
    """The statements of the district's reports, searched by text, topic, status and section."""
    city = request.city
    wanted = {name: request.GET.get(name, "").strip()[:80] for name in ("q", *said.FILTERS, "page")}
    found = said.search(city.rows("indicators.statement"), wanted)
    lines: dict[str, dict[int, str]] = {}
    for line in city.rows("indicators.document_line"):
        lines.setdefault(line["document"], {})[line["line"]] = line["text"]
    kept = urlencode({name: value for name, value in wanted.items() if value and name != "page"})
    context = {
        "found": found,
        "wanted": wanted,
        "filters": [(name, wanted[name], found.choices[name]) for name in said.FILTERS],
        "entries": [
            {
                "row": row,
                "lines": said.in_place(row, lines),
                "status": said.label("status", row["status"]),
                "topic": said.label("topic", row["topic"]),
            }
            for row in found.rows
        ],
        "kept": f"{kept}&" if kept else "",
    }
    return render(request, "indicators/statements.html", context)
