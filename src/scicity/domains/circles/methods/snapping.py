"""Snapping: the place of a network that is nearest to a point, which is a place within an edge and not only a node."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import shapely

from scicity.domains.circles.methods import lengths
from scicity.domains.circles.methods.lengths import Floats, Ints
from scicity.domains.circles.methods.network import Network

NOWHERE = -1


class Snapped(NamedTuple):
    """For each point the edge (NOWHERE: none within the limit), the share of it from its start, and the way there [m]."""

    edge: Ints
    share: Floats
    metres: Floats


class Snapping:
    """The edges of a network that points may be snapped to: those of islands with at least `least` metres of ways."""

    def __init__(self, network: Network, least: float = 0.0) -> None:
        self.network = network
        self.plane = lengths.flattened(network.longitude, network.latitude, network.centre)
        long = network.island_lengths[network.islands[network.start]] >= least if len(network.start) else np.zeros(0, bool)
        self.edges = np.flatnonzero(long)
        ends = np.stack([self.plane[network.start[self.edges]], self.plane[network.end[self.edges]]], axis=1)
        self.tree = shapely.STRtree(shapely.linestrings(ends) if len(ends) else [])

    def snap(self, longitude: Floats, latitude: Floats, limit: float) -> Snapped:
        """Where points [degrees] are snapped, at most `limit` [m] away; of several edges equally near the first.

        The way from the point to the network is straight, measured on the ellipsoid, and counts like a way of the network.
        """
        found = Snapped(*(np.full(len(longitude), value) for value in (NOWHERE, 0.0, np.nan)))
        known = np.flatnonzero(np.isfinite(longitude) & np.isfinite(latitude))
        if not len(known) or not len(self.edges):
            return found
        plane = lengths.flattened(longitude[known], latitude[known], self.network.centre)
        which, near = self.tree.query_nearest(
            shapely.points(plane), max_distance=max(limit * (1 + 1e-5), 1e-9), all_matches=True
        )
        order = np.lexsort((near, which))
        which, near = which[order], near[order]
        first = np.r_[True, which[1:] != which[:-1]] if len(which) else np.zeros(0, dtype=bool)
        point, edge = which[first], self.edges[near[first]]
        a, b = self.plane[self.network.start[edge]], self.plane[self.network.end[edge]]
        along = b - a
        share = np.clip(((plane[point] - a) * along).sum(axis=1) / (along**2).sum(axis=1), 0.0, 1.0)
        start, end = self.network.start[edge], self.network.end[edge]
        metres = lengths.geodesic(
            longitude[known[point]],
            latitude[known[point]],
            self.network.longitude[start] * (1 - share) + self.network.longitude[end] * share,
            self.network.latitude[start] * (1 - share) + self.network.latitude[end] * share,
        )
        near_enough = metres <= limit
        at = known[point[near_enough]]
        found.edge[at], found.share[at], found.metres[at] = edge[near_enough], share[near_enough], metres[near_enough]
        return found
