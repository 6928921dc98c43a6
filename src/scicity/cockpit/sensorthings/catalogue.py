"""All entities but observations, as Arrow tables that DuckDB looks into: those of the registers, and those that clients made.

What a client said of a datastream stays when it is registered; its unit and property are then the register's.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from scicity.access.sensorthings import times
from scicity.access.sensorthings.entities import (
    DATASTREAMS,
    FEATURES,
    GEOJSON,
    HISTORICAL,
    LOCATIONS,
    NUMBER_TYPE,
    OBSERVED,
    SENSORS,
    SETS,
    THINGS,
)
from scicity.access.sensorthings.sql import Shape
from scicity.cockpit.city import OpenCity
from scicity.cockpit.place import Place
from scicity.cockpit.sensorthings.models import Described, Revision
from scicity.kernel.tables import Source
from scicity.vocabulary import Term, registry, term, terms

INSTALLATION, REGISTER = "energy.installation", "district.datastream"
ENTITIES = (THINGS, LOCATIONS, HISTORICAL, DATASTREAMS, SENSORS, OBSERVED, FEATURES)
MORE_COLUMNS = {DATASTREAMS: ("thing", "sensor", "observed"), HISTORICAL: ("thing",)}
PLAIN_TEXT = "text/plain"
PLACED = ("longitude", "latitude")
# How an entity leads to others: as SQL of pairs (parent, child).
LINKS = {
    (THINGS, LOCATIONS): "(SELECT thing AS parent, location AS child FROM sta_placed)",
    (LOCATIONS, THINGS): "(SELECT location AS parent, thing AS child FROM sta_placed)",
    (THINGS, HISTORICAL): "(SELECT thing AS parent, id AS child FROM sta_historicallocations)",
    (HISTORICAL, "Thing"): "(SELECT id AS parent, thing AS child FROM sta_historicallocations)",
    (LOCATIONS, HISTORICAL): "(SELECT location AS parent, historical AS child FROM sta_was)",
    (HISTORICAL, LOCATIONS): "(SELECT historical AS parent, location AS child FROM sta_was)",
    (THINGS, DATASTREAMS): "(SELECT thing AS parent, id AS child FROM sta_datastreams)",
    (DATASTREAMS, "Thing"): "(SELECT id AS parent, thing AS child FROM sta_datastreams)",
    (SENSORS, DATASTREAMS): "(SELECT sensor AS parent, id AS child FROM sta_datastreams)",
    (DATASTREAMS, "Sensor"): "(SELECT id AS parent, sensor AS child FROM sta_datastreams)",
    (OBSERVED, DATASTREAMS): "(SELECT observed AS parent, id AS child FROM sta_datastreams)",
    (DATASTREAMS, "ObservedProperty"): "(SELECT id AS parent, observed AS child FROM sta_datastreams)",
}
PAIRS = {"sta_placed": ("thing", "location"), "sta_was": ("historical", "location")}


def table_of(name: str) -> str:
    """The relation of a set."""
    return f"sta_{name.lower()}"


def _way(name: str, way: str, to: str) -> Callable[[str, str], tuple[str, str]]:
    link = LINKS[name, way]
    return lambda alias, inner: (table_of(to), f"{inner}.id IN (SELECT child FROM {link} WHERE parent = {alias}.id)")


def _column(name: str) -> Callable[[str], str]:
    return lambda alias: f'{alias}."{name}"'


SHAPES: dict[str, Shape] = {
    name: Shape(
        {"id": _column("id"), **{p.name: _column(p.name) for p in SETS[name].properties if not p.computed}},
        {way.name: _way(name, way.name, way.to) for way in SETS[name].navigations if (name, way.name) in LINKS},
    )
    for name in ENTITIES
}


@dataclass
class Catalogue:
    """The entities as they stand: `tables` by relation, `registered` the rows of the register by datastream."""

    tables: dict[str, pa.Table]
    registered: Mapping[str, Mapping[str, Any]]
    things: Mapping[str, str] = field(default_factory=dict)  # of each datastream

    def holds(self, name: str, key: str) -> bool:
        """Whether a set has an entity of an id."""
        return key in self.ids[name]

    @cached_property
    def ids(self) -> dict[str, set[str]]:
        """The ids of each set."""
        return {name: set(self.tables[table_of(name)].column("id").to_pylist()) for name in ENTITIES}


_lock = threading.Lock()
_registers_kept: dict[Place, tuple[Any, _Registered]] = {}
_kept: dict[Place, tuple[Any, Catalogue]] = {}


def catalogue(city: OpenCity) -> Catalogue:
    """The entities of a city; worked out anew where a register changed, or what clients made."""
    lake, tables = city.figures.lake, _registers(city)
    registers = (tuple(lake.snapshot(table.name).version for table in tables), city.figures)
    state = (Revision.current(), registers)
    with _lock:
        if city.place not in _kept or _kept[city.place][0] != state:
            if city.place not in _registers_kept or _registers_kept[city.place][0] != registers:
                _registers_kept[city.place] = (registers, _Registered(city, tables))
            _kept[city.place] = (state, _Made(_registers_kept[city.place][1]).catalogue())
        return _kept[city.place][1]


def _registers(city: OpenCity) -> list[Source]:
    """The registers that tell of things: the datastreams, and tables that are named as their one key."""
    return [
        table
        for table in city.figures.catalog.sources
        if not table.packaged
        and (
            table.name in (REGISTER, INSTALLATION)
            or (table.grain == (table.name.rpartition(".")[2],) and table.domain != "district")
        )
    ]


class _Entities:
    """Entities by set and id, and which thing is, and was, where."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in ENTITIES}
        self.placed: dict[tuple[str, str], None] = {}
        self.was: dict[tuple[str, str], None] = {}

    @cached_property
    def tables(self) -> dict[str, pa.Table]:
        """All of it by relation; once it is whole."""
        found = {table_of(name): _arrow(name, self.rows[name].values()) for name in ENTITIES}
        for name, pairs in (("sta_placed", self.placed), ("sta_was", self.was)):
            columns = [pa.array([pair[at] for pair in pairs], pa.string()) for at in (0, 1)]
            found[name] = pa.table(dict(zip(PAIRS[name], columns, strict=True)))
        return found

    @cached_property
    def first_place(self) -> dict[str, str]:
        """The first place of each thing; once all are known."""
        return dict(reversed(self.placed))


class _Registered(_Entities):
    """What the registers tell."""

    def __init__(self, city: OpenCity, registers: list[Source]) -> None:
        super().__init__()
        held = {table.name: city.figures.engine.rows(table).to_pylist() for table in registers}
        self.registered = {row["datastream"]: row for row in held.get(REGISTER, ())}
        own = [table for table in registers if table.name not in (REGISTER, INSTALLATION)]
        self._things(own, held)
        self._installed(held.get(INSTALLATION, ()))
        self._streams()
        for name, word in terms().items():
            if word.type in ("real", "decimal"):
                self.rows[OBSERVED][name] = _observed(word)
        for key, thing in self.rows[THINGS].items():
            place = self.rows[LOCATIONS].get(self.first_place.get(key, ""), {})
            self.rows[FEATURES][key] = _feature(key, thing, place)

    def _things(self, registers: list[Source], held: Mapping[str, list[dict[str, Any]]]) -> None:
        """Whatever sends, and every place that a register tells; a place that sends is one thing."""
        send = {row["thing"] for row in self.registered.values()}
        for table in sorted(registers, key=lambda table: set(PLACED) <= set(table.columns)):  # places last: a meter is no place
            kind = table.grain[0]
            for row in held[table.name]:
                key, place = str(row[kind]), set(PLACED) <= set(table.columns)
                sends = key in send and key not in self.rows[THINGS]
                if not sends and not place:
                    continue
                key = key if sends else f"{kind}:{key}"
                title = f"{table.title_zh} · {table.title_en}"
                self.rows[THINGS][key] = _described(key, row.get("name_en") or str(row[kind]), title, _plain(row))
                if place and row["longitude"] is not None and row["latitude"] is not None:
                    point = {"type": "Point", "coordinates": [row["longitude"], row["latitude"]]}
                    self._location(f"{kind}:{row[kind]}", row, title, point)
                    self.placed[key, f"{kind}:{row[kind]}"] = None
        for name in send:
            self.rows[THINGS].setdefault(name, _described(name, name, "对象 · thing", {}))

    def _location(self, key: str, row: Mapping[str, Any], title: str, point: Any) -> None:
        found = _described(
            key, row.get("name_en") or key, title, {k: v for k, v in _plain(row).items() if k in ("zone", "origin", "source")}
        )
        self.rows[LOCATIONS][key] = {**found, "encodingType": GEOJSON, "location": point}

    def _installed(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """A meter is, and was, where the building is in which it stands."""
        for row in sorted(rows, key=lambda row: row["valid_from"]):
            place = f"building:{row['building']}"
            if row["meter"] not in self.rows[THINGS] or place not in self.rows[LOCATIONS]:
                continue
            if row["valid_to"] is None:
                self.placed[row["meter"], place] = None
            key = f"{row['meter']}@{times.told(row['valid_from'])}"
            self.rows[HISTORICAL][key] = {"id": key, "time": row["valid_from"], "thing": row["meter"]}
            self.was[key, place] = None

    def _streams(self) -> None:
        for key, row in self.registered.items():
            if row["property"] not in terms():  # a lake of other words than ours
                continue
            word, thing = term(row["property"]), row["thing"]
            told = {name: row[name] for name in ("flow", "interval_seconds", "origin", "source") if row.get(name) is not None}
            self.rows[DATASTREAMS][key] = {
                **_described(key, key, f"{word.zh} · {word.en}: {thing}", told),
                **_registered(row),
                "observationType": NUMBER_TYPE,
                "thing": thing,
                "sensor": thing,
            }
            sensor = _described(thing, thing, "登记的采集设备 · the registered device", {"origin": row.get("origin")})
            self.rows[SENSORS].setdefault(thing, {**sensor, "encodingType": PLAIN_TEXT, "metadata": row.get("source") or ""})


class _Made(_Entities):
    """What clients made, over what the registers tell."""

    def __init__(self, registers: _Registered) -> None:
        super().__init__()
        self.registers = registers
        for each in Described.objects.all():
            self._made(each)
        for key, thing in self.rows[THINGS].items():
            name = self.first_place.get(key, "")
            place = self.rows[LOCATIONS].get(name) or registers.rows[LOCATIONS].get(name, {})
            self.rows[FEATURES].setdefault(key, _feature(key, thing, place))

    def catalogue(self) -> Catalogue:
        """All entities: a client's stands in the place of the register's of the same id."""
        tables = {}
        for name, theirs in self.registers.tables.items():
            mine = self.tables[name]
            if "id" in mine.column_names and mine.num_rows:
                theirs = theirs.filter(pc.invert(pc.is_in(theirs.column("id"), value_set=mine.column("id").combine_chunks())))
            tables[name] = pa.concat_tables([theirs, mine]).combine_chunks()
        things = {key: row["thing"] for of in (self.registers, self) for key, row in of.rows[DATASTREAMS].items()}
        return Catalogue(tables, self.registers.registered, things)

    def _made(self, each: Described) -> None:
        links, row = each.links, {"id": each.key, **each.content}
        if each.kind == DATASTREAMS:
            row |= {"thing": links["Thing"], "sensor": links["Sensor"], "observed": links["ObservedProperty"]}
            if each.key in self.registers.registered:
                row |= _registered(self.registers.registered[each.key])
        if each.kind == HISTORICAL:
            row |= {"thing": links["Thing"], "time": times.instant(each.content["time"])}
        self.rows[each.kind][each.key] = row
        pairs = {THINGS: self.placed, HISTORICAL: self.was}.get(each.kind, {})
        pairs |= {(each.key, location): None for location in links.get(LOCATIONS, ())}


def _feature(key: str, thing: Mapping[str, Any], place: Mapping[str, Any]) -> dict[str, Any]:
    """What observations of a thing are of where nobody said otherwise: the place where it is."""
    told = {"encodingType": place.get("encodingType", GEOJSON), "feature": place.get("location")}
    return {**_described(key, str(thing["name"]), "所在位置 · where it is", {}), **told}


def _described(key: str, name: str, description: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": key, "name": name, "description": description, "properties": dict(properties) or None}


def _registered(row: Mapping[str, Any]) -> dict[str, Any]:
    """What the register alone says of a datastream: its property, and its unit in pint's notation."""
    unit = row["unit"] or ""
    return {"unitOfMeasurement": {"name": unit, "symbol": _symbol(unit), "definition": unit}, "observed": row["property"]}


_symbols: dict[str, str] = {}


def _symbol(unit: str) -> str:
    if unit not in _symbols:
        known = next((word.symbol for word in terms().values() if word.unit == unit and word.symbol), None)
        try:
            _symbols[unit] = known or f"{registry().Unit(unit):~P}"
        except Exception:  # pint raises what it likes; the register's own check tells of the unit
            _symbols[unit] = unit
    return _symbols[unit]


def _observed(word: Term) -> dict[str, Any]:
    more = {"name_zh": word.zh, "name_en": word.en, "unit": word.unit, "symbol": word.symbol, "standard": word.standard}
    found = _described(word.term, word.en, word.definition or word.en, {name: value for name, value in more.items() if value})
    return {**found, "definition": f"urn:scicity:term:{word.term}"}


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """A register's row as JSON has it, without where it stands."""
    return {
        name: value if isinstance(value, (str, int, float, bool)) else str(value)
        for name, value in row.items()
        if value is not None and name not in ("source_file", "source_row", *PLACED)
    }


def _arrow(name: str, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    of, listed = SETS[name], list(rows)
    columns: dict[str, pa.Array] = {"id": pa.array([row["id"] for row in listed], pa.string())}
    for told in of.properties:
        if told.computed:
            continue
        values = [row.get(told.name) for row in listed]
        if told.kind == "json":
            columns[told.name] = pa.array(
                [None if v is None else json.dumps(v, ensure_ascii=False) for v in values], pa.string()
            )
        elif told.kind == "time":
            columns[told.name] = pa.array([v if isinstance(v, datetime) else None for v in values], pa.timestamp("us", "UTC"))
        else:
            columns[told.name] = pa.array(values, pa.string())
    for more in MORE_COLUMNS.get(name, ()):
        columns[more] = pa.array([row.get(more) for row in listed], pa.string())
    return pa.table(columns)
