"""Answers to GET: entities with what is expanded of them, as JSON. OGC 18-088, clauses 9.1 to 9.3."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from scicity.access.sensorthings import times
from scicity.access.sensorthings.decode import observation_id, of_id
from scicity.access.sensorthings.entities import DATASTREAMS, FEATURES, OBSERVATIONS, SETS, EntitySet, Navigation, Wrong
from scicity.access.sensorthings.filters import conjuncts
from scicity.access.sensorthings.paths import Address, Step, quoted
from scicity.access.sensorthings.query import DATA_ARRAY, Query
from scicity.access.sensorthings.sql import Compiler, Values
from scicity.cockpit.sensorthings.catalogue import LINKS, MORE_COLUMNS, SHAPES, Catalogue, table_of
from scicity.cockpit.sensorthings.models import Detail
from scicity.cockpit.sensorthings.observing import Found, Observing
from scicity.kernel.problems import shown

MOST_ENTITIES = 20_000  # of one answer, with all that is expanded
SAFE = "-._~:@!$()*+,'"  # of an id in an address, beside letters and digits
Row = dict[str, Any]


@dataclass
class Answering:
    """Makes the answers for one reader. `base` is the address of the service, with a slash behind it."""

    catalogue: Catalogue
    observing: Observing
    base: str

    def answer(self, address: Address, query: Query) -> Any:
        """What stands at an address. Raises Wrong (404) where there is nothing; None is a property without a value (204)."""
        last, parent = address.last, self._parent(address)
        if not last.single:
            return self._set(last, parent, query, address)
        row = self._one(last, parent)
        if row is None:
            raise Wrong(f"the address: found no {last.of.single} {shown(last.id or '', 80)}; expected one that there is", 404)
        if address.part:
            return self._property(last.of, row, address)
        if address.reference:
            return {"@iot.selfLink": self.link(last.of, row["id"])}
        (found,) = self.entities(last.of, [row], query)
        return found

    def link(self, of: EntitySet, key: str) -> str:
        """The address of an entity."""
        return f"{self.base}{of.name}({quote(quoted(key), safe=SAFE)})"

    def holds(self, of: EntitySet, key: str) -> bool:
        """Whether there is an entity."""
        if of.name != OBSERVATIONS:
            return self.catalogue.holds(of.name, key)
        return self._observation(key) is not None

    def entities(self, of: EntitySet, rows: list[Row], query: Query) -> list[dict[str, Any]]:
        """Rows as JSON, with what is selected and expanded. Raises Wrong where that is too much for one answer."""
        return self._sized(of, rows, query)[0]

    def _sized(self, of: EntitySet, rows: list[Row], query: Query) -> tuple[list[dict[str, Any]], list[int]]:
        """Rows as JSON, and of how many entities each consists with all that is expanded of it."""
        sizes = [1] * len(rows)
        _check_size(sizes)
        if of.name == DATASTREAMS and (not query.select or "phenomenonTime" in query.select):
            extents = self.observing.extents(row["id"] for row in rows)
            for row in rows:
                if row["id"] in extents:
                    row["phenomenonTime"] = "/".join(times.told(each) for each in extents[row["id"]])
        found = [self._plain(of, row, query) for row in rows]
        for name, further in query.expand.items():
            way = of.navigation(name)
            assert way is not None  # noqa: S101  (the query was read for this set)
            below, below_sizes = self._below(of, rows, way, further)
            for place, (row, entity) in enumerate(zip(rows, found, strict=True)):
                self._put(entity, self.link(of, row["id"]), way, below.get(row["id"]), further)
                sizes[place] += below_sizes.get(row["id"], 0)
            _check_size(sizes)  # one that stands in many places is told in each of them
        return found, sizes

    def _put(self, entity: dict[str, Any], link: str, way: Navigation, below: Found | None, query: Query) -> None:
        entity.pop(f"{way.name}@iot.navigationLink", None)
        if not way.many:
            entity[way.name] = below.rows[0] if below and below.rows else None
            return
        if query.count:
            entity[f"{way.name}@iot.count"] = below.count if below else 0
        entity[way.name] = below.rows if below else []
        if below and below.more:
            entity[f"{way.name}@iot.nextLink"] = f"{link}/{way.name}?{_options(query.going_on(query.page))}"

    def _set(self, step: Step, parent: Row | None, query: Query, address: Address) -> dict[str, Any]:
        found = self._found(step.of, parent and (step.way, parent["id"]), query)
        told: dict[str, Any] = {}
        if query.count:
            told["@iot.count"] = found.count
        if found.more:
            path = "/".join(_address(each) for each in address.steps) + ("/$ref" if address.reference else "")
            told["@iot.nextLink"] = f"{self.base}{path}?{_options(query.going_on(query.page))}"
        if address.reference:
            return {**told, "value": [{"@iot.selfLink": self.link(step.of, row["id"])} for row in found.rows]}
        if query.form == DATA_ARRAY:
            return {**told, "value": self._arrays(found.rows, query)}
        return {**told, "value": self.entities(step.of, found.rows, query)}

    def _arrays(self, rows: list[Row], query: Query) -> list[dict[str, Any]]:
        """Observations as data arrays, by datastream."""
        if query.expand:
            raise Wrong("$expand: found beside $resultFormat=dataArray; expected one of them")
        names = list(query.select) or ["id", "phenomenonTime", "result", "resultTime"]
        names = [name for name in names if name == "id" or SETS[OBSERVATIONS].property(name)]
        groups: dict[str, list[Row]] = {}
        for row in rows:
            groups.setdefault(row["datastream"], []).append(row)
        of = SETS[DATASTREAMS]
        return [
            {
                "Datastream@iot.navigationLink": self.link(of, datastream),
                "components": names,
                "dataArray@iot.count": len(mine),
                "dataArray": [[row["id"] if name == "id" else _value(row, name) for name in names] for row in mine],
            }
            for datastream, mine in groups.items()
        ]

    def _property(self, of: EntitySet, row: Row, address: Address) -> Any:
        name, *further = address.part
        if of.name == DATASTREAMS and name == "phenomenonTime":
            extents = self.observing.extents([row["id"]])
            row[name] = "/".join(times.told(each) for each in extents[row["id"]]) if extents else None
        value = row["id"] if name == "id" else _value(row, name)
        for step in further:
            if not isinstance(value, dict) or step not in value:
                raise Wrong(f"the address: found nothing at {shown('/'.join(address.part), 80)}; expected a value there", 404)
            value = value[step]
        if value is None:
            return None
        last = "@iot.id" if address.part == ("id",) else address.part[-1]
        return value if address.value else {last: value}

    def _plain(self, of: EntitySet, row: Row, query: Query) -> dict[str, Any]:
        link, wanted = self.link(of, row["id"]), query.select
        found: dict[str, Any] = {}
        if not wanted or "id" in wanted:
            found["@iot.id"] = row["id"]
        if not wanted:
            found["@iot.selfLink"] = link
        for told in of.properties:
            if wanted and told.name not in wanted:
                continue
            value = _value(row, told.name)
            if value is not None or told.needed or (told.name == "resultTime" and of.name == OBSERVATIONS):
                found[told.name] = value
        for way in of.navigations:
            if not wanted or way.name in wanted:
                found[f"{way.name}@iot.navigationLink"] = f"{link}/{way.name}"
        return found

    def _parent(self, address: Address) -> Row | None:
        """The entity before the last step. Raises Wrong (404) where one of the steps leads to none."""
        row: Row | None = None
        for step in address.steps[:-1]:
            found = self._one(step, row)
            if found is None:
                raise Wrong(
                    f"the address: found no {step.of.single} at {shown(_address(step), 80)}; expected one that there is", 404
                )
            row = found
        return row

    def _one(self, step: Step, parent: Row | None) -> Row | None:
        """The entity that a step leads to from the one before."""
        if step.way is not None and not step.way.many:
            assert parent is not None  # noqa: S101  (a way begins at an entity)
            below = self._rows_below(SETS[step.way.to], step.way, [parent], Query())
            rows = below[parent["id"]].rows if parent["id"] in below else []
            return rows[0] if rows else None
        if step.of.name == OBSERVATIONS:
            row = self._observation(step.id or "")
            if row is None or step.way is None or parent is None:
                return row
            return row if parent["id"] in (row["datastream"], row["feature"]) else None
        condition = ("id", step.id)
        within = (step.way, parent["id"]) if step.way is not None and parent is not None else None
        return next(iter(self._entity_rows(step.of, Query(), within, condition).rows), None)

    def _observation(self, key: str) -> Row | None:
        try:
            datastream, time = of_id(key)
        except ValueError:
            return None
        if not self.catalogue.holds(DATASTREAMS, datastream):
            return None
        rows = self.observing.of([datastream], Query(top=1), at=time).rows
        return _with_id(rows)[0] if rows else None

    def _found(self, of: EntitySet, within: tuple[Navigation | None, str] | None, query: Query) -> Found:
        if of.name != OBSERVATIONS:
            return self._entity_rows(of, query, within)
        names: Iterable[str] = self.catalogue.ids[DATASTREAMS]
        feature = ""
        if within is not None:
            if within[1] in self.catalogue.ids[FEATURES] and self._leads_from_feature(within):
                feature = within[1]
                names = self._of_feature(feature)
            else:
                names = [within[1]]
        found = self.observing.of(names, query, feature)
        _with_id(found.rows)
        return found

    def _leads_from_feature(self, within: tuple[Any, str]) -> bool:
        return within[0] is SETS[FEATURES].navigation(OBSERVATIONS)

    def _of_feature(self, feature: str) -> set[str]:
        """The datastreams that can have observations of a feature: those of the thing that it stands for, and those said."""
        said = Detail.objects.filter(feature=feature).values_list("datastream", flat=True).distinct()
        own = {name for name, thing in self.catalogue.things.items() if thing == feature}
        return own | (set(said) & self.catalogue.ids[DATASTREAMS])

    def _entity_rows(
        self, of: EntitySet, query: Query, within: tuple[Navigation | None, str] | None, one: tuple[str, Any] | None = None
    ) -> Found:
        values, tables = Values(), {}
        compiler = Compiler(SHAPES, values, self.observing.now)
        where = [compiler.condition(node, of, "e") for node in conjuncts(query.filter)]
        if one is not None:
            where.append(f"e.{one[0]} = {values.bind(one[1])}")
        if within is not None:
            link = next(sql for (_, name), sql in LINKS.items() if within[0] is SETS[_].navigation(name))
            where.append(f"e.id IN (SELECT child FROM {link} WHERE parent = {values.bind(within[1])})")
        body = f"FROM {table_of(of.name)} e WHERE {' AND '.join(where) or 'true'}"
        found = Found()
        if query.count:
            found.count = self.observing.rows(f"SELECT count(*) AS n {body}", values, tables)[0]["n"]
        text = f"SELECT {_columns(of)} {body} ORDER BY {_order(compiler, of, query)} LIMIT {query.page + 1} OFFSET {query.skip}"
        rows = self.observing.rows(text, values, tables)
        found.rows, found.more = rows[: query.page], len(rows) > query.page and query.page > 0
        return found

    def _below(self, of: EntitySet, rows: list[Row], way: Navigation, query: Query) -> tuple[dict[str, Found], dict[str, int]]:
        """What a way leads to from each of several entities, as JSON; and how many entities that is."""
        below = self._rows_below(SETS[way.to], way, rows, query, of)
        flat = [row for found in below.values() for row in found.rows]
        made, sizes = (iter(each) for each in self._sized(SETS[way.to], flat, query))
        size_of = {key: sum(next(sizes) for _ in found.rows) for key, found in below.items()}
        return {key: Found([next(made) for _ in found.rows], found.more, found.count) for key, found in below.items()}, size_of

    def _rows_below(
        self, target: EntitySet, way: Navigation, rows: list[Row], query: Query, of: EntitySet | None = None
    ) -> dict[str, Found]:
        if target.name == OBSERVATIONS:
            if of is SETS[FEATURES]:
                return {row["id"]: self._found(target, (way, row["id"]), query) for row in rows}
            below = self.observing.of_each((row["id"] for row in rows), query)
            for found in below.values():
                _with_id(found.rows)
            return below
        if way in SETS[OBSERVATIONS].navigations:
            return self._of_observations(target, way, rows)
        values = Values()
        compiler = Compiler(SHAPES, values, self.observing.now)
        link = next(sql for (name, step), sql in LINKS.items() if way is SETS[name].navigation(step))
        where = [compiler.condition(node, target, "e") for node in conjuncts(query.filter)]
        where.append(f"l.parent IN (SELECT unnest({values.bind([row['id'] for row in rows])}::VARCHAR[]))")
        order, first, last = _order(compiler, target, query), query.skip + 1, query.skip + query.page
        text = f"""SELECT {_columns(target)}, l.parent AS parent_, count(*) OVER (PARTITION BY l.parent) AS n_
            FROM {link} l JOIN {table_of(target.name)} e ON e.id = l.child WHERE {" AND ".join(where)}
            QUALIFY row_number() OVER (PARTITION BY l.parent ORDER BY {order}) BETWEEN {first} AND {last} ORDER BY {order}"""
        below: dict[str, Found] = {row["id"]: Found(count=0) for row in rows}
        for row in self.observing.rows(text, values, {}):
            mine, total = below[row.pop("parent_")], row.pop("n_")
            mine.rows.append(row)
            mine.count, mine.more = total, total > last
        return below

    def _of_observations(self, target: EntitySet, way: Navigation, rows: list[Row]) -> dict[str, Found]:
        """The one datastream, or the one feature, of each observation."""
        column = "datastream" if way.to == DATASTREAMS else "feature"
        values = Values()
        keys = sorted({row[column] for row in rows if row[column] is not None})
        asked = f"(SELECT unnest({values.bind(keys)}::VARCHAR[]))"
        text = f"SELECT {_columns(target)} FROM {table_of(target.name)} e WHERE e.id IN {asked}"
        known = {row["id"]: row for row in self.observing.rows(text, values, {})}
        return {row["id"]: Found([dict(known[row[column]])] if row[column] in known else []) for row in rows}


def _check_size(sizes: list[int]) -> None:
    if sum(sizes) > MOST_ENTITIES:
        raise Wrong(f"found more than {MOST_ENTITIES} entities in one answer; expected a smaller $top, also within $expand")


def _columns(of: EntitySet) -> str:
    names = ["id", *(each.name for each in of.properties if not each.computed), *MORE_COLUMNS.get(of.name, ())]
    return ", ".join(f'e."{name}"' for name in names)


def _order(compiler: Compiler, of: EntitySet, query: Query) -> str:
    compiler.option = "$orderby"
    told = [f"{compiler.value(node, of, 'e')} {'DESC' if falls else 'ASC'} NULLS LAST" for node, falls in query.order]
    return ", ".join([*told, "e.id"])


def _with_id(rows: list[Row]) -> list[Row]:
    for row in rows:
        row["id"] = observation_id(row["datastream"], row["time"])
        row["phenomenonTime"] = row["time"]
    return rows


def _value(row: Mapping[str, Any], name: str) -> Any:
    """A property as JSON has it."""
    value = row.get(name)
    if value is None or isinstance(value, (bool, int, float, dict, list)):
        return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value
    if hasattr(value, "isoformat"):
        return times.told(value)
    return json.loads(value) if name in _JSON and "datastream" not in row else value  # an observation's are plain already


_JSON = {told.name for of in SETS.values() if of.name != OBSERVATIONS for told in of.properties if told.kind == "json"}


def _address(step: Step) -> str:
    return step.name + (f"({quote(quoted(step.id), safe=SAFE)})" if step.id is not None else "")


def _options(texts: list[tuple[str, str]]) -> str:
    return urlencode(texts, quote_via=quote, safe="$,'()/:;=")
