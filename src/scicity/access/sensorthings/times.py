"""Instants as SensorThings tells them: ISO 8601 with a zone. Inside they are UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

EXPECTED = "an instant with a zone, such as 2023-05-31T06:37:00Z"
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d(?::?\d\d)?)", re.IGNORECASE)
DURATION = re.compile(r"(-?)P(?:(\d{1,6})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,9}(?:\.\d{1,6})?)S)?)?")


def instant(text: str) -> datetime:
    """An instant in UTC. Raises ValueError for anything else, also for one without a zone and for intervals."""
    if not INSTANT.fullmatch(text):
        raise ValueError(EXPECTED)
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except OverflowError:
        raise ValueError(EXPECTED) from None


def interval(text: str) -> tuple[datetime, datetime]:
    """Begin and end of an interval. Raises ValueError for anything else, and where it ends before it begins."""
    begin, _, end = text.partition("/")
    first, last = instant(begin), instant(end)
    if last < first:
        raise ValueError("an interval that ends behind its begin")
    return first, last


def duration(text: str) -> timedelta:
    """A duration of days to seconds, such as P1DT12H. Raises ValueError for anything else; months have no length."""
    found = DURATION.fullmatch(text)
    if found is None or text.endswith(("P", "T")):
        raise ValueError("a duration of days, hours, minutes and seconds, such as P1DT12H")
    sign, days, hours, minutes, seconds = found.groups()
    length = timedelta(days=int(days or 0), hours=int(hours or 0), minutes=int(minutes or 0), seconds=float(seconds or 0))
    return -length if sign else length


def told(time: datetime) -> str:
    """An instant as it is told: UTC, with so many places of the second as it needs."""
    whole = time.astimezone(UTC)
    text = whole.strftime("%Y-%m-%dT%H:%M:%S") if whole.year > 999 else whole.replace(tzinfo=None).isoformat()[:19]
    if not whole.microsecond:
        return f"{text}Z"
    return f"{text}.{whole.microsecond // 1000:03d}Z" if whole.microsecond % 1000 == 0 else f"{text}.{whole.microsecond:06d}Z"
