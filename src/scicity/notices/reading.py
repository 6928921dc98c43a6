"""What somebody has not read yet."""

from __future__ import annotations

from typing import Any

from scicity.notices.models import Notice

MOST_COUNTED = 100


def unread_of(person: Any) -> int:
    """How many notices somebody has not read, at most `MOST_COUNTED`; 0 for nobody."""
    if not getattr(person, "is_authenticated", False):
        return 0
    return Notice.objects.filter(person=person, read_at=None).order_by()[:MOST_COUNTED].count()
