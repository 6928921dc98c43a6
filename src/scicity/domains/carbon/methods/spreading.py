"""Whole amounts spread over parts, to the last digit: the parts of a bill over months, of a fuel over products.

Source: cumulative rounding: each part is the difference of two rounded running sums, so that no digit is lost or made.
"""

from __future__ import annotations

import numpy as np


def spread(total: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Whole numbers `total` (n) [any unit], each over the parts of its row of `weights` (n, parts) [any unit, >= 0], as int64.

    The parts of a row sum to its total exactly; a part of weight 0 gets 0. Raises ValueError for a negative weight and for a
    row without any.
    """
    if np.any(weights < 0) or np.any(weights.sum(axis=1) <= 0):
        raise ValueError("weights are at least 0, and one of them is above")
    running = np.cumsum(weights.astype(np.longdouble), axis=1)
    edges = np.rint(total[:, None].astype(np.longdouble) * (running / running[:, -1:])).astype(np.int64)
    edges[running >= running[:, -1:]] = np.broadcast_to(total[:, None], edges.shape)[running >= running[:, -1:]]
    return np.diff(edges, axis=1, prepend=0)


def overlaps(first: np.ndarray, until: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """How much of each span from `first` to `until` (n) [µs] lies between neighbouring `edges` (m) [µs]: int64 (n, m - 1)."""
    begin = np.maximum(first[:, None], edges[None, :-1])
    end = np.minimum(until[:, None], edges[None, 1:])
    return np.maximum(end - begin, 0)
