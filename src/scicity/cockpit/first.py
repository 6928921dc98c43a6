"""The records at the first start: their tables, the roles, and an administrator with a password for one login."""

from __future__ import annotations

import os
import secrets


def prepare_records() -> tuple[str, str] | None:
    """Migrates the records; where there is no administrator yet, makes one and returns its name and one-time password."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scicity.cockpit.settings")
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
    from django.contrib.auth import get_user_model

    people = get_user_model().objects
    if people.filter(is_superuser=True).exists():
        return None
    password = "-".join(secrets.token_hex(3) for _ in range(4))
    people.create_superuser("administrator", password=password, must_change_password=True)
    return "administrator", password
