"""Who reaches what: the nearest of several classes, how many within limits, the nearest few, and the way there.

Facilities are *terminals*: a node beside the network for each, from which its doors (places on the network) are as far as the
way from the network to the facility is. Nobody can walk through a terminal. Searches run from terminals against the direction
of travel, so that costs are those of the way *to* a facility, also where ways are one-way or steep. What cannot be reached is
infinite here and null in tables, never 0.

Source: E. W. Dijkstra, A note on two problems in connexion with graphs, doi:10.1007/BF01386390 (SciPy has it).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from scicity.domains.circles.methods.lengths import Floats, Ints
from scicity.domains.circles.methods.network import Network, matrix

TOGETHER = 8_000_000  # costs that are held at a time
NONE = -1


class Doors(NamedTuple):
    """Where facilities touch a network: of each door its facility (0 …), the node, and the cost between node and facility."""

    facility: Ints
    node: Ints
    cost: Floats


class Nearest(NamedTuple):
    """The cost to the nearest facility (infinite: none in reach), and which it is (NONE)."""

    cost: Floats
    facility: Ints


class Pairs(NamedTuple):
    """Places and facilities within a limit of each other, sorted by place and cost."""

    place: Ints
    facility: Ints
    cost: Floats


@dataclass(frozen=True)
class Search:
    """A network with `count` facilities at their doors; `by` seconds or metres."""

    network: Network
    doors: Doors
    count: int
    by: str = "seconds"

    @cached_property
    def graph(self) -> csr_matrix:
        """Arcs against the direction of travel; facility f is the node `network.nodes` + f."""
        start, end, cost = self.network.arcs(self.by)
        terminal = self.network.nodes + self.doors.facility
        arcs = np.r_[end, terminal], np.r_[start, self.doors.node], np.r_[cost, self.doors.cost]
        return matrix(self.network.nodes + self.count, *arcs)

    def nearest(self, facilities: Ints, limit: float = np.inf) -> Nearest:
        """Cost from each node to the nearest of these facilities, and which; of shape (nodes,). Farther than `limit` is
        infinite."""
        nodes = self.network.nodes
        if not len(facilities):
            return Nearest(np.full(nodes, np.inf), np.full(nodes, NONE))
        found = dijkstra(self.graph, indices=nodes + facilities, min_only=True, return_predecessors=True, limit=limit)
        cost, which = found[0][:nodes], found[2][:nodes].astype(np.int64) - nodes
        return Nearest(cost, np.where(np.isfinite(cost), which, NONE))

    def costs(self, facilities: Ints, at: Ints, limit: float = np.inf) -> Iterator[tuple[Ints, Floats]]:
        """Some facilities at a time, with the costs to each from the nodes `at`: of shape (facilities, places)."""
        several = max(1, TOGETHER // max(1, self.network.nodes + self.count))
        for first in range(0, len(facilities), several):
            some = facilities[first : first + several]
            yield some, np.atleast_2d(dijkstra(self.graph, indices=self.network.nodes + some, limit=limit))[:, at]

    def counts(self, facilities: Ints, at: Ints, more: Floats, limits: Sequence[float]) -> Ints:
        """How many facilities can be reached from the nodes `at` within each limit, `more` being the cost before the node.

        Of shape (limits, places).
        """
        found = np.zeros((len(limits), len(at)), dtype=np.int64)
        for _, costs in self.costs(facilities, at, max(limits)):
            for number, limit in enumerate(limits):
                found[number] += (costs + more <= limit).sum(axis=0)
        return found

    def nearest_few(self, facilities: Ints, at: Ints, more: Floats, few: int, limit: float = np.inf) -> tuple[Floats, Ints]:
        """The costs of the nearest `few` facilities of each place, and which they are; of shape (places, few), the nearest
        first."""
        cost, which = np.full((len(at), few), np.inf), np.full((len(at), few), NONE)
        for some, costs in self.costs(facilities, at, limit):
            all_costs = np.c_[cost, (costs + more).T]
            all_which = np.c_[which, np.broadcast_to(some, (len(at), len(some)))]
            order = np.lexsort((all_which, all_costs), axis=1)[:, :few]
            cost, which = np.take_along_axis(all_costs, order, 1), np.take_along_axis(all_which, order, 1)
        beyond = ~np.isfinite(cost) | (cost > limit)
        return np.where(beyond, np.inf, cost), np.where(beyond, NONE, which)

    def pairs(self, facilities: Ints, at: Ints, more: Floats, limit: float) -> Pairs:
        """Every place and facility within `limit` of each other. Places whose `more` is not finite reach nothing."""
        found: list[tuple[Ints, Ints, Floats]] = []
        for some, costs in self.costs(facilities, at, limit):
            total = costs + more
            facility, place = np.nonzero(total <= limit)
            found.append((place, some[facility], total[facility, place]))
        place, facility, cost = (
            (np.concatenate(parts) for parts in zip(*found, strict=True))
            if found
            else (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
        )
        order = np.lexsort((facility, cost, place))
        return Pairs(place[order], facility[order], cost[order])

    def route(self, node: int, facilities: Ints) -> tuple[Ints, int]:
        """The nodes of the cheapest way from a node to the nearest of these facilities, and which that is (NONE: there is no
        way)."""
        nodes = self.network.nodes
        if not len(facilities):
            return np.zeros(0, np.int64), NONE
        cost, before, _ = dijkstra(self.graph, indices=nodes + facilities, min_only=True, return_predecessors=True)
        if not np.isfinite(cost[node]):
            return np.zeros(0, np.int64), NONE
        path = [node]
        while path[-1] < nodes:
            path.append(int(before[path[-1]]))
        return np.array(path[:-1], dtype=np.int64), path[-1] - nodes


def doors(facility: Ints, node: Ints, metres: Floats, speed: float, by: str = "seconds") -> Doors:
    """Doors of facilities at nodes of a network, `metres` off it; those without a node (negative) are left out. Speed [m/s]."""
    some = node >= 0
    cost = metres[some] / (speed if by == "seconds" else 1.0)
    return Doors(facility[some], node[some], cost)
