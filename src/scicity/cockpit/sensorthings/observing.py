"""Observations: readings of the lake, of the inbox, and those that are held, asked for by one query of DuckDB.

The lake is looked into by file: only those whose datastreams and months can hold what is asked. Values come in the unit of the
register, as the datastream tells it; of a datastream that is not registered they are as they were sent.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from scicity.access.inbox import Inbox
from scicity.access.sensorthings.entities import DATASTREAMS, FEATURES, OBSERVATIONS, SETS, Wrong
from scicity.access.sensorthings.filters import Call, Literal, Node, Path, conjuncts, paths
from scicity.access.sensorthings.query import Query
from scicity.access.sensorthings.sql import Compiler, Shape, Values, shortened
from scicity.access.sensorthings.times import instant
from scicity.cockpit.city import OpenCity
from scicity.cockpit.sensorthings.catalogue import SHAPES, Catalogue, table_of
from scicity.cockpit.sensorthings.models import Detail
from scicity.kernel.engine import quoted
from scicity.kernel.reading import ARRIVAL, bucket_of, fits
from scicity.kernel.tables import reading_table
from scicity.vocabulary import conversion, term

BOUND = re.compile(r"\$(v\d+)\b")
LONGEST_QUERY = 30.0  # [s] behind which a query is ended
WALKED = 2_000  # observations up to which a question is answered part by part
SMALLEST = timedelta(microseconds=1)  # between two instants
TIME = Path(("phenomenonTime",))
Stretch = tuple[datetime | None, datetime | None]
LISTED = 50  # names that stand in a query one by one, so that files are passed over by their statistics
DETAILS = pa.schema(
    [
        *((name, pa.string()) for name in ("datastream", "resultQuality", "validTime", "parameters", "feature")),
        *((name, pa.timestamp("us", "UTC")) for name in ("time", "resultTime")),
    ]
)
SAID = ("resultTime", "resultQuality", "validTime", "parameters", "feature")
ID = """strftime({0}.time, '%Y-%m-%dT%H:%M:%S') || CASE WHEN microsecond({0}.time) % 1000000 = 0 THEN ''
    WHEN microsecond({0}.time) % 1000 = 0 THEN strftime({0}.time, '.%g') ELSE strftime({0}.time, '.%f') END || 'Z'"""
SHAPE = Shape(
    {
        "id": lambda alias: f"({alias}.datastream || '@' || {ID.format(alias)})",
        "phenomenonTime": lambda alias: f"{alias}.time",
        "result": lambda alias: f"{alias}.result",
        **{name: (lambda alias, name=name: f'{alias}."{name}"') for name in SAID[:-1]},
    },
    {
        "Datastream": lambda alias, inner: (table_of(DATASTREAMS), f"{inner}.id = {alias}.datastream"),
        "FeatureOfInterest": lambda alias, inner: (table_of(FEATURES), f"{inner}.id = {alias}.feature"),
    },
)
EVERY_SHAPE = {**SHAPES, OBSERVATIONS: SHAPE}


@dataclass
class Found:
    """Observations in their order, `more` if there are others behind them; `count` of all where it was asked for."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    more: bool = False
    count: int | None = None


@dataclass
class Observing:
    """Answers about observations for one reader, who sees of held readings those of the datastreams that `sees_held` tells."""

    city: OpenCity
    catalogue: Catalogue
    inbox: Inbox
    sees_held: Callable[[str], bool]
    now: datetime
    reads: Callable[[str], bool] = lambda _: True  # whether the reader may see observations of a datastream at all
    _unplaced: tuple[frozenset[str], pa.Table] = (frozenset(), ARRIVAL.empty_table())

    def of(self, names: Iterable[str], query: Query, feature: str = "", at: datetime | None = None) -> Found:
        """The observations of datastreams; of a feature alone where one is named, at one instant where one is given."""
        parts = conjuncts(query.filter)
        names = self._narrowed(self._readable(names), parts)
        if not names:
            return Found(count=0 if query.count else None)
        between, wanted = _between(parts, at), query.skip + query.page + 1
        if query.count or wanted > WALKED:
            rows, count = self._page(names, parts, query, feature, between, (query.page + 1, query.skip))
        else:
            count, rows = None, []
            for some, stretch in self._walk(names, query, between):
                rows += self._page(some, parts, query, feature, stretch, (wanted - len(rows), 0))[0]
                if len(rows) >= wanted:
                    break
            rows = rows[query.skip :]
        found = Found(rows[: query.page], len(rows) > query.page and query.page > 0, count)
        self._say(found.rows)
        return found

    def _page(
        self, names: list[str], parts: list[Node], query: Query, feature: str, between: Stretch, limit: tuple[int, int]
    ) -> tuple[list[dict[str, Any]], int | None]:
        """Rows of one query, and how many there are in all where that was asked for."""
        values = Values()
        chosen, tables = self._chosen(names, between, values)
        relation = f"(SELECT datastream, time, result FROM ({chosen}))"
        if feature or _named(parts, query) & {*SAID, "FeatureOfInterest"}:
            tables["sta_details"] = self._details(names)
            columns = ", ".join(f"d.{quoted(name)}" for name in SAID[:-1])
            feature_of = "coalesce(nullif(d.feature, ''), s.thing)"
            relation = f"""(SELECT r.datastream, r.time, r.result, {columns}, {feature_of} AS feature
                FROM {relation} r LEFT JOIN sta_details d ON d.datastream = r.datastream AND d.time = r.time
                LEFT JOIN sta_datastreams s ON s.id = r.datastream)"""
        where, order = self._asked(parts, query, values)
        where = f"{where} AND o.feature = {values.bind(feature)}" if feature else where
        body = f"FROM {relation} o WHERE {where}"
        count = self.rows(f"SELECT count(*) AS n {body}", values, tables)[0]["n"] if query.count else None
        order = ", ".join([*order, "o.datastream", "o.time"])
        text = f"SELECT o.datastream, o.time, o.result {body} ORDER BY {order} LIMIT {limit[0]} OFFSET {limit[1]}"
        return self.rows(text, values, tables), count

    def of_each(self, names: Iterable[str], query: Query) -> dict[str, Found]:
        """The observations of each of several datastreams, as if each were asked for by itself; by few queries for all."""
        names, parts = self._readable(names), conjuncts(query.filter)
        if _named(parts, query) & {*SAID, "FeatureOfInterest", "Datastream"}:  # rare, and told by the other way
            return {name: self.of([name], query) for name in names}
        gathered: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
        wanted = query.skip + query.page + 1
        walks = not query.count and wanted <= WALKED and (not query.order or query.order[0][0] == TIME)
        between, left = _between(parts, None), names
        for stretch in self._stretches(names, query, between) if walks and names else [between]:
            if not left:
                break
            for row in self._first(left, parts, query, stretch, wanted):
                gathered[row["datastream"]].append(row)
            left = [name for name in left if len(gathered[name]) < wanted]
        last = query.skip + query.page
        found = {}
        for name, rows in gathered.items():
            mine = rows[query.skip : last]
            self._say(mine)
            found[name] = Found(mine, len(rows) > last and query.page > 0, rows[0]["all"] if query.count and rows else 0)
        return found

    def _first(self, names: list[str], parts: list[Node], query: Query, between: Stretch, most: int) -> list[dict[str, Any]]:
        """The first observations of each datastream, so many at most; with each how many of its datastream there are."""
        values = Values()
        chosen, tables = self._chosen(names, between, values)
        where, order = self._asked(parts, query, values)
        text = ", ".join([*order, "o.time"])
        query_text = f"""SELECT o.datastream, o.time, o.result, count(*) OVER (PARTITION BY o.datastream) AS "all"
            FROM ({chosen}) o WHERE {where}
            QUALIFY row_number() OVER (PARTITION BY o.datastream ORDER BY {text}) <= {most} ORDER BY {text}"""
        return self.rows(query_text, values, tables)

    def _asked(self, parts: list[Node], query: Query, values: Values) -> tuple[str, list[str]]:
        """SQL of what is kept of observations (`o`), and of their order."""
        of, compiler = SETS[OBSERVATIONS], Compiler(EVERY_SHAPE, values, self.now)
        where = " AND ".join(compiler.condition(part, of, "o") for part in parts) or "true"
        compiler.option = "$orderby"
        return where, [
            f"{compiler.value(node, of, 'o')} {'DESC' if falls else 'ASC'} NULLS LAST" for node, falls in query.order
        ]

    def _walk(self, names: list[str], query: Query, between: Stretch) -> Iterator[tuple[list[str], Stretch]]:
        """Parts of what is asked, in the order that is asked for: who wants few looks into few files.

        By time where that is the order (of one datastream it is unless said), by datastreams where none is said.
        """
        if (query.order and query.order[0][0] == TIME) or (not query.order and len(names) == 1):
            for stretch in self._stretches(names, query, between):
                yield names, stretch
        elif not query.order:
            at, some = 0, 1
            while at < len(names):
                yield names[at : at + some], between
                at, some = at + some, some * 4
        else:
            yield names, between

    def _stretches(self, names: list[str], query: Query, between: Stretch) -> list[Stretch]:
        """Stretches of time that together are all of it, in order, each twice as many months long as the one before."""
        tables = {reading_table(row["property"]).name for name in names if (row := self.catalogue.registered.get(name))}
        lake, calendar, periods = self.city.figures.lake, self.city.district.calendar, self._periods(*between)
        months = {part.period for table in tables for part in lake.snapshot(table).files if periods(part.period)}
        edges = [datetime.fromtimestamp(calendar.bounds(month)[0] / 1e6, UTC) for month in sorted(months)]
        falls = bool(query.order and query.order[0][1])
        edges, found, size = edges[::-1] if falls else edges[1:], list[Stretch](), 1
        before = between[1] if falls else between[0]
        while edges:
            edge = edges[min(size, len(edges)) - 1]
            found.append((edge, before) if falls else (before, edge - SMALLEST))
            before = edge - SMALLEST if falls else edge
            edges, size = edges[size:], 2 * size
        return [*found, (between[0], before) if falls else (before, between[1])]

    def standing(self, keys: Sequence[tuple[str, datetime]]) -> dict[tuple[str, datetime], tuple[int, float | None]]:
        """Of those observations that there are already: their revision and their result."""
        if not keys:
            return {}
        times, values = [time for _, time in keys], Values()
        chosen, tables = self._chosen(sorted({name for name, _ in keys}), (min(times), max(times)), values)
        tables["sta_asked"] = pa.table(
            {"datastream": [name for name, _ in keys], "time": pa.array(times, pa.timestamp("us", "UTC"))}
        )
        query = f"SELECT c.* FROM ({chosen}) c SEMI JOIN sta_asked a ON a.datastream = c.datastream AND a.time = c.time"
        return {
            (row["datastream"], row["time"].astimezone(UTC)): (row["revision"], row["result"])
            for row in self.rows(query, values, tables)
        }

    def extents(self, names: Iterable[str]) -> dict[str, tuple[datetime, datetime]]:
        """The first and the last time of each datastream that has any."""
        names, values = self._readable(names), Values()
        whole, tables = self._whole(names, (None, None), values)
        if not names:
            return {}
        query = f"SELECT datastream, min(time) AS first, max(time) AS last FROM ({whole}) GROUP BY datastream"
        return {row["datastream"]: (row["first"], row["last"]) for row in self.rows(query, values, tables)}

    def _readable(self, names: Iterable[str]) -> list[str]:
        return [name for name in sorted(set(names)) if self.reads(name)]

    def rows(self, text: str, values: Values, tables: dict[str, pa.Table]) -> list[dict[str, Any]]:
        """The rows of a query. Raises Wrong for values that DuckDB cannot compute with."""
        given = {name: values.given[name] for name in set(BOUND.findall(text))}
        named = {name: table for name, table in {**self.catalogue.tables, **tables}.items() if name in text}
        engine = self.city.figures.engine
        ending = threading.Timer(LONGEST_QUERY, engine.cursor.interrupt)
        ending.start()
        try:
            return engine.sql(text, given, **named).to_pylist()
        except duckdb.InterruptException:
            expected = "a question about fewer observations: name their datastream and the time"
            raise Wrong(f"the query: found no answer within {LONGEST_QUERY:.0f} s; expected {expected}") from None
        except (duckdb.ConversionException, duckdb.OutOfRangeException, duckdb.InvalidInputException) as error:
            raise Wrong(
                f"the query: found {str(error).splitlines()[0][:200]}; expected values that can be computed with"
            ) from None
        finally:
            ending.cancel()

    def _narrowed(self, names: list[str], parts: list[Node]) -> list[str]:
        """The datastreams that can meet those parts of a filter that are of them alone; these parts are taken out."""
        mine = {number: node for number, part in enumerate(parts) if (node := shortened(part, "Datastream")) is not None}
        if not mine:
            return names
        values = Values()
        compiler = Compiler(SHAPES, values, self.now)
        where = [compiler.condition(node, SETS[DATASTREAMS], "d") for node in mine.values()]
        rows = self.rows(f"SELECT d.id FROM sta_datastreams d WHERE {' AND '.join(where)}", values, {})
        parts[:] = [part for number, part in enumerate(parts) if number not in mine]
        met = {row["id"] for row in rows}
        return [name for name in names if name in met]

    def _chosen(self, names: list[str], between: Stretch, values: Values) -> tuple[str, dict[str, pa.Table]]:
        """SQL of the one reading that counts at each time: the highest revision, then the lowest value (`reading.chosen`)."""
        whole, tables = self._whole(names, between, values)
        rank = "row_number() OVER (PARTITION BY datastream, time ORDER BY revision DESC, result ASC NULLS LAST)"
        return f"SELECT datastream, time, result, revision FROM ({whole}) QUALIFY {rank} = 1", tables

    def _whole(self, names: list[str], between: Stretch, values: Values) -> tuple[str, dict[str, pa.Table]]:
        bounds = [f"time {sign} {values.bind(at)}::TIMESTAMPTZ" for sign, at in zip((">=", "<="), between, strict=True) if at]
        # What waits is read before the lake: what moves meanwhile is seen twice, and counts once.
        tables = {"sta_pending": self._pending(names)}
        condition = " AND ".join(bounds) or "true"
        pieces = [f"SELECT datastream, time, value AS result, revision FROM sta_pending WHERE {condition}"]
        groups: dict[tuple[str, float, float], list[str]] = {}
        for name in names:
            row = self.catalogue.registered.get(name)
            if row is not None and fits(row):
                slope, offset = conversion(row["unit"], term(row["property"]).unit)
                groups.setdefault((row["property"], slope, offset), []).append(name)
        for (observed, slope, offset), mine in groups.items():
            pieces += self._piece(observed, slope, offset, mine, between, bounds, values)
        return " UNION ALL ".join(pieces), tables

    def _piece(
        self,
        observed: str,
        slope: float,
        offset: float,
        names: list[str],
        between: tuple[Any, Any],
        bounds: list[str],
        values: Values,
    ) -> list[str]:
        table, district = reading_table(observed), self.city.district
        buckets = {bucket_of(self.catalogue.registered[name]["thing"], district.buckets) for name in names}
        periods = self._periods(*between)
        files = self.city.figures.lake.snapshot(table.name).files
        parts = [part for part in files if part.bucket in buckets and periods(part.period)]
        if not parts:
            return []
        relation = self.city.figures.engine.relation(table, parts=parts, columns=("datastream", "time", "value", "revision"))
        value = "value" if (slope, offset) == (1.0, 0.0) else f"format('{{:.15g}}', (value - {offset!r}) / {slope!r})::DOUBLE"
        if len(names) <= LISTED:
            mine = f"datastream IN ({', '.join(values.bind(name) for name in names)})"
        else:
            mine = f"datastream IN (SELECT unnest({values.bind(names)}::VARCHAR[]))"
        return [f"SELECT datastream, time, {value} AS result, revision FROM {relation} WHERE {' AND '.join([mine, *bounds])}"]

    def _periods(self, first: datetime | None, last: datetime | None) -> Callable[[str], bool]:
        """Whether a month can hold what lies between two instants."""
        calendar = self.city.district.calendar
        low = -(2**62) if first is None else int(first.timestamp() * 1e6)
        high = 2**62 if last is None else int(last.timestamp() * 1e6)

        def can(period: str) -> bool:
            begin, end = calendar.bounds(period)
            return begin <= high and end >= low

        return can

    def _pending(self, names: list[str]) -> pa.Table:
        """What waits, and what is held as far as the reader may see it; looked for once for all that is asked of some names."""
        known, found = self._unplaced
        if not known.issuperset(names):
            known, found = self._unplaced = frozenset(names), self._not_placed(names)
        if len(known) == len(names):
            return found
        return found.filter(pc.is_in(found["datastream"], value_set=pa.array(names, pa.string())))

    def _not_placed(self, names: list[str]) -> pa.Table:
        waiting, held = self.inbox.not_placed(names, [name for name in names if self.sees_held(name)])
        rows = pa.concat_tables([ARRIVAL.empty_table(), *waiting, *held])
        told = pc.and_(
            pc.greater(rows["time"], pa.scalar(datetime(1, 1, 2, tzinfo=UTC))),
            pc.less(rows["time"], pa.scalar(datetime(9999, 12, 31, tzinfo=UTC))),
        )
        rows = rows.filter(pc.fill_null(told, False)).combine_chunks()
        finite = pc.if_else(pc.is_finite(rows["value"]), rows["value"], pa.scalar(None, pa.float64()))
        rows = rows.set_column(2, "value", finite)
        return rows.set_column(3, "revision", pc.fill_null(rows["revision"], 0))

    def _details(self, names: list[str]) -> pa.Table:
        found = Detail.objects.all() if len(names) > LISTED else Detail.objects.filter(datastream__in=names)
        rows = [_detail(each) for each in found.iterator()]
        return pa.Table.from_pylist(rows, schema=DETAILS)

    def _say(self, rows: list[dict[str, Any]]) -> None:
        """Adds to observations what was said of them beyond the reading, and what they are of."""
        for row in rows:
            row["time"] = row["time"].astimezone(UTC)
            row["feature"] = self.catalogue.things.get(row["datastream"])
        times = [row["time"] for row in rows]
        if not rows or not Detail.objects.exists():
            return
        near = Detail.objects.filter(time__range=(min(times), max(times)))
        names = {row["datastream"] for row in rows}
        near = near.filter(datastream__in=names) if len(names) <= LISTED else near
        known = {(each.datastream, each.time): each for each in near}
        for row in rows:
            each = known.get((row["datastream"], row["time"]))
            if each is not None:
                row |= each.content | ({"feature": each.feature} if each.feature else {})


def _detail(each: Detail) -> dict[str, Any]:
    content = each.content
    return {
        "datastream": each.datastream,
        "time": each.time,
        "feature": each.feature,
        "resultTime": instant(content["resultTime"]) if "resultTime" in content else None,
        "validTime": content.get("validTime"),
        **{name: json.dumps(content[name]) if name in content else None for name in ("resultQuality", "parameters")},
    }


def _named(parts: list[Node], query: Query) -> set[str]:
    """The properties, and the ways, that a question names."""
    return {path.steps[0] for node in (*parts, *(node for node, _ in query.order)) for path in paths(node)}


def _between(parts: list[Node], at: datetime | None) -> tuple[datetime | None, datetime | None]:
    """The instants between which all parts of a filter leave observations, as far as they tell it plainly."""
    lows, highs = ([at] if at else []), ([at] if at else [])
    for part in parts:
        if not isinstance(part, Call) or part.name not in ("eq", "gt", "ge", "lt", "le"):
            continue
        left, right, name = *part.of, part.name
        if isinstance(left, Literal):  # the other way round
            left, right = right, left
            name = {"gt": "lt", "ge": "le", "lt": "gt", "le": "ge"}.get(name, name)
        if left != Path(("phenomenonTime",)) or not isinstance(right, Literal):
            continue
        try:
            time = right.value if isinstance(right.value, datetime) else instant(str(right.value))
        except ValueError:
            continue  # the compiler tells of it
        lows += [time] if name in ("eq", "gt", "ge") else []
        highs += [time] if name in ("eq", "lt", "le") else []
    return max(lows, default=None), min(highs, default=None)
