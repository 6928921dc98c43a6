"""Figures and newest readings as a layer: which there are to choose from; each with place, unit, date, origin and why."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import shapely

from scicity.cockpit import digits
from scicity.cockpit.city import OpenCity
from scicity.cockpit.map.layers import index_of
from scicity.cockpit.opening import is_figure, path_of
from scicity.cockpit.templatetags.figures import ORIGINS, badges_of
from scicity.cockpit.templatetags.words import name as name_of
from scicity.cockpit.templatetags.words import title_of
from scicity.kernel.engine import quoted
from scicity.kernel.lineage import Between, Figure, Row
from scicity.kernel.tables import READING_PREFIX, Derived, Source, Table
from scicity.space.index import Query
from scicity.vocabulary import term, terms

KEYS = ("zone", "building", "station", "parcel", "facility", "park")  # what a row may be of that has a place on the map
PLACED = {"longitude", "latitude"}
TIMES = ("hour", "day", "month", "year")
ASIDE = (
    "coverage",
    "known_seconds",
    "expected_seconds",
    "day_seconds",
    "hour_of_day",
    "flags",
    "source_row",
    "measured_seconds",
)
MOST = 20_000  # features of a layer of figures
STREAMS = "district.datastream"
TRIED = 6  # periods without any value, before the newest is shown as unknown
PERIODS = 2  # newest partitions of readings that are looked at


@dataclass(frozen=True)
class Asked:
    """What is asked of a table: the column, values of its categories, the year (None: the newest there is)."""

    table: str
    column: str
    categories: Mapping[str, str]
    year: int | None = None


def catalogue(city: OpenCity, language: str) -> list[dict[str, Any]]:
    """Tables whose rows have a place, each with its columns; readings by what is observed."""
    found: list[dict[str, Any]] = []
    for table in city.figures.catalog.tables.values():
        key = key_of(table)
        columns = columns_of(table)
        if key and columns and isinstance(table, (Derived, Source)) and city.figures.lake.snapshot(table.name).version >= 0:
            found.append(
                {
                    "table": table.name,
                    "key": key,
                    "label": title_of(table),
                    "columns": [{"name": each, "label": terms()[each].name(language) or each} for each in columns],
                }
            )
    observed = sorted({row["property"] for row in city.rows(STREAMS)})
    readings = [
        {
            "table": READING_PREFIX + name,
            "key": "reading",
            "label": term(name).name(language) or name,
            "columns": [{"name": "value", "label": term(name).name(language) or name}],
        }
        for name in observed
        if READING_PREFIX + name in city.figures.catalog.tables
    ]
    return sorted(
        found, key=lambda each: (KEYS.index(each["key"]), not each["table"].startswith("indicators."), each["label"])
    ) + (sorted(readings, key=lambda each: each["label"]))


def key_of(table: Table) -> str:
    """The column by which the rows of a table have a place, or nothing."""
    return next((key for key in KEYS if key in table.grain), "")


def columns_of(table: Table) -> list[str]:
    """The columns of a table that can be drawn."""
    return [each for each in table.columns if is_figure(table.grain, each) and each not in ASIDE and each not in PLACED]


def layer(city: OpenCity, asked: Asked, roles: frozenset[str] | None, language: str) -> dict[str, Any]:
    """A figure as GeoJSON, with what else could be chosen. Raises LookupError for what is no table or column."""
    table = city.figures.catalog.tables.get(asked.table)
    if table is None:
        raise LookupError(asked.table)
    if asked.table.startswith(READING_PREFIX):
        return _readings(city, table, roles, language)
    key = key_of(table)
    if not key or asked.column not in columns_of(table):
        raise LookupError(f"{asked.table}.{asked.column}")
    time = next((each for each in TIMES if each in table.grain), "")
    period, rows = _newest(city, asked, time)
    categories, rows = _chosen(city, table, [each for each in table.grain if each not in (key, time)], asked, rows, language)
    figures = {str(row[key]): row.figure(asked.column) for row in rows}
    when = "" if period is None else _said(period, city)
    found = _placed(city, key, figures, roles, dict.fromkeys(figures, when), language)
    return {**found, **_about(asked, table, terms()[asked.column].name(language), categories, when, figures, language)}


def _about(
    asked: Asked, table: Table, label: str, categories: Any, when: str, figures: Mapping[str, Figure], language: str
) -> dict[str, Any]:
    symbols = {digits.in_language(each.symbol, language) for each in figures.values()}
    return {
        "of": f"{table.name}.{asked.column}",
        "label": label,
        "title": title_of(table),
        "unit": symbols.pop() if len(symbols) == 1 else "",
        "period": when,
        "categories": categories,
    }


def _newest(city: OpenCity, asked: Asked, time: str) -> tuple[Any, list[Row]]:
    """The newest period of a table of which anything is known, of a year and those before it where one is asked; its rows."""
    if not time:
        return None, city.rows(asked.table)
    least: Any = {"year": 0, "hour": datetime(1900, 1, 1, tzinfo=UTC)}.get(time, date(1900, 1, 1))
    most: Any = None
    if asked.year is not None:
        most = asked.year if time == "year" else date(asked.year, 12, 31)
        if time == "hour":
            most = datetime.fromtimestamp(city.district.calendar.instant(date(asked.year + 1, 1, 1)) / 1e6 - 1, UTC)
    found: tuple[Any, list[Row]] = (None, [])
    for _ in range(TRIED):
        where = None if most is None else {time: Between(least, most)}
        newest = city.rows(asked.table, [asked.column], where, order=[f"-{time}"], limit=1)
        if not newest:
            break
        period = newest[0][time]
        rows = city.rows(asked.table, where={time: period})
        found = found if found[1] else (period, rows)
        if any(row[asked.column] is not None for row in rows):
            return period, rows
        most = period - (1 if time == "year" else timedelta(seconds=1) if time == "hour" else timedelta(days=1))
    return found


def _chosen(
    city: OpenCity, table: Table, names: Sequence[str], asked: Asked, rows: list[Row], language: str
) -> tuple[list[dict[str, Any]], list[Row]]:
    """The categories of a table with the values there are, one of each chosen; the rows of these."""
    told = []
    for name in names:
        rows_by: dict[str, int] = {}
        for row in rows:
            known = row[asked.column] is not None
            rows_by[str(row[name])] = rows_by.get(str(row[name]), 0) + known
        values = sorted(rows_by, key=lambda value: (value != "measured", value))
        if not values:
            continue
        wanted = asked.categories.get(name)
        chosen = wanted if wanted in rows_by else max(values, key=lambda value: rows_by[value])
        words = _words(city, name, language)
        told.append(
            {
                "name": name,
                "label": (terms()[name].name(language) if name in terms() else "") or name,
                "chosen": chosen,
                "values": [{"name": value, "label": words.get(value) or _word(value, language)} for value in values],
            }
        )
        rows = [row for row in rows if str(row[name]) == chosen]
    return told, rows


def _word(value: str, language: str) -> str:
    if value in ORIGINS:
        return ORIGINS[value][language != "zh"]
    known = terms().get(value)
    return (known.name(language) if known else "") or value


def _words(city: OpenCity, column: str, language: str) -> dict[str, str]:
    """Names of the values of a category, where a register names them."""
    for table in city.figures.catalog.sources:
        if list(table.grain) == [column] and {"name_zh", "name_en"} <= set(table.columns):
            return {str(row[column]): name_of(row) for row in city.rows(table.name)}
    return {}


def _placed(
    city: OpenCity,
    key: str,
    figures: Mapping[str, Figure],
    roles: frozenset[str] | None,
    when: Mapping[str, str],
    language: str,
    more: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Figures at their places as GeoJSON: on the features of their layer, else where a register places them."""
    places = geometries(city, key, list(figures), roles)
    features = []
    for name, figure in figures.items():
        if name not in places or len(features) >= MOST:
            continue
        geometry, label = places[name]
        value = None if figure.value is None or isinstance(figure.value, (str, bool)) else float(figure.value)
        features.append(
            {
                "type": "Feature",
                "geometry": geometry,
                "properties": {
                    "id": name,
                    "key": key,
                    "label": label or name,
                    "value": value if value is not None and math.isfinite(value) else None,
                    "text": digits.written(figure.value, language),
                    "unit": digits.in_language(figure.symbol, language),
                    "when": when.get(name, ""),
                    "origin": "、".join(ORIGINS[each][0] for each in badges_of(figure))
                    if language == "zh"
                    else ", ".join(ORIGINS[each][1] for each in badges_of(figure)),
                    "stand_in": "stand-in" in badges_of(figure),
                    "why": path_of(figure.address),
                    "note": (more or {}).get(name, ""),
                },
            }
        )
    return {"type": "FeatureCollection", "features": features, "unplaced": len(figures) - len(features)}


def geometries(
    city: OpenCity, key: str, ids: Sequence[str], roles: frozenset[str] | None
) -> dict[str, tuple[dict[str, Any], str]]:
    """Geometry and name of things by their id: of the layer that is called after them, else of a register with places."""
    found: dict[str, tuple[dict[str, Any], str]] = {}
    for table in city.figures.catalog.sources:
        if list(table.grain) == [key] and set(table.columns) >= PLACED:
            for row in city.rows(table.name):
                if row["longitude"] is not None and row["latitude"] is not None:
                    place = {"type": "Point", "coordinates": [row["longitude"], row["latitude"]]}
                    found[str(row[key])] = (place, name_of(row))
    for layer_name in (f"{key}s", f"{key[:-1]}ies"):
        index = index_of(city, layer_name)
        if index.about("version") is None:
            continue
        columns = ("feature", "name_zh", "name_en", "geometry")
        for part in np.array_split(np.array(ids, object), max(1, len(ids) // 500 + 1)):
            rows = index.find(Query(ids=part.tolist(), seen=roles), columns)
            shapes = shapely.to_geojson(shapely.from_wkb(np.array([row[3] for row in rows], object)))
            for row, shape in zip(rows, shapes, strict=True):
                found[row[0]] = (json.loads(shape), name_of({"name_zh": row[1], "name_en": row[2]}))
    return found


def _readings(city: OpenCity, table: Table, roles: frozenset[str] | None, language: str) -> dict[str, Any]:
    """The newest reading of each datastream of a property, at its building or station."""
    newest = newest_readings(city, table)
    whose = things(city)
    things_of = {row["datastream"]: row["thing"] for row in city.rows(STREAMS)}
    by_key: dict[str, dict[str, Figure]] = {}
    when: dict[str, str] = {}
    count: dict[str, int] = {}
    for row in sorted(newest, key=lambda row: (row["time"], row["datastream"])):
        for key, name in whose.get(things_of.get(row["datastream"], ""), ()):
            by_key.setdefault(key, {})[name] = reading_of(row)
            when[name] = digits.moment(row["time"], city.district.calendar.tz)
            count[name] = count.get(name, 0) + 1
            break
    many = "该处 {n} 个数据流之一" if language == "zh" else "one of {n} datastreams there"
    notes = {name: many.format(n=n) for name, n in count.items() if n > 1}
    parts = [_placed(city, key, figures, roles, when, language, notes) for key, figures in by_key.items()]
    figures = {name: each for part in by_key.values() for name, each in part.items()}
    observed = table.name.removeprefix(READING_PREFIX)
    about = _about(Asked(table.name, "value", {}), table, term(observed).name(language), [], "", figures, language)
    return {
        "type": "FeatureCollection",
        "features": [each for part in parts for each in part["features"]],
        "unplaced": sum(part["unplaced"] for part in parts),
        **about,
        "period": max(when.values(), default=""),
    }


def newest_readings(city: OpenCity, table: Table, streams: Sequence[str] = ()) -> list[Row]:
    """The newest reading of each datastream, in the newest partitions of its table, as far as who asks may see it."""
    lake, figures = city.figures.lake, city.figures
    snapshot = lake.snapshot(table.name)
    periods = sorted({part.period for part in snapshot.files})[-PERIODS:]
    parts = {part for part in snapshot.files if part.period in periods}
    if not parts:
        return []
    relation = figures.engine.relation(table, snapshot.version, parts)
    only = f" AND datastream IN ({', '.join('?' * len(streams))})" if streams else ""
    columns = ", ".join(quoted(each) for each in table.schema.names)
    text = (
        f"SELECT {columns} FROM {relation} WHERE value IS NOT NULL AND NOT isnan(value) AND ({figures.limit(table)}){only} "
        "QUALIFY row_number() OVER (PARTITION BY datastream ORDER BY time DESC, revision DESC) = 1"
    )
    return [Row(table, snapshot.version, values) for values in figures.engine.sql(text, list(streams)).to_pylist()]


def reading_of(row: Row) -> Figure:
    """The value of a reading as a figure, with the unit of what is observed."""
    figure = row.figure("value")
    return replace(figure, symbol=figure.symbol or term(row.table.name.removeprefix(READING_PREFIX)).symbol)


def things(city: OpenCity) -> dict[str, list[tuple[str, str]]]:
    """What a thing is, or is at: (building, its id) for a meter that a register puts there, (station, its id) …"""
    found: dict[str, list[tuple[str, str]]] = {}
    for table in city.figures.catalog.sources:
        grain = list(table.grain)
        if len(grain) == 1 and grain[0] in KEYS and set(table.columns) >= PLACED:
            for row in city.rows(table.name, [grain[0]]):
                found.setdefault(str(row[grain[0]]), []).append((grain[0], str(row[grain[0]])))
        elif "building" in table.columns and grain[0] in ("meter", "thing"):
            for row in city.rows(table.name):
                if row["building"]:
                    found.setdefault(str(row[grain[0]]), []).append(("building", str(row["building"])))
    return found


def _said(period: Any, city: OpenCity) -> str:
    if isinstance(period, datetime):
        return digits.moment(period, city.district.calendar.tz)
    return str(period)
