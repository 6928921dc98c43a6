"""From energy curves to the rows of the ledger: one for each installation in each local hour, with marks.

Energies [µkWh], times [µs UTC]. Source: rules 7 and 8 of `ledger`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from scicity.domains.energy.methods import curves, screening
from scicity.domains.energy.methods.curves import GAP, MEASURED, Curve
from scicity.domains.energy.methods.devices import FOREVER, HOUR, Fleet
from scicity.domains.energy.methods.screening import Bools, Ints, Series, Verdicts

SECOND = 1_000_000  # [µs]
STILL = 24 * HOUR  # [µs] a register that does not move for a day is marked as frozen

FLAGS = {
    "estimated": 1,  # a part of the hour is filled by load shape
    "partial": 2,  # the hour or a part of it is unknown
    "rejected": 4,  # a reading of this hour was set aside
    "rollover": curves.ROLLOVER,
    "conflict": 16,  # two values for one time
    "reset": curves.RESET,
    "changed": 64,  # the installation changed in this hour
    "frozen": 128,  # the register does not move for a day or more, or catches up behind that
    "implausible": curves.IMPLAUSIBLE,  # a step beyond the rated power, or more than one way to read it
    "interpolated": 512,  # an edge of the hour lies between two readings
}


class Hours(NamedTuple):
    """Rows of the ledger as columns: indices of stream, device (see `Fleet`) and hour, and what the hour holds."""

    stream: Ints
    device: Ints
    hour: Ints
    energy: Ints  # [micro-kWh], meaningless where nothing is known
    measured: Ints  # [µs]
    estimated: Ints  # [µs]
    flags: Ints

    def joined(self, others: Hours) -> Hours:
        """These rows and those of other devices, all sorted by device."""
        place = np.searchsorted(self.device, others.device) + np.arange(len(others.device))
        mine = np.ones(len(self.device) + len(others.device), dtype=bool)
        mine[place] = False
        columns = []
        for a, b in zip(self, others, strict=True):
            column = np.empty(len(mine), dtype=np.int64)
            column[mine], column[place] = a, b
            columns.append(column)
        return Hours(*columns)


def hours_of_curve(devices: Fleet, over: Curve, edges: Ints, only: Bools) -> Hours:
    """Hours [edges[k], edges[k+1]) of every installation that is in place within the edges, sorted by device and hour.

    `only` says of each stream whether its installations are asked for.
    """
    present = np.flatnonzero((devices.start < edges[-1]) & (devices.end > edges[0]) & only[devices.stream])
    first = np.searchsorted(edges, np.maximum(devices.start[present], edges[0]), side="right") - 1
    last = np.searchsorted(edges, np.minimum(devices.end[present], edges[-1]), side="left")
    count = last - first
    device = np.repeat(present, count)
    hour = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)
    start = np.maximum(edges[hour], devices.start[device])
    end = np.minimum(edges[hour + 1], devices.end[device])
    low, high = (_at(over, devices.run[device], each) for each in (start, end))
    energy, measured, estimated = (b - a for a, b in zip(low[:3], high[:3], strict=True))
    flags = np.where(estimated > 0, FLAGS["estimated"], 0)
    flags |= np.where(measured + estimated < end - start, FLAGS["partial"], 0)
    flags |= np.where(end - start < edges[hour + 1] - edges[hour], FLAGS["changed"], 0)
    flags |= np.where(low[3] | high[3], FLAGS["interpolated"], 0)
    return Hours(devices.stream[device], device, hour, energy, measured, estimated, flags)


def _at(over: Curve, run: Ints, at: Ints) -> tuple[Ints, Ints, Ints, Bools]:
    """Energy, measured and estimated time [µs] of a run up to instants, and whether the energy lies between two readings.

    Before its first node a run has nothing, behind its last one it has all; without any node everything is 0.
    """
    first, last = np.searchsorted(over.run, run, side="left"), np.searchsorted(over.run, run, side="right")
    if not len(over):
        none = np.zeros(len(at), dtype=np.int64)
        return none, none, none, none.astype(bool)
    length = np.diff(over.time, append=over.time[-1:])
    measured = np.where(over.kind == MEASURED, length, 0)
    estimated = np.where(over.kind == GAP, length, 0)
    before_measured, before_estimated = np.cumsum(measured) - measured, np.cumsum(estimated) - estimated
    node = _node_at(over, first, last, at)
    empty = first >= last
    kind = over.kind[node]
    passed = np.where(kind == curves.UNKNOWN, 0, np.clip(at - over.time[node], 0, None))
    step = np.diff(over.energy, append=over.energy[-1:])[node]
    part = np.rint(step * (passed / np.maximum(length[node], 1))).astype(np.int64)
    energy = np.where(empty, 0, over.energy[node] + part)
    until_measured = np.where(empty, 0, before_measured[node] + np.where(kind == MEASURED, passed, 0))
    until_estimated = np.where(empty, 0, before_estimated[node] + np.where(kind == GAP, passed, 0))
    return energy, until_measured, until_estimated, (passed > 0) & (kind == MEASURED) & ~empty


def _node_at(over: Curve, first: Ints, last: Ints, at: Ints) -> Ints:
    """The node at or before each instant within its run, the first one where the instant lies before the run."""
    new = np.r_[False, over.run[1:] != over.run[:-1]]
    run_of = np.cumsum(new)
    base, width = int(over.time.min()), int(over.time.max() - over.time.min()) + 2
    if (int(run_of[-1]) + 1) * width >= FOREVER:
        raise ValueError("too many meters over too long a time for one partition")
    wanted = run_of[np.minimum(first, len(over) - 1)] * width + np.clip(at - base, -1, width - 1)
    node = np.searchsorted(run_of * width + (over.time - base), wanted, side="right") - 1
    return np.clip(node, np.minimum(first, len(over) - 1), np.maximum(last - 1, 0))


def flagged(found: Hours, devices: Fleet, over: Curve, edges: Ints, series: Series, judged: Verdicts) -> Hours:
    """The hours with the marks of the readings in them and of the times that they lie in."""
    _mark_readings(found, devices, edges, series, judged)
    marked = np.flatnonzero(over.mark)
    for at in marked.tolist():
        _mark_time(found, devices, edges, int(over.run[at]), int(over.time[at]), int(over.time[at + 1]), int(over.mark[at]))
    for run, first, last in _still(over):
        _mark_time(found, devices, edges, run, first, last, FLAGS["frozen"])
    return found


def _mark_readings(found: Hours, devices: Fleet, edges: Ints, series: Series, judged: Verdicts) -> None:
    at = np.flatnonzero((judged != screening.SOUND) & (judged != screening.DUPLICATE))
    at = at[(series.time[at] >= edges[0]) & (series.time[at] < edges[-1])]
    device = devices.of(series.stream[at], series.time[at])
    at, device = at[device >= 0], device[device >= 0]
    width = len(edges)
    wanted = device * width + np.searchsorted(edges, series.time[at], side="right") - 1
    rows = np.searchsorted(found.device * width + found.hour, wanted)
    inside = rows < len(found.hour)
    rows, wanted, at = rows[inside], wanted[inside], at[inside]
    hit = found.device[rows] * width + found.hour[rows] == wanted
    bits = np.where(judged[at] == screening.CONFLICT, FLAGS["conflict"], FLAGS["rejected"])
    np.bitwise_or.at(found.flags, rows[hit], bits[hit])


def _mark_time(found: Hours, devices: Fleet, edges: Ints, run: int, first: int, last: int, bit: int) -> None:
    """Marks the hours of a run that [first, last) touches."""
    begin, end = (int(np.searchsorted(edges, at, side="right")) - 1 for at in (first, last - 1))
    if end < 0 or begin >= len(edges) - 1:
        return
    for device in range(int(np.searchsorted(devices.run, run)), int(np.searchsorted(devices.run, run, side="right"))):
        if devices.start[device] < last and devices.end[device] > first:
            low, high = (int(np.searchsorted(found.device, device, side)) for side in ("left", "right"))  # type: ignore[call-overload]
            hours = found.hour[low:high]
            found.flags[low:high] |= np.where((hours >= begin) & (hours <= end), bit, 0)


def _still(over: Curve) -> list[tuple[int, int, int]]:
    """(run, from, to) of the times, a day or longer, over which a measured curve does not rise, and of the step behind each."""
    if len(over) < 2:
        return []
    flat = np.r_[(np.diff(over.energy) == 0) & (over.kind[:-1] == MEASURED), False]  # never at the last node of a run
    edge = np.flatnonzero(np.diff(np.r_[False, flat, False].astype(np.int8)))
    first, last = edge[::2], edge[1::2]
    long = over.time[last] - over.time[first] >= STILL
    first, last = first[long], last[long]
    until = over.time[last + (over.kind[last] == MEASURED)]
    return list(zip(over.run[first].tolist(), over.time[first].tolist(), until.tolist(), strict=True))
