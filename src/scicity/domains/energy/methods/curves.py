"""Energy curves: whatever a meter sends becomes cumulated energy at nodes, with what is known between two nodes.

All energies are whole micro-kilowatt-hours (1e-6 kWh), so that sums are exact in any order. Between two nodes energy is either
MEASURED (it passed evenly, as far as anyone knows), a GAP (its total is known, its course is not), or UNKNOWN.

Source: rule 6 of `ledger`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scicity.domains.energy.methods.devices import FOREVER, HOUR, MICRO, Fleet, Stream
from scicity.domains.energy.methods.screening import IMPOSSIBLE, SOUND, UNPLACED, ZERO, Bools, Floats, Ints, Series, Verdicts

LONGEST = 2.5  # intervals between two readings beyond which the course between them is not known
UNKNOWN, MEASURED, GAP = 0, 1, 2
ROLLOVER, RESET, IMPLAUSIBLE = 8, 32, 256  # what an interval is marked with; the list of flags stands in ledger.py


@dataclass(frozen=True)
class Curve:
    """Nodes by run and time: `energy` cumulated [micro-kWh]; `kind` and `mark` are of the time from a node to the next."""

    run: Ints
    time: Ints
    energy: Ints
    kind: Verdicts
    mark: Ints

    def __len__(self) -> int:
        return len(self.time)


def curve(run: Ints, time: Ints, step: Ints, kind: Verdicts, mark: Ints) -> Curve:
    """A curve from the energy `step` [micro-kWh] of the time after each node; the last node of a run leads nowhere."""
    last = np.r_[run[1:] != run[:-1], np.ones(min(1, len(run)), dtype=bool)]
    kind = np.where(last, UNKNOWN, kind).astype(np.uint8)
    mark = np.where(last, 0, mark)
    passed = np.where(kind == UNKNOWN, 0, step)
    return Curve(run, time, np.cumsum(passed) - passed, kind, mark)


def intervals(streams: list[Stream]) -> Ints:
    """Of each stream, the time between two readings [µs]."""
    return np.array([stream.interval for stream in streams], dtype=np.int64)


def increment_curve(streams: list[Stream], devices: Fleet, series: Series, verdict: Verdicts) -> tuple[Curve, Verdicts]:
    """Curve and verdicts of energies of intervals [kWh]; each covers the interval that ends at its time.

    An interval never reaches back over the reading before it. A missing interval is unknown. A negative energy is
    impossible (the other flow is a datastream of its own); where the source writes 0 for a gap, 0 is unknown.
    """
    rows, device, verdict = _placed(devices, series, verdict, streams, before=1)
    interval = intervals(streams)[series.stream[rows]]
    too_much = series.value[rows] * _times(devices, device) / MICRO > devices.rated[device] * (interval / HOUR)
    rows, device, interval = _possible(verdict, rows, device, interval, too_much)
    end, run = series.time[rows], devices.run[device]
    begins = devices.start[np.searchsorted(devices.run, run)] if len(run) else end
    before = np.r_[np.int64(-FOREVER), np.where(run[1:] == run[:-1], end[:-1], -FOREVER)] if len(run) else end
    start = np.maximum(np.maximum(end - interval, before), begins)
    step = np.rint(series.value[rows] * _times(devices, device)).astype(np.int64)
    touching = np.r_[(start[1:] == end[:-1]) & (run[1:] == run[:-1]), np.zeros(min(1, len(run)), dtype=bool)]
    # a node where each interval begins, and one where it ends unless the next begins there
    ends = np.flatnonzero(~touching)
    order = np.argsort(np.r_[np.arange(len(run)) * 2, ends * 2 + 1], kind="stable")
    none = np.zeros(len(ends), dtype=np.int64)
    kind = np.r_[np.full(len(run), MEASURED), none]
    run, time, step, kind = (
        column[order] for column in (np.r_[run, run[ends]], np.r_[start, end[ends]], np.r_[step, none], kind)
    )
    return curve(run, time, step, kind.astype(np.uint8), np.zeros(len(run), dtype=np.int64)), verdict


def power_curve(streams: list[Stream], devices: Fleet, series: Series, verdict: Verdicts) -> tuple[Curve, Verdicts]:
    """Curve and verdicts of power [kW]: the trapezoid between neighbours; a longer silence is unknown, never filled."""
    rows, device, verdict = _placed(devices, series, verdict, streams, before=0)
    interval = intervals(streams)[series.stream[rows]]
    too_much = series.value[rows] * _times(devices, device) / MICRO > devices.rated[device]
    rows, device, interval = _possible(verdict, rows, device, interval, too_much)
    time, run = series.time[rows], devices.run[device]
    power = series.value[rows] * _times(devices, device)
    length = np.diff(time, append=time[-1:])
    step = np.rint((power + np.r_[power[1:], power[-1:]]) / 2 * (length / HOUR)).astype(np.int64)
    kind = np.where(length <= LONGEST * interval, MEASURED, UNKNOWN).astype(np.uint8)
    return curve(run, time, step, kind, np.zeros(len(run), dtype=np.int64)), verdict


def _placed(
    devices: Fleet, series: Series, verdict: Verdicts, streams: list[Stream], before: int
) -> tuple[Ints, Ints, Verdicts]:
    """The readings that count and lie in an installation `before` [µs] their time, their installation, and the verdicts."""
    verdict = verdict.copy()
    rows = np.flatnonzero(verdict == SOUND)
    device = devices.of(series.stream[rows], series.time[rows] - before)
    verdict[rows[device < 0]] = UNPLACED
    zero_is_gap = np.array([s.zero_is_gap for s in streams], dtype=bool)[series.stream[rows]]
    zero = zero_is_gap & (series.value[rows] == 0) & (device >= 0)
    verdict[rows[zero]] = ZERO
    stay = (device >= 0) & ~zero
    return rows[stay], device[stay], verdict


def _possible(verdict: Verdicts, rows: Ints, device: Ints, interval: Ints, not_so: Bools) -> tuple[Ints, Ints, Ints]:
    verdict[rows[not_so]] = IMPOSSIBLE
    return rows[~not_so], device[~not_so], interval[~not_so]


def _times(devices: Fleet, device: Ints) -> Floats:
    """What a reading of each installation is multiplied by to be micro-kWh, or micro-kW."""
    scaled: Floats = devices.scale[device] * 10.0 ** devices.places[device]
    return scaled
