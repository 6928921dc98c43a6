"""The course of energy over a gap whose total is known: by the meter's own load shape, conserved to the last micro-kWh."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from scicity.domains.energy.methods.curves import GAP, Curve, curve
from scicity.domains.energy.methods.screening import DAY, Floats, Ints

SHAPE = 7 * DAY  # [µs] the week before a gap and the week behind it show how the load runs
HOUR = 3_600_000_000  # [µs]

Hours = Callable[[int, int], Ints]  # the starts of the local hours that begin in [first, last), [µs UTC]
Known = Callable[[int, Ints], tuple[Ints, Ints]]  # energy [micro-kWh] and measured time [µs] of a run up to instants


def shaped(over: Curve, hours: Hours, known: Known) -> Curve:
    """The curve with a node at each local hour within its gaps, so that a gap runs as the load does around it."""
    gaps = np.flatnonzero(over.kind == GAP)
    if not len(gaps):
        return over
    steps = np.diff(over.energy, append=over.energy[-1:])
    parts = []
    for gap in gaps.tolist():
        first, last, run = int(over.time[gap]), int(over.time[gap + 1]), int(over.run[gap])
        inner = hours(first + 1, last)
        edges = np.r_[first, inner, last]
        weight = _weights(edges, run, first, last, hours, known)
        parts.append((gap, inner, largest_remainder(int(steps[gap]), weight * np.diff(edges))))
    added = np.concatenate([np.full(len(inner), gap) for gap, inner, _ in parts])
    order = np.argsort(np.r_[np.arange(len(over)), added + 0.5], kind="stable")
    time = np.r_[over.time, np.concatenate([inner for _, inner, _ in parts])][order]
    for gap, _, split in parts:
        steps[gap] = split[0]
    step = np.r_[steps, np.concatenate([split[1:] for _, _, split in parts])][order]
    source = np.r_[np.arange(len(over)), added].astype(np.int64)[order]
    return curve(over.run[source], time, step, over.kind[source], over.mark[source])


def _weights(edges: Ints, run: int, first: int, last: int, hours: Hours, known: Known) -> Floats:
    """Mean power, in any unit, that the meter has at the hours of the day of the slices between `edges`."""
    starts = np.r_[hours(first - SHAPE, first - HOUR + 1), hours(last, last + SHAPE - HOUR + 1)]
    energy, time = known(run, starts)
    energy_after, time_after = known(run, starts + HOUR)
    whole = time_after - time == HOUR
    if not whole.any():
        return np.ones(len(edges) - 1)
    # hours of the day are told by the distance to the first hour around: local hours are 60 minutes apart
    origin = starts[0]
    of_day = (starts - origin) // HOUR % 24
    load = np.bincount(of_day[whole], (energy_after - energy)[whole].astype(np.float64), minlength=24)
    seen = np.bincount(of_day[whole], minlength=24)
    mean = (energy_after - energy)[whole].mean()
    by_hour = np.where(seen > 0, load / np.maximum(seen, 1), mean)
    weight: Floats = by_hour[(edges[:-1] - origin) // HOUR % 24]
    return weight if weight.sum() > 0 else np.ones(len(weight))


def largest_remainder(total: int, weight: Floats) -> Ints:
    """`total` in whole parts in proportion to `weight` (not negative, not all 0); the parts add up to it exactly."""
    share = total * (weight / weight.sum())
    parts: Ints = np.floor(share).astype(np.int64)
    left = total - int(parts.sum())
    order = np.argsort(-(share - parts), kind="stable")
    parts[order[:left]] += 1
    return parts
