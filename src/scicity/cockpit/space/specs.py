"""What is said of each layer, as it was loaded."""

from __future__ import annotations

from scicity.cockpit.city import OpenCity
from scicity.space.register import LAYER, Spec, specs_of

_specs: dict[str, tuple[int, dict[str, Spec]]] = {}


def specs(city: OpenCity) -> dict[str, Spec]:
    """What is said of each layer of a city."""
    lake = city.figures.lake
    version, root = lake.snapshot(LAYER.name).version, str(lake.root)
    known = _specs.get(root)
    if known is None or known[0] != version:
        rows = city.rows(LAYER.name) if LAYER.name in city.figures.catalog.tables else []
        known = _specs[root] = (version, specs_of(city.district, rows))
    return known[1]
