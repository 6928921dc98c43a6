"""The hourly ledger: energy of each meter in each local hour, exact, with what was done to it.

The rules, in the order in which they are applied, each with its reason:

1. At one time of one datastream one reading counts: the highest revision, then the lowest value (`screening`). A rule about
   the set of readings, so that the order in which they arrived, or how often, cannot matter.
2. What no meter can show is set aside: no number, negative (the other flow is a datastream of its own), beyond the digits of
   the register, beyond the rated power; and what was read where no installation of the meter is known. A source that writes
   0 for what it did not measure says so (`zero_is_gap`), and its zeros are gaps.
3. A register reading that its neighbours contradict is set aside (`contradictions`): the fewest readings that leave a course in
   which the register goes up, within its rated power, and rolls over at its digits. A reset that comes back cannot double.
4. Where a drop or a jump stays, what passed in that one step is unknown, and counting goes on behind it. A step that can be
   read in two ways (a register that may have rolled over twice) is unknown too, and so is a jump beside which all other steps
   are nothing, where no rated power tells what can be: nothing is guessed.
5. A new serial number is a new register. What it showed at installation, and the old one at removal, join as readings; without
   them the time between the last old and the first new reading is unknown. Under one serial number the register goes on; where
   its multiplier changes between two readings, the register at that instant is interpolated.
6. Between two sound readings energy passes evenly: nobody knows better. Over more than 2.5 reporting intervals its course is
   not known: the total is spread by the meter's own load shape and marked as estimated (`gaps`). Silence of increments or power
   stays unknown, because its total is not known.
7. An hour is the difference of the curve at its edges: hours add up to the difference of the register to the last digit.
8. An hour in which an installation changes has a row for each building, cut at that instant.

All energies are whole micro-kWh. A value depends on readings at most eight days from the readings next to it, so that a month
computed alone, with these around it, has the same rows as in the whole history; what would need more is unknown: a sound
reading that lies behind more than three days of readings of no use (`registers.JUNK`).

Sources: the hard cases are those of the project's facts on metering; DL/T 448-2016 and DL/T 645-2007 for registers, rollover
and multipliers (unverified: the documents themselves were not seen).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from scicity.domains.energy.methods import curves, gaps, screening, steady
from scicity.domains.energy.methods.devices import Fleet, Stream, fleet
from scicity.domains.energy.methods.hours import FLAGS, Hours, flagged, hours_of_curve
from scicity.domains.energy.methods.registers import Points, register_curve
from scicity.domains.energy.methods.screening import Bools, Floats, Ints, Series, Verdicts

__all__ = ["FLAGS", "PROPERTIES", "Hours", "SetAside", "hours_of", "set_aside_of"]

REGISTER = "energy_register"
OTHERS = {"energy_increment": curves.increment_curve, "active_power": curves.power_curve}
PROPERTIES = (REGISTER, *OTHERS)


class SetAside(NamedTuple):
    """Readings that were set aside or marked, shape (n,) each: the place of the stream, time [µs UTC], value, and the place of
    the rule in `screening.RULES`."""

    stream: Ints
    time: Ints
    value: Floats
    rule: Verdicts


def hours_of(
    streams: list[Stream], series: Series, observed: str, edges: Ints, calendar: gaps.Calendar
) -> tuple[Hours, SetAside]:
    """The hours [edges[k], edges[k+1]) of streams of one observed property, from their readings in any order.

    `edges` are consecutive local hours [µs UTC]. A stream has a row for each hour in which it has an installation, also
    where nothing is known (measured and estimated 0). Raises ValueError for a register whose counts are no whole
    micro-kWh.
    """
    devices = fleet(streams, registers=observed == REGISTER)
    series = screening.by_stream(series)
    if observed != REGISTER:
        return _carefully(streams, devices, series, observed, edges, calendar, np.ones(len(streams), dtype=bool))
    easy, hard = steady.hours_of_steady(streams, devices, series, edges)
    if not hard.any():
        return easy, _set_aside(series, np.full(len(series.time), screening.SOUND, dtype=np.uint8))
    if not hard.all():
        series = series.of(np.flatnonzero(hard))
    found, verdicts = _carefully(streams, devices, series, observed, edges, calendar, hard)
    return easy.joined(found), verdicts


def set_aside_of(streams: list[Stream], series: Series, observed: str, edges: Ints) -> SetAside:
    """The readings that `hours_of` sets aside or marks; quicker, because no hour is reckoned.

    Arguments as `hours_of`: `edges` are consecutive local hours [µs UTC]. Raises ValueError for a register whose counts are
    no whole micro-kWh. Source: the rules at the head of this module.
    """
    devices = fleet(streams, registers=observed == REGISTER)
    series = screening.by_stream(series)
    if observed == REGISTER:
        _, hard = steady.hours_of_steady(streams, devices, series, edges)
        series = series.of(np.flatnonzero(hard))
    judged = _judged(streams, devices, series, observed)
    return _set_aside(judged.series, judged.verdict)


class _Judged(NamedTuple):
    """Readings in order with the verdict of each, the curve of the sound ones, and of registers the points without verdicts."""

    series: Series
    verdict: Verdicts
    over: curves.Curve
    points: Points | None


def _judged(streams: list[Stream], devices: Fleet, series: Series, observed: str) -> _Judged:
    series = screening.ordered(series)  # not earlier: a steady stream is in order, and sorting costs more than all the rest
    repeats = screening.verdict_of_repeats(series)
    if observed == REGISTER:
        over, verdict, points = register_curve(streams, devices, series, repeats)
        return _Judged(series, verdict, over, points)
    over, verdict = OTHERS[observed](streams, devices, series, repeats)
    return _Judged(series, verdict, over, None)


def _carefully(
    streams: list[Stream], devices: Fleet, series: Series, observed: str, edges: Ints, calendar: gaps.Calendar, only: Bools
) -> tuple[Hours, SetAside]:
    """The hours of the streams of which `only` is true, by all rules; `series` holds no reading of others."""
    series, verdict, over, points = _judged(streams, devices, series, observed)
    if points is not None:
        around = gaps.Around(points, series, streams, devices, calendar)
        over = gaps.shaped(over, around, int(edges[0]), int(edges[-1]))
    found = flagged(hours_of_curve(devices, over, edges, only), devices, over, edges, series, verdict)
    return found, _set_aside(series, verdict)


def _set_aside(series: Series, judged: Verdicts) -> SetAside:
    chosen = np.flatnonzero(judged != screening.SOUND)
    return SetAside(series.stream[chosen], series.time[chosen], series.value[chosen], judged[chosen])
