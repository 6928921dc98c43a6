"""Reminders: what somebody owes within days, told once, before its day is there.

Which domain has what to remind of is found, not listed: `domains/<name>/reminders.py` with `due(city, today, until)`, which
gives a `Reminder` for each thing that is due on a day from `today` to `until`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from scicity.kernel.problems import Problems
from scicity.notices import notify

USUAL_DAYS, MOST_DAYS = 3, 60
MODULE = "reminders"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reminder:
    """Who is told of what; `once` names it for ever, so that nobody is told of it twice. Texts as those of a notice."""

    people: Iterable[Any]
    subject: str
    text_zh: str
    text_en: str
    about: str
    once: str


def days_of(settings: Mapping[str, Any], problems: Problems | None = None) -> int:
    """How many days before a day people are reminded: `remind_days` of `[notices]` of `district.toml`; 0 is never."""
    told = settings.get("notices", {})
    days = told.get("remind_days", USUAL_DAYS) if isinstance(told, Mapping) else USUAL_DAYS
    if isinstance(days, int) and not isinstance(days, bool) and 0 <= days <= MOST_DAYS:
        return days
    if problems is not None:
        expected = f"a whole number of days from 0 to {MOST_DAYS}"
        problems.add("value", "district.toml", field="notices.remind_days", found=days, expected=expected)
    return USUAL_DAYS


def remind(city: Any, now: datetime) -> int:
    """Queues the reminders of all domains that nobody was given yet; how many notices that are."""
    from django.db.utils import OperationalError, ProgrammingError

    from scicity.cockpit import discovery

    days, today = days_of(city.district.settings), now.astimezone(city.district.calendar.tz).date()
    told = 0
    for domain in discovery.domains() if days else ():
        module = discovery.module(domain, MODULE)
        if module is None:
            continue
        try:
            for each in module.due(city, today, today + timedelta(days=days)):
                told += len(notify(each.people, each.subject, each.text_zh, each.text_en, each.about, once=each.once))
        except (OperationalError, ProgrammingError):  # the database is away: no domain can tell anything
            raise
        except Exception:  # what one domain cannot tell keeps no other's back
            log.exception("no reminders of %s", domain)
    return told


def day_in(day: date, language: str) -> str:
    """A day as notices say it."""
    return f"{day.year}年{day.month}月{day.day}日" if language == "zh" else day.isoformat()
