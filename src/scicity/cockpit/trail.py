"""The audit trail as a whole: read in order for the chain to be verified, and by what somebody looks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Q, QuerySet

from scicity.cockpit import chain
from scicity.cockpit.models import AuditEntry, AuditHead

AT_ONCE = 5_000  # entries that are in memory while the chain is verified


def verified(kept: str = "") -> chain.Verified:
    """Looks at every entry, as of one moment; with `kept`, the digest of an entry that somebody keeps elsewhere."""
    with transaction.atomic():  # on SQLite nobody writes meanwhile; elsewhere the head is held for as long
        head = AuditHead.held()
        return chain.verify(entries(), (head.number, head.digest), kept)


def head() -> tuple[int, str]:
    """The number and digest of the newest entry."""
    found = AuditHead.objects.filter(pk=1).first()
    return (found.number, found.digest) if found else (0, chain.BEGINNING)


def entries() -> Iterator[Mapping[str, Any]]:
    """All entries by their numbers, as their table has them."""
    last: tuple[int, int] | None = None
    rows = AuditEntry.objects.order_by("number", "pk").values("pk", *chain.COLUMNS)
    while True:
        behind = rows if last is None else rows.filter(Q(number__gt=last[0]) | Q(number=last[0], pk__gt=last[1]))
        found = list(behind[:AT_ONCE])
        yield from found
        if len(found) < AT_ONCE:
            return
        last = (found[-1]["number"], found[-1]["pk"])


def found(asked: Mapping[str, str], zone: ZoneInfo) -> QuerySet[AuditEntry]:
    """The entries that somebody looks for, the newest first: by `who`, `action`, `subject`, and days `since` and `until`."""
    rows = AuditEntry.objects.order_by("-number")
    texts = {"who": "who_name", "action": "action"}
    for name, column in texts.items():
        if asked.get(name):
            rows = rows.filter(**{column: chain.clean(asked[name])[:150]})
    if asked.get("subject"):
        rows = rows.filter(subject__icontains=chain.clean(asked["subject"])[:200])
    for name, comparison in (("since", "at__gte"), ("until", "at__lte")):
        day = day_of(asked.get(name, ""))
        if day is not None:
            moment = datetime.combine(day, time.min if name == "since" else time.max, zone)
            rows = rows.filter(**{comparison: moment.astimezone(UTC)})
    return rows


def day_of(text: str) -> date | None:
    """A day of a form; None where it is none."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1970 <= day.year <= 9000 else None
