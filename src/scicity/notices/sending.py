"""Letters of notices: each at least once, with a Message-ID that stays, again after a while where it did not work.

A notice is taken by moving its next try into the future; so two processes do not send it at once, and one that dies in
between leaves it to the next try. A letter that was sent just before its process died is sent again with the same Message-ID.
"""

from __future__ import annotations

import logging
import smtplib
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage, get_connection
from django.core.validators import validate_email
from django.db.models import F

from scicity.cockpit.city import open_city
from scicity.kernel.problems import shown
from scicity.notices.mailing import sender_of
from scicity.notices.models import Notice
from scicity.operation.logs import cleaned

WAITS = (1, 5, 15, 60, 240, 720, 1440)  # [min] until the next try, by how many there were
AT_ONCE = 50
FILES_DAYS = 92  # letters that are files are kept so long
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sent:
    """How many letters were sent, failed for now, and failed for good."""

    sent: int = 0
    later: int = 0
    failed: int = 0


def send_due(now: datetime) -> Sent:
    """Sends the letters that are due, at most `AT_ONCE` of them."""
    due = list(Notice.objects.filter(state="waiting", due_at__lte=now).select_related("person").order_by("due_at")[:AT_ONCE])
    mine = [notice for notice in due if _taken(notice, now)]
    if not mine:
        return Sent()
    counts = {"sent": 0, "waiting": 0, "failed": 0, "page": 0}
    _close_to_others()
    try:
        connection = get_connection()
        connection.open()
    except (OSError, smtplib.SMTPException) as error:
        for notice in mine:
            counts[_failed(notice, error)] += 1
        log.warning("letters cannot be sent: %s", _said(error))
        return Sent(later=counts["waiting"], failed=counts["failed"])
    with closing(connection):
        for notice in mine:
            counts[_sent(notice, connection, now)] += 1
    return Sent(counts["sent"], counts["waiting"], counts["failed"])


def letter_of(notice: Notice, connection: Any = None) -> EmailMessage:
    """The letter of a notice, in its reader's language. Raises ValidationError for an address that is none."""
    city = open_city(settings.PLACE)
    language = notice.person.language or city.languages[0]
    validate_email(notice.person.email)
    head, body = (notice.head_zh, notice.body_zh) if language == "zh" else (notice.head_en, notice.body_en)
    server = str(city.district.settings.get("reports", {}).get("address") or "").rstrip("/")
    link = f"{server}{notice.about}" if server and notice.about else ""
    name = " ".join(city.district.name(language).split())
    return EmailMessage(
        subject=f"{name}: {head}" if language == "en" else f"{name}：{head}",
        body="\n\n".join(part for part in (head, body, link, f"-- \n{name} · SciCity") if part),
        from_email=sender_of(city.district.settings),
        to=[notice.person.email],
        connection=connection,
        headers={"Message-ID": notice.message_id, "Auto-Submitted": "auto-generated", "Content-Language": language},
    )


def forget_letters(now: datetime) -> None:
    """Deletes letters that were written to files long ago; the notices stay."""
    folder = getattr(settings, "EMAIL_FILE_PATH", None)
    for file in Path(folder).glob("*.log") if folder else ():
        if now.timestamp() - file.stat().st_mtime > FILES_DAYS * 86_400:
            file.unlink(missing_ok=True)


def again(notice: Notice, now: datetime) -> None:
    """Has a letter that failed for good tried again from the beginning."""
    Notice.objects.filter(pk=notice.pk, state="failed").update(state="waiting", tries=0, due_at=now, failure="")


def _close_to_others() -> None:
    """Where letters are files, nobody else on the machine reads them."""
    folder = getattr(settings, "EMAIL_FILE_PATH", None)
    if folder:
        Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        Path(folder).chmod(0o700)


def _taken(notice: Notice, now: datetime) -> bool:
    wait = timedelta(minutes=WAITS[min(notice.tries, len(WAITS) - 1)])
    found = Notice.objects.filter(pk=notice.pk, state="waiting", due_at=notice.due_at)
    return bool(found.update(tries=F("tries") + 1, due_at=now + wait))


def _sent(notice: Notice, connection: Any, now: datetime) -> str:
    if not notice.person.is_active or not notice.person.email:
        Notice.objects.filter(pk=notice.pk).update(state="page")
        return "page"
    try:
        letter_of(notice, connection).send()
    except Exception as error:  # one letter that fails keeps no other back
        return _failed(notice, error)
    Notice.objects.filter(pk=notice.pk).update(state="sent", sent_at=now, failure="")
    return "sent"


def _failed(notice: Notice, error: Exception) -> str:
    state = "failed" if _for_good(error) or notice.tries + 1 >= len(WAITS) else "waiting"
    Notice.objects.filter(pk=notice.pk).update(state=state, failure=_said(error))
    return state


def _for_good(error: Exception) -> bool:
    """Whether trying again would not help: an address that is none, or one that the server knows not to be."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    return isinstance(error, ValidationError)


def _said(error: Exception) -> str:
    return shown(cleaned(f"{type(error).__name__}: {error}"), 280)
