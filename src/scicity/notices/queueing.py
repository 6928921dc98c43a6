"""Notices are queued where what they tell is decided: in one transaction with it."""

from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.utils import timezone

from scicity.notices.models import LONGEST_ONCE, LONGEST_TEXT, Notice

DOMAIN = "notices.scicity"  # of Message-IDs: a name of the letters, no address


def notify(people: Iterable[Any], subject: str, text_zh: str, text_en: str, about: str = "", once: str = "") -> list[Notice]:
    """Queues a notice for each of some people; see the package."""
    texts = [cleaned(text) for text in (text_zh, text_en)]
    if not all(texts):
        raise ValueError("a notice needs a text in Chinese and in English")
    if about and not is_own_path(about):
        raise ValueError(f"{about[:80]!r} is no path of a page")
    now, told = timezone.now(), []
    active = {person.pk: person for person in people if person is not None and person.pk and person.is_active}
    with transaction.atomic():
        if once:
            known = Notice.objects.filter(once=once[:LONGEST_ONCE], person__in=active).values_list("person_id", flat=True)
            active = {number: person for number, person in active.items() if number not in set(known)}
        for person in active.values():
            notice = Notice(
                person=person,
                subject=cleaned(subject)[:190],
                text_zh=texts[0],
                text_en=texts[1],
                about=about,
                once=once[:LONGEST_ONCE],
                made_at=now,
                due_at=now,
                message_id=f"<{uuid.uuid4()}@{DOMAIN}>",
                state="waiting" if person.email else "page",
            )
            notice.save(force_insert=True)
            told.append(notice)
    return told


def cleaned(text: str) -> str:
    """A text without characters that steer a terminal or turn the direction of writing; line ends as `\\n`."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace").decode()
    kept = (c for c in lines if c == "\n" or unicodedata.category(c) not in ("Cc", "Cf", "Zl", "Zp", "Cs"))
    return "".join(kept).strip()[:LONGEST_TEXT]


def is_own_path(path: str) -> bool:
    """Whether a path leads to a page of this server, and nowhere else."""
    plain = len(path) <= 300 and path.startswith("/") and not path.startswith("//")
    return plain and "\\" not in path and path.isprintable() and " " not in path
