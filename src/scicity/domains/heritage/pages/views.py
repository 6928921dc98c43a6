"""The pages of heritage: all sites, and one with the rules around it and who breaks them."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from scicity.cockpit.templatetags.words import language
from scicity.domains.heritage.pages import asked, map


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """The sites, how the heights around each stand on a day, and the buildings that break a rule by most."""
    city = request.city
    known, days = asked.sites(city), asked.days(city)
    chosen = asked.day_of(days, request.GET.get("day", "")[:10], asked.today(city))
    standing = asked.standing(city, chosen["day"]) if chosen else {}
    areas = asked.named(city, "heritage.site_area", "site")
    breaches = asked.checks(city, chosen["day"], breaking=True) if chosen else []
    context = {
        "sites": [
            {
                "row": row,
                "standing": standing.get(key),
                "area": areas.get(key),
                "level": asked.LEVELS.get(row["protection_level"] or ""),
            }
            for key, row in known.items()
        ],
        "known": known,
        "days": days,
        "chosen": chosen,
        "breaches": breaches[: asked.LISTED],
        "found": len(breaches),
        "more": max(0, len(breaches) - asked.LISTED),
        "map": map_of(),
    }
    return render(request, "heritage/overview.html", context)


@require_safe
def site(request: HttpRequest, site: str) -> HttpResponse:
    """A site: what it is, the rules around it with their documents, and every building that they concern."""
    city = request.city
    row = asked.sites(city).get(site)
    if row is None:
        raise Http404(f"no site is called {site[:60]!r}")
    days = asked.days(city)
    chosen = asked.day_of(days, request.GET.get("day", "")[:10], asked.today(city))
    entries = asked.checks(city, chosen["day"], site) if chosen else []
    chart = asked.profile(entries, row)
    rules = [rule for rule in city.rows("heritage.height_rule", order=["source_row"]) if rule["site"] in (None, site)]
    context: dict[str, Any] = {
        "row": row,
        "level": asked.LEVELS.get(row["protection_level"] or ""),
        "area": next(iter(city.rows("heritage.site_area", where={"site": site})), None),
        "standing": asked.standing(city, chosen["day"]).get(site) if chosen else None,
        "days": days,
        "chosen": chosen,
        "entries": entries[: asked.LISTED],
        "more": max(0, len(entries) - asked.LISTED),
        "rules": [(rule, asked.FORMS[rule["rule_form"]]) for rule in rules],
        "views": city.rows("heritage.view_corridor", where={"site": site}, order=["corridor"]),
        "charts": [chart] if chart else [],
        "map": map_of(),
    }
    return render(request, "heritage/site.html", context)


def map_of() -> dict[str, Any]:
    """What the map of a page is told: the zones, the sites, and the buildings that break a rule."""
    zh = language() == "zh"
    areas = (
        ("zones", "分区", "Zones"),
        ("heritage-sites", "文物", "Sites"),
        ("protection-ranges", "保护区划", "Protection ranges"),
    )
    layers = [
        {"name": name, "url": reverse("map-layer", args=[name]), "kind": "area", "label": first if zh else second}
        for name, first, second in areas
    ]
    brought = {
        "name": "heritage.breaches",
        "url": reverse("map-points", args=["heritage.breaches"]),
        "kind": "area",
        "label": map.LAYERS["breaches"][0 if zh else 1],
    }
    return {"layers": [*layers, brought], "fit": "zones", "language": "zh" if zh else "en"}
