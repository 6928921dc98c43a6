"""The pages of indicators: the board, one indicator, editions and their difference; the statements of reports."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from scicity.domains.indicators.methods import edition as rules
from scicity.domains.indicators.pages import judging, keeping, one, standing
from scicity.domains.indicators.pages import statements as said

TARGET_FIELDS = ("value", "value_high", "document")
MEMBER_FIELDS = ("definition_zh", "denominator_zh", "frequency", "responsible_zh", "revision_words")
CHANGED = {
    "added": ("新增", "added", "good"),
    "withdrawn": ("取消", "withdrawn", "bad"),
    "changed": ("改变", "changed", "estimated"),
    "same": ("不变", "unchanged", "old"),
}


def board(request: HttpRequest) -> HttpResponse:
    """The indicators of every framework: printed, measured and entered values, targets, status, verdicts of the methods."""
    city = request.city
    valued = {row["zone"] for row in city.rows("indicators.value", ["zone"])}
    zones = [row for row in city.rows("district.zone") if row["zone"] in valued]
    asked = request.GET.get("zone", standing.WHOLE)
    zone = asked if asked in {row["zone"] for row in zones} else standing.WHOLE
    every = city.rows("indicators.framework", order=["framework"])
    chosen = request.GET.get("framework", "")
    chosen = chosen if chosen in {row["framework"] for row in every} else ""
    context = {
        "frameworks": standing.frameworks(city, zone, chosen),
        "every": every,
        "chosen": chosen,
        "years": standing.years_reported(city),
        "zones": zones,
        "zone": zone,
        "tally": [(standing.PROGRESS.get(name, (name, name, "")), len(rows)) for name, rows in standing.tally(city).items()],
    }
    return render(request, "indicators/board.html", context)


def indicator(request: HttpRequest, name: str) -> HttpResponse:
    """One indicator: its definition, series, methods with their arithmetic, cross-walks, duties and revisions."""
    city = request.city
    rows = city.rows("indicators.indicator", where={"indicator": name})
    if not rows:
        raise Http404("no such indicator")
    about = rows[0]
    zones = {row["zone"] for row in city.rows("indicators.value", ["zone"], where={"indicator": name})}
    asked = request.GET.get("zone", standing.WHOLE)
    zone = asked if asked in zones else standing.WHOLE
    judged = judging.methods_of(city, name, zone)
    years: dict[str, int] = {}
    for group in judged:
        years[group["framework"]] = max(group["year"], years.get(group["framework"], 0))
    frameworks = {row["framework"]: row for row in city.rows("indicators.framework")}
    newest = [
        {**group, "about": frameworks[group["framework"]]} for group in judged if group["year"] == years[group["framework"]]
    ]
    context = {
        "about": about,
        "zone": zone,
        "zones": [row for row in city.rows("district.zone") if row["zone"] in zones],
        "chart": one.chart(city, about, zone),
        "judged": newest,
        "earlier": [group for group in judged if group["year"] != years[group["framework"]] and group["flip"]],
        "places": one.places(city, name),
        "walks": one.walks(city, name),
        "duties": judging.owed(city, keeping.today(request), {"indicator": name}),
        "history": one.history(city, name),
        "values": [
            {"row": row, "words": one.ORIGINS[row["origin"]]}
            for row in city.rows("indicators.value", where={"indicator": name, "zone": zone}, order=["-year", "origin"])
        ],
        "may": request.user.has_perm("indicators.add_manualvalue"),
        "statements": f"/indicators/statements/?{urlencode({'q': about['name_zh'][:12]})}",
    }
    return render(request, "indicators/indicator.html", context)


def editions(request: HttpRequest) -> HttpResponse:
    """The editions of each system with the time that each is in force, and the difference between two of them."""
    city = request.city
    names = {row["framework"]: row for row in city.rows("indicators.framework")}
    rows = city.rows("indicators.edition", order=["indicator_system", "valid_from"])
    members: dict[tuple[str, str], int] = {}
    for row in city.rows("indicators.edition_indicator", ["framework", "edition"]):
        members[row["framework"], row["edition"]] = members.get((row["framework"], row["edition"]), 0) + 1
    day = keeping.acting.day(request.GET.get("day", "")) or keeping.today(request)
    told = [
        {
            "row": row,
            "name": names[row["framework"]],
            "key": f"{row['framework']}/{row['edition']}",
            "filled": members.get((row["framework"], row["edition"]), 0),
            "begins": judging.day_of(city, row["valid_from"]),
            "ends": judging.day_of(city, row["valid_to"]),
            "holds": _holds(city, row, day),
        }
        for row in rows
    ]
    keys = [entry["key"] for entry in told]
    one_key, other = request.GET.get("from", ""), request.GET.get("to", "")
    pairs = [(entry["row"]["predecessor"], entry["key"]) for entry in told if entry["row"]["predecessor"]]
    if one_key not in keys or other not in keys:
        before = [key for key in keys if pairs and key.partition("/")[0] == pairs[-1][0] and key != pairs[-1][1]]
        one_key, other = (before[-1], pairs[-1][1]) if before else (keys[0], keys[-1]) if keys else ("", "")
    context = {
        "entries": told,
        "from": one_key,
        "to": other,
        "day": day.isoformat(),
        "members": _difference(city, "indicators.edition_indicator", one_key, other, ("indicator",), MEMBER_FIELDS),
        "targets": _difference(city, "indicators.edition_target", one_key, other, ("indicator", "zone", "year"), TARGET_FIELDS),
    }
    return render(request, "indicators/editions.html", context)


def _holds(city: Any, row: Any, day: Any) -> bool:
    begins, ends = judging.day_of(city, row["valid_from"]), judging.day_of(city, row["valid_to"])
    edition = rules.Edition(row["indicator_system"], row["framework"], row["edition"], begins, ends)
    return rules.in_force([edition], row["indicator_system"], day) is not None


def _difference(
    city: Any, table: str, before: str, after: str, key: tuple[str, ...], fields: tuple[str, ...]
) -> list[dict[str, Any]]:
    """Rows of two editions side by side, those that changed first."""
    found = []
    for name in (before, after):
        framework, _, edition = name.partition("/")
        rows = city.rows(table, where={"framework": framework, "edition": edition}) if framework else []
        found.append({tuple(row[column] for column in key): row for row in rows})
    about = {row["indicator"]: row for row in city.rows("indicators.indicator")}
    order = list(CHANGED)
    told = [
        {
            "about": about.get(place[0]),
            "key": place,
            "change": CHANGED[change],
            "kind": change,
            "fields": [name for name, _, _ in changed],
            "before": found[0].get(place),
            "after": found[1].get(place),
        }
        for place, change, changed in rules.difference(found[0], found[1], fields)
    ]
    return sorted(told, key=lambda entry: order.index(entry["kind"]))


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
