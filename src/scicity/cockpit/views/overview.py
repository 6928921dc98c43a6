"""The leader's screen: what each domain puts forward, the district's map, and what was promised."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from scicity.cockpit import discovery
from scicity.cockpit.views.map import context_of


def overview(request: HttpRequest) -> HttpResponse:
    """One group of cards per domain that brings any (`pages/leader.py`, `cards(city)`), around the map."""
    groups: list[dict[str, Any]] = []
    for entry in discovery.navigation():
        leader = discovery.module(entry.name, "pages.leader")
        cards = leader.cards(request.city) if leader else []
        if cards:
            groups.append({"entry": entry, "cards": cards})
    half = -(-len(groups) // 2)
    context = {"groups": groups, "left": groups[:half], "right": groups[half:], **context_of(request.city)}
    return render(request, "cockpit/overview.html", context)
