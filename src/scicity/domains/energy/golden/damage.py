"""What goes wrong between a meter and the ledger. Each damage changes the list of readings; times are local."""

from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import timedelta

from scicity.domains.energy.golden.meter import Meter, Reading

Damage = Callable[[Meter, list[Reading]], list[Reading]]


def silent(first: str, last: str) -> Damage:
    """Nothing arrives between two times; the readings at the two times themselves do."""
    return lambda meter, rows: [row for row in rows if not meter.at(first) < row.time < meter.at(last)]


def shows(time: str, value: float) -> Damage:
    """At one time the reading is another one."""

    def change(meter: Meter, rows: list[Reading]) -> list[Reading]:
        assert any(row.time == meter.at(time) for row in rows), time
        return [Reading(row.time, value, row.revision) if row.time == meter.at(time) else row for row in rows]

    return change


def also(time: str, value: float, revision: int = 0) -> Damage:
    """One more reading."""
    return lambda meter, rows: [*rows, Reading(meter.at(time), value, revision)]


def becomes(first: str, last: str, changed: Callable[[float], float]) -> Damage:
    """From one time on, until before another, every value is changed."""
    return lambda meter, rows: [
        Reading(row.time, changed(row.value), row.revision) if meter.at(first) <= row.time < meter.at(last) else row
        for row in rows
    ]


def sticks(first: str, last: str) -> Damage:
    """From one time on, until before another, the value stays what it was."""

    def change(meter: Meter, rows: list[Reading]) -> list[Reading]:
        held = next(row.value for row in rows if row.time >= meter.at(first))
        return becomes(first, last, lambda _: held)(meter, rows)

    return change


def clock(first: str, last: str, minutes: int) -> Damage:
    """Between two times the clock of the gateway is wrong."""
    off = timedelta(minutes=minutes)
    return lambda meter, rows: [
        Reading(row.time + off, row.value, row.revision) if meter.at(first) <= row.time < meter.at(last) else row
        for row in rows
    ]


def twice(first: str, last: str) -> Damage:
    """What lies between two times is sent again."""
    return lambda meter, rows: [*rows, *(row for row in rows if meter.at(first) <= row.time < meter.at(last))]


def turned_bytes(value: float) -> float:
    """A value read in the wrong order of bytes."""
    return float(struct.unpack("<i", struct.pack(">i", round(value * 100)))[0]) / 100
