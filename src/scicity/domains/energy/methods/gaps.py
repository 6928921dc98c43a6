"""The course of energy over a gap whose total is known: by the meter's own load shape, conserved to the last micro-kWh.

The shape of a gap is the middle (median) load that the register showed in the same local hour of the day, over the week before
the gap and the week behind it. It is taken from the readings as they are: one spike does not move a median, and so a shape
depends on no verdict and on no reading further than a week from the gap.

Energies and shares [µkWh], times [µs UTC]. Source: rule 6 of `ledger`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from scicity.domains.energy.methods import contradictions
from scicity.domains.energy.methods.contradictions import Nodes
from scicity.domains.energy.methods.curves import GAP, Curve, curve
from scicity.domains.energy.methods.devices import HOUR, Fleet, Stream
from scicity.domains.energy.methods.registers import MARGIN, Points
from scicity.domains.energy.methods.screening import DAY, Bools, Ints, Series

SHAPE = 7 * DAY  # [µs] the week before a gap and the week behind it show how the load runs
Steps = tuple[Ints, Bools]
PAGE = 32 * DAY  # [µs] hours are asked of the calendar in whole pages, which it keeps


class Calendar(Protocol):
    """What the ledger asks of a calendar."""

    def hours(self, first: int, last: int) -> tuple[Ints, npt.NDArray[np.int32]]:
        """Starts [µs UTC] of the local hours in [first, last) and their local days."""

    def local(self, instants: Ints) -> Ints:
        """Local wall-clock time [µs] of instants [µs UTC]."""


@dataclass(frozen=True)
class Around:
    """What a gap's shape is taken from: points that nobody judged, all readings, the meters, the calendar."""

    points: Points
    series: Series
    streams: list[Stream]
    devices: Fleet
    calendar: Calendar

    def steps(self) -> Steps:
        """The counts that passed from each point to the next, and whether that is a usual step."""
        nodes: Nodes = self.points.nodes(self.streams, self.devices)
        at = np.arange(max(len(nodes.time) - 1, 0))
        counts, good = contradictions.passed(nodes, at, at + 1)
        return counts, good & (np.diff(nodes.time) <= nodes.usual[:-1])

    def clock(self, first: int, last: int) -> Clock:
        """The local hours around a time."""
        first, last = (first - SHAPE) // PAGE * PAGE, -(-(last + SHAPE) // PAGE) * PAGE
        starts, _ = self.calendar.hours(first, last)
        return Clock(starts, self.calendar.local(starts) // HOUR % 24)


class Clock(NamedTuple):
    """Consecutive local hours: their starts [µs UTC] and which hour of the day each is."""

    starts: Ints
    of_day: Ints

    def within(self, first: int, last: int) -> slice:
        """The hours that begin in [first, last)."""
        low, high = np.searchsorted(self.starts, (first, last)).tolist()
        return slice(low, high)


def shaped(over: Curve, around: Around, begin: int, end: int) -> Curve:
    """The curve with a node at each local hour within its gaps that touch [begin, end): a gap runs as the load does."""
    until = np.r_[over.time[1:], over.time[-1:]]
    gaps = np.flatnonzero((over.kind == GAP) & (over.time < end) & (until > begin))
    if not len(gaps):
        return over
    steps = np.diff(over.energy, append=over.energy[-1:])
    parts, between = [], around.steps()
    clock = around.clock(int(over.time[gaps].min()), int(until[gaps].max()))
    for gap in gaps.tolist():
        first, last, run = int(over.time[gap]), int(over.time[gap + 1]), int(over.run[gap])
        inner = clock.starts[clock.within(first + 1, last)]
        edges = np.r_[first, inner, last]
        power = _weights(edges, run, first, last, around, between, clock)
        weight = [a * b for a, b in zip(power.tolist(), np.diff(edges).tolist(), strict=True)]
        parts.append((gap, inner, largest_remainder(int(steps[gap]), weight)))
    added = np.concatenate([np.full(len(inner), gap) for gap, inner, _ in parts])
    order = np.argsort(np.r_[np.arange(len(over)), added + 0.5], kind="stable")
    time = np.r_[over.time, np.concatenate([inner for _, inner, _ in parts])][order]
    for gap, _, split in parts:
        steps[gap] = split[0]
    step = np.r_[steps, np.concatenate([split[1:] for _, _, split in parts])][order]
    source = np.r_[np.arange(len(over)), added].astype(np.int64)[order]
    return curve(over.run[source], time, step, over.kind[source], over.mark[source])


def _weights(edges: Ints, run: int, first: int, last: int, around: Around, steps: Steps, clock: Clock) -> Ints:
    """Power, in any unit, that the meter has at the local hours of the slices between `edges`."""
    stream = int(around.devices.stream[np.searchsorted(around.devices.run, run)])
    junk = around.series.between(stream, first, last) or (last, first)
    before = _loads(max(first - SHAPE, junk[1] - MARGIN), first, run, around, steps, clock)
    after = _loads(last, min(last + SHAPE, junk[0] + MARGIN), run, around, steps, clock)
    hour, load = np.r_[before[0], after[0]], np.r_[before[1], after[1]]
    weight = np.ones(len(edges) - 1, dtype=np.int64)
    if len(load):
        typical = np.full(24, _middles(np.zeros_like(load), load)[1][0])
        hours, middles = _middles(hour, load)
        typical[hours] = middles
        # the slice before the first local hour belongs to the hour in which the gap begins
        found = typical[clock.of_day[np.searchsorted(clock.starts, edges[:-1], side="right") - 1]]
        weight = found if found.any() else weight
    return weight


def _middles(group: Ints, load: Ints) -> tuple[Ints, Ints]:
    """The groups, rising, and twice the median of each, so that it is a whole number."""
    order = np.lexsort((load, group))
    groups, first, count = np.unique(group[order], return_index=True, return_counts=True)
    ranked = load[order]
    return groups, ranked[first + (count - 1) // 2] + ranked[first + count // 2]


def _loads(begin: int, end: int, run: int, around: Around, steps: Steps, clock: Clock) -> tuple[Ints, Ints]:
    """The local hour of the day and the counts of each hour that readings cover without a break in [begin, end] [µs UTC]."""
    points, none = around.points, np.zeros(0, dtype=np.int64)
    low, high = (int(np.searchsorted(points.run, run, side)) for side in ("left", "right"))  # type: ignore[call-overload]
    low, high = (
        low + int(np.searchsorted(points.time[low:high], begin)),
        low + int(np.searchsorted(points.time[low:high], end, side="right")),
    )
    if high - low < 2:
        return none, none
    time = points.time[low:high]
    counts, good = (column[low : high - 1] for column in steps)
    total, broken = np.r_[0, np.cumsum(np.where(good, counts, 0))], np.r_[0, np.cumsum(~good)]
    hours = clock.within(int(time[0]), int(time[-1]) - HOUR + 1)
    starts = clock.starts[hours]
    ends = starts + HOUR
    whole = broken[np.searchsorted(time, ends)] == broken[np.searchsorted(time, starts, side="right") - 1]
    loads = np.rint(np.interp(ends, time, total) - np.interp(starts, time, total)).astype(np.int64)
    return clock.of_day[hours][whole], loads[whole]


def largest_remainder(total: int, weight: Sequence[int]) -> Ints:
    """`total` in whole parts in proportion to `weight` (whole, not negative, not all 0); the parts add up to it exactly."""
    whole = sum(weight)
    parts = [divmod(total * each, whole) for each in weight]
    left = total - sum(part for part, _ in parts)
    first = sorted(range(len(parts)), key=lambda at: -parts[at][1])[:left]
    split = np.array([part for part, _ in parts], dtype=np.int64)
    split[first] += 1
    return split
