"""Which labels hold at the end of a year: the one that was awarded last counts, and a holder counts once in a scheme.

Days are ordinal numbers [d]; nothing depends on an order of rows.
Source: this project's rule; no document that was seen says how a building with several labels is counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

STAGES = ("design", "operation")


@dataclass(frozen=True)
class Label:
    """A label: whose it is, in which scheme, its rank and stage, from which day to before which [d] it holds."""

    key: str
    scheme: str
    holder: str
    rank: int
    stage: str
    first: int
    until: int | None


def held_at(labels: Iterable[Label], day: int) -> list[Label]:
    """The labels that count on a day [d]: of a holder and scheme the last that was awarded and has not run out.

    Of two awarded on one day operation goes before design, then the higher rank. By key.
    Source: this project's rule.
    """
    counted: dict[tuple[str, str], Label] = {}
    for label in labels:
        if label.first <= day and (label.until is None or label.until > day):
            place = (label.scheme, label.holder)
            if place not in counted or _weight(label) > _weight(counted[place]):
                counted[place] = label
    return sorted(counted.values(), key=lambda label: label.key)


def _weight(label: Label) -> tuple[int, int, int, str]:
    return label.first, STAGES.index(label.stage) if label.stage in STAGES else -1, label.rank, label.key
