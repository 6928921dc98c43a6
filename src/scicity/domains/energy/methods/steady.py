"""The quick way for registers with which nothing is wrong: most meters in most months.

A stream is steady where one device covers all its readings, these come one by one without a gap from before the first hour to
behind the last, the register rises by what can be, and it does not stand still for a day. All rules of `ledger` then come down
to one: the difference of the register at the edges of each hour. `golden/test_locality.py` holds that both ways agree.

Energies [µkWh], times [µs UTC]. Source: rules 6 and 7 of `ledger`.
"""

from __future__ import annotations

import numpy as np

from scicity.domains.energy.methods.contradictions import JUMP_ENERGY, LONG, ROLL_SHARE
from scicity.domains.energy.methods.curves import LONGEST
from scicity.domains.energy.methods.devices import FOREVER, HOUR, MICRO, Fleet, Stream
from scicity.domains.energy.methods.hours import FLAGS, STILL, Hours
from scicity.domains.energy.methods.registers import rates
from scicity.domains.energy.methods.screening import LARGEST, Bools, Floats, Ints, Series

LONGEST_STEP = 3 * HOUR  # [µs] slower meters are few, and go the careful way
AROUND = STILL + HOUR + LONGEST_STEP  # [µs] beyond the hours, in which a register that stands still may show


def hours_of_steady(streams: list[Stream], devices: Fleet, series: Series, edges: Ints) -> tuple[Hours, Bools]:
    """The hours of the steady streams, by device and hour, and which streams are not steady."""
    wide = np.r_[np.arange(edges[0] - AROUND, edges[0], HOUR), edges, np.arange(edges[-1], edges[-1] + AROUND, HOUR) + HOUR]
    bounds = np.searchsorted(series.stream, np.arange(len(streams) + 1))
    device_of = np.searchsorted(devices.stream, np.arange(len(streams) + 1))
    first_edge = int(np.searchsorted(wide, edges[0]))
    rate = rates(devices)
    hard = np.ones(len(streams), dtype=bool)
    energy, flags, found = [], [], []
    for index, stream in enumerate(streams):
        first, last = int(bounds[index]), int(bounds[index + 1])
        device = int(device_of[index])
        if device_of[index + 1] - device != 1 or last - first < 2:
            continue
        time = series.time[first:last]
        if time[0] > edges[0] or time[-1] < edges[-1] or not _covered(stream, int(time[0]), int(time[-1])):
            continue
        count = _counts(time, series.value[first:last], stream, devices, device, float(rate[device]))
        if count is None:
            continue
        low, high = int(np.searchsorted(wide, time[0])), int(np.searchsorted(wide, time[-1], side="right"))
        register, between = _registers_at(wide[low:high], time, count, int(devices.scale[device]))
        hours = np.diff(register)
        if _stands_still(hours):
            continue
        begin = first_edge - low
        energy.append(hours[begin : begin + len(edges) - 1])
        flags.append(_interpolated(between, begin, len(edges) - 1))
        found.append(device)
        hard[index] = False
    return _as_hours(devices, np.array(found, dtype=np.int64), energy, flags, len(edges) - 1), hard


def _covered(stream: Stream, first: int, last: int) -> bool:
    """Whether the installation covers the readings, and its signed registers are too far away to contradict them."""
    (each,) = stream.installations
    return (
        each.start <= first
        and each.end > last
        and (each.register_start is None or each.start == -FOREVER or first - each.start > LONG.link)
        and (each.register_end is None or each.end == FOREVER or each.end - last > LONG.link)
    )


def _counts(time: Ints, value: Floats, stream: Stream, devices: Fleet, device: int, rate: float) -> Ints | None:
    """The readings in counts of the register; None where any rule finds anything in them."""
    apart = np.diff(time)
    shortest, longest = int(apart.min()), int(apart.max())
    modulus, factor = int(devices.modulus[device]), 10.0 ** int(devices.places[device])
    highest = (modulus - 1) if modulus else LARGEST * MICRO / int(devices.scale[device])
    if (
        shortest <= 0
        or longest > min(LONGEST * stream.interval, LONGEST_STEP)
        or not (value.min() >= 0 and value.max() <= LARGEST)
    ):
        return None
    count: Ints = np.rint(value * factor).astype(np.int64)
    steps = np.diff(count)
    if steps.min() < 0 or count[-1] > highest:
        return None
    if np.isfinite(rate):
        plain = steps.max() <= rate * shortest + 1 or bool((steps <= rate * apart + 1).all())
        once = not modulus or int(steps.max()) + modulus > rate * longest + 1
        return count if plain and once else None
    no_jump = int(steps.max()) * int(devices.scale[device]) <= JUMP_ENERGY
    return count if no_jump and (not modulus or steps.max() <= modulus / ROLL_SHARE) else None


def _registers_at(at: Ints, time: Ints, count: Ints, scale: int) -> tuple[Ints, Bools]:
    """The register [micro-kWh] at instants from the first reading to the last, and whether it lies between two there."""
    node = np.searchsorted(time, at, side="right") - 1
    passed = at - time[node]
    register: Ints = count[node] * scale
    if passed.any():
        following = np.minimum(node + 1, len(time) - 1)
        step = (count[following] - count[node]) * scale
        register = register + np.rint(step * (passed / np.maximum(time[following] - time[node], 1))).astype(np.int64)
    return register, passed > 0


def _interpolated(between: Bools, begin: int, count: int) -> Ints:
    """The flag of the hours that have an edge between two readings."""
    if not between.any():
        return np.zeros(count, dtype=np.int64)
    return np.where(between[begin : begin + count] | between[begin + 1 : begin + count + 1], FLAGS["interpolated"], 0)


def _stands_still(hours: Ints) -> bool:
    """Whether so many whole hours in a row are 0 that the register may stand still for a day."""
    if hours.all():
        return False
    moving = np.flatnonzero(hours)
    longest = np.diff(np.r_[-1, moving, len(hours)]).max() - 1
    return bool((longest + 1) * HOUR >= STILL)


def _as_hours(devices: Fleet, found: Ints, energy: list[Ints], flags: list[Ints], count: int) -> Hours:
    size = len(found) * count
    none = np.zeros(0, dtype=np.int64)
    return Hours(
        np.repeat(devices.stream[found], count),
        np.repeat(found, count),
        np.tile(np.arange(count), len(found)),
        np.concatenate([none, *energy]),
        np.full(size, HOUR),
        np.zeros(size, dtype=np.int64),
        np.concatenate([none, *flags]),
    )
