"""Decisions about conflicts that outlive an edition: found again by their name, else by their place.

Source: the method is our own; the share from which on two shapes are one conflict is a row of `planning.threshold`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely

Array = np.ndarray[Any, Any]


def carried(
    names: Array, sides: Array, shapes: Array, old_names: Array, old_sides: Array, old_shapes: Array, least_share: float
) -> Array:
    """Of each conflict the older one whose decisions it carries on, None for none.

    A conflict of the same name carries its own. Another one between the same `sides` whose shape [metres] covers an older
    one's, at least `least_share` [1] of what both cover together, carries that of the older one whose own name is gone; of
    several the one with the largest share, and no older one twice.
    """
    found = np.full(len(names), None, dtype=object)
    if not len(names) or not len(old_names):
        return found
    same = np.isin(names.astype(str), old_names.astype(str))
    found[same] = names[same]
    lost = np.flatnonzero(~np.isin(old_names.astype(str), names.astype(str)) & ~shapely.is_missing(old_shapes))
    fresh = np.flatnonzero(~same)
    if not len(lost) or not len(fresh):
        return found
    i, j = shapely.STRtree(old_shapes[lost]).query(shapes[fresh], predicate="intersects")
    i, j = fresh[i], lost[j]
    of_sides = sides[i] == old_sides[j]
    i, j = i[of_sides], j[of_sides]
    shared = shapely.area(shapely.intersection(shapes[i], old_shapes[j]))
    together = shapely.area(shapes[i]) + shapely.area(old_shapes[j]) - shared
    share = np.divide(shared, together, out=np.zeros(len(shared)), where=together > 0)
    taken: set[int] = set()
    for at in np.lexsort((names[i].astype(str), -share)):  # as many as there are decisions whose conflict is gone
        if share[at] >= least_share and found[i[at]] is None and int(j[at]) not in taken:
            found[i[at]] = old_names[j[at]]
            taken.add(int(j[at]))
    return found
