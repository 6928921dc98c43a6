"""Energy curves: whatever a meter sends becomes cumulated energy at nodes, with what is known between two nodes.

All energies are whole micro-kilowatt-hours (1e-6 kWh), so that sums are exact in any order. Between two nodes energy is either
MEASURED (it passed evenly, as far as anyone knows), a GAP (its total is known, its course is not), or UNKNOWN.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from scicity.domains.energy.methods.screening import (
    IMPOSSIBLE,
    SOUND,
    UNPLACED,
    Bools,
    Floats,
    Ints,
    Series,
    verdict_of_neighbours,
)

MICRO = 1_000_000  # micro-kWh in a kWh
HOUR = 3_600_000_000  # [µs]
FOREVER = 2**62  # [µs]
LONGEST = 2.5  # intervals between two readings beyond which the course between them is not known
UNKNOWN, MEASURED, GAP = 0, 1, 2
ROLLOVER, RESET, IMPLAUSIBLE = 8, 32, 1024  # what an interval is marked with; the list of flags stands in ledger.py


@dataclass(frozen=True)
class Installation:
    """One row of the register of installations: the device of a meter over a time [µs UTC, half-open]."""

    meter: str
    building: str
    start: int
    end: int
    serial: str | None
    multiplier: Decimal
    digits: int | None
    decimals: int | None
    register_start: Decimal | None
    register_end: Decimal | None
    rated_power: float | None

    @property
    def places(self) -> int:
        """Decimals of the register; where they are not known, as many as still give whole micro-kWh."""
        if self.decimals is not None:
            return self.decimals
        exponent = self.multiplier.normalize().as_tuple().exponent
        return max(0, 6 + min(0, int(exponent)))

    @property
    def scale(self) -> int:
        """Micro-kWh that one count of the register stands for. Raises ValueError where that is not a whole number."""
        scale = self.multiplier * MICRO / 10**self.places
        if scale != int(scale) or scale <= 0:
            told = f"multiplier {self.multiplier} with {self.decimals} decimals of the register"
            raise ValueError(f"meter {self.meter}: {told} needs more than six decimals of a kWh")
        return int(scale)


@dataclass(frozen=True)
class Stream:
    """A datastream of a meter: what it sends, in which flow, how often [µs], and the installations of its meter by time."""

    name: str
    meter: str
    flow: str
    property: str
    interval: int
    zero_is_gap: bool
    installations: tuple[Installation, ...]


@dataclass(frozen=True)
class Curve:
    """Nodes by run and time: `energy` cumulated [micro-kWh]; `kind` and `mark` are of the time from a node to the next."""

    run: Ints
    time: Ints
    energy: Ints
    kind: npt.NDArray[np.uint8]
    mark: Ints

    def __len__(self) -> int:
        return len(self.time)


def curve(run: Ints, time: Ints, step: Ints, kind: npt.NDArray[np.uint8], mark: Ints) -> Curve:
    """A curve from the energy `step` [micro-kWh] of the time after each node; the last node of a run leads nowhere."""
    last = np.r_[run[1:] != run[:-1], True]
    kind = np.where(last, UNKNOWN, kind).astype(np.uint8)
    mark = np.where(last, 0, mark)
    passed = np.where(kind == UNKNOWN, 0, step)
    return Curve(run, time, np.cumsum(passed) - passed, kind, mark)


@dataclass(frozen=True)
class Fleet:
    """Installations of all streams in a row, as arrays: of each its stream, its times, its run and its register."""

    stream: Ints
    start: Ints
    end: Ints
    run: Ints
    scale: Ints  # [micro-kWh] of one count
    places: Ints  # decimals of the register
    modulus: Ints  # counts at which the register rolls over; 0 where it is not known
    rated: Floats  # [kW], infinite where it is not known

    def of(self, stream: Ints, time: Ints) -> Ints:
        """The installation in which each reading lies, -1 where there is none."""
        if not len(self.stream):
            return np.full(len(time), -1, dtype=np.int64)
        firsts = np.searchsorted(self.stream, np.arange(int(stream.max(initial=0)) + 2))
        if (np.diff(firsts) <= 1).all():  # one installation a stream, as nearly all have
            found = np.minimum(firsts[stream], len(self.stream) - 1)
        else:
            order = np.argsort(np.r_[self.start, time], kind="stable")
            rank = np.empty(len(order), dtype=np.int64)
            rank[order] = np.arange(len(order))
            width = len(order) + 1
            keys, wanted = self.stream * width + rank[: len(self.start)], stream * width + rank[len(self.start) :]
            found = np.maximum(np.searchsorted(keys, wanted, side="right") - 1, 0)
        inside = (self.stream[found] == stream) & (time >= self.start[found]) & (time <= self.end[found])
        return np.where(inside, found, -1)


def fleet(streams: list[Stream]) -> Fleet:
    """The installations of streams as arrays; installations that follow each other under one serial number share a run.

    Raises ValueError for a register whose counts are no whole micro-kWh.
    """
    rows, run = [], -1
    for index, stream in enumerate(streams):
        earlier: Installation | None = None
        for each in stream.installations:
            joined = (
                earlier is not None and each.serial is not None and (earlier.serial, earlier.end) == (each.serial, each.start)
            )
            run += not joined
            modulus = 10 ** (each.digits + each.places) if each.digits is not None else 0
            rated = each.rated_power if each.rated_power is not None else np.inf
            rows.append((index, each.start, each.end, run, each.scale, each.places, modulus, rated))
            earlier = each
    columns = list(zip(*rows, strict=True)) if rows else [()] * 8
    whole = [np.array(column, dtype=np.int64) for column in columns[:7]]
    return Fleet(whole[0], whole[1], whole[2], whole[3], whole[4], whole[5], whole[6], np.array(columns[7], dtype=np.float64))


def register_curve(streams: list[Stream], all_of_them: Fleet, series: Series) -> tuple[Curve, npt.NDArray[np.uint8]]:
    """Curve and verdicts of register readings; `series` holds the readings that count at each time, by stream and time.

    Registers at installation and removal join as readings; where an installation changes under one serial number without
    a reading, the register is interpolated at that instant.
    """
    device = all_of_them.of(series.stream, series.time)
    places = 10.0 ** all_of_them.places[device] if len(all_of_them.places) else np.ones(len(device))
    count = np.rint(series.value * places).astype(np.int64)
    verdict = np.where(device < 0, UNPLACED, SOUND).astype(np.uint8)
    modulus = all_of_them.modulus[device] if len(all_of_them.modulus) else np.zeros(len(device), dtype=np.int64)
    verdict[(verdict == SOUND) & ((count < 0) | ((modulus > 0) & (count >= modulus)))] = IMPOSSIBLE
    rows = np.flatnonzero(verdict == SOUND)
    node = _Nodes(all_of_them.run[device[rows]], series.time[rows], count[rows], device[rows], rows)
    node = node.joined(_known_registers(streams, all_of_them))
    judged = verdict_of_neighbours(node.run, node.time, node.count)
    own = node.row >= 0
    verdict[node.row[own]] = judged[own]
    node = node.take(judged == SOUND)
    node = node.joined(_at_changes(node, all_of_them))
    step, kind, mark = _steps(node, all_of_them)
    interval = np.array([s.interval for s in streams], dtype=np.int64)[all_of_them.stream[node.device]]
    gap = np.diff(node.time, append=node.time[-1:]) > LONGEST * interval
    kind[(kind == MEASURED) & gap] = GAP
    return curve(node.run, node.time, step, kind, mark), verdict


@dataclass(frozen=True)
class _Nodes:
    run: Ints
    time: Ints
    count: Ints
    device: Ints
    row: Ints  # the reading that the node is, -1 for what the register of installations says

    def take(self, which: npt.NDArray[np.intp] | Bools) -> _Nodes:
        return _Nodes(self.run[which], self.time[which], self.count[which], self.device[which], self.row[which])

    def joined(self, more: list[tuple[int, int, int, int]]) -> _Nodes:
        """These nodes and others (run, time, count, device), in order; at one time in one device the first stays."""
        if not more:
            return self
        run, time, count, device = (np.r_[mine, np.array(theirs, dtype=np.int64)] for mine, theirs in zip(
            (self.run, self.time, self.count, self.device), zip(*more, strict=True), strict=True))  # fmt: skip
        row = np.r_[self.row, np.full(len(more), -1)]
        order = np.lexsort((row, device, time, run))
        all_of_them = _Nodes(run[order], time[order], count[order], device[order], row[order])
        repeated = (np.diff(all_of_them.run) == 0) & (np.diff(all_of_them.time) == 0) & (np.diff(all_of_them.device) == 0)
        return all_of_them.take(np.r_[True, ~repeated])


def _known_registers(streams: list[Stream], all_of_them: Fleet) -> list[tuple[int, int, int, int]]:
    """What the register of installations says of registers at the start and the end of each."""
    found, device = [], -1
    for stream in streams:
        for each in stream.installations:
            device += 1
            factor = 10 ** int(all_of_them.places[device])
            for at, value in ((each.start, each.register_start), (each.end, each.register_end)):
                if value is not None and abs(at) < FOREVER:
                    found.append((int(all_of_them.run[device]), at, round(value * factor), device))
    return found


def _at_changes(node: _Nodes, all_of_them: Fleet) -> list[tuple[int, int, int, int]]:
    """Interpolated registers where an installation changes within a run between two readings that straddle it."""
    found = []
    crossing = np.flatnonzero((node.run[1:] == node.run[:-1]) & (node.device[1:] != node.device[:-1]))
    for at in crossing.tolist():
        first, last = int(node.device[at]), int(node.device[at + 1])
        (t0, c0), (t1, c1) = ((int(node.time[k]), int(node.count[k])) for k in (at, at + 1))
        if c1 < c0:
            continue  # a rollover or reset just then: what passed before and after cannot be told apart
        for device in range(first, last):
            change = int(all_of_them.end[device])
            if t0 < change < t1:
                between = c0 + round((c1 - c0) * (change - t0) / (t1 - t0))
                found += [(int(node.run[at]), change, between, device), (int(node.run[at]), change, between, device + 1)]
    return found


def _steps(node: _Nodes, all_of_them: Fleet) -> tuple[Ints, npt.NDArray[np.uint8], Ints]:
    """Energy, kind and mark of the time after each node: rollovers are unrolled, resets and what cannot be are unknown."""
    counts = np.diff(node.count, append=node.count[-1:])
    hours = np.diff(node.time, append=node.time[-1:]) / HOUR
    device = node.device  # of the node at which the time begins
    kind, mark = np.full(len(counts), MEASURED, dtype=np.uint8), np.zeros(len(counts), dtype=np.int64)
    inside = np.r_[node.run[1:] == node.run[:-1], False]
    most = all_of_them.rated[device] * hours * MICRO  # [micro-kWh] that can have passed
    modulus, scale = all_of_them.modulus[device], all_of_them.scale[device]
    dropped = inside & (counts < 0)
    if dropped.any():
        unrolled = counts + modulus
        # Without a rated power a roll is believed where less than a tenth of the register passed.
        limit = np.where(np.isfinite(most), most / scale, modulus / 10) + 1
        rolled = dropped & (modulus > 0) & (unrolled <= limit) & ~(np.isfinite(most) & (unrolled + modulus <= limit))
        counts = np.where(rolled, unrolled, counts)
        mark[rolled] = ROLLOVER
        kind[dropped & ~rolled], mark[dropped & ~rolled] = UNKNOWN, RESET
    twice = inside & (counts >= 0) & (modulus > 0) & np.isfinite(most) & (counts + modulus <= most / scale) & (mark != ROLLOVER)
    beyond = inside & (counts >= 0) & (counts * scale > most + scale)
    kind[twice | beyond] = UNKNOWN
    mark[twice | beyond] |= IMPLAUSIBLE
    changed = inside & (np.r_[node.device[1:], 0] != node.device) & (hours > 0)
    kind[changed] = UNKNOWN  # no register is known at the change
    return np.where(kind == UNKNOWN, 0, counts * scale), kind, mark


def increment_curve(streams: list[Stream], all_of_them: Fleet, series: Series) -> tuple[Curve, npt.NDArray[np.uint8]]:
    """Curve and verdicts of energies of intervals [kWh]; each covers the interval that ends at its time.

    An interval never reaches back over the reading before it. A missing interval is unknown. A negative energy is
    impossible (the other flow is a datastream of its own); where the source writes 0 for a gap, 0 is unknown.
    """
    device = all_of_them.of(series.stream, series.time - 1)
    verdict = np.where(device < 0, UNPLACED, SOUND).astype(np.uint8)
    interval = np.array([s.interval for s in streams], dtype=np.int64)
    most = np.where(device >= 0, all_of_them.rated[device], np.inf) * interval[series.stream] / HOUR if len(device) else device
    verdict[(verdict == SOUND) & ((series.value < 0) | (series.value > most))] = IMPOSSIBLE
    rows = np.flatnonzero(verdict == SOUND)
    end, run = series.time[rows], all_of_them.run[device[rows]]
    start = end - interval[series.stream[rows]]
    before = np.r_[np.int64(-FOREVER), np.where(run[1:] == run[:-1], end[:-1], -FOREVER)] if len(run) else end
    start = np.maximum(np.maximum(start, before), all_of_them.start[device[rows]])
    factor = all_of_them.scale[device[rows]].astype(np.float64) * 10.0 ** all_of_them.places[device[rows]]
    step = np.rint(series.value[rows] * factor).astype(np.int64)
    zero_is_gap = np.array([s.zero_is_gap for s in streams], dtype=bool)[series.stream[rows]]
    kind = np.where(zero_is_gap & (step == 0), UNKNOWN, MEASURED).astype(np.uint8)
    touching = np.r_[start[1:] == end[:-1], False] & np.r_[run[1:] == run[:-1], False]
    # a node where each interval begins, and one where it ends unless the next begins there
    order = np.argsort(np.r_[np.arange(len(run)) * 2, np.flatnonzero(~touching) * 2 + 1], kind="stable")
    ends = np.flatnonzero(~touching)
    none = np.zeros(len(ends), dtype=np.int64)
    nodes = (np.r_[run, run[ends]], np.r_[start, end[ends]], np.r_[step, none], np.r_[kind, none.astype(np.uint8)])
    run, time, step, kind = (column[order] for column in nodes)
    return curve(run, time, step, kind, np.zeros(len(run), dtype=np.int64)), verdict


def power_curve(streams: list[Stream], all_of_them: Fleet, series: Series) -> tuple[Curve, npt.NDArray[np.uint8]]:
    """Curve and verdicts of power [kW]: the trapezoid between neighbours; a longer silence is unknown, never filled."""
    device = all_of_them.of(series.stream, series.time)
    verdict = np.where(device < 0, UNPLACED, SOUND).astype(np.uint8)
    if len(device):
        verdict[(verdict == SOUND) & ((series.value < 0) | (series.value > all_of_them.rated[device]))] = IMPOSSIBLE
    rows = np.flatnonzero(verdict == SOUND)
    time, run, device = series.time[rows], all_of_them.run[device[rows]], device[rows]
    factor = all_of_them.scale[device].astype(np.float64) * 10.0 ** all_of_them.places[device]
    power = series.value[rows]
    length = np.diff(time, append=time[-1:])
    mean = (power + np.r_[power[1:], 0.0]) / 2
    step = np.rint(mean * length / HOUR * factor).astype(np.int64)
    interval = np.array([s.interval for s in streams], dtype=np.int64)[series.stream[rows]]
    same = np.r_[device[1:] == device[:-1], False]
    kind = np.where(same & (length <= LONGEST * interval), MEASURED, UNKNOWN).astype(np.uint8)
    return curve(run, time, np.where(kind == MEASURED, step, 0), kind, np.zeros(len(run), dtype=np.int64)), verdict
