"""Areas laid over each other: pieces whose areas add up to the whole, and thin pieces told apart from broad ones.

All shapes are polygons in metres, arrays of shapely; an area that is missing is None. Lengths [m], areas [m²]. Nothing is
snapped or rounded: what two drafts of one boundary leave between them is a piece, and whether it counts is a question of
thresholds that are data.
Source: the predicates and operations of OGC 06-103r4 (Simple Features), 6.1.15, as GEOS computes them.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

Shapes = np.ndarray[Any, Any]
Integers = np.ndarray[Any, Any]
Reals = np.ndarray[Any, Any]
Flags = np.ndarray[Any, Any]

MEETING = 1e-9  # share of an area up to which what is left of it is the rounding of coordinates
CHUNK = 4096  # pairs that one thread takes at a time
MANY = 32  # shapes that are taken off one; more are put together first, since each step costs what the whole one has
SAMPLED = 400  # pairs that are asked whether they merely touch, before all are
WORTHWHILE = 0.3  # share of them from which on it is cheaper to ask all than to work out what they do not share


@dataclass(frozen=True)
class Overlay:
    """Pieces of `left[i]` that `right[j]` covers, and what is left of each side.

    `area` [m²] of the pieces; `left_rest`, `right_rest` are None where nothing is left.
    """

    i: Integers
    j: Integers
    pieces: Shapes
    area: Reals
    left_rest: Shapes
    right_rest: Shapes


def overlay(left: Shapes, right: Shapes) -> Overlay:
    """Every piece that a shape of `left` and one of `right` share, and what only one of both covers.

    Within each side no two shapes may share any area (`in_turn` makes that so): then the pieces and rests [m²] of a side add up
    to it. Shapes that touch share no piece.
    """
    i, j = _meeting(left, right)
    i, j, pieces = _shared(left, right, i, j)
    area = shapely.area(pieces)
    return Overlay(i, j, pieces, area, _rest(left, right, i, j, area), _rest(right, left, j, i, area))


def in_turn(shapes: Shapes, turn: Integers) -> tuple[Shapes, Integers, Integers, Shapes]:
    """Shapes of which each place belongs to one: where several lie, to that whose `turn` [one] comes first (then the earlier).

    Gives the shapes less what is others' (None where nothing is left), and every overlap: who has it, who gave it up, and
    the shape that both had.
    """
    first, second = _overlapping(shapes)
    if not len(first):
        return shapes, first, second, np.empty(0, dtype=object)
    place = np.lexsort((np.arange(len(shapes)), turn))
    rank = np.empty(len(shapes), dtype=np.int64)
    rank[place] = np.arange(len(shapes))
    swapped = rank[first] > rank[second]
    first, second = np.where(swapped, second, first), np.where(swapped, first, second)
    first, second, shared = _shared(shapes, shapes, first, second)
    return _less(shapes, second, shapes[first]), first, second, shared


def thin(parts: Shapes, least_area: float, least_width: float) -> Flags:
    """Whether each part is a sliver: below `least_area` [m²], or so thin that no circle of `least_width` [m] fits into it.

    The circle is sought only where bounds do not tell: its diameter is at least 2 A / P in a part without holes, and at most
    that of a circle of its area, and the shorter side of the rectangle around it.
    Source: A <= r P - pi r² for the inradius r of a simply connected part: T. Bonnesen, Les problèmes des isopérimètres et des
    isépiphanes, 1929 (unverified).
    """
    area = shapely.area(parts)
    narrow = area < least_area
    if least_width <= 0 or not len(parts):
        return narrow
    bounds = shapely.bounds(parts)
    reach = np.minimum(bounds[:, 2] - bounds[:, 0], bounds[:, 3] - bounds[:, 1])
    narrow |= (np.sqrt(4 * area / np.pi) < least_width) | (reach < least_width)
    broad = (mean_width(parts) >= least_width) & (shapely.get_num_interior_rings(parts) == 0)
    open_ = np.flatnonzero(~narrow & ~broad)
    if len(open_):
        inner = _each(lambda each: shapely.buffer(each, -least_width / 2, quad_segs=16), parts[open_])
        narrow[open_] = shapely.is_empty(inner)
    return narrow


def mean_width(parts: Shapes) -> Reals:
    """The mean width 2 A / P [m] of each part: of a long strip its width, of a square half its side."""
    length = shapely.length(parts)
    return np.divide(2 * shapely.area(parts), length, out=np.zeros(len(parts)), where=length > 0)


def parts_of(pieces: Shapes) -> tuple[Shapes, Integers]:
    """The single areas of pieces that have several, and whose piece [one] each is of."""
    if (shapely.get_num_geometries(pieces) == 1).all() and (shapely.get_type_id(pieces) == 3).all():
        return pieces, np.arange(len(pieces))
    parts, of = shapely.get_parts(pieces, return_index=True)
    return parts, of


def summed(of: Integers, value: Reals, size: int) -> Reals:
    """The sum of `value` [its own unit] by the number that each is of, from 0 to `size`."""
    return np.bincount(of, weights=value, minlength=size) if len(of) else np.zeros(size)


def _shared(left: Shapes, right: Shapes, i: Integers, j: Integers) -> tuple[Integers, Integers, Shapes]:
    """The pairs that share area, and what they share; equal shapes and mere neighbours are told without working it out."""
    a, b = shapely.bounds(left[i]), shapely.bounds(right[j])
    both = (np.minimum(a[:, 2:], b[:, 2:]) > np.maximum(a[:, :2], b[:, :2])).all(axis=1)
    i, j = i[both], j[both]
    pieces = left[i]
    differ = np.flatnonzero(~shapely.equals_exact(pieces, right[j], 0.0))
    kept = np.ones(len(i), dtype=bool)
    some = differ[:: max(1, len(differ) // SAMPLED)]
    if len(some) and shapely.touches(left[i[some]], right[j[some]]).mean() > WORTHWHILE:
        kept[differ] = ~_each(shapely.touches, left[i[differ]], right[j[differ]])
        differ = differ[kept[differ]]
    pieces[differ] = _each(shapely.intersection, left[i[differ]], right[j[differ]])
    kept &= shapely.area(pieces) > 0
    return i[kept], j[kept], areas_of(pieces[kept])


def _meeting(left: Shapes, right: Shapes) -> tuple[Integers, Integers]:
    """The pairs whose rectangles meet and that meet themselves."""
    if not len(left) or not len(right):
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    tree = shapely.STRtree(right)
    tree.query(left[0])  # the first question builds the tree: not two at once

    def met(cut: slice) -> Integers:
        found: Integers = tree.query(left[cut], predicate="intersects")
        found[0] += cut.start
        return found

    i, j = np.concatenate(_in_cuts(met, len(left)), axis=1)
    return i, j


def _overlapping(shapes: Shapes) -> tuple[Integers, Integers]:
    """The pairs of one set that may share area; none of a clean coverage, which is known without looking at pairs."""
    none = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    there = np.flatnonzero(~shapely.is_missing(shapes))
    if len(there) < 2:
        return none
    edges = shapely.coverage_invalid_edges(shapes[there])
    suspect = there[~shapely.is_missing(edges) & ~shapely.is_empty(edges)]
    if not len(suspect):
        return none
    tree = shapely.STRtree(shapes[there])
    i, j = tree.query(shapes[suspect], predicate="intersects")
    i, j = suspect[i], there[j]
    low, high = np.minimum(i, j), np.maximum(i, j)
    pairs = np.unique(np.stack([low, high])[:, low != high], axis=1)
    return pairs[0], pairs[1]


def _less(shapes: Shapes, which: Integers, taken: Shapes) -> Shapes:
    """Shapes without what is taken off them: `taken[k]` off `shapes[which[k]]`."""
    found = shapes.copy()
    order = np.argsort(which, kind="stable")
    which, taken = which[order], taken[order]
    starts = np.flatnonzero(np.r_[True, which[1:] != which[:-1]]) if len(which) else np.empty(0, dtype=np.int64)
    counts = np.diff(np.r_[starts, len(which)])
    for start, count in zip(starts[counts > MANY], counts[counts > MANY], strict=True):
        found[which[start]] = shapely.difference(found[which[start]], shapely.union_all(taken[start : start + count]))
    one_by_one = np.repeat(counts <= MANY, counts)
    touched = np.unique(which)
    which, taken = which[one_by_one], taken[one_by_one]
    starts = np.flatnonzero(np.r_[True, which[1:] != which[:-1]]) if len(which) else np.empty(0, dtype=np.int64)
    turn = np.arange(len(which)) - np.repeat(starts, np.diff(np.r_[starts, len(which)]))
    for one in range(int(turn.max()) + 1 if len(turn) else 0):
        now = turn == one
        found[which[now]] = _each(shapely.difference, found[which[now]], taken[now])
    found[touched] = areas_of(found[touched])
    return found


def _rest(mine: Shapes, theirs: Shapes, i: Integers, j: Integers, area: Reals) -> Shapes:
    """What of each of my shapes none of theirs covers; what is less than the rounding of coordinates is nothing."""
    whole = np.nan_to_num(shapely.area(mine))
    left = whole - summed(i, area, len(mine))
    found = np.full(len(mine), None, dtype=object)
    short = left > MEETING * whole
    found[short] = mine[short]
    partly = short[i]
    return _less(found, i[partly], theirs[j[partly]])


def areas_of(pieces: Shapes) -> Shapes:
    """Pieces without the points and lines that came with their areas; None where there is no area."""
    kind = shapely.get_type_id(pieces)
    found: Shapes = np.array(pieces, dtype=object)
    found[~np.isin(kind, (3, 6)) | shapely.is_empty(pieces)] = None
    mixed = np.flatnonzero(kind == 7)
    if len(mixed):
        inner, outer_of = shapely.get_parts(pieces[mixed], return_index=True)
        parts, inner_of = shapely.get_parts(inner, return_index=True)
        polygons = shapely.get_type_id(parts) == 3
        places, which = np.unique(outer_of[inner_of][polygons], return_inverse=True)
        if len(places):
            found[mixed[places]] = shapely.multipolygons(parts[polygons], indices=which)
    return found


def _each(function: Callable[..., Shapes], *arrays: Shapes) -> Shapes:
    """A function of arrays, by chunks on both cores: GEOS lets other threads run."""
    return np.concatenate(_in_cuts(lambda cut: function(*(array[cut] for array in arrays)), len(arrays[0])))


def _in_cuts(function: Callable[[slice], Shapes], size: int) -> list[Shapes]:
    """What a function finds in each chunk of so many; of two at a time where there are several."""
    cuts = [slice(at, at + CHUNK) for at in range(0, max(size, 1), CHUNK)]
    if len(cuts) == 1:
        return [function(cuts[0])]
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(function, cuts))
