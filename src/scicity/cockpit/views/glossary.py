"""The words: rendered from the vocabulary itself."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from scicity.vocabulary import terms


def glossary(request: HttpRequest) -> HttpResponse:
    """All terms, or those that hold a word in any of their texts."""
    wanted = request.GET.get("q", "").strip()[:80]
    found = [
        entry
        for entry in terms().values()
        if wanted.casefold() in " ".join((entry.term, entry.zh, entry.en, entry.definition, entry.standard)).casefold()
    ]
    users: dict[str, list[str]] = {}
    for table in request.city.figures.catalog.tables.values():
        for column in table.columns:
            users.setdefault(column, []).append(table.name)
    rows = [(entry, sorted(users.get(entry.term, ()))) for entry in sorted(found, key=lambda entry: entry.term)]
    return render(request, "cockpit/glossary.html", {"rows": rows, "wanted": wanted})
