"""Warnings as alarms: when one begins and ends, and in which state it is after what people did.

States after ISA-18.2 and IEC 62682 (unverified): normal, unacknowledged, acknowledged, returned_unacknowledged (it went away
before anybody acknowledged it), shelved (somebody put it aside until an hour), out_of_service (the thing is under maintenance).
Acknowledging one occurrence says nothing of the next: a warning that is raised again is unacknowledged again.

Values and limits in the unit of what is watched [any]; times are instants.

Source: as named above; the dead band and the delay are rules of this project.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

import numpy as np

State = Literal["normal", "unacknowledged", "acknowledged", "returned_unacknowledged", "shelved", "out_of_service"]
Action = Literal["acknowledge", "note", "shelve", "unshelve", "out_of_service", "in_service"]
ACTIONS: tuple[Action, ...] = ("acknowledge", "note", "shelve", "unshelve", "out_of_service", "in_service")
FLOOD = (
    10  # warnings of one rule, place and day; more are shown as one (EEMUA 191 counts more than 10 in 10 minutes; unverified)
)


@dataclass(frozen=True)
class Episodes:
    """Stretches over which warnings stood: of which series, from which step to which (the first that is clear; -1: it stands).

    `value`: the worst value of each, `limit`: that of its series.
    """

    series: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    value: np.ndarray
    limit: np.ndarray


def episodes(values: np.ndarray, limit: np.ndarray, dead_band: np.ndarray, delay: np.ndarray) -> Episodes:
    """When each series stood above its limit.

    `values`: (series, steps), NaN where unknown; `limit`, `dead_band`, `delay`: (series,). A warning begins at the `delay`-th
    step in a row above the limit (at the first for 0 or 1), and ends at the first step at or below limit - dead band, so that
    values that chatter across the limit give one warning. What is unknown neither begins, breaks nor ends anything.
    """
    steps = values.shape[1]
    known = ~np.isnan(values)
    place = np.arange(steps)
    over = known & (values > limit[:, None])
    breaks = known & ~over
    last_break = np.maximum.accumulate(np.where(breaks, place, -1), axis=1)
    running = np.cumsum(over, axis=1)
    before = np.where(last_break >= 0, np.take_along_axis(running, np.maximum(last_break, 0), axis=1), 0)
    begins = over & (running - before >= np.maximum(delay, 1)[:, None])
    ends = known & (values <= (limit - dead_band)[:, None]) & ~over
    last_begin = np.maximum.accumulate(np.where(begins, place, -1), axis=1)
    last_end = np.maximum.accumulate(np.where(ends, place, -1), axis=1)
    stands = last_begin > last_end
    edges = np.diff(np.pad(stands.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    series, begin = np.nonzero(edges == 1)
    _, end = np.nonzero(edges == -1)
    order = np.lexsort((begin, series))
    series, begin, end = series[order], begin[order], end[order]
    worst = np.where(known & stands, values, -np.inf)
    peaks = np.array([worst[s, a:b].max() for s, a, b in zip(series, begin, end, strict=True)], dtype=np.float64)
    return Episodes(series, begin, np.where(end >= steps, -1, end), peaks, limit[series])


@dataclass(frozen=True)
class Did:
    """What somebody did with a warning: `until` of shelving and of taking out of service."""

    action: Action
    at: datetime
    until: datetime | None = None


def state_of(raised: datetime, cleared: datetime | None, acts: Iterable[Did], now: datetime) -> State:
    """The state of one occurrence of a warning at an instant. Acts before it was raised do not count, apart from shelving and
    maintenance, which are about the rule and the place; acts after `now` do not count yet."""
    acknowledged = False
    shelved: datetime | None = None
    away: datetime | None = None
    for act in sorted((act for act in acts if act.at <= now), key=lambda act: act.at):
        if act.action == "acknowledge" and act.at >= raised:
            acknowledged = True
        elif act.action == "shelve":
            shelved = act.until
        elif act.action == "unshelve":
            shelved = None
        elif act.action == "out_of_service":
            away = act.until
        elif act.action == "in_service":
            away = None
    if now < raised:
        return "normal"
    if away is not None and now < away:
        return "out_of_service"
    gone = cleared is not None and cleared <= now
    if gone and acknowledged:
        return "normal"
    if shelved is not None and now < shelved:
        return "shelved"
    if gone:
        return "returned_unacknowledged"
    return "acknowledged" if acknowledged else "unacknowledged"


def untold(wanted: Iterable[tuple[str, str]], told: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Whom to tell of what, as pairs of warning and role: those not told yet, in order, none twice."""
    done = set(told)
    return [pair for pair in dict.fromkeys(wanted) if pair not in done]


def grouped(
    warnings: Sequence[Mapping[str, Any]], most: int = FLOOD
) -> list[tuple[tuple[str, str, date], list[Mapping[str, Any]]]]:
    """Warnings by rule, place and day; the groups in the order of their first warning. More than `most` in one are a flood.

    Groups of no more than `most` are parted into groups of one.
    """
    sizes = Counter((row["rule"], row["place"], row["since"]) for row in warnings)
    found: dict[Any, tuple[tuple[str, str, date], list[Mapping[str, Any]]]] = {}
    for number, row in enumerate(warnings):
        key = (row["rule"], row["place"], row["since"])
        found.setdefault(key if sizes[key] > most else number, (key, []))[1].append(row)
    return list(found.values())
