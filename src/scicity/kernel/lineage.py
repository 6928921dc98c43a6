"""Lineage: a figure is one cell of a table, with an address; why() opens it down to readings and lines of files.

An address is `domain.table.column/key=value/key=value`, with `@version` behind it where an earlier state is meant, e.g.
`carbon.emission_yearly.emission/building=b01/year=2022@7`. Values are percent-encoded, instants are UTC.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import quote, unquote

import pyarrow as pa

from scicity.kernel.calendar import micros_of
from scicity.kernel.computing import Computing
from scicity.kernel.district import ROOT_ZONE
from scicity.kernel.engine import Between as Between
from scicity.kernel.engine import condition, quoted, read_schema
from scicity.kernel.lake import Part
from scicity.kernel.record import Commit
from scicity.kernel.retired import Retirement
from scicity.kernel.tables import READING_PREFIX, Derived, Read, Table, Written
from scicity.vocabulary import term

ALL = "true"
SHOWN = 50  # rows of an input that an opened figure lists; the count says how many there are
MEASURED = ("real", "decimal", "factor")  # types of columns whose unit a row can name in its column `symbol`
CALENDAR = ("hour", "day", "month", "year")
KEPT_ANSWERS = 2_000  # answers about unchanged tables are kept until there are so many


class NoFigure(LookupError):  # noqa: N818  (reads as what happened)
    """An address that names no cell of any table."""


@dataclass(frozen=True)
class Closed:
    """Rows of a table that were closed with a period: the version they are of, SQL text for which they are, and their file."""

    period: str
    version: int
    condition: str
    file: str


@dataclass(frozen=True)
class Figure:
    """One number (or word) of a table with all that a reader must know of it. `value` None is unknown."""

    address: str
    table: str
    column: str
    key: Mapping[str, Any]
    value: Any
    symbol: str
    version: int
    coverage: float | None = None
    stand_in: bool | None = None
    origin: str | None = None
    closed: str = ""  # the closed period that it stands in


class Row(dict[str, Any]):
    """A row of a table: plain values by column; `figure(column)` gives the value with its address."""

    def __init__(self, table: Table, version: int, values: Mapping[str, Any], closed: str = "") -> None:
        super().__init__(values)
        self.table, self.version, self.closed = table, version, closed

    def figure(self, column: str) -> Figure:
        """The cell of a column as a figure. Raises NoFigure for a column that the table has not."""
        if column not in self.table.columns or column not in self:
            raise NoFigure(f"{self.table.name} has no column {column!r}")
        key = {name: self[name] for name in self.table.grain}
        return Figure(
            address=address(self.table, column, key),
            table=self.table.name,
            column=column,
            key=key,
            value=self[column],
            symbol=str(
                term(column).symbol or (term(column).type in MEASURED and self.get("symbol", self.get("canonical_unit"))) or ""
            ),
            version=self.version,
            coverage=self.get("coverage"),
            stand_in=self.get("stand_in"),
            origin=self.get("origin"),
            closed=self.closed,
        )

    @property
    def figures(self) -> list[Figure]:
        """The cells that measure something, as figures."""
        names = [n for n in self.table.columns if n not in self.table.grain and n in self]
        return [self.figure(n) for n in names if term(n).type in ("real", "decimal", "factor", "integer")]


@dataclass(frozen=True)
class Evidence:
    """What a figure was computed from in one table: its version, how many rows, the first of them, and how they were found."""

    name: str
    table: Table
    version: int
    total: int
    rows: Sequence[Row]
    how: str
    hidden: int = 0  # more rows, which who asks may not see

    @property
    def kind(self) -> str:
        """derived, reading or register: whether its rows open further, and to what they come down."""
        if isinstance(self.table, Derived):
            return "derived"
        return "reading" if self.table.name.startswith(READING_PREFIX) else "register"


@dataclass(frozen=True)
class Why:
    """A figure opened: the method in words, the code, the version it was written at, and the evidence."""

    figure: Figure
    row: Row
    method: str
    formula: str
    code: str
    written: int
    inputs: Sequence[Evidence] = field(default_factory=list)
    place: str = ""
    retired: Retirement | None = None  # the act by which its readings went, so that it stays as it is


class Figures:
    """Questions about the tables of a lake, answered as rows whose cells are figures."""

    def __init__(self, computing: Computing) -> None:
        self.computing, self.catalog, self.engine = computing, computing.catalog, computing.engine
        self.lake = computing.lake
        self.closed: Callable[[str], Sequence[Closed]] = lambda table: ()  # what is closed of a table
        self.limit: Callable[[Table], str] = lambda table: ALL  # SQL text for the rows that who asks may see
        self._kept: dict[tuple[Any, ...], list[Row]] = {}
        self._lock = threading.Lock()

    def limited(self, limit: Callable[[Table], str]) -> Figures:
        """The same figures for somebody who may see only those rows of a table that fit the SQL text `limit` gives."""
        found = copy(self)
        found.limit = limit
        return found

    def rows(
        self,
        table: str,
        columns: Sequence[str] = (),
        where: Mapping[str, Any] | None = None,
        order: Sequence[str] = (),
        *,
        limit: int | None = None,
        version: int | None = None,
    ) -> list[Row]:
        """Rows of a table at a version; if None, those of closed periods as they were closed, and the newest of all others.

        `where` maps a column to a value, a list of values or `Between`.

        `columns` (all, if empty) always come with the grain; `order` takes column names, `-` in front for descending.
        Raises LookupError for an unknown table or column.
        """
        declared = self.catalog[table]
        at = self.lake.snapshot(table, version).version
        closed = tuple(self.closed(table)) if version is None else ()
        told = self.lake.snapshot(table, version).told
        if told is not None and not set(declared.grain) <= set(where or {}):
            raise told
        known = (table, at, closed, self.limit(declared), tuple(columns), repr(where), tuple(order), limit)
        if known not in self._kept:
            rows = self._ask(declared, at, closed, columns, where or {}, order or declared.grain, limit)
            with self._lock:
                if len(self._kept) >= KEPT_ANSWERS:
                    self._kept.clear()
                self._kept[known] = rows
        return self._kept[known]

    def figure(self, text: str) -> Figure:
        """The figure of an address. Raises NoFigure."""
        table, column, _, _ = parsed(text, self.catalog.tables)
        return self._row(text).figure(column or table.columns[-1])

    def why(self, text: str) -> Why:
        """Opens a figure one step down. Raises NoFigure for an address that names no cell."""
        table, column, _, version = parsed(text, self.catalog.tables)
        row = self._row(text)
        figure = row.figure(column)
        if not isinstance(table, Derived):
            place = f"{row['source_file']}, row {row['source_row']}" if isinstance(table, Written) else str(row["batch"])
            return Why(figure, row, table.doc, "", "", row.version, [], place)
        commit, retired = self._came_from(table, row, row.version if row.closed else version)
        if commit is None:
            raise NoFigure(f"nothing tells how {text} came about")
        there = [name for name, read in table.reads.items() if not (retired and read.table.startswith(READING_PREFIX))]
        inputs = [self._evidence(table, name, row, commit.inputs) for name in there]
        formula = inspect.getsource(table.function)
        return Why(figure, row, table.doc, formula, commit.code, commit.version, inputs, retired=retired)

    def evidence(self, text: str, read: str, limit: int | None = None) -> Evidence:
        """All rows (or `limit` of them) of one input of a figure."""
        table, _, _, version = parsed(text, self.catalog.tables)
        row = self._row(text)
        if not isinstance(table, Derived) or read not in table.reads:
            raise NoFigure(f"{text} has no input {read!r}")
        commit, retired = self._came_from(table, row, row.version if row.closed else version)
        if retired and table.reads[read].table.startswith(READING_PREFIX):
            raise NoFigure(f"{text}: {retired.said(table.name)}")
        if commit is None:
            raise NoFigure(f"{text} has no input {read!r}")
        return self._evidence(table, read, row, commit.inputs, limit)

    def _came_from(self, table: Derived, row: Row, version: int | None) -> tuple[Commit | None, Retirement | None]:
        """The commit that tells what a row came from, at a version of its table, and the act by which its readings went."""
        part = next(iter(self.computing.split(table, pa.Table.from_pylist([dict(row)], schema=table.schema))))
        commit, retired = self.lake.written(table.name, part, version), self.computing.retirement(table, part)
        if retired is not None and (commit is None or commit.at > retired.at):  # it stands as it stood when they went
            commit = retired.commit(table.name, row.version if commit is None else commit.version)
        return commit, retired

    def _row(self, text: str) -> Row:
        table, _, key, version = parsed(text, self.catalog.tables)
        told = None if version is None else self.lake.snapshot(table.name, version).told
        rows = self.rows(table.name, where=key, limit=2, version=version)
        if not rows and told is not None:
            raise told
        if not rows:
            raise NoFigure(f"{table.name} has no row {text.partition('/')[2]!r}")
        return rows[0]

    def _ask(
        self,
        table: Table,
        version: int,
        closed: Sequence[Closed],
        columns: Sequence[str],
        where: Mapping[str, Any],
        order: Sequence[str],
        limit: int | None,
    ) -> list[Row]:
        known = table.schema.names
        unknown = [c for c in (*columns, *where, *(o.lstrip("-") for o in order)) if c not in known]
        if unknown:
            raise LookupError(f"{table.name} has no column {', '.join(sorted(unknown))}")
        wanted = [*dict.fromkeys([*table.grain, *columns])] if columns else list(known)
        conditions, values = condition(where)
        by = ", ".join(quoted(o.lstrip("-")) + (" DESC" if o.startswith("-") else "") for o in order)
        listed = ", ".join(map(quoted, wanted))
        text = (
            f"SELECT {listed}, version_, closed_ FROM {self._standing(table, version, closed)} "
            f"WHERE {conditions} AND ({self.limit(table)}) ORDER BY {by}"
        )
        found = self.engine.sql(text + (f" LIMIT {int(limit)}" if limit is not None else ""), values).to_pylist()
        return [Row(table, values.pop("version_"), values, values.pop("closed_")) for values in found]

    def _standing(self, table: Table, version: int, closed: Sequence[Closed]) -> str:
        """SQL text for the rows of a table as they stand, each with its version and the closed period it is of."""
        rest = " OR ".join(each.condition for each in closed) or "false"
        snapshot = self.lake.snapshot(table.name, version)
        there = snapshot.files if snapshot.gone else None  # a row stands in one partition: if that is there, it is the row
        live = f"SELECT *, {version} AS version_, '' AS closed_ FROM {self.engine.relation(table, version, there)}"
        kept = [
            f"UNION ALL BY NAME (SELECT *, {each.version} AS version_, '{each.period}' AS closed_ "
            f"FROM read_parquet('{each.file.replace(chr(39), chr(39) * 2)}'))"
            for each in closed
        ]
        return f"({live} WHERE NOT coalesce({rest}, false) {' '.join(kept)})" if closed else f"({live})"

    # --- from a row to the rows it came from ---

    def _evidence(
        self, table: Derived, name: str, row: Row, versions: Mapping[str, int], limit: int | None = SHOWN
    ) -> Evidence:
        read = table.reads[name]
        theirs = self.catalog[read.table]
        version = versions[read.table]
        conditions, values, how = self._trace(table, read, row, versions, frozenset({name}))
        relation = self.engine.relation(theirs, version, self._parts(table, read, theirs, row, version))
        order = ", ".join(map(quoted, theirs.grain))
        seen = self.limit(theirs)
        text = f"SELECT *, count(*) OVER () AS n_ FROM {relation} WHERE {conditions} AND ({seen}) ORDER BY {order}"
        found = self.engine.sql(text + (f" LIMIT {limit}" if limit else ""), values)
        total = found.column("n_")[0].as_py() if found.num_rows else 0
        others = f"SELECT count(*) AS n FROM {relation} WHERE {conditions}"
        hidden = 0 if seen == ALL else self.engine.sql(others, values).column("n")[0].as_py() - total
        rows = [Row(theirs, version, values) for values in found.drop_columns(["n_"]).to_pylist()]
        return Evidence(name, theirs, version, total, rows, how, hidden)

    def _parts(self, table: Derived, read: Read, theirs: Table, row: Row, version: int) -> set[Part] | None:
        """Their partitions that can hold the rows that a row of mine came from; None is all of them."""
        mine = next((c for c in CALENDAR if c in table.grain), "")
        timed = read.trace is None or theirs.time in read.trace.values()
        if theirs.period == "all" or not mine or not timed or row[mine] is None:
            return None
        first, last = self._span(mine, row[mine])
        margin = micros_of(read.margin)
        periods = set(self.computing.calendar.covering(first - margin, last + margin, theirs.period))
        snapshot = self.lake.snapshot(theirs.name, version)
        return {part for part in (*snapshot.files, *snapshot.gone) if part.period in periods}

    def _trace(
        self, table: Derived, read: Read, row: Row, versions: Mapping[str, int], seen: frozenset[str]
    ) -> tuple[str, list[Any], str]:
        """The condition on their rows that leads back from one of mine: SQL text, its values, and in words."""
        theirs = self.catalog[read.table]
        columns = read_schema(theirs, read).names
        conditions, values, how = [], [], []
        pairs = dict(read.trace) if read.trace is not None else {c: c for c in table.grain if c in columns}
        for mine, their in pairs.items():
            if their == "zone" and row[mine] == ROOT_ZONE and not self._holds_root(theirs, versions[read.table]):
                continue  # the root zone is the whole: every zone's rows are its own
            conditions.append(f"{quoted(their)} IS NOT DISTINCT FROM ?")
            values.append(row[mine])
            how.append(f"{their} = {shown(row[mine])}")
        if read.trace is None:
            in_time = self._in_time(table, read, theirs, row, pairs)
            for sql, bound, words in (*in_time, *self._through(table, read, theirs, row, versions, seen, pairs)):
                conditions.append(sql)
                values += bound
                how.append(words)
        return " AND ".join(conditions) or "true", values, " and ".join(how) or "all rows"

    def _holds_root(self, theirs: Table, version: int) -> bool:
        text = f"SELECT 1 AS n FROM {self.engine.relation(theirs, version, columns=('zone',))} WHERE zone = ? LIMIT 1"
        return isinstance(theirs, Derived) and self.engine.sql(text, [ROOT_ZONE]).num_rows > 0

    def _in_time(
        self, table: Derived, read: Read, theirs: Table, row: Row, pairs: Mapping[str, str]
    ) -> list[tuple[str, list[Any], str]]:
        mine = next((c for c in CALENDAR if c in table.grain and c not in pairs), "")
        time = theirs.time or next((c for c in CALENDAR if c in theirs.grain), "")
        column = read.during or ((time, time) if time else None)
        if not mine or column is None or column[0] in pairs.values() or row[mine] is None:
            return []
        first, last = self._span(mine, row[mine])
        margin = micros_of(read.margin) if not read.anchored else 0
        begin, end = (self._bound(theirs, c) for c in column)
        if read.during:
            sql = f"coalesce({begin}, {first}) < {last} AND coalesce({end}, {last}) > {first}"
        elif read.anchored:
            sql = f"{begin} BETWEEN {first} - 1800000000 AND {last} + 1800000000"
        else:
            sql = f"{begin} >= {first - margin} AND {begin} < {last + margin}"
        return [(sql, [], f"{column[0]} within {mine} {shown(row[mine])}")]

    def _through(
        self,
        table: Derived,
        read: Read,
        theirs: Table,
        row: Row,
        versions: Mapping[str, int],
        seen: frozenset[str],
        pairs: Mapping[str, str],
    ) -> list[tuple[str, list[Any], str]]:
        """Where they do not have my key, the register among my reads that leads from it to theirs."""
        lacking = [c for c in table.grain if c not in pairs and c not in CALENDAR]
        found = []
        for name, other in table.reads.items():
            between = self.catalog[other.table]
            if name in seen or between.period != "all" or other.table == read.table or not isinstance(between, Written):
                continue
            names = read_schema(between, other).names
            leads = bool(other.trace) or any(c in names for c in lacking)
            link = next((c for c in between.grain if c in theirs.columns and c not in table.grain), "")
            if not leads or not link:
                continue
            sql, bound, words = self._trace(table, other, row, versions, seen | {name})
            if sql != "true":
                relation = self.engine.relation(between, versions[other.table])
                text = f"{quoted(link)} IN (SELECT {quoted(link)} FROM {relation} WHERE {sql})"
                found.append((text, bound, f"{link} of {between.name} with {words}"))
        return found

    def _span(self, grain: str, value: Any) -> tuple[int, int]:
        """First instant of an hour, day, month or year and of the next [µs UTC]."""
        if grain == "hour":
            start = int(value.timestamp() * 1e6)
            return start, start + 3_600_000_000
        if grain == "day":
            start = self.computing.calendar.instant(value)
            return start, self.computing.calendar.instant(date.fromordinal(value.toordinal() + 1))
        return self.computing.calendar.bounds(f"{value:%Y-%m}" if grain == "month" else str(value))

    def _bound(self, theirs: Table, column: str) -> str:
        """SQL text for the instant [µs UTC] at which a row's time begins."""
        kind = theirs.schema.field(column).type
        if pa.types.is_timestamp(kind):
            return f"epoch_us({quoted(column)})"
        zone = self.computing.calendar.zone.replace("'", "")
        local = f"make_date({quoted(column)}::INTEGER, 1, 1)" if pa.types.is_integer(kind) else quoted(column)
        return f"epoch_us(timezone('{zone}', {local}::TIMESTAMP))"


def address(table: Table, column: str, key: Mapping[str, Any]) -> str:
    """The address of a cell."""
    return "/".join([f"{table.name}.{column}", *(f"{name}={quote(shown(key[name]), safe='')}" for name in table.grain)])


def shown(value: Any) -> str:
    """A key's value as it stands in an address."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return "" if value is None else str(value)


def parsed(text: str, tables: Mapping[str, Table]) -> tuple[Table, str, dict[str, Any], int | None]:
    """Table, column, key and version of an address. Raises NoFigure with what is wrong."""
    body, _, at = text.partition("@")
    head, *pairs = body.strip("/").split("/")
    name, _, column = head.rpartition(".")
    table = tables.get(name)
    if table is None or column not in table.columns or (at and not (at.isascii() and at.isdigit())):
        raise NoFigure(f"{text[:120]!r} is not the address of a figure")
    key: dict[str, Any] = {}
    for pair in pairs:
        field_name, given, value = pair.partition("=")
        if not given or field_name not in table.grain:
            raise NoFigure(f"{pair[:60]!r} is not a key of {table.name}: {', '.join(table.grain)}")
        key[field_name] = _typed(unquote(value), table.schema.field(field_name).type, pair)
    if len(key) != len(table.grain):
        raise NoFigure(f"{table.name} needs {', '.join(table.grain)}")
    return table, column, key, int(at) if at else None


def _typed(value: str, kind: pa.DataType, pair: str) -> Any:
    if value == "":
        return None
    try:
        if pa.types.is_integer(kind):
            return int(value)
        if pa.types.is_date32(kind):
            return date.fromisoformat(value)
        if pa.types.is_timestamp(kind):
            moment = datetime.fromisoformat(value)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except ValueError:
        raise NoFigure(f"{pair[:60]!r} cannot be read") from None
    return value
