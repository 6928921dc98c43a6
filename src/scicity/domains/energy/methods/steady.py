"""The quick way for registers with which nothing is wrong: most meters in most months.

A stream is steady where one device covers all its readings, these come one by one without a gap, the register rises by what
can be, and it does not stand still for a day. All rules of `ledger` then come down to one: the difference of the register at
the edges of each hour; what lies before its first reading or behind its last is unknown. `golden/test_locality.py` holds that
both ways agree. All streams go through at once: many small steps would keep two cores waiting for each other.

Energies [µkWh], times [µs UTC]. Source: rules 6 and 7 of `ledger`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from scicity.domains.energy.methods.contradictions import JUMP_ENERGY, LONG, ROLL_SHARE
from scicity.domains.energy.methods.curves import LONGEST, intervals
from scicity.domains.energy.methods.devices import FOREVER, HOUR, MICRO, Fleet, Stream
from scicity.domains.energy.methods.hours import FLAGS, STILL, Hours
from scicity.domains.energy.methods.registers import rates
from scicity.domains.energy.methods.screening import LARGEST, Bools, Floats, Ints, Series

LONGEST_STEP = 3 * HOUR  # [µs] slower meters are few, and go the careful way
AROUND = STILL + HOUR + LONGEST_STEP  # [µs] beyond the hours, in which a register that stands still may show


@dataclass(frozen=True)
class Candidates:
    """Streams that may be steady: of each its place among all, its device, and its readings [first, last) in the series."""

    stream: Ints
    device: Ints
    first: Ints
    last: Ints
    every: Ints  # [µs] from each reading to the next, 0 where that is not always the same

    def take(self, which: Bools) -> Candidates:
        """Some of them."""
        return Candidates(*(getattr(self, name)[which] for name in self.__dataclass_fields__))


def hours_of_steady(streams: list[Stream], devices: Fleet, series: Series, edges: Ints) -> tuple[Hours, Bools]:
    """The hours of the steady streams, by device and hour, and which streams are not steady."""
    some = _candidates(streams, devices, series, edges)
    hard = np.ones(len(streams), dtype=bool)
    if not len(some.stream):
        return _as_hours(devices, some.device, *np.zeros((3, 0, len(edges) - 1), dtype=np.int64)), hard
    count, some = _sound(series, some, devices, LONGEST * intervals(streams)[some.stream])
    wide = np.r_[np.arange(edges[0] - AROUND, edges[0], HOUR), edges, np.arange(edges[-1], edges[-1] + AROUND, HOUR) + HOUR]
    at, register, between = _registers_at(wide, series, count, some, devices)
    known, energy = np.diff(at), np.diff(register)
    moving, begin = ~_stand_still(known, energy), int(np.searchsorted(wide, edges[0]))
    some, inside = some.take(moving), slice(begin, begin + len(edges) - 1)
    known, energy, between = known[moving, inside], energy[moving, inside], between[moving, begin : begin + len(edges)]
    flags = np.where(between[:, :-1] | between[:, 1:], FLAGS["interpolated"], 0)
    flags[known < np.diff(edges)] |= FLAGS["partial"]
    hard[some.stream] = False
    return _as_hours(devices, some.device, energy, known, flags), hard


def _candidates(streams: list[Stream], devices: Fleet, series: Series, edges: Ints) -> Candidates:
    """The streams with readings, all in the only installation, whose signed registers are too far away to matter."""
    bounds = np.searchsorted(series.stream, np.arange(len(streams) + 1))
    device_of = np.searchsorted(devices.stream, np.arange(len(streams) + 1))
    first, last = bounds[:-1], bounds[1:]
    stream = np.flatnonzero((np.diff(device_of) == 1) & (last - first >= 2))
    some = Candidates(stream, device_of[stream], first[stream], last[stream], np.zeros_like(stream))
    begins, ends = series.time[some.first], series.time[some.last - 1]
    fits = (devices.start[some.device] <= np.minimum(begins, edges[0])) & (
        devices.end[some.device] > np.maximum(ends, edges[-1])
    )
    for at in np.flatnonzero(fits).tolist():
        (each,) = streams[int(some.stream[at])].installations
        if each.register_start is not None and each.start > -FOREVER:
            fits[at] &= begins[at] - each.start > LONG.link and begins[at] <= edges[0]
        if each.register_end is not None and each.end < FOREVER:
            fits[at] &= each.end - ends[at] > LONG.link and ends[at] >= edges[-1]
    return some.take(fits)


def _sound(series: Series, some: Candidates, devices: Fleet, usual: np.ndarray) -> tuple[Ints, Candidates]:
    """The readings in counts of the register, and the candidates in which no rule finds anything. `usual` [µs]."""
    scale, modulus, rate = devices.scale[some.device], devices.modulus[some.device], rates(devices)[some.device]
    factor = 10.0 ** devices.places[some.device]
    each = slice(int(some.first[0]), int(some.last[-1]))
    place = np.stack([some.first, some.last], axis=1).ravel()[:-1] - each.start  # every second stretch is that of a candidate

    def extreme(of: np.ufunc, column: Ints | Floats) -> Ints:
        found: Ints = of.reduceat(column, place)[::2]
        return found

    value = series.value[each]
    apart = np.diff(series.time[each])
    with np.errstate(invalid="ignore"):  # what is no number makes its stream a hard one
        same = (factor == factor[0]).all()
        count = np.rint(value * (factor[0] if same else _spread(factor, some, each))).astype(np.int64)
        steps = np.diff(count)
        ends = some.last[:-1] - each.start - 1
        apart[ends], steps[ends] = apart[some.first[:-1] - each.start], 0  # what leads from one stream to the next is no step
        shortest, longest = extreme(np.minimum, apart), extreme(np.maximum, apart)
        least, most = extreme(np.minimum, steps), extreme(np.maximum, steps)
        low, high = extreme(np.minimum, value), extreme(np.maximum, value)
    highest = np.where(modulus > 0, modulus - 1, LARGEST * MICRO / scale)
    sound = (shortest > 0) & (longest <= np.minimum(usual, LONGEST_STEP)) & (low >= 0) & (high <= LARGEST)
    sound &= (least >= 0) & (count[some.last - 1 - each.start] <= highest)
    rated, rolls = np.isfinite(rate), modulus > 0
    limit = np.where(rated, rate, 0.0)
    for at in np.flatnonzero(sound & rated & (most > limit * shortest + 1)).tolist():
        steep = slice(int(some.first[at]) - each.start, int(some.last[at]) - each.start - 1)
        sound[at] = (steps[steep] <= limit[at] * apart[steep] + 1).all()
    once = ~rolls | (modulus > limit * longest + 1)  # no step, however small, can have been one roll more
    calm = (most * scale <= JUMP_ENERGY) & (~rolls | (most <= modulus / ROLL_SHARE))
    whole = np.zeros(len(series.time), dtype=np.int64) if each.stop - each.start < len(series.time) else count
    whole[each] = count
    regular = replace(some, every=np.where(shortest == longest, longest, 0))
    return whole, regular.take(sound & np.where(rated, once, calm))


def _spread(of_candidate: np.ndarray, some: Candidates, each: slice) -> np.ndarray:
    """A value of each candidate at each of its readings, 1 at others in `each`."""
    found = np.ones(each.stop - each.start)
    for value, first, last in zip(of_candidate.tolist(), some.first.tolist(), some.last.tolist(), strict=True):
        found[first - each.start : last - each.start] = value
    return found


def _registers_at(wide: Ints, series: Series, count: Ints, some: Candidates, devices: Fleet) -> tuple[Ints, Ints, Bools]:
    """Of each candidate the instants `wide` cut to its readings, the register [µkWh] there, and whether it lies between two."""
    time, last = series.time, some.last - 1
    at = np.clip(wide, time[some.first][:, None], time[last][:, None])
    node = some.first[:, None] + (at - time[some.first][:, None]) // np.maximum(some.every, 1)[:, None]
    for each in np.flatnonzero(some.every == 0).tolist():
        own = time[some.first[each] : some.last[each]]
        node[each] = some.first[each] + np.searchsorted(own, at[each], side="right") - 1
    passed = at - time[node]
    register: Ints = count[node] * devices.scale[some.device][:, None]
    between = np.flatnonzero(passed)
    if len(between):
        here, candidate = node.ravel()[between], between // at.shape[1]
        following = np.minimum(here + 1, last[candidate])
        step = (count[following] - count[here]) * devices.scale[some.device[candidate]]
        part = passed.ravel()[between] / np.maximum(time[following] - time[here], 1)
        register.ravel()[between] += np.rint(step * part).astype(np.int64)
    return at, register, passed > 0


def _stand_still(known: Ints, energy: Ints) -> Bools:
    """Of which candidates so many whole hours in a row are 0 that the register may stand still for a day."""
    still = (known == HOUR) & (energy == 0)
    found = np.zeros(len(still), dtype=bool)
    for at in np.flatnonzero(still.any(axis=1)).tolist():
        moving = np.flatnonzero(~still[at])
        longest = np.diff(np.r_[-1, moving, still.shape[1]]).max() - 1
        found[at] = (longest + 1) * HOUR >= STILL
    return found


def _as_hours(devices: Fleet, found: Ints, energy: Ints, measured: Ints, flags: Ints) -> Hours:
    count = energy.shape[1]
    device, hour = np.repeat(found, count), np.tile(np.arange(count), len(found))
    energy, measured, flags = (column.ravel() for column in (energy, measured, flags))
    return Hours(np.repeat(devices.stream[found], count), device, hour, energy, measured, np.zeros_like(energy), flags)
