"""Who may read and write the documents of a subject: the domain that owns it says so, and nobody may where it does not."""

from __future__ import annotations

import re
from typing import Any

from django.core.exceptions import ObjectDoesNotExist

from scicity.cockpit import discovery
from scicity.documents.naming import SUBJECT


def may_read(person: Any, subject: str) -> bool:
    """Whether somebody may read the documents of a subject."""
    return _asked("may_read", person, subject)


def may_write(person: Any, subject: str) -> bool:
    """Whether somebody may add documents and versions to a subject, and withdraw documents."""
    return _asked("may_write", person, subject)


def page_of(subject: str) -> str:
    """The path of the page of a subject, where its domain tells it by `page_of(subject)`; else empty."""
    owner = _owner(subject)
    told = getattr(owner, "page_of", None)
    return str(told(subject) or "") if told else ""


def _asked(question: str, person: Any, subject: str) -> bool:
    if person is None or not person.is_authenticated or not person.is_active:
        return False
    answer = getattr(_owner(subject), question, None)
    if answer is None:
        return False
    try:
        return answer(person, subject) is True
    except (ObjectDoesNotExist, LookupError, ValueError):  # a subject that there is not
        return False


def _owner(subject: str) -> Any:
    if not re.fullmatch(SUBJECT, subject):
        return None
    domain = subject.partition(".")[0]
    return discovery.module(domain, "documents") if domain in discovery.domains() else None
