"""What lies within a time: the ways that are reached, parts of ways too, and the area around them.

Costs [s], lengths [m], areas [m²]. Source: our own; the search is that of `reaching`.
"""

from __future__ import annotations

import numpy as np
import shapely

from scicity.domains.circles.methods import lengths
from scicity.domains.circles.methods.lengths import Floats
from scicity.domains.circles.methods.network import Network


def reached(network: Network, cost: Floats, limit: float) -> tuple[Floats, Floats]:
    """The stretches within `limit` [s] given the `cost` of each node to the aim: ends [degrees] (stretches, 4), lengths [m].

    An edge is reached from its ends as far as its cost allows; what is reached from both ends is counted once. Travel is
    towards the aim: from within an edge one goes to the start against it, to the end along it.
    """
    room_start = np.clip(limit - cost[network.start], 0.0, None)
    room_end = np.clip(limit - cost[network.end], 0.0, None)
    with np.errstate(invalid="ignore", divide="ignore"):
        from_start = np.clip(np.nan_to_num(room_start / network.backward, nan=1.0), 0.0, 1.0)
        from_end = np.clip(np.nan_to_num(room_end / network.forward, nan=1.0), 0.0, 1.0)
    from_start[~np.isfinite(cost[network.start]) | ~np.isfinite(network.backward)] = 0.0
    from_end[~np.isfinite(cost[network.end]) | ~np.isfinite(network.forward)] = 0.0
    whole = from_start + from_end >= 1
    parts = (
        (np.flatnonzero(whole), 0.0, 1.0),
        (np.flatnonzero(~whole & (from_start > 0)), 0.0, from_start),
        (np.flatnonzero(~whole & (from_end > 0)), 1 - from_end, 1.0),
    )
    ends, long = [], []
    for edge, low, high in parts:
        a = np.broadcast_to(low, len(network.start))[edge]
        b = np.broadcast_to(high, len(network.start))[edge]
        first, last = network.start[edge], network.end[edge]
        x, y = network.longitude, network.latitude
        ends.append(
            np.column_stack(
                [
                    *(x[first] * (1 - a) + x[last] * a, y[first] * (1 - a) + y[last] * a),
                    *(x[first] * (1 - b) + x[last] * b, y[first] * (1 - b) + y[last] * b),
                ]
            )
        )
        long.append(network.length[edge] * (b - a))
    return np.concatenate(ends), np.concatenate(long)


def area(network: Network, ends: Floats, reach: float) -> tuple[float, bytes]:
    """The area [m²] within `reach` [m] of stretches, and its outline as WKB in degrees; nothing reached is 0 and an empty
    shape."""
    if not len(ends):
        return 0.0, bytes(shapely.to_wkb(shapely.Polygon()))
    centre = network.centre
    a, b = lengths.flattened(ends[:, 0], ends[:, 1], centre), lengths.flattened(ends[:, 2], ends[:, 3], centre)
    around = shapely.union_all(shapely.buffer(shapely.linestrings(np.stack([a, b], axis=1)), reach, quad_segs=4))

    def back(points: Floats) -> Floats:
        return np.column_stack(lengths.raised(points[:, 0], points[:, 1], centre))

    return float(shapely.area(around)), bytes(shapely.to_wkb(shapely.transform(around, back)))
