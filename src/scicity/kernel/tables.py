"""Declared tables: what a domain says of each table once, and everything else is worked out from.

A *source* is a table whose rows people wrote (a register, a factor table, statements): a file in the district's folder.
A *recorded* table is what people entered or decided on a page (a budget, a measure): `records` publishes it.
A *derived* table is a function of other tables. A *reading* table holds what one observed property's devices sent, a *layer*
the features of one layer of the map.
Names are `<domain>.<table>`; a column is a term of the vocabulary; reading a table by its name is the lineage.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal

import pyarrow as pa

from scicity.vocabulary import layer_names, term

Period = Literal["day", "month", "year", "all"]

READING_PREFIX = "reading."
READING_COLUMNS = ("datastream", "time", "value", "revision", "batch", "arrived")
LAYER_PREFIX = "layer."
LAYER_COLUMNS = (
    *("feature", "name_zh", "name_en", "feature_class", "stratum", "elevation", "height", "depth", "valid_from", "valid_to"),
    *("restricted_to", "details", "geometry", "origin", "source", "digest"),
)
# Where a row of a source stands; kept beside every row so that each figure can end at a line of a file.
PLACE = pa.schema([("source_file", pa.string()), ("source_row", pa.int64())])


class TableError(Exception):
    """A declaration that cannot be: an unknown term, a doubled name, a circle."""


@dataclass(frozen=True)
class Read:
    """How a derived table reads another.

    `columns`: only these (a change elsewhere in the row touches nothing). `margin`: rows this far outside of the
    partition are read too; with `anchored`, so far beyond the nearest row of each key, however far away that is.
    `key`, `during`: columns of the *read* table that say which key and which time a row is about, so that a changed row
    touches only the partitions concerned. With `makes`, the rows of a register make the partitions of their time, also where
    nothing else is. `trace`: column pairs (mine, theirs) that lead from a row to the rows it came
    from; without it, columns of the same name do.

    `near` of an anchored read of readings: rows beyond this margin change nothing for the datastreams that `calm` answers for,
    so that they are neither read nor healed for. It is asked with a row of `stored.EXTENTS` for each datastream, of its
    readings at least a `margin` around; the registers that the table reads, by name; and the stretch of time [µs UTC].
    """

    table: str
    columns: tuple[str, ...] = ()
    margin: timedelta = timedelta(0)
    anchored: bool = False
    key: str = ""
    during: tuple[str, str] | None = None
    trace: Mapping[str, str] | None = None
    makes: bool = field(default=False, repr=False)  # not in a digest: it changes no row, as the two that follow
    near: timedelta = field(default=timedelta(0), repr=False)
    calm: Callable[[pa.Table, Mapping[str, pa.Table], int, int], Any] | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class Table:
    """What every table declares: its columns (terms), its grain (the columns that name a row), its partition."""

    kind: ClassVar[str] = "reading"

    name: str
    columns: tuple[str, ...]
    grain: tuple[str, ...]
    period: Period = "all"
    fine: Period | None = None  # the period in a district of so many meters that it keeps its lake by days
    time: str = ""  # the date or instant column whose local date gives the period
    key: str = ""  # the column whose hash gives the bucket
    title_zh: str = ""
    title_en: str = ""
    doc: str = ""

    def __post_init__(self) -> None:
        for column in (*self.columns, *self.grain):
            try:
                term(column)
            except LookupError as error:
                raise TableError(f"{self.name}: {error}") from None
        reserved = sorted({"period", "bucket"} & set(self.columns))
        if reserved:
            raise TableError(f"{self.name}: {', '.join(reserved)} name the lake's partitions and cannot be columns")
        missing = [c for c in (*self.grain, self.time, self.key) if c and c not in self.columns]
        if missing:
            raise TableError(f"{self.name}: {', '.join(missing)} not among its columns")
        if (self.period == "all") != (not self.time):
            raise TableError(f"{self.name}: a period goes with the column `time` that gives it")

    @cached_property
    def schema(self) -> pa.Schema:
        """The Arrow schema of the columns, in their declared order."""
        return pa.schema([(column, term(column).arrow) for column in self.columns])

    @property
    def domain(self) -> str:
        """The first part of the name."""
        return self.name.split(".", 1)[0]


@dataclass(frozen=True, kw_only=True)
class Written(Table):
    """A table whose rows people wrote, each with its place: a file and its line, or the records and the number there."""

    during: tuple[str, str] | None = None

    @cached_property
    def schema(self) -> pa.Schema:
        """The declared columns, then the file and line that each row stands in."""
        schema = super().schema
        for place in PLACE:
            schema = schema.append(place)
        return schema


@dataclass(frozen=True, kw_only=True)
class Source(Written):
    """A table read from files of the district's folder (`path` is a glob), or from files that a domain brings (`packaged`).

    `optional` columns may be missing or empty; `references` maps a column to the `table.column` that must hold its
    value; `choices` limits a column's values; `during` names the two columns of a row's validity, which may not overlap
    between rows of one `key_of_period`. `parse` turns a file that is not CSV into rows. `check` adds the domain's own rules.
    """

    kind: ClassVar[str] = "source"

    path: str
    optional: tuple[str, ...] = ()
    references: Mapping[str, str] = field(default_factory=dict)
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    key_of_period: tuple[str, ...] = ()
    packaged: Path | None = None
    parse: Callable[..., list[dict[str, Any]]] | None = None
    check: Callable[..., None] | None = None


@dataclass(frozen=True, kw_only=True)
class Recorded(Written):
    """A table that a model's records are published to (`records.Record.TABLE`), anew as a whole at each change."""

    kind: ClassVar[str] = "recorded"


@dataclass(frozen=True, kw_only=True)
class Layer(Written):
    """A table of the features of one layer of the map: read from a file, and edited by people where it may be."""

    kind: ClassVar[str] = "layer"


@dataclass(frozen=True, kw_only=True)
class Derived(Table):
    """A table that is a function of others: an Ibis expression, or a method mapped over the partitions as Arrow tables."""

    kind: ClassVar[str] = "derived"

    function: Callable[..., Any]
    reads: Mapping[str, Read]
    by_partition: bool = False

    @cached_property
    def code(self) -> str:
        """A digest of everything that decides the result besides the data: declaration, function, the domain's methods."""
        digest = hashlib.sha256(repr((self.columns, self.grain, self.period, self.time, self.key)).encode())
        digest.update(repr(sorted((name, repr(read)) for name, read in self.reads.items())).encode())
        home = Path(inspect.getfile(self.function))
        for file in (home, *sorted((home.parent / "methods").glob("*.py"))):
            digest.update(file.read_bytes())
        return digest.hexdigest()[:16]


def source(name: str, **declared: Any) -> Source:
    """Declares a source; `declared` as the fields of `Source`. With `packaged=__file__` its files lie beside that module."""
    packaged = declared.pop("packaged", None)
    declared["columns"] = tuple(declared["columns"])
    declared["grain"] = tuple(declared["grain"])
    return Source(name=name, packaged=Path(packaged).parent if packaged else None, **declared)


def recorded(name: str, **declared: Any) -> Recorded:
    """Declares a table of records; `declared` as the fields of `Recorded`."""
    declared["columns"], declared["grain"] = tuple(declared["columns"]), tuple(declared["grain"])
    return Recorded(name=name, **declared)


def derived(
    *,
    reads: Mapping[str, Read | str],
    columns: Iterable[str],
    grain: Iterable[str],
    name: str = "",
    **declared: Any,
) -> Callable[[Callable[..., Any]], Derived]:
    """Declares a derived table; the decorated function's parameters are the names in `reads`.

    The name is `<domain>.<function>`. With `by_partition=True` the function takes the `Part` first, then Arrow tables.
    """

    def declare(function: Callable[..., Any]) -> Derived:
        home = function.__module__.split(".")
        domain = home[home.index("domains") + 1] if "domains" in home else home[-1]
        return Derived(
            name=name or f"{domain}.{function.__name__}",
            columns=tuple(columns),
            grain=tuple(grain),
            function=function,
            reads={key: read if isinstance(read, Read) else Read(read) for key, read in reads.items()},
            doc=inspect.getdoc(function) or "",
            **declared,
        )

    return declare


def reading_table(observed_property: str) -> Table:
    """The table of the readings of one observed property (a term); one row per reading that arrived, never changed."""
    return Table(
        name=READING_PREFIX + term(observed_property).term,
        columns=READING_COLUMNS,
        grain=("datastream", "time"),
        period="month",
        time="time",
        doc=f"Readings of {term(observed_property).en}, in {term(observed_property).symbol or 'no unit'}.",
    )


def layer_table(layer: str, title_zh: str = "", title_en: str = "", doc: str = "") -> Layer:
    """The table of a layer; one row per feature. A district that has no such layer has it without rows."""
    return Layer(
        name=LAYER_PREFIX + layer,
        columns=LAYER_COLUMNS,
        grain=("feature",),
        title_zh=title_zh or layer_names().get(layer, (layer,))[0],
        title_en=title_en or layer_names().get(layer, (layer,))[-1],
        doc=doc or f"Features of the layer {layer}.",
    )


class Catalog:
    """All tables of a set of domains, in an order in which each stands behind what it reads."""

    def __init__(self, tables: Iterable[Table]) -> None:
        self.tables: dict[str, Table] = {}
        for table in tables:
            if self.tables.setdefault(table.name, table) is not table:
                raise TableError(f"{table.name} is declared twice")
        for table in list(self.tables.values()):
            for read in getattr(table, "reads", {}).values():
                if read.table not in self.tables:
                    self.tables[read.table] = _of_the_district(table, read.table)
            reads = [self.tables[read.table] for read in getattr(table, "reads", {}).values()]
            made = any(read.makes for read in getattr(table, "reads", {}).values())
            if reads and not made and table.period != "all" and all(theirs.period == "all" for theirs in reads):
                raise TableError(f"{table.name} has periods, but reads no table that has any")
            for read in getattr(table, "reads", {}).values():
                unknown = set(read.columns) - set(self.tables[read.table].schema.names)
                if unknown:
                    raise TableError(f"{table.name} reads {', '.join(sorted(unknown))} of {read.table}, which has none")

    def __getitem__(self, name: str) -> Table:
        try:
            return self.tables[name]
        except KeyError:
            raise LookupError(f"no table is called {name!r}; `scicity tables` lists them") from None

    @property
    def sources(self) -> list[Source]:
        """The sources, by name."""
        return sorted((t for t in self.tables.values() if isinstance(t, Source)), key=lambda t: t.name)

    @property
    def layers(self) -> list[Layer]:
        """The layers of the map, by name."""
        return sorted((t for t in self.tables.values() if isinstance(t, Layer)), key=lambda t: t.name)

    @cached_property
    def derived(self) -> list[Derived]:
        """The derived tables, each behind all that it reads. Raises TableError where they form a circle."""
        ordered: dict[str, Derived] = {}

        def place(table: Table, path: tuple[str, ...]) -> None:
            if table.name in path:
                raise TableError("tables read each other in a circle: " + " → ".join((*path, table.name)))
            if isinstance(table, Derived) and table.name not in ordered:
                for read in table.reads.values():
                    place(self.tables[read.table], (*path, table.name))
                ordered[table.name] = table

        for name in sorted(self.tables):
            place(self.tables[name], ())
        return list(ordered.values())

    @cached_property
    def waves(self) -> list[list[Derived]]:
        """The derived tables in groups: each group reads earlier ones alone, so that its tables can be computed at once."""
        depth: dict[str, int] = {}
        for table in self.derived:
            depth[table.name] = 1 + max((depth.get(read.table, -1) for read in table.reads.values()), default=-1)
        return [[t for t in self.derived if depth[t.name] == level] for level in range(max(depth.values(), default=-1) + 1)]

    def below(self, name: str) -> set[str]:
        """A table and every table that it depends on, near or far."""
        found = {name}
        for table in reversed(self.derived):
            if table.name in found:
                found |= {read.table for read in table.reads.values()}
        return found

    def above(self, name: str) -> set[str]:
        """The derived tables that depend on a table, near or far."""
        found: set[str] = set()
        for table in self.derived:
            if any(read.table == name or read.table in found for read in table.reads.values()):
                found.add(table.name)
        return found


def _of_the_district(table: Table, name: str) -> Table:
    """What a table reads that no domain declares: the readings of a property, or a layer."""
    if name.startswith(READING_PREFIX):
        return reading_table(name.removeprefix(READING_PREFIX))
    if name.startswith(LAYER_PREFIX):
        return layer_table(name.removeprefix(LAYER_PREFIX))
    raise TableError(f"{table.name} reads {name}, which no domain declares")


def discover(package: str = "scicity.domains", *, district: Any = None) -> Catalog:
    """Finds every table that a module `tables` of a subpackage declares, and those that its `tables_of(district)` makes."""
    found: list[Table] = []
    root = importlib.import_module(package)
    for module_info in pkgutil.iter_modules(root.__path__, package + "."):
        if importlib.util.find_spec(f"{module_info.name}.tables") is None:
            continue
        module = importlib.import_module(f"{module_info.name}.tables")
        found += [value for value in vars(module).values() if isinstance(value, Table)]
        if district is not None and hasattr(module, "tables_of"):
            found += module.tables_of(district)
    from scicity.kernel.district import KERNEL_SOURCES

    tables = {id(t): t for t in (*KERNEL_SOURCES, *found)}.values()
    return Catalog(finer(tables) if district is not None and district.by_days else tables)


def finer(tables: Iterable[Table]) -> list[Table]:
    """The tables as a lake by days has them: those that say a finer period are partitioned by it."""
    return [replace(table, period=table.fine) if table.fine else table for table in tables]
