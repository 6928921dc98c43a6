"""Drift: how a datastream moves away from its neighbours, by robust statistics that one bad day or month cannot move.

Levels, offsets and drifts are in [the property's unit]. Source: median and median absolute deviation with the factor 1.4826, at
which it estimates the standard deviation of normal values; held against a bound as the modified z-score of Iglewicz and Hoaglin
(1993, as quoted; the book was not seen), here of one month among the twelve before it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from scicity.domains.devices.methods.coming import Bools, Floats, Ints

NORMAL = 1.4826  # median absolute deviation to standard deviation, of normal values


class Offsets(NamedTuple):
    """By stream: neighbours with any level, days compared, the offset and its spread in the property's unit (NaN: none)."""

    neighbours: Ints
    days: Ints
    offset: Floats
    spread: Floats


class Drifts(NamedTuple):
    """By stream: months that the usual is taken from, the usual offset, the drift, over the spread; whether it is known to be
    drifting, and whether that can be told. Offsets and drift in the unit of the property."""

    before: Ints
    usual: Floats
    drift: Floats
    score: Floats
    drifting: Bools
    told: Bools


def padded(stream: Ints, neighbour: Ints, size: int) -> Ints:
    """The neighbours of each stream in a row, -1 where it has fewer than another; pairs in any order. Source: own rule."""
    order = np.lexsort((neighbour, stream))
    stream, neighbour = stream[order], neighbour[order]
    rank = np.arange(len(stream)) - np.searchsorted(stream, stream)
    found = np.full((size, int(rank.max(initial=-1)) + 1), -1, dtype=np.int64)
    found[stream, rank] = neighbour
    return found


def offsets(levels: Floats, beside: Ints) -> Offsets:
    """How far each stream is from the middle of its neighbours over a month.

    `levels`: streams by days, in the property's unit, NaN where there is none; `beside`: streams by neighbours, -1 where there
    are fewer. The offset is the median over the days of the level less the median of the neighbours that have one that day.
    Source: see the head of this module.
    """
    padded = np.vstack([levels, np.full((1, levels.shape[1]), np.nan)])
    of_neighbours = padded[beside]
    difference = levels - _median(of_neighbours, axis=1)
    offset = _median(difference, axis=1)
    spread = NORMAL * _median(np.abs(difference - offset[:, None]), axis=1)
    some = ~np.isnan(of_neighbours).all(axis=2)
    return Offsets(some.sum(axis=1), (~np.isnan(difference)).sum(axis=1), offset, spread)


def drifts(month: Floats, before: Floats, least: Floats, bound: float, months: int) -> Drifts:
    """Whether the offset of a month is another than that of the months before it.

    `month`: the offsets of the streams, `before`: streams by the twelve months before, both in the property's unit, NaN where
    not known; `least`: the drift that matters, by stream, NaN where the property is not judged. It is drifting where the drift
    is at least that and more than `bound` times the spread of the months before; months that were all the same have a spread
    of 0, and any drift that matters is beyond it. With fewer than `months` before it nothing is told.
    Source: see the head of this module.
    """
    count = (~np.isnan(before)).sum(axis=1)
    usual = _median(before, axis=1)
    spread = NORMAL * _median(np.abs(before - usual[:, None]), axis=1)
    drift = month - usual
    with np.errstate(divide="ignore", invalid="ignore"):
        score = np.where(spread > 0, np.abs(drift) / spread, np.nan)
        told = (count >= months) & ~np.isnan(drift) & ~np.isnan(least)
        drifting = told & (np.abs(drift) >= least) & ((spread == 0) | (score > bound))
    return Drifts(count, usual, drift, score, drifting, told)


def _median(values: Floats, axis: int) -> Floats:
    """The middle of the numbers along an axis, NaN where there are none; NaN sorts behind every number."""
    ordered = np.sort(np.moveaxis(values, axis, -1), axis=-1)
    if not ordered.shape[-1]:
        return np.full(ordered.shape[:-1], np.nan)
    count = (~np.isnan(ordered)).sum(axis=-1, keepdims=True)
    low, high = (np.take_along_axis(ordered, np.maximum(each, 0), axis=-1) for each in ((count - 1) // 2, count // 2))
    middle: Floats = np.where(count > 0, (low + np.where(count > 0, high, low)) / 2, np.nan)[..., 0]
    return middle
