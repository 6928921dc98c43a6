"""What an address asks of a collection: box, time, properties, filter, CRS and page. What is not known is refused."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

import shapely
from django.http import HttpRequest

from scicity.cockpit.ogc.door import Refused
from scicity.cockpit.ogc.serving import Collection
from scicity.space.cql2 import BadFilter
from scicity.space.filters import compiled, equal
from scicity.space.index import Query
from scicity.space.served import CRS84, Served, named, served

USUAL_LIMIT, MOST_LIMIT = 100, 10_000  # features of a page
MOST_PARAMETERS, LONGEST_ADDRESS = 40, 70_000
FILTER = ("filter", "filter-lang", "filter-crs")
PAGE = ("limit", "offset", "after")
PLAIN = ("f", "language")  # of every address
ITEMS = (*PAGE, "bbox", "bbox-crs", "datetime", "crs", *FILTER, *PLAIN)


@dataclass(frozen=True)
class Asked:
    """What is asked of a collection. `told` are the parameters as they came, for links."""

    query: Query
    crs: Served
    limit: int
    offset: int
    after: int | None
    told: tuple[tuple[str, str], ...]
    conditions: bool  # whether anything narrows it
    used: tuple[str, ...]  # SQL of the properties that it compares

    @property
    def page(self) -> Query:
        """The query of the page, and one more feature to see whether there is another page."""
        where = self.query.where
        if self.after is not None:
            sql, values = where or ("1", ())
            where = (f"({sql}) AND f.fid > ?", (*values, self.after))
        return replace(self.query, where=where, limit=self.limit + 1, offset=self.offset)

    def address(self, **changed: str | None) -> str:
        """The parameters with some changed or left away."""
        kept = [(name, value) for name, value in self.told if name not in changed]
        kept += [(name, value) for name, value in changed.items() if value is not None]
        return "?" + urlencode(kept) if kept else ""


def parameters(request: HttpRequest, known: Iterable[str]) -> dict[str, str]:
    """The parameters of an address. Raises Refused for one that is not known, is twice there, or is no text."""
    text = request.META.get("QUERY_STRING", "")
    if len(text) > LONGEST_ADDRESS:
        raise Refused(400, f"the parameters: found {len(text)} characters; expected at most {LONGEST_ADDRESS}")
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS)
    except (ValueError, UnicodeDecodeError):
        raise Refused(
            400, f"the parameters: found what is no UTF-8, or more than {MOST_PARAMETERS}; expected name=value"
        ) from None
    found, names = {}, set(known)
    for name, value in pairs:
        if name not in names:
            raise Refused(400, f"found the parameter {name[:60]!r}; expected one of {', '.join(sorted(names))[:600]}")
        if name in found:
            raise Refused(400, f"found the parameter {name!r} twice; expected it once")
        if "\0" in value:
            raise Refused(400, f"{name}: found a sign that is no letter; expected none")
        found[name] = value
    return found


def asked(request: HttpRequest, collection: Collection, known: Sequence[str] = ITEMS) -> Asked:
    """What an address asks of the features of a collection."""
    queryables = collection.queryables
    plain = [name for name, each in queryables.items() if each.kind != "geometry" and name not in known]
    told = parameters(request, (*known, *plain))
    conditions: list[tuple[str, Sequence[Any]]] = []
    used: list[str] = []
    if "bbox" in told:
        conditions.append(_box(told["bbox"], _crs(told.get("bbox-crs"), "bbox-crs", collection)))
    elif "bbox-crs" in told:
        _crs(told["bbox-crs"], "bbox-crs", collection)
    for name, value in told.items():
        if name not in known:
            condition = equal(queryables[name], value)
            conditions.append((condition.sql, condition.values))
            used.append(queryables[name].sql)
    conditions += _filter(told, collection, used)
    during = _during(told["datetime"], collection) if "datetime" in told else None
    where = " AND ".join(f"({sql})" for sql, _ in conditions), [value for _, values in conditions for value in values]
    return Asked(
        Query(during=during, where=where if conditions else None, seen=collection.seen),
        _crs(told.get("crs"), "crs", collection),
        min(_number(told.get("limit"), "limit", USUAL_LIMIT, 1), MOST_LIMIT),
        _number(told.get("offset"), "offset", 0, 0),
        _number(told["after"], "after", 0, 0) if "after" in told else None,
        tuple(told.items()),
        bool(conditions) or during is not None,
        tuple(used),
    )


def crs_of(request: HttpRequest, collection: Collection, known: Sequence[str]) -> Served:
    """The CRS that the address of one feature asks for."""
    return _crs(parameters(request, known).get("crs"), "crs", collection)


def _crs(uri: str | None, name: str, collection: Collection) -> Served:
    if uri is None or uri == CRS84:
        return served()[0]
    found = named(uri, collection.crs)
    if found is None:
        raise Refused(400, f"{name}: found {uri[:80]!r}; expected one of {', '.join(each.uri for each in collection.crs)}")
    return found


def _number(text: str | None, name: str, usual: int, least: int) -> int:
    if text is None:
        return usual
    if not (text.isascii() and text.isdecimal() and len(text) < 10) or int(text) < least:
        raise Refused(400, f"{name}: found {text[:40]!r}; expected a whole number of at least {least}")
    return int(text)


def _box(text: str, crs: Served) -> tuple[str, list[Any]]:
    parts = text.split(",")
    try:
        numbers = [float(part) for part in parts]
        if len(numbers) not in (4, 6):
            raise ValueError("four numbers, or six")
        there = crs.box(numbers if len(numbers) == 4 else (*numbers[:2], *numbers[3:5]))
    except ValueError as error:
        said = str(error) if "convert" not in str(error) else "numbers with commas between"
        raise Refused(400, f"bbox: found {text[:80]!r}; expected {said}") from None
    shape = shapely.to_wkb(there)
    touching, values = [], []
    for part in shapely.get_parts(there):
        west, south, east, north = part.bounds
        touching.append("SELECT fid FROM place WHERE maxx >= ? AND minx <= ? AND maxy >= ? AND miny <= ?")
        values += [west, east, south, north]
    near = f"f.fid IN ({' UNION '.join(touching)})"
    if not crs.geographic or len(touching) > 1:
        return f"{near} AND spatial('s_intersects', f.geometry, ?)", [*values, shape]
    # what lies wholly in the box is not looked at further
    within = "f.fid IN (SELECT fid FROM place WHERE minx >= ? AND maxx <= ? AND miny >= ? AND maxy <= ?)"
    west, south, east, north = there.bounds
    sql = f"{near} AND ({within} OR spatial('s_intersects', f.geometry, ?))"
    return sql, [*values, west, east, south, north, shape]


def _filter(told: dict[str, str], collection: Collection, used: list[str]) -> list[tuple[str, Sequence[Any]]]:
    crs = _crs(told.get("filter-crs"), "filter-crs", collection)
    language = told.get("filter-lang") or "cql2-text"
    if "filter" not in told:
        if "filter-lang" in told and language not in ("cql2-text", "cql2-json"):
            raise Refused(400, f"filter-lang: found {language[:40]!r}; expected cql2-text or cql2-json")
        return []
    zone = collection.city.district.calendar.tz
    try:
        found = compiled(told["filter"], language, collection.queryables, crs.to_wgs84, crs.box, zone)
    except BadFilter as error:
        raise Refused(400, f"filter, {error}") from None
    used += [each.sql for name, each in collection.queryables.items() if name in found.names and each.kind != "geometry"]
    return [(found.sql, found.values)]


def _during(text: str, collection: Collection) -> tuple[datetime | None, datetime | None]:
    """A stretch of time from `datetime`: an instant, a day (of the district), or two of them with / between, `..` open."""
    parts = text.split("/")
    if len(parts) > 2 or text in ("/", "../..", "..", "") or len(text) > 80:
        raise _bad_time(text)
    ends = [_moment(part, collection, last=bool(at) or len(parts) == 1) for at, part in enumerate(parts)]
    if len(parts) == 1:
        first = _moment(parts[0], collection, last=False)
        return first, ends[0]
    if ends[0] is not None and ends[1] is not None and ends[0] > ends[1]:
        raise _bad_time(text)
    return ends[0], ends[1]


def _moment(text: str, collection: Collection, *, last: bool) -> datetime | None:
    if text in ("", ".."):
        return None
    try:
        if len(text) == 10:
            day = date.fromisoformat(text)
            calendar = collection.city.district.calendar
            moment = datetime(day.year, day.month, day.day, tzinfo=calendar.tz)
            return (moment + timedelta(days=1) - timedelta(microseconds=1) if last else moment).astimezone(UTC)
        found = datetime.fromisoformat(text.replace("Z", "+00:00").replace("z", "+00:00").replace(" ", "+"))
        if found.tzinfo is None or "T" not in text.upper():
            raise ValueError
        return found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _bad_time(text) from None


def _bad_time(text: str) -> Refused:
    return Refused(
        400,
        f"datetime: found {text[:80]!r}; expected an instant, a day, or an interval as 2018-01-01/..",
    )
