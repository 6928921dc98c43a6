"""The records at the first start, for the command line: it sets Django up, and knows nothing else of it."""

from __future__ import annotations

import os
from types import ModuleType

from scicity.city import City
from scicity.cockpit.place import Place


def prepare_records() -> tuple[str, str] | None:
    """Migrates the records and makes the roles; where there is nobody yet, an administrator: name and one-time password."""
    _set_up()
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


def records_of(place: Place) -> ModuleType:
    """What publishes the records of a place to the lake; they must have been prepared."""
    os.environ["SCICITY_DISTRICT"], os.environ["SCICITY_STATE"] = str(place.district), str(place.state_root)
    _set_up()
    from scicity.records import publishing

    return publishing


def publish_records(city: City) -> None:
    """Brings all that people recorded of a city to its lake; where nobody ever opened the cockpit, there is nothing."""
    place = Place(city.folder.resolve(), city.state.parent.resolve(), os.environ.get("SCICITY_DATABASE", ""))
    if place.database or place.records.exists():
        publishing = records_of(place)
        prepare_records()
        with city.lake.alone():
            publishing.publish(city.computing, everything=True)


def _set_up() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scicity.cockpit.settings")
    import django

    django.setup()
