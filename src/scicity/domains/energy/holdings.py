"""Whose meters are whose: what lets an enterprise see its own, and keeps them from others."""

from __future__ import annotations

import itertools
from typing import Any

from scicity.domains.energy.methods.trees import ALWAYS, Label, borne_at, chains, labels_of

TABLES = ("energy.membership", "energy.meter")  # all that they follow from


def holdings(city: Any) -> list[tuple[str, str, int, int]]:
    """Enterprise, meter, from when and until when [µs UTC, half-open] it counts that enterprise's energy.

    What stands below a meter goes with it, unless it has a row of its own.
    """
    told = city.rows("energy.membership", ["meter", "enterprise", "valid_from", "valid_to"])
    labels: dict[str, list[Label]] = {}
    for label in labels_of(told, "enterprise"):
        labels.setdefault(label.meter, []).append(label)
    if not labels:
        return []
    found = []
    for meter, way in chains(city.rows("energy.meter", ["meter", "parent", "role"])).items():
        cuts = sorted({-ALWAYS, ALWAYS, *(at for each in way for label in labels.get(each, ()) for at in label[2:])})
        for start, end in itertools.pairwise(cuts):
            if enterprise := borne_at(way, labels, start)[0]:
                found.append((enterprise, meter, start, end))
    alone = {label.meter for mine in labels.values() for label in mine} - {meter for _, meter, _, _ in found}
    return found + [(label.label, *label[0:1], *label[2:]) for meter in sorted(alone) for label in labels[meter]]
