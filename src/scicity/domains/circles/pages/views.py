"""The pages: circles and classes, one cell, gaps, best places, places at schools, the SDG indicators of land and access."""

from __future__ import annotations

import json
import math
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from scicity.domains.circles.pages import asked
from scicity.kernel.district import ROOT_ZONE

MINUTES = (5, 10, 15, 20, 30)
SDG = ("sdg-11-2-1", "sdg-11-7-1")


def overview(request: HttpRequest) -> HttpResponse:
    """Coverage of circles by zone, and of each class."""
    city, of = request.city, asked.asked(request.city, request.GET)
    if of.day is None:
        return render(request, "circles/overview.html", {"circles": []})
    zones = asked.zones_of(city)
    context = _choices(city, of) | {
        "circles": asked.circles(city, of),
        "zones": zones,
        "classes": asked.classes(city, of),
        "statements": _statements(city),
        "unverified": asked.unverified(city),
    }
    return render(request, "circles/overview.html", context)


def gaps(request: HttpRequest) -> HttpResponse:
    """Whom one more facility at a place would serve: a place on the map, or its coordinates."""
    city, of = request.city, asked.asked(request.city, request.GET)
    if of.day is None:
        return render(request, "circles/gaps.html", {"classes": []})
    minutes = _minutes(request)
    longitude, latitude = _coordinate(request, "longitude", 180), _coordinate(request, "latitude", 90)
    given = {"longitude": longitude, "latitude": latitude}
    wrong = [name for name, value in given.items() if request.GET.get(name) and value is None]
    found = None
    if longitude is not None and latitude is not None:
        found = asked.gap(city, of, longitude, latitude, minutes * 60.0)
    classes = asked.rules(city, "facility_class")
    points = asked.home_points(city, of, minutes * 60.0, found.newly if found else frozenset())
    context = _choices(city, of) | {
        "classes": list(classes.values()),
        "class": classes[of.facility_class],
        "minutes": minutes,
        "mode_name": _named(request, asked.rules(city, "travel_mode")[of.mode]),
        "minutes_known": MINUTES,
        "longitude": request.GET.get("longitude", "")[:24],
        "latitude": request.GET.get("latitude", "")[:24],
        "wrong": wrong,
        "gap": found,
        "area": found.area / 1e6 if found else None,
        "stand_in": any(row["stand_in"] for row in city.rows("circles.resident", ["stand_in"], where={"day": of.day}, limit=1)),
        "row": next(iter(_class_row(city, of)), None),
        "map": {
            "homes": reverse("circles:homes") + "?" + urlencode(_query(of) | {"minutes": minutes}),
            "newly": sorted(found.newly) if found else [],
            "outline": found.outline if found else None,
            "place": [longitude, latitude] if found else None,
            "bounds": _bounds(points),
        },
    }
    return render(request, "circles/gaps.html", context)


def homes(request: HttpRequest) -> HttpResponse:
    """The cells and the facilities of a class as GeoJSON."""
    of = asked.asked(request.city, request.GET)
    features = asked.home_points(request.city, of, _minutes(request) * 60.0) if of.day else []
    text = json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False)
    return HttpResponse(text, content_type="application/geo+json", headers={"Cache-Control": "private, max-age=60"})


def cell(request: HttpRequest, cell: str) -> HttpResponse:
    """One cell: what it reaches, its circles, and the ways to the nearest facility of a class."""
    city, of = request.city, asked.asked(request.city, request.GET)
    residents = city.rows("circles.resident", where={"day": of.day, "cell": cell}) if of.day else []
    if not residents:
        raise Http404(f"no cell is called {cell[:80]!r}")
    classes = asked.rules(city, "facility_class")
    access = city.rows("circles.access", where={"day": of.day, "travel_mode": of.mode, "cell": cell})
    circles = asked.rules(city, "circle")
    context = _choices(city, of) | {
        "cell": cell,
        "residents": residents,
        "groups_by": {row["age_group"]: row for row in city.rows("circles.age_group")},
        "access": [{"row": row, "class": classes.get(row["facility_class"])} for row in access],
        "states": asked.STATES,
        "met": [
            {"row": row, "circle": circles.get(row["circle"])}
            for row in city.rows("circles.circle_cell", where={"day": of.day, "cell": cell})
        ],
        "classes": list(classes.values()),
        "way": asked.way_to(city, of, cell),
        "names": classes,
    }
    return render(request, "circles/cell.html", context)


def best(request: HttpRequest) -> HttpResponse:
    """The answers to the district's questions of siting."""
    city = request.city
    outcomes = {row["siting"]: row for row in city.rows("circles.siting_outcome")}
    candidates = {row["candidate"]: row for row in city.rows("circles.candidate")}
    classes = asked.rules(city, "facility_class")
    modes = asked.rules(city, "travel_mode")
    entries = []
    for question in city.rows("circles.siting"):
        chosen = city.rows("circles.siting_choice", where={"siting": question["siting"]}, order=["rank"])
        entries.append(
            {
                "question": question,
                "class": classes.get(question["facility_class"]),
                "mode": modes.get(question["travel_mode"]),
                "outcome": outcomes.get(question["siting"]),
                "covering": question["siting_goal"] == "covering",
                "chosen": [{"row": row, "candidate": candidates.get(row["candidate"])} for row in chosen],
            }
        )
    return render(request, "circles/best.html", {"entries": entries})


def schools(request: HttpRequest) -> HttpResponse:
    """Places at schools against children, by zone and by school."""
    city, of = request.city, asked.asked(request.city, request.GET)
    where = {"day": of.day}
    zones = city.rows("circles.school_zone", where=where) if of.day else []
    named = (
        {(row["facility_class"], row["facility"]): row for row in city.rows("circles.facility", where=where)} if of.day else {}
    )
    rows = city.rows("circles.school", where=where) if of.day else []
    context = _choices(city, of) | {
        "zones": sorted(zones, key=lambda row: (row["facility_class"], row["zone"] != ROOT_ZONE, row["zone"])),
        "schools": [{"row": row, "facility": named.get((row["facility_class"], row["facility"]))} for row in rows],
        "names": asked.rules(city, "facility_class"),
    }
    return render(request, "circles/schools.html", context)


def sdg(request: HttpRequest) -> HttpResponse:
    """SDG 11.2.1, 11.3.1 and 11.7.1: the figures, what was seen and what was not."""
    city, of = request.city, asked.asked(request.city, request.GET)
    where = {"day": of.day, "circle": list(SDG)}
    groups = {row["age_group"]: row for row in city.rows("circles.age_group")}
    context = _choices(city, of) | {
        "coverage": city.rows("circles.circle_coverage", where=where) if of.day else [],
        "circles": {name: row for name, row in asked.rules(city, "circle").items() if name in SDG},
        "groups_by": groups,
        "growth": city.rows("circles.land_growth"),
        "open": city.rows("circles.open_space", where={"day": of.day}) if of.day else [],
    }
    return render(request, "circles/sdg.html", context)


def _choices(city: Any, of: asked.Asked) -> dict[str, Any]:
    return {
        "asked": of,
        "days": asked.days(city),
        "modes": list(asked.rules(city, "travel_mode").values()),
        "groups": city.rows("circles.age_group"),
        "query": urlencode(_query(of)),
    }


def _query(of: asked.Asked) -> dict[str, str]:
    return {"day": str(of.day), "mode": of.mode, "group": of.group, "class": of.facility_class}


def _named(request: HttpRequest, row: Any) -> str:
    return row["name_zh" if request.LANGUAGE_CODE.startswith("zh") else "name_en"]


def _class_row(city: Any, of: asked.Asked) -> list[Any]:
    key = {"day": of.day, "travel_mode": of.mode, "facility_class": of.facility_class, "zone": ROOT_ZONE, "age_group": of.group}
    return city.rows("circles.class_coverage", where=key)


def _minutes(request: HttpRequest) -> int:
    told = request.GET.get("minutes", "")
    return int(told) if told in map(str, MINUTES) else 15


def _coordinate(request: HttpRequest, name: str, most: float) -> float | None:
    """A coordinate [degrees] as it was typed, None where it is none."""
    try:
        value = float(request.GET.get(name, ""))
    except ValueError:
        return None
    return value if math.isfinite(value) and abs(value) <= most else None


def _bounds(points: list[dict[str, Any]]) -> list[float]:
    places = [point["geometry"]["coordinates"] for point in points]
    if not places:
        return []
    across, up = [x for x, _ in places], [y for _, y in places]
    return [min(across), min(up), max(across), max(up)]


def _statements(city: Any) -> list[Any]:
    """What the report says of circles."""
    return [
        row
        for row in city.rows("indicators.statement")
        if any(word in (row["subject_zh"] or "") for word in ("服务圈", "生活圈"))
    ]
