"""Which rows of circles somebody sees: no cell whose residents are for others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scicity.cockpit.space import rights
from scicity.kernel.lineage import ALL
from scicity.kernel.tables import Table

DOMAIN, CELL, POPULATION = "circles", "cell", "layer.population"


def limit_of(request: Any) -> Callable[[Table], str] | None:
    """The limit for whoever asks; None where all is seen."""
    seen = rights.seen_of(request)
    if seen is None:
        return None
    figures = request.city.figures

    def limit(table: Table) -> str:
        if table.domain != DOMAIN or CELL not in table.columns:
            return ALL
        if POPULATION not in rights.layers_below(table, figures.catalog):
            return ALL
        people = figures.engine.relation(figures.catalog[POPULATION], None, None, ("feature", rights.RESTRICTED))
        return f"{CELL} NOT IN (SELECT feature FROM {people} WHERE NOT {rights.unrestricted(seen)})"

    return limit
