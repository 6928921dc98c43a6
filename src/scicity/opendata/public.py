"""The city as a stranger sees it: what may go out as open data, whoever writes the files."""

from __future__ import annotations

from typing import Any

from scicity.cockpit.city import OpenCity
from scicity.cockpit.place import Place
from scicity.cockpit.scope import limited, stranger


def seen_by_all(city: Any) -> OpenCity:
    """A city with those rows alone that somebody without an account may see."""
    if not isinstance(city, OpenCity):
        city = OpenCity(city.district, city.figures, Place(city.folder, city.state))
    return limited(city, stranger(city))


def domains_of(city: Any) -> frozenset[str] | None:
    """The domains whose figures are open to all; None is every one."""
    pages = city.district.settings.get("public", {}).get("pages")
    return None if pages is None else frozenset(map(str, pages))
