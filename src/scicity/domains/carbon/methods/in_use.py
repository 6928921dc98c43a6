"""Which factor holds when: the choices of a district, laid over the validity of the factors that were chosen.

Source: rule of this project (README of the domain): a factor counts in its own accounting period, never in the nearest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

FACTOR, RATIO = "factor", "ratio"


@dataclass(frozen=True)
class Held:
    """A row that holds from the day `first` to the day before `until` [days since 1970]; `until` None is still.

    `series`: what it belongs to; `revision`: a higher one counts where several hold; `place`: its place in its table.
    """

    series: str
    first: int
    until: int | None
    place: int
    revision: int = 0


@dataclass(frozen=True)
class Choice:
    """A choice of a series (and of a ratio of the energy basis, `""` for none) over days as in `Held`."""

    first: int
    until: int | None
    factor: str
    ratio: str


@dataclass(frozen=True)
class Use:
    """What holds from the day `first` to the day before `until`: places of the rows of factor and ratio, or what is missing."""

    first: int
    until: int | None
    factor: int | None
    ratio: int | None
    missing: str | None


def holding(rows: Sequence[Held], series: str, day: int) -> Held | None:
    """The row of a series that holds on a day: of several the highest revision. None where none does; never the nearest."""
    held = [r for r in rows if r.series == series and r.first <= day and (r.until is None or day < r.until)]
    return max(held, key=lambda row: row.revision, default=None)


def uses_of(choice: Choice, rows: Sequence[Held]) -> list[Use]:
    """The stretches of days of a choice over which the same rows hold, in order; together they cover it without a gap.

    Source: GB/T 32150-2025 (unverified): the factor of the accounting period. A stretch for which the chosen series has no row
    says so, and has no factor.
    """
    edges = {choice.first}
    for row in rows:
        if row.series in (choice.factor, choice.ratio):
            edges |= {row.first, *([row.until] if row.until is not None else [])}
    last = choice.until
    days = sorted(day for day in edges if day >= choice.first and (last is None or day < last))
    found: list[Use] = []
    for day, following in zip(days, [*days[1:], last], strict=True):
        factor = holding(rows, choice.factor, day)
        ratio = holding(rows, choice.ratio, day) if choice.ratio else None
        missing = FACTOR if factor is None else RATIO if choice.ratio and ratio is None else None
        use = Use(day, following, factor.place if factor else None, ratio.place if ratio else None, missing)
        if found and (found[-1].factor, found[-1].ratio) == (use.factor, use.ratio):
            use = Use(found.pop().first, following, use.factor, use.ratio, use.missing)
        found.append(use)
    return found
