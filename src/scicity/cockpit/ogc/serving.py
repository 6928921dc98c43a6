"""The layers as collections: what is said of each, its index brought up to the lake, and what can be asked of it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from django.http import HttpRequest
from pyproj import CRS

from scicity.cockpit.city import OpenCity
from scicity.cockpit.ogc.door import Refused
from scicity.cockpit.space.rights import EDITS, may_edit, may_see, seen_of
from scicity.cockpit.space.specs import specs
from scicity.space.filters import Queryable
from scicity.space.geojson import ASIDE, NUMBERS, PROPERTIES, SOURCE
from scicity.space.index import Index, Query
from scicity.space.register import Spec
from scicity.space.served import Served, served

MOST_COUNTED = 200_000  # features; what is more is not counted
TIMES = ("valid_from", "valid_to")
TEXTS = ("feature", *(name for name in PROPERTIES if name not in (*NUMBERS, *TIMES)), SOURCE)
_lock = threading.Lock()
_followed: dict[Path, int] = {}
_kept: dict[tuple[Any, ...], Any] = {}


@dataclass(frozen=True)
class Collection:
    """A layer as whoever asks may see it."""

    city: OpenCity
    spec: Spec
    seen: frozenset[str] | None
    edits: frozenset[str]  # add, change, delete: what whoever asks may do

    @property
    def name(self) -> str:
        """Its id."""
        return self.spec.layer

    @property
    def titles(self) -> tuple[str, str]:
        """Its names in Chinese and in English."""
        return self.spec.name_zh or self.name, self.spec.name_en or self.spec.name_zh or self.name

    @property
    def keeper(self) -> tuple[str, str]:
        """Who keeps it, in Chinese and in English; empty where nobody is told."""
        zh, en = self.spec.responsible_zh or "", self.spec.responsible_en or ""
        return zh or en, en or zh

    @cached_property
    def index(self) -> Index:
        """Its index, as new as the lake."""
        figures = self.city.figures
        found = Index(Path(figures.lake.root).parent, self.name)
        version = figures.lake.snapshot(self.spec.table.name).version
        if _followed.get(found.file) != version or not found.file.exists():
            found.follow(figures.lake, figures.engine, self.spec.table)
            _followed[found.file] = version
        return found

    @cached_property
    def version(self) -> int:
        """The version of its table in the lake: its edition."""
        return self.city.figures.lake.snapshot(self.spec.table.name).version

    @cached_property
    def state(self) -> str:
        """Tells what it holds from what it held before."""
        return self.index.changes()

    @cached_property
    def queryables(self) -> dict[str, Queryable]:
        """What can be asked of it: columns, then attributes of its files."""
        return self._once("queryables", self._queryables)

    def _queryables(self) -> dict[str, Queryable]:
        found = {name: Queryable(name, "text", f"f.{name}") for name in TEXTS}
        found |= {name: Queryable(name, "number", f"f.{name}") for name in NUMBERS}
        found |= {name: Queryable(name, "timestamp", f"f.{name}") for name in TIMES}
        found["geometry"] = Queryable("geometry", "geometry", "f.geometry")
        for name, kind in self.index.attributes(whole=self.seen is None).items():
            if kind != "json" and not set(name) & set('"\\') and name.isprintable():
                told = ASIDE + name if name in found or name == "restricted_to" else name
                path = f'$."{name}"'.replace("'", "''")
                found[told] = Queryable(told, kind, f"json_extract(f.details, '{path}')")
        return found

    @cached_property
    def extent(self) -> tuple[float, float, float, float] | None:
        """The box in degrees of what may be seen of it."""
        return self._once("extent", lambda: self.index.extent(self.seen))

    @cached_property
    def period(self) -> tuple[int | None, int | None]:
        """From when to when it has features [µs]."""
        return self._once("period", lambda: self.index.period(self.seen))

    @cached_property
    def crs(self) -> list[Served]:
        """The CRSs in which it is served."""
        return served(_metric(self.city, self.extent))

    def total(self) -> int:
        """How many features may be seen."""
        return self._once("total", lambda: self.index.count(Query(seen=self.seen)))

    def _once(self, what: str, make: Any) -> Any:
        key = (self.index.file, what, self.state, self.seen)
        if key not in _kept:
            made = make()
            with _lock:
                if len(_kept) > 2_000:
                    _kept.clear()
                _kept[key] = made
        return _kept[key]


def _metric(city: OpenCity, extent: tuple[float, float, float, float] | None) -> int | None:
    from scicity.space import crs  # what a district says of its plane

    if extent is None:
        return None
    told = (city.district.settings.get("space") or {}).get("crs")
    plane: CRS = crs.metric((extent[0] + extent[2]) / 2, (extent[1] + extent[3]) / 2, told)
    return plane.to_epsg()


def collections(request: HttpRequest) -> list[Collection]:
    """The layers that whoever asks may see."""
    return [_made(request, spec) for spec in specs(request.city).values() if may_see(request, spec)]


def collection(request: HttpRequest, name: str) -> Collection:
    """A layer. Raises Refused (404) where there is none that whoever asks may see."""
    spec = specs(request.city).get(name)
    if spec is None or not may_see(request, spec):
        raise Refused(404, f"found the collection {name[:60]!r}; expected one of /ogc/collections")
    return _made(request, spec)


def _made(request: HttpRequest, spec: Spec) -> Collection:
    edits = frozenset(act for act in EDITS if may_edit(request, spec, act))
    return Collection(request.city, spec, seen_of(request), edits)
