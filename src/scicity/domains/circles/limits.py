"""Which rows of circles somebody sees: nothing that is made of a layer that they may not see, and no cell that they may not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scicity.cockpit.space import rights
from scicity.kernel.lineage import ALL
from scicity.kernel.tables import Layer, Table

DOMAIN, CELL, POPULATION = "circles", "cell", "layer.population"


def limit_of(request: Any) -> Callable[[Table], str] | None:
    """The limit for whoever asks; None where all is seen."""
    seen = rights.seen_of(request)
    if seen is None:
        return None
    figures = request.city.figures

    def layers_below(table: Table) -> set[str]:
        reads = [figures.catalog[read.table] for read in getattr(table, "reads", {}).values()]
        return {each.name for each in reads if isinstance(each, Layer)}.union(*map(layers_below, reads))

    def limit(table: Table) -> str:
        if table.domain != DOMAIN:
            return ALL
        below = layers_below(table)
        if below & rights.hidden_from(request):
            return "false"
        if CELL not in table.columns or POPULATION not in below:
            return ALL
        people = figures.engine.relation(figures.catalog[POPULATION], None, None, ("feature", rights.RESTRICTED))
        return f"{CELL} NOT IN (SELECT feature FROM {people} WHERE NOT {rights.unrestricted(seen)})"

    return limit
