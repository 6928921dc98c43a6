"""Accounts of land by zone: every square metre of a zone in one class, what is in none and what is in two told by itself.

All shapes are polygons in metres; areas [m²]. The accounts of the zones add up to the district.
Source: United Nations et al., System of Environmental-Economic Accounting 2012, Central Framework, 5.6 (land use and land cover
accounts; unverified); how gaps and overlaps are told is our own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from scicity.domains.planning.methods.partition import areas_of, in_turn, overlay, summed

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Account:
    """Areas [m²] by zone (row) and class (column), and what makes each zone whole.

    zone = sum of its classes + gap + unaccounted (the rounding of coordinates). `overlap`: what two features claimed and the
    later one gave up. `outside`: features of each class that lie in no zone.
    """

    area: Array
    zone: Array
    gap: Array
    overlap: Array
    outside: Array

    @property
    def unaccounted(self) -> Array:
        """What neither classes nor gap explain [m²]: within the rounding of coordinates."""
        return self.zone - self.area.sum(axis=1) - self.gap


def account(zones: Array, shapes: Array, number: Array, classes: int) -> Account:
    """The area of each class by zone. `number` [one] is the class of each shape, from 0 to below `classes`.

    Where zones lie over each other the earlier has the place; where features do, the earlier. Missing shapes count for nothing.
    """
    zones, *_ = in_turn(zones, np.zeros(len(zones), dtype=np.int64))
    there = ~shapely.is_missing(shapes)
    shapes, number = shapes[there], number[there]
    own, _, loser, shared = in_turn(shapes, np.zeros(len(shapes), dtype=np.int64))
    met = overlay(zones, own)
    area = summed(met.i * classes + number[met.j], met.area, len(zones) * classes).reshape(len(zones), classes)
    twice = overlay(zones, _once(shared)) if len(loser) else None
    beyond = np.nan_to_num(shapely.area(met.right_rest))
    return Account(
        area=area,
        zone=np.nan_to_num(shapely.area(zones)),
        gap=np.nan_to_num(shapely.area(met.left_rest)),
        overlap=summed(twice.i, twice.area, len(zones)) if twice else np.zeros(len(zones)),
        outside=summed(number, beyond, classes),
    )


def blue_and_green(zones: Array, green: Array, water: Array) -> tuple[Array, Array, Array]:
    """Of each zone the area of green without water, of water, and of both at once [m²], which counts as water.

    Whatever lies over itself counts once.
    """
    zones, *_ = in_turn(zones, np.zeros(len(zones), dtype=np.int64))
    blue, leaves = _within(zones, water), _within(zones, green)
    both = np.nan_to_num(shapely.area(shapely.intersection(blue, leaves)))
    areas = np.nan_to_num(shapely.area(leaves)), np.nan_to_num(shapely.area(blue))
    return areas[0] - both, areas[1], both


def reserved(zones: Array, kept: Array, shapes: Array, number: Array, classes: int) -> tuple[Array, Array]:
    """What became of land held in reserve: its area by zone [m²], and of that the area in each class now [m²].

    `kept` are the shapes that were in reserve on any day so far; `shapes` those of now with their class `number` [one].
    Reserve of which nothing is said now is in no class.
    """
    zones, *_ = in_turn(zones, np.zeros(len(zones), dtype=np.int64))
    held = _within(zones, kept)
    there = ~shapely.is_missing(shapes)
    own, *_ = in_turn(shapes[there], np.zeros(int(there.sum()), dtype=np.int64))
    met = overlay(held, own)
    area = summed(met.i * classes + number[there][met.j], met.area, len(zones) * classes)
    return np.nan_to_num(shapely.area(held)), area.reshape(len(zones), classes)


def holding(valid_from: Array, valid_to: Array, moment: int) -> Array:
    """Which features hold at a moment [µs UTC]; missing ends (the least whole number) are without end."""
    always = np.iinfo(np.int64).min
    return ((valid_from == always) | (valid_from <= moment)) & ((valid_to == always) | (valid_to > moment))


def _once(shapes: Array) -> Array:
    """Shapes of which each place belongs to one."""
    own, *_ = in_turn(shapes, np.zeros(len(shapes), dtype=np.int64))
    return own


def _within(zones: Array, shapes: Array) -> Array:
    """What shapes cover of each zone, as one shape a zone."""
    shapes = shapes[~shapely.is_missing(shapes)]
    found = np.full(len(zones), None, dtype=object)
    if not len(shapes):
        return found
    whole = shapely.union_all(shapes)
    there = ~shapely.is_missing(zones)
    found[there] = areas_of(shapely.intersection(zones[there], whole))
    return found
