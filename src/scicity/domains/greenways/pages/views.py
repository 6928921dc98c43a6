"""The page of parks, greenways and slow traffic."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from scicity.cockpit.templatetags.words import language
from scicity.domains.greenways.pages import asked, map


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Green space for each resident, the circle of parks, greenways and densities on a day, and what reports say of them."""
    city = request.city
    days = asked.days(city)
    chosen = asked.day_of(days, request.GET.get("day", "")[:10], asked.today(city))
    if chosen is None:
        return render(request, "greenways/overview.html", {"days": []})
    day = chosen["day"]
    network = request.GET.get("network", "slow")
    network = network if network in asked.NETWORKS else "slow"
    density = asked.by_zone(city, "greenways.slow_density", day, network=network)
    chart = asked.chart(city)
    context = {
        "days": days,
        "chosen": chosen,
        "green": asked.by_zone(city, "greenways.green_account", day),
        "circles": asked.circles(city, day),
        "zones": asked.by_zone(city, "greenways.park_circle", day, park_class=asked.ANY),
        "lengths": asked.by_zone(city, "greenways.greenway_length", day),
        "network": network,
        "networks": asked.NETWORKS.items(),
        "density": [(row, asked.BASES[row["density_basis"]]) for row in density],
        "shade": asked.by_zone(city, "greenways.street_shade", day),
        "claims": asked.claims(city, day),
        "parks": asked.parks(city, day),
        "thresholds": city.rows("greenways.threshold") + city.rows("greenways.own_threshold"),
        "classes": asked.classes(city).values(),
        "charts": [chart] if chart else [],
        "map": map_of(),
    }
    return render(request, "greenways/overview.html", context)


def map_of() -> dict[str, Any]:
    """What the map of the page is told: the zones and the parks."""
    zh = language() == "zh"
    zones = {"name": "zones", "url": reverse("map-layer", args=["zones"]), "kind": "area", "label": "分区" if zh else "Zones"}
    parks = {
        "name": "greenways.parks",
        "url": reverse("map-points", args=["greenways.parks"]),
        "kind": "area",
        "label": map.LAYERS["parks"][0 if zh else 1],
    }
    return {"layers": [zones, parks], "fit": "zones", "language": "zh" if zh else "en"}
