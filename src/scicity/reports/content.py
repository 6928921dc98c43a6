"""The content of a report, made once for both formats and both languages: sections of cells, each number a figure.

The same lake gives the same content: what it says of time is the instant at which the tables that it read were last written.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from scicity.closing import Act
from scicity.cockpit.opening import is_figure
from scicity.kernel.lineage import ALL, Figure, Row, parsed
from scicity.reports.declared import PARTS, SECTIONS, Section, where_of
from scicity.reports.period import ROOT, NoPeriod, Period, closing_of
from scicity.reports.words import Names, Scale, marks_of, scale_of, word
from scicity.vocabulary import terms

MOST_ROWS = 20_000  # of a section; a report is for reading


@dataclass(frozen=True)
class Head:
    """The head of a column: its name in zh and en, the symbol of its unit, and whether it holds numbers."""

    zh: str
    en: str
    symbol: str
    numbers: bool


@dataclass(frozen=True)
class Cell:
    """A cell: a figure, or a text in zh and en. `sign` stands before a number that is printed as a bound, such as ≥."""

    figure: Figure | None = None
    zh: str = ""
    en: str = ""
    sign: str = ""

    def text(self, language: str) -> str:
        """Its text in a language."""
        return self.zh if language == "zh" else self.en


@dataclass(frozen=True)
class Table:
    """A section with its rows."""

    section: Section
    heads: Sequence[Head]
    rows: Sequence[Sequence[Cell]]
    left_out: bool = False

    @property
    def figures(self) -> Iterator[Figure]:
        """Its numbers, row by row."""
        return (cell.figure for row in self.rows for cell in row if cell.figure is not None)


@dataclass(frozen=True)
class Highlight:
    """A number of the first page, and that of a year before where it is known."""

    zh: str
    en: str
    figure: Figure
    before: Figure | None


@dataclass(frozen=True)
class Report:
    """A report of a period. `read` are the tables that it read, with their versions and when these were written."""

    period: Period
    names: tuple[str, str]  # of the district
    highlights: Sequence[Highlight]
    tables: Sequence[Table]
    empty: Sequence[Section]  # sections without a row of the period
    act: Act | None
    corrected: int  # closed figures of the period that are known otherwise by now
    read: Mapping[str, tuple[int, datetime]]
    at: datetime
    digest: str
    factors: Sequence[Row] = ()

    @property
    def figures(self) -> list[Figure]:
        """Every number of the report, in the order in which it stands there."""
        first = [figure for each in self.highlights for figure in (each.figure, each.before) if figure is not None]
        return first + [figure for table in self.tables for figure in table.figures]

    @property
    def stand_ins(self) -> int:
        """How many of its numbers stand on data of another place."""
        return sum("stand-in" in marks_of(figure) for figure in self.figures)

    def of(self, part: str) -> list[Table]:
        """The tables of a part."""
        return [table for table in self.tables if table.section.part == part]

    def unverified(self) -> list[Row]:
        """What was computed with factors whose document nobody has seen: rows of the factors in use."""
        return [row for row in self.factors if row.get("review") == "unverified"]


def scales_of(table: Table, language: str) -> list[Scale]:
    """How the columns of a section are written; those of one unit alike, to be compared."""
    symbols = [head.symbol for head in table.heads]
    places: dict[str, list[int]] = {}
    for at, symbol in enumerate(symbols):
        places.setdefault(symbol, []).append(at)
    scales = {
        symbol: scale_of((row[at].figure for row in table.rows for at in where), symbol, language)
        for symbol, where in places.items()
    }
    return [scales[symbol] for symbol in symbols]


def address_of(figure: Figure) -> str:
    """The address under which a number of a report opens: of the version that was printed, or as its period was closed."""
    return figure.address if figure.closed else f"{figure.address}@{figure.version}"


def made(city: Any, period: Period, domains: Collection[str] | None = None) -> Report:
    """The report of a period, of the tables of some domains alone or of all. Raises NoPeriod where there is no energy of it."""
    names = Names.read(city)
    zones = [name for name in names.of.get("zone", {}) if name != ROOT]
    tables, empty, factors = [], [], []
    read: dict[str, tuple[int, datetime]] = {}
    for section in SECTIONS:
        if period.kind not in section.of or not _allowed(section, domains):
            continue
        rows = rows_of(city, section, period, zones)
        if rows is None:
            continue
        read[section.table] = written_of(city, section.table)
        if section.name == "factors":
            factors = rows
        if not rows:
            empty.append(section)
            continue
        tables.append(laid(section, rows, names))
    if not any(table.section.name == "energy-carriers" for table in tables):
        raise NoPeriod(f"there is no energy of {period}")
    act = closing_of(period, city.closings.closed())
    corrections = _corrections(city, act, period, names, read) if act else None
    if corrections:
        tables.append(corrections)
    moments = [written for _, written in read.values()] + ([act.at] if act else [])
    district = city.district
    return Report(
        period,
        (district.name("zh"), district.name("en")),
        _highlights(city, period, names, domains),
        sorted(tables, key=lambda table: list(PARTS).index(table.section.part)),
        empty,
        act,
        len(corrections.rows) if corrections else 0,
        dict(sorted(read.items())),
        max(moments),
        _digest(read, city.closings.acts()),
        factors,
    )


def rows_of(city: Any, section: Section, period: Period, zones: list[str]) -> list[Row] | None:
    """The rows of a section; None where the district has no such table, or one without the columns that are asked for."""
    table = city.figures.catalog.tables.get(section.table)
    if table is None or city.figures.lake.snapshot(section.table).version < 0:
        return None
    where = where_of(section, period, zones)
    needed = {*where, *(section.during or ()), *(section.columns if section.by else ())}
    shown = [name for name in section.columns if name in table.columns]
    if not needed <= set(table.columns) or not any(is_figure(table.grain, name) for name in shown):
        return None
    columns = [*table.columns]  # of a row every column: coverage, origin and unit tell about its numbers
    order = [name for name in section.order or section.columns if name in table.grain]
    order += [name for name in table.grain if name not in order]
    rows = city.figures.rows(section.table, columns, where, order, limit=MOST_ROWS + 1)
    if section.during:
        begin, end = section.during
        rows = [row for row in rows if _touches(row[begin], row[end], period)]
    if "zone" in table.grain:
        rows = sorted(rows, key=lambda row: row["zone"] != ROOT)  # the whole first
    return rows


# The numbers of the first page: section, column, and the key by which its rows are told apart.
HIGHLIGHTS = (
    ("energy-carriers", "energy", "carrier"),
    ("standard-coal", "standard_coal", ""),
    ("emission-zones", "emission", ""),
    ("emission-zones", "emission_intensity", ""),
)


def _highlights(city: Any, period: Period, names: Names, domains: Collection[str] | None) -> list[Highlight]:
    """Energy by carrier, standard coal and emissions of the whole district, each beside that of a year before."""
    found = []
    for name, column, key in HIGHLIGHTS:
        section = next((each for each in SECTIONS if each.name == name and period.kind in each.of), None)
        if section is None or column not in section.columns or not _allowed(section, domains):
            continue
        now, before = (rows_of(city, section, each, []) or [] for each in (period, period.before))
        earlier = {_key(row): row.figure(column) for row in before if row[column] is not None}
        for row in now:
            if row.get("zone", ROOT) != ROOT or row[column] is None:
                continue
            said = [word(column, language) for language in ("zh", "en")]
            if key:
                said = [
                    f"{whose}：{each}" if at == 0 else f"{whose}: {each}"
                    for at, (whose, each) in enumerate(zip(names.pair(key, row[key]), said, strict=True))
                ]
            found.append(Highlight(*said, row.figure(column), earlier.get(_key(row))))
    return found


def _key(row: Row) -> tuple[Any, ...]:
    """What tells a row from the others of its period."""
    return tuple(row[name] for name in row.table.grain if name not in ("year", "month"))


def _touches(begin: date | None, end: date | None, period: Period) -> bool:
    return (begin is None or begin <= period.last) and (end is None or end >= period.first)


def _shown(section: Section, rows: Sequence[Row]) -> list[str]:
    """The columns of a section that its rows have and that say anything."""
    table = rows[0].table
    there = [name for name in section.columns if name in table.columns]
    return [name for name in there if name in table.grain or any(row.get(name) is not None for row in rows)]


def head_of(name: str, symbol: str | None = None, numbers: bool = False) -> Head:
    known = terms().get(name)
    own = (known.symbol or known.unit if known else "") if symbol is None else symbol
    return Head(word(name, "zh"), word(name, "en"), own if numbers and own not in ("1", "one") else "", numbers)


def _cell(row: Row, name: str, names: Names) -> Cell:
    if is_figure(row.table.grain, name):
        return Cell(row.figure(name))
    value = f"{row[name]}/{row['emission_scope']}" if name == "gpc_sector" and "emission_scope" in row else row[name]
    zh, en = names.pair(name, value)
    return Cell(None, zh, en)


def laid(section: Section, rows: Sequence[Row], names: Names) -> Table:
    """Rows of a section as its table: as they stand, or crossed by one of their keys."""
    return _crossed(section, rows, names) if section.by else _listed(section, rows, names)


def _listed(section: Section, rows: Sequence[Row], names: Names) -> Table:
    """Rows as they stand."""
    columns = _shown(section, rows)
    grain = rows[0].table.grain
    heads = [head_of(name, None, is_figure(grain, name)) for name in columns]
    kept = rows[:MOST_ROWS]
    return Table(section, heads, [[_cell(row, name, names) for name in columns] for row in kept], len(rows) > MOST_ROWS)


def _crossed(section: Section, rows: Sequence[Row], names: Names) -> Table:
    """Rows whose key `by` becomes columns."""
    key, value = section.columns[0], section.columns[-1]
    across = list(dict.fromkeys(row[section.by] for row in rows))
    down = list(dict.fromkeys(row[key] for row in rows))
    at = {(row[key], row[section.by]): row for row in rows}
    heads = [head_of(key)]
    for each in across:
        zh, en = names.pair(section.by, each)
        heads.append(Head(zh, en, terms()[value].symbol, True))
    lines = []
    for each in down:
        zh, en = names.pair(key, each)
        found = [at.get((each, other)) for other in across]
        lines.append([Cell(None, zh, en), *(Cell(row.figure(value)) if row else Cell(None, "—", "—") for row in found)])
    return Table(section, heads, lines)


CORRECTIONS = Section(
    "corrections",
    "factors",
    "关账后的更正",
    "Corrections since the closing",
    "",
    (),
    note=(
        "关账值不变；此后已知的数值并列于此，点开可见其由来。",
        "What was closed stays; what is known by now stands beside it, and each opens.",
    ),
)


def _allowed(section: Section, domains: Collection[str] | None) -> bool:
    return domains is None or section.table.partition(".")[0] in domains


def _corrections(city: Any, act: Act, period: Period, names: Names, read: Collection[str]) -> Table | None:
    """The closed figures of the period that are known otherwise by now."""
    rows = []
    for each in sorted(city.closings.standing(act).values(), key=lambda found: (found.table, found.address)):
        table, column, key, _ = parsed(each.address, city.figures.catalog.tables)
        if table.name not in read:
            continue  # of what the report does not show it tells nothing
        if city.figures.limit(table) != ALL and not city.figures.rows(table.name, where=key, limit=1):
            continue  # nor of what its reader may not see
        when = key.get("month") or key.get("day")
        if when is not None and not period.first <= when <= period.last:
            continue
        if period.number and when is None:
            continue  # a year's figure has no place in a month's report
        zh, en = ("，".join(names.pair(name, value)[at] for name, value in key.items()) for at in (0, 1))
        version = getattr(act, "tables", {}).get(each.table, 0)
        before = Figure(each.address, table.name, column, key, each.before, each.symbol, version, closed=act.period)
        after = Figure(each.address, table.name, column, key, each.after, each.symbol, each.version)
        title = Cell(None, f"{table.title_zh or table.name}：{zh}", f"{table.title_en or table.name}: {en}")
        rows.append([title, Cell(None, word(column, "zh"), word(column, "en")), Cell(before), Cell(after)])
    heads = [
        Head("指标值", "Figure", "", False),
        Head("列", "Column", "", False),
        Head("关账值", "As closed", "", True),
        Head("现值", "As known now", "", True),
    ]
    return Table(CORRECTIONS, heads, rows[:MOST_ROWS], len(rows) > MOST_ROWS) if rows else None


def written_of(city: Any, table: str) -> tuple[int, datetime]:
    """The version of a table and when it was written."""
    lake = city.figures.lake
    version = lake.snapshot(table).version
    commit = next(iter(lake.newest_first(table, version)), None)
    at = commit.at if commit else 0
    return version, datetime.fromtimestamp(at // 1000, UTC)


def _digest(read: Mapping[str, tuple[int, datetime]], acts: Sequence[Act]) -> str:
    """One short text for the state of all that was read."""
    told = "\n".join(f"{name} {version} {at.isoformat()}" for name, (version, at) in sorted(read.items()))
    return hashlib.sha256(f"{told}\n{acts[-1].digest if acts else ''}".encode()).hexdigest()[:12]
