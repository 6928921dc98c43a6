"""Who sees which rows. The district's staff see all. An enterprise sees its own rows, and those of the district and its zones.
Others see no row of a single enterprise and none of its meters, unless the district says that all may (`public.enterprises`).

What is whose the domains tell (`holdings.py`). A row is some enterprise's by its column `enterprise`, or by a meter of it
(`meter`, `thing`, `datastream`) while that was its own; a whole hour, day, month or year, never a part. Rows of buildings are
no enterprise's: who is let a floor does not see what others use on the next. Nor are those of energy stations: one may serve a
single building.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
from django.http import HttpRequest

from scicity.cockpit import discovery
from scicity.cockpit.city import OpenCity
from scicity.cockpit.place import Place
from scicity.cockpit.space import rights
from scicity.kernel.calendar import Calendar
from scicity.kernel.lineage import ALL
from scicity.kernel.tables import Derived, Table

NONE = "false"
STAFF = ("administrator", "leader", "officer", "data-officer", "authority", "reviewer")
ENTERPRISE = "enterprise"
EARLIEST, LATEST = date(1, 1, 1), date(9998, 12, 31)
STREAMS = "district.datastream"

_lock = threading.Lock()
_known: dict[tuple[Place, str | None], tuple[tuple[int, ...], Scope]] = {}


@dataclass(frozen=True)
class Holding:
    """A meter that is an enterprise's from `start` up to `end` [µs UTC]."""

    enterprise: str
    meter: str
    start: int
    end: int


@dataclass(frozen=True)
class Scope:
    """What one enterprise may see (`own`), or a stranger (None)."""

    own: str | None
    calendar: Calendar
    holdings: tuple[Holding, ...]
    streams: tuple[tuple[str, str], ...]  # datastream, thing
    meters: frozenset[str]

    def __call__(self, table: Table) -> str:
        """SQL text for the rows of a table that may be seen."""
        columns = set(table.columns)
        mine = NONE if self.own is None else f"coalesce(enterprise = {_text(self.own)}, false)"
        if ENTERPRISE in columns:
            return mine
        if {"scope_kind", "scope"} <= columns:
            aside = ["enterprise"] if self.own is None else ["building", "enterprise"]
            own = NONE if self.own is None else f"scope_kind = 'enterprise' AND scope = {_text(self.own)}"
            return f"coalesce(scope_kind, '') NOT IN ({_texts(aside)}) OR coalesce({own}, false)"
        for column in ("meter", "datastream", "thing"):
            if column in columns:
                return self._of_meters(table, column)
        others = columns & {"building", "energy_station"}
        return NONE if self.own is not None and others and isinstance(table, Derived) else ALL

    def sees(self, datastream: str) -> bool:
        """Whether the readings of a datastream may be seen: of a meter that was another's too never."""
        meter = dict(self.streams).get(datastream)
        holders = {each.enterprise for each in self.holdings if each.meter == meter}
        return meter not in self.meters or (not holders if self.own is None else holders == {self.own})

    def _of_meters(self, table: Table, column: str) -> str:
        if self.own is None:
            return self._none_of(column, {each.meter for each in self.holdings})
        spans = [
            f"({column} IN ({_texts(names)}) AND {self._within(table, each)})"
            for each in self.holdings
            if each.enterprise == self.own and (names := self._names(column, {each.meter}))
        ]
        nobodys = NONE if column == "meter" else self._none_of(column, self.meters)  # what is no meter: a station of air
        return " OR ".join([nobodys, *spans])

    def _none_of(self, column: str, meters: Collection[str]) -> str:
        names = self._names(column, meters)
        return f"coalesce({column}, '') NOT IN ({_texts(names)})" if names else ALL

    def _names(self, column: str, meters: Collection[str]) -> list[str]:
        if column != "datastream":
            return sorted(meters)
        return sorted(stream for stream, thing in self.streams if thing in meters)

    def _within(self, table: Table, held: Holding) -> str:
        """SQL text for: the time that a row is about lies wholly in a holding."""
        column = next((name for name in ("hour", "time", "day", "month", "year") if name in table.columns), "")
        if not column:
            return ALL
        if pa.types.is_timestamp(table.schema.field(column).type):
            return f"epoch_us({column}) >= {held.start} AND epoch_us({column}) < {held.end}"
        first, until = self._day(held.start, up=True), self._day(held.end, up=False)
        begin = f"make_date({column}::INTEGER, 1, 1)" if column == "year" else column
        return f"{begin} >= DATE '{first}' AND {begin} + INTERVAL 1 {column} <= DATE '{until}'"

    def _day(self, at: int, *, up: bool) -> date:
        if abs(at) >= 2**61:
            return EARLIEST if at < 0 else LATEST
        day = datetime.fromtimestamp(at / 1e6, UTC).astimezone(self.calendar.tz).date()
        return day + timedelta(days=1) if up and self.calendar.instant(day) < at else day


def scope_of(request: HttpRequest) -> Scope | None:
    """What whoever asks may see; None is all."""
    person, city = request.user, request.city
    if person.is_authenticated:
        roles = set(person.groups.values_list("name", flat=True))
        if person.is_superuser or roles & set(STAFF):
            return None
        if ENTERPRISE in roles:
            return _scope(city, person.enterprise)
    return stranger(city)


def stranger(city: OpenCity) -> Scope | None:
    """What somebody without an account may see; None is all."""
    return None if city.enterprises_are_public else _scope(city, None)


def limited(city: OpenCity, scope: Scope | None, further: Sequence[Callable[[Table], str]] = ()) -> OpenCity:
    """The city as somebody sees it: within a scope, and within the limits that domains set besides."""
    limits = [*([] if scope is None else [scope]), *further]
    if len(limits) < 2:
        return city.limited(limits[0]) if limits else city

    def all_of(table: Table) -> str:
        told = [text for limit in limits if (text := limit(table)) != ALL]
        return " AND ".join(f"({text})" for text in told) or ALL

    return city.limited(all_of)


def limits_of(request: HttpRequest) -> list[Callable[[Table], str]]:
    """What whoever asks may see of what is restricted to roles, and what domains let them see of their own tables:
    `limit_of(request)` of a module `limits`, where it gives any."""
    modules: list[Any] = [rights, *(found for each in discovery.domains() if (found := discovery.module(each, "limits")))]
    return [limit for module in modules if (limit := module.limit_of(request)) is not None]


def _scope(city: OpenCity, own: str | None) -> Scope | None:
    """The scope of an enterprise, or of a stranger: none where nothing is anybody's. Kept while the registers are the same."""
    modules: list[Any] = [found for each in discovery.domains() if (found := discovery.module(each, "holdings"))]
    registers = [table.name for table in city.figures.catalog.sources if table.grain == ("meter",)]
    tables = sorted({STREAMS, *registers, *(name for module in modules for name in module.TABLES)})
    versions = tuple(city.figures.lake.snapshot(table).version for table in tables)
    with _lock:
        known = _known.get((city.place, own))
        if known is None or known[0] != versions:
            held = tuple(Holding(*each) for module in modules for each in module.holdings(city))
            streams = tuple((row["datastream"], row["thing"] or "") for row in city.rows(STREAMS, ["datastream", "thing"]))
            meters = frozenset(row["meter"] for table in registers for row in city.rows(table, ["meter"]))
            known = _known[city.place, own] = versions, Scope(own, city.district.calendar, held, streams, meters)
    return known[1] if own is not None or known[1].holdings else None


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _texts(values: Collection[str]) -> str:
    return ", ".join(map(_text, values)) or "NULL"
