"""From which zoom a feature is drawn: so many that a tile stays small, and so spread that no place is left empty.

The square of Web Mercator is divided into cells, at each zoom into four times as many, which lie wholly in the cells of the
zoom before. A feature is drawn from the first zoom at which it is the first of its cell (areas before lines before points, the
larger before the smaller) at the end of some year, or large enough to be seen as it is, and at the latest where all are. So
every cell with a feature in it has one that is drawn, whichever year is looked at; what is drawn at a zoom is drawn at every
later one; and the choice depends on nothing but the features themselves: not on their order, nor on what was before.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from scicity.space.mvt import world

ALL = 16  # the zoom from which every feature is drawn
CELLS = 6  # a side of a tile has 2 to the power of this many cells: of 8 pixels each
SEEN = {2: 4.0, 1: 8.0}  # size from which areas and lines are drawn in any case [pixels of 512 a tile]
NEVER = ALL + 1
# The days on which a map that is looked at year by year looks [µs]: the last of each, wherever the district is.
YEAR_ENDS = np.arange("1901", "2102", dtype="datetime64[Y]").astype("datetime64[us]").astype(np.int64) - 15 * 3_600_000_000


@dataclass(frozen=True)
class Marks:
    """What decides from which zoom features are drawn, each of shape (n,).

    `cells`: the finest cell of each; bits of column and row in turn, so that the first bits are the coarser cells. `weights`:
    twice the dimension, and the larger side of its box [of the square of Web Mercator]. `ties`: settle what is equal. `groups`:
    features of one number are thinned among themselves, so that what not all may see leaves no gap for the others. `begins` and
    `ends`: the number of the first year's end at which each is there, and of the first after it at which it is not.
    """

    cells: np.ndarray
    weights: np.ndarray
    ties: np.ndarray
    groups: np.ndarray
    begins: np.ndarray
    ends: np.ndarray


def first_zoom(
    geometries: np.ndarray,
    names: np.ndarray | None = None,
    groups: np.ndarray | None = None,
    during: tuple[np.ndarray, np.ndarray] | None = None,
) -> np.ndarray:
    """The first zoom of each feature, from 0 to `ALL`; shape (n,). For the arguments see `marks`."""
    return first_zoom_of(marks(geometries, names, groups, during))


def marks(
    geometries: np.ndarray,
    names: np.ndarray | None = None,
    groups: np.ndarray | None = None,
    during: tuple[np.ndarray, np.ndarray] | None = None,
) -> Marks:
    """What decides of features.

    Args:
        geometries: of shapely, WGS 84; shape (n,).
        names: text that tells the features apart; their places alone do where not given.
        groups: text, one group for all where not given.
        during: from when and until when each is there [µs UTC, not a number where it always was or will be]; always where not
            given.
    """
    boxes = np.nan_to_num(shapely.bounds(geometries)).reshape(-1, 4)
    low, high = world(boxes[:, [0, 3]]), world(boxes[:, [2, 1]])
    centres, sides = (low + high) / 2, (high - low).max(axis=1, initial=0)
    dimensions = np.maximum(shapely.get_dimensions(geometries), 0)
    mixed = np.ascontiguousarray(centres).view(np.uint64) * np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F], np.uint64)
    ties = mixed[:, 0] ^ mixed[:, 1]
    if names is not None:
        ties ^= _digests(names)
    grouped = np.zeros(len(boxes), np.int64) if groups is None else (_digests(groups) >> np.uint64(1)).view(np.int64)
    always = np.full(len(boxes), np.nan)
    begins, ends = _years(*(during or (always, always)))
    return Marks(_cells(centres), 2.0 * dimensions + np.minimum(sides, 1), ties.view(np.int64), grouped, begins, ends)


def first_zoom_of(told: Marks) -> np.ndarray:
    """The first zoom of each feature."""
    return drawn_from(alone(told), told.weights)


def drawn_from(alone: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The first zoom of features, of the first at which each is the first of its cell."""
    return np.minimum(np.minimum(alone, _large(weights)), ALL).astype(np.int8)


def _digests(texts: np.ndarray) -> np.ndarray:
    from pandas.util import hash_array  # here: most of what imports this thins nothing

    return np.asarray(hash_array(np.asarray(texts, object), categorize=False), np.uint64)


def _cells(places: np.ndarray) -> np.ndarray:
    side = 2 ** (ALL + CELLS)
    at = np.clip(np.floor(places * side), 0, side - 1).astype(np.uint64)
    return (_spread(at[:, 0]) | _spread(at[:, 1]) << np.uint64(1)).view(np.int64)


def _years(since: np.ndarray, until: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Between which ends of years something is there; what is there at none counts as there at the next."""
    begins = np.where(np.isnan(since), 0, np.searchsorted(YEAR_ENDS, since))
    ends = np.where(np.isnan(until), len(YEAR_ENDS), np.searchsorted(YEAR_ENDS, until))
    return begins, np.maximum(ends, begins + 1)


def _spread(bits: np.ndarray) -> np.ndarray:
    """The 32 lower bits, each with a bit 0 before it."""
    for shift in (16, 8, 4, 2, 1):
        ones = sum(((1 << shift) - 1) << at for at in range(0, 64, 2 * shift))
        bits = (bits | bits << np.uint64(shift)) & np.uint64(ones)
    return bits


def alone(told: Marks) -> np.ndarray:
    """The first zoom at which each feature is the first of its cell; `NEVER` where it is not even in the finest."""
    if not len(told.cells):
        return np.empty(0, np.int8)
    order = np.lexsort((told.ties, -told.weights))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    first = np.full(len(order), NEVER, np.int8)
    left = np.lexsort((told.cells, told.groups))
    for zoom in range(ALL, -1, -1):
        cells, groups = told.cells[left] >> (2 * (ALL - zoom)), told.groups[left]
        if not len(left):
            break
        numbers = np.append(0, np.cumsum(_other(cells) | _other(groups)))
        left = left[_leading(numbers, rank[left], told.begins[left], told.ends[left])]
        first[left] = zoom
    return first


def _other(values: np.ndarray) -> np.ndarray:
    """Where each but the first is not as the one before it."""
    found: np.ndarray = values[1:] != values[:-1]
    return found


def _leading(cells: np.ndarray, ranks: np.ndarray, begins: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Those of whom none of a lower rank in their cell is there for all their years; cells have numbers that ascend.

    Of these there are no more in a cell than years, for no two of them begin in one.
    """
    found, waiting = np.zeros(len(cells), bool), np.arange(len(cells))
    while len(waiting):
        starts = np.flatnonzero(np.append(True, _other(cells[waiting])))
        sizes = np.diff(np.append(starts, len(waiting)))
        leads = np.repeat(np.minimum.reduceat(ranks[waiting], starts), sizes) == ranks[waiting]
        first = waiting[leads]
        found[first] = True
        within = (begins[waiting] >= np.repeat(begins[first], sizes)) & (ends[waiting] <= np.repeat(ends[first], sizes))
        waiting = waiting[~within]
    return found


def _large(weights: np.ndarray) -> np.ndarray:
    """The first zoom at which each feature is drawn for its size alone."""
    dimensions = np.minimum((weights // 2).astype(int), 2)
    sides, pixels = weights - 2 * dimensions, np.array([0, SEEN[1], SEEN[2]])[dimensions]
    found = np.full(len(sides), NEVER, np.int8)
    some = (sides > 0) & (pixels > 0)
    zoom = np.ceil(np.log2(pixels[some] / 512 / sides[some]))
    found[some] = np.clip(zoom, 0, NEVER).astype(np.int8)
    return found
