"""A network of ways: nodes where vertices are shared, an edge for each stretch between two vertices.

Edges keep both directions apart: what is forbidden has the cost infinity. Parallel edges stay apart here, and the cheaper one
counts where the network becomes a matrix, because a sparse matrix would add them up.
Lengths [m], costs [s], places [degrees WGS 84].
Source: OpenStreetMap's model of ways that meet at shared nodes; lengths by PROJ's geodesics
(C. F. F. Karney, Algorithms for geodesics, doi:10.1007/s00190-012-0578-z).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from scicity.domains.circles.methods import lengths
from scicity.domains.circles.methods.lengths import Floats, Ints

SHARED = 1e-7  # degrees: vertices that agree so far are one node; OpenStreetMap's own grid, some 11 mm
FORBIDDEN = np.inf
Lines = npt.NDArray[np.object_]


class Fault(ValueError):  # noqa: N818  (reads as what it is)
    """Ways that no network can be made of."""


class Pace(NamedTuple):
    """What a metre of each way costs along it and against it [s/m], and what passing each way costs besides [s]; (ways,)."""

    forward: Floats
    backward: Floats
    delay: Floats


@dataclass(frozen=True)
class Network:
    """Nodes [degrees]; edges from node `start` to node `end` with their `length` [m], the number of their `way` (−1: none), and
    the costs of passing them `forward` and `backward` [s], infinity where that is forbidden."""

    longitude: Floats
    latitude: Floats
    start: Ints
    end: Ints
    length: Floats
    forward: Floats
    backward: Floats
    way: Ints

    @property
    def nodes(self) -> int:
        """How many nodes there are."""
        return len(self.longitude)

    @cached_property
    def centre(self) -> tuple[float, float]:
        """The middle of the nodes' extent (longitude, latitude)."""
        if not self.nodes:
            return 0.0, 0.0
        return float(self.longitude.min() + self.longitude.max()) / 2, float(self.latitude.min() + self.latitude.max()) / 2

    @cached_property
    def islands(self) -> Ints:
        """Which island each node is on, numbered from 0 by how much way they have, the longest first. Directions do not
        matter."""
        if not self.nodes:
            return np.zeros(0, dtype=np.int64)
        ones = np.ones(len(self.start))
        graph = csr_matrix((ones, (self.start, self.end)), shape=(self.nodes, self.nodes))
        count, which = connected_components(graph, directed=False)
        long = np.bincount(which[self.start], self.length, count)
        first = np.full(count, self.nodes)
        np.minimum.at(first, which, np.arange(self.nodes))
        order = np.lexsort((first, -np.round(long, 3)))
        rank = np.empty(count, dtype=np.int64)
        rank[order] = np.arange(count)
        return rank[which]

    @cached_property
    def island_lengths(self) -> Floats:
        """The length of ways [m] of each island, of shape (islands,)."""
        return np.asarray(np.bincount(self.islands[self.start], self.length, 0), dtype=np.float64)

    def arcs(self, by: str = "seconds") -> tuple[Ints, Ints, Floats]:
        """The passable arcs (from, to, cost) with cost in seconds, or in metres with `by="metres"`."""
        forward, backward = self.forward, self.backward
        if by == "metres":
            forward = np.where(np.isfinite(forward), self.length, FORBIDDEN)
            backward = np.where(np.isfinite(backward), self.length, FORBIDDEN)
        a, b, cost = np.r_[self.start, self.end], np.r_[self.end, self.start], np.r_[forward, backward]
        some = np.isfinite(cost)
        return a[some], b[some], cost[some]


def build(lines: Lines, pace: Pace, *, measure: str = "geodesic", shared: float = SHARED) -> Network:
    """The network of `lines` (shapely lines in degrees, one or several parts a way), whose vertices are shared at junctions.

    Stretches between vertices that are one node are dropped; ways that may be passed in no direction are left out. Lengths are
    `geodesic` on the ellipsoid or in a `plane` at the middle. Raises Fault for coordinates that are none.
    """
    keep = np.isfinite(pace.forward) | np.isfinite(pace.backward)
    chosen = lines.copy()
    chosen[~keep] = None
    parts, way = shapely.get_parts(chosen, return_index=True)
    coordinates, part = shapely.get_coordinates(parts, return_index=True)
    if not np.isfinite(coordinates).all():
        raise Fault("a vertex without coordinates")
    if len(coordinates) and (np.abs(coordinates[:, 0]).max() > 180 or np.abs(coordinates[:, 1]).max() > 90):
        raise Fault("a vertex beyond 180 or 90 degrees")
    node, first = _shared(coordinates, shared)
    a, b = np.flatnonzero(part[:-1] == part[1:]), np.flatnonzero(part[:-1] == part[1:]) + 1
    other = node[a] != node[b]
    a, b = a[other], b[other]
    longitude, latitude = coordinates[first, 0], coordinates[first, 1]
    start, end, mine = node[a], node[b], way[part[a]].astype(np.int64)
    used, packed = np.unique(np.r_[start, end], return_inverse=True)
    longitude, latitude = longitude[used], latitude[used]
    start, end = packed[: len(a)].astype(np.int64), packed[len(a) :].astype(np.int64)
    length = _measured(longitude, latitude, start, end, measure)
    # The delay of a way is met once along it: spread over its length, so that a part of it bears its part.
    whole = np.bincount(mine, length, len(lines)) if len(mine) else np.zeros(len(lines))
    share = np.divide(length, whole[mine], out=np.zeros(len(length)), where=whole[mine] > 0)
    delay = pace.delay[mine] * share
    return Network(
        longitude,
        latitude,
        start,
        end,
        length,
        length * pace.forward[mine] + delay,
        length * pace.backward[mine] + delay,
        mine,
    )


def assembled(ends: Floats, length: Floats, forward: Floats, backward: Floats, way: Ints, *, shared: float = SHARED) -> Network:
    """The network of edges that were built before: their `ends` [degrees] (edges, 4) are nodes where they agree."""
    node, first = _shared(np.concatenate([ends[:, :2], ends[:, 2:]]), shared)
    places = np.concatenate([ends[:, :2], ends[:, 2:]])[first]
    return Network(places[:, 0], places[:, 1], node[: len(ends)], node[len(ends) :], length, forward, backward, way)


def _shared(coordinates: Floats, shared: float) -> tuple[Ints, Ints]:
    """The node of each vertex, and the first vertex of each node."""
    grid = np.rint(coordinates / shared).astype(np.int64)
    across, up = int(np.rint(181 / shared)), int(np.rint(91 / shared))
    key = (grid[:, 0] + across) * (2 * up) + grid[:, 1] + up  # below 2**63 from 1e-7 degrees upwards
    _, first, node = np.unique(key, return_index=True, return_inverse=True)
    return node.astype(np.int64), first.astype(np.int64)


def _measured(longitude: Floats, latitude: Floats, start: Ints, end: Ints, measure: str) -> Floats:
    if measure == "geodesic":
        return lengths.geodesic(longitude[start], latitude[start], longitude[end], latitude[end])
    if measure != "plane":
        raise Fault(f"lengths are measured {' or '.join(lengths.HOW)}, not {measure!r}")
    if not len(longitude):
        return np.zeros(0)
    centre = float(longitude.min() + longitude.max()) / 2, float(latitude.min() + latitude.max()) / 2
    plane = lengths.flattened(longitude, latitude, centre)
    return np.hypot(*(plane[end] - plane[start]).T)


def matrix(nodes: int, start: Ints, end: Ints, cost: Floats) -> csr_matrix:
    """Arcs as a sparse matrix of shape (nodes, nodes); of parallel arcs the cheapest. Arcs of no cost stay."""
    order = np.lexsort((cost, end, start))
    a, b, c = start[order], end[order], cost[order]
    first = np.r_[True, (a[1:] != a[:-1]) | (b[1:] != b[:-1])] if len(a) else np.zeros(0, dtype=bool)
    a, b, c = a[first], b[first], c[first]
    return csr_matrix((c, b, np.searchsorted(a, np.arange(nodes + 1))), shape=(nodes, nodes))


def split(network: Network, edge: Ints, share: Floats) -> tuple[Network, Ints]:
    """The network with a node at each given point of an edge (`share` of its length from its start, 0 to 1), and these nodes.

    Points at an end of an edge are that end; points at one place are one node. Costs of parts are in proportion to their
    length.
    """
    node = np.where(share <= 0, network.start[edge], network.end[edge]).astype(np.int64)
    inner = np.flatnonzero((share > 0) & (share < 1))
    if not len(inner):
        return network, node
    order = inner[np.lexsort((share[inner], edge[inner]))]
    e, s = edge[order], share[order]
    new = np.r_[True, (e[1:] != e[:-1]) | (s[1:] != s[:-1])]
    number = network.nodes + np.cumsum(new) - 1
    node[order] = number
    e, s, number = e[new], s[new], number[new]
    longitude = network.longitude[network.start[e]] * (1 - s) + network.longitude[network.end[e]] * s
    latitude = network.latitude[network.start[e]] * (1 - s) + network.latitude[network.end[e]] * s
    heads = np.r_[True, e[1:] != e[:-1]]
    tails = np.r_[e[1:] != e[:-1], True]
    # pieces: one before each new node, and one behind the last new node of each edge
    begin = np.r_[np.where(heads, network.start[e], np.r_[-1, number[:-1]]), number[tails]]
    finish = np.r_[number, network.end[e[tails]]]
    part = np.r_[s - np.where(heads, 0.0, np.r_[0.0, s[:-1]]), 1 - s[tails]]
    of = np.r_[e, e[tails]]
    whole = np.ones(len(network.start), dtype=bool)
    whole[e] = False
    return replace(
        network,
        longitude=np.r_[network.longitude, longitude],
        latitude=np.r_[network.latitude, latitude],
        start=np.r_[network.start[whole], begin],
        end=np.r_[network.end[whole], finish],
        length=np.r_[network.length[whole], network.length[of] * part],
        forward=np.r_[network.forward[whole], network.forward[of] * part],
        backward=np.r_[network.backward[whole], network.backward[of] * part],
        way=np.r_[network.way[whole], network.way[of]],
    ), node
