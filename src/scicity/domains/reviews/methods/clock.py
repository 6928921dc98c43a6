"""Whose days passed: the local days of a case, each counted to the authority or to the applicant, so that both add up to all.

The day on which something happens does not count, the next is the first; days are working days. A day belongs to whoever's turn
it was when it began; with steps side by side it is the authority's while any of them waits for the authority.

Source: Civil Code of the PRC, art. 201; Administrative Licensing Law of the PRC, art. 82 (unverified: neither text was opened).
Days in [d].
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

AUTHORITY, APPLICANT = "authority", "applicant"
SATURDAY = 5
LONGEST_WAIT = 3_660  # days that are looked ahead for a due date


@dataclass(frozen=True)
class Visit:
    """A step's party, from the local day on which it was opened to the one on which it ended."""

    party: str
    entered_on: date
    left_on: date


@dataclass(frozen=True)
class Days:
    """The days of both parties [d] and all days [d]; the first two add up to the third."""

    authority: int
    applicant: int
    elapsed: int


def working_days(kinds: Mapping[date, str]) -> Callable[[date], bool] | None:
    """Whether a day is a working day, by the days that are not as their weekday says (`rest`, `working`); None without any."""
    if not kinds:
        return None
    return lambda day: kinds.get(day, "rest" if day.weekday() >= SATURDAY else "working") == "working"


def counted(visits: Sequence[Visit], works: Callable[[date], bool] | None = None) -> Days:
    """The days [d] of visits, working days where `works` tells them; a day is one party's or counts for nobody.

    A day that lies in no visit (a case that was closed and opened again by an appeal) is nobody's and is not elapsed.
    """
    if not visits:
        return Days(0, 0, 0)
    authority = applicant = 0
    day, last = min(visit.entered_on for visit in visits), max(visit.left_on for visit in visits)
    while (day := day + timedelta(days=1)) <= last:
        holders = {visit.party for visit in visits if visit.entered_on < day <= visit.left_on}
        if holders and (works is None or works(day)):
            authority += AUTHORITY in holders
            applicant += AUTHORITY not in holders
    return Days(authority, applicant, authority + applicant)


def due_on(entered_on: date, days: int, works: Callable[[date], bool] | None = None) -> date:
    """The day by which a step is to end that has so many days [d], the day of its opening not counted.

    Raises ValueError where the calendar has no working day for ten years.
    """
    day, left = entered_on, days
    for _ in range(LONGEST_WAIT):
        if not left:
            return day
        day += timedelta(days=1)
        left -= works is None or works(day)
    if not left:
        return day
    raise ValueError("a calendar without working days")


def late_steps(visits: Iterable[tuple[Visit, date | None]]) -> int:
    """How many of the authority's steps ended behind the day on which they were due."""
    return sum(visit.party == AUTHORITY and due is not None and visit.left_on > due for visit, due in visits)
