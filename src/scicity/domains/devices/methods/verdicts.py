"""What is said of a datastream, from what is known of it, the thresholds and the present.

Hours in [h], shares in [%]. Source: own rules; the thresholds are data (`standards/thresholds.csv`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

# The worst first.
STATES = ("never", "silent", "clock", "frozen", "gaps", "valueless", "drift", "battery", "unjudged", "fine", "absent")


@dataclass(frozen=True)
class Known:
    """What is known of a datastream; None is not known. `last`, `interval`: its last reading and how often it should send;
    `share` received [%], `longest_gap` and `frozen` [h], `valueless` [%] of its month; `battery` [%]; `clock`: readings held
    because their time cannot be; `judged`: whether anybody said how its property behaves."""

    last: datetime | None = None
    interval: timedelta | None = None
    share: float | None = None
    longest_gap: float | None = None
    frozen: float | None = None
    valueless: float | None = None
    drifting: bool | None = None
    battery: float | None = None
    clock: int = 0
    judged: bool = True


def silent_for(known: Known, thresholds: Mapping[str, float], now: datetime) -> timedelta | None:
    """For how long nothing came though something should have; None where it is not silent, or nobody can tell.

    Silence begins with the last reading; it is told behind `silent_intervals` intervals, and never before `least_silence` [h].
    A reading of the future is no silence. Source: own rule.
    """
    if known.last is None or known.interval is None:
        return None
    patience = max(known.interval * thresholds["silent_intervals"], timedelta(hours=thresholds["least_silence"]))
    return now - known.last if now - known.last > patience else None


def verdicts(known: Known, thresholds: Mapping[str, float], now: datetime | None) -> list[str]:
    """What is said of a datastream, the worst first, of `STATES`: at least one. Without `now` silence is not asked for.

    What is not known is never told as a fault, nor as fine: a datastream of which nothing was said to be wrong is `fine` where
    its behaviour is known, else `unjudged`. (`absent` is for lists of a month of which nothing is known.) Hours in [h], shares
    in [%]. Source: own rules.
    """

    def above(value: float | None, rule: str) -> bool:
        return value is not None and value >= thresholds[rule]

    faults = {
        "never": now is not None and known.last is None,
        "silent": now is not None and silent_for(known, thresholds, now) is not None,
        "clock": known.clock > 0,
        "frozen": above(known.frozen, "frozen_hours"),
        "gaps": (known.share is not None and known.share < thresholds["received_share"])
        or above(known.longest_gap, "longest_gap"),
        "valueless": above(known.valueless, "valueless_share"),
        "drift": known.drifting is True,
        "battery": known.battery is not None and known.battery < thresholds["battery_level"],
        "unjudged": not known.judged or known.interval is None,
    }
    return [state for state in STATES if faults.get(state)] or ["fine"]


def rank(said: list[str], known: Known) -> tuple[tuple[int, ...], float, float]:
    """What puts the worst first in a list: its states from the worst on, then what is missing [%], then what is frozen [h].

    Source: own rule.
    """
    states = (*(STATES.index(state) for state in said), len(STATES))
    return states, known.share if known.share is not None else 100.0, -(known.frozen or 0.0)
