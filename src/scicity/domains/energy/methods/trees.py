"""Meters below meters: who stands for which energy at which time, so that no energy is counted twice.

A main meter and the sub-meters below it are a tree. A meter may be labelled for a while (with the enterprise that it is let
to, or with the sub-item that it feeds); below a labelled meter everything bears its label, unless it is labelled itself; a
main meter without a label bears none. Where the label changes from a meter to the one below, the lower one is a *head*: its
energy [kWh] counts for its own label and is taken off the label above. So the labels of a tree always add up to its main meter.

Times are whole microseconds since 1970 UTC [µs], half-open; hours belong to a label by their begin. Source: the bars of the
project's facts on metering (main against sub-meters; a meter that moves to another tenant at 14:37).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple, Protocol

import numpy as np

ALWAYS = 2**62  # [µs]
HOUR = 3_600_000_000  # [µs]
DAY = timedelta(days=1)
EPOCH = date(1970, 1, 1)
BEGIN = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2199, 12, 31)  # of what has no begin or no end
MAIN = "main"
TAKING = ("main", "sub")  # roles of what is taken; what a roof gives or a battery holds is in no tree


class Calendar(Protocol):
    """A district's calendar, of which days and their first instants [µs UTC] are asked."""

    def instant(self, day: date) -> int: ...
    def days(self, instants: np.ndarray) -> np.ndarray: ...
    def local(self, instants: np.ndarray) -> np.ndarray: ...


class Label(NamedTuple):
    """A label of a meter from `start` up to `end` [µs UTC]."""

    meter: str
    label: str
    start: int
    end: int


class Head(NamedTuple):
    """A meter that stands for a label from `start` up to `end` [µs UTC]; it is taken off the head `above` ("" for none)."""

    meter: str
    label: str
    above: str
    above_label: str
    start: int
    end: int


class Span(NamedTuple):
    """Of a head: whole local days (`first` to `last`), or hours of one day that begin in [start, end) [µs UTC]."""

    first: date
    last: date
    start: int
    end: int
    whole: bool


def instant_of(moment: datetime | None, missing: int) -> int:
    """The instant [µs UTC] of a time; `missing` where there is none. Source: the head of this module."""
    return missing if moment is None else (moment - BEGIN) // timedelta(microseconds=1)


def moment_of(at: int) -> datetime:
    """The time of an instant [µs UTC]. Source: the head of this module."""
    return BEGIN + timedelta(microseconds=at)


def labels_of(rows: Iterable[Mapping[str, Any]], label: str) -> list[Label]:
    """Rows with `meter`, a label, `valid_from` and `valid_to` as labels [µs UTC]; open ends are always.

    Source: the head of this module.
    """
    return [
        Label(row["meter"], row[label], instant_of(row["valid_from"], -ALWAYS), instant_of(row["valid_to"], ALWAYS))
        for row in rows
    ]


def chains(meters: Iterable[Mapping[str, object]]) -> dict[str, tuple[str, ...]]:
    """Of each meter the way up to its main meter, itself first; a meter that no main meter stands above is left out.

    `meters` are rows with `meter`, `parent` and `role`; generation and storage are in no tree. A way that comes back to
    itself has no main meter. Energy [kWh] is not touched. Source: the head of this module.
    """
    rows = {str(row["meter"]): row for row in meters if row["role"] in TAKING}
    found: dict[str, tuple[str, ...]] = {}
    for name in rows:
        way = [name]
        while rows[way[-1]]["role"] != MAIN:
            parent = rows[way[-1]]["parent"]
            if parent is None or str(parent) not in rows or str(parent) in way:
                break
            way.append(str(parent))
        if rows[way[-1]]["role"] == MAIN:
            found[name] = tuple(way)
    return found


def heads(meters: Iterable[Mapping[str, object]], labels: Iterable[Label]) -> list[Head]:
    """The heads of all trees in which any meter is labelled, by meter and time [µs]; a tree without a label has none.

    Labels of one meter do not overlap. Unlabelled main meters of these trees stand for the label "". Source: the head of
    this module.
    """
    ways = chains(meters)
    by_meter: dict[str, list[Label]] = {}
    for label in sorted(labels):
        if label.meter in ways:
            by_meter.setdefault(label.meter, []).append(label)
    touched = {ways[meter][-1] for meter in by_meter}
    found: list[Head] = []
    for meter in sorted(ways):
        if ways[meter][-1] in touched:
            found += _of_meter(ways[meter], by_meter)
    return found


def _of_meter(way: tuple[str, ...], by_meter: Mapping[str, list[Label]]) -> list[Head]:
    cuts = sorted({-ALWAYS, ALWAYS, *(at for each in way for label in by_meter.get(each, ()) for at in label[2:])})
    found: list[Head] = []
    for start, end in itertools.pairwise(cuts):
        borne = borne_at(way, by_meter, start)
        above = next((place for place in range(1, len(way)) if place == len(way) - 1 or borne[place] != borne[place + 1]), 0)
        if len(way) > 1 and borne[0] == borne[1]:
            continue
        head = Head(way[0], borne[0], way[above] if above else "", borne[above] if above else "", start, end)
        if found and found[-1][:4] == head[:4] and found[-1].end == start:
            found[-1] = found[-1]._replace(end=end)
        else:
            found.append(head)
    return found


def borne_at(way: tuple[str, ...], by_meter: Mapping[str, list[Label]], at: int) -> list[str]:
    """The labels that the meters of a way up to their main meter bear at an instant [µs UTC], "" where none.

    Source: the head of this module.
    """
    borne = [""] * len(way)
    label = ""
    for place in range(len(way) - 1, -1, -1):
        own = next((each.label for each in by_meter.get(way[place], ()) if each.start <= at < each.end), None)
        label = label if own is None else own
        borne[place] = label
    return borne


def spans(start: int, end: int, calendar: Calendar) -> list[Span]:
    """A stretch of time [µs UTC] as whole local days and the hours of the days at its edges that begin in it.

    An hour belongs to the stretch in which it begins. Source: the head of this module.
    """
    start, end = (at if abs(at) >= ALWAYS else _next_hour(at, calendar) for at in (start, end))
    first = FIRST_DAY if start <= -ALWAYS else _day(start, calendar)
    last = LAST_DAY + DAY if end >= ALWAYS else _day(end, calendar)  # the day in which it ends
    found: list[Span] = []
    if start > -ALWAYS and calendar.instant(first) < start:
        edge = min(end, calendar.instant(first + DAY))
        if start < edge:
            found.append(Span(first, first, start, edge, False))
        first += DAY
    if first < last:
        whole = (calendar.instant(first), calendar.instant(last))
        found.append(Span(first, last - DAY, *whole, True))
    if first <= last <= LAST_DAY and calendar.instant(last) < end:
        found.append(Span(last, last, calendar.instant(last), end, False))
    return found


def _next_hour(at: int, calendar: Calendar) -> int:
    local = int(calendar.local(np.array([at]))[0])
    return at + -local % HOUR


def _day(at: int, calendar: Calendar) -> date:
    return EPOCH + timedelta(days=int(calendar.days(np.array([at]))[0]))
