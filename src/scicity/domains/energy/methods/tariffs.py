"""Tariffs of the time of use: rows of seasons, kinds of days and hours, laid out over every hour of every month.

Prices are per energy [CNY/kWh], or per highest power of a month [CNY/kW]. Hours of the day are whole and half-open [h]; a
range whose end is not behind its begin goes on over midnight, and a season over new year. Source: the catalogues of
time-of-use prices of Chinese provinces are of this form (unverified: none was opened).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

DEMAND = "demand"
KINDS = ("working", "rest")
MONTHS, HOURS = range(1, 13), range(24)


class Cell(NamedTuple):
    """One hour of the day in one month on one kind of day, and the place of the row that holds for it."""

    month: int
    day_kind: str
    hour: int
    row: int


def laid_out(rows: Sequence[Mapping[str, Any]]) -> list[Cell]:
    """Every hour for which a row of one version of a tariff holds; an hour for which two hold comes twice.

    `rows`: month_from, month_to, day_kind (`working`, `rest`, `all`), hour_from, hour_to [h]; prices [CNY/kWh] are not
    touched. Source: the head of this module.
    """
    return [
        Cell(month, kind, hour, place)
        for place, row in enumerate(rows)
        for month in within(row["month_from"], row["month_to"], 12, 1)
        for kind in (KINDS if row["day_kind"] == "all" else (row["day_kind"],))
        for hour in within(row["hour_from"], (row["hour_to"] - 1) % 24, 24, 0)
    ]


def within(first: int, last: int, cycle: int, lowest: int) -> list[int]:
    """The numbers from `first` to `last`, both included, on a cycle that begins anew at `lowest` [months or h].

    Source: the head of this module.
    """
    return [(first - lowest + step) % cycle + lowest for step in range((last - first) % cycle + 1)]


def faults(rows: Sequence[Mapping[str, Any]]) -> list[tuple[int, str]]:
    """What is wrong with one version of a tariff: the place of a row and what was found; hours without or with two prices
    [CNY/kWh].

    Source: the head of this module.
    """
    priced = [place for place, row in enumerate(rows) if row["band"] != DEMAND]
    cells: dict[tuple[int, str, int], int] = {}
    found: dict[int, str] = {}
    for cell in laid_out([rows[place] for place in priced]):
        key = cell[:3]
        if key in cells:
            found.setdefault(priced[cell.row], f"month {cell.month}, {cell.day_kind} day, hour {cell.hour} has two prices")
        cells[key] = cell.row
    missing = [(m, k, h) for m in MONTHS for k in KINDS for h in HOURS if (m, k, h) not in cells]
    if missing and priced:
        month, kind, hour = missing[0]
        found.setdefault(priced[0], f"month {month}, {kind} day, hour {hour} has no price")
    return sorted(found.items())
