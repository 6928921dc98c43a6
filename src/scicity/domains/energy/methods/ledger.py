"""The hourly ledger: energy of each meter in each local hour, exact, with what was done to it.

The rules, in the order in which they are applied:

1. At one time of one datastream one reading counts: the highest revision, then the lowest value (`screening`). A rule about the
   set of readings, so that the order in which they arrived cannot matter.
2. What no meter can show is set aside: no number, negative, beyond the digits of the register, beyond the rated power.
3. A register reading that an earlier and a later one contradict together is set aside: spikes, dips, a reset that comes back.
4. A register that drops for good has rolled over, where its digits and the rated power leave that as the only way; else it
   was reset, and what passed in between is unknown, as is a step beyond the rated power.
5. A new serial number is a new register. What it showed at installation, and the old one at removal, join as readings; without
   them the time between the last old and the first new reading is unknown. Under one serial number the register goes on.
6. Between two sound readings energy passes evenly. Over more than 2.5 reporting intervals its course is not known: the total is
   spread by the meter's own load shape and marked as estimated (`gaps`). Silence of increments or power stays unknown.
7. An hour is the difference of the curve at its edges: hours add up to the difference of the register to the last digit.
8. An hour in which an installation changes has a row for each building.

Sources: the hard cases are those of the project's facts on metering; DL/T 448-2016 and DL/T 645-2007 for registers, rollover and
multipliers (unverified: the documents themselves were not seen).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from scicity.domains.energy.methods import curves, gaps, screening
from scicity.domains.energy.methods.curves import FOREVER, GAP, MEASURED, Curve, Fleet, Stream
from scicity.domains.energy.methods.screening import Ints, Series

SECOND = 1_000_000  # [µs]
HOUR = 3_600 * SECOND  # [µs]
STILL = 24 * HOUR  # [µs] a register that does not move for a day is marked as frozen

FLAGS = {
    "estimated": 1,  # a part of the hour is filled by load shape
    "partial": 2,  # a part of the hour is unknown
    "rejected": 4,  # a reading of this hour was set aside
    "rollover": curves.ROLLOVER,
    "conflict": 16,  # two values for one time
    "reset": curves.RESET,
    "changed": 64,  # the installation changed in this hour
    "frozen": 128,  # the register does not move for a day or more
    "implausible": curves.IMPLAUSIBLE,  # a step beyond the rated power, or more than one way to read it
}

CURVES = {
    "energy_register": curves.register_curve,
    "energy_increment": curves.increment_curve,
    "active_power": curves.power_curve,
}


class Hours(NamedTuple):
    """Rows of the ledger as columns: indices of stream, device (see `Fleet`) and hour, and what the hour holds."""

    stream: Ints
    device: Ints
    hour: Ints
    energy: Ints  # [micro-kWh], meaningless where measured + estimated is 0
    measured: Ints  # [s]
    estimated: Ints  # [s]
    flags: Ints


@dataclass(frozen=True)
class Verdict:
    """A reading that was set aside or marked: its stream, time [µs UTC], value, and the rule."""

    stream: str
    time: int
    value: float
    rule: str


def hours_of(
    streams: list[Stream], series: Series, observed: str, edges: Ints, local_hours: gaps.Hours
) -> tuple[Hours, list[Verdict]]:
    """The hours [edges[k], edges[k+1]) of streams of one observed property, from their readings in any order.

    `edges` are consecutive local hours [µs UTC]. A stream has a row for each hour in which it has an installation, also
    where nothing is known (measured and estimated 0). Raises ValueError for a register whose counts are no whole
    micro-kWh.
    """
    devices = curves.fleet(streams)
    series = screening.ordered(series)
    repeats = screening.verdict_of_repeats(series)
    counting = np.flatnonzero(repeats == screening.SOUND)
    over, verdict = CURVES[observed](streams, devices, series if len(counting) == len(repeats) else series.take(counting))
    judged = repeats.copy()
    judged[counting] = verdict
    if (over.kind == GAP).any():
        over = gaps.shaped(over, local_hours, lambda run, at: _known(over, run, at))
    found = _hours(devices, over, edges)
    found = _flagged(found, devices, over, edges, series, judged)
    return found, _verdicts(streams, series, judged)


def _known(over: Curve, run: int, at: Ints) -> tuple[Ints, Ints]:
    """Energy [micro-kWh] and measured time [µs] of a run up to instants."""
    first, last = (int(np.searchsorted(over.run, run, side)) for side in ("left", "right"))  # type: ignore[call-overload]
    part = Curve(*(getattr(over, name)[first:last] for name in ("run", "time", "energy", "kind", "mark")))
    energy, measured, _ = _at(part, np.zeros(len(at), dtype=np.int64), np.full(len(at), len(part)), at)
    return energy, measured


def _at(over: Curve, first: Ints, last: Ints, at: Ints) -> tuple[Ints, Ints, Ints]:
    """Energy, measured and estimated time [µs] of the curve's nodes `first` to `last` (exclusive) up to instants `at`.

    All arrays of one length; before its first node a run has nothing, behind its last one it has all. Where a run has no
    node (`first` equals `last`) everything is 0.
    """
    if not len(over):
        none = np.zeros(len(at), dtype=np.int64)
        return none, none, none
    length = np.diff(over.time, append=over.time[-1:])
    measured = np.where(over.kind == MEASURED, length, 0)
    estimated = np.where(over.kind == GAP, length, 0)
    before_measured, before_estimated = np.cumsum(measured) - measured, np.cumsum(estimated) - estimated
    node = _node_at(over, first, last, at)
    empty = first >= last
    passed = np.clip(at - over.time[node], 0, None)
    span = np.maximum(length[node], 1)
    inside = over.kind[node] != 0
    step = np.diff(over.energy, append=over.energy[-1:])[node]
    part = np.where(inside, np.rint(step * (passed / span)), 0).astype(np.int64)
    energy = np.where(empty, 0, over.energy[node] + part)
    so_far = (before_measured[node] + np.where(over.kind[node] == MEASURED, passed, 0), before_estimated[node])
    return energy, np.where(empty, 0, so_far[0]), np.where(empty, 0, so_far[1] + np.where(over.kind[node] == GAP, passed, 0))


def _node_at(over: Curve, first: Ints, last: Ints, at: Ints) -> Ints:
    """The node at or before each instant within its run, the first one where the instant lies before the run."""
    run_of = np.searchsorted(np.unique(over.run), over.run)
    base, width = int(over.time.min()), int(over.time.max() - over.time.min()) + 2
    if (int(run_of[-1]) + 1) * width >= FOREVER:
        raise ValueError("too many meters over too long a time for one partition")
    wanted = run_of[np.minimum(first, len(over) - 1)] * width + np.clip(at - base, -1, width - 1)
    node = np.searchsorted(run_of * width + (over.time - base), wanted, side="right") - 1
    return np.clip(node, np.minimum(first, len(over) - 1), np.maximum(last - 1, 0))


def _hours(devices: Fleet, over: Curve, edges: Ints) -> Hours:
    """Hours of every installation that is in place within the edges."""
    present = np.flatnonzero((devices.start < edges[-1]) & (devices.end > edges[0]))
    first = np.searchsorted(edges, np.maximum(devices.start[present], edges[0]), side="right") - 1
    last = np.searchsorted(edges, np.minimum(devices.end[present], edges[-1]), side="left")
    count = last - first
    device = np.repeat(present, count)
    hour = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)
    start = np.maximum(edges[hour], devices.start[device])
    end = np.minimum(edges[hour + 1], devices.end[device])
    node_first = np.searchsorted(over.run, devices.run[device], side="left")
    node_last = np.searchsorted(over.run, devices.run[device], side="right")
    low, high = (_at(over, node_first, node_last, each) for each in (start, end))
    energy, measured, estimated = (b - a for a, b in zip(low, high, strict=True))
    flags = np.where(estimated > 0, FLAGS["estimated"], 0)
    flags |= np.where(measured + estimated < end - start, FLAGS["partial"], 0)
    flags |= np.where(end - start < HOUR, FLAGS["changed"], 0)
    return Hours(devices.stream[device], device, hour, energy, measured // SECOND, estimated // SECOND, flags)


def _flagged(found: Hours, devices: Fleet, over: Curve, edges: Ints, series: Series, judged: npt.NDArray[np.uint8]) -> Hours:
    """The hours with the marks of what happened in them."""
    flags = found.flags
    by_device = np.searchsorted(found.device, np.arange(len(devices.stream)))
    by_device_end = np.searchsorted(found.device, np.arange(len(devices.stream)), side="right")

    def mark(stream: int, first: int, last: int, bit: int) -> None:
        for device in np.flatnonzero(devices.stream == stream).tolist():
            a, b = int(by_device[device]), int(by_device_end[device])
            if a == b:
                continue
            start = edges[found.hour[a:b]]
            flags[a:b] |= np.where((start <= last) & (start + HOUR > first), bit, 0)

    for at in np.flatnonzero(judged != screening.SOUND).tolist():
        if judged[at] != screening.DUPLICATE:
            bit = FLAGS["conflict"] if judged[at] == screening.CONFLICT else FLAGS["rejected"]
            mark(int(series.stream[at]), int(series.time[at]), int(series.time[at]), bit)
    stream_of_run = {int(run): int(stream) for run, stream in zip(devices.run, devices.stream, strict=True)}
    for node in np.flatnonzero(over.mark).tolist():
        mark(stream_of_run[int(over.run[node])], int(over.time[node]), int(over.time[node + 1]) - 1, int(over.mark[node]))
    for run, first, last in _still(over):
        mark(stream_of_run[run], first, last - 1, FLAGS["frozen"])
    return found


def _still(over: Curve) -> list[tuple[int, int, int]]:
    """(run, from, to) of the times, a day or longer, over which a measured curve does not rise."""
    if len(over) < 2:
        return []
    flat = np.r_[(np.diff(over.energy) == 0) & (over.kind[:-1] == MEASURED), False]
    edge = np.flatnonzero(np.diff(np.r_[0, (flat & True).astype(np.int8), 0]))
    new_run = np.r_[True, over.run[1:] != over.run[:-1]]
    found = []
    for a, b in zip(edge[::2].tolist(), edge[1::2].tolist(), strict=True):
        cuts = [a, *(np.flatnonzero(new_run[a + 1 : b]) + a + 1).tolist(), b]
        for first, last in pairwise(cuts):
            end = min(last, len(over) - 1)
            if over.time[end] - over.time[first] >= STILL:
                found.append((int(over.run[first]), int(over.time[first]), int(over.time[end])))
    return found


def _verdicts(streams: list[Stream], series: Series, judged: npt.NDArray[np.uint8]) -> list[Verdict]:
    return [
        Verdict(
            streams[int(series.stream[at])].name, int(series.time[at]), float(series.value[at]), screening.RULES[judged[at]]
        )
        for at in np.flatnonzero(judged != screening.SOUND).tolist()
    ]
