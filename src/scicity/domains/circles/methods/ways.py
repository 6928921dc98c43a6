"""Which ways may be passed, in which direction and how fast: by rules that are data (`circles.way_rule`,
`circles.way_attribute`).

A way's class opens it or not; its attributes then open, close or direct it, those of higher priority last, so that what is said
of walking outweighs what is said of access in general.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from scicity.domains.circles.methods.lengths import Floats
from scicity.domains.circles.methods.network import FORBIDDEN, Pace
from scicity.domains.circles.methods.rows import numbers

# What an attribute does to a way: it opens or closes it, or leaves one direction, or both again.
EFFECTS = ("open", "closed", "forward", "backward", "both_ways")
SLOPES = ("none", "tobler")
Words = npt.NDArray[np.object_]
Flags = npt.NDArray[np.bool_]


class Mode(NamedTuple):
    """How somebody travels: speed on the flat [m/s], what slope does to it, the steepest slope that is passed [%] (NaN:
    any)."""

    speed: float
    slope_effect: str = "none"
    steepest: float = np.nan


class ClassRule(NamedTuple):
    """A class of ways: whether it may be passed, its own speed [m/s] (NaN: the mode's), and what passing it costs besides
    [s]."""

    feature_class: str
    passable: bool
    speed: float = np.nan
    delay: float = 0.0


class AttributeRule(NamedTuple):
    """What a value of an attribute does (a key of EFFECTS); of rules that concern one way those of higher priority count."""

    attribute: str
    value: str
    effect: str
    priority: int


def paces(
    mode: Mode,
    classes: Iterable[ClassRule],
    attributes: Sequence[AttributeRule],
    feature_class: Words,
    told: Mapping[str, Words],
    slope: Floats,
) -> Pace:
    """The pace on each way; arrays of shape (ways,). Classes that no rule names are closed.

    `told`: the values of each attribute that a rule names. `slope` [%], positive uphill along the way, NaN where unknown, which
    counts as flat. Source: of the slope, W. Tobler, Three presentations on geographical analysis and modeling (1993): walking
    at 6 exp(−3.5 |s + 0.05|) km/h, taken relative to the flat.
    """
    ways = len(feature_class)
    opened, speed, delay = np.zeros(ways, dtype=bool), np.full(ways, mode.speed), np.zeros(ways)
    along, against = np.ones(ways, dtype=bool), np.ones(ways, dtype=bool)
    for rule in classes:
        mine = feature_class == rule.feature_class
        opened[mine] = rule.passable
        delay[mine] = rule.delay
        if np.isfinite(rule.speed):
            speed[mine] = rule.speed
    for told_of in sorted(attributes, key=lambda each: each.priority):
        mine = told[told_of.attribute] == told_of.value
        if told_of.effect in ("open", "closed"):
            opened[mine] = told_of.effect == "open"
        else:
            along[mine], against[mine] = told_of.effect != "backward", told_of.effect != "forward"
    if np.isfinite(mode.steepest):
        opened &= ~(np.abs(slope) > mode.steepest)  # NaN is not steep
    forward, backward = opened & along, opened & against
    known = np.nan_to_num(slope / 100)
    up, down = (tobler(known), tobler(-known)) if mode.slope_effect == "tobler" else (1.0, 1.0)
    return Pace(np.where(forward, 1 / (speed * up), FORBIDDEN), np.where(backward, 1 / (speed * down), FORBIDDEN), delay)


def tobler(slope: Floats) -> Floats:
    """Walking speed on a `slope` (rise over run [1], positive uphill) as a share [1] of the speed on the flat.

    Source: W. Tobler, Three presentations on geographical analysis and modeling, NCGIA technical report 93-1 (1993).
    """
    return np.exp(-3.5 * (np.abs(slope + 0.05) - 0.05))


def percent(text: Words) -> Floats:
    """Slopes as they are written ("5%", "-3.2", "up") in percent [%]; NaN where no number is told. Source: OpenStreetMap's
    `incline`."""
    return numbers(np.array([None if each is None else each.strip().removesuffix("%") for each in text], dtype=object))
