"""What Django is told of e-mail: without SCICITY_MAIL letters are written to files, and nothing leaves. Knows no Django.

SCICITY_MAIL=smtp://name@mail.example.org:587     STARTTLS; smtps:// from the first byte; ?tls=no only within a machine
SCICITY_PASSWORD_MAIL=…                           its password
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from scicity.kernel.problems import Problems

FILES = "mail"  # folder of the state folder
TIMEOUT = 20  # [s]
USUAL_FROM = "scicity@localhost"
ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,190}")


class MailError(ValueError):
    """SCICITY_MAIL that is no address of a server."""


def mail_settings(environment: Mapping[str, str], state: Path) -> dict[str, Any]:
    """What Django is told. Raises MailError."""
    told = environment.get("SCICITY_MAIL", "")
    if not told:
        return {"EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend", "EMAIL_FILE_PATH": state / FILES}
    try:
        address = urlsplit(told)
        port = address.port
    except ValueError as error:
        raise MailError(f"SCICITY_MAIL: {error}") from None
    tls = parse_qs(address.query).get("tls", ["yes"])[0]
    if address.scheme not in ("smtp", "smtps") or not address.hostname or tls not in ("yes", "no"):
        raise MailError(
            "SCICITY_MAIL is smtp://name@host:587 or smtps://name@host:465, with ?tls=no where all is on one machine"
        )
    secure = address.scheme == "smtps"
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": address.hostname,
        "EMAIL_PORT": port or (465 if secure else 587),
        "EMAIL_HOST_USER": unquote(address.username or ""),
        "EMAIL_HOST_PASSWORD": environment.get("SCICITY_PASSWORD_MAIL", "") or unquote(address.password or ""),
        "EMAIL_USE_SSL": secure,
        "EMAIL_USE_TLS": not secure and tls == "yes",
        "EMAIL_TIMEOUT": TIMEOUT,
    }


def sender_of(settings: Mapping[str, Any], problems: Problems | None = None) -> str:
    """The address that letters come from: `from` of the table `[notices]` of `district.toml`."""
    told = settings.get("notices", {})
    sender = told.get("from", USUAL_FROM) if isinstance(told, Mapping) else None
    if isinstance(sender, str) and ADDRESS.fullmatch(sender):
        return sender
    if problems is not None:
        problems.add("value", "district.toml", field="notices.from", found=told, expected="an address like notices@example.org")
    return USUAL_FROM
