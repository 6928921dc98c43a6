"""What hangs together in a network: features that share nodes, followed from one of them up or down, or both ways.

A feature leads from one node to another; attributes of its file name them. Down is the way from `from_node` to `to_node`.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order

from scicity.space.index import Index

NODES = (("from_node", "to_node"), ("start_node", "end_node"), ("node_from", "node_to"), ("u", "v"))
WAYS = ("up", "down", "both")
_kept: dict[str, tuple[str, Network | None]] = {}
_lock = threading.Lock()


@dataclass(frozen=True)
class Network:
    """The features of a layer that name two nodes, by the numbers of these."""

    features: np.ndarray
    start: np.ndarray
    end: np.ndarray
    nodes: int
    restricted: np.ndarray  # roles with spaces between; empty: all
    valid: np.ndarray  # [µs UTC] from, to; the least and the greatest where there is none

    @classmethod
    def of(cls, rows: Sequence[tuple[str, str, str, str | None, int | None, int | None]]) -> Network:
        """From feature, first node, last node, restriction, validity."""
        features, first, last, restricted, since, until = (np.array(each, object) for each in zip(*rows, strict=True))
        nodes, numbers = np.unique(np.concatenate([first, last]).astype(str), return_inverse=True)
        edge = np.iinfo(np.int64)
        for column, instead in ((since, edge.min), (until, edge.max), (restricted, "")):
            column[np.array([each is None for each in column], bool)] = instead
        start, end = np.split(numbers, 2)
        return cls(features, start, end, len(nodes), restricted.astype(str), np.array([since, until], np.int64))

    def trace(self, feature: str, way: str, roles: frozenset[str] | None = None, at: int | None = None) -> list[str]:
        """The features that hang together with one, in the order of how many lie between, itself first.

        Only those that a reader with these roles sees (None: sees all), and that are there at an instant [µs UTC].
        Raises LookupError where the feature is not among them.
        """
        kinds, of = np.unique(self.restricted, return_inverse=True)
        allowed = np.array([roles is None or not kind or bool(roles.intersection(kind.split())) for kind in kinds], bool)
        there = allowed[of] & ((self.valid[0] <= at) & (at < self.valid[1]) if at is not None else True)
        mine = np.flatnonzero(there)
        own = np.flatnonzero(self.features[mine] == feature)
        if not len(own):
            raise LookupError(feature)
        start, end = (self.end[mine], self.start[mine]) if way == "up" else (self.start[mine], self.end[mine])
        # A graph of nodes and features: from a node to the features that begin there, from a feature to its last node.
        count, edges = self.nodes, np.arange(len(mine)) + self.nodes
        tails, heads = np.r_[start, edges], np.r_[edges, end]
        if way == "both":
            tails, heads = np.r_[tails, heads], np.r_[heads, tails]
        size = count + len(mine)
        graph = csr_array((np.ones(len(tails), np.int8), (tails, heads)), shape=(size, size))
        order = breadth_first_order(graph, count + own[0], return_predecessors=False)
        found: list[str] = self.features[mine[order[order >= count] - count]].tolist()
        return found


def network_of(index: Index) -> Network | None:
    """The network of a layer, made once for each state of its index; None where its features name no nodes."""
    state = index.changes()
    key = str(index.file)
    with _lock:
        if key in _kept and _kept[key][0] == state:
            return _kept[key][1]
    found = None
    with index.connected() as connection:
        for first, last in NODES:
            # json_extract's path is quoted: a name is a name
            told = [f"json_extract(details, '$.\"{name}\"')" for name in (first, last)]
            rows = connection.execute(
                f"SELECT feature, CAST({told[0]} AS TEXT), CAST({told[1]} AS TEXT), restricted_to, valid_from, valid_to "
                f"FROM features WHERE {told[0]} IS NOT NULL AND {told[1]} IS NOT NULL ORDER BY fid"
            ).fetchall()
            if rows:
                found = Network.of(rows)
                break
    with _lock:
        _kept[key] = (state, found)
    return found
