"""The leader's screen: what each domain puts forward, the district's map, and what was promised."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from scicity.cockpit import discovery
from scicity.cockpit.city import OpenCity
from scicity.cockpit.views.map import context_of


def overview(request: HttpRequest) -> HttpResponse:
    """One group of cards per domain that brings any (`pages/leader.py`, `cards(city)`), around the map."""
    groups = gathered(request.city)
    half = -(-len(groups) // 2)
    context = {"groups": groups, "left": groups[:half], "right": groups[half:], **context_of(request.city)}
    return render(request, "cockpit/overview.html", context)


def gathered(city: OpenCity) -> list[dict[str, Any]]:
    """The cards of all domains, in the order of the navigation."""
    found = []
    for entry in discovery.navigation():
        leader = discovery.module(entry.name, "pages.leader")
        cards = leader.cards(city) if leader else []
        if cards:
            found.append({"entry": entry, "cards": cards})
    return found
