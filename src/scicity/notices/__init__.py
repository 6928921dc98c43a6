"""Notices: what somebody is told, on a page and by e-mail, each in their language.

`notify(people, subject, text_zh, text_en, about)` queues in the caller's transaction; a process beside the cockpit sends. By
default letters are written to files below the state folder, and nothing leaves the machine.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scicity.notices.models import Notice


def notify(people: Iterable[Any], subject: str, text_zh: str, text_en: str, about: str = "", *, once: str = "") -> list[Notice]:
    """Queues a notice for each of some people, in the caller's transaction: where that fails, nobody is told.

    `subject` is what it concerns ("reviews.case:12"); the first line of each text is its head, and the subject of the letter;
    `about` is the path of the page where it is dealt with ("/reviews/cases/12/"). People without an account that is active are
    left out, and each is told once; with a name in `once`, nobody who was told by it before is told again. Raises ValueError
    for a text that is empty or a path that leads elsewhere.
    """
    from scicity.notices import queueing

    return queueing.notify(people, subject, text_zh, text_en, about, once)
