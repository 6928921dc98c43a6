"""The records at the first start, for the command line: it sets Django up, and knows nothing else of it."""

from __future__ import annotations

import os


def prepare_records() -> tuple[str, str] | None:
    """Migrates the records and makes the roles; where there is nobody yet, an administrator: name and one-time password."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scicity.cockpit.settings")
    import django

    django.setup()
    from scicity.cockpit.roles import prepare

    made = prepare()
    return (made.username, made.password) if made else None
