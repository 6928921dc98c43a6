"""The month or year that a report is about, and which of them a district has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from scicity.closing import Act

TEXT = re.compile(r"([12]\d{3})(?:-(0[1-9]|1[0-2]))?")
ROOT = "district"
MONTHS_EN = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November"),
    "December",
)


class NoPeriod(ValueError):  # noqa: N818  (reads as what happened)
    """A text that is neither a year nor a month, or one of which the district has nothing."""


@dataclass(frozen=True)
class Period:
    """A calendar month, or a year where `number` is 0."""

    year: int
    number: int = 0

    @classmethod
    def of(cls, text: str) -> Period:
        """The period of `2022` or `2022-03`. Raises NoPeriod."""
        found = TEXT.fullmatch(text.strip()) if text.isascii() else None
        if found is None:
            raise NoPeriod(f"{text[:20]!r} is no period: a year like 2022 or a month like 2022-03 is expected")
        return cls(int(found[1]), int(found[2] or 0))

    def __str__(self) -> str:
        return f"{self.year}-{self.number:02d}" if self.number else str(self.year)

    @property
    def kind(self) -> str:
        """`month` or `year`."""
        return "month" if self.number else "year"

    @property
    def first(self) -> date:
        """Its first local day."""
        return date(self.year, self.number or 1, 1)

    @property
    def last(self) -> date:
        """Its last local day."""
        following = date(self.year + 1, 1, 1) if self.number in (0, 12) else date(self.year, self.number + 1, 1)
        return following - timedelta(days=1)

    @property
    def a_year_before(self) -> date:
        """The first day of the month a year before its last month: with it thirteen months are seen."""
        return date(self.last.year - 1, self.last.month, 1)

    @property
    def last_month(self) -> date:
        """The first day of its last month."""
        return self.last.replace(day=1)

    @property
    def before(self) -> Period:
        """The same month, or the year, a year before."""
        return Period(self.year - 1, self.number)

    def name(self, language: str) -> str:
        """As people write it."""
        if language == "zh":
            return f"{self.year} 年 {self.number} 月" if self.number else f"{self.year} 年"
        return f"{MONTHS_EN[self.number - 1]} {self.year}" if self.number else str(self.year)


@dataclass(frozen=True)
class Listed:
    """A period of which the district has figures; `act` is the act by which it was closed, None while it is open."""

    period: Period
    act: Act | None


def closing_of(period: Period, closed: Mapping[str, Act]) -> Act | None:
    """The act that closed a period, by itself or with its year."""
    return closed.get(str(period.year)) or closed.get(str(period))


def listed(city: Any) -> list[Listed]:
    """The months and years of which there is energy, the newest first, each year before its months."""
    found = set()
    for table, column in (("energy.zone_yearly", "year"), ("energy.zone_monthly", "month")):
        if table not in city.figures.catalog.tables:
            continue
        for row in city.figures.rows(table, [column, "energy"], {"zone": ROOT}):
            if row["energy"] is not None:
                value = row[column]
                found.add(Period(value) if isinstance(value, int) else Period(value.year, value.month))
    closed = city.closings.closed()
    ordered = sorted(found, key=lambda each: (-each.year, each.number and 13 - each.number))
    return [Listed(period, closing_of(period, closed)) for period in ordered]
