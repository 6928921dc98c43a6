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


def make_device(name: str, datastreams: list[str]) -> str:
    """Makes a device, or renews its secret; returns `name.secret`. Raises ValueError for a name that is none."""
    prepare_records()
    from django.core.exceptions import ValidationError
    from django.core.validators import validate_slug

    from scicity.cockpit import devices

    try:
        validate_slug(name)
    except ValidationError as error:
        raise ValueError(f"{name!r} is no name of a device: letters, digits, hyphens") from error
    return devices.make(name, datastreams)
