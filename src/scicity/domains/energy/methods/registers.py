"""The curve of a register: readings that its neighbours do not contradict, rollovers unrolled, breaks left unknown.

Registers [counts of the last digit], times [µs UTC]. Source: rules 3 to 5 of `ledger`; DL/T 645-2007 (unverified).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np

from scicity.domains.energy.methods import contradictions
from scicity.domains.energy.methods.contradictions import Nodes
from scicity.domains.energy.methods.curves import (
    GAP,
    IMPLAUSIBLE,
    LONGEST,
    MEASURED,
    RESET,
    ROLLOVER,
    UNKNOWN,
    Curve,
    curve,
    intervals,
)
from scicity.domains.energy.methods.devices import FOREVER, HOUR, MICRO, Fleet, Stream
from scicity.domains.energy.methods.screening import (
    DAY,
    IMPOSSIBLE,
    LARGEST,
    SOUND,
    UNPLACED,
    Bools,
    Floats,
    Ints,
    Series,
    Verdicts,
)

MARGIN = 8 * DAY  # [µs] how far beyond the readings next to a partition the ledger is given readings
JUNK = MARGIN - contradictions.REACH  # [µs] a sound reading further behind readings of no use may lie outside of what is given
SIGNED = 1e6  # weight of what the register of installations says: more than any number of readings


@dataclass(frozen=True)
class Points:
    """What is known of registers, by run and time: the counts, the installation, and the reading that says so."""

    run: Ints
    time: Ints
    count: Ints
    device: Ints
    row: Ints  # the reading that the point is, -1 for what the register of installations says

    def take(self, which: Ints | Bools) -> Points:
        """Some of the points, in the order in which they are named."""
        return Points(self.run[which], self.time[which], self.count[which], self.device[which], self.row[which])

    def joined(self, more: list[tuple[int, int, int, int]]) -> Points:
        """These and others (run, time, count, device), in order; at one time in one device the others stand first and stay."""
        if not more:
            return self
        mine = (self.run, self.time, self.count, self.device)
        columns = [np.r_[a, np.array(b, dtype=np.int64)] for a, b in zip(mine, zip(*more, strict=True), strict=True)]
        run, time, count, device = columns
        row = np.r_[self.row, np.full(len(more), -1)]
        order = np.lexsort((row, device, time, run))
        both = Points(run[order], time[order], count[order], device[order], row[order])
        repeated = (np.diff(both.run) == 0) & (np.diff(both.time) == 0) & (np.diff(both.device) == 0)
        return both.take(np.r_[True, ~repeated])

    def nodes(self, streams: list[Stream], devices: Fleet) -> Nodes:
        """The points with what their registers allow."""
        usual = LONGEST * intervals(streams)[devices.stream[self.device]]
        weight = np.where(self.row < 0, SIGNED, 1.0)
        modulus, rate = devices.modulus[self.device], rates(devices)[self.device]
        return Nodes(self.run, self.time, self.count, modulus, rate, usual.astype(np.float64), weight.astype(np.float64))


def rates(devices: Fleet) -> Floats:
    """Of each installation, the counts/µs that its run can pass at most, infinite where no rated power is known."""
    if not len(devices.run):
        return np.zeros(0)
    first = np.r_[0, np.flatnonzero(np.diff(devices.run)) + 1]
    own = devices.rated * (MICRO / HOUR) / devices.scale
    return np.repeat(np.maximum.reduceat(own, first), np.diff(np.r_[first, len(own)]))


def points_of(streams: list[Stream], devices: Fleet, series: Series, verdict: Verdicts) -> tuple[Points, Verdicts]:
    """The readings that count and that their register can show, with the registers known at installation and removal."""
    verdict = verdict.copy()
    rows = np.flatnonzero(verdict == SOUND)
    device = devices.of(series.stream[rows], series.time[rows])
    verdict[rows[device < 0]] = UNPLACED
    rows, device = rows[device >= 0], device[device >= 0]
    factor = 10.0 ** devices.places[device]
    scaled = series.value[rows] * factor
    most = np.where(devices.modulus[device] > 0, devices.modulus[device] - 1, LARGEST * MICRO / devices.scale[device])
    beyond = np.rint(scaled) > most
    verdict[rows[beyond]] = IMPOSSIBLE
    rows, device, scaled = rows[~beyond], device[~beyond], scaled[~beyond]
    points = Points(devices.run[device], series.time[rows], np.rint(scaled).astype(np.int64), device, rows)
    return points.joined(_signed(streams, devices)), verdict


def _signed(streams: list[Stream], devices: Fleet) -> list[tuple[int, int, int, int]]:
    """What the register of installations says of registers at the start and the end of each."""
    found = []
    for device, each in enumerate(each for stream in streams for each in stream.installations):
        factor = 10 ** int(devices.places[device])
        for at, value in ((each.start, each.register_start), (each.end, each.register_end)):
            if value is not None and abs(at) < FOREVER:
                found.append((int(devices.run[device]), at, round(value * factor), device))
    return found


def register_curve(streams: list[Stream], devices: Fleet, series: Series, verdict: Verdicts) -> tuple[Curve, Verdicts, Points]:
    """Curve and verdicts of register readings, and the points that the neighbours have not judged yet.

    Where the multiplier changes under one serial number without a reading, the register is interpolated at that instant.
    """
    points, verdict = points_of(streams, devices, series, verdict)
    judged = contradictions.verdict_of_neighbours(points.nodes(streams, devices))
    read = points.row >= 0
    verdict[points.row[read]] = judged[read]
    sound = points.take(judged == SOUND)
    sound = sound.joined(_at_changes(sound, devices))
    step, kind, mark = _steps(sound, streams, devices)
    for at in np.flatnonzero(((kind != UNKNOWN) | (mark > 0)) & (np.diff(sound.time, append=sound.time[-1:]) > JUNK)).tolist():
        if sound.run[at] == sound.run[min(at + 1, len(sound.run) - 1)] and _lost(sound, at, devices, series):
            kind[at], mark[at] = UNKNOWN, 0
    return curve(sound.run, sound.time, step, kind, mark), verdict, points


def _lost(sound: Points, at: int, devices: Fleet, series: Series) -> bool:
    """Whether readings of no use lie so far from a sound one that a partition between them is not given both."""
    first, last = int(sound.time[at]), int(sound.time[at + 1])
    junk = series.between(int(devices.stream[sound.device[at]]), first, last)
    return junk is not None and (junk[1] - first > JUNK or last - junk[0] > JUNK)


def _at_changes(points: Points, devices: Fleet) -> list[tuple[int, int, int, int]]:
    """The registers where a multiplier changes within a run between two readings: as they are if the load is even there."""
    found = []
    crossing = np.flatnonzero((points.run[1:] == points.run[:-1]) & (points.device[1:] != points.device[:-1]))
    for at in crossing.tolist():
        first, last = int(points.device[at]), int(points.device[at + 1])
        (t0, c0), (t1, c1) = ((int(points.time[k]), int(points.count[k])) for k in (at, at + 1))
        if c1 < c0 or len(set(devices.scale[first : last + 1].tolist())) == 1:
            continue  # what passed before and after a rollover just then cannot be told apart; the same scale needs no node
        cuts = [t0, *devices.end[first:last].tolist(), t1]
        shares = [Fraction(b - a, int(s)) for (a, b), s in zip(pairwise(cuts), devices.scale[first : last + 1], strict=True)]
        for place, device in enumerate(range(first, last), start=1):
            between = c0 + round((c1 - c0) * sum(shares[:place]) / sum(shares)) if t1 > t0 else c1
            found += [(int(points.run[at]), cuts[place], between, each) for each in (device, device + 1)]
    return found


def _steps(points: Points, streams: list[Stream], devices: Fleet) -> tuple[Ints, Verdicts, Ints]:
    """Energy, kind and mark of the time after each point: rollovers are unrolled, resets and what cannot be are unknown."""
    size = len(points.time)
    kind, mark = np.full(size, UNKNOWN, dtype=np.uint8), np.zeros(size, dtype=np.int64)
    energy = np.zeros(size, dtype=np.int64)
    first = np.flatnonzero(points.run[1:] == points.run[:-1])
    if not len(first):
        return energy, kind, mark
    nodes = points.nodes(streams, devices)
    counts, good = contradictions.passed(nodes, first, first + 1)
    apart = points.time[first + 1] - points.time[first]
    dropped = points.count[first + 1] < points.count[first]
    twice = contradictions.rolls_twice(nodes, first, counts, apart) & good
    scale = devices.scale[points.device[first]]
    told = (scale == devices.scale[points.device[first + 1]]) | (apart == 0)  # else no register is known at the change
    normal = apart <= nodes.usual[first]
    jump = contradictions.jumps(nodes, first, np.where(good & told & normal, counts * scale, 0))
    known = good & ~twice & told & ~jump
    kind[first] = np.where(known, np.where(normal, MEASURED, GAP), UNKNOWN)
    energy[first] = np.where(known, counts * scale, 0)
    mark[first] = np.where(
        known & dropped, ROLLOVER, np.where(dropped & ~good, RESET, np.where(good & ~twice & ~jump, 0, IMPLAUSIBLE))
    )
    return energy, kind, mark
