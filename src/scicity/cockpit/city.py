"""The district that this process serves, opened once, with what a page can ask of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from scicity.city import City
from scicity.closing import Closings
from scicity.cockpit.place import Place
from scicity.kernel.district import District
from scicity.kernel.lineage import Figures, Row
from scicity.kernel.tables import Table


@dataclass(frozen=True)
class OpenCity:
    """What a page can ask: `rows` and `figures` for numbers, `district` for names, zones and settings, `place` for folders."""

    district: District
    figures: Figures
    place: Place

    def __post_init__(self) -> None:
        self.figures.closed = self.closings.of

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages of the district, the first being the one for readers who do not choose (`zh`, `en`)."""
        said = self.district.settings["district"].get("languages") or ("zh", "en")
        return tuple(language for language in said if language in ("zh", "en")) or ("zh", "en")

    @property
    def public(self) -> frozenset[str] | None:
        """The pages (first part of the address, `overview` for the first page) that all may read; None is all of them."""
        pages = self.district.settings.get("public", {}).get("pages")
        return None if pages is None else frozenset(map(str, pages))

    @property
    def enterprises_are_public(self) -> bool:
        """Whether people without an account may see what single enterprises use."""
        return self.district.settings.get("public", {}).get("enterprises") is True

    def limited(self, limit: Callable[[Table], str]) -> OpenCity:
        """The city for somebody who may see only some rows of its tables (SQL text by table)."""
        found = replace(self, figures=self.figures.limited(limit))
        found.__dict__["closings"] = self.closings
        return found

    @cached_property
    def closings(self) -> Closings:
        """The closed periods and what was corrected in them."""
        return Closings(self.figures.engine, self.figures.catalog, self.district.calendar)

    def rows(
        self, table: str, columns: Sequence[str] = (), where: Any = None, order: Sequence[str] = (), **more: Any
    ) -> list[Row]:
        """Rows of a table, or none where the table is not declared or nothing has been computed yet."""
        try:
            return self.figures.rows(table, columns, where, order, **more)
        except LookupError:
            if table in self.figures.catalog.tables:
                raise
            return []

    def year(self, table: str) -> int | None:
        """The newest year of a table with a column `year`."""
        newest = self.rows(table, ["year"], order=["-year"], limit=1)
        return int(newest[0]["year"]) if newest else None


_lock = threading.Lock()
_open: dict[Place, OpenCity] = {}


def open_city(place: Place | None = None) -> OpenCity:
    """The city at a place (of the environment, if None); opened once per process."""
    place = place or Place.of_environment()
    with _lock:
        if place not in _open:
            city = City(place.district, place.state)
            _open[place] = OpenCity(city.district, city.figures, place)
        return _open[place]


def use(city: OpenCity) -> None:
    """Serves this city from now on at its place, whatever lies there (tests)."""
    with _lock:
        _open[city.place] = city
