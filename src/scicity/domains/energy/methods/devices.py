"""Meters as the registers of the district describe them: datastreams, and the installations of their meters by time.

Source: rules 5 and 8 of `ledger`; DL/T 645-2007 for registers (unverified).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from scicity.domains.energy.methods.screening import Floats, Ints

MICRO = 1_000_000  # micro-kWh in a kWh: the sixth decimal, to which all energies are exact
PLACES = 6  # decimals of a kWh that energies have
HOUR = 3_600_000_000  # [µs]
FOREVER = 2**62  # [µs]


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
        return max(0, PLACES + min(0, int(exponent)))

    def scale(self, places: int) -> int:
        """Micro-kWh of one count of a register with so many decimals. Raises ValueError where that is no whole number."""
        scale = self.multiplier * MICRO / 10**places
        if scale != int(scale) or scale <= 0:
            told = f"multiplier {self.multiplier} with {places} decimals of the register"
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
class Fleet:
    """Installations of all streams in a row, as arrays: of each its stream, its times, its run and its register.

    A run is a stretch of time over which energy is counted on: the installations of one register.
    """

    stream: Ints
    start: Ints
    end: Ints
    run: Ints
    places: Ints  # decimals of the register
    scale: Ints  # [micro-kWh] of one count
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


def fleet(streams: list[Stream], *, registers: bool) -> Fleet:
    """The installations of streams as arrays.

    Of `registers`, installations that follow each other under one serial number share a run: the register goes on. Energy of
    intervals and power belong to no register: there installations that follow each other without a break share a run.
    Raises ValueError for a multiplier whose counts are no whole micro-kWh.
    """
    rows, run = [], -1
    for index, stream in enumerate(streams):
        for installations in _runs(stream, registers):
            run += 1
            known = [each.decimals for each in installations if each.decimals is not None]
            places = max(known) if known else min(each.places for each in installations)
            for each in installations:
                modulus = 10 ** (each.digits + places) if each.digits is not None else 0
                rated = each.rated_power if each.rated_power is not None else np.inf
                rows.append((index, each.start, each.end, run, places, each.scale(places), modulus, rated))
    columns = list(zip(*rows, strict=True)) if rows else [()] * 8
    whole = [np.array(column, dtype=np.int64) for column in columns[:7]]
    rated_power = np.array(columns[7], dtype=np.float64)
    return Fleet(whole[0], whole[1], whole[2], whole[3], whole[4], whole[5], whole[6], rated_power)


def _runs(stream: Stream, registers: bool) -> list[list[Installation]]:
    found: list[list[Installation]] = []
    for each in stream.installations:
        earlier = found[-1][-1] if found else None
        goes_on = earlier is not None and earlier.end == each.start
        if goes_on and registers:
            goes_on = each.serial is not None and earlier is not None and earlier.serial == each.serial
        if goes_on:
            found[-1].append(each)
        else:
            found.append([each])
    return found
